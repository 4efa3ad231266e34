"""Model folders as they ship: safetensors (packed int8, or bf16), tokeniser, manifest; and the manifests' hashes pinned in the package."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file

from guardrails.inference.cascade import PAIRS
from guardrails.inference.packing import LIMIT, pack, shards, widened
from guardrails.inference.store import MANIFEST, TOKENISER, WEIGHTS, sha256_of

PINNED = Path(__file__).parent.parent / "guardrails" / "inference" / "pinned.py"


def read_weights(path: Path) -> dict[str, torch.Tensor]:
    """The fp32 weights of a file or of all files of a folder: a run's, or those that ship, packed or not; no arrays of topics."""
    found: dict[str, torch.Tensor] = {}
    for file in [path] if path.is_file() else sorted(path.glob("*.safetensors")):
        found |= load_file(file)
    return {k: v for k, v in widened(found).items() if not k.startswith("topics.")}


def write_weights(run: Path, tokeniser: Path, folder: Path, *, packed: bool = False) -> None:
    """The trained weights in bf16 (or ``packed`` in int8), and the tokeniser beside them."""
    folder.mkdir(parents=True, exist_ok=True)
    state = load_file(run / "model.safetensors")
    save_file(
        pack(state) if packed else {k: v.to(torch.bfloat16).contiguous() for k, v in state.items()}, folder / WEIGHTS
    )
    shutil.copyfile(tokeniser, folder / TOKENISER)


def write_packed(run: Path, folder: Path, limit: int = LIMIT) -> list[str]:
    """The trained encoder with its heads for labels and pairs in int8, in files of at most ``limit`` bytes of weights; returns their names."""
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("*.safetensors"):
        old.unlink()
    state = {
        k: v for k, v in load_file(run / "model.safetensors").items() if k.startswith(("encoder.", "labels.", PAIRS))
    }
    names = []
    for number, part in enumerate(shards(pack(state), limit), 1):
        names.append(f"model-{number}.safetensors")
        save_file(part, folder / names[-1])
    return names


def add_arrays(folder: Path, arrays: dict[str, Any]) -> None:
    """More tensors into the weights' file, in fp32: what topics need beside the network."""
    state = {k: v for k, v in load_file(folder / WEIGHTS).items() if k not in arrays}
    state |= {k: torch.from_numpy(v).float().contiguous() for k, v in arrays.items()}
    save_file(state, folder / WEIGHTS)


def write_manifest(folder: Path, content: dict[str, Any], files: Iterable[str] = (WEIGHTS, TOKENISER)) -> str:
    """Write ``model.json`` with the hashes of these files beside it; returns its own sha256."""
    content = {**content, "files": {n: sha256_of(folder / n) for n in files}}
    raw = (json.dumps(content, indent=1, ensure_ascii=False, sort_keys=True) + "\n").encode()
    (folder / MANIFEST).write_bytes(raw)
    return hashlib.sha256(raw).hexdigest()


def pin(name: str, sha256: str) -> None:
    """Write the hash of a manifest into the package."""
    found = dict(re.findall(r'"(\w+)": "([0-9a-f]{64})"', PINNED.read_text(encoding="utf-8")))
    found[name] = sha256
    body = "".join(f'    "{k}": "{v}",\n' for k, v in sorted(found.items(), reverse=True))
    PINNED.write_text(
        '"""sha256 of the shipped manifests; written by the recipes in `models/`."""\n\n'
        f"PINNED: dict[str, str] = {{\n{body}}}\n",
        encoding="utf-8",
    )
