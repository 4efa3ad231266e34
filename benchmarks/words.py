"""Word lists against the bare matcher and against better-profanity, each on the same input in this run.

python -m benchmarks.words
"""

from __future__ import annotations

import random
import sys
import time

import ahocorasick_rs

from benchmarks.timing import PLAIN_1KB, best_us, machine
from guardrails import detectors
from guardrails.content import Content, Deadline
from guardrails.detectors.words import Settings, TermList
from guardrails.rules import Rule
from guardrails.types import Piece, Source

LETTERS = "etaoinshrdlucmfwypvbgkjqxz"


def detector(settings: Settings) -> detectors.Detector:
    """A word detector with one rule."""
    return detectors.build("words", [Rule("words.bench", "words", "WORD", settings)])


def find(found: detectors.Detector, piece: Piece, deadline: Deadline = Deadline(3_600_000)) -> int:  # noqa: B008
    """Hits in one text: folding, matching, mapping back. What check() adds around it is in benchmarks/check.py."""
    return len(found.find(Content((piece,), Source.INPUT), deadline).hits)


def main() -> None:
    """Print the figures."""
    rng = random.Random(3)
    text = PLAIN_1KB[:1024]
    piece = Piece(text)
    print(f"machine: {machine()}")
    print(f"text: {len(text)} characters of plain English")
    terms = sorted({"".join(rng.choices(LETTERS, k=rng.randint(5, 14))) for _ in range(1000)})
    ours = detector(Settings(terms=tuple(terms)))
    bare = ahocorasick_rs.AhoCorasick(terms, implementation=ahocorasick_rs.Implementation.DFA)
    ours_us = best_us(lambda: find(ours, piece))
    bare_us = best_us(lambda: bare.find_matches_as_indexes(text, overlapping=True))
    print(
        f"1,000 terms: ours {ours_us:.1f} µs, bare matcher {bare_us:.1f} µs, ratio {ours_us / bare_us:.1f} (target 5)"
    )

    known = set(text.lower().split())
    made = {"".join(rng.choices(LETTERS[:18], k=rng.randint(5, 14))) for _ in range(1_090_000)} - known
    million = tuple(sorted(made))[:1_000_000]
    big = TermList("million.txt", "b" * 64, million)
    started = time.perf_counter()
    huge = detector(Settings(lists=(big,)))
    built = time.perf_counter() - started
    again = time.perf_counter()
    detector(Settings(lists=(big,)))
    shared = time.perf_counter() - again
    huge_us = best_us(lambda: find(huge, piece))
    print(
        f"1,000,000 terms: {huge_us:.1f} µs a KB (target 40); built in {built:.1f} s (target 10), a second policy in {shared * 1000:.1f} ms; "
        f"{sys.getsizeof(million) / 1e6:.0f} MB of pointers shared"
    )

    try:
        from better_profanity import Profanity
    except ImportError:
        print("better-profanity is not installed: pip install -e '.[bench]'")
        return
    peer = Profanity()
    peer.load_censor_words()
    own_list = tuple(sorted({str(w) for w in _peer_words()}))
    same = detector(Settings(terms=own_list))
    peer_us = best_us(lambda: peer.contains_profanity(text), seconds=4, rounds=2)
    same_us = best_us(lambda: find(same, piece))
    print(
        f"better-profanity's own {len(own_list)} words: ours {same_us:.1f} µs, better-profanity {peer_us:.0f} µs, {peer_us / same_us:,.0f} × (target 50)"
    )


def _peer_words() -> list[str]:
    """The plain words of better-profanity's shipped list."""
    from importlib import resources

    text = resources.files("better_profanity").joinpath("profanity_wordlist.txt").read_text(encoding="utf-8")
    return [line.strip() for line in text.splitlines() if line.strip()]


if __name__ == "__main__":
    main()
