from __future__ import annotations

from typing import Any

import pytest
from openai.types import Model

from guardrails.wire import recognise
from guardrails.wire.listing import Listing
from tests.wire.streams import ACCOUNT, MASK, exchange, keys, texts

OPENAI = {
    "object": "list",
    "data": [{"id": "meta-llama/Llama-3.3-70B", "object": "model", "created": 1686935002, "owned_by": "vllm", "max_model_len": 131072}],
}  # fmt: skip
ANTHROPIC = {
    "data": [{"type": "model", "id": "claude-x", "display_name": "Claude X", "created_at": "2026-02-19T00:00:00Z"}],
    "has_more": False, "first_id": "claude-x", "last_id": "claude-x",
}  # fmt: skip
GEMINI = {
    "models": [
        {"name": "models/gemini-3-pro", "version": "001", "displayName": "Gemini 3 Pro", "description": "Fast and wise",
         "inputTokenLimit": 1048576, "supportedGenerationMethods": ["generateContent"], "temperature": 1, "topP": 0.95}
    ],
    "nextPageToken": "Ch9tb2RlbHM=",
}  # fmt: skip
OLLAMA = {
    "models": [
        {"name": "llama4:latest", "model": "llama4:latest", "modified_at": "2026-05-04T17:37:44.706015396-07:00", "size": 3826793677,
         "digest": "a80c4f17acd55265feec403c7aef86be0c25983ab279d83f3bcd3abbcb5b8b72",
         "details": {"parent_model": "", "format": "gguf", "family": "llama", "families": ["llama"], "parameter_size": "70.6B",
                     "quantization_level": "Q4_K_M"}}
    ]
}  # fmt: skip


@pytest.mark.parametrize(
    "path",
    [
        "/v1/models",
        "/v1/models/gpt-4o",
        "/v1/models/org%2Fname",
        "/api/tags",
        "/api/ps",
        "/api/version",
        "/v1beta/models",
    ],
)
def test_routes(path: str) -> None:
    assert [f.name for f, _ in recognise("GET", path, (Listing,))] == ["listing"]
    assert recognise("POST", path, (Listing,)) == []


def test_a_request_has_no_body() -> None:
    assert Listing.fits(None)
    assert not Listing.fits({})
    assert Listing.open(None).inbound().slots == []
    assert not Listing.open(None).streaming


@pytest.mark.parametrize(
    ("body", "found"),
    [
        (OPENAI, {}),
        (OPENAI["data"][0], {}),
        (ANTHROPIC, {"data[0].display_name": "assistant: Claude X"}),
        (
            GEMINI,
            {
                "models[0].displayName": "assistant: Gemini 3 Pro",
                "models[0].description": "assistant: Fast and wise",
            },
        ),
        (OLLAMA, {}),
        ({"version": "0.12.6"}, {}),
    ],
)
def test_answers(body: Any, found: dict[str, str]) -> None:
    walk = Listing.open(None).outbound(body)
    assert texts(walk) == found
    assert keys(walk) <= {"display_name", "displayName", "description"}


def test_an_id_that_is_none_is_text() -> None:
    body = {"object": "list", "data": [{"id": f"mine is {ACCOUNT}", "object": "model", "created": 1, "owned_by": "me"}]}
    got, _ = exchange(Listing.open(None)).answer(body)
    assert got["data"][0]["id"] == f"mine is {MASK}"
    Model.model_validate(got["data"][0], strict=True)


def test_a_refusal_is_an_error() -> None:
    assert not Listing.speaks
    assert Listing.open(None).refusal("No.")["error"]["message"] == "No."
