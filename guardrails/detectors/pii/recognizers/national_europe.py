"""National identifiers of Europe. Numbers with one weak check digit count only beside a word that names them."""

from __future__ import annotations

import re

from guardrails.detectors.pii.recognizer import Spec
from guardrails.detectors.pii.recognizers import checks
from guardrails.detectors.pii.recognizers import national_checks as proof

__all__ = ["RECOGNIZERS", "vat"]

# Shapes of VAT numbers by country (European Commission, VIES). XI is Northern Ireland.
_VAT_SHAPES = (
    r"ATU\d{8}|BE[01]\d{9}|BG\d{9,10}|CY\d{8}[A-Z]|CZ\d{8,10}|DE\d{9}|DK\d{8}|EE\d{9}|EL\d{9}|ES[A-Z]\d{7}[A-Z0-9]|"
    r"ES\d{8}[A-Z]|FI\d{8}|FR[A-HJ-NP-Z0-9]{2}\d{9}|HR\d{11}|HU\d{8}|IE\d[A-Z0-9]\d{5}[A-Z]{1,2}|IT\d{11}|"
    r"LT(?:\d{9}|\d{12})|LU\d{8}|LV\d{11}|MT\d{8}|NL\d{9}B\d{2}|PL\d{10}|PT\d{9}|RO\d{2,10}|SE\d{10}01|SI\d{8}|SK\d{10}|"
    r"XI(?:\d{9}|\d{12})"
)
_VAT = re.compile(_VAT_SHAPES)
# The same with a blank, dot or dash between the characters after the country.
_VAT_WRITTEN = (
    r"\b(?:ATU ?|BE ?|BG ?|CY ?|CZ ?|DE ?|DK ?|EE ?|EL ?|ES ?|FI ?|FR ?|HR ?|HU ?|IE ?|IT ?|LT ?|LU ?|LV ?|MT ?|NL ?|PL ?|"
    r"PT ?|RO ?|SE ?|SI ?|SK ?|XI ?)(?:[A-Z0-9]{1,2}[ .\-]?)?\d(?:[ .\-]?\d){4,11}(?:[ .]?B ?\d{2}|[A-Z]{1,2})?\b"
)


def _remainder(number: str) -> bool | None:
    """The letters or digits of a VAT number's check, where it is a short sum."""
    country, n = number[:2], number[2:]
    if country == "FR" and n.isdigit():
        return int(n[:2]) == (12 + 3 * (int(n[2:]) % 97)) % 97
    if country == "IT":
        return checks.luhn(n)
    if country == "BE":
        return 97 - int(n[:8]) % 97 == int(n[8:])
    if country == "LU":
        return int(n[:6]) % 89 == int(n[6:])
    if country == "DE":
        product = 10
        for d in n[:8]:
            product = ((int(d) + product) % 10 or 10) * 2 % 11
        return (11 - product) % 10 == int(n[8])
    if country == "PL":
        return checks.weighted(n, (6, 5, 7, 2, 3, 4, 5, 6, 7, -1), 11)
    if country == "DK":
        return checks.weighted(n, (2, 7, 6, 5, 4, 3, 2, 1), 11)
    if country == "FI":
        return checks.weighted(n, (7, 9, 10, 5, 8, 4, 2, 1), 11)
    if country == "PT":
        return proof.pt_nif(n)
    return None


def vat(value: str) -> bool | None:
    """The country's shape, and its checksum for BE, DE, DK, FI, FR, IT, LU, PL and PT."""
    number = checks.alnum(value)
    return _remainder(number) if _VAT.fullmatch(number) else False


RECOGNIZERS = (
    Spec("UK_PASSPORT_NUMBER", ((r"\b\d{9}\b|\b[A-Z]{2}\d{7}\b", 0.35),), requires_context=True, context=("uk passport", "british passport", "hm passport", "united kingdom passport", "passport uk", "passport gb")),
    # Any passport: under the American type's score, which has the same shape.
    Spec("UK_PASSPORT_NUMBER", ((r"\b\d{9}\b|\b[A-Z]{2}\d{7}\b", 0.1),), requires_context=True, context=("passport",), against=("us passport", "american", "u s passport", "indian passport", "united states")),
    Spec("EU_VAT_NUMBER", ((_VAT_WRITTEN, 0.4),), requires_context=True, validate=vat,
         context=("vat", "value added tax", "ust", "ustid", "ust id", "ust idnr", "tva", "iva", "btw", "mwst", "umsatzsteuer", "partita iva", "p iva", "moms", "dph", "nip", "alv", "uid", "tax number", "vies")),
    Spec("DE_TAX_ID", ((r"\b\d{2} ?\d{3} ?\d{3} ?\d{3}\b|\b\d{2}/\d{3}/\d{3}/\d{3}\b", 0.4),), requires_context=True, validate=proof.de_tax,
         context=("steuer", "steuer id", "idnr", "id nr", "tin", "tax id", "tax identification", "german tax", "identifikationsnummer", "tax number")),
    Spec("DE_ID_CARD", ((r"\b[CFGHJKLMNPRTVWXYZ][CFGHJKLMNPRTVWXYZ0-9]{8}\d?\b", 0.3),), requires_context=True, validate=proof.de_card,
         context=("personalausweis", "ausweis", "perso", "id card", "identity card", "german id", "reisepass")),
    Spec("AT_SOCIAL_SECURITY_NUMBER", ((r"\b[1-9]\d{3}[ /\-]?[0-3]\d[01]\d\d{2}\b", 0.3), (r"\b[1-9]\d{3}[ /\-][0-3]\d\.?[01]\d\.?\d{2}\b", 0.3)), requires_context=True, validate=proof.at_social,
         context=("sozialversicherung", "versicherungsnummer", "svnr", "sv nr", "sv nummer", "vsnr", "e card", "österreich", "austria", "social security", "insurance number")),
    Spec("DE_SOCIAL_SECURITY_NUMBER", ((r"\b\d{2} ?[0-3]\d[01]\d\d{2} ?[A-Z] ?\d{2} ?\d\b", 0.5),), validate=proof.de_social,
         context=("rentenversicherung", "sozialversicherung", "versicherungsnummer", "rvnr", "svnr", "sv nummer", "social security")),
    # Written in its groups it is plain what it is; a run of fifteen digits may be a card.
    Spec("FR_SOCIAL_SECURITY_NUMBER", ((r"\b[1-478][ .]\d{2}[ .](?:0[1-9]|1[0-2]|[2-9]\d)[ .](?:\d{2}|2[AB])[ .]\d{3}[ .]\d{3}(?:[ .]| ?/ ?)\d{2}\b", 0.6),), validate=proof.fr_nir,
         context=("nir", "sécurité sociale", "insee", "carte vitale")),
    Spec("FR_SOCIAL_SECURITY_NUMBER", ((r"\b[1-478] ?\d{2} ?(?:0[1-9]|1[0-2]|[2-9]\d) ?(?:\d{2}|2[AB]) ?\d{3} ?\d{3} ?\d{2}\b", 0.4),), requires_context=True, validate=proof.fr_nir,
         context=("nir", "sécurité sociale", "securite sociale", "sécu", "secu", "insee", "carte vitale", "social security", "numéro de sécu", "numero de secu")),
    Spec("ES_NIF", ((r"\b(?:\d{8}|\d{2}\.\d{3}\.\d{3})[ \-]?[A-HJ-NP-TV-Z]\b|\b[KLM]-?\d{7}-?[A-HJ-NP-TV-Z]\b", 0.6),), validate=proof.plausible(proof.es_nif), ignore_case=True,
         context=("nif", "dni", "documento nacional", "identificación", "identificacion"), against=proof.GOODS),
    Spec("ES_NIE", ((r"\b[XYZ][ \-]?(?:\d{7}|\d\.\d{3}\.\d{3})[ \-]?[A-HJ-NP-TV-Z]\b", 0.65),), validate=proof.plausible(proof.es_nie), ignore_case=True,
         context=("nie", "extranjero", "identificación", "identificacion"), against=proof.GOODS),
    Spec("IT_FISCAL_CODE", ((r"\b[A-Z]{3} ?[A-Z]{3} ?[0-9LMNPQRSTUV]{2} ?[A-EHLMPRST] ?[0-9LMNPQRSTUV]{2} ?[A-Z][0-9LMNPQRSTUV]{3} ?[A-Z]\b", 0.6),), validate=proof.it_code,
         context=("codice fiscale", "fiscale", "fiscal code", "cod fisc", "cf")),
    Spec("IT_FISCAL_CODE", ((r"\b[a-z]{6}\d{2}[a-ehlmprst]\d{2}[a-z]\d{3}[a-z]\b", 0.6),), validate=proof.it_code),
    Spec("NL_CITIZEN_SERVICE_NUMBER", ((r"\b\d{9}\b|\b\d{4}[. \-]\d{2}[. \-]\d{3}\b|\b\d{3}[. \-]\d{3}[. \-]\d{3}\b", 0.35),), requires_context=True, validate=proof.nl_bsn,
         context=("bsn", "burgerservicenummer", "burger service nummer", "sofi", "sofinummer", "citizen service")),
    Spec("PL_PESEL", ((r"\b\d{11}\b|\b\d{6} \d{5}\b", 0.4),), requires_context=True, validate=proof.pl_pesel,
         context=("pesel", "ewidencyjny", "polish id", "polish national")),
    Spec("PT_TAX_ID", ((r"\b[1235689]\d{2}[ .]?\d{3}[ .]?\d{3}\b", 0.35),), requires_context=True, validate=proof.pt_nif,
         context=("nif", "contribuinte", "portuguese tax", "identificação fiscal", "identificacao fiscal", "finanças")),
    Spec("BE_NATIONAL_NUMBER", ((r"\b\d{2}\.\d{2}\.\d{2}[\- ]\d{3}[.\-]\d{2}\b", 0.6),), validate=proof.be_national,
         context=("rijksregister", "registre national", "national number", "niss", "insz")),
    Spec("BE_NATIONAL_NUMBER", ((r"\b\d{2}[./\- ]?\d{2}[./\- ]?\d{2}[ .\-]?\d{3}[ .\-]?\d{2}\b", 0.4),), requires_context=True, validate=proof.be_national,
         context=("rijksregister", "registre national", "national number", "national register", "niss", "insz", "numéro national", "numero national", "nationalregister", "belgian")),
    Spec("CH_SOCIAL_SECURITY_NUMBER", ((r"\b756[. \-]?\d{4}[. \-]?\d{4}[. \-]?\d{2}\b", 0.6),), validate=proof.ch_ahv,
         context=("ahv", "avs", "oasi", "sozialversicherung", "numero avs")),
    Spec("SE_PERSONAL_NUMBER", ((r"\b(?:18|19|20)\d{6}[\-+]\d{4}\b", 0.6),), validate=proof.se_personal, context=("personnummer", "samordningsnummer")),
    Spec("SE_PERSONAL_NUMBER", ((r"\b(?:18|19|20)?\d{6}[\-+ ]?\d{4}\b", 0.4),), requires_context=True, validate=proof.se_personal,
         context=("personnummer", "personal number", "personal identity number", "samordningsnummer", "pnr", "swedish")),
    Spec("FI_PERSONAL_IDENTITY_CODE", ((r"\b[0-3]\d[01]\d{3}[\-+A-FU-Y]\d{3}[0-9A-FHJ-NPR-Y]\b", 0.6),), ignore_case=True, validate=proof.fi_hetu,
         context=("hetu", "henkilötunnus", "henkilotunnus", "personbeteckning", "personal identity code")),
    Spec("NO_NATIONAL_ID", ((r"\b[0-7]\d[01489]\d{3}[ \-]?\d{5}\b|\b[0-7]\d[67]\d{3}[ \-]?\d{5}\b|\b[0-7]\d5[0-2]\d{2}[ \-]?\d{5}\b", 0.5),), requires_context=True, validate=proof.no_id,
         context=("fødselsnummer", "fodselsnummer", "fnr", "personnummer", "national identity", "norwegian", "d nummer", "birth number")),
    Spec("DK_CPR_NUMBER", ((r"\b[0-3]\d[01]\d{3}[\- ]\d{4}\b", 0.4), (r"\b[0-3]\d[01]\d{7}\b", 0.2)), requires_context=True, validate=proof.dk_cpr,
         context=("cpr", "cpr nummer", "personnummer", "danish", "civil registration")),
    Spec("IE_PERSONAL_PUBLIC_SERVICE_NUMBER", ((r"\b\d{7} ?[A-W][A-IW]?\b", 0.4),), requires_context=True, ignore_case=True, validate=proof.ie_pps,
         context=("pps", "ppsn", "personal public service", "irish", "rsi")),
    Spec("IE_PERSONAL_PUBLIC_SERVICE_NUMBER", ((r"\b\d{7}[A-W][A-IW]\b", 0.6),), validate=proof.plausible(proof.ie_pps), against=proof.GOODS),
    Spec("TR_NATIONAL_ID", ((r"\b[1-9]\d{10}\b|\b[1-9]\d{2} \d{3} \d{3} \d{2}\b", 0.5),), requires_context=True, validate=proof.tr_id,
         context=("tc kimlik", "kimlik", "tckn", "turkish id", "turkish national", "tc no", "t c")),
)  # fmt: skip
