"""Canonical JSON (RFC 8785) for records of a fixed schema.

The records hold strings, integers, booleans, null, lists and objects whose keys are ASCII names of ours. For these, RFC 8785 is:
keys sorted, no blanks, UTF-8, the shortest escapes. Fractions are left out of the schema on purpose (scores are millionths, times
microseconds), so that there is one way to write each number.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import orjson

__all__ = ["EXACT", "canonical", "clean", "of_schema"]

# RFC 8785 writes numbers as JavaScript does, which is exact up to here.
EXACT = 2**53 - 1


def canonical(record: Mapping[str, Any]) -> bytes:
    """The record as RFC 8785 writes it. Raises TypeError or ValueError for what the schema has no place for."""
    _fits(record)
    return of_schema(record)


def of_schema(record: Mapping[str, Any]) -> bytes:
    """The same for a record that is known to fit: those of decisions, whose makers are tested for it."""
    return orjson.dumps(record, option=orjson.OPT_SORT_KEYS)


def clean(text: str) -> str:
    """``text``, with what is not Unicode (lone surrogates) as escapes."""
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode()


def _fits(record: Mapping[str, Any]) -> None:
    """Only what the schema has a place for."""
    left: list[Any] = [record]
    while left:
        value = left.pop()
        items: Iterable[Any]
        if isinstance(value, Mapping):
            if not all(type(key) is str and key.isascii() for key in value):
                raise TypeError("a key of a record is not ASCII")
            items = value.values()
        else:
            items = value
        for item in items:
            kind = type(item)
            if kind is str or kind is bool or item is None:
                continue
            if kind is int:
                if not -EXACT <= item <= EXACT:
                    raise ValueError("an integer of a record is larger than 2^53 - 1")
            elif kind is dict or kind is list or kind is tuple:
                left.append(item)
            else:
                raise TypeError(f"a record holds no {kind.__name__}")
