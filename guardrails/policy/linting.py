"""Warnings: policies that load and probably do not do what their author wants."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

from guardrails import detectors
from guardrails.content import Content, Deadline
from guardrails.detectors.settings import remarks, section_of
from guardrails.errors import Problem
from guardrails.exceptions import value_key
from guardrails.policy import logic
from guardrails.policy.loading import examine
from guardrails.policy.reader import Reader
from guardrails.rules import Mask, Policy, Position, Rule, StreamMode
from guardrails.streaming.lookahead import lookahead
from guardrails.types import OnFailure, Piece, RuleAction, Source

__all__ = ["lint"]

# Bedrock's own limits (CreateGuardrail in botocore's service model): characters.
_MESSAGE, _DESCRIPTION = 500, 200
_SHORT_MS = 100


def lint(path: str | Path, *, root: Path | None = None, text: str | None = None) -> list[Problem]:
    """Errors and warnings of a policy file, in file order. Never raises PolicyError.

    ``text``: what the file would hold, read in its place, such as what somebody has not saved yet.
    """
    policy, reader = examine(path, root=root, text=text)
    if policy is not None:
        _Warnings(policy, reader).run()
    return sorted(reader.problems, key=lambda p: (p.file, p.line, p.column, p.code))


class _Warnings:
    def __init__(self, policy: Policy, reader: Reader) -> None:
        self.policy = policy
        self.reader = reader

    def warn(self, code: str, message: str, key: str, **more: Any) -> None:
        at = self.policy.positions.get(key) or self.policy.positions.get("name") or Position("?", 1)
        self.reader.report(code, message, at, key, severity="warning", **more)

    def run(self) -> None:
        policy = self.policy
        if not policy.metadata.get("owner"):
            self.warn("no-owner", "nobody answers for this policy", "name", remedy="add metadata: {owner: …}")
        if policy.on_failure is not OnFailure.BLOCK:
            self.warn(
                "fail-open", "a rule that cannot be evaluated lets the text pass", "on_failure",
                written=policy.on_failure.value, remedy="write block, and allow for single rules",
            )  # fmt: skip
        if policy.rules and all({r.input, r.output} <= {None, RuleAction.DETECT} for r in policy.rules):
            self.warn("only-detects", "no rule masks or blocks anything", "name", remedy="give one an action")
        if policy.description is not None and len(policy.description) > _DESCRIPTION:
            self.warn("bedrock-limit", "Bedrock takes descriptions of 200 characters at most", "description")
        if policy.limits.deadline_ms < _SHORT_MS:
            self.warn(
                "short-deadline", "checks will run out of time on a busy machine", "limits.deadline_ms",
                written=f"{policy.limits.deadline_ms} milliseconds", remedy="write milliseconds: 10000 are ten seconds",
            )  # fmt: skip
        for name in ("blocked_input", "blocked_output"):
            if len(getattr(policy.messages, name)) > _MESSAGE:
                self.warn("bedrock-limit", "Bedrock takes messages of 500 characters at most", f"messages.{name}")
        for rule in policy.rules:
            self.rule(rule)
        if policy.stream.mode is not StreamMode.ASYNC:
            for id_ in lookahead(policy, Source.OUTPUT).whole:
                self.waits(policy.rule(id_))
        own = (
            remark
            for detector in dict.fromkeys(r.detector for r in policy.rules)
            for remark in remarks(detector, [r for r in policy.rules if r.detector == detector])
        )
        for remark in (*own, *logic.remarks(policy)):
            more = remark._asdict()
            code, message, rule, field = (more.pop(name) for name in ("code", "message", "rule", "field"))
            self.warn(code, message, f"{rule}.{field}" if field else rule, **more)

    def waits(self, rule: Rule) -> None:
        """A rule that cannot say anything before the answer is complete."""
        pattern = getattr(rule.settings, "pattern", None)
        if pattern is None:
            self.warn(
                "stream-waits", f"{rule.id} judges whole answers: a streamed answer waits until it is complete", rule.id
            )
        else:
            self.warn(
                "stream-waits", f"{rule.id} may match any length of text: a streamed answer waits until it is complete",
                f"{rule.id}.pattern", written=pattern,
                remedy="bound what is repeated in the middle of the pattern: .{0,80} for .*",
            )  # fmt: skip

    def rule(self, rule: Rule) -> None:
        if rule.input is None and rule.output is None:
            self.warn(
                "disabled-rule", f"{rule.id} is disabled in both directions", rule.id, remedy="remove it or enable it"
            )
        if rule.on_failure is OnFailure.ALLOW and self.policy.on_failure is OnFailure.BLOCK:
            self.warn("fail-open", f"{rule.id} lets the text pass when it cannot be evaluated", f"{rule.id}.on_failure")
        if rule.mask != Mask() and RuleAction.MASK not in (rule.input, rule.output) and self.idle(rule):
            self.warn(
                "mask-unused",
                f"{rule.id} masks in no direction",
                f"{rule.id}.mask",
                remedy="write action: mask, or remove it",
            )
        self.message(rule)
        if not detectors.spec(rule.detector).words:
            self.exceptions(rule)
        for value in rule.exceptions:
            if len(value_key(value)) < 3:
                self.warn(
                    "short-exception", f"an exception of {rule.id} is so short that it excuses a lot",
                    f"{rule.id}.exceptions", written=value, remedy="write the whole value",
                )  # fmt: skip

    def exceptions(self, rule: Rule) -> None:
        """Exceptions that can excuse nothing: they are exact values of what the rule finds."""
        section = section_of(rule.detector, rule.type)
        formal = section.formal is None or rule.type in section.formal
        for value in rule.exceptions:
            wild = re.search(r"[*%]|\.\+|\\[dwsSDW]|^/.*/$|^\^|\$$", value)
            if wild and not (section.formal is None and self.finds(rule, value)):
                self.warn(
                    "exception-never-matches", f"an exception of {rule.id} is no value: * and patterns mean nothing here",
                    f"{rule.id}.exceptions", written=value, remedy="write each value in full",
                )  # fmt: skip
            elif formal and not self.finds(rule, value):
                self.warn(
                    "exception-never-matches", f"{rule.id} finds nothing in this exception, so there is nothing to excuse",
                    f"{rule.id}.exceptions", written=value, remedy="write a whole value, as it stands in a text",
                )  # fmt: skip
            elif not detectors.spec(rule.detector).spans:
                self.warn(
                    "exception-never-matches", f"{rule.id} judges whole texts: an exception excuses no part of one",
                    f"{rule.id}.exceptions", written=value, remedy="remove it; lower the strength or sharpen the definition instead",
                )  # fmt: skip

    @staticmethod
    def finds(rule: Rule, value: str) -> bool:
        """Whether the rule finds anything in this value, which stands alone or in a sentence."""
        bare = replace(rule, exceptions=(), input=RuleAction.DETECT)
        content = Content([Piece(value), Piece(f"It is {value} here.")], Source.INPUT)
        return bool(detectors.build(rule.detector, (bare,)).find(content, Deadline(60_000)).hits)

    def idle(self, rule: Rule) -> bool:
        """Whether the rule's mask was written for it: not in a parent, and not for all types, of which others mask."""
        where = self.policy.positions
        at, here = where.get(f"{rule.id}.mask"), where.get("name")
        if at is not None and here is not None and at.file != here.file:
            return False
        return not any(
            RuleAction.MASK in (r.input, r.output) and where.get(f"{r.id}.mask") == at for r in self.policy.rules
        )

    def message(self, rule: Rule) -> None:
        """A message that nobody will read: its rule blocks in no direction that the message is for."""
        said = [s for s in Source if rule.message(s) is not None]
        if said and not any(rule.action(s) is RuleAction.BLOCK for s in said):
            field = f"{said[0].value.lower()}_message"
            where = self.policy.positions
            # What a section says for all of its rules is read as soon as one of them blocks.
            shared = [r for r in self.policy.rules if where.get(f"{r.id}.{field}") == where.get(f"{rule.id}.{field}")]
            if any(r.action(said[0]) is RuleAction.BLOCK for r in shared):
                return
            self.warn(
                "message-unused", f"{rule.id} has a message and does not block: nobody will read it", f"{rule.id}.{field}",
                remedy="write action: block, or remove the message",
            )  # fmt: skip
