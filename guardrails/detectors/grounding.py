"""Contextual grounding (do the sources support the answer?) and relevance (does it answer the query?).

Each statement of the answer that claims something is compared with the passages of the sources that share its rare words, by the model and
by code (numbers, names, negations), and is as well supported as by the best of them; the answer is as well grounded as its least supported
statement. A score below the threshold fires the rule, as in Bedrock.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Annotated, Any

from guardrails import inference
from guardrails.content import Content, Deadline
from guardrails.detectors import Detector
from guardrails.detectors.direct import direct
from guardrails.detectors.settings import (
    TYPE,
    Choice,
    Either,
    Items,
    Number,
    Order,
    Record,
    Section,
    Setting,
    Shape,
    Text,
)
from guardrails.detectors.supporting import claimed, support
from guardrails.detectors.traits import DetectorSpec, References
from guardrails.rules import Rule
from guardrails.types import Failure, FailureKind, Found, Hit, Qualifier

__all__ = ["SECTIONS", "SOURCES", "SPEC", "After", "Settings", "build"]


@dataclass(frozen=True, slots=True)
class After:
    """What stands behind ``after`` in a user's or system's text, up to ``before`` or its end."""

    after: str
    before: str | None = None


# Which texts of a request are sources, unless a policy says otherwise.
SOURCES: tuple[str | After, ...] = ("tool", "document", "marked")


def _written(sources: tuple[str | After, ...]) -> list[Any]:
    """Sources as a policy writes them."""
    return [s if isinstance(s, str) else {k: v for k, v in asdict(s).items() if v} for s in sources]


_AFTER = Record({"after": Text(200), "before": Text(200)}, After, ("after",), '{after: "Context:"}')
_SOURCE = Either(Choice(("tool", "document", "marked", "system", "user", "assistant")), _AFTER)


@dataclass(frozen=True, slots=True)
class Settings:
    """``kind`` is GROUNDING or RELEVANCE; a score below ``threshold`` (0 to 0.99) fires the rule.

    ``sources`` (GROUNDING): roles, ``marked`` or :class:`After`. They say where the middleware and the proxy find the sources;
    who calls the library names them by qualifiers.
    """

    kind: Annotated[str, TYPE]
    threshold: Annotated[
        float,
        Setting(
            about="a score below it is a finding",
            kind=Number(0, 0.99),
            order=Order.RISES,
            cut=True,
            member="threshold",
            example="0.75",
        ),
    ] = 0.5
    sources: Annotated[
        tuple[str | After, ...],
        Setting(about="which texts of a request an answer is compared with", kind=Items(_SOURCE, 1), shown=_written, written=_written,
            lost="Bedrock is told which content is a source with every call",
        ),
    ] = ()  # fmt: skip


SECTIONS = (
    Section(key="grounding", shape=Shape.ONE, bare="threshold", defaults={"sources": SOURCES}, directions=("output",), lost=None),
    Section(key="relevance", shape=Shape.ONE, bare="threshold", settings=("threshold",), directions=("output",), lost=None),
)  # fmt: skip


def _references(settings: Settings) -> References:
    qualifiers = {"GROUNDING": Qualifier.GROUNDING_SOURCE, "RELEVANCE": Qualifier.QUERY}
    return References(qualifiers[settings.kind], settings.sources)


# An answer is as well grounded as its least supported sentence, and relevant as a whole.
SPEC = DetectorSpec(
    spans=False,
    whole_answer=True,
    needs_references=_references,
    lower_is_worse=("grounding", "relevance"),
    remedy="give the model sources that say so, lower the threshold of {rule}, or change its action",
)


def build(rules: Sequence[Rule]) -> Detector:
    """One detector for both checks. Raises WeightsMissing when a model is not what this release ships."""
    inference.pair_cascade()
    return _Checks(rules)


class _Checks:
    def __init__(self, rules: Sequence[Rule]) -> None:
        self._grounding = [r for r in rules if r.settings.kind == "GROUNDING"]
        self._relevance = [r for r in rules if r.settings.kind == "RELEVANCE"]

    def find(self, content: Content, deadline: Deadline) -> Found:
        """Unsupported sentences with their place, and answers beside the point; rules without inputs are not applicable."""
        found = Found()
        if content.masked:
            return found
        sources, queries, answers = [], [], []
        for index, piece in enumerate(content.pieces):
            if not piece.text.strip():
                continue
            if Qualifier.GROUNDING_SOURCE in piece.qualifiers:
                sources.append(index)
            if Qualifier.QUERY in piece.qualifiers:
                queries.append(index)
            if Qualifier.GUARD_CONTENT in piece.qualifiers:
                answers.append(index)
        for rules, given, what in ((self._grounding, sources, "grounding source"), (self._relevance, queries, "query")):
            if rules and not (given and answers):
                missing = what if not given else "text to judge"
                found.failures += [Failure(r.id, FailureKind.NOT_APPLICABLE, None, f"no {missing}") for r in rules]
        small = inference.pair_engine().manifest
        for rules, given in ((self._grounding, sources), (self._relevance, queries)):
            if rules and given and answers:
                for index in answers:
                    inference.note_languages(content, index, (r.id for r in rules), found)
        if self._grounding and sources and answers:
            found.models[small.name] = small.sha256
            self._ground(content, sources, queries, answers, found, deadline)
        if self._relevance and queries and answers:
            found.models[small.name] = small.sha256
            self._relate(content, queries, answers, found, deadline)
        return found

    def _ground(  # noqa: PLR0917
        self,
        content: Content,
        sources: list[int],
        queries: list[int],
        answers: list[int],
        found: Found,
        deadline: Deadline,
    ) -> None:
        said = [(i, s) for i in answers for s in claimed(content.pieces[i].text)]
        if not said:  # greetings, questions, "I don't know": nothing that a source could support
            return
        cuts = sorted({r.settings.threshold for r in self._grounding})
        engine = inference.pair_cascade()
        judged = support(
            engine,
            [content.pieces[i].text for i in sources],
            [s.text for _, s in said],
            "\n".join(content.pieces[i].text for i in queries),
            cuts,
            deadline,
        )
        if engine.large is not None and any(s.large for s in judged):
            found.models[engine.large.manifest.name] = engine.large.manifest.sha256
        found.scores["grounding"] = round(min(s.probability for s in judged), 6)
        for rule in self._grounding:
            for (index, claim), best in zip(said, judged, strict=True):
                if best.probability < rule.settings.threshold:
                    evidence = (sources[best.source], best.start, best.end)
                    p = round(best.probability, 6)
                    found.hits.append(Hit(rule.id, rule.type, claim.start, claim.end, p, index, None, evidence))

    def _relate(
        self, content: Content, queries: list[int], answers: list[int], found: Found, deadline: Deadline
    ) -> None:
        query = "\n".join(content.pieces[i].text for i in queries)
        cuts = sorted({r.settings.threshold for r in self._relevance})
        best, place = -1.0, answers[0]
        for index in answers:
            answer = content.pieces[index].text
            value = inference.pair_engine().relevance(query, answer, cuts, deadline.remaining)
            value = max(value, direct(query, answer))
            if value > best:
                best, place = value, index
        found.scores["relevance"] = round(best, 6)
        for rule in self._relevance:
            if best < rule.settings.threshold:
                found.hits.append(Hit(rule.id, rule.type, 0, len(content.pieces[place].text), round(best, 6), place))
