"""What Presidio's API documentation promises of its analyzer and anonymizer: every request shape, answer and error, over HTTP."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.service.servers import folder, served

TEXT = "I am Anna Weber, my phone is 212-555-0123 and my mail anna@example.com"
KEY = "WmZq4t7w!z%C&F)J"
PHONE = {"start": TEXT.index("212"), "end": TEXT.index(" and"), "score": 0.8, "entity_type": "PHONE_NUMBER"}
MAIL = {"start": TEXT.index("anna@"), "end": len(TEXT), "score": 1.0, "entity_type": "EMAIL_ADDRESS"}
NUMBER, ADDRESS = "212-555-0123", "anna@example.com"


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with served(folder(tmp_path_factory.mktemp("contract"))) as address:
        yield address


def post(base: str, path: str, body: Any, status: int = 200) -> Any:
    answer = httpx.post(base + path, json=body, timeout=300)
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"].startswith("application/json")
    return answer.json()


def is_result(one: Any, text: str) -> None:
    """A recognizer's result has these fields, and its place is in the text."""
    assert {"entity_type", "start", "end", "score", "analysis_explanation", "recognition_metadata"} == set(one)
    assert isinstance(one["entity_type"], str)
    assert 0 <= one["start"] < one["end"] <= len(text)
    assert 0 < one["score"] <= 1
    assert isinstance(one["recognition_metadata"]["recognizer_name"], str)


# -- POST /analyze -------------------------------------------------------------------------------------------------------

ZIP = {
    "name": "postal codes",
    "supported_language": "en",
    "supported_entity": "POSTCODE",
    "patterns": [{"name": "five digits", "regex": r"\b[0-9]{5}\b", "score": 0.35}],
    "context": ["postal", "code"],
}
TITLES = {"name": "titles", "supported_language": "en", "supported_entity": "TITLE", "deny_list": ["Dr.", "Prof."]}
ANALYZE: dict[str, tuple[dict[str, Any], set[tuple[str, str]]]] = {
    "text and language alone": ({"text": TEXT}, {("PHONE_NUMBER", NUMBER), ("EMAIL_ADDRESS", ADDRESS)}),
    "an id for correlation": ({"text": TEXT, "correlation_id": "b1c1"}, {("EMAIL_ADDRESS", ADDRESS)}),
    "some entities": ({"text": TEXT, "entities": ["EMAIL_ADDRESS"]}, {("EMAIL_ADDRESS", ADDRESS)}),
    "a threshold": (
        {"text": TEXT, "score_threshold": 0.3, "entities": ["EMAIL_ADDRESS"]},
        {("EMAIL_ADDRESS", ADDRESS)},
    ),
    "the decision process": ({"text": TEXT, "return_decision_process": True}, {("EMAIL_ADDRESS", ADDRESS)}),
    "words of context": ({"text": TEXT, "context": ["phone"]}, {("PHONE_NUMBER", NUMBER)}),
    "a recognizer of patterns": (
        {"text": "The postal code is 10023.", "ad_hoc_recognizers": [ZIP], "entities": ["POSTCODE"]},
        {("POSTCODE", "10023")},
    ),
    "a recognizer of words": (
        {"text": "Ask Dr. Weber.", "ad_hoc_recognizers": [TITLES], "entities": ["TITLE"]},
        {("TITLE", "Dr.")},
    ),
    "words in any case": (
        {"text": "ask dr. Weber.", "ad_hoc_recognizers": [TITLES], "entities": ["TITLE"]},
        {("TITLE", "dr.")},
    ),
    "recognizers beside the others": (
        {"text": "Dr. Weber, anna@example.com", "ad_hoc_recognizers": [TITLES, ZIP]},
        {("TITLE", "Dr."), ("EMAIL_ADDRESS", ADDRESS)},
    ),
}


@pytest.mark.parametrize("name", ANALYZE)
def test_analyze_takes(base: str, name: str) -> None:
    body, wanted = ANALYZE[name]
    results = post(base, "/analyze", {"language": "en", **body})
    for one in results:
        is_result(one, body["text"])
    found = {(r["entity_type"], body["text"][r["start"] : r["end"]]) for r in results}
    assert wanted <= found
    if "entities" in body:
        assert found == wanted


def test_analyze_takes_a_list_of_texts_and_answers_a_list_of_lists(base: str) -> None:
    texts = [TEXT, "Nothing here.", "Mail anna@example.com"]
    body = {"text": texts, "language": "en", "entities": ["EMAIL_ADDRESS"]}
    results = post(base, "/analyze", body)
    assert [len(r) for r in results] == [1, 0, 1]
    for text, one in zip(texts, results, strict=True):
        for result in one:
            is_result(result, text)


def test_analyze_leaves_out_what_is_allowed(base: str) -> None:
    body = {"text": "anna@example.com, bob@example.org", "language": "en", "entities": ["EMAIL_ADDRESS"]}
    assert len(post(base, "/analyze", {**body, "allow_list": ["anna@example.com"]})) == 1
    exact = {**body, "allow_list": ["anna@example.com"], "allow_list_match": "exact"}
    assert len(post(base, "/analyze", exact)) == 1
    assert post(base, "/analyze", {**body, "allow_list": [r"@example\."], "allow_list_match": "regex"}) == []


def test_an_entity_that_only_presidio_finds_is_passed_over_and_named(base: str) -> None:
    body = {"text": TEXT, "language": "en", "entities": ["DATE_TIME", "EMAIL_ADDRESS", "NRP", "DATE_TIME"]}
    answer = httpx.post(base + "/analyze", json=body, timeout=300)
    assert answer.status_code == 200
    assert [r["entity_type"] for r in answer.json()] == ["EMAIL_ADDRESS"]
    assert answer.headers["x-guardrails-entities-not-found-here"] == "DATE_TIME,NRP"
    assert (
        "x-guardrails-entities-not-found-here"
        not in httpx.post(base + "/analyze", json={"text": TEXT}, timeout=300).headers
    )


@pytest.mark.parametrize(
    ("text", "more", "score", "word"),
    [
        ("The postal office says 10023.", [], 0.7, "postal"),
        ("My POSTALCODES are 10023 and", [], 0.7, "postal"),
        ("The number is 10023, postal or not.", [], 0.35, ""),
        ("Postal: it may well be that 10023", [], 0.35, ""),
        ("The number is 10023.", ["a postal address"], 0.7, "postal"),
    ],
)
def test_words_of_context_raise_the_score_of_a_pattern(
    base: str, text: str, more: list[str], score: float, word: str
) -> None:
    body = {"text": text, "ad_hoc_recognizers": [ZIP], "entities": ["POSTCODE"], "context": more}
    (found,) = post(base, "/analyze", {**body, "return_decision_process": True})
    assert found["score"] == pytest.approx(score)
    assert found["recognition_metadata"]["recognizer_name"] == "postal codes"
    told = found["analysis_explanation"]
    assert (told["recognizer"], told["pattern_name"], told["pattern"]) == (
        "postal codes",
        "five digits",
        r"\b[0-9]{5}\b",
    )
    assert told["original_score"] == 0.35
    assert told["score_context_improvement"] == pytest.approx(score - 0.35)
    assert told["supportive_context_word"] == word
    assert post(base, "/analyze", {**body, "score_threshold": 0.5}) == (
        [] if not word else [{**found, "analysis_explanation": None}]
    )


ANALYZE_ERRORS: dict[str, tuple[Any, str]] = {
    "no text": ({"language": "en"}, "text: is missing"),
    "an unknown entity": ({"text": "x", "entities": ["NO_SUCH_THING"]}, "entities[0]: is no entity here"),
    "an entity that only Presidio finds": ({"text": "x", "entities": ["DATE_TIME"]}, "entities[0]: is no entity here"),
    "a name beside it that nobody knows": (
        {"text": "x", "entities": ["DATE_TIME", "EMAIL_ADDRESS", "EMIAL_ADDRESS"]},
        "entities[2]: is no entity here",
    ),
    "a threshold above one": ({"text": "x", "score_threshold": 7}, "score_threshold: must be from 0 to 1"),
    "a pattern that does not compile": (
        {"text": "x", "ad_hoc_recognizers": [{**ZIP, "patterns": [{"name": "a", "regex": "(", "score": 1}]}]},
        "ad_hoc_recognizers: a pattern cannot be used",
    ),
    "a recognizer without an entity": (
        {"text": "x", "ad_hoc_recognizers": [{"name": "a"}]},
        "supported_entity: is missing",
    ),
    "a text that is an object": ({"text": {"a": 1}}, "text: must be a string, or a list of strings"),
}


@pytest.mark.parametrize("name", ANALYZE_ERRORS)
def test_analyze_refuses(base: str, name: str) -> None:
    body, told = ANALYZE_ERRORS[name]
    error = post(base, "/analyze", body, 400)
    assert set(error) == {"error"}
    assert told in error["error"]


# -- POST /anonymize -----------------------------------------------------------------------------------------------------

OPERATORS: dict[str, tuple[dict[str, Any] | None, str, str]] = {
    "no operator": (None, "<PHONE_NUMBER>", "replace"),
    "replace": ({"type": "replace", "new_value": "(a phone)"}, "(a phone)", "replace"),
    "replace without a value": ({"type": "replace"}, "<PHONE_NUMBER>", "replace"),
    "redact": ({"type": "redact"}, "", "redact"),
    "mask at the end": (
        {"type": "mask", "masking_char": "*", "chars_to_mask": 4, "from_end": True},
        "212-555-****",
        "mask",
    ),
    "mask at the beginning": (
        {"type": "mask", "masking_char": "#", "chars_to_mask": 3, "from_end": False},
        "###-555-0123",
        "mask",
    ),
    "keep": ({"type": "keep"}, NUMBER, "keep"),
}


@pytest.mark.parametrize("name", OPERATORS)
def test_anonymize_does(base: str, name: str) -> None:
    config, there, operator = OPERATORS[name]
    body = {"text": TEXT, "analyzer_results": [PHONE], **({"anonymizers": {"PHONE_NUMBER": config}} if config else {})}
    said = post(base, "/anonymize", body)
    assert said["text"] == TEXT.replace(NUMBER, there)
    (item,) = said["items"]
    assert set(item) == {"operator", "entity_type", "start", "end", "text"}
    assert (item["operator"], item["entity_type"], item["text"]) == (operator, "PHONE_NUMBER", there)
    assert said["text"][item["start"] : item["end"]] == there


def test_anonymize_hashes_with_the_salt_of_the_caller(base: str) -> None:
    salt = "0123456789abcdef"
    for kind, digest in (("sha256", hashlib.sha256), ("sha512", hashlib.sha512)):
        config = {"type": "hash", "hash_type": kind, "salt": salt}
        body = {"text": TEXT, "analyzer_results": [PHONE], "anonymizers": {"PHONE_NUMBER": config}}
        (item,) = post(base, "/anonymize", body)["items"]
        assert item["operator"] == "hash"
        assert len(item["text"]) == digest().digest_size * 2
        assert post(base, "/anonymize", body)["items"] == [item]


def test_anonymize_takes_an_operator_for_each_entity_and_one_for_the_rest(base: str) -> None:
    configs = {"EMAIL_ADDRESS": {"type": "redact"}, "DEFAULT": {"type": "replace", "new_value": "ANY"}}
    said = post(base, "/anonymize", {"text": TEXT, "analyzer_results": [PHONE, MAIL], "anonymizers": configs})
    assert said["text"] == TEXT.replace(NUMBER, "ANY").replace(ADDRESS, "")
    assert [i["entity_type"] for i in said["items"]] == ["EMAIL_ADDRESS", "PHONE_NUMBER"]


def test_anonymize_takes_what_analyze_answered(base: str) -> None:
    found = post(base, "/analyze", {"text": TEXT, "language": "en", "entities": ["EMAIL_ADDRESS", "PHONE_NUMBER"]})
    said = post(base, "/anonymize", {"text": TEXT, "analyzer_results": found})
    assert said["text"] == TEXT.replace(NUMBER, "<PHONE_NUMBER>").replace(ADDRESS, "<EMAIL_ADDRESS>")
    assert post(base, "/anonymize", {"text": TEXT, "analyzer_results": []}) == {"text": TEXT, "items": []}


ANONYMIZE_ERRORS: dict[str, tuple[dict[str, Any], int, str]] = {
    "no text": ({"analyzer_results": [PHONE]}, 400, "text: is missing; add a string"),
    "no results": ({"text": TEXT}, 400, "analyzer_results: is missing; add a list of objects"),
    "a result without a place": ({"text": TEXT, "analyzer_results": [{"entity_type": "X", "score": 1}]}, 422, "start"),
    "a place outside of the text": ({"text": "x", "analyzer_results": [PHONE]}, 422, "Invalid analyzer result"),
    "an operator that is none": (
        {"text": TEXT, "analyzer_results": [PHONE], "anonymizers": {"DEFAULT": {"type": "shred"}}},
        422,
        "Invalid operator class 'shred'",
    ),
    "a mask without its settings": (
        {"text": TEXT, "analyzer_results": [PHONE], "anonymizers": {"DEFAULT": {"type": "mask"}}},
        422,
        "masking_char",
    ),
    "a key of a wrong length": (
        {"text": TEXT, "analyzer_results": [PHONE], "anonymizers": {"DEFAULT": {"type": "encrypt", "key": "x"}}},
        422,
        "key must be of length",
    ),
    "code of the caller's": (
        {"text": TEXT, "analyzer_results": [PHONE], "anonymizers": {"DEFAULT": {"type": "custom"}}},
        422,
        "not supported",
    ),
}


@pytest.mark.parametrize("name", ANONYMIZE_ERRORS)
def test_anonymize_refuses(base: str, name: str) -> None:
    body, status, told = ANONYMIZE_ERRORS[name]
    error = post(base, "/anonymize", body, status)
    assert set(error) == {"error"}
    assert told in error["error"]
    assert NUMBER not in error["error"]


# -- POST /deanonymize ---------------------------------------------------------------------------------------------------


def encrypted(base: str) -> Any:
    configs = {"DEFAULT": {"type": "encrypt", "key": KEY}}
    return post(base, "/anonymize", {"text": TEXT, "analyzer_results": [PHONE, MAIL], "anonymizers": configs})


@pytest.mark.parametrize("entity", ["DEFAULT", "both"])
def test_deanonymize_brings_back(base: str, entity: str) -> None:
    secret = encrypted(base)
    assert NUMBER not in secret["text"]
    names = ["DEFAULT"] if entity == "DEFAULT" else ["PHONE_NUMBER", "EMAIL_ADDRESS"]
    configs = {name: {"type": "decrypt", "key": KEY} for name in names}
    body = {"text": secret["text"], "anonymizer_results": secret["items"], "deanonymizers": configs}
    said = post(base, "/deanonymize", body)
    assert said["text"] == TEXT
    assert {i["operator"] for i in said["items"]} == {"decrypt"}
    assert {(i["entity_type"], i["text"]) for i in said["items"]} == {
        ("PHONE_NUMBER", NUMBER),
        ("EMAIL_ADDRESS", ADDRESS),
    }


def test_deanonymize_refuses(base: str) -> None:
    secret = encrypted(base)
    body = {"text": secret["text"], "anonymizer_results": secret["items"]}
    wrong = {**body, "deanonymizers": {"DEFAULT": {"type": "decrypt", "key": KEY[::-1]}}}
    assert NUMBER not in str(post(base, "/deanonymize", wrong, 422))
    none = {**body, "deanonymizers": {"DEFAULT": {"type": "unshred"}}}
    assert "Invalid operator class 'unshred'" in post(base, "/deanonymize", none, 422)["error"]
    assert "text: is missing" in post(base, "/deanonymize", {"anonymizer_results": []}, 400)["error"]
    assert "anonymizer_results: is missing" in post(base, "/deanonymize", {"text": "x"}, 400)["error"]


# -- GET -----------------------------------------------------------------------------------------------------------------


def test_what_there_is(base: str) -> None:
    for query in ("", "?language=en"):
        entities = httpx.get(f"{base}/supportedentities{query}").json()
        assert {"EMAIL_ADDRESS", "PHONE_NUMBER", "PERSON", "CREDIT_CARD", "US_SSN", "IP_ADDRESS"} <= set(entities)
        names = httpx.get(f"{base}/recognizers{query}").json()
        assert names
        assert all(isinstance(n, str) for n in names)
    assert {"replace", "redact", "mask", "hash", "encrypt"} <= set(httpx.get(base + "/anonymizers").json())
    assert "decrypt" in httpx.get(base + "/deanonymizers").json()


def test_every_entity_that_is_named_may_be_asked_for(base: str) -> None:
    entities = httpx.get(base + "/supportedentities").json()
    post(base, "/analyze", {"text": "Nothing here.", "language": "en", "entities": entities})


def test_health(base: str) -> None:
    answer = httpx.get(base + "/health")
    assert answer.status_code == 200
    assert answer.text.startswith("Presidio")


def test_another_method_and_no_json_are_errors_of_its_form(base: str) -> None:
    assert httpx.get(base + "/analyze").status_code == 405
    broken = httpx.post(base + "/analyze", content=b"{", headers={"content-type": "application/json"})
    assert (broken.status_code, set(broken.json())) == (400, {"error"})
