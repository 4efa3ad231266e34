"""Whether a service's memory grows while it works: `guardrails serve` with evidence under steady requests, and the slope of its memory.

    python -m benchmarks.soak                                # three cases of 20 minutes each
    python -m benchmarks.soak --case sink --minutes 5

usual: one policy, evidence in fast mode. sink: the same, with a sink that is down all the time. tenants: a file of 100,000 tenants, each
request another's. The slope is that of a straight line through the resident memory of the process, from a fifth of the requests on (what
caches and pools take at first is no growth), in MiB per 10,000 requests. Requests that fail count, and are said. Linux only.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from benchmarks.evidence import POLICY

CASES = ("usual", "sink", "tenants")
# Callers at a time, samples of memory, and tenants of that case.
CALLERS, SAMPLES, TENANTS = 4, 200, 100_000
PAGE = os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else 4096


def options(folder: Path, case: str, tenants: int) -> list[str]:
    """What the service of a case is started with."""
    policies = folder / "policies"
    policies.mkdir()
    (policies / "measured.yaml").write_text(POLICY, encoding="utf-8")
    if case == "tenants":
        of = {f"t{i}": {"policy": "measured.yaml", "hosts": [f"t{i}.example"]} for i in range(tenants)}
        told = {"version": 1, "resolve": {"host": True}, "tenants": of}
        (policies / "tenants.json").write_text(json.dumps(told), encoding="utf-8")
    given = ["--policies", str(policies), "--evidence", str(folder / "evidence"), "--evidence-mode", "fast"]
    if case == "sink":  # nothing listens there
        given += [
            "--evidence-sink",
            f"postgresql://nobody@127.0.0.1:{free_port()}/none",
            "--evidence-on-failure",
            "allow",
        ]
    return given


def free_port() -> int:
    """A port that nothing listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return int(listening.getsockname()[1])


@contextmanager
def service(given: list[str], said: Path, patience: float) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """A running service, and its port. ``said``: where its log goes."""
    port = free_port()
    command = [sys.executable, "-c", "from guardrails.cli import main; main()", "serve", "--port", str(port), *given]
    with said.open("wb") as file:
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=file)
    try:
        until = time.monotonic() + patience
        while True:
            try:
                asked = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
                asked.request("GET", "/healthz")
                asked.getresponse().read()
                break
            except OSError:
                if process.poll() is not None or time.monotonic() > until:
                    raise SystemExit(
                        f"the service did not start:\n{said.read_text('utf-8', 'replace')[-2_000:]}"
                    ) from None
                time.sleep(0.5)
        yield process, port
    finally:
        process.terminate()
        process.wait(60)


class Load:
    """Callers that ask again and again until :attr:`ended` is set. ``answers``: how many of each status, 0 without one."""

    def __init__(self, port: int, case: str, tenants: int) -> None:
        self.answers = Counter[int]()
        self.ended = threading.Event()
        self._port, self._case, self._tenants = port, case, tenants
        self._guarding, self._number = threading.Lock(), 0

    def call(self) -> None:
        """One caller."""
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=60)
        while not self.ended.is_set():
            with self._guarding:
                self._number += 1
                number = self._number
            # Another text each time, so that no cache answers.
            text = f"Invoice {number} went to bob{number}@example.com, and nobody has answered it since then."
            host = f"t{number % self._tenants}.example" if self._case == "tenants" else "127.0.0.1"
            asked = {"source": "INPUT", "text": text} | ({} if self._case == "tenants" else {"guardrail": "measured"})
            try:
                connection.request(
                    "POST", "/v1/check", json.dumps(asked), {"content-type": "application/json", "host": host}
                )
                answer = connection.getresponse()
                answer.read()
                status = answer.status
            except (OSError, http.client.HTTPException):
                connection.close()
                status = 0
            with self._guarding:
                self.answers[status] += 1


def resident(pid: int) -> float:
    """The resident memory of a process in MiB."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * PAGE / 2**20


def slope(points: list[tuple[int, float]]) -> float:
    """MiB per 10,000 requests, of (requests, MiB), from a fifth of the requests on."""
    kept = [point for point in points if point[0] >= points[-1][0] / 5]
    if len(kept) < 2 or kept[0][0] == kept[-1][0]:
        return float("nan")
    requests, memory = np.array(kept, float).T
    return float(np.polyfit(requests, memory, 1)[0] * 10_000)


def soak(folder: Path, case: str, minutes: float, tenants: int, patience: float) -> float:
    """Run one case, and say its slope."""
    with service(options(folder, case, tenants), folder / "log", patience) as (process, port):
        load = Load(port, case, tenants)
        callers = [threading.Thread(target=load.call, daemon=True) for _ in range(CALLERS)]
        for caller in callers:
            caller.start()
        points, began = list[tuple[int, float]](), time.monotonic()
        for sample in range(1, SAMPLES + 1):
            time.sleep(max(0.0, began + sample * minutes * 60 / SAMPLES - time.monotonic()))
            points.append((load.answers.total(), resident(process.pid)))
        load.ended.set()
        for caller in callers:
            caller.join(60)
    found = slope(points)
    failed = load.answers.total() - load.answers[200]
    print(f"{case:<8} {minutes:g} min, {points[-1][0]:>9,} requests ({failed} without 200): {points[0][1]:.0f} MiB at first,"
          f" {points[-1][1]:.0f} at the end, {found:+.2f} MiB per 10,000 requests", flush=True)  # fmt: skip
    return found


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--case", choices=[*CASES, "all"], default="all")
    parser.add_argument("--minutes", type=float, default=20)
    parser.add_argument("--tenants", type=int, default=TENANTS)
    parser.add_argument("--patience", type=float, default=600, help="seconds that the service has to start")
    parser.add_argument("--folder", type=Path, help="on the disk that is meant; else a temporary one")
    args = parser.parse_args()
    for case in CASES if args.case == "all" else (args.case,):
        with tempfile.TemporaryDirectory(prefix="soak", dir=args.folder) as made:
            soak(Path(made), case, args.minutes, args.tenants, args.patience)


if __name__ == "__main__":
    main()
