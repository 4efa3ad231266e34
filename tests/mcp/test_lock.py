"""Definitions that are pinned: what a client sees of a server's list, what it may call, and a policy whose lock is not there."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guardrails import Guard
from guardrails.calls import Definition
from guardrails.detectors.toollock import Lock
from guardrails.errors import PolicyError
from guardrails.exchange import Tenancy
from guardrails.policy import explain, lint, load
from guardrails.tenants import Tenants
from guardrails.types import Action
from tests.inventory.serving import TOOLS, command
from tests.mcp.checking import CLIENT, SERVER, Checking, answer, request
from tests.tenants.conftest import caller

SEND, READ = TOOLS


def written(folder: Path, tools: Any = TOOLS, server: str = "mail", more: str = "") -> Path:
    """A policy with a lock beside it."""
    pinned = Lock().pin(server, [Definition.of(tool, server) for tool in tools])
    (folder / "tools.lock").write_bytes(pinned.write())
    path = folder / "policy.yaml"
    path.write_text(
        f"version: 1\nname: agent\nmetadata: {{owner: me}}\n{more or 'tools: {lock: tools.lock}'}\n", encoding="utf-8"
    )
    return path


def checking(policy: Path, server: str | None = "mail") -> Checking:
    made = Checking(server=server)
    made.tenancy = Tenancy("default", Guard(load(policy)), b"secret")
    return made


def names(check: Checking, *tools: Any, **more: Any) -> list[str]:
    passed = check(answer(tools=list(tools), **more), SERVER)
    assert not passed.blocked
    return [tool["name"] for tool in passed.onward["result"]["tools"]]


def found(check: Checking) -> list[tuple[str, str]]:
    assert check.decision is not None
    return [(x.path, x.finding.type) for x in check.decision.findings]


def test_only_pinned_definitions_are_shown(tmp_path: Path) -> None:
    check = checking(written(tmp_path))
    changed, renamed = {**READ, "description": "Reads ~/.ssh"}, {**SEND, "name": "Send"}
    passed = check(
        answer(tools=[SEND, changed, renamed, {"name": "new"}, "no tool"], nextCursor="c", cacheScope="public"), SERVER
    )
    assert passed.onward["result"] == {"tools": [SEND], "nextCursor": "c", "cacheScope": "private"}
    assert found(check) == [
        ("result.tools[1]", "CHANGED"), ("result.tools[2]", "RENAMED"), ("result.tools[3]", "UNPINNED"), ("result.tools[4]", "UNPINNED"),
    ]  # fmt: skip
    assert names(check, SEND, READ) == ["send", "read"]
    assert check.decision is not None
    assert check.decision.action is Action.NONE


@pytest.mark.parametrize("server", [None, "other", "Mail"])
def test_a_tool_of_another_server_is_not_pinned(tmp_path: Path, server: str | None) -> None:
    assert names(checking(written(tmp_path), server), SEND) == []
    assert checking(written(tmp_path), server)(request("tools/call", name="send"), CLIENT).blocked


def test_a_server_without_a_name_is_one_too(tmp_path: Path) -> None:
    check = checking(written(tmp_path, server=""), None)
    assert names(check, SEND, READ) == ["send", "read"]
    assert not check(request("tools/call", name="send"), CLIENT).blocked
    assert check(request("tools/call", name="new"), CLIENT).blocked


def test_what_is_not_shown_is_not_called(tmp_path: Path) -> None:
    check = checking(written(tmp_path))
    assert not check(request("tools/call", name="read"), CLIENT).blocked  # its server has not listed it yet
    names(check, SEND, {**READ, "description": "other"})
    assert not check(request("tools/call", name="send"), CLIENT).blocked
    refused = check(request("tools/call", name="read"), CLIENT)
    assert refused.back["result"]["isError"] is True
    assert found(check) == [("params", "CHANGED")]
    assert check(request("tools/call", name="new"), CLIENT).blocked
    names(check, READ)  # it is what it was
    assert not check(request("tools/call", name="read"), CLIENT).blocked


def test_a_tool_that_one_list_describes_in_two_ways_is_neither(tmp_path: Path) -> None:
    check = checking(written(tmp_path))
    assert names(check, SEND, {**SEND, "description": "other"}) == ["send"]
    assert check(request("tools/call", name="send"), CLIENT).blocked


def test_detect_reports_and_lets_pass(tmp_path: Path) -> None:
    check = checking(written(tmp_path, more="tools: {lock: {file: tools.lock, action: detect}}"))
    assert names(check, SEND, {"name": "new"}) == ["send", "new"]
    assert found(check) == [("result.tools[1]", "UNPINNED")]
    assert not check(request("tools/call", name="new"), CLIENT).blocked
    assert found(check) == [("params", "UNPINNED")]


def test_what_is_pinned_is_inspected_all_the_same(tmp_path: Path) -> None:
    more = "tools: {lock: tools.lock}\nwords: {terms: [inbox]}"
    assert names(checking(written(tmp_path, more=more)), SEND, READ) == ["send"]


def test_other_calls_of_servers_are_judged_by_their_names(tmp_path: Path) -> None:
    """Hooks of coding agents, and hosted servers in chat APIs; functions of a chat API's client are no server's."""
    guard = Guard(load(written(tmp_path)))
    assert guard.check_call("mcp__mail__send", {}).allowed
    assert not guard.check_call("mcp__mail__new", {}).allowed
    assert not guard.check_call("mcp__other__send", {}).allowed
    assert guard.check_call("send", {}, "mail").allowed
    assert not guard.check_call("send", {}, "other").allowed
    assert guard.check_call("Bash", {}).allowed


@given(st.data())
@settings(deadline=None, max_examples=60)
def test_no_definition_but_the_pinned_ones_is_ever_shown(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    text = st.sampled_from(["send", "read", "Sends a mail.", "x", ""])
    item = st.sampled_from(TOOLS) | st.dictionaries(st.sampled_from(["name", "description", "title"]), text) | text
    tools = data.draw(st.lists(item, max_size=6))
    check = checking(written(tmp_path_factory.mktemp("lock")))
    passed = check(answer(tools=tools), SERVER)
    assert passed.onward["result"]["tools"] == [tool for tool in tools if tool in TOOLS]


@pytest.mark.parametrize("damage", ["missing", "empty", "by hand"])
def test_a_policy_whose_lock_cannot_be_used_does_not_load(tmp_path: Path, damage: str) -> None:
    path = written(tmp_path)
    lock = tmp_path / "tools.lock"
    if damage == "missing":
        lock.unlink()
    elif damage == "empty":
        lock.write_bytes(b"")
    else:
        lock.write_text(lock.read_text(encoding="utf-8").replace("Sends a mail.", "Sends mail."), encoding="utf-8")
    with pytest.raises(PolicyError) as told:
        load(path)
    assert [p.code for p in told.value.problems] == ["not-found" if damage == "missing" else "lock-refused"]
    assert "tools.lock" in str(told.value)


def test_the_lock_is_part_of_what_a_policy_is(tmp_path: Path) -> None:
    path = written(tmp_path)
    before = load(path)
    assert before.identity.files == ("policy.yaml", "tools.lock")
    written(tmp_path, [SEND])
    after = load(path)
    assert after.identity.sha256 != before.identity.sha256
    assert ("tools.lock.file", "tools.lock") in {(s.key, s.value) for s in explain(after)}
    assert [p for p in lint(path) if p.severity == "error"] == []


def test_a_child_keeps_to_an_enforced_lock(tmp_path: Path) -> None:
    written(tmp_path, more="tools: {lock: tools.lock}\nenforced: [tools.lock]")
    (tmp_path / "other.lock").write_bytes(Lock().pin("mail", [Definition.of({"name": "new"}, "mail")]).write())
    child = tmp_path / "child.yaml"
    for says in ("tools: {lock: other.lock}", "tools: {lock: {file: tools.lock, action: detect}}"):
        child.write_text(f"version: 1\nname: child\nextends: policy.yaml\n{says}\n", encoding="utf-8")
        with pytest.raises(PolicyError, match="weakened"):
            load(child)
    child.write_text("version: 1\nname: child\nextends: policy.yaml\nwords: {terms: [x]}\n", encoding="utf-8")
    assert names(checking(child), SEND, {"name": "new"}) == ["send"]


def test_a_lock_that_is_written_anew_is_put_into_use(tmp_path: Path) -> None:
    tenants = Tenants.open(written(tmp_path))
    first = tenants.resolve(caller()).guard
    written(tmp_path, [SEND])
    tenants.reload()
    second = tenants.resolve(caller()).guard
    assert first.check_call("mcp__mail__read").allowed
    assert not second.check_call("mcp__mail__read").allowed
    (tmp_path / "tools.lock").unlink()
    assert not tenants.reload().ok
    assert tenants.resolve(caller()).guard is second  # the last good one


def test_the_wrapper_shows_a_client_what_is_pinned(tmp_path: Path) -> None:
    policy = written(tmp_path)
    server = command(tmp_path, [SEND, {**READ, "description": "Reads everything."}], "new", 5)
    ask = {**request("tools/list"), "params": {"_meta": {"io.modelcontextprotocol/protocolVersion": "2026-07-28"}}}
    ran = subprocess.run(
        [sys.executable, "-m", "onepolicy_guardrails", "mcp", "--policy", str(policy), "--server", "mail", "--", *server],
        input=json.dumps(ask) + "\n", capture_output=True, text=True, encoding="utf-8", timeout=120,
    )  # fmt: skip
    said = [json.loads(line) for line in ran.stdout.splitlines()]
    assert [one["result"]["tools"] for one in said if "result" in one] == [[SEND]]
    told = [json.loads(line) for line in ran.stderr.splitlines() if line.startswith("{")]
    assert [f["type"] for one in told for f in one["findings"]] == ["CHANGED"]
