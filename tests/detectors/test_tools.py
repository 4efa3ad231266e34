"""The tool policy: who may be called with what."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guardrails import Guard
from guardrails.calling import CallReport, CallVerdict
from guardrails.detectors.arguments import below, hosts, paths
from guardrails.detectors.tools.constraints import Constraint
from guardrails.errors import PolicyError
from guardrails.policy import loads

HEAD = "version: 1\nname: agent\n"


def guard(text: str) -> Guard:
    return Guard(loads(HEAD + text))


def call(text: str, name: str, arguments: Any = None, server: str | None = None) -> CallReport:
    return guard(text).check_call(name, arguments, server)


def types(report: CallReport) -> list[str]:
    return [f.type for f in report.findings]


# -- which tools -----------------------------------------------------------------------------------------------------

CLOSED = "tools: {default: deny, calls: [{name: mail, tools: ['mail.*'], server: acme, allow: true}, {name: look_up, allow: true}]}\n"


def test_what_no_rule_allows_is_unlisted() -> None:
    assert types(call(CLOSED, "drop")) == ["UNLISTED"]
    assert call(CLOSED, "look_up").verdict is CallVerdict.ALLOW


@pytest.mark.parametrize("name", ["Look_Up", "look-up", "look_up ", "lookup", "lооk_up", "look\u200b_up", ""])
def test_what_allows_matches_exactly(name: str) -> None:
    assert call(CLOSED, name).verdict is CallVerdict.BLOCK


@pytest.mark.parametrize(
    "name", ["Drop_Table", "drop-table", " drop.table", "dropTable", "drоp_table", "ｄrop_table", "drop\u200b_table"]
)
def test_what_forbids_matches_every_spelling(name: str) -> None:
    assert types(call("tools: {calls: [{name: drop_table, allow: false}]}\n", name)) == ["DENIED"]


def test_a_server_that_nobody_knows_is_forbidden_and_not_allowed() -> None:
    assert call(CLOSED, "mail.send", {}, "acme").allowed
    assert not call(CLOSED, "mail.send").allowed
    assert not call(CLOSED, "mail.send", {}, "evil").allowed
    forbids = "tools: {calls: [{name: send, server: evil, allow: false}]}\n"
    assert not call(forbids, "send").allowed
    assert not call(forbids, "send", {}, "Evil").allowed
    assert call(forbids, "send", {}, "acme").allowed


# Coding agents call the tools of MCP servers mcp__SERVER__TOOL.
OF_MAIL = """
tools:
  default: deny
  calls:
    - {name: mail, tools: [send], server: mail, allow: true}
    - {name: whole, tools: [mcp__notes__read], allow: true}
    - {name: Bash, allow: true}
    - {name: nothing-of-evil, tools: ["*"], server: evil, allow: false}
    - {name: nowhere, tools: ["*delete*"], allow: false}
"""


@pytest.mark.parametrize(
    ("name", "server", "found"),
    [
        ("mcp__mail__send", None, []),
        ("mcp__mail__read", None, ["UNLISTED"]),
        ("mcp__mail2__send", None, ["UNLISTED"]),
        ("mcp__Mail__send", None, ["UNLISTED"]),
        ("MCP__mail__send", None, ["UNLISTED"]),
        ("mcp__notes__read", None, []),
        (
            "mcp__notes__Bash",
            None,
            ["UNLISTED"],
        ),  # what an agent's own tool may do, a server's of the same name may not
        ("Bash", "", []),
        ("send", "", ["UNLISTED"]),
        ("mcp__evil__send", None, ["UNLISTED", "DENIED"]),
        ("MCP__Evil__send", None, ["UNLISTED", "DENIED"]),
        ("mcp__ev\u200bil__x", None, ["UNLISTED", "DENIED"]),
        ("mcp__mail__Delete-All", None, ["UNLISTED", "DENIED"]),
        ("mcp__mail__", None, ["UNLISTED", "DENIED"]),  # nobody knows whose it is
        ("mcp____x", None, ["UNLISTED", "DENIED"]),
        ("send", "mail", []),
    ],
)
def test_a_rule_names_the_server_of_a_tool(name: str, server: str | None, found: list[str]) -> None:
    assert types(call(OF_MAIL, name, {}, server)) == found


def test_a_servers_name_may_end_at_any_pair_of_signs_where_it_is_forbidden() -> None:
    forbids = "tools: {calls: [{name: all, tools: [c], server: a__b, allow: false}]}\n"
    assert not call(forbids, "mcp__a__b__c").allowed
    allows = "tools: {default: deny, calls: [{name: all, tools: [c], server: a__b, allow: true}]}\n"
    assert not call(allows, "mcp__a__b__c").allowed


def test_brackets_in_a_name_are_signs() -> None:
    assert not call("tools: {calls: [{name: a, tools: ['a[b]'], allow: false}]}\n", "a[b]").allowed
    assert call("tools: {calls: [{name: a, tools: ['a[b]'], allow: false}]}\n", "ab").allowed


# -- arguments -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("constraint", "holds", "breaks"),
    [
        (Constraint(matches="SELECT .*"), ["SELECT 1"], ["DROP x", "x SELECT 1", 4, None, "SELECT 1\n; DROP x"]),
        (
            Constraint(hosts=("acme.com", "*.acme.com")),
            [
                "https://acme.com/x", "bob@acme.com", "Bob <bob@mail.acme.com>", "acme.com:443", "ACME.com.", "a@acme.com, b@acme.com",
                "mailto:bob@acme.com", "//acme.com/a",
            ],
            [
                "https://acme.com@evil.com", "https://evil.com\\@acme.com", "bob@evil.com", "acme.com.evil.com", "notacme.com", "https:/evil.com",
                "bob@acme.com, eve@evil.com", "bob@acme.com\neve@evil.com", "https://acme.com\t.evil.com", "аcme.com", "javascript:alert(1)", "", 7,
                "mailto:bob@acme.com?cc=eve@evil.com", '"bob@acme.com" <eve@evil.com>', "bob@acme.com <eve@evil.com>", "https://acme.com%2eevil.com",
                "https://user:pw@acme.com", "acme.com\u200b.evil.com", "acme.com/a@b",
            ],
        ),
        (
            Constraint(roots=("/srv/data",)),
            ["/srv/data", "/srv/data/a/../b", "/srv//data/./x", "file:///srv/data/x", "/srv/data/100%.txt", "/srv/data/a b"],
            [
                "/srv/data/../x", "/srv/database", "/etc/passwd", "srv/data/x", "/srv/data/%2e%2e/x", "/srv/data/..%2fx", "/srv/data/..\\..\\x",
                "/srv/data/%252e%252e/x", "~/x", "/srv/data/．．/x", "/srv/data/.. /x", "/srv/data/\x00", "/srv/data/../../../srv/data/../x", "", 4,
                "file://evil/srv/data/x", "C:\\srv\\data", "/srv/data/\u202e/x", "\\srv\\data\\x",
            ],
        ),
        (Constraint(roots=(".",)), ["a", "a/b", "./a", "a/../b", "."], ["../a", "/a", "a/../../b", "C:\\a", "C:a", "~root"]),
        (Constraint(roots=("C:\\data",)), ["C:\\data\\x", "c:/data/x"], ["C:\\data\\..\\x", "D:\\data\\x", "/data/x"]),
        (
            Constraint(at_most=1000),
            [0, 1000, -5, 999.5, "1000", "€ 1000", "1000 EUR", "1e3", "99,5", "1,000.00 USD"],
            [1001, "1,001", "1.001", "€1.000.000", "1e9", "-1001", "ten", True, float("inf"), "1k", "10%", "1000 1", "١٠٠٠٠", "9_999", ""],
        ),
    ],
)  # fmt: skip
def test_constraints(constraint: Constraint, holds: list[Any], breaks: list[Any]) -> None:
    assert [v for v in holds if not constraint.holds(v)] == []
    assert [v for v in breaks if constraint.holds(v)] == []


STEPS = st.sampled_from(["..", ".", "a", "b", "srv", "data", "", "%2e%2e", "..%2f", "\\..", "...", "．．", " "])


@settings(deadline=None, max_examples=300)
@given(st.lists(STEPS, max_size=8), st.booleans(), st.sampled_from(["/", "//", "\\"]))
def test_a_path_below_a_root_never_leads_out_of_it(steps: list[str], absolute: bool, slash: str) -> None:
    """Whatever a program decodes, in whatever order: a path that is accepted stays below its root."""
    import posixpath
    import unicodedata
    from urllib.parse import unquote

    text = ("/srv/data/" if absolute else "") + slash.join(steps)
    read = paths(text)
    if read is None or not all(below(p, "/srv/data") for p in read):
        return
    turns: tuple[Callable[[str], str], ...] = (
        unquote,
        lambda t: t.replace("\\", "/"),
        lambda t: unicodedata.normalize("NFKC", t),
    )
    for order in itertools.permutations(turns):
        path = text
        for turn in order:
            path = turn(path)
        assert (posixpath.normpath(path) + "/").startswith("/srv/data/"), path


@settings(deadline=None, max_examples=300)
@given(st.text(alphabet="ab.@/:\\?#%,; <>\t", max_size=24))
def test_a_host_that_is_read_stands_in_the_value(text: str) -> None:
    assert all(host in text.lower() for host in hosts(text) or ())


def test_names_of_arguments_count_in_any_spelling_and_lists_item_by_item() -> None:
    text = "tools: {calls: [{name: send, arguments: {message.to: {hosts: [acme.com]}}}]}\n"
    assert call(text, "send", {"message": {"to": ["a@acme.com"]}}).allowed
    for arguments in (
        {"message": {"to": ["a@acme.com", "e@evil.com"]}}, {"Message": {"TO": "e@evil.com"}}, [{"message": [{"to": "e@evil.com"}]}],
        {"message.to": "e@evil.com"}, {"message": {"to": {"address": "e@evil.com"}}}, {"message": {"to": [["e@evil.com"]]}},
    ):  # fmt: skip
        assert not call(text, "send", arguments).allowed, arguments


def test_a_text_is_the_argument_input() -> None:
    text = "tools: {calls: [{name: sh, arguments: {input: {matches: 'ls( .*)?'}}}]}\n"
    assert call(text, "sh", "ls -l").allowed
    assert types(call(text, "sh", "rm -rf /")) == ["ARGUMENT:input"]


def test_schemas() -> None:
    text = "tools: {calls: [{name: t, schema: {type: object, required: [n], properties: {n: {type: integer}, s: {pattern: '^a+$'}}}}]}\n"
    assert call(text, "t", {"n": 1, "s": "aa"}).allowed
    assert (
        types(call(text, "t", {"n": "1"}))
        == types(call(text, "t", {}))
        == types(call(text, "t", {"n": 1, "s": "b"}))
        == ["SCHEMA"]
    )


@pytest.mark.parametrize(
    "schema",
    [
        "{type: objekt}",
        "{$ref: 'https://x.example/s'}",
        "{patternProperties: {'(a+)+$': {}}}",
        "{properties: {a: {pattern: '(?=x)'}}}",
        "[]",
    ],
)
def test_schemas_that_fetch_or_backtrack_are_refused(schema: str) -> None:
    with pytest.raises(PolicyError) as caught:
        guard(f"tools: {{calls: [{{name: t, schema: {schema}}}]}}\n")
    assert [p.code for p in caught.value.problems] == ["schema-refused"]


def test_arguments_that_are_no_json_are_blocked() -> None:
    loop: list[Any] = []
    loop.append(loop)
    for arguments in ({"a": {1}}, {"a": float("nan")}, loop):
        assert call("tools: {default: allow}\n", "t", arguments).verdict is CallVerdict.BLOCK


# -- verdicts --------------------------------------------------------------------------------------------------------


def test_a_call_is_asked_about_where_every_rule_that_stops_it_may_be_overruled() -> None:
    text = "tools: {calls: [{name: pay, ask: true, arguments: {amount: {at_most: 5}}}, {name: x, tools: [pay], arguments: {to: {matches: bob}}}]}\n"
    assert call(text, "pay", {"amount": 9}).verdict is CallVerdict.ASK
    assert call(text, "pay", {"amount": 9, "to": "eve"}).verdict is CallVerdict.BLOCK
    assert call(text, "pay", {"amount": 1, "to": "bob"}).verdict is CallVerdict.ALLOW
    words = text + "words: {terms: [kingfisher]}\n"
    assert call(words, "pay", {"amount": 9, "note": "kingfisher"}).verdict is CallVerdict.BLOCK


def test_masked_arguments() -> None:
    text = "tools: {default: {verdict: deny, ask: true}, calls: [{name: t, allow: true}]}\npii: {entities: {EMAIL: {action: mask, mask: numbered}}}\n"
    report = call(text, "t", {"a": ["a@x.example", {"b": "b@x.example a@x.example"}], "n": 3, "k": None})
    assert report.verdict is CallVerdict.MASK
    assert report.arguments == {"a": ["{EMAIL_1}", {"b": "{EMAIL_2} {EMAIL_1}"}], "n": 3, "k": None}
    asked = call(text, "other", {"a": "a@x.example"})
    assert (asked.verdict, asked.arguments) == (CallVerdict.ASK, {"a": "{EMAIL_1}"})
    assert call(text, "t", {"a@x.example": 1}).verdict is CallVerdict.BLOCK


def test_a_report_holds_no_text() -> None:
    report = call("tools: {calls: [{name: t, arguments: {a: {matches: b}}}]}\n", "t", {"a": "secret-value"})
    assert "secret-value" not in repr(report)
    assert "secret-value" not in str(report.to_dict())
    with pytest.raises(TypeError, match="verdict"):
        bool(report)


def test_rates_count_calls_of_the_last_minute() -> None:
    limited = guard("tools: {calls: [{name: t, rate: 2}]}\n")
    assert [limited.check_call("t").allowed for _ in range(3)] == [True, True, False]
    assert limited.check_call("u").allowed


# -- laws ------------------------------------------------------------------------------------------------------------

ENTRIES = [
    "{name: a, allow: true}", "{name: b, tools: ['*'], arguments: {x: {at_most: 5}}}", "{name: c, tools: ['b*', a], allow: false}",
    "{name: d, tools: ['*a*'], allow: true, ask: true, arguments: {x: {matches: '[0-9]+'}}}", "{name: e, tools: [ab], allow: true}",
]  # fmt: skip
CALLS = [(n, {"x": x}) for n in ("a", "b", "ab", "A", "c") for x in (1, 9, "y")]


def verdicts(text: str) -> list[str]:
    judge = guard(text)
    return [judge.check_call(*one).verdict.value for one in CALLS]


@settings(deadline=None, max_examples=40)
@given(st.permutations(ENTRIES), st.sampled_from(["allow", "deny"]))
def test_the_order_of_rules_means_nothing(entries: list[str], default: str) -> None:
    text = "tools: {{default: {}, calls: [{}]}}\n"
    assert verdicts(text.format(default, ", ".join(entries))) == verdicts(text.format(default, ", ".join(ENTRIES)))
