"""LiteLLM: the guardrails of its proxy's ``config.yaml``."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from guardrails import catalog
from guardrails.migration import litellm_filter
from guardrails.migration.entities import SECRETS, take
from guardrails.migration.plan import BOTH, INPUT, OUTPUT, Plan, named, strength_of
from guardrails.migration.report import Item

__all__ = ["GUARDRAILS", "NAME", "SERVICES", "convert", "fits"]

NAME = "litellm"
_MODES = {
    "pre_call": INPUT, "during_call": INPUT, "post_call": OUTPUT, "logging_only": BOTH, "realtime_input_transcription": INPUT,
    "pre_mcp_call": OUTPUT, "during_mcp_call": OUTPUT, "post_mcp_call": INPUT,
}  # fmt: skip
# Services of somebody else: what they check is configured there.
SERVICES = (
    "agent_365", "aim", "airia", "akto", "alice", "aporia", "cato_networks", "cisco_ai_defense", "compresr", "conduct", "crowdstrike_aidr",
    "decision_model", "deepkeep", "dynamoai", "enkryptai", "generic_guardrail_api", "grayswan", "guardrails_ai", "headroom", "hiddenlayer",
    "ibm_guardrails", "javelin", "lasso", "llm_as_a_judge", "llm_shield_proxy", "microsoft_purview", "model_armor", "noma", "noma_v2", "onyx",
    "ovalix", "pangea", "panw_prisma_airs", "pillar", "prompt_security", "promptguard", "qostodian_nexus", "qualifire", "reco", "repelloai",
    "rubrik", "semantic_guard", "singulr", "straiker", "typesafe", "vigil_guard", "wingback", "xecguard", "zscaler_ai_guard",
)  # fmt: skip
_ELSEWHERE = {
    "custom_code": "code of yours: write it as a rule, or as a detector (docs/api/extensions.md)",
    "block_code_execution": "a rule under tools.calls that forbids the tools that run code",
    "mcp_security": "rules under tools.calls, and tools.lock for the definitions of MCP servers (docs/pinned-tools.md)",
    "mcp_end_user_permission": "a policy for each tenant, with rules under tools.calls (docs/tenants.md)",
    "mcp_jwt_signer": "keep it in LiteLLM: it signs, and checks nothing",
}
_CALL = {"api_key", "api_base", "timeout", "num_retries", "extra_headers", "credentials", "location", "template_id", "project_id", "payload", "breakdown", "dev_info", "metadata", "model"}  # fmt: skip
_HATEFUL = ("HATE", "INSULTS", "SEXUAL", "VIOLENCE")
_MODERATION = (*_HATEFUL, "MISCONDUCT", "SELF_HARM")
_CALIBRATE = "choose the strength on texts of yours with guardrails calibrate"


class _Guardrail(NamedTuple):
    """One guardrail: its entry, its settings, where it holds, and the policy that is made."""

    item: Item
    params: Item
    sides: Sequence[str]
    action: str
    plan: Plan

    def get(self, name: str) -> Item | None:
        return self.params.get(name)

    def kind(self) -> Item:
        return self.params.get("guardrail") or self.item


def fits(root: Item) -> bool:
    """Whether the file looks like one."""
    listed = root.get("guardrails")
    if listed is not None and any(one.get("litellm_params") is not None for one in listed.each()):
        return True
    return root.get("litellm_settings") is not None or root.get("model_list") is not None


def convert(root: Item, plan: Plan) -> None:
    """Put the file into the policy, and say of every value what became of it."""
    listed = root.get("guardrails")
    for item in listed.each() if listed is not None else ():
        params = item.get("litellm_params")
        if params is not None:
            _guardrail(item, params, plan)
    settings = root.get("litellm_settings")
    for name in ("guardrails", "callbacks"):
        old = settings.get(name) if settings is not None else None
        if old is not None and name == "guardrails":
            old.dropped(
                "the older form of LiteLLM's guardrails",
                "write them as a list guardrails: with litellm_params, and import that",
            )
        elif old is not None:
            old.dropped(
                "callbacks of LiteLLM's proxy; one of them may be a check", "a rule for each callback that checks texts"
            )
    for key, item in root.pairs():
        if key != "guardrails":
            item.dropped("a setting of LiteLLM's proxy, no guardrail of this list", "keep it there")


def _guardrail(item: Item, params: Item, plan: Plan) -> None:
    sides, action = _where(params)
    one = _Guardrail(item, params, sides, action, plan)
    kind = one.kind()
    name = kind.text() or ""
    handler = GUARDRAILS.get(name)
    if handler is None and name not in SERVICES and name not in _ELSEWHERE:
        if "." in name:
            return item.dropped("a class of your own", "write it as a rule, or as a detector (docs/api/extensions.md)")
        return item.unknown()
    if handler is None:
        instead = _ELSEWHERE.get(
            name, "look up what is switched on there, and write rules for it; or keep it beside this policy"
        )
        return item.dropped(f"{name}: what it checks is not in this file", instead)
    handler(one)
    _common(one)
    kind.kept(f"{name}: as its settings say")
    for key in ("guardrail_name", "guardrail_id"):
        part = item.get(key)
        if part is not None:
            part.approximated(
                "in force for every request: a policy has no guardrails to choose from; tenants have policies (docs/tenants.md)"
            )
    info = item.get("guardrail_info")
    if info is not None:
        info.dropped("a description for LiteLLM's screens", "description of the policy")
    return None


def _where(params: Item) -> tuple[Sequence[str], str]:
    mode = params.get("mode")
    if mode is None:
        return INPUT, "block"
    names = [text for _, text in (mode.get("default") or mode).texts()]
    sides = tuple(s for s in BOTH if any(s in _MODES.get(n, ()) for n in names)) or INPUT
    return sides, "detect" if names == ["logging_only"] else "block"


def _common(one: _Guardrail) -> None:
    """Settings that every guardrail has."""
    mode = one.get("mode")
    if mode is not None:
        where = f"in force for {' and '.join(one.sides)}"
        if isinstance(mode.value, dict):
            tags = mode.get("tags")
            if tags is not None:
                tags.dropped("a policy knows no tags", "a policy for each tenant (docs/tenants.md)")
            mode.kept(where)
        elif any(
            text in {"during_call", "pre_mcp_call", "during_mcp_call", "post_mcp_call"} for _, text in mode.texts()
        ):
            mode.approximated(
                f"{where}: checked before anything goes on; calls of tools are output, their results input"
            )
        else:
            mode.kept(where)
    on = one.get("default_on")
    if on is not None and on.flag():
        on.kept("in force")
    elif on is not None:
        on.approximated("in force for every request: none can leave it out")
    fallback = one.get("unreachable_fallback")
    if fallback is not None and fallback.value == "fail_open":
        fallback.dropped(
            "nothing is called over the network, and what cannot be evaluated blocks",
            "on_failure: allow for single rules",
        )
    elif fallback is not None:
        fallback.kept("on_failure: block")
    system = one.get("skip_system_message_in_guardrail")
    if system is not None and system.flag():
        system.approximated("models pass over system messages; words and patterns read them")
    elif system is not None:
        system.approximated("models pass over system messages here; system_messages: judge has them read")
    for key, part in one.params.pairs():
        if key in _CALL:
            part.dropped("how a service is called: this check runs here", "nothing to do")
        elif key.startswith("streaming_") or key == "stream_scope":
            part.approximated("stream: sync: nothing leaves before it is judged (docs/streaming.md)")


def _presidio(one: _Guardrail) -> None:
    scope = one.get("presidio_filter_scope") or one.get("presidio_run_on")
    sides = {"input": INPUT, "output": OUTPUT, "both": BOTH}.get(
        str(scope.value) if scope is not None else "", one.sides
    )
    if scope is not None:
        scope.kept(f"in force for {' and '.join(sides)}")
    parse = one.get("output_parse_pii")
    back = parse is not None and parse.flag() is True
    mask: dict[str, Any] = {"mask": {"style": "numbered", "restore": True}} if back else {}
    ignored = one.get("presidio_entities_deny_list")
    left_out = {text for _, text in ignored.texts()} if ignored is not None else set()
    entities = one.get("pii_entities_config")
    for name, item in entities.pairs() if entities is not None else ():
        action = "detect" if one.action == "detect" else "mask" if str(item.value).upper() == "MASK" else "block"
        if name in left_out:
            item.kept("left out: presidio_entities_deny_list names it")
        else:
            take(item, name, one.plan, sides, action, **(mask if action == "mask" else {}))
    if entities is None or not entities.pairs():
        place = one.plan.entity("ALL", sides, "mask" if one.action == "block" else one.action, **mask)
        one.kind().approximated("no entities are named: every type that is known here is masked", place)
    if parse is not None:
        parse.kept("masks are numbered, and put back into answers: restore: true" if back else "masks stay")
    if ignored is not None:
        ignored.kept("left out")
    for key, how in (
        ("presidio_score_thresholds", "scores are ours, and count from 0.5: min_score of a type"),
        ("presidio_language", "patterns hold in every language; models judge English"),
        ("presidio_analyze_chunk_size_bytes", "every text is read to its end"),
    ):
        part = one.get(key)
        if part is not None:
            part.approximated(how)
    adhoc = one.get("presidio_ad_hoc_recognizers")
    if adhoc is not None:
        adhoc.dropped(
            "recognisers in a file of their own", "guardrails import that file, and put its rules beside these"
        )
    for key in ("presidio_analyzer_api_base", "presidio_anonymizer_api_base", "mock_redacted_text"):
        part = one.get(key)
        if part is not None:
            part.dropped("how Presidio is called: this check runs here", "nothing to do")


def _bedrock(one: _Guardrail) -> None:
    checks = one.get("checks")
    for key in ("guardrailIdentifier", "guardrailVersion"):
        part = one.get(key)
        if part is not None:
            part.dropped(
                "its rules are in Amazon Bedrock, not in this file",
                "guardrails import what `aws bedrock get-guardrail` prints (docs/bedrock.md)",
            )
    for key, section in checks.pairs() if checks is not None else ():
        threshold = one.get(
            {"contentFilter": "content_filter_threshold", "promptAttack": "prompt_attack_threshold"}.get(key, "-")
        )
        strength = strength_of(threshold.number() if threshold is not None else None)
        for part in (section.get("categories") or section.get("entities") or section).each():
            value = part.get("category") or part.get("type") or part
            name = value.text() or ""
            if key == "sensitiveInformation":
                take(value, name, one.plan, one.sides, one.action)
            elif key == "promptAttack":
                value.approximated(
                    f"content.PROMPT_ATTACK at {strength}: one filter for every kind of attack",
                    one.plan.filter("PROMPT_ATTACK", INPUT, strength, one.action),
                )
            elif name in catalog.BEDROCK_CONTENT:
                value.kept(f"content.{name} at {strength}", one.plan.filter(name, one.sides, strength, one.action))
        if threshold is not None:
            threshold.approximated(f"strength {strength}; {_CALIBRATE}")
    for key, part in one.params.pairs():
        if key.startswith("aws_") or key in {
            "chunk_budget_chars",
            "disable_exception_on_block",
            "contextual_grounding_from_messages",
            "experimental_use_latest_role_message_only",
        }:
            part.dropped("how Amazon Bedrock is called: this check runs here", "nothing to do")
        elif key == "pii_confidence_threshold":
            part.approximated("scores are ours, and count from 0.5: min_score of a type")
        elif key in {"mask_request_content", "mask_response_content"}:
            part.dropped("what is masked is said by each rule there", "action: mask of the rules that should mask")


def _filters(categories: Sequence[str], how: str, sides: Sequence[str] | None = None) -> Callable[[_Guardrail], None]:
    def handler(one: _Guardrail) -> None:
        flagged = one.get("on_flagged")
        action = "detect" if flagged is not None and flagged.value == "monitor" else one.action
        thresholds = one.get("category_thresholds")
        numbers = [n for _, t in thresholds.pairs() if (n := t.number()) is not None] if thresholds is not None else []
        severity = one.get("severity_threshold")
        strength = strength_of(min(numbers)) if numbers else "HIGH"
        places = [
            one.plan.filter(category, one.sides if sides is None else sides, strength, action)
            for category in categories
        ]
        one.kind().approximated(f"content filters {', '.join(categories)} at {strength}: {how}", *places)
        if flagged is not None and str(flagged.value) in {"block", "monitor"}:
            flagged.kept(f"action: {action}", *places)
        elif flagged is not None:
            flagged.approximated("a filter judges whole texts: it blocks, and masks nothing", *places)
        for part in (
            thresholds,
            severity,
            one.get("categories"),
            one.get("severity_threshold_by_category"),
            one.get("blocklistNames"),
        ):
            if part is not None:
                part.approximated(f"strength {strength}; {_CALIBRATE}", *places)

    return handler


def _secrets(one: _Guardrail) -> None:
    places = [one.plan.entity(type_, one.sides, "mask" if one.action == "block" else one.action) for type_ in SECRETS]
    one.kind().approximated(f"{', '.join(SECRETS)} are masked; other tokens have no type here", *places)
    plugins = one.get("detect_secrets_config")
    if plugins is not None:
        plugins.dropped("plug-ins of detect-secrets", "patterns of yours under pii.regexes")


_GLOB = re.compile(r"\^?((?:[\w-]|\.\*)+)\$?")


def _tools(one: _Guardrail) -> None:
    """Rules in an order, the first that fits decides; here every rule that names a tool holds."""
    rules = one.get("rules")
    for rule in rules.each() if rules is not None else ():
        pattern, decision, id_ = rule.get("tool_name"), rule.get("decision"), rule.get("id")
        found = _GLOB.fullmatch(pattern.text() or "") if pattern is not None else None
        if pattern is None or found is None or decision is None:
            rule.dropped(
                "tools are named here with * and ?, not with a pattern", "a rule under tools.calls with those names"
            )
            continue
        name = (id_.text() if id_ is not None else None) or found.group(1)
        allow = str(decision.value).lower() == "allow"
        place = one.plan.call(name, [found.group(1).replace(".*", "*")], allow=allow, action=one.action)
        pattern.kept(f"tools.calls: {named(name)}", place)
        decision.approximated("every rule that names a tool holds, in no order: what one forbids, none allows", place)
        if id_ is not None:
            id_.kept("its name", place)
        limits, type_ = rule.get("allowed_param_patterns"), rule.get("tool_type")
        if limits is not None:
            limits.dropped(
                "patterns for parameters are not taken over",
                "arguments: {NAME: {matches: …}} of this rule (docs/tools.md)",
            )
        if type_ is not None:
            type_.dropped("tools are told apart by their names", "tools: [NAME, …]")
    default, doing = one.get("default_action"), one.get("on_disallowed_action")
    verdict = "allow" if default is not None and str(default.value).lower() == "allow" else "deny"
    place = one.plan.default_call(verdict)
    if default is not None:
        default.kept(f"tools.default: {verdict}", place)
    if doing is not None:
        doing.approximated("a call that is not allowed is refused, and the answer says so (docs/tools.md)")
    one.kind().kept("rules for tools", place)


GUARDRAILS: dict[str, Callable[[_Guardrail], None]] = {
    "presidio": _presidio,
    "bedrock": _bedrock,
    "openai_moderation": _filters(_MODERATION, "one filter for each kind of harm"),
    "lakera": _filters(("PROMPT_ATTACK",), "attacks in prompts, documents and results of tools", INPUT),
    "lakera_v2": _filters(("PROMPT_ATTACK",), "attacks; what else the project there checks is not in this file", INPUT),
    "azure/prompt_shield": _filters(("PROMPT_ATTACK",), "attacks in prompts, documents and results of tools", INPUT),
    "azure/text_moderations": _filters((*_HATEFUL, "SELF_HARM"), "one filter for each category"),
    "hide-secrets": _secrets,
    "litellm_content_filter": lambda one: litellm_filter.convert(
        one.params, one.kind(), one.plan, one.sides, one.action
    ),
    "tool_permission": _tools,
}
