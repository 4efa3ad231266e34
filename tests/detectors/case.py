"""A detector's case: settings, and a text with the expected hits marked in it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from guardrails.types import Piece


@dataclass(frozen=True)
class Case:
    """``finds`` is a marked text (see guardrails/marked.py); a text without marks must find nothing.

    ``type`` is the rule's type, read off the first mark when left out. ``kind`` is ``positive``, ``negative`` or
    ``near-miss`` (right shape, wrong checksum or context).
    """

    name: str
    settings: Any
    finds: str
    type: str | None = None
    kind: str = "positive"
    source: str = "INPUT"
    context: tuple[Piece, ...] = ()
