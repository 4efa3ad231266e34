"""A FastAPI application under a policy, and the `openai` client against it. Runs offline: python examples/fastapi_app.py

The application is any team's: a route that asks a model and hands its answer on. The middleware is the one line that
adds it. Here the model is the canned upstream of `guardrails demo`; MODEL_URL names another.
"""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Any

import openai
import uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import StreamingResponse

from guardrails.asgi import Exchanged, GuardrailsMiddleware
from guardrails.demo.upstream import app as canned

app = FastAPI()
app.add_middleware(GuardrailsMiddleware, policies="retail-bank")  # this line is all


@app.post("/v1/chat/completions")
async def chat(request: Request, body: dict[str, Any]) -> Any:
    """Ask the model. What comes here was checked, and what goes from here will be."""
    exchanged: Exchanged = request.scope["guardrails"]
    print(f"  app: {body['messages'][-1]['content']!r} ({exchanged.decision.action.value})")
    model = openai.AsyncOpenAI(base_url=os.environ["MODEL_URL"] + "/v1", api_key="unused")
    if not body.get("stream"):
        async with model:
            return (await model.chat.completions.create(**body)).model_dump()

    async def events() -> AsyncIterator[str]:
        async with model:
            async for chunk in await model.chat.completions.create(**body):
                yield f"data: {chunk.model_dump_json()}\n\n"
        yield "data: [DONE]\n\n"

    return StreamingResponse(events(), media_type="text/event-stream")


@contextmanager
def served(application: Any) -> Iterator[str]:
    """The application on a free port of this machine, while the block runs."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = uvicorn.Server(uvicorn.Config(application, log_level="warning"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        while not server.started:
            time.sleep(0.05)
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        server.should_exit = True
        thread.join()


def main() -> None:
    """Three questions, the last one streamed."""
    with served(canned) as model:
        os.environ.setdefault("MODEL_URL", model)
        with served(app) as base, openai.OpenAI(base_url=base + "/v1", api_key="unused") as client:
            for question in ("My card is 4111 1111 1111 1111. Hello!", "My PIN is 4821. Hello!"):
                print("you:", question)
                done = client.chat.completions.create(model="demo", messages=[{"role": "user", "content": question}])
                print("bot:", done.choices[0].message.content)
            question = "Who is my manager?"
            print("you:", question)
            messages: Any = [{"role": "user", "content": question}]
            stream = client.chat.completions.create(model="demo", messages=messages, stream=True)
            print("bot:", "".join(chunk.choices[0].delta.content or "" for chunk in stream))


if __name__ == "__main__":
    main()
