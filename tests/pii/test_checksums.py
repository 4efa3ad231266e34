"""Laws of the check digits: what they make valid is accepted; what they promise to notice is refused."""

from __future__ import annotations

import hashlib
import re
import string
from collections.abc import Callable
from dataclasses import dataclass

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from guardrails import catalog
from guardrails.detectors.pii.recognizer import Spec
from guardrails.detectors.pii.recognizers import health, secrets, secrets_checks
from guardrails.detectors.pii.recognizers import national as national_all
from guardrails.detectors.pii.recognizers import national_checks as national
from tests.pii.finding import detector, hits, marked

FAST = settings(max_examples=40, deadline=None)
LETTERS, DIGITS = string.ascii_uppercase, string.digits


@dataclass(frozen=True)
class Scheme:
    """A template (``#`` any digit, ``D`` six digits of a date, other characters themselves), its check and its end.

    ``ends`` are the candidates for the checking characters; ``single`` says that any one wrong digit is noticed.
    """

    check: Callable[[str], bool | None]
    template: str
    ends: tuple[str, ...]
    single: bool = True


ONE = tuple(DIGITS)
TWO = tuple(f"{n:02d}" for n in range(100))
ANY = tuple(LETTERS + DIGITS)
# d: ddmmyy, y: yymmdd.
SCHEMES = {
    "DE_TAX_ID": Scheme(national.de_tax, "8609574271", ONE, single=False),  # the repetition rule refuses most anyway
    "DE_ID_CARD": Scheme(national.de_card, "L##X##T##", ONE),
    "DE_SOCIAL_SECURITY_NUMBER": Scheme(national.de_social, "15dC##", ONE, single=False),
    "FR_SOCIAL_SECURITY_NUMBER": Scheme(national.fr_nir, "2#############"[:13], TWO),
    "ES_NIF": Scheme(national.es_nif, "########", tuple(LETTERS)),
    "ES_NIE": Scheme(national.es_nie, "X#######", tuple(LETTERS)),
    "IT_FISCAL_CODE": Scheme(national.it_code, "RSSMRA##T10A###", tuple(LETTERS)),
    "NL_CITIZEN_SERVICE_NUMBER": Scheme(national.nl_bsn, "########", ONE),
    "PL_PESEL": Scheme(national.pl_pesel, "y####", ONE),
    "PT_TAX_ID": Scheme(national.pt_nif, "2#######", ONE, single=False),  # remainders 0 and 1 share the digit 0
    "BE_NATIONAL_NUMBER": Scheme(national.be_national, "y###", TWO, single=False),  # two centuries, two answers
    "CH_SOCIAL_SECURITY_NUMBER": Scheme(national.ch_ahv, "756#########", ONE),
    "SE_PERSONAL_NUMBER": Scheme(national.se_personal, "y-###", ONE),
    "FI_PERSONAL_IDENTITY_CODE": Scheme(national.fi_hetu, "d-4##", ANY),
    "NO_NATIONAL_ID": Scheme(national.no_id, "d###", TWO),
    "IE_PERSONAL_PUBLIC_SERVICE_NUMBER": Scheme(national.ie_pps, "#######", tuple(LETTERS[:23])),
    "TR_NATIONAL_ID": Scheme(national.tr_id, "1########", TWO),
    "AU_TAX_FILE_NUMBER": Scheme(national.au_tfn, "########", ONE),
    "AU_BUSINESS_NUMBER": Scheme(national.au_abn, "5########", TWO),
    "IN_AADHAAR": Scheme(national.aadhaar, "2##########", ONE),
    "SG_NRIC": Scheme(national.sg_nric, "S#######", tuple(LETTERS)),
    "JP_MY_NUMBER": Scheme(national.jp_my_number, "###########", ONE, single=False),  # remainders 0 and 1 share 0
    "CN_RESIDENT_ID": Scheme(national.cn_id, "11010519490712###", tuple(DIGITS + "X")),
    "BR_CPF": Scheme(national.br_cpf, "#########", TWO, single=False),  # remainders 0 and 10 share the digit 0
    "MX_CURP": Scheme(national.mx_curp, "HEGG560427MVZRRL#", ONE, single=False),
    "ZA_ID_NUMBER": Scheme(national.za_id, "y####08", ONE),
    "TH_NATIONAL_ID": Scheme(national.th_id, "1###########", ONE, single=False),  # remainders 0 and 10, 1 and 11
    "US_NATIONAL_PROVIDER_ID": Scheme(health.npi, "1########", ONE),
    "US_DEA_NUMBER": Scheme(health.dea, "AB######", ONE, single=False),  # digits that are added in pairs
    "AU_MEDICARE_NUMBER": Scheme(health.au_medicare, "2#######", ONE),
    "NZ_HEALTH_INDEX_NUMBER": Scheme(health.nhi, "ZZZ###", ONE, single=False),  # remainders 1 and 11 share 0
}


@st.composite
def valid(draw: st.DrawFn, scheme: Scheme) -> str:
    """A valid value, checking characters found by trying."""
    day, month, year = draw(st.integers(1, 28)), draw(st.integers(1, 12)), draw(st.integers(0, 99))
    body = "".join(
        draw(st.sampled_from(DIGITS))
        if c == "#"
        else f"{day:02d}{month:02d}{year:02d}"
        if c == "d"
        else f"{year:02d}{month:02d}{day:02d}"
        if c == "y"
        else c
        for c in scheme.template
    )
    ends = [end for end in scheme.ends if scheme.check(body + end)]
    assume(ends)
    return body + draw(st.sampled_from(ends))


@pytest.mark.parametrize("name", sorted(SCHEMES))
def test_separators_do_not_matter_and_one_wrong_digit_is_noticed(name: str) -> None:
    scheme = SCHEMES[name]

    @FAST
    @given(valid(scheme), st.data())
    def holds(value: str, data: st.DataObject) -> None:
        assert scheme.check(value) is True
        if name != "FI_PERSONAL_IDENTITY_CODE":  # where the sign in the middle says something
            assert scheme.check(" ".join(value)) is True
        place = data.draw(st.sampled_from([i for i, c in enumerate(value) if c.isdigit()]))
        other = data.draw(st.sampled_from([d for d in DIGITS if d != value[place]]))
        wrong = value[:place] + other + value[place + 1 :]
        if scheme.single:
            assert scheme.check(wrong) is not True

    holds()


@pytest.mark.parametrize("name", sorted(SCHEMES))
def test_few_endings_are_valid(name: str) -> None:
    scheme = SCHEMES[name]

    @FAST
    @given(valid(scheme))
    def holds(value: str) -> None:
        body = value[: -len(scheme.ends[0])]
        assert sum(scheme.check(body + end) is True for end in scheme.ends) <= max(2, len(scheme.ends) // 25)

    holds()


ALL = detector(catalog.EXTRA_PII)
WALLETS = detector(("CRYPTO_WALLET", "PRIVATE_KEY"))
WORDS = ("and", "then", "we", "walked", "the", "green", "meadow", "slowly", "over", "it", "rained", "twice")


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.sampled_from(WORDS), min_size=3, max_size=8),
    st.text(alphabet=DIGITS, min_size=6, max_size=16),
    st.lists(st.sampled_from(WORDS), min_size=3, max_size=8),
)
def test_digits_in_prose_are_nothing(before: list[str], number: str, after: list[str]) -> None:
    assume(not number.startswith("756"))  # a run of thirteen that Switzerland's prefix and check digit vouch for
    text = f"{' '.join(before)} {number} {' '.join(after)}"
    assert not hits(ALL, text)


BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"


def _base58check(version: int, payload: bytes) -> str:
    raw = bytes([version]) + payload
    raw += hashlib.sha256(hashlib.sha256(raw).digest()).digest()[:4]
    number, text = int.from_bytes(raw, "big"), ""
    while number:
        number, digit = divmod(number, 58)
        text = BASE58[digit] + text
    return "1" * (len(raw) - len(raw.lstrip(b"\0"))) + text


@FAST
@given(st.sampled_from((0, 5, 30, 48, 65, 76, 111)), st.binary(min_size=20, max_size=20), st.data())
def test_base58check(version: int, payload: bytes, data: st.DataObject) -> None:
    address = _base58check(version, payload)
    assert secrets_checks.base58check(address)
    assert marked(WALLETS, f"send to {address}.") == f"send to [CRYPTO_WALLET:{address}]."
    place = data.draw(st.integers(0, len(address) - 1))
    other = data.draw(st.sampled_from([c for c in BASE58 if c != address[place]]))
    assert not secrets_checks.base58check(address[:place] + other + address[place + 1 :])


BECH32 = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"


def _bech32(human: str, words: list[int], constant: int) -> str:
    """The reference encoding of BIP 173, by division of polynomials."""
    check = 1
    for word in (*(ord(c) >> 5 for c in human), 0, *(ord(c) & 31 for c in human), *words, *(0,) * 6):
        top, check = check >> 25, (check & 0x1FFFFFF) << 5 ^ word
        for i, generator in enumerate((0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)):
            check ^= generator * (top >> i & 1)
    check ^= constant
    return human + "1" + "".join(BECH32[w] for w in (*words, *(check >> 5 * (5 - i) & 31 for i in range(6))))


@FAST
@given(
    st.sampled_from(("bc", "ltc", "nsec", "age-secret-key-", "cosmos")),
    st.lists(st.integers(0, 31), min_size=52, max_size=52),
    st.sampled_from((1, 0x2BC830A3)),
    st.data(),
)
def test_bech32(human: str, words: list[int], constant: int, data: st.DataObject) -> None:
    value = _bech32(human, words, constant)
    assert secrets_checks.bech32(value)
    assert secrets_checks.bech32(value.upper())
    place = data.draw(st.integers(len(human) + 1, len(value) - 1))
    other = data.draw(st.sampled_from([c for c in BECH32 if c != value[place]]))
    wrong = value[:place] + other + value[place + 1 :]
    assert not secrets_checks.bech32(wrong)
    written, broken = (value.upper(), wrong.upper()) if human.startswith("age") else (value, wrong)
    type_ = "PRIVATE_KEY" if human in ("nsec", "age-secret-key-") else "CRYPTO_WALLET"
    assert marked(WALLETS, f"here: {written} ok") == f"here: [{type_}:{written}] ok"
    assert not hits(WALLETS, f"here: {broken} ok")


@FAST
@given(st.binary(min_size=20, max_size=20))
def test_eip55_notices_a_changed_case(raw: bytes) -> None:
    lower = raw.hex()
    assume(len(set(lower)) >= 6)
    seal = secrets_checks.keccak256(lower.encode()).hex()
    address = "".join(c.upper() if int(s, 16) >= 8 else c for c, s in zip(lower, seal, strict=False))
    assume(address not in (address.lower(), address.upper()))
    assert secrets_checks.eip55("0x" + address) is True
    place = next(i for i, c in enumerate(address) if c.isalpha())
    swapped = address[:place] + address[place].swapcase() + address[place + 1 :]
    assert secrets_checks.eip55("0x" + swapped) is None


def test_keccak_of_nothing() -> None:
    # The published digest of the empty string, which SHA-3 does not share.
    assert secrets_checks.keccak256(b"").hex() == "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470"
    with pytest.raises(ValueError, match="one block"):
        secrets_checks.keccak256(bytes(136))


CHECKED = [
    pytest.param(spec, pattern, id=f"{spec.type}-{number}")
    for number, spec in enumerate((*secrets.RECOGNIZERS, *health.RECOGNIZERS, *national_all.RECOGNIZERS))
    if spec.validate is not None
    for pattern, _ in spec.patterns
]


@pytest.mark.parametrize(("spec", "pattern"), CHECKED)
def test_a_check_takes_whatever_its_pattern_finds(spec: Spec, pattern: str) -> None:
    flags = "(?i)" if spec.ignore_case and not pattern.startswith("(?i)") else ""
    # Without re.ASCII on purpose: like RE2, it lets the Kelvin sign pass for a k and the long s for an s.
    compiled = re.compile(flags + pattern)

    @settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.from_regex(compiled))
    def holds(text: str) -> None:
        match = compiled.search(text)
        assert match is not None
        value = match.group("value" if "value" in compiled.groupindex else 0)
        if value.isascii() or not any(
            c.isdecimal() and not c.isascii() for c in value
        ):  # the engine knows ASCII digits only
            assert spec.validate is not None
            assert spec.validate(value) in (True, False, None)

    holds()


@pytest.mark.parametrize("name", sorted(SCHEMES))
def test_letters_that_fold_to_ascii(name: str) -> None:
    # Case-insensitive patterns let the Kelvin sign and the long s pass; the check must read them, not fail on them.
    scheme = SCHEMES[name]

    @FAST
    @given(valid(scheme))
    def holds(value: str) -> None:
        if name != "FI_PERSONAL_IDENTITY_CODE":  # its pattern is checked character by character
            assert (
                scheme.check(value.replace("K", "\N{KELVIN SIGN}").replace("S", "\N{LATIN SMALL LETTER LONG S}"))
                is True
            )

    holds()


def test_kelvin_signs_in_a_text() -> None:
    for text in (
        "NHI \N{KELVIN SIGN}\N{KELVIN SIGN}\N{KELVIN SIGN}0016",
        "NIF \N{KELVIN SIGN}1234567L",
        "X1234567\N{KELVIN SIGN}",
    ):
        hits(ALL, text)
