"""Headers of answers: string rules read them, and those that clients need pass."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from starlette.responses import JSONResponse, Response, StreamingResponse

from guardrails.asgi import GuardrailsMiddleware
from tests.asgi.apps import chunk, guard, whole
from tests.asgi.test_ids import Echo, at

VALUES = [
    "wvublocked",
    "see-wvublocked-here",
    "RB-123-4567",
    "card 4111-1111-1111-1111",
    "write to bob@example.com",
    "wvu%62locked",
    "a RB-123-4567 b",
]
NAMES = ["location", "set-cookie", "x-request-id", "link", "refresh", "content-disposition", "x-anything", "server", "warning", "www-authenticate", "content-language", "via", "etag-like", "x-ratelimit-policy"]  # fmt: skip


def answered(headers: dict[str, str], *, status: int = 200, stream: bool = False) -> tuple[Any, Echo]:
    body: Response
    if stream:
        body = StreamingResponse(iter([chunk({"content": "fine"}), b"data: [DONE]\n\n"]), media_type="text/event-stream", headers=headers)  # fmt: skip
    elif status == 204:
        body = Response(status_code=204, headers=headers)
    else:
        body = JSONResponse(whole("fine"), status, headers=headers)
    app = Echo(body)
    return app.post({**at("user", "u"), "stream": stream}), app


@pytest.mark.parametrize("value", VALUES)
@pytest.mark.parametrize("name", NAMES)
def test_a_header_in_which_a_rule_acts_is_left_out(name: str, value: str) -> None:
    done, app = answered({name: value, "x-other": "kept"})
    assert value not in str(done.headers)
    assert "locked" not in str(done.headers).lower().replace("blocked'", "")
    assert done.headers["x-other"] == "kept"
    assert "fine" in done.text
    assert (app.decisions[-1].action, done.headers["x-guardrails-action"]) == ("MASKED", "MASKED")
    assert app.decisions[-1].findings[0].path.startswith("(header ")


@pytest.mark.parametrize(("status", "stream"), [(204, False), (200, True), (404, False), (302, False)])
def test_in_answers_of_every_kind(status: int, stream: bool) -> None:
    done, _ = answered({"x-a": "wvublocked", "location": "/wvublocked"}, status=status, stream=stream)
    assert "wvublocked" not in str(done.headers)


@pytest.mark.parametrize("status", [204, 205, 304])
@pytest.mark.parametrize(
    "given",
    [
        ["NONE"],
        [""],
        ["-1"],
        ["1e3"],
        ["0x10"],
        ["12 bytes"],
        ["wvublocked"],
        ["5", "7"],
        ["5, 5"],
        ["9" * 40],
        ["\u0663"],
    ],
    ids=repr,
)
def test_a_length_that_is_none_is_left_out_where_there_is_no_body(status: int, given: list[str]) -> None:
    raw = [(b"content-length", value.encode("utf-8")) for value in given]
    sent = bare(status, [*raw, (b"transfer-encoding", b"chunked"), (b"x-other", b"kept")])
    assert sent[0]["status"] == status
    names = [name for name, _ in sent[0]["headers"] if not name.startswith(b"x-guardrails")]
    assert names == [b"x-other"]
    assert [m.get("body", b"") for m in sent[1:]] == [b""]


@pytest.mark.parametrize(
    ("status", "given", "got"),
    [
        (304, ["1234"], b"1234"),
        (304, ["12", "12"], b"12"),
        (304, [" 7 "], b"7"),
        (204, ["0"], None),
        (205, ["5"], None),
    ],
)
def test_a_length_without_a_body_stays_where_it_says_something(
    status: int, given: list[str], got: bytes | None
) -> None:
    sent = bare(status, [(b"Content-Length", value.encode()) for value in given])
    assert [v for k, v in sent[0]["headers"] if k.lower() == b"content-length"] == ([] if got is None else [got])


def bare(status: int, headers: list[tuple[bytes, bytes]]) -> list[Any]:
    """What leaves of an application's answer without a body, whose headers no framework has put right."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": b""})

    sent: list[Any] = []

    async def receive() -> Any:
        body = json.dumps({"model": "m", "messages": [{"role": "user", "content": "hello"}]}).encode()
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {
        "type": "http", "http_version": "1.1", "method": "POST", "path": "/v1/chat/completions", "raw_path": b"/v1/chat/completions",
        "query_string": b"", "headers": [(b"content-type", b"application/json")],
    }  # fmt: skip
    asyncio.run(GuardrailsMiddleware(app, policies=guard())(scope, receive, send))
    return sent


@pytest.mark.parametrize("method", ["HEAD", "OPTIONS"])
def test_without_a_body(method: str) -> None:
    app = Echo(JSONResponse({"models": []}, headers={"x-a": "wvublocked", "x-b": "1"}))
    done = app.request("GET" if method == "HEAD" else method, "/v1/models")
    assert "wvublocked" not in str(done.headers)


def test_a_name_is_read_too() -> None:
    done, _ = answered({"x-wvublocked-y": "1"})
    assert "x-wvublocked-y" not in done.headers


@pytest.mark.parametrize("value", ['application/json; note="wvublocked"', "application/json; charset=utf-8; x=project"])
def test_parameters_of_the_type(value: str) -> None:
    done, _ = answered({"content-type": value})
    assert done.headers["content-type"] in {"application/json", "application/json; charset=utf-8"}


REAL = {
    "x-request-id": "req_011CSHoEeqs5C35K2UUqR7Fy", "request-id": "req_011CSHoEeqs5C35K2UUqR7Fy", "x-ratelimit-limit-requests": "10000",
    "x-ratelimit-remaining-tokens": "149984", "x-ratelimit-reset-requests": "6ms", "x-ratelimit-reset-tokens": "1m30.5s",
    "anthropic-ratelimit-requests-reset": "2024-11-29T12:00:00Z", "anthropic-organization-id": "0a1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d",
    "openai-processing-ms": "412", "openai-version": "2020-10-01", "openai-organization": "org-AbCdEfGhIjKlMnOpQrStUvWx", "retry-after": "20",
    "retry-after-ms": "1500", "x-should-retry": "false", "cf-ray": "8e9f0a1b2c3d4e5f-FRA", "cf-cache-status": "DYNAMIC", "server": "cloudflare",
    "strict-transport-security": "max-age=31536000; includeSubDomains; preload", "x-content-type-options": "nosniff", "alt-svc": 'h3=":443"; ma=86400',
    "set-cookie": "__cf_bm=AbC.dEf-1732896000-1.0.1.1-x; path=/; expires=Fri, 29-Nov-24 12:30:00 GMT; domain=.api.example; HttpOnly; Secure; SameSite=None",
    "x-amzn-requestid": "550e8400-e29b-41d4-a716-446655440000", "x-ms-region": "East US", "apim-request-id": "6ba7b810-9dad-11d1-80b4-00c04fd430c8",
    "x-envoy-upstream-service-time": "403", "vary": "Origin, Accept-Encoding", "cache-control": "no-cache, must-revalidate", "location": "/v1/next?page=2",
    "x-session": "eyJhbGciOiJub25lIn0", "traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", "link": '</v1/models?after=m2>; rel="next"',
    "access-control-allow-origin": "*", "access-control-expose-headers": "X-Request-Id, CF-Ray",
}  # fmt: skip


@pytest.mark.parametrize("stream", [False, True])
def test_what_sdks_and_browsers_read_passes(stream: bool) -> None:
    done, _ = answered(REAL, stream=stream)
    assert {k: done.headers.get(k) for k in REAL} == REAL


def test_a_cookie_may_hold_a_key_and_no_word() -> None:
    key = "sk-proj-abcdefghijklmnopqrstuvwxyz0123456789ABCDEFGH"
    done, _ = answered({"set-cookie": f"s={key}", "x-key": key})
    assert key in done.headers["set-cookie"]
    assert "x-key" not in done.headers


def test_without_rules_nothing_is_left_out() -> None:
    app = Echo(JSONResponse(whole("fine"), headers={"x-a": "wvublocked"}), policies=guard("", base="version: 1\nname: x\npii: {entities: {EMAIL: {input: mask, output: {enabled: false}}}}\n"))  # fmt: skip
    assert app.post(at("user", "u")).headers["x-a"] == "wvublocked"
