"""Model folders with tiny random networks, so that what is around the networks can be tested in no time."""

from __future__ import annotations

import json
import random
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import save_file
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers

from guardrails.inference import pair, store, text
from guardrails.inference.cascade import PAIRS, LargeEngine, load_large
from guardrails.inference.modules import CASES, MATCHES, PairModel, Pool, Shape, TextModel
from guardrails.inference.pair import PairEngine
from guardrails.inference.text import TextEngine
from models.export import write_manifest, write_packed
from models.grounding.labels import LABELS as PAIR_LABELS
from models.text.labels import LABELS

WORDS = [
    "my",
    "number",
    "is",
    "address",
    "the",
    "a",
    "red",
    "blue",
    "green",
    "dog",
    "cat",
    "house",
    "bird",
    "tree",
    "sits",
    "runs",
    "over",
    "under",
    "in",
    "on",
    "and",
    "or",
    "why",
    "how",
]
SIZES = {"heads": 4, "feed_forward": 32, "positions": 64}
WINDOW, STRIDE = 32, 16
CUTS = {"LOW": 0.6, "MEDIUM": 0.75, "HIGH": 0.9}


def sentence(rng: random.Random, words: int) -> str:
    return " ".join(rng.choices(WORDS, k=words))


def texts(count: int, seed: int = 1, longest: int = 90) -> list[str]:
    """Some are longer than a window."""
    rng = random.Random(seed)
    return [sentence(rng, rng.choice((3, 8, 20, longest))) for _ in range(count)]


def _shape(tokeniser: Path, **sizes: int) -> dict[str, int]:
    vocabulary = Tokenizer.from_file(str(tokeniser)).get_vocab_size()
    return {**SIZES, "vocabulary": vocabulary, **sizes}


def _network(folder: Path, shape: dict[str, int], seed: int, pairs: int = 0) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(seed)
    model = TextModel(Shape(**shape), len(LABELS), 1)
    with torch.no_grad():
        model.labels.value.weight *= 6
    state = dict(model.state_dict())
    if pairs:
        state |= {PAIRS + k: v * 3 for k, v in Pool(shape["hidden"], pairs).state_dict().items()}
    save_file({k: v.contiguous() for k, v in state.items()}, folder / "model.safetensors")


def _manifest(name: str, shape: dict[str, int], **more: Any) -> dict[str, Any]:
    return {
        "name": name,
        "version": "tiny",
        "kind": "text",
        "shape": shape,
        "labels": list(LABELS),
        "window": WINDOW,
        "stride": STRIDE,
        "calibration": {},
        **more,
    }


def write_text(folder: Path, seed: int = 1) -> str:
    """A small model that is not sure of about half of :func:`texts`; returns the sha256 of its manifest."""
    folder.mkdir(parents=True, exist_ok=True)
    vocabulary = {w: i for i, w in enumerate(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *WORDS])}
    made = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))  # type: ignore[call-arg]
    made.normalizer = normalizers.BertNormalizer()
    made.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    made.add_special_tokens(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"])
    made.save(str(folder / "tokenizer.json"))
    shape = _shape(folder / "tokenizer.json", hidden=16, layers=1)
    _network(folder, shape, seed)
    content = _manifest("text", shape, tags=["O"])
    write_manifest(folder, content)
    engine = text.load(store.open_folder(folder, "text"))
    logits = np.concatenate([[r.logits for r in x.rows] for x in engine.read([(t, None) for t in texts(60)], 3600)])
    content["calibration"] = _calibration(logits, 2.0)
    return write_manifest(folder, content)


def _calibration(logits: np.ndarray[Any, Any], below: float, **more: float) -> dict[str, Any]:
    """Probabilities with a median of log-odds ``-below``, and a standard deviation of 1.5."""
    scale = 1.5 / logits.std(axis=0)
    bias = -np.median(logits, axis=0) * scale - below
    return {
        label: {"scale": float(scale[i]), "bias": float(bias[i]), "cuts": CUTS, "length": 0.1, **more}
        for i, label in enumerate(LABELS)
    }


def write_pair(folder: Path, tokeniser: Path, seed: int = 3) -> str:
    """A small pair model with the text model's tokeniser; returns the sha256 of its manifest."""
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(tokeniser, folder / "tokenizer.json")
    shape = _shape(folder / "tokenizer.json", hidden=16, layers=1, cases=CASES * MATCHES)
    torch.manual_seed(seed)
    model = PairModel(Shape(**shape), len(PAIR_LABELS))
    with torch.no_grad():
        model.labels.value.weight *= 6
    save_file({k: v.contiguous() for k, v in model.state_dict().items()}, folder / "model.safetensors")
    content = {
        "name": "grounding",
        "version": "tiny",
        "kind": "pair",
        "shape": shape,
        "labels": list(PAIR_LABELS),
        "window": 60,
        "stride": 30,
        "settings": {"longest_claim": 16, "passage": 24, "stride": 12, "passages": 3, "evidence": {"missing": -1.0}},
        "calibration": {label: {"scale": 1.0, "bias": 0.0} for label in PAIR_LABELS},
    }
    write_manifest(folder, content)
    engine = pair.load(store.open_folder(folder, "grounding"))
    windows = [c.window for t in texts(30) for own in engine.candidates([t], texts(4, seed=9)) for c in own]
    logits = np.array([row[0] for row in engine.runner.run(windows, 3600)])
    scale = 1.5 / float(logits.std())
    content["calibration"]["GROUNDING"] = {"scale": scale, "bias": -float(np.median(logits)) * scale}
    return write_manifest(folder, content)


def pairs(small: Path, **more: Any) -> dict[str, Any]:
    """``settings.pairs`` of a large model beside the small pair model in a folder."""
    return {
        "made_for": {n: store.sha256_of(small / n) for n in ("tokenizer.json", "model.safetensors")},
        "labels": list(PAIR_LABELS),
        "lower": 0.3,
        "upper": 0.8,
        "claims": 100,
        "passages": 2,
        "question": 3,
        "longest_claim": 16,
        "scale": 1.0,
        "bias": 0.1,
        "blend": 0.6,
        "evidence": {"missing": -2.0},
        **more,
    }


def write_large(
    folder: Path, small: Path, *, lower: float = 0.5, blend: float = 0.7, seed: int = 2, pair_model: Path | None = None
) -> str:
    """A large model beside the small one in ``small``, with a head for pairs beside ``pair_model``; returns the sha256 of its manifest."""
    shape = _shape(small / "tokenizer.json", hidden=64, layers=2, relative=32)
    _network(folder / "run", shape, seed, len(PAIR_LABELS) if pair_model else 0)
    files = write_packed(folder / "run", folder, 40_000)
    content = _manifest(
        "large",
        shape,
        settings={
            "text": {n: store.sha256_of(small / n) for n in ("tokenizer.json", "model.safetensors")},
            "cascade": dict.fromkeys(LABELS, lower),
            **({"pairs": pairs(pair_model)} if pair_model else {}),
        },
    )
    write_manifest(folder, content, files)
    one = text.load(store.open_folder(small, "text"))
    two = load_large(store.open_folder(folder, "large"), one.tokeniser.padding)
    both = []
    for reading in one.read([(t, None) for t in texts(60)], 3600):
        for row, own in zip(reading.rows, two.read(reading.windows, 3600), strict=True):
            both.append(blend * own[: len(LABELS)] + (1 - blend) * row.logits)
    content["calibration"] = _calibration(np.array(both), 0.0, blend=blend)
    return write_manifest(folder, content, files)


def change(folder: Path, edit: Any) -> str:
    """Edit the manifest of a folder; returns its new sha256."""
    content = json.loads((folder / "model.json").read_text(encoding="utf-8"))
    edit(content)
    return write_manifest(folder, content, content["files"])


def engines(folder: Path) -> tuple[TextEngine, LargeEngine]:
    small = text.load(store.open_folder(folder / "text", "text"))
    return small, load_large(store.open_folder(folder / "large", "large"), small.tokeniser.padding)


def pair_engines(folder: Path) -> tuple[PairEngine, LargeEngine]:
    small = pair.load(store.open_folder(folder / "grounding", "grounding"))
    return small, load_large(store.open_folder(folder / "large", "large"), small.tokeniser.padding)
