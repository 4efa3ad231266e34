"""Keys and tokens without a form of their own, by the name that stands beside them: assignments, headers, cookies, queries."""

from __future__ import annotations

import re
from collections.abc import Iterator

from guardrails.detectors.pii.recognizer import Spec
from guardrails.detectors.pii.recognizers import credential_checks as proof
from guardrails.detectors.pii.recognizers.passwords import SEPARATOR

__all__ = ["RECOGNIZERS"]

# What is before "key" when a key opens something.
_OPENS = (
    r"(?:api|access|auth|authentication|authorization|secret|private|signing|signature|encryption|decryption|cipher|crypto|account|storage|master|service|client|consumer|"
    r"subscription|app|application|license|licence|deploy|shared|hmac|session|security|sas|webhook|write|read|admin|server|device|integration|ingest|ingestion|function|functions|"
    r"project|bot|personal|partner|merchant|vault|user|root|developer|dev|team|org|organization|tenant|gateway|registration|activation|recovery|backup|aes|ssh|jwt|primary-access)"
)
_CORE = (
    rf"(?:tokens?|secrets?|{_OPENS}[ _\-]?keys?|apikeys?|credentials?|authorization|session[_\-]?id|sessid|phpsessid|jsessionid|client[_\-]?assertion|code[_\-]?verifier|jwt|bearer|"
    r"[_\-]key|_auth|[_\-]salt|[_\-]dsn|[_\-]pat)"
)
_SUFFIX = r"(?:[_\-. ]?(?:id|value|string|base|prod|production|dev|staging|test|live|main|primary|secondary|default|key|v?\d{1,3}))?"
_END = r"[\"'`*_\])}]{0,4}"
_SCHEMES = (
    r"(?:bearer|basic|token|apikey|api-key|geniekey|bot|key|ssws|negotiate|ntlm|splunk|oauth|sso-key|hawk|digest|dsn)"
)
_BLOCK = r"(?:[|>][+\-]?\s{1,12})?"  # a block scalar of YAML
_VALUE = (
    rf"[bruf@$l]{{0,2}}(?:\"(?:{_SCHEMES} )?[^\"\s]{{8,}}\"|'(?:{_SCHEMES} )?[^'\s]{{8,}}'|`(?:{_SCHEMES} )?[^`\s]{{8,}}`)"
    rf"|(?:{_SCHEMES} {{1,2}})?[^\s\"'`<>,;|&()\[\]{{}}\\]{{8,}}"
)
_QUOTED = rf"[bruf@$l]{{0,2}}(?:\"(?:{_SCHEMES} )?[^\"\s]{{8,}}\"|'(?:{_SCHEMES} )?[^'\s]{{8,}}')"

_SCHEME = re.compile(rf"{_SCHEMES} {{1,2}}", re.IGNORECASE)
_NAME = re.compile(rf"[\w.\-]*{_CORE}[\w.\-]*", re.IGNORECASE)
# Names that hold no secret: what is said about one, counters, and the keys and tokens of other trades.
_ABOUT = re.compile(
    r"(?i)(?:name|ref|file|path|url|uri|type|len|length|count|counts|size|limit|ttl|expiry|expires(?:_?(?:in|at))?|lifetime|version|field|header|prefix|suffix|format|"
    r"algorithm|alg|hash|sha\d*|digest|arn|index|idx|ids|pos|position|class|list|map|dict|usage|budget|provider|issuer|endpoint|scope|scopes|kind|regex|pattern|"
    r"(?:public|primary|foreign|cache|sort|partition|row|object|dict|config|group|lookup|translation|message|sub|super|unique|natural|join|hash|registry|map|model|feature|property|"
    r"metric|label|tag|event|storage_?class|i18n|locale|json|xml|yaml|state|dedup\w*|idempotency|routing|shard|node|tree|column|table|index|order|filter|style|s3|data|field|"
    r"known_?host|host|fingerprint|option|reg|kms|param|doc|answer|score|short|hot|meta|page|next|previous|prev|continuation|cursor|sync|eos|bos|pad|unk|sep|cls|mask|special|stop|"
    r"cancel\w*|input|output|prompt|completion|total|max|(?<!ad)min|num|resume)[_\-. ]?(?:key|keys|token|tokens))$"
)
_COUNTED = re.compile(r"(?i)^(?:public|pub|ssh_?host|pgp|gpg|recaptcha_site|max|min|num|n|total|next|page)[_\-]")
_QUERY = re.compile(r"[?&][\w.\-\[\]%]{1,60}=$")
_USER = re.compile(r"://[^\s/?#@]*:$")


def _name(text: str, start: int) -> str:
    names = _NAME.findall(text, max(0, start - 160), start)
    return str(names[-1]) if names else ""


def named(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """The value beside a name, without quotes and scheme, when the name is a secret's and the value is random enough."""
    name = _name(text, start).strip("._-")
    if _ABOUT.search(name) or _COUNTED.match(name):
        return
    yield from random_value(text, start, end)


def random_value(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """The value without quotes and scheme, when it is random enough."""
    start, end, quoted = proof.unquoted(text, start, end)
    scheme = _SCHEME.match(text, start, end)
    if scheme is not None:
        start = scheme.end()
    if not quoted:
        if text[end : end + 1] in ("(", "["):
            return  # a call, an element
        if _QUERY.search(text[max(0, start - 64) : start]) and "#" in text[start:end]:
            end = text.index("#", start, end)
    if "@" in text[start:end] and _USER.search(text[max(0, start - 96) : start]):
        end = text.rindex("@", start, end)  # "https://x-access-token:…@github.com"
    value = text[start:end]
    basic = scheme is not None and scheme.group().lower().startswith("basic") and proof.basic_value(value)
    if basic or proof.key_value(value) is None:
        yield start, end


_COOKIE = re.compile(r"(?:^|;\s{0,2})(?P<name>[\w.\-]{1,64})=(?P<value>[^;\s\"]{8,})")


def cookies(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """The random values among the pairs of a header (RFC 6265)."""
    header = text[start:end].lstrip()
    begin = end - len(header)
    for pair in _COOKIE.finditer(header):
        first, last = pair.span("value")
        if proof.key_value(header[first:last]) is None and last - first >= 12:
            yield begin + first, begin + last


_PAIR = (
    rf"\b(?:name|key|id|field|variable|var|parameter|parameterkey|label|setting|header|option)[\"'\\]{{0,3}}\s{{0,2}}[:=]\s{{0,2}}[\"'\\]{{0,3}}[\w.\-:/]{{0,60}}{_CORE}{_SUFFIX}"
    r"[\"'\\]{0,3}[,;\s]{1,24}(?:[\w\-]{1,20}=[\"'][\w\-]{0,20}[\"']\s{1,4}){0,2}[\"'\\]{0,3}(?:parameter)?(?:value|val|default|content)[\"'\\]{0,3}\s{0,2}[:=]\s{0,3}"
    rf"{_BLOCK}(?P<value>{_VALUE})"
)
_DEFAULT = rf"\bvariable\s{{1,3}}\"[\w\-]{{0,60}}{_CORE}{_SUFFIX}\"\s{{0,3}}\{{[^}}]*?\bdefault\s{{0,4}}=\s{{0,3}}(?P<value>{_QUOTED})"

RECOGNIZERS: tuple[Spec, ...] = (
    Spec(
        "API_KEY",
        (
            (rf"{_CORE}{_SUFFIX}{_END}{SEPARATOR}{_BLOCK}(?P<value>{_VALUE})", 0.75),
            # setenv, ENV, headers.set("…", "…"), command lines; "my token is …"
            (rf"{_CORE}{_SUFFIX}(?:[\"'`]\s{{0,2}},\s{{0,3}}| {{1,2}}| (?:for|of|to) [\w \-]{{1,30}}? (?:is|:) | is:? )(?P<value>{_VALUE})", 0.7),
            (rf"{_CORE}{_SUFFIX}[*`\"']{{0,3}}\s{{0,20}}(?:\||(?:[\"'][^<>\n]{{0,60}})?>)\s{{0,20}}[*`]{{0,3}}(?P<value>[^\s|<>`*]{{8,}})", 0.7),
            (rf"<key>[\w.\- ]{{0,40}}{_CORE}{_SUFFIX}</key>\s{{0,20}}<string>(?P<value>[^\s|<>]{{8,}})", 0.75),
            (_PAIR, 0.75),
            (_DEFAULT, 0.75),
        ),
        against=("dummy", "sample", "placeholder", "fake", "mock"),
        ignore_case=True,
        refine=named,
    ),
    Spec("API_KEY", ((rf"[a-z]Key{_END}{SEPARATOR}(?P<value>{_QUOTED})", 0.7),), refine=named),
    Spec(
        "API_KEY",
        (
            (r"[?&](?:x-(?:amz|goog|ms|oss|cos|obs)-(?:signature|security-token|credential)|signature|sig|sign|hmac|key|auth|apikey|token|sid|session|jwt|ticket|assertion|samlresponse|client_secret|hapikey|appid|access_key)=(?P<value>[^\s\"'`<>&#|]{8,})", 0.75),
            (r"\b(?:bearer|basic) (?P<value>[A-Za-z0-9_\-.+/=~]{16,})", 0.7),
            (r"\bsignature=(?P<value>[0-9a-f]{64})", 0.8),
        ),
        against=("dummy", "sample", "placeholder", "fake", "mock"),
        ignore_case=True,
        refine=random_value,
    ),
    Spec(
        "API_KEY",
        ((r"\bcookies?[\"']{0,2}\s{0,2}[:=,]\s{0,3}[\"']?(?P<value>[^\n\"']{8,1000})", 0.75), (r"(?:-b|--cookie)[ =][\"']?(?P<value>[\w.\-]{1,64}=[^\n\"']{8,1000})", 0.75)),
        ignore_case=True,
        refine=cookies,
    ),
)  # fmt: skip
