"""Instructor on top of the ``anthropic`` and ``google-genai`` packages, and OpenAI's oldest way of calling functions."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.clients.proxied import KEY, Proxied, both_ways, needs, say

pytestmark = needs("instructor", "anthropic", "google.genai")

# Modes by the package under Instructor; those of one row differ by name alone since Instructor 1.15.
MODES = {
    "openai": ["FUNCTIONS", "JSON_O1"],
    "anthropic": ["ANTHROPIC_TOOLS", "ANTHROPIC_REASONING_TOOLS", "ANTHROPIC_JSON", "TOOLS", "JSON", "JSON_SCHEMA"],
    "genai": ["GENAI_TOOLS", "GENAI_JSON", "GENAI_STRUCTURED_OUTPUTS"],
    "gemini": ["GEMINI_TOOLS", "GEMINI_JSON"],
}
each = pytest.mark.parametrize(("package", "mode"), [(p, m) for p, modes in MODES.items() for m in modes])

GIVEN = {"name": "Zoë", "card": "4111111111111111", "note": "a:\nbob@example.com"}
MASKED = {"name": "Zoë", "card": "{CREDIT_DEBIT_CARD_NUMBER}", "note": "a:\n{EMAIL}"}


def told(mode: str, value: dict[str, Any]) -> str:
    """A message that makes the upstream answer with the value, in the way of the mode."""
    text = json.dumps(value)
    return say(text) if "JSON" in mode or "OUTPUTS" in mode else f"[[tool: Person {text}]]"


@pytest.fixture
def made(proxied: Proxied) -> Iterator[Callable[[str, str], Any]]:
    """Instructor's client for a package and a mode."""
    import anthropic
    import instructor
    import openai
    from google import genai

    plain: list[Any] = []

    def make(package: str, mode: str) -> Any:
        if not hasattr(instructor.Mode, mode):
            pytest.skip(f"this version of Instructor has no mode {mode}")
        wanted = getattr(instructor.Mode, mode)
        if package == "gemini":
            if importlib.util.find_spec("google.generativeai") is None:
                pytest.skip("google-generativeai is discontinued; google-genai is in its place")
            pytest.skip("google-generativeai speaks gRPC unless it is told otherwise")
        if package == "openai":
            plain.append(openai.OpenAI(base_url=proxied.base + "/v1", api_key=KEY))
            return instructor.from_openai(plain[-1], mode=wanted)
        if package == "anthropic":
            plain.append(anthropic.Anthropic(base_url=proxied.base, api_key=KEY))
            return instructor.from_anthropic(plain[-1], mode=wanted)
        plain.append(genai.Client(api_key=KEY, http_options={"base_url": proxied.base}))
        return instructor.from_genai(plain[-1], mode=wanted)

    yield make
    for one in plain:
        one.close()


@pytest.fixture
def ask(made: Any) -> Callable[..., dict[str, Any]]:
    from pydantic import BaseModel

    class Person(BaseModel):
        """A person."""

        name: str | None = None
        card: str | None = None
        note: str | None = None

    def run(package: str, mode: str, message: str, *, stream: bool) -> dict[str, Any]:
        client = made(package, mode)
        asked: dict[str, Any] = {"model": "m", "messages": [{"role": "user", "content": message}]}
        asked |= {"response_model": Person, "max_retries": 0}
        if package == "anthropic":
            asked["max_tokens"] = 500
        done = list(client.create_partial(**asked))[-1] if stream else client.create(**asked)
        return done.model_dump()

    return run


@each
@both_ways
def test_allowed(ask: Any, package: str, mode: str, stream: bool) -> None:
    value = {"name": "Zoë", "card": "7", "note": 'a "b"\n\\c'}
    assert ask(package, mode, told(mode, value), stream=stream) == value


@each
@both_ways
def test_masked(ask: Any, proxied: Proxied, package: str, mode: str, stream: bool) -> None:
    assert ask(package, mode, "Call +1 415 555 0134. " + told(mode, GIVEN), stream=stream) == MASKED
    assert "Call {PHONE}." in proxied.received()[0]
    assert len(proxied.received()) == 1


@each
def test_blocked(ask: Any, proxied: Proxied, package: str, mode: str) -> None:
    with pytest.raises(Exception, match=r".") as raised:
        ask(package, mode, told(mode, {**GIVEN, "note": "osprey"}), stream=False)
    assert "osprey" not in str(raised.value)
    assert len(proxied.received()) == 1


@each
def test_a_blocked_request_reaches_nobody(ask: Any, proxied: Proxied, package: str, mode: str) -> None:
    with pytest.raises(Exception, match=r"."):
        ask(package, mode, "project kingfisher " + told(mode, GIVEN), stream=False)
    assert proxied.received() == []


@each
def test_a_blocked_stream_has_no_object(ask: Any, package: str, mode: str) -> None:
    """What of the object was streamed before stays; nothing of the blocked value does."""
    try:
        note = ask(package, mode, told(mode, {"name": "Zoë", "note": "osprey"}), stream=True)["note"]
    except Exception as error:
        note = str(error)
    assert "osprey" not in (note or "")


def test_parallel_calls(made: Any) -> None:
    from collections.abc import Iterable

    from pydantic import BaseModel

    class Person(BaseModel):
        """A person."""

        name: str
        note: str

    client = made("anthropic", "ANTHROPIC_PARALLEL_TOOLS")
    message = told("TOOLS", {"name": "Zoë", "note": "bob@example.com"})
    done = client.create(
        model="m",
        max_tokens=500,
        messages=[{"role": "user", "content": message}],
        response_model=Iterable[Person],
        max_retries=0,
    )
    assert list(done) == [Person(name="Zoë", note="{EMAIL}")]
