"""An answer that arrives in pieces, step by step: what came, what may be shown, what is held back, and why."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from guardrails.guard import Guard
from guardrails.streaming.window import SEGMENT
from guardrails.types import Action, Finding, Source

__all__ = ["Played", "Step", "play"]

_STEPS = 300
_LONGEST = 50_000


@dataclass(frozen=True, slots=True)
class Step:
    """``came`` and ``left`` are texts; ``held`` the characters that stay here; ``why`` is a key of the catalogue, with its ``detail``."""

    came: str = field(repr=False)
    left: str = field(repr=False)
    held: int
    why: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Played:
    """The steps of a stream and how it ended. ``cut``: characters of the text that were too many to play."""

    steps: tuple[Step, ...]
    action: str
    rules: tuple[str, ...]
    most: int
    size: int
    cut: int


def play(guard: Guard, text: str, size: int) -> Played:
    """Feed ``text`` in chunks of ``size`` characters (more where there would be too many) to a stream of the guard's output rules."""
    said = text[:_LONGEST]
    size = max(1, size, -(-len(said) // _STEPS))
    stream = guard.stream(Source.OUTPUT)
    held = guard.hold(Source.OUTPUT)
    longest = max(held.rules, key=lambda rule: held.rules[rule] or 0, default="")
    steps = []
    for at in range(0, len(said), size):
        chunk = said[at : at + size]
        left = stream.feed(chunk)
        if stream.blocked:
            steps.append(Step(chunk, left, 0, "blocked", ", ".join(_blocking(stream.report.findings))))
            break
        if not stream.held:
            why, detail = "free", ""
        elif held.whole:
            why, detail = "whole", ", ".join(held.whole)
        elif left:
            why, detail = "reach", f"{longest}: {held.characters}"
        else:
            why, detail = "segment", str(SEGMENT[0])
        steps.append(Step(chunk, left, stream.held, why, detail))
    if not stream.blocked:
        left = stream.finish()
        rules = ", ".join(_blocking(stream.report.findings)) if stream.blocked else ""
        steps.append(Step("", left, 0, "blocked" if stream.blocked else "end", rules))
    report = stream.report
    rules_ = tuple(dict.fromkeys(f.rule for f in report.findings))
    return Played(tuple(steps), report.action.value, rules_, stream.held_most, size, len(text) - len(said))


def _blocking(findings: Iterable[Finding]) -> list[str]:
    return list(dict.fromkeys(f.rule for f in findings if f.action is Action.BLOCKED))
