"""``guardrails try``: what every rule saw of a text, a conversation or a request body, and why."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from guardrails.cli.options import Direction, JsonOption, PolicyOption
from guardrails.cli.screens import aligned, visible

if TYPE_CHECKING:
    from guardrails.workbench.showing import Row, Shown

__all__ = ["try_"]

OK, NEGATIVE = 0, 2
_SHOWN = 2_000


def try_(  # noqa: PLR0917 - a command's options
    policy: PolicyOption,
    text: Annotated[str | None, typer.Argument(help="The text; - or nothing reads standard input.")] = None,
    source: Annotated[Direction, typer.Option(help="Which way a text travels.")] = Direction.INPUT,
    file: Annotated[Path | None, typer.Option(help="Read it from a file.")] = None,
    conversation: Annotated[
        bool,
        typer.Option(
            "--conversation",
            help="It is a conversation: lines that begin with user:, assistant:, system:, tool: or document:.",
        ),
    ] = False,
    body: Annotated[
        str | None,
        typer.Option(metavar="FORMAT", help="It is a request body of an API: openai.chat, anthropic.messages, …"),
    ] = None,
    answer: Annotated[bool, typer.Option("--answer", help="With --body: it is an answer.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Show what each rule saw: marked text, scores against thresholds, times, and what nobody inspected. Nothing is stored.

    Exit code 0: allowed or masked, 2: blocked, 1: could not run.
    """
    from guardrails.errors import GuardrailsError  # noqa: PLC0415
    from guardrails.guard import Guard  # noqa: PLC0415
    from guardrails.workbench.samples import BODIES, read_sample  # noqa: PLC0415
    from guardrails.workbench.showing import show  # noqa: PLC0415

    if file is not None and text not in (None, "-"):
        raise typer.BadParameter("give a text or a file, not both", param_hint="--file")
    if conversation and body is not None:
        raise typer.BadParameter("it is a conversation or a body, not both", param_hint="--body")
    if answer and body is None:
        raise typer.BadParameter("say of which API with --body", param_hint="--answer")
    if body is not None and body not in BODIES:
        raise GuardrailsError(f"--body {body}: there is {', '.join(BODIES)}")
    given = _read(text, file)
    kind = "conversation" if conversation else "body" if body else "text"
    field = ("answer" if answer else "request") if body else kind
    sample = read_sample({"kind": kind, "source": source.value, "format": body or "", field: given})
    shown = show(Guard.from_file(policy), sample)
    if as_json:
        typer.echo(json.dumps([asdict(s) for s in shown], indent=2, ensure_ascii=False))
    else:
        typer.echo("\n".join(map(_screen, shown)), nl=False)
    raise typer.Exit(NEGATIVE if any(s.action == "BLOCKED" for s in shown) else OK)


def _read(text: str | None, file: Path | None) -> str:
    if file is not None:
        return file.read_text(encoding="utf-8", errors="surrogateescape")
    return sys.stdin.read() if text is None or text == "-" else text


def _screen(shown: Shown) -> str:
    out = [f"{shown.action}  {shown.source} under {shown.policy} ({shown.sha256[:12]}), {shown.milliseconds:.1f} ms"]
    for text in shown.texts:
        place = text.place or text.role
        marked = "".join(_marked(s.text, s.numbers) for s in text.segments)
        cut = " …" if text.more or len(marked) > _SHOWN else ""
        out += [f"  {visible(place)} | {visible(line)}" for line in (marked[:_SHOWN] + cut).split("\n")]
    if shown.rows:
        out += ["", "found", *(f"  {line}" for row in shown.rows for line in _finding(row))]
    if shown.more_rows:
        out.append(f"  … and {shown.more_rows} more")
    if shown.scores:
        scores = [
            (s.name, f"{s.score:.4f}", "acts on no score" if s.threshold is None else f"acts from {s.threshold:.4f}")
            for s in shown.scores
        ]
        out += ["", "scores of models", *(f"  {line}" for line in aligned(scores))]
    for heading, lines in (("could not be evaluated", shown.failures), ("nobody inspected", shown.uninspected)):
        if lines:
            out += ["", heading, *(f"  {visible(line)}" for line in lines)]
    if shown.times:
        out += ["", "times", *(f"  {line}" for line in aligned([(n, f"{ms:.1f} ms") for n, ms in shown.times]))]
    out += ["", "goes on as", *(f"  {visible(line)}" for line in shown.forwarded.split("\n"))]
    return "".join(f"{line}\n" for line in out)


def _marked(text: str, numbers: tuple[int, ...]) -> str:
    """A part of a text, with the numbers of the findings that cover it."""
    return f"[{','.join(map(str, numbers))}:{text}]" if numbers else text


def _finding(row: Row) -> list[str]:
    against = "" if row.threshold is None else f", acts from {row.threshold:.2f}"
    level = f", {row.level}" if row.level else ""
    return [
        f"{row.number}  {row.action} {row.type}  rule {row.rule}  score {row.score:.2f}{against}{level}  {row.at}".rstrip(),
        f"   remedy: {visible(row.remedy)}",
    ]
