"""``guardrails mcp``: a server's command behind the wrapper, as a client runs it."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from guardrails import Guard
from guardrails.decision import Decision
from guardrails.policy import loads
from guardrails.proxy.stdio import Lines
from tests.mcp.checking import CLIENT, MASKED, POLICY, SERVER, WORD, request
from tests.systems import needs_signals

# A server in the fewest words: it answers what it was sent, asks, chatters, and ends with 7.
ECHO = """
import json, sys
print("starting, not JSON", flush=True)
print("on standard error", file=sys.stderr, flush=True)
for line in sys.stdin:
    said = json.loads(line)
    if "method" not in said:
        print(json.dumps({"jsonrpc": "2.0", "method": "notifications/message", "params": {"level": "info", "data": said}}), flush=True)
    elif said["method"] == "resources/read":
        asks = {"jsonrpc": "2.0", "id": "s1", "method": "elicitation/create", "params": {"message": said["params"]["uri"], "requestedSchema": {}}}
        print(json.dumps(asks), flush=True)
    else:
        content = [{"type": "text", "text": json.dumps(said["params"])}]
        print(json.dumps({"jsonrpc": "2.0", "id": said["id"], "result": {"content": content}}), flush=True)
sys.exit(7)
"""


class Wrapped:
    """The wrapper as a process, and the lines that it writes."""

    def __init__(self, folder: Path, *command: str) -> None:
        policy = folder / "policy.yaml"
        policy.write_text(POLICY, encoding="utf-8")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "onepolicy_guardrails", "mcp", "--policy", str(policy), "--", *command],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
        )

    def say(self, message: Any) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write((message if isinstance(message, str) else json.dumps(message)) + "\n")
        self.process.stdin.flush()

    def hear(self) -> Any:
        assert self.process.stdout is not None
        return json.loads(self.process.stdout.readline())


@pytest.fixture
def echo(tmp_path: Path) -> Iterator[Wrapped]:
    (tmp_path / "echo.py").write_text(ECHO, encoding="utf-8")
    made = Wrapped(tmp_path, sys.executable, str(tmp_path / "echo.py"))
    yield made
    made.process.kill()
    made.process.communicate(timeout=60)


def test_messages_are_checked_both_ways_and_the_status_is_the_servers(echo: Wrapped) -> None:
    echo.say(request("tools/call", name="echo", arguments={"to": MASKED}))
    said = echo.hear()
    assert json.loads(said["result"]["content"][0]["text"])["arguments"] == {"to": "{EMAIL}"}

    echo.say(request("tools/call", name="echo", arguments={"to": WORD}))
    assert echo.hear()["result"]["isError"] is True

    echo.say("no JSON at all")
    assert echo.hear()["error"]["code"] == -32700

    echo.say("")
    out, err = echo.process.communicate(timeout=60)
    assert out == ""
    assert echo.process.returncode == 7
    assert "on standard error" in err
    told = [json.loads(line) for line in err.splitlines() if line.startswith("{")]
    assert [(one["direction"], one["action"]) for one in told] == [("OUTPUT", "MASKED"), ("OUTPUT", "BLOCKED")]
    assert "bob" not in err
    assert "starting, not JSON" not in err


def test_what_a_server_asks_and_may_not_is_answered_by_us(echo: Wrapped) -> None:
    echo.say(request("resources/read", uri="file:///plain"))
    assert echo.hear()["method"] == "elicitation/create"
    echo.say({"jsonrpc": "2.0", "id": "s1", "result": {"action": "accept", "content": {"name": WORD}}})
    told = echo.hear()["params"]["data"]
    assert told["id"] == "s1"
    assert told["error"]["message"] == "The call was refused."


@needs_signals
def test_a_signal_is_passed_on(tmp_path: Path) -> None:
    server = (
        "import signal, sys, time\nsignal.signal(15, lambda *_: sys.exit(9))\nprint('{}', flush=True)\ntime.sleep(60)"
    )
    made = Wrapped(tmp_path, sys.executable, "-c", server)
    made.say(request("ping"))
    made.say("{")
    assert made.hear()["error"]["code"] == -32700  # both are up
    made.process.send_signal(signal.SIGTERM)
    made.process.communicate(timeout=60)
    assert made.process.returncode in {9, 143}  # 143: the signal came before the server had its handler


@needs_signals
def test_a_server_that_a_signal_ended(tmp_path: Path) -> None:
    made = Wrapped(tmp_path, sys.executable, "-c", "import os; os.kill(os.getpid(), 9)")
    made.process.communicate(timeout=60)
    assert made.process.returncode == 137


def test_a_command_that_is_none(tmp_path: Path) -> None:
    made = Wrapped(tmp_path, str(tmp_path / "nothing"))
    _, err = made.process.communicate(timeout=60)
    assert made.process.returncode == 1
    assert "cannot be run" in err


def test_lines_that_are_no_messages() -> None:
    decisions: list[Decision] = []
    lines = Lines(Guard(loads(POLICY)), decided=decisions.append)
    assert lines.check(b"  \r\n", CLIENT) == (None, None)
    assert lines.check(b"\xff", SERVER) == (None, None)
    assert (
        lines.check(b'{"jsonrpc": "2.0", "id": 1, "result": {}}\r', SERVER)[0]
        == b'{"jsonrpc":"2.0","id":1,"result":{}}\n'
    )
    assert lines.check(b"[]", SERVER) == (None, None)
    assert [d.blocked for d in decisions] == [False, True]
