"""Ten thousand cases, always the same; ``python -m tests.fuzz`` runs more. And that each property can fail."""

from __future__ import annotations

import asyncio
import json
import re
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any

import pytest

from guardrails import Guard
from guardrails.asgi import answering, inspection, middleware, reading
from guardrails.asgi.body import Replay
from guardrails.exchange import whole
from guardrails.exchange.finding import Texts
from guardrails.policy import loads
from guardrails.wire import strict
from guardrails.wire.format import Session
from guardrails.wire.openai_chat import ChatSession
from guardrails.wire.strict import dump
from tests.fuzz import __main__ as command
from tests.fuzz import driver
from tests.fuzz.__main__ import main
from tests.fuzz.batches import Batch, run, table
from tests.fuzz.canaries import INPUT, OUTPUT, POLICY, found, leaves, raw_found, reported
from tests.fuzz.cases import KINDS, Case, case
from tests.fuzz.client import Payload, Unreadable, bodies, texts
from tests.fuzz.mutate import written

SEED, CASES, PARTS = 20, 10_000, 10


@pytest.mark.parametrize("part", range(PARTS))
def test_every_property_holds(part: int) -> None:
    figures, wrong = asyncio.run(run(SEED, range(part, CASES, PARTS)))
    assert not wrong, "\n".join(wrong[:5])
    assert {kind for kind, _ in figures} == set(KINDS)
    assert {"refused", "blocked", "forwarded", "answer blocked", "gone"} <= {outcome for _, outcome in figures}
    assert sum(figures.values()) == CASES // PARTS


def test_a_case_is_made_of_its_number_alone() -> None:
    for number in range(200):
        one, two = case(3, number), case(3, number)
        assert one.shown().replace(str(id(one)), "") == two.shown().replace(str(id(two)), "")
    assert case(3, 1).shown() != case(4, 1).shown()


# -- each property can fail --------------------------------------------------------------------------------------------


def broken(count: int = 500) -> Counter[str]:
    """What goes wrong, by its first words."""
    _, wrong = asyncio.run(run(SEED, range(count)))
    return Counter(re.split(r"[:'\[]", w.partition("): ")[2])[0].strip() for w in wrong)


def test_raw_json_is_read_with_its_escapes() -> None:
    name = INPUT.masked
    assert raw_found(INPUT, json.dumps({"a": name}))
    assert raw_found(INPUT, json.dumps({"a": "\\" + name}))  # a backslash, and the name
    assert raw_found(INPUT, json.dumps({"a": "\r" + name}))
    assert name[0] == "r"
    assert raw_found(INPUT, json.dumps({"a": "\r" + name[1:]})) is None


def test_a_policy_that_does_nothing_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    rules = POLICY[: POLICY.index("words:")] + "words: {terms: [{term: amber lantern, id: in-seen, action: detect}]}\n"
    monkeypatch.setattr(driver, "guard", lambda more: Guard(loads(rules + more)))
    wrong = broken()
    assert wrong["the application received"] > 5
    assert wrong["the client received"] > 5


def test_a_term_that_is_not_reported_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    rules = POLICY.replace("term: amber lantern", "term: another one").replace("term: velvet anchor", "term: one more")
    monkeypatch.setattr(driver, "guard", lambda more: Guard(loads(rules + more)))
    assert broken()["not reported"] > 5


def test_a_body_that_is_not_written_again_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inspection, "Replay", lambda body, receive: Replay(b" " + body, receive))
    assert sum(n for what, n in broken(100).items() if what.startswith("the application was told")) > 5


def test_an_exception_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(middleware, "canonical", lambda scope: scope["nothing"])
    assert broken(50) == {"KeyError left the middleware": 50}


def test_an_answer_that_does_not_end_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    async def write(self: Any, data: bytes, *, more: bool) -> None:
        await self._send({"type": "http.response.body", "body": data, "more_body": True})

    monkeypatch.setattr(answering.Answering, "_write", write)
    monkeypatch.setattr(driver, "_SECONDS", 0.05)  # nobody waits for the end that does not come
    monkeypatch.setattr(driver.Driver, "_again", lambda *_: asyncio.sleep(0))
    assert broken(100)["the answer does not end"] > 10


def test_chance_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = iter(range(10**9))
    monkeypatch.setattr(middleware, "query_of", lambda scope: {"alt": "sse"} if next(calls) % 2 else {})
    assert sum(n for what, n in broken(400).items() if what.startswith("not the same twice")) > 0


def broken_of(wanted: Callable[[Case], bool], count: int) -> Counter[str]:
    """The same of the first cases that are wanted."""
    numbers = list(islice((n for n in range(20_000) if wanted(case(SEED, n))), count))
    _, wrong = asyncio.run(run(SEED, numbers))
    return Counter(re.split(r"[:'\[]", w.partition("): ")[2])[0].strip() for w in wrong)


def test_a_text_in_parts_that_nobody_joins_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Texts, "_find_across", lambda *_, **__: [])
    assert broken_of(lambda one: one.parts, 40)["the application received"] > 5


def test_a_call_that_leaves_in_pieces_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ChatSession, "gather", Session.gather)
    assert broken_of(lambda one: bool(one.bad) and one.format == "openai.chat", 20)["a blocked call arrives"] > 2


def test_a_mask_that_breaks_json_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(whole, "nothing_in", lambda *_: True)
    monkeypatch.setattr(strict, "dump", lambda value, dump=strict.dump: dump(value).replace(b'\\"', b""))
    assert broken_of(lambda one: one.kind == "json" and not one.stream, 20)["no JSON any more"] > 2


def test_a_coding_that_is_not_undone_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "_inflated", lambda *_: b"{}")
    assert (
        broken_of(lambda one: one.plain is not None and one.plain.body is not None, 40)[
            "not the same compressed and not"
        ]
        > 5
    )


@pytest.mark.parametrize("number", [25536, 29696])
def test_an_answer_that_no_reader_inflates_may_lose_its_calls(number: int) -> None:
    """The request of these is rightly compressed, and has a plain twin; the answer is a bomb, and has two members."""
    assert case(900, number).plain is not None
    figures, wrong = asyncio.run(run(900, [number]))
    assert not wrong
    assert sum(figures.values()) == 1


# -- the readers that judge --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("style", range(20))
def test_a_canary_is_found_in_every_spelling(style: int) -> None:
    from random import Random

    text = written(Random(style), {"a": [{"b": f"x {INPUT.blocked}"}]})
    assert "kingfisher" in (found(INPUT, leaves(text)) or "")
    inside = written(Random(style), {"a": written(Random(style + 1), {"x": INPUT.mail})})
    assert "bob@" in (found(INPUT, leaves(inside)) or "")
    assert found(OUTPUT, leaves(text)) is None
    assert reported(INPUT, leaves(written(Random(style), {INPUT.seen: 1})))


def test_what_a_client_joins() -> None:
    def chunk(text: str, index: int = 0) -> str:
        return dump({"id": "c", "choices": [{"index": index, "delta": {"content": text}}]}).decode()

    joined = [chunk("harbour he"), chunk("x", 1), chunk("ron")]
    assert found(OUTPUT, texts(joined, join=True))
    assert found(OUTPUT, texts(joined, join=False)) is None
    assert found(OUTPUT, texts([chunk("harbour he"), chunk("ron", 1)], join=True)) is None


def test_a_client_joins_no_events_of_two_types() -> None:
    def message(event: str, text: str) -> Payload:
        payload = Payload(dump({"reasoning_details": text}).decode())
        payload.event = event
        return payload

    assert found(OUTPUT, texts([message("x", "harbour he"), message("x", "ron")], join=True))
    assert found(OUTPUT, texts([message("x", "harbour he"), message("y", "ron")], join=True)) is None


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b'{"a": 1, "a": 2}', "application/json"),
        (b'{"a": NaN}', "application/json"),
        (b"\xff", "application/json"),
        (b"data: {}\n", "text/event-stream"),
        (b"data: {]\n\n", "text/event-stream"),
        (b"id: 5\n\n", "text/event-stream"),
        (b"{}\n{\n", "application/x-ndjson"),
        (b"\0\0\0\x10", "application/vnd.amazon.eventstream"),
        (b"\0\0\0\x10\0\0\0\0\0\0\0\0\0\0\0\0", "application/vnd.amazon.eventstream"),
    ],
)
def test_what_is_no_answer(data: bytes, kind: str) -> None:
    with pytest.raises(Unreadable):
        bodies(data, kind)


def test_the_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--cases", "20", "--seed", "7", "--jobs", "2"]) == 0
    told = capsys.readouterr()
    assert "seed 7, 20 cases" in told.out
    assert "| all | 20 |" in told.out
    assert "20 of 20 cases" in told.err
    assert main(["--cases", "20", "--seed", "7"]) == 0
    assert capsys.readouterr().out.partition("\n")[2] == told.out.partition("\n")[2]
    assert main(["--cases", "5", "--seed", "7", "--from", "15"]) == 0
    assert "| all | 5 |" in capsys.readouterr().out
    assert main(["--only", "7:3"]) == 0
    assert capsys.readouterr().out.startswith("7:3 ")


def test_an_interrupted_run_says_where_it_goes_on(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def some(*_: Any) -> Iterator[Batch]:
        yield 0, 200, Counter({("body", "refused"): 100}), []
        yield 1, 101, Counter({("body", "refused"): 50}), []
        command._stopped.append(15)
        yield 0, 300, Counter({("body", "refused"): 50}), []

    monkeypatch.setattr(command, "_elsewhere", some)
    monkeypatch.setattr(command, "_MINUTE", 0.0)
    assert main(["--cases", "1000", "--jobs", "2"]) == 1
    told = capsys.readouterr().out
    assert "100 of 1,000 cases" in told
    assert "--from 1 goes on from here" in told
    assert "go on with --from 101 --cases 899" in told


def test_the_table_counts_every_case_once() -> None:
    figures: Counter[tuple[str, str]] = Counter({("body", "refused"): 3, ("path", "forwarded"): 4})
    assert "| body | 3 | 3 | 0 |" in table(figures)
    assert "| all | 7 | 3 | 0 | 4 |" in table(figures)
