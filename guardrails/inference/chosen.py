"""Which models judge harmful texts and attacks: a setting of the installation, ``GUARDRAILS_MODELS``."""

from __future__ import annotations

import os
from dataclasses import dataclass
from enum import StrEnum

from guardrails.errors import GuardrailsError
from guardrails.inference import store
from guardrails.inference.pinned import PINNED

__all__ = ["VARIABLE", "Models", "Setting", "resolve"]

VARIABLE = "GUARDRAILS_MODELS"


class Models(StrEnum):
    """What reads a text for the content filters.

    FAST: the small model alone. CASCADE: the small one, and the large one where the small one is not sure that a text is
    harmless. LARGE: both read every text.
    """

    FAST = "fast"
    CASCADE = "cascade"
    LARGE = "large"


@dataclass(frozen=True, slots=True)
class Setting:
    """What is in force, and a ``notice`` where that is less than there could be."""

    models: Models
    notice: str = ""


def resolve() -> Setting:
    """The setting by the environment and by what is installed.

    Without the variable it is ``cascade``. A cascade without the large model is ``fast``, with a notice (unless this release has no
    such model and nobody asked for it); ``large`` without it stays ``large``, and does not start. Raises GuardrailsError for another
    value.
    """
    wanted = os.environ.get(VARIABLE, "").strip().lower()
    if wanted and wanted not in list(Models):
        raise GuardrailsError(f"{VARIABLE}={wanted!r} is unknown; it may be {', '.join(Models)}")
    models = Models(wanted or Models.CASCADE)
    if models is Models.CASCADE and not store.installed(store.LARGE):
        if not wanted and store.LARGE not in PINNED:
            return Setting(Models.FAST)
        return Setting(
            Models.FAST,
            "the large text model is not installed, so the content filters ask the small one alone (models: fast): install"
            f" onepolicy-guardrails[large] for the cascade, or set {VARIABLE}=fast if this is intended",
        )
    return Setting(models)
