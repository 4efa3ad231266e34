"""Ollama's own API: ``POST /api/chat`` and ``POST /api/generate``. Answers are JSON lines unless the request says no."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar

from guardrails.types import Role
from guardrails.wire.calls import Group
from guardrails.wire.format import Event, Format, Request, Route, Session
from guardrails.wire.framing import NDJSON, Frame, Framing
from guardrails.wire.openai_common import role_of
from guardrails.wire.places import Channel, named
from guardrails.wire.runs import Runs
from guardrails.wire.shape import By, Delta, Each, Kind, Part, Shape, Whole
from guardrails.wire.slots import Mode

__all__ = ["OPTIONS", "OllamaChat", "OllamaGenerate", "ids"]


def ids(names: str) -> dict[str, Part]:
    """Fields that hold ids, enums or numbers."""
    return dict.fromkeys(names.split(), Kind.OPAQUE)


OPTIONS = Shape(
    {
        **ids(
            "num_ctx num_batch num_gpu main_gpu num_thread num_keep num_predict seed temperature top_k top_p min_p tfs_z"
            " typical_p repeat_last_n repeat_penalty presence_penalty frequency_penalty penalize_newline mirostat mirostat_tau"
            " mirostat_eta numa low_vram f16_kv logits_all vocab_only use_mmap use_mlock embedding_only draft_num_predict"
        ),
        "stop": Kind.TEXT,
    }
)
_SETTINGS: dict[str, Part] = {
    **ids("model stream keep_alive think logprobs top_logprobs truncate shift raw width height steps"),
    "options": OPTIONS,
    "format": By(Role.SYSTEM),
}
_ANSWER: dict[str, Part] = {
    **ids(
        "model created_at done done_reason total_duration load_duration prompt_eval_count prompt_eval_duration eval_count"
        " eval_duration remote_model remote_host completed total"
    ),
    "logprobs": Kind.DROP,
}


# What every event of a stream has.
_EVERY = frozenset({"model", "created_at", "message"})


def _calls() -> Each:
    function = Shape({"name": Kind.TEXT, "description": Kind.TEXT, "arguments": Kind.TOOL, "index": Kind.OPAQUE})
    return Each(Shape({**ids("id type"), "function": function}))


class OllamaSession(Session):
    """What both routes have in common."""

    # The fields of an event that continue a text, in the order in which their texts follow each other.
    TEXTS: tuple[str, ...]

    LIKE: ClassVar[dict[str, Any]] = {"model": str, "created_at": str}
    UNSAID: ClassVar[dict[str, Any]] = {"model": None, "created_at": "1970-01-01T00:00:00Z"}

    def __init__(self, format_: type[Format], request: Request) -> None:
        super().__init__(format_, request)
        self._runs = Runs()

    @property
    def streaming(self) -> bool:
        """A stream unless the request says ``false``."""
        return self.body.get("stream") is not False

    def framing(self) -> Framing:
        return NDJSON()

    def event(self, frame: Frame) -> Event:
        """What follows a call of a tool is a text of its own, and so are thoughts that follow words of the answer."""
        event = super().event(frame)
        if not isinstance(frame.body, dict):
            return event
        body = frame.body
        self._resemble(body)
        said = self._said(body)
        closes: set[Channel] = set()
        for name in self.TEXTS:
            if said.get(name):
                channel = self._runs.channel((name,))
                for slot in event.walk.slots:
                    if slot.mode is Mode.DELTA and slot.channel == (name,):
                        slot.channel = channel
                if name == self.TEXTS[-1]:
                    closes |= self._runs.close(k for k in self._runs.opened() if k != (name,))
        if said.get("tool_calls"):
            closes |= self._runs.close(self._runs.opened())
        event.closes = bool(body.get("done")) or "error" in body or frozenset(closes)
        event.bare = not body.get("done") and not set(body) - {"model", "created_at", "done", "message", *self.TEXTS}
        event.bare = event.bare and not set(said) - {"role", *self.TEXTS, "model", "created_at", "done"}
        return event

    def _said(self, body: Mapping[str, Any]) -> Mapping[str, Any]:
        """The object that holds the texts of an event."""
        raise NotImplementedError

    def _saying(self, name: str, text: str) -> dict[str, Any]:
        """The fields of an event that say ``text``."""
        raise NotImplementedError

    def delta(self, channel: Channel, text: str) -> Frame:
        name, _ = named(channel)
        return Frame({**self._like, **self._saying(name, text), "done": False})

    def refusal(self, message: str) -> Any:
        return {**self._like, **self._saying(self.TEXTS[-1], message), **_end()}

    def ending(self, message: str) -> list[Frame]:
        said = Frame({**self._like, **self._saying(self.TEXTS[-1], message), "done": False})
        return [said, Frame({**self._like, **self._saying(self.TEXTS[-1], ""), **_end()})]

    def error(self, status: int, message: str, code: str) -> Any:  # noqa: ARG002 - this API says no more
        return {"error": message}


def _end() -> dict[str, Any]:
    # The API has no reason for an answer that was withheld; clients know `stop` and `length`.
    counts = (
        "total_duration",
        "load_duration",
        "prompt_eval_count",
        "prompt_eval_duration",
        "eval_count",
        "eval_duration",
    )
    return {"done": True, "done_reason": "stop", **dict.fromkeys(counts, 0)}


class OllamaChatSession(OllamaSession):
    """Texts and calls stand in a message."""

    TEXTS = ("thinking", "content")

    def replace(self, turn: int, message: str) -> bool:
        """Images lie beside the text and go with it."""
        said = self.message(turn)
        if said is None or said.get("tool_calls"):
            return False
        for name in ("images", "thinking"):
            said.pop(name, None)
        said["content"] = message
        return True

    def gather(self, frame: Frame) -> list[Group]:
        """An event with several calls is one event a call: one that is blocked does not take those before it along."""
        said = self._said(frame.body) if isinstance(frame.body, dict) else {}
        calls = said.get("tool_calls")
        if frame.raw is not None or not isinstance(calls, list) or len(calls) < 2 or "error" in frame.body:
            return [Group([frame])]
        groups: list[Group] = []
        for i, call in enumerate(calls):
            # The words of the event come before its first call, and what an answer says at its end with the last.
            words = said if i == 0 else {**{k: v for k, v in said.items() if k == "role"}, "content": ""}
            body = {**frame.body, "message": {**words, "tool_calls": [call]}}
            if i + 1 < len(calls):
                body = {**{k: v for k, v in body.items() if k in _EVERY}, "done": False}
            groups.append(Group([replace(frame, body=copy.deepcopy(body))]))
        return groups

    def _said(self, body: Mapping[str, Any]) -> Mapping[str, Any]:
        message = body.get("message")
        return message if isinstance(message, dict) else {}

    def _saying(self, name: str, text: str) -> dict[str, Any]:
        content = {} if name == "content" else {"content": ""}
        return {"message": {"role": "assistant", **content, name: text}}


class OllamaChat(Format):
    """``/api/chat``: messages in, a message out."""

    name = "ollama.chat"
    routes = (Route("/api/chat"),)
    session = OllamaChatSession

    REQUEST = Shape(
        {
            **_SETTINGS,
            "messages": Each(
                Shape(
                    {
                        **ids("role tool_call_id"),
                        "content": Each(Kind.PART, joined=True),
                        "thinking": Kind.TEXT,
                        "tool_name": Kind.TEXT,
                        "images": Kind.BINARY,
                        "tool_calls": _calls(),
                    },
                    role=role_of,
                ),
                turns=True,
            ),
            "tools": By(Role.SYSTEM, Each(Shape(ids("type"), rest=Kind.TEXT))),
        }
    )
    RESPONSE = Shape(
        {
            **_ANSWER,
            "message": Shape(
                {
                    **ids("role"),
                    "content": Kind.PART,
                    "thinking": Kind.TEXT,
                    "images": Kind.BINARY,
                    "tool_calls": _calls(),
                }
            ),
        }
    )
    EVENT = Shape(
        {
            **_ANSWER,
            "message": Shape(
                {
                    **ids("role"),
                    "content": Delta("content"),
                    "thinking": Delta("thinking"),
                    "images": Kind.BINARY,
                    "tool_calls": Whole(_calls()),
                }
            ),
        }
    )

    @classmethod
    def fits(cls, body: Any) -> bool:
        # Without messages the request loads the model, or unloads it.
        return isinstance(body, dict) and isinstance(body.get("messages"), list | None)


class OllamaGenerateSession(OllamaSession):
    """Texts stand in the event itself."""

    TEXTS = ("thinking", "response")

    def _said(self, body: Mapping[str, Any]) -> Mapping[str, Any]:
        return body

    def _saying(self, name: str, text: str) -> dict[str, Any]:
        return {"response": text} if name == "response" else {"response": "", name: text}


class OllamaGenerate(Format):
    """``/api/generate``: a prompt in, a text out. The token ids of the context repeat the whole conversation."""

    name = "ollama.generate"
    routes = (Route("/api/generate"),)
    session = OllamaGenerateSession

    REQUEST = Shape(
        {
            **_SETTINGS,
            "prompt": Each(Kind.TEXT, turns=True),
            "suffix": Kind.TEXT,
            "system": By(Role.SYSTEM, Each(Kind.TEXT, joined=True)),
            "template": By(Role.SYSTEM),
            "images": Kind.BINARY,
            "context": Kind.TOKENS,
        }
    )
    RESPONSE = Shape(
        {**_ANSWER, "response": Kind.TEXT, "thinking": Kind.TEXT, "image": Kind.BINARY, "context": Kind.DROP}
    )
    EVENT = Shape(
        {
            **_ANSWER,
            "response": Delta("response"),
            "thinking": Delta("thinking"),
            "image": Kind.BINARY,
            "context": Kind.DROP,
        }
    )

    @classmethod
    def fits(cls, body: Any) -> bool:
        return isinstance(body, dict) and "messages" not in body and isinstance(body.get("prompt"), str | None)
