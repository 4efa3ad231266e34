"""What an author keeps of a trial: a case in the policy's test file, or an exception of a rule."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from guardrails.errors import GuardrailsError
from guardrails.policy import editing, load
from guardrails.policytest import FileOutcome, add_cases, run_file
from guardrails.types import Action, Qualifier, Report
from guardrails.workbench.samples import Pieces
from guardrails.workbench.workspace import Workspace

__all__ = ["add_case", "add_exception", "case_of"]

_NAME = 60


def case_of(sample: Pieces, report: Report, expected: str) -> dict[str, Any]:
    """The case that says of a sample what is ``expected``: an action, or with ``now`` what the report says."""
    wanted = report.action if expected == "now" else Action(expected)
    case: dict[str, Any] = {"name": _name(sample.pieces[0].text)}
    if len(sample.pieces) == 1:
        case["text"] = sample.pieces[0].text
    else:
        case["pieces"] = [
            {"text": p.text, "role": p.role.value}
            | ({} if p.qualifiers == (Qualifier.GUARD_CONTENT,) else {"qualifier": p.qualifiers[0].value})
            for p in sample.pieces
        ]
    case |= {"source": sample.source.value, "expect": wanted.value}
    if wanted is report.action is Action.MASKED and len(sample.pieces) == 1:
        case["masked"] = report.text
    if wanted is report.action:
        rules = list(dict.fromkeys(f.rule for f in report.findings if f.action is not Action.NONE))
        case |= {"rules": rules} if rules else {}
    return case


def _name(text: str) -> str:
    short = " ".join(text.split())
    return short if len(short) <= _NAME else f"{short[: _NAME - 1]}…"


def add_case(path: Path, case: dict[str, Any]) -> FileOutcome:
    """Add a case to a test file, which is made where there is none, and run all of them. What cannot be read is not written."""
    add_cases(path, [case])
    return run_file(path)


def add_exception(workspace: Workspace, name: str, rule_id: str, value: str) -> None:
    """Add ``value`` to the exceptions of a rule in the policy's own file. Raises PolicyError where the policy would not load."""
    opened = workspace.open(name)
    try:
        rule = load(opened.path).rule(rule_id)
    except KeyError:
        raise GuardrailsError(f"{rule_id}: there is no such rule in {name} any more") from None
    text = editing.edit(opened.text, lambda document: editing.add_exception(document, rule, value), name=name)
    editing.save(opened.path, text, before=hashlib.sha256(opened.text.encode()).hexdigest())
