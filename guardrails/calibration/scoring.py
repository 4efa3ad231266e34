"""Predictions of a policy as scores of its rules, each with the labels that hold for that rule."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from guardrails.calibration.choosing import Scores
from guardrails.calibration.dials import Dial, dials
from guardrails.errors import GuardrailsError
from guardrails.evaluation import Data, Row
from guardrails.evaluation.metrics import Estimate, wilson
from guardrails.evaluation.run import Line
from guardrails.evaluation.scoring import normal
from guardrails.policy.reader import nearest
from guardrails.rules import Policy, Rule
from guardrails.types import Role, Source

__all__ = ["Calibration", "Plain", "scored"]


@dataclass(frozen=True, slots=True)
class Plain:
    """A rule without a cut point: how often it fires, on which rows labelled 0, and on which labelled 1."""

    rule: str
    fires: Estimate
    false_positives: Estimate
    recall: Estimate


@dataclass(frozen=True)
class Calibration:
    """Every rule's scores on some rows. ``unjudged`` counts, by label of the dial, the rows that its rule could not judge."""

    policy: Policy
    data: Data
    scores: Mapping[str, tuple[Dial, Scores]] = field(repr=False)
    plain: tuple[Plain, ...]
    unjudged: Mapping[str, int]

    def of(self, name: str) -> tuple[Dial, Scores]:
        """The dial of a rule and its scores, by the rule's id or the dial's label. Raises GuardrailsError with what there is."""
        found = [n for n, (dial, _) in self.scores.items() if name in (n, dial.rule.id)]
        if len(found) == 1:
            return self.scores[found[0]]
        if found:
            raise GuardrailsError(f"{name} has a cut point for each direction: say which of {', '.join(found)}")
        if any(r.id == name for r in self.policy.rules):
            raise GuardrailsError(
                f"{name} has no score with a cut point, or is switched off: there is nothing to choose"
            )
        close = nearest(name, list(self.scores))
        there = ", ".join(self.scores) or "none"
        raise GuardrailsError(
            f"no rule {name} with a cut point; " + (f"nearest: {close}" if close else f"there is {there}")
        )

    def to_dict(self) -> dict[str, Any]:
        """A JSON-ready dict; it holds no text."""
        return {
            "policy": {"name": self.policy.name, "sha256": self.policy.identity.sha256},
            "data": {"file": str(self.data.path), "sha256": self.data.sha256, "rows": len(self.data.rows)},
            "rules": {
                name: {
                    "rule": dial.rule.id,
                    "setting": dial.name,
                    "source": dial.source,
                    "rows": len(own.lines),
                    "positives": own.positives,
                    "negatives": own.negatives,
                    "unjudged": self.unjudged[name],
                    "current": own.current,
                    "histogram": {str(label): counts for label, counts in own.histogram().items()},
                    "points": [p.to_dict() for p in own.table()],
                    "mistakes": [{**m._asdict(), "kind": m.kind} for m in own.mistakes(own.current)],
                }
                for name, (dial, own) in self.scores.items()
            },
            "plain": [
                {"rule": p.rule, **{n: getattr(p, n).to_dict() for n in ("fires", "false_positives", "recall")}}
                for p in self.plain
            ],
        }


def scored(policy: Policy, data: Data, lines: Sequence[Line]) -> Calibration:
    """The scores of every rule of ``policy`` on ``data``, of which ``lines`` are the predictions, one a row.

    A row's label for a rule is what its ``categories`` say of the rule's name or id, else the row's own ``label``. A row that a rule did
    not judge (another direction, another language) does not count for it.
    """
    rows = list(zip(data.rows, lines, strict=True))
    found: dict[str, tuple[Dial, Scores]] = {}
    unjudged: dict[str, int] = {}
    for dial in dials(policy):
        own = [(row, line) for row, line in rows if dial.on(row.source)]
        judged = list(_judged(dial, own))
        unjudged[dial.label] = len(own) - len(judged)
        found[dial.label] = (dial, _scores(dial, judged))
    dialled = {dial.rule.id for dial, _ in found.values()}
    plain = tuple(_plain(r, rows) for r in policy.rules if r.id not in dialled and (r.input or r.output) is not None)
    return Calibration(policy, data, found, plain, unjudged)


_Judged = tuple[Row, Mapping[str, float], Mapping[str, Mapping[str, float]]]


def _judged(dial: Dial, rows: Sequence[tuple[Row, Line]]) -> Iterator[_Judged]:
    """Each row that the rule judged, with its scores by key, and for each name of a cut point where it acts."""
    acts: dict[tuple[Source, Role], dict[str, Mapping[str, float]]] = {}
    for row, line in rows:
        at = (row.source, row.pieces[0].role)
        if at not in acts:
            names = dial.names or ("",)
            acts[at] = {name: dial.thresholds(*at, cut=name or None) for name in names}
        keys = {key for cuts in acts[at].values() for key in cuts}
        scores = {key: line["scores"][key] for key in keys if key in line.get("scores", ())}
        if scores:
            yield row, scores, acts[at]


def _scores(dial: Dial, judged: Sequence[_Judged]) -> Scores:
    margins = {
        name: np.array(
            [
                max((s - acts[name][k] for k, s in own.items() if k in acts[name]), default=-1.0)
                for _, own, acts in judged
            ]
        )
        for name in dial.names
    }
    worst = min if dial.falls else max
    return Scores(
        np.array([row.line for row, *_ in judged], dtype=np.int64),
        np.array([worst(own.values()) for _, own, _ in judged], dtype=np.float64),
        np.array([label(row, dial.rule) for row, *_ in judged], dtype=np.int64),
        dial.current(),
        dial.low,
        dial.high,
        dial.falls,
        margins,
    )


def label(row: Row, rule: Rule) -> int:
    """1 where the rule should fire, 0 where it should not, -1 where nobody says."""
    names = {normal(rule.id), normal(rule.type), normal(rule.id.partition(".")[2])}
    if row.categories is not None:
        said = [value for name, value in row.categories.items() if normal(name) in names]
        if said:
            return max(said)
        if row.complete:
            return 0
    return -1 if row.label is None else row.label


def _plain(rule: Rule, rows: Sequence[tuple[Row, Line]]) -> Plain:
    own = [
        (label(row, rule), any(f["rule"] == rule.id for f in (*line["findings"], *line.get("other_findings", ()))))
        for row, line in rows
        if rule.action(row.source) is not None and "findings" in line
    ]
    counts = [
        wilson(sum(fired for said, fired in own if said in wanted), sum(said in wanted for said, _ in own))
        for wanted in ((-1, 0, 1), (0,), (1,))
    ]
    return Plain(rule.id, *counts)
