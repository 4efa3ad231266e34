"""The rooms *Release* and *Report*: what changes with a policy, who signs it, which version is live, and the page for a risk officer."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response

from guardrails import compare
from guardrails.errors import GuardrailsError
from guardrails.evidence import EvidenceLog
from guardrails.policy import load
from guardrails.release import Releases
from guardrails.riskreport import gather
from guardrails.riskreport import page as report_page
from guardrails.tables import TABLES
from guardrails.types import Source
from guardrails.workbench.pages import page
from guardrails.workbench.uploads import bounded, dropped
from guardrails.workbench.workspace import Workspace

__all__ = ["ROUTES"]

_ENDINGS = (*TABLES, ".jsonl", ".txt")
_SHOWN = 200


async def _room(workspace: Workspace, request: Request) -> Response:
    names = await asyncio.to_thread(workspace.names)
    chosen = workspace.chosen(request.query_params.get("policy"), names)
    state = await asyncio.to_thread(_state, workspace, chosen) if chosen is not None else None
    return page(
        request, "release.html", room="release", policies=names, chosen=chosen, state=state, endings=",".join(_ENDINGS)
    )


def _state(workspace: Workspace, name: str) -> dict[str, Any]:
    """The policy as it stands, its versions, which is live, and what differs from that one.

    ``policy`` is None while it does not load, and ``problem`` says what is wrong with it or with the live version: who rolls back must not wait.
    """
    releases, path = Releases(workspace.releases(name)), workspace.path(name)
    versions, live = releases.versions(), releases.live
    policy, differs, problem = None, None, ""
    try:
        policy = load(path)
        differs = compare.compare(releases.load(live), policy) if live is not None else None
    except GuardrailsError as error:
        problem = str(error)
    sha256 = policy.identity.sha256 if policy is not None else ""
    return {
        "name": name, "policy": policy, "problem": problem, "versions": versions, "live": live, "differs": differs,
        "history": releases.history(), "log": _log_of(workspace), "signed": next((v.number for v in versions if v.sha256 == sha256), None),
    }  # fmt: skip


async def _do(workspace: Workspace, request: Request) -> Response:
    """Sign, promote or roll back, and the room as it is then."""
    async with request.form(max_files=0, max_fields=10) as form:
        fields = {key: value for key, value in form.items() if isinstance(value, str)}
    name = fields.get("policy", "")
    by, reason, number = fields.get("by", ""), fields.get("reason", ""), fields.get("version", "")

    def done() -> dict[str, Any]:
        releases = Releases(workspace.releases(name))
        with workspace.releasing, _recording(workspace.evidence) as record:
            match fields.get("do"):
                case "sign":
                    releases.sign(workspace.path(name), by=by, reason=reason, record=record)
                case "promote":
                    releases.promote(int(number) if number.isdecimal() else 0, by=by, reason=reason, record=record)
                case "roll back":
                    releases.roll_back(by=by, reason=reason, record=record)
                case _:
                    raise GuardrailsError("choose what to do")
        return _state(workspace, name)

    return page(request, "release_state.html", state=await asyncio.to_thread(done))


@contextmanager
def _recording(evidence: EvidenceLog | Path | None) -> Iterator[Callable[..., Any] | None]:
    """How a step is recorded, None where no log was named. A log that is not open yet is opened for this step alone, so that the command line
    can write it, too. Raises GuardrailsError when it cannot be written."""
    if not isinstance(evidence, Path):
        yield evidence.event if evidence is not None else None
        return
    try:
        log = EvidenceLog.open(evidence)
    except OSError as error:
        raise GuardrailsError(
            f"{evidence}: this log of evidence cannot be written ({error.strerror}); nothing was done"
        ) from None
    with log:
        yield log.event


def _log_of(workspace: Workspace) -> str | None:
    """The name of the log in which steps are recorded."""
    evidence = workspace.evidence
    return None if evidence is None else (evidence if isinstance(evidence, Path) else evidence.settings.directory).name


async def _compare(workspace: Workspace, request: Request) -> Response:
    """Which verdicts change between the live version and the policy as it stands, on texts that were dropped."""
    file = await dropped(request)
    name = file.fields.get("policy", "")
    source = Source.OUTPUT if file.fields.get("source") == "OUTPUT" else Source.INPUT

    def compared() -> Any:
        texts = file.read(_ENDINGS, lambda path: compare.read_texts(path, source.value))
        bounded(len(texts), file.name)
        releases = Releases(workspace.releases(name))
        if releases.live is None:
            raise GuardrailsError("no version is live yet: there is nothing to compare with")
        return compare.compare(releases.load(releases.live), load(workspace.path(name)), texts), texts

    found, texts = await asyncio.to_thread(compared)
    return page(request, "release_compared.html", found=found, texts=texts, most=_SHOWN)


async def _report(workspace: Workspace, request: Request) -> Response:
    """The page for a risk officer, as a file: it has a style of its own, and needs no server."""
    name = request.query_params.get("policy", "")
    path = workspace.path(name)
    releases = workspace.releases(name)
    made = await asyncio.to_thread(lambda: report_page(gather(path, releases=releases if releases.is_dir() else None)))
    headers = {"content-disposition": f"attachment; filename*=UTF-8''{quote(path.stem, safe='')}-report.html"}
    return Response(made.encode("utf-8", "replace"), media_type="text/html", headers=headers)


ROUTES = (
    ("GET", "/release", _room),
    ("POST", "/release/do", _do),
    ("POST", "/release/compare", _compare),
    ("GET", "/release/report", _report),
)
