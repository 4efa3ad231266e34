"""What a hook is asked and what it answers, whichever agent asks. Loads nothing else: a hook starts anew for every event."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

__all__ = ["BLOCKS", "Event", "Malformed", "Moment", "Permission", "Reply", "Verdict", "parse"]

# The only exit code by which a command hook stops an agent; any other is an error that agents pass over.
BLOCKS = 2
_KINDS: dict[type, str] = {str: "a string", dict: "an object", list: "a list"}


class Malformed(ValueError):
    """An event that cannot be read. Its message names the place and the remedy, and holds no text of the event."""


class Moment(StrEnum):
    """When an event happens. ``batch``: the results of all calls of a step, as the model is about to read them."""

    START = "start"
    PROMPT = "prompt"
    CALL = "call"
    RESULT = "result"
    BATCH = "batch"


@dataclass(frozen=True, slots=True)
class Event:
    """One event. ``name`` is the agent's own word for it; ``content`` the prompt, the arguments of the call, or the result: JSON
    data. ``arguments`` are those of the call that a result answers. ``server``: whose
    tool it is, empty for one of the agent's own; None where the tool's name says it, or nobody does."""

    moment: Moment
    name: str
    content: Any = field(default=None, repr=False)
    tool: str = ""
    arguments: Any = field(default=None, repr=False)
    server: str | None = None


class Permission(StrEnum):
    """What may happen, mildest first. ``allow`` leaves the agent's own questions to the user as they are."""

    ALLOW = "allow"
    ASK = "ask"
    DENY = "deny"


@dataclass(frozen=True, slots=True)
class Verdict:
    """The decision about an event. ``content``: what takes the place of the event's, None where nothing does; ``told`` is read by
    the agent or its user, and holds no text of the event."""

    permission: Permission
    told: str = ""
    content: Any = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer: a JSON object (None: silence, which every agent reads as no objection), the exit code of a command, and what it
    writes to standard error."""

    body: Mapping[str, Any] | None = field(default=None, repr=False)
    code: int = 0
    error: str = ""


def parse(data: bytes, most: int) -> Mapping[str, Any]:
    """The object that an agent sent, in at most so many bytes. Raises Malformed."""
    if len(data) > most:
        raise Malformed(f"the event has more than {most:,} bytes")
    try:
        found = json.loads(data.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise Malformed(f"the event is not UTF-8 at byte {error.start}: hooks read JSON in UTF-8") from None
    except json.JSONDecodeError as error:
        raise Malformed(
            f"the event is not JSON at line {error.lineno}, column {error.colno}: hooks read one JSON object from standard input"
        ) from None
    except RecursionError:
        raise Malformed("the event is nested too deeply") from None
    if not isinstance(found, dict):
        raise Malformed("the event must be a JSON object")
    return found


def get(payload: Mapping[str, Any], name: str, kind: type = object) -> Any:
    """A field that must be there. Raises Malformed."""
    if name not in payload:
        raise Malformed(f"{name}: is missing from the event")
    value = payload[name]
    if not isinstance(value, kind):
        raise Malformed(f"{name}: must be {_KINDS[kind]}")
    return value
