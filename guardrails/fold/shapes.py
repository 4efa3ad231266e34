"""The shape of a text: letters spaced out, words cut by markup, text upside down."""

from __future__ import annotations

import regex

from guardrails.fold.tables import FLIP
from guardrails.fold.view import Builder, View

__all__ = ["SPACED_TRIGGER", "despaced", "flipped", "spacing_begun", "unspaced", "untagged"]

_GAP = r"[ \t\u00a0.\-_*|/,·~+:;'\"\n]"
# Letters or digits, one or two at a time, with one to three separators between them, four or more in a row.
_SPACED = regex.compile(rf"(?<![^\W_])[^\W_](?:{_GAP}{{1,4}}[^\W_](?![^\W_])){{3,}}")
SPACED_TRIGGER = r"(?:^|[^\pL\pN])[\pL\pN][ \t.\-_*|/,·~+:;'\"\n]{1,4}[\pL\pN][ \t.\-_*|/,·~+:;'\"\n]{1,4}[\pL\pN][ \t.\-_*|/,·~+:;'\"\n]{1,4}[\pL\pN](?:$|[^\pL\pN])"
# Any characters, signs too, each on its own between blanks: how an address or a number is spaced out.
_SINGLES = regex.compile(r"(?<!\S)\S(?:[ \t]{1,3}\S(?!\S)){5,}")
_BLANKS = regex.compile(r"[ \t]+")
# The end of a text that may be the beginning of either; read backwards, since most texts end in a whole word.
_BEGUN = (
    regex.compile(rf"(?r)(?<![^\W_])[^\W_](?:{_GAP}{{1,4}}[^\W_])*{_GAP}{{0,4}}\Z"),
    regex.compile(r"(?r)(?<!\S)\S(?:[ \t]{1,3}\S)*[ \t]{0,3}\Z"),
)
_TAIL = 1_024


def spacing_begun(text: str) -> int:
    """Where a run of spaced-out letters or signs begins that the end of ``text`` leaves open; its length for none."""
    end = len(text)
    found = [m for pattern in _BEGUN if (m := pattern.match(text, max(0, end - _TAIL), end)) is not None]
    return min([end, *(int(m.start()) for m in found)])


def despaced(view: View) -> View | None:
    """Spaced-out letters put together. A gap wider than the others, or a blank among other signs, parts words."""
    out = Builder(view)
    at = 0
    for run in _SPACED.finditer(view.text):
        text = run.group()
        gaps = [m.group() for m in regex.finditer(rf"{_GAP}+", text)]
        usual = max(set(gaps), key=lambda g: (gaps.count(g), -len(g), g))
        digits = sum(c.isdigit() for c in text) > sum(c.isalpha() for c in text)
        out.copy(at, run.start())
        i = run.start()
        for part in regex.finditer(rf"{_GAP}+", text):
            start, end = run.start() + part.start(), run.start() + part.end()
            out.copy(i, start)
            gap = part.group()
            wide = not digits and (len(gap) > len(usual) or (gap != usual and gap.isspace() and not usual.isspace()))
            out.put(" " if wide else "", start, end)
            i = end
        out.copy(i, run.end())
        at = run.end()
    out.copy(at, len(view.text))
    return out.view("despaced", joined=True) if out.changed else None


def unspaced(view: View) -> View | None:
    """Single characters between blanks put together; where the blanks are wider, one stays."""
    out = Builder(view)
    at = 0
    for run in _SINGLES.finditer(view.text):
        for gap in _BLANKS.finditer(view.text, run.start(), run.end()):
            out.copy(at, gap.start())
            out.put(" " if gap.end() - gap.start() > 1 else "", gap.start(), gap.end())
            at = gap.end()
    out.copy(at, len(view.text))
    return out.view("unspaced", joined=True) if out.changed else None


_TAG = regex.compile(
    r"<!--|</?[A-Za-z][A-Za-z0-9\-]{0,20}(?:\s[^<>]*+|/)?>|\[/?[a-z]{1,10}\]|<!\[CDATA\[|\]\]>", regex.DOTALL
)
_MARKUP = regex.compile(
    r"(?<=[\w@.])(?:\*{1,3}|_{2,3}|~~|`{1,3}|\|\||\\(?![ux][0-9A-Fa-f]{2}|u\{|U[0-9A-Fa-f]{8}|[0-7]{3})(?=[\w.@*_~\-]))(?=[\w@.])|(?<=\w)(?:\*{1,3}|~~)(?=\W|$)|(?<=\W|^)(?:\*{1,3}|~~)(?=\w)|(?<=\d)`(?=[ .\-/]\d)|(?<=\d[ .\-/])`(?=\d)"
    # Underscores around a value, and between a word and a number with separators: snake_case stays as it is.
    r"|(?<![\w*])_{1,3}(?=[\w+(][^\n]{0,80}?[\d@][^\n]{0,80}?_)|(?<=[\w)!])_{1,3}(?![\w*])"
    r"|(?<=[A-Za-z])_(?=\d{1,4}[.\-]\d|[A-Z]{2}\d\d[A-Z0-9]{8})"
)


_CUT = regex.compile(f"{_TAG.pattern}|{_MARKUP.pattern}", regex.DOTALL)


# Tags that part words: of blocks, lines, cells and items.
_PARTING = regex.compile(
    r"(?:</?|\[/?)(?:address|article|aside|blockquote|br|caption|center|dd|div|dl|dt|fieldset|figcaption|figure|footer|form|h[1-6]|"
    r"header|hr|img|input|li|main|nav|ol|option|p|pre|section|select|table|tbody|td|textarea|tfoot|th|thead|title|tr|ul)\b",
    regex.IGNORECASE,
)


def untagged(view: View, *, parted: bool = False) -> View | None:
    """Without tags, comments and emphasis that cut words. ``parted``: a blank stands for tags that part words; None without them."""
    if parted and not _PARTING.search(view.text):
        return None
    out = Builder(view)
    at = 0
    text = view.text
    last_comment_end = text.rfind("-->")
    for cut in _CUT.finditer(text):
        start, end = cut.span()
        if start < at:
            continue  # inside a comment
        if end - start == 4 and cut.group() == "<!--":
            # One search for the end of each comment, none once there is no end left: the text is passed once.
            if last_comment_end < end - 2:
                continue
            end = text.index("-->", end - 2) + 3
        out.copy(at, start)
        # A single underscore between letter and number parts them.
        parts = cut.group() == "_" and start and text[start - 1].isalpha() and text[end : end + 1].isalnum()
        out.put(" " if parts or (parted and _PARTING.match(text, start)) else "", start, end)
        at = end
    out.copy(at, len(view.text))
    return out.view("untagged") if out.changed else None


_FLIPPED = regex.compile("[ɐɔǝɟƃɥᴉɾʞɯɹʇʌʍʎ]")


def flipped(view: View) -> View | None:
    """Upside-down text, turned around."""
    if len(_FLIPPED.findall(view.text)) < 3:
        return None
    out = Builder(view)
    text = view.text
    out.mirror(
        "".join(FLIP.get(c, c) for c in reversed(text.lower())) if len(text.lower()) == len(text) else text[::-1],
        0,
        len(text),
    )
    return out.view("flipped", min_match=5)
