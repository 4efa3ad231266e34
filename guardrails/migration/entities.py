"""Kinds of sensitive information under other products' names."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from guardrails import catalog
from guardrails.migration.plan import Plan
from guardrails.migration.report import Item

__all__ = ["SECRETS", "Named", "find", "take"]

SECRETS = ("API_KEY", "AWS_ACCESS_KEY", "AWS_SECRET_KEY", "JWT", "PRIVATE_KEY", "PASSWORD")
_UUID = r"\b[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\b"
_REGEX = "write a pattern of yours under pii.regexes"

# Presidio's names, which llm-guard, LiteLLM, NeMo Guardrails and openai-guardrails use too.
_SAME = {
    "CREDIT_CARD": "CREDIT_DEBIT_CARD_NUMBER", "CRYPTO": "CRYPTO_WALLET", "EMAIL_ADDRESS": "EMAIL", "EMAIL": "EMAIL",
    "IBAN_CODE": "INTERNATIONAL_BANK_ACCOUNT_NUMBER", "PERSON": "NAME", "PHONE_NUMBER": "PHONE", "US_BANK_NUMBER": "US_BANK_ACCOUNT_NUMBER",
    "US_DRIVER_LICENSE": "DRIVER_ID", "US_ITIN": "US_INDIVIDUAL_TAX_IDENTIFICATION_NUMBER", "US_PASSPORT": "US_PASSPORT_NUMBER",
    "US_SSN": "US_SOCIAL_SECURITY_NUMBER", "US_MBI": "US_MEDICARE_BENEFICIARY_ID", "US_NPI": "US_NATIONAL_PROVIDER_ID",
    "ABA_ROUTING_NUMBER": "US_BANK_ROUTING_NUMBER", "UK_NHS": "UK_NATIONAL_HEALTH_SERVICE_NUMBER", "UK_NINO": "UK_NATIONAL_INSURANCE_NUMBER",
    "UK_PASSPORT": "UK_PASSPORT_NUMBER", "DE_SOCIAL_SECURITY": "DE_SOCIAL_SECURITY_NUMBER", "DE_VAT_ID": "EU_VAT_NUMBER", "SG_NRIC_FIN": "SG_NRIC",
    "AU_ABN": "AU_BUSINESS_NUMBER", "AU_TFN": "AU_TAX_FILE_NUMBER", "AU_MEDICARE": "AU_MEDICARE_NUMBER", "IN_PAN": "IN_PERMANENT_ACCOUNT_NUMBER",
    "IN_VOTER": "IN_VOTER_NUMBER", "IN_PASSPORT": "IN_PASSPORT_NUMBER", "KR_RRN": "KR_RESIDENT_NUMBER", "CA_SIN": "CA_SOCIAL_INSURANCE_NUMBER",
    "SE_PERSONNUMMER": "SE_PERSONAL_NUMBER", "TH_TNIN": "TH_NATIONAL_ID", "DK_CPR": "DK_CPR_NUMBER", "CVV": "CREDIT_DEBIT_CARD_CVV", "BIC_SWIFT": "SWIFT_CODE",
    "US_HEALTH_INSURANCE_MEMBER_ID": "HEALTH_INSURANCE_NUMBER",
}  # fmt: skip
# What ours is near to, and in what it differs.
_NEAR = {
    "LOCATION": ("ADDRESS", "addresses are found, names of towns and countries alone are not"),
    "DATE_TIME": ("DATE_OF_BIRTH", "dates of birth are found, other dates and times are not"),
    "AGE": ("AGE", "ages that somebody states are found"),
    "MEDICAL_LICENSE": ("US_DEA_NUMBER", "numbers of the Drug Enforcement Administration are found"),
    "KR_FRN": ("KR_RESIDENT_NUMBER", "both have one form there"),
    "DE_HEALTH_INSURANCE": ("HEALTH_INSURANCE_NUMBER", "any health insurer's numbers are found, beside a word that says so"),
    "DE_FUEHRERSCHEIN": ("DRIVER_ID", "numbers of licences of several countries are found, beside a word that says so"),
    "DE_TAX_NUMBER": ("DE_TAX_ID", "the tax id is found, the tax office's older number is not"),
    "DE_KFZ": ("LICENSE_PLATE", "plates are found beside a word that says so"),
    "IT_VAT_CODE": ("EU_VAT_NUMBER", "numbers with their country code are found"),
    "IT_DRIVER_LICENSE": ("DRIVER_ID", "numbers of licences of several countries are found, beside a word that says so"),
    "KR_DRIVER_LICENSE": ("DRIVER_ID", "numbers of licences of several countries are found, beside a word that says so"),
    "UK_DRIVING_LICENCE": ("DRIVER_ID", "numbers of licences of several countries are found, beside a word that says so"),
    "ZA_DRIVER_LICENSE": ("DRIVER_ID", "numbers of licences of several countries are found, beside a word that says so"),
    "UK_VEHICLE_REGISTRATION": ("LICENSE_PLATE", "plates are found beside a word that says so"),
    "IN_VEHICLE_REGISTRATION": ("LICENSE_PLATE", "plates are found beside a word that says so"),
    "NG_VEHICLE_REGISTRATION": ("LICENSE_PLATE", "plates are found beside a word that says so"),
    "TR_LICENSE_PLATE": ("LICENSE_PLATE", "plates are found beside a word that says so"),
    "ZA_LICENSE_PLATE": ("LICENSE_PLATE", "plates are found beside a word that says so"),
    "ZA_MOBILE_NUMBER": ("PHONE", "telephone numbers of any country are found"),
    "ZA_TELEPHONE_NUMBER": ("PHONE", "telephone numbers of any country are found"),
    "US_CLAIM_NUMBER": ("INSURANCE_POLICY_NUMBER", "numbers of insurance policies are found, beside a word that says so"),
    "ID": ("EMPLOYEE_ID", "ids of staff are found, beside a word that says so"),
}  # fmt: skip
_WHY_NOT = {
    "NRP": (
        "nationality, religion and politics have no form that could be recognised",
        "describe it as a denied topic",
    ),
    "ORGANIZATION": ("names of organisations are not looked for", "list the ones that matter under words.terms"),
}
# Kinds that have no type and a plain form.
_PATTERNS = {"UUID": _UUID}


class Named(NamedTuple):
    """What a name of another product is here: a ``type``, or a ``pattern``, or neither; ``how`` it differs or why it has none, ``instead``."""

    type: str | None = None
    pattern: str | None = None
    how: str = ""
    instead: str = ""


def find(name: str) -> Named:
    """What one of Presidio's entities, or one of our types, is here."""
    own = _SAME.get(name) or (name if name in catalog.PII else None)
    if name in _NEAR:
        type_, how = _NEAR[name]
        return Named(type_, how=how)
    if own is not None:
        return Named(own)
    if name in _PATTERNS:
        return Named(pattern=_PATTERNS[name], how="a pattern finds its form")
    why, instead = _WHY_NOT.get(name, ("there is no such type here", _REGEX))
    return Named(how=why, instead=instead)


def take(  # noqa: PLR0917 - a type, and where it goes
    item: Item, name: str, plan: Plan, sides: Sequence[str], action: str, known: Named | None = None, **settings: object
) -> bool:
    """Put a kind of sensitive information into the policy and say so of the item; False when there is none."""
    found = known or find(name)
    doing = f"{action} of {' and '.join(sides)}"
    if found.type is not None:
        place = plan.entity(found.type, sides, action, **settings)
        if found.how:
            item.approximated(f"pii.{found.type}, {doing}: {found.how}", place)
        else:
            item.kept(f"pii.{found.type}, {doing}", place)
        return True
    if found.pattern is not None:
        made = plan.regex(name, found.pattern, sides, action)
        if not isinstance(made, str):
            item.approximated(f"regex.{name}, {doing}: {found.how}", made)
            return True
    item.dropped(f"{item.name() if item.value == name else name}: {found.how}", found.instead)
    return False
