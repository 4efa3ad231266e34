"""Cases added to a test file: comments and order stay, and what cannot be read back is not written."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from guardrails.errors import GuardrailsError, PolicyError
from guardrails.policy import dump, editing
from guardrails.policytest.cases import read_cases

__all__ = ["add_cases"]


def add_cases(path: Path, cases: Sequence[Mapping[str, Any]]) -> None:
    """Add cases at the end of a test file, which is made where there is none; in one step.

    Raises GuardrailsError for a text that cannot stand in such a file, and where somebody changed the file meanwhile.
    """
    before = path.read_bytes() if path.exists() else None
    if before is None:
        text = dump({"cases": [dict(case) for case in cases]})
    else:
        text = editing.edit(
            before.decode("utf-8"),
            lambda document: document.setdefault("cases", []).extend(dict(case) for case in cases),
            name=path.name,
        )
    beside = path.with_name(f".{secrets.token_hex(4)}.{path.name}")
    try:
        with beside.open("x", encoding="utf-8", newline="") as file:
            file.write(text)
        read_cases(beside)
        if (path.read_bytes() if path.exists() else None) != before:
            raise GuardrailsError(
                f"{path.name}: somebody changed the file meanwhile; nothing was written, so do it again"
            )
        beside.replace(path)
    except PolicyError as error:
        problem = error.problems[0]
        raise GuardrailsError(f"{path.name}: this text cannot stand in a test file: {problem.message}") from None
    finally:
        beside.unlink(missing_ok=True)
