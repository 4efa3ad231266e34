"""A network that replicas on Ray Serve run, asked over HTTP."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator, Sequence
from typing import Any

from guardrails.errors import DeadlineExceeded, Overloaded, RemoteFailed
from guardrails.inference import frames
from guardrails.inference.networks import Network
from guardrails.inference.remote.calling import Caller
from guardrails.inference.remote.endpoint import Endpoint
from guardrails.inference.store import Manifest
from guardrails.inference.windows import Window

__all__ = ["Served"]

_log = logging.getLogger("guardrails")

# Seconds of a call, at most, and tokens of it: a long text is several calls, so that other callers get their turn.
_TIMEOUT = 5.0
_TOKENS = 8_192
# Seconds before a call is repeated that somebody on the way refused or broke off: what a network says depends on nothing but the
# windows, so it may be asked twice. A replica that was killed is out of the way by then.
_PAUSES = (0.02, 0.1, 0.5, 1.0)


class Served:
    """Asks replicas; while they do not answer, ``local`` if there is one. Thread-safe.

    Every answer names the weights that gave it, and one of other weights than this release ships is none. With ``local`` half of the time
    that is left is kept for it.
    """

    def __init__(self, manifest: Manifest, url: str, width: int, local: Network | None = None) -> None:
        """``width``: logits of a window, at least."""
        self._manifest, self._width, self._local = manifest, width, local
        self._caller = Caller(Endpoint("ray", url, manifest.name, timeout=_TIMEOUT), _PAUSES)
        self._lock = threading.Lock()
        self._read = 0
        self._silent = False
        self.place = f"{url.rstrip('/')}/{manifest.name}"
        self.precision = ""

    @property
    def read(self) -> int:
        """As :attr:`Network.read`."""
        return self._read + (self._local.read if self._local is not None else 0)

    def run(self, windows: Sequence[Window], seconds: float) -> list[Any]:
        """As :meth:`Network.run`."""
        until = time.monotonic() + seconds
        out: list[Any] = []
        for part in _parts(windows):
            out += self._answer("run", part, until)
        return out

    def exact(self, window: Window) -> Any:
        """As :meth:`Network.exact`; takes a few seconds at most."""
        return self._answer("exact", [window], time.monotonic() + _TIMEOUT)[0]

    def _answer(self, what: str, windows: Sequence[Window], until: float) -> list[Any]:
        local, left = self._local, until - time.monotonic()
        try:
            rows = self._ask(what, windows, left if local is None else left / 2)
        except (DeadlineExceeded, Overloaded, RemoteFailed) as error:
            if local is None:
                raise
            self._note(str(error))
            if what == "exact":
                return [local.exact(windows[0])]
            return local.run(windows, until - time.monotonic())
        self._note("")
        if what == "run":
            with self._lock:
                self._read += len(windows)
        return rows

    def _ask(self, what: str, windows: Sequence[Window], seconds: float) -> list[Any]:
        def read(data: bytes) -> list[Any]:
            try:
                return frames.answered(data, windows, self._manifest, self._width)
            except ValueError as error:
                raise RemoteFailed(f"{self.place} answered something else than this release's model: {error}") from None

        # The replica counts from when it has the call; it need not work on what nobody waits for.
        path = f"/{self._manifest.name}/{what}?seconds={min(seconds, _TIMEOUT):.3f}"
        rows: list[Any] = self._caller.ask("POST", path, frames.asks(windows), seconds, read)
        return rows

    def _note(self, why: str) -> None:
        """Say once that the network runs here, and once that it no longer does."""
        if bool(why) == self._silent:
            return
        with self._lock:
            if bool(why) == self._silent:
                return
            self._silent = bool(why)
        if why:
            _log.warning("model %s runs in this process while its replicas do not answer: %s", self._manifest.name, why)
        else:
            _log.warning("model %s: its replicas answer again", self._manifest.name)


def _parts(windows: Sequence[Window]) -> Iterator[Sequence[Window]]:
    start = tokens = 0
    for i, window in enumerate(windows):
        if tokens and tokens + len(window) > _TOKENS:
            yield windows[start:i]
            start, tokens = i, 0
        tokens += len(window)
    if tokens:
        yield windows[start:]
