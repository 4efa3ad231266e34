"""Rules that cannot mean what they say: they never act, act on everything, or decide nothing that another rule does not."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from guardrails import detectors
from guardrails.content import Content, Deadline
from guardrails.detectors.settings import Number, Order, Remark, Setting, default_of, settings_of
from guardrails.detectors.traits import Scores
from guardrails.rules import Policy, Rule
from guardrails.types import Piece, RuleAction, Source

__all__ = ["remarks"]

# Texts that have nothing in common but that anybody may write them: a rule that finds something in each finds something in all.
_ORDINARY = ("Good morning!", "How do I change my address?", "The meeting is on Tuesday, as usual.", "thanks")
# What settings hold that says what a rule of words or patterns looks for.
_OWN = ("terms", "pattern")


def remarks(policy: Policy) -> Iterator[Remark]:
    """What is odd about the rules of a policy, seen together. Rules that are off say nothing."""
    on = [rule for rule in policy.rules if (rule.input or rule.output) is not None]
    for rule in on:
        yield from _cuts(rule)
        if not detectors.spec(rule.detector).blocking(rule.settings):
            yield from _everything(rule)
    yield from _out_of_reach(policy, on)
    yield from _shadowed(on)


def _cuts(rule: Rule) -> Iterator[Remark]:
    """Cut points at the ends of what scores can be."""
    for name, setting in settings_of(rule.detector).items():
        value, kind = getattr(rule.settings, name), setting.kind
        if not setting.cut or value is None or not isinstance(kind, Number) or _turned(rule, setting):
            continue
        strict, mild = (kind.high, kind.low) if setting.order is Order.RISES else (kind.low, kind.high)
        allowed = f"between {kind.low:g} and {kind.high:g}"
        if value == mild:
            yield Remark(
                "never-acts", f"{rule.id} acts on no score: none lies beyond its {name}", rule.id, name, written=f"{value:g}",
                allowed=allowed, remedy="choose one on texts of yours with guardrails calibrate, or remove the rule",
            )  # fmt: skip
        elif value == strict:
            yield Remark(
                "acts-on-everything", f"{rule.id} acts on nearly every score", rule.id, name, written=f"{value:g}",
                allowed=allowed, remedy="choose one on texts of yours with guardrails calibrate",
            )  # fmt: skip


def _out_of_reach(policy: Policy, rules: Iterable[Rule]) -> Iterator[Remark]:
    """Settings that no score of what a rule finds reaches, or that every one does. What is written once for many rules is told once."""
    written: dict[object, list[tuple[Rule, Scores]]] = {}
    for rule in rules:
        scores = detectors.spec(rule.detector).scores
        if scores is not None:
            found = scores(rule.settings)
            if getattr(rule.settings, found.field) != default_of(type(rule.settings), found.field):
                place = policy.positions.get(f"{rule.id}.{found.field}") or rule.id
                written.setdefault(place, []).append((rule, found))
    for group in written.values():
        beyond = [(r, s) for r, s in group if getattr(r.settings, s.field) > s.highest]
        below = [(r, s) for r, s in group if getattr(r.settings, s.field) <= s.lowest]
        for told, code, all_of_it in ((beyond, "never-acts", False), (below, "acts-on-everything", True)):
            if told and (len(told) == len(group) or not all_of_it):
                yield _reach(code, told)


def _reach(code: str, told: Sequence[tuple[Rule, Scores]]) -> Remark:
    (rule, scores), more = told[0], len(told) - 1
    field = scores.field
    names = (
        rule.id if not more else ", ".join(r.id for r, _ in told[:4]) + (f" and {more - 3} more" if more > 3 else "")
    )
    lowest, highest = min(s.lowest for _, s in told), max(s.highest for _, s in told)
    if code == "never-acts":
        message = f"{names}: nothing that is found has a score as high as this {field}"
    else:
        message = f"{names}: everything that is found has this {field}, whatever words around it speak against it"
    return Remark(
        code, message, rule.id, field, written=f"{getattr(rule.settings, field):g}",
        allowed=f"above {lowest:g}, up to {highest:g}, to tell one match from another",
        remedy=f"leave {field} out: {default_of(type(rule.settings), field):g} is meant for ordinary texts; or choose one between",
    )  # fmt: skip


def _turned(rule: Rule, setting: Setting) -> bool:
    return bool(setting.unless and getattr(rule.settings, setting.unless))


def _everything(rule: Rule) -> Iterator[Remark]:
    """Words and patterns that are found in whatever anybody writes."""
    bare = replace(rule, exceptions=(), input=RuleAction.DETECT, output=RuleAction.DETECT)
    detector = detectors.build(rule.detector, (bare,))
    if all(detector.find(Content([Piece(text)], Source.INPUT), Deadline(60_000)).hits for text in _ORDINARY):
        field = next((f for f in _OWN if getattr(rule.settings, f, None)), "")
        written = getattr(rule.settings, field, None) if field else None
        yield Remark(
            "acts-on-everything", f"{rule.id} finds something in any text", rule.id, field, written=written if isinstance(written, str) else None,
            remedy="say what it should find and nothing more",
        )  # fmt: skip


def _shadowed(rules: Iterable[Rule]) -> Iterator[Remark]:
    """Rules of which everything that they look for is looked for by another one, which does as much about it or more."""
    looking = [(rule, wanted) for rule in rules if (wanted := _wanted(rule))]
    for index, (rule, wanted) in enumerate(looking):
        for other_index, (other, others) in enumerate(looking):
            same = wanted == others and _acts(rule) == _acts(other)
            if rule is other or (same and index < other_index) or rule.exceptions != other.exceptions:
                continue
            if wanted <= others and all(a <= b for a, b in zip(_acts(rule), _acts(other), strict=True)):
                yield Remark(
                    "shadowed-rule", f"{rule.id} decides nothing: {other.id} looks for the same, and does as much about it or more", rule.id,
                    remedy=f"remove it, or what it says from {other.id}",
                )  # fmt: skip
                break


def _wanted(rule: Rule) -> frozenset[Any]:
    """What a rule looks for, where its settings spell that out; nothing where they do not, or not all of it."""
    settings = rule.settings
    if getattr(settings, "lists", ()) or getattr(settings, "managed", ()):
        return frozenset()
    pattern = getattr(settings, "pattern", None)
    found = [("pattern", pattern)] if pattern else [("term", str(t).casefold()) for t in getattr(settings, "terms", ())]
    return frozenset((rule.detector, *one) for one in found)


_STRICTNESS = {None: 0, RuleAction.DETECT: 1, RuleAction.MASK: 2, RuleAction.BLOCK: 3}


def _acts(rule: Rule) -> tuple[int, int]:
    return _STRICTNESS[rule.input], _STRICTNESS[rule.output]
