"""Versions of a policy: signed by its owner, immutable, live by one rename, and recorded."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from guardrails.errors import GuardrailsError, PolicyError
from guardrails.evidence import EvidenceLog
from guardrails.evidence.reader import Reader
from guardrails.policy import load
from guardrails.release import Releases
from guardrails.tenants import Tenants
from tests.evaluation.rows import run

OWNER = "risk@bank.example"
PARENT = "version: 1\nname: parent\nmetadata: {owner: them}\nwords: {lists: [{file: lists/rivals.txt}]}\n"
POLICY = f"version: 1\nname: bank\nmetadata: {{owner: {OWNER}}}\nextends: parent.yaml\nwords: {{terms: [kingfisher]}}\n"
TESTS = "cases:\n  - {text: a kingfisher, expect: BLOCKED}\n  - {text: rival bank, expect: BLOCKED}\n  - {text: hello, expect: NONE}\n"


@pytest.fixture
def draft(tmp_path: Path) -> Path:
    (tmp_path / "lists").mkdir()
    (tmp_path / "lists" / "rivals.txt").write_text("rival bank\n")
    (tmp_path / "parent.yaml").write_text(PARENT)
    (tmp_path / "bank.test.yaml").write_text(TESTS)
    (tmp_path / "bank.yaml").write_text(POLICY)
    return tmp_path / "bank.yaml"


@pytest.fixture
def releases(tmp_path: Path) -> Releases:
    return Releases(tmp_path / "releases" / "bank")


def sign(releases: Releases, draft: Path, term: str = "") -> int:
    if term:
        draft.write_text(draft.read_text().replace("kingfisher", f"kingfisher, {term}"))
    return releases.sign(draft, by=OWNER, reason=f"add {term}").number


def test_a_version_is_the_policy_that_was_signed_with_all_its_files(draft: Path, releases: Releases) -> None:
    assert sign(releases, draft) == 1
    version = releases.version(1)
    assert version.sha256 == load(draft).identity.sha256
    assert (version.owner, version.tests) == (OWNER, 3)
    draft.write_text("nonsense")
    shutil.rmtree(draft.parent / "lists")
    assert {r.id for r in releases.load(1).rules} == {"words.terms", "words.rivals"}


def test_promoting_and_rolling_back_change_what_is_served(draft: Path, releases: Releases) -> None:
    served = releases.folder / "bank.yaml"
    first, second = sign(releases, draft), sign(releases, draft, "osprey")
    assert releases.live is None
    releases.promote(first, by="ops", reason="go live")
    tenants = Tenants.open(served)
    assert tenants.snapshot.tenants["default"].guard.check("an osprey", "INPUT").action == "NONE"
    releases.promote(second, by="ops", reason="ospreys, too")
    tenants.reload()
    assert tenants.snapshot.tenants["default"].guard.check("an osprey", "INPUT").blocked
    assert tenants.snapshot.tenants["default"].guard.policy.identity.sha256 == releases.version(second).sha256
    assert releases.roll_back(by="ops", reason="too many").number == first
    tenants.reload()
    assert tenants.snapshot.tenants["default"].guard.check("an osprey", "INPUT").action == "NONE"
    assert [(e.action, e.version) for e in releases.history()] == [
        ("signed", 1), ("signed", 2), ("promoted", 1), ("promoted", 2), ("rolled back", 1)
    ]  # fmt: skip
    with pytest.raises(GuardrailsError, match="live already"):
        releases.promote(first, by="ops", reason="again")


def test_only_its_owner_signs_and_only_what_passes(draft: Path, releases: Releases) -> None:
    with pytest.raises(GuardrailsError, match=r"risk@bank\.example answers for this policy"):
        releases.sign(draft, by="somebody else", reason="because")
    with pytest.raises(GuardrailsError, match="say why"):
        releases.sign(draft, by=OWNER, reason=" ")
    tests = draft.with_name("bank.test.yaml")
    tests.write_text(TESTS + "  - {text: hello, expect: BLOCKED}\n")
    with pytest.raises(GuardrailsError, match="3 of 4 cases passed"):
        sign(releases, draft)
    tests.write_text(TESTS)
    draft.write_text(POLICY.replace("words", "wrods"))
    with pytest.raises(PolicyError):
        sign(releases, draft)
    assert releases.history() == []
    draft.write_text(POLICY)
    sign(releases, draft)
    with pytest.raises(GuardrailsError, match="nothing changed since version 1"):
        sign(releases, draft)


def test_a_version_that_somebody_changed_never_goes_live(draft: Path, releases: Releases) -> None:
    sign(releases, draft)
    word_list = releases.folder / "1" / "lists" / "rivals.txt"
    word_list.chmod(0o644)
    word_list.write_text("another bank\n")
    with pytest.raises(GuardrailsError, match="this is not what was signed"):
        releases.promote(1, by="ops", reason="go live")
    assert releases.live is None


def test_what_is_done_is_recorded_first(draft: Path, releases: Releases, tmp_path: Path) -> None:
    with EvidenceLog.open(tmp_path / "log") as log:
        releases.sign(draft, by=OWNER, reason="first", record=log.event)
        releases.promote(1, by="ops", reason="go live", record=log.event)
    records = [json.loads(record) for _, record in Reader(tmp_path / "log").records()]
    told = [r["body"] for r in records if r["kind"] == "release"]
    assert [(t["action"], t["version"], t["by"], t["reason"]) for t in told] == [
        ("signed", 1, OWNER, "first"), ("promoted", 1, "ops", "go live")
    ]  # fmt: skip

    def refuse(*_: object) -> None:
        raise GuardrailsError("the disk is full")

    sign(releases, draft, "osprey")
    with pytest.raises(GuardrailsError, match="the disk is full"):
        releases.promote(2, by="ops", reason="go live", record=refuse)
    assert releases.live == 1


def test_the_command(draft: Path, tmp_path: Path) -> None:
    who = ("--by", OWNER, "--reason", "our first")
    signed = run("release", "sign", "bank.yaml", "--into", "releases/bank", *who, "--log", "log", cwd=tmp_path)
    assert signed.returncode == 0, signed.stderr
    assert "version 1 of bank" in signed.stdout
    assert "3 tests passed" in signed.stdout
    live = run("release", "promote", "releases/bank", "1", *who, cwd=tmp_path)
    assert live.returncode == 0, live.stderr
    told = run("release", "history", "releases/bank", cwd=tmp_path)
    assert "live: 1" in told.stdout
    wrong = run("release", "rollback", "releases/bank", *who, cwd=tmp_path)
    assert wrong.returncode == 1
    assert "no other version was live before" in wrong.stderr


@pytest.mark.parametrize("reason", ["one\u2028two", "one\u0085two", "one\rtwo", "half \ud800 of a pair"])
def test_a_reason_with_a_break_of_lines_leaves_the_history_readable(
    draft: Path, releases: Releases, reason: str
) -> None:
    releases.sign(draft, by=OWNER, reason=reason)
    releases.promote(1, by="ops", reason=reason)
    assert [e.reason for e in releases.history()] == [reason, reason]


def test_a_signature_that_is_not_recorded_leaves_no_version(draft: Path, releases: Releases) -> None:
    def refuse(kind: str, fields: object) -> None:
        raise GuardrailsError("the log is full")

    with pytest.raises(GuardrailsError, match="full"):
        releases.sign(draft, by=OWNER, reason="first", record=refuse)
    assert releases.versions() == []
    assert not (releases.folder / "1").exists()
    # A process that was killed between the two steps leaves its files; their number is not given again.
    (releases.folder / "1").mkdir(parents=True)
    (releases.folder / "1" / "bank.yaml").write_text(POLICY)
    assert sign(releases, draft) == 2
