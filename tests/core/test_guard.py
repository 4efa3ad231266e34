from __future__ import annotations

import asyncio
import json
import logging
import threading
from collections.abc import Iterator

import pytest

from guardrails import Action, Guard, Piece, Report, detectors
from guardrails.content import Content, Deadline
from guardrails.errors import DeadlineExceeded
from guardrails.rules import Limits, Rule
from guardrails.types import FailureKind, Found, Hit, OnFailure, RuleAction
from tests.core.policies import BLOCK, DETECT, guard, pii_rule, policy, regex_rule, styled, words_rule


def test_none_masked_blocked() -> None:
    g = guard(words_rule("secret", "kingfisher"), regex_rule("account", r"ACC-\d{8}"))
    plain = g.check("How are you?", source="INPUT")
    assert (plain.action, plain.text, plain.findings) == ("NONE", "How are you?", ())
    masked = g.check("my ACC-12345678 please", source="INPUT")
    assert (masked.action, masked.text) == (Action.MASKED, "my {account} please")
    (finding,) = masked.findings
    assert (finding.rule, finding.type, finding.start, finding.end) == ("regex.account", "account", 3, 15)
    assert (finding.action, finding.piece, finding.level) == ("MASKED", 0, None)
    blocked = g.check("about Kingfisher and ACC-12345678", source="OUTPUT")
    assert (blocked.action, blocked.text) == ("BLOCKED", "Sorry, I can't share that answer.")
    assert [f.action for f in blocked.findings] == ["BLOCKED", "MASKED"]


def test_detect_reports_and_passes() -> None:
    report = guard(regex_rule("n", r"\d+", DETECT)).check("room 12", source="INPUT")
    assert (report.action, report.text) == ("NONE", "room 12")
    assert [(f.start, f.end, f.action) for f in report.findings] == [(5, 7, "NONE")]


def test_directions_are_separate() -> None:
    rule = Rule("regex.n", "regex", "n", regex_rule("n", r"\d+").settings, input=None, output=RuleAction.BLOCK)
    g = Guard(policy(rule))
    assert g.check("12", source="INPUT").findings == ()
    assert g.check("12", source="OUTPUT").action == "BLOCKED"


def test_source_is_required_and_named() -> None:
    g = guard(words_rule("w", "x"))
    with pytest.raises(TypeError):
        g.check("text")  # type: ignore[call-arg]
    with pytest.raises(ValueError, match="'SIDEWAYS' is not a valid Source"):
        g.check("text", source="SIDEWAYS")


def test_pieces_keep_their_places() -> None:
    g = guard(regex_rule("n", r"\d+"))
    report = g.check(
        [
            Piece("the source says 1066", role="document", qualifier="grounding_source"),  # type: ignore[arg-type]
            {"text": "when?", "qualifier": ["query"]},
            "in 1066",
        ],
        source="OUTPUT",
    )
    assert report.outputs == ("the source says {n}", "when?", "in {n}")
    assert [f.piece for f in report.findings] == [0, 2]
    assert report.text == "the source says {n}\nwhen?\nin {n}"
    blocked = guard(regex_rule("n", r"\d+", BLOCK)).check(["a 1", "b"], source="INPUT")
    assert blocked.outputs == ("Sorry, I can't help with that request.",) * 2
    assert blocked.text == "Sorry, I can't help with that request."


def test_wrong_arguments_name_the_type_only() -> None:
    g = guard(words_rule("w", "x"))
    for wrong in (b"secret-bytes", 7, None):
        with pytest.raises(TypeError) as error:
            g.check(wrong, source="INPUT")  # type: ignore[arg-type]
        assert "secret" not in str(error.value)


@pytest.mark.parametrize(
    ("text", "limits", "detail"),
    [
        ("lone \ud800 surrogate", Limits(), "lone surrogate"),
        ("x" * 11, Limits(max_characters=10), "more than 10 characters"),
    ],
)
@pytest.mark.parametrize("on_failure", OnFailure)
def test_bad_input_is_the_policys_to_decide(text: str, limits: Limits, detail: str, on_failure: OnFailure) -> None:
    g = guard(words_rule("w", "never", on_failure=on_failure), limits=limits)
    report = g.check(text, source="INPUT")
    assert [(f.rule, f.kind, f.detail) for f in report.failures] == [("words.w", FailureKind.BAD_INPUT, detail)]
    assert report.action == ("BLOCKED" if on_failure is OnFailure.BLOCK else "NONE")
    assert (report.coverage.seen, report.coverage.total) == (0, len(text))
    assert report.coverage.unseen[0].reason == detail
    if on_failure is not OnFailure.BLOCK:
        assert report.text == text


def test_the_rest_is_inspected_beside_a_bad_piece() -> None:
    g = guard(words_rule("w", "never", on_failure=OnFailure.ALLOW))
    assert g.check(["\udc00", "never"], source="INPUT").action == "BLOCKED"


class Broken:
    """A detector that fails as told; the error's message quotes the text, as careless libraries do."""

    error: type[Exception] = RuntimeError

    def find(self, content: Content, deadline: Deadline) -> Found:
        raise self.error(content.pieces[0].text)


@pytest.fixture
def broken(monkeypatch: pytest.MonkeyPatch) -> Iterator[type[Broken]]:
    real = detectors.build
    monkeypatch.setattr(detectors, "build", lambda name, rules: Broken() if name == "regex" else real(name, rules))
    yield Broken
    Broken.error = RuntimeError


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (RuntimeError, FailureKind.INTERNAL),
        (DeadlineExceeded, FailureKind.TIMEOUT),
        (MemoryError, FailureKind.OUT_OF_MEMORY),
    ],
)
@pytest.mark.parametrize("on_failure", OnFailure)
def test_a_broken_detector_is_neither_a_pass_nor_a_hit(
    broken: type[Broken],
    error: type[Exception],
    kind: FailureKind,
    on_failure: OnFailure,
    caplog: pytest.LogCaptureFixture,
) -> None:
    broken.error = error
    caplog.set_level(logging.DEBUG)
    report = guard(regex_rule("n", r"\d", on_failure=on_failure)).check("canary-Zq81xkPw", source="INPUT")
    assert report.findings == ()
    assert [(f.rule, f.kind) for f in report.failures] == [("regex.n", kind)]
    assert error.__name__ in report.failures[0].detail
    assert report.action == ("BLOCKED" if on_failure is OnFailure.BLOCK else "NONE")
    assert "Zq81xkPw" not in repr(report) + caplog.text + report.to_json()


def test_a_spent_deadline_fails_closed() -> None:
    g = guard(words_rule("w", "x"), limits=Limits(deadline_ms=0))
    report = g.check("text", source="INPUT")
    assert report.action == "BLOCKED"
    assert report.failures[0].kind is FailureKind.TIMEOUT


def test_exceptions_excuse_exactly_themselves() -> None:
    g = guard(
        words_rule("w", "dick", exceptions=("Dick's Sporting Goods",)),
        regex_rule("phone", r"\+?[\d ]{8,}", exceptions=("+44 20 7946 0000",)),
    )
    assert g.check("I bought it at Dick's  Sporting Goods.", source="INPUT").action == "NONE"
    assert g.check("you dick", source="INPUT").action == "BLOCKED"
    assert g.check("Dick's sporting", source="INPUT").action == "BLOCKED"
    assert g.check("call +442079460000", source="INPUT").action == "NONE"
    assert g.check("call +442079460001", source="INPUT").action == "MASKED"


def test_what_masking_uncovers_is_masked_too() -> None:
    # Without the inner pair the outer one meets: "<a<b>c>" has no run of <…> left unmasked.
    g = guard(regex_rule("inner", "<b>", mask=styled("constant", text="x")), regex_rule("outer", "ax?c"))
    report = g.check("1 a<b>c 2", source="INPUT")
    assert report.text == "1 {outer} 2"
    assert max(report.findings, key=lambda f: (f.end or 0) - (f.start or 0)).rule == "regex.outer"
    assert {(f.start, f.end) for f in report.findings} == {(2, 7), (3, 6)}


def test_masking_that_never_settles_blocks() -> None:
    g = guard(regex_rule("grow", "a+", mask=styled("constant", text="")), regex_rule("x", "never"))
    assert g.check("bab", source="INPUT").text == "bb"
    endless = guard(regex_rule("x", "ab", mask=styled("constant", text="")))
    report = endless.check("a" * 40 + "b" * 40, source="INPUT")
    assert report.action == "BLOCKED"
    assert report.failures[0].detail == "masking did not settle"


def test_numbers_are_shared_by_all_pieces() -> None:
    g = guard(pii_rule("EMAIL", mask=styled("numbered")))
    report = g.check(["from bob@example.com", "to eve@example.com and Bob@Example.com"], source="INPUT")
    assert report.outputs == ("from {EMAIL_1}", "to {EMAIL_2} and {EMAIL_1}")


def test_reports_serialise_without_the_text() -> None:
    report = guard(regex_rule("n", r"\d+")).check("abc 123 def", source="INPUT")
    plain = json.loads(report.to_json())
    assert "text" not in plain
    assert "abc" not in report.to_json() + repr(report)
    assert json.loads(report.to_json(include_text=True))["text"] == "abc {n} def"
    assert plain["policy"]["owner"] == "tests"
    assert plain["findings"][0]["start"] == 4
    assert set(plain["timings_ms"]) == {"regex"}


def test_acheck_leaves_the_loop_free() -> None:
    entered, release = threading.Event(), threading.Event()

    class Slow:
        def find(self, content: Content, deadline: Deadline) -> Found:
            entered.set()
            assert release.wait(10)
            return Found([Hit("regex.n", "n", 0, 1)])

    g = guard(regex_rule("n", r"\d+"))
    for direction in g._directions.values():
        direction._detectors[0] = ("regex", ("regex.n",), Slow())

    async def run() -> Report:
        task = asyncio.create_task(g.acheck("x", source="INPUT"))
        while not entered.is_set():
            await asyncio.sleep(0.001)
        # The detector is stuck in its thread, and this line runs: the loop is free.
        assert not task.done()
        release.set()
        return await task

    assert asyncio.run(run()).action == "MASKED"


def test_check_many_and_threads_agree() -> None:
    g = guard(regex_rule("n", r"\d+"), words_rule("w", "never"))
    texts = [f"{i} bottles" if i % 3 else "never" for i in range(200)]
    expected = [(r.action, r.text) for r in g.check_many(texts, source="INPUT")]
    results: list[list[tuple[Action, str]]] = []

    def work() -> None:
        results.append([(r.action, r.text) for r in g.check_many(texts, source="INPUT")])

    threads = [threading.Thread(target=work) for _ in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert results == [expected] * 4
