"""The cases: texts, the policy that judges them, and whether it must stop them.

The texts stand in the YAML files of this folder; the number in a file's name is that of a row in docs/detection.md.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from guardrails import Guard
from guardrails.evaluation import prepared
from guardrails.policy import load, loads
from guardrails.types import Piece, Qualifier, Role, Source
from tests.evasion.renderings import PHRASES

__all__ = ["FILES", "Case", "cases", "guard"]

HERE = Path(__file__).parent
SHIPPED = Path(__file__).parents[3] / "policies"
FILES = (
    "1_requests",
    "2_documents",
    "3_operators",
    "4_topics",
    "5_answers",
    "5_relevance",
    "6_languages",
    "7_attacks",
    "8_transforms",
)

# Policies besides the shipped ones.
POLICIES = {
    "judging": "version: 1\nname: judging\nextends: shipped:baseline\nsystem_messages: judge\n",
    "english": "version: 1\nname: english\nunsupported_language: block\ncontent: {VIOLENCE: HIGH, SELF_HARM: HIGH}\n",
    "grounding": "version: 1\nname: grounding\ngrounding: 0.5\n",
    "relevance": "version: 1\nname: relevance\nrelevance: 0.5\n",
    "desk": """\
version: 1
name: desk
topics:
  - name: medical-advice
    definition: Saying what a symptom means, whether something is an illness, or which medicine to take.
    examples: [Is this lump dangerous?, What should I take for a migraine?, my ears ring since the flight what is that, Can I drink alcohol with these pills?, Do I have diabetes?]
    not_examples: [Can I bring my medicine on board?, Where is the nearest pharmacy?]
  - name: politics
    definition: Opinions on parties, elections, governments and political questions of the day.
    examples: [Which party is the best?, What do you think of the president?, Should taxes for the rich go up?, Who will win the election?, Was Brexit a good idea?]
  - name: rival-fares
    definition: Prices, fares and offers of other airlines.
    examples: [How much is Lufthansa to Berlin?, Is Ryanair cheaper than you?, What does easyJet take for luggage?, Does Air France have offers?, Which airline is the cheapest to Paris?]
    not_examples: [How much is your flight to Berlin?, What do you charge for luggage?]
  - name: tax-law
    definition: What somebody owes the tax office, may deduct, or has to declare.
    examples: [Can I deduct my train tickets?, Do I have to declare the prize?, How much tax is on a second job?, Is the sale of my house taxed?, Do freelancers pay VAT?]
    not_examples: [Does the price include VAT?, Where is my invoice?]
  - name: claim-decisions
    definition: Saying whether an insurance claim will be paid, and how much.
    examples: [Will you pay for my broken window?, Is the theft of my phone covered?, How much do I get for the scratch?, Why did you refuse my claim?]
    not_examples: [How do I report a damage?, Where do I send the papers of my claim?]
""",
}  # fmt: skip

# What folding uncovers, and the ciphers that are read where they turn into words.
TRANSFORMS = ("base64", "tag smuggling", "unicode escapes", "spaces", "rot13", "reversed", "leet", "no spaces")


@dataclass(frozen=True, slots=True)
class Case:
    """Pieces that are checked together. ``stopped``: what must happen; ``rule``: the one whose finding counts, any that blocks if empty."""

    kind: str
    stopped: bool
    policy: str
    source: Source
    pieces: tuple[Piece, ...]
    label: str
    rule: str = ""

    @property
    def item(self) -> str:
        """The row of docs/detection.md."""
        return self.kind[0]


@cache
def guard(policy: str) -> Guard:
    """The guard of one of ``POLICIES``, or of a shipped policy: of ``NAME topics`` the denied topics alone."""
    if policy in POLICIES:
        return Guard(prepared(loads(POLICIES[policy])))
    name, _, part = policy.partition(" ")
    return Guard(prepared(load(SHIPPED / f"{name}.yaml"), ["topic.*"] if part else []))


def cases() -> list[Case]:
    """All cases, in the order of the files."""
    found: list[Case] = []
    for name in FILES:
        content = yaml.safe_load((HERE / f"{name}.yaml").read_text(encoding="utf-8"))
        reader = {"5_answers": _answers, "5_relevance": _relevance}.get(name, _texts)
        found += reader(name[0], content)
        found += _examples() if name == "4_topics" else []
    return found


def _texts(item: str, groups: list[dict[str, Any]]) -> Iterator[Case]:
    """Groups of texts with the same role, under the same policy."""
    for group in groups:
        kind, stopped = f"{item} {group['kind']}", group["want"] == "blocked"
        policy, role = group.get("policy", "baseline"), Role(group.get("role", "user"))
        beside = [Piece(group["beside"], Role.USER)] if "beside" in group else []
        before = [Piece(group["system"], Role.SYSTEM)] if "system" in group else []
        transforms = TRANSFORMS if group.get("transforms") else ("",)
        for text in group["texts"]:
            for name in transforms:
                said = PHRASES[name](text) if name else text
                pieces = (*before, Piece(said, role), *beside)
                label = f"{name}: {text}" if name else text
                yield Case(kind, stopped, policy, Source.INPUT, pieces, label, group.get("rule", ""))


def _answers(item: str, groups: list[dict[str, Any]]) -> Iterator[Case]:
    """Answers beside a source and their question."""
    for group in groups:
        source = Piece(group["source"], Role.DOCUMENT, Qualifier.GROUNDING_SOURCE)
        for side in ("supported", "unsupported"):
            for kind, pairs in group[side].items():
                for question, answer in pairs:
                    pieces = (source, Piece(question, Role.USER, Qualifier.QUERY), Piece(answer, Role.ASSISTANT))
                    yield Case(f"{item} {side}: {kind}", side == "unsupported", "grounding", Source.OUTPUT, pieces, f"{question} {answer}")  # fmt: skip


def _relevance(item: str, groups: list[dict[str, Any]]) -> Iterator[Case]:
    """Answers beside their question alone."""
    for group in groups:
        for kind, stopped in (("right", False), ("beside", True)):
            for question, answer in group[kind]:
                pieces = (Piece(question, Role.USER, Qualifier.QUERY), Piece(answer, Role.ASSISTANT))
                name = "answers beside the question" if stopped else "short, right answers"
                yield Case(f"{item} {name}", stopped, "relevance", Source.OUTPUT, pieces, f"{question} {answer}")


def _examples() -> Iterator[Case]:
    """The examples and counter-examples of the topics of every shipped policy: as they stand, and as somebody else would type them."""
    written: dict[str, Callable[[str], str]] = {
        "word for word": str,
        "in capitals": str.upper,
        "in small letters without signs": lambda t: "".join(c for c in t.lower() if c.isalnum() or c == " "),
        "with a typo": _mistyped,
        "in a longer text": lambda t: f"Hello, I have been a customer for years. {t} Thank you!",
    }
    policies = sorted(p.stem for p in SHIPPED.glob("*.yaml") if not p.stem.endswith(".test"))
    for policy in policies:
        for rule in load(SHIPPED / f"{policy}.yaml").rules:
            if rule.detector != "topics":
                continue
            for name, change in written.items():
                for text in rule.settings.examples:
                    yield Case(f"4 examples of shipped topics, {name}", True, f"{policy} topics", Source.INPUT, (Piece(change(text)),), text, rule.id)  # fmt: skip
            for text in rule.settings.not_examples:
                yield Case("4 counter-examples of shipped topics", False, f"{policy} topics", Source.INPUT, (Piece(text),), text, rule.id)  # fmt: skip


def _mistyped(text: str) -> str:
    """Two letters in the middle of the longest word change places."""
    word = max(text.split(), key=len)
    at = len(word) // 2
    return text.replace(word, word[: at - 1] + word[at] + word[at - 1] + word[at + 1 :], 1)
