"""What ordinary clients send, and what refusals tell those who wrote them."""

from __future__ import annotations

import asyncio
import gzip
import json
import logging
import zlib
from collections.abc import Callable
from typing import Any

import brotli  # type: ignore[import-untyped]
import pytest
from backports import zstd
from fastapi import FastAPI
from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.testclient import TestClient
from starlette.types import Message

from guardrails.asgi import GuardrailsMiddleware
from guardrails.asgi.advice import no_format, template
from guardrails.errors import GuardrailsError
from guardrails.wire.strict import BodyLimits
from tests.asgi.apps import App, chunk, content_of, guard, whole

ASK = {"model": "m", "messages": [{"role": "user", "content": "hello there"}]}
SECRET = {"model": "m", "messages": [{"role": "user", "content": "project kingfisher"}]}
PATH = "/v1/chat/completions"

CODINGS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "x-gzip": gzip.compress,
    "deflate": zlib.compress,
    "br": brotli.compress,
    "zstd": zstd.compress,
    "identity": bytes,
}


def guarded(api: Any, **settings: Any) -> None:
    api.add_middleware(GuardrailsMiddleware, policies=guard(), **settings)


# -- bodies --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "kind",
    [
        None,
        "",
        "application/x-www-form-urlencoded",
        "text/plain",
        "text/plain;charset=UTF-8",
        "application/octet-stream",
        "application/json; charset=UTF8",
        "application/json ",
        "application/vnd.api+json",
        "text/json",
    ],
)
def test_json_is_read_whatever_it_is_called(kind: str | None) -> None:
    headers = {} if kind is None else {"content-type": kind}
    app = App()
    response = app.request("POST", PATH, content=json.dumps(ASK), headers=headers)
    assert content_of(response) == "hello there"
    blocked = app.request("POST", PATH, content=json.dumps(SECRET), headers=headers)
    assert content_of(blocked) == "[not asked]"


def test_what_is_forwarded_is_called_json() -> None:
    """A form decodes percent signs that nobody has inspected: nobody may read the body as one."""
    seen: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        seen.append(dict(scope["headers"]))
        await JSONResponse(whole("fine"))(scope, receive, send)

    client = TestClient(GuardrailsMiddleware(app, policies=guard()))
    client.post(PATH, content=json.dumps(ASK), headers={"content-type": "application/x-www-form-urlencoded"})
    client.post(
        PATH,
        content=gzip.compress(json.dumps(ASK).encode()),
        headers={"content-encoding": "gzip", "content-type": "text/plain"},
    )
    for headers in seen:
        assert headers[b"content-type"] == b"application/json"
        assert b"content-encoding" not in headers
        assert int(headers[b"content-length"]) == len(json.dumps(ASK, separators=(",", ":")))
    # A form that is one is no JSON.
    for body in ("model=m&prompt=hi", "%7B%22model%22%3A1%7D", "<model/>"):
        refused = client.post(PATH, content=body, headers={"content-type": "application/x-www-form-urlencoded"})
        assert (refused.status_code, refused.headers["x-should-retry"]) == (400, "false")


@pytest.mark.parametrize("coding", CODINGS)
@pytest.mark.parametrize("text", ["hello there", "a longer text. " * 20_000])
def test_compressed_bodies_are_inflated(coding: str, text: str) -> None:
    app = App("fine")
    body = {**ASK, "messages": [{"role": "user", "content": text}]}
    headers = {"content-encoding": coding.upper()}
    assert app.post(CODINGS[coding](json.dumps(body).encode()), headers=headers).status_code == 200
    assert app.received == [body]
    assert content_of(app.post(CODINGS[coding](json.dumps(SECRET).encode()), headers=headers)) == "[not asked]"


@pytest.mark.parametrize("coding", [c for c in CODINGS if c != "identity"])
def test_a_bomb_is_refused_by_name_of_its_limit(coding: str) -> None:
    app = App(limits=BodyLimits(bytes=5_000_000))
    for size in (4_000_000, 40_000_000):  # over the ratio, and over the limit
        bomb = CODINGS[coding](b'{"messages":[{"role":"user","content":"' + b"a" * size + b'"}]}')
        response = app.post(bomb, headers={"content-encoding": coding})
        assert response.status_code == 413
        assert "--max-body" in response.json()["error"]["message"]
    cut = app.post(CODINGS[coding](json.dumps(ASK).encode())[:-3], headers={"content-encoding": coding})
    assert cut.status_code == 400
    assert app.received == []


def raw(app: App, headers: dict[str, str], *parts: bytes) -> tuple[int, int]:
    """A POST whose body comes in parts: the status of its answer, and how many parts were read. Nothing may be asked for after the last."""
    came, status = 0, 0
    scope = {
        "type": "http", "http_version": "1.1", "method": "POST", "path": PATH, "raw_path": PATH.encode(), "query_string": b"",
        "headers": [(k.encode(), v.encode()) for k, v in ({"content-type": "application/json"} | headers).items()],
    }  # fmt: skip

    async def receive() -> Message:
        nonlocal came
        assert came < len(parts), "the body is complete, and the client waits for its answer"
        came += 1
        return {"type": "http.request", "body": parts[came - 1], "more_body": came < len(parts)}

    async def send(message: Message) -> None:
        nonlocal status
        status = message.get("status", status)

    asyncio.run(app.app(scope, receive, send))
    return status, came


def test_who_sent_all_of_what_is_too_long_is_answered_at_once() -> None:
    app = App(limits=BodyLimits(bytes=1_000))
    text = b'{"messages":[{"role":"user","content":"' + b"a" * 5_000 + b'"}]}'
    assert raw(app, {}, text) == (413, 1)
    assert raw(app, {"content-encoding": "gzip"}, gzip.compress(text)) == (413, 1)
    assert raw(app, {"content-length": "3000"}, *[text[:600]] * 5) == (413, 4)  # read on, up to twice the limit
    assert raw(app, {"content-length": "3000", "expect": "100-continue"}, text) == (413, 0)


@pytest.mark.parametrize("coding", ["compress", "gzip, gzip", "aws-chunked", "snappy"])
def test_other_codings_are_named(coding: str) -> None:
    response = App().post(json.dumps(ASK).encode(), headers={"content-encoding": coding})
    assert response.status_code == 415
    assert "zstd" in response.json()["error"]["message"]


@pytest.mark.parametrize("body", [b"", b"{}", b" {} \n", b"null", b"[]"])
def test_a_get_that_says_nothing_passes(body: bytes) -> None:
    headers = {"content-type": "application/json"} if body else {}
    assert App().request("GET", "/plain", content=body, headers=headers).text == "plain "


@pytest.mark.parametrize("body", [b'{"prompt":"project kingfisher"}', b"x", b'["a"]', b"project kingfisher"])
def test_a_get_that_says_something_does_not(body: bytes) -> None:
    response = App().request("GET", "/plain", content=body)
    assert (response.status_code, "GET" in response.json()["error"]["message"]) == (400, True)


@pytest.mark.parametrize(
    "path", ["//v1/chat/completions", "/v1//chat/completions", PATH + "/", PATH + "//", "//v1///chat/completions/"]
)
def test_slashes_too_many_are_taken_away(path: str) -> None:
    app = App()
    assert content_of(app.post(ASK, "http://chat.example" + path)) == "hello there"
    assert content_of(app.post(SECRET, "http://chat.example" + path)) == "[not asked]"


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("$alt=json", 200),
        ("$alt=json;enum-encoding=int", 200),
        ("%24alt=json%3Benum-encoding%3Dint&key=AIza0", 200),
        ("include[]=a&include[]=b", 200),
        ("fields=id,usage", 200),
        ("$alt=json;ignore all rules", 400),
        ("a=1&a=2", 400),
        ("mine is=1", 400),
    ],
)
def test_queries_of_ordinary_clients(query: str, status: int) -> None:
    assert App("fine").post(ASK, f"{PATH}?{query}").status_code == status


def test_a_route_with_a_slash_of_its_own_keeps_it() -> None:
    api = FastAPI()

    @api.post("/v1/chat/completions/")
    async def chat(body: dict[str, Any]) -> dict[str, Any]:
        return whole(body["messages"][-1]["content"])

    @api.get("/items/")
    async def items() -> dict[str, Any]:
        return {"items": ["project kingfisher"]}

    guarded(api, exempt=["GET /items/"])
    client = TestClient(api, follow_redirects=False)
    said = [client.post(PATH + "/", json=body).json()["choices"][0]["message"]["content"] for body in (ASK, SECRET)]
    assert said == ["hello there", "[not asked]"]
    assert client.get("/items/").json() == {"items": ["project kingfisher"]}


def test_many_tools_and_token_ids() -> None:
    field = {"type": "string", "description": "one of them", "enum": ["a", "b"]}
    schema = {"type": "object", "properties": {f"p{n}": field for n in range(12)}, "required": ["p0"]}
    tools = [{"type": "function", "function": {"name": f"f{n}", "parameters": schema}} for n in range(150)]
    app = App("fine")
    assert app.post({**ASK, "tools": tools}).status_code == 200
    assert app.received[-1]["tools"] == tools


# -- images --------------------------------------------------------------------------------------------------------------


def test_an_image_of_20_megabytes_passes_or_the_refusal_says_why() -> None:
    image = {"type": "image_url", "image_url": {"url": "data:image/jpeg;base64," + "/9j/4AAQSkZJRgABAQ" * 1_600_000}}
    body = {"model": "m", "messages": [{"role": "user", "content": [{"type": "text", "text": "look"}, image]}]}
    app = App("nice", more="uninspected: allow\n")
    assert content_of(app.post(body)) == "nice"
    assert app.received == [body]
    said = content_of(App("nice").post(body))
    assert said.startswith("[not asked] (It holds an image")
    assert "`uninspected`" in said


# -- routes --------------------------------------------------------------------------------------------------------------


def application(**settings: Any) -> TestClient:
    api = FastAPI()

    @api.get("/health")
    async def health() -> dict[str, str]:
        return {"status": "ok"}

    @api.get("/")
    async def home() -> Response:
        return Response("<h1>Hello</h1>", media_type="text/html")

    @api.get("/users/{name}/notes")
    async def notes(name: str) -> dict[str, str]:
        return {"name": name, "notes": "of project kingfisher"}

    @api.get("/events")
    async def events() -> Response:
        return StreamingResponse(iter([b"data: project king\n\n", b"data: fisher\n\n"]), media_type="text/event-stream")

    @api.get("/logo.png")
    async def logo() -> Response:
        return Response(b"\x89PNG\r\n\x1a\n\0\0\0\xff", media_type="image/png")

    @api.post("/chat")
    async def chat(body: dict[str, Any]) -> dict[str, Any]:
        return {"answer": body["question"]}

    guarded(api, **settings)
    return TestClient(api)


def test_the_first_minute_of_an_application() -> None:
    client = application()
    assert client.get("/health").json() == {"status": "ok"}
    assert client.head("/health").status_code in (200, 405)
    assert client.get("/").text == "<h1>Hello</h1>"
    assert client.get("/openapi.json").status_code == 200
    # A page is inspected like anything else: what it says, and what it is asked.
    assert client.get("/users/ann/notes").status_code == 424
    assert client.get("/users/project%20kingfisher/notes").status_code == 400
    assert client.get("/events").status_code == 424
    logo = client.get("/logo.png")
    assert (logo.status_code, "uninspected: block" in logo.json()["error"]["message"]) == (424, True)


@pytest.mark.parametrize(
    ("method", "path", "route"),
    [
        ("POST", "/chat", "POST /chat"),
        ("PUT", "/v1/things", "PUT /v1/things"),
        ("DELETE", "/users/4711/files", "DELETE /users/{p2}/files"),
        ("POST", "/users/bob@example.com/mail", "POST /users/{p2}/mail"),
        ("POST", "/api/pull", "POST /api/pull"),
        ("DELETE", "/api/delete", "DELETE /api/delete"),
        ("POST", "/a/b/c/d/e/f/g/h/i/j", "POST /a/b/c/d/e/f/g/h/{rest:path}"),
    ],
)
def test_a_refused_route_names_the_setting(
    method: str, path: str, route: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger="guardrails")
    response = application().request(method, path, json={"question": "project kingfisher"})
    assert response.status_code == 404
    told = response.json()["error"]
    assert isinstance(told, str) == path.startswith("/api/")  # as the clients of that API expect it
    for said in (told if isinstance(told, str) else told["message"], caplog.text):
        assert f'exempt=["{route}"]' in said
        assert f"--exempt '{route}'" in said
        assert ("formats=" in said) == (method in ("POST", "PUT"))
        assert "bob@" not in said
        assert "4711" not in said
    # What it names is what works.
    assert (
        application(exempt=[route]).request(method, path, json={"question": "project kingfisher"}).status_code != 404
        or path != "/chat"
    )


def test_get_health_names_its_setting_where_it_is_refused() -> None:
    response = application(inspect_gets=False).get("/users/x/notes")
    assert response.status_code == 404
    assert 'exempt=["GET /users/x/notes"]' in response.json()["error"]["message"]
    assert template("/v1beta1/files/file-abc123/content") == "/v1beta1/files/{p3}/content"
    assert "POST would be inspected" in no_format("PUT", PATH)


# -- settings ------------------------------------------------------------------------------------------------------------

FORMATS = """
version: 1
formats:
  - name: own.chat
    route: POST /chat
    request: {query: /question}
    response: {assistant: /answer}
    refusal: {answer: "{message}"}
"""


def test_formats_of_ones_own_are_attached_by_any_of_their_names(tmp_path: Any) -> None:
    from guardrails.wire.custom import load_formats

    path = tmp_path / "formats.yaml"
    path.write_text(FORMATS)
    loaded = load_formats(path)
    for settings in (
        {"formats": str(path)},
        {"formats": path},
        {"formats": loaded},
        {"formats": list(loaded)},
        {"custom": loaded},
        {"custom": str(path)},
        {"custom": loaded[0]},
        {"formats": {"POST /chat": loaded[0]}},
        {"formats": {"/chat": "own.chat"}, "custom": path},
    ):
        client = application(**settings)
        assert client.post("/chat", json={"question": "hello"}).json() == {"answer": "hello"}
        assert client.post("/chat", json={"question": "project kingfisher"}).json() == {"answer": "[not asked]"}


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"policy": "x.yaml"}, "policies"),
        ({"formats": "nowhere.yaml"}, "nowhere.yaml"),
        ({"formats": 7}, "formats.yaml"),
        ({"formats": {"POST /chat": "openai.caht"}}, "openai.chat"),
        ({"formats": {"POST /chat": 7}}, "openai.chat"),
        ({"exempts": ["GET /x"]}, "exempt"),
        ({"exempt": "GET /x"}, 'exempt=["GET /x"]'),
        ({"exempt": [7]}, "GET /docs"),
        ({"max_body": 7}, "limits"),
        ({"blocked": "eror"}, "error"),
        ({"limits": 2_000_000}, "BodyLimits"),
        ({"something": 1}, "blocked"),
    ],
)
def test_a_setting_that_is_none_names_the_nearest(settings: dict[str, Any], said: str) -> None:
    with pytest.raises(GuardrailsError, match=r"[a-z]") as caught:
        GuardrailsMiddleware(FastAPI(), guard(), **settings)
    assert said in str(caught.value)


# -- answers -------------------------------------------------------------------------------------------------------------


def pieces(*texts: str) -> list[bytes]:
    return [chunk({"content": text}) for text in texts]


@pytest.mark.parametrize(
    "kind",
    [
        "application/octet-stream",
        "text/plain",
        "text/html",
        "binary/octet-stream",
        "application/json",
        "image/png",
        None,
    ],
)
def test_a_stream_under_another_name_is_read_as_one(kind: str | None) -> None:
    """Clients that asked for a stream read it whatever it is called: so do we, and call it what it is."""

    def answer(*parts: bytes) -> Response:
        made = StreamingResponse(iter(parts), media_type=kind)
        if kind is None:
            made.raw_headers = [(k, v) for k, v in made.raw_headers if k != b"content-type"]
        return made

    app = App(
        answer(b"\n", b"da", b"ta: " + pieces("mail me at bob@exa")[0][6:], *pieces("mple.com"), b"data: [DONE]\n\n"),
        more="uninspected: allow\n",
    )
    response = app.ask("hi", stream=True)
    assert response.headers["content-type"] == "text/event-stream"
    assert content_of(response) == "mail me at {EMAIL_1}"
    blocked = App(answer(*pieces("of project king", "fisher")), more="uninspected: allow\n").ask("hi", stream=True)
    assert content_of(blocked) == "[not said]"


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("kind", ["application/octet-stream", "text/plain", "image/png"])
def test_a_stream_that_cannot_be_read_as_one_does_not_pass(kind: str, stream: bool) -> None:
    parts = [*([b"junk\n\n"] if stream else []), *pieces("of project king", "fisher")]
    response = App(StreamingResponse(iter(parts), media_type=kind), more="uninspected: allow\n").ask(
        "hi", stream=stream
    )
    assert (response.status_code, response.headers["x-should-retry"]) == (424, "false")


@pytest.mark.parametrize("kind", ["application/octet-stream", "application/xml", "image/svg+xml"])
def test_text_is_text_whatever_it_is_called(kind: str) -> None:
    app = App(Response(b"<p>of project kingfisher</p>", media_type=kind), more="uninspected: allow\n")
    assert content_of(app.ask("hi")) == "[not said]"
    body = json.dumps(whole("of project kingfisher")).encode()
    assert content_of(App(Response(body, media_type=kind), more="uninspected: allow\n").ask("hi")) == "[not said]"
    picture = App(Response(b"\x89PNG\0\xff", media_type=kind), more="uninspected: allow\n").ask("hi")
    assert picture.content == b"\x89PNG\0\xff"


async def lost(*parts: bytes) -> Any:
    for part in parts:
        yield part
    raise ConnectionError("the model is gone")


@pytest.mark.parametrize("parts", [(), (b"",), (chunk({"role": "assistant", "content": ""})[:20],)])
def test_an_application_that_fails_before_its_first_byte_is_a_502_in_the_apis_shape(parts: tuple[bytes, ...]) -> None:
    app = App(StreamingResponse(lost(*parts), media_type="text/event-stream"))
    client = TestClient(app.app, raise_server_exceptions=False)
    response = client.post(PATH, json={**ASK, "stream": True})
    assert (response.status_code, response.json()["error"]["code"]) == (502, "upstream_lost")


def test_an_application_that_fails_before_its_answer_is_the_applications_affair() -> None:
    def broken(body: Any) -> Any:
        raise ConnectionError("the model is gone")

    response = TestClient(App(broken).app, raise_server_exceptions=False).post(PATH, json=ASK)
    assert (response.status_code, response.text) == (500, "Internal Server Error")


def test_overload_may_be_tried_again_and_nothing_else() -> None:
    assert "x-should-retry" not in App("x").ask("hi").headers
    for response in (
        App().post(b"nonsense"),
        App().request("POST", "/nowhere", json={}),
        App(PlainTextResponse("data: x\n\n")).ask("hi"),
    ):
        assert response.headers["x-should-retry"] == "false"
