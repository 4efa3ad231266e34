"""What proves a key or a wallet: the issuers' own checksums, and entropy where there is none.

Each function takes the value as matched and answers True (proven), False (it is something else) or None (cannot tell).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import re
import zlib

from guardrails.detectors.pii.recognizers import checks

__all__ = [
    "base58check",
    "bech32",
    "cashaddr",
    "coin",
    "discord",
    "eip55",
    "github",
    "jwt",
    "keccak256",
    "random_value",
    "ripple",
    "solana",
    "stellar",
]

_BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_RIPPLE = "rpshnaf39wBUDNEGHJKLM4PQRST7VWXYZ2bcdeCg65jkm8oFqi1tuvAxyz"
_BECH32 = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"


def jwt(value: str) -> bool:
    """The first part is a JSON object that names an algorithm (RFC 7515, RFC 7516)."""
    head = value.split(".", 1)[0]
    try:
        decoded = json.loads(base64.urlsafe_b64decode(head + "=" * (-len(head) % 4)))
    except (ValueError, RecursionError):
        return False
    return isinstance(decoded, dict) and "alg" in decoded


def github(value: str) -> bool | None:
    """The last six characters are the CRC-32 of the ones after the prefix, in base 62 (GitHub; npm does the same).

    A token that fails keeps its base score: the prefix alone says what it is meant to be, and a typing error in a
    secret makes it no less of one.
    """
    secret = value.split("_", 1)[1]
    number, crc = zlib.crc32(secret[:-6].encode()), ""
    while number:
        number, digit = divmod(number, 62)
        crc = _BASE62[digit] + crc
    return True if crc.rjust(6, "0") == secret[-6:] else None


def discord(value: str) -> bool:
    """The first part of a bot token is the decimal number of its user, in base 64."""
    head = value.split(".", 1)[0]
    try:
        return base64.urlsafe_b64decode(head + "=" * (-len(head) % 4)).isdigit()
    except ValueError:
        return False


# What people write where a key will stand.
_STAND_IN = re.compile(
    r"(?i)your|xxxx|\*\*\*|example|placeholder|changeme|replace|insert|(?:^|[_.-])here\b|process\.env|environ|getenv"
)


def random_value(value: str) -> bool | None:
    """Random enough to be a key: letters and digits, at least 3 bits a character, and no words in the place of one."""
    core = value.strip("\"'")
    if not any(c.isdigit() for c in core) or not any(c.isalpha() for c in core) or _STAND_IN.search(core):
        return False
    # "config.services.v2.apiKey" is a path through code; keys of three parts have longer ones.
    if re.fullmatch(r"[A-Za-z_]\w{0,19}(?:\.[A-Za-z_]\w{0,24})+", core):
        return False
    # Words joined by marks, with a number somewhere: a name, not a key.
    if re.fullmatch(r"(?:[A-Za-z]{2,}|\d{1,4}|v\d{1,2})(?:[_.\-/](?:[A-Za-z]{2,}|\d{1,4}|v\d{1,2}))+", core):
        return False
    if re.fullmatch(r"[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+", core) and not re.search(r"\d{4}", core):  # a variable
        return False
    return None if checks.entropy(core) >= 3.0 and len(set(core)) >= 8 else False


def _base58(value: str, alphabet: str = _BASE58) -> bytes:
    """Raises ValueError for a character outside the alphabet."""
    number = 0
    for char in value:
        number = number * 58 + alphabet.index(char)
    zeros = len(value) - len(value.lstrip(alphabet[0]))
    return b"\0" * zeros + number.to_bytes((number.bit_length() + 7) // 8, "big")


def _sealed(raw: bytes) -> bool:
    return len(raw) > 4 and hashlib.sha256(hashlib.sha256(raw[:-4]).digest()).digest()[:4] == raw[-4:]


def base58check(value: str) -> bool:
    """Bitcoin and its kin: the last four bytes are the first ones of a double SHA-256 of the rest."""
    return _sealed(_base58(value))


def ripple(value: str) -> bool:
    """The XRP Ledger: base58check in an alphabet of its own."""
    return _sealed(_base58(value, _RIPPLE))


def coin(value: str) -> bool:
    """An address or key in one of the formats that have a checksum but no telling prefix: by its length and letters."""
    if len(value) == 56 and value[0] in "GS":
        return stellar(value)
    if value.startswith("bitcoincash:") or len(value) == 42:
        return cashaddr(value)
    return ripple(value) if value[0] == "r" else base58check(value)


def solana(value: str) -> bool | None:
    """Thirty-two bytes, no checksum; mixed characters."""
    kinds = any(c.isdigit() for c in value) + any(c.islower() for c in value) + any(c.isupper() for c in value)
    return None if kinds == 3 and len(_base58(value)) == 32 else False


def _bech32_words(human: str, data: str) -> list[int]:
    return [ord(c) >> 5 for c in human] + [0] + [ord(c) & 31 for c in human] + [_BECH32.index(c) for c in data]


def bech32(value: str) -> bool:
    """BIP 173 and BIP 350: a BCH code over GF(32), remainder 1 or 0x2bc830a3."""
    if value.lower() != value and value.upper() != value:
        return False
    human, _, data = value.lower().rpartition("1")
    if not human or len(data) < 6 or any(c not in _BECH32 for c in data):
        return False
    check = 1
    for word in _bech32_words(human, data):
        top = check >> 25
        check = (check & 0x1FFFFFF) << 5 ^ word
        for i, generator in enumerate((0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)):
            check ^= generator if top >> i & 1 else 0
    return check in (1, 0x2BC830A3)


def cashaddr(value: str) -> bool:
    """Bitcoin Cash: a BCH code of 40 bits over the network's name and the address."""
    human, _, data = value.lower().rpartition(":")
    words = [ord(c) & 31 for c in human or "bitcoincash"] + [0] + [_BECH32.index(c) for c in data]
    check = 1
    for word in words:
        top = check >> 35
        check = (check & 0x07FFFFFFFF) << 5 ^ word
        generators = (0x98F2BC8E61, 0x79B76D99E2, 0xF33E5FB3C4, 0xAE2EABE2A8, 0x1E4F43E470)
        for i, generator in enumerate(generators):
            check ^= generator if top >> i & 1 else 0
    return check == 1


def stellar(value: str) -> bool:
    """Base 32 with CRC-16/XMODEM behind it, little end first (SEP-23)."""
    try:
        raw = base64.b32decode(value)
    except binascii.Error:
        return False
    return binascii.crc_hqx(raw[:-2], 0) == int.from_bytes(raw[-2:], "little")


_MASK = (1 << 64) - 1
_ROUNDS = (
    0x0000000000000001, 0x0000000000008082, 0x800000000000808A, 0x8000000080008000, 0x000000000000808B,
    0x0000000080000001, 0x8000000080008081, 0x8000000000008009, 0x000000000000008A, 0x0000000000000088,
    0x0000000080008009, 0x000000008000000A, 0x000000008000808B, 0x800000000000008B, 0x8000000000008089,
    0x8000000000008003, 0x8000000000008002, 0x8000000000000080, 0x000000000000800A, 0x800000008000000A,
    0x8000000080008081, 0x8000000000008080, 0x0000000080000001, 0x8000000080008008,
)  # fmt: skip
# Where the combined steps rho and pi take each lane: (from, to, rotation), lanes numbered x + 5 y.
_MOVES = tuple(
    (x + 5 * y, y + 5 * ((2 * x + 3 * y) % 5), r)
    for y, row in enumerate(((0, 1, 62, 28, 27), (36, 44, 6, 55, 20), (3, 10, 43, 25, 39), (41, 45, 15, 21, 8), (18, 2, 61, 56, 14)))
    for x, r in enumerate(row)
)  # fmt: skip


def keccak256(data: bytes) -> bytes:
    """Keccak-256 as Ethereum uses it: the padding of the submission, not of SHA-3. For up to 135 bytes."""
    if len(data) > 135:
        raise ValueError("keccak256 takes at most 135 bytes: one block is all an address needs")
    block = bytearray(data + b"\x01" + bytes(135 - len(data)))
    block[135] |= 0x80
    a = [int.from_bytes(block[i : i + 8], "little") for i in range(0, 136, 8)] + [0] * 8
    for constant in _ROUNDS:
        c = [a[x] ^ a[x + 5] ^ a[x + 10] ^ a[x + 15] ^ a[x + 20] for x in range(5)]
        d = [c[x - 1] ^ ((c[(x + 1) % 5] << 1 | c[(x + 1) % 5] >> 63) & _MASK) for x in range(5)]
        b = [0] * 25
        for source, target, turn in _MOVES:
            lane = a[source] ^ d[source % 5]
            b[target] = (lane << turn | lane >> (64 - turn)) & _MASK
        a = [b[i] ^ (~b[i - i % 5 + (i + 1) % 5] & b[i - i % 5 + (i + 2) % 5]) for i in range(25)]
        a[0] ^= constant
    return b"".join(lane.to_bytes(8, "little") for lane in a[:4])


def eip55(value: str) -> bool | None:
    """Ethereum: the case of a letter is a bit of the Keccak-256 of the lower-case address (EIP-55).

    None where there is no such checksum (all letters of one case), or where it fails.
    """
    address = value[2:]
    if len(set(address.lower())) < 6:
        return False
    if address in (address.lower(), address.upper()):
        return None
    seal = keccak256(address.lower().encode()).hex()
    right = all(c.isdigit() or c.isupper() == (int(s, 16) >= 8) for c, s in zip(address, seal, strict=False))
    return True if right else None
