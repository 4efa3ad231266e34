"""The common batches: order, sharing, deadlines, bounds, and memory that runs out."""

import threading
import time

import numpy as np
import pytest
import torch

from guardrails.errors import DeadlineExceeded, GuardrailsError, Overloaded
from guardrails.inference import runner as module
from guardrails.inference.runner import Runner
from guardrails.inference.windows import Window


class Echo(torch.nn.Module):
    """Answers with the sum of its ids; remembers the batches it saw, and can be slow or run out of memory."""

    def __init__(self) -> None:
        super().__init__()
        self.unused = torch.nn.Linear(1, 1)
        self.seen: list[int] = []
        self.wait = 0.0
        self.largest = 10**9
        self.error: Exception | None = None

    def __deepcopy__(self, _memo: object) -> "Echo":
        return self

    def forward(self, ids, types, cases, mask, own):
        self.seen.append(len(ids))
        if self.error is not None:
            raise self.error
        if len(ids) > self.largest:
            raise torch.OutOfMemoryError("out of memory")
        time.sleep(self.wait)
        return (ids * own).sum(1)


def window(value: int, length: int = 8) -> Window:
    ids = np.full(length, value, dtype=np.int32)
    zero = np.zeros(length, dtype=np.int32)
    return Window(ids, zero, zero, 0, length, 0, length)


def pack(out, windows):
    return [int(x) for x in out]


@pytest.fixture
def echo(monkeypatch: pytest.MonkeyPatch) -> tuple[Echo, Runner]:
    monkeypatch.setenv("GUARDRAILS_DEVICE", "cpu")
    monkeypatch.setenv("GUARDRAILS_DTYPE", "fp32")
    model = Echo()
    return model, Runner(model, 0, pack, "echo")


def test_results_come_in_the_order_of_the_windows(echo) -> None:
    _, runner = echo
    windows = [window(v, 4 + v % 50) for v in range(1, 200)]
    assert runner.run(windows, 10) == [v * (4 + v % 50) for v in range(1, 200)]
    assert runner.run([], 10) == []


def test_callers_share_batches(echo) -> None:
    model, runner = echo
    model.wait = 0.02
    results: dict[int, list[int]] = {}

    def call(v: int) -> None:
        results[v] = runner.run([window(v)], 10)

    threads = [threading.Thread(target=call, args=(v,)) for v in range(1, 33)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert results == {v: [8 * v] for v in range(1, 33)}
    assert max(model.seen) > 1
    assert len(model.seen) < 32


def test_a_waiting_caller_leaves_at_its_deadline(echo) -> None:
    model, runner = echo
    model.wait = 0.5
    leader = threading.Thread(target=runner.run, args=([window(1)], 10))
    leader.start()
    time.sleep(0.1)
    started = time.monotonic()
    with pytest.raises(DeadlineExceeded):
        runner.run([window(2)], 0.1)
    assert time.monotonic() - started < 0.4
    leader.join()
    model.wait = 0.0
    assert runner.run([window(3)], 10) == [24]


def test_the_queue_is_bounded(echo, monkeypatch: pytest.MonkeyPatch) -> None:
    model, runner = echo
    monkeypatch.setattr(module, "MAX_WAITING", 3)
    model.wait = 0.3
    threads = [threading.Thread(target=runner.run, args=([window(v)], 10)) for v in range(1, 4)]
    for t in threads:
        t.start()
        time.sleep(0.03)
    with pytest.raises(Overloaded):
        runner.run([window(9), window(9)], 10)
    for t in threads:
        t.join()


def test_an_error_reaches_its_callers_and_nobody_else(echo) -> None:
    model, runner = echo
    model.error = ValueError("broken")
    with pytest.raises(ValueError, match="broken"):
        runner.run([window(1)], 10)
    model.error = None
    assert runner.run([window(1)], 10) == [8]


def test_out_of_memory_halves_the_batch(echo, caplog: pytest.LogCaptureFixture) -> None:
    model, runner = echo
    model.largest = 3
    assert runner.run([window(v) for v in range(1, 17)], 10) == [8 * v for v in range(1, 17)]
    assert "out of memory" in caplog.text
    model.largest = 0
    with pytest.raises(MemoryError):
        runner.run([window(1)], 10)


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("GUARDRAILS_DEVICE", "tpu", "GUARDRAILS_DEVICE"),
        ("GUARDRAILS_DEVICE", "cuda:99", "CUDA devices"),
        ("GUARDRAILS_DTYPE", "int3", "fp32"),
    ],
)
def test_a_device_that_is_not_there_is_an_error(monkeypatch, name: str, value: str, words: str) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(GuardrailsError, match=words):
        module.choose()
