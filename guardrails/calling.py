"""One call of a tool, judged: may it be made, and with which arguments."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from guardrails.calls import Call
from guardrails.content import Deadline
from guardrails.types import Action, Failure, FailureKind, Finding, Piece, PolicyIdentity, Report, Role, Source

if TYPE_CHECKING:
    from guardrails.pipeline import Pipeline

__all__ = ["CallReport", "CallVerdict", "judged", "may_ask", "strings"]


class CallVerdict(StrEnum):
    """What may become of a call, mildest first: made as it is, made with masked arguments, made if somebody confirms it, not made."""

    ALLOW = "allow"
    MASK = "mask"
    ASK = "ask"
    BLOCK = "block"


@dataclass(frozen=True, slots=True)
class CallReport:
    """The outcome for one call.

    ``arguments`` are those that may be used: the ones given, or masked ones; None when it is blocked. Whoever cannot confirm a call
    treats ``ask`` as ``block``. ``message`` is what the policy says of a call that is stopped, empty for one that is not.
    """

    verdict: CallVerdict
    arguments: Any = field(repr=False)
    findings: tuple[Finding, ...]
    failures: tuple[Failure, ...]
    message: str
    policy: PolicyIdentity

    @property
    def allowed(self) -> bool:
        """Whether the call may be made without asking anybody, with ``arguments``."""
        return self.verdict in (CallVerdict.ALLOW, CallVerdict.MASK)

    @property
    def reasons(self) -> tuple[str, ...]:
        """The rules that stop the call or mask its arguments, each with what it found: ``tools.mail ARGUMENT:to``."""
        acting = (f"{f.rule} {f.type}" for f in self.findings if f.action is not Action.NONE)
        failed = (f"{f.rule} {f.kind.value}" for f in self.failures)
        return tuple(dict.fromkeys((*acting, *failed)))

    def __bool__(self) -> bool:
        """Never: `if report:` reads as if it told whether the call may be made, and a report is always there."""
        raise TypeError("a report is neither true nor false: ask report.verdict or report.allowed")

    def to_dict(self, *, include_arguments: bool = False) -> dict[str, Any]:
        """A JSON-ready dict. The usable arguments are left out unless ``include_arguments``."""
        out: dict[str, Any] = {
            "verdict": self.verdict.value,
            "findings": [{"rule": f.rule, "type": f.type, "action": f.action.value} for f in self.findings],
            "failures": [{"rule": f.rule, "kind": f.kind.value} for f in self.failures],
            "message": self.message,
            "policy": {"name": self.policy.name, "sha256": self.policy.sha256},
        }
        return out | ({"arguments": self.arguments} if include_arguments else {})


def judged(call: Call, calls: Pipeline, texts: Pipeline, deadline: Deadline) -> CallReport:
    """What the rules for calls say of a call, and the rules for texts of every string in its arguments."""
    policy = calls.policy
    if not _is_json(call.arguments):
        unread = [
            f for one in (calls, texts) for f in one.failures(FailureKind.BAD_INPUT, "arguments are no JSON data")
        ]
        message = policy.blocked(Source.OUTPUT)
        return CallReport(CallVerdict.BLOCK, None, (), tuple(unread), message, policy.identity)
    rules = calls.check([Piece("", Role.ASSISTANT, call=call)], deadline)
    said = _Strings(call.arguments)
    read = texts.check([Piece(text, Role.ASSISTANT) for text in said.texts], deadline) if said.texts else None
    reports = [rules] if read is None else [rules, read]
    verdict = _verdict(reports, calls)
    arguments = call.arguments
    if read is not None and read.action is Action.MASKED:
        if said.rewritable(read.outputs):
            arguments = said.rewritten(read.outputs)
            verdict = max(verdict, CallVerdict.MASK, key=_severity)
        else:
            verdict = CallVerdict.BLOCK
    findings = tuple(f for report in reports for f in report.findings)
    stopped = verdict in (CallVerdict.ASK, CallVerdict.BLOCK)
    blocking = [f.rule for f in findings if f.action is Action.BLOCKED]
    return CallReport(
        verdict,
        None if verdict is CallVerdict.BLOCK else arguments,
        findings,
        tuple(f for report in reports for f in report.failures),
        policy.blocked(Source.OUTPUT, blocking) if stopped else "",
        policy.identity,
    )


def _is_json(arguments: Any) -> bool:
    try:
        json.dumps(arguments, allow_nan=False)
    except (TypeError, ValueError, RecursionError):
        return False
    return True


_ORDER = list(CallVerdict)


def _severity(verdict: CallVerdict) -> int:
    return _ORDER.index(verdict)


def _verdict(reports: Iterable[Report], calls: Pipeline) -> CallVerdict:
    """What the reports come to: a call is asked about where every rule that stops it may be overruled."""
    blocked = [report for report in reports if report.blocked]
    if not blocked:
        return CallVerdict.ALLOW
    return CallVerdict.ASK if all(may_ask(report, calls) for report in blocked) else CallVerdict.BLOCK


def may_ask(report: Report, calls: Pipeline) -> bool:
    """Whether somebody may confirm a call that this report stops: every rule that stops it may be overruled, and none has failed."""
    stopping = [f.rule for f in report.findings if f.action is Action.BLOCKED]
    failed = bool(report.failures) and calls.stops(f for f in report.failures if f.rule in calls.rules)
    return bool(stopping) and not failed and all(rule in calls.rules and calls.asks(rule) for rule in stopping)


def strings(arguments: Any) -> list[str]:
    """Every text in the arguments of a call that the rules for texts read: values, and all keys as one."""
    return _Strings(arguments).texts


class _Strings:
    """The strings in arguments: values that may be rewritten, and behind them the keys, which may not."""

    def __init__(self, arguments: Any) -> None:
        self._arguments = arguments
        self.texts: list[str] = []
        self._keys: dict[str, None] = {}
        self._values(arguments)
        self._count = len(self.texts)
        if self._keys:
            self.texts.append("\n".join(self._keys))

    def _values(self, value: Any) -> None:
        if isinstance(value, str):
            self.texts.append(value)
        elif isinstance(value, Mapping):
            for key, inside in value.items():
                self._keys[str(key)] = None
                self._values(inside)
        elif isinstance(value, list | tuple):
            for item in value:
                self._values(item)
        elif isinstance(value, int | float) and not isinstance(value, bool):
            self.texts.append(str(value))

    def rewritable(self, outputs: tuple[str, ...]) -> bool:
        """Whether only values changed."""
        return outputs[self._count :] == tuple(self.texts[self._count :])

    def rewritten(self, outputs: tuple[str, ...]) -> Any:
        """The arguments with these texts in place of their values. A number that changed becomes a string."""
        given = iter(zip(self.texts, outputs, strict=True))

        def write(value: Any) -> Any:
            if isinstance(value, str):
                return next(given)[1]
            if isinstance(value, Mapping):
                return {key: write(inside) for key, inside in value.items()}
            if isinstance(value, list | tuple):
                return [write(item) for item in value]
            if isinstance(value, int | float) and not isinstance(value, bool):
                before, after = next(given)
                return value if before == after else after
            return value

        return write(self._arguments)
