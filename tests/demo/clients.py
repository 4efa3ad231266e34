"""The real clients of every API, asked in one way: a message in, what the client understood out."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from unittest import mock

import anthropic
import boto3
import httpx
import openai
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import ClientError, EventStreamError

TOOL = {"type": "object", "properties": {"city": {"type": "string"}}}
KEY = "sk-any-key"


@dataclass
class Answered:
    """What a client understood: ``parts`` are the pieces of a stream, ``tool`` a call's name and arguments."""

    text: str = ""
    parts: list[str] = field(default_factory=list)
    tool: tuple[str, dict[str, Any]] | None = None
    refused: bool = False
    status: int = 200
    tokens: tuple[int, int] | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


Ask = Callable[..., Answered]
_OPENAI_TOOL = {"type": "function", "function": {"name": "weather", "parameters": TOOL}}


def openai_chat(base: str, message: str, *, stream: bool, key: str = KEY, **more: Any) -> Answered:
    asked = {"model": "m", "messages": [{"role": "user", "content": message}], "tools": [_OPENAI_TOOL], **more}
    out = Answered()
    with openai.OpenAI(base_url=base + "/v1", api_key=key, max_retries=0) as client:
        try:
            if stream:
                chunks = list(
                    client.chat.completions.create(**asked, stream=True, stream_options={"include_usage": True})
                )
                return _chat_streamed(chunks)
            raw = client.chat.completions.with_raw_response.create(**asked)
            done: Any = raw.parse()
        except openai.APIStatusError as error:
            return Answered(str(error.message), status=error.status_code, headers=error.response.headers)
    said = done.choices[0].message
    out.headers = raw.headers
    out.text, out.refused = said.content or said.refusal or "", said.refusal is not None
    for call in said.tool_calls or ():
        out.tool = (call.function.name, json.loads(call.function.arguments))
    out.tokens = (done.usage.prompt_tokens, done.usage.completion_tokens)
    return out


def _chat_streamed(chunks: list[Any]) -> Answered:
    out = Answered()
    name, arguments = None, ""
    for chunk in chunks:
        for choice in chunk.choices:
            delta = choice.delta
            out.parts += [delta.content or delta.refusal] if delta.content or delta.refusal else []
            out.refused |= delta.refusal is not None and bool(delta.refusal)
            for call in delta.tool_calls or ():
                name = call.function.name or name
                arguments += call.function.arguments or ""
        if chunk.usage:
            out.tokens = (chunk.usage.prompt_tokens, chunk.usage.completion_tokens)
    out.text, out.tool = "".join(out.parts), (name, json.loads(arguments)) if name else None
    return out


def openai_responses(base: str, message: str, *, stream: bool, key: str = KEY, **more: Any) -> Answered:
    tools = [{"type": "function", "name": "weather", "parameters": TOOL, "strict": False}]
    out = Answered()
    with openai.OpenAI(base_url=base + "/v1", api_key=key, max_retries=0) as client:
        try:
            if stream:
                done: Any = None
                for event in client.responses.create(model="m", input=message, tools=tools, stream=True, **more):
                    if event.type in ("response.output_text.delta", "response.refusal.delta"):
                        out.parts.append(event.delta)
                    if event.type in ("response.completed", "response.incomplete"):
                        done = event.response
            else:
                raw = client.responses.with_raw_response.create(model="m", input=message, tools=tools, **more)
                done, out.headers = raw.parse(), raw.headers
        except openai.APIStatusError as error:
            return Answered(str(error.message), status=error.status_code, headers=error.response.headers)
    for item in done.output:
        if item.type == "function_call":
            out.tool = (item.name, json.loads(item.arguments))
        else:
            part = item.content[0]
            out.refused = part.type == "refusal"
            out.text = part.refusal if out.refused else part.text
    out.tokens = (done.usage.input_tokens, done.usage.output_tokens) if done.usage else None
    return out


def openai_completions(base: str, message: str, *, stream: bool, key: str = KEY, **more: Any) -> Answered:
    asked: dict[str, Any] = {"model": "m", "prompt": message, **more}
    out = Answered()
    with openai.OpenAI(base_url=base + "/v1", api_key=key, max_retries=0) as client:
        try:
            if stream:
                chunks: list[Any] = list(
                    client.completions.create(**asked, stream=True, stream_options={"include_usage": True})
                )
            else:
                raw = client.completions.with_raw_response.create(**asked)
                chunks, out.headers = [raw.parse()], raw.headers
        except openai.APIStatusError as error:
            return Answered(str(error.message), status=error.status_code, headers=error.response.headers)
    for chunk in chunks:
        for choice in chunk.choices:
            out.parts += [choice.text] if choice.text else []
            out.refused |= choice.finish_reason == "content_filter"
        if chunk.usage:
            out.tokens = (chunk.usage.prompt_tokens, chunk.usage.completion_tokens)
    out.text = "".join(out.parts)
    return out


def anthropic_messages(base: str, message: str, *, stream: bool, key: str = KEY, **more: Any) -> Answered:
    tools = [{"name": "weather", "input_schema": TOOL}]
    messages = [{"role": "user", "content": message}]
    asked: dict[str, Any] = {"model": "m", "max_tokens": 100, "messages": messages, "tools": tools, **more}
    out = Answered()
    with anthropic.Anthropic(base_url=base, api_key=key, max_retries=0) as client:
        try:
            if stream:
                with client.messages.stream(**asked) as events:
                    out.parts = list(events.text_stream)
                    done: Any = events.get_final_message()
            else:
                raw = client.messages.with_raw_response.create(**asked)
                done, out.headers = raw.parse(), raw.headers
        except anthropic.APIStatusError as error:
            return Answered(str(error.message), status=error.status_code, headers=error.response.headers)
    for block in done.content:
        if block.type == "tool_use":
            out.tool = (block.name, block.input)
        else:
            out.text += block.text
    out.refused = done.stop_reason == "refusal"
    out.tokens = (done.usage.input_tokens, done.usage.output_tokens)
    return out


def bedrock(
    base: str, message: str, *, stream: bool, key: str | None = KEY, verify: str | None = None, **more: Any
) -> Answered:
    """With a bearer key, or signed when ``key`` is None. boto3 sends bearer keys over https only, so here they are put in by hand
    for http."""
    real = key is not None and base.startswith("https")
    with mock.patch.dict(os.environ, {"AWS_BEARER_TOKEN_BEDROCK": key or ""} if real else {}):
        client = boto3.session.Session().client(
            "bedrock-runtime",
            region_name="us-east-1",
            endpoint_url=base,
            verify=verify,
            # Credentials that are given win over a bearer key.
            **({} if real else {"aws_access_key_id": "AKIA", "aws_secret_access_key": "none"}),
            config=Config(
                retries={"max_attempts": 1, "mode": "standard"},
                proxies={},
                signature_version=UNSIGNED if key and not real else None,
            ),
        )
        if key and not real:
            client.meta.events.register(
                "before-send.bedrock-runtime",
                lambda request, **_: request.headers.__setitem__("Authorization", f"Bearer {key}"),
            )
        return _bedrock(client, message, stream=stream, **more)


def _bedrock(client: Any, message: str, *, stream: bool, **more: Any) -> Answered:
    model = more.pop("model", "anthropic.claude-3-haiku-20240307-v1:0")
    asked: dict[str, Any] = {"modelId": model, "messages": [{"role": "user", "content": [{"text": message}]}], **more}
    asked["toolConfig"] = {"tools": [{"toolSpec": {"name": "weather", "inputSchema": {"json": TOOL}}}]}
    out = Answered()
    name, arguments = None, ""
    try:
        if not stream:
            done = client.converse(**asked)
            out.headers = done["ResponseMetadata"]["HTTPHeaders"]
            block = done["output"]["message"]["content"][0]
            if "toolUse" in block:
                out.tool = (block["toolUse"]["name"], block["toolUse"]["input"])
            out.text = block.get("text", "")
            stop, usage = done["stopReason"], done["usage"]
        else:
            stop, usage = "", {}
            for event in client.converse_stream(**asked)["stream"]:
                if "contentBlockStart" in event:
                    name = event["contentBlockStart"]["start"]["toolUse"]["name"]
                if "contentBlockDelta" in event:
                    delta = event["contentBlockDelta"]["delta"]
                    if "text" in delta:
                        out.parts.append(delta["text"])
                    arguments += delta.get("toolUse", {}).get("input", "")
                stop = event.get("messageStop", {}).get("stopReason", stop)
                usage = event.get("metadata", {}).get("usage", usage)
            out.text = "".join(out.parts)
            out.tool = (name, json.loads(arguments)) if name else None
    except EventStreamError as error:
        return Answered(str(error), out.parts, status=500)
    except ClientError as error:
        meta = error.response["ResponseMetadata"]
        return Answered(error.response["Error"]["Message"], status=meta["HTTPStatusCode"], headers=meta["HTTPHeaders"])
    finally:
        client.close()
    out.refused = stop in ("content_filtered", "guardrail_intervened")
    out.tokens = (usage["inputTokens"], usage["outputTokens"])
    return out


def _gemini(base: str, message: str, *, stream: bool, key: str, sse: bool, **more: Any) -> Answered:
    body = {"contents": [{"role": "user", "parts": [{"text": message}]}], **more}
    verb = "streamGenerateContent" if stream else "generateContent"
    done = httpx.post(
        f"{base}/v1beta/models/gemini-pro:{verb}",
        params={"alt": "sse"} if stream and sse else {},
        json=body,
        headers={"x-goog-api-key": key},
        timeout=30,
    )
    if done.status_code != 200:
        told = done.json()
        told = told[0] if isinstance(told, list) else told  # the array of a stream holds its error, too
        return Answered(told["error"]["message"], status=done.status_code, headers=done.headers)
    if stream and sse:
        bodies = [json.loads(frame.removeprefix("data: ")) for frame in done.text.split("\n\n") if frame]
    else:
        bodies = done.json() if stream else [done.json()]
    out = Answered(headers=done.headers)
    for one in bodies:
        candidate = one["candidates"][0]
        for part in candidate["content"]["parts"]:
            out.parts += [part["text"]] if "text" in part else []
            if "functionCall" in part:
                out.tool = (part["functionCall"]["name"], part["functionCall"]["args"])
        out.refused |= candidate.get("finishReason") == "SAFETY"
    out.text = "".join(out.parts)
    usage = bodies[-1]["usageMetadata"]
    out.tokens = (usage["promptTokenCount"], usage["candidatesTokenCount"])
    return out


def gemini_sse(base: str, message: str, *, stream: bool, key: str = KEY, **more: Any) -> Answered:
    return _gemini(base, message, stream=stream, key=key, sse=True, **more)


def gemini_array(base: str, message: str, *, stream: bool, key: str = KEY, **more: Any) -> Answered:
    return _gemini(base, message, stream=stream, key=key, sse=False, **more)


def ollama(base: str, message: str, *, stream: bool, key: str = KEY, **more: Any) -> Answered:
    messages = [{"role": "user", "content": message}]
    body = {"model": "m", "messages": messages, **({} if stream else {"stream": False}), **more}
    done = httpx.post(base + "/api/chat", json=body, headers={"authorization": f"Bearer {key}"}, timeout=30)
    if done.status_code != 200:
        return Answered(done.json()["error"], status=done.status_code, headers=done.headers)
    lines = [json.loads(line) for line in done.text.splitlines()] if stream else [done.json()]
    assert [line["done"] for line in lines] == [False] * (len(lines) - 1) + [True]
    out = Answered(headers=done.headers)
    for line in lines:
        out.parts += [line["message"]["content"]] if line["message"]["content"] else []
        for call in line["message"].get("tool_calls", ()):
            out.tool = (call["function"]["name"], call["function"]["arguments"])
    out.text = "".join(out.parts)
    out.tokens = (lines[-1]["prompt_eval_count"], lines[-1]["eval_count"])
    return out


CLIENTS: dict[str, Ask] = {
    "openai chat": openai_chat,
    "openai responses": openai_responses,
    "openai completions": openai_completions,
    "anthropic": anthropic_messages,
    "bedrock": bedrock,
    "gemini sse": gemini_sse,
    "gemini array": gemini_array,
    "ollama": ollama,
}
