"""A policy as the guard sees it: a flat tuple of rules, all inheritance already resolved.

The loader in :mod:`guardrails.policy` makes these; detectors, verdict and actions read them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from guardrails.types import (
    OnFailure,
    PolicyIdentity,
    Role,
    RuleAction,
    Source,
    SystemMessages,
    ToolDefinitions,
    Uninspected,
    UnsupportedLanguage,
)

__all__ = [
    "RESTORE_IN",
    "Conversation",
    "Limits",
    "Mask",
    "MaskStyle",
    "Messages",
    "Policy",
    "Position",
    "Rule",
    "Scope",
    "StreamMode",
    "Streaming",
]


# Where nothing is restored unless a mask names the place: addresses that somebody's browser may fetch, calls of tools.
RESTORE_IN = ("urls", "tools")
_HOUR_MS = 3_600_000


class MaskStyle(StrEnum):
    """How a masked span is rewritten.

    ``type``: ``{EMAIL}`` as in Bedrock; ``numbered``: ``{EMAIL_1}``, the same number for the same value;
    ``partial``: all but the last ``keep`` letters and digits are starred; ``hash``: a keyed hash;
    ``constant``: ``text``.
    """

    TYPE = "type"
    NUMBERED = "numbered"
    PARTIAL = "partial"
    HASH = "hash"
    CONSTANT = "constant"


@dataclass(frozen=True, slots=True)
class Mask:
    """A mask style with its options; ``key_env`` / ``key_file`` name where a hash key is, never the key.

    ``restore`` (``numbered`` only): the value goes back into the answer in place of its placeholder; never inside the
    places of :data:`RESTORE_IN`, where it could be carried away, unless ``restore_in`` names them.
    """

    style: MaskStyle = MaskStyle.TYPE
    keep: int = 4
    text: str | None = None
    key_env: str | None = None
    key_file: str | None = None
    restore: bool = False
    restore_in: tuple[str, ...] = ()
    # Where ``key_file`` lies, once it was found inside the policy's root.
    key_path: str | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule of a policy.

    ``id`` is unique in the policy (``pii.EMAIL``, ``words.terms``, ``regex.account``, ``content.HATE`` …);
    ``detector`` is a key of :data:`guardrails.detectors.DETECTORS`; ``type`` is what its findings are
    called and what stands in its mask. ``input`` and ``output`` are None where the rule is disabled.
    ``settings`` is an instance of the detector module's ``Settings``. ``input_message`` and ``output_message`` are what users
    read when this rule blocks, None for the policy's message. ``judges_system`` is the policy's word on system messages: content
    filters, denied topics and classifiers pass them over unless it is true; other rules read them in any case.
    """

    id: str
    detector: str
    type: str
    settings: Any
    input: RuleAction | None = RuleAction.BLOCK
    output: RuleAction | None = RuleAction.BLOCK
    on_failure: OnFailure = OnFailure.BLOCK
    required: bool = False
    enforced: bool = False
    exceptions: tuple[str, ...] = ()
    mask: Mask = field(default_factory=Mask)
    input_message: str | None = None
    output_message: str | None = None
    judges_system: bool = False

    def trusts(self, role: Role) -> bool:
        """Whether a rule that judges meaning passes over texts of this role, because they are the operator's own words."""
        return role is Role.SYSTEM and not self.judges_system

    def action(self, source: Source) -> RuleAction | None:
        """What the rule does in that direction, None when it is disabled there."""
        return self.input if source is Source.INPUT else self.output

    def message(self, source: Source) -> str | None:
        """What users read when this rule blocks in that direction, None for the policy's own message."""
        return self.input_message if source is Source.INPUT else self.output_message


@dataclass(frozen=True, slots=True)
class Messages:
    """What users read instead of a blocked text."""

    blocked_input: str = "Sorry, I can't help with that request."
    blocked_output: str = "Sorry, I can't share that answer."

    def blocked(self, source: Source) -> str:
        """The message of that direction."""
        return self.blocked_input if source is Source.INPUT else self.blocked_output


@dataclass(frozen=True, slots=True)
class Limits:
    """What one check may cost: code points over all pieces, milliseconds, and pieces."""

    max_characters: int = 1_000_000
    deadline_ms: int = 10_000
    max_pieces: int = 10_000


class Scope(StrEnum):
    """Which messages of a conversation may block the turn: those after the last answer, the user's, the last
    ``Conversation.messages``, or all."""

    LATEST = "latest"
    USER = "user"
    WINDOW = "window"
    CONVERSATION = "conversation"


@dataclass(frozen=True, slots=True)
class Conversation:
    """Every message is inspected, whatever stands here: what may not pass is replaced.

    ``scope`` says which messages may block the whole turn; ``messages`` is how many for ``Scope.WINDOW``, None
    otherwise. Attacks split over turns are looked for over the last ``window`` messages of users and tools (0: off).
    """

    scope: Scope = Scope.LATEST
    messages: int | None = None
    window: int = 4


class StreamMode(StrEnum):
    """When the text of a streamed answer is sent: once it is judged, a little before, or at once (report only)."""

    SYNC = "sync"
    BOUNDED = "bounded"
    ASYNC = "async"


@dataclass(frozen=True, slots=True)
class Streaming:
    """How streams are checked; ``ahead`` is by how many characters text may run ahead of the models (``bounded`` only)."""

    mode: StreamMode = StreamMode.SYNC
    ahead: int = 0


@dataclass(frozen=True, slots=True)
class Position:
    """Where a setting was written: path as loaded, 1-based line and column."""

    file: str
    line: int
    column: int = 1

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


@dataclass(frozen=True, slots=True)
class Policy:
    """An effective policy. ``unsupported_language`` says whether text that models cannot judge for its language is a failure
    of their rules (``block``) or only named in the coverage (``allow``); ``system_messages`` whether models judge what the
    operator, or a client in its place, tells the model; ``tool_definitions`` whether they look for orders in what a request says of its
    tools; ``uninspected`` what happens to content that nobody
    can inspect. ``positions`` maps a dotted key (``pii.entities.EMAIL.action``) to its origin."""

    name: str
    identity: PolicyIdentity
    rules: tuple[Rule, ...]
    messages: Messages = field(default_factory=Messages)
    limits: Limits = field(default_factory=Limits)
    on_failure: OnFailure = OnFailure.BLOCK
    unsupported_language: UnsupportedLanguage = UnsupportedLanguage.ALLOW
    system_messages: SystemMessages = SystemMessages.TRUST
    tool_definitions: ToolDefinitions = ToolDefinitions.TRUST
    uninspected: Uninspected = Uninspected.BLOCK
    conversation: Conversation = field(default_factory=Conversation)
    stream: Streaming = field(default_factory=Streaming)
    description: str | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)
    bedrock: Mapping[str, Any] = field(default_factory=dict)
    positions: Mapping[str, Position] = field(default_factory=dict)

    def rule(self, rule_id: str) -> Rule:
        """The rule with that id. Raises KeyError."""
        for rule in self.rules:
            if rule.id == rule_id:
                return rule
        raise KeyError(rule_id)

    def unhurried(self) -> Policy:
        """The same policy with an hour for each check: for measuring what it decides, whatever the machine's speed."""
        return replace(self, limits=replace(self.limits, deadline_ms=_HOUR_MS))

    def blocked(self, source: Source, rules: Iterable[str] = ()) -> str:
        """What users read when these rules have blocked: the message of the first of them, in the policy's order, that
        has one of its own, else the policy's message of that direction."""
        blocking = frozenset(rules)
        own = (m for r in self.rules if r.id in blocking and (m := r.message(source)) is not None)
        return next(own, self.messages.blocked(source))
