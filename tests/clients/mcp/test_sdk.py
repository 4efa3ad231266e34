"""The official SDK and FastMCP, clients and servers, through the proxy and the wrapper, unmodified."""

from __future__ import annotations

import asyncio
import importlib.metadata
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from tests.clients.proxied import ROOT, needs, python

pytestmark = needs("mcp", "pydantic")
MAJOR = int(importlib.metadata.version("mcp").split(".")[0]) if find_spec("mcp") else 0
KINDS = [kind for kind, module in (("sdk", "mcp"), ("fastmcp", "fastmcp")) if find_spec(module)]
SERVER = str(Path(__file__).with_name("server.py"))
POLICY = """
version: 1
name: tools
messages: {blocked_input: What the tool said was withheld., blocked_output: The call was refused.}
words: {terms: [{id: secret, terms: [magnolia], action: block}]}
pii: {entities: {EMAIL: mask}}
"""
OURS = [python(), "-m", "onepolicy_guardrails"]
ENV = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUTF8": "1"}


def free_port() -> int:
    with socket.socket() as made:
        made.bind(("127.0.0.1", 0))
        port: int = made.getsockname()[1]
        return port


def wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    for _ in range(6_000):
        assert process.poll() is None, "it ended"
        with socket.socket() as made:
            if made.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)
    raise AssertionError("it did not start")


@pytest.fixture(scope="module")
def policy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("policy") / "tools.yaml"
    path.write_text(POLICY, encoding="utf-8")
    return path


@pytest.fixture(scope="module", params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def url(policy: Path, kind: str) -> Iterator[str]:
    """A server behind the proxy."""
    behind, front = free_port(), free_port()
    quiet: dict[str, Any] = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    with (
        subprocess.Popen([sys.executable, SERVER, kind, str(behind)], env=ENV, **quiet) as server,
        subprocess.Popen(
            [*OURS, "proxy", "--upstream", f"http://127.0.0.1:{behind}", "--policies", str(policy), "--port", str(front)],
            env=ENV, **quiet,
        ) as proxy,
    ):  # fmt: skip
        try:
            wait_for(behind, server)
            wait_for(front, proxy)
            yield f"http://127.0.0.1:{front}/mcp"
        finally:
            proxy.terminate()
            server.terminate()


class Talk:
    """One client's session, whatever it is written in."""

    def __init__(self, client: Any) -> None:
        self.client = client
        self.elicited: list[str] = []
        self.sampled: list[str] = []
        self.progress: list[str] = []

    async def elicit(self, *args: Any) -> Any:
        message = args[0] if isinstance(args[0], str) else args[1].message
        self.elicited.append(message)
        name = "magnolia" if "a flower" in message else "bob@example.com"
        if isinstance(args[0], str):  # FastMCP's
            return {"name": name}
        return types().ElicitResult(action="accept", content={"name": name})

    async def sample(self, *args: Any) -> Any:
        messages = args[0] if isinstance(args[0], list) else args[1].messages
        self.sampled.append(
            messages[0].content.text if not isinstance(messages[0].content, list) else messages[0].content[0].text
        )
        if isinstance(args[0], list):
            return "I wrote to bob@example.com"
        text = types().TextContent(type="text", text="I wrote to bob@example.com")
        return types().CreateMessageResult(role="assistant", content=text, model="canned")

    async def told(self, progress: float, total: float | None, message: str | None) -> None:
        self.progress.append(message or "")

    async def call(self, name: str, /, **arguments: Any) -> tuple[bool, str, Any]:
        """Whether it failed, what it says, and its structured result."""
        more = {"raise_on_error": False} if hasattr(self.client, "is_connected") else {}
        key = "progress_handler" if more else "progress_callback"
        result = await self.client.call_tool(name, arguments, **{key: self.told}, **more)
        failed = getattr(result, "is_error", None)
        failed = result.isError if failed is None else failed
        structured = getattr(result, "structured_content", None) or getattr(result, "structuredContent", None)
        return bool(failed), "".join(getattr(c, "text", "") for c in result.content), structured

    async def tools(self) -> list[str]:
        listed = await self.client.list_tools()
        return [tool.name for tool in getattr(listed, "tools", listed)]

    async def read(self, uri: str) -> str:
        read = await self.client.read_resource(uri)
        return str(getattr(read, "contents", read)[0].text)

    async def prompt(self, name: str, /, **arguments: str) -> str:
        got = await self.client.get_prompt(name, arguments)
        return str(got.messages[0].content.text)


def types() -> Any:
    if MAJOR >= 2:
        import mcp_types

        return mcp_types
    from mcp import types as older

    return older


@asynccontextmanager
async def sdk_two(target: Any, mode: str) -> Any:
    from mcp.client import Client

    talk = Talk(None)
    async with Client(target, mode=mode, elicitation_callback=talk.elicit, sampling_callback=talk.sample) as client:
        talk.client = client
        yield talk, client.instructions


@asynccontextmanager
async def sdk_one(target: Any, _: str) -> Any:
    from mcp import ClientSession
    from mcp.client.streamable_http import streamablehttp_client

    talk = Talk(None)
    transport = streamablehttp_client(target) if isinstance(target, str) else target
    async with (
        transport as streams,
        ClientSession(
            streams[0], streams[1], elicitation_callback=talk.elicit, sampling_callback=talk.sample
        ) as session,
    ):
        begun = await session.initialize()
        talk.client = session
        yield talk, begun.instructions


@asynccontextmanager
async def fast(target: Any, _: str) -> Any:
    from fastmcp import Client

    talk = Talk(None)
    async with Client(target, elicitation_handler=talk.elicit, sampling_handler=talk.sample) as client:
        talk.client = client
        yield talk, INSTRUCTIONS


INSTRUCTIONS = "Notes of a team. Questions go to {EMAIL}."


def talking(kind: str, target: Any, mode: str) -> AbstractAsyncContextManager[tuple[Talk, str]]:
    if kind == "fastmcp":
        return fast(target, mode)  # type: ignore[no-any-return]
    return (sdk_two if MAJOR >= 2 else sdk_one)(target, mode)  # type: ignore[no-any-return]


def wrapped(kind: str, policy: Path) -> Any:
    """A server behind the wrapper, as a client starts it."""
    args = [*OURS[1:], "mcp", "--policy", str(policy), "--", sys.executable, SERVER, kind, "stdio"]
    if kind == "fastmcp":
        from fastmcp.client.transports import StdioTransport

        return StdioTransport(command=OURS[0], args=args, env=ENV)
    from mcp.client.stdio import StdioServerParameters, stdio_client

    return stdio_client(StdioServerParameters(command=OURS[0], args=args, env=ENV))


MODES = ["auto", "legacy"] if MAJOR >= 2 else ["legacy"]


async def everything(talk: Talk, instructions: str, mode: str, kind: str) -> None:
    assert instructions == INSTRUCTIONS
    tools = await talk.tools()
    assert "echo" in tools
    assert "planted" not in tools

    assert (await talk.call("echo", text="hello"))[:2] == (False, "hello")
    assert (await talk.call("echo", text="to bob@example.com"))[:2] == (False, "to {EMAIL}")
    ran = (await talk.call("called"))[1]
    assert (await talk.call("echo", text="magnolia"))[:2] == (True, "The call was refused.")
    assert (await talk.call("called"))[1] == ran
    assert (await talk.call("secret"))[:2] == (True, "What the tool said was withheld.")

    failed, text, structured = await talk.call("person", name="Ann")
    assert not failed
    assert structured == {"name": "Ann", "email": "{EMAIL}"}
    assert "{EMAIL}" in text

    assert (await talk.call("slow"))[1] == "done"
    assert talk.progress == [f"asked {{EMAIL}} {step}" for step in range(3)]
    assert await talk.read("notes://all") == "Write to {EMAIL}."
    assert await talk.prompt("review", code="x = 1") == "Review this for {EMAIL}: x = 1"
    if mode == "legacy" and kind == "sdk":
        await asked_by_requests(talk)
    if mode == "auto" and kind == "sdk":
        await asked_by_results(talk)


async def asked_by_requests(talk: Talk) -> None:
    assert (await talk.call("ask", about="ann@example.com"))[1] == "accept: {EMAIL}"
    assert talk.elicited == ["Your name? It is about {EMAIL}"]
    # What the person says may not leave. The server is told so, and its tool fails: by a result in 1.x, by an error in 2.x.
    try:
        failed, text, _ = await talk.call("ask", about="a flower")
    except Exception as error:
        failed, text = True, str(error)
    assert failed
    assert "magnolia" not in text
    assert "The call was refused." in text
    assert (await talk.call("think", about="ann@example.com"))[1] == "I wrote to {EMAIL}"
    assert talk.sampled == ["Say something about {EMAIL}"]


async def asked_by_results(talk: Talk) -> None:
    assert (await talk.call("ask_first", about="ann@example.com"))[1] == "round-1: {EMAIL}"
    assert talk.elicited == ["Your name? It is about {EMAIL}"]
    assert (await talk.call("ask_first", about="a flower"))[:2] == (True, "The call was refused.")


@pytest.mark.parametrize("mode", MODES)
def test_over_http(url: str, kind: str, mode: str) -> None:
    async def run() -> None:
        async with talking(kind, url, mode) as (talk, instructions):
            await everything(talk, instructions, mode, kind)

    asyncio.run(asyncio.wait_for(run(), 120))


@pytest.mark.parametrize("mode", MODES)
def test_over_stdio(policy: Path, kind: str, mode: str) -> None:
    async def run() -> None:
        async with talking(kind, wrapped(kind, policy), mode) as (talk, instructions):
            await everything(talk, instructions, mode, kind)

    asyncio.run(asyncio.wait_for(run(), 120))


@pytest.mark.parametrize("mode", MODES)
def test_definitions_are_the_same_whoever_asks(tmp_path: Path, kind: str, mode: str) -> None:
    """What `guardrails tools approve` pins is what clients of every revision are shown: nothing of it counts as changed."""
    policy = tmp_path / "policy.yaml"
    policy.write_text("version: 1\nname: pinned\ntools: {lock: tools.lock}\n", encoding="utf-8")
    ours = [*OURS, "tools", "approve", "--lock", str(tmp_path / "tools.lock")]
    subprocess.run(
        [*ours, sys.executable, SERVER, kind, "stdio"], env=ENV, check=True, stdout=subprocess.DEVNULL, timeout=120
    )

    async def run() -> None:
        async with talking(kind, wrapped(kind, policy), mode) as (talk, _):
            assert {"echo", "person", "planted", "slow", "ask", "think"} <= set(await talk.tools())
            assert (await talk.call("echo", text="hello"))[:2] == (False, "hello")

    asyncio.run(asyncio.wait_for(run(), 120))
