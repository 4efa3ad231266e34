"""Running cases."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from guardrails import marked
from guardrails.errors import GuardrailsError
from guardrails.guard import Guard
from guardrails.policy import load
from guardrails.policytest.cases import Case, read_cases
from guardrails.types import Action, Report

__all__ = ["FileOutcome", "Outcome", "Status", "exit_code", "run_file"]


class Status(StrEnum):
    """How a case ended."""

    PASS = "PASS"  # noqa: S105 - a verdict, no password
    FAIL = "FAIL"
    ERROR = "ERROR"


@dataclass(frozen=True)
class Outcome:
    """One case in one direction. ``differences`` are (what, expected, got)."""

    case: Case
    source: str
    status: Status
    seconds: float = 0.0
    differences: tuple[tuple[str, str, str], ...] = ()
    message: str = ""


@dataclass
class FileOutcome:
    """All outcomes of one file. ``error`` is set when none of it could be run."""

    path: Path
    outcomes: list[Outcome] = field(default_factory=list)
    error: str | None = None

    def count(self, status: Status) -> int:
        """How many cases ended so."""
        return sum(o.status is status for o in self.outcomes)

    @property
    def look_alikes(self) -> int:
        """Cases that expect nothing to happen: the over-blocking budget."""
        return sum(o.case.expect is Action.NONE for o in self.outcomes)

    def to_dict(self) -> dict[str, Any]:
        """A JSON-ready dict."""
        return {
            "file": str(self.path),
            "error": self.error,
            "cases": [
                {
                    "name": o.case.name,
                    "line": o.case.line,
                    "source": o.source,
                    "status": o.status.value,
                    "differences": [{"what": w, "expected": e, "got": g} for w, e, g in o.differences],
                    "message": o.message,
                }
                for o in self.outcomes
            ],
        }


def run_file(path: Path) -> FileOutcome:
    """Run the cases of a file. Never raises for what is in it."""
    outcome = FileOutcome(path)
    try:
        policy, cases = read_cases(path)
        loaded = load(path.parent / policy if (path.parent / policy).is_file() else policy)
        guard = Guard(loaded.unhurried())
    except GuardrailsError as error:
        outcome.error = str(error)
        return outcome
    for case in cases:
        for source in ("INPUT", "OUTPUT") if case.source == "BOTH" else (case.source,):
            outcome.outcomes.append(_run(guard, case, source))
    return outcome


def _run(guard: Guard, case: Case, source: str) -> Outcome:
    started = time.perf_counter()
    report = guard.check(list(case.pieces), source=source)
    seconds = time.perf_counter() - started
    if report.failures:
        first = next((f for f in report.failures if f.kind.passing), report.failures[0])
        message = f"the rule {first.rule} could not be evaluated: {first.kind} {first.detail}".rstrip()
        # A text that is too long, say, is blocked on every machine; one that ran out of time says nothing of the policy.
        if case.expect is not Action.BLOCKED or any(f.kind.passing for f in report.failures):
            return Outcome(case, source, Status.ERROR, seconds, (), message)
    differences = tuple(_differences(case, report))
    return Outcome(case, source, Status.FAIL if differences else Status.PASS, seconds, differences)


def _differences(case: Case, report: Report) -> list[tuple[str, str, str]]:
    out: list[tuple[str, str, str]] = []
    got = _marked(case, report)
    if case.expect is not None and report.action is not case.expect:
        out.append(("action", case.expect.value, f"{report.action.value}   {got}"))
    if case.masked is not None and report.text != case.masked:
        out.append(("masked", case.masked, report.text))
    if case.finds is not None and got != case.finds:
        out.append(("finds", case.finds, got))
    fired = sorted({f.rule for f in report.findings})
    for rule in case.rules:
        if rule not in fired:
            out.append(("rules", rule, ", ".join(fired) or "none"))
    for rule in case.not_rules:
        if rule in fired:
            out.append(("not_rules", f"not {rule}", got))
    return out


def _marked(case: Case, report: Report) -> str:
    shown = []
    for i, piece in enumerate(case.pieces):
        spans = [
            (f.start, f.end, f.type)
            for f in report.findings
            if f.piece == i and f.start is not None and f.end is not None
        ]
        shown.append(marked.mark(piece.text, sorted(spans, key=lambda s: (s[0], -s[1]))))
    return "\n".join(shown)


def exit_code(outcomes: Sequence[FileOutcome]) -> int:
    """1 when something could not run, 2 when a case failed or a file (or everything) has no case, else 0."""
    if any(o.error is not None or o.count(Status.ERROR) for o in outcomes):
        return 1
    if not outcomes or any(not o.outcomes or o.count(Status.FAIL) for o in outcomes):
        return 2
    return 0
