"""sha256 of the shipped manifests; written by the recipes in `models/`."""

PINNED: dict[str, str] = {
    "text": "e50d871ca54706d4aff55058201a07a6e76e14971818da24e65a6214d0665d02",
    "large": "930cb133588f5a9cec1bfc5bf3862c9462f74fd62d5f55feec7afa4c56b56b8b",
    "grounding": "a421c264c43dff58365f2c45ad370f804d24f2d9bc4f91a0b8a9cc4e8bd62942",
}
