"""How to reach somebody: mail, telephone, street."""

from __future__ import annotations

import re

from guardrails.detectors.pii.recognizer import Spec
from guardrails.detectors.pii.recognizers import checks

__all__ = ["RECOGNIZERS"]

_FILES = frozenset(
    "png jpg jpeg gif svg webp bmp ico css js ts jsx tsx json html htm xml md py java exe dll zip pdf".split()
)


# What a line break leaves when a view drops it: "comBob", "orgtel". No top-level domain looks like that.
_RUN_ON = re.compile(
    r"[A-Za-z]*[a-z][A-Z]|(?i:com(?!$|munity$|pany$|puter$|pare$|mbank$|sec$)|org(?!$|anic$)|net(?!$|work$|bank$|flix$)|edu(?!$|cation$)|gov(?!$))"
)
_ARTICLES = frozenset("the a an this that these my our your his her its their one any some each".split())


def email(value: str) -> bool | None:
    """No file of the shape ``icon@2x.png``, no two dots in a row, no sentence ("look at the dot com …", spelt or decoded)."""
    host = re.split(r"@|\bat\b", value.lower())[-1].strip(" )]}>").split()[0]
    if host.split(".")[0] in _ARTICLES:
        return False
    top = re.split(r"[.\s]", value.rstrip(")]}> "))[-1]
    return False if top.lower() in _FILES or ".." in value or _RUN_ON.match(top) else None


# International calling codes of one, two and three digits (ITU-T E.164 list of assigned codes).
_CODES = frozenset(
    "1 7 20 27 30 31 32 33 34 36 39 40 41 43 44 45 46 47 48 49 51 52 53 54 55 56 57 58 60 61 62 63 64 65 66 81 82 84 86 "
    "90 91 92 93 94 95 98 211 212 213 216 218 220 221 222 223 224 225 226 227 228 229 230 231 232 233 234 235 236 237 "
    "238 239 240 241 242 243 244 245 246 247 248 249 250 251 252 253 254 255 256 257 258 260 261 262 263 264 265 266 "
    "267 268 269 290 291 297 298 299 350 351 352 353 354 355 356 357 358 359 370 371 372 373 374 375 376 377 378 380 "
    "381 382 383 385 386 387 389 420 421 423 500 501 502 503 504 505 506 507 508 509 590 591 592 593 594 595 596 597 "
    "598 599 670 672 673 674 675 676 677 678 679 680 681 682 683 685 686 687 688 689 690 691 692 800 808 850 852 853 "
    "855 856 870 878 880 881 882 883 886 888 960 961 962 963 964 965 966 967 968 970 971 972 973 974 975 976 977 979 "
    "992 993 994 995 996 998".split()
)


def international(value: str) -> bool | None:
    """An assigned calling code and 8 to 15 digits (E.164)."""
    digits = checks.digits(value)
    if digits.startswith("00"):
        digits = digits[2:]
    return (
        None
        if 8 <= len(digits) <= 15 and len(set(digits)) > 2 and any(digits[:n] in _CODES for n in (1, 2, 3))
        else False
    )


_DATE = re.compile(
    r"\d{4}[-/. ]\d{1,2}[-/. ]\d{1,2}|\d{1,2}[-/. ]\d{1,2}[-/. ]\d{2,4}|(?:19|20)\d\d ?[-–] ?(?:19|20)\d\d|(?:19|20)\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])$"
)


def national(value: str) -> bool | None:
    """Seven to thirteen digits that are neither a date, nor a span of years, nor one number with a decimal point."""
    digits = checks.digits(value)
    if not 7 <= len(digits) <= 13 or len(set(digits)) < 3 or _DATE.match(value) or re.fullmatch(r"\d+\.\d+", value):
        return False
    return None


PHONE_WORDS = (
    "phone",
    "telephone",
    "tel",
    "mobile",
    "cell",
    "cellphone",
    "fax",
    "call me",
    "call us",
    "call",
    "dial",
    "whatsapp",
    "sms",
    "text me",
    "hotline",
    "landline",
    "ring",
    "reach me",
    "contact number",
    "telefon",
    "teléfono",
    "téléphone",
    "handy",
)
_NOT_PHONE = (
    "order",
    "invoice",
    "ticket",
    "tracking",
    "isbn",
    "issn",
    "account",
    "routing",
    "ssn",
    "social security",
    "version",
    "sku",
    "serial",
    "imei",
    "case",
    "doi",
    "timestamp",
    "npi",
    "nhs",
    "mrn",
    "card",
    "iban",
    "function",
    "passport",
    "policy",
    "pmid",
    "id",
    "reference",
    "gene",
    "omim",
)
_EXT = r"(?: ?,? ?(?:x|ext\.?|extension) ?\d{1,6})?"

# An abbreviation may end with a full stop; after a whole word it ends the sentence.
_SUFFIX = (
    r"(?:(?:Street|Avenue|Road|Boulevard|Lane|Drive|Court|Place|Square|Terrace|Way|Parkway|Highway|Circle|Trail|Crescent|"
    r"Close|Loop|Alley|Row|Mews|Gardens|Grove|Hill|Walk|Broadway|Turnpike|Pike|Plaza|Heights|Ridge|Quay|Wharf|Esplanade)\b|"
    r"(?:St|Ave|Av|Rd|Blvd|Ln|Dr|Ct|Pl|Sq|Ter|Pkwy|Hwy|Cir|Trl|Cres)\b\.?)"
)
_STATE = r"(?:A[KLRZ]|C[AOT]|D[CE]|FL|GA|HI|I[ADLN]|K[SY]|LA|M[ADEINOST]|N[CDEHJMVY]|O[HKR]|PA|RI|S[CD]|T[NX]|UT|V[AT]|W[AIVY])"
_CAP = r"(?:[A-ZÀ-Þ][\wÀ-ɏ'’.\-]{0,24}|\d{1,3}(?:st|nd|rd|th))"
_UNIT = r"(?:,? ?(?:Apt|Apartment|Suite|Ste|Unit|Flat|Floor|Fl|Room|Rm|#)\.? ?#?\w{1,6})?"
_POSTCODE = r"[A-Z]{1,2}\d[A-Z\d]? ?\d[ABD-HJLNP-UW-Z]{2}"
_TAIL = (
    r"(?:,?\s{1,2}[A-Z][\wÀ-ɏ'’.\-]{1,24}(?: [A-Z][\wÀ-ɏ'’.\-]{1,24}){0,2}(?:,\s{1,2}[A-Z][\wÀ-ɏ'’.\-]{1,24}(?: [A-Z][\wÀ-ɏ'’.\-]{1,24}){0,2})?"
    rf",?\s{{1,2}}(?:{_STATE}\b,? ?(?:\d{{5}}(?:-\d{{4}})?\b)?|{_POSTCODE}\b|\d{{5}}\b)"
    r"|, ?[A-Z][\wÀ-ɏ'’\-]{1,24}(?: [A-Z][\wÀ-ɏ'’\-]{1,24})?\b)?"
)
_ADDRESS_WORDS = (
    "address",
    "live",
    "lives",
    "living",
    "reside",
    "street",
    "postcode",
    "post code",
    "ship",
    "deliver",
    "home",
    "zip",
    "mail",
)

RECOGNIZERS: tuple[Spec, ...] = (
    Spec(
        "EMAIL",
        (
            (
                r"[A-Za-z0-9À-ɏ_+][A-Za-z0-9À-ɏ._%+'’\-]{0,63}@(?:[A-Za-z0-9À-ɏ](?:[A-Za-z0-9À-ɏ\-]{0,61}[A-Za-z0-9À-ɏ])?\.){1,8}"
                r"(?:[A-Za-z]{2,24}|xn--[A-Za-z0-9\-]{2,40})\b",
                0.95,
            ),
            (
                r"\b[A-Za-z0-9][A-Za-z0-9._%+\-]{0,63} ?[\[({<] ?(?:at|AT|@) ?[\])}>] ?[A-Za-z0-9\-]{1,63}"
                r"(?: ?(?:\.|[\[({<] ?(?:dot|DOT|\.) ?[\])}>]) ?[A-Za-z0-9\-]{2,63}){1,4}\b",
                0.8,
            ),
            (
                r"\b[A-Za-z0-9][A-Za-z0-9._%+\-]{1,63} at [A-Za-z0-9\-]{2,63}(?: dot [A-Za-z0-9\-]{2,63}){0,2} dot "
                r"(?:com|org|net|edu|gov|io|co|info|de|fr|uk|ca|au|in)\b",
                0.6,
            ),
        ),
        context=("email", "e-mail", "mail", "contact"),
        validate=email,
    ),
    Spec(
        "PHONE",
        (
            (
                r"(?<![\w+])\+[1-9]\d{0,2}[ .\-]?(?:\(0?\d{1,4}\)[ .\-]?)?\d(?:[ .\-/]{0,2}\d){4,13}"
                + _EXT
                + r"(?![\w])",
                0.7,
            ),
            (
                r"(?<![\w+])(?<!\d[ .\-])00[1-9]\d{0,2}[ .\-]?(?:\(0?\d{1,4}\)[ .\-]?)?\d(?:[ .\-/]{0,2}\d){4,13}"
                + _EXT
                + r"(?![\w])",
                0.4,
            ),
        ),
        context=PHONE_WORDS,
        against=("version", "isbn", "timestamp"),
        validate=international,
    ),
    Spec(
        "PHONE",
        (
            (r"(?<![\w.+\-/])(?:1[ .\-])?\([2-9]\d{2}\)[ \-.]?\d{3}[ .\-]\d{4}" + _EXT + r"(?!\w|-\d)", 0.7),
            (r"(?<![\w.+\-/])(?:1-)?[2-9]\d{2}-\d{3}-\d{4}" + _EXT + r"(?!\w|-\d)", 0.6),
            (r"(?<![\w.+\-/])(?:1\.)?[2-9]\d{2}\.\d{3}\.\d{4}" + _EXT + r"(?!\w|-\d)", 0.5),
            (r"(?<![\w.+\-/])1?\d{3}[ \-.]\d{3}[ \-.]\d{4}" + _EXT + r"(?!\w|-\d)", 0.3),
            (r"(?<![\w.+\-/])(?<!\d[ .\-])0\d{2,4}[ \-]\d{3,4}[ \-]?\d{3,4}(?![\w\-])", 0.5),
            (r"(?<![\w.+\-/])0[1-9](?:[ .]\d{2}){4}(?![\w\-])", 0.55),
            (r"(?<![\w.+\-/])07\d{3} ?\d{6}(?![\w\-])", 0.45),
        ),
        context=PHONE_WORDS,
        against=_NOT_PHONE,
        validate=lambda v: None if set(checks.digits(v)) - {"0", "1"} else False,  # binary is no number to dial
    ),
    Spec(
        "PHONE",
        ((r"(?<![\w.,$€£#+\-/:])\(?\d(?:[ ().\-/]{0,2}\d){6,12}" + _EXT + r"(?![\w%\-/:]|[.,]\d)", 0.2),),
        context=PHONE_WORDS,
        against=_NOT_PHONE,
        validate=national,
        requires_context=True,
    ),
    Spec(
        "ADDRESS",
        (
            (
                rf"(?<![\w$€£.\-])\d{{1,6}}[A-Za-z]?(?:[-/]\d{{1,4}})?,? (?:[NSEW]{{1,2}}\.? )?(?:{_CAP} ){{1,4}}{_SUFFIX}(?: [NSEW]{{1,2}}\b)?{_UNIT}{_TAIL}",
                0.75,
            ),
            (rf"\b[A-Z][a-z]{{2,20}}(?: [A-Z][a-z]{{2,20}}){{0,2}},? {_STATE},? \d{{5}}(?:-\d{{4}})?\b", 0.65),
            (rf"(?<![\w\-]){_POSTCODE}(?![\w\-])", 0.3),
            (r"\b(?i:P\.? ?O\.? ?Box|Post Office Box|Postfach) \d{1,6}\b" + _TAIL, 0.7),
            (
                r"(?<![\w])[A-ZÄÖÜ][\wäöüßÄÖÜ.\-]{1,30}(?:straße|strasse|str\.|weg|platz|allee|gasse|ring|ufer|damm) \d{1,4} ?[a-z]?"
                r"(?:,? (?:D-)?\d{4,5} [A-ZÄÖÜ][\wäöüß\-]{1,30})?(?![\w])",
                0.65,
            ),
            (
                r"(?<![\w])\d{1,4}(?: ?bis| ?ter)?,? (?i:rue|avenue|boulevard|place|chemin|allée|impasse|quai) "
                r"(?:(?:de|du|des|la|le|les|l'|d') ?){0,3}[A-ZÀ-Þ][\wÀ-ɏ'’\-]{1,24}(?: [A-ZÀ-Þ][\wÀ-ɏ'’\-]{1,24}){0,3}(?:,? \d{5} [A-ZÀ-Þ][\wÀ-ɏ\-]{1,30})?",
                0.65,
            ),
            (
                r"(?<![\w])(?:Calle|C/|Avenida|Avda\.?|Plaza|Paseo|Carrer|Via|Viale|Piazza|Corso|Rua) "
                r"(?:(?:de|del|della|la|las|los|dos|da|do) ){0,3}[A-ZÀ-Þ][\wÀ-ɏ'’\-]{1,24}(?: [A-ZÀ-Þ][\wÀ-ɏ'’\-]{1,24}){0,3},? \d{1,4}\b",
                0.6,
            ),
        ),
        context=_ADDRESS_WORDS,
        against=("isbn", "version"),
    ),
    Spec(
        "ADDRESS",
        (
            (
                r"\b(?:home|mailing|billing|shipping|postal|street|delivery|residential|current)? ?address(?: is)?[\"']?\s{0,2}[:=]\s{0,3}[\"']?"
                r"(?P<value>\d{1,6}[A-Za-z]?,? [A-Za-zÀ-ɏ][^\n;|<>\"{}@]{4,80}?)(?:[\"\n;|<>]|\.\s|\.?$)",
                0.65,
            ),
        ),
        ignore_case=True,
    ),
)
