"""Custom regular expressions, on RE2: linear in the text for each search, and no pattern can stall a check.

Finding *all* matches is still quadratic for some patterns on some texts (``\\d+@|\\d`` on digits), so every pattern has a
budget per text; over it is a failure of that rule, never a silent skip.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, NamedTuple

from guardrails.content import Content, Deadline
from guardrails.detectors import Detector
from guardrails.detectors.settings import TYPE, Order, Remark, Section, Setting, Text
from guardrails.detectors.traits import DetectorSpec, Reach
from guardrails.detectors.widths import pattern_reach
from guardrails.rules import Rule
from guardrails.types import Failure, FailureKind, Found, Hit

__all__ = ["SECTIONS", "SPEC", "Refusal", "Settings", "build", "check_pattern", "lint", "reach"]

# RE2's memory for one compiled pattern. Its own default is 8 MiB; a policy may have many patterns.
_MAX_MEMORY = 4 * 1024 * 1024
# Seconds a pattern may spend on one view of a text: a hundred times what a plain pattern needs for 100,000 characters.
_BUDGET = 0.25
# What ties a match to the text around it; behind a backslash or in a class it is a sign like any other.
_ESCAPED = re.compile(r"\\[^AzZB]|\[\^")
_ANCHOR = re.compile(r"[$^]|\\[AzZB]")


class Refusal(NamedTuple):
    """Why RE2 does not take a pattern, and what to write instead."""

    reason: str
    remedy: str


_HINTS = (
    (("(?=", "(?!"), "look-ahead is not supported", r"write the following text into the pattern, or use \b"),
    (("(?<=", "(?<!"), "look-behind is not supported", r"write the preceding text into the pattern, or use \b"),
    (("(?>",), "atomic groups are not supported", "leave out ?>: RE2 never backtracks, so it is not needed"),
    (("*+", "++", "?+"), "possessive repetition is not supported", "leave out the second +: RE2 never backtracks"),
)
_REMEDIES = {
    "invalid repetition size": ("repetition counts above 1000 are not supported", r"write x{1000}x{500}, or x+ without a count"),
    "pattern too large": ("it takes too much memory when compiled", "use smaller repetition counts, or split it in several rules"),
    "missing argument to repetition": ("a repetition sign has nothing to repeat", r"write a literal sign as \*, \+ or \?"),
    "missing )": ("a bracket is not closed", r"close it, or write a literal bracket as \("),
    "unexpected )": ("a bracket is closed that was never opened", r"write a literal bracket as \)"),
    "missing ]": ("a character class is not closed", r"close it, or write a literal bracket as \["),
    "invalid escape sequence": ("an escape is not known to RE2", "back-references such as \\1 and \\k are not supported; repeat the text"),
}  # fmt: skip


def _options() -> Any:
    import re2  # noqa: PLC0415 - Settings must be importable without it

    options = re2.Options()
    options.max_mem = _MAX_MEMORY
    options.log_errors = False
    return options


def check_pattern(pattern: str) -> Refusal | None:
    """Why the pattern cannot be used, None when it can."""
    import re2  # noqa: PLC0415

    try:
        compiled = re2.compile(pattern, _options())
    except re2.error as error:
        message = error.args[0]
        message = message.decode("utf-8", "replace") if isinstance(message, bytes) else str(message)
        for marks, reason, remedy in _HINTS:
            if any(mark in pattern for mark in marks):
                return Refusal(reason, remedy)
        for start, (reason, remedy) in _REMEDIES.items():
            if start in message:
                return Refusal(reason, remedy)
        return Refusal(message, "see the RE2 syntax page; look-around and back-references do not exist there")
    if compiled.fullmatch("") is not None:
        return Refusal(
            "it matches the empty text, so it would match everywhere", "make one part of it mandatory: + for *"
        )
    return None


_PATTERN = Text(refused=check_pattern, code="regex-refused", message="this pattern cannot be used")


@dataclass(frozen=True, slots=True)
class Settings:
    """A name (it stands in the mask), a pattern in RE2's syntax, and what the pattern is for."""

    name: Annotated[str, TYPE]
    pattern: Annotated[
        str, Setting(about="a pattern in the syntax of RE2", kind=_PATTERN, member="pattern", example="…")
    ]
    description: Annotated[
        str | None, Setting(about="what the pattern is for", kind=Text(), order=Order.FREE, member="description")
    ] = None


SECTIONS = (Section(key="pii.regexes", id="regex.{name}", formal=None, lost=None),)

# Patterns of nearly every text; and Bedrock's own limits (CreateGuardrail in botocore's service model): regexes, characters of one.
_BROAD = frozenset((".", ".+", ".*", r"\w+", r"\S+", r"\d", r"\w", r"[a-z]+", r"[A-Za-z]+", r"\d+"))
_REGEXES, _CHARACTERS = 30, 500


def lint(rules: Sequence[Rule]) -> Iterator[Remark]:
    """Patterns that match nearly everything, and what Bedrock would not take."""
    for rule in rules:
        pattern = rule.settings.pattern
        if pattern.strip("^$()") in _BROAD:
            yield Remark("broad-regex", f"{rule.id} matches nearly every text", rule.id, "pattern", pattern)
        if len(pattern) > _CHARACTERS:
            yield Remark("bedrock-limit", "Bedrock takes patterns of 500 characters at most", rule.id, "pattern")
    if len(rules) > _REGEXES:
        message = "Bedrock takes 30 regexes at most"
        yield Remark("bedrock-limit", message, rules[_REGEXES].id, written=str(len(rules)))


def reach(settings: Settings) -> int | None:
    """The widest match of the pattern; None where it may span anything (``.*`` in its middle)."""
    return pattern_reach(settings.pattern)


def _local(settings: Settings) -> bool:
    return _ANCHOR.search(_ESCAPED.sub("", settings.pattern)) is None


def _counts(text: str, hit: Hit, credential: bool) -> bool:  # noqa: ARG001 - as a trait
    return True


SPEC = DetectorSpec(
    spans=True,
    lookahead=lambda settings: Reach(reach(settings)),
    blocking=lambda _: False,
    claims=True,
    local=_local,
    in_ids=lambda _: _counts,
)


def build(rules: Sequence[Rule]) -> Detector:
    """One detector for all regex rules of a direction."""
    return _Regexes(rules)


class _Regexes:
    def __init__(self, rules: Sequence[Rule]) -> None:
        import re2  # noqa: PLC0415

        self._rules = tuple(rules)
        self._patterns = [re2.compile(r.settings.pattern, _options()) for r in self._rules]
        # One pass over the text tells which patterns match at all; it pays from the second pattern on.
        self._set: Any = None
        if len(self._rules) > 1:
            self._set = re2.Set.SearchSet(_options())
            for rule in self._rules:
                self._set.Add(rule.settings.pattern)
            # A set that runs out of memory answers like one that found nothing. This pattern always matches, so an
            # answer without it is no answer.
            self._set.Add("")
            self._set.Compile()

    def find(self, content: Content, deadline: Deadline) -> Found:
        """Every match of every pattern, in every view."""
        found = Found()
        for index in range(len(content.pieces)):
            seen: set[tuple[int, int, int]] = set()
            failed: set[int] = set()
            for view in content.folded(index).patterns:
                deadline.check()
                for number in self._candidates(view.text):
                    if number in failed:
                        continue
                    spans, complete = _find_all(self._patterns[number], view.text, deadline)
                    if not complete:
                        failed.add(number)
                    for start, end in spans:
                        if end - start >= view.min_match:
                            seen.add((number, *view.span(start, end)))
            for number, start, end in sorted(seen):
                rule = self._rules[number]
                found.hits.append(Hit(rule.id, rule.type, start, end, 1.0, index))
            found.failures += [
                Failure(self._rules[n].id, FailureKind.TIMEOUT, index, f"pattern over its budget of {_BUDGET} s")
                for n in sorted(failed)
            ]
        return found

    def _candidates(self, text: str) -> Sequence[int]:
        if self._set is None:
            return (0,)
        numbers: list[int] = sorted(self._set.Match(text))
        return numbers[:-1] if numbers else range(len(self._rules))


def _find_all(pattern: Any, text: str, deadline: Deadline) -> tuple[list[tuple[int, int]], bool]:
    """Spans of all matches, and whether the whole text was searched within the budget."""
    spans: list[tuple[int, int]] = []
    until = min(time.perf_counter() + _BUDGET, time.perf_counter() + max(deadline.remaining, 0))
    for match in pattern.finditer(text):
        start, end = match.span()
        if end > start:
            spans.append((start, end))
        if time.perf_counter() > until:
            return spans, False
    return spans, True
