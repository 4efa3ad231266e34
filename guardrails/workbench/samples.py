"""What an author tries: the fields of the form, read into texts with their roles, or into a request and an answer of an API."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from guardrails.errors import GuardrailsError
from guardrails.types import Piece, Qualifier, Role, Source
from guardrails.wire import FORMATS, form_class, strict
from guardrails.wire.limits import Malformed

__all__ = ["BODIES", "KINDS", "Bodies", "Pieces", "Sample", "read_sample"]

KINDS = ("text", "conversation", "sources", "tool", "body")
# Formats whose requests are bodies, by the names that they have everywhere.
BODIES = tuple(name for name in FORMATS if name != "listing")
_TURN = re.compile(rf"^({'|'.join(role.value for role in Role)}):[ \t]*", re.MULTILINE | re.IGNORECASE)
_TOOL = "openai.chat"


@dataclass(frozen=True, slots=True)
class Pieces:
    """Texts that are checked together in one direction."""

    source: Source
    pieces: tuple[Piece, ...] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Bodies:
    """A request of a format, and the answer to it, either of which may be missing (None)."""

    format: str
    request: Any = field(repr=False)
    answer: Any = field(repr=False)


Sample = Pieces | Bodies


def read_sample(form: Mapping[str, str]) -> Sample:
    """What the form says. Raises GuardrailsError for a body that is no JSON, or fields that say nothing."""
    kind = form.get("kind", "text")
    source = Source.OUTPUT if form.get("source") == "OUTPUT" else Source.INPUT
    if kind == "text":
        role = Role.ASSISTANT if source is Source.OUTPUT else Role.USER
        return Pieces(source, (Piece(_said(form, "text", "text"), role),))
    if kind == "conversation":
        return Pieces(source, _turns(_said(form, "conversation", "conversation")))
    if kind == "sources":
        return Pieces(Source.OUTPUT, _grounded(form))
    if kind == "tool":
        return _tool(form)
    name = form.get("format", "")
    if kind != "body" or name not in BODIES:
        raise GuardrailsError("choose what to try")
    request, answer = (_json(form, key) for key in ("request", "answer"))
    if request is None and answer is None:
        raise GuardrailsError("paste a request body, an answer body, or both")
    if request is not None and not form_class(name).fits(request):
        raise GuardrailsError(f"the request has not the shape of {name}; choose its format")
    return Bodies(name, request, answer)


def _said(form: Mapping[str, str], key: str, what: str) -> str:
    """A field's text, with the line breaks of Python: a browser sends those of HTTP."""
    text = form.get(key, "").replace("\r\n", "\n")
    if not text.strip():
        raise GuardrailsError(f"write a {what} to try")
    return text


def _turns(text: str) -> tuple[Piece, ...]:
    """``user: …`` and what follows, up to the next line that names a role. What comes before the first is the user's."""
    marks = list(_TURN.finditer(text))
    out = []
    if not marks or text[: marks[0].start()].strip():
        out.append(Piece(text[: marks[0].start()].rstrip("\n") if marks else text, Role.USER))
    for mark, following in zip(marks, [*marks[1:], None], strict=True):
        said = text[mark.end() : following.start() if following else len(text)]
        out.append(Piece(said.rstrip("\n"), Role(mark.group(1).lower())))
    return tuple(out)


def _grounded(form: Mapping[str, str]) -> tuple[Piece, ...]:
    """An answer, the sources that it must keep to, parted by blank lines, and the question."""
    sources = [s for s in re.split(r"\n[ \t]*\n", _said(form, "sources", "source")) if s.strip()]
    pieces = [Piece(_said(form, "reply", "reply"), Role.ASSISTANT)]
    pieces += [Piece(s, Role.DOCUMENT, Qualifier.GROUNDING_SOURCE) for s in sources]
    question = form.get("question", "").strip()
    return (*pieces, Piece(question, Role.USER, Qualifier.QUERY)) if question else tuple(pieces)


def _tool(form: Mapping[str, str]) -> Bodies:
    """A call that a model makes, in its answer, and the tool's result, in the next request."""
    name = form.get("tool", "").strip() or "tool"
    arguments, result = form.get("arguments", "").strip(), form.get("result", "").strip()
    if not arguments and not result:
        raise GuardrailsError("write the arguments of a call, a tool's result, or both")
    call = {"id": "call_1", "type": "function", "function": {"name": name, "arguments": arguments or "{}"}}
    said = {"role": "assistant", "content": None, "tool_calls": [call]}
    messages = [{"role": "user", "content": "…"}]
    if result:
        messages += [said, {"role": "tool", "tool_call_id": "call_1", "content": result}]  # type: ignore[list-item]
    answer = {
        "id": "1",
        "object": "chat.completion",
        "choices": [{"index": 0, "message": said, "finish_reason": "tool_calls"}],
    }
    return Bodies(_TOOL, {"model": "model", "messages": messages}, answer if arguments else None)


def _json(form: Mapping[str, str], key: str) -> Any:
    text = form.get(key, "")
    if not text.strip():
        return None
    try:
        return strict.parse(text.encode("utf-8", "surrogatepass"))
    except Malformed as error:
        raise GuardrailsError(f"the {key} cannot be read: {error.reason}") from None
