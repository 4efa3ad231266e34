"""LiteLLM's generic guardrail API: tolerant of its versions, stable over the rounds of a stream."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.service.servers import folder, served

PATH = "/beta/litellm_basic_guardrail_api"


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with served(folder(tmp_path_factory.mktemp("litellm"))) as address:
        yield address


def apply(base: str, kind: str, **body: Any) -> Any:
    params = {"guardrail": "small", **body.pop("params", {})}
    answer = httpx.post(
        base + PATH,
        json={
            "input_type": kind,
            "request_data": {"user_api_key_hash": "x"},
            "additional_provider_specific_params": params,
            "an_unknown_field_of_a_later_version": {"a": 1},
            **body,
        },
    )
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_texts_keep_their_number_and_order(base: str) -> None:
    said = apply(base, "request", texts=["hello", "bob@example.com", "ACC-12345678"], images=None)
    assert said == {"action": "GUARDRAIL_INTERVENED", "texts": ["hello", "{EMAIL}", "{ACCOUNT}"]}
    assert apply(base, "request", texts=["hello"]) == {"action": "NONE", "texts": ["hello"]}
    blocked = apply(base, "request", texts=["hello", "project kingfisher"])
    assert blocked == {"action": "BLOCKED", "blocked_reason": "I was told not to ask."}


def test_calls_of_tools_are_inspected_and_blocked_where_they_would_be_masked(base: str) -> None:
    call = {"id": "1", "type": "function", "function": {"name": "mail", "arguments": '{"to": "bob@example.com"}'}}
    assert apply(base, "response", texts=["done"], tool_calls=[call])["action"] == "BLOCKED"
    call["function"] = {"name": "mail", "arguments": '{"to": "nobody"}'}
    assert apply(base, "response", texts=["done"], tool_calls=[call])["action"] == "NONE"


def test_definitions_of_tools_are_masked_and_stay_json(base: str) -> None:
    tool = {
        "type": "function",
        "function": {"name": "mail", "description": "Write to bob@example.com", "parameters": {}},
    }
    said = apply(base, "request", texts=["hello"], tools=[tool])
    assert said["tools"][0]["function"]["description"] == "Write to {EMAIL}"
    assert said["action"] == "GUARDRAIL_INTERVENED"


def test_images_are_stopped(base: str) -> None:
    assert apply(base, "request", texts=["look"], images=["[omitted]"])["action"] == "BLOCKED"


ANSWERS = st.lists(
    st.sampled_from(["hello ", "mail bob@exam", "ple.com, ", "ACC-123", "45678. ", "It is 5 pm. ", "x" * 40, "\n"]),
    min_size=1,
    max_size=12,
)


@given(ANSWERS)
@settings(max_examples=40)
def test_what_was_shown_of_a_shorter_text_begins_the_longer_one(base: str, parts: list[str]) -> None:
    """The rounds of one stream: LiteLLM shows all but the last `stream_holdback_chars`, and cannot take anything back."""
    shown = ""
    for number in range(1, len(parts) + 1):
        said = apply(base, "response", texts=["".join(parts[:number])], params={"stream": True})
        text, held = said["texts"][0], said["stream_holdback_chars"][0]
        assert text.startswith(shown)
        shown = text[: len(text) - held] if held else text
    whole = apply(base, "response", texts=["".join(parts)], params={"stream": True})["texts"][0]
    assert "12345678" not in whole
    assert "bob@example.com" not in whole


def test_a_word_that_may_go_on_blocks_only_when_it_does_not(base: str) -> None:
    half = apply(base, "response", texts=["They promise risk-free profit"], params={"stream": True})
    text, held = half["texts"][0], half["stream_holdback_chars"][0]
    assert text.endswith("I was told not to say.")
    assert "risk-free" not in text[: len(text) - held]
    assert apply(base, "response", texts=["They promise risk-free profit"])["action"] == "BLOCKED"
    on = apply(
        base,
        "response",
        texts=["They promise risk-free profit. " + "More follows here. " * 200],
        params={"stream": True},
    )
    assert on["action"] == "BLOCKED"


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ({}, "input_type: is missing"),
        ({"input_type": "input"}, "input_type: 'input' is none of request, response"),
        ({"input_type": "request", "texts": "hello"}, "texts: must be a list of strings, not a string"),
        ({"input_type": "request", "texts": [None]}, "texts[0]: must be a string, not null"),
    ],
)
def test_mistakes_name_the_field(base: str, body: dict[str, Any], told: str) -> None:
    answer = httpx.post(base + PATH, json=body, headers={"x-guardrails-policy": "small"})
    assert answer.status_code == 400
    assert told in answer.json()["error"]["message"]
