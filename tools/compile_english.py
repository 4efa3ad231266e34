"""Compile the table of common English words by which an encoded text is told from a readable one.

    python -m tools.compile_english --data ../shared/data

A word counts once a text. The sources are the permissively licensed English sets named below (see NOTICE); of them only
which words are common is kept.
"""

from __future__ import annotations

import argparse
import collections
import itertools
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tools.compile_profanity import rows

SOURCES = (
    "benign/arena_hard", "benign/awesome_prompts", "benign/clinc150", "benign/gpteacher", "benign/ifeval", "benign/mt_bench", "benign/persistbench_memories",
    "benign/self_instruct", "benign/tau2_agent", "safety/catqa", "safety/harmfulqa", "safety/jailbreakbench_goals", "safety/strongreject",
    "safety/advbench_and_safe_twins", "attack/gptfuzz_templates", "attack/deepset_test",
)  # fmt: skip
WORDS = 14_000
PAIRS = 3_000
LEAST = 3  # texts
# Short strings are words only when they are on these lists: three letters by chance are common.
TWO = [
    "am",
    "an",
    "as",
    "at",
    "be",
    "by",
    "do",
    "go",
    "he",
    "hi",
    "if",
    "in",
    "is",
    "it",
    "me",
    "my",
    "no",
    "of",
    "oh",
    "ok",
    "on",
    "or",
    "so",
    "to",
    "tv",
    "up",
    "us",
    "we",
    "id",
    "pc",
    "uk",
    "ai",
    "eu",
]
THREE = 500
_WORD = re.compile(r"[a-z]+(?:'[a-z]{1,2})?")


def strings(value: Any) -> Iterator[str]:
    """Every string in a row."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for inner in value.values():
            yield from strings(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from strings(inner)


def common(data: Path) -> tuple[list[str], list[str]]:
    """The most common words and the most common pairs of them, the commonest first."""
    seen: collections.Counter[str] = collections.Counter()
    pairs: collections.Counter[str] = collections.Counter()
    for source in SOURCES:
        for row in rows(data / f"{source}.jsonl.gz"):
            here = _WORD.findall(" ".join(strings(row)).lower())
            seen.update(set(here))
            pairs.update({f"{a} {b}" for a, b in itertools.pairwise(here)})
    found, short = ["a", "i"], 0
    for word, texts in seen.most_common():
        if texts < LEAST or len(found) >= WORDS:
            break
        if len(word) == 3:
            short += 1
        if (
            (len(word) == 2 and word in TWO)
            or (len(word) == 3 and short <= THREE and re.search("[aeiouy]", word))
            or len(word) > 3
        ):
            found.append(word)
    listed = set(found)
    return found, [p for p, _ in pairs.most_common(PAIRS) if listed.issuperset(p.split())]


def main() -> None:
    """Write guardrails/data/english.txt."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="the folder with benign/, safety/ and attack/")
    parser.add_argument("--out", type=Path, default=Path(__file__).parents[1] / "guardrails/data/english.txt")
    arguments = parser.parse_args()
    words, pairs = common(arguments.data)
    head = "# Common English words, the commonest first, then pairs of them. Compiled by tools/compile_english.py."
    arguments.out.write_text("\n".join([head, *words, *pairs]) + "\n", encoding="utf-8")
    print(f"{len(words)} words, {len(pairs)} pairs: {arguments.out.name}")


if __name__ == "__main__":
    main()
