"""LangChain: a chat model under a policy, and the same as a middleware of agents. Needs ``onepolicy-guardrails[langchain]``.

>>> agent = create_agent(model, tools, middleware=[GuardrailsMiddleware("retail-bank")])     # doctest: +SKIP
>>> chain = prompt | GuardedChatModel.of(model, "retail-bank") | parser                      # doctest: +SKIP
"""

from __future__ import annotations

import asyncio
import dataclasses
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

try:
    from langchain_core.language_models import BaseChatModel
    from langchain_core.language_models.chat_models import agenerate_from_stream, generate_from_stream
    from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage, ToolMessage
    from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
    from langchain_core.runnables import Runnable, RunnableBinding
    from pydantic import PrivateAttr
except ImportError as error:
    raise ImportError("this needs LangChain: pip install 'onepolicy-guardrails[langchain]'") from error

from guardrails.evidence import EvidenceLog
from guardrails.guard import Guard
from guardrails.integrations.calls import Calls, Refused
from guardrails.integrations.langchain_messages import plain
from guardrails.integrations.turns import OnDecision, Pieces, Turn, Turns

__all__ = ["GuardedChatModel", "GuardrailsMiddleware"]

_FILTERED = {"finish_reason": "content_filter"}
# Says every token of the answer again.
_TOKENS = "logprobs"


class GuardedChatModel(BaseChatModel):
    """A chat model whose requests and answers are checked, whole and streamed; anything that takes a chat model takes it."""

    inner: BaseChatModel
    _turns: Turns = PrivateAttr()

    @classmethod
    def of(
        cls,
        model: BaseChatModel,
        policy: str | Path | Guard,
        *,
        on_decision: OnDecision | None = None,
        evidence: EvidenceLog | None = None,
    ) -> GuardedChatModel:
        """``model`` under a policy file, a shipped policy, or a guard. ``on_decision``: called with every decision. ``evidence``: an
        opened log, which records each before it takes effect. Raises PolicyError."""
        return cls._under(model, Turns(policy, "langchain", on_decision, evidence))

    @classmethod
    def _under(cls, model: BaseChatModel, turns: Turns) -> GuardedChatModel:
        made = cls(inner=model, profile=model.profile, tags=model.tags, metadata=model.metadata)
        made._turns = turns
        return made

    @property
    def _llm_type(self) -> str:
        return f"guarded-{self.inner._llm_type}"

    @property
    def _identifying_params(self) -> Mapping[str, Any]:
        return {**self.inner._identifying_params, "policy": self._turns.guard.policy.identity.sha256}

    def bind_tools(self, tools: Sequence[Any], **kwargs: Any) -> Runnable[Any, AIMessage]:
        """Tools as the model itself takes them."""
        bound = self.inner.bind_tools(tools, **kwargs)
        if not isinstance(bound, RunnableBinding) or bound.bound is not self.inner:
            raise TypeError(
                f"{type(self.inner).__name__} binds tools in a way of its own: bind them before it is guarded"
            )
        return self.bind(**bound.kwargs)

    def _generate(
        self, messages: list[BaseMessage], stop: list[str] | None = None, run_manager: Any = None, **kwargs: Any
    ) -> ChatResult:
        turn = self._turns.begin([plain(m) for m in messages])
        if turn.refusal is not None:
            return _refused(turn.refusal)
        # Without its callbacks: they would show what was not checked yet.
        return _checked(turn, _whole(self.inner, _rewritten(messages, turn), stop, kwargs))

    async def _agenerate(
        self, messages: list[BaseMessage], stop: list[str] | None = None, run_manager: Any = None, **kwargs: Any
    ) -> ChatResult:
        turn = await asyncio.to_thread(self._turns.begin, [plain(m) for m in messages])
        if turn.refusal is not None:
            return _refused(turn.refusal)
        result = await _awhole(self.inner, _rewritten(messages, turn), stop, kwargs)
        return await asyncio.to_thread(_checked, turn, result)

    def _stream(
        self, messages: list[BaseMessage], stop: list[str] | None = None, run_manager: Any = None, **kwargs: Any
    ) -> Iterator[ChatGenerationChunk]:
        turn = self._turns.begin([plain(m) for m in messages])
        if turn.refusal is not None:
            yield _piece(turn.refusal, response_metadata=_FILTERED)
            return
        answer = _Answer(turn.stream())
        try:
            for chunk in _chunks(self.inner, _rewritten(messages, turn), stop, kwargs):
                if shown := answer.feed(chunk):
                    yield shown
                if answer.pieces.blocked:
                    break
            yield answer.finish()
        finally:
            answer.pieces.stop()

    async def _astream(
        self, messages: list[BaseMessage], stop: list[str] | None = None, run_manager: Any = None, **kwargs: Any
    ) -> AsyncIterator[ChatGenerationChunk]:
        turn = await asyncio.to_thread(self._turns.begin, [plain(m) for m in messages])
        if turn.refusal is not None:
            yield _piece(turn.refusal, response_metadata=_FILTERED)
            return
        answer = _Answer(turn.stream())
        try:
            async for chunk in _achunks(self.inner, _rewritten(messages, turn), stop, kwargs):
                if shown := await asyncio.to_thread(answer.feed, chunk):
                    yield shown
                if answer.pieces.blocked:
                    break
            yield await asyncio.to_thread(answer.finish)
        finally:
            await asyncio.to_thread(answer.pieces.stop)


class _Answer:
    """The chunks of one answer: their text leaves as it is checked, and everything else with the last chunk."""

    def __init__(self, pieces: Pieces) -> None:
        self.pieces = pieces
        self._rest: AIMessageChunk | None = None
        self._id: str | None = None

    def feed(self, chunk: ChatGenerationChunk) -> ChatGenerationChunk | None:
        """A chunk with the text that may be shown now."""
        message: Any = chunk.message
        self._id = self._id or message.id
        text = message.content if isinstance(message.content, str) else ""
        rest = message.model_copy(update={"content": ""}) if text else message
        self._rest = rest if self._rest is None else self._rest + rest
        shown = self.pieces.feed(text) if text else ""
        return _piece(shown, id=self._id) if shown else None

    def finish(self) -> ChatGenerationChunk:
        """The last chunk."""
        rest: Any = self._rest if self._rest is not None else AIMessageChunk("")
        told = plain(rest)
        blocks = told.pop("content", None) or None
        fields = {k: v for k, v in told.items() if k != "role"} | ({"blocks": blocks} if blocks else {})
        text, passed = self.pieces.finish(fields)
        if self.pieces.blocked:
            return _piece(text, id=self._id, response_metadata=_FILTERED, usage_metadata=rest.usage_metadata)
        calls = [
            {"name": c["function"]["name"], "args": c["function"]["arguments"], "id": c.get("id"), "index": number}
            for number, c in enumerate(passed.get("tool_calls", ()))
        ]
        content = passed.get("blocks", "")
        if text and content:
            content = [{"type": "text", "text": text}, *content]
        return _piece(
            content or text,
            id=self._id,
            tool_call_chunks=calls,
            additional_kwargs=passed.get("additional_kwargs", {}),
            response_metadata={k: v for k, v in rest.response_metadata.items() if k != _TOKENS},
            usage_metadata=rest.usage_metadata,
            chunk_position="last",
        )


def _piece(content: Any, **fields: Any) -> ChatGenerationChunk:
    return ChatGenerationChunk(message=AIMessageChunk(content=content, **fields))


def _whole(model: BaseChatModel, messages: list[BaseMessage], stop: Any, kwargs: Any) -> ChatResult:
    """The model's whole answer. One that is set to stream is not asked in another way, and cannot be."""
    if getattr(model, "streaming", False):
        return generate_from_stream(_chunks(model, messages, stop, kwargs))
    return model._generate(messages, stop, None, **kwargs)


async def _awhole(model: BaseChatModel, messages: list[BaseMessage], stop: Any, kwargs: Any) -> ChatResult:
    if getattr(model, "streaming", False):
        return await agenerate_from_stream(_achunks(model, messages, stop, kwargs))
    return await model._agenerate(messages, stop, None, **kwargs)


def _chunks(model: BaseChatModel, messages: list[BaseMessage], stop: Any, kwargs: Any) -> Iterator[ChatGenerationChunk]:
    """The model's own stream, or its whole answer where it has none."""
    if type(model)._stream is not BaseChatModel._stream:
        yield from model._stream(messages, stop, None, **kwargs)
        return
    yield from map(_as_chunk, model._generate(messages, stop, None, **kwargs).generations)


async def _achunks(
    model: BaseChatModel, messages: list[BaseMessage], stop: Any, kwargs: Any
) -> AsyncIterator[ChatGenerationChunk]:
    if type(model)._astream is not BaseChatModel._astream or type(model)._stream is not BaseChatModel._stream:
        async for chunk in model._astream(messages, stop, None, **kwargs):
            yield chunk
        return
    for generation in (await model._agenerate(messages, stop, None, **kwargs)).generations:
        yield _as_chunk(generation)


def _as_chunk(generation: ChatGeneration) -> ChatGenerationChunk:
    said: Any = generation.message
    calls = [
        {"name": c["name"], "args": json.dumps(c["args"]), "id": c["id"], "index": number}
        for number, c in enumerate(said.tool_calls)
    ]
    kept = ("id", "additional_kwargs", "response_metadata", "usage_metadata")
    return _piece(said.content, tool_call_chunks=calls, **{name: getattr(said, name) for name in kept})


# -- messages ------------------------------------------------------------------------------------------------------------


def _rewritten(messages: Sequence[BaseMessage], turn: Turn) -> list[BaseMessage]:
    """The messages as the model may be sent them; those that nothing was done to are the same objects."""
    return [
        m if plain(m) == new else _with(m, new, m.additional_kwargs)
        for m, new in zip(messages, turn.messages, strict=True)
    ]


def _with(message: BaseMessage, new: Mapping[str, Any], kept: Mapping[str, Any]) -> BaseMessage:
    changed: dict[str, Any] = {"content": new.get("content") or ""}
    if isinstance(message, AIMessage):
        changed |= {"tool_calls": [], "invalid_tool_calls": []}
        for call in new.get("tool_calls") or ():
            name, args = call["function"]["name"], call["function"]["arguments"]
            one = {"name": name, "args": args, "id": call.get("id")}
            try:
                changed["tool_calls"].append({**one, "args": json.loads(args), "type": "tool_call"})
            except ValueError:
                changed["invalid_tool_calls"].append({**one, "error": None, "type": "invalid_tool_call"})
        changed["response_metadata"] = {k: v for k, v in message.response_metadata.items() if k != _TOKENS}
    if "name" in new or message.name:
        changed["name"] = new.get("name")
    written = {"tool_calls", "function_call"}
    changed["additional_kwargs"] = {
        **{k: v for k, v in kept.items() if not v and k not in written},
        **new.get("additional_kwargs", {}),
    }
    return message.model_copy(update=changed)


def _refused(told: str) -> ChatResult:
    return ChatResult(generations=[ChatGeneration(message=AIMessage(told, response_metadata=_FILTERED))])


def _checked(turn: Turn, result: ChatResult) -> ChatResult:
    """The answer as it may be used: of several, the first."""
    said: Any = result.generations[0].message
    new, blocked = turn.answer(plain(said))
    if blocked:
        made = AIMessage(new["content"], id=said.id, response_metadata=_FILTERED, usage_metadata=said.usage_metadata)
    else:
        made = _with(said, new, said.additional_kwargs)
    return ChatResult(generations=[ChatGeneration(message=made)], llm_output=result.llm_output)


# -- agents --------------------------------------------------------------------------------------------------------------

try:
    from langchain.agents.middleware import AgentMiddleware
except ImportError:  # langchain-core alone has no agents
    AgentMiddleware = object


class GuardrailsMiddleware(AgentMiddleware):
    """Middleware of ``create_agent``: every call of the model, whichever it is, goes through :class:`GuardedChatModel`.

    The state keeps what the user wrote; the model is sent the masked text, and answers are masked, or the policy's message,
    before they become part of the state or leave a stream. A call of a tool that is blocked is not run, and a result that is
    blocked does not become part of the state: the policy's message stands in its place.
    """

    def __init__(
        self, policy: str | Path | Guard, *, on_decision: OnDecision | None = None, evidence: EvidenceLog | None = None
    ) -> None:
        """``policy``: a file, a shipped policy, or a guard. ``on_decision``: called with every decision. ``evidence``: an opened log,
        which records each before it takes effect. Raises PolicyError."""
        super().__init__()
        self._turns = Turns(policy, "langchain", on_decision, evidence)
        self._calls = Calls(self._turns)

    def _guarded(self, request: Any) -> Any:
        model = request.model
        if isinstance(model, GuardedChatModel) and model._turns is self._turns:
            return request
        return request.override(model=GuardedChatModel._under(model, self._turns))

    def wrap_model_call(self, request: Any, handler: Callable[[Any], Any]) -> Any:
        """One call of the model."""
        return handler(self._guarded(request))

    async def awrap_model_call(self, request: Any, handler: Callable[[Any], Awaitable[Any]]) -> Any:
        """One call of the model."""
        return await handler(self._guarded(request))

    def wrap_tool_call(self, request: Any, handler: Callable[[Any], Any]) -> Any:
        """One call of a tool, and its result."""
        try:
            return self._read(request, handler(self._asked(request)))
        except Refused as refused:
            return _told(request, refused)

    async def awrap_tool_call(self, request: Any, handler: Callable[[Any], Awaitable[Any]]) -> Any:
        """One call of a tool, and its result."""
        try:
            result = await handler(await asyncio.to_thread(self._asked, request))
            return await asyncio.to_thread(self._read, request, result)
        except Refused as refused:
            return _told(request, refused)

    def _asked(self, request: Any) -> Any:
        call = request.tool_call
        used = self._calls.call(call["name"], call["args"])
        return request if used == call["args"] else request.override(tool_call={**call, "args": used})

    def _read(self, request: Any, result: Any) -> Any:
        """A result: a message, or a command that puts messages into the state."""
        if isinstance(result, ToolMessage):
            content = self._calls.result(request.tool_call["name"], result.content)
            return result if content == result.content else result.model_copy(update={"content": content})
        update = getattr(result, "update", None)
        if isinstance(update, Mapping) and isinstance(update.get("messages"), list):
            messages = [self._read(request, m) if isinstance(m, ToolMessage) else m for m in update["messages"]]
            return dataclasses.replace(result, update={**update, "messages": messages})
        return result


def _told(request: Any, refused: Refused) -> ToolMessage:
    call = request.tool_call
    return ToolMessage(str(refused), tool_call_id=call["id"], name=call["name"], status="error")
