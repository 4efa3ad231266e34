"""What is counted, what is logged, and what neither may hold."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry
from prometheus_client.parser import text_string_to_metric_families

from guardrails.asgi.telemetry import CONTENT_TYPE, LOGGER, NAMES, TENANTS, DecisionRecord, FailedRule, Telemetry
from guardrails.types import Action, FailureKind, Source


def decision(**given: object) -> DecisionRecord:
    fields: dict[str, object] = {
        "id": "d-1",
        "tenant": "bank",
        "policy": "retail-bank",
        "sha256": "2d254f",
        "route": "/v1/chat/completions",
        "format": "openai.chat",
        "direction": Source.INPUT,
        "action": Action.MASKED,
    }
    return DecisionRecord(**{**fields, **given})  # type: ignore[arg-type]


def samples(telemetry: Telemetry) -> dict[str, float]:
    """``name{label=value,…}`` to value, as a scraper reads it."""
    out = {}
    for family in text_string_to_metric_families(telemetry.expose().decode()):
        for s in family.samples:
            labels = ",".join(f"{k}={v}" for k, v in sorted(s.labels.items()))
            out[f"{s.name}{{{labels}}}" if labels else s.name] = s.value
    return out


def test_a_decision_is_counted() -> None:
    telemetry = Telemetry()
    failures = (
        FailedRule("content.HATE", FailureKind.TIMEOUT),
        FailedRule("pii.EMAIL", FailureKind.INTERNAL, open=True),
    )
    telemetry.decision(decision(failures=failures, uninspected=("image", "image"), milliseconds=3))
    telemetry.decision(decision(direction=Source.OUTPUT, action=Action.NONE))
    got = samples(telemetry)
    assert got["guardrails_decisions_total{action=MASKED,direction=INPUT,tenant=bank}"] == 1
    assert got["guardrails_decisions_total{action=NONE,direction=OUTPUT,tenant=bank}"] == 1
    assert got["guardrails_failures_total{kind=timeout,rule=content.HATE}"] == 1
    assert got["guardrails_failures_total{kind=internal,rule=pii.EMAIL}"] == 1
    assert got["guardrails_fail_open_total{rule=pii.EMAIL}"] == 1
    assert "guardrails_fail_open_total{rule=content.HATE}" not in got
    assert got["guardrails_uninspected_total{why=image}"] == 2
    assert got["guardrails_check_seconds_count{direction=INPUT}"] == 1
    assert got["guardrails_check_seconds_bucket{direction=INPUT,le=0.0025}"] == 0
    assert got["guardrails_check_seconds_bucket{direction=INPUT,le=0.005}"] == 1


def test_everything_else_is_counted() -> None:
    telemetry = Telemetry()
    telemetry.policies(degraded=False, ok=1, failed=0)
    telemetry.policies(degraded=True, ok=3, failed=2)
    telemetry.policies(degraded=True, ok=3, failed=2)
    telemetry.queue(in_flight=3, queued=2, size=1_000)
    telemetry.held_back(60)
    telemetry.refused(415)
    got = samples(telemetry)
    assert got["guardrails_reloads_total{result=ok}"] == 3
    assert got["guardrails_reloads_total{result=failed}"] == 2
    assert got["guardrails_policy_degraded"] == 1
    assert got["guardrails_requests_in_flight"] == 3
    assert got["guardrails_requests_queued"] == 2
    assert got["guardrails_bytes_in_flight"] == 1_000
    assert got["guardrails_hold_back_characters_bucket{le=32.0}"] == 0
    assert got["guardrails_hold_back_characters_bucket{le=64.0}"] == 1
    assert got["guardrails_refused_total{status=415}"] == 1
    telemetry.policies(degraded=False, ok=4, failed=2)
    assert samples(telemetry)["guardrails_policy_degraded"] == 0


def test_labels_are_bounded() -> None:
    telemetry = Telemetry()
    for n in range(TENANTS + 500):
        telemetry.decision(decision(tenant=f"t{n}", failures=[FailedRule(f"r{n}", FailureKind.TIMEOUT, open=True)]))
        telemetry.decision(decision(uninspected=[f"w{n}"]))
        telemetry.refused(n)
    got = samples(telemetry)
    tenants = [k for k in got if k.startswith("guardrails_decisions_total")]
    assert len(tenants) == TENANTS + 1  # the first thousand, "bank" among them, and "other"
    assert got["guardrails_decisions_total{action=MASKED,direction=INPUT,tenant=t0}"] == 1
    assert got["guardrails_decisions_total{action=MASKED,direction=INPUT,tenant=other}"] == 501
    assert got["guardrails_fail_open_total{rule=other}"] == TENANTS + 500 - NAMES
    assert len([k for k in got if k.startswith("guardrails_uninspected_total")]) == 65
    assert len([k for k in got if k.startswith("guardrails_refused_total")]) == 65


def test_two_middlewares_do_not_share_metrics() -> None:
    one, other = Telemetry(), Telemetry()
    one.refused(400)
    assert "guardrails_refused_total{status=400}" not in samples(other)
    registry = CollectorRegistry()
    assert Telemetry(registry).registry is registry
    with pytest.raises(ValueError, match="Duplicated"):
        Telemetry(registry)


def test_threads_lose_nothing() -> None:
    telemetry = Telemetry()

    def work(n: int) -> None:
        for m in range(500):
            telemetry.decision(decision(tenant=f"t{(n * 500 + m) % 1_500}"))

    threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    got = {k: v for k, v in samples(telemetry).items() if k.startswith("guardrails_decisions_total")}
    assert sum(got.values()) == 2_000
    assert len(got) == TENANTS + 1


def test_one_line_of_json_a_decision(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, LOGGER)
    failures = (FailedRule("content.HATE", FailureKind.TIMEOUT),)
    Telemetry().decision(
        decision(rules=("pii.EMAIL", "words.x"), failures=failures, not_applicable=("grounding",), milliseconds=1.23456)
    )
    line = json.loads(caplog.records[0].getMessage())
    time = line.pop("time")
    assert time.endswith("+00:00")
    assert line == {
        "event": "decision",
        "id": "d-1",
        "tenant": "bank",
        "policy": "retail-bank",
        "sha256": "2d254f",
        "route": "/v1/chat/completions",
        "format": "openai.chat",
        "direction": "INPUT",
        "action": "MASKED",
        "rules": ["pii.EMAIL", "words.x"],
        "failures": [{"rule": "content.HATE", "kind": "timeout", "open": False}],
        "uninspected": [],
        "not_applicable": ["grounding"],
        "ms": 1.235,
    }


def test_a_line_says_that_calls_might_have_been_confirmed(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, LOGGER)
    for ask in (True, False):
        Telemetry().decision(decision(ask=ask))
    assert [json.loads(record.getMessage()).get("ask") for record in caplog.records] == [True, None]


def test_a_text_that_passed_a_broken_rule_is_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING, LOGGER)
    telemetry = Telemetry()
    telemetry.decision(decision(failures=[FailedRule("r", FailureKind.TIMEOUT)]))
    telemetry.decision(decision(failures=[FailedRule("r", FailureKind.TIMEOUT, open=True)]))
    assert [r.levelname for r in caplog.records] == ["WARNING"]


@given(name=st.text(max_size=40))
def test_no_name_breaks_the_line_or_the_page(name: str) -> None:
    telemetry = Telemetry()
    lines: list[str] = []
    handler = logging.Handler()
    handler.emit = lambda record: lines.append(record.getMessage())  # type: ignore[method-assign]
    logger = logging.getLogger(LOGGER)
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    try:
        telemetry.decision(decision(tenant=name, rules=[name], failures=[FailedRule(name, FailureKind.TIMEOUT)]))
    finally:
        logger.removeHandler(handler)
        logger.setLevel(logging.NOTSET)
    assert len(lines) == 1
    assert lines[0].isprintable()
    assert lines[0].isascii()
    assert json.loads(lines[0])["tenant"] == name
    family = next(
        f for f in text_string_to_metric_families(telemetry.expose().decode()) if f.name == "guardrails_decisions"
    )
    assert family.samples[0].labels["tenant"] == name


def test_a_name_that_is_no_text_does_not_break_the_page() -> None:
    telemetry = Telemetry()
    telemetry.decision(decision(tenant="\ud800"))
    assert samples(telemetry)["guardrails_decisions_total{action=MASKED,direction=INPUT,tenant=\\ud800}"] == 1


def test_content_type() -> None:
    assert CONTENT_TYPE.startswith("text/plain; version=")


def test_importing_the_package_does_not_bring_it() -> None:
    code = "import sys, guardrails; print([m for m in ('prometheus_client', 'httpx', 'starlette', 'uvicorn') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.strip() == "[]", done.stderr
