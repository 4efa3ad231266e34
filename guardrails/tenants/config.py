"""tenants.yaml, read strictly: who there is, how each is known, and under which policy.

No line of these files is ever shown in a message: somebody may have written a key where its hash belongs.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from guardrails.errors import PolicyError, Problem
from guardrails.policy.files import Files, Loaded
from guardrails.policy.reader import Reader
from guardrails.policy.source import MAX_BYTES, Bounds, Node, parse
from guardrails.rules import Position
from guardrails.tenants.advice import advised
from guardrails.tenants.keys import digest_of
from guardrails.tenants.ways import Ways, read_ways

__all__ = ["ID", "SINGLE", "Config", "Entry", "every", "read_config", "single"]

ID = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
SINGLE = "default"
_TOP = ("version", "resolve", "default", "include", "tenants")
_INCLUDED = ("version", "tenants")
_TENANT = ("policy", "keys", "claims", "hosts", "subjects")
# What a tenant lists → the way that must be configured for it.
_WAY = {"keys": "api_key", "claims": "jwt", "hosts": "host", "subjects": "proxy"}
# Ten thousand tenants take 1.3 MB; this is for ten times as many.
_TENANTS = Bounds(16 * 1024 * 1024, 1_000_000)
_KEYS = Bounds(MAX_BYTES)
_HOST = re.compile(r"(?=.{1,253}$)[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*")


@dataclass(frozen=True, slots=True)
class Entry:
    """One tenant as it is written; ``keys`` are digests. ``at`` is where its policy is named."""

    id: str
    policy: str
    at: Position
    keys: tuple[bytes, ...] = field(default=(), repr=False)
    claims: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()
    subjects: tuple[str, ...] = ()

    @property
    def open(self) -> bool:
        """True for a tenant that nothing secret or signed protects."""
        return not (self.keys or self.claims or self.subjects)


@dataclass(frozen=True, slots=True)
class Config:
    """Everything tenants.yaml says. ``files`` are those it was read from, the issuer's keys among them."""

    entries: tuple[Entry, ...]
    ways: Ways = field(default_factory=Ways)
    default: str | None = None
    files: tuple[Loaded, ...] = ()


def single(policy: str) -> Config:
    """One policy for everybody: one tenant, and every caller is it."""
    return Config((Entry(SINGLE, policy, Position(policy, 1)),), default=SINGLE)


def every(names: Iterable[str]) -> Config:
    """Each of these policy files for itself: a tenant is called like its file, without the ending. Nobody is resolved."""
    return Config(tuple(Entry(str(PurePosixPath(n).with_suffix("")), n, Position(n, 1)) for n in names))


def read_config(root: Path, name: str) -> tuple[Config | None, list[Problem], dict[str, bytes]]:
    """The configuration in a file of the folder ``root``, all that is wrong with it, and the bytes by their sha256.

    The configuration is None when there is any problem: who may call is never known by halves.
    """
    reading = _Reading(root)
    config = reading.run(name)
    # A value of the wrong type may be a key that was written in the wrong place.
    problems = [
        advised(dataclasses.replace(p, source_line=None, written=None if p.code == "wrong-type" else p.written))
        for p in reading.reader.problems
    ]
    return (None if problems else config), problems, reading.blobs


class _Reading:
    def __init__(self, root: Path) -> None:
        self.files = Files(root)
        self.reader = Reader()  # without lines: see above
        self.blobs: dict[str, bytes] = {}
        self.entries: dict[str, Entry] = {}
        self.ways: set[str] = set()

    def run(self, name: str) -> Config:
        top, node = self.document(name, Position(name, 1), "", _TOP)
        ways = Ways()
        if "resolve" in top:
            ways = read_ways(top["resolve"], self.reader, self.key_file)
            if isinstance(top["resolve"].value, dict):
                # One that is there and wrong was reported already.
                self.ways = {way for way in top["resolve"].value if way != "host" or ways.host}
        self.tenants(top)
        if "include" in top:
            for number, item in enumerate(self.reader.items(top["include"], "include")):
                key = f"include[{number}]"
                reference = self.reader.text(item, key)
                if reference is not None:
                    more, _ = self.document(reference, item.at, key, _INCLUDED)
                    self.tenants(more)
        default = None
        if "default" in top:
            default = self.reader.choice(top["default"], "default", tuple(self.entries), "unknown-tenant")
        at = node.at if node is not None else Position(name, 1)
        if not self.entries and not self.reader.problems:
            self.reader.report("no-tenants", "there is no tenant here", at, "tenants", remedy="add tenants: {NAME: …}")
        self.reachable(default)
        self.unique()
        return Config(tuple(self.entries.values()), ways, default, tuple(self.files.loaded))

    def read(self, reference: str, at: Position, key: str, bounds: Bounds = _KEYS) -> bytes | None:
        try:
            path = self.files.resolve(reference, self.files.root, at, key)
            data = self.files.read(path, at, key, reference, bounds.bytes)
        except PolicyError as error:
            self.reader.problems += error.problems
            return None
        self.blobs[self.files.loaded[-1].sha256] = data
        return data

    def key_file(self, node: Node, key: str) -> bytes | None:
        reference = self.reader.text(node, key)
        return None if reference is None else self.read(reference, node.at, key)

    def document(
        self, reference: str, at: Position, key: str, keys: tuple[str, ...]
    ) -> tuple[dict[str, Node], Node | None]:
        data = self.read(reference, at, key, _TENANTS)
        if data is None:
            return {}, None
        try:
            node = parse(data, reference, _TENANTS)
        except PolicyError as error:
            self.reader.problems += error.problems
            return {}, None
        if not isinstance(node.value, dict):
            self.reader.report("wrong-type", "the file must be a mapping", node.at, allowed=", ".join(keys))
            return {}, node
        entries = self.reader.mapping(node, "", keys)
        if "version" not in entries or entries["version"].value != 1 or isinstance(entries["version"].value, bool):
            self.reader.report(
                "version", "the version of this format must be given", node.at, "version", allowed="1",
                remedy="write version: 1, without quotes" if "version" in entries else "add version: 1",
            )  # fmt: skip
        return entries, node

    def tenants(self, top: dict[str, Node]) -> None:
        if "tenants" not in top:
            return
        for id_, node in self.reader.mapping(top["tenants"], "tenants").items():
            at = top["tenants"].keys[id_]
            key = f"tenants.{id_}"
            if not ID.fullmatch(id_):
                self.reader.report(
                    "bad-tenant-id", "this is no id of a tenant", at, key, written=id_,
                    allowed="1 to 63 of a-z, 0-9 and -, the first no -",
                )  # fmt: skip
            elif id_ in self.entries:
                self.reader.report(
                    "duplicate-tenant", "this tenant is there already", at, key, written=id_,
                    remedy=f"keep one of them; the first is at {self.entries[id_].at}",
                )  # fmt: skip
            else:
                self.entries[id_] = self.entry(id_, node, key)

    def entry(self, id_: str, node: Node, key: str) -> Entry:
        entries = self.reader.mapping(node, key, _TENANT)
        policy = self.reader.text(entries["policy"], f"{key}.policy") if "policy" in entries else None
        if "policy" not in entries and isinstance(node.value, dict):
            self.reader.report(
                "missing-key", f"{key} has no policy", node.at, key, remedy="add policy: FILE, or policy: shipped:NAME"
            )
        for name, way in _WAY.items():
            if name in entries and way not in self.ways:
                self.reader.report(
                    "way-not-configured", f"nobody can be resolved by {name}: there is no resolve.{way}",
                    entries[name].at, f"{key}.{name}", allowed=", ".join(sorted(self.ways)) or None,
                    remedy=f"add resolve: {{{way}: …}}, or remove {name}",
                )  # fmt: skip
        return Entry(
            id_,
            policy or "",
            entries["policy"].at if "policy" in entries else node.at,
            self.keys(entries, key),
            self.texts(entries, "claims", key),
            self.hosts(entries, key),
            self.texts(entries, "subjects", key),
        )

    def keys(self, entries: dict[str, Node], key: str) -> tuple[bytes, ...]:
        if "keys" not in entries:
            return ()
        node = entries["keys"]
        digests: list[bytes] = []
        for number, item in enumerate(node.value if isinstance(node.value, list) else [node]):
            digest = digest_of(item.value) if isinstance(item.value, str) else None
            if digest is None:
                # What is written is not shown: it may be the key.
                self.reader.report(
                    "key-not-hashed", "this is no hash of a key", item.at, f"{key}.keys[{number}]",
                    allowed="sha256: and 64 hexadecimal digits in lower case",
                    remedy="write what `guardrails tenants hash-key` prints; a key that stood here is known now, replace it",
                )  # fmt: skip
            else:
                digests.append(digest)
        return tuple(digests)

    def hosts(self, entries: dict[str, Node], key: str) -> tuple[str, ...]:
        hosts = tuple(h.lower().rstrip(".") for h in self.texts(entries, "hosts", key))
        for number, host in enumerate(hosts):
            if not _HOST.fullmatch(host):
                self.reader.report(
                    "bad-host", "this is no host name", entries["hosts"].at, f"{key}.hosts[{number}]", written=host,
                    allowed="a full name in ASCII without scheme, port or *",
                )  # fmt: skip
        return hosts

    def texts(self, entries: dict[str, Node], name: str, key: str) -> tuple[str, ...]:
        if name not in entries:
            return ()
        items = self.reader.items(entries[name], f"{key}.{name}")
        texts = (self.reader.text(n, f"{key}.{name}[{i}]", at_most=4096) for i, n in enumerate(items))
        return tuple(t for t in texts if t is not None)

    def reachable(self, default: str | None) -> None:
        if self.reader.problems:
            return
        for entry in self.entries.values():
            if entry.open and not entry.hosts and entry.id != default:
                self.reader.report(
                    "unreachable-tenant", "no caller can be this tenant", entry.at, f"tenants.{entry.id}",
                    allowed=", ".join(_WAY), remedy="add keys, claims, hosts or subjects, or remove it",
                )  # fmt: skip

    def unique(self) -> None:
        for name in _WAY:
            owners: dict[object, Entry] = {}
            for entry in self.entries.values():
                for number, value in enumerate(getattr(entry, name)):
                    first = owners.setdefault(value, entry)
                    if first is not entry or value in getattr(entry, name)[:number]:
                        self.reader.report(
                            "duplicate-credential", f"this is listed for {first.id} already", entry.at,
                            f"tenants.{entry.id}.{name}[{number}]",
                            remedy="one credential means one tenant: remove it here or there",
                        )  # fmt: skip
