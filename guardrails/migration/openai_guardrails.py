"""openai-guardrails: the pipeline in JSON that its wizard writes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from guardrails.migration import presidio
from guardrails.migration.entities import SECRETS, take
from guardrails.migration.plan import INPUT, OUTPUT, Plan, term
from guardrails.migration.report import Item

__all__ = ["CHECKS", "MODERATION", "NAME", "convert", "fits"]

NAME = "openai-guardrails"
_STAGES = {"pre_flight": INPUT, "input": INPUT, "output": OUTPUT}
_ASKED = {
    "model": "no language model is asked: the model is ours",
    "confidence_threshold": "scores are ours; choose a cut point with guardrails calibrate",
    "max_turns": "every message is inspected; conversation.scope says which may block",
    "include_reasoning": "findings name the rule and its score",
}
# Its moderation categories, which are OpenAI's → content filters.
MODERATION = {
    "sexual": "SEXUAL", "sexual/minors": "SEXUAL", "hate": "HATE", "hate/threatening": "HATE", "harassment": "INSULTS", "harassment/threatening": "VIOLENCE",
    "self-harm": "SELF_HARM", "self-harm/intent": "SELF_HARM", "self-harm/instructions": "SELF_HARM", "violence": "VIOLENCE", "violence/graphic": "VIOLENCE",
    "illicit": "MISCONDUCT", "illicit/violent": "MISCONDUCT",
}  # fmt: skip


class _Check(NamedTuple):
    """One guardrail of a stage: its name and settings, where it holds, what it does, and the policy that is made."""

    name: Item
    config: Item | None
    sides: Sequence[str]
    action: str
    plan: Plan

    def get(self, key: str) -> Item | None:
        return self.config.get(key) if self.config is not None else None


def fits(root: Item) -> bool:
    """Whether the file looks like one."""
    stages = [root.get(stage, "guardrails") for stage in _STAGES]
    bundles = [s for s in (*stages, root.get("guardrails")) if s is not None and isinstance(s.value, list)]
    named = [one for bundle in bundles for one in bundle.each()]
    return bool(bundles) and all(one.get("name") is not None and one.get("litellm_params") is None for one in named)


def convert(root: Item, plan: Plan) -> None:
    """Put the file into the policy, and say of every value what became of it."""
    for stage, sides in _STAGES.items():
        bundle = root.get(stage)
        if bundle is not None:
            _bundle(bundle, sides, plan)
    if root.get("guardrails") is not None:
        _bundle(root, INPUT, plan)
    version = root.get("version")
    if version is not None:
        version.kept("the version of its format")


def _bundle(bundle: Item, sides: Sequence[str], plan: Plan) -> None:
    quiet, parallel = bundle.get("config", "suppress_tripwire"), bundle.get("config", "concurrency")
    action = "detect" if quiet is not None and quiet.flag() else "block"
    listed, version = bundle.get("guardrails"), bundle.get("version")
    for item in listed.each() if listed is not None else ():
        name = item.get("name")
        handler = CHECKS.get(name.text() or "") if name is not None else None
        if name is None or handler is None:
            item.unknown()
            continue
        check = _Check(name, item.get("config"), sides, action, plan)
        handler(check)
        for key, how in _ASKED.items():
            part = check.get(key)
            if part is not None:
                part.approximated(how)
        name.kept(f"{name.text()}, {' and '.join(sides)}: as its settings say")
        if check.config is not None and not check.config.parts():
            check.config.kept("nothing is set")
    if version is not None:
        version.kept("the version of its format")
    if quiet is not None:
        quiet.kept("action: detect" if action == "detect" else "action: block")
    if parallel is not None:
        parallel.approximated("rules have no order; limits of the service bound how many checks run at once")
    if listed is not None and not listed.parts():
        listed.kept("no guardrail")


def _filters(*categories: str, how: str) -> Callable[[_Check], None]:
    def handler(check: _Check) -> None:
        places = [
            check.plan.filter(
                category, INPUT if categories == ("PROMPT_ATTACK",) else check.sides, "HIGH", check.action
            )
            for category in categories
        ]
        check.name.approximated(f"content filters {', '.join(categories)} at HIGH: {how}", *places)

    return handler


def _moderation(check: _Check) -> None:
    listed = check.get("categories")
    texts = listed.texts() if listed is not None else []
    for item, text in texts:
        if text in MODERATION:
            category = MODERATION[text]
            place = check.plan.filter(category, check.sides, "HIGH", check.action)
            item.approximated(f"content.{category} at HIGH: the filter that holds most of it", place)
    if not texts:
        for category in dict.fromkeys(MODERATION.values()):
            check.plan.filter(category, check.sides, "HIGH", check.action)
        check.name.approximated("no categories are named: every content filter at HIGH, but for PROMPT_ATTACK")


def _pii(check: _Check) -> None:
    block = check.get("block")
    action = "detect" if check.action == "detect" else "block" if block is not None and block.flag() else "mask"
    listed = check.get("entities")
    texts = listed.texts() if listed is not None else []
    for item, text in texts:
        take(item, text, check.plan, check.sides, action)
    if not texts:
        place = check.plan.entity("ALL", check.sides, action)
        check.name.approximated(f"no entities are named: {action} of every type that is known here", place)
    if block is not None:
        block.kept(f"action: {action}")
    encoded = check.get("detect_encoded_pii")
    if encoded is not None and encoded.flag():
        encoded.kept("encoded text is always read (docs/folding.md)")
    elif encoded is not None:
        encoded.approximated("encoded text is read here all the same (docs/folding.md)")


def _words(id_: str) -> Callable[[_Check], None]:
    def handler(check: _Check) -> None:
        listed = check.get("keywords")
        words = [term(text.rstrip(".,!?;:")) for _, text in listed.texts()] if listed is not None else []
        words = [w for w in words if w]
        if listed is not None and words:
            listed.kept(
                f"words.{id_}, {check.action}: in any case and spelling",
                check.plan.terms(id_, words, check.sides, check.action),
            )
        else:
            check.name.dropped("it lists no words", "list them under words.terms")

    return handler


def _secrets(check: _Check) -> None:
    places = [check.plan.entity(type_, check.sides, check.action) for type_ in SECRETS]
    check.name.approximated(
        f"{', '.join(SECRETS)}, {check.action}: keys are told by their form and by words around them", *places
    )
    threshold, custom = check.get("threshold"), check.get("custom_regex")
    if threshold is not None:
        threshold.approximated("scores are ours, and count from 0.5: min_score of a type", *places)
    for item, text in custom.texts() if custom is not None else ():
        presidio.pattern(item, "secret", text, check.plan, check.sides, check.action)
    if custom is not None and not custom.parts() and custom.value is None:
        custom.kept("no pattern")


def _urls(check: _Check) -> None:
    allowed = check.get("url_allow_list")
    excused = [text for _, text in allowed.texts()] if allowed is not None else []
    place = check.plan.entity("URL", check.sides, check.action, **({"except": excused} if excused else {}))
    check.name.approximated(f"pii.URL, {check.action}: every address but those that are listed", place)
    if allowed is not None and excused:
        allowed.approximated(
            "except: exact addresses; a page below one is not excused, so list those that may stand", place
        )
    elif allowed is not None:
        allowed.kept("no address is excused", place)
    for key, how in (
        ("allowed_schemes", "addresses of every scheme are found, those of allowed schemes too"),
        ("block_userinfo", "an address with a user in it is an address like any other"),
        ("allow_subdomains", "an address below a listed one is not excused"),
    ):
        part = check.get(key)
        if part is not None:
            part.approximated(how, place)


def _on_topic(check: _Check) -> None:
    scope = check.get("system_prompt_details")
    text = scope.text() if scope is not None else None
    if scope is None or text is None:
        return check.name.dropped("it names no scope", "topics with allow: true")
    place = check.plan.topic("on-topic", text, check.sides, allow=True)
    scope.approximated(
        "the only topic that is welcome, with this text as its definition: write what belongs to it, and add examples",
        place,
    )
    return None


def _prompt(check: _Check) -> None:
    scope = check.get("system_prompt_details")
    instead = "content filters and topics for what it forbids; or a guard model: remote with criteria (docs/remote.md)"
    if scope is not None:
        scope.dropped("a prompt of yours, which cannot be turned into a rule", instead)
    check.name.dropped("it asks a language model with a prompt of yours", instead)


def _grounding(check: _Check) -> None:
    place = check.plan.compared("grounding", 0.75, check.action)
    check.name.approximated(
        "grounding at 0.75: answers are compared with the documents of a request; choose it with guardrails calibrate",
        place,
    )
    source = check.get("knowledge_source")
    if source is not None:
        source.dropped(
            "no vector store is asked",
            "put the passages into the request, as documents or results of tools (docs/grounding.md)",
        )


CHECKS: dict[str, Callable[[_Check], None]] = {
    "Competitors": _words("competitors"),
    "Contains PII": _pii,
    "Custom Prompt Check": _prompt,
    "Hallucination Detection": _grounding,
    "Jailbreak": _filters("PROMPT_ATTACK", how="a model judges attacks"),
    "Keyword Filter": _words("keywords"),
    "Moderation": _moderation,
    "NSFW Text": _filters(
        "SEXUAL", "HATE", "INSULTS", "VIOLENCE", "MISCONDUCT", how="one filter for each kind of what it looks for"
    ),
    "Off Topic Prompts": _on_topic,
    "Prompt Injection Detection": _filters("PROMPT_ATTACK", how="orders in documents and results of tools are input"),
    "Secret Keys": _secrets,
    "URL Filter": _urls,
}
