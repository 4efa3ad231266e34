"""What holds for every message of A2A: each of its strings is inspected or the message is refused, both ways and in streams."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guardrails import Guard
from guardrails.types import Action, Uninspected
from guardrails.wire.a2a import A2A, A2ARest, AgentCard, CalledA2A, Notified
from guardrails.wire.format import Format
from tests.a2a.messages import ADDRESSED, CARD, RESULTS, ask, chunk, event, message, status, task
from tests.core.policies import guard, regex_rule, words_rule
from tests.wire.streams import ACCOUNT, exchange, flowed, sse

WORD = "kingfisher"
GUARD = guard(words_rule("secret", WORD), regex_rule("account", r"ACC-\d{8}"), uninspected=Uninspected.ALLOW)
# Refuses what nobody can inspect too: base64 and addresses of files.
STRICT = guard(words_rule("secret", WORD), regex_rule("account", r"ACC-\d{8}"))
# Secrets between programs, signatures and cursors: one word of them passes as it is.
SEALED = ("token", "credentials", "protected", "signature", "pageToken", "nextPageToken")
TEXTS = ["hello", "a b c", "", "A sentence, of words.", "t-7", f"so {WORD}!", f"ask {ACCOUNT} now", WORD, ACCOUNT]
_NAMES = """
    task message statusUpdate artifactUpdate tasks configs kind id contextId taskId messageId status state timestamp artifacts history
    metadata artifact artifactId name description parts content text data raw url file bytes uri mimeType mediaType filename role
    extensions referenceTaskIds append lastChunk final tenant configuration acceptedOutputModes pushNotificationConfig authentication
    scheme schemes skills tags examples capabilities provider task_id media_type type extra x error code
"""
NAMES = _NAMES.split()
KINDS = ["task", "message", "status-update", "artifact-update", "text", "file", "data"]
VALUES: st.SearchStrategy[Any] = st.recursive(
    st.one_of(st.sampled_from([*TEXTS, *KINDS]), st.integers(-9, 9), st.booleans(), st.none()),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(NAMES), inner, max_size=4)),
    max_leaves=12,
)
OBJECTS = st.dictionaries(st.sampled_from(NAMES), VALUES, max_size=5)
METHODS = st.sampled_from(["SendMessage", "GetTask", "ListTasks", "message/send", "tasks/pushNotificationConfig/set"])
PARTS = st.one_of(
    st.fixed_dictionaries({"text": st.sampled_from([*TEXTS, "ACC-", "1234", "5678", "king", "fisher"])}),
    st.fixed_dictionaries({"data": VALUES}),
    st.fixed_dictionaries({"metadata": OBJECTS, "text": st.sampled_from(TEXTS)}),
)


def safe(value: Any) -> bool:
    said = json.dumps(value)
    return WORD not in said and ACCOUNT not in said


def allowed(parts: list[str]) -> bool:
    """Whether the rules find nothing in the parts of a text, one behind the other and on lines of their own."""
    return all(GUARD.check(gap.join(parts), "OUTPUT").action is Action.NONE for gap in ("", "\n"))


def asked(form: type[Format], body: Any, params: Any = None, *, judge: Guard = STRICT) -> Any:
    """What the agent is sent, or what the client is told instead."""
    run = exchange(form.open(copy.deepcopy(body), params), judge)
    return run.refusal("withheld") if run.request().blocked else run.form.body


def answered(form: type[Format], request: Any, body: Any, *, judge: Guard = STRICT) -> Any:
    run = exchange(form.open(copy.deepcopy(request)), judge)
    if run.request().blocked:
        return None
    return run.answer(copy.deepcopy(body))[0]


@settings(deadline=None)
@given(METHODS, OBJECTS)
def test_a_request(method: str, params: dict[str, Any]) -> None:
    body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
    for form in (A2A, CalledA2A):
        assert safe(asked(form, body))
    assert safe(asked(A2ARest, params, {"verb": "send"}))
    assert safe(asked(Notified, params))


@settings(deadline=None)
@given(METHODS, OBJECTS)
def test_an_answer(method: str, result: dict[str, Any]) -> None:
    for form in (A2A, CalledA2A):
        assert safe(answered(form, ask("hi", method=method), event(result)))
    assert safe(answered(AgentCard, None, result))


@settings(deadline=None)
@given(st.one_of(OBJECTS, st.lists(OBJECTS, max_size=2), st.sampled_from(TEXTS)))
def test_an_answer_that_is_none(body: Any) -> None:
    assert safe(answered(A2A, ask("hi"), body))


def _events() -> st.SearchStrategy[Any]:
    more = st.fixed_dictionaries(
        {}, optional={"append": st.booleans(), "lastChunk": st.booleans(), "metadata": OBJECTS}
    )

    def update(parts: Any, name: str, old: bool, given: Any) -> Any:
        body = chunk(artifact=name, old=old, **given)
        (body["result"] if old else body["result"]["artifactUpdate"])["artifact"]["parts"] = parts
        return body

    chunks = st.builds(update, st.lists(PARTS, max_size=3), st.sampled_from(["a", "b"]), st.booleans(), more)
    said = st.builds(lambda text: status(said=message(text, role="agent")), st.sampled_from(TEXTS))
    return st.one_of(chunks, chunks, said, st.just(status()), OBJECTS.map(event), OBJECTS)


@settings(deadline=None)
@given(st.lists(_events(), min_size=1, max_size=5), st.sampled_from([0, 5]))
def test_a_stream(sent: list[Any], step: int) -> None:
    for form in (A2A, CalledA2A):
        got = flowed(form.open(ask("hi", method="SendStreamingMessage")), sse(*sent), step, judge=STRICT).decode()
        assert WORD not in got
        assert ACCOUNT not in got


@settings(deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from(["ACC-", "12345678", "kingfi", "sher", " and ", "x", ""]), st.booleans()), max_size=6
    )
)
def test_texts_that_updates_share(pieces: list[tuple[str, bool]]) -> None:
    """What a client shows, with line breaks between the parts of an artifact or without, holds nothing that may not be said."""
    sent = [status(), *(chunk(text, append=i > 0, lastChunk=last) for i, (text, last) in enumerate(pieces))]
    got = flowed(
        A2A.open(ask("hi", method="SendStreamingMessage")), sse(*sent, status("TASK_STATE_COMPLETED")), judge=GUARD
    )
    bodies = [json.loads(line[6:])["result"] for line in got.decode().splitlines() if line.startswith("data: ")]
    shown: list[str] = []
    for body in bodies:
        update = body.get("artifactUpdate")
        if update is not None and update.get("append") is not True:
            shown = []
        shown += [p["text"] for p in update["artifact"]["parts"]] if update is not None else []
        # A text that its last update ended is complete; what goes on behind that is another.
        if update is not None and update.get("lastChunk") is True:
            assert allowed(shown)
            shown = []
    assert allowed(shown)


# -- every string of every message -----------------------------------------------------------------------------------


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where the strings of a value are, those of the protocol itself not counted."""
    for key, one in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        if isinstance(one, str) and (*path, key) not in {("jsonrpc",), ("method",)} and key not in SEALED:
            yield (*path, key)
        yield from places(one, (*path, key))


def put(value: Any, path: tuple[Any, ...], text: str) -> Any:
    out = copy.deepcopy(value)
    at = out
    for key in path[:-1]:
        at = at[key]
    at[path[-1]] = text
    return out


SENT = [(body["method"], body) for body in ADDRESSED]
ANSWERS = [
    *RESULTS,
    ("card", CARD),
    *(("stream", b["result"]) for b in (status(said=message("x")), chunk("x"), event(task("x")))),
]


@pytest.mark.parametrize(("method", "body"), SENT, ids=[name for name, _ in SENT])
@pytest.mark.parametrize("text", [f"so: {WORD}, please", f"so: {ACCOUNT}, please", WORD])
def test_a_word_at_any_place_of_a_request(method: str, body: Any, text: str) -> None:
    found = list(places(body))
    assert found or method == "SubscribeToTask"
    for path in found:
        assert safe(asked(A2A, put(body, path, text), judge=GUARD)), path


@pytest.mark.parametrize(("method", "result"), ANSWERS, ids=[name for name, _ in ANSWERS])
@pytest.mark.parametrize("text", [f"so: {WORD}, please", f"so: {ACCOUNT}, please", WORD])
def test_a_word_at_any_place_of_an_answer(method: str, result: Any, text: str) -> None:
    asks = ask("hi", method=method if method not in ("card", "stream") else "SendStreamingMessage", id="t-1")
    for path in places(result):
        changed = put(result, path, text)
        if method == "card":
            assert safe(answered(AgentCard, None, changed, judge=GUARD)), path
            continue
        assert safe(answered(A2A, asks, event(changed), judge=GUARD)), path
        if method == "stream":
            got = flowed(A2A.open(asks), sse(event(changed)), judge=GUARD).decode()
            assert WORD not in got, path
            assert ACCOUNT not in got, path
