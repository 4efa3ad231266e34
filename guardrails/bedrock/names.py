"""Both vocabularies side by side."""

from __future__ import annotations

from collections.abc import Mapping

from guardrails.detectors.settings import Setting, Shape, Text, sections_of
from guardrails.policy.fieldtable import own_settings

__all__ = ["ACTIONS", "ASIDE", "FROM_ACTIONS", "LIMITS", "escaped", "plain_term", "settings_for"]

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


# Sizes of CreateGuardrail's shape: member, our key, least and most (characters, or items of a list), pattern.
LIMITS: tuple[tuple[str, str, int, int, str | None], ...] = (
    ("name", "name", 1, 50, r"[0-9a-zA-Z-_]+"),
    ("description", "description", 1, 200, None),
    ("blockedInputMessaging", "messages.blocked_input", 1, 500, None),
    ("blockedOutputsMessaging", "messages.blocked_output", 1, 500, None),
    ("topicPolicyConfig.topicsConfig", "topics", 1, 30, None),
    ("topicPolicyConfig.topicsConfig[].name", "topics[{}].name", 1, 100, r"[0-9a-zA-Z-_ !?.]+"),
    ("topicPolicyConfig.topicsConfig[].definition", "topics[{}].definition", 1, 200, None),
    ("topicPolicyConfig.topicsConfig[].examples", "topics[{}].examples", 0, 5, None),
    ("topicPolicyConfig.topicsConfig[].examples[]", "topics[{}].examples[{}]", 1, 100, None),
    ("wordPolicyConfig.wordsConfig", "words.terms", 1, 10_000, None),
    ("wordPolicyConfig.wordsConfig[].text", "words.terms", 1, 100, None),
    ("sensitiveInformationPolicyConfig.regexesConfig", "pii.regexes", 1, 30, None),
    ("sensitiveInformationPolicyConfig.regexesConfig[].name", "pii.regexes[{}].name", 1, 100, None),
    ("sensitiveInformationPolicyConfig.regexesConfig[].description", "pii.regexes[{}].description", 1, 1000, None),
    ("sensitiveInformationPolicyConfig.regexesConfig[].pattern", "pii.regexes[{}].pattern", 1, 500, None),
)


_NAMED = {"name": Setting(kind=Text(), member="name", example="…")}


def settings_for(detector: str) -> Mapping[str, Setting]:
    """What a rule of the detector may say beside the settings of every rule, its name included where rules are a list."""
    section = sections_of(detector)[0]
    return {**(_NAMED if section.shape is Shape.LIST else {}), **own_settings(detector, section)}


def escaped(word: str) -> str:
    """A Bedrock word in our term syntax, where a star at an end means something."""
    return word.replace("*", "\\*")


def plain_term(term: str) -> str | None:
    """The Bedrock word of a term, None when the term is a prefix, suffix or substring."""
    core = term.strip()
    if core.startswith("*") or (core.endswith("*") and not core.endswith("\\*")):
        return None
    return term.replace("\\*", "*")
