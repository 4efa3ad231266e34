"""Two pair models in a row: the small one reads every claim with its passages, the large one the claims that the small one is not sure of.

A claim whose score under the small model, other evidence included, lies below ``lower`` or above ``upper`` is settled. Every other one is read
by the large model (the first ``claims`` of a check, so that a long answer does not use up the time), with those of its passages that the
small model finds best, and judged by both: a weighted mean of their logits, calibrated as such. Verdicts are fixed as with texts: what is near ``lower``, ``upper`` or a cut point is computed again alone in fp32.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from guardrails.errors import DeadlineExceeded, WeightsMissing
from guardrails.inference import store
from guardrails.inference.cascade import NEAR_LOWER, LargeEngine, logit
from guardrails.inference.pair import Candidate, PairEngine, Support, cut
from guardrails.inference.store import Manifest
from guardrails.inference.text import NEAR_CUT, sigmoid
from guardrails.inference.tokens import Tokens
from guardrails.inference.windows import Window, pair

__all__ = ["Claim", "PairCascade"]

LABEL = "GROUNDING"
# Claims of a check that the large model reads, unless its manifest says otherwise.
CLAIMS = 10


@dataclass(frozen=True, slots=True)
class Claim:
    """What is to be supported.

    ``shifts``: what other evidence adds to its logit, on the scale of the small model and on that of both. ``settled``: its score is known
    otherwise, so that the large model need not read it.
    """

    text: str
    shifts: tuple[float, float] = (0.0, 0.0)
    settled: bool = False


@dataclass(slots=True)
class _Read:
    """What is known of a claim: logits by candidate, of the small model and of the large one, and which of them were computed alone."""

    claim: Claim
    candidates: list[Candidate]
    small: list[float]
    windows: dict[int, Window] = field(default_factory=dict)
    large: dict[int, float] = field(default_factory=dict)
    exact: set[int] = field(default_factory=set)


class PairCascade:
    """The small pair model, and the large model where it is asked and has a head for pairs. Thread-safe.

    ``evidence``: the weights of other evidence, for the small model's scale and for that of both.
    """

    def __init__(self, small: PairEngine, large: LargeEngine | None = None, *, every: bool = False) -> None:
        """``every``: the large model reads every claim that is not settled otherwise. Raises WeightsMissing when the two do not fit."""
        self.small, self.large, self._every = small, large, every
        own: Mapping[str, float] = small.manifest.settings.get("evidence", {})
        self._both: Mapping[str, Any] = {} if large is None else _checked(small.manifest, large.manifest)
        self.evidence: tuple[Mapping[str, float], Mapping[str, float]] = (own, self._both.get("evidence", {}))

    def support(
        self, sources: Sequence[str], claims: Sequence[Claim], cuts: Sequence[float], seconds: float, question: str = ""
    ) -> list[Support]:
        """The best evidence for each claim. ``cuts`` are the thresholds that matter.

        Raises DeadlineExceeded and Overloaded.
        """
        until = time.monotonic() + seconds
        found = self.small.candidates(sources, [c.text for c in claims])
        rows = iter(self.small.runner.run([c.window for own in found for c in own], seconds))
        column = self.small.label[LABEL]
        read = [_Read(c, own, [float(next(rows)[column]) for _ in own]) for c, own in zip(claims, found, strict=True)]
        if self.large is not None:
            self._ask(self.large, read, question, until)
        return [self._best(one, cuts, until) for one in read]

    # --- who is asked ---

    def _ask(self, large: LargeEngine, read: Sequence[_Read], question: str, until: float) -> None:
        chosen: list[tuple[_Read, int]] = []
        most = int(self._both.get("claims", CLAIMS))
        asked: list[_Read] = []
        for one in read:
            if len(asked) < most and one.candidates and not one.claim.settled and self._unsure(one, until):
                asked.append(one)
        for one in asked:
            words = self.said(self._behind(one.claim, question), int(self._both["longest_claim"]))
            for i in self._leading(one, until):
                one.windows[i] = self.window(one.candidates[i], words)
                chosen.append((one, i))
        windows = [one.windows[i] for one, i in chosen]
        for (one, i), value in zip(chosen, large.pairs(windows, until - time.monotonic()), strict=True):
            one.large[i] = float(value[self._both["column"]])

    def _unsure(self, one: _Read, until: float) -> bool:
        """Whether the small model's score of a claim lies between ``lower`` and ``upper``."""
        if self._every:
            return True
        ends = logit(self._both["lower"]), logit(self._both["upper"])
        value = max(self._small(one, i) for i in range(len(one.small)))
        if any(abs(value - end) <= NEAR_LOWER for end in ends):
            self._make_all_exact(one, until)
            value = max(self._small(one, i) for i in range(len(one.small)))
        return ends[0] <= value <= ends[1]

    def _leading(self, one: _Read, until: float) -> list[int]:
        """The candidates that the large model reads."""
        most = int(self._both["passages"])
        if len(one.candidates) <= most:
            return list(range(len(one.candidates)))
        self._make_all_exact(one, until)
        return sorted(sorted(range(len(one.small)), key=lambda i: (-one.small[i], i))[:most])

    def _behind(self, claim: Claim, question: str) -> str:
        """What the large model reads as the claim: behind its question where it is too short to say what it is about."""
        short = len(claim.text.split()) <= int(self._both["question"])
        return f"{question.strip()} {claim.text}" if short and question.strip() else claim.text

    def said(self, text: str, longest: int) -> Tokens:
        """The tokens of a claim, at most ``longest``."""
        return cut(self.small.tokeniser([text])[0], longest)

    def window(self, candidate: Candidate, said: Tokens) -> Window:
        """What the large model reads: it knows no types and cases of tokens."""
        return pair(self.small.tokeniser, candidate.premise, candidate.first, candidate.last, said).plain()

    # --- what is decided ---

    def _small(self, one: _Read, index: int) -> float:
        """The scaled logit of the small model."""
        c = self.small.manifest.calibration[LABEL]
        return c.scale * one.small[index] + c.bias + one.claim.shifts[0]

    def _probability(self, one: _Read, index: int) -> float:
        if index not in one.large:
            return sigmoid(self._small(one, index))
        both = self._both
        mixed = both["blend"] * one.large[index] + (1 - both["blend"]) * one.small[index]
        return sigmoid(both["scale"] * mixed + both["bias"] + one.claim.shifts[1])

    def _best(self, one: _Read, cuts: Sequence[float], until: float) -> Support:
        best, place = -1.0, None
        for i in sorted(one.large) or range(len(one.candidates)):
            p = self._probability(one, i)
            if any(abs(p - cut) <= NEAR_CUT for cut in cuts):
                self._make_exact(one, i, until)
                p = self._probability(one, i)
            if p > best:
                best, place = p, one.candidates[i]
        if place is None:
            return Support(0.0, 0, 0, 0)
        return Support(best, place.source, place.start, place.end, bool(one.large))

    def _make_exact(self, one: _Read, index: int, until: float) -> None:
        if index not in one.exact:
            if time.monotonic() > until:
                raise DeadlineExceeded(f"the deadline passed in model {self.small.manifest.name}")
            row = self.small.runner.exact(one.candidates[index].window)
            one.small[index] = float(row[self.small.label[LABEL]])
            one.exact.add(index)
        if index in one.large and self.large is not None:
            if time.monotonic() > until:
                raise DeadlineExceeded(f"the deadline passed in model {self.large.manifest.name}")
            one.large[index] = float(self.large.exact_pair(one.windows[index])[self._both["column"]])

    def _make_all_exact(self, one: _Read, until: float) -> None:
        for i in range(len(one.candidates)):
            self._make_exact(one, i, until)


def _checked(small: Manifest, large: Manifest) -> dict[str, Any]:
    """``settings.pairs`` of the large model, with the ``column`` of the label. Raises WeightsMissing when they were made for another small model."""

    def wrong(why: str) -> WeightsMissing:
        return WeightsMissing(
            f"{large.folder / store.MANIFEST} does not fit the model {small.name!r}: {why}; install both from one release"
        )

    found = dict(large.settings["pairs"])
    for name in (store.TOKENISER, store.WEIGHTS):
        if found.get("made_for", {}).get(name) != small.files.get(name):
            raise wrong(f"its pairs were made for another {name}")
    lacking = {
        "labels",
        "lower",
        "upper",
        "passages",
        "question",
        "longest_claim",
        "scale",
        "bias",
        "blend",
    } - found.keys()
    if lacking or LABEL not in found["labels"]:
        raise wrong(f"settings.pairs lacks {', '.join(sorted(lacking)) or LABEL}")
    if not (0 < found["lower"] < found["upper"] < 1 and 0 <= found["blend"] <= 1 and found["passages"] >= 1):
        raise wrong("settings.pairs has a band, blend or number of passages that is none")
    return {**found, "column": list(found["labels"]).index(LABEL)}
