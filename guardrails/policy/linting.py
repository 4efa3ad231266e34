"""Warnings: policies that load and probably do not do what their author wants."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

from guardrails import detectors
from guardrails.content import Content, Deadline
from guardrails.errors import Problem
from guardrails.exceptions import value_key
from guardrails.policy.loading import examine
from guardrails.policy.reader import Reader
from guardrails.reach import hold
from guardrails.rules import Mask, Policy, Position, Rule, StreamMode
from guardrails.types import OnFailure, Piece, RuleAction, Source

__all__ = ["lint"]

# Bedrock's own limits (CreateGuardrail in botocore's service model).
_BEDROCK = {
    "messages": 500,
    "description": 200,
    "regexes": 30,
    "pattern": 500,
    "topics": 30,
    "definition": 200,
    "examples": 5,
    "example": 100,
}
# A topic's example is one thing that somebody may ask: words; and how many of them say what more could not.
_EXAMPLE_WORDS, _EXAMPLES = 60, 30
_SHORT_MS = 100
# Definitions that say what a topic is not: models compare a text with what is written, and read no "except".
_NEGATIVE = re.compile(
    r"(?i)^\W*(?:(?:everything|anything|all|any|every|alles|tout|todo)\b.{0,60}?\b(?:except|excluding|but|other than|apart from|besides|outside|"
    r"unrelated|not|without|außer|sauf|excepto)\b|(?:off[- ]?topic|not\b|no\b|non-|unrelated\b|other than\b|outside\b|except\b|nothing but\b))"
)
# Types that are told from their form alone, wherever they stand: what is none of them there is none anywhere.
_FORMAL = frozenset(
    ("EMAIL", "URL", "IP_ADDRESS", "MAC_ADDRESS", "CREDIT_DEBIT_CARD_NUMBER", "INTERNATIONAL_BANK_ACCOUNT_NUMBER")
)
_BROAD = frozenset((".", ".+", ".*", r"\w+", r"\S+", r"\d", r"\w", r"[a-z]+", r"[A-Za-z]+", r"\d+"))


def lint(path: str | Path, *, root: Path | None = None) -> list[Problem]:
    """Errors and warnings of a policy file, in file order. Never raises PolicyError."""
    policy, reader = examine(path, root=root)
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
        if policy.description is not None and len(policy.description) > _BEDROCK["description"]:
            self.warn("bedrock-limit", "Bedrock takes descriptions of 200 characters at most", "description")
        if policy.limits.deadline_ms < _SHORT_MS:
            self.warn(
                "short-deadline", "checks will run out of time on a busy machine", "limits.deadline_ms",
                written=f"{policy.limits.deadline_ms} milliseconds", remedy="write milliseconds: 10000 are ten seconds",
            )  # fmt: skip
        for name in ("blocked_input", "blocked_output"):
            if len(getattr(policy.messages, name)) > _BEDROCK["messages"]:
                self.warn("bedrock-limit", "Bedrock takes messages of 500 characters at most", f"messages.{name}")
        for rule in policy.rules:
            self.rule(rule)
        if policy.stream.mode is not StreamMode.ASYNC:
            for id_ in hold(policy, Source.OUTPUT).whole:
                self.waits(policy.rule(id_))
        topics = [r for r in policy.rules if r.detector == "topics" and (r.input or r.output) is not None]
        if topics:
            self.topics(topics)
        regexes = [r for r in policy.rules if r.detector == "regex"]
        if len(regexes) > _BEDROCK["regexes"]:
            self.warn("bedrock-limit", "Bedrock takes 30 regexes at most", regexes[30].id, written=str(len(regexes)))

    def waits(self, rule: Rule) -> None:
        """A rule that cannot say anything before the answer is complete."""
        if rule.detector == "regex":
            self.warn(
                "stream-waits", f"{rule.id} may match any length of text: a streamed answer waits until it is complete",
                f"{rule.id}.pattern", written=rule.settings.pattern,
                remedy="bound what is repeated in the middle of the pattern: .{0,80} for .*",
            )  # fmt: skip
        else:
            self.warn(
                "stream-waits", f"{rule.id} judges whole answers: a streamed answer waits until it is complete", rule.id
            )

    def topics(self, rules: list[Rule]) -> None:
        """Topics that do not reach their own examples, or are so near that a text of one will often fire the other."""
        from guardrails.detectors.said import Said  # noqa: PLC0415
        from guardrails.inference import text_engine  # noqa: PLC0415 - torch, and only for policies with topics
        from guardrails.inference.text import sigmoid  # noqa: PLC0415
        from guardrails.inference.topics import alike, fit, overlap  # noqa: PLC0415

        engine = text_engine()
        fitted = []
        for rule in rules:
            s = rule.settings
            topic = fit(engine, s.name, s.definition, s.examples, s.not_examples)
            fitted.append((rule, topic))
            cut = engine.manifest.calibration["TOPIC"].cuts["LOW"] if s.threshold is None else s.threshold
            others = Said(s.not_examples)
            for phrase in s.examples:
                if others.whole(phrase):
                    self.warn(
                        "contrary-example", f"a phrase is an example of {rule.id} and none of it", f"{rule.id}.examples",
                        written=phrase, remedy="remove it from examples or from not_examples",
                    )  # fmt: skip
                elif sigmoid(topic.score(engine.embed([phrase])[0])) < cut:
                    self.warn(
                        "topic-misses-example",
                        f"{rule.id} knows this example word for word only: the definition and the other examples do not reach it",
                        f"{rule.id}.examples", written=phrase,
                        remedy="add examples like it, widen the definition, or lower the threshold",
                    )  # fmt: skip
        for i, (one, first) in enumerate(fitted):
            for other, second in fitted[i + 1 :]:
                near = overlap(first, second)
                if near >= alike(engine):
                    self.warn(
                        "overlapping-topics", f"{one.id} and {other.id} are hard to tell apart (similarity {near:.2f})",
                        other.id, remedy="sharpen the definitions, give each examples of its own, or make them one topic",
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
        if rule.detector == "topics":
            self.topic(rule)
        if rule.detector != "words":
            self.exceptions(rule)
        for value in rule.exceptions:
            if len(value_key(value)) < 3:
                self.warn(
                    "short-exception", f"an exception of {rule.id} is so short that it excuses a lot",
                    f"{rule.id}.exceptions", written=value, remedy="write the whole value",
                )  # fmt: skip
        if rule.detector == "regex":
            pattern = rule.settings.pattern
            if pattern.strip("^$()") in _BROAD:
                self.warn("broad-regex", f"{rule.id} matches nearly every text", f"{rule.id}.pattern", written=pattern)
            if len(pattern) > _BEDROCK["pattern"]:
                self.warn("bedrock-limit", "Bedrock takes patterns of 500 characters at most", f"{rule.id}.pattern")
        if rule.detector == "words":
            self.words(rule)

    def topic(self, rule: Rule) -> None:
        """What a topic says that a model will not read as its author means it."""
        settings = rule.settings
        negative = _NEGATIVE.match(settings.definition or "")
        if negative:
            self.warn(
                "negative-definition", f"{rule.id} says what the topic is not: texts are compared with what it says",
                f"{rule.id}.definition", written=negative.group().strip(),
                remedy="name what is denied, one topic for each subject; what is allowed needs no topic",
            )  # fmt: skip
        if settings.definition is not None and len(settings.definition) > _BEDROCK["definition"]:
            self.warn("bedrock-limit", "Bedrock takes definitions of 200 characters at most", f"{rule.id}.definition")
        examples = settings.examples
        long = next((e for e in examples if len(e.split()) > _EXAMPLE_WORDS), None)
        if long is not None:
            self.warn(
                "long-example", f"an example of {rule.id} is no single question or sentence", f"{rule.id}.examples",
                written=f"{len(long.split())} words", remedy="write what one person would ask in one message",
            )  # fmt: skip
        elif any(len(e) > _BEDROCK["example"] for e in examples):
            self.warn("bedrock-limit", "Bedrock takes examples of 100 characters at most", f"{rule.id}.examples")
        if len(examples) > _EXAMPLES:
            self.warn(
                "many-examples", f"{rule.id} has so many examples that they blur what it is about", f"{rule.id}.examples",
                written=str(len(examples)), remedy="keep the three to five that differ most, or make it several topics",
            )  # fmt: skip
        elif len(examples) > _BEDROCK["examples"]:
            self.warn("bedrock-limit", "Bedrock takes five examples of a topic at most", f"{rule.id}.examples")

    def exceptions(self, rule: Rule) -> None:
        """Exceptions that can excuse nothing: they are exact values of what the rule finds."""
        for value in rule.exceptions:
            wild = re.search(r"[*%]|\.\+|\\[dwsSDW]|^/.*/$|^\^|\$$", value)
            if wild and not (rule.detector == "regex" and self.finds(rule, value)):
                self.warn(
                    "exception-never-matches", f"an exception of {rule.id} is no value: * and patterns mean nothing here",
                    f"{rule.id}.exceptions", written=value, remedy="write each value in full",
                )  # fmt: skip
            elif (rule.detector == "regex" or (rule.detector == "pii" and rule.type in _FORMAL)) and not self.finds(
                rule, value
            ):
                self.warn(
                    "exception-never-matches", f"{rule.id} finds nothing in this exception, so there is nothing to excuse",
                    f"{rule.id}.exceptions", written=value, remedy="write a whole value, as it stands in a text",
                )  # fmt: skip
            elif rule.detector in ("content", "topics", "grounding", "classifier"):
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

    def words(self, rule: Rule) -> None:
        from guardrails.detectors.words_automaton import compile_term  # noqa: PLC0415

        seen: dict[Any, str] = {}
        for term in rule.settings.terms:
            pattern = compile_term(term)
            if pattern in seen:
                self.warn("duplicate-term", f"two terms of {rule.id} are the same after folding", f"{rule.id}.terms",
                          written=f"{seen[pattern]}, {term}", remedy="keep one of them")  # fmt: skip
            seen[pattern] = term
            if len(pattern.text.strip()) < 2:
                self.warn("short-term", f"a term of {rule.id} is a single character", f"{rule.id}.terms", written=term)
        if not rule.settings.lists and not rule.settings.managed:
            for value in rule.exceptions:
                if not any(value_key(t.strip("*")) in value_key(value) for t in rule.settings.terms):
                    self.warn("unused-exception", f"no term of {rule.id} can be found in this exception",
                              f"{rule.id}.exceptions", written=value, remedy="remove it")  # fmt: skip
        for term_list in rule.settings.lists:
            if not term_list.terms:
                self.warn(
                    "empty-list", f"the word list {term_list.path} has no term", f"{rule.id}.lists", remedy="add terms"
                )
