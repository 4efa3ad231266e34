"""What an answer is compared with: the sources of a request, where the policy and the prompt say they are."""

from __future__ import annotations

from typing import Any

import pytest

from guardrails import Guard
from guardrails.bedrock import export_guardrail
from guardrails.errors import PolicyError
from guardrails.exchange import Exchange, Tenancy
from guardrails.exchange.sources import marked
from guardrails.policy import explain, loads
from guardrails.types import Qualifier, Source
from guardrails.wire.anthropic_messages import Messages
from guardrails.wire.openai_chat import Chat

FACT = "Claims must be filed within 14 days of the damage."
ASK = "How long do I have to file a claim?"
# How frameworks and people write retrieved text into a prompt.
PROMPTS = [
    f"Answer the question based only on the following context:\n{FACT}\n\nQuestion: {ASK}",
    f"Use the following pieces of retrieved context to answer the question.\nQuestion: {ASK}\nContext: {FACT}\nAnswer:",
    f"Context information is below.\n---------------------\n{FACT}\n---------------------\nGiven the context information and not prior knowledge, answer the query.\nQuery: {ASK}\nAnswer: ",
    f"<context>\n{FACT}\n</context>\n\n{ASK}",
    f"<documents><document index=\"1\">{FACT}</document></documents>\n{ASK}",
    f"{ASK}\n\nSources:\n[1] {FACT}",
    f"### Context:\n{FACT}\n\n### Question:\n{ASK}",
    f"**Documents:**\n{FACT}\n\n**Question:** {ASK}",
    f"Kontext: {FACT}\n\nFrage: {ASK}",
    f"Here are the relevant documents for you:\n{FACT}\n\nQuestion: {ASK}",
    f"Search results: {FACT}\nQuestion: {ASK}",
]  # fmt: skip
PLAIN = [
    "How long do I have?", "Write a poem about the context of war.", "Where does the name come from? Please name sources.", "Please summarise: the dog ran.",
    "What is the context", "Note: bring documents.", "def context(): return 1",
]  # fmt: skip


def policy(sources: str = "", more: str = "") -> str:
    return f"version: 1\nname: rag\ngrounding: {{threshold: 0.5{sources}}}\n{more}"


@pytest.fixture(scope="module")
def default() -> Guard:
    return Guard(loads(policy(more="relevance: 0.1\n")))


def asked(guard: Guard, *messages: tuple[str, str]) -> Exchange:
    body = {"model": "m", "messages": [{"role": r, "content": t} for r, t in messages]}
    run = Exchange(Tenancy("t", guard, b"k" * 32), Chat.open(body))
    run.request()
    return run


def pieces(run: Exchange, qualifier: Qualifier) -> list[str]:
    return [p.text for p in run.context.references if qualifier in p.qualifiers]


@pytest.mark.parametrize("role", ["user", "system"])
@pytest.mark.parametrize("prompt", PROMPTS)
def test_what_a_prompt_marks_is_a_source(default: Guard, prompt: str, role: str) -> None:
    messages = [(role, prompt)] if role == "user" else [(role, prompt), ("user", ASK)]
    run = asked(default, *messages)
    sources = pieces(run, Qualifier.GROUNDING_SOURCE)
    assert FACT in "\n".join(sources)
    assert ASK not in "\n".join(sources) or prompt.startswith(ASK)
    assert ASK in "\n".join(pieces(run, Qualifier.QUERY))
    assert FACT not in "\n".join(pieces(run, Qualifier.QUERY))


@pytest.mark.parametrize("prompt", PLAIN)
def test_a_prompt_without_sources_has_none(default: Guard, prompt: str) -> None:
    assert marked(prompt) == []
    run = asked(default, ("system", "You are a helpful assistant."), ("user", prompt))
    _, decision = run.answer({"choices": [{"index": 0, "message": {"role": "assistant", "content": ""}}]})
    assert decision.not_applicable == ("grounding",)
    assert decision.to_dict()["not_applicable"] == ["grounding"]


def test_an_answer_is_compared_with_the_context_of_its_prompt(default: Guard) -> None:
    for said, blocked in (
        ("Claims must be filed within 14 days of the damage.", False),
        ("You get a free car on Sundays.", True),
    ):
        run = asked(default, ("user", PROMPTS[0]))
        body = {"choices": [{"index": 0, "message": {"role": "assistant", "content": said}, "finish_reason": "stop"}]}
        _, decision = run.answer(body)
        assert decision.blocked is blocked
        assert decision.not_applicable == ()
        assert "grounding" in decision.scores


@pytest.mark.parametrize(
    ("sources", "messages", "expected"),
    [
        ("[tool]", [("user", PROMPTS[3]), ("tool", FACT)], [FACT]),
        ("[document]", [("user", PROMPTS[3])], []),
        ("[system]", [("system", "Rule one."), ("user", PROMPTS[3])], ["Rule one."]),
        ("[user]", [("user", "All of it.")], ["All of it."]),
        ('[{after: "FACTS>"}]', [("user", f"{ASK} FACTS>{FACT}")], [FACT]),
        ('[{after: "FACTS>", before: "<END"}]', [("system", f"x FACTS>{FACT}<END y"), ("user", ASK)], [FACT]),
        ('[tool, {after: "Context:"}]', [("user", f"Context: {FACT}"), ("tool", "4 days.")], [f" {FACT}", "4 days."]),
    ],
)  # fmt: skip
def test_the_policy_says_what_counts(sources: str, messages: list[tuple[str, str]], expected: list[str]) -> None:
    run = asked(Guard(loads(policy(f", sources: {sources}"))), *messages)
    assert sorted(pieces(run, Qualifier.GROUNDING_SOURCE)) == sorted(expected)


def test_tools_and_documents_are_sources(default: Guard) -> None:
    document = {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": FACT}}
    body: dict[str, Any] = {
        "model": "m",
        "max_tokens": 9,
        "messages": [{"role": "user", "content": [document, {"type": "text", "text": ASK}]}],
    }
    run = Exchange(Tenancy("t", default, b"k" * 32), Messages.open(body))
    run.request()
    assert FACT in pieces(run, Qualifier.GROUNDING_SOURCE)
    assert pieces(run, Qualifier.QUERY) == [ASK]


def test_a_check_of_an_input_says_that_nothing_was_compared(default: Guard) -> None:
    report = default.check("hello", "INPUT")
    assert report.coverage.not_applicable == ("grounding", "relevance")
    assert report.action == "NONE"
    assert default.check("hello", Source.OUTPUT).coverage.not_applicable == ("grounding", "relevance")


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ("tools", "wrong-type"), ("[tools]", "unknown-value"), ("[]", "missing-key"), ("[{befor: x}]", "unknown-key"), ("[{before: x}]", "missing-key"),
        ('[{after: ""}]', "wrong-length"), ("[3]", "wrong-type"),
    ],
)  # fmt: skip
def test_a_setting_that_is_none_says_what_there_is(wrong: str, code: str) -> None:
    with pytest.raises(PolicyError) as raised:
        loads(policy(f", sources: {wrong}"))
    assert code in {p.code for p in raised.value.problems}
    assert "grounding.sources" in str(raised.value)


def test_relevance_has_no_sources() -> None:
    with pytest.raises(PolicyError, match="sources"):
        loads("version: 1\nname: x\nrelevance: {threshold: 0.5, sources: [tool]}\n")


def test_explain_and_export_name_the_sources() -> None:
    text = policy(', sources: [tool, {after: "Context:"}]')
    shown = {s.key: s.value for s in explain(loads(text))}
    assert shown["grounding.sources"] == ["tool", {"after": "Context:"}]
    assert any("sources" in str(x) for x in export_guardrail(loads(text)).losses)
