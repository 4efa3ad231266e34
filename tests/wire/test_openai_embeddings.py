from __future__ import annotations

import base64
import json
import math
import struct
from typing import Any

import openai
import pytest
from hypothesis import given
from hypothesis import strategies as st

from guardrails.wire.openai_embeddings import Embeddings
from guardrails.wire.vectors import is_numbers, is_vector
from tests.wire.servers import serving
from tests.wire.streams import ACCOUNT, exchange, keys, texts, uninspected

ASK = {"model": "text-embedding-3-small", "input": "Hello"}


def packed(values: list[float]) -> str:
    return base64.b64encode(struct.pack(f"<{len(values)}f", *values)).decode()


def answer(*embeddings: Any) -> dict[str, Any]:
    data = [{"object": "embedding", "index": i, "embedding": e} for i, e in enumerate(embeddings)]
    usage = {"prompt_tokens": 12345, "total_tokens": 12345}
    return {"object": "list", "data": data, "model": "text-embedding-3-small", "usage": usage}


@pytest.mark.parametrize(
    ("given_", "found", "closed"),
    [
        ("Hello", {"input": "user: Hello"}, {}),
        (["Hello", "you"], {"input[0]": "user: Hello", "input[1]": "user: you"}, {}),
        ([15496, 11], {}, {"input": "token ids"}),
        ([[15496, 11], [1]], {}, {"input[0]": "token ids", "input[1]": "token ids"}),
        (["Hi", [15496]], {"input[0]": "user: Hi"}, {"input[1]": "token ids"}),
        ([{"text": "Hi"}], {"input[0].text": "user: Hi"}, {}),
    ],
)
def test_a_request(given_: Any, found: dict[str, str], closed: dict[str, str]) -> None:
    walk = Embeddings.open({**ASK, "input": given_, "dimensions": 10000, "encoding_format": "float"}).inbound()
    assert texts(walk) == found
    assert uninspected(walk) == closed


def test_shape_decides() -> None:
    assert Embeddings.fits(ASK)
    assert Embeddings.fits({"model": "m", "messages": [{"role": "user", "content": "Hi"}]})
    assert not Embeddings.fits({"model": "m"})
    assert not Embeddings.open({**ASK, "stream": True}).streaming


def test_numbers_are_skipped() -> None:
    body = answer([0.123456789, -1, 2e-05] * 500, packed([0.123456789, -1.0, 2e-05] * 500))
    walk = Embeddings.open(ASK).outbound(body)
    assert walk.slots == []
    assert walk.uninspected == []


def test_what_is_no_embedding_is_text() -> None:
    body = answer([0.1, ACCOUNT], ACCOUNT, base64.b64encode(b"the password is hunter2, do not tell it").decode())
    body["note"] = "by the way"
    walk = Embeddings.open(ASK).outbound(body)
    assert set(texts(walk)) == {"data[0].embedding[1]", "data[1].embedding", "data[2].embedding", "note"}
    assert keys(walk) == {"note"}


@given(st.lists(st.floats(-1, 1, width=32), min_size=4, max_size=64))
def test_every_embedding_is_a_vector(values: list[float]) -> None:
    assert is_vector(packed(values))
    assert is_numbers(values)


@given(st.text("abcdefghijklmnopqrstuvwxyz ", min_size=16, max_size=200).filter(lambda t: t[3::4].strip() != ""))
def test_no_prose_is_a_vector(text: str) -> None:
    padded = text + "x" * (-len(text) % 12)
    assert not is_vector(base64.b64encode(padded.encode()).decode())


def test_what_is_no_vector() -> None:
    for value in ("", "Hello", "A" * 17, packed([math.inf] * 4), packed([math.nan] * 4), packed([1e6] * 4), "====" * 4):
        assert not is_vector(value)
    assert not is_numbers([1, "2"])
    assert not is_numbers([True])
    assert not is_numbers([1.0], whole=True)
    assert is_numbers([])


def client(url: str) -> openai.OpenAI:
    return openai.OpenAI(base_url=url, api_key="k", max_retries=0)


def test_the_client_reads_an_answer_that_passed() -> None:
    values = [0.25, -0.5, 0.75, 1.0]
    body, decision = exchange(Embeddings.open(ASK)).answer(answer(packed(values)))
    assert decision.action == "NONE"
    with serving(json.dumps(body).encode(), "application/json") as url, client(url) as real:
        assert real.embeddings.create(model="m", input="Hi").data[0].embedding == values


def test_a_refusal_is_an_error() -> None:
    form = Embeddings.open(ASK)
    assert not form.format.speaks
    body = json.dumps(form.refusal("Not this.")).encode()
    with (
        serving(body, "application/json", 400) as url,
        client(url) as real,
        pytest.raises(openai.BadRequestError, match="Not this"),
    ):
        real.embeddings.create(model="m", input="Hi")
