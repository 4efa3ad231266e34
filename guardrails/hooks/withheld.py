"""Results that take the place of others. An agent drops a replacement whose shape is not the tool's, and shows the original."""

from __future__ import annotations

import json
from typing import Any

__all__ = ["plain", "withheld"]

# What the shapes of tools want by name: these words say nothing, whoever wrote them.
_WORDS = frozenset(
    (
        "text",
        "image",
        "audio",
        "resource",
        "resource_link",
        "notebook",
        "pdf",
        "parts",
        "code",
        "markdown",
        "content",
        "count",
    )
    + ("files_with_matches", "file_unchanged", "create", "update", "insert", "replace", "delete")
    + ("completed", "pending", "in_progress", "success", "failure")
)


def withheld(content: Any, told: str) -> Any:
    """``content`` with ``told`` in place of every string and key that could say something; numbers stay."""
    match content:
        case str():
            return content if content in _WORDS or not content else told
        case list():
            return [withheld(item, told) for item in content]
        case dict():
            return {
                key if key.isidentifier() and len(key) <= 40 else told: withheld(v, told) for key, v in content.items()
            }
        case _:
            return content


def plain(content: Any) -> str:
    """A result as one text."""
    return content if isinstance(content, str) else json.dumps(content, ensure_ascii=False)
