"""Models that somebody else serves, as rules: guard models, and classifiers behind vLLM or Text Embeddings Inference.

The texts go to the address that the rule names, and nowhere else. A server that is silent, refuses, or answers something that is no
verdict has not judged: that is a failure of the rule, and the policy decides what it means.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated

from guardrails import inference
from guardrails.catalog import CONTENT
from guardrails.content import Content, Deadline
from guardrails.detectors import Detector
from guardrails.detectors.settings import TYPE, Choice, Items, Number, Order, Section, Setting, Text, Word
from guardrails.detectors.traits import DetectorSpec
from guardrails.errors import DeadlineExceeded, GuardrailsError, Overloaded, RemoteFailed
from guardrails.inference.harm import harms, models
from guardrails.inference.remote import BACKENDS, Backend, Endpoint, Judged, opened
from guardrails.inference.remote.addresses import refused
from guardrails.inference.remote.profiles import PROFILES, UNSAFE
from guardrails.rules import Rule
from guardrails.types import Failure, FailureKind, Found, Hit, Qualifier, Role, Source

__all__ = ["KEYS", "SECTIONS", "SPEC", "Settings", "build"]

_log = logging.getLogger("guardrails")
# What the names of environment variables with API keys begin with: no policy can have another secret sent somewhere.
KEYS = "GUARDRAILS_API_KEY"


def _key(name: str) -> tuple[str, str] | None:
    if name.isidentifier() and name.startswith(KEYS):
        return None
    return f"it does not begin with {KEYS}", f"call the variable {KEYS}, or {KEYS}_ and a name"


@dataclass(frozen=True, slots=True)
class Settings:
    """A model behind an address (:class:`guardrails.inference.remote.Endpoint`), its labels that count, and from which probability."""

    name: Annotated[str, TYPE]
    backend: Annotated[
        str, Setting(about="what answers there: a guard model, TEI or vLLM", kind=Choice(BACKENDS), example="guard")
    ]
    url: Annotated[
        str,
        Setting(
            about="the server's address, without the path of its API",
            kind=Text(2_000, refused, "address-refused", "this address cannot be used"),
            example="http://127.0.0.1:8000",
        ),
    ]
    model: Annotated[str, Setting(about="the model's name there", kind=Text(300), example="Qwen/Qwen3Guard-Gen-0.6B")]
    profile: Annotated[
        str, Setting(about="how a guard model is asked, and its answers are read", kind=Choice(tuple(PROFILES)))
    ] = ""
    labels: Annotated[
        tuple[str, ...], Setting(about="the labels that count; for a guard model, without any: all", kind=Items(Word()))
    ] = ()
    threshold: Annotated[
        float, Setting(about="the probability from which one counts", kind=Number(0.01, 1), order=Order.FALLS)
    ] = 0.5
    classes: Annotated[
        tuple[str, ...],
        Setting(about="the labels of a vLLM classifier, in the order of its outputs", kind=Items(Word())),
    ] = ()
    criteria: Annotated[
        str, Setting(about="what a guard model judges by, in your words, where it takes such", kind=Text(20_000))
    ] = ""
    revision: Annotated[str, Setting(about="the commit of the weights that a TEI server must run", kind=Text(100))] = ""
    api_key_env: Annotated[
        str,
        Setting(
            about=f"the environment variable with the API key; its name begins with {KEYS}",
            kind=Text(100, _key, "key-refused", "this variable cannot be used"),
        ),
    ] = ""
    timeout_ms: Annotated[
        int,
        Setting(about="milliseconds for one call", kind=Number(10, 120_000, whole=True), order=Order.FREE),
    ] = 2_000
    window: Annotated[
        int,
        Setting(
            about="characters in one call; without: 8000 for a guard model, else 1500",
            kind=Number(200, 200_000, whole=True),
        ),
    ] = 0
    calls_per_minute: Annotated[
        int,
        Setting(
            about="the most calls in any minute, of each process or of all that share state; more fail as overload",
            kind=Number(1, 1_000_000, whole=True),
            order=Order.FREE,
        ),
    ] = 0
    grey_from: Annotated[
        float,
        Setting(
            about="asked only about texts that the shipped models find harmful with at least this probability",
            kind=Number(0, 1),
            order=Order.FALLS,
        ),
    ] = 0.0
    grey_to: Annotated[
        float,
        Setting(
            about="asked only about texts that the shipped models find harmful with less than this probability; 1: all",
            kind=Number(0.01, 1),
            order=Order.RISES,
        ),
    ] = 1.0

    @property
    def grey(self) -> bool:
        """Whether the shipped models decide which texts are asked about."""
        return self.grey_from > 0 or self.grey_to < 1

    @property
    def endpoint(self) -> Endpoint:
        """The model, as the backends know it."""
        return Endpoint(
            self.backend, self.url, self.model, self.profile, self.criteria, self.labels, self.classes, self.revision,
            self.api_key_env, self.timeout_ms / 1000, self.window, self.calls_per_minute,
        )  # fmt: skip


SECTIONS = (Section(key="remote"),)
# Texts are judged segment by segment, and there is no span to mask.
SPEC = DetectorSpec(spans=False, judges_meaning=True, remedy="raise the threshold of {rule}, or change its action")

_KINDS = {
    DeadlineExceeded: FailureKind.TIMEOUT,
    Overloaded: FailureKind.OVERLOAD,
    GuardrailsError: FailureKind.MODEL_UNAVAILABLE,
}


def build(rules: Sequence[Rule]) -> Detector:
    """Calls nobody. Raises GuardrailsError for a key that is not set, labels that a model cannot give, and a grey zone without room;
    WeightsMissing where the shipped models decide what is asked, and are not what this release ships."""
    for rule in rules:
        settings: Settings = rule.settings
        if (settings.backend == "guard") != bool(settings.profile):
            needs = f"needs a profile: {', '.join(PROFILES)}" if settings.backend == "guard" else "has no profile"
            raise GuardrailsError(f"rule {rule.id}: backend {settings.backend} {needs}")
        if settings.backend != "guard" and not settings.labels:
            raise GuardrailsError(f"rule {rule.id}: name the labels of {settings.model} that count in `labels`")
        known = opened(settings.endpoint).labels
        unknown = [label for label in settings.labels if known and label not in known]
        if unknown:
            raise GuardrailsError(
                f"rule {rule.id}: {settings.model} has no label {unknown[0]!r}; it has {', '.join(known)}"
            )
        if settings.grey:
            if settings.grey_from >= settings.grey_to:
                raise GuardrailsError(f"rule {rule.id}: grey_from must be below grey_to, or no text is asked about")
            inference.text_cascade()
    return _Remote(rules)


class _Remote:
    def __init__(self, rules: Sequence[Rule]) -> None:
        self._rules = [(rule, opened(rule.settings.endpoint)) for rule in rules]

    def find(self, content: Content, deadline: Deadline) -> Found:
        """A hit a piece and rule, at the window with the highest probability of a label that counts; what fails is its rule's failure."""
        found = Found()
        if content.masked:  # it was judged before; a mask takes away and adds nothing
            return found
        for rule, backend in self._rules:
            unsure: frozenset[int] | None = None
            for index, piece in enumerate(content.pieces):
                if not piece.text.strip() or not inference.judged(content, index):
                    continue
                if inference.trusted(content, index, [rule], found):
                    continue
                try:
                    if rule.settings.grey:
                        if unsure is None:
                            unsure = _unsure(rule, content, deadline, found)
                        if index not in unsure:
                            continue
                    self._piece((rule, backend), content, index, deadline, found)
                except GuardrailsError as error:
                    kind = next(k for t, k in _KINDS.items() if isinstance(error, t))
                    _log.warning("rule %s: %s", rule.id, error)
                    found.failures.append(Failure(rule.id, kind, index, type(error).__name__))
        return found

    def _piece(self, one: tuple[Rule, Backend], content: Content, index: int, deadline: Deadline, found: Found) -> None:
        rule, backend = one
        settings: Settings = rule.settings
        wanted = settings.labels or (UNSAFE,)
        best: tuple[float, str, int, int] = (-1.0, "", 0, 0)
        try:
            for view in inference.views(content, index):
                judged: list[Judged] = []
                try:
                    backend.score(view.text, deadline.remaining, _question(content, index), judged)
                finally:
                    for start, end, scores in judged:
                        if not scores.keys() >= set(wanted):
                            raise RemoteFailed(f"the model has no label of that name; it has {', '.join(scores)}")
                        label = max(wanted, key=scores.__getitem__)
                        if scores[label] > best[0]:
                            best = (scores[label], _named(label, scores), *view.span(start, end))
        finally:
            # A harmful window is one, whatever becomes of the others.
            p, label, start, end = best
            if p >= 0:
                found.models[backend.model] = backend.sha256
                found.scores[rule.id] = max(found.scores.get(rule.id, 0.0), round(p, 6))
            if p >= settings.threshold:
                found.hits.append(Hit(rule.id, label, start, end, round(p, 6), index))

    def thresholds(self, source: Source, role: Role) -> dict[str, float]:
        """The probability from which each rule acts."""
        del source
        return {rule.id: rule.settings.threshold for rule, _ in self._rules if not rule.trusts(role)}


def _unsure(rule: Rule, content: Content, deadline: Deadline, found: Found) -> frozenset[int]:
    """The pieces of which the shipped models leave open what they are: the highest probability of the rule's categories lies between its bounds."""
    settings: Settings = rule.settings
    wanted = set(settings.labels) & set(CONTENT) or set(CONTENT)
    bounds = (settings.grey_from, settings.grey_to)
    highest = {
        i: 0.0
        for i, p in enumerate(content.pieces)
        if p.text.strip() and inference.judged(content, i) and not rule.trusts(p.role)
    }
    judged = harms(content, deadline, frozenset(highest))
    found.models |= models(judged)
    for harm in judged:
        if harm.category in wanted:
            highest[harm.one.piece] = max(highest[harm.one.piece], harm.near(bounds))
    return frozenset(
        i for i, p in highest.items() if settings.grey_from <= p and (p < settings.grey_to or settings.grey_to == 1)
    )


def _question(content: Content, index: int) -> str | None:
    """What a text of an assistant answers (empty where nobody says); None for a text that is none."""
    if content.source is Source.INPUT and content.pieces[index].role is not Role.ASSISTANT:
        return None
    return "\n".join(p.text for p in content.pieces if p.qualifiers == (Qualifier.QUERY,))


def _named(label: str, scores: Mapping[str, float]) -> str:
    """What a finding is called: the label, or of a text that is harmful at all the first category that is as probable."""
    if label != UNSAFE:
        return label
    return next((name for name, p in scores.items() if name != UNSAFE and p == scores[label]), label)
