"""What only a GPU can show. Skipped where there is none."""

from __future__ import annotations

import pytest
import torch

from guardrails import inference
from guardrails.inference import pair, store, text
from guardrails.inference.runner import Runner
from tests.inference.test_fixed_verdicts import texts, verdicts

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")


@pytest.fixture
def cpu(monkeypatch: pytest.MonkeyPatch) -> text.TextEngine:
    monkeypatch.setenv("GUARDRAILS_DEVICE", "cpu")
    engine = text.load(store.manifest("text"))
    monkeypatch.delenv("GUARDRAILS_DEVICE")
    return engine


def test_it_is_chosen_and_reported() -> None:
    assert inference.text_engine().runner.device.type == "cuda"
    assert next(m for m in inference.inventory() if m.name == "text").device.startswith("cuda")


def test_verdicts_are_those_of_the_cpu(cpu: text.TextEngine) -> None:
    gpu = text.load(store.manifest("text"))
    some = texts(300)
    theirs = verdicts(cpu, cpu.read([(t, None) for t in some], 600))
    assert verdicts(gpu, gpu.read([(t, None) for t in some], 600)) == theirs


def test_pairs_are_compared_on_it() -> None:
    engine = pair.load(store.manifest("grounding"))
    source = "The library, which has forty rooms, opened in 1932."
    (one,) = engine.support([source], ["The library opened in 1932."], (), 60)
    assert 0 < one.probability < 1


def test_out_of_memory_ends_on_the_cpu(caplog: pytest.LogCaptureFixture) -> None:
    engine = text.load(store.manifest("text"))
    runner: Runner = engine.runner
    fits, once = runner._model, runner._once

    def full(model, device, windows):
        if device.type == "cuda":
            raise torch.OutOfMemoryError("CUDA out of memory")
        return once(model, device, windows)

    runner._once = full  # type: ignore[method-assign]
    (reading,) = engine.read([("hello there", None)], 60)
    assert reading.rows[0].logits.shape == (len(engine.manifest.labels),)
    assert runner.device.type == "cpu"
    assert runner._model is not fits
    assert "runs on the CPU from now on" in caplog.text
