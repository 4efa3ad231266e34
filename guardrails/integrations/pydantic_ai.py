"""Pydantic AI: the tools of an agent under a policy. Needs ``onepolicy-guardrails[pydantic-ai]``.

>>> agent = Agent(model, toolsets=[GuardedToolset.of(FunctionToolset([search]), "retail-bank")])     # doctest: +SKIP
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

try:
    from pydantic_ai import RunContext
    from pydantic_ai.toolsets import AbstractToolset, ToolsetTool, WrapperToolset
    from pydantic_core import to_jsonable_python
except ImportError as error:
    raise ImportError("this needs Pydantic AI: pip install 'onepolicy-guardrails[pydantic-ai]'") from error

from guardrails.evidence import EvidenceLog
from guardrails.guard import Guard
from guardrails.integrations.calls import Calls, Refused
from guardrails.integrations.turns import OnDecision

__all__ = ["GuardedToolset"]


@dataclass
class GuardedToolset(WrapperToolset[Any]):
    """A toolset whose calls are checked before they are made, and whose results before the model reads them.

    A refused call is not made, and a refused result not read: the model reads the policy's message instead. Masked arguments are
    validated once more. Any toolset can be wrapped, those of MCP servers too.
    """

    calls: Calls = field(kw_only=True, repr=False)

    @classmethod
    def of(
        cls,
        toolset: AbstractToolset[Any],
        policy: str | Path | Guard,
        *,
        on_decision: OnDecision | None = None,
        evidence: EvidenceLog | None = None,
    ) -> GuardedToolset:
        """``toolset`` under a policy file, a shipped policy, or a guard. ``on_decision``: called with every decision. ``evidence``: an
        opened log, which records each before it takes effect. Raises PolicyError."""
        return cls(toolset, calls=Calls.under(policy, "pydantic-ai", on_decision, evidence))

    async def call_tool(
        self, name: str, tool_args: dict[str, Any], ctx: RunContext[Any], tool: ToolsetTool[Any]
    ) -> Any:
        """One call."""
        try:
            given = to_jsonable_python(tool_args)
            used = await asyncio.to_thread(self.calls.call, name, given)
            if used != given:
                tool_args = tool.args_validator.validate_python(used)
            result = await super().call_tool(name, tool_args, ctx, tool)
            plain = to_jsonable_python(result)
            read = await asyncio.to_thread(self.calls.result, name, plain)
        except Refused as refused:
            return str(refused)
        return result if read == plain else read
