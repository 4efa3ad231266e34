"""A case through the middleware, once or twice."""

from __future__ import annotations

import asyncio
from collections.abc import MutableMapping
from random import Random
from typing import Any

from guardrails.asgi import DOCS, GuardrailsMiddleware
from guardrails.decision import Decision
from tests.fuzz.answers import Step
from tests.fuzz.canaries import guard
from tests.fuzz.cases import Case
from tests.fuzz.mutate import chunks
from tests.fuzz.properties import EXEMPT, Ran, Wrong, complete, hold, short
from tests.fuzz.samples import CUSTOM

__all__ = ["OUTCOMES", "Driver"]

# How a case can end: refused before it was checked, blocked, forwarded with its answer passed on or blocked, or the client
# was gone before its request was whole.
OUTCOMES = ("refused", "blocked", "forwarded", "answer blocked", "gone", "broken")

# A case that takes longer hangs, on however slow a machine.
_SECONDS = 60.0
_SETUPS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("uninspected: allow", {}),
    ("uninspected: block", {"blocked": "error"}),
    ("uninspected: allow\nconversation: {scope: {window: 2}}", {}),
)


class Driver:
    """The middlewares of all setups, each with an application that says what the case wants."""

    def __init__(self) -> None:
        self._run: Ran = Ran()
        self._steps: list[Step] = []
        self._listens = False
        self._apps = [
            GuardrailsMiddleware(
                self._app,
                guard(policy),
                reload=False,
                exempt=[*DOCS, EXEMPT],
                custom=CUSTOM,
                on_decision=self._decided,
                **settings,
            )
            for policy, settings in _SETUPS
        ]

    def _decided(self, decision: Decision) -> None:
        self._run.decisions.append(decision)

    async def _app(self, scope: Any, receive: Any, send: Any) -> None:
        run = self._run
        body = b""
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                break
            body += message.get("body", b"")
            if not message.get("more_body", False):
                break
        run.received = (dict(scope), body)
        for step in self._steps:
            if isinstance(step, Exception):
                raise step
            await send(dict(step))
        run.finished = True
        if self._listens and complete(self._steps):
            message = await receive()
            if message["type"] != "http.disconnect":
                raise Wrong("the application was given a request twice")

    async def run(
        self, case: Case, messages: list[dict[str, Any]] | None = None, steps: list[Step] | None = None
    ) -> Ran:
        """One exchange."""
        run = self._run = Ran()
        self._steps = case.steps if steps is None else steps
        self._listens = case.listens
        waiting = [dict(m) for m in (case.messages if messages is None else messages)]

        complete = any(not m.get("more_body", False) for m in waiting)
        over = asyncio.Event()

        async def receive() -> dict[str, Any]:
            if not waiting and complete:
                await over.wait()  # the client stays for the answer
            return waiting.pop(0) if waiting else {"type": "http.disconnect"}

        async def send(message: MutableMapping[str, Any]) -> None:
            run.sent.append(dict(message))
            if message["type"] == "http.response.body" and not message.get("more_body", False):
                over.set()

        scope = {**case.scope, "headers": list(case.scope["headers"]), "state": {}}
        try:
            async with asyncio.timeout(_SECONDS):
                await self._apps[case.setup](scope, receive, send)
        except Exception as error:
            run.raised = error
        return run

    async def check(self, case: Case) -> Ran:
        """Run a case, and again with its bytes cut otherwise. Raises Wrong."""
        run = await self.run(case)
        hold(case, run)
        rng = Random(case.number)
        if case.plain is not None and (run.received is None or "guardrails" in run.received[0]):
            # What is exempt goes on as it came, compressed or not.
            _alike("compressed and not", run, await self.run(case.plain))
        if rng.random() < 0.3:
            await self._again(case, run, rng)
        return run

    async def _again(self, case: Case, run: Ran, rng: Random) -> None:
        """Property 4: the same case has the same outcome, also when the bytes arrive in other pieces."""
        messages = _recut(rng, case.messages) if case.kind != "framing" else case.messages
        steps = case.steps if any(isinstance(s, Exception) for s in case.steps) else _recut(rng, case.steps)
        if not complete(case.steps) or (_coded(case.steps) and case.plain is None):
            steps = case.steps
        _alike("twice", run, await self.run(case, messages, steps))


def _alike(how: str, run: Ran, again: Ran) -> None:
    for name, one, two in (
        ("status", run.status, again.status),
        ("body", _anonymous(run), _anonymous(again)),
        ("what the application got", run.received and run.received[1], again.received and again.received[1]),
        ("exception", type(run.raised), type(again.raised)),
        ("actions", [d.action for d in run.decisions], [d.action for d in again.decisions]),
    ):
        if one != two:
            raise Wrong(f"not the same {how}: {name}: {short(one)} and {short(two)}")


def _anonymous(run: Ran) -> bytes:
    ids = [d.id.encode() for d in run.decisions]
    data = run.data
    for one in ids:
        data = data.replace(one, b"ID")
    return data


def _coded(steps: list[Step]) -> bool:
    """Whether the body says that it is compressed: what of a damaged one is read depends on how it is cut."""
    return any(k.lower() == b"content-encoding" for s in steps if isinstance(s, dict) for k, _ in s.get("headers", ()))


def _recut(rng: Random, messages: list[Any]) -> list[Any]:
    """The same messages with the body in other pieces; only for well-formed sequences."""
    body = [m for m in messages if "body" in m]
    if not body:
        return messages
    at = next(i for i, m in enumerate(messages) if "body" in m)
    data = b"".join(m["body"] for m in body)
    pieces = [{**body[0], "body": p, "more_body": True} for p in chunks(rng, data)]
    pieces[-1]["more_body"] = False
    return [*messages[:at], *pieces]
