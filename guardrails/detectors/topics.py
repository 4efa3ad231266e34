"""Topics, denied or the only ones allowed, each given by a name, a definition, a few examples and what is none; no training.

The shipped encoder embeds a text once, whatever the number of topics; each topic is a direction fitted when the policy
loads (:mod:`guardrails.inference.topics`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated

from guardrails import inference
from guardrails.content import Content, Deadline
from guardrails.detectors import Detector
from guardrails.detectors.phrases import Phrases
from guardrails.detectors.settings import TYPE, File, Flag, Items, Number, Order, Record, Remark, Section, Setting, Text
from guardrails.detectors.smalltalk import small_talk
from guardrails.detectors.topicheads import Head
from guardrails.detectors.traits import DetectorSpec
from guardrails.errors import GuardrailsError
from guardrails.rules import Rule
from guardrails.types import Found, Hit, Role, Source

if TYPE_CHECKING:
    from guardrails.inference.text import Row, TextEngine
    from guardrails.inference.topics import Topic

__all__ = ["OFF_TOPIC", "SECTIONS", "SPEC", "Settings", "build", "cut_of", "fitted", "lint"]

# What a text is called that is off every allowed topic, and its score.
OFF_TOPIC = "OFF_TOPIC"
# From this probability on a text belongs to an allowed topic. Far below the cut point of denied topics: there, what is near is
# welcome; here, what is far is not. Chosen on topics of its own (docs/topics.md).
_ON_TOPIC = 0.02
# From this probability on a text belongs to a topic with a head of its own.
_HEAD = 0.5
_REFIT = "fit it anew with: guardrails review topic REVIEW --policy POLICY --head NEW_FILE"


def _head_named(head: Head) -> str:
    return f"{head.file} (sha256 {head.sha256[:12]})"


def _head_written(head: Head) -> dict[str, str]:
    return {"file": head.file, "sha256": head.sha256}


@dataclass(frozen=True, slots=True)
class Settings:
    """What the topic is called, what belongs to it (a definition), example phrases, and phrases that do not belong to it.

    ``threshold`` is the probability (0 to 1) from which on the topic fires, None for the model's own cut point. ``head``: weights that decide
    in place of the definition. ``allow``: the topic is welcome, and what belongs to no such topic fires instead.
    """

    name: Annotated[str, TYPE]
    definition: Annotated[
        str, Setting(about="what belongs to the topic", kind=Text(), member="definition", example="…")
    ]
    examples: Annotated[
        tuple[str, ...],
        Setting(
            about="phrases that belong to it", kind=Items(Text()), order=Order.GROWS, unless="allow", member="examples"
        ),
    ] = ()
    not_examples: Annotated[
        tuple[str, ...],
        Setting(
            about="phrases that do not",
            kind=Items(Text()),
            order=Order.SHRINKS,
            unless="allow",
            lost="Bedrock's topics have no not_examples",
        ),
    ] = ()
    threshold: Annotated[
        float | None,
        Setting(
            about="the probability from which a text belongs to it; without one, the model's own",
            kind=Number(0.01, 1),
            order=Order.FALLS,
            unless="allow",
            cut=True,
            lost="Bedrock's topics have no threshold",
        ),
    ] = None
    head: Annotated[
        Head | None,
        Setting(
            about="weights fitted on reviewed texts, which decide in place of the definition; a file and its sha256",
            kind=Record(
                {
                    "file": File(
                        Head.parse,
                        1_000_000,
                        code="head-refused",
                        message="this file is no head of a topic",
                        remedy=_REFIT,
                    ),
                    "sha256": Text(64),
                },
                Head.pinned,
                ("file", "sha256"),
                "{file: heads/topic.json, sha256: …}",
                code="head-refused",
                message="this is not the head that the policy names",
                remedy=f"take back the file as it was; or {_REFIT}, and write the lines that it prints",
            ),
            lost="Bedrock has no heads fitted on your texts",
            shown=_head_named,
            written=_head_written,
        ),
    ] = None
    allow: Annotated[
        bool,
        Setting(
            about="the topic is welcome, and what belongs to no such topic is found",
            kind=Flag(),
            lost="Bedrock has denied topics only",
        ),
    ] = False


SECTIONS = (Section(key="topics", id="topic.{name}", closes=("allow", True), lost=None),)


def lint(rules: Sequence[Rule]) -> Iterable[Remark]:
    """What these topics say that a model will not read as their author means it."""
    from guardrails.detectors.topics_lint import lint as remarks  # noqa: PLC0415 - an author's tool

    return remarks(rules, fitted, cut_of)


# Texts are judged segment by segment, and there is no span to mask.
SPEC = DetectorSpec(
    spans=False,
    judges_meaning=True,
    remedy="sharpen the definition or the examples of {rule}, or change its action",
)


def build(rules: Sequence[Rule]) -> Detector:
    """One detector for all topics of a direction. Raises WeightsMissing when the model is not what this release ships."""
    return _Topics(rules)


class _Topics:
    def __init__(self, rules: Sequence[Rule]) -> None:
        engine = inference.text_engine()
        from guardrails.inference.topics import fit  # noqa: PLC0415 - numpy

        self._cascade = inference.topic_cascade()
        self._topics = [(r, fitted(engine, r.settings, fit)) for r in rules]
        self._said = {r.id: (Phrases(r.settings.examples), Phrases(r.settings.not_examples)) for r in rules}
        self._cuts = {r.id: cut_of(engine, r.settings, self._cascade.cut) for r in rules}
        self._heads = {r.id: _logit(engine, r) for r in rules if r.settings.head is not None}
        self._read = {
            r.id: self._cascade.said(r.settings.name, r.settings.definition, r.settings.examples)
            for r in rules
            if self._cascade.large is not None and not r.settings.allow and r.settings.head is None
        }

    def find(self, content: Content, deadline: Deadline) -> Found:
        """A hit for each topic and piece whose probability reaches the topic's cut point, at the window that decided."""
        found = Found()
        if content.masked:  # it was judged before; a mask takes away and adds nothing
            return found
        manifest = inference.text_engine().manifest
        found.models[manifest.name] = manifest.sha256
        rules = [rule for rule, _ in self._topics]
        readings = [
            one
            for one in inference.read(content, deadline)
            if inference.judged(content, one.piece) and not inference.trusted(content, one.piece, rules, found)
        ]
        for piece in dict.fromkeys(one.piece for one in readings):
            inference.note_languages(content, piece, (rule.id for rule in rules), found)
        self._off_topic(content, readings, found)
        self._denied(readings, deadline, found)
        found.hits.sort(key=lambda hit: (hit.piece, hit.rule))
        return found

    def _off_topic(self, content: Content, readings: Sequence[inference.PieceReading], found: Found) -> None:
        """What belongs to no allowed topic."""
        allowed = [(r, t) for r, t in self._topics if r.settings.allow]
        off: dict[int, float] = {}
        for one in readings if allowed else ():
            if not _has_a_topic(content, one):
                continue
            belongs = []
            for rule, topic in allowed:
                cut = self._cuts[rule.id]
                known = self._known(rule, one)
                p = self._own(rule, topic, one)[0] if known is None else known[0]
                belongs.append((p, cut))
            p, cut = max(belongs, key=lambda pair: pair[0] - pair[1])
            found.scores["off_topic"] = max(found.scores.get("off_topic", 0.0), round(1 - p, 6))
            if p < cut:
                off[one.piece] = max(off.get(one.piece, 0.0), 1 - p)
        for piece, p in off.items():
            whole = (0, len(content.pieces[piece].text))
            found.hits += [Hit(r.id, OFF_TOPIC, *whole, round(p, 6), piece) for r, _ in allowed]

    def _denied(self, readings: Sequence[inference.PieceReading], deadline: Deadline, found: Found) -> None:
        """What belongs to a denied topic: the text as the author wrote it, or as the models judge it."""
        from guardrails.inference.topic_pairs import Asked  # noqa: PLC0415 - numpy

        best: dict[tuple[int, str], Hit] = {}
        open_: list[tuple[Rule, inference.PieceReading, Asked]] = []

        def take(rule: Rule, one: inference.PieceReading, p: float, place: tuple[int, int]) -> None:
            key = f"topic.{rule.settings.name}"
            found.scores[key] = max(found.scores.get(key, 0.0), round(p, 6))
            known = best.get((one.piece, rule.id))
            if p >= self._cuts[rule.id] and (known is None or known.score < p):
                best[one.piece, rule.id] = Hit(rule.id, rule.type, *place, round(p, 6), one.piece)

        for one in readings:
            for rule, topic in self._topics:
                if rule.settings.allow:
                    continue
                if (known := self._known(rule, one)) is not None:
                    take(rule, one, *known)
                elif rule.id in self._heads:
                    p, window = self._own(rule, topic, one)
                    take(rule, one, p, one.span(window))
                else:
                    asked = Asked(one.reading, topic, self._read.get(rule.id), self._cuts[rule.id])
                    open_.append((rule, one, asked))
        judged = self._cascade.judge([asked for *_, asked in open_], deadline.remaining)
        for (rule, one, _), (p, window, large) in zip(open_, judged, strict=True):
            take(rule, one, p, one.span(window))
            if large and self._cascade.large is not None:
                found.models[self._cascade.large.manifest.name] = self._cascade.large.manifest.sha256
        found.hits += best.values()

    def _own(self, rule: Rule, topic: Topic, one: inference.PieceReading) -> tuple[float, int]:
        """The small model's probability and the window that decides: by the topic's head, else by what the policy says of the topic."""
        head, calibration = self._heads.get(rule.id), inference.text_engine().manifest.calibration["TOPIC"]
        if head is not None:  # its log-odds are its own; what many windows take off is the same
            return one.reading.decide(head, replace(calibration, scale=1.0, bias=0.0), (self._cuts[rule.id],))
        return one.reading.decide(_score(topic), calibration, (self._cuts[rule.id],))

    def _known(self, rule: Rule, one: inference.PieceReading) -> tuple[float, tuple[int, int]] | None:
        """The probability and place of what the author's own phrases settle: they count more than a score."""
        examples, others = self._said[rule.id]
        if others.whole(one.view.text):
            return 0.0, (0, 0)
        if (said := examples.find(one.view.text)) is not None:
            return 1.0, one.view.span(*said)
        return None

    def thresholds(self, source: Source, role: Role) -> dict[str, float]:
        """The cut point of each topic."""
        del source, role
        out = {f"topic.{r.settings.name}": self._cuts[r.id] for r, _ in self._topics if not r.settings.allow}
        allowed = [self._cuts[r.id] for r, _ in self._topics if r.settings.allow]
        return out | ({"off_topic": 1 - min(allowed)} if allowed else {})


def cut_of(engine: TextEngine, settings: Settings, both: float | None = None) -> float:
    """The probability from which on a text belongs to the topic; ``both``: the cut point where the large model is asked too."""
    if settings.threshold is not None:
        return settings.threshold
    if settings.head is not None:
        return _HEAD
    if settings.allow:
        return float(engine.manifest.settings["topics"].get("allow", _ON_TOPIC))
    if both is not None:
        return both
    return float(engine.manifest.calibration["TOPIC"].cuts["LOW"])


def _has_a_topic(content: Content, one: inference.PieceReading) -> bool:
    """Whether allowed topics have a say: in what users ask and what is answered, small talk excepted. Documents and tools give context."""
    if content.source is Source.INPUT and content.pieces[one.piece].role is not Role.USER:
        return False
    return not small_talk(one.view.text)


def fitted(engine: TextEngine, settings: Settings, fit: Callable[..., Topic]) -> Topic:
    """The topic that these settings describe."""
    return fit(engine, settings.name, settings.definition, settings.examples, settings.not_examples)


def _logit(engine: TextEngine, rule: Rule) -> Callable[[Row], float]:
    """The log-odds that a rule's head gives a window. Raises GuardrailsError for weights of another size than the embedding's."""
    import numpy as np  # noqa: PLC0415

    head: Head = rule.settings.head
    weights, bias, size = np.asarray(head.weights), head.bias, len(engine.arrays["topics.mean"])
    if len(weights) != size:
        raise GuardrailsError(
            f"{rule.id}: {head.file} has {len(weights)} weights, and the model {size} numbers; {_REFIT}"
        )
    return lambda row: float(row.embedding.astype(np.float64) @ weights) + bias


def _score(topic: Topic) -> Callable[[Row], float]:
    return lambda row: topic.score(row.embedding)
