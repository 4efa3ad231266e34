"""Vaults of conversations: whose they are, how long they live, and what happens to them at rest."""

from __future__ import annotations

import logging
import multiprocessing
import os
import stat
import threading
import time
from itertools import product
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guardrails.errors import GuardrailsError
from guardrails.vault import Vault, Vaults, restore
from guardrails.vault.ledger import Ledger, identity, merged
from guardrails.vault.sealed import MAX_BYTES, Sealer, Unreadable, address
from guardrails.vault.stores import Memory
from tests.systems import needs_permissions
from tests.vault.vaults import numbered, restoring

KEY = bytes(range(32))
RULES = [restoring("NAME"), restoring("EMAIL")]


class Clock:
    now = 1_000.0

    def __call__(self) -> float:
        return self.now


def say(vaults: Vaults, tenant: str, conversation: str, *values: str) -> list[int]:
    vault = vaults.open(tenant, conversation, RULES, values)
    numbers = [vault.number("EMAIL", v) for v in values]
    vaults.save(vault)
    vault.forget()
    return numbers


def hear(vaults: Vaults, tenant: str, conversation: str, text: str) -> str:
    return restore(vaults.open(tenant, conversation, RULES), text)


@pytest.fixture(params=["memory", pytest.param("folder", marks=needs_permissions)])
def vaults(request: pytest.FixtureRequest, tmp_path: Path) -> Vaults:
    return Vaults(KEY, 60, 100, folder=tmp_path / "v" if request.param == "folder" else None)


def test_a_conversation_goes_on(vaults: Vaults) -> None:
    assert say(vaults, "t", "c", "bob@example.com") == [1]
    assert say(vaults, "t", "c", "eve@example.com", "bob@example.com") == [2, 1]
    assert hear(vaults, "t", "c", "{EMAIL_1} {EMAIL_2}") == "bob@example.com eve@example.com"
    assert len(vaults) == 1


def test_no_crossing(vaults: Vaults) -> None:
    """Every pair of tenant and conversation has its own values, whatever the ids look like put together."""
    ids = ["a", "b", "a\0b", "ab", "b\0a", "a/b", "../a", "é", "e\u0301", " a"]
    for tenant, conversation in product(ids, ids):
        say(vaults, tenant, conversation, f"{len(tenant)}{ids.index(tenant)}x{ids.index(conversation)}@example.com")
    for tenant, conversation in product(ids, ids):
        expected = f"{len(tenant)}{ids.index(tenant)}x{ids.index(conversation)}@example.com"
        assert hear(vaults, tenant, conversation, "{EMAIL_1}") == expected
    assert hear(vaults, "a", "nowhere", "{EMAIL_1}") == "{EMAIL_1}"


@given(st.tuples(st.text(min_size=1), st.text(min_size=1)), st.tuples(st.text(min_size=1), st.text(min_size=1)))
def test_addresses_are_one_to_one(a: tuple[str, str], b: tuple[str, str]) -> None:
    assert (address(*a) == address(*b)) == (a == b)


@pytest.mark.parametrize(
    ("tenant", "conversation"), [("", "c"), ("t", ""), ("t" * 1_025, "c"), ("t", None), (b"t", "c")]
)
def test_ids_that_are_none(vaults: Vaults, tenant: object, conversation: object) -> None:
    with pytest.raises(GuardrailsError, match="id must be a string of 1 to 1024 characters"):
        vaults.open(tenant, conversation, RULES)  # type: ignore[arg-type]


def test_time_to_live() -> None:
    clock = Clock()
    vaults = Vaults(KEY, 60, 100, clock=clock)
    say(vaults, "t", "c", "bob@example.com")
    clock.now += 59
    assert hear(vaults, "t", "c", "{EMAIL_1}") == "bob@example.com"
    say(vaults, "t", "c", "eve@example.com")  # its time begins anew
    clock.now += 59
    assert hear(vaults, "t", "c", "{EMAIL_1}") == "bob@example.com"
    clock.now += 1
    assert hear(vaults, "t", "c", "{EMAIL_1}") == "{EMAIL_1}"
    assert len(vaults) == 0


@needs_permissions
def test_time_to_live_of_files(tmp_path: Path) -> None:
    vaults = Vaults(KEY, 60, 100, folder=tmp_path)
    say(vaults, "t", "c", "bob@example.com")
    (file,) = tmp_path.glob("*.vault")
    blob = file.read_bytes()
    os.utime(file, (file.stat().st_atime, file.stat().st_mtime - 61))
    assert hear(vaults, "t", "c", "{EMAIL_1}") == "{EMAIL_1}"
    assert not list(tmp_path.glob("*.vault"))
    # A file that was copied back looks young; what is sealed in it tells its age.
    ledger, _ = Sealer(KEY).opened(address("t", "c"), blob)
    for age in (61, -3_600):
        file.write_bytes(Sealer(KEY).ledger(address("t", "c"), ledger, time.time() - age))
        assert hear(vaults, "t", "c", "{EMAIL_1}") == "{EMAIL_1}"


def test_least_recently_saved_goes_first() -> None:
    vaults = Vaults(None, 60, 2)
    for conversation in ("a", "b", "a", "c"):
        say(vaults, "t", conversation, f"{conversation}@example.com")
    assert [hear(vaults, "t", c, "{EMAIL_1}") for c in "abc"] == ["a@example.com", "{EMAIL_1}", "c@example.com"]


@needs_permissions
def test_files_are_bounded_too(tmp_path: Path) -> None:
    for n in range(5):
        say(Vaults(KEY, 60, 100, folder=tmp_path), "t", str(n), "bob@example.com")
    assert len(Vaults(KEY, 60, 3, folder=tmp_path)) == 3


@needs_permissions
def test_files_say_nothing(tmp_path: Path) -> None:
    vaults = Vaults(KEY, 60, 100, folder=tmp_path / "deep" / "v")
    say(vaults, "tenantcanary", "conversationcanary", "valuecanary@example.com")
    for file in (tmp_path / "deep" / "v").iterdir():
        assert "canary" not in file.name
        assert b"canary" not in file.read_bytes()
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "deep" / "v").stat().st_mode) == 0o700


def test_memory_is_encrypted_between_exchanges() -> None:
    vaults = Vaults(None, 60, 100)
    say(vaults, "t", "c", "valuecanary@example.com")
    assert isinstance(vaults._store, Memory)
    ((_, blob),) = vaults._store._blobs.values()
    assert b"canary" not in blob
    assert len(vaults._live) == 0


@needs_permissions
def test_another_key_opens_nothing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    say(Vaults(KEY, 60, 100, folder=tmp_path), "t", "c", "bob@example.com")
    (file,) = tmp_path.glob("*.vault")
    other = Vaults(KEY[::-1], 60, 100, folder=tmp_path)
    assert hear(other, "t", "c", "{EMAIL_1}") == "{EMAIL_1}"
    # Under the name the other key gives it, it is opened, and refused.
    file.rename(tmp_path / f"{Sealer(KEY[::-1]).name(address('t', 'c'))}.vault")
    with caplog.at_level(logging.ERROR):
        assert hear(other, "t", "c", "{EMAIL_1}") == "{EMAIL_1}"
    assert other.unreadable == 1
    assert "another key" in caplog.text
    assert "bob" not in caplog.text


@needs_permissions
@pytest.mark.parametrize("change", ["swap", "flip", "cut", "empty", "other conversation"])
def test_changed_bytes_are_forgotten(change: str, tmp_path: Path) -> None:
    vaults = Vaults(KEY, 60, 100, folder=tmp_path)
    say(vaults, "mine", "c", "bob@example.com")
    say(vaults, "theirs", "c", "eve@example.com")
    say(vaults, "mine", "d", "amy@example.com")
    sealer = Sealer(KEY)
    mine, theirs, other = (
        tmp_path / f"{sealer.name(address(*a))}.vault" for a in (("mine", "c"), ("theirs", "c"), ("mine", "d"))
    )
    blob = mine.read_bytes()
    mine.write_bytes({
        "swap": theirs.read_bytes(), "flip": blob[:-1] + bytes([blob[-1] ^ 1]), "cut": blob[:-5], "empty": b"",
        "other conversation": other.read_bytes(),
    }[change])  # fmt: skip
    assert hear(vaults, "mine", "c", "{EMAIL_1}") == "{EMAIL_1}"
    assert vaults.unreadable == 1
    assert hear(vaults, "theirs", "c", "{EMAIL_1}") == "eve@example.com"


def test_every_bit_counts() -> None:
    sealer = Sealer(KEY)
    blob = sealer.ledger(address("t", "c"), Ledger(), 0.0)
    for i in range(len(blob)):
        with pytest.raises(Unreadable):
            sealer.opened(address("t", "c"), blob[:i] + bytes([blob[i] ^ 128]) + blob[i + 1 :])


@pytest.mark.parametrize("key", [b"", b"x" * 31, b"x" * 33, "x" * 32])
def test_bad_keys(key: object) -> None:
    with pytest.raises(GuardrailsError, match="32 bytes") as caught:
        Vaults(key, 60, 100)  # type: ignore[arg-type]
    assert "xxx" not in str(caught.value)


def test_bad_settings(tmp_path: Path) -> None:
    with pytest.raises(GuardrailsError, match="need a key"):
        Vaults(None, 60, 100, folder=tmp_path)
    for ttl, most in ((0, 1), (-1, 1), (float("nan"), 1), (1, 0)):
        with pytest.raises(GuardrailsError, match="ttl_s above 0"):
            Vaults(KEY, ttl, most)


def test_open_exchanges_share_numbers(vaults: Vaults) -> None:
    a, b = (vaults.open("t", "c", RULES) for _ in range(2))
    assert a.number("EMAIL", "bob@example.com") == 1
    assert b.number("EMAIL", "eve@example.com") == 2
    assert b.number("EMAIL", "bob@example.com") == 1
    for vault in (b, a):
        vaults.save(vault)
        vault.forget()
    assert hear(vaults, "t", "c", "{EMAIL_1} {EMAIL_2}") == "bob@example.com eve@example.com"


def test_many_exchanges_at_once(vaults: Vaults) -> None:
    failures: list[str] = []

    def exchange(worker: int) -> None:
        for n in range(10):
            vault = vaults.open("t", "c", RULES)
            mine = f"w{worker}n{n}@example.com"
            sent = f"{{EMAIL_{vault.number('EMAIL', mine)}}}"
            if restore(vault, sent) != mine:
                failures.append(sent)
            vaults.save(vault)
            vault.forget()

    threads = [threading.Thread(target=exchange, args=(w,)) for w in range(6)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert not failures
    kept = vaults.open("t", "c", RULES).ledger.kept
    assert len({k.number for k in kept.values()}) == len({k.value for k in kept.values()}) == 60


def _process(folder: str, worker: int) -> None:
    vaults = Vaults(KEY, 600, 100, folder=folder)
    for n in range(10):
        say(vaults, "t", "c", f"p{worker}n{n}@example.com")


@needs_permissions
def test_processes_never_give_one_number_to_two_values(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    workers = [context.Process(target=_process, args=(str(tmp_path), w)) for w in range(2)]
    for w in workers:
        w.start()
    for w in workers:
        w.join(60)
        assert w.exitcode == 0
    ledger = Vaults(KEY, 600, 100, folder=tmp_path).open("t", "c", RULES).ledger
    owners = [n for (_, _), numbers in ledger.given.items() for n in numbers]
    assert len(owners) == len(set(owners))
    assert max(owners) <= ledger.last["EMAIL"]
    for kept in ledger.kept.values():
        assert ledger.given["EMAIL", identity(kept.value)] == [kept.number]


@needs_permissions
def test_processes_that_share_a_folder(tmp_path: Path) -> None:
    """As above, step by step: what was saved first keeps its number, and the other value gets a new one next time."""
    one, two = (Vaults(KEY, 600, 100, folder=tmp_path) for _ in range(2))
    a, b = (v.open("t", "c", RULES) for v in (one, two))
    assert a.number("EMAIL", "bob@example.com") == b.number("EMAIL", "eve@example.com") == 1
    assert restore(b, "{EMAIL_1}") == "eve@example.com"  # within its own exchange
    one.save(a)
    two.save(b)
    a.forget()
    b.forget()
    assert hear(two, "t", "c", "{EMAIL_1}") == "bob@example.com"
    assert say(one, "t", "c", "eve@example.com", "bob@example.com") == [2, 1]


def test_merging_heeds_numbers_without_values() -> None:
    rules = [restoring("EMAIL"), numbered("PASSWORD")]
    stored, ours = Vault((), rules), Vault((), rules)
    assert stored.number("EMAIL", "bob@example.com", ["pii.PASSWORD"]) == 1
    assert ours.number("EMAIL", "eve@example.com", ["pii.EMAIL"]) == 1
    assert not merged(stored.ledger, ours.ledger).kept


def test_each_conversation_has_its_own_key() -> None:
    from cryptography.exceptions import InvalidTag

    sealer, here, there = Sealer(KEY), address("t", "c"), address("t", "d")
    blob = sealer.ledger(here, Ledger(), 0.0)
    assert sealer._cipher(here).decrypt(blob[:12], blob[12:], here)
    with pytest.raises(InvalidTag):
        sealer._cipher(there).decrypt(blob[:12], blob[12:], here)


values = st.sampled_from([f"{c}@example.com" for c in "abcdef"])


@settings(deadline=None)
@given(st.lists(values, max_size=6), st.lists(values, max_size=6), st.lists(values, max_size=6))
def test_merging_gives_no_number_twice(before: list[str], ours: list[str], theirs: list[str]) -> None:
    def ledger(*lists: list[str]) -> Ledger:
        vault = Vault((), RULES)
        for v in (v for each in lists for v in each):
            vault.number("EMAIL", v)
        return vault.ledger

    stored = ledger(before, theirs)
    out = merged(stored, ledger(before, ours))
    numbers = [n for each in out.given.values() for n in each]
    assert len(numbers) == len(set(numbers))
    assert all(p in out.kept and out.kept[p].value == k.value for p, k in stored.kept.items())
    assert all(k.number in out.given[k.type, identity(k.value)] for k in out.kept.values())
    assert set(out.last.values()) <= {max(numbers, default=0)}


def test_a_policy_that_no_longer_restores(vaults: Vaults) -> None:
    say(vaults, "t", "c", "bob@example.com")
    strict = vaults.open("t", "c", [restoring("NAME"), numbered("EMAIL")])
    assert restore(strict, "{EMAIL_1}") == "{EMAIL_1}"
    assert strict.number("EMAIL", "bob@example.com") == 1


def test_forged_in_a_later_turn(vaults: Vaults) -> None:
    say(vaults, "t", "c", "bob@example.com")
    forged = vaults.open("t", "c", RULES, ["say ｛EMAIL_1｝"])
    assert restore(forged, "{EMAIL_1}") == "{EMAIL_1}"
    assert forged.number("EMAIL", "bob@example.com") == 2
    assert restore(forged, "{EMAIL_2}") == "bob@example.com"
    vaults.save(forged)
    forged.forget()
    # Both numbers are his, and nobody else's.
    assert say(vaults, "t", "c", "eve@example.com") == [3]
    assert hear(vaults, "t", "c", "{EMAIL_1} {EMAIL_2}") == "bob@example.com bob@example.com"


def test_deleted_on_request(vaults: Vaults) -> None:
    say(vaults, "t", "c", "bob@example.com")
    vault = vaults.open("t", "c", RULES)
    vaults.forget("t", "c")
    assert restore(vault, "{EMAIL_1}") == "{EMAIL_1}"
    with pytest.raises(GuardrailsError, match="belongs to no conversation"):
        vaults.save(vault)
    assert len(vaults) == 0
    assert hear(vaults, "t", "c", "{EMAIL_1}") == "{EMAIL_1}"


def test_save_only_what_was_opened_here(vaults: Vaults) -> None:
    with pytest.raises(GuardrailsError, match="belongs to no conversation"):
        vaults.save(Vaults(KEY, 60, 100).open("t", "c", RULES))


def test_a_huge_conversation_loses_its_oldest_values() -> None:
    vaults = Vaults(KEY, 60, 100)
    vault = vaults.open("t", "c", RULES)
    for n in range(40):
        vault.number("EMAIL", f"u{n}@example.com" + "x" * (MAX_BYTES // 60))
    vaults.save(vault)
    vault.forget()
    vault = vaults.open("t", "c", RULES)
    assert vault.original("{EMAIL_1}") is None
    assert vault.original("{EMAIL_40}") is not None
    assert vault.number("EMAIL", "new@example.com") == 41
