"""National identifiers beyond those Bedrock knows: Europe in one module, the rest of the world in the other."""

from __future__ import annotations

from guardrails.detectors.pii.recognizers import national_europe, national_world

__all__ = ["RECOGNIZERS"]

RECOGNIZERS = (*national_europe.RECOGNIZERS, *national_world.RECOGNIZERS)
