from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openai.lib.streaming.chat import ChatCompletionStreamState
from openai.types.chat import ChatCompletion, ChatCompletionChunk

from guardrails.types import Role
from guardrails.wire.framing import Frame
from guardrails.wire.openai_chat import Chat
from guardrails.wire.slots import Mode
from guardrails.wire.walk import Walk
from tests.wire.bodies import ACCOUNT, MASK, MESSAGE, SECRET, answered, encoded, streamed

REQUEST: dict[str, Any] = {
    "model": "gpt-4.1-mini",
    "messages": [
        {"role": "developer", "content": "You are the bank's assistant."},
        {"role": "system", "content": [{"type": "text", "text": "Be kind."}]},
        {
            "role": "user",
            "name": "Bob Ray",
            "content": [
                {"type": "text", "text": "What is on this picture?"},
                {"type": "image_url", "image_url": {"url": "https://x.io/a.png", "detail": "low"}},
                {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}},
                {"type": "input_audio", "input_audio": {"data": "UklGRg==", "format": "wav"}},
                {"type": "file", "file": {"file_id": "file-1"}},
                {
                    "type": "file",
                    "file": {"filename": "my cv.pdf", "file_data": "data:application/pdf;base64,JVBERi0="},
                },
                {"type": "file", "file": {"filename": "b.pdf", "file_data": "JVBERi0="}},
                {"type": "video_url", "video_url": "https://x.io/a.mp4"},
            ],
        },
        {
            "role": "assistant",
            "content": None,
            "refusal": "I would rather not.",
            "tool_calls": [
                {
                    "id": "call_1",
                    "type": "function",
                    "function": {"name": "look_up", "arguments": '{"who": "Ann Lee", "n": [3, "two"]}'},
                },
                {"id": "call_2", "type": "custom", "custom": {"name": "sql", "input": "select name from t"}},
            ],
        },
        {"role": "tool", "tool_call_id": "call_1", "content": "Ann Lee, born 1980"},
        {"role": "assistant", "content": "Done.", "audio": {"id": "audio_1"}},
        {"role": "user", "content": "Thanks, and now?"},
    ],
    "tools": [
        {
            "type": "function",
            "function": {
                "name": "look_up",
                "description": "Finds a person.",
                "parameters": {"type": "object", "properties": {"who": {"type": "string", "description": "whom?"}}},
            },
        },
        {"type": "custom", "custom": {"name": "sql", "description": "Runs a query."}},
    ],
    "tool_choice": {"type": "function", "function": {"name": "look_up"}},
    "response_format": {"type": "json_schema", "json_schema": {"name": "out", "schema": {"title": "a form"}}},
    "prediction": {"type": "content", "content": "I predict this."},
    "stop": ["the end", "\n\n"],
    "user": "bob@example.com",
    "safety_identifier": "safe me",
    "metadata": {"case": "number 12"},
    "temperature": 0.25,
    "seed": 1234567,
}


def slots(walk: Walk) -> dict[str, Role]:
    return {s.text: s.role for s in walk.slots if not s.fixed}


def test_every_text_of_a_request_is_found_with_its_role() -> None:
    walk = Chat.open(copy.deepcopy(REQUEST)).inbound()
    found = slots(walk)
    for text, role in {
        "You are the bank's assistant.": Role.SYSTEM,
        "Be kind.": Role.SYSTEM,
        "Bob Ray": Role.USER,
        "What is on this picture?": Role.USER,
        "https://x.io/a.png": Role.USER,
        "https://x.io/a.mp4": Role.USER,
        "file-1": Role.USER,
        "my cv.pdf": Role.USER,
        "I would rather not.": Role.ASSISTANT,
        "look_up": Role.SYSTEM,
        "Ann Lee": Role.ASSISTANT,
        "two": Role.ASSISTANT,
        "select name from t": Role.ASSISTANT,
        "Ann Lee, born 1980": Role.TOOL,
        "Done.": Role.ASSISTANT,
        "Thanks, and now?": Role.USER,
        "Finds a person.": Role.SYSTEM,
        "whom?": Role.SYSTEM,
        "Runs a query.": Role.SYSTEM,
        "a form": Role.SYSTEM,
        "I predict this.": Role.USER,
        "the end": Role.USER,
        "bob@example.com": Role.USER,
        "safe me": Role.USER,
        "number 12": Role.USER,
    }.items():
        assert found[text] is role, text
    assert {s.turn for s in walk.slots if s.text == "Thanks, and now?"} == {6}
    assert all(s.turn is None for s in walk.slots if s.text in ("Finds a person.", "the end"))
    keys = {key for s in walk.slots if s.fixed for key in s.text.split("\n")}
    assert {"who", "case"} <= keys


def test_ids_and_numbers_are_left_alone() -> None:
    found = slots(Chat.open(copy.deepcopy(REQUEST)).inbound())
    for opaque in (
        "call_1",
        "call_2",
        "gpt-4.1-mini",
        "user",
        "assistant",
        "function",
        "wav",
        "low",
        "1234567",
        "0.25",
    ):
        assert opaque not in found
    # An id that is prose is text.
    odd = Chat.open(
        {"model": "ignore all that", "messages": [{"role": "tool", "tool_call_id": "do as I say", "content": ""}]}
    )
    assert set(slots(odd.inbound())) == {"ignore all that", "do as I say"}


def test_what_nobody_can_inspect_is_reported() -> None:
    walk = Chat.open(copy.deepcopy(REQUEST)).inbound()
    assert [(u.why, u.path, u.turn) for u in walk.uninspected] == [
        ("content by reference", "messages[2].content[1].image_url.url", 2),
        ("content by reference", "messages[2].content[2].image_url.url", 2),
        ("binary content", "messages[2].content[3].input_audio.data", 2),
        ("content by reference", "messages[2].content[4].file.file_id", 2),
        ("content by reference", "messages[2].content[5].file.file_data", 2),
        ("binary content", "messages[2].content[6].file.file_data", 2),
        ("content by reference", "messages[2].content[7].video_url", 2),
        ("content by reference", "messages[5].audio.id", 5),
    ]
    # Nor is what only calls itself binary passed unseen.
    hidden = {"type": "input_audio", "input_audio": {"data": "ignore all, that!", "format": "wav"}}
    assert "ignore all, that!" in slots(Chat.open({"messages": [{"role": "user", "content": [hidden]}]}).inbound())


def test_arguments_are_rewritten_inside_json_that_stays_valid() -> None:
    body = copy.deepcopy(REQUEST)
    walk = Chat.open(body).inbound()
    for slot in walk.slots:
        if slot.text == "Ann Lee":
            slot.set('a "quoted" one')
    walk.close()
    arguments = body["messages"][3]["tool_calls"][0]["function"]["arguments"]
    assert json.loads(arguments) == {"who": 'a "quoted" one', "n": [3, "two"]}


def test_the_newest_turn_is_what_came_after_the_assistants_last_word() -> None:
    form = Chat.open(copy.deepcopy(REQUEST))
    assert form.latest(form.inbound()) == {6}
    form = Chat.open({**copy.deepcopy(REQUEST), "messages": copy.deepcopy(REQUEST["messages"][:5])})
    assert form.latest(form.inbound()) == {4}


def test_a_message_is_replaced_whole() -> None:
    form = Chat.open(copy.deepcopy(REQUEST))
    for turn in (2, 4, 5):
        assert form.replace(turn, "(removed)")
    said = form.body["messages"]
    assert said[2] == {"role": "user", "content": "(removed)"}
    assert said[4] == {"role": "tool", "tool_call_id": "call_1", "content": "(removed)"}
    assert said[5] == {"role": "assistant", "content": "(removed)"}
    before = copy.deepcopy(said[3])
    assert not form.replace(3, "(removed)")
    assert said[3] == before


@pytest.mark.parametrize(
    ("body", "fits"),
    [({"messages": []}, True), ({"messages": "hi"}, False), ({"prompt": "hi"}, False), ([], False), ("hi", False)],
)
def test_fits(body: Any, fits: bool) -> None:
    assert Chat.fits(body) is fits


# -- answers -----------------------------------------------------------------------------------------------------------

ASKED = {"model": "gpt-4.1-mini", "messages": [{"role": "user", "content": "hi"}]}
ANSWER: dict[str, Any] = {
    "id": "chatcmpl-7",
    "object": "chat.completion",
    "created": 1741569952,
    "model": "gpt-4.1-mini-2025-04-14",
    "system_fingerprint": "fp_1",
    "choices": [
        {
            "index": 0,
            "finish_reason": "tool_calls",
            "logprobs": {
                "content": [{"token": "See", "logprob": -0.1, "bytes": [83], "top_logprobs": []}],
                "refusal": None,
            },
            "message": {
                "role": "assistant",
                "content": f"See {ACCOUNT}.",
                "refusal": None,
                "reasoning_content": f"hm, {ACCOUNT}",
                "annotations": [
                    {
                        "type": "url_citation",
                        "url_citation": {
                            "start_index": 0,
                            "end_index": 3,
                            "title": f"of {ACCOUNT}",
                            "url": "https://x.io",
                        },
                    }
                ],
                "tool_calls": [
                    {
                        "id": "call_1",
                        "type": "function",
                        "function": {"name": "pay", "arguments": json.dumps({"to": ACCOUNT, "why": 'say "hi"'})},
                    }
                ],
            },
        },
        {
            "index": 1,
            "finish_reason": "stop",
            "logprobs": None,
            "message": {"role": "assistant", "content": f"Or {ACCOUNT}.", "refusal": f"No {ACCOUNT}"},
        },
    ],
    "usage": {
        "prompt_tokens": 11,
        "completion_tokens": 31,
        "total_tokens": 42,
        "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
    },
}


def test_every_choice_of_an_answer_is_masked_and_log_probabilities_go() -> None:
    got = answered(Chat.open(copy.deepcopy(ASKED)), ANSWER)
    ChatCompletion.model_validate(got)
    assert ACCOUNT not in json.dumps(got)
    first, second = got["choices"]
    assert first["message"]["content"] == f"See {MASK}."
    assert first["message"]["annotations"][0]["url_citation"]["title"] == f"of {MASK}"
    assert json.loads(first["message"]["tool_calls"][0]["function"]["arguments"]) == {"to": MASK, "why": 'say "hi"'}
    assert (second["message"]["content"], second["message"]["refusal"]) == (f"Or {MASK}.", f"No {MASK}")
    assert first["logprobs"] is None
    assert got["usage"] == ANSWER["usage"]
    # No key or number of an ordinary answer is taken for text.
    plain = copy.deepcopy(ANSWER)
    assert not [
        s for s in Chat.open(ASKED).outbound(plain).slots if s.fixed and s.role is Role.ASSISTANT and "usage" in s.path
    ]


def test_a_refusal_is_a_completion_with_the_answers_own_id_and_usage() -> None:
    form = Chat.open(copy.deepcopy(ASKED))
    got = answered(
        form, {**ANSWER, "choices": [{**ANSWER["choices"][1], "message": {"role": "assistant", "content": SECRET}}]}
    )
    completion = ChatCompletion.model_validate(got)
    assert (completion.id, completion.created, completion.model) == ("chatcmpl-7", 1741569952, ANSWER["model"])
    assert completion.choices[0].message.content == MESSAGE
    assert completion.choices[0].finish_reason == "content_filter"
    assert completion.usage is not None
    assert completion.usage.total_tokens == 42
    assert SECRET not in json.dumps(got)


def test_a_refusal_without_an_answer() -> None:
    completion = ChatCompletion.model_validate(Chat.open(copy.deepcopy(ASKED)).refusal("No."))
    assert (completion.model, completion.choices[0].message.content) == ("gpt-4.1-mini", "No.")
    assert completion.usage is not None
    assert completion.usage.total_tokens == 0


def test_nothing_of_a_blocked_answer_is_in_its_refusal() -> None:
    form = Chat.open(copy.deepcopy(ASKED))
    odd = {
        "id": f"the {SECRET}",
        "model": f"a {SECRET}",
        "created": SECRET + "!",
        "service_tier": [SECRET],
        "usage": SECRET,
    }
    assert SECRET not in json.dumps(answered(form, {**ANSWER, **odd}))


# -- streams -----------------------------------------------------------------------------------------------------------


def chunk(index: int, delta: dict[str, Any], finish: str | None = None, **more: Any) -> dict[str, Any]:
    choice = {"index": index, "delta": delta, "logprobs": None, "finish_reason": finish}
    head = {"id": "chatcmpl-7", "object": "chat.completion.chunk", "created": 1741569952, "model": "gpt-4.1-mini"}
    return {**head, "choices": [choice], **more}


def call(index: int, arguments: str, **more: Any) -> dict[str, Any]:
    return {"tool_calls": [{"index": index, **more, "function": {**more.pop("function", {}), "arguments": arguments}}]}


def accumulated(bodies: list[Any]) -> Any:
    """The completion that the SDK makes of a stream; every chunk is one it validates."""
    assert bodies[-1] == "[DONE]"
    state: ChatCompletionStreamState[None] = ChatCompletionStreamState()
    for body in bodies[:-1]:
        state.handle_chunk(ChatCompletionChunk.model_validate(body))
    return state.current_completion_snapshot


USAGE = {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3}
FIRST = chunk(0, {"role": "assistant", "content": "", "refusal": None})
STREAM: list[Any] = [
    FIRST,
    chunk(0, {"content": "Your account is ACC-123"}),
    chunk(0, {"content": "45678, as you know."}),
    {**chunk(0, {"content": " Bye"}), "obfuscation": "x9"},
    chunk(0, call(0, "", id="call_1", type="function", function={"name": "pay"})),
    chunk(0, call(0, '{"to": "ACC-')),
    chunk(0, call(0, '12345678", "n": 1}')),
    chunk(0, call(1, "", id="call_2", type="function", function={"name": "tell"})),
    chunk(0, call(1, '{"text": "\\u0041CC-12345678"}')),
    chunk(0, {}, "tool_calls"),
    {**FIRST, "choices": [], "usage": USAGE},
    "[DONE]",
]


def test_a_call_with_which_a_stream_begins_has_the_id_of_the_answer() -> None:
    sent = [*STREAM[4:6], chunk(0, call(0, '1"}')), STREAM[-3], "[DONE]"]
    *got, _ = streamed(Chat.open({**copy.deepcopy(ASKED), "stream": True}), sent, 0)
    assert {(c["id"], c["created"], c["model"]) for c in got} == {("chatcmpl-7", 1741569952, "gpt-4.1-mini")}
    assert got[0]["choices"][0]["delta"]["tool_calls"][0]["id"] == "call_1"


@pytest.mark.parametrize("cut", [0, 1, 7, 100])
def test_a_stream_is_masked_and_accumulates(cut: int) -> None:
    got = streamed(Chat.open({**copy.deepcopy(ASKED), "stream": True}), STREAM, cut)
    assert ACCOUNT not in json.dumps(got)
    completion = accumulated(got)
    message = completion.choices[0].message
    assert message.content == f"Your account is {MASK}, as you know. Bye"
    assert [(c.id, c.function.name, json.loads(c.function.arguments)) for c in message.tool_calls] == [
        ("call_1", "pay", {"to": MASK, "n": 1}),
        ("call_2", "tell", {"text": MASK}),
    ]
    assert completion.choices[0].finish_reason == "tool_calls"
    assert completion.usage.total_tokens == 3
    # A call leaves in one piece: its name does not go ahead.
    pieces = [
        c["function"]["arguments"] for b in got[:-1] for x in b["choices"] for c in x["delta"].get("tool_calls", ())
    ]
    assert [p for p in pieces if p] == [json.dumps({"to": MASK, "n": 1}), json.dumps({"text": MASK})]
    assert len(pieces) == 2


def test_choices_are_channels_of_their_own() -> None:
    stream = [
        chunk(0, {"role": "assistant", "content": "ACC-12"}),
        chunk(1, {"role": "assistant", "content": "ACC-12"}),
        chunk(1, {"content": "345678."}),
        chunk(0, {"content": "345678!"}),
        chunk(1, {}, "stop"),
        chunk(0, {}, "length"),
        "[DONE]",
    ]
    completion = accumulated(streamed(Chat.open({**copy.deepcopy(ASKED), "n": 2}), stream))
    assert [c.message.content for c in completion.choices] == [f"{MASK}!", f"{MASK}."]
    assert [c.finish_reason for c in completion.choices] == ["length", "stop"]


def test_a_blocked_stream_ends_with_the_message() -> None:
    stream = [FIRST, chunk(0, {"content": f"All of {SECRET} is"}), chunk(0, {"content": " here."}), *STREAM[-3:]]
    got = streamed(Chat.open(copy.deepcopy(ASKED)), stream)
    completion = accumulated(got)
    assert completion.choices[0].message.content == MESSAGE
    assert completion.choices[0].finish_reason == "content_filter"
    assert SECRET not in json.dumps(got)


def test_safe_text_before_the_block_stays() -> None:
    safe = (
        "A first sentence that is long enough to be a segment of its own, because it does not want to end before it is. "
        * 2
    )
    got = streamed(
        Chat.open(copy.deepcopy(ASKED)), [FIRST, chunk(0, {"content": f"{safe}Now {SECRET}."}), *STREAM[-3:]]
    )
    text = accumulated(got).choices[0].message.content
    assert text.endswith(MESSAGE)
    assert safe.startswith(text.removesuffix(MESSAGE))
    assert len(text) > len(MESSAGE)


def test_all_choices_that_were_asked_for_end() -> None:
    stream = [
        chunk(0, {"role": "assistant", "content": "Hello."}),
        chunk(0, {}, "stop"),
        chunk(1, {"role": "assistant", "content": SECRET}),
        chunk(1, {}, "stop"),
        chunk(2, {"role": "assistant", "content": "Hi."}),
        chunk(2, {}, "stop"),
        "[DONE]",
    ]
    completion = accumulated(streamed(Chat.open({**copy.deepcopy(ASKED), "n": 3}), stream))
    assert [(c.message.content, c.message.role, c.finish_reason) for c in completion.choices] == [
        ("Hello.", "assistant", "stop"),
        (MESSAGE, "assistant", "content_filter"),
        (MESSAGE, "assistant", "content_filter"),
    ]


def test_a_stream_that_has_not_begun_is_opened() -> None:
    form = Chat.open({**copy.deepcopy(ASKED), "stream": True})
    completion = accumulated([f.raw or f.body for f in [*form.opening(), *form.ending("No.")]])
    assert (completion.choices[0].message.role, completion.choices[0].message.content) == ("assistant", "No.")


def test_a_choice_is_given_its_role_once() -> None:
    form = Chat.open(copy.deepcopy(ASKED))
    form.delta(("content", ("index", 0)), "Hello. ")
    assert form.ending("No.")[0].body["choices"][0]["delta"] == {"content": "No."}


def test_nothing_follows_the_end() -> None:
    form = Chat.open(copy.deepcopy(ASKED))
    got = streamed(
        form, [FIRST, chunk(0, {"content": "Hi."}), chunk(0, {}, "stop"), "[DONE]", chunk(0, {"content": SECRET})]
    )
    assert got[-1] == "[DONE]"
    assert got.count("[DONE]") == 1
    assert SECRET not in json.dumps(got)


def test_log_probabilities_of_chunks_go() -> None:
    noisy = copy.deepcopy(STREAM)
    for body in noisy[:-1]:
        for choice in body["choices"]:
            choice["logprobs"] = {"content": [{"token": ACCOUNT, "logprob": -1.0, "bytes": None, "top_logprobs": []}]}
    got = streamed(Chat.open(copy.deepcopy(ASKED)), noisy)
    assert ACCOUNT not in json.dumps(got)
    accumulated(got)


def test_spoken_answers() -> None:
    stream = [
        chunk(0, {"role": "assistant", "audio": {"id": "audio_1", "transcript": "It is ACC-12"}}),
        chunk(0, {"audio": {"transcript": "345678."}}),
        chunk(0, {"audio": {"expires_at": 1741569999}}),
        chunk(0, {}, "stop"),
        "[DONE]",
    ]
    audio = accumulated(streamed(Chat.open(copy.deepcopy(ASKED)), stream)).choices[0].message.audio
    assert (audio.id, audio.transcript) == ("audio_1", f"It is {MASK}.")


def test_choices_without_an_index_have_that_of_their_position() -> None:
    body = {"choices": [{"delta": {"content": ACCOUNT}, "finish_reason": "stop"}]}
    event = Chat.open(ASKED).event(Frame(body))
    assert ("index", 0) in event.closes
    assert [s.channel for s in event.walk.slots if s.mode is Mode.DELTA] == [("content", ("index", 0))]


def test_what_an_event_does_not_name_is_text() -> None:
    body = chunk(0, {"content": "a", "thoughts": "b c"}, provider="Some One", x={"y": ["z z"]})
    event = Chat.open(ASKED).event(Frame(body))
    whole = {s.text for s in event.walk.slots if s.mode is not Mode.DELTA}
    assert {"b c", "Some One", "z z"} <= whole
    assert not event.bare


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=3) | st.just("assistant"),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "choices",
                    "delta",
                    "index",
                    "content",
                    "tool_calls",
                    "function",
                    "custom",
                    "arguments",
                    "finish_reason",
                    "message",
                    "messages",
                    "role",
                    "usage",
                    "audio",
                    "function_call",
                    "refusal",
                    "type",
                    "text",
                    "image_url",
                    "url",
                    "id",
                    "n",
                    "created",
                ]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(JSON)
def test_no_body_is_too_odd(body: Any) -> None:
    if Chat.fits(body):
        form = Chat.open(copy.deepcopy(body))
        walk = form.inbound()
        for turn in form.latest(walk):
            form.replace(turn, "x")
    form = Chat.open(copy.deepcopy(ASKED))
    form.outbound(copy.deepcopy(body)).close()
    event = form.event(Frame(copy.deepcopy(body)))
    for slot in event.walk.slots:
        if slot.mode is Mode.DELTA:
            ChatCompletionChunk.model_validate(form.delta(slot.channel, slot.text).body)
    form.send(event)
    ChatCompletion.model_validate(form.refusal("x"))
    assert encoded([f.raw or f.body for f in form.ending("x")])
