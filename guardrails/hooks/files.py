"""Settings files: read strictly, written whole or not at all."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from guardrails.errors import GuardrailsError

__all__ = ["read", "write", "written"]


def read(path: Path) -> dict[str, Any]:
    """The settings of a file, none when there is no file. Raises GuardrailsError, naming the line, for what is no JSON object."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return {}
    except UnicodeDecodeError as error:
        raise GuardrailsError(f"{path}: is not UTF-8 at byte {error.start}; nothing was written") from None
    try:
        found = json.loads(text) if text.strip() else {}
    except ValueError as error:
        line = getattr(error, "lineno", 1)
        raise GuardrailsError(f"{path}:{line}: is not JSON; mend it first, nothing was written") from None
    if not isinstance(found, dict):
        raise GuardrailsError(f"{path}: must be a JSON object; nothing was written")
    return found


def written(settings: Mapping[str, Any]) -> str:
    """The text of a settings file."""
    return json.dumps(settings, indent=2, ensure_ascii=False) + "\n"


def write(path: Path, settings: Mapping[str, Any]) -> None:
    """Write a settings file; who reads it sees the old one or the new one, with the old one's permissions."""
    target = path.resolve()  # a link stays a link
    target.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(dir=target.parent, prefix=".guardrails-")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(written(settings))
        Path(name).chmod(target.stat().st_mode & 0o777 if target.exists() else 0o644)
        Path(name).replace(target)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
