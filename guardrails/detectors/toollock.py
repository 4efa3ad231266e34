"""The file that pins definitions of tools (``tools.lock``): whole definitions by server and name, each with its sha256.

Definitions stand there in clear, so that a review of the file is a review of what models will read; the sha256 of each is that of
its :func:`~guardrails.calls.canonical` JSON, and both must agree.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from guardrails.calls import Definition, canonical
from guardrails.detectors.toolnames import spelled

__all__ = ["Lock", "State"]

_VERSION = 1


class State(StrEnum):
    """What a definition is to a lock.

    ``unpinned``: its server has no tool of this name there. ``changed``: the tool is pinned with another definition. ``renamed``: it is not
    pinned, but is another pinned tool of its server by all but its name, or is called like one in another spelling.
    """

    PINNED = "pinned"
    UNPINNED = "unpinned"
    CHANGED = "changed"
    RENAMED = "renamed"


@dataclass(frozen=True, slots=True)
class Lock:
    """Pinned definitions. ``file``: how the file is named; ``sha256``: of its bytes. Both say which lock it is."""

    file: str = "tools.lock"
    sha256: str = ""
    servers: Mapping[str, Mapping[str, Definition]] = field(default_factory=dict, compare=False, repr=False)
    _known: dict[str, dict[bytes | str, list[Definition]]] = field(default_factory=dict, compare=False, repr=False)

    @classmethod
    def parse(cls, file: str, data: bytes) -> Lock:
        """The lock in these bytes. Raises ValueError for anything else, a definition that is not the one of its sha256 included."""
        try:
            found = json.loads(data.decode("utf-8"), object_pairs_hook=_once)
        except RecursionError:
            raise ValueError("it is nested too deeply") from None
        except UnicodeDecodeError:
            raise ValueError("it is not UTF-8") from None
        except json.JSONDecodeError as error:
            raise ValueError(f"it is not JSON at line {error.lineno}, column {error.colno}") from None
        found = _fields(found, "it", "version", "servers")
        if found["version"] != _VERSION:
            raise ValueError(f"its version must be {_VERSION}")
        servers = {
            server: dict(_pinned(server, tools)) for server, tools in _fields(found["servers"], "servers").items()
        }
        return cls(file, hashlib.sha256(data).hexdigest(), servers)

    def write(self) -> bytes:
        """The lock as a file: sorted and indented, so that a change of one definition is a change of a few lines."""
        servers = {
            server: {name: {"sha256": tool.digest, "definition": tool.data} for name, tool in tools.items()}
            for server, tools in self.servers.items()
        }
        text = json.dumps({"servers": servers, "version": _VERSION}, indent=1, sort_keys=True, ensure_ascii=True)
        return text.encode() + b"\n"

    def pin(self, server: str, tools: Iterable[Definition], *, only: bool = True) -> Lock:
        """The lock with these tools of a server. ``only``: with no others of that server."""
        kept = {} if only else dict(self.servers.get(server, {}))
        servers = {**self.servers, server: {**kept, **{tool.name: tool for tool in tools}}}
        return Lock(self.file, "", {name: mine for name, mine in servers.items() if mine})

    def state(self, tool: Definition) -> State:
        """What a tool is to the lock. One that its server has not listed (no digest) is known by its name."""
        pinned = self.servers.get(tool.server, {})
        if tool.name in pinned:
            same = not tool.digest or pinned[tool.name].digest == tool.digest
            return State.PINNED if same else State.CHANGED
        return State.RENAMED if self.original(tool) is not None else State.UNPINNED

    def original(self, tool: Definition) -> Definition | None:
        """The pinned tool of the same server that this one is under another name, or in another spelling of its name."""
        known = self._known.get(tool.server)
        if known is None:  # a list may be long, and the lock too: neither is gone through for each tool of the other
            known = {}
            for one in self.servers.get(tool.server, {}).values():
                for mark in _marks(one):
                    known.setdefault(mark, []).append(one)
            self._known[tool.server] = known
        alike = (one for mark in _marks(tool) for one in known.get(mark, ()))
        return next((one for one in alike if one.name != tool.name), None)


def _marks(tool: Definition) -> list[bytes | str]:
    """What a tool shares with one that it is under another name: its name in any spelling, and all that is said of it but its name."""
    marks: list[bytes | str] = [spelled(tool.name)] if spelled(tool.name) else []
    said = {key: value for key, value in tool.data.items() if key != "name"} if isinstance(tool.data, dict) else {}
    return [*marks, hashlib.sha256(canonical(said)).digest()] if said.get("description") else marks


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a key stands twice in one object")
    return found


def _fields(value: Any, what: str, *names: str) -> dict[str, Any]:
    """A mapping; ``names``: with exactly these keys. Raises ValueError."""
    if isinstance(value, dict) and (not names or value.keys() == set(names)):
        return value
    raise ValueError(f"{what} must be a mapping" + (f" of {' and '.join(names)}, and nothing else" if names else ""))


def _pinned(server: str, tools: Any) -> Iterator[tuple[str, Definition]]:
    """The definitions of a server. Raises ValueError."""
    for name, said in _fields(tools, f"servers[{server!r}]").items():
        where = f"servers[{server!r}][{name!r}]"
        pin = _fields(said, where, "sha256", "definition")
        tool = Definition.of(pin["definition"], server)
        if tool.name != name:
            raise ValueError(f"{where} is the definition of a tool of another name")
        if pin["sha256"] != tool.digest:
            raise ValueError(f"{where}: the definition is not the one of its sha256")
        yield name, tool
