"""Texts in files that people have: tables (CSV, TSV) and rows of JSON, read into one kind of row.

A table's first line is its header when a cell of it is a name that is known here, or one that the caller gives. Which
column holds the text is never guessed: where several could, the caller has to say.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from guardrails.errors import GuardrailsError

__all__ = ["LABELS", "TABLES", "Table", "is_table", "label_of", "read_table"]

TABLES = (".csv", ".tsv")
# Names of columns as people give them, in lower case. A column of the first name of a group goes before its others.
_TEXT = (
    "text", "texts", "prompt", "prompts", "question", "questions", "message", "messages", "input", "content", "query", "utterance",
    "sentence", "comment", "body", "user_input", "request",
)  # fmt: skip
_LABEL = (
    "label", "labels", "class", "target", "expected", "blocked", "block", "harmful", "is_harmful", "unsafe", "toxic", "toxicity", "attack",
    "is_attack", "jailbreak",
)  # fmt: skip
_OTHERS = (
    "id",
    "source",
    "set",
    "role",
    "category",
    "categories",
    "grounding_source",
    "language",
    "split",
    "direction",
    "action",
)
_KNOWN = frozenset((*_TEXT, *_LABEL, *_OTHERS))
# What stands in a column of labels. 1: should be blocked.
LABELS = {
    **dict.fromkeys(("1", "1.0", "true", "yes", "y", "block", "blocked", "harmful", "unsafe", "toxic", "attack", "bad", "positive"), 1),
    **dict.fromkeys(
        ("0", "0.0", "false", "no", "n", "none", "allow", "allowed", "pass", "harmless", "safe", "benign", "ok", "good", "negative"), 0
    ),
}  # fmt: skip
_LONGEST_FIELD = 100_000_000


class Table(NamedTuple):
    """A table: the names of its columns (empty without a header), and each row with the line on which it begins.

    ``text`` and ``label`` are the places of these columns, ``label`` None where there is none.
    """

    columns: tuple[str, ...]
    rows: tuple[tuple[int, tuple[str, ...]], ...]
    text: int
    label: int | None

    def cell(self, row: Sequence[str], name: str) -> str | None:
        """The cell of a row in the column of that name (in any case), None where there is none or it is empty."""
        at = next((i for i, c in enumerate(self.columns) if c.lower() == name), None)
        return row[at].strip() or None if at is not None and at < len(row) else None


def is_table(path: Path) -> bool:
    """Whether a file's name says that it is a table."""
    return path.suffix.lower() in TABLES


def label_of(written: str) -> int | None:
    """0, 1, or None for a cell that says nothing. Raises ValueError for any other word."""
    word = written.strip().lower()
    if word in ("", "null", "nan", "n/a", "?", "unknown"):
        return None
    if word not in LABELS:
        raise ValueError("0 or 1 (or true/false, yes/no, block/allow, harmful/harmless, unsafe/safe)")
    return LABELS[word]


def read_table(data: bytes, name: str, *, text_column: str | None = None, label_column: str | None = None) -> Table:
    """The table in ``data``. ``name`` is what messages call it; a column is given by its name, or by its number from 1.

    Raises GuardrailsError for bytes that are no table, and where it is not clear which column is meant.
    """
    content = _decoded(data, name)
    lines = _lines(content, name)
    if not lines:
        raise GuardrailsError(f"{name}: the table is empty")
    head = [c.strip() for c in lines[0][1]]
    given = {c.strip().lower() for c in (text_column, label_column) if c is not None}
    known = {c.lower() for c in head}
    # "block" may be a column's name, and is a label: only other names tell a header from a row.
    named = bool(known & ((_KNOWN - LABELS.keys()) | given))
    columns = tuple(head) if named else ()
    rows = lines[1:] if named else lines
    width = max(len(cells) for _, cells in lines)
    text = _column(columns, width, text_column, "--text-column", name)
    if text is None:
        text = _text(columns, width, name)
    label = _column(columns, width, label_column, "--label-column", name)
    if label is None:
        label = next((i for n in _LABEL for i, c in enumerate(columns) if c.lower() == n and i != text), None)
    for number, cells in rows:
        if len(cells) <= text:
            raise GuardrailsError(
                f"{name}:{number}: this row has {len(cells)} cells, and the text stands in column {text + 1}; "
                "put a text with commas or line breaks in double quotes"
            )
        if named and len(cells) > len(columns):
            raise GuardrailsError(
                f"{name}:{number}: this row has {len(cells)} cells and the header {len(columns)}; "
                "put a text with commas or line breaks in double quotes"
            )
    if not rows:
        raise GuardrailsError(f"{name}: the table has a header and no rows")
    return Table(columns, tuple(rows), text, label)


def _decoded(data: bytes, name: str) -> str:
    if data.startswith(b"PK\x03\x04") or data.startswith(b"\xd0\xcf\x11\xe0"):
        raise GuardrailsError(f"{name}: this is a workbook, not a table of text; save it as CSV in UTF-8")
    encoding = "utf-16" if data.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-8-sig"
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise GuardrailsError(f"{name}:{line}: this is not UTF-8; save the table as CSV in UTF-8") from None


def _lines(content: str, name: str) -> list[tuple[int, tuple[str, ...]]]:
    """The rows that are not blank, each with the line on which it begins."""
    csv.field_size_limit(_LONGEST_FIELD)
    reader = csv.reader(io.StringIO(content, newline=""), delimiter=_delimiter(content, name), strict=True)
    lines: list[tuple[int, tuple[str, ...]]] = []
    begins = 1
    try:
        for cells in reader:
            if any(c.strip() for c in cells):
                lines.append((begins, tuple(cells)))
            begins = reader.line_num + 1
    except csv.Error as error:
        raise GuardrailsError(
            f"{name}:{begins}: this is not CSV: {error}; a quote inside a quoted text is written twice"
        ) from None
    return lines


def _delimiter(content: str, name: str) -> str:
    """Comma, semicolon (what Excel writes in much of Europe) or tab: the one that stands most often in the first line."""
    if name.lower().endswith(".tsv"):
        return "\t"
    first: list[str] = []
    quoted = False
    for char in content.lstrip("\r\n"):
        if char == '"':
            quoted = not quoted
        elif char in "\r\n" and not quoted:
            break
        elif not quoted:
            first.append(char)
    return max((",", ";", "\t"), key=first.count)


def _column(columns: tuple[str, ...], width: int, wanted: str | None, option: str, name: str) -> int | None:
    """The place of a column that the caller names."""
    if wanted is None:
        return None
    folded = [c.lower() for c in columns]
    if wanted.strip().lower() in folded:
        return folded.index(wanted.strip().lower())
    if wanted.isascii() and wanted.isdigit() and 1 <= int(wanted) <= width:
        return int(wanted) - 1
    there = f"the columns are {', '.join(columns)}" if columns else f"there is no header, and columns are 1 to {width}"
    raise GuardrailsError(f"{name}: there is no column {wanted!r} for {option}; {there}")


def _text(columns: tuple[str, ...], width: int, name: str) -> int:
    """The place of the only column that can be the text."""
    if width == 1:
        return 0
    folded = [c.lower() for c in columns]
    if _TEXT[0] in folded:
        return folded.index(_TEXT[0])
    found = [i for i, c in enumerate(folded) if c in _TEXT]
    if len(found) == 1:
        return found[0]
    there = f"the columns are {', '.join(columns)}" if columns else f"there is no header, and {width} columns"
    how = "--text-column NAME" if columns else "--text-column NUMBER (from 1)"
    raise GuardrailsError(f"{name}: which column holds the text? {there}; say so with {how}")
