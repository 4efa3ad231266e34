"""The service as a whole: pages, callers, scopes, unknown paths, the command."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from guardrails import __version__
from guardrails.errors import GuardrailsError, PolicyError
from guardrails.service import service_app
from tests.proxy.command import running
from tests.service.servers import OTHER, SMALL, app, folder, keys, served


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with served(folder(tmp_path_factory.mktemp("open"))) as address:
        yield address


def ask(base: str, text: str = "hello", guardrail: str = "small", **more: object) -> httpx.Response:
    headers = {"x-api-key": str(more.pop("key"))} if "key" in more else {}
    body = {"text": text, "source": "INPUT", "guardrail": guardrail, **more}
    return httpx.post(f"{base}/v1/check", json=body, headers=headers, trust_env=False)


def test_the_pages_tell_the_truth(base: str) -> None:
    assert httpx.get(base + "/healthz").json() == {"status": "alive"}
    ready = httpx.get(base + "/readyz")
    assert (ready.status_code, ready.json()["status"]) == (200, "ready")
    before = httpx.get(base + "/metrics").text
    assert ask(base, "project kingfisher").json()["action"] == "BLOCKED"
    after = httpx.get(base + "/metrics").text
    line = 'guardrails_decisions_total{action="BLOCKED",direction="INPUT",tenant="anonymous"}'
    assert line not in before
    assert f"{line} 1.0" in after
    assert f'guardrails_build_info{{version="{__version__}"}} 1.0' in after
    assert sys.platform != "linux" or "process_resident_memory_bytes" in after


def test_an_unknown_path_names_the_nearest(base: str) -> None:
    answer = httpx.get(base + "/v1/chek")
    assert answer.status_code == 404
    assert "'/v1/check'" in answer.json()["error"]["message"]
    wrong = httpx.get(base + "/v1/check")
    assert (wrong.status_code, wrong.json()["error"]["code"]) == (405, "method_not_allowed")
    assert "POST" in wrong.json()["error"]["message"]


def test_without_keys_everybody_may_check_and_nobody_more(base: str) -> None:
    assert ask(base, key="anything").status_code == 200
    assert httpx.get(base + "/v1/guardrails").json()["guardrails"][0]["id"] == "otherteam"


def test_guardrails_are_found_by_name_id_and_arn(base: str) -> None:
    for name in ("other-team", "otherteam", "arn:aws:bedrock:us-east-1:123456789012:guardrail/otherteam"):
        assert ask(base, "a heron", name).json()["action"] == "BLOCKED", name
    missing = ask(base, guardrail="smal")
    assert (missing.status_code, missing.json()["error"]["code"]) == (404, "not_found")
    assert "did you mean 'small'" in missing.json()["error"]["message"]
    named = httpx.post(
        base + "/v1/check",
        json={"text": "a heron", "source": "INPUT"},
        headers={"x-guardrails-policy": "other-team"},
    )
    assert named.json()["guardrail"] == {"id": "otherteam", "version": "DRAFT"}


def test_keys_have_scopes_and_guardrails(tmp_path: Path) -> None:
    file, made = keys(tmp_path, chat="guardrails: [small]", ops="scopes: [admin]", both="default: other-team")
    with served(folder(tmp_path), keys=file) as base:
        assert ask(base).status_code == 401
        assert ask(base, key="gr-" + "x" * 40).status_code == 401
        assert ask(base, "hello", key=made["chat"]).status_code == 200
        assert ask(base, guardrail="other-team", key=made["chat"]).status_code == 403
        assert ask(base, key=made["ops"]).status_code == 403
        default = httpx.post(
            base + "/v1/check",
            json={"text": "a heron", "source": "INPUT"},
            headers={"authorization": f"Bearer {made['both']}"},
        )
        assert default.json()["action"] == "BLOCKED"
        assert httpx.get(base + "/metrics").status_code == 401
        assert httpx.get(base + "/metrics", headers={"x-api-key": made["chat"]}).status_code == 403
        page = httpx.get(base + "/metrics", headers={"x-api-key": made["ops"]}).text
        assert 'tenant="chat"' in page
        assert not any(key in page for key in made.values())
        two = {"x-api-key": made["chat"], "authorization": f"Bearer {made['both']}"}
        assert httpx.get(base + "/v1/guardrails", headers=two).status_code == 401
        assert httpx.get(base + "/healthz").status_code == 200
        assert httpx.get(base + "/openapi.json").status_code == 200


def test_a_changed_file_of_keys_is_used_and_a_bad_one_is_not(tmp_path: Path) -> None:
    file, made = keys(tmp_path, chat="")
    with served(folder(tmp_path), keys=file) as base:
        assert ask(base, key=made["chat"]).status_code == 200
        good = file.read_text()
        file.write_text("version: 1\nkeys: {chat: {hash: plain-text}}\n")
        time.sleep(1.2)
        assert ask(base, key=made["chat"]).status_code == 200, "the last good file"
        file.write_text(good.replace("chat:", "chat2:").replace("'}", "', scopes: [admin]}"))
        time.sleep(1.2)
        assert ask(base, key=made["chat"]).status_code == 403


@pytest.mark.parametrize(
    ("text", "code", "told"),
    [
        ("version: 1\nkeys: {a: {hash: gr-this-is-the-key-itself}}\n", "key-not-hashed", "hash-key"),
        ("version: 1\nkeys: {a: {scopes: [check]}}\n", "missing-key", "new-key"),
        ("version: 1\nkeys: {a: {hash: x, scopes: [chek]}}\n", "unknown-value", "check"),
        ("version: 1\nkeys: {a: {hahs: x}}\n", "unknown-key", "hash"),
        ("keys: {}\n", "version", "version: 1"),
    ],
)
def test_a_bad_file_of_keys_says_what_is_wrong(tmp_path: Path, text: str, code: str, told: str) -> None:
    path = tmp_path / "keys.yaml"
    path.write_text(text)
    with pytest.raises(PolicyError) as caught:
        service_app(folder(tmp_path), keys=path)
    assert code in [p.code for p in caught.value.problems]
    assert told in str(caught.value)
    assert "gr-this-is-the-key-itself" not in str(caught.value)


def test_two_policies_with_one_id_are_refused(tmp_path: Path) -> None:
    policies = folder(tmp_path, otherteam=OTHER)
    with pytest.raises(GuardrailsError, match="other-team and otherteam"):
        app(policies)


def test_callers_of_a_tenants_file_are_under_their_own_policy(tmp_path: Path) -> None:
    policies = folder(tmp_path)
    _, made = keys(tmp_path, one="", two="")
    from guardrails.tenants import hash_key

    (policies / "tenants.yaml").write_text(
        "version: 1\nresolve: {api_key: {}}\ntenants:\n"
        f"  one: {{policy: small.yaml, keys: ['{hash_key(made['one'])}']}}\n"
        f"  two: {{policy: other-team.yaml, keys: ['{hash_key(made['two'])}']}}\n"
    )
    with served(policies) as base:
        body = {"text": "a heron", "source": "INPUT"}
        actions = [
            httpx.post(base + "/v1/check", json=body, headers={"x-api-key": made[name]}).json()["action"]
            for name in ("one", "two")
        ]
        assert actions == ["NONE", "BLOCKED"]
        assert ask(base, guardrail="other-team", key=made["one"]).status_code == 404
        assert ask(base).status_code == 401


def test_a_changed_policy_is_used_and_a_new_one_served(tmp_path: Path) -> None:
    policies = folder(tmp_path)
    with served(policies) as base:
        assert ask(base, "a finch").json()["action"] == "NONE"
        (policies / "small.yaml").write_text(SMALL.lstrip().replace("project kingfisher", "finch"))
        (policies / "third.yaml").write_text(OTHER.lstrip().replace("name: other", "name: third"))
        for _ in range(500):
            if ask(base, "a finch").json()["action"] == "BLOCKED":
                break
            time.sleep(0.02)
        assert ask(base, "a finch").json()["action"] == "BLOCKED"
        assert ask(base, "a heron", "third").json()["action"] == "BLOCKED"


def test_the_command_serves_and_ends_in_order(tmp_path: Path) -> None:
    file, made = keys(tmp_path, chat="")
    args = ["serve", "--policies", str(folder(tmp_path)), "--keys", str(file), "--port", "0", "--admin-port", "0"]
    with running(*args) as service:
        base = service.address(r"guardrails serve: (\S+)")
        pages = service.address(r"operator's pages: (\S+)")
        assert ask(base, "ACC-12345678", key=made["chat"]).json()["text"] == "{ACCOUNT}"
        assert httpx.get(pages + "/metrics").status_code == 200
        assert httpx.get(base + "/metrics").status_code == 404
        service.process.terminate()
        assert service.ended() == 0
    line = json.loads(service.out[0])
    assert (line["tenant"], line["format"], line["rules"]) == ("chat", "check", ["regex.ACCOUNT"])
    assert "12345678" not in "\n".join(service.out + service.err)


def test_the_command_refuses_what_would_be_open_to_strangers(tmp_path: Path) -> None:
    with running("serve", "--policies", str(folder(tmp_path)), "--port", "0", "--host", "::") as service:
        assert service.ended() == 1
    assert any("--keys" in line for line in service.err)


def test_check_prints_what_would_be_served(tmp_path: Path) -> None:
    with running("serve", "--policies", str(folder(tmp_path)), "--check") as service:
        assert service.ended() == 0
    assert "guardrail small: DRAFT" in service.out
    assert "callers: anybody may check" in service.out
