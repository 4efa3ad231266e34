"""Where text sits in the bodies and events of Bedrock's Converse and ConverseStream.

A block is named by the one field it has, so one shape serves all blocks. Documents of text come as base64 too; like
images they are reported as uninspected, since what a format's bytes say is for a reader of that format to tell.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from guardrails.types import Role
from guardrails.wire.shape import By, Delta, Each, Kind, Part, Shape

__all__ = ["ERROR", "EVENT", "REQUEST", "RESPONSE"]

_ROLES = {"system": Role.SYSTEM, "user": Role.USER, "assistant": Role.ASSISTANT}


def _role_of(message: Mapping[str, Any]) -> Role | None:
    """Whose message it is; a role nobody knows is a user's."""
    role = message.get("role")
    return _ROLES.get(role, Role.USER) if isinstance(role, str) else None


def _guarded_role(text: Mapping[str, Any]) -> Role | None:
    """What is tagged as a source that answers rest on is a document, whoever's message it stands in."""
    qualifiers = text.get("qualifiers")
    return Role.DOCUMENT if isinstance(qualifiers, list) and "grounding_source" in qualifiers else None


def _ids(*names: str) -> dict[str, Part]:
    return dict.fromkeys(names, Kind.OPAQUE)


def _texts(*names: str) -> dict[str, Part]:
    return dict.fromkeys(names, Kind.TEXT)


# Where images, videos, sounds and documents come from. The format is beside it; text documents may come as text too.
SOURCE = Shape(
    {
        "bytes": Kind.BINARY,
        "s3Location": Shape({"uri": Kind.REFERENCE, "bucketOwner": Kind.OPAQUE}),
        "text": Kind.TEXT,
        "content": Each(Shape(_texts("text")), joined=True),
    },
    rest=Kind.MEDIA,
)
MEDIA = Shape({**_ids("format"), "source": SOURCE, "error": Shape(_texts("message"))}, rest=Kind.MEDIA)
ASKS_CITATIONS = Shape(_ids("enabled"))
DOCUMENT = Shape(
    {**_ids("format"), **_texts("name", "context"), "source": SOURCE, "citations": ASKS_CITATIONS}, role=Role.DOCUMENT
)
SEARCH_RESULT = Shape(
    {**_texts("source", "title"), "content": Each(Shape(_texts("text")), joined=True), "citations": ASKS_CITATIONS},
    role=Role.TOOL,
)
LOCATION = Shape(
    {
        "web": Shape(_texts("url", "domain")),
        "documentChar": Shape(_ids("documentIndex", "start", "end")),
        "documentPage": Shape(_ids("documentIndex", "start", "end")),
        "documentChunk": Shape(_ids("documentIndex", "start", "end")),
        "searchResultLocation": Shape(_ids("searchResultIndex", "start", "end")),
    }
)
CITATION = Shape(
    {**_texts("title", "source"), "sourceContent": Each(Shape(_texts("text")), joined=True), "location": LOCATION}
)
CACHE_POINT = Shape(_ids("type", "ttl"))
GUARDED = Shape({"text": Shape({**_texts("text"), **_ids("qualifiers")}, role=_guarded_role), "image": MEDIA})
TOOL_CHANGE = Shape({"tool": Shape({**_ids("type"), **_texts("name", "serverName")})})
REASONING = Shape({"reasoningText": Shape({"text": Kind.TEXT, "signature": Kind.SEAL}), "redactedContent": Kind.BINARY})
TOOL_USE = Shape({**_ids("toolUseId", "type"), "name": Kind.TEXT, "input": Kind.TOOL})
RESULT_PART = Shape(
    {
        **_texts("json", "text"),
        "image": MEDIA,
        "video": MEDIA,
        "document": DOCUMENT,
        "searchResult": SEARCH_RESULT,
    }
)
CONTENT = Shape(
    {
        "text": Kind.TEXT,
        "image": MEDIA,
        "video": MEDIA,
        "audio": MEDIA,
        "document": DOCUMENT,
        "toolUse": TOOL_USE,
        "toolResult": Shape(
            {**_ids("toolUseId", "type", "status"), "content": Each(RESULT_PART, joined=True)}, role=Role.TOOL
        ),
        "guardContent": GUARDED,
        "cachePoint": CACHE_POINT,
        "reasoningContent": REASONING,
        "citationsContent": Shape({"content": Each(Shape(_texts("text")), joined=True), "citations": Each(CITATION)}),
        "searchResult": SEARCH_RESULT,
        "toolAddition": TOOL_CHANGE,
        "toolRemoval": TOOL_CHANGE,
    }
)
MESSAGE = Shape({**_ids("role"), "content": Each(CONTENT, joined=True)}, role=_role_of)
TOOL = Shape(
    {
        "toolSpec": Shape(
            {**_ids("name", "strict"), **_texts("description"), "inputSchema": Shape(_texts("json"), rest=Kind.TEXT)},
            role=Role.SYSTEM,
            rest=Kind.TEXT,
        ),
        "systemTool": Shape(_ids("name")),
        "cachePoint": CACHE_POINT,
    }
)
TIERS: dict[str, Part] = {"performanceConfig": Shape(_ids("latency")), "serviceTier": Shape(_ids("type"))}
# The keys of a map are the client's own words, so the map itself has no known names.
VARIABLES = Shape({}, rest=Shape(_texts("text")))

REQUEST = Shape(
    {
        **TIERS,
        "system": By(Role.SYSTEM, Each(CONTENT, joined=True)),
        "messages": Each(MESSAGE, turns=True),
        "inferenceConfig": Shape({**_ids("maxTokens", "temperature", "topP"), "stopSequences": Kind.TEXT}),
        "toolConfig": Shape(
            {
                "tools": Each(TOOL),
                "toolChoice": Shape({"auto": Shape({}), "any": Shape({}), "tool": Shape(_ids("name"))}),
            }
        ),
        "guardrailConfig": Shape(_ids("guardrailIdentifier", "guardrailVersion", "trace", "streamProcessingMode")),
        "additionalModelRequestFields": Kind.TEXT,
        "additionalModelResponseFieldPaths": Kind.OPAQUE,
        "promptVariables": VARIABLES,
        "requestMetadata": Kind.TEXT,
        "outputConfig": Shape(
            {
                **_ids("effort"),
                "textFormat": Shape(
                    {
                        **_ids("type"),
                        "structure": Shape(
                            {"jsonSchema": Shape({**_texts("name", "description"), "schema": Kind.JSON})}
                        ),
                    },
                    role=Role.SYSTEM,
                ),
            }
        ),
    }
)

_COUNTS = ("inputTokens", "outputTokens", "totalTokens", "cacheReadInputTokens", "cacheWriteInputTokens")
AROUND: dict[str, Part] = {
    **TIERS,
    **_ids("stopReason"),
    "usage": Shape(
        {**_ids(*_COUNTS), "cacheDetails": Each(Shape(_ids("ttl", "inputTokens"))), "serverToolUsage": Kind.OPAQUE}
    ),
    "metrics": Shape(_ids("latencyMs")),
    "trace": Shape({"guardrail": Kind.DROP, "promptRouter": Shape(_ids("invokedModelId"))}),
    "additionalModelResponseFields": Kind.TEXT,
}
RESPONSE = Shape({**AROUND, "output": Shape({"message": MESSAGE})})
ERROR = Shape({**_ids("__type", "code", "originalStatusCode"), **_texts("message", "Message", "originalMessage")})

# The fields of all events, which have no name in common; the name of the event is in the frame.
EVENT = Shape(
    {
        **AROUND,
        **ERROR.fields,
        # "p" pads events to hide the length of tokens.
        **_ids("role", "contentBlockIndex", "p"),
        "start": Shape(
            {
                "toolUse": TOOL_USE,
                "toolResult": Shape(_ids("toolUseId", "type", "status")),
                "image": Shape(_ids("format")),
            }
        ),
        "delta": Shape(
            {
                "text": Delta("text"),
                "toolUse": Shape({"input": Delta("input", Kind.JSON)}),
                "toolResult": Each(Shape({"text": Delta("result"), "json": Kind.TEXT}, role=Role.TOOL)),
                "reasoningContent": Shape(
                    {"text": Delta("reasoning"), "signature": Kind.SEAL, "redactedContent": Kind.BINARY}
                ),
                "citation": CITATION,
                "image": MEDIA,
            }
        ),
    }
)
