"""HTTP 422: a body of no known shape is answered with the key that it lacks, and none of its values."""

from __future__ import annotations

from typing import Any

import pytest

from tests.asgi.apps import App

SAID = "tell nobody: 4111 1111 1111 1111"


@pytest.mark.parametrize(
    ("path", "body", "told"),
    [
        ("/v1/chat/completions", {"model": "m"}, "the key 'messages' (a list) is missing"),
        ("/v1/chat/completions", {"model": "m", "message": [{"role": "user", "content": SAID}]}, "there is 'message'"),
        ("/v1/chat/completions", {"model": "m", "messages": SAID}, "'messages' is a string where a list is expected"),
        ("/v1/chat/completions", {"model": "m", "messages": {"content": SAID}}, "'messages' is an object where a list is expected"),
        ("/v1/chat/completions", {"model": "m", "prompt": SAID}, "the key 'messages' (a list) is missing"),
        ("/v1/completions", {"model": "m", "promt": SAID}, "there is 'promt'"),
        ("/v1/responses", {"model": "m", "inputs": SAID}, "there is 'inputs'"),
        ("/v1/embeddings", {"model": "m"}, "the key 'input' (a string or a list) is missing"),
        ("/v1/messages", {"model": "m", "max_tokens": 9}, "the key 'messages' (a list) is missing"),
        ("/v1beta/models/gemini-pro:generateContent", {"content": [{"parts": [{"text": SAID}]}]}, "there is 'content'"),
    ],
)  # fmt: skip
def test_the_missing_key_is_named(path: str, body: dict[str, Any], told: str) -> None:
    app = App("fine")
    response = app.post(body, path)
    assert response.status_code == 422, response.text
    assert told.replace("'", "") in response.text.replace("'", "").replace('\\"', "")
    assert "4111" not in response.text
    assert "tell nobody" not in response.text
    assert app.received == []


@pytest.mark.parametrize("body", [[], [SAID], SAID, 5, None, True])
def test_what_is_no_object_is_told_so(body: Any) -> None:
    response = App("fine").post(body)
    assert response.status_code in (400, 422)
    assert "object" in response.text
    assert "4111" not in response.text
