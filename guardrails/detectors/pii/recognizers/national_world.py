"""National identifiers of the rest of the world. The rule for weak check digits is that of the European module."""

from __future__ import annotations

from guardrails.detectors.pii.recognizer import Spec
from guardrails.detectors.pii.recognizers import checks

__all__ = ["RECOGNIZERS"]


def _tfn(value: str) -> bool:
    return checks.weighted(value, (1, 4, 3, 7, 5, 8, 6, 9, 10), 11) and checks.distinct(value)


def _abn(value: str) -> bool:
    """Modulo 89 after taking one from the first digit."""
    n = checks.digits(value)
    first = str(int(n[0]) - 1)
    total = sum(
        int(d) * w
        for d, w in zip(first.replace("-1", "0") + n[1:], (10, 1, 3, 5, 7, 9, 11, 13, 15, 17, 19), strict=True)
    )
    return n[0] != "0" and total % 89 == 0


_D5 = [[(i + j) % 5 + 5 * (i >= 5) if i < 5 and j < 5 else 0 for j in range(10)] for i in range(10)]
for _i in range(10):
    for _j in range(10):
        _a, _b = _i % 5, _j % 5
        if _i < 5:
            _D5[_i][_j] = (_a + _b) % 5 + (5 if _j >= 5 else 0)
        else:
            _D5[_i][_j] = (_a - _b) % 5 + (0 if _j >= 5 else 5)
_P5 = [list(range(10)), [1, 5, 7, 6, 2, 8, 3, 0, 9, 4]]
for _ in range(6):
    _P5.append([_P5[-1][_P5[1][i]] for i in range(10)])


def _aadhaar(value: str) -> bool:
    """Verhoeff's dihedral checksum."""
    n = checks.digits(value)
    check = 0
    for i, d in enumerate(reversed(n)):
        check = _D5[check][_P5[i % 8][int(d)]]
    return check == 0 and checks.distinct(n) and n != n[::-1]


def _nric(value: str) -> bool:
    """Weights 2 7 6 5 4 3 2, an offset by series, modulo 11."""
    v = checks.alnum(value)
    total = sum(int(d) * w for d, w in zip(v[1:8], (2, 7, 6, 5, 4, 3, 2), strict=True)) + {"T": 4, "G": 4, "M": 3}.get(
        v[0], 0
    )
    table = {"S": "JZIHGFEDCBA", "T": "JZIHGFEDCBA", "F": "XWUTRQPNMLK", "G": "XWUTRQPNMLK", "M": "XWUTRQPNJLK"}[v[0]]
    return table[total % 11] == v[8] if v[0] != "M" else table[10 - total % 11] == v[8]


def _rrn(value: str) -> bool | None:
    """Registered before October 2020 the last digit checks; later numbers have none, so a date is all there is."""
    n = checks.digits(value)
    if not (1 <= int(n[2:4]) <= 12 and 1 <= int(n[4:6]) <= 31):
        return False
    total = sum(int(d) * w for d, w in zip(n[:12], (2, 3, 4, 5, 6, 7, 8, 9, 2, 3, 4, 5), strict=True))
    return True if (11 - total % 11) % 10 == int(n[12]) else None


def _my_number(value: str) -> bool:
    n = checks.digits(value)
    total = sum(int(d) * (i + 1 if i <= 6 else i - 5) for i, d in enumerate(reversed(n[:11]), 1))
    rest = total % 11
    return (0 if rest <= 1 else 11 - rest) == int(n[11]) and checks.distinct(n)


def _cn_id(value: str) -> bool:
    """ISO 7064 MOD 11-2."""
    v = checks.alnum(value)
    total = sum(int(d) * w for d, w in zip(v[:17], (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2), strict=True))
    return "10X98765432"[total % 11] == v[17]


def _cpf(value: str) -> bool:
    n = checks.digits(value)
    for size in (9, 10):
        check = sum(int(d) * w for d, w in zip(n[:size], range(size + 1, 1, -1), strict=True)) * 10 % 11 % 10
        if check != int(n[size]):
            return False
    return checks.distinct(n)


def _curp(value: str) -> bool:
    v = checks.alnum(value)
    table = "0123456789ABCDEFGHIJKLMNÑOPQRSTUVWXYZ"
    total = sum(table.index(c) * w for c, w in zip(v[:17], range(18, 1, -1), strict=True))
    return str((10 - total % 10) % 10) == v[17]


def _za_id(value: str) -> bool:
    n = checks.digits(value)
    return 1 <= int(n[2:4]) <= 12 and 1 <= int(n[4:6]) <= 31 and n[10] in "012" and checks.luhn(n)


def _th_id(value: str) -> bool:
    n = checks.digits(value)
    return (11 - sum(int(d) * w for d, w in zip(n[:12], range(13, 1, -1), strict=True)) % 11) % 10 == int(n[12])


RECOGNIZERS = (
    Spec("AU_TAX_FILE_NUMBER", ((r"\b\d{3}[ \-]?\d{3}[ \-]?\d{3}\b", 0.3),), requires_context=True,
         context=("tfn", "tax file", "tax file number", "australian tax", "ato"), validate=_tfn),
    Spec("AU_BUSINESS_NUMBER", ((r"\b\d{2} ?\d{3} ?\d{3} ?\d{3}\b", 0.3),), requires_context=True,
         context=("abn", "australian business", "business number"), validate=_abn),
    Spec("IN_AADHAAR", ((r"\b[2-9]\d{3}[ \-]\d{4}[ \-]\d{4}\b", 0.5), (r"\b[2-9]\d{11}\b", 0.3)), requires_context=True,
         context=("aadhaar", "aadhar", "uidai", "uid", "adhaar", "unique identification"), validate=_aadhaar),
    Spec("IN_AADHAAR", ((r"\b[2-9]\d{3} \d{4} \d{4}\b", 0.35),), context=("aadhaar", "aadhar", "india"), validate=lambda v: None if _aadhaar(v) else False),
    Spec("IN_PERMANENT_ACCOUNT_NUMBER", ((r"\b[A-Z]{3}[ABCFGHJLPT][A-Z]\d{4}[A-Z]\b", 0.6),), context=("pan", "permanent account", "income tax", "pan card")),
    Spec("IN_VOTER_NUMBER", ((r"\b[A-Z]{3}\d{7}\b", 0.3),), requires_context=True, context=("voter", "epic", "election", "voter id", "elector")),
    Spec("IN_PASSPORT_NUMBER", ((r"\b[A-PR-WY][1-9]\d ?\d{4}[1-9]\b", 0.3),), requires_context=True,
         context=("indian passport", "passport", "passport number", "passport no")),
    Spec("SG_NRIC", ((r"\b[STFGM]\d{7}[A-Z]\b", 0.5),), ignore_case=True, context=("nric", "fin", "singapore", "identity card"), validate=_nric),
    Spec("KR_RESIDENT_NUMBER", ((r"\b\d{6}-[1-8]\d{6}\b", 0.55), (r"\b\d{6}[1-8]\d{6}\b", 0.1)),
         context=("rrn", "resident registration", "주민등록번호", "주민번호", "korean"), validate=_rrn),
    Spec("JP_MY_NUMBER", ((r"\b\d{4}[ \-]?\d{4}[ \-]?\d{4}\b", 0.3),), requires_context=True,
         context=("my number", "mynumber", "マイナンバー", "個人番号", "individual number"), validate=_my_number),
    Spec("CN_RESIDENT_ID", ((r"\b[1-8]\d{5}(?:19|20)\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])\d{3}[\dXx]\b", 0.6),),
         context=("身份证", "身份证号", "resident identity", "chinese id"), validate=_cn_id),
    Spec("BR_CPF", ((r"\b\d{3}\.\d{3}\.\d{3}-\d{2}\b", 0.6), (r"\b\d{11}\b", 0.1)), context=("cpf", "cadastro de pessoas"),
         validate=lambda v: (True if "." in v else None) if _cpf(v) else False),
    Spec("MX_CURP", ((r"\b[A-Z][AEIOUX][A-Z]{2}\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])[HMX][A-Z]{2}[B-DF-HJ-NP-TV-Z]{3}[A-Z0-9]\d\b", 0.7),),
         ignore_case=True, context=("curp", "clave única"), validate=_curp),
    Spec("ZA_ID_NUMBER", ((r"\b\d{6} ?\d{4} ?[012]\d{2}\b", 0.35),), requires_context=True,
         context=("south african", "id number", "identity number", "rsa id", "sa id"), validate=_za_id),
    Spec("TH_NATIONAL_ID", ((r"\b[1-8]-\d{4}-\d{5}-\d{2}-\d\b", 0.6), (r"\b[1-8]\d{12}\b", 0.2)), requires_context=True,
         context=("thai id", "thai", "บัตรประชาชน", "national id", "เลขประจำตัวประชาชน"), validate=_th_id),
)  # fmt: skip
