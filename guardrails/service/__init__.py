"""The service: guardrails over HTTP, in the contracts that clients and gateways speak already.

:func:`service_app` makes the application; ``guardrails serve`` runs it. Each contract is a module of
:mod:`guardrails.service.contracts`: parse, check, shape the answer, and errors in that product's own form.
"""

from __future__ import annotations

from guardrails.service.app import ServiceApp, service_app

__all__ = ["ServiceApp", "service_app"]
