"""OpenAI's older completions: ``POST …/completions``, as vLLM and most gateways still speak it."""

from __future__ import annotations

from typing import Any, ClassVar

from guardrails.wire.asked import asks_usage
from guardrails.wire.format import OUTSIDE, Event, Format, Request, Route, Session
from guardrails.wire.framing import Frame, Framing
from guardrails.wire.openai_common import AGAIN
from guardrails.wire.patience import PatientChunks
from guardrails.wire.places import Channel, named, numbered
from guardrails.wire.shape import Delta, Each, Kind, Part, Shape, Switch
from guardrails.wire.vectors import is_numbers

__all__ = ["USAGE", "Completions"]


def _ids(names: str) -> dict[str, Part]:
    return dict.fromkeys(names.split(), Kind.OPAQUE)


_DETAILS = Shape(
    _ids(
        "cached_tokens cache_write_tokens audio_tokens text_tokens image_tokens reasoning_tokens accepted_prediction_tokens"
        " rejected_prediction_tokens"
    )
)
USAGE = Shape(
    {
        **_ids("prompt_tokens completion_tokens total_tokens"),
        "prompt_tokens_details": _DETAILS,
        "completion_tokens_details": _DETAILS,
    }
)
_USAGE = {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}
_LIKE = {"id": str, "created": int, "model": str, "system_fingerprint": str}
_ANSWER: dict[str, Part] = {**_ids("id object created model system_fingerprint service_tier"), "usage": USAGE}


def _choices(text: Part) -> Each:
    return Each(Shape({**_ids("index finish_reason stop_reason"), **AGAIN, "text": text}))


def _prompt(value: Any) -> Part:
    # One prompt is what the model is asked; of several, each is. A list of token ids is one that nobody can inspect.
    return Kind.TOKENS if isinstance(value, list) and is_numbers(value) else Each(Kind.TOKENS, turns=True)


class CompletionsSession(Session):
    """The choices of one answer that are open."""

    LIKE = _LIKE
    UNSAID: ClassVar[dict[str, Any]] = {"id": "cmpl-guardrails", "created": 0, "model": None}
    USAGE = _USAGE

    def __init__(self, format_: type[Format], request: Request) -> None:
        super().__init__(format_, request)
        self._open: dict[int, None] = {}
        self._ended: list[int] = []

    def framing(self) -> Framing:
        return PatientChunks()

    def number(self, body: Any) -> None:
        """Choices by their positions."""
        numbered(body.get("choices") if isinstance(body, dict) else None)

    def observe(self, body: Any, event: Event) -> None:
        if not isinstance(body, dict):
            return
        self._resemble(body)
        if body.get("usage"):
            self._count(body["usage"])
        found = body.get("choices")
        choices = [c for c in found if isinstance(c, dict)] if isinstance(found, list) else []
        # A choice is open as long as its last event has not passed: that event may be blocked.
        for index in self._ended:
            self._open.pop(index, None)
        self._ended.clear()
        closing: set[Channel] = set()
        for choice in choices:
            index = choice["index"]
            if choice.get("finish_reason"):
                closing |= {("index", index), OUTSIDE}
                self._ended.append(index)
            self._open[index] = None
        event.closes = "error" in body or frozenset(closing)
        event.bare = bool(choices) and not closing and not body.get("usage") and all(set(c) <= _PLAIN for c in choices)

    def delta(self, channel: Channel, text: str) -> Frame:
        _, places = named(channel)
        return Frame(self._answer([_choice(places.get("index", 0), text, None)]))

    def refusal(self, message: str) -> Any:
        return {**self._answer([_choice(0, message, "content_filter")]), "usage": dict(_USAGE)}

    def ending(self, message: str) -> list[Frame]:
        choices = [_choice(index, message, "content_filter") for index in list(self._open) or [0]]
        usage = [Frame({**self._answer([]), "usage": self._usage})] if asks_usage(self.body) else []
        return [Frame(self._answer(choices)), *usage, Frame(None, raw="[DONE]")]

    def _answer(self, choices: list[dict[str, Any]]) -> dict[str, Any]:
        return {**self._like, "object": "text_completion", "choices": choices}


class Completions(Format):
    """Completions: prompts in, texts out, ``data:`` chunks and ``[DONE]`` in streams."""

    name = "openai.completions"
    routes = (Route("/completions"),)
    session = CompletionsSession

    REQUEST = Shape(
        {
            **_ids(
                "model best_of echo frequency_penalty logit_bias logprobs max_tokens n presence_penalty seed stream temperature"
                " top_p user"
            ),
            "prompt": Switch(_prompt),
            "prompt_embeds": Kind.BINARY,
            "suffix": Kind.TEXT,
            "stop": Kind.TEXT,
            "stream_options": Shape(_ids("include_usage include_obfuscation continuous_usage_stats")),
        }
    )
    RESPONSE = Shape({**_ANSWER, **AGAIN, "choices": _choices(Kind.TEXT)})
    EVENT = Shape({**_ANSWER, **AGAIN, "choices": _choices(Delta("text")), "obfuscation": Kind.OPAQUE})

    @classmethod
    def fits(cls, body: Any) -> bool:
        return isinstance(body, dict) and "messages" not in body and isinstance(body.get("prompt"), str | list)


_PLAIN = frozenset({"text", "index", "finish_reason", "stop_reason", "logprobs"})


def _choice(index: int, text: str, finish: str | None) -> dict[str, Any]:
    return {"index": index, "text": text, "logprobs": None, "finish_reason": finish}
