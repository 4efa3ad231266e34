"""The corridor: find, excuse, judge, act, report. Whoever has read this file has seen the whole product."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Iterable, Mapping, MutableMapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import lru_cache, partial
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from guardrails import detectors
from guardrails.actions import Masked, Masker, Numbers, placeholders
from guardrails.content import Content, Deadline
from guardrails.echoes import Echoes
from guardrails.errors import DeadlineExceeded, GuardrailsError, Overloaded, WeightsMissing
from guardrails.exceptions import excused, without_built_in
from guardrails.pieces import Checkable, pieces_of
from guardrails.policy import load
from guardrails.reach import Hold, hold
from guardrails.reading import Edit, Place, Reading, escaped, reading
from guardrails.rules import Policy, Rule
from guardrails.spans import expand, inside
from guardrails.types import (
    NOT_JUDGED,
    Action,
    Coverage,
    Failure,
    FailureKind,
    Finding,
    Found,
    Hit,
    Piece,
    Qualifier,
    Report,
    Role,
    Source,
    Unseen,
    UnsupportedLanguage,
)
from guardrails.verdict import Verdict, judge
from guardrails.workers import Shared, Task, Workers, workers

if TYPE_CHECKING:
    from guardrails.stream import TextStream

__all__ = ["Checkable", "Direction", "Guard", "check", "failures_of"]

_log = logging.getLogger("guardrails")

# Replacing a span can bring its neighbours together into something new. Each round masks what the last one uncovered;
# a text that still changes after this many is refused.
_MASKING_ROUNDS = 8
_NO_READINGS: Mapping[int, Reading] = MappingProxyType({})
# Texts that `check_many` has in work at once.
TOGETHER = 8
# Characters that string detectors read on the caller's thread: a hop costs 50 µs, as much as reading a thousand. Unfolding
# a million takes a second in which nothing looks at the clock.
_AT_ONCE = 16_384


class Guard:
    """A policy, compiled. Immutable and thread-safe; build once, check often."""

    __slots__ = ("__weakref__", "_built", "_directions", "_holds", "_policy", "_some")

    def __init__(self, policy: Policy, *, built: MutableMapping[Any, detectors.Detector] | None = None) -> None:
        """``built`` holds detectors by what they were built from: guards that are given the same one share them.

        Raises WeightsMissing when a rule needs a model that is not installed, GuardrailsError for a bad hash key.
        """
        if not isinstance(policy, Policy):
            raise TypeError(
                f"Guard() takes a policy that is loaded, not {type(policy).__name__}: write Guard.from_file(path), or "
                "Guard(guardrails.policy.loads(text))"
            )
        self._policy = policy
        self._holds: dict[Source, Hold] = {}
        self._some: dict[tuple[str, Source], Direction] = {}
        self._built = built = {} if built is None else built
        self._directions = {source: Direction(policy, source, built) for source in Source}

    @classmethod
    def from_file(cls, path: str | Path) -> Guard:
        """The guard of a policy file, or of a shipped policy by its name. Raises PolicyError."""
        if not isinstance(path, str | Path):
            raise TypeError(
                f"from_file() takes the path of a policy, or a shipped policy's name, not {type(path).__name__}"
            )
        return cls(load(path))

    @property
    def policy(self) -> Policy:
        """The effective policy."""
        return self._policy

    def thresholds(self, source: Source | str, role: Role | str = Role.USER) -> dict[str, float]:
        """Where each score of a text of that direction and role starts to act, by the keys of ``Report.scores``."""
        return self._directions[Source(source)].thresholds(Role(role))

    def direction(self, source: Source | str) -> Direction:
        """The stages of one direction, for doors that take them one by one."""
        return self._directions[Source(source)]

    def strings(self, source: Source | str) -> Direction:
        """The rules of one direction that read strings and ask no model: words, regexes, and values that have a form."""
        return self._only("strings", Source(source), lambda r: _reads_only(r.detector, (r,)))

    def spans(self, source: Source | str) -> Direction:
        """The rules of one direction that find spans, and do not judge texts as a whole."""
        return self._only("spans", Source(source), lambda r: detectors.module(r.detector).SPANS)

    def _only(self, name: str, source: Source, wanted: Callable[[Rule], bool]) -> Direction:
        """Some of the rules of a direction, which is kept; all of them are that direction itself."""
        if (name, source) not in self._some:
            every = self._policy.rules
            rules = tuple(r for r in every if wanted(r))
            whole = len(rules) == len(every)
            self._some[name, source] = (
                self._directions[source]
                if whole
                else Direction(replace(self._policy, rules=rules), source, self._built)
            )
        return self._some[name, source]

    def hold(self, source: Source | str = Source.OUTPUT) -> Hold:
        """How much of a streamed text the rules of that direction hold back."""
        source = Source(source)
        if source not in self._holds:
            self._holds[source] = hold(self._policy, source)
        return self._holds[source]

    def stream(self, source: Source | str = Source.OUTPUT, *, role: Role | str = Role.ASSISTANT) -> TextStream:
        """A text that arrives in pieces: ``feed(chunk)`` and ``finish()`` return what may be shown."""
        from guardrails.stream import TextStream  # noqa: PLC0415 - the stream is made of this module's stages

        return TextStream(self, source, role=role)

    def __repr__(self) -> str:
        return f"Guard({self._policy.name!r}, sha256={self._policy.identity.sha256[:12]})"

    def check(
        self,
        text: Checkable,
        source: Source | str,
        *,
        deadline: Deadline | None = None,
        direction: Direction | None = None,
    ) -> Report:
        """Check one text, or a list of pieces together. ``source`` is ``INPUT`` or ``OUTPUT``.

        ``deadline``: one point in time that several checks share; without it, the policy's ``deadline_ms`` from now. A
        detector that is not done by then is a failure of its rules, and what the others found counts. ``direction``: some of
        the rules, such as :meth:`strings`.

        Never raises for what a text holds: a text that cannot be processed is a failure, and the policy decides.
        """
        direction = direction or self._directions[Source(source)]
        pieces = pieces_of(text)
        limits = self._policy.limits
        deadline = Deadline(limits.deadline_ms) if deadline is None else _deadline(deadline)
        timings: dict[str, float] = {}

        content, rejected = _admit(pieces, direction.source, limits.max_characters, limits.max_pieces)
        content, readings = _read(content)
        failures = [
            Failure(rule, FailureKind.BAD_INPUT, i, why) for i, why in rejected.items() for rule in direction.rules
        ]
        found = direction.find(content, deadline, timings)
        verdict = direction.judge(content, found.hits, [*failures, *found.failures])
        outputs, verdict, more = direction.act(content, verdict, deadline, timings, readings)

        total = sum(len(p.text) for p in pieces)
        unseen = [Unseen(why, None, i) for i, why in rejected.items()] + found.unseen + more
        seen = total - sum(len(pieces[i].text) for i in rejected)
        coverage = Coverage(seen, total, tuple(unseen), (*verdict.not_applicable, *direction.elsewhere))
        if verdict.action is not Action.BLOCKED and rejected:
            outputs = tuple(pieces[i].text if i in rejected else out for i, out in enumerate(outputs))
        return Report(
            verdict.action,
            direction.source,
            verdict.findings,
            outputs,
            verdict.failures,
            coverage,
            timings,
            self._policy.identity,
            found.scores,
            found.models,
        )

    def ground(
        self,
        answer: str,
        sources: str | Iterable[str],
        question: str | None = None,
        *,
        deadline: Deadline | None = None,
    ) -> Report:
        """Check an answer together with the sources that it must keep to, and the question that it must answer.

        All rules for answers apply; `grounding` compares with ``sources``, `relevance` with ``question``. Raises GuardrailsError
        when the policy compares with neither, and ValueError without a source.
        """
        given = [sources] if isinstance(sources, str) else list(sources)
        if not given or not all(isinstance(s, str) and s.strip() for s in given):
            raise ValueError("ground() needs sources: one text or several, none of them empty")
        compared = {r.type for r in self._directions[Source.OUTPUT].rules.values() if r.detector == "grounding"}
        if not compared:
            raise GuardrailsError(
                f"the policy {self._policy.name} has no rule grounding or relevance: add grounding: 0.75, or use check()"
            )
        pieces = [Piece(answer, Role.ASSISTANT)]
        pieces += [Piece(s, Role.DOCUMENT, Qualifier.GROUNDING_SOURCE) for s in given]
        if question is not None:
            pieces.append(Piece(question, Role.USER, Qualifier.QUERY))
        return self.check(pieces, Source.OUTPUT, deadline=deadline)

    async def acheck(self, text: Checkable, source: Source | str, *, deadline: Deadline | None = None) -> Report:
        """:meth:`check` in a worker thread: the event loop goes on."""
        return await asyncio.to_thread(self.check, text, source, deadline=deadline)

    def check_many(
        self,
        texts: Iterable[Checkable],
        source: Source | str,
        *,
        deadline: Deadline | None = None,
        direction: Direction | None = None,
    ) -> list[Report]:
        """One report a text, in order; texts do not see each other. A few at a time, so that models see batches.

        ``deadline``: one for all of them; without it, each has the policy's ``deadline_ms``.
        """
        if isinstance(texts, str | bytes | Mapping | Piece):
            raise TypeError(
                f"check_many() takes a list of texts, not {type(texts).__name__}: write [text], or use check()"
            )
        every = list(texts)
        # Threads help only who waits for a model.
        if len(every) < 2 or (direction or self._directions[Source(source)]).light:
            return [self.check(text, source, deadline=deadline, direction=direction) for text in every]
        with ThreadPoolExecutor(min(TOGETHER, len(every)), thread_name_prefix="guardrails-check") as pool:
            return list(pool.map(lambda text: self.check(text, source, deadline=deadline, direction=direction), every))


class Direction:
    """What applies to one direction: its rules, their detectors, and how to rewrite. Immutable and thread-safe."""

    __slots__ = (
        "_apart",
        "_detectors",
        "_held",
        "_languages",
        "_masker",
        "_opaque",
        "_policy",
        "elsewhere",
        "light",
        "rules",
        "source",
    )

    def __init__(self, policy: Policy, source: Source, built: MutableMapping[Any, detectors.Detector]) -> None:
        self.source = source
        self.rules = {r.id: r for r in policy.rules if r.action(source) is not None}
        self._policy = policy
        # Rules that compare answers have nothing to say about a request, and who asks should know.
        self.elsewhere = tuple(
            r.id for r in policy.rules if r.detector == "grounding" and source is Source.INPUT and r.output is not None
        )
        self._languages = policy.unsupported_language
        self._masker = Masker(self.rules)
        self._opaque = placeholders(self.rules.values())
        # Somebody else may write any constant or regex name into a mask; neither may hide a value from an enforced rule.
        self._held = {r.id: placeholders((r,)) for r in self.rules.values() if r.enforced}
        self._detectors: list[tuple[str, tuple[str, ...], detectors.Detector]] = []
        for name in detectors.DETECTORS:
            # Sorted, so that the order in which an author wrote the rules cannot matter.
            own = tuple(sorted((r for r in self.rules.values() if r.detector == name), key=lambda r: r.id))
            if own:
                # Where hits give way to each other, what else a rule says decides which.
                competes = getattr(detectors.module(name), "COMPETING", False)
                acts = tuple((r.enforced, r.input, r.output) for r in own) if competes else ()
                key = (name, tuple((r.id, r.type, r.settings) for r in own), acts)
                if key not in built:
                    built[key] = detectors.build(name, own)
                self._detectors.append((name, tuple(r.id for r in own), built[key]))
        # Detectors that may wait for something: a model, or whatever a detector of somebody else's asks.
        self._apart = frozenset(n for n, ids, _ in self._detectors if not _reads_only(n, [self.rules[i] for i in ids]))
        self.light = not self._apart  # whether no detector of this direction asks a model

    def thresholds(self, role: Role) -> dict[str, float]:
        """What the detectors that score say of themselves."""
        out: dict[str, float] = {}
        for _, _, detector in self._detectors:
            if isinstance(detector, detectors.Scoring):
                out |= detector.thresholds(self.source, role)
        return out

    @property
    def names(self) -> tuple[str, ...]:
        """The detectors this direction has rules for."""
        return tuple(name for name, _, _ in self._detectors)

    def mask(self, text: str, findings: Iterable[Finding], numbers: Numbers, more: Sequence[Edit] = ()) -> Masked:
        """``text`` with the spans of these findings masked, each in its rule's style. JSON in it stays JSON. ``more``: what
        else is replaced; no finding may overlap it."""
        found = reading(text)
        if found is None:
            return self.masked(text, findings, numbers, more=more)
        read = [
            f
            if f.start is None or f.end is None
            else replace(f, start=found.read(f.start), end=found.read(f.end, up=True))
            for f in findings
        ]
        more = [Edit(found.read(e.start), found.read(e.end, up=True), e.new) for e in more]
        return Masked(text, as_written(found, self.masked(found.text, read, numbers, found=found, more=more)))

    def masked(
        self,
        text: str,
        findings: Iterable[Finding],
        numbers: Numbers,
        *,
        before: str = "",
        after: str = "",
        found: Reading | None = None,
        shift: int = 0,
        more: Sequence[Edit] = (),
    ) -> Masked:
        """As :meth:`mask` for a text as it is read, or a part of one: see :meth:`guardrails.actions.Masker.apply`."""
        return self._masker.apply(
            text, findings, numbers, before=before, after=after, found=found, shift=shift, more=more
        )

    def replacement(self, value: str, finding: Finding, numbers: Numbers) -> str:
        """What takes the place of a value that is masked, in the style of the finding's rule."""
        return self._masker.replacement(value, finding, (finding.rule,), numbers)

    def find(
        self, content: Content, deadline: Deadline, timings: dict[str, float], only: frozenset[str] | None = None
    ) -> Found:
        """Everything all detectors see (or those named by ``only``). What breaks becomes a failure of its rules."""
        chosen = self._detectors if only is None else [d for d in self._detectors if d[0] in only]
        seen: _Seen = {}
        if self._apart or sum(len(p.text) for p in content.pieces) > _AT_ONCE:
            self._find_apart(chosen, content, deadline, seen)
        else:
            _look(chosen, content, deadline, seen)
        all_found = Found()
        for name, _, _ in chosen:  # in the table's order, whoever was done first
            found, milliseconds = seen[name]
            all_found.hits += found.hits
            all_found.failures += found.failures
            all_found.unseen += found.unseen
            all_found.scores |= found.scores
            all_found.models |= found.models
            timings[name] = timings.get(name, 0.0) + milliseconds
        if self._languages is UnsupportedLanguage.BLOCK:
            all_found.failures += [
                Failure(u.rule, FailureKind.UNSUPPORTED_LANGUAGE, u.piece, u.reason)
                for u in all_found.unseen
                if u.rule is not None and u.reason.startswith(NOT_JUDGED)
            ]
        for index, reason in content.exhausted():
            all_found.failures += [Failure(rule, FailureKind.UNINSPECTABLE, index, reason) for rule in self.rules]
            all_found.unseen.append(Unseen(reason, None, index))
        return all_found

    def _find_apart(self, chosen: Sequence[_Named], content: Content, deadline: Deadline, seen: _Seen) -> None:
        """Detectors that may wait, each on a thread of its own; the others meanwhile here, or behind each other on one
        thread when the text is long. Nobody is waited for beyond the deadline."""
        started = time.perf_counter()
        shared = Shared(content, deadline)
        groups: list[Sequence[_Named]] = [[d] for d in chosen if d[0] in self._apart]
        here = [d for d in chosen if d[0] not in self._apart]
        if here and sum(len(p.text) for p in content.pieces) > _AT_ONCE:
            groups, here = [*groups, here], []
        told: _Seen = {}  # written by the threads; one that is late writes into it when nobody reads it any more
        tasks: list[tuple[Sequence[_Named], Workers, Task | None]] = []
        for group in groups:
            pool = workers(group[0][0] if group[0][0] in self._apart else "strings")
            tasks.append((group, pool, pool.submit(partial(_look, group, shared, deadline, told))))
        _look(here, shared, deadline, seen)
        for group, pool, task in tasks:
            error: Exception | None = Overloaded() if task is None else pool.outcome(task, deadline)
            for name, ids, _ in group:
                found = told.get(name)
                if found is None:
                    late = failures_of(name, ids, error or RuntimeError())
                    found = Found(failures=late), (time.perf_counter() - started) * 1000
                seen[name] = found

    def judge(self, content: Content, hits: Iterable[Hit], failures: Iterable[Failure]) -> Verdict:
        """The verdict over hits that no exception excuses and that are not the policy's own placeholders."""
        kept = [self._widened(h, content) for h in hits] if hits else []
        if kept and self._opaque:
            patterns = {h.rule: self._held.get(h.rule, self._opaque) for h in kept}
            opaque = {
                p: [[m.span() for m in p.finditer(x.text)] if p else [] for x in content.pieces]
                for p in {*patterns.values()}
            }
            kept = [
                h for h in kept if h.start is None or not inside(h.start, h.end or 0, opaque[patterns[h.rule]][h.piece])
            ]
        kept = [h for h in kept if not excused(h, self.rules[h.rule], content)]
        kept = without_built_in(kept, self.rules, self.source)
        return judge(self.rules, self.source, kept, failures)

    @staticmethod
    def _widened(hit: Hit, content: Content) -> Hit:
        if hit.start is None or hit.end is None:
            return hit
        start, end = expand(content.pieces[hit.piece].text, hit.start, hit.end)
        return hit if (start, end) == (hit.start, hit.end) else replace(hit, start=start, end=end)

    def act(
        self,
        content: Content,
        verdict: Verdict,
        deadline: Deadline,
        timings: dict[str, float],
        readings: Mapping[int, Reading] = _NO_READINGS,
    ) -> tuple[tuple[str, ...], Verdict, list[Unseen]]:
        """Outputs per piece. Masked text is checked again until nothing new appears in it. ``readings``: of the pieces that
        are read otherwise than they were written; outputs and findings are of what was written."""
        outputs, verdict, unseen = self._act(content, verdict, deadline, timings, readings)
        return outputs, replace(verdict, findings=tuple(_located(f, readings) for f in verdict.findings)), unseen

    def _act(
        self,
        content: Content,
        verdict: Verdict,
        deadline: Deadline,
        timings: dict[str, float],
        readings: Mapping[int, Reading],
    ) -> tuple[tuple[str, ...], Verdict, list[Unseen]]:
        texts = tuple(p.text for p in content.pieces)
        unseen: list[Unseen] = []
        if verdict.action is Action.MASKED:
            numbers = Numbers(texts)
            echoes = Echoes()
            for rounds in range(_MASKING_ROUNDS):
                for f in verdict.findings:
                    if f.action is Action.MASKED:
                        echoes.add(texts[f.piece][f.start : f.end], f)
                masked = [
                    self.masked(text, (f for f in verdict.findings if f.piece == i), numbers, found=readings.get(i))
                    for i, text in enumerate(texts)
                ]
                again = Content(
                    [replace(p, text=m.text) for p, m in zip(content.pieces, masked, strict=True)],
                    self.source,
                    masked=rounds + 1,
                )
                found = self.find(again, deadline, timings)
                unseen += found.unseen
                new = self.judge(again, [*found.hits, *echoes.hits(again)], found.failures)
                fresh = [f for f in new.findings if _is_new(f, masked[f.piece])]
                uncovered = [_back(f, masked[f.piece]) for f in fresh if f.action is not Action.NONE]
                if not uncovered and set(new.failures) <= set(verdict.failures):
                    # What only shows once something else is masked is reported too: it is what readers see.
                    shown = [_back(f, masked[f.piece]) for f in fresh]
                    outputs = tuple(
                        m.text
                        if i not in readings
                        else "".join(t for _, t in readings[i].render(0, len(m.original), m.edits))
                        for i, m in enumerate(masked)
                    )
                    return outputs, self._reported(verdict, shown), unseen
                verdict = _joined(verdict, judge(self.rules, self.source, uncovered, new.failures))
                if verdict.action is Action.BLOCKED:
                    break
            else:
                stuck = [Failure(r, FailureKind.UNINSPECTABLE, None, "masking did not settle") for r in self.rules]
                verdict = replace(_joined(verdict, judge(self.rules, self.source, (), stuck)), action=Action.BLOCKED)
        if verdict.action is Action.BLOCKED:
            blocking = (f.rule for f in verdict.findings if f.action is Action.BLOCKED)
            return (self._policy.blocked(self.source, blocking),) * len(texts), verdict, unseen
        return tuple(readings[i].raw if i in readings else text for i, text in enumerate(texts)), verdict, unseen

    def _reported(self, verdict: Verdict, hits: Iterable[Hit]) -> Verdict:
        """The verdict with findings that only detect, each rule's place once."""
        known = {(f.rule, f.piece, f.start, f.end) for f in verdict.findings}
        more = [h for h in hits if (h.rule, h.piece, h.start, h.end) not in known]
        return _joined(verdict, judge(self.rules, self.source, more, ())) if more else verdict


# A detector by its name, with the ids of its rules.
_Named = tuple[str, tuple[str, ...], detectors.Detector]
# What each detector found, and in how many milliseconds.
_Seen = dict[str, tuple[Found, float]]


def _look(chosen: Sequence[_Named], content: Content, deadline: Deadline, seen: _Seen) -> None:
    """One detector after the other; what each found stands in ``seen`` as soon as it is done."""
    for name, ids, detector in chosen:
        started = time.perf_counter()
        try:
            deadline.check()
            found = detector.find(content, deadline)
        except Exception as error:  # the one place where anything may be caught
            found = Found(failures=failures_of(name, ids, error))
        seen[name] = found, (time.perf_counter() - started) * 1000


def _reads_only(name: str, rules: Sequence[Rule]) -> bool:
    """Whether a detector does nothing but read the text: it looks at the deadline itself, and waits for nothing."""
    if name == "pii":
        return not {r.type for r in rules} & set(detectors.module("pii").TAGGED)
    return name in ("words", "regex")


def _read(content: Content) -> tuple[Content, dict[int, Reading]]:
    """The pieces as they are read, and the readings of those that are read otherwise than they were written."""
    readings = {i: found for i, p in enumerate(content.pieces) if (found := reading(p.text)) is not None}
    if not readings:
        return content, readings
    pieces = [replace(p, text=readings[i].text) if i in readings else p for i, p in enumerate(content.pieces)]
    return Content(pieces, content.source), readings


def _located(finding: Finding, readings: Mapping[int, Reading]) -> Finding:
    """A finding with the offsets of what was written."""
    found = readings.get(finding.piece)
    evidence = finding.evidence
    if evidence is not None and (source := readings.get(evidence[0])) is not None:
        evidence = (evidence[0], source.written(evidence[1]), source.written(evidence[2]))
    if found is None or finding.start is None or finding.end is None:
        return finding if evidence is finding.evidence else replace(finding, evidence=evidence)
    return replace(finding, start=found.written(finding.start), end=found.written(finding.end), evidence=evidence)


def as_written(found: Reading, masked: Masked) -> list[Edit]:
    """The edits of a text that was masked as it is read, as edits of what was written."""
    out: list[Edit] = []
    for start, end, new in masked.edits:
        kind = next((k for k, _, _ in found.places(start, end)), Place.TEXT)
        out.append(Edit(found.written(start), found.written(end), escaped(new) if kind is Place.STRING else new))
    return out


def _is_new(finding: Any, masked: Masked) -> bool:
    """True for a finding in masked text that the masks themselves do not account for; one that only detects needs a place."""
    if finding.start is None:
        return finding.action is not Action.NONE
    return not inside(finding.start, finding.end, masked.replaced)


def _back(finding: Any, masked: Masked) -> Hit:
    start, end = (None, None) if finding.start is None else masked.span(finding.start, finding.end)
    return Hit(finding.rule, finding.type, start, end, finding.score, finding.piece, finding.level)


def _joined(first: Verdict, second: Verdict) -> Verdict:
    findings = dict.fromkeys((*first.findings, *second.findings))
    failures = dict.fromkeys((*first.failures, *second.failures))
    return Verdict(
        max(first.action, second.action, key=lambda a: a.severity),
        tuple(sorted(findings, key=lambda f: (f.piece, f.start or 0, f.end or 0, f.rule))),
        tuple(failures),
        tuple(dict.fromkeys((*first.not_applicable, *second.not_applicable))),
    )


def failures_of(name: str, rules: Sequence[str], error: Exception) -> list[Failure]:
    """A failure per rule. Exception messages may quote the text, so only the type and the place are kept."""
    kinds = {
        DeadlineExceeded: FailureKind.TIMEOUT,
        Overloaded: FailureKind.OVERLOAD,
        WeightsMissing: FailureKind.MODEL_UNAVAILABLE,
        TimeoutError: FailureKind.TIMEOUT,
        MemoryError: FailureKind.OUT_OF_MEMORY,
    }
    kind = next((k for t, k in kinds.items() if isinstance(error, t)), FailureKind.INTERNAL)
    frame = error.__traceback__
    while frame is not None and frame.tb_next is not None:
        frame = frame.tb_next
    detail = type(error).__name__
    if frame is not None:
        detail += f" at {Path(frame.tb_frame.f_code.co_filename).name}:{frame.tb_lineno}"
    # Too little time is what load and clients that leave bring; anything else is somebody's mistake.
    expected = kind in (FailureKind.TIMEOUT, FailureKind.OVERLOAD)
    _log.log(logging.WARNING if expected else logging.ERROR, "detector %s failed: %s", name, detail)
    return [Failure(rule, kind, None, detail) for rule in rules]


def _deadline(given: Deadline) -> Deadline:
    if not isinstance(given, Deadline):
        raise TypeError(
            f"deadline is a guardrails.content.Deadline, one point in time, not {type(given).__name__}: write "
            "deadline=Deadline(milliseconds)"
        )
    return given


def _admit(
    pieces: tuple[Piece, ...], source: Source, max_characters: int, max_pieces: int
) -> tuple[Content, dict[int, str]]:
    """The pieces that can be looked at; the others are emptied, and returned with the reason."""
    rejected: dict[int, str] = {}
    total = 0
    for index, piece in enumerate(pieces):
        total += len(piece.text)
        if index >= max_pieces:
            rejected[index] = f"more than {max_pieces} pieces"
        elif total > max_characters:
            rejected[index] = f"more than {max_characters} characters"
        elif not piece.text.isascii() and not _encodes(piece.text):
            rejected[index] = "lone surrogate"
    if rejected:
        pieces = tuple(replace(p, text="") if i in rejected else p for i, p in enumerate(pieces))
    return Content(pieces, source), rejected


def _encodes(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


@lru_cache(maxsize=64)
def _cached(path: str | Path) -> Guard:
    return Guard.from_file(path)


def check(text: Checkable, *, policy: str | Path | Guard, source: Source | str) -> Report:
    """Check a text against a policy file (or a shipped policy's name, or a Guard) in one call.

    The guard of a path is kept for the life of the process; use :class:`Guard` to control reloading.
    """
    return (policy if isinstance(policy, Guard) else _cached(policy)).check(text, source)
