"""National identifiers of the rest of the world. The rule for weak check digits is that of the European module."""

from __future__ import annotations

from guardrails.detectors.pii.recognizer import Spec
from guardrails.detectors.pii.recognizers import national_checks as proof

__all__ = ["RECOGNIZERS"]

_MX_STATES = "AS|BC|BS|CC|CH|CL|CM|CS|DF|DG|GR|GT|HG|JC|MC|MN|MS|NE|NL|NT|OC|PL|QR|QT|SL|SP|SR|TC|TL|TS|VZ|YN|ZS"


def _pan(value: str) -> bool | None:
    """No checksum is published; runs of one letter or digit are samples."""
    return None if len(set(value[:3])) > 1 or len(set(value[5:9])) > 1 else False


RECOGNIZERS = (
    Spec("AU_TAX_FILE_NUMBER", ((r"\b\d{3}[ \-.]?\d{3}[ \-.]?\d{3}\b", 0.35),), requires_context=True, validate=proof.au_tfn,
         context=("tfn", "tax file", "australian tax", "ato")),
    Spec("AU_BUSINESS_NUMBER", ((r"\b\d{2}[ \-]?\d{3}[ \-]?\d{3}[ \-]?\d{3}\b", 0.4),), requires_context=True, validate=proof.au_abn,
         context=("abn", "australian business", "business number")),
    Spec("IN_AADHAAR", ((r"\b[2-9]\d{3}[ \-]?\d{4}[ \-]?\d{4}\b", 0.5),), requires_context=True, validate=proof.aadhaar,
         context=("aadhaar", "aadhar", "adhar", "adhaar", "uidai", "uid", "unique identification", "आधार", "india", "kyc")),
    Spec("IN_PERMANENT_ACCOUNT_NUMBER", ((r"\b[A-Z]{3}[ABCFGHJLPT][A-Z]\d{4}[A-Z]\b", 0.6),), validate=_pan,
         context=("pan", "permanent account", "income tax", "pan card"), against=proof.GOODS),
    Spec("IN_PERMANENT_ACCOUNT_NUMBER", ((r"\b[a-z]{3}[abcfghjlpt][a-z]\d{4}[a-z]\b", 0.3),), requires_context=True, validate=_pan,
         context=("pan", "permanent account", "income tax", "pan card")),
    Spec("IN_VOTER_NUMBER", ((r"\b[A-Z]{3}/?\d{7}\b", 0.35),), requires_context=True, ignore_case=True,
         context=("voter", "epic", "election", "elector", "voter id", "electors photo")),
    Spec("IN_PASSPORT_NUMBER", ((r"\b[A-PR-WY][1-9]\d ?\d{4}[1-9]\b", 0.35),), requires_context=True, ignore_case=True,
         context=("indian passport", "passport india", "india passport")),
    Spec("IN_PASSPORT_NUMBER", ((r"\b[A-PR-WY][1-9]\d ?\d{4}[1-9]\b", 0.1),), requires_context=True,
         context=("passport",), against=("us passport", "american", "british", "uk passport")),
    Spec("SG_NRIC", ((r"\b[STFGM]\d{7}[A-Z]\b", 0.6),), ignore_case=True, validate=proof.plausible(proof.sg_nric),
         context=("nric", "fin", "singapore", "identity card"), against=proof.GOODS),
    # Since October 2020 the last digits are random: a wrong check digit needs a word beside it.
    Spec("KR_RESIDENT_NUMBER", ((r"\b\d{6}-[0-9]\d{6}\b", 0.4), (r"\b\d{6} [0-9]\d{6}\b", 0.3)), validate=proof.kr_rrn,
         context=("rrn", "resident registration", "주민등록번호", "주민번호", "외국인등록번호", "korean", "alien registration")),
    Spec("KR_RESIDENT_NUMBER", ((r"\b\d{13}\b", 0.2),), requires_context=True, validate=proof.kr_rrn,
         context=("rrn", "resident registration", "주민등록번호", "주민번호", "외국인등록번호")),
    Spec("JP_MY_NUMBER", ((r"\b\d{4}[ \-]?\d{4}[ \-]?\d{4}\b", 0.35),), requires_context=True, validate=proof.jp_my_number,
         context=("my number", "mynumber", "マイナンバー", "個人番号", "individual number", "kojin bango")),
    Spec("CN_RESIDENT_ID", ((r"\b[1-8]\d{5} ?(?:19|20)\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01]) ?\d{3}[\dXx]\b", 0.6),), validate=proof.cn_id,
         context=("身份证", "身份證", "公民身份号码", "resident identity", "chinese id", "id card")),
    Spec("BR_CPF", ((r"\b\d{3}\.\d{3}\.\d{3}-\d{2}\b|\b\d{9}-\d{2}\b", 0.6),), validate=proof.br_cpf, context=("cpf",)),
    Spec("BR_CPF", ((r"\b\d{11}\b|\b\d{3}[ .\-]\d{3}[ .\-]\d{3}[ .\-]\d{2}\b", 0.3),), requires_context=True, validate=proof.br_cpf,
         context=("cpf", "cadastro de pessoas", "contribuinte")),
    Spec("MX_CURP", ((rf"\b[A-Z][AEIOUX][A-Z]{{2}}\d{{2}}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])[HMX](?:{_MX_STATES})[B-DF-HJ-NP-TV-Z]{{3}}[A-Z0-9]\d\b", 0.7),),
         ignore_case=True, context=("curp", "clave única"), validate=proof.mx_curp),
    Spec("ZA_ID_NUMBER", ((r"\b\d{6}[ \-]?\d{4}[ \-]?[012]\d[ \-]?\d\b", 0.4),), requires_context=True, validate=proof.za_id,
         context=("south african", "south africa", "id number", "identity number", "identity document", "rsa", "sa id", "id no", "said")),
    Spec("TH_NATIONAL_ID", ((r"\b[1-8]-\d{4}-\d{5}-\d{2}-\d\b", 0.6), (r"\b[1-8] \d{4} \d{5} \d{2} \d\b", 0.6)), validate=proof.th_id,
         context=("thai", "บัตรประชาชน", "เลขประจำตัวประชาชน")),
    Spec("TH_NATIONAL_ID", ((r"\b[1-8]\d{12}\b", 0.3),), requires_context=True, validate=proof.th_id,
         context=("thai", "thailand", "บัตรประชาชน", "เลขประจำตัวประชาชน", "national id")),
)  # fmt: skip
