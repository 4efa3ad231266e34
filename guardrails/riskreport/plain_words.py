"""A policy in words that need no knowledge of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from guardrails.detectors.settings import section_of
from guardrails.rules import Policy, Rule, Scope, StreamMode
from guardrails.types import OnFailure, RuleAction, Source, SystemMessages, Uninspected, UnsupportedLanguage

__all__ = ["Line", "general", "rules", "section"]

_DOES = {
    RuleAction.BLOCK: "stopped",
    RuleAction.MASK: "masked",
    RuleAction.DETECT: "only reported",
    None: "not looked at",
}
_SECTIONS = {
    "content": "Harmful content and attacks on the prompt",
    "topics": "Topics",
    "words": "Words and phrases",
    "pii.entities": "Personal data and secrets",
    "pii.regexes": "Values of our own form",
    "grounding": "Answers that their sources do not support",
    "relevance": "Answers that miss the question",
    "rules": "Other rules",
}
_SCOPES = {
    Scope.LATEST: "A request is stopped for what stands in its newest turn; older messages are replaced or masked.",
    Scope.USER: "A request is stopped for what stands in any message of the user.",
    Scope.WINDOW: "A request is stopped for what stands in its last messages.",
    Scope.CONVERSATION: "A request is stopped for what stands in any message of the conversation.",
}


class Line(NamedTuple):
    """A rule: what it looks for, what happens in requests and in answers, and what else is worth knowing."""

    what: str
    requests: str
    answers: str
    notes: str


def section(rule: Rule) -> str:
    """The heading under which a rule stands."""
    key = section_of(rule.detector, rule.type).key
    return _SECTIONS.get(key, key)


def rules(policy: Policy) -> dict[str, list[Line]]:
    """The rules that do anything, by heading."""
    out: dict[str, list[Line]] = {}
    for rule in policy.rules:
        if (rule.input or rule.output) is not None:
            name = rule.type.replace("_", " ").lower() if rule.type.isupper() else rule.type
            line = Line(f"{name} ({rule.id})", _DOES[rule.input], _DOES[rule.output], "; ".join(_notes(rule)))
            out.setdefault(section(rule), []).append(line)
    return out


def _notes(rule: Rule) -> Iterator[str]:
    settings = rule.settings
    if definition := getattr(settings, "definition", ""):
        yield str(definition)
    if getattr(settings, "allow", False):
        yield "the only subjects that are welcome: what belongs to none of them is found"
    if pattern := getattr(settings, "pattern", ""):
        yield f"pattern {pattern}"
    strengths = {
        getattr(settings, f"{s.value.lower()}_strength")
        for s in Source
        if hasattr(settings, "input_strength") and rule.action(s)
    }
    if strengths:
        yield f"strength {' and '.join(sorted(strengths))}"
    if (threshold := getattr(settings, "threshold", None)) is not None:
        yield f"from a score of {threshold:g}"
    if rule.exceptions:
        yield f"{len(rule.exceptions)} exceptions"
    if rule.enforced:
        yield "enforced: no policy that extends this one may weaken it"
    if rule.on_failure is not OnFailure.BLOCK:
        yield f"when it cannot be evaluated, the text is {'let pass' if rule.on_failure is OnFailure.ALLOW else 'only reported'}"


def general(policy: Policy) -> Iterable[str]:
    """What holds for the whole policy, one sentence each."""
    yield (
        "What cannot be evaluated (too little time, a missing model) is stopped."
        if policy.on_failure is OnFailure.BLOCK
        else "What cannot be evaluated passes."
    )
    yield (
        "Images, audio and content by reference cannot be inspected, and stop a request or an answer."
        if policy.uninspected is Uninspected.BLOCK
        else "Images, audio and content by reference are not inspected, and pass."
    )
    yield (
        "Text in a language that the models were not measured on is stopped."
        if policy.unsupported_language is UnsupportedLanguage.BLOCK
        else "Text in a language that the models were not measured on is not judged by them, which reports name; words, patterns and "
        "personal data are found all the same."
    )
    yield (
        "The operator's own instructions (system messages) are not judged by models."
        if policy.system_messages is SystemMessages.TRUST
        else "System messages are judged like a user's."
    )
    yield _SCOPES[policy.conversation.scope]
    yield {
        StreamMode.SYNC: "Of a streamed answer nothing is shown before it is judged.",
        StreamMode.BOUNDED: f"Of a streamed answer up to {policy.stream.ahead} characters may be shown before models judged them.",
        StreamMode.ASYNC: "A streamed answer is shown at once, and only reported on.",
    }[policy.stream.mode]
