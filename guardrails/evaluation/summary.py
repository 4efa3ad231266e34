"""Rows and their predictions as figures: overall, per set, per category, and for spans."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from guardrails import inference
from guardrails.evaluation import metrics
from guardrails.evaluation.metrics import CONFIDENCE, Estimate
from guardrails.evaluation.rows import Data, Row
from guardrails.evaluation.run import Line
from guardrails.evaluation.scoring import Scorer, normal
from guardrails.guard import Guard
from guardrails.rules import Policy
from guardrails.types import Action, Source

__all__ = ["UNNAMED", "Category", "Evaluation", "Group", "Judged", "Spans", "evaluate"]

# Rows without a `set`, when others have one.
UNNAMED = "(no set)"
# Only findings of these detectors are held against `spans`: a denied word is no personal data.
_SPAN_DETECTORS = ("pii", "regex")


@dataclass(frozen=True, slots=True)
class Judged:
    """A row with its prediction. ``score`` is None when the row could not be checked at all."""

    row: Row
    line: Line = field(repr=False)
    score: float | None

    @property
    def blocked(self) -> bool:
        """Whether the row counts as positive."""
        return self.line.get("action") == Action.BLOCKED

    @property
    def measured(self) -> bool:
        """Whether it enters the figures: it has a label, and was checked."""
        return self.score is not None and self.row.label is not None


@dataclass(frozen=True, slots=True)
class Category:
    """One category's figures over the rows that say whether it holds. Positive = a rule of its name fired."""

    rows: int
    positives: int
    figures: Mapping[str, Estimate]

    def to_dict(self) -> dict[str, Any]:
        """A JSON-ready dict."""
        negatives = self.rows - self.positives
        counts = {"rows": self.rows, "positives": self.positives, "negatives": negatives}
        return {**counts, **_figures(self.figures, negatives)}


@dataclass(frozen=True, slots=True)
class Spans:
    """How well marked spans are masked.

    ``figures``: ``masked`` (share of spans with every character masked), ``masked_by_rules`` (the same over types that a
    rule masks or blocks), ``character_precision`` (share of masked characters inside a span) and ``character_recall``.
    ``types`` gives ``masked`` per type, ``unjudged`` the types no rule masks or blocks.
    """

    rows: int
    spans: int
    figures: Mapping[str, Estimate]
    types: Mapping[str, Estimate]
    unjudged: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """A JSON-ready dict."""
        return {
            "rows": self.rows,
            "spans": self.spans,
            **_dicts(self.figures),
            "types": _dicts(self.types),
            "unjudged": list(self.unjudged),
        }


@dataclass(frozen=True, slots=True)
class Group:
    """Figures over some rows. ``errors`` could not be checked and count nowhere; ``failed`` had a rule that failed."""

    name: str
    rows: int
    positives: int
    negatives: int
    errors: int
    failed: int
    actions: Mapping[str, int]
    unseen: Mapping[str, int]
    figures: Mapping[str, Estimate]
    categories: Mapping[str, Category]
    unjudged: tuple[str, ...]
    spans: Spans | None

    def to_dict(self) -> dict[str, Any]:
        """A JSON-ready dict."""
        return {
            "rows": self.rows,
            "positives": self.positives,
            "negatives": self.negatives,
            "unlabelled": self.rows - self.errors - self.positives - self.negatives,
            "errors": self.errors,
            "failed": self.failed,
            "actions": dict(self.actions),
            "unseen": dict(self.unseen),
            **_figures(self.figures, self.negatives),
            "categories": {name: c.to_dict() for name, c in self.categories.items()},
            "unjudged_categories": list(self.unjudged),
            "spans": self.spans.to_dict() if self.spans else None,
        }


@dataclass(frozen=True)
class Evaluation:
    """Everything one run says. ``thresholded``: whether .5 is where rules act on the scores' scale."""

    policy: Policy
    data: Data
    globs: tuple[str, ...]
    resamples: int
    overall: Group
    sets: tuple[Group, ...]
    judged: tuple[Judged, ...] = field(repr=False)
    thresholded: bool = False

    @property
    def models(self) -> str:
        """Which models judge texts in this installation; empty where the setting decides about none of the policy's rules."""
        kinds = {r.detector for r in self.policy.rules}
        asked = "content" in kinds or ("grounding" in kinds and inference.compares())
        return inference.setting().models.value if asked else ""

    def of(self, group: Group) -> list[Judged]:
        """The measured rows of a group."""
        every = group is self.overall
        return [j for j in self.judged if j.measured and (every or _set(j.row) == group.name)]

    def to_dict(self) -> dict[str, Any]:
        """A JSON-ready dict; it holds no text."""
        return {
            "policy": {"name": self.policy.name, "sha256": self.policy.identity.sha256},
            "rules": sorted(r.id for r in self.policy.rules if any(r.action(s) is not None for s in Source)),
            "models": self.models,
            "data": {"file": str(self.data.path), "sha256": self.data.sha256, "rows": len(self.data.rows)},
            "intervals": {"confidence": CONFIDENCE, "resamples": self.resamples},
            "overall": self.overall.to_dict(),
            "sets": {g.name: g.to_dict() for g in self.sets},
        }


def evaluate(
    guard: Guard, data: Data, lines: Sequence[Line], *, globs: Sequence[str] = (), resamples: int = 1000
) -> Evaluation:
    """The figures of predictions, one line a row, made by this guard."""
    scorer = Scorer(guard)
    judged = tuple(
        Judged(row, line, scorer.score(row, line) if "action" in line else None)
        for row, line in zip(data.rows, lines, strict=True)
    )
    summary = _Summary(guard.policy, scorer, _known_categories(judged), resamples)
    named = list(dict.fromkeys(_set(j.row) for j in judged))
    sets = tuple(summary.group(name, [j for j in judged if _set(j.row) == name]) for name in named)
    overall = summary.group("all", judged)
    return Evaluation(
        guard.policy, data, tuple(globs), resamples, overall, sets if named != [UNNAMED] else (), judged,
        thresholded=scorer.thresholded,
    )  # fmt: skip


def _set(row: Row) -> str:
    return UNNAMED if row.set is None else row.set


def _dicts(estimates: Mapping[str, Estimate]) -> dict[str, Any]:
    return {name: e.to_dict() for name, e in estimates.items()}


def _figures(estimates: Mapping[str, Estimate], negatives: int) -> dict[str, Any]:
    """Figures with, beside the recall at a false-positive rate, how many negatives that rate is measured on."""
    out = _dicts(estimates)
    out["recall_at_1_fpr"] |= {"fpr": metrics.FPR, "negatives": negatives}
    return out


def _known_categories(judged: Sequence[Judged]) -> dict[int, dict[str, int]]:
    """What each row (by line) says of categories. A complete list denies every other name that its set knows."""
    names: dict[str, dict[str, None]] = {}
    for j in judged:
        if j.row.categories:
            names.setdefault(_set(j.row), {}).update(dict.fromkeys(map(normal, j.row.categories)))
    known = {}
    for j in judged:
        if j.row.categories is not None:
            denied = dict.fromkeys(names.get(_set(j.row), ()), 0) if j.row.complete else {}
            known[j.row.line] = {**denied, **{normal(n): v for n, v in j.row.categories.items()}}
    return known


class _Summary:
    def __init__(self, policy: Policy, scorer: Scorer, known: Mapping[int, Mapping[str, int]], resamples: int) -> None:
        self._scorer, self._known, self._resamples = scorer, known, resamples
        self._maskers = {r.id for r in policy.rules if r.detector in _SPAN_DETECTORS}

    def group(self, name: str, judged: Sequence[Judged]) -> Group:
        measured = [j for j in judged if j.measured]
        positives = sum(j.row.label == 1 for j in measured)
        checked = [j for j in judged if j.score is not None]
        categories, unjudged = self.categories(name, checked)
        return Group(
            name,
            len(judged),
            positives,
            len(measured) - positives,
            len(judged) - len(checked),
            sum("failures" in j.line for j in judged),
            {a.value: sum(j.line["action"] == a for j in checked) for a in Action},
            dict(Counter(reason for j in checked for reason in j.line.get("unseen", ()))),
            metrics.figures(
                [j.score or 0.0 for j in measured],
                [j.row.label or 0 for j in measured],
                [j.blocked for j in measured],
                resamples=self._resamples,
                seed=name,
            ),
            categories,
            unjudged,
            self.spans(name, [j for j in checked if j.row.spans is not None]),
        )

    def categories(self, group: str, checked: Sequence[Judged]) -> tuple[dict[str, Category], tuple[str, ...]]:
        rows = [(j, self._known[j.row.line]) for j in checked if j.row.line in self._known]
        names = sorted({name for _, known in rows for name in known})
        unjudged = tuple(n for n in names if not self._scorer.knows(n, (j.line for j in checked)))
        out = {}
        for name in names:
            if name in unjudged:
                continue
            of = [(j, known[name]) for j, known in rows if name in known]
            verdicts = [self._scorer.category(name, j.row, j.line) for j, _ in of]
            labels = [label for _, label in of]
            figures = metrics.figures(
                [score for _, score in verdicts], labels, [fired for fired, _ in verdicts],
                resamples=self._resamples, seed=f"{group}/{name}",
            )  # fmt: skip
            out[name] = Category(len(of), sum(labels), figures)
        return out, unjudged

    def spans(self, group: str, rows: Sequence[Judged]) -> Spans | None:
        if not rows:
            return None
        types = sorted({s.type for j in rows for s in j.row.spans or ()})
        table = [self._masked(j, types) for j in rows]
        columns = {key: np.array([t[key] for t in table], dtype=np.int64) for key in table[0]}

        def pair(above: str, below: str) -> tuple[Any, Any]:
            return columns[above], columns[below]

        parts = {
            "masked": pair("full", "spans"),
            "masked_by_rules": pair("full by rules", "spans by rules"),
            "character_precision": pair("both", "masked"),
            "character_recall": pair("both", "gold"),
        }
        shares = metrics.ratios(
            {**parts, **{f"type {t}": pair(f"full {t}", f"spans {t}") for t in types}},
            resamples=self._resamples,
            seed=f"{group}/spans",
        )
        sources = {j.row.source for j in rows}
        return Spans(
            len(rows),
            int(columns["spans"].sum()),
            {name: shares[name] for name in parts},
            {t: shares[f"type {t}"] for t in types},
            tuple(t for t in types if not any(self._scorer.acts_on(t, s) for s in sources)),
        )

    def _masked(self, judged: Judged, types: Sequence[str]) -> dict[str, int]:
        """Counts of one row: spans and those with every character masked, and characters."""
        spans = judged.row.spans or ()
        masked: set[int] = set()
        for f in judged.line["findings"]:
            if f["rule"] in self._maskers and f["start"] is not None and f["action"] != Action.NONE:
                masked.update(range(f["start"], f["end"]))
        gold = {i for s in spans for i in range(s.start, s.end)}
        full = [s for s in spans if masked.issuperset(range(s.start, s.end))]
        by_rules = {t for t in types if self._scorer.acts_on(t, judged.row.source)}
        counts = {
            "spans": len(spans),
            "full": len(full),
            "spans by rules": sum(s.type in by_rules for s in spans),
            "full by rules": sum(s.type in by_rules for s in full),
            "masked": len(masked),
            "gold": len(gold),
            "both": len(masked & gold),
        }
        of, done = Counter(s.type for s in spans), Counter(s.type for s in full)
        for type_ in types:
            counts[f"spans {type_}"], counts[f"full {type_}"] = of[type_], done[type_]
        return counts
