"""What was seen of a server's definitions: which were inspected, by hash, what each tool was last described as, and the output
schemas of its tools."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterable
from typing import Any

import orjson

from guardrails.cache import Verdicts
from guardrails.calls import Definition

__all__ = ["Catalogue"]

# Bytes of all schemas that are kept, and of one. A tool's own is rarely longer than some KB.
_BYTES, _LONGEST = 16_000_000, 64_000
# Stands for the digest of a tool that one list describes in two ways.
_AMBIGUOUS = "ambiguous"
# Stands for a schema that is too long to be kept: nothing can be said about it.
_UNKNOWABLE: Any = {"$ref": "#/$defs/not-kept"}


class Catalogue:
    """Definitions of the servers of one tenant. Bounded and thread-safe; what was not asked for longest goes first.

    ``definitions`` holds outcomes by keyed hashes of whole definitions, as :class:`~guardrails.cache.Verdicts` does of texts.
    """

    def __init__(self, size: int = 20_000) -> None:
        """``size``: definitions whose outcome is kept, and tools whose schema is."""
        self.definitions = Verdicts(size)
        self._size = size
        self._schemas: OrderedDict[tuple[str, str], bytes] = OrderedDict()
        self._bytes = 0
        self._listed: OrderedDict[tuple[str, str], Definition] = OrderedDict()
        self._lock = threading.Lock()

    def keep(self, server: str, tools: Iterable[Any]) -> None:
        """Keep the output schemas of tools as a list has them."""
        for tool in tools:
            if isinstance(tool, dict) and isinstance(name := tool.get("name"), str):
                schema = tool.get("outputSchema")
                data = b"" if schema is None else orjson.dumps(schema)
                self._put((server, name), data if len(data) <= _LONGEST else orjson.dumps(_UNKNOWABLE))

    def listed(self, place: str, tools: Iterable[Definition]) -> None:
        """Keep what a list says of tools. One that it describes in two ways is neither: it keeps a digest that no definition has."""
        said: dict[str, Definition] = {}
        for tool in tools:
            twice = tool.name in said and said[tool.name].digest != tool.digest
            said[tool.name] = Definition(tool.name, tool.server, _AMBIGUOUS if twice else tool.digest)
        with self._lock:
            for name, tool in said.items():
                self._listed[place, name] = tool
                self._listed.move_to_end((place, name))
            while len(self._listed) > self._size:
                self._listed.popitem(last=False)

    def definition(self, place: str, tool: str) -> Definition | None:
        """What a tool was last described as, without the data; None where it was not listed, or so long ago that it is forgotten."""
        with self._lock:
            return self._listed.get((place, tool))

    def output(self, server: str, tool: str) -> Any:
        """The output schema of a tool; None where it has none, or was never listed."""
        with self._lock:
            data = self._schemas.get((server, tool))
            if data is None:
                return None
            self._schemas.move_to_end((server, tool))
        return orjson.loads(data)

    def _put(self, key: tuple[str, str], data: bytes) -> None:
        with self._lock:
            self._bytes -= len(self._schemas.pop(key, b""))
            if not data:
                return
            self._schemas[key] = data
            self._bytes += len(data)
            while len(self._schemas) > self._size or self._bytes > _BYTES:
                _, gone = self._schemas.popitem(last=False)
                self._bytes -= len(gone)
