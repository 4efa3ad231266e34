from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from guardrails.detectors import regex
from guardrails.rules import Rule
from guardrails.types import Action, Failure, FailureKind, Hit, OnFailure, RuleAction, Source
from guardrails.verdict import judge

RULES = {
    f"r{i}": Rule(
        id=f"r{i}",
        detector="regex",
        type=f"T{i}",
        settings=regex.Settings(name=f"T{i}", pattern="x"),
        input=[*RuleAction][i % 3],
        output=[*RuleAction][(i + 1) % 3],
        on_failure=[*OnFailure][i % 3],
        required=bool(i % 2),
    )
    for i in range(6)
}
hits = st.builds(
    Hit,
    rule=st.sampled_from(sorted(RULES)),
    type=st.sampled_from(["A", "B"]),
    start=st.integers(0, 5),
    end=st.integers(6, 9),
    score=st.sampled_from([0.5, 1.0]),
    piece=st.integers(0, 2),
)
failures = st.builds(Failure, rule=st.sampled_from(sorted(RULES)), kind=st.sampled_from(FailureKind), piece=st.none())


@given(st.lists(hits, max_size=8), st.lists(failures, max_size=4), st.sampled_from(Source), st.randoms())
def test_order_is_nothing(hits_, failures_, source, random) -> None:  # type: ignore[no-untyped-def]
    first = judge(RULES, source, hits_, failures_)
    rules = list(RULES.items())
    for sequence in (hits_, failures_, rules):
        random.shuffle(sequence)
    assert judge(dict(rules), source, hits_, failures_) == first


@given(st.lists(hits, max_size=8), hits, st.sampled_from(Source))
def test_one_more_hit_is_never_milder(hits_, more, source) -> None:  # type: ignore[no-untyped-def]
    before, after = judge(RULES, source, hits_, ()), judge(RULES, source, [*hits_, more], ())
    assert after.action.severity >= before.action.severity
    assert set(before.findings) <= set(after.findings)


def test_actions() -> None:
    def action(rule: str, source: Source) -> Action:
        return judge(RULES, source, [Hit(rule, "T", 0, 1)], ()).action

    assert [action(f"r{i}", Source.INPUT) for i in range(3)] == [Action.NONE, Action.MASKED, Action.BLOCKED]
    assert [action(f"r{i}", Source.OUTPUT) for i in range(3)] == [Action.MASKED, Action.BLOCKED, Action.NONE]


def test_mask_without_a_span_blocks() -> None:
    # A whole-text finding has nothing to rewrite: passing the text would be a hole.
    verdict = judge(RULES, Source.INPUT, [Hit("r1", "T", None, None)], ())
    assert verdict.action is Action.BLOCKED
    assert verdict.findings[0].action is Action.BLOCKED


def test_failures_follow_the_rule() -> None:
    assert judge(RULES, Source.INPUT, (), [Failure("r2", FailureKind.TIMEOUT)]).action is Action.BLOCKED
    assert judge(RULES, Source.INPUT, (), [Failure("r0", FailureKind.TIMEOUT)]).action is Action.NONE
    allowed = judge(RULES, Source.INPUT, (), [Failure("r0", FailureKind.TIMEOUT)])
    assert [f.rule for f in allowed.failures] == ["r0"]


def test_missing_inputs_fail_only_required_rules() -> None:
    verdict = judge(RULES, Source.INPUT, (), [Failure(r, FailureKind.NOT_APPLICABLE) for r in ("r2", "r5")])
    assert verdict.not_applicable == ("r2",)
    assert [f.rule for f in verdict.failures] == ["r5"]
    assert verdict.action is Action.BLOCKED
