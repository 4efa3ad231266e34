"""What changes between two policies: settings and, given texts, verdicts."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from guardrails.errors import GuardrailsError
from guardrails.guard import Guard
from guardrails.policy import Setting, explain
from guardrails.rules import Policy
from guardrails.types import Action

__all__ = ["Change", "Comparison", "Text", "VerdictChange", "compare", "read_texts"]


class Change(NamedTuple):
    """A setting that is new, gone or different; the missing side is None."""

    key: str
    old: Setting | None
    new: Setting | None


class Text(NamedTuple):
    """A text to compare verdicts on, and its direction."""

    text: str
    source: str


@dataclass(frozen=True)
class VerdictChange:
    """A text whose verdict or output changes. ``line`` counts the texts from 1."""

    line: int
    source: str
    old: Action
    new: Action
    old_rules: tuple[str, ...]
    new_rules: tuple[str, ...]
    old_output: str
    new_output: str


@dataclass(frozen=True)
class Comparison:
    """All changes between two policies."""

    old: Policy
    new: Policy
    settings: tuple[Change, ...]
    verdicts: tuple[VerdictChange, ...]
    texts: int

    def to_dict(self) -> dict[str, Any]:
        """A JSON-ready dict; it holds what the author's texts become, not the texts."""

        def side(setting: Setting | None) -> Any:
            return None if setting is None else {"value": setting.value, "at": str(setting.at) if setting.at else None}

        return {
            "old": {"name": self.old.name, "sha256": self.old.identity.sha256},
            "new": {"name": self.new.name, "sha256": self.new.identity.sha256},
            "settings": [{"key": c.key, "old": side(c.old), "new": side(c.new)} for c in self.settings],
            "verdicts": [
                {
                    "line": v.line,
                    "source": v.source,
                    "old": {"action": v.old.value, "rules": list(v.old_rules), "output": v.old_output},
                    "new": {"action": v.new.value, "rules": list(v.new_rules), "output": v.new_output},
                }
                for v in self.verdicts
            ],
            "texts": self.texts,
        }


def compare(old: Policy, new: Policy, texts: Iterable[Text] = ()) -> Comparison:
    """Settings that differ, by key, and texts whose action or output differs."""
    before, after = ({s.key: s for s in explain(p)} for p in (old, new))
    changes = tuple(
        Change(key, before.get(key), after.get(key))
        for key in dict.fromkeys((*before, *after))
        if (key in before) != (key in after) or before[key].value != after[key].value
    )
    verdicts: list[VerdictChange] = []
    count = 0
    guards: list[Guard] = []
    for count, text in enumerate(texts, 1):
        guards = guards or [Guard(old), Guard(new)]
        left, right = (g.check(text.text, source=text.source) for g in guards)
        if (left.action, left.text) != (right.action, right.text):
            verdicts.append(
                VerdictChange(
                    count,
                    text.source,
                    left.action,
                    right.action,
                    tuple(dict.fromkeys(f.rule for f in left.findings)),
                    tuple(dict.fromkeys(f.rule for f in right.findings)),
                    left.text,
                    right.text,
                )
            )
    return Comparison(old, new, changes, tuple(verdicts), count)


def read_texts(path: Path, source: str) -> tuple[Text, ...]:
    """Texts of a file: rows of JSON with ``text`` (and ``source``) in ``.jsonl``, else one text a line."""
    lines = [line for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    if path.suffix != ".jsonl":
        return tuple(Text(line, source) for line in lines)
    texts = []
    for number, line in enumerate(lines, 1):
        try:
            row = json.loads(line)
            texts.append(Text(row["text"], row.get("source", source)))
        except (KeyError, TypeError, ValueError) as error:
            raise GuardrailsError(
                f'{path}:{number}: a row is {{"text": …, "source"?: …}} ({type(error).__name__})'
            ) from None
    return tuple(texts)
