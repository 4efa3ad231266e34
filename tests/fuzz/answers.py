"""What an application answers, wrong in every way that an application or its upstream can be wrong."""

from __future__ import annotations

import gzip
import json
import zlib
from random import Random
from typing import Any

from tests.fuzz.canaries import OUTPUT
from tests.fuzz.mutate import changed, chunks, damaged, planted, written
from tests.fuzz.samples import ANSWERS, SAMPLES, Said, form_of, said
from tests.fuzz.streams import stream as stream_of

__all__ = ["Boom", "Step", "answering"]

# A message to send, or an exception to raise.
Step = dict[str, Any] | Exception


class Boom(Exception):
    """An application that fails."""


_STATUSES = (200, 200, 200, 201, 204, 205, 206, 301, 304, 400, 404, 429, 500, 503, 599)


def answering(rng: Random, kind: str, at: int, *, stream: bool) -> list[Step]:
    """The messages the application sends, in order."""
    sample = SAMPLES[at]
    reply = said(at, rng.randrange(len(ANSWERS)), rng.choice((3, 8, 40)))
    odd = kind in ("whole", "stream")
    form = form_of(sample, stream=stream)
    status, content_type = 200, "application/json"
    if reply.events is not None and form.streaming:
        content_type = form.framing().content_type
        data = stream_of(rng, reply, content_type, odd=odd)
    else:
        status, data = _whole(rng, reply, odd=odd)
    headers = [(b"content-type", content_type.encode()), (b"content-length", str(len(data)).encode())]
    if odd:
        if rng.random() < 0.12:
            status = rng.choice(_STATUSES)
        headers, data = _headers(rng, headers, data)
    body: list[Step] = [
        {"type": "http.response.body", "body": piece, "more_body": True}
        for piece in (chunks(rng, data) if rng.random() < 0.7 else [data])
    ]
    _last(body[-1])
    steps: list[Step] = [{"type": "http.response.start", "status": status, "headers": headers}, *body]
    return _disturbed(rng, steps) if odd and rng.random() < 0.15 else steps


def _last(step: Step) -> None:
    if isinstance(step, dict):
        step["more_body"] = False


def _whole(rng: Random, reply: Said, *, odd: bool) -> tuple[int, bytes]:
    failed = rng.random() < 0.15
    text = reply.error if failed else reply.whole
    status = rng.choice((400, 404, 429, 500)) if failed else 200
    if not odd:
        return status, text.encode()
    value = json.loads(text)
    if rng.random() < 0.7:
        value = changed(rng, value, rng.choice((1, 1, 2, 4)))
    for _ in range(rng.choice((0, 1, 1, 2))):
        value = planted(rng, value, OUTPUT)
    data = written(rng, value).encode("utf-8", "surrogatepass")
    return status, damaged(rng, data) if rng.random() < 0.12 else data


# -- around the body ---------------------------------------------------------------------------------------------------

_KINDS = (b"application/json", b"application/json; charset=utf-8", b"text/event-stream", b"text/event-stream; charset=utf-8", b"application/x-ndjson", b"text/plain",
          b"text/html", b"application/octet-stream", b"image/png", b"application/problem+json", b"", b"APPLICATION/JSON", b"text/event-streamx",
          b"application/vnd.amazon.eventstream", b"\xff", b"application/json, text/plain", b"audio/mpeg")  # fmt: skip


def _headers(rng: Random, headers: list[tuple[bytes, bytes]], data: bytes) -> tuple[list[tuple[bytes, bytes]], bytes]:
    if rng.random() < 0.12:
        headers = [(k, rng.choice(_KINDS) if k == b"content-type" else v) for k, v in headers]
    if rng.random() < 0.05:
        headers = [h for h in headers if h[0] != b"content-type"]
    if rng.random() < 0.05:
        headers.append((b"content-type", rng.choice(_KINDS)))
    if rng.random() < 0.06:
        coding = rng.choice((b"gzip", b"deflate", b"identity", b"br", b"zstd", b"gzip, gzip", b"x-gzip", b"\xff", b""))
        headers.append((b"content-encoding", coding))
        if rng.random() < 0.7:
            data = gzip.compress(data, mtime=0) if b"gzip" in coding else zlib.compress(data)
        if rng.random() < 0.3:
            data = damaged(rng, data)
        if rng.random() < 0.1:
            data = gzip.compress(bytes(3_000_000), mtime=0)
    if rng.random() < 0.1:
        name = rng.choice(
            (
                b"content-length",
                b"transfer-encoding",
                b"etag",
                b"trailer",
                b"x-guardrails-action",
                b"x-guardrails-decision-id",
                b"content-md5",
                b"Content-Encoding",
                b"x-guardrails-degraded",
            )
        )
        headers.append((name, rng.choice((b"0", b"chunked", b"NONE", b"identity"))))
    return headers, data


def _disturbed(rng: Random, steps: list[Step]) -> list[Step]:
    """Steps in a wrong order, left out, said twice, or cut off by an exception."""
    at = rng.randrange(len(steps))
    more: dict[str, Any] = {
        "type": "http.response.body",
        "body": rng.choice((b"", b"harbour heron", b"data: harbour heron\n\n", b"]")),
        "more_body": rng.random() < 0.5,
    }
    match rng.randrange(9):
        case 0:
            return [*steps[:at], Boom("harbour heron")]
        case 1:
            return [*steps, more]
        case 2:
            return steps[:at]  # … and returns
        case 3:
            return [*steps[:at], {"type": "http.response.pathsend", "path": "/etc/passwd"}, *steps[at:]]
        case 4:
            return [
                *steps[:at],
                {"type": "http.response.trailers", "headers": [(b"x", b"harbour heron")], "more_trailers": False},
                *steps[at:],
            ]
        case 5:
            return [steps[0], *steps]
        case 6:
            return steps[1:]
        case 7:
            return [*steps, *steps]
        case _:
            return [*steps, Boom("later")]
