"""The list of models."""

from __future__ import annotations

import json
from types import SimpleNamespace

import pytest
import typer
from typer.testing import CliRunner

from guardrails import inference
from guardrails.cli.models import models
from guardrails.errors import WeightsMissing

TEXT = SimpleNamespace(
    name="text", version="1.0", path="models/text/model.safetensors", sha256="ab" * 32, bytes=45_000_000,
    dtype="bfloat16", device="cpu", setting="cascade", heads=("INPUT.HATE", "topics"),
)  # fmt: skip
app = typer.Typer()
app.command()(models)


def invoke(monkeypatch: pytest.MonkeyPatch, found: list[SimpleNamespace], *args: str) -> str:
    monkeypatch.setattr(inference, "inventory", lambda: found)
    done = CliRunner().invoke(app, list(args))
    assert done.exit_code == 0, done.output
    return done.output


def test_the_table(monkeypatch: pytest.MonkeyPatch) -> None:
    idle = SimpleNamespace(**{**vars(TEXT), "name": "grounding", "device": "", "heads": ()})
    head, first, second = invoke(monkeypatch, [TEXT, idle]).splitlines()
    assert head.split() == ["name", "version", "path", "sha256", "bytes", "dtype", "device", "setting", "heads"]
    assert first.split() == [
        "text", "1.0", TEXT.path, "ab" * 32, "45,000,000", "bfloat16", "cpu", "cascade", "INPUT.HATE,", "topics",
    ]  # fmt: skip
    assert first.index("cpu") == head.index("device") == second.index("–")


def test_json(monkeypatch: pytest.MonkeyPatch) -> None:
    assert json.loads(invoke(monkeypatch, [TEXT], "--json")) == [{**vars(TEXT), "heads": ["INPUT.HATE", "topics"]}]


def test_none(monkeypatch: pytest.MonkeyPatch) -> None:
    assert invoke(monkeypatch, []) == "no models are installed\n"
    assert json.loads(invoke(monkeypatch, [], "--json")) == []


def test_what_is_broken_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> None:
        raise WeightsMissing("swapped")

    monkeypatch.setattr(inference, "inventory", broken)
    assert isinstance(CliRunner().invoke(app, []).exception, WeightsMissing)
