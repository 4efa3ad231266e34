"""Server-sent events that tell their form what has really left.

What a form reads of a stream may be held back, rewritten or never sent. Where the end of an answer must fit what the client
has seen, the form learns that here, from each frame as it is encoded.
"""

from __future__ import annotations

from collections.abc import Callable

from guardrails.wire.framing import SSE, Frame

__all__ = ["SentEvents"]


class SentEvents(SSE):
    """As :class:`SSE`; ``tell`` is called with each frame, in order, before it is encoded, and may change it."""

    def __init__(self, tell: Callable[[Frame], None]) -> None:
        super().__init__()
        self._tell = tell

    def encode(self, frame: Frame) -> bytes:
        """See :class:`Framing`."""
        self._tell(frame)
        return super().encode(frame)
