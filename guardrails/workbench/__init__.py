"""The workbench: a local web application in which the author of a policy writes, tries and calibrates it.

The same engine and the same files as the command line: what is shown here is what ``guardrails lint``, ``check`` and ``test`` say.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from guardrails.workbench.app import workbench_app

__all__ = ["workbench_app"]


def __getattr__(name: str) -> Any:
    # `guardrails try` shows what the workbench shows, and needs no web server.
    if name == "workbench_app":
        from guardrails.workbench.app import workbench_app as found  # noqa: PLC0415

        return found
    raise AttributeError(f"module 'guardrails.workbench' has no attribute {name!r}")
