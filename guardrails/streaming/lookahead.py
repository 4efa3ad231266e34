"""How far a growing text is final: the longest prefix whose hits no later text can change.

Each detector declares how far hits of a rule reach (:class:`guardrails.detectors.Reach`); here those of one direction are put
together. It depends on the text alone, never on the chunks it came in.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from guardrails import detectors
from guardrails.content import Content
from guardrails.detectors.widths import BLANKS, SOLID
from guardrails.fold import bidi_begun, spacing_begun
from guardrails.rules import MaskStyle, Policy, Rule
from guardrails.sentences import UNFINISHED
from guardrails.types import RuleAction, Source

__all__ = ["Lookahead", "ends_sentence", "lookahead", "reach", "settled"]

# A run without blanks up to this length stays together: a key, a token, an address of a page.
_SOLID_RUN = 4096
_RUN = re.compile(r"[^ \t\n\r\f]+|[ \t\n\r\f]+")
_TOKEN = re.compile(r"[^\W_]+|[\W_]+")
_TWICE = re.compile(r"(.)\1+", re.DOTALL)
_END = re.compile(r"(?:[.!?…][\"'”’)\]*_`]*\s|[。！？])\Z")
_NUMBER = len("{_1234}")


@dataclass(frozen=True, slots=True)
class Lookahead:
    """What the rules of one direction hold back of a text that is still growing.

    ``characters``: the largest reach of a rule that masks or blocks; ``whole``: the rules that need the whole text, as in
    grounding; ``rules``: the reach of every rule that holds, by its id. ``phrases``: the largest reach that is measured in words;
    ``others``: of the rest, that of rules which cannot say where a value may have begun.
    """

    characters: int = 0
    whole: tuple[str, ...] = ()
    rules: Mapping[str, int | None] = field(default_factory=dict)
    phrases: int = 0
    others: int = 0
    unfinished: tuple[Callable[[str], int | None], ...] = field(default=(), repr=False, compare=False)
    begun: tuple[Callable[[str], int], ...] = field(default=(), repr=False, compare=False)

    def settled(self, text: str) -> int:
        """How many characters of ``text`` no later text can change the hits of, but for hits that cross that point.

        Whatever is appended: the hits that start before the point and before the first hit that crosses it are final.
        ``text`` is one reading of the text, as detectors see it (:attr:`guardrails.fold.Folded.patterns`). 0 when a rule
        needs the whole text.
        """
        if self.whole:
            return 0
        if not self.characters:
            return len(text)
        at = min(settled(text, self.characters), spacing_begun(text), bidi_begun(text))
        if self.phrases:
            at = min(at, settled(text, self.phrases, words=True))
        return min([at, *(start for find in self.unfinished if (start := find(text)) is not None)])

    def watermark(self, content: Content, least: int, open_: Iterable[int]) -> int:
        """The offset in the first piece up to which no hit can reach any more, whatever text comes; at least ``least``.

        ``open_``: where hits begin that touch the end of the text and may go on.
        """
        text = content.pieces[0].text
        if not self.characters:
            return len(text)
        settled = self._sentence if ends_sentence(text) else self.settled
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
        while (
            run > least and at - run < _SOLID_RUN and not text[run - 1].isspace() and not text[run : run + 1].isspace()
        ):
            run -= 1
        return run if at - run < _SOLID_RUN else at

    def _sentence(self, text: str) -> int:
        """As :meth:`settled` for a text that ends with a sentence.

        No word behind the end of a sentence raises a score before it, and the tagger's values end with it. What else may
        have begun is a value whose pattern the text could still be the beginning of, or a phrase or regex.
        """
        at = [start for find in self.unfinished if (start := find(text)) is not None]
        at.append(spacing_begun(text))
        if self.phrases:
            at.append(settled(text, self.phrases, words=True))
        if self.others:
            at.append(settled(text, self.others))
        at += [find(text) for find in self.begun]
        return min([len(text), *at])


def reach(rule: Rule, source: Source) -> int | None:
    """How much text a rule may have to see beyond a point before no hit of it can cover that point; None: all of it.

    In characters of the text as detectors read it, measured (:mod:`guardrails.detectors.widths`): the longest hit the rule can
    make, and what behind it can create, raise or excuse it. 0 for a rule that is disabled there, or that judges texts segment
    by segment.
    """
    if rule.action(source) is None:
        return 0
    return _reach(rule, detectors.spec(rule.detector).reach(rule.settings))


def _reach(rule: Rule, declared: detectors.Reach) -> int | None:
    if not declared.characters:
        return declared.characters
    # An exception excuses what lies inside it, with any blanks where it has one.
    return max(declared.characters, *(len(e) + (BLANKS - 1) * len(_TOKEN.findall(e)) for e in rule.exceptions), 0)


def lookahead(policy: Policy, source: Source = Source.OUTPUT) -> Lookahead:
    """What a policy holds back in a direction. Rules that only detect hold nothing."""
    enabled = [r for r in policy.rules if r.action(source) is not None]
    acting = [r for r in enabled if r.action(source) in (RuleAction.MASK, RuleAction.BLOCK)]
    specs = {name: detectors.spec(name) for name in {r.detector for r in enabled}}
    # Where hits give way to each other, a rule that only detects may still take a place from one that masks.
    competing = {r.detector for r in acting if specs[r.detector].competing}
    holding = acting + [r for r in enabled if r not in acting and r.detector in competing]
    declared = {r.id: specs[r.detector].reach(r.settings) for r in holding}
    rules = {r.id: _reach(r, declared[r.id]) for r in holding}
    characters = max((n for n in rules.values() if n is not None), default=0)
    if characters:
        # A hit inside a placeholder is none, and a placeholder is one only once it is closed.
        characters = max(characters, *(_placeholder(r) for r in enabled))
    in_words = {r.id for r in holding if specs[r.detector].words}
    return Lookahead(
        characters,
        tuple(sorted(r.id for r in acting if rules[r.id] is None)),
        rules,
        max((rules[i] or 0 for i in in_words), default=0),
        max((n or 0 for i, n in rules.items() if i not in in_words and declared[i].begun is None), default=0),
        tuple(d.unfinished for d in declared.values() if d.unfinished is not None),
        tuple(d.begun for d in declared.values() if d.begun is not None),
    )


def _placeholder(rule: Rule) -> int:
    mask = rule.mask
    return len(mask.text or "") if mask.style is MaskStyle.CONSTANT else len(rule.type) + _NUMBER


def ends_sentence(text: str) -> bool:
    """Whether a text ends with a sentence (or line), and not with an abbreviation or an initial."""
    if text.endswith("\n"):
        return True
    end = _END.search(text, max(0, len(text) - 24))
    return end is not None and not UNFINISHED.search(text, max(0, len(text) - 24), end.start() + 1)


def settled(text: str, characters: int, *, words: bool = False) -> int:
    """The largest offset behind which more than ``characters`` stand, measured; 0 when there are not so many.

    ``words``: separators between words count one, as word lists read them, and words in full.
    """
    runs = _TOKEN if words else _RUN
    window = 2 * characters + SOLID
    while True:
        base = max(0, len(text) - window)
        at, seen = len(text), 0
        following = ""
        for run in reversed(runs.findall(text, base)):
            measured = _words_in(run, following) if words else min(len(run), _most(run))
            following = run
            if seen + measured > characters:
                if words and run[0].isalnum() and measured < len(run):
                    return at - _drawn(run, characters - seen)
                # Of a run that words read as shorter than it is, all is held.
                return at - len(run) if words and measured < len(run) else at - (characters - seen + 1)
            seen += measured
            at -= len(run)
        if base == 0:
            return 0
        window *= 4


def _drawn(run: str, characters: int) -> int:
    """How much of the end of a word with drawn-out letters measures more than ``characters``."""
    at, measured = len(run), 0
    while at and measured <= characters:
        at -= 1
        measured += at + 1 == len(run) or run[at] != run[at + 1]
    return len(run) - at


def _most(run: str) -> int:
    """The measure of a run, at most."""
    return BLANKS if run[0].isspace() else SOLID


def _words_in(run: str, following: str) -> int:
    """The measure of a run in the shortest reading of a word list.

    Separators count one, and none where a word goes on behind them (a hyphen, marks on letters, blanks between signs of a
    script that has none); a letter that is drawn out counts one.
    """
    if run[0].isalnum():
        return (
            len(_TWICE.sub(r"\1", run).replace("\u0640", "")) if not run.isascii() or _TWICE.search(run) else len(run)
        )
    if run[0] in "-\u2010\u00ac" or all(unicodedata.category(c)[0] == "M" for c in run):
        return 0
    return 0 if run.isspace() and following and not following[0].isascii() else 1
