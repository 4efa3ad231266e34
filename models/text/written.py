"""Texts that were written one by one, each harmful one with its harmless twin: ``written/`` of the data folder and ``models/corpus/``.

Every row has ``text``, ``labels`` (empty: harmless), ``source``, ``role``, ``language``, ``subject`` and ``split``; a twin shares
its ``pair``. The split is by subject: a tenth of the subjects is never trained on.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from models.text.rows import ATTACKS, CONTENT, Row, lines, row

CORPUS = Path(__file__).parent.parent / "corpus"
# Files without labelled texts.
_OTHER = ("grounding", "topics", "slots")


def files(data: Path) -> list[Path]:
    """The files of labelled texts, in a fixed order."""
    found = [*sorted((data / "written").glob("*.jsonl.gz")), *sorted(CORPUS.glob("*.jsonl.gz"))]
    return [p for p in found if not p.name.startswith(_OTHER)]


def raw(data: Path) -> Iterator[Row]:
    """Rows as they stand in the files, with ``file``."""
    for path in files(data):
        for one in lines(path):
            yield {**one, "file": path.name.removesuffix(".jsonl.gz")}


def labels_of(one: Row) -> dict[str, int]:
    """All labels that are known of a row.

    The author named every category of harm that applies. Attacks are named where the row is an attack on the application; a
    wrapped request for something harmful may be read either way, so its attacks are unknown.
    """
    said = set(one["labels"])
    if one["role"] in ("document", "tool"):
        return {**dict.fromkeys(CONTENT, 0), "PROMPT_INJECTION": int("PROMPT_INJECTION" in said)}
    out = {name: int(name in said) for name in CONTENT}
    if one["source"] == "OUTPUT":
        return out
    attack = bool(said & set(ATTACKS))
    if attack:
        # What an attack asks for need not be named: only what was named is certain.
        out = {name: 1 for name in CONTENT if name in said}
        out |= {name: 1 for name in ATTACKS if name in said}
        return out
    if one["file"].startswith("wrapped") and said:
        return out
    return out | dict.fromkeys(ATTACKS, 0)


def rows(data: Path, split: str) -> Iterator[Row]:
    """Training rows (``split`` is train) or those kept back (dev)."""
    for one in raw(data):
        if one["split"] != split:
            continue
        group = f"written/{one['file']}/{one.get('pair') or one['id']}"
        yield {
            **row(one["text"], labels_of(one), group, source=one["source"], role=one["role"], query=one.get("query")),
            "set": "written",
            "file": one["file"],
            "language": one["language"],
        }
