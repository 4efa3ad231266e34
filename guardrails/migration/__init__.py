"""Policies made of other products' configurations.

A source has a module: ``fits`` says whether a file looks like one, ``convert`` puts it into a :class:`~guardrails.migration.plan.Plan` and says of
every value whether it was kept, approximated or dropped. What no module knows is named, so nothing is dropped in silence.
Amazon Bedrock has a package of its own, since nothing of it is lost (:mod:`guardrails.bedrock`).
"""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from guardrails import bedrock
from guardrails.errors import GuardrailsError
from guardrails.migration import litellm, llm_guard, nemo, openai_guardrails, presidio
from guardrails.migration.plan import Plan
from guardrails.migration.reading import read
from guardrails.migration.report import Entry, Fate, Item, Report
from guardrails.migration.writing import written
from guardrails.policy import dump

__all__ = ["BEDROCK", "NAMES", "Entry", "Fate", "Imported", "import_file", "import_text"]

BEDROCK = "bedrock"
_SOURCES: dict[str, ModuleType] = {m.NAME: m for m in (llm_guard, litellm, nemo, openai_guardrails, presidio)}
NAMES = (BEDROCK, *_SOURCES)


@dataclass(frozen=True)
class Imported:
    """A policy, as plain data and as the text of a file, and what became of every value of its source."""

    source: str
    document: dict[str, Any]
    text: str
    entries: tuple[Entry, ...]
    notes: tuple[str, ...] = ()

    def count(self, fate: Fate) -> int:
        """How many values of the source had that fate."""
        return sum(len(e.leaves) for e in self.entries if e.fate is fate)


def import_file(path: str | Path, source: str | None = None) -> Imported:
    """The policy of a file. Raises GuardrailsError as :func:`import_text` does, OSError when there is no such file."""
    path = Path(path)
    if path.is_dir():
        raise GuardrailsError(f"{path}: this is a folder; name the file in it, such as {path}/config.yml")
    return import_text(path.read_bytes(), str(path), source)


def import_text(data: bytes, name: str, source: str | None = None) -> Imported:
    """The policy of a file's bytes; ``name`` stands in messages and comments.

    ``source`` is one of :data:`NAMES`; without one the content decides. Raises GuardrailsError for a file that cannot be read, or is none of
    these, or has nothing of which a rule could be made.
    """
    if source is not None and source not in NAMES:
        raise GuardrailsError(f"{source} is not known here; a source is one of {', '.join(NAMES)}")
    node, twice = read(data, name)
    report = Report()
    root = Item.root(node, report)
    found = source or _recognised(root, name)
    if found == BEDROCK:
        return _bedrock(root, report)
    short = Path(name).name
    plan = Plan(f"imported-from-{found}", f"Imported from {short[:100]} of {found}.")
    _SOURCES[found].convert(root, plan)
    report.finish(root, twice)
    if not plan.rules:
        told = "\n".join(f"  {e.render(short)}" for e in report.entries[:20])
        raise GuardrailsError(f"{name}: nothing of this {found} file can be made a rule:\n{told}")
    document, entries = plan.document(), tuple(report.entries)
    return Imported(found, document, written(document, entries, short, found), entries)


def _recognised(root: Item, name: str) -> str:
    if root.get("blockedInputMessaging") is not None:
        return BEDROCK
    fitting = [key for key, module in _SOURCES.items() if module.fits(root)]
    if fitting:
        return fitting[0]
    if root.get("version") is not None and root.get("name") is not None:
        raise GuardrailsError(f"{name}: this is a policy already: use it as it is, or `guardrails export` it")
    raise GuardrailsError(
        f"{name}: not recognised as a configuration of {', '.join(NAMES)}; say which it is with --from, and see docs/import.md for what is read"
    )


def _bedrock(root: Item, report: Report) -> Imported:
    imported = bedrock.import_guardrail(_data(root.value))
    aside = set(imported.document.get("bedrock", {}))
    for key, item in root.pairs():
        if key in aside or key in imported.document.get("bedrock", {}).get("response", {}):
            item.approximated("kept aside under bedrock:, exported again, and not applied")
        elif key == "ResponseMetadata":
            item.dropped("about the call, not the guardrail", "nothing to do")
        else:
            item.kept("the same in the policy's words (docs/bedrock.md)")
    report.finish(root)
    return Imported(BEDROCK, imported.document, dump(imported.document), tuple(report.entries), tuple(imported.notes))


def _data(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _data(node.value) for key, node in value.items()}
    if isinstance(value, list):
        return [_data(node.value) for node in value]
    return value.isoformat() if isinstance(value, datetime.date) else value
