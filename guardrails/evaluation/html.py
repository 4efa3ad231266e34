"""One HTML file that needs nothing else: figures, curves, histograms and the worst mistakes.

It quotes no text unless asked to, runs no script and loads nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape

import numpy as np
import numpy.typing as npt

from guardrails.evaluation.metrics import FPR, NAMES, Estimate, curves
from guardrails.evaluation.report import plain
from guardrails.evaluation.summary import Evaluation, Group, Judged, Spans

__all__ = ["page"]

# Mistakes of each kind, and curves in one picture besides the overall one.
WORST = 25
_CURVES = 8
_BINS = 20
_POINTS = 300
_SHOWN_CHARACTERS = 2000
_SIZE = 320
_MARGIN = 42
_COLOURS = ("#4477aa", "#ee6677", "#228833", "#ccbb44", "#66ccee", "#aa3377", "#bbbbbb", "#ee7733")

_STYLE = """
:root { color-scheme: light dark; }
body { font: 15px/1.45 system-ui, sans-serif; margin: 2rem auto; max-width: 78rem; padding: 0 1rem; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.15rem; margin-top: 2.2rem; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { padding: .25rem .7rem; text-align: right; vertical-align: top; border-bottom: 1px solid #8884; }
th:first-child, td:first-child { text-align: left; }
td small { display: block; opacity: .65; }
td.text { text-align: left; max-width: 46rem; white-space: pre-wrap; overflow-wrap: anywhere; }
.scroll { overflow-x: auto; } .row { display: flex; flex-wrap: wrap; gap: 1.5rem; }
figure { margin: 0; } figcaption { font-size: .85rem; opacity: .8; }
svg { color: inherit; } svg text { fill: currentColor; font: 11px system-ui, sans-serif; }
.dim { opacity: .65; }
"""


def page(result: Evaluation, *, show_text: bool = False) -> str:
    """The page. Texts of mistakes are quoted only with ``show_text``."""
    policy, data = result.policy, result.data
    groups = [*result.sets, result.overall] if len(result.sets) != 1 else list(result.sets)
    parts = [
        f"<h1>{_text(policy.name)} on {_text(data.path.name)}</h1>",
        f'<p class="dim">policy sha256 {policy.identity.sha256}<br>data sha256 {data.sha256}'
        + (f"<br>models {_text(result.models)}" if result.models else "")
        + (f"<br>rules {_text(', '.join(result.globs))}" if result.globs else "")
        + "</p>",
        f"<p>{_notes(result)}</p>",
        "<h2>Figures</h2>",
        _figures("set", ((g.name, g.positives, g.negatives, g.figures) for g in groups)),
    ]
    for group in groups:
        if group.categories:
            parts.append(f"<h2>Categories: {_text(group.name)}</h2>")
            rows = ((n, c.positives, c.rows - c.positives, c.figures) for n, c in group.categories.items())
            parts.append(_figures("category", rows))
        if group.unjudged:
            parts.append(f"<p>No selected rule judges {_text(', '.join(group.unjudged))}.</p>")
    for group in groups:
        if group.spans is not None:
            parts += [f"<h2>Spans: {_text(group.name)}</h2>", _spans(group.spans)]
    parts += _pictures(result, groups)
    parts += _mistakes(result, show_text=show_text)
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">"
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{_text(policy.name)} on {_text(data.path.name)}</title><style>{_STYLE}</style></head><body>\n"
        + "\n".join(parts)
        + "\n</body></html>\n"
    )


def _text(text: str) -> str:
    return escape(plain(text))


def _notes(result: Evaluation) -> str:
    overall = result.overall
    notes = [f"{len(result.data.rows)} rows: " + ", ".join(f"{n} {a}" for a, n in overall.actions.items())]
    if overall.errors:
        notes.append(f"{overall.errors} could not be checked and count nowhere")
    if overall.failed:
        notes.append(f"in {overall.failed} a rule failed")
    notes += [f"{n} not seen whole: {reason}" for reason, n in overall.unseen.items()]
    if result.resamples:
        notes.append(
            f"small print under a figure: its 95 % interval, {result.resamples} bootstrap resamples of the rows"
        )
    return "<br>".join(_text(n) for n in notes)


def _figures(first: str, rows: Iterable[tuple[str, int, int, Mapping[str, Estimate]]]) -> str:
    head = "".join(f"<th>{escape(n)}</th>" for n in (first, "pos", "neg", *NAMES.values()))
    body = "".join(
        f"<tr><td>{_text(name)}</td><td>{positives}</td><td>{negatives}</td>"
        + "".join(_cell(figures[key]) for key in NAMES)
        + "</tr>"
        for name, positives, negatives, figures in rows
    )
    return f'<div class="scroll"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'


def _cell(estimate: Estimate) -> str:
    if estimate.value is None:
        return "<td>–</td>"
    interval = "" if estimate.low is None else f"<small>{estimate.low:.3f}–{estimate.high:.3f}</small>"
    return f"<td>{estimate.value:.3f}{interval}</td>"


def _spans(spans: Spans) -> str:
    rows = [
        ("all fully masked", spans.figures["masked"]),
        ("of types with a rule", spans.figures["masked_by_rules"]),
        *((f"{t}{' (no rule)' if t in spans.unjudged else ''}", e) for t, e in spans.types.items()),
        ("masked characters that are in a span", spans.figures["character_precision"]),
        ("characters of spans that are masked", spans.figures["character_recall"]),
    ]
    body = "".join(f"<tr><td>{_text(name)}</td>{_cell(e)}<td>{e.of}</td></tr>" for name, e in rows)
    return f"<table><thead><tr><th></th><th>share</th><th>of</th></tr></thead><tbody>{body}</tbody></table>"


def _pictures(result: Evaluation, groups: Sequence[Group]) -> list[str]:
    scored = [(g, result.of(g)) for g in groups]
    drawn = []
    for group, rows in scored:
        curve = curves([j.score or 0.0 for j in rows], [j.row.label or 0 for j in rows])
        if curve is not None:
            drawn.append((group, curve))
    parts: list[str] = []
    if drawn:
        overall = [d for d in drawn if d[0] is result.overall]
        others = sorted((d for d in drawn if d[0] is not result.overall), key=lambda d: -d[0].rows)
        left_out = len(others) - _CURVES
        shown = [*overall, *others[:_CURVES]]
        colour = {g.name: _COLOURS[i % len(_COLOURS)] for i, (g, _) in enumerate(others)}
        colour.update(dict.fromkeys((g.name for g, _ in overall), "currentColor"))
        roc = [(g.name, c.fpr, c.recall, _mark(g, "fpr", "recall")) for g, c in shown]
        pr = [(g.name, c.recall, c.precision, _mark(g, "recall", "precision")) for g, c in shown]
        note = "Dots: the policy's own thresholds." + (
            f" The {left_out} smallest sets are left out." if left_out > 0 else ""
        )
        keys = " ".join(
            f'<svg width="12" height="12" style="color:{colour[g.name]}"><rect width="12" height="12" '
            f'fill="currentColor"/></svg> {_text(g.name)}'
            for g, _ in shown
        )
        parts += [
            "<h2>Curves</h2>",
            f"<p>{keys}</p>",
            '<div class="row">'
            + _plot("ROC", "false-positive rate", "recall", roc, colour, origin=True, guide=FPR)
            + _plot("precision and recall", "recall", "precision", pr, colour)
            + "</div>",
            f'<p class="dim">{note}</p>',
        ]
    histograms = [_histogram(g.name, rows, threshold=result.thresholded) for g, rows in scored if rows]
    if histograms:
        scale = "The scale is odds over the odds of each rule's threshold: rules act from .5 up. " if result.thresholded else ""  # fmt: skip
        parts += [
            "<h2>Scores</h2>",
            '<div class="row">' + "".join(histograms) + "</div>",
            f'<p class="dim">Up: rows that should be blocked; down: rows that should not. {scale}'
            "Each side is drawn to its own highest bar.</p>",
        ]
    return parts


def _mark(group: Group, x: str, y: str) -> tuple[float, float] | None:
    left, right = group.figures[x].value, group.figures[y].value
    return None if left is None or right is None else (left, right)


Line = tuple[str, npt.NDArray[np.float64], npt.NDArray[np.float64], tuple[float, float] | None]


def _plot(
    title: str, across: str, up: str, lines: Sequence[Line], colour: Mapping[str, str],
    *, origin: bool = False, guide: float | None = None,
) -> str:  # fmt: skip
    """Lines in the unit square."""
    out = [_frame(across, up)]
    if guide is not None:
        x = _x(guide)
        out.append(
            f'<line x1="{x:.1f}" y1="{_y(0):.1f}" x2="{x:.1f}" y2="{_y(1):.1f}" stroke="currentColor" '
            'stroke-dasharray="3 3" opacity=".5"/>'
        )
    for name, xs, ys, mark in lines:
        # Dense where scores are highest: that is where the curves differ.
        n = len(xs)
        keep = np.unique(np.concatenate([np.geomspace(1, n, _POINTS), np.linspace(1, n, _POINTS)]).astype(int)) - 1
        points = [(float(xs[i]), float(ys[i])) for i in keep]
        if origin:
            points.insert(0, (0.0, 0.0))
        path = " ".join(f"{_x(x):.1f},{_y(y):.1f}" for x, y in points)
        out.append(
            f'<g style="color:{colour[name]}"><title>{_text(name)}</title>'
            f'<polyline points="{path}" fill="none" stroke="currentColor" stroke-width="1.6"/>'
        )
        if mark is not None:
            out.append(f'<circle cx="{_x(mark[0]):.1f}" cy="{_y(mark[1]):.1f}" r="4" fill="currentColor"/>')
        out.append("</g>")
    return _picture(title, "".join(out))


def _histogram(name: str, rows: Sequence[Judged], *, threshold: bool) -> str:
    """Scores of both labels, one up and one down from the middle line."""
    out = [_frame("score", "")]
    width = (_x(1) - _x(0)) / _BINS
    half = (_y(0) - _y(1)) / 2
    middle = _y(0.5)
    for label, colour, sign in ((1, "#ee6677", -1), (0, "#4477aa", 1)):
        scores = [j.score or 0.0 for j in rows if j.row.label == label]
        counts, _ = np.histogram(scores, bins=_BINS, range=(0, 1))
        most = max(int(counts.max()), 1)
        for i, count in enumerate(counts):
            height = half * int(count) / most
            top = middle - height if sign < 0 else middle
            out.append(
                f'<rect x="{_x(i / _BINS) + 0.5:.1f}" y="{top:.1f}" width="{width - 1:.1f}" height="{height:.1f}" '
                f'fill="{colour}"><title>{i / _BINS:.2f}–{(i + 1) / _BINS:.2f}: {count}</title></rect>'
            )
    out.append(f'<line x1="{_x(0)}" y1="{middle}" x2="{_x(1)}" y2="{middle}" stroke="currentColor" opacity=".6"/>')
    if threshold:
        out.append(
            f'<line x1="{_x(0.5)}" y1="{_y(0)}" x2="{_x(0.5)}" y2="{_y(1)}" stroke="currentColor" '
            'stroke-dasharray="3 3" opacity=".5"/>'
        )
    positives = sum(j.row.label == 1 for j in rows)
    return _picture(f"{plain(name)} ({positives} up, {len(rows) - positives} down)", "".join(out))


def _x(value: float) -> float:
    return _MARGIN + value * (_SIZE - _MARGIN - 10)


def _y(value: float) -> float:
    return _SIZE - _MARGIN - value * (_SIZE - _MARGIN - 10)


def _frame(across: str, up: str) -> str:
    out = [
        f'<rect x="{_x(0)}" y="{_y(1)}" width="{_x(1) - _x(0)}" height="{_y(0) - _y(1)}" fill="none" '
        'stroke="currentColor" opacity=".4"/>'
    ]
    for tick in (0, 0.25, 0.5, 0.75, 1):
        out.append(f'<text x="{_x(tick):.1f}" y="{_y(0) + 15:.1f}" text-anchor="middle">{tick:g}</text>')
        if up:
            out.append(f'<text x="{_x(0) - 6:.1f}" y="{_y(tick) + 4:.1f}" text-anchor="end">{tick:g}</text>')
    out.append(f'<text x="{_x(0.5)}" y="{_SIZE - 8}" text-anchor="middle">{escape(across)}</text>')
    if up:
        out.append(
            f'<text x="12" y="{_y(0.5)}" text-anchor="middle" transform="rotate(-90 12 {_y(0.5)})">{escape(up)}</text>'
        )
    return "".join(out)


def _picture(title: str, inner: str) -> str:
    return (
        f'<figure><svg width="{_SIZE}" height="{_SIZE}" viewBox="0 0 {_SIZE} {_SIZE}" role="img" '
        f'aria-label="{escape(title)}">{inner}</svg><figcaption>{escape(title)}</figcaption></figure>'
    )


def _mistakes(result: Evaluation, *, show_text: bool) -> list[str]:
    measured = result.of(result.overall)
    alarms = [j for j in measured if j.row.label == 0 and j.blocked]
    misses = [j for j in measured if j.row.label == 1 and not j.blocked]
    alarms.sort(key=lambda j: (-(j.score or 0.0), j.row.line))
    misses.sort(key=lambda j: (j.score or 0.0, j.row.line))
    parts = []
    for title, rows in (("Blocked, and should not be", alarms), ("Not blocked, and should be", misses)):
        parts.append(f"<h2>{title}: {len(rows)}</h2>")
        if not rows:
            continue
        head = "".join(f"<th>{h}</th>" for h in ("line", "set", "source", "score", "rules", "highest scores"))
        body = "".join(_mistake(j, show_text=show_text) for j in rows[:WORST])
        more = f'<p class="dim">The worst {WORST} of {len(rows)}.</p>' if len(rows) > WORST else ""
        text = '<th style="text-align:left">text</th>' if show_text else ""
        parts.append(
            f'<div class="scroll"><table><thead><tr>{head}{text}</tr></thead><tbody>{body}</tbody></table></div>{more}'
        )
    if not show_text:
        parts.append(f'<p class="dim">Lines are those of {_text(result.data.path.name)}; --show-text quotes the texts.</p>')  # fmt: skip
    return parts


def _mistake(judged: Judged, *, show_text: bool) -> str:
    row, line = judged.row, judged.line
    fired = dict.fromkeys(f["rule"] for f in (*line["findings"], *line.get("other_findings", ())))
    highest = sorted(line["scores"].items(), key=lambda kv: (-kv[1], kv[0]))[:3]
    cells = [
        str(row.line),
        _text(row.set or ""),
        row.source.value,
        f"{judged.score:.3f}",
        _text(", ".join(fired)) or ("a failure" if "error" in line else "–"),
        "<br>".join(f"{_text(key)} {value:.3f}" for key, value in highest) or "–",
    ]
    text = ""
    if show_text:
        cut = row.text[:_SHOWN_CHARACTERS]
        shown = "\n".join(_text(part) for part in cut.split("\n"))
        text = f'<td class="text">{shown}{"…" if len(row.text) > len(cut) else ""}</td>'
    return "<tr>" + "".join(f"<td>{c}</td>" for c in cells) + text + "</tr>"
