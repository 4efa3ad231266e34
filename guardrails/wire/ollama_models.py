"""What clients of Ollama ask beside talking: embeddings (``/api/embed``, the older ``/api/embeddings``) and ``/api/show``.

What changes the server itself (``pull``, ``push``, ``create``, ``copy``, ``delete``, ``blobs``) is no format: it is refused like any
other unknown route, unless an operator exempts it.
"""

from __future__ import annotations

from typing import Any, ClassVar

from guardrails.wire.format import Format, Route, Session
from guardrails.wire.ollama import OPTIONS, ids
from guardrails.wire.shape import Each, Kind, Shape

__all__ = ["OllamaEmbed", "OllamaEmbeddings", "OllamaShow"]

_COUNTS = "model total_duration load_duration prompt_eval_count"


class _WordlessSession(Session):
    def error(self, status: int, message: str, code: str) -> Any:  # noqa: ARG002 - this API says no more
        return {"error": message}


class _Wordless(Format):
    """Answers that have no place for a message: a refusal is an error."""

    session = _WordlessSession
    speaks: ClassVar[bool] = False
    ERROR = Shape({"error": Kind.TEXT})


class OllamaEmbed(_Wordless):
    """``/api/embed``: a text or a list of them in, a list of vectors out."""

    name = "ollama.embed"
    routes = (Route("/api/embed"),)

    REQUEST = Shape({**ids("model truncate keep_alive dimensions"), "options": OPTIONS, "input": Kind.TOKENS})
    RESPONSE = Shape({**ids(_COUNTS), "embeddings": Each(Kind.NUMBERS)})

    @classmethod
    def fits(cls, body: Any) -> bool:
        return isinstance(body, dict) and isinstance(body.get("input"), str | list | None)


class OllamaEmbeddings(_Wordless):
    """``/api/embeddings``: one prompt in, one vector out. Other servers have OpenAI's embeddings at this address."""

    name = "ollama.embeddings"
    routes = (Route("/api/embeddings"),)

    REQUEST = Shape({**ids("model keep_alive"), "options": OPTIONS, "prompt": Kind.TEXT})
    RESPONSE = Shape({**ids(_COUNTS), "embedding": Kind.NUMBERS})

    @classmethod
    def fits(cls, body: Any) -> bool:
        return isinstance(body, dict) and "input" not in body and isinstance(body.get("prompt"), str | None)


class OllamaShow(_Wordless):
    """``/api/show``: which model, and all that is known of it. Templates, licences, system prompts and messages are text."""

    name = "ollama.show"
    routes = (Route("/api/show"),)

    REQUEST = Shape(ids("model name verbose"))
    RESPONSE = Shape(
        {
            **ids("capabilities modified_at remote_model remote_host"),
            "details": Shape(ids("parent_model format family families parameter_size quantization_level")),
            "model_info": Shape({}, rest=Kind.OPAQUE),
            "projector_info": Shape({}, rest=Kind.OPAQUE),
            "tensors": Each(Shape(ids("name type shape"))),
        },
        rest=Kind.TEXT,
    )

    @classmethod
    def fits(cls, body: Any) -> bool:
        return isinstance(body, dict) and "messages" not in body and "prompt" not in body
