"""Tenants: the files are read, tried out and swapped in as a whole; what is bad leaves the last good one in place."""

from __future__ import annotations

import logging
import secrets
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from guardrails.errors import GuardrailsError, PolicyError, Problem
from guardrails.policy.reader import MAX_PROBLEMS
from guardrails.rules import Position
from guardrails.tenants import watching
from guardrails.tenants.compiling import Compiled, Compiler
from guardrails.tenants.config import Config, Entry, every, read_config, single
from guardrails.tenants.folder import Origin, Reading, links, locate, policy_files, real_root
from guardrails.tenants.keeping import Keeper
from guardrails.tenants.resolving import Resolver
from guardrails.tenants.types import Caller, ReloadResult, Tenant

__all__ = ["Reloads", "Tenants"]

_log = logging.getLogger("guardrails")
# A folder whose version changes under the reader is read again.
_ATTEMPTS = 3
POLL_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Reloads:
    """How many reloads there were: with everything in order, and with something refused."""

    ok: int = 0
    failed: int = 0


@dataclass(frozen=True, slots=True)
class _Snapshot:
    """Everything that holds at one moment. A new one replaces it by one assignment."""

    config: Config
    resolver: Resolver
    compiled: Mapping[str, Compiled]  # by tenant
    links: tuple[tuple[str, str], ...]
    loaded_at: float


@dataclass(slots=True)
class _Work:
    """One reload while it goes on."""

    root: Path
    reading: Reading
    links: tuple[tuple[str, str], ...]
    problems: list[Problem] = field(default_factory=list)
    errors: dict[str, Problem] = field(default_factory=dict)  # the first one of each tenant; "" is tenants.yaml
    before: dict[str, Compiled] = field(default_factory=dict)  # what each reference was last
    done: dict[str, Compiled | tuple[Problem, ...]] = field(default_factory=dict)  # by reference
    blobs: dict[str, bytes] = field(default_factory=dict)


class Tenants:
    """Who is under which policy. Thread-safe; :meth:`resolve` opens no file and takes no lock."""

    def __init__(self, origin: Origin, keeper: Keeper) -> None:
        """Use :meth:`open`."""
        self._origin = origin
        self._keeper = keeper
        self._lock = threading.Lock()
        self._compiler = Compiler()
        self._snapshot: _Snapshot | None = None
        self._errors: Mapping[str, Problem] = {}
        self._unsaved = True
        self._logged: tuple[Problem, ...] = ()
        self.reloads = Reloads()

    @classmethod
    def open(cls, source: str | Path, *, state: str | Path | None = None, every: bool = False) -> Tenants:
        """The tenants of ``source``: a folder with a tenants.yaml, such a file, or one policy (a file, or the name of a
        shipped one) for everybody. With ``every``, a folder without tenants.yaml is all policies in it, each a tenant
        that is called like its file; no caller can be one of those.

        With ``state``, a folder that only this program writes, the last good files outlive a restart: what is bad now
        is then replaced by what was good last, and :meth:`health` says so.

        Raises PolicyError with everything that is wrong at once, GuardrailsError for a folder that names no tenants.
        """
        keeper = Keeper(state, source)
        tenants = cls(locate(source, keeper.origin, every=every), keeper)
        result = tenants.reload()
        if tenants._snapshot is None:
            raise PolicyError(result.problems)
        tenants.reloads = Reloads()
        return tenants

    @property
    def snapshot(self) -> Resolver:
        """Everything as it stands now, and stays for who holds it: ``resolve`` and ``strip`` of one moment."""
        return self._now.resolver

    def resolve(self, caller: Caller) -> Tenant:
        """The caller's tenant. Raises Unauthenticated (401) or UnknownTenant (403)."""
        return self._now.resolver.resolve(caller)

    def strip(self, headers: Sequence[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
        """The headers that may be forwarded: without the credentials that are ours, unless ``forward: true``."""
        return self._now.resolver.strip(headers)

    def __iter__(self) -> Iterator[Tenant]:
        """All tenants as they stand now, in the order of their ids."""
        return iter([tenant for _, tenant in sorted(self._now.resolver.tenants.items())])

    def __len__(self) -> int:
        return len(self._now.resolver.tenants)

    def __repr__(self) -> str:
        return f"Tenants({str(self._origin.folder)!r}, {0 if self._snapshot is None else len(self)} tenants)"

    @property
    def folder(self) -> Path:
        """The folder that is watched."""
        return self._origin.folder

    @property
    def by_tenant(self) -> bool:
        """True when a tenants.yaml says who is under which policy."""
        return self._origin.tenants_file is not None

    @property
    def every(self) -> bool:
        """True when each policy of the folder stands for itself."""
        return self._origin.tenants_file is None and self._origin.policy is None

    @property
    def degraded(self) -> bool:
        """True while something that stands in the files is not in use."""
        return bool(self._errors) or self._keeper.error is not None

    async def watch(self, *, poll_seconds: float = POLL_SECONDS) -> None:
        """Reload whenever something in the folder changes, until cancelled. Never raises for what is in the files.

        The system's notices come first; every ``poll_seconds`` the folder is looked over as well, for file systems
        that give none.
        """
        await watching.watch(self, poll_seconds)

    def reload(self) -> ReloadResult:
        """Read everything again and put into use what is good, at once. What is bad keeps its last good state."""
        with self._lock:
            try:
                result = self._reload()
            except PolicyError as error:
                result = self._refused(error.problems)
            except Exception as error:  # the last resort: whatever happens here, the last good state goes on
                result = self._refused((_internal(error, Position(str(self._origin.folder), 1)),))
            ok, failed = self.reloads.ok, self.reloads.failed
            self.reloads = Reloads(ok + result.ok, failed + (not result.ok))
            if result.problems != self._logged:
                self._logged = result.problems
                for problem in result.problems[:MAX_PROBLEMS]:
                    _log.error("policies: %s at %s:%d", problem.code, problem.file, problem.line)
            if result.changed or result.removed:
                _log.info("policies: %d tenants changed, %d removed", len(result.changed), len(result.removed))
            return result

    def health(self) -> dict[str, Any]:
        """What operators may know: no text of a policy, no credential.

        ``status`` is ``ok`` or ``degraded``; ``loaded_at`` (seconds of the epoch) when the present state came into use;
        ``error`` is that of tenants.yaml, ``tenants`` has ``revision``, ``loaded_at`` and ``error`` of each, an error
        being ``{code, file, line}``; ``revision`` is None for a tenant whose policy never loaded. ``state_error`` says
        why the last good files could not be kept.
        """
        now, errors = self._now, self._errors
        tenants = {
            e.id: {
                "revision": now.compiled[e.id].revision if e.id in now.compiled else None,
                "loaded_at": now.compiled[e.id].loaded_at if e.id in now.compiled else None,
                "error": _place(errors.get(e.id)),
            }
            for e in now.config.entries
        }
        return {
            "status": "degraded" if self.degraded else "ok",
            "loaded_at": now.loaded_at,
            "error": _place(errors.get("")),
            "state_error": self._keeper.error,
            "reloads": {"ok": self.reloads.ok, "failed": self.reloads.failed},
            "tenants": tenants,
        }

    def _refused(self, problems: tuple[Problem, ...]) -> ReloadResult:
        self._errors = {**self._errors, "": problems[0]}
        return ReloadResult(problems=problems)

    @property
    def _now(self) -> _Snapshot:
        if self._snapshot is None:
            raise GuardrailsError("use Tenants.open")
        return self._snapshot

    def _reload(self) -> ReloadResult:
        for attempt in range(1, _ATTEMPTS + 1):
            root = real_root(self._origin.folder)
            work = _Work(root, Reading(root), links(root))
            if self._snapshot is not None:
                latest = sorted(self._snapshot.compiled.values(), key=lambda c: c.loaded_at)
                work.before = {c.reference: c for c in latest}
            config = self._config(work)
            compiled = {e.id: c for e in config.entries if (c := self._policy(e, work))} if config is not None else {}
            if attempt == _ATTEMPTS or real_root(self._origin.folder) == root:
                break
        return self._swap(config, compiled, work)

    def _config(self, work: _Work) -> Config | None:
        """tenants.yaml as it is, or as it was last when that is bad."""
        if self._origin.tenants_file is None:
            return every(policy_files(work.root)) if self._origin.policy is None else single(self._origin.policy)
        if self._snapshot is not None and self._still(work) and work.reading.holds(self._snapshot.config.files):
            return self._snapshot.config
        config, problems, work.blobs = read_config(work.root, self._origin.tenants_file)
        if config is not None:
            return config
        work.problems += problems
        work.errors[""] = problems[0]
        if self._snapshot is not None:
            return self._snapshot.config
        return self._keeper.config(self._origin.tenants_file)

    def _policy(self, entry: Entry, work: _Work) -> Compiled | None:
        """The policy of a tenant: the present one, else its last good one, else the one that was kept on disk."""
        before = self._snapshot.compiled.get(entry.id) if self._snapshot is not None else None
        done = work.done.get(entry.policy)
        if done is None:
            done = work.done[entry.policy] = self._compile(entry, work)
        if isinstance(done, Compiled):
            return done
        work.errors[entry.id] = done[0]
        return before if before is not None else self._keeper.policy(entry.id, self._compiler)

    def _compile(self, entry: Entry, work: _Work) -> Compiled | tuple[Problem, ...]:
        before = work.before.get(entry.policy)
        if before is not None and self._still(work) and before.current(work.reading):
            return before
        key = f"tenants.{entry.id}.policy" if self._origin.tenants_file is not None else ""
        try:
            compiled = self._compiler.compile(entry.policy, work.reading, entry.at, key)
        except PolicyError as error:
            work.problems += error.problems
            return error.problems
        except Exception as error:  # a policy that breaks its reader is a bad policy
            problem = _internal(error, entry.at)
            work.problems.append(problem)
            return (problem,)
        # Moved, touched, restored: what says the same stays what it was.
        return before if before is not None and _same(before, compiled) else compiled

    def _still(self, work: _Work) -> bool:
        """True when every name means the file that it meant before."""
        return self._snapshot is not None and self._snapshot.links == work.links

    def _swap(self, config: Config | None, compiled: dict[str, Compiled], work: _Work) -> ReloadResult:
        before = self._snapshot
        old: Mapping[str, Tenant] = before.resolver.tenants if before is not None else {}
        problems = tuple(dict.fromkeys(work.problems))
        # The first time, something that works must be there for everybody, or have been there before.
        if config is None or (
            before is None and ((problems and self._keeper.origin is None) or (config.entries and not compiled))
        ):
            return ReloadResult(problems=problems)
        tenants = {id_: _tenant(id_, c, old.get(id_)) for id_, c in compiled.items()}
        same_config = before is not None and before.config.files == config.files
        changed = tuple(sorted(id_ for id_, t in tenants.items() if old.get(id_) is not t))
        removed = tuple(sorted(old.keys() - tenants.keys()))
        if before is None or changed or removed or not same_config or before.links != work.links:
            resolver = Resolver(config, tenants)
            self._snapshot = _Snapshot(config, resolver, compiled, work.links, time.time())
            self._unsaved = True
        self._errors = dict(work.errors)
        self._compiler.forget(compiled.values())
        self._keeper.forget()
        if self._unsaved:
            now = self._now
            self._unsaved = not self._keeper.keep(
                self._origin, now.config.files, now.compiled, work.blobs, work.reading
            )
        ids = [e.id for e in config.entries]
        return ReloadResult(
            changed,
            removed,
            tuple(i for i in ids if i in work.errors and i in compiled),
            tuple(i for i in ids if i not in compiled),
            problems,
        )


def _tenant(id_: str, compiled: Compiled, old: Tenant | None) -> Tenant:
    if old is not None and old.guard is compiled.guard:
        return old
    secret = old.secret if old is not None else secrets.token_bytes(32)
    return Tenant(id_, compiled.guard, compiled.revision, secret)


def _same(one: Compiled, other: Compiled) -> bool:
    return one.revision == other.revision and one.keys == other.keys


def _place(problem: Problem | None) -> dict[str, Any] | None:
    return None if problem is None else {"code": problem.code, "file": problem.file, "line": problem.line}


def _internal(error: Exception, at: Position) -> Problem:
    """An error of our own as a problem: its kind and place and no word of it, for it may quote."""
    frame = error.__traceback__
    while frame is not None and frame.tb_next is not None:
        frame = frame.tb_next
    place = f"{Path(frame.tb_frame.f_code.co_filename).name}:{frame.tb_lineno}" if frame is not None else "?"
    return Problem("internal", f"{type(error).__name__} at {place} while this was loaded", at.file, at.line)
