"""Asking a server of MCP what tools it has: over HTTP, as a command, or from an answer that was saved."""

from __future__ import annotations

import itertools
import queue
import shutil
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol

import httpx

from guardrails import __version__
from guardrails.errors import GuardrailsError
from guardrails.inventory.showing import shown
from guardrails.wire import strict
from guardrails.wire.framing import SSE
from guardrails.wire.limits import BodyLimits, Malformed

__all__ = ["listed", "saved"]

_LIMITS = BodyLimits(bytes=64_000_000, nodes=5_000_000, string=8_000_000)
_OLD, _NEW = "2025-11-25", "2026-07-28"
_PREFIX = "io.modelcontextprotocol/"
_US = {"name": "onepolicy-guardrails", "version": __version__}
# A server that goes on listing is not one that anybody reads.
_PAGES, _TOOLS = 1_000, 20_000
_NO_METHOD = -32601


class _Refused(GuardrailsError):
    """The server answered with an error."""


class _Peer(Protocol):
    """A server that can be asked."""

    modern: bool

    def ask(self, method: str, params: Mapping[str, Any]) -> dict[str, Any]:
        """The result of a request. Raises _Refused, and GuardrailsError where there is no answer."""

    def tell(self, method: str) -> None:
        """Send a notification."""


def listed(source: Sequence[str], *, token: str | None = None, seconds: float = 30.0) -> list[Any]:
    """The definitions of a server's tools, all pages of them.

    ``source``: an address (``https://…/mcp``), the path of a saved answer that ends in ``.json``, or a command with its arguments, which is run and
    ended again. ``token`` is sent to an address as a bearer token. ``seconds``: for all of it. Raises GuardrailsError.
    """
    first = source[0]
    if len(source) == 1 and first.startswith(("http://", "https://")):
        with _Http(first, token, seconds) as peer:
            return _tools(peer)
    if len(source) == 1 and first.endswith(".json"):
        return saved(Path(first).read_bytes(), first)
    with _Command(source, seconds) as command:
        return _tools(command)


def saved(data: bytes, name: str) -> list[Any]:
    """The tools in a saved answer: a list, ``{"tools": [...]}``, or a whole JSON-RPC response. Raises GuardrailsError."""
    try:
        found = strict.parse_answer(data, _LIMITS)
    except Malformed as malformed:
        raise GuardrailsError(f"{name}: {malformed.reason}") from None
    if isinstance(found, dict) and isinstance(found.get("result"), dict):
        found = found["result"]
    tools = found.get("tools") if isinstance(found, dict) else found
    if not isinstance(tools, list):
        raise GuardrailsError(
            f"{name}: holds no tools; save what `guardrails tools list --json` prints, or a server's answer to tools/list"
        )
    if isinstance(found, dict) and found.get("nextCursor"):
        raise GuardrailsError(f"{name}: is the first page of a list that goes on; ask the server itself")
    return tools


def _tools(peer: _Peer) -> list[Any]:
    """All pages. Servers of the revisions with sessions are greeted first; what refuses that is of a newer one."""
    try:
        peer.ask("initialize", {"protocolVersion": _OLD, "capabilities": {}, "clientInfo": _US})
        peer.tell("notifications/initialized")
    except _Refused:
        peer.modern = True
    tools: list[Any] = []
    seen: set[str] = set()
    params: dict[str, Any] = {}
    for _ in range(_PAGES):
        result = peer.ask("tools/list", params)
        page = result.get("tools")
        if not isinstance(page, list):
            raise GuardrailsError("the server's answer to tools/list holds no tools")
        tools += page
        cursor = result.get("nextCursor")
        if cursor is None or cursor == "":
            return tools
        if not isinstance(cursor, str) or cursor in seen or len(tools) > _TOOLS:
            break
        seen.add(cursor)
        params = {"cursor": cursor}
    raise GuardrailsError(f"the server's list does not end (more than {len(tools)} tools)")


def _request(id_: int, method: str, params: Mapping[str, Any], *, modern: bool) -> dict[str, Any]:
    if modern:
        about = {"protocolVersion": _NEW, "clientInfo": _US, "clientCapabilities": {}}
        params = {**params, "_meta": {_PREFIX + key: value for key, value in about.items()}}
    return {"jsonrpc": "2.0", "id": id_, "method": method, "params": dict(params)}


def _result(answer: Any, method: str) -> dict[str, Any]:
    error = answer.get("error") if isinstance(answer, dict) else None
    if isinstance(error, dict):
        said = shown(str(error.get("message", "")), most=200)
        raise _Refused(f"the server refuses {method}: {said} ({shown(str(error.get('code')), most=20)})")
    result = answer.get("result") if isinstance(answer, dict) else None
    if not isinstance(result, dict):
        raise GuardrailsError(f"the server's answer to {method} is no result")
    return result


class _Http:
    """A server behind an address (streamable HTTP)."""

    def __init__(self, url: str, token: str | None, seconds: float) -> None:
        self.modern = False
        self._url = url
        self._ends = time.monotonic() + seconds
        self._ids = itertools.count(1)
        headers = {"accept": "application/json, text/event-stream", "content-type": "application/json"}
        self._client = httpx.Client(headers=headers | ({"authorization": f"Bearer {token}"} if token else {}))

    def __enter__(self) -> _Http:
        return self

    def __exit__(self, *_: object) -> None:
        if "mcp-session-id" in self._client.headers:
            with suppress(httpx.HTTPError):  # nobody waits for it
                self._client.delete(self._url, timeout=2.0)
        self._client.close()

    def ask(self, method: str, params: Mapping[str, Any]) -> dict[str, Any]:
        """The result of a request."""
        message = _request(next(self._ids), method, params, modern=self.modern)
        headers = {"mcp-method": method, "mcp-protocol-version": _NEW} if self.modern else {}
        answer = self._post(message, headers)
        result = _result(answer, method)
        if method == "initialize":
            self._client.headers["mcp-protocol-version"] = str(result.get("protocolVersion", _OLD))[:20]
        return result

    def tell(self, method: str) -> None:
        """Send a notification."""
        self._post({"jsonrpc": "2.0", "method": method}, {})

    def _post(self, message: Mapping[str, Any], headers: Mapping[str, str]) -> Any:
        left = max(0.1, self._ends - time.monotonic())
        try:
            with self._client.stream("POST", self._url, json=message, headers=headers, timeout=left) as response:
                if session := response.headers.get("mcp-session-id"):
                    self._client.headers["mcp-session-id"] = session
                return self._answer(response, message)
        except httpx.TimeoutException:
            raise GuardrailsError(f"{self._url}: no answer in time (--seconds)") from None
        except (httpx.HTTPError, httpx.InvalidURL) as failed:
            raise GuardrailsError(f"{self._url}: cannot be asked ({type(failed).__name__})") from None
        except Malformed as malformed:
            raise GuardrailsError(f"{self._url}: its answer cannot be read: {malformed.reason}") from None

    def _answer(self, response: httpx.Response, message: Mapping[str, Any]) -> Any:
        events = response.headers.get("content-type", "").startswith("text/event-stream")
        framing, body = SSE(_LIMITS), bytearray()
        for part in response.iter_bytes():
            if time.monotonic() > self._ends:
                raise GuardrailsError(f"{self._url}: no answer in time (--seconds)")
            body += part
            if len(body) > _LIMITS.bytes:
                raise GuardrailsError(f"{self._url}: an answer has more than {_LIMITS.bytes:,} bytes")
            if events:
                for frame in framing.feed(part):
                    if isinstance(frame.body, dict) and frame.body.get("id") == message.get("id"):
                        return frame.body
        answer = None if events or not body else _json(bytes(body))
        if response.status_code in (401, 403):
            raise GuardrailsError(
                f"{self._url}: status {response.status_code}; name a variable with a token that it takes: --token-env"
            )
        if response.is_error and not (isinstance(answer, dict) and "error" in answer):
            if message.get("method") == "initialize":
                raise _Refused(f"{self._url}: status {response.status_code}")
            raise GuardrailsError(
                f"{self._url}: status {response.status_code}; is this the address of a server of MCP?"
            )
        return answer


class _Command:
    """A local server, which runs for as long as it is asked. Its standard error is passed through."""

    def __init__(self, command: Sequence[str], seconds: float) -> None:
        self.modern = False
        self._name = command[0]
        self._ends = time.monotonic() + seconds
        self._ids = itertools.count(1)
        self._lines: queue.Queue[bytes | None] = queue.Queue()
        try:
            self._process = subprocess.Popen(  # noqa: S603 - the operator names it
                [shutil.which(command[0]) or command[0], *command[1:]], stdin=subprocess.PIPE, stdout=subprocess.PIPE
            )
        except OSError as failed:
            raise GuardrailsError(f"{self._name}: cannot be run: {failed.strerror}") from None
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def __enter__(self) -> _Command:
        return self

    def __exit__(self, *_: object) -> None:
        if self._process.stdin is not None:
            with suppress(OSError):
                self._process.stdin.close()
        try:
            self._process.wait(2.0)  # a server ends with its input
        except subprocess.TimeoutExpired:
            self._process.terminate()
            try:
                self._process.wait(2.0)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        self._reader.join(2.0)  # a program that it started may hold the other end open
        if self._process.stdout is not None and not self._reader.is_alive():
            self._process.stdout.close()

    def ask(self, method: str, params: Mapping[str, Any]) -> dict[str, Any]:
        """The result of a request."""
        message = _request(next(self._ids), method, params, modern=self.modern)
        self._send(message)
        while True:
            said = self._next()
            if not isinstance(said, dict):
                continue
            if "method" in said and "id" in said:
                self._send(_reply(said))
            elif said.get("id") == message["id"]:
                return _result(said, method)

    def tell(self, method: str) -> None:
        """Send a notification."""
        self._send({"jsonrpc": "2.0", "method": method})

    def _send(self, message: Mapping[str, Any]) -> None:
        try:
            if self._process.stdin is not None:
                self._process.stdin.write(strict.dump(message) + b"\n")
                self._process.stdin.flush()
        except OSError:
            raise GuardrailsError(f"{self._name}: ended before it answered") from None

    def _next(self) -> Any:
        try:
            line = self._lines.get(timeout=max(0.0, self._ends - time.monotonic()))
        except queue.Empty:
            raise GuardrailsError(f"{self._name}: no answer in time (--seconds); is it a server of MCP?") from None
        if line is None:
            raise GuardrailsError(f"{self._name}: ended before it answered")
        try:
            return strict.parse_answer(line, _LIMITS)
        except Malformed:
            return None  # a line that is no message: clients pass over it too

    def _read(self) -> None:
        if self._process.stdout is not None:
            while line := self._process.stdout.readline(_LIMITS.bytes):
                self._lines.put(line)
        self._lines.put(None)


def _json(data: bytes) -> Any:
    try:
        return strict.parse_answer(data, _LIMITS)
    except Malformed:
        return None


def _reply(asked: Mapping[str, Any]) -> dict[str, Any]:
    """We are a client that can nothing but be alive."""
    if asked["method"] == "ping":
        return {"jsonrpc": "2.0", "id": asked["id"], "result": {}}
    error = {"code": _NO_METHOD, "message": "this client lists tools, and does nothing else"}
    return {"jsonrpc": "2.0", "id": asked["id"], "error": error}
