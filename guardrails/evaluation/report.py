"""The table a person reads. Names come from data, so they are never markup and never control a terminal."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterable, Mapping

from rich.console import Console
from rich.table import Table
from rich.text import Text

from guardrails.evaluation.metrics import FPR, NAMES, Estimate
from guardrails.evaluation.summary import Evaluation, Group, Spans

__all__ = ["plain", "table"]


def plain(text: str) -> str:
    """Text that acts on nothing: what cannot be printed becomes an escape."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape", "surrogatepass").decode() for c in text)


def table(result: Evaluation) -> str:
    """Figures per set and overall, per category, and of spans; under each its 95 % interval."""
    out = _Out()
    policy, data = result.policy, result.data
    out.line(f"{policy.name} ({policy.identity.sha256[:12]}) on {data.path.name} ({data.sha256[:12]}), {len(data.rows)} rows")  # fmt: skip
    if result.models:
        out.line(f"models: {result.models}")
    if result.globs:
        out.line(f"rules: {', '.join(result.globs)}")
    overall = result.overall
    if overall.positives or overall.negatives:
        groups = [*result.sets, overall] if len(result.sets) != 1 else list(result.sets)
        counts = ((g.name, g.positives, g.negatives, g.figures) for g in groups)
        out.table("set", counts)
    if overall.categories:
        out.line()
        out.line("categories (positive: a rule of that name found something)")
        out.table("category", ((n, c.positives, c.rows - c.positives, c.figures) for n, c in overall.categories.items()))  # fmt: skip
    if overall.unjudged:
        out.line(f"categories that no selected rule judges: {', '.join(overall.unjudged)}")
    if overall.spans is not None:
        out.line()
        _spans(out, overall.spans)
    out.line()
    for note in _notes(result):
        out.line(note)
    return out.text()


def _notes(result: Evaluation) -> Iterable[str]:
    overall = result.overall
    yield ", ".join(f"{count} {action}" for action, count in overall.actions.items()) + _errors(overall)
    for reason, count in overall.unseen.items():
        yield f"{count} rows not seen whole: {reason}"
    unlabelled = overall.rows - overall.errors - overall.positives - overall.negatives
    if unlabelled:
        yield f"{unlabelled} rows have no label and enter no figure but those of categories and spans"
    few = [g.name for g in (*result.sets, overall) if g.positives and 0 < g.negatives * FPR < 1]
    if few:
        yield f"R @ 1 % FPR allows no false positive where there are fewer than {1 / FPR:.0f} negatives: {', '.join(few)}"
    if result.resamples:
        yield f"intervals: 95 %, {result.resamples} bootstrap resamples of the rows"


def _errors(group: Group) -> str:
    errors = f", {group.errors} could not be checked" if group.errors else ""
    return errors + (f"; in {group.failed} a rule failed" if group.failed else "")


def _spans(out: _Out, spans: Spans) -> None:
    out.line(f"spans ({spans.spans} in {spans.rows} rows)")
    rows: list[tuple[str, Estimate]] = [
        ("all fully masked", spans.figures["masked"]),
        *([("  of types with a rule", spans.figures["masked_by_rules"])] if spans.unjudged else []),
        *((f"  {t}{' (no rule)' if t in spans.unjudged else ''}", e) for t, e in spans.types.items()),
        ("masked characters that are in a span", spans.figures["character_precision"]),
        ("characters of spans that are masked", spans.figures["character_recall"]),
    ]
    grid = Table(box=None, pad_edge=False, show_header=False)
    for _ in range(4):
        grid.add_column(no_wrap=True)
    for name, estimate in rows:
        grid.add_row(Text(plain(name)), _number(estimate.value), Text(_interval(estimate), "dim"), Text(f"of {estimate.of}", "dim"))  # fmt: skip
    out.rich(grid)


class _Out:
    """Nothing is wrapped: a copied line is a whole line."""

    def __init__(self) -> None:
        self._buffer = io.StringIO()
        console = Console()
        self._out = Console(
            file=self._buffer,
            force_terminal=console.is_terminal and sys.stdout.isatty(),
            no_color=console.no_color,
            width=100_000,
            highlight=False,
            soft_wrap=True,
        )

    def line(self, text: str = "") -> None:
        """One line."""
        self._out.print(Text(plain(text)))

    def table(self, first: str, rows: Iterable[tuple[str, int, int, Mapping[str, Estimate]]]) -> None:
        """Rows of figures, each with its interval beneath."""
        grid = Table(box=None, pad_edge=False, header_style="bold")
        grid.add_column(first, no_wrap=True)
        for name in ("pos", "neg", *NAMES.values()):
            grid.add_column(name, justify="right", no_wrap=True)
        for name, positives, negatives, figures in rows:
            shown = [figures[key] for key in NAMES]
            grid.add_row(Text(plain(name)), str(positives), str(negatives), *(_cell(e) for e in shown))
        self.rich(grid)

    def rich(self, grid: Table) -> None:
        """A table, without the blanks that would fill its last column."""
        self._out.print(grid)

    def text(self) -> str:
        """Everything printed."""
        return "".join(f"{line.rstrip()}\n" for line in self._buffer.getvalue().splitlines())


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"


def _interval(estimate: Estimate) -> str:
    if estimate.low is None or estimate.high is None:
        return ""
    return f"{estimate.low:.2f}–{estimate.high:.2f}"


def _cell(estimate: Estimate) -> Text:
    text = Text(_number(estimate.value))
    interval = _interval(estimate)
    return text.append(f"\n{interval}", "dim") if interval else text
