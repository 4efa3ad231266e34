"""sha256 of the shipped manifests; written by the recipes in `models/`."""

PINNED: dict[str, str] = {
    "text": "1663dd5efe45c986d3d07bfd51d5e8d83860bb87894add4c68e55e8998f0df53",
    "grounding": "95146b08c1c0b7322b3905f9d76765deea37b3e371e04cc68c639be6ffbefe43",
}
