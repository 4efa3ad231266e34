"""What a detector declares is what it gets, whoever wrote it."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from types import ModuleType
from typing import Any

import pytest

from guardrails import Guard, detectors
from guardrails.content import Deadline
from guardrails.detectors import DetectorSpec
from guardrails.errors import GuardrailsError
from guardrails.exchange import Exchange, Tenancy
from guardrails.ids import id_rules
from guardrails.policy import loads
from guardrails.streaming.stream import TextStream
from guardrails.types import Action, Found, Hit, Piece, Qualifier, Role, Source
from guardrails.wire.openai_chat import Chat
from tests.detectors import comparing_detector

COMPARING = """
version: 1
name: comparing
messages: {blocked_output: "[not said]"}
rules:
  - {id: shared, detector: comparing, action: block}
"""
SOURCE = Piece("the sky is blue", Role.DOCUMENT, Qualifier.GROUNDING_SOURCE)


@pytest.fixture
def comparing() -> Iterator[Guard]:
    with comparing_detector.registered():
        yield Guard(loads(COMPARING))


def test_what_compares_with_references_is_asked_at_the_end_of_a_stream(comparing: Guard) -> None:
    for answer, action in (("the sky is blue", Action.NONE), ("the sky is green", Action.BLOCKED)):
        stream = TextStream(comparing.direction("OUTPUT"), references=(SOURCE,))
        assert stream.feed(answer) == ""
        assert stream.finish() == (answer if action is Action.NONE else "[not said]")
        assert stream.report.action is action


def test_without_references_a_stream_waits_for_nothing_and_says_so(comparing: Guard) -> None:
    stream = comparing.stream("OUTPUT")
    assert stream.feed("the sky is green. " * 20)
    stream.finish()
    assert stream.report.coverage.not_applicable == ("shared",)
    assert comparing.check("the sky is green", "INPUT").coverage.not_applicable == ("shared",)


def test_a_guard_grounds_with_any_detector_that_compares(comparing: Guard) -> None:
    assert comparing.ground("the sky is blue", ["the sky is blue"]).action is Action.NONE
    assert comparing.ground("the sky is green", ["the sky is blue"]).action is Action.BLOCKED


def test_an_exchange_gives_it_the_sources_of_its_request(comparing: Guard) -> None:
    messages = [{"role": "user", "content": "which colour?"}]
    tool = {"role": "tool", "tool_call_id": "call_1", "content": "the sky is blue"}
    for more, blocked in (([], False), ([tool], True)):
        exchange = Exchange(
            Tenancy("t", comparing, b"k" * 32), Chat.open({"model": "m", "messages": messages + more}, {}, {})
        )
        exchange.request()
        answer = {
            "choices": [
                {"index": 0, "message": {"role": "assistant", "content": "the sky is green"}, "finish_reason": "stop"}
            ]
        }
        body, decision = exchange.answer({"id": "1", "object": "chat.completion", "created": 1, "model": "m", **answer})
        assert (decision.action is Action.BLOCKED) is blocked
        assert ("[not said]" in str(body)) is blocked
        assert decision.not_applicable == (() if blocked else ("shared",))


def test_the_lowest_score_is_the_worst_where_it_says_so(comparing: Guard) -> None:
    pipeline = comparing.direction("OUTPUT")
    assert pipeline.lower_is_worse == {"shared"}
    assert not pipeline.light


# -- declared in a test --------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class NoSettings:
    pass


class Birds:
    """Finds the word kingfisher in every view."""

    def __init__(self, rules: Any) -> None:
        self.rules = rules

    def find(self, content: Any, deadline: Deadline) -> Found:
        deadline.check()
        hits = [
            Hit(r.id, r.type, start, end, 1.0, index)
            for index in range(len(content.pieces))
            for view in content.folded(index).words
            for bird in re.finditer("kingfisher", view.text)
            for start, end in [view.span(*bird.span())]
            for r in self.rules
        ]
        return Found(hits)


def _always(answer: bool, settings: Any) -> bool:
    assert isinstance(settings, NoSettings)
    return answer


def declared(monkeypatch: pytest.MonkeyPatch, spec: DetectorSpec | None) -> None:
    module = ModuleType("declared_detector")
    module.Settings, module.build = NoSettings, Birds  # type: ignore[attr-defined]
    if spec is not None:
        module.SPEC = spec  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "declared_detector", module)
    monkeypatch.setitem(detectors.DETECTORS, "declared", "declared_detector")


def birds(more: str = "") -> Guard:
    return Guard(
        loads(
            f"version: 1\nname: birds\nrules:\n  - {{id: bird, detector: declared, type: BIRD, action: mask}}\n{more}"
        )
    )


def test_a_module_without_traits_is_refused_with_what_to_write(monkeypatch: pytest.MonkeyPatch) -> None:
    declared(monkeypatch, None)
    with pytest.raises(
        GuardrailsError, match=r"declared_detector.*declares no traits: write SPEC = DetectorSpec\(spans=True\)"
    ):
        birds()


def test_ids_are_read_where_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[str, bool]] = []

    def counts(text: str, hit: Hit, credential: bool) -> bool:
        seen.append((text, credential))
        return hit.start == 0

    for in_ids, expected in ((None, []), (lambda _: counts, [(0, 10)])):
        declared(monkeypatch, DetectorSpec(spans=True, in_ids=in_ids))
        rules = id_rules(birds(), Source.INPUT)
        assert rules.active is bool(expected)
        found = [rules.judge(i, Role.USER, Deadline(60_000)).findings for i in ("kingfisher_1", "a_kingfisher")]
        assert [(f.start, f.end) for one in found for f in one] == expected
    assert seen == [("kingfisher_1", False), ("a_kingfisher", False)]


def test_an_id_reads_the_same_beside_a_detector_that_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing in an id is decoded, on whichever thread it is read."""
    declared(monkeypatch, DetectorSpec(spans=True))
    words = "words: {terms: [kingfisher]}\n"
    alone = Guard(loads("version: 1\nname: words\n" + words))
    beside = birds(words)
    assert not beside.direction("INPUT").light
    encoded = "a2luZ2Zpc2hlcg=="  # kingfisher in base64
    for text in (encoded, "k&#105;ngfisher", "kingfisher-1", encoded + "-" + "x" * 20_000):
        verdicts = [id_rules(g, Source.INPUT).judge(text, Role.USER, Deadline(60_000)) for g in (alone, beside)]
        assert verdicts[0].findings == verdicts[1].findings
        assert bool(verdicts[0].findings) is text.startswith("kingfisher")


def test_a_detector_that_waits_for_nothing_gets_no_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    for waits in (True, False):
        declared(monkeypatch, DetectorSpec(spans=True, blocking=partial(_always, waits)))
        pipeline = birds().direction("INPUT")
        assert pipeline.light is not waits
        assert bool(birds().strings("INPUT").rules) is not waits


def test_without_a_lookahead_what_finds_spans_needs_the_whole_text(monkeypatch: pytest.MonkeyPatch) -> None:
    declared(monkeypatch, DetectorSpec(spans=True))
    assert birds().hold().whole == ("bird",)
    stream = birds().stream("OUTPUT")
    assert stream.feed("A kingfisher sat there all day long. " * 20) == ""
    assert stream.finish() == "A {BIRD} sat there all day long. " * 20
