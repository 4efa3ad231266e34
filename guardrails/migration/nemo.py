"""NeMo Guardrails: the rails of a ``config.yml``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from guardrails.migration import presidio
from guardrails.migration.entities import Named, find, take
from guardrails.migration.plan import INPUT, OUTPUT, Plan
from guardrails.migration.report import Item

__all__ = ["FLOWS", "NAME", "SERVICES", "convert", "fits"]

NAME = "nemo"
_SIDES = {"input": INPUT, "output": OUTPUT, "retrieval": INPUT, "tool_output": OUTPUT, "tool_input": INPUT}
_HARM = ("HATE", "INSULTS", "SEXUAL", "VIOLENCE", "MISCONDUCT", "SELF_HARM")
# Flows that ask a service of somebody else: what it checks is configured there.
SERVICES = (
    "activefence moderation on input", "activefence moderation on input detailed", "activefence moderation on output", "ai defense inspect prompt",
    "ai defense inspect response", "autoalign check input", "autoalign check output", "clavata check for", "clavata check input", "clavata check output",
    "cleanlab trustworthiness", "crowdstrike aidr guard input", "crowdstrike aidr guard output", "f5 guardrails scan input", "f5 guardrails scan output",
    "fiddler bot safety", "fiddler user safety", "guardrailsai check input", "guardrailsai check output", "pangea ai guard input", "pangea ai guard output",
    "patronus api check output", "policyai moderation on input", "policyai moderation on output", "protect prompt", "protect response",
    "trend ai guard input", "trend ai guard output",
)  # fmt: skip
_PROMPT = "its question to a language model is a prompt of yours, which cannot be turned into a rule"
_REMOTE = "a guard model on another machine: remote (docs/remote.md)"
_ELSEWHERE = {
    "self check input": (_PROMPT, "content filters and topics for what the prompt forbids; or " + _REMOTE),
    "self check output": (_PROMPT, "content filters and topics for what the prompt forbids; or " + _REMOTE),
    "self check hallucination": ("answers are not asked for again and compared", "grounding, where a request has sources"),
    "hallucination warning": ("no warning is added to answers", "grounding, where a request has sources"),
    "topic safety check input": (_PROMPT, "topics: what is denied, or with allow: true the only ones that are welcome (docs/topics.md)"),
    "injection detection": ("answers are not searched for code", "rules under tools.calls for the tools that would run it"),
    "context bloat detection on input": ("how repetitive a text is is not measured", "limits.max_characters"),
    "context bloat detection on retrieval": ("how repetitive a text is is not measured", "limits.max_characters"),
    "hf classifier check input": ("the classifier is configured elsewhere in the file", "rules: [{detector: classifier, …}], or remote with backend: vllm"),
    "hf classifier check output": ("the classifier is configured elsewhere in the file", "rules: [{detector: classifier, …}], or remote with backend: vllm"),
    "hf classifier check retrieval": ("the classifier is configured elsewhere in the file", "rules: [{detector: classifier, …}], or remote with backend: vllm"),
}  # fmt: skip
# What stands at the top of the file, and is no rail.
_TOP = {
    "models": ("the application's models, no rail", "keep them there"),
    "instructions": ("instructions for the model", "the system message of your application"),
    "sample_conversation": ("a sample for the model", "the system message of your application"),
    "prompts": (_PROMPT, "content filters and topics for what they forbid (docs/content.md, docs/topics.md)"),
    "user_messages": ("what users may say in a dialogue", "topics, with these as examples"),
    "bot_messages": ("what the bot says", "messages.blocked_input and messages.blocked_output for what is said instead of a blocked text"),
    "flows": ("a dialogue of yours in Colang", "keep it in your application"),
    "docs": ("documents of yours", "keep them in your application"),
    "knowledge_base": ("documents of yours", "keep them in your application; grounding compares answers with what a request brings"),
    "import_paths": ("files of their own", "guardrails import each"),
    "tracing": ("traces of its server", "OpenTelemetry in docs/operations.md"),
    "metrics": ("figures of its server", "/metrics (docs/operations.md)"),
}  # fmt: skip
_ENGINE = (
    "colang_version", "streaming", "enable_rails_exceptions", "passthrough", "event_source_uid", "lowest_temperature", "custom_data", "core",
    "enable_multi_step_generation", "prompting_mode", "actions_server_url", "config_path", "imported_paths", "raw_llm_call_action",
)  # fmt: skip
# Labels of GLiNER, Private AI and Polygraf that are not written as Presidio writes them.
_LABELS = {
    "ssn": "US_SSN", "credit_debit_card": "CREDIT_CARD", "credit_card_number": "CREDIT_CARD", "name": "PERSON", "first_name": "PERSON",
    "last_name": "PERSON", "name_given": "PERSON", "name_family": "PERSON", "phone": "PHONE_NUMBER", "fax_number": "PHONE_NUMBER", "street_address": "ADDRESS",
    "location_address": "ADDRESS", "ipv4": "IP_ADDRESS", "ipv6": "IP_ADDRESS", "dob": "DATE_OF_BIRTH", "iban": "IBAN_CODE", "bank_account": "US_BANK_NUMBER",
    "passport_number": "US_PASSPORT", "user_name": "USERNAME", "license_plate": "LICENSE_PLATE", "cvv": "CVV", "swift_bic": "BIC_SWIFT", "city": "LOCATION",
    "driver_license": "US_DRIVER_LICENSE", "drivers_license": "US_DRIVER_LICENSE", "medical_record_number": "MEDICAL_RECORD_NUMBER", "organization": "ORGANIZATION",
}  # fmt: skip


class _Rail(NamedTuple):
    """A flow that is in force: its entry, what it checks, the rails' settings, and the policy that is made."""

    item: Item
    where: str
    rails: Item
    plan: Plan

    @property
    def sides(self) -> Sequence[str]:
        return _SIDES[self.where]

    def config(self, *keys: str) -> Item | None:
        return self.rails.get("config", *keys)


def fits(root: Item) -> bool:
    """Whether the file looks like one."""
    rails = root.get("rails")
    if rails is not None and isinstance(rails.value, dict):
        return True
    return root.get("colang_version") is not None or (
        root.get("models") is not None and root.get("instructions") is not None
    )


def convert(root: Item, plan: Plan) -> None:
    """Put the file into the policy, and say of every value what became of it."""
    rails = root.get("rails")
    if rails is not None:
        for where in _SIDES:
            flows = rails.get(where, "flows")
            for item in flows.each() if flows is not None else ():
                _flow(_Rail(item, where, rails, plan))
        _running(rails)
        _unused(rails)
    for key, item in root.pairs():
        if key in _TOP:
            item.dropped(*_TOP[key])
        elif key in _ENGINE:
            item.dropped("how its engine runs, no rail", "nothing to do")


def _flow(rail: _Rail) -> None:
    text = rail.item.text()
    if text is None:
        return
    name = text.partition("$")[0].strip()
    handler = FLOWS.get(name)
    if handler is not None:
        handler(rail)
    elif name in _ELSEWHERE:
        rail.item.dropped(f"{name}: {_ELSEWHERE[name][0]}", _ELSEWHERE[name][1])
    elif name in SERVICES:
        rail.item.dropped(
            f"{name}: a service checks this, which is configured there",
            "look up what is switched on there, and write rules for it",
        )
    else:
        rail.item.dropped("a flow of your own in Colang", "a rule for what it forbids, or keep it in your application")


def _running(rails: Item) -> None:
    """How rails run."""
    for where in (*_SIDES, "dialog", "actions"):
        for key in ("parallel", "speculative_generation"):
            part = rails.get(where, key)
            if part is not None:
                part.approximated("rules have no order, and all of them see every text")
    streaming = rails.get("output", "streaming")
    if streaming is not None:
        streaming.approximated(
            "stream: sync: nothing leaves before it is judged; {bounded: N} or async send earlier (docs/streaming.md)"
        )
    for key in ("dialog", "actions"):
        part = rails.get(key)
        if part is not None:
            part.dropped(
                "how a dialogue goes on",
                "keep it in your application; rules under tools.calls say which tools may be called",
            )


def _unused(rails: Item) -> None:
    """Settings of rails whose flow is not listed: they are not in force there either."""
    config = rails.get("config")
    for key, item in config.pairs() if config is not None else ():
        if key in _CONFIGURED and not item.settled:
            item.dropped(
                "no flow that is listed uses it, so it is not in force there either", "list its flow, and import again"
            )


def _filters(*categories: str, how: str) -> Callable[[_Rail], None]:
    def handler(rail: _Rail) -> None:
        places = [
            rail.plan.filter(category, INPUT if categories == ("PROMPT_ATTACK",) else rail.sides, "HIGH")
            for category in categories
        ]
        rail.item.approximated(f"content filters {', '.join(categories)} at HIGH: {how}", *places)
        config = rail.config("jailbreak_detection" if categories == ("PROMPT_ATTACK",) else "content_safety")
        if config is not None:
            config.approximated("the model, its cut point and where it runs are ours", *places)

    return handler


def _entities(section: str, action: str) -> Callable[[_Rail], None]:
    """``detect`` and ``mask`` of sensitive data: the entities that the settings of this direction list."""

    def handler(rail: _Rail) -> None:
        config = rail.config(section)
        listed = rail.config(section, rail.where, "entities")
        named = listed.texts() if listed is not None else []
        recognizers = config.get("recognizers") if config is not None else None
        for one in recognizers.each() if recognizers is not None else ():
            presidio.custom(one, rail.plan, rail.sides, action=action)
        for item, name in named:
            take(item, name, rail.plan, rail.sides, action, _label(name, section))
        where = " (documents count as input here)" if rail.where == "retrieval" else ""
        if named:
            rail.item.kept(f"{action} of the entities that are listed{where}")
        elif section == "sensitive_data_detection":
            rail.item.dropped("it lists no entities, so it finds nothing there", "types under pii.entities")
        else:
            place = rail.plan.entity("ALL", rail.sides, action)
            rail.item.approximated(f"it lists no entities: {action} of every type that is known here{where}", place)
        for key in ("score_threshold", "mask_token"):
            part = rail.config(section, rail.where, key)
            if part is not None:
                part.approximated("scores are ours, and count from 0.5; a mask names the type: {EMAIL}")
        for key in ("server_endpoint", "model", "api_key_env_var", "threshold", "chunk_length", "overlap", "flat_ner"):
            part = config.get(key) if config is not None else None
            if part is not None:
                part.approximated("the model, its cut point and where it runs are ours")

    return handler


def _label(name: str, section: str) -> Named:
    found = find(name)
    if section == "sensitive_data_detection" or found.type is not None:
        return found
    low = name.strip().lower().replace(" ", "_")
    return find(_LABELS.get(low, low.upper()))


def _regex(rail: _Rail) -> None:
    config = rail.config("regex_detection", rail.where)
    patterns = config.get("patterns") if config is not None else None
    case = config.get("case_insensitive") if config is not None else None
    folded = case is not None and case.flag() is True
    texts = patterns.texts() if patterns is not None else []
    for item, text in texts:
        presidio.pattern(item, f"regex-{rail.where}", f"(?i){text}" if folded else text, rail.plan, rail.sides, "block")
    if case is not None:
        case.kept("(?i) of the patterns" if folded else "patterns tell capitals apart")
    if texts:
        rail.item.kept("the patterns that are listed")
    else:
        rail.item.dropped("it lists no patterns, so it finds nothing there", "patterns under pii.regexes")


def _grounding(rail: _Rail) -> None:
    place = rail.plan.compared("grounding", 0.75)
    rail.item.approximated(
        "grounding at 0.75: answers are compared with the documents of a request; choose it with guardrails calibrate",
        place,
    )
    for key in ("fact_checking", "patronus"):
        config = rail.config(key)
        if config is not None:
            config.approximated("the model and its cut point are ours", place)


_JAILBREAK = _filters("PROMPT_ATTACK", how="a model judges attacks; perplexity is not measured")
_SAFETY = _filters(*_HARM, how="one filter for each kind of harm")
_CONFIGURED = (
    "sensitive_data_detection", "regex_detection", "jailbreak_detection", "content_safety", "gliner", "privateai", "polygraf", "injection_detection",
    "context_bloat_detection", "fact_checking", "hf_classifier", "autoalign", "patronus", "clavata", "crowdstrike_aidr", "pangea", "f5", "fiddler",
    "guardrails_ai", "trend_micro", "ai_defense",
)  # fmt: skip
FLOWS: dict[str, Callable[[_Rail], None]] = {
    "jailbreak detection heuristics": _JAILBREAK,
    "jailbreak detection model": _JAILBREAK,
    "content safety check input": _SAFETY,
    "content safety check output": _SAFETY,
    "llama guard check input": _SAFETY,
    "llama guard check output": _SAFETY,
    "gcpnlp moderation": _SAFETY,
    "gcpnlp moderation detailed": _SAFETY,
    "self check facts": _grounding,
    "alignscore check facts": _grounding,
    "autoalign factcheck output": _grounding,
    "autoalign groundedness output": _grounding,
    "fiddler bot faithfulness": _grounding,
    "patronus lynx check output hallucination": _grounding,
    **{f"regex check {where}": _regex for where in ("input", "output", "retrieval")},
    **{
        f"{prefix}{doing} {what} on {where}": _entities(section, "mask" if doing == "mask" else "block")
        for prefix, what, section in (
            ("", "sensitive data", "sensitive_data_detection"),
            ("", "pii", "privateai"),
            ("gliner ", "pii", "gliner"),
            ("polygraf ", "pii", "polygraf"),
        )
        for doing in ("detect", "mask")
        for where in ("input", "output", "retrieval")
    },
}
