"""The check pipeline for text that arrives in pieces. It keeps four guarantees:

1. Verdict and output are the same however the text is cut into chunks.
2. Text is judged in *segments* (sentences, or a bounded length) that depend on the text alone; a whole text goes through the
   same segments.
3. The output is the masked text up to the segment with the first block; the policy's message follows, and nothing else.
4. No character of a masked or blocked span leaves.

After a segment closes, its text is checked together with the safe text before it. What may still become part of a longer
hit stays back: as many characters as the longest of the policy's rules can reach (:mod:`guardrails.streaming.lookahead`), counted
in the shortest reading of the text, and never half of a word.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from guardrails.actions import Masked, Numbers
from guardrails.content import Content, Deadline
from guardrails.errors import GuardrailsError
from guardrails.known_values import KnownValues
from guardrails.pipeline import Pipeline
from guardrails.reading import Place
from guardrails.rewriting import Range
from guardrails.rules import StreamMode
from guardrails.streaming.parts import Apart, Parts
from guardrails.streaming.record import Record
from guardrails.streaming.window import CONTEXT, TextWindow
from guardrails.types import Action, Failure, FailureKind, Finding, Piece, Report, Role, Unseen
from guardrails.verdict import Verdict

__all__ = ["TextStream"]

_NOTHING = Masked("", ())


class TextStream:
    """One text that arrives in pieces, under the rules of one direction. For one caller at a time.

    >>> stream = guard.stream("OUTPUT")          # doctest: +SKIP
    >>> for chunk in answer:                      # doctest: +SKIP
    ...     print(stream.feed(chunk), end="")
    >>> print(stream.finish())                    # doctest: +SKIP

    An event loop uses :meth:`push`, :attr:`due` and :meth:`advance`: only :meth:`advance` computes.
    """

    __slots__ = (
        "_compares", "_known", "_lookahead", "_mode", "_numbers", "_parts", "_pipeline", "_record", "_references", "_role",
        "_unjudged", "_whole", "_window", "blocked", "finished", "held_most", "pieces", "source",
    )  # fmt: skip

    def __init__(
        self,
        pipeline: Pipeline,
        *,
        role: Role | str = Role.ASSISTANT,
        numbers: Numbers | None = None,
        references: Sequence[Piece] = (),
        mode: StreamMode | None = None,
        asked: bool = False,
        context: str = "",
    ) -> None:
        """``references``: the query and the sources an answer is compared with. ``numbers``: shared by the texts of one exchange.
        ``asked``: JSON was asked for. ``context``: what was shown before this text, and is read together with it.

        ``mode`` overrides the policy's own; whole answers are always judged in ``sync``.
        """
        self.source = pipeline.source
        self.blocked = False
        self.finished = False
        self.held_most = 0
        self.pieces: list[tuple[int, Place, str]] = []
        """What :meth:`advance` returned last: the part, the place and the text of each piece."""
        self._pipeline = pipeline
        self._lookahead = pipeline.lookahead
        self._role = Role(role)
        self._references = tuple(references)
        self._mode = pipeline.policy.stream.mode if mode is None else mode
        self._window = TextWindow(context, asked=asked)
        self._parts = Parts()
        self._record = Record(self._is_span, pipeline.lower_is_worse)
        # Rules that judge an answer as a whole wait for its end, if there is what they compare it with; others need all of the text.
        rules, wholes = pipeline.rules, pipeline.whole_answers
        self._whole = any(rules[i].detector not in wholes for i in self._lookahead.whole)
        self._compares = any(
            r.required or bool(references) or pipeline.spec(r).needs_references is None
            for r in rules.values()
            if r.detector in wholes
        )
        self._numbers = numbers if numbers is not None else Numbers()
        self._known = KnownValues()
        self._unjudged = 0  # characters of closed segments that models have not judged

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
            self._window.push(chunk)
            self.held_most = max(self.held_most, self.held)

    def border(self) -> None:
        """What comes next is another part of the text. It is read as if it followed at once, and as if a line break stood
        between them. A mask may reach over a border; it stands in the part where it begins."""
        self._parts.begin(self._window.reading.size)

    def out(self, part: int) -> bool:
        """Whether all that came of a part is out."""
        return self._parts.out(part, self._window.released, self.held)

    @property
    def due(self) -> bool:
        """Whether :meth:`advance` has anything to do."""
        if self.blocked or not self.held:
            return False
        if self._mode is StreamMode.ASYNC or self._too_long:
            return True
        return not (self._whole or self._compares) and self._window.segment() is not None

    @property
    def released(self) -> int:
        """Characters of the text, as it came, that are out."""
        return self._window.released

    @property
    def edits(self) -> list[tuple[int, int, str]]:
        """What was masked of the text so far: start and end in the text as it came, and what stands there now."""
        return self._window.edits

    @property
    def context(self) -> str:
        """The end of what was shown, as the next text would be read together with it."""
        return self._window.context

    @property
    def message(self) -> str:
        """What users read once this stream is blocked."""
        return self._pipeline.policy.blocked(self.source, self._record.blocking())

    @property
    def held(self) -> int:
        """Characters that are here and not out."""
        return self._window.held

    @property
    def _too_long(self) -> bool:
        return self._window.total > self._pipeline.policy.limits.max_characters

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
            self._window.end()
        if self._mode is StreamMode.ASYNC:
            return self._report_only(final=final, deadline=deadline)
        if self._too_long and self._refused():
            return ""
        if (self._whole or self._compares) and not final:
            return ""
        out: list[str] = []
        # The text's end is no part of its segments: they are the same whether it is known already or not.
        while not self.blocked and not self._whole and (cut := self._window.segment()) is not None:
            out.append(self._step(cut, self._deadline(deadline), last=False))
        if final and self._window.pending:
            out.append(self._step(len(self._window.pending), self._deadline(deadline), last=True))
        if self._compares and final and not self._compare("".join(out), self._deadline(deadline)):
            self.pieces = []
            return ""
        return "".join(out)

    def _deadline(self, given: Deadline | None) -> Deadline:
        return given or Deadline(self._pipeline.policy.limits.deadline_ms)

    # -- one segment -------------------------------------------------------------------------------------------------

    def _step(self, cut: int, deadline: Deadline, *, last: bool) -> str:
        """Check the closed segment that ends at ``cut`` of what is pending; returns what may leave."""
        window = self._window
        base, text = window.base, window.text(cut)
        names = self._due_names(cut - window.checked, last=last)
        content, failures = self._content(text)
        verdict = self._pipeline.inspect(
            content, deadline, self._record.timings, only=names, known=self._known, failures=failures
        )
        self._record.note(verdict)
        findings = [*verdict.findings]
        apart, broken = self._apart(text, base, deadline)
        if apart is not None:
            joined = list(apart.joined())
            findings = [f for f in findings if not apart.neighbours(f, joined, text)]
            findings += [f for f in joined if f not in findings]
        kept = [f for f in findings if f.start is None or (f.end or 0) > base]
        verdict = replace(verdict, failures=(*verdict.failures, *broken))
        blocking = [f for f in kept if f.action is Action.BLOCKED]
        if blocking or self._pipeline.stops(verdict.failures):
            return self._stopped(content, verdict, kept, text, cut, deadline)
        size = cut
        if not last:
            touching = [*kept, *verdict.findings] if apart is not None else kept
            open_ = [
                f.start for f in touching if self._is_span(f) and f.start is not None and (f.end or 0) >= len(text)
            ]
            size = self._lookahead.watermark(content, base, open_)
            if apart is not None:
                size = min(size, apart.watermark(self._lookahead, base, self._is_span))
            size -= base
        shown = window.range(text, size)
        after = self._rewritten(content, verdict, kept, shown, deadline)
        if after.action is Action.BLOCKED:  # masking uncovered something that blocks
            self._collect(after.findings, base, cut)
            self._block()
            return ""
        self._collect(after.findings, base, shown.size)
        written = self._put_out(shown.masked)
        window.commit(shown, cut, CONTEXT + self._ahead)
        return written

    def _stopped(  # noqa: PLR0917 - what a step has found
        self, content: Content, verdict: Verdict, kept: Sequence[Finding], text: str, cut: int, deadline: Deadline
    ) -> str:
        """Something blocks in the segment that ends at ``cut``; returns what may leave of the text before it.

        That is the text before the segment in which the first blocked span begins; what judges texts as a whole blocks the newest one.
        """
        window = self._window
        base = window.base
        blocking = [f for f in kept if f.action is Action.BLOCKED]
        starts = [max(0, (f.start or 0) - base) for f in blocking if self._is_span(f)]
        shown = window.range(text, window.start_of(min([*starts, window.checked])))
        after = self._rewritten(content, verdict, [f for f in kept if f.action is not Action.BLOCKED], shown, deadline)
        if after.action is Action.BLOCKED:
            shown.masked = _NOTHING
            self._collect(after.findings, base, cut)
        sent = self._put_out(shown.masked)
        self._collect(kept, base, cut)
        self._block()
        return sent

    @property
    def _ahead(self) -> int:
        return self._pipeline.policy.stream.ahead if self._mode is StreamMode.BOUNDED else 0

    def _due_names(self, size: int, *, last: bool) -> frozenset[str]:
        """The detectors of this step: with ``bounded`` the models wait until text would run too far ahead of them."""
        self._unjudged += size
        if not self._unjudged or (not last and self._unjudged <= self._ahead):
            return self._pipeline.spanning
        self._unjudged = 0
        return frozenset(self._pipeline.names) - self._pipeline.whole_answers

    def _content(self, window: str) -> tuple[Content, list[Failure]]:
        failures: list[Failure] = []
        try:
            window.encode()
        except UnicodeEncodeError:
            window = window.encode("utf-8", "replace").decode()
            failures = self._failed("lone surrogate", 0)
        self._numbers.pass_over(window)
        return Content((Piece(window, self._role),), self.source), failures

    def _rewritten(
        self, content: Content, verdict: Verdict, findings: Iterable[Finding], shown: Range, deadline: Deadline
    ) -> Verdict:
        """Mask these findings in what is to be shown. BLOCKED when that uncovers something that blocks."""
        after = self._pipeline.rewrite(
            content, replace(verdict, action=Action.NONE, findings=tuple(findings)), [shown], numbers=self._numbers,
            known=self._known, deadline=deadline, timings=self._record.timings, only=self._pipeline.spanning,
        )  # fmt: skip
        self._record.note(after)
        return after

    def _apart(self, window: str, base: int, deadline: Deadline) -> tuple[Apart | None, Sequence[Failure]]:
        """What is found in the window when its parts stand on lines of their own, and what failed there."""
        borders = self._parts.borders(base - self._window.released, base, len(window))
        if not borders:
            return None, ()
        text = Apart.text(window, borders).encode("utf-8", "replace").decode()
        content = Content((Piece(text, self._role),), self.source)
        verdict = self._pipeline.inspect(
            content, deadline, self._record.timings, only=self._pipeline.spanning, known=self._known
        )
        self._record.note(verdict)
        return Apart(content, [b + i for i, b in enumerate(borders)], verdict.findings), verdict.failures

    def _put_out(self, masked: Masked) -> str:
        """What may leave, as it is written; what each part has of it is noted."""
        pieces = self._parts.render(masked, self._window.released, self._window.reading)
        self.pieces += pieces
        return "".join(text for _, _, text in pieces)

    # -- the ends ----------------------------------------------------------------------------------------------------

    def _compare(self, safe: str, deadline: Deadline) -> bool:
        """Whether the whole answer stands up to its sources and the query."""
        content = Content((Piece(safe, self._role), *self._references), self.source)
        verdict = self._pipeline.inspect(content, deadline, self._record.timings, only=self._pipeline.whole_answers)
        self._record.note(verdict)
        self._record.findings += [f for f in verdict.findings if f.piece == 0]
        if verdict.action is Action.BLOCKED:
            self._block()
        return not self.blocked

    def _report_only(self, *, final: bool, deadline: Deadline | None) -> str:
        """``async``: everything passes at once; at the end the whole text is checked for the report."""
        window = self._window
        out = self._put_out(Masked(window.pending, ()))
        window.released += len(window.pending)
        window.clear()
        if not self._too_long:
            window.context += out
        if final and window.context:
            pieces = [Piece(window.context, self._role), *(self._references if self._compares else ())]
            report = self._pipeline.check(pieces, self._deadline(deadline))
            self._record.note(report)
            self._record.findings += [f for f in report.findings if f.piece == 0]
        return out

    def _failed(self, detail: str, piece: int | None = None) -> list[Failure]:
        """Every rule fails for what the text is, and it counts as not looked at."""
        failures = self._pipeline.failures(FailureKind.BAD_INPUT, detail, piece)
        self._record.note(Verdict(Action.NONE, (), tuple(failures), (), (Unseen(detail, None, 0),)))
        return failures

    def _refused(self) -> bool:
        """Whether a text that is too long is blocked for it."""
        limit = self._pipeline.policy.limits.max_characters
        if self._pipeline.stops(self._failed(f"more than {limit} characters")):
            self._block()
        return self.blocked

    def _block(self) -> None:
        self.blocked = True
        self._window.clear()
        self._known.clear()

    # -- findings ----------------------------------------------------------------------------------------------------

    def _is_span(self, finding: Finding) -> bool:
        return self._pipeline.rules[finding.rule].detector in self._pipeline.spanning

    def _collect(self, findings: Iterable[Finding], base: int, frontier: int) -> None:
        self._record.collect(findings, base, frontier, self._window.released, self._window.reading)

    @property
    def report(self) -> Report:
        """The verdict so far, over everything fed. ``outputs`` is empty: the text went out as it came."""
        action = None
        if self._mode is StreamMode.ASYNC:
            action = Action.NONE
        if self.blocked:
            action = Action.BLOCKED
        missing = (
            ()
            if self._compares
            else [i for i, r in self._pipeline.rules.items() if r.detector in self._pipeline.whole_answers]
        )
        return self._record.report(self.source, self._pipeline.policy.identity, self._window.total, action, missing)

    def __repr__(self) -> str:
        name, total = self._pipeline.policy.name, self._window.total
        return f"TextStream({name!r}, {self.source}, {total} characters, held {self.held})"
