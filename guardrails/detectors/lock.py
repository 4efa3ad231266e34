"""Definitions of tools that are pinned: one that is new, or is not what it was when somebody approved it, is not shown and not called."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from guardrails.calls import Call, Definition
from guardrails.content import Content, Deadline
from guardrails.detectors import Detector
from guardrails.detectors.settings import File, Section, Setting, Shape
from guardrails.detectors.toollock import Lock, State
from guardrails.detectors.toolnames import named
from guardrails.detectors.traits import DetectorSpec
from guardrails.rules import Rule
from guardrails.types import Found, Hit, Piece

__all__ = ["SECTIONS", "SPEC", "Settings", "build"]

_LOST = "Bedrock judges texts: it knows no definitions of tools"


def _named(lock: Lock) -> str:
    return lock.file


@dataclass(frozen=True, slots=True)
class Settings:
    """``file``: the lock, which ``guardrails tools approve`` writes."""

    file: Annotated[
        Lock,
        Setting(
            about="the file with the definitions of tools that were approved",
            kind=File(
                Lock.parse,
                code="lock-refused",
                message="this file pins no tools",
                remedy="take back what was changed by hand, or write it anew with: guardrails tools approve --lock {file} …",
            ),
            example="tools.lock",
            lost=_LOST,
            shown=_named,
            written=_named,
        ),
    ]


SECTIONS = (Section(key="tools.lock", shape=Shape.ONE, bare="file", lost=_LOST),)

SPEC = DetectorSpec(
    spans=False,
    calls=True,
    blocking=lambda _: False,
    local=lambda _: True,
    remedy="look at it with `guardrails tools diff`, then approve it, or change the action of {rule}",
)


def build(rules: Sequence[Rule]) -> Detector:
    """One detector for the lock of a policy."""
    return _Pinned(rules)


class _Pinned:
    def __init__(self, rules: Sequence[Rule]) -> None:
        self._rules = tuple(rules)

    def find(self, content: Content, deadline: Deadline) -> Found:
        """A hit for each definition, and each call, of a tool that is not pinned as it is."""
        found = Found()
        for index, piece in enumerate(content.pieces):
            deadline.check()
            tool = None if content.masked else _tool(piece)
            if tool is not None:
                for rule in self._rules:
                    state = rule.settings.file.state(tool)
                    if state is not State.PINNED:
                        found.hits.append(Hit(rule.id, state.value.upper(), None, None, piece=index))
        return found


def _tool(piece: Piece) -> Definition | None:
    """The tool that a piece is about; None for a text, and for a call that no server of MCP is named for."""
    if piece.definition is not None or piece.call is None:
        return piece.definition
    return piece.call.definition or _called(piece.call)


def _called(call: Call) -> Definition | None:
    server, name = named(call)
    return Definition(name, server) if server else None
