"""1,000 reloads, half of them of something broken, while threads resolve and check."""

from __future__ import annotations

import os
import random
import threading
from pathlib import Path

import pytest

from guardrails.tenants import Tenants
from tests.systems import needs_permissions
from tests.tenants.conftest import KEY_A, KEY_B, bearer, caller, policy, tenants_yaml

pytestmark = needs_permissions

RELOADS = 1000
A, B = caller(bearer(KEY_A)), caller(bearer(KEY_B))


def good(folder: Path, version: int) -> None:
    """Version ``n`` of alpha: its name, the word of its parent, its own word and its message all say ``n``."""
    swap(folder / "base.yaml", policy("base", f"parent{version}").encode())
    text = policy(f"alpha-{version}", f"child{version}", more="extends: base.yaml\n")
    swap(folder / "alpha.yaml", f"{text}messages: {{blocked_input: version {version}}}\n".encode())


def swap(path: Path, data: bytes) -> None:
    path.chmod(0o600) if path.exists() else None
    new = path.with_name(f"{path.name}.new")
    new.write_bytes(data)
    new.replace(path)


def broken(folder: Path, rng: random.Random) -> str:
    path = folder / rng.choice(["alpha.yaml", "base.yaml", "tenants.yaml"])
    data = path.read_bytes()
    how = rng.choice(["truncated", "bomb", "utf-8", "deleted", "empty", "chmod", "nested"])
    if how == "truncated":
        path.write_bytes(data[: len(data) - rng.randrange(3, 15)] + b"[")
    elif how == "bomb":
        path.write_bytes(b"a: &a [x]\nb: [" + b"*a, " * 1000 + b"]\n")
    elif how == "utf-8":
        path.write_bytes(data[:10] + b"\xc3\x28" + data[10:])
    elif how == "deleted":
        path.unlink()
    elif how == "chmod" and os.geteuid() != 0:
        path.chmod(0)
    elif how == "nested":
        path.write_bytes(b"[" * 5000)
    else:
        path.write_bytes(b"")
    return how


def test_a_thousand_reloads_half_of_them_broken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "fsync", lambda handle: None)  # no power fails here, and a disk would be most of the wait
    folder, state = tmp_path / "policies", tmp_path / "state"
    folder.mkdir()
    (folder / "beta.yaml").write_text(policy("beta", "banana"))
    (folder / "tenants.yaml").write_text(tenants_yaml())
    good(folder, 0)
    tenants = Tenants.open(folder, state=state)
    stop, failures, looks = threading.Event(), [], [0, 0]

    def one_look(number: int) -> None:
        tenant = tenants.resolve(A)
        version = tenant.guard.policy.name.removeprefix("alpha-")
        report = tenant.guard.check(f"parent{version} and child{version}", "INPUT")
        assert {f.start for f in report.findings} == {0, len(version) + 11}, "a mixed policy"
        assert report.text == f"version {version}"
        assert report.policy.sha256 == tenant.revision
        assert tenants.resolve(B).guard.check("a banana", "OUTPUT").action == "BLOCKED"
        assert len(tenants.health()["tenants"]) == 2
        looks[number] += 1

    def look(number: int) -> None:
        while not stop.is_set():
            try:
                one_look(number)
            except BaseException as error:
                failures.append(error)
                return
            stop.wait(0.005)

    threads = [threading.Thread(target=look, args=(n,)) for n in range(2)]
    for thread in threads:
        thread.start()
    rng, version, refused = random.Random(4), 0, 0
    try:
        for turn in range(RELOADS):
            if turn % 2:
                broken(folder, rng)
                result = tenants.reload()
                refused += not result.ok
                assert tenants.resolve(A).guard.policy.name == f"alpha-{version}"
            else:
                swap(folder / "tenants.yaml", tenants_yaml().encode())
                version += 1
                good(folder, version)
                result = tenants.reload()
                assert result.ok, result.problems
                assert result.changed == ("alpha",)
                assert tenants.resolve(A).guard.policy.name == f"alpha-{version}"
            if failures:
                break
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert failures == []
    assert min(looks) > 50
    assert tenants.reloads.ok == tenants.reloads.failed == refused == RELOADS // 2
    # Whoever restarts now, beside what was broken last, finds the last good version.
    again = Tenants.open(folder, state=state)
    assert again.resolve(A).guard.policy.name == f"alpha-{version}"


def test_reloads_at_the_same_time_end_with_what_is_in_the_files(folder: Path) -> None:
    tenants = Tenants.open(folder)
    errors: list[BaseException] = []

    def work() -> None:
        try:
            for _ in range(20):
                tenants.reload()
                tenants.resolve(A)
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for turn in range(30):
        swap(folder / "alpha.yaml", policy(f"alpha-{turn}", f"apple{turn}").encode())
    for thread in threads:
        thread.join()
    assert errors == []
    tenants.reload()
    assert tenants.resolve(A).guard.policy.name == "alpha-29"
