"""A policy that needs no model, and what each of its rules does to the demo's answers."""

from __future__ import annotations

from pathlib import Path

TEXT = r"""
version: 1
name: small
metadata: {owner: tests}
messages: {blocked_input: I was told not to ask., blocked_output: I was told not to say.}
words:
  terms:
    - {id: secret, terms: [project kingfisher], action: block}
    - {id: promise, terms: [risk-free profit], input: detect, output: block}
pii:
  regexes:
    - {name: ACCOUNT, pattern: 'ACC-\d{8}', action: mask}
    - {name: CUSTOMER, pattern: 'RB-\d{3}-\d{4}', input: mask, output: detect, mask: {style: numbered, restore: true}}
    - {name: ADDRESS_OF_OURS, pattern: '[a-z.]+@example\.com', input: detect, output: mask}
"""


def write(folder: Path) -> Path:
    path = folder / "small.yaml"
    path.write_text(TEXT.lstrip(), encoding="utf-8")
    return path
