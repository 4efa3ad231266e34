"""Frameworks under a policy, in their own process: :mod:`~guardrails.integrations.langchain`,
:mod:`~guardrails.integrations.llama_index`, :mod:`~guardrails.integrations.openai_agents`,
:mod:`~guardrails.integrations.pydantic_ai`, :mod:`~guardrails.integrations.google_adk` and
:mod:`~guardrails.integrations.agent_control`.

Each module needs the framework that it is named after, an extra of this package (``onepolicy-guardrails[langchain]``), and imports
nothing of the others; ``agent_control`` imports nothing at all.
"""

from __future__ import annotations

__all__: list[str] = []
