"""Numbers that a state gives a person or a vehicle: United States, United Kingdom, Canada."""

from __future__ import annotations

from guardrails.detectors.pii.recognizer import Spec
from guardrails.detectors.pii.recognizers import checks

__all__ = ["RECOGNIZERS"]

_NOT_AN_ID = ("order", "invoice", "ticket", "tracking", "isbn", "sku", "version", "part number", "serial")


def _nhs(value: str) -> bool | None:
    return None if checks.nhs(value) else False  # one number in eleven passes


def _utr(value: str) -> bool | None:
    return None if checks.utr(value) else False


def _sin(value: str) -> bool | None:
    return (
        None if checks.luhn(value) and checks.digits(value)[0] != "8" and len(set(checks.digits(value))) > 1 else False
    )


def _vin(value: str) -> bool | None:
    """North American numbers (first character 1 to 5) must check; elsewhere the ninth place is free."""
    if not any(c.isdigit() for c in value) or not any(c.isalpha() for c in value) or len(set(value)) < 6:
        return False
    if checks.vin(value):
        return True
    return False if value[0] in "12345" else None


def _mixed(value: str) -> bool | None:
    """At least four digits, or letters and two digits: words are no numbers."""
    digits = len(checks.digits(value))
    return None if digits >= 4 or (digits >= 2 and any(c.isalpha() for c in value)) else False


def _plate(value: str) -> bool | None:
    return None if any(c.isdigit() for c in value) and any(c.isalpha() for c in value) else False


_SSN = r"(?!000|666|9\d\d)\d{3}{sep}(?!00)\d{2}{sep}(?!0000)\d{4}"
_LABEL_END = r"(?: (?:number|no\.?|num|id|#))?[^\w\n]{0,4}(?:(?:number|no|is|was|are)\b[^\w\n]{0,4}){0,2}"

RECOGNIZERS: tuple[Spec, ...] = (
    Spec(
        "US_SOCIAL_SECURITY_NUMBER",
        (
            (r"(?<![\w.\-])" + _SSN.replace("{sep}", "-") + r"(?![\w\-]|\.\d)", 0.6),
            # Areas from 900 on are not given out, but somebody who calls such a number an SSN means one.
            (r"(?<![\w.\-])9\d\d-(?!00)\d\d-(?!0000)\d{4}(?![\w\-]|\.\d)", 0.15),
            (r"(?<![\w.\-])" + _SSN.replace("{sep}", "[ .]") + r"(?![\w\-]|\.\d)", 0.3),
            (
                r"(?<![\w.\-$€£+])(?:(?<!#)|(?<=[sS][sSnN]#))"
                + _SSN.replace("{sep}", "")
                + r"(?![\w\-]|\.(?!0{1,4}\b)\d)",
                0.15,
            ),
        ),
        context=(
            "ssn",
            "ssns",
            "social security",
            "social sec",
            "ss#",
            "soc sec",
            "ss number",
            "tax id",
            "my social",
            "his social",
            "her social",
            "your social",
            "their social",
            "social is",
            "social number",
            "social no",
            "social #",
        ),
        against=(*_NOT_AN_ID, "phone", "routing", "aba", "account", "passport", "itin"),
        validate=lambda v: None if len(set(checks.digits(v))) > 1 else False,
    ),
    Spec(
        "US_SOCIAL_SECURITY_NUMBER",
        (
            (r"(?<!\w)[x•#]{3}[ -]?[x•#]{2}[ -]?(?P<value>\d{4})\b", 0.6),  # stars are our own partial masks
            (
                r"\blast (?:four|4)(?: digits)?(?: of)?(?: \w+){0,2} (?:ssn|social security)(?: number)?[^\w\n]{0,4}(?:(?:is|are|was)\b[^\w\n]{0,3})?(?P<value>\d{4})\b",
                0.7,
            ),
            (
                r"\b(?:ssn|social security(?: number)?)[ \-(]{0,3}(?:last (?:four|4)(?: digits)?|end(?:s|ing)(?: in| with)?)[^\w\n]{0,4}(?:(?:is|are|in|with)\b[^\w\n]{0,3})?(?P<value>\d{4})\b",
                0.7,
            ),
        ),
        ignore_case=True,
    ),
    Spec(
        "US_INDIVIDUAL_TAX_IDENTIFICATION_NUMBER",
        (
            (r"(?<![\w.\-])9\d{2}-(?:5\d|6[0-5]|[78]\d|9[0-24-9])-\d{4}(?![\w\-]|\.\d)", 0.55),
            (r"(?<![\w.\-$€£#+])9\d{2} ?(?:5\d|6[0-5]|[78]\d|9[0-24-9]) ?\d{4}(?![\w\-]|\.\d)", 0.15),
        ),
        context=("itin", "individual taxpayer", "taxpayer identification", "tax id", "tax identification", "irs"),
        against=(*_NOT_AN_ID, "phone", "account", "routing"),
    ),
    Spec(
        "US_PASSPORT_NUMBER",
        (
            (r"(?<![\w\-])[A-Z]?\d{8,9}(?![\w\-])", 0.3),
            (r"(?<![\w\-])[A-Z](?=[A-Z0-9]{7,8}(?![\w\-]))[A-Z0-9]*\d{5}[A-Z0-9]*", 0.15),
        ),
        context=("passport", "passports", "passport number", "travel document"),
        against=(*_NOT_AN_ID, "visa", "phone", "account", "ssn", "date", "born", "dob", "license", "licence"),
        validate=lambda v: None if len(v) in (8, 9) and not (len(v) == 8 and v.isdigit()) else False,
        requires_context=True,
    ),
    Spec(
        "DRIVER_ID",
        (
            (
                r"\b(?:driv(?:er|ing)(?:['’]?s)?['’]?[ \-_]?(?:licen[cs]e|id|permit)|(?<!g/)dl[ #]?(?:number|no)?|dln|licen[cs]e (?:number|no\.?|id|#))"
                + _LABEL_END
                + r"(?P<value>[A-Z0-9](?:-?[A-Z0-9]){4,17}|[A-Z]\d{3} \d{3} \d{2} \d{3} \d)\b",
                0.65,
            ),
            (r"\b[A-Z9]{5} ?\d[0156]\d[0-3]\d{2} ?[A-Z9]{2}[A-HJ-NP-Z2-9][A-Z]{2}(?: ?\d{2})?\b", 0.6),
        ),
        context=("driver", "driving", "dl", "dmv", "licence", "license", "dvla"),
        against=(
            "plate",
            "software",
            "product",
            "nursing",
            "medical license",
            "business license",
            "key",
            "mit",
            "apache",
        ),
        validate=_mixed,
        ignore_case=True,
    ),
    Spec(
        "DRIVER_ID",
        (
            (r"(?<![\w\-])[A-Z]\d{3}-\d{3}-\d{2}-\d{3}(?:-\d)?(?![\w\-])", 0.45),
            (r"(?<![\w\-])[A-Z]\d{3}-\d{3,4}-\d{2,5}(?:-\d{1,3})?(?![\w\-])", 0.3),
            (r"(?<![\w\-])DL-?[A-Z0-9]{4,10}(?:-[A-Z0-9]{1,6}){0,2}(?![\w\-])", 0.45),
            (r"(?<![\w\-])[A-Z]{1,2}\d{5,12}(?![\w\-])", 0.2),
            (r"(?<![\w.\-])\d{7,12}(?![\w\-]|\.\d)", 0.15),
        ),
        context=(
            "driver license",
            "drivers license",
            "driver's license",
            "driver’s license",
            "driving licence",
            "driving license",
            "driver licence",
            "driver id",
            "dl",
            "dmv",
            "dvla",
        ),
        against=(*_NOT_AN_ID, "plate", "phone", "account", "ssn", "passport", "vin", "dob", "born"),
        validate=_mixed,
        requires_context=True,
    ),
    Spec(
        "LICENSE_PLATE",
        (
            (
                r"\b(?:licen[cs]e plate|number ?plate|plate(?= ?(?:number|no\b|[:#]))|(?:vehicle|car) reg(?:istration)?(?: plate)?|registration (?:plate|mark)|tag number)"
                + _LABEL_END
                + r"(?P<value>(?:[A-Z]{1,3}[ \-]?\d{1,4}|\d{1,4}[ \-]?[A-Z]{1,4})(?:[ \-]?(?:[A-Z]{1,3}|\d{1,4})\b)?)\b",
                0.65,
            ),
        ),
        against=("steel", "armor", "figure", "nutrition"),
        validate=_plate,
        ignore_case=True,
    ),
    Spec(
        "LICENSE_PLATE",
        (
            (r"(?<![\w\-])[A-Z]{2,3}[ -]?\d{3,4}(?![\w\-])", 0.2),
            (r"(?<![\w\-])\d{1,3}[ -]?[A-Z]{3}[ -]?\d{0,4}(?![\w\-])", 0.2),
            (r"(?<![\w\-])[A-Z]{2}\d{2} ?[A-Z]{3}(?![\w\-])", 0.3),
            (r"(?<![\w\-])[A-ZÄÖÜ]{1,3}[ -][A-Z]{1,2} ?\d{1,4}[EH]?(?![\w\-])", 0.3),
        ),
        context=(
            "license plate",
            "licence plate",
            "plate",
            "number plate",
            "kennzeichen",
            "vehicle registration",
            "car registration",
        ),
        against=(*_NOT_AN_ID, "flight", "room", "model", "vin"),
        validate=_plate,
        requires_context=True,
    ),
    Spec(
        "VEHICLE_IDENTIFICATION_NUMBER",
        ((r"\b[A-HJ-NPR-Z0-9]{17}\b", 0.25),),
        context=("vin", "vehicle", "chassis", "vehicle identification", "car", "frame number"),
        validate=_vin,
    ),
    Spec(
        "UK_NATIONAL_HEALTH_SERVICE_NUMBER",
        ((r"(?<![\w.\-+])\d{3}[ -]\d{3}[ -]\d{4}(?![\w\-]|\.\d)", 0.35), (r"(?<![\w.\-+])\d{10}(?![\w\-]|\.\d)", 0.2)),
        context=("nhs", "national health service", "health service number"),
        against=(*_NOT_AN_ID, "phone", "tel", "call", "mobile", "fax", "utr", "account", "npi"),
        validate=_nhs,
    ),
    Spec(
        "UK_NATIONAL_INSURANCE_NUMBER",
        (
            (
                r"\b(?:[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z]|QQ)[ -]?\d{2}[ -]?\d{2}[ -]?\d{2}[ -]?[A-D]\b",
                0.6,
            ),
        ),
        context=("national insurance", "ni number", "nino", "ni no", "nic"),
        against=("part number", "sku", "model", "serial"),
        validate=lambda v: False if v[:2].upper() in ("BG", "GB", "NK", "KN", "TN", "NT", "ZZ") else None,
        ignore_case=True,
    ),
    Spec(
        "UK_UNIQUE_TAXPAYER_REFERENCE_NUMBER",
        ((r"(?<![\w.\-+])\d{5} ?\d{5}K?(?![\w\-]|\.\d)", 0.3), (r"(?<![\w.\-+])\d{3} \d{3} \d{4}(?![\w\-])", 0.2)),
        context=("utr", "unique taxpayer", "taxpayer reference", "tax reference", "self assessment", "hmrc"),
        against=("phone", "call", "tel", "nhs", "account"),
        validate=_utr,
        requires_context=True,
    ),
    Spec(
        "CA_SOCIAL_INSURANCE_NUMBER",
        (
            (r"(?<![\w.\-])\d{3}[ -]\d{3}[ -]\d{3}(?![\w\-]|[ .]\d)", 0.4),
            (r"(?<![\w.\-$€£#+])\d{9}(?![\w\-]|\.\d)", 0.15),
        ),
        context=("sin", "social insurance", "sin number", "assurance sociale", "nas"),
        against=(*_NOT_AN_ID, "phone", "account", "routing", "ssn"),
        validate=_sin,
    ),
    Spec(
        "CA_HEALTH_NUMBER",
        (
            (r"(?<![\w.\-])\d{4}[ -]\d{3}[ -]\d{3}(?:[ -]?[A-Z]{2})?(?![\w\-]|\.\d)", 0.3),
            (r"(?<![\w.\-])\d{10}(?:[ -]?[A-Z]{2})?(?![\w\-]|\.\d)", 0.2),
            (r"(?<![\w.\-])\d{5}[ -]?\d{4}(?![\w\-]|\.\d)", 0.2),
            (r"(?<![\w\-])[A-Z]{4}[ -]?\d{4}[ -]?\d{4}(?![\w\-])", 0.4),
        ),
        context=(
            "ohip",
            "health card",
            "health number",
            "ramq",
            "phn",
            "personal health number",
            "msp",
            "care card",
            "carecard",
            "ahcip",
            "provincial health",
            "health insurance card",
        ),
        against=("phone", "tel", "call", "nhs", "npi", "order", "account"),
        validate=lambda v: False if len(set(checks.digits(v))) == 1 else None,
        requires_context=True,
    ),
)
