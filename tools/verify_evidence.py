"""Verify an evidence log, or a proof out of one, with its public key and nothing of ours.

    python verify_evidence.py log.vkey DIRECTORY [CHECKPOINT ...]    a whole log, and checkpoints that were kept elsewhere
    python verify_evidence.py log.vkey PROOF.json                    what `guardrails audit prove` or `consistency` wrote

Needs Python 3.9 and the package `cryptography`. Exit code 0: everything is as it was written; 1: it is not. The formats are those of
docs/evidence.md: records in frames of length and CRC-32, the Merkle tree of RFC 6962, and checkpoints as C2SP signed notes.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import struct
import sys
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    Key = tuple[str, bytes, Ed25519PublicKey]


class Wrong(Exception):
    """What is not as it was written."""


def require(true: object, what: str) -> None:
    """Stop where something is wrong."""
    if not true:
        raise Wrong(what)


def key_of(text: str) -> Key:
    """(name, id, public key) of `name+id+base64(1, key)`."""
    name, id_, data = text.strip().split("+", 2)
    raw = base64.b64decode(data)
    require(
        raw[:1] == b"\1" and hashlib.sha256(name.encode() + b"\n" + raw).hexdigest()[:8] == id_, "the key is damaged"
    )
    return name, raw, Ed25519PublicKey.from_public_bytes(raw[1:])


def checkpoint(note: str, key: Key) -> tuple[int, bytes]:
    """(records, root) of a note that this key signed."""
    text, _, tail = note.rpartition("\n\n")
    name, raw, public = key
    for line in re.findall(r"^— (\S+) (\S+)$", tail, re.M):
        data = base64.b64decode(line[1])
        if line[0] == name and data[:4] == hashlib.sha256(name.encode() + b"\n" + raw).digest()[:4]:
            try:
                public.verify(data[4:], (text + "\n").encode())
            except InvalidSignature:
                break
            origin, size, root = text.split("\n")[:3]
            require(origin == name, f"the checkpoint is of another log, {origin}")
            return int(size), base64.b64decode(root)
    raise Wrong("a checkpoint is not signed by the log's key")


def leaf(record: bytes) -> bytes:
    """RFC 6962, 2.1."""
    return hashlib.sha256(b"\0" + record).digest()


def node(left: bytes, right: bytes) -> bytes:
    """RFC 6962, 2.1."""
    return hashlib.sha256(b"\1" + left + right).digest()


def next_key(record: bytes, key: Key) -> Key:
    """The key after this record: another one where the record changes it."""
    read = json.loads(record) if b'"kind":"key"' in record else {}
    return key_of(read["body"]["verifier"]) if read.get("kind") == "key" else key


def included(item: dict[str, Any], size: int, root: bytes) -> None:
    """Whether a record stands where the proof says (RFC 9162, 2.1.3.2)."""
    at, last, found = item["index"], size - 1, leaf(item["record"].encode())
    require(0 <= at <= last, "a record lies outside of the log")
    for step in map(base64.b64decode, item["path"]):
        require(last > 0, "a proof is too long")
        if at & 1 or at == last:
            found = node(step, found)
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            found = node(found, step)
        at, last = at >> 1, last >> 1
    require(last == 0 and found == root, f"record {item['index']} is not the one that was signed for")


def consistent(old: tuple[int, bytes], new: tuple[int, bytes], path: Sequence[bytes]) -> None:
    """Whether the first log is a beginning of the second (RFC 9162, 2.1.4.2)."""
    (size, root), (later, later_root) = old, new
    if size == later:
        require(root == later_root and not path, "two checkpoints of one size differ: the log was forked")
        return
    steps = path if size & (size - 1) else [root, *path]
    require(0 < size < later and steps, "the proof of consistency does not fit its checkpoints")
    at, last, first, second = size - 1, later - 1, steps[0], steps[0]
    while at & 1:
        at, last = at >> 1, last >> 1
    for step in steps[1:]:
        require(last > 0, "a proof is too long")
        if at & 1 or at == last:
            first, second = node(step, first), node(step, second)
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            second = node(second, step)
        at, last = at >> 1, last >> 1
    require(
        last == 0 and (first, second) == (root, later_root), "the log was rewritten or forked between the checkpoints"
    )


def frames(data: bytes, where: str) -> Iterator[bytes]:
    """The records of a file of frames."""
    at = 0
    while at < len(data):
        length, crc = struct.unpack_from("<II", data, at) if at + 8 <= len(data) else (0, 0)
        record = data[at + 8 : at + 8 + length]
        require(
            length and len(record) == length and zlib.crc32(data[at : at + 4] + record) == crc,
            f"{where}, byte {at}: damaged",
        )
        yield record
        at += 8 + length


def root_of(stack: Sequence[bytes]) -> bytes:
    """The root over complete subtrees, the largest first."""
    out = stack[-1]
    for left in reversed(stack[:-1]):
        out = node(left, out)
    return out


def entries(folder: Path) -> Iterator[tuple[bytes, bytes]]:
    """(hash, record) of all records; of those that were removed, which the log has to say, the hash alone."""
    segments = sorted((folder / "segments").glob("*.log"))
    first, size, said = int(segments[0].stem) if segments else 0, 0, 0
    if first:
        changes = {c["index"]: c["record"].encode() for c in json.loads((folder / "keys.json").read_bytes())}
        hashes = (folder / "tree" / "level-00").read_bytes()
        for size in range(1, first + 1):
            hash_, record = hashes[size * 32 - 32 : size * 32], changes.get(size - 1, b"")
            yield hash_, record if leaf(record) == hash_ else b""
    for path in segments:
        require(int(path.stem) == size, f"{path.name}: record {size} should come next")
        for record in frames(path.read_bytes(), path.name):
            require(b'","seq":%d,"ts":' % size in record, f"record {size} has another number")
            size += 1
            if b'"kind":"retention"' in record and (read := json.loads(record))["kind"] == "retention":
                said = read["body"]["before"]
            yield leaf(record), record
    require(said >= first, f"the first {first} records are missing")


def verify_log(folder: Path, key: Key, kept: list[str]) -> str:
    """Every record and every checkpoint of a log."""
    notes = [note.decode() for note in frames((folder / "checkpoints.log").read_bytes(), "checkpoints.log")]
    require(notes, "there is no checkpoint")
    claims = sorted(((int(note.split("\n")[1]), note) for note in notes + kept), reverse=True)
    stack: list[bytes] = []
    size = 0
    for hash_, record in entries(folder):
        stack.append(hash_)
        carry, size, key = size, size + 1, next_key(record, key)
        while carry & 1:
            right, left = stack.pop(), stack.pop()
            stack.append(node(left, right))
            carry >>= 1
        while claims and claims[-1][0] == size:
            require(
                checkpoint(claims.pop()[1], key) == (size, root_of(stack)), f"the first {size} records were changed"
            )
    require(
        not claims,
        f"there are {size} records, and a checkpoint was signed for {claims[0][0] if claims else 0}: some were removed",
    )
    return f"{size} records, {len(notes)} checkpoints of the log and {len(kept)} from elsewhere"


def verify_proof(proof: dict[str, Any], key: Key) -> str:
    """A proof of records, or of consistency."""
    if "old" in proof:
        old, new = (checkpoint(proof[name], key_at(proof, name, key)) for name in ("old", "new"))
        consistent(old, new, [base64.b64decode(step) for step in proof["path"]])
        return f"the log of {old[0]} records is a beginning of that of {new[0]}"
    size, root = checkpoint(proof["checkpoint"], key_at(proof, "checkpoint", key))
    require(proof["records"], "the proof has no record")
    for item in proof["records"]:
        included(item, size, root)
    return f"{len(proof['records'])} records in a log of {size}"


def key_at(proof: dict[str, Any], name: str, key: Key) -> Key:
    """The key that signed a checkpoint: each change of it before is proved under the key before that."""
    size = int(proof[name].split("\n")[1])
    for change in proof["keys"]:
        if change["index"] < size:
            included(change, *checkpoint(change["checkpoint"], key))
            key = next_key(change["record"].encode(), key)
    return key


def main(arguments: Sequence[str]) -> None:
    """Verify what the command line names."""
    try:
        key, what = key_of(Path(arguments[0]).read_text(encoding="utf-8")), Path(arguments[1])
        kept = [Path(name).read_text(encoding="utf-8") for name in arguments[2:]]
        told = (
            verify_log(what, key, kept)
            if what.is_dir()
            else verify_proof(json.loads(what.read_text(encoding="utf-8")), key)
        )
    except Wrong as wrong:
        sys.exit(f"WRONG: {wrong}")
    except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
        sys.exit(f"WRONG: this cannot be read: {type(error).__name__}: {error}" if len(arguments) > 1 else __doc__)
    print(f"verified: {told}")


if __name__ == "__main__":
    main(sys.argv[1:])
