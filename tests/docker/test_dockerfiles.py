"""The Dockerfiles and the compose file are what docs/docker.md promises; and the checks can fail."""

from __future__ import annotations

import fnmatch
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.docker.dockerfile import DOCKER, ROOT, parse, problems

FILES = sorted(p for p in DOCKER.glob("Dockerfile.*") if not p.name.endswith(".dockerignore"))
CPU = (DOCKER / "Dockerfile.cpu").read_text(encoding="utf-8")


def test_there_are_two() -> None:
    assert [p.name for p in FILES] == ["Dockerfile.cpu", "Dockerfile.cuda"]


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.name)
def test_nothing_is_wrong(path: Path) -> None:
    assert problems(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("USER 10001:10001\n", "", "the last stage does not end as"),
        ("USER 10001:10001", "USER root", "the last stage does not end as"),
        ("USER 10001:10001", "USER 10001\nUSER 0", "the last stage does not end as"),
        ("python:3.12.12-slim-bookworm", "python:latest", "not pinned"),
        ("python:3.12.12-slim-bookworm", "python", "not pinned"),
        ("COPY policies ./policies", "ADD https://example.com/x ./policies", "ADD fetches"),
        ("COPY policies ./policies", "COPY . ./", "copies everything"),
        ('ENTRYPOINT ["guardrails"]', "ENTRYPOINT guardrails", "ENTRYPOINT is not in exec form"),
        ('CMD ["proxy"', 'CMD exec ["proxy"', "CMD is not in exec form"),
        ("ARG TORCH=torch", "ARG TORCH=torch\nARG UPSTREAM_KEY", "a secret has no place"),
        ("ENV PIP_NO_CACHE_DIR=1", "ENV API_TOKEN=x PIP_NO_CACHE_DIR=1", "a secret has no place"),
        ("ARG PIP_EXTRA=", "ARG PIP_EXTRA=--index-url=https://example.com", "an address is written here"),
        ("install -c constraints.txt", "install", "without the constraints"),
        ("STOPSIGNAL SIGTERM\n", "", "no STOPSIGNAL"),
        ("WORKDIR /policies", "WORKDIR policies", "a relative WORKDIR"),
        ("USER 10001", "RUN apt-get install x\nUSER 10001", "fetches or loosens"),
        ("USER 10001", "RUN pip install x\nUSER 10001", "the last stage installs"),
        ("EXPOSE", "EXPOES", "is no instruction"),
    ],
)
def test_each_check_finds_what_it_is_for(old: str, new: str, problem: str) -> None:
    assert old in CPU
    assert any(problem in p for p in problems(CPU.replace(old, new)))


def test_continued_lines_and_comments() -> None:
    got = parse('# a\nFROM x:1.2.3-y AS a\nRUN one \\\n  two\n\n  # b\nFROM a\nCMD ["c"]\n')
    assert [(i.name, i.line, i.stage) for i in got] == [("FROM", 2, 0), ("RUN", 3, 0), ("FROM", 7, 1), ("CMD", 8, 1)]
    assert got[1].value == "one   two"
    assert got[3].exec_form == ["c"]


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.name)
def test_what_is_copied_is_there_and_not_ignored(path: Path) -> None:
    ignore = [
        line
        for line in path.with_name(path.name + ".dockerignore").read_text(encoding="utf-8").splitlines()
        if line and not line.startswith("#")
    ]
    assert ignore[0] == "*"
    kept = {line[1:] for line in ignore if line.startswith("!")}
    sources = [
        source
        for i in parse(path.read_text(encoding="utf-8"))
        if i.name == "COPY" and "--from" not in i.value
        for source in i.value.split()[:-1]
    ]
    assert set(sources) == kept
    for source in sources:
        assert (ROOT / source).exists()
        assert not any(fnmatch.fnmatch(source, p) for p in ignore[1:] if not p.startswith("!"))


def test_the_two_differ_only_where_they_must() -> None:
    cpu, cuda = (
        [(i.name, i.value) for i in parse((DOCKER / f"Dockerfile.{k}").read_text(encoding="utf-8"))]
        for k in ("cpu", "cuda")
    )
    differing = [pair for pair in cpu if pair not in cuda] + [pair for pair in cuda if pair not in cpu]
    assert {name for name, _ in differing} == {"RUN", "ENV"}
    assert len(differing) == 5  # the early word about CUDA, the check of torch, and what the driver shows


def compose() -> dict[str, Any]:
    loaded = yaml.safe_load((DOCKER / "compose.yaml").read_text(encoding="utf-8"))
    assert isinstance(loaded, dict)
    return loaded


@pytest.mark.parametrize("name", ["upstream", "proxy"])
def test_services_are_locked_down(name: str) -> None:
    service = compose()["services"][name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["tmpfs"] == ["/tmp"]
    assert "privileged" not in service
    assert "user" not in service, "the image's own user"


def test_the_upstream_has_no_way_out_and_the_proxy_is_local() -> None:
    loaded = compose()
    assert loaded["services"]["upstream"]["networks"] == ["inside"]
    assert loaded["networks"]["inside"]["internal"] is True
    assert "ports" not in loaded["services"]["upstream"]
    assert all(p.startswith("127.0.0.1:") for p in loaded["services"]["proxy"]["ports"])
    assert all(v.endswith(":ro") for v in loaded["services"]["proxy"]["volumes"])
    for volume in loaded["services"]["proxy"]["volumes"]:
        assert (DOCKER / volume.split(":")[0] / "tenants.yaml").resolve().is_file()


def test_a_stop_waits_longer_than_the_proxy_drains() -> None:
    from inspect import signature

    from guardrails.cli import serving

    grace = signature(serving.proxy).parameters["grace"].default
    stop = compose()["services"]["proxy"]["stop_grace_period"]
    assert int(re.fullmatch(r"(\d+)s", stop)[1]) > grace  # type: ignore[index]
