"""What was seen of a server's definitions: which were inspected, by hash, and the output schemas of its tools."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterable
from typing import Any

import orjson

from guardrails.cache import Verdicts

__all__ = ["Catalogue"]

# Bytes of all schemas that are kept, and of one. A tool's own is rarely longer than some KB.
_BYTES, _LONGEST = 16_000_000, 64_000
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
        self._lock = threading.Lock()

    def keep(self, server: str, tools: Iterable[Any]) -> None:
        """Keep the output schemas of tools as a list has them."""
        for tool in tools:
            if isinstance(tool, dict) and isinstance(name := tool.get("name"), str):
                schema = tool.get("outputSchema")
                data = b"" if schema is None else orjson.dumps(schema)
                self._put((server, name), data if len(data) <= _LONGEST else orjson.dumps(_UNKNOWABLE))

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
