"""Messages of A2A as clients and agents send them, in both revisions, with as many of their fields as there are."""

from __future__ import annotations

from typing import Any

__all__ = ["ADDRESSED", "CARD", "RESULTS", "ask", "chunk", "event", "message", "status", "task"]

IMAGE = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR4nGNgYGBgAAAABQABXvMqGgAAAABJRU5ErkJggg=="


def message(*texts: str, old: bool = False, role: str = "user", **more: Any) -> dict[str, Any]:
    """A message, as 1.0 or 0.3 has it."""
    kind = {"kind": "text"} if old else {}
    return {
        **({"kind": "message"} if old else {}),
        "messageId": "m-1",
        "role": role if old else f"ROLE_{role.upper()}",
        "parts": [{**kind, "text": text} for text in texts],
        **more,
    }


def ask(*texts: str, method: str = "SendMessage", **params: Any) -> dict[str, Any]:
    """A request to an agent; ``method`` says in which revision."""
    said = {"message": message(*texts, old="/" in method)} if texts else {}
    return {"jsonrpc": "2.0", "id": "r-1", "method": method, "params": {**said, **params}}


def event(result: Any) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": "r-1", "result": result}


def task(*texts: str, state: str = "TASK_STATE_COMPLETED", **more: Any) -> dict[str, Any]:
    """A task whose artifact holds these texts."""
    artifacts = [{"artifactId": "a-1", "parts": [{"text": text} for text in texts]}] if texts else []
    return {"id": "t-1", "contextId": "c-1", "status": {"state": state}, "artifacts": artifacts, **more}


def chunk(*texts: str, artifact: str = "a-1", old: bool = False, **more: Any) -> dict[str, Any]:
    """An update of an artifact."""
    kind = {"kind": "text"} if old else {}
    named = {"artifactId": artifact, "parts": [{**kind, "text": text} for text in texts]}
    update = {"taskId": "t-1", "contextId": "c-1", "artifact": named, **more}
    return event({"kind": "artifact-update", **update} if old else {"artifactUpdate": update})


def status(state: str = "TASK_STATE_WORKING", said: Any = None, *, old: bool = False, **more: Any) -> dict[str, Any]:
    """An update of a task's state."""
    update = {
        "taskId": "t-1",
        "contextId": "c-1",
        "status": {"state": state, **({"message": said} if said else {})},
        **more,
    }
    return event({"kind": "status-update", **update} if old else {"statusUpdate": update})


_PARTS: list[dict[str, Any]] = [
    {"text": "some words", "metadata": {"about": "a note"}},
    {"data": {"table": [{"name": "a row", "n": 3}], "note": "a cell"}, "mediaType": "application/json"},
    {"url": "https://files.example.com/report.pdf", "filename": "a report.pdf", "mediaType": "application/pdf"},
]
_SAID = {
    **message("a reply", role="agent"),
    "parts": _PARTS,
    "contextId": "c-1",
    "taskId": "t-1",
    "metadata": {"mood": "calm and kind"},
    "extensions": ["https://example.com/ext/v1"],
    "referenceTaskIds": ["t-0"],
}
_TASK = {
    **task(),
    "status": {"state": "TASK_STATE_INPUT_REQUIRED", "message": _SAID, "timestamp": "2026-11-30T12:00:00.000Z"},
    "artifacts": [
        {
            "artifactId": "a-1",
            "name": "a table",
            "description": "what was found",
            "parts": _PARTS,
            "metadata": {"source": "the archive"},
            "extensions": ["https://example.com/ext/v1"],
        }
    ],
    "history": [message("a question"), _SAID],
    "metadata": {"priority": "a high one"},
}
_OLD_PARTS = [
    {"kind": "text", "text": "some words", "metadata": {"about": "a note"}},
    {"kind": "data", "data": {"note": "a cell"}},
    {
        "kind": "file",
        "file": {"uri": "https://files.example.com/x.pdf", "name": "a file", "mimeType": "application/pdf"},
    },
]
_OLD_TASK = {
    "kind": "task",
    "id": "t-1",
    "contextId": "c-1",
    "status": {"state": "working", "message": {**message("a reply", old=True, role="agent"), "parts": _OLD_PARTS}},
    "artifacts": [{"artifactId": "a-1", "name": "a table", "parts": _OLD_PARTS}],
}
_PUSH = {
    "id": "p-1",
    "taskId": "t-1",
    "url": "https://client.example.com/notify",
    "authentication": {"scheme": "Bearer"},
}
CARD: dict[str, Any] = {
    "name": "A travel agent",
    "description": "It books travel.",
    "version": "1.0.0",
    "documentationUrl": "https://agent.example.com/docs",
    "iconUrl": "https://agent.example.com/icon.png",
    "provider": {"organization": "Example and Sons", "url": "https://example.com"},
    "supportedInterfaces": [
        {"url": "https://agent.example.com/a2a", "protocolBinding": "JSONRPC", "tenant": "t", "protocolVersion": "1.0"}
    ],
    "capabilities": {
        "streaming": True,
        "extensions": [
            {"uri": "https://example.com/ext/v1", "description": "More of it", "params": {"hint": "a word"}}
        ],
    },
    "securitySchemes": {
        "key": {"apiKeySecurityScheme": {"location": "header", "name": "X-Key", "description": "A key"}},
        "login": {
            "oauth2SecurityScheme": {
                "flows": {
                    "clientCredentials": {"tokenUrl": "https://example.com/token", "scopes": {"read": "may read"}}
                }
            }
        },
    },
    "securityRequirements": [{"schemes": {"key": {"list": []}}}],
    "defaultInputModes": ["text/plain"],
    "defaultOutputModes": ["text/plain", "application/json"],
    "skills": [
        {
            "id": "book",
            "name": "Book a room",
            "description": "It finds rooms.",
            "tags": ["travel", "hotels by the sea"],
            "examples": ["Book a room in Rome."],
            "inputModes": ["text/plain"],
        }
    ],
}
# What an agent answers, by the method that asks for it.
RESULTS: list[tuple[str, Any]] = [
    ("SendMessage", {"message": _SAID}),
    ("SendMessage", {"task": _TASK}),
    ("GetTask", _TASK),
    ("CancelTask", _TASK),
    ("ListTasks", {"tasks": [_TASK], "nextPageToken": "", "pageSize": 50, "totalSize": 1}),
    ("CreateTaskPushNotificationConfig", _PUSH),
    ("ListTaskPushNotificationConfigs", {"configs": [_PUSH], "nextPageToken": ""}),
    ("GetExtendedAgentCard", CARD),
    ("message/send", {"kind": "message", **message("a reply", old=True, role="agent"), "parts": _OLD_PARTS}),
    ("tasks/get", _OLD_TASK),
    (
        "tasks/pushNotificationConfig/get",
        {"taskId": "t-1", "pushNotificationConfig": {"url": "https://x.example.com/n"}},
    ),
    (
        "tasks/pushNotificationConfig/list",
        [{"taskId": "t-1", "pushNotificationConfig": {"url": "https://x.example.com"}}],
    ),
]
# Everything that a client sends.
ADDRESSED: list[dict[str, Any]] = [
    ask(
        message=_SAID,
        configuration={
            "acceptedOutputModes": ["text/plain"],
            "historyLength": 3,
            "taskPushNotificationConfig": _PUSH,
        },
        metadata={"trace": "of a kind"},
        tenant="acme",
    ),
    ask(method="message/stream", message={**message("hello", old=True), "parts": _OLD_PARTS}, metadata={"x": "a b"}),
    ask(method="GetTask", id="t-1", historyLength=3, tenant="acme"),
    ask(method="ListTasks", contextId="c-1", status="TASK_STATE_WORKING", pageSize=5),
    ask(method="CancelTask", id="t-1", metadata={"why": "too slow"}),
    ask(method="SubscribeToTask", id="t-1"),
    ask(method="CreateTaskPushNotificationConfig", **_PUSH),
    ask(
        method="tasks/pushNotificationConfig/set", taskId="t-1", pushNotificationConfig={"url": "https://x.example.com"}
    ),
]
