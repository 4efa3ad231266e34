"""check() of one kilobyte of plain English: words and regexes, then every PII type.

python -m benchmarks.check
"""

from __future__ import annotations

import random

from benchmarks.timing import PLAIN_1KB, best_us, machine
from guardrails import Guard
from guardrails.policy import loads

WORDS = 1000
LETTERS = "abcdefghijklmnopqrstuvwxyz"


def main() -> None:
    """Print the figures."""
    random.seed(1)
    terms = ["".join(random.choices(LETTERS, k=random.randint(5, 14))) + "q" for _ in range(WORDS)]
    words = "version: 1\nname: words\nwords: {terms: [" + ", ".join(terms) + "]}\n"
    regexes = """pii:
  regexes:
    - {name: account, pattern: 'ACC-\\d{8}', action: mask}
    - {name: ticket, pattern: '\\bTCK[0-9]{6}\\b', action: mask}
    - {name: room, pattern: 'room [A-Z]\\d{3}', action: block}
"""
    everything = regexes.replace("pii:\n", "pii:\n  entities: {ALL: mask}\n")
    text = PLAIN_1KB[:1024]
    print(f"machine: {machine()}")
    print(f"text: {len(text)} characters of plain English, nothing in it to find")
    rows = (
        ("words (1,000 terms)", words),
        ("words + 3 regexes", words + regexes),
        ("words + 3 regexes + PROFANITY", words.replace("]}", "], managed: [PROFANITY]}") + regexes),
        ("words + 3 regexes + all PII types", words + everything),
    )
    for label, policy in rows:
        guard = Guard(loads(policy))
        assert guard.check(text, source="INPUT").action == "NONE"
        print(f"{label:36} {best_us(lambda guard=guard: guard.check(text, source='INPUT')):8.1f} µs")


if __name__ == "__main__":
    main()
