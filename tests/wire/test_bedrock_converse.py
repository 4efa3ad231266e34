"""Bedrock Converse, held against botocore's own model of the service, its validator, parser and client."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import boto3
import botocore.session
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, EventStreamError
from botocore.model import ServiceModel, Shape, StructureShape
from hypothesis import given, settings
from hypothesis import strategies as st

from guardrails.types import Action
from guardrails.wire.bedrock_converse import Converse, ConverseStream
from guardrails.wire.eventstream import EventStream
from guardrails.wire.format import Session
from guardrails.wire.frames import Frame
from guardrails.wire.signed import UNSIGNED
from guardrails.wire.slots import Mode
from tests.wire.servers import exchange, found, overwrite, serving, streamed, strings

SIGNATURE = "EqQBCgIYAhIM" + "1gbcDa9GJwZA2b3hGgxBdjrkzLoky3dl1pkiMOYds" * 20 + "=="
MODEL = "us.anthropic.claude-sonnet-4-20250514-v1:0"
SERVICE: ServiceModel = botocore.session.get_session().get_service_model("bedrock-runtime")

REQUEST: dict[str, Any] = {
    "system": [{"text": "system words"}, {"cachePoint": {"type": "default"}}],
    "inferenceConfig": {"maxTokens": 16000, "temperature": 0.5, "stopSequences": ["stop words"]},
    "additionalModelRequestFields": {"top_k": 200, "note": "extra words"},
    "promptVariables": {"topic": {"text": "variable words"}},
    "requestMetadata": {"department": "metadata words"},
    "guardrailConfig": {"guardrailIdentifier": "gr-1", "guardrailVersion": "1", "trace": "enabled_full"},
    "toolConfig": {
        "tools": [
            {"toolSpec": {"name": "get_weather", "description": "tool words",
                          "inputSchema": {"json": {"type": "object", "properties": {"city": {"description": "city words"}}}}}},
            {"cachePoint": {"type": "default"}},
        ],
        "toolChoice": {"tool": {"name": "get_weather"}},
    },
    "outputConfig": {"textFormat": {"type": "json_schema", "structure": {"jsonSchema": {
        "name": "schema words", "schema": '{"type": "object", "description": "json words"}'}}}},
    "messages": [
        {"role": "user", "content": [
            {"text": "first words"},
            {"guardContent": {"text": {"text": "guarded words", "qualifiers": ["query"]}}},
            {"guardContent": {"text": {"text": "grounding words", "qualifiers": ["grounding_source"]}}},
            {"document": {"format": "txt", "name": "name words", "context": "context words", "source": {"text": "document words"}}},
            {"document": {"format": "txt", "name": "n", "source": {"content": [{"text": "chunk words"}]}}},
            {"searchResult": {"source": "source words", "title": "title words", "content": [{"text": "search words"}]}},
        ]},
        {"role": "assistant", "content": [
            {"reasoningContent": {"reasoningText": {"text": "reason words", "signature": SIGNATURE}}},
            {"text": "answer words"},
            {"citationsContent": {"content": [{"text": "said words"}], "citations": [
                {"title": "t words", "sourceContent": [{"text": "cited words"}],
                 "location": {"documentChar": {"documentIndex": 0, "start": 10000, "end": 20000}}}]}},
            {"toolUse": {"toolUseId": "tooluse_kZJMlvQmRJ6eAyJE5GIl7Q", "name": "get_weather", "input": {"city": "input words"}}},
        ]},
        {"role": "user", "content": [
            {"toolResult": {"toolUseId": "tooluse_kZJMlvQmRJ6eAyJE5GIl7Q", "status": "success", "content": [
                {"text": "result words"}, {"json": {"deep": ["json result words"]}},
                {"document": {"name": "n2", "source": {"text": "nested words"}}},
            ]}},
            {"text": "last words"},
        ]},
    ],
}  # fmt: skip


def form(kind: type[Converse] = ConverseStream, **more: Any) -> Any:
    return kind.open({"messages": [{"role": "user", "content": [{"text": "Hi"}]}], **more}, {"model": MODEL})


def event(name: str, **body: Any) -> Frame:
    return Frame(body, name)


def delta(index: int, **body: Any) -> Frame:
    # "p" is the padding that the service sends.
    return event("contentBlockDelta", contentBlockIndex=index, delta=body, p="abcdefghijklmnopqrstuvwxyzABCDEF0")


def stop(index: int) -> Frame:
    return event("contentBlockStop", contentBlockIndex=index)


def text(index: int, *parts: str) -> list[Frame]:
    return [*(delta(index, text=p) for p in parts), stop(index)]


def reasoning(index: int, *parts: str) -> list[Frame]:
    deltas = (delta(index, reasoningContent={"text": p}) for p in parts)
    return [*deltas, delta(index, reasoningContent={"signature": SIGNATURE}), stop(index)]


def tool(index: int, *parts: str) -> list[Frame]:
    start = event(
        "contentBlockStart", contentBlockIndex=index, start={"toolUse": {"toolUseId": "tooluse_1", "name": "send_mail"}}
    )
    return [start, *(delta(index, toolUse={"input": p}) for p in parts), stop(index)]


BEGIN = event("messageStart", role="assistant")


def end(reason: str = "end_turn", **metadata: Any) -> list[Frame]:
    usage = {"inputTokens": 472123, "outputTokens": 212345, "totalTokens": 684468, "serverToolUsage": {}}
    return [
        event("messageStop", stopReason=reason),
        event("metadata", usage=usage, metrics={"latencyMs": 12345}, **metadata),
    ]


def check(value: Any, shape: Shape, path: str = "") -> None:
    """Whether a value is of a shape of the service's model, to the letter: no unknown field, none missing, enums known."""
    match shape.type_name:
        case "structure" if getattr(shape, "is_document_type", False):
            return
        case "structure":
            assert isinstance(shape, StructureShape)
            unknown = set(value) - set(shape.members)
            missing = set(shape.required_members) - set(value)
            assert not unknown, f"{path}: unknown {unknown}"
            assert not missing, f"{path}: missing {missing}"
            for name, item in value.items():
                check(item, shape.members[name], f"{path}.{name}")
        case "list":
            for item in value:
                check(item, shape.member, f"{path}[]")
        case "string":
            assert isinstance(value, str), path
            assert not getattr(shape, "enum", []) or value in shape.enum, path
        case "integer" | "long":
            assert type(value) is int, path


EVENTS = SERVICE.operation_model("ConverseStream").output_shape.members["stream"]


def read(frames: list[Frame]) -> dict[str, Any]:
    """What a client collects from a stream; every event must be one of the service's, to the letter."""
    blocks: dict[int, dict[str, Any]] = {}
    out: dict[str, Any] = {"blocks": blocks}
    for frame in frames:
        body = {k: v for k, v in frame.body.items() if k != "p"}
        if "usage" in body:
            body["usage"].pop("serverToolUsage", None)
        check(body, EVENTS.members[frame.name], str(frame.name))
        index = body.get("contentBlockIndex")
        match frame.name:
            case "messageStart":
                assert not blocks
            case "contentBlockStart":
                blocks[index] = dict(body["start"]["toolUse"], input="")
            case "contentBlockDelta":
                block = blocks.setdefault(index, {})
                assert "stopped" not in block
                if "toolUse" in body["delta"]:
                    block["input"] += body["delta"]["toolUse"]["input"]
                elif "reasoningContent" in body["delta"]:
                    for name, part in body["delta"]["reasoningContent"].items():
                        block[name] = block.get(name, "") + part
                else:
                    block["said"] = block.get("said", "") + body["delta"].get("text", "")
            case "contentBlockStop":
                blocks[index]["stopped"] = True
            case "messageStop" | "metadata":
                out |= body
    assert all(b.pop("stopped", False) for b in blocks.values())
    return out


# -- requests --------------------------------------------------------------------------------------------------------


def test_the_request_of_these_tests_is_one() -> None:
    members = SERVICE.operation_model("Converse").input_shape.members
    for name, value in REQUEST.items():
        check(value, members[name], name)


def test_every_text_of_a_request_is_found_with_who_wrote_it() -> None:
    walk = Converse.open(copy.deepcopy(REQUEST), {"model": MODEL}).inbound()
    assert found(walk) == {
        "system[0].text": "system",
        "inferenceConfig.stopSequences[0]": "user",
        "additionalModelRequestFields.note": "user",
        "promptVariables.topic.text": "user",
        "requestMetadata.department": "user",
        "toolConfig.tools[0].toolSpec.description": "system",
        "toolConfig.tools[0].toolSpec.inputSchema.json.type": "system",
        "toolConfig.tools[0].toolSpec.inputSchema.json.properties.city.description": "system",
        "outputConfig.textFormat.structure.jsonSchema.name": "system",
        "outputConfig.textFormat.structure.jsonSchema.schema.type": "system",
        "outputConfig.textFormat.structure.jsonSchema.schema.description": "system",
        "messages[0].content[0].text": "user",
        "messages[0].content[1].guardContent.text.text": "user",
        "messages[0].content[2].guardContent.text.text": "document",
        "messages[0].content[3].document.name": "document",
        "messages[0].content[3].document.context": "document",
        "messages[0].content[3].document.source.text": "document",
        "messages[0].content[4].document.name": "document",
        "messages[0].content[4].document.source.content[0].text": "document",
        "messages[0].content[5].searchResult.source": "tool",
        "messages[0].content[5].searchResult.title": "tool",
        "messages[0].content[5].searchResult.content[0].text": "tool",
        "messages[1].content[0].reasoningContent.reasoningText.text": "assistant",
        "messages[1].content[1].text": "assistant",
        "messages[1].content[2].citationsContent.content[0].text": "assistant",
        "messages[1].content[2].citationsContent.citations[0].title": "assistant",
        "messages[1].content[2].citationsContent.citations[0].sourceContent[0].text": "assistant",
        "messages[1].content[3].toolUse.name": "assistant",
        "messages[1].content[3].toolUse.input.city": "assistant",
        "messages[2].content[0].toolResult.content[0].text": "tool",
        "messages[2].content[0].toolResult.content[1].json.deep[0]": "tool",
        "messages[2].content[0].toolResult.content[2].document.name": "document",
        "messages[2].content[0].toolResult.content[2].document.source.text": "document",
        "messages[2].content[1].text": "user",
    }
    keys = sorted(key for slot in walk.slots if slot.fixed for key in slot.text.split("\n"))
    assert keys == ["city", "city", "deep", "department", "note", "top_k", "topic"]
    assert walk.uninspected == []


def test_ids_and_numbers_stay_whatever_is_rewritten() -> None:
    body = copy.deepcopy(REQUEST)
    overwrite(Converse.open(body, {"model": MODEL}).inbound())
    assert not [s for s in strings(body) if s.endswith(" words")]
    assert body["messages"][1]["content"][2]["toolUse"]["toolUseId"] == "tooluse_kZJMlvQmRJ6eAyJE5GIl7Q"
    assert body["guardrailConfig"] == REQUEST["guardrailConfig"]
    assert body["inferenceConfig"]["maxTokens"] == 16000
    schema = body["outputConfig"]["textFormat"]["structure"]["jsonSchema"]["schema"]
    assert json.loads(schema) == {"type": "WRITTEN", "description": "WRITTEN"}
    for name, value in body.items():
        check(value, SERVICE.operation_model("Converse").input_shape.members[name], name)


S3 = {"s3Location": {"uri": "s3://bucket/key", "bucketOwner": "123456789012"}}


@pytest.mark.parametrize(
    ("block", "path"),
    [
        ({"image": {"format": "png", "source": {"bytes": "iVBORw0K"}}}, "image.source.bytes"),
        ({"image": {"format": "png", "source": S3}}, "image.source.s3Location.uri"),
        ({"video": {"format": "mp4", "source": S3}}, "video.source.s3Location.uri"),
        ({"audio": {"format": "mp3", "source": {"bytes": "iVBORw0K"}}}, "audio.source.bytes"),
        ({"document": {"format": "pdf", "name": "n", "source": {"bytes": "JVBERi0x"}}}, "document.source.bytes"),
        ({"document": {"format": "pdf", "name": "n", "source": S3}}, "document.source.s3Location.uri"),
        (
            {"guardContent": {"image": {"format": "png", "source": {"bytes": "iVBORw0K"}}}},
            "guardContent.image.source.bytes",
        ),
        ({"reasoningContent": {"redactedContent": "EmwKAhgB"}}, "reasoningContent.redactedContent"),
        (
            {
                "toolResult": {
                    "toolUseId": "t",
                    "content": [{"image": {"format": "png", "source": {"bytes": "iVBORw0K"}}}],
                }
            },
            "toolResult.content[0].image.source.bytes",
        ),
    ],
)
def test_content_that_nobody_can_read_is_reported(block: dict[str, Any], path: str) -> None:
    walk = form(messages=[{"role": "user", "content": [block]}]).inbound()
    assert [(u.path, u.turn) for u in walk.uninspected] == [(f"messages[0].content[0].{path}", 0)]


def test_a_prompt_that_bedrock_keeps_is_reported() -> None:
    arn = "arn:aws:bedrock:us-east-1:123456789012:prompt/PROMPT12345:1"
    asked = Converse.open({"promptVariables": {"a": {"text": "b"}}}, {"model": arn})
    assert asked.format.fits(asked.body)
    assert [(u.why, u.path) for u in asked.inbound().uninspected] == [("content by reference", "modelId")]


def leaves(shape: Shape, path: str = "", above: tuple[str, ...] = ()) -> Iterator[tuple[str, Any]]:
    """Every string a body of this shape can hold: where it stands, and a body that holds a canary there and nothing else."""
    canary = "canary17"
    if shape.type_name == "structure" and getattr(shape, "is_document_type", False):
        yield path, {"x": canary}
    elif shape.type_name == "structure" and shape.name not in above:
        for name, member in shape.members.items():
            if member.serialization.get("location") is None:
                for where, value in leaves(member, f"{path}.{name}", (*above, shape.name)):
                    yield where, {name: value}
    elif shape.type_name == "list":
        for where, value in leaves(shape.member, f"{path}[]", above):
            yield where, [value]
    elif shape.type_name == "map":
        for where, value in leaves(shape.value, f"{path}{{}}", above):
            yield where, {"key": value}
    elif shape.type_name in ("string", "blob"):
        yield path, canary


def unseen(walk: Any, body: Any) -> bool:
    return not any("canary17" in slot.text for slot in walk.slots) and not walk.uninspected


# Fields whose strings are not inspected as long as they look like ids; every other string of the service's model is. A role
# that no API has is inspected: templates print it.
OPAQUE = {
    "format", "bucketOwner", "toolUseId", "type", "status", "ttl", "qualifiers[]", "latency", "effort",
    "guardrailIdentifier", "guardrailVersion", "trace", "streamProcessingMode", "additionalModelResponseFieldPaths[]",
    "signature", "stopReason", "invokedModelId",
}  # fmt: skip
# A tool's name in its own definition; in a call it is the model's word.
OPAQUE_PATHS = {
    "toolConfig.tools[].toolSpec.name", "toolConfig.tools[].systemTool.name", "toolConfig.toolChoice.tool.name",
}  # fmt: skip


def test_every_string_of_the_services_model_is_inspected_or_an_id() -> None:
    seen = 0
    for operation, kind in (("Converse", Converse), ("ConverseStream", ConverseStream)):
        model = SERVICE.operation_model(operation)
        cases: list[tuple[str, Any, Any]] = []
        for path, body in leaves(model.input_shape):
            cases.append((path.lstrip("."), body, Session.inbound))
        answer = model.output_shape if kind is Converse else None
        for path, body in leaves(answer) if answer else ():
            cases.append((path.lstrip("."), body, Session.outbound))
        for name, member in EVENTS.members.items() if kind is ConverseStream else ():
            cases += [(f"{name}{path}", Frame(body, name), Session.event) for path, body in leaves(member)]
        for path, body, way in cases:
            asked = kind.open(body if way is Session.inbound else {}, {"model": MODEL})
            if ".trace.guardrail." in f".{path}":
                continue  # removed as a whole, see the next test
            result = way(asked) if way is Session.inbound else way(asked, body)
            walk = result.walk if way is Session.event else result
            name = path.rsplit(".", 1)[-1]
            hidden = unseen(walk, body)
            assert hidden == (name in OPAQUE or path in OPAQUE_PATHS), path
            seen += not hidden
    assert seen > 150


def test_amazons_trace_is_removed_where_a_rule_can_act() -> None:
    guardrail = {"modelOutput": ["Ask bob@example.com"], "inputAssessment": {"gr-1": {}}}
    trace = {"guardrail": guardrail, "promptRouter": {"invokedModelId": MODEL}}
    body = whole([{"text": "Fine."}], trace=copy.deepcopy(trace))
    answer, _ = exchange(form(Converse)).answer(body)
    assert answer["trace"] == {"guardrail": None, "promptRouter": {"invokedModelId": MODEL}}
    frames = streamed(form(), [BEGIN, *text(0, "Fine."), *end(trace=copy.deepcopy(trace))])
    assert frames[-1].body["trace"]["guardrail"] is None


def test_the_newest_turn_begins_after_the_assistants_last_word() -> None:
    asked = Converse.open(copy.deepcopy(REQUEST), {"model": MODEL})
    assert asked.latest(asked.inbound()) == {2}


def test_a_replaced_message_keeps_its_calls_and_results_as_pairs() -> None:
    asked = Converse.open(copy.deepcopy(REQUEST), {"model": MODEL})
    assert all(asked.replace(turn, "[gone]") for turn in range(3))
    use = {"toolUseId": "tooluse_kZJMlvQmRJ6eAyJE5GIl7Q", "name": "get_weather", "input": {}}
    assert [m["content"] for m in asked.body["messages"]] == [
        [{"text": "[gone]"}],
        [{"text": "[gone]"}, {"toolUse": use}],
        [{"toolResult": {"toolUseId": "tooluse_kZJMlvQmRJ6eAyJE5GIl7Q", "content": [{"text": "[gone]"}]}}],
    ]
    check(asked.body["messages"], SERVICE.operation_model("Converse").input_shape.members["messages"])


def test_the_path_says_which_model_and_whether_it_streams() -> None:
    body = {"messages": [], "model": "another", "stream": True}
    assert (
        Converse.open(body, {"model": MODEL}).model,
        Converse.open(body).streaming,
        ConverseStream.open(body).streaming,
    ) == (
        MODEL,
        False,
        True,
    )
    assert Converse.fits(body)
    assert Converse.fits({})
    assert not any(Converse.fits(b) for b in ({"messages": "x"}, {"messages": None}, [], "x"))


# -- signed reasoning ------------------------------------------------------------------------------------------------


def reasoned(words: str, signature: str = SIGNATURE) -> dict[str, Any]:
    return {"reasoningContent": {"reasoningText": {"text": words, "signature": signature}}}


def forwarded(*blocks: Any) -> Any:
    messages = [
        {"role": "user", "content": [{"text": "Hi"}]},
        {"role": "assistant", "content": list(blocks)},
        {"role": "user", "content": [{"text": "Go on"}]},
    ]
    asked = form(Converse, messages=messages)
    assert exchange(asked).request().action is not Action.BLOCKED
    return asked.body["messages"][1]["content"]


def test_signed_reasoning_that_is_changed_is_left_out() -> None:
    said = {"text": "Done."}
    assert forwarded(reasoned("Nothing private."), said) == [reasoned("Nothing private."), said]
    assert forwarded(reasoned("Ask bob@example.com."), said) == [said]
    assert forwarded(reasoned("Ask bob@example.com.")) == [{"text": "(reasoning removed)"}]
    unsigned = {"reasoningContent": {"reasoningText": {"text": "Ask bob@example.com."}}}
    assert forwarded(unsigned, said) == [{"reasoningContent": {"reasoningText": {"text": "Ask [MAIL]."}}}, said]
    answer, _ = exchange(form(Converse)).answer(whole([reasoned("Ask bob@example.com."), reasoned("Fine."), said]))
    content = answer["output"]["message"]["content"]
    assert content == [reasoned("Ask [MAIL].", UNSIGNED), reasoned("Fine."), said]
    assert forwarded(*content) == [reasoned("Fine."), said]


# -- answers ---------------------------------------------------------------------------------------------------------


def whole(content: list[Any], **more: Any) -> dict[str, Any]:
    return {
        "output": {"message": {"role": "assistant", "content": content}},
        "stopReason": "end_turn",
        "usage": {"inputTokens": 472123, "outputTokens": 212345, "totalTokens": 684468},
        "metrics": {"latencyMs": 12345},
        **more,
    }


def test_refusals_and_errors_are_the_services() -> None:
    asked = form(Converse)
    assert asked.outbound(whole([])).slots == []
    refusal = asked.refusal("No.")
    check(refusal, SERVICE.operation_model("Converse").output_shape)
    assert (refusal["stopReason"], refusal["usage"]["outputTokens"]) == ("guardrail_intervened", 212345)
    known = {shape.name for shape in SERVICE.operation_model("Converse").error_shapes}
    for status in (400, 401, 403, 404, 408, 413, 415, 429, 500, 502, 503):
        assert asked.error(status, "Because.", "guardrails_blocked")["__type"] in known
    assert found(asked.failed({"message": "echo words"})) == {"message": "assistant"}


# -- streams ---------------------------------------------------------------------------------------------------------


def test_texts_of_events_are_channels_of_their_block() -> None:
    asked = form()
    frames = [*reasoning(0, "a"), *text(1, "b"), *tool(2, '{"a": 1}'), delta(3, toolResult=[{"text": "c"}])]
    slots = [s for f in frames for s in asked.event(f).walk.slots if s.mode is Mode.DELTA]
    assert [(s.channel, s.kind.value, s.role.value) for s in slots] == [
        (("reasoning", ("contentBlockIndex", 0)), "text", "assistant"),
        (("text", ("contentBlockIndex", 1)), "text", "assistant"),
        (("input", ("contentBlockIndex", 2)), "json", "assistant"),
        (("result", ("contentBlockIndex", 3)), "text", "tool"),
    ]


def test_an_event_without_text_says_nothing_to_inspect() -> None:
    frames = [BEGIN, *reasoning(0), *text(1), *tool(2), *end("tool_use")]
    assert [s.text for f in frames for s in form().event(f).walk.slots] == ["send_mail"]


def test_a_stream_that_nothing_stops_is_the_same_message() -> None:
    frames = [
        BEGIN,
        *reasoning(0, "Let me ", "think. "),
        *text(1, "Sure, ", "I do."),
        *tool(2, '{"to": "an', 'na"}'),
        *end("tool_use"),
    ]
    expected = read(copy.deepcopy(frames))
    assert read(streamed(form(), frames)) == expected


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(0, 60), max_size=8))
def test_the_message_is_the_same_for_every_cut(cuts: list[int]) -> None:
    said = "Ask bob@example.com or al@x.io. 🙂 That is all I know."

    def parts(value: str) -> list[str]:
        return [value[a:b] for a, b in pairwise([0, *sorted(min(c, len(value)) for c in cuts), len(value)])]

    args = parts(json.dumps({"to": 'bob@example.com "quoted"', "n": 12345}))
    frames = [BEGIN, *reasoning(0, *parts(said)), *text(1, *parts(said)), *tool(2, *args), *end("tool_use")]
    blocks = read(streamed(form(), frames))["blocks"]
    masked = "Ask [MAIL] or [MAIL]. 🙂 That is all I know."
    assert blocks[0] == {"text": masked, "signature": UNSIGNED}
    assert blocks[1] == {"said": masked}
    assert json.loads(blocks[2]["input"]) == {"to": '[MAIL] "quoted"', "n": 12345}


BLOCKS = {
    "in the first event": [event("messageStart", role="project kingfisher"), *text(0, "Hi.")],
    "in reasoning": [BEGIN, *reasoning(0, "About project king", "fisher."), *text(1, "Hi.")],
    "in a text": [BEGIN, *reasoning(0, "Fine."), *text(1, "Hi. ", "project king", "fisher")],
    "in a second text": [BEGIN, *text(0, "Hi."), *text(1, "project kingfisher")],
    "at the end of a text": [BEGIN, *text(0, "Hi. " * 200, "project kingfisher")],
    "in arguments": [BEGIN, *text(0, "Hi."), *tool(1, '{"to": "project ki', 'ngfisher"}')],
    "in a citation": [BEGIN, delta(0, text="Hi."), delta(0, citation={"sourceContent": [{"text": "project kingfisher"}]}), stop(0)],
    "in an unknown event": [BEGIN, *text(0, "Hi."), event("note", note={"deep": ["project kingfisher"]})],
    "after the end": [BEGIN, *text(0, "Hi."), *end(), event("note", note="project kingfisher")],
    "in an exception": [
        BEGIN, *text(0, "Hi."),
        Frame({"message": "project kingfisher"}, "modelStreamErrorException", headers={":message-type": "exception"}),
    ],
}  # fmt: skip


@pytest.mark.parametrize("case", BLOCKS)
def test_a_blocked_stream_ends_as_the_service_ends(case: str) -> None:
    frames = streamed(form(), copy.deepcopy(BLOCKS[case]) + ([] if case == "after the end" else end()))
    assert "kingfisher" not in json.dumps([f.body for f in frames])
    answer = read(frames)
    assert answer["stopReason"] == "guardrail_intervened"
    assert answer["blocks"][max(answer["blocks"])] == {"said": "[stopped]"}
    assert [f.name for f in frames[-2:]] == ["messageStop", "metadata"]
    assert [f.name for f in frames].count("messageStart") == 1
    stopped = [f.body["contentBlockIndex"] for f in frames if f.name == "contentBlockStop"]
    assert sorted(stopped) == sorted(answer["blocks"])


@pytest.mark.parametrize(
    "last",
    [*end(), Frame({"message": "Slow down"}, "throttlingException", headers={":message-type": "exception"})],
    ids=["messageStop", "metadata", "exception"],
)
def test_text_of_a_block_that_is_not_closed_comes_before_the_end(last: Frame) -> None:
    frames = streamed(form(), copy.deepcopy([BEGIN, delta(0, text="Hi."), last]))
    assert [f.name for f in frames] == ["messageStart", "contentBlockDelta", last.name]


# -- the real client -------------------------------------------------------------------------------------------------


def encoded(frames: list[Frame]) -> bytes:
    framing = EventStream()
    return b"".join(framing.encode(f) for f in frames)


def client(address: str) -> Any:
    return boto3.client(
        "bedrock-runtime",
        endpoint_url=address,
        region_name="us-east-1",
        aws_access_key_id="k",
        aws_secret_access_key="s",
        config=Config(retries={"max_attempts": 1}),
    )


ASKS: dict[str, Any] = {"modelId": MODEL, "messages": [{"role": "user", "content": [{"text": "Hi"}]}]}


def test_boto3_reads_a_masked_and_a_blocked_stream() -> None:
    masked = streamed(
        form(), [BEGIN, *text(0, "Ask bob@exam", "ple.com"), *tool(1, '{"to": "bob@example.com"}'), *end("tool_use")]
    )
    with serving(encoded(masked), EventStream.content_type) as address:
        events = list(client(address).converse_stream(**ASKS)["stream"])
    assert [e["contentBlockDelta"]["delta"] for e in events if "contentBlockDelta" in e] == [
        {"text": "Ask [MAIL]"},
        {"toolUse": {"input": '{"to": "[MAIL]"}'}},
    ]
    blocked = streamed(form(), [BEGIN, *text(0, "project kingfisher"), *end()])
    with serving(encoded(blocked), EventStream.content_type) as address:
        events = list(client(address).converse_stream(**ASKS)["stream"])
    assert [next(iter(e)) for e in events] == [
        "messageStart",
        "contentBlockDelta",
        "contentBlockStop",
        "messageStop",
        "metadata",
    ]
    assert events[1]["contentBlockDelta"]["delta"] == {"text": "[stopped]"}
    assert events[3]["messageStop"] == {"stopReason": "guardrail_intervened"}


def test_boto3_raises_an_exception_of_the_stream() -> None:
    problem = Frame(
        {"message": "Too much for bob@example.com"}, "throttlingException", headers={":message-type": "exception"}
    )
    frames = streamed(form(), [BEGIN, *text(0, "Hi."), problem])
    with serving(encoded(frames), EventStream.content_type) as address:
        stream = client(address).converse_stream(**ASKS)["stream"]
        with pytest.raises(EventStreamError, match=r"Too much for \[MAIL\]"):
            list(stream)


def test_boto3_reads_an_answer_a_refusal_and_an_error() -> None:
    asked = form(Converse)
    answer, _ = exchange(asked).answer(whole([{"text": "Ask bob@example.com"}]))
    with serving(json.dumps(answer).encode(), "application/json") as address:
        content = client(address).converse(**ASKS)["output"]["message"]["content"]
        assert content == [{"text": "Ask [MAIL]"}]
    with serving(json.dumps(asked.refusal("No.")).encode(), "application/json") as address:
        assert client(address).converse(**ASKS)["stopReason"] == "guardrail_intervened"
    body = json.dumps(asked.error(429, "Too much.", "guardrails_overloaded")).encode()
    with serving(body, "application/json", 429) as address:
        with pytest.raises(ClientError, match="Too much") as raised:
            client(address).converse(**ASKS)
        assert raised.value.response["Error"]["Code"] == "ThrottlingException"
