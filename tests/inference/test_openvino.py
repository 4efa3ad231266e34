"""The second backend: the same answers from the same weights, at every size of batch, and verdicts that do not depend on it."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from guardrails.errors import GuardrailsError
from guardrails.inference import pair, store, text
from guardrails.inference.comparing import Claim, PairCascade
from guardrails.inference.networks import Network
from guardrails.inference.runner import Runner
from tests.inference.test_fixed_verdicts import texts, verdicts


@pytest.fixture(autouse=True)
def chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GUARDRAILS_BACKEND", "openvino")
    monkeypatch.setenv("GUARDRAILS_DEVICE", "cpu")


def backend(network: Network) -> str:
    assert isinstance(network, Runner)
    return network.backend


def test_verdicts_are_those_of_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    engine = text.load(store.manifest("text"))
    monkeypatch.setenv("GUARDRAILS_BACKEND", "torch")
    torch_engine = text.load(store.manifest("text"))
    assert (backend(engine.runner), backend(torch_engine.runner)) == ("openvino", "torch")
    some = [*texts(60), "a", "word " * 700]
    theirs = verdicts(torch_engine, torch_engine.read([(t, None) for t in some], 600))
    assert verdicts(engine, engine.read([(t, None) for t in some], 600)) == theirs
    assert [v for t in some[::7] for v in verdicts(engine, engine.read([(t, None)], 600))] == theirs[::7]


def test_in_fp32_it_computes_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GUARDRAILS_DTYPE", "fp32")
    engine = pair.load(store.manifest("grounding"))
    monkeypatch.setenv("GUARDRAILS_BACKEND", "torch")
    torch_engine = pair.load(store.manifest("grounding"))
    assert (backend(engine.runner), backend(torch_engine.runner)) == ("openvino", "torch")
    claims = [Claim("The library opened in 1923."), Claim("It has forty rooms.")]
    source = "The library, which has forty rooms, opened in 1932."
    theirs = [s.probability for s in PairCascade(torch_engine).support([source], claims, (0.0, 0.5, 1.0), 60)]
    ours = [s.probability for s in PairCascade(engine).support([source], claims, (), 60)]
    assert np.allclose(ours, theirs, atol=0.02)


def test_it_reports_to_nobody() -> None:
    code = (
        "from guardrails import inference; inference.text_engine(); import sys;"
        "assert inference.text_engine().runner.backend == 'openvino';"
        "print([m for m in sys.modules if 'openvino_telemetry' in m],"
        " sys.modules['openvino.tools.ovc.telemetry_utils'].tm.__name__)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[] openvino.tools.ovc.telemetry_stub"


def test_an_unknown_backend(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GUARDRAILS_BACKEND", "onnx")
    with pytest.raises(GuardrailsError, match="it may be torch, openvino or ray"):
        text.load(store.manifest("text"))


def test_a_backend_that_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "openvino", None)
    with pytest.raises(GuardrailsError, match=r"pip install 'openvino>=2025.1'"):
        text.load(store.manifest("text"))
