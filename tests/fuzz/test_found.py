"""What fuzzing found, each as small as it could be made: holes that were closed stay closed."""

from __future__ import annotations

import asyncio
import json
import re
from typing import Any
from urllib.parse import unquote

import pytest

from guardrails.asgi import GuardrailsMiddleware
from guardrails.asgi.paths import exemptions
from guardrails.types import Action, Role
from guardrails.wire.eventstream import EventStream
from guardrails.wire.frames import NAME, Frame
from guardrails.wire.shape import Kind, Shape
from guardrails.wire.strict import Malformed, parse
from guardrails.wire.walk import Walk
from tests.fuzz.canaries import INPUT, OUTPUT, guard

CHAT = {"model": "m", "messages": [{"role": "user", "content": "hello"}]}
STREAM = {**CHAT, "stream": True}
SSE = b"text/event-stream"
JSON = b"application/json"


class Exchange:
    """One request to the middleware, and what the application behind it answers."""

    def __init__(self, policy: str = "uninspected: allow", **settings: Any) -> None:
        self.decisions: list[Any] = []
        self.received: list[bytes] = []
        self.steps: list[dict[str, Any]] = []
        self.app = GuardrailsMiddleware(
            self._app, guard(policy), reload=False, on_decision=self.decisions.append, **settings
        )

    async def _app(self, scope: Any, receive: Any, send: Any) -> None:
        self.received.append((await receive()).get("body", b""))
        for step in self.steps:
            await send(step)

    def says(self, *parts: bytes, status: int = 200, headers: Any = (), kind: bytes = JSON) -> Exchange:
        self.steps = [{"type": "http.response.start", "status": status, "headers": [(b"content-type", kind), *headers]}]
        self.steps += [{"type": "http.response.body", "body": p, "more_body": True} for p in parts]
        self.steps[-1]["more_body"] = False
        return self

    def asks(self, body: Any, path: str = "/v1/chat/completions", *, raw: bytes | None = None) -> Exchange:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        headers = [(b"content-type", JSON)]
        scope = {"type": "http", "method": "POST", "path": path, "raw_path": raw or path.encode(), "query_string": b""}
        self.sent: list[dict[str, Any]] = []
        message = {"type": "http.request", "body": data, "more_body": False}

        async def receive() -> Any:
            return message

        async def send(message: Any) -> None:
            self.sent.append(message)

        asyncio.run(self.app({**scope, "headers": headers, "client": None}, receive, send))
        return self

    @property
    def status(self) -> int:
        return int(self.sent[0]["status"])

    @property
    def headers(self) -> list[tuple[bytes, bytes]]:
        return list(self.sent[0]["headers"])

    @property
    def data(self) -> bytes:
        return b"".join(m["body"] for m in self.sent[1:])


def delta(text: str, **more: Any) -> bytes:
    choice = {"index": 0, "delta": {"content": text}, "finish_reason": None}
    return b"data: " + json.dumps({"id": "c", "choices": [choice], **more}).encode() + b"\n\n"


SPLIT = delta("harbour he") + delta("ron. ") + b"data: [DONE]\n\n"
WHOLE = {
    "id": "c",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "x"}, "finish_reason": "stop"}],
}


# -- what an answer calls itself ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [b"text/plain", b"", b"text/event-streamx", b"application/problem+json"])
def test_a_stream_by_another_name_is_read_as_the_stream_that_was_asked_for(kind: bytes) -> None:
    run = Exchange().says(SPLIT, kind=kind).asks(STREAM)
    assert (b"content-type", SSE) in run.headers
    assert b"harbour" not in run.data
    assert b"[not said]" in run.data
    assert run.decisions[-1].action is Action.BLOCKED


@pytest.mark.parametrize("kind", [b"application/x-ndjson", b"application/vnd.amazon.eventstream"])
def test_a_stream_of_another_framing_is_not_passed_on(kind: bytes) -> None:
    run = Exchange().says(SPLIT, kind=kind).asks(STREAM)
    assert run.status == 424
    assert b"harbour" not in run.data
    assert run.decisions[-1].action is Action.BLOCKED


@pytest.mark.parametrize("kind", [SSE, b"application/x-ndjson", b"application/vnd.amazon.eventstream"])
def test_a_stream_that_nobody_asked_for_is_not_passed_on(kind: bytes) -> None:
    run = Exchange().says(SPLIT, kind=kind).asks(CHAT)
    assert run.status == 424
    assert b"harbour" not in run.data


@pytest.mark.parametrize("kind", [b"application/json, text/plain", b"\xff", b"audio"])
def test_a_type_that_is_none(kind: bytes) -> None:
    run = Exchange().says(json.dumps(WHOLE).encode(), kind=kind).asks(CHAT)
    assert run.status == 424
    assert (b"x-should-retry", b"false") in run.headers


@pytest.mark.parametrize("name", [b"content-type", b"Content-Type"])
def test_two_types_are_none(name: bytes) -> None:
    said = json.dumps({**WHOLE, "note": OUTPUT.mail}).encode()
    run = Exchange().says(said, headers=[(name, b"application/octet-stream")]).asks(CHAT)
    assert run.status == 424
    assert b"eve@" not in run.data


def test_two_codings_are_none_and_an_unknown_one_is_the_upstreams_fault() -> None:
    for codings in (["identity"] * 2, ["compress"], ["zstd"]):  # the last is known, and the body is none of it
        headers = [(b"content-encoding", coding.encode()) for coding in codings]
        assert Exchange().says(b"{}", headers=headers).asks(CHAT).status == 424


def test_json_that_is_called_text_is_read_as_json() -> None:
    said = json.dumps({**WHOLE, "note": int(OUTPUT.plain_card)}).encode()
    run = Exchange().says(said, kind=b"text/plain").asks(CHAT)
    assert json.loads(run.data)["note"] == "{CREDIT_DEBIT_CARD_NUMBER}"


def test_an_answer_that_nobody_can_inspect_is_reported() -> None:
    run = Exchange().says(b"\x89PNG", kind=b"image/png").asks(CHAT)
    assert run.data == b"\x89PNG"
    assert run.decisions[-1].uninspected == (("an answer of another type", "(body)"),)


def test_an_answer_without_a_body_has_no_verdict_of_its_own() -> None:
    forged = [(b"x-guardrails-action", b"FORGED"), (b"X-Guardrails-Decision-Id", b"FORGED")]
    run = Exchange().says(b"", status=204, headers=forged).asks(CHAT)
    assert run.status == 204
    assert not [v for _, v in run.headers if v == b"FORGED"]
    assert (b"x-guardrails-action", b"NONE") in run.headers


# -- the order of things -----------------------------------------------------------------------------------------------


def test_damage_at_the_end_takes_nothing_from_what_came_before_it() -> None:
    said = delta("Good day. " * 30) * 3 + b'data: {"id": '
    one = Exchange().says(said, kind=SSE).asks(STREAM)
    many = Exchange().says(*(said[i : i + 7] for i in range(0, len(said), 7)), kind=SSE).asks(STREAM)
    assert one.status == many.status == 200
    assert one.data == many.data
    assert b"Good day." in one.data
    assert b"[not said]" in one.data


@pytest.mark.parametrize("path", ["/v1/responses", "/v1/messages", "/v1/chat/completions"])
@pytest.mark.parametrize("odd", [{}, [], [{"a": 1}], 7, None, True])
def test_a_type_that_is_no_name_breaks_no_stream(path: str, odd: Any) -> None:
    event = {
        "type": odd,
        "object": odd,
        "output_index": 0,
        "item": {"type": odd},
        "content_block": {"type": odd},
        "delta": {"type": odd},
    }
    said = b"data: " + json.dumps({**event, "x_note": OUTPUT.blocked}).encode() + b"\n\n"
    asked = {
        "model": "m",
        "stream": True,
        "max_tokens": 9,
        "input" if path == "/v1/responses" else "messages": CHAT["messages"],
    }
    run = Exchange().says(said, kind=SSE).asks(asked, path)
    assert run.status == 200
    assert OUTPUT.blocked.encode() not in run.data
    assert run.decisions[-1].action is Action.BLOCKED


def notes(*texts: str) -> bytes:
    """A stream that says these texts, one an event, in a field that no format names."""
    head = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m"}
    choice = {"index": 0, "delta": {}, "finish_reason": None}
    events = [{**head, "choices": [choice], "x_note": text} for text in texts]
    events.append({**head, "choices": [{**choice, "finish_reason": "stop"}]})
    return b"".join(b"data: " + json.dumps(e).encode() + b"\n\n" for e in events) + b"data: [DONE]\n\n"


@pytest.mark.parametrize("rest", [("bour h", "eron "), ("x",), (" and", "so on")])
def test_a_value_in_an_unnamed_field_is_masked_whatever_comes_after_it(rest: tuple[str, ...]) -> None:
    run = Exchange().says(notes(OUTPUT.mail, *rest), kind=SSE).asks(STREAM)
    assert OUTPUT.mail.encode() not in run.data
    assert run.decisions[-1].action is Action.MASKED


@pytest.mark.parametrize("texts", [("words", OUTPUT.seen), (OUTPUT.seen, "", "a", "rb"), (OUTPUT.seen,)])
def test_a_term_in_an_unnamed_field_is_reported_though_it_is_glued_to_the_next(texts: tuple[str, ...]) -> None:
    run = Exchange().says(notes(*texts), kind=SSE).asks(STREAM)
    assert OUTPUT.seen.encode() in run.data
    assert [x.finding.rule for x in run.decisions[-1].findings] == ["words.out-seen"]


def test_a_card_in_pieces_is_masked_where_an_id_became_an_object() -> None:
    pieces = ("5", "50", "", "0 ", "0055 ", "5555 5559")
    head = {"object": "chat.completion.chunk", "created": 1, "model": "m"}
    choice = {"index": 0, "delta": {}, "finish_reason": None}
    events = [{**head, "id": {"note": piece}, "choices": [choice]} for piece in pieces]
    said = b"".join(b"data: " + json.dumps(e).encode() + b"\n\n" for e in events) + b"data: [DONE]\n\n"
    run = Exchange().says(said, kind=SSE).asks(STREAM)
    texts = re.findall(r'"note":"([^"]*)"', run.data.decode())
    assert OUTPUT.card not in "".join(texts)
    assert run.decisions[-1].action is Action.MASKED


@pytest.mark.parametrize("legacy", [False, True])
def test_arguments_after_the_end_do_not_go_on_in_a_call_that_has_left(*, legacy: bool) -> None:
    head = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m"}

    def event(name: str | None, arguments: str) -> bytes:
        call = {"arguments": arguments, **({"name": name} if name else {})}
        delta = {"function_call": call} if legacy else {"tool_calls": [{"index": 0, "function": call}]}
        choice = {"index": 0, "delta": delta, "finish_reason": None}
        return b"data: " + json.dumps({**head, "choices": [choice]}).encode() + b"\n\n"

    done = b"data: [DONE]\n\n"
    said = event("weather", " copper c") + done + event(None, "ellar") + done
    run = Exchange().says(said, kind=SSE).asks(STREAM)
    joined: dict[object, str] = {}
    for line in run.data.split(b"\n\n"):
        if line.startswith(b"data: {"):
            delta = json.loads(line[6:])["choices"][0]["delta"]
            for call in (*delta.get("tool_calls", ()), *([delta["function_call"]] if "function_call" in delta else ())):
                inside = call.get("function", call)
                index = call.get("index")
                joined[index] = joined.get(index, "") + str(inside.get("arguments", ""))
    assert joined
    assert OUTPUT.masked not in " ".join(joined.values())


def test_an_answer_starts_once() -> None:
    run = Exchange().says(SPLIT, kind=SSE)
    run.steps.insert(1, run.steps[0])
    with pytest.raises(RuntimeError, match="started its answer twice"):
        run.asks(STREAM)


def test_a_file_in_the_middle_of_a_stream_ends_it_as_a_stream_ends() -> None:
    run = Exchange().says(delta("Good day. " * 30), delta("Good day. " * 30), kind=SSE)
    run.steps.insert(2, {"type": "http.response.pathsend", "path": "/etc/passwd"})
    run.asks(STREAM)
    assert run.data.endswith(b"data: [DONE]\n\n")
    assert b"[not said]" in run.data
    assert not run.sent[-1]["more_body"]


# -- bodies ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("depth", [65, 255, 300, 900, 1100])
def test_what_is_too_deep_is_refused_and_breaks_nothing(depth: int) -> None:
    deep = b"[" * depth + b"]" * depth
    with pytest.raises(Malformed):
        parse(deep)
    assert Exchange().says(b"{}").asks(b'{"messages": [], "x": ' + deep + b"}").status == 400
    assert Exchange().says(deep).asks(CHAT).status == 424


def test_an_answer_that_is_nothing_but_a_text_is_inspected() -> None:
    said = json.dumps(f"write to {OUTPUT.mail} now").encode()
    assert json.loads(Exchange().says(said).asks(CHAT).data) == "write to {EMAIL_1} now"
    assert json.loads(Exchange().says(OUTPUT.plain_card.encode()).asks(CHAT).data) == "{CREDIT_DEBIT_CARD_NUMBER}"
    lines = Exchange().says(said + b"\n", kind=b"application/x-ndjson").asks(CHAT, "/api/chat")
    assert lines.data == b'"write to {EMAIL_1} now"\n'
    event = Exchange().says(b"data: " + said + b"\n\n", kind=SSE).asks(STREAM)
    assert event.data == b'data: "write to {EMAIL_1} now"\n\n'


@pytest.mark.parametrize(
    ("path", "left"),
    [
        ("/model/m/converse", {"role": "user", "x_note": INPUT.blocked, "content": [{"text": "x"}]}),
        ("/v1/messages", {"role": "user", "x_note": f"mail {INPUT.mail}", "content": INPUT.blocked}),
        ("/v1/chat/completions", {"role": INPUT.blocked, "content": "x"}),
        ("/api/chat", {"role": "user", "x_note": INPUT.blocked, "content": "x"}),
    ],
)
def test_nothing_is_left_of_a_message_that_is_replaced(path: str, left: dict[str, Any]) -> None:
    text = [{"text": "fine"}] if "converse" in path else "fine"
    messages = [left, {"role": "assistant", "content": text}, {"role": "user", "content": text}]
    run = Exchange().says(b"{}").asks({"model": "m", "max_tokens": 5, "messages": messages}, path)
    for canary in (INPUT.blocked, INPUT.mail):
        assert canary.encode() not in b"".join(run.received)
    assert run.decisions[0].action in (Action.MASKED, Action.BLOCKED)


@pytest.mark.parametrize("path", ["/model/m/converse", "/v1/messages", "/v1/chat/completions", "/api/chat"])
def test_a_sentence_in_the_place_of_a_role_is_refused(path: str) -> None:
    content = [{"text": "x"}] if "converse" in path else "x"
    messages = [{"role": f"the user says {INPUT.blocked}", "content": content}]
    run = Exchange().says(b"{}").asks({"model": "m", "max_tokens": 5, "messages": messages}, path)
    assert run.status == 400
    assert not run.received
    assert INPUT.blocked.encode() not in run.data


def test_a_long_number_where_an_id_belongs_but_none_stands() -> None:
    def texts(value: Any) -> list[str]:
        return [s.text for s in Walk({"role": value}, Shape({"role": Kind.OPAQUE}), Role.USER).slots if not s.fixed]

    assert texts({"x": 4111111111111111}) == ["4111111111111111"]
    assert texts(["x", 4111111111111111]) == ["4111111111111111"]
    assert texts([4111111111111111.0, "x"]) == ["4111111111111111"]
    assert texts([4111111111111111.5, "x"]) == ["4111111111111111.5"]
    assert texts(4111111111111111) == texts({"x": 41111111}) == texts([1, 2]) == []


def test_numbers_are_neither_signatures_nor_base64() -> None:
    def texts(kind: Kind, value: str) -> list[str]:
        return [s.text for s in Walk({"x": value}, Shape({"x": kind}), Role.USER).slots]

    assert texts(Kind.SEAL, "4111111111111111") == texts(Kind.BINARY, "4111111111111111") == ["4111111111111111"]
    assert texts(Kind.BINARY, "\n4111111111111111\n") == ["\n4111111111111111\n"]
    assert texts(Kind.SEAL, "EqQBCkYIBxgCKkDx==") == texts(Kind.BINARY, "iVBORw0KGgo=") == []


@pytest.mark.parametrize("head", [f"image/{INPUT.seen}", f"text/plain;x={INPUT.mail}", f"text/{INPUT.plain_card}"])
def test_the_type_of_inline_content_is_no_place_for_words(head: str) -> None:
    url = f"data:{head};base64,iVBORw0KGgo="
    walk = Walk({"url": url}, Shape({"url": Kind.REFERENCE}), Role.USER)
    assert [s.text for s in walk.slots] == [url]
    assert [u.why for u in walk.uninspected] == ["content by reference"]
    plain = Walk(
        {"url": "data:image/svg+xml;charset=utf-8;base64,iVBORw0KGgo="}, Shape({"url": Kind.REFERENCE}), Role.USER
    )
    assert not plain.slots


# -- paths -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "raw"),
    [
        (f"/{INPUT.mail}/v1/chat/completions", None),
        (f"/{INPUT.plain_card}/v1/chat/completions", None),
    ],
)
def test_what_stands_in_a_path_is_inspected(path: str, raw: bytes | None) -> None:
    run = Exchange().says(b"{}").asks(CHAT, path, raw=raw)
    assert not run.received
    assert run.decisions[0].action is Action.BLOCKED
    assert [f.path for f in run.decisions[0].findings] == ["(path)"]


def test_the_parameters_of_a_path_are_inspected() -> None:
    body = {"contents": [{"parts": [{"text": "hello"}]}]}
    for model, passed in ((INPUT.plain_card, False), ("gemini-2", True), ("1234567890123", True)):
        run = Exchange().says(b"{}").asks(body, f"/v1/projects/123456789012/models/{model}:generateContent")
        assert bool(run.received) is passed, model


@pytest.mark.parametrize("model", ["%ff", "a%C0%AFb", "%ED%A0%80"])
def test_a_parameter_that_is_not_utf8_is_none(model: str) -> None:
    for path in (f"/model/{model}/converse", f"/v1beta/models/{model}:generateContent"):
        run = Exchange().says(b"{}").asks({"messages": []}, unquote(path), raw=path.encode())
        assert run.status in (400, 404)
        assert not run.received


def test_an_encoded_slash_does_not_fit_one_segment_of_an_exemption() -> None:
    (one,) = exemptions(["GET /health/{name}"])
    (all_,) = exemptions(["GET /static/{path:path}"])
    assert one.fits("GET", "/health/a")
    assert not one.fits("GET", "/health/a%2Fb")
    assert all_.fits("GET", "/static/a%2Fb")


# -- streams -----------------------------------------------------------------------------------------------------------


def test_an_event_is_named_by_its_type() -> None:
    said = b'event: content_block_delta\ndata: {"type": "x_kind", "delta": {"type": "text_delta", "text": "hi. "}}\n\n'
    run = Exchange().says(said, kind=SSE).asks({**STREAM, "max_tokens": 5}, "/v1/messages")
    assert run.data.startswith(b"event: x_kind\n")
    odd = Exchange().says(said.replace(b'"x_kind"', b"5"), kind=SSE).asks({**STREAM, "max_tokens": 5}, "/v1/messages")
    assert odd.data.startswith(b"data: ")


def test_an_events_name_is_no_number() -> None:
    assert not NAME.fullmatch(OUTPUT.plain_card)
    assert not NAME.fullmatch("+1-555-0100-555")
    assert NAME.fullmatch("message_stop")
    assert NAME.fullmatch("2026-01")
    said = f"event: {OUTPUT.plain_card}\ndata: {{}}\n\n".encode()
    assert OUTPUT.plain_card.encode() not in Exchange().says(said, kind=SSE).asks(STREAM).data


GEMINI = {"contents": [{"role": "user", "parts": [{"text": "hello"}]}]}
GEMINI_PATH = "/v1beta/models/g:streamGenerateContent"


def test_a_candidate_whose_index_is_none() -> None:
    ends = {"candidates": [{"content": {"parts": [{"text": "a"}]}, "finishReason": "STOP", "index": 0}]}
    goes_on = {"candidates": [{"content": {"parts": [{"text": "b"}]}, "index": ["x"]}]}
    said = json.dumps([ends, goes_on]).encode()
    assert json.loads(Exchange().says(said).asks(GEMINI, GEMINI_PATH).data)


@pytest.mark.parametrize("usage", [{OUTPUT.blocked: 5}, {"x_note": int(OUTPUT.plain_card)}])
def test_an_ending_repeats_known_counts_only(usage: dict[str, int]) -> None:
    blocked = {"candidates": [{"content": {"parts": [{"text": f"{OUTPUT.blocked}. "}]}, "index": 0}]}
    said = json.dumps([{**blocked, "usageMetadata": {"promptTokenCount": 2, **usage}}]).encode()
    run = Exchange().says(said).asks(GEMINI, GEMINI_PATH)
    assert json.loads(run.data)[-1]["usageMetadata"] == {"promptTokenCount": 2}


COMPLETION = {"model": "m", "prompt": "hello", "stream": True}


def test_a_text_that_goes_on_twice_in_the_event_that_ends_it() -> None:
    choice = {"index": 0, "logprobs": None, "finish_reason": "stop"}
    said = {"id": "c", "object": "text_completion", "created": 1, "model": "m"}
    body = {**said, "choices": [{**choice, "text": "It is "}, {**choice, "text": f"at {OUTPUT.masked} now."}]}
    run = Exchange().says(b"data: " + json.dumps(body).encode() + b"\n\n", kind=SSE).asks(COMPLETION, "/v1/completions")
    assert OUTPUT.masked.encode() not in run.data
    assert b"[a place]" in run.data


def test_a_text_without_a_place_is_continued_at_the_place_we_give_it() -> None:
    def part(place: dict[str, int], text: str) -> bytes:
        call = {"index": 0, "function": {"name": "f", "arguments": text}}
        body = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m"}
        return (
            b"data: " + json.dumps({**body, "choices": [{**place, "delta": {"tool_calls": [call]}}]}).encode() + b"\n\n"
        )

    first, second = OUTPUT.masked[:6], OUTPUT.masked[6:]
    said = part({}, json.dumps(first)[:-1]) + part({"index": 0}, second + '"')
    assert OUTPUT.masked not in "".join(
        re.findall(r'"arguments":"(.*?)"}', Exchange().says(said, kind=SSE).asks(STREAM).data.decode())
    )


@pytest.mark.parametrize("kind", ["content_block_delta", "ping", "content_block_news", "two words", 5])
@pytest.mark.parametrize("delta", ["text_delta", "news_delta", 0])
def test_a_delta_is_read_whatever_it_is_called(kind: object, delta: object) -> None:
    first, second = OUTPUT.mail[:9], OUTPUT.mail[9:]

    def event(text: str) -> bytes:
        body = {"type": kind, "index": 0, "delta": {"type": delta, "text": text}}
        return b"data: " + json.dumps(body).encode() + b"\n\n"

    said = event(f"Write to {first}") + event(f"{second} today.")
    data = Exchange().says(said, kind=SSE).asks({**STREAM, "max_tokens": 5}, "/v1/messages").data.decode()
    assert OUTPUT.mail not in "".join(re.findall(r'"text":"(.*?)"', data))


def test_a_delta_of_an_unknown_response_event() -> None:
    first, second = OUTPUT.mail[:9], OUTPUT.mail[9:]

    def event(text: str) -> bytes:
        body = {"type": "response.news.delta", "output_index": 0, "delta": text}
        return b"data: " + json.dumps(body).encode() + b"\n\n"

    said = event(f"Write to {first}") + event(f"{second} today.")
    data = (
        Exchange()
        .says(said, kind=SSE)
        .asks({"model": "m", "input": "hello", "stream": True}, "/v1/responses")
        .data.decode()
    )
    assert OUTPUT.mail not in "".join(re.findall(r'"delta":"(.*?)"', data))


def test_an_unknown_mark_of_a_text_does_not_part_it() -> None:
    first, second = OUTPUT.masked[:6], OUTPUT.masked[6:]
    said = [
        {"candidates": [{"content": {"parts": [{"text": t, "x_mark": True}]}, "index": 0}]} for t in (first, second)
    ]
    data = Exchange().says(json.dumps(said).encode()).asks(GEMINI, GEMINI_PATH).data
    texts = [p.get("text", "") for e in json.loads(data) for c in e["candidates"] for p in c["content"]["parts"]]
    assert OUTPUT.masked not in "".join(texts)


def test_an_id_of_events_that_turns_into_an_address() -> None:
    said = [
        {"candidates": [{"content": {"parts": [{"text": "a"}]}, "index": 0}], "responseId": name}
        for name in ("b44595a4", OUTPUT.mail, OUTPUT.mail)
    ]
    data = Exchange().says(json.dumps(said).encode()).asks(GEMINI, GEMINI_PATH).data
    assert OUTPUT.mail not in data.decode()
    assert json.loads(data)[0]["responseId"] == "b44595a4"


_LAST = 2**64 - 1


@pytest.mark.parametrize(
    ("path", "body", "events"),
    [
        (
            "/v1/messages",
            {**STREAM, "max_tokens": 5},
            [
                {"type": "content_block_start", "index": _LAST, "content_block": {"type": "text", "text": ""}},
                {"type": "content_block_delta", "index": _LAST, "delta": {"type": "text_delta", "text": "It rains. "}},
                {"type": "content_block_stop", "index": _LAST},
                {"type": "content_block_start", "index": 0, "content_block": {"type": "tool_use", "id": 5}},
                {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": OUTPUT.blocked}},
            ],
        ),
        (
            "/v1/responses",
            {"model": "m", "input": "hello", "stream": True},
            [
                {"type": "response.created", "sequence_number": _LAST, "response": {"id": "r", "output": []}},
                {
                    "type": "response.output_item.added",
                    "sequence_number": 1,
                    "output_index": _LAST,
                    "item": {"type": "function_call", "id": "i", "call_id": "c", "name": "f", "arguments": ""},
                },
                {"type": "response.news.delta", "sequence_number": 2, "output_index": 0, "delta": OUTPUT.blocked},
            ],
        ),
    ],
)
def test_a_number_after_which_there_is_none(path: str, body: Any, events: list[Any]) -> None:
    said = b"".join(b"data: " + json.dumps(event).encode() + b"\n\n" for event in events)
    data = Exchange().says(said, kind=SSE).asks(body, path).data
    assert OUTPUT.blocked not in data.decode()
    for line in data.decode().splitlines():
        if line.startswith("data: {"):
            parse(line[6:].encode())


def test_a_block_of_an_event_stream_after_which_there_is_none() -> None:
    def message(name: str, payload: dict[str, Any]) -> bytes:
        frame = Frame(payload, name)
        return EventStream().encode(frame)

    said = message("contentBlockDelta", {"contentBlockIndex": _LAST, "delta": {"text": "It rains. " * 90}})
    said += message("contentBlockStop", {"contentBlockIndex": _LAST})
    said += message("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"text": OUTPUT.blocked}})
    asked = {"messages": [{"role": "user", "content": [{"text": "hello"}]}]}
    exchange = Exchange().says(said, kind=b"application/vnd.amazon.eventstream")
    data = exchange.asks(asked, "/model/m.x-v1:0/converse-stream").data
    assert OUTPUT.blocked.encode() not in data
    assert b"contentBlockDelta" in data


@pytest.mark.parametrize(
    ("path", "body", "answer"),
    [
        (
            "/v1beta/models/gemini-2:generateContent",
            {"contents": [{"role": "user", "parts": [{"text": "hello"}]}]},
            lambda parts: {
                "candidates": [{"content": {"role": "model", "parts": parts}, "finishReason": "STOP", "index": 0}]
            },
        ),
        (
            "/v1/messages",
            {"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": "hello"}]},
            lambda parts: {
                "id": "m", "type": "message", "role": "assistant", "model": "m", "stop_reason": "end_turn", "stop_sequence": None,
                "usage": {"input_tokens": 1, "output_tokens": 1}, "content": [{"type": "text", **part} for part in parts],
            },
        ),
        (
            "/v1/chat/completions",
            CHAT,
            lambda parts: {
                "id": "c", "object": "chat.completion", "created": 1, "model": "m", "choices": [
                    {"index": 0, "finish_reason": "stop", "message": {
                        "role": "assistant", "content": [{"type": "text", **part} for part in parts]}}
                ],
            },
        ),
    ],
)  # fmt: skip
def test_a_part_is_a_text_by_itself_also_behind_one_that_ends_in_a_word(path: str, body: Any, answer: Any) -> None:
    for texts in (("custom", OUTPUT.blocked), (OUTPUT.blocked, "s"), ("a", OUTPUT.blocked, "z")):
        said = json.dumps(answer([{"text": text} for text in texts])).encode()
        run = Exchange().says(said, kind=JSON).asks(body, path)
        assert OUTPUT.blocked.encode() not in run.data
        assert run.decisions[-1].action is Action.BLOCKED
