"""How a log of evidence is kept: one setting for the middleware, the proxy and the service."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from difflib import get_close_matches
from enum import StrEnum
from pathlib import Path
from typing import Any

from guardrails.errors import GuardrailsError
from guardrails.evidence.note import Witness
from guardrails.evidence.sinks import scheme_of

__all__ = ["EvidenceFailure", "EvidenceMode", "EvidenceSettings"]


class EvidenceMode(StrEnum):
    """``strict``: an answer leaves once its record is on the disk; ``fast``: once its record is in the writer's queue."""

    STRICT = "strict"
    FAST = "fast"


class EvidenceFailure(StrEnum):
    """What becomes of a decision that cannot be recorded: it is refused, or it counts and the loss is recorded later."""

    BLOCK = "block"
    ALLOW = "allow"


@dataclass(frozen=True, slots=True)
class EvidenceSettings:
    """``directory``: where the log lies. ``owner``: who answers for decisions whose policy names nobody. ``name``: the log's
    origin, which stands in its checkpoints, such as ``guardrails.example.com/log``; made up when it is empty.

    ``checkpoint_records`` and ``checkpoint_seconds``: a signed checkpoint after so many records, and after so much time,
    also when nothing happens. ``segment_bytes``, ``segment_seconds``: a new segment begins after so many, or after so long. ``queue``:
    records that may wait to be written. ``sinks``: where records go besides (see docs/evidence.md). ``spool``: how many records a sink
    may be behind before ``on_failure`` decides. ``keep_days``: records that are older are removed, a segment at a time, once one of the
    ``witnesses`` (their public keys) has cosigned a checkpoint over them. ``sample_days``: texts of decisions are kept for so long, encrypted,
    of ``sample_share`` of them.
    """

    directory: Path
    mode: EvidenceMode = EvidenceMode.STRICT
    on_failure: EvidenceFailure = EvidenceFailure.BLOCK
    owner: str | None = None
    name: str = ""
    checkpoint_records: int = 1_000
    checkpoint_seconds: float = 60.0
    segment_bytes: int = 64_000_000
    segment_seconds: float = 86_400.0
    queue: int = 10_000
    sinks: tuple[str, ...] = field(default=(), repr=False)  # an address may hold a password
    spool: int = 100_000
    keep_days: float | None = None
    witnesses: tuple[str, ...] = ()
    sample_days: float | None = None
    sample_share: float = 1.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "directory", Path(self.directory))
        for name, kind in (("mode", EvidenceMode), ("on_failure", EvidenceFailure)):
            try:
                object.__setattr__(self, name, kind(getattr(self, name)))
            except ValueError:
                raise GuardrailsError(f"evidence.{name}: one of {', '.join(kind)}") from None
        for name, least in _LEAST.items():
            value = getattr(self, name)
            if value is None and name in _MAY_BE_NONE:
                continue
            if isinstance(value, bool) or not isinstance(value, int | float) or value < least:
                raise GuardrailsError(f"evidence.{name}: a number, at least {least}")
        for name, types in (("owner", str | None), ("name", str)):
            if not isinstance(getattr(self, name), types):
                raise GuardrailsError(f"evidence.{name}: not {type(getattr(self, name)).__name__}")
        for name, read in (("sinks", scheme_of), ("witnesses", Witness.parse)):
            values: Any = getattr(self, name)
            if not isinstance(values, str | list | tuple):
                raise GuardrailsError(f"evidence.{name}: a list of texts, not {type(values).__name__}")
            values = (values,) if isinstance(values, str) else tuple(values)
            for value in values:
                read(value)
            object.__setattr__(self, name, values)
        if self.keep_days is not None and not self.witnesses:
            raise GuardrailsError(
                "evidence.keep_days: nothing is removed that nobody else has vouched for: name evidence.witnesses, the public keys"
                " (witness.vkey) of who runs `guardrails audit witness`"
            )

    @classmethod
    def of(cls, given: EvidenceSettings | Mapping[str, Any] | str | Path) -> EvidenceSettings:
        """From a directory, or a mapping such as ``{directory: evidence/, mode: strict}``. Raises GuardrailsError that names what
        may be written."""
        if isinstance(given, cls):
            return given
        if isinstance(given, str | Path):
            return cls(Path(given))
        if not isinstance(given, Mapping):
            raise GuardrailsError(
                f"evidence: a directory, or {{directory: …, mode: strict}}; not {type(given).__name__}"
            )
        values = dict(given)
        known = {f.name: f for f in fields(cls)}
        for name in values:
            if name not in known:
                near = next(iter(get_close_matches(str(name), known, 1, 0.6)), None)
                meant = f"; did you mean {near}?" if near else ""
                raise GuardrailsError(f"evidence: {str(name)[:40]!r} is no setting{meant} There are {', '.join(known)}")
        if not values.get("directory"):
            raise GuardrailsError("evidence: say where the log lies, such as {directory: evidence/}")
        return cls(**values)


# The least that each number may be.
_LEAST = {
    "checkpoint_records": 1,
    "checkpoint_seconds": 0.05,
    "segment_bytes": 1_000,
    "segment_seconds": 1,
    "queue": 1,
    "spool": 0,
    "keep_days": 0,
    "sample_days": 0,
    "sample_share": 0,
}
_MAY_BE_NONE = {"keep_days", "sample_days"}
