"""Calls go to the address that was named, within their time, and leave nothing in logs."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from guardrails.errors import DeadlineExceeded, GuardrailsError, Overloaded, RemoteFailed
from guardrails.inference.remote import Endpoint, opened
from guardrails.inference.remote.addresses import in_clear, refused
from guardrails.inference.remote.calling import Caller
from tests.remote.servers import Server, Vllm, serving

KEY = "sk-Zq81xkPw"


@pytest.fixture
def server() -> Iterator[Server]:
    with serving(Vllm()) as found:
        yield found


def at(server: Server, **more: Any) -> Endpoint:
    return replace(Endpoint("vllm", server.url, "org/toxic", classes=("neutral", "toxic")), **more)


def test_no_redirect_is_followed(server: Server) -> None:
    other = Server(lambda *_: (200, {}))

    def moved(path: str, body: Any) -> tuple[int, Any]:
        return 307, {}

    with serving(moved) as here, pytest.raises(RemoteFailed, match="answered 307"):
        opened(at(here)).score("calm", 5)
    assert other.calls == []
    other.stop()


def test_no_proxy_of_the_environment_is_used(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(lambda *_: (200, {})) as proxy:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, proxy.url)
        opened(at(server)).score("calm", 5)
        assert (len(server.calls), proxy.calls) == (1, [])


def test_the_key_travels_in_one_header_and_is_shown_nowhere(
    server: Server, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    monkeypatch.setenv("GUARDRAILS_API_KEY_X", KEY)
    endpoint = at(server, key_env="GUARDRAILS_API_KEY_X")
    caller = Caller(endpoint)
    backend = opened(endpoint)
    backend.score("calm", 5)
    assert server.headers[0]["authorization"] == f"Bearer {KEY}"
    server.trouble = "refusal"
    with pytest.raises(RemoteFailed) as caught:
        backend.score("calm", 5)
    assert KEY not in caplog.text + repr(caller) + repr(backend) + repr(endpoint) + str(caught.value)


def test_a_key_that_is_not_set(server: Server) -> None:
    with pytest.raises(GuardrailsError, match="GUARDRAILS_API_KEY_NONE"):
        opened(at(server, key_env="GUARDRAILS_API_KEY_NONE"))


def test_a_key_is_not_sent_in_the_clear(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GUARDRAILS_API_KEY_X", KEY)
    with pytest.raises(GuardrailsError, match="use https"):
        opened(at(server, url="http://models.internal:8000", key_env="GUARDRAILS_API_KEY_X"))


@pytest.mark.parametrize(
    ("url", "fine"),
    [
        ("http://127.0.0.1:8000", True), ("https://models.internal/base", True), ("ftp://x", False), ("models:8000", False),
        ("http://me:secret@models", False), ("http://@models", False), ("https://models/?key=1", False), ("https://models/#x", False),
        ("http://[::1", False), ("http://models:port", False), ("file:///etc/passwd", False), ("", False),
    ],
)  # fmt: skip
def test_addresses(url: str, fine: bool) -> None:
    assert (refused(url) is None) is fine


def test_what_can_be_read_on_the_way() -> None:
    assert in_clear("http://models.internal")
    assert not in_clear("https://models.internal")
    assert not in_clear("http://[::1]:8000")


def test_an_answer_that_dribbles_is_late(server: Server) -> None:
    server.trouble = "dribble"
    with pytest.raises(DeadlineExceeded):  # all of it would take 15 seconds
        opened(at(server, timeout=0.3)).score("calm", 5)


def test_no_time_is_no_call(server: Server) -> None:
    with pytest.raises(DeadlineExceeded):
        opened(at(server)).score("calm", -1)
    assert server.calls == []


def test_a_large_answer_is_not_read_to_its_end(server: Server) -> None:
    with serving(lambda *_: (200, ["x" * 1000] * 5000)) as large, pytest.raises(RemoteFailed, match="bytes"):
        opened(at(large)).score("calm", 5)


@pytest.mark.parametrize("status", [429, 503])
def test_a_busy_server_is_overload(status: int) -> None:
    with serving(lambda *_: (status, {})) as busy, pytest.raises(Overloaded):
        opened(at(busy)).score("calm", 5)


def test_after_five_failures_it_is_left_alone(server: Server) -> None:
    backend = opened(at(server))
    server.trouble = "refusal"
    for _ in range(5):
        with pytest.raises(RemoteFailed):
            backend.score("calm", 5)
    with pytest.raises(RemoteFailed, match="asked again later"):
        backend.score("calm", 5)
    assert len(server.calls) == 5


def test_a_deadline_of_ours_is_no_failure_of_the_server(server: Server) -> None:
    backend = opened(at(server))
    server.trouble = "silence"
    for _ in range(6):
        with pytest.raises(DeadlineExceeded):
            backend.score("calm", 0.02)
    server.trouble = ""
    assert backend.score("calm", 5)


def test_the_calls_of_a_minute(server: Server) -> None:
    backend = opened(at(server, calls_per_minute=2))
    backend.score("calm", 5)
    backend.score("calm", 5)
    with pytest.raises(Overloaded, match="this minute"):
        backend.score("calm", 5)
    assert len(server.calls) == 2
