"""What a detector says of itself: all that the pipeline, streams and reports know about it, whoever wrote it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from guardrails.types import Hit, Qualifier

__all__ = ["DetectorSpec", "Reach", "References", "Scores"]


@dataclass(frozen=True, slots=True)
class Reach:
    """How far hits of a rule reach in a growing text.

    ``characters``: how much must be seen beyond a point before no hit can cover it, context included, in characters as
    :mod:`guardrails.detectors.widths` measures them; None: all of the text.

    ``unfinished(text)``: where a value begins that has not ended, although more than ``characters`` of it are there; None without one.
    ``begun(text)``: in a text that ends with a sentence, where the first value may have begun that its end leaves open; the text's
    length without one. Without it, ``characters`` are held back there too.
    """

    characters: int | None
    unfinished: Callable[[str], int | None] | None = None
    begun: Callable[[str], int] | None = None


@dataclass(frozen=True, slots=True)
class References:
    """What a rule compares a text with: pieces of that qualifier; ``sources``: which texts of a request are such pieces."""

    qualifier: Qualifier
    sources: tuple[Any, ...] = ()


@dataclass(frozen=True, slots=True)
class Scores:
    """Between which scores, ``lowest`` and ``highest``, all hits of a rule lie; ``field`` is the setting from which on they count."""

    field: str
    lowest: float
    highest: float


def _waits(settings: Any) -> bool:  # noqa: ARG001 - as a trait
    return True


def _never(settings: Any) -> bool:  # noqa: ARG001 - as a trait
    return False


@dataclass(frozen=True, slots=True)
class DetectorSpec:
    """The traits of a detector. Functions are given a rule's ``settings``.

    ``spans``: its hits carry spans; only then may a rule of it mask.
    ``words``: they are words and phrases: separators between words count one, and a short one may be a piece of a longer word.
    ``lookahead``: how far hits reach. Left out: a detector that finds spans, or judges whole answers, needs the whole text; any other
    judges a text segment by segment.
    ``blocking``: it may wait for something, such as a model; it then gets threads of its own, and nobody waits for it beyond a
    deadline. One that does not block looks at the deadline itself.
    ``competing``: its hits give way to each other, so that a rule that only detects may take a place from one that masks, and to hits
    of a detector that ``claims`` the place they lie in.
    ``judges_meaning``: it says what a text means; it passes over the operator's own words (:meth:`guardrails.rules.Rule.trusts`).
    ``whole_answer``: an answer is judged at its end, as a whole.
    ``needs_references``: it compares a text with others, and has nothing to say without them; None where a rule does not.
    ``lower_is_worse``: the keys of its scores of which the lowest is the worst.
    ``local``: what it finds in a text it finds in every text that holds it, and the other way round.
    ``remedy``: what to do about a text that was taken for something else as a whole, with ``{rule}`` for the rule's id.
    ``in_ids``: for ids, paths, headers: whether a hit in one counts (text, hit, whether a credential is expected there); None where a rule
    does not read them.
    ``scores``: between which scores hits lie, so that a setting none of them reaches is told; left out where nobody can say.
    ``calls``: it judges calls of tools and their definitions, and reads no text. ``asks``: somebody may confirm a call that a rule stops.
    """

    spans: bool
    words: bool = False
    lookahead: Callable[[Any], Reach] | None = None
    blocking: Callable[[Any], bool] = _waits
    competing: bool = False
    claims: bool = False
    judges_meaning: bool = False
    whole_answer: bool = False
    needs_references: Callable[[Any], References] | None = None
    lower_is_worse: tuple[str, ...] = ()
    local: Callable[[Any], bool] = _never
    remedy: str = "change the settings or the action of {rule}"
    in_ids: Callable[[Any], Callable[[str, Hit, bool], bool] | None] | None = None
    scores: Callable[[Any], Scores] | None = None
    calls: bool = False
    asks: Callable[[Any], bool] = _never

    def reach(self, settings: Any) -> Reach:
        """How far hits of a rule with these settings reach."""
        if self.lookahead is not None:
            return self.lookahead(settings)
        return Reach(None if self.spans or self.whole_answer else 0)
