"""Replaying a recorded decision: whoever has the text finds out whether the same policy still decides the same.

The replay makes a second record from the text, with the salt and the key of the first, and compares them. Only what differs by nature
(ids, times) is left out, so that a replay without differences also shows that the text is the one that was decided about.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import orjson

from guardrails.decision import Decision
from guardrails.errors import GuardrailsError
from guardrails.evidence.files import Disk
from guardrails.evidence.keys import load_hashing
from guardrails.evidence.reader import Reader
from guardrails.evidence.record import Context, Sealing, Text, of_decision, of_report, said_of
from guardrails.evidence.segments import SALT
from guardrails.guard import Guard
from guardrails.types import Piece, Source

__all__ = ["Recorded", "Replayed", "recorded", "replay_decision", "replay_pieces"]

# What must be the same again.
_FIELDS = (
    "direction", "policy", "models", "action", "action_reason", "blocking", "rules", "passed", "scores", "spans", "spans_total", "texts",
    "text_len", "text_commitment", "transformed_commitment", "failures", "fail_open", "uninspected", "replaced_turns",
)  # fmt: skip
_COMMITMENTS = ("text_commitment", "transformed_commitment")


@dataclass(frozen=True, slots=True)
class Recorded:
    """A decision of a log with what is needed to make its record again. ``erased``: its salt is gone."""

    seq: int
    body: Mapping[str, Any]
    sealing: Sealing
    erased: bool

    @property
    def source(self) -> Source:
        """The direction that it is about."""
        return Source(self.body["direction"])


@dataclass(frozen=True, slots=True)
class Replayed:
    """``differences``: the fields that came out otherwise; ``body``: the record that would be written now."""

    differences: tuple[str, ...]
    body: Mapping[str, Any]

    @property
    def same(self) -> bool:
        """Whether everything came out the same."""
        return not self.differences


def recorded(reader: Reader, decision_id: str, source: Source | None = None) -> Recorded:
    """A decision with its salt, out of a log whose ``private`` directory is there. Raises GuardrailsError when there is none, or
    when there are two and ``source`` does not say which."""
    read = [(seq, orjson.loads(reader.record(seq))) for seq in reader.find(decision_id)]
    found = [
        (seq, r["body"]) for seq, r in read if r["kind"] == "decision" and source in (None, r["body"]["direction"])
    ]
    if not found:
        raise GuardrailsError("the log has no such decision: ids stand in x-guardrails-decision-id")
    if len(found) > 1:
        raise GuardrailsError(
            "there is a decision about the request and one about its answer: say which, INPUT or OUTPUT"
        )
    seq, body = found[0]
    if not reader.place.private.is_dir():
        raise GuardrailsError(f"{reader.place.private}: a replay needs the salts; run it where the log was written")
    first = max(first for first, _ in reader.segments() if first <= seq)
    with reader.place.salts_of(first).open("rb") as file:
        file.seek((seq - first) * SALT)
        salt = file.read(SALT)
    return Recorded(seq, body, Sealing(load_hashing(reader.place, Disk()), salt, body["owner"]), not any(salt))


def replay_pieces(kept: Recorded, guard: Guard, pieces: Sequence[Piece]) -> Replayed:
    """Check texts again that were checked together. ``guard``: of the policy as it was; no text runs out of time."""
    guard = _unhurried(guard)
    report = guard.check(list(pieces), source=kept.source)
    body = of_report(report, said_of(pieces), guard, Context(), kept.sealing, id="", tenant=kept.body["tenant"])
    return _compared(kept, body)


@lru_cache(maxsize=8)
def _unhurried(guard: Guard) -> Guard:
    return Guard(guard.policy.unhurried())


def replay_decision(kept: Recorded, guard: Guard, decision: Decision, said: Sequence[Text] | None) -> Replayed:
    """Compare what an exchange decided now (see :func:`guardrails.exchange.again`)."""
    return _compared(kept, of_decision(decision, said, guard, Context(), kept.sealing))


def _compared(kept: Recorded, body: Mapping[str, Any]) -> Replayed:
    fields = [f for f in _FIELDS if f in kept.body and f in body and not (kept.erased and f in _COMMITMENTS)]
    differences = tuple(f for f in fields if _plain(f, kept.body[f]) != _plain(f, body[f]))
    return Replayed(differences, body)


def _plain(field: str, value: Any) -> Any:
    """A value without the names that entry points give to the places of texts."""
    if field in ("spans", "uninspected"):
        return [{k: v for k, v in item.items() if k != "pointer"} for item in value]
    return value
