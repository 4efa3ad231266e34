"""One case: what the server hands the middleware, and what the application behind it answers. A case is made of its number alone."""

from __future__ import annotations

import json
from copy import deepcopy
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any
from urllib.parse import quote, unquote

from tests.fuzz.answers import SPOKEN, Step, answering
from tests.fuzz.canaries import INPUT
from tests.fuzz.codings import coded
from tests.fuzz.mutate import changed, chunks, damaged, planted, written
from tests.fuzz.samples import SAMPLES
from tests.fuzz.spoken import SPEAKING, asking, split

__all__ = ["KINDS", "Case", "case"]

KINDS = ("body", "framing", "path", "headers", "query", "whole", "stream", "json", "calls")
# How often each kind comes: bodies and answers have most to get wrong.
_WEIGHTS = (27, 7, 8, 9, 5, 14, 20, 5, 5)

Message = dict[str, Any]


@dataclass(slots=True)
class Case:
    """``messages`` are what ``receive`` gives, in order; ``body`` the request's bytes before they were compressed.

    ``setup`` says which middleware of the driver it meets; ``parts`` and ``answer_parts``, whether a text was put into several
    parts of a message; ``fine`` and ``bad`` name the calls of tools that may arrive and those that may not. ``plain`` is the
    same with nothing compressed, where it has to have the same outcome.
    """

    number: str
    kind: str
    sample: int
    setup: int
    scope: Message
    messages: list[Message]
    body: bytes
    steps: list[Step] = field(default_factory=list)
    stream: bool = False
    listens: bool = False
    parts: bool = False
    answer_parts: bool = False
    fine: tuple[str, ...] = ()
    bad: tuple[str, ...] = ()
    plain: Case | None = None

    @property
    def format(self) -> str:
        """What the request was before anything was changed."""
        return SAMPLES[self.sample].format

    def shown(self) -> str:
        """Everything of it, to look at."""
        parts = [f"{self.number} {self.kind} {self.format}, setup {self.setup}"]
        parts += [f"{k}: {self.scope[k]!r}" for k in ("method", "path", "raw_path", "query_string", "headers")]
        return "\n".join([*parts, *map(repr, self.messages), "answered:", *map(repr, self.steps)])


def case(seed: int, number: int) -> Case:
    """The case of this seed and number; always the same."""
    rng = Random(f"{seed}:{number}")
    kind = rng.choices(KINDS, _WEIGHTS)[0]
    at = rng.choice(SPEAKING) if kind in SPOKEN else rng.randrange(len(SAMPLES))
    sample = SAMPLES[at]
    stream = kind == "stream" or rng.random() < (0.6 if kind in SPOKEN else 0.3)
    body, parts = b"", False
    if sample.body is not None:
        body, parts = _body(rng, kind, deepcopy(sample.body), stream=stream, format=sample.format)
    sent, coding, right = body, None, True
    if sample.method == "POST" and rng.random() < 0.1:
        coding, sent, right = coded(rng, body)
    raw, path = _path(rng, kind, sample.path)
    scope: Message = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": _method(rng, kind, sample.method),
        "scheme": "http",
        "path": path,
        "raw_path": raw,
        "query_string": _query(rng, kind, sample.query),
        "root_path": "",
        "headers": _headers(rng, kind, sent, sample.method, coding),
        "client": rng.choice((("10.0.0.1", 5000), None)),
        "server": ("chat.example", 80),
        "state": {},
    }
    messages = _messages(rng, kind, sent)
    said = answering(rng, kind, at, stream=stream)
    one = Case(
        f"{seed}:{number}", kind, at, rng.randrange(3), scope, messages, body, said.steps, stream, rng.random() < 0.1,
        parts, said.parts, said.fine, said.bad,
    )  # fmt: skip
    if right and kind not in ("framing", "headers") and (coding is not None or said.plain is not None):
        one.plain = _uncoded(one, said.plain or said.steps) if coding is not None else replace(one, steps=said.plain)
    return one


def _uncoded(one: Case, steps: list[Step]) -> Case:
    """The same request with nothing compressed."""
    length = str(len(one.body)).encode()
    headers = [
        (k, length if k == b"content-length" else v) for k, v in one.scope["headers"] if k != b"content-encoding"
    ]
    message = {"type": "http.request", "body": one.body, "more_body": False}
    return replace(one, scope={**one.scope, "headers": headers}, messages=[message], steps=steps)


def _body(rng: Random, kind: str, value: Any, *, stream: bool, format: str) -> tuple[bytes, bool]:
    """The request's body, and whether a text was put into several parts of it."""
    if stream and isinstance(value, dict) and not format.startswith(("bedrock", "gemini")):
        value["stream"] = True
    elif format.startswith("ollama") and isinstance(value, dict) and (kind in SPOKEN or rng.random() < 0.5):
        value["stream"] = False
    if kind in SPOKEN:
        return json.dumps(asking(rng, format, value) if kind == "json" else value).encode(), False
    odd = kind == "body"
    if (odd or kind in ("whole", "stream")) and rng.random() < 0.15:
        word = (
            rng.choice((INPUT.blocked, INPUT.masked, INPUT.card, INPUT.mail))
            if odd
            else rng.choice((INPUT.mail, INPUT.masked))
        )
        if split(rng, value, word):
            return written(rng, value).encode("utf-8", "surrogatepass"), True
    if kind in ("whole", "stream"):
        if rng.random() < 0.2:
            value = planted(rng, value, INPUT, rng.choice((INPUT.mail, INPUT.seen, INPUT.masked)))
        return json.dumps(value).encode(), False
    if rng.random() < (0.9 if odd else 0.2):
        value = changed(rng, value, rng.choice((1, 1, 2, 3, 5)) if odd else 1)
    for _ in range(rng.choice((0, 1, 1, 2, 3))):
        value = planted(rng, value, INPUT)
    data = written(rng, value).encode("utf-8", "surrogatepass")
    if rng.random() < (0.25 if odd else 0.03):
        for _ in range(rng.choice((1, 1, 2, 4))):
            data = damaged(rng, data)
    return data, False


def _messages(rng: Random, kind: str, body: bytes) -> list[Message]:
    pieces = chunks(rng, body) if rng.random() < 0.6 else [body]
    messages: list[Message] = [{"type": "http.request", "body": p, "more_body": True} for p in pieces]
    messages[-1]["more_body"] = False
    if kind == "framing":
        at = rng.randrange(len(messages) + 1)
        match rng.randrange(7):
            case 0:
                messages.insert(at, {"type": "http.disconnect"})
            case 1:
                messages[-1]["more_body"] = True  # … and then the client is gone
            case 2:
                messages[at - 1]["more_body"] = False  # the rest comes when nobody reads any more
            case 3:
                messages[at - 1].pop("body")
            case 4:
                messages[at - 1].pop("more_body")
            case 5:
                messages.append({"type": "http.request", "body": planted_bytes(rng), "more_body": rng.random() < 0.5})
            case _:
                messages = [{"type": "http.request", "body": b"", "more_body": True}] * rng.choice((1, 50)) + messages
    return messages


def planted_bytes(rng: Random) -> bytes:
    """A small body that holds a canary."""
    return json.dumps({"messages": [{"role": "user", "content": rng.choice(INPUT.texts)}]}).encode()


# -- around the body ---------------------------------------------------------------------------------------------------


def _method(rng: Random, kind: str, method: str) -> str:
    if kind == "path" and rng.random() < 0.2:
        return rng.choice(
            (
                "GET",
                "HEAD",
                "OPTIONS",
                "PUT",
                "PATCH",
                "DELETE",
                "TRACE",
                "CONNECT",
                "post",
                "Post",
                "PROPFIND",
                "X",
                "",
            )
        )
    return method


_SEGMENTS = ("..", ".", "%2e%2e", "%2E", "", "%2f", "%5c", "\\", ";x=1", "%00", "%0a", "é", "%c3%a9", "%ff", "%", "%zz", "%25", "%2525", "x y",
             "health", "docs", "v1", "V1", "http:", "a" * 300, "~", "@", "?", "#", "*", "%7e", "%61", "\t", "\x80", "\u2028")  # fmt: skip


def _path(rng: Random, kind: str, path: str) -> tuple[bytes | None, str]:
    """The raw path, and the decoded one."""
    if kind != "path":
        return path.encode(), unquote(path)
    parts = path[1:].split("/")
    for _ in range(rng.choice((0, 1, 1, 2))):
        at = rng.randrange(len(parts) + 1)
        if rng.random() < 0.4:  # a prefix of the application's own, which any path may have
            parts.insert(
                0,
                rng.choice(
                    (
                        "api",
                        "v2",
                        "~me",
                        "a.b",
                        *(t.replace(" ", rng.choice(("", "-", "+", "_", "."))) for t in INPUT.texts),
                    )
                ),
            )
            continue
        odd = rng.choice(
            (*_SEGMENTS, *(quote(t, safe="@") for t in INPUT.texts), *(t.replace(" ", "+") for t in INPUT.texts))
        )
        match rng.randrange(6):
            case 0:
                parts.insert(at, odd)
            case 1:
                parts[at - 1] = odd
            case 2:
                parts[at - 1] += odd
            case 3:
                parts[at - 1] = odd + parts[at - 1]
            case 4 if "gemini" in path or "/model/" in path:
                parts[-2 if "/model/" in path else -1] = odd + rng.choice(
                    ("", ":generateContent", ":streamGenerateContent", ":countTokens")
                )
            case _:
                parts[at - 1] = rng.choice(
                    (parts[at - 1].upper(), parts[at - 1].title(), parts[at - 1].replace("/", "%2F"))
                )
    text = "/" + "/".join(parts)
    text = rng.choice(
        (text, text, text, text, text + "/", "/" + text, text[1:], "http://chat.example" + text, text + "?x=1", "*", "")
    )
    if rng.random() < 0.12:
        text = rng.choice(("/health/a", "/health/a/../../v1/messages", "/health/%2e%2e", "/health/a%2Fb", "/health/a/b", "/health/", "/health//a",
                           "/Health/a", "/health/a?x", "/x/health/a", "/health/a;b", "/docs", "/docs/", "/docs/x", "/openapi.json"))  # fmt: skip
    raw = text.encode("utf-8")
    decoded = unquote(text)
    match rng.randrange(16):
        case 0:
            return None, decoded
        case 1:
            return raw, path  # a server that lies
        case 2:
            return path.encode(), decoded
        case 3:
            return raw, text  # … or does not decode
    return raw, decoded


def _query(rng: Random, kind: str, query: str) -> bytes:
    if kind != "query":
        return query.encode()
    if rng.random() < 0.4:
        return b"&".join(
            [query.encode()] * bool(query)
            + [
                rng.choice(
                    (b"key=abc-1", b"alt=json", b"api-version=2026-01-01", b"%24alt=sse", b"stream=1", b"alt=SSE")
                )
            ]
        )
    pieces = [query] if query and rng.random() < 0.7 else []
    for _ in range(rng.choice((1, 1, 2, 40))):
        name = rng.choice(
            ("alt", "$alt", "key", "api-version", "stream", "q", "", "ALT", quote(rng.choice(INPUT.texts)))
        )
        value = rng.choice(("sse", "json", "1", "", "2026-01-01", "%73se", "a+b", "%", "%zz", "%ff", "é", "&", "=", "sse;x", "\x00", "a" * 500,
                            *(quote(t, safe="@") for t in INPUT.texts), *(t.replace(" ", "+") for t in INPUT.texts)))  # fmt: skip
        pieces.append(rng.choice((f"{name}={value}", name, value, f"{name}=={value}", f"{name}[]={value}")))
    return rng.choice(("&", "&", ";", "&&")).join(pieces).encode("utf-8")


_TYPES = (b"application/json", b"Application/JSON", b"application/json; charset=utf-8", b"application/json;charset=UTF-8", b'application/json; charset="utf-8"',
          b"application/json; charset=utf-16", b"application/json; charset=utf-7", b"application/json; charset=latin-1", b"application/json, text/plain",
          b"application/json; boundary=x", b"application/vnd.api+json", b"text/json", b"text/plain", b"multipart/form-data; boundary=x",
          b"application/x-www-form-urlencoded", b"application/octet-stream", b"", b"*/*", b"application/json\x00", b"application/jsonx", b" application/json ",
          b"application/json;", b"text/event-stream", b"application/xml", b"\xff")  # fmt: skip


def _headers(rng: Random, kind: str, body: bytes, method: str, coding: bytes | None) -> list[tuple[bytes, bytes]]:
    length = str(len(body)).encode()
    headers = [(b"host", b"chat.example"), (b"user-agent", b"fuzz"), (b"accept-encoding", b"gzip, br")]
    if method == "POST":
        headers += [(b"content-type", b"application/json"), (b"content-length", length)]
    if coding is not None:
        headers.append((b"content-encoding", coding))
    if kind != "headers":
        return headers
    for _ in range(rng.choice((1, 1, 2, 3))):
        match rng.randrange(12):
            case 0 | 1:
                headers = [(k, rng.choice(_TYPES) if k == b"content-type" else v) for k, v in headers]
            case 2:
                headers.append((b"content-type", rng.choice(_TYPES)))
            case 3:
                headers = [h for h in headers if h[0] != rng.choice((b"content-type", b"content-length", b"host"))]
            case 4:
                lies = (
                    b"0",
                    b"1",
                    b"-1",
                    b"+5",
                    b"1e3",
                    b"0x10",
                    b"9" * 18,
                    b"9" * 40,
                    b"",
                    b" 5",
                    b"5, 5",
                    b"\xd9\xa1",
                    length + b"0",
                    length,
                )
                headers = [(k, rng.choice(lies) if k == b"content-length" else v) for k, v in headers]
            case 5:
                headers.append((b"content-length", rng.choice((length, b"0", b"7"))))
            case 6:
                headers.append(
                    (b"transfer-encoding", rng.choice((b"chunked", b"gzip, chunked", b"identity", b"xchunked")))
                )
            case 7:
                headers.append(
                    (
                        b"content-encoding",
                        rng.choice((b"gzip", b"identity", b"IDENTITY", b"", b"br, gzip", b"\xff", b"deflate")),
                    )
                )
            case 8:
                headers.append(
                    (rng.choice((b"x-guardrails-action", b"x-guardrails-decision-id", b"x-guardrails-off")), b"NONE")
                )
            case 9:
                headers = [(rng.choice((k, k.upper(), k.title(), k.replace(b"-", b"_"))), v) for k, v in headers]
            case 10:
                headers += [(b"x-%d" % i, b"y" * 50) for i in range(rng.choice((5, 300)))]
            case _:
                headers.append(
                    (
                        rng.choice(
                            (
                                b"expect",
                                b"content-md5",
                                b"digest",
                                b"range",
                                b"connection",
                                b"upgrade",
                                b"cookie",
                                b"\xff",
                                b"",
                            )
                        ),
                        b"\xe9\x00x",
                    )
                )
    rng.shuffle(headers)
    return headers
