"""The command as a process: it starts, serves, logs, and ends in order."""

from __future__ import annotations

import asyncio
import datetime
import ipaddress
import json
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from guardrails.demo.upstream import upstream
from tests.demo.clients import CLIENTS
from tests.demo.sockets import listening, serving
from tests.proxy import policy
from tests.proxy.command import running
from tests.systems import needs_signals

PROXY = r"guardrails proxy: (\S+) ->"
PAGES = r"operator's pages: (\S+)"
STREAMS = 100


def body(message: str) -> dict[str, object]:
    return {"model": "m", "stream": True, "messages": [{"role": "user", "content": message}]}


class Gated:
    """An upstream whose streams say one sentence, and the rest when the gate is opened."""

    # The first part is longer than any rule reaches, so that the client has the beginning of the answer.
    TEXT = ("The first sentence ends here. " * 40, "And this is the second. ", "Nothing comes after this.")

    def __init__(self) -> None:
        self.opened = 0
        self.gate = threading.Event()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        while (await receive()).get("more_body"):
            pass
        head = [(b"content-type", b"text/event-stream")]
        await send({"type": "http.response.start", "status": 200, "headers": head})
        for number, text in enumerate(self.TEXT):
            if number == 1:
                self.opened += 1
                while not self.gate.is_set():  # another thread sets it
                    await asyncio.sleep(0.02)
            choice = {"index": 0, "delta": {"content": text}, "finish_reason": None}
            event = {"id": "x", "object": "chat.completion.chunk", "created": 0, "model": "m", "choices": [choice]}
            await send(
                {"type": "http.response.body", "body": f"data: {json.dumps(event)}\n\n".encode(), "more_body": True}
            )
        choice = {"index": 0, "delta": {}, "finish_reason": "stop"}
        end = f"data: {json.dumps({**event, 'choices': [choice]})}\n\ndata: [DONE]\n\n"
        await send({"type": "http.response.body", "body": end.encode()})


def until(true: Callable[[], Any]) -> None:
    for _ in range(6_000):
        if true():
            return
        time.sleep(0.01)
    raise AssertionError("it never happened")


@needs_signals
def test_sigterm_truncates_no_stream(tmp_path: Path) -> None:
    """A hundred streams are open when the signal comes; every one ends as its API ends, and the process with 0."""
    upstream = Gated()

    async def ask(client: httpx.AsyncClient, base: str) -> str:
        done = await client.post(base + "/v1/chat/completions", json=body("hello"))
        return done.text

    async def run(base: str, pages: str, stop: Callable[[], None]) -> tuple[list[str], list[int]]:
        limits = httpx.Limits(max_connections=None, max_keepalive_connections=0)
        async with httpx.AsyncClient(timeout=60, limits=limits, trust_env=False) as client:
            codes = [(await client.get(pages + "/readyz")).status_code]
            asked = [asyncio.create_task(ask(client, base)) for _ in range(STREAMS)]
            await asyncio.to_thread(until, lambda: upstream.opened == STREAMS)
            stop()
            while codes[-1] == 200:
                codes.append((await client.get(pages + "/readyz")).status_code)
            await asyncio.to_thread(until, lambda: refused(base))
            await asyncio.sleep(2)  # nobody is cut off early
            upstream.gate.set()
            return list(await asyncio.gather(*asked)), codes

    with serving(upstream, lifespan="off") as behind:
        args = ["--upstream", behind, "--policies", str(policy.write(tmp_path)), "--port", "0", "--admin-port", "0"]
        with running("proxy", *args, "--grace", "60") as proxy:
            base, pages = proxy.address(PROXY), proxy.address(PAGES)
            streams, codes = asyncio.run(run(base, pages, lambda: proxy.process.send_signal(signal.SIGTERM)))
            code = proxy.ended()
    assert (codes[0], codes[-1], code) == (200, 503, 0)
    for stream in streams:
        assert stream.endswith("data: [DONE]\n\n")
        events = [json.loads(line[6:]) for line in stream.split("\n\n")[:-2]]
        assert "".join(e["choices"][0]["delta"].get("content") or "" for e in events) == "".join(Gated.TEXT)
    lines = [json.loads(line) for line in proxy.out]
    assert len(lines) == 2 * STREAMS, "no decision is lost"
    assert "sentence" not in "\n".join(proxy.out + proxy.err)


def refused(base: str) -> bool:
    """Whether nobody accepts connections there any more."""
    try:
        httpx.get(base + "/healthz", trust_env=False)
    except httpx.ConnectError:
        return True
    except (httpx.ReadError, httpx.RemoteProtocolError):
        # The system had taken the connection in just before the socket closed: it is reset, and the next one is refused.
        return False
    return False


@needs_signals
def test_what_outlives_the_grace_period_is_cut_off(tmp_path: Path) -> None:
    upstream = Gated()
    caught: list[Exception] = []

    def ask(base: str) -> None:
        try:
            httpx.post(base + "/v1/chat/completions", json=body("hello"), timeout=60)
        except httpx.RemoteProtocolError as error:
            caught.append(error)

    with serving(upstream, lifespan="off") as behind:
        args = ["--upstream", behind, "--policies", str(policy.write(tmp_path)), "--port", "0", "--grace", "1"]
        with running("proxy", *args) as proxy:
            asking = threading.Thread(target=ask, args=(proxy.address(PROXY),))
            asking.start()
            until(lambda: upstream.opened)
            proxy.process.send_signal(signal.SIGTERM)
            assert proxy.ended() == 0
            asking.join(10)
            upstream.gate.set()
    assert len(caught) == 1, "the client knows that its answer is not complete"


@needs_signals
def test_the_delay_keeps_accepting_while_it_says_draining(tmp_path: Path) -> None:
    with serving(upstream()) as behind:
        args = ["--upstream", behind, "--policies", str(policy.write(tmp_path)), "--port", "0", "--drain-delay", "2"]
        with running("proxy", *args) as proxy:
            base = proxy.address(PROXY)
            proxy.process.send_signal(signal.SIGTERM)
            while httpx.get(base + "/readyz").status_code == 200:
                time.sleep(0.01)
            assert httpx.get(base + "/readyz").json()["status"] == "draining"
            assert CLIENTS["ollama"](base, "say: still here", stream=False).text == "still here"
            assert proxy.ended() == 0


@needs_signals
def test_two_signals_end_at_once(tmp_path: Path) -> None:
    with serving(upstream()) as behind:
        args = ["--upstream", behind, "--policies", str(policy.write(tmp_path)), "--port", "0", "--drain-delay", "500"]
        with running("proxy", *args) as proxy:
            proxy.address(PROXY)
            proxy.process.send_signal(signal.SIGINT)
            while not any("draining" in line for line in proxy.err):
                time.sleep(0.01)
            proxy.process.send_signal(signal.SIGINT)
            assert proxy.ended() == 0


def test_pages_of_their_own_are_not_served_to_clients(tmp_path: Path) -> None:
    with serving(upstream()) as behind:
        args = ["--upstream", behind, "--policies", str(policy.write(tmp_path)), "--port", "0", "--admin-port", "0"]
        with running("proxy", *args) as proxy:
            base, pages = proxy.address(PROXY), proxy.address(PAGES)
            for path in ("/healthz", "/readyz", "/metrics"):
                assert httpx.get(pages + path).status_code == 200
                assert httpx.get(base + path).status_code == 404


def certificate(folder: Path) -> tuple[Path, Path]:
    """A certificate for 127.0.0.1 that signs itself, and its key."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "proxy")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem, secret = folder / "cert.pem", folder / "key.pem"
    pem.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    form = serialization.PrivateFormat.PKCS8
    secret.write_bytes(key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()))
    return pem, secret


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
def test_boto3_with_a_bearer_key_over_https(tmp_path: Path, stream: bool) -> None:
    pem, secret = certificate(tmp_path)
    with serving(upstream(record=True)) as behind:
        args = ["--upstream", behind, "--policies", str(policy.write(tmp_path)), "--port", "0"]
        args += ["--tls-cert", str(pem), "--tls-key", str(secret), "--upstream-key-env", "OWN_KEY"]
        with running("proxy", *args, env={"OWN_KEY": "sk-own-and-secret"}) as proxy:
            base = proxy.address(PROXY)
            assert base.startswith("https://")
            said = CLIENTS["bedrock"](base, "say: ACC-12345678", stream=stream, key="sk-mine", verify=str(pem))
            received = httpx.get(behind + "/_received").json()
    assert said.text == "{ACCOUNT}"
    assert dict(received[0]["headers"])["authorization"] == "Bearer sk-own-and-secret"
    assert "sk-own-and-secret" not in "\n".join(proxy.out + proxy.err)


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["--upstream", "localhost"], "the upstream must be an address"),
        (["--upstream", "http://u:hunter2@127.0.0.1"], "holds a user or a key"),
        (["--upstream-key-env", "NO_SUCH_KEY"], "NO_SUCH_KEY is empty or not set"),
        (["--upstream-key-header", "x-api-key"], "there is no --upstream-key-env"),
        (["--tls-cert", "cert.pem"], "come together"),
        (["--tls-cert", "no.pem", "--tls-key", "no.pem"], "the certificate or its key cannot be used"),
        (["--policies", "no-such-policy"], "no-such-policy"),
        (["--exempt", "not a route"], "not a route"),
    ],
)
def test_what_cannot_start_exits_one_and_says_why(tmp_path: Path, args: list[str], message: str) -> None:
    defaults = ["--upstream", "http://127.0.0.1:9", "--policies", str(policy.write(tmp_path)), "--port", "0"]
    with running("proxy", *defaults, *args) as proxy:
        assert proxy.ended() == 1
    text = " ".join(" ".join(proxy.err).replace("│", " ").split())
    assert message in text
    assert "Traceback" not in text
    assert "hunter2" not in text


def test_a_port_that_is_taken_is_named(tmp_path: Path) -> None:
    with listening() as taken:
        port = str(taken.getsockname()[1])
        args = ["--upstream", "http://127.0.0.1:9", "--policies", str(policy.write(tmp_path)), "--port", port]
        with running("proxy", *args) as proxy:
            assert proxy.ended() == 1
    assert f"cannot listen on 127.0.0.1:{port}" in "\n".join(proxy.err)
