"""The mistakes that clients make most, in every contract: the answer has the product's own shape, and names the field and the remedy."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest

from tests.service.servers import folder, keys, served

JUDGING = """
version: 1
name: judging
content: {PROMPT_ATTACK: {input: HIGH, output: NONE}}
words: {terms: [{id: secret, terms: [project kingfisher], action: block}]}
"""
BLOCK = {"text": {"text": "hello"}}
CHAT = [{"role": "user", "content": "hello"}]
LITELLM = "/beta/litellm_basic_guardrail_api"


def own(answer: httpx.Response) -> str:
    error = answer.json()["error"]
    assert set(error) <= {"code", "message", "field"}
    return str(error["message"])


def aws(answer: httpx.Response) -> str:
    assert answer.headers["x-amzn-errortype"].endswith("Exception")
    assert answer.headers["x-amzn-requestid"]
    return str(answer.json()["message"])


def openai(answer: httpx.Response) -> str:
    error = answer.json()["error"]
    assert set(error) == {"message", "type", "param", "code"}
    return str(error["message"])


def azure(answer: httpx.Response) -> str:
    error = answer.json()["error"]
    assert error["code"] == answer.headers["x-ms-error-code"]
    return str(error["message"])


def bare(answer: httpx.Response) -> str:
    assert set(answer.json()) == {"error"}
    return str(answer.json()["error"])


def detail(answer: httpx.Response) -> str:
    assert set(answer.json()) == {"detail"}
    return str(answer.json()["detail"])


@dataclass(frozen=True)
class Contract:
    """A path, a body that is right, and the message of an error of its shape. ``statuses``: where they are not the usual ones."""

    path: str
    body: dict[str, Any]
    told: Callable[[httpx.Response], str]
    statuses: dict[int, int] = field(default_factory=dict)
    key: str = "chat"


AWS = {401: 403, 405: 404, 413: 400, 415: 400}
FASTAPI = {400: 422, 404: 422}
REQUEST = {"name": "made", "blockedInputMessaging": "No.", "blockedOutputsMessaging": "No."}
CONTRACTS = {
    "check": Contract("/v1/check", {"text": "hello", "source": "INPUT"}, own),
    "stream": Contract("/v1/check/stream", {"call": "a", "piece": 0, "text": "hello"}, own),
    "bedrock": Contract("/guardrail/judging/version/DRAFT/apply", {"source": "INPUT", "content": [BLOCK]}, aws, AWS),
    "bedrock-checks": Contract(
        "/guardrail-checks/invoke",
        {
            "messages": [{"role": "user", "content": [{"text": "hello"}]}],
            "checks": {"sensitiveInformation": {"entities": [{"type": "EMAIL"}]}},
        },
        aws,
        AWS,
    ),
    "bedrock-control": Contract("/guardrails", REQUEST, aws, AWS, key="author"),
    "openai": Contract("/v1/moderations", {"input": "hello"}, openai),
    "litellm": Contract(LITELLM, {"input_type": "request", "texts": ["hello"]}, own),
    "presidio": Contract("/analyze", {"text": "hello", "language": "en"}, bare),
    "presidio-anonymize": Contract("/anonymize", {"text": "hello", "analyzer_results": []}, bare),
    "azure": Contract("/contentsafety/text:shieldPrompt", {"userPrompt": "hello"}, azure),
    "nemo": Contract("/v1/checks", {"messages": CHAT}, detail, FASTAPI),
    "llm-guard": Contract("/analyze/prompt", {"prompt": "hello"}, detail, FASTAPI),
    "agentgateway": Contract("/request", {"body": {"messages": CHAT}}, own),
    "portkey": Contract(
        "/portkey",
        {
            "eventType": "beforeRequestHook",
            "requestType": "chatComplete",
            "request": {"json": {"model": "m", "messages": CHAT}},
        },
        own,
    ),
}
each = pytest.mark.parametrize("name", CONTRACTS)


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, dict[str, str]]]:
    """The service and its keys; a body may have 20,000 bytes."""
    root = tmp_path_factory.mktemp("mistakes")
    file, made = keys(root, chat="default: judging", author="scopes: [author]", other="guardrails: [other-team]")
    with served(folder(root, judging=JUDGING), keys=file, max_body=20_000) as base:
        yield base, made


def send(
    service: tuple[str, dict[str, str]], contract: Contract, data: Any, *, key: str | None = "", **headers: str
) -> httpx.Response:
    base, made = service
    shown = {} if key is None else {"authorization": f"Bearer {made.get(key or contract.key, key)}"}
    content = data if isinstance(data, bytes) else json.dumps(data).encode()
    sent = {"content-type": "application/json", **shown, **headers}
    return httpx.post(base + contract.path, content=content, headers=sent, timeout=300)


def refused(contract: Contract, answer: httpx.Response, status: int, *words: str) -> None:
    assert answer.status_code == contract.statuses.get(status, status), answer.text
    told = contract.told(answer)
    for word in words:
        assert word in told
    assert len(told) > 20, "what is wrong, and what to do"


@each
def test_what_is_right_is_answered(service: tuple[str, dict[str, str]], name: str) -> None:
    contract = CONTRACTS[name]
    answer = send(service, contract, contract.body)
    assert answer.status_code in ((202, 400) if name == "bedrock-control" else (200,)), answer.text
    if name == "bedrock-control":  # a policy without a rule is refused, and that is told
        assert "no rule" in contract.told(answer)


# -- of the whole request: in every contract -----------------------------------------------------------------------------


@each
def test_no_key(service: tuple[str, dict[str, str]], name: str) -> None:
    contract = CONTRACTS[name]
    refused(contract, send(service, contract, contract.body, key=None), 401, "no key was sent", "authorization: Bearer")


@each
def test_a_wrong_key(service: tuple[str, dict[str, str]], name: str) -> None:
    contract = CONTRACTS[name]
    wrong = "gr-" + "x" * 40
    answer = send(service, contract, contract.body, key=wrong)
    refused(contract, answer, 401, "nobody's key", "new-key")
    assert wrong not in answer.text


@each
def test_a_key_without_the_scope(service: tuple[str, dict[str, str]], name: str) -> None:
    contract = CONTRACTS[name]
    key, scope = ("chat", "author") if contract.key == "author" else ("author", "check")
    refused(contract, send(service, contract, contract.body, key=key), 403, f"the scope {scope}", "keys.yaml")


@each
def test_a_body_that_is_no_json(service: tuple[str, dict[str, str]], name: str) -> None:
    contract = CONTRACTS[name]
    refused(contract, send(service, contract, b"{'text': 'hello'}"), 400, "JSON")


@each
def test_no_body(service: tuple[str, dict[str, str]], name: str) -> None:
    contract = CONTRACTS[name]
    refused(contract, send(service, contract, b""), 400, "missing")


@each
def test_a_list_instead_of_an_object(service: tuple[str, dict[str, str]], name: str) -> None:
    contract = CONTRACTS[name]
    refused(contract, send(service, contract, [contract.body]), 400, "the body: must be an object, not a list")


@each
def test_a_field_that_stands_twice(service: tuple[str, dict[str, str]], name: str) -> None:
    contract = CONTRACTS[name]
    first = json.dumps(contract.body)[1:-1]
    refused(contract, send(service, contract, f"{{{first}, {first}}}".encode()), 400, "twice")


@each
def test_a_body_that_is_too_large(service: tuple[str, dict[str, str]], name: str) -> None:
    contract = CONTRACTS[name]
    refused(contract, send(service, contract, {**contract.body, "more": "x" * 30_000}), 413, "20000")


@each
def test_another_content_type(service: tuple[str, dict[str, str]], name: str) -> None:
    contract = CONTRACTS[name]
    answer = send(service, contract, contract.body, **{"content-type": "multipart/form-data; boundary=x"})
    refused(contract, answer, 415, "application/json")


@each
def test_an_unknown_content_coding(service: tuple[str, dict[str, str]], name: str) -> None:
    contract = CONTRACTS[name]
    refused(contract, send(service, contract, contract.body, **{"content-encoding": "lzma"}), 415, "gzip")


@each
def test_another_method(service: tuple[str, dict[str, str]], name: str) -> None:
    contract = CONTRACTS[name]
    base, made = service
    answer = httpx.delete(base + contract.path, headers={"x-api-key": made[contract.key]})
    refused(contract, answer, 405, "POST")
    assert ("POST" in answer.headers.get("allow", "")) is (answer.status_code == 405)


@each
def test_a_path_with_a_typing_error(service: tuple[str, dict[str, str]], name: str) -> None:
    contract = CONTRACTS[name]
    base, made = service
    path = contract.path[:2] + contract.path[3:]
    answer = httpx.post(base + path, json=contract.body, headers={"x-api-key": made[contract.key]})
    assert answer.status_code == 404
    assert "/openapi.json" in answer.json()["error"]["message"]


# -- of fields -----------------------------------------------------------------------------------------------------------

MISTAKES: list[tuple[str, dict[str, Any], int, str]] = [
    # a field that is missing
    ("check", {"source": ...}, 400, "source: is missing; add a string"),
    ("stream", {"piece": ...}, 400, "piece: is missing; add a number"),
    ("bedrock", {"source": ...}, 400, "source: is missing"),
    ("bedrock-checks", {"checks": ...}, 400, "checks: is missing; add an object"),
    ("bedrock-control", {"blockedInputMessaging": ...}, 400, "blockedInputMessaging: is missing"),
    ("openai", {"input": ...}, 400, "input: is missing; add a string, or a list of strings"),
    ("litellm", {"input_type": ...}, 400, "input_type: is missing"),
    ("presidio", {"text": ...}, 400, "text: is missing; add a string, or a list of strings"),
    ("presidio-anonymize", {"analyzer_results": ...}, 400, "analyzer_results: is missing; add a list of objects"),
    ("azure", {"userPrompt": ...}, 400, "userPrompt: is missing; add a string, or documents"),
    ("nemo", {"messages": ...}, 400, "messages: is missing; add a list of objects"),
    ("llm-guard", {"prompt": ...}, 400, "prompt: is missing; add a string"),
    ("agentgateway", {"body": ...}, 400, "body: is missing; add an object"),
    ("portkey", {"request": ...}, 400, "request: is missing; add an object"),
    ("portkey", {"eventType": "before"}, 400, "eventType: 'before' is none of beforeRequestHook, afterRequestHook"),
    # a name that none of the values has
    ("check", {"source": "PROMPT"}, 400, "source: 'PROMPT' is none of INPUT, OUTPUT"),
    ("check", {"source": "input"}, 400, "did you mean 'INPUT'?"),
    ("bedrock", {"source": "Input"}, 400, "did you mean 'INPUT'?"),
    ("bedrock", {"outputScope": "ALL"}, 400, "outputScope: 'ALL' is none of INTERVENTIONS, FULL"),
    ("litellm", {"input_type": "input"}, 400, "input_type: 'input' is none of request, response"),
    ("azure", {"documents": "hello"}, 400, "documents: must be a list of strings, not a string"),
    ("presidio", {"entities": ["EMAIL_ADRESS"]}, 400, "entities[0]: is no entity here; did you mean 'EMAIL_ADDRESS'?"),
    # a string instead of a list, and the other way round
    ("check", {"text": ["hello"]}, 400, "text: must be a string, not a list"),
    ("check", {"text": ..., "pieces": "hello"}, 400, "pieces: must be a list of objects, not a string"),
    ("bedrock", {"content": "hello"}, 400, "content: must be a list of objects, not a string"),
    ("bedrock", {"content": [{"text": "hello"}]}, 400, "content[0].text: must be an object, not a string"),
    ("bedrock-checks", {"messages": [{"role": "user", "content": "hi"}]}, 400, "messages[0].content: must be a list"),
    ("litellm", {"texts": "hello"}, 400, "texts: must be a list of strings, not a string"),
    ("llm-guard", {"prompt": ["hello"]}, 400, "prompt: must be a string, not a list"),
    ("nemo", {"messages": "hello"}, 400, "messages: must be a list of objects, not a string"),
    ("agentgateway", {"body": {"messages": "hello"}}, 400, "body.messages: must be a list of objects, not a string"),
    ("presidio-anonymize", {"text": ["hello"]}, 400, "text: must be a string, not a list"),
    # nothing in it
    ("check", {"text": ..., "pieces": []}, 400, "pieces: is empty; add at least one"),
    ("bedrock", {"content": []}, 400, "content: is empty; add at least one block"),
    (
        "bedrock-checks",
        {"checks": {}},
        400,
        "checks: is empty; add contentFilter, promptAttack or sensitiveInformation",
    ),
    ("openai", {"input": []}, 400, "not empty"),
    ("nemo", {"messages": []}, 400, "messages: is empty"),
    # null
    ("check", {"text": None}, 400, "text: is null; write a value, or leave it out"),
    ("bedrock", {"source": None}, 400, "source: is null; write a string"),
    ("litellm", {"texts": [None]}, 400, "texts[0]: must be a string, not null"),
    # a field that nobody reads
    ("check", {"polcy": "x"}, 400, "'polcy' is no field here"),
    ("check", {"sourse": "INPUT"}, 400, "'sourse' is no field here; did you mean 'source'?"),
    ("bedrock-control", {"blockedOutputMessaging": "No."}, 400, "did you mean 'blockedOutputsMessaging'?"),
    # a number for a text, a text for a flag
    ("check", {"text": 5}, 400, "text: must be a string, not a number"),
    ("check", {"include_text": "no"}, 400, "include_text: must be true or false, not a string"),
    ("presidio", {"score_threshold": "0.5"}, 400, "score_threshold: must be a number, not a string"),
    ("presidio", {"score_threshold": 50}, 400, "score_threshold: must be from 0 to 1"),
    # a guardrail or a version that is not there
    ("check", {"guardrail": "judgin"}, 404, "did you mean 'judging'? There are judging, otherteam, small"),
    ("check", {"guardrail": "judging", "version": "7"}, 404, "it has DRAFT"),
    ("check", {"guardrail": "judging", "version": "latest"}, 400, "DRAFT or a number"),
    ("litellm", {"additional_provider_specific_params": {"guardrail": "judgin"}}, 404, "did you mean 'judging'?"),
    ("nemo", {"guardrails": {"config_id": "judgin"}}, 404, "did you mean 'judging'?"),
    # too many
    ("check", {"text": ..., "checks": [{"text": "x"}] * 101}, 400, "checks: holds 101 items; send at most 100"),
    ("openai", {"input": ["x"] * 1_001}, 400, "input: holds 1001 texts; send at most 1000"),
]


@pytest.mark.parametrize(("name", "change", "status", "told"), MISTAKES, ids=[f"{m[0]}-{m[3][:40]}" for m in MISTAKES])
def test_a_field_that_is_wrong(
    service: tuple[str, dict[str, str]], name: str, change: dict[str, Any], status: int, told: str
) -> None:
    contract = CONTRACTS[name]
    body = {k: v for k, v in {**copy.deepcopy(contract.body), **change}.items() if v is not ...}
    refused(contract, send(service, contract, body), status, told)


BEDROCK_PATHS = [
    ("/guardrail/judgin/version/DRAFT/apply", 404, "did you mean 'judging'?"),
    ("/guardrail/judging/version/9/apply", 404, "it has DRAFT"),
    ("/guardrail/judging/version/latest/apply", 400, "DRAFT or a number"),
]


@pytest.mark.parametrize(("path", "status", "told"), BEDROCK_PATHS)
def test_a_guardrail_or_version_in_the_path(
    service: tuple[str, dict[str, str]], path: str, status: int, told: str
) -> None:
    contract = Contract(path, CONTRACTS["bedrock"].body, aws)
    refused(contract, send(service, contract, contract.body), status, told)


def test_a_path_without_a_version(service: tuple[str, dict[str, str]]) -> None:
    base, made = service
    answer = httpx.post(base + "/guardrail/judging/apply", json={}, headers={"x-api-key": made["chat"]})
    assert answer.status_code == 404
    assert "/guardrail/{identifier}/version/{version}/apply" in answer.json()["error"]["message"]


@pytest.mark.parametrize("name", ["check", "bedrock", "openai", "azure"])
def test_a_guardrail_of_somebody_else(service: tuple[str, dict[str, str]], name: str) -> None:
    contract = CONTRACTS[name]
    answer = send(service, contract, contract.body, key="other", **{"x-guardrails-policy": "judging"})
    refused(contract, answer, 403, "may not use that guardrail", "keys.yaml")


def test_nothing_of_a_text_stands_in_an_error(service: tuple[str, dict[str, str]]) -> None:
    secret = "my password is hunter2"
    for name, contract in CONTRACTS.items():
        for body in ({secret: secret}, {**contract.body, secret: 1, "source": secret}, [secret]):
            answer = send(service, contract, body)
            assert "hunter2" not in answer.text, name
