"""Files as they should be before they are committed: they parse, end in one line break, and hold no conflict.

python -m tools.check_files FILE...    # prints what is wrong; exit 1 if anything is
"""

from __future__ import annotations

import json
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import yaml

__all__ = ["wrong"]

LARGEST = 2_000_000  # bytes; weights are larger and have a place of their own
_LARGE = ("models/",)
_BINARY = b"\0"
# Files that hold what is wrong on purpose, or whose bytes belong to somebody else.
_AS_THEY_ARE = ("tests/", "models/", "guardrails/data/")


class _Lenient(yaml.SafeLoader):
    """YAML with tags of other programs (`!reference`), which are nobody's business here."""


_Lenient.add_multi_constructor("", lambda _loader, _tag, _node: None)


def wrong(path: Path, name: str) -> Iterator[str]:
    """What is wrong with the file at ``path``; ``name`` is its path in the project, with forward slashes."""
    raw = path.read_bytes()
    if len(raw) > LARGEST and not name.startswith(_LARGE):
        yield f"has {len(raw):,} bytes, more than {LARGEST:,}"
    if _BINARY in raw[:8192]:
        return
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as e:
        yield f"is not UTF-8: byte {e.start}"
        return
    if not name.startswith(_AS_THEY_ARE):
        lines = text.split("\n")
        for number, line in enumerate(lines, 1):
            if line.startswith(("<<<<<<< ", ">>>>>>> ")):
                yield f"line {number}: a conflict that was not resolved"
            if line != line.rstrip(" \t\r"):
                yield f"line {number}: blanks at the end of the line"
        if text and (not text.endswith("\n") or text.endswith("\n\n")):
            yield "does not end in exactly one line break"
        try:
            match path.suffix:
                case ".yaml" | ".yml" if "/templates/" not in name:  # Helm's are YAML only once they are filled in
                    list(yaml.load_all(text, Loader=_Lenient))
                case ".toml":
                    tomllib.loads(text)
                case ".json":
                    json.loads(text)
        except (yaml.YAMLError, ValueError) as e:
            yield f"does not parse: {e}"


def main(names: list[str]) -> int:
    """Command line."""
    found = [f"{name}: {problem}" for name in names for problem in wrong(Path(name), Path(name).as_posix())]
    print("\n".join(found), end="\n" if found else "")
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
