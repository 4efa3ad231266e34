"""Server-sent chunks of choices whose finish reason counts when nothing of the choice follows.

Some servers put a reason into every chunk, or into the one between reasoning and answer. So a chunk that has one waits for
what comes next: the reason goes when the choice goes on, and stays when the stream ends.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from guardrails.wire.framing import SSE, Frame
from guardrails.wire.places import is_index

__all__ = ["PatientChunks"]


class PatientChunks(SSE):
    """See the module. Chunks of other choices do not wait."""

    def __init__(self) -> None:
        super().__init__()
        # A chunk with a reason and what came after it that says nothing of a choice, in order.
        self._held: list[Frame] = []

    def feed(self, data: bytes) -> list[Frame]:
        """See :class:`Framing`."""
        return list(self._sorted(super().feed(data)))

    def finish(self) -> list[Frame]:
        """See :class:`Framing`."""
        return [*self._sorted(super().finish()), *self._flush()]

    def _sorted(self, frames: Iterable[Frame]) -> Iterator[Frame]:
        for frame in frames:
            if frame.comment is not None:
                yield frame
                continue
            choices = _choices(frame)
            if frame.raw is not None or (not choices and _error(frame)):
                yield from self._flush()
                yield frame
                continue
            here = {index for index, choice in choices if _speaks(choice)}
            ended = {i for held in self._held for i, choice in _choices(held) if choice.get("finish_reason")}
            if here & ended:
                for held in self._flush():
                    yield _unfinished(held, here)
            if any(choice.get("finish_reason") for _, choice in choices) or (
                self._held and not here and not (choices and {i for i, _ in choices}.isdisjoint(ended))
            ):
                # Of two reasons of one choice, the last counts.
                repeated = {i for i, choice in choices if choice.get("finish_reason")}
                for held in self._held:
                    _unfinished(held, repeated)
                self._held.append(frame)
            else:
                yield frame

    def _flush(self) -> list[Frame]:
        held, self._held = self._held, []
        return held


def _choices(frame: Frame) -> list[tuple[int, dict[str, Any]]]:
    """The choices of a chunk by their numbers, which may be their positions."""
    found = frame.body.get("choices") if isinstance(frame.body, dict) else None
    return [
        (c["index"] if is_index(c.get("index")) else at, c)
        for at, c in enumerate(found if isinstance(found, list) else [found])
        if isinstance(c, dict)
    ]


def _error(frame: Frame) -> bool:
    return not isinstance(frame.body, dict) or bool(frame.body.get("error"))


def _speaks(choice: Mapping[str, Any]) -> bool:
    """Whether a chunk says something of its choice: anything but what it is called, its role and how it ends."""
    said = {**choice, **(choice["delta"] if isinstance(choice.get("delta"), dict) else {})}
    return any(value for name, value in said.items() if name not in _ABOUT)


def _unfinished(frame: Frame, going: Iterable[int]) -> Frame:
    """The frame without the reasons of choices that go on."""
    for index, choice in _choices(frame):
        if index in going and choice.get("finish_reason"):
            choice["finish_reason"] = None
    return frame


_ABOUT = frozenset(
    {"index", "delta", "role", "finish_reason", "native_finish_reason", "stop_reason", "logprobs", "content_filter_results",
     "matched_stop", "token_ids", "seed"}
)  # fmt: skip
