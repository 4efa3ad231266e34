"""Conversations, streams, content that nobody can inspect, and masks that are restored."""

from __future__ import annotations

from typing import Any

import pytest

from guardrails.compare import compare
from guardrails.errors import PolicyError
from guardrails.policy import explain, lint, load, loads
from guardrails.rules import Conversation, Mask, MaskStyle, Scope, Streaming, StreamMode
from guardrails.types import Uninspected
from tests.policy.problems import HEAD, RULE, folder, policy

MASKED = "pii: {entities: {EMAIL: {action: mask, mask: %s}}}\n"
ENFORCING = HEAD + RULE + "enforced: [words.terms]\n"


def codes(text: str) -> list[str]:
    with pytest.raises(PolicyError) as error:
        loads(HEAD + text)
    return [p.code for p in error.value.problems]


def child(text: str, parent: str) -> Any:
    with folder(policy("extends: p.yaml\n" + text, p__yaml=parent)):
        return load("policy.yaml")


def test_what_holds_when_nothing_is_said() -> None:
    loaded = loads(HEAD + RULE)
    assert loaded.uninspected is Uninspected.BLOCK
    assert loaded.conversation == Conversation(Scope.LATEST, None, 4)
    assert loaded.stream == Streaming(StreamMode.SYNC, 0)
    assert not {"uninspected", "stream", "conversation.scope"} & {s.key for s in explain(loaded)}


@pytest.mark.parametrize(
    ("written", "conversation"),
    [
        ("user", Conversation(Scope.USER)),
        ("conversation", Conversation(Scope.CONVERSATION)),
        ("{scope: latest, window: 0}", Conversation(window=0)),
        ("{scope: {window: 6}}", Conversation(Scope.WINDOW, 6)),
        ("{scope: {window: 6}, window: 50}", Conversation(Scope.WINDOW, 6, 50)),
        ("{window: 7}", Conversation(window=7)),
    ],
)
def test_conversation(written: str, conversation: Conversation) -> None:
    assert loads(f"{HEAD}conversation: {written}\n{RULE}").conversation == conversation


@pytest.mark.parametrize(
    ("written", "stream"),
    [
        ("sync", Streaming()),
        ("async", Streaming(StreamMode.ASYNC)),
        ("{bounded: 100000}", Streaming(StreamMode.BOUNDED, 100_000)),
    ],
)
def test_stream(written: str, stream: Streaming) -> None:
    assert loads(f"{HEAD}stream: {written}\n{RULE}").stream == stream


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("uninspected: pass", "unknown-value"),
        ("uninspected: true", "wrong-type"),
        ("conversation: window", "missing-key"),
        ("conversation: {scope: window}", "missing-key"),
        ("conversation: {scope: {window: 0}}", "out-of-range"),
        ("conversation: {scope: {}}", "missing-key"),
        ("conversation: {scope: {last: 3}}", "unknown-key"),
        ("conversation: {window: 51}", "out-of-range"),
        ("conversation: {window: few}", "wrong-type"),
        ("conversation: all", "unknown-value"),
        ("conversation: 3", "wrong-type"),
        ("conversation: {turns: 3}", "unknown-key"),
        ("stream: bounded", "missing-key"),
        ("stream: {bounded: 0}", "out-of-range"),
        ("stream: {bounded: 1.5}", "wrong-type"),
        ("stream: {sync: 3}", "unknown-key"),
        ("stream: fast", "unknown-value"),
        ("stream: 200", "wrong-type"),
    ],
)
def test_what_is_refused(line: str, code: str) -> None:
    assert codes(f"{line}\n{RULE}") == [code]


def test_the_remedy_loads() -> None:
    with pytest.raises(PolicyError) as error:
        loads(f"{HEAD}stream: bounded\n{RULE}")
    remedy = error.value.problems[0].remedy
    assert remedy is not None
    assert loads(f"{HEAD}{remedy.removeprefix('write ')}\n{RULE}").stream.mode is StreamMode.BOUNDED


def test_a_childs_word_wins() -> None:
    parent = HEAD + "uninspected: allow\nconversation: {scope: user, window: 9}\nstream: async\n" + RULE
    kept = child("", parent)
    assert (kept.uninspected, kept.conversation, kept.stream.mode) == (
        "allow",
        Conversation(Scope.USER, None, 9),
        "async",
    )
    said = child("uninspected: block\nconversation: conversation\nstream: {bounded: 5}\n", parent)
    assert said.uninspected is Uninspected.BLOCK
    assert said.conversation == Conversation(Scope.CONVERSATION, None, 9)
    assert said.stream == Streaming(StreamMode.BOUNDED, 5)
    assert str(said.positions["conversation.window"]) == "p.yaml:5"


@pytest.mark.parametrize(
    ("parent", "line", "holds"),
    [
        ("", "uninspected: allow", False),
        ("uninspected: allow\n", "uninspected: allow", True),
        ("", "stream: {bounded: 1}", False),
        ("stream: {bounded: 9}\n", "stream: {bounded: 10}", False),
        ("stream: {bounded: 9}\n", "stream: {bounded: 8}", True),
        ("stream: async\n", "stream: {bounded: 10}", True),
        ("", "conversation: {window: 3}", False),
        ("", "conversation: {window: 5}", True),
        ("conversation: conversation\n", "conversation: latest", True),
    ],
)
def test_below_an_enforced_rule_they_may_only_be_tightened(parent: str, line: str, holds: bool) -> None:
    if holds:
        child(line + "\n", ENFORCING + parent)
        return
    with pytest.raises(PolicyError) as error:
        child(line + "\n", ENFORCING + parent)
    assert [p.code for p in error.value.problems] == ["weakened"]


@pytest.mark.parametrize("order", ["[a.yaml, b.yaml]", "[b.yaml, a.yaml]"])
def test_between_parents_the_stricter_wins(order: str) -> None:
    lax = HEAD + "uninspected: allow\nstream: async\nconversation: {window: 2}\n"
    for strict in (
        HEAD + "uninspected: block\nstream: {bounded: 7}\nconversation: {window: 3}\n" + RULE,
        ENFORCING,  # what it does not say, its enforced rule relies on
    ):
        with folder(policy(f"extends: {order}\n", a__yaml=lax + RULE.replace("fisher", "let"), b__yaml=strict)):
            loaded = load("policy.yaml")
        assert loaded.uninspected is Uninspected.BLOCK
        assert loaded.stream == (Streaming() if strict is ENFORCING else Streaming(StreamMode.BOUNDED, 7))
        assert loaded.conversation.window == (4 if strict is ENFORCING else 3)


def test_explain_and_diff_show_them() -> None:
    plain = loads(HEAD + RULE)
    other = loads(
        HEAD + "uninspected: allow\nconversation: {scope: {window: 6}}\nstream: {bounded: 200}\n" + RULE, name="other"
    )
    shown = {s.key: (s.value, str(s.at)) for s in explain(other) if s.at}
    assert shown["uninspected"] == ("allow", "other:4")
    assert shown["conversation.scope"] == ({"window": 6}, "other:5")
    assert shown["stream"] == ({"bounded": 200}, "other:6")
    changed = {c.key for c in compare(plain, other).settings}
    assert changed == {"uninspected", "conversation.scope", "conversation.window", "stream"}


@pytest.mark.parametrize(
    ("written", "mask"),
    [
        ("{style: numbered, restore: true}", Mask(MaskStyle.NUMBERED, restore=True)),
        ("{style: numbered, restore: false}", Mask(MaskStyle.NUMBERED)),
        ("{style: type, restore: false}", Mask()),
        (
            "{style: numbered, restore: true, restore_in: [tools, urls]}",
            Mask(MaskStyle.NUMBERED, restore=True, restore_in=("urls", "tools")),
        ),
    ],
)
def test_restore(written: str, mask: Mask) -> None:
    loaded = loads(HEAD + MASKED % written)
    assert loaded.rule("pii.EMAIL").mask == mask
    shown = {s.key: s.value for s in explain(loaded)}.get("pii.EMAIL.mask")
    if mask.restore:
        assert isinstance(shown, dict)
        again = f"{{style: {shown['style']}, restore: true, restore_in: {list(shown.get('restore_in', []))}}}"
        assert loads(HEAD + MASKED % again).rule("pii.EMAIL").mask == mask


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (MASKED % "{style: hash, key_env: K, restore: true}", "restore-without-number"),
        (MASKED % "{style: numbered, restore: maybe}", "wrong-type"),
        (MASKED % "{style: numbered, restore: true, restore_in: [images]}", "unknown-value"),
        (MASKED % "{style: numbered, restore_in: [urls]}", "mask-option-unused"),
        ("pii: {entities: {EMAIL: {action: block, mask: {style: numbered, restore: true}}}}\n", "restore-without-mask"),
        (
            "pii: {entities: {EMAIL: {action: mask, input: {enabled: false}, mask: {style: numbered, restore: true}}}}\n",
            "restore-without-mask",
        ),
        ("words: {mask: {style: numbered, restore: true}, terms: [kingfisher]}\n", "restore-without-mask"),
    ],
)
def test_restoring_masks_that_are_refused(text: str, code: str) -> None:
    assert codes(text) == [code]


def test_a_rule_of_its_own_action_below_a_restoring_mask() -> None:
    text = (
        "pii: {entities: {ALL: {action: mask, mask: {style: numbered, restore: true}}, PASSWORD: block}}\n"
        "words: {action: mask, mask: {style: numbered, restore: true}, terms: [heron, {term: kingfisher, action: block}]}\n"
    )
    loaded = loads(HEAD + text)
    assert loaded.rule("pii.EMAIL").mask.restore
    assert loaded.rule("words.terms").mask.restore
    assert loaded.rule("pii.PASSWORD").input == loaded.rule("words.kingfisher").input == "block"


def test_a_child_of_a_restoring_parent() -> None:
    parent = HEAD + MASKED % "{style: numbered, restore: true}"
    assert child("pii: {entities: {EMAIL: block}}\n", parent).rule("pii.EMAIL").input == "block"
    assert child("pii: {entities: {PHONE: mask}}\n", parent).rule("pii.EMAIL").mask.restore


@pytest.mark.parametrize(
    ("text", "waits"),
    [
        ("pii: {regexes: [{name: a, pattern: BEGIN.*END}]}\n", ["regex.a"]),
        ("pii: {regexes: [{name: a, pattern: 'BEGIN.{0,80}END'}]}\n", []),
        ("pii: {regexes: [{name: a, pattern: BEGIN.*END, output: detect}]}\n", []),
        ("stream: async\npii: {regexes: [{name: a, pattern: BEGIN.*END}]}\n", []),
        ("grounding: 0.5\nrelevance: {threshold: 0.5, action: detect}\n", ["grounding"]),
    ],
)
def test_lint_says_which_rules_make_streams_wait(text: str, waits: list[str]) -> None:
    with folder(policy(text)):
        found = [p for p in lint("policy.yaml") if p.code == "stream-waits"]
    assert [p.message.split()[0] for p in found] == waits


def test_lint_knows_them() -> None:
    text = "conversation: {scope: {window: 6}}\nstream: sync\n" + MASKED % "{style: numbered, restore: true}"
    with folder(policy(text)):
        assert lint("policy.yaml") == []
