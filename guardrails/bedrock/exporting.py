"""From a policy document to Bedrock's CreateGuardrail request, and what is lost on the way."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from guardrails import catalog, detectors
from guardrails.bedrock.effective import effective
from guardrails.bedrock.names import ASIDE, FROM_ACTIONS, LIMITS, plain_term, settings_for
from guardrails.detectors.settings import RULES, Setting
from guardrails.errors import PolicyError
from guardrails.policy import load
from guardrails.policy.fieldtable import COMMON, DIRECTIONS, LOST, POLICY, places
from guardrails.policy.loading import locate, parse_document
from guardrails.policy.source import plain
from guardrails.rules import Messages, Policy

__all__ = ["Exported", "Loss", "export_document", "export_file", "export_guardrail"]


class Loss(NamedTuple):
    """A setting that Bedrock cannot say, and why."""

    key: str
    why: str


@dataclass(frozen=True)
class Exported:
    """A CreateGuardrail request, and everything of the policy that is not in it."""

    request: dict[str, Any]
    losses: list[Loss] = field(default_factory=list)


def export_file(path: str | Path) -> Exported:
    """The request of a policy file. A file that stands alone is exported as written, one that inherits as it works out.

    Raises PolicyError when the policy does not load, but for a pattern that only RE2 refuses.
    """
    found = locate(path)
    document = plain(parse_document(found)) if isinstance(found, Path) else {}
    try:
        policy = load(path)
    except PolicyError as error:
        # Bedrock takes patterns that RE2 does not; what was imported with such a one goes back as it came.
        if "extends" in document or any(p.code != "regex-refused" for p in error.problems):
            raise
        return export_document(document)
    if "extends" not in document:
        return export_document(document, policy)
    exported = export_guardrail(policy)
    exported.losses.insert(0, Loss("extends", "Bedrock's guardrails do not inherit; exported as it works out"))
    return exported


def export_document(document: Mapping[str, Any], policy: Policy | None = None) -> Exported:
    """The request of a document without parents: exactly what it says, nothing filled in."""
    return _Writer(document, policy).run()


# What a document says and no line here looks for is named as lost.
_SAID = {"version", "name", "extends", "bedrock", *(key.partition(".")[0] for key, s in POLICY.items() if s.member)}


def _why(key: str) -> str:
    """Why Bedrock cannot say what stands under this key."""
    return next(
        (s.lost for name, s in POLICY.items() if name.partition(".")[0] == key), LOST.get(key, RULES.lost or "")
    )


class _Writer:
    def __init__(self, document: Mapping[str, Any], policy: Policy | None) -> None:
        self.document = document
        self.policy = policy
        self.kept: Mapping[str, Any] = document.get("bedrock", {})
        self.losses: list[Loss] = []

    def run(self) -> Exported:
        document, kept = self.document, self.kept
        messages = {
            **{k: getattr(Messages(), k) for k in ("blocked_input", "blocked_output")},
            **document.get("messages", {}),
        }
        request: dict[str, Any] = {"name": document["name"]}
        if "description" in document:
            request["description"] = document["description"]
        sections = {
            "topicPolicyConfig": self.topics, "contentPolicyConfig": self.content, "wordPolicyConfig": self.words,
            "sensitiveInformationPolicyConfig": self.pii, "contextualGroundingPolicyConfig": self.grounding,
        }  # fmt: skip
        for member, section in sections.items():
            made = section()
            if made:
                request[member] = made
            elif member in kept:
                request[member] = kept[member]
        request["blockedInputMessaging"] = messages["blocked_input"]
        request["blockedOutputsMessaging"] = messages["blocked_output"]
        request |= {member: kept[member] for member in ASIDE if member in kept}
        for key, value in document.items():
            ours = [section.lost for _, section in places(key)] if key in detectors.SECTIONS else [_why(key)]
            if value and key not in _SAID and None not in ours:
                self.lose(key, ours[0] if ours and ours[0] else _why(key))
        self.limits(request)
        return Exported(request, self.losses)

    def lose(self, key: str, why: str) -> None:
        self.losses.append(Loss(key, why))

    def sides(self, rule: Mapping[str, Any], key: str, settings: Mapping[str, Setting]) -> dict[str, Any]:
        """What Bedrock has of a rule: members of its own settings, and ``inputAction`` …; a loss for all that it says besides."""
        known = {**settings, **COMMON}
        bare = next((name for name, setting in settings.items() if setting.sided), "action")
        out: dict[str, Any] = {}
        for direction in DIRECTIONS:
            side = rule.get(direction, {})
            for name, value in (side if isinstance(side, dict) else {bare: side}).items():
                if not known[name].member:
                    self.lose(f"{key}.{direction}.{name}", known[name].lost)
                    continue
                said = self.action(value, f"{key}.{direction}", bare != "action") if name == "action" else value
                out[f"{direction}{known[name].member}"] = said
        for name, value in rule.items():
            setting = known.get(name)
            if setting is not None and setting.member:
                if name in settings and not setting.sided:
                    out[setting.member] = value
            elif value is None or value is False or value in ([], "type", {"style": "type"}):  # as Bedrock does anyway
                continue
            elif not (name == "id" and self.automatic(str(value))):
                self.lose(f"{key}.{name}", setting.lost if setting is not None else _why(name))
        return out

    @staticmethod
    def automatic(name: str) -> bool:
        """An id that the import gave."""
        return re.fullmatch(r"word-\d+|(?:regex|topic)\.\d+(?:-1)*", name) is not None

    def action(self, name: str, key: str, blocks_only: bool = False) -> str:
        if blocks_only and name == "mask":
            self.lose(key, "Bedrock masks sensitive information only; exported as BLOCK")
            return "BLOCK"
        return FROM_ACTIONS[name]

    def both(self, rule: Mapping[str, Any], key: str, settings: Mapping[str, Setting]) -> dict[str, Any]:
        """A rule whose ``action`` Bedrock has per direction only."""
        out = self.sides(rule, key, settings)
        for direction in ("input", "output"):
            if "action" in rule and f"{direction}Action" not in out:
                out[f"{direction}Action"] = self.action(rule["action"], f"{key}.action", blocks_only=True)
            if out.get(f"{direction}Action") == "ANONYMIZE":
                out[f"{direction}Action"] = self.action("mask", f"{key}.{direction}", blocks_only=True)
            if "enabled" in rule and f"{direction}Enabled" not in out:
                out[f"{direction}Enabled"] = rule["enabled"]
        return out

    def content(self) -> dict[str, Any]:
        filters = []
        for name, rule in self.document.get("content", {}).items():
            key = f"content.{name}"
            if name not in catalog.BEDROCK_CONTENT:
                self.lose(key, "Bedrock has no such content filter")
                continue
            if not isinstance(rule, dict):
                rule = {"input": rule, "output": rule}
            sides = self.sides(rule, key, settings_for("content"))
            base = rule.get("strength", "HIGH")
            item = {
                "type": name,
                "inputStrength": sides.pop("inputStrength", base),
                "outputStrength": sides.pop("outputStrength", base),
            }
            if "action" in rule:
                action = self.action(rule["action"], f"{key}.action", blocks_only=True)
                sides = {"inputAction": action, "outputAction": action} | sides
            if "enabled" in rule:
                sides = {"inputEnabled": rule["enabled"], "outputEnabled": rule["enabled"]} | sides
            filters.append(item | self.kept.get("contentModalities", {}).get(name, {}) | sides)
        return self.tiered("content", {"filtersConfig": filters}) if filters else {}

    def topics(self) -> dict[str, Any]:
        topics = []
        for i, rule in enumerate(self.document.get("topics", ())):
            if rule.get("allow"):
                self.lose(f"topics[{i}]", "Bedrock has denied topics only: it would deny what this policy allows")
                continue
            topics.append({"type": "DENY", **self.both(rule, f"topics[{i}]", settings_for("topics"))})
        return self.tiered("topics", {"topicsConfig": topics}) if topics else {}

    def words(self) -> dict[str, Any]:
        section = self.document.get("words", {})
        base = {k: v for k, v in section.items() if k not in ("terms", "lists", "managed")}
        words: list[dict[str, Any]] = []
        for i, entry in enumerate(section.get("terms", ())):
            key = f"words.terms[{i}]"
            rule = {**base, **entry} if isinstance(entry, dict) else {**base, "term": entry}
            terms = [*([rule["term"]] if "term" in rule else []), *rule.get("terms", ())]
            extra = self.both({k: v for k, v in rule.items() if k not in ("term", "terms")}, key, {})
            for term in terms:
                word = plain_term(str(term))
                if word is None:
                    self.lose(key, "Bedrock has whole words only: no prefix, suffix or substring")
                else:
                    words.append({"text": word, **extra})
        for i, entry in enumerate(section.get("lists", ())):
            self.lose(
                f"words.lists[{i}]",
                f"Bedrock has no word list files ({entry if isinstance(entry, str) else entry.get('file')})",
            )
        managed = section.get("managed", ())
        if isinstance(managed, str):
            managed = [managed]
        lists = []
        for name in managed:
            rule = managed[name] if isinstance(managed, dict) else {}
            rule = {"action": rule} if isinstance(rule, str) else rule
            lists.append({"type": name, **self.both({**base, **(rule or {})}, f"words.managed.{name}", {})})
        empty = self.kept.get("emptyWordLists", ())
        out: dict[str, Any] = {}
        if words or "terms" in empty:
            out["wordsConfig"] = words
        if lists or "managed" in empty:
            out["managedWordListsConfig"] = lists
        return out

    def pii(self) -> dict[str, Any]:
        section = self.document.get("pii", {})
        out: dict[str, Any] = {}
        entities = []
        for name, rule in section.get("entities", {}).items():
            key = f"pii.entities.{name}"
            rule = {"action": rule} if isinstance(rule, str) else rule
            names = [name]
            if name == "ALL":
                self.lose(key, "Bedrock has no ALL; exported type by type")
                # The loaded policy knows which types its countries make of ALL.
                every = (
                    [r.type for r in self.policy.rules if r.detector == "pii"] if self.policy else catalog.BEDROCK_PII
                )
                names = [n for n in every if n not in section["entities"]]
                for n in names:
                    if n not in catalog.BEDROCK_PII:
                        self.lose(f"pii.entities.{n}", "Bedrock has no such PII type")
                names = [n for n in names if n in catalog.BEDROCK_PII]
            elif name not in catalog.BEDROCK_PII:
                self.lose(key, "Bedrock has no such PII type")
                continue
            entities += [{"type": n, **self.sensitive(rule, key, settings_for("pii"))} for n in names]
        if "entities" in section and (entities or not section["entities"]):
            out["piiEntitiesConfig"] = entities
        if "countries" in section:
            self.lose("pii.countries", _why("pii.countries"))
        if "regexes" in section:
            out["regexesConfig"] = [
                self.sensitive(r, f"pii.regexes[{i}]", settings_for("regex")) for i, r in enumerate(section["regexes"])
            ]
        return out

    def sensitive(self, rule: Mapping[str, Any], key: str, settings: Mapping[str, Setting]) -> dict[str, Any]:
        sides = self.sides(rule, key, settings)
        fallback = next((sides[k] for k in ("inputAction", "outputAction") if k in sides), "BLOCK")
        out = {"action": FROM_ACTIONS[rule["action"]] if "action" in rule else fallback, **sides}
        if "enabled" in rule:
            out = {**out, **{f"{d}Enabled": rule["enabled"] for d in ("input", "output") if f"{d}Enabled" not in out}}
        return out

    def grounding(self) -> dict[str, Any]:
        filters: dict[str, list[dict[str, Any]]] = {}
        for key in ("grounding", "relevance"):
            rule = self.document.get(key)
            if rule is None:
                continue
            rule = rule if isinstance(rule, dict) else {"threshold": rule}
            item: dict[str, Any] = {"type": key.upper()}
            if "action" in rule:
                item["action"] = self.action(rule["action"], f"{key}.action", blocks_only=True)
            if "enabled" in rule:
                item["enabled"] = rule["enabled"]
            for direction in DIRECTIONS:
                if direction in rule:
                    self.lose(f"{key}.{direction}", "Bedrock checks grounding on outputs only, with one action")
            item |= self.sides(
                {k: v for k, v in rule.items() if k not in ("input", "output")}, key, settings_for("grounding")
            )
            filters.setdefault(key.upper(), []).append(item)
        for extra in self.kept.get("groundingFilters", ()):
            filters.setdefault(extra["type"], []).append(extra)
        order = self.kept.get("groundingOrder", sorted(filters))
        made = [filters[name].pop(0) for name in order if filters.get(name)]
        made += [item for rest in filters.values() for item in rest]
        return self.tiered("grounding", {"filtersConfig": made}) if made else {}

    def tiered(self, name: str, config: dict[str, Any]) -> dict[str, Any]:
        tier = self.kept.get("tiers", {}).get(name)
        return {**config, "tierConfig": {"tierName": tier}} if tier else config

    def limits(self, request: dict[str, Any]) -> None:
        """What Bedrock would refuse (sizes of its service model)."""
        for member, key, least, most, pattern in LIMITS:
            unit = "items" if member.endswith(("Config", "examples")) else "characters"
            for steps, value in _found(request, member.split("."), ()):
                where = key.format(*steps)
                if not least <= len(value) <= most:
                    self.lose(where, f"Bedrock takes {least} to {most} {unit}")
                elif pattern is not None and not re.fullmatch(pattern, value):
                    self.lose(where, f"Bedrock takes {pattern} only")
        self.losses[:] = dict.fromkeys(self.losses)


def _found(value: Any, steps: list[str], places: tuple[int, ...]) -> Iterator[tuple[tuple[int, ...], Any]]:
    """The values at a member path, each with the list positions that lead there."""
    if not steps:
        yield places, value
        return
    name = steps[0].removesuffix("[]")
    if name not in value:
        return
    if steps[0].endswith("[]"):
        for i, item in enumerate(value[name]):
            yield from _found(item, steps[1:], (*places, i))
    else:
        yield from _found(value[name], steps[1:], places)


def export_guardrail(policy: Policy | Mapping[str, Any]) -> Exported:
    """The request of a policy, inheritance worked out; or of a document that stands alone, as it is written."""
    if isinstance(policy, Policy):
        return export_document(effective(policy), policy)
    return export_document(policy)
