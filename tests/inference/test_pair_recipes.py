"""The recipes that calibrate the pair models: signs of the evidence, the share of supported answers that may be stopped, and both from end to end."""

from __future__ import annotations

import json
import random
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from guardrails import inference
from guardrails.detectors.facts.weigh import AGAINST, FOR
from guardrails.inference import store
from guardrails.inference.comparing import Claim as Asked
from guardrails.inference.comparing import PairCascade
from guardrails.inference.modules import LabelModel, Shape
from models.grounding import calibrate, cascade, dev
from models.grounding.calibrate import NAMES, Answer, Claim
from models.text.large import LARGE_LABELS, LARGE_PAIRS

SUPPORTED = ["The gym is open on {d}.", "It opens at {h} on {d}.", "Entry costs {p} euros."]
WRONG = ["The pool is closed for repairs.", "Entry costs {q} euros.", "A sauna is included in the price."]


def rows(_: Path) -> Iterator[dict[str, Any]]:
    rng = random.Random(1)
    for name in ("grounding: written", "grounding: other"):
        for n in range(24):
            facts = {
                "d": rng.choice(["Monday", "Friday"]),
                "h": f"{rng.randrange(6, 11)} am",
                "p": n + 2,
                "q": 3 * n + 90,
            }
            source = "The gym is open on {d} from {h}. Entry costs {p} euros for everybody.".format(**facts)
            bad = n % 2
            text = rng.choice(WRONG if bad else SUPPORTED).format(**facts)
            yield {"set": name, "grounding_source": source, "query": "What about the gym?", "text": text, "label": bad}
    for n in range(8):
        text = "It opens at nine." if n % 2 else "Bananas are yellow."
        yield {"set": "relevance: tiny", "query": "When does the gym open?", "text": text, "label": 1 - n % 2}


def made(count: int, seed: int = 0) -> list[Answer]:
    """The logit tells a little, a missing fact speaks against, a sum that is shown for; the other features are noise."""
    rng = np.random.default_rng(seed)
    out = []
    for _ in range(count):
        supported = bool(rng.random() < 0.5)
        features = [float(rng.random() < 0.1) for _ in NAMES]
        features[NAMES.index("missing")] = float(not supported and rng.random() < 0.5)
        features[NAMES.index("reckoned")] = float(supported and rng.random() < 0.3)
        out.append(Answer([Claim(float(rng.normal(supported - 0.5)), features)], supported))
    return out


def test_evidence_keeps_its_sign() -> None:
    scale, _, weights = calibrate.fit(made(400))
    assert scale > 0
    assert all(weights[name] <= 0 for name in AGAINST)
    assert all(weights[name] >= 0 for name in FOR)
    assert weights["missing"] < -0.5 < 0.5 < weights["reckoned"]


@pytest.mark.parametrize("share", [0.05, 0.1, 0.3])
def test_no_more_than_a_share_of_the_supported_answers_is_stopped(share: float) -> None:
    answers = made(400)
    scale, bias, weights = calibrate.fit(answers)
    more = calibrate.allowance(answers, scale, bias, weights, share)

    def stopped(by: float) -> float:
        return float(np.mean([calibrate.scored(a, scale, bias + by, weights) < 0 for a in answers if a.supported]))

    assert stopped(more) <= share
    assert more == 0 or stopped(more - 0.021) > share


def test_a_wrong_fact_holds_an_answer_below_one_half() -> None:
    claim = Claim(50.0, [0.0] * len(NAMES), held=True)
    assert calibrate.scored(Answer([claim], supported=True), 1.0, 0.0, dict.fromkeys(NAMES, 0.0)) < 0


def test_the_small_model_is_calibrated_from_end_to_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dev, "every", rows)
    arguments = ["calibrate", "--data", str(tmp_path), "--folder", str(tmp_path / "made"), "--few", "2"]
    monkeypatch.setattr(sys, "argv", arguments)
    calibrate.main()
    found = store.open_folder(tmp_path / "made", "grounding")
    assert found.files == store.manifest("grounding").files
    assert set(found.settings["evidence"]) == set(NAMES)
    assert found.calibration["GROUNDING"].scale > 0
    assert found.calibration["RELEVANCE"].scale > 0


@pytest.mark.parametrize("arguments", [["--few", "1000"]])
def test_too_few_rows_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    monkeypatch.setattr(dev, "every", rows)
    folder = ["--folder", str(tmp_path / "made"), "--most", "4"]
    monkeypatch.setattr(sys, "argv", ["calibrate", "--data", str(tmp_path), *folder, *arguments])
    with pytest.raises(SystemExit):
        calibrate.main()
    assert "--few" in capsys.readouterr().err


def test_the_cascade_is_calibrated_from_end_to_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shape = Shape(hidden=32, layers=1, heads=4, feed_forward=32, epsilon=1e-5, relative=32)
    torch.manual_seed(1)
    model = LabelModel(shape, len(LARGE_LABELS), len(LARGE_PAIRS))
    save_file({k: v.contiguous() for k, v in model.state_dict().items()}, tmp_path / "model.safetensors")
    monkeypatch.setattr(dev, "every", rows)
    monkeypatch.setattr(cascade, "SHAPE", shape)
    monkeypatch.setattr(cascade, "FEW", 2)
    monkeypatch.setattr(cascade, "BLENDS", (0.5, 1.0))
    monkeypatch.setattr(sys, "argv", ["cascade", "--data", str(tmp_path), "--run", str(tmp_path)])
    cascade.main()
    assert "grounding: written" in capsys.readouterr().out
    settings = json.loads((tmp_path / "pairs.json").read_text(encoding="utf-8"))
    large = cascade.large_engine(tmp_path)
    monkeypatch.setattr(large.manifest, "settings", {"pairs": settings}, raising=False)
    one = PairCascade(inference.pair_engine(), large)
    monkeypatch.setattr(large, "pairs", no_reading := Reading(large.pairs))
    found = one.support(["The gym is open on Friday."], [Asked("The gym opens on Friday.")], (), 3600)
    assert found[0].large == bool(no_reading.windows)


class Reading:
    """Counts the windows that are read."""

    def __init__(self, pairs: Any) -> None:
        self._pairs, self.windows = pairs, 0

    def __call__(self, windows: Any, seconds: float) -> Any:
        self.windows += len(windows)
        return self._pairs(windows, seconds)
