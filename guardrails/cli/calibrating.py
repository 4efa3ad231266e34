"""``guardrails calibrate``: where a rule's score should begin to act, chosen on the author's own texts."""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from guardrails.cli.evaluating import predicted
from guardrails.cli.options import Direction, JsonOption, PolicyOption, TextColumn
from guardrails.cli.screens import aligned, visible

if TYPE_CHECKING:
    from guardrails.calibration import Calibration, Dial, Point, Scores
    from guardrails.evaluation import Data

__all__ = ["calibrate"]

_BAD_DATA = 2
_BAR = 30


def calibrate(  # noqa: PLR0917 - a command's options
    data: Annotated[
        Path, typer.Argument(help="A table (.csv, .tsv), or rows of JSON; labelled or not. See docs/calibrate.md.")
    ],
    policy: PolicyOption,
    rule: Annotated[
        str | None, typer.Option(help="One rule: its cut points, its distribution and its mistakes.")
    ] = None,
    fpr: Annotated[
        float | None,
        typer.Option(min=0, max=1, help="Choose the cut point with at most this share of false positives."),
    ] = None,
    recall: Annotated[
        float | None, typer.Option(min=0, max=1, help="Choose the cut point with at least this recall.")
    ] = None,
    write: Annotated[
        bool,
        typer.Option("--write", help="Write the chosen cut point of --rule into the policy file, with its evidence."),
    ] = False,
    source: Annotated[Direction | None, typer.Option(help="The direction of rows that name none.")] = None,
    text_column: TextColumn = None,
    label_column: Annotated[str | None, typer.Option(help="The column that holds the label.")] = None,
    worst: Annotated[int, typer.Option(min=0, help="How many mistakes to list.")] = 10,
    show_text: Annotated[bool, typer.Option("--show-text", help="Quote the texts of mistakes.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Choose where a rule begins to act, on your own texts. Exit code 0: done, 2: rows are wrong, 1: could not run."""
    from guardrails.calibration import scored  # noqa: PLC0415
    from guardrails.evaluation import prepared  # noqa: PLC0415
    from guardrails.guard import Guard  # noqa: PLC0415
    from guardrails.policy import load  # noqa: PLC0415

    if fpr is not None and recall is not None:
        raise typer.BadParameter("give --fpr or --recall, not both", param_hint="--recall")
    asked = fpr is not None or recall is not None
    if write and (rule is None or not asked):
        raise typer.BadParameter("say which rule with --rule, and choose with --fpr or --recall", param_hint="--write")
    before = _digest(Path(policy)) if write else ""
    effective = load(policy).unhurried()
    rows = _rows(data, text_column=text_column, label_column=label_column, source=source)
    if rule is not None:
        effective = prepared(effective, [rule.partition(" ")[0]])
    result = scored(effective, rows, predicted(Guard(effective), rows))
    if rule is None:
        typer.echo(json.dumps(result.to_dict(), indent=2) if as_json else _overview(result, fpr, recall), nl=as_json)
        return
    dial, scores = result.of(rule)
    chosen = scores.choose(fpr=fpr, recall=recall) if asked else None
    if as_json:
        typer.echo(json.dumps(result.to_dict() | {"chosen": chosen.to_dict() if chosen else None}, indent=2))
    else:
        shown = _details(result, dial, scores, chosen, asked=asked)
        shown += _mistakes(rows, scores, chosen.cut if chosen else scores.current, worst, show_text=show_text)
        typer.echo(shown + _advice(result, dial, scores, chosen, show_text=show_text), nl=False)
    if write and chosen is not None:
        _write(Path(policy), before, rows, dial, scores, chosen)


def _rows(path: Path, **columns: Any) -> Data:
    """The texts; what is wrong with them ends the command."""
    from guardrails import evaluation  # noqa: PLC0415

    try:
        return evaluation.read(path, labelled=False, **columns)
    except evaluation.BadData as error:
        sys.stderr.write(f"{error}\n")
        raise typer.Exit(_BAD_DATA) from None


def _digest(path: Path) -> str:
    if not path.is_file():
        raise typer.BadParameter("a shipped policy is not changed: write one that extends it", param_hint="--write")
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _write(  # noqa: PLR0917 - what is written, and what it rests on
    path: Path, before: str, rows: Data, dial: Dial, scores: Scores, chosen: Point
) -> None:
    from guardrails.calibration import evidence, rewritten  # noqa: PLC0415
    from guardrails.policy.editing import save  # noqa: PLC0415

    comment = evidence(rows, scores, chosen, datetime.now(UTC).date())
    text = rewritten(path, path.read_text(encoding="utf-8"), dial, chosen.cut, comment)
    save(path, text, before=before)
    sys.stderr.write(f"{path}: {dial.label} {dial.name} is now {chosen.cut}\n")


def _overview(result: Calibration, fpr: float | None, recall: float | None) -> str:
    out = [_head(result), ""]
    rows: list[Sequence[str]] = []
    for dial, scores in result.scores.values():
        if not len(scores.lines):
            continue
        rows.append((dial.label, *_cells(scores.at(scores.current))))
        if fpr is not None or recall is not None:
            chosen = scores.choose(fpr=fpr, recall=recall)
            rows.append(("  chosen", *(_cells(chosen) if chosen else ("none", "", "", ""))))
    if rows:
        out += aligned([("rule", "cut", "fires", "false positives", "recall"), *rows])
    plain = [p for p in result.plain if p.fires.value]
    if plain:
        rows = [(p.rule, "–", _rate(p.fires), _rate(p.false_positives), _rate(p.recall)) for p in plain]
        out += ["", "rules without a cut point that found something", *aligned(rows)]
    out += ["", "--rule NAME shows the cut points of one rule, and its mistakes"]
    return "".join(f"{line}\n" for line in out)


def _head(result: Calibration) -> str:
    policy, data = result.policy, result.data
    name = visible(data.path.name)
    return f"{policy.name} ({policy.identity.sha256[:12]}) on {name} ({data.sha256[:12]}), {len(data.rows)} texts"


def _details(result: Calibration, dial: Dial, scores: Scores, chosen: Point | None, *, asked: bool) -> str:
    unknown = len(scores.lines) - scores.positives - scores.negatives
    counts = f"{scores.positives} that it should find, {scores.negatives} that it should not, {unknown} without a label"
    out = [_head(result), f"{dial.label}: {counts}"]
    if result.unjudged[dial.label]:
        out.append(f"{result.unjudged[dial.label]} texts it did not judge (another language, say): they count nowhere")
    points = {p.cut: p for p in (*scores.table(), *((chosen,) if chosen else ()))}
    order = sorted(points.values(), key=lambda p: p.fires.value or 0.0, reverse=True)
    rows = [(*_cells(p), _mark(p, scores, chosen)) for p in order]
    out += ["", *aligned([("cut", "fires", "false positives", "recall", ""), *rows])]
    if asked and chosen is None:
        out.append("no cut point reaches that on these texts, or none of them is labelled so that it could be measured")
    elif chosen is not None:
        out.append(
            "the cut point was chosen on these texts: measure it on others with guardrails eval before you rely on it"
        )
    return "".join(f"{line}\n" for line in [*out, "", *_bars(scores)])


def _mark(point: Point, scores: Scores, chosen: Point | None) -> str:
    said = ["now"] if point.cut == scores.current else []
    return ", ".join([*said, "chosen"] if chosen is not None and point.cut == chosen.cut else said)


def _bars(scores: Scores) -> Iterable[str]:
    """The distribution, a tenth a line; + should fire, - should not, . nobody says."""
    counts = scores.histogram(10)
    most = max((sum(row[i] for row in counts.values()) for i in range(10)), default=0) or 1
    yield "scores (+ should be found, - should not, . no label)"
    for i in reversed(range(10)):
        signs = ((1, "+"), (0, "-"), (-1, "."))
        bar = "".join(sign * max(round(counts[k][i] * _BAR / most), bool(counts[k][i])) for k, sign in signs)
        total = sum(row[i] for row in counts.values())
        yield f"  {i / 10:.1f} – {(i + 1) / 10:.1f}  {total:>6}  {bar}".rstrip()


def _mistakes(data: Data, scores: Scores, cut: float | str, most: int, *, show_text: bool) -> str:
    wrong = scores.mistakes(cut)
    shown = wrong[:most]
    title = f"{len(wrong)} mistakes at {cut}, nearest first"
    if not wrong and (near := scores.nearest(cut, most)):
        shown, title = near, f"texts nearest to {cut}: label these first"
    if not shown:
        return ""
    texts = {row.line: row.text for row in data.rows} if show_text else {}
    rows = [
        (
            f"line {m.line}",
            m.kind if m.label >= 0 else "no label",
            f"{m.score:.4f}",
            visible(texts.get(m.line, ""))[:100],
        )
        for m in shown
    ]
    return "".join(f"{line}\n" for line in ["", title, *(f"  {line}" for line in aligned(rows))])


def _advice(result: Calibration, dial: Dial, scores: Scores, chosen: Point | None, *, show_text: bool) -> str:
    from guardrails.calibration import suggested  # noqa: PLC0415
    from guardrails.calibration.writing import percent  # noqa: PLC0415
    from guardrails.detectors.settings import remarks  # noqa: PLC0415

    own = [r for r in result.policy.rules if r.detector == dial.rule.detector]
    out = [
        f"  {r.code}: {r.message}"
        + (f": {visible(r.written)}" if r.written else "")
        + (f" ({r.remedy})" if r.remedy else "")
        for r in remarks(dial.rule.detector, own)
        if r.code != "bedrock-limit" and (r.rule == dial.rule.id or dial.rule.id in r.message)
    ]
    if out:
        out = ["", "what the rule itself says", *out]
    found = suggested(result, dial, scores, chosen.cut if chosen else scores.current)
    if found is not None:
        out += ["", "not_examples to add, from its false positives"]
        out += [f"  line {row.line}" + (f"  {visible(row.text)}" if show_text else "") for row in found.rows]
        for name in ("false_positives", "recall"):
            before, after = getattr(found.before, name), getattr(found.after, name)
            if before.value is not None:
                out.append(f"  {name.replace('_', ' ')} of the other texts: {percent(before)}, then {percent(after)}")
    return "".join(f"{line}\n" for line in out)


def _cells(point: Point) -> tuple[str, str, str, str]:
    return str(point.cut), _rate(point.fires), _rate(point.false_positives), _rate(point.recall)


def _rate(estimate: object) -> str:
    value, low, high = (getattr(estimate, name) for name in ("value", "low", "high"))
    return "–" if value is None else f"{value:.1%} ({low:.1%}–{high:.1%})"
