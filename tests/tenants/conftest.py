"""Keys, policies and folders that the tests share. Words and patterns only: nothing here needs a model."""

from __future__ import annotations

from pathlib import Path

import pytest

from guardrails.tenants import Caller, hash_key

KEY_A = "gr-AaAa0123456789bcdefghijklmnopqrstuvwxyz"
KEY_B = "gr-BbBb0123456789bcdefghijklmnopqrstuvwxyz"
KEY_C = "gr-CcCc0123456789bcdefghijklmnopqrstuvwxyz"


def policy(name: str, *words: str, more: str = "") -> str:
    return f"version: 1\nname: {name}\n{more}words: {{terms: [{', '.join(words)}]}}\n"


def caller(*headers: tuple[str, str], host: str | None = None, client: str | None = None) -> Caller:
    return Caller([(n.encode(), v.encode("latin-1")) for n, v in headers], host, client)


def bearer(token: str) -> tuple[str, str]:
    return ("authorization", f"Bearer {token}")


def tenants_yaml(**more: str) -> str:
    """Two tenants by key; ``more`` are further lines of each."""
    return f"""\
version: 1
resolve:
  api_key: {{headers: [authorization, x-api-key]}}
{more.get("resolve", "")}
{more.get("top", "")}
tenants:
  alpha:
    policy: alpha.yaml
    keys: ["{hash_key(KEY_A)}"]
{more.get("alpha", "")}
  beta:
    policy: beta.yaml
    keys: ["{hash_key(KEY_B)}"]
{more.get("beta", "")}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with two tenants, each with a policy of its own."""
    root = tmp_path / "policies"
    root.mkdir()
    (root / "alpha.yaml").write_text(policy("alpha", "apple"))
    (root / "beta.yaml").write_text(policy("beta", "banana"))
    (root / "tenants.yaml").write_text(tenants_yaml())
    return root
