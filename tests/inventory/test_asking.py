"""Asking servers what tools they have."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from guardrails.errors import GuardrailsError
from guardrails.inventory import listed
from tests.inventory.serving import TOOLS, command, serving


@pytest.mark.parametrize("kind", ["old", "new"])
@pytest.mark.parametrize("size", [1, 5])
def test_a_command_of_any_revision_is_asked_for_all_pages(tmp_path: Path, kind: str, size: int) -> None:
    assert listed(command(tmp_path, kind=kind, size=size)) == TOOLS


@pytest.mark.parametrize("kind", ["old", "new"])
@pytest.mark.parametrize("events", [False, True])
def test_an_address_of_any_revision(kind: str, events: bool) -> None:
    with serving(kind=kind, events=events) as (url, seen):
        assert listed([url]) == TOOLS
    methods = [method for method, _ in seen]
    if kind == "old":
        assert methods == ["initialize", "notifications/initialized", "tools/list", "DELETE"]
        assert seen[2][1]["mcp-protocol-version"] == "2025-06-18"
    else:
        assert methods == ["initialize", "tools/list"]
        assert seen[1][1]["mcp-protocol-version"] == "2026-07-28"
        assert seen[1][1]["mcp-method"] == "tools/list"


def test_a_token_is_sent_and_asked_for() -> None:
    with serving(token="t-1") as (url, _):
        assert listed([url], token="t-1") == TOOLS
        with pytest.raises(GuardrailsError, match="--token-env"):
            listed([url])


@pytest.mark.parametrize(
    "wrap", [lambda t: t, lambda t: {"tools": t}, lambda t: {"jsonrpc": "2.0", "id": 1, "result": {"tools": t}}]
)
def test_a_saved_answer(tmp_path: Path, wrap: object) -> None:
    path = tmp_path / "saved.json"
    path.write_text(json.dumps(wrap(TOOLS)), encoding="utf-8")  # type: ignore[operator]
    assert listed([str(path)]) == TOOLS


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("{", "JSON"),
        ('{"a": 1}', "holds no tools"),
        ('{"tools": [], "nextCursor": "x"}', "first page"),
        ('{"tools": [], "tools": []}', "twice"),
    ],
)
def test_what_is_no_saved_answer(tmp_path: Path, text: str, why: str) -> None:
    path = tmp_path / "saved.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(GuardrailsError, match=why):
        listed([str(path)])


def test_servers_that_do_not_answer(tmp_path: Path) -> None:
    with pytest.raises(GuardrailsError, match="cannot be run"):
        listed([str(tmp_path / "nothing")])
    with pytest.raises(GuardrailsError, match="ended before it answered"):
        listed([sys.executable, "-c", "pass"])
    with pytest.raises(GuardrailsError, match="no answer in time"):
        listed([sys.executable, "-c", "import time; time.sleep(60)"], seconds=0.5)
    with pytest.raises(GuardrailsError, match="cannot be asked"):
        listed(["http://127.0.0.1:1/mcp"])


def test_a_list_without_end_is_not_read_to_its_end(tmp_path: Path) -> None:
    endless = (
        "import json, sys\n"
        "for line in sys.stdin:\n"
        "    said = json.loads(line)\n"
        "    if 'id' in said:\n"
        "        result = {'tools': [{'name': 'a'}], 'nextCursor': 'x', 'protocolVersion': '2025-11-25'}\n"
        "        print(json.dumps({'jsonrpc': '2.0', 'id': said['id'], 'result': result}), flush=True)\n"
    )
    with pytest.raises(GuardrailsError, match="does not end"):
        listed([sys.executable, "-c", endless])


def test_an_error_of_a_server_is_safe_to_print(tmp_path: Path) -> None:
    with pytest.raises(GuardrailsError) as told:
        listed(command(tmp_path, kind="neither"))
    assert "<U+001B>" in str(told.value)
    assert "\x1b" not in str(told.value)
