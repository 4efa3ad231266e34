"""Policy files: load, validate, inherit, explain. The identity of a policy is the sha256 of what was loaded."""

from __future__ import annotations

from guardrails.policy.load import load, loads, parse_document

__all__ = ["load", "loads", "parse_document"]
