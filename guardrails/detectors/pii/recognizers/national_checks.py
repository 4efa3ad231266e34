"""Check digits of national identifiers. Each function takes the value as matched: letters, digits and separators.

All answer True or False, except where a number may carry no checksum: those answer None for one that may be.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import date

from guardrails.detectors.pii.recognizers import checks

__all__ = [
    "GOODS",
    "aadhaar",
    "at_social",
    "au_abn",
    "au_tfn",
    "be_national",
    "br_cpf",
    "ch_ahv",
    "cn_id",
    "de_card",
    "de_social",
    "de_tax",
    "dk_cpr",
    "es_nie",
    "es_nif",
    "fi_hetu",
    "fr_nir",
    "ie_pps",
    "it_code",
    "jp_my_number",
    "kr_rrn",
    "mx_curp",
    "nl_bsn",
    "no_id",
    "pl_pesel",
    "plausible",
    "pt_nif",
    "se_personal",
    "sg_nric",
    "th_id",
    "tr_id",
    "za_id",
]


# Words that say a value is of something sold, sent or built.
GOODS = (
    "order", "part no", "part number", "serial", "sku", "model", "invoice", "ticket", "flight", "tracking", "parcel",
    "product", "item", "article", "version", "build", "batch", "commit",
)  # fmt: skip


def plausible(check: Callable[[str], bool | None]) -> Callable[[str], bool | None]:
    """The check as a condition and no proof: a check letter lets one value in some twenty pass, so words still count."""

    def condition(value: str) -> bool | None:
        return None if check(value) else False

    return condition


def _sum(number: str, weights: range | tuple[int, ...]) -> int:
    """Digits times weights, as far as the shorter goes."""
    return sum(int(d) * w for d, w in zip(number, weights, strict=False))


def _date(year: int, month: int, day: int) -> bool:
    try:
        date(year, month, day)
    except ValueError:
        return False
    return True


def _born(number: str) -> bool:
    """Six digits yymmdd; the century is open, so that 29 February needs a year divisible by four."""
    return _date(2000 + int(number[:2]), int(number[2:4]), int(number[4:6]))


# Europe


def de_tax(value: str) -> bool:
    """ISO 7064 MOD 11,10; of the first ten digits exactly one stands twice or three times, the others at most once."""
    n = checks.digits(value)
    product = 10
    for d in n[:10]:
        product = ((int(d) + product) % 10 or 10) * 2 % 11
    repeated = sorted(c for c in Counter(n[:10]).values() if c > 1)
    return n[0] != "0" and repeated in ([2], [3]) and (11 - product) % 10 == int(n[10])


def de_card(value: str) -> bool | None:
    """ICAO 9303 weights 7 3 1 when the tenth character is there; nine characters need two digits and two letters."""
    v = checks.alnum(value)
    if len(v) == 9:
        return None if sum(c.isdigit() for c in v) >= 2 else False
    total = sum(int(c, 36) * w for c, w in zip(v[:9], (7, 3, 1) * 3, strict=True))
    return total % 10 == int(v[9]) and sum(c.isdigit() for c in v) >= 3


def at_social(value: str) -> bool:
    """The fourth digit is the others times 3 7 9 5 8 4 2 1 6 modulo 11, never 10; the last six are a day of birth (months to 15)."""
    n = checks.digits(value)
    total = sum(int(d) * w for d, w in zip(n, (3, 7, 9, 0, 5, 8, 4, 2, 1, 6), strict=True))
    return total % 11 == int(n[3]) and n[0] != "0" and 1 <= int(n[4:6]) <= 31 and 1 <= int(n[6:8]) <= 15


def de_social(value: str) -> bool:
    """The letter as two digits; weights 2 1 2 5 7 1 2 1 2 1 2 1, digit sums, modulo 10; a day of birth inside."""
    v = checks.alnum(value)
    n = v[:8] + f"{ord(v[8]) - 64:02d}" + v[9:11]
    total = sum(sum(divmod(int(d) * w, 10)) for d, w in zip(n, (2, 1, 2, 5, 7, 1, 2, 1, 2, 1, 2, 1), strict=True))
    return total % 10 == int(v[11]) and _born(v[6:8] + v[4:6] + v[2:4])


def fr_nir(value: str) -> bool:
    """97 minus the number modulo 97; Corsica's 2A and 2B count as 19 and 18."""
    v = checks.alnum(value)
    number = v[:13].replace("A", "0").replace("B", "0")
    less = 1_000_000 if v[6] == "A" else 2_000_000 if v[6] == "B" else 0
    return 97 - (int(number) - less) % 97 == int(v[13:15])


_NIF = "TRWAGMYFPDXBNJZSQVHLCKE"


def es_nif(value: str) -> bool:
    """The number modulo 23 chooses the letter; K, L and M in front stand for nothing."""
    v = checks.alnum(value)
    return _NIF[int(v[:-1].lstrip("KLM")) % 23] == v[-1]


def es_nie(value: str) -> bool:
    """X, Y and Z count as 0, 1 and 2, the rest is a NIF."""
    v = checks.alnum(value)
    return _NIF[int(str("XYZ".index(v[0])) + v[1:-1]) % 23] == v[-1]


_IT_ODD = (1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23)
_IT_DIGITS = str.maketrans("LMNPQRSTUV", "0123456789")  # where two persons would share a code, letters replace digits


def it_code(value: str) -> bool:
    """Odd places through a table, even ones as they are; the sum modulo 26 is the last letter; day 1-31 or 41-71."""
    v = checks.alnum(value)
    total = 0
    for i, c in enumerate(v[:15]):
        n = int(c) if c.isdigit() else ord(c) - 65
        total += _IT_ODD[n] if i % 2 == 0 else n
    day = int(v[9:11].translate(_IT_DIGITS))
    return chr(65 + total % 26) == v[15] and 1 <= (day - 40 if day > 40 else day) <= 31


def nl_bsn(value: str) -> bool:
    """The "11 test": weights 9 to 2 and -1."""
    return checks.weighted(value, (9, 8, 7, 6, 5, 4, 3, 2, -1), 11) and checks.distinct(value, 3)


def pl_pesel(value: str) -> bool:
    """Weights 1 3 7 9, modulo 10; the month carries the century."""
    n = checks.digits(value)
    century = {0: 1900, 1: 2000, 2: 2100, 3: 2200, 4: 1800}[int(n[2:4]) // 20]
    born = _date(century + int(n[:2]), int(n[2:4]) % 20, int(n[4:6]))
    return born and checks.weighted(n, (1, 3, 7, 9, 1, 3, 7, 9, 1, 3, 1), 10)


def pt_nif(value: str) -> bool:
    """Weights 9 to 2, modulo 11."""
    n = checks.digits(value)
    check = 11 - _sum(n[:8], range(9, 1, -1)) % 11
    return (0 if check > 9 else check) == int(n[8]) and checks.distinct(n, 3)


def be_national(value: str) -> bool:
    """97 minus the number modulo 97, a 2 before it for those born from 2000 on; months +20 or +40 without a sex."""
    n = checks.digits(value)
    month, day = int(n[2:4]) % 20, int(n[4:6])
    born = month <= 12 and day <= 31 and int(n[2:4]) < 60
    return born and any(97 - int(century + n[:9]) % 97 == int(n[9:]) for century in ("", "2"))


def ch_ahv(value: str) -> bool:
    """EAN-13."""
    return checks.weighted(value, (1, 3) * 6 + (1,), 10)


def se_personal(value: str) -> bool:
    """Luhn over ten digits; a coordination number has 60 added to its day."""
    n = checks.digits(value)
    year, n = (int(n[:4]), n[2:]) if len(n) == 12 else (2000 + int(n[:2]), n)
    day = int(n[4:6])
    return checks.luhn(n) and _date(year, int(n[2:4]), day - 60 if day > 60 else day)


def fi_hetu(value: str) -> bool:
    """Date and individual number modulo 31; the sign between them is the century."""
    v = value.upper()
    century = 1800 if v[6] == "+" else 1900 if v[6] in "-YXWVU" else 2000
    born = _date(century + int(v[4:6]), int(v[2:4]), int(v[:2]))
    return born and int(v[7:10]) >= 2 and "0123456789ABCDEFHJKLMNPRSTUVWXY"[int(v[:6] + v[7:10]) % 31] == v[10]


def no_id(value: str) -> bool:
    """Two digits modulo 11; D numbers add 40 to the day, H numbers 40 and test numbers 65 or 80 to the month."""
    n = checks.digits(value)
    day, month = int(n[:2]) % 40, int(n[2:4])
    month -= 80 if month > 80 else 65 if month > 65 else 40 if month > 40 else 0
    first = checks.weighted(n[:10], (3, 7, 6, 1, 8, 9, 4, 5, 2, 1), 11)
    second = checks.weighted(n, (5, 4, 3, 2, 7, 6, 5, 4, 3, 2, 1), 11)
    return first and second and _date(2000 + int(n[4:6]) // 4 * 4, month, day)


def dk_cpr(value: str) -> bool | None:
    """A date. The check digit of old was given up in 2007."""
    n = checks.digits(value)
    return None if _born(n[4:6] + n[2:4] + n[:2]) and checks.distinct(n, 3) else False


def ie_pps(value: str) -> bool:
    """Weights 8 to 2, plus nine times the second letter; modulo 23 gives the first letter, W being 0."""
    v = checks.alnum(value)
    total = _sum(v[:7], range(8, 1, -1))
    total += 9 * (ord(v[8]) - 64) if len(v) == 9 and v[8] != "W" else 0
    return "WABCDEFGHIJKLMNOPQRSTUV"[total % 23] == v[7]


def tr_id(value: str) -> bool:
    """Two digits: seven times the odd places less the even ones; the sum of all ten."""
    n = [int(d) for d in checks.digits(value)]
    return n[0] != 0 and (7 * sum(n[0:9:2]) - sum(n[1:8:2])) % 10 == n[9] and sum(n[:10]) % 10 == n[10]


# The rest of the world


def au_tfn(value: str) -> bool:
    """Weights 1 4 3 7 5 8 6 9 10, modulo 11."""
    return checks.weighted(value, (1, 4, 3, 7, 5, 8, 6, 9, 10), 11) and checks.distinct(value, 3)


def au_abn(value: str) -> bool:
    """Modulo 89 after taking one from the first digit."""
    n = checks.digits(value)
    return n[0] != "0" and (_sum(n, (10, 1, 3, 5, 7, 9, 11, 13, 15, 17, 19)) - 10) % 89 == 0


def _dihedral(a: int, b: int) -> int:
    """Product in the dihedral group of the pentagon: 0-4 turn it, 5-9 flip it."""
    turned = (a + b if a < 5 else a - b) % 5
    return turned + 5 * ((a < 5) != (b < 5))


_SHIFT = (1, 5, 7, 6, 2, 8, 3, 0, 9, 4)  # Verhoeff's permutation, applied once more at every place


def aadhaar(value: str) -> bool:
    """Verhoeff's checksum; no palindromes."""
    n = checks.digits(value)
    check = 0
    for i, char in enumerate(reversed(n)):
        digit = int(char)
        for _ in range(i % 8):
            digit = _SHIFT[digit]
        check = _dihedral(check, digit)
    return check == 0 and checks.distinct(n, 3) and n != n[::-1]


_NRIC = {"S": "JZIHGFEDCBA", "T": "JZIHGFEDCBA", "F": "XWUTRQPNMLK", "G": "XWUTRQPNMLK", "M": "XWUTRQPNJLK"}


def sg_nric(value: str) -> bool:
    """Weights 2 7 6 5 4 3 2, an offset by series, modulo 11 chooses the letter."""
    v = checks.alnum(value)
    total = _sum(v[1:8], (2, 7, 6, 5, 4, 3, 2)) + {"T": 4, "G": 4, "M": 3}.get(v[0], 0)
    return _NRIC[v[0]][total % 11] == v[8]


def kr_rrn(value: str) -> bool | None:
    """A date; before October 2020 also a check digit, so a wrong one proves nothing."""
    n = checks.digits(value)
    century = 1900 if n[6] in "1256" else 2000 if n[6] in "3478" else 1800
    if not _date(century + int(n[:2]), int(n[2:4]), int(n[4:6])):
        return False
    return True if (11 - _sum(n[:12], (2, 3, 4, 5, 6, 7, 8, 9, 2, 3, 4, 5)) % 11) % 10 == int(n[12]) else None


def jp_my_number(value: str) -> bool:
    """Weights 6 5 4 3 2 7 6 5 4 3 2, modulo 11."""
    n = checks.digits(value)
    rest = _sum(n, (6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2)) % 11
    return (0 if rest <= 1 else 11 - rest) == int(n[11]) and checks.distinct(n, 3)


_PROVINCES = frozenset(
    "11 12 13 14 15 21 22 23 31 32 33 34 35 36 37 41 42 43 44 45 46 50 51 52 53 54 61 62 63 64 65 71 81 82 83".split()
)


def cn_id(value: str) -> bool:
    """ISO 7064 MOD 11-2 over province, date of birth and sequence (GB 11643)."""
    v = checks.alnum(value)
    total = _sum(v[:17], (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2))
    born = v[:2] in _PROVINCES and _date(int(v[6:10]), int(v[10:12]), int(v[12:14]))
    return born and "10X98765432"[total % 11] == v[17]


def br_cpf(value: str) -> bool:
    """Two digits modulo 11."""
    n = checks.digits(value)
    right = all(_sum(n[:k], range(k + 1, 1, -1)) * 10 % 11 % 10 == int(n[k]) for k in (9, 10))
    return right and checks.distinct(n, 2)


_CURP = "0123456789ABCDEFGHIJKLMNÑOPQRSTUVWXYZ"


def mx_curp(value: str) -> bool:
    """Weights 18 to 2 over places in an alphabet with Ñ, modulo 10; a date inside."""
    v = checks.alnum(value)
    total = sum(_CURP.index(c) * w for c, w in zip(v[:17], range(18, 1, -1), strict=True))
    return (10 - total % 10) % 10 == int(v[17]) and _born(v[4:10])


def za_id(value: str) -> bool:
    """Luhn; a date; citizen, resident or refugee."""
    n = checks.digits(value)
    return n[10] in "012" and checks.luhn(n) and _born(n)


def th_id(value: str) -> bool:
    """Weights 13 to 2, modulo 11."""
    n = checks.digits(value)
    return (11 - _sum(n[:12], range(13, 1, -1)) % 11) % 10 == int(n[12])
