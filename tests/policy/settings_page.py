"""docs/policy-settings.md: every setting, made from what is declared. ``python -m tests.policy.problems`` writes it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from guardrails import detectors
from guardrails.detectors.settings import (
    Choice,
    Counted,
    Either,
    File,
    Flag,
    Items,
    Kind,
    Named,
    Number,
    Order,
    Plain,
    Section,
    Setting,
    Shape,
    Text,
    Word,
    default_of,
)
from guardrails.policy.fieldtable import COMMON, DEFAULT, POLICY, own_settings, places

__all__ = ["DOC", "document"]

DOC = Path(__file__).parents[2] / "docs" / "policy-settings.md"
HEAD = [
    "| setting | what it is | written | without it | a child of a policy that enforces it | in Bedrock |",
    "|---|---|---|---|---|---|",
]
FREE = {Order.FREE: "may change it", Order.FIXED: "may not change it", Order.RISES: "may raise it", Order.FALLS: "may lower it",
        Order.GROWS: "may add to it", Order.SHRINKS: "may take from it"}  # fmt: skip


def written(kind: Kind) -> str:
    """How a value of the kind is written, in a cell of a table."""
    match kind:
        case Flag():
            return "`true`, `false`"
        case Number(low, high, whole):
            return f"{low:,} to {high:,}, whole" if whole else f"{low:g} to {high:g}"
        case Counted(names, counted, low, high, unit):
            return ", ".join(
                f"`{{{n}: N}}` (N: {low:,} to {high:,} {unit})" if n == counted else f"`{n}`" for n in names
            )
        case Choice(names):
            return ", ".join(f"`{n}`" for n in names)
        case Text():
            return "a text"
        case Word():
            return "a word, number or text"
        case Items(of):
            return f"a list: {written(of)}"
        case Named(of):
            return f"names, each with {written(of)}"
        case Plain():
            return "a mapping"
        case File():
            return "the path of a file beside the policy"
        case Either(plain, record):
            return f"{written(plain)}, or `{{{', '.join(record.fields)}}}`"
        case record:
            return f"`{{{', '.join(record.fields)}}}`"


def row(name: str, setting: Setting, default: str) -> str:
    allowed = FREE[setting.order] + (f"; with `{setting.unless}` the other way round" if setting.unless else "")
    member = setting.member
    there = f"lost: {setting.lost}"
    if member:
        there = f"`input{member}`, `output{member}`" if member[0].isupper() else f"`{member}`"
    return f"| `{name}` | {setting.about} | {written(setting.kind)} | {default} | {allowed} | {there} |"


def unwritten(value: Any) -> str:
    if value in (None, (), ""):
        return "nothing"
    if isinstance(value, tuple):
        return ", ".join(f"`{v}`" for v in value)
    return f"`{str(value).lower()}`" if isinstance(value, bool) else f"`{value}`"


def rules(detector: str, section: Section) -> list[str]:
    """The table of what a section's rules may say beside the settings of every rule."""
    kind = detectors.module(detector).Settings
    out = [*HEAD]
    for name, setting in own_settings(detector, section).items():
        field = f"input_{name}" if setting.sided else name
        default = section.defaults.get(field, default_of(kind, field))
        out.append(row(name, setting, "an error" if setting.example else unwritten(default)))
    return out


def document() -> str:
    """The page."""
    out = [
        "# Every setting of a policy", "",
        "This page is made from what the code declares, once for each setting (`python -m tests.policy.problems`): the reader, its errors, the",
        "JSON Schema, inheritance, `explain`, `diff` and the export to Bedrock follow the same lines. How they work together: [policy files](policy-files.md).",
        "", "## The policy", "", *HEAD,
    ]  # fmt: skip
    out += [row(key, s, unwritten(s.written(DEFAULT[key]))) for key, s in POLICY.items()]
    out += ["", "## Every rule", "", *HEAD]
    defaults = {
        "action": "`block`",
        "enabled": "`true`",
        "on_failure": "the policy's",
        "required": "`false`",
        "mask": "`type`",
        "message": "the policy's",
    }
    out += [
        row(name, s, defaults.get(name, "nothing" if name == "except" else "as `action`")) for name, s in COMMON.items()
    ]
    for key in detectors.SECTIONS:
        for detector, section in places(key):
            shape = "lists and rules of words" if section.shape is Shape.WORDS else section.shape.value
            out += ["", f"## `{section.key}`", "", f"{shape[0].upper()}{shape[1:]}.", "", *rules(detector, section)]
    return "\n".join(out) + "\n"
