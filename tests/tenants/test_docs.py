"""The page's example is a real one."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from guardrails.tenants import Tenants, UnknownTenant, hash_key
from tests.tenants.conftest import KEY_A, bearer, caller, policy
from tests.tenants.test_tokens import jwk, rsa_key, token

PAGE = (Path(__file__).parents[2] / "docs" / "tenants.md").read_text(encoding="utf-8")
EXAMPLE = re.findall(r"```yaml\n(version: 1.*?)```", PAGE, re.DOTALL)[0]


def test_the_example_works(tmp_path: Path) -> None:
    for name in ("retail", "wealth"):
        (tmp_path / f"{name}.yaml").write_text(policy(name, "apple"))
    (tmp_path / "keys").mkdir()
    (tmp_path / "keys" / "issuer.json").write_text(json.dumps({"keys": [jwk(rsa_key(), kid="1")]}))
    example = EXAMPLE.replace("shipped:baseline", "retail.yaml")  # its models are not this test's business
    first_hash = re.findall(r"sha256:[0-9a-f]{64}", example)[0]
    (tmp_path / "tenants.yaml").write_text(example.replace(first_hash, hash_key(KEY_A)))
    tenants = Tenants.open(tmp_path)
    assert [t.id for t in tenants] == ["kiosk", "retail", "wealth"]
    assert tenants.resolve(caller(bearer(KEY_A))).id == "retail"
    signed = token(headers={"kid": "1"}, team="wealth-apac")
    assert tenants.resolve(caller(bearer(signed))).id == "wealth"
    assert tenants.resolve(caller(("x-client-subject", "CN=wealth-chat,O=Bank"), client="10.1.2.3")).id == "wealth"
    assert tenants.resolve(caller(host="kiosk.bank.example:443")).id == "kiosk"
    with pytest.raises(UnknownTenant) as caught:
        tenants.resolve(caller(bearer(KEY_A), host="kiosk.bank.example"))
    assert caught.value.reason == "conflict"
    # Uncommented, the optional lines are settings too.
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "tenants.yaml").write_text("version: 1\ntenants: {public: {policy: retail.yaml}}\n")
    more = re.sub(r"(?m)^# (default|include)", r"\1", (tmp_path / "tenants.yaml").read_text())
    (tmp_path / "tenants.yaml").write_text(more)
    assert tenants.reload().ok
    assert tenants.resolve(caller()).id == "public"


def test_every_setting_is_on_the_page() -> None:
    from guardrails.tenants import config, ways

    for name in (*config._TOP, *config._TENANT, *ways._WAYS, *ways._API_KEY, *ways._JWT, *ways._PROXY):
        assert re.search(rf"\b{name}\b", PAGE), name
