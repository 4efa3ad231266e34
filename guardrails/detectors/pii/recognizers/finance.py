"""Cards, bank accounts and what unlocks them."""

from __future__ import annotations

import re
from collections.abc import Iterator

from guardrails.detectors.pii.recognizer import Spec
from guardrails.detectors.pii.recognizers import checks

__all__ = ["RECOGNIZERS"]

CARD_WORDS = (
    "card",
    "credit",
    "debit",
    "visa",
    "mastercard",
    "amex",
    "american express",
    "discover",
    "cc",
    "ccn",
    "pan",
    "maestro",
    "diners",
    "jcb",
)
_SEP = r"[ .\-_\t\n/]"

# Issuer ranges: prefix bounds (inclusive, compared on as many digits) and lengths.
_ISSUERS: tuple[tuple[str, str, tuple[int, ...]], ...] = (
    ("4", "4", (13, 16, 19)),
    ("51", "55", (16,)),
    ("2221", "2720", (16,)),
    ("34", "34", (15,)),
    ("37", "37", (15,)),
    ("300", "305", (14, 16)),
    ("36", "36", (14,)),
    ("38", "39", (14, 16)),
    ("3528", "3589", (16, 17, 18, 19)),
    ("6011", "6011", (16, 17, 18, 19)),
    ("644", "659", (16, 17, 18, 19)),
    ("62", "62", (16, 17, 18, 19)),
    ("50", "50", (16, 18, 19)),
    ("56", "58", (16, 18, 19)),
    ("63", "63", (16, 18, 19)),
    ("67", "67", (16, 18, 19)),
    ("2200", "2204", (16,)),
)


def card(value: str) -> bool:
    """An issuer's prefix and length, and the Luhn digit."""
    digits = checks.digits(value)
    if "." in value and len(set(value) - set("0123456789")) > 1:
        return False  # two numbers with decimal points
    return any(
        len(digits) in lengths and low <= digits[: len(low)] <= high for low, high, lengths in _ISSUERS
    ) and checks.luhn(digits)


_UUID = re.compile(r"(?i)[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}")
_HEXADECIMAL = re.compile(r"[0-9A-Fa-f]+")
# A fraction of zeros is how tables and JSON write a whole number that was stored as a float.
_NO_FRACTION = re.compile(r"\.0{1,4}(?![\w]|[.,]\d)")


def alone(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """A number that is no part of a hash, an identifier or a decimal fraction. A word may be glued to it."""
    if text[end : end + 1] == "." and text[end + 1 : end + 2].isdigit() and not _NO_FRACTION.match(text, end):
        return
    first, last = start, end
    while first and text[first - 1].isascii() and text[first - 1].isalnum() and start - first < 64:
        first -= 1
    while last < len(text) and text[last].isascii() and text[last].isalnum() and last - end < 64:
        last += 1
    rest = text[first:start] + text[end:last]
    if rest and (any(c.isdigit() for c in rest) or _HEXADECIMAL.fullmatch(rest)):
        return
    if any(m.start() < end and m.end() > start for m in _UUID.finditer(text, max(0, start - 36), end + 36)):
        return
    yield start, end


def _iban_pattern() -> str:
    by_length: dict[int, list[str]] = {}
    for country, length in checks.IBAN_LENGTHS.items():
        by_length.setdefault(length, []).append(country)
    parts = [
        rf"(?:{'|'.join(sorted(countries))})[ -]?\d{{2}}(?:[ .\-\n]?[A-Z0-9]){{{length - 4}}}"
        for length, countries in sorted(by_length.items())
    ]
    # A label may be glued to it: "IBANDE89…".
    label = r"(?:iban|konto(?:nummer|nr)?|account(?:number|no)?|acct|rekening(?:nummer)?|compte|cuenta|conto)"
    return rf"\b{label}?(?P<value>{'|'.join(parts)})\b"


# Countries whose account part has digits only (SWIFT IBAN registry).
_DIGITS_ONLY = frozenset("AE AT BA BE CZ DE DK EE ES FI HR HU IL IS LT ME NO PL PT RS SE SI SK XK".split())


def checked(value: str) -> bool:
    """An IBAN that is not made of words: letters only where the country has them, and in groups of four or one."""
    compact = checks.alnum(value)
    groups = re.split(r"[ .\-\n]", value)
    if any(c.isalpha() for c in compact[4:]) and (
        compact[:2] in _DIGITS_ONLY or len({len(g) for g in groups[:-1]} - {4}) > (len(groups[0]) == 1)
    ):
        return False
    return checks.iban(value)


def _called_iban(value: str) -> bool | None:
    """Called an IBAN: eight digits at least, so that it is no word."""
    return None if len(checks.digits(value)) >= 8 else False


# Between a name and its number.
_NUMBER = r"(?:[ _\-]?(?:transit|number|no\.?|num|code|id|#)){0,3}[^\w\n]{1,4}(?:(?:is|was)[^\w\n]{1,3})?"

_COUNTRIES = frozenset(
    "AD AE AF AG AI AL AM AO AR AT AU AW AZ BA BB BD BE BF BG BH BI BJ BM BN BO BR BS BT BW BY BZ CA CD CF CG CH CI CL "
    "CM CN CO CR CU CV CW CY CZ DE DJ DK DM DO DZ EC EE EG ER ES ET FI FJ FK FM FO FR GA GB GD GE GF GG GH GI GL GM GN "
    "GP GQ GR GT GU GW GY HK HN HR HT HU ID IE IL IM IN IQ IR IS IT JE JM JO JP KE KG KH KI KM KN KR KW KY KZ LA LB LC "
    "LI LK LR LS LT LU LV LY MA MC MD ME MG MK ML MM MN MO MR MS MT MU MV MW MX MY MZ NA NC NE NG NI NL NO NP NR NZ OM "
    "PA PE PF PG PH PK PL PR PS PT PW PY QA RE RO RS RU RW SA SB SC SD SE SG SI SK SL SM SN SO SR SS ST SV SY SZ TC TD "
    "TG TH TJ TL TM TN TO TR TT TW TZ UA UG US UY UZ VA VC VE VG VI VN VU WF WS XK YE YT ZA ZM ZW".split()
)


def swift(value: str) -> bool | None:
    """The country code in the middle exists; no more can be checked."""
    return None if value[4:6].upper() in _COUNTRIES else False


def routing(value: str) -> bool | None:
    """One random number in ten passes, so passing alone proves nothing."""
    return None if checks.aba(value) else False


_DATE = re.compile(r"(?:19|20)\d\d-\d{1,2}-\d{1,2}|\d{1,2}-\d{1,2}-(?:19|20)\d\d|(?:19|20)\d\d-(?:19|20)\d\d")


def account(value: str) -> bool | None:
    """6 to 17 digits, not all the same, that are no date."""
    digits = checks.digits(value)
    return None if 6 <= len(digits) <= 17 and len(set(digits)) > 1 and not _DATE.fullmatch(value) else False


_MONTH = r"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sept?|Oct|Nov|Dec)[a-z]{0,6}\.?"
_MMYY = r"(?:0?[1-9]|1[0-2]) ?[/-] ?(?:20)?[2-4]?\d\d?"

RECOGNIZERS: tuple[Spec, ...] = (
    Spec(
        "CREDIT_DEBIT_CARD_NUMBER",
        (
            (rf"(?<!\d)(?<!\d\.)[2-6]\d{{3}}(?:{_SEP}{{0,3}}\d{{4}}){{3}}(?!\d)", 0.4),
            (rf"(?<!\d)(?<!\d\.)3[47]\d\d{_SEP}{{0,3}}\d{{6}}{_SEP}{{0,3}}\d{{5}}(?!\d)", 0.4),
            (rf"(?<!\d)(?<!\d\.)3[0689]\d\d{_SEP}{{0,3}}\d{{6}}{_SEP}{{0,3}}\d{{4}}(?!\d)", 0.4),
            (r"(?<!\d)(?<!\d\.)[3-6]\d{12,18}(?!\d)", 0.4),
            (rf"(?<!\d)(?<!\d\.)[2-6](?:{_SEP}?\d){{15}}(?!\d)", 0.4),
            (rf"(?<!\d)(?<!\d\.)3[47](?:{_SEP}?\d){{13}}(?!\d)", 0.4),
        ),
        context=CARD_WORDS,
        validate=card,
        refine=alone,
    ),
    Spec(
        "CREDIT_DEBIT_CARD_NUMBER",
        (
            (
                r"\b(?:card|visa|mastercard|amex|debit|credit)\b[^.\n\d]{0,40}?"
                r"\b(?:end(?:s|ing|ed)(?: in| with| on)?|last (?:four|4)(?: digits)?(?: are| is| of)?)\b[^\w\n]{0,4}(?P<value>\d{4})\b",
                0.75,
            ),
            (
                r"\blast (?:four|4)(?: digits)?\b[^.\n\d]{0,25}\b(?:card|visa|mastercard|amex)\b[^.\n\d]{0,12}?(?P<value>\d{4})\b",
                0.75,
            ),
            # Not after stars: those are our own partial masks, and a mask must not be found again.
            (r"(?<!\w)(?:[x•#]{4}[ -]?){2,3}(?P<value>\d{4})\b", 0.6),
        ),
        context=CARD_WORDS,
        ignore_case=True,
    ),
    Spec(
        "CREDIT_DEBIT_CARD_CVV",
        (
            (
                r"\b(?:cvv2?|cvc2?|cvn|csc|security code|card verification (?:code|value|number))(?: (?:code|number|no))?\b"
                r"[^\d\n.;]{0,24}?\b(?P<value>\d{3,4})(?:\b)",
                0.8,
            ),
            (r"\b(?P<value>\d{3,4}) (?:is|as) (?:my |the |your |its )?(?:cvv2?|cvc2?|security code)\b", 0.8),
            (r"\b(?P<value>\d{3,4}) ?\((?:cvv2?|cvc2?|security code)\)", 0.8),
        ),
        against=("airport", "door", "gate", "building"),
        ignore_case=True,
    ),
    Spec(
        "CREDIT_DEBIT_CARD_EXPIRY",
        (
            (
                r"\b(?:exp(?:iry|iration|ires|ire)?\.?(?: date)?|valid (?:thru|through|until|till|to)|good (?:thru|through)|mm ?/ ?yy(?:yy)?)"
                rf"[^\w\n]{{0,4}}(?:(?:is|on|in|of|date|end)[^\w\n]{{0,3}}){{0,2}}(?P<value>{_MMYY})\b",
                0.5,
            ),
            (
                r"\b(?:exp(?:iry|iration|ires|ire)?\.?(?: date)?|valid (?:thru|through|until|till|to)|good (?:thru|through))"
                rf"[^\w\n]{{0,4}}(?:(?:is|on|in|of|date|end)[^\w\n]{{0,3}}){{0,2}}(?P<value>{_MONTH},? ?(?:20)?\d\d)\b",
                0.3,
            ),
        ),
        context=(*CARD_WORDS, "cvv", "cvc", "security code"),
        against=(
            "passport",
            "license",
            "licence",
            "subscription",
            "visa stamp",
            "warranty",
            "contract",
            "domain",
            "certificate",
            "offer",
            "coupon",
            "membership",
            "trial",
            "policy",
            "food",
            "milk",
            "driver",
        ),
        ignore_case=True,
    ),
    Spec(
        "CREDIT_DEBIT_CARD_EXPIRY",
        (
            (r"(?<![\d/.\-])(?:0[1-9]|1[0-2]) ?/ ?(?:20)?[2-4]\d(?![\d/\-]|\.\d)", 0.3),
            (rf"(?i)\b{_MONTH},? ?20[2-4]\d\b", 0.15),
        ),
        context=("card", "visa", "mastercard", "amex", "debit", "credit", "cvv", "cvc", "valid thru"),
        against=("passport", "license", "licence", "subscription", "contract", "policy", "dose", "tablet"),
        requires_context=True,
    ),
    Spec(
        "INTERNATIONAL_BANK_ACCOUNT_NUMBER",
        ((_iban_pattern(), 0.5),),
        context=("iban", "bank", "account", "transfer", "sepa", "konto"),
        validate=checked,
        ignore_case=True,
    ),
    # By its name, whatever the country's length and the check digits.
    Spec(
        "INTERNATIONAL_BANK_ACCOUNT_NUMBER",
        (
            (
                r"\b(?i:iban)\b[^\d\n;]{0,30}?\b(?P<value>[A-Z]{2}[ -]?\d{2}(?:[ -]?[A-Z0-9]{4}){2,7}(?:[ -]?[A-Z0-9]{1,3})?)(?!\w)",
                0.6,
            ),
        ),
        validate=_called_iban,
    ),
    Spec(
        "SWIFT_CODE",
        ((r"\b[A-Z]{6}[A-Z0-9]{2}(?:[A-Z0-9]{3})?\b", 0.35),),
        context=("swift", "bic", "bank identifier", "wire", "swift code", "iban", "correspondent", "sort code"),
        validate=swift,
        requires_context=True,
    ),
    Spec(
        "US_BANK_ACCOUNT_NUMBER",
        (
            (r"(?<![\w.\-/$€£+@:])\d{6,17}(?![\w\-@/:]|\.(?!0{1,4}\b)\d)", 0.3),
            (r"(?<![\w.\-/$€£+])\d{2,5}(?:-\d{2,7}){1,3}(?![\w\-]|\.\d)", 0.15),
        ),
        context=(
            "account",
            "acct",
            "a/c",
            "bank account",
            "checking",
            "savings",
            "direct deposit",
            "account number",
            "deposit",
            "debit",
        ),
        against=(
            "order",
            "invoice",
            "ticket",
            "phone",
            "call",
            "tel",
            "fax",
            "tracking",
            "routing",
            "aba",
            "reference",
            "case",
            "isbn",
            "ssn",
            "social security",
            "date",
            "zip",
            "code",
            "pin",
            "dob",
            "born",
            "card",
            "patient",
            "mrn",
            "employee",
            "version",
            "commit",
            "utr",
            "nhs",
            "id",
            "passport",
            "license",
            "npi",
            "amount",
            "balance",
            "total",
            "sort code",
            "timestamp",
        ),
        validate=account,
        requires_context=True,
    ),
    Spec(
        "US_BANK_ROUTING_NUMBER",
        ((r"(?<![\w.\-])(?:0\d|1[0-2]|2[1-9]|3[0-2]|6[1-9]|7[0-2]|80)\d{2}-?\d{4}-?\d(?![\w\-]|\.\d)", 0.3),),
        context=("routing", "aba", "rtn", "routing number", "transit number", "wire", "ach"),
        against=("phone", "order", "ssn", "account"),
        validate=routing,
    ),
    Spec(
        "US_BANK_ROUTING_NUMBER",
        ((rf"\b(?:routing|aba|rtn){_NUMBER}(?P<value>\d{{9}})(?![\w\-]|\.\d)", 0.6),),
        ignore_case=True,
    ),
    Spec(
        "PIN",
        (
            (
                r"\b(?:pin|pin ?code|pin number|atm pin|card pin)\b[^\w\n]{0,4}(?:(?:code|number|no|is|was|to)\b[^\w\n]{0,4}){0,2}(?P<value>\d{4,8})\b",
                0.7,
            ),
            (r"\b(?P<value>\d{4,8}) (?:is|as) (?:my |the |your )?(?:new )?(?:atm )?pin\b", 0.7),
        ),
        against=("gpio", "postal", "zip", "connector", "header", "chip", "socket", "post", "city", "district"),
        ignore_case=True,
    ),
)
