"""Text with direction controls, in the order in which it is shown.

The Unicode Bidirectional Algorithm (UAX 9), as far as it moves letters: embeddings, overrides and isolates (X1 to X8), neutral
and weak characters between letters (N0 to N2, numbers taken for letters of their own direction), and the reordering of each
line (L2). The controls themselves are left out.
"""

from __future__ import annotations

import unicodedata

import regex

from guardrails.fold.view import Builder, View

__all__ = ["CONTROLS", "bidi_begun", "unbidi"]

CONTROLS = regex.compile("[\u202a-\u202e\u2066-\u2069]")
_LINE = regex.compile(r"[^\n\r\u2029]+")
_MOST = 125  # levels
_RTL = ("R", "AL")
_OPENS = {"\u202a": (0, None), "\u202b": (1, None), "\u202d": (0, "L"), "\u202e": (1, "R")}
_ISOLATES = "\u2066\u2067\u2068"


def unbidi(view: View) -> View | None:
    """The text as shown; None without controls, or where they move nothing."""
    text = view.text
    if not CONTROLS.search(text):
        return None
    out = Builder(view)
    at = 0
    for line in _LINE.finditer(text):
        if not CONTROLS.search(line.group()):
            continue
        out.copy(at, line.start())
        at = line.end()
        order = _shown(line.group())
        i = 0
        while i < len(order):
            j = i + 1
            step = order[j] - order[i] if j < len(order) else 0
            while step in (1, -1) and j < len(order) and order[j] - order[j - 1] == step:
                j += 1
            if step not in (1, -1):
                j = i + 1
            low, high = min(order[i], order[j - 1]) + line.start(), max(order[i], order[j - 1]) + line.start() + 1
            if step == -1 and j - i > 1:
                out.mirror(text[low:high][::-1], low, high)
            else:
                out.copy(low, high)
            i = j
        out.changed = True
    out.copy(at, len(text))
    made = out.view("bidi")
    return made if made.text != CONTROLS.sub("", text) else None


def bidi_begun(text: str) -> int:
    """Where the last line begins, when it has controls whose effect later text can change; the text's length otherwise."""
    if text.isascii():
        return len(text)
    start = max(text.rfind("\n"), text.rfind("\r"), text.rfind("\u2029")) + 1
    return start if CONTROLS.search(text, start) else len(text)


def _shown(line: str) -> list[int]:
    """The places of the characters of a line, left to right as shown, controls left out."""
    kinds = [unicodedata.bidirectional(c) for c in line]
    base = _direction(line, kinds, 0, len(line))
    levels, strong = _explicit(line, kinds, base)
    places = [i for i, level in enumerate(levels) if level >= 0]
    _neutral(places, levels, strong)
    for i in places:
        if strong[i] == "L":
            levels[i] += levels[i] % 2
        elif strong[i] == "R":
            levels[i] += 1 - levels[i] % 2
        elif strong[i] == "N":  # a number reads left to right wherever it stands
            levels[i] += 2 - levels[i] % 2 if levels[i] % 2 == 0 and base else levels[i] % 2
    order = [i for i in _reordered(places, levels) if not CONTROLS.match(line[i])]
    return _read(order, kinds)


def _direction(line: str, kinds: list[str], start: int, end: int) -> int:
    """0 or 1: the direction of the first letter that is in no isolate."""
    depth = 0
    for i in range(start, end):
        if line[i] in _ISOLATES:
            depth += 1
        elif line[i] == "\u2069":
            if depth == 0 and start:
                break
            depth = max(0, depth - 1)
        elif depth == 0 and kinds[i] in ("L", *_RTL):
            return int(kinds[i] != "L")
    return 0


def _explicit(line: str, kinds: list[str], base: int) -> tuple[list[int], list[str]]:
    """A level for each character (-1: a control), and L, R, N (number) or "" (neutral)."""
    stack: list[tuple[int, str | None, bool]] = [(base, None, False)]
    levels, strong = [-1] * len(line), [""] * len(line)
    for i, char in enumerate(line):
        level, override, _ = stack[-1]
        if char in _OPENS or char in _ISOLATES:
            isolate = char in _ISOLATES
            if isolate:
                levels[i], strong[i] = level, override or ""  # it parts what it stands between; left out at the end
            odd = (
                _OPENS[char][0]
                if not isolate
                else _direction(line, kinds, i + 1, len(line))
                if char == "\u2068"
                else int(char == "\u2067")
            )
            following = level + 1 + ((level + 1) % 2 != odd)
            if following <= _MOST:
                stack.append((following, _OPENS[char][1] if not isolate else None, isolate))
        elif char == "\u202c":
            if len(stack) > 1 and not stack[-1][2]:
                stack.pop()
        elif char == "\u2069":
            if any(isolate for _, _, isolate in stack):
                while not stack.pop()[2]:
                    pass
            levels[i], strong[i] = stack[-1][0], stack[-1][1] or ""
        else:
            levels[i] = level
            kind = kinds[i]
            strong[i] = override or (
                "L" if kind == "L" else "R" if kind in _RTL else "N" if kind in ("EN", "AN") else ""
            )
    return levels, strong


def _neutral(places: list[int], levels: list[int], strong: list[str]) -> None:
    """Blanks and signs between two letters of one direction take it; others the direction of where they stand."""
    before: dict[int, str] = {}
    waiting: dict[int, list[int]] = {}
    for i in places:
        level = levels[i]
        kind = strong[i]
        if kind == "N":
            kind = before.get(level, "R" if level % 2 else "L")
        if not kind:
            waiting.setdefault(level, []).append(i)
            continue
        embedded = "R" if level % 2 else "L"
        for j in waiting.pop(level, ()):
            strong[j] = kind if kind == before.get(level, embedded) else embedded
        before[level] = kind
    for level, rest in waiting.items():
        for j in rest:
            strong[j] = "R" if level % 2 else "L"


def _read(order: list[int], kinds: list[str]) -> list[int]:
    """The order in which what is shown is read: Hebrew and Arabic from the right."""
    first = last = -1
    for at, place in enumerate([*order, -1]):
        kind = kinds[place] if place >= 0 else "L"
        if kind in _RTL:
            first, last = (at, at) if first < 0 else (first, at)
        elif kind in ("L", "EN", "AN") and first >= 0:
            order[first : last + 1] = order[first : last + 1][::-1]
            first = -1
    return order


def _reordered(places: list[int], levels: list[int]) -> list[int]:
    order = list(places)
    own = [levels[i] for i in order]
    if not own:
        return order
    odd = [level for level in own if level % 2]
    for level in range(max(own), min(odd, default=max(own) + 1) - 1, -1):
        i = 0
        while i < len(own):
            if own[i] < level:
                i += 1
                continue
            j = i
            while j < len(own) and own[j] >= level:
                j += 1
            order[i:j] = order[i:j][::-1]
            own[i:j] = own[i:j][::-1]
            i = j
    return order
