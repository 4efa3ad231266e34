"""JSON web tokens: public keys only, each bound to the algorithms of its own kind.

There is no shared secret here. So a token signed with a public key taken for a secret (HS for RS), or with ``none``, has
no key that it could be checked with, whatever its header says.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

__all__ = ["ALGORITHMS", "BadKey", "Key", "Verifier", "read_jwks", "read_pem"]

ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
_CURVES = {"secp256r1": "ES256", "secp384r1": "ES384", "secp521r1": "ES512"}
_RSA_BITS = 2048
MAX_TOKEN = 8192
_PRIVATE = ("d", "k", "p", "q", "dp", "dq", "qi")


class BadKey(Exception):
    """A key file that cannot be used. The message names what is wrong, and holds nothing of the file."""


@dataclass(frozen=True, slots=True)
class Key:
    """A public key, its id in a key set, and the algorithms that fit it."""

    kid: str | None
    public: Any
    algorithms: frozenset[str]


def read_pem(data: bytes) -> tuple[Key, ...]:
    """The one public key of a PEM file (``BEGIN PUBLIC KEY`` or ``BEGIN CERTIFICATE``). Raises BadKey."""
    from cryptography import x509  # noqa: PLC0415 - only who configures tokens needs it
    from cryptography.hazmat.primitives.serialization import load_pem_public_key  # noqa: PLC0415

    if b"PRIVATE KEY" in data:
        raise BadKey("this is a private key: only the public one belongs here")
    try:
        if b"BEGIN CERTIFICATE" in data:
            public: Any = x509.load_pem_x509_certificate(data).public_key()
        else:
            public = load_pem_public_key(data)
    except Exception:  # the library's errors are of many kinds
        raise BadKey("this is no public key in PEM form") from None
    return (Key(None, public, _fits(public)),)


def read_jwks(data: bytes) -> tuple[Key, ...]:
    """The keys of a JSON web key set. Raises BadKey."""
    from jwt import PyJWK  # noqa: PLC0415

    try:
        entries = json.loads(data)["keys"]
        described = [{str(k): v for k, v in e.items()} for e in entries]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise BadKey('this is no JSON web key set: {"keys": [ … ]}') from None
    keys: list[Key] = []
    for number, entry in enumerate(described):
        where = f"keys[{number}]"
        if entry.get("kty") == "oct" or any(name in entry for name in _PRIVATE):
            raise BadKey(f"{where} is a secret or private key: only public ones belong here")
        if entry.get("use", "sig") != "sig":
            continue
        try:
            public = PyJWK.from_dict(entry).key
        except Exception:  # the library's errors are of many kinds, and quote the key
            raise BadKey(f"{where} is no key of a known kind") from None
        algorithms = _fits(public, where)
        if "alg" in entry:
            algorithms &= {entry["alg"]}
        kid = entry.get("kid")
        if not isinstance(kid, str | None) or any(k.kid == kid for k in keys):
            raise BadKey(f"{where} has no kid of its own")
        keys.append(Key(kid, public, algorithms))
    if not keys:
        raise BadKey("the key set has no key for signatures")
    return tuple(keys)


def _fits(public: Any, where: str = "it") -> frozenset[str]:
    from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa  # noqa: PLC0415

    if isinstance(public, rsa.RSAPublicKey):
        if public.key_size < _RSA_BITS:
            raise BadKey(f"{where} is an RSA key of {public.key_size} bits; at least {_RSA_BITS} are needed")
        return frozenset(a for a in ALGORITHMS if a[:2] in ("RS", "PS"))
    if isinstance(public, ec.EllipticCurvePublicKey) and public.curve.name in _CURVES:
        return frozenset({_CURVES[public.curve.name]})
    if isinstance(public, ed25519.Ed25519PublicKey | ed448.Ed448PublicKey):
        return frozenset({"EdDSA"})
    raise BadKey(f"{where} is of a kind that signs no token here (allowed: {', '.join(ALGORITHMS)})")


class Verifier:
    """Checks tokens of one issuer for one audience. Immutable and thread-safe."""

    __slots__ = ("_audience", "_issuer", "_keys", "_leeway")

    def __init__(self, keys: tuple[Key, ...], *, issuer: str, audience: tuple[str, ...], leeway: float) -> None:
        """``keys`` with the algorithms that are allowed for each; ``leeway`` in seconds."""
        self._keys = keys
        self._issuer = issuer
        self._audience = audience
        self._leeway = leeway

    def claims(self, token: bytes) -> dict[str, Any] | None:
        """What a token says, when it is genuine, meant for us and not expired; else None."""
        if len(token) > MAX_TOKEN:
            return None
        import jwt  # noqa: PLC0415

        try:
            key = self._key(jwt.get_unverified_header(token))
            if key is None:
                return None
            claims: dict[str, Any] = jwt.decode(
                token,
                key.public,
                algorithms=sorted(key.algorithms),
                issuer=self._issuer,
                audience=self._audience,
                leeway=self._leeway,
                options={"require": ["exp", "iss", "aud"]},
            )
        except Exception:  # whatever a forged token does to a parser, the answer is the same
            return None
        return claims

    def _key(self, header: dict[str, Any]) -> Key | None:
        kid = header.get("kid")
        if kid is None or (len(self._keys) == 1 and self._keys[0].kid is None):
            key = self._keys[0] if len(self._keys) == 1 else None
        else:
            key = next((k for k in self._keys if k.kid == kid), None)
        # Said once more by the library; a header that is not on the list never gets that far.
        return key if key is not None and header.get("alg") in key.algorithms and "crit" not in header else None
