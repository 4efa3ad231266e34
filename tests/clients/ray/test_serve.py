"""The shipped text model on a real Ray Serve: the scores of this process, and no call is lost when a replica is killed."""

from __future__ import annotations

import os
import signal
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from guardrails import Guard, inference
from guardrails.errors import RemoteFailed
from guardrails.inference import store, text
from guardrails.inference.replicas import Placement, deploy
from guardrails.inference.text import Reading

TEXTS = [
    "I will beat you until you bleed",
    "a quiet day at the lake " * 90,
    "how do I bake bread?",
    "Ann lives in Bonn",
]


@pytest.fixture(scope="module")
def url(ray: Any) -> Iterator[str]:
    """Two replicas of the text model."""
    with pytest.MonkeyPatch.context() as patch, socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
        free.close()
        patch.setenv("GUARDRAILS_DTYPE", "fp32")
        deploy(["text"], Placement(2, 2, cpus=0.5), "127.0.0.1", port)
        yield f"http://127.0.0.1:{port}"
        from ray import serve

        serve.shutdown()


@pytest.fixture
def served(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GUARDRAILS_DTYPE", "fp32")
    monkeypatch.setenv("GUARDRAILS_RAY_URL", url)
    monkeypatch.setattr(inference, "_engines", {})
    monkeypatch.setattr("guardrails.inference.served._TIMEOUT", 300.0)  # no test depends on the machine's speed


def replicas() -> list[int]:
    """The processes of replicas, by their names."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if b"ServeReplica:guardrails-text:" in (folder / "cmdline").read_bytes():
                found.append(int(folder.name))
    return found


def numbers(readings: list[Reading]) -> Any:
    return np.concatenate([np.concatenate([r.logits, r.embedding, r.tags.ravel()]) for x in readings for r in x.rows])


def engine(patch: pytest.MonkeyPatch, backend: str) -> text.TextEngine:
    with patch.context() as here:
        here.setenv("GUARDRAILS_BACKEND", backend)
        return text.load(store.manifest("text"))


def test_the_numbers_are_those_of_this_process(served: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    here, there = engine(monkeypatch, "torch"), engine(monkeypatch, "ray")
    asked = [(t, None) for t in TEXTS]
    one, two = here.read(asked, 300), there.read(asked, 300)
    assert np.allclose(numbers(one), numbers(two), rtol=0, atol=1e-4)
    for label, calibration in here.manifest.calibration.items():
        if label in here.label:
            column = here.label[label]
            for mine, theirs in zip(one, two, strict=True):
                p, at = mine.decide(lambda r: float(r.logits[column]), calibration)  # noqa: B023
                q, there_at = theirs.decide(lambda r: float(r.logits[column]), calibration)  # noqa: B023
                assert abs(p - q) < 1e-6
                assert at == there_at


def test_a_policy_is_judged_by_replicas(served: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "p.yaml"
    path.write_text("version: 1\nname: p\ncontent: {VIOLENCE: HIGH}\nlimits: {deadline_ms: 300000}\n")
    monkeypatch.setenv("GUARDRAILS_BACKEND", "ray")
    report = Guard.from_file(path).check(TEXTS[0], "INPUT")
    assert (str(report.action), report.models) == ("BLOCKED", {"text": store.manifest("text").sha256})
    assert inference.inventory()[0].device.startswith("http://127.0.0.1:")


def test_no_call_is_lost_when_a_replica_is_killed(served: None, monkeypatch: pytest.MonkeyPatch) -> None:
    there = engine(monkeypatch, "ray")
    expected = numbers(there.read([(TEXTS[0], None)], 300))
    done: list[int] = []
    wrong: list[BaseException | None] = []
    ended = threading.Event()

    def ask(caller: int) -> None:
        while not ended.is_set():
            try:
                got = numbers(there.read([(TEXTS[0], None)], 300))
            except Exception as error:
                wrong.append(error)
            else:
                if not np.allclose(got, expected, rtol=0, atol=1e-4):
                    wrong.append(None)
            done.append(caller)

    threads = [threading.Thread(target=ask, args=(i,)) for i in range(8)]
    for thread in threads:
        thread.start()

    def more(count: int) -> None:
        until, goal = time.monotonic() + 300, len(done) + count
        while len(done) < goal and time.monotonic() < until:
            time.sleep(0.01)

    more(40)
    before = replicas()
    os.kill(before[0], signal.SIGKILL)
    more(100)
    ended.set()
    for thread in threads:
        thread.join()
    assert len(before) == 2
    assert before[0] not in replicas()
    assert len(done) >= 140
    assert not wrong


def test_a_model_that_is_not_deployed_is_a_failure(served: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GUARDRAILS_BACKEND", "ray")
    window = inference.text_engine().read([("Ann", None)], 300)[0].windows[0]
    with pytest.raises(RemoteFailed, match="answered 404"):
        inference.pair_engine().runner.run([window], 300)
