"""``guardrails mcp``: a local MCP server under a policy."""

from __future__ import annotations

import json
import logging
import sys
from contextlib import nullcontext
from typing import Annotated

import typer

from guardrails.cli.options import AllowOption, PolicyOption
from guardrails.cli.recording import (
    EvidenceFailureOption,
    EvidenceKeepOption,
    EvidenceModeOption,
    EvidenceOption,
    EvidenceOwnerOption,
    EvidenceSampleDaysOption,
    EvidenceSampleShareOption,
    EvidenceSinkOption,
    EvidenceWitnessOption,
    evidence_settings,
)
from guardrails.types import Action

__all__ = ["mcp"]


def mcp(  # noqa: PLR0917 - a command's options
    policy: PolicyOption,
    command: Annotated[list[str], typer.Argument(metavar="COMMAND [ARGS]…", help="What starts the server.")],
    server: Annotated[str | None, typer.Option(help="What rules for calls of tools name the server by.")] = None,
    mcp_allow: AllowOption = None,
    evidence: EvidenceOption = None,
    evidence_mode: EvidenceModeOption = "strict",
    evidence_on_failure: EvidenceFailureOption = "block",
    evidence_owner: EvidenceOwnerOption = None,
    evidence_sink: EvidenceSinkOption = None,
    evidence_keep_days: EvidenceKeepOption = None,
    evidence_witness: EvidenceWitnessOption = None,
    evidence_sample_days: EvidenceSampleDaysOption = None,
    evidence_sample_share: EvidenceSampleShareOption = 1.0,
) -> None:
    """Run a local MCP server (stdio) with every message inspected. Exits with the server's status; 1: could not run.

    Messages that were masked or blocked are told on standard error, one JSON a line, beside what the server writes there.
    """
    from guardrails.decision import Decision  # noqa: PLC0415
    from guardrails.evidence import EvidenceLog  # noqa: PLC0415
    from guardrails.guard import Guard  # noqa: PLC0415
    from guardrails.proxy.stdio import Lines, run  # noqa: PLC0415

    logging.basicConfig(level=logging.WARNING, stream=sys.stderr, format="guardrails: %(message)s", force=True)

    def decided(decision: Decision) -> None:
        if decision.action is not Action.NONE:
            sys.stderr.write(json.dumps({"event": "decision", **decision.to_dict()}) + "\n")

    guard = Guard.from_file(policy)
    kept = (evidence_sink, evidence_keep_days, evidence_witness, evidence_sample_days, evidence_sample_share)
    settings = evidence_settings(evidence, evidence_mode, evidence_on_failure, evidence_owner, *kept)
    with EvidenceLog.open(settings) if settings is not None else nullcontext() as log:
        lines = Lines(guard, server=server, allowed=frozenset(mcp_allow or ()), decided=decided, evidence=log)
        code = run(command, lines)
    raise typer.Exit(code)
