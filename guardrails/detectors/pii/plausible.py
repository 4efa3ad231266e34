"""What the trained tagger cannot have meant: a guard on names, ages, user names and passwords.

The tagger was trained on records, letters and messages. In source code, logs and arrays of numbers it sees names in keywords
and ages in indices. What people call themselves has a form, though, and so has the place where they say it: a value without
the one, or in a place that is code, is dropped. Every rule here names a kind; none of them asks for single texts.
"""

from __future__ import annotations

import re
from html.entities import html5
from typing import TYPE_CHECKING

from guardrails.detectors.pii.place import Place, statement
from guardrails.detectors.pii.plausible_names import no_name

if TYPE_CHECKING:
    from guardrails.inference.tagging import Tagged

__all__ = ["implausible"]

# A character reference of HTML; a name is one only if HTML has it.
_REFERENCE = re.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|([A-Za-z]\w{1,31}));")
_HL7 = re.compile(r"\s*[A-Z][A-Z0-9]{2}\|")


def _line(text: str, start: int, end: int) -> tuple[str, int]:
    """The line around a range, and where it begins; of a very long one, the part near the range."""
    first = text.rfind("\n", max(0, start - 300), start) + 1 or max(0, start - 300)
    last = text.find("\n", end, end + 300)
    return text[first : last if last >= 0 else end + 300], first


def implausible(text: str, tagged: Tagged) -> bool:
    """True when the value, where it stands, can be no value of its type."""
    value = text[tagged.start : tagged.end]
    if tagged.type == "ADDRESS":  # a postcode alone is nobody's
        return not any(c.isalpha() for c in value)
    line, first = _line(text, tagged.start, tagged.end)
    if tagged.type in ("AGE", "USERNAME", "PASSWORD") and _HL7.match(line):
        return True
    place = Place(text, tagged, line[: tagged.start - first], line)
    ask = {"NAME": no_name, "AGE": _no_age, "USERNAME": _no_username, "PASSWORD": _no_password}[tagged.type]
    return ask(value, place)


# ---------------------------------------------------------------------------------------------------------- ages

# A mask that was written before, {AGE}, is no word for an age.
_AGE_UNIT = re.compile(
    r"(?i)year|(?<![a-z])(?:yrs?|y[./]?o|mos?|wks?)\b|month|week|\bold\b|(?<!\{)\bag(?:e|ed|es|ing)\b|birthday|\bturn(?:s|ed|ing)?\b|"
    r"\bborn\b|teen|toddler|infant|newborn|\bd\.?o\.?b\b|decade|\bboy\b|\bgirl\b|\bman\b|\bwoman\b|\bmale\b|\bfemale\b|"
    r"\baños?\b|\bedad\b|\bans\b|\bâge\b|\bâgée?s?\b|\bjahre?n?\b|\bjährige?\w?\b|\balter\b|\banni\b|\betà\b|\bjaar\b|\bleeftijd\b|"
    r"\banos\b|\bidade\b|\blat\b|\bwiek\b|\byaş|\bår\b|\bvuotta\b|лет\b|возраст|سنة|عمر|साल|वर्ष|岁|歳|세\b"
)
_AGE_FORM = re.compile(r"(?i)\d{1,3}\s?[-/, ]?\s?(?:[mf]\b|yo\b|y/o)|[MF]\s?/?\s?\d{1,3}\b|\d0s\b|[a-z]+-?ty|teen")
_SMALL = re.compile(
    r"(?i)one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|teen|twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety|"
    r"hundred|half"
)


# An age that many people share: "screening usually starts at age 50".
_ANYBODY = re.compile(
    r"(?i)\b(?:usually|normally|typically|generally|starts?|begins?|recommended|everyone|anyone|people|adults|patients)\b[^.!?\n]{0,24}\b(?:age|aged)\s*$"
)


def _no_age(value: str, place: Place) -> bool:
    digits = re.findall(r"\d+", value)
    if not digits and not _SMALL.search(value):
        return not _AGE_UNIT.search(value)
    if any(int(d[:6]) > 130 for d in digits) or _ANYBODY.search(place.before):
        return True
    if _AGE_UNIT.search(value) or (_AGE_FORM.search(value) and not place.code):
        return False
    if place.near(_AGE_UNIT, 40, 20):
        return place.code and not re.search(r"(?i)(?<!\{)\bage\w*\W{1,6}$", place.before)
    # "John Smith, 34, of Leeds"; "Maria (34)".
    if re.search(
        r"(?i)\b(?:i am|i'm|i’m|im|(?:s?he|they)(?:'s| is| was|'d be)|was|am|who is|i was|now|only|just)\s{1,2}$",
        place.before,
    ):
        return place.code
    named = re.search(r"[A-ZÀ-Þ][\wÀ-ɏ'’-]+,? ?\(?$", place.before)
    return place.code or not (named and re.match(r"[,).;]|\s|$", place.after))


# ----------------------------------------------------------------------------------------- user names, passwords

_USER_CUE = re.compile(
    r"(?i)user|\blog(?:in|ged|on|s? in)\b|log-?in|sign(?:ed|s|ing)?[ -]?(?:in|up|on)|handle|account|\bnick|screen ?name|gamer|alias|\bacct|\bid\b|\buid\b|"
    r"profile|twitter|insta|github|discord|reddit|tiktok|snapchat|telegram|skype|slack|steam|follow|@|\bdm\b|"
    r"\bauth|credential|password|benutzer|usuario|utilisateur|identifiant|utente|gebruiker|użytkownik|kullanıcı|usuário|логин|用户|ユーザ"
)
_TAGS = frozenset(
    "param params return returns throws throw see since deprecated author version link code inheritdoc override property type typedef "
    "example default public private protected static class classmethod staticmethod abstractmethod contextmanager wraps cache "
    "lru_cache dataclass overload final media import charset keyframes font-face supports include extend mixin use apply layer "
    "symbolic test before after beforeeach aftereach autowired nullable notnull component injectable input output internal brief file "
    "note todo module namespace ignore license preserve copyright ts-ignore ts-expect-error flow jsx enum const readonly".split()
)


_MAIL_HOST = re.compile(r"@[\w-]+(?:\.[\w-]+)+")
_ALONE = re.compile(r"\s*@\w[\w.]*\s*")


def _decorates(place: Place) -> bool:
    """True for the first thing of a line of code, or all of a line above one."""
    if not _ALONE.fullmatch(place.line):  # an indented word without a sentence behind it
        return place.code or place.before.startswith(("\t", "    "))
    below = place.text[place.end : place.end + 400].partition("\n")[2].lstrip("\n").partition("\n")[0]
    return statement(below)


def _no_username(value: str, place: Place) -> bool:
    bare = value.lstrip("@")
    after = place.after
    if (
        not bare
        or (after[:1] == "/" and "://" in place.before.rpartition(" ")[2])  # a part of an address on the web
        or after[:1] in ("(", "=", "[")
        or re.match(r"\s=\s", after)
        or _MAIL_HOST.match(after)  # an address, which is a type of its own
        or "(" in value
        or "=" in value
        or _referenced(place.text, place.start, place.end)
        or (after[:1] == "." and after[1:2].isalpha() and not value.startswith("@"))
    ):
        return True
    if value.startswith("@") or place.before.endswith("@"):
        dotted = after[:1] == "." and after[1:2].isalpha() and _ALONE.fullmatch(place.line) is not None
        decorates = dotted or _decorates(place) or bare.lower().split(".")[0] in _TAGS
        alone = not place.before.strip(" \t*/#@") and decorates
        scoped = after[:1] == "/" or re.search(r"[\w.)\]'\"`]@?$", place.before) is not None
        inside = place.code and not _ALONE.fullmatch(place.line)
        return alone or scoped or bare.lower() in _TAGS or (inside and "@" not in place.before + value)
    if len(bare) < 3 or bare.isdigit():
        return True
    if place.code:
        return not re.search(
            r"(?i)(?:user|login|nick|account|author|handle)\w*[\"']?\s{0,2}[:=]\s{0,3}[\"'<]?$", place.before
        )
    return not place.near(_USER_CUE, 80, 40)


_PASS_CUE = re.compile(
    r"(?i)pass|pwd?\b|\bpw\b|phrase|secret|credential|log(?:in|on)|log in|sign in|\bkey\b|token(?!i[sz])|\bpins?\b|\bcode\b|unlock|wi-?fi|\bauth|"
    r"kennwort|contrase|clave|mot de passe|mdp|parola|senha|wachtwoord|hasło|şifre|lösenord|adgangskode|salasana|heslo|jelszó|"
    r"парол|密码|密碼|パスワード|비밀번호|كلمة|पासवर्ड|account|access|user|temporary|reset|changed? (?:it )?to"
)
_ASSIGNED = re.compile(
    r"(?i)(?:pass\w*|pwd?|pw|secret\w*|credential\w*|token|key|kennwort|senha|clave)[\"'`*]*\s{0,2}(?:[:=]|=>|\bis\b)\s{0,3}[\"'`*<]*$"
)


# The verb before a password of another language: "è Estate2024". The patterns find what stands behind it.
_VERB = re.compile(r"[^\W\d_A-Z]{1,5}\s+\S*\d\S*")
# The host or port of an address behind its password, and the command behind a setting: "PGPASSWORD=x psql".
_HOST = re.compile(r"://\S*@[\w.\-\[\]]*:?\S?$")
_SET = re.compile(r"\w=\S+\s{1,3}$")
# What a test runner prints.
_RESULT = re.compile(r"\s*(?:PASS(?:ED)?|FAIL(?:ED)?|OK|XPASS|SKIP(?:PED)?)\b[: ]")


def _no_password(value: str, place: Place) -> bool:
    after = place.after
    if (
        len(value) < 4
        or after[:1] in ("(", "=")
        or "(" in value
        or _referenced(place.text, place.start, place.end)
        or _escaped(place.text, place.start, place.end)
        or (after[:1] == "." and after[1:2].isalpha())
        or value.endswith("@")  # "bob@" of "bob@host"
        or (after[:1] == ":" and not place.before.strip())  # the key of a line of YAML
        or _RESULT.match(place.before)
        or _HOST.search(place.before + value[:1])
        or (value.isalpha() and value.islower() and _SET.search(place.before))
        or _VERB.fullmatch(value)
    ):
        return True
    if place.code:
        return not _ASSIGNED.search(place.before)
    return not place.near(_PASS_CUE, 100, 30)


# One character in the notation of source code: "u4e00" in "[\\u4e00-\\u9fff]".
_ESCAPE = re.compile(r"(?:\\?(?:[ux][0-9A-Fa-f]{2,8}|u\{[0-9A-Fa-f]{1,6}\})[\-\]]?)+")


def _escaped(text: str, start: int, end: int) -> bool:
    """True for nothing but escape sequences, the first backslash of which may stand before the range."""
    return _ESCAPE.fullmatch(text, start - (start > 0 and text[start - 1] == "\\"), end) is not None


def _referenced(text: str, start: int, end: int) -> bool:
    """True when the range and the semicolon behind it end a character reference."""
    found = _REFERENCE.match(text, max(0, text.rfind("&", 0, start + 1)))
    return found is not None and found.end() == end + 1 and (found[1] is None or f"{found[1]};" in html5)
