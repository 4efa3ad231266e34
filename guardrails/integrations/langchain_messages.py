"""LangChain's messages as mappings of OpenAI's chat API."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from langchain_core.messages import BaseMessage, ChatMessage, ToolMessage

__all__ = ["plain"]

_ROLES = {"human": "user", "ai": "assistant", "system": "system", "tool": "tool", "function": "function"}


def plain(message: BaseMessage) -> dict[str, Any]:
    """A message as :class:`guardrails.integrations.turns.Turns` reads it: everything that a provider may be sent of it."""
    role = (
        message.role
        if isinstance(message, ChatMessage)
        else _ROLES.get(message.type.removesuffix("MessageChunk").lower())
    )
    out: dict[str, Any] = {"role": role or "user", "content": message.content}
    if message.name:
        out["name"] = message.name
    if isinstance(message, ToolMessage):
        out["tool_call_id"] = message.tool_call_id
    calls = [*getattr(message, "tool_calls", ()), *getattr(message, "invalid_tool_calls", ())]
    if calls:
        out["tool_calls"] = [_call(c) for c in calls]
    # Calls stand there a second time.
    more = {k: v for k, v in message.additional_kwargs.items() if v and k not in {"tool_calls", "function_call"}}
    return {**out, "additional_kwargs": more} if more else out


def _call(call: Mapping[str, Any]) -> dict[str, Any]:
    args = call["args"]
    written = args if isinstance(args, str) else json.dumps(args or {}, ensure_ascii=False)
    return {"id": call["id"], "type": "function", "function": {"name": call["name"], "arguments": written}}
