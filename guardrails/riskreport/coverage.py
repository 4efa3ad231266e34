"""What a policy covers of two lists that risk officers know: Amazon Bedrock Guardrails' safeguards, and OWASP's Top 10 for LLM applications (2025)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from guardrails.catalog import BEDROCK_CONTENT, BEDROCK_PII
from guardrails.detectors.settings import section_of
from guardrails.rules import Policy, Rule
from guardrails.types import Uninspected

__all__ = ["Item", "bedrock", "owasp"]


class Item(NamedTuple):
    """One item of a list. ``state``: ``covered``, ``partly``, or ``not covered``; ``how`` says by what, and what is left."""

    name: str
    state: str
    how: str


def _sections(policy: Policy) -> dict[str, list[Rule]]:
    out: dict[str, list[Rule]] = {}
    for rule in policy.rules:
        if (rule.input or rule.output) is not None:
            out.setdefault(section_of(rule.detector, rule.type).key, []).append(rule)
    return out


def bedrock(policy: Policy) -> list[Item]:
    """The safeguards of CreateGuardrail."""
    own = _sections(policy)
    content = {r.type: r for r in own.get("content", ())}
    items = [_item(f"Content filter {name}", [content[name]] if name in content else []) for name in BEDROCK_CONTENT]
    denied = [r for r in own.get("topics", ()) if not r.settings.allow]
    words = own.get("words", [])
    managed = [r for r in words if r.settings.managed]
    types = [r for r in own.get("pii.entities", ()) if r.type in BEDROCK_PII]
    items += [
        _item("Denied topics", denied),
        _item("Word filters", [r for r in words if not r.settings.managed]),
        _item("Profanity list", managed),
        Item("Sensitive information", _state(len(types), len(BEDROCK_PII)), f"{len(types)} of its {len(BEDROCK_PII)} types"),
        _item("Regexes", own.get("pii.regexes", [])),
        _item("Contextual grounding", own.get("grounding", [])),
        _item("Relevance", own.get("relevance", [])),
        Item("Automated reasoning checks", "not covered", "there is no counterpart"),
        Item(
            "Images", "partly" if policy.uninspected is Uninspected.BLOCK else "not covered",
            "stopped, since nobody can inspect them" if policy.uninspected is Uninspected.BLOCK else "they pass uninspected",
        ),
    ]  # fmt: skip
    return items


def _item(name: str, rules: Sequence[Rule]) -> Item:
    shown = ", ".join(r.id for r in rules[:4]) + (f" and {len(rules) - 4} more" if len(rules) > 4 else "")
    return Item(name, "covered" if rules else "not covered", shown or "no rule")


def _state(found: int, of: int) -> str:
    return "covered" if found == of else "partly" if found else "not covered"


# Item → which rules count for it (by section and type), what they do about it, and what this software cannot do.
_Wanted = Callable[[str, Rule], bool]
_OWASP: tuple[tuple[str, _Wanted | None, str, str], ...] = (
    (
        "LLM01 Prompt injection", lambda section, rule: section == "content" and rule.type == "PROMPT_ATTACK",
        "attacks in messages, documents and tool results are found by a model",
        "attacks that it does not know pass: give tools no more rights than they need",
    ),
    (
        "LLM02 Sensitive information disclosure", lambda section, _: section.startswith("pii"),
        "personal data and secrets are masked or stopped", "what no rule names, and what only its context makes confidential, passes",
    ),
    ("LLM03 Supply chain", None, "", "weights of this software are verified by hash; your model's are not its concern"),
    ("LLM04 Data and model poisoning", None, "", "it sees texts, not training"),
    (
        "LLM05 Improper output handling", lambda section, _: section in ("words", "pii.regexes"),
        "words and patterns of yours are found in answers", "escaping answers is up to the application that shows or runs them",
    ),
    (
        "LLM06 Excessive agency", lambda section, rule: section == "content" and rule.type == "PROMPT_ATTACK",
        "arguments and results of tools are inspected like any text", "which tools a model may call is decided where they are offered",
    ),
    (
        "LLM07 System prompt leakage", lambda section, rule: section == "content" and rule.type == "PROMPT_ATTACK",
        "requests for the instructions are found by a model", "keep no secret in a system prompt",
    ),
    ("LLM08 Vector and embedding weaknesses", None, "", "retrieved documents are inspected once they are in a request; the store is not"),
    (
        "LLM09 Misinformation", lambda section, _: section in ("grounding", "relevance"),
        "answers are compared with the sources of the request", "without sources there is nothing to compare with",
    ),
    ("LLM10 Unbounded consumption", None, "", "sizes and times of checks are limited; limits of callers are settings of the service"),
)  # fmt: skip


def owasp(policy: Policy) -> Iterable[Item]:
    """The ten risks of OWASP's list of 2025: what rules of the policy do about each, and what is left."""
    own = [(section, rule) for section, rules in _sections(policy).items() for rule in rules]
    for name, wanted, does, left in _OWASP:
        found = [rule for section, rule in own if wanted is not None and wanted(section, rule)]
        yield Item(name, "partly" if found else "not covered", "; ".join(filter(None, (does if found else "", left))))
