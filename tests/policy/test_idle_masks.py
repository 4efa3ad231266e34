"""A mask that never masks is an author's mistake only where the author wrote it for that rule."""

from __future__ import annotations

from pathlib import Path

import pytest

from guardrails.policy import lint

HEAD = "version: 1\nname: p\nmetadata: {owner: me}\n"


def warned(folder: Path, text: str) -> list[str]:
    path = folder / "p.yaml"
    path.write_text(HEAD + text, encoding="utf-8")
    return [p.key for p in lint(path) if p.code == "mask-unused"]


@pytest.mark.parametrize(
    "entities",
    [
        "ALL: {action: mask, mask: numbered}, PIN: block",
        "ALL: {action: mask, mask: numbered}, PIN: detect, PASSWORD: {action: block}",
        "ALL: {action: mask, mask: {style: partial, keep: 4}}, PIN: {input: {action: block}, output: {action: detect}}",
    ],
)
def test_a_mask_for_all_types_is_idle_for_none(tmp_path: Path, entities: str) -> None:
    assert warned(tmp_path, f"pii: {{entities: {{{entities}}}}}\n") == []


@pytest.mark.parametrize(
    ("entities", "keys"),
    [
        ("EMAIL: {action: block, mask: numbered}", ["pii.EMAIL.mask"]),
        ("EMAIL: {action: detect, mask: numbered}, PHONE: {action: mask, mask: numbered}", ["pii.EMAIL.mask"]),
        ("ALL: {action: mask, mask: numbered}, PIN: {action: block, mask: numbered}", ["pii.PIN.mask"]),
        ("EMAIL: {action: mask, mask: numbered}", []),
    ],
)
def test_a_mask_of_its_own_is(tmp_path: Path, entities: str, keys: list[str]) -> None:
    assert warned(tmp_path, f"pii: {{entities: {{{entities}}}}}\n") == keys


def test_a_child_that_blocks_what_its_parent_masks_wrote_no_mask(tmp_path: Path) -> None:
    (tmp_path / "parent.yaml").write_text(HEAD + "pii: {entities: {EMAIL: {action: mask, mask: numbered}}}\n")
    assert warned(tmp_path, "extends: parent.yaml\npii: {entities: {EMAIL: block}}\n") == []
    assert warned(tmp_path, "extends: parent.yaml\npii: {entities: {EMAIL: {action: block, mask: numbered}}}\n") == [
        "pii.EMAIL.mask"
    ]
