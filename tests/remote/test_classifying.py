"""Classifiers behind vLLM and TEI: nothing is cut off, and an answer for something else is no verdict."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guardrails.errors import GuardrailsError, RemoteFailed
from guardrails.inference.remote import Endpoint, opened
from guardrails.inference.remote.calling import TooLong, in_windows
from tests.remote.servers import SHA, Server, Tei, Vllm, serving


@pytest.fixture
def vllm() -> Iterator[Server]:
    with serving(Vllm()) as server:
        yield server


@pytest.fixture
def tei() -> Iterator[Server]:
    with serving(Tei()) as server:
        yield server


def at(server: Server, backend: str, **more: Any) -> Endpoint:
    classes = ("neutral", "toxic") if backend == "vllm" else ()
    return replace(Endpoint(backend, server.url, "org/toxic", classes=classes), **more)


def test_vllm_names_what_it_gives_no_names(vllm: Server) -> None:
    backend = opened(at(vllm, "vllm"))
    assert backend.score("a kingfisher", 5) == [(0, 12, {"neutral": pytest.approx(0.1), "toxic": 0.9})]
    assert vllm.calls == [
        ("/classify", {"model": "org/toxic", "input": ["a kingfisher"], "use_activation": True}),
    ]
    assert (backend.model, len(backend.sha256)) == ("vllm:org/toxic", 64)


def test_a_batch_of_windows_is_one_call(tei: Server) -> None:
    text = "calm water " * 400 + "kingfisher"
    found = opened(at(tei, "tei", window=400)).score(text, 5)
    assert [path for path, _ in tei.calls] == ["/info", "/predict"]
    assert found[-1][1] == len(text)
    assert found[-1][2]["toxic"] == 0.9


@pytest.mark.parametrize("backend", ["vllm", "tei"])
def test_what_is_too_long_for_the_server_is_read_in_halves(backend: str) -> None:
    judge = Vllm(reads=50) if backend == "vllm" else Tei(reads=50)
    with serving(judge) as server:
        text = "calm water " * 300 + "kingfisher" + " calm water" * 300
        found = opened(at(server, backend)).score(text, 5)
        covered = set()
        for start, end, _ in found:
            covered |= set(range(start, end))
        assert covered == set(range(len(text)))
        assert max(scores["toxic"] for _, _, scores in found) == 0.9
        assert all(body.get("truncate") is False for path, body in server.calls if path == "/predict")


@settings(deadline=None)
@given(st.text(max_size=2_000), st.integers(200, 700), st.integers(1, 5), st.integers(65, 700))
def test_windows_cover_every_character(text: str, size: int, batch: int, reads: int) -> None:
    def ask(texts: Any) -> Any:
        if any(len(t) > reads for t in texts):
            raise TooLong
        return [{"x": 0.0}] * len(texts)

    found = in_windows(text, size, batch, ask)
    assert {i for s, e, _ in found for i in range(s, e)} == set(range(len(text)))
    assert all(e - s <= reads for s, e, _ in found)


def test_a_server_that_refuses_every_length_has_failed() -> None:
    def ask(_: Any) -> Any:
        raise TooLong

    with pytest.raises(RemoteFailed):
        in_windows("x" * 10_000, 1_000, 8, ask)


def test_vllm_needs_its_classes(vllm: Server) -> None:
    with pytest.raises(GuardrailsError, match="classes"):
        opened(at(vllm, "vllm", classes=()))


@pytest.mark.parametrize("judge", [Vllm(classes=3), Vllm(model="org/other")], ids=["classes", "model"])
def test_vllm_for_another_model_is_no_verdict(judge: Vllm) -> None:
    with serving(judge) as server, pytest.raises(RemoteFailed):
        opened(at(server, "vllm")).score("calm", 5)


@pytest.mark.parametrize(
    ("judge", "said"),
    [
        (Tei(auto_truncate=True), "cuts off"),
        (Tei(model="org/other"), "another model"),
        (Tei(sha="0" * 40), "another revision"),
    ],
)
def test_tei_that_is_not_what_the_policy_names_is_not_asked(judge: Tei, said: str) -> None:
    with serving(judge) as server:
        with pytest.raises(RemoteFailed, match=said):
            opened(at(server, "tei", revision=SHA)).score("calm", 5)
        assert [path for path, _ in server.calls] == ["/info"]


def test_the_identity_of_tei_holds_its_revision_and_not_its_address(tei: Server) -> None:
    def identity(judge: Tei) -> str:
        with serving(judge) as server:
            backend = opened(at(server, "tei"))
            backend.score("calm", 5)
            return backend.sha256

    assert identity(Tei()) == identity(Tei())
    assert identity(Tei()) != identity(Tei(sha="0" * 40))


@pytest.mark.parametrize("said", [1.5, -0.1, None, "0.5", True, [0.5]])
def test_what_is_no_probability_is_no_verdict(said: Any) -> None:
    def answers(path: str, body: Any) -> tuple[int, Any]:
        status, answer = Vllm()(path, body)
        answer["data"][0]["probs"][1] = said
        return status, answer

    with serving(answers) as server, pytest.raises(RemoteFailed):
        opened(at(server, "vllm")).score("calm", 5)
