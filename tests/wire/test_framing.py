"""Server-sent events, JSON lines and JSON arrays: by their rules, for every cut, and back again."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guardrails.wire.framing import NDJSON, SSE, Frame, Framing, JSONArray
from guardrails.wire.limits import BodyLimits, Malformed
from tests.wire.cuts import Make, all_cuts_agree, bodies, cut, cuts, names, outcome

A, B = Frame({"t": "é😀"}), Frame({"t": 2})
C, PING, ROUTER = (Frame(None, comment=c) for c in ("keep-alive", "ping", "OPENROUTER PROCESSING"))

SSE_READ = {
    "LF": ('data: {"t":"é😀"}\n\ndata: {"t":2}\n\n', [A, B]),
    "known comments": (': ping\n\n: OPENROUTER PROCESSING\ndata: {"t":2}\n\n', [PING, ROUTER, B]),
    "CRLF": ('data: {"t":"é😀"}\r\n\r\ndata: {"t":2}\r\n\r\n', [A, B]),
    "CR": ('data: {"t":"é😀"}\r\rdata: {"t":2}\r\r', [A, B]),
    "mixed": ('data: {"t":"é😀"}\r\n\ndata: {"t":2}\n\r', [A, B]),
    "mixed, the other way": ('data: {"t":"é😀"}\n\r\ndata: {"t":2}\r\n\r', [A, B]),
    "no space": ('data:{"t":"é😀"}\n\ndata:{"t":2}\n\n', [A, B]),
    "comments": (': hello\n\ndata: {"t":"é😀"}\n: hello\n\n:\n\n:\ndata: {"t":2}\n\n', [C, C, A, C, C, B]),
    "several lines": ('data: {"t":\ndata: 2\ndata: }\n\n', [B]),
    "name": ('event: content_block_delta\ndata: {"t":2}\n\n', [Frame({"t": 2}, "content_block_delta")]),
    "CRLF inside an event": ('event: x\r\ndata: {"t":\r\ndata: 2}\r\n\r\n', [Frame({"t": 2}, "x")]),
    "name behind": ('data: {"t":2}\nevent: response.created\n\n', [Frame({"t": 2}, "response.created")]),
    "last name counts": ('event: a\nevent: b\ndata: {"t":2}\n\ndata: {"t":2}\n\n', [Frame({"t": 2}, "b"), B]),
    "empty name": ('event:\ndata: {"t":2}\n\n', [B]),
    "name without data": ('event: a\n\ndata: {"t":2}\n\n', [B]),
    "id and retry are dropped": ('id: 7\nretry: 10\nid\ndata: {"t":2}\n\nid: 8\n\n', [B]),
    "unknown fields": ('DATA: 1\n data: 2\ndatum: 3\n{"t":4}\ndata: {"t":2}\n\n', [B]),
    "done": ('data: {"t":2}\n\ndata: [DONE]\n\ndata: {"t":2}\n\n', [B, Frame(None, raw="[DONE]"), B]),
    "text": ("data: hello: you\n\n", [Frame(None, raw="hello: you")]),
    "text of two lines": ("data: a\ndata\ndata:  b\n\n", [Frame(None, raw="a\n\n b")]),
    "named text": ("event: ping\ndata: pong\n\n", [Frame(None, "ping", "pong")]),
    "no data": ("data\n\ndata:\n\n", [Frame(None, raw=""), Frame(None, raw="")]),
    "scalars": ('data: 1\n\ndata: null\n\ndata: "x"\n\n', [Frame(1), Frame(None), Frame("x")]),
    "numbers no parser reads alike": ("data: NaN\n\ndata: 1e999\n\n", [Frame(None, raw="NaN"), Frame(None, raw="1e999")]),
    "line separators are no lines": ("data: a\u2028b\x85c\x0bd\n\n", [Frame(None, raw="a\u2028b\x85c\x0bd")]),
    "no blank line at the end": ('data: {"t":"é😀"}\n\ndata: {"t":2}\n', [A, B]),
    "no line end at the end": ('data: {"t":"é😀"}\n\ndata: {"t":2}', [A, B]),
    "empty": ("", []),
    "only blank": ("\n\r\n\r", []),
}  # fmt: skip


@pytest.mark.parametrize("name", SSE_READ)
def test_sse_reads(name: str) -> None:
    text, frames = SSE_READ[name]
    assert all_cuts_agree(SSE, text.encode()) == (frames, None)


GOOD = b'data: {"t":2}\n\n'

SSE_REFUSED = {
    "BOM": (b"\xef\xbb\xbf" + GOOD, 0, "byte order mark"),
    "only a BOM": (b"\xef\xbb\xbf", 0, "byte order mark"),
    "invalid UTF-8": (GOOD + b"data: \xff\n\n" + GOOD, 1, "not UTF-8"),
    "invalid UTF-8 in a comment": (GOOD + b": \xc3\x28\n\n", 1, "not UTF-8"),
    "cut in a character": (GOOD + b"data: \xe2\x82", 1, "not UTF-8"),
    "key twice": (GOOD + b'data: {"a":1,"a":2}\n\n' + GOOD, 1, "same key twice"),
    "cut JSON": (GOOD + b'data: {"t":', 1, "not JSON"),
    "JSON that is none": (b"data: {'t':2}\n\n", 0, "not JSON"),
    "behind a space": (b"data:   \xc2\xa0{t:2}\n\n", 0, "not JSON"),
    "behind a mark": (b'data: \xef\xbb\xbf{"t":2}\n\n', 0, "byte order mark"),
    "array that is none": (b"data: [DONE\n\n", 0, "not JSON"),
    "string that is none": (b'data: "a\n\n', 0, "not JSON|not closed"),
    "name of prose": (b"event: call me now\ndata: 1\n\n", 0, "name"),
    "long name": (b"event: " + b"x" * 129 + b"\ndata: 1\n\n", 0, "name"),
}  # fmt: skip


@pytest.mark.parametrize("name", SSE_REFUSED)
def test_sse_refuses(name: str) -> None:
    data, before, reason = SSE_REFUSED[name]
    frames, error = all_cuts_agree(SSE, data)
    assert frames == [B] * before
    assert error is not None
    assert re.search(reason, error)
    assert error.startswith(f"event {before + 1} of the stream: ")


def test_sse_bounds_lines_and_events() -> None:
    def small() -> SSE:
        return SSE(BodyLimits(bytes=40))

    fits = b"data: " + b"x" * 34 + b"\n\n"
    assert all_cuts_agree(small, fits * 3)[1] is None
    for long in (
        b"data: " + b"x" * 35,
        b": " + b"x" * 39 + b"\n",
        b"data: xxxxxxxx\n" * 4 + b"\n",
        b"x" * 41,
    ):
        frames, error = all_cuts_agree(small, fits + long)
        assert len(frames) == 1
        assert error is not None
        assert "over 40 bytes" in error
    keepalives = small()
    for _ in range(100):
        assert keepalives.feed(b": still here\n") == [C]


def test_an_error_stays() -> None:
    sse = SSE()
    assert sse.feed(GOOD + b"data: {\n\n" + GOOD) == [B]
    for _ in range(2):
        with pytest.raises(Malformed, match="event 2") as caught:
            sse.feed(GOOD)
        assert caught.value.__context__ is None
    with pytest.raises(Malformed, match="event 2"):
        sse.finish()


def test_sse_writes_canonical_frames() -> None:
    sse = SSE()
    assert sse.head() + sse.tail() == b""
    assert sse.encode(Frame({"a": "é\n"}, "x")) == 'event: x\ndata: {"a":"é\\n"}\n\n'.encode()
    assert sse.encode(Frame(None, raw="[DONE]")) == b"data: [DONE]\n\n"
    assert sse.encode(Frame(None, raw="a\r\nb\rc\nd")) == b"data: a\ndata: b\ndata: c\ndata: d\n\n"
    for name in ("", "two words", "a\nb", "é"):
        with pytest.raises(ValueError, match="name"):
            sse.encode(Frame(1, name))


NDJSON_READ = {
    "LF": ('{"t":"é😀"}\n{"t":2}\n', [A, B]),
    "CRLF": ('{"t":"é😀"}\r\n{"t":2}\r\n', [A, B]),
    "spaces": (' {"t":"é😀"} \n\n \t\r\n\t{"t":2}\n', [A, B]),
    "no end": ('{"t":"é😀"}\n{"t":2}', [A, B]),
    "values": ('1\n"x"\nnull\n[]\n', [Frame(1), Frame("x"), Frame(None), Frame([])]),
    "empty": ("", []),
}


@pytest.mark.parametrize("name", NDJSON_READ)
def test_ndjson_reads(name: str) -> None:
    text, frames = NDJSON_READ[name]
    assert all_cuts_agree(NDJSON, text.encode()) == (frames, None)


@pytest.mark.parametrize(
    "line",
    [b"hello", b"{'t':1}", b'{"t":1}{"t":2}', b'{"t":1}\r{"t":2}', b'{"a":1,"a":2}', b'\xef\xbb\xbf{"t":1}', b'"\xff"', b'{"t"']
)  # fmt: skip
def test_ndjson_refuses(line: bytes) -> None:
    for end in (b"", b'\n{"t":2}\n'):
        frames, error = all_cuts_agree(NDJSON, b'{"t":2}\n' + line + end)
        assert frames == [B]
        assert error is not None


ARRAY_READ = {
    "plain": ('[{"t":"é😀"},{"t":2}]', [A, B]),
    "as it comes": ('[{"t":"é😀"}\n,\r\n{"t":2}\n]\n', [A, B]),
    "empty": ("[]", []),
    "empty, spaced": (" \n[ \r\n\t] \n", []),
    "brackets in strings": (r'[{"a":"]},[{\""},["\\"]]', [Frame({"a": ']},[{"'}), Frame(["\\"])]),
    "nested": ('[[[{"a":[]}],{}],{"b":{}}]', [Frame([[{"a": []}], {}]), Frame({"b": {}})]),
    "scalars": ('[1 , "a,]" ,null,-2.5e1]', [Frame(1), Frame("a,]"), Frame(None), Frame(-25.0)]),
    "escapes": (r'["\ud83d\ude00",{"k\"":"\\\\"}]', [Frame("😀"), Frame({'k"': "\\\\"})]),
}


@pytest.mark.parametrize("name", ARRAY_READ)
def test_array_reads(name: str) -> None:
    text, frames = ARRAY_READ[name]
    assert all_cuts_agree(JSONArray, text.encode()) == (frames, None)


@pytest.mark.parametrize(
    ("text", "frames"),
    [
        ("", 0), (" ", 0), ("[", 0), ("{}", 0), ("1", 0), ('\ufeff[{"t":2}]', 0), ("[,]", 0), ('[,{"t":2}]', 0),
        ('[{"t":2}', 1), ('[{"t":2},', 1), ('[{"t":2},]', 1), ('[{"t":2}{"t":2}]', 1), ('[{"t":2} x', 1),
        ('[{"t":2}],', 1), ('[{"t":2}][', 1), ('[{"t":2}]x', 1), ('[{"t":2},{"t":2', 1), ('[{"t":2},"a', 1),
        ('[{"t":2},{"t":2]]', 1), ('[{"t":2},[}]', 1), ('[{"t":2},{"a":1,"a":2}]', 1), ('[{"t":2},1 2]', 1),
        ('[{"t":2},1}]', 1), ('[{"t":2},tru]', 1), ("[{'t':2}]", 0),
    ],
)  # fmt: skip
def test_array_refuses(text: str, frames: int) -> None:
    found, error = all_cuts_agree(JSONArray, text.encode())
    assert error is not None
    assert found[:1] == [B] * frames


def test_an_element_is_given_at_its_closing_brace() -> None:
    array = JSONArray()
    assert array.feed(b'[{"t":2}') == [B]
    assert array.feed(b"\n,\n") == []
    assert array.feed(b'{"t":2}') == [B]
    assert array.feed(b"]") == []
    assert array.finish() == []


def test_lines_and_elements_are_bounded() -> None:
    small = BodyLimits(bytes=20)
    for make, data in (
        (lambda: NDJSON(small), b'{"t":2}\n"' + b"x" * 19 + b'"\n'),
        (lambda: NDJSON(small), b'{"t":2}\n' + b"x" * 21),
        (lambda: JSONArray(small), b'[{"t":2},"' + b"x" * 19 + b'"]'),
        (lambda: JSONArray(small), b'[{"t":2},' + b"[" * 21),
    ):
        frames, error = all_cuts_agree(make, data)
        assert frames == [B]
        assert error is not None
        assert "over 20 bytes" in error


@pytest.mark.parametrize("framing", [NDJSON(), JSONArray()])
def test_raw_has_no_place_in_json(framing: Framing) -> None:
    with pytest.raises(ValueError, match="raw"):
        framing.encode(Frame(None, raw="[DONE]"))


MAKERS: dict[str, Make] = {"sse": SSE, "ndjson": NDJSON, "array": JSONArray}


@pytest.mark.parametrize("name", MAKERS)
@given(frames=st.lists(bodies, max_size=5), places=cuts)
def test_what_is_written_is_read_again(name: str, frames: list[object], places: list[int]) -> None:
    make = MAKERS[name]
    writer = make()
    sent = [Frame(body) for body in frames]
    data = writer.head() + b"".join(map(writer.encode, sent)) + writer.tail()
    assert outcome(make(), cut(data, places)) == (sent, None)


def test_a_written_array_is_json() -> None:
    writer = JSONArray()
    data = writer.head() + b"".join(writer.encode(Frame(n)) for n in ([], {"a": "]"}, 3)) + writer.tail()
    assert json.loads(data) == [[], {"a": "]"}, 3]


no_json = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r"), max_size=20).filter(
    lambda t: (
        t.lstrip("\ufeff \t\n\r\v\f\x1c\x1d\x1e\x1f\x85\xa0\u2028\u2029")[:1] not in {"{", "[", '"'} and not _is_json(t)
    )
)


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


@given(
    st.lists(st.builds(lambda n, r: Frame(None, n, r), st.none() | names, no_json | st.just("[DONE]")), max_size=4),
    cuts,
)
def test_raw_text_and_names_are_read_again(sent: list[Frame], places: list[int]) -> None:
    data = b"".join(map(SSE().encode, sent))
    assert outcome(SSE(), cut(data, places)) == (sent, None)


sse_bytes = st.lists(
    st.sampled_from(
        [b"\r", b"\n", b"\r\n", b"data:", b"data: ", b"event: x", b":", b'{"a":', b"1}", b"[DONE]", b"id: 1", b" ", b"x", "é😀".encode(), b"\xff", b"\xef\xbb\xbf"]
    ),
    max_size=24,
).map(b"".join)  # fmt: skip
json_bytes = st.lists(
    st.sampled_from(
        [b"[", b"]", b"{", b"}", b",", b"\n", b"\r\n", b" ", b'"', b"\\", b"\\u00e9", b'"a":1', b'{"a":"]"}', b"1", b"null", "é".encode(), b"\xff"]
    ),
    max_size=24,
).map(b"".join)  # fmt: skip


@pytest.mark.parametrize("name", MAKERS)
@given(data=st.data())
@settings(max_examples=300)
def test_any_bytes_any_cut(name: str, data: st.DataObject) -> None:
    body = data.draw(sse_bytes if name == "sse" else json_bytes.map(lambda b: b"[" + b) | json_bytes)
    make = MAKERS[name]
    whole = outcome(make(), [body])
    assert outcome(make(), cut(body, data.draw(cuts))) == whole
    assert outcome(make(), [body[i : i + 1] for i in range(len(body))]) == whole


@given(json_bytes)
@settings(max_examples=300)
def test_an_array_is_read_as_a_whole_parser_reads_it(body: bytes) -> None:
    frames, error = outcome(JSONArray(), [b"[" + body])
    if error is None:
        assert [f.body for f in frames] == json.loads(b"[" + body)


def test_frames_show_nothing_of_their_text() -> None:
    assert "canary" not in repr(Frame({"a": "canary"}, "x")) + repr(Frame(None, raw="canary"))
