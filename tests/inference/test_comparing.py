"""The small and the large pair model in a row, on tiny networks: who reads what, what a score is, and that verdicts are fixed."""

from __future__ import annotations

import random
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from guardrails import Guard, inference
from guardrails.errors import DeadlineExceeded, WeightsMissing
from guardrails.inference import store
from guardrails.inference.comparing import Claim, PairCascade
from guardrails.inference.pair import Support
from guardrails.inference.pinned import PINNED
from guardrails.inference.text import NEAR_CUT, sigmoid
from guardrails.policy import loads
from tests.inference import tiny
from tests.inference.test_cascade import Noisy

POLICY = "version: 1\nname: t\nlimits: {deadline_ms: 600000}\ngrounding: {threshold: 0.5}\n"
SOURCES = tiny.texts(2, seed=4, longest=40)
LONG = [". ".join(t.capitalize() for t in tiny.texts(14, seed=8, longest=8))]
CLAIMS = [Claim(t) for t in tiny.texts(40, seed=6, longest=12)]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pairs")
    tiny.write_text(folder / "text")
    tiny.write_pair(folder / "grounding", folder / "text" / "tokenizer.json")
    tiny.write_large(folder / "large", folder / "text", pair_model=folder / "grounding")
    return folder


def cascade(folder: Path, *, every: bool = False) -> PairCascade:
    return PairCascade(*tiny.pair_engines(folder), every=every)


def own_scores(
    one: PairCascade, sources: list[str], claim: Claim, question: str = ""
) -> tuple[list[float], list[float]]:
    """Logits of the small model, and of the large one, for each candidate, each computed alone."""
    (found,) = one.small.candidates(sources, [claim.text])
    small = [float(one.small.runner.exact(c.window)[0]) for c in found]
    assert one.large is not None
    said = one.said(one._behind(claim, question), 16)
    return small, [float(one.large.exact_pair(one.window(c, said))[0]) for c in found]


# -- who reads what ------------------------------------------------------------------------------------------------------


def test_the_large_model_reads_the_claims_that_the_small_one_is_not_sure_of(made: Path) -> None:
    one = cascade(made)
    c = one.small.manifest.calibration["GROUNDING"]
    found = one.support(SOURCES, CLAIMS, (), 3600)
    for claim, s in zip(CLAIMS, found, strict=True):
        small, _ = own_scores(one, SOURCES, claim)
        assert s.large == (0.3 <= sigmoid(c.scale * max(small) + c.bias) <= 0.8)
    assert 0 < sum(s.large for s in found) < len(found)


def test_with_large_every_claim_is_read_unless_it_is_settled(made: Path) -> None:
    one = cascade(made, every=True)
    claims = [Claim(c.text, settled=n % 2 == 0) for n, c in enumerate(CLAIMS)]
    assert [s.large for s in one.support(SOURCES, claims, (), 3600)] == [n % 2 == 1 for n in range(len(claims))]


def test_other_evidence_can_settle_a_claim(made: Path) -> None:
    one = cascade(made)
    claims = [Claim(c.text, (-30.0, -30.0)) for c in CLAIMS]
    found = one.support(SOURCES, claims, (), 3600)
    assert not any(s.large for s in found)
    assert max(s.probability for s in found) < 0.3


def test_of_a_long_source_the_large_model_reads_the_passages_that_the_small_one_finds_best(made: Path) -> None:
    one = cascade(made, every=True)
    assert one.large is not None
    one.support(LONG, CLAIMS[:5], (), 3600)
    assert one.large.runner.read == 2 * 5
    for claim in CLAIMS[:5]:
        small, large = own_scores(one, LONG, claim)
        assert len(small) == 3
        best = sorted(range(3), key=lambda i: -small[i])[:2]
        (s,) = one.support(LONG, [claim], (), 3600)
        assert s.probability == pytest.approx(max(mixed(small[i], large[i]) for i in best), abs=NEAR_CUT)


def test_no_more_claims_of_a_check_are_read_twice_than_the_manifest_says(made: Path, tmp_path: Path) -> None:
    for name in ("text", "grounding", "large"):
        shutil.copytree(made / name, tmp_path / name)
    tiny.change(tmp_path / "large", lambda m: m["settings"]["pairs"].update(claims=3))
    every = [s.large for s in cascade(made).support(SOURCES, CLAIMS, (), 3600)]
    some = [s.large for s in cascade(tmp_path).support(SOURCES, CLAIMS, (), 3600)]
    assert sum(some) == 3 < sum(every)
    assert [n for n, asked in enumerate(some) if asked] == [n for n, asked in enumerate(every) if asked][:3]


def test_claims_of_one_check_go_to_the_large_model_together(made: Path) -> None:
    small, large = tiny.pair_engines(made)
    runs: list[int] = []
    run = large.runner.run

    def counted(windows: Any, seconds: float) -> list[Any]:
        runs.append(len(windows))
        return run(windows, seconds)

    large.runner.run = counted  # type: ignore[method-assign]
    PairCascade(small, large).support(SOURCES, CLAIMS, (), 3600)
    assert runs == [large.runner.read]


def test_one_network_reads_texts_and_pairs(made: Path) -> None:
    _, large = tiny.pair_engines(made)
    text, _ = tiny.engines(made)
    (reading,) = text.read([(SOURCES[0], None)], 3600)
    rows = large.read(reading.windows, 3600)
    assert all(len(row) == len(large.manifest.labels) + 2 for row in rows)
    assert len(large.pairs(reading.windows[:1], 3600)[0]) == 2


# -- what a score is -----------------------------------------------------------------------------------------------------


def mixed(small: float, large: float, shift: float = 0.0) -> float:
    return sigmoid(0.6 * large + 0.4 * small + 0.1 + shift)


@pytest.mark.parametrize("every", [False, True])
def test_scores(made: Path, every: bool) -> None:
    one = cascade(made, every=every)
    c = one.small.manifest.calibration["GROUNDING"]
    claims = [Claim(x.text, (0.2, -0.4)) for x in CLAIMS]
    for claim, s in zip(claims, one.support(SOURCES[:1], claims, (), 3600), strict=True):
        small, large = own_scores(one, SOURCES[:1], claim)
        if s.large:
            expected = max(mixed(a, b, -0.4) for a, b in zip(small, large, strict=True))
        else:
            expected = max(sigmoid(c.scale * a + c.bias + 0.2) for a in small)
        assert s.probability == pytest.approx(expected, abs=NEAR_CUT)


def test_a_short_claim_is_read_behind_its_question(made: Path) -> None:
    one = cascade(made, every=True)
    short, longer = Claim("red dog"), Claim("the red dog sits on the house")
    for claim in (short, longer):
        plain, asked = (own_scores(one, SOURCES, claim, q)[1] for q in ("", "why is the bird green"))
        assert np.allclose(plain, asked) == (claim is longer)
        (s,) = one.support(SOURCES, [claim], (), 3600, "why is the bird green")
        small, _ = own_scores(one, SOURCES, claim)
        assert s.probability == pytest.approx(max(map(mixed, small, asked)), abs=NEAR_CUT)


def test_without_a_large_model_the_small_one_judges_alone(made: Path) -> None:
    small, _ = tiny.pair_engines(made)
    one, c = PairCascade(small), small.manifest.calibration["GROUNDING"]
    for claim, s in zip(CLAIMS, one.support(SOURCES, CLAIMS, (), 3600), strict=True):
        (found,) = small.candidates(SOURCES, [claim.text])
        best = max(sigmoid(c.scale * float(small.runner.exact(x.window)[0]) + c.bias) for x in found)
        assert s.probability == pytest.approx(best, abs=NEAR_CUT)
        assert not s.large
    assert one.evidence == ({"missing": -1.0}, {})


def test_nothing_supports_without_a_source(made: Path) -> None:
    assert cascade(made, every=True).support([""], CLAIMS[:1], (), 3600) == [Support(0.0, 0, 0, 0)]


# -- verdicts are fixed --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("every", [False, True])
def test_a_verdict_does_not_depend_on_the_batch(made: Path, every: bool) -> None:
    cuts = (0.4, 0.5, 0.7)

    def noisy(noise: float, seed: int = 0) -> PairCascade:
        small, large = tiny.pair_engines(made)
        scale = max(1.0, small.manifest.calibration["GROUNDING"].scale)
        small.runner = Noisy(small.runner, noise / scale, seed)
        large.runner = Noisy(large.runner, noise / scale, seed + 1)
        return PairCascade(small, large, every=every)

    def verdicts(one: PairCascade, sources: list[str], claims: list[Claim]) -> list[tuple[bool, int]]:
        return [(s.large, sum(s.probability >= c for c in cuts)) for s in one.support(sources, claims, cuts, 3600)]

    plain, other = noisy(0.0), noisy(0.05, 1)
    order = random.Random(2).sample(range(len(CLAIMS)), len(CLAIMS))
    for sources in (SOURCES, LONG):
        alone = [verdicts(plain, sources, [claim])[0] for claim in CLAIMS]
        assert verdicts(other, sources, [CLAIMS[i] for i in order]) == [alone[i] for i in order]


def test_past_the_deadline_nothing_is_made_exact(made: Path) -> None:
    one = cascade(made, every=True)
    (s,) = one.support(SOURCES[:1], CLAIMS[:1], (), 3600)
    small, _ = tiny.pair_engines(made)
    with pytest.raises(DeadlineExceeded):
        PairCascade(small).support(SOURCES[:1], CLAIMS[:1], (s.probability,), -1.0)


# -- what belongs together -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("edit", "match"),
    [
        ({"made_for": {}}, "made for another"),
        ({"lower": 0.9}, "band"),
        ({"blend": 1.5}, "blend"),
        ({"labels": ["RELEVANCE"]}, "GROUNDING"),
    ],
)
def test_another_pair_model_is_refused(made: Path, tmp_path: Path, edit: dict[str, Any], match: str) -> None:
    for name in ("text", "grounding", "large"):
        shutil.copytree(made / name, tmp_path / name)
    tiny.change(tmp_path / "large", lambda m: m["settings"]["pairs"].update(edit))
    with pytest.raises(WeightsMissing, match=match):
        cascade(tmp_path)


def test_a_manifest_with_pairs_needs_the_head(made: Path, tmp_path: Path) -> None:
    for name in ("text", "grounding"):
        shutil.copytree(made / name, tmp_path / name)
    tiny.write_large(tmp_path / "large", tmp_path / "text")
    tiny.change(tmp_path / "large", lambda m: m["settings"].update(pairs=tiny.pairs(tmp_path / "grounding")))
    with pytest.raises(WeightsMissing, match="head for pairs"):
        tiny.pair_engines(tmp_path)


@pytest.fixture
def shipped(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    for name in ("text", "grounding", "large"):
        shutil.copytree(made / name, tmp_path / name)
        monkeypatch.setitem(PINNED, name, store.sha256_of(tmp_path / name / "model.json"))
    monkeypatch.setattr(store, "models_dir", lambda name: tmp_path / name)
    monkeypatch.setattr(inference, "_engines", {})
    monkeypatch.delenv("GUARDRAILS_MODELS", raising=False)
    store.manifest.cache_clear()
    yield tmp_path
    store.manifest.cache_clear()


def check(claim: str = "the red dog runs over the house and the bird") -> Any:
    return Guard(loads(POLICY)).ground(claim, SOURCES)


@pytest.mark.parametrize(("models", "large"), [("fast", False), ("large", True)])
def test_reports_name_the_setting_and_the_models_that_were_asked(
    shipped: Path, monkeypatch: pytest.MonkeyPatch, models: str, large: bool
) -> None:
    monkeypatch.setenv("GUARDRAILS_MODELS", models)
    report = check()
    assert set(report.models) == {"grounding", "large"} if large else {"grounding"}
    assert report.setting == ("large" if large else "")
    assert inference.compares() == large
    settings = {i.name: i.setting for i in inference.inventory()}
    assert settings["grounding"] == ("large" if large else "")


def test_without_a_head_for_pairs_the_large_model_is_not_loaded_for_grounding(
    shipped: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tiny.write_large(shipped / "large", shipped / "text")
    monkeypatch.setitem(PINNED, "large", store.sha256_of(shipped / "large" / "model.json"))
    store.manifest.cache_clear()
    report = check()
    assert set(report.models) == {"grounding"}
    assert not inference.compares()
    assert inference.pair_cascade().large is None
    assert "large" not in inference._engines


def test_both_cascades_share_one_network(shipped: Path) -> None:
    assert inference.text_cascade().large is inference.pair_cascade().large
    assert inference.pair_cascade().large is not None
