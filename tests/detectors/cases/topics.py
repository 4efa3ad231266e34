"""Cases of the topics detector: until its weights ship, building it is an error."""

from guardrails.detectors import topics
from tests.detectors.case import Case

CASES = [
    Case("no weights", topics.Settings("investment-advice", "Recommending what to buy, sell or hold."), "any text")
]
