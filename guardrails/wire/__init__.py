"""Protocol adapters: where text sits in each chat API's bodies, and how it is put back. One file a format."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from importlib import import_module
from urllib.parse import unquote

from guardrails.wire.format import Format

__all__ = ["FORMATS", "form_class", "match", "recognise", "register"]

# A new format = its file, one line here, its cases in tests/wire.
FORMATS: dict[str, str] = {
    "openai.chat": "guardrails.wire.openai_chat:Chat",
    "openai.responses": "guardrails.wire.openai_responses:Responses",
    "openai.completions": "guardrails.wire.openai_completions:Completions",
    "openai.embeddings": "guardrails.wire.openai_embeddings:Embeddings",
    "anthropic.messages": "guardrails.wire.anthropic_messages:Messages",
    "anthropic.count_tokens": "guardrails.wire.anthropic_messages:CountTokens",
    "bedrock.converse": "guardrails.wire.bedrock_converse:Converse",
    "bedrock.converse_stream": "guardrails.wire.bedrock_converse:ConverseStream",
    "gemini.generate": "guardrails.wire.gemini:Gemini",
    "gemini.stream": "guardrails.wire.gemini:GeminiStream",
    "gemini.tokens": "guardrails.wire.gemini:GeminiTokens",
    "gemini.embed": "guardrails.wire.gemini_embeddings:GeminiEmbed",
    "gemini.batch_embed": "guardrails.wire.gemini_embeddings:GeminiBatchEmbed",
    "gemini.predict": "guardrails.wire.gemini_embeddings:GeminiPredict",
    "ollama.chat": "guardrails.wire.ollama:OllamaChat",
    "ollama.generate": "guardrails.wire.ollama:OllamaGenerate",
    "ollama.embed": "guardrails.wire.ollama_models:OllamaEmbed",
    "ollama.embeddings": "guardrails.wire.ollama_models:OllamaEmbeddings",
    "ollama.show": "guardrails.wire.ollama_models:OllamaShow",
    "mcp": "guardrails.wire.mcp:MCP",
    "a2a": "guardrails.wire.a2a:A2A",
    "a2a.rest": "guardrails.wire.a2a:A2ARest",
    "a2a.reading": "guardrails.wire.a2a:A2AReading",
    "a2a.card": "guardrails.wire.a2a:AgentCard",
    "a2a.push": "guardrails.wire.a2a:Notified",
    "a2a.called": "guardrails.wire.a2a:CalledA2A",
    "a2a.called_rest": "guardrails.wire.a2a:CalledA2ARest",
    "a2a.called_reading": "guardrails.wire.a2a:CalledA2AReading",
    "listing": "guardrails.wire.listing:Listing",
}


def register(name: str, path: str) -> None:
    """Add a format (``module:Class``) under a name of its own. Raises ValueError when the name is taken."""
    if name in FORMATS:
        raise ValueError(f"there is a format {name!r} already: {FORMATS[name]}")
    FORMATS[name] = path
    form_class.cache_clear()


@cache
def form_class(name: str) -> type[Format]:
    """The class of a format, imported on first use. Raises KeyError for an unknown name."""
    module, _, attribute = FORMATS[name].partition(":")
    found: type[Format] = getattr(import_module(module), attribute)
    return found


def recognise(
    method: str, path: str, forms: Sequence[type[Format]] | None = None
) -> list[tuple[type[Format], dict[str, str]]]:
    """The formats whose route ends this path (the longest such route), each with the route's decoded parameters.

    ``path`` is raw (percent-encoded). Which of them a body belongs to is for :meth:`Format.fits`.
    """
    found: list[tuple[int, type[Format], dict[str, str]]] = []
    for form in forms if forms is not None else [form_class(name) for name in FORMATS]:
        for route in form.routes:
            params = match(route.path, path) if route.method == method else None
            if params is not None:
                found.append((len(route.path.split("/")), form, params))
    longest = max((n for n, _, _ in found), default=0)
    return [(form, params) for n, form, params in found if n == longest]


def match(route: str, path: str) -> dict[str, str] | None:
    """The parameters of ``path`` when its last segments match ``route``, else None.

    ``{name}`` stands for one segment or for part of one (``{model}:generateContent``); its percent-encoding is decoded once.
    Everywhere else a percent sign matches nothing.
    """
    wanted, given = route.strip("/").split("/"), path.split("/")[1:]
    if len(given) < len(wanted):
        return None
    if any("%" in segment for segment in given[: len(given) - len(wanted)]):
        return None
    params: dict[str, str] = {}
    for pattern, segment in zip(wanted, given[len(given) - len(wanted) :], strict=True):
        name_start = pattern.find("{")
        if name_start < 0:
            if pattern != segment:
                return None
            continue
        name_end = pattern.index("}", name_start)
        before, after = pattern[:name_start], pattern[name_end + 1 :]
        if not (segment.startswith(before) and segment.endswith(after)) or len(segment) <= len(before) + len(after):
            return None
        try:
            value = unquote(segment[len(before) : len(segment) - len(after)], errors="strict")
        except UnicodeDecodeError:
            return None
        if "%" in value or any(ord(c) < 0x21 or ord(c) == 0x7F for c in value):
            return None
        params[pattern[name_start + 1 : name_end]] = value
    return params
