"""One policy, one call: the guardrails layer in front of a language model.

>>> from guardrails import Guard
>>> guard = Guard.from_file("policies/retail-bank.yaml")
>>> guard.check("My card is 4111 1111 1111 1111", source="INPUT").action
<Action.MASKED: 'MASKED'>
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from guardrails.errors import GuardrailsError, PolicyError
from guardrails.types import Action, Finding, Piece, Report, Source

if TYPE_CHECKING:
    from guardrails.guard import Guard, check

__version__ = "0.1.0"
# Read, without importing, by the console script: other distributions install a package of this name too.
__distribution__ = "onepolicy-guardrails"

__all__ = [
    "Action",
    "Finding",
    "Guard",
    "GuardrailsError",
    "Piece",
    "PolicyError",
    "Report",
    "Source",
    "check",
]


def __getattr__(name: str) -> Any:
    # Guard pulls in the whole engine; `import guardrails` alone stays cheap.
    if name in ("Guard", "check"):
        from guardrails import guard  # noqa: PLC0415 - lazy on purpose

        return getattr(guard, name)
    raise AttributeError(f"module 'guardrails' has no attribute {name!r}")
