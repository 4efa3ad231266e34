"""The texts of a review and what each reviewer says of them: in memory, or in a file to which lines are only ever added.

The first line of a file says what is asked; each further one is a text, or what somebody says of one. So several people and programs can label
at once, who said what and when stays readable, and what somebody says last counts.
"""

from __future__ import annotations

import hashlib
import json
import os
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

from guardrails.errors import GuardrailsError
from guardrails.evaluation import Row
from guardrails.types import Role, Source

__all__ = ["Item", "Question", "Review"]

_VERSION = 1
_NAME = 100
# Seconds that a line of somebody else may take to be whole.
_WAIT_S = 2.0


@dataclass(frozen=True, slots=True)
class Question:
    """What reviewers are asked: whether ``rule`` should find a text; None: whether it should be stopped.

    ``policy`` and ``sha256`` say for which policy the texts were chosen, empty for none.
    """

    rule: str | None = None
    policy: str = ""
    sha256: str = ""


@dataclass(frozen=True, slots=True)
class Item:
    """A text to label. ``id`` is made of what is judged; ``number`` is its place in the review, from 1."""

    id: str
    number: int
    row: Row = field(repr=False)


class Review:
    """The queue of a review and its labels. Thread-safe; several processes may share a file."""

    def __init__(self, path: Path | None = None) -> None:
        """``path`` names the file, which :meth:`ask` makes; None keeps everything in memory. Raises GuardrailsError for another file."""
        self.path = path
        self.question: Question | None = None
        self._items: dict[str, Item] = {}
        self._labels: dict[str, dict[str, int | None]] = {}
        self._read = 0
        self._line = 0
        self._lock = threading.RLock()
        self.refresh()

    # -- reading -----------------------------------------------------------------------------------------------------

    @property
    def items(self) -> list[Item]:
        """The texts, in the order in which they are asked."""
        return list(self._items.values())

    @property
    def reviewers(self) -> list[str]:
        """Who said something, sorted."""
        return sorted({name for own in self._labels.values() for name in own})

    def labels(self, item: Item) -> dict[str, int]:
        """What each reviewer who is sure says of a text: 1 yes, 0 no."""
        return {name: value for name, value in self._labels.get(item.id, {}).items() if value is not None}

    def unsure(self, item: Item) -> list[str]:
        """Who is not sure about a text."""
        return [name for name, value in self._labels.get(item.id, {}).items() if value is None]

    def decided(self, item: Item) -> int | None:
        """What more than half of those who are sure say; None without such a half."""
        given = list(self.labels(item).values())
        return next((value for value in (0, 1) if 2 * given.count(value) > len(given)), None)

    def disagreements(self) -> list[Item]:
        """Texts on which those who are sure do not agree."""
        return [item for item in self.items if len(set(self.labels(item).values())) > 1]

    def next(self, by: str) -> Item | None:
        """The first text of which that reviewer said nothing yet."""
        return next((item for item in self.items if by not in self._labels.get(item.id, {})), None)

    def before(self, by: str, item: Item | None) -> Item | None:
        """The text before this one (None: before the end) of which that reviewer said something."""
        known = [i for i in self.items if by in self._labels.get(i.id, {}) and (item is None or i.number < item.number)]
        return known[-1] if known else None

    def item(self, id_: str) -> Item:
        """A text by its id. Raises GuardrailsError for one that is not there."""
        if id_ not in self._items:
            raise GuardrailsError("this text is not part of the review")
        return self._items[id_]

    # -- writing -----------------------------------------------------------------------------------------------------

    def ask(self, question: Question, rows: Iterable[Row]) -> int:
        """Put texts at the end of the queue, each once; returns how many are new. Raises GuardrailsError where another question is asked."""
        with self._lock:
            self.refresh()
            if self.question is None:
                self._write([{"review": _VERSION, **{n: getattr(question, n) for n in ("rule", "policy", "sha256")}}])
            elif self.question.rule != question.rule:
                raise GuardrailsError(
                    f"this review asks about {self.question.rule or 'the whole policy'}, not about {question.rule or 'the whole policy'}: "
                    "begin another one"
                )
            new = {id_: row for row in rows if (id_ := _id(row)) not in self._items}
            self._write([_said(row) for row in new.values()])
            return len(new)

    def label(self, item: Item, value: int | None, by: str) -> None:
        """Note what a reviewer says of a text: 1 yes, 0 no, None not sure. Raises GuardrailsError for a name that is none."""
        if value not in (0, 1, None):
            raise GuardrailsError("a label is yes, no, or not sure")
        at = datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
        with self._lock:
            self.refresh()
            self._write([{"id": self.item(item.id).id, "label": value, "by": named(by), "at": at}])

    def refresh(self) -> None:
        """Read what was added to the file meanwhile. Raises GuardrailsError for a line that is none of ours."""
        if self.path is None or not self.path.exists():
            return
        with self._lock, self.path.open("rb") as file:
            file.seek(self._read)
            for raw in file:
                if not raw.endswith(b"\n"):  # somebody is writing it
                    return
                self._line += 1
                try:
                    self._take(json.loads(raw))
                except (KeyError, TypeError, ValueError):
                    raise GuardrailsError(f"{self.path}:{self._line}: this is no line of a review") from None
                self._read += len(raw)

    def _write(self, lines: list[dict[str, Any]]) -> None:
        if self.path is None:
            for line in lines:
                self._take(line)
            return
        data = b"".join(json.dumps(line, ensure_ascii=True).encode() + b"\n" for line in lines)
        # One write at the end of the file: lines of others are neither cut nor overwritten. It holds what people wrote: others do not read it.
        target = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        with os.fdopen(target, "r+b", buffering=0) as file:
            # A line that somebody is just writing may be seen half.
            until = time.monotonic() + _WAIT_S
            while not _ends_whole(file):
                if time.monotonic() > until:
                    raise GuardrailsError(
                        f"{self.path}:{self._line + 1}: the last line is not whole: take it away, and do it again"
                    )
                time.sleep(0.01)
            if data:
                file.write(data)
        self.refresh()

    def _take(self, line: dict[str, Any]) -> None:
        if "review" in line:
            if line["review"] != _VERSION or self.question is not None:
                raise ValueError("another version")
            self.question = Question(line["rule"], line["policy"], line["sha256"])
        elif self.question is None:
            raise ValueError("no question")
        elif "label" in line:
            value = line["label"]
            if value not in (0, 1, None):
                raise ValueError("a label")
            self._labels.setdefault(self.item(line["id"]).id, {})[named(line["by"])] = value
        else:
            row = _row(line, len(self._items) + 1)
            id_ = _id(row)
            self._items.setdefault(id_, Item(id_, row.line, row))


def named(by: str) -> str:
    """A reviewer's name. Raises GuardrailsError for an empty, long or unprintable one."""
    name = by.strip()
    if not name or len(name) > _NAME or not name.isprintable():
        raise GuardrailsError(f"say who labels: a name of 1 to {_NAME} characters")
    return name


def _ends_whole(file: IO[bytes]) -> bool:
    """Whether a file is empty or ends with a line break."""
    size = file.seek(0, os.SEEK_END)
    if not size:
        return True
    file.seek(size - 1)
    return file.read(1) == b"\n"


def _said(row: Row) -> dict[str, Any]:
    out: dict[str, Any] = {"text": row.text, "source": row.source.value}
    if row.role is not None:
        out["role"] = row.role.value
    if row.query is not None:
        out["query"] = row.query
    if row.grounding_source:
        out["grounding_source"] = list(row.grounding_source)
    return out


def _row(line: dict[str, Any], number: int) -> Row:
    texts = (line["text"], line.get("query") or "", *line.get("grounding_source", ()))
    if not all(isinstance(text, str) for text in texts):
        raise TypeError("a text")
    role = Role(line["role"]) if "role" in line else None
    sources = tuple(line.get("grounding_source", ()))
    return Row(
        number, line["text"], Source(line["source"]), role=role, query=line.get("query"), grounding_source=sources
    )


def _id(row: Row) -> str:
    """The same text, in the same direction and with the same sources, is one text."""
    return hashlib.sha256(json.dumps(_said(row), sort_keys=True).encode()).hexdigest()[:24]
