"""Every setting that is declared goes to Bedrock or is named as lost: for all of them, written in a file or inherited."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest

from guardrails import detectors
from guardrails.bedrock import Exported, export_file
from guardrails.detectors.settings import (
    RULES,
    Choice,
    Counted,
    Either,
    Flag,
    Items,
    Kind,
    Number,
    Section,
    Setting,
    Shape,
    Word,
    sections_of,
)
from guardrails.detectors.toollock import Lock
from guardrails.detectors.topicheads import Head
from guardrails.inference.pinned import PINNED
from guardrails.policy import dump, explain, load
from guardrails.policy.fieldtable import COMMON, POLICY, own_settings, top
from tests.cli.test_cli import run

HEAD = {"version": 1, "name": "x"}
WORDS = {"words": {"terms": ["kingfisher"]}}
HEAD_FILE = Head("", "", PINNED["text"], (0.5,)).write()
# Values that say something: another than what holds unwritten.
WRITTEN: dict[str, Any] = {
    "on_failure": "allow", "unsupported_language": "block", "system_messages": "judge", "tool_definitions": "judge", "uninspected": "allow",
    "conversation.scope": "user", "action": "detect", "enabled": False, "mask": "numbered", "input": "detect", "output": "detect", "strength": "LOW",
    "tools.calls.arguments": {"to": {"matches": "tea"}}, "tools.calls.schema": {"type": "object"},
    "tools.lock.file": "tools.lock",
    "topics.head": {"file": "head.json", "sha256": hashlib.sha256(HEAD_FILE).hexdigest()},
    "remote.url": "http://127.0.0.1:8000", "remote.backend": "guard", "remote.api_key_env": "GUARDRAILS_API_KEY",
}  # fmt: skip


def value(name: str, kind: Kind) -> Any:
    """Something that may be written for a setting of that kind."""
    match kind:
        case _ if name in WRITTEN:
            return WRITTEN[name]
        case _ if name.rpartition(".")[2] in WRITTEN and name not in POLICY:
            return WRITTEN[name.rpartition(".")[2]]
        case Flag():
            return True
        case Number(low, high, whole):
            return int(low) + 1 if whole else (low + high) / 2 + 0.01
        case Choice(names):
            return names[-1]
        case Counted(_, counted, low):
            return {counted: low + 1}
        case Items(of):
            return [value("", of)]
        case Either(plain):
            return value("", plain)
        case Word():
            return "kingfisher"
        case _:
            return "tea"


def rule(section: Section, says: dict[str, Any]) -> dict[str, Any]:
    """A document with one rule of the section."""
    detector = next(d for d in detectors.DETECTORS if section in sections_of(d))
    needed = {k: value(f"{section.key}.{k}", s.kind) for k, s in own_settings(detector, section).items() if s.example}
    needed |= {"action": "block"} if section.acts and not says.keys() & {"action", "input", "output"} else {}
    found: Any = {**needed, **says}
    if section.shape is Shape.LIST:
        found = [{"name": "x", **found}]
    elif section.shape is Shape.MAPPING:
        found = {section.names[0]: found}
    elif section.shape is Shape.WORDS:
        found = {"terms": [{"term": "kingfisher", **found}]}
    for name in reversed(section.key.split(".")):
        found = {name: found}
    return dict(found)


SECTIONS = {section.key: (detector, section) for detector in detectors.DETECTORS for section in sections_of(detector)}
RULE_SETTINGS = [
    pytest.param(section, name, setting, id=f"{key}.{name}")
    for key, (detector, section) in SECTIONS.items()
    for name, setting in {**COMMON, **({} if section.shape is Shape.WORDS else own_settings(detector, section))}.items()
]


@pytest.fixture(autouse=True)
def lock(tmp_path: Path) -> None:
    """The files that a lock and a head name."""
    (tmp_path / "tools.lock").write_bytes(Lock().write())
    (tmp_path / "head.json").write_bytes(HEAD_FILE)


def exported(folder: Path, document: dict[str, Any], *, inherited: bool) -> Exported:
    (folder / "p.yaml").write_text(dump({**HEAD, **document}), encoding="utf-8")
    (folder / "c.yaml").write_text(dump({**HEAD, "extends": "p.yaml"}), encoding="utf-8")
    return export_file(folder / ("c.yaml" if inherited else "p.yaml"))


def found(request: Any, member: str) -> bool:
    if isinstance(request, dict):
        ends = any(k.lower().endswith(member.lower()) for k in request)
        return ends or any(found(v, member) for v in request.values())
    return isinstance(request, list) and any(found(v, member) for v in request)


def check(folder: Path, document: dict[str, Any], name: str, setting: Setting, *, inherited: bool) -> None:
    out = exported(folder, document, inherited=inherited)
    named = [
        key for key, why in out.losses if name.partition(".")[0] in key and (setting.member or why == setting.lost)
    ]
    assert named or (setting.member and found(out.request, setting.member)), out


@pytest.mark.parametrize("inherited", [False, True])
@pytest.mark.parametrize("key", POLICY)
def test_no_setting_of_a_policy_is_forgotten(tmp_path: Path, key: str, inherited: bool) -> None:
    setting = POLICY[key]
    document: Any = value(key, setting.kind)
    for name in reversed(key.split(".")):
        document = {name: document}
    check(tmp_path, {**document, **WORDS}, key, setting, inherited=inherited)


@pytest.mark.parametrize("inherited", [False, True])
@pytest.mark.parametrize(("section", "name", "setting"), RULE_SETTINGS)
def test_no_setting_of_a_rule_is_forgotten(
    tmp_path: Path, section: Section, name: str, setting: Setting, inherited: bool
) -> None:
    written = {name: value(f"{section.key}.{name}", setting.kind)}
    # A part of a document that Bedrock has nothing for is named once, by its first key.
    allowed = section.key == "topics" and name == "allow"
    whole = "topics[0]" if allowed else section.key.partition(".")[0] if section.lost is not None else ""
    if whole:  # the rule itself is nothing that Bedrock could say
        out = exported(tmp_path, rule(section, written), inherited=inherited)
        assert [loss for loss in out.losses if loss.key == whole]
        return
    if name in ("input", "output") and section.off is not None:
        written = {name: {"action": "detect"}}
    check(tmp_path, rule(section, written), name, setting, inherited=inherited)


@pytest.mark.parametrize(("section", "name", "setting"), RULE_SETTINGS)
def test_explain_shows_every_setting_that_says_something(
    tmp_path: Path, section: Section, name: str, setting: Setting
) -> None:
    """And with it ``diff``, which compares what is shown."""
    if name in ("input", "output") and name not in section.directions:
        pytest.skip("the section judges the other direction only")
    side = {"action": "detect"} if name in ("input", "output") else value(f"{section.key}.{name}", setting.kind)
    shown = []
    for more in ({}, {name: side}):
        (tmp_path / "p.yaml").write_text(dump({**HEAD, **rule(section, more)}), encoding="utf-8")
        shown.append({(s.key, str(s.value)) for s in explain(load(tmp_path / "p.yaml"))})
    assert shown[0] != shown[1] or setting.example  # what must be written stands in both
    assert not setting.example or name in {key.rpartition(".")[2] for key, _ in shown[0]}


def test_everything_else_of_a_file_is_named_too(tmp_path: Path) -> None:
    document = {
        "metadata": {"owner": "me"}, "enforced": ["words.terms"], **WORDS, "pii": {"countries": ["GB"], "entities": {"EMAIL": "mask"}},
        RULES.key: [{"id": "r", "detector": "classifier", "settings": {"path": "/x", "labels": ["A"]}}],
    }  # fmt: skip
    out = exported(tmp_path, document, inherited=False)
    assert {loss.key for loss in out.losses} == {"metadata", "enforced", "pii.countries", "rules"}
    known = {key.partition(".")[0] for key in (*POLICY, *SECTIONS)} | {"version", "name", "extends", "bedrock"}
    assert set(top()) == known | {"metadata", "enforced", "rules"}


def test_the_command_line_names_what_is_lost_and_fails(tmp_path: Path) -> None:
    policy = tmp_path / "s.yaml"
    lines = "uninspected: allow\nstream: async\nconversation: {window: 0}\nwords: {terms: [kingfisher]}\n"
    policy.write_text(f"version: 1\nname: s\n{lines}", encoding="utf-8")
    done = run("export", str(policy))
    assert done.returncode == 1
    assert [line.split(":")[1].strip() for line in done.stderr.splitlines()] == [
        "uninspected",
        "stream",
        "conversation",
    ]
