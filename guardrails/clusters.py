"""Ray clusters: the one at an address, or one that lives in this process and its children."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from guardrails.errors import GuardrailsError

__all__ = ["joined"]


@contextmanager
def joined(address: str = "", cpus: int | None = None) -> Iterator[Any]:
    """The module ``ray``, connected; the connection ends with the block, and with it an embedded cluster.

    ``address`` is as Ray has it (``auto``, ``host:6379``, ``ray://host:10001``). Without one a cluster is started here, for ``cpus`` tasks
    at once (default: one a core), without dashboard. A connection that is there already is used, and left. No usage statistics are sent.
    Raises GuardrailsError where Ray is not installed, or there is no cluster.
    """
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    try:
        import ray  # noqa: PLC0415 - an extra
    except ImportError:
        raise GuardrailsError("Ray is not installed: pip install 'onepolicy-guardrails[ray]'") from None
    if ray.is_initialized():
        yield ray
        return
    # Tasks and actors of ours write files and answer calls; what they log stays in Ray's own folder.
    quiet: dict[str, Any] = {"log_to_driver": False, "logging_level": logging.ERROR}
    try:
        if address:
            ray.init(address=address, **quiet)
        else:
            ray.init(address="local", num_cpus=cpus, include_dashboard=False, **quiet)
    except Exception as error:  # Ray raises ConnectionError, RuntimeError, ValueError and plain Exception
        where = f"no Ray cluster answers at {address}" if address else "an embedded Ray could not be started"
        raise GuardrailsError(f"{where}: {type(error).__name__}: {error}") from None
    try:
        yield ray
    finally:
        ray.shutdown()
