"""What a stream of A2A tells of: its task, and its artifacts, whose texts come in updates.

Each update adds parts to an artifact. Clients show them one behind the other, with a line break between them or without, so they are
parts of one text. What an update replaces (``append`` is not true) is a text of its own.
"""

from __future__ import annotations

import copy
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

from guardrails.wire import places
from guardrails.wire.a2a_shapes import TEXTS
from guardrails.wire.a2a_writing import Task, named
from guardrails.wire.frames import Frame
from guardrails.wire.framing import SSE
from guardrails.wire.gemini_shapes import field_of
from guardrails.wire.slots import Mode, Slot

__all__ = ["Told", "Updates", "update_of"]

_PARTS = ("parts", "content")
# States in which a task waits for nobody but its agent.
_GOING = frozenset(("TASK_STATE_SUBMITTED", "TASK_STATE_WORKING", "submitted", "working"))


def update_of(result: Any, name: str, kind: str) -> dict[str, Any] | None:
    """The update in a result that is called ``name`` (1.0) or says that it is a ``kind`` (0.3)."""
    if not isinstance(result, dict):
        return None
    found = result if result.get("kind") == kind else field_of(result, name)
    return found if isinstance(found, dict) else None


def _artifact(result: Any) -> tuple[dict[str, Any], dict[str, Any]] | None:
    """An update of an artifact, and the artifact in it."""
    update = update_of(result, "artifactUpdate", "artifact-update")
    artifact = update.get("artifact") if update is not None else None
    return (update, artifact) if update is not None and isinstance(artifact, dict) else None


def _parts(result: Any) -> list[Any]:
    """The parts that an update adds."""
    found = _artifact(result)
    named = [found[1].get(key) for key in _PARTS] if found is not None else []
    return next((parts for parts in named if isinstance(parts, list)), [])


class Told:
    """What one client was told, and the texts that go on."""

    def __init__(self) -> None:
        self.task: Task | None = None
        # By its id: the number of the text that an artifact is now.
        self._numbers: dict[str, int] = {}
        self._artifacts: list[tuple[str, bool]] = []  # by number: the id, and whether its parts are called `content`
        self._begun: set[int] = set()
        self._parts = 0

    def see(self, result: Any) -> None:
        """The client is told this now."""
        for name, kind, key in (
            ("task", "task", "id"),
            ("statusUpdate", "status-update", "taskId"),
            ("artifactUpdate", "artifact-update", "taskId"),
        ):
            said = update_of(result, name, kind)
            if said is not None and isinstance(id_ := field_of(said, key), str):
                self.task = Task(named(id_), named(field_of(said, "contextId")))
        if isinstance(result, dict) and isinstance(result.get("id"), str) and "status" in result:
            self.task = Task(named(result["id"]), named(field_of(result, "contextId")))
        if (found := _artifact(result)) is not None:
            self._begun.add(self._numbers.get(_text(field_of(found[1], "artifactId")), -1))

    def place(self, result: Any, slots: Sequence[Slot]) -> tuple[bool | frozenset[Hashable], frozenset[Hashable]]:
        """Give the texts of an event their channels. The channels that end with it, and the texts that do."""
        found = _artifact(result)
        if found is None:
            return not self.goes_on(result), frozenset()
        update, artifact = found
        id_ = _text(field_of(artifact, "artifactId"))
        before = self._numbers.get(id_)
        over: set[Hashable] = set()
        if before is None or update.get("append") is not True:
            over |= {_family(before)} if before is not None else set()
            self._numbers[id_] = len(self._artifacts)
            self._artifacts.append((id_, "content" in artifact and "parts" not in artifact))
        family = _family(self._numbers[id_])
        closes: set[Hashable] = set()
        for slot in slots:
            if slot.mode is Mode.DELTA:
                slot.channel = (*family, ("part", self._parts))
                closes.add(slot.channel)
                self._parts += 1
        if field_of(update, "lastChunk") is True:
            over.add(family)
        return frozenset(closes), frozenset(over)

    def goes_on(self, result: Any) -> bool:
        """Whether texts of artifacts may go on behind an event: it adds to one, or says that the task is in work."""
        if _artifact(result) is not None:
            return True
        update = update_of(result, "statusUpdate", "status-update")
        status = update.get("status") if update is not None else None
        return isinstance(status, dict) and status.get("state") in _GOING

    def artifact(self, channel: Hashable) -> tuple[dict[str, Any], bool]:
        """The artifact of a channel, as an update names it, and whether the client knows of it."""
        number = places.named(channel)[1].get("artifact", 0)
        id_, content = self._artifacts[number] if number < len(self._artifacts) else ("", False)
        return {"artifactId": named(id_), **({"content": []} if content else {})}, number in self._begun


def _family(number: int) -> tuple[Hashable, ...]:
    return (TEXTS, ("artifact", number))


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


class Updates(SSE):
    """Server-sent events. An update that adds several texts comes as several updates: each is a part of the artifact's text."""

    def __init__(self, *, wrapped: bool) -> None:
        """``wrapped``: each event is an answer of JSON-RPC."""
        super().__init__()
        self._wrapped = wrapped

    def feed(self, data: bytes) -> list[Frame]:
        return [one for frame in super().feed(data) for one in self._apart(frame)]

    def finish(self) -> list[Frame]:
        return [one for frame in super().finish() for one in self._apart(frame)]

    def _apart(self, frame: Frame) -> Iterator[Frame]:
        parts = _parts(self._result(frame.body))
        texts = [i for i, part in enumerate(parts) if isinstance(part, dict) and "text" in part]
        if len(texts) < 2:
            yield frame
            return
        edges = [0, *texts[1:], len(parts)]
        for start, end in pairwise(edges):
            body = copy.deepcopy(frame.body)
            update, artifact = _artifact(self._result(body)) or ({}, {})
            here = _parts(self._result(body))
            here[:] = here[start:end]
            if start:
                update["append"] = True
                update.pop("metadata", None)
                for name in artifact.keys() - {"artifactId", "artifact_id", *_PARTS}:
                    del artifact[name]
            if end < len(parts):
                update.pop("lastChunk", None)
                update.pop("last_chunk", None)
            yield replace(frame, body=body)

    def _result(self, body: Any) -> Any:
        return body.get("result") if self._wrapped and isinstance(body, dict) else body
