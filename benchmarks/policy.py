"""Loading policies: hostile files refused, and ten thousand tenants that share a parent and a long word list.

python -m benchmarks.policy [TENANTS [TERMS]]
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

from guardrails.errors import PolicyError
from guardrails.policy import load
from guardrails.policy.source import parse
from tests.policy.test_source import HOSTILE

HEAD = "version: 1\nmetadata: {owner: bench}\n"


def hostile() -> None:
    worst: list[tuple[float, str]] = []
    for name, (data, _) in HOSTILE.items():
        started = time.perf_counter()
        try:
            parse(data, "x.yaml")
        except PolicyError:
            worst.append(((time.perf_counter() - started) * 1000, name))
    worst.sort(reverse=True)
    print(
        f"hostile files: {len(worst)} of {len(HOSTILE)} refused, the slowest in {worst[0][0]:.1f} ms ({worst[0][1]}); target 50 ms"
    )


def tenants(count: int, terms: int) -> None:
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        (root / "terms.txt").write_text("\n".join(f"term number {i}" for i in range(terms)))
        (root / "base.yaml").write_text(
            HEAD
            + "name: base\nwords: {lists: [{file: terms.txt, id: long}], managed: [PROFANITY]}\npii: {entities: {ALL: mask, EMAIL: block}}\n"
            "enforced: ['*']\n"
        )
        for i in range(count):
            (root / f"t{i}.yaml").write_text(HEAD + f"name: t{i}\nextends: base.yaml\nwords: {{terms: [secret {i}]}}\n")
        time.sleep(4)  # a list that was changed in the last seconds is read again
        started = time.perf_counter()
        load(root / "t0.yaml")
        first = time.perf_counter()
        _ = [load(root / f"t{i}.yaml") for i in range(1, count)]
        each = (time.perf_counter() - first) * 1000 / (count - 1)
    print(
        f"{count:,} tenants, one list of {terms:,} terms: first {1000 * (first - started):.0f} ms, then {each:.2f} ms each; target 2 ms"
    )


if __name__ == "__main__":
    hostile()
    tenants(*(int(a) for a in (sys.argv[1:] + ["10000", "1000000"][len(sys.argv) - 1 :])))
