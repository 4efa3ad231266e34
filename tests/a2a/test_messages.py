"""Messages of A2A: what is read, what is told, what becomes of a message that is refused, whole and in streams."""

from __future__ import annotations

import copy
import json
from dataclasses import replace
from typing import Any

import pytest

from guardrails.types import Source, Uninspected
from guardrails.wire import recognise
from guardrails.wire.a2a import A2A, A2AReading, A2ARest, AgentCard, CalledA2A, Notified
from guardrails.wire.format import Session
from tests.a2a.messages import ADDRESSED, CARD, IMAGE, RESULTS, ask, chunk, event, message, status, task
from tests.core.policies import guard, regex_rule, words_rule
from tests.wire.streams import ACCOUNT, GUARD, MASK, MESSAGE, cut_alike, events, exchange, flowed, sse, uninspected

SECRET = "a kingfisher"
# Lets files and addresses of files pass, which it tells.
OPEN = guard(words_rule("secret", "kingfisher"), regex_rule("account", r"ACC-\d{8}"), uninspected=Uninspected.ALLOW)
ONE, OLD = "SendStreamingMessage", "message/stream"


def opened(body: Any) -> Session:
    return A2A.open(copy.deepcopy(body))


def answered(method: str, result: Any) -> tuple[Any, str]:
    """What becomes of a whole answer, and the action."""
    run = exchange(opened(ask("hi", method=method, id="t-1")), OPEN)
    assert run.request().action == "NONE"
    body, decision = run.answer(event(copy.deepcopy(result)))
    return body, str(decision.action)


def streamed(*bodies: Any, method: str = ONE) -> list[Any]:
    """What a client gets of a stream, however its bytes are cut."""
    return events(cut_alike(lambda: opened(ask("hi", method=method)), sse(*bodies)), opened(ask("hi", method=method)))


def text_of(bodies: list[Any]) -> str:
    return "".join(
        p["text"] for b in bodies if (u := b["result"].get("artifactUpdate")) for p in u["artifact"]["parts"]
    )


def last_of(bodies: list[Any]) -> Any:
    return bodies[-1]["result"]["statusUpdate"]["status"]


# -- routes ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "path", "name"),
    [
        ("POST", "/", "a2a"),
        ("POST", "/a2a", "a2a"),
        ("POST", "/a2a/travel", "a2a"),
        ("POST", "/v1/message:stream", "a2a.rest"),
        ("POST", "/acme/message:send", "a2a.rest"),
        ("GET", "/tasks/t-1", "a2a.rest"),
        ("GET", "/tasks/t-1:subscribe", "a2a.rest"),
        ("POST", "/tasks/t-1:cancel", "a2a.rest"),
        ("GET", "/tasks", "a2a.reading"),
        ("DELETE", "/tasks/t-1/pushNotificationConfigs/p-1", "a2a.reading"),
        ("GET", "/.well-known/agent-card.json", "a2a.card"),
        ("GET", "/travel/.well-known/agent.json", "a2a.card"),
    ],
)
def test_routes(method: str, path: str, name: str) -> None:
    assert recognise(method, path)[0][0].name == name


def test_what_is_no_message() -> None:
    assert A2A.fits(ask("hi"))
    for body in ([ask("hi")], {**ask("hi"), "jsonrpc": "1.0"}, {"method": "x"}, "hi", None):
        assert not A2A.fits(body)
    assert not A2ARest.fits(ask("hi"))
    assert "none of A2A" in str(opened(ask("hi", method="tasks/steal")).unsupported)
    assert "message:send" in str(A2ARest.open({}, {"verb": "shout"}).unsupported)
    assert all(opened(body).unsupported is None for body in ADDRESSED)


# -- what is read ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["SendMessage", "message/send"])
def test_a_request_is_masked_or_refused(method: str) -> None:
    run = exchange(opened(ask(f"pay {ACCOUNT}", method=method, metadata={"ref": ACCOUNT})))
    assert run.request().action == "MASKED"
    assert run.form.body["params"]["message"]["parts"][0]["text"] == f"pay {MASK}"
    assert run.form.body["params"]["metadata"] == {"ref": MASK}
    assert exchange(opened(ask(SECRET, method=method))).request().blocked
    data = message("hi", old="/" in method, metadata={"kingfisher": 1})
    assert exchange(opened(ask(method=method, message=data))).request().blocked, "a key"


def test_a_value_that_two_parts_share_is_masked() -> None:
    run = exchange(opened(ask("pay ACC-1234", "5678 now")))
    assert run.request().action == "MASKED"
    assert [p["text"] for p in run.form.body["params"]["message"]["parts"]] == [f"pay {MASK}", " now"]


def test_files_are_told_and_addresses_read() -> None:
    parts = [
        {"raw": IMAGE, "mediaType": "image/png", "filename": f"of {ACCOUNT}.png"},
        {"url": "https://example.com/x.pdf"},
        {"kind": "file", "file": {"bytes": IMAGE, "mimeType": "image/png"}},
        {"kind": "file", "file": {"uri": "https://example.com/y.pdf"}},
        {"file": {"fileWithBytes": IMAGE}},
        {"raw": SECRET},
    ]
    run = exchange(opened(ask(message={**message(), "parts": parts})))
    places = [
        f"params.message.parts[{i}].{name}"
        for i, name in enumerate(("raw", "url", "file.bytes", "file.uri", "file.fileWithBytes", "raw"))
    ]
    assert list(uninspected(run.form.inbound())) == places
    assert run.request().blocked, "files are told of, and the policy says no"
    assert exchange(opened(ask(message={**message(), "parts": parts[:5]})), OPEN).request().action == "MASKED"
    assert exchange(opened(ask(message={**message(), "parts": parts})), OPEN).request().blocked, "no base64 is text"
    linked = ask(message={**message(), "parts": [{"url": f"https://x.example/{ACCOUNT}"}]})
    assert exchange(opened(linked), OPEN).request().action == "MASKED"


@pytest.mark.parametrize(("method", "result"), RESULTS)
def test_answers_pass_as_they_are(method: str, result: Any) -> None:
    body, action = answered(method, result)
    assert (body, action) == (event(result), "NONE")


@pytest.mark.parametrize("body", ADDRESSED, ids=lambda b: b["method"])
def test_requests_pass_as_they_are(body: Any) -> None:
    run = exchange(opened(body), OPEN)
    assert run.request().action == "NONE"
    assert run.form.body == body


def test_what_a_history_repeats_of_the_request_is_not_judged_again() -> None:
    judge = guard(replace(words_rule("secret", "kingfisher"), input=None))
    said = message(SECRET)
    result = {"task": task("well", history=[said])}
    run = exchange(opened(ask(message=copy.deepcopy(said))), judge)
    assert not run.request().blocked
    assert run.answer(event(copy.deepcopy(result)))[1].action == "NONE"
    other = {"task": task("well", history=[message(f"{SECRET}, and more")])}
    assert run.answer(event(other))[1].blocked, "these are not the words of the request"
    data = sse(event(result), DONE)
    form = opened(ask(message=said, method=ONE))
    assert events(flowed(form, data, judge=judge), form) == [event(result), DONE]
    assert exchange(opened(ask(SECRET)), judge).answer(event({"task": task(SECRET)}))[1].blocked


# -- refusals --------------------------------------------------------------------------------------------------------


def test_a_blocked_request_is_answered_by_a_message() -> None:
    form = opened(ask(SECRET))
    said = form.refusal(MESSAGE)["result"]["message"]
    assert (said["role"], said["parts"]) == ("ROLE_AGENT", [{"text": MESSAGE}])
    said = opened(ask(SECRET, method="message/send")).refusal(MESSAGE)["result"]
    assert (said["kind"], said["role"], said["parts"]) == ("message", "agent", [{"kind": "text", "text": MESSAGE}])
    assert form.refusal("x")["id"] == "r-1"


@pytest.mark.parametrize("method", ["SendMessage", "GetTask"])
def test_a_blocked_task_is_one_that_was_rejected(method: str) -> None:
    result = task(SECRET)
    body, action = answered(method, {"task": result} if method == "SendMessage" else result)
    said = body["result"]["task"] if method == "SendMessage" else body["result"]
    assert action == "BLOCKED"
    assert (said["id"], said["contextId"], said["status"]["state"]) == ("t-1", "c-1", "TASK_STATE_REJECTED")
    assert said["status"]["message"]["parts"] == [{"text": MESSAGE}]
    assert "kingfisher" not in json.dumps(body)


@pytest.mark.parametrize(
    "method", ["ListTasks", "CreateTaskPushNotificationConfig", "agent/getAuthenticatedExtendedCard"]
)
def test_what_has_no_words_is_refused_by_an_error(method: str) -> None:
    body, action = answered(method, {"description": SECRET, "skills": []})
    assert action == "BLOCKED"
    assert body["error"]["code"] == -32011
    assert body["error"]["message"] == MESSAGE
    assert body["error"]["data"][0]["reason"] == "GUARDRAILS_BLOCKED"


def test_an_error_of_the_agent_is_read() -> None:
    run = exchange(opened(ask("hi")))
    run.request()
    body, decision = run.answer({"jsonrpc": "2.0", "id": "r-1", "error": {"code": -32001, "message": f"no {ACCOUNT}"}})
    assert (body["error"]["message"], decision.action) == (f"no {MASK}", "MASKED")
    body, decision = run.failure(
        {"jsonrpc": "2.0", "id": "r-1", "error": {"code": -1, "message": "x", "data": [{"reason": SECRET}]}}
    )
    assert decision.blocked
    assert "kingfisher" not in json.dumps(body)


# -- the REST binding ------------------------------------------------------------------------------------------------


def test_the_rest_binding() -> None:
    version = [(b"a2a-version", b"1.0")]
    form = A2ARest.open({"message": message(f"pay {ACCOUNT}")}, {"verb": "send"}, headers=version)
    run = exchange(form)
    assert run.request().action == "MASKED"
    body, _ = run.answer({"task": task(SECRET)})
    assert body["task"]["status"]["state"] == "TASK_STATE_REJECTED"
    assert A2ARest.open({"message": message("x")}, {"verb": "send"}).refusal("no")["message"]["parts"] == [
        {"text": "no"}
    ]

    read = exchange(A2ARest.open(None, {"id": "t-1"}, method="GET", headers=version))
    assert not read.request().blocked
    assert read.answer(task(SECRET))[0]["status"]["message"]["parts"] == [{"text": MESSAGE}]
    listed = exchange(A2AReading.open(None, method="GET"))
    assert not listed.request().blocked
    body, _ = listed.answer({"tasks": [task(SECRET)]})
    assert (body["error"]["status"], body["error"]["message"]) == ("INTERNAL", MESSAGE)
    assert (A2ARest.open({}, {"verb": "stream"}).streaming, A2ARest.open(None, {"followed": "t-1"}).waits) == (
        True,
        True,
    )


def test_the_older_rest_binding_has_contents() -> None:
    form = A2ARest.open(
        {"message": {"messageId": "m", "role": "ROLE_USER", "content": [{"text": ACCOUNT}]}}, {"verb": "send"}
    )
    run = exchange(form)
    assert run.request().action == "MASKED"
    assert form.refusal("no")["message"]["content"] == [{"text": "no"}]
    assert not form.streaming


def test_names_as_protocol_buffers_have_them() -> None:
    said = {
        "message_id": "m-1",
        "role": "ROLE_USER",
        "content": [{"text": f"pay {ACCOUNT}"}, {"file": {"file_with_bytes": IMAGE}}],
    }
    form = A2ARest.open({"request": said}, {"verb": "send"})
    assert list(uninspected(form.inbound())) == ["request.content[1].file.file_with_bytes"]
    assert exchange(form, OPEN).request().action == "MASKED"
    assert form.refusal("no")["message"]["content"] == [{"text": "no"}]
    snake = [
        {
            "artifact_update": {
                "task_id": "t-1",
                "artifact": {"artifact_id": "a", "parts": [{"text": text}]},
                "append": at > 0,
            }
        }
        for at, text in enumerate(("so ACC-1234", "5678."))
    ]
    asks = A2ARest.open({"message": message("hi")}, {"verb": "stream"})
    got = events(flowed(asks, sse(*snake)), asks)
    assert "".join(e["artifact_update"]["artifact"]["parts"][0]["text"] for e in got) == f"so {MASK}."


# -- cards and notifications -----------------------------------------------------------------------------------------


def test_a_card_is_read_and_never_rewritten() -> None:
    run = exchange(AgentCard.open(None, method="GET"))
    body, decision = run.answer(copy.deepcopy(CARD))
    assert (body, decision.action, decision.direction) == (CARD, "NONE", Source.INPUT)
    for text in (f"Call {ACCOUNT}.", SECRET):
        body, decision = exchange(AgentCard.open(None, method="GET")).answer({**CARD, "description": text})
        assert decision.blocked, "what would be masked is refused: a card may be signed"
        assert "error" in body
    signed = {**CARD, "signatures": [{"protected": "eyJhbGciOiJFUzI1NiJ9", "signature": "QFdkNLNszlGj3z3u0YQGt_T9"}]}
    assert exchange(AgentCard.open(None, method="GET")).answer(copy.deepcopy(signed))[0] == signed


def test_a_notification_is_what_an_agent_says() -> None:
    for result in (task(f"pay {ACCOUNT}"), {"task": task(f"pay {ACCOUNT}")}, chunk(f"pay {ACCOUNT}")["result"]):
        form = Notified.open(copy.deepcopy(result))
        assert exchange(form).request().action == "MASKED"
        assert ACCOUNT not in json.dumps(form.body)
        assert {s.role.value for s in form.inbound().slots} == {"tool"}
    assert exchange(Notified.open(task(SECRET))).request().blocked
    assert form.unanswered


def test_agents_of_others_are_the_other_way_round() -> None:
    run = exchange(CalledA2A.open(ask(f"pay {ACCOUNT}")))
    assert run.request().direction is Source.OUTPUT
    assert {s.role.value for s in run.form.inbound().slots} == {"assistant"}
    body, decision = run.answer(event({"task": task(SECRET)}))
    assert (decision.direction, decision.blocked) == (Source.INPUT, True)
    assert body["result"]["task"]["status"]["message"]["parts"][0]["text"] == GUARD.policy.blocked(Source.INPUT, ())
    got = events(
        cut_alike(lambda: CalledA2A.open(ask("hi", method=ONE)), sse(status(), chunk("so ACC-1234"), chunk("5678.", append=True), status("TASK_STATE_COMPLETED"))),
        run.form,
    )  # fmt: skip
    assert text_of(got) == f"so {MASK}."


# -- streams ---------------------------------------------------------------------------------------------------------

DONE = status("TASK_STATE_COMPLETED")


def test_a_plain_stream_passes_as_it_is() -> None:
    sent = [
        event({"task": task(state="TASK_STATE_SUBMITTED")}),
        status(),
        chunk("all "),
        chunk("is ", append=True),
        chunk("well", append=True, lastChunk=True),
        DONE,
    ]
    assert streamed(*sent) == sent
    old = [
        status("working", old=True, final=False),
        chunk("all is well", old=True),
        status("completed", old=True, final=True),
    ]
    assert streamed(*old, method=OLD) == old


@pytest.mark.parametrize(
    "sent",
    [
        [chunk("so ACC-1234"), chunk("5678.", append=True), DONE],
        [chunk("so ACC-1234"), status(), chunk("5678.", append=True, lastChunk=True), DONE],
        [chunk("so ACC-1234", "5678."), DONE],
        [chunk("so ACC-1234"), chunk("other", artifact="a-2"), chunk("5678.", append=True), DONE],
        [chunk("so ACC-12", "34"), chunk("56", "78.", append=True)],
    ],
)
def test_a_value_that_updates_share_is_masked(sent: list[Any]) -> None:
    got = streamed(*sent)
    assert text_of(got).replace("other", "") == f"so {MASK}."
    assert [b for b in got if "artifactUpdate" not in b["result"]] == [
        b for b in sent if "artifactUpdate" not in b["result"]
    ]


def test_parts_with_a_line_break_between_them_are_read_too() -> None:
    judge = guard(words_rule("secret", "project kingfisher"))
    data = sse(status(), chunk("about project"), chunk("kingfisher, then", append=True), DONE)
    got = events(flowed(opened(ask("hi", method=ONE)), data, judge=judge), opened(ask("hi")))
    assert "kingfisher" not in json.dumps(got)
    assert last_of(got)["state"] == "TASK_STATE_REJECTED"


def test_what_replaces_an_artifact_is_a_text_of_its_own() -> None:
    got = streamed(chunk("so ACC-1234"), chunk("5678."), DONE)
    assert text_of(got) == "so ACC-12345678."
    assert streamed(chunk("ACC-1234", artifact="a"), chunk("5678", artifact="b"), DONE)[-1] == DONE


@pytest.mark.parametrize(
    "sent",
    [
        [status(), chunk("a king"), chunk("fisher", append=True), DONE],
        [event({"task": task(state="TASK_STATE_WORKING")}), status(said=message(SECRET, role="agent")), DONE],
        [status(), chunk("fine"), event({"artifactUpdate": {"artifact": {"artifactId": "a-1", "parts": [{"data": [SECRET]}]}, "append": True}}), DONE],
        [status(metadata={"x": SECRET}), DONE],
    ],
)  # fmt: skip
def test_a_blocked_stream_ends_its_task(sent: list[Any]) -> None:
    got = streamed(*sent)
    assert "kingfisher" not in json.dumps(got)
    if len(got) == 1:  # nothing was said of a task
        assert got[0]["result"]["message"]["parts"] == [{"text": MESSAGE}]
    else:
        assert (last_of(got)["state"], last_of(got)["message"]["parts"]) == ("TASK_STATE_REJECTED", [{"text": MESSAGE}])
        assert got[-1]["result"]["statusUpdate"]["taskId"] == "t-1"


def test_a_blocked_stream_of_the_older_revision() -> None:
    got = streamed(status("working", old=True), chunk(SECRET, old=True), method=OLD)
    assert got[-1]["result"]["kind"] == "status-update"
    assert (got[-1]["result"]["status"]["state"], got[-1]["result"]["final"]) == ("rejected", True)
    got = streamed(event(message(SECRET, old=True, role="agent")), method=OLD)
    assert (got[0]["result"]["kind"], got[0]["result"]["parts"]) == ("message", [{"kind": "text", "text": MESSAGE}])


def test_a_message_or_an_error_in_a_stream() -> None:
    got = streamed(event({"message": message(f"pay {ACCOUNT}", role="agent")}))
    assert got[0]["result"]["message"]["parts"][0]["text"] == f"pay {MASK}"
    failed = {"jsonrpc": "2.0", "id": "r-1", "error": {"code": -32603, "message": f"no {ACCOUNT}"}}
    assert streamed(status(), failed)[-1]["error"]["message"] == f"no {MASK}"


def test_what_an_update_of_an_unknown_kind_continues_is_read_as_one_text() -> None:
    got = streamed(*[event({"thought": {"delta": text}}) for text in ("so ACC-1234", "5678", ".")], DONE)
    assert ACCOUNT not in "".join(b["result"]["thought"]["delta"] for b in got[:-1])
