"""Cases of the grounding detector: until its weights ship, building it is an error."""

from guardrails.detectors import grounding
from tests.detectors.case import Case

CASES = [Case("no weights", grounding.Settings("GROUNDING", 0.7), "any text")]
