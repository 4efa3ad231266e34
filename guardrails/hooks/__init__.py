"""Hooks of coding agents: what an agent is about to read or do, decided by a policy and answered in the agent's own words.

:mod:`~guardrails.hooks.agents` reads events and writes answers, :mod:`~guardrails.hooks.judging` decides, and
:mod:`~guardrails.hooks.command` is the program that an agent runs.
"""

from __future__ import annotations

__all__: list[str] = []
