"""A canned model API, the proxy in front of it, and the service, as one process: ``python -m tests.clients.upstream``.

It needs this project's environment; the clients that ask it may live in another. A line of JSON on its output tells the
addresses; it ends when its input is closed. What is answered is the command in double square brackets in what was sent
(``[[say: Hello]]``, see :mod:`guardrails.demo.answers`), wherever a client put it; a tool's result is answered with
``The tool said: RESULT``, so that agents come to an end. ``[[two calls]]`` are a harmless and a forbidden one, in a stream.
"""

from __future__ import annotations

import json
import re
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from guardrails.demo import upstream as demo
from guardrails.demo.answers import Answer, Delivery
from guardrails.demo.common import Asked, Format, sse, texts
from guardrails.proxy import proxy_app
from guardrails.service import service_app
from tests.demo.sockets import serving

# Only words and patterns: no model is loaded. What is masked or blocked on the way out passes on the way in, since the
# commands that make the upstream say it come in.
POLICY = r"""
version: 1
name: clients
metadata: {owner: tests}
messages: {blocked_input: I was told not to ask., blocked_output: I was told not to say.}
words:
  terms:
    - {id: secret, terms: [project kingfisher], action: block}
    - {id: forbidden, terms: [osprey], input: detect, output: block}
pii:
  entities:
    PHONE: {input: mask, output: detect}
    EMAIL: {input: detect, output: mask}
    CREDIT_DEBIT_CARD_NUMBER: {input: detect, output: mask}
"""


def strings(value: Any) -> Iterator[str]:
    """All strings of a JSON value, in order."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for one in value.values():
            yield from strings(one)
    elif isinstance(value, list):
        for one in value:
            yield from strings(one)


def result(body: dict[str, Any]) -> str | None:
    """The tool's result that a request ends with, in any of the APIs; None for another end."""
    turns = body.get("messages") or body.get("input") or body.get("contents")
    last = turns[-1] if isinstance(turns, list) and turns else None
    if not isinstance(last, dict):
        return None
    if last.get("role") == "tool":
        return texts(last["content"])
    if last.get("type") == "function_call_output":
        return texts(last["output"])
    for part in last.get("content") if isinstance(last.get("content"), list) else last.get("parts") or ():
        if part.get("type") == "tool_result":
            return texts(part.get("content"))
        if "functionResponse" in part:
            return json.dumps(part["functionResponse"]["response"])
    return None


def command(body: dict[str, Any]) -> str:
    """What the upstream was told to answer."""
    done = result(body)
    if done is not None:
        return f"say: The tool said: {done}"
    found = re.findall(r"\[\[(.*)\]\]", "\n".join(s for s in strings(body) if "[[" in s), re.DOTALL)
    return found[-1] if found else "hello"


def two_chat_calls(asked: Asked) -> Iterator[bytes]:
    """Two calls side by side, each announced before its arguments, their deltas interleaved."""
    head = {"id": "chatcmpl-two", "object": "chat.completion.chunk", "created": 1_767_225_600, "model": asked.model()}

    def chunk(delta: dict[str, Any], finish: str | None = None) -> bytes:
        return sse({**head, "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]})

    yield chunk({"role": "assistant", "content": None})
    for index in (0, 1):
        function = {"name": "delete_records", "arguments": ""}
        yield chunk({"tool_calls": [{"index": index, "id": f"call_{index}", "type": "function", "function": function}]})
    for part, values in (('{"where": ', ""), ("", ('"old"}', '"osprey"}'))):
        for index in (0, 1):
            arguments = part or values[index]
            yield chunk({"tool_calls": [{"index": index, "function": {"arguments": arguments}}]})
    yield chunk({}, "tool_calls")
    yield sse("[DONE]")


def two_message_calls(asked: Asked) -> Iterator[bytes]:
    """The same as blocks of an Anthropic message, one after the other."""
    usage = {"input_tokens": 1, "output_tokens": 0}
    message = {"id": "msg_two", "type": "message", "role": "assistant", "model": asked.model(), "content": []}
    events: list[dict[str, Any]] = [
        {"type": "message_start", "message": {**message, "stop_reason": None, "stop_sequence": None, "usage": usage}}
    ]
    for index, value in enumerate(("old", "osprey")):
        block = {"type": "tool_use", "id": f"toolu_{index}", "name": "delete_records", "input": {}}
        events.append({"type": "content_block_start", "index": index, "content_block": block})
        for part in ('{"where": ', f'"{value}"}}'):
            delta = {"type": "input_json_delta", "partial_json": part}
            events.append({"type": "content_block_delta", "index": index, "delta": delta})
        events.append({"type": "content_block_stop", "index": index})
    end = {"stop_reason": "tool_use", "stop_sequence": None}
    events += [{"type": "message_delta", "delta": end, "usage": {"output_tokens": 9}}, {"type": "message_stop"}]
    for event in events:
        yield sse(event, event["type"])


TWO = {"/v1/chat/completions": two_chat_calls, "/v1/messages": two_message_calls}


def obedient(path: str, one: Format) -> Format:
    """The demo's format, answering the command in brackets."""
    inner, two = one.stream, TWO.get(path)

    def stream(asked: Asked, said: Answer, delivery: Delivery) -> Iterator[bytes]:
        assert inner is not None
        return two(asked) if two and command(asked.body) == "two calls" else inner(asked, said, delivery)

    return replace(one, question=command, stream=stream if inner is not None else None)


async def _page(request: Request) -> Response:
    """Ollama's pages beside the chat, and Gemini's embeddings."""
    path = request.url.path
    if path == "/":
        return PlainTextResponse("Ollama is running")
    about = {
        "family": "llama",
        "families": ["llama"],
        "format": "gguf",
        "parameter_size": "3B",
        "quantization_level": "Q4",
    }
    listed = {"name": "m", "model": "m", "size": 1, "digest": "d", "details": about}
    vector = [0.25, 0.5]
    bodies: dict[str, Any] = {
        "/api/tags": {"models": [listed]},
        "/api/ps": {"models": [{**listed, "expires_at": "2026-01-01T00:00:00Z", "size_vram": 1}]},
        "/api/show": {"details": about, "model_info": {"general.architecture": "llama"}, "capabilities": ["tools"]},
        "/api/embed": {"model": "m", "embeddings": [vector, vector]},
        "/api/embeddings": {"embedding": vector},
        "/api/version": {"version": "0.12.0"},
    }
    if path in bodies:
        return JSONResponse(bodies[path])
    if path.endswith(":batchEmbedContents"):
        return JSONResponse({"embeddings": [{"values": vector}, {"values": vector}]})
    return JSONResponse({"embedding": {"values": vector}})


def application() -> Starlette:
    """The upstream: ``GET /_received`` shows what came in, ``DELETE /_received`` forgets it."""
    demo._ROUTES = {path: obedient(path, one) for path, one in demo._ROUTES.items()}  # this process runs nothing else
    made = demo.upstream(record=True)

    async def forget(_: Request) -> Response:
        made.state.received.clear()
        return Response()

    for path in ("/", "/api/tags", "/api/ps", "/api/show", "/api/embed", "/api/embeddings", "/api/version"):
        made.router.routes.append(Route(path, _page, methods=["GET", "POST", "HEAD"]))
    for version in ("v1", "v1beta"):
        for verb in ("embedContent", "batchEmbedContents"):
            made.router.routes.insert(0, Route(f"/{version}/models/{{model}}:{verb}", _page, methods=["POST"]))
    made.router.routes.append(Route("/_received", forget, methods=["DELETE"]))
    return made


def main() -> None:
    """Serve until the input ends."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "clients.yaml")
        path.write_text(POLICY.lstrip(), encoding="utf-8")
        with (
            serving(application()) as behind,
            serving(proxy_app(behind, path)) as base,
            serving(service_app(path)) as says,
        ):
            print(json.dumps({"upstream": behind, "proxy": base, "service": says}), flush=True)
            sys.stdin.read()


if __name__ == "__main__":
    main()
