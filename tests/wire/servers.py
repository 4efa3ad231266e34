"""Answers driven through the real exchange, and small servers that send what it made to real clients."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from guardrails import Guard
from guardrails.exchange import Exchange, Tenancy
from guardrails.policy import loads
from guardrails.wire.format import Session
from guardrails.wire.frames import Frame
from guardrails.wire.walk import Walk

POLICY = """
version: 1
name: strings
messages: {blocked_input: "[not sent]", blocked_output: "[stopped]"}
words:
  terms:
    - {term: project kingfisher, id: secret}
pii:
  entities:
    EMAIL: {action: mask, mask: {style: constant, text: "[MAIL]"}}
"""
GUARD = Guard(loads(POLICY))


def exchange(form: Session) -> Exchange:
    """An exchange under a policy that masks mail addresses and blocks `project kingfisher`."""
    return Exchange(Tenancy("t", GUARD, b"k" * 32), form)


def streamed(form: Session, frames: Iterable[Frame]) -> list[Frame]:
    """What leaves of a stream."""
    answer = exchange(form).streamed()
    out: list[Frame] = []
    for frame in frames:
        event, _ = answer.begin(frame)
        out += answer.settle(event)
    return out + answer.finish()


def found(walk: Walk) -> dict[str, str]:
    """The path of every slot that can be rewritten, and who wrote it."""
    return {slot.path: slot.role.value for slot in walk.slots if not slot.fixed}


def overwrite(walk: Walk, text: str = "WRITTEN") -> None:
    """Rewrite every text, as a rule that masks all would."""
    for slot in walk.slots:
        if not slot.fixed:
            slot.set(text)
    walk.close()


def strings(value: Any) -> Iterator[str]:
    """Every string of a JSON value."""
    match value:
        case str():
            yield value
        case list():
            for item in value:
                yield from strings(item)
        case dict():
            for item in value.values():
                yield from strings(item)


@contextmanager
def serving(body: bytes, content_type: str, status: int = 200) -> Iterator[str]:
    """A server on a socket that answers every POST with these bytes; gives its address."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("content-length", 0)))
            self.send_response(status)
            self.send_header("content-type", content_type)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
