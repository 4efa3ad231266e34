"""Rules that cannot mean what they say."""

from __future__ import annotations

from pathlib import Path

import pytest

from guardrails.policy import lint

HEAD = "version: 1\nname: demo\nmetadata: {owner: me}\n"
CODES = {"never-acts", "acts-on-everything", "shadowed-rule"}


def codes(tmp_path: Path, text: str) -> set[tuple[str, str]]:
    path = tmp_path / "policy.yaml"
    path.write_text(HEAD + text)
    found = lint(path)
    assert not [p for p in found if p.severity == "error"], found
    return {(p.code, p.key) for p in found if p.code in CODES}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("grounding: 0\n", {("never-acts", "grounding.threshold")}),
        ("grounding: 0.99\n", {("acts-on-everything", "grounding.threshold")}),
        ("grounding: 0.5\n", set()),
        ("pii: {regexes: [{name: A, pattern: '\\w+', action: mask}]}\n", {("acts-on-everything", "regex.A.pattern")}),
        ("pii: {regexes: [{name: A, pattern: '\\d{8}', action: mask}]}\n", set()),
        (
            "words: {terms: [{terms: [heron], id: a, action: detect}, {terms: [heron, osprey], id: b, action: block}]}\n",
            {("shadowed-rule", "words.a")},
        ),
        ("words: {terms: [{terms: [heron], id: a, action: block}, {terms: [heron, osprey], id: b, action: detect}]}\n", set()),
        (
            "words: {terms: [{terms: [heron], id: a, input: block, output: detect}, {terms: [heron], id: b, input: detect, output: block}]}\n",
            set(),
        ),
        (
            "pii: {regexes: [{name: A, pattern: 'A\\d+', action: mask}, {name: B, pattern: 'A\\d+', action: mask}]}\n",
            {("shadowed-rule", "regex.B")},
        ),
        ("words: {enabled: false, terms: [kingfisher]}\n", set()),
    ],
)  # fmt: skip
def test_it_is_said_of_these_and_of_no_others(tmp_path: Path, text: str, expected: set[tuple[str, str]]) -> None:
    assert codes(tmp_path, text) == expected


@pytest.mark.parametrize("name", ["baseline", "retail-bank", "hospital", "childrens-tutor"])
def test_shipped_policies_are_not_odd(name: str) -> None:
    assert not {p.code for p in lint(name)} & CODES
