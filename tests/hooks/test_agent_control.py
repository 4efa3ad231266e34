"""The annotator for the Agent Control Specification, by what its runtimes hand to annotators. ``recorded_agent_control.json`` is what
agent-control-spec 0.4.0b1 and agent-control-specification 0.3.1b1 handed to one; tests/clients/toolkits runs the packages themselves."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guardrails import Guard
from guardrails.decision import Decision
from guardrails.integrations.agent_control import GuardrailsAnnotator
from guardrails.policy import loads

RECORDED = json.loads(Path(__file__).with_name("recorded_agent_control.json").read_text(encoding="utf-8"))
GUARD = Guard(
    loads("""
version: 1
name: agent
words: {terms: [kingfisher]}
pii: {entities: {EMAIL: mask}}
tools:
  calls:
    - {name: send_mail, arguments: {to: {hosts: [acme.com, example.com]}}, ask: true}
    - {name: drop, allow: false}
""")
)
ANNOTATOR = GuardrailsAnnotator(GUARD)
MAIL = "bob@example.com"


def recorded(point: str, version: str = "0.4.0b1") -> dict[str, Any]:
    (found,) = (one for one in RECORDED if one["version"] == version and one["input"]["intervention_point"] == point)
    return dict(copy.deepcopy(found))


def asked(one: dict[str, Any], annotator: GuardrailsAnnotator = ANNOTATOR) -> dict[str, Any]:
    before = json.dumps(one)
    found = annotator.dispatch(one["annotator"], one["invocation"], one["input"])
    assert json.dumps(one) == before, "what the runtime handed over is not changed"
    json.dumps(found)
    return found


def changed(one: Any, old: str, new: str) -> Any:
    return json.loads(json.dumps(one).replace(old, new))


def selected(one: dict[str, Any]) -> Any:
    """The value that `from` names, by the recorded paths alone."""
    value = one["input"]["policy_target"]["value"]
    for step in one["invocation"]["from"].split(".")[1:]:
        value = value[step]
    return value


@pytest.mark.parametrize("one", RECORDED, ids=lambda one: f"{one['version']} {one['input']['intervention_point']}")
def test_every_recorded_value_is_masked_blocked_or_let_through(one: dict[str, Any]) -> None:
    holds = MAIL in json.dumps(selected(one))
    found = asked(one)
    assert found["verdict"] == ("mask" if holds else "allow")
    assert found["flagged"] is holds
    if holds:
        assert found["value"] == changed(selected(one), MAIL, "{EMAIL}")
        assert (found["label"], found["rules"], found["reason"]) == ("EMAIL", ["pii.EMAIL"], "pii.EMAIL EMAIL")
        stopped = asked(changed(one, MAIL, "kingfisher"))
        assert stopped["verdict"] == "block"
        assert "value" not in stopped
        assert "kingfisher" not in json.dumps(stopped)
        assert stopped["message"]
    else:
        assert "value" not in found
    assert not str(found["reason"]).startswith("runtime_error:"), "a reason that runtimes keep for themselves"


@pytest.mark.parametrize("version", ["0.4.0b1", "0.3.1b1"])
def test_the_tool_policy_judges_a_call(version: str) -> None:
    call = recorded("pre_tool_call", version)
    found = asked(changed(call, MAIL, "https://evil.example/"))
    assert (found["verdict"], found["value"]) == ("ask", {"to": "https://evil.example/"})
    assert found["label"] == "ARGUMENT:to"
    found = asked(changed(call, '"name": "send_mail"', '"name": "drop"'))
    assert (found["verdict"], found["label"]) == ("block", "DENIED")
    found = asked(changed(changed(call, MAIL, "https://evil.example/kingfisher"), "x", "x"))
    assert found["verdict"] == "block", "somebody who confirms a call confirms what it says"


def test_calls_in_a_model_s_answer_are_judged_too() -> None:
    said = changed(recorded("post_model_call"), MAIL, "me")
    assert asked(changed(said, '"name": "send_mail"', '"name": "drop"'))["verdict"] == "block"


def test_a_call_that_names_no_tool_is_an_error() -> None:
    call = recorded("pre_tool_call")
    del call["input"]["snapshot"]["tool_call"]["name"]
    with pytest.raises(ValueError, match=r"tool\.name"):
        asked(call)


def test_bodies_of_chat_apis_are_read_by_their_roles() -> None:
    body = {"model": "m", "messages": [{"role": "user", "content": f"Mail {MAIL}"}], "temperature": 0.2}
    found = ANNOTATOR.dispatch("g", {"from": "$target"}, at("pre_model_call", body))
    assert found["value"] == changed(body, MAIL, "{EMAIL}")
    answer = {"choices": [{"index": 0, "message": {"role": "assistant", "content": f"I mailed {MAIL}"}}]}
    found = ANNOTATOR.dispatch("g", {"from": "$target"}, at("post_model_call", answer))
    assert found["value"] == changed(answer, MAIL, "{EMAIL}")


def at(point: str, value: Any) -> dict[str, Any]:
    target = {"kind": None, "path": "$.x", "value": value}
    return {"intervention_point": point, "policy_target": target, "snapshot": {"x": value}, "annotations": {}, "tool": {"name": "t"}}  # fmt: skip


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("$target", {"a": [{"b.c": "x"}]}),
        ("$target.a[0]", {"b.c": "x"}),
        ('$target.a[0]["b.c"]', "x"),
        ("$.x.a", [{"b.c": "x"}]),
        ("$snap.x", {"a": [{"b.c": "x"}]}),
        ("$pi.policy_target.path", "$.x"),
        ("$tool.name", "t"),
    ],
)
def test_paths_lead_where_the_specification_says(path: str, found: Any) -> None:
    given_ = at("input", {"a": [{"b.c": MAIL if found != "$.x" else "x"}]})
    said = ANNOTATOR.dispatch("g", {"from": path}, given_)
    assert said["verdict"] == ("allow" if found in ("$.x", "t") else "mask")
    if said["verdict"] == "mask":
        assert said["value"] == changed(found, '"x"', '"{EMAIL}"')


@pytest.mark.parametrize("path", ["target", "$nowhere", "$target.b", "$target.a[7]", "$target.a.b", "$target..a", "$target['a']", 1, None])  # fmt: skip
def test_a_path_that_leads_nowhere_is_an_error_without_a_text(path: Any) -> None:
    with pytest.raises(ValueError, match="from: ") as raised:
        ANNOTATOR.dispatch("g", {"from": path}, at("input", {"a": ["kingfisher"]}))
    assert "kingfisher" not in str(raised.value)


def test_without_a_path_the_target_is_read_and_decisions_are_told() -> None:
    told: list[Decision] = []
    annotator = GuardrailsAnnotator(GUARD, on_decision=told.append)
    found = annotator("g", {"type": "classifier"}, at("output", f"I mailed {MAIL}"))
    assert found["value"] == "I mailed {EMAIL}"
    (decision,) = told
    assert (decision.format, decision.id) == ("agent-control", found["decision_id"])
    with pytest.raises(ValueError, match="intervention_point"):
        annotator("g", {}, {"policy_target": {"value": "x"}})


TEXTS = st.sampled_from(["hello", MAIL, "kingfisher", "7", ""])
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | TEXTS,
    lambda inside: st.lists(inside, max_size=3) | st.dictionaries(st.sampled_from(["a", "b", "to"]), inside, max_size=3),
    max_leaves=6,
)  # fmt: skip


def leaves(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    for inside in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from leaves(inside)


@settings(deadline=None, max_examples=60)
@given(
    VALUES, st.sampled_from(["input", "agent_startup", "output", "post_model_call", "post_tool_call", "pre_tool_call"])
)
def test_every_string_of_any_value_is_read_at_every_point(value: Any, point: str) -> None:
    texts = list(leaves(value))
    found = ANNOTATOR.dispatch("g", {}, at(point, value))
    expected = "block" if "kingfisher" in texts else "mask" if MAIL in texts else "allow"
    assert found["verdict"] == expected
    if expected == "mask":
        assert found["value"] == changed(value, MAIL, "{EMAIL}")
