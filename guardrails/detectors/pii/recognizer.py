"""What a rule-based PII recogniser is: patterns, a checksum, and the words around it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

__all__ = ["Spec"]


@dataclass(frozen=True, slots=True)
class Spec:
    """One recogniser of one entity type. Several specs may share a type.

    ``patterns`` are ``(regex, score)`` pairs in the syntax of the ``regex`` module (look-around allowed), scores in
    [0, 1] before context; when a pattern has a group named ``value``, that group is the finding. ``context`` are words
    (lower case) that raise a score when one stands in the window around a match; ``against`` are words that lower it.
    ``validate`` sees the matched value: True makes the score 1.0, False drops the match, None leaves it.
    ``requires_context``: without a context word the match does not count at all.
    ``ignore_case`` compiles the patterns case-insensitively. ``scope`` ``"raw"`` keeps the recogniser off derived
    views. ``refine`` sees the whole text and the range of a match, and answers the ranges that are values: none when what
    stands around says that it is something else, several when a match holds several. They lie in the match; ``validate``
    sees each of them.
    """

    type: str
    patterns: tuple[tuple[str, float], ...]
    context: tuple[str, ...] = ()
    against: tuple[str, ...] = ()
    validate: Callable[[str], bool | None] | None = None
    requires_context: bool = False
    ignore_case: bool = False
    scope: str = "all"
    refine: Callable[[str, int, int], Iterable[tuple[int, int]]] | None = None
