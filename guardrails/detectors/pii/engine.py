"""The detector: the triggered patterns over every view, checksums, context, and one owner for each place."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

from guardrails import inference
from guardrails.content import Content, Deadline
from guardrails.detectors.pii.context import evidence, scored
from guardrails.detectors.pii.foreign import no_artifacts
from guardrails.detectors.pii.matching import SECONDS, WINDOW, BudgetExceededError, Text, compiled
from guardrails.detectors.pii.plausible import implausible
from guardrails.detectors.pii.recognizer import Spec
from guardrails.detectors.pii.recognizers.labels import announced
from guardrails.detectors.pii.registry import TAGGED
from guardrails.detectors.pii.resolve import Candidate, resolve
from guardrails.detectors.pii.triggers import Triggers
from guardrails.errors import DeadlineExceeded, GuardrailsError, Overloaded, WeightsMissing
from guardrails.fold import View
from guardrails.rules import Rule
from guardrails.types import Failure, FailureKind, Found, Hit, RuleAction, Source

__all__ = ["Engine", "Raw", "judged", "run"]

# What a mask leaves behind. A rule such as "password: …" must not find its own placeholder again.
_PLACEHOLDER = re.compile(r"\{([A-Z][A-Z0-9_]*?)(?:_[0-9]+|:[0-9A-Za-z]+)?\}")
_LONGEST_PLACEHOLDER = 80  # characters
_KINDS = {
    DeadlineExceeded: FailureKind.TIMEOUT,
    Overloaded: FailureKind.OVERLOAD,
    MemoryError: FailureKind.OUT_OF_MEMORY,
    WeightsMissing: FailureKind.MODEL_UNAVAILABLE,
}
_MOST_SHOWN = 8  # letters and digits that a partial mask may show and we still take it for one


class Raw(NamedTuple):
    """A match before context: span in the view, score, and whether a checksum held."""

    spec: Spec
    start: int
    end: int
    score: float
    valid: bool


def run(triggers: Triggers, text: str, *, failed: set[str], tick: Callable[[], None] = lambda: None) -> Iterator[Raw]:
    """All matches in ``text``, checksums applied, context not yet.

    Types whose pattern ran out of time are added to ``failed``; ``tick`` is called before every window of every pattern
    and may raise.
    """
    shared = Text(text, tick)
    for job in triggers.jobs(text):
        spec = job.spec
        if spec.type in failed:
            continue
        try:
            for start, end in _values(spec, text, compiled(job.pattern, spec.ignore_case).spans(shared)):
                if start == end:
                    continue
                verdict = None if spec.validate is None else spec.validate(text[start:end])
                if verdict is not False or announced(spec.type, text, start, end):
                    yield Raw(spec, start, end, 1.0 if verdict else job.score, bool(verdict))
        except BudgetExceededError:
            failed.add(spec.type)


def _values(spec: Spec, text: str, matches: Iterator[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    refine = spec.refine
    if refine is None:
        return matches
    return (value for start, end in matches for value in refine(text, start, end))


# From this round of masking on, the tagger is not asked again.
_TAGGER_ROUNDS = 3

# How much an enforced rule does with what it finds.
_STRENGTH = {None: 0, RuleAction.DETECT: 0, RuleAction.MASK: 1, RuleAction.BLOCK: 2}


class Engine:
    """Finds the entities of its rules. Immutable and thread-safe.

    ``extra`` are Presidio recognisers whose types the rules may name. Raises GuardrailsError for a type that nothing
    finds: it must not look like one that is nowhere.
    """

    def __init__(self, rules: Sequence[Rule], specs: Sequence[Spec], extra: Sequence[Any] = ()) -> None:
        self._rules: dict[str, list[Rule]] = {}
        for rule in sorted(rules, key=lambda r: r.id):
            self._rules.setdefault(rule.settings.entity, []).append(rule)
        found = {s.type for s in specs} | {t for r in extra for t in r.supported_entities} | set(TAGGED)
        for entity in sorted(self._rules.keys() - found):
            near = difflib.get_close_matches(entity, sorted(found), 1)
            hint = f"; did you mean {near[0]}?" if near else ""
            raise GuardrailsError(f"no recogniser finds the entity type {entity!r}{hint}")
        self._least = {entity: min(r.settings.min_score for r in own) for entity, own in self._rules.items()}
        self._protected = {
            source: {
                e: max(_STRENGTH[r.action(source)] for r in own if r.enforced)
                for e, own in self._rules.items()
                if any(r.enforced for r in own)
            }
            for source in Source
        }
        # What a placeholder may be called: by its type, or by what the policy calls it.
        self._names = frozenset(self._rules) | {r.type for r in rules}
        chosen = [s for s in specs if s.type in self._rules]
        self._on_original = Triggers(chosen)
        self._on_derived = Triggers([s for s in chosen if s.scope != "raw"])
        self._extra = [r for r in extra if set(r.supported_entities) & self._rules.keys()]
        self._tagged = self._rules.keys() & set(TAGGED)
        if self._tagged:
            inference.text_engine()  # a policy that asks for names must not start without what finds them

    def find(self, content: Content, deadline: Deadline) -> Found:
        """Hits of every rule over every piece; a type that ran out of time is a failure of its rules."""
        found = Found()
        # A mask changes what the tagger thinks of its neighbours, over and over; what it has not seen by then is not there.
        ask = self._tagged and content.masked < _TAGGER_ROUNDS
        tagged = self._tags(content, found, deadline) if ask else {}
        for index, piece in enumerate(content.pieces):
            deadline.check()
            candidates = list(self._candidates(content, index, found.failures, deadline))
            candidates += tagged.get(index, ())
            certain = [c for c in candidates if c.score >= self._least[c.type]]
            for c in resolve(piece.text, certain, self._protected[content.source]):
                found.hits += [
                    Hit(rule.id, rule.type, c.start, c.end, round(c.score, 4), index)
                    for rule in self._rules[c.type]
                    if c.score >= rule.settings.min_score
                ]
        return found

    def _tags(self, content: Content, found: Found, deadline: Deadline) -> dict[int, list[Candidate]]:
        """What the trained tagger sees, by piece; when it cannot look, the rules it stands for have failed."""
        out: dict[int, list[Candidate]] = {}
        asked = [rule.id for entity in sorted(self._tagged) for rule in self._rules[entity]]
        try:
            manifest = inference.text_engine().manifest
            found.models[manifest.name] = manifest.sha256
            for one in inference.read(content, deadline):
                if one.view.kind not in ("raw", "clean", "mime"):
                    continue  # decoding makes names of scraps; what is encoded on purpose has a form, and patterns find it
                for t in inference.tags(one):
                    text = one.view.text
                    if t.type in self._tagged and not self._masked(text, t.start, t.end) and not implausible(text, t):
                        start, end = one.view.span(t.start, t.end)
                        out.setdefault(one.piece, []).append(Candidate(t.type, start, end, t.score))
            if not content.masked:  # it was noted before
                for index, piece in enumerate(content.pieces):
                    if piece.text and not piece.text.isspace():
                        inference.note_languages(content, index, asked, found)
        except Exception as error:  # the patterns go on without it
            kind = _KINDS.get(type(error), FailureKind.INTERNAL)
            found.failures += [Failure(id_, kind, None, type(error).__name__) for id_ in asked]
        return out

    def _candidates(
        self, content: Content, index: int, failures: list[Failure], deadline: Deadline
    ) -> Iterator[Candidate]:
        late: set[str] = set()
        for number, view in enumerate(content.folded(index).patterns):
            triggers = self._on_derived if number else self._on_original
            for raw in run(triggers, view.text, failed=late, tick=deadline.check):
                candidate = judged(raw, view)
                if candidate is not None and not self._masked(view.text, raw.start, raw.end):
                    yield candidate
            for recognizer in self._extra:
                yield from self._ask(recognizer, view, index, failures)
        failures += [
            Failure(rule.id, FailureKind.TIMEOUT, index, f"over {SECONDS} s for a pattern on {WINDOW} characters")
            for entity in sorted(late)
            for rule in self._rules[entity]
        ]

    def _ask(self, recognizer: Any, view: View, index: int, failures: list[Failure]) -> Iterator[Candidate]:
        """What a foreign recogniser finds in a view; whatever it raises is a failure of the rules it stands for."""
        wanted = sorted(set(recognizer.supported_entities) & self._rules.keys())
        try:
            for result in recognizer.analyze(view.text, wanted, no_artifacts()):
                if result.entity_type in wanted and 0 <= result.start < result.end <= len(view.text):
                    start, end = view.span(result.start, result.end)
                    yield Candidate(result.entity_type, start, end, min(1.0, max(0.0, float(result.score))))
        except Exception as error:  # a model may raise anything
            failures += [
                Failure(rule.id, FailureKind.INTERNAL, index, type(error).__name__)
                for entity in wanted
                for rule in self._rules[entity]
            ]

    def _masked(self, text: str, start: int, end: int) -> bool:
        """True when a value is, or lies in, placeholders of our types ("USERNAME" has the form of a SWIFT code), or
        when it has no letter or digit at all."""
        value = text[start:end]
        if "}" in value:
            value = _PLACEHOLDER.sub(lambda m: "" if m.group(1) in self._names else m.group(), value)
        shown = sum(c.isalnum() for c in value)
        if not shown or (shown <= _MOST_SHOWN and _left_by_partial_mask(text, start, end, shown)):
            return True
        opening = text.rfind("{", max(0, start - _LONGEST_PLACEHOLDER), start)
        around = _PLACEHOLDER.match(text, opening) if opening >= 0 else None
        return around is not None and around.end() > end and around.group(1) in self._names


def _left_by_partial_mask(text: str, start: int, end: int, shown: int) -> bool:
    """True for ``****1111``: at least as many stars before the value as it shows, and none that close them after it.

    Stars alone prove nothing: ``**bob@example.com**`` is bold type.
    """
    first, last = start, end
    while first < end and text[first] == "*":
        first += 1
    while last > first and text[last - 1] == "*":
        last -= 1
    before = len(text[max(0, first - 64) : first]) - len(text[max(0, first - 64) : first].rstrip("*"))
    after = len(text[last : last + 64]) - len(text[last : last + 64].lstrip("*"))
    return before >= max(2, shown) and after < before


def judged(raw: Raw, view: View) -> Candidate | None:
    """A match with its context weighed, at its place in the original; None when it does not count."""
    text, spec = view.text, raw.spec
    if view.min_match and sum(c.isalnum() for c in text[raw.start : raw.end]) < view.min_match:
        return None
    around = evidence(text, raw.start, raw.end, spec.context, spec.against)
    if spec.requires_context and around.sign <= 0:
        return None
    start, end = view.span(raw.start, raw.end)
    distance = around.distance if around.sign > 0 else 99
    return Candidate(spec.type, start, end, scored(raw.score, around), raw.valid, distance)
