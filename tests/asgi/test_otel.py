"""OpenTelemetry: what the service, the proxy and the middleware send to a receiver of OTLP on a socket, and what they never send."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest

from guardrails.asgi import GuardrailsMiddleware
from guardrails.demo.upstream import upstream
from guardrails.errors import GuardrailsError
from guardrails.proxy import proxy_app
from tests.demo.sockets import serving
from tests.service.servers import folder, served

pytest.importorskip("opentelemetry.proto", reason="the extra otel is not installed")

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
SENT = {"traceparent": f"00-{TRACE}-00f067aa0ba902b7-01", "tracestate": "who=zebra"}
SERVER, CLIENT = 2, 3


class Received:
    """What a receiver was sent, by path."""

    def __init__(self) -> None:
        self.bodies: dict[str, list[bytes]] = {}
        self.address = ""

    @property
    def spans(self) -> list[Any]:
        """All spans, in the order in which they ended."""
        requests = [ExportTraceServiceRequest.FromString(b) for b in self.bodies.get("/v1/traces", ())]
        found = [s for r in requests for x in r.resource_spans for y in x.scope_spans for s in y.spans]
        return sorted(found, key=lambda span: span.end_time_unix_nano)

    def metric(self, name: str) -> list[dict[str, Any]]:
        """The attributes of each point of a metric."""
        requests = [ExportMetricsServiceRequest.FromString(b) for b in self.bodies.get("/v1/metrics", ())]
        metrics = [m for r in requests for x in r.resource_metrics for y in x.scope_metrics for m in y.metrics]
        points = [p for m in metrics if m.name == name for p in (*m.histogram.data_points, *m.sum.data_points)]
        return [attributes(point) for point in points]


@contextmanager
def receiver() -> Iterator[Received]:
    received = Received()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            received.bodies.setdefault(self.path, []).append(body)
            self.send_response(200)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    received.address = f"http://127.0.0.1:{server.server_port}"
    try:
        yield received
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def attributes(of: Any) -> dict[str, Any]:
    """Attributes as Python values."""
    return {a.key: _value(a.value) for a in of.attributes}


def _value(value: Any) -> Any:
    kind = value.WhichOneof("value")
    return [_value(v) for v in value.array_value.values] if kind == "array_value" else getattr(value, kind)


def chat(base: str, text: str) -> httpx.Response:
    body = {"model": "gpt-5-mini", "messages": [{"role": "user", "content": text}]}
    return httpx.post(f"{base}/v1/chat/completions?q=zebra", json=body, headers=SENT)


def silent(received: Received) -> None:
    """Nothing of a text, a path, a query or a client's headers was sent, in any encoding that protobuf has."""
    data = b"".join(b for bodies in received.bodies.values() for b in bodies)
    assert data
    for text in (b"bob@example.com", b"kingfisher", b"zebra"):
        assert text not in data


def test_the_service_sends_a_span_for_each_request_and_decision(tmp_path: Path) -> None:
    with receiver() as received:
        with served(folder(tmp_path), otlp=received.address) as base:
            body = {"guardrail": "small", "source": "INPUT", "text": "Mail bob@example.com"}
            said = httpx.post(f"{base}/v1/check?zebra=1", json=body, headers=SENT)
            blocked = httpx.post(f"{base}/v1/check", json={**body, "text": "project kingfisher"})
            wrong = httpx.post(f"{base}/v1/check", json={**body, "source": "zebra"})
        assert (said.status_code, blocked.status_code, wrong.status_code) == (200, 200, 400)
    check, request, *_ = received.spans
    assert (check.name, request.name, request.kind) == ("apply_guardrail small", "POST /v1/check", SERVER)
    assert {check.trace_id.hex(), request.trace_id.hex()} == {TRACE}
    assert check.parent_span_id == request.span_id
    assert request.parent_span_id.hex() == "00f067aa0ba902b7"
    assert attributes(request) == {
        "http.request.method": "POST", "http.route": "/v1/check", "url.scheme": "http", "http.response.status_code": 200,
    }  # fmt: skip
    told = attributes(check)
    assert told["gen_ai.operation.name"] == "apply_guardrail"
    assert told["guardrails.decision.id"] == said.headers["x-guardrails-decision-id"]
    assert (told["guardrails.direction"], told["guardrails.action"]) == ("INPUT", "MASKED")
    (event,) = check.events
    assert event.name == "gen_ai.evaluation.result"
    assert attributes(event) == {"gen_ai.evaluation.name": "pii.EMAIL", "gen_ai.evaluation.score.value": 1.0}
    actions = [point["guardrails.action"] for point in received.metric("guardrails.decisions")]
    assert sorted(actions) == ["BLOCKED", "MASKED"]
    statuses = {point["http.response.status_code"] for point in received.metric("http.server.request.duration")}
    assert statuses == {200, 400}
    silent(received)


def test_the_proxy_sends_one_trace_an_exchange_and_its_upstream_goes_on_with_it(tmp_path: Path) -> None:
    policy = folder(tmp_path) / "small.yaml"
    seen: list[dict[str, str]] = []
    inner = upstream()

    async def noting(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            seen.append({k.decode(): v.decode() for k, v in scope["headers"]})
        await inner(scope, receive, send)

    with receiver() as received, serving(noting) as behind:
        proxy = proxy_app(behind, policy, otlp=received.address)
        with serving(proxy) as base:
            assert chat(base, "say: bob@example.com").status_code == 200
            assert chat(base, "say: project kingfisher").status_code == 200
    by_name: dict[str, list[Any]] = {}
    for span in received.spans:
        by_name.setdefault(span.name, []).append(span)
    first, second = by_name["POST"]  # the second one was blocked: nothing was asked
    (asked,) = by_name["chat gpt-5-mini"]
    assert asked.kind == CLIENT
    assert asked.parent_span_id == first.span_id
    told = attributes(asked)
    assert (told["gen_ai.provider.name"], told["gen_ai.operation.name"]) == ("openai", "chat")
    assert told["gen_ai.request.model"] == "gpt-5-mini"
    assert f"{told['server.address']}:{told['server.port']}" in behind
    assert len(seen) == 1
    assert seen[0]["traceparent"] == f"00-{TRACE}-{asked.span_id.hex()}-01"
    assert "tracestate" not in seen[0]
    checks = [(attributes(s)["guardrails.direction"], s.parent_span_id) for s in by_name["apply_guardrail small"]]
    assert checks == [("INPUT", first.span_id), ("OUTPUT", first.span_id), ("INPUT", second.span_id)]
    (point,) = received.metric("gen_ai.client.operation.duration")
    assert point["gen_ai.request.model"] == "gpt-5-mini"
    silent(received)


def test_the_middleware_sends_spans_that_hold_no_exception(tmp_path: Path) -> None:
    demo = upstream()

    async def failing(request: Any) -> Any:
        raise RuntimeError("bob@example.com")

    demo.add_route("/v1/completions", failing, methods=["POST"])
    demo.router.routes.insert(0, demo.router.routes.pop())
    with receiver() as received:
        demo.add_middleware(GuardrailsMiddleware, policies=folder(tmp_path) / "small.yaml", otlp=received.address)
        with serving(demo) as base:
            assert chat(base, "say: hello").status_code == 200
            broken = httpx.post(f"{base}/v1/completions", json={"model": "m", "prompt": "bob@example.com"})
            assert broken.status_code == 500
    errors = [attributes(s).get("error.type") for s in received.spans if s.kind == SERVER]
    assert errors == [None, "RuntimeError"]
    assert not [e for s in received.spans for e in s.events if e.name == "exception"]
    silent(received)


def test_answers_do_not_wait_for_a_receiver_that_is_gone(tmp_path: Path) -> None:
    with receiver() as received:
        address = received.address
    with served(folder(tmp_path), otlp=address) as base:
        body = {"guardrail": "small", "source": "INPUT", "text": "hello"}
        assert httpx.post(f"{base}/v1/check", json=body).json()["action"] == "NONE"


@pytest.mark.parametrize("address", ["127.0.0.1:4318", "grpc://collector:4317", "http://", "http://a/?b=c"])
def test_an_address_that_is_none_is_refused(tmp_path: Path, address: str) -> None:
    with pytest.raises(GuardrailsError, match="otlp: write the address"):
        GuardrailsMiddleware(upstream(), folder(tmp_path) / "small.yaml", otlp=address)
