"""The corridor for text that arrives in pieces, under one law:

1. Verdict and output are the same however the text is cut into chunks.
2. Text is judged in *segments* (sentences, or a bounded length) that depend on the text alone; a whole text goes through the
   same segments.
3. The output is the masked text up to the segment with the first block; the policy's message follows, and nothing else.
4. No character of a masked or blocked span leaves.

After a segment closes, its text is checked together with the safe text before it. What may still become part of a longer
hit stays back: as many characters as the longest of the policy's rules can reach (:func:`guardrails.reach.hold`), counted
in the shortest reading of the text, and never half of a word.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING

from guardrails import detectors
from guardrails.actions import Masked, Numbers
from guardrails.content import Content, Deadline
from guardrails.echoes import Echoes
from guardrails.errors import GuardrailsError
from guardrails.reading import Edit, Place, Reading
from guardrails.rules import StreamMode
from guardrails.segments import SEGMENT, Frontier, boundary
from guardrails.spans import beside, inside
from guardrails.types import (
    Action,
    Coverage,
    Failure,
    FailureKind,
    Finding,
    Piece,
    Report,
    Role,
    Source,
    Unseen,
)
from guardrails.verdict import stops, worst

if TYPE_CHECKING:
    from guardrails.guard import Guard

__all__ = ["CONTEXT", "TextStream"]

# Safe text that is looked at again together with a new segment: what came before a value often says what it is, and an
# encoder's window of 256 tokens holds about this much and a segment.
CONTEXT = 600
_ROUNDS = 8


class TextStream:
    """One text that arrives in pieces, under one guard. For one caller at a time.

    >>> stream = guard.stream("OUTPUT")          # doctest: +SKIP
    >>> for chunk in answer:                      # doctest: +SKIP
    ...     print(stream.feed(chunk), end="")
    >>> print(stream.finish())                    # doctest: +SKIP

    An event loop uses :meth:`push`, :attr:`due` and :meth:`advance`: only :meth:`advance` computes.
    """

    __slots__ = (
        "_apart", "_borders", "_collected", "_company", "_context", "_cuts", "_direction", "_echoes", "_failures", "_frontier", "_guard", "_judged", "_judging",
        "_limits", "_mode", "_models", "_numbers", "_numbers_over", "_pending", "_reading", "_released", "_role", "_scores", "_spans",
        "_timings", "_total", "_unjudged", "_unseen", "_weights", "_whole", "blocked", "edits", "finished", "held_most", "part",
        "pieces", "source",
    )  # fmt: skip

    def __init__(
        self,
        guard: Guard,
        source: Source | str = Source.OUTPUT,
        *,
        role: Role | str = Role.ASSISTANT,
        numbers: Numbers | None = None,
        company: Sequence[Piece] = (),
        mode: StreamMode | None = None,
        asked: bool = False,
        context: str = "",
    ) -> None:
        """``company``: the query and the sources an answer is compared with. ``numbers``: shared by the texts of one exchange.
        ``asked``: JSON was asked for. ``context``: what was shown before this text, and is read together with it.

        ``mode`` overrides the policy's own; whole answers are always judged in ``sync``.
        """
        self.source = Source(source)
        self.blocked = False
        self.finished = False
        self.held_most = 0
        self._guard = guard
        self._direction = guard.direction(self.source)
        self._role = Role(role)
        self._company = tuple(company)
        self._mode = guard.policy.stream.mode if mode is None else mode
        self._limits = guard.policy.limits
        names = self._direction.names
        self._spans = frozenset(n for n in names if detectors.module(n).SPANS)
        self._judging = frozenset(names) - self._spans - {"grounding"}
        rules = self._direction.rules
        hold = guard.hold(self.source)
        self._frontier = Frontier(hold, rules)
        # Rules that compare with sources or a query need the whole answer when there is something to compare with.
        compared = [i for i, r in rules.items() if r.detector == "grounding"]
        acting = [i for i in hold.whole if rules[i].detector != "grounding"]
        self._whole = bool(acting)
        self._models = bool(compared) and (bool(company) or any(rules[i].required for i in compared))
        self._numbers_over = [""]
        self._numbers = numbers if numbers is not None else Numbers(self._numbers_over)
        self._reading = Reading(asked=asked)
        # Where in the text as it is read another part begins, and which part what was put out last belongs to.
        self._borders: list[int] = []
        self._apart = True
        self.part = 0
        self.pieces: list[tuple[int, Place, str]] = []
        """What :meth:`advance` returned last: the part, the place and the text of each piece."""
        self._pending = ""
        self._context = context
        # What was masked of the text so far: start and end in the text as it came, and what stands there now.
        self.edits: list[tuple[int, int, str]] = []
        self._judged = 0  # characters of _pending that lie in closed segments
        self._cuts: list[int] = []  # ends of closed segments inside _pending
        self._released = 0  # characters of the original that are out
        self._unjudged = 0  # characters of closed segments that models have not judged
        self._total = 0
        self._echoes = Echoes()
        self._collected: list[Finding] = []
        self._failures: list[Failure] = []
        self._unseen: list[Unseen] = []
        self._scores: dict[str, float] = {}
        self._weights: dict[str, str] = {}
        self._timings: dict[str, float] = {}

    # -- the library's way -------------------------------------------------------------------------------------------

    def feed(self, chunk: str) -> str:
        """More of the text. Returns what may be shown now; once something blocks, the policy's message ends it."""
        if self.blocked:
            return ""
        self.push(chunk)
        out = self.advance()
        return out + self.message if self.blocked else out

    def finish(self) -> str:
        """The text is complete. Returns what was held back, or the policy's message."""
        if self.finished or self.blocked:
            self.finished = True
            return ""
        out = self.advance(final=True)
        return out + self.message if self.blocked else out

    # -- the event loop's way ----------------------------------------------------------------------------------------

    def push(self, chunk: str) -> None:
        """Take more of the text, without looking at it. Raises GuardrailsError after :meth:`finish`."""
        if self.finished:
            raise GuardrailsError("this stream is finished; make a new one for another text")
        if not self.blocked:
            self._pending += self._reading.feed(chunk)
            self._total += len(chunk)
            self.held_most = max(self.held_most, self.held)

    def border(self, *, apart: bool = True) -> None:
        """What comes next is another part of the text. It is read as if it followed at once and (``apart``) as if a line
        break stood between them. A mask may reach over a border; it stands in the part where it begins."""
        self._borders.append(self._reading.size)
        self._apart = apart

    def out(self, part: int) -> bool:
        """Whether all that came of a part is out."""
        if self.part != part:
            return self.part > part
        return not self.held if not self._borders else self._released >= self._borders[0]

    @property
    def due(self) -> bool:
        """Whether :meth:`advance` has anything to do."""
        if self.blocked or not self.held:
            return False
        if self._mode is StreamMode.ASYNC or self._total > self._limits.max_characters:
            return True
        return not (self._whole or self._models) and self._next() is not None

    @property
    def released(self) -> int:
        """Characters of the text, as it came, that are out."""
        return self._released

    @property
    def spans(self) -> frozenset[str]:
        """The detectors that find spans, by name."""
        return self._spans

    @property
    def context(self) -> str:
        """The end of what was shown, as the next text would be read together with it."""
        return self._context

    @property
    def message(self) -> str:
        """What users read once this stream is blocked."""
        rules = (f.rule for f in self._collected if f.action is Action.BLOCKED)
        return self._guard.policy.blocked(self.source, rules)

    @property
    def held(self) -> int:
        """Characters that are here and not out."""
        return len(self._pending) + self._reading.waiting

    def advance(self, *, final: bool = False, deadline: Deadline | None = None) -> str:
        """Check the segments that have closed; returns the text that is safe now, without any message.

        ``deadline``: one for all of them; without it, each has the policy's ``deadline_ms``.
        """
        self.pieces = []
        if final:
            self.finished = True
        if self.blocked:
            return ""
        if final:
            self._pending += self._reading.finish()
        if self._mode is StreamMode.ASYNC:
            return self._report_only(final=final, deadline=deadline)
        limit = self._limits.max_characters
        if self._total > limit and self._fail(FailureKind.BAD_INPUT, f"more than {limit} characters"):
            return ""
        if (self._whole or self._models) and not final:
            return ""
        out: list[str] = []
        # The text's end is no part of its segments: they are the same whether it is known already or not.
        while not self.blocked and (cut := self._next()) is not None:
            out.append(self._step(cut, deadline, last=False))
        if final and self._pending:
            out.append(self._step(len(self._pending), deadline, last=True))
        if self._models and final and not self._compare("".join(out), deadline):
            self.pieces = []
            return ""
        return "".join(out)

    def _next(self) -> int | None:
        """The end of the next segment that has closed."""
        if self._whole:
            return None
        # What is held back is read again with every segment: segments grow with it, so that the whole stays linear.
        least = max(SEGMENT[0], self._judged // 2)
        return boundary(self._pending, self._judged, least=least, most=max(SEGMENT[1], 2 * least))

    # -- one segment -------------------------------------------------------------------------------------------------

    def _step(self, cut: int, deadline: Deadline | None, *, last: bool) -> str:
        """Check the closed segment that ends at ``cut`` of what is pending; returns what may leave."""
        base = len(self._context)
        window = self._context + self._pending[:cut]
        segment = self._judged
        names = self._due_names(cut - segment, last=last)
        content, failures = self._content(window)
        deadline = deadline or Deadline(self._limits.deadline_ms)
        found = self._direction.find(content, deadline, self._timings, names)
        verdict = self._direction.judge(
            content, [*found.hits, *self._echoes.hits(content)], [*failures, *found.failures]
        )
        self._note(verdict.failures, found.unseen, found.scores, found.models)
        findings = [*verdict.findings]
        broken = self._broken(window, base, deadline)
        if broken is not None:
            apart = list(broken.glued())
            findings = [f for f in findings if not broken.neighbours(f, apart, window)]
            findings += [f for f in apart if f not in findings]
            verdict = replace(verdict, failures=(*verdict.failures, *broken.failures))
        kept = [f for f in findings if f.start is None or (f.end or 0) > base]
        blocking = [f for f in kept if f.action is Action.BLOCKED]
        if blocking or self._failed(verdict.failures):
            # The segment in which the first blocked span begins; what judges texts as a whole blocks the newest one.
            starts = [max(0, (f.start or 0) - base) for f in blocking if self._is_span(f)]
            first = min([*starts, segment]) if starts else segment
            limit = max(c for c in (0, *self._cuts, segment) if c <= first)
            kept_here = [f for f in kept if f.action is not Action.BLOCKED]
            masked, _, _ = self._masked(window, base, limit, kept_here, deadline)
            sent = self._put_out(masked)
            self._collect(kept, base, cut)
            self._block()
            return sent
        frontier = cut
        if not last:
            touching = [*kept, *verdict.findings] if broken is not None else kept
            open_ = [
                f.start for f in touching if self._is_span(f) and f.start is not None and (f.end or 0) >= len(window)
            ]
            frontier = self._frontier.settled(content, base, open_)
            if broken is not None:
                frontier = min(frontier, broken.settled(self._frontier, base, self._is_span))
            frontier -= base
        out, frontier, more = self._masked(window, base, frontier, kept, deadline)
        if more is None:  # masking uncovered something that blocks
            self._collect(kept, base, cut)
            self._block()
            return ""
        self._collect([*kept, *more], base, frontier)
        self._context = _tail(self._context + out.text, max(CONTEXT, self._ahead + CONTEXT))
        self.edits += [(start + self._released, end + self._released, new) for start, end, new in out.edits]
        written = self._put_out(out)
        self._pending = self._pending[frontier:]
        self._released += frontier
        self._judged = cut - frontier
        self._cuts = [c - frontier for c in (*self._cuts, cut) if c > frontier]
        return written

    @property
    def _ahead(self) -> int:
        return self._guard.policy.stream.ahead if self._mode is StreamMode.BOUNDED else 0

    def _due_names(self, size: int, *, last: bool) -> frozenset[str]:
        """The detectors of this step: with ``bounded`` the models wait until text would run too far ahead of them."""
        self._unjudged += size
        if not self._unjudged or (not last and self._unjudged <= self._ahead):
            return self._spans
        self._unjudged = 0
        return self._spans | self._judging

    def _content(self, window: str) -> tuple[Content, list[Failure]]:
        try:
            window.encode()
        except UnicodeEncodeError:
            reason = "lone surrogate"
            self._unseen.append(Unseen(reason, None, 0))
            window = window.encode("utf-8", "replace").decode()
            failures = [Failure(rule, FailureKind.BAD_INPUT, 0, reason) for rule in self._direction.rules]
        else:
            failures = []
        self._numbers_over[0] = window
        return Content((Piece(window, self._role),), self.source), failures

    def _masked(
        self, window: str, base: int, frontier: int, kept: Iterable[Finding], deadline: Deadline
    ) -> tuple[Masked, int, list[Finding] | None]:
        """The pending text up to ``frontier`` with its masks; a span that crosses it moves it back.

        Returns (text, frontier, findings that masking uncovered), the last None when one of those blocks.
        """
        spans = [self._clipped(f, base) for f in kept if f.action is Action.MASKED and f.start is not None]
        more: list[Finding] = []
        for rounds in range(_ROUNDS):
            frontier = _before(frontier, [(f.start or 0, f.end or 0) for f in spans])
            here = [f for f in spans if (f.end or 0) <= frontier]
            text = self._pending[:frontier]
            if not here:
                return Masked(text, ()), frontier, more
            masked = self._direction.masked(
                text, here, self._numbers, before=window[:base], after=window[base + frontier :],
                found=self._reading, shift=self._released,
            )  # fmt: skip
            again_text = window[:base] + masked.text + window[base + frontier :]
            again = Content((Piece(again_text, self._role),), self.source, masked=rounds + 1)
            found = self._direction.find(again, deadline, self._timings, self._spans)
            for f in here:
                self._echoes.add(text[f.start : f.end], f)
            new = self._direction.judge(again, [*found.hits, *self._echoes.hits(again)], found.failures)
            self._note(new.failures, found.unseen, found.scores, found.models)
            uncovered: list[Finding] = []
            shown: list[Finding] = []  # what only detects, and only shows once something else is masked
            for f in new.findings:
                if f.start is None or f.end is None:
                    continue
                start, end = max(f.start - base, 0), f.end - base
                if end <= 0 or start >= len(masked.text) or inside(start, end, masked.replaced):
                    continue
                low = masked.span(start, min(end, len(masked.text)))[0]
                high = masked.span(start, end)[1] if end <= len(masked.text) else frontier + end - len(masked.text)
                if f.action is not Action.NONE:
                    uncovered.append(replace(f, start=low, end=high))
                elif f.start >= base:
                    shown.append(replace(f, start=low + base, end=high + base))
            if self._failed(new.failures) or any(f.action is Action.BLOCKED for f in uncovered):
                self._collected += [self._absolute(f) for f in uncovered]
                return _NOTHING, 0, None
            known = {(f.rule, f.start, f.end) for f in spans}
            uncovered = [f for f in uncovered if (f.rule, f.start, f.end) not in known]
            if not uncovered:
                return masked, frontier, [*more, *shown]
            spans += uncovered
            more += [replace(f, start=(f.start or 0) + base, end=(f.end or 0) + base) for f in uncovered]
        self._failures += [
            Failure(r, FailureKind.UNINSPECTABLE, None, "masking did not settle") for r in self._direction.rules
        ]
        return _NOTHING, 0, None

    # -- parts, and what is written ----------------------------------------------------------------------------------

    def _broken(self, window: str, base: int, deadline: Deadline) -> _Broken | None:
        """What is found in the window when its parts stand on lines of their own."""
        if not self._apart:
            return None
        shift = base - self._released
        borders = [b + shift for b in self._borders if base <= b + shift < len(window) and b + shift > 0]
        if not borders:
            return None
        lines = [window[a:b] for a, b in pairwise((0, *borders, len(window)))]
        text = "\n".join(lines).encode("utf-8", "replace").decode()
        content = Content((Piece(text, self._role),), self.source)
        found = self._direction.find(content, deadline, self._timings, self._spans)
        verdict = self._direction.judge(content, [*found.hits, *self._echoes.hits(content)], found.failures)
        self._note(verdict.failures, found.unseen, found.scores, found.models)
        breaks = [b + i for i, b in enumerate(borders)]
        return _Broken(content, breaks, verdict.findings, verdict.failures)

    def _put_out(self, masked: Masked) -> str:
        """What may leave, as it is written; what each part has of it is noted."""
        start = self._released
        end = start + len(masked.original)
        borders = [b for b in self._borders if start <= b <= end]
        edits = [Edit(e.start + start, e.end + start, e.new) for e in masked.edits]
        out: list[str] = []
        at = start
        for border in (*borders, end):
            here, edits = _split(edits, border)
            for place, text in self._reading.render(at, border, here):
                if text:
                    self.pieces.append((self.part, place, text))
                    out.append(text)
            at = border
            if self._borders and self._borders[0] == border:
                self._borders.pop(0)
                self.part += 1
        return "".join(out)

    # -- the ends ----------------------------------------------------------------------------------------------------

    def _compare(self, safe: str, deadline: Deadline | None) -> bool:
        """Whether the whole answer stands up to its sources and the query."""
        answer = Piece(safe, self._role)
        content = Content((answer, *self._company), self.source)
        deadline = deadline or Deadline(self._limits.deadline_ms)
        found = self._direction.find(content, deadline, self._timings, frozenset({"grounding"}))
        verdict = self._direction.judge(content, found.hits, found.failures)
        self._note(verdict.failures, found.unseen, found.scores, found.models)
        self._collected += [f for f in verdict.findings if f.piece == 0]
        if self._failed(verdict.failures) or any(f.action is Action.BLOCKED for f in verdict.findings):
            self._block()
        return not self.blocked

    def _report_only(self, *, final: bool, deadline: Deadline | None) -> str:
        """``async``: everything passes at once; at the end the whole text is checked for the report."""
        out = self._put_out(Masked(self._pending, ()))
        self._released += len(self._pending)
        self._pending = ""
        if self._total <= self._limits.max_characters:
            self._context += out
        if final and self._context:
            report = self._guard.check(
                [Piece(self._context, self._role), *self._company]
                if self._models
                else Piece(self._context, self._role),
                self.source,
                deadline=deadline,
            )
            self._note(report.failures, report.coverage.unseen, report.scores, report.models)
            self._collected += [f for f in report.findings if f.piece == 0]
        return out

    def _fail(self, kind: FailureKind, detail: str) -> bool:
        """Every rule fails; whether that blocks."""
        failures = [Failure(rule, kind, None, detail) for rule in self._direction.rules]
        self._note(failures, [Unseen(detail, None, 0)], {}, {})
        if self._failed(failures):
            self._block()
        return self.blocked

    def _block(self) -> None:
        self.blocked = True
        self._pending = ""
        self._echoes.clear()

    def _failed(self, failures: Iterable[Failure]) -> bool:
        return stops(self._direction.rules, failures)

    # -- findings ----------------------------------------------------------------------------------------------------

    def _is_span(self, finding: Finding) -> bool:
        return self._direction.rules[finding.rule].detector in self._spans

    def _clipped(self, finding: Finding, base: int) -> Finding:
        return replace(finding, start=max(0, (finding.start or 0) - base), end=(finding.end or 0) - base)

    def _absolute(self, finding: Finding) -> Finding:
        """The finding with offsets into the text as it was written."""
        if finding.start is None or finding.end is None:
            return finding
        start, end = finding.start + self._released, finding.end + self._released
        return replace(finding, start=self._reading.written(start), end=self._reading.written(end))

    def _collect(self, findings: Iterable[Finding], base: int, frontier: int) -> None:
        """Keep what is reported: spans that are decided, and of rules that judge texts the strongest."""
        for f in findings:
            if f.start is None or not self._is_span(f):
                here = self._absolute(self._clipped(f, base)) if f.start is not None else f
                at = next((i for i, k in enumerate(self._collected) if k.rule == f.rule), None)
                if at is None:
                    self._collected.append(here)
                elif self._collected[at].score < f.score:
                    self._collected[at] = here
            elif f.start - base < frontier and (f.start >= base or f.action is not Action.NONE):
                self._collected.append(self._absolute(self._clipped(f, base)))

    def _note(
        self,
        failures: Iterable[Failure],
        unseen: Iterable[Unseen],
        scores: Mapping[str, float],
        weights: Mapping[str, str],
    ) -> None:
        self._failures += [f for f in failures if f not in self._failures]
        self._unseen += [u for u in unseen if u not in self._unseen]
        self._scores = worst((self._scores, scores))
        self._weights |= weights

    @property
    def report(self) -> Report:
        """The verdict so far, over everything fed. ``outputs`` is empty: the text went out as it came."""
        action = max((f.action for f in self._collected), key=lambda a: a.severity, default=Action.NONE)
        if self._mode is StreamMode.ASYNC:
            action = Action.NONE
        if self.blocked:
            action = Action.BLOCKED
        findings = tuple(
            sorted(
                dict.fromkeys(self._collected), key=lambda f: (-1 if f.start is None else f.start, f.end or 0, f.rule)
            )
        )
        applicable = self._models or not any(r.detector == "grounding" for r in self._direction.rules.values())
        missing = () if applicable else tuple(i for i, r in self._direction.rules.items() if r.detector == "grounding")
        return Report(
            action,
            self.source,
            findings,
            (),
            tuple(self._failures),
            Coverage(self._total, self._total, tuple(self._unseen), missing),
            dict(self._timings),
            self._guard.policy.identity,
            dict(self._scores),
            dict(self._weights),
        )

    def __repr__(self) -> str:
        return f"TextStream({self._guard.policy.name!r}, {self.source}, {self._total} characters, held {self.held})"


_NOTHING = Masked("", ())


@dataclass(frozen=True, slots=True)
class _Broken:
    """A window whose parts stand on lines of their own: ``breaks`` are the offsets of the line breaks between them."""

    content: Content
    breaks: Sequence[int]
    findings: Sequence[Finding]
    failures: Sequence[Failure]

    def _offset(self, offset: int) -> int:
        return offset - bisect_left(self.breaks, offset)

    def glued(self) -> Iterator[Finding]:
        """The findings, with offsets as if no break stood there."""
        for f in self.findings:
            if f.start is None or f.end is None:
                yield f
            elif (start := self._offset(f.start)) < (end := self._offset(f.end)):
                yield replace(f, start=start, end=end)

    def neighbours(self, finding: Finding, apart: Iterable[Finding], window: str) -> bool:
        """Whether a finding that crosses a break is a value of one part and a word of the other."""
        start, end = finding.start, finding.end
        if start is None or end is None or not any(start < b - i < end for i, b in enumerate(self.breaks)):
            return False
        values = [
            (f.start, f.end) for f in apart if f.rule == finding.rule and f.start is not None and f.end is not None
        ]
        return beside(window, start, end, values)

    def settled(self, frontier: Frontier, base: int, is_span: Callable[[Finding], bool]) -> int:
        """As :meth:`guardrails.segments.Frontier.settled`, with offsets as if no break stood there."""
        size = len(self.content.pieces[0].text)
        open_ = [f.start for f in self.findings if is_span(f) and f.start is not None and (f.end or 0) >= size]
        return self._offset(frontier.settled(self.content, base, open_))


def _split(edits: Iterable[Edit], border: int) -> tuple[list[Edit], list[Edit]]:
    """The edits before a border and those behind it. What an edit across it puts in stands before it."""
    before: list[Edit] = []
    behind: list[Edit] = []
    for e in edits:
        if e.end <= border:
            before.append(e)
        elif e.start >= border:
            behind.append(e)
        else:
            before.append(Edit(e.start, border, e.new))
            behind.append(Edit(border, e.end, ""))
    return before, behind


def _before(frontier: int, spans: Sequence[tuple[int, int]]) -> int:
    """The frontier, moved back to the start of every span that crosses it."""
    moved = True
    while moved:
        moved = False
        for start, end in spans:
            if start < frontier < end:
                frontier, moved = start, True
    return frontier


def _tail(text: str, size: int) -> str:
    """The last ``size`` characters, from the start of a word on."""
    if len(text) <= size:
        return text
    cut = len(text) - size
    blank = text.find(" ", cut, cut + 64)
    return text[blank + 1 if blank >= 0 else cut :]
