"""What reviewed texts teach a denied topic: which of them to name as its examples, and which as what it is not.

One half of the texts is learned from, the other is held out. From the first, texts are taken one at a time: the one that, named as an example or
as a counter-example, best parts the scores of those that belong to the topic from the scores of those that do not. The figures are those of the policy's
own guard on the other half, without the new phrases and with them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from guardrails import inference
from guardrails.calibration import Point, scored
from guardrails.errors import GuardrailsError
from guardrails.evaluation import Data, Row, predictions
from guardrails.evaluation.metrics import Estimate, figures
from guardrails.guard import Guard
from guardrails.policy.editing import add_items, edit
from guardrails.review.book import Review
from guardrails.rules import Policy, Rule

if TYPE_CHECKING:
    from ruamel.yaml.comments import CommentedMap

    from guardrails.inference.text import Floats
    from guardrails.inference.topics import Topic

__all__ = ["Figures", "Lesson", "decided_rows", "halves", "measured", "taught", "topic_of", "with_phrases"]

# Rows of each label that are needed: half of them are held out.
_NEEDED = 4
# Longer texts are no example of one thing that somebody may ask.
_WORDS = 60
# Candidates of each kind: those that the topic judges worst. Less than the least gain in separation is not worth a phrase.
_CANDIDATES, _GAIN = 16, 0.002


class Figures(NamedTuple):
    """What a topic does on the held-out texts: ``auc``, how often a text that belongs to it scores higher than one that does not, and what its
    cut point does; each with its 95 % interval."""

    auc: Estimate
    point: Point

    def to_dict(self) -> dict[str, Any]:
        """A JSON-ready dict."""
        return {"auc": self.auc.to_dict(), "point": self.point.to_dict()}


@dataclass(frozen=True, slots=True)
class Lesson:
    """Phrases to add to a topic. ``learned`` and ``held_out`` count the texts of each half; ``before`` and ``after`` are of the second one."""

    rule: Rule
    examples: tuple[str, ...] = field(repr=False)
    not_examples: tuple[str, ...] = field(repr=False)
    learned: int
    held_out: int
    before: Figures
    after: Figures

    def to_dict(self) -> dict[str, Any]:
        """A JSON-ready dict; it holds the phrases."""
        return {
            "rule": self.rule.id,
            "examples": list(self.examples),
            "not_examples": list(self.not_examples),
            "learned": self.learned,
            "held_out": self.held_out,
            "before": self.before.to_dict(),
            "after": self.after.to_dict(),
        }


def taught(review: Review, policy: Policy, most: int = 6) -> Lesson:
    """What the decided texts of a review teach the denied topic that it asks about; at most ``most`` phrases, none where none helps.

    Raises GuardrailsError for a review of another kind of rule, or with too few decided texts of either label.
    """
    rule = topic_of(review, policy)
    rows = decided_rows(review, rule)
    learned, held = halves(rows)
    examples, others = _chosen(rule, learned, most)
    settings = rule.settings
    new = replace(
        rule,
        settings=replace(
            settings, examples=(*settings.examples, *examples), not_examples=(*settings.not_examples, *others)
        ),
    )
    before = measured(policy, rule, held)
    after = measured(policy, new, held) if examples or others else before
    return Lesson(rule, examples, others, len(learned), len(held), before, after)


def decided_rows(review: Review, rule: Rule) -> list[Row]:
    """The texts on which reviewers agree, of a direction in which the rule acts, labelled as they say."""
    return [
        replace(item.row, label=label)
        for item in review.items
        if (label := review.decided(item)) is not None and rule.action(item.row.source) is not None
    ]


def topic_of(review: Review, policy: Policy) -> Rule:
    """The denied topic that a review asks about. Raises GuardrailsError for another rule."""
    asked = review.question.rule if review.question is not None else None
    try:
        rule = policy.rule(asked or "")
    except KeyError:
        raise GuardrailsError(
            f"the review asks about {asked or 'the whole policy'}, which is no topic of {policy.name}: review a topic of it"
        ) from None
    if not hasattr(rule.settings, "not_examples") or getattr(rule.settings, "allow", False):
        raise GuardrailsError(f"{rule.id} is no denied topic: only those have examples to learn")
    return rule


def halves(rows: Sequence[Row]) -> tuple[list[Row], list[Row]]:
    """Two halves with as many of each label; a text falls into the same half wherever it stands."""
    halves: tuple[list[Row], list[Row]] = ([], [])
    for label in (1, 0):
        own = sorted(
            (r for r in rows if r.label == label),
            key=lambda r: hashlib.sha256(r.text.encode("utf-8", "replace")).digest(),
        )
        if len(own) < _NEEDED:
            raise GuardrailsError(
                f"{len(own)} texts are decided as {'yes' if label else 'no'}, and {_NEEDED} are needed, for half of them are held out: "
                "label more texts, or talk about those on which reviewers do not agree"
            )
        for i, row in enumerate(own):
            halves[i % 2].append(row)
    return halves


def _chosen(rule: Rule, rows: Sequence[Row], most: int) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The texts to name as examples, and as counter-examples, in the order in which they help."""
    engine = inference.text_engine()
    from guardrails.inference.topics import Topic, fit  # noqa: PLC0415 - numpy

    settings = rule.settings
    vectors = engine.embed([row.text for row in rows])
    labels = np.array([row.label for row in rows])
    said = f"{settings.name.replace('-', ' ').replace('_', ' ')}. {settings.definition}"
    known = engine.embed([said, *settings.examples, *settings.not_examples])
    own, others = known[1 : 1 + len(settings.examples)], known[1 + len(settings.examples) :]

    def topic(positive: Sequence[int], negative: Sequence[int]) -> Topic:
        shown, hidden = (
            np.concatenate([own, vectors[list(positive)]]),
            np.concatenate([others, vectors[list(negative)]]),
        )
        return Topic(engine, known[0], shown if len(shown) else None, hidden if len(hidden) else None)

    first = fit(engine, settings.name, settings.definition, settings.examples, settings.not_examples)
    candidates = _candidates(rows, labels, first.scores(vectors))
    taken: tuple[list[int], list[int]] = ([], [])  # by label: 0 counter-examples, 1 examples
    while len(taken[0]) + len(taken[1]) < most:
        now = topic(taken[1], taken[0]).scores(vectors)
        best, gain = -1, _GAIN
        for i in (c for c in candidates if c not in (*taken[0], *taken[1])):
            # Judged on the texts that are no phrases of the topic: those say nothing of others.
            left = np.ones(len(rows), dtype=bool)
            left[[*taken[0], *taken[1], i]] = False
            more = ([*taken[0], i], taken[1]) if labels[i] == 0 else (taken[0], [*taken[1], i])
            better = _apart(topic(more[1], more[0]).scores(vectors[left]), labels[left]) - _apart(
                now[left], labels[left]
            )
            if better > gain:
                best, gain = i, better
        if best < 0:
            break
        taken[labels[best]].append(best)
    return tuple(rows[i].text for i in taken[1]), tuple(rows[i].text for i in taken[0])


def _candidates(rows: Sequence[Row], labels: Any, scores: Floats) -> list[int]:
    """Short texts that the topic judges worst, of each label."""
    out: list[int] = []
    for label, sign in ((1, 1.0), (0, -1.0)):
        own = [i for i, row in enumerate(rows) if labels[i] == label and len(row.text.split()) <= _WORDS]
        out += sorted(own, key=lambda i: sign * float(scores[i]))[:_CANDIDATES]
    return out


def _apart(scores: Floats, labels: Any) -> float:
    """How well the scores part the labels, 0 to 1: the mean over all pairs of the odds that the one of the topic is the higher."""
    yes, no = scores[labels == 1], scores[labels == 0]
    if not len(yes) or not len(no):
        return 0.0
    gaps = np.clip(yes[:, None] - no[None, :], -30, 30)
    return float((1 / (1 + np.exp(-gaps))).mean())


def measured(policy: Policy, rule: Rule, rows: Sequence[Row]) -> Figures:
    """What the rule does alone, in the policy's own guard."""
    alone = replace(policy, rules=(rule,)).unhurried()
    numbered = tuple(replace(row, line=i) for i, row in enumerate(rows, 1))
    data = Data(Path("review"), "", numbered)
    dial, scores = scored(alone, data, predictions(Guard(alone), data)).of(rule.id)
    cut = dial.current()
    fires = scores.margin(cut) >= 0
    return Figures(figures(scores.scores, scores.labels, fires)["auc"], scores.at(cut))


def with_phrases(path: Path, text: str, lesson: Lesson) -> str:
    """``text``, the policy in ``path``, with a lesson's phrases at the end of the topic's lists.

    Raises GuardrailsError where the file cannot say it: the topic stands in another file, or the file is JSON.
    """

    def change(document: CommentedMap) -> None:
        for name in ("examples", "not_examples"):
            if getattr(lesson, name):
                add_items(document, lesson.rule, name, getattr(lesson, name))

    return edit(text, change, name=str(path))
