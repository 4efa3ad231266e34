"""What a person reads. Plain text with a little colour, made with rich, and never interpreting what was checked as markup."""

from __future__ import annotations

import io
import sys
import unicodedata
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from guardrails import inference
from guardrails.inference.chosen import VARIABLE
from guardrails.rules import Policy
from guardrails.streaming.lookahead import Lookahead, lookahead
from guardrails.types import Action, Finding, Report, Source

if TYPE_CHECKING:
    from guardrails.compare import Comparison
    from guardrails.policy import Setting
    from guardrails.policytest import FileOutcome

__all__ = ["aligned", "compared", "explained", "report", "tested", "visible"]

_COLOURS = {"NONE": "green", "MASKED": "yellow", "BLOCKED": "red", "PASS": "green", "FAIL": "red", "ERROR": "magenta"}
# Characters of a line shown on either side of a finding.
_AROUND = 60
_SHOWN_FINDINGS = 50


def visible(text: str) -> str:
    """Text as it can be printed: control, bidi and invisible characters become escapes, so that none acts on the terminal."""
    out = []
    for char in text:
        if char == "\t":
            out.append(" ")
        elif unicodedata.category(char) in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"):
            out.append(f"\\u{ord(char):04x}" if ord(char) < 0x10000 else f"\\U{ord(char):08x}")
        else:
            out.append(char)
    return "".join(out)


def aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """Rows as lines whose columns stand below each other."""
    widths = [max(cell_len(row[i]) for row in rows) for i in range(len(rows[0]))] if rows else []
    padded = ([cell + " " * (width - cell_len(cell)) for cell, width in zip(row, widths, strict=True)] for row in rows)
    return ["  ".join(cells).rstrip() for cells in padded]


class _Screen:
    def __init__(self) -> None:
        self._buffer = io.StringIO()
        console = Console()
        self.width = max(console.width, 40)
        self._out = Console(
            file=self._buffer,
            force_terminal=console.is_terminal and sys.stdout.isatty(),
            no_color=console.no_color,
            width=100_000,  # nothing is wrapped: a copied line is a whole line
            highlight=False,
            soft_wrap=True,
        )

    def line(self, *parts: str | tuple[str, str]) -> None:
        """One line of plain parts and (part, style) pairs."""
        text = Text()
        for part in parts:
            if isinstance(part, tuple):
                text.append(part[0], style=part[1])
            else:
                text.append(part)
        self._out.print(text)

    def text(self) -> str:
        """Everything printed."""
        return self._buffer.getvalue()


def report(result: Report, content: str, policy: Policy) -> str:
    """The verdict, each finding under its line of text, failures, and the text that may be used."""
    screen = _Screen()
    action = result.action.value
    screen.line(
        (action, f"bold {_COLOURS[action]}"),
        f"  {result.source.value} under {policy.name} ({result.policy.sha256[:12]})",
    )
    for finding in result.findings[:_SHOWN_FINDINGS]:
        _finding(screen, finding, content, policy)
    if len(result.findings) > _SHOWN_FINDINGS:
        screen.line(f"… and {len(result.findings) - _SHOWN_FINDINGS} more findings (--json shows all)")
    for failure in result.failures:
        screen.line()
        screen.line(("failure", "bold magenta"), f" {failure.rule}: {failure.kind.value} {failure.detail}".rstrip())
        screen.line(
            f"  remedy: on_failure is {policy.rule(failure.rule).on_failure.value}{_where(policy, failure.rule, 'on_failure')}"
        )
    if result.action is not Action.NONE:
        screen.line()
        screen.line(("text to use", "bold"), ":")
        for line in result.text.splitlines() or [""]:
            screen.line(f"  {visible(line)}")
    return screen.text()


def _finding(screen: _Screen, finding: Finding, content: str, policy: Policy) -> None:
    from guardrails.policy.remedies import remedy  # noqa: PLC0415 - it loads YAML, which no help needs

    screen.line()
    colour = _COLOURS[finding.action.value]
    screen.line(
        (finding.action.value, colour), f" {finding.type}", f"  rule {finding.rule}", f"  score {finding.score:.2f}",
        _where(policy, finding.rule),
    )  # fmt: skip
    if finding.start is not None and finding.end is not None:
        low = content.rfind("\n", 0, finding.start) + 1
        high = content.find("\n", finding.start)
        high = len(content) if high < 0 else high
        end = min(finding.end, high)
        left = max(low, finding.start - _AROUND)
        right = min(high, end + _AROUND)
        number = str(content.count("\n", 0, finding.start) + 1)
        before = ("…" if left > low else "") + visible(content[left : finding.start])
        value, after = (
            visible(content[finding.start : end]),
            visible(content[end:right]) + ("…" if right < high else ""),
        )
        screen.line(f"  {number} | {before}", (value, colour), after)
        pad = " " * len(number)
        screen.line(f"  {pad} | {' ' * cell_len(before)}", ("^" * max(cell_len(value), 1), colour))
    screen.line(f"    remedy: {remedy(finding, policy)}")


def _where(policy: Policy, rule: str, field: str | None = None) -> str:
    at = policy.positions.get(f"{rule}.{field}") if field else policy.positions.get(rule)
    return f"  {at}" if at else ""


def explained(policy: Policy, settings: Sequence[Setting]) -> str:
    """The effective policy, one setting a line, with its place."""
    screen = _Screen()
    screen.line((policy.name, "bold"), f"  sha256 {policy.identity.sha256}")
    screen.line(f"loaded: {', '.join(policy.identity.files)}")
    screen.line(f"streams: {_held(lookahead(policy, Source.OUTPUT))}")
    if any(r.detector == "content" for r in policy.rules):
        screen.line(f"models: {inference.setting().models} (this installation's {VARIABLE})")
    rows = [(s.key, _short(s.value), str(s.at) if s.at else "default") for s in settings]
    wide = max((len(k) for k, _, _ in rows), default=0)
    values = min(max((len(v) for _, v, _ in rows), default=0), 60)
    for key, value, at in rows:
        screen.line(f"{key:<{wide}}  {value:<{values}}  ", (at, "dim"))
    return screen.text()


def _held(held: Lookahead) -> str:
    """What the output rules hold back of a streamed answer."""
    if held.whole:
        return f"held to their end by {', '.join(held.whole)}"
    if not held.characters:
        return "nothing is held back behind a segment"
    longest = max(held.rules, key=lambda i: held.rules[i] or 0)
    return f"up to {held.characters} characters are held back in the middle of a sentence ({longest})"


def _short(value: Any) -> str:
    text = visible(str(value) if not isinstance(value, list) else ", ".join(map(str, value)))
    return (
        text
        if len(text) <= 60
        else f"{text[:57]}…  ({len(value)} entries)"
        if isinstance(value, list)
        else f"{text[:59]}…"
    )


def compared(result: Comparison) -> str:
    """What changes between two policies."""
    screen = _Screen()
    screen.line(
        f"{result.old.name} ({result.old.identity.sha256[:12]}) → {result.new.name} ({result.new.identity.sha256[:12]})"
    )
    for change in result.settings:
        screen.line()
        screen.line((change.key, "bold"))
        for sign, setting, style in (("-", change.old, "red"), ("+", change.new, "green")):
            if setting is not None:
                screen.line(("  " + sign + " " + _short(setting.value), style), f"   {setting.at or 'default'}")
    if result.verdicts:
        screen.line()
    for verdict in result.verdicts:
        screen.line(
            f"text {verdict.line} ({verdict.source}): ",
            (verdict.old.value, _COLOURS[verdict.old.value]), " → ", (verdict.new.value, _COLOURS[verdict.new.value]),
            f"  rules {', '.join(verdict.new_rules) or 'none'} (were {', '.join(verdict.old_rules) or 'none'})",
        )  # fmt: skip
    if result.not_compared:
        screen.line()
    for missing in result.not_compared:
        failed = [f"{side} {f.rule}: {f.kind.value} {f.detail}".rstrip()
                  for side, failures in (("old", missing.old_failures), ("new", missing.new_failures)) for f in failures]  # fmt: skip
        shown = "; ".join(failed[:3]) + (f"; and {len(failed) - 3} more" if len(failed) > 3 else "")
        screen.line(f"text {missing.line} ({missing.source}): ", ("could not be compared", "magenta"), f"  {shown}")
    screen.line()
    changed = f"{len(result.settings)} setting{'' if len(result.settings) == 1 else 's'}"
    screen.line(f"{changed} and {len(result.verdicts)} of {result.texts} verdicts change")
    if result.not_compared:
        screen.line(f"{len(result.not_compared)} of {result.texts} texts could not be compared")
    return screen.text()


def tested(outcomes: Sequence[FileOutcome], *, verbose: bool = False) -> str:
    """Each file with its failures, and a summary."""
    from guardrails.policytest import Status  # noqa: PLC0415

    screen = _Screen()
    for file in outcomes:
        passed = file.count(Status.PASS)
        ok = file.error is None and file.outcomes and passed == len(file.outcomes)
        status = "PASS" if ok else "ERROR" if file.error is not None or file.count(Status.ERROR) else "FAIL"
        note = "no cases found" if file.error is None and not file.outcomes else f"{passed}/{len(file.outcomes)}"
        alike = f", {file.look_alikes} safe look-alikes" if file.look_alikes else ""
        screen.line(
            (status, f"bold {_COLOURS[status]}"),
            f" {file.path}: {note if file.error is None else 'could not run'}{alike}",
        )
        if file.error is not None:
            for line in file.error.splitlines():
                screen.line(f"    {visible(line)}")
        for o in file.outcomes:
            if o.status is Status.PASS and not verbose:
                continue
            screen.line(
                "  ",
                (o.status.value, _COLOURS[o.status.value]),
                f" {file.path}:{o.case.line} {visible(o.case.name)} ({o.source})",
            )
            if o.message:
                screen.line(f"      {o.message}")
            for what, expected, got in o.differences:
                screen.line(f"      {what}")
                screen.line("        expected: ", (visible(expected), "green"))
                screen.line("        got:      ", (visible(got), "red"))
    if not outcomes:
        screen.line(
            "there is no test here: tests of NAME.yaml stand beside it in NAME.test.yaml (docs/policy-tests.md);"
        )
        screen.line("`guardrails init` writes a policy with its tests")
    total = [o for file in outcomes for o in file.outcomes]
    counts = [sum(o.status is s for o in total) for s in Status]
    errors = counts[2] + sum(f.error is not None for f in outcomes)
    screen.line(f"{counts[0]} passed, {counts[1]} failed, {errors} could not run")
    return screen.text()
