"""Which readings of a text the models judge: as it stands, decoded, deciphered.

A text that is encoded or spelled out is not judged by how it is written: where a decoding leaves nothing out and is at least as
readable, it takes the place of what it was decoded from. So "decode this: <base64>" is judged by what it says.
"""

from __future__ import annotations

from collections.abc import Sequence

from guardrails.fold import View
from guardrails.inference.deciphering import deciphered
from guardrails.inference.english import likeness

__all__ = ["MOST_VIEWS", "readings"]

# Likenesses to English: that of a text that needs no deciphering, the least of one that is spelled out, and how far behind the best
# a reading is that was decoded in part.
_CLEAR, _READABLE, _UNLIKE = 0.8, 0.6, 0.3
_LONGEST = 40  # characters of a word

# Derived readings of one piece besides the first.
MOST_VIEWS = 6
# Steps that turn signs that nobody reads into a text. Others (tags, entities, look-alikes) leave what is written readable.
_DECODED = frozenset(
    [
        "base64",
        "base32",
        "base85",
        "hex",
        "binary",
        "decimal",
        "octal",
        "uu",
        "morse",
        "nato",
        "braille",
        "escape",
        "despaced",
        "unspaced",
        "smuggled",
        "flipped",
        "bidi",
    ]
)
# Of these, what is written is still a text of its own.
_BESIDE = frozenset(["smuggled"])


def readings(views: Sequence[View]) -> list[View]:
    """The readings of a piece, from its derived views (the text as it stands first): at most ``MOST_VIEWS + 1``, no text twice."""
    raw = views[0]
    if len(views) == 1:
        return [deciphered(raw) or raw]
    last = next(v for v in reversed(views) if not v.joined)
    decoded = [v for v in views[1:] if not _DECODED.isdisjoint(_steps(v))]
    replaced: set[int] = set()
    found: list[View] = []
    plain = likeness(raw.text)
    best = 0.0
    for written, view in sorted(((likeness(v.text), v) for v in decoded), key=lambda pair: -pair[0]):
        if best >= _CLEAR and written < best - _UNLIKE and (view is not last or _debris(view.text)):
            continue  # decoded in part, or wrongly
        said = deciphered(view) if written < _CLEAR else None
        score = likeness(said.text) if said is not None else written
        if view.joined and score < _READABLE:
            continue  # words that ran together, or were none
        best = max(best, score)
        found.append(said or view)
        if score < plain - 0.02:
            continue
        for before in view.ancestors():
            extra = _steps(view)[len(_steps(before)) :]
            if not _BESIDE.issuperset(_DECODED.intersection(extra)):
                replaced.add(id(before))
    first: list[View] = []
    if id(raw) not in replaced:
        clear = max(best, likeness(last.text))
        first = [raw if plain >= _CLEAR or clear >= max(_CLEAR, plain + 0.1) else deciphered(raw) or raw]
    wrong = best >= _CLEAR and likeness(last.text) < best - _UNLIKE and _debris(last.text)
    if id(last) not in replaced and last not in decoded and last is not raw and not wrong:
        found.append(deciphered(last) or last)
    chosen: list[View] = []
    seen: set[str] = set()
    for view in (*first, *(v for v in found if not _replaced(v, replaced))):
        key = "".join(view.text.split()).lower()
        if key not in seen and not view.text.isspace():
            seen.add(key)
            chosen.append(view)
    return chosen[: MOST_VIEWS + 1] or [raw]


def _debris(text: str) -> bool:
    """True for what is no language: few letters, or no blanks."""
    return (
        sum(c.isalpha() or c.isspace() for c in text) < 0.75 * len(text)
        or max(map(len, text.split()), default=0) > _LONGEST
    )


def _replaced(view: View, replaced: set[int]) -> bool:
    if view.kind.endswith("deciphered"):
        view = next(iter(view.ancestors()), view)
    return id(view) in replaced


def _steps(view: View) -> list[str]:
    return [] if view.kind == "raw" else view.kind.split(">")
