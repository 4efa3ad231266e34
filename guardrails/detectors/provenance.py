"""Where the value of an argument comes from: one that only untrusted texts name is the choice of whoever wrote them.

No model is asked. A value comes from a text in which it stands, after both are folded; texts of the assistant say nothing, because it
repeats what it has read.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated

from guardrails.calls import Call, Label, Segment
from guardrails.content import Content, Deadline
from guardrails.detectors import Detector
from guardrails.detectors.arguments import found_at, hosts, paths
from guardrails.detectors.settings import TYPE, Choice, Flag, Items, Order, Section, Setting, Text
from guardrails.detectors.toolnames import exactly, loosely
from guardrails.detectors.traits import DetectorSpec
from guardrails.rules import Rule
from guardrails.types import Found, Hit

__all__ = ["SECTIONS", "SPEC", "Settings", "build"]

_LOST = "Bedrock judges texts: it knows no calls of tools"
_NAMES = Items(Text(at_most=300), at_least=1)
# From so many letters and digits on, a value in an untrusted text is known without the signs between them.
_DISTINCT = 4
_KINDS = ("recipient", "host", "path", "account")
_LABELS = ("tool", "document", "memory", "definition")


@dataclass(frozen=True, slots=True)
class Settings:
    """Which arguments of which tools are sensitive, and whose texts may not choose their values.

    ``kind`` says how a value is read: an address, the host of a URL, a path, the number of an account. ``untrusted`` are the labels of
    texts that may not choose; ``trusted_results`` names tools whose results may.
    """

    name: Annotated[str, TYPE]
    arguments: Annotated[
        tuple[str, ...],
        Setting(about="names of sensitive arguments", kind=_NAMES, order=Order.GROWS, example="[to]", lost=_LOST),
    ]
    tools: Annotated[
        tuple[str, ...],
        Setting(about="names of tools, with * and ?; without it, all", kind=_NAMES, order=Order.GROWS, lost=_LOST),
    ] = ("*",)
    kind: Annotated[str, Setting(about="how a value is read", kind=Choice(_KINDS), lost=_LOST)] = "recipient"
    untrusted: Annotated[
        tuple[str, ...],
        Setting(
            about="whose texts may not choose a value",
            kind=Items(Choice(_LABELS), at_least=1),
            order=Order.GROWS,
            lost=_LOST,
        ),
    ] = ("tool", "document")
    trusted_results: Annotated[
        tuple[str, ...],
        Setting(
            about="tools whose results may choose one, such as an address book",
            kind=_NAMES,
            order=Order.SHRINKS,
            lost=_LOST,
        ),
    ] = ()
    ask: Annotated[
        bool,
        Setting(about="somebody may confirm what the rule stops", kind=Flag(), order=Order.FALLS, lost=_LOST),
    ] = False


SECTIONS = (Section(key="tools.provenance", id="provenance.{name}", directions=("output",), lost=_LOST),)

SPEC = DetectorSpec(
    spans=False,
    calls=True,
    asks=lambda settings: settings.ask,
    blocking=lambda _: False,
    local=lambda _: True,
    remedy="name the tool whose results may choose the value in trusted_results of {rule}, or change its action",
)


def build(rules: Sequence[Rule]) -> Detector:
    """One detector for all rules of a policy about where values come from."""
    return _Provenance(rules)


class _Provenance:
    def __init__(self, rules: Sequence[Rule]) -> None:
        self._rules = tuple(rules)

    def find(self, content: Content, deadline: Deadline) -> Found:
        """A hit for each sensitive argument whose value untrusted texts alone name."""
        found = Found()
        for index, piece in enumerate(content.pieces):
            deadline.check()
            if piece.call is not None and not content.masked:
                found.hits += [Hit(rule.id, what, None, None, piece=index) for rule, what in self._judged(piece.call)]
        return found

    def _judged(self, call: Call) -> Iterator[tuple[Rule, str]]:
        texts: dict[str, str] = {}
        for rule in self._rules:
            said: Settings = rule.settings
            if not loosely(said.tools, None, call):
                continue
            parts = [(s, _trust(s, said)) for s in call.context.segments]
            doubted = [texts.setdefault(s.text, _folded(s.text)) for s, trust in parts if trust is False]
            trusted = [texts.setdefault(s.text, _folded(s.text)) for s, trust in parts if trust is True]
            given = {"input": call.arguments} if isinstance(call.arguments, str) else call.arguments
            for name in said.arguments:
                values = [one for value in found_at(given, name) for one in _read(value, said.kind)]
                if any(_stands(v, trusted, said.kind) is False and _named(v, doubted, said.kind) for v in values):
                    yield rule, f"UNTRUSTED:{name}"


def _trust(segment: Segment, said: Settings) -> bool | None:
    """Whether a text may choose values; None where it says nothing."""
    if segment.label is Label.ASSISTANT:
        return None
    if segment.label.value not in said.untrusted:
        return True
    result = None if segment.tool is None else Call(segment.tool, server=segment.server)
    return result is not None and exactly(said.trusted_results, None, result)


def _read(value: object, kind: str) -> list[str]:
    """The values that a text stands for, folded."""
    text = value if isinstance(value, str) else str(value)
    if kind == "host":
        return hosts(text) or [_folded(text.strip())]
    if kind == "recipient":
        parts = [
            shown[-1] for part in re.split(r"[,;]", text) if (shown := re.findall(r"[^\s<>]+@[^\s<>]+", part) or [part])
        ]
        return [_folded(part.strip()) for part in parts if part.strip()]
    if kind == "path":
        return [_folded(path) for path in (paths(text) or [text])]
    return [_plain(_folded(text)) or _folded(text)]


def _folded(text: str) -> str:
    if text.isascii():
        return text.lower()
    return "".join(c for c in unicodedata.normalize("NFKC", text).casefold() if unicodedata.category(c) != "Cf")


def _plain(text: str) -> str:
    return "".join(c for c in text if c.isalnum())


def _stands(value: str, texts: Sequence[str], kind: str) -> bool:
    """Whether a value stands in one of the texts as a whole: no longer one of which it is a part."""
    if kind == "account":
        inside = r"[\s.\-/]{0,2}".join(map(re.escape, value))
        pattern = re.compile(rf"(?<![^\W_]){inside}(?![^\W_])")
    else:
        before = r"(?<![\w.+/~-])" if kind != "host" else r"(?<![\w.-])"
        pattern = re.compile(rf"{before}{re.escape(value)}(?![\w@+-])(?!\.\w)" + (r"(?!/)" if kind == "path" else ""))
    return any(pattern.search(text) for text in texts)


def _named(value: str, texts: Sequence[str], kind: str) -> bool:
    """Whether a text names a value, also with other signs between its letters and digits."""
    if _stands(value, texts, kind):
        return True
    plain = _plain(value)
    return len(plain) >= _DISTINCT and any(plain in _plain(text) for text in texts)
