"""Weights in a quarter of their size: matrices in int8 with one scale a row, everything else in fp32.

Rounding is symmetric and to the nearest step (as in LLM.int8(), Dettmers et al. 2022, without outliers): a row is ``scale`` ·
integers in [-127, 127], and no weight moves by more than half a step. Networks run on the unpacked fp32 values.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import torch
from safetensors.torch import load_file
from torch import Tensor

from guardrails.errors import WeightsMissing
from guardrails.inference import store

__all__ = ["LIMIT", "SCALE", "pack", "shards", "stored", "unpack", "widened"]

# What the name of a matrix's scales ends with.
SCALE = ".scale"
# Matrices with fewer rows (types, cases, one output a label) stay as they are: they are small, and each row counts.
LEAST_ROWS = 64
# Bytes of one file.
LIMIT = 95_000_000

_STEPS = 127
# Rows of nothing but (almost) zeros become zeros.
_ZERO = 1e-30


def pack(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The tensors of a network (any floating type) as they are stored.

    A matrix [rows, columns] of at least :data:`LEAST_ROWS` rows becomes int8, with fp32 ``<name>.scale`` [rows] beside it. Raises
    ValueError for a tensor that is not of finite floating-point numbers, or whose name ends like that of scales.
    """
    out: dict[str, Tensor] = {}
    for name, tensor in state.items():
        if not tensor.is_floating_point() or name.endswith(SCALE):
            raise ValueError(f"{name} ({tensor.dtype}) cannot be packed: weights are floating-point numbers")
        values = tensor.detach().cpu().float()
        if not bool(values.isfinite().all()):
            raise ValueError(f"{name} cannot be packed: not all of its numbers are finite")
        if values.dim() != 2 or len(values) < LEAST_ROWS:
            out[name] = values.contiguous().clone()
            continue
        most = values.abs().amax(dim=1)
        scale = torch.where(most > _ZERO, most / _STEPS, 1.0)
        out[name] = (values / scale[:, None]).round().clamp(-_STEPS, _STEPS).to(torch.int8).contiguous()
        out[name + SCALE] = scale
    return out


def unpack(packed: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The fp32 tensors of a network from :func:`pack`. Raises ValueError for what it would not have made."""
    out: dict[str, Tensor] = {}
    for name, tensor in packed.items():
        if name.endswith(SCALE) and name.removesuffix(SCALE) in packed:
            continue
        scale = packed.get(name + SCALE)
        if tensor.dtype is torch.float32 and scale is None and not name.endswith(SCALE):
            out[name] = tensor
        elif (
            tensor.dtype is torch.int8
            and tensor.dim() == 2
            and scale is not None
            and scale.dtype is torch.float32
            and scale.shape == tensor.shape[:1]
        ):
            out[name] = tensor.float() * scale[:, None]
        else:
            raise ValueError(
                f"{name} ({tensor.dtype}, {list(tensor.shape)}) is no packed weight: int8 matrices have fp32 scales"
                " beside them, and everything else is fp32"
            )
    return out


def widened(found: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The fp32 tensors of what a file of weights holds: packed, or in any floating type. Raises ValueError for what is neither."""
    if all(t.is_floating_point() for t in found.values()):
        return {k: v.float() for k, v in found.items()}
    return unpack(found)


def stored(manifest: store.Manifest) -> dict[str, Tensor]:
    """The fp32 tensors of a model's files of weights: packed ones, or in any floating type.

    Raises WeightsMissing for what is neither, and for two files that hold the same.
    """
    found: dict[str, Tensor] = {}
    for path in store.weights(manifest):
        more = load_file(path)
        if found.keys() & more.keys():
            raise WeightsMissing(f"{path} holds what another file of the model holds as well; reinstall the package")
        found |= more
    try:
        return widened(found)
    except ValueError as error:
        raise WeightsMissing(f"{manifest.folder} does not hold the network of its manifest: {error}") from None


def shards(packed: Mapping[str, Tensor], limit: int = LIMIT) -> list[dict[str, Tensor]]:
    """The tensors in as few files as hold ``limit`` bytes each, of about the same size; scales lie beside their matrix.

    Raises ValueError for a tensor that alone is larger.
    """
    groups = [
        {n: packed[n] for n in (name, name + SCALE) if n in packed} for name in packed if not name.endswith(SCALE)
    ]
    total = sum(map(_size, groups))
    count = max(1, -(-total // limit))
    while len(out := _filled(groups, total / count, count, limit)) > count:
        count = len(out)
    return out


def _filled(groups: Iterable[dict[str, Tensor]], wanted: float, count: int, limit: int) -> list[dict[str, Tensor]]:
    """Groups in order, cut where multiples of ``wanted`` bytes are nearest; more than ``count`` files where ``limit`` needs them."""
    out: list[dict[str, Tensor]] = [{}]
    before = held = 0
    for group in groups:
        size = _size(group)
        if size > limit:
            raise ValueError(f"{next(iter(group))} alone has {size:,} bytes, and a file holds {limit:,}")
        full = len(out) < count and before + size / 2 > wanted * len(out)
        if out[-1] and (full or held + size > limit):
            out.append({})
            held = 0
        out[-1] |= group
        before += size
        held += size
    return out


def _size(group: Mapping[str, Tensor]) -> int:
    return sum(t.numel() * t.element_size() for t in group.values())
