"""What was found in a stream so far, for its report."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import replace

from guardrails import inference
from guardrails.reading import Reading
from guardrails.types import Action, Coverage, Failure, Finding, PolicyIdentity, Report, Source, Unseen
from guardrails.verdict import Verdict, worst

__all__ = ["Record"]


class Record:
    """Findings with offsets into the text as it was written, failures, scores and times."""

    __slots__ = ("_failures", "_is_span", "_lower", "_scores", "_unseen", "_weights", "findings", "timings")

    def __init__(self, is_span: Callable[[Finding], bool], lower_is_worse: Collection[str]) -> None:
        self._is_span = is_span
        self._lower = lower_is_worse
        self.findings: list[Finding] = []
        self.timings: dict[str, float] = {}
        self._failures: list[Failure] = []
        self._unseen: list[Unseen] = []
        self._scores: dict[str, float] = {}
        self._weights: dict[str, str] = {}

    def note(self, verdict: Verdict | Report) -> None:
        """Keep everything of a verdict but its findings."""
        unseen = verdict.coverage.unseen if isinstance(verdict, Report) else verdict.unseen
        self._failures += [f for f in verdict.failures if f not in self._failures]
        self._unseen += [u for u in unseen if u not in self._unseen]
        self._scores = worst((self._scores, verdict.scores), self._lower)
        self._weights |= verdict.models

    def collect(self, findings: Iterable[Finding], base: int, frontier: int, released: int, reading: Reading) -> None:
        """Keep what is reported: spans that are decided, and of rules that judge texts the strongest.

        Findings have offsets into a window: ``base`` characters that were shown, then the text from ``released`` on, decided up to
        ``frontier``.
        """
        for f in findings:
            here = f
            if f.start is not None and f.end is not None:
                start, end = max(0, f.start - base) + released, f.end - base + released
                here = replace(f, start=reading.written(start), end=reading.written(end))
            if f.start is None or not self._is_span(f):
                at = next((i for i, k in enumerate(self.findings) if k.rule == f.rule), None)
                if at is None:
                    self.findings.append(here)
                elif self.findings[at].score < f.score:
                    self.findings[at] = here
            elif f.start - base < frontier and (f.start >= base or f.action is not Action.NONE):
                self.findings.append(here)

    def blocking(self) -> list[str]:
        """The rules that block."""
        return [f.rule for f in self.findings if f.action is Action.BLOCKED]

    def report(
        self, source: Source, identity: PolicyIdentity, total: int, action: Action | None, missing: Sequence[str]
    ) -> Report:
        """The verdict so far; ``action``: what it is, whatever was found. ``missing``: rules that had nothing to compare with."""
        if action is None:
            action = max((f.action for f in self.findings), key=lambda a: a.severity, default=Action.NONE)
        findings = sorted(
            dict.fromkeys(self.findings), key=lambda f: (-1 if f.start is None else f.start, f.end or 0, f.rule)
        )
        return Report(
            action,
            source,
            tuple(findings),
            (),
            tuple(self._failures),
            Coverage(total, total, tuple(self._unseen), tuple(missing)),
            dict(self.timings),
            identity,
            dict(self._scores),
            dict(self._weights),
            inference.named(self._weights),
        )
