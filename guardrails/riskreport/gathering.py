"""Everything a report says, collected from the policy, its tests, labelled texts, its versions and the log."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from guardrails import compare, evaluation, policytest
from guardrails.errors import Problem
from guardrails.evaluation import Evaluation
from guardrails.evidence.reader import Reader
from guardrails.evidence.verify import Verified, verify
from guardrails.guard import Guard
from guardrails.policy import lint, load
from guardrails.policy.folders import test_file
from guardrails.policytest import FileOutcome
from guardrails.release import Event, Releases
from guardrails.rules import Policy

__all__ = ["Contents", "Proof", "gather"]


@dataclass(frozen=True, slots=True)
class Proof:
    """What a log of evidence proves: its name, its public key, and what verifying it found."""

    name: str
    key: str
    found: Verified


@dataclass(frozen=True)
class Contents:
    """What a report is made of. What was not asked for, or is not there, is None or empty."""

    policy: Policy
    warnings: tuple[Problem, ...] = ()
    tests: FileOutcome | None = None
    figures: Evaluation | None = field(default=None, repr=False)
    changes: compare.Comparison | None = field(default=None, repr=False)
    history: tuple[Event, ...] = ()
    version: int | None = None
    proof: Proof | None = None


def gather(
    path: str | Path,
    *,
    data: Path | None = None,
    since: str | Path | None = None,
    releases: Path | None = None,
    log: Path | None = None,
) -> Contents:
    """What is known about a policy.

    ``data``: labelled texts, as ``guardrails eval`` reads them. ``since``: an older policy to compare with. ``releases``: the folder of its
    versions, for the history, and to compare with the version before. ``log``: a log of evidence. Raises PolicyError, GuardrailsError, OSError.
    """
    policy = load(path)
    changes, history, number = None, [], None
    if releases is not None:
        versions = Releases(releases)
        history = versions.history()
        number = next((v.number for v in versions.versions() if v.sha256 == policy.identity.sha256), None)
        older = [v for v in versions.versions() if number is None or v.number < number]
        if since is None and older:
            since = older[-1].path
    if since is not None:
        changes = compare.compare(load(since), policy)
    return Contents(
        policy,
        tuple(p for p in lint(path) if p.severity == "warning"),
        _tests(Path(path)),
        None if data is None else _figures(policy, data),
        changes,
        tuple(history),
        number,
        None if log is None else _proof(log),
    )


def _tests(path: Path) -> FileOutcome | None:
    beside = test_file(path)
    return policytest.run_file(beside) if beside.is_file() else None


def _figures(policy: Policy, data: Path) -> Evaluation:
    rows = evaluation.read(data)
    guard = Guard(policy.unhurried())
    return evaluation.evaluate(guard, rows, evaluation.predictions(guard, rows))


def _proof(log: Path) -> Proof:
    reader = Reader(log)
    verifier = reader.verifier()
    return Proof(verifier.name, str(verifier), verify(reader, verifier))
