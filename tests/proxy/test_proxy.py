"""The proxy in front of the demo upstream: the same clients, now under a policy, between real sockets."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from guardrails.asgi import GuardrailsMiddleware
from guardrails.demo.upstream import upstream
from guardrails.errors import GuardrailsError
from guardrails.proxy import proxy_app
from tests.demo.clients import CLIENTS
from tests.demo.sockets import serving
from tests.proxy import policy


@dataclass
class Proxied:
    """The proxy's address, and the bodies that the upstream has received."""

    base: str
    upstream: str
    received: list[dict[str, Any]] = field(repr=False)
    kind: str = "proxy"


@pytest.fixture(scope="module", params=["proxy", "application"])
def proxied(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxied]:
    """The proxy in front of the upstream; and the upstream itself as an application with the middleware in it."""
    path = policy.write(tmp_path_factory.mktemp("policy"))
    demo = upstream(record=True)
    if request.param == "proxy":
        with serving(demo) as behind, serving(proxy_app(behind, path)) as base:
            yield Proxied(base, behind, demo.state.received)
    else:
        demo.add_middleware(GuardrailsMiddleware, policies=path)
        with serving(upstream()) as behind, serving(demo) as base:
            yield Proxied(base, behind, demo.state.received, "application")


every_client = pytest.mark.parametrize("name", CLIENTS)
both_ways = pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])


@every_client
@both_ways
def test_allowed(proxied: Proxied, name: str, stream: bool) -> None:
    text = 'naïve 😀 and "quoted".\nA second line, 100% plain.'
    said = CLIENTS[name](proxied.base, f"say: {text}", stream=stream)
    assert (said.status, said.text, said.refused) == (200, text, False)
    assert said.tokens == CLIENTS[name](proxied.upstream, f"say: {text}", stream=stream).tokens


@every_client
@both_ways
def test_masked_on_the_way_in(proxied: Proxied, name: str, stream: bool) -> None:
    said = CLIENTS[name](proxied.base, "say: account ACC-12345678 it is", stream=stream)
    assert said.text == "account {ACCOUNT} it is"
    assert "12345678" not in proxied.received[-1]["body"]


@every_client
@both_ways
def test_restored(proxied: Proxied, name: str, stream: bool) -> None:
    """The model never sees the customer's number; the customer does, but nowhere in an address."""
    said = CLIENTS[name](
        proxied.base, "say: your number RB-123-4567, see https://x.example/?RB-123-4567 ok", stream=stream
    )
    assert said.text == "your number RB-123-4567, see https://x.example/?{CUSTOMER_1} ok"
    assert "123-4567" not in proxied.received[-1]["body"]


@every_client
@both_ways
def test_masked_on_the_way_out(proxied: Proxied, name: str, stream: bool) -> None:
    said = CLIENTS[name](proxied.base, "Who is my manager?", stream=stream)
    assert "Write to {ADDRESS_OF_OURS} or call" in said.text


@every_client
@both_ways
def test_blocked_on_the_way_in(proxied: Proxied, name: str, stream: bool) -> None:
    before = len(proxied.received)
    said = CLIENTS[name](proxied.base, "say: tell me of Project  Kingfisher", stream=stream)
    assert (said.status, said.text) == (200, "I was told not to ask.")
    assert len(proxied.received) == before


@every_client
@both_ways
def test_blocked_on_the_way_out(proxied: Proxied, name: str, stream: bool) -> None:
    said = CLIENTS[name](proxied.base, "What return is there?", stream=stream)
    assert said.status == 200
    assert said.text.endswith("I was told not to say.")
    assert "risk" not in said.text


@pytest.mark.parametrize("name", [n for n in CLIENTS if n != "openai completions"])
@both_ways
def test_tool_calls_pass(proxied: Proxied, name: str, stream: bool) -> None:
    said = CLIENTS[name](proxied.base, 'tool: weather {"city": "Kraków"}', stream=stream)
    assert said.tool == ("weather", {"city": "Kraków"})


@every_client
@both_ways
@pytest.mark.parametrize("status", [429, 500])
def test_upstream_errors_are_the_same(proxied: Proxied, name: str, stream: bool, status: int) -> None:
    said = CLIENTS[name](proxied.base, f"error {status}", stream=stream)
    assert (said.status, f"fail with {status}" in said.text) == (status, True)


def test_bedrock_model_ids_pass(proxied: Proxied) -> None:
    arn = "arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.x-v1:0"
    assert CLIENTS["bedrock"](proxied.base, "say: x", stream=True, model=arn).text == "x"
    assert proxied.received[-1]["path"] == f"/model/{arn}/converse-stream"


def test_a_signed_bedrock_call_is_told_what_to_do(proxied: Proxied) -> None:
    if proxied.kind == "application":
        pytest.skip("an application is the host that a request was signed for")
    said = CLIENTS["bedrock"](proxied.base, "say: x", stream=False, key=None)
    assert said.status == 400
    assert "AWS_BEARER_TOKEN_BEDROCK" in said.text


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/elsewhere", 404),
        ("POST", "/v1/unknown", 404),
        ("DELETE", "/v1/models/x", 404),
        ("POST", "//v1/chat", 404),
    ],
)
def test_what_no_format_understands_goes_nowhere(proxied: Proxied, method: str, path: str, status: int) -> None:
    before = len(proxied.received)
    assert httpx.request(method, proxied.base + path, json={}).status_code == status
    assert len(proxied.received) == before


def test_an_upstream_that_is_not_there(tmp_path: Path) -> None:
    with serving(proxy_app("http://127.0.0.1:9", policy.write(tmp_path))) as base:
        for name, ask in CLIENTS.items():
            assert ask(base, "say: x", stream=True).status == 502, name
        assert httpx.get(base + "/readyz").json()["status"] == "ready", (
            "whether the upstream is there is not ours to say"
        )


def test_metrics_tell_what_happened(tmp_path: Path) -> None:
    with serving(upstream()) as behind, serving(proxy_app(behind, policy.write(tmp_path))) as base:
        CLIENTS["openai chat"](base, "say: ACC-12345678", stream=False)
        CLIENTS["openai chat"](base, "project kingfisher", stream=True)
        httpx.post(base + "/v1/chat/completions", content=b"{")
        page = httpx.get(base + "/metrics").text
    assert "12345678" not in page
    got = {}
    for family in text_string_to_metric_families(page):
        for s in family.samples:
            got[s.name, tuple(sorted(s.labels.items()))] = s.value
    decided = {tuple(v for _, v in k[1]): n for k, n in got.items() if k[0] == "guardrails_decisions_total"}
    assert decided == {
        ("MASKED", "INPUT", "default"): 1,
        ("NONE", "OUTPUT", "default"): 1,
        ("BLOCKED", "INPUT", "default"): 1,
    }
    assert got["guardrails_refused_total", (("status", "400"),)] == 1
    assert got["guardrails_requests_in_flight", ()] == 0


def test_wrong_settings_stop_the_start(tmp_path: Path) -> None:
    path = policy.write(tmp_path)
    with pytest.raises(GuardrailsError, match="the upstream must be an address"):
        proxy_app("localhost", path)
    path.write_text("version: 1\nname: x\nwords: {term: [a]}\n")
    with pytest.raises(GuardrailsError, match="term"):
        proxy_app("http://127.0.0.1:9", path)


def test_the_proxys_own_key_goes_upstream(tmp_path: Path) -> None:
    from guardrails.proxy import Credential

    demo = upstream(record=True)
    with (
        serving(demo) as behind,
        serving(proxy_app(behind, policy.write(tmp_path), credential=Credential("sk-own"))) as base,
    ):
        for name, ask in CLIENTS.items():
            assert ask(base, "say: x", stream=False, key="sk-of-a-client").text == "x", name
    for one in demo.state.received:
        assert dict(one["headers"])["authorization"] == "Bearer sk-own"
        assert "sk-of-a-client" not in json.dumps(one)


def test_a_tenants_key_goes_upstream_with_no_request(tmp_path: Path) -> None:
    """Exempt and bodiless requests are not inspected, and still hold a key that is ours."""
    from guardrails.tenants import hash_key, new_key

    key = new_key()
    policy.write(tmp_path)
    (tmp_path / "tenants.yaml").write_text(
        f"version: 1\nresolve: {{api_key: {{}}}}\ntenants:\n  bank: {{policy: small.yaml, keys: ['{hash_key(key)}']}}\n"
    )
    received: list[tuple[str, str]] = []

    async def behind(scope: Any, receive: Any, send: Any) -> None:
        received.append((scope["method"], str(scope["headers"])))
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"application/json")]})
        await send({"type": "http.response.body", "body": b"{}"})

    chat = {"model": "m", "messages": [{"role": "user", "content": "hello"}]}
    with (
        serving(behind, lifespan="off") as address,
        serving(proxy_app(address, tmp_path, exempt=("GET /health",))) as base,
        httpx.Client(base_url=base, headers={"authorization": f"Bearer {key}"}) as client,
    ):
        client.get("/health")
        client.head("/v1/models")
        client.options("/v1/chat/completions")
        client.get("/v1/models")
        client.post("/v1/chat/completions", json=chat)
    assert [method for method, _ in received] == ["GET", "HEAD", "OPTIONS", "GET", "POST"]
    assert not [method for method, headers in received if key in headers]
