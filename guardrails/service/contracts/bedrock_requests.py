"""What CreateGuardrail takes: members, enums, sizes and patterns of Bedrock's service model, checked with the member's name."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from guardrails import catalog
from guardrails.service.faults import Fault, Kind
from guardrails.service.fields import Body

__all__ = ["CREATE", "UPDATE", "Members", "checked"]

# Reads one member of an object; raises Fault.
Reader = Callable[[Body, str], None]
Members = dict[str, tuple[bool, Reader]]


def _text(least: int, most: int, pattern: str | None = None) -> Reader:
    def read(body: Body, name: str) -> None:
        _fits(body.text(name), body.at(name), least, most, pattern)

    return read


def _fits(value: str, place: str, least: int, most: int, pattern: str | None) -> None:
    if not least <= len(value) <= most:
        raise Fault(Kind.INVALID, f"must have {least} to {most} characters, and has {len(value)}", place)
    if pattern is not None and not re.fullmatch(pattern, value):
        raise Fault(Kind.INVALID, f"must match {pattern}", place)


def _choice(*allowed: str) -> Reader:
    def read(body: Body, name: str) -> None:
        body.choice(name, allowed)

    return read


def _flag(body: Body, name: str) -> None:
    body.flag(name)


def _number(low: float, high: float) -> Reader:
    def read(body: Body, name: str) -> None:
        body.number(name, low, high)

    return read


def _texts(most: int, reader: tuple[int, int, str | None]) -> Reader:
    def read(body: Body, name: str) -> None:
        values = body.texts(name)
        if len(values) > most:
            raise Fault(Kind.INVALID, f"holds {len(values)} items; at most {most}", body.at(name))
        for number, value in enumerate(values):
            _fits(value, f"{body.at(name)}[{number}]", *reader)

    return read


def _object(members: Members) -> Reader:
    def read(body: Body, name: str) -> None:
        checked(body.object(name), members)

    return read


def _list(members: Members, least: int, most: int) -> Reader:
    def read(body: Body, name: str) -> None:
        items = body.objects(name, most=most)
        if len(items) < least:
            raise Fault(Kind.INVALID, f"holds {len(items)} items; at least {least}", body.at(name))
        for item in items:
            checked(item, members)

    return read


def checked(body: Body, members: Members) -> None:
    """Raises Fault for a member that is missing, unknown, or does not fit."""
    body.only(*members)
    for name, (required, read) in members.items():
        if required or name in body:
            read(body, name)


def _sides(*actions: str) -> Members:
    action, flag = _choice(*actions), _flag
    return {
        "inputAction": (False, action),
        "outputAction": (False, action),
        "inputEnabled": (False, flag),
        "outputEnabled": (False, flag),
    }


_BLOCKS = ("BLOCK", "NONE")
_VALUES = ("BLOCK", "ANONYMIZE", "NONE")
_MANY = 1_000_000
_STRENGTH = _choice(*catalog.STRENGTHS)
_MODALITIES = _texts(2, (1, 5, "TEXT|IMAGE"))
_TIER: Members = {"tierConfig": (False, _object({"tierName": (True, _choice("CLASSIC", "STANDARD"))}))}
_TOPIC: Members = {
    "name": (True, _text(1, 100, r"[0-9a-zA-Z-_ !?.]+")),
    "definition": (True, _text(1, 200)),
    "examples": (False, _texts(5, (1, 100, None))),
    "type": (True, _choice("DENY")),
    **_sides(*_BLOCKS),
}
_FILTER: Members = {
    "type": (True, _choice(*catalog.BEDROCK_CONTENT)),
    "inputStrength": (True, _STRENGTH),
    "outputStrength": (True, _STRENGTH),
    "inputModalities": (False, _MODALITIES),
    "outputModalities": (False, _MODALITIES),
    **_sides(*_BLOCKS),
}
_MANAGED: Members = {"type": (True, _choice(*catalog.MANAGED_LISTS)), **_sides(*_BLOCKS)}
_PII: Members = {
    "type": (True, _choice(*catalog.BEDROCK_PII)),
    "action": (True, _choice(*_VALUES)),
    **_sides(*_VALUES),
}
_REGEX: Members = {
    "name": (True, _text(1, 100)),
    "description": (False, _text(1, 1000)),
    "pattern": (True, _text(1, 500)),
    "action": (True, _choice(*_VALUES)),
    **_sides(*_VALUES),
}
_GROUNDING: Members = {
    "type": (True, _choice("GROUNDING", "RELEVANCE")),
    "threshold": (True, _number(0, 0.99)),
    "action": (False, _choice(*_BLOCKS)),
    "enabled": (False, _flag),
}
_TAG: Members = {
    "key": (True, _text(1, 128, r"[a-zA-Z0-9\s._:/=+@-]*")),
    "value": (True, _text(0, 256, r"[a-zA-Z0-9\s._:/=+@-]*")),
}
UPDATE: Members = {
    "name": (True, _text(1, 50, r"[0-9a-zA-Z-_]+")),
    "description": (False, _text(1, 200)),
    "topicPolicyConfig": (False, _object({"topicsConfig": (True, _list(_TOPIC, 1, 30)), **_TIER})),
    "contentPolicyConfig": (False, _object({"filtersConfig": (True, _list(_FILTER, 1, 6)), **_TIER})),
    "wordPolicyConfig": (
        False,
        _object(
            {
                "wordsConfig": (False, _list({"text": (True, _text(1, 100)), **_sides(*_BLOCKS)}, 1, 10_000)),
                "managedWordListsConfig": (False, _list(_MANAGED, 0, _MANY)),
            }
        ),
    ),
    "sensitiveInformationPolicyConfig": (
        False,
        _object({"piiEntitiesConfig": (False, _list(_PII, 1, _MANY)), "regexesConfig": (False, _list(_REGEX, 1, 30))}),
    ),
    "contextualGroundingPolicyConfig": (
        False,
        _object({"filtersConfig": (True, _list(_GROUNDING, 1, _MANY)), **_TIER}),
    ),
    "automatedReasoningPolicyConfig": (
        False,
        _object({"policies": (True, _texts(2, (1, 2048, None))), "confidenceThreshold": (False, _number(0, 1))}),
    ),
    "crossRegionConfig": (False, _object({"guardrailProfileIdentifier": (True, _text(15, 2048))})),
    "blockedInputMessaging": (True, _text(1, 500)),
    "blockedOutputsMessaging": (True, _text(1, 500)),
    "kmsKeyId": (False, _text(1, 2048)),
}
CREATE: Members = {
    **UPDATE,
    "tags": (False, _list(_TAG, 0, 200)),
    "clientRequestToken": (False, _text(1, 256)),
}
TAGS: Any = _list(_TAG, 0, 200)
