"""Our wheel, for real: built, installed, run outside the checkout, and beside the packages that share our name."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.systems import needs_bin

pytestmark = needs_bin

ROOT = Path(__file__).resolve().parents[2]


def sh(*args: object, cwd: Path | None = None, timeout: int = 300) -> subprocess.CompletedProcess[str]:
    return subprocess.run([str(a) for a in args], cwd=cwd, capture_output=True, text=True, timeout=timeout)


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("wheel")
    done = sh(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", out, ROOT)
    assert done.returncode == 0, done.stderr
    return next(out.glob("*.whl"))


def venv(folder: Path) -> Path:
    """An environment that sees our dependencies, and nothing of the checkout."""
    done = sh(sys.executable, "-m", "venv", "--without-pip", folder)
    assert done.returncode == 0, done.stderr
    site = next(folder.glob("lib/python*/site-packages"))
    dependencies = next(p for p in map(Path, sys.path) if p.name == "site-packages")
    (site / "dependencies.pth").write_text(f"{dependencies}\n", encoding="utf-8")
    return folder


def install(folder: Path, *wheels: Path) -> None:
    for one in wheels:
        done = sh(
            sys.executable,
            "-m",
            "pip",
            "--python",
            folder / "bin/python",
            "install",
            "-q",
            "--no-deps",
            "--force-reinstall",
            one,
        )
        assert done.returncode == 0, done.stderr


def test_contents(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    assert "guardrails/py.typed" in names
    assert "onepolicy_guardrails.py" in names
    assert "guardrails/data/profanity.txt" in names
    assert "guardrails/_shipped/policies/retail-bank.yaml" in names
    assert "guardrails/_shipped/policies/lists/rival-banks.txt" in names
    for model in ("text", "grounding"):
        for file in ("model.json", "model.safetensors", "tokenizer.json"):
            assert f"guardrails/_shipped/models/{model}/{file}" in names
    assert any(n.endswith("licenses/LICENSE") for n in names)
    assert not [n for n in names if n.endswith(".pth") or n.startswith(("tests/", "benchmarks/"))]


def test_works_outside_the_checkout(wheel: Path, tmp_path: Path) -> None:
    env = venv(tmp_path / "env")
    install(env, wheel)
    for script in ("guardrails", "onepolicy"):
        done = sh(env / "bin" / script, "check", "--policy", "retail-bank", "my PIN is 4821", cwd=tmp_path)
        assert done.returncode == 2, done.stderr
        assert "pii.PIN" in done.stdout
    topic = sh(
        env / "bin" / "guardrails",
        "check",
        "--policy",
        "retail-bank",
        "Should I move my savings into index funds?",
        cwd=tmp_path,
    )
    assert topic.returncode == 2, topic.stderr
    assert "topic.investment-advice" in topic.stdout
    where = sh(env / "bin/python", "-c", "import guardrails; print(guardrails.__file__)", cwd=tmp_path).stdout
    assert where.startswith(str(env))


@pytest.fixture(scope="session")
def namesakes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    out = tmp_path_factory.mktemp("namesakes")
    for name in ("guardrails-ai", "openai-guardrails"):
        done = sh(sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--only-binary=:all:", "-d", out, name)
        if done.returncode != 0:
            pytest.skip(f"no package index reachable for {name}")
    return {
        "guardrails-ai": next(out.glob("guardrails_ai*")),
        "openai-guardrails": next(out.glob("openai_guardrails*")),
    }


@pytest.mark.parametrize("other", ["guardrails-ai", "openai-guardrails"])
@pytest.mark.parametrize("order", ["theirs first", "ours first"])
def test_a_clash_is_explained(wheel: Path, namesakes: dict[str, Path], other: str, order: str, tmp_path: Path) -> None:
    env = venv(tmp_path / "env")
    wheels = [namesakes[other], wheel] if order == "theirs first" else [wheel, namesakes[other]]
    install(env, *wheels)
    # With theirs last, `guardrails` is their script; `onepolicy` is ours in either order.
    scripts = ["onepolicy", "guardrails"] if order == "theirs first" else ["onepolicy"]
    for script in scripts:
        done = sh(env / "bin" / script, "--version", cwd=tmp_path)
        assert done.returncode == 1
        assert other in done.stderr
        assert "its own virtual environment" in done.stderr
        assert "Traceback" not in done.stderr
    # The remedy that the message names is one.
    sh(sys.executable, "-m", "pip", "--python", env / "bin/python", "uninstall", "-q", "-y", other)
    install(env, wheel)
    done = sh(env / "bin/guardrails", "--version", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
