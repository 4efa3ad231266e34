"""Moderations, asked by the openai SDK as it is."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import openai
import pytest

from guardrails.service.contracts.openai_moderations import CATEGORIES
from tests.service.servers import folder, served

MODERATING = """
version: 1
name: moderating
content: {HATE: HIGH, INSULTS: HIGH, SEXUAL: HIGH, VIOLENCE: HIGH, MISCONDUCT: HIGH, SELF_HARM: HIGH}
words: {terms: [{id: bird, terms: [heron], action: block}]}
pii: {entities: {EMAIL: mask}}
"""


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with served(folder(tmp_path_factory.mktemp("openai"), moderating=MODERATING)) as address:
        yield address


def client(base: str) -> openai.OpenAI:
    return openai.OpenAI(base_url=f"{base}/v1", api_key="any", max_retries=0)


def moderate(base: str, given: Any, model: str = "moderating") -> Any:
    return client(base).moderations.create(input=given, model=model)


def test_a_harmful_text_is_flagged_in_its_category(base: str) -> None:
    said = moderate(base, "I will beat you until you bleed, you worthless idiot.")
    result = said.results[0]
    assert result.flagged
    flags = result.categories.model_dump(by_alias=True)
    assert flags["harassment"] or flags["violence"]
    scores = result.category_scores.model_dump(by_alias=True)
    unjudged = [name for name, label in CATEGORIES.items() if label is None]
    assert len(unjudged) == 7
    assert [(flags[n], scores[n]) for n in unjudged] == [(False, 0.0)] * 7
    assert max(scores.values()) > 0.5
    assert (said.model, said.id[:5]) == ("moderating", "modr-")


def test_a_harmless_text_has_scores_and_no_flag(base: str) -> None:
    results = moderate(base, ["What a lovely morning.", "Mail bob@example.com"]).results
    assert [r.flagged for r in results] == [False, False], "a mask is no flag"
    assert 0 < results[0].category_scores.violence < 0.5


def test_what_the_policy_blocks_for_other_reasons_is_flagged_without_a_category(base: str) -> None:
    result = moderate(base, "a heron").results[0]
    assert result.flagged
    assert not any(result.categories.model_dump().values())


def test_parts_are_one_text_and_images_are_not_read(base: str) -> None:
    parts = [{"type": "text", "text": "a her"}, {"type": "image_url", "image_url": {"url": "https://x.example/a.png"}}]
    said = moderate(base, parts).results
    assert len(said) == 1
    assert said[0].flagged, "uninspected: block"
    assert said[0].category_applied_input_types.violence == ["text"]


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ([], "must be a string"),
        ([{"type": "audio"}], "input[0].type: 'audio' is none of"),
        ([1], "input[0]: must be an object"),
    ],
)
def test_mistakes_are_errors_of_openai(base: str, given: Any, told: str) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        moderate(base, given)
    assert caught.value.type == "invalid_request_error"
    assert told in str(caught.value)


def test_without_a_default_the_guardrail_must_be_named(base: str) -> None:
    with pytest.raises(openai.BadRequestError, match="x-guardrails-policy"):
        moderate(base, "hello", model="omni-moderation-latest")
    named = client(base).moderations.create(input="a heron", extra_headers={"x-guardrails-policy": "other-team"})
    assert named.results[0].flagged
