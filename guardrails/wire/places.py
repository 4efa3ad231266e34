"""The numbers by which events name a place of the answer, and the channels that are named after places."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from typing import Any, TypeGuard

__all__ = ["Channel", "following", "is_index", "named", "numbered"]

Channel = Hashable


def named(channel: Channel) -> tuple[str, dict[str, Any]]:
    """The name of a channel and its places; of two places with one name the outer one."""
    name, *given = channel if isinstance(channel, tuple) else (channel,)
    places: dict[str, Any] = {}
    for key, number in given:
        places.setdefault(key, number)
    return str(name), places


def numbered(items: Any, key: str = "index") -> None:
    """Give each object of a list (or one alone) that has no number for its place the one of its position."""
    for position, item in enumerate(items if isinstance(items, list) else [items]):
        if isinstance(item, dict) and not is_index(item.get(key)):
            item[key] = position


# No stream counts up to here; after a larger number there may be none that JSON can say.
_COUNTED = 2**53


def following(numbers: Iterable[int]) -> int:
    """The number after all of those to which a stream can have counted: 0 after none."""
    return max((n for n in numbers if n < _COUNTED), default=-1) + 1


def is_index(value: Any) -> TypeGuard[int]:
    """Whether a value is a number by which events name a place."""
    return isinstance(value, int) and not isinstance(value, bool)
