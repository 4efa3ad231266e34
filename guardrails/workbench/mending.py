"""From a problem of the linter to what an editor shows: where it is, in which words, and the edit that its remedy means."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from guardrails.errors import Problem

__all__ = ["diagnostic"]

_WRITE = re.compile(r"write (\S+)")
_ADD = re.compile(r"add ([a-z_]+: .+)")
_WORD = re.compile(r"[\w.:/$-]+")


def diagnostic(problem: Problem, lines: Sequence[str], file: str, *, own: bool) -> dict[str, Any]:
    """A problem for the editor. Lines and columns count from 1, columns in code points; ``length`` is how much is underlined.

    ``own``: whether it stands in the file that is edited; one of a parent is shown on the first line. ``mend`` is the edit that
    the remedy means (``at`` is a line and a column, ``remove`` code points from there, ``insert`` a text), None where a person decides.
    """
    line = lines[problem.line - 1] if own and problem.line <= len(lines) else ""
    rest = line[problem.column - 1 :]
    written = problem.written or ""
    word = _WORD.match(rest)
    length = len(written) if written and rest.startswith(written) else len(word.group()) if word else len(rest)
    return {
        "line": problem.line if own else 1,
        "column": problem.column if own else 1,
        "length": length if own else 0,
        "severity": problem.severity,
        "code": problem.code,
        "message": problem.message,
        "place": f"{file}:{problem.line}:{problem.column}",
        "allowed": problem.allowed,
        "remedy": problem.remedy,
        "rendered": problem.render(),
        "mend": _mend(problem, lines, rest) if own else None,
    }


def _mend(problem: Problem, lines: Sequence[str], rest: str) -> dict[str, Any] | None:
    written, remedy = problem.written, problem.remedy or ""
    instead = problem.nearest or ((found := _WRITE.fullmatch(remedy)) and found.group(1))
    if written and instead and rest.startswith(written):
        return {"at": [problem.line, problem.column], "remove": len(written), "insert": instead}
    added = _ADD.fullmatch(remedy)
    if added and problem.key == "name" and problem.line <= len(lines):
        return {"at": [problem.line, len(lines[problem.line - 1]) + 1], "remove": 0, "insert": f"\n{added.group(1)}"}
    return None
