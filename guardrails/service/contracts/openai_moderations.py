"""OpenAI's moderations: 13 categories, six of which the shipped models judge."""

from __future__ import annotations

from typing import Any

from guardrails.guard import Guard
from guardrails.service.calls import Answer, Call, Contract, Endpoint
from guardrails.service.catalog import Guardrail
from guardrails.service.checking import Checked
from guardrails.service.errors import openai_error
from guardrails.service.faults import Fault, Kind
from guardrails.service.fields import Body
from guardrails.service.names import slug
from guardrails.types import Source

__all__ = ["CATEGORIES", "CONTRACT"]

# Category → the content filter that judges it; None: nothing here does.
CATEGORIES: dict[str, str | None] = {
    "harassment": "INSULTS",
    "harassment/threatening": None,
    "hate": "HATE",
    "hate/threatening": None,
    "illicit": "MISCONDUCT",
    "illicit/violent": None,
    "self-harm": "SELF_HARM",
    "self-harm/intent": None,
    "self-harm/instructions": None,
    "sexual": "SEXUAL",
    "sexual/minors": None,
    "violence": "VIOLENCE",
    "violence/graphic": None,
}
_MOST = 1_000
_IMAGE = "content by reference"
# A text, and whether it came with images.
Asked = tuple[str, list[str]]


async def moderate(call: Call) -> Answer:
    """``POST /v1/moderations``."""
    body = call.body
    model = body.text("model", "")
    # `model` is a guardrail's name where it is one; clients send OpenAI's names by themselves.
    guardrail = call.guardrail(model if slug(model) in call.catalog.ids else "")
    results = []
    asked = _input(body)
    plain = [text for text, images in asked if not images]
    done = iter(await call.checking.check_many(call, guardrail, plain, Source.INPUT) if plain else [])
    for text, images in asked:
        uninspected = [(_IMAGE, place) for place in images]
        one = (
            await call.checking.check(call, guardrail, text, Source.INPUT, uninspected=uninspected)
            if images
            else next(done)
        )
        results.append(_result(guardrail, one, images=bool(images)))
    return Answer({"id": f"modr-{call.id}", "model": guardrail.name, "results": results})


def _input(body: Body) -> list[Asked]:
    given = body.value.get("input")
    if isinstance(given, str):
        return [(given, [])]
    if given is None:
        raise Fault(Kind.INVALID, "is missing; add a string, or a list of strings or of parts", "input")
    if not isinstance(given, list) or not given:
        raise Fault(Kind.INVALID, "must be a string, or a list of strings or of parts, and not empty", "input")
    if len(given) > _MOST:
        raise Fault(Kind.INVALID, f"holds {len(given)} texts; send at most {_MOST} at once", "input")
    if all(isinstance(one, str) for one in given):
        return [(one, []) for one in given]
    texts, images = [], []
    for part in body.objects("input"):  # parts of one message
        kind = part.choice("type", ("text", "image_url"))
        if kind == "text":
            texts.append(part.text("text"))
        else:
            part.object("image_url").text("url")
            images.append(part.place)
    return [("\n".join(texts), images)]


def _result(guardrail: Guardrail, done: Checked, *, images: bool) -> dict[str, Any]:
    judged = _judged(guardrail.guard)
    fired = {f.type for f in done.report.findings if guardrail.guard.policy.rule(f.rule).detector == "content"}
    flags = {name: label in fired for name, label in CATEGORIES.items()}
    kinds = ["text", "image"] if images else ["text"]
    return {
        "flagged": done.blocked or any(flags.values()),
        "categories": flags,
        "category_scores": {
            name: done.report.scores.get(f"content.{label}", 0.0) if label in judged else 0.0
            for name, label in CATEGORIES.items()
        },
        "category_applied_input_types": {
            name: [k for k in kinds if k == "text"] if label in judged else [] for name, label in CATEGORIES.items()
        },
    }


def _judged(guard: Guard) -> set[str | None]:
    """The content filters that the policy has for requests."""
    return {r.type for r in guard.direction(Source.INPUT).rules.values() if r.detector == "content"}


CONTRACT = Contract("openai", (Endpoint("POST", "/v1/moderations", moderate),), openai_error)
