"""Placeholders back into values, in a text of prose and JSON: in JSON each string is a text of its own, and stays a string."""

from __future__ import annotations

import json
from collections.abc import Iterable

from guardrails.reading import Place, escaped
from guardrails.vault import Restorer, Vault

__all__ = ["Restoring"]


class Restoring:
    """Restores one text that comes in pieces, or nothing without a vault. ``after``: the part before, which a reader may see
    joined to this one, so that an address begun there is not ended here; it has to be finished."""

    __slots__ = ("_inside", "_main", "_vault", "_where")

    def __init__(self, vault: Vault | None, where: str = "text", after: Restoring | None = None) -> None:
        self._vault = vault
        self._where = where
        self._main: Restorer | None = None
        # The string of a JSON text that is open.
        self._inside: Restorer | None = None
        if vault is not None:
            self._main = Restorer(vault, where=where, after=after._main if after is not None else None)
            if after is not None and after._inside is not None:
                self._inside = Restorer(vault, where=where, after=after._inside)

    @property
    def done(self) -> bool:
        """Whether it is finished."""
        return self._main is None or self._main.done

    def feed(self, pieces: Iterable[tuple[Place, str]]) -> str:
        """The next pieces of the text, each with what it is; what may be sent."""
        if self._vault is None or self._main is None:
            return "".join(text for _, text in pieces)
        out: list[str] = []
        for place, text in pieces:
            if place is Place.STRING:
                out.append(self._string(self._vault, text))
                continue
            out.append(self._closed())
            if place is Place.TEXT:
                if self._main.done:
                    self._main = Restorer(self._vault, where=self._where, after=self._main)
                out.append(self._main.feed(text))
            else:
                out += ["" if self._main.done else self._main.finish(), text]
        return "".join(out)

    def finish(self) -> str:
        """The end of the text, or of its part; what was held back."""
        if self._main is None:
            return ""
        held = ""
        if self._inside is not None and not self._inside.done:
            held = escaped(self._inside.finish())
        return held if self._main.done else self._main.finish() + held

    def _string(self, vault: Vault, text: str) -> str:
        try:
            read = json.loads(f'"{text}"', strict=False)
        except ValueError:  # no string of JSON after all
            return self._closed() + text
        held = "" if self._main is None or self._main.done else self._main.finish()
        if self._inside is None:
            self._inside = Restorer(vault, where=self._where)
        waiting = self._inside.held
        said = self._inside.feed(read)
        return held + (text if said == read and not waiting else escaped(said))

    def _closed(self) -> str:
        """The end of the string that is open."""
        if self._inside is None:
            return ""
        rest, self._inside = "" if self._inside.done else escaped(self._inside.finish()), None
        return rest
