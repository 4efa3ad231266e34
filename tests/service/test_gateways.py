"""NeMo's checks, llm-guard's API, and the webhooks of agentgateway and Portkey."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.service.servers import folder, served


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with served(folder(tmp_path_factory.mktemp("gateways"))) as address:
        yield address


def post(base: str, path: str, body: Any, status: int = 200) -> Any:
    answer = httpx.post(base + path, json=body, headers={"x-guardrails-policy": "small"})
    assert answer.status_code == status, answer.text
    return answer.json()


def user(text: str) -> dict[str, Any]:
    return {"role": "user", "content": text}


def nemo(base: str, *messages: dict[str, Any], status: int = 200, **options: Any) -> Any:
    body = {"model": "any", "messages": list(messages), "guardrails": {"config_id": "small", **options}}
    return post(base, "/v1/checks", body, status)


def test_nemo_passes_modifies_and_blocks(base: str) -> None:
    assert nemo(base, user("hello")) == {"status": "passed", "content": "hello"}
    masked = nemo(base, user("bob@example.com"))
    assert (masked["status"], masked["content"], masked["rail"]) == ("modified", "{EMAIL}", "pii.EMAIL")
    blocked = nemo(base, user("project kingfisher"))
    assert (blocked["status"], blocked["content"]) == ("blocked", "I was told not to ask.")
    answer = {"role": "assistant", "content": "a risk-free profit"}
    assert nemo(base, user("hello"), answer)["status"] == "blocked"
    # A result may come from a function as clients called it once: the newest message is the one that is read.
    results = [{"role": "tool", "content": "calm"}, {"role": "function", "name": "f", "content": "project kingfisher"}]
    assert nemo(base, user("hello"), *results)["status"] == "blocked"
    assert nemo(base, user("hello"), answer, rail_types=["input"])["status"] == "passed"


def test_nemo_reads_calls_of_tools(base: str) -> None:
    call = {"id": "c1", "type": "function", "function": {"name": "mail", "arguments": '{"to": "bob@example.com"}'}}
    said = nemo(base, user("mail"), {"role": "assistant", "content": None, "tool_calls": [call]})
    assert said["status"] == "blocked"
    assert said["tool_violations"] == [
        {
            "kind": "tool_call",
            "violation_type": "EMAIL",
            "reason": "the rule pii.EMAIL",
            "tool_call_id": "c1",
            "tool_name": "mail",
            "index": 0,
        }
    ]


def test_nemo_refuses_what_it_could_not_check(base: str) -> None:
    assert "messages: is empty" in nemo(base, status=422)["detail"]
    assert "no guardrail of this id" in nemo(base, user("x"), status=422, config_id="smal")["detail"]
    assert "there is none" in nemo(base, user("x"), status=422, rail_types=["output"])["detail"]
    assert "is none of input" in nemo(base, user("x"), status=422, rail_types=["dialog"])["detail"]


def test_llm_guard_gives_a_score_for_each_rule(base: str) -> None:
    said = post(base, "/analyze/prompt", {"prompt": "bob@example.com", "scanners_suppress": []})
    assert said["is_valid"] is True
    assert said["sanitized_prompt"] == "{EMAIL}"
    assert said["scanners"]["pii.EMAIL"] > 0.5
    assert said["scanners"]["words.secret"] == 0.0
    blocked = post(base, "/analyze/output", {"prompt": "hi", "output": "risk-free profit"})
    assert (blocked["is_valid"], blocked["sanitized_output"]) == (False, "I was told not to say.")
    assert set(post(base, "/scan/prompt", {"prompt": "hi"})) == {"is_valid", "scanners"}
    assert set(post(base, "/scan/output", {"prompt": "hi", "output": "hi"})) == {"is_valid", "scanners"}
    body = {"prompt": "x", "scanners_suppress": ["words.secret"]}
    assert "cannot switch rules off" in post(base, "/analyze/prompt", body, 422)["detail"]


def test_agentgateway_passes_replaces_and_rejects(base: str) -> None:
    def asked(*messages: dict[str, Any]) -> Any:
        return post(base, "/request", {"body": {"messages": list(messages)}})["action"]

    assert asked(user("hello")) == {"reason": "passed"}
    assert asked(user("bob@example.com")) == {
        "body": {"messages": [user("{EMAIL}")]},
        "reason": "pii.EMAIL",
    }
    assert asked(user("project kingfisher")) == {
        "body": "I was told not to ask.",
        "status_code": 403,
        "reason": "words.secret",
    }
    past = [user("project kingfisher"), {"role": "assistant", "content": "no"}, user("hello")]
    assert "status_code" not in asked(*past), "what was refused once does not block every later turn"
    answer = {"choices": [{"message": {"role": "assistant", "content": "write to bob@example.com"}}]}
    said = post(base, "/response", {"body": answer})["action"]
    assert said["body"]["choices"][0]["message"]["content"] == "write to {EMAIL}"
    answer["choices"][0]["message"]["content"] = "risk-free profit"
    assert post(base, "/response", {"body": answer})["action"]["status_code"] == 403


def test_portkey_gets_the_body_that_may_go_on(base: str) -> None:
    def hook(event: str, request: Any, answer: Any = None, kind: str = "chatComplete") -> Any:
        body = {
            "request": {"json": request, "text": "", "isStreamingRequest": False, "isTransformed": False},
            "response": {"json": answer or {}, "text": "", "statusCode": 200, "isTransformed": False},
            "provider": "openai",
            "requestType": kind,
            "metadata": {},
            "eventType": event,
        }
        return post(base, "/portkey", body)

    request = {"model": "m", "messages": [user("bob@example.com")], "temperature": 0.5}
    said = hook("beforeRequestHook", request)
    assert said == {
        "verdict": True,
        "transformedData": {"request": {"json": {**request, "messages": [user("{EMAIL}")]}}},
    }
    request["messages"] = [user("hello")]
    assert hook("beforeRequestHook", request) == {"verdict": True}
    request["messages"] = [user("project kingfisher")]
    assert hook("beforeRequestHook", request) == {"verdict": False}
    assert hook("beforeRequestHook", {"model": "m", "input": "project kingfisher"}, kind="embed") == {"verdict": False}
    request["messages"] = [user("hello")]
    choice = {"index": 0, "message": {"role": "assistant", "content": "ACC-12345678"}, "finish_reason": "stop"}
    answer = {"id": "x", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice]}
    said = hook("afterRequestHook", request, answer)
    assert said["transformedData"]["response"]["json"]["choices"][0]["message"]["content"] == "{ACCOUNT}"


@pytest.mark.parametrize(
    ("path", "body", "told"),
    [
        ("/request", {}, "body: is missing"),
        ("/request", {"body": {"messages": [{"role": "user"}]}}, "body.messages[0].content: is missing"),
        ("/response", {"body": {"choices": "x"}}, "body.choices: must be a list of objects, not a string"),
        ("/portkey", {"eventType": "before"}, "eventType: 'before' is none of beforeRequestHook"),
        ("/portkey", {"eventType": "beforeRequestHook", "request": {"json": {"a": 1}}}, "request.json"),
    ],
)
def test_mistakes_name_the_field(base: str, path: str, body: Any, told: str) -> None:
    assert told in post(base, path, body, 400)["error"]["message"]
