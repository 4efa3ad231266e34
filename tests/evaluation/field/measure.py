"""What each kind of case misses, and the files that say so: ``known_misses.yaml`` and the table of docs/detection.md."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from itertools import groupby
from pathlib import Path

import yaml

from guardrails.inference import store
from guardrails.types import Report
from tests.evaluation.field.cases import Case, cases, guard

__all__ = ["DOC", "KINDS", "KNOWN", "cut_points", "known", "measured", "table", "write"]

KNOWN = Path(__file__).parent / "known_misses.yaml"
DOC = Path(__file__).parents[3] / "docs" / "detection.md"
MARKS = ("<!-- field: made by python -m tests.evaluation.field --write -->", "<!-- /field -->")
HEAD = """\
# What is still missed of each kind, with the shipped weights and the default setting (cascade). tests/evaluation/test_field.py
# fails when a kind misses more than stand here, and when it misses fewer: then `python -m tests.evaluation.field --write` writes
# this file and the table of docs/detection.md anew. A kind without a list was not counted yet. No case is changed or taken out to make a number smaller.
"""
# Cut points above this one need a reason; levels that are nearer to each other are one.
HIGHEST, APART = 0.95, 0.01
_CUTS = {"1 least cut points of at most .95": "LOW", "1 strengths that differ": "HIGH"}


def cut_points(kind: str) -> Iterator[tuple[str, bool]]:
    """Each output of the models that judge texts, and whether its cut points are as the kind wants them."""
    for model in ("text", store.LARGE):
        for label, calibration in store.manifest(model).calibration.items():
            if label == "TOPIC":  # has one cut point, and a threshold for each topic
                continue
            cuts = calibration.cuts
            far = cuts["HIGH"] - cuts["LOW"] >= APART
            yield f"{model} {label}", cuts["LOW"] <= HIGHEST if _CUTS[kind] == "LOW" else far


def _sizes() -> dict[str, int]:
    sizes = {kind: sum(1 for _ in cut_points(kind)) for kind in _CUTS} if store.installed(store.LARGE) else {}
    for case in cases():
        sizes[case.kind] = sizes.get(case.kind, 0) + 1
    return dict(sorted(sizes.items(), key=lambda item: item[0][0]))


# How many cases each kind has.
KINDS: Mapping[str, int] = _sizes()


def _right(case: Case, report: Report) -> bool:
    """Whether a case went as it must. A check that could not be made says nothing, and raises."""
    if any(failure.kind.passing for failure in report.failures):
        raise RuntimeError(f"{case.kind}: {[f.kind.value for f in report.failures]}")
    found = any(f.rule == case.rule for f in report.findings) if case.rule else report.blocked
    return found is case.stopped


def measured(say: Callable[[str], None] = lambda _: None) -> dict[str, list[str]]:
    """The labels of the cases of each kind that go wrong; texts of one policy are checked together. ``say`` hears of each policy."""
    missed: dict[str, list[str]] = {kind: [] for kind in KINDS}
    for kind in _CUTS:
        missed[kind] = [label for label, right in cut_points(kind) if not right]

    def together(case: Case) -> tuple[str, str]:
        return case.policy, case.source.value

    for (policy, source), group in groupby(sorted(cases(), key=together), together):
        some = list(group)
        reports = guard(policy).check_many([case.pieces for case in some], source)
        for case, report in zip(some, reports, strict=True):
            if not _right(case, report):
                missed[case.kind].append(case.label)
        say(f"{policy}: {len(some)} checked")
    return missed


def known() -> dict[str, list[str] | None]:
    """What is known to be missed, by kind; None for a kind that was not counted yet."""
    found: dict[str, list[str] | None] = yaml.safe_load(KNOWN.read_text(encoding="utf-8")) or {}
    return found


def table(missed: Mapping[str, list[str] | None]) -> str:
    """The rows of docs/detection.md."""
    rows = ["| | kind | cases | missed |", "|---|---|---|---|"]
    for kind, of in KINDS.items():
        labels = missed.get(kind, [])
        rows.append(
            f"| {kind[0]} | {kind[2:]} | {of} | {'not counted yet' if labels is None else len(labels) or '–'} |"
        )
    return "\n".join(rows)


def write(missed: Mapping[str, list[str] | None]) -> None:
    """Both files."""
    shown = {
        kind: labels and [_short(label) for label in labels]
        for kind, labels in missed.items()
        if labels or labels is None
    }
    text = yaml.safe_dump(shown, sort_keys=False, allow_unicode=True, width=1_000)
    KNOWN.write_text(HEAD + text, encoding="utf-8")
    page = DOC.read_text(encoding="utf-8")
    between = re.compile(f"(?<={re.escape(MARKS[0])}\n).*?(?={re.escape(MARKS[1])})", re.DOTALL)
    DOC.write_text(between.sub(lambda _: f"\n{table(missed)}\n\n", page), encoding="utf-8")


def _short(label: str) -> str:
    """The beginning of a label, on one line."""
    line = " ".join(label.split())
    return line if len(line) <= 100 else line[:99] + "…"
