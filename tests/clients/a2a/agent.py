"""An agent in the official SDK, over JSON-RPC and REST, in both revisions: ``python agent.py PORT ADDRESS``.

``ADDRESS`` is where its card says that it is: the proxy's.
"""

from __future__ import annotations

import asyncio
import sys

import httpx
import uvicorn
from a2a.helpers import new_data_part, new_task_from_user_message, new_text_message, new_text_part
from a2a.server.agent_execution import AgentExecutor, RequestContext
from a2a.server.events import EventQueue
from a2a.server.request_handlers import DefaultRequestHandler
from a2a.server.routes import create_agent_card_routes, create_jsonrpc_routes, create_rest_routes
from a2a.server.tasks import (
    BasePushNotificationSender,
    InMemoryPushNotificationConfigStore,
    InMemoryTaskStore,
    TaskUpdater,
)
from a2a.types import AgentCapabilities, AgentCard, AgentInterface, AgentSkill
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

ADDRESS = sys.argv[2]
HEARD: list[str] = []
CARD = AgentCard(
    name="Notes",
    description="It keeps notes of a team.",
    version="1.0.0",
    supported_interfaces=[
        AgentInterface(url=f"{ADDRESS}{path}", protocol_binding=binding, protocol_version=version)
        for binding, path in (("JSONRPC", "/a2a"), ("HTTP+JSON", ""))
        for version in ("1.0", "0.3")
    ],
    capabilities=AgentCapabilities(streaming=True, push_notifications=True, extended_agent_card=True),
    default_input_modes=["text/plain"],
    default_output_modes=["text/plain"],
    skills=[AgentSkill(id="keep", name="Keep", description="Keeps a note.", tags=["notes"])],
)


class Notes(AgentExecutor):
    """``say X`` is answered by a message, ``do X`` by a task that says X piece by piece, ``wait X`` by one that takes a
    moment, and ``look`` by one with an address of its own."""

    async def execute(self, context: RequestContext, event_queue: EventQueue) -> None:
        HEARD.append(context.get_user_input())
        verb, _, text = context.get_user_input().partition(" ")
        if verb == "say" or context.message is None:
            await event_queue.enqueue_event(new_text_message(text))
            return
        task = context.current_task or new_task_from_user_message(context.message)
        await event_queue.enqueue_event(task)
        updater = TaskUpdater(event_queue, task.id, task.context_id)
        await updater.start_work(updater.new_agent_message([new_text_part("On it.")]))
        text = "write to ann@example.com today" if verb == "look" else text
        if verb == "wait":
            await asyncio.sleep(0.5)
        for at in range(0, len(text), 5):
            last = at + 5 >= len(text)
            parts = [new_text_part(text[at : at + 5])]
            await updater.add_artifact(parts, "a-1", append=at > 0, last_chunk=last)
        await updater.add_artifact([new_data_part({"heard": text})], "a-2", last_chunk=True)
        await updater.complete(updater.new_agent_message([new_text_part(f"Done: {text}")]))

    async def cancel(self, context: RequestContext, event_queue: EventQueue) -> None:
        await TaskUpdater(event_queue, context.task_id or "", context.context_id or "").cancel()


async def heard(_: Request) -> JSONResponse:
    return JSONResponse(HEARD)


def main() -> None:
    pushed = InMemoryPushNotificationConfigStore()
    sender = BasePushNotificationSender(httpx.AsyncClient(), pushed)
    handler = DefaultRequestHandler(
        Notes(), InMemoryTaskStore(), CARD, push_config_store=pushed, push_sender=sender, extended_agent_card=CARD
    )
    routes = [
        Route("/heard", heard),
        *create_agent_card_routes(CARD),
        *create_jsonrpc_routes(handler, "/a2a", enable_v0_3_compat=True),
        *create_rest_routes(handler, enable_v0_3_compat=True),
    ]
    uvicorn.run(Starlette(routes=routes), host="127.0.0.1", port=int(sys.argv[1]), log_level="error")


if __name__ == "__main__":
    main()
