"""The vault of one exchange: a request, its checks, and its answer."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field

from guardrails.actions import Numbers
from guardrails.errors import GuardrailsError
from guardrails.fold import Folded
from guardrails.rules import MaskStyle, Rule
from guardrails.types import RuleAction, Source
from guardrails.vault.ledger import MAX_NUMBER, Kept, Ledger, identity, key, refuse_pickling

__all__ = ["Original", "Vault"]

# What can be told from the text around it in an answer. Types of policy files are such names anyway.
_TYPE = re.compile(r"[^\s{}]{1,100}")
_PLACEHOLDER = re.compile(r"\{([^\s{}]{1,100})_([1-9]\d{0,3})\}")
_NUMBER = re.compile(r"\d+")
_NAME = re.compile(r"[\w-]+$")
# How far before a number its name may begin, and how many signs may stand between them.
_WINDOW, _JOINT = 128, 8
_SIGNS = " \t\r\n_\\-./|,:;*~+'\"`()[]{}<>&#="


@dataclass(frozen=True, slots=True)
class Original:
    """A value that may come back. ``places``: those of :data:`guardrails.rules.RESTORE_IN` where it may, too."""

    value: str = field(repr=False)
    places: frozenset[str]

    __reduce__ = refuse_pickling


class Vault(Numbers):
    """Numbers for masks, with the values behind them. Thread-safe; shows none, and is neither pickled nor copied.

    Give it every text of the request before the first is masked, here or by :meth:`watch`: a number that stands in one
    of them, in whatever disguise, is never restored in this exchange, and no value gets it from then on. Pass it to
    :meth:`guardrails.actions.Masker.apply` for what comes in; what an output check masks stays masked, and gets its
    numbers from :meth:`outgoing`. Call :meth:`forget` when the answer is out.
    """

    def __init__(
        self, texts: Iterable[str | Folded] = (), rules: Iterable[Rule] = (), *, ledger: Ledger | None = None
    ) -> None:
        """``rules``: those of the policy, all of them. ``ledger``: what a conversation has written down before."""
        super().__init__(())
        self._ledger: Ledger | None = Ledger() if ledger is None else ledger
        self._restoring: dict[str, frozenset[str]] = {}
        self._names: dict[str, list[str]] = {}
        self._known: dict[str, frozenset[str]] = {}
        self._every_mask_restores = True
        for rule in rules:
            self._add(rule)
        self._taken: dict[str, set[int]] = {type_: set() for type_ in self._known}
        self._outgoing: dict[tuple[str, str], int] = {}
        self._blind = False
        for text in texts:
            self.watch(text)

    def _add(self, rule: Rule) -> None:
        numbered = rule.mask.style is MaskStyle.NUMBERED
        restores = numbered and rule.mask.restore and _TYPE.fullmatch(rule.type) is not None
        masks = any(rule.action(source) is RuleAction.MASK for source in Source)
        if masks and not restores:
            self._every_mask_restores = False
        if numbered:
            known = self._known.get(rule.type, frozenset())
            if not known:
                self._names.setdefault(_letters(rule.type.lower()), []).append(rule.type)
            self._known[rule.type] = known | {rule.id}
        if restores:
            self._restoring[rule.id] = frozenset(rule.mask.restore_in)

    def watch(self, text: str | Folded) -> None:
        """Pass over every number of a placeholder that stands in that text: somebody else wrote it.

        All views of :mod:`guardrails.fold` are read. A text that cannot be unfolded within its budget could hold any
        number, so that nothing is restored in this exchange. Not for texts that were masked here: their placeholders
        are ours. ``text`` as :class:`~guardrails.fold.Folded` saves the folding.
        """
        if not self._known:
            return
        folded = Folded(text) if isinstance(text, str) else text
        for view in folded.words:
            for name, number in _candidates(view.text):
                for type_ in self._names.get(name, ()):
                    self._taken[type_].add(number)
        if folded.exhausted is not None:
            self._blind = True

    def number(self, type_: str, value: str, rules: Collection[str] = ()) -> int:
        """The number of that value, from 1, and a note of what it stands for.

        The value comes back only where each of ``rules`` restores: what a rule masked that does not restore is restored
        nowhere, whoever else masked it. Without ``rules`` that is known only if every mask of the policy restores.
        Raises GuardrailsError for a type that no numbered mask of the policy has, and after :meth:`forget`.
        """
        if type_ not in self._known:
            raise GuardrailsError(f"no numbered mask of this vault's rules has the type {type_}: give it all rules")
        by = frozenset(rules) or (self._known[type_] if self._every_mask_restores else frozenset())
        restores = bool(by) and by <= self._restoring.keys()
        ledger = self.ledger
        with ledger.lock:
            who, short = identity(value), key(value)
            if not restores:
                ledger.barred.add(short)
            numbers = ledger.given.setdefault((type_, who), [])
            number = next((n for n in numbers if n not in self._taken[type_]), None)
            if number is None:
                number = ledger.next(type_, self._taken[type_])
                numbers.append(number)
            if restores and number <= MAX_NUMBER:
                placeholder = f"{{{type_}_{number}}}"
                old = ledger.kept.get(placeholder)
                ledger.kept[placeholder] = Kept(
                    type_, number, old.value if old else value, short, by | (old.rules if old else frozenset())
                )
            return number

    def outgoing(self, texts: Sequence[str] = ()) -> Numbers:
        """Numbers for the masks of output checks: none of ours, always the same for the same value, never restored.

        ``texts`` are those of the answer, as far as they are known; numbers that stand in them are passed over.
        """
        return _Outgoing(self, texts)

    def original(self, placeholder: str) -> Original | None:
        """What stands behind ``{NAME_1}``, None where nothing may be restored."""
        match = _PLACEHOLDER.fullmatch(placeholder)
        ledger = self._ledger
        if match is None or ledger is None or self._blind:
            return None
        with ledger.lock:
            kept = ledger.kept.get(placeholder)
            if (
                kept is None
                or kept.key in ledger.barred
                or not kept.rules <= self._restoring.keys()
                or kept.number in self._taken.get(kept.type, ())
            ):
                return None
            places = frozenset.intersection(*(self._restoring[rule] for rule in kept.rules))
            return Original(kept.value, places)

    @property
    def restores(self) -> bool:
        """True when any mask of the policy is restored: otherwise an answer need not pass a Restorer."""
        return bool(self._restoring)

    def forget(self) -> None:
        """Let go of every value; nothing is restored any more. Python frees the memory, it does not overwrite it."""
        self._ledger = None
        self._outgoing.clear()

    @property
    def ledger(self) -> Ledger:
        """What is written down. Raises GuardrailsError after :meth:`forget`."""
        if self._ledger is None:
            raise GuardrailsError("this vault was forgotten: its exchange is over")
        return self._ledger

    def __len__(self) -> int:
        """How many values are kept."""
        return len(self._ledger.kept) if self._ledger is not None else 0

    def __bool__(self) -> bool:
        return True  # an empty vault is a vault

    def __repr__(self) -> str:
        return f"Vault({len(self)} values{', forgotten' if self._ledger is None else ''})"

    __reduce__ = refuse_pickling


class _Outgoing(Numbers):
    def __init__(self, vault: Vault, texts: Sequence[str]) -> None:
        super().__init__(texts)
        self._vault = vault

    def number(self, type_: str, value: str, rules: Collection[str] = ()) -> int:  # noqa: ARG002
        vault = self._vault
        ledger = vault.ledger
        with ledger.lock:
            who = (type_, identity(value))
            if who not in vault._outgoing:
                number = ledger.next(type_, vault._taken.get(type_, set()))
                while self._stands(type_, number):
                    number = ledger.next(type_, vault._taken.get(type_, set()))
                vault._outgoing[who] = number
            return vault._outgoing[who]

    def __repr__(self) -> str:
        return "Numbers for output checks"

    __reduce__ = refuse_pickling


def _letters(text: str) -> str:
    return "".join(c for c in text if c.isalnum())


def _candidates(text: str) -> Iterable[tuple[str, int]]:
    """(name, number) of everything in a folded text that somebody could read as a placeholder, with or without braces."""
    for digits in _NUMBER.finditer(text):
        start = digits.start()
        joint = len(text[max(0, start - _JOINT) : start].rstrip(_SIGNS))
        joined_at = start - min(start, _JOINT) + joint
        brace = text.rfind("{", max(0, start - _WINDOW), start)
        number = int(digits.group()[:18])
        if brace >= 0 and "}" not in text[brace:start]:
            yield _letters(text[brace:start]), number
        if "_" in text[joined_at:start]:
            name = _NAME.search(text[max(0, joined_at - _WINDOW) : joined_at])
            if name:
                yield _letters(name.group()), number
