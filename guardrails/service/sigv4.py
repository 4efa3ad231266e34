"""AWS Signature Version 4 in the headers of a request, verified.

The scheme: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html. Query-string signatures and
chunked payloads are not read: no client of Bedrock sends them.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

__all__ = ["Signed", "signed", "verify"]

_ALGORITHM = b"AWS4-HMAC-SHA256"
# How far the client's clock may be from ours.
_SKEW_S = 300
_FIELDS = re.compile(
    r"Credential=([^/,\s]{1,512})/(\d{8})/([a-z0-9-]{1,64})/([a-z0-9-]{1,64})/aws4_request,\s*"
    r"SignedHeaders=([a-z0-9;-]{1,2048}),\s*Signature=([0-9a-f]{64})"
)


@dataclass(frozen=True, slots=True)
class Signed:
    """What an Authorization header says of a signature."""

    access_key: str
    day: str
    region: str
    service: str
    headers: tuple[str, ...]
    signature: str


def signed(headers: Sequence[tuple[bytes, bytes]]) -> Signed | None:
    """The signature of a request, None when there is none, or not exactly one that can be read."""
    found = [v for k, v in headers if k.lower() == b"authorization"]
    if len(found) != 1 or not found[0].startswith(_ALGORITHM):
        return None
    match = _FIELDS.fullmatch(found[0][len(_ALGORITHM) :].decode("latin-1").strip())
    if match is None:
        return None
    access, day, region, service, names, signature = match.groups()
    return Signed(access, day, region, service, tuple(names.split(";")), signature)


def verify(found: Signed, request: Mapping[str, Any], body: bytes, secret: str, *, now: datetime | None = None) -> bool:
    """Whether the signature of this ASGI scope and body was made with the secret, within five minutes of ``now``."""
    values: dict[str, list[str]] = {}
    for name, value in request["headers"]:
        values.setdefault(name.lower().decode("latin-1"), []).append(" ".join(value.decode("latin-1").split()))
    if "host" not in found.headers or any(name not in values for name in found.headers):
        return False
    date = values.get("x-amz-date", [""])[0]
    try:
        made = datetime.strptime(date, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    except ValueError:
        return False
    if "x-amz-date" not in found.headers or not date.startswith(found.day):
        return False
    if abs(((now or datetime.now(UTC)) - made).total_seconds()) > _SKEW_S:
        return False
    canonical = "\n".join(
        (
            request["method"],
            _path(request),
            _query(request.get("query_string", b"")),
            *(f"{name}:{','.join(values[name])}" for name in found.headers),
            "",
            ";".join(found.headers),
            hashlib.sha256(body).hexdigest(),
        )
    )
    scope = f"{found.day}/{found.region}/{found.service}/aws4_request"
    told = "\n".join(("AWS4-HMAC-SHA256", date, scope, hashlib.sha256(canonical.encode("latin-1")).hexdigest()))
    key = f"AWS4{secret}".encode()
    for part in (found.day, found.region, found.service, "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    return hmac.compare_digest(hmac.digest(key, told.encode(), "sha256").hex(), found.signature)


def _path(request: Mapping[str, Any]) -> str:
    """The path as it was sent, encoded once more, as every service but S3 has it."""
    raw: bytes = request.get("raw_path") or quote(request["path"], safe="/~").encode()
    return quote(raw.partition(b"?")[0].decode("latin-1"), safe="/~")


def _query(raw: bytes) -> str:
    pairs = [part.partition("=") for part in raw.decode("latin-1").split("&") if part]
    return "&".join(f"{name}={value}" for name, _, value in sorted((n, "=", v) for n, _, v in pairs))
