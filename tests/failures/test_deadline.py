"""One deadline for everything that is asked; detectors beside each other; what hangs is left behind and counted."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from guardrails import Guard, Piece, Report
from guardrails import workers as guard_module
from guardrails.content import Content, Deadline
from guardrails.exchange import Exchange, Tenancy
from guardrails.policy import loads
from guardrails.types import FailureKind, Found, Source
from guardrails.wire.openai_chat import Chat
from guardrails.workers import WORKERS, abandoned
from tests.asgi.apps import whole
from tests.failures.faults import Fault, Wrapped, stub_models

EVERYTHING = """
version: 1
name: everything
on_failure: allow
limits: {deadline_ms: DEADLINE}
words: {terms: [{term: zebrafinch, action: detect}]}
pii:
  entities: {NAME: mask, EMAIL: detect}
  regexes: [{name: account, pattern: 'ACC-\\d{8}', action: detect}]
content: {HATE: HIGH, VIOLENCE: HIGH}
topics: [{name: advice, definition: Recommending what to buy., examples: [Should I buy?]}]
grounding: {threshold: 0.5}
rules: [{id: evil, detector: classifier, action: block, settings: {path: /models/tiny, labels: [EVIL], threshold: 0.5}}]
"""
# Longer than any test takes: a check that waits for it hangs.
FOREVER = 600_000
TEXT = "The zebrafinch of bob@example.com has ACC-12345678."
PIECES = [Piece(TEXT), Piece(TEXT, "document", "grounding_source")]  # type: ignore[arg-type]
FOUND = {"words": "WORD", "regex": "account", "pii": "EMAIL"}
STRINGS = ("words", "regex")
APART = ("pii", "content", "topics", "grounding", "classifier")


class Stuck:
    """A detector that does not come back until it is let go."""

    def __init__(self) -> None:
        self.go = threading.Event()
        self.entered = threading.Semaphore(0)

    def find(self, content: Content, deadline: Deadline) -> Found:
        self.entered.release()
        assert self.go.wait(FOREVER)
        return Found()


@pytest.fixture
def stuck(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stuck]:
    """With pools of its own: what a test leaves hanging is no other's."""
    monkeypatch.setattr(guard_module, "_pools", {})
    one = Stuck()
    yield one
    one.go.set()


@pytest.fixture
def build(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Guard]:
    models = stub_models(monkeypatch, Fault())

    def made(deadline_ms: int = 10_000, **instead: Any) -> Guard:
        one = Guard(loads(EVERYTHING.replace("DEADLINE", str(deadline_ms))))
        for source in Source:
            built = one.direction(source)._detectors
            built[:] = [(n, i, instead[n](d) if n in instead else d) for n, i, d in built]
        return one

    made.models = models  # type: ignore[attr-defined]
    return made


def until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.001)


@pytest.mark.parametrize("name", APART)
def test_one_that_hangs_takes_nobody_with_it(name: str, stuck: Stuck, build: Callable[..., Guard]) -> None:
    one = build(500, **{name: lambda _: stuck})
    assert abandoned() == 0
    report = one.check(PIECES, "OUTPUT")
    # The answer is here, and the detector still hangs: nobody waited for it.
    assert not stuck.go.is_set()
    mine = {i for n, ids, _ in one.direction("OUTPUT")._detectors if n == name for i in ids}
    assert {f.rule for f in report.failures} == mine
    assert {(f.kind, f.detail) for f in report.failures} == {(FailureKind.TIMEOUT, "DeadlineExceeded")}
    assert {f.type for f in report.findings} == {t for n, t in FOUND.items() if n != name}
    assert set(report.timings) == {*STRINGS, *APART}
    assert abandoned() == 1
    stuck.go.set()
    until(lambda: abandoned() == 0)


def test_a_thousand_time_outs_start_no_more_threads(stuck: Stuck, build: Callable[..., Guard]) -> None:
    one = build(1, content=lambda _: stuck)
    before = set(threading.enumerate())
    kinds = [
        next(f.kind for f in one.direction("INPUT").find(content(), Deadline(1), {}, frozenset({"content"})).failures)
        for _ in range(1000)
    ]
    hanging = [t for t in threading.enumerate() if t not in before]
    assert len(hanging) == abandoned() == WORKERS
    # Once every thread hangs, nobody waits for one any more.
    assert set(kinds[-500:]) == {FailureKind.OVERLOAD}
    assert set(kinds) == {FailureKind.OVERLOAD, FailureKind.TIMEOUT}
    # The other detectors have threads of their own.
    later: list[Report] = []
    asking = threading.Thread(target=lambda: later.append(one.check(PIECES, "OUTPUT", deadline=Deadline(FOREVER))))
    asking.start()
    asking.join(30)
    assert {(f.rule, f.kind) for f in later[0].failures} == {
        ("content.HATE", FailureKind.OVERLOAD),
        ("content.VIOLENCE", FailureKind.OVERLOAD),
    }
    stuck.go.set()
    until(lambda: abandoned() == 0)
    assert one.check(PIECES, "OUTPUT", deadline=Deadline(10_000)).failures == ()


def content(text: str = TEXT) -> Content:
    return Content((Piece(text),), Source.INPUT)


def test_long_texts_are_given_up_too(stuck: Stuck, build: Callable[..., Guard]) -> None:
    """Unfolding a long text looks at no clock: string detectors read it on a thread, and one that was done has its say."""
    one = build(500, regex=lambda _: stuck)
    report = one.check(TEXT + " This is a very long text." * 1000, "INPUT")
    assert not stuck.go.is_set()
    assert {f.type for f in report.findings} == {"WORD", "EMAIL"}
    assert {(f.rule, f.kind) for f in report.failures} == {("regex.account", FailureKind.TIMEOUT)}


def test_long_texts_are_given_up_without_any_model_too(stuck: Stuck) -> None:
    one = Guard(
        loads("version: 1\nname: s\non_failure: allow\nlimits: {deadline_ms: 500}\nwords: {terms: [kingfisher]}\n")
    )
    built = one.direction("INPUT")._detectors
    built[:] = [(n, i, stuck) for n, i, _ in built]
    long = " This is a very long text." * 1000
    report = one.check(long, "INPUT")
    assert not stuck.go.is_set()
    assert {f.kind for f in report.failures} == {FailureKind.TIMEOUT}
    assert report.text == long


def test_results_are_in_the_tables_order_whoever_is_first(build: Callable[..., Guard]) -> None:
    class Late:
        def __init__(self, detector: Any) -> None:
            self.detector = detector

        def find(self, content: Content, deadline: Deadline) -> Found:
            time.sleep(random.random() / 50)
            found: Found = self.detector.find(content, deadline)
            found.scores |= {"who was last": len(found.hits)}
            return found

    one = build(**dict.fromkeys(APART, Late))
    first = one.check(PIECES, "OUTPUT")
    for _ in range(10):
        again = one.check(PIECES, "OUTPUT")
        assert (again.findings, dict(again.scores), list(again.timings)) == (
            first.findings,
            dict(first.scores),
            list(first.timings),
        )


def test_one_pass_of_a_model_serves_all_who_ask_at_once(build: Callable[..., Guard]) -> None:
    models = build.models  # type: ignore[attr-defined]
    passes: list[int] = []
    read = models.read

    def slow(texts: Any, seconds: float) -> Any:
        passes.append(len(texts))
        time.sleep(0.02)  # the others arrive meanwhile
        return read(texts, seconds)

    models.read = slow
    one = build()
    for _ in range(5):
        passes.clear()
        assert one.check(TEXT, "INPUT").failures == ()
        assert passes == [1]


def test_a_detector_that_ends_its_thread_ends_it_alone(stuck: Stuck, build: Callable[..., Guard]) -> None:
    class Quits:
        def __init__(self, _: Any) -> None: ...

        def find(self, content: Content, deadline: Deadline) -> Found:
            raise SystemExit

    one = build(topics=Quits)
    for _ in range(WORKERS + 1):
        report = one.check(PIECES, "OUTPUT")
        assert {(f.rule, f.kind) for f in report.failures} == {("topic.advice", FailureKind.INTERNAL)}


def test_no_thread_to_be_had_is_an_overload(
    stuck: Stuck, build: Callable[..., Guard], monkeypatch: pytest.MonkeyPatch
) -> None:
    one = build()

    def start(self: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", start)
    report = one.check(PIECES, "OUTPUT")
    assert {f.kind for f in report.failures} == {FailureKind.OVERLOAD}
    assert {f.type for f in report.findings} == {"WORD", "account"}
    monkeypatch.undo()
    stub_models(monkeypatch, Fault())
    assert one.check(PIECES, "OUTPUT").failures == ()


# -- one deadline --------------------------------------------------------------------------------------------------------


class Clock:
    """Notes the deadlines a detector is given."""

    def __init__(self) -> None:
        self.at: list[float] = []
        self.left: list[float] = []

    def __call__(self, detector: Any) -> Any:
        clock = self

        class Noting:
            def find(self, content: Content, deadline: Deadline) -> Found:
                clock.at.append(deadline.at)
                clock.left.append(deadline.remaining)
                found: Found = detector.find(content, deadline)
                return found

        return Noting()


def asked(*texts: str) -> dict[str, Any]:
    roles = ("user", "assistant")
    return {"model": "m", "messages": [{"role": roles[i % 2], "content": t} for i, t in enumerate(texts)]}


def test_all_messages_and_the_window_share_one_deadline(build: Callable[..., Guard]) -> None:
    clock = Clock()
    exchange = Exchange(
        Tenancy("t", build(words=clock), b"k" * 32), Chat.open(asked("one", "two", "three", "four", "five"), {}, {})
    )
    assert exchange.request().action == "NONE"
    assert len(clock.at) >= 6  # five messages, and the last ones together
    assert len(set(clock.at)) == 1


def test_the_answer_has_what_the_request_left(build: Callable[..., Guard]) -> None:
    clock = Clock()

    def slow(detector: Any) -> Any:
        class Slow:
            def find(self, content: Content, deadline: Deadline) -> Found:
                if content.source is Source.INPUT:
                    time.sleep(0.2)
                found: Found = detector.find(content, deadline)
                return found

        return Slow()

    exchange = Exchange(Tenancy("t", build(words=clock, content=slow), b"k" * 32), Chat.open(asked("one"), {}, {}))
    exchange.request()
    clock.at.clear()
    clock.left.clear()
    time.sleep(0.1)  # the upstream's own time is not counted
    body = whole("first " * 100)
    body["choices"].append({**body["choices"][0], "index": 1})
    exchange.answer(body)
    assert len(clock.at) > 2  # segments of both choices
    assert len(set(clock.at)) == 1
    assert max(clock.left) <= 9.8


def test_check_many_shares_a_deadline_that_is_given(build: Callable[..., Guard]) -> None:
    clock = Clock()
    one = build(words=clock)
    deadline = Deadline(5_000)
    one.check_many(["one", "two", "three"], "INPUT", deadline=deadline)
    assert set(clock.at) == {deadline.at}
    spent = one.check_many(["one", "two"], "INPUT", deadline=Deadline(0))
    assert {f.kind for r in spent for f in r.failures} == {FailureKind.TIMEOUT}


def test_a_cancelled_exchange_waits_for_nobody(stuck: Stuck, build: Callable[..., Guard]) -> None:
    exchange = Exchange(
        Tenancy("t", build(FOREVER, topics=lambda _: stuck), b"k" * 32), Chat.open(asked("one"), {}, {})
    )
    asking = threading.Thread(target=exchange.request)
    asking.start()
    assert stuck.entered.acquire(timeout=30)
    exchange.cancel()
    asking.join(30)
    assert not asking.is_alive()
    assert not stuck.go.is_set()
    # Nor does anything that is asked of it afterwards.
    assert exchange.answer(whole("an answer"))[1].failures


def test_threads_without_work_end(stuck: Stuck, build: Callable[..., Guard], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard_module, "_IDLE", 0.01)
    before = set(threading.enumerate())
    one = build()
    for _ in range(3):  # and new ones come
        for _ in range(20):
            assert one.check(PIECES, "OUTPUT").failures == ()
        until(lambda: not set(threading.enumerate()) - before)


def test_an_idle_thread_holds_no_text(build: Callable[..., Guard], stuck: Stuck) -> None:
    import gc

    one = build(content=lambda d: Wrapped(d, Fault()))
    needle = "".join(["needle", "-", "Xy7Qw"]) + " in the text"
    one.check(needle, "INPUT")
    del needle
    gc.collect()
    assert not [c for c in gc.get_objects() if type(c) is Piece and "Xy7Qw" in c.text]
