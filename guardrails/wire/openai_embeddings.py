"""OpenAI's embeddings: ``POST …/embeddings``. Texts go in, numbers come out."""

from __future__ import annotations

from typing import Any, ClassVar

from guardrails.wire.format import Format, Route
from guardrails.wire.openai_chat import MESSAGE
from guardrails.wire.openai_completions import USAGE
from guardrails.wire.shape import Each, Kind, Part, Shape

__all__ = ["Embeddings"]


def _ids(names: str) -> dict[str, Part]:
    return dict.fromkeys(names.split(), Kind.OPAQUE)


class Embeddings(Format):
    """Embeddings. The answer has no place for a message: a refusal is an error."""

    name = "openai.embeddings"
    # The second one is Ollama's older address, too: which of the two a body belongs to is for its shape to say.
    routes = (Route("/embeddings"), Route("/api/embeddings"))
    speaks: ClassVar[bool] = False

    REQUEST = Shape(
        {
            **_ids("model dimensions encoding_format user input_type truncate"),
            "input": Kind.TOKENS,
            # vLLM embeds whole conversations too.
            "messages": Each(MESSAGE, turns=True),
        }
    )
    RESPONSE = Shape(
        {
            **_ids("id object created model"),
            "data": Each(Shape({**_ids("object index"), "embedding": Kind.NUMBERS})),
            "usage": USAGE,
        }
    )

    @classmethod
    def fits(cls, body: Any) -> bool:
        return isinstance(body, dict) and (
            isinstance(body.get("input"), str | list) or isinstance(body.get("messages"), list)
        )
