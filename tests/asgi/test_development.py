"""What helps who writes an application: the caller's guard in the scope, and answers that name the rules that fired."""

from __future__ import annotations

import json
import logging
from typing import Any

import pytest
from starlette.requests import Request
from starlette.responses import JSONResponse

from guardrails import Guard
from guardrails.asgi.headers import ours
from guardrails.decision import Decision, Located
from guardrails.tenants import Tenants
from guardrails.types import Action, Finding, PolicyIdentity, Source
from tests.asgi.apps import POLICY, App, guard, whole
from tests.tenants.conftest import KEY_A, KEY_B, bearer, tenants_yaml
from tests.tenants.conftest import policy as tenant_policy

CARD = "4111 1111 1111 1111"
DETECT = "  managed: {PROFANITY: detect}\n"
HEADER = "x-guardrails-rules"


def explained(says: Any = None, more: str = "", **settings: Any) -> App:
    return App(says, policies=guard(base=POLICY.replace("pii:", f"{more}pii:")), explain=True, **settings)


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("asked", "rules"),
    [
        (f"my card is {CARD}", "pii.CREDIT_DEBIT_CARD_NUMBER"),
        (f"{CARD} and bob@example.com", "pii.CREDIT_DEBIT_CARD_NUMBER, pii.EMAIL"),
        ("tell me about project kingfisher", "words.secret"),
        ("this is bullshit", "words.PROFANITY"),
        ("hello", None),
    ],
)
def test_the_rules_that_fired_are_named(asked: str, rules: str | None, *, stream: bool) -> None:
    response = explained("Fine.", DETECT).ask(asked, stream=stream)
    got = response.headers.get(HEADER)
    assert (sorted(got.split(", ")) if got else None) == (rules.split(", ") if rules else None)


def test_of_both_directions() -> None:
    app = explained("Our rival bank is no better.")
    assert app.ask(f"my card is {CARD}").headers[HEADER] == "pii.CREDIT_DEBIT_CARD_NUMBER, words.rival"
    assert app.ask("hello").headers[HEADER] == "words.rival"
    blocked = explained("It is project kingfisher.").ask("what is it? bob@example.com")
    assert blocked.headers[HEADER] == "pii.EMAIL, words.secret"


@pytest.mark.parametrize("settings", [{"blocked": "error"}, {"refusal": lambda decision, form: {"no": decision.id}}])
def test_in_refusals_of_ones_own(settings: dict[str, Any]) -> None:
    for app, asked in (
        (explained(**settings), "project kingfisher"),
        (explained("project kingfisher", **settings), "hi"),
    ):
        response = app.ask(asked)
        assert response.headers["x-guardrails-action"] == "BLOCKED"
        assert response.headers[HEADER] == "words.secret"


def test_it_is_off_unless_somebody_asks_for_it(caplog: pytest.LogCaptureFixture) -> None:
    for app in (App("rival bank"), App("rival bank", explain=False)):
        assert HEADER not in app.ask(f"{CARD} project kingfisher").headers
        assert HEADER not in app.ask(CARD).headers
    assert "explain" not in caplog.text
    explained()
    explained().ask("hello")
    assert "answers name the rules that fired" in caplog.text


def test_no_client_and_no_application_writes_it() -> None:
    says = JSONResponse(whole("fine"), headers={HEADER: "words.mine"})
    for settings in ({}, {"explain": True}):
        app = App(says, **settings)
        response = app.post(
            {"model": "m", "messages": [{"role": "user", "content": CARD}]}, headers={"x-guardrails-explain": "true"}
        )
        assert response.headers.get(HEADER) == ("pii.CREDIT_DEBIT_CARD_NUMBER" if settings else None)


def test_neither_text_nor_score_is_in_it() -> None:
    response = explained("rival bank, alice@example.org").ask(f"{CARD}, bob@example.com, 5105 1051 0510 5100")
    assert response.headers[HEADER] == "pii.CREDIT_DEBIT_CARD_NUMBER, pii.EMAIL, words.rival"


def test_it_is_a_header_whatever_a_rule_is_called_and_however_many_there_are() -> None:
    def value(*rules: str) -> str:
        found = tuple(Located("messages[0].content", Finding(r, "X", 0, 1, 1.0, None, 0, Action.NONE)) for r in rules)
        decision = Decision("1" * 32, Source.INPUT, Action.NONE, PolicyIdentity("p", "0" * 64, None), findings=found)
        return dict(ours(decision, explain=True)).get(b"x-guardrails-rules", b"").decode("ascii")

    assert value("topic.Straße, \r\nx: y") == "topic.Stra%C3%9Fe%2C%20%0D%0Ax%3A%20y"
    many = value(*(f"regex.RULE_{n}" for n in range(1_000)))
    assert len(many) < 2_100
    shown = many.split(", ")
    assert shown[-1] == f"{1_000 - len(shown) + 1} more"


# -- the caller's guard ------------------------------------------------------------------------------------------------


def test_an_application_checks_its_own_texts_under_the_callers_policy() -> None:
    app = App("Fine.")
    app.ask("hello")
    exchanged = app.scopes[0]
    assert isinstance(exchanged.guard, Guard)
    report = exchanged.guard.check(f"note: {CARD}", source="OUTPUT")
    assert report.text == "note: {CREDIT_DEBIT_CARD_NUMBER}"
    assert exchanged.guard.policy.identity.sha256 == exchanged.policy
    assert "kingfisher" not in repr(exchanged)


def test_each_tenants_request_carries_that_tenants_guard(tmp_path: Any) -> None:
    for name, word in (("alpha", "apple"), ("beta", "pear")):
        (tmp_path / f"{name}.yaml").write_text(tenant_policy(name, word))
    (tmp_path / "tenants.yaml").write_text(tenants_yaml())
    seen: list[Any] = []

    async def chat(request: Request) -> JSONResponse:
        own = request.scope["guardrails"].guard
        seen.append([(await own.acheck(text, source="OUTPUT")).blocked for text in ("an apple", "a pear")])
        return JSONResponse(whole("fine"))

    app = App("unused", policies=Tenants.open(tmp_path), reload=False)
    app.app.router.routes[0].app = _asgi(chat)  # type: ignore[attr-defined]
    for key in (KEY_A, KEY_B):
        headers = dict([bearer(key)])
        assert (
            app.post({"model": "m", "messages": [{"role": "user", "content": "hi"}]}, headers=headers).status_code
            == 200
        )
    assert seen == [[True, False], [False, True]]


def _asgi(endpoint: Any) -> Any:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await (await endpoint(Request(scope, receive, send)))(scope, receive, send)

    return app


# -- what was not compared ---------------------------------------------------------------------------------------------


def test_the_log_says_what_was_not_compared(caplog: pytest.LogCaptureFixture) -> None:
    """An answer under grounding, and a request without a source: the one line a decision names the rule."""
    caplog.set_level(logging.INFO, logger="guardrails.decisions")
    words = "version: 1\nname: g\nwords: {terms: [x-y-z]}\ngrounding: {threshold: 0.5}\n"
    app = App("The claim period is 14 days.", policies=guard(base=words))
    app.ask("How long may I take?")
    lines = [json.loads(r.message) for r in caplog.records if r.name == "guardrails.decisions"]
    assert [(line["direction"], line["not_applicable"]) for line in lines] == [("INPUT", []), ("OUTPUT", ["grounding"])]
