"""The failure matrix of remote models: every kind of server, in every trouble, under every ``on_failure``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from guardrails import Guard
from guardrails.policy import loads
from guardrails.types import OnFailure
from tests.failures.matrix import DOC, OUTCOMES
from tests.failures.remote import GARBAGE, KINDS, REFUSAL, RESTART, ROWS, TIMEOUT, TROUBLES, TRUNCATION, Row, page
from tests.remote.servers import Server, serving

CANARY = "Zq81xkPw"
# What each trouble is to a server on a socket.
FAULTS = {TIMEOUT: "silence", REFUSAL: "refusal", GARBAGE: "garbage", TRUNCATION: "truncation", RESTART: ""}


@pytest.fixture(params=ROWS, ids=lambda row: row.name.replace(" ", "_"))
def row(request: pytest.FixtureRequest) -> Row:
    found: Row = request.param
    return found


@pytest.fixture
def server(row: Row) -> Iterator[Server]:
    with serving(row.answers()) as found:
        yield found


def guard(row: Row, server: Server, on_failure: OnFailure, more: str = "", *, timeout_ms: int = 60_000) -> Guard:
    return Guard(
        loads(
            f"version: 1\nname: p\non_failure: {on_failure.value}\nlimits: {{deadline_ms: 60000}}\n"
            f"remote: [{{name: far, url: '{server.url}', {row.rule}, timeout_ms: {timeout_ms}, action: block{more}}}]\n"
            "words: {terms: [{term: zebrafinch, id: other, action: detect}]}\n"
        )
    )


@pytest.mark.parametrize("on_failure", OnFailure)
@pytest.mark.parametrize("trouble", TROUBLES)
def test_trouble(
    row: Row, trouble: str, on_failure: OnFailure, server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    one = guard(row, server, on_failure)
    harmless, harmful = f"The zebrafinch of {CANARY} sings.", "The kingfisher dives."
    assert one.check(harmless, "OUTPUT").action == "NONE"
    server.trouble = FAULTS[trouble]
    asked = guard(row, server, on_failure, timeout_ms=50) if trouble == TIMEOUT else one
    if trouble == RESTART:
        server.stop()
    for text in (harmless, harmful):
        report = asked.check(text, "OUTPUT")
        assert report.action == ("BLOCKED" if OUTCOMES[on_failure].blocked else "NONE")
        assert [(f.rule, f.kind) for f in report.failures] == [("remote.far", KINDS[trouble])]
        assert [f.rule for f in report.findings] == (["words.other"] if text == harmless else [])
        assert (CANARY in report.text) is (text == harmless and not OUTCOMES[on_failure].blocked)
        assert CANARY not in caplog.text + repr(report) + report.to_json()
    server.trouble = ""
    if trouble == RESTART:
        server.start()
    assert one.check(harmless, "OUTPUT").failures == ()
    assert one.check(harmful, "OUTPUT").action == "BLOCKED"


def test_a_window_that_fails_fails_the_piece(row: Row, server: Server) -> None:
    """Whatever the other windows say: half of a text that was judged is no text that was judged."""
    answers: Any = server.answers

    def second_fails(path: str, body: Any) -> tuple[int, Any]:
        status, said = answers(path, body)
        return (500, {}) if len(server.calls) > 2 else (status, said)

    server.answers = second_fails
    report = guard(row, server, OnFailure.BLOCK, ", window: 200").check("The water is calm. " * 600, "INPUT")
    assert (report.action, report.findings) == ("BLOCKED", ())
    assert report.failures[0].kind == KINDS[REFUSAL]


def test_the_page_is_fresh() -> None:
    old = DOC.read_text(encoding="utf-8")
    assert page(old) == old, "run python -m tests.failures.remote"
