"""The distribution of the large text model: built for real from a tree with stand-ins for the weights, and found."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

import guardrails
from guardrails import resources

ROOT = Path(__file__).resolve().parents[2]
FILES = ("model.json", "model-1.safetensors", "model-2.safetensors")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    tree = tmp_path_factory.mktemp("tree")
    shutil.copytree(ROOT / "packaging", tree / "packaging", ignore=shutil.ignore_patterns("dist", "__pycache__"))
    (tree / "guardrails").mkdir()
    shutil.copy(ROOT / "guardrails" / "__init__.py", tree / "guardrails")
    for name in ("LICENSE", "NOTICE"):
        shutil.copy(ROOT / name, tree)
    weights = tree / "models" / "large" / "weights"
    weights.mkdir(parents=True)
    for name in FILES:
        (weights / name).write_text(name, encoding="utf-8")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", tree / "out", tree / "packaging" / "large"]  # fmt: skip
    done = subprocess.run([str(c) for c in command], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return next((tree / "out").glob("*.whl"))


def test_contents(wheel: Path) -> None:
    assert wheel.name.startswith(f"onepolicy_guardrails_large-{guardrails.__version__}-py3-none-any")
    names = {n for n in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in n}
    package = "onepolicy_guardrails_large/"
    assert names == {package + n for n in ("__init__.py", "LICENSE", "NOTICE", *(f"weights/{f}" for f in FILES))}


def test_found_when_installed(wheel: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resources, "_PACKAGE", tmp_path / "site" / "guardrails")
    assert resources.models_dir("large") == tmp_path / "site" / "models" / "large" / "weights"
    assert not resources.models_dir("large").exists()
    zipfile.ZipFile(wheel).extractall(tmp_path / "site")
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    try:
        found = resources.models_dir("large")
    finally:
        sys.modules.pop("onepolicy_guardrails_large", None)
    assert found == tmp_path / "site" / "onepolicy_guardrails_large" / "weights"
    assert sorted(p.name for p in found.iterdir()) == sorted(FILES)


def test_a_checkout_comes_before_what_is_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resources, "_PACKAGE", tmp_path / "guardrails")
    here = tmp_path / "models" / "large" / "weights"
    here.mkdir(parents=True)
    assert resources.models_dir("large") == here


def test_the_package_itself_does_not_hold_it() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert not [k for k in project["tool"]["hatch"]["build"]["targets"]["wheel"]["force-include"] if "large" in k]
    assert project["project"]["optional-dependencies"]["large"] == ["onepolicy-guardrails-large"]
