"""Where text sits in the bodies and events of Anthropic messages.

One table of blocks serves requests, answers and events; blocks nest (a tool's result holds documents, a document holds
text), and a block of an unknown type is read by what its type ends with. The fields of the API's beta versions are in.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from guardrails.types import Role
from guardrails.wire import media
from guardrails.wire.shape import NOTHING, By, Delta, Each, Kind, Part, Shape, Switch, by_type

__all__ = ["CONTINUED", "ERROR", "EVENT", "REQUEST", "RESPONSE"]

_ROLES = {"system": Role.SYSTEM, "user": Role.USER, "assistant": Role.ASSISTANT}


def _role_of(message: Mapping[str, Any]) -> Role | None:
    """Whose message it is; a role nobody knows is a user's."""
    role = message.get("role")
    return _ROLES.get(role, Role.USER) if isinstance(role, str) else None


def _ids(*names: str) -> dict[str, Part]:
    return dict.fromkeys(names, Kind.OPAQUE)


def _string_or(kind: Kind, part: Part) -> Switch:
    return Switch(lambda value: kind if isinstance(value, str) else part)


CACHE = Shape(_ids("type", "ttl"))
# What any block may have besides its content.
COMMON: dict[str, Part] = {
    **_ids("type", "id", "tool_use_id", "toolset_name", "is_error"),
    "cache_control": CACHE,
    "caller": Shape(_ids("type", "tool_id")),
}
CITATION = Shape(
    {
        **_ids("type", "file_id", "document_index", "search_result_index", "start_char_index", "end_char_index"),
        **_ids("start_page_number", "end_page_number", "start_block_index", "end_block_index"),
        **dict.fromkeys(("cited_text", "document_title", "title", "source", "url"), Kind.TEXT),
        "encrypted_index": Kind.SEAL,
    }
)
# A list of citations, or the switch that asks for them.
CITATIONS = Switch(lambda value: Shape(_ids("enabled")) if isinstance(value, dict) else Each(CITATION))


def _block(value: Any) -> Part:
    kind = value.get("type") if isinstance(value, dict) else None
    if not isinstance(kind, str):
        return Kind.PART
    if kind in BLOCKS:
        return BLOCKS[kind]
    if kind.endswith("tool_use"):
        return TOOL_USE
    return RESULT if kind.endswith("tool_result") else PIECE if media.unknown_part(kind) else OTHER


BLOCK = Switch(_block)
SOURCE = Shape(
    {
        **_ids("type", "media_type"),
        "data": Kind.BINARY,
        "url": Kind.REFERENCE,
        "file_id": Kind.REFERENCE,
        "content": Each(BLOCK, joined=True),
    }
)
TEXT_SOURCE = Shape({**_ids("type", "media_type"), "data": Kind.TEXT})
SOURCES = by_type({"text": TEXT_SOURCE}, default=SOURCE)

# Texts of blocks, named so that their names are not read as somebody's words.
TEXTS: dict[str, Part] = dict.fromkeys(
    ("text", "title", "source", "url", "name", "stdout", "stderr", "lines"), Kind.TEXT
)
# What a server's tool gave back: hits, pages, output of programs, errors.
OTHER = Shape(
    {
        **COMMON,
        **TEXTS,
        "source": Switch(lambda value: SOURCES if isinstance(value, dict) else Kind.TEXT),
        **_ids("error_code", "retrieved_at", "return_code", "file_type", "num_lines", "start_line", "total_lines"),
        **_ids("new_start", "new_lines", "old_start", "old_lines", "is_file_update", "stop_reason"),
        **dict.fromkeys(("error_message", "page_age", "tool_name"), Kind.TEXT),
        "content": Each(BLOCK, joined=True),
        "tool_references": Each(BLOCK, joined=True),
        "encrypted_content": Kind.BINARY,
        "encrypted_stdout": Kind.BINARY,
        "file_id": Kind.REFERENCE,
    }
)
# A block that may hold anything.
PIECE = Shape(
    {**COMMON, **dict.fromkeys(("text", "title", "name"), Kind.TEXT), "content": Each(BLOCK, joined=True)},
    rest=Kind.PART,
)
TOOL_USE = Shape({**COMMON, "name": Kind.TEXT, "server_name": Kind.TEXT, "input": Kind.TOOL})
RESULT = Shape({**COMMON, "content": Each(BLOCK, joined=True)}, role=Role.TOOL)

CONFIG = Shape(_ids("enabled", "defer_loading"))
WHICH_TOOLS = Shape({**_ids("type"), "tools": Each(Shape({**_ids("type"), "name": Kind.TEXT}))})
# A tool's definition, also of the servers' own tools; web tools fetch what nobody here sees, and say so in the answer.
DEFINITION: dict[str, Part] = {
    **_ids("type", "name", "strict", "defer_loading", "eager_input_streaming", "allowed_callers", "max_uses", "model"),
    **_ids("max_content_tokens", "max_tokens", "use_cache", "response_inclusion", "max_characters", "mcp_server_name"),
    **_ids("display_width_px", "display_height_px", "display_number", "enable_zoom", "max_conversation_length"),
    **dict.fromkeys(("description", "input_schema", "input_examples", "allowed_domains", "blocked_domains"), Kind.TEXT),
    "cache_control": CACHE,
    "caching": CACHE,
    "default_config": CONFIG,
    "configs": Shape({}, rest=CONFIG),
    "citations": CITATIONS,
    "url_sources": Shape(dict.fromkeys(("client_tool_results", "server_tool_results", "user_input"), WHICH_TOOLS)),
    "user_location": Shape(
        {"type": Kind.OPAQUE, **dict.fromkeys(("city", "country", "region", "timezone"), Kind.TEXT)}
    ),
}
# A server of others describes its tools itself: its words are a tool's, not the developer's.
LISTED = Each(Shape(DEFINITION, role=Role.TOOL, rest=Kind.TEXT))
TOOL = Shape({**DEFINITION, "tools": LISTED}, role=Role.SYSTEM, rest=Kind.TEXT)
TOOL_CHANGE = Shape(
    {
        **COMMON,
        "tool": Shape({**_ids("type"), "name": Kind.TEXT, "server_name": Kind.TEXT, "definition": TOOL, "tool": TOOL}),
    }
)

COMPACTION: dict[str, Part] = {
    **COMMON,
    "content": Kind.TEXT,
    "encrypted_content": Kind.BINARY,
    "signature": Kind.SEAL,
    "tool_changes": Each(BLOCK, joined=True),
}
BROWSER = Shape(
    {
        **_ids("type", "active", "tab_id", "download_id", "size_bytes"),
        **dict.fromkeys(("title", "url", "path", "error"), Kind.TEXT),
    }
)

BLOCKS: dict[str, Part] = {
    "text": Shape({**COMMON, "text": Kind.TEXT, "citations": CITATIONS}),
    "image": Shape({**COMMON, "source": SOURCES, "transformations": Shape(_ids("oversized_image"))}),
    "document": Shape(
        {**COMMON, "title": Kind.TEXT, "context": Kind.TEXT, "citations": CITATIONS, "source": SOURCES},
        role=Role.DOCUMENT,
    ),
    "search_result": Shape(
        {
            **COMMON,
            "title": Kind.TEXT,
            "source": Kind.TEXT,
            "content": Each(BLOCK, joined=True),
            "citations": CITATIONS,
        },
        role=Role.TOOL,
    ),
    "thinking": Shape({**COMMON, "thinking": Kind.TEXT, "signature": Kind.SEAL}),
    "redacted_thinking": Shape({**COMMON, "data": Kind.BINARY}),
    "compaction": Shape(COMPACTION),
    "container_upload": Shape({**COMMON, "file_id": Kind.REFERENCE}),
    "tool_addition": TOOL_CHANGE,
    "tool_removal": TOOL_CHANGE,
    "mcp_tool_listing": Shape({**COMMON, **_ids("mcp_server_name"), "tools": LISTED}, role=Role.TOOL),
    "browser_state": Shape({**COMMON, **_ids("active_tab_id"), "tabs": Each(BROWSER), "state_changes": Each(BROWSER)}),
    "fallback": Shape({**COMMON, **dict.fromkeys(("from", "to", "trigger"), Shape(_ids("model", "type", "category")))}),
}

MESSAGE = Shape(
    {**_ids("role", "clear_at"), "content": Each(BLOCK, joined=True), "output_config": Shape(_ids("effort"))},
    role=_role_of,
)
# Limits and switches: {"type": …, "value": …}.
SWITCH = Shape(_ids("type", "value", "total", "remaining", "mode"))
FORMAT = Shape({**_ids("type"), "schema": Kind.TEXT}, role=Role.SYSTEM, rest=Kind.TEXT)
OUTPUT = Shape({**_ids("effort"), "format": FORMAT, "task_budget": SWITCH})
THINKING = Shape({**_ids("type", "budget_tokens", "display"), "block_binding": Shape(_ids("prefix_mismatch_behavior"))})

REQUEST = Shape(
    {
        **_ids(
            "model", "max_tokens", "temperature", "top_p", "top_k", "stream", "service_tier", "speed", "inference_geo"
        ),
        **_ids("user_profile_id", "workspace_id", "anthropic_version", "anthropic_beta", "betas"),
        "system": By(Role.SYSTEM, Each(BLOCK, joined=True)),
        "messages": Each(MESSAGE, turns=True),
        "tools": Each(TOOL),
        "tool_choice": Shape(_ids("type", "name", "disable_parallel_tool_use")),
        "stop_sequences": Kind.TEXT,
        "metadata": Shape({"user_id": Kind.TEXT}),
        "cache_control": CACHE,
        "thinking": THINKING,
        "output_format": FORMAT,
        "output_config": OUTPUT,
        "container": _string_or(
            Kind.REFERENCE,
            Shape(
                {"id": Kind.REFERENCE, "skills": Each(Shape({**_ids("type", "version"), "skill_id": Kind.REFERENCE}))}
            ),
        ),
        "mcp_servers": Each(
            Shape(
                {
                    **_ids("type", "name", "authorization_token"),
                    "url": Kind.REFERENCE,
                    "tool_configuration": Shape(_ids("enabled", "allowed_tools")),
                }
            )
        ),
        # The conversation, or the whole of what came before, that lies with the API.
        "thread": Shape({**_ids("type"), "previous_message_id": Kind.REFERENCE}),
        "diagnostics": Shape(_ids("previous_message_id")),
        "context_management": Shape(
            {
                "edits": Each(
                    Shape(
                        {
                            **_ids("type", "exclude_tools", "clear_tool_inputs", "pause_after_compaction"),
                            **dict.fromkeys(("trigger", "clear_at_least"), SWITCH),
                            "keep": _string_or(Kind.OPAQUE, SWITCH),
                            "instructions": Kind.TEXT,
                        }
                    )
                )
            }
        ),
        "compaction": Shape({**_ids("type"), "instructions": Kind.TEXT}),
        "fallbacks": _string_or(
            Kind.OPAQUE,
            Each(Shape({**_ids("model", "speed", "max_tokens"), "output_config": OUTPUT, "thinking": THINKING})),
        ),
        "fallback_credit_token": _string_or(Kind.SEAL, Shape({"mode": Kind.OPAQUE, "token": Kind.SEAL})),
        "billing_policy": Shape(_ids("type", "bill_to")),
    }
)

_COUNTS = (
    "input_tokens", "output_tokens", "cache_creation_input_tokens", "cache_read_input_tokens", "service_tier",
    "inference_geo", "speed", "type", "model",
)  # fmt: skip
_DETAILS: dict[str, Part] = {
    "cache_creation": Shape(_ids("ephemeral_1h_input_tokens", "ephemeral_5m_input_tokens")),
    "server_tool_use": Shape(_ids("web_search_requests", "web_fetch_requests")),
    "output_tokens_details": Shape(_ids("thinking_tokens")),
    "fallback_credit": Shape({"status": Shape({**_ids("type", "reason"), "remove_to_redeem": Kind.TEXT})}),
}
USAGE = Shape({**_ids(*_COUNTS), **_DETAILS, "iterations": Each(Shape({**_ids(*_COUNTS), **_DETAILS}))})
# What a message says about itself when it ends.
STOP: dict[str, Part] = {
    "stop_reason": Kind.OPAQUE,
    "stop_sequence": Kind.TEXT,
    "stop_details": Shape(
        {
            **_ids("type", "category", "recommended_model", "fallback_has_prefill_claim"),
            "explanation": Kind.TEXT,
            "fallback_credit_token": Kind.SEAL,
        }
    ),
    "container": Shape({**_ids("id", "expires_at"), "skills": Each(Shape(_ids("type", "skill_id", "version")))}),
}
AROUND: dict[str, Part] = {
    "usage": USAGE,
    "context_management": Shape(
        {
            "applied_edits": Each(
                Shape(_ids("type", "cleared_input_tokens", "cleared_tool_uses", "cleared_thinking_turns"))
            )
        }
    ),
    "diagnostics": Shape({"cache_miss_reason": Shape(_ids("type", "cache_missed_input_tokens"))}),
    "input_transformations": Each(Shape({**_ids("type", "reason"), "path": Kind.TEXT})),
}
RESPONSE = Shape({**_ids("type", "id", "model", "role"), **STOP, **AROUND, "content": Each(BLOCK, joined=True)})
ERROR = Shape(
    {
        **_ids("type", "request_id"),
        "error": Shape(
            {**_ids("type"), "message": Kind.TEXT, "details": Shape(_ids("error_code", "error_visibility"))}
        ),
    }
)

_STARTED = by_type(
    {
        "text": Shape({**COMMON, "text": Delta("text"), "citations": CITATIONS}),
        "thinking": Shape({**COMMON, "thinking": Delta("thinking"), "signature": Kind.SEAL}),
        "compaction": Shape({**COMPACTION, "content": Delta("compaction")}),
    },
    default=BLOCK,
)
# Clients that do not look at the type of an event or of its delta read the delta all the same, whatever it is called.
CONTINUED: dict[str, Part] = {
    "text": Delta("text"),
    "thinking": Delta("thinking"),
    "partial_json": Delta("input", Kind.JSON),
    "content": Delta("compaction"),
}
_DELTA: dict[str, Part] = {
    **_ids("type", "estimated_tokens"),
    **CONTINUED,
    "signature": Kind.SEAL,
    "citation": CITATION,
    "encrypted_content": Kind.BINARY,
}


def _event(parts: Mapping[str, Part] = NOTHING, *, ends: Mapping[str, Part] = NOTHING) -> Shape:
    return Shape({**_ids("type", "index"), "delta": Shape({**_DELTA, **ends}, rest=Kind.PART), **parts})


EVENT = by_type(
    {
        "message_start": _event({"message": RESPONSE}),
        "content_block_start": _event({"content_block": _STARTED}),
        "message_delta": _event(AROUND, ends=STOP),
        "error": ERROR,
    },
    default=_event(),
)
