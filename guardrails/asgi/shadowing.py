"""Candidates of policies beside the live ones, in a server: they judge the same texts and act on nothing.

A candidate has the name of the policy that it would replace. What would change is counted, in the page of metrics and in a file of counts; no text
leaves memory. Nothing waits for a candidate: what it has no time for is dropped, and counted.
"""

from __future__ import annotations

import json
import logging
import os
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from guardrails.asgi.shadowparts import Parts, joined
from guardrails.errors import GuardrailsError
from guardrails.guard import Guard
from guardrails.policy import load, parse_document
from guardrails.policy.folders import is_other, policies_in
from guardrails.policy.reader import nearest
from guardrails.types import Piece, Role, Source
from guardrails.whole_files import write_whole

if TYPE_CHECKING:
    from guardrails.shadow import Shadow

__all__ = ["ShadowSettings", "Shadowing"]

_log = logging.getLogger("guardrails")

_FIELDS = ("policies", "until", "share", "budget_ms", "report")
# Seconds between two writings of the report.
_EVERY_S = 30.0


@dataclass(frozen=True, slots=True)
class ShadowSettings:
    """Candidates and how they are asked.

    ``policies``: a policy file, or a folder of them; each is the candidate of the live policy of its name. ``until``: when it ends (UTC).
    ``share``: of what is judged, 0 to 1. ``budget_ms``: for the texts of one request or answer. ``report``: a file of counts, as JSON, written
    every half minute and at the end. ``parts``: a folder of the processes of one server, whose counts the report adds up.
    """

    policies: Path
    until: datetime
    share: float = 1.0
    budget_ms: int = 1_000
    report: Path | None = None
    parts: Path | None = None

    @classmethod
    def of(cls, given: ShadowSettings | Mapping[str, Any] | str | Path, *, begun: bool = False) -> ShadowSettings:
        """The settings in a file, whose paths are those of its folder, or as its fields. Raises GuardrailsError with what is wrong: also for a time
        that is over, unless it has ``begun`` before."""
        if isinstance(given, ShadowSettings):
            return given
        if isinstance(given, Mapping):
            return _read(given, Path(), "shadow", begun=begun)
        node = parse_document(given)
        if not isinstance(node.value, dict):
            raise GuardrailsError(f"{given}: write one setting a line, such as `policies: next.yaml`")
        return _read(
            {name: entry.value for name, entry in node.value.items()}, Path(given).parent, str(given), begun=begun
        )


def _read(fields: Mapping[str, Any], folder: Path, where: str, *, begun: bool) -> ShadowSettings:
    for name in fields:
        if name not in _FIELDS:
            near = nearest(str(name), _FIELDS)
            raise GuardrailsError(
                f"{where}: {str(name)[:60]!r} is no setting"
                + (f"; did you mean {near}?" if near else f"; there are {', '.join(_FIELDS)}")
            )
    for name in ("policies", "until"):
        if name not in fields:
            raise GuardrailsError(
                f"{where}: {name} is missing: say which policy is the candidate, and when it ends, such as until: 2027-01-31"
            )
    share, budget = fields.get("share", 1.0), fields.get("budget_ms", 1_000)
    if isinstance(share, bool) or not isinstance(share, int | float) or not 0 < share <= 1:
        raise GuardrailsError(f"{where}: share: a number above 0, at most 1")
    if isinstance(budget, bool) or not isinstance(budget, int) or not 1 <= budget <= 60_000:
        raise GuardrailsError(f"{where}: budget_ms: 1 to 60000 milliseconds")
    report = fields.get("report")
    return ShadowSettings(
        folder / str(fields["policies"]),
        _until(fields["until"], where, begun=begun),
        float(share),
        budget,
        folder / str(report) if report else None,
    )


def _until(given: Any, where: str, *, begun: bool) -> datetime:
    try:
        until = given if isinstance(given, datetime) else datetime.fromisoformat(str(given))
    except ValueError:
        raise GuardrailsError(
            f"{where}: until: a day or a time, such as 2027-01-31 or 2027-01-31T18:00:00+00:00"
        ) from None
    until = until if until.tzinfo is not None else until.replace(tzinfo=UTC)
    if until <= datetime.now(UTC) and not begun:
        raise GuardrailsError(
            f"{where}: until: {until.isoformat()} is over; choose a later one, or take the candidate away"
        )
    return until


class Shadowing:
    """The candidates of one server, by the name of the policy that each would replace."""

    @classmethod
    def opened(
        cls, given: ShadowSettings | Mapping[str, Any] | str | Path | None, registry: CollectorRegistry
    ) -> Shadowing | None:
        """What a setting describes, with its figures in the registry; None for none. Raises GuardrailsError or PolicyError."""
        return None if given is None else cls(ShadowSettings.of(given), registry)

    def __init__(self, settings: ShadowSettings, registry: CollectorRegistry) -> None:
        from guardrails.shadow import Shadow  # noqa: PLC0415 - numpy, for who has a candidate

        if settings.report is not None and not os.access(settings.report.parent, os.W_OK):
            raise GuardrailsError(f"{settings.report}: the report cannot be written there: make its folder first")
        self._settings = settings
        self._since = datetime.now(UTC)
        self._parts = Parts(settings.parts) if settings.parts is not None else None
        self.candidates: dict[str, Shadow] = {}
        for path in _files(settings.policies):
            guard = Guard(load(path))
            if guard.policy.name in self.candidates:
                raise GuardrailsError(f"{path}: another candidate is called {guard.policy.name}, too")
            self.candidates[guard.policy.name] = Shadow(
                guard, until=settings.until, share=settings.share, budget_ms=settings.budget_ms
            )
        registry.register(_Figures(self))
        self._ended = threading.Event()
        self._writer: threading.Thread | None = None
        if settings.report is not None:
            self._writer = threading.Thread(target=self._writing, name="guardrails-shadow-report", daemon=True)
            self._writer.start()

    def offer(self, texts: Iterable[tuple[str, Role, str]], source: Source, live: Guard) -> None:
        """Texts of one direction of an exchange, as :class:`guardrails.exchange.Kept` has them, and the policy that decided. Never raises."""
        if live.policy.name in self.candidates:
            self.pieces([Piece(text, role) for _, role, text in texts], source, live)

    def pieces(self, pieces: Sequence[Piece], source: Source, live: Guard) -> None:
        """The same for pieces. Returns at once."""
        shadow = self.candidates.get(live.policy.name)
        if shadow is not None and pieces:
            shadow.offer_texts(pieces, source, live)

    def settle(self) -> None:
        """Wait until everything that was taken is judged."""
        for shadow in self.candidates.values():
            shadow.settle()

    def close(self) -> None:
        """End the candidates, drop what still waits, and write the report once more."""
        if self._ended.is_set():
            return
        self._ended.set()
        for shadow in self.candidates.values():
            shadow.close(judge=False)
        if self._writer is not None:
            self._writer.join()
            self._try_to_write()

    def report(self) -> dict[str, Any]:
        """What this process counted, JSON-ready; it holds no text."""
        return self._report([self._own()])

    def _own(self) -> dict[str, Any]:
        candidates = {
            name: {"sha256": shadow.guard.policy.identity.sha256, "state": shadow.tally.state()}
            for name, shadow in self.candidates.items()
        }
        return {"since": self._since.isoformat(timespec="microseconds"), "candidates": candidates}

    def _report(self, parts: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        return {
            "since": min(str(part["since"]) for part in parts),
            "at": datetime.now(UTC).isoformat(timespec="seconds"),
            "until": self._settings.until.isoformat(timespec="seconds"),
            "share": self._settings.share,
            "candidates": {name: _summed(versions) for name, versions in joined(parts).items()},
        }

    def _writing(self) -> None:
        while not self._ended.wait(_EVERY_S):
            self._try_to_write()

    def _try_to_write(self) -> None:
        try:
            self._write()
        except OSError as error:  # figures are no reason to stop answering
            _log.error("the shadow's report cannot be written: %s", type(error).__name__)

    def _write(self) -> None:
        path = self._settings.report
        if path is None:
            return
        with self._parts.all(self._own()) if self._parts is not None else nullcontext([self._own()]) as parts:
            write_whole(path, json.dumps(self._report(parts), indent=2).encode() + b"\n", 0o644)


def _summed(versions: Mapping[str, Sequence[Mapping[str, Any]]]) -> dict[str, Any]:
    """What was counted of one candidate: of its policy as the process has it that began last, and of earlier ones, where a process began again
    and the file had changed."""
    from guardrails.shadow import Tally  # noqa: PLC0415

    found = []
    for sha256, states in versions.items():
        tally = Tally()
        for state in states:
            tally.add(state)
        found.append({"sha256": sha256, **tally.summary().to_dict()})
    *earlier, now = found
    return {**now, "earlier": earlier} if earlier else now


def _files(policies: Path) -> list[Path]:
    if not policies.is_dir():
        return [policies]
    found = [path for path in policies_in(policies) if not is_other(path)]
    if not found:
        raise GuardrailsError(f"{policies}: there is no policy in this folder")
    return found


class _Figures(Collector):
    """What candidates would change, read when somebody asks."""

    def __init__(self, shadowing: Shadowing) -> None:
        self._shadowing = shadowing

    def collect(self) -> Iterator[CounterMetricFamily | GaugeMetricFamily]:
        """Texts by what a candidate makes of them, rules on whose account verdicts change, and whether its time is over."""
        texts = CounterMetricFamily(
            "guardrails_shadow_texts",
            "Requests and answers that a candidate policy judged: verdict the same, stricter, milder, otherwise; not compared; dropped.",
            labels=["policy", "result"],
        )
        rules = CounterMetricFamily(
            "guardrails_shadow_rules",
            "Changed verdicts on which a rule of the candidate acts newly, or no longer.",
            labels=["policy", "rule", "change"],
        )
        over = GaugeMetricFamily("guardrails_shadow_over", "1 once the candidate's time is over.", labels=["policy"])
        for name, shadow in self._shadowing.candidates.items():
            for result, number in shadow.tally.counts().items():
                texts.add_metric([name, result], number)
            for rule, (acts, rests) in sorted(shadow.tally.rules().items()):
                rules.add_metric([name, rule, "acts"], acts)
                rules.add_metric([name, rule, "rests"], rests)
            over.add_metric([name], int(shadow.over))
        yield from (texts, rules, over)
