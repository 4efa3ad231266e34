"""Model folders as they ship: bf16 safetensors, tokeniser, manifest; and the manifests' hashes pinned in the package."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file

from guardrails.inference.store import MANIFEST, TOKENISER, WEIGHTS, sha256_of

PINNED = Path(__file__).parent.parent / "guardrails" / "inference" / "pinned.py"


def write_weights(run: Path, tokeniser: Path, folder: Path) -> None:
    """The trained weights in bf16, and the tokeniser beside them."""
    folder.mkdir(parents=True, exist_ok=True)
    state = {k: v.to(torch.bfloat16).contiguous() for k, v in load_file(run / "model.safetensors").items()}
    save_file(state, folder / WEIGHTS)
    shutil.copyfile(tokeniser, folder / TOKENISER)


def add_arrays(folder: Path, arrays: dict[str, Any]) -> None:
    """More tensors into the weights' file, in fp16: what topics need beside the network."""
    state = {k: v for k, v in load_file(folder / WEIGHTS).items() if k not in arrays}
    state |= {k: torch.from_numpy(v).to(torch.float16).contiguous() for k, v in arrays.items()}
    save_file(state, folder / WEIGHTS)


def write_manifest(folder: Path, content: dict[str, Any]) -> str:
    """Write ``model.json`` with the hashes of the files beside it; returns its own sha256."""
    content = {**content, "files": {n: sha256_of(folder / n) for n in (WEIGHTS, TOKENISER)}}
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
