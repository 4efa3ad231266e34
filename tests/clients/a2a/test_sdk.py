"""The official SDK, client and agent, through the proxy, unmodified: both bindings, both revisions, whole and streamed."""

from __future__ import annotations

import asyncio
import http.server
import json
import os
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.clients.proxied import ROOT, needs, python

pytestmark = needs("a2a")
AGENT = str(Path(__file__).with_name("agent.py"))
POLICY = """
version: 1
name: notes
messages: {blocked_input: I was told not to ask., blocked_output: I was told not to say.}
words: {terms: [{id: asked, terms: [magnolia], action: block}, {id: said, terms: [wisteria], input: detect, output: block}]}
pii: {entities: {EMAIL: mask}}
"""
OURS = [python(), "-m", "onepolicy_guardrails"]
ENV = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUTF8": "1"}
BINDINGS = ["JSONRPC", "HTTP+JSON"]
VERSIONS = ["1.0", "0.3"]


def free_port() -> int:
    with socket.socket() as made:
        made.bind(("127.0.0.1", 0))
        port: int = made.getsockname()[1]
        return port


@contextmanager
def started(port: int, *command: str) -> Iterator[str]:
    """A program that listens at a port, while the block runs; its address."""
    quiet: dict[str, Any] = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    with subprocess.Popen(command, env=ENV, **quiet) as process:
        try:
            for _ in range(6_000):
                assert process.poll() is None, "it ended"
                with socket.socket() as made:
                    if made.connect_ex(("127.0.0.1", port)) == 0:
                        break
                time.sleep(0.02)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()


def proxy(port: int, upstream: str, policy: Path, *more: str) -> list[str]:
    return [*OURS, "proxy", "--upstream", upstream, "--policies", str(policy), "--port", str(port), *more]


@dataclass(frozen=True)
class Places:
    """Where the agent is, the proxy in front of it, the one that sees an agent of others in it, and the one in front of the client's own ear."""

    agent: str
    front: str
    called: str
    ear: str
    told: list[Any]

    def heard(self) -> list[str]:
        with urllib.request.urlopen(f"{self.agent}/heard", timeout=30) as answer:  # noqa: S310
            return list(json.load(answer))


class _Ear(http.server.BaseHTTPRequestHandler):
    """Takes notifications."""

    told: list[Any]

    def do_POST(self) -> None:
        self.told.append(json.loads(self.rfile.read(int(self.headers["content-length"]))))
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Places]:
    policy = tmp_path_factory.mktemp("policy") / "notes.yaml"
    policy.write_text(POLICY, encoding="utf-8")
    behind, front, called, ear = (free_port() for _ in range(4))
    told: list[Any] = []
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), type("Ear", (_Ear,), {"told": told}))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    with ExitStack() as stack:
        stack.callback(thread.join)
        stack.callback(server.server_close)
        stack.callback(server.shutdown)
        agent = stack.enter_context(started(behind, sys.executable, AGENT, str(behind), f"http://127.0.0.1:{front}"))
        fronts = [
            stack.enter_context(started(front, *proxy(front, agent, policy))),
            stack.enter_context(started(called, *proxy(called, agent, policy, "--a2a", "called"))),
            stack.enter_context(started(ear, *proxy(ear, f"http://127.0.0.1:{server.server_port}", policy))),
        ]
        yield Places(agent, *fronts, told)


class Talk:
    """A client of the SDK, made from the card as it came through the proxy."""

    def __init__(self, client: Any) -> None:
        self.client = client
        self.task = ""

    async def ask(self, text: str, **more: Any) -> list[Any]:
        """The events that answer a message."""
        from a2a.helpers import new_text_message
        from a2a.types import Role, SendMessageRequest

        request = SendMessageRequest(message=new_text_message(text, role=Role.ROLE_USER), **more)
        got = [event async for event in self.client.send_message(request)]
        for event in got:
            self.task = event.task.id or event.status_update.task_id or self.task
        return got

    async def get(self) -> Any:
        from a2a.types import GetTaskRequest

        return await self.client.get_task(GetTaskRequest(id=self.task))


@asynccontextmanager
async def talking(address: str, binding: str, version: str, *, streaming: bool, url: str = "") -> AsyncIterator[Talk]:
    """A client of an agent. ``url``: where its card says that it is, if that is elsewhere."""
    import httpx
    from a2a.client import A2ACardResolver, ClientConfig, ClientFactory

    async with httpx.AsyncClient(timeout=110) as http:
        card = await A2ACardResolver(http, address).get_agent_card()
        kept = [i for i in card.supported_interfaces if (i.protocol_binding, i.protocol_version) == (binding, version)]
        assert len(kept) == 1
        if url:
            kept[0].url = kept[0].url.replace(url, address)
        del card.supported_interfaces[:]
        card.supported_interfaces.extend(kept)
        config = ClientConfig(streaming=streaming, supported_protocol_bindings=[binding], httpx_client=http)
        yield Talk(ClientFactory(config).create(card))


def text_of(parts: Any) -> str:
    return "".join(part.text for part in parts)


def artifact(events: list[Any]) -> str:
    """The text of the first artifact, whole or from its updates."""
    whole = [a for event in events for a in event.task.artifacts if a.artifact_id == "a-1"]
    updates = [e.artifact_update.artifact for e in events if e.artifact_update.artifact.artifact_id == "a-1"]
    return "".join(text_of(a.parts) for a in (updates or whole))


def last(events: list[Any]) -> tuple[int, str]:
    """The last state of a task, and what was said with it."""
    ended = [event.status_update.status if event.HasField("status_update") else event.task.status for event in events][
        -1
    ]
    return ended.state, text_of(ended.message.parts)


@pytest.mark.parametrize("streaming", [True, False], ids=["streamed", "whole"])
@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("binding", BINDINGS)
def test_messages_and_tasks(places: Places, binding: str, version: str, streaming: bool) -> None:
    from a2a.types import TaskState

    async def run() -> None:
        async with talking(places.front, binding, version, streaming=streaming) as talk:
            (said,) = await talk.ask("say hello")
            assert text_of(said.message.parts) == "hello"
            (said,) = await talk.ask("say write to ann@example.com")
            assert text_of(said.message.parts) == "write to {EMAIL}"
            assert places.heard()[-1] == "say write to {EMAIL}"

            before = len(places.heard())
            (said,) = await talk.ask("say magnolia")
            assert text_of(said.message.parts) == "I was told not to ask."
            assert len(places.heard()) == before, "it was never sent"
            (said,) = await talk.ask("say wisteria")
            assert text_of(said.message.parts) == "I was told not to say."

            done = await talk.ask("do all is well")
            assert artifact(done) == "all is well"
            assert last(done) == (TaskState.TASK_STATE_COMPLETED, "Done: all is well")
            assert artifact_of(await talk.get()) == "all is well"

            done = await talk.ask("do it is wisteria, see")
            assert "wisteria" not in artifact(done)
            assert last(done) == (TaskState.TASK_STATE_REJECTED, "I was told not to say.")
            refused = await talk.get()
            assert (refused.id, refused.status.state) == (talk.task, TaskState.TASK_STATE_REJECTED)
            assert "wisteria" not in str(refused)

    asyncio.run(asyncio.wait_for(run(), 120))


def artifact_of(task: Any) -> str:
    return "".join(text_of(a.parts) for a in task.artifacts if a.artifact_id == "a-1")


@pytest.mark.parametrize("binding", BINDINGS)
def test_an_address_that_updates_share_is_masked(places: Places, binding: str) -> None:
    """The agent makes it up itself, so that only the answer holds it, in pieces of five characters."""

    async def run() -> None:
        async with talking(places.front, binding, "1.0", streaming=True) as talk:
            done = await talk.ask("look up somebody")
            assert artifact(done) == "write to {EMAIL} today"
            assert last(done)[1] == "Done: write to {EMAIL} today"

    asyncio.run(asyncio.wait_for(run(), 120))


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("binding", BINDINGS)
def test_a_task_that_is_followed(places: Places, binding: str, version: str) -> None:
    from a2a.types import SendMessageConfiguration, SubscribeToTaskRequest

    async def run() -> None:
        later = SendMessageConfiguration(return_immediately=True)
        async with (
            talking(places.front, binding, version, streaming=False) as talk,
            talking(places.front, binding, version, streaming=True) as follows,
        ):
            await talk.ask("wait it is wisteria, see", configuration=later)
            got = [event async for event in follows.client.subscribe(SubscribeToTaskRequest(id=talk.task))]
            assert "wisteria" not in artifact(got)
            assert last(got)[1] == "I was told not to say."

    asyncio.run(asyncio.wait_for(run(), 120))


@pytest.mark.parametrize("binding", BINDINGS)
def test_notifications_lists_and_cards(places: Places, binding: str) -> None:
    from a2a.types import (
        GetExtendedAgentCardRequest,
        ListTaskPushNotificationConfigsRequest,
        ListTasksRequest,
        SendMessageConfiguration,
        TaskPushNotificationConfig,
    )

    async def run() -> None:
        async with talking(places.front, binding, "1.0", streaming=False) as talk:
            card = await talk.client.get_extended_agent_card(GetExtendedAgentCardRequest())
            assert card.skills[0].description == "Keeps a note."
            config = TaskPushNotificationConfig(id="p-1", url=f"{places.ear}/a2a/push", token="t0ken")
            await talk.ask(
                "do all is well", configuration=SendMessageConfiguration(task_push_notification_config=config)
            )
            request = ListTaskPushNotificationConfigsRequest(task_id=talk.task)
            configs = await talk.client.list_task_push_notification_configs(request)
            assert [c.url for c in configs.configs] == [config.url]
            mine = await talk.get()  # the newest task of all may be one that another test left to end by itself
            listed = await talk.client.list_tasks(ListTasksRequest(page_size=1, context_id=mine.context_id))
            assert len(listed.tasks) == 1
            for _ in range(500):
                if "Done: all is well" in str(places.told):
                    break
                await asyncio.sleep(0.02)
            assert "Done: all is well" in str(places.told)
            await talk.ask(
                "do it is wisteria, see", configuration=SendMessageConfiguration(task_push_notification_config=config)
            )

    asyncio.run(asyncio.wait_for(run(), 120))


@pytest.mark.parametrize("binding", BINDINGS)
def test_an_agent_of_others(places: Places, binding: str) -> None:
    """What it is told is under the rules for outputs, and what it says under those for inputs."""
    from a2a.types import TaskState

    async def run() -> None:
        async with talking(places.called, binding, "1.0", streaming=True, url=places.front) as talk:
            (said,) = await talk.ask("say write to ann@example.com")
            assert text_of(said.message.parts) == "write to {EMAIL}"
            before = len(places.heard())
            (said,) = await talk.ask("say wisteria")
            assert text_of(said.message.parts) == "I was told not to say."
            assert len(places.heard()) == before
            done = await talk.ask("do it is well")
            assert last(done)[0] == TaskState.TASK_STATE_COMPLETED

    asyncio.run(asyncio.wait_for(run(), 120))
