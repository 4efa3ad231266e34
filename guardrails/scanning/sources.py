"""Files of rows as shards: stretches that can be read alone, so that a scan can be divided, and go on where it stopped."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from guardrails.errors import GuardrailsError

__all__ = ["Shard", "extra", "plan", "rows"]

_JSON, _TABLES, _PARQUET = (".jsonl", ".ndjson"), (".csv", ".tsv"), (".parquet",)
# Bytes of one record, at most: a quote that is never closed does not take a file into memory.
_LONGEST = 256 << 20


@dataclass(frozen=True, slots=True)
class Shard:
    """A stretch of one file. ``index`` numbers the shards of a scan, ``first`` is the number of its first row in the file, from 1.

    ``start`` and ``end`` are bytes; of a Parquet file ``start`` is the row group. ``head`` is the header of a table.
    """

    index: int
    path: str
    first: int
    start: int
    end: int
    head: str = ""


def extra() -> Any:
    """The module ``fsspec``, with which files are opened wherever they are. Raises GuardrailsError where it is not installed."""
    try:
        import fsspec  # noqa: PLC0415 - an extra
    except ImportError:
        raise GuardrailsError("scan needs fsspec: pip install 'onepolicy-guardrails[scan]'") from None
    return fsspec


def plan(source: str, size: int) -> list[Shard]:
    """The shards of a file or of all files of a folder, of ``size`` rows each, in the order of names.

    Raises GuardrailsError for a source without files that can be read.
    """
    fs, path = extra().core.url_to_fs(source)
    names = sorted(fs.find(path)) if fs.isdir(path) else [path]
    names = [name for name in names if name.lower().endswith((*_JSON, *_TABLES, *_PARQUET))]
    if not names or not all(fs.exists(name) for name in names):
        raise GuardrailsError(f"{source}: there is no .jsonl, .ndjson, .csv, .tsv or .parquet file")
    out: list[Shard] = []
    for name in names:
        url = fs.unstrip_protocol(name)
        if name.lower().endswith(_PARQUET):
            found = _groups(fs, name)
        else:
            found = _records(fs, name, size, table=name.lower().endswith(_TABLES))
        out += [Shard(len(out) + i, url, *one) for i, one in enumerate(found)]
    return out


def _groups(fs: Any, name: str) -> list[tuple[int, int, int, str]]:
    """One shard a row group."""
    with fs.open(name, "rb") as file:
        meta = _parquet(file).metadata
        first, out = 1, []
        for i in range(meta.num_row_groups):
            out.append((first, i, i + 1, ""))
            first += meta.row_group(i).num_rows
        return out


def _records(fs: Any, name: str, size: int, *, table: bool) -> list[tuple[int, int, int, str]]:
    """So many records each. A record of a table may hold line breaks between quotes."""
    out: list[tuple[int, int, int, str]] = []
    head, at, start, count, first, begun, quotes = "", 0, 0, 0, 1, 0, 0
    with fs.open(name, "rb") as file:
        for line in file:
            at += len(line)
            quotes += line.count(b'"') if table else 0
            if at - begun > _LONGEST:
                raise GuardrailsError(f"{name}: a record after byte {begun} has more than {_LONGEST} bytes")
            if quotes % 2:
                continue
            if table and not head:
                head = _head(fs, name, begun, at)
                start = begun = at
                continue
            begun, count = at, count + 1
            if count == size:
                out.append((first, start, at, head))
                first, start, count = first + count, at, 0
    if at > start:
        out.append((first, start, at, head))
    return out


def _head(fs: Any, name: str, start: int, end: int) -> str:
    try:
        return str(fs.cat_file(name, start, end).decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise GuardrailsError(f"{name}: this is not UTF-8; save the table as CSV in UTF-8") from None


def _parquet(file: Any) -> Any:
    try:
        from pyarrow.parquet import ParquetFile  # noqa: PLC0415 - an extra
    except ImportError:
        raise GuardrailsError("Parquet needs pyarrow: pip install 'onepolicy-guardrails[scan]'") from None
    return ParquetFile(file)


def rows(shard: Shard) -> Iterator[tuple[int, dict[str, Any] | str]]:
    """Each row of a shard with its number in the file, from 1: its fields, or what is wrong with it."""
    fs, path = extra().core.url_to_fs(shard.path)
    if path.lower().endswith(_PARQUET):
        with fs.open(path, "rb") as file:
            found = _parquet(file).read_row_group(shard.start).to_pylist()
        yield from enumerate(found, shard.first)
        return
    data: bytes = fs.cat_file(path, shard.start, shard.end)
    if path.lower().endswith(_TABLES):
        found = enumerate(_table(data, shard.head, path), shard.first)
        yield from ((number, row) for number, row in found if row is not None)
        return
    for number, line in enumerate(data.split(b"\n"), shard.first):
        if line.strip():
            yield number, _object(line)


def _object(line: bytes) -> dict[str, Any] | str:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError) as error:
        return f"this is not JSON: {type(error).__name__}"
    return row if isinstance(row, dict) else "this is not a JSON object"


def _table(data: bytes, head: str, path: str) -> Iterator[dict[str, Any] | str | None]:
    """The records between quotes and line breaks, one by one: what is wrong with one is not wrong with the others."""
    delimiter = "\t" if path.lower().endswith(".tsv") else max((",", ";", "\t"), key=head.count)
    names = next(csv.reader([head], delimiter=delimiter))
    record, quotes = bytearray(), 0
    for line in io.BytesIO(data):
        record += line
        quotes += line.count(b'"')
        if quotes % 2:
            continue
        yield _cells(bytes(record), names, delimiter)
        record.clear()
    if record:
        yield _cells(bytes(record), names, delimiter)


def _cells(record: bytes, names: list[str], delimiter: str) -> dict[str, Any] | str | None:
    if not record.strip():
        return None
    csv.field_size_limit(_LONGEST)
    try:
        cells = next(csv.reader(io.StringIO(record.decode(), newline=""), delimiter=delimiter, strict=True), [])
    except (csv.Error, UnicodeDecodeError) as error:
        return f"this is not a row of a table: {type(error).__name__}"
    if len(cells) != len(names):
        return f"this row has {len(cells)} cells and the header {len(names)}"
    return dict(zip(names, cells, strict=True))
