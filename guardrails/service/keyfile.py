"""keys.yaml, read strictly: the callers of the service, what they may do, and on which guardrails.

No line of the file is shown in a message: somebody may have written a key where its hash belongs.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field, replace
from pathlib import Path

from guardrails.errors import GuardrailsError, PolicyError
from guardrails.policy import parse_document
from guardrails.policy.reader import Reader
from guardrails.policy.source import Node
from guardrails.service.limits import Limits
from guardrails.service.names import slug
from guardrails.tenants.keys import digest_of

__all__ = ["Key", "KeyFile", "limits_of", "read_keys"]

_TOP = ("version", "limits", "keys")
_KEY = ("hash", "scopes", "guardrails", "default", "sigv4", "certificate", "limits")
_SIGV4 = ("access_key_id", "secret_env")
_SCOPES = ("check", "author", "admin")
# Setting → the least and the most that it may be, and whether it is whole.
_LIMITS = {
    "requests_per_second": (0.001, 1_000_000, False),
    "burst": (1, 1_000_000, True),
    "requests_per_day": (1, 1_000_000_000_000, True),
    "text_units_per_day": (1, 1_000_000_000_000, True),
}
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")


@dataclass(frozen=True, slots=True)
class Key:
    """One caller. ``guardrails`` are ids, None for all of them; ``secret_env`` names the variable with the secret that its
    signatures are verified with, ``certificate`` is the subject of a client certificate that means this caller. ``limits``: None where the file says none."""

    name: str
    digests: tuple[bytes, ...] = field(default=(), repr=False)
    scopes: tuple[str, ...] = ("check",)
    guardrails: frozenset[str] | None = None
    default: str | None = None
    access_key: str | None = None
    secret_env: str = ""
    certificate: str | None = None
    limits: Limits | None = None

    def secret(self) -> str:
        """The secret access key. Raises GuardrailsError when the variable is empty."""
        value = os.environ.get(self.secret_env, "")
        if not value:
            raise GuardrailsError(
                f"keys.{self.name}.sigv4: the environment variable {self.secret_env} is empty or not set"
            )
        return value


@dataclass(frozen=True, slots=True)
class KeyFile:
    """All callers of one file."""

    keys: tuple[Key, ...]


def read_keys(path: Path) -> KeyFile:
    """The callers in a file. Raises PolicyError with everything that is wrong, GuardrailsError for a secret that is not set."""
    node = parse_document(path)
    reader = Reader()
    top = reader.mapping(node, "", _TOP)
    if "version" not in top or top["version"].value != 1 or isinstance(top["version"].value, bool):
        reader.report("version", "the version of this format must be given", node.at, "version", allowed="1",
                      remedy="write version: 1, without quotes")  # fmt: skip
    if "keys" not in top:
        reader.report("missing-key", "there is no key here", node.at, "keys", remedy="add keys: {NAME: {hash: …}}")
    common = limits_of(top["limits"], "limits", reader) if "limits" in top else None
    entries = reader.mapping(top["keys"], "keys") if "keys" in top else {}
    keys = tuple(_key(name, entry, top["keys"].keys[name], reader) for name, entry in entries.items())
    _unique(keys, top.get("keys", node), reader)
    if reader.problems:
        hidden = ("wrong-type", "key-not-hashed")
        raise PolicyError(
            [replace(p, source_line=None, written=None if p.code in hidden else p.written) for p in reader.problems]
        )
    keys = tuple(replace(key, limits=key.limits or common) for key in keys)
    for key in keys:
        if key.access_key is not None:
            key.secret()  # a signature that cannot be verified is found at the start
    return KeyFile(keys)


def _key(name: str, node: Node, at: object, reader: Reader) -> Key:
    place = f"keys.{name}"
    if not _NAME.fullmatch(name):
        reader.report("bad-name", "this is no name of a caller", node.at, place, written=name,
                      allowed="1 to 63 of a-z, 0-9 and -, the first no -")  # fmt: skip
    entries = reader.mapping(node, place, _KEY)
    digests = _digests(entries.get("hash"), f"{place}.hash", reader)
    if not digests and not {"sigv4", "certificate"} & set(entries) and isinstance(node.value, dict):
        reader.report("missing-key", f"{place} has no hash", node.at, place,
                      remedy="add hash: and what `guardrails tenants new-key` prints on its second line")  # fmt: skip
    scopes = [
        found
        for number, item in enumerate(_list(entries.get("scopes")))
        if (found := reader.choice(item, f"{place}.scopes[{number}]", _SCOPES)) is not None
    ]
    named = [
        slug(text)
        for number, item in enumerate(_list(entries.get("guardrails")))
        if (text := reader.text(item, f"{place}.guardrails[{number}]")) is not None
    ]
    default = reader.text(entries["default"], f"{place}.default") if "default" in entries else None
    if default is not None and named and slug(default) not in named:
        reader.report("unknown-value", f"{place}.default is none of its guardrails", entries["default"].at,
                      f"{place}.default", written=default, allowed=", ".join(named))  # fmt: skip
    access_key, secret_env = _sigv4(entries.get("sigv4"), f"{place}.sigv4", reader)
    del at
    return Key(
        name,
        tuple(digests),
        tuple(dict.fromkeys(scopes)) or ("check",),
        frozenset(named) if named else None,
        slug(default) if default else (named[0] if named else None),
        access_key,
        secret_env,
        reader.text(entries["certificate"], f"{place}.certificate") if "certificate" in entries else None,
        limits_of(entries["limits"], f"{place}.limits", reader) if "limits" in entries else None,
    )


def limits_of(node: Node, place: str, reader: Reader) -> Limits | None:
    """Limits as a mapping; what is wrong with them is recorded, and then there are none."""
    entries = reader.mapping(node, place, tuple(_LIMITS))
    if "burst" in entries and "requests_per_second" not in entries:
        reader.report("missing-key", f"{place}.burst means nothing alone", entries["burst"].at, place,
                      remedy="add requests_per_second: …")  # fmt: skip
        return None
    values = {n: reader.number(e, f"{place}.{n}", *_LIMITS[n][:2], whole=_LIMITS[n][2]) for n, e in entries.items()}
    if None in values.values():
        return None
    whole = {n: int(v) if _LIMITS[n][2] else v for n, v in values.items() if v is not None}
    return Limits(**whole)  # type: ignore[arg-type]


def _sigv4(node: Node | None, place: str, reader: Reader) -> tuple[str | None, str]:
    if node is None:
        return None, ""
    entries = reader.mapping(node, place, _SIGV4)
    for name in _SIGV4:
        if name not in entries and isinstance(node.value, dict):
            reader.report("missing-key", f"{place} has no {name}", node.at, place, remedy=f"add {name}: …")
    said = [reader.text(entries[n], f"{place}.{n}") if n in entries else None for n in _SIGV4]
    return said[0], said[1] or ""


def _digests(node: Node | None, place: str, reader: Reader) -> list[bytes]:
    digests = []
    for item in _list(node):
        digest = digest_of(item.value) if isinstance(item.value, str) else None
        if digest is None:
            # What is written is not shown: it may be the key.
            reader.report("key-not-hashed", "this is no hash of a key", item.at, place,
                          allowed="sha256: and 64 hexadecimal digits in lower case",
                          remedy="write what `guardrails tenants hash-key` prints; a key that stood here is known now, replace it")  # fmt: skip
        else:
            digests.append(digest)
    return digests


def _list(node: Node | None) -> list[Node]:
    if node is None:
        return []
    return list(node.value) if isinstance(node.value, list) else [node]


def _unique(keys: tuple[Key, ...], node: Node, reader: Reader) -> None:
    owners: dict[object, str] = {}
    for key in keys:
        for value in (
            *key.digests,
            *filter(None, (key.access_key, key.certificate and f"certificate {key.certificate}")),
        ):
            first = owners.setdefault(value, key.name)
            if first != key.name:
                reader.report("duplicate-credential", f"this is listed for {first} already", node.at, f"keys.{key.name}",
                              remedy="one key means one caller: remove it here or there")  # fmt: skip
