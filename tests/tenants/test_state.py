from __future__ import annotations

import json
import os
import shutil
import stat
from pathlib import Path

import pytest

from guardrails.errors import GuardrailsError, PolicyError
from guardrails.tenants import Tenants
from tests.systems import needs_permissions
from tests.tenants.conftest import KEY_A, KEY_B, bearer, caller, policy, tenants_yaml
from tests.tenants.test_reload import BREAKS
from tests.tenants.test_tokens import make, token

pytestmark = needs_permissions

A, B = caller(bearer(KEY_A)), caller(bearer(KEY_B))


@pytest.fixture
def state(tmp_path: Path) -> Path:
    return tmp_path / "state"


def kept(state: Path) -> Path:
    return state / "guardrails-last-good"


def verdicts(tenants: Tenants) -> tuple[str, str]:
    return (
        tenants.resolve(A).guard.check("an apple", "INPUT").action,
        tenants.resolve(B).guard.check("a banana", "INPUT").action,
    )


@pytest.mark.parametrize("how", BREAKS)
def test_a_restart_beside_a_broken_policy_uses_the_last_good_one(folder: Path, state: Path, how: str) -> None:
    revision = Tenants.open(folder, state=state).resolve(A).revision
    BREAKS[how](folder / "alpha.yaml")
    (folder / "beta.yaml").write_text(policy("beta", "banana", "blackberry"))
    for _ in range(2):  # the second restart is from what the first one kept
        again = Tenants.open(folder, state=state)
        assert verdicts(again) == ("BLOCKED", "BLOCKED")
        assert again.resolve(A).revision == revision
        assert again.resolve(B).guard.check("a blackberry", "INPUT").action == "BLOCKED"
        assert again.health()["status"] == "degraded"
        assert again.health()["tenants"]["alpha"]["error"] is not None
    with pytest.raises(PolicyError):
        Tenants.open(folder)


@pytest.mark.parametrize("how", ["truncated", "empty", "bomb", "not UTF-8", "deleted"])
def test_a_restart_beside_a_broken_tenants_file(folder: Path, state: Path, how: str) -> None:
    Tenants.open(folder, state=state)
    BREAKS[how](folder / "tenants.yaml")
    again = Tenants.open(folder, state=state)
    assert verdicts(again) == ("BLOCKED", "BLOCKED")
    assert again.health()["error"] is not None


def test_a_deleted_tenants_file_never_makes_one_policy_everybodys(folder: Path, state: Path) -> None:
    Tenants.open(folder, state=state)
    (folder / "tenants.yaml").unlink()
    (folder / "alpha.yaml").unlink()
    again = Tenants.open(folder, state=state)
    assert verdicts(again) == ("BLOCKED", "BLOCKED")
    assert [t.id for t in again] == ["alpha", "beta"]


def test_everything_gone(folder: Path, state: Path) -> None:
    (folder / "base.yaml").write_text(policy("base", "quince"))
    (folder / "lists").mkdir()
    (folder / "lists" / "l.txt").write_text("apple\n")
    (folder / "alpha.yaml").write_text(
        "version: 1\nname: alpha\nextends: base.yaml\nwords: {lists: [{file: lists/l.txt, id: l}]}\n"
    )
    Tenants.open(folder, state=state)
    shutil.rmtree(folder)
    again = Tenants.open(folder, state=state)
    assert verdicts(again) == ("BLOCKED", "BLOCKED")
    assert again.resolve(A).guard.check("quince", "OUTPUT").action == "BLOCKED"


def test_what_was_good_last_is_kept_and_what_was_not_is_not(folder: Path, state: Path) -> None:
    tenants = Tenants.open(folder, state=state)
    (folder / "alpha.yaml").write_text(policy("alpha", "apricot"))
    tenants.reload()
    (folder / "alpha.yaml").write_text("version: 1\n")
    (folder / "beta.yaml").write_text(policy("beta", "blackberry"))
    tenants.reload()
    again = Tenants.open(folder, state=state)
    assert again.resolve(A).guard.check("an apricot", "INPUT").action == "BLOCKED"
    assert again.resolve(A).guard.check("an apple", "INPUT").action == "NONE"
    assert again.resolve(B).guard.check("a blackberry", "INPUT").action == "BLOCKED"
    assert len(list((kept(state) / "blobs").iterdir())) == 3  # tenants.yaml and two policies: old versions are gone


def test_shipped_policies_and_single_ones(folder: Path, state: Path) -> None:
    Tenants.open(folder / "beta.yaml", state=state)
    (folder / "beta.yaml").write_text("version: 1\n")
    again = Tenants.open(str(folder / "beta.yaml"), state=str(state))
    assert again.resolve(caller()).guard.check("a banana", "INPUT").action == "BLOCKED"
    # The state of one source is not another's.
    with pytest.raises(PolicyError):
        Tenants.open(folder, state=state)


def test_keys_of_issuers_are_kept_too(folder: Path, state: Path) -> None:
    make(folder)
    Tenants.open(folder, state=state)
    (folder / "issuer.pem").write_text("gone")
    again = Tenants.open(folder, state=state)
    assert again.resolve(caller(bearer(token()))).id == "alpha"
    assert again.health()["error"]["code"] == "bad-key-file"


def test_only_the_owner_can_read_what_is_kept(folder: Path, state: Path) -> None:
    Tenants.open(folder, state=state)
    for path in kept(state).rglob("*"):
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600), path
    assert stat.S_IMODE(kept(state).stat().st_mode) == 0o700
    kept(state).chmod(0o750)
    with pytest.raises(GuardrailsError, match="nobody else"):
        Tenants.open(folder, state=state)
    shutil.rmtree(kept(state))
    (folder / "elsewhere").mkdir(mode=0o700)
    kept(state).symlink_to(folder / "elsewhere")
    with pytest.raises(GuardrailsError):
        Tenants.open(folder, state=state)


def _damage(state: Path, what: str) -> None:
    manifest = kept(state) / "last-good.json"
    blobs = sorted((kept(state) / "blobs").iterdir())
    if what == "manifest":
        manifest.write_bytes(manifest.read_bytes()[:-9])
    elif what == "manifest, one byte":
        manifest.write_bytes(manifest.read_bytes().replace(b"alpha", b"alphb", 1))
    elif what == "empty":
        manifest.write_bytes(b"")
    elif what == "missing":
        manifest.unlink()
    elif what == "a byte of each":
        for blob in blobs:
            blob.write_bytes(blob.read_bytes().replace(b"apple", b"grape"))
    elif what == "no bytes":
        for blob in blobs:
            blob.unlink()


@pytest.mark.parametrize("what", ["manifest", "manifest, one byte", "empty", "missing", "a byte of each", "no bytes"])
def test_damaged_state_is_not_used(folder: Path, state: Path, what: str) -> None:
    Tenants.open(folder, state=state)
    _damage(state, what)
    (folder / "alpha.yaml").write_text("version: 1\n")
    try:
        again = Tenants.open(folder, state=state)
    except PolicyError:
        pass  # nothing is left that could stand in
    else:
        assert [t.id for t in again] == ["beta"]  # alpha's bytes are not what they were: nobody serves it
    assert not list(kept(state).glob("unpacked-*"))
    # With good files everything is as before, and kept again.
    (folder / "alpha.yaml").write_text(policy("alpha", "apple"))
    assert verdicts(Tenants.open(folder, state=state)) == ("BLOCKED", "BLOCKED")
    (folder / "alpha.yaml").write_text("version: 1\n")
    assert verdicts(Tenants.open(folder, state=state)) == ("BLOCKED", "BLOCKED")


def test_names_in_the_manifest_lead_nowhere(folder: Path, state: Path) -> None:
    """Whoever writes there could write anything; even so nothing outside is touched."""
    import hashlib

    Tenants.open(folder, state=state)
    manifest = kept(state) / "last-good.json"
    document = json.loads(manifest.read_bytes().partition(b"\n")[2])
    for files in (f for _, f in document["policies"].values()):
        files[0][0] = "../../escaped.yaml"
    body = json.dumps(document).encode()
    manifest.write_bytes(hashlib.sha256(body).hexdigest().encode() + b"\n" + body)
    (folder / "alpha.yaml").write_text("version: 1\n")
    assert [t.id for t in Tenants.open(folder, state=state)] == ["beta"]
    assert not list(state.rglob("escaped.yaml"))


def test_a_state_folder_that_cannot_be_written_is_told(
    folder: Path, state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tenants = Tenants.open(folder, state=state)
    real = os.fsync

    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    (folder / "alpha.yaml").write_text(policy("alpha", "apple", "apricot"))
    result = tenants.reload()
    assert result.changed == ("alpha",)  # in use all the same
    assert tenants.health()["status"] == "degraded"
    assert tenants.health()["state_error"] == "No space left on device"
    assert not list(kept(state).rglob(".*"))
    monkeypatch.setattr(os, "fsync", real)
    tenants.reload()
    assert tenants.health()["status"] == "ok"
    (folder / "alpha.yaml").unlink()
    again = Tenants.open(folder, state=state)
    assert again.resolve(A).guard.check("an apricot", "INPUT").action == "BLOCKED"


def test_workers_share_one_state(folder: Path, state: Path) -> None:
    workers = [Tenants.open(folder, state=state) for _ in range(3)]
    for turn in range(4):
        (folder / "alpha.yaml").write_text(policy("alpha", "apple", f"apple{turn}"))
        for worker in workers:
            assert worker.reload().ok
    (folder / "tenants.yaml").write_text(tenants_yaml()[:40])
    (folder / "alpha.yaml").unlink()
    assert verdicts(Tenants.open(folder, state=state)) == ("BLOCKED", "BLOCKED")
