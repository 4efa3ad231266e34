"""Checking one message of MCP: a request, a notification, a result or an error, from either side, wherever it came from.

A body, an event of a stream and a line of a program's output are the same here. What passes may be rewritten; what does not is
refused as JSON-RPC and MCP have it: a call by a result that its model reads, any other request by an error, an answer by one
that takes its place, and a notification by silence.
"""

from __future__ import annotations

import copy
import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import orjson

from guardrails.actions import Numbers
from guardrails.cache import Outcome, Verdicts
from guardrails.calls import Call, Definition
from guardrails.decision import Located, deciding, uninspected_note
from guardrails.exchange.catalogue import Catalogue
from guardrails.exchange.context import Context
from guardrails.exchange.finding import Texts, basis
from guardrails.exchange.tally import Tally
from guardrails.exchange.validity import still_valid
from guardrails.types import Action, FailureKind, Piece, Role, Source, Uninspected
from guardrails.wire.mcp import CALL, MessageKind, Sender, call_refused, error, kind_of, of_typed_revision
from guardrails.wire.mcp_methods import unknown
from guardrails.wire.mcp_shapes import LISTS, MESSAGE
from guardrails.wire.toolcalls import Made
from guardrails.wire.walk import Walk

__all__ = ["Messages", "Passed", "withheld"]

# Requests that wait for their answer; a server that never answers must not fill the memory.
_WAITING = 10_000
# Definitions that are compared with a lock at once.
_TOGETHER = 1_000


@dataclass(frozen=True, slots=True)
class Passed:
    """What becomes of a message. ``onward``: what goes on in its place, None for nothing; ``back``: what its sender is answered at
    once, None for nothing. ``blocked``: it did not pass as it was meant."""

    onward: Any = field(default=None, repr=False)
    back: Any = field(default=None, repr=False)
    blocked: bool = False


@dataclass(frozen=True, slots=True)
class _Asked:
    """A request that waits for its answer."""

    method: str
    tool: str
    task: bool
    typed: bool


class Messages:
    """The messages between one client and one server. Thread-safe; those of one direction come one after the other."""

    def __init__(
        self,
        catalogue: Catalogue,
        *,
        place: str = "",
        server: str | None = None,
        allowed: frozenset[str] = frozenset(),
    ) -> None:
        """``place``: where the server is reached, among those of the catalogue. ``server``: its name, where rules for calls name servers.
        ``allowed``: methods and types of results that pass beside those of the protocol."""
        self._catalogue = catalogue
        self._place = place
        self._server = server
        self._allowed = allowed
        self._asked: OrderedDict[tuple[Sender, str], _Asked] = OrderedDict()
        self._lock = threading.Lock()

    def check(self, context: Context, message: Any, sender: Sender, tally: Tally) -> Passed:
        """Check a message, which is rewritten in place, and add what was found to ``tally``."""
        kind = kind_of(message)
        if kind is None:
            return self._unreadable(context, sender, tally)
        asked = self._follow(message, kind, sender)
        strange = unknown(message, sender.value, self._allowed)
        if strange is not None:
            told = f"this {strange} is not known here; an operator can allow it by name"
            _fail(context, sender.source, tally, told)
            return _refused(message, kind, sender, asked, told)
        if sender is Sender.CLIENT and not self._may_call(context, message, kind, tally):
            told = context.policy.blocked(sender.source, deciding(tally.located))
            return _refused(message, kind, sender, asked, told)
        return self._message(context, message, kind, sender, asked, tally)

    # -- what a message is about -------------------------------------------------------------------------------------

    def _may_call(self, context: Context, message: Mapping[str, Any], kind: MessageKind, tally: Tally) -> bool:
        """Whether the tool policy lets a call be made. There is nobody here to be asked about one, so `ask` stops it."""
        if not context.calls.judges or kind is not MessageKind.REQUEST or message["method"] != CALL:
            return True
        params = message.get("params", {})
        name = str(params.get("name", ""))
        listed = self._catalogue.definition(self._place, name) or Definition(name, self._server or "")
        call = Call(name, params.get("arguments", {}), self._server, definition=listed)
        made = Made(call, str(message["id"]), "params")
        tally.blocked = not context.calls.pass_all([made], tally, context.clock.deadline)
        return not tally.blocked

    def _follow(self, message: Mapping[str, Any], kind: MessageKind, sender: Sender) -> _Asked | None:
        """The request that this message is, or answers."""
        if kind is MessageKind.NOTIFICATION:
            return None
        key = repr(message.get("id"))
        if kind is not MessageKind.REQUEST:
            with self._lock:
                return self._asked.pop((sender.other, key), None)
        params = message.get("params", {})
        asked = _Asked(message["method"], str(params.get("name", "")), "task" in params, of_typed_revision(params))
        with self._lock:
            self._asked[sender, key] = asked
            while len(self._asked) > _WAITING:
                self._asked.popitem(last=False)
        return asked

    def _unreadable(self, context: Context, sender: Sender, tally: Tally) -> Passed:
        told = "this is no message of JSON-RPC 2.0; send messages one by one"
        _fail(context, sender.source, tally, told)
        return Passed(None, error(None, told, "invalid_request") if sender is Sender.CLIENT else None, blocked=True)

    # -- its texts ---------------------------------------------------------------------------------------------------

    def _message(  # noqa: PLR0917 - what a message is, and what is known of it
        self,
        context: Context,
        message: dict[str, Any],
        kind: MessageKind,
        sender: Sender,
        asked: _Asked | None,
        tally: Tally,
    ) -> Passed:
        source, result = sender.source, message.get("result")
        here = Tally()
        lists: dict[str, Any] = {}
        before = None
        if sender is Sender.SERVER and isinstance(result, dict):
            lists = {key: result[key] for key in LISTS if isinstance(result.get(key), list)}
            result |= {key: [] for key in lists}
            before = copy.deepcopy(result.get("structuredContent"))
        walk = Walk(message, MESSAGE, sender.role)
        self.read(context, walk, source, here)
        if not here.blocked and isinstance(result, dict):
            structured = result.get("structuredContent")
            if here.masked and before is not None and structured != before:
                here.blocked = not self._fits(context, asked, before, structured)
            result |= {key: self._definitions(context, key, items, source, here) for key, items in lists.items()}
            if (here.masked or here.replaced) and "cacheScope" in result:
                result["cacheScope"] = "private"  # others may be under another policy
        _add(tally, here)
        if not here.blocked:
            return Passed(message)
        told = context.policy.blocked(source, deciding(here.located))
        if here.uninspected and context.policy.uninspected is Uninspected.BLOCK:
            told += uninspected_note(why for why, _ in here.uninspected)
        if any(x.path == "id" for x in here.located):
            message["id"] = None  # what may not be said is not said by a refusal
        return _refused(message, kind, sender, asked, told)

    def read(self, context: Context, walk: Walk, source: Source, tally: Tally) -> None:
        """Check the texts and ids of a walk, and mask what is masked unless something blocks."""
        texts = Texts(context, walk.slots, source)
        tally.characters += sum(len(s.text) for s in walk.slots)
        if context.kept is not None:
            context.kept.more(source, walk.slots)
        texts.check(window=False)
        ids = context.ids(walk.ids, source)
        tally.said += texts.said
        tally.located += [*texts.located(), *ids.located]
        tally.fail([*texts.failures, *ids.failures])
        tally.leave((u.why, u.path) for u in walk.uninspected)
        fixed = any(f.action is not Action.NONE for i, here in texts.found.items() if walk.slots[i].fixed for f in here)
        blocks = any(f.action is Action.BLOCKED for here in texts.found.values() for f in here)
        across = any(one.finding.action is Action.BLOCKED for one in texts.across)
        uninspected = bool(walk.uninspected) and context.policy.uninspected is Uninspected.BLOCK
        failed = context.guard.direction(source).stops(tally.failures)
        tally.blocked = tally.blocked or fixed or blocks or across or uninspected or failed or ids.blocked
        if tally.blocked:
            return
        tally.masked = texts.mask(Numbers([s.text for s in walk.slots])) or tally.masked
        for slot, text in ids.masks:
            slot.set(text)
            tally.masked = True
        walk.close()

    def _fits(self, context: Context, asked: _Asked | None, before: Any, after: Any) -> bool:
        """Whether a rewritten result is still what its tool promised. One whose promise was never heard keeps the types of its values."""
        schema = self._catalogue.output(self._place, asked.tool) if asked is not None else None
        if schema is None:
            return _alike(before, after)
        return still_valid(schema, before, after, context.clock.deadline)

    # -- definitions -------------------------------------------------------------------------------------------------

    def _definitions(self, context: Context, key: str, items: list[Any], source: Source, tally: Tally) -> list[Any]:
        """The definitions of a list that may be shown. Each is judged alone, and inspected once."""
        kept: list[Any] = []
        based = basis(context, source) + "definition"
        for item in self._pinned(context, items, tally) if key == "tools" else items:
            data = orjson.dumps([key, item], option=orjson.OPT_SORT_KEYS).decode()
            digest = Verdicts.key(context.secret, based, source, Sender.SERVER.role, data)
            known = self._catalogue.definitions.get(digest)
            here = Tally()
            if known is None:
                context.clock.begin(whole=False)
                walk = Walk(item, LISTS[key], Sender.SERVER.role)
                self.read(context, walk, source, here)
                if not here.failures and not here.masked:
                    found = tuple(x.finding for x in here.located)
                    outcome = Outcome(Action.BLOCKED if here.blocked else Action.NONE, found)
                    self._catalogue.definitions.put(digest, outcome)
                item = walk.root[0]  # noqa: PLW2901 - a definition that is a text itself is replaced
            else:
                here.blocked = known.action is Action.BLOCKED
                here.located = [Located("", f) for f in known.findings]
            if here.blocked:
                here.blocked, here.replaced = False, 1
            else:
                kept.append(item)
            here.located = [Located(f"result.{key}[].{x.path}".rstrip("."), x.finding) for x in here.located]
            _add(tally, here)
        if key == "tools":
            self._catalogue.keep(self._place, kept)
        return kept

    def _pinned(self, context: Context, items: list[Any], tally: Tally) -> list[Any]:
        """The tools of a list whose definitions the policy's rules about definitions let pass. Nothing of the others is read."""
        rules = context.guard.calls(Source.INPUT)
        if not rules.rules or not items:
            return items
        tools = [Definition.of(item, self._server or "") for item in items]
        self._catalogue.listed(self._place, tools)
        stopped: set[int] = set()
        step = min(_TOGETHER, context.policy.limits.max_pieces)
        for first in range(0, len(tools), step):
            deadline = context.clock.begin(whole=False)
            here = tools[first : first + step]
            report = rules.check([Piece("", Role.TOOL, definition=tool) for tool in here], deadline)
            tally.fail(report.failures)
            tally.located += [Located(f"result.tools[{first + f.piece}]", replace(f, piece=0)) for f in report.findings]
            stopped |= {first + f.piece for f in report.findings if f.action is Action.BLOCKED}
            if rules.stops(report.failures):
                stopped |= set(range(first, first + len(here)))
        tally.replaced += len(stopped)
        return [item for i, item in enumerate(items) if i not in stopped]


def withheld(message: Any, told: str) -> Passed:
    """What becomes of a message that was checked, and whose decision may not take effect: an error answers a request, or takes the place of
    an answer that somebody waits for."""
    kind = kind_of(message)
    id_ = message.get("id") if isinstance(message, dict) else None
    if kind is MessageKind.REQUEST:
        return Passed(None, error(id_, told), blocked=True)
    return Passed(error(id_, told) if kind is not MessageKind.NOTIFICATION and id_ is not None else None, blocked=True)


def _fail(context: Context, source: Source, tally: Tally, detail: str) -> None:
    tally.fail(context.guard.direction(source).failures(FailureKind.BAD_INPUT, detail))
    tally.blocked = True


def _add(tally: Tally, here: Tally) -> None:
    """What a message was found to be is a part of what its exchange was."""
    tally.located += here.located
    tally.said += [one for one in here.said if one.scores or one.models]
    tally.fail(here.failures)
    tally.leave(here.uninspected)
    tally.blocked = tally.blocked or here.blocked
    tally.masked = tally.masked or here.masked
    tally.replaced += here.replaced
    tally.characters += here.characters


def _refused(message: Mapping[str, Any], kind: MessageKind, sender: Sender, asked: _Asked | None, told: str) -> Passed:
    """A message that does not pass, with what stands in its place or answers it."""
    if kind is MessageKind.NOTIFICATION:
        return Passed(blocked=True)
    id_ = message.get("id")
    if id_ is None and kind is not MessageKind.REQUEST:  # nobody waits for it
        return Passed(blocked=True)
    call = asked is not None and asked.method in (CALL, "tasks/result") and not asked.task
    if asked is None and kind is MessageKind.RESULT:  # a stream that goes on where another broke off
        call = "content" in message["result"] and sender is Sender.SERVER
    typed = asked.typed if asked is not None else "resultType" in message.get("result", ())
    instead = call_refused(id_, told, typed=typed) if call else error(id_, told)
    return Passed(None, instead, blocked=True) if kind is MessageKind.REQUEST else Passed(instead, blocked=True)


def _alike(before: Any, after: Any) -> bool:
    """Whether a rewritten value has the types that it had: a text stays a text, and a number a number."""
    if isinstance(before, dict) and isinstance(after, dict):
        return before.keys() == after.keys() and all(_alike(before[key], after[key]) for key in before)
    if isinstance(before, list) and isinstance(after, list):
        return len(before) == len(after) and all(map(_alike, before, after))
    return before == after or (isinstance(before, str) and isinstance(after, str))
