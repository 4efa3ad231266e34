"""LangChain's decision models: a policy answers their questions, and AutoMode's middleware stops what the policy stops."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from guardrails import Guard
from guardrails.policy import loads
from tests.clients.proxied import KEY, Proxied, Records, call, needs

pytestmark = needs("langchain", "langchain_openai")

POLICY = r"""
version: 1
name: agents
words:
  terms:
    - {id: secret, terms: [osprey], action: block}
pii:
  entities: {EMAIL: mask}
topics:
  - name: tax-advice
    definition: Telling somebody how to pay less tax.
    examples: [How can I avoid paying tax on my inheritance?]
tools:
  calls:
    - {name: pay_rent, allow: false, ask: true}
"""


@pytest.fixture(scope="module")
def policy() -> Guard:
    return Guard(loads(POLICY))


def classifier(guard: Guard, **more: Any) -> Any:
    from guardrails.integrations.langchain_decisions import GuardrailsDecisionModel

    return GuardrailsDecisionModel.of(guard, **more)


def noul(guard: Guard, state: Any, name: str = "is_risky") -> float:
    from langchain_core.decisions import Noul

    questions = {name: Noul(instructions="Would this be risky?")}
    return float(classifier(guard).invoke({"state": state, "questions": questions}).nouls[name].noul)


def pending(name: str, before: str = "Please do it.", **args: Any) -> dict[str, Any]:
    from langchain_core.messages import AIMessage, HumanMessage

    one = {"id": "c1", "name": name, "args": args}
    return {"messages": [HumanMessage(before), AIMessage("", tool_calls=[one])], "tool_call": one}


@pytest.mark.parametrize("where", ["the attic", "osprey"])
def test_auto_mode_stops_what_the_policy_stops(upstream: Proxied, policy: Guard, records: Records, where: str) -> None:
    from langchain.agents import create_agent
    from langchain.agents.middleware import AutoModeMiddleware
    from langchain_openai import ChatOpenAI

    model = ChatOpenAI(model="m", base_url=upstream.upstream + "/v1", api_key=KEY, max_retries=0)
    seen: list[Any] = []
    auto = AutoModeMiddleware(tools=["delete_records"], classifier=classifier(policy, on_decision=seen.append))
    agent = create_agent(model, tools=[records.delete_records], middleware=[auto])
    # The canned model spells the word as the user does: only the call must be stopped, not what was asked.
    spelled = where.replace("osprey", "osp\\u0072ey")
    agent.invoke({"messages": [{"role": "user", "content": call(spelled)}]})
    assert records.deleted == ([where] if where == "the attic" else [])
    assert {d.format for d in seen} == {"langchain"}


def test_calls(policy: Guard) -> None:
    assert noul(policy, pending("search", query="flats in Utrecht")) < 0.5
    assert noul(policy, pending("search", query="project osprey")) >= 0.5
    # Nobody is asked and nothing is masked here.
    assert noul(policy, pending("pay_rent", amount=10)) >= 0.5
    assert noul(policy, pending("mail", to="ann@example.com")) >= 0.5
    # The conversation before it, and what the tool says of itself.
    assert noul(policy, pending("search", "Find the osprey.", query="birds")) >= 0.5
    assert (
        noul(policy, pending("search", query="birds") | {"tool_description": "Finds ospreys, and the osprey."}) >= 0.5
    )


def test_texts_and_messages(policy: Guard) -> None:
    from langchain_core.messages import AIMessage, HumanMessage

    for state in (
        "osprey",
        HumanMessage("osprey"),
        [HumanMessage("Hello"), AIMessage("osprey")],
        [{"role": "user", "content": "osprey"}],
        {"messages": [HumanMessage("osprey")]},
        {"title": "A bird", "bird": ["osprey"]},
    ):
        assert noul(policy, state) >= 0.5, state
    assert noul(policy, "a heron") < 0.5
    assert noul(policy, "ann@example.com") < 0.5  # masked, which stops nothing


def test_scores_by_name(policy: Guard) -> None:
    from langchain_core.decisions import Choice

    asks = "How can I avoid paying tax on my inheritance?"
    assert noul(policy, asks, "tax-advice") >= 0.5
    assert noul(policy, asks, "topic.tax-advice") >= 0.5
    assert noul(policy, "osprey", "tax-advice") < 0.5 <= noul(policy, "osprey")
    question = Choice(instructions="What is it about?", criteria={"tax-advice": None, "other": "Anything else."})
    for state, wanted in ((asks, "tax-advice"), ("Where is the library?", "other")):
        answer = classifier(policy).invoke({"state": state, "questions": {"about": question}}).choices["about"]
        assert answer.choice == wanted
        assert sum(answer.probabilities.values()) == pytest.approx(1)
        assert answer.confidence == max(answer.probabilities.values())


def test_asynchronously(policy: Guard) -> None:
    from langchain_core.decisions import Noul

    asked = {"state": "osprey", "questions": {"is_risky": Noul(instructions="Is it?")}}
    assert asyncio.run(classifier(policy).ainvoke(asked)).nouls["is_risky"].noul >= 0.5


def test_what_a_policy_cannot_answer(policy: Guard) -> None:
    from langchain_core.decisions import Choice, Score

    model = classifier(policy)
    with pytest.raises(ValueError, match="Noul and Choice"):
        model.invoke({"state": "x", "questions": {"q": Score(instructions="How much?", criteria=["little", "much"])}})
    with pytest.raises(ValueError, match="tax-advice"):
        model.invoke({"state": "x", "questions": {"q": Choice(instructions="Which?", criteria={"a": None, "b": None})}})
    with pytest.raises(ValueError, match="empty"):
        noul(policy, "")
