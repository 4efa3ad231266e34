"""Presidio's analyzer and anonymizer over HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.service.servers import folder, served

TEXT = "Mail bob@example.com or call +1 212 555 0123 about 4111 1111 1111 1111"


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with served(folder(tmp_path_factory.mktemp("presidio"))) as address:
        yield address


def post(base: str, path: str, body: Any) -> Any:
    answer = httpx.post(base + path, json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()


def refused(base: str, path: str, body: Any, status: int = 400) -> str:
    answer = httpx.post(base + path, json=body)
    assert answer.status_code == status
    return str(answer.json()["error"])


def test_values_are_found_under_presidios_names(base: str) -> None:
    asked = ["EMAIL_ADDRESS", "PHONE_NUMBER", "CREDIT_CARD"]
    found = post(base, "/analyze", {"text": TEXT, "language": "en", "entities": asked})
    places = {r["entity_type"]: TEXT[r["start"] : r["end"]] for r in found}
    assert places["EMAIL_ADDRESS"] == "bob@example.com"
    assert places["CREDIT_CARD"] == "4111 1111 1111 1111"
    assert set(places) == set(asked)
    assert all(0 < r["score"] <= 1 for r in found)


def test_a_list_gives_a_list_and_a_threshold_leaves_out(base: str) -> None:
    body = {"text": [TEXT, "nothing"], "language": "en", "entities": ["EMAIL_ADDRESS"], "score_threshold": 0.5}
    first, second = post(base, "/analyze", body)
    assert [r["entity_type"] for r in first] == ["EMAIL_ADDRESS"]
    assert second == []
    assert post(base, "/analyze", {**body, "text": "bob@example.com", "score_threshold": 0.99}) == []
    assert post(base, "/analyze", {**body, "text": TEXT, "allow_list": ["bob@example.com"]}) == []
    by_regex = {**body, "text": TEXT, "allow_list": [r"@example\.com$"], "allow_list_match": "regex"}
    assert post(base, "/analyze", by_regex) == []


def test_recognisers_of_the_call(base: str) -> None:
    adhoc = [
        {"name": "zip", "supported_entity": "ZIP", "patterns": [{"name": "zip", "regex": r"\b\d{5}\b", "score": 0.4}]},
        {"name": "titles", "supported_entity": "TITLE", "deny_list": ["Mr.", "Dr."]},
    ]
    body = {
        "text": "Dr. Who lives in 10001",
        "language": "en",
        "ad_hoc_recognizers": adhoc,
        "entities": ["ZIP", "TITLE"],
    }
    found = post(base, "/analyze", body)
    assert [(r["entity_type"], r["score"]) for r in found] == [("TITLE", 1.0), ("ZIP", 0.4)]
    bad = {**body, "ad_hoc_recognizers": [{"supported_entity": "X", "patterns": [{"regex": "(?=x)", "score": 1}]}]}
    bad["entities"] = ["X"]
    assert "look-ahead" in refused(base, "/analyze", bad)


def test_what_was_found_is_anonymized_and_brought_back(base: str) -> None:
    results = post(base, "/analyze", {"text": TEXT, "language": "en", "entities": ["EMAIL_ADDRESS", "CREDIT_CARD"]})
    plain = post(base, "/anonymize", {"text": TEXT, "analyzer_results": results})
    assert "<EMAIL_ADDRESS>" in plain["text"]
    assert "<CREDIT_CARD>" in plain["text"]
    key = "3t6w9z$C&F)J@NcR"
    config = {"DEFAULT": {"type": "encrypt", "key": key}}
    secret = post(base, "/anonymize", {"text": TEXT, "analyzer_results": results, "anonymizers": config})
    assert "bob@" not in secret["text"]
    back = post(
        base,
        "/deanonymize",
        {
            "text": secret["text"],
            "anonymizer_results": secret["items"],
            "deanonymizers": {"DEFAULT": {"type": "decrypt", "key": key}},
        },
    )
    assert back["text"] == TEXT


def test_pages(base: str) -> None:
    assert httpx.get(base + "/health").text == "Presidio Analyzer service is up"
    assert {"EMAIL_ADDRESS", "PERSON", "US_SSN"} <= set(httpx.get(base + "/supportedentities?language=en").json())
    assert httpx.get(base + "/recognizers").json()
    assert "mask" in httpx.get(base + "/anonymizers").json()
    assert "decrypt" in httpx.get(base + "/deanonymizers").json()


@pytest.mark.parametrize(
    ("path", "body", "status", "told"),
    [
        ("/analyze", {"language": "en"}, 400, "text: is missing; add a string, or a list of strings"),
        ("/analyze", {"text": "x", "entities": ["EMAIL_ADRESS"]}, 400, "did you mean 'EMAIL_ADDRESS'?"),
        ("/analyze", {"text": "x", "score_threshold": 2}, 400, "score_threshold: must be from 0 to 1"),
        (
            "/analyze",
            {"text": "x", "ad_hoc_recognizers": [{"supported_entity": "X"}]},
            400,
            "neither patterns nor a deny_list",
        ),
        ("/anonymize", {"text": "x"}, 400, "analyzer_results: is missing"),
        ("/anonymize", {"text": "x", "analyzer_results": [{"start": 0}]}, 422, "Invalid input"),
        (
            "/anonymize",
            {"text": "x", "analyzer_results": [], "anonymizers": {"DEFAULT": {"type": "custom"}}},
            422,
            "not supported",
        ),
        ("/deanonymize", {"text": "x"}, 400, "anonymizer_results: is missing"),
    ],
)
def test_mistakes_are_errors_of_presidio(base: str, path: str, body: Any, status: int, told: str) -> None:
    assert told in refused(base, path, body, status)
