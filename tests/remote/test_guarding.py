"""Guard models: how each family is asked, how its words are read, and that what cannot be read is never safe."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guardrails.errors import GuardrailsError, RemoteFailed
from guardrails.inference.remote import Endpoint, opened
from guardrails.inference.remote.guarding import level_of
from guardrails.inference.remote.profiles import PROFILES
from tests.remote.servers import Chat, Server, judged, serving

# What a family says of a text that is harmful and of one that is not, and the labels of the former.
SAID: dict[str, tuple[str, str, set[str]]] = {
    "llama-guard-3": ("unsafe\nS1,S10", "safe", {"VIOLENCE", "HATE"}),
    "llama-guard-4": ("\n\nunsafe\nS11", "\n\nsafe", {"SELF_HARM"}),
    "shieldgemma": ("Yes", "No", {"MISCONDUCT", "HATE", "INSULTS", "SEXUAL"}),
    "granite-guardian": ("<think>\n</think>\n<score> yes </score>", "<score> no </score>", {*PROFILES["granite-guardian"].criteria}),
    "qwen3guard": ("Safety: Unsafe\nCategories: Jailbreak, Violent", "Safety: Safe\nCategories: None\nRefusal: Yes", {"PROMPT_ATTACK", "VIOLENCE"}),
    "gpt-oss-safeguard": ('{"violation": 1, "category": "SEXUAL"}', '{"violation": 0, "category": ""}', {"SEXUAL"}),
    "nemotron": ('{"User Safety": "unsafe", "Response Safety": "unsafe", "Safety Categories": "Threat, Malware"}', '{"User Safety": "safe", "Response Safety": "safe"}', {"VIOLENCE", "MISCONDUCT"}),
    "nemotron-reasoning": ("Prompt harm: harmful\nResponse Harm: harmful", "Prompt harm: unharmful\nResponse Harm: unharmful", {*PROFILES["nemotron-reasoning"].known} - {"UNSAFE"}),
}  # fmt: skip


def saying(profile: str) -> Chat:
    bad, fine, _ = SAID[profile]
    return Chat(lambda messages, _: bad if judged(messages) else fine)


def at(server: Server, profile: str, **more: Any) -> Endpoint:
    return replace(Endpoint("guard", server.url, "org/guard", profile), **more)


@pytest.fixture(params=sorted(PROFILES))
def profile(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def server(profile: str) -> Iterator[Server]:
    with serving(saying(profile)) as found:
        yield found


@pytest.mark.parametrize("question", [None, "", "What is new?"])
def test_its_words_are_read(profile: str, server: Server, question: str | None) -> None:
    backend = opened(at(server, profile))
    ((start, end, scores),) = backend.score("The kingfisher dives.", 5, question)
    assert (start, end, scores["UNSAFE"]) == (0, 21, 1.0)
    assert {label for label, p in scores.items() if p == 1} - {"UNSAFE"} == SAID[profile][2]
    ((_, _, scores),) = backend.score("The water is calm.", 5, question)
    assert set(scores.values()) == {0.0}
    assert set(scores) == set(backend.labels)


def test_what_it_is_asked(profile: str, server: Server) -> None:
    opened(at(server, profile)).score("calm {criterion} water", 5, "how?")
    for path, body in server.calls:
        assert path == "/v1/chat/completions"
        assert (body["model"], body["temperature"], body["stream"]) == ("org/guard", 0, False)
        assert body.get("logprobs", False) is PROFILES[profile].scored
        texts = [m for m in body["messages"] if m["role"] != "system" and "<guardian>" not in m["content"]]
        assert texts == [
            {"role": "user", "content": "how?"},
            {"role": "assistant", "content": "calm {criterion} water"},  # what was said is no template
        ]
    asked = len(PROFILES[profile].criteria) if PROFILES[profile].each else 1
    assert len(server.calls) == asked


@pytest.mark.parametrize(
    "said",
    ["", " ", "I cannot help with that.", "The text is safe.", "safe unsafe", "{}", "[]", "null", '{"violation": 2}', "Safety: Fine\nCategories: None",
     "<score> maybe </score>", "Safety: Safe", "unsafe S1", "safe\nsafe", "<think>safe"],
)  # fmt: skip
def test_what_cannot_be_read_is_a_failure(profile: str, said: str) -> None:
    with serving(Chat(lambda *_: said)) as server, pytest.raises(RemoteFailed):
        opened(at(server, profile)).score("calm", 5)


@settings(deadline=None, max_examples=40)
@given(st.sampled_from(sorted(PROFILES)), st.text(max_size=60))
def test_no_words_but_its_own_are_a_verdict(profile: str, said: str) -> None:
    """Whatever it says beside a verdict: there is none."""
    from guardrails.inference.remote.guarding import Guarding

    backend = Guarding(Endpoint("guard", "http://127.0.0.1:9", "m", profile))
    answer = {"choices": [{"message": {"content": f"{said} {said}"}, "finish_reason": "stop"}]}
    with pytest.raises(RemoteFailed):
        backend._read(answer, None)


@pytest.mark.parametrize("end", ["length", "content_filter", "tool_calls"])
def test_an_answer_that_was_cut_short_is_a_failure(profile: str, end: str) -> None:
    chat = saying(profile)
    chat.end = end
    with serving(chat) as server:
        backend = opened(at(server, profile))
        if end in PROFILES[profile].ends:
            assert backend.score("calm", 5)
        else:
            with pytest.raises(RemoteFailed, match="cut short"):
                backend.score("calm", 5)


def test_an_answer_that_declines_is_a_failure(profile: str) -> None:
    chat = saying(profile)
    chat.refusal = "I will not judge that."  # type: ignore[assignment]
    with serving(chat) as server, pytest.raises(RemoteFailed, match="refused"):
        opened(at(server, profile)).score("calm", 5)


def test_a_long_text_is_judged_in_windows(profile: str, server: Server) -> None:
    text = "calm water " * 200 + "kingfisher"
    found = opened(at(server, profile, window=400)).score(text, 20)
    assert max(scores["UNSAFE"] for *_, scores in found) == 1.0
    assert found[0][2]["UNSAFE"] == 0.0
    assert found[-1][1] == len(text)


# -- scores ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("profile_name", "says", "held", "score"),
    [
        ("llama-guard-3", "safe", {"safe": 0.6, "unsafe": 0.3, "S": 0.1}, 0.3 / 0.9),
        ("llama-guard-3", "unsafe\nS1", {"safe": 0.2, "unsafe": 0.6}, 0.75),
        ("qwen3guard", "Safety: Controversial\nCategories: Violent", {"Controversial": 0.5, "Safe": 0.25, "Unsafe": 0.25}, 0.5),
        ("qwen3guard", "Safety: Safe\nCategories: None", {"Safe": 0.8, "Un": 0.1, "Cont": 0.1}, 0.15),
        ("shieldgemma", "No", {"No": 0.9, "Yes": 0.1}, 0.1),
        ("granite-guardian", "<score> no </score>", {"no": 0.75, "yes": 0.25}, 0.25),
    ],
)  # fmt: skip
def test_a_score_is_what_the_model_held_possible(
    profile_name: str, says: str, held: dict[str, float], score: float
) -> None:
    with serving(Chat(lambda *_: says, held)) as server:
        ((_, _, scores),) = opened(at(server, profile_name)).score("calm", 5)
        assert scores["UNSAFE"] == pytest.approx(score)


junk = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["content", "token", "top_logprobs", "logprob"]), inner, max_size=4)
    ),
    max_leaves=20,
)


@settings(deadline=None)
@given(junk, st.sampled_from(["Safe", "Unsafe"]))
def test_any_log_probabilities_leave_a_score(logprobs: Any, word: str) -> None:
    assert 0 <= level_of(logprobs, word, 0, {"Safe": 0.0, "Unsafe": 1.0}) <= 1


# -- criteria --------------------------------------------------------------------------------------------------------------


def test_only_wanted_criteria_are_asked() -> None:
    with serving(saying("shieldgemma")) as server:
        ((_, _, scores),) = opened(at(server, "shieldgemma", wanted=("HATE",))).score("kingfisher", 5)
        assert {label for label, p in scores.items() if p} == {"UNSAFE", "HATE"}
        (call,) = server.calls
        assert call[1]["chat_template_kwargs"] == {"guideline": PROFILES["shieldgemma"].criteria["HATE"]}


@pytest.mark.parametrize("name", sorted(n for n, p in PROFILES.items() if p.own))
def test_criteria_of_the_author(name: str) -> None:
    with serving(saying(name)) as server:
        backend = opened(at(server, name, criteria="No talk of birds."))
        assert backend.score("kingfisher", 5)[0][2]["UNSAFE"] == 1.0
        assert all("No talk of birds." in str(body) for _, body in server.calls)
        assert len(server.calls) == 1
        assert backend.sha256 != opened(at(server, name)).sha256


def test_criteria_for_a_model_with_its_own() -> None:
    with pytest.raises(GuardrailsError, match="leave `criteria` out"):
        opened(Endpoint("guard", "http://127.0.0.1:9", "m", "llama-guard-3", criteria="x"))


def test_a_category_that_nobody_knows_is_not_quoted() -> None:
    """It may be a piece of the text."""
    said = "Safety: Unsafe\nCategories: my secret 1234"
    with serving(Chat(lambda *_: said)) as server:
        ((_, _, scores),) = opened(at(server, "qwen3guard")).score("calm", 5)
        assert {label for label, p in scores.items() if p} == {"UNSAFE", "OTHER"}


def test_profiles_differ_in_their_hash() -> None:
    assert len({p.sha256 for p in PROFILES.values()}) == len(PROFILES)
