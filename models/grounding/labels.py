"""What the heads of the grounding model say, in order."""

LABELS = ("GROUNDING", "RELEVANCE")
