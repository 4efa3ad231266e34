"""Whether the text so far leaves something open that a reader's program could fetch an address from.

Blanks end a bare address; they do not end a link's destination, a tag or a style sheet. Readers' programs disagree about
where those end, so this follows each of them to the latest end that any of them sees: too long costs a placeholder that
stays, too short a value that leaves.
"""

from __future__ import annotations

import re
from enum import IntEnum

__all__ = ["BLANKS", "Markup"]

# What ends an address. Other Unicode blanks do not, for some of the programs that make links.
BLANKS = " \t\n\r\f"
_RECENT = 16  # the longest opener, \includegraphics
_LABEL = 1_000  # characters of a link's label with its brackets (CommonMark 0.31, 4.7: 999 at most)
_TRIGGER = re.compile(r"[<\[\]\\]")
# What holds raw text, from its opener to its closer, across tags and quotes.
_RAW = {"<script": "</script", "<style": "</style"}
_COMMANDS = ("\\href", "\\url", "\\includegraphics")


class _Tag(IntEnum):
    """States of the HTML tokenizer inside a tag (WHATWG HTML, 13.2.5), as far as they tell where it ends."""

    NAME = 1
    BEFORE_ATTRIBUTE = 2
    ATTRIBUTE = 3
    AFTER_ATTRIBUTE = 4
    BEFORE_VALUE = 5
    DOUBLE_QUOTED = 6
    SINGLE_QUOTED = 7
    UNQUOTED = 8
    BOGUS = 9


def _step(state: _Tag, char: str) -> _Tag | None:
    """The state after ``char``, None when the tag is over."""
    match state:
        case _Tag.DOUBLE_QUOTED:
            return _Tag.BEFORE_ATTRIBUTE if char == '"' else state
        case _Tag.SINGLE_QUOTED:
            return _Tag.BEFORE_ATTRIBUTE if char == "'" else state
    if char == ">":
        return None
    blank = char in BLANKS
    match state:
        case _Tag.NAME | _Tag.BEFORE_ATTRIBUTE:
            if blank or char == "/":
                return _Tag.BEFORE_ATTRIBUTE
            return state if state is _Tag.NAME else _Tag.ATTRIBUTE
        case _Tag.ATTRIBUTE | _Tag.AFTER_ATTRIBUTE:
            if char == "=":
                return _Tag.BEFORE_VALUE
            if char == "/":
                return _Tag.BEFORE_ATTRIBUTE
            return _Tag.AFTER_ATTRIBUTE if blank else _Tag.ATTRIBUTE
        case _Tag.BEFORE_VALUE:
            quoted = {'"': _Tag.DOUBLE_QUOTED, "'": _Tag.SINGLE_QUOTED}.get(char, _Tag.UNQUOTED)
            return state if blank else quoted
        case _Tag.UNQUOTED:
            return _Tag.BEFORE_ATTRIBUTE if blank else state
    return state


class Markup:
    """Follows a text, in pieces cut anywhere. ``open`` says whether anything is."""

    __slots__ = ("_braces", "_definition", "_label", "_parentheses", "_raw", "_recent", "_tags")

    def __init__(self) -> None:
        # Every `<x` begins a new reading beside those that are open: a quote in what one program takes for a tag, and
        # another for code, must not hide a later tag.
        self._tags: frozenset[_Tag] = frozenset()
        self._parentheses = 0  # open ones since `](`
        self._definition = False  # after `[label]:`
        # In brackets a value can be the label that chooses an address: ![{PIN_1}] among ten thousand definitions.
        self._label = 0  # how many characters one that is open may still have
        self._raw: frozenset[str] = frozenset()  # the closers that are waited for
        self._braces: int | None = None  # open ones since \href and its like
        self._recent = ""  # the end of the current run

    @property
    def open(self) -> bool:
        """True where a value that is put down next could become part of an address, blanks or not."""
        return bool(
            self._tags or self._parentheses or self._definition or self._label or self._raw or self._braces is not None
        )

    def feed(self, text: str) -> None:
        """Follow the text. The same for every way of cutting it."""
        if not self.open and not _TRIGGER.search(self._recent + text):
            cut = max(text.rfind(blank) for blank in BLANKS)
            self._recent = (text[cut + 1 :] if cut >= 0 else self._recent + text)[-_RECENT:]
            return
        for char in text:
            self._feed(char)

    def _feed(self, char: str) -> None:
        if self._tags:
            self._tags = frozenset(s for s in (_step(state, char) for state in self._tags) if s is not None)
        if self._label:
            self._label -= 1
        if char in BLANKS:
            # The destination of a definition is the next run, on a line of a quotation too.
            if self._recent.endswith("]:"):
                self._definition = True
            elif self._recent.strip(">"):
                self._definition = False
            self._recent = ""
            return
        before = self._recent[-1:]
        self._recent = (self._recent + char)[-_RECENT:]
        if before == "<":
            if char == "/" or (char.isascii() and char.isalpha()):
                self._tags |= {_Tag.NAME}
            elif char in "!?":
                self._tags |= {_Tag.BOGUS}
        if char == "[":
            self._label = _LABEL
        elif char == "]" and before != "\\":
            self._label = 0
        self._parenthesis(char, before)
        self._command(char, before)
        recent = self._recent.lower()
        for opener, closer in _RAW.items():
            if recent.endswith(opener):
                self._raw |= {closer}
            elif closer in self._raw and recent.endswith(closer):
                self._raw -= {closer}

    def _parenthesis(self, char: str, before: str) -> None:
        if char == "(" and (self._parentheses or before == "]"):
            self._parentheses += 1
        elif self._parentheses and char == ")" and before != "\\":
            self._parentheses -= 1
        elif self._parentheses and char == "<":
            self._tags |= {_Tag.BOGUS}  # a destination in angle brackets may hold a parenthesis

    def _command(self, char: str, before: str) -> None:
        if self._braces is not None and before != "\\":
            if char == "{":
                self._braces += 1
            elif char == "}" and self._braces:
                self._braces -= 1
                if not self._braces:
                    self._braces = None
        if self._braces is None and self._recent.endswith(_COMMANDS):
            self._braces = 0
