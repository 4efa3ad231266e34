"""How soon the editor of the workbench hears of a problem, and what its heaviest page weighs.

    python -m benchmarks.workbench

Lints a policy of 200 lines over HTTP, each time with another character typed, as an editor does at a keystroke; and adds up
what a browser loads for the room *Write*, as it travels.
"""

from __future__ import annotations

import argparse
import json
import re
import statistics
import sys
import tempfile
import time
from pathlib import Path

from starlette.testclient import TestClient

from guardrails.catalog import PII
from guardrails.workbench import workbench_app

HEAD = "version: 1\nname: bank\nmetadata: {owner: risk@example.com}\n"
LINES = 200
MOST_MS, MOST_BYTES = 150.0, 300_000


def policy() -> str:
    """A policy of 200 lines: personal data, words and patterns, whose check asks no model."""
    lines = ["pii:", "  entities:"]
    lines += [f"    {name}: mask   # {name.lower()}" for name in sorted(PII)[:60]]
    lines += ["  regexes:"]
    for i in range(20):
        lines += [f"    - name: NUMBER_{i}", f"      pattern: '\\bN{i}-\\d{{4,8}}\\b'", "      action: mask"]
    lines += ["words:", "  terms:"]
    lines += [f"    - project number {i}" for i in range(LINES - len(lines) - HEAD.count("\n"))]
    return HEAD + "\n".join(lines) + "\n"


def main() -> int:
    """Print both figures; 1 when one is over its limit."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=40)
    rounds = parser.parse_args().rounds
    text = policy()
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "bank.yaml").write_text(text, encoding="utf-8")
        client = TestClient(workbench_app(folder, hosts=None), headers={"accept-encoding": "gzip"})
        html = client.get("/write?policy=bank.yaml")
        client.headers["x-csrf-token"] = client.cookies["guardrails-workbench"]
        times = []
        for i in range(rounds):
            typed = f"{text}# {'x' * i}\n"
            started = time.perf_counter()
            answer = client.post("/write/lint", content=json.dumps({"policy": "bank.yaml", "text": typed}))
            times.append((time.perf_counter() - started) * 1000)
            assert answer.json() == {"problems": []}
        paths = [*re.findall(r'(?:src|href)="(/static/[^"]+)"', html.text), "/write/schema.json"]
        sent = len(html.content) + sum(int(client.get(path).headers["content-length"]) for path in paths)
    middle = statistics.median(times)
    print(
        f"lint of {text.count(chr(10))} lines: p50 {middle:.1f} ms, most {max(times):.1f} ms over {rounds} rounds (limit {MOST_MS:.0f} ms)"
    )
    print(f"the page Write: {sent / 1000:.0f} kB in {len(paths) + 1} answers (limit {MOST_BYTES / 1000:.0f} kB)")
    return int(middle > MOST_MS or sent > MOST_BYTES)


if __name__ == "__main__":
    sys.exit(main())
