"""How to reach a person, and who they are: what rules can find. A trained tagger follows for free-standing names."""

from __future__ import annotations

import ipaddress
import re

from guardrails.detectors.pii.recognizer import Spec
from guardrails.detectors.pii.recognizers import checks

__all__ = ["RECOGNIZERS"]


def _email(value: str) -> bool | None:
    local, _, domain = value.rpartition("@")
    if local.startswith(".") or ".." in value or len(local) > 64:
        return False
    # A file name behind an @ (logo@2x.png) is no domain.
    return False if domain.rsplit(".", 1)[-1].lower() in ("png", "jpg", "jpeg", "gif", "svg", "webp", "css", "js", "py") else None


def _phone(value: str) -> bool | None:
    """International numbers must be possible ones; the numbering plans are phonenumbers'."""
    n = checks.digits(value)
    if not 7 <= len(n) <= 15 or not checks.distinct(n, 3):
        return False
    if value.lstrip().startswith("+"):
        import phonenumbers  # noqa: PLC0415 - its metadata costs an import that few texts need

        try:
            return True if phonenumbers.is_possible_number(phonenumbers.parse(value)) else False
        except phonenumbers.NumberParseException:
            return False
    return None


def _nanp(value: str) -> bool | None:
    """North American plan: area and exchange begin with 2 to 9 and are no service code."""
    n = checks.digits(value)
    n = n[1:] if len(n) == 11 else n
    return None if len(n) == 10 and n[0] >= "2" and n[3] >= "2" and n[1:3] != "11" and checks.distinct(n, 3) else False


def _ip(value: str) -> bool | None:
    try:
        ipaddress.ip_address(value.split("/")[0].strip("[]"))
    except ValueError:
        return False
    return None


def _ip6(value: str) -> bool | None:
    # "::" alone, times such as 12:30:45 and C++ scopes have this shape too.
    return _ip(value) if value.count(":") >= 2 and sum(c in "0123456789abcdefABCDEF" for c in value) >= 3 else False


_TITLES = r"(?:(?:Mr|Mrs|Ms|Miss|Mx|Dr|Prof|Professor|Sir|Madam|Rev)\.? )?"
_NAME = r"[\p{Lu}][\p{L}'’\-]+(?:[ ](?:(?:van|von|de|del|della|da|di|bin|ibn|al|el|la|le|der|den|dos|du|st\.?) )*[\p{Lu}][\p{L}'’.\-]*){0,3}"
_NOT_NAMES = frozenset(
    "not here there just only also very sorry happy glad sure going looking trying writing calling a an the so too from in at on "
    "i my it this that what when who none null unknown required optional string text field first last full name user".split()
)


def _name(value: str) -> bool | None:
    words = value.lower().replace("'", " ").split()
    return False if not words or words[0] in _NOT_NAMES or any(c.isdigit() for c in value) else None


def _secret(value: str) -> bool | None:
    """A password somebody would type: not a word of the sentence around it."""
    lowered = value.lower().strip(".,;:!?\"'")
    if len(lowered) < 4 or lowered in _NOT_PASSWORDS or lowered.startswith(("{", "<", "[", "$", "*", "•")):
        return False
    return None


_NOT_PASSWORDS = frozenset(
    "reset resets policy policies field form login page link change changed changes must should required requires incorrect wrong "
    "invalid expired forgotten protected manager managers generator strength hash hashing hashed prompt email mail your the and or "
    "is was for with not from this that has have been will does doesn't isn't please string none null true false str self input "
    "settings recovery hint length rotation authentication based less vault sharing security safe text type char varchar".split()
)


def _password_free(value: str) -> bool | None:
    """Without a colon, only what looks like no word: a digit or a sign in it, or mixed case inside."""
    if _secret(value) is False:
        return False
    core = value.strip(".,;:!?\"'")
    odd = any(c.isdigit() for c in core) or any(not c.isalnum() and c not in "'-." for c in core) or not (
        core.islower() or core.isupper() or core.istitle()
    )
    return None if odd else False


def _username(value: str) -> bool | None:
    lowered = value.lower().strip(".,;:!?\"'")
    return False if len(lowered) < 2 or lowered in _NOT_PASSWORDS or lowered in _NOT_NAMES else None


def _handle(value: str) -> bool | None:
    return _username(value) if any(c.isdigit() or c in "._-" for c in value) else False


def _url(value: str) -> bool | None:
    host = re.sub(r"^[a-z]+://", "", value.lower()).split("/")[0].split("?")[0]
    return None if "." in host or host.startswith("localhost") or "[" in host else False


_STREET = (
    r"(?:Street|St|Avenue|Ave|Road|Rd|Boulevard|Blvd|Lane|Ln|Drive|Dr|Court|Ct|Place|Pl|Square|Sq|Terrace|Ter|Way|Parkway|Pkwy|"
    r"Highway|Hwy|Circle|Cir|Crescent|Close|Gardens|Grove|Row|Mews|Alley|Trail|Trl|Loop|Plaza|Quay|Walk)"
)
_WORD = r"[\p{Lu}][\p{L}'’.\-]*"
_UNIT = r"(?:,? (?:Apt|Apartment|Suite|Ste|Unit|Flat|Floor|Fl|Room|#)\.? ?#?[A-Za-z0-9\-]{1,6})?"
_TAIL = rf"(?:,? {_WORD}(?: {_WORD}){{0,2}})?(?:,? [A-Z]{{2}})?(?:,? \d{{5}}(?:-\d{{4}})?)?(?:,? [A-Z]{{1,2}}\d[A-Z\d]? ?\d[A-Z]{{2}})?"

RECOGNIZERS = (
    Spec("EMAIL", ((r"\b[A-Za-z0-9!#$%&'*+/=?^_`{|}~.\-]{0,63}[A-Za-z0-9_+\-]@(?:[A-Za-z0-9](?:[A-Za-z0-9\-]{0,62})\.)+(?:[A-Za-z]{2,24}|xn--[A-Za-z0-9\-]{2,59})\b", 0.85),), validate=_email),
    Spec("EMAIL", ((r"[\p{L}\p{N}._+\-]{1,64}@(?:[\p{L}\p{N}\-]{1,63}\.)+\p{L}{2,24}", 0.7),), validate=_email),
    Spec(
        "PHONE",
        ((r"\+\d{1,3}(?:[ \-. /]{0,2}\(?\d{1,5}\)?){2,6}\b", 0.7), (r"\b00\d{1,3}(?:[ \-./]{1,2}\(?\d{1,5}\)?){2,6}\b", 0.5)),
        context=("phone", "tel", "telephone", "mobile", "cell", "call", "fax", "whatsapp", "sms", "text", "contact", "number"),
        validate=_phone,
    ),
    Spec(
        "PHONE",
        (
            (r"(?:\b1[ \-.])?\(\d{3}\) ?\d{3}[ \-.]\d{4}\b", 0.7),
            (r"\b(?:1[ \-.])?\d{3}[\-.]\d{3}[\-.]\d{4}(?: ?(?:x|ext\.?) ?\d{1,5})?\b", 0.6),
            (r"\b(?:1[ ])?\d{3} \d{3} \d{4}\b", 0.45),
            (r"\b(?:1)?\d{10}\b", 0.2),
        ),
        context=("phone", "tel", "telephone", "mobile", "cell", "call", "fax", "whatsapp", "sms", "reach", "contact", "dial", "ring"),
        against=("isbn", "invoice", "order", "tracking", "account", "id", "serial", "part"),
        validate=_nanp,
    ),
    Spec(
        "PHONE",
        ((r"\b0\d{2,5}[ \-/]\d{3,4}(?:[ \-]?\d{2,4}){1,3}\b", 0.45), (r"\b0\d{9,10}\b", 0.3), (r"\(0\d{2,5}\) ?\d{3,4}(?:[ \-]?\d{3,4})?\b", 0.5),
         (r"\b\d{3}[\-.]\d{4}\b", 0.15), (r"\b\d{5} \d{5,6}\b", 0.2)),
        context=("phone", "tel", "telephone", "mobile", "cell", "call", "fax", "whatsapp", "sms", "ring", "reach", "contact", "phone number", "dial", "landline"),
        requires_context=True,
        validate=lambda v: None if 7 <= len(checks.digits(v)) <= 12 and checks.distinct(v, 3) else False,
    ),
    Spec("IP_ADDRESS", ((r"\b(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)\.){3}(?:25[0-5]|2[0-4]\d|1?\d?\d)\b(?:/\d{1,2}\b)?", 0.7),),
         context=("ip", "address", "host", "server", "client", "ping", "network", "gateway", "subnet"),
         against=("version", "v", "release", "section", "chapter", "build", "upgrade", "firmware"), validate=_ip),
    Spec("IP_ADDRESS", ((r"(?:^|[^\w:.])(?P<value>(?:[0-9a-fA-F]{1,4}:){7}[0-9a-fA-F]{1,4})\b", 0.8),
                        (r"(?:^|[^\w:.])(?P<value>(?:[0-9a-fA-F]{1,4}:){1,6}(?::[0-9a-fA-F]{1,4}){1,6})\b", 0.7),
                        (r"(?:^|[^\w:.])(?P<value>(?:[0-9a-fA-F]{1,4}:){2,6}:|::(?:[0-9a-fA-F]{1,4}:){0,5}[0-9a-fA-F]{1,4})(?:$|[^\w:])", 0.5)), validate=_ip6),
    Spec("MAC_ADDRESS", ((r"\b(?:[0-9A-Fa-f]{2}:){5}[0-9A-Fa-f]{2}\b", 0.8), (r"\b(?:[0-9A-Fa-f]{2}-){5}[0-9A-Fa-f]{2}\b", 0.75), (r"\b(?:[0-9A-Fa-f]{4}\.){2}[0-9A-Fa-f]{4}\b", 0.5)),
         validate=lambda v: None if any(c.isdigit() for c in v) or ":" in v else False),
    Spec("URL", ((r"(?i)\b(?:https?|ftp|sftp|wss?)://[^\s<>\"'`{}|\\^\[\]()]+(?:\([^\s()]*\)[^\s<>\"'`{}|\\^\[\]()]*)*[^\s<>\"'`{}|\\^\[\]().,;:!?]", 0.8),
                 (r"(?i)\bwww\.[a-z0-9\-]+(?:\.[a-z0-9\-]+)+(?:/[^\s<>\"'`{}|\\^\[\]()]*[^\s<>\"'`{}|\\^\[\]().,;:!?])?", 0.75)), validate=_url),
    Spec("URL", ((r"(?i)\b[a-z0-9\-]+(?:\.[a-z0-9\-]+)*\.(?:com|org|net|edu|gov|io|co\.uk|dev|ai|app|info|biz|me|us|uk|de|fr|ca|au|eu)/[^\s<>\"'`{}|\\^\[\]()]*[^\s<>\"'`{}|\\^\[\]().,;:!?]", 0.6),)),
    Spec(
        "NAME",
        (
            (rf"\b(?i:(?:full |first |last |family |given |patient |customer |client |employee |member |account holder |cardholder |beneficiary |contact |sur|maiden |legal )?name)(?:'?s)?\s?(?::|=| is:?)\s{{0,3}}[\"']?{_TITLES}(?P<value>{_NAME})", 0.75),
            (rf"\b(?i:my (?:full )?name is|my name's|i am called|this is|i'm|i am|call me|signed,|sincerely,|regards,|yours truly,|cheers,)\s{{1,3}}{_TITLES}(?P<value>[\p{{Lu}}][\p{{L}}'’\-]+(?:[ ][\p{{Lu}}][\p{{L}}'’.\-]+){{1,2}})", 0.6),
            (r"\b(?i:my (?:full )?name is|my name's|call me)\s(?P<value>[\p{Lu}][\p{L}'’\-]+)\b", 0.6),
            (r"\b(?i:my (?:full )?name is|my name's)\s(?P<value>[\p{L}'’\-]{2,}(?: [\p{L}'’\-]{2,}))(?:$|[.,;!?\n]| and\b)", 0.55),
            (r"\b(?:Mr|Mrs|Ms|Miss|Mx|Dr|Prof)\.? (?P<value>[\p{Lu}][\p{L}'’\-]+(?: [\p{Lu}][\p{L}'’.\-]+){0,2})", 0.65),
            (rf"(?m)^(?i:patient|customer|client|employee|member|attn|to|from|dear|contact|applicant|insured|policyholder|cardholder|account holder)\s?:\s{{0,3}}{_TITLES}(?P<value>[\p{{Lu}}][\p{{L}}'’\-]+(?:[ ][\p{{Lu}}][\p{{L}}'’.\-]+){{1,3}})", 0.6),
        ),
        validate=_name,
    ),
    Spec(
        "AGE",
        (
            (r"(?i)\b(?P<value>(?:1[01]\d|[1-9]?\d)[ \-]?(?:years?|yrs?|months?|weeks?)[ \-]old)\b", 0.75),
            (r"(?i)\b(?P<value>(?:1[01]\d|[1-9]?\d) ?y/?o)\b", 0.65),
            (r"(?i)\b(?:aged?|age is|age was|age of)\s?[:=]?\s{0,2}(?P<value>(?:1[01]\d|[1-9]?\d)(?: ?(?:years?|yrs?|months?))?)\b(?:$|[^\d%:/\-]|[,.] |\.$)", 0.6),
            (r"(?i)\b(?:i'?m|i am|he is|she is|he's|she's|turned|turning|is now) (?P<value>(?:1[01]\d|[1-9]\d) years)\b", 0.6),
        ),
    ),
    Spec(
        "USERNAME",
        (
            (r"(?i)\b(?:user ?name|user[ _\-]?id|login(?: name| id)?|screen ?name|account name|handle|userid|uname)\s?(?::|=| is:?)\s{0,3}[\"'@]?(?P<value>[A-Za-z0-9][\w.\-]{1,63})", 0.7),
            (r"(?i)\b(?:log(?:ged)? ?in as|sign(?:ed)? in as|user)\s[\"'@]?(?P<value>[a-z][\w.\-]*[\d_][\w.\-]*)\b", 0.5),
            (r"(?:^|[\s(,:])@(?P<value>[A-Za-z_][\w.]{2,30}\w)\b", 0.5),
        ),
        validate=_username,
    ),
    Spec(
        "PASSWORD",
        (
            (r"(?i)\b(?:pass(?:word|phrase|code|wd)?|pwd|pw|passwort|contraseña)[\"']?\s?(?::|=>|==?|:=)\s{0,3}[\"']?(?P<value>[^\s\"',;]{4,128})", 0.8),
        ),
        validate=_secret,
    ),
    Spec(
        "PASSWORD",
        (
            (r"(?i)\b(?:password|passphrase|passcode|pwd)(?: for [\w ]{1,30})?(?:,)? (?:is|was|to|are|be)(?: now| set to)?:? [\"']?(?P<value>[^\s\"',;]{4,128})", 0.7),
            (r"(?i)\bpassword [\"'](?P<value>[^\s\"']{4,128})[\"']", 0.7),
        ),
        validate=_password_free,
    ),
    Spec(
        "ADDRESS",
        (
            (rf"\b\d{{1,6}}[A-Za-z]?(?:-\d{{1,5}})?,? (?:(?:N|S|E|W|NE|NW|SE|SW|North|South|East|West)\.? )?(?:{_WORD}|\d{{1,3}}(?:st|nd|rd|th))(?: {_WORD}){{0,3}} {_STREET}\b\.?{_UNIT}{_TAIL}", 0.75),
            (r"(?i)\bP\.? ?O\.? Box \d{1,6}\b", 0.7),
            (r"\b[\p{L}]{3,}(?:straße|strasse|str\.|weg|gasse|platz|allee) \d{1,4}[a-z]?(?:,? \d{5} [\p{Lu}][\p{L}\-]+)?", 0.65),
            (r"\b\d{1,4}(?: bis| ter)?,? (?:rue|avenue|boulevard|place|chemin|impasse|quai|allée) (?:(?:de|du|des|la|le|l'|d')\s?)*[\p{L}'\-]+(?: [\p{L}'\-]+){0,3}(?:,? \d{5} [\p{Lu}][\p{L}\-]+)?", 0.6),
            (rf"\b(?i:(?:home |mailing |street |billing |shipping |postal |residential )?address)\s?(?::|=| is:?)\s{{0,3}}(?P<value>\d[^\n;]{{8,100}}?)(?:$|[\n;]|\. )", 0.6),
        ),
    ),
)  # fmt: skip
