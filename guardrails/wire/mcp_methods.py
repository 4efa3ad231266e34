"""The methods and types of results that are known, in all revisions: any other is refused unless an installation allows it."""

from __future__ import annotations

from typing import Any

__all__ = ["METHODS", "RESULT_TYPES", "unknown"]

_CLIENT = """
    initialize ping completion/complete logging/setLevel prompts/get prompts/list resources/list resources/read resources/subscribe
    resources/unsubscribe resources/templates/list tools/call tools/list server/discover subscriptions/listen
    tasks/get tasks/list tasks/result tasks/cancel
    notifications/cancelled notifications/initialized notifications/progress notifications/roots/list_changed
    notifications/tasks/status
"""
_SERVER = """
    ping elicitation/create roots/list sampling/createMessage tasks/get tasks/list tasks/result tasks/cancel
    notifications/cancelled notifications/elicitation/complete notifications/message notifications/progress
    notifications/prompts/list_changed notifications/resources/list_changed notifications/resources/updated
    notifications/subscriptions/acknowledged notifications/tasks/status notifications/tools/list_changed
"""
METHODS: dict[str, frozenset[str]] = {"client": frozenset(_CLIENT.split()), "server": frozenset(_SERVER.split())}
RESULT_TYPES = frozenset(("complete", "input_required"))


def unknown(message: dict[str, Any], sender: str, allowed: frozenset[str]) -> str | None:
    """What of a message no revision knows and nobody has allowed: its method, its result's type, or what a result asks for."""
    if "method" in message:
        method = message["method"]
        return None if method in METHODS[sender] or method in allowed else "method"
    result = message.get("result")
    if not isinstance(result, dict):
        return None
    kind = result.get("resultType", "complete")
    if not isinstance(kind, str) or not (kind in RESULT_TYPES or kind in allowed):
        return "type of result"
    asked = result.get("inputRequests", {})
    if not isinstance(asked, dict):
        return "input request"
    for one in asked.values():
        method = one.get("method") if isinstance(one, dict) else None
        if not isinstance(method, str) or not (method in METHODS["server"] or method in allowed):
            return "input request"
    return None
