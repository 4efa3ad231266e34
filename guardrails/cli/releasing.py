"""``guardrails release``: versions of a policy, signed off by who answers for it, promoted and rolled back."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from guardrails.cli.options import JsonOption
from guardrails.cli.screens import aligned, visible

__all__ = ["release", "report"]

OK, NEGATIVE = 0, 2

release = typer.Typer(
    help="Versions of a policy: sign off, promote, roll back.", no_args_is_help=True, rich_markup_mode=None
)

FolderArgument = Annotated[
    Path, typer.Argument(metavar="DIR", help="The folder of the policy's versions, such as releases/bank.")
]
By = Annotated[str, typer.Option(help="Who does it. A policy is signed by its owner (metadata.owner).")]
Reason = Annotated[str, typer.Option(help="Why: it stays in the history.")]
LogOption = Annotated[
    Path | None,
    typer.Option("--log", help="A log of evidence that no other process writes: what is done is recorded there first."),
]


@release.command()
def sign(
    policy: Annotated[Path, typer.Argument(help="The policy file.")],
    into: Annotated[Path, typer.Option("--into", help="The folder of its versions, which is made if it is not there.")],
    by: By,
    reason: Reason,
    log: LogOption = None,
) -> None:
    """Make the next version of a policy, signed off by its owner. Its tests must pass."""
    from guardrails.release import Releases  # noqa: PLC0415

    with _recording(log) as record:
        version = Releases(into).sign(policy, by=by, reason=reason, record=record)
    tests = "no tests" if version.tests is None else f"{version.tests} tests passed"
    typer.echo(f"version {version.number} of {version.name} ({version.sha256[:12]}), {tests}: {version.path}")


@release.command()
def promote(
    folder: FolderArgument,
    number: Annotated[int, typer.Argument(metavar="VERSION", min=1, help="The version.")],
    by: By,
    reason: Reason,
    log: LogOption = None,
) -> None:
    """Put a version live. Servers whose policy is the file in DIR take it up at once."""
    from guardrails.release import Releases  # noqa: PLC0415

    with _recording(log) as record:
        version = Releases(folder).promote(number, by=by, reason=reason, record=record)
    typer.echo(
        f"version {version.number} of {version.name} ({version.sha256[:12]}) is live: {folder / version.path.name}"
    )


@release.command()
def rollback(folder: FolderArgument, by: By, reason: Reason, log: LogOption = None) -> None:
    """Put the version live that was live before."""
    from guardrails.release import Releases  # noqa: PLC0415

    with _recording(log) as record:
        version = Releases(folder).roll_back(by=by, reason=reason, record=record)
    typer.echo(f"version {version.number} of {version.name} ({version.sha256[:12]}) is live again")


@release.command()
def history(folder: FolderArgument, as_json: JsonOption = False) -> None:
    """Print who signed, promoted and rolled back what, when and why. Exit code 0, 1: there is none, or a version was changed."""
    from guardrails.errors import GuardrailsError  # noqa: PLC0415
    from guardrails.release import Releases  # noqa: PLC0415

    releases = Releases(folder)
    events = releases.history()
    if not events:
        raise GuardrailsError(f"{folder}: nothing was released here; sign a version with guardrails release sign")
    if as_json:
        typer.echo(
            json.dumps({"live": releases.live, "events": [asdict(e) for e in events]}, indent=2, ensure_ascii=False)
        )
    else:
        rows = [(e.at, e.action, str(e.version), e.sha256[:12], visible(e.by), visible(e.reason)) for e in events]
        for line in aligned([("time", "action", "version", "policy", "by", "why"), *rows]):
            typer.echo(line)
        typer.echo(f"live: {releases.live or 'none'}")
    for version in releases.versions():
        releases.load(version.number)


@contextmanager
def _recording(log: Path | None) -> Iterator[Callable[..., Any] | None]:
    """How to record an event in that log, None without one."""
    if log is None:
        yield None
        return
    from guardrails.evidence import EvidenceLog  # noqa: PLC0415

    with EvidenceLog.open(log) as opened:
        yield opened.event


def report(  # noqa: PLR0917 - a command's options
    policy: Annotated[str, typer.Argument(help="A policy file, or a shipped policy's name.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="Write the page there.")],
    data: Annotated[
        Path | None, typer.Option(help="Labelled texts to measure it on, as guardrails eval reads them.")
    ] = None,
    since: Annotated[str | None, typer.Option(help="An older policy: what changed since.")] = None,
    releases: Annotated[
        Path | None, typer.Option(help="The folder of its versions: their history, and what changed since the last.")
    ] = None,
    log: Annotated[Path | None, typer.Option("--log", help="A log of evidence, which is verified.")] = None,
) -> None:
    """Write one page about a policy for whoever answers for it. Exit code 0: written, 2: a test failed or the log is not what was written, 1: could not run."""
    from guardrails.policytest import Status  # noqa: PLC0415
    from guardrails.riskreport import gather, page  # noqa: PLC0415

    contents = gather(policy, data=data, since=since, releases=releases, log=log)
    output.write_text(page(contents), encoding="utf-8", errors="backslashreplace")
    tests, proof = contents.tests, contents.proof
    failed = tests is not None and (tests.error is not None or tests.count(Status.PASS) < len(tests.outcomes))
    raise typer.Exit(NEGATIVE if failed or (proof is not None and not proof.found.ok) else OK)
