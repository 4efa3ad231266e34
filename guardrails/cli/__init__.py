"""The command line for policy authors. Thin: parse, call, print."""

from __future__ import annotations

from guardrails.cli.app import main

__all__ = ["main"]
