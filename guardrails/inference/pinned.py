"""sha256 of the shipped manifests; written by the recipes in `models/`."""

PINNED: dict[str, str] = {
    "text": "b02d5f6c6fba39da303380ae081420992735fa6a493e56c7ea01a71c26f35c81",
    "grounding": "4c00fe24299188a8cc54058c98515f2e7fd5240443880218609119bd3b26e5ee",
}
