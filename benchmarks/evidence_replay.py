"""Recorded decisions, decided again from their texts: how many differ. None may.

    python -m benchmarks.evidence_replay                        # 10,000 decisions under words and personal data
    python -m benchmarks.evidence_replay --models 100           # and as many under the shipped baseline, with its models

Texts are made of words, values and characters of many kinds, in one to three pieces; policies are files, read once to record and once more
to replay. Every decision is found by its id, as `guardrails audit replay` finds it.
"""

from __future__ import annotations

import argparse
import os
import random
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

os.environ.setdefault("GUARDRAILS_MODELS", "fast")

from guardrails import Guard
from guardrails.evidence import EvidenceLog
from guardrails.evidence.reader import Reader
from guardrails.evidence.record import said_of
from guardrails.evidence.replay import recorded, replay_pieces
from guardrails.types import Piece, Role, Source

POLICY = """
version: 1
name: replayed
metadata: {owner: benchmarks}
words: {terms: [project kingfisher, confiden*, heron], managed: [PROFANITY]}
pii:
  entities:
    EMAIL: {action: mask, mask: numbered}
    PHONE: mask
    CREDIT_DEBIT_CARD_NUMBER: block
    IP_ADDRESS: mask
  regexes:
    - {name: CUSTOMER_NUMBER, pattern: '\\bRB-\\d{3}-\\d{4}\\b', action: mask}
"""
WORDS = [
    "the",
    "a",
    "please",
    "invoice",
    "customer",
    "heron",
    "kingfisher",
    "project",
    "confidential",
    "confidence",
    "bob@example.com",
    "eve@example.org",
    "4111",
    "1111\n5500-0000-0000-0004",
    "+1",
    "212-555-0187",
    "10.0.0.1",
    "RB-123-4567",
    "password:",
    "hunter22",
    "damn",
    "пожалуйста",
    "你好",
    "naïve",
    "p\xad",
    "r\u200bo",
    "ject",
    "😀",
    "�",
    '{EMAIL_1}\n"key":',
    "[1,",
    "2]",
    "\n",
    "-",
    "what",
    "when",
    "transfer",
    "account",
    "balance",
    "refund",
]


def texts(chance: random.Random) -> list[Piece]:
    roles = [Role.USER, Role.USER, Role.TOOL, Role.SYSTEM]
    return [
        Piece(" ".join(chance.choices(WORDS, k=chance.randint(0, 25))), chance.choice(roles))
        for _ in range(chance.randint(1, 3))
    ]


def replayed(folder: Path, policy: str | Path, records: int, chance: random.Random) -> int:
    """How many of so many decisions differ."""
    guard = Guard.from_file(policy)
    said, began = {}, time.perf_counter()
    with EvidenceLog.open(
        {"directory": folder, "mode": "fast", "name": "example.com/replay", "segment_bytes": 5_000_000}
    ) as log:
        for i in range(records):
            pieces, source = texts(chance), chance.choice(list(Source))
            said[f"d{i}"] = pieces
            log.record(guard.check(pieces, source=source), said=said_of(pieces), guard=guard, id=f"d{i}")
    recording = time.perf_counter() - began
    reader, again, actions, differ = Reader(folder), Guard.from_file(policy), Counter[str](), 0
    began = time.perf_counter()
    for id_, pieces in said.items():
        kept = recorded(reader, id_)
        found = replay_pieces(kept, again, pieces)
        actions[kept.body["action"]] += 1
        if found.differences:
            differ += 1
            print(f"  {id_}: {', '.join(found.differences)}")
    told = ", ".join(f"{number:,} {action}" for action, number in sorted(actions.items()))
    print(f"{guard.policy.name}: {records:,} decisions ({told}): {differ} differ")
    print(
        f"  recorded at {records / recording:,.0f} a second, replayed at {records / (time.perf_counter() - began):,.0f}"
    )
    return differ


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--records", type=int, default=10_000)
    parser.add_argument("--models", type=int, default=0, help="so many under the shipped baseline, too")
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    chance = random.Random(args.seed)
    with tempfile.TemporaryDirectory(prefix="replay") as folder:
        policy = Path(folder, "replayed.yaml")
        policy.write_text(POLICY, encoding="utf-8")
        differ = replayed(Path(folder, "one"), policy, args.records, chance)
        if args.models:
            differ += replayed(Path(folder, "two"), "baseline", args.models, chance)
    sys.exit(differ > 0)


if __name__ == "__main__":
    main()
