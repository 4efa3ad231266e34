"""The workbench: a local web application in which the author of a policy writes, tries and calibrates it.

The same engine and the same files as the command line: what is shown here is what ``guardrails lint``, ``check`` and ``test`` say.
"""

from __future__ import annotations

from guardrails.workbench.app import workbench_app

__all__ = ["workbench_app"]
