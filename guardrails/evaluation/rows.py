"""Rows of labelled texts, every field of them checked before anything is run."""

from __future__ import annotations

import gzip
import hashlib
import json
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from guardrails.errors import GuardrailsError
from guardrails.tables import is_table, label_of, read_table
from guardrails.types import Piece, Qualifier, Role, Source

__all__ = ["BadData", "Data", "Problem", "Row", "Span", "read"]

_SHOWN_PROBLEMS = 20
_GZIP = b"\x1f\x8b"

T = TypeVar("T")


class Problem(NamedTuple):
    """What is wrong with a row; ``field`` is empty when it is no row at all."""

    line: int
    field: str
    message: str


class BadData(GuardrailsError):
    """A file of rows that cannot be used; ``problems`` says where. Values are never repeated."""

    def __init__(self, path: Path, problems: list[Problem]) -> None:
        self.problems = tuple(problems)
        shown = [f"{path}:{p.line}: {p.field + ': ' if p.field else ''}{p.message}" for p in problems[:_SHOWN_PROBLEMS]]
        if len(problems) > _SHOWN_PROBLEMS:
            shown.append(f"… and {len(problems) - _SHOWN_PROBLEMS} more")
        super().__init__("\n".join(shown))


class BadTable(BadData):
    """A table that cannot be used, and why."""

    def __init__(self, path: Path, message: str) -> None:
        super().__init__(path, [])
        self.args = (message,)


class Span(NamedTuple):
    """A place in a row's text that a type names, in code points."""

    start: int
    end: int
    type: str


@dataclass(frozen=True, slots=True)
class Row:
    """A labelled text. ``label`` 1: it should be blocked, 0: it should not, None: unknown.

    ``categories`` says which hold (1) and which do not (0). With ``complete`` those it leaves out do not hold;
    otherwise nothing is known of them.
    """

    line: int
    text: str = field(repr=False)
    source: Source
    label: int | None = None
    set: str | None = None
    role: Role | None = None
    categories: Mapping[str, int] | None = None
    complete: bool = False
    query: str | None = field(default=None, repr=False)
    grounding_source: tuple[str, ...] = field(default=(), repr=False)
    spans: tuple[Span, ...] | None = None

    @property
    def pieces(self) -> tuple[Piece, ...]:
        """What is checked: the text first, so that piece 0 is the row's own, then what it is judged with."""
        own = Piece(self.text) if self.role is None else Piece(self.text, self.role)
        query = () if self.query is None else (Piece(self.query, Role.USER, Qualifier.QUERY),)
        sources = (Piece(s, Role.DOCUMENT, Qualifier.GROUNDING_SOURCE) for s in self.grounding_source)
        return (own, *query, *sources)

    @property
    def size(self) -> int:
        """Characters over all pieces."""
        return len(self.text) + len(self.query or "") + sum(map(len, self.grounding_source))


@dataclass(frozen=True, slots=True)
class Data:
    """The rows of a file, and sha256 over its (uncompressed) bytes and how they were read."""

    path: Path
    sha256: str
    rows: tuple[Row, ...]


def read(
    path: Path,
    *,
    text_column: str | None = None,
    label_column: str | None = None,
    source: Source | str | None = None,
    labelled: bool = True,
) -> Data:
    """The rows of a table (``.csv``, ``.tsv``) or of a JSON-lines file, plain or gzipped.

    The columns name where text and label stand, in a table or in rows of JSON; ``source`` is the direction of rows that
    name none, in a table INPUT by default. ``labelled``: a table must have a column of labels or of categories. Raises BadData with
    every problem, OSError when there is no file.
    """
    try:
        data = path.read_bytes()
        if data.startswith(_GZIP):
            data = gzip.decompress(data)
    except (EOFError, gzip.BadGzipFile, zlib.error):
        raise BadData(path, [Problem(1, "", "this is no whole gzip file")]) from None
    problems: list[Problem] = []
    given: Iterable[tuple[int, dict[str, Any] | None]]
    default: Source | None
    name = path.with_suffix("") if path.suffix.lower() == ".gz" else path
    if is_table(name):
        given = _table(data, path, text_column, label_column, labelled=labelled)
        default = Source(source or Source.INPUT)
    else:
        given = ((number, _parsed(number, line, problems)) for number, line in _lines(data))
        default = Source(source) if source is not None else None
    names = {"text": text_column, "label": label_column} if not is_table(name) else {}
    rows = [
        row
        for number, fields in given
        if fields is not None and (row := _row(number, fields, problems, names, default)) is not None
    ]
    if (
        problems
        and not is_table(name)
        and name.suffix.lower() not in (".jsonl", ".ndjson", ".json")
        and not data.lstrip().startswith(b"{")
    ):
        problems[:] = [
            Problem(1, "", "these are no rows of JSON; a table is read from a file whose name ends in .csv or .tsv")
        ]
    if not rows and not problems:
        problems.append(Problem(1, "", 'there are no rows; a row is {"text", "source", "label", …}'))
    if problems:
        raise BadData(path, problems)
    digest = hashlib.sha256(data)
    if text_column or label_column or source:  # the same bytes read in another way are other rows
        digest.update(repr((text_column, label_column, source and str(source))).encode())
    return Data(path, digest.hexdigest(), tuple(rows))


def _table(
    data: bytes, path: Path, text_column: str | None, label_column: str | None, *, labelled: bool
) -> Iterator[tuple[int, dict[str, Any]]]:
    """A table's rows as rows of JSON; a label that is a word becomes 0 or 1 where it says so."""
    try:
        table = read_table(data, str(path), text_column=text_column, label_column=label_column)
    except GuardrailsError as error:
        raise BadTable(path, str(error)) from None
    category = next((c for c in ("categories", "category") if c in map(str.lower, table.columns)), "")
    if table.label is None and labelled and not category:
        there = f"the columns are {', '.join(table.columns)}" if table.columns else "there is no header"
        raise BadTable(path, f"{path}: which column holds the label? {there}; say so with --label-column")
    for number, cells in table.rows:
        fields: dict[str, Any] = {"text": cells[table.text]}
        for name in ("source", "set", "role", "query", "grounding_source"):
            value = table.cell(cells, name)
            if value is not None and table.columns[table.text].lower() != name:
                fields[name] = value.upper() if name == "source" else value
        if category and (named := table.cell(cells, category)) is not None:
            fields["categories"] = [name.strip() for name in named.split(";") if name.strip()]
        written = cells[table.label] if table.label is not None and table.label < len(cells) else ""
        try:
            fields["label"] = label_of(written)
        except ValueError as error:
            fields["label"] = _WrongError(str(error))
        yield number, fields


def _lines(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Lines end at a line feed only: other line separators may stand inside a text."""
    for number, line in enumerate(data.removeprefix(b"\xef\xbb\xbf").split(b"\n"), 1):
        if line.strip():
            yield number, line


def _parsed(number: int, line: bytes, problems: list[Problem]) -> dict[str, Any] | None:
    try:
        given = json.loads(line.decode("utf-8"))
    except UnicodeDecodeError:
        problems.append(Problem(number, "", "this is not UTF-8"))
        return None
    except json.JSONDecodeError as error:
        problems.append(Problem(number, "", f"this is not JSON: {error.msg} at column {error.colno}"))
        return None
    except (ValueError, RecursionError):
        problems.append(Problem(number, "", "this JSON cannot be read: a number too long, or nested too deeply"))
        return None
    if not isinstance(given, dict):
        problems.append(Problem(number, "", f"a row is an object, not {_kind(given)}"))
        return None
    return given


def _row(
    number: int,
    given: dict[str, Any],
    problems: list[Problem],
    names: Mapping[str, str | None],
    default: Source | None,
) -> Row | None:
    fields = _Fields(number, given, problems)
    before = len(problems)
    text = fields.get(names.get("text") or "text", _text, required=True)
    source = default if default is not None and "source" not in given else fields.get("source", _source, required=True)
    label = fields.get(names.get("label") or "label", _label)
    set_ = fields.get("set", _text)
    role = fields.get("role", _role)
    categories = fields.get("categories", _categories)
    query = fields.get("query", _text)
    grounding = fields.get("grounding_source", _texts)
    spans = fields.get("spans", lambda value: _spans(value, text))
    if len(problems) > before or text is None or source is None:
        return None
    listed = isinstance(given.get("categories"), list)
    # A harmful text whose list is empty says that no category is known, not that none holds.
    known = None if listed and not categories and label != 0 else categories
    return Row(number, text, source, label, set_, role, known, listed, query, grounding or (), spans)


class _Fields:
    def __init__(self, number: int, row: dict[str, Any], problems: list[Problem]) -> None:
        self.number, self.row, self.problems = number, row, problems

    def get(self, name: str, convert: Callable[[Any], T], *, required: bool = False) -> T | None:
        """The field, None when it is missing, null or wrong; what is wrong with it is noted."""
        value = self.row.get(name)
        if value is None and (not required or name in self.row):
            if required:
                self.problems.append(Problem(self.number, name, "null is no value here"))
            return None
        try:
            if name not in self.row:
                raise _WrongError("is missing")  # noqa: TRY301 - noted like any other problem
            return convert(value)
        except _WrongError as wrong:
            self.problems.append(Problem(self.number, name, str(wrong)))
            return None


class _WrongError(Exception):
    pass


def _kind(value: Any) -> str:
    if value is None:
        return "null"
    names = {bool: "true or false", int: "a number", float: "a number", str: "a string", list: "a list"}
    return names.get(type(value), "an object")


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise _WrongError(f"a string, not {_kind(value)}")
    return value


def _texts(value: Any) -> tuple[str, ...]:
    if isinstance(value, str):
        return (value,)
    if isinstance(value, list) and all(isinstance(v, str) for v in value):
        return tuple(value)
    raise _WrongError(f"a string or a list of strings, not {_kind(value)}")


def _source(value: Any) -> Source:
    if value not in ("INPUT", "OUTPUT"):
        raise _WrongError("INPUT or OUTPUT")
    return Source(value)


def _role(value: Any) -> Role:
    if not isinstance(value, str) or value not in {r.value for r in Role}:
        raise _WrongError(f"one of {', '.join(r.value for r in Role)}")
    return Role(value)


def _label(value: Any) -> int:
    if isinstance(value, _WrongError):
        raise value
    if not _is_binary(value):
        raise _WrongError(f"0, 1 or null{'' if isinstance(value, int | float) else ', not ' + _kind(value)}")
    return int(value)


def _is_binary(value: Any) -> bool:
    """True and 1.0 are 1: tables with gaps in them are often written so."""
    return isinstance(value, int | float) and value in (0, 1)


def _categories(value: Any) -> dict[str, int]:
    if isinstance(value, list):
        if not all(isinstance(v, str) for v in value):
            raise _WrongError("a list of names")
        return dict.fromkeys(value, 1)
    if not isinstance(value, dict):
        raise _WrongError(f"a list of names or an object of 0 and 1, not {_kind(value)}")
    if any(v is not None and not _is_binary(v) for v in value.values()):
        raise _WrongError("an object whose values are 0, 1 or null")
    return {name: int(v) for name, v in value.items() if v is not None}


def _spans(value: Any, text: str | None) -> tuple[Span, ...]:
    if not isinstance(value, list):
        raise _WrongError(f"a list of [start, end, type], not {_kind(value)}")
    spans = []
    for i, span in enumerate(value):
        whole = isinstance(span, list) and len(span) == 3 and isinstance(span[2], str)
        if not whole or any(not isinstance(n, int) or isinstance(n, bool) for n in span[:2]):
            raise _WrongError(f"[{i}] is no [start, end, type]")
        if text is not None and not 0 <= span[0] < span[1] <= len(text):
            raise _WrongError(f"[{i}] lies outside the text of {len(text)} characters, or is empty")
        spans.append(Span(*span))
    return tuple(spans)
