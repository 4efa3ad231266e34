"""Health, insurance and employment identifiers, dates of birth, coordinates."""

from __future__ import annotations

import re

from guardrails.detectors.pii.recognizer import Spec
from guardrails.detectors.pii.recognizers import checks

__all__ = ["RECOGNIZERS", "au_medicare", "dea", "nhi", "npi"]

# Names of months: English in full and short; German, French, Spanish, Italian, Portuguese, Dutch in full.
_MONTH = (
    r"(?:jan(?:uary|uar|vier|uari)?|feb(?:ruary|ruar|ruari)?|f[ée]vrier|mar(?:ch|s|zo|ço)?|m[äa]rz|maart|apr(?:il|ile)?|avril|"
    r"may|mai|mei|june?|jun[io]|juin|july?|jul[io]|juillet|aug(?:ust|ustus)?|ao[uû]t|sep(?:t(?:ember|embre)?)?|o[ck]t(?:ober|obre)?|"
    r"nov(?:ember|embre)?|de[cz](?:ember)?|d[ée]cembre|ene(?:ro)?|gennaio|janeiro|febrero|febbraio|fevereiro|abril|mayo|maggio|"
    r"maio|giugno|jun?ho|luglio|julho|agosto|settembre|septiembre|setembro|octubre|ottobre|outubro|noviembre|novembro|"
    r"diciembre|dicembre|dezembro)"
)  # fmt: skip
# The longer alternatives first: what ends a date must not end after its first digit.
_DAY, _NUM, _YEAR = r"(?:[12]\d|3[01]|0?[1-9])", r"(?:1[0-2]|0?[1-9])", r"(?:18|19|20)\d{2}"
_DATE = (
    rf"(?:{_YEAR}(?:-{_NUM}-{_DAY}(?:T[\d:.+Z\-]{{5,30}})?|/{_NUM}/{_DAY}|\.{_NUM}\.{_DAY}| {_NUM} {_DAY})\b"
    rf"|{_YEAR}(?:年 ?{_NUM}月 ?{_DAY}日|년 ?{_NUM}월 ?{_DAY}일)"
    rf"|{_DAY}(?:/ ?{_DAY} ?/ ?|-{_DAY}-|\. ?{_DAY}\. ?| {_DAY} )(?:{_YEAR}|\d{{2}})\b"
    rf"|{_DAY}(?:st|nd|rd|th|er|\.|º)?(?: of| de)?[ \-/]{_MONTH}\.?,?(?: de| del)?[ \-/](?:{_YEAR}|\d{{2}})\b"
    rf"|{_MONTH}\.?[ \-]{_DAY}(?:st|nd|rd|th)?,?[ \-]{_YEAR}\b)"
)
_BIRTH = (
    r"(?:d\.? ?o\.? ?b\.?|dates? of birth|birth ?dates?|birth ?days?|born(?: on| in)?|geboren(?: am| op)?|geburtsdatum|geburtstag|"
    r"date de naissance|né(?:e)? le|fecha de nacimiento|nacid[oa] el|nacimiento|data di nascita|nat[oa] il|data de nascimento|"
    r"nascid[oa] em|geboortedatum|f[øo]dselsdato|f[öo]delsedatum|data urodzenia|生年月日|出生日期|생년월일)"
)
# Between a label and its value: "is", a sign, quotes; between a question and its answer: "? A:".
_IS = r"[\"'`]?(?:\)| (?:is|was|on|the|patient|date))*[\s:=\-–|\"'`?(]{0,5}(?:\b(?:a|answer|pat|patient|customer|it's|its|it is)\b:? ?)?"
_LABEL = r"(?:[ _\-]?(?:number|no\.?|num|nr\.?|id|code|#|is|of|was))*[\"'`]?[\s:=#\-|\"'`(]{0,5}"


def _identifier(value: str) -> bool | None:
    """A number of an office: at least four digits, not all the same; no date."""
    if re.fullmatch(r"(?:19|20)\d{2}[\-/]\d{1,2}[\-/]\d{1,2}|\d{1,2}[\-/]\d{1,2}[\-/]\d{2,4}", value):
        return False
    return None if sum(c.isdigit() for c in value) >= 4 and checks.distinct(value) else False


def _employee(value: str) -> bool | None:
    return None if sum(c.isdigit() for c in value) >= 3 else False


def npi(value: str) -> bool:
    """US national provider: Luhn over 80840 and the number (45 CFR 162.406, CMS)."""
    return checks.luhn("80840" + checks.digits(value))


def dea(value: str) -> bool:
    """US Drug Enforcement Administration: digits 1, 3, 5 plus twice 2, 4, 6; the seventh is the last of the sum."""
    n = [int(d) for d in checks.digits(value)[-7:]]
    return (n[0] + n[2] + n[4] + 2 * (n[1] + n[3] + n[5])) % 10 == n[6] and len(set(n)) > 1


_NHI = {c: i for i, c in enumerate("ABCDEFGHJKLMNPQRSTUVWXYZ", 1)}


def nhi(value: str) -> bool:
    """New Zealand (HISO 10046): weights 7 to 2 over letters (without I and O) and digits.

    A check digit is modulo 11; a check letter modulo 23, in the standard's first edition modulo 24: both are about.
    """
    v = checks.alnum(value)
    total = sum((_NHI[c] if c.isalpha() else int(c)) * w for c, w in zip(v[:6], range(7, 1, -1), strict=True))
    if v[6].isdigit():
        return total % 11 != 0 and (11 - total % 11) % 10 == int(v[6])
    return _NHI[v[6]] in (23 - total % 23, 24 - total % 24)


def au_medicare(value: str) -> bool:
    """Australia: weights 1 3 7 9 1 3 7 9, modulo 10, the ninth digit checks; the first is 2 to 6."""
    n = checks.digits(value)
    return n[0] in "23456" and sum(int(d) * w for d, w in zip(n[:8], (1, 3, 7, 9) * 2, strict=True)) % 10 == int(n[8])


def _pair(value: str) -> bool | None:
    """Latitude within 90 degrees, longitude within 180, and not both within 2 (vectors, probabilities)."""
    numbers = [abs(float(n)) for n in re.findall(r"\d{1,3}(?:\.\d+)?", value)]
    if len(numbers) != 2:  # degrees, minutes and seconds are checked by the pattern
        return None
    signs = any(c in value for c in "°:") or re.search(r"[NSEW]", value) is not None
    if not signs and max(numbers) < 2:
        return False
    return None if numbers[0] <= 90 and numbers[1] <= 180 else False


_DEGREES = r"\d{1,3}(?:\.\d{1,8})? ?(?:°|º|deg(?:rees)?)"
_DMS = r"\d{1,3} ?[°º] ?[0-5]?\d(?:\.\d{1,6})? ?['′’](?: ?[0-5]?\d(?:\.\d{1,6})? ?(?:[\"″”]|''))?"
_NUMBER = r"(?:[A-Z]{1,5}[\-/]?)?\d[\dA-Z\-/]"

_BORN = (
    "dob", "d o b", "date of birth", "dates of birth", "birthdate", "birthday", "born", "birth date", "nacimiento", "geboren", "geb",
    "geburtsdatum", "geburtstag", "naissance", "né", "née", "nacido", "nacida", "nascita", "nato", "nata", "nascimento", "nascido",
    "nascida", "geboortedatum", "fødselsdato", "födelsedatum", "urodzenia", "生年月日", "出生", "생년월일",
)  # fmt: skip

RECOGNIZERS = (
    Spec("DATE_OF_BIRTH", ((rf"(?i)(?:^|[^a-z])(?:{_BIRTH}){_IS}(?P<value>{_DATE})", 0.85),), context=_BORN),
    Spec("DATE_OF_BIRTH", ((rf"(?i)(?:^|[^a-z])(?:dob|date of birth|birth ?date){_IS}(?P<value>(?:19|20)\d{{2}}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01]))\b", 0.8),), context=_BORN),
    Spec(
        "DATE_OF_BIRTH",
        ((rf"(?i)\b(?P<value>{_DATE})", 0.2),),
        context=_BORN,
        against=("visit", "admitted", "admission", "discharge", "discharged", "issued", "issue date", "expires", "expiry", "expiration", "hired",
                 "hire date", "died", "death", "appointment", "due date", "updated", "invoice", "signed", "filed", "founded", "launched", "released"),
        requires_context=True,
    ),
    Spec(
        "MEDICAL_RECORD_NUMBER",
        (
            (rf"(?i)\b(?:mrn|medical[ _](?:record|file)|national health id|health id|patient[ _\-]?(?:id|identifier|number|no\.?|num|record|file)|hospital (?:number|no\.?|id)|health record|chart (?:number|no\.?|id|#)|unit record|case file){_LABEL}(?P<value>{_NUMBER}{{3,14}})\b", 0.75),
            (r"(?i)\bmrn[\-:#]?\d{4,12}\b", 0.7),
            (rf"(?i)\b(?:patientennummer|fallnummer|dossier m[ée]dical|num[ée]ro de dossier|historia cl[íi]nica|cartella clinica|prontu[áa]rio){_LABEL}(?P<value>{_NUMBER}{{3,14}})\b", 0.7),
        ),
        validate=_identifier,
    ),
    Spec(
        "HEALTH_INSURANCE_NUMBER",
        (
            (rf"(?i)\b(?:health[ _](?:insurance|plan|care|id|card)(?: (?:beneficiary|member|policy|card|claim))?|insurance|medicaid|medicare|(?:insurance|plan|health) member|member|subscriber|group (?:health )?plan|beneficiary|krankenversicherten|krankenkasse|versicherten)(?:[ _\-]?(?:id|identifier|number|no\.?|nummer|card|code|#)){{1,2}}{_LABEL}(?P<value>{_NUMBER}{{4,16}})\b", 0.7),
            (rf"(?i)\bhealth insurance{_LABEL}(?P<value>{_NUMBER}{{5,16}})\b", 0.65),
            (r"(?i)\binsurance: ?(?P<value>[A-Z]{2,5}-?\d[\dA-Z\-]{5,16})\b", 0.65),
            (r"\b(?:INS|HIN|HICN|HPID|HPBN)-\d{5,12}\b", 0.6),
        ),
        validate=_identifier,
    ),
    Spec(
        "INSURANCE_POLICY_NUMBER",
        (
            (rf"(?i)\b(?:(?:insurance|life|home|auto|car|motor|travel|renters?|homeowners?) )?polic(?:y|ies)(?:holder)?(?:[ _\-]?(?:number|no\.?|num\.?|nr\.?|id|#)){{1,2}}{_LABEL}(?P<value>{_NUMBER}{{4,18}})\b", 0.7),
            (rf"(?i)\b(?:insurance|insured under) policy{_LABEL}(?P<value>[A-Z]{{0,5}}[\-/]?\d[\dA-Z\-/]{{4,18}})\b", 0.65),
            (rf"(?i)\b(?:versicherungsschein|versicherungspolice|policen?|police d'assurance|p[óo]liza|polizza|ap[óo]lice|policennummer|polisnummer)(?:[ \-]?(?:nummer|nr\.?|n°|n[ºo]\.?|número|numero))?{_LABEL}(?P<value>[A-Z]{{1,5}}[\-/]?\d[\dA-Z\-/]{{4,18}})\b", 0.6),
            (r"\bPOL-\d{5,12}\b", 0.6),
        ),
        validate=_identifier,
    ),
    Spec(
        "EMPLOYEE_ID",
        (
            (rf"(?i)\b(?:employee|staff|personnel|payroll|worker|badge|emp)(?:[._ \-]{{0,2}}(?:id|identifier|number|no\.?|num|#|code)){{1,2}}{_LABEL}(?P<value>[A-Z]{{0,4}}[\-]?\d[\dA-Z\-]{{2,12}})\b", 0.7),
            (r"(?i)\bemployee\b[^\r\n;]{0,60}?\((?:employee )?id:? ?(?P<value>[A-Z]{0,4}-?\d[\dA-Z\-]{2,12})\)", 0.65),
            (rf"(?i)\b(?:personalnummer|mitarbeiternummer|matricule|n[úu]mero de empleado|matricola|personeelsnummer){_LABEL}(?P<value>[A-Z]{{0,4}}-?\d[\dA-Z\-]{{2,12}})\b", 0.7),
            (r"\b(?:EMP|EMPL|EID|EMPID)[\-_]?\d{4,8}\b", 0.6),
        ),
        validate=_employee,
    ),
    Spec(
        "GEO_COORDINATES",
        (
            # A pair with a comma, four decimals or more on both sides, and no third number.
            (r"(?:^|[^\w\s.,;+\-\[]\s{0,3}|[A-Za-z][.:]?\s{1,3})(?P<value>[-+]?\d{1,2}\.\d{4,12}(?:, ?|; ?)[-+]?\d{1,3}\.\d{4,12})(?:$|[^\w.,;]|[.,;](?:$|[^\d\s])|[.,;]\s(?:$|[^\d\s\-+]))", 0.55),
            (rf"(?i)[-+]?{_DEGREES} ?[NS](?:orth|outh)?(?:,|;| and| by)? {{0,2}}[-+]?{_DEGREES} ?[EW](?:est|ast)?\b", 0.85),
            (rf"(?i){_DMS} ?[NS](?:orth|outh)?(?:,|;| and| by)? {{0,2}}{_DMS} ?[EW](?:est|ast)?\b", 0.85),
            (r"(?i)\bgeo:-?\d{1,2}\.\d{2,12},-?\d{1,3}\.\d{2,12}", 0.9),
            (r"(?i)\b[NS] ?\d{1,2}[.°º ]\d{1,2}\.\d{2,6}'?,? ?[EW] ?\d{1,3}[.°º ]\d{1,2}\.\d{2,6}", 0.75),
            (r"(?i)\blat(?:itude)?\b[\"']?\.?(?: is)?\s?[:=]?\s?(?P<value>[-+]?\d{1,2}\.\d{3,12}°?(?: ?[NS]\b)?[,;&]?\s{0,6}(?:and )?[\"']?(?:long?|lng|longitude)\b[\"']?\.?(?: is)?\s?[:=]?\s?[-+]?\d{1,3}\.\d{3,12})", 0.85),
            (r"(?i)\b(?:coordinates|gps|lat ?/ ?(?:long?|lng)|located at|location)[^\d\r\n]{0,25}?(?P<value>[-+]?\d{1,2}\.\d{3,12}(?:[,;]| ) {0,2}[-+]?\d{1,3}\.\d{3,12})", 0.7),
            (r"(?i)[@?&/=](?P<value>-?\d{1,2}\.\d{4,12}(?:,|%2C)-?\d{1,3}\.\d{4,12})", 0.8),
        ),
        validate=_pair,
    ),
    Spec(
        "US_MEDICARE_BENEFICIARY_ID",
        (
            (r"\b[1-9][AC-HJKMNP-RT-Y][AC-HJKMNP-RT-Y0-9]\d-?[AC-HJKMNP-RT-Y][AC-HJKMNP-RT-Y0-9]\d-?[AC-HJKMNP-RT-Y]{2}\d{2}\b", 0.6),
        ),
        context=("medicare", "mbi", "beneficiary", "cms"),
        against=("serial", "sku", "model", "part", "order"),
    ),
    Spec(
        "US_NATIONAL_PROVIDER_ID",
        ((r"\b[12]\d{9}\b|\b[12]\d{3}[ \-]\d{3}[ \-]\d{3}\b", 0.3),),
        context=("npi", "national provider", "provider id", "provider identifier", "provider number"),
        requires_context=True,
        validate=npi,
    ),
    Spec(
        "US_NATIONAL_PROVIDER_ID",
        ((r"\bnpi(?:[ _\-]?(?:number|no\.?|num|id|#)){0,2}[^\w\n]{1,4}(?:is[^\w\n]{1,3})?(?P<value>\d{10})\b", 0.6),),
        ignore_case=True,
    ),
    Spec(
        "US_DEA_NUMBER",
        ((r"\b[ABCDEFGHJKLMPRSTUX][A-Z9]-?\d{7}\b", 0.3),),
        context=("dea", "drug enforcement", "prescriber", "controlled substance"),
        requires_context=True,
        ignore_case=True,
        validate=dea,
    ),
    Spec(
        "NZ_HEALTH_INDEX_NUMBER",
        ((r"\b[A-HJ-NP-Z]{3}\d{4}\b|\b[A-HJ-NP-Z]{3}\d{2}[A-HJ-NP-Z]{2}\b", 0.3),),
        context=("nhi", "health index", "national health number"),
        requires_context=True,
        ignore_case=True,
        validate=nhi,
    ),
    Spec(
        "AU_MEDICARE_NUMBER",
        ((r"\b[2-6]\d{3}[ \-]?\d{5}[ \-]?\d(?:[ /\-]?\d)?\b", 0.3),),
        context=("medicare", "irn"),
        requires_context=True,
        validate=au_medicare,
    ),
)  # fmt: skip
