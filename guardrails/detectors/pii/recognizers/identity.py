"""Numbers that states and authorities give to people and vehicles, for the countries Bedrock knows."""

from __future__ import annotations

import re

from guardrails.detectors.pii.recognizer import Spec
from guardrails.detectors.pii.recognizers import checks

__all__ = ["RECOGNIZERS"]


def _ssn(value: str) -> bool | None:
    """Areas, groups and serials that the Social Security Administration never issues; well-known dummies."""
    n = checks.digits(value)
    if n[:3] in ("000", "666") or n[0] == "9" or n[3:5] == "00" or n[5:] == "0000" or not checks.distinct(n):
        return False
    return False if n in ("078051120", "123456789", "987654321") else None


def _itin(value: str) -> bool | None:
    """Starts with 9; the fourth and fifth digits are 50 to 65, 70 to 88, 90 to 92 or 94 to 99 (IRS)."""
    group = int(checks.digits(value)[3:5])
    return None if 50 <= group <= 65 or 70 <= group <= 88 or 90 <= group <= 92 or 94 <= group <= 99 else False


def _utr(value: str) -> bool:
    """HMRC: the first digit checks the other nine, weights 6 7 8 9 10 5 4 3 2 modulo 11."""
    n = checks.digits(value)
    total = sum(int(d) * w for d, w in zip(n[1:], (6, 7, 8, 9, 10, 5, 4, 3, 2), strict=True))
    return n[0] == "21987654321"[total % 11] and checks.distinct(n)


def _sin(value: str) -> bool:
    n = checks.digits(value)
    return n[0] not in "08" and checks.luhn(n) and checks.distinct(n)


def _health_card(value: str) -> bool | None:
    n = checks.digits(value)
    return True if checks.luhn(n) and checks.distinct(n) else None


_PLATE_WORDS = re.compile(r"(?=.*\d)(?=.*[A-Z])")


def _plate(value: str) -> bool | None:
    return None if _PLATE_WORDS.match(value.upper()) else False


RECOGNIZERS = (
    Spec(
        "US_SOCIAL_SECURITY_NUMBER",
        ((r"\b\d{3}[\-.– ]\d{2}[\-.– ]\d{4}\b", 0.5), (r"\b\d{3} - \d{2} - \d{4}\b", 0.5)),
        context=("ssn", "social security", "social", "ss", "tax id", "taxpayer", "ssid"),
        validate=_ssn,
    ),
    Spec(
        "US_SOCIAL_SECURITY_NUMBER",
        ((r"\b\d{9}\b", 0.2),),
        context=("ssn", "social security", "social security number", "ssid", "soc sec"),
        requires_context=True,
        validate=_ssn,
    ),
    Spec(
        "US_INDIVIDUAL_TAX_IDENTIFICATION_NUMBER",
        ((r"\b9\d{2}[\- ]\d{2}[\- ]\d{4}\b", 0.55), (r"\b9\d{8}\b", 0.1)),
        context=("itin", "individual taxpayer", "taxpayer", "tax identification", "tax id", "tin", "irs"),
        validate=_itin,
    ),
    Spec(
        "US_PASSPORT_NUMBER",
        ((r"\b[A-Z]?\d{8,9}\b", 0.3), (r"\b[A-Z]\d{8}\b", 0.35)),
        context=("passport", "passport number", "passport no", "travel document"),
        requires_context=True,
        ignore_case=True,
    ),
    Spec(
        "DRIVER_ID",
        (
            (
                r"(?i)\b(?:driver'?s?'? ?(?:licen[cs]e|id|permit)|driving licen[cs]e|\bdl|licen[cs]e)(?: (?:number|no\.?|num|id|is|card))*"
                r"[\s:=#\-]{0,4}(?P<value>[A-Z]{0,5}\d[A-Z0-9](?:[\- ]?[A-Z0-9]){3,16}\b)",
                0.6,
            ),
            (r"\b[A-Z]{1,2}\d{5,13}\b", 0.25),
            (r"\b[A-Z]{5}\d{6}[A-Z0-9]{2}\d[A-Z]{2}\b", 0.6),
            (r"\b[A-Z]\d{3}[\- ]\d{4}[\- ]\d{4}\b|\b[A-Z]\d{3}[\- ]\d{3}[\- ]\d{2}[\- ]\d{3}[\- ]\d\b", 0.5),
        ),
        context=("driver license", "drivers license", "driver s license", "driving licence", "driving license", "driver licence",
                 "license number", "licence number", "driver id", "dl", "dmv", "dvla"),
        requires_context=True,
        validate=lambda v: None if sum(c.isdigit() for c in v) >= 3 else False,
    ),
    Spec(
        "LICENSE_PLATE",
        (
            (
                r"(?i)\b(?:licen[cs]e|number|registration|vehicle|car|reg)[ \-]?(?:plates?|registration|reg)(?: (?:number|no\.?|is|was|reads|of))*"
                r"[\s:=#\"']{0,4}(?P<value>[A-Z0-9]{1,4}[ \-]?[A-Z0-9]{2,5})\b",
                0.65,
            ),
            (r"\b[A-Z]{2}\d{2} ?[A-Z]{3}\b", 0.3),
            (r"\b\d?[A-Z]{3}[ \-]?\d{3,4}\b|\b[A-Z]{3}[ \-]\d{2}[A-Z0-9]{1,2}\b|\b\d{3}[ \-]?[A-Z]{3}\b", 0.25),
        ),
        context=("plate", "license plate", "licence plate", "number plate", "registration", "vehicle registration", "plates", "tag number"),
        requires_context=True,
        validate=_plate,
    ),
    Spec(
        "VEHICLE_IDENTIFICATION_NUMBER",
        ((r"\b[A-HJ-NPR-Z0-9]{8}[0-9X][A-HJ-NPR-Z0-9]{2}[A-HJ-NPR-Z0-9]{2}\d{4}\b", 0.4),),
        context=("vin", "vehicle", "chassis", "car", "frame number"),
        ignore_case=True,
        validate=lambda v: checks.vin(v) and any(c.isalpha() for c in v) and any(c.isdigit() for c in v),
    ),
    Spec(
        "VEHICLE_IDENTIFICATION_NUMBER",
        ((r"\b[A-HJ-NPR-Z0-9]{13}\d{4}\b", 0.2),),
        context=("vin", "vehicle identification", "chassis number", "frame number"),
        requires_context=True,
        validate=lambda v: None if any(c.isalpha() for c in v) else False,
    ),
    Spec(
        "UK_NATIONAL_HEALTH_SERVICE_NUMBER",
        ((r"\b\d{3}[ \-]\d{3}[ \-]\d{4}\b", 0.3), (r"\b\d{10}\b", 0.2)),
        context=("nhs", "national health", "health service", "patient"),
        requires_context=True,
        validate=checks.nhs,
    ),
    Spec(
        "UK_NATIONAL_INSURANCE_NUMBER",
        ((r"\b(?:[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z]) ?\d{2} ?\d{2} ?\d{2} ?[A-D]\b", 0.6),),
        context=("national insurance", "ni number", "nino", "insurance number", "ni"),
        ignore_case=True,
        validate=lambda v: False if checks.alnum(v)[:2] in ("BG", "GB", "KN", "NK", "NT", "TN", "ZZ") else None,
    ),
    Spec(
        "UK_UNIQUE_TAXPAYER_REFERENCE_NUMBER",
        ((r"\b\d{10}\b|\b\d{5} \d{5}\b|\b\d{3} \d{3} \d{4}\b", 0.25),),
        context=("utr", "unique taxpayer", "taxpayer reference", "hmrc", "self assessment", "tax reference"),
        requires_context=True,
        validate=_utr,
    ),
    Spec(
        "CA_SOCIAL_INSURANCE_NUMBER",
        ((r"\b\d{3}[ \-]\d{3}[ \-]\d{3}\b", 0.4), (r"\b\d{9}\b", 0.1)),
        context=("sin", "social insurance", "insurance number", "canada", "canadian", "service canada"),
        requires_context=True,
        validate=_sin,
    ),
    Spec(
        "CA_HEALTH_NUMBER",
        ((r"\b\d{4}[ \-]?\d{3}[ \-]?\d{3}(?:[ \-]?[A-Z]{2})?\b", 0.3), (r"\b[A-Z]{4} ?\d{4} ?\d{4}\b", 0.4)),
        context=("ohip", "health card", "health number", "personal health", "phn", "ramq", "msp", "care card", "health insurance"),
        requires_context=True,
        validate=_health_card,
    ),
)  # fmt: skip
