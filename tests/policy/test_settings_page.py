"""The page of all settings says what is declared."""

from __future__ import annotations

from guardrails.detectors import DETECTORS
from guardrails.detectors.settings import settings_of
from guardrails.policy.fieldtable import COMMON, POLICY
from tests.policy.settings_page import DOC, document


def test_the_page_is_fresh() -> None:
    assert DOC.read_text(encoding="utf-8") == document(), "run python -m tests.policy.problems"


def test_every_setting_says_what_it_is() -> None:
    declared = {**POLICY, **COMMON, **{k: s for d in DETECTORS for k, s in settings_of(d).items()}}
    assert [name for name, setting in declared.items() if not setting.about] == []
