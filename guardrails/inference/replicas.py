"""The shipped networks on Ray Serve: what a replica does, and how they are deployed.

A replica is the runner of one network and nothing else: no policy, no text. Callers' windows share batches by tokens there as they do in one
process, so a batch needs no time of waiting: it grows while the one before it runs.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from guardrails.errors import DeadlineExceeded, GuardrailsError, Overloaded
from guardrails.inference import frames, network, store
from guardrails.inference.networks import Network
from guardrails.inference.placing import BACKEND
from guardrails.inference.store import Manifest

__all__ = ["Placement", "Replica", "answer", "deploy"]

# What the deployment's environment passes on to its replicas.
_PASSED = ("GUARDRAILS_DEVICE", "GUARDRAILS_DTYPE")
# A 503 is Ray Serve's own, and may only say that a replica has gone.
_OK, _BAD, _LATE, _BUSY = 200, 400, 504, 429


@dataclass(frozen=True, slots=True)
class Placement:
    """How many replicas each model has, and what each of them holds.

    Between ``least`` and ``most`` replicas, one more for every ``calls`` that are under way together; ``queue``: calls that may wait for a
    replica, more are refused (503). ``cpus`` and ``gpus`` of one replica; a part of a GPU is shared with others.
    """

    least: int = 1
    most: int = 1
    calls: int = 16
    queue: int = 256
    cpus: float = 1.0
    gpus: float = 0.0


def answer(running: Network, manifest: Manifest, what: str, seconds: float, body: bytes) -> tuple[int, bytes]:
    """The status and the body with which a replica answers ``run`` or ``exact``. No error quotes what was asked."""
    from guardrails.inference.modules import Shape  # noqa: PLC0415 - torch

    shape = Shape(**manifest.shape)
    below = {"ids": shape.vocabulary, "types": shape.types, "cases": shape.cases}
    try:
        windows = frames.asked(body, below, shape.positions)
        if what not in ("run", "exact") or (what == "exact" and len(windows) > 1):
            return _BAD, b"there is run, and exact for one window"
        rows = running.run(windows, seconds) if what == "run" else [running.exact(windows[0])]
    except ValueError as error:
        return _BAD, f"these are no windows of {manifest.name}: {error}".encode()
    except Overloaded:
        return _BUSY, b"busy"
    except DeadlineExceeded:
        return _LATE, b"late"
    return _OK, frames.answers(rows, manifest.sha256)


class Replica:
    """One network in a process of Ray Serve."""

    def __init__(self, name: str, threads: int, environment: Mapping[str, str]) -> None:
        """``threads``: calls at once. Raises WeightsMissing, and then Ray Serve says that the deployment has failed."""
        os.environ.update({**environment, BACKEND: "torch"})
        self._manifest, self._running = store.manifest(name), network(name)
        self._threads = ThreadPoolExecutor(threads)

    async def __call__(self, request: Any) -> Any:
        """``POST /NAME/run?seconds=…`` or ``/NAME/exact``, with :func:`frames.asks`."""
        from starlette.responses import Response  # noqa: PLC0415

        body = await request.body()
        try:
            seconds = float(request.query_params.get("seconds", ""))
        except ValueError:
            return Response(b"seconds", _BAD)
        what = request.url.path.rpartition("/")[2]
        loop = asyncio.get_running_loop()
        status, data = await loop.run_in_executor(
            self._threads, answer, self._running, self._manifest, what, seconds, body
        )
        return Response(data, status, media_type="application/octet-stream")


def deploy(names: list[str], placement: Placement, host: str, port: int) -> None:
    """Deploy an application ``guardrails-NAME`` for each model at ``http://host:port/NAME``; Ray Serve replaces one that is there replica by replica.

    Returns when all of them answer. Raises GuardrailsError for a model that does not start.
    """
    from ray import serve  # noqa: PLC0415 - an extra

    serve.start(http_options={"host": host, "port": port})
    passed = {name: os.environ[name] for name in _PASSED if name in os.environ}
    at_once = 4 * placement.calls
    for name in names:
        store.manifest(name)
        made = serve.deployment(
            Replica,
            name=name,
            ray_actor_options={"num_cpus": placement.cpus, "num_gpus": placement.gpus},
            max_ongoing_requests=at_once,
            max_queued_requests=placement.queue,
            logging_config={"enable_access_log": False},
            **_scaled(placement),
        )
        try:
            serve.run(made.bind(name, at_once, passed), name=f"guardrails-{name}", route_prefix=f"/{name}")
        except RuntimeError as error:
            raise GuardrailsError(f"the model {name} does not start on Ray Serve: {error}") from None


def _scaled(placement: Placement) -> dict[str, Any]:
    if placement.least == placement.most:
        return {"num_replicas": placement.least}
    return {
        "autoscaling_config": {
            "min_replicas": placement.least,
            "max_replicas": placement.most,
            "target_ongoing_requests": placement.calls,
        }
    }
