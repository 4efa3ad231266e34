"""A server of its own process, pinned to a core: a small chat application, alone or behind the middleware, or the proxy.

The application is Starlette's: it parses the request's JSON, may wait, and answers with JSON or with a stream of tokens.
``GET /stats`` says what the process spent and how late its event loop ran since the last call.

python -m benchmarks.serving JSON
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import json
import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import AsyncIterator, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from benchmarks.timing import PLAIN_1KB

PATH = "/v1/chat/completions"
TICK_S = 0.002
BIG_ANSWER = 1_500_000
# Read before anything is pinned, and handed to the servers, which inherit their starter's core.
CORES = [int(n) for n in os.environ.get("BENCH_CORES", "").split(",") if n] or (
    sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
)


@dataclass(frozen=True)
class Spec:
    """What is served. ``policy``: a file, or None for the application alone; ``tenants``: a folder with a ``tenants.yaml``.

    ``upstream``: serve ``guardrails proxy`` in front of that address. ``admission``: requests in work, and waiting. ``check_wait``: seconds.
    ``wait_ms``: how long the application waits before it answers; ``tokens`` and ``rate``: of a stream, and tokens a second.
    """

    core: int | None = 0
    policy: str | None = None
    tenants: str | None = None
    upstream: str | None = None
    wait_ms: float = 0.0
    tokens: int = 500
    rate: float = 50.0
    admission: tuple[int, int, float] | None = None
    check_wait: float | None = None
    cache: int = 20_000


class Server:
    """A running server: ``port``, and :meth:`stats`."""

    def __init__(self, process: subprocess.Popen[str], port: int, started: dict[str, Any]) -> None:
        self.process = process
        self.port = port
        self.started = started

    def stats(self) -> dict[str, Any]:
        """CPU seconds since the last call (``cpu_s``), ``rss_kb``, ``lag_ms`` and the decisions' figures."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/stats", timeout=30) as answer:
            found: dict[str, Any] = json.load(answer)
        return found


@contextlib.contextmanager
def served(**spec: Any) -> Iterator[Server]:
    """A server in a process of its own; it ends with the block."""
    told = json.dumps(asdict(Spec(**spec)))
    process = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.serving", told],
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[1],
        env={**os.environ, "BENCH_CORES": ",".join(map(str, CORES))},
    )
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        if not line:
            raise RuntimeError(f"the server did not start: {told}")
        started = json.loads(line)
        yield Server(process, started["port"], started)
    finally:
        process.terminate()
        process.wait(30)


def pin(core: int | None) -> None:
    """This process and its children on one core: the n-th of those that this program was started on."""
    if core is not None and CORES:
        os.sched_setaffinity(0, {CORES[core % len(CORES)]})


def percentile(values: list[float], share: float) -> float:
    """The value below which ``share`` of the values lie; nan of none."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else float("nan")


# -- the process -----------------------------------------------------------------------------------------------------


class _Watch:
    """How late timers ran, and what was decided, since the last look."""

    def __init__(self) -> None:
        self.late: list[float] = []
        self.spent: dict[str, list[float]] = {"INPUT": [], "OUTPUT": []}
        self.actions: dict[str, int] = {}
        self.held = 0
        self._cpu = time.process_time()

    async def tick(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            due = loop.time() + TICK_S
            await asyncio.sleep(TICK_S)
            self.late.append((time.monotonic() - due) * 1000)

    def decided(self, decision: Any) -> None:
        self.spent[decision.direction.value].append(decision.milliseconds)
        self.actions[decision.action.value] = self.actions.get(decision.action.value, 0) + 1
        self.held = max(self.held, decision.held)

    def stats(self) -> dict[str, Any]:
        cpu, self._cpu = self._cpu, time.process_time()
        late, self.late = self.late, []
        spent = {
            d: {"n": len(v), "p50": percentile(v or [0.0], 0.5), "sum": sum(v), "max": max(v, default=0.0)}
            for d, v in self.spent.items()
        }
        actions, held = dict(self.actions), self.held
        self.spent, self.held = {"INPUT": [], "OUTPUT": []}, 0
        self.actions.clear()
        return {
            "cpu_s": self._cpu - cpu,
            "rss_kb": _rss_kb(),
            "lag_ms": {str(p): percentile(late or [0.0], p) for p in (0.5, 0.99, 0.999)}
            | {"max": max(late, default=0.0), "n": len(late)},
            "spent": spent,
            "actions": actions,
            "held": held,
        }


def _rss_kb() -> int:
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS"))


def reply(content: str) -> dict[str, Any]:
    """A chat completion that says ``content``."""
    choice = {"index": 0, "message": {"role": "assistant", "content": content}, "finish_reason": "stop"}
    usage = {"prompt_tokens": 210, "completion_tokens": 180, "total_tokens": 390}
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": "m",
        "choices": [choice],
        "usage": usage,
    }


def tokens(count: int) -> list[str]:
    """A long answer in pieces of four characters, as a tokeniser cuts on average."""
    text = ""
    while len(text) < 4 * count:
        text += PLAIN_1KB + " "
    return [text[i : i + 4] for i in range(0, 4 * count, 4)]


def _application(spec: Spec, watch: _Watch) -> Any:
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import JSONResponse, Response, StreamingResponse
    from starlette.routing import Route

    usual, big = reply(PLAIN_1KB[:800]), reply((PLAIN_1KB + " ") * (BIG_ANSWER // (len(PLAIN_1KB) + 1)))

    async def chat(request: Request) -> Response:
        body = await request.json()
        if spec.wait_ms:
            await asyncio.sleep(spec.wait_ms / 1000)
        if body.get("stream"):
            return StreamingResponse(_streamed(spec), media_type="text/event-stream")
        return JSONResponse(big if body["model"] == "big" else usual)

    async def stats(_: Request) -> Response:
        return JSONResponse(watch.stats())

    @contextlib.asynccontextmanager
    async def ticking(_: Any) -> AsyncIterator[None]:
        task = asyncio.create_task(watch.tick())
        yield
        task.cancel()

    return Starlette(routes=[Route(PATH, chat, methods=["POST"]), Route("/stats", stats)], lifespan=ticking)


async def _streamed(spec: Spec) -> AsyncIterator[bytes]:
    """Tokens at their times; a late one is followed by the next at its own time."""
    begun = time.monotonic()
    for n, token in enumerate(tokens(spec.tokens)):
        delta = {"role": "assistant", "content": token} if n == 0 else {"content": token}
        await asyncio.sleep(max(0.0, begun + (n + 1) / spec.rate - time.monotonic()))
        yield _chunk(delta, None)
    yield _chunk({}, "stop") + b"data: [DONE]\n\n"


def _chunk(delta: dict[str, Any], finish: str | None) -> bytes:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    body = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice]}
    return f"data: {json.dumps(body)}\n\n".encode()


def _made(spec: Spec, watch: _Watch) -> Any:
    """The application to serve."""
    from guardrails.asgi.admission import Admission

    more: dict[str, Any] = {"on_decision": watch.decided, "cache": spec.cache, "exempt": ("GET /stats",)}
    if spec.check_wait is not None:
        more["check_wait_seconds"] = spec.check_wait
    if spec.admission is not None:
        requests, waiting, wait_ms = spec.admission
        more["admission"] = Admission(requests, 256_000_000, waiting, wait_ms, reserve=0.0)
    if spec.upstream is not None:
        from guardrails.proxy import proxy_app

        return proxy_app(spec.upstream, spec.policy or "baseline", **more)
    app = _application(spec, watch)
    if spec.policy is not None or spec.tenants is not None:
        from guardrails import Guard
        from guardrails.asgi import GuardrailsMiddleware
        from guardrails.tenants import Tenants

        policies = Tenants.open(spec.tenants) if spec.tenants is not None else Guard.from_file(spec.policy or "")
        app.add_middleware(GuardrailsMiddleware, policies=policies, **more)
    return app


async def _serve(app: Any, started: dict[str, Any]) -> None:
    import uvicorn

    from guardrails.proxy.serving import bound

    listener = bound("127.0.0.1", 0)
    config = uvicorn.Config(
        app, log_level="warning", access_log=False, timeout_graceful_shutdown=1, lifespan="on", timeout_keep_alive=600
    )
    server = uvicorn.Server(config)

    async def tell() -> None:
        while not server.started:
            await asyncio.sleep(0.01)
        # As docs/operations.md says, and as the proxy does.
        gc.collect()
        gc.freeze()
        print(json.dumps({**started, "port": listener.getsockname()[1], "rss_kb": _rss_kb()}), flush=True)

    telling = asyncio.create_task(tell())
    await server.serve(sockets=[listener])
    await telling


def main() -> None:
    """Serve what the argument says, until SIGTERM."""
    spec = Spec(**json.loads(sys.argv[1]))
    pin(spec.core)
    begun = time.perf_counter()
    app = _made(spec, _Watch())
    opened_s = time.perf_counter() - begun
    try:
        import uvloop
    except ImportError:
        run = asyncio.run
    else:
        run = uvloop.run
    run(_serve(app, {"opened_s": opened_s}))


if __name__ == "__main__":
    main()
