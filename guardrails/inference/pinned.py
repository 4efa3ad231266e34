"""sha256 of the shipped manifests; written by the recipes in `models/`."""

PINNED: dict[str, str] = {
    "text": "74d2f9a2e3b0f2df62e70d324f674819fd3e94ca7792daaf6182b521ce6da349",
    "grounding": "4c00fe24299188a8cc54058c98515f2e7fd5240443880218609119bd3b26e5ee",
}
