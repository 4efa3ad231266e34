"""API keys: made, hashed, looked up. A key itself is never kept."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Iterable

from guardrails.errors import GuardrailsError

__all__ = ["MAX_KEY", "MIN_KEY", "KeyIndex", "digest_of", "hash_key", "looks_like_jwt", "new_key"]

# A key that nobody can guess needs no slow hash: 32 characters of an alphabet of 64 are 192 bits.
MIN_KEY = 32
MAX_KEY = 512
_DISTINCT = 12
_HASH = re.compile(r"sha256:([0-9a-f]{64})")
# b64token of RFC 6750: what may stand after "Bearer".
_KEY = re.compile(r"[A-Za-z0-9\-._~+/]+=*")
_JWT = re.compile(rb"[A-Za-z0-9_\-]+\.[A-Za-z0-9_\-]+\.[A-Za-z0-9_\-]+")
_PREFIX = "gr-"


def new_key() -> str:
    """A fresh API key: ``gr-`` and 256 random bits."""
    return _PREFIX + secrets.token_urlsafe(32)


def hash_key(key: str) -> str:
    """What stands in tenants.yaml for a key: ``sha256:`` and 64 hexadecimal digits.

    Raises GuardrailsError for a key that could be guessed (under 32 characters, or few different ones), that is too
    long (over 512), or that cannot stand in a header. The message does not show the key.
    """
    if not _KEY.fullmatch(key):
        raise GuardrailsError("a key has only letters, digits and - . _ ~ + / (and = at its end)")
    if not MIN_KEY <= len(key) <= MAX_KEY or len(set(key)) < _DISTINCT:
        raise GuardrailsError(
            f"a key has {MIN_KEY} to {MAX_KEY} characters, at least {_DISTINCT} different ones; let one be made for you"
        )
    if looks_like_jwt(key.encode()):
        raise GuardrailsError("a key must not have the form of a JSON web token (two dots)")
    return f"sha256:{hashlib.sha256(key.encode()).hexdigest()}"


def digest_of(written: str) -> bytes | None:
    """The 32 bytes of a hash as it is written, None when it is none."""
    match = _HASH.fullmatch(written)
    return bytes.fromhex(match[1]) if match else None


def looks_like_jwt(token: bytes) -> bool:
    """True for three parts of base64url between dots."""
    return _JWT.fullmatch(token) is not None


class KeyIndex:
    """Digest of a key → tenant id. Immutable."""

    __slots__ = ("_by_head",)

    def __init__(self, digests: Iterable[tuple[bytes, str]]) -> None:
        self._by_head: dict[bytes, tuple[tuple[bytes, str], ...]] = {}
        for digest, tenant in digests:
            head = digest[:8]
            self._by_head[head] = (*self._by_head.get(head, ()), (digest, tenant))

    def __repr__(self) -> str:
        return f"KeyIndex({len(self._by_head)} keys)"

    def find(self, key: bytes) -> str | None:
        """The tenant of a key, None when it is nobody's.

        The first 8 bytes of the digest choose whom to compare with: nobody can make a key of his whose digest begins
        like another's, so this tells nothing. The comparison itself takes the same time whatever differs.
        """
        if not MIN_KEY <= len(key) <= MAX_KEY:
            return None
        digest = hashlib.sha256(key).digest()
        found = None
        for known, tenant in self._by_head.get(digest[:8], ()):
            if hmac.compare_digest(known, digest):
                found = tenant
        return found
