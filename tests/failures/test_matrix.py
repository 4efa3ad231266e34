"""The failure matrix: every detector, in every trouble, under every ``on_failure``, through every door."""

from __future__ import annotations

import json
import logging
from typing import Any, NamedTuple

import pytest

from guardrails import Guard, Piece, inference
from guardrails.asgi import GuardrailsMiddleware
from guardrails.errors import WeightsMissing
from guardrails.policy import loads
from guardrails.streaming.stream import TextStream
from guardrails.types import OnFailure, Source
from tests.asgi.apps import App, chunk, content_of
from tests.failures.faults import CANARY, MESSAGES, Fault, arm, guard, policy, stub_models, text
from tests.failures.matrix import (
    BAD_INPUT,
    DOC,
    KINDS,
    MISSING,
    OUTCOMES,
    OVERLOAD,
    ROWS,
    TROUBLES,
    Row,
    happens,
    only_long,
    page,
)


class Cell(NamedTuple):
    """One cell of the table, under one ``on_failure``."""

    row: Row
    trouble: str
    on_failure: OnFailure

    def __str__(self) -> str:
        return f"{self.row.name}-{self.trouble}-{self.on_failure.value}".replace(" ", "_")


CELLS = [Cell(row, t, o) for row in ROWS for t in TROUBLES for o in OnFailure if happens(row, t)]
cells = pytest.mark.parametrize("cell", CELLS, ids=str)
# Segments are short; see test_streams_are_never_long_enough_to_be_overloaded.
segmented_cells = pytest.mark.parametrize("cell", [c for c in CELLS if not only_long(c.row, c.trouble)], ids=str)


@pytest.fixture
def fault() -> Fault:
    return Fault()


def survives(row: Row, trouble: str) -> bool:
    """Whether the rule beside the one in trouble is not in it."""
    return trouble != BAD_INPUT and not only_long(row, trouble)


# -- the library ---------------------------------------------------------------------------------------------------------


@cells
def test_check(cell: Cell, fault: Fault, monkeypatch: pytest.MonkeyPatch, caplog: Any) -> None:
    row, trouble, on_failure = cell
    caplog.set_level(logging.DEBUG)
    one = guard(monkeypatch, row, on_failure, trouble, fault)
    pieces: Any = text(row, trouble)
    if row.detector == "grounding":
        pieces = [Piece(pieces), Piece("the source", "document", "grounding_source")]  # type: ignore[arg-type]
    usual = one.check(text(row, "none"), "OUTPUT")
    assert (usual.action, usual.failures) == ("NONE", ())
    arm(monkeypatch, row, trouble, fault)
    report = one.check(pieces, "OUTPUT")
    outcome = OUTCOMES[on_failure]
    assert report.action == ("BLOCKED" if outcome.blocked else "NONE")
    assert report.text.startswith(MESSAGES[1] if outcome.blocked else text(row, trouble))
    assert (CANARY in report.text) is not outcome.blocked
    assert {f.kind for f in report.failures if f.rule == row.rule} == {KINDS[trouble]}
    seen = {f.type for f in report.findings}
    if survives(row, trouble):
        assert seen == {"other"} if row.detector == "words" else seen == {"WORD"}
        assert {f.rule for f in report.failures} == {row.rule}
    assert CANARY not in caplog.text + repr(report) + report.to_json()


@segmented_cells
def test_stream(cell: Cell, fault: Fault, monkeypatch: pytest.MonkeyPatch) -> None:
    row, trouble, on_failure = cell
    one = guard(monkeypatch, row, on_failure, trouble, fault)
    company = (Piece("source", "document", "grounding_source"),) if row.detector == "grounding" else ()  # type: ignore[arg-type]
    stream = TextStream(one.direction("OUTPUT"), references=company)
    safe = "It is a calm day at the harbour, and the boats lie still. " * 3
    shown = stream.feed(safe)
    arm(monkeypatch, row, trouble, fault)
    late = text(row, trouble)
    shown += "".join(stream.feed(late[i : i + 7]) for i in range(0, len(late), 7)) + stream.finish()
    report = stream.report
    outcome = OUTCOMES[on_failure]
    assert {f.kind for f in report.failures if f.rule == row.rule} == {KINDS[trouble]}
    if outcome.blocked:
        assert shown.endswith(MESSAGES[1])
        # What left before is a beginning of the text; nothing of what was held has left. Too much is bad from there on.
        assert (safe + late).startswith(shown.removesuffix(MESSAGES[1]))
        assert trouble == BAD_INPUT or CANARY not in shown
    else:
        assert shown == safe + late
    assert report.action == ("BLOCKED" if outcome.blocked else "NONE")


# -- the middleware ------------------------------------------------------------------------------------------------------


def conversation(row: Row, asked: str, *, stream: bool) -> dict[str, Any]:
    messages = [{"role": "user", "content": asked}]
    if row.detector == "grounding":
        messages = [{"role": "tool", "tool_call_id": "t1", "content": "The harbour is calm."}, *messages]
    return {"model": "m", "stream": stream, "messages": messages}


def metrics(app: App) -> dict[str, float]:
    """Failures and fail-opens, as they are exposed."""
    lines = middleware(app).telemetry.expose().decode().splitlines()
    pairs = [line.rsplit(" ", 1) for line in lines if not line.startswith("#")]
    return {
        k: float(v) for k, v in pairs if k.startswith(("guardrails_failures_total{", "guardrails_fail_open_total{"))
    }


def middleware(app: App) -> GuardrailsMiddleware:
    stack: Any = app.app.middleware_stack
    while not isinstance(stack, GuardrailsMiddleware):
        stack = stack.app
    return stack


def is_as_promised(cell: Cell, app: App, answer: Any, source: Source, log: Any) -> None:
    """The decision, the headers, the counters and the log line of a cell."""
    row, trouble, on_failure = cell
    outcome = OUTCOMES[on_failure]
    (decision,) = [d for d in app.decisions if d.direction is source]
    assert decision.action == ("BLOCKED" if outcome.blocked else "NONE")
    assert {f.kind for f in decision.failures if f.rule == row.rule} == {KINDS[trouble]}
    assert (row.rule in decision.fail_open) is outcome.fail_open
    got = metrics(app)
    assert got[f'guardrails_failures_total{{kind="{KINDS[trouble].value}",rule="{row.rule}"}}'] >= 1
    assert (f'guardrails_fail_open_total{{rule="{row.rule}"}}' in got) is outcome.fail_open
    lines = [r for r in log.records if r.name == "guardrails.decisions"]
    (line,) = [r for r in lines if json.loads(r.message)["direction"] == source.value]
    # What a stream let out before it was blocked may have been open by the rule beside.
    assert line.levelname == ("WARNING" if decision.fail_open else "INFO")
    assert {"rule": row.rule, "kind": KINDS[trouble].value, "open": outcome.fail_open} in json.loads(line.message)[
        "failures"
    ]
    assert CANARY not in log.text
    assert answer.status_code == 200
    assert answer.headers["x-guardrails-decision-id"] == decision.id


@cells
def test_middleware_request(cell: Cell, fault: Fault, monkeypatch: pytest.MonkeyPatch, caplog: Any) -> None:
    row, trouble, on_failure = cell
    if not row.input:
        # The rule has nothing to do on the way in; what else is in trouble there is another row.
        assert row.rule not in guard(monkeypatch, row, on_failure, trouble, fault).direction("INPUT").rules
        return
    caplog.set_level(logging.INFO)
    app = App("All is well.", policies=guard(monkeypatch, row, on_failure, trouble, fault))
    arm(monkeypatch, row, trouble, fault)
    answer = app.post(conversation(row, text(row, trouble), stream=False))
    is_as_promised(cell, app, answer, Source.INPUT, caplog)
    outcome = OUTCOMES[on_failure]
    if outcome.blocked:
        assert app.received == []
        assert content_of(answer) == MESSAGES[0]
        assert answer.headers["x-guardrails-action"] == "BLOCKED"
        assert "x-guardrails-degraded" not in answer.headers
    else:
        assert app.received[0]["messages"][-1]["content"] == text(row, trouble)
        assert answer.headers["x-guardrails-degraded"] == "fail-open"
    if survives(row, trouble):
        (decision,) = [d for d in app.decisions if d.direction is Source.INPUT]
        assert {f.finding.type for f in decision.findings} == {"other" if row.detector == "words" else "WORD"}


@segmented_cells
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
def test_middleware_answer(
    cell: Cell, stream: bool, fault: Fault, monkeypatch: pytest.MonkeyPatch, caplog: Any
) -> None:
    row, trouble, on_failure = cell
    caplog.set_level(logging.INFO)

    def says(_: Any) -> str:
        arm(monkeypatch, row, trouble, fault)
        return text(row, trouble).strip()

    app = App(says, policies=guard(monkeypatch, row, on_failure, trouble, fault))
    answer = app.post(conversation(row, "How is the harbour?", stream=stream))
    is_as_promised(cell, app, answer, Source.OUTPUT, caplog)
    content = content_of(answer).strip()
    if OUTCOMES[on_failure].blocked:
        assert content.endswith(MESSAGES[1])
        if trouble != BAD_INPUT or not stream:
            assert content == MESSAGES[1]
        # The head of a stream may be out before anything fails.
        assert stream or answer.headers["x-guardrails-action"] == "BLOCKED"
        assert "x-guardrails-degraded" not in answer.headers
        assert not stream or answer.text.rstrip().endswith("[DONE]")
    else:
        assert content == text(row, trouble).strip()
        assert stream or answer.headers["x-guardrails-degraded"] == "fail-open"
        assert answer.headers["x-guardrails-action"] == "NONE"


# -- what cannot happen, and what happens before -------------------------------------------------------------------------


@pytest.mark.parametrize("row", [r for r in ROWS if not r.asks_model], ids=lambda r: r.name)
def test_string_detectors_ask_no_model(row: Row, monkeypatch: pytest.MonkeyPatch) -> None:
    """Missing models cannot trouble them: nothing of the model runtime is ever called, not even to build them."""

    def never(*_: Any, **__: Any) -> Any:
        raise AssertionError(f"{row.name} asked a model")

    for name in ("text_engine", "pair_engine", "pair_cascade", "foreign", "read", "warm"):
        monkeypatch.setattr(inference, name, never)
    one = Guard(loads(policy(row, OnFailure.BLOCK)))
    for source in Source:
        for content in (text(row, "none"), text(row, OVERLOAD), "kıngfisher ACC-12345678 bob@example.com " * 3):
            assert one.check(content, source).failures == ()


@pytest.mark.parametrize("row", [r for r in ROWS if r.asks_model], ids=lambda r: r.name)
@pytest.mark.parametrize("on_failure", OnFailure)
def test_a_guard_is_not_built_without_its_model(
    row: Row, on_failure: OnFailure, fault: Fault, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not even where the policy would let texts pass: that is for trouble that comes, not for a door that never worked."""
    stub_models(monkeypatch, fault)
    fault.armed = MISSING
    with pytest.raises(WeightsMissing):
        Guard(loads(policy(row, on_failure)))


@pytest.mark.parametrize("row", [r for r in ROWS if not r.asks_model], ids=lambda r: r.name)
def test_streams_are_never_long_enough_to_be_overloaded(
    row: Row, fault: Fault, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = guard(monkeypatch, row, OnFailure.BLOCK, OVERLOAD, fault)
    arm(monkeypatch, row, OVERLOAD, fault)
    stream = one.stream("OUTPUT")
    long = text(row, OVERLOAD)
    shown = "".join(stream.feed(long[i : i + 1000]) for i in range(0, len(long), 1000)) + stream.finish()
    assert (shown, stream.report.failures) == (long, ())


def test_lone_surrogates_are_bad_input_too(fault: Fault, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the library they are a failure; behind the middleware JSON with one is refused before any check."""
    for row in ROWS:
        for on_failure, outcome in OUTCOMES.items():
            one = guard(monkeypatch, row, on_failure, "none", fault)
            report = one.check("a \ud800 b", "OUTPUT")
            assert report.action == ("BLOCKED" if outcome.blocked else "NONE")
            assert row.rule in {f.rule for f in report.failures}
            assert {f.kind for f in report.failures} == {KINDS[BAD_INPUT]}
    app = App("fine")
    answer = app.post(b'{"model":"m","messages":[{"role":"user","content":"a \\ud800 b"}]}')
    assert (answer.status_code, app.received) == (400, [])


def test_a_failed_tagger_leaves_the_patterns(fault: Fault, monkeypatch: pytest.MonkeyPatch) -> None:
    """A policy with names and e-mail addresses: without its model, addresses are masked all the same."""
    stub_models(monkeypatch, fault)
    one = Guard(loads("version: 1\nname: p\non_failure: allow\npii: {entities: {NAME: mask, EMAIL: mask}}\n"))
    for trouble in ("crash", MISSING, OVERLOAD, "out of memory"):
        fault.armed = trouble
        report = one.check("write to bob@example.com", "INPUT")
        assert (report.text, {f.rule for f in report.failures}) == ("write to {EMAIL}", {"pii.NAME"})


def test_a_stream_whose_first_segment_fails_open_says_so(fault: Fault, monkeypatch: pytest.MonkeyPatch) -> None:
    """The head of a stream leaves with its first text: what has failed by then stands in it."""
    row = next(r for r in ROWS if r.detector == "content")

    def says(_: Any) -> list[bytes]:
        fault.armed = "crash"
        return [chunk({"content": "It is a calm day at the harbour. " * 20}), chunk({}, "stop"), b"data: [DONE]\n\n"]

    app = App(says, policies=guard(monkeypatch, row, OnFailure.ALLOW, "crash", fault))
    answer = app.post(conversation(row, "How is the harbour?", stream=True))
    assert (answer.headers["x-guardrails-action"], answer.headers["x-guardrails-degraded"]) == ("NONE", "fail-open")


def test_the_page_is_fresh() -> None:
    old = DOC.read_text(encoding="utf-8")
    assert page(old) == old, "run python -m tests.failures.matrix"
