from __future__ import annotations

import logging
from pathlib import Path

import pytest

from guardrails.errors import GuardrailsError, PolicyError
from guardrails.tenants import Tenants, hash_key
from tests.tenants.conftest import KEY_A, KEY_B, KEY_C, bearer, caller, policy, tenants_yaml
from tests.tenants.test_tokens import pem, rsa_key

HASH = hash_key(KEY_C)


def problems(folder: Path, text: str) -> list[tuple[str, str, int]]:
    (folder / "tenants.yaml").write_text(text)
    with pytest.raises(PolicyError) as caught:
        Tenants.open(folder)
    return [(p.code, p.key, p.line) for p in caught.value.problems]


def test_everything_that_is_wrong_is_told_at_once(folder: Path) -> None:
    text = f"""\
version: 2
resolv: {{}}
resolve:
  api_key: {{headers: [X_Api_Key, host], forward: maybe}}
  proxy: {{trusted: [0.0.0.0/0, ten], header: x-client-subject}}
default: gamma
tenants:
  Alpha: {{policy: alpha.yaml, keys: ["{HASH}"]}}
  beta: {{policy: beta.yaml, claims: [beta], polcy: x}}
  gama: {{keys: ["{HASH}", "{KEY_A}"], hosts: ["https://x.example"]}}
"""
    assert problems(folder, text) == [
        ("unknown-key", "resolv", 2),
        ("version", "version", 1),
        ("bad-header", "resolve.api_key.headers[0]", 4),
        ("bad-header", "resolve.api_key.headers[1]", 4),
        ("wrong-type", "resolve.api_key.forward", 4),
        ("bad-network", "resolve.proxy.trusted[0]", 5),
        ("bad-network", "resolve.proxy.trusted[1]", 5),
        ("bad-tenant-id", "tenants.Alpha", 8),
        ("unknown-key", "tenants.beta.polcy", 9),
        ("way-not-configured", "tenants.beta.claims", 9),
        ("missing-key", "tenants.gama", 10),
        ("way-not-configured", "tenants.gama.hosts", 10),
        ("key-not-hashed", "tenants.gama.keys[1]", 10),
        ("bad-host", "tenants.gama.hosts[0]", 10),
        ("unknown-tenant", "default", 6),
    ]


def test_the_nearest_name_is_told(folder: Path) -> None:
    (folder / "tenants.yaml").write_text(tenants_yaml(top="default: alfa"))
    with pytest.raises(PolicyError, match="nearest: alpha"):
        Tenants.open(folder)
    (folder / "tenants.yaml").write_text(tenants_yaml().replace("beta.yaml", "bata.yaml"))
    with pytest.raises(PolicyError, match=r"nearest: beta\.yaml") as caught:
        Tenants.open(folder)
    place = caught.value.problems[0]
    assert (place.code, place.file, place.line, place.key) == ("not-found", "tenants.yaml", 12, "tenants.beta.policy")


def test_policies_of_all_tenants_are_told_at_once(folder: Path) -> None:
    (folder / "alpha.yaml").write_text(policy("alpha", "apple") + "pii: {entities: {EMIAL: mask}}\n")
    (folder / "beta.yaml").write_text("version: 1\nname: beta\n")
    with pytest.raises(PolicyError) as caught:
        Tenants.open(folder)
    assert [(p.code, p.file) for p in caught.value.problems] == [
        ("unknown-entity", "alpha.yaml"), ("empty-policy", "beta.yaml"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "wrong",
    [
        f"keys: [{KEY_A}]",
        f"keys: {KEY_A}",
        f"keys:\n      - {KEY_A}",
        f"keys: {{x: {KEY_A}}}",
        f"hosts: {KEY_A}",
        f"policy: [{KEY_A}]",
        f"keys: ['{KEY_A}",
        f"keys: [['{KEY_A}']]",
    ],
)
def test_a_key_that_was_written_instead_of_its_hash_is_never_shown(
    folder: Path, caplog: pytest.LogCaptureFixture, wrong: str
) -> None:
    tenants = Tenants.open(folder)
    text = f"version: 1\nresolve: {{api_key: {{}}}}\ntenants:\n  alpha:\n    {wrong}\n"
    (folder / "tenants.yaml").write_text(text)
    caplog.set_level(logging.DEBUG)
    result = tenants.reload()
    assert result.problems
    with pytest.raises(PolicyError) as caught:
        Tenants.open(folder)
    for shown in (str(caught.value), repr(caught.value.problems), repr(result), repr(tenants.health()), caplog.text):
        assert KEY_A not in shown


@pytest.mark.parametrize("name", ["keys", "hosts", "subjects"])
def test_one_credential_means_one_tenant(folder: Path, name: str) -> None:
    value = {"keys": HASH, "hosts": "chat.example", "subjects": "CN=x"}[name]
    text = f"""\
version: 1
resolve: {{api_key: {{}}, host: true, proxy: {{trusted: [10.0.0.0/8], header: x-subject}}}}
tenants:
  alpha: {{policy: alpha.yaml, {name}: ["{value}"]}}
  beta: {{policy: beta.yaml, {name}: ["{value}"]}}
"""
    assert problems(folder, text) == [("duplicate-credential", f"tenants.beta.{name}[0]", 5)]
    text = text.replace(f'["{value}"]}}\n  beta', f'["{value}", "{value}"]}}\n  beta').replace("  beta", "# ")
    assert problems(folder, text) == [("duplicate-credential", f"tenants.alpha.{name}[1]", 4)]


def test_headers_may_not_mean_two_things(folder: Path) -> None:
    resolve = "  proxy: {trusted: [10.0.0.0/8], header: X-Api-Key}"
    assert problems(folder, tenants_yaml(resolve=resolve))[0][0] == "header-taken"
    jwt = "  jwt: {algorithms: [RS256], issuer: i, audience: a, claim: c, key_file: k.pem, forward: true}"
    (folder / "k.pem").write_bytes(pem(rsa_key()))
    assert problems(folder, tenants_yaml(resolve=jwt)) == [("header-taken", "resolve.jwt.forward", 4)]


def test_a_tenant_that_nobody_can_be_is_an_error(folder: Path) -> None:
    text = tenants_yaml() + "  gamma: {policy: beta.yaml}\n"
    assert problems(folder, text)[0][:2] == ("unreachable-tenant", "tenants.gamma")
    (folder / "tenants.yaml").write_text(text + "default: gamma\n")
    assert len(Tenants.open(folder)) == 3


def test_no_tenants_and_odd_documents(folder: Path) -> None:
    for text, code in (
        ("version: 1\n", "no-tenants"),
        ("version: 1\ntenants: {}\n", "no-tenants"),
        ("[1]\n", "wrong-type"),
        ("", "empty-file"),
        ("version: 1\ntenants: {a: {policy: x}, a: {policy: x}}\n", "duplicate-key"),
        ("version: 1\ntenants: &x {a: {policy: alpha.yaml}}\n", "anchor"),
        ("version: true\ntenants: {a: {policy: alpha.yaml}}\n", "version"),
        ("version: 1\ntenants: " + "{a: " * 40 + "}" * 40 + "\n", "too-deep"),
    ):
        assert code in [c for c, *_ in problems(folder, text)], text


def test_tenants_may_stand_in_several_files(folder: Path) -> None:
    more = f'version: 1\ntenants:\n  gamma: {{policy: "shipped:baseline", keys: ["{HASH}"]}}\n'.replace(
        "shipped:baseline", "alpha.yaml"
    )
    (folder / "more").mkdir()
    (folder / "more" / "one.yaml").write_text(more)
    (folder / "tenants.yaml").write_text(tenants_yaml(top="include: [more/one.yaml]"))
    tenants = Tenants.open(folder)
    assert [t.id for t in tenants] == ["alpha", "beta", "gamma"]
    assert tenants.resolve(caller(bearer(KEY_C))).id == "gamma"
    (folder / "more" / "one.yaml").write_text(more.replace("gamma", "beta") + "default: beta\n")
    with pytest.raises(PolicyError) as caught:
        Tenants.open(folder)
    found = [(p.code, p.file, p.line) for p in caught.value.problems]
    assert ("unknown-key", "more/one.yaml", 4) in found
    assert ("duplicate-tenant", "more/one.yaml", 3) in found


@pytest.mark.parametrize(
    "reference", ["../outside.yaml", "/etc/passwd", "sub/../../outside.yaml", "..\\x", "link.yaml"]
)
def test_nothing_outside_the_folder_is_opened(folder: Path, reference: str) -> None:
    (folder.parent / "outside.yaml").write_text(policy("outside", "orange"))
    (folder / "sub").mkdir()
    (folder / "link.yaml").symlink_to(folder.parent / "outside.yaml")
    written = "'" + reference + "'"
    (folder / "tenants.yaml").write_text(tenants_yaml().replace("policy: beta.yaml", f"policy: {written}"))
    with pytest.raises(PolicyError) as caught:
        Tenants.open(folder)
    assert [p.code for p in caught.value.problems] == ["outside-root"]
    (folder / "tenants.yaml").write_text(tenants_yaml(top=f"include: [{written}]"))
    with pytest.raises(PolicyError) as caught:
        Tenants.open(folder)
    assert [p.code for p in caught.value.problems] == ["outside-root"]


def test_one_policy_is_everybodys(folder: Path) -> None:
    tenants = Tenants.open(folder / "beta.yaml")
    assert [t.id for t in tenants] == ["default"]
    for one in (caller(), caller(bearer(KEY_A)), caller(("x-tenant", "alpha"), host="alpha", client="10.0.0.1")):
        assert tenants.resolve(one).guard.policy.name == "beta"
    headers = [(b"authorization", b"Bearer theirs"), (b"x_y", b"z")]
    assert tenants.strip(headers) == headers


def test_a_folder_says_whose_policy_is_whose(folder: Path) -> None:
    (folder / "tenants.yaml").rename(folder.parent / "tenants.yaml")
    with pytest.raises(GuardrailsError, match=r"2 policies and without tenants\.yaml.*docs/tenants\.md"):
        Tenants.open(folder)
    (folder / "alpha.yaml").unlink()
    (folder / "beta.test.yaml").write_text("cases: []\n")
    assert [t.guard.policy.name for t in Tenants.open(folder)] == ["beta"]
    (folder / "beta.yaml").unlink()
    with pytest.raises(GuardrailsError, match="no policy"):
        Tenants.open(folder)
    with pytest.raises(PolicyError, match="no shipped policy"):
        Tenants.open(folder / "gone")
    with pytest.raises(PolicyError, match="outside"):
        # What it names is not beside it.
        Tenants.open(_moved(folder))


def _moved(folder: Path) -> Path:
    path = folder.parent / "tenants.yaml"
    path.write_text(path.read_text().replace("alpha.yaml", "../x.yaml").replace("beta.yaml", "../x.yaml"))
    return path


def test_the_file_itself_may_be_named(folder: Path) -> None:
    assert Tenants.open(folder / "tenants.yaml").resolve(caller(bearer(KEY_B))).id == "beta"


def test_ten_thousand_tenants_in_one_file(tmp_path: Path) -> None:
    (tmp_path / "p.yaml").write_text("version: 1\nname: p\nwords: {terms: [kingfisher]}\n", encoding="utf-8")
    lines = [f'  t{i}: {{policy: p.yaml, keys: ["sha256:{i:064x}"]}}' for i in range(10_000)]
    text = "\n".join(["version: 1", "resolve: {api_key: {}}", "tenants:", *lines])
    (tmp_path / "tenants.yaml").write_text(text, encoding="utf-8")
    assert len(Tenants.open(tmp_path).snapshot.tenants) == 10_000


@pytest.mark.parametrize(
    ("wrong", "code", "remedy"),
    [
        ("tenants: [{id: alpha}]", "wrong-type", "below its id"),
        ("tenants:", "wrong-type", "below its id"),
        ("tenants: {alpha: alpha.yaml}", "wrong-type", "policy: FILE"),
        ("tenants: {alpha: {file: alpha.yaml}}", "unknown-key", "write policy"),
        ("tenants: {alpha: {policy: alpha.yaml, api_keys: [x]}}", "unknown-key", "guardrails tenants new-key"),
        ("tenants: {alpha: {policy: alpha.yaml, domain: a.example}}", "unknown-key", "write hosts"),
        ("tenants: {alpha: {policy: alpha.yaml, words: {terms: [x]}}}", "unknown-key", "setting of a policy"),
        ("name: x\nmetadata: {owner: me}\ntenants: {}", "unknown-key", "setting of a policy"),
        ("tenants: {Alpha_Bank: {policy: alpha.yaml}}", "bad-tenant-id", "write alpha-bank"),
        ("tenants: {1: {policy: alpha.yaml}}", "key-not-string", "in quotes"),
        ("tenants: {alpha: {policy: baseline}}\ndefault: alpha", "not-found", "write shipped:baseline"),
        ("tenants: {alpha: {policy: alpha}}\ndefault: alpha", "not-found", "write alpha.yaml"),
        ("tenants: {alpha: {policy: nowhere.yaml}}\ndefault: alpha", "not-found", "put the file there"),
        ("tenants: {alpha: {policy: alpha.yaml, keys: x}}", "way-not-configured", "resolve: {api_key: {}}"),
        ("tenants: {alpha: {policy: alpha.yaml, hosts: [a.example]}}", "way-not-configured", "resolve: {host: true}"),
        ("resolve: api_key", "wrong-type", "resolve: {api_key: {}}"),
        ("resolve: {api_key: true}", "wrong-type", "api_key: {}"),
        ("resolve: {host: {}}", "wrong-type", "host: true"),
        ("resolve: {oidc: {}}", "unknown-key", "write jwt"),
        ("resolve: {api_key: {header: x-key}}", "unknown-key", "write headers"),
        ("resolve: {api_key: {headers: [X_Key]}}", "bad-header", "write x-key"),
        ("resolve: {api_key: {headers: [cookie]}}", "bad-header", "write x-api-key"),
        ("resolve: {api_key: {headers: []}}", "missing-key", "at least one"),
        ("resolve: {proxy: {trusted: [0.0.0.0/0], header: x-subject}}", "bad-network", "10.0.0.0/8"),
        ("resolve: {proxy: {trusted: [10.1.2.3/8], header: x-subject}}", "bad-network", "write 10.0.0.0/8"),
        ("resolve: {proxy: {trusted: [10.0.0.0/8], header: Cookie}}", "bad-header", "x-client-subject"),
        ("resolve: {jwt: {algorithms: [HS256], issuer: i, audience: a, claim: c, key_file: alpha.yaml}}", "unknown-algorithm", "key pair"),
        ("resolve: {jwt: {algorithms: [RS256], issuer: i, audience: a, claim: c, secret: x}}", "unknown-key", "public key"),
        ("resolve: {jwt: {algorithms: [RS256], issuer: i, audience: a, claim: c, jwks_uri: x}}", "unknown-key", "nothing is fetched"),
        ("resolve: {jwt: {algorithms: [RS256], issuer: i, audience: a, claim: c, jwks_file: 'https://x.example/keys'}}", "not-found", "nothing is fetched"),
        ("resolve: {jwt: {algorithms: [RS256], issuer: i, audience: a, claim: c, key_file: alpha.yaml}}", "bad-key-file", "BEGIN PUBLIC KEY"),
        ("include: [more.yaml]", "not-found", "put the file there"),
        ("include: more.yaml", "wrong-type", "include: [more.yaml]"),
        ("version: '1'", "version", "without quotes"),
        ("hosts: x", "unknown-key", None),
    ],
)  # fmt: skip
def test_a_mistake_names_its_place_and_the_remedy(folder: Path, wrong: str, code: str, remedy: str | None) -> None:
    text = wrong if wrong.startswith("version") else f"version: 1\n{wrong}"
    (folder / "tenants.yaml").write_text(text + "\n")
    with pytest.raises(PolicyError) as caught:
        Tenants.open(folder)
    found = [p for p in caught.value.problems if p.code == code]
    assert found, str(caught.value)
    assert all(p.file == "tenants.yaml" and p.line > 0 for p in found)
    if remedy is not None:
        assert any(remedy in (p.remedy or "") for p in found), str(caught.value)


@pytest.mark.parametrize(
    ("host", "remedy"),
    [
        ("https://a.example", "write a.example"), ("a.example:8080", "write a.example"), ("https://A.example:80/x?y", "write a.example"),
        ("*.a.example", "each host"), ("münchen.example", "write xn--mnchen-3ya.example"), ("a b", "chat.example.com"),
    ],
)  # fmt: skip
def test_a_host_is_told_as_it_is_written(folder: Path, host: str, remedy: str) -> None:
    (folder / "tenants.yaml").write_text(
        f"version: 1\nresolve: {{host: true}}\ntenants: {{alpha: {{policy: alpha.yaml, hosts: ['{host}']}}}}\n",
        encoding="utf-8",
    )
    with pytest.raises(PolicyError) as caught:
        Tenants.open(folder)
    assert remedy in (caught.value.problems[0].remedy or "")
