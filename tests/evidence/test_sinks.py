"""Sinks get every record once, in order, and while one is down its records wait: they are never dropped, and never in silence."""

from __future__ import annotations

import io
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import httpx
import pytest

from guardrails.errors import GuardrailsError
from guardrails.evidence import EvidenceLog, EvidenceLost, EvidenceSettings
from guardrails.evidence.reader import Reader
from guardrails.evidence.segments import Place, names
from guardrails.evidence.sinks import stdout
from guardrails.evidence.tail import Tail
from guardrails.evidence.verify import verify
from tests.evidence.disks import bodies, decision, opened, raw, records
from tests.evidence.postgres import Server
from tools import verify_evidence


def until(true: Callable[[], object]) -> None:
    """Wait for something that happens in another thread."""
    for _ in range(3_000):
        if true():
            return
        threading.Event().wait(0.02)
    raise AssertionError("it did not happen")


# -- reading while it is written ---------------------------------------------------------------------------------------


def test_a_tail_reads_from_any_record_over_the_ends_of_segments(tmp_path: Path) -> None:
    with opened(tmp_path, segment_bytes=5_000) as log:
        for _ in range(60):
            log.record(decision())
    lines = raw(tmp_path)
    assert len(names(tmp_path / "segments")) > 3
    for first in (0, 1, 7, len(lines) - 1):
        tail, found = Tail(Place(tmp_path)), list[bytes]()
        while first + len(found) < len(lines):
            found += tail.read(first + len(found), len(lines))
        assert found == lines[first:]
        tail.close()


def test_a_tail_reads_no_further_than_it_may(tmp_path: Path) -> None:
    with opened(tmp_path) as log:
        for _ in range(9):
            log.record(decision())
    tail = Tail(Place(tmp_path))
    assert tail.read(2, 5) == raw(tmp_path)[2:5]
    assert tail.read(5, 6) == raw(tmp_path)[5:6]
    assert tail.read(0, 1) == raw(tmp_path)[:1]
    with pytest.raises(GuardrailsError, match="missing"):
        tail.read(999, 1_000)
    tail.close()


def test_a_record_longer_than_what_is_read_at_once_is_read(tmp_path: Path) -> None:
    with opened(tmp_path) as log:
        log.event("override", {"why": "x" * 3_000_000})
    lines, tail = raw(tmp_path), Tail(Place(tmp_path))
    found = tail.read(0, len(lines))
    while len(found) < len(lines):
        found += tail.read(len(found), len(lines))
    tail.close()
    assert found == lines


# -- standard output ---------------------------------------------------------------------------------------------------


class Pipe(io.BytesIO):
    """Standard output whose reader may be gone."""

    broken = False

    def flush(self) -> None:
        if self.broken:
            raise BrokenPipeError
        super().flush()

    def write(self, data: object) -> int:
        if self.broken:
            raise BrokenPipeError
        return super().write(data)  # type: ignore[arg-type]


@pytest.fixture
def pipe(monkeypatch: pytest.MonkeyPatch) -> Pipe:
    made = Pipe()
    monkeypatch.setattr(stdout, "sys", SimpleNamespace(stdout=SimpleNamespace(buffer=made)))
    return made


def test_every_record_is_a_line_of_standard_output(tmp_path: Path, pipe: Pipe) -> None:
    for _ in range(2):
        with opened(tmp_path, sinks="stdout") as log:
            log.record(decision())
    assert pipe.getvalue().splitlines() == raw(tmp_path)


def test_a_log_that_gets_standard_output_later_begins_there(tmp_path: Path, pipe: Pipe) -> None:
    with opened(tmp_path) as log:
        log.record(decision())
    before = len(raw(tmp_path))
    with opened(tmp_path, sinks=["stdout"]) as log:
        log.record(decision())
    assert pipe.getvalue().splitlines() == raw(tmp_path)[before:]


@pytest.mark.parametrize("on_failure", ["block", "allow"])
def test_a_sink_that_is_down_holds_up_nothing_until_too_much_waits(tmp_path: Path, pipe: Pipe, on_failure: str) -> None:
    with opened(tmp_path, sinks=["stdout"], spool=20, on_failure=on_failure) as log:
        pipe.broken = True
        log.record(decision())
        until(lambda: log.sinks["stdout"].down)
        taken = 0
        for _ in range(60):
            try:
                log.record(decision())
            except EvidenceLost:
                break
            taken += 1
        assert log.sinks["stdout"].failures > 0
        assert log.refuses == (on_failure == "block")
        if on_failure == "block":
            assert 10 <= taken <= 20
            assert log.counts.refused == 1
        else:
            assert taken == 60
            assert log.sinks["stdout"].behind >= 60
        assert log.counts.lost == 0
        pipe.broken = False
        until(lambda: not log.sinks["stdout"].behind and not log.sinks["stdout"].down)
        log.record(decision())
    assert pipe.getvalue().splitlines() == raw(tmp_path)
    told = [(r["body"]["sink"], r["body"]["state"]) for r in records(tmp_path, "sink")]
    assert told == [("stdout", "down"), ("stdout", "up")]


def test_what_was_not_sent_before_the_end_is_sent_after_the_next_start(tmp_path: Path, pipe: Pipe) -> None:
    with opened(tmp_path, sinks=["stdout"]) as log:
        log.record(decision())
        until(lambda: not log.sinks["stdout"].behind)
        pipe.broken = True
        log.record(decision())
        until(lambda: log.sinks["stdout"].down)
    pipe.broken = False
    opened(tmp_path, sinks=["stdout"]).close()
    assert pipe.getvalue().splitlines() == raw(tmp_path)


# -- PostgreSQL ----------------------------------------------------------------------------------------------------------

TABLE = "select seq, record, kind, tenant, decision_id, action from guardrails_evidence order by seq"


@pytest.fixture(scope="module")
def cluster() -> Iterator[Server]:
    pytest.importorskip("psycopg", reason="psycopg is not installed")
    server = Server()
    yield server
    server.close()


@pytest.fixture
def server(cluster: Server) -> Server:
    cluster.run("drop table if exists guardrails_evidence")
    return cluster


def test_every_record_is_a_row_of_postgresql(tmp_path: Path, server: Server) -> None:
    for i in range(2):
        with opened(tmp_path, sinks=[server.address], segment_bytes=9_000) as log:
            for k in range(30):
                log.record(decision(id=f"{i}-{k}", tenant="bank\0"))
    rows = server.rows(TABLE)
    assert [row[0] for row in rows] == list(range(len(raw(tmp_path))))
    assert [row[1].encode() for row in rows] == raw(tmp_path)
    assert [row[4] for row in rows if row[2] == "decision"] == [b["decision_id"] for b in bodies(tmp_path)]
    assert {row[3] for row in rows if row[2] == "decision"} == {"bank�"}


def test_postgresql_catches_up_with_all_that_was_there_before(tmp_path: Path, server: Server) -> None:
    with opened(tmp_path, segment_bytes=9_000) as log:
        for _ in range(100):
            log.record(decision())
    with opened(tmp_path, sinks=[server.address], spool=5) as log:
        log.record(decision())
        until(lambda: not log.sinks["postgresql"].behind)
    assert [row[1].encode() for row in server.rows(TABLE)] == raw(tmp_path)


def test_a_server_that_goes_and_comes_back_has_every_record_once(tmp_path: Path, server: Server) -> None:
    with opened(tmp_path, sinks=[server.address]) as log:
        for _ in range(3):
            for _ in range(10):
                log.record(decision())
            until(lambda: log.sinks["postgresql"].sent >= 10)
            server.stop()
            for _ in range(10):
                log.record(decision())
            until(lambda: log.sinks["postgresql"].down)
            server.start()
            until(lambda: not log.sinks["postgresql"].behind)
    rows = server.rows(TABLE)
    assert [row[1].encode() for row in rows] == raw(tmp_path)
    assert len(bodies(tmp_path)) == 60


def test_a_row_that_is_there_already_is_no_second_one(tmp_path: Path, server: Server) -> None:
    """The answer to an insert was lost, and it is sent again: by another process, which has rows of its own in the table."""
    from guardrails.evidence.sinks import open_sink

    with opened(tmp_path / "one", name="example.com/one") as log:
        log.record(decision())
    with opened(tmp_path / "two", sinks=[server.address], name="example.com/two") as log:
        log.record(decision())
    sink, lines = open_sink(server.address, Place(tmp_path / "one"), "example.com/one"), raw(tmp_path / "one")
    assert sink.open(0, len(lines)) == 0
    assert sink.send(0, len(lines)) == len(lines)
    assert sink.send(0, len(lines)) == len(lines)
    assert sink.open(0, len(lines)) == len(lines)
    sink.close()
    assert server.rows("select log, count(*) from guardrails_evidence group by log order by log") == [
        ("example.com/one", len(lines)),
        ("example.com/two", len(raw(tmp_path / "two"))),
    ]


def test_two_logs_of_one_name_are_not_mixed(tmp_path: Path, server: Server, caplog: pytest.LogCaptureFixture) -> None:
    for folder in ("one", "two"):
        with opened(tmp_path / folder, sinks=[server.address]) as log:
            log.record(decision())
            until(lambda: log.sinks["postgresql"].down or not log.sinks["postgresql"].behind)
            assert log.sinks["postgresql"].down == (folder == "two")
    assert "a name of its own" in caplog.text
    assert [row[1].encode() for row in server.rows(TABLE)] == raw(tmp_path / "one")


def test_a_role_that_may_only_insert_and_read_is_enough(tmp_path: Path, server: Server) -> None:
    opened(tmp_path / "first", sinks=[server.address], name="example.com/first").close()
    server.run("drop role if exists writer")
    server.run("create role writer login")
    server.run("grant select, insert on guardrails_evidence to writer")
    with opened(tmp_path / "log", sinks=[server.address.replace("test@", "writer@")]) as log:
        log.record(decision())
        until(lambda: not log.sinks["postgresql"].behind)
    server.run("drop owned by writer")


def test_no_password_and_no_record_is_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    pytest.importorskip("psycopg", reason="psycopg is not installed")
    settings = EvidenceSettings(tmp_path, sinks=(f"postgresql://me:canary@/db?host={tmp_path}",))
    assert "canary" not in repr(settings)
    with EvidenceLog.open(settings) as log:
        until(lambda: log.sinks["postgresql"].down)
        assert "canary" not in repr(log)
    assert "takes no records" in caplog.text
    assert "canary" not in caplog.text
    with pytest.raises(GuardrailsError, match="cannot be read") as caught:
        EvidenceLog.open(EvidenceSettings(tmp_path, sinks=("postgresql://me:canary@host:port:7/x?y",)))
    assert "canary" not in str(caught.value)
    assert caught.value.__cause__ is None


# -- S3 ------------------------------------------------------------------------------------------------------------------


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The address of an empty bucket on a server that speaks S3."""
    moto = pytest.importorskip("moto.server", reason="moto is not installed")
    boto3 = pytest.importorskip("boto3", reason="boto3 is not installed")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    server = moto.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    endpoint = f"http://{host}:{port}"
    httpx.post(f"{endpoint}/moto-api/reset")  # its state is the process's
    boto3.client("s3", endpoint_url=endpoint, region_name="us-east-1").create_bucket(Bucket="evidence")
    yield f"s3://evidence/logs/one?endpoint={endpoint}&region=us-east-1"
    server.stop()


def stored(address: str) -> dict[str, bytes]:
    import boto3

    endpoint = address.partition("endpoint=")[2].partition("&")[0]
    client = boto3.client("s3", endpoint_url=endpoint, region_name="us-east-1")
    listed = client.list_objects_v2(Bucket="evidence").get("Contents", [])
    return {one["Key"]: client.get_object(Bucket="evidence", Key=one["Key"])["Body"].read() for one in listed}


def test_closed_segments_lie_in_the_bucket_as_a_log_that_verifies(tmp_path: Path, bucket: str) -> None:
    with opened(tmp_path / "log", sinks=[bucket], segment_bytes=5_000) as log:
        for _ in range(60):
            log.record(decision())
        until(lambda: not log.sinks["s3"].behind)
    closed = names(tmp_path / "log" / "segments")[:-1]
    found = stored(bucket)
    assert {k.removeprefix("logs/one/") for k in found} == {
        *(f"segments/{path.name}" for _, path in closed), "checkpoints.log", "checkpoint", "log.vkey",
    }  # fmt: skip
    for key, data in found.items():
        path = tmp_path / "copy" / key.removeprefix("logs/one/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    reader = Reader(tmp_path / "copy")
    told = verify(reader, reader.verifier())
    assert told.problems == []
    assert told.signed == told.size == names(tmp_path / "log" / "segments")[-1][0]
    assert verify_evidence.verify_log(tmp_path / "copy", verify_evidence.key_of(str(reader.verifier())), [])


def test_a_bucket_that_comes_later_gets_all_segments(tmp_path: Path, bucket: str) -> None:
    missing = bucket.replace("s3://evidence/", "s3://missing/")
    with opened(tmp_path, sinks=[missing], segment_bytes=5_000) as log:
        for _ in range(30):
            log.record(decision())
        until(lambda: log.sinks["s3"].down)
        assert log.sinks["s3"].behind > 0
    with opened(tmp_path, sinks=[bucket], segment_bytes=5_000) as log:
        until(lambda: log.sinks["s3"].sent and not log.sinks["s3"].behind)
    found = stored(bucket)
    for _, path in names(tmp_path / "segments")[:-1]:
        assert found[f"logs/one/segments/{path.name}"] == path.read_bytes()


def test_the_segment_of_another_log_is_not_overwritten(
    tmp_path: Path, bucket: str, caplog: pytest.LogCaptureFixture
) -> None:
    for folder in ("one", "two"):
        with opened(tmp_path / folder, sinks=[bucket], segment_bytes=5_000) as log:
            for _ in range(10):
                log.record(decision())
            until(lambda: log.sinks["s3"].down or (log.sinks["s3"].sent and not log.sinks["s3"].behind))
    assert "a prefix of its own" in caplog.text
    first = names(tmp_path / "one" / "segments")[0][1]
    assert stored(bucket)[f"logs/one/segments/{first.name}"] == first.read_bytes()


@pytest.mark.parametrize(
    "address", ["s3://", "s3://key:secret@bucket", "s3://bucket/x?colour=red", "stdout:x", "file:x"]
)
def test_an_address_that_means_nothing_is_refused_at_the_start(tmp_path: Path, address: str) -> None:
    with pytest.raises(GuardrailsError, match=r"evidence\.sinks") as caught:
        EvidenceLog.open(EvidenceSettings(tmp_path, sinks=(address,)))
    assert "secret" not in str(caught.value)
    opened(tmp_path).close()  # the lock was let go of
