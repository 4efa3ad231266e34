"""The agents: how each says what happens, and how it wants to be answered.

Fields and their effects are those that Claude Code 2.1, Codex 0.171 and Copilot CLI 1.0 show when they run; the tests run them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Protocol

from guardrails.hooks.events import BLOCKS, Event, Malformed, Moment, Permission, Reply, Verdict, get
from guardrails.hooks.withheld import plain, withheld

__all__ = ["AGENTS", "Agent", "agent"]


class Agent(Protocol):
    """One agent's hooks."""

    name: str
    events: Mapping[str, Moment]
    """The events that are inspected, by the agent's own names."""

    def read(self, payload: Mapping[str, Any]) -> Event:
        """What the agent says. Raises Malformed."""

    def answer(self, event: Event, verdict: Verdict) -> Reply:
        """The verdict in the agent's words."""

    def refuse(self, told: str) -> Reply:
        """Stop the agent at an event that could not be read."""


class ClaudeCode:
    """Claude Code: ``hook_event_name`` says what happens, and a result can be replaced before the model reads it."""

    name = "claude-code"
    events: Mapping[str, Moment] = {
        "SessionStart": Moment.START,
        "UserPromptSubmit": Moment.PROMPT,
        "PreToolUse": Moment.CALL,
        "PostToolUse": Moment.RESULT,
        # What failed comes by here alone, and what was not replaced after all.
        "PostToolBatch": Moment.BATCH,
    }

    def read(self, payload: Mapping[str, Any]) -> Event:
        """What the agent says."""
        return _named(payload, self.events)

    def answer(self, event: Event, verdict: Verdict) -> Reply:
        """The verdict in the agent's words."""
        denied = verdict.permission is Permission.DENY
        match event.moment:
            case Moment.START:
                return _begun(event, verdict)
            case Moment.PROMPT:
                return _blocked(verdict.told) if denied else Reply()
            case Moment.CALL if denied:
                return _denied(verdict.told)
            case Moment.CALL if verdict.permission is Permission.ASK:
                return Reply(_permission("ask", verdict.told, updatedInput=verdict.content))
            case Moment.RESULT if denied:
                new = _specific(event.name, updatedToolOutput=_taken(event, verdict.told))
                return Reply({"decision": "block", "reason": verdict.told, **new})
            case Moment.RESULT if verdict.content is not None:
                return Reply(_specific(event.name, updatedToolOutput=verdict.content))
            case Moment.BATCH if denied or verdict.content is not None:  # nothing can take its place any more
                return Reply(_stop(verdict.told))
        return Reply()

    def refuse(self, told: str) -> Reply:
        """Whatever the event is, one of these stops it."""
        return Reply({**_stop(told), "decision": "block", "reason": told}, BLOCKS, told)


class Codex:
    """Codex: as Claude Code, but nobody is asked, nothing is rewritten, and a refusal of a result takes its place."""

    name = "codex"
    events: Mapping[str, Moment] = {
        "SessionStart": Moment.START,
        "UserPromptSubmit": Moment.PROMPT,
        "PreToolUse": Moment.CALL,
        "PostToolUse": Moment.RESULT,
    }

    def read(self, payload: Mapping[str, Any]) -> Event:
        """What the agent says."""
        return _named(payload, self.events)

    def answer(self, event: Event, verdict: Verdict) -> Reply:
        """The verdict in the agent's words."""
        if event.moment is Moment.START:
            return _begun(event, verdict)
        if event.moment is Moment.RESULT and verdict.permission is Permission.ALLOW and verdict.content is not None:
            return _blocked(f"{verdict.told}\n{plain(verdict.content)}")
        if verdict.permission is Permission.ALLOW:
            return Reply()
        return _denied(verdict.told) if event.moment is Moment.CALL else _blocked(verdict.told)

    def refuse(self, told: str) -> Reply:
        """Exit code 2 stops every event; a field that an event does not know would undo it."""
        return Reply(None, BLOCKS, told)


class Copilot:
    """Copilot CLI: the fields of an event say which it is; prompts, arguments and results can all be replaced."""

    name = "copilot"
    events: Mapping[str, Moment] = {
        "sessionStart": Moment.START,
        "userPromptSubmitted": Moment.PROMPT,
        "preToolUse": Moment.CALL,
        "postToolUse": Moment.RESULT,
    }

    def read(self, payload: Mapping[str, Any]) -> Event:
        """What the agent says."""
        if "hook_event_name" in payload:
            raise Malformed(
                "hook_event_name: this is the other spelling; name events as in preToolUse in the hooks file"
            )
        if "toolName" in payload:
            tool, arguments = get(payload, "toolName", str), _object(get(payload, "toolArgs"))
            if "toolResult" in payload:
                return Event(Moment.RESULT, "postToolUse", get(payload, "toolResult", dict), tool, arguments)
            return Event(Moment.CALL, "preToolUse", arguments, tool)
        if "prompt" in payload:
            return Event(Moment.PROMPT, "userPromptSubmitted", get(payload, "prompt", str))
        if "source" in payload:
            return Event(Moment.START, "sessionStart", payload.get("initialPrompt"))
        raise Malformed(
            f"the event has neither toolName nor prompt nor source, and is none of {', '.join(self.events)}"
        )

    def answer(self, event: Event, verdict: Verdict) -> Reply:
        """The verdict in the agent's words."""
        denied = verdict.permission is Permission.DENY
        match event.moment:
            case Moment.START if denied:
                return Reply(None, BLOCKS, verdict.told)
            case Moment.START:
                return Reply({"additionalContext": verdict.told})
            case Moment.PROMPT if denied and verdict.content is None:
                return Reply({"decision": "block", "reason": verdict.told})
            case Moment.PROMPT if verdict.content is not None:
                return Reply({"modifiedPrompt": verdict.content})
            case Moment.CALL if denied:
                return self.refuse(verdict.told)
            case Moment.CALL if verdict.permission is Permission.ASK:
                asked = {"permissionDecision": "ask", "permissionDecisionReason": verdict.told}
                return Reply({**asked, "modifiedArgs": verdict.content})
            case Moment.RESULT if denied:
                kept = {"resultType": event.content.get("resultType", "success")}
                return Reply({"modifiedResult": {**kept, "textResultForLlm": verdict.told}})
            case Moment.RESULT if verdict.content is not None:
                return Reply({"modifiedResult": verdict.content})
        return Reply()

    def refuse(self, told: str) -> Reply:
        """Whatever the event is, one of these stops it."""
        denied = {"permissionDecision": "deny", "permissionDecisionReason": told}
        return Reply({**denied, "decision": "block", "reason": told}, BLOCKS, told)


def _object(arguments: Any) -> Any:
    """Arguments as data: some versions write them as JSON in a string."""
    if not isinstance(arguments, str):
        return arguments
    try:
        return json.loads(arguments)
    except ValueError:
        return arguments


def _named(payload: Mapping[str, Any], events: Mapping[str, Moment]) -> Event:
    """An event that says its name, in the fields that Claude Code and Codex share."""
    name = get(payload, "hook_event_name", str)
    moment = events.get(name)
    match moment:
        case Moment.START:
            return Event(moment, name)
        case Moment.PROMPT:
            return Event(moment, name, get(payload, "prompt", str))
        case Moment.CALL:
            tool = get(payload, "tool_name", str)
            return Event(
                moment, name, get(payload, "tool_input"), tool, server=None if tool.startswith("mcp__") else ""
            )
        case Moment.RESULT:
            return Event(
                moment, name, get(payload, "tool_response"), get(payload, "tool_name", str), payload.get("tool_input")
            )
        case Moment.BATCH:
            return Event(moment, name, [_response(i, call) for i, call in enumerate(get(payload, "tool_calls", list))])
        case _:
            raise Malformed(
                f"hook_event_name: is none of {', '.join(events)}; take this hook out of the event's settings"
            )


def _response(number: int, call: Any) -> Any:
    if not isinstance(call, dict):
        raise Malformed(f"tool_calls[{number}]: must be an object")
    return call.get("tool_response")  # none where a call was refused


def _taken(event: Event, told: str) -> Any:
    """What stands in place of a result: what a server of tools says has no shape of its own."""
    return [{"type": "text", "text": told}] if event.tool.startswith("mcp__") else withheld(event.content, told)


def _specific(event: str, **fields: Any) -> dict[str, Any]:
    return {"hookSpecificOutput": {"hookEventName": event, **fields}}


def _begun(event: Event, verdict: Verdict) -> Reply:
    """A session cannot be kept from beginning; what is wrong is shown, and every event after it is refused."""
    if verdict.permission is Permission.DENY:
        return Reply(None, BLOCKS, verdict.told)
    return Reply(_specific(event.name, additionalContext=verdict.told))


def _permission(decision: str, told: str, **fields: Any) -> dict[str, Any]:
    return _specific("PreToolUse", permissionDecision=decision, permissionDecisionReason=told, **fields)


def _denied(told: str) -> Reply:
    return Reply(_permission("deny", told), BLOCKS, told)


def _blocked(told: str) -> Reply:
    return Reply({"decision": "block", "reason": told}, BLOCKS, told)


def _stop(told: str) -> dict[str, Any]:
    return {"continue": False, "stopReason": told}


AGENTS: Mapping[str, Agent] = {a.name: a for a in (ClaudeCode(), Codex(), Copilot())}


def agent(name: str) -> Agent:
    """An agent by its name. Raises Malformed."""
    if name not in AGENTS:
        raise Malformed(f"there are hooks for {', '.join(AGENTS)}, and for nothing else")
    return AGENTS[name]
