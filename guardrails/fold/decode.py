"""Encodings inside a text. Each decoder looks for tokens of its own shape and splices in what they say, in place.

A token counts as decoded when what comes out is at least 95 % printable; everything else is left as it stands, so hashes, keys and
identifiers stay what they are.
"""

from __future__ import annotations

import base64
import binascii
import html
import quopri
import re
import unicodedata
import urllib.parse
from collections.abc import Callable
from email.errors import HeaderParseError
from email.header import decode_header, make_header
from typing import Any, NamedTuple

import regex

from guardrails.fold.tables import ignorable
from guardrails.fold.view import Builder, View

__all__ = ["DECODERS", "Decoder", "splice"]


class Decoder(NamedTuple):
    """``trigger`` is an RE2 pattern a text must match for the decoder to be worth a try, and so is ``confirm``, which is
    too large to be looked for together with all others; ``token`` finds the runs; ``decode`` returns what a run says, or None."""

    name: str
    trigger: str
    token: Any
    decode: Callable[[str], str | None]
    confirm: str | None = None


# What parts the units of a token.
_NOT_HEX = re.compile(r"0x|\\x|[^0-9A-Fa-f]")
_NUMBER = re.compile(r"\d+")
_BITS = re.compile(r"[01]+")
_MORSE_WORDS = re.compile(r"\s*[/|]\s*|\s{3,}|\n")
_NATO_GAP = re.compile(r"[\s,.\-/|]+(?=[a-z])")
_LETTERS = re.compile(r"[a-z]+")
_NO_LETTER = re.compile(r"[^a-z]")


def _printable(text: str) -> bool:
    good = sum(c.isprintable() or c.isspace() or ignorable(c) for c in text)
    return bool(text) and good >= 0.95 * len(text)


def _wordy(text: str) -> bool:
    """Mostly letters, digits and blanks; what shows nothing or sits on a letter does not count."""
    shown = [c for c in text if not ignorable(c) and unicodedata.category(c) != "Mn"]
    return sum(c.isalnum() or c.isspace() for c in shown) >= 0.6 * max(len(shown), 1)


def _bytes(data: bytes, *, least: int = 3) -> str | None:
    """Bytes as text; mostly ASCII, so that random bytes which happen to be UTF-8 do not pass."""
    for encoding in ("utf-8", "utf-16-le") if data[1:2] == b"\0" else ("utf-8",):
        try:
            text = data.decode(encoding).rstrip("\0")
        except UnicodeDecodeError:
            continue
        if len(text) >= least and _printable(text) and _wordy(text):
            return text
    return None


def _base64(token: str) -> str | None:
    core = token.rstrip("=").replace("-", "+").replace("_", "/")
    core = "".join(core.split())
    if len(core) < 8 or len(core) % 4 == 1 or core.isdigit() or (core.isalpha() and (core.islower() or core.istitle())):
        return None
    try:
        return _bytes(base64.b64decode(core + "=" * (-len(core) % 4), validate=True), least=4)
    except binascii.Error:
        return None


def _base32(token: str) -> str | None:
    core = token.rstrip("=").upper()
    if len(core) < 8 or len(core) % 8 in (1, 3, 6):
        return None
    try:
        return _bytes(base64.b32decode(core + "=" * (-len(core) % 8)), least=4)
    except binascii.Error:
        return None


def _hex(token: str) -> str | None:
    digits = _NOT_HEX.sub("", token)
    if len(digits) % 2 or len(digits) < 8:
        return None
    return _bytes(bytes.fromhex(digits), least=4)


def _numbers(base: int) -> Callable[[str], str | None]:
    def decode(token: str) -> str | None:
        try:
            codes = [int(n, base) for n in _NUMBER.findall(token)]
        except ValueError:
            return None
        if not all(9 <= c < 127 for c in codes):
            return None
        text = "".join(map(chr, codes))
        return text if _printable(text) and sum(c.isalpha() or c.isspace() for c in text) >= 0.5 * len(text) else None

    return decode


def _binary(token: str) -> str | None:
    groups = _BITS.findall(token)
    if len(groups) == 1:
        bits = groups[0]
        size = 8 if len(bits) % 8 == 0 else 7
        groups = [bits[i : i + size] for i in range(0, len(bits), size)]
    return _bytes(bytes(int(g, 2) for g in groups if len(g) <= 8))


def _base85(token: str) -> str | None:
    core = token.removeprefix("<~").removesuffix("~>")
    for decode in (base64.a85decode, base64.b85decode):
        try:
            text = _bytes(decode(core.encode()), least=6)
        except (ValueError, OverflowError):
            continue
        if text is not None and sum(c.isalpha() or c == " " for c in text) >= 0.7 * len(text):
            return text
    return None


# A line says how many bytes it holds; the blanks that it ends in may have been cut off.
_UU_LINE = (
    "(?:"
    + "|".join(
        f"[{regex.escape(chr(33 + 3 * k))}-{regex.escape(chr(35 + 3 * k))}][ -`]{{{4 * k + 2},{4 * k + 4}}}"
        for k in range(15)
    )
    + ")[ \\t]*"
)


def _uu(token: str) -> str | None:
    out = b""
    for line in token.splitlines():
        if line and line not in ("end", "`") and not line.startswith("begin "):
            try:
                size = ord(line[0]) - 32
                out += binascii.a2b_uu(line[: 1 + (size + 2) // 3 * 4])
            except (binascii.Error, ValueError):
                return None
    return _bytes(out, least=4)


def _quoted(token: str) -> str | None:
    return quopri.decodestring(token.encode()).decode("utf-8", "replace")


def _mime(token: str) -> str | None:
    try:
        return str(make_header(decode_header(token)))
    except (ValueError, LookupError, binascii.Error, HeaderParseError):
        return None


_SIMPLE = {"n": "\n", "t": "\t", "r": "\r", '"': '"', "'": "'", "/": "/", "\\": "\\"}


def _escape(token: str) -> str | None:
    pairs = regex.sub(
        r"\\u\{([0-9a-fA-F]{1,6})\}|\\u([0-9a-fA-F]{4})|\\U([0-9a-fA-F]{8})|\\x([0-9a-fA-F]{2})|\\([0-7]{3})|U\+([0-9A-F]{4,6}) ?",
        lambda m: _code(int(m.group(5), 8) if m.group(5) else int(next(g for g in m.groups() if g), 16)),
        token,
    )
    joined: str = pairs.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return joined


def _code(code: int) -> str:
    return chr(code) if code < 0x110000 else "\ufffd"


_MORSE = dict(
    zip(
        [
            ".-",
            "-...",
            "-.-.",
            "-..",
            ".",
            "..-.",
            "--.",
            "....",
            "..",
            ".---",
            "-.-",
            ".-..",
            "--",
            "-.",
            "---",
            ".--.",
            "--.-",
            ".-.",
            "...",
            "-",
            "..-",
            "...-",
            ".--",
            "-..-",
            "-.--",
            "--..",
            "-----",
            ".----",
            "..---",
            "...--",
            "....-",
            ".....",
            "-....",
            "--...",
            "---..",
            "----.",
            ".-.-.-",
            "--..--",
            "..--..",
            ".--.-.",
            "-....-",
            "-..-.",
        ],
        "abcdefghijklmnopqrstuvwxyz0123456789.,?@-/",
        strict=True,
    )
)


def _morse(token: str) -> str | None:
    plain = token.translate(str.maketrans("·•–—−_", "..----"))
    words = _MORSE_WORDS.split(plain.strip())
    out = [[_MORSE.get(letter) for letter in word.split()] for word in words]
    if any(c is None for word in out for c in word):
        return None
    return " ".join("".join(c for c in word if c) for word in out)


_NATO = {
    w: w[0]
    for w in [
        "alpha",
        "alfa",
        "bravo",
        "charlie",
        "delta",
        "echo",
        "foxtrot",
        "golf",
        "hotel",
        "india",
        "juliet",
        "juliett",
        "kilo",
        "lima",
        "mike",
        "november",
        "oscar",
        "papa",
        "quebec",
        "romeo",
        "sierra",
        "tango",
        "uniform",
        "victor",
        "whiskey",
        "whisky",
        "xray",
        "yankee",
        "zulu",
    ]
} | {"x-ray": "x"}
_SPELLED = dict(
    zip(["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"], "0123456789", strict=True)
) | {
    "niner": "9",
    "oh": "0",
}


def _nato(token: str) -> str | None:
    words = _NATO_GAP.split(token.lower().replace("x-ray", "xray"))
    return "".join(_NATO.get(w, "") for w in words)


def _spelled(token: str) -> str | None:
    return "".join(_SPELLED[w] for w in _LETTERS.findall(token.lower()))


# Braille cells of the Latin letters: a to j, then with dot 3, then with dots 3 and 6.
_BRAILLE_AJ = (0x01, 0x03, 0x09, 0x19, 0x11, 0x0B, 0x1B, 0x13, 0x0A, 0x1A)
_BRAILLE = {0x2800 + d: c for d, c in zip(_BRAILLE_AJ, "abcdefghij", strict=True)}
_BRAILLE |= {0x2800 + (d | 0x04): c for d, c in zip(_BRAILLE_AJ, "klmnopqrst", strict=True)}
_BRAILLE |= {
    0x2800 + c: v for c, v in ((0x25, "u"), (0x27, "v"), (0x3A, "w"), (0x2D, "x"), (0x3D, "y"), (0x35, "z"), (0, " "))
}


def _braille(token: str) -> str | None:
    return "".join(_BRAILLE.get(ord(c), c if c.isspace() else "") for c in token)


_AT = {
    "at": "@",
    "dot": ".",
    "dash": "-",
    "hyphen": "-",
    "underscore": "_",
    "period": ".",
    "point": ".",
    "arobase": "@",
}


def _spoken(token: str) -> str | None:
    word = _NO_LETTER.sub("", token.lower())
    return _AT.get(word)


_NATO_WORDS = "|".join(sorted((*_NATO, "x-ray"), key=len, reverse=True))
_DIGIT_WORDS = "|".join(_SPELLED)

# Of fifteen signs in a row, one that words, addresses and paths in small letters do not have. Of every five characters of
# base85 the first tells the high bits of the first byte: for ASCII it is hardly ever a small letter.
_LONG_RUN = "|".join(rf"[!-~]{{{k}}}[A-Z0-9#$%&*+<=>^`{{|}}~\[\]\\][!-~]{{{14 - k}}}" for k in range(15))

# Each token's pattern is compiled by whichever of the two engines reads plain English faster.
DECODERS: tuple[Decoder, ...] = (
    Decoder("mime", r"=\?[A-Za-z0-9\-]{2,30}\?[BbQq]\?", regex.compile(r"(?:=\?[A-Za-z0-9\-]{2,30}(?:\*[A-Za-z\-]{1,20})?\?[BbQq]\?[^?\s]{1,1000}\?=(?:\s{1,4}(?==\?))?)+"), _mime),
    Decoder("url", r"%[0-9A-Fa-f]{2}", regex.compile(r"(?:%[0-9A-Fa-f]{2})+"), lambda t: urllib.parse.unquote(t, errors="replace")),
    Decoder("html", r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z]{2,24});?", regex.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z]{2,24});?"),
            lambda t: u if (u := html.unescape(t)) != t else None),
    Decoder("escape", r"\\(?:u|U|x|[0-7]{3})|U\+[0-9A-F]{4}",
            regex.compile(r"(?:\\u\{[0-9a-fA-F]{1,6}\}|\\u[0-9a-fA-F]{4}|\\U[0-9a-fA-F]{8}|\\x[0-9a-fA-F]{2}|\\[0-7]{3})+|(?:U\+[0-9A-F]{4,6} ?)+"), _escape),
    Decoder("json", r"\\[nrt\"'/]", regex.compile(r"\\[nrt\"'/\\]"), lambda t: _SIMPLE[t[1]]),
    Decoder("quoted-printable", r"=[0-9A-F]{2}|=\r?\n", regex.compile(r"(?:=[0-9A-F]{2}|=\r?\n)+"), _quoted),
    Decoder("braille", "[\u2801-\u28ff]", regex.compile("[\u2800-\u28ff]+(?: [\u2800-\u28ff]+)*"), _braille),
    Decoder("binary", r"[01]{7,8}[ ,]?[01]{7,8}[ ,]?[01]{7,8}", regex.compile(r"(?<![\w.])(?:[01]{7,8}[ ,]?){2,}[01]{7,8}(?![\w.])|(?<![\w.])[01]{21,}(?![\w.])"), _binary),
    Decoder("hex", r"(?:[0-9A-Fa-f]{2}[ :,\-]?){4}|0x[0-9A-Fa-f]{2}", regex.compile(r"(?<!\w)(?:0x)?(?:[0-9A-Fa-f]{2}){4,}+(?!\w)|(?<!\w)(?:0x[0-9A-Fa-f]{2}){4,}+(?!\w)"
                                 r"|(?<!\w)(?:0x|\\x)?[0-9A-Fa-f]{2}(?:[ :,\-]{1,2}(?:0x|\\x)?[0-9A-Fa-f]{2}(?!\w)){3,}+"), _hex),
    Decoder("decimal", r"\d{2,3}(?:[ ,;]{1,2}\d{2,3}){3}", regex.compile(r"(?<![\w.])(?:\d{2,3}[ ,;]{1,2}){3,}\d{2,3}(?![\w.])"), _numbers(10)),
    Decoder("octal", r"0?[01]\d\d(?:[ ,;]{1,2}0?[01]\d\d){3}", re.compile(r"(?<![\w.])(?:0?[01][0-7]{2}|0?[4-7][0-7])(?:[ ,;]{1,2}(?:0?[01][0-7]{2}|0?[4-7][0-7])){3,}(?![\w.])"), _numbers(8)),
    Decoder("uu", r"begin [0-7]{3}|(?m:^[!-M][ -`]{10,61}$)", re.compile(rf"(?m)(?:^begin [0-7]{{3}} \S+\r?\n)?^(?=.{{9}}|.*\n.{{5}}){_UU_LINE}(?:\r?\n{_UU_LINE})*$(?:\r?\n`?$)?(?:\r?\nend)?"), _uu),
    Decoder("base32", r"[A-Z2-7]{8}", regex.compile(r"(?<![\w=/+])[A-Z2-7]{8,}={0,6}(?![\w=/+])"), _base32),
    Decoder("base64", r"[a-z0-9+/][A-Z][A-Za-z0-9+/_\-]{4}|[A-Za-z+/][0-9][A-Za-z0-9+/_\-]{5}|[A-Z]{2}[a-z0-9][A-Za-z0-9+/]{5}", re.compile(r"(?<![\w+/=])[A-Za-z0-9+/_\-]{8,}(?:\s?\n[A-Za-z0-9+/_\-]{20,})*={0,2}(?![\w+/])"), _base64),
    Decoder("base85", r"<~|[!-~]{15}", re.compile(r"<~[^~]{8,}~>|(?<!\S)[!-~]{15,}+(?!\S)"), _base85, rf"<~|{_LONG_RUN}"),
    Decoder("morse", r"[.\-–—·•_]{1,7}(?:[ /|]{1,3}[.\-–—·•_]{1,7}){3}", regex.compile(r"(?<![\w.\-])[.\-–—·•_]{1,7}(?:[ /|\n]{1,7}[.\-–—·•_]{1,7}){3,}(?![\w])"), _morse),
    Decoder("nato", rf"(?i)\b(?:{_NATO_WORDS})[\s,.\-/|]{{1,3}}(?:{_NATO_WORDS})\b", regex.compile(rf"(?i)\b(?:(?:{_NATO_WORDS})[\s,.\-/|]{{1,3}}){{2,}}(?:{_NATO_WORDS})\b"), _nato),
    Decoder("spelled", rf"(?i)\b(?:{_DIGIT_WORDS})[\s,.\-]{{1,2}}(?:{_DIGIT_WORDS})[\s,.\-]{{1,2}}(?:{_DIGIT_WORDS})\b",
            regex.compile(rf"(?i)\b(?:(?:{_DIGIT_WORDS})[\s,.\-]{{1,2}}){{2,}}(?:{_DIGIT_WORDS})\b"), _spelled),
    Decoder("spoken", r"(?i)[\[({<]\s?(?:at|dot|dash|hyphen|underscore|period|arobase)\s?[\])}>]|[a-z0-9_]\s(?:at|arobase)\s[a-z0-9\-]{1,40}\sdot\s[a-z]",
            re.compile(r"(?i)(?<=[a-z0-9_])(?:\s?[\[({<]\s?(?:at|dot|dash|hyphen|underscore|period|arobase)\s?[\])}>]\s?|\s(?:at|arobase)\s(?=[a-z0-9.\-]{1,40}\sdot\s)|\sdot\s)(?=[a-z0-9])"), _spoken),
)  # fmt: skip


def splice(view: View, decoder: Decoder) -> View | None:
    """The view with every token of that decoder replaced by what it says, None when there is none."""
    out = Builder(view)
    at = 0
    for token in decoder.token.finditer(view.text):
        said = decoder.decode(token.group())
        if said is None or said == token.group():
            continue
        out.copy(at, token.start())
        out.block(said, token.start(), token.end())
        at = token.end()
    out.copy(at, len(view.text))
    # Spelled letter by letter, words run together.
    return out.view(decoder.name, joined=decoder.name in ("nato", "braille", "morse")) if out.changed else None
