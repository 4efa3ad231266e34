"""From Bedrock's configuration to a policy document."""

from __future__ import annotations

import datetime
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

from guardrails import detectors
from guardrails.bedrock.names import ACTIONS, ASIDE, escaped, settings_for
from guardrails.errors import GuardrailsError

__all__ = ["Imported", "import_guardrail"]

# GetGuardrail says the same under other names.
_GET_NAMES = {
    "topicPolicy": ("topicPolicyConfig", {"topics": "topicsConfig"}),
    "contentPolicy": ("contentPolicyConfig", {"filters": "filtersConfig"}),
    "wordPolicy": ("wordPolicyConfig", {"words": "wordsConfig", "managedWordLists": "managedWordListsConfig"}),
    "sensitiveInformationPolicy": (
        "sensitiveInformationPolicyConfig",
        {"piiEntities": "piiEntitiesConfig", "regexes": "regexesConfig"},
    ),
    "contextualGroundingPolicy": ("contextualGroundingPolicyConfig", {"filters": "filtersConfig"}),
    "automatedReasoningPolicy": ("automatedReasoningPolicyConfig", {}),
}
# What only a response has: kept for the record, never exported.
_RESPONSE_ONLY = (
    "guardrailId", "guardrailArn", "version", "status", "statusReasons", "failureRecommendations", "createdAt", "updatedAt",
)  # fmt: skip


@dataclass(frozen=True)
class Imported:
    """A policy document (plain data, see docs/policy-files.md) and remarks for whoever imports."""

    document: dict[str, Any]
    notes: list[str] = field(default_factory=list)


def import_guardrail(config: Mapping[str, Any]) -> Imported:
    """The policy document of a request or response. Raises GuardrailsError when it is neither."""
    if not isinstance(config, Mapping) or "name" not in config or "blockedInputMessaging" not in config:
        raise GuardrailsError(
            "this is no guardrail of Amazon Bedrock: expected a CreateGuardrail request or a GetGuardrail response "
            "with `name` and `blockedInputMessaging`"
        )
    notes: list[str] = []
    kept: dict[str, Any] = {}
    request = _as_request(config, kept)
    unknown = set(request) - set(_KNOWN)
    if unknown:
        raise GuardrailsError(f"unknown members of a guardrail: {', '.join(sorted(unknown))}")
    name = request["name"]
    document: dict[str, Any] = {"version": 1, "name": name}
    if "description" in request:
        document["description"] = request["description"]
    document["messages"] = {
        "blocked_input": request["blockedInputMessaging"],
        "blocked_output": request["blockedOutputsMessaging"],
    }
    for member, section in (
        ("contentPolicyConfig", _content),
        ("topicPolicyConfig", _topics),
        ("wordPolicyConfig", _words),
        ("sensitiveInformationPolicyConfig", _pii),
        ("contextualGroundingPolicyConfig", _grounding),
    ):
        if member not in request:
            continue
        if any(isinstance(v, list) and v for v in request[member].values()):
            try:
                section(request[member], document, kept)
            except (KeyError, TypeError, AttributeError) as error:
                raise GuardrailsError(
                    f"{member}: this is not the shape of a guardrail: {type(error).__name__} {error}".rstrip()
                ) from None
        else:
            kept[member] = request[member]  # nothing in it; a response may hold such a one
    kept |= {member: request[member] for member in ASIDE if member in request}
    if kept:
        document["bedrock"] = kept
    if "content" in document or "topics" in document or "grounding" in document or "relevance" in document:
        notes.append(
            "content filters, topics and grounding need trained weights; without them this policy does not start"
        )
    for i, entry in enumerate(document.get("pii", {}).get("regexes", ())):
        wrong = detectors.module("regex").check_pattern(entry["pattern"])
        if wrong is not None:
            notes.append(
                f"pii.regexes[{i}] ({entry['name']}): {wrong.reason}; until its pattern is written in another way this policy does "
                "not load (it can be exported)"
            )
    if "automatedReasoningPolicyConfig" in kept:
        notes.append("automated reasoning is kept aside and not applied")
    if any("IMAGE" in m for sides in kept.get("contentModalities", {}).values() for m in sides.values()):
        notes.append("content filters look at text only; the modality IMAGE is kept aside and not applied")
    return Imported(document, notes)


_KNOWN = (
    "name", "description", "blockedInputMessaging", "blockedOutputsMessaging", "contentPolicyConfig", "topicPolicyConfig",
    "wordPolicyConfig", "sensitiveInformationPolicyConfig", "contextualGroundingPolicyConfig", *ASIDE,
)  # fmt: skip


def _as_request(config: Mapping[str, Any], kept: dict[str, Any]) -> dict[str, Any]:
    """A GetGuardrail response in the words of CreateGuardrail; a request as it is."""
    request: dict[str, Any] = {}
    response: dict[str, Any] = {}
    for member, value in config.items():
        if member == "ResponseMetadata":
            continue
        if member in _GET_NAMES:
            target, renamed = _GET_NAMES[member]
            request[target] = {("tierConfig" if k == "tier" else renamed.get(k, k)): v for k, v in value.items()}
        elif member == "crossRegionDetails":
            profile = value.get("guardrailProfileArn") or value.get("guardrailProfileId")
            if profile:
                request["crossRegionConfig"] = {"guardrailProfileIdentifier": profile}
        elif member == "kmsKeyArn":
            request["kmsKeyId"] = value
        elif member in _RESPONSE_ONLY:
            response[member] = value.isoformat() if isinstance(value, datetime.datetime) else value
        else:
            request[member] = value
    if response:
        kept["response"] = response
        _tidy(request)
    return request


def _tidy(request: dict[str, Any]) -> None:
    """A response shows empty lists and may leave out the only topic type; a request may do neither."""
    for member in [m for m in request if m in {target for target, _ in _GET_NAMES.values()}]:
        config = {k: v for k, v in request[member].items() if v != []}
        if "topicsConfig" in config:
            config["topicsConfig"] = [{"type": "DENY", **topic} for topic in config["topicsConfig"]]
        if any(isinstance(v, list) for v in config.values()):
            request[member] = config
        else:
            del request[member]


def _free_id(kind: str, names: list[str], i: int) -> str:
    """An id for the i-th of some names that are no ids, or not unique ones."""
    made = f"{kind}.{i + 1}"
    while made in {f"{kind}.{name}" for name in names}:
        made += "-1"
    return made


def _directions(item: Mapping[str, Any], *, strengths: bool = False) -> dict[str, Any]:
    """``input`` and ``output`` of a rule, with exactly what was given."""
    out: dict[str, Any] = {}
    for direction in ("input", "output"):
        side: dict[str, Any] = {}
        if strengths:
            side["strength"] = item[f"{direction}Strength"]
        if f"{direction}Action" in item:
            side["action"] = ACTIONS[item[f"{direction}Action"]]
        if f"{direction}Enabled" in item:
            side["enabled"] = item[f"{direction}Enabled"]
        if side:
            short = len(side) == 1 and "enabled" not in side
            out[direction] = next(iter(side.values())) if short else side
    return out


def _taken(item: Mapping[str, Any], detector: str) -> dict[str, Any]:
    """The settings of a rule that Bedrock has, under our names. Raises KeyError where one is missing that every rule has."""
    out = {}
    for name, setting in settings_for(detector).items():
        if setting.member and (setting.member in item or setting.example):
            value = item[setting.member]
            out[name] = list(value) if isinstance(value, list) else value
    return out


def _content(config: Mapping[str, Any], document: dict[str, Any], kept: dict[str, Any]) -> None:
    section: dict[str, Any] = {}
    modalities: dict[str, Any] = {}
    for item in config["filtersConfig"]:
        sides = _directions(item, strengths=True)
        same = sides["input"] == sides["output"] and isinstance(sides["input"], str)
        section[item["type"]] = sides["input"] if same else sides
        extra = {k: item[k] for k in ("inputModalities", "outputModalities") if k in item}
        if extra:
            modalities[item["type"]] = extra
    document["content"] = section
    if modalities:
        kept["contentModalities"] = modalities
    _tier("content", config, kept)


def _topics(config: Mapping[str, Any], document: dict[str, Any], kept: dict[str, Any]) -> None:
    document["topics"] = [{**_taken(t, "topics"), **_directions(t)} for t in config["topicsConfig"]]
    # Rule ids are unique here, names are not there.
    seen: set[str] = set()
    for i, topic in enumerate(document["topics"]):
        if topic["name"] in seen:
            topic["id"] = _free_id("topic", [t["name"] for t in config["topicsConfig"]], i)
        seen.add(topic["name"])
    _tier("topics", config, kept)


def _words(config: Mapping[str, Any], document: dict[str, Any], kept: dict[str, Any]) -> None:
    section: dict[str, Any] = {}
    if "wordsConfig" in config:
        terms: list[Any] = []
        section["terms"] = terms
        # Neighbours with the same settings are one rule: ten thousand words stay a readable, quick file.
        for sides, group in groupby(config["wordsConfig"], _directions):
            words = [escaped(item["text"]) for item in group]
            if sides:
                what = {"term": words[0]} if len(words) == 1 else {"terms": words}
                terms.append({**what, "id": f"word-{len(terms) + 1}", **sides})
            else:
                terms += words
    if "managedWordListsConfig" in config:
        lists = config["managedWordListsConfig"]
        if len({m["type"] for m in lists}) != len(lists):
            raise GuardrailsError("a managed word list is given twice")
        sides_of = {m["type"]: _directions(m) for m in lists}
        section["managed"] = sides_of if any(sides_of.values()) else list(sides_of)
    if not all(section.values()):
        kept["emptyWordLists"] = [k for k, v in section.items() if not v]
    document["words"] = section


def _pii(config: Mapping[str, Any], document: dict[str, Any], _: dict[str, Any]) -> None:
    section: dict[str, Any] = {}
    if "piiEntitiesConfig" in config:
        section["entities"] = {}
        for item in config["piiEntitiesConfig"]:
            if item["type"] in section["entities"]:
                raise GuardrailsError(f"the PII type {item['type']} is given twice")
            section["entities"][item["type"]] = _rule(item)
    if "regexesConfig" in config:
        section["regexes"] = []
        seen: set[str] = set()
        for i, item in enumerate(config["regexesConfig"]):
            rule = _rule(item)
            entry = _taken(item, "regex")
            if item["name"] in seen or not re.fullmatch(r"[A-Za-z0-9_.-]{1,94}", item["name"]):
                entry["id"] = _free_id("regex", [r["name"] for r in config["regexesConfig"]], i)
            seen.add(item["name"])
            section["regexes"].append(entry | ({"action": rule} if isinstance(rule, str) else rule))
    document["pii"] = section


def _rule(item: Mapping[str, Any]) -> Any:
    action = ACTIONS[item["action"]]
    sides = _directions(item)
    return {"action": action, **sides} if sides else action


def _grounding(config: Mapping[str, Any], document: dict[str, Any], kept: dict[str, Any]) -> None:
    extra: list[Any] = []
    for item in config["filtersConfig"]:
        key = item["type"].lower()
        if key in document or not 0 <= item["threshold"] <= 0.99:
            extra.append(dict(item))
            continue
        rule = _taken(item, "grounding")
        if "action" in item:
            rule["action"] = ACTIONS[item["action"]]
        if "enabled" in item:
            rule["enabled"] = item["enabled"]
        document[key] = rule if len(rule) > 1 else rule["threshold"]
    if extra:
        kept["groundingFilters"] = extra
    kept["groundingOrder"] = [i["type"] for i in config["filtersConfig"]]
    if kept["groundingOrder"] == sorted(kept["groundingOrder"]) and not extra:
        del kept["groundingOrder"]
    _tier("grounding", config, kept)


def _tier(name: str, config: Mapping[str, Any], kept: dict[str, Any]) -> None:
    if "tierConfig" in config:
        kept.setdefault("tiers", {})[name] = config["tierConfig"]["tierName"]
