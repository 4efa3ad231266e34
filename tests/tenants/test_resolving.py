from __future__ import annotations

import itertools
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guardrails.tenants import Tenants, Unauthenticated, UnknownTenant, hash_key
from tests.tenants.conftest import KEY_A, KEY_B, KEY_C, bearer, caller, policy

WRONG = "gr-ZzZz0123456789bcdefghijklmnopqrstuvwxyz"
PROXY = "10.1.2.3"
CONFIG = f"""\
version: 1
resolve:
  api_key: {{}}
  host: true
  proxy: {{trusted: [10.0.0.0/8, "fd00::/8"], header: X-Client-Subject}}
tenants:
  alpha: {{policy: a.yaml, keys: ["{hash_key(KEY_A)}"], hosts: [alpha.example], subjects: ["CN=alpha,O=Bank"]}}
  beta: {{policy: b.yaml, keys: ["{hash_key(KEY_B)}"], hosts: [beta.example], subjects: [CN=beta]}}
  open: {{policy: c.yaml, hosts: [open.example]}}
"""


def build(folder: Path, config: str = CONFIG) -> Tenants:
    folder.mkdir(parents=True, exist_ok=True)
    for name, word in (("a", "apple"), ("b", "banana"), ("c", "cherry")):
        (folder / f"{name}.yaml").write_text(policy(name, word))
    (folder / "tenants.yaml").write_text(config)
    return Tenants.open(folder)


@pytest.fixture(scope="module")
def tenants(tmp_path_factory: pytest.TempPathFactory) -> Tenants:
    return build(tmp_path_factory.mktemp("resolving"))


def outcome(tenants: Tenants, *args: tuple[str, str], **more: str | None) -> str | int:
    try:
        return tenants.resolve(caller(*args, **more)).id
    except Unauthenticated:
        return 401
    except UnknownTenant:
        return 403


@pytest.mark.parametrize("header", ["authorization", "x-api-key", "x-goog-api-key", "api-key"])
def test_a_key_in_each_of_the_usual_headers(tenants: Tenants, header: str) -> None:
    def shown(key: str) -> tuple[str, str]:
        return (header, f"Bearer {key}" if header == "authorization" else key)

    assert outcome(tenants, shown(KEY_A)) == "alpha"
    assert outcome(tenants, shown(KEY_B)) == "beta"
    for wrong in (WRONG, "", KEY_A[:-1], KEY_A + "x", KEY_A.lower(), hash_key(KEY_A), hash_key(KEY_A)[7:]):
        assert outcome(tenants, shown(wrong)) == 401


def test_schemes(tenants: Tenants) -> None:
    assert outcome(tenants, ("authorization", f"bearer   {KEY_A} ")) == "alpha"
    for value in (
        KEY_A,
        f"Basic {KEY_A}",
        f"Bearer{KEY_A}",
        f"Bearer {KEY_A} {KEY_B}",
        f"Bearer {KEY_A}, Bearer {KEY_A}",
    ):
        assert outcome(tenants, ("authorization", value)) == 401


def test_without_and_with_a_wrong_credential_looks_the_same(tenants: Tenants) -> None:
    seen = set()
    for args in ((), (bearer(WRONG),), (bearer(KEY_A), bearer(KEY_A)), (("authorization", "nonsense"),)):
        with pytest.raises(Unauthenticated) as caught:
            tenants.resolve(caller(*args))
        seen.add((str(caught.value), caught.value.args))
        assert WRONG not in repr(caught.value.__dict__)
    assert len(seen) == 1


def test_the_matrix_of_everything_a_client_can_say(tenants: Tenants) -> None:
    """Key × second key × host × subject × forged names: the key's own tenant, or nobody.

    There is no body and no query in the matrix: a Caller has neither, so neither can be asked.
    """
    keys = {None: None, KEY_A: "alpha", KEY_B: "beta", WRONG: 401}
    hosts = {None: None, "alpha.example": "alpha", "BETA.example.:8443": "beta", "open.example": "open", "x.y": None}
    subjects = {None: None, "CN=alpha,O=Bank": "alpha", "CN=beta": "beta", "CN=gamma": 403}
    forged = [
        (),
        (("x-tenant", "beta"), ("x-tenant-id", "beta"), ("x-guardrails-tenant", "beta"), ("x-guardrails", "off")),
        (("x-forwarded-host", "beta.example"), ("forwarded", "host=beta.example"), ("x-forwarded-for", PROXY)),
        (("cookie", "tenant=beta"), ("x-client-cert", "CN=beta"), ("guardrails", "none")),
    ]
    counted = 0
    for (key, own), (second, other), (host, place), (subject, who) in itertools.product(
        keys.items(), keys.items(), hosts.items(), subjects.items()
    ):
        args = [bearer(key)] if key else []
        args += [("x-api-key", second)] if second else []
        args += [("x-client-subject", subject)] if subject else []
        said = {x for x in (own, other, who) if x is not None}
        for extra, client in itertools.product(forged, (PROXY, "203.0.113.9")):
            got = outcome(tenants, *args, *extra, host=host, client=client)
            counted += 1
            if 401 in said or (subject and client != PROXY):
                assert got in (401, 403)
            elif not said:
                assert got == ("open" if place == "open" else 401)
            elif len(said) == 1 and 403 not in said and place in (None, *said):
                assert got == next(iter(said))
            else:
                assert got == 403
    assert counted == 4 * 4 * 5 * 4 * 8


@given(
    st.lists(
        st.tuples(st.sampled_from(["x-tenant", "x-policy", "guardrails", "x_y", "via", "te"]), st.text(max_size=20))
    ),
    st.sampled_from([KEY_A, KEY_B]),
    st.integers(0, 20),
)
def test_no_other_header_has_a_say(
    tenants: Tenants, others: list[tuple[str, str]], key: str, at: int
) -> None:  # fmt: skip
    headers = [(n, v.encode().decode("latin-1")) for n, v in others]
    headers.insert(at, bearer(key))
    assert outcome(tenants, *headers) == {KEY_A: "alpha", KEY_B: "beta"}[key]


def test_headers_that_are_there_twice_or_look_alike_are_refused(tenants: Tenants) -> None:
    assert outcome(tenants, bearer(KEY_A), bearer(KEY_A)) == 401
    assert outcome(tenants, bearer(KEY_A), ("Authorization", f"Bearer {KEY_A}")) == 401
    assert outcome(tenants, ("X-API-Key", KEY_A)) == "alpha"
    assert outcome(tenants, bearer(KEY_A), ("x_api_key", KEY_B)) == 401
    assert outcome(tenants, bearer(KEY_A), ("X_Client-Subject", "CN=beta")) == 401
    assert outcome(tenants, bearer(KEY_A), ("host", "a"), ("host", "beta.example"), host="a") == 401
    assert outcome(tenants, bearer(KEY_A), ("host", "a"), ("x_y", "z"), host="a") == "alpha"


def test_a_host_is_enough_only_where_nothing_secret_is_asked_for(tenants: Tenants) -> None:
    assert outcome(tenants, host="open.example") == "open"
    assert outcome(tenants, host="OPEN.EXAMPLE.:443") == "open"
    assert outcome(tenants, host="alpha.example") == 401
    for host in ("", "[::1]:80", "open.example@evil", "open.example:x", "evil.open.example", "xopen.example", None):
        assert outcome(tenants, host=host) == 401


def test_a_header_counts_only_from_the_declared_proxy(tenants: Tenants) -> None:
    subject = ("x-client-subject", "CN=alpha,O=Bank")
    for client in (PROXY, "::ffff:10.0.0.1", "fd00::1"):
        assert outcome(tenants, subject, client=client) == "alpha"
    for client in ("11.0.0.1", "::1", "fe80::1", "::ffff:11.0.0.1", "nonsense", "", None, "10.0.0.1, 1.1.1.1"):
        assert outcome(tenants, subject, client=client) == 401
        assert outcome(tenants, subject, bearer(KEY_A), client=client) == 401
    assert outcome(tenants, ("x-client-subject", ""), client=PROXY) == 401  # no certificate, no other credential
    assert outcome(tenants, ("x-client-subject", ""), bearer(KEY_A), client=PROXY) == "alpha"
    for other in ("CN=gamma", "CN=alpha", "cn=beta", "CN=beta,CN=alpha,O=Bank", "\xff"):
        assert outcome(tenants, ("x-client-subject", other), client=PROXY) == 403


def test_there_is_no_default_unless_it_is_configured(tmp_path: Path) -> None:
    tenants = build(tmp_path, CONFIG + "default: open\n")
    assert outcome(tenants) == "open"
    assert outcome(tenants, host="elsewhere.example") == "open"
    assert outcome(tenants, bearer(WRONG)) == 401  # a wrong key is no missing key
    assert outcome(tenants, host="alpha.example") == 401
    assert outcome(tenants, ("x-client-subject", "CN=gamma"), client=PROXY) == 403
    assert outcome(tenants, ("x-client-subject", ""), client=PROXY) == "open"
    only_hosts = "version: 1\nresolve: {host: true}\ntenants: {open: {policy: c.yaml, hosts: [open.example]}}\n"
    tenants = build(tmp_path, only_hosts)
    assert outcome(tenants, host="elsewhere.example") == 403
    assert outcome(tenants, bearer("anything at all"), host="open.example") == "open"  # not ours to judge


def test_what_is_ours_is_not_forwarded(tmp_path: Path, tenants: Tenants) -> None:
    headers = [
        (b"host", b"x"), (b"Authorization", b"Bearer a"), (b"x-api-key", b"b"), (b"X_Api_Key", b"c"),
        (b"x-client-subject", b"d"), (b"accept", b"*/*"), (b"x-api-keys", b"e"),
    ]  # fmt: skip
    assert tenants.strip(headers) == [(b"host", b"x"), (b"accept", b"*/*"), (b"x-api-keys", b"e")]
    config = CONFIG.replace("api_key: {}", "api_key: {headers: [x-api-key], forward: true}").replace(
        "header: X-Client-Subject", "header: X-Client-Subject, forward: false"
    )
    forwarding = build(tmp_path, config)
    assert [n for n, _ in forwarding.strip(headers)] == [
        b"host", b"Authorization", b"x-api-key", b"X_Api_Key", b"accept", b"x-api-keys",
    ]  # fmt: skip


def test_nothing_secret_is_shown(tenants: Tenants) -> None:
    tenant = tenants.resolve(caller(bearer(KEY_A)))
    shown = repr((tenant, tenants, tenants.snapshot, caller(bearer(KEY_A)), tenants.health()))
    for secret in (KEY_A, hash_key(KEY_A)[7:], repr(tenant.secret)[2:-1], tenant.secret.hex()):
        assert secret not in shown
    with pytest.raises(Unauthenticated) as caught:
        tenants.resolve(caller(bearer(KEY_C)))
    assert KEY_C not in str(caught.value) + repr(caught.value)
