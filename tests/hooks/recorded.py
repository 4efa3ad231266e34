"""Events as the programs wrote them: Claude Code 2.1.197, Codex 0.171.0 and Copilot CLI 1.0.102, with a canned model."""

from __future__ import annotations

from typing import Any

__all__ = ["EVENTS", "POLICY", "event"]

POLICY = """
version: 1
name: small
messages: {blocked_input: I was told not to read it., blocked_output: I was told not to do it.}
words: {terms: [{id: secret, terms: [project kingfisher], action: block}]}
pii: {entities: {EMAIL: mask, PIN: block}}
"""

_CLAUDE = {
    "session_id": "c4978055-ffc4-423d-bef9-402b20569109",
    "transcript_path": "/home/a/.claude/projects/-home-a-p/c4978055-ffc4-423d-bef9-402b20569109.jsonl",
    "cwd": "/home/a/p",
}
_TURN = {**_CLAUDE, "prompt_id": "f713825b-2dff-41af-9b05-d3f2b0763da0", "permission_mode": "default"}
_BASH = {"tool_name": "Bash", "tool_input": {"command": "TEXT", "description": "say hello"}, "tool_use_id": "toolu_1"}
_DONE = {"stdout": "TEXT", "stderr": "", "interrupted": False, "isImage": False, "noOutputExpected": False}
_CODEX = {
    "session_id": "01a22b98-f5ce-72b0-92f8-ce853a9a0912",
    "transcript_path": "/home/a/.codex/sessions/2026/11/30/rollout-2026-11-30T08-36-14-01a22b98.jsonl",
    "cwd": "/home/a/p",
    "model": "gpt-5",
    "permission_mode": "bypassPermissions",
}
_CODEX_TURN = {**_CODEX, "turn_id": "01a22b98-f610-73f0-92a7-88cc472efc42"}
_SHELL = {"tool_name": "Bash", "tool_input": {"command": "TEXT"}, "tool_use_id": "call_1"}
_COPILOT = {"sessionId": "a4cddbc9-75a9-4ae2-8d01-5ea9720efe7a", "timestamp": 1796027816597, "cwd": "/home/a/p"}
_COPILOT_BASH = {"toolName": "bash", "toolArgs": {"command": "TEXT", "description": "say hello"}}
_LS = {"command": "ls", "description": "look"}

# By agent and moment; TEXT stands where a test's text goes.
EVENTS: dict[tuple[str, str], dict[str, Any]] = {
    ("claude-code", "start"): {**_CLAUDE, "hook_event_name": "SessionStart", "source": "startup"},
    ("claude-code", "prompt"): {**_TURN, "hook_event_name": "UserPromptSubmit", "prompt": "TEXT"},
    ("claude-code", "call"): {**_TURN, "hook_event_name": "PreToolUse", **_BASH},
    ("claude-code", "result"): {
        **_TURN, "hook_event_name": "PostToolUse", **_BASH, "tool_input": _LS, "tool_response": _DONE, "duration_ms": 130,
    },
    ("claude-code", "batch"): {
        **_TURN, "hook_event_name": "PostToolBatch",
        "tool_calls": [{**_BASH, "tool_input": _LS, "tool_response": "Exit code 3\nTEXT"}],
    },
    ("codex", "start"): {**_CODEX, "hook_event_name": "SessionStart", "source": "startup"},
    ("codex", "prompt"): {**_CODEX_TURN, "hook_event_name": "UserPromptSubmit", "prompt": "TEXT"},
    ("codex", "call"): {**_CODEX_TURN, "hook_event_name": "PreToolUse", **_SHELL},
    ("codex", "result"): {
        **_CODEX_TURN, "hook_event_name": "PostToolUse", **_SHELL, "tool_input": {"command": "ls"}, "tool_response": "TEXT\n",
    },
    ("copilot", "start"): {**_COPILOT, "source": "new", "initialPrompt": "Say hello"},
    ("copilot", "prompt"): {**_COPILOT, "prompt": "TEXT"},
    ("copilot", "call"): {**_COPILOT, **_COPILOT_BASH},
    ("copilot", "result"): {
        **_COPILOT, "toolName": "bash", "toolArgs": _LS,
        "toolResult": {"resultType": "success", "textResultForLlm": "TEXT\n<shellId: 0 completed with exit code 0>"},
    },
}  # fmt: skip


def event(agent: str, moment: str, text: str = "hello") -> dict[str, Any]:
    """An event with ``text`` in it."""
    return {name: _put(value, text) for name, value in EVENTS[agent, moment].items()}


def _put(value: Any, text: str) -> Any:
    match value:
        case str():
            return value.replace("TEXT", text)
        case list():
            return [_put(v, text) for v in value]
        case dict():
            return {k: _put(v, text) for k, v in value.items()}
    return value
