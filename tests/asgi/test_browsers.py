"""Pages of other origins: no preflight is refused, and every answer of ours carries the application's consent."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from guardrails.asgi import GuardrailsMiddleware
from guardrails.asgi.admission import Admission
from guardrails.tenants import Tenants
from guardrails.wire.strict import BodyLimits
from tests.asgi.apps import App, guard, whole
from tests.asgi.test_tenancy import ALPHA, TENANTS, policy

PAGE = "https://page.example"
ASKS = {
    "origin": PAGE,
    "access-control-request-method": "POST",
    "access-control-request-headers": "authorization,content-type",
}
PATHS = [
    "/v1/chat/completions",
    "/v1/models",
    "/nobody/knows",
    "/healthz",
    "/v1//chat/",
    "/v1/%2e%2e/x",
    "/v1/models/RB-1",
]


class Cors(App):
    """The application of the tests with Starlette's own CORS inside of us or outside."""

    def __init__(self, says: Any = None, *, outside: bool = False, origins: tuple[str, ...] = (PAGE,), **settings: Any):
        super().__init__(says, **settings)
        self.asked: list[str] = []
        policies = settings.pop("policies", None) or guard(settings.pop("more", ""))
        cors = Middleware(CORSMiddleware, allow_origins=origins, allow_credentials=origins != ("*",),
                          allow_methods=["*"], allow_headers=["*"], expose_headers=["x-served"])  # fmt: skip
        ours = Middleware(GuardrailsMiddleware, policies=policies, **settings)
        inner = self

        class Counting:
            def __init__(self, app: Any) -> None:
                self.app = app

            async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
                if scope["type"] == "http":
                    inner.asked.append(scope["method"])
                await self.app(scope, receive, send)

        stack = [cors, ours, Middleware(Counting)] if outside else [ours, Middleware(Counting), cors]
        self.app = Starlette(routes=[Route("/v1/chat/completions", self.chat, methods=["POST"])], middleware=stack)


def tenants(folder: Path) -> Tenants:
    (folder / "tenants.yaml").write_text(TENANTS)
    (folder / "alpha.yaml").write_text(policy("alpha", "kingfisher"))
    (folder / "beta.yaml").write_text(policy("beta", "banana"))
    return Tenants.open(folder)


def readable(response: httpx.Response, origin: str = PAGE) -> None:
    """A page may read it: one consent, for this origin."""
    assert response.headers.get_list("access-control-allow-origin") in ([origin], ["*"])
    assert response.headers.get_list("access-control-allow-credentials") in ([], ["true"])


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("outside", [False, True])
@pytest.mark.parametrize("with_tenants", [False, True])
def test_a_preflight_is_the_applications(tmp_path: Path, path: str, outside: bool, with_tenants: bool) -> None:
    app = Cors(outside=outside, **({"policies": tenants(tmp_path)} if with_tenants else {}))
    done = app.request("OPTIONS", path, headers=ASKS)
    assert done.status_code == 200
    readable(done)
    assert "POST" in done.headers["access-control-allow-methods"]
    assert done.headers["access-control-allow-headers"] == "authorization,content-type"
    assert outside or not done.content


def test_a_preflight_carries_nothing_past_the_policies() -> None:
    seen: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        seen.append((scope, await receive()))
        headers = [(b"access-control-allow-origin", b"*"), (b"x-said", b"project kingfisher"), (b"set-cookie", b"a=b")]
        await send({"type": "http.response.start", "status": 204, "headers": headers})
        await send({"type": "http.response.body", "body": b"project kingfisher"})

    app_ = App()
    app_.app = GuardrailsMiddleware(app, policies=guard())  # type: ignore[assignment]
    done = app_.request(
        "OPTIONS", "/v1/chat/completions?x=kingfisher", headers={**ASKS, "x-words": "kingfisher"}, content=b"kingfisher"
    )
    scope, body = seen[0]
    assert scope["query_string"] == b""
    assert b"kingfisher" not in repr(scope["headers"]).encode()
    assert not body["body"]
    assert "kingfisher" not in str(done.headers)
    assert "set-cookie" not in done.headers
    assert not done.content


def test_options_without_the_question_is_no_preflight(tmp_path: Path) -> None:
    app = Cors(policies=tenants(tmp_path))
    assert app.request("OPTIONS", "/v1/chat/completions", headers={"origin": PAGE}).status_code == 401
    assert app.request("OPTIONS", "/v1/chat/completions").status_code == 401


REFUSED: dict[str, tuple[Any, int]] = {
    "a blocked request": ({"messages": [{"role": "user", "content": "project kingfisher"}]}, 200),
    "a blocked stream": ({"stream": True, "messages": [{"role": "user", "content": "project kingfisher"}]}, 200),
    "no JSON": (b"{", 400),
    "no such shape": ({}, 422),
    "too long": (b"[" + b"0," * 5_000 + b"0]", 413),
}


@pytest.mark.parametrize("outside", [False, True])
@pytest.mark.parametrize("what", REFUSED)
@pytest.mark.parametrize("asked_before", [False, True])
def test_refusals_are_readable(what: str, outside: bool, asked_before: bool) -> None:
    app = Cors(outside=outside, limits=BodyLimits(bytes=5_000))
    body, status = REFUSED[what]
    if asked_before:
        app.request("OPTIONS", "/v1/chat/completions", headers=ASKS)
    body = {"model": "m", **body} if isinstance(body, dict) and body else body
    done = app.post(body, headers={"origin": PAGE})
    assert done.status_code == status, done.text
    readable(done)
    assert not app.received


@pytest.mark.parametrize("outside", [False, True])
def test_other_refusals_are_readable(tmp_path: Path, outside: bool) -> None:
    app = Cors(outside=outside, policies=tenants(tmp_path))
    for path in ("/v1/chat/completions", "/v1/models", "/v1//x"):
        done = app.post({}, path, headers={"origin": PAGE})
        assert done.status_code in (400, 401)
        readable(done)
    known = {"origin": PAGE, "authorization": f"Bearer {ALPHA}"}
    readable(done := app.post({}, "/nobody/knows", headers=known))
    assert done.status_code == 404
    readable(done := app.request("GET", "/nobody/knows", headers=known))
    assert done.status_code == 404


def test_an_overloaded_answer_is_readable() -> None:
    app = Cors(admission=Admission(1, 1, 0, 1.0))
    done = app.post({"model": "m", "messages": [{"role": "user", "content": "hi " * 100}]}, headers={"origin": PAGE})
    if done.status_code == 503:
        assert done.headers["retry-after"]
    readable(done)


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("outside", [False, True])
def test_blocked_answers_are_readable(outside: bool, stream: bool) -> None:
    app = Cors("we buy project kingfisher now", outside=outside)
    done = app.ask("hi", stream=stream)
    assert "access-control-allow-origin" not in done.headers  # nobody asked
    done = app.post({"model": "m", "stream": stream, "messages": [{"role": "user", "content": "hi"}]}, headers={"origin": PAGE})  # fmt: skip
    assert "kingfisher" not in done.text
    assert "[not said]" in done.text
    readable(done)
    assert done.headers["access-control-expose-headers"] == "x-served"


def test_an_uninspectable_answer_is_readable() -> None:
    app = Cors(Response(b"\xff\xfe", media_type="application/json"))
    done = app.post({"model": "m", "messages": [{"role": "user", "content": "hi"}]}, headers={"origin": PAGE})
    assert done.status_code == 424
    readable(done)


def test_an_origin_the_application_does_not_know_is_not_let_in() -> None:
    app = Cors()
    for body in ({"model": "m", "messages": [{"role": "user", "content": "project kingfisher"}]}, b"{"):
        done = app.post(body, headers={"origin": "https://evil.example"})
        assert "access-control-allow-origin" not in done.headers


def test_the_consent_of_one_origin_is_not_anothers() -> None:
    app = Cors(origins=("https://one.example", "https://two.example"))
    body = {"model": "m", "messages": [{"role": "user", "content": "project kingfisher"}]}
    for origin in ("https://one.example", "https://two.example", "https://one.example"):
        done = app.post(body, headers={"origin": origin})
        readable(done, origin)
        assert done.headers["access-control-allow-origin"] == origin
        assert "origin" in done.headers["vary"].lower()


def test_any_origin() -> None:
    app = Cors(origins=("*",))
    done = app.post(b"{", headers={"origin": PAGE})
    assert (done.status_code, done.headers["access-control-allow-origin"]) == (400, "*")


def test_the_application_is_asked_once() -> None:
    app = Cors()
    for _ in range(5):
        readable(app.post(b"{", headers={"origin": PAGE}))
    assert app.asked == ["OPTIONS"]
    app.post({"model": "m", "messages": [{"role": "user", "content": "hi"}]}, headers={"origin": PAGE})
    assert app.asked == ["OPTIONS", "POST"]


def test_an_application_that_fails_when_it_is_asked_changes_no_refusal() -> None:
    class Failing:
        async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
            raise RuntimeError("kingfisher")

    app = App()
    app.app = GuardrailsMiddleware(Failing(), policies=guard())  # type: ignore[assignment]
    assert app.post(b"{", headers={"origin": PAGE}).status_code == 400


def test_without_cors_nothing_is_added() -> None:
    done = App().post(b"{", headers={"origin": PAGE})
    assert done.status_code == 400
    assert not [k for k in done.headers if k.startswith("access-control-")]


def test_an_applications_own_answer_stays_as_it_is() -> None:
    app = Cors(JSONResponse(whole("fine"), headers={"x-served": "1"}))
    done = app.post({"model": "m", "messages": [{"role": "user", "content": "hi"}]}, headers={"origin": PAGE})
    assert json.loads(done.text)["choices"][0]["message"]["content"] == "fine"
    assert done.headers["x-served"] == "1"
    readable(done)
