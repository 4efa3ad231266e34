"""The room *Write*: a policy in an editor, what is wrong with it, and what it says together with its parents."""

from __future__ import annotations

import asyncio
import gzip
import hashlib
import json
from functools import cache
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from guardrails import resources
from guardrails.errors import GuardrailsError, PolicyError
from guardrails.policy import editing, explain, json_schema, lint
from guardrails.policy.fields import NAME
from guardrails.workbench import safeguards
from guardrails.workbench.mending import diagnostic
from guardrails.workbench.pages import packed, page
from guardrails.workbench.workspace import Workspace, as_written

__all__ = ["ROUTES"]


async def _json_of(request: Request) -> dict[str, Any]:
    """The fields of a JSON body. Raises GuardrailsError for anything else."""
    try:
        value = json.loads(await request.body())
    except (ValueError, RecursionError):
        raise GuardrailsError("this is no JSON object") from None
    if not isinstance(value, dict):
        raise GuardrailsError("this is no JSON object")
    return value


def _text_of(value: dict[str, Any]) -> tuple[str, str]:
    """The policy's name and its text."""
    name, text = value.get("policy"), value.get("text")
    if not isinstance(name, str) or not isinstance(text, str):
        raise GuardrailsError("the fields policy and text are strings")
    return name, text


async def _room(workspace: Workspace, request: Request) -> Response:
    names = await asyncio.to_thread(workspace.names)
    chosen = workspace.chosen(request.query_params.get("policy"), names)
    opened = await asyncio.to_thread(workspace.open, chosen) if chosen is not None else None
    return page(request, "write.html", room="write", policies=names, opened=opened)


@cache
def _packed_schema() -> bytes:
    return gzip.compress(json.dumps(json_schema()).encode(), mtime=0)


async def _schema(_: Workspace, request: Request) -> Response:
    return packed(request, _packed_schema(), "application/json", "private, max-age=3600")


async def _lint(workspace: Workspace, request: Request) -> Response:
    """The problems of the text in the editor, in the words of ``guardrails lint``."""
    name, text = _text_of(await _json_of(request))
    path = workspace.path(name)
    problems = await asyncio.to_thread(lint, path, text=text)
    lines = text.split("\n")
    return JSONResponse(
        {"problems": [diagnostic(p, lines, workspace.shown(p.file), own=p.file == str(path)) for p in problems]}
    )


async def _effective(workspace: Workspace, request: Request) -> Response:
    """The policy as it holds, with the file and line of every setting; and its safeguards as a form."""
    name, text = _text_of(await _json_of(request))
    path = workspace.path(name)

    def read() -> Any:
        try:
            return as_written(path, text)
        except PolicyError:
            return None

    policy = await asyncio.to_thread(read)
    if policy is None:
        return page(
            request, "effective.html", policy=None, settings=(), groups=(), shown=workspace.shown, own="", types=()
        )
    return page(
        request, "effective.html", policy=policy, settings=explain(policy), shown=workspace.shown, own=str(path),
        groups=safeguards.groups(policy, str(path)), types=safeguards.types_left(policy),
    )  # fmt: skip


async def _set(workspace: Workspace, request: Request) -> Response:
    """The text with one safeguard changed by the form; nothing is written."""
    value = await _json_of(request)
    name, text = _text_of(value)
    change = {key: str(given) for key, given in value.items() if isinstance(given, str | int | float)}
    made = await asyncio.to_thread(safeguards.changed, workspace.path(name), text, change)
    return JSONResponse({"text": made})


async def _save(workspace: Workspace, request: Request) -> Response:
    """Write the file, when it loads and still is what was opened. What is wrong otherwise is said, and nothing is written."""
    value = await _json_of(request)
    name, text = _text_of(value)
    path = workspace.path(name)
    crlf = b"\r\n" in path.read_bytes()[:65_536]
    data = text.replace("\n", "\r\n") if crlf else text
    try:
        await asyncio.to_thread(editing.save, path, data, before=str(value.get("digest", "")))
    except PolicyError as error:
        return JSONResponse({"told": f"{len(error.problems)}", "kind": "errors"}, 422)
    except GuardrailsError as error:
        return JSONResponse({"told": str(error).replace(str(path), name), "kind": "changed"}, 409)
    return JSONResponse({"digest": hashlib.sha256(data.encode()).hexdigest()})


async def _new(workspace: Workspace, request: Request) -> Response:
    """A new policy that loads, to begin with."""
    value = await _json_of(request)
    name, owner = str(value.get("name", "")).strip(), str(value.get("owner", "")).strip()
    if not NAME.fullmatch(name) or not name[0].isalnum():
        raise GuardrailsError("a name has 1 to 50 of A-Z a-z 0-9 _ -, the first a letter or digit")
    if not owner or not owner.isprintable():
        raise GuardrailsError("write who answers for the policy: a name or an address on one line")
    path = workspace.folder / f"{name}.yaml"
    template = (resources.data_dir() / "init" / "policy.yaml").read_text(encoding="utf-8")
    said = {"@FILE@": path.name, "@NAME@": json.dumps(name), "@OWNER@": json.dumps(owner, ensure_ascii=False)}
    for mark, written in said.items():
        template = template.replace(mark, written)
    try:
        with path.open("x", encoding="utf-8", newline="\n") as file:
            file.write(template)
    except FileExistsError:
        raise GuardrailsError(f"{path.name}: there already; choose another name") from None
    return JSONResponse({"policy": path.name})


ROUTES = (
    ("GET", "/write", _room),
    ("GET", "/write/schema.json", _schema),
    ("POST", "/write/lint", _lint),
    ("POST", "/write/effective", _effective),
    ("POST", "/write/set", _set),
    ("POST", "/write/save", _save),
    ("POST", "/write/new", _new),
)
