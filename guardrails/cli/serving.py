"""``guardrails proxy`` and ``guardrails demo``: the commands that serve."""

from __future__ import annotations

import logging
import sys
import traceback
from pathlib import Path
from typing import Annotated, Any

import typer

from guardrails.cli.options import AllowOption
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
from guardrails.cli.sharing import SharedFailureOption, SharedOption, share

__all__ = [
    "AdminPortOption",
    "CertKeyOption",
    "CertOption",
    "ClientCaOption",
    "DrainOption",
    "GraceOption",
    "HostOption",
    "OtlpOption",
    "PortOption",
    "ShadowOption",
    "StateOption",
    "address",
    "certificate",
    "demo",
    "log_to_streams",
    "proxy",
    "run",
]

HostOption = Annotated[str, typer.Option(help="The address to listen on; 0.0.0.0 for all.")]
PortOption = Annotated[int, typer.Option(min=0, max=65_535, help="The port to listen on; 0 takes any free one.")]

AdminPortOption = Annotated[
    int | None, typer.Option(min=0, max=65_535, help="Serve /healthz, /readyz and /metrics there and not to clients.")
]
StateOption = Annotated[Path | None, typer.Option(help="A folder where the last good policies outlive a restart.")]
CertOption = Annotated[Path | None, typer.Option(help="Serve https with this certificate chain.")]
CertKeyOption = Annotated[Path | None, typer.Option(help="The certificate's key.")]
ClientCaOption = Annotated[
    Path | None, typer.Option(help="Ask each client for a certificate that one of these authorities issued.")
]
GraceOption = Annotated[float, typer.Option(min=1, help="Seconds that answers in work have after SIGTERM.")]
DrainOption = Annotated[
    float, typer.Option(min=0, help="Seconds between 'not ready' and the last accepted connection, after SIGTERM.")
]

OtlpOption = Annotated[
    str | None,
    typer.Option(
        envvar="GUARDRAILS_OTLP",
        help="Where OpenTelemetry's traces and metrics are sent, over HTTP, such as http://127.0.0.1:4318.",
    ),
]


ShadowOption = Annotated[
    Path | None,
    typer.Option(
        envvar="GUARDRAILS_SHADOW",
        help="A file that names a candidate policy: it judges the same texts, acts on nothing, and is counted (docs/release.md).",
    ),
]


UpstreamOption = Annotated[
    str, typer.Option(envvar="GUARDRAILS_UPSTREAM", help="The chat API's address, such as http://127.0.0.1:11434.")
]
PoliciesOption = Annotated[
    str,
    typer.Option(envvar="GUARDRAILS_POLICIES", help="A folder with a tenants.yaml, or one policy for everybody."),
]
KeyEnvOption = Annotated[
    str | None,
    typer.Option(metavar="NAME", help="The environment variable with the proxy's own key for the upstream."),
]
KeyHeaderOption = Annotated[
    str, typer.Option(help="Where the upstream reads its key: authorization, x-api-key, x-goog-api-key, api-key.")
]
UpstreamCaOption = Annotated[Path | None, typer.Option(help="The certificates an https upstream is verified against.")]
SilenceOption = Annotated[float, typer.Option(min=0.1, help="Seconds the upstream may be silent.")]
ConnectionsOption = Annotated[int, typer.Option(min=1, help="Connections to the upstream at once.")]
MaxBodyOption = Annotated[int, typer.Option(min=1, help="Bytes of a request's body, once it is inflated.")]
ExemptOption = Annotated[
    list[str] | None,
    typer.Option(help="A route that is forwarded uninspected, such as 'GET /health'; may be repeated."),
]
FormatsOption = Annotated[
    Path | None, typer.Option(help="Formats of your own, described in YAML; see examples/formats.yaml.")
]
RouteOption = Annotated[
    list[str] | None,
    typer.Option(help="A path that speaks a known format, such as '/agents/travel=a2a'; may be repeated."),
]
A2AOption = Annotated[
    str,
    typer.Option(
        "--a2a",
        help="served: agents of yours speak A2A behind the proxy; called: agents of others, whose answers go into a model.",
    ),
]
CorsOriginOption = Annotated[
    list[str] | None,
    typer.Option(
        help="A page's origin that may call, such as https://app.example.com, or *; may be repeated."
        " Without it, the upstream decides."
    ),
]
CorsCredentialsOption = Annotated[
    bool, typer.Option("--cors-credentials", help="Let browsers send cookies from those origins.")
]
CorsExposeOption = Annotated[
    list[str] | None, typer.Option(help="A header of answers that those pages may read; may be repeated.")
]
ExplainOption = Annotated[
    bool,
    typer.Option(
        "--explain", help="Name the rules that fired in x-guardrails-rules. For development, not for strangers."
    ),
]


def proxy(  # noqa: PLR0917 - a command's options
    upstream: UpstreamOption,
    policies: PoliciesOption,
    host: HostOption = "127.0.0.1",
    port: PortOption = 8080,
    admin_port: AdminPortOption = None,
    state: StateOption = None,
    upstream_key_env: KeyEnvOption = None,
    upstream_key_header: KeyHeaderOption = "authorization",
    upstream_ca: UpstreamCaOption = None,
    silence: SilenceOption = 300.0,
    connections: ConnectionsOption = 1_000,
    max_body: MaxBodyOption = 64_000_000,
    exempt: ExemptOption = None,
    formats: FormatsOption = None,
    route: RouteOption = None,
    mcp_allow: AllowOption = None,
    a2a: A2AOption = "served",
    cors_origin: CorsOriginOption = None,
    cors_credentials: CorsCredentialsOption = False,
    cors_expose: CorsExposeOption = None,
    explain: ExplainOption = False,
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
    grace: GraceOption = 30.0,
    drain_delay: DrainOption = 0.0,
) -> None:
    """Put the policies in front of a chat API, an MCP server or an agent. Runs until SIGTERM; exit code 0 when it ended in order, 1: could not run."""
    from guardrails.proxy import proxy_app  # noqa: PLC0415

    tls = certificate(tls_cert, tls_key, tls_client_ca)
    kept = (evidence_sink, evidence_keep_days, evidence_witness, evidence_sample_days, evidence_sample_share)
    log = evidence_settings(evidence, evidence_mode, evidence_on_failure, evidence_owner, *kept)
    log_to_streams()
    share(shared_state, shared_state_on_failure)
    app = proxy_app(
        upstream, policies, **_upstream(upstream_key_env, upstream_key_header, upstream_ca, silence, connections),
        max_body=max_body, pages=admin_port is None, cors=_cors(cors_origin, cors_credentials, cors_expose),
        state=state, explain=explain,
        **_inspected(exempt, mcp_allow, formats, route, a2a), **_limits(max_body), evidence=log, otlp=otlp, shadow=shadow,
    )  # fmt: skip
    told = f"guardrails proxy: {{}} -> {upstream}"
    run(app, told, host, port, admin_port, tls=tls, grace=grace, drain_delay=drain_delay)


def _inspected(
    exempt: list[str] | None, mcp_allow: list[str] | None, formats: Path | None, routes: list[str] | None, a2a: str
) -> dict[str, Any]:
    """The settings for what is inspected, and as what. Raises GuardrailsError and BadParameter."""
    from guardrails.wire.custom import load_formats  # noqa: PLC0415

    custom = load_formats(formats) if formats is not None else ()
    named: dict[str, str] = {}
    for route in routes or ():
        path, sign, name = route.rpartition("=")
        if not sign or "/" not in path:
            raise typer.BadParameter(
                f"{route!r}: write a route and a format, such as '/ask=openai.chat'", param_hint="--route"
            )
        named[path.strip()] = name.strip()
    told: dict[str, Any] = {"a2a": a2a, **({"formats": named} if named else {})}
    return {"exempt": tuple(exempt or ()), "mcp_allow": tuple(mcp_allow or ()), "custom": custom, **told}


def _upstream(env: str | None, header: str, ca: Path | None, silence: float, connections: int) -> dict[str, Any]:
    """How the upstream is reached. Raises BadParameter and GuardrailsError."""
    from guardrails.proxy import Timeouts  # noqa: PLC0415

    return {
        "credential": _credential(env, header),
        "timeouts": Timeouts(silence=silence),
        "max_connections": connections,
        "ca_file": str(ca) if ca is not None else None,
    }


def _credential(env: str | None, header: str) -> Any:
    """The proxy's own key for the upstream, None without one. Raises BadParameter for a header alone."""
    from guardrails.proxy import Credential  # noqa: PLC0415

    if env is None and header != "authorization":
        raise typer.BadParameter("there is no --upstream-key-env to send in it", param_hint="--upstream-key-header")
    return Credential.from_env(env, header) if env else None


def _cors(origins: list[str] | None, credentials: bool, expose: list[str] | None) -> Any:
    """Which browsers' pages may read answers, None for none. Raises BadParameter for the rest without an origin."""
    from guardrails.proxy import Cors  # noqa: PLC0415

    if not origins and (credentials or expose):
        raise typer.BadParameter("name the origins that it is for", param_hint="--cors-origin")
    return Cors(tuple(origins), credentials, tuple(expose or ())) if origins else None


def _limits(max_body: int) -> dict[str, Any]:
    """The settings for the limits of requests and of answers, for bodies of so many bytes."""
    from guardrails.wire.strict import BodyLimits  # noqa: PLC0415

    # A value takes some bytes at least: the bound on how many grows with the body's. An answer may be vectors.
    limits = BodyLimits(
        bytes=max_body,
        nodes=max(100_000, max_body // 500),
        numbers=max(1_000_000, max_body // 50),
        string=max(2_000_000, max_body // 8),
    )
    answers = BodyLimits(bytes=max(max_body, 16_000_000), nodes=1_000_000, string=max(max_body, 2_000_000))
    return {"limits": limits, "answer_limits": answers}


def demo(host: HostOption = "127.0.0.1", port: PortOption = 8080) -> None:
    """Start a chat API with canned answers behind two tenants' policies, and print what to try. Runs until Ctrl+C."""
    from guardrails.demo.running import demo_app, what_to_try  # noqa: PLC0415
    from guardrails.proxy import serve  # noqa: PLC0415
    from guardrails.proxy.serving import bound  # noqa: PLC0415

    log_to_streams()
    app = demo_app()
    listener = bound(host, port)
    serve(app, listener=listener, grace_s=5, on_start=lambda: typer.echo(what_to_try(address(listener))))


def certificate(chain: Path | None, key: Path | None, client_ca: Path | None) -> Any:
    """The files for https as :class:`~guardrails.proxy.serving.Tls`, None without a certificate. Raises BadParameter for one of the two
    alone, or for authorities of clients without them."""
    from guardrails.proxy.serving import Tls  # noqa: PLC0415

    if (chain is None) != (key is None):
        raise typer.BadParameter("a certificate and its key come together", param_hint="--tls-cert / --tls-key")
    if chain is None:
        if client_ca is not None:
            raise typer.BadParameter("clients show certificates over https only", param_hint="--tls-client-ca")
        return None
    return Tls(str(chain), str(key), str(client_ca) if client_ca is not None else None)


def run(
    app: Any,
    told: str,
    host: str,
    port: int,
    admin_port: int | None,
    *,
    tls: Any,
    grace: float,
    drain_delay: float,
) -> None:
    """Serve until SIGTERM. ``told``: what is said at the start, with ``{}`` for the address. Raises GuardrailsError for a port that is taken."""
    from guardrails.errors import GuardrailsError  # noqa: PLC0415
    from guardrails.proxy import serve  # noqa: PLC0415
    from guardrails.proxy.serving import bound  # noqa: PLC0415

    listener = bound(host, port)
    try:
        admin = bound(host, admin_port) if admin_port is not None else None
    except GuardrailsError:
        listener.close()
        raise
    place = address(listener, tls=tls is not None)

    def started() -> None:
        typer.echo(told.replace("{}", place, 1), err=True)
        if admin is not None:
            typer.echo(f"operator's pages: {address(admin)}", err=True)

    serve(app, listener=listener, admin=admin, grace_s=grace, drain_delay_s=drain_delay, tls=tls, on_start=started)


def address(listener: Any, *, tls: bool = False) -> str:
    """Where a listener can be reached."""
    host, port = listener.getsockname()[:2]
    return f"http{'s' if tls else ''}://{f'[{host}]' if ':' in host else host}:{port}"


class _Quiet(logging.Formatter):
    """A traceback without the exception's message, which a library may have made of a text that was checked."""

    def formatException(self, ei: Any) -> str:  # noqa: N802 - logging's name
        frames = traceback.extract_tb(ei[2])
        places = " < ".join(f"{Path(f.filename).name}:{f.lineno} {f.name}" for f in reversed(frames[-6:]))
        return f"{ei[0].__name__ if ei[0] is not None else 'exception'} at {places}"


def log_to_streams() -> None:
    """Decisions to standard output, one JSON a line; everything else to standard error."""
    rest = logging.StreamHandler(sys.stderr)
    rest.setFormatter(_Quiet("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logging.basicConfig(level=logging.INFO, handlers=[rest], force=True)
    for noisy in ("httpx", "httpcore", "watchfiles"):  # they write addresses and paths
        logging.getLogger(noisy).setLevel(logging.WARNING)
    decisions = logging.getLogger("guardrails.decisions")
    lines = logging.StreamHandler(sys.stdout)
    lines.setFormatter(_Quiet("%(message)s"))
    decisions.handlers = [lines]
    decisions.propagate = False
