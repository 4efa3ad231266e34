"""``guardrails import``: a policy made of what another product is configured with."""

from __future__ import annotations

import json
from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from guardrails.cli.options import JsonOption

if TYPE_CHECKING:
    from guardrails.migration import Imported

__all__ = ["import_"]


class SourceName(StrEnum):
    """Whose configuration a file is."""

    BEDROCK = "bedrock"
    LITELLM = "litellm"
    LLM_GUARD = "llm-guard"
    NEMO = "nemo"
    OPENAI_GUARDRAILS = "openai-guardrails"
    PRESIDIO = "presidio"


def import_(
    file: Annotated[
        Path,
        typer.Argument(
            help="A guardrail of Amazon Bedrock, LiteLLM's config.yaml, llm-guard's scanners.yml, a config.yml of NeMo Guardrails, "
            "a pipeline of openai-guardrails, or Presidio's recognisers."
        ),
    ],
    source: Annotated[
        SourceName | None, typer.Option("--from", help="Whose file it is; without it, its content says so.")
    ] = None,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Write the policy there.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Turn a configuration of another product into a policy file; what was kept, approximated and dropped is told line by line."""
    from guardrails.migration import import_file  # noqa: PLC0415

    imported = import_file(file, source.value if source is not None else None)
    if output is not None:
        output.write_text(imported.text, encoding="utf-8")
    if as_json:
        typer.echo(_as_json(imported))
        return
    if output is None:
        typer.echo(imported.text, nl=False)
    typer.echo(_told(imported, file.name), err=True, nl=False)


def _told(imported: Imported, file: str) -> str:
    """What became of the file, in the order of its lines. Of a Bedrock guardrail, of which nothing is lost, only what is not applied."""
    from guardrails.migration import BEDROCK, Fate  # noqa: PLC0415

    shown = [e for e in imported.entries if imported.source != BEDROCK or e.fate is not Fate.KEPT]
    lines = [f"note: {note}" for note in imported.notes] + [entry.render(file) for entry in shown]
    if imported.source != BEDROCK:
        counts = ", ".join(f"{imported.count(fate)} {fate.value}" for fate in Fate)
        lines.append(f"{file} ({imported.source}): {counts}")
    return "".join(f"{line}\n" for line in lines)


def _as_json(imported: Imported) -> str:
    """The policy and what became of every value, as JSON."""
    entries = [asdict(entry) for entry in imported.entries]
    told = {"source": imported.source, "policy": imported.document, "entries": entries, "notes": list(imported.notes)}
    return json.dumps(told, indent=2, ensure_ascii=False)
