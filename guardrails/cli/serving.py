"""``guardrails proxy`` and ``guardrails demo``: the commands that serve."""

from __future__ import annotations

import logging
import sys
import traceback
from pathlib import Path
from typing import Annotated, Any

import typer

__all__ = ["demo", "proxy"]

HostOption = Annotated[str, typer.Option(help="The address to listen on; 0.0.0.0 for all.")]
PortOption = Annotated[int, typer.Option(min=0, max=65_535, help="The port to listen on; 0 takes any free one.")]


def proxy(  # noqa: PLR0917 - a command's options
    upstream: Annotated[
        str, typer.Option(envvar="GUARDRAILS_UPSTREAM", help="The chat API's address, such as http://127.0.0.1:11434.")
    ],
    policies: Annotated[
        str,
        typer.Option(envvar="GUARDRAILS_POLICIES", help="A folder with a tenants.yaml, or one policy for everybody."),
    ],
    host: HostOption = "127.0.0.1",
    port: PortOption = 8080,
    admin_port: Annotated[
        int | None,
        typer.Option(min=0, max=65_535, help="Serve /healthz, /readyz and /metrics there and not to clients."),
    ] = None,
    state: Annotated[Path | None, typer.Option(help="A folder where the last good policies outlive a restart.")] = None,
    upstream_key_env: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="The environment variable with the proxy's own key for the upstream."),
    ] = None,
    upstream_key_header: Annotated[
        str, typer.Option(help="Where the upstream reads its key: authorization, x-api-key, x-goog-api-key, api-key.")
    ] = "authorization",
    upstream_ca: Annotated[
        Path | None, typer.Option(help="The certificates an https upstream is verified against.")
    ] = None,
    silence: Annotated[float, typer.Option(min=0.1, help="Seconds the upstream may be silent.")] = 300.0,
    connections: Annotated[int, typer.Option(min=1, help="Connections to the upstream at once.")] = 1_000,
    max_body: Annotated[int, typer.Option(min=1, help="Bytes of a request's body, once it is inflated.")] = 64_000_000,
    exempt: Annotated[
        list[str] | None,
        typer.Option(help="A route that is forwarded uninspected, such as 'GET /health'; may be repeated."),
    ] = None,
    formats: Annotated[
        Path | None, typer.Option(help="Formats of your own, described in YAML; see examples/formats.yaml.")
    ] = None,
    cors_origin: Annotated[
        list[str] | None,
        typer.Option(
            help="A page's origin that may call, such as https://app.example.com, or *; may be repeated."
            " Without it, the upstream decides."
        ),
    ] = None,
    cors_credentials: Annotated[
        bool, typer.Option("--cors-credentials", help="Let browsers send cookies from those origins.")
    ] = False,
    cors_expose: Annotated[
        list[str] | None, typer.Option(help="A header of answers that those pages may read; may be repeated.")
    ] = None,
    explain: Annotated[
        bool,
        typer.Option(
            "--explain", help="Name the rules that fired in x-guardrails-rules. For development, not for strangers."
        ),
    ] = False,
    tls_cert: Annotated[Path | None, typer.Option(help="Serve https with this certificate chain.")] = None,
    tls_key: Annotated[Path | None, typer.Option(help="The certificate's key.")] = None,
    grace: Annotated[float, typer.Option(min=1, help="Seconds that answers in work have after SIGTERM.")] = 30.0,
    drain_delay: Annotated[
        float, typer.Option(min=0, help="Seconds between 'not ready' and the last accepted connection, after SIGTERM.")
    ] = 0.0,
) -> None:
    """Put the policies in front of a chat API. Runs until SIGTERM; exit code 0 when it ended in order, 1: could not run."""
    from guardrails.errors import GuardrailsError  # noqa: PLC0415
    from guardrails.proxy import Cors, Credential, Timeouts, proxy_app, serve  # noqa: PLC0415
    from guardrails.proxy.serving import bound  # noqa: PLC0415
    from guardrails.wire.custom import load_formats  # noqa: PLC0415
    from guardrails.wire.strict import BodyLimits  # noqa: PLC0415

    if (tls_cert is None) != (tls_key is None):
        raise typer.BadParameter("a certificate and its key come together", param_hint="--tls-cert / --tls-key")
    if upstream_key_env is None and upstream_key_header != "authorization":
        raise typer.BadParameter("there is no --upstream-key-env to send in it", param_hint="--upstream-key-header")
    if not cors_origin and (cors_credentials or cors_expose):
        raise typer.BadParameter("name the origins that it is for", param_hint="--cors-origin")
    _log_to_streams()
    # A value takes some bytes at least: the bound on how many grows with the body's. An answer may be vectors.
    limits = BodyLimits(
        bytes=max_body,
        nodes=max(100_000, max_body // 500),
        numbers=max(1_000_000, max_body // 50),
        string=max(2_000_000, max_body // 8),
    )
    answers = BodyLimits(bytes=max(max_body, 16_000_000), nodes=1_000_000, string=max(max_body, 2_000_000))
    app = proxy_app(
        upstream,
        policies,
        credential=Credential.from_env(upstream_key_env, upstream_key_header) if upstream_key_env else None,
        timeouts=Timeouts(silence=silence),
        max_connections=connections,
        max_body=max_body,
        ca_file=str(upstream_ca) if upstream_ca is not None else None,
        pages=admin_port is None,
        cors=Cors(tuple(cors_origin), cors_credentials, tuple(cors_expose or ())) if cors_origin else None,
        state=state,
        exempt=tuple(exempt or ()),
        explain=explain,
        limits=limits,
        answer_limits=answers,
        custom=load_formats(formats) if formats is not None else (),
    )
    listener = bound(host, port)
    try:
        admin = bound(host, admin_port) if admin_port is not None else None
    except GuardrailsError:
        listener.close()
        raise
    told = _address(listener, tls=tls_cert is not None)

    def started() -> None:
        typer.echo(f"guardrails proxy: {told} -> {upstream}", err=True)
        if admin is not None:
            typer.echo(f"operator's pages: {_address(admin)}", err=True)

    serve(
        app,
        listener=listener,
        admin=admin,
        grace_s=grace,
        drain_delay_s=drain_delay,
        tls=(str(tls_cert), str(tls_key)) if tls_cert is not None else None,
        on_start=started,
    )


def demo(host: HostOption = "127.0.0.1", port: PortOption = 8080) -> None:
    """Start a chat API with canned answers behind two tenants' policies, and print what to try. Runs until Ctrl+C."""
    from guardrails.demo.running import demo_app, what_to_try  # noqa: PLC0415
    from guardrails.proxy import serve  # noqa: PLC0415
    from guardrails.proxy.serving import bound  # noqa: PLC0415

    _log_to_streams()
    app = demo_app()
    listener = bound(host, port)
    serve(app, listener=listener, grace_s=5, on_start=lambda: typer.echo(what_to_try(_address(listener))))


def _address(listener: Any, *, tls: bool = False) -> str:
    host, port = listener.getsockname()[:2]
    return f"http{'s' if tls else ''}://{f'[{host}]' if ':' in host else host}:{port}"


class _Quiet(logging.Formatter):
    """A traceback without the exception's message, which a library may have made of a text that was checked."""

    def formatException(self, ei: Any) -> str:  # noqa: N802 - logging's name
        frames = traceback.extract_tb(ei[2])
        places = " < ".join(f"{Path(f.filename).name}:{f.lineno} {f.name}" for f in reversed(frames[-6:]))
        return f"{ei[0].__name__ if ei[0] is not None else 'exception'} at {places}"


def _log_to_streams() -> None:
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
