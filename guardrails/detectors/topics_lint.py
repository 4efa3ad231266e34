"""Topics that load and probably do not do what their author wants."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from guardrails.detectors.phrases import Phrases
from guardrails.detectors.settings import Remark
from guardrails.rules import Rule

__all__ = ["lint"]

# Bedrock's own limits (CreateGuardrail in botocore's service model): characters of a definition and an example, examples.
_DEFINITION, _EXAMPLE, _EXAMPLES = 200, 100, 5
# A topic's example is one thing that somebody may ask: words; and how many of them say what more could not.
_EXAMPLE_WORDS, _MANY = 60, 30
# The threshold of an allowed topic above which most authors mean the opposite.
_ALLOW_MOST = 0.5
# Definitions that say what a topic is not: models compare a text with what is written, and read no "except".
_NEGATIVE = re.compile(
    r"(?i)^\W*(?:(?:everything|anything|all|any|every|alles|tout|todo)\b.{0,60}?\b(?:except|excluding|but|other than|apart from|besides|outside|"
    r"unrelated|not|without|außer|sauf|excepto)\b|(?:off[- ]?topic|not\b|no\b|non-|unrelated\b|other than\b|outside\b|except\b|nothing but\b))"
)


def lint(rules: Sequence[Rule], fitted: Callable[..., Any], cut_of: Callable[..., float]) -> Iterator[Remark]:
    """What the topics say that a model will not read as its author means it, and how near they are to each other.

    ``fitted`` and ``cut_of``: how the detector reads a topic."""
    for rule in rules:
        yield from _definition(rule)
        yield from _allowed(rule)
        yield from _examples(rule)
    # A head decides by itself: what the definition and the examples reach is nothing to it.
    active = [rule for rule in rules if (rule.input or rule.output) is not None and rule.settings.head is None]
    if active:
        yield from _fits(active, fitted, cut_of)


def _definition(rule: Rule) -> Iterator[Remark]:
    definition = rule.settings.definition or ""
    negative = _NEGATIVE.match(definition)
    if negative:
        yield Remark(
            "negative-definition", f"{rule.id} says what the topic is not: texts are compared with what it says", rule.id, "definition",
            written=negative.group().strip(),
            remedy="name what is denied, one topic for each subject; or name what is welcome, with allow: true",
        )  # fmt: skip
    if len(definition) > _DEFINITION:
        yield Remark("bedrock-limit", "Bedrock takes definitions of 200 characters at most", rule.id, "definition")


def _allowed(rule: Rule) -> Iterator[Remark]:
    settings = rule.settings
    if settings.allow and not settings.examples:
        yield Remark(
            "allow-without-examples", f"{rule.id} allows a topic by its definition alone: much of what users ask about it will be blocked",
            rule.id, "allow", remedy="add five to ten examples of what users ask, and try more of them with guardrails check",
        )  # fmt: skip
    if settings.allow and settings.threshold is not None and settings.threshold > _ALLOW_MOST:
        yield Remark(
            "allow-threshold", f"{rule.id} allows only what is surely about its topic: a higher threshold blocks more", rule.id, "threshold",
            written=str(settings.threshold), allowed=f"{_ALLOW_MOST} or less",
            remedy="lower or remove it: of an allowed topic, the threshold is the least that a text must reach",
        )  # fmt: skip


def _examples(rule: Rule) -> Iterator[Remark]:
    examples = rule.settings.examples
    long = next((e for e in examples if len(e.split()) > _EXAMPLE_WORDS), None)
    if long is not None:
        yield Remark(
            "long-example", f"an example of {rule.id} is no single question or sentence", rule.id, "examples",
            written=f"{len(long.split())} words", remedy="write what one person would ask in one message",
        )  # fmt: skip
    elif any(len(e) > _EXAMPLE for e in examples):
        yield Remark("bedrock-limit", "Bedrock takes examples of 100 characters at most", rule.id, "examples")
    if len(examples) > _MANY:
        yield Remark(
            "many-examples", f"{rule.id} has so many examples that they blur what it is about", rule.id, "examples",
            written=str(len(examples)), remedy="keep the three to five that differ most, or make it several topics",
        )  # fmt: skip
    elif len(examples) > _EXAMPLES:
        yield Remark("bedrock-limit", "Bedrock takes five examples of a topic at most", rule.id, "examples")


def _fits(rules: Sequence[Rule], fitted: Callable[..., Any], cut_of: Callable[..., float]) -> Iterator[Remark]:
    """Topics that do not reach their own examples, or are so near that a text of one will often fire the other."""
    from guardrails.inference import text_engine  # noqa: PLC0415 - torch, and only for policies with topics
    from guardrails.inference.text import sigmoid  # noqa: PLC0415
    from guardrails.inference.topics import alike, fit, overlap  # noqa: PLC0415

    engine = text_engine()
    topics = [(rule, fitted(engine, rule.settings, fit)) for rule in rules]
    for rule, topic in topics:
        cut, others = cut_of(engine, rule.settings), Phrases(rule.settings.not_examples)
        for phrase in rule.settings.examples:
            if others.whole(phrase):
                yield Remark(
                    "contrary-example", f"a phrase is an example of {rule.id} and none of it", rule.id, "examples", written=phrase,
                    remedy="remove it from examples or from not_examples",
                )  # fmt: skip
            elif sigmoid(topic.score(engine.embed([phrase])[0])) < cut:
                yield Remark(
                    "topic-misses-example",
                    f"{rule.id} knows this example word for word only: the definition and the other examples do not reach it",
                    rule.id, "examples", written=phrase, remedy="add examples like it, widen the definition, or lower the threshold",
                )  # fmt: skip
    for i, (one, first) in enumerate(topics):
        for other, second in topics[i + 1 :]:
            near = overlap(first, second)
            # Of two allowed topics, near to any is enough.
            if not (one.settings.allow and other.settings.allow) and near >= alike(engine):
                yield Remark(
                    "overlapping-topics", f"{one.id} and {other.id} are hard to tell apart (similarity {near:.2f})", other.id,
                    remedy="sharpen the definitions, give each examples of its own, or make them one topic",
                )  # fmt: skip
