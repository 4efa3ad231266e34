"""What an answer of ours has in common with the upstream's: ids and numbers, never text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from guardrails.wire.opaque import opaque

__all__ = ["alike", "counts"]


def alike(answer: Mapping[str, Any], names: Mapping[str, Any]) -> dict[str, Any]:
    """What a refusal or an ending has in common with the answer it stands for: ids and numbers, never text.

    ``names``: fields and their types.
    """
    found = {name: answer.get(name) for name in names}
    return {
        name: value
        for name, value in found.items()
        if isinstance(value, names[name]) and not isinstance(value, bool) and opaque(value)
    }


def counts(usage: Any, names: Mapping[str, Any]) -> dict[str, Any]:
    """The numbers of ``names`` in an answer's usage, 0 where there is none. An object in ``names`` is an object there."""
    given = usage if isinstance(usage, dict) else {}
    return {
        name: counts(given.get(name), inner)
        if isinstance(inner, Mapping)
        else given[name]
        if isinstance(given.get(name), int)
        else 0
        for name, inner in names.items()
    }
