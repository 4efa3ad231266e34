"""National identifiers of Europe. Numbers with one weak check digit count only beside a word that names them."""

from __future__ import annotations

import re

from guardrails.detectors.pii.recognizer import Spec
from guardrails.detectors.pii.recognizers import checks

__all__ = ["RECOGNIZERS"]


def _day(day: int, month: int) -> bool:
    return 1 <= day <= 31 and 1 <= month <= 12


def _de_tax(value: str) -> bool:
    """ISO 7064 MOD 11,10; one of the first ten digits stands twice or three times."""
    n = checks.digits(value)
    product = 10
    for d in n[:10]:
        total = (int(d) + product) % 10 or 10
        product = total * 2 % 11
    repeated = len(set(n[:10]))
    return n[0] != "0" and repeated in (8, 9) and (11 - product) % 10 == int(n[10])


def _de_card(value: str) -> bool:
    """ICAO 9303: weights 7 3 1."""
    v = checks.alnum(value)
    total = sum((int(c, 36)) * w for c, w in zip(v[:9], (7, 3, 1) * 3, strict=True))
    return total % 10 == int(v[9])


def _de_social(value: str) -> bool:
    """Letter as two digits; weights 2 1 2 5 7 1 2 1 2 1 2 1 over digit sums, modulo 10."""
    v = checks.alnum(value)
    n = v[:8] + f"{ord(v[8]) - 64:02d}" + v[9:11]
    total = sum(sum(divmod(int(d) * w, 10)) for d, w in zip(n, (2, 1, 2, 5, 7, 1, 2, 1, 2, 1, 2, 1), strict=True))
    return total % 10 == int(v[11])


def _fr_nir(value: str) -> bool:
    """97 minus the number modulo 97; Corsica's 2A and 2B count as 19 and 18."""
    v = checks.alnum(value).replace("2A", "19", 1).replace("2B", "18", 1)
    return v.isdigit() and len(v) == 15 and 97 - int(v[:13]) % 97 == int(v[13:])


_NIF = "TRWAGMYFPDXBNJZSQVHLCKE"


def _es_nif(value: str) -> bool:
    v = checks.alnum(value)
    return _NIF[int(v[:-1]) % 23] == v[-1]


def _es_nie(value: str) -> bool:
    v = checks.alnum(value)
    return _NIF[int(str("XYZ".index(v[0])) + v[1:-1]) % 23] == v[-1]


_IT_ODD = (1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23)


def _it_code(value: str) -> bool:
    """Odd places through a table, even ones as they are; the sum modulo 26 is the last letter."""
    v = checks.alnum(value)
    total = 0
    for i, c in enumerate(v[:15]):
        n = int(c) if c.isdigit() else ord(c) - 65
        total += _IT_ODD[n] if i % 2 == 0 else n
    return chr(65 + total % 26) == v[15]


def _nl_bsn(value: str) -> bool:
    n = checks.digits(value).zfill(9)
    return checks.weighted(n, (9, 8, 7, 6, 5, 4, 3, 2, -1), 11) and checks.distinct(n)


def _pesel(value: str) -> bool:
    n = checks.digits(value)
    return checks.weighted(n, (1, 3, 7, 9, 1, 3, 7, 9, 1, 3, 1), 10) and _day(int(n[4:6]), int(n[2:4]) % 20)


def _pt_nif(value: str) -> bool:
    n = checks.digits(value)
    check = 11 - sum(int(d) * w for d, w in zip(n[:8], range(9, 1, -1), strict=True)) % 11
    return (0 if check > 9 else check) == int(n[8])


def _be_national(value: str) -> bool:
    n = checks.digits(value)
    return any(97 - int(prefix + n[:9]) % 97 == int(n[9:]) for prefix in ("", "2")) and int(n[2:4]) % 20 <= 12


def _ahv(value: str) -> bool:
    n = checks.digits(value)
    return checks.weighted(n, (1, 3) * 6 + (1,), 10)


def _se_personal(value: str) -> bool:
    n = checks.digits(value)[-10:]
    return checks.luhn(n) and 1 <= int(n[2:4]) <= 12 and 1 <= int(n[4:6]) % 60 <= 31


def _fi_hetu(value: str) -> bool:
    v = value.upper()
    number = int(v[:6] + v[7:10])
    return "0123456789ABCDEFHJKLMNPRSTUVWXY"[number % 31] == v[10] and _day(int(v[:2]), int(v[2:4]))


def _no_id(value: str) -> bool:
    n = checks.digits(value)
    first = checks.weighted(n[:10], (3, 7, 6, 1, 8, 9, 4, 5, 2, 1), 11)
    return first and checks.weighted(n, (5, 4, 3, 2, 7, 6, 5, 4, 3, 2, 1), 11) and checks.distinct(n)


def _dk_cpr(value: str) -> bool | None:
    n = checks.digits(value)
    return None if _day(int(n[:2]), int(n[2:4])) else False


def _ie_pps(value: str) -> bool:
    """Weights 8 to 2, plus nine times the second letter; modulo 23 gives the first letter."""
    v = checks.alnum(value)
    total = sum(int(d) * w for d, w in zip(v[:7], range(8, 1, -1), strict=True))
    total += 9 * (ord(v[8]) - 64) if len(v) == 9 and v[8] != "W" else 0
    return "WABCDEFGHIJKLMNOPQRSTUV"[total % 23] == v[7]


def _tr_id(value: str) -> bool:
    n = [int(d) for d in checks.digits(value)]
    tenth = (7 * sum(n[0:9:2]) - sum(n[1:8:2])) % 10
    return n[0] != 0 and tenth == n[9] and sum(n[:10]) % 10 == n[10]


# Shapes of VAT numbers by country (European Commission, VIES).
_VAT = re.compile(
    r"ATU\d{8}|BE[01]\d{9}|BG\d{9,10}|CY\d{8}[A-Z]|CZ\d{8,10}|DE\d{9}|DK\d{8}|EE\d{9}|EL\d{9}|ES[A-Z0-9]\d{7}[A-Z0-9]|FI\d{8}|"
    r"FR[A-Z0-9]{2}\d{9}|HR\d{11}|HU\d{8}|IE\d[A-Z0-9+*]\d{5}[A-Z]{1,2}|IT\d{11}|LT(?:\d{9}|\d{12})|LU\d{8}|LV\d{11}|MT\d{8}|"
    r"NL\d{9}B\d{2}|PL\d{10}|PT\d{9}|RO\d{2,10}|SE\d{12}|SI\d{8}|SK\d{10}"
)


def _vat(value: str) -> bool | None:
    return None if _VAT.fullmatch(checks.alnum(value)) else False


RECOGNIZERS = (
    Spec("UK_PASSPORT_NUMBER", ((r"\b\d{9}\b|\b[A-Z]{2}\d{7}\b", 0.3),), requires_context=True,
         context=("uk passport", "british passport", "passport", "hm passport", "passport number"), against=("us passport", "american")),
    Spec("EU_VAT_NUMBER", ((r"\b(?:ATU|BE|BG|CY|CZ|DE|DK|EE|EL|ES|FI|FR|HR|HU|IE|IT|LT|LU|LV|MT|NL|PL|PT|RO|SE|SI|SK) ?[A-Z0-9][A-Z0-9 .]{1,3}\d[A-Z0-9 .]{3,11}[A-Z0-9]\b", 0.3),),
         requires_context=True, context=("vat", "vat number", "vat id", "ust", "ustid", "ust idnr", "tva", "iva", "btw", "mwst", "umsatzsteuer"), validate=_vat),
    Spec("DE_TAX_ID", ((r"\b\d{2} ?\d{3} ?\d{3} ?\d{3}\b", 0.4),), requires_context=True,
         context=("steuer", "steuer id", "steueridentifikationsnummer", "steuerid", "idnr", "tin", "tax id", "german tax", "identifikationsnummer", "tax"), validate=_de_tax),
    Spec("DE_ID_CARD", ((r"\b[CFGHJKLMNPRTVWXYZ][CFGHJKLMNPRTVWXYZ0-9]{8}\d\b", 0.4),), requires_context=True,
         context=("personalausweis", "ausweis", "ausweisnummer", "id card", "identity card", "german id", "reisepass"), validate=_de_card),
    Spec("DE_SOCIAL_SECURITY_NUMBER", ((r"\b\d{2} ?[0-3]\d[01]\d\d{2} ?[A-Z] ?\d{3}\b", 0.5),),
         context=("rentenversicherung", "sozialversicherung", "sozialversicherungsnummer", "versicherungsnummer", "rvnr", "svnr"), validate=_de_social),
    Spec("FR_SOCIAL_SECURITY_NUMBER", ((r"\b[1-478] ?\d{2} ?(?:0[1-9]|1[0-2]|[2-9]\d) ?(?:\d{2}|2[AB]) ?\d{3} ?\d{3} ?\d{2}\b", 0.5),),
         context=("nir", "sécurité sociale", "securite sociale", "insee", "carte vitale", "social security"), validate=_fr_nir),
    Spec("ES_NIF", ((r"\b\d{8}[ \-]?[A-HJ-NP-TV-Z]\b", 0.4),), context=("nif", "dni", "documento nacional", "identificación", "identificacion"), validate=_es_nif),
    Spec("ES_NIE", ((r"\b[XYZ][ \-]?\d{7}[ \-]?[A-HJ-NP-TV-Z]\b", 0.5),), context=("nie", "extranjero", "identificación"), validate=_es_nie),
    Spec("IT_FISCAL_CODE", ((r"\b[A-Z]{6}\d{2}[A-EHLMPRST]\d{2}[A-Z]\d{3}[A-Z]\b", 0.6),), ignore_case=True,
         context=("codice fiscale", "fiscale", "fiscal code", "cf"), validate=_it_code),
    Spec("NL_CITIZEN_SERVICE_NUMBER", ((r"\b\d{9}\b|\b\d{4}[. ]\d{2}[. ]\d{3}\b|\b\d{3}[. ]\d{3}[. ]\d{3}\b", 0.3),), requires_context=True,
         context=("bsn", "burgerservicenummer", "sofi", "sofinummer", "citizen service"), validate=_nl_bsn),
    Spec("PL_PESEL", ((r"\b\d{11}\b", 0.3),), requires_context=True, context=("pesel", "numer pesel"), validate=_pesel),
    Spec("PT_TAX_ID", ((r"\b[1235689]\d{2} ?\d{3} ?\d{3}\b", 0.3),), requires_context=True,
         context=("nif", "contribuinte", "número de contribuinte", "numero de contribuinte", "portuguese tax", "identificação fiscal"), validate=_pt_nif),
    Spec("BE_NATIONAL_NUMBER", ((r"\b\d{2}[.\-]?\d{2}[.\-]?\d{2}[ .\-]?\d{3}[ .\-]?\d{2}\b", 0.4),), requires_context=True,
         context=("rijksregister", "rijksregisternummer", "registre national", "national number", "nn", "niss", "insz", "numéro national"), validate=_be_national),
    Spec("CH_SOCIAL_SECURITY_NUMBER", ((r"\b756[. ]?\d{4}[. ]?\d{4}[. ]?\d{2}\b", 0.6),), context=("ahv", "avs", "oasi", "ahv nummer"), validate=_ahv),
    Spec("SE_PERSONAL_NUMBER", ((r"\b(?:19|20)?\d{6}[\-+]\d{4}\b", 0.5), (r"\b(?:19|20)?\d{10}\b", 0.2)), requires_context=True,
         context=("personnummer", "personal number", "samordningsnummer", "swedish"), validate=_se_personal),
    Spec("FI_PERSONAL_IDENTITY_CODE", ((r"\b[0-3]\d[01]\d{3}[\-+A-FU-Y]\d{3}[0-9A-FHJ-NPR-Y]\b", 0.6),),
         context=("hetu", "henkilötunnus", "henkilotunnus", "personal identity code"), validate=_fi_hetu),
    Spec("NO_NATIONAL_ID", ((r"\b[0-7]\d[0-5]\d{3} ?\d{5}\b", 0.5),), requires_context=True,
         context=("fødselsnummer", "fodselsnummer", "personnummer", "national identity", "norwegian", "d-nummer"), validate=_no_id),
    Spec("DK_CPR_NUMBER", ((r"\b[0-3]\d[01]\d{3}-\d{4}\b", 0.4), (r"\b[0-3]\d[01]\d{7}\b", 0.2)), requires_context=True,
         context=("cpr", "cpr nummer", "personnummer", "danish"), validate=_dk_cpr),
    Spec("IE_PERSONAL_PUBLIC_SERVICE_NUMBER", ((r"\b\d{7}[A-W][A-IW]?\b", 0.4),),
         context=("pps", "ppsn", "personal public service", "irish"), validate=_ie_pps),
    Spec("TR_NATIONAL_ID", ((r"\b[1-9]\d{10}\b", 0.4),), requires_context=True,
         context=("tc kimlik", "kimlik", "kimlik no", "tckn", "turkish id", "tc no"), validate=_tr_id),
)  # fmt: skip
