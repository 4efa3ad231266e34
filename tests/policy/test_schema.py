"""The JSON Schema for editors says what the reader says."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings

from guardrails import resources
from guardrails.errors import PolicyError
from guardrails.policy import dump, json_schema, loads
from guardrails.policy.fieldtable import top
from guardrails.policy.source import parse, plain
from tests.policy.problems import PROBLEMS
from tests.policy.test_inheritance import documents

VALIDATOR = jsonschema.Draft202012Validator(json_schema())
# Errors of a value's shape, which an editor can see; the others need the meaning, other files, or RE2.
SHAPES = [
    "missing-key", "unknown-version", "bad-name", "unknown-key", "wrong-type", "out-of-range", "unknown-value",
    "unknown-action", "unknown-strength", "unknown-mask", "unknown-category", "unknown-entity", "unknown-country", "unknown-list",
    "bad-id", "wrong-length", "key-in-policy",
]  # fmt: skip


def document(data: bytes) -> Any:
    return plain(parse(data, "x.yaml"))


def test_it_is_a_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(json_schema())
    assert set(json_schema()["properties"]) == set(top())
    assert json.loads(json.dumps(json_schema())) == json_schema()


@pytest.mark.parametrize("name", resources.shipped_policies())
def test_shipped_policies_are_valid(name: str) -> None:
    VALIDATOR.validate(document((resources.policies_dir() / f"{name}.yaml").read_bytes()))


def test_the_example_of_the_docs_is_valid_and_loads() -> None:
    text = (Path(__file__).parents[2] / "docs" / "policy-files.md").read_text(encoding="utf-8")
    example = re.search(r"```yaml\n((?:.|\n)*?)```", text)
    assert example is not None
    VALIDATOR.validate(document(example[1].encode()))


@pytest.mark.parametrize("code", SHAPES)
def test_broken_shapes_are_invalid(code: str) -> None:
    _, files = PROBLEMS[code]
    assert not VALIDATOR.is_valid(document(next(iter(files.values()))))


@pytest.mark.parametrize(
    "code", [c for c, (about, files) in PROBLEMS.items() if about.startswith("Warning") and len(files) == 1]
)
def test_what_loads_is_valid(code: str) -> None:
    VALIDATOR.validate(document(next(iter(PROBLEMS[code][1].values()))))


@given(documents("x"))
@settings(max_examples=60, deadline=None)
def test_generated_policies_are_valid(data: dict[str, Any]) -> None:
    VALIDATOR.validate(data)
    try:
        loads(dump(data))
    except PolicyError as error:
        assert {p.code for p in error.problems} <= {"empty-policy"}  # noqa: PT017 - one way out of two
