"""Model folders: what ships, where it is, and whether it is what was measured.

A model folder holds ``model.json`` (the manifest), weights (``*.safetensors``) and most often ``tokenizer.json``. The manifest
carries the calibration and the sha256 of every other file; the sha256 of the shipped manifests is written in :data:`PINNED`, so
that a folder that was swapped as a whole is noticed as well. Nothing else in the folder is ever opened.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from guardrails.errors import WeightsMissing
from guardrails.inference.pinned import PINNED
from guardrails.resources import models_dir

__all__ = [
    "Calibration",
    "Manifest",
    "file",
    "installed",
    "manifest",
    "open_folder",
    "sha256_of",
    "verified",
    "weights",
]

MANIFEST, WEIGHTS, TOKENISER = "model.json", "model.safetensors", "tokenizer.json"
# The model that an installation may lack, and what gets it.
LARGE = "large"
_REMEDY = {LARGE: "install onepolicy-guardrails[large], or set GUARDRAILS_MODELS=fast"}


@dataclass(frozen=True, slots=True)
class Calibration:
    """One output's way from a logit to a probability, and its cut points.

    Probability = sigmoid(``scale`` · logit + ``bias``). ``cuts`` maps LOW, MEDIUM and HIGH confidence to the lowest probability
    of that level. ``length`` is subtracted from the scaled logit once for every doubling of the number of windows, so that
    the maximum over a long text has no more false positives than a short one.

    ``blend`` is for a model that reads what another one has read: the share (0 to 1) of its own logit, where the rest is the
    other's: ``blend`` · own + (1 - ``blend``) · other.
    """

    scale: float = 1.0
    bias: float = 0.0
    length: float = 0.0
    cuts: Mapping[str, float] = field(default_factory=dict)
    blend: float = 1.0


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a model folder says about itself. ``sha256`` is that of the manifest's own bytes."""

    name: str
    version: str
    kind: str
    folder: Path
    sha256: str
    files: Mapping[str, str]
    shape: Mapping[str, Any]
    labels: tuple[str, ...]
    tags: tuple[str, ...]
    window: int
    stride: int
    calibration: Mapping[str, Calibration]
    settings: Mapping[str, Any]


def sha256_of(path: Path) -> str:
    """The sha256 of a file, as lower-case hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@lru_cache(maxsize=8)
def manifest(name: str) -> Manifest:
    """The manifest of a shipped model. Cheap: the weights are not touched.

    Raises WeightsMissing when it is not installed or is not the one this release was measured with.
    """
    found = open_folder(models_dir(name), name)
    if found.sha256 != PINNED.get(name):
        raise WeightsMissing(
            f"{found.folder / MANIFEST} is not the manifest this release ships (sha256 {found.sha256[:16]}…, expected"
            f" {PINNED.get(name, 'none')[:16]}…): reinstall the package, or pin the new manifest with"
            f" `python -m models.export`"
        )
    return found


def open_folder(folder: Path, name: str) -> Manifest:
    """Read and check a manifest. Raises WeightsMissing naming the file and what is wrong with it."""
    path = folder / MANIFEST
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise WeightsMissing(
            f"the model {name!r} is not installed: {path} cannot be read ({type(error).__name__});"
            f" {_REMEDY.get(name, 'reinstall the package')}"
        ) from None
    try:
        given = json.loads(raw)
        return Manifest(
            name=given["name"],
            version=given["version"],
            kind=given["kind"],
            folder=folder,
            sha256=hashlib.sha256(raw).hexdigest(),
            files=dict(given["files"]),
            shape=given["shape"],
            labels=tuple(given["labels"]),
            tags=tuple(given.get("tags", ())),
            window=given["window"],
            stride=given["stride"],
            calibration={k: Calibration(**v) for k, v in given["calibration"].items()},
            settings=given.get("settings", {}),
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise WeightsMissing(
            f"{path} is no manifest of a model ({type(error).__name__}: {error}); reinstall the package"
        ) from None


def installed(name: str) -> bool:
    """Whether a model is there, verified or not."""
    return (models_dir(name) / MANIFEST).is_file()


def verified(found: Manifest) -> None:
    """Hash every file that a manifest names. Raises WeightsMissing for one that is missing or is not the one it names."""
    for name, wanted in found.files.items():
        path = _place(found, name)
        if not path.is_file():
            raise WeightsMissing(f"the model {found.name!r} is incomplete: {path} is missing; reinstall the package")
        got = sha256_of(path)
        if got != wanted:
            raise WeightsMissing(
                f"{path} is not what {MANIFEST} beside it names (sha256 {got[:16]}…, expected {str(wanted)[:16]}…): the file is"
                " damaged or was replaced; reinstall the package"
            )


def file(found: Manifest, name: str) -> Path:
    """The place of a file that the manifest names, and so :func:`verified` has hashed. Raises WeightsMissing for any other."""
    if name not in found.files:
        raise WeightsMissing(f"{found.folder / MANIFEST} does not name {name}; reinstall the package")
    return _place(found, name)


def weights(found: Manifest) -> list[Path]:
    """The files of weights that the manifest names, by name. Raises WeightsMissing without any."""
    names = sorted(name for name in found.files if name.endswith(".safetensors"))
    return [file(found, name) for name in names] or [file(found, WEIGHTS)]


def _place(found: Manifest, name: str) -> Path:
    if Path(name).name != name or name == MANIFEST:
        raise WeightsMissing(
            f"{found.folder / MANIFEST} names {name!r}, which is no file beside it; reinstall the package"
        )
    return found.folder / name
