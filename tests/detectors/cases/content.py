"""Cases of the content detector: until its weights ship, building it is an error."""

from guardrails.detectors import content
from tests.detectors.case import Case

CASES = [Case("no weights", content.Settings("HATE"), "any text")]
