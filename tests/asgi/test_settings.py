"""The settings as type checkers know them, and as they are."""

from __future__ import annotations

from dataclasses import fields

from guardrails.asgi.settings import Settings, SettingsDict


def test_every_setting_can_be_written_in_typed_code() -> None:
    assert set(SettingsDict.__annotations__) == {f.name for f in fields(Settings)} - {"forms"} | {"custom"}
