"""What an application answers, wrong in every way that an application or its upstream can be wrong."""

from __future__ import annotations

import json
from dataclasses import dataclass
from random import Random
from typing import Any

from tests.fuzz.canaries import OUTPUT
from tests.fuzz.codings import coded
from tests.fuzz.mutate import changed, chunks, damaged, planted, written
from tests.fuzz.samples import ANSWERS, SAMPLES, Reply, form_of, said
from tests.fuzz.spoken import calls, json_answer, split
from tests.fuzz.streams import encoded
from tests.fuzz.streams import stream as stream_of

__all__ = ["SPOKEN", "Answered", "Boom", "Step", "answering"]

# A message to send, or an exception to raise.
Step = dict[str, Any] | Exception


class Boom(Exception):
    """An application that fails."""


_STATUSES = (200, 200, 200, 201, 204, 205, 206, 301, 304, 400, 404, 429, 500, 503, 599)


# The kinds of cases whose answers are what a model says on purpose.
SPOKEN = ("json", "calls")


@dataclass(slots=True)
class Answered:
    """What an application sends: ``steps``, and ``plain``, the same where those are rightly compressed, else None.

    ``parts``: whether a text was put into several parts of a message; ``fine`` and ``bad``: the names of the calls of tools that
    may arrive and of those that may not."""

    steps: list[Step]
    plain: list[Step] | None = None
    parts: bool = False
    fine: tuple[str, ...] = ()
    bad: tuple[str, ...] = ()


def answering(rng: Random, kind: str, at: int, *, stream: bool) -> Answered:
    """The messages the application sends, in order."""
    odd = kind in ("whole", "stream")
    form = form_of(SAMPLES[at], stream=stream)
    out = Answered([])
    status, content_type = 200, "application/json"
    if kind in SPOKEN:
        if kind == "json":
            whole, events = json_answer(rng, at, stream=stream)
        else:
            whole, events, fine, bad = calls(rng, at, stream=stream)
            out.fine, out.bad = tuple(fine), tuple(bad)
        if events is None:
            data = json.dumps(whole).encode()
        else:
            content_type = form.framing().content_type
            data = encoded(rng, events, content_type, odd=False)
    else:
        reply = said(at, rng.randrange(len(ANSWERS)), rng.choice((3, 8, 40)))
        if reply.events is not None and form.streaming:
            content_type = form.framing().content_type
            data = stream_of(rng, reply, content_type, odd=odd)
        else:
            status, data, out.parts = _whole(rng, reply, odd=odd)
    headers = [(b"content-type", content_type.encode())]
    length = [(b"content-length", str(len(data)).encode())]
    if odd:
        if rng.random() < 0.12:
            status = rng.choice(_STATUSES)
        headers = _headers(rng, headers)
    whole_steps = _steps(rng, status, [*headers, *length], data)
    if (odd or kind in SPOKEN) and rng.random() < 0.1:
        name, pressed, right = coded(rng, data)
        given = [*headers, (b"content-length", str(len(pressed)).encode()), (b"content-encoding", name)]
        out.steps = _steps(rng, status, given, pressed)
        out.plain = whole_steps if right and all(k != b"Content-Encoding" for k, _ in headers) else None
    else:
        out.steps = whole_steps
    if odd and rng.random() < 0.15:
        out.steps, out.plain = _disturbed(rng, out.steps), None
    return out


def _steps(rng: Random, status: int, headers: list[tuple[bytes, bytes]], data: bytes) -> list[Step]:
    body: list[Step] = [
        {"type": "http.response.body", "body": piece, "more_body": True}
        for piece in (chunks(rng, data) if rng.random() < 0.7 else [data])
    ]
    _last(body[-1])
    return [{"type": "http.response.start", "status": status, "headers": headers}, *body]


def _last(step: Step) -> None:
    if isinstance(step, dict):
        step["more_body"] = False


def _whole(rng: Random, reply: Reply, *, odd: bool) -> tuple[int, bytes, bool]:
    failed = rng.random() < 0.15
    text = reply.error if failed else reply.whole
    status = rng.choice((400, 404, 429, 500)) if failed else 200
    if not odd:
        return status, text.encode(), False
    value = json.loads(text)
    word = rng.choice((OUTPUT.blocked, OUTPUT.masked, OUTPUT.card, OUTPUT.mail))
    if not failed and rng.random() < 0.15 and split(rng, value, word):
        return status, written(rng, value).encode(), True
    if rng.random() < 0.7:
        value = changed(rng, value, rng.choice((1, 1, 2, 4)))
    for _ in range(rng.choice((0, 1, 1, 2))):
        value = planted(rng, value, OUTPUT)
    data = written(rng, value).encode("utf-8", "surrogatepass")
    return status, damaged(rng, data) if rng.random() < 0.12 else data, False


# -- around the body ---------------------------------------------------------------------------------------------------

_KINDS = (b"application/json", b"application/json; charset=utf-8", b"text/event-stream", b"text/event-stream; charset=utf-8", b"application/x-ndjson", b"text/plain",
          b"text/html", b"application/octet-stream", b"image/png", b"application/problem+json", b"", b"APPLICATION/JSON", b"text/event-streamx",
          b"application/vnd.amazon.eventstream", b"\xff", b"application/json, text/plain", b"audio/mpeg")  # fmt: skip


def _headers(rng: Random, headers: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    if rng.random() < 0.12:
        headers = [(k, rng.choice(_KINDS) if k == b"content-type" else v) for k, v in headers]
    if rng.random() < 0.05:
        headers = [h for h in headers if h[0] != b"content-type"]
    if rng.random() < 0.05:
        headers.append((b"content-type", rng.choice(_KINDS)))
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
    return headers


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
