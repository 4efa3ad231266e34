"""Scenes of benchmarks/middleware.py with more to set up: streams, tenants, conversations, overload, the proxy."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import json
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.chats import SYSTEM, chat, one_kb
from benchmarks.loading import Connection, Timed, closed, connect, numbered, post, rated, run
from benchmarks.serving import PATH, reply, served, tokens
from benchmarks.timing import PLAIN_1KB

# What callers of a bank may ask, none of it against its policy.
QUESTION = (
    "What are the opening hours of the branch in the high street, and do I need an appointment? Reference @@@@@@@@."
)


# -- streams ---------------------------------------------------------------------------------------------------------


async def _one_stream(port: int, request: bytes) -> tuple[float, float, int]:
    """Seconds to the first text and to the end, and characters of text."""
    connection: Connection = await connect(port)
    started = time.perf_counter()
    first: list[float] = []
    seen = bytearray()

    def chunk(data: bytes) -> None:
        seen.extend(data)
        if not first and b'"content":"' in bytes(seen).replace(b'"content": "', b'"content":"').replace(
            b'"content":""', b""
        ):
            first.append(time.perf_counter() - started)

    connection.chunks = chunk
    status = await connection.ask(request)
    total = time.perf_counter() - started
    assert status == 200, status
    payloads = [line[6:] for line in bytes(seen).split(b"\n") if line.startswith(b"data: {")]
    text = "".join(c["delta"].get("content") or "" for p in payloads for c in json.loads(p)["choices"])
    if connection.transport is not None:
        connection.transport.close()
    return first[0], total, len(text)


def streaming(policy: str, *, count: int, rounds: int, rate: float = 50.0) -> None:
    """First text and end of a streamed answer, alone and behind the full policy."""
    from guardrails.streaming.window import boundary

    pieces = tokens(count)
    body = chat(QUESTION, stream=True)
    make = numbered(body)
    # The first segment is closed by the token that brings the end of its sentence.
    end = boundary("".join(pieces), 0) or len("".join(pieces))
    closed_s = -(-end // len(pieces[0])) / rate
    spec: dict[str, Any] = {"tokens": count, "rate": rate}
    with served(**spec) as bare, served(**spec, policy=policy) as guarded:
        run(_one_stream_short(guarded.port))  # weights loaded
        guarded.stats()
        results = {
            name: [run(_one_stream(server.port, make(n))) for n in range(rounds)]
            for name, server in (("direct", bare), ("guarded", guarded))
        }
        stats = guarded.stats()
    (first, total, _), (first_g, total_g, size) = (
        tuple(statistics.median(r[i] for r in results[name]) for i in range(3)) for name in ("direct", "guarded")
    )
    spent = stats["spent"]
    print(
        f"{count} tokens at {rate:g} a second, policy {policy}; median of {rounds}; {size:.0f} characters came, actions {stats['actions']}"
    )
    print(f"first text: {first * 1000:.0f} ms direct, {first_g * 1000:.0f} ms guarded")
    print(
        f"  of these, the first segment ({end} characters) closes {closed_s * 1000:.0f} ms after the request; request check "
        f"{spent['INPUT']['p50']:.1f} ms; the rest, {(first_g - closed_s - first + 1 / rate) * 1000:.0f} ms, is checks and their way"
    )
    print(
        f"total: {total:.2f} s direct, {total_g:.2f} s guarded, {100 * (total_g / total - 1):+.1f} % (aimed at +10 %)"
    )
    print(f"checks of one answer: {spent['OUTPUT']['p50']:.0f} ms together; most characters held back: {stats['held']}")


async def _one_stream_short(port: int) -> int:
    """An unstreamed request, so that weights are loaded and the process is warm."""
    connection = await connect(port)
    status = await connection.ask(post(json.dumps(chat("Good morning.")).encode()))
    if connection.transport is not None:
        connection.transport.close()
    return status


# -- tenants ---------------------------------------------------------------------------------------------------------


def _tenants_folder(folder: Path, count: int) -> list[str]:
    """Policies that share a parent's rules and differ in name and message, with a key each; the keys."""
    from guardrails.tenants.keys import hash_key

    folder.mkdir()
    (folder / "base.yaml").write_text(
        "version: 1\nname: base\nwords: {terms: [project kingfisher, rival bank], managed: [PROFANITY]}\n"
        "pii:\n  entities: {EMAIL: mask, PHONE: mask, CREDIT_DEBIT_CARD_NUMBER: block}\n"
        "  regexes: [{name: account, pattern: 'ACC-\\d{8}', action: mask}]\n",
        encoding="utf-8",
    )
    keys = [f"gr-bench-{i:06d}-0123456789-abcdefghijklmnop" for i in range(count)]
    lines = ["version: 1", "resolve: {api_key: {}}", "tenants:"]
    for i, key in enumerate(keys):
        (folder / f"t{i}.yaml").write_text(
            f"version: 1\nname: tenant-{i}\nextends: base.yaml\nmessages: {{blocked_input: 'Tenant {i} declines.'}}\n",
            encoding="utf-8",
        )
        lines.append(f'  t{i}: {{policy: t{i}.yaml, keys: ["{hash_key(key)}"]}}')
    (folder / "tenants.yaml").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return keys


def tenants(folder: Path, *, count: int, seconds: float) -> None:
    """Memory a tenant, and latency with one and with many."""
    keys = {n: _tenants_folder(folder / f"tenants{n}", n) for n in (1, count)}
    body = json.dumps(one_kb()).encode()

    def make(given: list[str]) -> Callable[[int], bytes]:
        # A request for each tenant in turn; the step meets all of them, and none twice in a row.
        step = 7_919
        return lambda n: post(body.replace(b"@@@@@@@@", b"%08d" % n), key=given[n * step % len(given)])

    found: dict[int, tuple[float, int, float, int]] = {}
    with served(tenants=str(folder / "tenants1")) as one, served(tenants=str(folder / f"tenants{count}")) as many:
        # Each tenant once: what a policy prepares at its first answer is no part of the others.
        run(closed(many.port, make(keys[count]), connections=8, seconds=count / 1_000))
        best: dict[int, list[float]] = {1: [], count: []}
        for _ in range(3):
            for n, server in ((1, one), (count, many)):
                best[n].append(run(closed(server.port, make(keys[n]), connections=1, seconds=seconds / 2)).p(0.5))
        for n, server in ((1, one), (count, many)):
            found[n] = server.started["opened_s"], server.started["rss_kb"], min(best[n]), server.stats()["rss_kb"]
    for n, (opened_s, rss, p50, after) in found.items():
        print(
            f"{n:6,} tenants: opened in {opened_s:6.1f} s, {rss / 1024:6.0f} MB, {after / 1024:6.0f} MB after the load; p50 {p50:.2f} ms"
        )
    each, loaded = ((found[count][i] - found[1][i]) / (count - 1) for i in (1, 3))
    print(
        f"each: {each:.1f} KB, {loaded:.1f} KB with what the load left in caches (aimed at 20 KB); p50 {found[count][2] / found[1][2]:.2f} × (aimed at 1)"
    )


# -- conversations ---------------------------------------------------------------------------------------------------


def conversation(full: str, light: str, *, turns: int, rounds: int) -> None:
    """The last turn of a long conversation against the first, each message but the newest known, without a socket."""
    from guardrails import Guard

    for name, policy in (("words and regexes", light), (f"full policy ({full})", full)):
        guard = Guard.from_file(policy)
        first, late, window = asyncio.run(_turns(guard, turns, rounds))
        print(
            f"{name}: turn 1 {first:.2f} ms, turn {turns} {late:.2f} ms, one pass over the window {window:.2f} ms; "
            f"turn {turns} without it is {(late - window) / first:.2f} × turn 1 (aimed at 1.2)"
        )


async def _turns(guard: Any, turns: int, rounds: int) -> tuple[float, float, float]:
    """Milliseconds of turn 1, of the last turn, and of the check of the window alone; medians."""
    from guardrails.asgi import GuardrailsMiddleware

    app = _Canned()
    door = GuardrailsMiddleware(app, guard, reload=False)
    said = ["Thank you. " + PLAIN_1KB[i % 400 : i % 400 + 300] for i in range(2 * turns)]
    first, late, window = [], [], []

    def messages(count: int, newest: str) -> list[dict[str, str]]:
        out = [{"role": "system", "content": SYSTEM}]
        for i in range(count - 1):
            out += [
                {"role": "user", "content": f"{i}: {said[2 * i]}"},
                {"role": "assistant", "content": f"{i}: {said[2 * i + 1]}"},
            ]
        return [*out, {"role": "user", "content": newest}]

    await app.ask(door, messages(turns, "warm"))
    gc.collect()
    gc.freeze()  # as docs/operations.md says
    for n in range(rounds):
        newest = f"Question {n}: {PLAIN_1KB[n : n + 300]}"
        first.append(await app.ask(door, messages(1, newest + " first")))
        late.append(await app.ask(door, messages(turns, newest + " last")))
        own = [m["content"] for m in messages(turns, newest + " alone") if m["role"] == "user"][
            -guard.policy.conversation.window :
        ]
        started = time.perf_counter()
        await asyncio.to_thread(guard.check_many, ["\n".join(own), "".join(own)], "INPUT")
        window.append((time.perf_counter() - started) * 1000)
    await door.aclose()
    return statistics.median(first), statistics.median(late), statistics.median(window)


class _Canned:
    """An application that answers the same, and a client without a socket."""

    def __init__(self) -> None:
        self.answer = json.dumps(reply("Of course.")).encode()

    async def __call__(self, _: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"application/json")]})
        await send({"type": "http.response.body", "body": self.answer, "more_body": False})

    async def ask(self, door: Any, messages: list[dict[str, str]]) -> float:
        """Milliseconds of one exchange."""
        body = json.dumps({"model": "m", "messages": messages}).encode()
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
        scope = {
            "type": "http",
            "method": "POST",
            "path": PATH,
            "raw_path": PATH.encode(),
            "headers": headers,
            "query_string": b"",
        }
        sent: list[Any] = []

        given = [{"type": "http.request", "body": body, "more_body": False}]

        async def receive() -> Any:
            if not given:
                await asyncio.Event().wait()
            return given.pop()

        async def send(message: Any) -> None:
            sent.append(message)

        started = time.perf_counter()
        await door(scope, receive, send)
        spent = (time.perf_counter() - started) * 1000
        assert sent[0]["status"] == 200, sent
        assert json.loads(sent[1]["body"]) == json.loads(self.answer), sent
        return spent


# -- overload --------------------------------------------------------------------------------------------------------


def overload(light: str, full: str, *, seconds: float) -> None:
    """Five times as many requests as can be served: an application that is slow, and checks that are."""
    make = numbered(one_kb())
    slow, none = 500.0, (256, 0, 0.0)
    cases: list[tuple[str, dict[str, Any]]] = [
        ("words and regexes, application takes 500 ms, default admission", {"policy": light, "wait_ms": slow}),
        ("the same, but nobody waits for a place", {"policy": light, "wait_ms": slow, "admission": none}),
        (f"{full}, default admission", {"policy": full}),
        (f"{full}, checks wait 0.1 s at most", {"policy": full, "check_wait": 0.1}),
        (f"{full}, 2 in work, nobody waits for a place", {"policy": full, "admission": (2, 0, 0.0)}),
    ]
    for name, spec in cases:
        heavy = spec["policy"] == full
        long = max(seconds, 8.0) if heavy else max(seconds, 3.0)
        with served(**spec, cache=0) as server:
            run(closed(server.port, make, connections=2, seconds=1.0))
            capacity = run(closed(server.port, make, connections=8 if heavy else 256, seconds=long)).rate
            quiet = max(0.2 * capacity, 0.5)
            calm = run(rated(server.port, make, rate=quiet, seconds=min(60.0, max(long, 30 / quiet))))
            server.stats()
            hard = run(rated(server.port, make, rate=5 * capacity, seconds=long))
            late = server.stats()["lag_ms"]
        statuses = {status: len(times) for status, times in sorted(hard.by_status.items())}
        print(
            f"{name}: capacity {capacity:,.1f}/s; unloaded p50 {calm.p(0.5):.1f}, p99 {calm.p(0.99):.1f} ms ({len(calm.ok)})"
        )
        print(
            f"  at 5 ×: {hard.rate:,.1f}/s served, p99 {hard.p(0.99):.1f} ms, {hard.p(0.99) / calm.p(0.99):.1f} × unloaded (aimed at 2); "
            f"refusals p50 {hard.p(0.5, 503):.1f} ms (aimed at 5), p99 {hard.p(0.99, 503):.1f} ms (aimed at 50); {statuses}, {hard.lost} lost; "
            f"loop lag p99.9 {late['0.999']:.1f} ms"
        )


# -- the proxy -------------------------------------------------------------------------------------------------------


def proxy(policy: str, *, seconds: float) -> None:
    """The upstream directly, behind the middleware in its own process, and behind the proxy."""
    make = numbered(one_kb())
    rows: list[tuple[str, Timed, Timed]] = []
    # The upstream shares the load generator's core: the proxy has one of its own, as it would on a machine of its own.
    with contextlib.ExitStack() as stack:
        upstream = stack.enter_context(served(core=1))
        inside = stack.enter_context(served(policy=policy))
        outside = stack.enter_context(served(policy=policy, upstream=f"http://127.0.0.1:{upstream.port}"))
        for name, server in (("direct", upstream), ("middleware", inside), ("proxy", outside)):
            best = [run(closed(server.port, make, connections=1, seconds=seconds / 3)) for _ in range(3)]
            one = min(best, key=lambda t: t.p(0.5))
            rows.append((name, one, run(closed(server.port, make, connections=8, seconds=seconds))))
    for name, one, eight in rows:
        print(
            f"{name:11} one client p50 {one.p(0.5):6.2f} ms, p99 {one.p(0.99):6.2f} (+{one.p(0.5) - rows[0][1].p(0.5):.2f}); eight: {eight.rate:6,.0f}/s, p50 {eight.p(0.5):6.2f} ms"
        )
    print(
        f"added by the proxy: {rows[2][1].p(0.5) - rows[0][1].p(0.5):.2f} ms p50, of which checks {rows[1][1].p(0.5) - rows[0][1].p(0.5):.2f}"
    )
