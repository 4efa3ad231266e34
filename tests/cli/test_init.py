"""``guardrails init``: what it writes works as it is, under the commands that it prints."""

from __future__ import annotations

import importlib.util
import os
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import httpx
import pytest
import yaml
from typer.testing import CliRunner, Result

from guardrails.cli.app import app
from guardrails.demo.upstream import app as canned
from guardrails.policy import load
from tests.demo.sockets import serving
from tests.proxy.command import running

CARD = "My card is 4111 1111 1111 1111. Hello!"


def guardrails(*args: str) -> Result:
    return CliRunner(env={"NO_COLOR": "1", "COLUMNS": "200"}).invoke(app, list(args))


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[list[str]]]:
    """The folder with everything that it writes, and the commands that it printed."""
    folder = tmp_path_factory.mktemp("made") / "a folder"
    done = guardrails(
        "init", str(folder), "--name", "support", "--owner", "lead@shop.example", "--compose", "--fastapi"
    )
    assert done.exit_code == 0, done.output
    written, _, after = done.output.partition("\nnext:\n")
    assert [line.removeprefix(f"wrote {folder}{os.sep}") for line in written.splitlines()] == [
        "support.yaml", "support.test.yaml", "compose.yaml", "app.py",
    ]  # fmt: skip
    assert {p.name for p in folder.iterdir()} == {"support.yaml", "support.test.yaml", "compose.yaml", "app.py"}
    return folder, [shlex.split(line) for line in after.splitlines()]


def test_the_printed_commands_run(made: tuple[Path, list[list[str]]]) -> None:
    _, commands = made
    assert [c[:2] for c in commands] == [
        ["guardrails", "lint"], ["guardrails", "test"], ["guardrails", "check"], ["guardrails", "proxy"],
        ["docker", "compose"], ["uvicorn", "--app-dir"],
    ]  # fmt: skip
    linted, tested, checked = (guardrails(*c[1:]) for c in commands[:3])
    assert (linted.exit_code, linted.output) == (0, "1 policy, 0 errors, 0 warnings\n")
    assert tested.exit_code == 0, tested.output
    assert "0 failed, 0 could not run" in tested.output
    assert "safe look-alikes" in tested.output
    assert checked.exit_code == 0
    assert "Write to {EMAIL_1}" in checked.output


def test_the_policy_says_who_answers_for_it(made: tuple[Path, list[list[str]]]) -> None:
    identity = load(made[0] / "support.yaml").identity
    assert (identity.name, identity.owner) == ("support", "lead@shop.example")


def test_the_folder_can_be_linted_and_tested_whole(made: tuple[Path, list[list[str]]]) -> None:
    done = guardrails("lint", str(made[0]))
    assert done.exit_code == 0
    assert "1 policy, 0 errors, 0 warnings" in done.output
    assert "compose.yaml: this is no policy; left out" in done.output


def test_the_topic_that_is_commented_out_can_be_used(made: tuple[Path, list[list[str]]], tmp_path: Path) -> None:
    text = (made[0] / "support.yaml").read_text(encoding="utf-8")
    head, _, topics = text.partition("# topics:")
    (tmp_path / "support.yaml").write_text(head + "topics:" + topics.replace("\n# ", "\n"), encoding="utf-8")
    done = guardrails("lint", "--strict", str(tmp_path / "support.yaml"))
    assert done.exit_code == 0, done.output
    assert "topic.investment-advice" in {r.id for r in load(tmp_path / "support.yaml").rules}


@pytest.fixture(scope="module")
def application(made: tuple[Path, list[list[str]]]) -> Iterator[Any]:
    """The made app.py as uvicorn imports it, in front of the canned model, and its address."""
    with serving(canned) as model, pytest.MonkeyPatch.context() as patch:
        patch.setenv("MODEL_URL", model)
        patch.setenv("ENV", "development")
        spec = importlib.util.spec_from_file_location("made_app", made[0] / "app.py")
        assert spec is not None
        assert spec.loader is not None
        module = ModuleType("made_app")
        module.__file__ = str(made[0] / "app.py")
        patch.setitem(sys.modules, "made_app", module)
        spec.loader.exec_module(module)
        with serving(module.app) as address:
            yield module, address


def ask(address: str, text: str, *, stream: bool = False) -> httpx.Response:
    body = {"model": "demo", "stream": stream, "messages": [{"role": "user", "content": text}]}
    return httpx.post(f"{address}/v1/chat/completions", json=body, timeout=120)


@pytest.mark.parametrize("stream", [False, True])
def test_the_application_answers_under_the_policy(application: Any, *, stream: bool) -> None:
    _, address = application
    assert httpx.get(f"{address}/health").json() == {"status": "ok"}
    assert httpx.get(f"{address}/docs").status_code == 200
    masked = ask(address, CARD, stream=stream)
    assert masked.status_code == 200
    assert masked.headers["x-guardrails-action"] == "MASKED"
    assert "pii.CREDIT_DEBIT_CARD_NUMBER" in masked.headers["x-guardrails-rules"]
    assert "4111" not in masked.text
    assert masked.headers["content-type"].startswith("text/event-stream" if stream else "application/json")
    blocked = ask(address, "When does Project Bluebird start?", stream=stream)
    assert blocked.headers["x-guardrails-action"] == "BLOCKED"
    assert "That is confidential." in blocked.text


def test_the_application_says_when_no_model_answers(application: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    module, address = application
    monkeypatch.setattr(module, "MODEL_URL", "http://127.0.0.1:9")
    response = ask(address, "hello")
    assert response.status_code == 502
    assert response.json()["error"]["code"] == "model_unreachable"


def test_the_compose_file_runs_the_proxy(made: tuple[Path, list[list[str]]]) -> None:
    """Its command and environment, here instead of in a container: paths and the model's address are this machine's."""
    folder, _ = made
    [service] = yaml.safe_load((folder / "compose.yaml").read_text(encoding="utf-8"))["services"].values()
    assert service["volumes"] == [".:/policies:ro"]
    assert service["ports"] == ["127.0.0.1:8080:8080"]
    assert service["read_only"] is True
    env = {k: v.replace("/policies", str(folder)) for k, v in service["environment"].items()}
    command = [{"0.0.0.0": "127.0.0.1", "8080": "0"}.get(w, w) for w in service["command"]]  # noqa: S104
    with serving(canned) as model:
        assert env["GUARDRAILS_UPSTREAM"].startswith("${MODEL_URL:-http://")
        with running(*command, env={**env, "GUARDRAILS_UPSTREAM": model}) as proxy:
            address = proxy.address(r"guardrails proxy: (http://\S+) ->")
            response = ask(address, CARD)
            assert response.headers["x-guardrails-action"] == "MASKED"
            assert "4111" not in response.text
            assert "x-guardrails-rules" not in response.headers


@pytest.mark.parametrize("there", ["support.yaml", "support.test.yaml", "compose.yaml", "app.py"])
def test_nothing_is_overwritten_and_then_nothing_is_written(tmp_path: Path, there: str) -> None:
    (tmp_path / there).write_text("mine")
    done = guardrails("init", str(tmp_path), "--name", "support", "--compose", "--fastapi")
    assert done.exit_code == 1
    assert there in str(done.exception)
    assert [p.name for p in tmp_path.iterdir()] == [there]
    assert (tmp_path / there).read_text() == "mine"


def test_a_link_that_leads_nowhere_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "assistant.yaml").symlink_to(tmp_path / "elsewhere.yaml")
    assert guardrails("init", str(tmp_path)).exit_code == 1
    assert not (tmp_path / "elsewhere.yaml").exists()


def test_a_second_policy_goes_beside_the_first(tmp_path: Path) -> None:
    assert guardrails("init", str(tmp_path)).exit_code == 0
    assert guardrails("init", str(tmp_path), "--name", "second.yaml").exit_code == 0
    assert {p.name for p in tmp_path.iterdir()} == {
        "assistant.yaml", "assistant.test.yaml", "second.yaml", "second.test.yaml",
    }  # fmt: skip


@pytest.mark.parametrize(
    "name", ["", "a b", "a/b", "../x", "x.y", "-x", "é", "tenants", "Tenants", "compose", "x" * 51]
)
def test_names_that_are_none_or_mean_something_else(tmp_path: Path, name: str) -> None:
    done = guardrails("init", str(tmp_path), "--name", name)
    assert done.exit_code != 0
    assert "--name" in done.output
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["no", "null", "true", "007", "1e5", "0x1F", "a", "My_Policy-2", "baseline"])
def test_a_name_stays_the_text_it_is(tmp_path: Path, name: str) -> None:
    done = guardrails("init", str(tmp_path), "--name", name)
    assert done.exit_code == 0, done.exception
    assert load(tmp_path / f"{name}.yaml").name == name


@pytest.mark.parametrize(
    "owner",
    [
        "lead@shop.example",
        "Zoë Müller",
        'the "risk" team',
        "a: b # c",
        "- x",
        "{x}",
        "*x",
        "C:\\risk",
        "@risk",
        "12",
        "@NAME@",
        "日本",
    ],
)
def test_an_owner_stays_the_text_it_is(tmp_path: Path, owner: str) -> None:
    done = guardrails("init", str(tmp_path), "--owner", owner)
    assert done.exit_code == 0, done.exception
    assert load(tmp_path / "assistant.yaml").identity.owner == owner


@pytest.mark.parametrize("owner", ["", " ", "a\nb", "a\x00b", "\ud800", "\u202ex"])
def test_an_owner_is_one_line_of_text(tmp_path: Path, owner: str) -> None:
    assert guardrails("init", str(tmp_path), "--owner", owner).exit_code != 0
    assert list(tmp_path.iterdir()) == []


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "x").write_text("")
    done = guardrails("init", str(tmp_path / "x"))
    assert "this is a file" in str(done.exception)


def test_lint_of_a_folder_leaves_out_what_is_no_policy(tmp_path: Path) -> None:
    (tmp_path / "tenants.yaml").write_text("version: 1\ntenants: {a: {policy: a.yaml}}\n")
    (tmp_path / "more.yaml").write_text("version: 1\ntenants: {b: {policy: a.yaml}}\n")
    (tmp_path / "formats.yaml").write_text("version: 1\nformats: []\n")
    (tmp_path / "a.yaml").write_text("version: 1\nname: a\nmetadata: {owner: me}\nwords: {terms: [kingfisher]}\n")
    done = guardrails("lint", str(tmp_path))
    assert done.exit_code == 0, done.output
    assert "1 policy, 0 errors" in done.output
    (tmp_path / "b.yaml").write_text("name: b\ntenants: x\nwords: {terms: [kingfisher]}\n")
    done = guardrails("lint", str(tmp_path))
    assert done.exit_code == 2
    assert "b.yaml:1:1: error" in done.output
