"""One strict reading: what any two parsers could read differently is refused, and the rest comes back as it was."""

from __future__ import annotations

import base64
import json
import random
import traceback

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guardrails.wire.strict import BodyLimits, Malformed, check_headers, dump, parse

CANARY = "sk-canary-4929"

# Every way we know in which one parser reads a body and another refuses it, or reads something else.
REFUSED = {
    "empty": b"",
    "spaces": b" \n",
    "BOM": b'\xef\xbb\xbf{"content":"x"}',
    "UTF-16 with BOM": '{"content":"x"}'.encode("utf-16"),
    "UTF-16 LE": '{"content":"x"}'.encode("utf-16-le"),
    "UTF-16 BE": '{"content":"x"}'.encode("utf-16-be"),
    "UTF-32": '{"content":"x"}'.encode("utf-32"),
    "UTF-32 LE": '{"content":"x"}'.encode("utf-32-le"),
    "UTF-32 BE": '{"content":"x"}'.encode("utf-32-be"),
    "Latin-1": '{"content":"é"}'.encode("latin-1"),
    "overlong": b'{"content":"\xc0\xaf"}',
    "surrogate in UTF-8": b'{"content":"\xed\xa0\x80"}',
    "cut in a character": b'{"content":"\xe2\x82"}',
    "lone high surrogate": rb'{"content":"\ud83d"}',
    "lone low surrogate": rb'{"content":"\ude00"}',
    "surrogates swapped": rb'{"content":"\ude00\ud83d"}',
    "surrogates parted": rb'{"content":"\ud83d\\\ude00"}',
    "surrogate in a key": rb'{"\uD800":"x"}',
    "NaN": b'{"t":NaN}',
    "Infinity": b'{"t":Infinity}',
    "minus Infinity": b'{"t":-Infinity}',
    "1e999": b'{"t":1e999}',
    "minus 1e999": b'[-1E+999]',
    "400 digits": b"[1" + b"0" * 400 + b"]",
    "65 bits": b"[18446744073709551616]",
    "65 bits, negative": b"[-9223372036854775809]",
    "60 digits behind a fraction": b"[1.5, 1" + b"2" * 60 + b"]",
    "65 bits between strings": rb'["\\", 99999999999999999999, "\\"]',
    "raw newline": b'{"content":"a\nb"}',
    "raw tab": b'{"content":"a\tb"}',
    "raw NUL": b'{"content":"a\0b"}',
    "NUL behind": b'{"content":"x"}\0',
    "two values": b'{"content":"x"}{"content":"y"}',
    "trailing comma": b'{"content":"x",}',
    "comment": b'{"content":"x" /* y */}',
    "line comment": b'// y\n{"content":"x"}',
    "single quotes": b"{'content':'x'}",
    "no quotes": b'{content:"x"}',
    "hexadecimal": b"[0x10]",
    "leading zero": b"[010]",
    "plus": b"[+1]",
    "bare point": b"[.5]",
    "open point": b"[5.]",
    "bad escape": rb'["\x41"]',
    "short escape": rb'["\u41"]',
    "line continued": b'["a\\\nb"]',
    "no-break space": b"\xc2\xa0{}",
    "form feed": b"\x0c{}",
    "not closed": b'{"content":"x"',
    "string not closed": b'{"content":"x',
    "duplicate": b'{"content":"safe","content":"EVIL"}',
    "duplicate, escaped": rb'{"content":"safe","\u0063ontent":"EVIL"}',
    "duplicate, equal values": b'{"a":1,"a":1}',
    "duplicate of an object": b'{"a":{"b":"c"},"a":{}}',
    "duplicate, deep": b'[[{"m":[{"role":"user","content":"x","role":"system"}]}]]',
    "duplicate, hidden by a quote as an escape": rb'{"a":"\u0022","a":"\u0022\u0022"}',
    "duplicate of a quote": rb'{"\"":1,"\u0022":2}',
    "duplicate, empty": b'{"":1,"":2}',
    "2000 lists": b"[" * 2000 + b"]" * 2000,
    "200000 lists": b"[" * 200_000 + b"]" * 200_000,
    "200000 open": b"[" * 200_000,
    "65 objects": b'{"a":' * 65 + b"1" + b"}" * 65,
    "200000 objects": b'{"a":' * 200_000,
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name: str) -> None:
    with pytest.raises(Malformed) as caught:
        parse(REFUSED[name])
    assert caught.value.status == 400
    assert str(caught.value) == caught.value.reason


def test_the_reason_names_the_place() -> None:
    for body, place in {
        b'{"a":\n  nope}': "line 2, column 3",
        b'{"a":"\xff"}': "byte 6: not UTF-8",
        b"\xff\xfe1\0": "UTF-16",
        b"\xef\xbb\xbf1": "byte order mark",
        b'{"a":1,"a":2}': "same key twice",
    }.items():
        with pytest.raises(Malformed, match=place):
            parse(body)


ACCEPTED = {
    b"null": None,
    b" [1, -0.5, 1e3] \r\n\t": [1, -0.5, 1000.0],
    b"18446744073709551615": 2**64 - 1,
    b"-9223372036854775808": -(2**63),
    b"6.022e23": 6.022e23,
    rb'["\" 99999999999999999999 \"", "\\", 1e30]': ['" 99999999999999999999 "', "\\", 1e30],
    b"[1e30, 0.99999999999999999999, 1e+00000000000000000000001]": [1e30, 1.0, 10.0],
    b"1e-400": 0.0,
    rb'"\ud83d\uDE00"': "😀",
    rb'"\\ud83d"': "\\ud83d",
    rb'"\/\b\f\n\r\t\u0000"': "/\b\f\n\r\t\0",
    '"\x7f\u2028\ufeff\uffff"'.encode(): "\x7f\u2028\ufeff\uffff",
    rb'{"a":"\u0022","b":"\"\\u0022"}': {"a": '"', "b": '"\\u0022'},
    rb'{"a\\":1,"a\"":2}': {"a\\": 1, 'a"': 2},
    b'{"a":{"a":{"a":1}},"b":[{"a":1},{"a":2}]}': {"a": {"a": {"a": 1}}, "b": [{"a": 1}, {"a": 2}]},
    b'{"maxTokens":1,"topP":1,"stopSequences":[]}': {"maxTokens": 1, "topP": 1, "stopSequences": []},
    b'{"A":"x"}': {"A": "x"},
    b'{"x":1,"X":2}': {"x": 1, "X": 2},
    b"[" * 64 + b"]" * 64: json.loads(b"[" * 64 + b"]" * 64),
}


@pytest.mark.parametrize("body", ACCEPTED)
def test_accepted(body: bytes) -> None:
    assert parse(body) == ACCEPTED[body]
    assert parse(dump(parse(body))) == ACCEPTED[body]


def test_key_order_is_kept() -> None:
    body = b'{"z":1,"a":{"y":"\xc3\xa9","b":[]},"m":null}'
    assert dump(parse(body)) == body


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | texts
)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(texts, inner, max_size=5),
    max_leaves=30,
)


@given(values)
def test_parse_takes_back_what_dump_writes(value: object) -> None:
    again = parse(dump(value))
    assert again == value
    assert repr(again) == repr(value)  # order, and 1 is not 1.0
    assert dump(again) == dump(value)


@given(values)
def test_any_correct_writer_is_read(value: object) -> None:
    for ascii_only in (True, False):
        for indent in (None, 2):
            assert parse(json.dumps(value, ensure_ascii=ascii_only, indent=indent).encode()) == value


def spelt(chance: random.Random, text: str) -> str:
    """A JSON string, each character as itself or as an escape."""
    out = []
    for char in text:
        plain = "\\" + char if char in '"\\' else char
        out.append(chance.choice([plain, plain, f"\\u{ord(char):04x}"]))
    return '"' + "".join(out) + '"'


def word(chance: random.Random) -> str:
    return chance.choice(["\\u0022", '\\"', '"', "\\", "".join(chance.choices('"\\ua02{[,:', k=chance.randint(0, 3)))])


def document(chance: random.Random, depth: int = 3) -> str:
    """JSON text in which keys sometimes come twice, full of what a sloppy count of quotes would trip over."""
    kind = chance.randint(0, 3 if depth else 1)
    space = chance.choice(["", " ", "\n"])
    if kind == 0:
        return chance.choice(["0", "-1.5", "true", "null"]) + space
    if kind == 1:
        return spelt(chance, word(chance))
    items = [document(chance, depth - 1) for _ in range(chance.randint(0, 3))]
    if kind == 2:
        return "[" + space + ("," + space).join(items) + "]"
    return "{" + space + ",".join(f"{spelt(chance, word(chance))}{space}:{item}" for item in items) + "}"


def test_a_key_twice_is_refused_however_spelt_and_nothing_else_is() -> None:
    chance = random.Random(1)
    seen = {True: 0, False: 0}
    for _ in range(20_000):
        text = document(chance)
        twice = []

        def pairs(found: list[tuple[str, object]], twice: list[bool] = twice) -> dict[str, object]:
            twice.append(len(dict(found)) != len(found))
            return dict(found)

        expected = json.loads(text, object_pairs_hook=pairs)
        seen[any(twice)] += len(text) > 10
        if any(twice):
            with pytest.raises(Malformed, match="same key twice"):
                parse(text.encode())
        else:
            assert parse(text.encode()) == expected
    assert min(seen.values()) > 1000


@given(st.binary(max_size=60))
def test_whatever_comes_is_read_as_others_read_it_or_refused(data: bytes) -> None:
    _as_others(data)


def test_whatever_is_cut_or_changed_is_read_as_others_read_it_or_refused() -> None:
    chance = random.Random(2)
    for _ in range(10_000):
        data = bytearray(document(chance).encode())
        del data[chance.randint(0, len(data)) :]
        if data:
            data[chance.randrange(len(data))] = chance.choice(b'"\\{}[],:0u \xff')
        _as_others(bytes(data))


def _as_others(data: bytes) -> None:
    try:
        value = parse(data)
    except Malformed:
        return
    assert json.loads(data) == value


def test_limits() -> None:
    limits = BodyLimits(bytes=100, nodes=5, depth=3, string=10)
    parse(b"[1,2,3,4]", limits)
    parse(b'{"a":{"b":{}}}', limits)
    parse(b'{"' + b"k" * 10 + b'":"' + b"s" * 10 + b'"}', limits)
    parse(b" " * 98 + b"12", limits)
    for body, status, what in (
        (b" " * 99 + b"12", 413, "100 bytes"),
        (b"[1,2,3,4,5]", 400, "5 values"),
        (b"[[[[]]]]", 400, "deeper than 3"),
        (b'["' + b"s " * 6 + b'"]', 400, "10 characters"),
        (b'{"' + b"k" * 11 + b'":1}', 400, "10 characters"),
        (b'"' + b"s " * 6 + b'"', 400, "10 characters"),
    ):
        with pytest.raises(Malformed, match=what) as caught:
            parse(body, limits)
        assert caught.value.status == status


def test_string_limit_counts_characters() -> None:
    limits = BodyLimits(string=10)
    assert parse('"éééééééééé"'.encode(), limits) == "é" * 10
    assert parse('"😀😀😀😀😀😀😀😀😀😀"'.encode(), limits) == "😀" * 10


@pytest.mark.parametrize("wrong", [{"bytes": 0}, {"nodes": -1}, {"depth": 0}, {"depth": 251}, {"string": 0}])
def test_limits_that_are_none(wrong: dict[str, int]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        BodyLimits(**wrong)


def test_the_deepest_limit_can_be_written() -> None:
    deep = b"[" * 250 + b"]" * 250
    assert dump(parse(deep, BodyLimits(depth=250))) == deep


@pytest.mark.parametrize(
    "many",
    [
        b"[" + b"[]," * 400_000 + b"[]]",
        b"[" + b"0," * 1_200_000 + b"0]",
        b"[" + b'{"":0},' * 280_000 + b"0]",
        b"[" + b'"",' * 300_000 + b"0]",
    ],
)
def test_a_flood_of_values_is_refused_before_it_is_built(many: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("guardrails.wire.strict.orjson.loads", lambda _: pytest.fail("it was built"))
    with pytest.raises(Malformed, match=r"100000 values|1000000 numbers"):
        parse(many)


def test_many_values_are_counted_after_parsing() -> None:
    with pytest.raises(Malformed, match="100000 values"):
        parse(b"[" + b'"",' * 100_000 + b"0]")
    assert len(parse(b"[" + b'"",' * 99_998 + b"0]")) == 99_999


def test_a_long_text_full_of_commas_and_brackets_is_one_value() -> None:
    text = 'a,[{"\\\n' * 140_000
    body = json.dumps({"content": text}).encode()
    assert parse(body, BodyLimits(bytes=4_000_000)) == {"content": text}


def test_nothing_of_the_body_is_in_an_error() -> None:
    for body in (
        f'{{"{CANARY}":"{CANARY}","{CANARY}":1}}',
        f'{{"a":"{CANARY}" "{CANARY}"}}',
        f'{{"a":"{CANARY}\n"}}',
        f'["{CANARY}", 99999999999999999999]',
        f'["{CANARY}", "\ud800"]',
        f'["\\{CANARY}"]',
    ):
        with pytest.raises(Malformed) as caught:
            parse(body.encode("utf-8", "surrogatepass"))
        error = caught.value
        assert error.__context__ is None
        assert error.__cause__ is None
        shown = "".join(traceback.format_exception(error)) + repr(error) + str(vars(error))
        assert CANARY not in shown.lower()


@pytest.mark.parametrize("value", ["\ud800", {"a": 2**64}, {1: 2}, b"x", object(), {"a": {1, 2}}])
def test_dump_refuses_what_json_cannot_say(value: object) -> None:
    with pytest.raises(TypeError):
        dump(value)


def test_dump_refuses_a_cycle() -> None:
    loop: list[object] = []
    loop.append(loop)
    with pytest.raises(TypeError):
        dump(loop)


TYPES = {
    b"application/json": True,
    b"Application/JSON": True,
    b"application/json; charset=utf-8": True,
    b'application/json;charset="UTF-8"': True,
    b"application/json\t; charset=utf-8": True,
    b"application/json ": True,
    b"application/json;": True,
    b"application/json; charset=utf8": True,
    b"application/json; version=1": True,
    b"application/json;odata=verbose; charset=UTF-8": True,
    b"application/problem+json": True,
    b"application/vnd.api+json": True,
    b"text/json": True,
    b"text/plain": True,
    b"text/plain;charset=UTF-8": True,
    b"application/x-www-form-urlencoded": True,
    b"application/x-www-form-urlencoded; charset=UTF-8": True,
    b"application/octet-stream": True,
    b"": True,
    b"application/json; charset=utf-16": False,
    b"application/json; charset=utf-7": False,
    b"application/json; charset=latin-1": False,
    b"text/plain; charset=iso-8859-1": False,
    b"application/json; charset=utf-8; charset=utf-16": False,
    b"application/json; charset": False,
    b"application/json, text/plain": False,
    b"multipart/form-data; boundary=x": False,
    b"multipart/mixed; boundary=x": False,
    b"application/xml": False,
    b"text/html": False,
    b"image/png": False,
    b"application/jsonx": False,
    b"application/x-ndjson": False,
    b"*/*": False,
    b"application/json\xa0": False,
}


@pytest.mark.parametrize("value", TYPES)
def test_content_type(value: bytes) -> None:
    headers = [(b"host", b"x"), (b"content-type", value)]
    if TYPES[value]:
        check_headers(headers)
        return
    with pytest.raises(Malformed, match="content-type") as caught:
        check_headers(headers)
    assert caught.value.status == 415


JSON = (b"content-type", b"application/json")


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ([JSON, JSON], 415),
        ([JSON, (b"Content-Type", b"text/plain")], 415),
        ([JSON, (b"content-encoding", b"compress")], 415),
        ([JSON, (b"content-encoding", b"gzip, gzip")], 415),
        ([JSON, (b"content-encoding", b"identity, gzip")], 415),
        ([JSON, (b"content-encoding", b"identity"), (b"content-encoding", b"gzip")], 415),
        ([JSON, (b"content-encoding", b"")], 415),
        ([JSON, (b"content-length", b"64000001")], 413),
        ([JSON, (b"content-length", b"5"), (b"content-length", b"5")], 400),
        ([JSON, (b"content-length", b"5, 5")], 400),
        ([JSON, (b"content-length", b"+5")], 400),
        ([JSON, (b"content-length", b"-5")], 400),
        ([JSON, (b"content-length", b"0x5")], 400),
        ([JSON, (b"content-length", b"5_0")], 400),
        ([JSON, (b"content-length", "٥".encode())], 400),
        ([JSON, (b"content-length", b"9" * 5000)], 400),
        ([JSON, (b"content-length", b"")], 400),
        ([JSON, (b"content-length", b"5"), (b"transfer-encoding", b"chunked")], 400),
    ],
)
def test_headers_refused(headers: list[tuple[bytes, bytes]], status: int) -> None:
    with pytest.raises(Malformed) as caught:
        check_headers(headers)
    assert caught.value.status == status


@pytest.mark.parametrize(
    "headers",
    [
        [],
        [JSON, (b"content-encoding", b"gzip")],
        [JSON, (b"content-encoding", b"ZSTD")],
        [JSON, (b"content-length", b"64000000")],
        [JSON, (b"content-length", b"0")],
        [JSON, (b"content-encoding", b"Identity")],
        [JSON, (b"transfer-encoding", b"chunked")],
    ],
)
def test_headers_accepted(headers: list[tuple[bytes, bytes]]) -> None:
    check_headers(headers)


FORM = (b"content-type", b"application/x-www-form-urlencoded")
PLAIN = (b"content-type", b"text/plain;charset=UTF-8")


@pytest.mark.parametrize("kind", [[], [FORM], [PLAIN]])
def test_a_page_of_another_site_must_name_json(kind: list[tuple[bytes, bytes]]) -> None:
    """Else a browser would send it without asking first, and any open page could use a server on this machine."""
    own = [(b"host", b"localhost:8080"), (b"origin", b"http://localhost:3000")]
    check_headers([*own, *kind])
    check_headers([(b"host", b"[::1]:8080"), (b"origin", b"http://[::1]"), *kind])
    check_headers([(b"host", b"127.0.0.1:8080"), (b"origin", b"http://localhost:3000"), *kind])
    for origin in (b"https://evil.example", b"null", b"http://localhost.evil.example", b"http://["):
        with pytest.raises(Malformed, match="another site") as caught:
            check_headers([(b"host", b"localhost:8080"), (b"origin", origin), *kind])
        assert caught.value.status == 415
    check_headers([(b"host", b"localhost:8080"), (b"origin", b"https://app.example"), JSON])


def test_numbers_in_lists_are_counted_by_themselves() -> None:
    """Token ids of forty texts are no flood of values; a flood of numbers is one."""
    ids = [[n % 50_000 for n in range(500)] for _ in range(2_000)]
    limits = BodyLimits(nodes=10_000)
    assert parse(dump({"input": ids}), limits) == {"input": ids}
    with pytest.raises(Malformed, match="1000000 numbers") as caught:
        parse(dump({"input": [*ids, [1.5] * 10]}), limits)
    assert "--max-body" in caught.value.reason
    with pytest.raises(Malformed, match="64 bits"):
        parse(b"[" + b"1," * 50 + b"36893488147419103232]")
    with pytest.raises(Malformed, match="10000 values"):
        parse(dump([[n, "x"] for n in range(10_000)]), limits)


def test_an_image_is_no_long_text() -> None:
    picture = base64.b64encode(bytes(range(256)) * 20_000).decode()
    for value in (picture, "data:image/png;base64," + picture, picture.replace("+", "-").replace("/", "_")):
        assert parse(dump({"x": value})) == {"x": value}
    for value in (
        "two words " * 300_000,
        "é" * 2_000_001,
        "data:text/plain," + picture,
        picture + "=" * 3,
        "data:" + picture,
    ):
        with pytest.raises(Malformed, match="2000000 characters"):
            parse(dump({"x": value}))


def test_150_tools_of_12_parameters_are_a_request() -> None:
    fields = {f"p{n}": {"type": "string", "description": f"parameter {n}", "enum": ["a", "b", "c"]} for n in range(12)}
    schema = {"type": "object", "properties": fields, "required": list(fields), "additionalProperties": False}
    tool = {"type": "function", "function": {"name": "f", "description": "d", "parameters": schema}}
    body = {"model": "m", "messages": [{"role": "user", "content": "hi"}], "tools": [tool] * 600}
    assert parse(dump(body)) == body
