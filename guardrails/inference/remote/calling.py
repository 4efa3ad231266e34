"""Calls to one server: within a time, of a bounded size, to the address that was named and nowhere else."""

from __future__ import annotations

import os
import re
import ssl
import time
import weakref
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any

import httpx
import orjson

from guardrails.breaker import Breaker
from guardrails.errors import DeadlineExceeded, GuardrailsError, Overloaded, RemoteFailed
from guardrails.inference.remote.addresses import in_clear
from guardrails.inference.remote.endpoint import Endpoint, Judged
from guardrails.stores import Memory, shared, window

__all__ = ["Caller", "TooLong", "Unreadable", "in_windows", "probability"]

# Bytes of an answer, at most: the probabilities of a batch, or some words.
_LARGEST = 4 << 20
# Bytes of an error's body that are looked at.
_ERROR = 16 << 10
_CONNECTIONS = 64
# How servers say that a text has more tokens than their model reads.
_TOO_LONG = re.compile(
    rb"maximum (?:context|model) length|must have less than \d+ (?:tokens|characters)|context_length_exceeded"
    rb"|exceed_context_size|exceeds? the (?:available|maximum|model's) context",
    re.IGNORECASE,
)
# A window that is still too long for the server at this many characters is not what is wrong.
_SMALLEST = 64


class TooLong(GuardrailsError):
    """A server's model cannot read a text of that length at once."""


class _Away(Overloaded):
    """Nobody is there who could answer, or who is there has too much to do: only another try can tell."""


class Unreadable(RemoteFailed):
    """A server answered, and not in the form of its profile: that says something about the text, and nothing about the server."""


# Who counts the calls of this process when nothing is shared: rules that ask one server share its budget.
_ALONE = Memory()


class Caller:
    """One server. Connections are kept and shared; no redirect is followed, and no proxy of the environment is used. Thread-safe."""

    def __init__(self, endpoint: Endpoint, pauses: Sequence[float] = ()) -> None:
        """``pauses``: the seconds after which a call that was refused or broken off is made again; only for calls that change nothing.

        Raises GuardrailsError when the key is not set, or would travel in the clear.
        """
        self._pauses = pauses
        self._base = endpoint.url.rstrip("/")
        self._timeout = endpoint.timeout
        self._breaker = Breaker()
        most = endpoint.calls_per_minute
        self._budget = window(f"calls of models:{endpoint.model}:{self._base}:{most}", most, 60.0) if most else None
        headers = {"accept": "application/json", "accept-encoding": "identity"}
        if endpoint.key_env:
            if not (key := os.environ.get(endpoint.key_env)):
                raise GuardrailsError(
                    f"{self._base}: its API key is not set: put it into the environment variable {endpoint.key_env}"
                )
            if in_clear(self._base):
                raise GuardrailsError(f"{self._base}: an API key would be sent in the clear: use https")
            headers["authorization"] = f"Bearer {key}"
        self._client = client = httpx.Client(
            headers=headers,
            verify=_authorities(),
            trust_env=False,
            follow_redirects=False,
            limits=httpx.Limits(max_connections=_CONNECTIONS, max_keepalive_connections=_CONNECTIONS),
        )
        weakref.finalize(self, client.close)

    def __repr__(self) -> str:
        return f"Caller({self._base!r})"

    def ask(self, method: str, path: str, body: Mapping[str, Any] | bytes | None, seconds: float, read: Callable[[Any], Any]) -> Any:  # fmt: skip
        """What ``read`` makes of the JSON that the server answers; where bytes were sent, of its bytes. ``read`` raises RemoteFailed for
        what it should not be.

        Raises TooLong, DeadlineExceeded, Overloaded (the server's, no call left this minute, or nobody who counts them) and RemoteFailed.
        """
        if not self._breaker.admits():
            raise RemoteFailed(f"{self._base} failed several times in a row and is asked again later")
        if self._budget is not None and (shared() or _ALONE).take((self._budget,)) is not None:
            raise Overloaded(f"{self._base}: the calls of this minute are used up")
        try:
            found = self._again(method, path, body, min(self._timeout, seconds), read)
        except (TooLong, Unreadable):
            self._breaker.succeeded()
            raise
        except DeadlineExceeded:
            if seconds >= self._timeout:  # else it was given less time than it may take
                self._breaker.failed()
            raise
        except (Overloaded, RemoteFailed):
            self._breaker.failed()
            raise
        self._breaker.succeeded()
        return found

    def _again(self, method: str, path: str, body: Mapping[str, Any] | bytes | None, seconds: float, read: Callable[[Any], Any]) -> Any:  # fmt: skip
        until = time.monotonic() + seconds
        for pause in self._pauses:
            try:
                return read(self._once(method, path, body, until - time.monotonic()))
            except (_Away, RemoteFailed):
                if time.monotonic() + pause >= until:
                    raise
            time.sleep(pause)
        return read(self._once(method, path, body, until - time.monotonic()))

    def _once(self, method: str, path: str, body: Mapping[str, Any] | bytes | None, seconds: float) -> Any:
        if seconds <= 0:
            raise DeadlineExceeded("no time is left for a call")
        until = time.monotonic() + seconds
        content = body if body is None or isinstance(body, bytes) else orjson.dumps(body)
        raw = isinstance(body, bytes)
        headers = {} if body is None else {"content-type": "application/octet-stream" if raw else "application/json"}
        try:
            with self._client.stream(
                method, self._base + path, content=content, headers=headers, timeout=seconds
            ) as answer:
                status = answer.status_code
                taken = _taken(answer, until, _LARGEST if status == httpx.codes.OK else _ERROR)
        except httpx.TimeoutException:
            raise DeadlineExceeded(f"{self._base} did not answer in time") from None
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError) as error:
            raise RemoteFailed(f"{self._base} could not be asked: {type(error).__name__}") from None
        if status != httpx.codes.OK:
            raise _refusal(self._base, status, taken)
        if raw:
            return taken
        try:
            return orjson.loads(taken)
        except orjson.JSONDecodeError:
            raise RemoteFailed(f"{self._base} answered something that is not JSON") from None


@cache
def _authorities() -> ssl.SSLContext:
    """The authorities of the system, those of an installation among them."""
    return ssl.create_default_context()


def _taken(answer: httpx.Response, until: float, most: int) -> bytes:
    """The body of an answer. Raises DeadlineExceeded and RemoteFailed."""
    if answer.headers.get("content-encoding", "identity") != "identity":
        raise RemoteFailed("an answer came compressed, which was not asked for")
    taken = bytearray()
    for chunk in answer.iter_raw():
        taken += chunk
        if len(taken) > most:
            if answer.status_code != httpx.codes.OK:
                break
            raise RemoteFailed(f"an answer has more than {most} bytes")
        if time.monotonic() > until:
            raise DeadlineExceeded("an answer did not come whole in time")
    return bytes(taken)


def _refusal(base: str, status: int, body: bytes) -> GuardrailsError:
    """The error of an answer that is none. Its body may quote the text, so nothing of it is kept."""
    if status == httpx.codes.TOO_MANY_REQUESTS:
        return Overloaded(f"{base} answered {status}")
    if status == httpx.codes.SERVICE_UNAVAILABLE:
        return _Away(f"{base} answered {status}")
    if 400 <= status < 500 and _TOO_LONG.search(body):
        return TooLong(f"{base} answered {status}")
    return RemoteFailed(f"{base} answered {status}")


def probability(value: Any) -> float:
    """A number from 0 to 1. Raises RemoteFailed for anything else."""
    if isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value <= 1:
        return float(value)
    raise RemoteFailed("an answer holds something else than a probability")


def in_windows(
    text: str,
    size: int,
    batch: int,
    ask: Callable[[Sequence[str]], Sequence[Mapping[str, float]]],
    out: list[Judged] | None = None,
) -> list[Judged]:
    """``text`` in windows of ``size`` characters that overlap by a quarter, ``batch`` of them asked about at once. They are put into ``out`` as they
    come, so that what was judged counts when a later window fails.

    Where they have too many tokens for the server, the windows from there on are half as long: nothing is cut off. Raises what ``ask``
    raises, and RemoteFailed for a server that refuses even short windows.
    """
    out = [] if out is None else out
    start = 0
    while True:
        step = size * 3 // 4
        starts = range(start, max(start + 1, len(text) - size // 4), step)[:batch]
        windows = [(s, min(len(text), s + size)) for s in starts]
        try:
            found = ask([text[s:e] for s, e in windows])
        except TooLong:
            if size <= _SMALLEST:
                raise RemoteFailed("a server's model cannot read even a short text") from None
            size = max(_SMALLEST, size // 2)
            continue
        out += [(s, e, scores) for (s, e), scores in zip(windows, found, strict=True)]
        if windows[-1][1] >= len(text):
            return out
        start = windows[-1][0] + step
