"""The large model's word on topics, on tiny networks: who is asked, what a score is, and that verdicts are fixed."""

from __future__ import annotations

import random
import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest

from guardrails.errors import DeadlineExceeded, WeightsMissing
from guardrails.inference.cascade import logit
from guardrails.inference.text import sigmoid
from guardrails.inference.topic_pairs import TEXT, TOPIC, Asked, Nearness, TopicCascade, described
from guardrails.inference.topics import Topic
from tests.inference import tiny
from tests.inference.test_cascade import Noisy

TOPICS = {"column": 1, "lower": 0.35, "upper": 0.9, "own": 0.6, "large": 0.5, "bias": -0.1, "cut": 0.5}
DEFINITION = "the red dog and the bird on the tree"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("topics")
    tiny.write_text(folder / "text")
    tiny.change(folder / "text", lambda m: m["calibration"].update(TOPIC={"scale": 1.0, "bias": 0.0, "length": 0.1}))
    tiny.write_pair(folder / "grounding", folder / "text" / "tokenizer.json")
    tiny.write_large(folder / "large", folder / "text", pair_model=folder / "grounding")
    tiny.change(folder / "large", lambda m: m["settings"].update(topics=TOPICS))
    return folder


def near(direction: int = 0) -> Topic:
    """A topic whose log-odds are a coordinate of the embedding."""
    return cast("Topic", SimpleNamespace(score=lambda x: float(8 * x[direction])))


def asked(one: TopicCascade, texts: list[str], cut: float = 0.5) -> list[Asked]:
    said = one.said("dogs", DEFINITION, [])
    return [Asked(r, near(), said, cut) for r in one.small.read([(t, None) for t in texts], 3600)]


def cascade(folder: Path, *, every: bool = False) -> TopicCascade:
    return TopicCascade(*tiny.engines(folder), every=every)


def test_a_topic_is_described_by_what_its_author_wrote() -> None:
    assert (
        described("tax-advice", "Taxes.", ["How much?", "When?"]) == "tax advice. Taxes. For example: How much? When?"
    )
    assert described("", "Taxes.", []) == "Taxes."
    assert described("", "", ["How much?"]) == "For example: How much?"


@pytest.mark.parametrize("every", [False, True])
def test_the_large_model_reads_what_the_small_one_is_not_sure_of(made: Path, every: bool) -> None:
    one = cascade(made, every=every)
    texts = tiny.texts(40, seed=3)
    alone = TopicCascade(one.small)
    assert alone.cut is None
    assert one.cut == 0.5
    seen = set()
    for (own, _, _), (p, window, large), a in zip(
        alone.judge(asked(one, texts), 3600), one.judge(asked(one, texts), 3600), asked(one, texts), strict=True
    ):
        seen.add(large)
        assert large == (every or TOPICS["lower"] <= own <= TOPICS["upper"])
        if not large:
            assert p == pytest.approx(own, abs=0.02)
            continue
        assert one.large is not None
        assert a.said is not None
        z = one.large.exact_pair(one.window(a.said, a.reading, window))[1]
        assert p == pytest.approx(sigmoid(0.6 * logit(own) + 0.5 * float(z) - 0.1), abs=0.02)
    assert seen == ({True} if every else {False, True})


def test_windows_are_no_longer_than_in_training(made: Path) -> None:
    one = cascade(made)
    said = one.said("dogs", "the red dog " * 200, ["the bird " * 200])
    assert len(said) == TOPIC
    (a,) = asked(one, ["the dog " * 400])
    for i in range(len(a.reading.windows)):
        w = one.window(said, a.reading, i)
        assert len(w) <= TOPIC + TEXT + 3
        assert not w.cases.any()
        assert not w.types.any()


class Moved(Noisy):
    """Batches move embeddings too, by up to ``step`` in each direction."""

    step = 0.006

    def run(self, windows: Any, seconds: float) -> list[Any]:
        out = super().run(windows, seconds)
        for row in out if self._most else ():
            row.embedding = row.embedding + [self._rng.uniform(-self.step, self.step) for _ in row.embedding]
        return out


@pytest.mark.parametrize("read", [True, False])
def test_a_verdict_does_not_depend_on_the_batch(made: Path, read: bool) -> None:
    """At a cut among what both models judge, and at one of an author's own among what the small one settles."""
    texts = tiny.texts(400, seed=5)

    def judged(noise: float, seed: int, some: list[str], cut: float) -> list[Nearness]:
        small, large = tiny.engines(made)
        small.runner = Moved(small.runner, noise, seed)
        large.runner = Noisy(large.runner, noise, seed + 1)
        one = TopicCascade(small, large)
        return one.judge(asked(one, some, cut), 3600)

    cut = float(np.median([n.probability for n in judged(0.0, 0, texts, 0.5) if n.large is read]))

    def told(found: list[Nearness]) -> list[tuple[bool, int | None]]:
        """Whether it fires, and the window that the large model read."""
        return [(n.probability >= cut, n.window if n.large else None) for n in found]

    plain = told(judged(0.0, 0, texts, cut))
    order = random.Random(2).sample(range(len(texts)), len(texts))
    moved = judged(0.05, 1, [texts[i] for i in order], cut)
    assert told(moved) == [plain[i] for i in order]


def test_the_window_that_leads_does_not_depend_on_the_batch(made: Path) -> None:
    """Texts that say one thing again and again, so that their windows are near to each other."""
    rng = random.Random(4)
    texts = [f"{tiny.sentence(rng, 5)} " * 25 for _ in range(40)]

    def windows(noise: float) -> list[int]:
        small, large = tiny.engines(made)
        small.runner = Moved(small.runner, noise, 1)
        one = TopicCascade(small, large, every=True)
        return [n.window for n in one.judge(asked(one, texts), 3600)]

    assert windows(0.05) == windows(0.0)
    assert len(set(windows(0.0))) > 1


def test_past_the_deadline_nothing_is_made_exact(made: Path) -> None:
    one = cascade(made, every=True)
    (found,) = one.judge(asked(one, ["the red dog"]), 3600)
    with pytest.raises(DeadlineExceeded):
        one.judge(asked(one, ["the red dog"], cut=found.probability), -1.0)


@pytest.mark.parametrize(
    ("edit", "match"),
    [({"lower": 0.95}, "topics"), ({"cut": None}, "topics"), ({"column": 7}, "head for pairs")],
)
def test_weights_that_do_not_fit_are_refused(made: Path, tmp_path: Path, edit: dict[str, Any], match: str) -> None:
    for name in ("text", "large"):
        shutil.copytree(made / name, tmp_path / name)

    def change(manifest: dict[str, Any]) -> None:
        given = {**TOPICS, **edit}
        manifest["settings"]["topics"] = {k: v for k, v in given.items() if v is not None}

    tiny.change(tmp_path / "large", change)
    with pytest.raises(WeightsMissing, match=match):
        cascade(tmp_path)


def test_another_small_model_is_refused(made: Path, tmp_path: Path) -> None:
    for name in ("text", "large"):
        shutil.copytree(made / name, tmp_path / name)
    tiny.change(tmp_path / "large", lambda m: m["settings"].update(text={}))
    with pytest.raises(WeightsMissing, match="another one"):
        cascade(tmp_path)


def test_nothing_is_asked_of_no_texts(made: Path) -> None:
    assert cascade(made).judge([], 3600) == []
    assert Nearness(0.1, 0) == (0.1, 0, False)
    assert np.isfinite(cascade(made).judge(asked(cascade(made), [""]), 3600)[0].probability)
