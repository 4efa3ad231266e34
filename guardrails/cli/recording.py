"""Options of the log of evidence, which several commands have."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

__all__ = [
    "EvidenceFailureOption",
    "EvidenceKeepOption",
    "EvidenceModeOption",
    "EvidenceOption",
    "EvidenceOwnerOption",
    "EvidenceSampleDaysOption",
    "EvidenceSampleShareOption",
    "EvidenceSinkOption",
    "EvidenceWitnessOption",
    "evidence_settings",
]

EvidenceOption = Annotated[
    Path | None,
    typer.Option(envvar="GUARDRAILS_EVIDENCE", help="Record every decision in a log in that directory."),
]
EvidenceModeOption = Annotated[
    str, typer.Option(help="strict: answers leave once their record is on the disk; fast: they do not wait for it.")
]
EvidenceFailureOption = Annotated[str, typer.Option(help="A decision that cannot be recorded: block it, or allow it.")]
EvidenceOwnerOption = Annotated[str | None, typer.Option(help="Who answers for decisions whose policy names nobody.")]
EvidenceSinkOption = Annotated[
    list[str] | None,
    typer.Option(
        envvar="GUARDRAILS_EVIDENCE_SINKS",
        help="Where records go besides: stdout, postgresql://user@host/database, s3://bucket/prefix; may be repeated.",
    ),
]
EvidenceKeepOption = Annotated[
    float | None,
    typer.Option(min=0, help="Remove records after so many days, once a witness has cosigned a checkpoint over them."),
]
EvidenceWitnessOption = Annotated[
    list[Path] | None, typer.Option(help="The public key (witness.vkey) of a witness; may be repeated.")
]
EvidenceSampleDaysOption = Annotated[
    float | None,
    typer.Option(
        min=0,
        help="Keep the texts of decisions for so many days, encrypted beside the log; without it, none is kept.",
    ),
]
EvidenceSampleShareOption = Annotated[
    float, typer.Option(min=0, max=1, help="Of which share of decisions, drawn by chance, texts are kept.")
]


def evidence_settings(  # noqa: PLR0917 - a command's options
    directory: Path | None,
    mode: str,
    on_failure: str,
    owner: str | None,
    sinks: list[str] | None = None,
    keep_days: float | None = None,
    witnesses: list[Path] | None = None,
    sample_days: float | None = None,
    sample_share: float = 1.0,
) -> Any:
    """The settings of the log that these options mean, None without a directory. Raises GuardrailsError, and BadParameter for options
    that mean nothing without others."""
    if sample_days is None and sample_share != 1:
        raise typer.BadParameter("say for how long texts are kept", param_hint="--evidence-sample-days")
    if directory is None:
        for given, told in ((sinks, "sinks follow a log"), (sample_days is not None, "samples lie beside a log")):
            if given:
                raise typer.BadParameter(f"{told}: name its directory", param_hint="--evidence")
        return None
    from guardrails.evidence import EvidenceSettings  # noqa: PLC0415

    return EvidenceSettings.of(
        {
            "directory": directory,
            "mode": mode,
            "on_failure": on_failure,
            "owner": owner,
            "sinks": sinks or (),
            "keep_days": keep_days,
            "witnesses": [path.read_text(encoding="utf-8").strip() for path in witnesses or ()],
            "sample_days": sample_days,
            "sample_share": sample_share,
        }
    )
