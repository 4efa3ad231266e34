"""The weights of the large text model of onepolicy-guardrails."""

from __future__ import annotations

from pathlib import Path

__all__ = ["folder"]


def folder() -> Path:
    """The folder of the model: its manifest, and the files that the manifest names."""
    return Path(__file__).parent / "weights"
