from __future__ import annotations

import gc
import logging
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from guardrails import detectors
from guardrails.guard import Guard
from guardrails.policy import load
from guardrails.rules import Policy
from guardrails.tenants import Tenants, Unauthenticated, UnknownTenant, compiling, hash_key
from guardrails.tenants.folder import Reading, identity
from tests.tenants.conftest import KEY_A, KEY_B, KEY_C, bearer, caller, policy, tenants_yaml

A, B, C = (caller(bearer(k)) for k in (KEY_A, KEY_B, KEY_C))
BOMB = "version: 1\nname: x\nwords: {terms: [&a [x,x], *a]}\n"


def blocked(tenants: Tenants, who: object, text: str) -> bool:
    return tenants.resolve(who).guard.check(text, "INPUT").action == "BLOCKED"  # type: ignore[arg-type]


def test_a_change_is_put_into_use_and_others_stay_what_they_were(folder: Path) -> None:
    tenants = Tenants.open(folder)
    held, other = tenants.resolve(A), tenants.resolve(B)
    (folder / "alpha.yaml").write_text(policy("alpha", "apricot"))
    result = tenants.reload()
    assert (result.ok, result.changed, result.removed, result.last_good) == (True, ("alpha",), (), ())
    now = tenants.resolve(A)
    assert now.guard.check("an apricot", "OUTPUT").action == "BLOCKED"
    assert held.guard.check("an apple", "INPUT").action == "BLOCKED"  # whoever holds the old one keeps it
    assert now.revision != held.revision
    assert now.secret == held.secret != other.secret
    assert len(now.secret) == 32
    assert tenants.resolve(B) is other
    assert tenants.reload().changed == ()
    assert tenants.resolve(A) is now


BREAKS: dict[str, Callable[[Path], object]] = {
    "truncated": lambda p: p.write_text("version: 1\nname: alpha\nwords: {terms: [app"),
    "empty": lambda p: p.write_text(""),
    "no rule": lambda p: p.write_text("version: 1\nname: alpha\n"),
    "rules disabled": lambda p: p.write_text(
        policy("alpha", "apple", more="").replace("{terms", "{enabled: false, terms")
    ),
    "bomb": lambda p: p.write_text(BOMB),
    "not UTF-8": lambda p: p.write_bytes(b"version: 1\nname: \xff\n"),
    "deleted": lambda p: p.unlink(),
    "a folder": lambda p: (p.unlink(), p.mkdir()),
    "a pipe": lambda p: (p.unlink(), os.mkfifo(p)),
    "too large": lambda p: p.write_text("# " + "x" * 1_400_000),
    "unknown key": lambda p: p.write_text(policy("alpha", "apple") + "wrods: {}\n"),
    "dangling link": lambda p: (p.unlink(), p.symlink_to("nowhere.yaml")),
    "a link out": lambda p: (p.unlink(), p.symlink_to("/etc/hostname")),
    "a missing parent": lambda p: p.write_text(policy("alpha", "apple", more="extends: base.yaml\n")),
    "a missing list": lambda p: p.write_text("version: 1\nname: alpha\nwords: {lists: [{file: l.txt, id: l}]}\n"),
}


@pytest.mark.parametrize("how", BREAKS)
def test_a_bad_policy_leaves_the_last_good_one_and_others_go_on(folder: Path, how: str) -> None:
    tenants = Tenants.open(folder)
    before = tenants.resolve(A)
    BREAKS[how](folder / "alpha.yaml")
    (folder / "beta.yaml").write_text(policy("beta", "blackberry"))
    result = tenants.reload()
    assert (result.ok, result.changed, result.last_good, result.missing) == (False, ("beta",), ("alpha",), ())
    assert tenants.resolve(A) is before
    assert blocked(tenants, B, "a blackberry")
    health = tenants.health()
    assert health["status"] == "degraded"
    assert health["tenants"]["beta"]["error"] is None
    assert set(health["tenants"]["alpha"]["error"]) == {"code", "file", "line"}
    assert health["tenants"]["alpha"]["revision"] == before.revision
    assert health["reloads"] == {"ok": 0, "failed": 1}
    # Mended with the same bytes, it is the same tenant again.
    path = folder / "alpha.yaml"
    if path.is_dir() and not path.is_symlink():
        path.rmdir()
    else:
        path.unlink(missing_ok=True)
    path.write_text(policy("alpha", "apple"))
    assert tenants.reload().ok
    assert tenants.health()["status"] == "ok"
    assert tenants.resolve(A) is before


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root, and Windows, read everything")
def test_an_unreadable_policy_leaves_the_last_good_one(folder: Path) -> None:
    tenants = Tenants.open(folder)
    (folder / "alpha.yaml").chmod(0)
    assert tenants.reload().last_good == ("alpha",)
    assert blocked(tenants, A, "an apple")


def test_a_bad_tenants_file_leaves_the_last_good_one_and_policies_still_update(folder: Path) -> None:
    tenants = Tenants.open(folder)
    (folder / "tenants.yaml").write_text(tenants_yaml()[:-20])
    (folder / "alpha.yaml").write_text(policy("alpha", "apricot"))
    result = tenants.reload()
    assert result.changed == ("alpha",)
    assert not result.ok
    assert tenants.health()["error"]["file"] == "tenants.yaml"
    assert blocked(tenants, A, "an apricot")
    (folder / "tenants.yaml").unlink()
    assert not tenants.reload().ok
    assert tenants.resolve(B).id == "beta"
    (folder / "tenants.yaml").write_text(tenants_yaml())
    assert tenants.reload().ok
    assert tenants.health()["error"] is None


def test_keys_come_and_go(folder: Path) -> None:
    tenants = Tenants.open(folder)
    held, secret = tenants.resolve(B), tenants.resolve(B).secret
    gamma = f'  gamma: {{policy: beta.yaml, keys: ["{hash_key(KEY_C)}"]}}\n'
    (folder / "tenants.yaml").write_text(tenants_yaml().replace(hash_key(KEY_A), hash_key(KEY_C)))
    assert tenants.reload().changed == ()
    assert tenants.resolve(C).id == "alpha"
    with pytest.raises(Unauthenticated):
        tenants.resolve(A)
    text = tenants_yaml()
    (folder / "tenants.yaml").write_text(text[: text.index("  beta:")] + gamma)
    result = tenants.reload()
    assert (result.changed, result.removed) == (("gamma",), ("beta",))
    assert tenants.resolve(C).guard is held.guard  # the same policy file
    with pytest.raises(Unauthenticated):
        tenants.resolve(B)
    (folder / "tenants.yaml").write_text(text)
    assert tenants.reload().ok
    assert tenants.resolve(B).secret != secret  # another tenant of that name, for all we know


def test_a_new_tenant_whose_policy_is_bad_is_nobody_and_stops_nobody(folder: Path) -> None:
    tenants = Tenants.open(folder)
    (folder / "gamma.yaml").write_text("version: 1\nname: gamma\n")
    gamma = f'  gamma: {{policy: gamma.yaml, keys: ["{hash_key(KEY_C)}"]}}\n'
    (folder / "tenants.yaml").write_text(tenants_yaml() + gamma)
    result = tenants.reload()
    assert (result.missing, result.last_good, result.changed) == (("gamma",), (), ())
    with pytest.raises(UnknownTenant):
        tenants.resolve(C)
    assert tenants.resolve(A).id == "alpha"
    assert tenants.health()["tenants"]["gamma"]["revision"] is None
    # Pointed at a bad policy, a tenant keeps the one that it had.
    (folder / "tenants.yaml").write_text(tenants_yaml().replace("policy: beta.yaml", "policy: gamma.yaml"))
    assert tenants.reload().last_good == ("beta",)
    assert blocked(tenants, B, "a banana")


def test_parents_lists_and_links_count_too(folder: Path) -> None:
    (folder / "v1").mkdir()
    (folder / "v2").mkdir()
    (folder / "v1" / "base.yaml").write_text(policy("base", "quince"))
    (folder / "v2" / "base.yaml").write_text(policy("base", "medlar"))
    (folder / "base.yaml").symlink_to("v1/base.yaml")
    (folder / "list.txt").write_text("sloe\n")
    child = "version: 1\nname: alpha\nextends: base.yaml\nwords: {lists: [{file: list.txt, id: l}]}\n"
    (folder / "alpha.yaml").write_text(child)
    tenants = Tenants.open(folder)
    assert [blocked(tenants, A, w) for w in ("quince", "sloe", "medlar", "rowan")] == [True, True, False, False]
    (folder / "list.txt").write_text("rowan\n")
    assert tenants.reload().changed == ("alpha",)
    assert [blocked(tenants, A, w) for w in ("quince", "sloe", "medlar", "rowan")] == [True, False, False, True]
    # A link of the operator's own: no file that was read before has changed.
    (folder / "new").symlink_to("v2/base.yaml")
    (folder / "new").replace(folder / "base.yaml")
    assert tenants.reload().changed == ("alpha",)
    assert [blocked(tenants, A, w) for w in ("quince", "sloe", "medlar", "rowan")] == [False, False, True, True]


def configmap(folder: Path, version: str, files: dict[str, str]) -> None:
    """What the kubelet does: a new folder, and one rename of ``..data``."""
    new = folder / f"..{version}"
    new.mkdir()
    for name, text in files.items():
        (new / name).write_text(text)
        if not (folder / name).is_symlink():
            (folder / name).symlink_to(f"..data/{name}")
    (folder / "..data_tmp").symlink_to(new.name)
    (folder / "..data_tmp").replace(folder / "..data")


def configmap_files(word: str) -> dict[str, str]:
    return {
        "tenants.yaml": tenants_yaml(),
        "base.yaml": policy("base", word),
        "alpha.yaml": policy("alpha", "apple", more="extends: base.yaml\n"),
        "beta.yaml": policy("beta", "banana"),
    }


def test_a_configmap_is_swapped_as_a_whole(tmp_path: Path) -> None:
    configmap(tmp_path, "2024_1", configmap_files("quince"))
    tenants, named = Tenants.open(tmp_path), Tenants.open(tmp_path / "tenants.yaml")
    before = tenants.resolve(B)
    assert blocked(tenants, A, "quince")
    configmap(tmp_path, "2024_2", configmap_files("medlar"))
    for each in (tenants, named):
        assert each.reload().changed == ("alpha",)  # the name of the version's folder is no part of what is loaded
        assert blocked(each, A, "medlar")
        assert not blocked(each, A, "quince")
    assert tenants.resolve(B) is before
    # The old version goes away, and a swap that leads out of the volume is none.
    for name in configmap_files(""):
        (tmp_path / "..2024_1" / name).unlink()
    assert tenants.reload().ok
    (tmp_path / "..data").unlink()
    (tmp_path / "..data").symlink_to("/etc")
    assert [p.code for p in tenants.reload().problems] == ["outside-root"]
    assert tenants.health()["error"]["code"] == "outside-root"
    assert blocked(tenants, A, "medlar")


def test_the_identity_that_we_compute_is_the_policys(folder: Path) -> None:
    (folder / "alpha.yaml").write_text(policy("alpha", "apple", more="extends: shipped:retail-bank\n"))
    loaded = load(folder / "alpha.yaml", root=folder)
    assert len(loaded.identity.files) > 2
    assert identity(Reading(folder).files(loaded.identity.files)) == loaded.identity.sha256
    assert Tenants.open(folder / "beta.yaml").resolve(caller()).revision == load(folder / "beta.yaml").identity.sha256


def test_a_policy_that_does_not_stand_still_is_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tenants = Tenants.open(folder)
    (folder / "alpha.yaml").write_text(policy("alpha", "apricot"))
    turns = iter(range(100))

    def torn(path: Path, *, root: Path) -> Policy:
        path.write_text(policy("alpha", f"apricot{next(turns)}"))
        loaded = load(path, root=root)
        path.write_text(policy("alpha", f"apricot{next(turns)}"))
        return loaded

    monkeypatch.setattr(compiling, "load", torn)
    assert [p.code for p in tenants.reload().problems] == ["changing"]
    assert blocked(tenants, A, "an apple")
    monkeypatch.undo()
    assert tenants.reload().changed == ("alpha",)


def test_a_policy_that_cannot_check_is_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tenants = Tenants.open(folder)
    (folder / "alpha.yaml").write_text(policy("alpha", "apricot"))
    real = detectors.build

    class Broken:
        def find(self, content: object, deadline: object) -> None:
            raise RuntimeError("an apricot is quoted here")

    monkeypatch.setattr(detectors, "build", lambda name, rules: Broken())
    for _ in range(2):  # what failed once is not taken for tried
        result = tenants.reload()
        assert [p.code for p in result.problems] == ["self-test"]
        assert "apricot" not in str(result.problems)
    monkeypatch.setattr(detectors, "build", lambda name, rules: 1 / 0)
    assert [p.code for p in tenants.reload().problems] == ["internal"]
    monkeypatch.setattr(detectors, "build", real)
    assert blocked(tenants, A, "an apple")
    assert tenants.reload().changed == ("alpha",)


def test_a_key_of_hash_masks_is_taken_up(folder: Path) -> None:
    key = folder / "mask.key"
    key.write_bytes(b"0123456789abcdef")
    (folder / "alpha.yaml").write_text(
        "version: 1\nname: alpha\npii:\n  regexes:\n    - {name: account, pattern: 'ACC-[0-9]{8}', action: mask, "
        "mask: {style: hash, key_file: mask.key}}\n"
    )
    tenants = Tenants.open(folder)
    text = "my account is ACC-12345678"
    first = tenants.resolve(A).guard.check(text, "INPUT").text
    key.write_bytes(b"another-key-entirely")
    assert tenants.reload().changed == ("alpha",)
    second = tenants.resolve(A).guard.check(text, "INPUT").text
    key.unlink()
    assert [p.code for p in tenants.reload().problems] == ["cannot-build"]
    assert tenants.resolve(A).guard.check(text, "INPUT").text == second != first


def _detectors(guard: Guard) -> list[int]:
    return [id(d) for direction in guard._directions.values() for _, _, d in direction._detectors]


def test_what_is_equal_is_shared(folder: Path) -> None:
    (folder / "base.yaml").write_text(policy("base", "quince"))
    for name in ("alpha", "beta"):
        (folder / f"{name}.yaml").write_text(f"version: 1\nname: {name}\nextends: base.yaml\n")
    tenants = Tenants.open(folder)
    one, two = tenants.resolve(A).guard, tenants.resolve(B).guard
    assert one is not two
    assert _detectors(one) == _detectors(two)
    assert one.policy.rules is two.policy.rules
    assert one.policy.identity != two.policy.identity
    known = tenants._compiler._built
    (folder / "beta.yaml").write_text(policy("beta", "banana"))
    assert tenants.reload().ok
    assert _detectors(tenants.resolve(B).guard) != _detectors(one)
    assert len(known) == 2
    del two
    (folder / "beta.yaml").write_text("version: 1\nname: beta\nextends: base.yaml\n")
    assert tenants.reload().ok
    gc.collect()
    assert len(known) == 1  # what nobody uses is let go
    assert _detectors(tenants.resolve(B).guard) == _detectors(one)


def test_logs_say_where_and_never_what(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    tenants = Tenants.open(folder)
    caplog.set_level(logging.DEBUG, "guardrails")
    (folder / "alpha.yaml").write_text("version: 1\nname: alpha\nwords: {terms: [zucchini], termz: [zucchini]}\n")
    assert "zucchini" in str(tenants.reload().problems)  # the operator who asks sees the line
    assert caplog.messages == ["policies: unknown-key at alpha.yaml:3"]
    tenants.reload()
    assert len(caplog.messages) == 1  # said once
    assert "zucchini" not in repr(tenants.health())
