"""Cards, accounts, bank codes, PINs."""

from __future__ import annotations

import re

from guardrails.detectors.pii.recognizer import Spec
from guardrails.detectors.pii.recognizers import checks

__all__ = ["RECOGNIZERS"]

_MONTH = r"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]*\.?"

# Issuer ranges and lengths: ISO/IEC 7812 register as published by the networks.
_BRANDS = re.compile(
    r"4\d{12}(?:\d{3}){0,2}|5[1-5]\d{14}|2(?:22[1-9]|2[3-9]\d|[3-6]\d\d|7[01]\d|720)\d{12}|3[47]\d{13}|3(?:0[0-5]|[68]\d)\d{11}"
    r"|6(?:011|5\d\d|4[4-9]\d)\d{12}(?:\d{3})?|(?:62\d\d|81\d\d)\d{12,15}|35(?:2[89]|[3-8]\d)\d{12}|(?:50|5[6-9]|6\d)\d{10,17}"
)


def _card(value: str) -> bool:
    number = checks.digits(value)
    return bool(_BRANDS.fullmatch(number)) and checks.distinct(number) and checks.luhn(number)


# ISO 3166 codes, for the fifth and sixth letter of a BIC.
_COUNTRIES = frozenset(
    "AD AE AF AG AI AL AM AO AR AT AU AW AZ BA BB BD BE BF BG BH BI BJ BM BN BO BR BS BT BW BY BZ CA CD CF CG CH CI CL CM CN CO "
    "CR CU CV CW CY CZ DE DJ DK DM DO DZ EC EE EG ES ET FI FJ FO FR GA GB GD GE GG GH GI GL GM GN GQ GR GT GY HK HN HR HT HU "
    "ID IE IL IM IN IQ IR IS IT JE JM JO JP KE KG KH KM KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MG MK ML MM "
    "MN MO MR MT MU MV MW MX MY MZ NA NE NG NI NL NO NP NZ OM PA PE PG PH PK PL PS PT PY QA RO RS RU RW SA SB SC SD SE SG SI "
    "SK SL SM SN SO SR SS ST SV SY SZ TD TG TH TJ TL TM TN TO TR TT TW TZ UA UG US UY UZ VC VE VG VN VU WS XK YE ZA ZM ZW".split()
)


def _bic(value: str) -> bool | None:
    code = checks.alnum(value)
    if code[4:6] not in _COUNTRIES:
        return False
    # A word in capitals has no digit and often fits the shape; only a digit or context makes it a code.
    return None


RECOGNIZERS = (
    Spec(
        "CREDIT_DEBIT_CARD_NUMBER",
        (
            (r"\b[2-6]\d{11,18}\b", 0.5),
            (r"\b(?:[2-6]\d{3}|81\d\d)[ .\-/_]{1,3}\d{4}[ .\-/_]{1,3}\d{4}[ .\-/_]{1,3}\d{1,4}(?:[ .\-/_]{1,3}\d{1,3})?\b", 0.5),
            (r"\b3[47]\d\d[ .\-/_]{1,3}\d{6}[ .\-/_]{1,3}\d{5}\b", 0.5),
            (r"\b3[0689]\d\d[ .\-/_]{1,3}\d{6}[ .\-/_]{1,3}\d{4}\b", 0.5),
        ),
        validate=_card,
    ),
    Spec(
        "CREDIT_DEBIT_CARD_NUMBER",
        (
            (r"(?i)\b(?:card|visa|mastercard|amex|account)(?: number)?(?: is)?,? (?:ending|ends|that ends)(?: in| with)?:? (?P<value>\d{4})\b", 0.7),
            (r"(?P<value>(?:[*xX•]{4}[ \-]?){2,3}\d{4})\b", 0.7),
            (r"(?i)\blast (?:four|4)(?: digits)?(?: of (?:my|the|your) card)?(?: are| is|:)? (?P<value>\d{4})\b", 0.6),
        ),
    ),
    Spec(
        "CREDIT_DEBIT_CARD_CVV",
        ((r"(?i)\b(?:cvv2?|cvc2?|cvn|cid|csc|(?:card )?(?:security|verification) (?:code|value|number))(?: (?:is|code|number|no\.?))*[\s:=#\-]{0,4}(?P<value>\d{3,4})\b", 0.8),),
    ),
    Spec(
        "CREDIT_DEBIT_CARD_EXPIRY",
        (
            (r"(?i)\b(?:exp(?:\.|iry|ires|iration)?(?: date)?|valid (?:thru|through|until|to)|good (?:thru|through))(?: (?:is|on|date|in))*[\s:=\-]{0,4}(?P<value>(?:0?[1-9]|1[0-2])\s?[/\-]\s?(?:20)?\d{2})\b", 0.8),
            (rf"(?i)\b(?:exp(?:\.|iry|ires|iration)?(?: date)?|valid (?:thru|through|until|to))(?: (?:is|on|date|in))*[\s:=\-]{{0,4}}(?P<value>{_MONTH} ?'?(?:20)?\d{{2}})\b", 0.8),
        ),
    ),
    Spec(
        "CREDIT_DEBIT_CARD_EXPIRY",
        ((r"\b(?:0[1-9]|1[0-2])/(?:20)?[2-4]\d\b", 0.3), (rf"\b{_MONTH} 20[2-4]\d\b", 0.15)),
        context=("card", "visa", "mastercard", "amex", "cvv", "cvc", "expiry", "expires", "expiration", "credit", "debit", "valid thru"),
        requires_context=True,
        scope="raw",
    ),
    Spec(
        "INTERNATIONAL_BANK_ACCOUNT_NUMBER",
        (
            (r"\b[A-Z]{2}\d{2}(?:[ \-.]?[A-Z0-9]){11,30}\b", 0.5),
            (r"(?i)\b[A-Z]{2}\d{2}(?:[ \-.]?[A-Z0-9]{4}){2,7}(?:[ \-.]?[A-Z0-9]{1,4})?\b", 0.5),
            (r"(?i)\b[A-Z]{2}\d{2}[A-Z0-9]{11,30}\b", 0.5),
        ),
        validate=checks.iban,
    ),
    Spec(
        "SWIFT_CODE",
        ((r"\b[A-Z]{6}[A-Z2-9][A-NP-Z0-9](?:XXX|[A-WYZ0-9][A-Z0-9]{2})?\b", 0.3),),
        context=("swift", "bic", "bank identifier", "swift code", "bic code", "correspondent"),
        requires_context=True,
        validate=_bic,
    ),
    Spec(
        "US_BANK_ACCOUNT_NUMBER",
        (
            (r"(?i)\b(?:bank |checking |savings |deposit |brokerage )?(?:account|acct)\.?(?: (?:number|no\.?|num|nr|id|is))*[\s:=#\-]{0,4}(?P<value>\d{6,17})\b", 0.6),
            (r"\b\d{8,17}\b", 0.2),
        ),
        context=("bank account", "account number", "checking account", "savings account", "checking", "savings", "direct deposit", "routing"),
        against=("order", "invoice", "ticket", "tracking", "phone", "isbn"),
        requires_context=True,
    ),
    Spec(
        "US_BANK_ROUTING_NUMBER",
        ((r"\b\d{9}\b", 0.3), (r"\b\d{4}[ \-]\d{4}[ \-]\d\b", 0.3)),
        context=("routing", "aba", "rtn", "routing number", "transit number", "wire", "ach"),
        requires_context=True,
        validate=checks.aba,
    ),
    Spec(
        "PIN",
        ((r"(?i)\b(?:pin(?: code| number)?|(?:atm|card|bank|debit) pin)(?: (?:is|was|code|number|no\.?|to))*[\s:=#\-]{0,4}(?P<value>\d{4,8})\b", 0.75),),
        against=("pin code of", "zip", "postal", "gpio", "connector"),
    ),
)  # fmt: skip
