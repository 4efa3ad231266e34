"""Rewriting: a text with its masked spans replaced, and nothing else changed."""

from __future__ import annotations

import hashlib
import hmac
import os
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path

from guardrails.errors import GuardrailsError
from guardrails.exceptions import value_key
from guardrails.rules import Mask, MaskStyle, Rule
from guardrails.types import Action, Finding

__all__ = ["Masked", "Masker", "Numbers", "load_key", "placeholders"]

_KEY_BYTES = 16
# A hash is written in letters: a digest in digits could be read again as a card or account number.
_LETTERS = str.maketrans("0123456789abcdef", "bcdfghjklmnpqrst")


def load_key(mask: Mask) -> bytes:
    """The key of a ``hash`` mask, from the environment or a file. Raises GuardrailsError; never shows the key."""
    if mask.key_env:
        value = os.environ.get(mask.key_env, "").encode()
        where = f"the environment variable {mask.key_env}"
    else:
        where = f"the file {mask.key_file}"
        try:
            value = Path(mask.key_file or "").read_bytes().strip()
        except OSError as error:
            raise GuardrailsError(f"the hash key in {where} cannot be read: {error.strerror}") from None
    if len(value) < _KEY_BYTES:
        raise GuardrailsError(f"the hash key in {where} must have at least {_KEY_BYTES} bytes; it has {len(value)}")
    return value


def placeholders(rules: Iterable[Rule]) -> re.Pattern[str] | None:
    """A pattern for every placeholder these rules can write whose words are fixed by the policy.

    Such a text carries nothing (a type's name, a small number, the author's own constant), so a hit inside one is no
    hit: masked text can be checked again and stays as it is. Hashes and partial values are not among them.
    """
    names: set[str] = set()
    constants: set[str] = set()
    for rule in rules:
        if rule.mask.style is MaskStyle.CONSTANT:
            constants.add(rule.mask.text or "")
        else:
            names.add(rule.type)
    choices = [re.escape(c) for c in sorted(constants, key=lambda c: (-len(c), c)) if c]
    if names:
        # Four digits at most: a number of that length is nothing that any rule protects.
        choices.append(
            r"\{(?:" + "|".join(re.escape(n) for n in sorted(names, key=lambda n: (-len(n), n))) + r")(?:_\d{1,4})?\}"
        )
    return re.compile("|".join(choices)) if choices else None


class Numbers:
    """Numbers for ``numbered`` masks: one per distinct value and type over a whole check, in order of appearance.

    Numbers that stand in the checked texts already are passed over, so that a forged ``{EMAIL_1}`` is never ours.
    """

    def __init__(self, texts: Sequence[str]) -> None:
        self._texts = texts
        self._given: dict[tuple[str, str], int] = {}
        self._next: dict[str, int] = {}

    def number(self, type_: str, value: str, rules: Collection[str] = ()) -> int:  # noqa: ARG002 - for the vault
        """The number of that value, from 1. ``rules``: the ids of all rules whose findings the masked span joins."""
        key = (type_, value_key(value))
        if key not in self._given:
            number = self._next.get(type_, 0) + 1
            while any(f"{{{type_}_{number}}}" in text for text in self._texts):
                number += 1
            self._next[type_] = self._given[key] = number
        return self._given[key]


class Masked:
    """A text with replacements, and the way back to the offsets of the original."""

    __slots__ = ("_cuts", "original", "replaced", "text")

    def __init__(self, original: str, replacements: Sequence[tuple[int, int, str]]) -> None:
        """``replacements`` are sorted and do not overlap."""
        self.original = original
        out: list[str] = []
        at = length = 0
        self._cuts: list[tuple[int, int, int, int]] = []  # start and end here, start and end in the original
        for start, end, new in replacements:
            out += [original[at:start], new]
            length += start - at
            self._cuts.append((length, length + len(new), start, end))
            length += len(new)
            at = end
        out.append(original[at:])
        self.text = "".join(out)
        self.replaced = [(start, end) for start, end, _, _ in self._cuts]

    def span(self, start: int, end: int) -> tuple[int, int]:
        """The range of the original behind a range of ``text``; a replacement counts as a whole."""
        return self._point(start, left=True), self._point(end, left=False)

    def _point(self, offset: int, *, left: bool) -> int:
        shift = 0
        for here, here_end, there, there_end in self._cuts:
            if offset <= here if not left else offset < here:
                break
            if offset < here_end if left else offset <= here_end:
                return there if left else there_end
            shift = there_end - here_end
        return offset + shift


class Masker:
    """Replaces the spans of masked findings, each in its rule's style. Immutable; holds keys, and shows none."""

    __slots__ = ("_keys", "_rules")

    def __init__(self, rules: Mapping[str, Rule]) -> None:
        self._rules = rules
        self._keys = {id_: load_key(r.mask) for id_, r in rules.items() if r.mask.style is MaskStyle.HASH}

    def apply(self, text: str, findings: Iterable[Finding], numbers: Numbers) -> Masked:
        """The text with every MASKED finding replaced. Overlapping spans become one, named after the widest."""
        spans = [f for f in findings if f.action is Action.MASKED and f.start is not None]
        spans.sort(key=lambda f: (f.start, -(f.end or 0), -f.score, f.rule, f.type))
        groups: list[tuple[int, int, Finding, set[str]]] = []
        for finding in spans:
            start, end = finding.start or 0, finding.end or 0
            if groups and start < groups[-1][1]:
                first, last, best, rules = groups[-1]
                wider = min(best, finding, key=lambda f: ((f.start or 0) - (f.end or 0), -f.score, f.rule, f.type))
                groups[-1] = (first, max(last, end), wider, rules | {finding.rule})
            else:
                groups.append((start, end, finding, {finding.rule}))
        return Masked(text, [(s, e, self._replacement(text[s:e], f, rules, numbers)) for s, e, f, rules in groups])

    def _replacement(self, value: str, finding: Finding, rules: Collection[str], numbers: Numbers) -> str:
        rule = self._rules[finding.rule]
        mask = rule.mask
        match mask.style:
            case MaskStyle.TYPE:
                return f"{{{finding.type}}}"
            case MaskStyle.NUMBERED:
                return f"{{{finding.type}_{numbers.number(finding.type, value, rules)}}}"
            case MaskStyle.CONSTANT:
                return mask.text or ""
            case MaskStyle.HASH:
                message = f"{finding.type}\0{value_key(value)}".encode("utf-8", "surrogatepass")
                digest = hmac.new(self._keys[rule.id], message, hashlib.sha256).hexdigest()[:16]
                return f"{{{finding.type}:{digest.translate(_LETTERS)}}}"
            case MaskStyle.PARTIAL:
                return _partial(value, mask.keep)


def _partial(value: str, keep: int) -> str:
    """Stars for all but the last ``keep`` letters and digits, and never more than half of them shown."""
    kept = min(keep, sum(c.isalnum() for c in value) // 2)
    at = len(value)
    while kept and at:
        at -= 1
        kept -= value[at].isalnum()
    return "*" * at + value[at:]
