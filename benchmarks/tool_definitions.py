"""Definitions of tools under ``tool_definitions: judge``: how many ordinary ones are blocked, and how many poisoned ones.

python -m benchmarks.tool_definitions lists --fetch node_modules   # asks the servers that are installed there; then
python -m benchmarks.tool_definitions lists

Ordinary definitions are others', so none are kept here: ``--fetch`` takes the folder of ``npm install --ignore-scripts`` with the
packages in ``SERVERS`` and writes what each server lists; `guardrails tools list --json` writes the same for any other. Poisoned ones are
``benchmarks/tool_definitions_poisoned.py``. Each definition is a request of its own in OpenAI's chat format, as the proxy gets it.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from benchmarks.agentdojo import share
from benchmarks.tool_definitions_poisoned import POISONED
from guardrails import Guard
from guardrails.cache import Verdicts
from guardrails.exchange import Exchange, Tenancy
from guardrails.policy import loads
from guardrails.wire.openai_chat import Chat

POLICY = """
version: 1
name: definitions
metadata: {owner: benchmarks@example.com}
limits: {deadline_ms: 600000}
tool_definitions: judge
content: {PROMPT_ATTACK: {input: HIGH, output: NONE}}
"""
# Packages of npm, the arguments they need to start, and the variables: values that lead nowhere, since nothing is called.
SERVERS: dict[str, tuple[Sequence[str], dict[str, str]]] = {
    "@modelcontextprotocol/server-everything": ((), {}),
    "@modelcontextprotocol/server-filesystem": (("/tmp",), {}),  # noqa: S108 - nothing is written
    "@modelcontextprotocol/server-memory": ((), {}),
    "@modelcontextprotocol/server-sequential-thinking": ((), {}),
    "@modelcontextprotocol/server-github": ((), {}),
    "@modelcontextprotocol/server-gitlab": ((), {"GITLAB_PERSONAL_ACCESS_TOKEN": "none"}),
    "@modelcontextprotocol/server-slack": ((), {"SLACK_BOT_TOKEN": "none", "SLACK_TEAM_ID": "none"}),
    "@modelcontextprotocol/server-postgres": (("postgresql://127.0.0.1:9/none",), {}),
    "@modelcontextprotocol/server-brave-search": ((), {"BRAVE_API_KEY": "none"}),
    "@modelcontextprotocol/server-google-maps": ((), {"GOOGLE_MAPS_API_KEY": "none"}),
    "@modelcontextprotocol/server-puppeteer": ((), {}),
    "@playwright/mcp": ((), {}),
    "airtable-mcp-server": ((), {"AIRTABLE_API_KEY": "none"}),
    "exa-mcp-server": ((), {"EXA_API_KEY": "none"}),
    "tavily-mcp": ((), {"TAVILY_API_KEY": "none"}),
}


def fetch(into: Path, modules: Path) -> None:
    """Write the list of each server that is installed in ``modules`` (a folder ``node_modules``), and has none yet."""
    import os

    from guardrails.errors import GuardrailsError
    from guardrails.inventory import listed

    into.mkdir(exist_ok=True)
    for package, (arguments, variables) in SERVERS.items():
        manifest = modules / package / "package.json"
        if list(into.glob(f"{package.replace('/', '-')}@*.json")):
            continue
        if not manifest.exists():
            print(f"{package}: not installed in {modules}")
            continue
        about = json.loads(manifest.read_text(encoding="utf-8"))
        main = about["bin"] if isinstance(about["bin"], str) else next(iter(about["bin"].values()))
        os.environ.update(variables)
        try:
            tools = listed(["node", str(modules / package / main), *arguments], seconds=600)
        except GuardrailsError as error:
            print(f"{package}: {error}")
            continue
        target = into / f"{package.replace('/', '-')}@{about['version']}.json"
        target.write_text(json.dumps({"tools": tools}), encoding="utf-8")
        print(f"{package} {about['version']}: {len(tools)}", flush=True)


def request(tool: dict[str, Any]) -> dict[str, Any]:
    """A request that brings a definition, and what an MCP client makes of it: titles and schemas stay where they are."""
    rest = {key: value for key, value in tool.items() if key not in ("name", "description", "inputSchema")}
    function = {
        "name": tool["name"],
        "description": tool.get("description", ""),
        "parameters": tool.get("inputSchema", {}),
    }
    return {
        "model": "m",
        "messages": [{"role": "user", "content": "Hello"}],
        "tools": [{"type": "function", "function": {**function, **rest}}],
    }


class Judge:
    """Whether a definition is blocked."""

    def __init__(self) -> None:
        self._tenancy = Tenancy("benchmark", Guard(loads(POLICY)), b"benchmark" * 4)
        self._verdicts = Verdicts()

    def blocked(self, tool: dict[str, Any]) -> bool:
        decision = Exchange(self._tenancy, Chat.open(request(tool)), verdicts=self._verdicts).request()
        if decision.failures:
            raise SystemExit(f"a definition could not be judged: {decision.failures[0]}")
        return decision.blocked


def ordinary(folder: Path) -> Iterable[tuple[str, dict[str, Any]]]:
    """The server and the definition of every tool in a folder of lists."""
    from guardrails.inventory import listed

    for path in sorted(folder.glob("*.json")):
        for tool in listed([str(path)]):
            yield path.stem, tool


def main() -> None:
    """Print both tables."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("lists", type=Path, help="a folder of lists")
    options.add_argument(
        "--fetch", type=Path, metavar="NODE_MODULES", help="ask the servers in this folder, and write the lists"
    )
    given = options.parse_args()
    if given.fetch is not None:
        fetch(given.lists, given.fetch)
        return
    judge = Judge()
    alarms: Counter[str] = Counter()
    totals: Counter[str] = Counter()
    for server, tool in ordinary(given.lists):
        totals[server] += 1
        if judge.blocked(tool):
            alarms[server] += 1
            print(f"blocked: {server} {tool['name']}", flush=True)
    print("\n| server | blocked |\n|---|---:|")
    for server, count in totals.items():
        print(f"| {server} | {alarms[server]} of {count} |")
    print(f"| **all** | {share(alarms.total(), totals.total())} |")
    caught: Counter[str] = Counter()
    places: Counter[str] = Counter()
    for place, tool in POISONED:
        places[place] += 1
        caught[place] += judge.blocked(tool)
    print("\n| poisoned: where the order stands | blocked |\n|---|---:|")
    for place, count in places.items():
        print(f"| {place} | {caught[place]} of {count} |")
    print(f"| **all** | {share(caught.total(), places.total())} |")


if __name__ == "__main__":
    main()
