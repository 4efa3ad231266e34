"""The room *Try*: what the policies say of a text, and what an author keeps of it."""

from __future__ import annotations

import asyncio
import time
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from guardrails.errors import GuardrailsError
from guardrails.types import Action
from guardrails.workbench import cases
from guardrails.workbench.guarding import MAX_BODY
from guardrails.workbench.pages import page
from guardrails.workbench.playing import play
from guardrails.workbench.samples import BODIES, KINDS, Pieces, read_sample
from guardrails.workbench.showing import show
from guardrails.workbench.workspace import Workspace

__all__ = ["ROUTES"]

_EXPECTED = ("now", *(action.value for action in Action))


async def form_of(request: Request) -> dict[str, str]:
    """The text fields of a form, each once."""
    async with request.form(max_files=0, max_fields=50, max_part_size=MAX_BODY) as form:
        return {key: value for key, value in form.items() if isinstance(value, str)}


async def _room(workspace: Workspace, request: Request) -> Response:
    policies = await asyncio.to_thread(workspace.triable)
    chosen = workspace.chosen(request.query_params.get("policy"), policies)
    return page(request, "try.html", room="try", policies=policies, chosen=chosen, kinds=KINDS, formats=BODIES)


async def _run(workspace: Workspace, request: Request) -> Response:
    form = await form_of(request)
    sample = read_sample(form)
    names = [name for key in ("policy", "other") if (name := form.get(key))]

    def tried() -> list[Any]:
        return [(name, show(workspace.guard(name), sample)) for name in names]

    columns = await asyncio.to_thread(tried)
    own = bool(names) and names[0] in workspace.names()
    return page(
        request, "tried.html", columns=columns, keeps=own and isinstance(sample, Pieces), expected=_EXPECTED, policy=names[0], shown_path=workspace.shown
    )  # fmt: skip


async def _play(workspace: Workspace, request: Request) -> Response:
    form = await form_of(request)
    text = form.get("text", "").replace("\r\n", "\n")
    if not text.strip():
        raise GuardrailsError("write an answer to play, in the field for a text")
    size = form.get("size", "")
    played = await asyncio.to_thread(
        lambda: play(workspace.guard(form.get("policy", "")), text, int(size) if size.isdecimal() else 12)
    )
    return page(request, "played.html", played=played)


async def _case(workspace: Workspace, request: Request) -> Response:
    form = await form_of(request)
    sample = read_sample(form)
    name, expected = form.get("policy", ""), form.get("expected", "now")
    if not isinstance(sample, Pieces):
        raise GuardrailsError("a case is a text, a conversation, or an answer with its sources; not a body")
    if expected not in _EXPECTED:
        raise GuardrailsError("choose what is expected")

    def kept() -> Any:
        path = workspace.tests(name)
        report = workspace.guard(name).check(list(sample.pieces), sample.source)
        return cases.add_case(path, cases.case_of(sample, report, expected))

    started = time.perf_counter()
    outcome = await asyncio.to_thread(kept)
    return page(
        request,
        "kept.html",
        outcome=outcome,
        file=workspace.shown(str(outcome.path)),
        seconds=time.perf_counter() - started,
    )


async def _exception(workspace: Workspace, request: Request) -> Response:
    form = await form_of(request)
    name, rule, value = (form.get(key, "") for key in ("policy", "rule", "value"))
    await asyncio.to_thread(cases.add_exception, workspace, name, rule, value)
    return page(request, "excepted.html", policy=name, rule=rule, value=value)


ROUTES = (
    ("GET", "/try", _room),
    ("POST", "/try/run", _run),
    ("POST", "/try/play", _play),
    ("POST", "/try/case", _case),
    ("POST", "/try/exception", _exception),
)
