"""Google's Agent Development Kit: a plugin that has every agent of a runner under a policy. Needs
``onepolicy-guardrails[google-adk]``.

>>> runner = InMemoryRunner(agent=agent, plugins=[GuardrailsPlugin("retail-bank")])     # doctest: +SKIP
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

try:
    from google.adk.plugins.base_plugin import BasePlugin
    from google.genai import types
except ImportError as error:
    raise ImportError("this needs Google's ADK: pip install 'onepolicy-guardrails[google-adk]'") from error

from guardrails.evidence import EvidenceLog
from guardrails.guard import Guard
from guardrails.integrations.calls import Calls, Refused
from guardrails.integrations.turns import OnDecision

__all__ = ["GuardrailsPlugin"]


class GuardrailsPlugin(BasePlugin):
    """What users write, what tools are called with, and what they answer, for all agents of a runner.

    A refused message never becomes part of the session, and its run ends with the policy's message. A refused call is not made, and
    a refused result not read: the model reads ``{"error": message}``. What the policy masks goes on masked.
    """

    def __init__(
        self,
        policy: str | Path | Guard,
        *,
        name: str = "guardrails",
        on_decision: OnDecision | None = None,
        evidence: EvidenceLog | None = None,
    ) -> None:
        """``policy``: a file, a shipped policy, or a guard. ``on_decision``: called with every decision. ``evidence``: an opened log,
        which records each before it takes effect. Raises PolicyError."""
        super().__init__(name=name)
        self._calls = Calls.under(policy, "google-adk", on_decision, evidence)
        self._refused: dict[str, str] = {}  # by invocation, until its run ends

    async def on_user_message_callback(self, *, invocation_context: Any, user_message: types.Content) -> Any:
        """A message of a user."""
        given = [_plain(part) for part in user_message.parts or ()]
        try:
            read = await asyncio.to_thread(self._calls.prompt, given) if given else given
        except Refused as refused:
            self._refused[invocation_context.invocation_id] = str(refused)
            read = [{"type": "text", "text": str(refused)}]
        parts = [types.Part.model_validate({k: v for k, v in part.items() if k != "type"}) for part in read]
        return None if read == given else types.Content(role=user_message.role, parts=parts)

    async def before_run_callback(self, *, invocation_context: Any) -> Any:
        """A run; one whose message was refused ends here."""
        told = self._refused.pop(invocation_context.invocation_id, None)
        return None if told is None else types.Content(role="model", parts=[types.Part(text=told)])

    async def before_tool_callback(self, *, tool: Any, tool_args: dict[str, Any], tool_context: Any) -> Any:
        """A call of a tool."""
        try:
            used = await asyncio.to_thread(self._calls.call, tool.name, dict(tool_args))
        except Refused as refused:
            return {"error": str(refused)}
        tool_args |= used  # the tool is called with this very object
        return None

    async def after_tool_callback(self, *, tool: Any, tool_args: dict[str, Any], tool_context: Any, result: Any) -> Any:
        """A result of a tool."""
        try:
            read = await asyncio.to_thread(self._calls.result, tool.name, result)
        except Refused as refused:
            return {"error": str(refused)}
        return None if read == result else read


def _plain(part: types.Part) -> dict[str, Any]:
    """A part as data; one that is no text is read as what it holds, and reported as what nobody can read."""
    kind = "text" if part.text is not None else "part"
    return {"type": kind, **part.model_dump(mode="json", exclude_none=True)}
