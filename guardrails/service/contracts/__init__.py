"""The contracts that the service speaks: a name and the module of each. Each module has a ``CONTRACT``."""

from __future__ import annotations

from collections.abc import Iterable
from importlib import import_module

from guardrails.errors import GuardrailsError
from guardrails.service.calls import Contract

__all__ = ["CONTRACTS", "contracts"]

CONTRACTS: dict[str, str] = {
    "check": "guardrails.service.contracts.check",
    "bedrock": "guardrails.service.contracts.bedrock_runtime",
    "bedrock-control": "guardrails.service.contracts.bedrock_control",
    "openai": "guardrails.service.contracts.openai_moderations",
    "litellm": "guardrails.service.contracts.litellm",
    "presidio": "guardrails.service.contracts.presidio",
    "azure": "guardrails.service.contracts.azure",
    "nemo": "guardrails.service.contracts.nemo",
    "llm-guard": "guardrails.service.contracts.llm_guard",
    "agentgateway": "guardrails.service.contracts.agentgateway",
    "portkey": "guardrails.service.contracts.portkey",
    "hooks": "guardrails.service.contracts.hooks",
}


def contracts(names: Iterable[str] | None = None) -> list[Contract]:
    """These contracts, or all. Raises GuardrailsError for a name that is none."""
    chosen = list(CONTRACTS) if names is None else list(dict.fromkeys(names))
    for name in chosen:
        if name not in CONTRACTS:
            raise GuardrailsError(f"{name!r} is no contract; there are {', '.join(CONTRACTS)}")
    return [import_module(CONTRACTS[name]).CONTRACT for name in chosen]
