"""Where text sits in the events of OpenAI responses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from guardrails.types import Role
from guardrails.wire import media
from guardrails.wire.frames import NAME
from guardrails.wire.openai_common import ids, said
from guardrails.wire.openai_responses_shapes import ANNOTATION, SHELL, Say, answer, content, items
from guardrails.wire.shape import Delta, Each, Kind, Part, Repeat, Shape, Switch

__all__ = ["EVENT", "KNOWN"]

_MARKS = ids(
    "type", "sequence_number", "item_id", "output_index", "content_index", "summary_index", "command_index", "status",
    "annotation_index", "partial_image_index", "obfuscation",
)  # fmt: skip


def _event(fields: Mapping[str, Part] | None = None, role: Role | None = None) -> Shape:
    return Shape({**_MARKS, **(fields or {})}, role=role)


def _life(say: Say) -> Shape:
    return _event({"response": answer(say)})


_TEXT = {"logprobs": Kind.DROP}
# The end of a response counts its items from 0, which need not be their `output_index`: the session puts that right.
_EVENTS: dict[str, Shape] = {
    **dict.fromkeys(("response.created", "response.queued", "response.in_progress"), _life(Repeat)),
    **dict.fromkeys(("response.completed", "response.incomplete", "response.failed"), _life(Repeat)),
    "response.output_item.added": _event({"item": items(Delta)}),
    "response.output_item.done": _event({"item": items(Repeat)}),
    "response.content_part.added": _event({"part": content(Delta)}),
    "response.content_part.done": _event({"part": content(Repeat)}),
    "response.reasoning_summary_part.added": _event({"part": content(Delta)}),
    "response.reasoning_summary_part.done": _event({"part": content(Repeat)}),
    "response.output_text.delta": _event({**_TEXT, "delta": Delta("output_text")}),
    "response.output_text.done": _event({**_TEXT, "text": Repeat("output_text")}),
    "response.output_text.annotation.added": _event({"annotation": ANNOTATION}),
    "response.refusal.delta": _event({"delta": Delta("refusal")}),
    "response.refusal.done": _event({"refusal": Repeat("refusal")}),
    "response.reasoning_text.delta": _event({"delta": Delta("reasoning_text")}),
    "response.reasoning_text.done": _event({"text": Repeat("reasoning_text")}),
    "response.reasoning_summary_text.delta": _event({"delta": Delta("summary_text")}),
    "response.reasoning_summary_text.done": _event({"text": Repeat("summary_text")}),
    "response.function_call_arguments.delta": _event({"delta": Delta("arguments", Kind.JSON)}),
    "response.function_call_arguments.done": _event({"arguments": Repeat("arguments", Kind.JSON)}),
    "response.mcp_call_arguments.delta": _event({"delta": Delta("mcp_arguments", Kind.JSON)}),
    "response.mcp_call_arguments.done": _event({"arguments": Repeat("mcp_arguments", Kind.JSON)}),
    "response.custom_tool_call_input.delta": _event({"delta": Delta("input", Kind.TOOL)}),
    "response.custom_tool_call_input.done": _event({"input": Repeat("input", Kind.TOOL)}),
    "response.code_interpreter_call_code.delta": _event({"delta": Delta("code", Kind.TOOL)}),
    "response.code_interpreter_call_code.done": _event({"code": Repeat("code", Kind.TOOL)}),
    "response.shell_call_command.added": _event({"command": Delta("command", Kind.TOOL)}),
    "response.shell_call_command.delta": _event({"delta": Delta("command", Kind.TOOL)}),
    "response.shell_call_command.done": _event({"command": Repeat("command", Kind.TOOL)}),
    "response.shell_call_output_content.delta": _event(
        {"delta": Shape({"stdout": Delta("stdout"), "stderr": Delta("stderr")})}, Role.TOOL
    ),
    "response.shell_call_output_content.done": _event({"output": Each(SHELL)}, Role.TOOL),
    "response.audio.delta": _event({"delta": Kind.BINARY}),
    "response.audio.transcript.delta": _event({"delta": Delta("transcript")}),
    "response.image_generation_call.partial_image": _event(
        {**ids("background", "output_format", "quality", "size"), "partial_image_b64": Kind.BINARY}
    ),
    "error": _event({**ids("code", "param"), **said("message")}),
}


def _with_delta(kind: str, shape: Shape) -> Shape:
    """An event with a delta where its type has none: a text of its own, since there are clients that read every delta."""
    fields = {**shape.fields, "delta": Delta(kind)}
    return shape if "delta" in shape.fields else Shape(fields, shape.role, shape.rest)


_EVENTS = {kind: _with_delta(kind, shape) for kind, shape in _EVENTS.items()}

KNOWN = frozenset(_EVENTS)


def _by_type(value: Any) -> Part:
    kind = value.get("type") if isinstance(value, dict) else None
    if not isinstance(kind, str) or not NAME.fullmatch(kind):
        kind = "delta"
    if kind not in _EVENTS and media.names_media(kind):
        return _event({"delta": Switch(lambda delta: Kind.BINARY if isinstance(delta, str) else Kind.MEDIA)})
    return _EVENTS.get(kind) or _with_delta(kind, Shape(_MARKS, rest=Kind.PART))


EVENT = Switch(_by_type)
