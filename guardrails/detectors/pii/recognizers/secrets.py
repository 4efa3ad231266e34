"""Keys, tokens and wallets: format first, then a checksum where the issuer has one, entropy where it has none."""

from __future__ import annotations

from guardrails.detectors.pii.recognizer import Spec
from guardrails.detectors.pii.recognizers import api_keys, checks
from guardrails.detectors.pii.recognizers import secrets_checks as proof

__all__ = ["RECOGNIZERS"]

_B58 = "[1-9A-HJ-NP-Za-km-z]"
_KIND = r"(?:[A-Z0-9]{1,20} ){0,4}PRIVATE KEY(?: BLOCK)?"  # RSA, EC, OPENSSH, ENCRYPTED, PGP …
_BEGIN, _END = rf"-{{4,5}} ?BEGIN {_KIND} ?-{{4,5}}", rf"-{{4,5}} ?END {_KIND} ?-{{4,5}}"  # SSH2 has four and a blank
_LINE = r"[A-Za-z0-9+/=]{16,}(?:\s|\\[nr])*"  # of base 64; in JSON a line break is written \n
_GAP = r"(?:\s|\\[nr])*"
_HEADERS = rf"(?:{_GAP}[A-Z][A-Za-z\-]{{2,20}}: [A-Za-z0-9 ,.\-()]{{1,80}}(?:\r?\n|\\n))*"


def _imei(value: str) -> bool:
    """Luhn (3GPP TS 23.003)."""
    return checks.luhn(value) and checks.distinct(value, 3)


RECOGNIZERS = (
    Spec(
        "PRIVATE_KEY",
        (
            # No four dashes inside, so that one block cannot swallow the next.
            (rf"{_BEGIN}(?:-{{0,3}}[^-])*{_END}", 1.0),
            (rf"{_BEGIN}{_HEADERS}(?:{_GAP}[A-Za-z0-9+/=]{{16,}})*(?:{_GAP}[A-Za-z0-9+/]{{1,15}}={{1,2}})?", 0.9),
            (rf"(?:{_LINE})*(?:[A-Za-z0-9+/=]{{1,15}}(?:\s|\\[nr])*)?{_END}", 0.9),
            (r"PuTTY-User-Key-File-[23]: (?s:.)*?Private-MAC: [0-9a-f]{40,64}", 1.0),
        ),
    ),
    Spec("PRIVATE_KEY", ((r"\bAGE-SECRET-KEY-1[QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L]{58}\b", 0.9),), validate=proof.bech32),
    Spec("PRIVATE_KEY", ((r"\bnsec1[02-9ac-hj-np-z]{58}\b", 0.9),), validate=proof.bech32),
    Spec(
        "PRIVATE_KEY",  # Bitcoin's wallet import format, Stellar's seed; extended keys
        ((rf"\b(?:[5KL9c]{_B58}{{50,51}}|S[A-Z2-7]{{55}})\b", 0.5), (rf"\b[xyztuv]prv{_B58}{{107,108}}\b", 0.5)),
        validate=proof.coin,
    ),
    Spec(
        "JWT",
        (
            (r"\beyJ[A-Za-z0-9_\-]{8,}\.[A-Za-z0-9_\-]*\.[A-Za-z0-9_\-]+\.[A-Za-z0-9_\-]+\.[A-Za-z0-9_\-]+", 0.9),
            (r"\beyJ[A-Za-z0-9_\-]{8,}\.(?:[A-Za-z0-9_\-]{2,}\.[A-Za-z0-9_\-]*|\.[A-Za-z0-9_\-]{20,})", 0.9),
        ),
        validate=proof.jwt,
    ),
    Spec("API_KEY", api_keys.CHECKED, validate=proof.github),
    Spec("API_KEY", api_keys.FORMATS),
    Spec("API_KEY", ((r"\bsk-[A-Za-z0-9]{20,64}\b", 0.85), *api_keys.SHORT), validate=proof.random_value),
    Spec(
        "API_KEY",
        ((r"\b[MNO][A-Za-z0-9_\-]{22,27}\.[A-Za-z0-9_\-]{6}\.[A-Za-z0-9_\-]{27,40}", 0.85),),
        validate=proof.discord,
    ),
    # Bitcoin, Litecoin, Dogecoin, Dash, Tron, XRP, test networks; Stellar; Bitcoin Cash; Tezos; extended public keys.
    # One pattern for all without a telling prefix: each is a scan of the text.
    Spec(
        "CRYPTO_WALLET",
        (
            (rf"\b(?:[123LMDXTAmnrt]{_B58}{{24,35}}|G[A-Z2-7]{{55}}|(?:bitcoincash:)?[qp][02-9ac-hj-np-z]{{41}})\b", 0.5),
            (rf"\b[xyztuv]pub{_B58}{{107,108}}\b", 0.5),
        ),
        validate=proof.coin,
    ),
    Spec(
        "CRYPTO_WALLET",
        ((r"\b(?:bc1|tb1|ltc1|tltc1|addr1|stake1|cosmos1|osmo1|juno1|celestia1|inj1|terra1|bnb1|zs1|npub1)[02-9ac-hj-np-z]{11,110}\b", 0.5),
         (r"\b(?:BC1|TB1|LTC1)[02-9AC-HJ-NP-Z]{11,87}\b", 0.5)),
        validate=proof.bech32,
    ),
    Spec("CRYPTO_WALLET", ((rf"\b[48][0-9AB]{_B58}{{93}}\b", 0.85),)),
    Spec(
        "CRYPTO_WALLET",
        # All of one case proves nothing by itself, but nothing else is written like this; mixed case must check.
        ((r"\b0x[0-9a-f]{40}\b|\b0x[0-9A-F]{40}\b", 0.6), (r"\b0x[0-9a-fA-F]{40}\b", 0.4)),
        context=("wallet", "address", "eth", "ethereum", "erc20", "usdt", "metamask", "send", "donate"),
        against=("commit", "sha", "hash", "contract"),
        validate=proof.eip55,
    ),
    Spec(
        "CRYPTO_WALLET",
        ((rf"\b{_B58}{{32,44}}\b", 0.3),),
        context=("solana", "sol address", "sol wallet", "phantom", "spl token"),
        requires_context=True,
        validate=proof.solana,
    ),
    Spec(
        "IMEI",
        ((r"\b\d{15}\b|\b\d{2}[ \-]\d{6}[ \-]\d{6}[ \-]\d\b|\b\d{6}[ \-]\d{2}[ \-]\d{6}[ \-]\d\b|\b\d{8}[ \-]\d{6}[ \-]\d\b", 0.3),),
        context=("imei", "device id", "device identifier", "handset", "equipment identity", "phone serial"),
        requires_context=True,
        validate=_imei,
    ),
)  # fmt: skip
