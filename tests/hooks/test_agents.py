"""Events of each agent, decided by a policy and answered in the agent's words."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guardrails import Guard
from guardrails.hooks.agents import AGENTS, agent
from guardrails.hooks.command import respond
from guardrails.hooks.events import BLOCKS, Moment, Permission, Reply, parse
from guardrails.hooks.judging import judge
from guardrails.hooks.withheld import withheld
from guardrails.policy import loads
from tests.hooks.recorded import EVENTS, POLICY, event

SECRET, MAIL = "tell me of project kingfisher", "write to bob@example.com"
READ = "I was told not to read it. [policy small: words.secret]"
DO = "I was told not to do it. [policy small: words.secret]"
every = pytest.mark.parametrize(("name", "moment"), list(EVENTS), ids=["-".join(k) for k in EVENTS])


@pytest.fixture
def policy(tmp_path: Path) -> str:
    path = tmp_path / "small.yaml"
    path.write_text(POLICY, encoding="utf-8")
    return str(path)


def answered(policy: str, name: str, moment: str, text: str) -> Reply:
    return respond(agent(name), json.dumps(event(name, moment, text)).encode(), policy)


@every
def test_what_a_policy_allows_is_left_to_the_agent(policy: str, name: str, moment: str) -> None:
    """A hook that says `allow` would answer for the user what the agent asks them."""
    reply = answered(policy, name, moment, "hello")
    assert (reply.code, reply.error) == (0, "")
    said = json.dumps(reply.body)
    assert "permissionDecision" not in said
    assert ("under the policy small" in said) is (moment == "start")


REFUSED: dict[tuple[str, str], tuple[int, Any]] = {
    ("claude-code", "prompt"): (2, {"decision": "block", "reason": READ}),
    ("claude-code", "call"): (
        2,
        {"hookSpecificOutput": {"hookEventName": "PreToolUse", "permissionDecision": "deny", "permissionDecisionReason": DO}},
    ),
    ("claude-code", "result"): (
        0,
        {
            "decision": "block",
            "reason": READ,
            "hookSpecificOutput": {
                "hookEventName": "PostToolUse",
                "updatedToolOutput": {
                    "stdout": READ, "stderr": "", "interrupted": False, "isImage": False, "noOutputExpected": False,
                },
            },
        },
    ),
    ("claude-code", "batch"): (0, {"continue": False, "stopReason": READ}),
    ("codex", "prompt"): (2, {"decision": "block", "reason": READ}),
    ("codex", "call"): (
        2,
        {"hookSpecificOutput": {"hookEventName": "PreToolUse", "permissionDecision": "deny", "permissionDecisionReason": DO}},
    ),
    ("codex", "result"): (2, {"decision": "block", "reason": READ}),
    ("copilot", "prompt"): (0, {"decision": "block", "reason": READ}),
    ("copilot", "call"): (
        2, {"permissionDecision": "deny", "permissionDecisionReason": DO, "decision": "block", "reason": DO},
    ),
    ("copilot", "result"): (0, {"modifiedResult": {"resultType": "success", "textResultForLlm": READ}}),
}  # fmt: skip


@every
def test_what_a_policy_blocks_is_refused(policy: str, name: str, moment: str) -> None:
    if moment == "start":
        pytest.skip("nothing is said before a session")
    code, body = REFUSED[name, moment]
    reply = answered(policy, name, moment, SECRET)
    assert (reply.code, reply.body) == (code, body)
    assert reply.error == ((READ if moment != "call" else DO) if code == BLOCKS else "")


@every
def test_nothing_that_was_refused_is_said_again(policy: str, name: str, moment: str) -> None:
    for text in (SECRET, MAIL):
        reply = answered(policy, name, moment, text)
        assert "kingfisher" not in json.dumps(reply.body) + reply.error
        assert "bob@example.com" not in json.dumps(reply.body) + reply.error


MASKED: dict[tuple[str, str], Any] = {
    ("claude-code", "call"): ("hookSpecificOutput", "updatedInput", {"command": "write to {EMAIL}", "description": "say hello"}),
    ("copilot", "call"): ("modifiedArgs", None, {"command": "write to {EMAIL}", "description": "say hello"}),
    ("claude-code", "result"): (
        "hookSpecificOutput", "updatedToolOutput",
        {"stdout": "write to {EMAIL}", "stderr": "", "interrupted": False, "isImage": False, "noOutputExpected": False},
    ),
    ("copilot", "result"): (
        "modifiedResult", None,
        {"resultType": "success", "textResultForLlm": "write to {EMAIL}\n<shellId: 0 completed with exit code 0>"},
    ),
    ("copilot", "prompt"): ("modifiedPrompt", None, "write to {EMAIL}"),
}  # fmt: skip


@pytest.mark.parametrize(("name", "moment"), list(MASKED))
def test_what_a_policy_masks_is_put_in_place(policy: str, name: str, moment: str) -> None:
    field, inner, content = MASKED[name, moment]
    reply = answered(policy, name, moment, MAIL)
    assert reply.code == 0
    assert reply.body is not None
    assert (reply.body[field][inner] if inner else reply.body[field]) == content


@pytest.mark.parametrize("name", ["claude-code", "copilot"])
def test_masked_arguments_are_asked_about(policy: str, name: str) -> None:
    """A call that the model did not make is not made unseen."""
    body = answered(policy, name, "call", MAIL).body
    assert body is not None
    asked = body.get("hookSpecificOutput", body)
    assert asked["permissionDecision"] == "ask"
    assert asked["permissionDecisionReason"] == "EMAIL masked in the arguments [policy small: pii.EMAIL]"


@pytest.mark.parametrize(
    ("name", "moment"), [("codex", "call"), ("codex", "prompt"), ("claude-code", "prompt"), ("claude-code", "batch")]
)
def test_where_nothing_can_be_put_in_place_it_is_refused(policy: str, name: str, moment: str) -> None:
    reply = answered(policy, name, moment, MAIL)
    assert reply.body is not None
    assert reply.code == BLOCKS or reply.body["continue"] is False


def test_codex_reads_a_masked_result_as_the_reason(policy: str) -> None:
    reply = answered(policy, "codex", "result", MAIL)
    told = "EMAIL masked in the result [policy small: pii.EMAIL]\nwrite to {EMAIL}\n"
    assert (reply.code, reply.body, reply.error) == (BLOCKS, {"decision": "block", "reason": told}, told)


def test_every_string_number_and_key_of_a_result_is_read() -> None:
    guard = Guard(loads(POLICY))
    for content in (
        {"a": [{"project kingfisher": 1}]}, ["x", {"deep": {"er": "project kingfisher"}}], "project kingfisher",
        {"json": '{"a": "project \\u006bingfisher"}'},
    ):  # fmt: skip
        made = {**event("claude-code", "result"), "tool_response": content}
        read = agent("claude-code").read(made)
        assert judge(read, guard).permission is Permission.DENY


def test_the_event_itself_is_not_changed() -> None:
    guard = Guard(loads(POLICY))
    for moment in ("prompt", "call", "result", "batch"):
        read = agent("claude-code").read(event("claude-code", moment, MAIL))
        before = json.dumps(read.content)
        assert judge(read, guard).content != read.content
        assert json.dumps(read.content) == before


def test_a_refused_result_of_a_server_keeps_nothing_of_its_shape(policy: str) -> None:
    made = {**event("claude-code", "result"), "tool_name": "mcp__mail__read", "tool_response": [{"kingfisher": SECRET}]}
    reply = respond(agent("claude-code"), json.dumps(made).encode(), policy)
    assert reply.body is not None
    assert reply.body["hookSpecificOutput"]["updatedToolOutput"] == [{"type": "text", "text": READ}]


def test_a_call_in_a_string_is_read_as_what_it_is(policy: str) -> None:
    made = {**event("copilot", "call"), "toolArgs": json.dumps({"command": MAIL})}
    reply = respond(agent("copilot"), json.dumps(made).encode(), policy)
    assert reply.body is not None
    assert reply.body["modifiedArgs"] == {"command": "write to {EMAIL}"}


MALFORMED = [
    ("claude-code", b"\xff", "is not UTF-8 at byte 0"),
    ("claude-code", b'{"a": 1,\n}', "is not JSON at line 2, column 1"),
    ("claude-code", b"[]", "must be a JSON object"),
    ("claude-code", b"[" * 100_000, "nested too deeply"),
    ("claude-code", b"", "is not JSON at line 1"),
    ("claude-code", b"{}", "hook_event_name: is missing"),
    ("claude-code", b'{"hook_event_name": "Stop"}', "hook_event_name: is none of SessionStart"),
    ("claude-code", b'{"hook_event_name": "UserPromptSubmit", "prompt": 7}', "prompt: must be a string"),
    ("claude-code", b'{"hook_event_name": "PreToolUse", "tool_name": "Bash"}', "tool_input: is missing"),
    ("claude-code", b'{"hook_event_name": "PostToolUse", "tool_name": "Bash"}', "tool_response: is missing"),
    ("claude-code", b'{"hook_event_name": "PostToolBatch", "tool_calls": [7]}', "tool_calls[0]: must be an object"),
    ("codex", b'{"hook_event_name": "PreToolUse", "tool_input": {}}', "tool_name: is missing"),
    ("copilot", b"{}", "neither toolName nor prompt nor source"),
    ("copilot", b'{"toolName": "bash"}', "toolArgs: is missing"),
    ("copilot", b'{"hook_event_name": "PreToolUse"}', "hook_event_name: this is the other spelling"),
]


@pytest.mark.parametrize(("name", "data", "place"), MALFORMED)
def test_what_is_malformed_stops_the_agent_and_names_the_place(policy: str, name: str, data: bytes, place: str) -> None:
    reply = respond(agent(name), data, policy)
    assert reply.code == BLOCKS
    assert place in reply.error


@every
def test_what_cannot_be_decided_is_refused(tmp_path: Path, name: str, moment: str) -> None:
    """At every event: by the exit code, or in the words that take the result away."""
    reply = answered(str(tmp_path / "nothing.yaml"), name, moment, "hello")
    said = json.dumps(reply.body) + reply.error
    assert "there is no such policy file" in said
    assert reply.code == BLOCKS or {"updatedToolOutput", "continue", "modifiedResult", "decision"} & set(
        {*(reply.body or {}), *(reply.body or {}).get("hookSpecificOutput", {})}
    )


def test_a_large_event_is_refused(policy: str) -> None:
    reply = respond(agent("claude-code"), b'{"a": "' + b"x" * 16_000_000 + b'"}', policy)
    assert (reply.code, reply.error) == (BLOCKS, "guardrails: the event has more than 16,000,000 bytes")


SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20)
JSON = st.recursive(SCALARS, lambda v: st.lists(v, max_size=3) | st.dictionaries(st.text(max_size=12), v, max_size=3))


@given(
    JSON, st.sampled_from([k for k in EVENTS if k[1] in ("call", "result", "batch")]), st.sampled_from([SECRET, MAIL])
)
def test_wherever_it_stands_it_does_not_pass(content: Any, where: tuple[str, str], text: str) -> None:
    """A text that the policy acts on, anywhere in arguments or a result of any shape, is neither passed over nor repeated."""
    name, moment = where
    made: dict[str, Any] = dict(event(name, moment))
    held = {"around": [content, {"inner": text}]}
    match moment, name:
        case "call", _:
            made["toolArgs" if name == "copilot" else "tool_input"] = held
        case "batch", _:
            made["tool_calls"] = [{"tool_response": held}]
        case _, "copilot":
            made["toolResult"] = {"resultType": "success", "textResultForLlm": "x", "more": held}
        case _:
            made["tool_response"] = held
    read = AGENTS[name].read(parse(json.dumps(made).encode(), 1_000_000))  # as it comes over a pipe
    reply = AGENTS[name].answer(read, judge(read, GUARD))
    assert reply.body
    assert "kingfisher" not in json.dumps(reply.body)
    assert "bob@example.com" not in json.dumps(reply.body)


GUARD = Guard(loads(POLICY))


@given(JSON)
def test_what_is_withheld_keeps_its_shape_and_says_nothing(content: Any) -> None:
    made = withheld({"a": content}, "no")
    strings = [s for s in _strings(made) if s not in ("", "a", "no")]
    assert all(s.isidentifier() or s in ("resource_link",) for s in strings)
    assert withheld(made, "no") == made


def _strings(value: Any) -> list[str]:
    match value:
        case str():
            return [value]
        case list():
            return [s for v in value for s in _strings(v)]
        case dict():
            return [*value, *(s for v in value.values() for s in _strings(v))]
    return []


def test_every_event_of_an_agent_was_recorded() -> None:
    assert {(n, m) for n, m in EVENTS} == {(a.name, m.value) for a in AGENTS.values() for m in a.events.values()}
    assert {m.value for m in Moment} == {m for _, m in EVENTS}


@pytest.mark.parametrize("name", AGENTS)
def test_a_call_that_somebody_may_confirm_is_asked_about_where_an_agent_can_ask(name: str, tmp_path: Path) -> None:
    path = tmp_path / "asking.yaml"
    text = "version: 1\nname: asking\ntools: {default: {verdict: deny, ask: true}}\nwords: {terms: [kingfisher]}\n"
    path.write_text(text, encoding="utf-8")
    said = json.dumps(answered(str(path), name, "call", "hello").body or "")
    refused = json.dumps(answered(str(path), name, "call", SECRET).body or "")
    assert '"allow"' not in said
    assert ('"ask"' in said) is (name != "codex")
    assert '"ask"' not in refused
    if name == "codex":
        assert "deny" in said


TOOLS = """
version: 1
name: small
tools:
  default: deny
  calls:
    - {name: mail, tools: [mcp__mail__send], allow: true, ask: true, arguments: {to: {hosts: [acme.com]}}}
    - {name: Bash, allow: true, arguments: {command: {matches: "ls.*"}}}
"""


@pytest.mark.parametrize(
    ("tool", "arguments", "permission"),
    [
        ("Bash", {"command": "ls -l"}, Permission.ALLOW),
        ("Bash", {"command": "rm -r ."}, Permission.DENY),
        ("Write", {"file_path": "a"}, Permission.DENY),
        ("mcp__mail__send", {"to": "bob@acme.com"}, Permission.ALLOW),
        ("mcp__mail__send", {"to": "bob@elsewhere.example"}, Permission.ASK),
    ],
)
def test_rules_for_tools_hold_and_ask_in_the_agents_own_way(tool: str, arguments: Any, permission: Permission) -> None:
    made = {**event("claude-code", "call"), "tool_name": tool, "tool_input": arguments}
    read = agent("claude-code").read(made)
    found = judge(read, Guard(loads(TOOLS)))
    assert found.permission is permission
    reply = agent("claude-code").answer(read, found)
    said = (reply.body or {}).get("hookSpecificOutput", {})
    assert said.get("permissionDecision") == (None if permission is Permission.ALLOW else permission.value)
    assert "updatedInput" not in said or said["updatedInput"] == arguments


SERVERS = """
version: 1
name: small
tools:
  calls:
    - {name: nothing-of-evil, tools: ["*"], server: evil, allow: false}
    - {name: few, tools: [send], server: mail, rate: 2, ask: true}
    - {name: asked, tools: [post], server: mail, allow: false, ask: true}
words: {terms: [project kingfisher]}
pii: {entities: {EMAIL: mask}}
"""


def judged(guard: Guard, tool: str, arguments: Any, name: str = "claude-code") -> Any:
    return judge(agent(name).read({**event(name, "call"), "tool_name": tool, "tool_input": arguments}), guard)


@pytest.mark.parametrize("name", ["claude-code", "codex"])
def test_a_rule_about_a_server_is_about_no_tool_of_the_agents_own(name: str) -> None:
    guard = Guard(loads(SERVERS))
    assert judged(guard, "mcp__evil__read", {"a": 1}, name).permission is Permission.DENY
    assert judged(guard, "Bash", {"command": "ls"}, name).permission is Permission.ALLOW
    assert judged(guard, "mcp__mail__read", {"a": 1}, name).permission is Permission.ALLOW


def test_a_call_is_judged_once() -> None:
    """A rate of two lets two calls pass, and what is asked about spends nothing twice."""
    guard = Guard(loads(SERVERS))
    found = [judged(guard, "mcp__mail__send", {"n": 1}).permission for _ in range(4)]
    assert found == [Permission.ALLOW, Permission.ALLOW, Permission.ASK, Permission.ASK]


def test_what_is_asked_about_is_masked_and_what_may_not_be_said_is_not_asked_about() -> None:
    guard = Guard(loads(SERVERS))
    asked = judged(guard, "mcp__mail__post", {"to": "bob@example.com", "n": 7})
    assert (asked.permission, asked.content) == (Permission.ASK, {"to": "{EMAIL}", "n": 7})
    assert "tools.asked" in asked.told
    assert judged(guard, "mcp__mail__post", {"text": SECRET}).permission is Permission.DENY
