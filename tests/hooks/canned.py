"""A canned model on a socket, for coding agents: it calls one tool, reads the result, and says a word.

It speaks what the agents speak, streamed: Anthropic's messages and OpenAI's responses.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

__all__ = ["CannedModel"]


class CannedModel:
    """The model. ``received``: the bodies of requests that offered tools, in order. Close it when it is no longer needed."""

    def __init__(self, tool: str, arguments: dict[str, Any]) -> None:
        self.tool, self.arguments = tool, arguments
        self.received: list[dict[str, Any]] = []
        self.seen: list[str] = []
        handler = type("Handler", (_Handler,), {"model": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def __enter__(self) -> CannedModel:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class _Handler(BaseHTTPRequestHandler):
    model: CannedModel
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: Any) -> None:
        pass

    def do_HEAD(self) -> None:
        self._send(200, b"", "application/json")

    def do_GET(self) -> None:
        self.model.seen.append(f"GET {self.path}")
        self._send(200, b'{"data": [], "models": []}', "application/json")

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers.get("content-length") or 0)) or b"{}")
        self.model.seen.append(f"POST {self.path}")
        if body.get("tools"):
            self.model.received.append(body)
        if self.path.startswith("/v1/messages/count_tokens"):
            self._send(200, b'{"input_tokens": 10}', "application/json")
        elif self.path.startswith("/v1/messages"):
            self._events(_messages(self.model, body))
        elif self.path.endswith("/responses"):
            self._events(_responses(self.model, body))
        else:
            self._send(404, b"{}", "application/json")

    def _events(self, events: Iterator[dict[str, Any]]) -> None:
        data = "".join(f"event: {e['type']}\ndata: {json.dumps(e)}\n\n" for e in events)
        self._send(200, data.encode(), "text/event-stream")

    def _send(self, status: int, data: bytes, kind: str) -> None:
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


def _messages(model: CannedModel, body: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Anthropic's events of one answer."""
    answered = "tool_result" in json.dumps(body.get("messages", []))
    calls = bool(body.get("tools")) and not answered
    start: dict[str, Any] = {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": body.get("model"),
        "content": [],
    }
    usage = {"input_tokens": 10, "output_tokens": 5}
    yield {"type": "message_start", "message": {**start, "stop_reason": None, "stop_sequence": None, "usage": usage}}
    if calls:
        block = {"type": "tool_use", "id": "toolu_1", "name": model.tool, "input": {}}
        yield {"type": "content_block_start", "index": 0, "content_block": block}
        delta = {"type": "input_json_delta", "partial_json": json.dumps(model.arguments)}
    else:
        yield {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}
        delta = {"type": "text_delta", "text": "Done."}
    yield {"type": "content_block_delta", "index": 0, "delta": delta}
    yield {"type": "content_block_stop", "index": 0}
    reason = "tool_use" if calls else "end_turn"
    yield {"type": "message_delta", "delta": {"stop_reason": reason, "stop_sequence": None}, "usage": usage}
    yield {"type": "message_stop"}


def _responses(model: CannedModel, body: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """OpenAI's events of one response."""
    answered = any(str(i.get("type")).endswith("_output") for i in body.get("input", []))
    if body.get("tools") and not answered:
        item: dict[str, Any] = {"type": "function_call", "id": "fc_1", "call_id": "call_1", "name": model.tool}
        item["arguments"] = json.dumps(model.arguments)
    else:
        said = {"type": "output_text", "text": "Done.", "annotations": []}
        item = {"type": "message", "id": "msg_1", "role": "assistant", "content": [said], "status": "completed"}
    usage = {"input_tokens": 10, "output_tokens": 5, "total_tokens": 15}
    response: dict[str, Any] = {"id": "resp_1", "object": "response", "model": body.get("model"), "output": []}
    yield {"type": "response.created", "response": {**response, "status": "in_progress"}}
    yield {"type": "response.output_item.added", "output_index": 0, "item": item}
    yield {"type": "response.output_item.done", "output_index": 0, "item": item}
    yield {
        "type": "response.completed",
        "response": {**response, "status": "completed", "output": [item], "usage": usage},
    }
