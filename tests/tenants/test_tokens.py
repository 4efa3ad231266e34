from __future__ import annotations

import base64
import datetime
import hashlib
import hmac
import json
import time
from functools import cache
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from hypothesis import given
from hypothesis import strategies as st

from guardrails.errors import PolicyError
from guardrails.tenants import Tenants, Unauthenticated, UnknownTenant
from guardrails.tenants.tokens import BadKey, Key, Verifier, read_jwks, read_pem
from tests.tenants.conftest import KEY_A, KEY_B, bearer, caller, policy, tenants_yaml

ISSUER, AUDIENCE = "https://login.bank.example", "chat"


@cache
def rsa_key(name: str = "one", bits: int = 2048) -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, bits)


@cache
def ec_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def pem(key: Any) -> bytes:
    return key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )  # fmt: skip


def claims(**more: Any) -> dict[str, Any]:
    said = {"iss": ISSUER, "aud": AUDIENCE, "exp": time.time() + 300, "tenant": "team-alpha"} | more
    return {k: v for k, v in said.items() if v is not None}


def token(key: Any = None, algorithm: str = "RS256", headers: dict[str, Any] | None = None, **more: Any) -> str:
    return jwt.encode(claims(**more), key or rsa_key(), algorithm, headers=headers)


JWT = """\
  jwt:
    algorithms: [{algorithms}]
    issuer: https://login.bank.example
    audience: chat
    {keys}
    claim: tenant
    leeway_seconds: 0
"""


def make(folder: Path, *, algorithms: str = "RS256", keys: str = "key_file: issuer.pem") -> Tenants:
    (folder / "issuer.pem").write_bytes(pem(rsa_key()))
    (folder / "tenants.yaml").write_text(
        tenants_yaml(
            resolve=JWT.format(algorithms=algorithms, keys=keys),
            alpha="    claims: [team-alpha]",
            beta="    claims: [team-beta]",
        )
    )
    return Tenants.open(folder)


def test_a_genuine_token_is_its_tenant(folder: Path) -> None:
    tenants = make(folder)
    assert tenants.resolve(caller(bearer(token()))).id == "alpha"
    assert tenants.resolve(caller(bearer(token(tenant="team-beta")))).id == "beta"
    assert tenants.resolve(caller(bearer(token(aud=["other", AUDIENCE])))).id == "alpha"
    # Keys and tokens share the header.
    assert tenants.resolve(caller(bearer(KEY_B))).id == "beta"


@pytest.mark.parametrize("tenant", ["team-gamma", "alpha", "", None, ["team-alpha"], {"team-alpha": 1}, 7, True])
def test_a_genuine_token_for_nobody_here_is_a_403(folder: Path, tenant: Any) -> None:
    with pytest.raises(UnknownTenant):
        make(folder).resolve(caller(bearer(token(tenant=tenant))))


def forged_hs(secret: bytes, algorithm: str = "HS256") -> str:
    """HMAC over the issuer's public key: what a library that trusts the header would accept."""

    def part(data: Any) -> bytes:
        return base64.urlsafe_b64encode(json.dumps(data).encode()).rstrip(b"=")

    signed = part({"alg": algorithm, "typ": "JWT"}) + b"." + part(claims())
    digest = hmac.new(secret, signed, hashlib.sha256).digest()
    return (signed + b"." + base64.urlsafe_b64encode(digest).rstrip(b"=")).decode()


def without_signature(algorithm: str) -> str:
    parts = token().split(".")
    head = base64.urlsafe_b64encode(json.dumps({"alg": algorithm, "typ": "JWT"}).encode()).rstrip(b"=").decode()
    return f"{head}.{parts[1]}."


def test_forged_expired_and_foreign_tokens_are_refused_alike(folder: Path) -> None:
    tenants = make(folder)
    good = token()
    head, body, signature = good.split(".")
    other = base64.urlsafe_b64encode(json.dumps(claims(tenant="team-beta")).encode()).rstrip(b"=").decode()
    bad = {
        "none": without_signature("none"),
        "None": without_signature("None"),
        "none, three parts": without_signature("none") + "AAAA",
        "HS with the public key": forged_hs(pem(rsa_key())),
        "HS with the public key, stripped": forged_hs(pem(rsa_key()).strip()),
        "HS called RS": forged_hs(pem(rsa_key()), "RS256"),
        "HS with nothing": forged_hs(b""),
        "another key": token(rsa_key("two")),
        "another algorithm of the same key": token(algorithm="RS512"),
        "padding not on the list": token(algorithm="PS256"),
        "elliptic": token(ec_key(), "ES256"),
        "another body": f"{head}.{other}.{signature}",
        "expired": token(exp=time.time() - 5),
        "no expiry": token(exp=None),
        "not yet": token(nbf=time.time() + 60),
        "another issuer": token(iss="https://evil.example"),
        "no issuer": token(iss=None),
        "another audience": token(aud="other"),
        "no audience": token(aud=None),
        "infinite": token(exp=float("inf")),
        "crit": token(headers={"crit": ["x"], "x": 1}),
        "unsigned": f"{head}.{body}.",
        "long": f"{head}.{'A' * 9000}.{signature}",
        "deep": base64.urlsafe_b64encode(b"[" * 5000).decode().rstrip("=") + f".{body}.{signature}",
    }
    for what, forged in bad.items():
        with pytest.raises(Unauthenticated) as caught:
            tenants.resolve(caller(bearer(forged)))
        assert str(caught.value) == "no valid credential", what
        assert caught.value.__context__ is None, what  # the library's error, which may quote, is not carried along
    # The good one still is, and a broken one is not saved by a good key beside it.
    assert tenants.resolve(caller(bearer(good), ("x-api-key", KEY_A))).id == "alpha"
    with pytest.raises(Unauthenticated):
        tenants.resolve(caller(bearer(bad["expired"]), ("x-api-key", KEY_A)))
    with pytest.raises(UnknownTenant):
        tenants.resolve(caller(bearer(good), ("x-api-key", KEY_B)))


@given(st.text(max_size=60), st.sampled_from([".", "..", ""]))
def test_no_token_breaks_the_verifier(text: str, end: str) -> None:
    verifier = Verifier(read_pem(pem(rsa_key())), issuer=ISSUER, audience=(AUDIENCE,), leeway=0)
    assert verifier.claims(f"{text}.{text}.{text}{end}".encode()) is None
    assert verifier.claims(text.encode()) is None


def jwk(key: Any, **more: Any) -> dict[str, Any]:
    kinds = {rsa.RSAPrivateKey: jwt.algorithms.RSAAlgorithm, ec.EllipticCurvePrivateKey: jwt.algorithms.ECAlgorithm}
    kind = next((k for t, k in kinds.items() if isinstance(key, t)), jwt.algorithms.OKPAlgorithm)
    return {**kind.to_jwk(key.public_key(), as_dict=True), **more}


def test_a_key_set_and_its_rotation(folder: Path) -> None:
    one, two, three = rsa_key(), rsa_key("two"), ec_key()
    first = {"keys": [jwk(one, kid="1", alg="RS256", use="sig"), jwk(three, kid="3")]}
    (folder / "keys.json").write_text(json.dumps(first))
    tenants = make(folder, algorithms="RS256, ES256", keys="jwks_file: keys.json")
    assert tenants.resolve(caller(bearer(token(one, headers={"kid": "1"})))).id == "alpha"
    assert tenants.resolve(caller(bearer(token(three, "ES256", headers={"kid": "3"})))).id == "alpha"
    for forged in (
        token(two, headers={"kid": "2"}),
        token(two, headers={"kid": "1"}),
        token(one, headers={"kid": "3"}),
        token(one),  # of two keys, none is named
        token(one, "RS512", headers={"kid": "1"}),
    ):
        with pytest.raises(Unauthenticated):
            tenants.resolve(caller(bearer(forged)))
    (folder / "keys.json").write_text(json.dumps({"keys": [jwk(two, kid="2")]}))
    assert tenants.reload().ok
    assert tenants.resolve(caller(bearer(token(two, headers={"kid": "2"})))).id == "alpha"
    with pytest.raises(Unauthenticated):
        tenants.resolve(caller(bearer(token(one, headers={"kid": "1"}))))
    (folder / "keys.json").write_text("{")
    assert [p.code for p in tenants.reload().problems] == ["bad-key-file"]
    assert tenants.resolve(caller(bearer(token(two, headers={"kid": "2"})))).id == "alpha"


def certificate(key: rsa.RSAPrivateKey) -> bytes:
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "issuer")])
    now = datetime.datetime.now(datetime.UTC)
    made = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    made = made.serial_number(1).not_valid_before(now).not_valid_after(now + datetime.timedelta(days=1))
    return made.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


def test_kinds_of_key_files() -> None:
    assert [k.algorithms for k in read_pem(pem(ec_key()))] == [{"ES256"}]
    assert "RS256" in read_pem(certificate(rsa_key()))[0].algorithms
    edwards = ed25519.Ed25519PrivateKey.generate()
    assert read_pem(pem(edwards))[0].algorithms == {"EdDSA"}
    assert read_jwks(json.dumps({"keys": [jwk(edwards)]}).encode())[0].algorithms == {"EdDSA"}
    assert isinstance(read_pem(pem(rsa_key()))[0], Key)
    private = rsa_key().private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    with pytest.raises(BadKey, match="private key"):
        read_pem(private)
    with pytest.raises(BadKey, match="1024 bits"):
        read_pem(pem(rsa_key("small", 1024)))
    with pytest.raises(BadKey, match="of a kind"):
        read_pem(pem(ec.generate_private_key(ec.SECP256K1())))
    with pytest.raises(BadKey, match="no public key"):
        read_pem(b"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n")
    secret = {"kty": "oct", "k": "c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0"}
    for bad in (
        b"",
        b"[]",
        b'{"keys": 3}',
        b'{"keys": []}',
        b'{"keys": [3]}',
        json.dumps({"keys": [secret]}).encode(),
        json.dumps({"keys": [jwk(rsa_key(), d="AQAB")]}).encode(),
        json.dumps({"keys": [{"kty": "RSA", "n": "?", "e": "?"}]}).encode(),
        json.dumps({"keys": [jwk(rsa_key()), jwk(rsa_key("two"))]}).encode(),
        json.dumps({"keys": [jwk(rsa_key(), use="enc")]}).encode(),
    ):
        with pytest.raises(BadKey) as caught:
            read_jwks(bad)
        assert secret["k"] not in str(caught.value)


@pytest.mark.parametrize("algorithms", ["none", "HS256", "RS256, HS512", "rs256"])
def test_only_public_key_algorithms_can_be_allowed(folder: Path, algorithms: str) -> None:
    with pytest.raises(PolicyError) as caught:
        make(folder, algorithms=algorithms)
    assert {p.code for p in caught.value.problems} == {"unknown-algorithm"}


def test_an_algorithm_that_no_key_fits_is_an_error(folder: Path) -> None:
    with pytest.raises(PolicyError, match="no key can be used with these algorithms"):
        make(folder, algorithms="ES256")


def test_what_a_token_section_lacks_is_told_at_once(folder: Path) -> None:
    (folder / "alpha.yaml").write_text(policy("alpha", "apple"))
    (folder / "tenants.yaml").write_text(tenants_yaml(resolve="  jwt: {header: Authorization}"))
    with pytest.raises(PolicyError) as caught:
        Tenants.open(folder)
    assert [p.message.split()[0] for p in caught.value.problems] == [
        "resolve.jwt.algorithms", "resolve.jwt.issuer", "resolve.jwt.audience", "resolve.jwt.claim", "resolve.jwt",
    ]  # fmt: skip
