"""Ids of guardrails, as Amazon Bedrock writes them: lower-case letters and digits, alone or at the end of an ARN."""

from __future__ import annotations

import re

__all__ = ["arn", "slug"]

_ARN = re.compile(r"arn:aws(?:-[^:]+)?:bedrock:[a-z0-9-]{1,20}:[0-9]{12}:guardrail/([a-z0-9]+)")
_LEFT_OUT = re.compile(r"[^a-z0-9]")


def slug(name: str) -> str:
    """The id of a name or an ARN: ``retail-bank`` is ``retailbank``."""
    found = _ARN.fullmatch(name)
    return found[1] if found else _LEFT_OUT.sub("", name.lower())


def arn(id_: str) -> str:
    """The ARN of a guardrail of this service; its region is ``local`` and its account all zeros."""
    return f"arn:aws:bedrock:local:000000000000:guardrail/{id_}"
