"""Types that a model looks for say so when it cannot read the language."""

from __future__ import annotations

from pathlib import Path

import pytest

from guardrails import Guard
from guardrails.types import FailureKind

RUSSIAN = "Меня зовут Иван Петров, я живу на улице Ленина дом пять в Москве."


@pytest.mark.parametrize("language", ["allow", "block"])
def test_names_in_a_language_the_model_cannot_read(tmp_path: Path, language: str) -> None:
    file = tmp_path / "policy.yaml"
    file.write_text(
        f"version: 1\nname: p\nlimits: {{deadline_ms: 600000}}\nunsupported_language: {language}\n"
        "pii: {entities: {NAME: mask, ADDRESS: mask, EMAIL: mask}}\n"
    )
    report = Guard.from_file(file).check(RUSSIAN, "INPUT")
    assert {u.rule for u in report.coverage.unseen} == {"pii.NAME", "pii.ADDRESS"}
    assert all(u.reason == "not judged: language ru" for u in report.coverage.unseen)
    kinds = {f.kind for f in report.failures}
    assert kinds == ({FailureKind.UNSUPPORTED_LANGUAGE} if language == "block" else set())
