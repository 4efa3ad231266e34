"""Parts that masking left empty: most APIs take no empty text, and some no message without one."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

__all__ = ["leave_out_emptied"]

# Stands where nothing else of a message is left.
NOTHING = "(removed)"


def leave_out_emptied(holders: Iterable[tuple[Any, str]], blank: Callable[[str], Any]) -> Callable[[], None]:
    """To be called when the texts of a body are final: remove parts that have no text any more and had one.

    ``holders``: the objects that hold a list of parts or a text, each with the field; ``blank`` makes a part of a text.
    """
    said = [
        (holder, name, {id(p) for p in holder[name] if isinstance(p, dict) and p.get("text")})
        if isinstance(holder[name], list)
        else (holder, name, None)
        for holder, name in holders
        if isinstance(holder, dict)
        and (isinstance(holder.get(name), list) or (isinstance(holder.get(name), str) and holder[name]))
    ]

    def settle() -> None:
        for holder, name, had in said:
            now = holder.get(name)
            if had is None:
                holder[name] = NOTHING if now == "" else now
            elif isinstance(now, list):
                left = [p for p in now if not (isinstance(p, dict) and p.get("text") == "" and id(p) in had)]
                if len(left) < len(now):
                    holder[name] = left or [blank(NOTHING)]

    return settle
