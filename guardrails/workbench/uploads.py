"""Files of texts that an author drops on a page: read through a file of their own that is gone a moment later."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path, PurePath
from typing import TypeVar

from starlette.datastructures import UploadFile
from starlette.requests import Request

from guardrails import evaluation
from guardrails.errors import GuardrailsError
from guardrails.evaluation import Data
from guardrails.tables import TABLES
from guardrails.workbench.guarding import MAX_BODY

__all__ = ["ENDINGS", "MAX_ROWS", "Dropped", "bounded", "dropped", "rows_of"]

_T = TypeVar("_T")
ENDINGS = (*TABLES, ".jsonl", ".ndjson")
# Rows that are judged for one page; the command line takes more.
MAX_ROWS = 20_000


class Dropped:
    """A file that was dropped, and the fields of its form."""

    def __init__(self, name: str, data: bytes, fields: Mapping[str, str]) -> None:
        self.name = name
        self.fields = fields
        self._data = data

    def read(self, endings: tuple[str, ...], reader: Callable[[Path], _T]) -> _T:
        """What ``reader`` makes of the file. Raises GuardrailsError for another ending, and what the reader raises, with the file's own name."""
        ending = next((e for e in endings if self.name.lower().endswith(e)), None)
        if ending is None:
            raise GuardrailsError(f"{self.name[:100]}: texts come in a file that ends in {', '.join(endings)}")
        with tempfile.TemporaryDirectory(prefix="guardrails-") as folder:
            path = Path(folder) / f"texts{ending}"
            path.write_bytes(self._data)
            try:
                return reader(path)
            except GuardrailsError as error:
                raise GuardrailsError(str(error).replace(str(path), self.name[:100])) from None


async def dropped(request: Request) -> Dropped:
    """The file of a form. Raises GuardrailsError where none was chosen."""
    async with request.form(max_files=1, max_fields=20, max_part_size=MAX_BODY) as form:
        fields = {key: value for key, value in form.items() if isinstance(value, str)}
        file = form.get("data")
        if not isinstance(file, UploadFile) or not file.filename:
            raise GuardrailsError("choose a file of texts")
        return Dropped(PurePath(file.filename).name, await file.read(), fields)


def rows_of(file: Dropped) -> Data:
    """The rows of a table or of rows of JSON, labelled or not. Raises GuardrailsError for anything else, and for more than :data:`MAX_ROWS`."""

    def read(path: Path) -> Data:
        return evaluation.read(
            path,
            text_column=file.fields.get("text_column") or None,
            label_column=file.fields.get("label_column") or None,
            source=file.fields.get("source") or None,
            labelled=False,
        )

    data = file.read(ENDINGS, read)
    bounded(len(data.rows), file.name)
    return data


def bounded(number: int, name: str) -> None:
    """Raises GuardrailsError for more rows than a page judges."""
    if number > MAX_ROWS:
        raise GuardrailsError(
            f"{name[:100]}: {number:,} rows; a page judges {MAX_ROWS:,} at most: drop a sample of them, or use guardrails calibrate, "
            "diff or review in a terminal"
        )
