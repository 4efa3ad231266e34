"""Addresses on a network, and the names one logs in with."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator

from guardrails.detectors.pii.recognizer import Spec
from guardrails.detectors.pii.recognizers import credential_checks as proof

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


_FIELD = re.compile(r"[a-z][A-Za-z]*\.(?:id|name|user|login|value|data|text|username)$")


def handle(value: str) -> bool | None:
    """A login name, not a word of the sentence that speaks about login names."""
    return False if proof.secret(value.strip("._-@")) is False or _FIELD.match(value) else None


_OCTET = r"(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)"
_IPV4 = rf"(?<![\w.\-]){_OCTET}(?:\.{_OCTET}){{3}}(?![\w\-]|\.\d)"
# What announces a version, the number of a section or an object identifier, directly before it.
_ANNOUNCED = re.compile(
    r"(?i)(?:(?:\b|(?<=[A-Za-z_])(?=version))(?:versions?|ver|v|releases?|rel|firmware|builds?|revision|rev|tags?|sections?|sect|chapter|clause|article|appendix|figure|fig|table|rule|"
    r"paragraph|para|policy|kernel|driver|oid|object ?identifier|asterisk|patch(?:level)?)\.?(?: (?:is|was|no\.?|number|to|of))?|§)[\"'*`]{0,2}\s{0,2}[:=#(\[>]{0,2}\s?[\"'`v]?$"
    r"|(?:[=~!<>]=|~>|\^)\s?[\"']?v?$"
    # Gemfiles, coordinates of Maven, scoped packages of npm, arguments of an installer.
    r"|\b(?:gem|pod)\s{1,2}[\"'][\w.\-/]{1,60}[\"'],\s?[\"'](?:[~<>=]{1,2}\s)?$|(?:^|\n) {4,8}[a-z][\w.\-]{1,60} \($"
    r"|(?<![\w.:/@])[a-z][\w\-]*(?:\.[\w\-]+)+:[\w.\-]{2,60}:$|@[\w.\-]{1,40}/[\w.\-]{1,60}@$|\binstall\s(?:[^\n|;&]*\s)?[\w.+\-]{1,60}(?<!host)(?<!ip)(?<!addr)(?<!address)(?<!server)=$"
)
# As the above, where the first number is small: what is updated to 203.0.113.9 is a record.
_CHANGED = re.compile(
    r"(?i)\b(?:upgrad|updat|bump|downgrad|patch|migrat)\w{0,4}\b(?P<what>(?:[^\n.;]|\.\d){0,60})\bto\s{1,2}v?$"
    r"|\b(?:upgrad|updat|bump|downgrad)\w{0,4}\b(?P<which>[^\n.;]{0,40})\bfrom\s{1,2}v?$"
    r"|(?<![\w.\-])(?:[\w.]*\.net|framework|runtime|iis|sql server|redistributable|vcredist|selenium|webview2?|msedge|putty|winscp|filezilla|7-?zip|winrar|"
    r"notepad\+\+|thunderbird|gimp|blender|eclipse|intellij|pycharm|studio|xcode|pip|conda|anaconda|jupyter|openwrt|dd-wrt|pfsense|opnsense|"
    r"terraform|ansible|grafana|prometheus|sonarqube|jira|confluence|tableau|power ?bi|matlab|autocad|solidworks|minecraft|teamviewer|anydesk|"
    r"plugin|plug-in|extension|add-?on|module|package|library|client app|app|engine|agent version)\s{1,2}(?:version\s)?\(?v?$"
)
_NETWORKED = re.compile(
    r"(?i)\b(?:records?|dns|address|ips?|hosts?|server|gateway|route|prox(?:y|ies)|endpoint|upstream|subnet|nameserver|resolver|peer|node|vip|listener|firewall)\b"
)
_SMALL = 100
_PRODUCT = re.compile(
    r"(?i)(?<![\w.\-])(?:python|java|jdk|jre|node(?:\.?js)?|npm|nginx|apache|httpd|tomcat|chrome|chromium|chromedriver|firefox|safari|opera|edge|windows|macos|ios|android|"
    r"(?:libre|open|ms |microsoft )?office|word|excel|outlook|openssl|openssh|mysql|mariadb|postgres(?:ql)?|oracle|db2|sqlite|redis|mongodb|linux|ubuntu|debian|\.net|dotnet|sdk|v8|"
    r"cuda|cudnn|driver|gcc|clang|llvm|php|ruby|rails|perl|golang|rust|docker|kubernetes|k8s|jenkins|gitlab|git|solr|elasticsearch|kafka|zlib|curl|flash|acrobat|reader|photoshop|"
    r"wordpress|drupal|joomla|django|flask|spring|log4j|struts|numpy|pytorch|tensorflow|electron|unity|unreal|teams|zoom|skype|slack|vlc|steam|bios|uefi|esxi|vmware|virtualbox|"
    r"exchange|sharepoint|sap|junos|pan-os|fortios|routeros|webkit|applewebkit|gecko|dart|flutter|swift|kotlin|gradle|maven|cmake|bash|zsh|powershell|visual studio|vs ?code)\s{1,2}(?:version\s)?v?$"
)
_SLASHED = re.compile(r"(?<![\w./:])[A-Za-z][\w+\-]*/v?$")
_HEADING_BEFORE = re.compile(r"(?:^|\n)[ \t#*>\-]*$|>\s?$")
_HEADING_AFTER = re.compile(r"\.?\s{1,4}(?:[A-Z][A-Za-z]|[A-Z]?[a-z]|<)|\.?</|\.\s")
_FOLLOWED = re.compile(r"(?i)\s?\(?(?:release|version|build|beta|alpha|firmware|update)\b")
_PRERELEASE = re.compile(r"(?i)[-.~+]?(?:rc|alpha|beta|dev|pre|snapshot|post|dfsg)\.?\d*\b(?![.-]?[a-z])")
_OID = ("2.5.4.", "2.5.29.", "1.3.6.1", "1.2.840")
_PRIVATE = re.compile(
    r"10\.|127\.|192\.168\.|172\.(?:1[6-9]|2\d|3[01])\.|169\.254\.|100\.(?:6[4-9]|[7-9]\d|1[01]\d|12[0-7])\."
)
_RESOLVERS = frozenset(["8.8.8.8", "8.8.4.4", "9.9.9.9", "1.0.0.1"])


def address(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """An address of version 4 that is no version, no section and no object identifier, as what stands directly beside it says.

    Private addresses are nobody's version.
    """
    value = text[start:end]
    before, after = text[max(0, start - 64) : start], text[end : end + 24]
    slashed = _SLASHED.search(before) is not None and not before.lower().endswith("localhost/")
    private = _PRIVATE.match(value) is not None
    version = (
        slashed or re.search(r"(?:[=~!<>]=|~>)\s?[\"']?$", before) is not None or _PRERELEASE.match(after) is not None
    )
    if not private:
        octets = [int(o) for o in value.split(".")]
        version = (
            version
            or _ANNOUNCED.search(before) is not None
            or _PRODUCT.search(before) is not None
            or (octets[0] < _SMALL and (_changed(before) or _PRODUCT.search(before.removesuffix("(")) is not None))
            or _FOLLOWED.match(after) is not None
            or value.startswith(_OID)
            or (
                max(octets) <= 40
                and value not in _RESOLVERS
                and _HEADING_BEFORE.search(before) is not None
                and _HEADING_AFTER.match(after) is not None
            )
        )
    if not version:
        yield start, end


def _changed(before: str) -> bool:
    """True when what stands before a small number speaks of a product, or of what was brought from one version to another."""
    found = _CHANGED.search(before)
    return found is not None and not _NETWORKED.search(found["what"] or found["which"] or "")


def not_a_slice(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """An address of version 6; ``x[0::2]`` is an index."""
    index = re.fullmatch(r"\d{0,3}::\d{0,3}", text[start:end]) and text[end : end + 1] in ("]", ",")
    if not index or text[end : end + 2] == "]:":
        yield start, end


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
        refine=address,
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
        refine=not_a_slice,
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
)
