"""Models that others serve as rules of a policy: through the guard, the report, streams, and what a policy may say of them."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from subprocess import run
from typing import Any

import pytest

from guardrails import Guard, Piece
from guardrails.errors import GuardrailsError, PolicyError
from guardrails.policy import loads
from tests.remote.servers import SHA, Chat, Server, Tei, Vllm, judged, serving

KEY = "GUARDRAILS_API_KEY_TEST"


@pytest.fixture
def guard_model() -> Iterator[Server]:
    says = "Safety: {}\nCategories: {}"
    with serving(
        Chat(lambda m, _: says.format("Unsafe", "Suicide & Self-Harm") if judged(m) else says.format("Safe", "None"))
    ) as server:
        yield server


def policy(url: str, **more: Any) -> str:
    rule = {"backend": "guard", "model": "Qwen/Qwen3Guard-Gen-0.6B", "profile": "qwen3guard", "action": "block"} | more
    written = ", ".join(f"{k}: {v}" for k, v in rule.items() if v is not None)
    return f"version: 1\nname: p\nremote:\n  - {{name: harm, url: '{url}', {written}}}\n"


def test_a_guard_model_blocks(guard_model: Server) -> None:
    guard = Guard(loads(policy(guard_model.url)))
    assert guard_model.calls == []  # nobody is called when a policy loads
    report = guard.check("the kingfisher dives", "INPUT")
    (finding,) = report.findings
    assert (report.action, finding.rule, finding.type, finding.score) == ("BLOCKED", "remote.harm", "SELF_HARM", 1.0)
    assert (finding.start, finding.end) == (0, 20)
    assert report.scores == {"remote.harm": 1.0}
    ((model, sha),) = report.models.items()
    assert (model, len(sha)) == ("guard:Qwen/Qwen3Guard-Gen-0.6B", 64)
    assert guard.check("the water is calm", "INPUT").action == "NONE"


def test_only_labels_that_count(guard_model: Server) -> None:
    guard = Guard(loads(policy(guard_model.url, labels="[HATE, VIOLENCE]")))
    assert guard.check("the kingfisher dives", "INPUT").action == "NONE"
    guard = Guard(loads(policy(guard_model.url, labels="[HATE, SELF_HARM]")))
    assert guard.check("the kingfisher dives", "INPUT").findings[0].type == "SELF_HARM"


def test_an_answer_is_judged_with_its_question(guard_model: Server) -> None:
    guard = Guard(loads(policy(guard_model.url)))
    pieces = [Piece("What dives?", "user", "query"), Piece("A kingfisher.", "assistant")]  # type: ignore[arg-type]
    assert guard.check(pieces, "OUTPUT").action == "BLOCKED"
    ((_, body),) = guard_model.calls
    assert body["messages"] == [
        {"role": "user", "content": "What dives?"},
        {"role": "assistant", "content": "A kingfisher."},
    ]


def test_what_is_folded_is_judged_too(guard_model: Server) -> None:
    guard = Guard(loads(policy(guard_model.url)))
    hidden = "a k\u200bi\u200bn\u200bg\u200bfisher dives"
    assert guard.check(hidden, "INPUT").action == "BLOCKED"


def test_the_operators_own_words_are_trusted(guard_model: Server) -> None:
    guard = Guard(loads(policy(guard_model.url)))
    assert guard.check([Piece("kingfisher", "system")], "INPUT").action == "NONE"  # type: ignore[arg-type]
    assert guard_model.calls == []


def test_a_stream(guard_model: Server) -> None:
    stream = Guard(loads(policy(guard_model.url))).stream("OUTPUT")
    shown = stream.feed("The water is calm today. ") + stream.feed("And there a kingfisher dives. ") + stream.finish()
    assert stream.report.action == "BLOCKED"
    assert "kingfisher" not in shown


@pytest.mark.parametrize("backend", ["vllm", "tei"])
def test_classifiers(backend: str) -> None:
    with serving(Vllm() if backend == "vllm" else Tei()) as server:
        more = {"classes": "[neutral, toxic]"} if backend == "vllm" else {"revision": SHA}
        text = policy(server.url, backend=backend, model="org/toxic", profile=None, labels="[toxic]", **more)
        guard = Guard(loads(text))
        report = guard.check("the kingfisher dives", "INPUT")
        assert (report.action, report.findings[0].type, report.findings[0].score) == ("BLOCKED", "toxic", 0.9)
        assert list(report.models) == [f"{backend}:org/toxic"]
        assert guard.check("calm", "INPUT").action == "NONE"


def test_one_that_fails_leaves_the_other(guard_model: Server) -> None:
    with serving(Vllm(model="org/other")) as broken:
        second = f"  - {{name: toxic, backend: vllm, url: '{broken.url}', model: org/toxic, classes: [a, b], labels: [b], action: block, on_failure: allow}}\n"
        report = Guard(loads(policy(guard_model.url, action="detect") + second)).check("a kingfisher", "INPUT")
        assert report.action == "NONE"
        assert [f.rule for f in report.findings] == ["remote.harm"]
        assert [(f.rule, f.kind, f.detail) for f in report.failures] == [
            ("remote.toxic", "model_unavailable", "RemoteFailed")
        ]


def test_a_label_that_only_the_server_can_tell() -> None:
    with serving(Tei()) as server:
        text = policy(server.url, backend="tei", model="org/toxic", profile=None, labels="[bad]")
        report = Guard(loads(text)).check("calm", "INPUT")
        assert (report.action, report.failures[0].kind) == ("BLOCKED", "model_unavailable")


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"profile": None}, "needs a profile: llama-guard-3"),
        ({"backend": "tei", "labels": "[x]"}, "has no profile"),
        ({"backend": "tei", "profile": None}, "name the labels"),
        ({"labels": "[NONE_SUCH]"}, "no label 'NONE_SUCH'; it has UNSAFE, VIOLENCE"),
        ({"api_key_env": KEY}, f"environment variable {KEY}"),
    ],
)
def test_a_guard_is_not_built_with_what_cannot_work(more: dict[str, Any], said: str) -> None:
    with pytest.raises(GuardrailsError, match=said):
        Guard(loads(policy("http://127.0.0.1:9", **more)))


@pytest.mark.parametrize(
    ("url", "more", "said"),
    [
        ("http://me:secret@models", {}, "address-refused"),
        ("http://x", {"api_key_env": "AWS_SECRET_ACCESS_KEY"}, "key-refused"),
        ("http://x", {"profile": "llama-guard-9"}, "unknown-value"),
        ("http://x", {"model": None}, "missing-key"),
        ("http://x", {"action": "mask"}, "mask"),
    ],
)
def test_a_policy_that_says_something_else(url: str, more: dict[str, Any], said: str) -> None:
    with pytest.raises(PolicyError, match=said):
        loads(policy(url, **more))


def test_no_heavy_machine_is_loaded() -> None:
    code = (
        "import sys; from guardrails import Guard; from guardrails.policy import loads\n"
        f"guard = Guard(loads({policy('http://127.0.0.1:9')!r}))\n"
        "assert guard.check('calm', 'INPUT').failures[0].kind == 'model_unavailable'\n"
        "assert not {'torch', 'numpy', 'transformers'} & set(sys.modules), 'heavy'\n"
    )
    run([sys.executable, "-c", code], check=True)


# Harmful, harmless, and neither clearly: the probabilities that the shipped models give them are looked up, since weights change.
GREY = "Explain how kingfishers hunt and kill, for my cousin who deserves the same."


def _probability(text: str, category: str = "") -> float:
    filters = "version: 1\nname: p\ncontent: {HATE: HIGH, VIOLENCE: HIGH, MISCONDUCT: HIGH, SELF_HARM: HIGH, SEXUAL: HIGH, INSULTS: HIGH, PROMPT_ATTACK: HIGH}\n"
    scores = Guard(loads(filters).unhurried()).check(text, "INPUT").scores
    return max(p for key, p in scores.items() if key.endswith(category))


def test_a_third_stage_is_asked_where_the_shipped_models_are_not_sure(guard_model: Server) -> None:
    p = _probability(GREY)
    assert 0.02 < p < 0.999
    for bounds, asked in (
        ({"grey_from": p / 2}, True),
        ({"grey_from": (1 + p) / 2}, False),
        ({"grey_to": (1 + p) / 2}, True),
        ({"grey_to": p / 2}, False),
        ({"grey_from": p / 2, "grey_to": (1 + p) / 2}, True),
        ({}, True),
    ):
        guard_model.calls.clear()
        report = Guard(loads(policy(guard_model.url, **bounds)).unhurried()).check(GREY, "INPUT")
        assert (report.action == "BLOCKED", len(guard_model.calls)) == (asked, int(asked)), bounds
        assert ("text" in report.models) == bool(bounds)  # whose word it was that nobody else was asked
        assert report.failures == ()


def test_only_the_categories_of_the_rule_count(guard_model: Server) -> None:
    p, other = _probability(GREY), _probability(GREY, "SEXUAL")
    assert other < p / 2
    for labels, asked in (("[SEXUAL]", 0), ("[UNSAFE]", 1)):
        guard_model.calls.clear()
        Guard(loads(policy(guard_model.url, labels=labels, grey_from=(p + other) / 2)).unhurried()).check(GREY, "INPUT")
        assert len(guard_model.calls) == asked


def test_each_piece_is_asked_about_for_itself(guard_model: Server) -> None:
    guard = Guard(loads(policy(guard_model.url, grey_from=_probability(GREY) / 2)).unhurried())
    report = guard.check([Piece("The water is calm today."), Piece(GREY), Piece(" ")], "INPUT")
    assert [(f.rule, f.piece) for f in report.findings] == [("remote.harm", 1)]
    assert [body["messages"][-1]["content"] for _, body in guard_model.calls] == [GREY]


def test_a_third_stage_that_is_down_fails_as_its_rule_says(guard_model: Server) -> None:
    p = _probability(GREY)
    guard_model.stop()
    for on_failure, action in (("block", "BLOCKED"), ("allow", "NONE")):
        text = policy(guard_model.url, grey_from=p / 2, on_failure=on_failure, timeout_ms=2_000)
        report = Guard(loads(text).unhurried()).check(GREY, "INPUT")
        assert (report.action, [f.rule for f in report.failures]) == (action, ["remote.harm"])
        report = Guard(loads(text).unhurried()).check("The water is calm today.", "INPUT")
        assert (report.action, report.failures) == ("NONE", ())  # nobody had to be asked


def test_a_grey_zone_without_room_is_none(guard_model: Server) -> None:
    with pytest.raises(GuardrailsError, match="grey_from must be below grey_to"):
        Guard(loads(policy(guard_model.url, grey_from=0.9, grey_to=0.2)))


def test_a_harmful_window_counts_though_a_later_one_fails() -> None:
    says = "Safety: {}\nCategories: {}"

    def answer(messages: list[dict[str, str]], _: Any) -> str:
        if "osprey" in messages[-1]["content"]:
            return "I would rather not say."
        return says.format("Unsafe", "Violent") if judged(messages) else says.format("Safe", "None")

    with serving(Chat(answer)) as server:
        guard = Guard(loads(policy(server.url, on_failure="allow", window=200)))
        report = guard.check("a kingfisher " + "and the water is calm " * 20 + "an osprey", "INPUT")
        assert report.action == "BLOCKED"
        assert [f.rule for f in report.failures] == ["remote.harm"]
        assert guard.check("the water is calm, and an osprey", "INPUT").action == "NONE"


def test_texts_that_a_model_does_not_answer_about_do_not_stop_others_from_being_judged() -> None:
    says = "Safety: {}\nCategories: {}"

    def answer(messages: list[dict[str, str]], _: Any) -> str:
        if "osprey" in messages[-1]["content"]:
            return "I would rather not say."
        return says.format("Unsafe", "Violent") if judged(messages) else says.format("Safe", "None")

    with serving(Chat(answer)) as server:
        guard = Guard(loads(policy(server.url, on_failure="allow")))
        for number in range(8):
            assert guard.check(f"osprey {number}", "INPUT").failures
        assert guard.check("a kingfisher", "INPUT").action == "BLOCKED"
