"""Rows, policies and a guard whose scores a test writes down."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from guardrails.rules import Policy, Rule
from guardrails.types import Action, Coverage, Finding, PolicyIdentity, Report, RuleAction, Source

ROOT = Path(__file__).resolve().parents[2]

POLICY = """\
version: 1
name: small
words:
  terms: [kingfisher]
pii:
  entities: {EMAIL: mask}
  regexes:
    - {name: account, pattern: 'ACC-\\d{8}', action: mask}
"""


def write(path: Path, rows: Iterable[Any]) -> Path:
    path.write_text("".join(json.dumps(r) + "\n" for r in rows), encoding="utf-8")
    return path


def row(text: str, label: int | None = 0, **more: Any) -> dict[str, Any]:
    return {"text": text, "source": "INPUT", "label": label, **more}


def run(*args: object, cwd: Path = ROOT, typed: str | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "onepolicy_guardrails", *map(str, args)],
        cwd=cwd,
        input=typed,
        capture_output=True,
        text=True,
        encoding="utf-8",
        env={**os.environ, "COLUMNS": "100", "NO_COLOR": "1", "PYTHONUTF8": "1", "PYTHONPATH": str(ROOT)},
        timeout=120,
    )


def rule(id_: str, action: RuleAction | None = RuleAction.BLOCK, **more: Any) -> Rule:
    detector, type_ = (
        more.pop("detector", id_.partition(".")[0]),
        more.pop("type", id_.partition(".")[2] or id_.upper()),
    )
    return Rule(id_, detector, type_, more.pop("settings", None), action, action, **more)


class Scripted:
    """A guard that says of each text what it was told to: scores, and findings as (rule, type, start, end, action)."""

    def __init__(self, rules: Sequence[Rule], says: Any, thresholds: Any = None) -> None:
        self.policy = Policy("scripted", PolicyIdentity("scripted", "0" * 64), tuple(rules))
        self.thresholds = thresholds
        self.says = says
        self.batches: list[list[str]] = []

    def check(self, pieces: Any, source: Source | str) -> Report:
        said = self.says(pieces[0].text)
        if isinstance(said, Exception):
            raise said
        findings = tuple(
            Finding(rule, type_, start, end, 1.0, None, 0, Action(action))
            for rule, type_, start, end, action in said.get("findings", ())
        )
        action = max((f.action for f in findings), key=lambda a: a.severity, default=Action.NONE)
        report = Report(
            action, Source(source), findings, ("",), said.get("failures", ()), Coverage(0, 0), {}, self.policy.identity
        )
        fields = {name: getattr(report, name) for name in ("action", "findings", "failures", "coverage", "blocked")}
        return SimpleNamespace(**fields, scores=said.get("scores", {}))  # type: ignore[return-value]

    def check_many(self, texts: Any, source: Source | str) -> list[Report]:
        texts = list(texts)
        self.batches.append([t[0].text for t in texts])
        return [self.check(t, source) for t in texts]
