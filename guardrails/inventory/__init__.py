"""The tools that a server of MCP has, compared with the lock that pins them: what ``guardrails tools`` is made of.

:mod:`~guardrails.inventory.asking` asks a server, :mod:`~guardrails.inventory.differing` compares, and :mod:`~guardrails.inventory.showing`
makes texts of strangers fit for a terminal.
"""

from __future__ import annotations

from guardrails.inventory.asking import listed
from guardrails.inventory.differing import Change, Difference, compared

__all__ = ["Change", "Difference", "compared", "listed"]
