"""Passwords: in addresses, beside their names, in commands, queries and sentences."""

from __future__ import annotations

import re
from collections.abc import Iterator

from guardrails.detectors.pii.recognizer import Spec
from guardrails.detectors.pii.recognizers import credential_checks as proof

__all__ = ["QUOTED", "RECOGNIZERS", "SEPARATOR"]

# -- in the user part of an address (RFC 3986, section 3.2.1) ----------------------------------------------------------

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]{1,24}://")
_USERINFO = re.compile(r"(?P<user>[^\s/?#@:\"'<>`]{0,80}):(?P<password>.*)")
_HOST = re.compile(r"[A-Za-z0-9_.\-\[{$<]")
_PORT = re.compile(r"\d{1,5}(?:[/?#]|$)")
_WHOLE_HOST = re.compile(r"(?:localhost|[^/?#:@]+\.[^/?#:@]+|\[[0-9A-Fa-f:.]+\]|[^/?#:@]+:\d{1,5})(?=[/?#,:]|$)")
# What documentation puts in the place of a password.
_EXAMPLE = re.compile(
    r"(?i)(?:[a-z]+[_\-])*(?:your|my|user|db|the|some)?(?:password|passwd|passwort|pass|pwd|pw|access_key|secret_key)|(?:[a-z]+_)+(?:token|key)|\.\.\."
)


def userinfo(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """The password of each address in a run without blanks: from the first colon to the last at sign that can end it."""
    schemes = list(_SCHEME.finditer(text, start, end))
    for scheme, following in zip(schemes, [*schemes[1:], None], strict=True):
        stop = following.start() if following else end
        found = _USERINFO.match(text, scheme.end(), stop)
        if found is None:
            continue
        at = _last_sign(text, found.start("password"), stop, bool(found["user"]), found["user"])
        if at is not None:
            value = text[found.start("password") : at]
            if not _EXAMPLE.fullmatch(value) and not proof.placeholder(value) and not _FILLED_IN.search(value):
                yield found.start("password"), at


_FILLED_IN = re.compile(r"\$\{|\{\{|\$\(|%\(|\}\}|^\{.*\}$|^<.*>$|^\[.*\]$")


def _last_sign(text: str, start: int, stop: int, named: bool, user: str) -> int | None:
    """Where the password ends. An at sign behind a slash belongs to a path (``/@scope/pkg``), unless what stands before
    it is no host and what stands behind it is one: then the password has a slash in it."""
    signs = [i for i in range(start, stop - 1) if text[i] == "@" and _HOST.match(text[i + 1])]
    if not signs:
        return None
    path = next((i for i in range(start, stop) if text[i] in "/?#"), stop)
    before = [i for i in signs if i < path]
    later = [i for i in signs if i > path and _WHOLE_HOST.match(text, i + 1, stop)]
    if before:
        host = text[before[-1] + 1 : path]
        bare = "." not in host and ":" not in host and host != "localhost"
        return later[-1] if bare and later else before[-1]
    if _PORT.match(text, start, stop) or (named and "." in user):
        return None  # "host:8080/@scope"
    return later[-1] if later else None


# -- beside its name ---------------------------------------------------------------------------------------------------

_ENGLISH = r"pass[ _\-]?word|pass[ _\-]?phrase|pass[ _\-]?code|passwd|passwrd|pswd|pwd"
_LENIENT = rf"(?:{_ENGLISH}|passwort|kennwort|contrase(?:ñ|n)a|mot de passe|senha)s?"
# In languages where a form says the same as a label: only what no word looks like counts.
_LATIN = (
    r"(?:motdepasse|palabra clave|chiave di accesso|wachtwoord(?:en)?|has[łl](?:o|em|a)|[şs]ifre(?:m|si|niz|miz)?|parola(?:m|sı)?|l[öo]senord(?:et)?|adgangskoden?|kodeordet|kodeord|"
    r"passordet|passord|salasana(?:ni)?|heslo|jelsz[óo]|mật khẩu|mat khau|kata sandi(?:nya)?|kata laluan|lozinka|šifra|paroole?|slapta[žz]odis)"
)
_OTHER_SCRIPTS = (
    r"(?:парол(?:ь|я|ю|ем)|密码|密碼|口令|パスワード|暗証番号|비밀번호|패스워드|암호|पासवर्ड|কূটশব্দ|পাসওয়ার্ড|كلمة المرور|كلمة السر|الرقم السري|پاس ورڈ|رمز عبور|گذرواژه|"
    r"סיסמה|סיסמא|κωδικ(?:ός|ό|ος)|รหัสผ่าน|கடவுச்சொல்|పాస్వర్డ్|పాస్‌వర్డ్|पासवर्ड)"
)
_SUFFIX = r"(?:[_\-. ]?(?:\d{1,3}|prod|production|dev|staging|test|live|main|root|admin|user|db|value|text|plain|plaintext|string|new|old|current|confirm|confirmation))?"
_END = r"[\"'`*_\])}]{0,4}"
# Not where the next line is a key of its own: "secrets:\n  token: …".
SEPARATOR = r"\s{0,3}(?:(?::[ ]?[\w.&<>\[\]|]{1,24})?[ ]?(?::=|=>|->|={1,3})|[:：])(?!\s{0,3}\n\s{0,12}[\w.\-]{1,40}[\"']?:\s)\s{0,3}[*_]{0,3}\s?"
QUOTED = r"[bruf@$ln]{0,2}(?:\"[^\"\n]{3,96}\"|'[^'\n]{3,96}'|`[^`\n]{3,96}`|“[^”\n]{3,96}”|‘[^’\n]{3,96}’|«[^»\n]{3,96}»|„[^“”\n]{3,96}[“”]|「[^」\n]{3,96}」)"
_BARE = r"[^\s\"'`<>,;|=][^\s\"'`<>,;|]{2,63}"
_BRACED = r"\{[^{}\n]{3,96}\}"
_TOKEN = r"[!-~]{4,64}"  # ASCII, for scripts that have no blanks between words


def _in_query(text: str, start: int) -> bool:
    """True when the name before a value stands behind ``?`` or ``&``, as in the query of an address."""
    return re.search(r"[?&][\w.\-\[\]]{1,40}=$", text[max(0, start - 44) : start]) is not None


def labelled(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """What a label announces: in quotes or braces whole, else a word that can be a password."""
    if text[start] == "{" and text[end - 1] == "}":
        # A value of ODBC that holds a semicolon or another sign; a name in braces is filled in later.
        if not proof.placeholder(text[start:end]) and proof.quoted_value(text[start + 1 : end - 1]) is None:
            yield start, end
        return
    start, end, quoted = proof.unquoted(text, start, end)
    if _PAIRED.search(text, max(0, start - 40), start) and "/" in text[start:end]:
        return  # "user/password: bob/…"
    if not quoted and _in_query(text, start):
        end = min([i for i in (text.find(c, start, end) for c in "&#") if i >= 0], default=end)
    if not quoted and (
        _PATH.match(text, start, end)
        or (_COMPARED.search(text, max(0, start - 8), start) and proof.strong(text[start:end]) is not None)
    ):
        return
    if start < end and (proof.quoted_value if quoted else proof.secret)(text[start:end]) is None:
        yield start, end


# "pwd: /home/bob", "password: /run/secrets/db"; "if password == expected".
_PATH = re.compile(r"(?:~|\.{1,2})?(?:/[\w.@\-]+){2,}/?\Z|~/|[A-Za-z]:\\")
_PAIRED = re.compile(r"(?i)\b(?:user(?:name)?|login)\s?/\s?(?:pass(?:word)?|pwd?)[\"'`*]{0,3}\s?[:=]\s?\Z")
_COMPARED = re.compile(r"(?:[=!]==?|<>)\s{0,3}\Z")


def guarded(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """What may be a word of the sentence: only in quotes, or when no word looks like it."""
    start, end, quoted = proof.unquoted(text, start, end)
    value = text[start:end]
    if quoted:
        fits = proof.quoted_value(value) is None and (" " in value or proof.strong(value) is None)
    else:
        fits = proof.strong(value) is None and not _PATH.match(value)
    if start < end and fits:
        yield start, end


def numeric(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """As :func:`guarded`; six digits are a password too where the word for one stands directly before them."""
    yielded = list(guarded(text, start, end))
    if not yielded:
        s, e, _ = proof.unquoted(text, start, end)
        if 6 <= e - s <= 16 and text[s:e].isdigit():
            yielded = [(s, e)]
    yield from yielded


def listed(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """As :func:`guarded`, with a letter and a digit: beside a comma stand the words of a list."""
    for s, e in guarded(text, start, end):
        if any(c.isdigit() for c in text[s:e]) and any(c.isalpha() for c in text[s:e]):
            yield s, e


def _mixed(value: str) -> bool:
    """True for letters of both cases or a sign, beside a digit: ``Sup3rs3cret``, ``fr33dom!``; False for ``test_foo1``."""
    signs = any(not c.isalnum() and c not in "_.-/:(),[]" for c in value)
    return any(c.isdigit() for c in value) and (
        signs or (value != value.lower() and value != value.upper() and "_" not in value)
    )


def short_name(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Beside ``DB_PASS``, ``smtpPass``, ``pw`` or ``pass``: what no word looks like, and no name of a test."""
    name = re.search(
        r"([\w.\-]*)(?:pass|\bpw|\bp/w)[\"'`\])]{0,3}\s{0,3}[:=>]{1,2}\s{0,3}$",
        text[max(0, start - 60) : start],
        re.IGNORECASE,
    )
    inner, stop, quoted = proof.unquoted(text, start, end)
    if _PAIRED.search(text, max(0, start - 40), start) and "/" in text[inner:stop]:
        return
    if name is None or (not quoted and not name[1] and not _mixed(text[inner:stop])):
        return
    prefixed = not name[1] or name[1][-1] in "_.-" or text[start - len(name[0]) + len(name[1])] == "P"
    if prefixed and proof.strong(text[inner:stop]) is None:
        yield inner, stop


# -- in sentences ------------------------------------------------------------------------------------------------------

_FOR = r"(?:for|to|of|on|at|für|fürs|zum|zur|vom|von|del|de|da|do|das|dos|pour|du|per|voor|van|na|ile|på|til|till|untuk|của)"
_ELIDED = r" (?:d|de l|dell|nell|all)['’][^\n.,;:\"“]{1,40}?"
_IS = r"(?:is now|is|(?:(?:was|is|has been) )?(?:set|reset|changed) to|was|will be|should be|lautet|ist|war|heißt|heisst|es|era|será|est|était|sera|é|è|e'|era|jest|to|brzmi|este|är|er|on|je|olarak|adalah|ialah|là|:|=)"
_MINE = r"(?: (?:saya|kamu|anda|của tôi|của bạn|mój|moje))?"
_NOW = r"(?: now| still| currently| jetzt| nun| ahora| agora| maintenant| adesso| nu| teraz)?"
_ANY_LATIN = rf"(?:{_LENIENT}|{_LATIN})"

# -- in commands -------------------------------------------------------------------------------------------------------

_LOGIN = r"(?:docker|podman|nerdctl|buildah|skopeo|helm|oras|crane|az|oc|cf|ibmcloud|bx|wrangler|npm|nx|quay|regctl|harbor|cloudctl|tsh|vault|argocd|jfrog|jf|rclone|kaggle|conda|anaconda)\b[^\n|;&]*?\blogin\b"
_DATABASE = r"\b(?:mysql|mysqldump|mysqladmin|mysqlimport|mysqlshow|mysqlcheck|mariadb|mariadb-dump|mariadb-admin)\b"
_WITH_P = r"\b(?:mongo|mongosh|mongodump|mongorestore|mongoexport|mongoimport|sshpass|twine|xfreerdp|zip|unzip|7z|7za|unrar|cypher-shell|influx|sqlcmd|bcp|osql|isql|tsql|mosquitto_pub|mosquitto_sub|cqlsh|dsconf|jdbcsql|sftpgo|k6)\b"
_WORD = r"(?:\"[^\"\n]{3,96}\"|'[^'\n]{3,96}'|[^\s\"'`<>|]{4,96})"


def argument(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """The argument of a command: anything but an option, a variable, a file or a word of a manual."""
    start, end, quoted = proof.unquoted(text, start, end)
    value = text[start:end]
    if not value or value[0] in "-/.~" or (not quoted and value.isupper() and value.isalpha()):
        return
    if (proof.quoted_value if quoted else proof.secret)(value) is None and not re.fullmatch(
        r"\d{1,5}(?::\d{1,5})*|\d+-\d+", value
    ):
        yield start, end


def flagged(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """As :func:`argument`, where manuals put a word: after an equals sign any, else only in quotes or what no word looks like."""
    for s, e in argument(text, start, end):
        if (text[start - 1] == "=" and not _EXAMPLE.fullmatch(text[s:e])) or proof.strong(text[s:e]) is None:
            yield s, e


def pgpass(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """The last field of a line of PostgreSQL's password file."""
    if proof.strong(text[start:end]) is None and "://" not in text[start:end]:
        yield start, end


# -- a name here and its value there -----------------------------------------------------------------------------------

_NAMED_PASSWORD = rf"[\w.\-:/]{{0,60}}(?:{_ENGLISH}|[_.\-]pass)s?{_SUFFIX}"
_PAIR = (
    rf"\b(?:name|key|id|field|variable|var|parameter|parameterkey|label|setting|header|option)[\"'\\]{{0,3}}\s{{0,2}}[:=]\s{{0,2}}[\"'\\]{{0,3}}{_NAMED_PASSWORD}"
    r"[\"'\\]{0,3}[,;\s]{1,24}(?:[\w\-]{1,20}=[\"'][\w\-]{0,20}[\"']\s{1,4}){0,2}[\"'\\]{0,3}(?:parameter)?(?:value|val|default|content)[\"'\\]{0,3}\s{0,2}[:=]\s{0,3}"
    rf"(?P<value>{QUOTED}|{_BARE})"
)
_DEFAULT = (
    rf"\bvariable\s{{1,3}}\"{_NAMED_PASSWORD}\"\s{{0,3}}\{{[^}}]*?\bdefault\s{{0,4}}=\s{{0,3}}(?P<value>{QUOTED})"
)
_ELEMENT = rf"(?:<|(?:name|key)=[\"']){_NAMED_PASSWORD}(?:[\"'][^<>\n]{{0,80}})?>\s{{0,3}}(?P<value>[^<>\s]{{3,96}})\s{{0,3}}</"
_CELL = (
    rf"\|\s{{0,20}}[*`]{{0,3}}{_NAMED_PASSWORD}[*`]{{0,3}}\s{{0,20}}\|\s{{0,20}}(?P<value>[^\s|]{{4,64}})\s{{0,20}}\|"
)
_CALL = rf"[\"'(,]{_NAMED_PASSWORD}[\"'],\s{{0,3}}(?P<value>{QUOTED})"

RECOGNIZERS: tuple[Spec, ...] = (
    Spec(
        "PASSWORD",
        ((r"(?P<value>[A-Za-z][A-Za-z0-9+.\-]{1,24}://[^\s\"'`]{0,400}@[A-Za-z0-9_.\-\[][^\s\"'`]{0,400})", 0.9),),
        refine=userinfo,
    ),
    Spec(
        "PASSWORD",
        (
            (r"\bjdbc:oracle:\w{2,8}:[\w$#]{1,40}/(?P<value>[^\s\"'`@]{3,64})@", 0.9),
            (r"\bsqlplus\b[^\n|;&]*?\s[\w$#]{1,40}/(?P<value>[^\s\"'`@/]{3,64})@", 0.85),
            (r"\b[\w.\-]{1,64}:(?P<value>[^\s\"'`:/]{3,64})@(?:tcp|udp|unix)\(", 0.9),
            (r"(?:^|\n)[\w.*\-]{1,64}:\d{2,5}:[\w*\-]{1,64}:[\w*.\-]{1,64}:(?P<value>[^\s:\"']{4,64})(?:\n|$)", 0.7),
        ),
        refine=pgpass,
    ),
    Spec(
        "PASSWORD",
        (
            (rf"\bmy (?:new |old |current )?{_LENIENT} (?:is|was) (?P<value>[A-Za-z0-9]{{5,30}})(?:[.,!;\n]|$)", 0.6),
            (rf"{_LENIENT}{_SUFFIX}{_END}{SEPARATOR}(?P<value>{QUOTED}|{_BRACED}|{_BARE})", 0.7),
            (rf"\b(?:wpa[23]? ?(?:key|psk|pass)|wi-?fi ?pass|psk){_END}{SEPARATOR}(?P<value>{QUOTED}|{_BARE})", 0.6),
            (_PAIR, 0.75),
            (_DEFAULT, 0.75),
            (_ELEMENT, 0.7),
            # In .netrc.
            (r"\blogin\s{1,4}[^\s]{1,64}\s{1,4}password\s{1,4}(?P<value>[^\s]{3,96})", 0.8),
        ),
        ignore_case=True,
        refine=labelled,
    ),
    Spec(
        "PASSWORD",
        (
            (rf"{_LATIN}{_SUFFIX}{_END}{SEPARATOR}(?P<value>{QUOTED}|{_BARE})", 0.7),
            (rf"{_ANY_LATIN}{_MINE}(?: {_FOR} [^\n.,;:\"“]{{1,40}}?|{_ELIDED}| wi-?fi| wlan)?(?: {_IS}{_NOW}:?|:) (?P<value>{QUOTED}|{_BARE})", 0.65),
            (rf"{_ANY_LATIN} (?P<value>{_BARE})", 0.55),
            (rf"\b(?:mi|la|su|tu|nuestra) (?:nueva )?clave(?: {_FOR} [^\n.,;:\"“]{{1,40}}?)? (?:es|era|será):? (?P<value>{QUOTED}|{_BARE})", 0.6),
            (rf"(?<!//)\b(?:logins?|log-?in|credentials?|creds|user(?:[ _]?names?)?s?(?: and password)?|user(?:name)?\s?/\s?(?:pass(?:word)?|pwd?)|zugang(?:sdaten)?|anmelde(?:daten|n)|anmeldung|usuario|datos de acceso|identifiants?|логин|учетные данные)(?:\s?[:=]|\s(?:are|is|sind|son|sont))\s?[\w.@+\-]{{2,40}} ?/ ?(?P<value>{_BARE})", 0.55),
            (rf"\b(?:log(?:ged|ging)? ?-?in|sign(?:ed|ing)? ?-?in|login)s? (?:with|using|as|is|are|to \S{{1,40}} (?:with|as)) [\w.@+\-]{{2,40}} ?/ ?(?P<value>{_BARE})", 0.55),
            (rf"\b(?:wi-?fi|wlan|network) ?(?:key|code)(?: is)?:? (?P<value>{_BARE})", 0.6),
            (rf"\bp(?:ass)?w(?:or)?d? (?:is|was|=) (?P<value>{_BARE})", 0.6),
            (rf"{_LENIENT}(?: of| is| was)? ?\(?(?P<value>[\"'‘“`][^\"'’”`\n\s]{{5,63}}[\"'’”`])", 0.6),
            (rf"\bidentified\s{{1,4}}by\s{{1,4}}(?P<value>{_BARE})", 0.8),
            (r"\b(?:users?(?:names?)?|logins?|credentials?)\b[^\n]*?@[^\n\s/]{3,60} / (?P<value>[^\s\"'`<>,;|]{5,64})", 0.5),
        ),
        ignore_case=True,
        refine=guarded,
    ),
    Spec("PASSWORD", ((_CELL, 0.65), (_CALL, 0.65)), ignore_case=True, refine=listed),
    Spec(
        "PASSWORD",
        (
            (rf"{_OTHER_SCRIPTS}[^\n!-~«„“「]{{0,24}}[:=]?[^\n!-~«„“「]{{0,12}} ?(?P<value>{QUOTED})", 0.65),
            (rf"{_OTHER_SCRIPTS}[^\n!-~]{{0,24}}[:=]?[^\n!-~]{{0,12}}(?P<value>{_TOKEN})", 0.65),
        ),
        ignore_case=True,
        refine=numeric,
    ),
    Spec(
        "PASSWORD",
        ((rf"(?:pass|\bpw|\bp/w)[\"'`\])]{{0,3}}\s{{0,3}}[:=]>?\s{{0,3}}(?P<value>{QUOTED}|{_BARE})", 0.65),),
        ignore_case=True,
        refine=short_name,
    ),
    Spec(
        "PASSWORD",
        (
            (r"\bidentified\s{1,4}(?:with\s{1,4}\S{1,40}\s{1,4})?(?:by|as)\s{1,4}(?:password\s{1,4})?(?P<value>\"[^\"\n]{3,96}\"|'[^'\n]{3,96}')", 0.8),
            (r"\bpassword\s{0,3}\(\s{0,3}(?P<value>'[^'\n]{3,96}')\s{0,3}\)", 0.75),
            (rf"{_LOGIN}[^\n|;&]*?\s-p[ =]?(?P<value>{_WORD})", 0.8),
            (rf"{_DATABASE}[^\n|;&]*?\s-p(?P<value>{_WORD})", 0.8),
            (rf"{_WITH_P}[^\n|;&]*?\s(?:-p|-P|/p:)[ =]?(?P<value>{_WORD})", 0.75),
            (rf"\bredis-cli\b[^\n|;&]*?\s-a[ =]?(?P<value>{_WORD})", 0.8),
            (rf"\bldap(?:search|modify|add|delete|passwd|whoami)\b[^\n|;&]*?\s-w[ =]?(?P<value>{_WORD})", 0.8),
            (rf"\bssh-keygen\b[^\n|;&]*?\s-(?:N|P)[ =]?(?P<value>{_WORD})", 0.75),
            (rf"\bkeytool\b[^\n|;&]*?-(?:store|key|dest|src)(?:store)?pass[ =](?P<value>{_WORD})", 0.8),
            (rf"\s-pass(?:in|out)?[ =][\"']?pass:(?P<value>{_WORD})", 0.8),
            (r"\bsmbclient\b[^\n|;&]*?\s-U[ =]?[\"']?[^\s%\"']{1,64}%(?P<value>[^\s\"']{3,64})", 0.8),
            (r"\b(?:curl|wget|http|https|xh|httpie)\b[^\n|;]*?\s(?:-u|-U|-a|--user|--proxy-user|--auth)[ =]?[\"']?[^\s:\"'@$<>\-][^\s:\"'@$<>]{0,63}:(?P<value>[^\s\"']{3,96})", 0.8),
            (rf"\bhtpasswd\s[^\n|;&]*?\s?-\w{{0,6}}b\w{{0,6}}\s[^\n|;&]{{1,80}}?\s[\w.@\-]{{1,40}}\s(?P<value>{_WORD})(?:\n|$)", 0.75),
            (r"\becho\s(?:-n\s)?[\"']?[\w.\-]{1,32}:(?P<value>[^\s\"'|]{3,64})[\"']?\s{0,3}\|\s{0,3}(?:sudo\s)?chpasswd", 0.85),
            (rf"\brabbitmqctl\s(?:add_user|change_password)\s\S{{1,64}}\s(?P<value>{_WORD})", 0.8),
            (rf"\bopenssl\s(?:enc|aes\S{{0,12}}|des\S{{0,8}}|pkcs12)\b[^\n|;&]*?\s-(?:k|pass)\s(?!pass:|file:|env:|fd:|stdin)(?P<value>{_WORD})", 0.75),
            (rf"(?:^|\n)\s{{0,8}}(?:requirepass|masterauth)\s(?P<value>{_WORD})", 0.8),
            (rf"\becho\s(?:-n\s)?(?P<value>{_WORD})\s{{0,3}}\|\s{{0,3}}sudo\s(?:-\w\s)?-\w{{0,3}}S", 0.85),
            (r"\b(?:curl|wget|http|https|xh|httpie)\b[^\n|;]*?\s(?:-u|-U|-a|--user|--proxy-user|--auth)[ =]?'[^\s:\"'@$<>\-][^\s:\"'@$<>]{0,63}:(?P<value>[^'\n]{3,96})'", 0.85),
            (r"\bnet\s(?:use|user)\b[^\n|;&]*?\s(?:/user:\S{1,64}|[a-z][\w.]{1,20})\s(?P<value>[^\s/*\"']{4,64})", 0.6),
        ),
        ignore_case=True,
        refine=argument,
    ),
    Spec(
        "PASSWORD",
        ((rf"--?(?:[a-z0-9]{{1,20}}-){{0,3}}(?:password|passwd|passphrase|passcode|pass|pwd)(?: |=)(?P<value>{_WORD})", 0.7),),
        ignore_case=True,
        refine=flagged,
    ),
)  # fmt: skip
