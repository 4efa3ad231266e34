"""Clients that are generated from our OpenAPI document, in Python and TypeScript, do what examples/generated shows."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from tests.clients.proxied import ROOT, Proxied, needs

pytestmark = needs("openapi_python_client")

EXAMPLES = ROOT / "examples/generated"
NODE = Path(os.environ.get("GUARDRAILS_NODE") or ROOT / ".clients/node") / "node_modules"


def run(*command: str, cwd: Path, **env: str) -> str:
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])  # the generator asks ruff to format
    whole = {**os.environ, "PATH": path, "NO_PROXY": "127.0.0.1", "PYTHONUTF8": "1", **env}
    done = subprocess.run(command, cwd=cwd, env=whole, text=True, capture_output=True)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout


@pytest.fixture
def document(proxied: Proxied, tmp_path: Path) -> Path:
    path = tmp_path / "openapi.json"
    with urllib.request.urlopen(f"{proxied.service}/openapi.json", timeout=60) as answer:  # noqa: S310
        path.write_bytes(answer.read())
    return path


def test_in_python(proxied: Proxied, document: Path, tmp_path: Path) -> None:
    made = tmp_path / "client"
    generator = str(Path(sys.executable).with_name("openapi-python-client"))
    told = run(
        generator, "generate", "--path", str(document), "--output-path", str(made), "--meta", "none", "--fail-on-warning",
        cwd=tmp_path,
    )  # fmt: skip
    assert "arning" not in told
    made.rename(tmp_path / "onepolicy_guardrails_client")
    said = run(sys.executable, str(EXAMPLES / "check.py"), proxied.service, cwd=tmp_path, PYTHONPATH=str(tmp_path))
    assert said == "MASKED Call {PHONE}\n''\n'Write to {EMAIL} today.'\n"


def test_in_typescript(proxied: Proxied, document: Path, tmp_path: Path) -> None:
    node = shutil.which("node")
    if node is None or not (NODE / "openapi-typescript").is_dir():
        pytest.skip(f"no node, or no openapi-typescript in {NODE}")
    (tmp_path / "node_modules").symlink_to(NODE)
    (tmp_path / "package.json").write_text('{"type": "module"}')
    shutil.copy(EXAMPLES / "check.ts", tmp_path)
    run(
        node,
        str(NODE / "openapi-typescript/bin/cli.js"),
        str(document),
        "-o",
        "guardrails.d.ts",
        "--default-non-nullable=false",
        cwd=tmp_path,
    )
    options = ("--strict", "--target", "es2022", "--module", "preserve", "--skipLibCheck", "--types", "node")
    run(node, str(NODE / "typescript/bin/tsc"), "check.ts", *options, cwd=tmp_path)
    said = run(node, "check.js", proxied.service, cwd=tmp_path)
    assert said == 'MASKED Call {PHONE}\n""\n"Write to {EMAIL} today."\n'
