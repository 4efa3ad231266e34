"""Media in requests and answers, whole and streamed, under whatever name: nobody can inspect them, and the policy decides."""

from __future__ import annotations

import base64
import copy
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from guardrails import Guard
from guardrails.decision import Decision
from guardrails.exchange import Exchange, Tenancy
from guardrails.policy import loads
from guardrails.wire.anthropic_messages import Messages
from guardrails.wire.bedrock_converse import ConverseStream
from guardrails.wire.custom import load_formats
from guardrails.wire.format import Format, Session
from guardrails.wire.frames import Frame
from guardrails.wire.gemini import Gemini
from guardrails.wire.listing import Listing
from guardrails.wire.ollama import OllamaChat, OllamaGenerate
from guardrails.wire.openai_chat import Chat
from guardrails.wire.openai_embeddings import Embeddings
from guardrails.wire.openai_responses import Responses

GUARDS = {
    setting: Guard(loads(f"version: 1\nname: media\nuninspected: {setting}\nwords: {{terms: [project kingfisher]}}\n"))
    for setting in ("block", "allow")
}
PNG = base64.b64encode(b"\x89PNG\r\n\x1a\n" + bytes(range(200, 256)) * 3).decode()
# What no file begins with, and is no text either.
BYTES = base64.b64encode(bytes(range(128, 256)) * 3).decode()
URL = "https://cdn.example.com/media/17"
INLINE = "data:image/png;base64," + PNG

# Parts of a message, as one API or another writes them, and in no API's words.
PARTS: dict[str, Any] = {
    "chat image": {"type": "image_url", "image_url": {"url": URL}},
    "chat image, inline": {"type": "image_url", "image_url": {"url": INLINE, "detail": "low"}},
    "chat image, lone address": {"type": "image_url", "image_url": URL},
    "chat sound": {"type": "input_audio", "input_audio": {"data": BYTES, "format": "wav"}},
    "sound by its own name": {"type": "audio", "audio": {"data": BYTES, "format": "wav"}},
    "sound with its words": {"type": "output_audio", "data": BYTES, "transcript": "Hello."},
    "chat video": {"type": "video_url", "video_url": {"url": URL}},
    "chat file by id": {"type": "file", "file": {"file_id": "file-123"}},
    "chat file": {"type": "file", "file": {"file_data": BYTES, "filename": "a.pdf"}},
    "file of an assistant": {"type": "image_file", "image_file": {"file_id": "file-123"}},
    "anthropic image": {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": BYTES}},
    "anthropic image by address": {"type": "image", "source": {"type": "url", "url": URL}},
    "anthropic document": {"type": "document", "source": {"type": "file", "file_id": "file_011"}, "title": "Contract"},
    "image of an MCP server": {"type": "image", "data": BYTES, "mimeType": "image/png"},
    "resource of an MCP server": {"type": "resource", "resource": {"uri": "file:///a", "blob": BYTES}},
    "link of an MCP server": {"type": "resource_link", "uri": URL, "name": "a"},
    "image with an address": {"type": "image", "url": URL},
    "image in base64": {"type": "image", "b64_json": PNG},
    "image of Vercel": {"type": "file", "mediaType": "image/png", "data": BYTES},
    "responses image": {"type": "input_image", "image_url": INLINE},
    "an image that was made": {"type": "output_image", "image_url": URL},
    "bytes one by one": {"type": "image", "data": list(base64.b64decode(PNG))},
    "gemini spelling": {"inline_data": {"mime_type": "audio/wav", "data": BYTES}},
    "gemini file": {"fileData": {"mimeType": "application/pdf", "fileUri": URL}},
    "no type": {"image_url": {"url": URL}},
    "a type nobody knows, with bytes": {"type": "hologram", "data": BYTES},
    "a type nobody knows, with an address": {"type": "hologram", "hologram": {"url": URL}},
    "a text with an image": {"type": "text", "text": "Look.", "image_url": {"url": URL}},
    "a type nobody knows, with a file": {"type": "hologram", "scene": PNG},
}
# What an answer holds besides its content, and nothing else of the API's.
FIELDS: dict[str, Any] = {
    "images": [{"type": "image_url", "image_url": {"url": INLINE}}],
    "image": {"url": URL},
    "video": URL,
    "image_urls": [URL],
    "b64_json": PNG,
    "imageData": BYTES,
    "media": [{"mime_type": "model/gltf", "content": BYTES}],
    "attachments": [{"file_id": "file-1"}],
    "file_url": URL,
    "thumbnail": INLINE,
}
TEXTS: dict[str, Any] = {
    "text": {"type": "text", "text": f"See {URL}, file-123 and {PNG[:20]}"},
    "refusal": {"type": "refusal", "refusal": "I can't."},
    "thoughts": {"type": "thinking", "thinking": [{"type": "text", "text": "Hm."}]},
    "reference to a source": {"type": "reference", "reference_ids": [1, 2]},
    "link": {"type": "link", "url": URL, "title": "A page"},
    "hit of a search": {"type": "web_search_hit", "url": URL, "title": "A page"},
    "citation": {"type": "file_citation", "filename": "a.pdf", "cited_text": "so", "url": URL},
    "a type nobody knows, with words": {"type": "aside", "text": "By the way.", "url": URL},
    "a transcript": {"type": "audio_transcript", "transcript": "Hello."},
    "a document's text": {"type": "document", "text": "It is so.", "url": URL},
    "an image's description": {"type": "image", "alt": "A cat", "status": "blocked", "width": 640, "height": 480},
    "sealed": {"type": "reasoning.encrypted", "data": BYTES},
}
FORMATS = """
version: 1
formats:
  - name: acme.say
    route: POST /v1/say
    request: {query: /question, messages: {at: /turns, text: /says, role: /by}}
    response: {assistant: /answer}
    stream: {framing: sse, when: always, continues: /delta, ends: /done, ending: [{data: {delta: "{message}"}}]}
    refusal: {answer: "{message}"}
"""


@pytest.fixture(scope="module")
def say(tmp_path_factory: pytest.TempPathFactory) -> type[Format]:
    path: Path = tmp_path_factory.mktemp("formats") / "formats.yaml"
    path.write_text(FORMATS)
    return load_formats(path)[0]


def chat(*parts: Any) -> Session:
    content: Any = [{"type": "text", "text": "Hi"}, *parts]
    return Chat.open({"model": "m", "stream": True, "messages": [{"role": "user", "content": content}]})


def messages(*parts: Any) -> Session:
    content: Any = [{"type": "text", "text": "Hi"}, *parts]
    return Messages.open(
        {"model": "m", "max_tokens": 9, "stream": True, "messages": [{"role": "user", "content": content}]}
    )


def responses(*parts: Any) -> Session:
    content: Any = [{"type": "input_text", "text": "Hi"}, *parts]
    return Responses.open({"model": "m", "stream": True, "input": [{"role": "user", "content": content}]})


def gemini(*parts: Any) -> Session:
    content: Any = [{"text": "Hi"}, *parts]
    return Gemini.open({"contents": [{"role": "user", "parts": content}]}, {"model": "m", "method": "generateContent"})


def ollama(*parts: Any) -> Session:
    return OllamaChat.open({"model": "m", "messages": [{"role": "user", "content": ["Hi", *parts] if parts else "Hi"}]})


ASKS: dict[str, Callable[..., Session]] = {
    "chat": chat, "messages": messages, "responses": responses, "gemini": gemini, "ollama": ollama,
}  # fmt: skip
# The whole answers that hold a part.
WHOLE: dict[str, Callable[[Any], Any]] = {
    "chat": lambda part: {"choices": [{"index": 0, "message": {"role": "assistant", "content": [part]}}]},
    "messages": lambda part: {"type": "message", "role": "assistant", "content": [part]},
    "responses": lambda part: {"output": [{"type": "message", "role": "assistant", "content": [part]}]},
    "gemini": lambda part: {"candidates": [{"content": {"role": "model", "parts": [part]}}]},
    "ollama": lambda part: {"model": "m", "message": {"role": "assistant", "content": [part]}, "done": True},
}


def in_an_item(kind: str) -> Callable[[Any], Any]:
    return lambda part: {"type": kind, "output_index": 0, "item": {"type": "message", "id": "m1", "content": [part]}}


def in_a_part(kind: str) -> Callable[[Any], Any]:
    return lambda part: {"type": kind, "output_index": 0, "content_index": 0, "item_id": "m1", "part": part}


# The events that hold a part, each the only one of its stream.
EVENTS: dict[tuple[str, str], Callable[[Any], Any]] = {
    ("chat", "delta"): lambda part: {"choices": [{"index": 0, "delta": {"content": [part]}}]},
    ("chat", "lone part"): lambda part: {"choices": [{"index": 0, "delta": {"content": part}}]},
    ("chat", "message"): lambda part: {"choices": [{"index": 0, "message": {"content": [part]}}]},
    ("messages", "start"): lambda part: {"type": "content_block_start", "index": 0, "content_block": part},
    ("messages", "delta"): lambda part: {
        "type": "content_block_delta", "index": 0, "delta": {**part, "type": f"{part.get('type', 'new')}_delta"},
    },
    ("messages", "message"): lambda part: {"type": "message_start", "message": {"content": [part]}},
    ("responses", "added"): in_an_item("response.output_item.added"),
    ("responses", "done"): in_an_item("response.output_item.done"),
    ("responses", "part"): in_a_part("response.content_part.added"),
    ("responses", "part done"): in_a_part("response.content_part.done"),
    ("responses", "end"): lambda part: {
        "type": "response.completed", "response": {"output": [{"type": "message", "content": [part]}]},
    },
    ("gemini", "event"): WHOLE["gemini"],
    ("ollama", "event"): lambda part: {**WHOLE["ollama"](part), "done": False},
}  # fmt: skip


def exchange(form: Session, setting: str) -> Exchange:
    return Exchange(Tenancy("t", GUARDS[setting], b"k" * 32), form)


def answer(form: Session, body: Any, setting: str) -> tuple[str, Decision]:
    got, decision = exchange(form, setting).answer(copy.deepcopy(body))
    return json.dumps(got), decision


def stream(form: Session, bodies: list[Any], setting: str) -> tuple[str, Decision]:
    run = exchange(form, setting)
    going = run.streamed()
    out = []
    for body in bodies:
        step, _ = going.begin(Frame(copy.deepcopy(body), body.get("type")))
        out += going.settle(step)
    out += going.finish()
    return json.dumps([frame.body if frame.raw is None else frame.raw for frame in out]), going.record()


def stopped_or_reported(run: Callable[[str], tuple[str, Decision]], holds: str) -> None:
    """Under ``block`` nothing of it leaves, and the developer reads why; under ``allow`` it does, and the decision says so."""
    text, decision = run("block")
    assert decision.blocked
    assert decision.uninspected
    assert "cannot be inspected" in text
    assert "`uninspected`" in text
    assert holds not in text
    text, decision = run("allow")
    assert not decision.blocked
    assert decision.uninspected
    assert holds in text


def passes(run: Callable[[str], tuple[str, Decision]]) -> None:
    _, decision = run("block")
    assert (decision.action, decision.uninspected) == ("NONE", ())


def mark(part: Any) -> str:
    """A piece of a part that shows whether it left."""
    text = json.dumps(part)
    return next(m for m in (BYTES, PNG, URL, "file-123", "file_011", "137, 80, 78", "file-1") if m in text)


@pytest.mark.parametrize("part", PARTS.values(), ids=PARTS)
@pytest.mark.parametrize("api", ASKS)
def test_in_a_whole_answer(api: str, part: Any) -> None:
    stopped_or_reported(lambda setting: answer(ASKS[api](), WHOLE[api](part), setting), mark(part))


@pytest.mark.parametrize("part", PARTS.values(), ids=PARTS)
@pytest.mark.parametrize("where", EVENTS, ids="-".join)
def test_in_a_stream(where: tuple[str, str], part: Any) -> None:
    body = EVENTS[where](part)
    stopped_or_reported(lambda setting: stream(ASKS[where[0]](), [body], setting), mark(part))


@pytest.mark.parametrize("part", PARTS.values(), ids=PARTS)
@pytest.mark.parametrize("api", ASKS)
def test_in_a_request(api: str, part: Any) -> None:
    for setting in GUARDS:
        decision = exchange(ASKS[api](copy.deepcopy(part)), setting).request()
        assert decision.uninspected
        assert decision.blocked is (setting == "block")


@pytest.mark.parametrize("part", TEXTS.values(), ids=TEXTS)
@pytest.mark.parametrize("api", ASKS)
def test_texts_pass(api: str, part: Any) -> None:
    passes(lambda setting: answer(ASKS[api](), WHOLE[api](part), setting))
    for (name, _), event in EVENTS.items():
        if name == api:
            body = event(part)
            passes(lambda setting, body=body: stream(ASKS[api](), [body], setting))  # type: ignore[misc]
    decision = exchange(ASKS[api](copy.deepcopy(part)), "block").request()
    assert decision.uninspected == ()


def beside(name: str, value: Any) -> Iterator[tuple[Session, Any, Any]]:
    """A field beside the content: the request's form, a whole answer and an event."""
    said = {"role": "assistant", "content": "Here.", name: value}
    yield chat(), {"choices": [{"index": 0, "message": said}]}, {"choices": [{"index": 0, "delta": said}]}
    yield ollama(), {"message": said, "done": True}, {"message": said, "done": False}
    made = {"response": "Here.", name: value}
    yield OllamaGenerate.open({"model": "m", "prompt": "Hi"}), {**made, "done": True}, {**made, "done": False}
    candidate = {"content": {"parts": [{"text": "Here."}]}, name: value}
    yield gemini(), {"candidates": [candidate]}, {"candidates": [candidate]}
    item = {"type": "message", "content": [{"type": "output_text", "text": "Here."}], name: value}
    yield responses(), {"output": [item]}, {"type": "response.output_item.done", "output_index": 0, "item": item}
    whole = {"content": [{"type": "text", "text": "Here."}], name: value}
    yield messages(), whole, {"type": "message_start", "message": whole}
    said = {"role": "assistant", "content": [{"text": "Here."}], name: value}
    request = {"messages": [{"role": "user", "content": [{"text": "Hi"}]}]}
    yield ConverseStream.open(request, {"model": "m"}), {"output": {"message": said}}, {"delta": {name: value}}


@pytest.mark.parametrize("name", FIELDS)
def test_beside_the_content(name: str) -> None:
    for form, whole, event in beside(name, FIELDS[name]):
        holds = mark(FIELDS[name])
        stopped_or_reported(lambda setting, form=form, body=whole: answer(form, body, setting), holds)  # type: ignore[misc]
        request = (form.format, form.body, form.request.params)

        def streamed(setting: str, request: Any = request, body: Any = event) -> tuple[str, Decision]:
            kind, asked, params = request
            return stream(kind.open(copy.deepcopy(asked), params), [body], setting)

        stopped_or_reported(streamed, holds)


QUIET: dict[str, Any] = {
    "images": [],
    "image": None,
    "audio": {"id": "audio_1", "transcript": "Hello.", "expires_at": 1_767_225_600, "data": None},
    "citations": [URL],
    "search_results": [{"title": "A page", "url": URL, "date": "2026-01-01"}],
    "annotations": [{"type": "file_citation", "file_citation": {"file_id": "file-1", "filename": "a.pdf"}}],
    "sources": [{"document": {"id": "1", "text": "It is so.", "url": URL}}],
    "documents": [{"document_id": "7", "content": "It is so.", "file_id": "file-1", "url": URL}],
    "reasoning_details": [{"type": "reasoning.encrypted", "data": BYTES}, {"type": "reasoning.text", "text": "Hm.", "signature": BYTES}],
    "thinking_blocks": [{"type": "redacted_thinking", "data": BYTES}],
    "extra_content": {"google": {"thought_signature": BYTES}},
    "usage_details": {"image_tokens": 12_345, "audio_tokens": 0},
    "engine": {"image": "registry/model:1.2", "file": "main.py"},
    "tools": [{"name": "show", "input_schema": {"type": "object", "properties": {"image_url": {"default": URL}}}}],
}  # fmt: skip


@pytest.mark.parametrize("name", QUIET)
def test_fields_that_only_sound_like_it_pass(name: str) -> None:
    for form, whole, event in beside(name, QUIET[name]):
        if isinstance(form, Messages) and name == "audio":
            continue
        passes(lambda setting, form=form, body=whole: answer(form, body, setting))  # type: ignore[misc]
        walk = form.format.open(form.body, form.request.params).event(Frame(copy.deepcopy(event))).walk
        assert walk.uninspected == []


@pytest.mark.parametrize(
    "item",
    [
        {"type": "image_generation_call", "id": "i", "result": PNG},
        {"type": "video_generation_call", "id": "i", "result": BYTES},
        {"type": "code_interpreter_call", "id": "i", "code": "x", "outputs": [{"type": "image", "url": URL}]},
        {
            "type": "code_interpreter_call",
            "id": "i",
            "code": "x",
            "outputs": [{"type": "files", "files": [{"file_id": "file-1", "mime_type": "image/png"}]}],
        },
        {"type": "computer_call_output", "output": {"type": "computer_screenshot", "image_url": INLINE}},
        {"type": "scanner_call_output", "output": {"image": URL}},
        {"type": "scanner_call_output", "output": [{"type": "hologram", "data": BYTES}]},
        {"type": "output_file", "file_id": "file-1"},
    ],
    ids=lambda item: str(item["type"]),
)
def test_items_of_a_response(item: Any) -> None:
    holds = mark(item)
    stopped_or_reported(lambda setting: answer(responses(), {"output": [item]}, setting), holds)
    for kind in ("response.output_item.added", "response.output_item.done"):
        body = {"type": kind, "output_index": 0, "item": item}
        done = {"type": "response.output_item.done", "output_index": 0, "item": item}
        bodies = [body] if body == done else [body, done]
        stopped_or_reported(lambda setting, bodies=bodies: stream(responses(), bodies, setting), holds)  # type: ignore[misc]


@pytest.mark.parametrize(
    ("form", "body"),
    [
        (responses, {"type": "response.image_generation_call.partial_image", "partial_image_b64": PNG}),
        (responses, {"type": "response.audio.delta", "delta": BYTES}),
        (responses, {"type": "response.output_audio.delta", "delta": BYTES}),
        (responses, {"type": "response.video.delta", "delta": BYTES}),
        (responses, {"type": "response.video.delta", "delta": {"url": URL}}),
        (responses, {"type": "response.hologram.done", "hologram_b64": BYTES}),
        (responses, {"type": "response.hologram.done", "hologram": {"uri": URL}}),
        (chat, {"choices": [{"index": 0, "delta": {"audio": {"id": "a", "data": BYTES}}}]}),
        (chat, {"choices": [{"index": 0, "delta": {"audio": BYTES}}]}),
        (ollama, {"message": {"role": "assistant", "content": "", "images": [PNG]}}),
    ],
    ids=lambda value: json.dumps(value)[:60] if isinstance(value, dict) else "",
)
def test_events_of_media(form: Callable[[], Session], body: Any) -> None:
    stopped_or_reported(lambda setting: stream(form(), [body], setting), mark(body))


# Long enough for its beginning to leave.
FIRST = "Here it is. " * 400


def test_an_answer_that_came_first_stays(say: type[Format]) -> None:
    first = {"choices": [{"index": 0, "delta": {"content": FIRST}}]}
    picture = EVENTS["chat", "delta"](PARTS["chat image"])
    text, decision = stream(chat(), [first, picture], "block")
    assert decision.uninspected == (("content by reference", "choices[0].delta.content[0].image_url.url"),)
    assert "Here it is." in text
    assert text.index("Here it is.") < text.index("cannot be inspected")
    text, decision = stream(say.open({"question": "Hi"}), [{"delta": FIRST}, {"delta": [PARTS["chat image"]]}], "block")
    assert decision.blocked
    assert "Here it is." in text
    assert URL not in text


@pytest.mark.parametrize("part", PARTS.values(), ids=PARTS)
def test_in_a_format_of_ones_own(say: type[Format], part: Any) -> None:
    """At the place of the text and at one that no pointer names, whole and streamed, and in a request."""
    for body in ({"answer": [part]}, {"answer": part}, {"answer": "Here.", "more": {"parts": [part]}, "images": [URL]}):
        holds = URL if "images" in body else mark(part)
        stopped_or_reported(lambda setting, body=body: answer(say.open({"question": "Hi"}), body, setting), holds)  # type: ignore[misc]
    for event in ({"delta": [part]}, {"delta": part}):

        def streamed(setting: str, body: Any = event) -> tuple[str, Decision]:
            return stream(say.open({"question": "Hi"}), [body], setting)

        stopped_or_reported(streamed, mark(part))
    for asked in ({"question": [part]}, {"turns": [{"by": "user", "says": [part]}]}):
        assert exchange(say.open(copy.deepcopy(asked)), "block").request().uninspected


@pytest.mark.parametrize("part", TEXTS.values(), ids=TEXTS)
def test_texts_in_a_format_of_ones_own_pass(say: type[Format], part: Any) -> None:
    for body in ({"answer": [part]}, {"answer": "Here.", "more": {"parts": [part]}}):
        passes(lambda setting, body=body: answer(say.open({"question": "Hi"}), body, setting))  # type: ignore[misc]
    passes(lambda setting: stream(say.open({"question": "Hi"}), [{"delta": [part]}], setting))
    assert exchange(say.open({"question": [copy.deepcopy(part)]}), "block").request().uninspected == ()


ARGUMENTS = {"image_url": URL, "file_id": "file-1", "images": [INLINE], "data": BYTES}


@pytest.mark.parametrize(
    ("form", "body"),
    [
        (chat, {"choices": [{"index": 0, "message": {"tool_calls": [
            {"id": "c", "type": "function", "function": {"name": "show", "arguments": json.dumps(ARGUMENTS)}}]}}]}),
        (messages, {"content": [{"type": "tool_use", "id": "c", "name": "show", "input": ARGUMENTS}]}),
        (messages, {"content": [{"type": "server_tool_use", "id": "c", "name": "show", "input": ARGUMENTS}]}),
        (responses, {"output": [{"type": "function_call", "call_id": "c", "name": "show", "arguments": json.dumps(ARGUMENTS)}]}),
        (gemini, {"candidates": [{"content": {"parts": [{"functionCall": {"name": "show", "args": ARGUMENTS}}]}}]}),
        (gemini, {"candidates": [{"content": {"parts": [{"executableCode": {"language": "PYTHON", "code": "print(1)"}}]}}]}),
        (gemini, {"candidates": [{"content": {"parts": [{"codeExecutionResult": {"outcome": "OUTCOME_OK", "output": "1"}}]}}]}),
        (ollama, {"message": {"content": "", "tool_calls": [{"function": {"name": "show", "arguments": ARGUMENTS}}]}, "done": True}),
    ],
)  # fmt: skip
def test_what_a_tool_is_called_with_is_data(form: Callable[[], Session], body: Any) -> None:
    passes(lambda setting: answer(form(), body, setting))


SCHEMA = {
    "type": "object",
    "properties": {"image_url": {"type": "string", "default": URL}, "file_id": {"const": "file-1"}},
}


@pytest.mark.parametrize(
    "form",
    [
        Chat.open({"messages": [], "tools": [{"type": "function", "function": {"name": "f", "parameters": SCHEMA}}],
              "response_format": {"type": "json_schema", "json_schema": {"name": "x", "schema": SCHEMA}}}),
        Messages.open({"messages": [], "tools": [{"name": "f", "input_schema": SCHEMA, "image": URL}]}),
        Responses.open({"input": "Hi", "tools": [{"type": "function", "name": "f", "parameters": SCHEMA}],
                   "text": {"format": {"type": "json_schema", "name": "x", "schema": SCHEMA}}}),
        Gemini.open({"contents": [], "tools": [{"functionDeclarations": [{"name": "f", "parameters": SCHEMA}]}],
                "generationConfig": {"responseSchema": SCHEMA}}, {"model": "m"}),
        Gemini.open({"contents": [{"parts": [{"functionResponse": {"name": "f", "response": ARGUMENTS}}]}]}, {"model": "m"}),
        OllamaChat.open({"messages": [], "tools": [{"type": "function", "function": {"parameters": SCHEMA}}], "format": SCHEMA}),
    ],
    ids=lambda form: form.name,
)  # fmt: skip
def test_definitions_and_results_of_tools_are_data(form: Session) -> None:
    assert form.inbound().uninspected == []


@pytest.mark.parametrize(
    "given", [{"image": URL}, {"image": INLINE, "text": "A cat"}, {"type": "image_url", "image_url": {"url": URL}}, PARTS["image in base64"]]
)  # fmt: skip
def test_images_to_embed(given: Any) -> None:
    assert Embeddings.open({"model": "m", "input": [given]}).inbound().uninspected
    assert Embeddings.open({"model": "m", "input": ["A cat", {"text": f"A cat at {URL}"}]}).inbound().uninspected == []


def test_lists_of_models_tell_of_images() -> None:
    one = {"id": "m", "image": URL, "architecture": {"input_modalities": ["image"]}, "pricing": {"image": "0.1"}}
    assert Listing.open({}).outbound({"data": [one]}).uninspected == []


JPEG = base64.b64encode(b"\xff\xd8\xff\xe0" + bytes(range(100, 256)) * 2).decode()
POLITE = Guard(
    loads(
        "version: 1\nname: media\nuninspected: allow\nwords: {terms: [project kingfisher]}\n"
        "pii: {entities: {EMAIL: mask, URL: detect}}\n"
    )
)


def asked(text: str, judge: Guard = POLITE) -> tuple[Decision, str]:
    form = Chat.open({"messages": [{"role": "user", "content": text}]})
    decision = Exchange(Tenancy("t", judge, b"k" * 32), form).request()
    return decision, form.body["messages"][0]["content"]


@pytest.mark.parametrize(
    "text",
    [
        f"Look: ![a chart](data:image/png;base64,{PNG}) from bob@example.com.",
        f'bob@example.com <img src="data:image/jpeg;base64,{JPEG}">',
        f"one ![](data:image/png;base64,{PNG}) bob@example.com ![](data:image/jpeg;base64,{JPEG}) and ![](data:image/png;base64,{PNG})",
        f"short data:image/png;base64,{PNG[:12]} bob@example.com ![](data:image/png;base64,{PNG})",
    ],
)
def test_media_in_a_text_are_reported_and_stay_while_the_text_around_them_is_checked(text: str) -> None:
    decision, sent = asked(text)
    assert sent.count(PNG) + sent.count(JPEG) == text.count(PNG) + text.count(JPEG)
    assert decision.uninspected == (("binary content", "messages[0].content"),)
    if "short" not in text:
        assert sent == text.replace("bob@example.com", "{EMAIL}")
    assert "bob@" not in sent
    blocked, _ = asked(text, GUARDS["block"])
    assert blocked.blocked
    assert asked(text + " project kingfisher")[0].blocked


@pytest.mark.parametrize("kind", ["image/png", "application/pdf", "text/plain", "image/svg+xml"])
def test_a_text_that_is_called_an_image_is_read(kind: str) -> None:
    hidden = base64.b64encode(b"This is about project kingfisher, and about nothing else, which is long.").decode()
    assert asked(f"![](data:{kind};base64,{hidden})")[0].blocked
    decision, _ = asked(f"data:{kind};base64,project kingfisher")
    assert decision.blocked
    assert not decision.uninspected


def test_media_in_a_text_of_a_whole_answer() -> None:
    text = f"Here it is: ![](data:image/png;base64,{PNG}) for bob@example.com"
    body = {"choices": [{"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}]}
    form = Chat.open({"messages": [{"role": "user", "content": "draw"}]})
    got, decision = Exchange(Tenancy("t", POLITE, b"k" * 32), form).answer(body)
    assert got["choices"][0]["message"]["content"] == text.replace("bob@example.com", "{EMAIL}")
    assert decision.uninspected
