"""The answer on its way out: held until it is checked, rewritten, and sent in canonical form.

``http.response.start`` waits until the first part of the body may go: once a status is sent, a block can only be said
inside the stream.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from starlette.types import Message, Send

from guardrails.asgi.cors import consent_of
from guardrails.asgi.headers import DEGRADED, FINAL, json_headers, kept, only, ours, without_body
from guardrails.asgi.recording import UNRECORDED, RecordedOnce
from guardrails.decision import Decision
from guardrails.errors import UpstreamLost
from guardrails.exchange import Exchange, StreamedAnswer
from guardrails.types import FailureKind, Source, Uninspected
from guardrails.wire import strict
from guardrails.wire.framing import SSE, Frame, Framing
from guardrails.wire.sniffing import unasked, wanted
from guardrails.wire.strict import BodyLimits, Inflater, Malformed

__all__ = ["Answering"]

_log = logging.getLogger("guardrails")

# Clients try again by themselves after most errors of a server, and each try is another answer that is paid for. The status
# of a dependency that failed (RFC 4918; Bedrock's for errors of a model) is none they repeat; FINAL says so again.
_FINAL_STATUS = 424

Run = Callable[..., Awaitable[Any]]

# What string rules read at once on the event loop: characters, or bytes of a body. Unfolding takes up to 2.5 ms a KB.
_AT_ONCE = 4_096
_NO_BODY = frozenset((204, 205, 304))
_MEDIA_TYPE = re.compile(r"[a-z0-9.+_-]+/[a-z0-9.+_-]+")
# Types whose texts only show when their frames are joined. They are read as the stream that was asked for, or not at all.
_STREAMS = frozenset(("text/event-stream", "application/x-ndjson", "application/vnd.amazon.eventstream"))


class Answering:
    """``send`` for the application: one object an exchange."""

    def __init__(
        self,
        send: Send,
        exchange: Exchange,
        limits: BodyLimits,
        run: Run,
        *,
        refusal: Callable[[Decision], Any] | None,
        stop: Callable[[], None],
        light: bool,
        explain: bool = False,
        record: Callable[[Decision], Awaitable[None]] | None = None,
        reply: Callable[[Any], None] = lambda _: None,
    ) -> None:
        """``reply`` sends the application what answers a request of its own. ``record``: what keeps a decision before it takes effect; raises EvidenceLost where it may not take effect without.
        ``stop`` tells the application that nobody listens any more; ``refusal`` writes the body of a blocked answer.
        ``explain``: whether headers name the rules that fired."""
        self._send = send
        self._exchange = exchange
        self._limits = limits
        self._run = run
        self._refusal = refusal
        self._stop = stop
        self._light = light
        self._explain = explain
        self._reply = reply
        self.recorded = RecordedOnce(record)  # the decision about the answer
        self._start: Message | None = None
        self._headers: list[tuple[bytes, bytes]] = []
        self._started = False
        self._done = False
        self._parts: list[bytes] = []
        self._size = 0
        self._inflater: Inflater | None = None
        self._framing: Framing | None = None
        self._stream: StreamedAnswer | None = None
        self._passing = False
        self._expected = False
        self._undecided = False  # whether what comes may be the stream that was asked for, under another name

    async def __call__(self, message: Message) -> None:
        """What the application sends."""
        if self._done:
            return
        match message["type"]:
            case "http.response.start":
                if self._start is not None:
                    raise RuntimeError("the application started its answer twice")
                try:
                    self._begin(message)
                except Malformed as error:
                    await self._unreadable(error.reason)
            case "http.response.body":
                await self._body(message.get("body", b""), more=bool(message.get("more_body", False)))
            case "http.response.debug" | "http.response.pathsend" | "http.response.zerocopysend" | "http.response.push":
                # A file the server would read itself: nobody could look at it.
                await self._unreadable("the application sent a file, which the server would read itself")
            case _:
                return

    def close(self) -> bool:
        """The application is done, or has failed, or was cancelled: an answer that it left unfinished is decided as far as
        it came, and what was held of it stays here. Returns whether it was unfinished."""
        if self._done:
            return False
        if self._stream is not None:
            self._stream.stop()
        elif self._start is not None and not self._passing:
            self._exchange.unfinished(Source.OUTPUT)
        self._done = True
        return True

    # -- the beginning -----------------------------------------------------------------------------------------------

    def _begin(self, message: Message) -> None:
        self._start = message
        status: int = message["status"]
        given = message.get("headers", ())
        self._headers = self._exchange.headers(without_body(status, given) if status in _NO_BODY else kept(given))
        if status in _NO_BODY:
            self._passing = True
            return
        coding = only(message.get("headers", ()), b"content-encoding")
        if coding not in ("", "identity"):
            self._inflater = Inflater(coding, self._limits.bytes)
        kind = only(message.get("headers", ()), b"content-type").partition(";")[0].strip()
        self._kind = kind
        form = self._exchange.form
        framing = form.framing()
        self._expected = expected = 200 <= status < 300 and form.streaming
        if expected and kind == framing.content_type:
            self._framing = framing
            self._stream = self._exchange.streamed()
        elif kind in _STREAMS:
            raise Malformed(415, f"content-type: a stream of another type than {framing.content_type}, or unasked for")
        elif kind and not _MEDIA_TYPE.fullmatch(kind):
            raise Malformed(415, "content-type: no media type")
        elif expected and (kind != "application/json" or isinstance(framing, SSE)):
            # Clients that asked for a stream read one out of anything.
            self._framing = framing
            self._undecided = True

    async def _body(self, data: bytes, *, more: bool) -> None:
        if self._start is None:
            raise RuntimeError("the application sent a body before its start")
        if self._passing:
            decision = self._exchange.without_body()
            await self._open(self._start["status"], [*self._headers, *self._said(decision)])
            await self._write(b"", more=False)
            return
        try:
            if self._inflater is not None:
                data = self._inflater.feed(data)
                if not more:
                    self._inflater.finish()
            if self._stream is not None:
                await self._events(data, more=more)
                return
            self._keep(data)
            if self._undecided and self._framing is not None:
                begun = b"".join(self._parts)
                stream = wanted(self._framing, begun, more=more)
                if stream:
                    self._headers = [(k, v) for k, v in self._headers if k.lower() != b"content-type"]
                    self._headers.append((b"content-type", self._framing.content_type.encode()))
                    self._stream = self._exchange.streamed()
                    self._parts.clear()
                    self._undecided = False
                    await self._events(begun, more=more)
                    return
                self._undecided = stream is None
            if not more:
                await self._whole(b"".join(self._parts))
        except Malformed as error:
            await self._unreadable(error.reason)

    def _keep(self, data: bytes) -> None:
        self._size += len(data)
        if self._size > self._limits.bytes:
            raise Malformed(
                413, f"the answer is longer than {self._limits.bytes} bytes; raise answer_limits=BodyLimits(bytes=…)"
            )
        self._parts.append(data)

    # -- a whole answer ----------------------------------------------------------------------------------------------

    async def _whole(self, data: bytes) -> None:
        status: int = (self._start or {})["status"]
        ok = 200 <= status < 300
        if not data:
            await self._finish(status, b"", None)
            return
        light = self._light and len(data) <= _AT_ONCE
        if self._kind == "application/json" or self._kind.endswith("+json"):
            body = await self._run(strict.parse_answer, data, self._limits, light=len(data) <= 65_536)
            check = self._exchange.answer if ok else self._exchange.failure
            result, decision = await self._run(check, body, light=light)
            text = strict.dump(result)
        elif (box := self._text(data)) is not None:
            try:  # clients may read JSON whatever it is called
                body = strict.parse_answer(data, self._limits)
            except Malformed:
                if self._expected or unasked(self._exchange.form.framing(), box["text"]):
                    raise Malformed(415, "content-type: a stream in no known framing, or unasked for") from None
                result, decision = await self._run(self._exchange.failure, box, light=light)
                text = result["text"].encode() if not decision.blocked else b""
                if decision.blocked and ok:
                    result = self._exchange.form.refusal(
                        self._exchange.guard.policy.blocked(decision.direction, decision.blocking)
                    )
            else:
                check = self._exchange.answer if ok else self._exchange.failure
                result, decision = await self._run(check, body, light=light)
                text = strict.dump(result)
        else:
            await self._uninspectable(data)
            return
        if decision.blocked and ok:
            await self._blocked(decision, result)
        elif decision.blocked:
            await self._finish(status, strict.dump(result), decision, written=True)
        else:
            await self._finish(status, text, decision)

    def _text(self, data: bytes) -> dict[str, str] | None:
        """The answer as text, whatever it is called: clients may read it so. None for what is no text and is not called one."""
        called = self._kind.startswith("text/") or not self._kind
        if not called and b"\0" in data:
            return None
        try:
            return {"text": data.decode("utf-8")}
        except UnicodeDecodeError:
            if called:
                raise Malformed(400, "the answer is not UTF-8") from None
            return None

    async def _uninspectable(self, data: bytes) -> None:
        """An answer of a type nobody can inspect: the policy decides."""
        if self._exchange.guard.policy.uninspected is Uninspected.BLOCK:
            await self._unreadable(
                "it is of a type that nobody can inspect, and the policy says `uninspected: block`; say `allow` there, or exempt"
                " this route"
            )
            return
        await self._finish((self._start or {})["status"], data, self._exchange.uninspected("an answer of another type"))

    async def _blocked(self, decision: Decision, body: Any) -> None:
        if self._refusal is not None:
            body = self._refusal(decision)
            status = 400 if isinstance(body, dict) and "error" in body else 200
            await self._finish(status, strict.dump(body), decision, written=True)
        else:
            speaks = self._exchange.form.format.speaks
            await self._finish(200 if speaks else _FINAL_STATUS, strict.dump(body), decision, written=True)

    async def _finish(self, status: int, body: bytes, decision: Decision | None, *, written: bool = False) -> None:
        """Send it whole. ``written``: the body is ours, not the upstream's."""
        if not await self.recorded.keep(decision or self._exchange.output):
            status, body, written = 503, self._unrecorded(), True
        said = self._said(decision or self._exchange.output)
        if written:
            consent = consent_of((self._start or {}).get("headers", ()))
            final = (FINAL,) if status == _FINAL_STATUS else ()
            headers = [*json_headers(len(body), None, *final), *consent, *said]
        else:
            headers = [*self._headers, (b"content-length", str(len(body)).encode()), *said]
        await self._open(status, headers)
        await self._write(body, more=False)

    async def _unreadable(self, reason: str) -> None:
        """An answer nobody can read is blocked."""
        _log.warning("an answer (%s) cannot be inspected: %s", self._exchange.form.name, reason)
        decision = self._exchange.refused(Source.OUTPUT, FailureKind.BAD_INPUT, reason)
        if self._started and self._stream is not None:
            await self._frames(self._stream.broken(reason), more=False)
            self._stop()
        else:
            message = "the upstream's answer cannot be inspected: " + reason
            await self._refuse(_FINAL_STATUS, message, "uninspectable", decision)

    async def lost(self) -> bool:
        """The application began an answer and could not end it. Whether the client could still be told so."""
        if self._start is None or self._started or self._done:
            return False
        if self._stream is not None:
            self._stream.stop()
        decision = self._exchange.unfinished(Source.OUTPUT)
        await self._refuse(502, "the upstream broke off before its answer was complete", "upstream_lost", decision)
        return True

    async def _refuse(self, status: int, message: str, code: str, decision: Decision | None = None) -> None:
        body = strict.dump(self._exchange.form.error(status, message, code))
        decision = decision or self._exchange.refused(Source.OUTPUT, FailureKind.UNINSPECTABLE, code)
        await self._finish(status, body, decision, written=True)
        self._stop()

    # -- a stream ----------------------------------------------------------------------------------------------------

    async def _events(self, data: bytes, *, more: bool) -> None:
        framing, stream = self._framing, self._stream
        if framing is None or stream is None:
            return
        frames = framing.feed(data)
        broken: Malformed | None = None
        if not more:
            try:
                frames = [*frames, *framing.finish()]
            except Malformed as error:
                broken = error  # what came before the damage counts, as if it had come earlier
        out: list[Frame] = []
        for frame in frames:
            event, heavy = stream.begin(frame)
            if heavy and not self._quick(stream):
                if out:  # what is safe does not wait for a check
                    await self._frames(out, more=True)
                    out = []
                out += await self._run(stream.settle, event)
            else:
                out += stream.settle(event)
            for body in self._exchange.replies():
                self._reply(body)
            if stream.ended:
                break
        if broken is not None and not stream.ended:
            if out:
                await self._frames(out, more=True)
            raise Malformed(broken.status, broken.reason)
        if not more and not stream.ended:
            out += await self._run(stream.finish, light=self._quick(stream) or not stream.heavy_end)
        if out or not more or stream.ended:
            await self._frames(out, more=more and not stream.ended)
        if stream.ended and more:
            self._stop()

    def _quick(self, stream: StreamedAnswer) -> bool:
        """Whether what is held can be checked where it is: no model is asked, and it is not long."""
        return self._light and stream.held <= _AT_ONCE

    async def _frames(self, frames: Sequence[Frame], *, more: bool) -> None:
        framing, stream = self._framing, self._stream
        if framing is None or stream is None or self._start is None:
            return
        data = b"".join(framing.encode(f) for f in frames)
        if not more and not await self.recorded.keep(stream.record()):  # the verdict over the whole stream
            await self._cut_off()
            return
        if not self._started:
            # The answer's own verdict is not known yet, unless it is blocked already; that a rule failed may be.
            said = self._said(stream.record() if stream.blocked else None)
            if stream.failed_open and DEGRADED not in said:
                said.append(DEGRADED)
            headers = [*self._headers, *said]
            await self._open(self._start["status"], headers)
            data = framing.head() + data
        if not more:
            data += framing.tail()
        await self._write(data, more=more)

    # -- the record --------------------------------------------------------------------------------------------------

    def _unrecorded(self) -> bytes:
        """The body of an answer that may not be passed on, for nobody could show later why."""
        _log.error("an answer (%s) was withheld: its decision cannot be recorded", self._exchange.form.name)
        return strict.dump(self._exchange.form.error(503, UNRECORDED, "evidence_lost"))

    async def _cut_off(self) -> None:
        """A stream whose decision cannot be recorded: an error, or no end where it has begun."""
        if self._started:
            self._done = True
            self._stop()
            raise UpstreamLost("the decision about a stream cannot be recorded")
        await self._finish(503, self._unrecorded(), None, written=True)

    def _said(self, output: Decision | None) -> list[tuple[bytes, bytes]]:
        """Our headers about the request and, as far as it is known, the answer."""
        return ours(self._exchange.input, output, explain=self._explain)

    # -- the wire ----------------------------------------------------------------------------------------------------

    async def _open(self, status: int, headers: list[tuple[bytes, bytes]]) -> None:
        if not self._started:
            self._started = True
            await self._send({"type": "http.response.start", "status": status, "headers": headers})

    async def _write(self, data: bytes, *, more: bool) -> None:
        if not more:
            self._done = True
        await self._send({"type": "http.response.body", "body": data, "more_body": more})
