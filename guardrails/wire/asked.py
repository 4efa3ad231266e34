"""What a request asks for, in the words of any API."""

from __future__ import annotations

from typing import Any

__all__ = ["asks_json", "asks_usage"]


def asks_json(body: Any) -> bool:
    """Whether a request says, in the words of any API, that the answer has to be JSON."""
    if not isinstance(body, dict):
        return False
    inner = body.get("generateContentRequest")
    if isinstance(inner, dict):
        body = inner
    if isinstance(kind := body.get("format"), dict | str) and kind and kind != "text":  # Ollama
        return True
    for path in _FORMATS:
        value: Any = body
        for name in path:
            value = value.get(name) if isinstance(value, dict) else None
        if isinstance(value, str) and "json" in value.lower():
            return True
    for name in ("generationConfig", "generation_config"):
        config = body.get(name)
        if isinstance(config, dict) and any(config.get(field) for field in _SCHEMAS):
            return True
    return any(body.get(name) for name in ("guided_json", "json_schema", "output_schema"))


# Where the kind of an answer stands: OpenAI (chat, responses), Anthropic, Gemini, Bedrock.
_FORMATS = (
    ("response_format", "type"), ("text", "format", "type"), ("output_format", "type"), ("output_config", "format", "type"),
    ("generationConfig", "responseMimeType"), ("generationConfig", "response_mime_type"),
    ("generation_config", "responseMimeType"), ("generation_config", "response_mime_type"),
    ("outputConfig", "textFormat", "type"), ("response_format",),
)  # fmt: skip
_SCHEMAS = ("responseSchema", "response_schema", "responseJsonSchema", "response_json_schema")


def asks_usage(body: Any) -> bool:
    """Whether a request asks for a last chunk with the numbers of tokens."""
    options = body.get("stream_options") if isinstance(body, dict) else None
    return isinstance(options, dict) and options.get("include_usage") is True
