"""The definitions of tools that a request of a chat API brings: whose texts they are, told from where they stand.

A client writes them, or takes them from a server of tools that it knows as little as any page of the web. Formats read them like
the operator's own words, so that a mask or a word counts in them; who wants to know what they say reads each as a whole.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from guardrails.types import Role
from guardrails.wire.slots import Slot

__all__ = ["definition_of", "definitions"]

# OpenAI, Anthropic, Gemini, Bedrock and Ollama call the list so; a list inside an item of another one is the list that counts.
_PLACE = re.compile(r"(?:.*\.)?(?:tools|functions|functionDeclarations|function_declarations)\[\d+\](?=\.|$)")


def definition_of(slot: Slot) -> str | None:
    """The place of the definition that a text belongs to, such as ``tools[2]``; None for any other text."""
    if slot.role is not Role.SYSTEM:
        return None
    found = _PLACE.match(slot.path)
    return None if found is None else found.group()


def definitions(slots: Sequence[Slot]) -> list[Slot]:
    """One text for each definition, as the words of a tool: all that it says, a line for each string."""
    texts: dict[str, list[str]] = {}
    for slot in slots:
        place = definition_of(slot)
        if place is not None:
            texts.setdefault(place, []).append(slot.text)
    return [Slot("\n".join(parts), Role.TOOL, place) for place, parts in texts.items()]
