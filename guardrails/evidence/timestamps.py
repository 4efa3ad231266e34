"""Time stamps (RFC 3161): a time stamp authority says when a checkpoint was there. What it signs is the SHA-256 of the note.

Needs the package ``rfc3161-client`` (the extra ``timestamps``).
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
from cryptography import x509

from guardrails.errors import GuardrailsError
from guardrails.evidence.files import Disk
from guardrails.evidence.note import Checkpoint
from guardrails.evidence.segments import Place

__all__ = ["keep_stamp", "load_roots", "stamp", "stamped_at"]

_PATIENCE_S = 30.0


def load_roots(path: Path) -> list[x509.Certificate]:
    """The certificates of authorities that are trusted, from a PEM file. Raises OSError or GuardrailsError."""
    try:
        return x509.load_pem_x509_certificates(path.read_bytes())
    except ValueError:
        raise GuardrailsError(f"{path}: these are no certificates in PEM") from None


def stamp(note: str, authority: str) -> bytes:
    """A token of the authority at that address for a note. Raises GuardrailsError when it gives none, or one for something else."""
    client = _client()
    request = client.TimestampRequestBuilder().data(note.encode()).hash_algorithm(client.HashAlgorithm.SHA256).build()
    try:
        answer = httpx.post(
            authority,
            content=request.as_bytes(),
            headers={"content-type": "application/timestamp-query"},
            timeout=_PATIENCE_S,
        )
        answer.raise_for_status()
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise GuardrailsError(f"{authority}: no time stamp ({type(error).__name__})") from None
    found = _decoded(answer.content, authority)
    imprint = found.tst_info.message_imprint.message
    if found.tst_info.nonce != request.nonce or imprint != request.message_imprint.message:
        raise GuardrailsError(f"{authority}: the time stamp is for something else than what was asked")
    return answer.content


def stamped_at(note: str, token: bytes, roots: Sequence[x509.Certificate]) -> datetime:
    """When an authority under one of ``roots`` stamped the note. Raises GuardrailsError where none did."""
    client = _client()
    found = _decoded(token, "the time stamp")
    for root in roots:
        try:
            client.VerifierBuilder().add_root_certificate(root).build().verify_message(found, note.encode())
        except client.VerificationError:
            continue
        at: datetime = found.tst_info.gen_time
        return at
    raise GuardrailsError("the time stamp is for another checkpoint, or of no authority that is trusted")


def keep_stamp(place: Place, note: str, token: bytes, authority: str) -> Path:
    """Put a token beside the log's checkpoints. Raises OSError."""
    disk = Disk()
    disk.make(place.stamped)
    whose = hashlib.sha256(authority.encode()).hexdigest()[:8]
    path = place.stamped / f"{Checkpoint.parse(note).size:020}.{whose}.tsr"
    disk.replace(path, token)
    return path


def _decoded(token: bytes, where: str) -> Any:
    """A token that was granted."""
    try:
        found = _client().decode_timestamp_response(token)
        granted = found.status == 0
        found.tst_info  # noqa: B018 - raises where there is none
    except ValueError:
        granted = False
    if not granted:
        raise GuardrailsError(f"{where}: this is no granted time stamp of RFC 3161")
    return found


def _client() -> Any:
    try:
        import rfc3161_client  # noqa: PLC0415
    except ImportError:
        raise GuardrailsError(
            "time stamps need rfc3161-client: pip install 'onepolicy-guardrails[timestamps]'"
        ) from None
    return rfc3161_client
