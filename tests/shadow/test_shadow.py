"""A second policy beside the one that decides: counts by rule, a share, a budget, an end."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guardrails import Guard
from guardrails.compare import Text
from guardrails.policy import loads
from guardrails.shadow import Shadow, Tally, against
from guardrails.types import Action, Piece, Source
from tests.evaluation.rows import run

LIVE = "version: 1\nname: live\nmetadata: {owner: us}\nwords: {terms: [kingfisher, heron]}\npii: {entities: {EMAIL: mask}}\n"
OTHER = (
    LIVE.replace("name: live", "name: other")
    .replace("kingfisher, heron", "kingfisher, osprey")
    .replace("EMAIL: mask", "EMAIL: block")
)
TEXTS = ("a kingfisher", "a heron", "an osprey", "bob@example.com", "hello", "good day", "an osprey again")
LATER = datetime.now(UTC) + timedelta(hours=1)


def test_changed_verdicts_are_counted_by_rule() -> None:
    found = against(loads(LIVE), loads(OTHER), [Text(t, "INPUT") for t in TEXTS])
    assert (found.texts, found.changed.value, found.stricter.value, found.milder.value) == (7, 4 / 7, 3 / 7, 1 / 7)
    by_rule = {r.rule: (r.acts.value, r.rests.value, r.lines) for r in found.rules}
    assert by_rule["words.terms"] == (2 / 7, 1 / 7, (2, 3, 7))
    assert by_rule["pii.EMAIL"] == (0.0, 0.0, (4,))
    assert found.changed.low is not None
    assert not any(text in json.dumps(found.to_dict()) for text in TEXTS)


@given(
    st.lists(
        st.tuples(
            st.sampled_from(list(Action)),
            st.sampled_from(list(Action)),
            st.sets(st.sampled_from("abc")),
            st.sets(st.sampled_from("abc")),
        )
    )
)
@settings(deadline=None)
def test_every_change_is_counted_once(changes: list[tuple[Action, Action, set[str], set[str]]]) -> None:
    tally = Tally()
    for old, new, before, after in changes:
        tally.change(old, new, before, after)
    tally.same(3)
    found = tally.summary()
    assert found.texts == len(changes) + 3
    assert round((found.changed.value or 0) * found.texts) == len(changes)
    assert round((found.stricter.value or 0) * found.texts) == sum(n.severity > o.severity for o, n, _, _ in changes)


def test_beside_live_traffic_it_acts_on_nothing_and_keeps_no_text() -> None:
    live, shadow = Guard(loads(LIVE)), Shadow(Guard(loads(OTHER)), until=LATER, budget_ms=60_000)
    reports = []
    for text in TEXTS:
        pieces = [Piece(text)]
        reports.append(live.check(pieces, Source.INPUT))
        shadow.offer(pieces, reports[-1])
    shadow.settle()
    assert [r.blocked for r in reports] == [True, True, False, False, False, False, False]
    assert shadow.tally.summary().changed.value == 4 / 7
    shadow.close()
    assert "kingfisher" not in repr(vars(shadow.tally))


def test_a_share_a_full_queue_and_the_end() -> None:
    live, other = Guard(loads(LIVE)), Guard(loads(OTHER))
    pieces = [Piece("an osprey")]
    report = live.check(pieces, Source.INPUT)
    ended = Shadow(other, until=datetime.now(UTC))
    ended.offer(pieces, report)
    ended.close()
    nothing = Shadow(other, until=LATER, share=0.0)
    nothing.offer(pieces, report)
    nothing.close()
    assert ended.over
    assert (ended.tally.texts, nothing.tally.texts) == (0, 0)
    full = Shadow(other, until=LATER, waiting=1, budget_ms=60_000)
    long = [Piece("an osprey " * 20_000)]
    for _ in range(50):
        full.offer(long, report)
    full.close()
    assert full.tally.dropped > 0
    assert full.tally.texts + full.tally.dropped + full.tally.not_compared == 50
    with pytest.raises(ValueError, match="from 0 to 1"):
        Shadow(other, until=LATER, share=2)


def test_without_time_nothing_is_compared() -> None:
    live, shadow = Guard(loads(LIVE)), Shadow(Guard(loads(OTHER)), until=LATER, budget_ms=0)
    pieces = [Piece("an osprey " * 1_000)]
    shadow.offer(pieces, live.check(pieces, Source.INPUT))
    shadow.close()
    assert (shadow.tally.texts, shadow.tally.not_compared) == (0, 1)


def test_the_command(tmp_path: Path) -> None:
    (tmp_path / "live.yaml").write_text(LIVE)
    (tmp_path / "other.yaml").write_text(OTHER)
    (tmp_path / "chats.txt").write_text("\n".join(TEXTS))
    found = run("shadow", "live.yaml", "other.yaml", "chats.txt", cwd=tmp_path)
    assert found.returncode == 2, found.stderr
    assert "words.terms  2  28.6%" in found.stdout
    assert not any(text in found.stdout for text in TEXTS)
    assert run("shadow", "live.yaml", "live.yaml", "chats.txt", cwd=tmp_path).returncode == 0
