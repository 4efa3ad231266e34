"""What a body lacks that no format of its route can read, in words for whoever wrote the request."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches
from typing import Any

from guardrails.wire.format import Format

__all__ = ["unfit"]

# What each format cannot do without, and what it is.
_NEEDS: dict[str, tuple[str, str]] = {
    "openai.chat": ("messages", "a list"),
    "openai.responses": ("input", "a string or a list"),
    "openai.completions": ("prompt", "a string or a list"),
    "openai.embeddings": ("input", "a string or a list"),
    "anthropic.messages": ("messages", "a list"),
    "anthropic.count_tokens": ("messages", "a list"),
    "bedrock.converse": ("messages", "a list"),
    "bedrock.converse_stream": ("messages", "a list"),
    "gemini.generate": ("contents", "a list"),
    "gemini.stream": ("contents", "a list"),
    "gemini.tokens": ("contents", "a list"),
    "ollama.chat": ("messages", "a list"),
    "ollama.generate": ("prompt", "a string"),
}
_KINDS = {
    str: "a string",
    list: "a list",
    dict: "an object",
    bool: "true or false",
    int: "a number",
    float: "a number",
    type(None): "null",
}


def unfit(body: Any, forms: Sequence[type[Format]]) -> str:
    """Why the body is none of these formats: the key that is missing or of another kind. No value is repeated."""
    names = " or ".join(f.name for f in forms)
    if not isinstance(body, dict):
        return f"the body has not the shape of {names}: it is {_KINDS.get(type(body), 'no object')}, not an object"
    needs = dict.fromkeys(_NEEDS[f.name] for f in forms if f.name in _NEEDS)
    said = []
    for key, kind in needs:
        if key in body:
            said.append(f"{key!r} is {_KINDS.get(type(body[key]), 'of another kind')} where {kind} is expected")
            continue
        near = get_close_matches(key, [k for k in body if len(k) <= 30], n=1, cutoff=0.75)
        said.append(f"the key {key!r} ({kind}) is missing" + (f"; there is {near[0]!r}" if near else ""))
    return (
        f"the body has not the shape of {names}: {' or '.join(said)}"
        if said
        else f"the body has not the shape of {names}"
    )
