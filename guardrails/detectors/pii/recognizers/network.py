"""Addresses on a network, and what one logs in with."""

from __future__ import annotations

import ipaddress
import re

from guardrails.detectors.pii.recognizer import Spec

__all__ = ["RECOGNIZERS"]


def ipv6(value: str) -> bool | None:
    """A valid address that is no piece of code: ``a::b`` is one only by accident."""
    try:
        ipaddress.IPv6Address(value)
    except ValueError:
        return False
    groups = [g for g in value.split(":") if g]
    if len(groups) >= 4:
        return True
    return None if any(c.isdigit() for c in value) and (len(groups) >= 2 or value == "::1") else False


_WORDS = frozenset(
    "required optional invalid incorrect wrong not the and for are was has had will can must should may your their this that is "
    "str string text none null true false undefined empty unknown hidden missing field type input int bool char varchar "
    "expired changed reset forgotten protected case-sensitive sensitive too also only very already taken available "
    "here there correct valid unique same different needed stored sent used using encrypted hashed at in on with from "
    "please enter choose create your_password password passwd username user admin_password secret example placeholder "
    "safe secure strong weak gone lost working broken blocked locked compromised leaked stolen short long old new simple easy "
    "hard complex known fine okay secured rejected accepted denied refused outdated enough blank visible "
    "n/a tbd xxx redacted removed filtered".split()
)
_CODE = re.compile(
    r"[A-Za-z_][\w.]*[(\[]|\$\{?|<|%[({s]|\{\{?\w*\}?\}?$|process\.|os\.|self\.|request\.|req\.|props\.|this\.|args\.|config\."
)

_VARIABLE = re.compile(r"[a-z]+(?:[A-Z][a-z]+)*(?:Password|Passwd|Pwd|Secret|Hash)|[a-z]+_(?:password|passwd|pwd|hash)")
_FIELD = re.compile(r"[a-z][A-Za-z]*\.(?:id|name|user|login|value|data|text|username)$")


def secret(value: str) -> bool | None:
    """No word of a form or a manual, and no piece of code that fetches the secret from elsewhere."""
    bare = value.strip(".,;:!?)('\"`").lower()
    if _VARIABLE.fullmatch(value.rstrip("}])")):
        return False
    if len(bare) < 3 or bare in _WORDS or _CODE.match(value) or not any(c.isalnum() for c in value):
        return False
    return None


def strong(value: str) -> bool | None:
    """Without a colon before it, only what no word looks like: letters with a digit or a sign in the middle."""
    if secret(value) is False or not any(c.isalpha() for c in value):
        return False
    core = value.rstrip(".,;:!?)'\"")
    plain = core.replace("-", "").replace("'", "").replace("’", "")
    return None if any(c.isdigit() for c in core) or (not plain.isalnum() and len(core) >= 6) else False


def handle(value: str) -> bool | None:
    """A login name, not a word of the sentence that speaks about login names."""
    return False if value.strip("._-@").lower() in _WORDS or _CODE.match(value) or _FIELD.match(value) else None


_OCTET = r"(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)"
_IPV4 = rf"(?<![\w.\-]){_OCTET}(?:\.{_OCTET}){{3}}(?![\w\-]|\.\d)"
_VERSION_WORDS = (
    "version",
    "ver",
    "v",
    "release",
    "firmware",
    "build",
    "section",
    "chapter",
    "upgrade",
    "update",
    "clause",
    "asterisk",
)

_PASS = r"(?:pass ?word|pass ?phrase|pass ?code|passwd|pwd|passwort|kennwort|contraseña|mot de passe|senha)s?"
_VALUE = r"[^\s\"'`<>,;|]{3,63}[^\s\"'`<>,;|.]"
_TLD = r"(?:com|org|net|edu|gov|mil|info|biz|co\.uk|org\.uk|ac\.uk|gov\.uk|com\.au|co\.in|co\.nz|co\.jp|com\.br)"
_TLD_PATH = r"(?:io|dev|ai|app|me|co|uk|de|fr|es|it|nl|ch|at|eu|ca|au|in|jp|cn|ru|br|us|ly|gg|tv|be|se|no|dk|fi|pl|cz|pt|ie|xyz|site|online|shop|tech|cloud)"
_LABEL = r"[a-z0-9](?:[a-z0-9\-]{0,61}[a-z0-9])?"  # the last one stands outside the repetition: ".com" is a trigger
_URL_CHARS = r"[^\s<>\"'`{}|\\^\[\]]"

RECOGNIZERS: tuple[Spec, ...] = (
    Spec(
        "IP_ADDRESS",
        ((_IPV4, 0.6),),
        context=(
            "ip",
            "ip address",
            "host",
            "server",
            "ping",
            "dns",
            "subnet",
            "gateway",
            "login from",
            "client",
            "ssh",
        ),
        against=_VERSION_WORDS,
    ),
    Spec(
        "IP_ADDRESS",
        (
            (
                r"(?<![\w:.])(?:[0-9A-Fa-f]{1,4}:|:(?=:)|:(?<=::)){2,7}(?:[0-9A-Fa-f]{1,4}|"
                + _OCTET
                + r"(?:\."
                + _OCTET
                + r"){3}|(?<=::))(?![\w:]|\.\d)",
                0.55,
            ),
        ),
        context=("ip", "ipv6", "host", "server", "address"),
        validate=ipv6,
    ),
    Spec(
        "MAC_ADDRESS",
        (
            (r"(?<![\w:\-])[0-9A-Fa-f]{2}(?::[0-9A-Fa-f]{2}){5}(?![\w:\-])", 0.85),
            (r"(?<![\w:\-])[0-9A-Fa-f]{2}(?:-[0-9A-Fa-f]{2}){5}(?![\w:\-])", 0.85),
            (r"(?<![\w.])[0-9A-Fa-f]{4}\.[0-9A-Fa-f]{4}\.[0-9A-Fa-f]{4}(?![\w.])", 0.5),
        ),
        context=("mac", "mac address", "hardware address", "ethernet", "physical address", "wifi", "bluetooth"),
    ),
    Spec(
        "MAC_ADDRESS",
        ((r"\b[0-9A-Fa-f]{12}\b", 0.15),),
        context=("mac", "mac address", "hardware address", "ethernet"),
        validate=lambda v: None if any(c.isdigit() for c in v) else False,
        requires_context=True,
    ),
    Spec(
        "URL",
        (
            (
                rf"(?i)\b(?:https?|ftps?|sftp|wss?|ssh|git|smb|ldaps?|s3)://{_URL_CHARS}*[^\s<>\"'`{{}}|\\^\[\].,;:!?()*]",
                0.85,
            ),
            (
                rf"(?i)\bwww\.[a-z0-9\-]{{1,63}}(?:\.[a-z0-9\-]{{2,63}}){{1,5}}(?:[/?#:]{_URL_CHARS}*[^\s<>\"'`{{}}|\\^\[\].,;:!?()*])?",
                0.75,
            ),
            (
                rf"(?i)(?<![\w@.\-/])(?:{_LABEL}\.){{0,3}}{_LABEL}\.{_TLD}(?![\w@\-]|\.\w)(?:[/?#]{_URL_CHARS}*[^\s<>\"'`{{}}|\\^\[\].,;:!?()*])?",
                0.5,
            ),
            (
                rf"(?i)(?<![\w@.\-/])(?:{_LABEL}\.){{0,3}}{_LABEL}\.{_TLD_PATH}/{_URL_CHARS}*[^\s<>\"'`{{}}|\\^\[\].,;:!?()*]",
                0.5,
            ),
        ),
        context=("url", "website", "link", "site", "visit", "web"),
        validate=lambda v: False if v.lower() in ("asp.net", "vb.net", "ado.net", "ml.net", "paint.net") else None,
    ),
    Spec(
        "USERNAME",
        (
            (
                r"(?<![\w])(?:user[ _-]?name|user[ _-]?id|userid|login(?:[ _-]?(?:name|id))?|log-?in|screen[ _-]?name|nick(?:name)?|handle|account name|uname|benutzername)"
                r"[\"'`*]{0,3}\s{0,2}[:=]\s{0,2}[\"'`*]{0,3}(?P<value>@?[A-Za-z0-9][A-Za-z0-9._\-]{1,30}[A-Za-z0-9_])(?![\w@(\[:]|\.\w)",
                0.65,
            ),
            # "user" alone announces many things; only a value with a digit in it is a login name.
            (
                r"(?<![A-Za-z])(?:user|login|account)[\"'`*]{0,3}\s{0,2}[:=]\s{0,2}[\"'`*]{0,3}"
                r"(?P<value>@?(?=[A-Za-z_\-]{0,31}[0-9])[A-Za-z][A-Za-z0-9_\-]{2,31})(?![\w@(\[:.])",
                0.6,
            ),
            (
                r"(?<![\w])(?:user[ _-]?name|user[ _-]?id|login(?:[ _-]?(?:name|id))|screen[ _-]?name|handle) (?:is|was|will be) [\"'`]?"
                r"(?P<value>@?(?=[A-Za-z._\-]{0,31}[0-9_.])[A-Za-z0-9][A-Za-z0-9._\-]{1,30}[A-Za-z0-9_])(?![\w@])",
                0.6,
            ),
        ),
        validate=handle,
        ignore_case=True,
    ),
    Spec(
        "USERNAME",
        ((r"(?<![\w@./:`'\"])@(?>[A-Za-z_][A-Za-z0-9_]{2,29})(?![\w@/(.]\w)", 0.3),),
        context=(
            "twitter",
            "instagram",
            "tiktok",
            "handle",
            "username",
            "follow",
            "telegram",
            "github",
            "insta",
            "snapchat",
            "social media",
            "discord",
        ),
        requires_context=True,
    ),
    Spec(
        "PASSWORD",
        (
            (
                rf"(?<![A-Za-z])my (?:new |old |current )?{_PASS} (?:is|was) (?P<value>[A-Za-z0-9]{{5,30}})(?=[.,!;\n]|$)",
                0.6,
            ),
            (rf"(?<![A-Za-z]){_PASS}[\"'`*]{{0,3}}\s{{0,2}}(?:[:=]|=>|:=)\s{{0,3}}[*`]{{0,2}}(?P<value>{_VALUE})", 0.7),
            (
                rf"(?<![A-Za-z]){_PASS}[\"'`*]{{0,3}}\s{{0,2}}(?:[:=]|=>|:=|is|was)\s{{0,3}}\"(?P<value>[^\"\n]{{4,63}})\"",
                0.75,
            ),
            (
                rf"(?<![A-Za-z]){_PASS}[\"'`*]{{0,3}}\s{{0,2}}(?:[:=]|=>|:=|is|was)\s{{0,3}}'(?P<value>[^'\n]{{4,63}})'",
                0.75,
            ),
        ),
        validate=secret,
        ignore_case=True,
    ),
    Spec(
        "PASSWORD",
        (
            (
                rf"(?<![A-Za-z]){_PASS}(?: (?:for|to|of) [^\n.,;:]{{1,40}}?)? (?:is|was|will be|set to|reset to|changed to)(?: now)?:? (?P<value>{_VALUE})",
                0.65,
            ),
            (rf"(?<![A-Za-z]){_PASS} (?P<value>{_VALUE})", 0.55),
            (rf"(?<![A-Za-z]){_PASS}(?: of| is| was)? [\"'‘“`](?P<value>[^\"'’”`\n\s]{{5,63}})[\"'’”`]", 0.6),
            (
                r"(?<![\w/])(?:users?(?:names?)?|logins?|credentials?)\b[^\n]{0,60}?@[^\n\s/]{3,60} / (?P<value>[^\s\"'`<>,;|]{5,63}[^\s\"'`<>,;|.])",
                0.5,
            ),
        ),
        validate=strong,
        ignore_case=True,
    ),
)
