"""What a contributor and a workflow run: `nox -l` lists it, `nox -s lint types` runs it.

Each session makes an environment of its own. In one that has everything (`.venv` of the README), `nox --no-venv -s test` uses that
environment instead, installs nothing and needs no network; `clients` and `lowest` need environments of their own.
"""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import nox
from nox.virtualenv import PassthroughEnv

ROOT = Path(__file__).parent
PYTHONS = ["3.11", "3.12", "3.13", "3.14"]
EXTRAS: dict[str, list[str]] = nox.project.load_toml("pyproject.toml")["project"]["optional-dependencies"]
UV = "uv==0.13.9"
PURELIB = "import sysconfig; print(sysconfig.get_path('purelib'))"

nox.needs_version = ">=2025.2.9"
nox.options.sessions = ["lint", "types", "test"]
nox.options.reuse_venv = "yes"


def install(session: nox.Session, *what: str) -> None:
    """Into the session's environment, in the versions of constraints.txt; nothing with --no-venv."""
    if not isinstance(session.virtualenv, PassthroughEnv):
        session.install("-c", "constraints.txt", *what)


def everything(session: nox.Session) -> None:
    """The project and all that its tests and linters need."""
    install(session, "-e", ".[dev]")


def own(session: nox.Session) -> None:
    """Skip with --no-venv: the session changes its environment."""
    if isinstance(session.virtualenv, PassthroughEnv):
        session.skip("needs an environment of its own: run it without --no-venv")


@nox.session
def test(session: nox.Session) -> None:
    """The tests, or those that are named: nox -s test -- tests/core -x."""
    everything(session)
    session.run("python", "-m", "pytest", *(session.posargs or ["-n", "auto", "--dist", "loadfile"]))


@nox.session(python=PYTHONS)
def versions(session: nox.Session) -> None:
    """The tests on each Python that is supported: nox -s versions-3.13."""
    own(session)
    # The versions of constraints.txt are for one Python and one system; here the newest that fit are used.
    session.install("-e", ".[dev]")
    session.run("python", "-m", "pytest", *(session.posargs or ["-n", "auto", "--dist", "loadfile"]))


@nox.session
def lowest(session: nox.Session) -> None:
    """The tests with the lowest versions that pyproject.toml allows."""
    own(session)
    session.install(UV)
    python = Path(session.bin) / ("python.exe" if sys.platform == "win32" else "python")
    pip = ("uv", "pip", "install", "-q", "--python", str(python))
    session.run(*pip, "--resolution", "lowest-direct", "-e", ".")
    session.run(*pip, "-e", ".[dev]")  # keeps what is there and fits
    session.run("python", "-m", "pytest", *(session.posargs or ["-n", "auto", "--dist", "loadfile"]))


@nox.session
def coverage(session: nox.Session) -> None:
    """The tests, how much of guardrails/ they run, and the gate (`[tool.coverage]` in pyproject.toml)."""
    everything(session)
    session.run("coverage", "erase")
    tests = session.posargs or ["-n", "auto", "--dist", "loadfile"]
    session.run("python", "-m", "pytest", "--cov", "--cov-report=", "--cov-fail-under=0", *tests)
    session.run(
        "coverage", "report", *(["--fail-under=0"] if session.posargs else [])
    )  # some tests cover only some of it


@nox.session
def lint(session: nox.Session) -> None:
    """Style, spelling, import contracts, and the shipped policies' own tests."""
    everything(session)
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")
    session.run("codespell")
    session.run("lint-imports")
    session.run("python", "-m", "onepolicy_guardrails", "lint", "policies/")
    session.run("python", "-m", "onepolicy_guardrails", "test", "policies/")


@nox.session
def types(session: nox.Session) -> None:
    """Types, strictly (`[tool.mypy]` in pyproject.toml says of what)."""
    everything(session)
    session.run("mypy", *session.posargs)


@nox.session
def docs(session: nox.Session) -> None:
    """The documentation site, into build/site; a warning is an error. Add `-- serve` to read it while you write."""
    install(session, *EXTRAS["docs"])
    session.run("mkdocs", *(session.posargs or ["build", "--strict"]), env={"NO_MKDOCS_2_WARNING": "1"})


@nox.session
def bench(session: nox.Session) -> None:
    """Benchmarks: quick ones, or one that is named: nox -s bench -- benchmarks.middleware throughput."""
    everything(session)
    for command in (
        [session.posargs] if session.posargs else [["benchmarks.check"], ["benchmarks.middleware", "all", "--quick"]]
    ):
        session.run("python", "-m", *command)


@nox.session
def fuzz(session: nox.Session) -> None:
    """Fuzzing: 100,000 cases, or as you say: nox -s fuzz -- --cases 1000000 --seed 7."""
    everything(session)
    jobs = str(max(1, (os.cpu_count() or 2) // 2))
    session.run(
        "python", "-m", "tests.fuzz", *(session.posargs or ["--cases", "100000", "--seed", "1", "--jobs", jobs])
    )


@nox.session
def clients(session: nox.Session) -> None:
    """Real clients and agent frameworks against the proxy, in environments of their own (.clients/)."""
    own(session)
    everything(session)
    session.install(UV)
    bin_folder = "Scripts" if sys.platform == "win32" else "bin"
    env = {"GUARDRAILS_CLIENTS": "required", "GUARDRAILS_PYTHON": str(Path(session.bin) / "python")}
    folder = ROOT / ".clients"
    if npm := shutil.which("npm"):
        (folder / "node").mkdir(parents=True, exist_ok=True)
        for name in ("package.json", "package-lock.json"):
            shutil.copy(ROOT / "tests/clients/node" / name, folder / "node" / name)
        session.run(npm, "ci", "--prefix", str(folder / "node"), "--no-audit", "--no-fund", external=True)
    for group, tests in (
        ("agents", ["tests/clients/agents", "tests/clients/node"]),
        ("wrappers", ["tests/clients/wrappers"]),
        ("gateways", ["tests/clients/gateways"]),
        ("frameworks", ["tests/clients/frameworks"]),
        ("toolkits", ["tests/clients/toolkits"]),
        ("openapi", ["tests/clients/openapi"]),
        ("mcp", ["tests/clients/mcp"]),
        ("mcp_older", ["tests/clients/mcp"]),
        ("a2a", ["tests/clients/a2a"]),
        ("ray", ["tests/clients/ray"]),
    ):
        python = str(folder / group / bin_folder / "python")
        session.run("uv", "venv", "-q", "--clear", "--python", sys.executable, str(folder / group))
        session.run("uv", "pip", "install", "-q", "--python", python, "-r", f"tests/clients/{group}/requirements.txt")
        # Frameworks run together with this project, whose packages lie in the session's own environment.
        own_packages = {"PYTHONPATH": str(session.run("python", "-c", PURELIB, silent=True)).strip()}
        more = own_packages if group in ("frameworks", "toolkits", "ray") else {}
        session.run(python, "-m", "pytest", *tests, env={**env, **more}, external=True)


@nox.session
def build(session: nox.Session) -> None:
    """What a release uploads, into dist/: the wheel, the source distribution, and the list of their parts (SBOM, CycloneDX)."""
    own(session)
    session.install("build", "cyclonedx-bom>=7")
    shutil.rmtree(ROOT / "dist", ignore_errors=True)
    session.run("python", "-m", "build")
    # The parts are what an installation of the wheel brings, read from an environment that holds nothing else.
    parts = Path(session.create_tmp()) / "parts"
    session.run(sys.executable, "-m", "venv", "--clear", str(parts), external=True)
    python = str(parts / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python"))
    wheel = next((ROOT / "dist").glob("*.whl"))
    session.run(python, "-m", "pip", "install", "-q", "-c", "constraints.txt", str(wheel), external=True)
    session.run(
        "cyclonedx-py", "environment", python, "--pyproject", "pyproject.toml", "--mc-type", "library",
        "--output-reproducible", "--of", "JSON", "-o", "dist/sbom.cdx.json",
    )  # fmt: skip
