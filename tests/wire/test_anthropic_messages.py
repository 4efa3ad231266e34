"""Anthropic messages, held against the SDK's own types, accumulator and client."""

from __future__ import annotations

import copy
import itertools
import json
from typing import Any

import anthropic
import pytest
from anthropic.lib.streaming._messages import accumulate_event
from anthropic.types import Message, MessageTokensCount, RawMessageStreamEvent
from anthropic.types.shared import ErrorResponse
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

from guardrails.types import Action, Role
from guardrails.wire.anthropic_messages import CountTokens, Messages
from guardrails.wire.format import Session
from guardrails.wire.frames import Frame
from guardrails.wire.framing import SSE
from guardrails.wire.signed import UNSIGNED
from guardrails.wire.slots import Mode
from tests.wire.servers import exchange, found, overwrite, serving, streamed, strings

SIGNATURE = "EqQBCgIYAhIM" + "1gbcDa9GJwZA2b3hGgxBdjrkzLoky3dl1pkiMOYds" * 20 + "=="
STRICT = TypeAdapter(RawMessageStreamEvent)

REQUEST: dict[str, Any] = {
    "model": "claude-opus-4-1-20250805",
    "max_tokens": 16000,
    "system": [{"type": "text", "text": "system words", "cache_control": {"type": "ephemeral", "ttl": "1h"}}],
    "stop_sequences": ["stop words"],
    "metadata": {"user_id": "bob@example.com"},
    "thinking": {"type": "enabled", "budget_tokens": 10000},
    "tools": [
        {
            "name": "get_weather",
            "description": "tool words",
            "input_schema": {"type": "object", "properties": {"city": {"type": "string", "description": "city words"}}},
        },
        {"type": "web_search_20250305", "name": "web_search", "max_uses": 5, "allowed_domains": ["example.org"]},
    ],
    "tool_choice": {"type": "tool", "name": "get_weather"},
    "messages": [
        {"role": "user", "content": "first words"},
        {
            "role": "assistant",
            "content": [
                {"type": "thinking", "thinking": "thought words", "signature": SIGNATURE},
                {"type": "text", "text": "answer words", "citations": [
                    {"type": "char_location", "cited_text": "cited words", "document_index": 0, "document_title": "title words",
                     "start_char_index": 10000, "end_char_index": 20000},
                ]},
                {"type": "tool_use", "id": "toolu_01A09q90qw90lq917835lq9", "name": "get_weather", "input": {"city": "input words"}},
                {"type": "server_tool_use", "id": "srvtoolu_01", "name": "web_search", "input": {"query": "query words"}},
                {"type": "web_search_tool_result", "tool_use_id": "srvtoolu_01", "content": [
                    {"type": "web_search_result", "url": "https://example.org/page words", "title": "hit words",
                     "encrypted_content": "EqgfCioIARgBIiQ3YTAwMjY1", "page_age": "April 30, 2025"},
                ]},
            ],
        },
        {
            "role": "user",
            "content": [
                {"type": "tool_result", "tool_use_id": "toolu_01A09q90qw90lq917835lq9", "is_error": False, "content": [
                    {"type": "text", "text": "result words"},
                    {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "nested words"}},
                ]},
                {"type": "document", "title": "report words", "context": "context words", "citations": {"enabled": True},
                 "source": {"type": "text", "media_type": "text/plain", "data": "document words"}},
                {"type": "document", "source": {"type": "content", "content": [{"type": "text", "text": "chunk words"}]}},
                {"type": "search_result", "source": "source words", "title": "found words", "citations": {"enabled": True},
                 "content": [{"type": "text", "text": "search words"}]},
                {"type": "text", "text": "last words"},
            ],
        },
    ],
}  # fmt: skip


def event(kind: str, **body: Any) -> Frame:
    return Frame({"type": kind, **body}, kind)


def start(**more: Any) -> Frame:
    message = {
        "id": "msg_01XFDUDYJgAACzvnptvVoYEL", "type": "message", "role": "assistant", "content": [],
        "model": "claude-opus-4-1-20250805", "stop_reason": None, "stop_sequence": None,
        "usage": {"input_tokens": 25, "output_tokens": 1}, **more,
    }  # fmt: skip
    return event("message_start", message=message)


def text(index: int, *parts: str, opening: str = "") -> list[Frame]:
    return [
        event("content_block_start", index=index, content_block={"type": "text", "text": opening}),
        *(event("content_block_delta", index=index, delta={"type": "text_delta", "text": p}) for p in parts),
        event("content_block_stop", index=index),
    ]


def thinking(index: int, *parts: str) -> list[Frame]:
    return [
        event("content_block_start", index=index, content_block={"type": "thinking", "thinking": "", "signature": ""}),
        *(event("content_block_delta", index=index, delta={"type": "thinking_delta", "thinking": p}) for p in parts),
        event("content_block_delta", index=index, delta={"type": "signature_delta", "signature": SIGNATURE}),
        event("content_block_stop", index=index),
    ]


def tool(index: int, *parts: str) -> list[Frame]:
    block = {"type": "tool_use", "id": "toolu_01T1x1fJ34qAmk2tNTrN7Up6", "name": "send_mail", "input": {}}
    return [
        event("content_block_start", index=index, content_block=block),
        *(
            event("content_block_delta", index=index, delta={"type": "input_json_delta", "partial_json": p})
            for p in parts
        ),
        event("content_block_stop", index=index),
    ]


def stop(reason: str = "end_turn") -> list[Frame]:
    delta = {"stop_reason": reason, "stop_sequence": None}
    return [event("message_delta", delta=delta, usage={"output_tokens": 31}), event("message_stop")]


def form(**more: Any) -> Session:
    return Messages.open(
        {
            "model": "claude-opus-4-1-20250805",
            "max_tokens": 9,
            "stream": True,
            "messages": [{"role": "user", "content": "Hi"}],
            **more,
        }
    )


def read(frames: list[Frame]) -> Message:
    """What the SDK makes of a stream; every event must be one of its types, to the letter."""
    snapshot: Any = None
    buffers: dict[int, bytes] = {}
    for frame in frames:
        assert frame.name == frame.body["type"]
        if frame.name == "ping":
            continue
        parsed = STRICT.validate_python(frame.body)
        snapshot = accumulate_event(event=parsed, current_snapshot=snapshot, json_bufs=buffers)
    return Message.model_validate(snapshot.model_dump())


# -- requests --------------------------------------------------------------------------------------------------------


def test_every_text_of_a_request_is_found_with_who_wrote_it() -> None:
    walk = Messages.open(copy.deepcopy(REQUEST)).inbound()
    assert found(walk) == {
        "system[0].text": "system",
        "stop_sequences[0]": "user",
        "metadata.user_id": "user",
        "tools[0].description": "system",
        "tools[0].input_schema.type": "system",
        "tools[0].input_schema.properties.city.type": "system",
        "tools[0].input_schema.properties.city.description": "system",
        "tools[1].allowed_domains[0]": "system",
        "messages[0].content": "user",
        "messages[1].content[0].thinking": "assistant",
        "messages[1].content[1].text": "assistant",
        "messages[1].content[1].citations[0].cited_text": "assistant",
        "messages[1].content[1].citations[0].document_title": "assistant",
        "messages[1].content[2].name": "assistant",
        "messages[1].content[2].input.city": "assistant",
        "messages[1].content[3].name": "assistant",
        "messages[1].content[3].input.query": "assistant",
        "messages[1].content[4].content[0].url": "tool",
        "messages[1].content[4].content[0].title": "tool",
        "messages[1].content[4].content[0].page_age": "tool",
        "messages[2].content[0].content[0].text": "tool",
        "messages[2].content[0].content[1].source.data": "document",
        "messages[2].content[1].title": "document",
        "messages[2].content[1].context": "document",
        "messages[2].content[1].source.data": "document",
        "messages[2].content[2].source.content[0].text": "document",
        "messages[2].content[3].source": "tool",
        "messages[2].content[3].title": "tool",
        "messages[2].content[3].content[0].text": "tool",
        "messages[2].content[4].text": "user",
    }
    # Names of properties and arguments are somebody's words, the API's own field names are nobody's.
    keys = sorted(key for slot in walk.slots if slot.fixed for key in slot.text.split("\n"))
    assert keys == ["city", "city", "query"]
    assert [(u.why, u.path) for u in walk.uninspected] == [
        ("binary content", "messages[1].content[4].content[0].encrypted_content")
    ]


def test_ids_and_numbers_stay_whatever_is_rewritten() -> None:
    body = copy.deepcopy(REQUEST)
    overwrite(Messages.open(body).inbound())
    assert not [s for s in strings(body) if s.endswith(" words")]
    assert body["messages"][1]["content"][1]["id"] == "toolu_01A09q90qw90lq917835lq9"
    assert body["messages"][2]["content"][0]["tool_use_id"] == "toolu_01A09q90qw90lq917835lq9"
    assert body["messages"][1]["content"][0]["citations"][0]["start_char_index"] == 10000
    assert body["model"] == "claude-opus-4-1-20250805"
    assert body["thinking"] == {"type": "enabled", "budget_tokens": 10000}


@pytest.mark.parametrize(
    ("block", "path"),
    [
        ({"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "iVBORw0K"}}, "source.data"),
        ({"type": "image", "source": {"type": "url", "url": "https://example.org/a.png"}}, "source.url"),
        ({"type": "image", "source": {"type": "file", "file_id": "file_011CNha8iCJcU1wXNR6q4V8w"}}, "source.file_id"),
        ({"type": "document", "source": {"type": "base64", "media_type": "application/pdf", "data": "JVBERi0x"}}, "source.data"),
        ({"type": "document", "source": {"type": "url", "url": "https://example.org/a.pdf"}}, "source.url"),
        ({"type": "document", "source": {"type": "file", "file_id": "file_011CNha8iCJcU1wXNR6q4V8w"}}, "source.file_id"),
        ({"type": "container_upload", "file_id": "file_011CNha8iCJcU1wXNR6q4V8w"}, "file_id"),
        ({"type": "redacted_thinking", "data": "EmwKAhgBEgy3va3p"}, "data"),
    ],
)  # fmt: skip
def test_content_that_nobody_can_read_is_reported(block: dict[str, Any], path: str) -> None:
    nested = {"type": "tool_result", "tool_use_id": "toolu_1", "content": [block]}
    walk = form(messages=[{"role": "user", "content": [block, nested]}]).inbound()
    assert [(u.path, u.turn) for u in walk.uninspected] == [
        (f"messages[0].content[0].{path}", 0),
        (f"messages[0].content[1].content[0].{path}", 0),
    ]


def test_what_lies_with_the_api_is_reported() -> None:
    walk = form(
        container={"id": "container_011", "skills": [{"type": "custom", "skill_id": "skill_01", "version": "latest"}]},
        mcp_servers=[{"type": "url", "name": "mail", "url": "https://mcp.example.org", "authorization_token": "tok_1"}],
        thread={"type": "continue", "previous_message_id": "msg_01"},
    ).inbound()
    assert [u.path for u in walk.uninspected] == [
        "container.id", "container.skills[0].skill_id", "mcp_servers[0].url", "thread.previous_message_id",
    ]  # fmt: skip
    assert [u.path for u in form(container="container_011").inbound().uninspected] == ["container"]


def test_a_signature_is_no_content_and_hides_none() -> None:
    block = {"type": "thinking", "thinking": "", "signature": "my password is hunter2, keep it"}
    walk = form(messages=[{"role": "assistant", "content": [block]}]).inbound()
    assert list(found(walk)) == ["messages[0].content[0].signature"]


@pytest.mark.parametrize(
    ("block", "role"),
    [
        ({"type": "connector_text", "text": "some words"}, "user"),
        ({"type": "mcp_tool_result", "tool_use_id": "t_1", "content": "some words"}, "tool"),
        ({"type": "mcp_tool_result", "tool_use_id": "t_1", "content": [{"type": "text", "text": "some words"}]}, "tool"),
        ({"type": "future_tool_result", "tool_use_id": "t_1", "content": {"answer": "some words"}}, "tool"),
        ({"type": "future_tool_use", "id": "t_1", "input": {"deep": [{"er": "some words"}]}}, "user"),
        ({"type": "bash_code_execution_tool_result", "tool_use_id": "t_1", "content":
            {"type": "bash_code_execution_result", "stdout": "some words", "return_code": 0, "content": []}}, "tool"),
        ({"type": "mcp_tool_listing", "mcp_server_name": "x", "tools": [{"name": "a", "description": "some words"}]}, "tool"),
        ({"type": "image", "source": {"type": "base64", "data": "iVBORw0K"}, "alt": "some words"}, "user"),
        ({"text": "some words"}, "user"),
        ({"type": ["text"], "text": "some words"}, "user"),
        ("some words", "user"),
    ],
)  # fmt: skip
def test_unknown_blocks_and_fields_are_inspected(block: Any, role: str) -> None:
    walk = form(messages=[{"role": "user", "content": [block]}]).inbound()
    assert [s.role.value for s in walk.slots if s.text == "some words"] == [role]
    assert not [s for s in walk.slots if s.text == "t_1"]


def test_a_system_prompt_and_its_message_are_the_developers() -> None:
    walk = form(system="the words", messages=[{"role": "system", "content": "more words"}]).inbound()
    assert found(walk) == {"system": "system", "messages[0].content": "system"}


def test_the_newest_turn_begins_after_the_assistants_last_word() -> None:
    asked = Messages.open(copy.deepcopy(REQUEST))
    assert asked.latest(asked.inbound()) == {2}
    prefilled = form(messages=[*REQUEST["messages"], {"role": "assistant", "content": "The answer is ("}])
    assert prefilled.latest(prefilled.inbound()) == {2, 3}


def test_a_replaced_message_keeps_its_calls_and_results_as_pairs() -> None:
    asked = Messages.open(copy.deepcopy(REQUEST))
    assert all(asked.replace(turn, "[gone]") for turn in range(3))
    assert asked.body["messages"] == [
        {"role": "user", "content": "[gone]"},
        {
            "role": "assistant",
            "content": [
                {"type": "text", "text": "[gone]"},
                {"type": "tool_use", "id": "toolu_01A09q90qw90lq917835lq9", "name": "get_weather", "input": {}},
            ],
        },
        {
            "role": "user",
            "content": [
                {"type": "tool_result", "tool_use_id": "toolu_01A09q90qw90lq917835lq9", "content": "[gone]"},
            ],
        },
    ]


def test_only_a_list_of_messages_fits() -> None:
    assert Messages.fits({"messages": []})
    assert not any(
        Messages.fits(b) for b in ({"prompt": "x"}, {"messages": "x"}, [], None, {"role": "user", "content": "x"})
    )


# -- signed thinking -------------------------------------------------------------------------------------------------


def thought(words: str, signature: str = SIGNATURE) -> dict[str, Any]:
    return {"type": "thinking", "thinking": words, "signature": signature}


def forwarded(*blocks: Any) -> Any:
    asked = form(
        messages=[
            {"role": "user", "content": "Hi"},
            {"role": "assistant", "content": list(blocks)},
            {"role": "user", "content": "Go on"},
        ]
    )
    assert exchange(asked).request().action is not Action.BLOCKED
    return asked.body["messages"][1]["content"]


def test_signed_thinking_that_is_changed_on_its_way_in_is_left_out() -> None:
    said = {"type": "text", "text": "Done."}
    assert forwarded(thought("Nothing private."), said) == [thought("Nothing private."), said]
    assert forwarded(thought("Ask bob@example.com."), said) == [said]
    assert forwarded(thought("Ask bob@example.com.")) == [{"type": "text", "text": "(reasoning removed)"}]
    assert forwarded(thought("Ask bob@example.com.", ""), said) == [thought("Ask [MAIL].", ""), said]


def test_thinking_that_was_changed_on_its_way_out_is_left_out_when_it_comes_back() -> None:
    body = whole(content=[thought("Ask bob@example.com."), thought("Fine."), {"type": "text", "text": "Done."}])
    answer, _ = exchange(form()).answer(body)
    assert answer["content"][0] == thought("Ask [MAIL].", UNSIGNED)
    assert answer["content"][1] == thought("Fine.")
    assert forwarded(*answer["content"]) == [thought("Fine."), {"type": "text", "text": "Done."}]


def test_streamed_thinking_keeps_its_signature_only_unchanged() -> None:
    frames = [start(), *thinking(0, "Fi", "ne."), *thinking(1, "Ask bob@exam", "ple.com."), *text(2, "Done."), *stop()]
    message = read(streamed(form(), frames))
    assert [b.model_dump() for b in message.content[:2]] == [thought("Fine."), thought("Ask [MAIL].", UNSIGNED)]


# -- answers ---------------------------------------------------------------------------------------------------------


def whole(**more: Any) -> dict[str, Any]:
    return {
        **start().body["message"],
        "stop_reason": "end_turn",
        "usage": {"input_tokens": 25, "output_tokens": 31},
        **more,
    }


def test_every_text_of_an_answer_is_found() -> None:
    body = whole(
        content=[
            thought("think words"),
            {"type": "text", "text": "say words", "citations": [
                {"type": "web_search_result_location", "url": "https://example.org/url words", "title": "title words",
                 "encrypted_index": "Eo8BCioIAhgBIiQyYjQ0OWJmZi1lNm", "cited_text": "cite words"}]},
            {"type": "tool_use", "id": "toolu_1", "name": "send", "input": {"to": ["input words", 4111111111111111]}},
            {"type": "code_execution_tool_result", "tool_use_id": "srvtoolu_1", "content":
                {"type": "code_execution_result", "stdout": "out words", "stderr": "err words", "return_code": 12345,
                 "content": [{"type": "code_execution_output", "file_id": "file_1"}]}},
        ],
        stop_sequence="stop words",
        stop_details={"type": "refusal", "category": "bio", "explanation": "why words"},
        container={"id": "container_1", "expires_at": "2025-05-01T12:00:00.123456Z", "skills": None},
    )  # fmt: skip
    assert Message.model_validate(body)
    walk = form().outbound(body)
    assert found(walk) == {
        "content[0].thinking": "assistant",
        "content[1].text": "assistant",
        "content[1].citations[0].url": "assistant",
        "content[1].citations[0].title": "assistant",
        "content[1].citations[0].cited_text": "assistant",
        "content[2].name": "assistant",
        "content[2].input.to[0]": "assistant",
        "content[2].input.to[1]": "assistant",
        "content[3].content.stdout": "tool",
        "content[3].content.stderr": "tool",
        "content[3].content.content[0].file_id": "tool",
        "stop_sequence": "assistant",
        "stop_details.explanation": "assistant",
    }
    assert [slot.text for slot in walk.slots if slot.fixed] == ["to"]
    assert [u.path for u in walk.uninspected] == ["content[3].content.content[0].file_id"]
    overwrite(walk, "https://example.org")
    assert Message.model_validate(body)


def test_refusals_and_errors_are_the_sdks() -> None:
    asked = form()
    asked.outbound(whole(content=[]))
    message = Message.model_validate(asked.refusal("No."))
    assert (message.content[0].model_dump()["text"], message.stop_reason) == ("No.", "refusal")
    assert message.stop_details is not None
    assert message.stop_details.explanation == "No."
    assert (message.id, message.usage.output_tokens) == ("msg_01XFDUDYJgAACzvnptvVoYEL", 31)
    assert Message.model_validate(Messages.open({"messages": []}).refusal("No."))
    for status in (400, 401, 403, 404, 415, 418, 429, 500, 502, 503, 504):
        assert ErrorResponse.model_validate(asked.error(status, "Because.", "guardrails_blocked"))


def test_counting_tokens_inspects_the_request_and_refuses_by_an_error() -> None:
    asked = CountTokens.open(copy.deepcopy(REQUEST) | {"stream": True})
    assert not asked.streaming
    assert found(asked.inbound()) == found(Messages.open(copy.deepcopy(REQUEST)).inbound())
    assert asked.outbound(MessageTokensCount(input_tokens=2095123).model_dump()).slots == []
    assert not asked.format.speaks
    assert ErrorResponse.model_validate(asked.refusal("No.")).error.message == "No."


def test_errors_of_the_upstream_are_read() -> None:
    body = {
        "type": "error",
        "error": {"type": "invalid_request_error", "message": "echo words"},
        "request_id": "req_011",
    }
    assert found(form().failed(body)) == {"error.message": "assistant"}


# -- streams ---------------------------------------------------------------------------------------------------------


def test_texts_of_events_are_channels_of_their_block() -> None:
    asked = form()
    frames = [
        *thinking(0, "a"), *text(1, "b"), *tool(2, '{"a"', ": 1}"),
        event("content_block_delta", index=1, delta={"type": "compaction_delta", "content": "c", "encrypted_content": None}),
    ]  # fmt: skip
    slots = [s for f in frames for s in asked.event(f).walk.slots if s.text]
    assert [(s.channel, s.mode, s.kind.value) for s in slots if s.mode is Mode.DELTA] == [
        (("thinking", ("index", 0)), Mode.DELTA, "text"),
        (("text", ("index", 1)), Mode.DELTA, "text"),
        (("input", ("index", 2)), Mode.DELTA, "json"),
        (("input", ("index", 2)), Mode.DELTA, "json"),
        (("compaction", ("index", 1)), Mode.DELTA, "text"),
    ]


def test_an_event_without_text_says_nothing_to_inspect() -> None:
    usage = {
        "input_tokens": 472123, "output_tokens": 212345, "cache_creation_input_tokens": 0, "cache_read_input_tokens": 0,
        "cache_creation": {"ephemeral_5m_input_tokens": 0, "ephemeral_1h_input_tokens": 0}, "service_tier": "standard",
        "server_tool_use": {"web_search_requests": 1},
    }  # fmt: skip
    frames = [start(usage=usage), event("ping"), *thinking(0), *text(1), *tool(2), *stop("tool_use")]
    texts = [s.text for f in frames for s in form().event(f).walk.slots if s.text]
    assert texts == ["send_mail"]


def test_a_stream_that_nothing_stops_is_the_same_message() -> None:
    frames = [
        start(),
        event("ping"),
        *thinking(0, "Let me ", "think. "),
        *text(1, "Sure, ", "I write ", "the mail."),
        *tool(2, '{"to": "ann', 'a", "n": [1, ', "2]}"),
        *stop("tool_use"),
    ]
    expected = read(copy.deepcopy(frames))
    message = read(streamed(form(), frames))
    assert message == expected
    assert message.usage.output_tokens == 31


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(0, 60), max_size=8), st.booleans())
def test_the_message_is_the_same_for_every_cut(cuts: list[int], opening: bool) -> None:
    said = "Ask bob@example.com or al@x.io. 🙂 That is all I know."
    args = json.dumps({"to": 'bob@example.com "quoted"', "n": 12345})

    def parts(value: str) -> list[str]:
        edges = [0, *sorted(min(c, len(value)) for c in cuts), len(value)]
        return [value[a:b] for a, b in itertools.pairwise(edges)]

    first = parts(said)[0] if opening else ""
    rest = parts(said)[1:] if opening else parts(said)
    frames = [
        start(),
        *thinking(0, *parts(said)),
        *text(1, *rest, opening=first),
        *tool(2, *parts(args)),
        *stop("tool_use"),
    ]
    message = read(streamed(form(), frames))
    masked = "Ask [MAIL] or [MAIL]. 🙂 That is all I know."
    assert [b.model_dump(exclude_none=True) for b in message.content] == [
        thought(masked, UNSIGNED),
        {"type": "text", "text": masked},
        {
            "type": "tool_use", "id": "toolu_01T1x1fJ34qAmk2tNTrN7Up6", "name": "send_mail",
            "input": {"to": '[MAIL] "quoted"', "n": 12345},
        },
    ]  # fmt: skip


BLOCKS = {
    "in the first event": [start(model="project kingfisher"), *text(0, "Hi.")],
    "in the text that opens a block": [start(), *text(0, opening="Hi. project kingfisher")],
    "in thinking": [start(), *thinking(0, "About project king", "fisher."), *text(1, "Hi.")],
    "in a text": [start(), *thinking(0, "Fine."), *text(1, "Hi. ", "project king", "fisher")],
    "in a second text": [start(), *text(0, "Hi."), *text(1, "project kingfisher")],
    "at the end of a text": [start(), *text(0, "Hi. " * 200, "project kingfisher")],
    "in arguments": [start(), *text(0, "Hi."), *tool(1, '{"to": "project ki', 'ngfisher"}')],
    "in the name of a tool": [
        start(),
        event("content_block_start", index=0, content_block={"type": "tool_use", "id": "t", "name": "project kingfisher", "input": {}}),
    ],
    "in a citation": [
        start(),
        event("content_block_start", index=0, content_block={"type": "text", "text": ""}),
        event("content_block_delta", index=0, delta={"type": "citations_delta", "citation": {
            "type": "char_location", "cited_text": "project kingfisher", "document_index": 0, "document_title": None,
            "start_char_index": 0, "end_char_index": 9}}),
    ],
    "in an unknown event": [start(), *text(0, "Hi."), event("message_note", note={"deep": ["project kingfisher"]})],
    "after the end": [start(), *text(0, "Hi."), *stop(), event("message_note", note="project kingfisher")],
    "in an error": [start(), *text(0, "Hi."), event("error", error={"type": "api_error", "message": "project kingfisher"})],
}  # fmt: skip


@pytest.mark.parametrize("case", BLOCKS)
def test_a_blocked_stream_ends_as_the_api_ends(case: str) -> None:
    frames = streamed(form(), copy.deepcopy(BLOCKS[case]) + (stop() if case != "after the end" else []))
    assert "kingfisher" not in json.dumps([f.body for f in frames])
    message = read(frames)
    assert message.stop_reason == "refusal"
    said = message.content[-1].model_dump()
    assert said["type"] == "text"
    assert said["text"] == "[stopped]"
    # No empty text is left behind: the API would not take the message back.
    assert all(b.text for b in message.content if b.type == "text")
    started = [f.body["index"] for f in frames if f.name == "content_block_start"]
    stopped = [f.body["index"] for f in frames if f.name == "content_block_stop"]
    assert started == sorted(set(started))
    assert sorted(stopped) == started
    assert [f.name for f in frames[-2:]] == ["message_delta", "message_stop"]


def test_text_before_the_block_stays() -> None:
    message = read(streamed(form(), copy.deepcopy(BLOCKS["at the end of a text"]) + stop()))
    assert message.content[0].model_dump()["text"].startswith("Hi. Hi. ")
    assert len(message.content) == 2


def test_text_that_opens_a_block_stays_up_to_what_blocks() -> None:
    message = read(
        streamed(form(), [start(), *text(0, opening="Hi. " * 300 + "project kingfisher" + " Hi." * 300), *stop()])
    )
    assert message.content[0].model_dump()["text"].startswith("Hi. Hi. ")
    assert [b.model_dump()["text"] for b in message.content[1:]] == ["[stopped]"]


@pytest.mark.parametrize("said", ["Hi. " * 400, "Hi."])
def test_the_message_is_never_added_to_the_models_words(said: str) -> None:
    """A long text has left with its own event, a short one is sent when the channel ends."""
    *unclosed, _ = text(0, said)
    ends = event(
        "message_delta",
        delta={"stop_reason": "end_turn", "stop_sequence": "project kingfisher"},
        usage={"output_tokens": 3},
    )
    note = event("message_note", note="project kingfisher")
    for last in (note, ends) if len(said) > 9 else (ends,):
        message = read(streamed(form(), copy.deepcopy([start(), *unclosed, last])))
        first, second = (b.model_dump()["text"] for b in message.content)
        assert said.startswith(first.strip())
        assert second == "[stopped]"


@pytest.mark.parametrize("last", [*stop(), event("error", error={"type": "overloaded_error", "message": "Overloaded"})])
def test_text_of_a_block_that_is_not_closed_comes_before_the_end(last: Frame) -> None:
    *unclosed, _ = text(0, "Hi.")
    frames = streamed(form(), copy.deepcopy([start(), *unclosed, last]))
    assert [f.name for f in frames] == ["message_start", "content_block_start", "content_block_delta", last.name]


def test_a_block_without_an_index_ends_too() -> None:
    parts = text(0, "Hi.")
    for frame in parts:
        del frame.body["index"]
    frames = streamed(form(), [start(), *parts, *stop()])
    assert [f.name for f in frames][1:4] == ["content_block_start", "content_block_delta", "content_block_stop"]


def test_a_refusal_repeats_no_text_of_the_answer() -> None:
    asked = form()
    asked.outbound(whole(content=[], id="msg of bob", model="project kingfisher"))
    refusal = asked.refusal("No.")
    assert (refusal["id"], refusal["model"]) == ("msg_guardrails", "claude-opus-4-1-20250805")


# -- the real client -------------------------------------------------------------------------------------------------


def encoded(frames: list[Frame]) -> bytes:
    framing = SSE()
    return b"".join(framing.encode(f) for f in frames)


def client(address: str) -> anthropic.Anthropic:
    return anthropic.Anthropic(base_url=address, api_key="k", max_retries=0)


def test_the_sdk_reads_a_masked_and_a_blocked_stream() -> None:
    asks: Any = {"model": "claude-x", "max_tokens": 9, "messages": [{"role": "user", "content": "Hi"}]}
    masked = streamed(
        form(),
        [
            start(),
            event("ping"),
            *text(0, "Ask bob@exam", "ple.com"),
            *tool(1, '{"to": "bob@example.com"}'),
            *stop("tool_use"),
        ],
    )
    with (
        serving(encoded(masked), SSE.content_type) as address,
        client(address) as api,
        api.messages.stream(**asks) as answer,
    ):
        message = answer.get_final_message()
    assert [b.model_dump().get("text", b.model_dump().get("input")) for b in message.content] == [
        "Ask [MAIL]",
        {"to": "[MAIL]"},
    ]
    blocked = streamed(form(), [start(), *text(0, "project kingfisher"), *stop()])
    with (
        serving(encoded(blocked), SSE.content_type) as address,
        client(address) as api,
        api.messages.stream(**asks) as answer,
    ):
        assert answer.get_final_text() == "[stopped]"
        assert answer.get_final_message().stop_reason == "refusal"


def test_the_sdk_raises_our_errors_as_its_own() -> None:
    body = json.dumps(form().error(429, "Too much.", "guardrails_overloaded")).encode()
    with serving(body, "application/json", 429) as address, client(address) as api:
        with pytest.raises(anthropic.RateLimitError, match="Too much") as raised:
            api.messages.create(model="claude-x", max_tokens=9, messages=[{"role": "user", "content": "Hi"}])
        assert raised.value.error_code == "guardrails_overloaded"


def test_roles_are_the_projects() -> None:
    assert {s.role for s in Messages.open(copy.deepcopy(REQUEST)).inbound().slots} == set(Role)
