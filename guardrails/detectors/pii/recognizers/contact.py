"""How to reach somebody: mail and street; telephones have a module of their own."""

from __future__ import annotations

import re

from guardrails.detectors.pii.recognizer import Spec

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
                # Behind a quotation mark of UTF-8 that was read as Windows-1252 ("â€œ"), which ends in a letter.
                r"(?:â€[œ˜™“]?)?(?P<value>[A-Za-z0-9À-ɏ_+][A-Za-z0-9À-ɏ._%+'’\-]{0,63}@(?:[A-Za-z0-9À-ɏ](?:[A-Za-z0-9À-ɏ\-]{0,61}[A-Za-z0-9À-ɏ])?\.){1,8}"
                r"(?:[A-Za-z]{2,24}|xn--[A-Za-z0-9\-]{2,40}))\b",
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
        "ADDRESS",
        (
            (
                rf"(?<![\w$€£.\-])\d{{1,6}}[A-Za-z]?(?:[-/]\d{{1,4}})?,? (?:[NSEW]{{1,2}}\.? )?(?:{_CAP} ){{1,4}}{_SUFFIX}(?: [NSEW]{{1,2}}\b)?{_UNIT}{_TAIL}",
                0.75,
            ),
            (
                r"(?<![\w$€£.\-])\d{1,6}[A-Z]?,? (?:[NSEW]{1,2}\.? )?(?:[A-Z0-9][A-Z0-9'’.\-]{0,24} ){1,4}(?:(?:STREET|AVENUE|ROAD|BOULEVARD|LANE|DRIVE|"
                r"SQUARE|TERRACE|PARKWAY|HIGHWAY|TRAIL|CRESCENT|BLVD|AVE)\b\.?|(?:ST|RD|LN|DR|CT|PL)\b\.?(?=,|\s*(?:\n|$)))"
                r"(?: (?:APT|SUITE|STE|UNIT|#)\.? ?#?\w{1,6})?(?:,?\s{1,2}[A-Z][A-Z.'\-]{1,24}(?: [A-Z][A-Z.'\-]{1,24}){0,2},?\s{1,2}"
                + _STATE
                + r"\b,? ?(?:\d{5}(?:-\d{4})?\b)?)?",
                0.65,
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
