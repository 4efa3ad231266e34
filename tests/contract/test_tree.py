"""What the pages promise of the source: no import circle, no knowledge of single detectors outside their package, small modules."""

from __future__ import annotations

import ast
import re
import tomllib
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

from guardrails import detectors

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "guardrails"
LINES = 400  # of a module
FUNCTION_LINES = 60  # signature and docstring included
TABLES = {
    "guardrails.cli.service.serve",
    "guardrails.service.openapi._schemas",
}  # a command's options, and the schemas of an API
# Packages that may say which detector they mean: they translate to the words of others, or show what one found.
NAMED = {"bedrock", "cli", "evaluation", "service"}


@cache
def modules() -> dict[str, ast.Module]:
    found = {}
    for path in PACKAGE.rglob("*.py"):
        name = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        found[name] = ast.parse(path.read_text(encoding="utf-8"))
    return found


def imports(name: str, known: set[str]) -> set[str]:
    """The modules of ours that one imports: inside functions too, and for types alone."""
    out: set[str] = set()
    for node in ast.walk(modules()[name]):
        if isinstance(node, ast.Import):
            out |= {a.name for a in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            out |= {
                f"{node.module}.{a.name}" if f"{node.module}.{a.name}" in known else node.module for a in node.names
            }
    return (out & known) - {name}


def test_there_is_no_import_circle() -> None:
    known = set(modules())
    try:
        TopologicalSorter({name: imports(name, known) for name in known}).prepare()
    except CycleError as error:
        pytest.fail(" -> ".join(error.args[1]))


def test_a_circle_would_be_seen() -> None:
    with pytest.raises(CycleError):
        TopologicalSorter({"a": {"b"}, "b": {"a"}}).prepare()
    known = set(modules())
    assert "guardrails.pipeline" in imports("guardrails.guard", known)
    assert "guardrails.detectors.pii.engine" in imports("guardrails.detectors.pii", known)  # inside a function


def test_the_layers_have_no_exception() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"][
        "contracts"
    ]
    (layers,) = [c for c in contracts if c["type"] == "layers"]
    assert "ignore_imports" not in layers
    named = {m.strip() for line in layers["layers"] for m in line.split("|")}
    assert named <= set(modules())
    top = {name for name in modules() if name.count(".") == 1 and not name.endswith("__main__")}
    assert not {name for name in top if not any(one == name or one.startswith(f"{name}.") for one in named)}


@pytest.mark.parametrize("name", sorted(modules()))
def test_no_module_is_long(name: str) -> None:
    last = modules()[name].body[-1].end_lineno if modules()[name].body else 0
    assert (last or 0) <= LINES


def long_functions(tree: ast.Module) -> list[str]:
    """Functions with too many lines, and where they are; methods and inner ones too."""
    return [
        f"{node.name}, line {node.lineno}"
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (node.end_lineno or 0) - node.lineno + 1 > FUNCTION_LINES
    ]


@pytest.mark.parametrize("name", sorted(modules()))
def test_no_function_is_long(name: str) -> None:
    assert not [f for f in long_functions(modules()[name]) if f"{name}.{f.partition(',')[0]}" not in TABLES]


def test_a_long_function_would_be_seen() -> None:
    body = "    x = 1\n" * FUNCTION_LINES
    assert long_functions(ast.parse(f"class A:\n  async def f():\n{body}")) == ["f, line 2"]
    assert not long_functions(ast.parse(f"def f():\n{body.removesuffix(chr(10)).rpartition(chr(10))[0]}\n"))


def test_nobody_outside_asks_which_detector_a_rule_has() -> None:
    """Traits say what a detector does; a name would leave out those of somebody else's."""
    told: list[str] = []
    for name, tree in modules().items():
        if name.startswith("guardrails.detectors") or (name.split(".")[1:2] and name.split(".")[1] in NAMED):
            continue
        for node in ast.walk(tree):
            if isinstance(node, ast.Compare) and isinstance(node.left, ast.Attribute) and node.left.attr == "detector":
                told += [
                    f"{name}:{node.lineno}"
                    for c in node.comparators
                    for value in ast.walk(c)
                    if isinstance(value, ast.Constant) and value.value in detectors.DETECTORS
                ]
            if (
                isinstance(node, ast.Call)
                and ast.unparse(node.func) == "getattr"
                and "detectors.module" in ast.unparse(node)
            ):
                told.append(f"{name}:{node.lineno}")
    assert not told


def test_the_picture_names_what_is_there() -> None:
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    picture = re.findall(r"```\n(.*?)```", page, re.DOTALL)[0]
    words = set(re.findall(r"[a-z]+", re.sub(r"\([^)]*\)", "", picture)))
    for name in (
        "guard",
        "pipeline",
        "streaming",
        "execution",
        "rewriting",
        "exchange",
        "detectors",
        "inference",
        "fold",
    ):
        assert name in words
    there = {name.rsplit(".", 1)[-1] for name in modules()}
    assert words - there <= {
        "library", "find", "excuse", "judge", "rewrite", "report", "policies", "models", "words", "regex", "pii", "content", "topics",
        "grounding", "pure",
    }  # fmt: skip
