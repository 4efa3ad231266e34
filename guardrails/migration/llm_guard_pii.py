"""llm-guard's scanners of sensitive information, and what a scanner of its file is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from guardrails.migration import presidio
from guardrails.migration.entities import SECRETS, Named, find, take
from guardrails.migration.plan import Plan, term
from guardrails.migration.report import Item, Place

__all__ = ["Scanner", "anonymize", "secrets", "sensitive"]

# llm-guard's own patterns, beside Presidio's entities.
_OWN = {
    "CREDIT_CARD_RE": find("CREDIT_CARD"),
    "EMAIL_ADDRESS_RE": find("EMAIL_ADDRESS"),
    "US_SSN_RE": find("US_SSN"),
    "BTC_ADDRESS": find("CRYPTO"),
    "URL_RE": find("URL"),
    "PHONE_NUMBER_ZH": find("PHONE_NUMBER"),
    "PHONE_NUMBER_WITH_EXT": find("PHONE_NUMBER"),
    "PO_BOX_RE": Named("ADDRESS", how="addresses are found, a box alone is not"),
    "DATE_RE": find("DATE_TIME"),
}
_DEFAULT = (
    "CREDIT_CARD", "CRYPTO", "EMAIL_ADDRESS", "IBAN_CODE", "IP_ADDRESS", "PERSON", "PHONE_NUMBER", "US_SSN", "US_BANK_NUMBER",
    "CREDIT_CARD_RE", "UUID", "EMAIL_ADDRESS_RE", "US_SSN_RE",
)  # fmt: skip


class Scanner(NamedTuple):
    """A scanner of the file: its entry, its settings, the direction, and what is made of the file."""

    item: Item
    params: Item | None
    sides: Sequence[str]
    plan: Plan
    restores: bool

    def get(self, name: str) -> Item | None:
        """A setting."""
        return self.params.get(name) if self.params is not None else None

    def threshold(self, name: str = "threshold") -> float | None:
        """A setting that is a number."""
        item = self.get(name)
        return item.number() if item is not None else None

    def on(self, name: str, *, default: bool) -> bool:
        """A setting that is true or false."""
        item = self.get(name)
        found = item.flag() if item is not None else None
        return default if found is None else found

    def say(self, name: str, how: str, *rules: Place) -> None:
        """Say of a setting how it was approximated, where it is given."""
        item = self.get(name)
        if item is not None:
            item.approximated(how, *rules)

    def type_(self) -> Item:
        """The name of the scanner."""
        return self.item.get("type") or self.item


def anonymize(one: Scanner) -> None:
    """Sensitive information in prompts, masked with numbers."""
    mask: Any = {"style": "numbered", "restore": True} if one.restores else {"style": "numbered"}
    types, except_ = one.get("entity_types"), one.get("allowed_names")
    excused = [text for _, text in except_.texts()] if except_ is not None else []
    named = [(item, text) for item, text in types.texts()] if types is not None else []
    for item, text in named or [(one.type_(), name) for name in _DEFAULT]:
        known = _OWN.get(text) or find(text)
        extra = {"except": excused} if known.type == "NAME" and excused else {}
        if named:
            take(item, text, one.plan, one.sides, "mask", known, mask=mask, **extra)
        elif known.type is not None:
            one.plan.entity(known.type, one.sides, "mask", mask=mask, **extra)
        elif known.pattern is not None:
            one.plan.regex(text, known.pattern, one.sides, "mask")
    back = "put back into answers" if one.restores else "not put back: there is no Deanonymize"
    one.type_().approximated(
        f"sensitive information is masked with numbers ({back}); masked text goes on, where llm-guard calls it invalid too"
    )
    if except_ is not None and excused:
        except_.kept("except of pii.NAME", ("pii", "entities", "NAME"))
    hidden = one.get("hidden_names")
    if hidden is not None and (words := [term(t) for _, t in hidden.texts()]):
        place = one.plan.terms("hidden-names", words, one.sides, "mask", mask={"style": "constant", "text": "{NAME}"})
        hidden.kept("words.hidden-names, masked", place)
    _patterns(one, "mask")
    faker = one.get("use_faker")
    if faker is not None and faker.flag():
        faker.dropped(
            "no values are invented: a mask is a placeholder", "have {NAME_1} put back in answers (docs/vault.md)"
        )
    elif faker is not None:
        faker.kept("a mask is a placeholder here too")
    preamble = one.get("preamble")
    if preamble is not None:
        preamble.dropped("a policy adds nothing to a prompt", "write it into the system message of your application")


def _patterns(one: Scanner, action: str) -> None:
    """``regex_patterns`` of Anonymize and Sensitive."""
    patterns = one.get("regex_patterns")
    for item in patterns.each() if patterns is not None else ():
        name = item.get("name")
        text = name.text() if name is not None else None
        expressions = item.get("expressions")
        for expression, pattern in expressions.texts() if expressions is not None else ():
            presidio.pattern(expression, text or "pattern", pattern, one.plan, one.sides, action)
        if name is not None and expressions is not None:
            name.kept("the name of these patterns, and of their mask")
        for key in ("score", "context", "languages", "examples"):
            part = item.get(key)
            if part is not None and expressions is not None:
                part.approximated("a pattern counts wherever it matches, whatever stands around it, in every language")


def sensitive(one: Scanner) -> None:
    """Sensitive information in answers."""
    action = "mask" if one.on("redact", default=False) else "block"
    types = one.get("entity_types")
    named = types.texts() if types is not None else []
    for item, text in named:
        take(item, text, one.plan, one.sides, action, _OWN.get(text))
    for text in () if named else _DEFAULT:
        known = _OWN.get(text) or find(text)
        if known.type is not None:
            one.plan.entity(known.type, one.sides, action)
        elif known.pattern is not None:
            one.plan.regex(text, known.pattern, one.sides, action)
    one.type_().approximated(f"sensitive information in answers: {action}; how sure a match must be is ours")
    redact = one.get("redact")
    if redact is not None:
        redact.kept(f"action: {action}")
    _patterns(one, action)


def secrets(one: Scanner) -> None:
    """Keys, tokens and passwords."""
    mode = one.get("redact_mode")
    style = "partial" if mode is not None and mode.value == "partial" else "type"
    places = [
        one.plan.entity(type_, one.sides, "mask", **({"mask": style} if style != "type" else {})) for type_ in SECRETS
    ]
    one.type_().approximated(f"{', '.join(SECRETS)} are masked; other tokens have no type here", *places)
    if mode is not None and mode.value == "hash":
        mode.approximated(
            "masks name the type; for hashes write mask: {style: hash, key_env: …} (docs/masks.md)", *places
        )
    elif mode is not None:
        mode.kept(f"mask: {style}", *places)
