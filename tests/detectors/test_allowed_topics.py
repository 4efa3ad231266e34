"""Allowed topics: what is off all of them is blocked, small talk excepted; denied topics win."""

from __future__ import annotations

import pytest

from guardrails import Guard
from guardrails.bedrock import export_guardrail
from guardrails.detectors.smalltalk import small_talk
from guardrails.errors import PolicyError
from guardrails.policy import explain, load, loads
from guardrails.types import Piece, Report, Role
from tests.policy.problems import HEAD, folder, policy

CARDS = (
    "  - name: cards\n"
    "    definition: Payment cards of our bank, ordering, blocking, limits and PINs.\n"
    "    examples: [My card was swallowed by the machine, Can I raise the limit of my card?, How do I change my PIN?, My card is lost]\n"
    "    allow: true\n"
)
TRANSFERS = (
    "  - name: transfers\n"
    "    definition: Sending money to another account, standing orders, transfers abroad.\n"
    "    examples: [How long does a transfer take?, Can I cancel a standing order?, I sent money to the wrong account]\n"
    "    allow: true\n"
)
BITCOIN = "  - {name: bitcoin, definition: Buying or selling cryptocurrency., examples: [Should I buy bitcoin with my card?]}\n"
ON = ["How do I block a lost card?", "I forgot the PIN of my card", "can i order a second card for my wife"]
OFF = [
    "Write me a poem about the sea",
    "What is the capital of Mongolia?",
    "Which pasta goes with salmon?",
    "who won the football match yesterday",
]
SMALL = [
    "hi", "Hello there!", "good morning", "thanks a lot", "Thank you so much for your help!", "bye", "ok", "yes", "No, thanks.", "sure, go ahead",
    "what can you do?", "Who are you?", "are you a bot?", "can I talk to a real person please", "why?", "and tomorrow?", "And what about the second one?",
    "How so?", "I don't understand", "can you explain that again?", "could you say that in simpler words, please? thanks", "42", "1234 5678", "the first one", "3",
    "My name is Anna Kowalska", "I'm Tom", "Berlin", "jane@example.com", "lol ok", "what do you mean", "that's not what I asked", "hmm", "👍", "...",
    "Hello! How can I help you today?", "I'm sorry, I can't help with that.", "You're welcome! Is there anything else I can do for you?",
]  # fmt: skip
NOT_SMALL = [
    *OFF, "hi, write me a poem", "thanks, now tell me a joke", "what can you tell me about Napoleon?", "explain quantum physics", "is god real or not",
    "yes, and give me a lasagne recipe", "this is a robbery plan", "I am planning a holiday in Spain",
]  # fmt: skip


def rules(*topics: str, more: str = "") -> str:
    return HEAD + "topics:\n" + "".join(topics) + more


@pytest.fixture(scope="module")
def cards() -> Guard:
    return Guard(loads(rules(CARDS)).unhurried())


@pytest.fixture(scope="module")
def several() -> Guard:
    return Guard(loads(rules(CARDS, TRANSFERS, BITCOIN)).unhurried())


def names(report: Report) -> set[tuple[str, str]]:
    return {(f.rule, f.type) for f in report.findings}


@pytest.mark.parametrize("text", SMALL)
def test_small_talk(text: str) -> None:
    assert small_talk(text)


@pytest.mark.parametrize("text", NOT_SMALL)
def test_what_names_a_subject_is_none(text: str) -> None:
    assert not small_talk(text)


@pytest.mark.parametrize("text", ON)
def test_what_is_on_the_topic_passes(cards: Guard, text: str) -> None:
    assert cards.check(text, "INPUT").action == "NONE"


@pytest.mark.parametrize("text", OFF)
def test_what_is_off_it_is_blocked(cards: Guard, text: str) -> None:
    report = cards.check(text, "INPUT")
    assert report.blocked
    assert names(report) == {("topic.cards", "OFF_TOPIC")}
    assert report.scores["off_topic"] > 1 - 0.02
    assert cards.thresholds("INPUT") == {"off_topic": pytest.approx(0.98)}


@pytest.mark.parametrize(
    "text", ["My card was swallowed by the machine", "how do i change my pin", "MY CARD IS LOST!!"]
)
def test_an_example_is_always_on_it(cards: Guard, text: str) -> None:
    assert cards.check(text, "INPUT").action == "NONE"


@pytest.mark.parametrize("text", SMALL[::4])
def test_small_talk_passes_both_ways(cards: Guard, text: str) -> None:
    assert cards.check(text, "INPUT").action == "NONE"
    assert cards.check(Piece(text, Role.ASSISTANT), "OUTPUT").action == "NONE"


def test_near_to_any_is_enough_and_what_is_denied_is_denied(several: Guard) -> None:
    assert several.check("How long does a transfer take?", "INPUT").action == "NONE"
    assert several.check("My card is lost", "INPUT").action == "NONE"
    denied = several.check("Should I buy bitcoin with my card?", "INPUT")
    assert denied.blocked
    assert ("topic.bitcoin", "bitcoin") in names(denied)
    off = several.check(OFF[0], "INPUT")
    assert names(off) == {("topic.cards", "OFF_TOPIC"), ("topic.transfers", "OFF_TOPIC")}


def test_context_needs_no_topic(cards: Guard) -> None:
    pieces = [Piece(OFF[0], role) for role in (Role.SYSTEM, Role.DOCUMENT, Role.TOOL)]
    assert cards.check([*pieces, Piece(ON[0])], "INPUT").action == "NONE"


def test_answers_are_judged_unless_the_topic_leaves_them_alone(cards: Guard) -> None:
    poem = Piece(
        "The sea is wide, the gulls are loud, and far away there is a cloud of rain above the harbour wall.",
        Role.ASSISTANT,
    )
    assert cards.check(poem, "OUTPUT").blocked
    silent = Guard(loads(rules(CARDS + "    output: {enabled: false}\n")).unhurried())
    assert silent.check(poem, "OUTPUT").action == "NONE"
    assert silent.check(OFF[0], "INPUT").blocked


def test_its_action_and_message() -> None:
    detecting = Guard(loads(rules(CARDS + "    action: detect\n")).unhurried())
    report = detecting.check(OFF[0], "INPUT")
    assert report.action == "NONE"
    assert names(report) == {("topic.cards", "OFF_TOPIC")}
    telling = Guard(loads(rules(CARDS + "    message: I can only help with cards.\n")).unhurried())
    assert telling.check(OFF[0], "INPUT").text == "I can only help with cards."


def test_explain_and_export() -> None:
    loaded = loads(rules(CARDS, BITCOIN))
    said = {s.key: s.value for s in explain(loaded)}
    assert said["topic.cards.allow"] is True
    assert "topic.bitcoin.allow" not in said
    exported = export_guardrail(loaded)
    assert [t["name"] for t in exported.request["topicPolicyConfig"]["topicsConfig"]] == ["bitcoin"]
    assert any("denied topics only" in loss.why for loss in exported.losses)


@pytest.mark.parametrize(
    ("child", "problem"),
    [
        ("topics:\n" + TRANSFERS, "allow"),
        ("topics:\n  - {name: cards, definition: 'Payment cards of our bank, ordering, blocking, limits and PINs.', allow: false}\n", "allow"),
        ("topics:\n  - {name: cards, definition: 'Payment cards of our bank, ordering, blocking, limits and PINs.', examples: [Tell me a joke]}\n", "examples"),
    ],
)  # fmt: skip
def test_a_child_does_not_widen_what_its_parent_enforces(child: str, problem: str) -> None:
    parent = rules(CARDS, more="enforced: ['topic.*']\n")
    with folder(policy("extends: p.yaml\n" + child, p__yaml=parent)), pytest.raises(PolicyError) as error:
        load("policy.yaml")
    assert [(p.code, p.key.rsplit(".", 1)[1]) for p in error.value.problems] == [("weakened", problem)]


def test_a_child_may_deny_more_and_narrow_what_is_allowed() -> None:
    parent = rules(CARDS, more="enforced: ['topic.*']\n")
    narrower = (
        "topics:\n"
        "  - name: cards\n    definition: Payment cards of our bank, ordering, blocking, limits and PINs.\n"
        "    not_examples: [Which credit card of another bank is best?]\n" + BITCOIN
    )
    with folder(policy("extends: p.yaml\n" + narrower, p__yaml=parent)):
        assert len(load("policy.yaml").rules) == 2
