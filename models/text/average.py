"""Averages two sets of weights of the same network (Wortsman et al. 2022, "Robust fine-tuning of zero-shot models").

    python -m models.text.average --one weights-1/model.safetensors --other runs/text/model.safetensors --share 0.7 --out runs/average

``--share`` (0 to 1) is how much of ``--other`` goes in. What was trained further on new texts keeps more of what it knew before than either
set of weights alone. ``held_out.jsonl`` of the run goes along, for :mod:`models.text.calibrate`.
"""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path

from safetensors.torch import save_file

from models.export import read_weights


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--one", type=Path, required=True)
    parser.add_argument("--other", type=Path, required=True)
    parser.add_argument("--share", type=float, default=0.7)
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    if not 0 <= args.share <= 1:
        parser.error("--share must be between 0 and 1")
    one, other = read_weights(args.one), read_weights(args.other)
    args.out.mkdir(parents=True, exist_ok=True)
    mixed = {k: ((1 - args.share) * one[k] + args.share * v).contiguous() for k, v in other.items()}
    save_file(mixed, args.out / "model.safetensors")
    held_out = args.other.parent / "held_out.jsonl"
    if held_out.exists():
        shutil.copyfile(held_out, args.out / "held_out.jsonl")


if __name__ == "__main__":
    main()
