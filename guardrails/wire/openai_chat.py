"""OpenAI chat completions: ``POST …/chat/completions``, also as vLLM, Ollama and most gateways speak it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from guardrails.types import Role
from guardrails.wire.asked import asks_usage
from guardrails.wire.calls import Group
from guardrails.wire.format import OUTSIDE, Event, Format, Request, Route, Session
from guardrails.wire.framing import Frame, Framing
from guardrails.wire.openai_calls import ChatCalls
from guardrails.wire.openai_common import (
    AGAIN,
    FILE_DATA,
    MODERATION_RESULT,
    ids,
    role_of,
    said,
)
from guardrails.wire.patience import PatientChunks
from guardrails.wire.places import Channel, is_index, named, numbered
from guardrails.wire.shape import Delta, Each, Kind, Part, Shape, Switch, by_type
from guardrails.wire.walk import Walk

__all__ = ["MESSAGE", "Chat", "ChatSession", "role_of"]


def _link(**more: Part) -> Switch:
    """An address, alone or in an object."""
    inside = Shape({**ids("detail"), "url": Kind.REFERENCE, **more}, rest=Kind.MEDIA)
    return Switch(lambda value: inside if isinstance(value, dict) else Kind.REFERENCE)


_PART = ids("type", "prompt_cache_breakpoint")
FUNCTION = Shape({**ids("server_name"), "name": Kind.TEXT, "arguments": Kind.JSON})
TOOL_CALL = Shape(
    {
        **ids("id", "type", "index"),
        "function": FUNCTION,
        "custom": Shape({"name": Kind.TEXT, "input": Kind.TOOL}),
    }
)
PART = by_type(
    {
        "text": Shape({**_PART, "text": Kind.TEXT}),
        "refusal": Shape({**_PART, "refusal": Kind.TEXT}),
        "image_url": Shape({**_PART, "image_url": _link()}),
        "video_url": Shape({**_PART, "video_url": _link()}),
        "audio_url": Shape({**_PART, "audio_url": _link()}),
        "input_audio": Shape({**_PART, "input_audio": Shape({**ids("format"), "data": Kind.BINARY}, rest=Kind.MEDIA)}),
        "file": Shape(
            {
                **_PART,
                "file": Shape(
                    {"file_data": FILE_DATA, "file_id": Kind.REFERENCE, "filename": Kind.TEXT}, rest=Kind.MEDIA
                ),
            }
        ),
    },
    default=Kind.PART,
)
MESSAGE = Shape(
    {
        **ids("role", "tool_call_id"),
        "content": Each(PART, joined=True),
        "tool_calls": Each(TOOL_CALL),
        "function_call": FUNCTION,
        "audio": Shape({"id": Kind.REFERENCE}),
        **said("name", "refusal", "reasoning_content"),
    },
    role=role_of,
)
DEVELOPER = Shape({**ids("type", "name", "strict"), **said("custom")}, role=Role.SYSTEM, rest=Kind.TEXT)
SETTINGS = ids(
    "model", "frequency_penalty", "presence_penalty", "logprobs", "max_tokens", "max_completion_tokens", "n", "seed",
    "service_tier", "store", "stream", "temperature", "top_logprobs", "top_p", "parallel_tool_calls", "reasoning_effort",
    "verbosity", "modalities", "prompt_cache_retention", "tool_choice", "function_call",
)  # fmt: skip
_MODERATION = Shape({**ids("type", "model", "code"), "results": Each(MODERATION_RESULT)})
_USAGE = {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}
_LIKE = {"id": str, "created": int, "model": str, "system_fingerprint": str}
ANSWER: dict[str, Part] = {
    **ids(*_LIKE, "object", "obfuscation", "service_tier"),
    "usage": Shape(
        {
            **ids(*_USAGE),
            "prompt_tokens_details": Shape(
                ids("audio_tokens", "cached_tokens", "cache_write_tokens", "image_tokens", "text_tokens")
            ),
            "completion_tokens_details": Shape(
                ids(
                    "accepted_prediction_tokens", "audio_tokens", "reasoning_tokens", "rejected_prediction_tokens",
                    "text_tokens",
                )
            ),
        }
    ),
    "moderation": Shape({"input": _MODERATION, "output": _MODERATION}),
}  # fmt: skip
_CITATION = Shape({**ids("type"), "url_citation": Shape({**ids("start_index", "end_index"), **said("url", "title")})})
_AUDIO = {**ids("id", "expires_at"), **said("transcript")}
# Fields of a delta that are nothing but text of a channel.
_SPOKEN = ("content", "refusal", "reasoning_content", "reasoning")


def _answer(**message: Part) -> Shape:
    choice = Shape({**ids("finish_reason", "index"), **AGAIN, **message})
    return Shape({**ANSWER, **AGAIN, "choices": Each(choice)})


class ChatSession(Session):
    """The choices of one answer: what was sent of each, and the calls that are put together from its chunks."""

    LIKE = _LIKE
    UNSAID: ClassVar[dict[str, Any]] = {"id": "chatcmpl-guardrails", "created": 0, "model": None}
    USAGE = _USAGE

    def __init__(self, format_: type[Format], request: Request) -> None:
        super().__init__(format_, request)
        # The choices of which something was sent, and whether that was their end.
        self._sent: dict[int, bool] = {}
        self._done = False
        self._calls = ChatCalls()

    def replace(self, turn: int, message: str) -> bool:
        said = self.message(turn)
        if said is None or said.get("tool_calls") or said.get("function_call"):
            return False
        kept: dict[str, Any] = {key: said[key] for key in ("role", "tool_call_id") if key in said}
        if said.get("role") == "function" and "name" in said:
            kept["name"] = said["name"]
        said.clear()
        said.update(kept, content=message)
        return True

    def outbound(self, body: Any) -> Walk:
        if isinstance(body, dict):
            self._resemble(body)
            self._count(body.get("usage"))
        return super().outbound(body)

    def framing(self) -> Framing:
        return PatientChunks()

    def goes_on(self, body: Any) -> bool:
        """Not a call that was put together, and no error."""
        choices = body.get("choices") if isinstance(body, dict) else None
        if not isinstance(body, dict) or body.get("error"):
            return False
        deltas = [c.get("delta") for c in (choices if isinstance(choices, list) else ()) if isinstance(c, dict)]
        return not any(isinstance(d, dict) and (d.get("tool_calls") or d.get("function_call")) for d in deltas)

    def gather(self, frame: Frame) -> list[Group]:
        """Calls are taken out of their chunks and said whole when their choice ends, each in a chunk of its own."""
        body = frame.body
        if frame.raw is not None:
            return [*self.rest(), Group([frame])]
        if not isinstance(body, dict):
            return [Group([frame])]
        if body.get("error"):
            self._calls.forget()
            return [Group([frame])]
        self._resemble(body)  # what is said of a call is said under the answer's own id
        choices = body.get("choices")
        numbered(choices)
        groups: list[Group] = []
        taken = False
        for choice in choices if isinstance(choices, list) else [choices]:
            if not isinstance(choice, dict):
                continue
            delta = choice.get("delta")
            taken = (isinstance(delta, dict) and self._calls.take(choice["index"], delta)) or taken
            if choice.get("finish_reason"):
                groups += self._whole(choice["index"])
        if not (taken and _nothing_left(body)):
            groups.append(Group([frame]))
        return groups

    def rest(self) -> list[Group]:
        return [group for choice in self._calls.choices() for group in self._whole(choice)]

    def _whole(self, choice: int) -> list[Group]:
        before = frozenset({("index", choice)})
        deltas = self._calls.whole(choice)
        return [Group([Frame(self._chunk(choice, delta, None))], call=True, before=before) for delta in deltas]

    def number(self, body: Any) -> None:
        """Choices by their positions."""
        numbered(body.get("choices") if isinstance(body, dict) else None)

    def observe(self, body: Any, event: Event) -> None:
        if not isinstance(body, dict):
            return
        self._resemble(body)
        if body.get("usage"):
            self._count(body["usage"])
        choices = body.get("choices")
        closing: set[Channel] = set()
        event.bare = isinstance(choices, list) and bool(choices) and not body.get("usage") and set(body) <= _BARE
        for choice in choices if isinstance(choices, list) else ():
            if not isinstance(choice, dict):
                continue
            if choice.get("finish_reason"):
                closing |= {("index", choice["index"]), OUTSIDE}
            if not _only_text(choice):
                event.bare = False
        event.closes = bool(body.get("error")) or frozenset(closing)

    def delta(self, channel: Channel, text: str) -> Frame:
        name, places = named(channel)
        choice = places.get("index", 0)
        delta: dict[str, Any] = {"audio": {"transcript": text}} if name == "transcript" else {name: text}
        if choice not in self._sent:
            delta = {"role": "assistant", **delta}
        self._sent.setdefault(choice, False)
        return Frame(self._chunk(choice, delta, None))

    def refusal(self, message: str) -> Any:
        return {
            **self._like,
            "object": "chat.completion",
            "choices": [
                {
                    "index": 0,
                    "message": {"role": "assistant", "content": message, "refusal": None},
                    "logprobs": None,
                    "finish_reason": "content_filter",
                }
            ],
            "usage": self._usage,
        }

    def ending(self, message: str) -> list[Frame]:
        if self._done:
            return []
        frames = []
        asked = self.body.get("n") if isinstance(self.body, dict) else None
        wanted = range(min(asked, 128)) if isinstance(asked, int) and not isinstance(asked, bool) else range(1)
        for index in sorted({*wanted, *self._sent}):
            if self._sent.get(index):
                continue
            said: dict[str, Any] = {"content": message}
            if index not in self._sent:
                said = {"role": "assistant", **said}
            frames.append(Frame(self._chunk(index, said, None)))
            frames.append(Frame(self._chunk(index, {}, "content_filter")))
        if frames and asks_usage(self.body):
            frames.append(Frame({**self._like, "object": "chat.completion.chunk", "choices": [], "usage": self._usage}))
        return [*frames, Frame(None, raw="[DONE]")]

    def sent(self, event: Event) -> None:
        """Remember what has been sent of each choice: what was read of a choice may have been held back."""
        frame = event.frame
        if frame.raw is not None:
            self._done = True
            return
        choices = frame.body.get("choices") if isinstance(frame.body, dict) else None
        for choice in choices if isinstance(choices, list) else ():
            if isinstance(choice, dict):
                index = choice["index"] if is_index(choice.get("index")) else 0
                self._sent[index] = self._sent.get(index, False) or bool(choice.get("finish_reason"))

    def _chunk(self, index: int, delta: Mapping[str, Any], finish: str | None) -> dict[str, Any]:
        return {
            **self._like,
            "object": "chat.completion.chunk",
            "choices": [{"index": index, "delta": dict(delta), "logprobs": None, "finish_reason": finish}],
        }


class Chat(Format):
    """Chat completions: messages in, choices out, ``data:`` chunks and ``[DONE]`` in streams."""

    name = "openai.chat"
    routes = (Route("/chat/completions"),)
    session = ChatSession

    REQUEST = Shape(
        {
            **SETTINGS,
            "messages": Each(MESSAGE, turns=True),
            "tools": Each(DEVELOPER),
            "functions": Each(DEVELOPER),
            "response_format": DEVELOPER,
            **said("stop", "metadata", "user", "safety_identifier", "prompt_cache_key"),
            "prediction": Shape({**ids("type"), "content": Each(PART, joined=True)}),
            "logit_bias": Kind.OPAQUE,
            "audio": Shape(ids("voice", "format")),
            "stream_options": Shape(ids("include_usage", "include_obfuscation")),
        }
    )
    RESPONSE = _answer(
        message=Shape(
            {
                **ids("role"),
                "content": Each(PART, joined=True),
                **said("refusal", "reasoning_content", "reasoning"),
                "tool_calls": Each(TOOL_CALL),
                "function_call": FUNCTION,
                "annotations": Each(_CITATION),
                "audio": Shape({**_AUDIO, "data": Kind.BINARY}, rest=Kind.MEDIA),
            }
        )
    )
    EVENT = _answer(
        delta=Shape(
            {
                **ids("role"),
                **{name: Delta(name) for name in _SPOKEN},
                "content": Switch(
                    lambda value: Each(PART, joined=True) if isinstance(value, list | dict) else Delta("content")
                ),
                # Calls come here whole: see :meth:`ChatSession.gather`.
                "tool_calls": Each(TOOL_CALL),
                "function_call": FUNCTION,
                "annotations": Each(_CITATION),
                "audio": Shape({**_AUDIO, "data": Kind.BINARY, "transcript": Delta("transcript")}, rest=Kind.MEDIA),
            }
        )
    )

    @classmethod
    def fits(cls, body: Any) -> bool:
        return isinstance(body, dict) and isinstance(body.get("messages"), list)


_BARE = frozenset(ANSWER) | {"choices"}


def _only_text(choice: Mapping[str, Any]) -> bool:
    """Whether a choice of a chunk carries nothing but texts of channels."""
    delta = choice.get("delta")
    if choice.get("finish_reason") or not isinstance(delta, dict):
        return False
    return set(delta) <= set(_SPOKEN)


def _nothing_left(body: Mapping[str, Any]) -> bool:
    """Whether a chunk has nothing to say once the pieces of calls are taken out."""
    choices = body.get("choices")
    return (
        set(body) <= _BARE
        and not body.get("usage")
        and all(
            isinstance(c, dict)
            and set(c) <= _EMPTY
            and not (c.get("delta") or c.get("finish_reason") or c.get("logprobs"))
            for c in (choices if isinstance(choices, list) else [choices])
        )
    )


_EMPTY = frozenset({"index", "delta", "finish_reason", "logprobs"})
