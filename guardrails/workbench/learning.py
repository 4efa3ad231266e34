"""What the reviewed texts teach a denied topic, in the room *Review*: phrases to name, or a head of its own.

Either is shown first, with what it does on held-out texts and as a change of the policy file, and written when its author says so.
"""

from __future__ import annotations

import asyncio
import difflib
import secrets
from dataclasses import dataclass, field
from datetime import UTC, datetime

from starlette.requests import Request
from starlette.responses import Response

from guardrails.calibration.writing import percent
from guardrails.errors import GuardrailsError
from guardrails.policy import editing, load
from guardrails.review import Fitted, Lesson, fitted_head, head_file, taught, with_head, with_phrases, write_head
from guardrails.workbench.pages import page
from guardrails.workbench.trying import form_of
from guardrails.workbench.workspace import Opened, Workspace

__all__ = ["ROUTES"]

_KEPT = 3
# Held-out texts of a label below which a page says that its intervals are wide.
_FEW = 20


@dataclass(frozen=True)
class Proposal:
    """What was learned for the topic of a policy, and the policy file with it. ``head``: the file of a head, relative to the policy."""

    id: str
    opened: Opened
    found: Lesson | Fitted = field(repr=False)
    text: str = field(repr=False)
    head: str = ""

    def diff(self) -> list[str]:
        """What would change in the file."""
        name = self.opened.name
        return list(
            difflib.unified_diff(self.opened.text.splitlines(), self.text.splitlines(), name, name, lineterm="")
        )


async def _topic(workspace: Workspace, request: Request) -> Response:
    """Phrases that the decided texts teach the topic; nothing is written."""
    form = await form_of(request)
    made = await asyncio.to_thread(_learned, workspace, form.get("policy", ""))
    return page(request, "review_topic.html", proposal=made, percent=percent)


def _learned(workspace: Workspace, name: str) -> Proposal:
    opened = workspace.open(name)
    lesson = taught(workspace.review, load(opened.path).unhurried())
    text = with_phrases(opened.path, opened.text, lesson)
    return _kept(workspace, Proposal(secrets.token_urlsafe(12), opened, lesson, text))


async def _head(workspace: Workspace, request: Request) -> Response:
    """A head that is fitted on the decided texts; nothing is written."""
    form = await form_of(request)
    made = await asyncio.to_thread(_fitted, workspace, form.get("policy", ""))
    return page(request, "review_head.html", proposal=made, percent=percent, few=_FEW)


def _fitted(workspace: Workspace, name: str) -> Proposal:
    opened = workspace.open(name)
    fitted = fitted_head(workspace.review, load(opened.path).unhurried())
    file = head_file(fitted)
    text = with_head(opened.path, opened.text, fitted, file, datetime.now(UTC).date())
    return _kept(workspace, Proposal(secrets.token_urlsafe(12), opened, fitted, text, file))


def _kept(workspace: Workspace, made: Proposal) -> Proposal:
    return workspace.runs.put(made.id, made, _KEPT)


async def _write(workspace: Workspace, request: Request) -> Response:
    """Write what was shown, if the policy file still is what it was."""
    made = workspace.runs.get((await form_of(request)).get("id", ""))
    if not isinstance(made, Proposal):
        raise GuardrailsError("this proposal is no longer in memory; ask for it again")
    path, found, before = made.opened.path, made.found, made.opened.digest
    if isinstance(found, Fitted):
        await asyncio.to_thread(write_head, path, made.text, found, made.head, before)
    else:
        await asyncio.to_thread(editing.save, path, made.text, before=before)
    return page(request, "review_taught.html", proposal=made)


ROUTES = (
    ("POST", "/review/topic", _topic),
    ("POST", "/review/head", _head),
    ("POST", "/review/topic/write", _write),
)
