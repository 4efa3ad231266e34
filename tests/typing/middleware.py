"""The middleware as applications add it."""

from __future__ import annotations

from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.middleware import Middleware

from guardrails import Guard
from guardrails.asgi import DOCS, Blocked, GuardrailsMiddleware

app = FastAPI()
app.add_middleware(GuardrailsMiddleware)
app.add_middleware(GuardrailsMiddleware, policies="policies/")
app.add_middleware(GuardrailsMiddleware, "policies/", exempt=[*DOCS, "GET /healthz"], formats={"/chat": "openai.chat"})
app.add_middleware(GuardrailsMiddleware, policies=Guard.from_file("policy.yaml"), blocked=Blocked.ERROR, explain=True)
app.add_middleware(GuardrailsMiddleware, policies="policies/", explian=True)  # type: ignore[call-arg] # no such setting
app.add_middleware(GuardrailsMiddleware, policies="policies/", explain="yes")  # type: ignore[arg-type] # of another type

starlette = Starlette(middleware=[Middleware(GuardrailsMiddleware, policies="policies/")])
around = GuardrailsMiddleware(app, "policies/")
