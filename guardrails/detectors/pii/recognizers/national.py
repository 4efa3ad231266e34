"""To come."""

from guardrails.detectors.pii.recognizer import Spec

RECOGNIZERS: tuple[Spec, ...] = ()
