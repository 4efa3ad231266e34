"""The plain Kubernetes manifests, made from the Helm chart with its default values.

    python -m tools.manifests --write     # deploy/kubernetes/
    python -m tools.manifests             # exit 1 when they are not what the chart says

The chart keeps to a small part of Helm's templates, which is carried out here: values, ``quote``, ``add``, ``toYaml … | nindent N`` and ``if``.
Where Helm is installed, a test compares what it makes with what is made here.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[1]
CHART = ROOT / "deploy" / "helm" / "onepolicy-guardrails"
PLAIN = ROOT / "deploy" / "kubernetes"
RELEASE = "guardrails"
_ACTION = re.compile(r"\{\{\s*(.*?)\s*\}\}")
_LINE = re.compile(r"^\s*\{\{-?\s*(if\s+(?P<test>\S+)|(?P<end>end))\s*-?\}\}\s*$")
_YAML = re.compile(r"\{\{-\s*toYaml\s+(\S+)\s*\|\s*nindent\s+(\d+)\s*\}\}")


def values(changes: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """The chart's values, with changes as ``--set`` and ``-f`` make them: mappings are merged, all else is replaced."""
    made: dict[str, Any] = _merged(yaml.safe_load((CHART / "values.yaml").read_text(encoding="utf-8")), changes or {})
    return made


def render(template: str, given: Mapping[str, Any], release: str = RELEASE) -> str:
    """A template with values. Raises ValueError for what it does not know."""
    scope = {"Values": given, "Release": {"Name": release}}
    kept: list[bool] = []
    lines = []
    for line in template.splitlines():
        step = _LINE.match(line)
        if step and step["end"]:
            kept.pop()
        elif step:
            kept.append(bool(_value(step["test"], scope)))
        elif all(kept) and (whole := _YAML.fullmatch(line.strip())):
            lines += _block(_value(whole[1], scope), int(whole[2]))
        elif all(kept):
            lines.append(_ACTION.sub(lambda m: _said(m[1], scope), line))
    if kept:
        raise ValueError("an `if` has no `end`")
    return "\n".join(lines) + "\n"


def manifests(given: Mapping[str, Any], release: str = RELEASE) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every object of the chart, with the file it is from."""
    for path in sorted((CHART / "templates").glob("*.yaml")):
        for found in yaml.safe_load_all(render(path.read_text(encoding="utf-8"), given, release)):
            if found is not None:
                yield path.name, found


def plain() -> dict[str, str]:
    """The plain manifests, by file."""
    made = {}
    for path in sorted((CHART / "templates").glob("*.yaml")):
        made[path.name] = "# Made by `python -m tools.manifests --write`.\n" + render(
            path.read_text(encoding="utf-8"), values()
        )
    listed = "\n".join(f"  - {name}" for name in made)
    made["kustomization.yaml"] = (
        f"apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources:\n{listed}\n"
    )
    return made


def _value(path: str, scope: Mapping[str, Any]) -> Any:
    found: Any = scope
    for step in path.removeprefix(".").split("."):
        if not isinstance(found, Mapping) or step not in found:
            raise ValueError(f"there is no {path}")
        found = found[step]
    return found


class _Dumper(yaml.SafeDumper):
    """Texts of several lines as lines."""


_Dumper.add_representer(
    str, lambda d, text: d.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)
)


def _block(value: Any, indent: int) -> list[str]:
    text = yaml.dump(value, Dumper=_Dumper, sort_keys=True, default_flow_style=False, width=1_000)
    return [(" " * indent + line).rstrip() for line in text.rstrip("\n").splitlines()]


def _said(action: str, scope: Mapping[str, Any]) -> str:
    if action.startswith("add "):
        return str(sum(int(word) if word.isdigit() else _value(word, scope) for word in action.split()[1:]))
    name, _, function = (part.strip() for part in action.partition("|"))
    value = _value(name, scope)
    if function == "quote":
        return f'"{value}"'
    if function:
        raise ValueError(f"{function} is not known here")
    return str(value).lower() if isinstance(value, bool) else str(value)


def _merged(under: Any, over: Any) -> Any:
    if isinstance(under, Mapping) and isinstance(over, Mapping):
        return {**under, **{k: _merged(under.get(k), v) for k, v in over.items()}}
    return over


def main() -> int:
    """Returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true")
    write = parser.parse_args().write
    made = plain()
    if write:
        for old in PLAIN.glob("*.yaml"):
            old.unlink()
        for name, text in made.items():
            (PLAIN / name).write_text(text, encoding="utf-8")
        return 0
    there = {p.name: p.read_text(encoding="utf-8") for p in PLAIN.glob("*.yaml")}
    return int(there != made)


if __name__ == "__main__":
    sys.exit(main())
