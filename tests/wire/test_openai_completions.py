from __future__ import annotations

import json
from typing import Any

import openai
import pytest
from openai.types import Completion

from guardrails.wire import recognise
from guardrails.wire.format import Session
from guardrails.wire.framing import Frame
from guardrails.wire.openai_chat import Chat
from guardrails.wire.openai_completions import Completions
from tests.wire.servers import serving
from tests.wire.streams import (
    ACCOUNT,
    MASK,
    MESSAGE,
    cut_alike,
    events,
    exchange,
    flowed,
    keys,
    refused,
    sse,
    texts,
    uninspected,
)

ASK = {"model": "gpt-3.5-turbo-instruct", "prompt": "Hello"}
USAGE = {
    "prompt_tokens": 12345, "completion_tokens": 3, "total_tokens": 12348,
    "completion_tokens_details": {"reasoning_tokens": 10000}, "prompt_tokens_details": {"cached_tokens": 10000},
}  # fmt: skip


def form(**more: Any) -> Session:
    return Completions.open({**ASK, "stream": True, **more})


def choice(text: str, index: int = 0, finish: str | None = None, **more: Any) -> dict[str, Any]:
    return {"text": text, "index": index, "logprobs": None, "finish_reason": finish, **more}


def body(*choices: Any, **more: Any) -> dict[str, Any]:
    return {
        "id": "cmpl-7QmVI15qgYVllxK0FtxVGG6ywfzaq", "object": "text_completion", "created": 1686617332,
        "model": "gpt-3.5-turbo-instruct", "choices": list(choices), **more,
    }  # fmt: skip


def said(bodies: list[Any], index: int = 0) -> str:
    return "".join(c["text"] for b in bodies if isinstance(b, dict) for c in b["choices"] if c["index"] == index)


def test_routes() -> None:
    def fitting(path: str, sent: Any) -> list[str]:
        return [f.name for f, _ in recognise("POST", path, (Completions, Chat)) if f.fits(sent)]

    chat = {"model": "m", "messages": [{"role": "user", "content": "Hi"}]}
    assert fitting("/v1/completions", ASK) == ["openai.completions"]
    assert fitting("/openai/deployments/d/completions", ASK) == ["openai.completions"]
    assert fitting("/v1/chat/completions", chat) == ["openai.chat"]
    assert fitting("/v1/completions", chat) == []
    assert not Completions.fits({"model": "m"})
    assert not Completions.fits([ASK])


def test_a_request() -> None:
    walk = Completions.open(
        {
            **ASK,
            "prompt": ["Hello", "Good bye"],
            "suffix": "the end.",
            "stop": ["END OF TEXT"],
            "logit_bias": None,
            "max_tokens": 100000,
            "user": "not an id at all",
            "guided_regex": "[a-z]+ there",
        }
    ).inbound()
    assert texts(walk) == {
        "prompt[0]": "user: Hello",
        "prompt[1]": "user: Good bye",
        "suffix": "user: the end.",
        "stop[0]": "user: END OF TEXT",
        "user": "user: not an id at all",
        "guided_regex": "user: [a-z]+ there",
    }
    assert keys(walk) == {"guided_regex"}
    assert Completions.open(ASK).latest(Completions.open(ASK).inbound()) == {0}


@pytest.mark.parametrize(
    ("prompt", "where"),
    [([15496, 11], ["prompt"]), ([[15496, 11], [1]], ["prompt[0]", "prompt[1]"]), (["Hi", [15496]], ["prompt[1]"])],
)
def test_token_ids_cannot_be_read(prompt: Any, where: list[str]) -> None:
    walk = Completions.open({**ASK, "prompt": prompt}).inbound()
    assert uninspected(walk) == dict.fromkeys(where, "token ids")
    assert [s.text for s in walk.slots] == [p for p in prompt if isinstance(p, str)]


def test_numbers_that_are_no_token_ids_are_text() -> None:
    walk = Completions.open({**ASK, "prompt": [[4111111111111111.5, True]]}).inbound()
    assert texts(walk) == {"prompt[0][0]": "user: 4111111111111111.5"}


def test_embedded_prompts_cannot_be_read() -> None:
    assert uninspected(Completions.open({**ASK, "prompt_embeds": "AAAA"}).inbound()) == {
        "prompt_embeds": "binary content"
    }


def test_an_answer() -> None:
    again = {"tokens": ["It"], "token_logprobs": [-0.1], "text_offset": [0], "top_logprobs": [{"It": -0.1}]}
    answer = body(
        choice(f"It is {ACCOUNT}.", logprobs=again, finish="stop", token_ids=[1, 2]),
        choice("Hm.", 1, "length"),
        usage=USAGE,
        kind="of a new sort",
    )
    walk = form().outbound(answer)
    assert texts(walk) == {
        "choices[0].text": f"assistant: It is {ACCOUNT}.",
        "choices[1].text": "assistant: Hm.",
        "kind": "assistant: of a new sort",
    }
    got, _ = exchange(form()).answer(answer)
    assert said([got]) == f"It is {MASK}."
    assert got["choices"][0]["logprobs"] is None
    assert got["choices"][0]["token_ids"] == []
    Completion.model_validate(got, strict=True)


def test_an_ordinary_event_is_one_text() -> None:
    event = form().event(Frame(body(choice("Hi"))))
    assert [s.text for s in event.walk.slots] == ["Hi"]
    assert event.bare
    assert form().event(Frame(body(usage=USAGE))).walk.slots == []
    assert not form().event(Frame(body(usage=USAGE))).bare


def test_a_stream() -> None:
    out = cut_alike(
        form,
        sse(
            body(choice("One ACC-"), choice("Two ACC", 1)),
            body(choice("1234")),
            body(choice("-12345678", 1)),
            body(choice("5678.", finish="stop")),
            body(choice("", 1, "stop")),
            body(usage=USAGE),
            "[DONE]",
        ),
    )
    bodies = events(out, form())
    assert said(bodies, 0) == f"One {MASK}."
    assert said(bodies, 1) == f"Two {MASK}"
    assert bodies[-2]["usage"] == USAGE
    assert bodies[-1] == "[DONE]"
    ends = [c["index"] for b in bodies[:-1] for c in b["choices"] if c["finish_reason"]]
    assert ends == [0, 1]
    for event in bodies[:-1]:
        Completion.model_validate(
            {**event, "choices": [{**c, "finish_reason": c["finish_reason"] or "stop"} for c in event["choices"]]}
        )


def test_a_blocked_stream_ends_as_this_api_ends() -> None:
    out = cut_alike(
        form,
        sse(
            body(choice("Fine.", finish="stop"), choice("The bird is a king", 1)),
            body(choice("fisher.", 1, "stop")),
            body(choice("More.", 1)),
            "[DONE]",
        ),
    )
    bodies = events(out, form())
    assert said(bodies, 0) == "Fine."
    assert said(bodies, 1) == MESSAGE
    assert bodies[-1] == "[DONE]"
    assert [(c["index"], c["finish_reason"]) for c in bodies[-2]["choices"]] == [(1, "content_filter")]
    assert bodies[-2]["id"] == "cmpl-7QmVI15qgYVllxK0FtxVGG6ywfzaq"


def client(url: str) -> openai.OpenAI:
    return openai.OpenAI(base_url=url, api_key="k", max_retries=0)


def test_the_client_reads_refusals_and_streams() -> None:
    with serving(json.dumps(form().refusal(MESSAGE)).encode(), "application/json") as url, client(url) as real:
        got = real.completions.create(model="m", prompt="Hi")
    Completion.model_validate(got.model_dump(), strict=True)
    assert (got.choices[0].text, got.choices[0].finish_reason) == (MESSAGE, "content_filter")
    masked = flowed(form(), sse(body(choice("It is ACC-")), body(choice("12345678.", finish="stop")), "[DONE]"))
    for data, wanted in ((masked, f"It is {MASK}."), (refused(form()), MESSAGE)):
        with serving(data, "text/event-stream") as url, client(url) as real:
            parts = list(real.completions.create(model="m", prompt="Hi", stream=True))
        assert "".join(p.choices[0].text for p in parts) == wanted
