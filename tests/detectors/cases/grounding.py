"""Cases of grounding and relevance: an unsupported sentence is marked, an answer beside the point as a whole."""

from guardrails.detectors.grounding import Settings
from guardrails.types import Piece, Qualifier, Role
from tests.detectors.case import Case

SOURCE = (
    Piece(
        "The Old Lighthouse was built in 1872 by the engineer Marta Olsen. It is 41 metres tall and has 203 steps."
        " Visitors may climb it from May to September. A ticket costs 6 euros.",
        Role.DOCUMENT,
        Qualifier.GROUNDING_SOURCE,
    ),
)
QUERY = (Piece("What are the symptoms of influenza?", Role.USER, Qualifier.QUERY),)

CASES = [
    Case(
        "supported",
        Settings("GROUNDING", 0.5),
        "The lighthouse was built in 1872.",
        type="GROUNDING",
        kind="negative",
        source="OUTPUT",
        context=SOURCE,
    ),
    Case(
        "invented",
        Settings("GROUNDING", 0.5),
        "[GROUNDING:The lighthouse was destroyed by a storm in 1950.]",
        source="OUTPUT",
        context=SOURCE,
    ),
    Case(
        "to the point",
        Settings("RELEVANCE", 0.5),
        "Influenza causes fever, cough, headache and muscle pain.",
        type="RELEVANCE",
        kind="negative",
        source="OUTPUT",
        context=QUERY,
    ),
    Case(
        "beside the point",
        Settings("RELEVANCE", 0.5),
        "[RELEVANCE:Please contact our support team for further assistance.]",
        source="OUTPUT",
        context=QUERY,
    ),
]
