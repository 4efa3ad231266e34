"""Contextual grounding (do the sources support the answer?) and relevance (does it answer the query?).

Each sentence of the answer that claims something is compared with the passages of the sources that share its rare words, and is as well
supported as by the best of them; the answer is as well grounded as its least supported sentence. Both scores are
probabilities; a score below the threshold fires the rule, as in Bedrock.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from guardrails import inference
from guardrails.content import Content, Deadline
from guardrails.detectors import Detector
from guardrails.detectors.claims import claims
from guardrails.rules import Rule
from guardrails.sentences import sentences
from guardrails.types import Failure, FailureKind, Found, Hit, Qualifier

__all__ = ["SOURCES", "SPANS", "After", "Settings", "build", "reach"]

SPANS = False


@dataclass(frozen=True, slots=True)
class After:
    """What stands behind ``after`` in a user's or system's text, up to ``before`` or its end."""

    after: str
    before: str | None = None


# Which texts of a request are sources, unless a policy says otherwise.
SOURCES: tuple[str | After, ...] = ("tool", "document", "marked")


@dataclass(frozen=True, slots=True)
class Settings:
    """``kind`` is GROUNDING or RELEVANCE; a score below ``threshold`` (0 to 0.99) fires the rule.

    ``sources`` (GROUNDING): roles, ``marked`` or :class:`After`. They say where the middleware and the proxy find the sources;
    who calls the library names them by qualifiers.
    """

    kind: str
    threshold: float = 0.5
    sources: tuple[str | After, ...] = ()


def reach(settings: Settings) -> int | None:
    """None: an answer is as well grounded as its least supported sentence, and relevant as a whole."""
    del settings
    return None


def build(rules: Sequence[Rule]) -> Detector:
    """One detector for both checks. Raises WeightsMissing when the model is not what this release ships."""
    inference.pair_engine()
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
        engine = inference.pair_engine()
        for rules, given in ((self._grounding, sources), (self._relevance, queries)):
            if rules and given and answers:
                for index in answers:
                    inference.note_languages(content, index, (r.id for r in rules), found)
        if self._grounding and sources and answers:
            found.models[engine.manifest.name] = engine.manifest.sha256
            self._ground(content, sources, answers, found, deadline)
        if self._relevance and queries and answers:
            found.models[engine.manifest.name] = engine.manifest.sha256
            self._relate(content, queries, answers, found, deadline)
        return found

    def _ground(
        self, content: Content, sources: list[int], answers: list[int], found: Found, deadline: Deadline
    ) -> None:
        said = [
            (i, a, b) for i in answers for a, b in claims(content.pieces[i].text, sentences(content.pieces[i].text))
        ]
        if not said:  # greetings, questions, "I don't know": nothing that a source could support
            return
        cuts = sorted({r.settings.threshold for r in self._grounding})
        supports = inference.pair_engine().support(
            [content.pieces[i].text for i in sources],
            [content.pieces[i].text[a:b] for i, a, b in said],
            cuts,
            deadline.remaining,
        )
        score = min(s.probability for s in supports)
        found.scores["grounding"] = round(score, 6)
        for rule in self._grounding:
            for (index, start, end), support in zip(said, supports, strict=True):
                if support.probability < rule.settings.threshold:
                    evidence = (sources[support.source], support.start, support.end)
                    p = round(support.probability, 6)
                    found.hits.append(Hit(rule.id, rule.type, start, end, p, index, None, evidence))

    def _relate(
        self, content: Content, queries: list[int], answers: list[int], found: Found, deadline: Deadline
    ) -> None:
        query = "\n".join(content.pieces[i].text for i in queries)
        cuts = sorted({r.settings.threshold for r in self._relevance})
        best, place = -1.0, answers[0]
        for index in answers:
            value = inference.pair_engine().relevance(query, content.pieces[index].text, cuts, deadline.remaining)
            if value > best:
                best, place = value, index
        found.scores["relevance"] = round(best, 6)
        for rule in self._relevance:
            if best < rule.settings.threshold:
                found.hits.append(Hit(rule.id, rule.type, 0, len(content.pieces[place].text), round(best, 6), place))
