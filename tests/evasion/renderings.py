"""Ways of writing a text so that a filter does not see it: each maps a text to what a sender would send.

``VALUES`` are for identifiers (letters, digits and the signs in between survive a reader's eye), ``PHRASES`` for sentences.
"""

from __future__ import annotations

import base64
import html
import json
import quopri
import random
import urllib.parse
from collections.abc import Callable

Rendering = Callable[[str], str]

_FULL = {c: c + 0xFEE0 for c in range(0x21, 0x7F)}
_CYRILLIC = str.maketrans("aeopcxyiABEKMHOPCTX", "аеорсхуіАВЕКМНОРСТХ")
_GREEK = str.maketrans("aoviKMNOPTXABEZHI", "αονιΚΜΝΟΡΤΧΑΒΕΖΗΙ")
_ARABIC = str.maketrans("0123456789", "٠١٢٣٤٥٦٧٨٩")
_DEVANAGARI = str.maketrans("0123456789", "०१२३४५६७८९")
_MATH_DIGITS = {ord("0") + i: 0x1D7CE + i for i in range(10)}
_MATH = {ord("a") + i: 0x1D41A + i for i in range(26)} | {ord("A") + i: 0x1D400 + i for i in range(26)} | _MATH_DIGITS
_CIRCLED = {ord("a") + i: 0x24D0 + i for i in range(26)} | {ord("A") + i: 0x24B6 + i for i in range(26)}
_SQUARED = {ord("a") + i: 0x1F130 + i for i in range(26)} | {ord("A") + i: 0x1F130 + i for i in range(26)}
_SMALL = str.maketrans("abcdefghijklmnoprstuvwyz", "ᴀʙᴄᴅᴇꜰɢʜɪᴊᴋʟᴍɴᴏᴘʀꜱᴛᴜᴠᴡʏᴢ")
_SUPER = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")
_LEET = str.maketrans("aeiostAEIOST", "431057431057")
_SYMBOLS = str.maketrans("aisAIS", "@!$@!$")
_FLIP = str.maketrans("abcdefghijklmnopqrstuvwxyz", "ɐqɔpǝɟƃɥᴉɾʞlɯuodbɹsʇnʌʍxʎz")
_NATO = [
    "alpha",
    "bravo",
    "charlie",
    "delta",
    "echo",
    "foxtrot",
    "golf",
    "hotel",
    "india",
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
    "xray",
    "yankee",
    "zulu",
]
_MORSE = dict(
    zip(
        "abcdefghijklmnopqrstuvwxyz0123456789",
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
        ],
        strict=True,
    )
)
_BRAILLE = {c: chr(0x2800 + d) for c, d in zip("abcdefghij", (1, 3, 9, 25, 17, 11, 27, 19, 10, 26), strict=True)}
_BRAILLE |= {c: chr(0x2800 + (ord(_BRAILLE[p]) - 0x2800 | 4)) for c, p in zip("klmnopqrst", "abcdefghij", strict=True)}
_BRAILLE |= {"u": "⠥", "v": "⠧", "w": "⠺", "x": "⠭", "y": "⠽", "z": "⠵", " ": "⠀"}


def _between(mark: str) -> Rendering:
    return mark.join


def _every(mark: str, step: int = 3) -> Rendering:
    return lambda t: mark.join(t[i : i + step] for i in range(0, len(t), step))


def _after_letters(mark: str) -> Rendering:
    return lambda t: "".join(c + mark if c.isalnum() else c for c in t)


def _rot(n: int) -> Rendering:
    def turn(t: str) -> str:
        return "".join(
            chr((ord(c) - base + n) % 26 + base) if c.isascii() and c.isalpha() else c
            for c in t
            for base in [97 if c.islower() else 65]
        )

    return turn


def _pig(t: str) -> str:
    out = []
    for w in t.split():
        i = next((i for i, c in enumerate(w) if c in "aeiouAEIOU"), 0)
        out.append(w[i:] + w[:i] + "ay" if i else w + "way")
    return " ".join(out)


def _bits(t: str) -> str:
    return "x" + "".join("\u200b" if b == "0" else "\u200c" for c in t.encode() for b in f"{c:08b}") + "y"


def _uu(t: str) -> str:
    import binascii

    data = t.encode()
    return "".join(binascii.b2a_uu(data[i : i + 45]).decode() for i in range(0, len(data), 45)).rstrip("\n")


VALUES: dict[str, Rendering] = {
    "zero width space": _between("\u200b"),
    "zero width joiner": _every("\u200d"),
    "word joiner": _every("\u2060", 2),
    "soft hyphen": _every("\u00ad"),
    "invisible separator": _every("\u2063"),
    "variation selector": _every("\ufe0f"),
    "bom inside": _every("\ufeff", 4),
    "full width": lambda t: t.translate(_FULL),
    "mathematical": lambda t: t.translate(_MATH),
    "arabic digits": lambda t: t.translate(_ARABIC),
    "devanagari digits": lambda t: t.translate(_DEVANAGARI),
    "math digits": lambda t: t.translate(_MATH_DIGITS),
    "superscript": lambda t: t.translate(_SUPER),
    "non-breaking space": lambda t: t.replace(" ", "\u00a0"),
    "thin space": lambda t: t.replace(" ", "\u2009"),
    "en dash": lambda t: t.replace("-", "\u2013"),
    "strike": _after_letters("\u0336"),
    "underline": _after_letters("\u0332"),
    "acute": _after_letters("\u0301"),
    "isolates": lambda t: f"\u2066{t}\u2069",
    "spaces": _between(" "),
    "bold tags": lambda t: f"{t[:4]}<b>{t[4:8]}</b>{t[8:]}",
    "comment": lambda t: f"{t[:5]}<!-- x -->{t[5:]}",
    "html decimal": lambda t: "".join(f"&#{ord(c)};" for c in t),
    "html hex": lambda t: "".join(f"&#x{ord(c):x};" for c in t),
    "percent": lambda t: "".join(f"%{b:02X}" for b in t.encode()),
    "percent twice": lambda t: urllib.parse.quote("".join(f"%{b:02X}" for b in t.encode())),
    "unicode escapes": lambda t: "".join(f"\\u{ord(c):04x}" for c in t),
    "base64": lambda t: base64.b64encode(t.encode()).decode(),
    "hex": lambda t: t.encode().hex(),
    "double base64": lambda t: base64.b64encode(base64.b64encode(t.encode())).decode(),
}
PHRASES: dict[str, Rendering] = {
    **{k: v for k, v in VALUES.items() if "digits" not in k and k not in ("superscript", "en dash")},
    "cyrillic": lambda t: t.translate(_CYRILLIC),
    "greek": lambda t: t.translate(_GREEK),
    "circled": lambda t: t.translate(_CIRCLED),
    "squared": lambda t: t.translate(_SQUARED),
    "small capitals": lambda t: t.translate(_SMALL),
    "zalgo": lambda t: "".join(c + "\u0301\u0316\u0334" if c.isalpha() else c for c in t),
    "upper": str.upper,
    "random case": lambda t: "".join(c.upper() if i % 2 else c for i, c in enumerate(t)),
    "line breaks": lambda t: t.replace(" ", "\n"),
    "double spaces": lambda t: t.replace(" ", "  "),
    "dots": _between("."),
    "dashes": _between("-"),
    "underscores": lambda t: "_".join(t.replace(" ", "_")),
    "spaced words": lambda t: "   ".join(" ".join(w) for w in t.split()),
    "newlines": lambda t: "\n".join(t.replace(" ", "")),
    "no spaces": lambda t: t.replace(" ", ""),
    "dotted words": lambda t: t.replace(" ", "."),
    "hyphenated": lambda t: t.replace(" ", "-"),
    "snake": lambda t: t.replace(" ", "_"),
    "leet": lambda t: t.translate(_LEET),
    "symbols": lambda t: t.translate(_SYMBOLS),
    "emoji smuggling": lambda t: "😀" + "".join(chr(0xFE00 + b if b < 16 else 0xE0100 + b - 16) for b in t.encode()),
    "tag smuggling": lambda t: "".join(chr(0xE0000 + ord(c)) for c in t),
    "zero width bits": _bits,
    "right-to-left override": lambda t: f"\u202e{t[::-1]}\u202c",
    "reversed": lambda t: t[::-1],
    "upside down": lambda t: t.lower().translate(_FLIP)[::-1],
    "rot13": _rot(13),
    "rot5": _rot(5),
    "atbash": lambda t: "".join(
        chr(219 - ord(c)) if c.islower() else chr(155 - ord(c)) if c.isupper() else c for c in t
    ),
    "pig latin": _pig,
    "base32": lambda t: base64.b32encode(t.encode()).decode(),
    "base64 url": lambda t: base64.urlsafe_b64encode(t.encode()).decode().rstrip("="),
    "base85": lambda t: base64.b85encode(t.encode()).decode(),
    "ascii85": lambda t: base64.a85encode(t.encode(), adobe=True).decode(),
    "spaced hex": lambda t: " ".join(f"{b:02x}" for b in t.encode()),
    "binary": lambda t: " ".join(f"{b:08b}" for b in t.encode()),
    "decimal": lambda t: " ".join(str(b) for b in t.encode()),
    "octal": lambda t: " ".join(f"{b:03o}" for b in t.encode()),
    "quoted-printable": lambda t: "".join(f"={b:02X}" for b in t.encode()),
    "quoted-printable soft breaks": lambda t: (
        quopri.encodestring(_every("=\n", 7)(t).encode()).decode().replace("=3D", "=")
    ),
    "uu": _uu,
    "morse": lambda t: " / ".join(" ".join(_MORSE.get(c, "") for c in w) for w in t.lower().split()),
    "nato": lambda t: " ".join(_NATO[ord(c) - 97] for c in t.lower() if c.isalpha()),
    "braille": lambda t: "".join(_BRAILLE.get(c, c) for c in t.lower()),
    "json": lambda t: json.dumps(t.replace(" ", "\n"))[1:-1],
    "html named": lambda t: html.escape(t).replace(" ", "&nbsp;"),
    "emphasis": lambda t: " ".join(f"{w[:2]}**{w[2:]}**" if len(w) > 3 else w for w in t.split()),
    "alt text": lambda t: f'<img src="x.png" alt="{t}">',
    "backspace": lambda t: "".join(c + "q\x08" if i % 3 == 0 else c for i, c in enumerate(t)),
}


def spread(rng: random.Random, names: list[str], size: int) -> list[tuple[str, str]]:
    """Random ordered pairs of different names."""
    return [tuple(rng.sample(names, 2)) for _ in range(size)]  # type: ignore[misc]
