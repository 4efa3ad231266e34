"""Ray: a scan over two processes against one, and replicas of the text model on Ray Serve against a call in this process.

    python -m benchmarks.ray [--rows 20000] [--calls 300] [--seconds 20] [--quick]

Both sides of each ratio run in turns in this one process, on one embedded Ray, so that other work on the machine slows both. With the
load of the machine, which says what the figures are worth.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import tempfile
import threading
import time
from pathlib import Path

from guardrails.clusters import joined
from guardrails.inference import store, text
from guardrails.inference.replicas import Placement, deploy
from guardrails.scanning import Job, scan

PORT = 18_765
POLICY = "version: 1\nname: p\nwords: {terms: [kingfisher]}\npii: {entities: {EMAIL: mask, PHONE: mask}}\n"
TEXT = (
    "The committee met on Tuesday and agreed that the bridge would be closed until the autumn. " * 8
)  # about 700 characters


def load() -> str:
    return " ".join(f"{x:.1f}" for x in os.getloadavg()) + f" on {os.cpu_count()} cores"


def scans(folder: Path, rows: int) -> None:
    (folder / "p.yaml").write_text(POLICY)
    with (folder / "in.jsonl").open("w") as file:
        for i in range(rows):
            file.write(json.dumps({"text": f"{i} calm water, write to bob{i}@example.com"}) + "\n")
    seconds: dict[int, list[float]] = {1: [], 2: []}
    turns = (2, 1, 2, 2, 1)  # the first one starts processes
    for turn, workers in enumerate(turns):
        job = Job(
            str(folder / "in.jsonl"),
            str(folder / "p.yaml"),
            str(folder / f"out{turn}"),
            size=500,
            workers=workers,
            ray="",
        )
        begun = time.perf_counter()
        scan(job)
        if turn:
            seconds[workers].append(time.perf_counter() - begun)
    one, two = (statistics.mean(seconds[n]) for n in (1, 2))
    print(
        f"scan of {rows} rows: one process {one:.1f} s, two {two:.1f} s: {one / two:.2f} x ({one / two / 2:.2f} of linear)"
    )


def engine(backend: str) -> text.TextEngine:
    os.environ["GUARDRAILS_BACKEND"] = backend
    return text.load(store.manifest("text"))


def added(calls: int, there: text.TextEngine, here: text.TextEngine) -> None:
    times: dict[str, list[float]] = {"here": [], "there": []}
    windows = here.read([(TEXT, None)], 60)[0].windows
    for i in range(calls + 20):
        for name, one in (("here", here), ("there", there)):
            begun = time.perf_counter()
            one.runner.run(windows, 60)
            if i >= 20:
                times[name].append((time.perf_counter() - begun) * 1000)
    p50 = {name: statistics.median(found) for name, found in times.items()}
    print(
        f"one caller, {sum(map(len, windows))} tokens: here p50 {p50['here']:.1f} ms, on a replica {p50['there']:.1f} ms: {p50['there'] - p50['here']:+.1f} ms"
    )


def throughput(seconds: float, there: text.TextEngine) -> float:
    windows = there.read([(TEXT, None)], 60)[0].windows
    until, done = time.perf_counter() + seconds, []

    def ask() -> None:
        while time.perf_counter() < until:
            there.runner.run(windows, 60)
            done.append(None)

    threads = [threading.Thread(target=ask) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return len(done) / seconds


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=20_000)
    parser.add_argument("--calls", type=int, default=300)
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--address", default="", help="a Ray cluster on this machine; default: one is started")
    parser.add_argument("--quick", action="store_true")
    args = parser.parse_args()
    if args.quick:
        args.rows, args.calls, args.seconds = 2_000, 50, 5
    import torch

    torch.set_num_threads(1)  # as a replica with one core
    os.environ |= {"GUARDRAILS_RAY_URL": f"http://127.0.0.1:{PORT}"}
    print("load before:", load())
    with joined(args.address, 4), tempfile.TemporaryDirectory() as folder:
        scans(Path(folder), args.rows)
        deploy(["text"], Placement(1, 1), "127.0.0.1", PORT)
        there = engine("ray")
        added(args.calls, there, engine("torch"))
        rates: dict[int, list[float]] = {1: [], 2: []}
        for n in (1, 2, 1, 2):
            deploy(["text"], Placement(n, n), "127.0.0.1", PORT)
            rates[n].append(throughput(args.seconds, there))
        one, two = (statistics.mean(rates[n]) for n in (1, 2))
        print(f"16 callers: one replica {one:.1f} calls a second, two {two:.1f}: {two / one:.2f} x")
        from ray import serve

        serve.shutdown()
    print("load after:", load())


if __name__ == "__main__":
    main()
