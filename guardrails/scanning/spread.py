"""Shards on a Ray cluster, or on one that is started for them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from guardrails.clusters import joined
from guardrails.errors import GuardrailsError
from guardrails.scanning.sources import Shard

__all__ = ["spread"]

# How often a shard is begun anew whose process or machine has gone.
_AGAIN = 3
# Shards that wait for each core, so that none is idle and a cluster that grows by demand sees some.
_AHEAD = 4


def spread(check: Callable[[Shard], None], shards: Sequence[Shard], address: str, most: int) -> Iterator[None]:
    """Call ``check`` with each shard in processes of Ray, at most ``most`` (0: all that it has cores for) at once; yields at each end.

    Nothing but the shard's place travels: a process opens the source and writes results itself. It keeps its guard, so it loads a model once.
    A shard whose process was killed is checked again: its files are written whole, so no row is twice in the results. Raises GuardrailsError
    where Ray is missing, a shard's process ends again and again, or ``check`` raises one.
    """
    with joined(address, most or None) as ray:
        task = ray.remote(num_cpus=1, max_retries=_AGAIN)(_checked)
        waiting: dict[Any, Shard] = {}
        left = iter(shards)
        at_once = most or _AHEAD * max(16, int(ray.cluster_resources().get("CPU", 1)))
        while True:
            while len(waiting) < at_once and (shard := next(left, None)) is not None:
                waiting[task.remote(check, shard)] = shard
            if not waiting:
                return
            ready, _ = ray.wait(list(waiting))
            for one in ready:
                _result(ray, one, waiting.pop(one))
                yield


def _checked(check: Callable[[Shard], None], shard: Shard) -> str:
    """Runs in a process of Ray. What went wrong in words, so that no error has to be understood by another version of this package."""
    try:
        check(shard)
    except GuardrailsError as error:
        return str(error)
    return ""


def _result(ray: Any, one: Any, shard: Shard) -> None:
    place = f"{shard.path}, from row {shard.first}"
    try:
        told = ray.get(one)
    except ray.exceptions.WorkerCrashedError:
        raise GuardrailsError(f"{place}: its process ended {_AGAIN + 1} times; is there enough memory?") from None
    except ray.exceptions.OutOfMemoryError:
        raise GuardrailsError(f"{place}: there is not enough memory; use fewer --workers") from None
    except ray.exceptions.RayError as error:  # its message quotes the other process
        raise GuardrailsError(f"{place}: {type(error).__name__}; Ray's logs say more") from None
    if told:
        raise GuardrailsError(told)
