"""The room *Calibrate*: scores of an author's own texts, where each rule begins to act, and that choice in the policy file.

The texts are in memory while the workbench runs, of the last few files that were dropped; they are written nowhere.
"""

from __future__ import annotations

import asyncio
import difflib
import secrets
import tempfile
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path, PurePath
from typing import Any

from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import Response

from guardrails import evaluation
from guardrails.calibration import Calibration, Dial, Scores, evidence, rewritten, scored
from guardrails.calibration.writing import percent
from guardrails.errors import GuardrailsError
from guardrails.policy import editing
from guardrails.tables import TABLES
from guardrails.workbench.guarding import MAX_BODY
from guardrails.workbench.pages import page
from guardrails.workbench.pictures import distribution
from guardrails.workbench.workspace import Opened, Workspace

__all__ = ["ROUTES", "Run"]

_ENDINGS = (*TABLES, ".jsonl", ".ndjson")
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
    return page(request, "calibrate.html", room="calibrate", policies=names, chosen=chosen, endings=",".join(_ENDINGS))


async def _run(workspace: Workspace, request: Request) -> Response:
    async with request.form(max_files=1, max_fields=20, max_part_size=MAX_BODY) as form:
        fields = {key: value for key, value in form.items() if isinstance(value, str)}
        file = form.get("data")
        if not isinstance(file, UploadFile) or not file.filename:
            raise GuardrailsError("choose a file of texts")
        name, data = PurePath(file.filename).name, await file.read()
    run = await asyncio.to_thread(_measured, workspace, name, data, fields)
    dials = [(dial, scores) for dial, scores in run.calibration.scores.values() if len(scores.lines)]
    shown = [{"label": d.label, **_at(run, d, s, s.current)} for d, s in dials]
    return page(request, "calibrated.html", run=run, dials=shown, plain=run.calibration.plain, percent=percent)


def _measured(workspace: Workspace, name: str, data: bytes, fields: dict[str, str]) -> Run:
    opened = workspace.open(fields.get("policy", ""))
    guard = workspace.guard(opened.name)
    ending = next((e for e in _ENDINGS if name.lower().endswith(e)), None)
    if ending is None:
        raise GuardrailsError(f"{name[:100]}: texts come in a file that ends in {', '.join(_ENDINGS)}")
    with tempfile.TemporaryDirectory(prefix="guardrails-") as folder:
        path = Path(folder) / f"texts{ending}"
        path.write_bytes(data)
        try:
            rows = evaluation.read(
                path,
                text_column=fields.get("text_column") or None,
                label_column=fields.get("label_column") or None,
                source=fields.get("source") or None,
                labelled=False,
            )
        except evaluation.BadData as error:
            raise GuardrailsError(str(error).replace(str(path), name[:100])) from None
    made = scored(guard.policy, rows, evaluation.predictions(guard, rows))
    run = Run(secrets.token_urlsafe(12), name, opened, made)
    return workspace.runs.put(run.id, run, _KEPT)


def _found(workspace: Workspace, fields: Any) -> tuple[Run, Dial, Scores, float | str]:
    """The run, the rule and the cut point that a request is about."""
    run: Run | None = workspace.runs.get(fields.get("run", ""))
    if run is None:
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
