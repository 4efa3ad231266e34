"""Limits of keys: what is allowed, when it is again, and how each contract says that it is not."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import boto3
import httpx
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from hypothesis import given, settings
from hypothesis import strategies as st
from openai import OpenAI, RateLimitError

from guardrails.errors import GuardrailsError, PolicyError
from guardrails.service import service_app
from guardrails.service.limits import Limit, Limited, Limits, Usage, units
from guardrails.stores import Memory
from tests.service.servers import folder, keys, served


class Clock:
    """Seconds that pass when a test says so; the day has ten left."""

    def __init__(self) -> None:
        self.passed = 0.0

    def monotonic(self) -> float:
        return 1_000.0 + self.passed

    def now(self) -> float:
        return 86_400 * 20_000 - 10 + self.passed


def refused(usage: Usage, limits: Limits, caller: str = "a") -> tuple[Limit, int] | None:
    try:
        asyncio.run(usage.request(caller, limits))
    except Limited as error:
        return error.limit, error.retry_after
    return None


def test_a_bucket_gives_a_burst_and_then_its_rate() -> None:
    clock = Clock()
    usage, limits = Usage(Memory(clock.monotonic, clock.now)), Limits(requests_per_second=0.5, burst=3)
    assert [refused(usage, limits) for _ in range(4)] == [None, None, None, (Limit.RATE, 2)]
    assert refused(usage, limits, "another") is None
    clock.passed = 1.9
    assert refused(usage, limits) == (Limit.RATE, 1)
    clock.passed = 2.0
    assert [refused(usage, limits) for _ in range(2)] == [None, (Limit.RATE, 2)]
    clock.passed = 9.9
    assert [refused(usage, limits) for _ in range(4)].count(None) == 3, "no more than the burst is saved up"


def test_a_day_ends_at_midnight_and_what_is_refused_does_not_count() -> None:
    clock = Clock()
    usage, limits = Usage(Memory(clock.monotonic, clock.now)), Limits(requests_per_day=2)
    assert [refused(usage, limits) for _ in range(5)] == [None, None, *[(Limit.REQUESTS, 10)] * 3]
    clock.passed = 10
    assert [refused(usage, limits) for _ in range(3)] == [None, None, (Limit.REQUESTS, 86_400)]
    clock.passed = 5  # the clock is set back: what was used stays used, and the wait is the longer one
    assert refused(usage, limits) == (Limit.REQUESTS, 86_405)


def test_text_counts_once_it_was_checked() -> None:
    clock = Clock()
    usage, limits = Usage(Memory(clock.monotonic, clock.now)), Limits(text_units_per_day=3)
    asyncio.run(usage.text("a", limits, 2))
    assert refused(usage, limits) is None
    asyncio.run(usage.text("a", limits, 5))
    assert refused(usage, limits) == (Limit.UNITS, 10)
    assert [units(n) for n in (0, 1, 1_000, 1_001)] == [0, 1, 1, 2]


@settings(deadline=None)
@given(
    st.floats(0.01, 50),
    st.integers(1, 20),
    st.lists(st.floats(0, 5), min_size=1, max_size=60),
)
def test_never_more_than_rate_and_burst_allow(rate: float, burst: int, waits: list[float]) -> None:
    clock = Clock()
    usage, limits = Usage(Memory(clock.monotonic, lambda: 0.0)), Limits(requests_per_second=rate, burst=burst)
    allowed = 0
    for wait in waits:
        clock.passed += wait
        told = refused(usage, limits)
        allowed += told is None
        if told is not None:  # the promise of Retry-After holds
            clock.passed += told[1]
            assert refused(usage, limits) is None
            allowed += 1
    assert allowed <= burst + rate * clock.passed + 1e-4  # a microsecond more or less is rounding


@pytest.mark.parametrize("bad", [{"burst": 3}, {"requests_per_day": 0}, {"requests_per_second": float("inf")}])
def test_limits_that_mean_nothing_are_refused(bad: dict[str, float]) -> None:
    with pytest.raises(GuardrailsError, match="limits"):
        Limits(**bad)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("limits", "told"),
    [
        ("{requests_per_second: 0}", "requests_per_second"),
        ("{requests_per_day: 1.5}", "whole number"),
        ("{burst: 4}", "requests_per_second"),
        ("{requests_a_day: 4}", "requests_per_day"),
    ],
)
def test_a_file_with_wrong_limits_says_where(tmp_path: Path, limits: str, told: str) -> None:
    file, _ = keys(tmp_path, chat=f"limits: {limits}")
    with pytest.raises(PolicyError, match=r"chat\.limits") as caught:
        service_app(folder(tmp_path), keys=file)
    assert told in str(caught.value)


@pytest.fixture(scope="module")
def limited(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, dict[str, str]]]:
    """Keys that have one request an hour left, or one a day, of which nothing is left."""
    root = tmp_path_factory.mktemp("limited")
    rate = "{requests_per_second: 0.001}"
    file, made = keys(root, rate=f"default: small, limits: {rate}", quota="default: small", ops="scopes: [admin]")
    text = file.read_text().replace("keys:", "limits: {requests_per_day: 1}\nkeys:", 1)
    file.write_text(text, encoding="utf-8")
    with served(folder(root), keys=file) as base:
        for key in made.values():
            httpx.get(base + "/v1/guardrails", headers={"x-api-key": key})
        yield base, made


@pytest.mark.parametrize(
    ("path", "pointer", "rate", "quota"),
    [
        ("/v1/check", ("error", "code"), "rate_limit_exceeded", "quota_exceeded"),
        ("/v1/moderations", ("error", "code"), "rate_limit_exceeded", "insufficient_quota"),
        ("/contentsafety/text:analyze", ("error", "code"), "TooManyRequests", "TooManyRequests"),
        ("/beta/litellm_basic_guardrail_api", ("error", "code"), "rate_limit_exceeded", "quota_exceeded"),
        ("/analyze", ("error",), "too many requests", "used up"),
        ("/v1/checks", ("detail",), "too many requests", "used up"),
    ],
)
def test_each_contract_says_it_in_its_own_shape(
    limited: tuple[str, dict[str, str]], path: str, pointer: tuple[str, ...], rate: str, quota: str
) -> None:
    base, made = limited
    for name, expected in (("rate", rate), ("quota", quota)):
        answer = httpx.post(base + path, json={}, headers={"x-api-key": made[name]})
        assert answer.status_code == 429
        assert 0 < int(answer.headers["retry-after"]) <= 86_400
        told = answer.json()
        for step in pointer:
            told = told[step]
        assert expected in told


def test_bedrocks_client_knows_the_two_apart(limited: tuple[str, dict[str, str]]) -> None:
    base, made = limited
    codes = []
    for name in ("rate", "quota"):
        client = boto3.client(
            "bedrock-runtime",
            endpoint_url=base,
            region_name="us-east-1",
            aws_access_key_id=made[name],
            aws_secret_access_key="x",
            config=Config(retries={"total_max_attempts": 1}),
        )
        with pytest.raises(ClientError) as caught:
            client.apply_guardrail(
                guardrailIdentifier="small",
                guardrailVersion="DRAFT",
                source="INPUT",
                content=[{"text": {"text": "hello"}}],
            )
        codes.append((caught.type.__name__, caught.value.response["ResponseMetadata"]["HTTPStatusCode"]))
    assert codes == [("ThrottlingException", 429), ("ServiceQuotaExceededException", 400)]


def test_openais_client_raises_its_own_error(limited: tuple[str, dict[str, str]]) -> None:
    base, made = limited
    with pytest.raises(RateLimitError, match="Retry-After"):
        OpenAI(base_url=base + "/v1", api_key=made["rate"], max_retries=0).moderations.create(input="hello")


def test_what_was_refused_is_counted_and_the_pages_are_free(limited: tuple[str, dict[str, str]]) -> None:
    base, made = limited
    httpx.post(base + "/v1/check", json={}, headers={"x-api-key": made["rate"]})
    page = httpx.get(base + "/metrics", headers={"x-api-key": made["ops"]})
    assert page.status_code == 200, "the common limit is one request a day"
    assert 'guardrails_limited_total{limit="requests_per_second",tenant="rate"}' in page.text
    assert httpx.get(base + "/openapi.json").status_code == 200


def test_text_units_are_counted_over_the_wire(tmp_path: Path) -> None:
    with served(folder(tmp_path), limits=Limits(text_units_per_day=3)) as base:
        body = {"source": "INPUT", "guardrail": "small", "checks": [{"text": "a " * 700}, {"text": "short"}]}
        assert httpx.post(base + "/v1/check", json=body).status_code == 200
        answer = httpx.post(base + "/v1/check", json=body)
        assert (answer.status_code, answer.json()["error"]["code"]) == (429, "quota_exceeded")
