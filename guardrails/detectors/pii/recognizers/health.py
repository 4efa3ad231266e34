"""Health, insurance and employment identifiers, dates of birth, coordinates."""

from __future__ import annotations

import re

from guardrails.detectors.pii.recognizer import Spec
from guardrails.detectors.pii.recognizers import checks

__all__ = ["RECOGNIZERS"]

_MONTH = r"(?:Jan(?:uary)?|Feb(?:ruary)?|Mar(?:ch)?|Apr(?:il)?|May|June?|July?|Aug(?:ust)?|Sep(?:t(?:ember)?)?|Oct(?:ober)?|Nov(?:ember)?|Dec(?:ember)?)\.?"
_DATE = (
    r"(?:(?:0?[1-9]|[12]\d|3[01])[./\- ](?:0?[1-9]|[12]\d|3[01])[./\- ](?:(?:18|19|20)\d{2}|\d{2})"
    r"|(?:18|19|20)\d{2}[./\-](?:0?[1-9]|1[0-2])[./\-](?:0?[1-9]|[12]\d|3[01])"
    rf"|(?:0?[1-9]|[12]\d|3[01])(?:st|nd|rd|th)?(?: of)?[ \-]{_MONTH},?[ \-](?:18|19|20)\d{{2}}"
    rf"|{_MONTH} (?:0?[1-9]|[12]\d|3[01])(?:st|nd|rd|th)?,? (?:18|19|20)\d{{2}})"
)
_LABEL = r"(?: (?:number|no\.?|num|nr|id|code|is|of|was))*[\s:=#\-]{0,4}"


def _identifier(value: str) -> bool | None:
    """A number of an office: at least four digits, not all the same."""
    return None if sum(c.isdigit() for c in value) >= 4 and checks.distinct(value) else False


def _npi(value: str) -> bool:
    """Luhn over 80840 and the number (CMS)."""
    return checks.luhn("80840" + checks.digits(value))


def _dea(value: str) -> bool:
    """Digits 1, 3, 5 plus twice 2, 4, 6; the last digit is the seventh."""
    n = checks.digits(value)
    return (int(n[0]) + int(n[2]) + int(n[4]) + 2 * (int(n[1]) + int(n[3]) + int(n[5]))) % 10 == int(n[6])


_NHI = {c: i for i, c in enumerate("ABCDEFGHJKLMNPQRSTUVWXYZ", 1)}


def _nhi(value: str) -> bool | None:
    """New Zealand: weights 7 to 2 over letters (without I and O) and digits; modulo 11, or modulo 24 for a letter."""
    v = checks.alnum(value)
    if any(c not in _NHI for c in v[:3]):
        return False
    total = sum((_NHI[c] if c.isalpha() else int(c)) * w for c, w in zip(v[:6], range(7, 1, -1), strict=True))
    if v[6].isdigit():
        return total % 11 != 0 and (11 - total % 11) % 10 == int(v[6])
    return _NHI.get(v[6], 0) == 24 - total % 24


def _medicare_au(value: str) -> bool:
    """Australia: weights 1 3 7 9 1 3 7 9, modulo 10, the ninth digit checks; the first is 2 to 6."""
    n = checks.digits(value)
    return n[0] in "23456" and sum(int(d) * w for d, w in zip(n[:8], (1, 3, 7, 9) * 2, strict=True)) % 10 == int(n[8])


def _pair(value: str) -> bool | None:
    """Latitude and longitude in range, written to three decimals or more."""
    numbers = re.findall(r"-?\d{1,3}\.\d+", value)
    if len(numbers) < 2:
        return None
    return None if abs(float(numbers[0])) <= 90 and abs(float(numbers[1])) <= 180 else False


RECOGNIZERS = (
    Spec(
        "DATE_OF_BIRTH",
        (
            (rf"(?i)\b(?:d\.?o\.?b\.?|date of birth|birth ?date|birth ?day|born(?: on)?)(?: (?:is|was|on|the|in))*[\s:=\-]{{0,4}}(?P<value>{_DATE})\b", 0.85),
        ),
    ),
    Spec(
        "DATE_OF_BIRTH",
        ((rf"(?i)\b{_DATE}\b", 0.2),),
        context=("dob", "d o b", "date of birth", "birthdate", "birthday", "born", "birth date", "nacimiento", "geboren", "naissance"),
        requires_context=True,
    ),
    Spec(
        "MEDICAL_RECORD_NUMBER",
        (
            (rf"(?i)\b(?:mrn|medical record|patient (?:id|number|no\.?|record)|hospital number|chart (?:number|no\.?)){_LABEL}(?P<value>[A-Z]{{0,4}}[\-]?\d[\dA-Z\-]{{3,14}})\b", 0.75),
        ),
        validate=_identifier,
    ),
    Spec(
        "HEALTH_INSURANCE_NUMBER",
        (
            (rf"(?i)\b(?:health (?:insurance|plan)(?: (?:beneficiary|member|policy|card))?|medicaid|(?:insurance )?member|subscriber|group (?:health )?plan|beneficiary)(?: id| number| no\.?){{1,2}}{_LABEL}(?P<value>[A-Z]{{0,5}}[\-]?\d[\dA-Z\-]{{4,16}})\b", 0.7),
            (rf"(?i)\bhealth insurance{_LABEL}(?P<value>[A-Z]{{0,5}}[\-]?\d[\dA-Z\-]{{5,16}})\b", 0.65),
        ),
        validate=_identifier,
    ),
    Spec(
        "INSURANCE_POLICY_NUMBER",
        (
            (rf"(?i)\b(?:(?:insurance|life|home|auto|car|motor|travel) )?policy(?: number| no\.?| num\.?| id| #){_LABEL}(?P<value>[A-Z]{{0,5}}[\-/]?\d[\dA-Z\-/]{{4,18}})\b", 0.7),
            (rf"(?i)\b(?:insurance|insured under) policy{_LABEL}(?P<value>[A-Z]{{1,5}}[\-/]?\d[\dA-Z\-/]{{4,18}})\b", 0.65),
        ),
        validate=_identifier,
    ),
    Spec(
        "EMPLOYEE_ID",
        (
            (rf"(?i)\b(?:employee|staff|personnel|payroll|badge|emp)(?:\.? ?(?:id|number|no\.?|#|code)){{1,2}}{_LABEL}(?P<value>[A-Z]{{0,4}}[\-]?\d[\dA-Z\-]{{2,12}})\b", 0.7),
        ),
        validate=lambda v: None if sum(c.isdigit() for c in v) >= 3 else False,
    ),
    Spec(
        "GEO_COORDINATES",
        (
            (r"(?:^|[\s(\[:=])(?P<value>-?\d{1,2}\.\d{4,10}°?(?: ?[NS])?[,;]? ?\s?-?\d{1,3}\.\d{4,10}°?(?: ?[EW])?)(?:$|[\s)\].,;])", 0.65),
            (r"(?i)\bgeo:-?\d{1,2}\.\d{2,10},-?\d{1,3}\.\d{2,10}", 0.9),
            (r"(?i)\b\d{1,2}\s?°\s?\d{1,2}\s?['′]\s?\d{1,2}(?:\.\d+)?\s?[\"″]\s?[NS],? ?\d{1,3}\s?°\s?\d{1,2}\s?['′]\s?\d{1,2}(?:\.\d+)?\s?[\"″]\s?[EW]", 0.85),
            (r"(?i)\blat(?:itude)?\.?\s?[:=]?\s?(?P<value>-?\d{1,2}\.\d{3,10}°?[,;]?\s{0,3}(?:and )?(?:lon|lng|long|longitude)\.?\s?[:=]?\s?-?\d{1,3}\.\d{3,10})", 0.85),
        ),
        validate=_pair,
    ),
    Spec(
        "US_MEDICARE_BENEFICIARY_ID",
        (
            (r"\b[1-9][AC-HJKMNP-RT-Y][AC-HJKMNP-RT-Y0-9]\d-?[AC-HJKMNP-RT-Y][AC-HJKMNP-RT-Y0-9]\d-?[AC-HJKMNP-RT-Y]{2}\d{2}\b", 0.7),
        ),
        context=("medicare", "mbi", "beneficiary", "cms"),
    ),
    Spec(
        "US_NATIONAL_PROVIDER_ID",
        ((r"\b[12]\d{9}\b", 0.3),),
        context=("npi", "national provider", "provider id", "provider identifier", "provider number"),
        requires_context=True,
        validate=_npi,
    ),
    Spec(
        "US_DEA_NUMBER",
        ((r"\b[ABCDEFGHJKLMPRSTUX][A-Z9]\d{7}\b", 0.3),),
        context=("dea", "drug enforcement", "prescriber", "registration", "controlled substance"),
        requires_context=True,
        ignore_case=True,
        validate=_dea,
    ),
    Spec(
        "NZ_HEALTH_INDEX_NUMBER",
        ((r"\b[A-HJ-NP-Z]{3}\d{4}\b|\b[A-HJ-NP-Z]{3}\d{2}[A-HJ-NP-Z]{2}\b", 0.3),),
        context=("nhi", "health index", "new zealand", "patient"),
        requires_context=True,
        validate=_nhi,
    ),
    Spec(
        "AU_MEDICARE_NUMBER",
        ((r"\b[2-6]\d{3}[ \-]?\d{5}[ \-]?\d(?:[ /\-]?\d)?\b", 0.3),),
        context=("medicare", "medicare number", "medicare card", "irn"),
        requires_context=True,
        validate=_medicare_au,
    ),
)  # fmt: skip
