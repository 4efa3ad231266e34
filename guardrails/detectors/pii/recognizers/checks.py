"""Check digits and the like. Each function takes the value as matched and answers True or False."""

from __future__ import annotations

import math
from collections import Counter

__all__ = [
    "IBAN_LENGTHS",
    "aba",
    "alnum",
    "digits",
    "distinct",
    "entropy",
    "iban",
    "luhn",
    "mod97",
    "nhs",
    "utr",
    "vin",
    "weighted",
]


def digits(value: str) -> str:
    """The ASCII digits of a value."""
    return "".join(c for c in value if "0" <= c <= "9")


def alnum(value: str) -> str:
    """The letters and digits of a value, upper case.

    To lower case first: a case-insensitive RE2 takes the Kelvin sign for a k, and that sign has no other upper case.
    """
    return "".join(c for c in value if c.isalnum()).lower().upper()


def distinct(value: str, least: int = 2) -> bool:
    """True unless the value is one digit repeated, or the like."""
    return len(set(digits(value))) >= least


def luhn(value: str) -> bool:
    """ISO/IEC 7812-1: doubled from the right, digit sums divisible by 10."""
    total = 0
    for i, digit in enumerate(reversed(digits(value))):
        n = int(digit) * (1 + i % 2)
        total += n - 9 if n > 9 else n
    return total % 10 == 0


def weighted(value: str, weights: tuple[int, ...], modulus: int, rest: int = 0) -> bool:
    """Digits times weights, summed, leave ``rest`` modulo ``modulus``."""
    number = digits(value)
    return (
        len(number) == len(weights) and sum(int(d) * w for d, w in zip(number, weights, strict=True)) % modulus == rest
    )


def mod97(text: str) -> int:
    """ISO 7064 MOD 97-10 over letters (A = 10) and digits."""
    return int("".join(str(int(c, 36)) for c in text)) % 97


# Lengths of the IBAN by country: the SWIFT IBAN registry.
IBAN_LENGTHS: dict[str, int] = {
    pair[:2]: int(pair[3:])
    for pair in (
        "AD:24 AE:23 AL:28 AT:20 AZ:28 BA:20 BE:16 BG:22 BH:22 BI:27 BR:29 BY:28 CH:21 CR:22 CY:28 CZ:24 DE:22 DJ:27 "
        "DK:18 DO:28 EE:20 EG:29 ES:24 FI:18 FK:18 FO:18 FR:27 GB:22 GE:22 GI:23 GL:18 GR:27 GT:28 HN:28 HR:21 HU:28 "
        "IE:22 IL:23 IQ:23 IS:26 IT:27 JO:30 KW:30 KZ:20 LB:28 LC:32 LI:21 LT:20 LU:20 LV:21 LY:25 MC:27 MD:24 ME:22 "
        "MK:19 MN:20 MR:27 MT:31 MU:30 NI:28 NL:18 NO:15 OM:23 PK:24 PL:28 PS:29 PT:25 QA:29 RO:24 RS:22 RU:33 SA:24 "
        "SC:31 SD:18 SE:24 SI:19 SK:24 SM:27 SO:23 ST:25 SV:28 TL:23 TN:24 TR:26 UA:29 VA:22 VG:24 XK:20 YE:30"
    ).split()
}


def iban(value: str) -> bool:
    """ISO 13616: the country's length, and remainder 1 modulo 97."""
    number = alnum(value)
    return len(number) == IBAN_LENGTHS.get(number[:2]) and mod97(number[4:] + number[:4]) == 1


def aba(value: str) -> bool:
    """US routing number: weights 3, 7, 1, and a first pair the Federal Reserve gives out."""
    number = digits(value)
    if len(number) != 9:
        return False
    first = int(number[:2])
    known = first <= 12 or 21 <= first <= 32 or 61 <= first <= 72 or first == 80
    return known and distinct(number) and weighted(number, (3, 7, 1) * 3, 10)


def nhs(value: str) -> bool:
    """UK NHS number: weights 10 to 2, modulo 11."""
    number = digits(value)
    if len(number) != 10 or not distinct(number):
        return False
    check = 11 - sum(int(d) * w for d, w in zip(number, range(10, 1, -1), strict=False)) % 11
    return check != 10 and check % 11 == int(number[9])


_VIN_VALUES = dict(
    zip("ABCDEFGHJKLMNPRSTUVWXYZ", (1, 2, 3, 4, 5, 6, 7, 8, 1, 2, 3, 4, 5, 7, 9, 2, 3, 4, 5, 6, 7, 8, 9), strict=True)
)
_VIN_WEIGHTS = (8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2)


def vin(value: str) -> bool:
    """ISO 3779 with the North American check digit (place 9), 49 CFR 565.15."""
    number = alnum(value)
    if len(number) != 17 or not number.isascii() or set(number) & set("IOQ"):
        return False
    total = sum(
        (int(c) if c.isdigit() else _VIN_VALUES.get(c, 0)) * w for c, w in zip(number, _VIN_WEIGHTS, strict=True)
    )
    return number[8] == "0123456789X"[total % 11]


def utr(value: str) -> bool:
    """UK taxpayer reference: the first of ten digits checks the other nine (HMRC's published test references)."""
    number = digits(value)
    if len(number) != 10:
        return False
    total = sum(int(d) * w for d, w in zip(number[1:], (6, 7, 8, 9, 10, 5, 4, 3, 2), strict=True))
    return number[0] == "21987654321"[total % 11]


def entropy(value: str) -> float:
    """Shannon entropy of the characters, in bits each."""
    return -sum(n / len(value) * math.log2(n / len(value)) for n in Counter(value).values())
