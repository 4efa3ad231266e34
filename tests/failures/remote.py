"""What every remote model does in every kind of trouble. docs/failures.md is made from this table, and the tests walk it.

python -m tests.failures.remote writes the page's table anew.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from guardrails.types import FailureKind
from tests.failures.matrix import DOC
from tests.remote.servers import Answer, Chat, Tei, Vllm, judged

TIMEOUT, REFUSAL, GARBAGE, TRUNCATION, RESTART = "time-out", "refusal", "garbage", "truncation", "restart"
TROUBLES = (TIMEOUT, REFUSAL, GARBAGE, TRUNCATION, RESTART)
KINDS = {
    TIMEOUT: FailureKind.TIMEOUT,
    REFUSAL: FailureKind.MODEL_UNAVAILABLE,
    GARBAGE: FailureKind.MODEL_UNAVAILABLE,
    TRUNCATION: FailureKind.MODEL_UNAVAILABLE,
    RESTART: FailureKind.MODEL_UNAVAILABLE,
}


@dataclass(frozen=True)
class Row:
    """A kind of server, what it says, and the rule that asks it."""

    name: str
    answers: Callable[[], Callable[[str, Any], Answer]]
    rule: str


def _words(messages: list[dict[str, str]], _: Any) -> str:
    return "unsafe\nS1" if judged(messages) else "safe"


ROWS = (
    Row("guard model", lambda: Chat(_words), "backend: guard, model: org/guard, profile: llama-guard-3"),
    Row("vLLM classifier", Vllm, "backend: vllm, model: org/toxic, classes: [neutral, toxic], labels: [toxic]"),
    Row("TEI classifier", Tei, "backend: tei, model: org/toxic, labels: [toxic]"),
)


def table() -> str:
    """The matrix as it stands in the page."""
    lines = ["| model | " + " | ".join(TROUBLES) + " |", "|---" * (len(TROUBLES) + 1) + "|"]
    lines += ["| " + " | ".join([row.name, *(f"`{KINDS[t].value}`" for t in TROUBLES)]) + " |" for row in ROWS]
    return "\n".join(lines)


def page(old: str) -> str:
    """The page with its table made anew."""
    made = f"<!-- remote -->\n{table()}\n<!-- /remote -->"
    return re.sub(r"<!-- remote -->.*<!-- /remote -->", lambda _: made, old, flags=re.DOTALL)


if __name__ == "__main__":
    DOC.write_text(page(DOC.read_text(encoding="utf-8")), encoding="utf-8")
