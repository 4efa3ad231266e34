"""What was decided about one request or answer: ids, rules and places, never text."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from guardrails.types import Action, Failure, Finding, OnFailure, PolicyIdentity, Source

__all__ = ["Decision", "Located", "deciding", "failed_open", "new_id", "uninspected_note"]


def new_id() -> str:
    """An id that says nothing about what it names."""
    return uuid.uuid4().hex


@dataclass(frozen=True, slots=True)
class Located:
    """A finding, and the field of the body it stands in; offsets count from the start of that field's text."""

    path: str
    finding: Finding


@dataclass(frozen=True, slots=True)
class Decision:
    """One direction of an exchange, decided.

    ``replaced`` counts messages of the past that were replaced; ``uninspected`` names what nobody can inspect and where;
    ``fail_open`` the rules that could not be evaluated and whose policy lets the text pass all the same. ``held`` is the most
    characters of a stream that were held back at once. ``scores`` is the worst that each model said of any of its texts, by the
    keys of :attr:`Report.scores`, for operators and never for clients; ``weights`` the sha256 of the manifests of these models, and
    ``setting`` which of them judge texts in this installation (:attr:`Report.setting`).
    ``not_judged`` names the rules that passed over the request's system messages, which the policy trusts.
    ``blocking`` names the rules whose findings decided that the whole direction is blocked: their message is what users read.
    ``ask``: nothing stops an answer but rules about calls of tools that somebody may overrule (``ask: true``); it is blocked all
    the same, unless whoever asked has somebody to confirm it. A stream ends at that call: what would have followed was not read.
    """

    id: str
    direction: Source
    action: Action
    policy: PolicyIdentity
    tenant: str = "default"
    format: str = ""
    model: str = ""
    findings: tuple[Located, ...] = ()
    failures: tuple[Failure, ...] = ()
    uninspected: tuple[tuple[str, str], ...] = ()
    fail_open: tuple[str, ...] = ()
    replaced: int = 0
    characters: int = 0
    held: int = 0
    milliseconds: float = 0.0
    blocking: tuple[str, ...] = ()
    scores: Mapping[str, float] = field(default_factory=dict)
    weights: Mapping[str, str] = field(default_factory=dict)
    not_applicable: tuple[str, ...] = ()
    setting: str = ""
    not_judged: tuple[str, ...] = ()
    ask: bool = False

    @property
    def blocked(self) -> bool:
        """True when the request was not forwarded, or the answer not (wholly) passed on."""
        return self.action is Action.BLOCKED

    @property
    def rules(self) -> tuple[str, ...]:
        """The rules that acted, each once."""
        return tuple(dict.fromkeys(f.finding.rule for f in self.findings if f.finding.action is not Action.NONE))

    @property
    def fired(self) -> tuple[str, ...]:
        """The rules that found something, those that only report included, each once."""
        return tuple(dict.fromkeys(f.finding.rule for f in self.findings))

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            "decision_id": self.id,
            "tenant": self.tenant,
            "direction": self.direction.value,
            "action": self.action.value,
            "format": self.format,
            "model": self.model,
            "policy": {"name": self.policy.name, "sha256": self.policy.sha256, "owner": self.policy.owner},
            "rules": list(self.rules),
            "findings": [
                {
                    "rule": x.finding.rule,
                    "type": x.finding.type,
                    "path": x.path,
                    "start": x.finding.start,
                    "end": x.finding.end,
                    "action": x.finding.action.value,
                }
                for x in self.findings
            ],
            "failures": [{"rule": f.rule, "kind": f.kind.value, "detail": f.detail} for f in self.failures],
            "fail_open": list(self.fail_open),
            "uninspected": [{"why": why, "path": path} for why, path in self.uninspected],
            "replaced": self.replaced,
            "characters": self.characters,
            "held": self.held,
            "milliseconds": round(self.milliseconds, 3),
            "scores": {key: round(value, 6) for key, value in self.scores.items()},
            "weights": dict(self.weights),
            "setting": self.setting,
            "not_applicable": list(self.not_applicable),
            "not_judged": list(self.not_judged),
            "ask": self.ask,
        }


_UNREAD = {
    "binary content": "an image or other binary content",
    "content by reference": "an image, a file or other content, included or by reference",
}


def uninspected_note(whys: Iterable[str]) -> str:
    """What users read behind the policy's message when nothing was found and a block is only for what nobody can inspect."""
    what = " and ".join(_UNREAD.get(why, why) for why in dict.fromkeys(whys))
    return f" (It holds {what}, which cannot be inspected; the policy's setting `uninspected` is `block`.)"


def deciding(findings: Iterable[Located]) -> tuple[str, ...]:
    """The rules that block among these findings, each once."""
    return tuple(dict.fromkeys(x.finding.rule for x in findings if x.finding.action is Action.BLOCKED))


def failed_open(failures: tuple[Failure, ...], on_failure: Mapping[str, OnFailure]) -> tuple[str, ...]:
    """The rules among ``failures`` whose policy lets the text pass."""
    return tuple(sorted({f.rule for f in failures if on_failure.get(f.rule) is not OnFailure.BLOCK}))
