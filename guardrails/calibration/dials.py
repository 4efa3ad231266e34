"""Cut points that an author can choose: which setting of a rule holds one, and where the rule then acts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from dataclasses import field as field_of
from typing import Any

from guardrails.detectors import Detector
from guardrails.detectors.settings import Choice, Number, Order, settings_of
from guardrails.pipeline import Pipeline
from guardrails.rules import Policy, Rule
from guardrails.types import Role, RuleAction, Source

__all__ = ["Cut", "Dial", "dials"]

# A number, or a name such as HIGH.
Cut = float | str


@dataclass(frozen=True)
class Dial:
    """One setting of one rule that holds a cut point.

    ``field`` is its name in the detector's settings, ``name`` in a policy file. ``source`` is the direction it holds for, None: both.
    ``names`` are its values, mildest first; a number lies from ``low`` to ``high`` instead. ``falls``: the rule acts on scores *below* it.
    """

    policy: Policy = field_of(repr=False)
    rule: Rule
    field: str
    name: str
    source: Source | None = None
    names: tuple[str, ...] = ()
    low: float = 0.0
    high: float = 1.0
    falls: bool = False
    _built: dict[Any, Detector] = field_of(default_factory=dict, repr=False, compare=False)

    @property
    def label(self) -> str:
        """How people call it: the rule, and the direction where there are two."""
        return f"{self.rule.id} ({self.source})" if self.source else self.rule.id

    def current(self) -> Cut:
        """The cut point that the policy has; where it leaves it to the model, the model's."""
        written = getattr(self.rule.settings, self.field)
        if written is not None:
            return str(written) if self.names else float(written)
        source = next((s for s in Source if self.rule.action(s) is not None), Source.INPUT)
        return next(iter(self.thresholds(source, Role.USER).values()), self.high)

    def on(self, source: Source) -> bool:
        """Whether the setting decides about texts of that direction."""
        return self.source in (None, source) and (bool(self.names) or self.rule.action(source) is not None)

    def thresholds(self, source: Source, role: Role, cut: Cut | None = None) -> Mapping[str, float]:
        """Key of ``Report.scores`` → the score on which the rule acts, with that cut point (None: the policy's own)."""
        rule = self.rule
        if cut is not None:
            rule = replace(rule, settings=replace(rule.settings, **{self.field: cut}))
        rule = replace(rule, input=rule.input or RuleAction.BLOCK, output=rule.output or RuleAction.BLOCK)
        own = Pipeline(replace(self.policy, rules=(rule,)), source, self._built).thresholds(role)
        written = getattr(rule.settings, self.field)
        return own or ({rule.id: float(written)} if isinstance(written, int | float) else {})


def dials(policy: Policy) -> tuple[Dial, ...]:
    """Every cut point of a policy's rules that are on. Raises WeightsMissing when a model is not installed."""
    built: dict[Any, Detector] = {}
    out: list[Dial] = []
    for rule in policy.rules:
        for name, setting in settings_of(rule.detector).items():
            # An allowed topic shares one score with the others: it has no cut point of its own.
            if not setting.cut or (setting.unless and getattr(rule.settings, setting.unless)):
                continue
            source = Source(name.partition("_")[0].upper()) if setting.sided else None
            if all(rule.action(s) is None for s in ([source] if source else Source)):
                continue
            kind = setting.kind
            out.append(
                Dial(
                    policy, rule, name, setting.name(name), source,
                    names=kind.names if isinstance(kind, Choice) else (),
                    low=kind.low if isinstance(kind, Number) else 0.0,
                    high=kind.high if isinstance(kind, Number) else 1.0,
                    falls=setting.order is Order.RISES and isinstance(kind, Number),
                    _built=built,
                )
            )  # fmt: skip
    return tuple(out)
