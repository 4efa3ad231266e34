"""The JSON Schema of policy files, made from the declarations that the reader follows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from guardrails import catalog, detectors
from guardrails.detectors.settings import RULES, Choice, Items, Kind, Section, Shape, Text, Word
from guardrails.policy.fields import ID, NAME
from guardrails.policy.fieldtable import (
    COMMON,
    COUNTRIES,
    DIRECTIONS,
    POLICY,
    RULE_KEYS,
    SIDED,
    keys,
    own_settings,
    places,
    top,
)
from guardrails.policy.kinds import mapping, schema
from guardrails.policy.wordlists import LIST_KEYS, TERM_KEYS, WORDS_KEYS

__all__ = ["json_schema"]

_TEXT, _WORD, _NAMES = schema(Text()), schema(Word()), schema(Items(Text()))


def json_schema() -> dict[str, Any]:
    """Draft 2020-12. What it accepts is a superset of what loads: meaning is checked by the reader alone."""
    known: dict[str, Any] = {
        "version": {"const": 1},
        "name": {"type": "string", "pattern": f"^{NAME.pattern}$"},
        "metadata": {"type": "object", "properties": {"owner": _TEXT}},
        **{key: _either(_TEXT, _NAMES) for key in ("extends", "enforced")},
        "bedrock": {"type": "object"},
        **_policy(),
        **{key: _group(key) for key in detectors.SECTIONS if key != RULES.key},
        RULES.key: _list(
            _rule(RULE_KEYS, {"detector": Text(), "type": Text()}, ["id", "detector"], settings={"type": "object"})
        ),
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Guardrails policy",
        **mapping({key: known[key] for key in top()}, "version", "name"),
    }


def _policy() -> dict[str, Any]:
    """The settings of the whole policy, alone or in groups."""
    found: dict[str, Any] = {key: schema(setting.kind) for key, setting in POLICY.items() if "." not in key}
    for group in dict.fromkeys(key.partition(".")[0] for key in POLICY if "." in key):
        inside = {k.partition(".")[2]: schema(s.kind) for k, s in POLICY.items() if k.startswith(f"{group}.")}
        found[group] = mapping(inside)
    # The short form has names only: a mapping there is the long form.
    scopes = found["conversation"]["properties"]["scope"]["oneOf"][0]
    return found | {"conversation": {"oneOf": [scopes, found["conversation"]]}}


def _list(items: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": items}


def _either(*forms: Any) -> dict[str, Any]:
    return {"oneOf": list(forms)}


def _rule(allowed: tuple[str, ...], kinds: Mapping[str, Kind], needed: list[str], **more: Any) -> dict[str, Any]:
    """A rule with these keys: those of ``COMMON``, ``id``, the kinds given, and what is a schema already."""
    side = {name: schema(COMMON[name].kind) for name in SIDED}
    direction = _either(side["action"], mapping(side))
    known = {
        **{name: schema(setting.kind) for name, setting in COMMON.items()},
        **dict.fromkeys(DIRECTIONS, direction),
        "id": {"type": "string", "pattern": f"^{ID.pattern}$"},
        **{name: schema(kind) for name, kind in kinds.items()},
        **more,
    }
    return mapping({key: known[key] for key in allowed}, *needed)


def _group(key: str) -> dict[str, Any]:
    """A section, or the sections below a key."""
    inside = {section.key: _section(detector, section) for detector, section in places(key)}
    if key in inside:
        return inside[key]
    more = {"countries": schema(COUNTRIES)} if key == "pii" else {}
    return mapping({**more, **{name.partition(".")[2]: found for name, found in inside.items()}})


def _section(detector: str, section: Section) -> dict[str, Any]:
    if section.shape is Shape.WORDS:
        return _words()
    settings = own_settings(detector, section)
    kinds = {name: setting.kind for name, setting in settings.items()}
    needed = [name for name, setting in settings.items() if setting.example]
    sides = {}
    for name in [name for name, setting in settings.items() if setting.sided]:
        side = {other: schema(COMMON[other].kind) for other in SIDED}
        sides = dict.fromkeys(DIRECTIONS, _either(schema(kinds[name]), mapping({name: schema(kinds[name]), **side})))
    bare = schema(kinds.get(section.bare) or COMMON[section.bare].kind)
    if section.shape is Shape.LIST:
        return _list(_rule(keys(detector, section), {"name": Text(), **kinds}, ["name", *needed]))
    rule = _either(bare, _rule(keys(detector, section), kinds, needed, **sides))
    if section.shape is Shape.ONE:
        return rule
    return mapping(dict.fromkeys((*([section.every] if section.every else []), *section.names), rule))


def _words() -> dict[str, Any]:
    terms: dict[str, Kind] = {"term": Word(), "terms": Items(Word())}
    managed, names = _either(schema(COMMON["action"].kind), _rule(tuple(COMMON), {}, [])), Choice(catalog.MANAGED_LISTS)
    return _rule(
        WORDS_KEYS, {}, [],
        terms=_list(_either(_WORD, _rule(TERM_KEYS, terms, []))),
        lists=_list(_either(_TEXT, _rule(LIST_KEYS, {"file": Text()}, ["file"]))),
        managed=_either(schema(names), schema(Items(names)), mapping(dict.fromkeys(catalog.MANAGED_LISTS, managed))),
    )  # fmt: skip
