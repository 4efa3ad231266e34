"""What a password or a named secret can be: no word of a form or a manual, no placeholder, no piece of code.

The functions named ``…_value`` answer True (proven), False (something else) or None (may be one), as ``validate`` of a
:class:`~guardrails.detectors.pii.recognizer.Spec` does; :func:`unquoted` finds a value inside its quotes.
"""

from __future__ import annotations

import base64
import binascii
import re
from itertools import pairwise

from guardrails.detectors.pii.recognizers import checks, secrets_checks

__all__ = ["basic_value", "key_value", "placeholder", "quoted_value", "secret", "sentence", "strong", "unquoted"]

_WORDS = frozenset(
    "required optional invalid incorrect wrong not the and for are was has had will can must should may your their this that is "
    "str string text none null true false undefined empty unknown hidden missing field type input int bool char varchar "
    "expired changed reset forgotten protected case-sensitive sensitive too also only very already taken available "
    "here there correct valid unique same different needed stored sent used using encrypted hashed at in on with from "
    "please enter choose create your_password password passwd username user admin_password secret example placeholder "
    "safe secure strong weak gone lost working broken blocked locked compromised leaked stolen short long old new simple easy "
    "hard complex known fine okay secured rejected accepted denied refused outdated enough blank visible "
    "see ask check lookup refer siehe voir vedi zie "
    "n/a tbd xxx redacted removed filtered yes no default prompt unset mask block detect allow "
    # The words of the same forms in other languages.
    "vergessen erforderlich ungültig falsch geändert eingeben bestätigen pflichtfeld zurücksetzen leer unbekannt abgelaufen "
    "oublié requis obligatoire incorrect invalide vide inconnu expiré modifié "
    "obligatoria obligatorio requerida incorrecta olvidada olvidé inválida vacía cambiada "
    "obrigatória obrigatório esquecida incorreta inválida alterada "
    "dimenticata obbligatoria errata richiesta non vergeten verplicht onjuist ongeldig wymagane nieprawidłowe zapomniane "
    "gerekli yanlış unuttum zorunlu".split()
)
_CODE = re.compile(
    r"[A-Za-z_][\w.]*[(\[]|\$\{?|<|%[({s]|\{\{?\w*\}?\}?$|process\.|os\.|self\.|request\.|req\.|props\.|this\.|args\.|config\."
)
_VARIABLE = re.compile(r"[a-z]+(?:[A-Z][a-z]+)*(?:Password|Passwd|Pwd|Secret|Hash)|[a-z]+_(?:password|passwd|pwd|hash)")
_DOTTED = re.compile(r"[A-Za-z_][A-Za-z_]*(?:(?:\.|->|::)[A-Za-z_][A-Za-z_]*)+")
# A place that is filled in later, in the notation of shells, templates, formatters and manuals.
_PLACEHOLDER = re.compile(
    r"\$\{|\$\(|\{\{|<%|#\{|@\{|%\(|\$\$?[A-Z_][A-Z0-9_]*$|\$[a-z_]+$|%[sdrv]$|%[A-Za-z_]+%$|\{[A-Za-z_][\w.:]*\}$|<[^<>]*>?$|\[[A-Za-z _\-]+\]$"
    r"|[*x•.#?_\-]+$|__\w+__$|:[a-z_]+$|\?$|!(?:[Vv]ault|[Ss]ecret|Ref|Sub|GetAtt|ImportValue|Join|[Ee]nv(?:_var)?|reference|include)$"
)
# Methods and formats that stand beside the word "password" and look like one.
_TECHNICAL = re.compile(
    r"(?i)(?:(?:hmac-?)?sha-?[0-9]\w*|md[45]|bcrypt|scrypt|argon2\w*|pbkdf2\S*|pkcs\S*|aes-?\d*|rsa-?\d*|base(?:32|58|64|85)|utf-?\d+|ascii85|"
    r"oauth-?2?(?:\.\d)?|auth0|[12]fa|1password\d*|keepass\w*|x\.?509|idna\d*|ntlmv?\d*|http(?:s|/\d\S*)?|tls\S*|ssl\S*|ipv[46]|"
    r"python\d\S*|py\d+|win(?:32|64)|x86\S*|v?\d+(?:\.\d+)*\w?|rfc-?\d+|cve-\S+|(?:[A-Za-z]+-)+based|[a-z]+/[a-z]+|[a-z]+-[a-z]+(?:-[a-z]+)*)"
)
# Words that passphrases are not made of, sentences are.
_SENTENCE = frozenset(
    "the a an your you is are was be must should can cannot may will to for of or and not with has have this that in on at from by as "
    "enter please password passwords passphrase username user confirm repeat again invalid incorrect required forgot reset new "
    "change character characters least field empty match".split()
)
_OPEN, _CLOSE = "\"'`“‘«‹„「『", "\"'`”’»›“」』"
_PREFIX = re.compile(r"[bBrRuUfFLN@$]{1,2}(?=[\"'])")


def unquoted(text: str, start: int, end: int) -> tuple[int, int, bool]:
    """The range of a value without its quotes or braces, and whether it had any; else without what ends a clause.

    A bare value gives up a full stop, comma, colon or semicolon at its end, and closing brackets that it does not open.
    """
    prefix = _PREFIX.match(text, start, end)
    if prefix:
        start = prefix.end()
    if end - start >= 2 and text[start] in _OPEN and text[end - 1] == _CLOSE[_OPEN.index(text[start])]:
        return start + 1, end - 1, True
    while start < end and text[start] in _OPEN:
        start += 1
    while end > start:
        last = text[end - 1]
        value = text[start:end]
        if last in ".,;:" + _CLOSE or (last in ")]}>" and value.count(last) > value.count("([{<"[")]}>".index(last)])):
            end -= 1
        else:
            break
    return start, end, False


def placeholder(value: str) -> bool:
    """True for ``${DB_PASS}``, ``<password>``, ``****``, ``{{ password }}`` and the like."""
    return bool(_PLACEHOLDER.match(value))


def sentence(value: str) -> bool:
    """True for words of an interface ("Enter your password"), False for a passphrase."""
    words = value.lower().split()
    return len(words) > 1 and (any(w.strip(".,:;!?") in _SENTENCE for w in words) or value[-1] in ".:?…")


def secret(value: str) -> bool | None:
    """No word of a form or a manual, and no piece of code that fetches the secret from elsewhere."""
    bare = value.strip(".,;:!?)('\"`").lower()
    if _VARIABLE.fullmatch(value.rstrip("}])")) or _DOTTED.fullmatch(value):
        return False
    if (
        len(bare) < 3
        or bare in _WORDS
        or _CODE.match(value)
        or placeholder(value)
        or not any(c.isalnum() for c in value)
    ):
        return False
    return None


def quoted_value(value: str) -> bool | None:
    """As :func:`secret`, for what stands in quotes: there brackets are no code, but a sentence is no password."""
    bare = value.strip().lower()
    if len(bare) < 3 or bare.strip(".,;:!?") in _WORDS or placeholder(value) or sentence(value):
        return False
    if _VARIABLE.fullmatch(value):
        return False
    return None if any(c.isalnum() for c in value) else False


def strong(value: str) -> bool | None:
    """Without a colon before it, only what no word looks like: letters with a digit or a sign in the middle."""
    if secret(value) is False or value[0] in "})]" or not any(c.isalpha() for c in value):
        return False
    core = value.rstrip(".,;:!?)'\"")
    if _TECHNICAL.fullmatch(core) or "\\&" in value or "\\*(" in value:  # signs of troff
        return False
    plain = core.replace("-", "").replace("'", "").replace("’", "")
    return None if any(c.isdigit() for c in core) or (not plain.isalnum() and len(core) >= 6) else False


def basic_value(value: str) -> bool:
    """HTTP basic authentication: the base 64 of ``user:password`` (RFC 7617)."""
    try:
        user, colon, password = base64.b64decode(value + "=" * (-len(value) % 4), validate=True).decode().partition(":")
    except (binascii.Error, ValueError):
        return False
    return bool(colon and password) and (user + password).isprintable()


_DATE = re.compile(r"\d{4}-\d\d-\d\d|\d\d?/\d\d?/\d{2,4}|\d+(?:\.\d+)+")
_PATHLIKE = re.compile(
    r"(?i)(?:\.{0,2}/|[a-z]:\\|~/|https?:|file:|arn:|vault:|op://|ssm:|projects/|sha(?:1|256|384|512)[:\-]|[\w.\-]+\.(?:py|js|ts|json|ya?ml|txt|pem|key|crt|go|rs|java|sh|md|html?|c|h)$)"
)
_WORDY = re.compile(
    r"(?:[a-z]{2,}|[A-Z]{2,}|[A-Z][a-z]+|\d{1,4}|v\d{1,2})(?:[_.\-/:+@ ]?(?:[a-z]{2,}|[A-Z]{2,}|[A-Z][a-z]+|\d{1,4}|v\d{1,2}))*"
)

_LOWER_RUN = re.compile(r"[a-z]{4,}")


def key_value(value: str) -> bool | None:
    """Random enough for a key beside its name: letters and digits that change places often, eight characters at least."""
    if len(value) < 8 or placeholder(value) or _DATE.match(value) or _PATHLIKE.match(value) or _DOTTED.fullmatch(value):
        return False
    digits, letters = sum(c.isdigit() for c in value), sum(c.isalpha() for c in value)
    if not digits or not letters:
        return False
    kinds = [("d" if c.isdigit() else "u" if c.isupper() else "l" if c.isalpha() else "s") for c in value]
    turns = sum(a != b and "d" in (a, b) for a, b in pairwise(kinds))
    if turns < 4 and (_WORDY.fullmatch(value) or len(_LOWER_RUN.findall(value)) >= 3):
        return False  # "Ed25519PublicKey"
    if len(value) >= 16:
        return secrets_checks.random_value(value)
    # A short one is a word and a number, or a version, unless letters and digits alternate.
    mixed = len(set(kinds) - {"s"}) == 3
    if turns < (2 if mixed else 4) or _TECHNICAL.fullmatch(value):
        return False
    return None if checks.entropy(value) >= 2.5 and secrets_checks.random_value(value) is not False else False
