"""Reading the fields of a JSON body. What does not fit is a fault that names the field and the remedy, and no text."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from difflib import get_close_matches
from typing import Any, Final, overload

from guardrails.service.faults import Fault, Kind

__all__ = ["Body", "nearest"]

_MISSING: Final = object()
# A name may be repeated in a message; anything else in its place may be somebody's text.
_NAME = re.compile(r"[\w.$:-]{1,64}")
_KINDS = {
    str: "a string",
    bool: "true or false",
    int: "a number",
    float: "a number",
    list: "a list",
    dict: "an object",
    type(None): "null",
}


def nearest(written: str, names: Collection[str]) -> str:
    """``; did you mean X?``, or nothing when no name is close."""
    folded = {n.lower(): n for n in names}
    found = get_close_matches(written.lower(), folded, n=1, cutoff=0.6)
    return f"; did you mean {folded[found[0]]!r}?" if found else ""


class Body:
    """An object of a body, and its place there (``content[0].text``)."""

    __slots__ = ("place", "value")

    def __init__(self, value: Any, place: str = "") -> None:
        """Raises Fault when ``value`` is no object."""
        if not isinstance(value, dict):
            raise _wrong(place or "the body", "an object", value)
        self.value: dict[str, Any] = value
        self.place = place

    def __contains__(self, name: str) -> bool:
        return self.value.get(name) is not None

    def at(self, name: str) -> str:
        """The place of a field."""
        return f"{self.place}.{name}" if self.place else name

    def only(self, *names: str) -> None:
        """Raises Fault for a field that is none of these: a setting that nobody reads would be believed in."""
        for name in self.value:
            if name not in names:
                shown = repr(name) if _NAME.fullmatch(name) else "this"
                raise Fault(
                    Kind.INVALID,
                    f"{shown} is no field here{nearest(name, names)} There are {', '.join(names)}",
                    self.place,
                )

    def filled(self) -> None:
        """Raises Fault for a field that is null: nobody could tell whether it was meant."""
        for name, value in self.value.items():
            if value is None:
                raise Fault(Kind.INVALID, "is null; write a value, or leave it out", self.at(name))

    @overload
    def text(self, name: str, default: str = ...) -> str: ...
    @overload
    def text(self, name: str, default: None) -> str | None: ...
    def text(self, name: str, default: Any = _MISSING) -> str | None:
        """A string; without a default it must be there."""
        value = self._get(name, default, "a string")
        if value is None or isinstance(value, str):
            return value
        raise _wrong(self.at(name), "a string", value)

    def texts(self, name: str, default: Any = _MISSING, *, one: bool = False) -> list[str]:
        """A list of strings; with ``one``, a string stands for a list of it."""
        wanted = "a string, or a list of strings" if one else "a list of strings"
        value = self._get(name, default, wanted)
        if one and isinstance(value, str):
            return [value]
        if not isinstance(value, list):
            raise _wrong(self.at(name), wanted, value)
        for number, item in enumerate(value):
            if not isinstance(item, str):
                raise _wrong(f"{self.at(name)}[{number}]", "a string", item)
        return list(value)

    def flag(self, name: str, default: Any = _MISSING) -> bool:
        """True or false."""
        value = self._get(name, default, "true or false")
        if not isinstance(value, bool):
            raise _wrong(self.at(name), "true or false", value)
        return value

    def number(self, name: str, low: float, high: float, default: Any = _MISSING) -> float:
        """A number from ``low`` to ``high``."""
        value = self._get(name, default, "a number")
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise _wrong(self.at(name), "a number", value)
        if not low <= value <= high:
            raise Fault(Kind.INVALID, f"must be from {low:g} to {high:g}", self.at(name))
        return value

    def whole(self, name: str, low: int, high: int, default: Any = _MISSING) -> int:
        """A whole number from ``low`` to ``high``."""
        value = self.number(name, low, high, default)
        if value != int(value):
            raise Fault(Kind.INVALID, "must be a whole number", self.at(name))
        return int(value)

    def choice(self, name: str, allowed: Collection[str], default: Any = _MISSING) -> str:
        """One of some names."""
        value: str = self.text(name, default)
        if value not in allowed:
            shown = f"{value!r} is" if _NAME.fullmatch(value) else "this is"
            raise Fault(Kind.INVALID, f"{shown} none of {', '.join(allowed)}{nearest(value, allowed)}", self.at(name))
        return value

    @overload
    def object(self, name: str) -> Body: ...
    @overload
    def object(self, name: str, default: None) -> Body | None: ...
    def object(self, name: str, default: Any = _MISSING) -> Body | None:
        """An object."""
        value = self._get(name, default, "an object")
        return None if value is None else Body(value, self.at(name))

    def objects(self, name: str, default: Any = _MISSING, *, most: int | None = None) -> list[Body]:
        """A list of objects, at most ``most``."""
        value = self._get(name, default, "a list of objects")
        if not isinstance(value, list):
            raise _wrong(self.at(name), "a list of objects", value)
        if most is not None and len(value) > most:
            raise Fault(Kind.INVALID, f"holds {len(value)} items; send at most {most} at once", self.at(name))
        return [Body(item, f"{self.at(name)}[{number}]") for number, item in enumerate(value)]

    def mapping(self, name: str) -> Mapping[str, Any]:
        """An object as it came, empty when it is not there."""
        found = self.object(name, None)
        return found.value if found is not None else {}

    def _get(self, name: str, default: Any, wanted: str) -> Any:
        value = self.value.get(name)
        if value is not None:
            return value
        if default is not _MISSING:
            return default
        if name in self.value:
            raise Fault(Kind.INVALID, f"is null; write {wanted}", self.at(name))
        written = [n for n in self.value if n.lower().replace("_", "") == name.lower().replace("_", "")]
        near = f"; {written[0]!r} is another name" if written else ""
        raise Fault(Kind.INVALID, f"is missing; add {wanted}{near}", self.at(name))


def _wrong(place: str, wanted: str, value: Any) -> Fault:
    return Fault(Kind.INVALID, f"must be {wanted}, not {_KINDS.get(type(value), type(value).__name__)}", place)
