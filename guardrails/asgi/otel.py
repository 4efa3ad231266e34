"""Traces and metrics over OTLP, by OpenTelemetry's conventions for HTTP and for generative AI. No attribute holds a character of a text.

What is exported is made of names that operators gave (policies, rules, tenants), of ids that we made, and of figures. Paths, queries,
headers, messages of exceptions and a client's ``tracestate`` are left out.
"""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from uuid import uuid4

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from guardrails import __version__
from guardrails.asgi.records import DecisionRecord
from guardrails.decision import Decision
from guardrails.errors import GuardrailsError

if TYPE_CHECKING:
    from opentelemetry.trace import Span

__all__ = ["OpenTelemetry", "opened"]

_METHODS = frozenset(("CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "QUERY", "TRACE"))
# Bounds of histograms of seconds, as the conventions for generative AI advise.
_SECONDS = (0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92)
_CHECK_SECONDS = (0.00025, 0.0005, 0.001, 0.0025, 0.005, *_SECONDS)
# A format's first word → the conventions' name of who offers it; what its second word asks for, chat where it is not named.
_PROVIDERS = {"openai": "openai", "anthropic": "anthropic", "bedrock": "aws.bedrock", "gemini": "gcp.gemini", "ollama": "ollama"}  # fmt: skip
_OPERATIONS = {
    "completions": "text_completion", "generate": "text_completion", "embeddings": "embeddings", "embed": "embeddings",
    "batch_embed": "embeddings", "predict": "embeddings", "tokens": "count_tokens", "count_tokens": "count_tokens",
}  # fmt: skip
_GEMINI = {"generate": "generate_content", "stream": "generate_content"}
# A model's name comes from clients: one that may be something else is left out.
_MODEL = re.compile(r"[A-Za-z][\w.:/-]{0,99}")


def opened(endpoint: str | None) -> OpenTelemetry | None:
    """What sends to this address, None without one. Raises GuardrailsError."""
    return OpenTelemetry(endpoint) if endpoint is not None else None


class OpenTelemetry:
    """The spans and metrics of one application, with providers of their own. Thread-safe.

    What cannot be sent is dropped: no answer waits for a receiver.
    """

    def __init__(self, endpoint: str) -> None:
        """``endpoint``: where OTLP over HTTP is received, such as ``http://127.0.0.1:4318``; ``/v1/traces`` and ``/v1/metrics`` are
        added. Raises GuardrailsError when it is no such address, or the extra is not installed."""
        base = _base(endpoint)
        self._closed = False
        try:
            from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter  # noqa: PLC0415
            from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415
            from opentelemetry.sdk.metrics import MeterProvider  # noqa: PLC0415
            from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader  # noqa: PLC0415
            from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
            from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415
        except ImportError:
            raise GuardrailsError("otlp: needs the extra otel: pip install 'onepolicy-guardrails[otel]'") from None
        resource = _resource()
        self._spans = TracerProvider(resource=resource, shutdown_on_exit=False)
        self._spans.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(f"{base}/v1/traces")))
        reader = PeriodicExportingMetricReader(OTLPMetricExporter(f"{base}/v1/metrics"))
        self._figures = MeterProvider([reader], resource=resource, shutdown_on_exit=False)
        self._tracer = self._spans.get_tracer("guardrails", __version__)
        meter = self._figures.get_meter("guardrails", __version__)

        def seconds(name: str, what: str, bounds: tuple[float, ...] = _SECONDS) -> Any:
            return meter.create_histogram(name, "s", what, explicit_bucket_boundaries_advisory=bounds)

        self._served = seconds("http.server.request.duration", "Duration of HTTP server requests.")
        self._asked = seconds("gen_ai.client.operation.duration", "GenAI operation duration.")
        self._checked = seconds("guardrails.check.duration", "Time that one check took.", _CHECK_SECONDS)
        self._decisions = meter.create_counter(
            "guardrails.decisions", "{decision}", "Checks, by what became of the text."
        )
        self._failures = meter.create_counter("guardrails.failures", "{failure}", "Rules that could not be evaluated.")

    def close(self) -> None:
        """Send what waits, and end. Waits for the receiver for some seconds at most."""
        if self._closed:
            return
        self._closed = True
        self._spans.shutdown()
        self._figures.shutdown(timeout_millis=5_000)

    def decision(self, record: DecisionRecord, tenant: str) -> None:
        """A span that ends now, and figures. ``tenant``: its name, or what it is counted under."""
        ended = time.time_ns()
        kinds = [f"{f.rule}: {f.kind}" for f in record.failures]
        span = self._tracer.start_span(
            _clean(f"apply_guardrail {record.policy}"),
            start_time=ended - int(record.milliseconds * 1e6),
            attributes={
                "gen_ai.operation.name": "apply_guardrail",
                "guardrails.decision.id": record.id,
                "guardrails.tenant": _clean(record.tenant),
                "guardrails.policy.name": _clean(record.policy),
                "guardrails.policy.sha256": record.sha256,
                "guardrails.format": record.format,
                "guardrails.direction": str(record.direction),
                "guardrails.action": str(record.action),
                "guardrails.failures": [_clean(kind) for kind in kinds],
                "guardrails.uninspected": [_clean(why) for why in record.uninspected],
                "guardrails.not_applicable": [_clean(rule) for rule in record.not_applicable],
            },
        )
        for rule in record.rules:
            told: dict[str, Any] = {"gen_ai.evaluation.name": _clean(rule)}
            if rule in record.scores:
                told["gen_ai.evaluation.score.value"] = record.scores[rule]
            span.add_event("gen_ai.evaluation.result", told)
        if record.failures:
            _failed(span, str(record.failures[0].kind))
        span.end(ended)
        counted = {"guardrails.direction": str(record.direction)}
        self._checked.record(record.milliseconds / 1000, counted)
        self._decisions.add(1, {**counted, "guardrails.action": str(record.action), "guardrails.tenant": tenant})
        for failure in record.failures:
            self._failures.add(1, {"error.type": str(failure.kind), "guardrails.fail_open": failure.open})

    async def serve(self, app: ASGIApp, scope: Scope, receive: Receive, send: Send, route: str = "") -> None:
        """One HTTP request of a client, served by ``app`` inside of a span. ``route``: its template, where one is known."""
        from opentelemetry import trace  # noqa: PLC0415
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator  # noqa: PLC0415

        method = scope["method"] if scope["method"] in _METHODS else "_OTHER"
        attributes = {"http.request.method": method, "url.scheme": scope.get("scheme", "http")}
        if route:
            attributes["http.route"] = route
        context = None
        if not trace.get_current_span().get_span_context().is_valid:  # else the application traces the request itself
            sent = next((v for k, v in scope["headers"] if k.lower() == b"traceparent"), b"")
            context = TraceContextTextMapPropagator().extract({"traceparent": sent.decode("latin-1")})
        await self._around(
            app, scope, receive, send,
            span={"name": f"{method} {route}".strip(), "kind": trace.SpanKind.SERVER, "context": context, "attributes": attributes},
            histogram=self._served, from_status=500,
        )  # fmt: skip

    async def ask(self, app: ASGIApp, scope: Scope, receive: Receive, send: Send, server: tuple[str, int]) -> None:
        """What ``app`` asks of a model behind ``server``, inside of a span whose context goes with the request."""
        from opentelemetry import trace  # noqa: PLC0415
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator  # noqa: PLC0415

        exchanged = scope.get("guardrails")
        attributes = {
            "server.address": server[0],
            "server.port": server[1],
            **_operation(getattr(exchanged, "decision", None)),
        }
        named = (attributes.get("gen_ai.operation.name", scope["method"]), attributes.get("gen_ai.request.model", ""))

        async def inside(scope: Scope, receive: Receive, send: Send) -> None:
            carrier: dict[str, str] = {}
            TraceContextTextMapPropagator().inject(carrier)
            headers = [(k, v) for k, v in scope["headers"] if k.lower() not in (b"traceparent", b"tracestate")]
            headers += [(k.encode(), v.encode()) for k, v in carrier.items()]
            await app({**scope, "headers": headers}, receive, send)

        await self._around(
            inside, scope, receive, send,
            span={"name": " ".join(filter(None, named)), "kind": trace.SpanKind.CLIENT, "attributes": attributes},
            histogram=self._asked if "gen_ai.operation.name" in attributes else None, from_status=400,
        )  # fmt: skip

    async def _around(
        self, app: ASGIApp, scope: Scope, receive: Receive, send: Send,
        *, span: Mapping[str, Any], histogram: Any, from_status: int,
    ) -> None:  # fmt: skip
        """``app`` inside of a span; a status from ``from_status`` on is an error."""
        status: int | None = None

        async def noting(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        started = time.perf_counter()
        attributes = dict(span["attributes"])
        error = "_OTHER"  # until there is an answer
        # The message of an exception may quote what was checked.
        with self._tracer.start_as_current_span(
            **span, record_exception=False, set_status_on_exception=False
        ) as current:
            try:
                await app(scope, receive, noting)
                error = "" if status is not None else "no_answer"
            except Exception as raised:
                error = type(raised).__name__
                raise
            finally:
                if status is not None:
                    attributes["http.response.status_code"] = status
                    current.set_attribute("http.response.status_code", status)
                    error = error or (str(status) if status >= from_status else "")
                if error:
                    attributes["error.type"] = error
                    _failed(current, error)
                if histogram is not None:
                    histogram.record(time.perf_counter() - started, attributes)


def _failed(span: Span, kind: str) -> None:
    from opentelemetry.trace import Status, StatusCode  # noqa: PLC0415

    span.set_attribute("error.type", kind)
    span.set_status(Status(StatusCode.ERROR))


def _base(endpoint: str) -> str:
    parts = urlsplit(endpoint)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        raise GuardrailsError("otlp: write the address where OTLP over HTTP is received, such as http://127.0.0.1:4318")
    return endpoint.rstrip("/")


def _resource() -> Any:
    """Who sends: by ``OTEL_SERVICE_NAME`` and ``OTEL_RESOURCE_ATTRIBUTES`` where they are set."""
    from opentelemetry.sdk.resources import SERVICE_NAME, Resource  # noqa: PLC0415

    made = Resource.create({"service.version": __version__, "service.instance.id": str(uuid4())})
    if str(made.attributes.get(SERVICE_NAME, "")).startswith("unknown_service"):
        made = made.merge(Resource({SERVICE_NAME: "guardrails"}))
    return made


def _operation(decision: Decision | None) -> dict[str, Any]:
    """What a request asks of whom, in the words of the conventions; nothing for what is no request to a model."""
    provider, _, what = decision.format.partition(".") if decision is not None else ("", "", "")
    if decision is None or provider not in _PROVIDERS:
        return {}
    words = _GEMINI if provider == "gemini" else {}
    made = {
        "gen_ai.provider.name": _PROVIDERS[provider],
        "gen_ai.operation.name": words.get(what) or _OPERATIONS.get(what, "chat"),
    }
    if _MODEL.fullmatch(decision.model):
        made["gen_ai.request.model"] = decision.model
    return made


def _clean(name: str) -> str:
    """What is no Unicode text cannot be sent."""
    return name.encode("utf-8", "backslashreplace").decode()
