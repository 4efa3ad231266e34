"""Many rows under one policy: ``guardrails scan``. Exactly one result a row, masked copies, and nothing done twice after a stop.

A source is divided into shards. What a shard gives is written whole, and its mark last; a scan that was stopped, however, does the
shards without a mark again. So every row is in the results once.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass, replace
from functools import partial
from multiprocessing import get_context, parent_process
from multiprocessing.connection import wait
from pathlib import Path
from secrets import token_hex
from threading import Thread
from typing import TYPE_CHECKING, Any

from guardrails.errors import GuardrailsError
from guardrails.scanning.sources import Shard, extra, plan, rows

if TYPE_CHECKING:
    from guardrails.guard import Guard

__all__ = ["Job", "check_shard", "scan"]


@dataclass(frozen=True, slots=True)
class Job:
    """What to scan and how. ``source`` and ``out`` are paths or URLs that fsspec opens; ``text`` is the column with the texts.

    ``direction`` is INPUT or OUTPUT; ``size`` is rows a shard; ``workers`` is how many shards are checked at once, for Ray 0: as many as it has cores.
    ``ray``: by whom. None:
    processes of this machine; ``""``: a Ray that is started here for it; else the address of a Ray cluster, whose machines all open the same
    ``source``, ``policy`` and ``out``.
    """

    source: str
    policy: str
    out: str
    text: str = "text"
    direction: str = "INPUT"
    size: int = 1_000
    workers: int = 1
    ray: str | None = None


def scan(job: Job, progress: Callable[[int, int], None] = lambda *_: None) -> dict[str, Any]:
    """Check every row of the source, and say in numbers what was found; ``progress(done, of)`` is told shards.

    Raises GuardrailsError where ``out`` holds something else than the beginning of the same scan, PolicyError and WeightsMissing as a
    guard does.
    """
    shards = plan(job.source, job.size)
    policy = _begin(job, shards)
    fs, out = extra().core.url_to_fs(job.out)
    marked = {Path(name).stem for name in fs.find(f"{out}/done")} if fs.isdir(f"{out}/done") else set()
    left = [s for s in shards if _name(s) not in marked]
    done = len(shards) - len(left)
    progress(done, len(shards))
    for _ in _run(job, left, policy):
        done += 1
        progress(done, len(shards))
    summary = _summary(job, fs, out, shards)
    _put(f"{job.out}/summary.json", json.dumps(summary, indent=2).encode())
    return summary


def _begin(job: Job, shards: Sequence[Shard]) -> str:
    """Say what the scan is, or that the one which began there was another. Returns the sha256 of its policy."""
    from guardrails.policy import load  # noqa: PLC0415

    policy = load(job.policy).identity.sha256
    said = {
        "policy": policy, "text": job.text, "direction": job.direction, "shards": [asdict(s) for s in shards],
    }  # fmt: skip
    fs, out = extra().core.url_to_fs(job.out)
    known = f"{out}/scan.json"
    if fs.exists(known):
        if json.loads(fs.cat_file(known)) != said:
            raise GuardrailsError(
                f"{job.out}: another scan began there: the source, the policy or an option has changed; name another --out"
            )
        return policy
    if fs.isdir(out) and fs.find(out):
        raise GuardrailsError(f"{job.out}: the folder is not empty, and no scan began there; name another --out")
    _put(f"{job.out}/scan.json", json.dumps(said).encode())
    return policy


def _name(shard: Shard) -> str:
    return f"{shard.index:06}"


def _put(url: str, data: bytes) -> None:
    """Write a file so that it is there whole or not at all; object stores do that by themselves."""
    fs, path = extra().core.url_to_fs(url)
    if "file" not in (fs.protocol if isinstance(fs.protocol, tuple) else (fs.protocol,)):
        fs.pipe_file(path, data)
        return
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f"{target.name}.{token_hex(8)}.part")  # machines may share the folder
    with part.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    part.replace(target)


# -- one shard ---------------------------------------------------------------------------------------------------------------

# The guard of this process, by the policy's path and sha256: a process checks many shards of one scan.
_guards: dict[tuple[str, str], Guard] = {}


def check_shard(job: Job, shard: Shard, policy: str) -> None:
    """Check the rows of a shard, write what they gave, and its mark.

    ``policy`` is the sha256 of the scan's policy. Raises GuardrailsError where another one is read here.
    """
    from guardrails.guard import Guard  # noqa: PLC0415

    guard = _guards.get((job.policy, policy))
    if guard is None:
        _guards.clear()
        guard = _guards[job.policy, policy] = Guard.from_file(job.policy)
    if guard.policy.identity.sha256 != policy:
        raise GuardrailsError(
            f"{job.policy}: this is not the policy with which the scan began; every machine needs the same files"
        )
    results, masked, aside = [], [], []
    counts: Counter[str] = Counter()
    for number, row in rows(shard):
        place = {"file": shard.path, "row": number}
        text = row.get(job.text) if isinstance(row, dict) else None
        if not isinstance(text, str):
            why = row if isinstance(row, str) else f"it has no text in {job.text!r}"
            results.append(place | {"action": None, "why": why})
            aside.append(place | {"why": why})
            counts["not a row"] += 1
            continue
        report = guard.check(text, source=job.direction)
        found = report.to_dict()
        results.append(place | {k: found[k] for k in ("action", "findings", "failures", "scores", "models")})
        counts[str(report.action)] += 1
        counts.update(f"rule {rule}" for rule in {f.rule for f in report.findings})
        if report.failures:
            aside.append(place | {"why": sorted({f"{f.rule}: {f.kind}" for f in report.failures})})
            counts["could not be checked"] += 1
        elif not report.blocked and isinstance(row, dict):
            masked.append(row | {job.text: report.text})
    counts["rows"] = len(results)
    for kind, lines in (("results", results), ("masked", masked), ("quarantine", aside)):
        data = "".join(json.dumps(line, ensure_ascii=True, default=str) + "\n" for line in lines)
        _put(f"{job.out}/{kind}/{_name(shard)}.jsonl", data.encode())
    _put(f"{job.out}/done/{_name(shard)}.json", json.dumps(counts).encode())


def _summary(job: Job, fs: Any, out: str, shards: Sequence[Shard]) -> dict[str, Any]:
    counts: Counter[str] = Counter()
    for shard in shards:
        counts.update(json.loads(fs.cat_file(f"{out}/done/{_name(shard)}.json")))
    rules = {k.removeprefix("rule "): n for k, n in sorted(counts.items()) if k.startswith("rule ")}
    return {
        "source": job.source, "shards": len(shards), "rows": counts["rows"],
        "actions": {a: counts[a] for a in ("NONE", "MASKED", "BLOCKED")},
        "not_a_row": counts["not a row"], "could_not_be_checked": counts["could not be checked"], "rules": rules,
    }  # fmt: skip


# -- all shards --------------------------------------------------------------------------------------------------------------


def _run(job: Job, shards: Sequence[Shard], policy: str) -> Iterator[None]:
    """Check these shards, one after the other, in processes or on Ray, in any order."""
    if job.ray is not None:
        from guardrails.scanning.spread import spread  # noqa: PLC0415 - an extra

        fs, out = extra().core.url_to_fs(job.out)
        file = Path(job.policy)
        whole = replace(job, out=fs.unstrip_protocol(out), policy=str(file.resolve()) if file.exists() else job.policy)
        yield from spread(partial(check_shard, whole, policy=policy), shards, job.ray, job.workers)
        return
    if job.workers == 1:
        for shard in shards:
            check_shard(job, shard, policy)
            yield
        return
    with ProcessPoolExecutor(job.workers, mp_context=get_context("spawn"), initializer=_follow) as pool:
        waiting = [pool.submit(check_shard, job, shard, policy) for shard in shards]
        try:
            for one in as_completed(waiting):
                one.result()
                yield
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _follow() -> None:
    """A worker ends with the process that began it, even if that is killed."""

    def until_it_ends() -> None:
        parent = parent_process()
        if parent is not None:
            wait([parent.sentinel])
        os._exit(1)

    Thread(target=until_it_ends, daemon=True).start()
