"""The workbench as one ASGI application: rooms of pages over a folder of policies."""

from __future__ import annotations

import gzip
from collections.abc import Awaitable, Callable, Iterable
from functools import cache, partial
from pathlib import Path

import python_multipart  # noqa: F401 - Starlette reads forms with it, and would say so only then
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Scope

from guardrails.errors import GuardrailsError
from guardrails.evidence import EvidenceLog
from guardrails.workbench import calibrating, learning, releasing, reviewing, trying, writing
from guardrails.workbench.guarding import LOOPBACK, Guarded, Refused
from guardrails.workbench.pages import ROOMS, STATIC, digest_of, packed, page
from guardrails.workbench.workspace import Workspace

__all__ = ["LOOPBACK", "Refused", "workbench_app"]

_KINDS = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}


def workbench_app(
    folder: str | Path,
    *,
    hosts: Iterable[str] | None = LOOPBACK,
    authorize: Callable[[Scope], None] | None = None,
    review: str | Path | None = None,
    evidence: EvidenceLog | str | Path | None = None,
) -> ASGIApp:
    """The workbench over the policies of ``folder``.

    ``hosts``: the names by which the server may be called, None for any. ``authorize`` takes the ASGI scope of each request, and raises
    :class:`Refused` for who may not come in. Everybody else who reaches it can read and change the policies. ``review`` names the file
    that keeps texts and labels of the room *Review*; without one they stay in memory. ``evidence``: the log in which
    what is done in the room *Release* is recorded before it happens, open, or the directory of one that is opened for each step. Raises
    GuardrailsError when there is no such folder, or the file is no review.
    """
    log = Path(evidence) if isinstance(evidence, str) else evidence
    workspace = Workspace(Path(folder), None if review is None else Path(review), log)
    routes: list[BaseRoute] = [
        Route("/", _arrive),
        Route("/static/{name}", _static),
        *_bound(trying.ROUTES, workspace),
        *_bound(writing.ROUTES, workspace),
        *_bound(calibrating.ROUTES, workspace),
        *_bound(reviewing.ROUTES, workspace),
        *_bound(learning.ROUTES, workspace),
        *_bound(releasing.ROUTES, workspace),
    ]
    made = Starlette(routes=routes, exception_handlers={GuardrailsError: partial(_wrong, workspace)})
    return Guarded(made, hosts=hosts, authorize=authorize)


def _bound(
    routes: Iterable[tuple[str, str, Callable[[Workspace, Request], Awaitable[Response]]]], workspace: Workspace
) -> list[Route]:
    return [Route(path, partial(endpoint, workspace), methods=[method]) for method, path, endpoint in routes]


async def _arrive(request: Request) -> Response:
    return RedirectResponse(f"{request.scope.get('root_path', '').rstrip('/')}/{ROOMS[0]}", 303)


@cache
def _files() -> dict[str, tuple[bytes, str]]:
    """The static files by name: compressed, and of which type."""
    return {
        p.name: (gzip.compress(p.read_bytes(), mtime=0), _KINDS[p.suffix])
        for p in STATIC.iterdir()
        if p.suffix in _KINDS
    }


async def _static(request: Request) -> Response:
    name = request.path_params["name"]
    if name not in _files():
        return PlainTextResponse("there is nothing on this path\n", 404)
    data, kind = _files()[name]
    fresh = request.query_params.get("v") == digest_of(name)
    return packed(request, data, kind, "public, max-age=31536000, immutable" if fresh else "no-cache")


async def _wrong(workspace: Workspace, request: Request, error: Exception) -> Response:
    """What an author did that could not be done, as a part of the page that was asked for."""
    template = "problem.html" if request.headers.get("hx-request") else "problem_page.html"
    return page(request, template, 422, told=str(error).replace(f"{workspace.folder}/", ""))
