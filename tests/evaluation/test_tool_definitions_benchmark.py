"""The benchmark of tools' definitions: its poisoned ones, and that a request of it brings every word of a definition to the model."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.tool_definitions import ordinary, request
from benchmarks.tool_definitions_poisoned import PLACES, POISONED
from guardrails.exchange.definitions import definitions
from guardrails.wire.openai_chat import Chat


def strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    for inside in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from strings(inside)


def test_every_place_is_there_and_every_string_is_read() -> None:
    assert len(POISONED) >= 40
    assert set(Counter(place for place, _ in POISONED)) == set(PLACES)
    assert len({json.dumps(tool) for _, tool in POISONED}) == len(POISONED)
    for _, tool in POISONED:
        (slot,) = definitions(Chat.open(request(tool)).inbound().slots)
        said = [text for text in strings(tool) if " " in text]
        assert said
        assert all(text in slot.text for text in said), tool["name"]


def test_lists_as_the_command_saves_them_are_read(tmp_path: Path) -> None:
    (tmp_path / "files.json").write_text(json.dumps({"tools": [POISONED[0][1]]}))
    (tmp_path / "mail.json").write_text(json.dumps([POISONED[1][1], POISONED[2][1]]))
    assert [(server, tool["name"]) for server, tool in ordinary(tmp_path)] == [
        ("files", POISONED[0][1]["name"]),
        ("mail", POISONED[1][1]["name"]),
        ("mail", POISONED[2][1]["name"]),
    ]
