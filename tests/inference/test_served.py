"""Networks on replicas: the numbers of this process, and what happens when replicas are in trouble. The server is ours; Ray's own is tested in
tests/clients/ray."""

from __future__ import annotations

import logging
import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from guardrails import Guard, inference
from guardrails.errors import DeadlineExceeded, GuardrailsError, Overloaded, RemoteFailed
from guardrails.inference import frames, served, store
from guardrails.inference.cascade import Cascade, load_large
from guardrails.inference.comparing import Claim, PairCascade
from guardrails.inference.networks import Network
from guardrails.inference.replicas import answer
from guardrails.inference.windows import Window
from tests.inference import tiny

LABELS = ("INPUT.VIOLENCE", "INPUT.HATE")
BELOW = {"ids": 50, "types": 2, "cases": 6}


class Replicas:
    """A server with networks, which can be told to misbehave."""

    def __init__(self) -> None:
        self.networks: dict[str, tuple[Network, store.Manifest]] = {}
        self.trouble = ""
        self.times = 1_000_000  # how often it still misbehaves
        self.calls: list[str] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                outer.serve(self, body)

            def log_message(self, *_: Any) -> None:
                pass

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._http.server_address[1]}"
        threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True).start()

    def serve(self, handler: BaseHTTPRequestHandler, body: bytes) -> None:
        found = re.fullmatch(r"/(\w+)/(run|exact)\?seconds=([\d.]+)", handler.path)
        assert found is not None
        name, what, seconds = found.groups()
        self.calls.append(f"{name} {what}")
        running, manifest = self.networks[name]
        status, data = answer(running, manifest, what, float(seconds), body)
        trouble = self.trouble if self.times > 0 else ""
        self.times -= 1
        if trouble == "closed":
            handler.close_connection = True
            return
        if trouble == "late":
            time.sleep(0.7)
        status = int(trouble) if trouble.isdigit() else status
        data = {"garbage": b"kingfisher", "other weights": data[:-32] + bytes(32)}.get(trouble, data)
        handler.send_response(status)
        handler.send_header("content-length", str(len(data)))
        handler.end_headers()
        handler.wfile.write(data[: len(data) // 2] if trouble == "truncated" else data)
        handler.close_connection = trouble == "truncated"

    def close(self) -> None:
        self._http.shutdown()
        self._http.server_close()


def framed(tokens: list[Any], start: int, end: int) -> Window:
    ids, types, cases = tokens
    return Window(ids, types, cases, start, end, 0, end - start)


@contextmanager
def told(patch: pytest.MonkeyPatch, **settings: str) -> Iterator[None]:
    with patch.context() as here:
        for name, value in settings.items():
            here.setenv(f"GUARDRAILS_{name}", value)
        yield


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    where = tmp_path_factory.mktemp("tiny")
    tiny.write_text(where / "text")
    tiny.write_pair(where / "grounding", where / "text/tokenizer.json")
    tiny.write_large(where / "large", where / "text", pair_model=where / "grounding")
    return where


@pytest.fixture
def replicas(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Replicas]:
    monkeypatch.setenv("GUARDRAILS_DTYPE", "fp32")
    monkeypatch.setattr(served, "_PAUSES", (0.01, 0.02))
    monkeypatch.setattr(served, "_TIMEOUT", 300.0)
    made = Replicas()
    small, large = tiny.engines(folder)
    pair, _ = tiny.pair_engines(folder)
    made.networks = {e.manifest.name: (e.runner, e.manifest) for e in (small, large, pair)}
    yield made
    made.close()


def asked(patch: pytest.MonkeyPatch, replicas: Replicas, **settings: str) -> Any:
    return told(patch, BACKEND="ray", RAY_URL=replicas.url, **settings)


def test_scores_are_those_of_this_process(folder: Path, replicas: Replicas, monkeypatch: pytest.MonkeyPatch) -> None:
    here, (pair, large) = Cascade(*tiny.engines(folder)), tiny.pair_engines(folder)
    with asked(monkeypatch, replicas):
        there, (far_pair, far_large) = Cascade(*tiny.engines(folder)), tiny.pair_engines(folder)
    texts = tiny.texts(40)
    one, two = (
        [j.decide(x) for j in c.judge([(r, LABELS, None) for r in c.small.read([(t, None) for t in texts], 600)], 600) for x in LABELS]
        for c in (here, there)
    )  # fmt: skip
    assert [place for _, place in one] == [place for _, place in two]
    assert np.allclose([p for p, _ in one], [p for p, _ in two], rtol=0, atol=1e-6)
    claims = [Claim(t) for t in texts[:6]]
    mine, theirs = (PairCascade(*engines).support(texts, claims, (0.5,), 600) for engines in ((pair, large), (far_pair, far_large)))  # fmt: skip
    assert [(s.source, s.start, s.end, s.large) for s in mine] == [(s.source, s.start, s.end, s.large) for s in theirs]
    assert np.allclose([s.probability for s in mine], [s.probability for s in theirs], rtol=0, atol=1e-6)
    assert there.small.runner.read == here.small.runner.read > 0
    assert there.small.embed(["a red dog"]).tolist() == here.small.embed(["a red dog"]).tolist()
    assert set(replicas.calls) == {f"{n} {w}" for n in ("text", "large", "grounding") for w in ("run", "exact")}


TROUBLES = {
    "late": DeadlineExceeded,
    "504": RemoteFailed,
    "503": Overloaded,
    "429": Overloaded,
    "500": RemoteFailed,
    "302": RemoteFailed,
    "garbage": RemoteFailed,
    "truncated": RemoteFailed,
    "closed": RemoteFailed,
    "other weights": RemoteFailed,
}


@pytest.mark.parametrize("trouble", TROUBLES)
def test_trouble_is_an_error_or_the_numbers_of_this_process(
    trouble: str, folder: Path, replicas: Replicas, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    if trouble == "late":
        monkeypatch.setattr(served, "_TIMEOUT", 0.5)
    here, _ = tiny.engines(folder)
    with asked(monkeypatch, replicas):
        alone, _ = tiny.engines(folder)
    with asked(monkeypatch, replicas, RAY_FALLBACK="local"):
        safe, _ = tiny.engines(folder)
    replicas.trouble = trouble
    with pytest.raises(TROUBLES[trouble], match=trouble if trouble in ("503", "429", "other weights") else None):
        alone.read([("my dog", None)], 600)
    with caplog.at_level(logging.WARNING, "guardrails"):
        for _ in range(2):
            found = safe.read([("my dog", None)], 600)[0].rows[0]
        replicas.trouble = ""
        safe.runner._caller._timeout = 300.0  # type: ignore[attr-defined]
        safe.read([("my dog", None)], 600)
    assert np.array_equal(found.logits, here.read([("my dog", None)], 600)[0].rows[0].logits)
    said = [r.getMessage() for r in caplog.records]
    assert len(said) == 2, said
    assert "runs in this process while its replicas do not answer" in said[0]
    assert "answer again" in said[1]
    assert not any("kingfisher" in m for m in said)
    assert safe.runner.read == 3


@pytest.mark.parametrize("trouble", ["closed", "503", "500", "truncated"])
def test_a_call_that_broke_off_is_made_again(
    trouble: str, folder: Path, replicas: Replicas, monkeypatch: pytest.MonkeyPatch
) -> None:
    with asked(monkeypatch, replicas):
        engine, _ = tiny.engines(folder)
    replicas.trouble, replicas.times = trouble, 2
    assert len(engine.read([("my dog", None)], 600)[0].rows) == 1
    assert len(replicas.calls) == 3


def test_a_replica_that_has_too_much_to_do_is_left_alone(
    folder: Path, replicas: Replicas, monkeypatch: pytest.MonkeyPatch
) -> None:
    with asked(monkeypatch, replicas):
        engine, _ = tiny.engines(folder)
    replicas.trouble, replicas.times = "429", 1
    with pytest.raises(Overloaded):
        engine.read([("my dog", None)], 600)
    assert len(replicas.calls) == 1


def test_replicas_that_fail_again_and_again_are_left_alone(
    folder: Path, replicas: Replicas, monkeypatch: pytest.MonkeyPatch
) -> None:
    with asked(monkeypatch, replicas):
        engine, _ = tiny.engines(folder)
    replicas.trouble = "500"
    for _ in range(8):
        with pytest.raises(RemoteFailed):
            engine.read([("my dog", None)], 600)
    assert len(replicas.calls) == 5 * 3


def test_a_long_text_is_several_calls(folder: Path, replicas: Replicas, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(served, "_TOKENS", 100)
    here, _ = tiny.engines(folder)
    with asked(monkeypatch, replicas):
        there, _ = tiny.engines(folder)
    long = " ".join(tiny.texts(30))
    one, two = (np.stack([r.logits for r in e.read([(long, None)], 600)[0].rows]) for e in (here, there))
    assert np.allclose(one, two, rtol=0, atol=1e-5)
    assert len(replicas.calls) > len(one) / 4


def test_what_is_no_window_is_refused(replicas: Replicas) -> None:
    running, manifest = replicas.networks["text"]
    good = framed([np.zeros(4, np.int32)] * 3, 0, 4)
    assert answer(running, manifest, "run", 9, frames.asks([good]))[0] == 200
    for bad in (b"", b"kingfisher", frames.answers(running.run([good], 9), manifest.sha256)):
        status, said = answer(running, manifest, "run", 9, bad)
        assert status == 400
        assert b"kingfisher" not in said
    for i, number in ((0, 50_000), (1, 2), (2, 99), (0, -1)):
        tokens = [np.zeros(4, np.int32) for _ in range(3)]
        tokens[i][2] = number
        assert answer(running, manifest, "run", 9, frames.asks([framed(tokens, 0, 4)]))[0] == 400
    long = framed([np.zeros(65, np.int32)] * 3, 0, 4)
    assert answer(running, manifest, "run", 9, frames.asks([long]))[0] == 400
    assert answer(running, manifest, "exact", 9, frames.asks([good, good]))[0] == 400
    assert answer(running, manifest, "run", -1, frames.asks([good]))[0] == 504


windows = st.lists(
    st.tuples(st.integers(1, 9), st.integers(0, 9), st.integers(0, 9), st.integers(0, 2**31)), min_size=1, max_size=6
)


@given(windows)
def test_windows_arrive_as_they_were(made: list[tuple[int, int, int, int]]) -> None:
    sent = []
    for size, a, b, seed in made:
        rng = np.random.default_rng(seed)
        tokens = [rng.integers(0, BELOW[k], size).astype(np.int32) for k in ("ids", "types", "cases")]
        start, end = sorted((min(a, size), min(b, size)))
        sent.append(framed(tokens, start, end))
    got = frames.asked(frames.asks(sent), BELOW, 9)
    assert [(w.ids.tolist(), w.types.tolist(), w.cases.tolist(), w.own_from, w.own_to) for w in got] == [
        (w.ids.tolist(), w.types.tolist(), w.cases.tolist(), w.own_from, w.own_to) for w in sent
    ]


@given(st.binary(max_size=200), st.integers(0, 200), st.booleans())
def test_bytes_that_are_no_windows_are_refused(noise: bytes, at: int, cut: bool) -> None:
    good = frames.asks([framed([np.ones(4, np.int32)] * 3, 0, 4)])
    bad = good[:at] + noise + (b"" if cut else good[at + len(noise) :])
    try:
        for window in frames.asked(bad, BELOW, 9):
            assert 0 <= window.own_from <= window.own_to <= len(window) <= 9
            assert window.ids.max() < BELOW["ids"]
    except ValueError:
        pass


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        ({}, "GUARDRAILS_RAY_URL: it is no http or https URL"),
        ({"RAY_URL": "ftp://ray"}, "GUARDRAILS_RAY_URL: it is no http"),
        ({"RAY_URL": "http://ray:8000", "RAY_MODELS": "large,bird"}, "there is no model 'bird'; it may name text"),
        ({"RAY_URL": "http://ray:8000", "RAY_FALLBACK": "maybe"}, "'maybe' is unknown; it may be fail or local"),
    ],
)
def test_settings_that_cannot_work(
    settings: dict[str, str], why: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with told(monkeypatch, BACKEND="ray", **settings), pytest.raises(GuardrailsError, match=re.escape(why)):
        tiny.engines(folder)


def test_models_that_are_not_named_run_here(folder: Path, replicas: Replicas, monkeypatch: pytest.MonkeyPatch) -> None:
    with asked(monkeypatch, replicas, RAY_MODELS="large"):
        small, large = tiny.engines(folder)
    assert (small.runner.place, large.runner.place) == ("cpu", f"{replicas.url}/large")
    large.read(small.read([("my dog", None)], 600)[0].windows, 10)
    assert replicas.calls == ["large run"]


def test_weights_without_the_outputs_that_are_asked_for_are_none(
    folder: Path, replicas: Replicas, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A large model's rows have its labels, and behind them outputs for pairs."""
    with asked(monkeypatch, replicas):
        manifest = store.open_folder(folder / "large", "large")
        far = load_large(manifest, 0)
    window = framed([np.ones(4, np.int32)] * 3, 0, 4)
    wide = far.runner.run([window], 600)[0]
    short = frames.answers([wide[: len(manifest.labels)]], manifest.sha256)
    with pytest.raises(ValueError, match="shapes"):
        frames.answered(short, [window], manifest, len(wide))


POLICY = """
version: 1
name: p
content: {VIOLENCE: HIGH}
on_failure: %s
limits: {deadline_ms: 600000}
"""


@pytest.mark.parametrize("on_failure", ["block", "allow", "detect"])
def test_a_policy_decides_what_becomes_of_a_text(
    on_failure: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text, path = "I will beat you until you bleed", tmp_path / "p.yaml"
    path.write_text(POLICY % on_failure, encoding="utf-8")
    monkeypatch.setattr(inference, "_engines", {})
    here = Guard.from_file(path)
    expected = here.check(text, "INPUT").to_dict()
    made = Replicas()
    made.networks = {"text": (inference.network("text"), store.manifest("text"))}
    monkeypatch.setattr(inference, "_engines", {})
    monkeypatch.setattr(served, "_PAUSES", ())
    monkeypatch.setattr(served, "_TIMEOUT", 300.0)
    with asked(monkeypatch, made):
        there = Guard.from_file(path)
        found = there.check(text, "INPUT").to_dict()
        assert found["models"] == expected["models"] == {"text": store.manifest("text").sha256}
        assert (found["action"], found["action"]) == (expected["action"], "BLOCKED")
        assert made.calls
        for trouble, kind in (
            ("500", "model_unavailable"),
            ("503", "overload"),
            ("other weights", "model_unavailable"),
        ):
            made.trouble = trouble
            report = there.check("a quiet day at the lake", "INPUT")
            assert {str(f.kind) for f in report.failures} == {kind}
            assert report.blocked is (on_failure == "block")
    made.close()


def test_a_network_in_this_process_loads_nothing_of_it() -> None:
    code = (
        "import sys; from guardrails import inference; inference.text_engine();"
        "print([m for m in ('ray', 'httpx', 'guardrails.inference.served') if m in sys.modules])"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "[]"
