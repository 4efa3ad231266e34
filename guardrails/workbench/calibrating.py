"""The room *Calibrate*: scores of an author's own texts, where each rule begins to act, and that choice in the policy file.

The texts are in memory while the workbench runs, of the last few files that were dropped; they are written nowhere.
"""

from __future__ import annotations

import asyncio
import difflib
import secrets
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from guardrails import evaluation
from guardrails.calibration import Calibration, Dial, Scores, evidence, rewritten, scored
from guardrails.calibration.writing import percent
from guardrails.errors import GuardrailsError
from guardrails.policy import editing
from guardrails.workbench.pages import page
from guardrails.workbench.pictures import distribution
from guardrails.workbench.uploads import ENDINGS, Dropped, dropped, rows_of
from guardrails.workbench.workspace import Opened, Workspace

__all__ = ["ROUTES", "Run"]

_KEPT = 3
_SHOWN = 12


@dataclass(frozen=True)
class Run:
    """What a policy, as it stood, said of the rows of a file called ``name``."""

    id: str
    name: str
    opened: Opened
    calibration: Calibration = field(repr=False)


async def _room(workspace: Workspace, request: Request) -> Response:
    names = await asyncio.to_thread(workspace.names)
    chosen = workspace.chosen(request.query_params.get("policy"), names)
    return page(request, "calibrate.html", room="calibrate", policies=names, chosen=chosen, endings=",".join(ENDINGS))


async def _run(workspace: Workspace, request: Request) -> Response:
    run = await asyncio.to_thread(_measured, workspace, await dropped(request))
    dials = [(dial, scores) for dial, scores in run.calibration.scores.values() if len(scores.lines)]
    shown = [{"label": d.label, **_at(run, d, s, s.current)} for d, s in dials]
    return page(request, "calibrated.html", run=run, dials=shown, plain=run.calibration.plain, percent=percent)


def _measured(workspace: Workspace, file: Dropped) -> Run:
    opened = workspace.open(file.fields.get("policy", ""))
    guard, rows = workspace.guard(opened.name), rows_of(file)
    made = scored(guard.policy, rows, evaluation.predictions(guard, rows))
    run = Run(secrets.token_urlsafe(12), file.name, opened, made)
    return workspace.runs.put(run.id, run, _KEPT)


def _found(workspace: Workspace, fields: Any) -> tuple[Run, Dial, Scores, float | str]:
    """The run, the rule and the cut point that a request is about."""
    run = workspace.runs.get(fields.get("run", ""))
    if not isinstance(run, Run):
        raise GuardrailsError("these texts are no longer in memory; drop the file again")
    dial, scores = run.calibration.of(fields.get("rule", ""))
    given = fields.get("cut", "")
    if dial.names:
        if given not in dial.names:
            raise GuardrailsError("choose one of " + ", ".join(dial.names))
        return run, dial, scores, given
    try:
        cut = float(given)
    except ValueError:
        raise GuardrailsError("write a number") from None
    if not dial.low <= cut <= dial.high:
        raise GuardrailsError(f"write a number from {dial.low:g} to {dial.high:g}")
    return run, dial, scores, cut


def _at(run: Run, dial: Dial, scores: Scores, cut: float | str) -> dict[str, Any]:
    """What a page shows of one cut point of one rule."""
    texts = {row.line: row.text for row in run.calibration.data.rows}
    wrong = scores.mistakes(cut)
    return {
        "run": run, "dial": dial, "cut": cut, "point": scores.at(cut), "now": scores.current, "table": scores.table(),
        "picture": distribution(scores, None if dial.names else float(cut)), "percent": percent,
        "wrong": len(wrong), "mistakes": [(m, texts.get(m.line, "")) for m in (wrong or scores.nearest(cut, _SHOWN))[:_SHOWN]],
    }  # fmt: skip


async def _cut(workspace: Workspace, request: Request) -> Response:
    run, dial, scores, cut = _found(workspace, request.query_params)
    return page(request, "cut.html", **_at(run, dial, scores, cut))


def _changed(workspace: Workspace, fields: Any) -> tuple[Run, str]:
    """The policy with the cut point in it, and its evidence behind it."""
    run, dial, scores, cut = _found(workspace, fields)
    comment = evidence(run.calibration.data, scores, scores.at(cut), datetime.now(UTC).date())
    return run, rewritten(run.opened.path, run.opened.text, dial, cut, comment)


async def _diff(workspace: Workspace, request: Request) -> Response:
    fields = request.query_params
    run, text = await asyncio.to_thread(_changed, workspace, fields)
    lines = difflib.unified_diff(
        run.opened.text.splitlines(), text.splitlines(), run.opened.name, run.opened.name, lineterm=""
    )
    return page(request, "cut_diff.html", run=run, diff=list(lines), rule=fields["rule"], cut=fields["cut"])


async def _write(workspace: Workspace, request: Request) -> Response:
    async with request.form(max_files=0, max_fields=10) as form:
        fields = {key: value for key, value in form.items() if isinstance(value, str)}
    run, text = await asyncio.to_thread(_changed, workspace, fields)
    await asyncio.to_thread(editing.save, run.opened.path, text, before=run.opened.digest)
    return page(request, "cut_written.html", run=run, rule=fields["rule"], cut=fields["cut"])


ROUTES = (
    ("GET", "/calibrate", _room),
    ("POST", "/calibrate/run", _run),
    ("GET", "/calibrate/cut", _cut),
    ("GET", "/calibrate/diff", _diff),
    ("POST", "/calibrate/write", _write),
)
