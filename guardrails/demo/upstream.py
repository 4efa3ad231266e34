"""A small chat upstream with canned answers: the APIs' shapes without a model. :data:`app` is ready for an ASGI server.

What it answers is in :mod:`guardrails.demo.answers`. It checks no credentials and is for trying out and testing only.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from guardrails.demo import anthropic, bedrock, gemini, ollama, openai_chat, openai_other, openai_responses
from guardrails.demo.answers import Answer, Delivery, answer
from guardrails.demo.common import Asked, Format, compact

__all__ = ["app", "upstream"]

# Bodies that are remembered for /_received; the oldest are forgotten.
_REMEMBERED = 10_000
_ROUTES: dict[str, Format] = {
    "/v1/chat/completions": openai_chat.FORMAT,
    "/v1/responses": openai_responses.FORMAT,
    "/v1/completions": openai_other.COMPLETIONS,
    "/v1/embeddings": openai_other.EMBEDDINGS,
    "/v1/messages": anthropic.FORMAT,
    "/model/{model:path}/{verb}": bedrock.FORMAT,
    "/v1beta/models/{model}:{verb}": gemini.FORMAT,
    "/v1/models/{model}:{verb}": gemini.FORMAT,
    "/api/chat": ollama.FORMAT,
}
_VERBS = {"converse", "converse-stream", "generateContent", "streamGenerateContent"}

Endpoint = Callable[[Request], Coroutine[Any, Any, Response]]


def upstream(*, chunk: int | None = None, record: bool = False) -> Starlette:
    """The upstream as a Starlette application.

    ``chunk``: characters a piece of a stream, None for a word; a request may say otherwise with ``?chunk=N`` or the header
    ``x-demo-chunk``. ``record``: remember what was received and show it at ``GET /_received``; never where others can reach
    it, since that page holds everything that was sent, credentials included.
    """
    received: list[dict[str, Any]] = []

    def endpoint(one: Format) -> Endpoint:
        async def run(request: Request) -> Response:
            data = await request.body()
            if record:
                received.append(_record(request, data))
                del received[:-_REMEMBERED]
            return _respond(one, request, data, chunk)

        return run

    async def show(_: Request) -> Response:
        return _json(received)

    async def models(_: Request) -> Response:
        return _json(openai_chat.models())

    routes = [Route(path, endpoint(one), methods=["POST"]) for path, one in _ROUTES.items()]
    routes.append(Route("/v1/models", models, methods=["GET"]))
    if record:
        routes.append(Route("/_received", show, methods=["GET"]))
    made = Starlette(routes=routes)
    made.state.received = received
    return made


def _record(request: Request, data: bytes) -> dict[str, Any]:
    return {
        "method": request.method,
        "path": request.url.path,
        "query": request.url.query,
        "headers": [[k.decode("latin-1"), v.decode("latin-1")] for k, v in request.headers.raw],
        "body": data.decode("utf-8", "backslashreplace"),
    }


def _respond(one: Format, request: Request, data: bytes, chunk: int | None) -> Response:
    if request.path_params.get("verb", "converse") not in _VERBS:
        return _json({"error": "no such operation"}, 404)
    asked = Asked(_parsed(data), request.path_params, dict(request.query_params))
    said = answer(one.question(asked.body), asked.body) if asked.body else Answer(error=400)
    if said.error is not None:
        failed = one.failed(said.error)
        return _json(failed.body, said.error, dict(failed.headers))
    if one.stream is not None and one.streams(asked):
        frames = one.stream(asked, said, Delivery(_chunk(request, chunk)))
        return StreamingResponse(_paced(frames, said.pause_s), media_type=one.stream_type(asked))
    return _json(one.whole(asked, said))


def _parsed(data: bytes) -> dict[str, Any]:
    """The body, or an empty dict for anything but a JSON object of Unicode text."""
    try:
        body = json.loads(data)
        compact(body).encode()
    except (ValueError, RecursionError):
        return {}
    return body if isinstance(body, dict) else {}


def _chunk(request: Request, default: int | None) -> int | None:
    wanted = request.query_params.get("chunk") or request.headers.get("x-demo-chunk") or ""
    return max(1, int(wanted)) if wanted.isascii() and wanted.isdigit() and len(wanted) < 7 else default


async def _paced(frames: Any, pause_s: float) -> AsyncIterator[bytes]:
    for frame in frames:
        if pause_s:
            await asyncio.sleep(pause_s)
        yield frame


def _json(value: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    return Response(compact(value), status, headers, media_type="application/json")


app = upstream()
