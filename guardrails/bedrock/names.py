"""Both vocabularies side by side."""

from __future__ import annotations

__all__ = ["ACTIONS", "ASIDE", "FROM_ACTIONS", "escaped", "plain_term"]

ACTIONS = {"BLOCK": "block", "ANONYMIZE": "mask", "NONE": "detect"}
FROM_ACTIONS = {v: k for k, v in ACTIONS.items()}

# Members of CreateGuardrail that say nothing about text; kept as they are under `bedrock:`.
ASIDE = (
    "automatedReasoningPolicyConfig",
    "crossRegionConfig",
    "kmsKeyId",
    "tags",
    "clientRequestToken",
    "guardrailIdentifier",
)


def escaped(word: str) -> str:
    """A Bedrock word in our term syntax, where a star at an end means something."""
    return word.replace("*", "\\*")


def plain_term(term: str) -> str | None:
    """The Bedrock word of a term, None when the term uses a star."""
    if "*" in term.replace("\\*", ""):
        return None
    return term.replace("\\*", "*")
