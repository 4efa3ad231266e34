"""One table of recogniser modules; each holds ``RECOGNIZERS``, a tuple of specs."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from functools import cache
from importlib import import_module

from guardrails.detectors.pii.recognizer import Spec
from guardrails.errors import GuardrailsError

__all__ = ["MODULES", "specs", "specs_for", "types"]

_HOME = "guardrails.detectors.pii.recognizers"
MODULES: dict[str, str] = {
    "contact": f"{_HOME}.contact",
    "network": f"{_HOME}.network",
    "person": f"{_HOME}.person",
    "finance": f"{_HOME}.finance",
    "identity": f"{_HOME}.identity",
    "cloud": f"{_HOME}.cloud",
    "secrets": f"{_HOME}.secrets",
    "national": f"{_HOME}.national",
    "health": f"{_HOME}.health",
}


@cache
def specs() -> tuple[Spec, ...]:
    """Every shipped spec."""
    return tuple(spec for path in MODULES.values() for spec in import_module(path).RECOGNIZERS)


@cache
def types() -> frozenset[str]:
    """The entity types that have at least one spec."""
    return frozenset(spec.type for spec in specs())


def specs_for(entities: Iterable[str], extra: Iterable[str] = ()) -> tuple[Spec, ...]:
    """The specs of these types; ``extra`` names types that something else finds.

    Raises GuardrailsError for a type nobody finds: it must not look like one that was found nowhere.
    """
    wanted = set(entities)
    for entity in sorted(wanted - types() - set(extra)):
        near = difflib.get_close_matches(entity, types(), 1)
        hint = f"; did you mean {near[0]}?" if near else ""
        raise GuardrailsError(f"no recogniser finds the entity type {entity!r}{hint}")
    return tuple(spec for spec in specs() if spec.type in wanted)
