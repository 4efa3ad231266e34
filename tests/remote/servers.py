"""Servers on real sockets that speak the recorded shapes of vLLM, TEI and OpenAI-compatible guard models.

Each judges by words: a text with ``kingfisher`` is harmful. A text of more words than ``reads`` is refused as the real server does.
"""

from __future__ import annotations

import contextlib
import json
import math
import socket
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

# (status, body) of an answer, or what the connection does instead.
Answer = tuple[int, Any]
BAD = "kingfisher"
SHA = "1f2e3d4c5b6a79880716253443526170f0e1d2c3"


class Server:
    """A server that can be stopped and started again at the same port, and told to misbehave."""

    def __init__(self, answers: Callable[[str, Any], Answer]) -> None:
        self.answers = answers
        self.calls: list[tuple[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.trouble = ""
        self._http: Any = None
        self._open: list[socket.socket] = []
        self._port = 0
        self.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    def start(self) -> None:
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def setup(self) -> None:
                super().setup()
                outer._open.append(self.connection)

            def handle(self) -> None:
                with contextlib.suppress(ConnectionError):  # clients that give up
                    super().handle()

            def do_POST(self) -> None:
                outer.serve(self, json.loads(self.rfile.read(int(self.headers["content-length"]))))

            def do_GET(self) -> None:
                outer.serve(self, None)

            def log_message(self, *_: Any) -> None:
                pass

        ThreadingHTTPServer.allow_reuse_address = True
        self._http = ThreadingHTTPServer(("127.0.0.1", self._port), Handler)
        self._port = self._http.server_address[1]
        threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True).start()

    def stop(self) -> None:
        """As a process that ends: nothing listens, and every connection is closed."""
        self._http.shutdown()
        self._http.server_close()
        for one in self._open:
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
        self._open.clear()

    def serve(self, handler: BaseHTTPRequestHandler, body: Any) -> None:
        self.calls.append((handler.path, body))
        self.headers.append({k.lower(): v for k, v in handler.headers.items()})
        until = time.monotonic() + 20
        while self.trouble == "silence" and time.monotonic() < until:
            time.sleep(0.02)
        status, said = self.answers(handler.path, body)
        if self.trouble == "refusal":
            status, said = 500, {"error": f"cannot read {json.dumps(body)}"}
        raw = json.dumps(said).encode()
        if self.trouble == "garbage":
            raw = b"<html>It works!</html>"
        handler.send_response(status)
        handler.send_header("content-type", "application/json")
        handler.send_header("content-length", str(len(raw)))
        handler.end_headers()
        if self.trouble == "truncation":
            raw = raw[: len(raw) // 2]
            handler.close_connection = True
        elif self.trouble == "dribble":
            for i in range(len(raw)):
                handler.wfile.write(raw[i : i + 1])
                handler.wfile.flush()
                time.sleep(0.05)
            return
        handler.wfile.write(raw)
        handler.wfile.flush()


@contextlib.contextmanager
def serving(answers: Callable[[str, Any], Answer]) -> Iterator[Server]:
    server = Server(answers)
    try:
        yield server
    finally:
        server.stop()


def _p(text: str) -> float:
    return 0.9 if BAD in text else 0.2


class Vllm:
    """``/classify`` of vLLM: probabilities without names, the top label only."""

    def __init__(self, reads: int = 100, classes: int = 2, model: str = "org/toxic") -> None:
        self.reads, self.classes, self.model = reads, classes, model

    def __call__(self, path: str, body: Any) -> Answer:
        if path != "/classify":
            return 404, {"detail": "Not Found"}
        texts = body["input"]
        longest = max(len(t.split()) for t in texts)
        if longest > self.reads:
            message = (
                f"This model's maximum context length is {self.reads} tokens. However, you requested {longest} tokens"
            )
            return 400, {"error": {"message": message, "type": "BadRequestError", "param": None, "code": 400}}
        data = [
            {
                "index": i,
                "label": "LABEL_1" if BAD in t else "LABEL_0",
                "probs": [1 - _p(t), _p(t), *[0.0] * (self.classes - 2)],
                "num_classes": self.classes,
            }
            for i, t in enumerate(texts)
        ]
        usage = {"prompt_tokens": 20, "total_tokens": 20, "completion_tokens": 0}
        return 200, {"id": "classify-1", "object": "list", "created": 1745383065, "model": self.model, "data": data, "usage": usage}  # fmt: skip


class Tei:
    """``/info`` and ``/predict`` of TEI: a flat list of strings is a pair, a batch is a list of lists."""

    def __init__(
        self, reads: int = 100, *, auto_truncate: bool = False, sha: str = SHA, model: str = "org/toxic"
    ) -> None:
        self.reads, self.auto_truncate, self.sha, self.model = reads, auto_truncate, sha, model

    def __call__(self, path: str, body: Any) -> Answer:
        if path == "/info":
            names = {"0": "neutral", "1": "toxic"}
            return 200, {
                "model_id": self.model, "model_sha": self.sha, "model_dtype": "float16", "auto_truncate": self.auto_truncate,
                "model_type": {"classifier": {"id2label": names, "label2id": {v: int(k) for k, v in names.items()}}},
                "max_input_length": self.reads, "max_batch_tokens": 16384, "max_client_batch_size": 32, "version": "1.9.3",
            }  # fmt: skip
        if path != "/predict":
            return 404, None
        inputs = body["inputs"]
        assert all(isinstance(one, list) and len(one) == 1 for one in inputs), "a pair, not a batch"
        assert len(inputs) <= 32
        longest = max(len(t.split()) for (t,) in inputs)
        if longest > self.reads and not body["truncate"]:
            said = f"Input validation error: `inputs` must have less than {self.reads} tokens. Given: {longest}"
            return 413, {"error": said, "error_type": "Validation"}
        rows = [[{"label": "neutral", "score": 1 - _p(t)}, {"label": "toxic", "score": _p(t)}] for (t,) in inputs]
        return 200, [sorted(row, key=lambda one: -one["score"]) for row in rows]


class Chat:
    """``/v1/chat/completions`` of a guard model: ``says`` makes its words from the messages, ``held`` the words it held possible."""

    def __init__(
        self, says: Callable[[list[dict[str, str]], Any], str], held: dict[str, float] | None = None, reads: int = 1_000
    ) -> None:
        self.says, self.held, self.reads = says, held, reads
        self.end, self.refusal = "stop", None

    def __call__(self, path: str, body: Any) -> Answer:
        if path != "/v1/chat/completions":
            return 404, {"detail": "Not Found"}
        messages = body["messages"]
        longest = sum(len(m["content"].split()) for m in messages)
        if longest > self.reads:
            message = f"This model's maximum context length is {self.reads} tokens. However, your request has {longest} input tokens."
            return 400, {"error": {"message": message, "type": "BadRequestError", "param": "input_tokens", "code": 400}}
        said = self.says(messages, body)
        choice: dict[str, Any] = {
            "index": 0,
            "message": {"role": "assistant", "content": said, "refusal": self.refusal, "tool_calls": []},
            "logprobs": self._logprobs(said) if body.get("logprobs") else None,
            "finish_reason": self.end,
            "stop_reason": None,
        }
        usage = {"prompt_tokens": 200, "total_tokens": 202, "completion_tokens": 2}
        return 200, {
            "id": "chatcmpl-1", "object": "chat.completion", "created": 1745383065, "model": body["model"], "choices": [choice],
            "usage": usage,
        }  # fmt: skip

    def _logprobs(self, said: str) -> Any:
        """Tokens of the words, each with its blank before; at the word that decides, the others that were possible."""
        if self.held is None:
            return None
        content: list[dict[str, Any]] = []
        for word in said.replace("\n", " \n ").split(" "):
            if word:
                token = word if word == "\n" else f"{' ' if content and content[-1]['token'] != chr(10) else ''}{word}"
                held = (
                    {w if token == w else f" {w}": p for w, p in self.held.items()}
                    if word in self.held
                    else {token: 1.0}
                )
                top = [{"token": t, "logprob": math.log(p), "bytes": list(t.encode())} for t, p in held.items()]
                content.append({"token": token, "logprob": -0.1, "bytes": [], "top_logprobs": top})
        return {"content": content}


def judged(messages: list[dict[str, str]]) -> bool:
    """Whether what a guard model is to judge is harmful: the last text that is no instruction."""
    texts = [m["content"] for m in messages if m["role"] != "system" and not m["content"].startswith("<guardian>")]
    return BAD in texts[-1]
