"""What a parent enforces holds: for any child that loads, and for any text."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, event, example, given, settings
from hypothesis import strategies as st

from guardrails import Guard
from guardrails.errors import PolicyError
from guardrails.policy import dump, lint, load
from guardrails.policy.merge import ORDER
from guardrails.rules import Policy
from guardrails.types import Action, OnFailure, Report, Source
from tests.patterns import patterns_only  # noqa: F401 - a fixture
from tests.policy.problems import HEAD, folder, policy

ACTION = st.sampled_from(["detect", "mask", "block"])
VALUES = [
    "bob@acme.io",
    "+44 20 7946 0958",
    "219-09-9999",
    "kingfisher",
    "kingfishers",
    "ACC-12345678",
    "4111 1111 1111 1111",
    "10.1.2.3",
]
ENTITIES = [
    "EMAIL",
    "PHONE",
    "US_SOCIAL_SECURITY_NUMBER",
    "IP_ADDRESS",
    "US_INDIVIDUAL_TAX_IDENTIFICATION_NUMBER",
    "URL",
]
TEXT = st.lists(
    st.sampled_from(
        [*VALUES, "my ssn is", "{EMAIL}", "mail", "call me:", "and", "\n", "{4111 1111 1111 1111}", "hello"]
    ),
    max_size=8,
).map(" ".join)


def fields(common: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries(
        {"action": common},
        optional={
            "input": ACTION,
            "output": st.one_of(ACTION, st.fixed_dictionaries({"enabled": st.booleans()})),
            "enabled": st.sampled_from([True, True, False]),
            "on_failure": st.sampled_from(["allow", "detect", "block"]),
            "required": st.booleans(),
            "except": st.lists(st.sampled_from(VALUES), max_size=2, unique=True),
            "mask": st.one_of(
                st.sampled_from(["type", "numbered", "partial"]),
                st.sampled_from(VALUES).map(lambda v: {"style": "constant", "text": v}),
            ),
        },
    )


def pick(rule: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.one_of(ACTION, rule)


LIMITS = st.fixed_dictionaries(
    {}, optional={"max_characters": st.sampled_from([1, 30, 1000]), "max_pieces": st.just(1)}
)


@st.composite
def documents(draw: st.DrawFn, name: str, **more: Any) -> dict[str, Any]:
    """A policy of words, entities and regexes. Children say little, so that many of them load."""
    small = "extends" in more
    rule = fields(ACTION)
    out: dict[str, Any] = {"version": 1, "name": name, **more}
    if draw(st.booleans()):
        terms = draw(st.lists(st.sampled_from(["kingfisher", "king*", "hello"]), min_size=1, max_size=2, unique=True))
        out["words"] = {"terms": terms, **(draw(rule) if draw(st.booleans()) else {})}
    entities = draw(
        st.dictionaries(
            st.sampled_from([*ENTITIES, "ALL"] if small else ENTITIES), pick(rule), max_size=2 if small else 4
        )
    )
    regexes = draw(
        st.lists(
            st.tuples(
                st.sampled_from(["account", "4111 1111 1111 1111"]), st.sampled_from([r"ACC-\d{8}", r"ACC-\d+"]), rule
            ),
            max_size=1,
        )
    )
    pii: dict[str, Any] = {}
    if entities:
        pii["entities"] = entities
    if regexes:
        pii["regexes"] = [{"name": n, "pattern": p, **r} for n, p, r in regexes]
    if pii:
        out["pii"] = pii
    if draw(st.integers(0, 3)) == 0:
        out["limits"] = draw(LIMITS)
    if draw(st.integers(0, 3)) == 0:
        out["on_failure"] = draw(st.sampled_from(["allow", "detect"]))
    return out


def restricted(report: Report, policy: Policy, ids: set[str]) -> Action:
    """The verdict as these rules alone would have it."""
    actions = [f.action for f in report.findings if f.rule in ids]
    failed = any(f.rule in ids and policy.rule(f.rule).on_failure is OnFailure.BLOCK for f in report.failures)
    return max([*actions, Action.BLOCKED if failed else Action.NONE], key=lambda a: a.severity)


def hold(parent: Policy, child: Policy, text: str) -> None:
    ids = {r.id for r in parent.rules if r.enforced}
    for source in Source:
        before, after = Guard(parent).check(text, source), Guard(child).check(text, source)
        strict, got = restricted(before, parent, ids), restricted(after, child, ids)
        assert got.severity >= strict.severity, (source, before, after)
        assert after.action.severity >= strict.severity
        if after.blocked:
            continue
        covered = {i for f in after.findings if f.action is Action.MASKED for i in range(f.start or 0, f.end or 0)}
        for f in before.findings:
            if f.rule in ids and f.action is Action.MASKED:
                assert covered >= set(range(f.start or 0, f.end or 0)), (source, f, after)


ENFORCED = st.sampled_from([["*"], ["pii.*"], ["regex.*", "words.*"], ["*.*"], ["words.terms"], ["pii.EMAIL"]])
RELAXED = settings(
    max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much]
)


def loaded(files: dict[str, dict[str, Any]], *names: str) -> list[Policy]:
    with folder({name: dump(d).encode() for name, d in files.items()}):
        try:
            return [load(name) for name in names]
        except PolicyError as error:
            for problem in error.problems:
                event(problem.code)
            assume(False)
            raise


@RELAXED
@given(documents("parent"), documents("child", extends="parent.yaml"), ENFORCED, TEXT)
def test_a_child_is_never_milder(parent: dict[str, Any], child: dict[str, Any], enforced: list[str], text: str) -> None:
    parent["enforced"] = enforced
    before, after = loaded({"parent.yaml": parent, "child.yaml": child}, "parent.yaml", "child.yaml")
    hold(before, after, text)


@RELAXED
@given(documents("a"), documents("b"), documents("child", extends=["a.yaml", "b.yaml"]), st.booleans(), TEXT)
@example(
    {"version": 1, "name": "a", "pii": {"entities": {"PHONE": "detect"}}, "enforced": ["pii.PHONE"]},
    {"version": 1, "name": "b", "pii": {"entities": {"US_SOCIAL_SECURITY_NUMBER": "mask"}}},
    {"version": 1, "name": "child", "extends": ["a.yaml", "b.yaml"]},
    True,
    "219-09-9999 call me:",
)
def test_two_parents_are_both_obeyed(
    a: dict[str, Any], b: dict[str, Any], child: dict[str, Any], both: bool, text: str
) -> None:
    b["enforced"] = ["*"]
    if both:
        a["enforced"] = ["*"]
    files = {"a.yaml": a, "b.yaml": b, "child.yaml": child}
    first, second, after = loaded(files, "a.yaml", "b.yaml", "child.yaml")
    hold(first, after, text)
    hold(second, after, text)


@RELAXED
@given(
    documents("parent"), documents("child", extends="parent.yaml"), documents("grandchild", extends="child.yaml"), TEXT
)
def test_a_grandchild_is_never_milder(
    parent: dict[str, Any], child: dict[str, Any], grandchild: dict[str, Any], text: str
) -> None:
    parent["enforced"] = ["*"]
    files = {"parent.yaml": parent, "child.yaml": child, "grandchild.yaml": grandchild}
    before, after = loaded(files, "parent.yaml", "grandchild.yaml")
    hold(before, after, text)


@given(documents("one"), st.randoms(use_true_random=False))
@settings(max_examples=50, deadline=None)
def test_the_order_of_the_file_is_nothing(document: dict[str, Any], random: Any) -> None:
    def shuffled(value: Any) -> Any:
        if isinstance(value, dict):
            items = [(k, shuffled(v)) for k, v in value.items()]
            random.shuffle(items)
            return dict(items)
        if isinstance(value, list):
            out = [shuffled(v) for v in value]
            random.shuffle(out)
            return out
        return value

    def rules(p: Policy) -> Any:
        return sorted(
            ((r.id, r.type, r.settings, r.input, r.output, r.mask, sorted(r.exceptions)) for r in p.rules), key=str
        )

    before, after = loaded({"x.yaml": document, "y.yaml": shuffled(document)}, "x.yaml", "y.yaml")
    assert rules(before) == rules(after)


# One place for every field of the order that docs/policy-files.md prints.
P = (
    HEAD
    + """
on_failure: FAILURE
limits: {max_characters: 1000}
content: {HATE: MEDIUM}
topics: [{name: t, definition: Tea., examples: [green]}]
words: {action: mask, terms: [kingfisher], except: [kingfishers]}
pii:
  entities: {EMAIL: {action: mask, min_score: 0.5, required: true}}
  regexes: [{name: a, pattern: abc}]
grounding: {threshold: 0.5}
enforced: ["*"]
"""
)
WEAKER = {
    "action": "words: {action: detect, terms: [heron]}",
    "disabled": "pii: {entities: {EMAIL: {action: mask, enabled: false}}}",
    "disabled through ALL": "pii: {entities: {ALL: {action: block, enabled: false}}}",
    "weakened through ALL": "pii: {entities: {ALL: detect}}",
    "excepted through ALL": "pii: {entities: {ALL: {action: block, except: [a@b.io]}, EMAIL: {action: block}}}",
    "one direction": "pii: {entities: {EMAIL: {action: block, output: {enabled: false}}}}",
    "strength": "content: {HATE: LOW}",
    "no strength": "content: {HATE: {input: NONE}}",
    "definition": "topics: [{name: t, definition: Coffee.}]",
    "except": "words: {action: mask, terms: [heron], except: [kingfisher]}",
    "min_score": "pii: {entities: {EMAIL: {action: mask, min_score: 0.9}}}",
    "required": "pii: {entities: {EMAIL: {action: mask, required: false}}}",
    "pattern": "pii: {regexes: [{name: a, pattern: abcd}]}",
    "type": "pii: {regexes: [{name: b, id: regex.a, pattern: abc}]}",
    "mask": "words: {action: mask, mask: partial, terms: [heron]}",
    "threshold": "grounding: {threshold: 0.4}",
    "larger limit": "limits: {max_characters: 2000}",
    "on_failure": "words: {action: mask, on_failure: allow, terms: [heron]}",
}
STRICTER = {
    "action": "words: {action: block, terms: [heron]}",
    "strength": "content: {HATE: HIGH}",
    "examples": "topics: [{name: t, definition: Tea., examples: [black]}]",
    "min_score": "pii: {entities: {EMAIL: {action: block, min_score: 0.3}}}",
    "threshold": "grounding: {threshold: 0.7}",
    "smaller limit": "limits: {max_characters: 500}",
    "through ALL": "pii: {entities: {ALL: block}}",
    "another rule": "words: {terms: [{term: heron, id: bird, action: detect}]}",
    "the child's own default": "on_failure: allow",
}


def problems(child: str, failure: str = "block") -> list[str]:
    with folder(policy(f"extends: p.yaml\n{child}\n", p__yaml=P.replace("FAILURE", failure))):
        return [p.code for p in lint("policy.yaml") if p.severity == "error"]


@pytest.mark.parametrize("name", WEAKER)
def test_weaker_is_refused(name: str) -> None:
    assert set(problems(WEAKER[name])) & {"weakened", "enforced-exception"}


@pytest.mark.parametrize("name", STRICTER)
def test_stricter_loads(name: str) -> None:
    assert problems(STRICTER[name]) == []


def test_a_default_of_the_child_does_not_soften() -> None:
    with folder(policy("extends: p.yaml\non_failure: allow\n", p__yaml=P.replace("FAILURE", "block"))):
        assert {r.on_failure for r in load("policy.yaml").rules} == {OnFailure.BLOCK}


def test_limits_may_not_shrink_where_the_unseen_passes() -> None:
    assert problems("limits: {max_characters: 500}", failure="allow") == ["weakened"]
    assert problems("limits: {max_characters: 500}", failure="block") == []


def test_a_childs_mask_hides_nothing_from_the_parent() -> None:
    parent = HEAD + "pii: {entities: {EMAIL: block}}\nenforced: [pii.EMAIL]\n"
    child = (
        "extends: p.yaml\nwords: {terms: [{term: heron, action: mask, mask: {style: constant, text: bob@acme.io}}]}\n"
    )
    with folder(policy(child, p__yaml=parent)):
        assert Guard.from_file("policy.yaml").check("mail bob@acme.io", "INPUT").blocked


def test_both_places_are_shown() -> None:
    with folder(policy("extends: p.yaml\ncontent: {HATE: LOW}\n", p__yaml=P.replace("FAILURE", "block"))):
        problem = next(p for p in lint("policy.yaml") if p.code == "weakened")
    assert (problem.file, problem.line) == ("policy.yaml", 5)
    assert "p.yaml:7" in problem.message


def test_single_types_override_all_and_parents() -> None:
    parent = HEAD + "pii: {entities: {EMAIL: block, PHONE: block}}\n"
    child = "extends: p.yaml\npii: {countries: [DE], entities: {ALL: mask, PHONE: {action: detect}}}\n"
    with folder(policy(child, p__yaml=parent)):
        rules = {r.id: r.input for r in load("policy.yaml").rules}
    assert (rules["pii.EMAIL"], rules["pii.PHONE"], rules["pii.DE_TAX_ID"]) == ("mask", "detect", "mask")
    assert "pii.ES_NIE" not in rules


def test_the_order_in_the_docs_is_the_one_in_force() -> None:
    text = (Path(__file__).parents[2] / "docs" / "policy-files.md").read_text(encoding="utf-8")
    for field, order in ORDER.items():
        assert f"| {field} | {order} |" in text
