"""Policy files: load, validate, inherit, explain. The identity of a policy is the sha256 of what was loaded."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from guardrails.policy.loading import load, loads, parse_document

if TYPE_CHECKING:
    from guardrails.policy.dumping import dump
    from guardrails.policy.explaining import Setting, explain
    from guardrails.policy.linting import lint
    from guardrails.policy.schema import json_schema

__all__ = ["Setting", "dump", "explain", "json_schema", "lint", "load", "loads", "parse_document"]

_LAZY = {
    "dump": "dumping",
    "Setting": "explaining",
    "explain": "explaining",
    "lint": "linting",
    "json_schema": "schema",
}


def __getattr__(name: str) -> Any:
    # Authors' tools; a guard in production never needs them.
    if name in _LAZY:
        from importlib import import_module  # noqa: PLC0415

        return getattr(import_module(f"guardrails.policy.{_LAZY[name]}"), name)
    raise AttributeError(f"module 'guardrails.policy' has no attribute {name!r}")
