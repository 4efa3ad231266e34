"""What PROFANITY, all PII types and all views set off on benign texts, and how much of it only the views see.

python -m benchmarks.false_alarms --data ../shared/data
"""

from __future__ import annotations

import argparse
import gzip
import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from guardrails import detectors
from guardrails.content import Content, Deadline
from guardrails.detectors import pii, words
from guardrails.fold import Folded, View
from guardrails.rules import Rule
from guardrails.types import Piece, Source

FIELDS = ("prompt", "value", "instruction", "input", "response", "question", "text")


class Plain(Folded):
    """A text without derived views."""

    @property
    def patterns(self) -> tuple[View, ...]:
        """The text itself."""
        return (View(self.text),)

    @property
    def words(self) -> tuple[View, ...]:
        """The text in lower case."""
        return (View(self.text.lower()),)


def texts(data: Path, most: int) -> Iterator[str]:
    """Benign texts, the same number of each file."""
    files = [
        *sorted((data / "benign").glob("*.jsonl.gz")),
        data / "topics/medquad_questions.jsonl.gz",
        data / "topics/mmlu_subjects.jsonl.gz",
    ]
    each = most // len(files)
    for path in files:
        count = 0
        with gzip.open(path, "rt", encoding="utf-8") as file:
            for line in file:
                row = json.loads(line)
                text = "\n".join(str(row[f]) for f in FIELDS if isinstance(row.get(f), str))
                if text and count < each:
                    count += 1
                    yield text


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--texts", type=int, default=20_000)
    parser.add_argument("--show", action="store_true", help="print what only the views see")
    arguments = parser.parse_args()
    profanity = detectors.build("words", [Rule("p", "words", "PROFANITY", words.Settings(managed=("PROFANITY",)))])
    entities = detectors.build(
        "pii", [Rule(f"pii.{s}", "pii", s, pii.Settings(s)) for s in sorted({x.type for x in pii.specs()})]
    )
    count = exhausted = 0
    plain: Counter[str] = Counter()
    extra: Counter[str] = Counter()
    for text in texts(arguments.data, arguments.texts):
        count += 1
        piece = Piece(text)
        full, raw = Content((piece,), Source.INPUT), Content((piece,), Source.INPUT)
        raw._folded = [Plain(text)]
        for name, detector in (("PROFANITY", profanity), ("PII", entities)):
            without = {(h.start, h.end) for h in detector.find(raw, Deadline(60_000)).hits}
            found = detector.find(full, Deadline(60_000)).hits
            plain[name] += len(without)
            for hit in found:
                if not any(
                    s < (hit.end or 0) and (hit.start or 0) < e for s, e in without if s is not None and e is not None
                ):
                    extra[name] += 1
                    if arguments.show:
                        print(name, hit.type, repr(text[max((hit.start or 0) - 20, 0) : (hit.end or 0) + 20]))
        exhausted += bool(full.exhausted())
    print(f"{count} benign texts; {exhausted} that could not be unfolded within the budget")
    for name in ("PROFANITY", "PII"):
        print(
            f"{name}: {plain[name]} hits in the plain text, {extra[name]} more in derived views = "
            f"{extra[name] / count * 10_000:.1f} in 10,000 texts (target 1 for PROFANITY)"
        )


if __name__ == "__main__":
    main()
