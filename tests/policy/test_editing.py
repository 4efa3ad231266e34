"""A setting changed in a policy file: nothing else of the file moves."""

from __future__ import annotations

import difflib
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from guardrails.errors import GuardrailsError, PolicyError
from guardrails.policy import lint, load
from guardrails.policy.editing import drop_field, edit, save, set_field

POLICIES = Path(__file__).resolve().parents[2] / "policies"
MIXED = """\
version: 1
name: mixed   # the name
metadata: {owner: me}
topics:
- name: one
  definition: About one.    # its definition

# The second one.
- {name: two, definition: About two., threshold: 0.5}   # short
- name: three
  definition: >-
    About three,
    and no other.
  threshold: 0.4  # ours; calibrated 2026-01-01 on 5 texts

# What answers must keep to.
grounding: 0.5  # of Bedrock
relevance: {threshold: 0.3, action: detect}
"""


def changed(text: str, path: Path, *settings: tuple[str, str, Any], comment: str = "calibrated now") -> str:
    policy = load(path)

    def change(document: Any) -> None:
        for rule, field, value in settings:
            set_field(document, policy.rule(rule), field, value, comment)

    return edit(text, change, name=str(path))


def lines(before: str, after: str) -> tuple[list[str], list[str]]:
    found = list(difflib.unified_diff(before.splitlines(), after.splitlines(), n=0, lineterm=""))[2:]
    return [x[1:] for x in found if x[0] == "-"], [x[1:] for x in found if x[0] == "+"]


@pytest.mark.parametrize(
    "path", sorted(p for p in POLICIES.glob("*.yaml") if ".test" not in p.name), ids=lambda p: p.stem
)
def test_shipped_policies_come_back_as_they_were(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    gone, new = lines(text, edit(text, lambda _: None, name=str(path)))
    # ruamel sets comments behind values that are folded into several lines; here there are none.
    assert (gone, new) == ([], [])


def test_a_threshold_is_written_where_its_topic_stands() -> None:
    path = POLICIES / "retail-bank.yaml"
    text = path.read_text(encoding="utf-8")
    new = changed(text, path, ("topic.tax-advice", "threshold", 0.6), ("topic.legal-advice", "threshold", 0.7))
    assert lines(text, new) == ([], ["    threshold: 0.6  # calibrated now", "    threshold: 0.7  # calibrated now"])


def test_comments_of_the_author_stay_and_older_evidence_goes(tmp_path: Path) -> None:
    path = tmp_path / "mixed.yaml"
    path.write_text(MIXED, encoding="utf-8")
    names = ("topic.one", "topic.two", "topic.three", "grounding", "relevance")
    new = changed(MIXED, path, *((name, "threshold", 0.8) for name in names))
    for kept in ("# the name", "# its definition", "# The second one.", "# short", "# ours; calibrated now", "# What answers must keep to.",
                 "# of Bedrock; calibrated now"):  # fmt: skip
        assert kept in new
    assert "2026-01-01" not in new
    path.write_text(new, encoding="utf-8")
    after = load(path)
    assert {after.rule(name).settings.threshold for name in names} == {0.8}
    assert new.count("calibrated now") == 5


def test_one_direction_of_a_strength_leaves_the_other(tmp_path: Path) -> None:
    path = tmp_path / "child.yaml"
    path.write_text(
        "version: 1\nname: child\nextends: shipped:baseline\ncontent:\n  HATE: HIGH\n  INSULTS: {input: LOW, output: HIGH}\n"
    )
    text = path.read_text()
    save(path, changed(text, path, ("content.HATE", "input_strength", "MEDIUM"), ("content.INSULTS", "input_strength", "MEDIUM"),
                       ("content.SEXUAL", "output_strength", "LOW")))  # fmt: skip
    after = load(path)
    assert [(after.rule(f"content.{n}").settings.input_strength, after.rule(f"content.{n}").settings.output_strength)
            for n in ("HATE", "INSULTS", "SEXUAL")] == [("MEDIUM", "HIGH"), ("MEDIUM", "HIGH"), ("HIGH", "LOW")]  # fmt: skip


def test_a_rule_that_stands_elsewhere_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "child.yaml"
    path.write_text("version: 1\nname: child\nextends: shipped:retail-bank\n")
    with pytest.raises(GuardrailsError, match=r"topic\.tax-advice does not stand in this file"):
        changed(path.read_text(), path, ("topic.tax-advice", "threshold", 0.6))


def test_what_does_not_load_is_not_written(tmp_path: Path) -> None:
    (tmp_path / "floor.yaml").write_text(MIXED.replace("metadata", "enforced: [grounding]\nmetadata"))
    path = tmp_path / "child.yaml"
    path.write_text("version: 1\nname: child\nextends: floor.yaml\n")
    before = path.read_text()
    weaker = changed(before, path, ("grounding", "threshold", 0.2))
    with pytest.raises(PolicyError, match="grounding"):
        save(path, weaker)
    assert path.read_text() == before
    assert [p.name for p in tmp_path.iterdir() if p.name.startswith(".")] == []


def test_a_file_that_changed_meanwhile_is_not_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "mixed.yaml"
    path.write_text(MIXED)
    read = sha256(MIXED.encode()).hexdigest()
    path.write_text(MIXED.replace("0.3", "0.31"))
    with pytest.raises(GuardrailsError, match="somebody changed the file meanwhile"):
        save(path, MIXED.replace("0.3", "0.4"), before=read)
    assert "0.31" in path.read_text()


def test_json_is_refused(tmp_path: Path) -> None:
    with pytest.raises(GuardrailsError, match="only policies in YAML"):
        edit("{}", lambda _: None, name="policy.json")


def test_lint_reads_a_text_in_the_file_s_place(tmp_path: Path) -> None:
    path = tmp_path / "mixed.yaml"
    path.write_text(MIXED)
    assert "unknown-key" in {p.code for p in lint(path, text=MIXED + "nonsense: 1\n")}
    assert "unknown-key" not in {p.code for p in lint(path)}


LAYOUTS = {
    "last": "  - name: one\n    definition: About one.\n    examples:\n      - a first one   # said often\n    threshold: 0.4  # ours\n# Below.\n  - {name: two, definition: T.}\n",
    "in the middle": "  - name: one\n    threshold: 0.4  # ours\n    # Below.\n    definition: About one.\n",
    "behind a list that ends in a comment": "  - name: one\n    definition: About one.\n    examples: [a, b]   # more\n    # Above.\n    threshold: 0.4\n\n# Below.\nrelevance: 0.5\n",
    "first": "  - threshold: 0.4   # ours\n    # Below.\n    name: one\n    definition: About one.\n",
    "in braces": "  - {name: one, threshold: 0.4, definition: About one.}  # short\n# Below.\nrelevance: 0.5\n",
    "not at all": "  - name: one\n    definition: About one.\n# Below.\nrelevance: 0.5\n",
}  # fmt: skip


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_setting_is_taken_out_and_only_its_own_comment_goes(layout: str, tmp_path: Path) -> None:
    path, text = tmp_path / "p.yaml", "version: 1\nname: p\nmetadata: {owner: me}\ntopics:\n" + LAYOUTS[layout]
    path.write_text(text, encoding="utf-8")
    rule = load(path).rule("topic.one")
    new = edit(text, lambda document: drop_field(document, rule, "threshold"), name=str(path))
    path.write_text(new, encoding="utf-8")
    assert load(path).rule("topic.one").settings == replace(rule.settings, threshold=None)
    for comment in ("# said often", "# Below.", "# more", "# Above.", "# short"):
        assert (comment in new) is (comment in text)
    assert "# ours" not in new
