"""Compile the table of words and n-grams by which English is told from other languages in Latin script.

    python -m tools.compile_language --data ../shared/data --strings FOLDER --stopwords FILE

``--strings``: a folder with one text file a language (``de.txt``), a string of a user interface a line (we used the translations of
Firefox, MPL-2.0). ``--stopwords``: a JSON object, language to words (stopwords-iso, MIT). English comes from the sets named below. Only how much a
word or an n-gram speaks for English is kept.
"""

from __future__ import annotations

import argparse
import base64
import collections
import gzip
import json
import math
import zlib
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from guardrails.language import _words
from guardrails.resources import data_dir
from tools.compile_profanity import rows

ENGLISH = (
    "safety/diasafety", "safety/davidson", "safety/hatecheck", "safety/toxigen_annotated", "safety/edos", "safety/surge_profanity",
    "pii/broad_twitter", "pii/wnut17", "topics/snips", "topics/nlupp", "topics/medquad_questions", "topics/mmlu_subjects", "benign/gpteacher",
    "benign/ifeval", "benign/self_instruct", "benign/awesome_prompts", "benign/tau2_agent", "benign/arena_hard", "written/chat_traffic", "written/ordinary",
    "written/ordinary_b", "written/direct_attack", "written/direct_attack_b", "written/fraud_theft_drugs_b", "written/hate_insults_b",
    "written/cyber_privacy_disinfo_b", "written/violence_selfharm_b", "written/sexual_mixed", "written/topics",
)  # fmt: skip
MULTILINGUAL = ("written/multi_a", "written/multi_b", "written/multi_d")
BITS = 16
_ROWS, _WORDS = 2_500, 30_000  # of one source
_LEAST = 3_000  # words of a language that its shares are taken of
# Words that no language but English has: what share of English's use of them a translation has left untranslated.
PROBE = [
    "the", "your", "with", "this", "that", "you", "from", "have", "and", "of", "for", "are", "can", "not", "was", "been", "will", "would",
    "should", "they", "their",
]  # fmt: skip


def _text(row: Mapping[str, object]) -> str:
    for key in (
        "text",
        "prompt",
        "tweet",
        "goal",
        "question",
        "utterance",
        "test_case",
        "behavior",
        "sentence",
        "query",
        "instruction",
    ):
        if isinstance(row.get(key), str):
            return str(row[key])
    for key in ("tokens", "examples"):
        found = row.get(key)
        if isinstance(found, list):
            return " ".join(map(str, found))
    return ""


def _counted(texts: list[str]) -> collections.Counter[str]:
    return collections.Counter(word for text in texts for word, _ in _words(text))


def english(data: Path) -> dict[str, float]:
    """How often each word stands in the English sets, none of which counts for more than :data:`_WORDS` words."""
    out: dict[str, float] = collections.defaultdict(float)
    for name in ENGLISH:
        texts = [_text(r)[:800] for r in rows(data / f"{name}.jsonl.gz") if r.get("language", "en") in ("en", "")]
        counts = _counted([t for t in texts if t.isascii()][:_ROWS])
        share = min(1.0, _WORDS / max(1, counts.total()))
        for word, n in counts.items():
            out[word] += n * share
    return out


def others(data: Path, strings: Path, stopwords: Path) -> dict[str, collections.Counter[str]]:
    """How often each word stands in the texts of each other language."""
    out = {p.stem: _counted(p.read_text(encoding="utf-8").splitlines()) for p in sorted(strings.glob("*.txt"))}
    hindi = [str(r["hinglish"]) for r in rows(data / "multilingual/hinglish_injection.jsonl.gz")]
    out["hi"] = _counted(hindi)
    for name in MULTILINGUAL:
        for row in rows(data / f"{name}.jsonl.gz"):
            if row["split"] != "dev" and row["language"] in out and (row["language"] != "hi" or row["text"].isascii()):
                for word, n in _counted([row["text"]]).items():
                    out[row["language"]][word] += 3 * n
    for code, listed in json.loads(stopwords.read_text(encoding="utf-8")).items():
        counts = out.setdefault(code, collections.Counter())
        each = max(1, round(0.3 * (counts.total() or 2_000) / len(listed)))
        counts.update({w.lower(): each for w in listed if w.isalpha()})
    return out


def grams(word: str) -> list[int]:
    """The buckets of a word's n-grams, as guardrails.language looks them up."""
    framed = f"<{word}>"
    mask = (1 << BITS) - 1
    return [
        zlib.crc32(framed[i : i + n].encode()) & mask for n in (1, 2, 3, 4) for i in range(len(framed) - n + 1)
    ]  # fmt: skip


def letters(words: list[str], ours: np.ndarray, theirs: np.ndarray) -> np.ndarray:
    """Weights of n-grams: a logistic regression over word types, with square roots of their counts, by Adagrad."""
    buckets = [grams(w) for w in words]
    row = np.repeat(np.arange(len(words)), [len(b) for b in buckets])
    column = np.concatenate([np.array(b) for b in buckets])
    value = np.repeat([1 / math.sqrt(len(b)) for b in buckets], [len(b) for b in buckets])
    a, b = np.sqrt(ours), np.sqrt(theirs)
    a *= b.sum() / a.sum()
    total = float(a.sum() + b.sum())
    weights, speed, seen = np.zeros(1 << BITS), np.zeros(1 << BITS), np.full(1 << BITS, 1e-6)
    for _ in range(120):
        p = 1 / (1 + np.exp(-np.bincount(row, value * weights[column], minlength=len(words))))
        slope = np.bincount(column, value * ((a + b) * p - a)[row], minlength=1 << BITS) / total + 1e-7 * weights
        speed = 0.8 * speed + slope
        seen += slope**2
        weights -= 0.25 * speed / np.sqrt(seen)
    return weights


def main() -> None:
    """Write guardrails/data/language.json.gz."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("data", "strings", "stopwords"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    parser.add_argument("--out", type=Path, default=data_dir() / "language.json.gz")
    given = parser.parse_args()
    ours, theirs = english(given.data), others(given.data, given.strings, given.stopwords)
    total = sum(ours.values())
    share = {w: n / total for w, n in ours.items()}
    common = [
        w
        for w in (data_dir() / "english.txt").read_text(encoding="utf-8").split("\n")
        if w and w[0] != "#" and " " not in w
    ]
    rank = {w: i for i, w in enumerate(common)}

    mass: dict[str, float] = collections.defaultdict(float)
    most: dict[str, float] = collections.defaultdict(float)
    mean: dict[str, float] = collections.defaultdict(float)
    for counts in theirs.values():
        size = max(counts.total(), _LEAST)
        left = sorted(counts[w] / size / share[w] for w in PROBE if w in share)
        untranslated = left[len(left) // 2]
        for word, n in counts.items():
            mass[word] += n * total / len(theirs) / size
            own = n / size - 2 * untranslated * share.get(word, 0.0)
            if ours.get(word, 0) >= 3:
                own -= 1e-4
                if word in rank and untranslated > 0.05 and own < 0.006:
                    own = 0.0
            if own > 0:
                most[word] = max(most[word], own)
                mean[word] += own / len(theirs)

    words = [w for w in sorted({*ours, *mass}) if ours.get(w, 0) >= 2 or mass.get(w, 0) >= 1]
    weights = letters(words, np.array([ours.get(w, 0) for w in words]), np.array([mass.get(w, 0) for w in words]))
    table = np.clip(np.round(weights * 64) + 128, 0, 255).astype(np.uint8)
    kept: dict[str, list[str]] = collections.defaultdict(list)
    for word in sorted({*words, *rank}):
        seen, frequency = ours.get(word, 0.0), 0.5 * most.get(word, 0.0) + 0.5 * mean.get(word, 0.0)
        found = grams(word)
        spelled = float((table[found].astype(int) - 128).sum()) / 64 / math.sqrt(len(found))
        times = seen + frequency * total
        odds = (times * math.log((share.get(word, 0) + 2e-6) / (frequency + 2e-6)) + 4 * spelled) / (times + 4)
        if word in rank and seen >= 3:
            odds = max(odds, 0.3) if most.get(word, 0) < 1e-3 else odds
            odds = max(odds, -0.2) if most.get(word, 0) < 3e-3 and share[word] > 0.2 * frequency else odds
            odds = max(odds, -0.3) if rank[word] < 400 else odds
        elif word in rank and most.get(word, 0) < 2e-4:
            odds = max(odds, 1.0)
        odds = max(-4.0, min(3.0, odds))
        without = 0.8 * max(-3.0, min(2.0, spelled))
        if abs(odds - without) > 0.6 and (times >= 6 or word in rank or (odds * without < 0 and times >= 3)):
            kept[str(round(10 * odds))].append(word)
    written = {
        "ngrams": base64.b64encode(table.tobytes()).decode(),
        "words": {tenths: " ".join(kept[tenths]) for tenths in sorted(kept, key=int)},
    }
    out = gzip.compress(json.dumps(written, ensure_ascii=False).encode(), 9, mtime=0)
    given.out.write_bytes(out)


if __name__ == "__main__":
    main()
