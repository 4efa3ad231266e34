"""Which views a text gets: a breadth-first walk over what can be derived, bounded in depth, number and size."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from guardrails.fold import clean as c
from guardrails.fold import shapes
from guardrails.fold.bidi import unbidi
from guardrails.fold.decode import DECODERS, splice
from guardrails.fold.leet import LEET_TRIGGER, leet
from guardrails.fold.limits import MAX_DEPTH, MAX_GROWTH, MAX_VIEWS, SMALL
from guardrails.fold.mojibake import unmojibake
from guardrails.fold.spelling import SPELLING_TRIGGER, bare, respelled
from guardrails.fold.view import View

__all__ = ["Engine"]

# Shapes besides the decoders' own triggers that make a text worth unfolding.
_TAGS = (
    r"<[A-Za-z/!]|\[/?[a-z]{1,10}\]|[\w@.](?:\*{1,3}|_{2,3}|~~|`{1,3}|\|\||\\)[\w@.]"
    # Part of a number in bold, and a number or an address in underscores.
    r"|\d[ .\-/](?:\*{1,3}|~~|`)\w|\w(?:\*{1,3}|~~|`)[ .\-/]\d|\d_{1,3}(?:\W|$)|@[\w.\-]{3,80}_{1,3}(?:\W|$)|[A-Za-z]_\d{2,4}[.\-]\d|[A-Za-z]_[A-Z]{2}\d\d"
)
_JOINED = r"[A-Za-z]{20}"
_CONTROL = r"[\x00-\x08\x0e-\x1b\x7f]"
_SHAPES = ("untagged", "unspaced", "despaced", "joined")
# Texts up to this size get a view for each encoding beside the one for all.
_ALONE = 8_000


class Engine:
    """Makes views. Stateless but for its compiled patterns."""

    def __init__(self) -> None:
        import re2  # noqa: PLC0415

        options = re2.Options()
        options.log_errors = False
        options.max_mem = 64 * 1024 * 1024
        self._set: Any = re2.Set.SearchSet(options)
        for decoder in DECODERS:
            self._set.Add(decoder.trigger)
        self._tags = len(DECODERS)
        for pattern in (_TAGS, shapes.SPACED_TRIGGER, LEET_TRIGGER, _JOINED, _CONTROL, SPELLING_TRIGGER):
            self._set.Add(pattern)
        # A set that runs out of memory answers like one that found nothing. This pattern always matches, so an answer
        # without it is none, and everything is tried.
        self._set.Add("")
        self._always = self._tags + 6
        self._everything = frozenset(range(self._always))
        self._set.Compile()
        self._second = {n: re2.compile(d.confirm) for n, d in enumerate(DECODERS) if d.confirm is not None}
        self._spaced, self._leet, self._joined, self._control = range(self._tags + 1, self._tags + 5)

    def suspicious(self, text: str) -> bool:
        """True when an ASCII text may hold something to unfold."""
        # Nothing but the pattern that always matches: the usual answer, and the cheapest.
        answer = self._set.Match(text)
        return len(answer or ()) != 1 and bool(self._confirmed(answer, text))

    def _triggered(self, text: str) -> frozenset[int]:
        # RE2 reads UTF-8; a lone surrogate (the guard lets none in, a library caller may) matches no trigger.
        text = text.encode("utf-8", "replace").decode()
        return self._confirmed(self._set.Match(text), text)

    def _confirmed(self, answer: Iterable[int] | None, text: str) -> frozenset[int]:
        """The triggers among what the set found that a second look bears out."""
        if not answer:
            return self._everything
        found = frozenset(answer) - {self._always}
        return found - {n for n in self._second.keys() & found if self._second[n].search(text) is None}

    def derive(self, raw: View, note: Callable[[str], None]) -> Iterator[View]:
        """The raw view and everything derived from it, each text once."""
        budget = max(len(raw.text) * MAX_GROWTH, SMALL)
        seen = {raw.text}
        yield raw
        made, size = 1, 0
        level: list[View] = [raw]
        for _ in range(MAX_DEPTH):
            following: list[View] = []
            for view in level:
                for child in self._children(view):
                    if not child.text or (child.text in seen and not child.joined):
                        continue
                    size += len(child.text)
                    if made >= MAX_VIEWS or size > budget:
                        note("more derived views than the budget of one text allows")
                        return
                    seen.add(child.text)
                    made += 1
                    following.append(child)
                    yield child
            # In a long text the products of everything with everything would cost more than they find; in a short one only
            # what was decoded is looked into again, and the last, which has everything undone.
            decoded = [v for v in following[:-1] if not v.kind.endswith(_SHAPES)] if len(raw.text) <= _ALONE else []
            level = decoded + following[-1:]
            if not level:
                return

    def _children(self, view: View) -> Iterator[View]:
        """What can be derived in one step. The last one has everything undone that was found."""
        text = view.text
        small = len(text) <= _ALONE
        best = view
        if not text.isascii():
            yield from c.smuggled(view)
            yield from _some(shapes.flipped(view))
            shown = unbidi(view)
            meant = unmojibake(shown or view)
            if shown is not None or meant is not None:
                yield from _some(shown)
                yield from _some(meant)
                yield c.clean(view)
            best = c.clean(meant or shown or view)
            if best is not view:
                yield best
            alike = c.lookalikes(best)
            if alike is not None:
                yield alike
                best = alike
        found = self._triggered(best.text)
        if not found:
            return
        if self._control in found:
            yield from _some(c.erased(view))
            best = c.uncontrolled(best) or best
            yield best
        # One after the other, since a text may hold several encodings; one by one too where that is cheap, since they
        # may disagree about a token.
        start = best
        for number, decoder in enumerate(DECODERS):
            if number in found:
                alone = splice(start, decoder) if small else None
                yield from _some(alone)
                best = (alone if small and best is start else splice(best, decoder)) or best
        if best is not start:
            yield best
        for number, shape in (
            (self._tags, shapes.untagged),
            (self._spaced, shapes.unspaced),
            (self._spaced, shapes.despaced),
        ):
            if number in found:
                if small and best is not start:
                    yield from _some(shape(start))  # what a decoder took for its own may have been spaced-out text
                if number == self._tags:
                    yield from _some(shapes.untagged(best, parted=True))
                shaped = shape(best)
                if shaped is not None:
                    yield shaped
                    best = shaped
        if self._joined in found and not best.joined:
            yield View(best.text, f"{best.kind}>joined", best, joined=True)

    def words(self, views: Iterable[View], note: Callable[[str], None]) -> Iterator[View]:
        """Case-folded views: each pattern view, its readings in leetspeak, and other spellings of its words."""
        seen: set[tuple[str, bool, bool]] = set()
        made = 0
        for view in views:
            folded = bare(c.clean(view))
            for low in map(c.lowered, (folded, *leet(folded), *respelled(folded))):
                key = (low.text, low.joined, low.respelled)
                if key in seen:
                    continue
                if made >= 2 * MAX_VIEWS:
                    note("more derived views than the budget of one text allows")
                    return
                seen.add(key)
                made += 1
                yield low

    def fold_term(self, term: str) -> str:
        """A term as it stands in the case-folded views."""
        view = c.clean(View(term))
        alike = c.lookalikes(view) if any(ch.isascii() and ch.isalpha() for ch in view.text) else None
        return c.lowered(bare(alike or view)).text


def _some(view: View | None) -> Iterator[View]:
    if view is not None:
        yield view
