"""The middleware over a socket: what it costs, by ratios of one run. Server and load generator have a core each.

python -m benchmarks.middleware throughput|lag|streaming|tenants|conversation|overload|proxy|all [--quick]

``--quick`` is to see that it works; its figures mean little. On a busy machine believe the CPU time a request, not the rates.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks import middleware_scenes as scenes
from benchmarks.chats import chat, one_kb, words_policy
from benchmarks.loading import Timed, closed, numbered, post, run, slow_reader
from benchmarks.serving import pin, served
from benchmarks.timing import PLAIN_1KB, machine

SCRIPTS = [*range(0x41, 0x5B), *range(0xE0, 0x180), *range(0x400, 0x500), *range(0x4E00, 0x5000)]


# -- throughput ------------------------------------------------------------------------------------------------------


def throughput(policy: str, *, seconds: float, connections: int, rounds: int) -> None:
    """Requests a second with and without the middleware, in turns; the best of each (interference only ever takes away)."""
    make = numbered(one_kb())
    print(
        f"1 KB chat body, {len(PLAIN_1KB[:800])} characters of answer, 1,000 words + 3 regexes both ways, every request new; "
        f"Starlette on uvicorn; {connections} connections, best of {rounds} × {seconds:g} s"
    )
    print(f"{'':34}{'requests/s':>11} {'p50 ms':>8} {'p99 ms':>8} {'CPU µs a request':>17} {'p50 of one client':>18}")
    rates: dict[tuple[float, bool], float] = {}
    alone: dict[tuple[float, bool], float] = {}
    for wait in (0.0, 5.0):
        with served(wait_ms=wait) as bare, served(wait_ms=wait, policy=policy) as guarded:
            best: dict[bool, tuple[Timed, float]] = {}
            for _ in range(rounds):
                for inside, server in ((False, bare), (True, guarded)):
                    server.stats()
                    timed = run(closed(server.port, make, connections=connections, seconds=seconds))
                    cpu = server.stats()["cpu_s"] / max(1, len(timed.ok)) * 1e6
                    single = run(closed(server.port, make, connections=1, seconds=seconds / 2)).p(0.5)
                    alone[wait, inside] = min(single, alone.get((wait, inside), single))
                    if inside not in best or timed.rate > best[inside][0].rate:
                        best[inside] = (timed, cpu)
        for inside, (timed, cpu) in best.items():
            rates[wait, inside] = timed.rate
            label = f"application{f' that waits {wait:g} ms' if wait else ''}{' + middleware' if inside else ''}"
            print(
                f"{label:34}{timed.rate:11,.0f} {timed.p(0.5):8.2f} {timed.p(0.99):8.2f} {cpu:17.0f} {alone[wait, inside]:18.2f}"
            )
    print(f"ratio to the waiting application: {rates[5.0, True] / rates[5.0, False]:.2f} (aimed at 0.7)")
    print(f"ratio to the bare application: {rates[0.0, True] / rates[0.0, False]:.2f} (aimed at 0.4)")
    print(f"added p50, one client: {alone[0.0, True] - alone[0.0, False]:.2f} ms (aimed at 0.5)")


# -- the event loop --------------------------------------------------------------------------------------------------


def lag(policy: str, *, seconds: float) -> None:
    """How late the event loop runs under bodies of 2 MB and slow readers, at the default limits."""
    words = (PLAIN_1KB + " ") * (990_000 // (len(PLAIN_1KB) + 1))
    big = post(json.dumps(chat(words, prediction={"type": "content", "content": words[:980_000]})).encode())
    many = {"model": "m", "messages": [{"role": "user", "content": f"{i} {PLAIN_1KB[:580]}"} for i in range(3_000)]}
    wide = post(json.dumps(many).encode())
    # Letters of many scripts: the most there is to unfold.
    rng = random.Random(2)
    odd = post(json.dumps(chat("".join(chr(rng.choice(SCRIPTS)) for _ in range(6_000))), ensure_ascii=False).encode())
    reading = post(json.dumps(chat("tell me everything", model="big")).encode())
    print(
        f"bodies of {len(big) / 1e6:.1f} MB (two texts) and {len(wide) / 1e6:.1f} MB (3,000 messages), 4 slow readers of 1.5 MB, {len(odd) / 1e3:.0f} KB of mixed scripts, 1 KB chats"
    )

    async def load(port: int, *, heavy: bool) -> Timed:
        small = closed(port, numbered(one_kb()), connections=2, seconds=seconds)
        if not heavy:
            return await small
        large = asyncio.gather(*(_again(port, b, seconds) for b in (big, wide, odd)))
        slow = asyncio.gather(*(slow_reader(port, reading, seconds=seconds) for _ in range(4)))
        timed, others, _ = await asyncio.gather(small, large, slow)
        shown = ", ".join(f"{o.rate:.1f}/s of statuses {sorted(o.by_status)}" for o in others)
        print(f"  large bodies: {shown}")
        return timed

    for label, given in (("application", None), ("application + middleware", policy)):
        with served(policy=given) as server:
            for heavy in (False, True):
                server.stats()
                timed = run(load(server.port, heavy=heavy))
                late = server.stats()["lag_ms"]
                print(
                    f"{label:26} {'large bodies, slow readers' if heavy else 'small bodies':27} lag p50 {late['0.5']:.2f} ms, p99 {late['0.99']:.2f}, "
                    f"p99.9 {late['0.999']:.2f} (aimed at 20), max {late['max']:.1f}; small requests p50 {timed.p(0.5):.2f} ms, p99 {timed.p(0.99):.1f}"
                )


async def _again(port: int, request: bytes, seconds: float) -> Timed:
    return await closed(port, lambda _: request, connections=1, seconds=seconds)


# -- the command -----------------------------------------------------------------------------------------------------


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "scene", choices=["throughput", "lag", "streaming", "tenants", "conversation", "overload", "proxy", "all"]
    )
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--seconds", type=float)
    parser.add_argument("--connections", type=int, default=8)
    parser.add_argument("--policy", default="retail-bank", help="the full policy of streaming and conversation")
    args = parser.parse_args()
    quick = args.quick
    seconds = args.seconds or (1.0 if quick else 8.0)
    print(f"machine: {machine()}")
    with tempfile.TemporaryDirectory() as folder:
        policy = words_policy(Path(folder))
        every: dict[str, Callable[[], None]] = {
            "throughput": lambda: throughput(
                policy, seconds=seconds, connections=args.connections, rounds=1 if quick else 3
            ),
            "lag": lambda: lag(policy, seconds=2 * seconds),
            "streaming": lambda: scenes.streaming(args.policy, count=100 if quick else 500, rounds=1 if quick else 3),
            "tenants": lambda: scenes.tenants(Path(folder), count=200 if quick else 10_000, seconds=seconds),
            "conversation": lambda: scenes.conversation(
                args.policy, policy, turns=20 if quick else 200, rounds=3 if quick else 15
            ),
            "overload": lambda: scenes.overload(policy, args.policy, seconds=seconds),
            "proxy": lambda: scenes.proxy(policy, seconds=seconds),
        }
        for name in every if args.scene == "all" else [args.scene]:
            print(f"\n== {name}")
            started = time.perf_counter()
            # The load generator's core; a server takes the first.
            pin(1)
            every[name]()
            print(f"({time.perf_counter() - started:.0f} s)")


if __name__ == "__main__":
    main()
