"""docs/vault.md is run: its policy loads, and its Python prints what it says."""

from __future__ import annotations

import doctest
import re
from pathlib import Path

import pytest

from guardrails.policy import load
from guardrails.vault import Vault

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "vault.md").read_text(encoding="utf-8")


def test_the_page_is_true(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (policy,) = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    Path("support.yaml").write_text(policy, encoding="utf-8")
    assert Vault((), load("support.yaml").rules).restores
    blocks = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    assert len(blocks) == 2
    test = doctest.DocTestParser().get_doctest("\n".join(blocks), {}, "vault.md", "docs/vault.md", 0)
    result = doctest.DocTestRunner().run(test)
    assert result.attempted > 10
    assert not result.failed
