"""One worker: the application over a listener that it shares, its pages on a Unix socket of its own."""

from __future__ import annotations

import socket
from dataclasses import replace
from typing import Any

from guardrails.asgi.shadowing import ShadowSettings
from guardrails.proxy.serving import Tls, serve
from guardrails.service.app import shared_streams
from guardrails.service.processes.handed import HandedLog, HandedStore
from guardrails.service.processes.link import Link
from guardrails.service.processes.pages import Together
from guardrails.service.processes.plan import Plan
from guardrails.service.shared_streams import SharedStreams
from guardrails.stores import FallingBack, Store, opened

__all__ = ["run"]

# Records of one worker that may be on their way to the log.
_QUEUE = 10_000


def run(plan: Plan, number: int, listener: int) -> None:
    """Serve until SIGTERM, or until the supervisor is gone. ``listener`` is the number of the inherited socket. Raises what
    :func:`guardrails.service.service_app` and :func:`guardrails.proxy.serve` raise."""
    settings = plan.settings
    queue = settings.evidence.queue if settings.evidence is not None else _QUEUE
    link = Link(plan.hub, queue)
    log = HandedLog(settings.evidence, link) if settings.evidence is not None else None
    try:
        handed = HandedStore(link)
        url = settings.shared_state
        shared: Store = FallingBack(handed) if url is None else opened(url, settings.shared_state_on_failure)
        # Without a key for the server, streams stay on this machine.
        streams = shared_streams(shared) if url is not None else None
        streams = streams or SharedStreams(handed, bytes.fromhex(plan.key))
        more: dict[str, Any] = {"evidence": log, "shared": shared, "streams": streams, "pages": False}
        if settings.shadow is not None:
            # One that begins again once the candidate's time is over has nothing to judge, and serves.
            more["shadow"] = replace(ShadowSettings.of(settings.shadow, begun=True), parts=plan.folder / "shadow")
        app = settings.app(**more)
        if settings.pages:
            app.pages = Together([plan.pages(n) for n in range(plan.workers)], [plan.hub_pages])
        own = plan.pages(number)
        own.unlink(missing_ok=True)
        inherited = socket.socket(fileno=listener)
        inherited.setblocking(False)
        tls = Tls(*plan.tls) if plan.tls is not None else None
        serve(app, listener=inherited, admin=own, grace_s=plan.grace, drain_delay_s=plan.drain_delay, tls=tls)
    finally:
        link.close()
