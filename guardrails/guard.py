"""The guard: a policy, compiled once for each direction, and the ways to check a text with it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from guardrails import detectors
from guardrails.calling import CallReport, judged
from guardrails.calls import Call, CallContext
from guardrails.content import Deadline
from guardrails.errors import GuardrailsError
from guardrails.pieces import Checkable, pieces_of
from guardrails.pipeline import Pipeline
from guardrails.policy import load
from guardrails.rules import Policy, Rule
from guardrails.streaming.lookahead import Lookahead
from guardrails.types import Piece, Qualifier, Report, Role, Source

if TYPE_CHECKING:
    from guardrails.streaming.stream import TextStream

__all__ = ["Checkable", "Guard", "check"]

# Texts that `check_many` has in work at once.
TOGETHER = 8


class Guard:
    """A policy, compiled. Immutable and thread-safe; build once, check often."""

    __slots__ = ("__weakref__", "_built", "_directions", "_policy", "_some")

    def __init__(self, policy: Policy, *, built: MutableMapping[Any, detectors.Detector] | None = None) -> None:
        """``built`` holds detectors by what they were built from: guards that are given the same one share them.

        Raises WeightsMissing when a rule needs a model that is not installed, GuardrailsError for a bad hash key.
        """
        if not isinstance(policy, Policy):
            raise TypeError(
                f"Guard() takes a policy that is loaded, not {type(policy).__name__}: write Guard.from_file(path), or "
                "Guard(guardrails.policy.loads(text))"
            )
        self._policy = policy
        self._some: dict[tuple[str, Source], Pipeline] = {}
        self._built = built = {} if built is None else built
        self._directions = {source: Pipeline(policy, source, built) for source in Source}

    @classmethod
    def from_file(cls, path: str | Path) -> Guard:
        """The guard of a policy file, or of a shipped policy by its name. Raises PolicyError."""
        if not isinstance(path, str | Path):
            raise TypeError(
                f"from_file() takes the path of a policy, or a shipped policy's name, not {type(path).__name__}"
            )
        return cls(load(path))

    @property
    def policy(self) -> Policy:
        """The effective policy."""
        return self._policy

    def thresholds(self, source: Source | str, role: Role | str = Role.USER) -> dict[str, float]:
        """Where each score of a text of that direction and role starts to act, by the keys of ``Report.scores``."""
        return self._directions[Source(source)].thresholds(Role(role))

    def direction(self, source: Source | str) -> Pipeline:
        """The pipeline of one direction, for who takes its stages one by one."""
        return self._directions[Source(source)]

    def strings(self, source: Source | str) -> Pipeline:
        """The rules of one direction that read strings and ask no model: words, regexes, and values that have a form."""
        return self._only("strings", Source(source), lambda r: not detectors.spec(r.detector).blocking(r.settings))

    def spans(self, source: Source | str) -> Pipeline:
        """The rules of one direction that find spans, and do not judge texts as a whole."""
        return self._only("spans", Source(source), lambda r: detectors.spec(r.detector).spans)

    def ids(self, source: Source | str) -> Pipeline:
        """The rules of one direction that read ids."""
        return self._only("ids", Source(source), lambda r: detectors.counts_in_ids(r) is not None)

    def meaning(self, source: Source | str) -> Pipeline:
        """The rules of one direction that judge what a text means."""
        return self._only("meaning", Source(source), lambda r: detectors.spec(r.detector).judges_meaning)

    def calls(self, source: Source | str) -> Pipeline:
        """The rules of one direction that judge calls of tools and their definitions."""
        return self._only("calls", Source(source), lambda r: detectors.spec(r.detector).calls)

    def texts(self, source: Source | str) -> Pipeline:
        """The rules of one direction that read texts."""
        return self._only("texts", Source(source), lambda r: not detectors.spec(r.detector).calls)

    def _only(self, name: str, source: Source, wanted: Callable[[Rule], bool]) -> Pipeline:
        """Some of the rules of a direction, which is kept; all of them are that direction itself."""
        if (name, source) not in self._some:
            every = self._policy.rules
            rules = tuple(r for r in every if wanted(r))
            whole = len(rules) == len(every)
            self._some[name, source] = (
                self._directions[source] if whole else Pipeline(replace(self._policy, rules=rules), source, self._built)
            )
        return self._some[name, source]

    def hold(self, source: Source | str = Source.OUTPUT) -> Lookahead:
        """How much of a streamed text the rules of that direction hold back."""
        return self._directions[Source(source)].lookahead

    def stream(self, source: Source | str = Source.OUTPUT, *, role: Role | str = Role.ASSISTANT) -> TextStream:
        """A text that arrives in pieces: ``feed(chunk)`` and ``finish()`` return what may be shown."""
        from guardrails.streaming.stream import TextStream  # noqa: PLC0415 - who checks whole texts needs none of it

        return TextStream(self._directions[Source(source)], role=role)

    def __repr__(self) -> str:
        return f"Guard({self._policy.name!r}, sha256={self._policy.identity.sha256[:12]})"

    def check(
        self,
        text: Checkable,
        source: Source | str,
        *,
        deadline: Deadline | None = None,
        direction: Pipeline | None = None,
    ) -> Report:
        """Check one text, or a list of pieces together. ``source`` is ``INPUT`` or ``OUTPUT``.

        ``deadline``: one point in time that several checks share; without it, the policy's ``deadline_ms`` from now. A
        detector that is not done by then is a failure of its rules, and what the others found counts. ``direction``: some of
        the rules, such as :meth:`strings`.

        Never raises for what a text holds: a text that cannot be processed is a failure, and the policy decides.
        """
        pipeline = direction or self._directions[Source(source)]
        pieces = pieces_of(text)
        if deadline is None:
            deadline = Deadline(self._policy.limits.deadline_ms)
        elif not isinstance(deadline, Deadline):
            raise TypeError(
                f"deadline is a guardrails.content.Deadline, one point in time, not {type(deadline).__name__}: write "
                "deadline=Deadline(milliseconds)"
            )
        return pipeline.check(pieces, deadline)

    def ground(
        self,
        answer: str,
        sources: str | Iterable[str],
        question: str | None = None,
        *,
        deadline: Deadline | None = None,
    ) -> Report:
        """Check an answer together with the sources that it must keep to, and the question that it must answer.

        All rules for answers apply; `grounding` compares with ``sources``, `relevance` with ``question``. Raises GuardrailsError
        when the policy compares with neither, and ValueError without a source.
        """
        given = [sources] if isinstance(sources, str) else list(sources)
        if not given or not all(isinstance(s, str) and s.strip() for s in given):
            raise ValueError("ground() needs sources: one text or several, none of them empty")
        if not self._directions[Source.OUTPUT].references():
            raise GuardrailsError(
                f"the policy {self._policy.name} has no rule grounding or relevance: add grounding: 0.75, or use check()"
            )
        pieces = [Piece(answer, Role.ASSISTANT)]
        pieces += [Piece(s, Role.DOCUMENT, Qualifier.GROUNDING_SOURCE) for s in given]
        if question is not None:
            pieces.append(Piece(question, Role.USER, Qualifier.QUERY))
        return self.check(pieces, Source.OUTPUT, deadline=deadline)

    def check_call(
        self,
        name: str,
        arguments: Any = None,
        server: str | None = None,
        *,
        context: CallContext | None = None,
        deadline: Deadline | None = None,
    ) -> CallReport:
        """Judge one call of a tool: the section `tools` of the policy, and the rules for answers on every string in its arguments.

        ``arguments`` is JSON data: a mapping, a list, or a text. ``server`` is the name of the tool's server, where it is known.
        ``context`` says what came before the call. ``deadline`` is as in :meth:`check`.

        Never raises for what arguments hold: what cannot be judged is a failure, and the policy decides. Raises TypeError for a
        name or a server that is no string.
        """
        if not isinstance(name, str) or not isinstance(server, str | None):
            raise TypeError("check_call() takes the names of a tool and of its server, which are strings")
        call = Call(name, {} if arguments is None else arguments, server, context=context or CallContext())
        return judged(
            call,
            self.calls(Source.OUTPUT),
            self.texts(Source.OUTPUT),
            deadline or Deadline(self._policy.limits.deadline_ms),
        )

    async def acheck_call(
        self,
        name: str,
        arguments: Any = None,
        server: str | None = None,
        *,
        context: CallContext | None = None,
        deadline: Deadline | None = None,
    ) -> CallReport:
        """:meth:`check_call` in a worker thread: the event loop goes on."""
        return await asyncio.to_thread(self.check_call, name, arguments, server, context=context, deadline=deadline)

    async def acheck(self, text: Checkable, source: Source | str, *, deadline: Deadline | None = None) -> Report:
        """:meth:`check` in a worker thread: the event loop goes on."""
        return await asyncio.to_thread(self.check, text, source, deadline=deadline)

    def check_many(
        self,
        texts: Iterable[Checkable],
        source: Source | str,
        *,
        deadline: Deadline | None = None,
        direction: Pipeline | None = None,
    ) -> list[Report]:
        """One report a text, in order; texts do not see each other. A few at a time, so that models see batches.

        ``deadline``: one for all of them; without it, each has the policy's ``deadline_ms``.
        """
        if isinstance(texts, str | bytes | Mapping | Piece):
            raise TypeError(
                f"check_many() takes a list of texts, not {type(texts).__name__}: write [text], or use check()"
            )
        every = list(texts)
        # Threads help only who waits for a model.
        if len(every) < 2 or (direction or self._directions[Source(source)]).light:
            return [self.check(text, source, deadline=deadline, direction=direction) for text in every]
        with ThreadPoolExecutor(min(TOGETHER, len(every)), thread_name_prefix="guardrails-check") as pool:
            return list(pool.map(lambda text: self.check(text, source, deadline=deadline, direction=direction), every))


@lru_cache(maxsize=64)
def _cached(path: str | Path) -> Guard:
    return Guard.from_file(path)


def check(text: Checkable, *, policy: str | Path | Guard, source: Source | str) -> Report:
    """Check a text against a policy file (or a shipped policy's name, or a Guard) in one call.

    The guard of a path is kept for the life of the process; use :class:`Guard` to control reloading.
    """
    return (policy if isinstance(policy, Guard) else _cached(policy)).check(text, source)
