"""The options of commands that share state with other processes."""

from __future__ import annotations

from typing import Annotated

import typer

__all__ = ["SharedFailureOption", "SharedOption", "share"]

SharedOption = Annotated[
    str | None,
    typer.Option(
        envvar="GUARDRAILS_SHARED_STATE",
        help="Where processes of several machines share limits, rates and streams: redis://host:6379/0 (Redis or Valkey), or postgresql://user@host/database.",
    ),
]
SharedFailureOption = Annotated[
    str,
    typer.Option(help="A limit that cannot be counted there: block refuses, local counts in each process by itself."),
]


def share(url: str | None, on_failure: str) -> None:
    """Make the state at an address that of this process. Raises GuardrailsError."""
    if url is not None:
        from guardrails.stores import opened, use  # noqa: PLC0415

        use(opened(url, on_failure))
