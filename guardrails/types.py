"""The nouns of the project: small and frozen.

A *detector* returns :class:`Hit` objects (a span and a label, never text). The *policy* turns hits into
:class:`Finding` objects by adding an action. Findings, failures and coverage make a :class:`Report`.

Every offset in this package is a half-open range of **code points** into the original text of one piece.
No ``repr`` here contains a character of the text that was checked.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from guardrails.calls import Call, Definition
from guardrails.named import Named

__all__ = [
    "NOT_JUDGED",
    "Action",
    "Coverage",
    "Failure",
    "FailureKind",
    "Finding",
    "Found",
    "Hit",
    "Level",
    "OnFailure",
    "Piece",
    "PolicyIdentity",
    "Qualifier",
    "Report",
    "Role",
    "RuleAction",
    "Source",
    "Uninspected",
    "Unseen",
    "UnsupportedLanguage",
]


class Source(Named):
    """Which way the text travels, as in Bedrock's ApplyGuardrail."""

    INPUT = "INPUT"
    OUTPUT = "OUTPUT"


class Action(StrEnum):
    """What happened to a text (or what one finding does to it), mildest first."""

    NONE = "NONE"
    MASKED = "MASKED"
    BLOCKED = "BLOCKED"

    @property
    def severity(self) -> int:
        """0 for NONE, 1 for MASKED, 2 for BLOCKED."""
        return _ACTION_SEVERITY[self]


_ACTION_SEVERITY = {Action.NONE: 0, Action.MASKED: 1, Action.BLOCKED: 2}


class RuleAction(StrEnum):
    """What a policy's author asks a rule to do, mildest first (Bedrock: NONE, ANONYMIZE, BLOCK)."""

    DETECT = "detect"
    MASK = "mask"
    BLOCK = "block"


class OnFailure(StrEnum):
    """What a rule that could not be evaluated does to the text, mildest first."""

    ALLOW = "allow"
    DETECT = "detect"
    BLOCK = "block"


class Level(StrEnum):
    """Confidence of a finding, as in Bedrock's content filters."""

    LOW = "LOW"
    MEDIUM = "MEDIUM"
    HIGH = "HIGH"


class Role(Named):
    """Who wrote a piece; trust follows from it."""

    SYSTEM = "system"
    USER = "user"
    ASSISTANT = "assistant"
    TOOL = "tool"
    DOCUMENT = "document"


class Qualifier(Named):
    """What a piece is for, as in Bedrock. Every piece is inspected, whatever its qualifier."""

    GUARD_CONTENT = "guard_content"
    QUERY = "query"
    GROUNDING_SOURCE = "grounding_source"


class UnsupportedLanguage(StrEnum):
    """What happens to text in a language the models were not measured on, mildest first."""

    ALLOW = "allow"
    BLOCK = "block"


class SystemMessages(StrEnum):
    """Whether models judge system and developer messages, mildest first: they are the operator's own words, or a client's."""

    TRUST = "trust"
    JUDGE = "judge"


class ToolDefinitions(StrEnum):
    """Whether models look for orders in the definitions of tools that a request brings, mildest first: they are a client's own, or
    those that servers of strangers gave it."""

    TRUST = "trust"
    JUDGE = "judge"


class Uninspected(StrEnum):
    """What happens to a request or answer with content that nobody can inspect (images, audio, references), mildest first."""

    ALLOW = "allow"
    BLOCK = "block"


class FailureKind(StrEnum):
    """Why a rule could not be evaluated."""

    TIMEOUT = "timeout"
    OVERLOAD = "overload"
    MODEL_UNAVAILABLE = "model_unavailable"
    OUT_OF_MEMORY = "out_of_memory"
    BAD_INPUT = "bad_input"
    UNINSPECTABLE = "uninspectable"
    NOT_APPLICABLE = "not_applicable"
    UNSUPPORTED_LANGUAGE = "unsupported_language"
    INTERNAL = "internal"

    @property
    def passing(self) -> bool:
        """Whether it says something of this run (too little time, a missing model, a defect) and nothing of the text: the same
        text under the same policy may be decided otherwise."""
        return self in _PASSING


_PASSING = frozenset(
    (
        FailureKind.TIMEOUT, FailureKind.OVERLOAD, FailureKind.MODEL_UNAVAILABLE, FailureKind.OUT_OF_MEMORY, FailureKind.INTERNAL,
    )
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Piece:
    """One text among those that are checked together.

    ``qualifier`` takes one name or several; ``role`` and ``qualifier`` accept plain strings. ``call``: the call of a tool that the
    piece stands for; ``definition``: the definition of one.
    """

    text: str = field(repr=False)
    role: Role = Role.USER
    qualifier: Qualifier | tuple[Qualifier, ...] = Qualifier.GUARD_CONTENT
    call: Call | None = None
    definition: Definition | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.text, str):
            raise TypeError(f"a piece's text must be str, not {type(self.text).__name__}")
        object.__setattr__(self, "role", Role(self.role))
        given = self.qualifier
        if isinstance(given, str):
            object.__setattr__(self, "qualifier", Qualifier(given))
        else:
            object.__setattr__(self, "qualifier", tuple(Qualifier(q) for q in given))

    @property
    def qualifiers(self) -> tuple[Qualifier, ...]:
        """The qualifiers as a tuple, also where one was given."""
        return (self.qualifier,) if isinstance(self.qualifier, Qualifier) else self.qualifier


@dataclass(frozen=True, slots=True)
class Hit:
    """What a detector saw: rule, type and place. ``start`` and ``end`` are both None without a span.

    ``score`` is in [0, 1]. ``piece`` indexes the pieces that were checked. ``evidence`` is (piece, start, end) of the
    source passage that decided, for grounding.
    """

    rule: str
    type: str
    start: int | None
    end: int | None
    score: float = 1.0
    piece: int = 0
    level: Level | None = None
    evidence: tuple[int, int, int] | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """A hit together with what the policy does about it."""

    rule: str
    type: str
    start: int | None
    end: int | None
    score: float
    level: Level | None
    piece: int
    action: Action
    evidence: tuple[int, int, int] | None = None


@dataclass(frozen=True, slots=True)
class Failure:
    """A rule that could not be evaluated, wholly or on one piece (``piece`` None: all of them).

    ``detail`` names an exception type or a limit; it never holds text.
    """

    rule: str
    kind: FailureKind
    piece: int | None = None
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Unseen:
    """Something nobody looked at, and why. ``rule`` None: no rule looked."""

    reason: str
    rule: str | None = None
    piece: int | None = None


# How the reason of an Unseen begins that is about a language; the ISO 639-1 code follows.
NOT_JUDGED = "not judged: language"
# The reason of an Unseen about a message that is the operator's own.
TRUSTED = "not judged: system message"


@dataclass(slots=True)
class Found:
    """What a detector returns: hits, and what went wrong or stayed unseen on the way.

    ``scores`` are probabilities of models, also where nothing fired (``content.HATE``, ``topic.<name>``, ``grounding`` …);
    ``models`` maps the models that were asked to the sha256 of their manifests.
    """

    hits: list[Hit] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)
    unseen: list[Unseen] = field(default_factory=list)
    scores: dict[str, float] = field(default_factory=dict)
    models: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Coverage:
    """How much was looked at: characters seen of ``total`` (code points over all pieces)."""

    seen: int
    total: int
    unseen: tuple[Unseen, ...] = ()
    not_applicable: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PolicyIdentity:
    """Which policy decided: its name, who answers for it, and sha256 over the bytes of all files loaded."""

    name: str
    sha256: str
    owner: str | None = None
    files: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Report:
    """The outcome of one check.

    ``text`` is what may be used: the original, the masked text, or the policy's blocked message;
    ``outputs`` is the same per piece. ``timings`` gives milliseconds per detector. ``scores`` are the probabilities that
    models gave, also where no rule fired (the highest over all pieces; for grounding and relevance high is good, and the
    lowest counts); ``models`` names the models that were asked, with the sha256 of their manifests. ``setting`` says which
    models judge texts in this installation (``fast``, ``cascade``, ``large``); it is empty where the text model was not asked.
    """

    action: Action
    source: Source
    findings: tuple[Finding, ...]
    outputs: tuple[str, ...] = field(repr=False)
    failures: tuple[Failure, ...]
    coverage: Coverage
    timings: Mapping[str, float]
    policy: PolicyIdentity
    scores: Mapping[str, float] = field(default_factory=dict)
    models: Mapping[str, str] = field(default_factory=dict)
    setting: str = ""

    @property
    def text(self) -> str:
        """What may be used. Several pieces are joined by a line break; a blocked text is the message, once."""
        if self.action is Action.BLOCKED:
            return self.outputs[0] if self.outputs else ""
        return "\n".join(self.outputs)

    @property
    def blocked(self) -> bool:
        """True when nothing of the text may be used."""
        return self.action is Action.BLOCKED

    def __bool__(self) -> bool:
        """Never: `if report:` reads as if it told whether something was found, and a report is always there."""
        raise TypeError("a report is neither true nor false: ask report.blocked, report.findings or report.action")

    def to_dict(self, *, include_text: bool = False) -> dict[str, Any]:
        """A JSON-ready dict. The usable text is left out unless ``include_text``."""
        out: dict[str, Any] = {
            "action": self.action.value,
            "source": self.source.value,
            "findings": [
                {
                    "rule": f.rule,
                    "type": f.type,
                    "start": f.start,
                    "end": f.end,
                    "score": f.score,
                    "level": f.level.value if f.level else None,
                    "piece": f.piece,
                    "action": f.action.value,
                    **({"evidence": list(f.evidence)} if f.evidence else {}),
                }
                for f in self.findings
            ],
            "failures": [
                {"rule": f.rule, "kind": f.kind.value, "piece": f.piece, "detail": f.detail} for f in self.failures
            ],
            "coverage": {
                "seen": self.coverage.seen,
                "total": self.coverage.total,
                "unseen": [{"reason": u.reason, "rule": u.rule, "piece": u.piece} for u in self.coverage.unseen],
                "not_applicable": list(self.coverage.not_applicable),
            },
            "scores": dict(self.scores),
            "models": dict(self.models),
            "setting": self.setting,
            "timings_ms": dict(self.timings),
            "policy": {
                "name": self.policy.name,
                "sha256": self.policy.sha256,
                "owner": self.policy.owner,
                "files": list(self.policy.files),
            },
        }
        if include_text:
            out["text"] = self.text
            out["outputs"] = list(self.outputs)
        return out

    def to_json(self, *, include_text: bool = False, indent: int | None = None) -> str:
        """:meth:`to_dict` as JSON text."""
        return json.dumps(self.to_dict(include_text=include_text), ensure_ascii=False, indent=indent)
