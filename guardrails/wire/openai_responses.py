"""OpenAI responses: ``POST …/responses``. Stored responses (``GET``, ``DELETE``, ``cancel``) and answers that are made in the
background are not served: their text would come by a way that nobody inspects."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from guardrails.wire.calls import Blocks, Group, Of
from guardrails.wire.format import Event, Format, Request, Route, Session
from guardrails.wire.framing import Frame, Framing
from guardrails.wire.opaque import opaque
from guardrails.wire.openai_responses_events import EVENT, KNOWN
from guardrails.wire.openai_responses_sent import LAST, Numbered, SentAnswer
from guardrails.wire.openai_responses_shapes import REQUEST, RESPONSE
from guardrails.wire.places import Channel, is_index, named
from guardrails.wire.slots import Mode, Slot, UninspectedPart
from guardrails.wire.walk import Walk

__all__ = ["Responses"]

_USAGE: dict[str, Any] = {
    "input_tokens": 0,
    "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
    "output_tokens": 0,
    "output_tokens_details": {"reasoning_tokens": 0},
    "total_tokens": 0,
}
# The events that continue a channel, by the channel's name.
_DELTAS = {
    "output_text": "response.output_text.delta",
    "refusal": "response.refusal.delta",
    "reasoning_text": "response.reasoning_text.delta",
    "summary_text": "response.reasoning_summary_text.delta",
    "arguments": "response.function_call_arguments.delta",
    "mcp_arguments": "response.mcp_call_arguments.delta",
    "input": "response.custom_tool_call_input.delta",
    "code": "response.code_interpreter_call_code.delta",
    "command": "response.shell_call_command.delta",
    "stdout": "response.shell_call_output_content.delta",
    "stderr": "response.shell_call_output_content.delta",
    "transcript": "response.audio.transcript.delta",
}
_BARE = frozenset(
    {"type", "sequence_number", "item_id", "output_index", "content_index", "summary_index", "command_index"}
    | {"delta", "logprobs", "obfuscation"}
)
# What of an answer is not of the request: the rest repeats settings.
_NEWS = frozenset({"output", "error", "id", "incomplete_details"})


class ResponsesSession(Session):
    """The items of one answer, and what the client knows of them."""

    LIKE: ClassVar[dict[str, Any]] = {"id": str, "created_at": (int, float), "model": str}
    UNSAID: ClassVar[dict[str, Any]] = {"id": "resp_guardrails", "created_at": 0, "model": None}
    USAGE = _USAGE

    def __init__(self, format_: type[Format], request: Request) -> None:
        super().__init__(format_, request)
        self._answer = SentAnswer()
        # Items by their place in the answer, and back.
        self._ids: dict[int, str] = {}
        self._places: dict[str, int] = {}
        self._given: frozenset[str] | None = None
        self._calls = Blocks("output_index")
        self._done: set[int] = set()

    @property
    def unsupported(self) -> str | None:
        """Why this request is not served, None when it is."""
        if isinstance(self.body, dict) and self.body.get("background"):
            return "`background`: an answer that is fetched later would not be inspected; leave it out or send false"
        return None

    def framing(self) -> Framing:
        return Numbered()

    def inbound(self) -> Walk:
        """Log-probabilities of earlier answers are removed: no model reads them."""
        walk = super().inbound()
        walk.drop()
        walk.drops.clear()
        if self.unsupported is not None:
            walk.uninspected.append(UninspectedPart("an answer made in the background", "background"))
        return walk

    def replace(self, turn: int, message: str) -> bool:
        given = self.body.get("input")
        if isinstance(given, str):
            self.body["input"] = message
            return True
        item = given[turn] if isinstance(given, list) else None
        if isinstance(item, str) and isinstance(given, list):
            given[turn] = message
            return True
        if not isinstance(item, dict):
            return False
        kept = {key: item[key] for key in ("type", "id", "call_id", "role", "status", "phase") if opaque(item.get(key))}
        match item.get("type", "message"):
            case "message" if "role" in kept:
                parts = [{"type": "output_text", "text": message, "annotations": []}]
                # An answer of the model with its id is taken back only in the form it had.
                content: Any = parts if "id" in kept and kept["role"] == "assistant" else message
                new = {**kept, "content": content}
            case (
                "function_call_output"
                | "custom_tool_call_output"
                | "local_shell_call_output"
                | "apply_patch_call_output"
            ):
                new = {**kept, "output": message}
            case _:
                return False
        item.clear()
        item.update(new)
        return True

    def outbound(self, body: Any) -> Walk:
        walk = super().outbound(body)
        if isinstance(body, dict):
            self._resemble(body)
            self._count(body.get("usage"))
        self._skip_echo(walk, "")
        return walk

    def goes_on(self, body: Any) -> bool:
        """Deltas, and events that nobody knows."""
        kind = body.get("type") if isinstance(body, dict) else None
        return not isinstance(kind, str) or kind.endswith(".delta") or kind not in KNOWN

    def gather(self, frame: Frame) -> list[Group]:
        """The events of an item by which something is called are held until its last."""
        body = frame.body
        kind = str(body.get("type")) if isinstance(body, dict) else ""
        if frame.raw is not None or kind in LAST - {"error"}:
            return self._calls.take(frame, Of.LAST, None)
        if kind == "error":
            return self._calls.take(frame, Of.FAILED, None)
        index = body.get("output_index") if isinstance(body, dict) else None
        if not is_index(index):
            return self._calls.take(frame, Of.ANY, None)
        if kind == "response.output_item.done":
            self._done.add(index)
            return self._calls.take(frame, Of.END, index)
        item = body.get("item")
        if index in self._done and not isinstance(item, dict):  # of a call that has left
            return self._calls.take(frame, Of.PART, index)
        called = item.get("type") if isinstance(item, dict) else kind.removeprefix("response.").split(".")[0]
        return self._calls.take(frame, Of.CALL if _calls(called) else Of.PART, index)

    def rest(self) -> list[Group]:
        return self._calls.rest()

    def continues(self, body: Any) -> bool:
        """The texts of messages are one text, as readers see them, until another item comes, and so are
        the parts of an item's reasoning and of its summary."""
        match body:
            case {"type": str(kind)} if kind.startswith(_GOING):
                return True
            case {
                "type": "response.content_part.added" | "response.content_part.done",
                "part": {"type": "output_text" | "reasoning_text"},
            }:
                return True
            case {"type": "response.output_item.added" | "response.output_item.done", "item": {"type": "message"}}:
                return True
        return False

    def observe(self, body: Any, event: Event) -> None:
        kind = body.get("type") if isinstance(body, dict) else None
        if not isinstance(kind, str):
            return
        index = body.get("output_index")
        response = body.get("response")
        if isinstance(response, dict):
            self._resemble(response)
            self._place(response.get("output"), event.walk)
            self._skip_echo(event.walk, "response.")
        elif isinstance(index, int):
            item = body.get("item")
            self._name(index, item.get("id") if isinstance(item, dict) else body.get("item_id"))
        event.walk.uninspected = [u for u in event.walk.uninspected if not u.path.endswith(".encrypted_content")]
        event.bare = kind in _DELTAS.values() and set(body) <= _BARE
        event.closes = kind in LAST or self._closing(kind, body)

    def sent(self, event: Event) -> None:
        """Remember the answer as the client knows it."""
        if isinstance(event.frame.body, dict):
            self._answer.take(event.frame.body)

    def delta(self, channel: Channel, text: str) -> Frame:
        name, places = named(channel)
        body: dict[str, Any] = {"type": _DELTAS.get(name, name), **places, "delta": text}
        if name in ("stdout", "stderr"):
            body["delta"] = {name: text}
        if name == "output_text":
            body["logprobs"] = []
        if "output_index" in places and name != "command":
            body["item_id"] = self._ids.get(places["output_index"], "")
        self._answer.take(body)
        return self._frame(body)

    def refusal(self, message: str) -> Any:
        part = {"type": "output_text", "text": message, "annotations": [], "logprobs": []}
        item = {
            "id": "msg_guardrails",
            "type": "message",
            "role": "assistant",
            "status": "incomplete",
            "content": [part],
        }
        return {
            **self._empty("incomplete"),
            "incomplete_details": {"reason": "content_filter"},
            "output": [item],
            "usage": self._usage,
        }

    def opening(self) -> list[Frame]:
        started = ("response.created", "response.in_progress")
        return [self._frame({"type": kind, "response": self._empty("in_progress")}) for kind in started]

    def ending(self, message: str) -> list[Frame]:
        return [self._frame(body) for body in self._answer.end(message, self._empty("incomplete"))]

    def _empty(self, status: str) -> dict[str, Any]:
        return {
            **self._like,
            "object": "response",
            "status": status,
            "error": None,
            "incomplete_details": None,
            "instructions": None,
            "metadata": None,
            "output": [],
            "parallel_tool_calls": True,
            "temperature": None,
            "tool_choice": "auto",
            "tools": [],
            "top_p": None,
            "usage": None,
        }

    def _frame(self, body: dict[str, Any]) -> Frame:
        return Frame({**body, "sequence_number": 0}, name=body["type"])

    def _name(self, index: int, name: object) -> None:
        """Remember which item stands at a place, unless its id would be inspected as text."""
        if isinstance(name, str) and opaque(name):
            self._ids[index] = name
            self._places[name] = index

    def _place(self, output: Any, walk: Walk) -> None:
        """Give the items of a whole answer the places that the events before it gave them."""
        places: dict[int, int] = {}
        for at, item in enumerate(output if isinstance(output, list) else ()):
            name = item.get("id") if isinstance(item, dict) else None
            places[at] = self._places.get(name, at) if isinstance(name, str) else at
        for slot in walk.slots:
            if slot.mode is Mode.REPEAT and isinstance(slot.channel, tuple):
                slot.channel = tuple(
                    (key[0], places.get(key[1], key[1])) if key[0] == "output_index" else key for key in slot.channel
                )

    def _closing(self, kind: str, body: Mapping[str, Any]) -> frozenset[Channel]:
        """The channels that are complete before an event; those that it repeats are so anyway."""
        index, command = body.get("output_index"), body.get("command_index")
        match kind:
            case "response.output_item.done" if isinstance(index, int):
                return frozenset({("output_index", index)})
            case "response.shell_call_output_content.done" if isinstance(index, int) and isinstance(command, int):
                place = (("output_index", index), ("command_index", command))
                return frozenset({("stdout", *place), ("stderr", *place)})
            case "response.audio.transcript.done":
                return frozenset({"transcript"})
            case _:
                return frozenset()

    def _skip_echo(self, walk: Walk, before: str) -> None:
        """Leave out what an answer repeats of its request word for word: it was inspected there, as what it is.

        The settings of an answer lead to no content either, and nobody but the upstream reads what it encrypted.
        """
        if self._given is None:
            self._given = frozenset(_strings(self.body))
        given = self._given

        def news(path: str) -> bool:
            return path.removeprefix(before).split(".")[0].split("[")[0] in _NEWS

        def echoed(slot: Slot) -> bool:
            if slot.path == "(keys)":
                return all(key in given for key in slot.text.split("\n"))
            return not news(slot.path) and slot.mode is Mode.WHOLE and slot.text in given

        walk.slots = [slot for slot in walk.slots if not echoed(slot)]
        walk.uninspected = [u for u in walk.uninspected if news(u.path) and not u.path.endswith(".encrypted_content")]


class Responses(Format):
    """Responses: items in, items out, events that say everything up to four times in streams."""

    name = "openai.responses"
    named = True
    routes = (Route("/responses"),)
    session = ResponsesSession
    REQUEST = REQUEST
    RESPONSE = RESPONSE
    EVENT = EVENT
    parts = frozenset(("output_index", "content_index", "summary_index"))
    joined = True

    @classmethod
    def fits(cls, body: Any) -> bool:
        if not isinstance(body, dict) or "messages" in body:
            return False
        given = body.get("input")
        return isinstance(given, str | list) or (given is None and bool(_WITHOUT_INPUT & set(body)))


# Events that carry a part of a text which other parts may continue, or begin or end one.
_GOING = (
    "response.output_text.",
    "response.reasoning_text.",
    "response.reasoning_summary_text.",
    "response.reasoning_summary_part.",
)

# Tools of the API itself: it runs them whatever a client does, and tells how it gets on.
_OWN = frozenset({"web_search_call", "file_search_call", "code_interpreter_call", "image_generation_call"})
# What the events of calls are named by, besides the types of their items.
_CALLED = frozenset(
    {
        "function_call_arguments",
        "mcp_call_arguments",
        "custom_tool_call_input",
        "shell_call_command",
        "mcp_approval_request",
    }
)


def _calls(kind: object) -> bool:
    """Whether a type of item or of event calls something that may be run once it is announced."""
    return isinstance(kind, str) and kind not in _OWN and (kind.endswith("_call") or kind in _CALLED)


_WITHOUT_INPUT = frozenset({"prompt", "previous_response_id", "conversation"})


def _strings(value: Any) -> Iterator[str]:
    """All strings of a request as it was forwarded, keys and long numbers included."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield key
            yield from _strings(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _strings(inner)
    elif isinstance(value, str):
        yield value
    elif isinstance(value, int | float):
        yield repr(value)
