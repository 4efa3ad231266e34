from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guardrails.errors import PolicyError
from guardrails.wire import custom, pointers, recognise
from guardrails.wire.custom import load_formats
from guardrails.wire.custom_format import filled
from guardrails.wire.format import Format, Session
from guardrails.wire.framing import Frame
from guardrails.wire.pointers import BadPointer
from tests.wire.streams import (
    ACCOUNT,
    MASK,
    MESSAGE,
    cut_alike,
    events,
    exchange,
    flowed,
    keys,
    lines,
    refused,
    sse,
    texts,
    uninspected,
)

EXAMPLE = Path(__file__).parents[2] / "examples" / "formats.yaml"
ASK, TALK = load_formats(EXAMPLE)
QUESTION: dict[str, Any] = {
    "engine": "e-1",
    "question": "Where is Ada?",
    "persona": "Be kind.",
    "passages": [{"id": "p1", "text": "Ada is in London."}, {"id": "p2", "text": "London is big."}],
    "attachments": [{"url": "https://example.com/a.pdf", "note": "see page 2"}],
    "stream": True,
    "extra": {"hint": "think"},
}
TURNS: dict[str, Any] = {
    "turns": [
        {"id": "t0", "by": "operator", "says": "Be kind."},
        {"id": "t1", "by": "human", "says": "Hello", "photo": "AAAA", "mood": "glad"},
        {"id": "t2", "by": "bot", "call": {"id": "c1", "name": "find", "arguments": '{"who": "Ada"}'}},
        {"id": "t3", "by": "function", "says": "found"},
        {"id": "t4", "by": "stranger", "says": "And now?"},
    ]
}


def ask(**more: Any) -> Session:
    return ASK.open(QUESTION | more)


def talk() -> Session:
    return TALK.open(TURNS)


def one(text: str, tmp_path: Path) -> type[Format]:
    path = tmp_path / "formats.yaml"
    path.write_text(text)
    return load_formats(path)[0]


# -- the example --------------------------------------------------------------------------------------------------------


def test_names_and_routes() -> None:
    assert [f.name for f in (ASK, TALK)] == ["acme.ask", "acme.talk"]
    assert recognise("POST", "/api/v1/ask", (ASK, TALK)) == [(ASK, {})]
    assert recognise("POST", "/bots/b%2F7:talk", (ASK, TALK)) == [(TALK, {"bot": "b/7"})]
    assert recognise("GET", "/v1/ask", (ASK, TALK)) == []


def test_shape_decides() -> None:
    assert ASK.fits(QUESTION)
    assert not ASK.fits(TURNS)
    assert not ASK.fits({})
    assert not ASK.fits([QUESTION])
    assert TALK.fits(TURNS)


def test_a_question() -> None:
    form = ask()
    walk = form.inbound()
    assert texts(walk) == {
        "question": "user: Where is Ada?",
        "persona": "system: Be kind.",
        "passages[0].text": "document: Ada is in London.",
        "passages[1].text": "document: London is big.",
        "attachments[0].url": "user: https://example.com/a.pdf",
        "attachments[0].note": "user: see page 2",
        "extra.hint": "user: think",
    }
    assert keys(walk) == {"note", "extra", "hint"}
    assert uninspected(walk) == {"attachments[0].url": "content by reference"}
    assert form.model == "e-1"
    # The query is the newest message, also where there are no messages.
    assert form.latest(walk) == {0}
    assert [s.path for s in walk.slots if s.turn == 0] == ["question"]


def test_a_conversation() -> None:
    form = talk()
    walk = form.inbound()
    assert texts(walk) == {
        "turns[0].says": "system: Be kind.",
        "turns[1].says": "user: Hello",
        "turns[1].mood": "user: glad",
        "turns[2].call.name": "assistant: find",
        "turns[2].call.arguments.who": "assistant: Ada",
        "turns[3].says": "tool: found",
        "turns[4].says": "user: And now?",
    }
    assert uninspected(walk) == {"turns[1].photo": "binary content"}
    assert keys(walk) == {"mood", "who"}
    assert form.latest(walk) == {3, 4}


def test_a_query_beside_a_history_is_newest(tmp_path: Path) -> None:
    form = one(
        """
version: 1
formats:
  - name: both
    route: POST /both
    request: {query: /question, messages: {at: /history, text: /text, role: /role}}
    response: {assistant: /answer}
    refusal: {answer: "{message}"}
""",
        tmp_path,
    ).open({"question": "Now?", "history": [{"role": "user", "text": "Hi"}, {"role": "assistant", "text": "Now?"}]})
    walk = form.inbound()
    assert {s.path: s.turn for s in walk.slots} == {"question": 2, "history[0].text": 0, "history[1].text": 1}
    assert form.latest(walk) == {2}


def test_a_message_of_the_past_is_replaced() -> None:
    body = json.loads(json.dumps(TURNS))
    form = TALK.open(body)
    assert form.replace(1, "[removed]")
    assert body["turns"][1] == {"id": "t1", "by": "human", "says": "[removed]"}
    assert not ask().replace(0, "[removed]")


def test_arguments_stay_json() -> None:
    body = {"id": "a1", "says": f"I pay {ACCOUNT}.", "call": {"id": "c1", "arguments": json.dumps({"to": ACCOUNT})}}
    got, decision = exchange(talk()).answer({**body, "tokens": [{"text": "I"}]})
    assert got["says"] == f"I pay {MASK}."
    assert json.loads(got["call"]["arguments"]) == {"to": MASK}
    assert got["tokens"] == []
    assert decision.action == "MASKED"


def test_an_answer() -> None:
    walk = ask().outbound(
        {"id": "a1", "answer": "In London.", "cited": ["p1", "a long story"], "why": {"step": "read"}}
    )
    assert texts(walk) == {
        "answer": "assistant: In London.",
        "cited[1]": "assistant: a long story",
        "why.step": "assistant: read",
    }


# -- streams ------------------------------------------------------------------------------------------------------------


def piece(text: str, **more: Any) -> dict[str, Any]:
    return {"type": "piece", "id": "a1", "text": text, **more}


def test_when_it_streams() -> None:
    assert ask().streaming
    assert not ask(stream=False).streaming
    assert not ASK.open({"question": "Hi"}).streaming
    assert talk().streaming
    assert ask().framing().content_type == "text/event-stream"
    assert talk().framing().content_type == "application/x-ndjson"


def test_a_stream() -> None:
    out = cut_alike(
        ask, sse(piece("It is ACC-"), piece("1234"), piece("5678, "), piece("that's all.", done=True, cited=["p1"]))
    )
    bodies = events(out, ask())
    assert "".join(b["text"] for b in bodies) == f"It is {MASK}, that's all."
    assert bodies[-1]["done"] is True
    assert all(b["id"] == "a1" and b["type"] == "piece" for b in bodies)


def test_what_is_written_for_a_text_is_its_event_without_the_rest() -> None:
    form = ask()
    form.event(Frame(piece("It is", note="secret", index=3), name="piece"))
    frame = form.delta(("/text", ("index", 3)), "more")
    assert frame.body == {"type": "piece", "id": "a1", "index": 3, "text": "more"}
    assert frame.name == "piece"


def test_an_event_of_nothing_but_text_is_bare() -> None:
    assert ask().event(Frame(piece("It"))).bare
    assert not ask().event(Frame(piece("It", note="x"))).bare
    assert not ask().event(Frame(piece("It", done=True))).bare
    assert ask().event(Frame(piece("It", done=True))).closes is True
    assert not ask().event(Frame(piece("It", done=False))).closes


def test_places_in_lists() -> None:
    def part(index: int, **more: Any) -> dict[str, Any]:
        return {"parts": [{"index": index, **more}]}

    out = cut_alike(
        talk,
        lines(
            part(0, says="One ACC-"),
            part(1, says="Two ACC"),
            part(0, says="12345678."),
            part(1, says="-12345678"),
            part(2, arguments='{"to": "ACC-'),
            part(2, arguments='12345678"}'),
            {"end": "yes", "tokens": [1, 2]},
        ),
    )
    bodies = events(out, talk())
    parts = [p for b in bodies for p in b.get("parts", ())]
    assert "".join(p.get("says", "") for p in parts if p["index"] == 0) == f"One {MASK}."
    assert "".join(p.get("says", "") for p in parts if p["index"] == 1) == f"Two {MASK}"
    assert json.loads("".join(p.get("arguments", "") for p in parts if p["index"] == 2)) == {"to": MASK}
    assert bodies[-1] == {"end": "yes", "tokens": []}


def test_a_text_that_repeats() -> None:
    out = flowed(
        talk(), lines({"parts": [{"says": "It is ACC-"}]}, {"parts": [{"says": "12345678."}]}, {"whole": "It is ACC-12345678.", "end": "yes"})
    )  # fmt: skip
    assert events(out, talk())[-1] == {"whole": f"It is {MASK}.", "end": "yes"}
    assert b"12345678" not in out


@pytest.mark.parametrize("form", [ask, talk])
def test_a_blocked_stream(form: Any) -> None:
    first, second = ("The bird is a king", "fisher.")
    data = (
        sse(piece(first), piece(second), piece("More."))
        if form is ask
        else lines({"parts": [{"says": first}]}, {"parts": [{"says": second}]}, {"end": "yes"})
    )
    bodies = events(cut_alike(form, data), form())
    said = (
        [b["text"] for b in bodies if "text" in b]
        if form is ask
        else [p["says"] for b in bodies for p in b.get("parts", ())]
    )
    assert said == [MESSAGE]
    assert bodies[-1] == ({"type": "end", "done": True} if form is ask else {"end": "filtered"})
    assert bodies == events(refused(form()), form())


def test_raw_lines_and_names_of_the_ending(tmp_path: Path) -> None:
    form = one(
        """
version: 1
formats:
  - name: raw
    route: POST /raw
    request: {user: /q}
    response: {assistant: /a}
    stream:
      framing: sse
      when: always
      continues: /a
      ending: [{data: {a: "{message}"}, event: piece}, {raw: "[DONE]"}]
    refusal: {a: "{message}"}
""",
        tmp_path,
    ).open({"q": "Hi"})
    assert refused(form, "No.") == b'event: piece\ndata: {"a":"No."}\n\ndata: [DONE]\n\n'
    assert events(flowed(form, sse({"a": "It is ACC-"}, {"a": "12345678"}, "[DONE]")), form) == [
        {"a": f"It is {MASK}"},
        "[DONE]",
    ]


# -- what we say --------------------------------------------------------------------------------------------------------


def test_templates() -> None:
    assert ask().refusal("No {code}.") == {"answer": "No {code}.", "cited": []}
    assert ask().error(403, "No.", "x") == {"error": {"status": 403, "code": "x", "text": "No."}}
    assert talk().error(403, "No.", "x")["error"]["message"] == "No."
    assert filled("a {message} b {other}", {"message": "{other}"}) == "a {other} b {other}"
    assert filled([None, True, 1, {"{message}": "{message}"}], {"message": "m"}) == [None, True, 1, {"{message}": "m"}]


# -- pointers -----------------------------------------------------------------------------------------------------------


def test_pointers() -> None:
    assert pointers.parse("/a~1b/~0c/*") == ("a/b", "~c", "*")
    assert pointers.parse("/01") == ("01",)
    for text, why in (
        ("a", "starts with /"), ("", "starts with /"), ("/a~2", "written ~0"), ("/a/", "missing"), ("/a/0/b", r"write \*"),
        ("/a/-", r"write \*"),
    ):  # fmt: skip
        with pytest.raises(BadPointer, match=why):
            pointers.parse(text)


def test_places_of_a_pointer() -> None:
    value = {"a": [{"b": 1}, {"c": 2}, {"b": 3}], "d": {"b": 4}}
    assert list(pointers.values(value, ("a", "*", "b"))) == [1, 3]
    assert list(pointers.values(value, ("d", "*", "b"))) == [4]
    assert list(pointers.values(value, ("x", "*"))) == []
    assert list(pointers.matches(value, ("d", "b"))) == [[value, value["d"], 4]]


_names = st.text("ab~/*", min_size=1, max_size=3).filter(lambda t: t != "*")


@given(st.lists(_names | st.just("*"), min_size=1, max_size=5).filter(lambda p: p[0] != "*" and "**" not in "".join(p)))
def test_what_is_put_is_found(pointer: list[str]) -> None:
    text = "".join("/" + ("*" if t == "*" else t.replace("~", "~0").replace("/", "~1")) for t in pointer)
    tokens = pointers.parse(text)
    assert tokens == tuple(pointer)
    value: dict[str, Any] = {}
    if not any(a == b == "*" for a, b in pairwise(tokens)):
        pointers.put(value, tokens, "here")
        assert list(pointers.values(value, tokens)) == ["here"]


# -- errors -------------------------------------------------------------------------------------------------------------

GOOD = """version: 1
formats:
  - name: good
    route: POST /good
    request: {user: /q}
    response: {assistant: /a}
    refusal: {a: "{message}"}
"""
STREAMED = (
    GOOD
    + """    stream:
      framing: sse
      when: /stream
      continues: /a
      ending: [{data: {a: "{message}"}}]
"""
)


@pytest.mark.parametrize(
    ("wrong", "code", "line", "key", "nearest"),
    [
        (GOOD.replace("version: 1", "version: 2"), "unknown-version", 1, "version", None),
        ("version: 1\n", "missing-key", 1, "formats", None),
        ("version: 1\nformats: []\n", "empty-file", 2, "formats", None),
        ("version: 1\nformats: {}\n", "wrong-type", 2, "formats", None),
        (GOOD.replace("response:", "respones:"), "unknown-key", 6, "formats[0].respones", "response"),
        (GOOD.replace("name: good", "name: Good Name"), "bad-id", 3, "formats[0].name", None),
        (GOOD.replace("POST /good", "GET /good"), "unknown-method", 4, "formats[0].route", None),
        (GOOD.replace("POST /good", "POST good"), "bad-route", 4, "formats[0].route", None),
        (GOOD.replace("POST /good", "POST /a%2fb"), "bad-route", 4, "formats[0].route", None),
        (GOOD.replace("{user: /q}", "{uesr: /q}"), "unknown-key", 5, "formats[0].request.uesr", "user"),
        (GOOD.replace("{user: /q}", "{system: /q}"), "missing-key", 5, "formats[0].request", None),
        (GOOD.replace("{user: /q}", "{user: q}"), "bad-pointer", 5, "formats[0].request.user", None),
        (GOOD.replace("{user: /q}", "{user: [/q, /q/0]}"), "bad-pointer", 5, "formats[0].request.user[1]", None),
        (GOOD.replace("{user: /q}", "{user: /q, ids: /q}"), "duplicate-pointer", 5, "formats[0].request.ids", None),
        (GOOD.replace("{user: /q}", "{user: /q/*, ids: /q/id}"), "bad-pointer", 5, "formats[0].request.ids", None),
        (GOOD.replace("{user: /q}", "{user: 7}"), "wrong-type", 5, "formats[0].request.user", None),
        (GOOD.replace("{user: /q}", "{user: /q, messages: {at: /m, text: /t}}"), "missing-key", 5, "formats[0].request.messages.role", None),
        (GOOD.replace("{user: /q}", "{messages: {at: /m, text: /t, role: /r, roles: {bot: asistant}}}"), "unknown-role", 5,
         "formats[0].request.messages.roles.bot", "assistant"),
        (GOOD.replace("{user: /q}", "{messages: {at: /m, text: /t, role: /r/*}}"), "bad-pointer", 5, "formats[0].request.messages.role", None),
        (GOOD.replace("{assistant: /a}", "{drop: /a/*}"), "bad-pointer", 6, "formats[0].response.drop", None),
        (GOOD.replace("{message}", "{mesage}"), "unknown-placeholder", 7, "formats[0].refusal.a", "message"),
        (GOOD.replace("{message}", "no"), "no-message", 7, "formats[0].refusal", None),
        (GOOD + GOOD.partition("formats:\n")[2], "duplicate-name", 8, "formats[1].name", None),
        (STREAMED.replace("framing: sse", "framing: ssse"), "unknown-value", 9, "formats[0].stream.framing", "sse"),
        (STREAMED.replace("      when: /stream\n", ""), "missing-key", 9, "formats[0].stream.when", None),
        (STREAMED.replace("continues: /a", "continues: /a\n      keep: /a"), "bad-pointer", 12, "formats[0].stream.keep", None),
        (STREAMED.replace("{message}\"}}]", "no\"}}]"), "no-message", 12, "formats[0].stream.ending", None),
        (STREAMED.replace("ending: [{data: {a: \"{message}\"}}]", "ending: [{event: x}]"), "missing-key", 12, "formats[0].stream.ending[0]", None),
        (STREAMED.replace("continues: /a", "continues: /a\n      repeats: /a"), "duplicate-pointer", 12, "formats[0].stream.repeats", None),
        (STREAMED.replace("continues: /a", "continues: /a\n      ids: /a/id"), "duplicate-pointer", 11, "formats[0].stream.continues", None),
    ],
)  # fmt: skip
def test_errors_teach(  # noqa: PLR0917 - a row of the table
    wrong: str, code: str, line: int, key: str, nearest: str | None, tmp_path: Path
) -> None:
    path = tmp_path / "formats.yaml"
    path.write_text(wrong)
    with pytest.raises(PolicyError) as error:
        load_formats(path)
    found = {(p.code, p.line, p.key): p for p in error.value.problems}
    assert (code, line, key) in found, list(found)
    assert found[code, line, key].nearest == nearest
    assert found[code, line, key].file == str(path)


def test_all_errors_at_once(tmp_path: Path) -> None:
    path = tmp_path / "formats.yaml"
    path.write_text(GOOD.replace("/q", "q").replace("{message}", "no").replace("POST", "GET"))
    with pytest.raises(PolicyError) as error:
        load_formats(path)
    assert {p.code for p in error.value.problems} >= {"bad-pointer", "no-message", "unknown-method"}


def test_good_files(tmp_path: Path) -> None:
    assert one(GOOD, tmp_path).open({"q": "Hi"}).streaming is False
    assert one(STREAMED, tmp_path).open({"q": "Hi", "stream": 1}).streaming is True
    none = one(STREAMED.replace("framing: sse", "framing: none"), tmp_path)
    assert none.open({"q": "Hi", "stream": 1}).streaming is False


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    (tmp_path / "formats.yaml").write_text(GOOD)
    with pytest.raises(PolicyError) as error:
        load_formats(tmp_path / "format.yaml")
    assert error.value.problems[0].nearest == "formats.yaml"


def test_the_docs_name_every_key() -> None:
    text = (EXAMPLE.parents[1] / "docs" / "wire.md").read_text()
    section = text.partition("## Formats of your own")[2]
    named = {*custom._FORMAT, *custom._REQUEST, *custom._RESPONSE, *custom._STREAM, *custom._MESSAGES, *custom._ENDING}
    assert {key for key in named if f"`{key}`" not in section} == set()


def test_the_example_of_the_docs_loads(tmp_path: Path) -> None:
    text = (EXAMPLE.parents[1] / "docs" / "wire.md").read_text().partition("## Formats of your own")[2]
    block = text.partition("```yaml\n")[2].partition("```")[0]
    form = one(block, tmp_path).open({"question": "Hi", "passages": [{"id": "p", "text": "t"}]})
    assert texts(form.inbound()) == {"question": "user: Hi", "passages[0].text": "document: t"}
