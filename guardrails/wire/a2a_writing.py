"""How an agent of A2A says something: messages, tasks and updates, in the revision that its client speaks."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from guardrails.wire.opaque import is_opaque

__all__ = ["Revision", "Task", "Writer", "named", "older", "revision_of"]

# What stands in place of an id that is none: it may be words that may not be said.
_UNNAMED = "unnamed"
# Where a task, an update or an answer holds messages and artifacts.
_HOLDERS = (
    "task",
    "message",
    "request",
    "status",
    "statusUpdate",
    "artifactUpdate",
    "artifact",
    "artifacts",
    "history",
)


class Revision(StrEnum):
    """How messages are written: 1.0, 0.3, and 0.3 as its REST binding has them (the JSON of its protocol buffers)."""

    ONE = "1.0"
    OLD = "0.3"
    OLD_REST = "0.3 REST"


@dataclass(frozen=True, slots=True)
class Task:
    """A task by its ids; ``context``: the conversation that it belongs to."""

    id: str
    context: str


def named(value: Any) -> str:
    """An id as we say it again: ids that look like words are not said; "" for none."""
    return "" if not isinstance(value, str) else value if is_opaque(value) else _UNNAMED


def older(value: Any) -> bool:
    """Whether a message, an artifact, or a task or update with one is written as the REST binding of 0.3 has it."""
    if isinstance(value, list):
        return any(map(older, value))
    if not isinstance(value, dict):
        return False
    return ("content" in value and "parts" not in value) or any(older(value.get(key)) for key in _HOLDERS)


def revision_of(message: Any, method: str, version: str) -> Revision:
    """The revision of a client: by its method (``message/send`` is 0.3), or in the REST binding by how it writes a message,
    and where there is none by the revision that it says it speaks (the header ``A2A-Version``)."""
    if method:
        return Revision.OLD if "/" in method else Revision.ONE
    if isinstance(message, dict):
        return Revision.OLD_REST if older(message) else Revision.ONE
    return Revision.ONE if version and not version.startswith("0.") else Revision.OLD_REST


class Writer:
    """What is said to one client."""

    def __init__(self, revision: Revision, answers: Any = None) -> None:
        """``answers``: the id of what is answered; the same has the same message."""
        self.revision = revision
        same = isinstance(answers, str | int)
        # A hash: an id that may not be said must not be said by ours.
        self._id = f"guardrails-{(uuid.uuid5(uuid.NAMESPACE_OID, str(answers)) if same else uuid.uuid4()).hex}"

    @property
    def _old(self) -> bool:
        return self.revision is Revision.OLD

    def message(self, text: str, task: Task | None = None) -> dict[str, Any]:
        """A message of the agent's."""
        parts = [{**self._kind("text"), "text": text}]
        return {
            **self._kind("message"),
            "messageId": self._id,
            **({"contextId": task.context} if task is not None and task.context else {}),
            **({"taskId": task.id} if task is not None else {}),
            "role": "agent" if self._old else "ROLE_AGENT",
            "content" if self.revision is Revision.OLD_REST else "parts": parts,
        }

    def status(self, text: str, task: Task) -> dict[str, Any]:
        """The end of a task that the agent will not go on with."""
        said = self.message(text, task)
        # REST of 0.3 calls it so in its protocol buffers; its JSON reads `message`.
        return {"state": "rejected" if self._old else "TASK_STATE_REJECTED", "message": said}

    def task(self, text: str, task: Task) -> dict[str, Any]:
        """A task that was not done, and why."""
        return {**self._kind("task"), "id": task.id, "contextId": task.context, "status": self.status(text, task)}

    def answer(self, text: str, task: Task | None) -> dict[str, Any]:
        """The answer to a message: a message, or the task that was begun."""
        if task is None:
            return self.wrapped("message", self.message(text))
        return self.wrapped("task", self.task(text, task))

    def last(self, text: str, task: Task | None) -> dict[str, Any]:
        """The last event of a stream that has begun: of its task, or a message."""
        if task is None:
            return self.wrapped("message", self.message(text))
        ends = {"final": True} if self.revision is not Revision.ONE else {}
        update = {"taskId": task.id, "contextId": task.context, "status": self.status(text, task), **ends}
        return self.wrapped("statusUpdate", {**self._kind("status-update"), **update})

    def chunk(self, text: str, artifact: Mapping[str, Any], task: Task, *, append: bool) -> dict[str, Any]:
        """An update that adds ``text`` to an artifact, or begins it."""
        part = {**self._kind("text"), "text": text}
        key = "content" if self.revision is Revision.OLD_REST and "content" in artifact else "parts"
        update = {
            "taskId": task.id,
            "contextId": task.context,
            "artifact": {"artifactId": artifact["artifactId"], key: [part]},
            **({"append": True} if append else {}),
        }
        return self.wrapped("artifactUpdate", {**self._kind("artifact-update"), **update})

    def wrapped(self, name: str, value: dict[str, Any]) -> dict[str, Any]:
        """A value as results have it: named by its field, or by a ``kind`` of its own (0.3)."""
        return value if self._old else {name: value}

    def _kind(self, name: str) -> dict[str, Any]:
        return {"kind": name} if self._old else {}
