"""What shared state adds to a check with limits: two replicas that count on one server against one that counts for itself.

python -m benchmarks.shared_state [--requests N] [--callers 1 4] [--backends redis postgresql]

Each replica is ``guardrails serve`` in a process of its own, over one policy of words, patterns and PII; each caller has limits of a second
and of a day. Servers are Redis and PostgreSQL on Unix sockets of this machine (no network between), as the tests start them. Requests go in turn
to the replica alone and to the two of each backend, so that what else the machine does falls on all of them alike.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx

from benchmarks.serving import percentile
from benchmarks.timing import PLAIN_1KB, machine
from tests.stores.servers import served

POLICY = """version: 1
name: bench
words:
  terms: [{id: secret, terms: [project kingfisher], action: block}]
pii: {entities: {EMAIL: mask, PHONE: mask, CREDIT_DEBIT_CARD_NUMBER: mask}}
"""
BODY = {"guardrail": "bench", "source": "INPUT", "text": f"{PLAIN_1KB} Write to bob@example.com."}


@contextlib.contextmanager
def replica(policies: Path, shared: str | None) -> Iterator[httpx.Client]:
    """One replica, and a client with a connection to it for each caller."""
    words = [sys.executable, "-m", "onepolicy_guardrails", "serve", "--policies", str(policies), "--port", "0",
             "--requests-per-second", "1000000", "--requests-per-day", "1000000000"]  # fmt: skip
    more = [] if shared is None else ["--shared-state", shared]
    process = subprocess.Popen([*words, *more], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    try:
        assert process.stderr is not None
        line = next((line for line in process.stderr if "http://" in line), None)
        if line is None:
            raise RuntimeError("a replica did not start")
        threading.Thread(target=process.stderr.read, daemon=True).start()
        port = line.split("http://", 1)[1].split()[0].rpartition(":")[2].rstrip("/,")
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60) as client:
            yield client
    finally:
        process.terminate()
        process.wait(30)


def measured(arms: dict[str, list[httpx.Client]], requests: int, callers: int) -> dict[str, list[float]]:
    """Milliseconds of each request, by arm."""
    found: dict[str, list[float]] = {name: [] for name in arms}

    def call(_: int) -> None:
        for number in range(requests // callers):
            for name, clients in arms.items():
                begun = time.perf_counter()
                answer = clients[number % len(clients)].post("/v1/check", json=BODY)
                found[name].append((time.perf_counter() - begun) * 1e3)
                answer.raise_for_status()
                assert json.loads(answer.content)["action"] == "MASKED"

    threads = [threading.Thread(target=call, args=(n,)) for n in range(callers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(len(times) >= requests // callers * callers for times in found.values()), "a caller failed"
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", type=int, default=2_000, help="of each arm")
    parser.add_argument("--callers", type=int, nargs="+", default=[1, 4])
    parser.add_argument("--backends", nargs="+", default=["redis", "postgresql"])
    told = parser.parse_args()
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        (folder / "bench.yaml").write_text(POLICY, encoding="utf-8")
        arms = {"one, local": [stack.enter_context(replica(folder, None))]}
        for backend in told.backends:
            url = stack.enter_context(served(backend)).url
            arms[f"two, {backend}"] = [stack.enter_context(replica(folder, url)) for _ in range(2)]
        print(f"{machine()}; load before: {Path('/proc/loadavg').read_text().split()[0]}")
        measured(arms, 100, 1)
        for callers in told.callers:
            found = measured(arms, told.requests, callers)
            local = found["one, local"]
            for name, times in found.items():
                p50, p99 = percentile(times, 0.5), percentile(times, 0.99)
                ratio = f"{p50 / percentile(local, 0.5):.2f} x, {p99 / percentile(local, 0.99):.2f} x"
                print(f"{callers} callers  {name:<16} n {len(times):>5}  p50 {p50:6.2f} ms  p99 {p99:6.2f} ms  {ratio}")


if __name__ == "__main__":
    main()
