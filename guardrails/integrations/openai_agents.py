"""The OpenAI Agents SDK: its guardrails of agents and of tools, and a filter of what models are sent, under a policy.
Needs ``onepolicy-guardrails[openai-agents]``.

>>> policy = AgentGuardrails("retail-bank")                                              # doctest: +SKIP
>>> agent = Agent("support", input_guardrails=[policy.input], output_guardrails=[policy.output])   # doctest: +SKIP
>>> await Runner.run(agent, asked, run_config=RunConfig(call_model_input_filter=policy.mask))      # doctest: +SKIP
"""

from __future__ import annotations

import asyncio
import copy
import json
from pathlib import Path
from typing import Any, Literal

try:
    from agents import (
        GuardrailFunctionOutput,
        InputGuardrail,
        InputGuardrailResult,
        InputGuardrailTripwireTriggered,
        OutputGuardrail,
        ToolGuardrailFunctionOutput,
        ToolInputGuardrail,
        ToolOutputGuardrail,
    )
    from agents.run import CallModelData, ModelInputData
except ImportError as error:
    raise ImportError("this needs the OpenAI Agents SDK: pip install 'onepolicy-guardrails[openai-agents]'") from error

from guardrails.decision import Decision
from guardrails.evidence import EvidenceLog
from guardrails.guard import Guard
from guardrails.integrations.turns import OnDecision, Turns
from guardrails.types import Action
from guardrails.wire.openai_responses import Responses

__all__ = ["AgentGuardrails"]


class AgentGuardrails:
    """A policy as the SDK's guardrails.

    The SDK's guardrails stop a run and change no text. ``on_mask`` says what happens to a text that the policy would mask:
    ``trip`` stops the run as for a block, ``pass`` lets the text go on as it is. What models are sent is masked by :attr:`mask`,
    and what tools answer by :attr:`tool_output`, whatever ``on_mask`` says.
    """

    def __init__(
        self,
        policy: str | Path | Guard,
        *,
        on_mask: Literal["trip", "pass"] = "trip",
        on_decision: OnDecision | None = None,
        evidence: EvidenceLog | None = None,
    ) -> None:
        """``policy``: a file, a shipped policy, or a guard. ``on_decision``: called with every decision. ``evidence``: an opened log,
        which records each before it takes effect. Raises PolicyError."""
        if on_mask not in ("trip", "pass"):
            raise ValueError(f"on_mask is 'trip' or 'pass', not {on_mask!r}")
        self._turns = Turns(policy, "openai-agents", on_decision, evidence)
        self._trips = on_mask == "trip"
        name = self._turns.guard.policy.name
        # Before the agent begins: in parallel, the model is asked already.
        self.input: InputGuardrail[Any] = InputGuardrail(self._input, name=f"{name} input", run_in_parallel=False)
        """For ``Agent(input_guardrails=[…])``: the input of the first agent of a run, checked before a model is asked."""
        self.output: OutputGuardrail[Any] = OutputGuardrail(self._output, name=f"{name} output")
        """For ``Agent(output_guardrails=[…])``: the final output of the last agent of a run."""
        self.tool_input: ToolInputGuardrail[Any] = ToolInputGuardrail(self._tool_input, name=f"{name} call")
        """For ``function_tool(tool_input_guardrails=[…])``: the arguments of a call. The tool is not run; the model reads why."""
        self.tool_output: ToolOutputGuardrail[Any] = ToolOutputGuardrail(self._tool_output, name=f"{name} result")
        """For ``function_tool(tool_output_guardrails=[…])``: what a tool answered, masked, or the policy's message in its place."""

    async def mask(self, data: CallModelData[Any]) -> ModelInputData:
        """For ``RunConfig(call_model_input_filter=…)``: what a model is sent, masked, on every turn of every agent. Raises
        InputGuardrailTripwireTriggered when it is blocked."""
        sent = data.model_data
        body = {"model": "", "input": copy.deepcopy(sent.input), "instructions": sent.instructions or ""}
        done, decision = await asyncio.to_thread(self._request, body)
        if decision.blocked:
            raise InputGuardrailTripwireTriggered(InputGuardrailResult(self.input, self._told(decision, tripped=True)))
        return ModelInputData(input=done["input"], instructions=done["instructions"] if sent.instructions else None)

    def _request(self, body: dict[str, Any]) -> tuple[dict[str, Any], Decision]:
        exchange = self._turns.exchange(Responses.open(body))
        decision = self._turns.told(exchange, exchange.request())
        done: dict[str, Any] = exchange.form.body
        exchange.forget()
        return done, decision

    async def _input(self, context: Any, agent: Any, given: Any) -> GuardrailFunctionOutput:
        _, decision = await asyncio.to_thread(self._request, {"model": "", "input": copy.deepcopy(given)})
        return self._told(decision, tripped=self._stops(decision))

    async def _output(self, context: Any, agent: Any, given: Any) -> GuardrailFunctionOutput:
        decision = await asyncio.to_thread(self._answer, {"role": "assistant", "content": _text(given)})
        return self._told(decision, tripped=self._stops(decision))

    async def _tool_input(self, data: Any) -> ToolGuardrailFunctionOutput:
        function = {"name": data.context.tool_name, "arguments": data.context.tool_arguments}
        call = {"id": data.context.tool_call_id, "type": "function", "function": function}
        message = {"role": "assistant", "content": None, "tool_calls": [call]}
        decision = await asyncio.to_thread(self._answer, message)
        if not self._stops(decision):
            return ToolGuardrailFunctionOutput.allow(_info(decision))
        return ToolGuardrailFunctionOutput.reject_content(self._message(decision), _info(decision))

    async def _tool_output(self, data: Any) -> ToolGuardrailFunctionOutput:
        message = {"role": "tool", "tool_call_id": data.context.tool_call_id, "content": _text(data.output)}
        turn = await asyncio.to_thread(self._turns.begin, [message])
        told = turn.refusal if turn.refusal is not None else turn.messages[0]["content"]
        if told == message["content"]:
            return ToolGuardrailFunctionOutput.allow()
        return ToolGuardrailFunctionOutput.reject_content(told)

    def _answer(self, message: dict[str, Any]) -> Decision:
        return self._turns.said(message)

    def _stops(self, decision: Decision) -> bool:
        return decision.blocked or (self._trips and decision.action is Action.MASKED)

    def _message(self, decision: Decision) -> str:
        return self._turns.guard.policy.blocked(decision.direction, decision.blocking)

    def _told(self, decision: Decision, *, tripped: bool) -> GuardrailFunctionOutput:
        return GuardrailFunctionOutput(
            output_info={**_info(decision), "message": self._message(decision)} if tripped else _info(decision),
            tripwire_triggered=tripped,
        )


def _info(decision: Decision) -> dict[str, Any]:
    """What is told of a decision: no text."""
    return {"decision_id": decision.id, "action": decision.action.value, "rules": list(decision.rules)}


def _text(value: Any) -> str:
    """An output as text: strings as they are, everything else as JSON."""
    if isinstance(value, str):
        return value
    if hasattr(value, "model_dump_json"):
        return str(value.model_dump_json())
    return json.dumps(value, ensure_ascii=False, default=str)
