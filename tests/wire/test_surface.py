"""Every string that the types of the SDKs can hold is inspected, or known to be an id: see :mod:`tests.wire.surface`."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
import typing_extensions

from guardrails import Guard
from guardrails.types import Uninspected
from guardrails.wire.framing import SSE, Frame
from guardrails.wire.openai_chat import Chat, ChatSession
from guardrails.wire.slots import Mode
from guardrails.wire.walk import Walk
from tests.core.policies import guard, words_rule
from tests.wire import surface
from tests.wire.bodies import SECRET, exchange
from tests.wire.surface import AGREED, PROSE, ROOTS, WAIVED, Leaf, Root, leaves, places, verdict

LESSON = """
The SDKs' types and tests/wire/surface.json differ:

{changes}

A new field is inspected as text already, whatever it is. Look at each: is it an id or enum that no person and no model reads as
text, base64, a reference to content elsewhere, or log-probabilities? Then name it in the shapes of its form. Is it text that
goes on from event to event, or is said again? Then make it a Delta or a Repeat. Then write the list again:

    python -m tests.wire.surface --write
"""


@pytest.fixture(scope="module")
def now() -> tuple[surface.Surface, dict[str, dict[str, int]]]:
    return surface.surface()


def by_field(found: surface.Surface) -> dict[str, str]:
    return {
        f"{root}: {model}.{field}": said
        for root, models in found.items()
        for model, kinds in models.items()
        for said, fields in kinds.items()
        for field in fields.split()
    }


def changes(agreed: surface.Surface, found: surface.Surface) -> list[str]:
    before, after = by_field(agreed), by_field(found)
    return [
        *(f"  new:     {f} ({after[f]})" for f in after.keys() - before.keys()),
        *(f"  gone:    {f}" for f in before.keys() - after.keys()),
        *(f"  changed: {f}: {before[f]} -> {after[f]}" for f in before.keys() & after.keys() if before[f] != after[f]),
    ]


def test_the_surface_is_what_was_agreed(now: tuple[surface.Surface, dict[str, dict[str, int]]]) -> None:
    found, counts = now
    print("\n".join(surface.rows(counts)))
    different = changes(json.loads(AGREED.read_text(encoding="utf-8")), found)
    assert not different, LESSON.format(changes="\n".join(sorted(different)))


def test_nothing_is_missed_and_little_is_waived(now: tuple[surface.Surface, dict[str, dict[str, int]]]) -> None:
    _, counts = now
    for root, number in counts.items():
        assert number.get("missed", 0) == 0, root
        assert number.get("waived", 0) <= 0.02 * sum(number.values()), root
        assert number.get("inspected", 0) or root == "openai embeddings response"
    assert all(len(reason) > 20 for reason in WAIVED.values())


def judge() -> Guard:
    return guard(words_rule("secret", SECRET), uninspected=Uninspected.ALLOW)


def let_out(root: Root, bodies: list[Any], judge: Guard) -> tuple[bool, str]:
    """Whether it was blocked, and everything that was let out."""
    form = root.made(bodies[0])
    run = exchange(form, judge)
    asked = run.request()
    if root.way == "request":
        return asked.action == "BLOCKED", "" if asked.action == "BLOCKED" else json.dumps(form.body)
    if root.way == "answer":
        got, decision = run.answer(bodies[0])
        return decision.action == "BLOCKED", json.dumps(got)
    answer = run.streamed()
    framing, out = form.framing(), b""
    for body in bodies:
        event, _ = answer.begin(Frame(body, name=body.get("type")))
        out += b"".join(framing.encode(frame) for frame in answer.settle(event))
    out += b"".join(framing.encode(frame) for frame in answer.finish())
    reader = SSE()
    return answer.blocked, json.dumps([f.body for f in reader.feed(out) + reader.finish()])


def halves(root: Root, leaf: Leaf) -> list[Any]:
    """The canary as one event, or as two where its field continues a channel."""
    body = leaf.build(PROSE)
    walk = root.walk(root.made(body), copy.deepcopy(body))
    slot = next((s for s in walk.slots if s.text == PROSE), None)
    if slot is None or slot.mode is not Mode.DELTA:
        return [body]
    at = PROSE.index(SECRET) + 5
    return [leaf.build(PROSE[:at]), leaf.build(PROSE[at:])]


@pytest.mark.parametrize("name", list(ROOTS))
def test_a_canary_in_any_field_is_found_and_never_leaves(name: str) -> None:
    root, guard_ = ROOTS[name], judge()
    passed = []
    for leaf in places(root):
        blocked, out = let_out(root, halves(root, leaf), guard_)
        if PROSE in out or SECRET in out or not (blocked or verdict(root, leaf) == "dropped"):
            passed.append(leaf.path)
    assert not passed


class ForgetfulSession(ChatSession):
    """A session that looks at contents only."""

    def outbound(self, body: Any) -> Walk:
        walk = super().outbound(body)
        walk.slots = [slot for slot in walk.slots if slot.path.endswith(".content")]
        return walk


class Forgetful(Chat):
    session = ForgetfulSession


def test_the_test_sees_a_form_that_forgets_a_field() -> None:
    chat = ROOTS["openai chat response"]
    root = Root(chat.type, Forgetful, "answer", chat.asked)
    said = {leaf.field: verdict(root, leaf) for leaf in leaves(root.type)}
    assert said["chat_completion_message.ChatCompletionMessage.content"] == "inspected"
    assert said["chat_completion_message.ChatCompletionMessage.refusal"] == "missed"
    assert said["chat_completion_message_custom_tool_call.Custom.input"] == "missed"


class Grown(typing_extensions.TypedDict, total=False):
    messages: typing_extensions.Required[list[dict[str, str]]]
    brand_new: list[typing_extensions.Annotated[str, "news"] | int]


class Strange(typing_extensions.TypedDict):
    field: complex


def test_the_test_sees_a_field_that_an_sdk_grows() -> None:
    found = {leaf.path: verdict(Root(Grown, Chat, "request"), leaf) for leaf in leaves(Grown)}
    assert found == {"messages[0].k": "inspected", "messages[0]{key}": "inspected", "brand_new[0]": "inspected"}
    grown = {"a": {"m.Grown": {"inspected": "brand_new messages"}}}
    assert changes({"a": {"m.Grown": {"inspected": "messages"}}}, grown) == [
        "  new:     a: m.Grown.brand_new (inspected)"
    ]
    assert changes(grown, {"a": {"m.Grown": {"id": "messages"}}}) == [
        "  gone:    a: m.Grown.brand_new",
        "  changed: a: m.Grown.messages: inspected -> id",
    ]


def test_the_test_does_not_skip_what_it_does_not_know() -> None:
    with pytest.raises(TypeError, match=r"field: .*complex.* teach it"):
        list(leaves(Strange))


def test_the_docs_give_the_counts_of_today(now: tuple[surface.Surface, dict[str, dict[str, int]]]) -> None:
    _, counts = now
    docs = (AGREED.parents[2] / "docs" / "wire.md").read_text(encoding="utf-8")
    for row in surface.rows(counts):
        assert row in docs, f"docs/wire.md: write the counts again, python -m tests.wire.surface prints them: {row}"
