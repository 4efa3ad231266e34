"""The OpenAPI 3.1 document of our own contract."""

from __future__ import annotations

from typing import Any

from guardrails import __version__
from guardrails.service.contracts.check_stream import CALL, MOST_PIECES
from guardrails.types import Action, FailureKind, Level, Qualifier, Role, Source

__all__ = ["document"]

Schema = dict[str, Any]


def _names(kind: Any) -> Schema:
    return {"type": "string", "enum": [member.value for member in kind]}


def _object(properties: Schema, *required: str, more: bool = False) -> Schema:
    found: Schema = {"type": "object", "properties": properties, "additionalProperties": more}
    return {**found, "required": list(required)} if required else found


def _list(items: Schema, **bounds: int) -> Schema:
    return {"type": "array", "items": items, **bounds}


def _ref(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


_TEXT: Schema = {"type": "string"}
_INDEX: Schema = {"type": "integer", "minimum": 0}
_PLACE: Schema = {"type": ["integer", "null"], "minimum": 0}
_SCORES: Schema = {"type": "object", "additionalProperties": {"type": "number"}}
_NAMED: Schema = {"type": "object", "additionalProperties": {"type": "string"}}
_GUARDRAIL: Schema = {"type": "string", "description": "Its id or name; without it, the key's own."}
_VERSION: Schema = {
    "type": "string",
    "pattern": "^(DRAFT|[0-9]{1,9})?$",
    "description": "DRAFT, which is meant without it, or a number.",
}
_INCLUDE: Schema = {"type": "boolean", "default": True, "description": "Whether the answer holds the usable text."}


def _schemas() -> Schema:
    piece = _object({"text": _TEXT, "role": _names(Role), "qualifiers": _list(_names(Qualifier))}, "text")
    pieces = _list(_ref("Piece"), minItems=1)
    source = _names(Source)
    shared = {"guardrail": _GUARDRAIL, "version": _VERSION, "include_text": _INCLUDE}
    finding = _object(
        {
            "rule": _TEXT, "type": _TEXT, "start": _PLACE, "end": _PLACE, "piece": _INDEX, "action": _names(Action),
            "score": {"type": "number", "minimum": 0, "maximum": 1},
            "level": {"enum": [*(level.value for level in Level), None]},
            "evidence": _list(_INDEX, minItems=3, maxItems=3),
        },
        "rule", "type", "start", "end", "piece", "action", "score", "level",
    )  # fmt: skip
    failure = _object(
        {"rule": _TEXT, "kind": _names(FailureKind), "piece": _PLACE, "detail": _TEXT},
        "rule",
        "kind",
        "piece",
        "detail",
    )
    unseen = _object(
        {"reason": _TEXT, "rule": {"type": ["string", "null"]}, "piece": _PLACE}, "reason", "rule", "piece"
    )
    coverage = _object(
        {"seen": _INDEX, "total": _INDEX, "unseen": _list(unseen), "not_applicable": _list(_TEXT)},
        "seen", "total", "unseen", "not_applicable",
    )  # fmt: skip
    policy = _object(
        {"name": _TEXT, "sha256": _TEXT, "owner": {"type": ["string", "null"]}, "files": _list(_TEXT)},
        "name", "sha256", "owner", "files",
    )  # fmt: skip
    report = _object(
        {
            "id": _TEXT, "guardrail": _object({"id": _TEXT, "version": _TEXT}, "id", "version"),
            "milliseconds": {"type": "number"}, "action": _names(Action), "source": _names(Source),
            "findings": _list(_ref("Finding")), "failures": _list(failure), "coverage": coverage, "scores": _SCORES,
            "models": _NAMED, "setting": _TEXT, "timings_ms": _SCORES, "policy": policy,
            "text": _TEXT, "outputs": _list(_TEXT),
        },
        "id", "guardrail", "milliseconds", "action", "source", "findings", "failures", "coverage", "policy",
    )  # fmt: skip
    version = _object({"version": _TEXT, "name": _TEXT, "sha256": _TEXT}, "version", "name", "sha256")
    listed = _object({"id": _TEXT, "versions": _list(version)}, "id", "versions")
    error = _object({"code": _TEXT, "message": _TEXT, "field": _TEXT}, "code", "message")
    return {
        "Report": report,
        "Piece": piece,
        "TextCheck": _object({"source": source, "text": _TEXT, **shared}, "source", "text"),
        "PiecesCheck": _object({"source": source, "pieces": pieces, **shared}, "source", "pieces"),
        "TextItem": _object({"text": _TEXT, "source": source}, "text"),
        "PiecesItem": _object({"pieces": pieces, "source": source}, "pieces"),
        "BatchCheck": _object(
            {
                "source": {**source, "description": "Of the checks that name none."},
                "checks": _list({"oneOf": [_ref("TextItem"), _ref("PiecesItem")]}, minItems=1, maxItems=100),
                **shared,
            },
            "source",
            "checks",
        ),
        **_streams(source),
        "Finding": finding,
        "Batch": _object({"results": _list(_ref("Report"))}, "results"),
        "Guardrails": _object({"guardrails": _list(listed)}, "guardrails"),
        "Error": _object({"error": error}, "error"),
    }


def _streams(source: Schema) -> Schema:
    """A piece of a stream, and its answer."""
    return {
        "StreamPiece": _object(
            {
                "call": {"type": "string", "pattern": f"^{CALL}$", "description": "Which text; the client chooses it."},
                "piece": {**_INDEX, "maximum": MOST_PIECES, "description": "0, 1, 2, …; the last one may be sent again."},
                "text": {**_TEXT, "default": "", "description": "What came since the last piece."},
                "final": {"type": "boolean", "default": False, "description": "Whether the text is complete."},
                "source": {**source, "default": Source.OUTPUT.value},
                "guardrail": _GUARDRAIL,
                "version": _VERSION,
            },
            "call", "piece",
        ),
        "StreamAnswer": _object(
            {
                "call": _TEXT,
                "piece": _INDEX,
                "text": {**_TEXT, "description": "What may be shown now, after what was shown already."},
                "held": {**_INDEX, "description": "Characters that wait for more text."},
                "blocked": {"type": "boolean", "description": "Whether the text ends with the policy's message."},
                "ended": {"type": "boolean", "description": "Whether more pieces are refused."},
                "report": _ref("Report"),
            },
            "call", "piece", "text", "held", "blocked", "ended",
        ),
    }  # fmt: skip


def _answers(name: Schema) -> Schema:
    def told(what: str, schema: Schema) -> Schema:
        return {"description": what, "content": {"application/json": {"schema": schema}}}

    errors = {
        "400": "the body cannot be read as it is", "401": "no valid key", "403": "the key may not do this",
        "404": "no such guardrail, version or stream", "405": "another method is meant", "408": "the body came too slowly",
        "409": "the stream cannot go on like this", "413": "the body is too large", "415": "the body is not JSON",
        "429": "a limit of the key is reached: Retry-After says for how long", "503": "too many requests at once",
    }  # fmt: skip
    return {"200": told("the answer", name)} | {code: told(what, _ref("Error")) for code, what in errors.items()}


def _asked(schema: Schema) -> Schema:
    return {"required": True, "content": {"application/json": {"schema": schema}}}


def document() -> Schema:
    """The document; it names no policy."""
    asked = {"oneOf": [_ref("TextCheck"), _ref("PiecesCheck"), _ref("BatchCheck")]}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "onepolicy-guardrails",
            "version": __version__,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "security": [{"bearer": []}, {"header": []}, {}],
        "paths": {
            "/v1/check": {
                "post": {
                    "operationId": "check",
                    "summary": "Check one text, pieces that belong together, or up to 100 of these",
                    "requestBody": _asked(asked),
                    "responses": _answers({"oneOf": [_ref("Report"), _ref("Batch")]}),
                }
            },
            "/v1/check/stream": {
                "post": {
                    "operationId": "check_stream",
                    "summary": "Check a text that comes in pieces; what may be shown so far comes back with each",
                    "requestBody": _asked(_ref("StreamPiece")),
                    "responses": _answers(_ref("StreamAnswer")),
                }
            },
            "/v1/guardrails": {
                "get": {
                    "operationId": "guardrails",
                    "summary": "The guardrails that the caller may use",
                    "responses": _answers(_ref("Guardrails")),
                }
            },
        },
        "components": {
            "schemas": _schemas(),
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer"},
                "header": {"type": "apiKey", "in": "header", "name": "x-api-key"},
            },
        },
    }
