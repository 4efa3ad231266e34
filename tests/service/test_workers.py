"""Several workers: one log, one count of use, pages that speak for all, and nothing lost when any of the processes is killed."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest

from guardrails.evidence.reader import Reader
from guardrails.service.processes.pages import added
from tests.proxy.command import Running, running
from tests.service.servers import SMALL, folder, keys

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="processes are found in /proc")
# Seconds within which something has to happen on the slowest machine.
_PATIENCE = 900


def until(true: Callable[[], Any], what: str) -> Any:
    for _ in range(_PATIENCE * 5):
        found = true()
        if found:
            return found
        time.sleep(0.2)
    raise AssertionError(f"never happened: {what}")


def processes(parent: int, kind: str) -> list[int]:
    """The processes that the supervisor started, by what they are."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            line = (entry / "cmdline").read_bytes().split(b"\0")
            status = (entry / "stat").read_text().rpartition(")")[2].split()
        except (OSError, ValueError):
            continue
        if (
            kind.encode() in line
            and b"guardrails.cli.processes" in line
            and int(status[1]) == parent
            and status[0] != "Z"
        ):
            found.append(int(entry.name))
    return sorted(found)


class Load:
    """Callers that ask without a pause. ``ids``: of each decision that they were told of; ``refused``: answers that told of none."""

    def __init__(self, base: str, key: str, callers: int = 4) -> None:
        self.ids: list[str] = []
        self.refused: Counter[int] = Counter()
        self.cut = 0
        self._base, self._key = base, key
        self._ended = threading.Event()
        self._threads = [threading.Thread(target=self._call, daemon=True) for _ in range(callers)]
        for thread in self._threads:
            thread.start()

    def _call(self) -> None:
        body = {"text": "to bob@example.com", "source": "INPUT", "guardrail": "small", "include_text": False}
        while not self._ended.is_set():
            try:
                answer = httpx.post(
                    self._base + "/v1/check", json=body, headers={"x-api-key": self._key}, timeout=60, trust_env=False
                )
            except httpx.HTTPError:
                self.cut += 1
                time.sleep(0.05)
                continue
            if answer.status_code == 200:
                self.ids.append(answer.json()["id"])
            else:
                self.refused[answer.status_code] += 1
                time.sleep(0.05)

    def more(self, count: int) -> None:
        """Returns once so many more decisions were told."""
        goal = len(self.ids) + count
        until(lambda: len(self.ids) >= goal, "more answers")

    def end(self) -> None:
        self._ended.set()
        for thread in self._threads:
            thread.join(90)


def recorded(log: Path) -> Counter[str]:
    found = [orjson.loads(record) for _, record in Reader(log).records()]
    return Counter(r["body"]["decision_id"] for r in found if r["kind"] == "decision")


@contextmanager
def workers(root: Path, *more: str) -> Iterator[tuple[Running, str, str, dict[str, str]]]:
    """Two workers with a log, their address, that of their pages, and the keys."""
    file, made = keys(root, chat="", slow="limits: {requests_per_day: 5}")
    args = ["serve", "--policies", str(folder(root)), "--keys", str(file), "--port", "0", "--admin-port", "0"]
    args += ["--workers", "2", "--evidence", str(root / "log"), *more]
    with running(*args) as service:
        until(lambda: service.process.poll() is not None or any("pages:" in line for line in service.err), "the start")
        base, pages = service.address(r"guardrails serve: (\S+)"), service.address(r"operator's pages: (\S+)")
        yield service, base, pages, made


def state(pages: str) -> dict[str, Any]:
    answer = httpx.get(pages + "/readyz", timeout=60, trust_env=False)
    told: dict[str, Any] = answer.json()
    assert (answer.status_code == 200) == (told["status"] in ("ready", "degraded"))
    return told


def test_nothing_is_lost_when_a_worker_or_the_writer_is_killed_or_all_are_told_to_end(tmp_path: Path) -> None:
    with workers(tmp_path) as (service, base, pages, made):
        parent = service.process.pid
        assert state(pages)["workers"] == {"ready": 2, "of": 2, "states": ["ready", "ready"]}

        # Limits are counted together, whichever worker answers.
        limited = [
            httpx.get(base + "/v1/guardrails", headers={"x-api-key": made["slow"]}, timeout=60).status_code
            for _ in range(12)
        ]
        assert limited == [200] * 5 + [429] * 7

        load = Load(base, made["chat"])
        load.more(20)
        killed = processes(parent, "worker")[0]
        os.kill(killed, signal.SIGKILL)
        load.more(20)  # the other one goes on
        until(lambda: len(processes(parent, "worker")) == 2 and state(pages)["status"] == "ready", "a new worker")
        assert killed not in processes(parent, "worker")

        (writer,) = processes(parent, "hub")
        os.kill(writer, signal.SIGSTOP)  # no record can be written now
        os.kill(writer, signal.SIGKILL)
        until(lambda: processes(parent, "hub") not in ([], [writer]), "a new writer")
        until(lambda: state(pages)["status"] == "ready", "the link to it")
        load.more(20)
        figures = httpx.get(pages + "/metrics", timeout=60).text
        assert 'guardrails_decisions_total{action="MASKED",direction="INPUT",tenant="chat"}' in figures
        written = [line for line in figures.splitlines() if line.startswith("guardrails_evidence_records_total{")]
        assert len(written) == 3, "each result once, for all processes together"

        service.process.send_signal(signal.SIGTERM)
        assert service.process.wait(_PATIENCE) == 0
        load.end()
    assert set(load.refused) <= {503}, "a decision without a record is none"
    found = recorded(tmp_path / "log")
    assert len(load.ids) > 60
    assert [i for i in load.ids if found[i] != 1] == []
    assert subprocess.run(
        [sys.executable, "-m", "onepolicy_guardrails", "audit", "verify", "--log", str(tmp_path / "log")],
        capture_output=True,
        check=False,
    ).returncode == 0  # fmt: skip
    assert b"bob@example.com" not in b"".join(p.read_bytes() for p in (tmp_path / "log").rglob("*") if p.is_file())


def test_any_worker_goes_on_with_a_stream_also_when_one_was_killed(tmp_path: Path) -> None:
    text = "Write to bob@example.com now. " + "This sentence is about nothing at all. " * 4
    parts = [text[i : i + 15] for i in range(0, len(text), 15)]
    with workers(tmp_path) as (service, base, _, made):

        def sent(number: int) -> Any:
            body = {"guardrail": "small", "call": "one", "piece": number, "text": parts[number]}
            body |= {"final": number == len(parts) - 1}
            headers = {"x-api-key": made["chat"]}
            try:  # a connection of its own each, so that either worker may get it
                answer = httpx.post(base + "/v1/check/stream", json=body, headers=headers, timeout=60, trust_env=False)
            except httpx.HTTPError:
                return None  # the worker that was killed had it
            assert answer.status_code == 200, answer.text
            return answer.json()

        said = []
        for number in range(len(parts)):
            if number == len(parts) // 2:
                os.kill(processes(service.process.pid, "worker")[0], signal.SIGKILL)
            said.append(until(partial(sent, number), "an answer"))
        assert "".join(one["text"] for one in said) == text.replace("bob@example.com", "{EMAIL}")
        assert said[-1]["report"]["action"] == "MASKED"


def test_what_no_worker_can_use_is_said_once_and_ends_the_service(tmp_path: Path) -> None:
    policies = folder(tmp_path)
    (policies / "broken.yaml").write_text("version: 1\nname: broken\nwords: 3\n")
    with running("serve", "--policies", str(policies), "--port", "0", "--workers", "2") as service:
        assert service.process.wait(_PATIENCE) == 1
    assert sum("broken.yaml" in line and "error[" in line for line in service.err) == 1
    assert any("worker 0 could not start" in line for line in service.err)


def test_figures_of_several_pages_are_added() -> None:
    page = """# HELP a_total A.
# TYPE a_total counter
a_total{x="1"} 2.0
# HELP guardrails_evidence_down D.
# TYPE guardrails_evidence_down gauge
guardrails_evidence_down 1.0
# HELP h H.
# TYPE h histogram
h_bucket{le="1.0"} 1.0
h_bucket{le="+Inf"} 3.0
h_count 3.0
h_sum 9.0
"""
    other = 'a_total{x="2"} 5.0\n'
    told = added([page, page.replace(" 1.0\n# HELP h", " 0.0\n# HELP h"), "# TYPE a_total counter\n" + other]).decode()
    lines = told.splitlines()
    for line in ('a_total{x="1"} 4.0', 'a_total{x="2"} 5.0', "guardrails_evidence_down 1.0", 'h_bucket{le="+Inf"} 6.0', "h_sum 18.0"):  # fmt: skip
        assert line in lines, told


def test_what_all_workers_counted_of_a_candidate_is_one_report(tmp_path: Path) -> None:
    (tmp_path / "next.yaml").write_text(SMALL.replace("EMAIL: mask", "EMAIL: block"))
    until_day = (datetime.now(UTC) + timedelta(days=1)).isoformat()
    (tmp_path / "shadow.yaml").write_text(
        f"policies: next.yaml\nuntil: {until_day}\nbudget_ms: 60000\nreport: shadow.json\n"
    )

    def counted(pages: str) -> Counter[str]:
        page = httpx.get(pages + "/metrics", timeout=60, trust_env=False).text
        assert 'guardrails_shadow_over{policy="small"} 0.0' in page
        found = re.findall(r'guardrails_shadow_texts_total\{policy="small",result="(\w+)"\} (\d+)', page)
        return +Counter({result: int(number) for result, number in found})

    with workers(tmp_path, "--shadow", str(tmp_path / "shadow.yaml")) as (service, base, pages, made):
        sent = 0

        def send(text: str) -> None:  # a connection of its own each, so that either worker may get it
            body = {"text": text, "source": "INPUT", "guardrail": "small"}
            answer = httpx.post(
                base + "/v1/check", json=body, headers={"x-api-key": made["chat"]}, timeout=60, trust_env=False
            )
            assert answer.status_code == 200, answer.text

        parts = [httpx.Client(transport=httpx.HTTPTransport(uds=str(p))) for p in _sockets(service.process.pid)]
        assert len(parts) == 2

        def answered_by_both() -> bool:
            nonlocal sent
            send("to bob@example.com" if sent % 2 else "hello")
            sent += 1
            return sent >= 10 and all(_texts(one) for one in parts)

        until(answered_by_both, "texts for both workers")
        until(lambda: sum(counted(pages).values()) == sent, "everything is judged")
        assert counted(pages) == {"same": sent - sent // 2, "stricter": sent // 2}
        for one in parts:
            one.close()
        service.process.send_signal(signal.SIGTERM)
        assert service.process.wait(_PATIENCE) == 0
    report = orjson.loads((tmp_path / "shadow.json").read_bytes())
    candidate = report["candidates"]["small"]
    assert (candidate["texts"], candidate["dropped"], candidate["not_compared"]) == (sent, 0, 0)
    assert candidate["stricter"]["value"] == (sent // 2) / sent
    assert b"bob@" not in (tmp_path / "shadow.json").read_bytes()
    assert not list(tmp_path.glob(".shadow.json*"))


def _sockets(parent: int) -> list[Path]:
    """Where the workers of a service tell how they are."""
    line = Path(f"/proc/{processes(parent, 'worker')[0]}/cmdline").read_bytes().split(b"\0")
    folder_of = Path(line[line.index(b"worker") + 1].decode())
    return sorted(folder_of.glob("worker-*.sock"))


def _texts(worker: httpx.Client) -> int:
    """How many texts the candidate of one worker has judged."""
    page = worker.get("http://worker/metrics", timeout=60).text
    return sum(int(n) for n in re.findall(r"guardrails_shadow_texts_total\{.*\} (\d+)", page))
