"""Bundles: what is live was signed, byte for byte, and grows; anything else changes nothing."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guardrails.bundles import NOTE, Bundle, File, Pulled, pull, sign
from guardrails.bundles.note import named
from guardrails.errors import GuardrailsError, PolicyError
from guardrails.evidence.note import Signer
from guardrails.tenants import Tenants
from tests.evaluation.rows import run

BANK = "version: 1\nname: bank\nwords: {terms: [kingfisher], lists: [{file: lists/rivals.txt}]}\n"
SIGNER = Signer.new("policies.bank.example")
TRUSTED = [SIGNER.verifier]


@pytest.fixture
def source(tmp_path: Path) -> Path:
    folder = tmp_path / "policies"
    (folder / "lists").mkdir(parents=True)
    (folder / "bank.yaml").write_text(BANK)
    (folder / "lists" / "rivals.txt").write_text("rival bank\n")
    (folder / ".git").mkdir()
    (folder / ".git" / "config").write_text("not a policy\n")
    return folder


def state(folder: Path) -> dict[str, str]:
    """Everything that a server sees."""
    return {p.relative_to(folder).as_posix(): p.read_text() for p in sorted(folder.rglob("*")) if p.is_file()}


def test_a_signed_folder_goes_live_and_is_noticed(tmp_path: Path, source: Path) -> None:
    live = tmp_path / "live"
    assert sign(source, SIGNER) == Bundle(1, tuple(map(file_of(source), ("bank.yaml", "lists/rivals.txt"))))
    assert pull(str(source), live, TRUSTED) == Pulled(1, 2, 1, changed=True)
    assert sorted(p.name for p in live.iterdir() if not p.name.startswith("..")) == ["bank.yaml", NOTE, "lists"]
    tenants = Tenants.open(live / "bank.yaml")
    assert blocks(tenants, "a rival bank")
    (source / "lists" / "rivals.txt").write_text("other bank\n")
    sign(source, SIGNER)
    assert pull(str(source), live, TRUSTED) == Pulled(2, 2, 1, changed=True)
    tenants.reload()
    assert not blocks(tenants, "a rival bank")
    assert blocks(tenants, "the other bank")
    assert pull(str(source), live, TRUSTED) == Pulled(2, 2, 1, changed=False)


def test_a_file_that_is_gone_is_gone_and_two_versions_are_kept(tmp_path: Path, source: Path) -> None:
    live = tmp_path / "live"
    for number in range(1, 5):
        (source / f"v{number}.yaml").write_text(f"version: 1\nname: v{number}\nwords: {{terms: [t{number}]}}\n")
        (source / f"v{number - 1}.yaml").unlink(missing_ok=True)
        sign(source, SIGNER)
        pull(str(source), live, TRUSTED)
    assert sorted(p.name for p in live.glob("v*.yaml")) == ["v4.yaml"]
    assert sorted(p.name[:4] for p in live.iterdir() if p.is_dir() and not p.is_symlink()) == ["..3-", "..4-"]


def other_key(source: Path) -> None:
    (source / NOTE).unlink()
    sign(source, Signer.new("policies.bank.example"), serial=9)


def unsigned(source: Path) -> None:
    note = (source / NOTE).read_text()
    (source / NOTE).write_text(note.rpartition("\n\n")[0] + "\n\n")


def another_serial(source: Path) -> None:
    (source / NOTE).write_text((source / NOTE).read_text().replace("serial 2", "serial 3"))


def another_byte(source: Path) -> None:
    sign(source, SIGNER)
    (source / "bank.yaml").write_text(BANK.replace("kingfisher", "kingfishes"))


def longer(source: Path) -> None:
    sign(source, SIGNER)
    (source / "bank.yaml").write_text(f"{BANK}\n")


def missing(source: Path) -> None:
    sign(source, SIGNER)
    (source / "lists" / "rivals.txt").unlink()


def broken(source: Path) -> None:
    (source / "bank.yaml").write_text(BANK.replace("terms", "termz"))
    sign(source, SIGNER)


def older(source: Path) -> None:
    (source / NOTE).unlink()
    (source / "bank.yaml").write_text(BANK.replace("kingfisher", "osprey"))
    sign(source, SIGNER, serial=1)


def same_number(source: Path) -> None:
    (source / NOTE).unlink()
    (source / "bank.yaml").write_text(BANK.replace("kingfisher", "osprey"))
    sign(source, SIGNER, serial=2)


def not_text(source: Path) -> None:
    (source / NOTE).write_bytes(b"\xff\xfe")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (other_key, "no key that is trusted"), (unsigned, "no signed note"), (another_serial, "no key that is trusted"),
        (another_byte, "not what was signed"), (longer, "over"), (missing, "no such file"), (broken, "termz"),
        (older, "serial number is 1"), (same_number, "serial number is 2"), (not_text, "UTF-8"),
    ],
)  # fmt: skip
def test_what_is_not_whole_signed_new_and_sound_changes_nothing(
    tmp_path: Path, source: Path, change: Callable[[Path], None], said: str
) -> None:
    live = tmp_path / "live"
    sign(source, SIGNER)
    sign(source, SIGNER)
    pull(str(source), live, TRUSTED)
    before = state(live)
    change(source)
    with pytest.raises((GuardrailsError, PolicyError), match=said):
        pull(str(source), live, TRUSTED)
    assert state(live) == before


def test_a_key_may_be_replaced_and_a_first_pull_has_a_floor(tmp_path: Path, source: Path) -> None:
    following = Signer.new("policies.bank.example")
    live = tmp_path / "live"
    sign(source, SIGNER)
    with pytest.raises(GuardrailsError, match="serial number is 1, and 2"):
        pull(str(source), live, TRUSTED, least=2)
    pull(str(source), live, TRUSTED)
    sign(source, following)
    with pytest.raises(GuardrailsError, match="no key"):
        pull(str(source), live, TRUSTED)
    assert pull(str(source), live, [*TRUSTED, following.verifier]).serial == 2
    with pytest.raises(GuardrailsError, match="name the key"):
        pull(str(source), live, [])


def test_a_pull_that_was_cut_off_is_forgotten(tmp_path: Path, source: Path) -> None:
    live = tmp_path / "live"
    sign(source, SIGNER)
    (live / ".pulling.123").mkdir(parents=True)
    (live / ".pulling.123" / "bank.yaml").write_text("half")
    pull(str(source), live, TRUSTED)
    assert not (live / ".pulling.123").exists()


def test_a_folder_with_other_things_in_it_is_left_alone(tmp_path: Path, source: Path) -> None:
    sign(source, SIGNER)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "bank.yaml").write_text(BANK)
    with pytest.raises(GuardrailsError, match="something else"):
        pull(str(source), tmp_path / "mine", TRUSTED)
    assert state(tmp_path / "mine") == {"bank.yaml": BANK}


def test_links_and_odd_names_are_not_signed_and_leave_no_folder(tmp_path: Path, source: Path) -> None:
    (tmp_path / "secret").write_text("outside")
    (source / "link.yaml").symlink_to(tmp_path / "secret")
    with pytest.raises(GuardrailsError, match="no links"):
        sign(source, SIGNER)
    (source / "link.yaml").unlink()
    for name in ("../secret", "/etc/passwd", "a/../b", ".git/config", "a//b", "a\\b", "x\ny", "-rf", NOTE, ""):
        assert not named(name)
        with pytest.raises(GuardrailsError, match=NOTE):
            Bundle.parse(Bundle(1, (File(name, 0, "0" * 64),)).note([SIGNER]))


@given(st.text(max_size=30))
def test_a_name_that_is_taken_stays_below_its_folder(name: str) -> None:
    if named(name):
        path = Path("/srv/policies", name)
        assert path.parts[:3] == ("/", "srv", "policies")
        assert not any(part.startswith(".") for part in path.parts[3:])


NAMES = st.lists(st.from_regex(r"[a-c]{1,2}(/[a-c]{1,2}){0,2}", fullmatch=True), min_size=1, max_size=6)


@given(NAMES, st.integers(1, 10**14))
def test_a_note_says_what_its_bundle_says_or_is_refused(names: list[str], serial: int) -> None:
    bundle = Bundle(serial, tuple(File(n, len(n), f"{i:064x}") for i, n in enumerate(sorted(names))))
    sound = len(set(names)) == len(names) and not any(a.startswith(f"{b}/") for a in names for b in names)
    if sound:
        assert Bundle.trusted(bundle.note([SIGNER]), TRUSTED) == bundle
    else:
        with pytest.raises(GuardrailsError):
            Bundle.parse(bundle.note([SIGNER]))


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_no_other_byte_of_the_note_is_trusted(data: st.DataObject) -> None:
    note = Bundle(3, (File("bank.yaml", 5, "a" * 64),)).note([SIGNER]).encode()
    at = data.draw(st.integers(0, len(note) - 1))
    changed = note[:at] + bytes([data.draw(st.integers(0, 127).filter(lambda b: b != note[at]))]) + note[at + 1 :]
    try:
        found = Bundle.trusted(changed.decode(), TRUSTED)
    except (GuardrailsError, UnicodeDecodeError):
        return
    # Base64 may be written in another way; what is signed may not.
    assert found == Bundle(3, (File("bank.yaml", 5, "a" * 64),))


# -- sources -------------------------------------------------------------------------------------------------------------


def git(folder: Path, *arguments: str) -> None:
    subprocess.run(
        ["git", "-c", "user.name=x", "-c", "user.email=x@y.example", "-c", "init.defaultBranch=main", *arguments],
        cwd=folder, check=True, capture_output=True,
    )  # fmt: skip


@pytest.fixture
def repository(tmp_path: Path, source: Path) -> Path:
    sign(source, SIGNER)
    folder = tmp_path / "repository"
    folder.mkdir()
    git(folder, "init", "--quiet")
    (folder / "policies" / "lists").mkdir(parents=True)
    for name in ("bank.yaml", "lists/rivals.txt", NOTE):
        (folder / "policies" / name).write_bytes((source / name).read_bytes())
    git(folder, "add", ".")
    git(folder, "commit", "--quiet", "--message", "policies")
    git(folder, "tag", "v1")
    return folder


def test_from_a_repository(tmp_path: Path, repository: Path) -> None:
    address = f"git+file://{repository}?path=policies"
    assert pull(f"{address}&ref=v1", tmp_path / "live", TRUSTED).changed
    assert not pull(f"{address}&ref=main", tmp_path / "live", TRUSTED).changed
    with pytest.raises(GuardrailsError, match="git cannot read"):
        pull(f"{address}&ref=nowhere", tmp_path / "live", TRUSTED)
    with pytest.raises(GuardrailsError, match="no such file"):
        pull(f"git+file://{repository}", tmp_path / "live", TRUSTED)


def test_links_in_a_repository_lead_nowhere(tmp_path: Path, repository: Path) -> None:
    (tmp_path / "secret").write_text(BANK)
    (repository / "policies" / "bank.yaml").unlink()
    (repository / "policies" / "bank.yaml").symlink_to(tmp_path / "secret")
    git(repository, "commit", "--quiet", "--all", "--message", "a link")
    with pytest.raises(GuardrailsError, match="not what was signed"):
        pull(f"git+file://{repository}?path=policies", tmp_path / "live", TRUSTED)


@pytest.mark.parametrize(
    "address",
    ["git+ext::sh -c x", "git+file:///x?ref=--upload-pack=x", "git+file:///x?path=../y", "git+https://me:secret@host/x.git",
     "ftp://host/x", "s3://", "s3://bucket/x?key=y", "/no/such/folder"],
)  # fmt: skip
def test_addresses_that_cannot_be_read(tmp_path: Path, address: str) -> None:
    with pytest.raises(GuardrailsError) as caught:
        pull(address, tmp_path / "live", TRUSTED)
    assert "secret" not in str(caught.value)


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[str, Callable[[Path], None]]]:
    """The address of a prefix on a server that speaks S3, and how to upload a folder there."""
    moto = pytest.importorskip("moto.server", reason="moto is not installed")
    boto3 = pytest.importorskip("boto3", reason="boto3 is not installed")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    server = moto.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    endpoint = f"http://{host}:{port}"
    httpx.post(f"{endpoint}/moto-api/reset")  # its state is the process's
    client = boto3.client("s3", endpoint_url=endpoint, region_name="us-east-1")
    client.create_bucket(Bucket="policies")

    def upload(folder: Path) -> None:
        for path in folder.rglob("*"):
            if path.is_file():
                client.put_object(
                    Bucket="policies", Key=f"bank/{path.relative_to(folder).as_posix()}", Body=path.read_bytes()
                )

    yield f"s3://policies/bank?endpoint={endpoint}&region=us-east-1", upload
    server.stop()


def test_from_a_bucket(tmp_path: Path, source: Path, bucket: tuple[str, Callable[[Path], None]]) -> None:
    address, upload = bucket
    with pytest.raises(GuardrailsError, match="NoSuchKey"):
        pull(address, tmp_path / "live", TRUSTED)
    sign(source, SIGNER)
    upload(source)
    assert pull(address, tmp_path / "live", TRUSTED) == Pulled(1, 2, 1, changed=True)
    longer(source)
    assert not pull(address, tmp_path / "live", TRUSTED).changed  # nothing was uploaded yet
    upload(source)
    with pytest.raises(GuardrailsError, match="over"):
        pull(address, tmp_path / "live", TRUSTED)


# -- the commands --------------------------------------------------------------------------------------------------------


def test_the_commands(tmp_path: Path, source: Path) -> None:
    made = run("bundle", "key", "policies.bank.example", "--out", tmp_path / "bank.key")
    assert made.returncode == 0
    assert made.stdout.startswith("policies.bank.example+")
    assert (tmp_path / "bank.key").stat().st_mode & 0o777 == 0o600
    assert run("bundle", "key", "x", "--out", tmp_path / "bank.key").returncode == 1
    done = run("bundle", "sign", source, "--key", tmp_path / "bank.key")
    assert done.stdout == f"{source / NOTE}: serial 1, 2 files, signed by policies.bank.example\n"
    live = tmp_path / "live"
    for verifier in (str(tmp_path / "bank.vkey"), made.stdout.strip()):
        done = run("bundle", "pull", source, "--into", live, "--verifier", verifier)
        assert done.returncode == 0, done.stderr
    assert done.stdout == f"serial 1 was live already: 2 files, 1 policy, in {live}\n"
    sign(source, Signer.new("x"))
    done = run("bundle", "pull", source, "--into", live, "--verifier", tmp_path / "bank.vkey")
    assert done.returncode == 1
    assert "no key that is trusted" in done.stderr


def test_looking_again_and_again(tmp_path: Path, source: Path) -> None:
    sign(source, SIGNER)
    live = tmp_path / "live"
    command = [
        sys.executable, "-m", "onepolicy_guardrails", "bundle", "pull", str(source), "--into", str(live), "--every", "1",
        "--verifier", str(SIGNER.verifier),
    ]  # fmt: skip
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline().startswith("serial 1 is live")
        (source / NOTE).write_text("nonsense")
        assert process.stderr.readline().startswith("refused: ")
        (source / NOTE).unlink()
        sign(source, SIGNER, serial=2)
        assert process.stdout.readline().startswith("serial 2 is live")
        process.terminate()


def file_of(folder: Path) -> Callable[[str], File]:
    def made(name: str) -> File:
        data = (folder / name).read_bytes()
        return File(name, len(data), hashlib.sha256(data).hexdigest())

    return made


def blocks(tenants: Tenants, text: str) -> bool:
    return tenants.snapshot.tenants["default"].guard.check(text, "INPUT").blocked
