"""What detectors look at: the pieces of one check, with their folded views made once and shared."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

from guardrails.errors import DeadlineExceeded
from guardrails.fold import Folded
from guardrails.types import Piece, Source

__all__ = ["Content", "Deadline"]


class Deadline:
    """One absolute point in time for a whole check."""

    __slots__ = ("at",)

    def __init__(self, milliseconds: float) -> None:
        self.at = time.monotonic() + milliseconds / 1000

    @property
    def remaining(self) -> float:
        """Seconds left, negative when passed."""
        return self.at - time.monotonic()

    def check(self) -> None:
        """Raise :class:`~guardrails.errors.DeadlineExceeded` once the time is used up."""
        if time.monotonic() > self.at:
            raise DeadlineExceeded("the deadline of this check has passed")


class Content:
    """The pieces of one check and the direction they travel."""

    __slots__ = ("_folded", "_shared", "masked", "pieces", "source")

    def __init__(self, pieces: Sequence[Piece], source: Source, *, masked: int = 0) -> None:
        """``masked``: how many rounds of masking the pieces went through since they came; 0 for none."""
        self.pieces = tuple(pieces)
        self.source = source
        self.masked = masked
        self._shared: dict[str, Any] = {}
        self._folded: list[Folded | None] = [None] * len(self.pieces)

    def folded(self, index: int) -> Folded:
        """The views of piece ``index``, computed on first use and shared by all detectors."""
        folded = self._folded[index]
        if folded is None:
            folded = self._folded[index] = Folded(self.pieces[index].text)
        return folded

    def shared(self, name: str, make: Callable[[], Any]) -> Any:
        """What several detectors need and one makes: made once a check. An error is raised to each of them anew."""
        if name not in self._shared:
            self._shared[name] = make()
        return self._shared[name]

    def exhausted(self) -> list[tuple[int, str]]:
        """Pieces whose views could not all be made, with the reason. Pieces nobody folded are not among them."""
        return [(i, f.exhausted) for i, f in enumerate(self._folded) if f is not None and f.exhausted is not None]
