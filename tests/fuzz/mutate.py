"""JSON that is almost right: values changed by structure, written in odd spellings, and bytes changed behind that."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from random import Random
from typing import Any

from tests.fuzz.canaries import Canaries

__all__ = ["changed", "chunks", "damaged", "planted", "strings", "written"]

Place = tuple[Any, Any]  # a dict or list, and a key or index of it


class Raw(str):
    """JSON text that is written as it is."""

    __slots__ = ()


class Twice(dict[str, Any]):
    """An object with more pairs, which may have keys that it has already."""

    more: list[tuple[str, Any]]


_NUMBERS = ("-0", "1e3", "1E+2", "0.1", "1e999", "-1e999", "NaN", "Infinity", "01", "+1", "1.", ".5", "0x10", "9007199254740993",
            "18446744073709551615", "18446744073709551616", "-9223372036854775809", "1" * 400, "1e-400", "1_000")  # fmt: skip
_TEXTS = ("", " ", "\u0000", "\u2028", "\ufeff", "e\u0301", "ﬁ", "\U0001f600", "\u202eabc", "\u200b", "\ud83d", "\n", "\r", "null", "[DONE]",
          "data: x", "a\tb", "\x7f", "{}", "[]", '""', "__proto__", "constructor", "a" * 300, "{EMAIL_1}", "{EMAIL_1", "[a bank]")  # fmt: skip
_KEYS = ("content", "text", "role", "messages", "input", "parts", "type", "index", "id", "name", "arguments", "data", "url", "model",
         "stream", "Content", "CONTENT", "ｃontent", "content ", "\u0000", "", "x_note", "error", "choices", "output", "delta",
         "message", "tool_calls", "file_id", "image_url", "prompt", "system", "signature", "thinking", "metadata", "usage",
         "finish_reason", "done", "contents", "candidates", "source", "title", "reasoning_content", "refusal", "logprobs",
         "annotations", "output_index", "content_index", "item", "item_id", "response", "part", "content_block", "start",
         "contentBlockIndex", "toolUse", "functionCall", "args", "previous_response_id", "cache_control", "n")  # fmt: skip
_TYPES = ("text", "input_text", "output_text", "image_url", "image", "document", "tool_use", "tool_result", "thinking",
          "redacted_thinking", "refusal", "function_call", "function_call_output", "reasoning", "message", "file", "input_file", "custom",
          "content_block_delta", "content_block_start", "content_block_stop", "message_stop", "message_delta", "ping", "error",
          "response.completed", "response.output_text.delta", "response.output_text.done", "response.output_item.done",
          "response.failed", "server_tool_use", "web_search_tool_result", "x_kind", "user", "assistant", "tool", "system", "model")  # fmt: skip
_BYTES = (b"\x00", b"\xff", b"\xfe", b"\xef\xbb\xbf", b"\xc0\xaf", b"\xed\xa0\x80", b"\xe2\x80\xa8", b'"', b"\\", b"{", b"}", b"[", b"]",
          b",", b":", b"\\u", b"\\ud800", b"\\u0000", b"\n", b"\r\n", b"\r", b"\n\n", b"data: ", b"event: x\n", b"//", b"/**/", b"NaN", b"\x1f",
          b"0", b"null", b"[DONE]", b"\x80", b"\xf4\x90\x80\x80")  # fmt: skip


def places(value: Any) -> list[Place]:
    """Every place of a value, outermost first, those of objects that stand in lists included."""
    box = [value]
    out: list[Place] = [(box, 0)]
    for owner, key in out:
        inner = owner[key]
        if isinstance(inner, dict):
            out.extend((inner, k) for k in inner)
        elif isinstance(inner, list):
            out.extend((inner, i) for i in range(len(inner)))
        if len(out) > 2000:
            break
    return out


def strings(value: Any) -> list[Place]:
    """The places of strings."""
    return [(o, k) for o, k in places(value)[1:] if isinstance(o[k], str)]


def _other(rng: Random) -> Any:
    return rng.choice(
        (
            lambda: None, lambda: True, lambda: False, lambda: 0, lambda: -1, lambda: 2**53 + 1, lambda: 1.5, lambda: [], lambda: {},
            lambda: [[]], lambda: "", lambda: rng.choice(_TEXTS), lambda: Raw(rng.choice(_NUMBERS)), lambda: rng.choice(_TYPES),
            lambda: [None, "x", 1], lambda: {"x_more": "words of somebody"}, lambda: 4294967296, lambda: rng.randrange(-3, 200),
        )
    )()  # fmt: skip


def _deep(rng: Random) -> Any:
    depth = rng.choice((5, 40, 62, 63, 64, 65, 70, 200, 300))
    value: Any = "x"
    for _ in range(depth):
        value = [value] if rng.random() < 0.5 else {"x_more": value}
    return value


def changed(rng: Random, value: Any, times: int) -> Any:
    """The value with some things in it changed. It is changed in place where it can be."""
    box = [value]
    for _ in range(times):
        every = places(box[0])
        owner, key = rng.choice(every[1:] if len(every) > 1 else [(box, 0)])
        if (owner, key) == every[0]:
            owner, key = box, 0
        _change(rng, owner, key, every)
    return box[0]


def _change(rng: Random, owner: Any, key: Any, every: list[Place]) -> None:
    value = owner[key]
    what = rng.randrange(14)
    if what in (0, 1):
        owner[key] = _other(rng)
    elif what == 2 and isinstance(owner, dict):
        owner[rng.choice(_KEYS)] = owner.pop(key)
    elif what == 3:
        other, k = rng.choice(every)  # a copy of another part
        owner[key] = json.loads(json.dumps(other[k], default=str)) if not isinstance(other[k], Raw) else other[k]
    elif what == 4 and isinstance(owner, dict) and len(owner) > 1:
        del owner[key]
    elif what == 5 and isinstance(owner, list):
        owner.insert(key, json.loads(json.dumps(value, default=str)))
    elif what == 6:
        owner[key] = [value]
    elif what == 7:
        owner[key] = {rng.choice(_KEYS): value}
    elif what == 8 and isinstance(owner, dict) and "type" in owner:
        owner["type"] = rng.choice(_TYPES)
    elif what == 9 and isinstance(value, dict):
        value[rng.choice(_KEYS)] = _other(rng)
    elif what == 10 and isinstance(value, dict) and value:
        twice = Twice(value)
        name = rng.choice(list(value))
        twice.more = [(rng.choice((name, name, name.upper(), name.title(), name + "\u200b")), _other(rng))]
        owner[key] = twice
    elif what == 11 and isinstance(value, list):
        rng.shuffle(value)
    elif what == 12 and rng.random() < 0.3:
        owner[key] = _deep(rng)
    elif what == 13 and isinstance(value, str):
        at = rng.randrange(len(value) + 1)
        owner[key] = value[:at] + rng.choice(_TEXTS) + value[at:]
    else:
        owner[key] = _other(rng)


# -- canaries ----------------------------------------------------------------------------------------------------------


def _around(rng: Random, canary: str) -> str:
    return rng.choice(
        ("{}", "{}", "please {} now", "a {}", "\n{}\n", "note: {} .", "x " * 40 + "{}", "é {} 你好")
    ).format(canary)


def planted(rng: Random, value: Any, canaries: Canaries, canary: str | None = None) -> Any:
    """The value with a canary somewhere: a string, part of one, JSON in one, a key, a number, an unknown field, base64."""
    box = [value]
    every = places(box[0])
    word = canary or rng.choice(canaries.texts)
    owner, key = rng.choice(every[1:] if len(every) > 1 else [(box, 0)])
    inner = owner[key]
    texts = strings(box[0])
    what = rng.randrange(10)
    if what <= 2 and texts:
        owner, key = rng.choice(texts)
        owner[key] = _around(rng, word)
    elif what == 3 and texts:
        owner, key = rng.choice(texts)
        text = owner[key]
        at = rng.randrange(len(text) + 1)
        owner[key] = f"{text[:at]} {word} {text[at:]}"
    elif what == 4 and texts:
        owner, key = rng.choice(texts)
        owner[key] = written(
            rng, rng.choice(({"x_note": word}, [word], {word: 1}, {"x_more": [{"x_note": _around(rng, word)}]}, word))
        )
    elif what == 5 and isinstance(inner, dict):
        inner[rng.choice((word, _around(rng, word)))] = _other(rng)
    elif what == 6:
        objects = [o[k] for o, k in every if isinstance(o[k], dict)]
        if objects:
            rng.choice(objects)["x_note"] = rng.choice(
                (int(canaries.plain_card), float(canaries.plain_card), [int(canaries.plain_card), "x"])
            )
    elif what == 7:
        objects = [o[k] for o, k in every if isinstance(o[k], dict)]
        if objects:
            rng.choice(objects)[rng.choice(("x_note", "x_more"))] = rng.choice(
                (word, [word], {"x_more": {"x_note": _around(rng, word)}})
            )
    elif what == 8 and texts:
        owner, key = rng.choice(texts)
        coded = base64.b64encode((word + " ").encode() * rng.choice((1, 9))).decode()
        owner[key] = (
            rng.choice(("data:text/plain;base64,", "data:image/png;base64,", "", f"data:text/plain;x={word};base64,"))
            + coded
        )
    else:
        owner[key] = _around(rng, word)
    return box[0]


# -- writing -----------------------------------------------------------------------------------------------------------


def written(rng: Random, value: Any) -> str:
    """The value as JSON: escapes where none are needed, blanks, duplicate keys where there are any."""
    style = rng.randrange(6)
    if style < 3 and not _has_odd(value):
        return json.dumps(value, ensure_ascii=style == 0, separators=((",", ":") if style == 1 else None))
    out: list[str] = []
    _write(rng, value, out, rng.choice((0.0, 0.05, 0.5, 1.0)))
    return "".join(out)


def _has_odd(value: Any) -> bool:
    return any(isinstance(o[k], Raw | Twice) for o, k in places(value))


def _write(rng: Random, value: Any, out: list[str], odds: float) -> None:
    if isinstance(value, Raw):
        out.append(value)
    elif isinstance(value, str):
        out.append(_string(rng, value, odds))
    elif isinstance(value, dict):
        pairs = list(value.items())
        for pair in getattr(value, "more", ()):
            pairs.insert(rng.randrange(len(pairs) + 1), pair)
        out.append("{")
        for i, (key, inner) in enumerate(pairs):
            out.append(("," if i else "") + _string(rng, str(key), odds) + ":")
            _write(rng, inner, out, odds)
        out.append("}")
    elif isinstance(value, list):
        out.append("[")
        for i, inner in enumerate(value):
            if i:
                out.append(rng.choice((",", ", ", ",\n")))
            _write(rng, inner, out, odds)
        out.append("]")
    else:
        out.append(json.dumps(value))


def _string(rng: Random, text: str, odds: float) -> str:
    if rng.random() < 0.5:
        return json.dumps(text, ensure_ascii=rng.random() < 0.5)
    return (
        '"'
        + "".join(_escaped(rng, c) if rng.random() < odds else json.dumps(c, ensure_ascii=False)[1:-1] for c in text)
        + '"'
    )


def _escaped(rng: Random, character: str) -> str:
    if character == "/" and rng.random() < 0.5:
        return "\\/"
    units = character.encode("utf-16-be", "surrogatepass")
    form: Callable[[int], str] = rng.choice((lambda n: f"\\u{n:04x}", lambda n: f"\\u{n:04X}"))
    return "".join(form(int.from_bytes(units[i : i + 2], "big")) for i in range(0, len(units), 2))


# -- bytes -------------------------------------------------------------------------------------------------------------


def damaged(rng: Random, data: bytes) -> bytes:
    """The bytes with something wrong in them."""
    what = rng.randrange(12)
    if not data or what == 0:
        return data + rng.choice(_BYTES)
    at = rng.randrange(len(data))
    to = min(len(data), at + rng.choice((1, 1, 2, 8, 60)))
    match what:
        case 1 | 2:
            return data[:at] + bytes([data[at] ^ (1 << rng.randrange(8))]) + data[at + 1 :]
        case 3:
            return data[:at] + data[to:]
        case 4:
            return data[:to] + data[at:]
        case 5 | 6:
            return data[:at] + rng.choice(_BYTES) + data[at:]
        case 7:
            return data[:at]
        case 8:
            text = data.decode("utf-8", "replace")
            return text.encode(
                rng.choice(("utf-16", "utf-16-le", "utf-32", "utf-8-sig", "utf-7", "latin-1")), "replace"
            )
        case 9:
            return data + rng.choice((data, b"\n" + data, b" ", b"{}", b"\x00"))
        case 10:
            return rng.choice((b"", b" ", b"null", b"[]", b"{}", b"0", b'"x"', b"\xff\xfe", b"\xef\xbb\xbf", b"true"))
        case _:
            return bytes(rng.randrange(256) for _ in range(rng.randrange(1, 60)))


def chunks(rng: Random, data: bytes) -> list[bytes]:
    """The bytes in pieces, some of them empty."""
    style = rng.randrange(4)
    if style == 0 or not data:
        return [data]
    if style == 1 and len(data) < 300:
        return [data[i : i + 1] for i in range(len(data))]
    at = sorted(rng.randrange(len(data) + 1) for _ in range(rng.choice((1, 2, 5, 30))))
    pieces = [data[a:b] for a, b in zip([0, *at], [*at, len(data)], strict=True)]
    if style == 3:
        pieces.insert(rng.randrange(len(pieces) + 1), b"")
    return pieces
