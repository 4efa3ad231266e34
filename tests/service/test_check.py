"""Our own contract: what the library reports, and errors that name the field and the remedy."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import httpx
import jsonschema
import pytest

from guardrails import Guard
from guardrails.policy import loads
from guardrails.service.catalog import Guardrail
from guardrails.service.openapi import document
from guardrails.service.streams import OpenStream, Streams
from guardrails.types import Source
from tests.service.servers import SMALL, folder, keys, served

TEXT = "From bob@example.com, account ACC-12345678, host 10.0.0.1"


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with served(folder(tmp_path_factory.mktemp("check"))) as address:
        yield address


def post(base: str, body: Any) -> httpx.Response:
    return httpx.post(base + "/v1/check", json=body)


def fits(value: Any, name: str) -> None:
    schemas = document()["components"]
    jsonschema.validate(value, {"$ref": f"#/components/schemas/{name}", "components": schemas})


def test_the_answer_is_the_librarys_report(base: str) -> None:
    said = post(base, {"guardrail": "small", "source": "INPUT", "text": TEXT}).json()
    fits(said, "Report")
    report = Guard(loads(SMALL)).check(TEXT, "INPUT").to_dict(include_text=True)
    for key in ("action", "findings", "failures", "coverage", "text", "outputs", "scores"):
        assert said[key] == report[key], key
    assert said["policy"]["name"] == "small"


def test_pieces_are_checked_together_and_keep_their_places(base: str) -> None:
    pieces = [{"text": "hello", "role": "system"}, {"text": "to bob@example.com", "qualifiers": ["query"]}]
    said = post(base, {"guardrail": "small", "source": "OUTPUT", "pieces": pieces, "include_text": False}).json()
    fits(said, "Report")
    assert [(f["rule"], f["piece"], f["start"]) for f in said["findings"]] == [("pii.EMAIL", 1, 3)]
    assert "text" not in said
    assert "outputs" not in said


def test_a_batch_keeps_its_order_and_its_directions(base: str) -> None:
    checks = [
        {"text": "risk-free profit"},
        {"text": "risk-free profit", "source": "OUTPUT"},
        {"pieces": [{"text": "project"}, {"text": "kingfisher"}]},
        {"text": "bob@example.com"},
    ]
    said = post(base, {"guardrail": "small", "source": "INPUT", "checks": checks}).json()
    fits(said, "Batch")
    assert [r["action"] for r in said["results"]] == ["NONE", "BLOCKED", "NONE", "MASKED"]


MISTAKES: list[tuple[Any, str, str]] = [
    ({"text": "x"}, "source", "is missing; add a string"),
    ({"text": "x", "source": "input"}, "source", "did you mean 'INPUT'?"),
    ({"text": "x", "source": "PROMPT"}, "source", "none of INPUT, OUTPUT"),
    ({"text": 5, "source": "INPUT"}, "text", "must be a string, not a number"),
    ({"text": None, "source": "INPUT"}, "text", "is null; write a value, or leave it out"),
    ({"pieces": [{"text": "x", "role": None}], "source": "INPUT"}, "pieces[0].role", "is null"),
    ({"checks": [{"text": "x", "source": "INPUT"}]}, "source", "is missing; add a string"),
    ({"source": "INPUT"}, "", "send either text or pieces"),
    ({"text": "x", "pieces": [], "source": "INPUT"}, "", "send either text or pieces"),
    ({"pieces": "x", "source": "INPUT"}, "pieces", "must be a list of objects, not a string"),
    ({"pieces": ["x"], "source": "INPUT"}, "pieces[0]", "must be an object, not a string"),
    ({"pieces": [{"txt": "x"}], "source": "INPUT"}, "pieces[0]", "did you mean 'text'?"),
    ({"pieces": [{"text": "x", "role": "human"}], "source": "INPUT"}, "pieces[0].role", "'human' is none of system"),
    (
        {"pieces": [{"text": "x", "qualifiers": ["source"]}], "source": "INPUT"},
        "pieces[0].qualifiers[0]",
        "guard_content",
    ),
    ({"pieces": [], "source": "INPUT"}, "pieces", "add at least one"),
    ({"checks": [], "source": "INPUT"}, "checks", "add at least one"),
    ({"checks": [{"text": "x"}] * 101, "source": "INPUT"}, "checks", "at most 100"),
    ({"input": "x", "source": "INPUT"}, "", "'input' is no field here"),
    ({"text": "x", "source": "INPUT", "include_text": "yes"}, "include_text", "must be true or false, not a string"),
    ({"text": "x", "source": "INPUT", "guardrail": "nobody"}, "", "There are otherteam, small"),
    ({"text": "x", "source": "INPUT"}, "", "x-guardrails-policy"),
    ({"text": "x", "source": "INPUT", "guardrail": "small", "version": "latest"}, "", "DRAFT or a number"),
    ({"text": "x", "source": "INPUT", "guardrail": "small", "version": "3"}, "", "it has DRAFT"),
    ([1], "the body", "must be an object, not a list"),
]


@pytest.mark.parametrize(("body", "field", "told"), MISTAKES, ids=[m[2][:30] for m in MISTAKES])
def test_a_mistake_is_answered_with_the_field_and_the_remedy(base: str, body: Any, field: str, told: str) -> None:
    if isinstance(body, dict) and "guardrail" not in body and "x-guardrails" not in told:
        body = {"guardrail": "small", **body}
    answer = post(base, body)
    assert answer.status_code in {400, 404}, answer.text
    fits(answer.json(), "Error")
    error = answer.json()["error"]
    assert told in error["message"]
    assert error.get("field", "") == field


@pytest.mark.parametrize(
    ("data", "headers", "status", "told"),
    [
        (b"{'text': 1}", {}, 400, "JSON"),
        (b'{"text": "a", "text": "b"}', {}, 400, "twice"),
        (b"text=hello", {"content-type": "multipart/form-data"}, 415, "application/json"),
        (b"\xff\xfe", {}, 400, "UTF-8"),
        (b'{"text": "' + b"x" * 17_000_000 + b'"}', {}, 413, "16000000"),
    ],
    ids=["quotes", "twice", "form", "bytes", "large"],
)
def test_a_body_that_cannot_be_read_says_why(
    base: str, data: bytes, headers: dict[str, str], status: int, told: str
) -> None:
    answer = httpx.post(base + "/v1/check", content=data, headers={"content-type": "application/json", **headers})
    assert answer.status_code == status
    assert told in answer.json()["error"]["message"]


def test_a_version_counts_without_a_guardrail_in_the_body(base: str) -> None:
    answer = httpx.post(
        base + "/v1/check",
        json={"text": "x", "source": "INPUT", "version": "3"},
        headers={"x-guardrails-policy": "small"},
    )
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "not_found")


def test_the_document_describes_what_is_served(base: str) -> None:
    said = httpx.get(base + "/openapi.json").json()
    assert said["openapi"] == "3.1.0"
    assert set(said["paths"]) == {"/v1/check", "/v1/check/stream", "/v1/guardrails"}
    for name, schema in said["components"]["schemas"].items():
        jsonschema.Draft202012Validator.check_schema(schema)
        assert name
    listed = httpx.get(base + "/v1/guardrails").json()
    fits(listed, "Guardrails")
    assert [g["id"] for g in listed["guardrails"]] == ["otherteam", "small"]


def piece(base: str, call: str, number: int, text: str = "", *, status: int = 200, **more: Any) -> Any:
    body = {"guardrail": "small", "call": call, "piece": number, "text": text, **more}
    answer = httpx.post(base + "/v1/check/stream", json=body)
    assert answer.status_code == status, answer.text
    fits(answer.json(), "StreamAnswer" if status == 200 else "Error")
    return answer.json()


LONG = "This sentence is about nothing at all. " * 8


def test_a_text_in_pieces_is_shown_as_it_is_checked(base: str) -> None:
    parts = ["Write to bob@exa", "mple.com now. ", *[LONG[i : i + 50] for i in range(0, len(LONG), 50)]]
    said = [piece(base, "a", n, part) for n, part in enumerate(parts)]
    said.append(piece(base, "a", len(parts), final=True))
    assert "".join(s["text"] for s in said) == "Write to {EMAIL} now. " + LONG
    assert [s["text"] for s in said[:2]] == ["", ""]
    assert said[1]["held"] == len("Write to bob@example.com now. ")
    assert any(s["text"] for s in said[:-1]), "long before its end"
    assert [s["ended"] for s in said] == [False] * len(parts) + [True]
    assert (said[-1]["report"]["action"], said[-1]["report"]["source"]) == ("MASKED", "OUTPUT")
    assert "bob@example.com" not in str(said)


def test_a_blocked_stream_ends_with_the_message(base: str) -> None:
    assert piece(base, "b", 0, "a risk-free ")["blocked"] is False
    said = piece(base, "b", 1, "profit. " + LONG)
    assert (said["text"], said["blocked"], said["ended"]) == ("I was told not to say.", True, True)
    assert said["report"]["action"] == "BLOCKED"
    more = piece(base, "b", 2, "and so on", status=409)
    assert "has ended" in more["error"]["message"]


def test_the_direction_of_a_stream_decides(base: str) -> None:
    said = piece(base, "c", 0, "a risk-free profit", source="INPUT", final=True)
    assert (said["text"], said["report"]["source"]) == ("a risk-free profit", "INPUT")


def test_a_piece_that_is_sent_again_is_answered_again_and_not_read_twice(base: str) -> None:
    first = piece(base, "d", 0, "Hello. ")
    assert piece(base, "d", 0, "Hello. ") == first
    last = piece(base, "d", 1, "Bye.", final=True)
    assert piece(base, "d", 1, "Bye.", final=True) == last
    assert last["text"] == "Hello. Bye."


def test_pieces_out_of_order_and_of_other_streams_are_refused(base: str) -> None:
    unknown = piece(base, "nobody", 3, "x", status=404)
    assert "begin again with piece 0" in unknown["error"]["message"]
    piece(base, "e", 0, "Hello. ")
    for number in (0, 2):
        told = piece(base, "e", number, "other", status=409)["error"]
        assert (told["field"], "send 1" in told["message"]) == ("piece", True)
    told = piece(base, "e", 1, "x", status=409, guardrail="other-team")["error"]
    assert "another guardrail" in told["message"]
    told = piece(base, "e", 1, "x", status=409, source="INPUT")["error"]
    assert "source" in told["message"]
    assert piece(base, "e", 1, "Bye.", source="OUTPUT", final=True)["text"] == "Hello. Bye."


def test_streams_of_two_callers_do_not_meet(tmp_path_factory: pytest.TempPathFactory) -> None:
    root = tmp_path_factory.mktemp("callers")
    file, made = keys(root, one="default: small", two="default: small")
    with served(folder(root), keys=file) as base:

        def send(who: str, number: int, text: str) -> httpx.Response:
            body = {"call": "same", "piece": number, "text": text, "final": number == 1}
            return httpx.post(base + "/v1/check/stream", json=body, headers={"x-api-key": made[who]})

        assert send("one", 0, "Hello ").status_code == 200
        assert send("two", 1, "there").status_code == 404
        assert send("two", 0, "Good ").status_code == 200
        assert send("one", 1, "one.").json()["text"] == "Hello one."
        assert send("two", 1, "day.").json()["text"] == "Good day."


def test_a_stream_that_nobody_continues_is_over() -> None:
    now = [0.0]
    streams = Streams(idle_s=10, clock=lambda: now[0])
    guard = Guard(loads(SMALL))
    made = OpenStream(None, Guardrail("small", "DRAFT", guard, ""), Source.OUTPUT, guard.stream())
    call = SimpleNamespace(principal=SimpleNamespace(name="a"))
    asyncio.run(streams.begin(call, "1", made))
    made.take(0, "Hello bob@example.com", final=False)
    now[0] = 9.0
    assert asyncio.run(streams.expired(call)) == []
    assert asyncio.run(streams.find(call, "1")) is made
    now[0] = 18.0
    assert asyncio.run(streams.expired(call)) == []
    now[0] = 30.0
    assert asyncio.run(streams.expired(call)) == [made]
    assert asyncio.run(streams.find(call, "1")) is None
    made.leave()
    assert made.ended
    assert [f.rule for f in made.stream.report.findings] == ["pii.EMAIL"], "it is decided about as far as it came"


@pytest.mark.parametrize(
    ("change", "field", "told"),
    [
        ({"call": None}, "call", "is null; write a value"),
        ({"call": "a b"}, "call", "1 to 128"),
        ({"piece": -1}, "piece", "from 0"),
        ({"piece": 0.5}, "piece", "whole number"),
        ({"piece": "0"}, "piece", "must be a number, not a string"),
        ({"final": "yes"}, "final", "must be true or false"),
        ({"source": "output"}, "source", "did you mean 'OUTPUT'?"),
        ({"last": True}, "", "'last' is no field here"),
    ],
)
def test_mistakes_in_a_piece_name_the_field(base: str, change: dict[str, Any], field: str, told: str) -> None:
    answer = httpx.post(base + "/v1/check/stream", json={"guardrail": "small", "call": "f", "piece": 0, **change})
    error = answer.json()["error"]
    assert (answer.status_code, error.get("field", "")) == (400, field)
    assert told in error["message"]
