"""LlamaIndex: a model under a policy, for chat engines, query engines and agents. Needs ``onepolicy-guardrails[llama-index]``.

>>> Settings.llm = GuardedLLM.of(Ollama(model="llama3.2"), "retail-bank")     # doctest: +SKIP
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Generator, Mapping, Sequence
from pathlib import Path
from typing import Any

try:
    from llama_index.core.base.llms.types import (
        ChatMessage,
        ChatResponse,
        CompletionResponse,
        LLMMetadata,
        TextBlock,
        ToolCallBlock,
    )
    from llama_index.core.bridge.pydantic import Field, PrivateAttr
    from llama_index.core.llms.function_calling import FunctionCallingLLM
    from llama_index.core.llms.llm import LLM
except ImportError as error:
    raise ImportError("this needs LlamaIndex: pip install 'onepolicy-guardrails[llama-index]'") from error

from guardrails.evidence import EvidenceLog
from guardrails.guard import Guard
from guardrails.integrations.turns import OnDecision, Pieces, Turn, Turns

__all__ = ["GuardedLLM"]

_ROLES = {"developer": "system", "chatbot": "assistant", "model": "assistant"}


class GuardedLLM(FunctionCallingLLM):
    """A model whose requests and answers are checked, whole and streamed; anything that takes an LLM takes it.

    ``raw`` and ``logprobs`` of its responses are None: they say again what was not checked.
    """

    inner: Any = Field(exclude=True)
    _turns: Turns = PrivateAttr()

    @classmethod
    def of(
        cls,
        model: LLM,
        policy: str | Path | Guard,
        *,
        on_decision: OnDecision | None = None,
        evidence: EvidenceLog | None = None,
    ) -> GuardedLLM:
        """``model`` under a policy file, a shipped policy, or a guard. ``on_decision``: called with every decision. ``evidence``: an
        opened log, which records each before it takes effect. Raises PolicyError."""
        made = cls(inner=model)
        made._turns = Turns(policy, "llama-index", on_decision, evidence)
        return made

    @classmethod
    def class_name(cls) -> str:
        """Its name in LlamaIndex."""
        return "guarded_llm"

    @property
    def metadata(self) -> LLMMetadata:
        """The model's own."""
        return self.inner.metadata

    # -- chat --------------------------------------------------------------------------------------------------------

    def chat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> ChatResponse:
        """One answer."""
        turn = self._turns.begin([_plain(m) for m in messages])
        if turn.refusal is not None:
            return _said(turn.refusal)
        return _checked(turn, self.inner.chat(_rewritten(messages, turn), **kwargs))

    async def achat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> ChatResponse:
        """One answer."""
        turn = await asyncio.to_thread(self._turns.begin, [_plain(m) for m in messages])
        if turn.refusal is not None:
            return _said(turn.refusal)
        response = await self.inner.achat(_rewritten(messages, turn), **kwargs)
        return await asyncio.to_thread(_checked, turn, response)

    def stream_chat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> Generator[ChatResponse, None, None]:
        """One answer in pieces; calls of tools come with the last."""
        turn = self._turns.begin([_plain(m) for m in messages])
        if turn.refusal is not None:
            yield _said(turn.refusal, turn.refusal)
            return
        answer = _Answer(turn.stream())
        try:
            for response in self.inner.stream_chat(_rewritten(messages, turn), **kwargs):
                if shown := answer.feed(response):
                    yield shown
                if answer.pieces.blocked:
                    break
            yield answer.finish()
        finally:
            answer.pieces.stop()

    async def astream_chat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> AsyncGenerator[ChatResponse, None]:
        """One answer in pieces; calls of tools come with the last."""

        async def pieces() -> AsyncGenerator[ChatResponse, None]:
            turn = await asyncio.to_thread(self._turns.begin, [_plain(m) for m in messages])
            if turn.refusal is not None:
                yield _said(turn.refusal, turn.refusal)
                return
            answer = _Answer(turn.stream())
            try:
                async for response in await self.inner.astream_chat(_rewritten(messages, turn), **kwargs):
                    if shown := await asyncio.to_thread(answer.feed, response):
                        yield shown
                    if answer.pieces.blocked:
                        break
                yield await asyncio.to_thread(answer.finish)
            finally:
                await asyncio.to_thread(answer.pieces.stop)

        return pieces()

    # -- completions -------------------------------------------------------------------------------------------------

    def complete(self, prompt: str, formatted: bool = False, **kwargs: Any) -> CompletionResponse:
        """One completion."""
        turn = self._turns.begin([_prompt(prompt)])
        if turn.refusal is not None:
            return CompletionResponse(text=turn.refusal)
        return _completed(turn, self.inner.complete(turn.messages[0]["content"], formatted=formatted, **kwargs))

    async def acomplete(self, prompt: str, formatted: bool = False, **kwargs: Any) -> CompletionResponse:
        """One completion."""
        turn = await asyncio.to_thread(self._turns.begin, [_prompt(prompt)])
        if turn.refusal is not None:
            return CompletionResponse(text=turn.refusal)
        response = await self.inner.acomplete(turn.messages[0]["content"], formatted=formatted, **kwargs)
        return await asyncio.to_thread(_completed, turn, response)

    def stream_complete(
        self, prompt: str, formatted: bool = False, **kwargs: Any
    ) -> Generator[CompletionResponse, None, None]:
        """One completion in pieces."""
        turn = self._turns.begin([_prompt(prompt)])
        if turn.refusal is not None:
            yield CompletionResponse(text=turn.refusal, delta=turn.refusal)
            return
        answer = _Answer(turn.stream())
        try:
            for response in self.inner.stream_complete(turn.messages[0]["content"], formatted=formatted, **kwargs):
                if shown := answer.feed(_as_chat(response)):
                    yield _as_completion(shown)
                if answer.pieces.blocked:
                    break
            yield _as_completion(answer.finish())
        finally:
            answer.pieces.stop()

    async def astream_complete(
        self, prompt: str, formatted: bool = False, **kwargs: Any
    ) -> AsyncGenerator[CompletionResponse, None]:
        """One completion in pieces."""

        async def pieces() -> AsyncGenerator[CompletionResponse, None]:
            turn = await asyncio.to_thread(self._turns.begin, [_prompt(prompt)])
            if turn.refusal is not None:
                yield CompletionResponse(text=turn.refusal, delta=turn.refusal)
                return
            answer = _Answer(turn.stream())
            masked = turn.messages[0]["content"]
            try:
                async for response in await self.inner.astream_complete(masked, formatted=formatted, **kwargs):
                    if shown := await asyncio.to_thread(answer.feed, _as_chat(response)):
                        yield _as_completion(shown)
                    if answer.pieces.blocked:
                        break
                yield _as_completion(await asyncio.to_thread(answer.finish))
            finally:
                await asyncio.to_thread(answer.pieces.stop)

        return pieces()

    # -- tools -------------------------------------------------------------------------------------------------------

    def _prepare_chat_with_tools(self, tools: Any, **kwargs: Any) -> Any:
        return self.inner._prepare_chat_with_tools_compat(tools, **kwargs)

    def _validate_chat_with_tools_response(self, response: ChatResponse, tools: Any, **kwargs: Any) -> ChatResponse:
        return self.inner._validate_chat_with_tools_response(response, tools, **kwargs)

    def get_tool_calls_from_response(self, response: ChatResponse, **kwargs: Any) -> Any:
        """The calls of an answer, as the model's own class reads them."""
        return self.inner.get_tool_calls_from_response(response, **kwargs)


class _Answer:
    """The pieces of one answer: its text leaves as it is checked, and everything else with the last piece."""

    def __init__(self, pieces: Pieces) -> None:
        self.pieces = pieces
        self._fed = self._shown = ""
        self._last: ChatMessage | None = None

    def feed(self, response: ChatResponse) -> ChatResponse | None:
        """A piece with the text that may be shown now."""
        self._last = response.message
        said = response.delta or ""
        self._fed += said
        shown = self.pieces.feed(said) if said else ""
        self._shown += shown
        return _said(self._shown, shown) if shown else None

    def finish(self) -> ChatResponse:
        """The last piece."""
        last = self._last if self._last is not None else ChatMessage(role="assistant", content="")
        whole = last.content or ""
        shown = self.pieces.feed(whole[len(self._fed) :]) if whole.startswith(self._fed) else ""
        plain = _plain(last)
        blocks = [b for b in plain["content"] if b["type"] != "text"]
        fields = {k: v for k, v in plain.items() if k not in {"role", "content"}} | (
            {"blocks": blocks} if blocks else {}
        )
        text, passed = self.pieces.finish(fields)
        self._shown += shown + text
        if self.pieces.blocked:
            return _said(self._shown, shown + text)
        new = {**passed, "content": [{"type": "text", "text": self._shown}, *passed.get("blocks", ())]}
        rest = [b for b in last.blocks if not isinstance(b, TextBlock)]
        kept = last.model_copy(update={"blocks": [TextBlock(text=""), *rest]})
        return ChatResponse(message=_with(kept, new), delta=shown + text)


# -- messages ------------------------------------------------------------------------------------------------------------


def _prompt(prompt: str) -> dict[str, Any]:
    return {"role": "user", "content": prompt}


def _plain(message: ChatMessage) -> dict[str, Any]:
    """A message as :class:`Turns` reads it: everything that a provider may be sent of it."""
    dumped = message.model_dump(mode="json")
    content, calls = [], []
    for block in dumped["blocks"]:
        kind = block.pop("block_type")
        if kind == "tool_call":
            args = block["tool_kwargs"]
            written = args if isinstance(args, str) else json.dumps(args, ensure_ascii=False)
            function = {"name": block["tool_name"], "arguments": written}
            calls.append({"id": block["tool_call_id"], "type": "function", "function": function})
        else:
            content.append({"type": kind, **{k: v for k, v in block.items() if v is not None}})
    role = dumped["role"]
    out: dict[str, Any] = {"role": _ROLES.get(role, role), "content": content}
    if calls:
        out["tool_calls"] = calls
    more = {k: v for k, v in dumped["additional_kwargs"].items() if v}
    if "tool_call_id" in more:
        out["tool_call_id"] = more.pop("tool_call_id")
    return {**out, "additional_kwargs": more} if more else out


def _rewritten(messages: Sequence[ChatMessage], turn: Turn) -> list[ChatMessage]:
    """The messages as the model may be sent them; those that nothing was done to are the same objects."""
    return [m if _plain(m) == new else _with(m, new) for m, new in zip(messages, turn.messages, strict=True)]


def _with(message: ChatMessage, new: Mapping[str, Any]) -> ChatMessage:
    content = new["content"]
    if isinstance(content, str):  # the whole message was replaced
        return ChatMessage(role=message.role, content=content)
    texts, calls = iter(content), iter(new.get("tool_calls", ()))
    blocks: list[Any] = []
    for block in message.blocks:
        if isinstance(block, ToolCallBlock):
            if (call := next(calls, None)) is not None:
                blocks.append(_call(block, call["function"]))
        elif (said := next(texts, None)) is not None:
            kept = {k: v for k, v in said.items() if k != "type"}
            changed = TextBlock(text=kept["text"]) if isinstance(block, TextBlock) else _block(block, kept)
            blocks.append(changed)
    more = {**{k: v for k, v in message.additional_kwargs.items() if not v or k == "tool_call_id"}}
    return ChatMessage(role=message.role, blocks=blocks, additional_kwargs={**more, **new.get("additional_kwargs", {})})


def _call(block: ToolCallBlock, function: Mapping[str, Any]) -> ToolCallBlock:
    args: Any = function["arguments"]
    if not isinstance(block.tool_kwargs, str):
        args = json.loads(args)
    return ToolCallBlock(tool_call_id=block.tool_call_id, tool_name=function["name"], tool_kwargs=args)


def _block(block: Any, new: Mapping[str, Any]) -> Any:
    was = {k: v for k, v in block.model_dump(mode="json").items() if v is not None and k != "block_type"}
    return block if was == new else type(block).model_validate({**new, "block_type": block.block_type})


# -- responses -----------------------------------------------------------------------------------------------------------


def _said(text: str, delta: str | None = None) -> ChatResponse:
    return ChatResponse(message=ChatMessage(role="assistant", content=text), delta=delta)


def _checked(turn: Turn, response: ChatResponse) -> ChatResponse:
    new, blocked = turn.answer(_plain(response.message))
    if blocked:
        return _said(new["content"])
    counts = {k: v for k, v in response.additional_kwargs.items() if isinstance(v, int | float)}
    return ChatResponse(message=_with(response.message, new), additional_kwargs=counts)


def _completed(turn: Turn, response: CompletionResponse) -> CompletionResponse:
    new, _ = turn.answer({"role": "assistant", "content": response.text})
    counts = {k: v for k, v in response.additional_kwargs.items() if isinstance(v, int | float)}
    return CompletionResponse(text=new["content"], additional_kwargs=counts)


def _as_chat(response: CompletionResponse) -> ChatResponse:
    return ChatResponse(message=ChatMessage(role="assistant", content=response.text), delta=response.delta)


def _as_completion(response: ChatResponse) -> CompletionResponse:
    return CompletionResponse(text=response.message.content or "", delta=response.delta)
