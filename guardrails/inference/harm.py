"""How harmful the pieces of a check are: the probability of each category in each view, by both text models. Made once a check."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from guardrails import inference
from guardrails.catalog import ATTACKS, CONTENT
from guardrails.content import Content, Deadline
from guardrails.inference import PieceReading
from guardrails.types import Level, Role, Source

if TYPE_CHECKING:
    from guardrails.inference.cascade import Judged

__all__ = ["Harm", "harms", "models", "outputs"]


@dataclass(frozen=True, slots=True)
class Harm:
    """What both models say of one category in one view.

    ``label`` is the output of the models, ``category`` one of :data:`guardrails.catalog.CONTENT`, ``probability`` that of the window
    where it is highest, ``window``. ``plain``: its probability with plain words for the view's identifiers, where that was asked.
    """

    one: PieceReading
    label: str
    category: str
    judged: Judged
    probability: float
    window: int
    plain: float | None

    def near(self, bounds: Sequence[float]) -> float:
        """The probability, computed exactly near these bounds too, so that a batch's company does not decide on which side it is."""
        p, _ = self.judged.decide(self.label, near=bounds)
        return p if self.plain is None else min(p, self.plain)


def harms(content: Content, deadline: Deadline, pieces: frozenset[int]) -> list[Harm]:
    """Every category of these pieces, view by view; blank pieces have none. Raises DeadlineExceeded, Overloaded and WeightsMissing."""
    found: list[Harm] = content.shared(f"harm {sorted(pieces)}", lambda: list(_harms(content, deadline, pieces)))
    return found


def _harms(content: Content, deadline: Deadline, pieces: frozenset[int]) -> Iterator[Harm]:
    cascade = inference.text_cascade()
    readings = [one for one in inference.read(content, deadline) if one.piece in pieces]
    named = [outputs(content.source, content.pieces[one.piece].role) for one in readings]
    question = inference.question(content, deadline)
    asked = [(one.reading, [x for x, _ in own], question) for one, own in zip(readings, named, strict=True)]
    for one, own, judged in zip(readings, named, cascade.judge(asked, deadline.remaining), strict=True):
        again: list[Judged] | None = None
        for label, category in own:
            p, window = judged.decide(label)
            plain = None
            if p >= cascade.calibration[label].cuts[Level.LOW]:  # would it be stopped without its account numbers, too?
                if again is None:
                    reading = inference.plainer(content, one, deadline)
                    rest = [] if reading is None else [(reading, [x for x, _ in own], question)]
                    again = cascade.judge(rest, deadline.remaining)
                plain = min((j.decide(label)[0] for j in again), default=None)
            yield Harm(one, label, category, judged, p if plain is None else min(p, plain), window, plain)


def models(found: Iterable[Harm]) -> dict[str, str]:
    """The models that were asked for these, by name, with the sha256 of their weights."""
    cascade = inference.text_cascade()
    out = {cascade.small.manifest.name: cascade.small.manifest.sha256}
    if cascade.large is not None and any(h.judged.large for h in found):
        out[cascade.large.manifest.name] = cascade.large.manifest.sha256
    return out


def outputs(source: Source, role: Role) -> list[tuple[str, str]]:
    """(output of the models, category) for a piece of that direction and role."""
    out = [(f"{source}.{c}", c) for c in CONTENT if c != "PROMPT_ATTACK"]
    if source is Source.INPUT and role in (Role.USER, Role.SYSTEM):
        out += [(f"INPUT.{a}", "PROMPT_ATTACK") for a in ATTACKS]
    elif role in (Role.DOCUMENT, Role.TOOL):
        out.append(("DOCUMENT.PROMPT_INJECTION", "PROMPT_ATTACK"))
    return out
