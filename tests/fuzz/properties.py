"""What must hold of every case, and what happened in one."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, unquote, unquote_plus

from starlette.routing import compile_path

from guardrails.asgi import DOCS
from guardrails.decision import Decision
from guardrails.types import Source
from tests.fuzz.answers import SPOKEN, Boom, Step
from tests.fuzz.canaries import INPUT, OUTPUT, Canaries, Leaf, found, leaves, raw_found, reported
from tests.fuzz.cases import Case
from tests.fuzz.client import Unreadable, bodies, texts
from tests.fuzz.spoken import arguments, parted, said_json

__all__ = ["EXEMPT", "Ran", "Wrong", "complete", "hold", "short"]

EXEMPT = "GET /health/{name}"
_STREAMS = ("text/event-stream", "application/x-ndjson", "application/vnd.amazon.eventstream")


class Wrong(AssertionError):
    """A property that does not hold. The message is for people who look for the hole: it may quote the canaries."""


@dataclass(slots=True)
class Ran:
    """What happened. ``received``: the application's view, ``(scope, body)``, None when it was not called."""

    sent: list[dict[str, Any]] = field(default_factory=list)
    received: tuple[dict[str, Any], bytes] | None = None
    decisions: list[Decision] = field(default_factory=list)
    raised: BaseException | None = None
    finished: bool = False

    @property
    def status(self) -> int | None:
        """The status that was sent."""
        return self.sent[0]["status"] if self.sent else None

    @property
    def data(self) -> bytes:
        """The body that was sent."""
        return b"".join(m.get("body", b"") for m in self.sent[1:])

    def outcome(self) -> str:
        """In one word, for the figure at the end."""
        if self.received is None:
            blocked = any(d.blocked for d in self.decisions)
            return "blocked" if blocked else "refused" if self.sent else "gone"
        return "answer blocked" if any(d.blocked for d in self.decisions) else "forwarded"


def hold(case: Case, run: Ran) -> None:
    """Properties 1 to 3, 5 and 6 of a case that was run. Raises Wrong."""
    _raised(case, run)
    _sequence(case, run)
    _app_saw_nothing(case, run)
    _client_saw_nothing(case, run)
    _spoken(case, run)


def short(value: Any) -> str:
    text = repr(value)
    return text if len(text) < 3000 else text[:1500] + " … " + text[-1500:]


def complete(steps: list[Step]) -> bool:
    """Whether an application's messages are one answer, from its start to its end, and nothing else."""
    return (
        bool(steps)
        and all(isinstance(s, dict) for s in steps)
        and [s["type"] for s in steps if isinstance(s, dict)]
        == ["http.response.start", *["http.response.body"] * (len(steps) - 1)]
        and [s.get("more_body") for s in steps[1:] if isinstance(s, dict)] == [True] * (len(steps) - 2) + [False]
    )


# -- property 1 --------------------------------------------------------------------------------------------------------


def _raised(case: Case, run: Ran) -> None:
    error = run.raised
    if error is None:
        return
    if isinstance(error, Boom) and run.received is not None and any(step is error for step in case.steps):
        return
    if isinstance(error, RuntimeError) and "the application" in str(error) and not complete(case.steps):
        return
    raise Wrong(f"{type(error).__name__} left the middleware") from error


def _sequence(case: Case, run: Ran) -> None:
    sent = run.sent
    if not sent:
        gone = any(m["type"] == "http.disconnect" for m in case.messages) or all(
            m.get("more_body", False) for m in case.messages
        )
        if run.received is None and not gone:
            raise Wrong("no answer to a request that came whole")
        if run.received is not None and run.raised is None and complete(case.steps):
            raise Wrong("no answer although the application gave one")
        return
    if sent[0]["type"] != "http.response.start" or any(m["type"] != "http.response.body" for m in sent[1:]):
        raise Wrong(f"not a response: {[m['type'] for m in sent]}")
    status = sent[0]["status"]
    if not isinstance(status, int) or not 100 <= status <= 599:
        raise Wrong("no status")
    more = [bool(m.get("more_body", False)) for m in sent[1:]]
    if False in more[:-1]:
        raise Wrong("something after the last part of the body")
    headers = sent[0].get("headers", [])
    for name, value in headers:
        if (
            not isinstance(name, bytes)
            or not isinstance(value, bytes)
            or b"\n" in name + value
            or b"\r" in name + value
        ):
            raise Wrong(f"a header that is none: {name!r}")
    if run.received is not None and "guardrails" not in run.received[0]:
        return  # exempt, or without bodies: the application's own
    count = Counter(k.lower() for k, _ in headers)
    if any(
        count[k] > 1
        for k in (
            *(() if status in (204, 205, 304) else (b"content-length",)),
            b"x-guardrails-action",
            b"x-guardrails-decision-id",
            b"x-guardrails-degraded",
        )
    ):
        raise Wrong(f"a header of ours twice: {count}")
    made = {v for k, v in headers if k.lower() == b"x-guardrails-decision-id"}
    if made - {d.id.encode() for d in run.decisions}:
        raise Wrong("a decision id that we did not make")
    if not more or more[-1]:
        if run.received is None or (run.finished and run.raised is None and complete(case.steps)):
            raise Wrong("the answer does not end")
        return
    if run.data and status in (204, 304):
        raise Wrong("a body where none may be")
    length = next((v for k, v in headers if k.lower() == b"content-length"), None)
    if length is not None and status not in (204, 205, 304) and int(length) != len(run.data):
        raise Wrong(f"content-length {length!r} and {len(run.data)} bytes")
    if any(k.lower() in (b"content-encoding", b"transfer-encoding", b"trailer") for k, _ in headers) and status not in (
        204,
        205,
        304,
    ):
        raise Wrong("a coding that the body does not have")
    try:
        bodies(run.data, _content_type(run))
    except Unreadable as error:
        raise Wrong(f"not what the headers say ({_content_type(run)}): {error}: {short(run.data)}") from None


def _content_type(run: Ran) -> str:
    for name, value in run.sent[0].get("headers", []):
        if name.lower() == b"content-type":
            return str(value.decode("latin-1").partition(";")[0].strip().lower())
    return ""


# -- property 2 --------------------------------------------------------------------------------------------------------


def _app_saw_nothing(case: Case, run: Ran) -> None:
    if run.received is None:
        return
    scope, body = run.received
    if "guardrails" not in scope and not any(_exempt(entry, scope) for entry in (*DOCS, EXEMPT)):
        if scope["method"] in ("HEAD", "OPTIONS"):
            if body or any(m.get("body") for m in run.sent[1:]):
                raise Wrong("a body through a method that has none")
            return
        raise Wrong(f"forwarded and never inspected: {scope['method']} {scope['path']!r}")
    if "guardrails" not in scope:
        return
    decision = next((d for d in run.decisions if d.direction is Source.INPUT), None)
    if decision is None or decision.blocked or scope["guardrails"].decision is not decision:
        raise Wrong("forwarded without a decision, or against it")
    text = body.decode("utf-8")
    if text:
        bodies(body, "application/json")
    every = [*leaves(text), *_around(scope)] if text else [*_around(scope)]
    wrong = found(INPUT, [*every, *(parted(text, case.body.decode("utf-8", "replace")) if case.parts else ())]) or (
        raw_found(INPUT, text) if text else None
    )
    if wrong:
        raise Wrong(f"the application received {wrong}: {short(body)} {scope['raw_path']} {scope['query_string']}")
    place = reported(INPUT, every)
    if place and not any(x.finding.rule == "words.in-seen" for x in decision.findings):
        raise Wrong(f"not reported: {place}: {short(body)}")
    length = [v for k, v in scope["headers"] if k.lower() == b"content-length"]
    if text and length != [str(len(body)).encode()]:
        raise Wrong(f"the application was told {length} bytes, and got {len(body)}")


def _around(scope: dict[str, Any]) -> Iterable[Leaf]:
    """What an application derives from a request besides its body."""
    raw = scope["raw_path"] or b""
    query = scope["query_string"].decode("latin-1")
    path: str = scope["path"]
    found = [path, *path.split("/"), unquote(path), raw.decode("latin-1"), unquote(raw), query, unquote_plus(query)]
    found += [*unquote(raw).split("/"), *re.findall(r"odels/([^/]+):[a-zA-Z]+$", path)]
    found += [x for pair in parse_qsl(query, keep_blank_values=True) for x in pair]
    return [Leaf(text, ("path or query",)) for text in found]


def _exempt(entry: str, scope: dict[str, Any]) -> bool:
    """Whether a router would send the request where an entry says."""
    method, _, template = entry.partition(" ")
    pattern, _, _ = compile_path(template)
    return scope["method"] in (method, "HEAD") and bool(pattern.match(scope["path"])) and "//" not in scope["path"]


# -- property 3 --------------------------------------------------------------------------------------------------------


def _client_saw_nothing(case: Case, run: Ran) -> None:
    if not run.sent or run.received is None or "guardrails" not in run.received[0]:
        return
    data = run.data
    kind = _content_type(run)
    known = kind in ("", "application/json", *_STREAMS) or kind.startswith("text/") or kind.endswith("+json")
    if not known and not _is_text(data):
        if case.setup == 1 and data:
            raise Wrong(f"content that nobody inspected passed as {kind}")
        output = next((d for d in run.decisions if d.direction is Source.OUTPUT), None)
        if data and (output is None or not output.uninspected):
            raise Wrong(f"content that nobody inspected was not reported: {kind}")
        return
    try:
        answer = bodies(data, kind) if known else [data.decode("utf-8")]
    except Unreadable:
        answer = [data.decode("utf-8", "replace")]  # cut off by the application; whatever is there counts
    every = [*texts(answer, join=200 <= (run.status or 0) < 300)]  # an error is read as it is
    apart = [leaf for text in answer for leaf in parted(text)] if case.answer_parts else []
    wrong = found(OUTPUT, [*every, *apart]) or raw_found(OUTPUT, data.decode("utf-8", "replace"))
    if wrong:
        raise Wrong(f"the client received {wrong}: {short(data)}")
    place = reported(OUTPUT, every)
    seen = any(x.finding.rule == "words.out-seen" for d in run.decisions for x in d.findings)
    if place and not seen and not _joined_only(every, OUTPUT):
        raise Wrong(f"not reported: {place}: {short(data)}")


# -- properties 5 and 6 ------------------------------------------------------------------------------------------------


def _spoken(case: Case, run: Ran) -> None:
    """JSON stays JSON; nothing of a call that is blocked arrives, and every other call does, with arguments that are JSON."""
    if case.kind not in SPOKEN or run.received is None or _wrongly_compressed(case):
        return
    blocked = any(d.blocked for d in run.decisions if d.direction is Source.OUTPUT)
    answer = bodies(run.data, _content_type(run))
    if case.kind == "json":
        for text in () if blocked else said_json(case.format, answer):
            if not isinstance(_parsed(text), dict | list):
                raise Wrong(f"no JSON any more: {short(text)}: {short(run.data)}")
        return
    data = run.data.decode("utf-8")
    for name in case.bad:
        if name in data:
            raise Wrong(f"a blocked call arrives: {name}: {short(run.data)}")
    if not case.bad:
        lost = [name for name in case.fine if name not in data]
        if blocked or lost:
            raise Wrong(f"a call that nothing forbids is lost: {lost}: {short(run.data)}")
    for text in arguments(answer):
        if not isinstance(_parsed(text), dict):
            raise Wrong(f"arguments that are no JSON: {short(text)}: {short(run.data)}")


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None


def _wrongly_compressed(case: Case) -> bool:
    """Whether the answer is compressed and cannot be read: what is rightly compressed has a plain twin. The twin of a case of
    which only the request is compressed has the same answer."""
    return _compressed(case) and (case.plain is None or _compressed(case.plain))


def _compressed(case: Case) -> bool:
    return any(k == b"content-encoding" for s in case.steps if isinstance(s, dict) for k, _ in s.get("headers", ()))


def _is_text(data: bytes) -> bool:
    """Whether clients may read a body as text or JSON, whatever type it is called: then it has to be inspected."""
    try:
        return "\0" not in data.decode("utf-8")
    except UnicodeDecodeError:
        return False


def _joined_only(every: list[Leaf], canaries: Canaries) -> bool:
    return reported(canaries, [x for x in every if "joined" not in x.keys]) is None
