"""The file of a hash mask's key lies beside the policy, like every other file that a policy names."""

from __future__ import annotations

from pathlib import Path

import pytest

from guardrails import Guard
from guardrails.errors import PolicyError
from guardrails.policy import load
from guardrails.types import Source

POLICY = "version: 1\nname: keys\npii:\n  entities:\n    EMAIL: {{action: mask, mask: {{style: hash, key_file: {}}}}}\n"


def write(folder: Path, named: str) -> Path:
    path = folder / "policy.yaml"
    path.write_text(POLICY.format(named))
    return path


@pytest.mark.parametrize("named", ["mask.key", "keys/mask.key", "./keys/../mask.key"])
def test_a_key_beside_the_policy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, named: str) -> None:
    (tmp_path / "keys").mkdir()
    for file in (tmp_path / "mask.key", tmp_path / "keys" / "mask.key"):
        file.write_bytes(b"k" * 32)
    monkeypatch.chdir("/")
    policy = load(write(tmp_path, named))
    assert policy.rules[0].mask.key_file == named
    report = Guard(policy).check("mail bob@example.com", Source.INPUT)
    assert "bob@" not in report.text
    assert "kkkk" not in repr(policy)


@pytest.mark.parametrize("named", ["/etc/passwd", "../mask.key", "keys/../../mask.key", "..\\\\mask.key", "link.key"])
def test_a_key_elsewhere_is_refused(tmp_path: Path, named: str) -> None:
    inside = tmp_path / "inside"
    inside.mkdir()
    (tmp_path / "mask.key").write_bytes(b"k" * 32)
    (inside / "link.key").symlink_to(tmp_path / "mask.key")
    with pytest.raises(PolicyError) as caught:
        load(write(inside, f'"{named}"'))
    assert caught.value.problems[0].code == "outside-root"
    assert caught.value.problems[0].key.endswith("mask.key_file")
