"""What a head brings on topics that differ from their neighbours in little: recall, and false positives on near misses, without and with one.

Each topic is one kind of question to a bank; near it are the kinds that share its words. The reviewed texts, a quarter of them on the topic, are drawn
in the order of their sha256; half of them is learned from, as ``guardrails review topic --head`` does. The figures are of other texts.

python -m benchmarks.topic_heads --data ../shared/data
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from guardrails import Guard
from guardrails.calibration.writing import percent
from guardrails.detectors.topicheads import Head
from guardrails.evaluation import Row
from guardrails.evaluation.metrics import wilson
from guardrails.policy import loads
from guardrails.review import Question, Review, fitted_head
from guardrails.rules import Policy
from guardrails.types import Source

# The name of a topic: its definition as an author would write it, the kind of question that belongs to it, and those near it.
TOPICS = {
    "card-payment-fees": (
        "Fees that the bank charged for paying with a card.",
        "card_payment_fee_charged",
        ("extra_charge_on_statement", "cash_withdrawal_charge", "transfer_fee_charged", "exchange_charge", "top_up_by_card_charge"),
    ),
    "lost-or-stolen-cards": (
        "A card of the customer that is lost or was stolen.",
        "lost_or_stolen_card",
        ("compromised_card", "card_swallowed", "card_not_working", "lost_or_stolen_phone", "card_payment_not_recognised"),
    ),
}  # fmt: skip
SIZES = (20, 40, 80)
PLAIN = "none"


def read(path: Path) -> dict[str, list[str]]:
    """The texts of each kind, in an order that is theirs alone."""
    found: dict[str, list[str]] = defaultdict(list)
    with gzip.open(path, "rt", encoding="utf-8") as file:
        for line in file:
            row = json.loads(line)
            found[row["category"]].append(row["text"])
    return {kind: sorted(own, key=lambda t: hashlib.sha256(t.encode()).digest()) for kind, own in found.items()}


def reviewed(policy: Policy, rule: str, on: Sequence[str], near: Sequence[str]) -> Review:
    """A review in which one person labelled these texts."""
    review = Review()
    review.ask(Question(rule, policy.name), [Row(i, text, Source.INPUT) for i, text in enumerate((*on, *near), 1)])
    for item in review.items:
        review.label(item, int(item.row.text in on), "reviewer")
    return review


def figures(kinds: Mapping[str, Sequence[str]], name: str) -> dict[str, tuple[int, int, int, int]]:
    """Without a head and with each: texts found of those on the topic, how many there are, and the same of those near it."""
    said, own, others = TOPICS[name]
    policy = loads(
        f"version: 1\nname: bank\ntopics:\n  - {{name: {name}, definition: {json.dumps(said)}}}\n"
    ).unhurried()
    rule = policy.rules[0]
    near = [text for group in zip(*(kinds[kind] for kind in others), strict=True) for text in group]
    rules = [replace(rule, id=PLAIN)]
    for size in SIZES:
        review = reviewed(policy, rule.id, kinds[own][: size // 4], near[: size * 3 // 4])
        head = Head.parse(f"{size}.json", fitted_head(review, policy).data)
        rules.append(replace(rule, id=str(size), settings=replace(rule.settings, head=head)))
    guard = Guard(replace(policy, rules=tuple(rules)))
    most = max(SIZES)
    texts = [(text, 1) for text in kinds[own][most // 4 :]] + [(text, 0) for text in near[most * 3 // 4 :]]
    found = {rule.id: [0, 0] for rule in rules}
    for text, label in texts:
        for hit in {f.rule for f in guard.check(text, "INPUT").findings}:
            found[hit][label] += 1
    yes = sum(label for _, label in texts)
    return {id_: (hits[1], yes, hits[0], len(texts) - yes) for id_, hits in found.items()}


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="the folder of labelled sets")
    kinds = read(parser.parse_args().data / "topics" / "banking77_test.jsonl.gz")
    total = {id_: [0, 0, 0, 0] for id_ in (PLAIN, *map(str, SIZES))}
    for name in TOPICS:
        print(name, flush=True)
        for id_, counts in figures(kinds, name).items():
            print(f"  {id_:>4}: {counts[0]} of {counts[1]} on it, {counts[2]} of {counts[3]} near it", flush=True)
            total[id_] = [a + b for a, b in zip(total[id_], counts, strict=True)]
    print("\n| reviewed texts | recall | false positives on near misses |\n|---|---|---|")
    for id_, (hit, on, wrong, near) in total.items():
        print(f"| {id_} | {percent(wilson(hit, on))} | {percent(wilson(wrong, near))} |")


if __name__ == "__main__":
    main()
