"""What clients ask before they talk: whether a server is there, which models it has, and which version. ``GET`` without a body."""

from __future__ import annotations

from typing import Any, ClassVar

from guardrails.wire.format import Format, Route, Session
from guardrails.wire.shape import Each, Kind, Part, Shape

__all__ = ["Listing", "Page"]


def _ids(names: str) -> dict[str, Part]:
    return dict.fromkeys(names.split(), Kind.OPAQUE)


# Ids, digests, sizes and times of OpenAI's, Anthropic's, Gemini's and Ollama's lists. Everything else is text.
_MODEL = Shape(
    {
        **_ids(
            "id object created owned_by root parent max_model_len type created_at shutdown_date"
            " name model modified_at size digest expires_at size_vram context_length"
            " baseModelId version inputTokenLimit outputTokenLimit supportedGenerationMethods temperature topP topK"
            " maxTemperature thinking"
        ),
        "details": Shape(_ids("parent_model format family families parameter_size quantization_level")),
    },
    rest=Kind.TEXT,
)


class ListingSession(Session):
    """A list has no words: a refusal is an error that no client repeats."""

    REFUSED = 424


class Listing(Format):
    """Lists of models, one model, a version, a state of health. The request holds nothing; every string of the answer is inspected."""

    name = "listing"
    routes = (
        Route("/models", "GET"),
        Route("/models/{model}", "GET"),
        Route("/models/{owner}/{model}", "GET"),
        Route("/api/tags", "GET"),
        Route("/api/ps", "GET"),
        Route("/api/version", "GET"),
        # Whether a server is there, and which.
        Route("/", "GET"),
        Route("/health", "GET"),
        Route("/ping", "GET"),
        Route("/version", "GET"),
    )
    session = ListingSession
    speaks: ClassVar[bool] = False

    RESPONSE = Shape(
        {
            **_MODEL.fields,
            **_ids("first_id last_id has_more nextPageToken"),
            "data": Each(_MODEL),
            "models": Each(_MODEL),
        },
        rest=Kind.TEXT,
    )

    @classmethod
    def fits(cls, body: Any) -> bool:
        return body is None


class Page(Format):
    """Any other ``GET`` of an application: its path and query are a user's texts, every string of the answer is inspected."""

    name = "page"
    routes = ()
    session = ListingSession
    speaks: ClassVar[bool] = False

    @classmethod
    def fits(cls, body: Any) -> bool:
        return body is None
