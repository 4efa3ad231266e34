"""Folding alone: what plain text pays, and 100 KB of the worst.

python -m benchmarks.fold
"""

from __future__ import annotations

import base64
import random
import time

from benchmarks.timing import PLAIN_1KB, best_us, machine
from guardrails import Guard
from guardrails.fold import Folded
from guardrails.policy import loads

SIZE = 100_000
POLICY = """
version: 1
name: bench
words: {terms: [kingfisher, confiden*, insider information]}
pii:
  regexes:
    - {name: account, pattern: 'ACC-\\d{8}', action: mask}
    - {name: ticket, pattern: '\\bTCK[0-9]{6}\\b', action: mask}
    - {name: room, pattern: 'room [A-Z]\\d{3}', action: block}
"""


def families() -> dict[str, str]:
    """100,000 characters of each."""
    rng = random.Random(1)
    b64 = base64.b64encode(b"the quick brown fox jumps over the lazy dog").decode()
    found = {
        "plain English": PLAIN_1KB,
        "zalgo": "a\u0301\u0302\u0303",
        "base64 words": b64 + " ",
        "one base64 token": b64.rstrip("="),
        "percent twice": "%2541",
        "entities": "&#97;",
        "unicode escapes": "\\u0061",
        "letters apart": "a b c d e f ",
        "mixed scripts": "аpple ",
        "Han": "漢字かな",
        "emoji families": "👩‍👩‍👧 ",
        "tags": "<b>x</b>",
        "less-than signs": "<",
        "digits": "1234567890",
        "hex words": "deadbeef ",
        "bits": "01",
        "dots": ".",
        "leetspeak": "h3ll0 w0rld ",
        "morse": "... --- ... / ",
        "zero width": "a\u200b",
        "right to left": "\u202eabc\u202c ",
    }
    made = {name: (unit * (SIZE // len(unit) + 1))[:SIZE] for name, unit in found.items()}
    made["random ASCII"] = "".join(chr(rng.randrange(33, 127)) for _ in range(SIZE))
    made["random Unicode"] = "".join(chr(c) for c in (rng.randrange(32, 0x2FFF) for _ in range(SIZE)))
    return made


def main() -> None:
    """Print the figures."""
    print(f"machine: {machine()}")
    text = PLAIN_1KB[:1024]
    guard = Guard(loads(POLICY))
    fold_us = best_us(lambda: (Folded(text).patterns, Folded(text).words)) / 2
    check_us = best_us(lambda: guard.check(text, source="INPUT"))
    bare_us = best_us(text.lower)
    scan_us = best_us(lambda: Folded(text).plain)
    print(f"plain text, 1 KB: deciding that it is plain {scan_us:.2f} µs = {scan_us / check_us:.1%} of check() with words and 3 regexes "
          f"({check_us:.1f} µs, target 10 %); all views {fold_us:.2f} µs; str.lower() {bare_us:.2f} µs")  # fmt: skip
    worst = 0.0
    for name, hostile in families().items():
        started = time.perf_counter()
        folded = Folded(hostile)
        views = len(folded.patterns) + len(folded.words)
        took = time.perf_counter() - started
        worst = max(worst, took)
        print(f"{name:18} {took:6.3f} s  {views:3} views  {folded.exhausted or ''}")
    print(f"worst of all: {worst:.3f} s for 100 KB (target 0.5)")


if __name__ == "__main__":
    main()
