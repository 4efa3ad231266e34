from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openai import omit
from openai.lib.streaming.responses._responses import ResponseStreamState
from openai.types.responses import Response, ResponseStreamEvent
from pydantic import TypeAdapter

from guardrails.types import Role
from guardrails.wire.format import Session
from guardrails.wire.framing import Frame
from guardrails.wire.openai_responses import Responses
from guardrails.wire.shape import Kind
from guardrails.wire.slots import Mode, Slot
from guardrails.wire.walk import Walk
from tests.wire.bodies import ACCOUNT, MASK, MESSAGE, SECRET, answered, encoded, exchange, streamed

EVENTS: TypeAdapter[Any] = TypeAdapter(ResponseStreamEvent)
IMAGE = "data:image/png;base64,iVBORw0KGgo="

REQUEST: dict[str, Any] = {
    "model": "gpt-5.1",
    "instructions": "You are the bank's assistant.",
    "previous_response_id": "resp_0",
    "conversation": {"id": "conv_1"},
    "prompt": {
        "id": "pmpt_1",
        "version": "2",
        "variables": {"city": "New York", "pic": {"type": "input_image", "image_url": "https://x.io/v.png"}},
    },
    "input": [
        {"role": "developer", "content": "Be kind."},
        {
            "type": "message",
            "role": "user",
            "content": [
                {"type": "input_text", "text": "What is this?"},
                {"type": "input_image", "image_url": IMAGE, "detail": "low"},
                {"type": "input_file", "filename": "my cv.pdf", "file_data": "JVBERi0="},
                {"type": "input_file", "file_url": "https://x.io/a.pdf"},
            ],
        },
        {
            "type": "reasoning",
            "id": "rs_1",
            "summary": [{"type": "summary_text", "text": "A hard one."}],
            "content": [{"type": "reasoning_text", "text": "Let me see."}],
            "encrypted_content": "gAAAAABn" + "x" * 300,
        },
        {"type": "item_reference", "id": "msg_0"},
        {"id": "msg_00"},
        {
            "type": "message",
            "id": "msg_1",
            "role": "assistant",
            "status": "completed",
            "content": [
                {
                    "type": "output_text",
                    "text": "It is a cat.",
                    "annotations": [
                        {"type": "url_citation", "url": "https://c.io/?q=cat", "title": "On cats", "start_index": 0, "end_index": 4}
                    ],
                    "logprobs": [{"token": "It", "bytes": [73], "logprob": -1.0, "top_logprobs": []}],
                },
                {"type": "refusal", "refusal": "Not that."},
            ],
        },
        {"type": "function_call", "id": "fc_1", "call_id": "call_1", "name": "look_up", "arguments": '{"who": "Ann Lee"}'},
        {"type": "function_call_output", "call_id": "call_1", "output": "Ann Lee, born 1980"},
        {"type": "custom_tool_call", "call_id": "call_2", "name": "sql", "input": "select name"},
        {
            "type": "custom_tool_call_output",
            "call_id": "call_2",
            "output": [{"type": "input_text", "text": "a row"}, {"type": "input_image", "file_id": "file-9"}],
        },
        {
            "type": "file_search_call",
            "id": "fs_1",
            "status": "completed",
            "queries": ["all about Ann"],
            "results": [{"file_id": "file-3", "filename": "about ann.txt", "score": 0.91234, "text": "She is nice.", "attributes": {"kind": "a note"}}],
        },
        {
            "type": "web_search_call",
            "id": "ws_1",
            "status": "completed",
            "action": {"type": "search", "query": "who is ann", "sources": [{"type": "url", "url": "https://s.io/a b"}]},
        },
        {
            "type": "computer_call",
            "id": "cu_1",
            "call_id": "call_3",
            "status": "completed",
            "action": {"type": "type", "text": "typed words"},
            "pending_safety_checks": [{"id": "sc_1", "code": "malicious_instructions", "message": "Look out!"}],
        },
        {
            "type": "computer_call_output",
            "call_id": "call_3",
            "output": {"type": "computer_screenshot", "image_url": IMAGE},
            "acknowledged_safety_checks": [{"id": "sc_1", "code": "x", "message": "I saw it."}],
        },
        {
            "type": "code_interpreter_call",
            "id": "ci_1",
            "container_id": "cntr_1",
            "code": "print(1 + 1)",
            "status": "completed",
            "outputs": [{"type": "logs", "logs": "two, 2"}, {"type": "image", "url": "https://x.io/p.png"}],
        },
        {
            "type": "mcp_call",
            "id": "mcp_1",
            "server_label": "crm",
            "name": "find_it",
            "arguments": '{"q": "of Ann"}',
            "output": "it was found",
            "error": {"type": "mcp_protocol_error", "code": 7, "message": "no luck"},
        },
        {"type": "mcp_list_tools", "id": "ml_1", "server_label": "crm", "tools": [{"name": "t", "description": "Does it.", "input_schema": {}}]},
        {"type": "mcp_approval_request", "id": "ma_1", "server_label": "crm", "name": "t", "arguments": '{"z": "of Zed"}'},
        {"type": "mcp_approval_response", "approval_request_id": "ma_1", "approve": True, "reason": "I may."},
        {"type": "local_shell_call", "id": "ls_1", "call_id": "call_4", "status": "completed", "action": {"type": "exec", "command": ["ls", "-l a"], "env": {"HOME": "my home"}}},
        {"type": "local_shell_call_output", "id": "ls_1", "output": "total of 0"},
        {"type": "shell_call", "call_id": "call_5", "action": {"commands": ["rm it all"]}},
        {"type": "shell_call_output", "call_id": "call_5", "output": [{"stdout": "gone it is", "stderr": "oh dear", "outcome": {"type": "exit", "exit_code": 0}}]},
        {"type": "apply_patch_call", "call_id": "call_6", "status": "completed", "operation": {"type": "update_file", "path": "a b.py", "diff": "+ new line"}},
        {"type": "apply_patch_call_output", "call_id": "call_6", "status": "completed", "output": "patched it"},
        {"type": "image_generation_call", "id": "ig_1", "status": "completed", "result": "iVBORw0KGgo=", "revised_prompt": "a red cat"},
        {"type": "tool_search_output", "tools": [{"type": "function", "name": "f2", "description": "Late tool.", "parameters": None, "strict": None}]},
        {"type": "program", "id": "pr_1", "call_id": "call_7", "code": "run it now", "fingerprint": "Zm9v" * 60},
        {"type": "program_output", "id": "po_1", "call_id": "call_7", "result": "it ran well", "status": "completed"},
        {"type": "compaction", "encrypted_content": "gAAAAABn" + "y" * 300},
        {"type": "brand_new_call_output", "call_id": "call_8", "news": "never seen"},
        {"role": "user", "content": "Thanks, and now?"},
    ],
    "tools": [
        {"type": "function", "name": "look_up", "description": "Finds a person.", "parameters": {"type": "object", "properties": {"who": {"description": "whom?"}}}, "strict": True},
        {"type": "mcp", "server_label": "crm", "server_url": "https://crm.io/mcp", "server_description": "Our crm.", "authorization": "tok_1", "headers": {"x-who": "some one"}},
        {"type": "file_search", "vector_store_ids": ["vs_1"]},
        {"type": "code_interpreter", "container": {"type": "auto", "file_ids": ["file-4"]}},
        {"type": "web_search", "user_location": {"type": "approximate", "city": "San José"}},
    ],
    "tool_choice": "auto",
    "text": {"format": {"type": "json_schema", "name": "out", "description": "An out.", "schema": {"title": "a form"}}},
    "reasoning": {"effort": "low", "summary": "auto"},
    "include": ["reasoning.encrypted_content"],
    "metadata": {"case": "number 12"},
    "user": "bob@example.com",
    "safety_identifier": "safe me",
    "max_output_tokens": 123456,
    "stream": True,
}  # fmt: skip


def slots(walk: Walk) -> dict[str, Slot]:
    return {s.text: s for s in walk.slots if not s.fixed}


def test_every_text_of_a_request_is_found_with_its_role() -> None:
    found = slots(Responses.open(copy.deepcopy(REQUEST)).inbound())
    roles = {
        Role.SYSTEM: "You are the bank's assistant.|Be kind.|Finds a person.|whom?|Our crm.|some one|San José|An out.|a form",
        Role.USER: "New York|What is this?|my cv.pdf|I may.|number 12|bob@example.com|safe me|Thanks, and now?",
        Role.ASSISTANT: (
            "A hard one.|Let me see.|It is a cat.|On cats|https://c.io/?q=cat|Not that.|Ann Lee|select name|all about Ann|"
            "who is ann|typed words|print(1 + 1)|of Ann|find_it|of Zed|-l a|my home|rm it all|a b.py|+ new line|a red cat|run it now"
        ),
        Role.TOOL: (
            "Ann Lee, born 1980|a row|about ann.txt|She is nice.|a note|https://s.io/a b|Look out!|I saw it.|two, 2|it was found|"
            "no luck|Does it.|total of 0|gone it is|oh dear|patched it|Late tool.|it ran well|never seen"
        ),
    }
    for role, texts in roles.items():
        for text in texts.split("|"):
            assert found[text].role is role, text
    last = len(REQUEST["input"]) - 1
    assert found["Thanks, and now?"].turn == last
    assert found["You are the bank's assistant."].turn is None
    assert found["New York"].turn is None
    called = "Ann Lee|select name|all about Ann|who is ann|typed words|print(1 + 1)|of Ann|rm it all|-l a|+ new line|run it now"
    assert {found[t].kind for t in called.split("|")} == {Kind.TOOL}
    assert {found[t].kind for t in ("She is nice.", "two, 2", "It is a cat.", "Let me see.")} == {Kind.TEXT}


def test_ids_and_settings_are_left_alone() -> None:
    form = Responses.open(copy.deepcopy(REQUEST))
    found = slots(form.inbound())
    for opaque in [
        "gpt-5.1",
        "call_1",
        "fc_1",
        "rs_1",
        "msg_1",
        "cntr_1",
        "crm",
        "tok_1",
        "auto",
        "low",
        "123456",
        "completed",
        "exec",
        "file-3",
        "0.91234",
        "input_text",
    ]:
        assert opaque not in found, opaque
    # Log-probabilities of an earlier answer are not sent on.
    assert form.body["input"][5]["content"][0]["logprobs"] == []


def test_what_nobody_can_inspect_is_reported() -> None:
    walk = Responses.open(copy.deepcopy(REQUEST)).inbound()
    assert [(u.why.split()[-1], u.path) for u in walk.uninspected] == [
        ("reference", "previous_response_id"),
        ("reference", "conversation.id"),
        ("reference", "prompt.id"),
        ("reference", "prompt.variables.pic.image_url"),
        ("reference", "input[1].content[1].image_url"),
        ("content", "input[1].content[2].file_data"),
        ("reference", "input[1].content[3].file_url"),
        ("content", "input[2].encrypted_content"),
        ("reference", "input[3].id"),
        ("reference", "input[4].id"),
        ("reference", "input[9].output[1].file_id"),
        ("reference", "input[13].output.image_url"),
        ("reference", "input[14].outputs[1].url"),
        ("content", "input[25].result"),
        ("content", "input[29].encrypted_content"),
        ("reference", "tools[1].server_url"),
        ("reference", "tools[2].vector_store_ids[0]"),
        ("reference", "tools[3].container.file_ids[0]"),
    ]
    assert not Responses.open({"input": "hi", "conversation": None, "previous_response_id": None}).inbound().uninspected
    assert [u.path for u in Responses.open({"input": "hi", "conversation": "conv_1"}).inbound().uninspected] == [
        "conversation"
    ]


def test_answers_made_in_the_background_are_not_served() -> None:
    form = Responses.open({"input": "hi", "background": True})
    assert form.unsupported is not None
    assert "background" in form.unsupported
    assert [u.path for u in form.inbound().uninspected] == ["background"]
    assert Responses.open({"input": "hi", "background": False}).unsupported is None


@pytest.mark.parametrize(
    ("body", "fits"),
    [
        ({"input": "hi"}, True),
        ({"input": []}, True),
        ({"prompt": {"id": "pmpt_1"}}, True),
        ({"previous_response_id": "resp_1"}, True),
        ({"model": "m"}, False),
        ({"input": {"text": "hi"}}, False),
        ({"input": "hi", "messages": []}, False),
        ([], False),
    ],
)
def test_fits(body: Any, fits: bool) -> None:
    assert Responses.fits(body) is fits


def test_the_newest_turn() -> None:
    form = Responses.open(copy.deepcopy(REQUEST))
    # The unknown item is nobody's word, and the compaction before it the model's.
    assert form.latest(form.inbound()) == {
        len(REQUEST["input"]) - 1,
        len(REQUEST["input"]) - 2,
        len(REQUEST["input"]) - 4,
    }
    form = Responses.open({**copy.deepcopy(REQUEST), "input": copy.deepcopy(REQUEST["input"][:8])})
    assert form.latest(form.inbound()) == {7}
    form = Responses.open({"input": "hi"})
    assert form.latest(form.inbound()) == {0}


def test_items_are_replaced_whole() -> None:
    form = Responses.open(copy.deepcopy(REQUEST))
    assert all(form.replace(turn, "(removed)") for turn in (0, 1, 5, 7, 9))
    said = form.body["input"]
    assert said[0] == {"role": "developer", "content": "(removed)"}
    assert said[1] == {"type": "message", "role": "user", "content": "(removed)"}
    assert said[5]["content"] == [{"type": "output_text", "text": "(removed)", "annotations": []}]
    assert said[7] == {"type": "function_call_output", "call_id": "call_1", "output": "(removed)"}
    assert not form.replace(6, "(removed)")
    alone = Responses.open({"input": f"about {SECRET}"})
    assert alone.replace(0, "(removed)")
    assert alone.body["input"] == "(removed)"


# -- answers -----------------------------------------------------------------------------------------------------------

ASKED: dict[str, Any] = {
    "model": "gpt-5.1",
    "input": "hi",
    "instructions": f"Never speak of {SECRET}.",
    "metadata": {"case": f"of {SECRET}"},
    "tools": [{"type": "function", "name": "pay", "description": f"Not for {SECRET}.", "parameters": {"my_key": {}}, "strict": True}],
}  # fmt: skip


def response(output: list[Any], status: str = "completed", **more: Any) -> dict[str, Any]:
    return {
        "id": "resp_7",
        "object": "response",
        "created_at": 1741476542,
        "model": "gpt-5.1-2025-11-13",
        "status": status,
        "background": False,
        "error": None,
        "incomplete_details": None,
        "instructions": None,
        "max_output_tokens": None,
        "metadata": {},
        "output": output,
        "parallel_tool_calls": True,
        "previous_response_id": None,
        "reasoning": {"effort": "low", "summary": None},
        "store": True,
        "temperature": 1.0,
        "text": {"format": {"type": "text"}, "verbosity": "medium"},
        "tool_choice": "auto",
        "tools": [],
        "top_p": 1.0,
        "truncation": "disabled",
        "usage": {
            "input_tokens": 11,
            "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
            "output_tokens": 31,
            "output_tokens_details": {"reasoning_tokens": 5},
            "total_tokens": 42,
        },
        "user": None,
        **more,
    }


def message(text: str, id_: str = "msg_1", **part: Any) -> dict[str, Any]:
    content = [{"type": "output_text", "text": text, "annotations": [], "logprobs": [], **part}]
    return {"id": id_, "type": "message", "role": "assistant", "status": "completed", "content": content}


OUTPUT: list[Any] = [
    {"id": "rs_1", "type": "reasoning", "summary": [{"type": "summary_text", "text": f"On {ACCOUNT}"}], "encrypted_content": "gAAAAABn"},
    message(
        f"See {ACCOUNT}.",
        logprobs=[{"token": ACCOUNT, "bytes": [1], "logprob": -1.0, "top_logprobs": []}],
        annotations=[{"type": "url_citation", "url": f"https://x.io/{ACCOUNT}", "title": "x", "start_index": 0, "end_index": 3}],
    ),
    {"id": "fc_1", "type": "function_call", "call_id": "call_1", "name": "pay", "status": "completed", "arguments": json.dumps({"to": ACCOUNT, "why": 'say "hi"'})},
    {"id": "mcp_1", "type": "mcp_call", "server_label": "crm", "name": "x", "arguments": "{}", "output": f"found {ACCOUNT}"},
    {"id": "ws_1", "type": "web_search_call", "status": "completed", "action": {"type": "search", "query": f"q {ACCOUNT}"}},
]  # fmt: skip


def test_every_item_of_an_answer_is_masked() -> None:
    got = answered(Responses.open({"model": "gpt-5.1", "input": "hi"}), response(OUTPUT))
    whole = Response.model_validate(got)
    assert ACCOUNT not in json.dumps(got)
    assert whole.output_text == f"See {MASK}."
    assert json.loads(got["output"][2]["arguments"]) == {"to": MASK, "why": 'say "hi"'}
    assert got["output"][1]["content"][0]["logprobs"] == []
    assert got["output"][1]["content"][0]["annotations"][0]["url"] == f"https://x.io/{MASK}"
    assert got["output"][3]["output"] == f"found {MASK}"
    assert got["usage"] == response([])["usage"]


def test_an_ordinary_answer_has_no_texts_but_its_own() -> None:
    walk = Responses.open({"model": "gpt-5.1", "input": "hi"}).outbound(response([message("Hello.")]))
    assert [s.text for s in walk.slots] == ["Hello."]
    assert walk.uninspected == []


def test_what_repeats_the_request_word_for_word_is_not_judged_again() -> None:
    """Instructions may name what the model must not say; an answer repeats them."""
    form = Responses.open(copy.deepcopy(ASKED))
    echo = {key: copy.deepcopy(ASKED[key]) for key in ("instructions", "metadata", "tools")}
    walk = form.outbound(response([message("Hello.")], **echo))
    assert not [s for s in walk.slots if SECRET in s.text or "my_key" in s.text]
    # Word for word only, and never as the model's own words.
    walk = form.outbound(response([message(ASKED["instructions"])], instructions=f"Never, never speak of {SECRET}."))
    assert [s.path for s in walk.slots if SECRET in s.text] == ["instructions", "output[0].content[0].text"]


def test_what_repeats_a_masked_request_is_what_was_forwarded() -> None:
    form = Responses.open({"input": "hi", "instructions": f"The account is {ACCOUNT}."})
    run = exchange(form)
    assert run.request().action == "MASKED"
    got, decision = run.answer(response([message("Hello.")], instructions=f"The account is {MASK}."))
    assert decision.action == "NONE"
    assert got["instructions"] == f"The account is {MASK}."
    got, decision = run.answer(response([message("Hello.")], instructions=f"The account is {ACCOUNT}."))
    assert decision.action == "MASKED"
    assert ACCOUNT not in json.dumps(got)


def test_content_of_an_answer_that_nobody_can_inspect_is_reported() -> None:
    picture = {"type": "image_generation_call", "id": "ig_1", "status": "completed", "result": "iVBORw0KGgo="}
    settings = {"previous_response_id": "resp_0", "tools": [{"type": "file_search", "vector_store_ids": ["vs_1"]}]}
    walk = Responses.open({"input": "hi"}).outbound(response([*copy.deepcopy(OUTPUT), picture], **settings))
    assert [u.path for u in walk.uninspected] == ["output[5].result"]


def test_a_refusal_is_a_response_with_the_answers_own_id_and_usage() -> None:
    got = answered(Responses.open({"model": "gpt-5.1", "input": "hi"}), response([message(f"the {SECRET}")]))
    whole = Response.model_validate(got)
    assert (whole.id, whole.created_at, whole.model) == ("resp_7", 1741476542, "gpt-5.1-2025-11-13")
    assert whole.output_text == MESSAGE
    assert whole.status == "incomplete"
    assert whole.incomplete_details is not None
    assert whole.incomplete_details.reason == "content_filter"
    assert whole.usage is not None
    assert whole.usage.total_tokens == 42
    assert SECRET not in json.dumps(got)
    before = Response.model_validate(Responses.open({"model": "gpt-5.1", "input": "hi"}).refusal("No."))
    assert (before.model, before.output_text) == ("gpt-5.1", "No.")


# -- streams -----------------------------------------------------------------------------------------------------------


class Script:
    """Writes the events of a stream as the API does: each text up to five times."""

    def __init__(self, **settings: Any) -> None:
        self.settings = settings
        self.events: list[Any] = []
        self.output: list[Any] = []
        for kind in ("response.created", "response.in_progress"):
            self.say(kind, response=response([], "in_progress", usage=None, **settings))

    def say(self, kind: str, **body: Any) -> None:
        self.events.append({"type": kind, "sequence_number": len(self.events) + 100, **copy.deepcopy(body)})

    def message(self, *pieces: str, id_: str = "msg_1", name: str = "output_text") -> Script:
        where: dict[str, Any] = {"item_id": id_, "output_index": len(self.output)}
        part: dict[str, Any] = {"type": "output_text", "annotations": [], "logprobs": [], "text": ""}
        if name == "refusal":
            part = {"type": "refusal", "refusal": ""}
        key = "text" if name == "output_text" else "refusal"
        more: dict[str, Any] = {"logprobs": []} if name == "output_text" else {}
        item = {"id": id_, "type": "message", "role": "assistant", "status": "in_progress", "content": []}
        self.say("response.output_item.added", output_index=len(self.output), item=item)
        self.say("response.content_part.added", **where, content_index=0, part=part)
        for piece in pieces:
            noise = {"obfuscation": "aB3x"} if name == "output_text" else {}
            self.say(f"response.{name}.delta", **where, content_index=0, delta=piece, **more, **noise)
        part = {**part, key: "".join(pieces)}
        self.say(f"response.{name}.done", **where, content_index=0, **{key: "".join(pieces)}, **more)
        self.say("response.content_part.done", **where, content_index=0, part=part)
        self.done({**item, "status": "completed", "content": [part]})
        return self

    def reasoning(self, *pieces: str) -> Script:
        where: dict[str, Any] = {"item_id": "rs_1", "output_index": len(self.output)}
        item: dict[str, Any] = {"id": "rs_1", "type": "reasoning", "summary": []}
        self.say("response.output_item.added", output_index=len(self.output), item=item)
        text = "".join(pieces)
        for i in range(2):
            self.say(
                "response.reasoning_summary_part.added",
                **where,
                summary_index=i,
                part={"type": "summary_text", "text": ""},
            )
            for piece in pieces:
                self.say("response.reasoning_summary_text.delta", **where, summary_index=i, delta=piece)
            self.say("response.reasoning_summary_text.done", **where, summary_index=i, text=text)
            self.say(
                "response.reasoning_summary_part.done",
                **where,
                summary_index=i,
                part={"type": "summary_text", "text": text},
            )
        for piece in pieces:
            self.say("response.reasoning_text.delta", **where, content_index=0, delta=piece)
        self.say("response.reasoning_text.done", **where, content_index=0, text=text)
        parts = [{"type": "summary_text", "text": text}] * 2
        self.done(
            {
                **item,
                "summary": parts,
                "content": [{"type": "reasoning_text", "text": text}],
                "encrypted_content": "gAAA",
            }
        )
        return self

    def call(self, *pieces: str, id_: str = "fc_1") -> Script:
        where: dict[str, Any] = {"item_id": id_, "output_index": len(self.output)}
        item = {
            "id": id_,
            "type": "function_call",
            "call_id": "c_" + id_,
            "name": "pay",
            "arguments": "",
            "status": "in_progress",
        }
        self.say("response.output_item.added", output_index=len(self.output), item=item)
        for piece in pieces:
            self.say("response.function_call_arguments.delta", **where, delta=piece)
        self.say("response.function_call_arguments.done", **where, arguments="".join(pieces), name="pay")
        self.done({**item, "arguments": "".join(pieces), "status": "completed"})
        return self

    def done(self, item: Any) -> None:
        self.say("response.output_item.done", output_index=len(self.output), item=item)
        self.output.append(item)

    def end(self, kind: str = "completed", **more: Any) -> list[Any]:
        self.say(f"response.{kind}", response=response(self.output, kind, **self.settings, **more))
        return self.events


def replayed(bodies: list[Any]) -> tuple[Any, Any]:
    """The SDK's accumulation of a stream and its last event; every event is one it validates, and numbered in order."""
    state: ResponseStreamState[None] = ResponseStreamState(input_tools=omit, text_format=omit)  # type: ignore[arg-type]
    last: Any = None
    for body in bodies:
        event = EVENTS.validate_python(body)
        assert event.type == body["type"]
        fired = state.handle_event(event)
        last = fired[-1] if fired else last
    numbers = [body["sequence_number"] for body in bodies]
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
    return state, last


def ask(**more: Any) -> Session:
    return Responses.open({"model": "gpt-5.1", "input": "hi", "stream": True, **more})


def texts(bodies: list[Any], kind: str, key: str = "delta") -> list[str]:
    return [b[key] for b in bodies if b["type"] == kind]


FULL = (
    Script()
    .reasoning("I look at ACC-123", "45678 now.")
    .message("Your account is ACC-123", "45678, as", " you know.")
    .call('{"to": "ACC-', '12345678", "n": 1}')
    .message("No ACC-1", "2345678.", id_="msg_2", name="refusal")
    .end()
)


@pytest.mark.parametrize("cut", [0, 1, 13, 500])
def test_a_stream_is_masked_wherever_it_says_a_text(cut: int) -> None:
    got = streamed(ask(), FULL, cut)
    assert ACCOUNT not in json.dumps(got)
    _, last = replayed(got)
    final = last.response
    assert final.output_text == f"Your account is {MASK}, as you know."
    assert json.loads(final.output[2].arguments) == {"to": MASK, "n": 1}
    assert final.output[3].content[0].refusal == f"No {MASK}."
    assert [s.text for s in final.output[0].summary] == [f"I look at {MASK} now."] * 2
    assert final.output[0].content[0].text == f"I look at {MASK} now."
    assert "".join(texts(got, "response.output_text.delta")) == final.output_text
    assert texts(got, "response.output_text.done", "text") == [final.output_text]
    assert "".join(texts(got, "response.reasoning_summary_text.delta")) == f"I look at {MASK} now." * 2
    # Arguments leave in one piece, before they are said to be done.
    assert texts(got, "response.function_call_arguments.delta") == texts(
        got, "response.function_call_arguments.done", "arguments"
    )
    kinds = [b["type"] for b in got]
    assert kinds.index("response.output_text.done") > max(
        i for i, k in enumerate(kinds) if k == "response.output_text.delta"
    )
    assert final.usage.total_tokens == 42


def test_the_first_number_is_the_upstreams() -> None:
    got = streamed(ask(), FULL)
    assert got[0]["sequence_number"] == 100
    assert len(got) < len(FULL)


def test_an_untouched_stream_is_the_same_but_for_how_its_texts_are_cut() -> None:
    script = Script().message("A first.", " And more.").call('{"a":', ' "b"}').end()
    got = streamed(ask(), script)
    _, last = replayed(got)
    assert last.response.output_text == "A first. And more."
    assert [b["type"] for b in got if not b["type"].endswith(".delta")] == [
        b["type"] for b in script if not b["type"].endswith(".delta")
    ]
    assert got[-1]["response"] == script[-1]["response"]


def test_a_blocked_stream_says_so_in_the_message_that_was_open() -> None:
    script = Script().reasoning("Well.").message(f"All of {SECRET} is", " here.").call("{}").end()
    got = streamed(ask(), script)
    assert SECRET not in json.dumps(got)
    _, last = replayed(got)
    assert last.type == "response.incomplete"
    assert last.response.incomplete_details.reason == "content_filter"
    assert last.response.output_text == MESSAGE
    assert [(i.type, i.id) for i in last.response.output] == [("reasoning", "rs_1"), ("message", "msg_1")]
    assert last.response.output[1].status == "incomplete"
    assert [b["type"] for b in got][-5:] == [
        "response.output_text.delta",
        "response.output_text.done",
        "response.content_part.done",
        "response.output_item.done",
        "response.incomplete",
    ]


def test_safe_text_before_the_block_stays_and_is_repeated() -> None:
    safe = (
        "A first sentence that is long enough to be a segment of its own, because it does not want to end before it is. "
        * 2
    )
    got = streamed(ask(), Script().message(f"{safe}Now {SECRET}.").end())
    _, last = replayed(got)
    said = "".join(texts(got, "response.output_text.delta"))
    assert said == last.response.output_text == texts(got, "response.output_text.done", "text")[0]
    assert said.endswith(MESSAGE)
    assert safe.startswith(said.removesuffix(MESSAGE))
    assert len(said) > len(MESSAGE)


def test_a_blocked_call_is_neither_closed_nor_in_the_answer() -> None:
    script = Script().message("I pay.").call('{"to": "', f'{SECRET}"}}').end()
    got = streamed(ask(), script)
    assert SECRET not in json.dumps(got)
    _, last = replayed(got)
    assert [i.type for i in last.response.output] == ["message", "message"]
    assert last.response.output_text == "I pay." + MESSAGE
    assert "function_call" not in json.dumps(got)
    places = [b["output_index"] for b in got if b["type"] == "response.output_item.added"]
    assert places == [0, 1]


def test_a_blocked_refusal_is_closed_and_the_message_follows_in_a_part_of_its_own() -> None:
    got = streamed(ask(), Script().message(f"I won't tell of {SECRET}.", name="refusal").end())
    assert SECRET not in json.dumps(got)
    _, last = replayed(got)
    (item,) = last.response.output
    assert [part.type for part in item.content] == ["refusal", "output_text"]
    assert last.response.output_text == MESSAGE


def test_what_only_the_end_says_is_inspected_too() -> None:
    script = Script()
    script.output = [message(f"See {ACCOUNT}.")]
    _, last = replayed(streamed(ask(), script.end()))
    assert last.response.output_text == f"See {MASK}."
    script = Script().message("Hello.")
    script.output.append(message(SECRET, "msg_2"))
    got = streamed(ask(), script.end())
    assert SECRET not in json.dumps(got)
    assert got[-1]["type"] == "response.incomplete"
    assert [i["content"][0]["text"] for i in got[-1]["response"]["output"]] == ["Hello.", MESSAGE]


@pytest.mark.parametrize("kind", ["failed", "incomplete"])
def test_other_ends_carry_masked_texts(kind: str) -> None:
    error = {"code": "server_error", "message": f"broke at {ACCOUNT}"} if kind == "failed" else None
    reason = {"reason": "max_output_tokens"} if kind == "incomplete" else None
    script = Script().message("It is ACC-123", "45678")
    got = streamed(ask(), script.end(kind, error=error, incomplete_details=reason))
    assert ACCOUNT not in json.dumps(got)
    _, last = replayed(got)
    assert last.type == f"response.{kind}"
    assert last.response.output_text == f"It is {MASK}"


def test_places_of_the_end_need_not_be_those_of_the_stream() -> None:
    script = Script()
    script.output.append(None)  # an item that was never shown
    script.message("one ACC-1", "2345678", id_="msg_5")
    script.output = script.output[1:]
    got = streamed(ask(), script.end())
    assert [b["output_index"] for b in got if "output_index" in b] == [1] * (len(got) - 3)
    assert got[-1]["response"]["output"][0]["content"][0]["text"] == f"one {MASK}"


def test_a_stream_that_breaks_off_in_the_middle_ends() -> None:
    form = ask()
    run = exchange(form)
    run.request()
    answer = run.streamed()
    framing = form.framing()
    script = Script().reasoning("Hm.").message("Hello", " there.").events[:-4]
    out = []
    for body in script:
        event, _ = answer.begin(Frame(copy.deepcopy(body), name=body["type"]))
        out += answer.settle(event)
    out += answer.broken("the upstream ended early")
    for frame in out:
        framing.encode(frame)
    _, last = replayed([f.body for f in out])
    assert last.type == "response.incomplete"
    assert last.response.output_text.endswith(MESSAGE)


def test_a_stream_that_has_not_begun_is_opened() -> None:
    form = ask()
    frames = [*form.opening(), *form.ending("No.")]
    framing = form.framing()
    for frame in frames:
        assert frame.name == frame.body["type"]
        framing.encode(frame)
    _, last = replayed([f.body for f in frames])
    assert last.response.output_text == "No."
    assert last.response.model == "gpt-5.1"


def test_nothing_follows_the_end() -> None:
    script = Script().message("Hello.").end()
    more = {
        "type": "response.output_text.delta",
        "item_id": "msg_1",
        "output_index": 7,
        "content_index": 0,
        "delta": SECRET,
        "logprobs": [],
        "sequence_number": 999,
    }
    got = streamed(ask(), [*script, more])  # fmt: skip
    assert got[-1]["type"] == "response.completed"
    assert SECRET not in json.dumps(got)


def test_an_error_comes_after_what_was_held() -> None:
    script = Script().message("It is ACC-123", "45678").events[:-3]
    error = {"type": "error", "code": "ERR", "message": f"broke at {ACCOUNT}", "param": None, "sequence_number": 9}
    got = streamed(ask(), [*script, error])
    for body in got:
        EVENTS.validate_python(body)
    assert got[-1]["message"] == f"broke at {MASK}"
    assert "".join(texts(got, "response.output_text.delta")) == f"It is {MASK}"


def tool_stream(item: dict[str, Any], steps: list[dict[str, Any]], done: dict[str, Any]) -> list[Any]:
    script = Script()
    script.say("response.output_item.added", output_index=0, item=item)
    for step in steps:
        script.say(**{"output_index": 0, "kind": step["type"], **{k: v for k, v in step.items() if k != "type"}})
    script.done(done)
    return script.end()


TOOLS: dict[str, Any] = {
    "custom": (
        {"id": "ct_1", "type": "custom_tool_call", "call_id": "c", "name": "sql", "input": ""},
        [
            {"type": "response.custom_tool_call_input.delta", "item_id": "ct_1", "delta": "find ACC-"},
            {"type": "response.custom_tool_call_input.delta", "item_id": "ct_1", "delta": "12345678"},
            {"type": "response.custom_tool_call_input.done", "item_id": "ct_1", "input": f"find {ACCOUNT}"},
        ],
        {"id": "ct_1", "type": "custom_tool_call", "call_id": "c", "name": "sql", "input": f"find {ACCOUNT}"},
    ),
    "mcp": (
        {"id": "mcp_1", "type": "mcp_call", "server_label": "crm", "name": "x", "arguments": ""},
        [
            {"type": "response.mcp_call.in_progress", "item_id": "mcp_1"},
            {"type": "response.mcp_call_arguments.delta", "item_id": "mcp_1", "delta": '{"a": "ACC-'},
            {"type": "response.mcp_call_arguments.delta", "item_id": "mcp_1", "delta": '12345678"}'},
            {"type": "response.mcp_call_arguments.done", "item_id": "mcp_1", "arguments": json.dumps({"a": ACCOUNT})},
            {"type": "response.mcp_call.completed", "item_id": "mcp_1"},
        ],
        {"id": "mcp_1", "type": "mcp_call", "server_label": "crm", "name": "x", "arguments": json.dumps({"a": ACCOUNT}), "output": f"of {ACCOUNT}"},
    ),
    "code": (
        {"id": "ci_1", "type": "code_interpreter_call", "container_id": "cn", "code": "", "outputs": None, "status": "in_progress"},
        [
            {"type": "response.code_interpreter_call_code.delta", "item_id": "ci_1", "delta": "x = 'ACC-"},
            {"type": "response.code_interpreter_call_code.delta", "item_id": "ci_1", "delta": "12345678'"},
            {"type": "response.code_interpreter_call_code.done", "item_id": "ci_1", "code": f"x = '{ACCOUNT}'"},
        ],
        {"id": "ci_1", "type": "code_interpreter_call", "container_id": "cn", "code": f"x = '{ACCOUNT}'", "outputs": [{"type": "logs", "logs": f"{ACCOUNT}!"}], "status": "completed"},
    ),
    "shell": (
        {"id": "sh_1", "type": "shell_call", "call_id": "c", "status": "in_progress", "action": {"commands": []}},
        [
            {"type": "response.shell_call_command.added", "command_index": 0, "command": ""},
            {"type": "response.shell_call_command.delta", "command_index": 0, "delta": "ls ACC-"},
            {"type": "response.shell_call_command.delta", "command_index": 0, "delta": "12345678"},
            {"type": "response.shell_call_command.done", "command_index": 0, "command": f"ls {ACCOUNT}"},
            {"type": "response.shell_call_command.added", "command_index": 1, "command": f"rm {ACCOUNT}"},
            {"type": "response.shell_call_command.done", "command_index": 1, "command": f"rm {ACCOUNT}"},
        ],
        {"id": "sh_1", "type": "shell_call", "call_id": "c", "status": "completed", "action": {"commands": [f"ls {ACCOUNT}", f"rm {ACCOUNT}"]}},
    ),
    "shell output": (
        {"id": "so_1", "type": "shell_call_output", "call_id": "c", "output": [], "status": "in_progress"},
        [
            {"type": "response.shell_call_output_content.delta", "item_id": "so_1", "command_index": 0, "delta": {"stdout": "see ACC-", "stderr": None}},
            {"type": "response.shell_call_output_content.delta", "item_id": "so_1", "command_index": 0, "delta": {"stdout": "12345678", "stderr": f"no {ACCOUNT}"}},
            {"type": "response.shell_call_output_content.done", "item_id": "so_1", "command_index": 0, "output": [{"stdout": f"see {ACCOUNT}", "stderr": f"no {ACCOUNT}", "outcome": {"type": "exit", "exit_code": 0}}]},
        ],
        {"id": "so_1", "type": "shell_call_output", "call_id": "c", "status": "completed", "output": [{"stdout": f"see {ACCOUNT}", "stderr": "", "outcome": {"type": "exit", "exit_code": 0}}]},
    ),
    "search": (
        {"id": "ws_1", "type": "web_search_call", "status": "in_progress", "action": {"type": "search", "query": f"q {ACCOUNT}"}},
        [{"type": "response.web_search_call.searching", "item_id": "ws_1"}],
        {"id": "ws_1", "type": "web_search_call", "status": "completed", "action": {"type": "search", "query": f"q {ACCOUNT}"}},
    ),
}  # fmt: skip


@pytest.mark.parametrize("cut", [0, 11])
@pytest.mark.parametrize("tool", list(TOOLS))
def test_what_tools_are_called_with_and_answer(tool: str, cut: int) -> None:
    got = streamed(ask(), tool_stream(*TOOLS[tool]), cut)
    assert ACCOUNT not in json.dumps(got)
    assert MASK in json.dumps(got)
    _, last = replayed(got)
    expected = json.loads(json.dumps(TOOLS[tool][2]).replace(ACCOUNT, MASK))
    assert last.response.to_dict()["output"][0] == expected


def test_annotations_and_transcripts() -> None:
    script = Script()
    title = {"type": "url_citation", "title": f"of {ACCOUNT}", "url": "https://x.io", "start_index": 0, "end_index": 1}
    where = {"item_id": "msg_1", "output_index": 0, "content_index": 0}
    script.say("response.output_text.annotation.added", **where, annotation_index=0, annotation=title)
    script.say("response.audio.transcript.delta", delta="It is ACC-123")
    script.say("response.audio.transcript.delta", delta="45678.")
    script.say("response.audio.transcript.done")
    got = streamed(ask(), script.end())
    assert ACCOUNT not in json.dumps(got)
    kinds = [b["type"] for b in got]
    assert texts(got, "response.audio.transcript.delta") == [f"It is {MASK}."]
    assert kinds.index("response.audio.transcript.delta") < kinds.index("response.audio.transcript.done")
    for body in got:
        EVENTS.validate_python(body)


def test_sounds_and_pictures_of_a_stream_are_reported() -> None:
    picture = {
        "type": "response.image_generation_call.partial_image",
        "item_id": "ig_1",
        "partial_image_b64": "iVBORw0KGgo=",
    }
    for body in ({"type": "response.audio.delta", "delta": "UklGRg=="}, picture):
        event = ask().event(Frame(body))
        assert [u.why for u in event.walk.uninspected] == ["binary content"]
        assert not event.walk.slots


def test_all_events_that_hold_a_whole_answer_read_it_alike() -> None:
    read = []
    for kind in ("created", "queued", "in_progress", "completed", "incomplete", "failed"):
        body = {"type": f"response.{kind}", "response": response(copy.deepcopy(OUTPUT), instructions="Be kind.")}
        event = ask().event(Frame(body))
        read.append([(s.text, s.path, s.role, s.mode, s.channel, s.kind) for s in event.walk.slots])
        assert event.closes is True or kind in ("created", "queued", "in_progress")
    assert all(slots == read[0] for slots in read)
    assert len(read[0]) > 7


@pytest.mark.parametrize("last", ["response.output_item.done", "response.completed"])
def test_what_is_said_again_is_said_of_the_same_channels(last: str) -> None:
    form, script = ask(), Script()
    script.output.append(None)  # an item that was never shown: places of the end are one less
    script.reasoning("Hm.").message("Hello.").call("{}").output.pop(0)
    said, again = set(), set()
    for body in script.end():
        for slot in form.event(Frame(copy.deepcopy(body))).walk.slots:
            if slot.mode is Mode.DELTA:
                said.add(slot.channel)
            elif slot.mode is Mode.REPEAT and body["type"] == last:
                again.add(slot.channel)
    assert again == said
    assert ("summary_text", ("output_index", 1), ("summary_index", 1)) in said


def test_what_an_event_does_not_name_is_text() -> None:
    event = ask().event(
        Frame({"type": "response.brand_new.delta", "item_id": "x_1", "delta": "b c", "more": [{"y": "z z"}]})
    )
    assert {s.text for s in event.walk.slots if s.mode is not Mode.DELTA} >= {"z z"}
    assert not event.bare
    (delta,) = (s for s in event.walk.slots if s.mode is Mode.DELTA)
    assert delta.text == "b c"
    assert ask().delta(delta.channel, "d").body["type"] == "response.brand_new.delta"


def test_every_kind_of_channel_is_continued_by_an_event_the_sdk_knows() -> None:
    form = ask()
    for body in [*FULL, *(e for tool in TOOLS.values() for e in tool_stream(*tool))]:
        event = form.event(Frame(copy.deepcopy(body)))
        for slot in event.walk.slots:
            if slot.mode is Mode.DELTA:
                frame = form.delta(slot.channel, "x")
                assert EVENTS.validate_python(frame.body).type.endswith(".delta")
                again = ask().event(Frame(frame.body))
                assert [(s.channel, s.text) for s in again.walk.slots if s.mode is Mode.DELTA] == [(slot.channel, "x")]


TYPES = sorted(
    {b["type"] for b in FULL} | {"message", "function_call", "output_text", "reasoning", "summary_text", "shell_call"}
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=3) | st.sampled_from(TYPES),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(
        st.sampled_from(
            ["type", "item", "part", "response", "output", "content", "text", "delta", "arguments", "output_index", "id"]
            + ["content_index", "summary_index", "item_id", "annotation", "input", "role", "usage", "instructions", "status"]
        ),
        inner,
        max_size=5,
    ),
    max_leaves=14,
)  # fmt: skip


@given(JSON, st.lists(JSON, max_size=4))
def test_no_body_is_too_odd(asked: Any, bodies: list[Any]) -> None:
    if Responses.fits(asked):
        form = Responses.open(copy.deepcopy(asked))
        walk = form.inbound()
        for turn in form.latest(walk):
            form.replace(turn, "x")
    form = ask()
    for body in bodies:
        form.outbound(copy.deepcopy(body)).close()
        event = form.event(Frame(copy.deepcopy(body)))
        for slot in event.walk.slots:
            if slot.mode is Mode.DELTA:
                form.delta(slot.channel, slot.text)
        form.send(event)
    Response.model_validate(form.refusal("x"))
    for frame in form.ending("x"):
        assert frame.body["type"]
    assert encoded([f.body for f in form.opening()])
