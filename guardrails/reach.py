"""How much of a text must be seen before a point in it is settled: what a stream holds back.

Each detector module that finds spans declares ``reach(settings)``; here a policy's rules are put together.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from guardrails import detectors
from guardrails.detectors.widths import BLANKS, SOLID
from guardrails.fold import bidi_begun, spacing_begun
from guardrails.rules import MaskStyle, Policy, Rule
from guardrails.types import RuleAction, Source

__all__ = ["Hold", "hold", "reach", "settled"]

_RUN = re.compile(r"[^ \t\n\r\f]+|[ \t\n\r\f]+")
_TOKEN = re.compile(r"[^\W_]+|[\W_]+")
_TWICE = re.compile(r"(.)\1+", re.DOTALL)
_NUMBER = len("{_1234}")


@dataclass(frozen=True, slots=True)
class Hold:
    """What the rules of one direction hold back of a text that is still growing.

    ``characters``: the largest reach of a rule that masks or blocks; ``whole``: the rules that need the whole text, as in
    grounding; ``rules``: the reach of every rule that holds, by its id. ``phrases`` is the part of words and phrases.
    """

    characters: int = 0
    whole: tuple[str, ...] = ()
    rules: Mapping[str, int | None] = field(default_factory=dict)
    phrases: int = 0
    unfinished: tuple[Callable[[str], int | None], ...] = field(default=(), repr=False, compare=False)

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


def reach(rule: Rule, source: Source) -> int | None:
    """How much text a rule may have to see beyond a point before no hit of it can cover that point; None: all of it.

    In characters of the text as detectors read it, measured (:mod:`guardrails.detectors.widths`): the longest hit the rule can
    make, and what behind it can create, raise or excuse it. 0 for a rule that is disabled there, or that judges texts segment
    by segment.
    """
    if rule.action(source) is None:
        return 0
    module = detectors.module(rule.detector)
    # A detector of somebody else's may declare nothing: spans could be anything then, and a text is judged as it comes.
    declared: int | None = module.reach(rule.settings) if hasattr(module, "reach") else None if module.SPANS else 0
    if not declared:
        return declared
    # An exception excuses what lies inside it, with any blanks where it has one.
    return max(declared, *(len(e) + (BLANKS - 1) * len(_TOKEN.findall(e)) for e in rule.exceptions), 0)


def hold(policy: Policy, source: Source = Source.OUTPUT) -> Hold:
    """What a policy holds back in a direction. Rules that only detect hold nothing."""
    enabled = [r for r in policy.rules if r.action(source) is not None]
    acting = [r for r in enabled if r.action(source) in (RuleAction.MASK, RuleAction.BLOCK)]
    # Where hits give way to each other, a rule that only detects may still take a place from one that masks.
    competing = {r.detector for r in acting if getattr(detectors.module(r.detector), "COMPETING", False)}
    holding = acting + [r for r in enabled if r not in acting and r.detector in competing]
    rules = {r.id: reach(r, source) for r in holding}
    whole = tuple(sorted(r.id for r in acting if rules[r.id] is None))
    characters = max((n for n in rules.values() if n is not None), default=0)
    if characters:
        # A hit inside a placeholder is none, and a placeholder is one only once it is closed.
        characters = max(characters, *(_placeholder(r) for r in enabled))
    phrases = max((rules[r.id] or 0 for r in holding if r.detector == "words"), default=0)
    return Hold(characters, whole, rules, phrases, tuple(_unfinished(holding)))


def _placeholder(rule: Rule) -> int:
    mask = rule.mask
    return len(mask.text or "") if mask.style is MaskStyle.CONSTANT else len(rule.type) + _NUMBER


def _unfinished(rules: Iterable[Rule]) -> Iterable[Callable[[str], int | None]]:
    for rule in rules:
        make = getattr(detectors.module(rule.detector), "unfinished", None)
        find = make(rule.settings) if make is not None else None
        if find is not None:
            yield find


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
