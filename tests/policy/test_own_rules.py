"""What an author wrote of a place comes before what is built in."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from guardrails import Guard

HEAD = "version: 1\nname: own\nlimits: {deadline_ms: 60000}\n"


def guard(folder: Path, body: str) -> Guard:
    file = folder / "policy.yaml"
    file.write_text(HEAD + body, encoding="utf-8")
    return Guard.from_file(file)


@pytest.mark.parametrize(
    ("exception", "same", "others"),
    [
        (
            "+1 800 555 0100",
            ["800-555-0100", "(800) 555-0100", "call 800.555.0100", "call 1 800 555 0100", "+1-800-555-0100"],
            ["(800) 555-0101", "call 800-555-0199", "+44 800 555 0100"],
        ),
        ("020 7946 0018", ["+44 20 7946 0018", "(020) 7946 0018", "0044 20 7946 0018"], ["020 7946 0019"]),
        ("+49 30 901820", ["call 030 901820", "(030) 901820", "030/901820"], ["030/901821"]),
    ],
)
def test_a_telephone_is_excepted_in_any_writing(
    tmp_path: Path, exception: str, same: list[str], others: list[str]
) -> None:
    own = guard(tmp_path, f'pii:\n  entities:\n    PHONE: {{action: mask, except: ["{exception}"]}}\n')
    for text in same:
        assert own.check(text, "INPUT").outputs == (text,)
    for text in others:
        assert "{PHONE}" in own.check(text, "INPUT").outputs[0], text


@pytest.mark.parametrize(
    ("built_in", "own", "expected"),
    [
        ("mask", "mask", "My policy number is {POLICY_NUMBER}."),
        ("mask", "detect", "My policy number is {INSURANCE_POLICY_NUMBER}."),  # it must not do less
        ("detect", "mask", "My policy number is {POLICY_NUMBER}."),
    ],
)
def test_an_own_regex_names_its_place(tmp_path: Path, built_in: str, own: str, expected: str) -> None:
    body = f"""pii:
  entities:
    HEALTH_INSURANCE_NUMBER: {built_in}
    INSURANCE_POLICY_NUMBER: {built_in}
  regexes:
    - {{name: POLICY_NUMBER, pattern: '\\bINS-\\d{{7}}\\b', action: {own}}}
"""
    assert guard(tmp_path, body).check("My policy number is INS-1234567.", "INPUT").outputs == (expected,)


def test_a_partial_mask_imports_nothing_heavy(tmp_path: Path) -> None:
    (tmp_path / "policy.yaml").write_text(
        HEAD + "pii:\n  entities:\n    EMAIL: {action: mask, mask: {style: partial, keep: 4}}\n"
        "    CREDIT_DEBIT_CARD_NUMBER: {action: mask, mask: partial}\n"
        "  regexes:\n    - {name: BADGE, pattern: 'B-\\d{4}', action: mask}\nwords:\n  terms: [kingfisher]\n",
        encoding="utf-8",
    )
    program = (
        "import sys; from guardrails import Guard; g = Guard.from_file(sys.argv[1]);"
        "r = g.check('mail bob@example.com, card 4111 1111 1111 1111, B-1234', 'INPUT'); print(r.outputs[0]);"
        "print([m for m in sys.modules if m.split('.')[0] in"
        " ('presidio_analyzer', 'presidio_anonymizer', 'spacy', 'thinc', 'torch', 'transformers', 'phonenumbers')])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path / "policy.yaml")], capture_output=True, text=True, check=True
    )
    text, modules = done.stdout.splitlines()
    assert text == "mail **********e.com, card ***************1111, {BADGE}"
    assert modules == "[]"
