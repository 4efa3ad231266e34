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
from guardrails.tables import is_table, read_table
from guardrails.types import Action, Failure, Report, Source

__all__ = ["Change", "Comparison", "NotCompared", "Text", "VerdictChange", "compare", "read_texts"]


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
    """A text whose verdict or output changes. ``line`` counts the texts from 1.

    ``old_rules`` and ``new_rules`` name the rules that found something, and those that could not judge the text for what it
    is (too long, say), as ``words.terms (bad_input)``.
    """

    line: int
    source: str
    old: Action
    new: Action
    old_rules: tuple[str, ...]
    new_rules: tuple[str, ...]
    old_output: str
    new_output: str


@dataclass(frozen=True)
class NotCompared:
    """A text that one side or both could not judge: too little time, a missing model, a defect. What came out is no verdict."""

    line: int
    source: str
    old_failures: tuple[Failure, ...]
    new_failures: tuple[Failure, ...]


@dataclass(frozen=True)
class Comparison:
    """All changes between two policies."""

    old: Policy
    new: Policy
    settings: tuple[Change, ...]
    verdicts: tuple[VerdictChange, ...]
    texts: int
    not_compared: tuple[NotCompared, ...] = ()

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
            "not_compared": [
                {"line": n.line, "source": n.source, "old": _failed(n.old_failures), "new": _failed(n.new_failures)}
                for n in self.not_compared
            ],
            "texts": self.texts,
        }


def _failed(failures: Iterable[Failure]) -> list[dict[str, str]]:
    return [{"rule": f.rule, "kind": f.kind.value, "detail": f.detail} for f in failures]


def compare(old: Policy, new: Policy, texts: Iterable[Text] = ()) -> Comparison:
    """Settings that differ, by key, and texts whose action or output differs.

    Nothing runs out of time here: the policies' deadlines are lifted. What fails all the same is not compared.
    """
    before, after = ({s.key: s for s in explain(p)} for p in (old, new))
    changes = tuple(
        Change(key, before.get(key), after.get(key))
        for key in dict.fromkeys((*before, *after))
        if (key in before) != (key in after) or before[key].value != after[key].value
    )
    verdicts: list[VerdictChange] = []
    failed: list[NotCompared] = []
    count = 0
    guards: list[Guard] = []
    for count, text in enumerate(texts, 1):
        guards = guards or [Guard(old.unhurried()), Guard(new.unhurried())]
        left, right = (g.check(text.text, source=text.source) for g in guards)
        passing = [tuple(f for f in report.failures if f.kind.passing) for report in (left, right)]
        if any(passing):
            failed.append(NotCompared(count, text.source, *passing))
        elif (left.action, left.text) != (right.action, right.text):
            verdicts.append(
                VerdictChange(
                    count,
                    text.source,
                    left.action,
                    right.action,
                    _rules(left),
                    _rules(right),
                    left.text,
                    right.text,
                )
            )
    return Comparison(old, new, changes, tuple(verdicts), count, tuple(failed))


def _rules(report: Report) -> tuple[str, ...]:
    failed = (f"{f.rule} ({f.kind.value})" for f in report.failures)
    return tuple(dict.fromkeys((*(f.rule for f in report.findings), *failed)))


def read_texts(path: Path, source: str, *, text_column: str | None = None) -> tuple[Text, ...]:
    """Texts of a file: a table (``.csv``, ``.tsv``), rows of JSON with ``text`` (and ``source``) in ``.jsonl``, else one text
    a line. A table's column ``source`` is read where there is one. Raises GuardrailsError."""
    data = path.read_bytes()
    if is_table(path):
        table = read_table(data, str(path), text_column=text_column)
        return tuple(
            Text(row[table.text], _source(table.cell(row, "source"), source, f"{path}:{line}"))
            for line, row in table.rows
        )
    try:
        content = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise GuardrailsError(f"{path}: this is not UTF-8 text") from None
    rows = path.suffix.lower() in (".jsonl", ".ndjson")
    if text_column is not None and not rows:
        raise GuardrailsError(f"{path}: --text-column is for tables (.csv, .tsv) and rows of JSON (.jsonl)")
    if path.suffix.lower() == ".json":
        raise GuardrailsError(f"{path}: texts are rows of JSON, one a line, in a file that ends in .jsonl")
    lines = [(n, line) for n, line in enumerate(content.split("\n"), 1) if line.strip()]
    if not rows:
        return tuple(Text(line.removesuffix("\r"), source) for _, line in lines)
    key = text_column or "text"
    texts = []
    for number, line in lines:
        try:
            row = json.loads(line)
            if not isinstance(row[key], str):
                raise TypeError  # noqa: TRY301 - named like any other mistake in a row
        except (KeyError, TypeError, ValueError) as error:
            raise GuardrailsError(
                f'{path}:{number}: a row is {{"{key}": …, "source"?: …}} ({type(error).__name__})'
            ) from None
        texts.append(Text(row[key], _source(row.get("source"), source, f"{path}:{number}")))
    return tuple(texts)


def _source(written: Any, default: str, place: str) -> str:
    if written is None:
        return default
    try:
        return Source(written).value
    except ValueError:
        raise GuardrailsError(f"{place}: source is INPUT or OUTPUT") from None
