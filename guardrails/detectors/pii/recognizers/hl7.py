"""Fields of HL7 version 2 messages: a segment a line, ``|`` between fields, ``^`` between components, ``~`` between repetitions.

What a field holds follows from its place (HL7 v2.5.1, chapters 3, 6 and 7): PID-5 is the patient's name, NK1-5 the telephone of
the next of kin. Nothing there looks like what people write, so the place alone decides.
"""

from __future__ import annotations

from collections.abc import Callable

from guardrails.detectors.pii.recognizer import Spec

__all__ = ["RECOGNIZERS"]

_FIELD = r"[^|\r\n]{0,200}\|"


def _at(segment: str, field: int, value: str, *, repeated: int = 0, lead: str = "") -> str:
    """The value in that field of the segment (1 is the first behind the segment's name) and repetition (0 is the first)."""
    again = rf"(?:[^|~\r\n]{{0,200}}~){{{repeated}}}" if repeated else ""
    return rf"(?<![A-Za-z0-9]){segment}\|(?:{_FIELD}){{{field - 1}}}{again}{lead}(?P<value>{value})"


# A person's name: family^given^middle^suffix^prefix.
_PERSON = r"[^\s|^~\r\n][^|~\r\n]{0,120}[^|~^\s]"
# The same behind an identifier: 1234^Smith^John^^^Dr.
_XCN = r"[^|~\r\n]{0,120}[^|~^\s]"
_ID = r"[^|^~&\s][^|^~&\r\n]{1,40}"
_DATE = r"(?:19|20)\d{6}(?:\d{2,6})?"
_ADDRESS = r"[^\s|^~\r\n][^|~\r\n]{3,160}[^|~^\s]"
_PHONE = r"[(+]?\d[^|~\r\n]{4,80}[^|~^\s]"
_LEAD = r"(?:[A-Z]{2,12}|\^){0,10}"  # ^PRN^PH^^

_NAMES = (
    *(_at("PID", n, _PERSON) for n in (5, 6, 9)),
    _at("PID", 5, _PERSON, repeated=1),
    *(_at("NK1", n, _PERSON) for n in (2, 30)),
    *(_at("GT1", n, _PERSON) for n in (3, 4, 45)),
    *(_at("IN1", n, _PERSON) for n in (6, 16)),
    _at("IN2", 3, r"[^|~^\r\n]{0,40}\^[^|~\r\n]{0,120}[^|~^\s]"),
    _at("MRG", 7, _PERSON),
    # Doctors and staff.
    *(rf"(?<![A-Za-z0-9])PV1\|(?:{_FIELD}){{{n - 1}}}[^|^~\r\n]{{0,40}}\^(?P<value>{_XCN})" for n in (7, 8, 9, 17)),
    rf"(?<![A-Za-z0-9])OBR\|(?:{_FIELD}){{15}}[^|^~\r\n]{{0,40}}\^(?P<value>{_XCN})",
    *(rf"(?<![A-Za-z0-9])ORC\|(?:{_FIELD}){{{n - 1}}}[^|^~\r\n]{{0,40}}\^(?P<value>{_XCN})" for n in (10, 11, 12)),
    rf"(?<![A-Za-z0-9])PD1\|(?:{_FIELD}){{3}}[^|^~\r\n]{{0,40}}\^(?P<value>{_XCN})",
    rf"(?<![A-Za-z0-9])EVN\|(?:{_FIELD}){{4}}[^|^~\r\n]{{0,40}}\^(?P<value>{_XCN})",
)
_RECORDS = (
    *(_at("PID", n, _ID) for n in (2, 3, 4, 18)),
    *(_at("PID", 3, _ID, repeated=n) for n in (1, 2)),
    _at("MRG", 1, _ID),
    _at("NK1", 33, _ID),
    _at("PV1", 19, _ID),
)
_PHONES = (
    *(_at(s, n, _PHONE, lead=_LEAD) for s, n in (("PID", 13), ("PID", 14), ("NK1", 5), ("NK1", 6), ("NK1", 31))),
    *(_at(s, n, _PHONE, lead=_LEAD) for s, n in (("GT1", 6), ("GT1", 7), ("IN1", 7))),
    *(_at(s, n, _PHONE, repeated=1, lead=_LEAD) for s, n in (("PID", 13), ("NK1", 5))),
)


def _number(value: str) -> bool | None:
    return None if sum(c.isdigit() for c in value) >= 6 and "@" not in value else False


def _letters(value: str) -> bool | None:
    return None if sum(c.isalpha() for c in value) >= 2 else False


def _specs(type_: str, patterns: tuple[str, ...], check: Callable[[str], bool | None] | None = None) -> Spec:
    # Other views fold the marks away that the places are counted by.
    return Spec(type_, tuple((p, 0.9) for p in patterns), validate=check, scope="raw")


RECOGNIZERS: tuple[Spec, ...] = (
    _specs("NAME", _NAMES, _letters),
    _specs("MEDICAL_RECORD_NUMBER", _RECORDS),
    _specs("PHONE", _PHONES, _number),
    _specs("DATE_OF_BIRTH", tuple(_at(s, n, _DATE) for s, n in (("PID", 7), ("NK1", 16), ("GT1", 8), ("IN1", 18)))),
    _specs(
        "ADDRESS",
        tuple(_at(s, n, _ADDRESS) for s, n in (("PID", 11), ("NK1", 4), ("GT1", 5), ("IN1", 19), ("NK1", 32))),
        _letters,
    ),
    _specs(
        "US_SOCIAL_SECURITY_NUMBER",
        tuple(_at(s, n, r"\d{3}-?\d{2}-?\d{4}") for s, n in (("PID", 19), ("GT1", 12), ("NK1", 37))),
    ),
    _specs("DRIVER_ID", (_at("PID", 20, r"[A-Z0-9][A-Z0-9\-]{4,20}"),)),
    _specs("HEALTH_INSURANCE_NUMBER", (_at("IN1", 36, _ID), _at("IN1", 49, _ID), _at("IN2", 61, _ID))),
)
