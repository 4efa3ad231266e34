"""Where text sits in the bodies of OpenAI responses.

The same items stand in requests, answers and events; there their texts are whole, begin a channel (an item that was just
added) or repeat one (an item that is done). So items are made by functions of how a channel's text stands: :data:`Say`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from guardrails.types import Role
from guardrails.wire.openai_common import FILE_DATA, MODERATION_RESULT, ids, role_of, said
from guardrails.wire.shape import By, Each, Kind, Part, Shape, Switch, by_type

__all__ = ["ANNOTATION", "REQUEST", "RESPONSE", "SHELL", "Say", "answer", "content", "items"]

# How the text of a channel stands in a place: by the channel's name and kind.
Say = Callable[[str, Kind], Part]


def whole(_: str, kind: Kind) -> Part:
    """It stands alone."""
    return kind


ITEM = ids(
    "id", "type", "status", "call_id", "created_by", "caller", "namespace", "role", "phase", "async", "execution"
)
ANNOTATION = Shape(
    {
        **ids("type", "file_id", "container_id", "index", "start_index", "end_index"),
        **said("url", "title", "filename"),
    }
)
IMAGE = Shape(
    {**ids("type", "detail", "prompt_cache_breakpoint"), "file_id": Kind.REFERENCE, "image_url": Kind.REFERENCE}
)
FILE = Shape(
    {
        **ids("type", "detail", "prompt_cache_breakpoint"),
        "file_data": FILE_DATA,
        "file_id": Kind.REFERENCE,
        "file_url": Kind.REFERENCE,
        "filename": Kind.TEXT,
    }
)
SCREENSHOT = Shape({**ids("type"), "file_id": Kind.REFERENCE, "image_url": Kind.REFERENCE})
SAFETY_CHECKS = Each(Shape({**ids("id", "code"), **said("message")}))
TEXT_FORMAT = Shape(
    {"format": Shape(ids("type", "name", "strict"), rest=Kind.TEXT), "verbosity": Kind.OPAQUE},
    role=Role.SYSTEM,
)

_SKILL = Shape(
    {
        **ids("type", "version"),
        "skill_id": Kind.REFERENCE,
        "source": Shape({**ids("type", "media_type"), "data": Kind.BINARY}),
    }
)
_CONTAINER = Shape(
    {
        **ids("type", "memory_limit"),
        "container_id": Kind.REFERENCE,
        "file_ids": Kind.REFERENCE,
        "skills": Each(_SKILL),
        "network_policy": Shape(ids("type")),
    }
)
# The definition of a tool. What a server, a store or a container holds comes to the model without passing here.
TOOL = Shape(
    {
        **ids(
            "type", "strict", "async", "defer_loading", "allowed_callers", "execution", "server_label", "authorization"
        ),
        **ids("tunnel_id", "require_approval", "max_num_results", "ranking_options", "search_context_size"),
        **ids("search_content_types", "external_web_access", "display_height", "display_width", "action", "background"),
        **ids(
            "complexity", "frame_count", "frame_duration_ms", "input_fidelity", "model", "moderation", "quality", "size"
        ),
        **ids("output_compression", "output_format", "partial_images", "svg"),
        "server_url": Kind.REFERENCE,
        "connector_id": Kind.REFERENCE,
        "vector_store_ids": Kind.REFERENCE,
        "container": Switch(lambda value: Kind.REFERENCE if isinstance(value, str) else _CONTAINER),
        "environment": Switch(lambda value: _CONTAINER if isinstance(value, dict) else Kind.OPAQUE),
        "input_image_mask": Shape({"file_id": Kind.REFERENCE, "image_url": Kind.REFERENCE}),
        "user_location": Shape({**ids("type"), **said("city", "country", "region", "timezone")}),
        **said("server_description", "headers", "allowed_tools", "filters", "output_schema", "tools"),
    },
    rest=Kind.TEXT,
)


SHELL = Shape({**ids("created_by"), **said("stdout", "stderr"), "outcome": Shape(ids("type", "exit_code"))})


_OTHER = Shape(ids("type"), rest=Kind.PART)


def content(say: Say) -> Switch:
    """One part of a message, a tool's output or a reasoning item. A lone string is text."""
    return by_type(
        {
            "input_text": Shape({**ids("type", "prompt_cache_breakpoint"), "text": Kind.TEXT}),
            "input_image": IMAGE,
            "input_file": FILE,
            "input_audio": Shape(
                {**ids("type"), "input_audio": Shape({**ids("format"), "data": Kind.BINARY}, rest=Kind.MEDIA)}
            ),
            "computer_screenshot": SCREENSHOT,
            "output_text": Shape(
                {
                    **ids("type"),
                    "text": say("output_text", Kind.TEXT),
                    "annotations": Each(ANNOTATION),
                    "logprobs": Kind.DROP,
                }
            ),
            "refusal": Shape({**ids("type"), "refusal": say("refusal", Kind.TEXT)}),
            "reasoning_text": Shape({**ids("type"), "text": say("reasoning_text", Kind.TEXT)}),
            "summary_text": Shape({**ids("type"), "text": say("summary_text", Kind.TEXT)}),
        },
        default=Switch(lambda value: _OTHER if isinstance(value, dict) else Kind.TEXT),
    )


def _called(*names: str) -> dict[str, Part]:
    return dict.fromkeys(names, Kind.TOOL)


def _said(fields: Mapping[str, Part] | None = None) -> Shape:
    """An item by which the model calls something."""
    return Shape({**ITEM, "name": Kind.TEXT, **(fields or {})}, role=Role.ASSISTANT, rest=Kind.TOOL)


def _returned(fields: Mapping[str, Part] | None = None) -> Shape:
    """An item by which something answers the model."""
    return Shape({**ITEM, **said("output", "name", "tools", "error", "result"), **(fields or {})}, role=Role.TOOL)


_CODE_OUTPUT = by_type(
    {"image": Shape({**ids("type"), "url": Kind.REFERENCE})}, default=Shape({**ids("type"), **said("logs")})
)
# Items whose texts are no channels of a stream.
_ACTION = Shape(
    {**ids("type", "button", "path", "x", "y", "scroll_x", "scroll_y"), **_called("text", "keys")}, rest=Kind.TOOL
)
_PLAIN_ITEMS: dict[str, Part] = {
    "mcp_list_tools": _returned(ids("server_label")),
    "mcp_approval_request": _said({**ids("server_label"), "arguments": Kind.JSON}),
    "mcp_approval_response": Shape({**ITEM, **ids("approval_request_id", "approve"), **said("reason")}, role=Role.USER),
    "file_search_call": _said(
        {
            "queries": Kind.TOOL,
            "results": By(
                Role.TOOL, Each(Shape({**ids("file_id", "score"), **said("filename", "text", "attributes")}))
            ),
        }
    ),
    "web_search_call": _said(
        {
            "action": Shape(
                {
                    **ids("type"),
                    **_called("query", "queries", "url", "pattern"),
                    "sources": By(Role.TOOL, Each(Shape({**ids("type"), **said("url")}))),
                },
                rest=Kind.TOOL,
            )
        }
    ),
    "computer_call": _said(
        {"action": _ACTION, "actions": Each(_ACTION), "pending_safety_checks": By(Role.TOOL, SAFETY_CHECKS)}
    ),
    "computer_call_output": _returned({"output": SCREENSHOT, "acknowledged_safety_checks": SAFETY_CHECKS}),
    "image_generation_call": _said(
        {
            **ids("action", "background", "output_format", "quality", "size", "svg_usage"),
            "result": Kind.BINARY,
            "error": Shape({**ids("code", "type", "param"), **said("message")}),
            "revised_prompt": Kind.TOOL,
        }
    ),
    "local_shell_call": _said(
        {
            "action": Shape(
                {**ids("type", "timeout_ms"), **_called("command", "env", "user", "working_directory")},
                rest=Kind.TOOL,
            )
        }
    ),
    "local_shell_call_output": _returned(),
    "shell_call_output": _returned(
        {
            **ids("max_output_length"),
            "output": Each(SHELL),
        }
    ),
    "apply_patch_call": _said({"operation": Shape({**ids("type"), **_called("path", "diff")}, rest=Kind.TOOL)}),
    "apply_patch_call_output": _returned(),
    "tool_search_call": _said({"arguments": Kind.TOOL}),
    "tool_search_output": _returned({"tools": Each(TOOL)}),
    "additional_tools": Shape({**ITEM, "tools": Each(TOOL)}, role=Role.SYSTEM),
    "configuration_update": Shape({**ITEM, "reasoning": Kind.OPAQUE, "text": TEXT_FORMAT}, role=Role.SYSTEM),
    "program": _said({"code": Kind.TOOL, "fingerprint": Kind.SEAL}),
    "program_output": _returned(),
    "compaction": _said({"encrypted_content": Kind.BINARY}),
    "item_reference": Shape({**ids("type"), "id": Kind.REFERENCE}),
}


def items(say: Say) -> Switch:
    """One item of a conversation or of an answer."""
    part = content(say)
    known: dict[str, Part] = {
        **_PLAIN_ITEMS,
        "message": Shape({**ITEM, "content": Each(part, place="content_index", joined=True)}, role=role_of),
        "reasoning": _said(
            {
                "summary": Each(part, place="summary_index", joined=True),
                "content": Each(part, place="content_index", joined=True),
                "encrypted_content": Kind.BINARY,
            }
        ),
        "function_call": _said({"arguments": say("arguments", Kind.JSON)}),
        "function_call_output": _returned({"output": Each(part, joined=True)}),
        "custom_tool_call": _said({"input": say("input", Kind.TOOL)}),
        "custom_tool_call_output": _returned({"output": Each(part, joined=True)}),
        "mcp_call": _said(
            {
                **ids("server_label", "approval_request_id"),
                "arguments": say("mcp_arguments", Kind.JSON),
                "output": By(Role.TOOL),
                "error": By(Role.TOOL, Shape({**ids("type", "code"), **said("message", "content")})),
            }
        ),
        "code_interpreter_call": _said(
            {
                **ids("container_id"),
                "code": say("code", Kind.TOOL),
                "outputs": By(Role.TOOL, Each(_CODE_OUTPUT)),
            }
        ),
        "shell_call": _said(
            {
                "action": Shape(
                    {
                        **ids("timeout_ms", "max_output_length"),
                        "commands": Each(say("command", Kind.TOOL), place="command_index"),
                    }
                ),
                "environment": _CONTAINER,
            }
        ),
    }
    unknown = Shape(ITEM, rest=Kind.PART)
    output = _returned(dict.fromkeys(("output", "result"), Kind.PART))

    def choose(value: Any) -> Part:
        if not isinstance(value, dict):
            return Kind.TEXT
        kind = value.get("type")
        if isinstance(kind, str):
            return known.get(kind) or (output if kind.endswith("_output") else unknown)
        if "role" in value:
            return known["message"]
        return known["item_reference"] if set(value) <= {"id", "type"} else unknown

    return Switch(choose)


# What requests set and answers repeat.
SETTINGS: dict[str, Part] = {
    **ids("model", "background", "include", "max_output_tokens", "max_tool_calls", "parallel_tool_calls"),
    **ids(
        "service_tier", "store", "temperature", "top_logprobs", "top_p", "truncation", "prompt_cache_options", "image"
    ),
    **ids("prompt_cache_retention", "access_programs", "context_management", "background_options"),
    "moderation": Shape({**ids("model", "policy"), "input": MODERATION_RESULT, "output": MODERATION_RESULT}),
    **said("metadata", "user", "safety_identifier", "prompt_cache_key"),
    "reasoning": Shape(ids("effort", "summary", "generate_summary", "context", "mode")),
    "previous_response_id": Kind.REFERENCE,
    "conversation": Switch(
        lambda value: Shape({"id": Kind.REFERENCE}) if isinstance(value, dict) else Kind.REFERENCE,
    ),
    "instructions": By(Role.SYSTEM, Each(items(whole), joined=True)),
    "prompt": Shape(
        {"id": Kind.REFERENCE, "version": Kind.OPAQUE, "variables": Shape({}, rest=content(whole))},
    ),
    "tools": By(Role.SYSTEM, Each(TOOL)),
    "tool_choice": By(Role.SYSTEM, Kind.OPAQUE),
    "text": TEXT_FORMAT,
}
INPUT = Each(items(whole), turns=True)
REQUEST = Shape(
    {
        **SETTINGS,
        **ids("stream", "stream_options"),
        "input": INPUT,
    }
)


_USAGE = Shape(
    {
        **ids("input_tokens", "output_tokens", "total_tokens"),
        "input_tokens_details": Shape(ids("cached_tokens", "cache_write_tokens", "cache_write_tokens_details")),
        "output_tokens_details": Shape(ids("reasoning_tokens")),
    }
)


def answer(say: Say) -> Shape:
    """An answer, whole or inside an event."""
    return Shape(
        {
            **SETTINGS,
            **ids("id", "object", "created_at", "completed_at", "status", "tool_usage"),
            "usage": _USAGE,
            "incomplete_details": Shape(ids("reason")),
            **ids("prompt_cache_diagnostics", "input_transformations"),
            "output": Each(items(say), place="output_index", joined=True),
            "error": Shape(
                {**ids("code", "param", "type"), **said("message"), "misalignment": Shape(ids("error_type"))}
            ),
        }
    )


RESPONSE = answer(whole)
