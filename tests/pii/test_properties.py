"""What must hold for any text."""

from __future__ import annotations

import random
from functools import cache

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from guardrails.detectors import Detector, pii
from guardrails.detectors.pii.engine import run
from guardrails.detectors.pii.triggers import Triggers
from guardrails.marked import parse
from tests.detectors.test_contract import CASES
from tests.patterns import patterns_only  # noqa: F401 - a fixture
from tests.pii.finding import ALL, detector, hits, rule

POSITIVE = [parse(c.finds).text for c in CASES["pii"] if c.kind == "positive"]
PIECES = st.one_of(
    st.sampled_from(POSITIVE),
    st.text(max_size=12),
    st.text(alphabet="0123456789 -./@:+()", max_size=20),
    st.sampled_from([" ", "\n", ", ", "; ", "\u200b", "é", "\u0661", "👩\u200d👩\u200d👧"]),
    st.sampled_from(["password: ", "name: ", "id ", "{EMAIL}"]),
)
TEXTS = st.lists(PIECES, max_size=6).map("".join)  # no lone surrogates: the guard refuses them before any detector
PROPERTY = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@cache
def everything() -> Detector:
    return detector()


@PROPERTY
@given(TEXTS)
def test_spans_lie_in_the_text(text: str) -> None:
    for hit in hits(everything(), text):
        assert hit.start is not None
        assert hit.end is not None
        assert 0 <= hit.start < hit.end <= len(text)
        assert 0.5 <= hit.score <= 1
        assert any(c.isalnum() for c in text[hit.start : hit.end])


@PROPERTY
@given(TEXTS, st.integers(0, 3), st.integers(0, 3))
def test_blank_lines_around_change_nothing(text: str, before: int, after: int) -> None:
    text = text.strip()
    shifted = "\n" * before + text + "\n" * after
    assert [(h.type, h.start - before, h.end - before) for h in hits(everything(), shifted)] == [  # type: ignore[operator]
        (h.type, h.start, h.end) for h in hits(everything(), text)
    ]


@PROPERTY
@given(TEXTS, st.randoms(use_true_random=False))
def test_the_order_of_rules_changes_nothing(text: str, chance: random.Random) -> None:
    types = list(ALL)
    chance.shuffle(types)
    assert hits(detector(types), text) == hits(everything(), text)


@PROPERTY
@given(TEXTS)
def test_a_masked_value_is_not_found_again(text: str) -> None:
    masked, at, places = "", 0, []
    for hit in sorted(hits(everything(), text), key=lambda h: (h.start or 0, -(h.end or 0))):
        start, end = hit.start or 0, hit.end or 0
        if start < at:
            at = max(at, end)
            continue
        masked += text[at:start]
        places.append((len(masked), len(masked) + len(hit.type) + 2))
        masked += f"{{{hit.type}}}"
        at = end
    masked += text[at:]
    for hit in hits(everything(), masked):
        assert not any(s <= (hit.start or 0) and (hit.end or 0) <= e for s, e in places)


@PROPERTY
@given(st.sampled_from(ALL), TEXTS)
def test_other_types_only_take_what_they_keep(type_: str, text: str) -> None:
    """What a type finds alone is covered by some finding when all types are on."""
    together = hits(everything(), text)
    for hit in hits(detector([type_]), text):
        covered = {i for h in together for i in range(h.start or 0, h.end or 0)}
        assert all(i in covered or not text[i].isalnum() for i in range(hit.start or 0, hit.end or 0))


@PROPERTY
@given(TEXTS)
def test_enforced_rules_do_not_depend_on_others(text: str) -> None:
    enforced = [rule(t, enforced=True) for t in ("PHONE", "US_BANK_ACCOUNT_NUMBER", "URL")]
    others = [rule(t) for t in ALL if t not in ("PHONE", "US_BANK_ACCOUNT_NUMBER", "URL")]
    alone = hits(pii.build(enforced), text)
    assert set(alone) <= set(hits(pii.build(enforced + others), text))


@PROPERTY
@given(st.lists(st.one_of(PIECES, st.sampled_from(["\ud800", "\udfff"])), max_size=6).map("".join))
def test_even_lone_surrogates_break_no_pattern(text: str) -> None:
    for raw in run(Triggers(pii.specs()), text, failed=set()):
        assert 0 <= raw.start < raw.end <= len(text)


class _NoTriggers(Triggers):
    def jobs(self, text: str):  # type: ignore[no-untyped-def]
        return list(self._jobs)


def test_triggers_lose_nothing() -> None:
    """Every pattern on every case, with and without the prefilter."""
    quick, slow = Triggers(pii.specs()), _NoTriggers(pii.specs())
    for case in CASES["pii"]:
        text = parse(case.finds).text
        with_triggers = {(r.spec.type, r.start, r.end, r.score) for r in run(quick, text, failed=set())}
        # Specs that need a context word may be left out early; the words are looked at later all the same.
        without = {
            (r.spec.type, r.start, r.end, r.score) for r in run(slow, text, failed=set()) if not r.spec.requires_context
        }
        assert without <= with_triggers


def test_triggers_change_no_finding() -> None:
    """The same with context words looked at, on the whole detector."""
    slow = detector()
    slow._on_original = slow._on_derived = _NoTriggers(pii.specs())  # type: ignore[attr-defined]
    for case in CASES["pii"]:
        text = parse(case.finds).text
        assert hits(slow, text) == hits(everything(), text), case.name
