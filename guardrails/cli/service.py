"""``guardrails serve``: the service."""

from __future__ import annotations

import ipaddress
from pathlib import Path
from typing import Annotated, Any

import typer

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
from guardrails.cli.serving import (
    AdminPortOption,
    CertKeyOption,
    CertOption,
    ClientCaOption,
    DrainOption,
    GraceOption,
    HostOption,
    OtlpOption,
    PortOption,
    ShadowOption,
    StateOption,
    certificate,
    log_to_streams,
    run,
)
from guardrails.cli.sharing import SharedFailureOption, SharedOption

__all__ = ["ENVIRONMENT", "serve", "settings"]

# Every setting is also a variable: `--max-body` is GUARDRAILS_SERVE_MAX_BODY.
ENVIRONMENT = "GUARDRAILS_SERVE"
# Options that say what to do now, and are no settings.
_NOT_SET = ("config", "check", "help")


def settings(command: Any) -> dict[str, Any]:
    """The parameters of the command by the names that a file of settings has for them."""
    return {p.opts[0].removeprefix("--"): p for p in command.params if p.name not in _NOT_SET}


def _from_file(context: typer.Context, path: Path | None) -> Path | None:
    """Options that are neither given nor in the environment come from this file."""
    if path is None or context.resilient_parsing:
        return path
    from guardrails.service.settings import read_settings  # noqa: PLC0415

    known = settings(context.command)
    found = read_settings(path, {name: p.multiple for name, p in known.items()})
    context.default_map = {known[name].name: value for name, value in found.items()}
    return path


_COUNT = 1_000_000_000_000


def serve(  # noqa: PLR0917 - a command's options
    policies: Annotated[
        str,
        typer.Option(
            envvar="GUARDRAILS_POLICIES",
            help="A folder of policies, each a guardrail; a folder with a tenants.yaml; or one policy.",
        ),
    ],
    config: Annotated[
        Path | None,
        typer.Option(is_eager=True, callback=_from_file, help="A YAML file of settings (docs/service-settings.md)."),
    ] = None,
    host: HostOption = "127.0.0.1",
    port: PortOption = 8081,
    keys: Annotated[
        Path | None,
        typer.Option(
            envvar="GUARDRAILS_KEYS", help="Who may call, and what they may do: a keys.yaml (docs/service.md)."
        ),
    ] = None,
    admin_port: AdminPortOption = None,
    state: StateOption = None,
    contract: Annotated[
        list[str] | None, typer.Option(help="A contract that is served; may be repeated. Without it, all are.")
    ] = None,
    max_body: Annotated[int, typer.Option(min=1, help="Bytes of a request's body, once it is inflated.")] = 16_000_000,
    open: Annotated[
        bool,
        typer.Option("--open", help="Let anybody check texts without a key, on other addresses than this machine's."),
    ] = False,
    requests_per_second: Annotated[
        float | None, typer.Option(min=0.001, help="A limit of each caller that keys.yaml gives none.")
    ] = None,
    burst: Annotated[int | None, typer.Option(min=1, help="Requests of a caller that may come at once.")] = None,
    requests_per_day: Annotated[
        int | None, typer.Option(min=1, max=_COUNT, help="A limit of each caller that keys.yaml gives none.")
    ] = None,
    text_units_per_day: Annotated[
        int | None, typer.Option(min=1, max=_COUNT, help="The same, in units of 1,000 characters.")
    ] = None,
    evidence: EvidenceOption = None,
    evidence_mode: EvidenceModeOption = "strict",
    evidence_on_failure: EvidenceFailureOption = "block",
    evidence_owner: EvidenceOwnerOption = None,
    evidence_sink: EvidenceSinkOption = None,
    evidence_keep_days: EvidenceKeepOption = None,
    evidence_witness: EvidenceWitnessOption = None,
    evidence_sample_days: EvidenceSampleDaysOption = None,
    evidence_sample_share: EvidenceSampleShareOption = 1.0,
    otlp: OtlpOption = None,
    shared_state: SharedOption = None,
    shared_state_on_failure: SharedFailureOption = "block",
    shadow: ShadowOption = None,
    tls_cert: CertOption = None,
    tls_key: CertKeyOption = None,
    tls_client_ca: ClientCaOption = None,
    workers: Annotated[
        int, typer.Option(min=1, max=256, help="Processes that answer; one more writes the evidence log of all.")
    ] = 1,
    workbench: Annotated[
        bool,
        typer.Option("--workbench", help="Serve the authors' pages at /workbench, for keys with the scope author."),
    ] = False,
    grace: GraceOption = 30.0,
    drain_delay: DrainOption = 0.0,
    check: Annotated[
        bool,
        typer.Option("--check", help="Look at everything, print what would be served and what is wrong, and exit."),
    ] = False,
) -> None:
    """Check texts over HTTP, in the contracts of Bedrock, OpenAI, Azure, Presidio and others.

    Runs until SIGTERM; exit code 0 when it ended in order, 1: could not run. --check: 0 when it could run, else 1.
    """
    from guardrails.errors import GuardrailsError  # noqa: PLC0415
    from guardrails.service.limits import Limits  # noqa: PLC0415
    from guardrails.service.settings import ServiceSettings  # noqa: PLC0415

    del config
    tls = certificate(tls_cert, tls_key, tls_client_ca)
    limits = {
        "requests_per_second": requests_per_second,
        "burst": burst,
        "requests_per_day": requests_per_day,
        "text_units_per_day": text_units_per_day,
    }
    Limits(**limits)  # type: ignore[arg-type]
    made = ServiceSettings(
        policies,
        keys=str(keys) if keys is not None else None,
        state=str(state) if state is not None else None,
        contracts=tuple(contract) if contract else None,
        pages=admin_port is None,
        max_body=max_body,
        evidence=evidence_settings(
            evidence,
            evidence_mode,
            evidence_on_failure,
            evidence_owner,
            evidence_sink,
            evidence_keep_days,
            evidence_witness,
            evidence_sample_days,
            evidence_sample_share,
        ),
        limits=limits,
        workbench=workbench,
        otlp=otlp,
        shared_state=shared_state,
        shared_state_on_failure=shared_state_on_failure,
        shadow=str(shadow) if shadow is not None else None,
    )
    if workbench and workers > 1:
        raise GuardrailsError(
            "the workbench keeps what it measures in one process: leave out --workers, or serve it apart with guardrails workbench"
        )
    if shadow is not None:
        from guardrails.asgi.shadowing import ShadowSettings  # noqa: PLC0415

        ShadowSettings.of(shadow)  # what is wrong is said here, not by each worker
    closed = open or _is_local(host)
    stranger = f"{host}: without keys everybody who reaches this address could call. Give --keys, listen on 127.0.0.1, or add --open"
    if check:
        _checked(made, tls, stranger if made.anybody and not closed else None)
        return
    if made.anybody and not closed:
        raise GuardrailsError(stranger)
    log_to_streams()
    if workers > 1:
        from guardrails.cli.processes import supervise  # noqa: PLC0415

        supervise(made, host, port, admin_port, workers, tls=tls, grace=grace, drain_delay=drain_delay)
        return
    run(made.app(), "guardrails serve: {}", host, port, admin_port, tls=tls, grace=grace, drain_delay=drain_delay)


def _is_local(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _checked(made: Any, tls: Any, stranger: str | None) -> None:
    """Say what would be served, and what is wrong. Exits with 1 when anything is. ``stranger``: what is said of an open service."""
    from guardrails.service.checkup import Checkup  # noqa: PLC0415

    seen = Checkup(made, tls)
    problems = list(seen.problems)
    if stranger is not None:
        problems.append(stranger)
    for line in seen.found:
        typer.echo(line)
    for line in problems:
        typer.echo(f"problem: {line}", err=True)
    if problems:
        raise typer.Exit(1)
