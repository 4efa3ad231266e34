"""A candidate policy beside the live one in the middleware, the proxy and the service: it is counted, and changes nothing."""

from __future__ import annotations

import json
import re
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guardrails import Guard
from guardrails.asgi.shadowing import Shadowing, ShadowSettings
from guardrails.asgi.telemetry import Telemetry
from guardrails.cli.app import app as command
from guardrails.demo.upstream import upstream
from guardrails.errors import GuardrailsError
from guardrails.policy import loads
from guardrails.proxy import proxy_app
from guardrails.shadow import Shadow, Tally
from guardrails.types import Action, Piece, Role, Source
from tests.asgi.apps import App
from tests.demo.sockets import serving
from tests.service.servers import folder, served
from tests.shadow.test_shadow import LATER, LIVE

NEXT = LIVE.replace("kingfisher, heron", "kingfisher, osprey").replace("EMAIL: mask", "EMAIL: block")
TEXTS = ("a kingfisher", "a heron", "an osprey", "bob@example.com", "hello")
UNTIL = (datetime.now(UTC) + timedelta(days=1)).date().isoformat() + "T23:00:00+00:00"


def described(root: Path, **fields: Any) -> Path:
    """A file that describes a candidate which has all the time it needs."""
    (root / "next.yaml").write_text(NEXT)
    path = root / "shadow.yaml"
    given = {"policies": "next.yaml", "until": UNTIL, "budget_ms": 60000, "report": "shadow.json"} | fields
    path.write_text("".join(f"{name}: {value}\n" for name, value in given.items() if value is not None))
    return path


def counted(page: str) -> dict[str, int]:
    """The candidate's texts by result, from a page of metrics."""
    found = re.findall(r'guardrails_shadow_texts_total\{policy="live",result="(\w+)"\} (\d+)', page)
    return {result: int(number) for result, number in found if int(number)}


def until(done: Callable[[], Any]) -> Any:
    """What ``done`` gives, once it gives something."""
    for _ in range(12_000):
        if found := done():
            return found
        time.sleep(0.01)
    raise AssertionError("it never came to that")


def chat(text: str, *, stream: bool = False) -> dict[str, Any]:
    return {"model": "m", "stream": stream, "messages": [{"role": "user", "content": text}]}


@pytest.mark.parametrize("stream", [False, True])
def test_the_middleware_answers_as_without_it(tmp_path: Path, stream: bool) -> None:
    plain = App(policies=Guard(loads(LIVE)))
    telemetry = Telemetry()
    beside = App(policies=Guard(loads(LIVE)), telemetry=telemetry, shadow=described(tmp_path))
    for text in TEXTS:
        answers = [app.post(chat(text, stream=stream)) for app in (plain, beside)]
        assert answers[0].status_code == answers[1].status_code
        assert answers[0].content == answers[1].content
    # Two requests are blocked, so that no answer comes; three pass, and are answered with their own words.
    found = until(lambda: sum(c.values()) == 8 and c if (c := counted(telemetry.expose().decode())) else None)
    assert found == {"same": 4, "stricter": 3, "milder": 1}
    page = telemetry.expose().decode()
    assert 'guardrails_shadow_rules_total{change="acts",policy="live",rule="words.terms"} 2.0' in page
    assert 'guardrails_shadow_over{policy="live"} 0.0' in page
    assert not any(text in page for text in TEXTS)


def test_the_proxy_counts_and_writes_a_report_without_texts(tmp_path: Path) -> None:
    (tmp_path / "live.yaml").write_text(LIVE)
    with (
        serving(upstream()) as model,
        serving(proxy_app(model, tmp_path / "live.yaml", shadow=described(tmp_path), reload=False)) as base,
    ):
        for text in TEXTS:
            assert httpx.post(f"{base}/v1/chat/completions", json=chat(text), timeout=120).status_code == 200
        until(lambda: sum(counted(httpx.get(f"{base}/metrics").text).values()) == 8)
    report = json.loads(until(lambda: (tmp_path / "shadow.json").exists() and (tmp_path / "shadow.json").read_text()))
    candidate = report["candidates"]["live"]
    assert len(candidate["sha256"]) == 64
    assert candidate["texts"] == 8
    assert candidate["milder"]["value"] == 1 / 8
    assert {r["rule"] for r in candidate["rules"]} >= {"words.terms", "pii.EMAIL"}
    assert not any(text in json.dumps(report) for text in TEXTS)


def test_the_service_counts_checks_of_the_policy_of_that_name_only(tmp_path: Path) -> None:
    policies = folder(tmp_path, live=LIVE)
    telemetry = Telemetry()
    with served(policies, telemetry=telemetry, shadow=described(tmp_path)) as base:
        for text in TEXTS:
            for guardrail in ("live", "small"):
                said = httpx.post(
                    f"{base}/v1/check", json={"guardrail": guardrail, "source": "INPUT", "text": text}, timeout=120
                )
                assert said.status_code == 200
        found = until(lambda: sum(c.values()) == 5 and c if (c := counted(telemetry.expose().decode())) else None)
    assert found == {"same": 2, "stricter": 2, "milder": 1}
    assert json.loads((tmp_path / "shadow.json").read_text())["candidates"].keys() == {"live"}


def test_what_does_not_fit_is_dropped_and_counted() -> None:
    live, other = Guard(loads(LIVE)), Guard(loads(NEXT))
    shadow = Shadow(other, until=LATER, budget_ms=60_000, characters=100_000)
    pieces = [Piece("an osprey " * 8_000)]
    for _ in range(30):
        shadow.offer_texts(pieces, Source.INPUT, live)
    shadow.close(judge=False)
    counts = shadow.tally.counts()
    assert counts["dropped"] > 0
    assert sum(counts.values()) == 30
    # One text that is larger than all that may wait is judged all the same.
    alone = Shadow(other, until=LATER, budget_ms=60_000, characters=10)
    alone.offer_texts([Piece("an osprey flies")], Source.INPUT, live)
    alone.close()
    assert alone.tally.counts()["stricter"] == 1


def test_both_policies_judge_all_texts_of_a_direction_together(tmp_path: Path) -> None:
    shadowing = Shadowing.opened(described(tmp_path, report=None), Telemetry().registry)
    assert shadowing is not None
    live = Guard(loads(LIVE))
    texts = [("a", Role.USER, "an osprey"), ("b", Role.USER, "a heron")]
    shadowing.offer(texts, Source.INPUT, live)  # both are blocked, for different words
    shadowing.offer([], Source.INPUT, live)
    shadowing.offer(texts, Source.INPUT, Guard(loads(LIVE.replace("name: live", "name: else"))))
    shadowing.settle()
    assert sum(shadowing.candidates["live"].tally.counts().values()) == 1
    shadowing.close()
    shadowing.close()
    assert not (tmp_path / "shadow.json").exists()


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"policies": None}, "policies is missing"),
        ({"until": None}, "until is missing"),
        ({"until": "soon"}, "a day or a time"),
        ({"until": "2020-01-01"}, "is over"),
        ({"share": 2}, "at most 1"),
        ({"share": "much"}, "at most 1"),
        ({"budget_ms": 0}, "milliseconds"),
        ({"untill": UNTIL}, "did you mean until"),
        ({"report": "none/shadow.json"}, "make its folder first"),
        ({"policies": "empty"}, "no policy in this folder"),
    ],
)
def test_a_file_that_is_wrong_is_refused_with_its_remedy(tmp_path: Path, fields: dict[str, Any], told: str) -> None:
    (tmp_path / "empty").mkdir()
    path = described(tmp_path, **fields)
    with pytest.raises(GuardrailsError, match=re.escape(told)):
        Shadowing.opened(path, Telemetry().registry)


def test_a_folder_holds_a_candidate_for_each_name(tmp_path: Path) -> None:
    path = described(tmp_path, policies="all", report=None)
    (tmp_path / "all").mkdir()
    (tmp_path / "all" / "a.yaml").write_text(NEXT)
    (tmp_path / "all" / "b.yaml").write_text(NEXT.replace("name: live", "name: b"))
    read = ShadowSettings.of(path)
    made = Shadowing(read, Telemetry().registry)
    assert made.candidates.keys() == {"live", "b"}
    made.close()
    (tmp_path / "all" / "c.yaml").write_text(NEXT)
    with pytest.raises(GuardrailsError, match="another candidate is called live"):
        Shadowing(read, Telemetry().registry)


def test_the_commands_have_the_option(tmp_path: Path) -> None:
    from typer.testing import CliRunner

    (tmp_path / "live.yaml").write_text(LIVE)
    path = described(tmp_path, until="2020-01-01")
    for arguments in (
        ("proxy", "--upstream", "http://127.0.0.1:9", "--policies", str(tmp_path / "live.yaml"), "--shadow", str(path)),
        ("serve", "--policies", str(tmp_path / "live.yaml"), "--shadow", str(path)),
        ("serve", "--policies", str(tmp_path / "live.yaml"), "--shadow", str(path), "--workers", "2"),
    ):
        done = CliRunner().invoke(command, arguments)
        assert isinstance(done.exception, GuardrailsError)
        assert "is over" in str(done.exception)


@settings(deadline=None)
@given(st.lists(st.tuples(st.sampled_from(("same", "missed", "dropped", "change")), st.integers(0, 2)), max_size=40))
def test_what_processes_counted_together_is_what_one_would_have_counted(done: list[tuple[str, int]]) -> None:
    alone, parts, together = Tally(), [Tally(), Tally(), Tally()], Tally()
    rules: tuple[list[str], ...] = (["a"], ["b", "c"], [])
    for what, which in done:
        for tally in (alone, parts[which]):
            if what == "same":
                tally.same()
            elif what == "change":
                tally.change(list(Action)[which], Action.MASKED, rules[which], rules[which - 1])
            else:
                tally.missed(dropped=what == "dropped")
    for part in parts:
        together.add(json.loads(json.dumps(part.state())))
    assert together.summary() == alone.summary()
    assert together.state() == alone.state()


@pytest.mark.skipif(sys.platform == "win32", reason="several workers need Linux or macOS")
def test_processes_of_one_server_write_one_report(tmp_path: Path) -> None:
    path = described(tmp_path)
    shared = replace(ShadowSettings.of(path), parts=tmp_path / "parts")
    live, offered = Guard(loads(LIVE)), 0
    for text in ("an osprey", "hello"):
        made = [Shadowing(shared, Telemetry().registry) for _ in range(2)]
        for number, shadowing in enumerate(made, 2):
            for _ in range(number):
                shadowing.pieces([Piece(text)], Source.INPUT, live)
                offered += 1
            shadowing.settle()
        with ThreadPoolExecutor() as pool:  # all end at once, and the report is not that of whoever was slowest
            list(pool.map(Shadowing.close, made))
        found = json.loads((tmp_path / "shadow.json").read_text())["candidates"]["live"]
        assert found["texts"] == offered
    assert (found["changed"]["value"], found["dropped"]) == (0.5, 0)
    assert "earlier" not in found
    # A process that begins again with another candidate does not add to what was counted of this one.
    (tmp_path / "next.yaml").write_text(NEXT.replace("osprey", "gull"))
    again = Shadowing(shared, Telemetry().registry)
    again.pieces([Piece("a gull")], Source.INPUT, live)
    again.settle()
    again.close()
    found = json.loads((tmp_path / "shadow.json").read_text())["candidates"]["live"]
    assert (found["texts"], [e["texts"] for e in found["earlier"]]) == (1, [offered])
    assert found["sha256"] != found["earlier"][0]["sha256"]


def test_a_process_that_begins_again_after_the_end_serves_and_counts_nothing(tmp_path: Path) -> None:
    path = described(tmp_path, until="2020-01-01")
    made = Shadowing(ShadowSettings.of(path, begun=True), Telemetry().registry)
    made.pieces([Piece("an osprey")], Source.INPUT, Guard(loads(LIVE)))
    made.close()
    assert json.loads((tmp_path / "shadow.json").read_text())["candidates"]["live"]["texts"] == 0
