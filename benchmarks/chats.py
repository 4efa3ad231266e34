"""The bodies and the cheap policy of the middleware's benchmarks."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

from benchmarks.timing import PLAIN_1KB

LETTERS = "abcdefghijklmnopqrstuvwxyz"
SYSTEM = "You are the assistant of a furniture store. Be brief, kind and exact."


def words_policy(folder: Path) -> str:
    """A policy file of 1,000 terms and three regexes, as in benchmarks/check.py."""
    rng = random.Random(1)
    terms = ["".join(rng.choices(LETTERS, k=rng.randint(5, 14))) + "q" for _ in range(1000)]
    file = folder / "words.yaml"
    file.write_text(
        f"""version: 1
name: words
words: {{terms: [{", ".join(terms)}]}}
pii:
  regexes:
    - {{name: account, pattern: 'ACC-\\d{{8}}', action: mask}}
    - {{name: ticket, pattern: '\\bTCK[0-9]{{6}}\\b', action: mask}}
    - {{name: room, pattern: 'room [A-Z]\\d{{3}}', action: block}}
""",
        encoding="utf-8",
    )
    return str(file)


def chat(text: str, **more: Any) -> dict[str, Any]:
    """A chat body whose user message holds the mark of :func:`benchmarks.loading.numbered`."""
    return {
        "model": "m",
        "messages": [{"role": "system", "content": SYSTEM}, {"role": "user", "content": text}],
        **more,
    }


def one_kb() -> dict[str, Any]:
    """A body of 1,024 bytes of JSON."""
    size = 1_024 - len(json.dumps(chat("order @@@@@@@@: ")))
    return chat("order @@@@@@@@: " + PLAIN_1KB[:size])
