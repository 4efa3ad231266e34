"""Corrupt, missing or swapped weights stop the start, with the file and the remedy; a pickle beside them is never opened."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import pytest

from guardrails import inference
from guardrails.errors import WeightsMissing
from guardrails.inference import store
from guardrails.inference.pinned import PINNED
from guardrails.resources import models_dir


@pytest.fixture
def copies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Copies of the shipped folders, which the engines are loaded from."""
    for name in PINNED:
        shutil.copytree(models_dir(name), tmp_path / name)
    monkeypatch.setattr(store, "models_dir", lambda name: tmp_path / name)
    monkeypatch.setattr(inference, "_engines", {})
    store.manifest.cache_clear()
    yield tmp_path
    store.manifest.cache_clear()


@pytest.mark.parametrize("name", sorted(PINNED))
def test_shipped_folders_are_what_is_pinned(name: str) -> None:
    found = store.manifest(name)
    store.verified(found)
    assert found.sha256 == PINNED[name]
    assert all(p.stat().st_size < 100_000_000 for p in models_dir(name).iterdir())


def test_all_weights_together_are_small() -> None:
    assert sum(p.stat().st_size for name in PINNED for p in models_dir(name).iterdir()) < 220_000_000


def test_missing_folder(copies: Path) -> None:
    shutil.rmtree(copies / "text")
    with pytest.raises(WeightsMissing, match=r"model 'text' is not installed.*reinstall"):
        inference.text_engine()


@pytest.mark.parametrize("file", ["model.safetensors", "tokenizer.json"])
def test_missing_file(copies: Path, file: str) -> None:
    (copies / "text" / file).unlink()
    with pytest.raises(WeightsMissing, match=f"{file} is missing"):
        inference.text_engine()


@pytest.mark.parametrize("file", ["model.safetensors", "tokenizer.json"])
def test_one_changed_byte(copies: Path, file: str) -> None:
    path = copies / "grounding" / file
    raw = bytearray(path.read_bytes())
    raw[len(raw) // 2] ^= 1
    path.write_bytes(raw)
    with pytest.raises(WeightsMissing, match="damaged or was replaced"):
        inference.pair_engine()


def test_swapped_weights(copies: Path) -> None:
    shutil.copyfile(copies / "grounding" / "model.safetensors", copies / "text" / "model.safetensors")
    with pytest.raises(WeightsMissing, match="damaged or was replaced"):
        inference.text_engine()


def test_a_whole_folder_swapped(copies: Path) -> None:
    manifest = json.loads((copies / "text" / "model.json").read_text())
    for c in manifest["calibration"].values():
        c["cuts"] = dict.fromkeys(c.get("cuts", {}), 1.0)
    (copies / "text" / "model.json").write_text(json.dumps(manifest))
    with pytest.raises(WeightsMissing, match="not the manifest this release ships"):
        inference.text_engine()


@pytest.mark.parametrize("raw", [b"", b"{", b"[]", b'{"name": "text"}', b"\xff\xfe"])
def test_a_broken_manifest(copies: Path, raw: bytes) -> None:
    (copies / "text" / "model.json").write_bytes(raw)
    with pytest.raises(WeightsMissing, match=r"no manifest|reinstall"):
        inference.text_engine()


def test_a_guard_does_not_start_without(copies: Path) -> None:
    from guardrails import Guard

    (copies / "text" / "model.safetensors").write_bytes(b"")
    with pytest.raises(WeightsMissing):
        Guard.from_file("baseline")


def test_a_pickle_beside_them_is_never_opened(copies: Path) -> None:
    bomb = b"cos\nsystem\n(S'touch " + str(copies / "boom").encode() + b"'\ntR."
    for name in ("model.bin", "pytorch_model.bin", "model.pt", "model.pkl", "tokenizer.pkl"):
        (copies / "text" / name).write_bytes(bomb)
    opened: list[str] = []
    sys.addaudithook(lambda event, args: opened.append(str(args[0])) if event == "open" else None)
    inference.text_engine()
    assert not (copies / "boom").exists()
    assert not [x for x in opened if x.endswith((".bin", ".pt", ".pkl"))]
