"""The guard over rows: in batches of like length, written in the order of the rows, and resumed where it stopped."""

from __future__ import annotations

import difflib
import json
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import guardrails
from guardrails.errors import DeadlineExceeded, GuardrailsError
from guardrails.evaluation.rows import Data, Row
from guardrails.guard import Guard
from guardrails.inference import setting
from guardrails.inference.pinned import PINNED
from guardrails.rules import Policy
from guardrails.types import Action, FailureKind, Finding, Report, Source

__all__ = ["BLOCK", "Line", "meta_path", "predictions", "prepared"]

# What one row of predictions holds, as JSON.
Line = dict[str, Any]

CHUNK = 64
# Rows sorted by length together. A run resumes at a multiple of it, so that its batches are those of one run.
BLOCK = 8 * CHUNK


def prepared(policy: Policy, globs: Sequence[str] = ()) -> Policy:
    """The policy with only the rules whose id matches one of the globs, and without its deadline."""
    rules = policy.rules
    for glob in globs:
        if not any(fnmatchcase(r.id, glob) for r in rules):
            near = difflib.get_close_matches(glob, [r.id for r in rules], n=1)
            hint = f"nearest: {near[0]}" if near else f"there are {', '.join(sorted(r.id for r in rules)[:20])}"
            raise GuardrailsError(f"--rules {glob}: no rule of {policy.name} matches; {hint}")
    if globs:
        rules = tuple(
            r if any(fnmatchcase(r.id, g) for g in globs) else replace(r, input=None, output=None) for r in rules
        )
    # Quality is measured here, not speed: a batch on a slow machine must not become a list of timeouts.
    return replace(policy, rules=rules).unhurried()


def predictions(
    guard: Guard,
    data: Data,
    out: Path | None = None,
    *,
    overwrite: bool = False,
    globs: Sequence[str] = (),
    progress: Callable[[int], None] = lambda _: None,
) -> list[Line]:
    """One line a row. With ``out`` they are written as they come, and those already there are not made again.

    ``progress`` is told how many rows are done since it was last told. Raises GuardrailsError when ``out`` was made
    with something else.
    """
    if out is None:
        return list(_judged(guard, data.rows, progress))
    identity = _identity(guard, data, globs)
    done = [] if overwrite else _resumed(out, identity, len(data.rows))
    progress(len(done))
    if not done:
        meta_path(out).write_text(json.dumps(identity, indent=2) + "\n", encoding="utf-8")
    with out.open("ab" if done else "wb") as file:
        for line in _judged(guard, data.rows[len(done) :], progress):
            file.write(json.dumps(line, ensure_ascii=True).encode() + b"\n")
            file.flush()
            done.append(line)
    return done


def meta_path(out: Path) -> Path:
    """Where it stands what a file of predictions was made with."""
    return out.with_name(out.name + ".meta")


def _identity(guard: Guard, data: Data, globs: Sequence[str]) -> dict[str, Any]:
    """Everything a prediction depends on."""
    return {
        "policy": guard.policy.identity.sha256,
        "data": data.sha256,
        "rules": sorted(globs),
        "version": guardrails.__version__,
        "models": dict(PINNED),
        "setting": setting().models.value,
    }


def _resumed(out: Path, identity: dict[str, Any], rows: int) -> list[Line]:
    """The lines that are kept of an earlier run; a torn end and an unfinished block are cut off."""
    if not out.exists() or not out.stat().st_size:
        return []
    remedy = "name another file, or start again with --overwrite"
    try:
        meta = json.loads(meta_path(out).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise GuardrailsError(f"{out}: there is no {meta_path(out).name} that says what it was made with; {remedy}") from None  # fmt: skip
    if not isinstance(meta, dict):
        meta = {}
    for key, now in identity.items():
        if meta.get(key) != now:
            raise GuardrailsError(
                f"{out}: was made with {key} {_shown(meta.get(key))}, this is {_shown(now)}; {remedy}"
            )
    lines: list[Line] = []
    ends: list[int] = [0]
    with out.open("rb") as file:
        for raw in file:
            line = _parsed(raw)
            if line is None:
                break
            lines.append(line)
            ends.append(ends[-1] + len(raw))
    keep = len(lines) if len(lines) == rows else len(lines) // BLOCK * BLOCK
    if keep > rows:
        raise GuardrailsError(f"{out}: has more lines than there are rows; {remedy}")
    os.truncate(out, ends[keep])
    return lines[:keep]


def _parsed(raw: bytes) -> Line | None:
    try:
        line = json.loads(raw) if raw.endswith(b"\n") else None
    except ValueError:
        return None
    return line if isinstance(line, dict) and ("action" in line or "error" in line) else None


def _shown(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _judged(guard: Guard, rows: Sequence[Row], progress: Callable[[int], None]) -> Iterator[Line]:
    for low in range(0, len(rows), BLOCK):
        block = rows[low : low + BLOCK]
        lines: dict[int, Line] = {}
        for source in Source:
            order = sorted((i for i, r in enumerate(block) if r.source is source), key=lambda i: block[i].size)
            for at in range(0, len(order), CHUNK):
                chunk = order[at : at + CHUNK]
                lines.update(zip(chunk, _chunk(guard, [block[i] for i in chunk], source), strict=True))
                progress(len(chunk))
        yield from (lines[i] for i in range(len(block)))


def _chunk(guard: Guard, rows: Sequence[Row], source: Source) -> list[Line]:
    try:
        return [_line(r) for r in guard.check_many([list(row.pieces) for row in rows], source)]
    except Exception:
        # One row must not cost the others: they are done one by one, and the one that breaks is named.
        return [_alone(guard, row, source) for row in rows]


def _alone(guard: Guard, row: Row, source: Source) -> Line:
    try:
        return _line(guard.check(list(row.pieces), source))
    except Exception as error:
        kinds = {
            DeadlineExceeded: FailureKind.TIMEOUT,
            TimeoutError: FailureKind.TIMEOUT,
            MemoryError: FailureKind.OUT_OF_MEMORY,
        }
        kind = next((k for t, k in kinds.items() if isinstance(error, t)), FailureKind.INTERNAL)
        return {"error": kind.value}


def _line(report: Report) -> Line:
    """A report as a line. Offsets in ``findings`` are those of the row's own text."""
    line: Line = {
        "action": report.action.value,
        "findings": [_finding(f) for f in report.findings if f.piece == 0],
        "scores": {key: float(value) for key, value in getattr(report, "scores", {}).items()},
    }
    others = [{**_finding(f), "piece": f.piece} for f in report.findings if f.piece != 0]
    if others:
        line["other_findings"] = others
    if report.failures:
        line["failures"] = [{"rule": f.rule, "kind": f.kind.value} for f in report.failures]
        if report.blocked and not any(f.action is Action.BLOCKED for f in report.findings):
            line["error"] = report.failures[0].kind.value
    unseen = sorted({u.reason for u in report.coverage.unseen})
    if unseen:
        line["unseen"] = unseen
    return line


def _finding(f: Finding) -> Line:
    return {
        "rule": f.rule,
        "type": f.type,
        "start": f.start,
        "end": f.end,
        "score": f.score,
        "level": f.level.value if f.level else None,
        "action": f.action.value,
    }
