"""The check pipeline: what a policy does with texts of one direction, compiled. Find, excuse, judge, rewrite, report."""

from __future__ import annotations

from collections.abc import Iterable, MutableMapping, Sequence
from dataclasses import replace
from typing import Any

from guardrails import detectors, inference
from guardrails.actions import Masked, Masker, Numbers, placeholders
from guardrails.content import Content, Deadline
from guardrails.exceptions import excused, unclaimed
from guardrails.execution import Compiled, run
from guardrails.known_values import KnownValues
from guardrails.reading import Edit, Reading, reading
from guardrails.rewriting import Range, as_written, located
from guardrails.rules import Policy, Rule
from guardrails.spans import expand, inside
from guardrails.streaming.lookahead import Lookahead, lookahead
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
    Report,
    Role,
    Source,
    Unseen,
    UnsupportedLanguage,
)
from guardrails.verdict import Verdict, joined, judge, stops

__all__ = ["Pipeline"]

# Replacing a span can bring its neighbours together into something new. Each round masks what the last one uncovered;
# a text that still changes after this many is refused.
_MASKING_ROUNDS = 8


class Pipeline:
    """The rules of one direction, their detectors, and how to rewrite. Immutable and thread-safe."""

    __slots__ = (
        "_detectors",
        "_held",
        "_lookahead",
        "_masker",
        "_opaque",
        "_specs",
        "_waiting",
        "elsewhere",
        "light",
        "policy",
        "rules",
        "source",
        "spanning",
        "whole_answers",
    )

    def __init__(self, policy: Policy, source: Source, built: MutableMapping[Any, detectors.Detector]) -> None:
        """``built`` holds detectors by what they were built from. Raises WeightsMissing, and GuardrailsError for a bad hash key."""
        self.policy = policy
        self.source = source
        self._lookahead: Lookahead | None = None
        self.rules = {r.id: r for r in policy.rules if r.action(source) is not None}
        # Rules that compare answers have nothing to say about a request, and who asks should know.
        compared = [r for r in policy.rules if detectors.spec(r.detector).needs_references is not None]
        self.elsewhere = tuple(
            r.id for r in compared if source is Source.INPUT and r.input is None and r.output is not None
        )
        self._masker = Masker(self.rules)
        self._opaque = placeholders(self.rules.values())
        # Somebody else may write any constant or regex name into a mask; neither may hide a value from an enforced rule.
        self._held = {r.id: placeholders((r,)) for r in self.rules.values() if r.enforced}
        self._detectors: list[Compiled] = []
        self._specs: dict[str, detectors.DetectorSpec] = {}
        for name in detectors.DETECTORS:
            # Sorted, so that the order in which an author wrote the rules cannot matter.
            own = tuple(sorted((r for r in self.rules.values() if r.detector == name), key=lambda r: r.id))
            if own:
                # Where hits give way to each other, what else a rule says decides which.
                self._specs[name] = spec = detectors.spec(name)
                acts = tuple((r.enforced, r.input, r.output) for r in own) if spec.competing else ()
                key = (name, tuple((r.id, r.type, r.settings) for r in own), acts)
                if key not in built:
                    built[key] = detectors.build(name, own)
                self._detectors.append((name, tuple(r.id for r in own), built[key]))
        # Detectors that may wait for something: a model, or whatever a detector of somebody else's asks.
        self._waiting = frozenset(r.detector for r in self.rules.values() if self.spec(r).blocking(r.settings))
        self.light = not self._waiting  # whether no detector of this direction asks a model
        # The detectors, by name, that judge answers as wholes, and of the others those that find spans.
        self.whole_answers = frozenset(name for name, spec in self._specs.items() if spec.whole_answer)
        self.spanning = frozenset(name for name, spec in self._specs.items() if spec.spans) - self.whole_answers

    @property
    def names(self) -> tuple[str, ...]:
        """The detectors this direction has rules for."""
        return tuple(name for name, _, _ in self._detectors)

    def spec(self, rule: Rule) -> detectors.DetectorSpec:
        """The traits of a rule's detector."""
        return self._specs[rule.detector]

    def asks(self, rule: str) -> bool:
        """Whether somebody may confirm a call that this rule stops."""
        found = self.rules[rule]
        return self.spec(found).asks(found.settings)

    def references(self) -> dict[str, detectors.References]:
        """The rules, by id, that compare a text with others, and what each compares it with."""
        compared = ((r, self.spec(r).needs_references) for r in self.rules.values())
        return {rule.id: needs(rule.settings) for rule, needs in compared if needs is not None}

    @property
    def lower_is_worse(self) -> frozenset[str]:
        """The keys of scores of which the lowest is the worst."""
        return detectors.lower_is_worse(self.rules.values())

    def thresholds(self, role: Role) -> dict[str, float]:
        """What the detectors that score say of themselves."""
        out: dict[str, float] = {}
        for _, _, detector in self._detectors:
            if isinstance(detector, detectors.Scoring):
                out |= detector.thresholds(self.source, role)
        return out

    @property
    def lookahead(self) -> Lookahead:
        """How far a growing text is final under these rules."""
        if self._lookahead is None:
            self._lookahead = lookahead(self.policy, self.source)
        return self._lookahead

    # -- a whole check -----------------------------------------------------------------------------------------------

    def check(self, pieces: Sequence[Piece], deadline: Deadline) -> Report:
        """Check these pieces together: see :meth:`guardrails.guard.Guard.check`."""
        timings: dict[str, float] = {}
        content, rejected = self._admit(pieces)
        content, readings = _read(content)
        failures = [f for i, why in rejected.items() for f in self.failures(FailureKind.BAD_INPUT, why, i)]
        verdict = self.inspect(content, deadline, timings, failures=failures)
        outputs = tuple(p.text for p in pieces)
        if verdict.action is Action.MASKED:
            ranges = [Range(p.text, reading=readings.get(i)) for i, p in enumerate(content.pieces)]
            numbers = Numbers([p.text for p in content.pieces])
            verdict = self.rewrite(
                content, verdict, ranges, numbers=numbers, known=KnownValues(), deadline=deadline, timings=timings
            )
            outputs = tuple(pieces[i].text if i in rejected else r.output for i, r in enumerate(ranges))
        if verdict.action is Action.BLOCKED:
            blocking = (f.rule for f in verdict.findings if f.action is Action.BLOCKED)
            outputs = (self.policy.blocked(self.source, blocking),) * len(pieces)

        total = sum(len(p.text) for p in pieces)
        unseen = (*(Unseen(why, None, i) for i, why in rejected.items()), *verdict.unseen)
        seen = total - sum(len(pieces[i].text) for i in rejected)
        return Report(
            verdict.action,
            self.source,
            tuple(located(f, readings) for f in verdict.findings),
            outputs,
            verdict.failures,
            Coverage(seen, total, unseen, (*verdict.not_applicable, *self.elsewhere)),
            timings,
            self.policy.identity,
            verdict.scores,
            verdict.models,
            inference.named(verdict.models),
        )

    def _admit(self, pieces: Sequence[Piece]) -> tuple[Content, dict[int, str]]:
        """The pieces that can be looked at; the others are emptied, and returned with the reason."""
        limits = self.policy.limits
        rejected: dict[int, str] = {}
        total = 0
        for index, piece in enumerate(pieces):
            total += len(piece.text)
            if index >= limits.max_pieces:
                rejected[index] = f"more than {limits.max_pieces} pieces"
            elif total > limits.max_characters:
                rejected[index] = f"more than {limits.max_characters} characters"
            elif not piece.text.isascii() and not _encodes(piece.text):
                rejected[index] = "lone surrogate"
        if rejected:
            pieces = tuple(replace(p, text="") if i in rejected else p for i, p in enumerate(pieces))
        return Content(pieces, self.source), rejected

    # -- find and judge ----------------------------------------------------------------------------------------------

    def inspect(
        self,
        content: Content,
        deadline: Deadline,
        timings: dict[str, float],
        *,
        only: frozenset[str] | None = None,
        known: KnownValues | None = None,
        failures: Iterable[Failure] = (),
    ) -> Verdict:
        """The verdict over what all detectors see (or those named by ``only``).

        ``known``: values that were masked before, and are hits wherever they stand. ``failures``: what failed already. Milliseconds
        of each detector are added to ``timings``.
        """
        found = self.find(content, deadline, timings, only)
        hits = found.hits if known is None else [*found.hits, *known.hits(content)]
        verdict = self.judge(content, hits, [*failures, *found.failures])
        return replace(verdict, unseen=tuple(found.unseen), scores=found.scores, models=found.models)

    def find(
        self, content: Content, deadline: Deadline, timings: dict[str, float], only: frozenset[str] | None = None
    ) -> Found:
        """Everything all detectors see (or those named by ``only``). What breaks becomes a failure of its rules."""
        chosen = self._detectors if only is None else [d for d in self._detectors if d[0] in only]
        results = run(chosen, self._waiting, content, deadline)
        all_found = Found()
        for name, _, _ in chosen:  # in the table's order, whoever was done first
            found, milliseconds = results[name]
            all_found.hits += found.hits
            all_found.failures += found.failures
            all_found.unseen += found.unseen
            all_found.scores |= found.scores
            all_found.models |= found.models
            timings[name] = timings.get(name, 0.0) + milliseconds
        if self.policy.unsupported_language is UnsupportedLanguage.BLOCK:
            all_found.failures += [
                Failure(u.rule, FailureKind.UNSUPPORTED_LANGUAGE, u.piece, u.reason)
                for u in all_found.unseen
                if u.rule is not None and u.reason.startswith(NOT_JUDGED)
            ]
        for index, reason in content.exhausted():
            all_found.failures += self.failures(FailureKind.UNINSPECTABLE, reason, index)
            all_found.unseen.append(Unseen(reason, None, index))
        return all_found

    def judge(self, content: Content, hits: Iterable[Hit], failures: Iterable[Failure]) -> Verdict:
        """The verdict over hits that no exception excuses and that are not the policy's own placeholders."""
        kept = [_widened(h, content) for h in hits] if hits else []
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
        kept = unclaimed(kept, self.rules, self._specs, self.source)
        return judge(self.rules, self.source, kept, failures)

    def failures(self, kind: FailureKind, detail: str, piece: int | None = None) -> list[Failure]:
        """Every rule fails, for the same reason."""
        return [Failure(rule, kind, piece, detail) for rule in self.rules]

    def stops(self, failures: Iterable[Failure]) -> bool:
        """Whether one of these rules, which could not be evaluated, blocks for that."""
        return stops(self.rules, failures)

    # -- rewrite -----------------------------------------------------------------------------------------------------

    def rewrite(
        self,
        content: Content,
        verdict: Verdict,
        ranges: Sequence[Range],
        *,
        numbers: Numbers,
        known: KnownValues,
        deadline: Deadline,
        timings: dict[str, float],
        only: frozenset[str] | None = None,
    ) -> Verdict:
        """Mask one range of each piece as the verdict says, and check the texts again until nothing new appears in them.

        The ranges then hold the masked texts; returns the verdict with what only showed once something else was masked. What blocks
        then, or does not settle, is BLOCKED. ``known`` learns the masked values; ``only`` names the detectors that look again.
        """
        for rounds in range(1, _MASKING_ROUNDS + 1):
            if not self._mask(verdict, ranges, numbers, known):
                return verdict
            pieces = [replace(p, text=r.again) for p, r in zip(content.pieces, ranges, strict=True)]
            again = Content(pieces, self.source, masked=rounds)
            new = self.inspect(again, deadline, timings, only=only, known=known)
            fresh = [back for f in new.findings if (back := ranges[f.piece].back(f)) is not None]
            acting = tuple(f for f in fresh if f.action is not Action.NONE)
            action = Action.BLOCKED if self.stops(new.failures) else Action.NONE
            action = max([action, *(f.action for f in acting)], key=lambda a: a.severity)
            if not acting and set(new.failures) <= set(verdict.failures):
                # What only detects is reported too: it is what readers see. Each rule's place once.
                places = {(f.rule, f.piece, f.start, f.end) for f in verdict.findings}
                shown = tuple(f for f in fresh if (f.rule, f.piece, f.start, f.end) not in places)
                return joined(verdict, replace(new, action=action, findings=shown))
            verdict = joined(verdict, replace(new, action=action, findings=acting))
            if verdict.action is Action.BLOCKED:
                return verdict
        stuck = self.failures(FailureKind.UNINSPECTABLE, "masking did not settle")
        return joined(verdict, Verdict(Action.BLOCKED, (), tuple(stuck), ()))

    def _mask(self, verdict: Verdict, ranges: Sequence[Range], numbers: Numbers, known: KnownValues) -> bool:
        """Mask the findings in these ranges; whether there were any."""
        masked = False
        for index, one in enumerate(ranges):
            here = one.clip(f for f in verdict.findings if f.piece == index)
            text = one.text[one.start : one.end]
            one.masked = self._masker.apply(
                text, here, numbers, before=one.text[: one.start], after=one.text[one.end :], found=one.reading,
                shift=one.shift,
            )  # fmt: skip
            for f in here:
                known.add(text[f.start : f.end], f)
            masked = masked or bool(here)
        return masked

    def mask(self, text: str, findings: Iterable[Finding], numbers: Numbers, more: Sequence[Edit] = ()) -> Masked:
        """``text`` with the spans of these findings masked, each in its rule's style. JSON in it stays JSON. ``more``: what
        else is replaced; no finding may overlap it."""
        found = reading(text)
        if found is None:
            return self._masker.apply(text, findings, numbers, more=more)
        read = [
            f
            if f.start is None or f.end is None
            else replace(f, start=found.read(f.start), end=found.read(f.end, up=True))
            for f in findings
        ]
        more = [Edit(found.read(e.start), found.read(e.end, up=True), e.new) for e in more]
        return Masked(text, as_written(found, self._masker.apply(found.text, read, numbers, found=found, more=more)))

    def replacement(self, value: str, finding: Finding, numbers: Numbers) -> str:
        """What takes the place of a value that is masked, in the style of the finding's rule."""
        return self._masker.replacement(value, finding, (finding.rule,), numbers)


def _read(content: Content) -> tuple[Content, dict[int, Reading]]:
    """The pieces as they are read, and the readings of those that are read otherwise than they were written."""
    readings = {i: found for i, p in enumerate(content.pieces) if (found := reading(p.text)) is not None}
    if not readings:
        return content, readings
    pieces = [replace(p, text=readings[i].text) if i in readings else p for i, p in enumerate(content.pieces)]
    return Content(pieces, content.source), readings


def _widened(hit: Hit, content: Content) -> Hit:
    if hit.start is None or hit.end is None:
        return hit
    start, end = expand(content.pieces[hit.piece].text, hit.start, hit.end)
    return hit if (start, end) == (hit.start, hit.end) else replace(hit, start=start, end=end)


def _encodes(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
