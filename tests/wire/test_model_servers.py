"""What clients ask of Ollama and Gemini beside talking: embeddings, and what is known of a model."""

from __future__ import annotations

import json
from typing import Any

import ollama
import pytest

from guardrails.wire import form_class, recognise
from guardrails.wire.format import Session
from tests.wire.servers import serving
from tests.wire.streams import ACCOUNT, MASK, exchange, texts, uninspected

VECTOR = [0.123456789, -1, 2e-05] * 100


def form_of(path: str, body: Any) -> Session:
    return next(f.open(body, p) for f, p in recognise("POST", path) if f.fits(body))


ASKED = [
    ("/api/embed", {"model": "m", "input": "Hello"}, "ollama.embed", {"input": "user: Hello"}, {}),
    ("/api/embed", {"model": "m", "input": ["a b", "c d"], "truncate": True, "dimensions": 64, "keep_alive": "5m", "options": {"num_ctx": 8192}},
     "ollama.embed", {"input[0]": "user: a b", "input[1]": "user: c d"}, {}),
    ("/api/embed", {"model": "m", "input": [[15496, 11]]}, "ollama.embed", {}, {"input[0]": "token ids"}),
    ("/api/embed", {"model": "m"}, "ollama.embed", {}, {}),
    ("/api/embeddings", {"model": "m", "prompt": "Hello"}, "ollama.embeddings", {"prompt": "user: Hello"}, {}),
    ("/api/embeddings", {"model": "m", "input": "Hello"}, "openai.embeddings", {"input": "user: Hello"}, {}),
    ("/ollama/api/embeddings", {"model": "m"}, "ollama.embeddings", {}, {}),
    ("/api/show", {"model": "llama3.2:latest", "verbose": False}, "ollama.show", {}, {}),
    ("/api/show", {"name": "my own words"}, "ollama.show", {"name": "user: my own words"}, {}),
    ("/v1beta/models/e:embedContent", {"model": "models/e", "content": {"parts": [{"text": "Hello"}]}, "taskType": "RETRIEVAL_QUERY", "outputDimensionality": 768},
     "gemini.embed", {"content.parts[0].text": "user: Hello"}, {}),
    ("/v1/models/e:embedContent", {"content": {"parts": [{"inline_data": {"mime_type": "image/png", "data": "aaaa"}}]}, "title": "A title"},
     "gemini.embed", {"title": "user: A title"}, {"content.parts[0].inline_data.data": "binary content"}),
    ("/v1beta/models/e:batchEmbedContents", {"requests": [{"model": "models/e", "content": {"role": "user", "parts": [{"text": t}]}, "task_type": "CLUSTERING"} for t in ("one two", "three")]},
     "gemini.batch_embed", {"requests[0].content.parts[0].text": "user: one two", "requests[1].content.parts[0].text": "user: three"}, {}),
    ("/v1/projects/p/locations/l/publishers/google/models/e:predict", {"instances": [{"content": "Hello you", "task_type": "CLUSTERING"}], "parameters": {"autoTruncate": True}},
     "gemini.predict", {"instances[0].content": "user: Hello you"}, {}),
]  # fmt: skip


@pytest.mark.parametrize(("path", "body", "name", "found", "closed"), ASKED)
def test_requests(path: str, body: Any, name: str, found: dict[str, str], closed: dict[str, str]) -> None:
    form = form_of(path, body)
    assert form.name == name
    walk = form.inbound()
    assert texts(walk) == found
    assert uninspected(walk) == closed
    assert not form.streaming
    assert not form.format.speaks


ANSWERED = [
    ("ollama.embed", {"model": "m", "embeddings": [VECTOR, VECTOR], "total_duration": 14143917, "load_duration": 1019500, "prompt_eval_count": 8}, {}),
    ("ollama.embeddings", {"embedding": VECTOR}, {}),
    ("gemini.embed", {"embedding": {"values": VECTOR}}, {}),
    ("gemini.batch_embed", {"embeddings": [{"values": VECTOR}], "usageMetadata": {"promptTokenCount": 12345}}, {}),
    ("gemini.predict", {"predictions": [{"embeddings": {"statistics": {"truncated": False, "token_count": 6}, "values": VECTOR}}],
     "metadata": {"billableCharacterCount": 40}}, {}),
    ("ollama.show", {"modelfile": "FROM x\nSYSTEM be kind", "template": "{{ .Prompt }}", "capabilities": ["completion", "tools"],
     "details": {"format": "gguf", "families": ["llama"], "parameter_size": "8.0B"}, "modified_at": "2025-04-29T17:00:00Z",
     "model_info": {"general.architecture": "llama", "general.parameter_count": 8030261248, "tokenizer.ggml.tokens": None}},
     {"modelfile": "assistant: FROM x\nSYSTEM be kind", "template": "assistant: {{ .Prompt }}"}),
]  # fmt: skip


@pytest.mark.parametrize(("name", "body", "found"), ANSWERED)
def test_answers(name: str, body: Any, found: dict[str, str]) -> None:
    form = form_class(name).open({})
    walk = form.outbound(body)
    assert {k: v for k, v in texts(walk).items() if k != "(keys)"} == found
    assert walk.uninspected == []
    got, decision = exchange(form).answer(body)
    assert (got, decision.blocked) == (body, False)


@pytest.mark.parametrize("name", ["ollama.embed", "gemini.embed", "ollama.show", "gemini.batch_embed"])
def test_a_place_for_numbers_that_holds_words_is_text(name: str) -> None:
    body = {
        "embeddings": [{"values": [ACCOUNT]}, f"it is {ACCOUNT}"],
        "embedding": {"values": [ACCOUNT, 1.0]},
        "license": ACCOUNT,
    }
    got, _ = exchange(form_class(name).open({})).answer(body)
    assert ACCOUNT not in json.dumps(got)
    assert MASK in json.dumps(got)


@pytest.mark.parametrize("name", ["ollama.embed", "ollama.embeddings", "ollama.show"])
def test_a_refusal_is_an_error_that_the_client_raises(name: str) -> None:
    refused = form_class(name).open({}).refusal("Not this one.")
    with serving(json.dumps(refused).encode(), "application/json", 424) as base:
        client = ollama.Client(base)
        calls: dict[str, Any] = {
            "ollama.embed": lambda: client.embed("m", "Hello"),
            "ollama.embeddings": lambda: client.embeddings("m", "Hello"),
            "ollama.show": lambda: client.show("m"),
        }
        with pytest.raises(ollama.ResponseError, match=r"Not this one\."):
            calls[name]()
