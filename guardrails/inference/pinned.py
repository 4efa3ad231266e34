"""sha256 of the shipped manifests; written by the recipes in `models/`."""

PINNED: dict[str, str] = {
    "text": "3edd5626e17668d5b4f47e1a5090f0003c026e5d1aef7fda32b76b1057c59a39",
    "grounding": "62b575c152fe07fac976337f357d7442e6505d755ef3c92c58f8daa40ca0e9da",
}
