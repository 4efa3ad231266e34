"""What an author can do about a finding."""

from __future__ import annotations

from guardrails import detectors
from guardrails.rules import Policy
from guardrails.types import Action, Finding

__all__ = ["remedy"]


def remedy(finding: Finding, policy: Policy) -> str:
    """One sentence for who reads the finding: what to change, in the text or in the policy."""
    rule = policy.rule(finding.rule)
    if finding.action is Action.NONE:
        return "none needed: the rule only reports"
    if rule.enforced:
        return "the rule is enforced; leave this out of the text, or ask the policy's owner" + (
            f" ({policy.metadata['owner']})" if policy.metadata.get("owner") else ""
        )
    traits = detectors.spec(rule.detector)
    if finding.start is None or not traits.spans:  # it judges whole texts: no value could be excused
        return traits.remedy.format(rule=finding.rule)
    return f"leave it out of the text, or add the exact value to `except` of {finding.rule}, or change its action"
