"""Where a stream is cut: segments that close as text comes, and how much of them later text can no longer change.

Both depend on the text alone, never on the chunks it came in.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from guardrails.content import Content
from guardrails.detectors.pii import reaching
from guardrails.fold import spacing_begun
from guardrails.reach import Hold, settled
from guardrails.rules import Rule
from guardrails.sentences import UNFINISHED

__all__ = ["SEGMENT", "Frontier", "boundary", "ends_sentence"]

# A segment ends with the first sentence that ends after so many characters, and at the latest after the second number.
# Short segments let text out early; each costs one pass of the models.
SEGMENT = (120, 600)
# A run without blanks up to this length stays together: a key, a token, an address of a page.
_RUN = 4096

_SENTENCE = re.compile(r"[.!?…][\"'”’)\]*_`]*\s|[。！？]|\n")
_END = re.compile(r"(?:[.!?…][\"'”’)\]*_`]*\s|[。！？])\Z")


def boundary(text: str, start: int, *, least: int = SEGMENT[0], most: int = SEGMENT[1]) -> int | None:
    """Where the segment that begins at ``start`` ends, None while that is open. What follows cannot move it."""
    found = _SENTENCE.search(text, start + least, start + most)
    if found is not None:
        return found.end()
    if len(text) - start >= most:
        blank = max(text.rfind(" ", start + least, start + most), text.rfind("\t", start + least, start + most))
        return blank + 1 if blank > 0 else start + most
    return None


def ends_sentence(text: str) -> bool:
    """Whether a text ends with a sentence (or line), and not with an abbreviation or an initial."""
    if text.endswith("\n"):
        return True
    end = _END.search(text, max(0, len(text) - 24))
    return end is not None and not UNFINISHED.search(text, max(0, len(text) - 24), end.start() + 1)


class Frontier:
    """How far a text that is still growing has settled under the rules of one direction. Immutable."""

    __slots__ = ("_entities", "_hold", "_others")

    def __init__(self, hold: Hold, rules: Mapping[str, Rule]) -> None:
        held = [rules[i] for i in hold.rules]
        self._hold = hold
        self._entities = tuple(r.type for r in held if r.detector == "pii")
        self._others = max((hold.rules[r.id] or 0 for r in held if r.detector not in ("pii", "words")), default=0)

    def settled(self, content: Content, least: int, open_: Iterable[int]) -> int:
        """The offset in the first piece up to which no hit can reach any more, whatever text comes; at least ``least``.

        ``open_``: where hits begin that touch the end of the text and may go on.
        """
        text = content.pieces[0].text
        if not self._hold.characters:
            return len(text)
        settled = self._sentence if ends_sentence(text) else self._hold.settled
        at = settled(text)
        folded = content.folded(0)
        if not folded.plain:
            for view in folded.patterns:
                n = len(view.text)
                # A view of one encoded token matters while the token's end is near the end of the text.
                if n and view.span(n - 1, n)[1] >= at and (here := settled(view.text)) < n:
                    at = min(at, view.span(here, here + 1)[0])
        at = max(least, min([at, *open_]))
        run = at
        while run > least and at - run < _RUN and not text[run - 1].isspace() and not text[run : run + 1].isspace():
            run -= 1
        return run if at - run < _RUN else at

    def _sentence(self, text: str) -> int:
        """As :meth:`guardrails.reach.Hold.settled` for a text that ends with a sentence.

        No word behind the end of a sentence raises a score before it, and the tagger's values end with it. What else may
        have begun is a value whose pattern the text could still be the beginning of, or a phrase or regex.
        """
        at = [start for find in self._hold.unfinished if (start := find(text)) is not None]
        at.append(spacing_begun(text))
        if self._hold.phrases:
            at.append(settled(text, self._hold.phrases, words=True))
        if self._others:
            at.append(settled(text, self._others))
        if self._entities:
            at.append(reaching.begun(self._entities, text))
        return min([len(text), *at])
