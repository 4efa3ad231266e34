"""``guardrails demo`` as a person meets it, and as docs/proxy.md shows it."""

from __future__ import annotations

import json
import re
import shlex
import signal
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from guardrails.demo.running import KEYS, TENANTS, TRIES, curl, what_to_try
from guardrails.tenants import hash_key
from tests.proxy.command import Running, running

ROOT = Path(__file__).resolve().parents[2]
DOCS = (ROOT / "docs/proxy.md").read_text(encoding="utf-8")
SHOWN = re.findall(r"^\$ (curl .*?'\{.*?\}')\n(.*?)\n```", DOCS, re.DOTALL | re.MULTILINE)


@pytest.fixture(scope="module")
def demo() -> Iterator[tuple[Running, str]]:
    with running("demo", "--port", "0") as made:
        yield made, made.address(r"The demo listens on (\S+):")
        made.process.send_signal(signal.SIGINT)
        assert made.ended() == 0


def carried_out(command: str, base: str) -> str:
    """What the curl line gets."""
    words = shlex.split(command.replace("\\\n", " "))
    url = next(w for w in words if w.startswith("http"))
    headers = dict(words[i + 1].split(": ", 1) for i, w in enumerate(words) if w == "-H")
    body = words[words.index("-d") + 1]
    return httpx.post(base + httpx.URL(url).path, content=body, headers=headers, timeout=60).text.rstrip("\n")


def test_there_is_something_to_see() -> None:
    assert len(SHOWN) == 5


@pytest.mark.parametrize(("command", "output"), SHOWN)
def test_the_page_shows_what_happens(demo: tuple[Running, str], command: str, output: str) -> None:
    assert command in [curl(one, "http://127.0.0.1:8080") for one in TRIES]
    assert carried_out(command, demo[1]) == output


def test_every_line_that_is_printed_works(demo: tuple[Running, str]) -> None:
    made, base = demo
    printed = "\n".join(made.out)
    assert what_to_try(base).splitlines()[:10] == made.out[:10]
    for one in TRIES:
        assert curl(one, base) in printed
        assert carried_out(curl(one, base), base)
    page = httpx.get(base + "/metrics").text
    assert 'guardrails_decisions_total{action="BLOCKED",direction="OUTPUT",tenant="tutor"}' in page


def test_every_answer_carries_its_decision(demo: tuple[Running, str]) -> None:
    made, base = demo
    one = next(t for t in TRIES if "PIN" in t.message)
    done = httpx.post(
        base + one.path, json=one.body(), headers={"authorization": f"Bearer {KEYS[one.tenant]}"}, timeout=60
    )
    decision = done.headers["x-guardrails-decision-id"]
    lines = [json.loads(line) for line in made.out if line.startswith("{")]
    assert decision in [line["id"] for line in lines]
    # A number of its own: ids and hashes may hold these digits.
    assert not re.search(r"(?<![0-9a-f])4821(?![0-9a-f])", "\n".join(line for line in made.out if line.startswith("{")))


def test_without_a_key_nothing_passes(demo: tuple[Running, str]) -> None:
    body = TRIES[0].body()
    assert httpx.post(demo[1] + "/v1/chat/completions", json=body).status_code == 401
    wrong = {"authorization": "Bearer demo-bank-0123456789-abcdefghijklmo"}
    assert httpx.post(demo[1] + "/v1/chat/completions", json=body, headers=wrong).status_code == 401


def test_the_keys_are_those_of_the_file() -> None:
    text = (TENANTS / "tenants.yaml").read_text(encoding="utf-8")
    for key in KEYS.values():
        assert hash_key(key) in text
        assert key not in text
