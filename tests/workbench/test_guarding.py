"""Who may come in, from where, with how much; and that nothing of what is tried acts on the page."""

from __future__ import annotations

import base64
import hashlib
import html
import json
from pathlib import Path

import httpx
import pytest

from guardrails.service.access import Access
from guardrails.service.authors import author_of
from guardrails.service.settings import ServiceSettings
from guardrails.tenants.keys import hash_key, new_key
from guardrails.workbench import workbench_app
from guardrails.workbench.guarding import MAX_BODY
from tests.workbench.conftest import Client, Server

PICTURE = {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}}
TRIED = {"policy": "desk.yaml", "kind": "text", "source": "INPUT"}


def test_every_answer_has_a_policy_of_its_own(client: Client) -> None:
    seen = set()
    for path in ("/try", "/write", "/write?policy=desk.yaml", "/static/workbench.js", "/nothing"):
        answer = client.get(path)
        policy = answer.headers["content-security-policy"]
        assert policy.startswith("default-src 'none'; script-src 'nonce-")
        assert "unsafe" not in policy
        assert answer.headers["x-content-type-options"] == "nosniff"
        seen.add(policy)
    assert len(seen) == 5


def test_forged_requests_are_refused(client: Client) -> None:
    fields = {**TRIED, "text": "bob@example.com"}
    assert client.post("/try/run", data=fields).status_code == 200
    assert client.post("/try/run", data=fields, headers={"x-csrf-token": "x" * 32}).status_code == 403
    assert client.post("/try/run", data=fields, headers={"origin": "http://evil.example"}).status_code == 403
    token = client.headers["x-csrf-token"]
    alone = httpx.post(f"{client.base_url}/try/run", data=fields, headers={"x-csrf-token": token})
    assert alone.status_code == 403


def test_another_name_for_this_machine_is_refused(client: Client) -> None:
    assert client.get("/try", headers={"host": "evil.example"}).status_code == 421
    assert client.get("/try", headers={"host": f"localhost:{client.base_url.port}"}).status_code == 200


def test_what_is_too_large_is_refused(client: Client) -> None:
    answer = client.post("/write/lint", content=b" " * (MAX_BODY + 1))
    assert answer.status_code == 413
    answer = client.post("/write/lint", content=iter([b" " * 1_000_000] * 33))
    assert answer.status_code == 413


@pytest.mark.parametrize("name", ["../secret.yaml", "/etc/passwd", "desk.test.yaml", "shipped:../x", "no.yaml", ""])
def test_no_other_file_is_read_or_written(client: Client, folder: Path, name: str) -> None:
    (folder.parent / "secret.yaml").write_text("version: 1\nname: secret\n")
    answer = client.post("/write/lint", json={"policy": name, "text": "version: 1"})
    assert answer.status_code == 422
    assert client.post("/write/save", json={"policy": name, "text": "x", "digest": ""}).status_code == 422
    assert "secret" not in client.get("/write", params={"policy": name}).text


def test_markup_and_bidi_are_shown_and_do_nothing(client: Client) -> None:
    hostile = "<script>alert(1)</script><img src=x onerror=alert(1)>\"'{{ 7*7 }}\u202e\u2066bob@example.com\u2069\x00"
    answer = client.post("/try/run", data={**TRIED, "text": hostile})
    assert answer.status_code == 200
    assert "<script" not in answer.text
    assert "<img" not in answer.text
    assert "\u202e" not in answer.text
    assert '<span class="odd">U+202E</span>' in answer.text
    assert "{{ 7*7 }}" in answer.text


def test_a_text_of_five_megabytes_is_answered_and_cut(client: Client) -> None:
    answer = client.post("/try/run", data={**TRIED, "text": "mail bob@example.com " * 250_000}, timeout=120)
    assert answer.status_code == 200
    assert "more than 1000000 characters" in answer.text
    assert len(answer.content) < 500_000


CHAT = {
    "model": "m",
    "messages": [{"role": "user", "content": "mail bob@example.com"}, {"role": "user", "content": [PICTURE]}],
}


@pytest.mark.parametrize(
    ("fields", "shown"),
    [
        ({"kind": "body", "format": "openai.chat", "request": json.dumps(CHAT)}, ["messages[0].content", "{EMAIL_1}", "image_url"]),
        ({"kind": "body", "format": "ollama.generate", "answer": '{"response": "bob@example.com"}'}, ["{EMAIL_1}"]),
        ({"kind": "tool", "tool": "send", "arguments": '{"to": "bob@example.com"}'}, ["arguments.to", "{EMAIL_1}"]),
        ({"kind": "tool", "result": "it was project kingfisher"}, ["blocked", "words.terms"]),
        ({"kind": "conversation", "conversation": "system: be kind\nuser: mail bob@example.com"}, ["system 1", "{EMAIL_1}"]),
        ({"kind": "sources", "sources": "a\n\nb", "reply": "bob@example.com", "question": "who?"}, ["document 3", "{EMAIL_1}"]),
    ],
)  # fmt: skip
def test_every_kind_of_sample_is_shown(client: Client, fields: dict[str, str], shown: list[str]) -> None:
    answer = client.post("/try/run", data={**TRIED, **fields})
    assert answer.status_code == 200
    assert [s for s in shown if s not in html.unescape(answer.text)] == []


def test_mistakes_of_an_author_are_said(client: Client) -> None:
    for fields, told in (
        ({"text": " "}, "write a text to try"),
        ({"kind": "body", "format": "openai.chat", "request": "{"}, "the request cannot be read"),
        ({"kind": "body", "format": "openai.chat", "request": "[1]"}, "has not the shape of openai.chat"),
        ({"kind": "tool"}, "write the arguments"),
        ({"policy": "gone.yaml", "text": "x"}, "there is no such policy"),
    ):
        answer = client.post("/try/run", data={**TRIED, **fields})
        assert answer.status_code == 422
        assert told in answer.text


def test_with_keys_only_authors_come_in(folder: Path, tmp_path: Path) -> None:
    keys = tmp_path / "keys" / "keys.yaml"
    keys.parent.mkdir()
    made = {name: new_key() for name in ("writer", "reader", "nobody")}
    said = "".join(
        f"  {name}: {{hash: '{hash_key(made[name])}', scopes: [{scopes}]}}\n"
        for name, scopes in (("writer", "check, author"), ("reader", "check"))
    )
    keys.write_text(f"version: 1\nkeys:\n{said}")
    server = Server(workbench_app(folder, authorize=author_of(Access(keys, None))))

    def status(password: str | None) -> int:
        headers = {}
        if password is not None:
            headers["authorization"] = "Basic " + base64.b64encode(f"any:{password}".encode()).decode()
        return httpx.get(f"{server.url}/try", headers=headers).status_code

    try:
        assert httpx.get(f"{server.url}/try").headers["www-authenticate"].startswith("Basic ")
        assert [status(made.get(name)) for name in ("none", "nobody", "reader", "writer")] == [401, 401, 403, 200]
    finally:
        server.close()


def test_nothing_that_was_tried_is_kept(client: Client, folder: Path) -> None:
    before = {p: hashlib.sha256(p.read_bytes()).digest() for p in folder.rglob("*") if p.is_file()}
    client.post("/try/run", data={**TRIED, "text": "my secret is bob@example.com"})
    client.post("/try/play", data={**TRIED, "text": "my secret is bob@example.com"})
    assert {p: hashlib.sha256(p.read_bytes()).digest() for p in folder.rglob("*") if p.is_file()} == before


def test_the_service_serves_it_to_authors_where_it_is_asked_to(folder: Path, tmp_path: Path) -> None:
    keys = tmp_path / "apart" / "keys.yaml"
    keys.parent.mkdir()
    key = new_key()
    keys.write_text(f"version: 1\nkeys:\n  writer: {{hash: '{hash_key(key)}', scopes: [check, author]}}\n")
    (folder / "desk.test.yaml").unlink()
    for on, wanted in ((False, 404), (True, 200)):
        server = Server(ServiceSettings(str(folder), keys=str(keys), workbench=on).app())
        try:
            with httpx.Client(base_url=server.url, auth=("any", key)) as made:
                answer = made.get("/workbench/try")
                assert answer.status_code == wanted
                if on:
                    assert 'href="/workbench/write"' in answer.text
                    assert made.get("/workbench").headers["location"] == "/workbench/try"
                    assert httpx.get(f"{server.url}/workbench/try").status_code == 401
                    made.headers["x-csrf-token"] = made.cookies["guardrails-workbench"]
                    assert "masked" in made.post("/workbench/try/run", data={**TRIED, "text": "bob@example.com"}).text
        finally:
            server.close()
