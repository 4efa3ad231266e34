"""What a character is folded to. Facts of Unicode, and look-alikes a reader takes for Latin letters."""

from __future__ import annotations

import unicodedata
from functools import lru_cache

__all__ = ["FLIP", "LOOKALIKE", "ignorable", "latin_greek_cyrillic", "plain_char"]

# Default_Ignorable_Code_Point (DerivedCoreProperties), and other characters that show nothing.
_IGNORABLE = frozenset(
    [0x00AD, 0x034F, 0x061C, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x3164, 0xFEFF, 0xFFA0, 0x1D159]
    + [
        *range(0x180B, 0x1810),
        *range(0x200B, 0x2010),
        *range(0x202A, 0x202F),
        *range(0x2060, 0x2070),
        *range(0xFFF0, 0xFFFC),
        *range(0xFFFE, 0x10000),
    ]
    + [*range(0xFE00, 0xFE10), *range(0x1BCA0, 0x1BCA4), *range(0x1D173, 0x1D17B), *range(0xE0000, 0xE1000)]
)
_DASHES = "‐‑‒–—―−⁃﹘﹣－⸺⸻˗➖"
_QUOTES = {
    "‘": "'",
    "’": "'",
    "‚": "'",
    "‛": "'",
    "′": "'",
    "`": "`",
    "“": '"',
    "”": '"',
    "„": '"',
    "″": '"',
    "«": '"',
    "»": '"',
}
_DOTS = {"․": ".", "。": ".", "｡": ".", "∙": "·", "•": "·", "⋅": "·", "﹒": ".", "٫": ".", "‧": "·"}
_SIGNS = {
    "＠": "@",
    "﹫": "@",
    "∶": ":",
    "ː": ":",
    "꞉": ":",
    "⁄": "/",
    "∕": "/",
    "╱": "/",
    "⧸": "/",
    "∖": "\\",
    "＼": "\\",
    "‗": "_",
}

# Letters NFKD leaves alone though a reader sees a Latin letter with something on it.
_LATIN = {
    "ß": "ss", "ẞ": "SS", "æ": "ae", "Æ": "AE", "œ": "oe", "Œ": "OE", "ø": "o", "Ø": "O", "đ": "d", "Đ": "D", "ð": "d", "Ð": "D",
    "ħ": "h", "Ħ": "H", "ı": "i", "ł": "l", "Ł": "L", "ŋ": "n", "þ": "th", "Þ": "TH", "ŧ": "t", "Ŧ": "T", "ƀ": "b", "ɓ": "b", "ƃ": "b",
    "ƈ": "c", "ȼ": "c", "ɗ": "d", "ɖ": "d", "ǝ": "e", "ɇ": "e", "ƒ": "f", "ɠ": "g", "ǥ": "g", "ɡ": "g", "ɦ": "h", "ɨ": "i", "ɩ": "i", "ɉ": "j",
    "ƙ": "k", "ɭ": "l", "ƚ": "l", "ɱ": "m", "ɲ": "n", "ƞ": "n", "ɔ": "o", "ɵ": "o", "ƥ": "p", "ɋ": "q", "ɍ": "r", "ɽ": "r", "ʂ": "s", "ȿ": "s",
    "ƭ": "t", "ʈ": "t", "ʉ": "u", "ʊ": "u", "ʋ": "v", "ⱳ": "w", "ƴ": "y", "ɏ": "y", "ƶ": "z", "ȥ": "z", "ʐ": "z", "ɑ": "a", "ɐ": "a", "ə": "e", "ɛ": "e",
    "ᴀ": "a", "ʙ": "b", "ᴄ": "c", "ᴅ": "d", "ᴇ": "e", "ꜰ": "f", "ɢ": "g", "ʜ": "h", "ɪ": "i", "ᴊ": "j", "ᴋ": "k", "ʟ": "l", "ᴍ": "m", "ɴ": "n",
    "ᴏ": "o", "ᴘ": "p", "ǫ": "q", "ꞯ": "q", "ʀ": "r", "ꜱ": "s", "ᴛ": "t", "ᴜ": "u", "ᴠ": "v", "ᴡ": "w", "ʏ": "y", "ᴢ": "z", "ǀ": "l", "ꓲ": "l",
}  # fmt: skip

# Letters of other scripts that pass for Latin ones. Applied only where the word or the whole text speaks for it.
LOOKALIKE = str.maketrans(
    dict(
        zip(
            "аАеЕоОрРсСхХуУіІјЈѕЅһҺԁԛԜԝвВнНкКмМтТгпьзЗӏӀүҮғҒөѵѴԌꙅӠӡԚ",
            "aAeEoOpPcCxXyYiIjJsShHdqWwbBhHkKmMtTrnb33lIyYfFovVGszzQ",
            strict=True,
        )
    )
    | dict(zip("αΑβΒγεΕζΖηΗιΙκΚλμΜνΝξοΟρΡσςτΤυΥφχΧψωΩϲϹϳ", "aAbByeEzZnHiIkKauMvNeoOpPoctTuYoxXywOcCj", strict=True))
    | dict(zip("աոսօհցքզցՏՍԼՕՈԱԵԳեյլ", "wnuohgpqgSULOOUEGtjl"[:20], strict=True))
    | dict(zip("ᎪᏴᏟᎠᎬᏀᎻᎥᎫᏦᏞᎷᏢᎡᏚᎢᏙᏔᏃᎳᏂᏎ", "ABCDEGHiJKLMPRSTVWZWhS", strict=True))
    | dict(zip("ⲀⲂⲤⲈⲎⲒⲔⲘⲚⲞⲢⲦⲨⲬⲁⲥⲉⲟⲣⲭⲓⲛ", "ABCEHIKMNOPTYXaceopxin", strict=True))
)

# Upside-down letters; the text is reversed as well.
_UP = "abcdefghijklmnopqrstuvwxyz"
_DOWN = "ɐqɔpǝɟƃɥᴉɾʞlɯuodbɹsʇnʌʍxʎz"
FLIP = dict(zip(_DOWN, _UP, strict=True)) | {
    "ı": "i", "ꞁ": "l", "ʃ": "l", "ɓ": "g", "ɡ": "g", "ᵷ": "g", "ƨ": "s", "Ɐ": "a", "∀": "a", "Ɔ": "c", "ᗡ": "d", "Ǝ": "e", "Ⅎ": "f", "⅁": "g", "ſ": "j",
    "⋊": "k", "˥": "l", "Ԁ": "p", "Ό": "q", "ᴚ": "r", "⊥": "t", "∩": "u", "Λ": "v", "⅄": "y", "¿": "?", "¡": "!", "˙": ".", "‾": "_",
}  # fmt: skip


def ignorable(char: str) -> bool:
    """True for a character that shows nothing."""
    return ord(char) in _IGNORABLE


@lru_cache(maxsize=65536)
def plain_char(char: str) -> str:
    """One character without width, style, diacritic or script-specific digit; "" when it shows nothing.

    Marks are not decided here: whether one is dropped depends on the letter before it.
    """
    code = ord(char)
    if code in _IGNORABLE:
        return ""
    for table in (_LATIN, _QUOTES, _DOTS, _SIGNS):
        if char in table:
            return table[char]
    if char in _DASHES:
        return "-"
    if 0x1F1E6 <= code <= 0x1F1FF:  # regional indicators
        return chr(code - 0x1F1E6 + 65)
    if (
        0x1F130 <= code <= 0x1F149 or 0x1F150 <= code <= 0x1F169 or 0x1F170 <= code <= 0x1F189
    ):  # squared and circled letters
        return chr((code - 0x1F130) % 32 + 65)
    category = unicodedata.category(char)
    if category == "Zs":
        return " "
    if category in ("Zl", "Zp"):
        return "\n"
    if category == "Nd":
        return str(unicodedata.decimal(char))
    decomposed = unicodedata.normalize("NFKD", char)
    if decomposed == char:
        return char
    base = decomposed[0]
    if (
        len(decomposed) > 1
        and all(unicodedata.category(c) == "Mn" for c in decomposed[1:])
        and latin_greek_cyrillic(base)
    ):
        decomposed = base
    return "".join(c if unicodedata.combining(c) else plain_char(c) for c in decomposed)


def latin_greek_cyrillic(char: str) -> bool:
    """True for a letter whose diacritics are decoration to a word list."""
    code = ord(char)
    return code < 0x530 or 0x1E00 <= code < 0x2000 or 0x2C60 <= code < 0x2C80 or 0xA720 <= code < 0xA800
