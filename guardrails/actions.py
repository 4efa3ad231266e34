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
from guardrails.reading import Edit, Place, Reading, fitted
from guardrails.rules import Mask, MaskStyle, Rule
from guardrails.types import Action, Finding

__all__ = ["Masked", "Masker", "Numbers", "load_key", "placeholders"]

_KEY_BYTES = 16
_PLACEHOLDER = re.compile(r"\{[^{}]*_[0-9]+\}")
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
            value = Path(mask.key_path or mask.key_file or "").read_bytes().strip()
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

    def __init__(self, texts: Sequence[str] = ()) -> None:
        self._texts = texts
        self._standing: set[str] = set()
        self._given: dict[tuple[str, str], int] = {}
        self._next: dict[str, int] = {}

    def number(self, type_: str, value: str, rules: Collection[str] = ()) -> int:  # noqa: ARG002 - for the vault
        """The number of that value, from 1. ``rules``: the ids of all rules whose findings the masked span joins."""
        key = (type_, value_key(value))
        if key not in self._given:
            number = self._next.get(type_, 0) + 1
            while self._stands(type_, number):
                number += 1
            self._next[type_] = self._given[key] = number
        return self._given[key]

    def pass_over(self, text: str) -> None:
        """No value gets a number from now on that stands in that text, which came later."""
        if "{" in text:
            self._standing.update(_PLACEHOLDER.findall(text))

    def _stands(self, type_: str, number: int) -> bool:
        """Whether a placeholder with that number stands in a text that came."""
        placeholder = f"{{{type_}_{number}}}"
        return placeholder in self._standing or any(placeholder in text for text in self._texts)


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

    @property
    def edits(self) -> list[Edit]:
        """The replacements: start and end in the original, and what stands there now."""
        return [Edit(there, there_end, self.text[here:here_end]) for here, here_end, there, there_end in self._cuts]

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

    def apply(
        self,
        text: str,
        findings: Iterable[Finding],
        numbers: Numbers,
        *,
        before: str = "",
        after: str = "",
        found: Reading | None = None,
        shift: int = 0,
        more: Sequence[Edit] = (),
    ) -> Masked:
        """The text with every MASKED finding replaced. Overlapping spans become one, named after the widest.

        A bare number of a JSON text becomes a string. ``before`` and ``after`` are what stands around the text, ``found``
        the reading that it is part of, from ``shift`` on. ``more``: other replacements, which no finding overlaps.
        """
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
        replaced = [(s, e, self.replacement(text[s:e], f, rules, numbers)) for s, e, f, rules in groups]
        edits = sorted([*replaced, *more])
        scalars = [] if found is None else [e for e in edits if found.kind(e[0] + shift) is Place.SCALAR]
        edits = sorted([*scalars, *quoted(text, [e for e in edits if e not in scalars], before, after)])
        return Masked(text, edits if found is None else fitted(found, [Edit(*e) for e in edits], shift))

    def replacement(self, value: str, finding: Finding, rules: Collection[str], numbers: Numbers) -> str:
        """What takes the place of a value that these rules mask, in the style of the finding's rule."""
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


# A JSON number, and the characters that it and what is none are made of.
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?")
_OF_NUMBERS = frozenset("0123456789.+-eE")
# What stands before the value of a key, and before an item of a list of plain values; the quotes may be escaped.
_AFTER_KEY = re.compile(r'(\\*")\s{0,64}:\s{0,64}\Z')
_IN_LIST = re.compile(
    r'(?:(\\*")\s{0,64}:\s{0,64}|\A\s{0,64})\[(?:\s{0,64}(?:[-+.0-9eE]+|true|false|null|\\*"[^"\\]{0,200}\\*")\s{0,64},)*\s{0,64}\Z'
)
_BEFORE = 1_000


def quoted(
    text: str, replaced: Sequence[tuple[int, int, str]], before: str = "", after: str = ""
) -> list[tuple[int, int, str]]:
    """The replacements, those of bare JSON numbers in quotes: ``{"ssn": 536904399}`` becomes ``{"ssn": "{SSN}"}``.

    ``before`` and ``after`` are what stands around ``text``; a number that is masked in part becomes a string as a whole.
    """
    out: list[tuple[int, int, str]] = []
    for i, (start, end, new) in enumerate(replaced):
        low = out[-1][1] if out else 0
        high = replaced[i + 1][0] if i + 1 < len(replaced) else len(text)
        first, last = start, end
        while first > low and text[first - 1] in _OF_NUMBERS:
            first -= 1
        while last < high and text[last] in _OF_NUMBERS:
            last += 1
        follows = text[last : last + 1] or after[:1]
        quote = None
        if _NUMBER.fullmatch(text, first, last) and not (follows.isalnum() or follows in ("_", ".", "-", "+", "@")):
            quote = _quote((before[-_BEFORE:] + text[max(0, first - _BEFORE) : first])[-_BEFORE:])
        if quote is None:
            out.append((start, end, new))
        else:
            out.append((first, last, f"{quote}{text[first:start]}{new}{text[end:last]}{quote}"))
    return out


def _quote(before: str) -> str | None:
    """The quotes of a JSON text in which a value follows, None where none does. ``before`` is what stands before it."""
    if not before.rstrip().endswith((":", "[", ",")):
        return None
    found = _AFTER_KEY.search(before) or (_IN_LIST.search(before) if "[" in before else None)
    return None if found is None else found[1] or '"'


def _partial(value: str, keep: int) -> str:
    """Stars for all but the last ``keep`` letters and digits, and never more than half of them shown."""
    kept = min(keep, sum(c.isalnum() for c in value) // 2)
    at = len(value)
    while kept and at:
        at -= 1
        kept -= value[at].isalnum()
    return "*" * at + value[at:]
