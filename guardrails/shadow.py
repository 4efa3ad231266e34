"""A second policy beside the one that decides: on the same texts, acting on nothing, to see what it would change.

:func:`against` does it for a corpus. :class:`Shadow` does it for live traffic: it takes a share of the texts that were checked, judges them on a
thread of its own within a budget, counts changed verdicts by rule, and stops at its expiry. It keeps counts and never a text.
"""

from __future__ import annotations

import queue
import random
import threading
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from guardrails.compare import Comparison, Text, compare
from guardrails.content import Deadline
from guardrails.evaluation.metrics import Estimate, wilson
from guardrails.guard import Guard
from guardrails.rules import Policy
from guardrails.types import Action, Piece, Report, Source

__all__ = ["RuleChange", "Shadow", "Summary", "Tally", "against", "tallied"]

# Line numbers of changed texts that are kept for each rule.
_LINES = 20
_COUNTS = ("texts", "stricter", "milder", "otherwise", "not_compared", "dropped")


@dataclass(frozen=True, slots=True)
class RuleChange:
    """What one rule has to do with changed verdicts: the share of texts on which it acts newly, and no longer; ``lines``: where, of a corpus."""

    rule: str
    acts: Estimate
    rests: Estimate
    lines: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Summary:
    """What the second policy would change. ``changed``, ``stricter`` and ``milder`` are shares of the texts, with 95 % intervals; ``not_compared``
    texts were not judged by both. ``rules``: those on whose account verdicts change, the most frequent first."""

    texts: int
    changed: Estimate
    stricter: Estimate
    milder: Estimate
    not_compared: int
    dropped: int
    rules: tuple[RuleChange, ...]

    def to_dict(self) -> dict[str, Any]:
        """A JSON-ready dict."""
        return {
            "texts": self.texts,
            **{name: getattr(self, name).to_dict() for name in ("changed", "stricter", "milder")},
            "not_compared": self.not_compared,
            "dropped": self.dropped,
            "rules": [
                {"rule": r.rule, "acts": r.acts.to_dict(), "rests": r.rests.to_dict(), "lines": list(r.lines)}
                for r in self.rules
            ],
        }


@dataclass
class Tally:
    """Counts of verdicts of two policies on the same texts. Thread-safe."""

    texts: int = 0
    stricter: int = 0
    milder: int = 0
    otherwise: int = 0
    not_compared: int = 0
    dropped: int = 0
    _acts: Counter[str] = field(default_factory=Counter, repr=False)
    _rests: Counter[str] = field(default_factory=Counter, repr=False)
    _lines: dict[str, list[int]] = field(default_factory=dict, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def same(self, texts: int = 1) -> None:
        """So many texts have the same verdict under both."""
        with self._lock:
            self.texts += texts

    def missed(self, *, dropped: bool = False) -> None:
        """A text could not be judged by both, or was dropped since the second policy was behind."""
        with self._lock:
            self.not_compared += not dropped
            self.dropped += dropped

    def change(
        self, old: Action, new: Action, old_rules: Iterable[str], new_rules: Iterable[str], line: int | None = None
    ) -> None:
        """A text's verdict or output changes. The rules are those that found something."""
        before, after = set(old_rules), set(new_rules)
        with self._lock:
            self.texts += 1
            self.stricter += new.severity > old.severity
            self.milder += new.severity < old.severity
            self.otherwise += new is old
            self._acts.update(after - before)
            self._rests.update(before - after)
            for rule in (before ^ after) or before:  # the same rules, with another action
                lines = self._lines.setdefault(rule, [])
                if line is not None and len(lines) < _LINES:
                    lines.append(line)

    def counts(self) -> dict[str, int]:
        """How many texts have the same verdict, a stricter, a milder or another one, could not be compared, or were dropped."""
        with self._lock:
            changed = {name: getattr(self, name) for name in ("stricter", "milder", "otherwise")}
            return {
                "same": self.texts - sum(changed.values()),
                **changed,
                "not_compared": self.not_compared,
                "dropped": self.dropped,
            }

    def rules(self) -> dict[str, tuple[int, int]]:
        """How often each rule acts newly, and no longer, where a verdict changes."""
        with self._lock:
            return {rule: (self._acts[rule], self._rests[rule]) for rule in {*self._acts, *self._rests}}

    def state(self) -> dict[str, Any]:
        """All counts, JSON-ready, for :meth:`add`."""
        with self._lock:
            counts = {name: getattr(self, name) for name in _COUNTS}
            return {**counts, "acts": dict(self._acts), "rests": dict(self._rests), "rules": sorted(self._lines)}

    def add(self, state: Mapping[str, Any]) -> None:
        """Add what another one counted, lines of a corpus left out."""
        with self._lock:
            for name in _COUNTS:
                setattr(self, name, getattr(self, name) + int(state[name]))
            self._acts.update(state["acts"])
            self._rests.update(state["rests"])
            for rule in state["rules"]:
                self._lines.setdefault(rule, [])

    def summary(self) -> Summary:
        """The counts as shares with intervals."""
        with self._lock:
            of = self.texts
            rules = sorted(self._lines, key=lambda r: (-(self._acts[r] + self._rests[r]), r))
            return Summary(
                of,
                wilson(self.stricter + self.milder + self.otherwise, of),
                wilson(self.stricter, of),
                wilson(self.milder, of),
                self.not_compared,
                self.dropped,
                tuple(
                    RuleChange(r, wilson(self._acts[r], of), wilson(self._rests[r], of), tuple(self._lines[r]))
                    for r in rules
                ),
            )


def against(live: Policy, other: Policy, texts: Iterable[Text]) -> Summary:
    """What ``other`` would change on a corpus. Nobody runs out of time."""
    return tallied(compare(live, other, texts))


def tallied(found: Comparison) -> Summary:
    """A comparison, by rule."""
    tally = Tally()
    for _ in found.not_compared:
        tally.missed()
    for v in found.verdicts:
        tally.change(v.old, v.new, v.old_rules, v.new_rules, v.line)
    tally.same(found.texts - len(found.verdicts) - len(found.not_compared))
    return tally.summary()


class Shadow:
    """A second policy beside live traffic. Nothing waits for it: what it has no time for is dropped, and counted."""

    def __init__(
        self,
        guard: Guard,
        *,
        until: datetime,
        share: float = 1.0,
        budget_ms: int = 1_000,
        waiting: int = 100,
        characters: int = 4_000_000,
    ) -> None:
        """``until``: when it ends (UTC). ``share``: of the texts that it is offered, 0 to 1. ``budget_ms``: for one text. ``waiting``: texts that may
        wait, and ``characters`` that these may have together, beyond which they are dropped. Raises ValueError for a share outside 0 to 1."""
        if not 0 <= share <= 1:
            raise ValueError("a share is a number from 0 to 1")
        self.guard = guard
        self.until = until
        self.tally = Tally()
        self._share = share
        self._budget_ms = budget_ms
        self._random = random.Random()  # noqa: S311 - a sample, no secret
        self._queue: queue.Queue[tuple[Sequence[Piece], Source, Report | Guard] | None] = queue.Queue(waiting)
        self._most, self._held, self._lock = characters, 0, threading.Lock()
        self._ending = False
        self._thread = threading.Thread(target=self._run, name="guardrails-shadow", daemon=True)
        self._thread.start()

    @property
    def over(self) -> bool:
        """Whether its time is over."""
        return datetime.now(UTC) >= self.until

    def offer(self, pieces: Sequence[Piece], report: Report) -> None:
        """A text that the live policy has judged. Returns at once and never raises."""
        self._take(pieces, report.source, report)

    def offer_texts(self, pieces: Sequence[Piece], source: Source, live: Guard) -> None:
        """Texts of one direction of an exchange, which both policies judge, together, on the thread of this one: what an exchange decides
        about its parts is more than one check, and would not compare. Returns at once and never raises."""
        self._take(pieces, source, live)

    def _take(self, pieces: Sequence[Piece], source: Source, live: Report | Guard) -> None:
        if self.over or self._random.random() >= self._share:
            return
        size = sum(len(piece.text) for piece in pieces)
        with self._lock:
            # One text may be larger than all that may wait: it is taken when nothing else waits.
            fits = not self._held or self._held + size <= self._most
            self._held += size if fits else 0
        if not fits:
            self.tally.missed(dropped=True)
            return
        try:
            self._queue.put_nowait((pieces, source, live))
        except queue.Full:
            self._release(size)
            self.tally.missed(dropped=True)

    def _release(self, size: int) -> None:
        with self._lock:
            self._held -= size

    def settle(self) -> None:
        """Wait until everything that was taken is judged."""
        self._queue.join()

    def close(self, *, judge: bool = True) -> None:
        """End it. What still waits is judged first, or, without ``judge``, dropped."""
        self._ending = not judge
        self._queue.put(None)
        self._thread.join()

    def _run(self) -> None:
        while (taken := self._queue.get()) is not None:
            try:
                if self._ending:
                    self.tally.missed(dropped=True)
                else:
                    self._judge(*taken)
            except Exception:  # whatever it is, the live policy goes on; the count says that something was not compared
                self.tally.missed()
            finally:
                self._release(sum(len(piece.text) for piece in taken[0]))
                self._queue.task_done()
        self._queue.task_done()

    def _judge(self, pieces: Sequence[Piece], source: Source, live: Report | Guard) -> None:
        if isinstance(live, Guard):
            live = live.check(list(pieces), source, deadline=Deadline(self._budget_ms))
        other = self.guard.check(list(pieces), source, deadline=Deadline(self._budget_ms))
        if any(f.kind.passing for report in (live, other) for f in report.failures):
            self.tally.missed()
        elif (live.action, live.outputs) == (other.action, other.outputs):
            self.tally.same()
        else:
            self.tally.change(
                live.action, other.action, (f.rule for f in live.findings), (f.rule for f in other.findings)
            )
