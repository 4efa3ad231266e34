"""Keys, tokens and wallets: format first, then a checksum where the issuer has one, entropy where it has none."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import zlib

from guardrails.detectors.pii.recognizer import Spec
from guardrails.detectors.pii.recognizers import checks

__all__ = ["RECOGNIZERS"]

_BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_BECH32 = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"


def _jwt(value: str) -> bool:
    """The first part is a JSON object that names an algorithm (RFC 7515)."""
    head = value.split(".", maxsplit=1)[0]
    try:
        decoded = json.loads(base64.urlsafe_b64decode(head + "=" * (-len(head) % 4)))
    except (ValueError, binascii.Error):
        return False
    return isinstance(decoded, dict) and bool({"alg", "enc", "typ"} & decoded.keys())


def _github(value: str) -> bool | None:
    """The last six characters are the CRC-32 of the rest, in base 62. A token that fails is reported at its base score:
    documentation is full of made-up ones, and nobody minds those masked."""
    secret = value.split("_", 1)[1]
    number, crc = zlib.crc32(secret[:-6].encode()), ""
    while number:
        number, digit = divmod(number, 62)
        crc = _BASE62[digit] + crc
    return True if crc.rjust(6, "0") == secret[-6:] else None


def _random(value: str) -> bool | None:
    """Random enough to be a key: mixed characters, and entropy no word has."""
    core = value.strip("\"'")
    kinds = any(c.isdigit() for c in core) + any(c.islower() for c in core) + any(c.isupper() for c in core)
    return None if kinds >= 2 and checks.entropy(core) >= 3.3 and len(set(core)) >= 10 else False


def _base58check(value: str) -> bool:
    """Bitcoin's checksum: the first four bytes of a double SHA-256."""
    number = 0
    for char in value:
        number = number * 58 + _BASE58.index(char)
    try:
        raw = number.to_bytes(25, "big")
    except OverflowError:
        return False
    return hashlib.sha256(hashlib.sha256(raw[:-4]).digest()).digest()[:4] == raw[-4:]


def _bech32(value: str) -> bool:
    """BIP 173 and BIP 350."""
    human, _, data = value.lower().rpartition("1")
    if not human or any(c not in _BECH32 for c in data) or (value.lower() != value and value.upper() != value):
        return False
    values = [ord(c) >> 5 for c in human] + [0] + [ord(c) & 31 for c in human] + [_BECH32.index(c) for c in data]
    check = 1
    for v in values:
        top = check >> 25
        check = (check & 0x1FFFFFF) << 5 ^ v
        for i, generator in enumerate((0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)):
            check ^= generator if top >> i & 1 else 0
    return check in (1, 0x2BC830A3)


def _hex_wallet(value: str) -> bool | None:
    return None if len(set(value[2:].lower())) >= 6 else False


def _imei(value: str) -> bool:
    return checks.luhn(value) and checks.distinct(value, 3)


RECOGNIZERS = (
    Spec(
        "PRIVATE_KEY",
        (
            (r"-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----[A-Za-z0-9+/=\s:,.()\-\\]{16,20000}?-----END (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----", 1.0),
            (r"-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----[A-Za-z0-9+/=\s]{0,8000}", 0.9),
        ),
    ),
    Spec("JWT", ((r"\beyJ[A-Za-z0-9_\-]{8,4000}\.[A-Za-z0-9_\-]{2,8000}\.[A-Za-z0-9_\-]{0,2000}", 0.9),), validate=_jwt),
    Spec("API_KEY", ((r"\bgh[pousr]_[A-Za-z0-9]{36,251}\b", 0.9),), validate=_github),
    Spec(
        "API_KEY",
        (
            (r"\bgithub_pat_[A-Za-z0-9_]{36,255}\b", 0.95),
            (r"\bgl(?:pat|dt|rt|cbt|ptt|ft|soat)-[A-Za-z0-9_\-]{20,64}\b", 0.9),
            (r"\bsk-(?:proj|svcacct|admin|None)-[A-Za-z0-9_\-]{20,200}\b", 0.95),
            (r"\bsk-ant-[a-z0-9]{2,12}-[A-Za-z0-9_\-]{20,200}\b", 0.95),
            (r"\bsk-[A-Za-z0-9]{32,64}\b", 0.85),
            (r"\bAIza[A-Za-z0-9_\-]{35}\b", 0.9),
            (r"\bxox[abeoprs]-[A-Za-z0-9\-]{10,250}\b", 0.9),
            (r"\bhttps://hooks\.slack\.com/services/T[A-Z0-9]{6,12}/B[A-Z0-9]{6,12}/[A-Za-z0-9]{16,32}\b", 0.95),
            (r"\b(?:sk|rk|pk)_(?:live|test)_[A-Za-z0-9]{16,120}\b", 0.9),
            (r"\bwhsec_[A-Za-z0-9+/=]{24,64}", 0.85),
            (r"\bSG\.[A-Za-z0-9_\-]{16,32}\.[A-Za-z0-9_\-]{32,64}\b", 0.95),
            (r"\b(?:AC|SK)[0-9a-f]{32}\b", 0.75),
            (r"\bnpm_[A-Za-z0-9]{36}\b", 0.9),
            (r"\bpypi-AgE[A-Za-z0-9_\-]{50,250}\b", 0.95),
            (r"\bhf_[A-Za-z]{30,40}\b", 0.9),
            (r"\bdop_v1_[0-9a-f]{64}\b", 0.95),
            (r"\bdapi[0-9a-f]{32}(?:-\d)?\b", 0.9),
            (r"\bshp(?:at|ca|pa|ss)_[0-9a-fA-F]{32}\b", 0.95),
            (r"\bsq0(?:atp|csp)-[A-Za-z0-9_\-]{22,43}\b", 0.95),
            (r"\bkey-[0-9a-f]{32}\b", 0.8),
            (r"\b\d{8,10}:AA[A-Za-z0-9_\-]{32,34}\b", 0.85),
            (r"\b[MNO][A-Za-z0-9_\-]{23,27}\.[A-Za-z0-9_\-]{6}\.[A-Za-z0-9_\-]{27,40}\b", 0.85),
            (r"\bya29\.[A-Za-z0-9_\-]{20,250}\b", 0.9),
            (r"\bglsa_[A-Za-z0-9]{32}_[0-9a-fA-F]{8}\b", 0.95),
            (r"\blin_api_[A-Za-z0-9]{40}\b", 0.95),
            (r"\bhvs\.[A-Za-z0-9_\-]{24,120}\b", 0.9),
            (r"\bAGE-SECRET-KEY-1[QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L]{58}\b", 1.0),
            (r"(?i)\bAccountKey=(?P<value>[A-Za-z0-9+/]{60,100}={0,2})", 0.95),
        ),
    ),
    Spec(
        "API_KEY",
        (
            (
                r"(?i)\b(?:api|app|access|auth|client|secret|private|service|bearer|refresh|session|encryption|signing)[ _\-]?"
                r"(?:key|token|secret)[\"']?(?: is)?\s?(?::|=>|=|:=| )\s{0,3}[\"']?(?:Bearer )?(?P<value>[A-Za-z0-9_\-.+/=]{16,256})",
                0.75,
            ),
            (r"\b(?i:authorization[\"']?\s?[:=]\s?[\"']?bearer)\s(?P<value>[A-Za-z0-9_\-.+/=]{16,2000})", 0.85),
        ),
        validate=_random,
    ),
    Spec("CRYPTO_WALLET", ((r"\b[13][1-9A-HJ-NP-Za-km-z]{25,34}\b", 0.5),), validate=_base58check),
    Spec("CRYPTO_WALLET", ((r"\b(?:bc1|tb1|ltc1|addr1|cosmos1)[02-9ac-hj-np-z]{11,100}\b|\b(?:BC1|TB1)[02-9AC-HJ-NP-Z]{11,71}\b", 0.5),), validate=_bech32),
    Spec(
        "CRYPTO_WALLET",
        ((r"\b0x[0-9a-fA-F]{40}\b", 0.6),),
        context=("wallet", "address", "eth", "ethereum", "erc20", "send", "metamask"),
        against=("commit", "sha", "contract"),
        validate=_hex_wallet,
    ),
    Spec(
        "IMEI",
        ((r"\b\d{15}\b|\b\d{2}[ \-]\d{6}[ \-]\d{6}[ \-]\d\b", 0.3),),
        context=("imei", "device", "handset", "phone serial"),
        requires_context=True,
        validate=_imei,
    ),
)  # fmt: skip
