"""LiteLLM's proxy with its own guardrails of three kinds (Bedrock, generic guardrail API, Presidio), each asking the service."""

from __future__ import annotations

import importlib.metadata
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.clients.proxied import BLOCKED_IN, BLOCKED_OUT, PLAIN, ROOT, Proxied, both_ways, call, needs, say

pytestmark = needs("litellm", "litellm.proxy.proxy_server", "openai")

MASTER = "sk-of-the-gateway"
SAFEGUARDS = ("bedrock", "generic", "presidio")
each = pytest.mark.parametrize("guardrail", SAFEGUARDS)
deciding = pytest.mark.parametrize("guardrail", ["bedrock", "generic"])


def config(upstream: str, service: str) -> dict[str, Any]:
    """One model, and a guardrail of each kind; a request names the one that it is under."""
    presidio = {
        "guardrail": "presidio",
        "mode": "pre_call",
        "presidio_analyzer_api_base": service,
        "presidio_anonymizer_api_base": service,
        "pii_entities_config": {"EMAIL_ADDRESS": "MASK", "CREDIT_CARD": "BLOCK"},
    }
    guardrails: dict[str, dict[str, Any]] = {
        "bedrock": {
            "guardrail": "bedrock",
            "mode": ["pre_call", "post_call"],
            "guardrailIdentifier": "clients",
            "guardrailVersion": "DRAFT",
            "aws_bedrock_runtime_endpoint": service,
            "aws_region_name": "us-east-1",
            "aws_access_key_id": "any",
            "aws_secret_access_key": "any",
            "mask_request_content": True,
            "mask_response_content": True,
        },
        "generic": {
            "guardrail": "generic_guardrail_api",
            "mode": ["pre_call", "post_call"],
            "api_base": service,
            "api_key": "any",
            "streaming_transform_mode": "incremental_diff",
            "additional_provider_specific_params": {"stream": True},
        },
        "presidio": presidio,
        "restoring": {**presidio, "presidio_filter_scope": "input", "output_parse_pii": True},
    }
    model = {"model": "openai/m", "api_base": f"{upstream}/v1", "api_key": "any"}
    return {
        "model_list": [{"model_name": "m", "litellm_params": model}],
        "guardrails": [{"guardrail_name": name, "litellm_params": one} for name, one in guardrails.items()],
        "general_settings": {"master_key": MASTER},
        "litellm_settings": {"telemetry": False},
    }


@pytest.fixture(scope="module")
def gateway(running_proxy: Proxied, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """LiteLLM's proxy as its users start it; it takes a minute to begin."""
    folder = tmp_path_factory.mktemp("litellm")
    path = folder / "config.yaml"
    path.write_text(json.dumps(config(running_proxy.upstream, running_proxy.service)), encoding="utf-8")
    command = [str(Path(sys.executable).with_name("litellm")), "--config", str(path), "--host", "127.0.0.1", "--port"]
    process = subprocess.Popen(
        [*command, "0"],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "NO_PROXY": "127.0.0.1", "PYTHONUTF8": "1"},
    )
    assert process.stdout is not None
    try:
        told: list[str] = []
        for line in process.stdout:
            told.append(line)
            if found := re.search(r"running on (http://127\.0\.0\.1:\d+)", line):
                break
        else:
            pytest.fail(f"LiteLLM's proxy did not start:\n{''.join(told[-20:])}")
        draining = subprocess.Popen(["cat"], stdin=process.stdout, stdout=subprocess.DEVNULL)
        yield found[1]
    finally:
        process.terminate()
        process.wait(60)
        process.stdout.close()
        draining.wait(60)


def ask(base: str, guardrail: str, message: str, *, stream: bool) -> tuple[str, list[Any]]:
    """The text, and the arguments of calls. Raises openai.APIError."""
    import openai

    client = openai.OpenAI(base_url=f"{base}/v1", api_key=MASTER, max_retries=0)
    asked: Any = {"model": "m", "messages": [{"role": "user", "content": message}]}
    with client:
        if not stream:
            done = client.chat.completions.create(**asked, extra_body={"guardrails": [guardrail]})
            said = done.choices[0].message
            return said.content or "", [json.loads(c.function.arguments) for c in said.tool_calls or ()]
        text, arguments = "", ""
        for part in client.chat.completions.create(**asked, stream=True, extra_body={"guardrails": [guardrail]}):
            for choice in part.choices:
                text += choice.delta.content or ""
                arguments += "".join(c.function.arguments or "" for c in choice.delta.tool_calls or ())
        return text, [json.loads(arguments)] if arguments else []


def refused(base: str, guardrail: str, message: str, *, stream: bool) -> str:
    """What the error of the gateway says."""
    import openai

    with pytest.raises(openai.APIError) as caught:
        ask(base, guardrail, message, stream=stream)
    return f"{caught.value} {caught.value.body}"


@each
@both_ways
def test_allowed(gateway: str, proxied: Proxied, guardrail: str, stream: bool) -> None:
    assert ask(gateway, guardrail, say(PLAIN), stream=stream) == (PLAIN, [])


@deciding
@both_ways
def test_masked_in_both_directions(gateway: str, proxied: Proxied, guardrail: str, stream: bool) -> None:
    message = "Call +1 415 555 0134. " + say("Write to bob@example.com today.")
    assert ask(gateway, guardrail, message, stream=stream)[0] == "Write to {EMAIL} today."
    assert "Call {PHONE}." in proxied.received()[0]


@deciding
@both_ways
def test_a_blocked_request_reaches_nobody(gateway: str, proxied: Proxied, guardrail: str, stream: bool) -> None:
    assert BLOCKED_IN in refused(gateway, guardrail, "What is project kingfisher?", stream=stream)
    assert proxied.received() == []


@both_ways
def test_a_blocked_answer_is_an_error_of_the_bedrock_guardrail(gateway: str, proxied: Proxied, stream: bool) -> None:
    told = refused(gateway, "bedrock", say("One moment please. The osprey lands at noon."), stream=stream)
    assert BLOCKED_OUT in told
    assert "osprey" not in told
    assert len(proxied.received()) == 1


@both_ways
def test_a_blocked_answer_is_the_policys_message_of_the_generic_guardrail(
    gateway: str, proxied: Proxied, stream: bool
) -> None:
    said, _ = ask(gateway, "generic", say("One moment please. The osprey lands at noon."), stream=stream)
    assert said.endswith(BLOCKED_OUT)
    assert "osprey" not in said
    assert len(proxied.received()) == 1


@both_ways
def test_a_call_of_a_tool_passes_or_is_refused_by_the_generic_guardrail(
    gateway: str, proxied: Proxied, stream: bool
) -> None:
    assert ask(gateway, "generic", call("old"), stream=stream)[1] == [{"where": "old"}]
    assert BLOCKED_OUT in refused(gateway, "generic", call("osprey"), stream=stream)


@both_ways
def test_a_long_answer_is_masked_as_it_comes(gateway: str, proxied: Proxied, stream: bool) -> None:
    """LiteLLM asks again and again with more of the answer, and shows what may not change any more."""
    long = "The first sentence is about nothing at all. " * 12 + "Then write to bob@example.com for the rest. " * 3
    said, _ = ask(gateway, "generic", say(long), stream=stream)
    assert said.strip() == long.replace("bob@example.com", "{EMAIL}").strip()


@both_ways
def test_presidio_masks_and_blocks(gateway: str, proxied: Proxied, stream: bool) -> None:
    said, _ = ask(gateway, "presidio", say("Write to bob@example.com today."), stream=stream)
    assert said == "Write to <EMAIL_ADDRESS> today."
    assert "bob@example.com" not in proxied.received()[0]
    proxied.forget()
    told = refused(gateway, "presidio", "My card is 4111 1111 1111 1111", stream=stream)
    assert "CREDIT_CARD" in told
    assert "4111" not in told
    assert proxied.received() == []


@both_ways
def test_presidio_brings_values_back(gateway: str, proxied: Proxied, stream: bool) -> None:
    said, _ = ask(gateway, "restoring", say("Write to bob@example.com today."), stream=stream)
    assert said == "Write to bob@example.com today."
    assert "bob@example.com" not in proxied.received()[0]


def test_the_page_names_the_version_that_is_tested() -> None:
    page = (ROOT / "docs/service.md").read_text(encoding="utf-8")
    assert f"LiteLLM {importlib.metadata.version('litellm')}" in page
