"""Gemini's embeddings: ``…/models/{model}:embedContent``, ``:batchEmbedContents``, and Vertex AI's ``:predict`` with texts."""

from __future__ import annotations

from typing import Any, ClassVar

from guardrails.wire import gemini_shapes as shapes
from guardrails.wire.gemini import Gemini, GeminiNumbersSession, routes_of
from guardrails.wire.gemini_shapes import both, field_of, ids
from guardrails.wire.shape import Each, Kind, Part, Shape

__all__ = ["GeminiBatchEmbed", "GeminiEmbed", "GeminiPredict"]

_EMBED: dict[str, Part] = {
    **ids("model taskType outputDimensionality autoTruncate audioTrackExtraction documentOcr"),
    "content": shapes.CONTENT,
    "title": Kind.TEXT,
}
_EMBEDDING = both({"values": Kind.NUMBERS, "shape": Kind.NUMBERS, "statistics": both(ids("tokenCount truncated"))})
_ANSWER: dict[str, Part] = {
    "usageMetadata": shapes.USAGE,
    "billableCharacterCount": Kind.OPAQUE,
    "truncated": Kind.OPAQUE,
}


class GeminiEmbedSession(GeminiNumbersSession):
    """Texts without messages."""

    def replace(self, turn: int, message: str) -> bool:  # noqa: ARG002 - there are none
        return False


class GeminiEmbed(Gemini):
    """One content in, one vector out. The answer is numbers: a refusal can only be an error."""

    name = "gemini.embed"
    routes = routes_of("embedContent")
    session = GeminiEmbedSession
    speaks: ClassVar[bool] = False

    REQUEST = both({**_EMBED, "embedContentConfig": both(_EMBED)})
    RESPONSE = both({**_ANSWER, "embedding": _EMBEDDING})

    @classmethod
    def fits(cls, body: Any) -> bool:
        return isinstance(body, dict) and isinstance(body.get("content"), dict | str)


class GeminiBatchEmbed(GeminiEmbed):
    """Many contents in, as many vectors out."""

    name = "gemini.batch_embed"
    routes = routes_of("batchEmbedContents")

    REQUEST = both({"requests": Each(both(_EMBED))})
    RESPONSE = both({**_ANSWER, "embeddings": Each(_EMBEDDING)})

    @classmethod
    def fits(cls, body: Any) -> bool:
        return isinstance(body, dict) and isinstance(body.get("requests"), list)


class GeminiPredict(GeminiEmbed):
    """Vertex AI's general call, for models that embed texts: any other instance does not fit."""

    name = "gemini.predict"
    routes = routes_of("predict")

    REQUEST = Shape(
        {
            "instances": Each(both({**ids("taskType"), "content": Kind.TEXT, "title": Kind.TEXT})),
            "parameters": both(ids("outputDimensionality autoTruncate")),
        }
    )
    RESPONSE = Shape(
        {
            **ids("deployedModelId model modelVersionId"),
            "predictions": Each(both({"embeddings": _EMBEDDING})),
            "metadata": both(ids("billableCharacterCount")),
        }
    )

    @classmethod
    def fits(cls, body: Any) -> bool:
        instances = body.get("instances") if isinstance(body, dict) else None
        return isinstance(instances, list) and all(
            isinstance(one, dict) and isinstance(field_of(one, "content"), str) for one in instances
        )
