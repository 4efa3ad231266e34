"""The small and the large text model in a row, on tiny networks: who reads what, what a score is, and that verdicts are fixed."""

from __future__ import annotations

import logging
import math
import random
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from guardrails import Guard, inference
from guardrails.errors import DeadlineExceeded, GuardrailsError, WeightsMissing
from guardrails.inference import store
from guardrails.inference.cascade import Cascade, _Answers
from guardrails.inference.chosen import Models
from guardrails.inference.identifiers import without_identifiers
from guardrails.inference.text import NEAR_CUT, sigmoid
from guardrails.policy import loads
from models.text.labels import LABELS
from tests.inference import tiny

INPUT = [label for label in LABELS if label.startswith("INPUT.")]
POLICY = (
    "version: 1\nname: t\nlimits: {deadline_ms: 600000}\n"
    "content: {HATE: HIGH, VIOLENCE: HIGH, PROMPT_ATTACK: {input: HIGH, output: NONE}}\n"
)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models")
    tiny.write_text(folder / "text")
    tiny.write_large(folder / "large", folder / "text")
    return folder


@pytest.fixture
def shipped(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Copies of the tiny models, where the shipped ones are looked for."""
    for name in ("text", "large"):
        shutil.copytree(made / name, tmp_path / name)
        monkeypatch.setitem(store.PINNED, name, store.sha256_of(tmp_path / name / "model.json"))
    monkeypatch.delitem(store.PINNED, "grounding")
    monkeypatch.setattr(store, "models_dir", lambda name: tmp_path / name)
    monkeypatch.setattr(inference, "_engines", {})
    monkeypatch.delenv("GUARDRAILS_MODELS", raising=False)
    store.manifest.cache_clear()
    yield tmp_path
    store.manifest.cache_clear()


def judged(cascade: Cascade, some: list[str], labels: list[str] = INPUT) -> list[Any]:
    readings = cascade.small.read([(t, None) for t in some], 3600)
    return cascade.judge([(r, labels, None) for r in readings], 3600)


def levels(one: Any, labels: list[str] = INPUT) -> list[int]:
    return [sum(one.decide(label)[0] >= cut for cut in tiny.CUTS.values()) for label in labels]


def small_probability(cascade: Cascade, label: str, row: Any) -> float:
    c = cascade.small.manifest.calibration[label]
    return sigmoid(c.scale * float(row.logits[cascade.small.label[label]]) + c.bias)


# -- who reads what ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("labels", [INPUT, INPUT[:1], ["OUTPUT.HATE", "OUTPUT.SEXUAL"], ["DOCUMENT.PROMPT_INJECTION"]])
def test_the_large_model_reads_what_may_be_harmful_by_a_label_that_counts(made: Path, labels: list[str]) -> None:
    cascade = Cascade(*tiny.engines(made))
    asked = 0
    for one in judged(cascade, tiny.texts(20), labels):
        rows = [cascade.small.runner.exact(w) for w in one.reading.windows]
        expected = [
            i for i, row in enumerate(rows) if any(small_probability(cascade, label, row) >= 0.5 for label in labels)
        ]
        assert sorted(one.large) == expected
        asked += len(expected)
    every = sum(len(one.reading.rows) for one in judged(cascade, tiny.texts(20), labels))
    assert 0 < asked < every


def test_with_large_every_window_is_read_by_both(made: Path) -> None:
    cascade = Cascade(*tiny.engines(made), every=True)
    for one in judged(cascade, tiny.texts(20)):
        assert sorted(one.large) == list(range(len(one.reading.rows)))


def test_without_a_label_nothing_is_read_twice(made: Path) -> None:
    for every in (False, True):
        assert not any(one.large for one in judged(Cascade(*tiny.engines(made), every=every), tiny.texts(9), []))


def test_windows_of_one_check_go_to_the_large_model_together(made: Path) -> None:
    small, large = tiny.engines(made)
    runs: list[int] = []
    run = large.runner.run
    large.runner.run = lambda windows, seconds: runs.append(len(windows)) or run(windows, seconds)  # type: ignore[method-assign]
    every = judged(Cascade(small, large), tiny.texts(20))
    assert runs == [sum(len(one.large) for one in every)]
    assert large.runner.read == runs[0]
    assert small.runner.read == sum(len(one.reading.rows) for one in every)


# -- what a score is -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("every", [False, True])
def test_scores(made: Path, every: bool) -> None:
    cascade = Cascade(*tiny.engines(made), every=every)
    small, large = cascade.small, cascade.large
    assert large is not None
    settled = 0
    for one in judged(cascade, tiny.texts(16)):
        n = len(one.reading.rows)
        own = [small.runner.exact(w).logits for w in one.reading.windows]
        other = {i: large.exact(one.reading.windows[i]) for i in one.large}
        settled += n - len(other)
        for label in INPUT:
            column, best = small.label[label], 0.0
            for i in range(n):
                if i in other:
                    c = cascade.calibration[label]
                    both = 0.7 * float(other[i][large.label[label]]) + 0.3 * float(own[i][column])
                    best = max(best, sigmoid(c.scale * both + c.bias - 0.1 * math.log2(n)))
                else:
                    c = small.manifest.calibration[label]
                    best = max(best, sigmoid(c.scale * float(own[i][column]) + c.bias - 0.1 * math.log2(n)))
            p, window = one.decide(label)
            assert p == pytest.approx(best, abs=NEAR_CUT)  # what is near no cut point may be that of a batch in bf16
            assert 0 <= window < n
            assert one.large or p < 0.5 < min(tiny.CUTS.values())
    assert every or settled


def test_what_is_settled_is_below_every_cut(shipped: Path) -> None:
    """The scale of ``lower`` is the small model's, that of the cut points another."""
    tiny.change(shipped / "large", lambda m: m["settings"].update(cascade=dict.fromkeys(LABELS, 0.97)))
    found = [one for one in judged(Cascade(*tiny.engines(shipped)), tiny.texts(30)) if not one.large]
    scores = [one.decide(label)[0] for one in found for label in INPUT]
    assert max(scores) == pytest.approx(0.99 * tiny.CUTS["LOW"])


def test_fast_is_the_small_model_alone(made: Path) -> None:
    small, _ = tiny.engines(made)
    for one in judged(Cascade(small), tiny.texts(20)):
        for label, c in small.manifest.calibration.items():
            column = small.label[label]
            assert one.decide(label) == one.reading.decide(lambda r, k=column: float(r.logits[k]), c)
        assert one.large == {}


# -- verdicts are fixed --------------------------------------------------------------------------------------------------


class Noisy:
    """A runner whose batches move every logit a little, as those in bf16 do; what it computes alone it leaves as it is."""

    def __init__(self, runner: Any, most: float, seed: int) -> None:
        self._runner, self._most, self._rng = runner, most, random.Random(seed)
        self.exact, self.alone = self._exact, 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._runner, name)

    def _exact(self, window: Any) -> Any:
        self.alone += 1
        return self._runner.exact(window)

    def run(self, windows: Any, seconds: float) -> list[Any]:
        out = self._runner.run(windows, seconds)
        for one in out:
            logits = one.logits if hasattr(one, "logits") else one
            logits += [self._rng.uniform(-self._most, self._most) for _ in logits]
        return out


@pytest.mark.parametrize("every", [False, True])
def test_a_verdict_does_not_depend_on_the_batch(made: Path, every: bool) -> None:
    def cascade(noise: float, seed: int = 0) -> Cascade:
        small, large = tiny.engines(made)
        widest = max(c.scale for m in (small.manifest, large.manifest) for c in m.calibration.values())
        small.runner, large.runner = (Noisy(x.runner, noise / widest, seed + n) for n, x in enumerate((small, large)))
        return Cascade(small, large, every=every)

    some = tiny.texts(30, seed=5)
    plain = cascade(0.0)
    alone = [levels(one) for t in some for one in judged(plain, [t])]
    read = [sorted(one.large) for t in some for one in judged(plain, [t])]
    for seed in (1,):
        order = random.Random(seed).sample(range(len(some)), len(some))
        noisy = cascade(0.06, seed)
        together = judged(noisy, [some[i] for i in order])
        assert [levels(one) for one in together] == [alone[i] for i in order]
        assert [sorted(one.large) for one in together] == [read[i] for i in order]
        windows = sum(len(one.reading.rows) for one in together)
        assert 0 < noisy.small.runner.alone < windows  # only what is near, and nothing twice
        assert noisy.large is not None
        assert 0 < noisy.large.runner.alone < windows


def test_far_below_the_highest_nothing_is_made_exact(made: Path) -> None:
    cascade = Cascade(*tiny.engines(made), every=True)
    long = " ".join(tiny.texts(12, longest=40))
    for label in INPUT:
        (one,) = judged(cascade, [long])
        best, _ = one.decide(label)
        found = [one._probability(label, i, math.log2(one.reading.of)) for i in range(len(one.reading.rows))]
        assert all(found[i] >= best - 2 * NEAR_CUT for i in one._exact)


def test_after_the_deadline_nothing_is_made_exact(made: Path) -> None:
    cascade = Cascade(*tiny.engines(made), every=True)
    readings = cascade.small.read([(t, None) for t in tiny.texts(20)], 3600)
    late = cascade.judge([(r, INPUT, None) for r in readings], 3600)
    for one in late:
        one._until = 0.0
    with pytest.raises(DeadlineExceeded):
        [levels(one) for one in late]
    with pytest.raises(DeadlineExceeded):
        Cascade(*tiny.engines(made)).judge([(r, INPUT, None) for r in readings], -1)


# -- answers and their questions ------------------------------------------------------------------------------------------

OUTPUT = [x.replace("INPUT.", "OUTPUT.") for x in INPUT if x.replace("INPUT.", "OUTPUT.") in tiny.LABELS]


def answered(made: Path, *, question: float = 0.6, declines: float = 0.4, column: int = 3) -> Cascade:
    """A cascade that weighs the question, and takes another label for the stance of the answer."""
    cascade = Cascade(*tiny.engines(made), every=True)
    cascade.answers = _Answers({"question": question, "declines": declines, "shift": 0.1}, column)
    return cascade


def test_the_first_window_of_an_answer_is_judged_with_its_question(made: Path) -> None:
    cascade = answered(made)
    long = " ".join(tiny.texts(6, longest=40))
    (answer,) = cascade.small.read([(long, None)], 3600)
    assert len(answer.rows) > 1
    for asked in tiny.texts(8, seed=5):
        (question,) = cascade.small.read([(asked, None)], 3600)
        alone, together = (cascade.judge([(answer, OUTPUT, q)], 3600)[0] for q in (None, question))
        assert together.question is not None
        for label in OUTPUT:
            harm = together.question.highest(label.replace("OUTPUT.", "INPUT."))
            assert harm is not None
            stance = min(4.0, max(-4.0, float(together.large[0][3])))
            c = cascade.calibration[label]
            more = c.scale * (0.6 * min(4.0, max(-4.0, harm)) - 0.4 * stance + 0.1)
            before, after = (
                math.log(p / (1 - p)) for p in (one._probability(label, 0, 0.0) for one in (alone, together))
            )
            assert after - before == pytest.approx(more, abs=1e-3)
            elsewhere = [one._probability(label, 1, 0.0) for one in (alone, together)]
            assert elsewhere[0] == pytest.approx(elsewhere[1], abs=NEAR_CUT)  # in batches of other sizes


def test_a_harmful_question_has_the_beginning_of_its_answer_read(made: Path) -> None:
    cascade = answered(made)
    cascade._every = False
    readings = cascade.small.read([(t, None) for t in tiny.texts(60, longest=8)], 3600)
    settled = [
        r
        for r, one in zip(readings, cascade.judge([(r, OUTPUT, None) for r in readings], 3600), strict=True)
        if not one.large
    ]
    asks = [
        r
        for r, one in zip(readings, cascade.judge([(r, INPUT, None) for r in readings], 3600), strict=True)
        if one.large
    ]
    quiet = [
        r
        for r, one in zip(readings, cascade.judge([(r, INPUT, None) for r in readings], 3600), strict=True)
        if not one.large
    ]
    assert settled
    content = [x.replace("OUTPUT.", "INPUT.") for x in OUTPUT]
    harmful = [r for r in asks if cascade.judge([(r, content, None)], 3600)[0].large]
    assert all(cascade.judge([(settled[0], OUTPUT, q)], 3600)[0].large.keys() == {0} for q in harmful)
    assert not any(cascade.judge([(settled[0], OUTPUT, q)], 3600)[0].large for q in quiet)


def test_without_weights_for_it_a_question_changes_nothing(made: Path) -> None:
    cascade = Cascade(*tiny.engines(made), every=True)
    answer, question = cascade.small.read([(t, None) for t in tiny.texts(2)], 3600)
    (one,) = cascade.judge([(answer, OUTPUT, question)], 3600)
    assert one.question is None
    assert one.decide(OUTPUT[0]) == cascade.judge([(answer, OUTPUT, None)], 3600)[0].decide(OUTPUT[0])


# -- the setting ---------------------------------------------------------------------------------------------------------


def test_what_is_installed_decides(shipped: Path, caplog: pytest.LogCaptureFixture) -> None:
    assert inference.setting().models is Models.CASCADE
    assert inference.text_cascade().large is not None
    assert not caplog.records


@pytest.mark.parametrize("wanted", ["", "cascade"])
def test_without_the_large_model_it_is_fast_and_says_so_once(
    shipped: Path, wanted: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("GUARDRAILS_MODELS", wanted)
    shutil.rmtree(shipped / "large")
    with caplog.at_level(logging.WARNING, "guardrails"):
        for _ in range(3):
            report = Guard(loads(POLICY)).check("a red dog", "INPUT")
    assert inference.text_cascade().large is None
    assert set(report.models) == {"text"}
    assert [r.getMessage().split(":")[0] for r in caplog.records if r.levelno == logging.WARNING] == [
        "the large text model is not installed, so the content filters ask the small one alone (models"
    ]
    assert "onepolicy-guardrails[large]" in caplog.text


def test_fast_by_choice_says_nothing_and_opens_nothing(
    shipped: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("GUARDRAILS_MODELS", "FAST")
    (shipped / "large" / "model-1.safetensors").write_bytes(b"damaged")
    assert Guard(loads(POLICY)).check("a red dog", "INPUT").failures == ()
    assert [m.name for m in inference.inventory() if m.name == "large"] == []
    assert not [r for r in caplog.records if r.levelno >= logging.WARNING]


def test_large_is_never_less(shipped: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GUARDRAILS_MODELS", "large")
    report = Guard(loads(POLICY)).check("a red dog", "INPUT")
    assert report.models == {n: store.PINNED[n] for n in ("text", "large")}
    shutil.rmtree(shipped / "large")
    inference._engines.clear()
    store.manifest.cache_clear()
    with pytest.raises(WeightsMissing, match=r"'large' is not installed.*onepolicy-guardrails\[large\]"):
        Guard(loads(POLICY))


def test_an_unknown_setting(shipped: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GUARDRAILS_MODELS", "huge")
    with pytest.raises(GuardrailsError, match="GUARDRAILS_MODELS='huge' is unknown; it may be fast, cascade, large"):
        Guard(loads(POLICY))


def test_reports_name_the_large_model_when_it_was_asked(shipped: Path) -> None:
    guard, cascade = Guard(loads(POLICY)), inference.text_cascade()
    asked = set()
    for text in tiny.texts(40, longest=8):
        (one,) = judged(cascade, [text])
        report = guard.check(text, "INPUT")
        assert ("large" in report.models) is bool(one.large)
        asked.add(bool(one.large))
        want = {label for label in INPUT if one.decide(label)[0] >= tiny.CUTS["LOW"]}
        found = {f"INPUT.{k.split('.')[1]}" for k, p in report.scores.items() if p >= tiny.CUTS["LOW"]}
        assert found == want
    assert asked == {True, False}


def test_a_text_is_read_by_both_without_its_identifiers_too(shipped: Path) -> None:
    guard, cascade = Guard(loads(POLICY)), inference.text_cascade()
    differ = 0
    for text in tiny.texts(40, seed=9, longest=8):
        numbered = f"{text} 4111 1111 1111 1111"
        plain = without_identifiers(numbered)
        assert plain is not None
        one, other = judged(cascade, [numbered, plain])
        report = guard.check(numbered, "INPUT")
        for label in ("INPUT.HATE", "INPUT.VIOLENCE"):
            p, _ = one.decide(label)
            expected = min(p, other.decide(label)[0]) if p >= tiny.CUTS["LOW"] else p
            assert report.scores[f"content.{label.split('.')[1]}"] == pytest.approx(expected, abs=NEAR_CUT)
            differ += expected < p
    assert differ


# -- trouble -------------------------------------------------------------------------------------------------------------


def test_damaged_or_missing_weights_stop_the_start(shipped: Path) -> None:
    path = shipped / "large" / "model-1.safetensors"
    raw = bytearray(path.read_bytes())
    raw[len(raw) // 2] ^= 1
    path.write_bytes(raw)
    with pytest.raises(WeightsMissing, match="damaged or was replaced"):
        Guard(loads(POLICY))
    path.unlink()
    with pytest.raises(WeightsMissing, match=r"model-1\.safetensors is missing"):
        Guard(loads(POLICY))
    with pytest.raises(WeightsMissing, match="missing"):
        inference.inventory()


def test_another_manifest_is_refused(shipped: Path) -> None:
    tiny.change(shipped / "large", lambda m: m["settings"]["cascade"].update({"INPUT.HATE": 0.4}))
    with pytest.raises(WeightsMissing, match="not the manifest this release ships"):
        Guard(loads(POLICY))


@pytest.mark.parametrize(
    ("edit", "why"),
    [
        (lambda m: m["settings"]["text"].update({"tokenizer.json": "0" * 64}), r"made for another tokenizer\.json"),
        (lambda m: m["settings"]["text"].update({"model.safetensors": "0" * 64}), r"another model\.safetensors"),
        (lambda m: m["settings"].pop("text"), "made for another"),
        (lambda m: m["settings"]["cascade"].pop("INPUT.HATE"), r"cascade\.INPUT\.HATE is None"),
        (lambda m: m["settings"]["cascade"].update({"INPUT.HATE": 0.0}), "not between 0"),
        (lambda m: m["settings"]["cascade"].update({"INPUT.HATE": 1.0}), "not between 0"),
        (lambda m: m["calibration"]["INPUT.HATE"].update(blend=1.2), "a blend that is no share"),
        (lambda m: m["calibration"]["INPUT.HATE"]["cuts"].pop("LOW"), "no cut points"),
        (lambda m: m["calibration"].pop("OUTPUT.HATE"), r"does not judge OUTPUT\.HATE"),
        (lambda m: m["files"].pop("model-1.safetensors"), "does not"),
        (lambda m: m["shape"].update(hidden=32), "does not hold the network"),
    ],
)
def test_models_that_do_not_belong_together(
    shipped: Path, edit: Any, why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(store.PINNED, "large", tiny.change(shipped / "large", edit))
    with pytest.raises(WeightsMissing, match=why):
        Guard(loads(POLICY))


@pytest.mark.parametrize("name", ["../text/model.safetensors", "/etc/passwd", "model.json", "a/b.safetensors"])
def test_a_manifest_names_files_beside_it(made: Path, name: str) -> None:
    found = store.open_folder(made / "large", "large")
    found.files[name] = "0" * 64  # type: ignore[index]
    with pytest.raises(WeightsMissing, match="no file beside it"):
        store.verified(found)


def test_what_breaks_in_the_large_model_fails_the_rules(shipped: Path) -> None:
    guard, cascade = Guard(loads(POLICY)), inference.text_cascade()
    assert cascade.large is not None
    sure = next(t for t in tiny.texts(40, longest=8) if judged(cascade, [t])[0].large)

    def broken(*_: Any) -> Any:
        raise RuntimeError("no")

    cascade.large.runner._once = broken  # type: ignore[method-assign]
    report = guard.check(sure, "INPUT")
    assert {f.rule for f in report.failures} == {r.id for r in guard.policy.rules}
    assert report.blocked


# -- what operators see --------------------------------------------------------------------------------------------------


def test_inventory_and_metrics(shipped: Path) -> None:
    from guardrails.asgi.telemetry import Telemetry

    def exposed() -> str:
        page = Telemetry().expose().decode()
        return "\n".join(line for line in page.splitlines() if line.startswith("guardrails_model_windows"))

    assert exposed() == ""
    guard = Guard(loads(POLICY))
    rows = {m.name: m for m in inference.inventory()}
    assert {m.setting for m in rows.values()} == {"cascade"}
    assert rows["large"].sha256 == store.PINNED["large"]
    assert Path(rows["large"].path) == shipped / "large"
    assert rows["large"].bytes == sum(p.stat().st_size for p in (shipped / "large").glob("*.safetensors"))
    for text in tiny.texts(12, longest=8):
        report = guard.check(text, "INPUT")
        assert report.setting == report.to_dict()["setting"] == "cascade"
    read = inference.windows_read()
    assert 0 < read["large"] < read["text"] == 12
    assert exposed().splitlines() == [
        f'guardrails_model_windows_total{{model="{name}"}} {count}.0' for name, count in sorted(read.items())
    ]


def test_a_stream_names_the_setting(shipped: Path) -> None:
    policy = "version: 1\nname: s\nlimits: {deadline_ms: 600000}\ncontent: {HATE: {input: NONE, output: HIGH}}\n"
    stream = Guard(loads(policy)).stream("OUTPUT")
    stream.feed("a red dog runs over the house. ")
    stream.finish()
    assert stream.report.setting == "cascade"
    words = "version: 1\nname: w\nwords: {terms: [kingfisher]}\n"
    assert Guard(loads(words)).check("a red dog", "INPUT").setting == ""


def test_a_verdict_is_kept_for_its_setting_alone(shipped: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The cache of conversations: what was decided under one setting is no answer under another."""
    from guardrails.cache import Verdicts
    from guardrails.exchange import Exchange, Tenancy
    from guardrails.exchange.request import outcomes
    from guardrails.types import Role, Source
    from guardrails.wire.openai_chat import Chat
    from guardrails.wire.slots import Slot

    verdicts = Verdicts()
    exchange = Exchange(
        Tenancy("t", Guard(loads(POLICY)), b"k"), Chat.open({"model": "", "messages": []}), verdicts=verdicts
    )
    slot = Slot("a red dog", Role.USER, "messages[0].content")
    for expected in ((0, 1), (1, 1)):
        outcomes(exchange.context, [slot], Source.INPUT)
        assert (verdicts.hits, verdicts.misses) == expected
    inference._engines.clear()
    monkeypatch.setenv("GUARDRAILS_MODELS", "fast")
    outcomes(exchange.context, [slot], Source.INPUT)
    assert (verdicts.hits, verdicts.misses) == (1, 2)


def test_openvino_runs_relative_positions(made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("openvino")
    monkeypatch.setenv("GUARDRAILS_BACKEND", "openvino")
    monkeypatch.setenv("GUARDRAILS_DEVICE", "cpu")
    monkeypatch.setenv("GUARDRAILS_DTYPE", "fp32")
    small, large = tiny.engines(made)
    assert large.runner.backend == "openvino"
    windows = [r.windows[0] for r in small.read([(t, None) for t in tiny.texts(6)], 3600)]
    for window, logits in zip(windows, large.read(windows, 3600), strict=True):
        assert logits == pytest.approx(large.exact(window), abs=1e-2)
