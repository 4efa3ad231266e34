"""The names by which values are announced: directly behind one of its own, a value counts though its check digit is wrong.

People mistype a number that they call by its name, and systems make numbers up; whoever reads ``IBAN: …`` takes what follows for one.
The form must still be right, and what lies between name and value is punctuation, ``number``, ``no``, ``is`` and the like.
"""

from __future__ import annotations

import re
from functools import cache

__all__ = ["LABELS", "announced"]

# By type: regexes in lower case. A blank stands for anything or nothing that is no letter or digit.
LABELS: dict[str, tuple[str, ...]] = {
    "CREDIT_DEBIT_CARD_NUMBER": (
        "card",
        "visa",
        "mastercard",
        "master card",
        "amex",
        "american express",
        "ccn",
        "full number",
    ),
    "US_NATIONAL_PROVIDER_ID": ("npi", "national provider identifier", "national provider id"),
    "US_DEA_NUMBER": ("dea",),
    "CA_SOCIAL_INSURANCE_NUMBER": ("sin", "social insurance", "assurance sociale", "nas"),
    "UK_NATIONAL_HEALTH_SERVICE_NUMBER": ("nhs", "national health service"),
    "UK_UNIQUE_TAXPAYER_REFERENCE_NUMBER": ("utr", "unique taxpayer reference"),
    "UK_NATIONAL_INSURANCE_NUMBER": ("national insurance", "nino", "ni"),
    "VEHICLE_IDENTIFICATION_NUMBER": ("vin", "vehicle identification", "chassis"),
    "IMEI": ("imei",),
    "EU_VAT_NUMBER": ("vat", "vat id", "ust id", "ust idnr", "tva", "partita iva", "btw"),
    "DE_TAX_ID": ("steuer id", "steueridentifikationsnummer", "steuerliche identifikationsnummer", "idnr"),
    "DE_SOCIAL_SECURITY_NUMBER": ("rentenversicherungsnummer", "sozialversicherungsnummer", "rvnr", "sv nummer"),
    "AT_SOCIAL_SECURITY_NUMBER": ("sozialversicherungsnummer", "svnr", "sv nummer"),
    "CH_SOCIAL_SECURITY_NUMBER": ("ahv", "ahv nummer", "avs"),
    "FR_SOCIAL_SECURITY_NUMBER": ("nir", "sécurité sociale", "securite sociale", "numéro de sécu", "insee"),
    "ES_NIF": ("dni", "nif", "dni nif"),
    "ES_NIE": ("nie",),
    "IT_FISCAL_CODE": ("codice fiscale", "cod fisc", "fiscal code"),
    "NL_CITIZEN_SERVICE_NUMBER": ("bsn", "burgerservicenummer", "sofinummer"),
    "PL_PESEL": ("pesel",),
    "PT_TAX_ID": ("nif", "contribuinte", "número de contribuinte"),
    "BE_NATIONAL_NUMBER": ("rijksregisternummer", "registre national", "niss", "insz"),
    "SE_PERSONAL_NUMBER": ("personnummer", "samordningsnummer", "personal identity"),
    "FI_PERSONAL_IDENTITY_CODE": ("hetu", "henkilötunnus", "personal identity code"),
    "NO_NATIONAL_ID": ("fødselsnummer", "fodselsnummer", "fnr", "personnummer"),
    "DK_CPR_NUMBER": ("cpr", "cpr nummer"),
    "IE_PERSONAL_PUBLIC_SERVICE_NUMBER": ("pps", "ppsn"),
    "TR_NATIONAL_ID": ("tc kimlik", "tckn", "kimlik"),
    "AU_TAX_FILE_NUMBER": ("tfn", "tax file"),
    "AU_BUSINESS_NUMBER": ("abn", "australian business"),
    "AU_MEDICARE_NUMBER": ("medicare", "medicare card"),
    "IN_AADHAAR": ("aadhaar", "aadhar", "adhaar", "आधार"),
    "IN_PERMANENT_ACCOUNT_NUMBER": ("pan", "pan card", "permanent account"),
    "SG_NRIC": ("nric", "fin"),
    "JP_MY_NUMBER": ("my number", "マイナンバー", "個人番号"),
    "CN_RESIDENT_ID": ("身份证", "身份证号", "身份证号码", "身份證", "公民身份号码"),
    "BR_CPF": ("cpf",),
    "MX_CURP": ("curp",),
    "ZA_ID_NUMBER": ("south african id", "sa id", "rsa id"),
    "TH_NATIONAL_ID": ("thai id", "บัตรประชาชน", "เลขประจำตัวประชาชน"),
}
# Cards that no bank gives out.
_OTHER_CARDS = frozenset(
    "gift sim id identity library loyalty member membership memory sd graphics sound network report punch score business green health medicare "
    "insurance train rail bus travel key access post postal wild flash index birthday phone calling video rewards bonus fuel student press wire".split()
)
_BETWEEN = (
    r"(?:[\W_]{0,3}(?:numbers?|no|nr|num|nummer|numero|número|numéro|nº|n°|id|code|card|is|was|are|ist|lautet|est|es|on file|ends?|ending|value))*"
    r"[^\w\n}]{0,6}$"
)
# Fewer different digits are a sample (000.000.000-00).
_DIFFERENT = 3
_CHARACTERS = 80  # that are looked at before a value


@cache
def _compiled(entity: str) -> re.Pattern[str] | None:
    """What finds a name of the type; most types never meet a wrong check digit, so it is made when one does."""
    names = LABELS.get(entity)
    if names is None:
        return None
    texts = (r"[\W_]{0,3}".join(re.escape(w) for w in name.split()) for name in sorted(names, key=lambda n: -len(n)))
    return re.compile(rf"(?:(?P<kind>[^\W\d_]+)[ \-])?(?<![^\W_])(?:{'|'.join(texts)}){_BETWEEN}")


def announced(entity: str, text: str, start: int, end: int) -> bool:
    """True when a name of the type ``entity`` stands directly before ``text[start:end]``, which is no sample of one digit."""
    pattern = _compiled(entity)
    if pattern is None or len({c for c in text[start:end] if c.isdigit()}) < _DIFFERENT:
        return False
    found = pattern.search(text[max(0, start - _CHARACTERS) : start].lower())
    return found is not None and found["kind"] not in _OTHER_CARDS
