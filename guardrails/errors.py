"""Everything the project raises on purpose. No message ever holds text that was checked."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = [
    "DeadlineExceeded",
    "GuardrailsError",
    "Overloaded",
    "PolicyError",
    "Problem",
    "RemoteFailed",
    "UpstreamLost",
    "WeightsMissing",
]


class GuardrailsError(Exception):
    """Base of all errors of this package."""


class DeadlineExceeded(GuardrailsError):
    """The time a check may take was used up."""


class Overloaded(GuardrailsError):
    """More work is waiting than may wait."""


class RemoteFailed(GuardrailsError):
    """A model behind a network address could not be asked, or did not answer as its kind of server does."""


class UpstreamLost(GuardrailsError):
    """The upstream broke off in the middle of an answer, or was silent for too long. The answer is not complete."""


class WeightsMissing(GuardrailsError):
    """A policy needs a trained model that is not installed."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with a policy file.

    ``code`` is a stable short name (``unknown-key``); ``file``, ``line``, ``column`` are where (1-based);
    ``key`` the dotted path of the setting; ``written`` what stands there; ``allowed`` what may stand there;
    ``nearest`` the closest valid name; ``remedy`` what to do. ``severity`` is ``error`` or ``warning``.
    """

    code: str
    message: str
    file: str
    line: int = 1
    column: int = 1
    key: str = ""
    written: str | None = None
    allowed: str | None = None
    nearest: str | None = None
    remedy: str | None = None
    severity: str = "error"
    source_line: str | None = None

    def render(self) -> str:
        """The problem as a person reads it: place, message, the line with a caret, and the remedy."""
        out = [f"{self.file}:{self.line}:{self.column}: {self.severity}[{self.code}]: {self.message}"]
        if self.source_line is not None:
            number = str(self.line)
            pad = " " * len(number)
            out.append(f" {number} | {self.source_line}")
            out.append(f" {pad} | {' ' * (self.column - 1)}^")
        if self.key:
            out.append(f"   key:     {self.key}")
        if self.written is not None:
            out.append(f"   written: {self.written}")
        if self.allowed is not None:
            out.append(f"   allowed: {self.allowed}")
        if self.nearest is not None:
            out.append(f"   nearest: {self.nearest}")
        if self.remedy is not None:
            out.append(f"   remedy:  {self.remedy}")
        return "\n".join(out)


class PolicyError(GuardrailsError):
    """A policy could not be loaded; ``problems`` holds everything that is wrong with it, in file order."""

    def __init__(self, problems: list[Problem] | tuple[Problem, ...]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n\n".join(p.render() for p in self.problems))
