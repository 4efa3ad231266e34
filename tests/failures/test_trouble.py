"""Clients that leave, dawdle or stop reading, and applications that fail: nothing unchecked leaves, everything is counted."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette

from guardrails import Guard
from guardrails import workers as guard_module
from guardrails.asgi import GuardrailsMiddleware
from guardrails.policy import loads
from tests.asgi.apps import App, chunk, whole
from tests.failures.faults import CANARY, Fault, Models, stub_models
from tests.failures.raw import JSON, SSE, Wire, settle, until

SENTENCE = (
    "It is a calm day at the harbour, and the boats lie still in the sun, all of them white and blue, as they do. "
)
STRINGS = "version: 1\nname: s\nwords: {terms: [kingfisher]}\n"
# A check that waits for its deadline hangs.
JUDGED = "version: 1\nname: j\nlimits: {deadline_ms: 600000}\ncontent: {HATE: HIGH}\n"


class Slow(Models):
    """A model that answers when it is let go."""

    def __init__(self, models: Models) -> None:
        self.__dict__ = models.__dict__
        self.go = threading.Event()
        self.asked = 0

    def read(self, texts: Any, seconds: float) -> Any:
        self.asked += 1
        assert self.go.wait(600)
        return super().read(texts, seconds)


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> Iterator[Slow]:
    monkeypatch.setattr(guard_module, "_pools", {})
    models = Slow(stub_models(monkeypatch, Fault()))
    models.here = lambda *_: models  # type: ignore[method-assign]
    for name in ("text_engine", "pair_engine", "pair_cascade"):
        monkeypatch.setattr(f"guardrails.inference.{name}", models.here)
    yield models
    models.go.set()


def strings() -> Guard:
    return Guard(loads(STRINGS))


def judged() -> Guard:
    return Guard(loads(JUDGED))


async def never_called(scope: Any, receive: Any, send: Any) -> None:
    raise AssertionError("the application was called")


def run(coroutine: Any) -> None:
    async def within() -> None:
        async with asyncio.timeout(60):
            await coroutine

    asyncio.run(within())


def outcome(wire: Wire) -> list[tuple[str, str]]:
    return [(d.direction.value, d.action.value) for d in wire.decisions]


# -- who leaves ----------------------------------------------------------------------------------------------------------


def test_a_client_that_leaves_while_its_request_is_checked(slow: Slow) -> None:
    async def go() -> None:
        wire = Wire(never_called, judged())
        task = wire.start()
        await until(lambda: slow.asked == 1)
        assert not wire.idle
        wire.gone.set()
        await task
        assert not slow.go.is_set()  # nobody waited for the model
        assert wire.sent == []
        assert outcome(wire) == [("INPUT", "BLOCKED")]
        assert wire.decisions[0].failures == ()  # that is no failure of a rule
        assert wire.counted('disconnected_total{direction="INPUT"}') == 1
        assert wire.counted("detectors_abandoned") == 1
        assert wire.idle
        slow.go.set()
        await until(lambda: wire.counted("detectors_abandoned") == 0)

    run(go())


def test_a_client_that_leaves_before_its_request_is_complete() -> None:
    async def go() -> None:
        wire = Wire(never_called, strings())

        async def receive() -> Any:
            return {"type": "http.disconnect"}

        await wire.run(receive)
        assert (wire.sent, wire.decisions, wire.idle) == ([], [], True)

    run(go())


def test_a_client_that_leaves_a_stream() -> None:
    """What the application had sent and we held stays here; what it sends afterwards too; and the decision is counted."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send(SSE)
        await send(
            {
                "type": "http.response.body",
                "body": chunk({"content": SENTENCE + SENTENCE + f"And {CANARY}"}),
                "more_body": True,
            }
        )
        assert (await receive())["type"] == "http.disconnect"

    async def go() -> None:
        wire = Wire(app, strings(), stream=True)
        task = wire.start()
        await until(lambda: "harbour" in wire.text)
        wire.gone.set()
        await task
        assert CANARY not in wire.text
        assert not wire.complete
        assert outcome(wire) == [("INPUT", "NONE"), ("OUTPUT", "NONE")]
        assert wire.counted('disconnected_total{direction="OUTPUT"}') == 1
        assert wire.idle

    run(go())


def test_what_a_stream_masked_before_its_client_left_is_in_the_decision() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send(SSE)
        text = "Write to bob@example.com. " + SENTENCE * 3
        await send({"type": "http.response.body", "body": chunk({"content": text}), "more_body": True})
        await receive()

    async def go() -> None:
        wire = Wire(app, Guard(loads("version: 1\nname: s\npii: {entities: {EMAIL: mask}}\n")), stream=True)
        task = wire.start()
        await until(lambda: "{EMAIL}" in wire.text)
        wire.gone.set()
        await task
        assert "bob@" not in wire.text
        assert outcome(wire)[1:] == [("OUTPUT", "MASKED")]
        assert [f.finding.rule for f in wire.decisions[1].findings] == ["pii.EMAIL"]

    run(go())


# -- who is cancelled ----------------------------------------------------------------------------------------------------


def test_a_cancelled_request_is_cancelled(slow: Slow) -> None:
    async def go() -> None:
        wire = Wire(never_called, judged())
        task = wire.start()
        await until(lambda: slow.asked == 1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert not slow.go.is_set()
        assert (wire.sent, wire.idle) == ([], True)

    run(go())


@pytest.mark.parametrize("stream", [False, True])
def test_a_cancelled_answer_is_cancelled(slow: Slow, stream: bool) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        slow.go.clear()
        slow.asked = 0
        if stream:
            await send(SSE)
            await send({"type": "http.response.body", "body": chunk({"content": SENTENCE * 3}), "more_body": True})
        else:
            import json

            await send(JSON)
            await send({"type": "http.response.body", "body": json.dumps(whole(SENTENCE)).encode()})

    async def go() -> None:
        slow.go.set()
        wire = Wire(app, judged(), stream=stream)
        task = wire.start()
        await until(lambda: wire.called and slow.asked == 1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert not slow.go.is_set()
        assert "harbour" not in wire.text
        assert not wire.complete
        assert [d for d, _ in outcome(wire)] == ["INPUT", "OUTPUT"]
        assert wire.idle

    run(go())


def test_closing_does_not_swallow_a_cancellation(monkeypatch: pytest.MonkeyPatch) -> None:
    async def go() -> None:
        middleware = GuardrailsMiddleware(never_called, strings())
        stubborn = asyncio.Event()

        async def watch() -> None:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                await stubborn.wait()

        middleware._watch = asyncio.create_task(watch())
        await settle()
        closing = asyncio.create_task(middleware.aclose())
        await settle()
        closing.cancel()
        await settle()
        assert closing.cancelled()
        stubborn.set()

    run(go())


# -- who dawdles ---------------------------------------------------------------------------------------------------------


def test_a_body_that_never_comes() -> None:
    async def go() -> None:
        wire = Wire(never_called, strings(), body_seconds=0.05)
        parts = iter([{"type": "http.request", "body": b'{"model"', "more_body": True}])

        async def receive() -> Any:
            part = next(parts, None)
            if part is None:
                await asyncio.Event().wait()
            return part

        await wire.run(receive)
        assert wire.sent[0]["status"] == 408
        assert (b"connection", b"close") in wire.sent[0]["headers"]
        assert wire.complete
        assert (wire.decisions, wire.idle) == ([], True)
        assert wire.counted('refused_total{status="408"}') == 1

    run(go())


def test_a_body_that_comes_byte_by_byte() -> None:
    """The time is that of the whole body: a byte now and then does not renew it."""

    async def go() -> None:
        wire = Wire(never_called, strings(), body_seconds=0.2)
        given = 0

        async def receive() -> Any:
            nonlocal given
            await asyncio.sleep(0.01)
            given += 1
            return {"type": "http.request", "body": b" ", "more_body": True}

        await wire.run(receive)
        assert wire.sent[0]["status"] == 408
        assert 0 < given < 21

    run(go())


def test_a_reader_that_stalls_stalls_the_application() -> None:
    """Nothing is piled up for it: the application's own ``send`` waits."""
    produced = 0

    async def app(scope: Any, receive: Any, send: Any) -> None:
        nonlocal produced
        await receive()
        await send(SSE)
        while True:
            produced += 1
            await send({"type": "http.response.body", "body": chunk({"content": SENTENCE}), "more_body": True})

    async def go() -> None:
        wire = Wire(app, strings(), stream=True)
        wire.permits = asyncio.Semaphore(0)
        task = wire.start()
        await wire.waiting.wait()
        before = produced
        await settle(1000)
        assert produced == before < 10
        for _ in range(5):
            wire.permits.release()
        await settle(1000)
        after = produced
        assert after > before
        await settle(1000)
        assert produced == after
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert wire.idle

    run(go())


# -- applications that fail ----------------------------------------------------------------------------------------------


class Failed(Exception):
    """What the application raises."""


def test_an_application_that_fails_before_its_answer() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        raise Failed

    async def go() -> None:
        wire = Wire(app, strings())
        with pytest.raises(Failed):
            await wire.run()
        assert wire.sent == []
        assert outcome(wire) == [("INPUT", "NONE")]
        assert wire.idle

    run(go())


@pytest.mark.parametrize("fails", [True, False], ids=["fails", "just ends"])
def test_an_application_that_fails_within_an_answer(fails: bool) -> None:
    """A part of an unstreamed answer is no answer: nothing of it was sent, and the server may still say 500."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send(JSON)
        await send({"type": "http.response.body", "body": f'{{"a":"{CANARY}'.encode(), "more_body": True})
        if fails:
            raise Failed

    async def go() -> None:
        wire = Wire(app, strings())
        if fails:
            with pytest.raises(Failed):
                await wire.run()
        else:
            await wire.run()
        # What is lost before the first byte was sent is an error in the API's own shape; nothing of the part is in it.
        assert [m.get("status") for m in wire.sent if m["type"] == "http.response.start"] == (
            [502] if wire.sent else []
        )
        assert CANARY.encode() not in b"".join(m.get("body", b"") for m in wire.sent)
        assert outcome(wire) == [("INPUT", "NONE"), ("OUTPUT", "BLOCKED")]
        assert wire.counted("disconnected_total{") == 0
        assert wire.idle

    run(go())


@pytest.mark.parametrize("fails", [True, False], ids=["fails", "just ends"])
def test_an_application_that_fails_within_a_stream(fails: bool) -> None:
    """The connection breaks off: no end that looks like one, and nothing that was held."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send(SSE)
        await send(
            {"type": "http.response.body", "body": chunk({"content": SENTENCE + SENTENCE + CANARY}), "more_body": True}
        )
        if fails:
            raise Failed

    async def go() -> None:
        wire = Wire(app, strings(), stream=True)
        if fails:
            with pytest.raises(Failed):
                await wire.run()
        else:
            await wire.run()
        assert "harbour" in wire.text
        assert CANARY not in wire.text
        assert "[DONE]" not in wire.text
        assert not wire.complete
        assert outcome(wire) == [("INPUT", "NONE"), ("OUTPUT", "NONE")]
        assert wire.idle

    run(go())


def test_a_hook_that_fails_changes_nothing() -> None:
    def broken(_: Any) -> None:
        raise Failed

    app = App("fine", on_decision=broken)
    assert app.text(app.ask("hello")) == "fine"


def test_a_starlette_application_that_fails_answers_500() -> None:
    def says(_: Any) -> Any:
        raise Failed

    app = App(says)

    async def go() -> httpx.Response:
        transport = httpx.ASGITransport(app.app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://chat.example") as client:
            return await client.post(
                "/v1/chat/completions", json={"model": "m", "messages": [{"role": "user", "content": CANARY}]}
            )

    answer = asyncio.run(go())
    assert isinstance(app.app, Starlette)
    assert answer.status_code == 500
    assert CANARY not in answer.text


@pytest.mark.parametrize("long", [False, True])
def test_a_long_text_is_not_read_on_the_event_loop(long: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rules without a model read where the text came in, unless it is long: then others would wait for it."""
    from guardrails.exchange import StreamedAnswer

    where: list[bool] = []
    settle_ = StreamedAnswer.settle

    def noted(self: StreamedAnswer, event: Any) -> Any:
        where.append(threading.current_thread() is threading.main_thread())
        return settle_(self, event)

    monkeypatch.setattr(StreamedAnswer, "settle", noted)
    app = App([chunk({"content": SENTENCE * (200 if long else 2)}), chunk({}, "stop"), b"data: [DONE]\n\n"])
    answer = app.ask("hello", stream=True)
    assert app.text(answer).count("harbour") == (200 if long else 2)
    assert where[0] is not long
