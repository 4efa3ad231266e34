"""Servers of MCP in the fewest words: a command, and an address. Both list what stands in a file, in pages."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

__all__ = ["COMMAND", "TOOLS", "command", "serving"]

TOOLS: list[dict[str, Any]] = [
    {
        "name": "send",
        "description": "Sends a mail.",
        "inputSchema": {"type": "object", "properties": {"to": {"type": "string", "description": "who reads it"}}},
    },
    {
        "name": "read",
        "description": "Reads the inbox, and returns its newest mails.",
        "inputSchema": {"type": "object"},
    },
]

# Arguments: the file with the tools; which revision (old, new); tools on a page.
COMMAND = """
import json, sys
tools = json.load(open(sys.argv[1], encoding="utf-8"))
kind, size = sys.argv[2], int(sys.argv[3])
greeted = kind == "new"
print("a line that is no message", flush=True)
print(json.dumps({"jsonrpc": "2.0", "id": "s1", "method": "ping"}), flush=True)
for line in sys.stdin:
    said = json.loads(line)
    if "method" not in said or "id" not in said:
        continue
    method, params = said["method"], said.get("params", {})
    answer = {"error": {"code": -32601, "message": "no such \\x1b[2Jmethod"}}
    if method == "initialize" and kind == "old":
        greeted = True
        answer = {"result": {"protocolVersion": "2025-11-25", "capabilities": {}, "serverInfo": {"name": "s", "version": "1"}}}
    elif method == "tools/list" and greeted and (kind == "old") == ("_meta" not in params):
        first = int(params.get("cursor", "0"))
        more = first + size < len(tools)
        answer = {"result": {"tools": tools[first : first + size], **({"nextCursor": str(first + size)} if more else {})}}
    print(json.dumps({"jsonrpc": "2.0", "id": said["id"], **answer}), flush=True)
"""


def command(folder: Path, tools: Any = TOOLS, kind: str = "old", size: int = 1) -> list[str]:
    """What runs the command."""
    (folder / "listed.txt").write_text(json.dumps(tools), encoding="utf-8")
    (folder / "server.py").write_text(COMMAND, encoding="utf-8")
    return [sys.executable, str(folder / "server.py"), str(folder / "listed.txt"), kind, str(size)]


@contextmanager
def serving(tools: Any = TOOLS, kind: str = "old", *, token: str | None = None, events: bool = False) -> Iterator[Any]:
    """A server on a socket: its address, and the methods and headers that it was sent."""
    seen: list[tuple[str, dict[str, str]]] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            said = json.loads(self.rfile.read(int(self.headers["content-length"])))
            method = said["method"]
            seen.append((method, {k.lower(): v for k, v in self.headers.items()}))
            if token is not None and self.headers.get("authorization") != f"Bearer {token}":
                self._answer(401, None)
            elif method == "initialize" and kind == "old":
                self._answer(200, {"result": {"protocolVersion": "2025-06-18", "capabilities": {}}}, said)
            elif "id" not in said:
                self._answer(202, None)
            elif method == "tools/list" and (kind == "old") == (self.headers.get("mcp-session-id") == "s-1"):
                self._answer(200, {"result": {"tools": tools}}, said)
            else:
                self._answer(400, {"error": {"code": -32601, "message": "unknown"}}, said)

        def do_DELETE(self) -> None:
            seen.append(("DELETE", {k.lower(): v for k, v in self.headers.items()}))
            self._answer(200, None)

        def _answer(self, status: int, body: Any, said: Any = None) -> None:
            data = b"" if body is None else json.dumps({"jsonrpc": "2.0", "id": said["id"], **body}).encode()
            if events and data:
                note = json.dumps(
                    {"jsonrpc": "2.0", "method": "notifications/message", "params": {"data": "x"}}
                ).encode()
                data = b"data: " + note + b"\n\ndata: " + data + b"\n\n"
            self.send_response(status)
            self.send_header("content-type", "text/event-stream" if events else "application/json")
            self.send_header("content-length", str(len(data)))
            if kind == "old" and said and said["method"] == "initialize":
                self.send_header("mcp-session-id", "s-1")
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: Any) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/mcp", seen
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
