"""Where text sits in the messages of MCP, in both directions and in all revisions.

One shape reads every message: what a field means does not depend on the method. Names, addresses, enums, constants and ids are
fixed, since callers match on their spelling; a state or a cursor is its writer's own and passes as it is.
"""

from __future__ import annotations

from typing import Any

from guardrails.wire.shape import Each, Fixed, Kind, Part, Shape, Switch, by_type

__all__ = ["DEFINITIONS", "ERROR", "LISTS", "MESSAGE"]

_NAME = _URI = Fixed(Kind.OPAQUE)
_STATE = Fixed(Kind.STATE)


def _each(names: str, part: Part) -> dict[str, Part]:
    return dict.fromkeys(names.split(), part)


def _ids(names: str) -> dict[str, Part]:
    return _each(names, Fixed(Kind.OPAQUE))


_IMPLEMENTATION_FIELDS: dict[str, Part] = {
    **_ids("name version websiteUrl"),
    "title": Kind.TEXT,
    "description": Kind.TEXT,
}


def _address(value: Any) -> Part:
    """An address is read; what it holds itself (``data:``) is content that nobody can inspect."""
    inline = isinstance(value, str) and value[:5].lower() == "data:"
    return Fixed(Kind.REFERENCE if inline else Kind.OPAQUE)


_ICONS = Each(Shape({**_ids("mimeType theme"), "src": Switch(_address), "sizes": Each(Fixed(Kind.OPAQUE))}))
_IMPLEMENTATION = Shape({**_IMPLEMENTATION_FIELDS, "icons": _ICONS})
# What either side can do: switches, and names of extensions.
_SWITCHES = Shape(_each("listChanged subscribe form url tools context", Kind.UNNAMED))
_CAPABILITIES = Shape(
    {
        **_each("completions logging prompts resources tools roots sampling elicitation", _SWITCHES),
        **_each("experimental extensions tasks", Kind.UNNAMED),
    }
)
_META_PREFIX = "io.modelcontextprotocol/"
_META = Shape(
    {
        "progressToken": Fixed(Kind.OPAQUE),
        **{_META_PREFIX + name: Fixed(Kind.OPAQUE) for name in ("protocolVersion", "logLevel", "subscriptionId")},
        **{_META_PREFIX + name: _IMPLEMENTATION for name in ("clientInfo", "serverInfo")},
        _META_PREFIX + "clientCapabilities": _CAPABILITIES,
        _META_PREFIX + "related-task": Shape({"taskId": Fixed(Kind.OPAQUE)}),
        # W3C Trace Context, which programs add by themselves.
        **_ids("traceparent tracestate"),
    }
)
_ANNOTATIONS = Shape(
    {
        **_ids("priority lastModified readOnlyHint destructiveHint idempotentHint openWorldHint"),
        "audience": Each(Fixed(Kind.OPAQUE)),
        "title": Kind.TEXT,
    }
)

# -- JSON Schema -----------------------------------------------------------------------------------------------------
# Prose (titles, descriptions, comments, examples, defaults, words that no revision knows) is text; what decides whether a value is
# valid is fixed. Keys are a schema's own, and read.
_SCHEMA_FIELDS: dict[str, Part] = {}
_SCHEMA = Shape(_SCHEMA_FIELDS)
_NAMED_SCHEMAS = Shape({}, rest=_SCHEMA)
_SCHEMA_FIELDS |= {
    **_ids(
        "type format pattern $ref $id $schema $anchor $dynamicRef $dynamicAnchor contentEncoding contentMediaType x-mcp-header"
        " minimum maximum exclusiveMinimum exclusiveMaximum multipleOf minLength maxLength minItems maxItems uniqueItems"
        " minProperties maxProperties minContains maxContains readOnly writeOnly deprecated"
    ),
    "const": Fixed(Kind.OPAQUE),
    "enum": Fixed(Kind.OPAQUE),
    "required": Fixed(Kind.OPAQUE),
    "dependentRequired": Fixed(Kind.OPAQUE),
    "$vocabulary": Fixed(Kind.OPAQUE),
    "title": Kind.TEXT,
    "description": Kind.TEXT,
    "$comment": Kind.TEXT,
    "default": Kind.TEXT,
    "examples": Kind.TEXT,
    "enumNames": Each(Kind.TEXT),
    **_each(
        "additionalProperties unevaluatedProperties unevaluatedItems items contains propertyNames not if then else contentSchema",
        _SCHEMA,
    ),
    **_each("allOf anyOf oneOf prefixItems", Each(_SCHEMA)),
    **_each("properties patternProperties $defs definitions dependentSchemas", _NAMED_SCHEMAS),
}

# -- definitions -----------------------------------------------------------------------------------------------------
_DESCRIBED: dict[str, Part] = {
    "name": _NAME,
    "title": Kind.TEXT,
    "description": Kind.TEXT,
    "icons": _ICONS,
    "_meta": _META,
}
_TOOL = Shape(
    {
        **_DESCRIBED,
        "inputSchema": _SCHEMA,
        "outputSchema": _SCHEMA,
        "annotations": _ANNOTATIONS,
        "execution": Shape(_ids("taskSupport")),
    }
)
_PROMPT = Shape({**_DESCRIBED, "arguments": Each(Shape({**_DESCRIBED, "required": Kind.OPAQUE}))})
_RESOURCE = Shape(
    {
        **_DESCRIBED,
        "uri": _URI,
        "uriTemplate": _URI,
        "mimeType": _NAME,
        "size": Kind.OPAQUE,
        "annotations": _ANNOTATIONS,
    }
)
# The lists of a result whose items are judged one by one.
LISTS: dict[str, Part] = {
    "tools": _TOOL,
    "prompts": _PROMPT,
    "resources": _RESOURCE,
    "resourceTemplates": _RESOURCE,
}
DEFINITIONS: dict[str, Part] = {key: Each(part) for key, part in LISTS.items()}

# -- content ---------------------------------------------------------------------------------------------------------
_CONTENTS = Shape({"uri": _URI, "mimeType": _NAME, "text": Kind.TEXT, "blob": Kind.BINARY, "_meta": _META})
_BLOCK_FIELDS: dict[str, Part] = {"type": Kind.OPAQUE, "annotations": _ANNOTATIONS, "_meta": _META}
_MEDIA = Shape({**_BLOCK_FIELDS, "data": Kind.BINARY, "mimeType": _NAME})
_BLOCKS: dict[str, Part] = {}
_BLOCK = by_type(_BLOCKS, default=Kind.PART)
_CONTENT = Each(_BLOCK, joined=True)
_BLOCKS |= {
    "text": Shape({**_BLOCK_FIELDS, "text": Kind.TEXT}),
    "image": _MEDIA,
    "audio": _MEDIA,
    "resource_link": Shape({**_RESOURCE.fields, **_BLOCK_FIELDS}),
    "resource": Shape({**_BLOCK_FIELDS, "resource": _CONTENTS}),
    "tool_use": Shape({**_BLOCK_FIELDS, "id": _NAME, "name": _NAME, "input": Kind.TOOL}),
    "tool_result": Shape(
        {
            **_BLOCK_FIELDS,
            "toolUseId": _NAME,
            "content": _CONTENT,
            "structuredContent": Kind.TEXT,
            "isError": Kind.OPAQUE,
        }
    ),
}
_SAID = Each(Shape({"role": Kind.OPAQUE, "content": _CONTENT, "_meta": _META}))

# -- messages --------------------------------------------------------------------------------------------------------
_TASK = Shape(
    {**_ids("taskId status createdAt lastUpdatedAt ttl pollInterval"), "statusMessage": Kind.TEXT, "_meta": _META}
)
_RESULT_FIELDS: dict[str, Part] = {
    **_ids(
        "resultType isError cacheScope ttlMs protocolVersion model role stopReason action nextTtl taskId status createdAt"
        " lastUpdatedAt ttl pollInterval"
    ),
    "statusMessage": Kind.TEXT,
    "_meta": _META,
    "content": _CONTENT,
    "structuredContent": Kind.TEXT,
    **DEFINITIONS,
    "nextCursor": _STATE,
    "requestState": _STATE,
    "contents": Each(_CONTENTS),
    "messages": _SAID,
    "description": Kind.TEXT,
    "instructions": Kind.TEXT,
    "completion": Shape({"values": Each(Kind.TEXT), "total": Kind.OPAQUE, "hasMore": Kind.OPAQUE}),
    "capabilities": _CAPABILITIES,
    "serverInfo": _IMPLEMENTATION,
    "supportedVersions": Each(Fixed(Kind.OPAQUE)),
    "roots": Each(Shape({"uri": _URI, "name": Kind.TEXT, "_meta": _META})),
    "task": _TASK,
    "tasks": Each(_TASK),
}


def _result(value: Any) -> Part:
    """A person's answer has fields of its own in ``content``, any other result has blocks there."""
    return _ANSWERED if isinstance(value, dict) and "action" in value else _RESULT


_RESULT = Shape(_RESULT_FIELDS)
_PARAMS_FIELDS: dict[str, Part] = {
    **_ids(
        "level progress total requestId includeContext maxTokens temperature mode elicitationId protocolVersion taskId status"
        " createdAt lastUpdatedAt ttl pollInterval progressToken"
    ),
    "statusMessage": Kind.TEXT,
    "_meta": _META,
    "name": _NAME,
    "uri": _URI,
    "url": _URI,
    "arguments": Kind.TOOL,
    "ref": Shape({"type": Kind.OPAQUE, "name": _NAME, "title": Kind.TEXT, "uri": _URI}),
    "argument": Shape({"name": _NAME, "value": Kind.TEXT}),
    "context": Shape({"arguments": Kind.TOOL}),
    "cursor": _STATE,
    "requestState": _STATE,
    "inputResponses": Shape({}, rest=Switch(_result)),
    "logger": Kind.TEXT,
    "data": Kind.TEXT,
    "message": Kind.TEXT,
    "reason": Kind.TEXT,
    "messages": _SAID,
    "systemPrompt": Kind.TEXT,
    "modelPreferences": Shape(
        {
            **_ids("costPriority speedPriority intelligencePriority"),
            "hints": Each(Shape({"name": Kind.OPAQUE})),
        }
    ),
    "stopSequences": Each(Kind.TEXT),
    "tools": DEFINITIONS["tools"],
    "toolChoice": Shape({"mode": Fixed(Kind.OPAQUE)}),
    "requestedSchema": _SCHEMA,
    "notifications": Shape(
        {
            **_ids("toolsListChanged promptsListChanged resourcesListChanged"),
            "resourceSubscriptions": Each(_URI),
        }
    ),
    "task": Shape({"ttl": Kind.OPAQUE}),
    "capabilities": _CAPABILITIES,
    "clientInfo": _IMPLEMENTATION,
}
_PARAMS = Shape(_PARAMS_FIELDS)
# What a server asks of the client's person or model on the way to a result.
_RESULT_FIELDS["inputRequests"] = Shape({}, rest=Shape({"method": _NAME, "params": _PARAMS}))
_ANSWERED = Shape({**_RESULT_FIELDS, "content": Kind.TEXT})
ERROR = Shape({"code": Kind.OPAQUE, "message": Kind.TEXT, "data": Kind.TEXT})
MESSAGE = Shape(
    {
        "jsonrpc": Kind.OPAQUE,
        "id": Fixed(Kind.OPAQUE),
        "method": _NAME,
        "params": _PARAMS,
        "result": Switch(_result),
        "error": ERROR,
    }
)
