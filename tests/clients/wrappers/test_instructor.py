"""Instructor: objects out of answers, in each of its modes."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.clients.proxied import KEY, Proxied, both_ways, needs, say

pytestmark = needs("instructor")

TOOLS = ["TOOLS", "TOOLS_STRICT"]
JSON = ["JSON", "JSON_SCHEMA", "MD_JSON"]
RESPONSES = ["RESPONSES_TOOLS"]
each = pytest.mark.parametrize("mode", [*TOOLS, *JSON, *RESPONSES])

GIVEN = {"name": "Zoë", "card": 4111111111111111, "note": "a:\nbob@example.com"}
MASKED = {"name": "Zoë", "card": "{CREDIT_DEBIT_CARD_NUMBER}", "note": "a:\n{EMAIL}"}


def told(mode: str, value: dict[str, Any]) -> str:
    """A message that makes the upstream answer with the value, in the way of the mode."""
    text = json.dumps(value)
    if mode in JSON:
        return say(f"```json\n{text}\n```" if mode == "MD_JSON" else text)
    return f"[[tool: Person {text}]]"


@pytest.fixture
def ask(proxied: Proxied) -> Callable[..., dict[str, Any]]:
    import instructor
    import openai
    from pydantic import BaseModel

    class Person(BaseModel):
        """A person."""

        name: str | None = None
        card: str | int | None = None
        note: str | None = None

    def run(mode: str, message: str, *, stream: bool) -> dict[str, Any]:
        with openai.OpenAI(base_url=proxied.base + "/v1", api_key=KEY) as plain:
            client = instructor.from_openai(plain, mode=getattr(instructor.Mode, mode))
            asked: dict[str, Any] = {"model": "m", "messages": [{"role": "user", "content": message}]}
            asked |= {"response_model": Person, "max_retries": 0}
            done = list(client.create_partial(**asked))[-1] if stream else client.create(**asked)
            return done.model_dump()

    return run


@each
@both_ways
def test_allowed(ask: Any, mode: str, stream: bool) -> None:
    value = {"name": "Zoë", "card": 7, "note": 'a "b"\n\\c'}
    assert ask(mode, told(mode, value), stream=stream) == value


@each
@both_ways
def test_masked(ask: Any, proxied: Proxied, mode: str, stream: bool) -> None:
    assert ask(mode, "Call +1 415 555 0134. " + told(mode, GIVEN), stream=stream) == MASKED
    assert "Call {PHONE}." in proxied.received()[0]
    assert len(proxied.received()) == 1


@each
def test_blocked(ask: Any, proxied: Proxied, mode: str) -> None:
    with pytest.raises(Exception, match=r".") as raised:
        ask(mode, told(mode, {**GIVEN, "note": "osprey"}), stream=False)
    assert "osprey" not in str(raised.value)
    assert len(proxied.received()) == 1


@each
def test_a_blocked_request_reaches_nobody(ask: Any, proxied: Proxied, mode: str) -> None:
    with pytest.raises(Exception, match=r"."):
        ask(mode, "project kingfisher " + told(mode, GIVEN), stream=False)
    assert proxied.received() == []


@each
def test_a_blocked_stream_has_no_object(ask: Any, mode: str) -> None:
    """What of the object was streamed before stays; nothing of the blocked value does."""
    value = {"name": "Zoë", "note": "osprey"}
    try:
        note = ask(mode, told(mode, value), stream=True)["note"]
    except Exception as error:
        note = str(error)
    assert "osprey" not in (note or "")


def test_parallel_calls(proxied: Proxied) -> None:
    from collections.abc import Iterable

    import instructor
    import openai
    from pydantic import BaseModel

    class Person(BaseModel):
        """A person."""

        name: str
        note: str

    with openai.OpenAI(base_url=proxied.base + "/v1", api_key=KEY) as plain:
        client = instructor.from_openai(plain, mode=instructor.Mode.PARALLEL_TOOLS)
        message = told("PARALLEL_TOOLS", {"name": "Zoë", "note": "bob@example.com"})
        done = client.create(
            model="m", messages=[{"role": "user", "content": message}], response_model=Iterable[Person], max_retries=0
        )
        assert list(done) == [Person(name="Zoë", note="{EMAIL}")]
