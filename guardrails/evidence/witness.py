"""A witness: somebody else, who keeps the last checkpoint of a log and cosigns a later one only where the log went on from there.

His folder has his key, and for each log the checkpoint that he cosigned last. What he cosigned nobody can take back: a log that was
cut, rewritten or forked gets no further cosignature, also from whoever has its signing key.
"""

from __future__ import annotations

import base64
import hashlib
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import orjson

from guardrails.errors import GuardrailsError
from guardrails.evidence.files import Disk, Lock
from guardrails.evidence.note import Checkpoint, Cosigner, Verifier
from guardrails.evidence.reader import Reader
from guardrails.evidence.segments import Place
from guardrails.evidence.tree import leaf_hash, verify_consistency, verify_inclusion

__all__ = ["Inconsistent", "cosign", "keep_cosigned", "key_at", "load_cosigner"]


class Inconsistent(GuardrailsError):
    """The log is not a continuation of what was cosigned before."""


def key_at(changes: Iterable[Mapping[str, Any]], size: int, key: Verifier) -> Verifier:
    """The key that signs a checkpoint of ``size`` records: each change of the key before is proved under the key before that. ``changes``:
    the proofs of a reader, oldest first. Raises GuardrailsError for a proof that is none."""
    for change in changes:
        if change["index"] >= size:
            break
        under, record = Checkpoint.parse(change["checkpoint"]), change["record"].encode()
        path = [base64.b64decode(step) for step in change["path"]]
        signed = key.verifies(change["checkpoint"]) and under.origin == key.name
        if not signed or not verify_inclusion(leaf_hash(record), change["index"], under.size, path, under.root):
            raise GuardrailsError(f"record {change['index']} changes the key, and its proof is wrong")
        read = orjson.loads(record)
        key = Verifier.parse(str(read["body"].get("verifier", "")))
    return key


def load_cosigner(folder: Path, name: str | None) -> Cosigner:
    """The key of a witness, made where there is none. Raises OSError, and GuardrailsError where it is to be made and has no name."""
    path, disk = folder / "witness.key", Disk()
    if path.exists():
        return Cosigner.parse(path.read_text(encoding="utf-8"))
    if name is None:
        raise GuardrailsError(
            f"{folder}: there is no witness's key yet; give the witness a name, such as --name witness.example.com/one"
        )
    disk.make(folder, mode=0o700)
    made = Cosigner.new(name)
    disk.replace(path, made.dump().encode(), mode=0o600)
    disk.replace(folder / "witness.vkey", f"{made.witness}\n".encode())
    return made


def cosign(reader: Reader, cosigner: Cosigner, folder: Path, key: Verifier | None) -> str:
    """The latest checkpoint of a log with the witness's cosignature. ``key``: the log's first public key, which is kept from the first time on.

    Raises Inconsistent for a log that does not go on from the last cosigned checkpoint, and other GuardrailsErrors where nothing can be said.
    """
    disk = Disk()
    lock = Lock(folder / "lock")
    try:
        note = reader.checkpoint()
        now = Checkpoint.parse(note)
        path = folder / f"{hashlib.sha256(now.origin.encode()).hexdigest()[:32]}.json"
        kept = orjson.loads(path.read_bytes()) if path.exists() else None
        if kept is None and key is None:
            raise GuardrailsError(
                "this log is new to the witness: name its public key, from where you trust it, with --key"
            )
        first = Verifier.parse(kept["key"]) if kept is not None else key
        if first is None or (key is not None and key != first) or now.origin != first.name:
            raise Inconsistent(
                "the log has another public key, or another name, than the one that was witnessed before"
            )
        if not key_at(reader.key_changes(now.size), now.size, first).verifies(note):
            raise Inconsistent("the checkpoint is not signed by the log's key")
        if kept is not None:
            _continues(reader, Checkpoint.parse(kept["checkpoint"]), now)
        told = cosigner.cosign(note, int(time.time()))
        disk.replace(path, orjson.dumps({"key": str(first), "checkpoint": told}), mode=0o600)  # before anybody sees it
    finally:
        lock.release()
    return told


def keep_cosigned(place: Place, note: str, cosigner: Cosigner) -> Path:
    """Put a cosigned checkpoint beside the log's own. Raises OSError."""
    disk = Disk()
    disk.make(place.witnessed)
    path = place.witnessed / f"{Checkpoint.parse(note).size:020}.{cosigner.witness.id.hex()}"
    disk.replace(path, note.encode())
    return path


def _continues(reader: Reader, before: Checkpoint, now: Checkpoint) -> None:
    if now.size < before.size:
        raise Inconsistent(f"the log has {now.size} records, and {before.size} were witnessed: records were removed")
    path = reader.consistency_path(before.size, now.size)
    if not verify_consistency(before.size, now.size, path, before.root, now.root):
        raise Inconsistent(
            f"the log was rewritten or forked within the first {before.size} records, which were witnessed"
        )
