"""What every detector does in every kind of trouble. docs/failures.md is made from this table, and the tests walk it.

python -m tests.failures.matrix writes the page's table anew.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from guardrails.types import FailureKind, OnFailure

DOC = Path(__file__).parents[2] / "docs" / "failures.md"

TIMEOUT, CRASH, OVERLOAD = "time-out", "crash", "overload"
MISSING, MEMORY, BAD_INPUT = "missing model", "out of memory", "bad input"
TROUBLES = (TIMEOUT, CRASH, OVERLOAD, MISSING, MEMORY, BAD_INPUT)

KINDS = {
    TIMEOUT: FailureKind.TIMEOUT,
    CRASH: FailureKind.INTERNAL,
    OVERLOAD: FailureKind.OVERLOAD,
    MISSING: FailureKind.MODEL_UNAVAILABLE,
    MEMORY: FailureKind.OUT_OF_MEMORY,
    BAD_INPUT: FailureKind.BAD_INPUT,
}


@dataclass(frozen=True)
class Row:
    """One detector. ``pii`` stands twice: its patterns, and the types that only the tagger finds."""

    name: str
    detector: str
    rule: str
    section: str  # of a policy file
    asks_model: bool
    input: bool = True


ROWS = (
    Row("words", "words", "words.terms", "words: {terms: [kingfisher]}", asks_model=False),
    Row("regex", "regex", "regex.account", "pii: {regexes: [{name: account, pattern: 'ACC-\\d{8}', action: mask}]}", asks_model=False),
    Row("pii (patterns)", "pii", "pii.EMAIL", "pii: {entities: {EMAIL: mask}}", asks_model=False),
    Row("pii (names)", "pii", "pii.NAME", "pii: {entities: {NAME: mask}}", asks_model=True),
    Row("content", "content", "content.HATE", "content: {HATE: HIGH}", asks_model=True),
    Row("topics", "topics", "topic.advice", "topics: [{name: advice, definition: Recommending what to buy., examples: [Should I buy?]}]", asks_model=True),
    Row("grounding", "grounding", "grounding", "grounding: {threshold: 0.5}", asks_model=True, input=False),
    Row("classifier", "classifier", "evil", "rules: [{id: evil, detector: classifier, action: block, settings: {path: /models/tiny, labels: [EVIL], threshold: 0.5}}]", asks_model=True),
)  # fmt: skip


def happens(row: Row, trouble: str) -> bool:
    """Whether a detector can get into that trouble at all."""
    return row.asks_model or trouble != MISSING


def only_long(row: Row, trouble: str) -> bool:
    """Whether that trouble needs a text so long that string detectors read it on a thread of their own."""
    return not row.asks_model and trouble == OVERLOAD


@dataclass(frozen=True)
class Outcome:
    """What becomes of the text, and what is said about it."""

    blocked: bool
    fail_open: bool


# Whatever the detector and the trouble: the policy decides.
OUTCOMES = {
    OnFailure.BLOCK: Outcome(blocked=True, fail_open=False),
    OnFailure.ALLOW: Outcome(blocked=False, fail_open=True),
    OnFailure.DETECT: Outcome(blocked=False, fail_open=True),
}


def _cell(row: Row, trouble: str) -> str:
    if not happens(row, trouble):
        return "cannot happen"
    notes = " (1)" * only_long(row, trouble) + " (2)" * (trouble == MISSING)
    return f"`{KINDS[trouble].value}`{notes}"


def table() -> str:
    """The matrix as it stands in the page."""
    lines = ["| detector | " + " | ".join(TROUBLES) + " |", "|---" * (len(TROUBLES) + 1) + "|"]
    lines += ["| " + " | ".join([row.name, *(_cell(row, t) for t in TROUBLES)]) + " |" for row in ROWS]
    lines += [
        "",
        "| `on_failure` | the text | `x-guardrails-action` | `x-guardrails-degraded` | `guardrails_fail_open_total` | log |",
    ]
    lines += ["|---|---|---|---|---|---|"]
    for on_failure, outcome in OUTCOMES.items():
        text, action = ("the policy's message instead", "`BLOCKED`") if outcome.blocked else ("passes", "`NONE`")
        degraded, counted, level = ("`fail-open`", "+ 1 a rule", "WARNING") if outcome.fail_open else ("–", "–", "INFO")
        lines.append(f"| `{on_failure.value}` | {text} | {action} | {degraded} | {counted} | {level} |")
    return "\n".join(lines)


def page(old: str) -> str:
    """The page with its table made anew."""
    made = f"<!-- matrix -->\n{table()}\n<!-- /matrix -->"
    return re.sub(r"<!-- matrix -->.*<!-- /matrix -->", lambda _: made, old, flags=re.DOTALL)


if __name__ == "__main__":
    DOC.write_text(page(DOC.read_text(encoding="utf-8")), encoding="utf-8")
