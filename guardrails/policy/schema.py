"""The JSON Schema of policy files, made from the tables that the reader uses."""

from __future__ import annotations

from typing import Any

from guardrails import catalog
from guardrails.policy import fields as s
from guardrails.policy import turns as t
from guardrails.rules import RESTORE_IN, Scope, StreamMode

__all__ = ["json_schema"]

_TEXT = {"type": "string", "minLength": 1}
_TEXTS = {"type": "array", "items": {"type": ["string", "number", "boolean"]}}


def _enum(values: Any) -> dict[str, Any]:
    return {"enum": list(values)}


def _object(keys: tuple[str, ...], properties: dict[str, Any], *required: str) -> dict[str, Any]:
    """An object with exactly these keys; a key without a schema of its own is a programming error."""
    return {
        "type": "object",
        "properties": {k: properties[k] for k in keys},
        "additionalProperties": False,
        **({"required": list(required)} if required else {}),
    }


def _whole(low: int, high: int) -> dict[str, Any]:
    return {"type": "integer", "minimum": low, "maximum": high}


def _counted(names: tuple[str, ...], counted: str, bounds: tuple[int, int]) -> dict[str, Any]:
    """One of the names, of which one is written with a number."""
    plain = _enum(n for n in names if n != counted)
    return {"oneOf": [plain, _object((str(counted),), {str(counted): _whole(*bounds)}, str(counted))]}


def json_schema() -> dict[str, Any]:
    """Draft 2020-12. What it accepts is a superset of what loads: meaning is checked by the reader alone."""
    side = {"action": _enum(s.ACTIONS), "enabled": {"type": "boolean"}, "message": _TEXT}
    direction = {"oneOf": [_enum(s.ACTIONS), _object(s.DIRECTION, side)]}
    strength = _enum(catalog.STRENGTHS)
    content_direction = {
        "oneOf": [
            strength,
            _object(
                ("strength", *s.DIRECTION),
                {"strength": strength, **side},
            ),
        ]
    }
    mask_object = _object(
        s.MASK,
        {
            "style": _enum(s.STYLES),
            "keep": {"type": "integer", "minimum": 0, "maximum": 64},
            "text": {"type": ["string", "number", "boolean", "null"]},
            "key_env": _TEXT,
            "key_file": _TEXT,
            "restore": {"type": "boolean"},
            "restore_in": {"type": "array", "items": _enum(RESTORE_IN)},
        },
        "style",
    )
    common: dict[str, Any] = {
        "action": _enum(s.ACTIONS),
        "input": direction,
        "output": direction,
        "enabled": {"type": "boolean"},
        "on_failure": _enum(s.FAILURES),
        "required": {"type": "boolean"},
        "except": _TEXTS,
        "mask": {"oneOf": [_enum(s.STYLES), mask_object]},
        "message": _TEXT,
        "id": {"type": "string", "pattern": "^[A-Za-z0-9_.-]{1,100}$"},
    }

    def rule(keys: tuple[str, ...], extra: dict[str, Any], *required: str) -> dict[str, Any]:
        return _object(keys, {**common, **extra}, *required)

    content = rule(s.CONTENT_KEYS, {"strength": strength, "input": content_direction, "output": content_direction})
    entity = {
        "oneOf": [_enum(s.ACTIONS), rule(s.ENTITY_KEYS, {"min_score": {"type": "number", "minimum": 0, "maximum": 1}})]
    }
    managed = {"oneOf": [_enum(s.ACTIONS), rule(s.COMMON, {})]}
    threshold = {"type": "number", "minimum": 0, "maximum": 0.99}
    term = {
        "oneOf": [
            {"type": ["string", "number", "boolean"]},
            rule(s.TERM_KEYS, {"term": {"type": ["string", "number", "boolean"]}, "terms": _TEXTS}),
        ]
    }
    source = {"oneOf": [_enum(s.SOURCES), _object(s.SOURCE_KEYS, dict.fromkeys(s.SOURCE_KEYS, _TEXT), "after")]}
    sources = {"type": "array", "items": source, "minItems": 1}
    grounding = {
        "oneOf": [threshold, rule(s.GROUNDING_KEYS, {"threshold": threshold, "sources": sources}, "threshold")]
    }
    relevance = {"oneOf": [threshold, rule(s.RELEVANCE_KEYS, {"threshold": threshold}, "threshold")]}
    counted_scope = _counted(t.SCOPES, Scope.WINDOW, t.SCOPE_MESSAGES)
    scope = counted_scope["oneOf"][0]  # the short form has names only: a mapping there is the long form
    names = {"oneOf": [_TEXT, {"type": "array", "items": _TEXT}]}
    top: dict[str, Any] = {
        "version": {"const": 1},
        "name": {"type": "string", "pattern": "^[A-Za-z0-9_-]{1,50}$"},
        "description": _TEXT,
        "metadata": {"type": "object", "properties": {"owner": _TEXT}},
        "extends": names,
        "on_failure": _enum(s.FAILURES),
        "unsupported_language": _enum(s.LANGUAGES),
        "uninspected": _enum(s.UNINSPECTED),
        "conversation": {
            "oneOf": [scope, _object(t.CONVERSATION, {"scope": counted_scope, "window": _whole(*t.WINDOW)})]
        },
        "stream": _counted(t.MODES, StreamMode.BOUNDED, t.AHEAD),
        "messages": _object(s.MESSAGES, dict.fromkeys(s.MESSAGES, _TEXT)),
        "limits": _object(tuple(s.LIMITS), {k: _whole(a, b) for k, (a, b) in s.LIMITS.items()}),
        "content": {
            "type": "object",
            "properties": {name: {"oneOf": [strength, content]} for name in catalog.CONTENT},
            "additionalProperties": False,
        },
        "topics": {
            "type": "array",
            "items": rule(
                s.TOPIC_KEYS,
                {
                    "name": _TEXT,
                    "definition": _TEXT,
                    "examples": {"type": "array", "items": _TEXT},
                    "not_examples": {"type": "array", "items": _TEXT},
                    "threshold": {"type": "number", "minimum": 0.01, "maximum": 1},
                },
                "name",
                "definition",
            ),
        },
        "words": rule(
            s.WORDS_KEYS,
            {
                "terms": {"type": "array", "items": term},
                "lists": {"type": "array", "items": {"oneOf": [_TEXT, rule(s.LIST_KEYS, {"file": _TEXT}, "file")]}},
                "managed": {
                    "oneOf": [
                        _enum(catalog.MANAGED_LISTS),
                        {"type": "array", "items": _enum(catalog.MANAGED_LISTS)},
                        {
                            "type": "object",
                            "properties": dict.fromkeys(catalog.MANAGED_LISTS, managed),
                            "additionalProperties": False,
                        },
                    ]
                },
            },
        ),
        "pii": _object(
            s.PII_KEYS,
            {
                "countries": {"type": "array", "items": _enum(s.COUNTRIES)},
                "entities": {
                    "type": "object",
                    "properties": dict.fromkeys(("ALL", *catalog.PII), entity),
                    "additionalProperties": False,
                },
                "regexes": {
                    "type": "array",
                    "items": rule(
                        s.REGEX_KEYS, {"name": _TEXT, "pattern": _TEXT, "description": _TEXT}, "name", "pattern"
                    ),
                },
            },
        ),
        "grounding": grounding,
        "relevance": relevance,
        "rules": {
            "type": "array",
            "items": rule(
                s.RULE_KEYS, {"detector": _TEXT, "type": _TEXT, "settings": {"type": "object"}}, "id", "detector"
            ),
        },
        "enforced": names,
        "bedrock": {"type": "object"},
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Guardrails policy",
        **_object(s.TOP, top, "version", "name"),
    }
