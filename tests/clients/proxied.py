"""What the tests of real clients share. Only the standard library and pytest: the clients have environments of their own.

The packages of ``agents/`` and ``wrappers/`` do not fit into one environment, nor all into this project's: some ask for
another major version of the ``openai`` package than others. So the proxy runs as a process of this project's Python
(``GUARDRAILS_PYTHON``, or the one that runs the tests, or ``.venv``), and a test is skipped where its client is not
installed, or fails there when ``GUARDRAILS_CLIENTS=required``.
"""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
KEY = "sk-any-key"
BLOCKED_IN, BLOCKED_OUT = "I was told not to ask.", "I was told not to say."
PLAIN = 'naïve 😀 and "quoted".\nA second line, 100% plain.'

both_ways = pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])


def needs(*modules: str) -> list[pytest.MarkDecorator]:
    """Marks of a test module whose client is these modules; what third parties deprecate is theirs to warn of."""
    missing = [m for m in modules if not _installed(m)]
    if missing and os.environ.get("GUARDRAILS_CLIENTS") == "required":
        raise RuntimeError(f"not installed: {', '.join(missing)}")
    reason = f"not installed: {', '.join(missing)} (see tests/clients/README.md)"
    return [pytest.mark.skipif(bool(missing), reason=reason), pytest.mark.filterwarnings("ignore")]


def _installed(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:  # the package that it is in
        return False


def say(text: str) -> str:
    """A message that makes the upstream say this."""
    return f"[[say: {text}]]"


def call(where: str) -> str:
    """A message that makes the upstream call ``delete_records``; streamed, the arguments come in two deltas."""
    return f'[[tool: delete_records {{"where": "{where}"}}]]'


class Proxied:
    """The addresses of the proxy, of what is behind it, and of the service under the same policy."""

    def __init__(self, proxy: str, upstream: str, service: str) -> None:
        self.base, self.upstream, self.service = proxy, upstream, service

    def received(self) -> list[str]:
        """The bodies that passed the proxy, each as its text."""
        with urllib.request.urlopen(self.upstream + "/_received", timeout=30) as answer:  # noqa: S310
            return [one["body"] for one in json.load(answer)]

    def forget(self) -> None:
        request = urllib.request.Request(self.upstream + "/_received", method="DELETE")  # noqa: S310
        urllib.request.urlopen(request, timeout=30).close()  # noqa: S310


class Records:
    """The tool of the agents, and what it was called with. Called without arguments it deletes everything."""

    def __init__(self) -> None:
        self.deleted: list[Any] = []

    def delete_records(self, where: str = "everything") -> str:
        """Delete the records that match."""
        self.deleted.append(where)
        return f"deleted {where}"


def python() -> str:
    """The Python that has this project's packages."""
    named = os.environ.get("GUARDRAILS_PYTHON")
    if named:
        return named
    own = ROOT / ".venv/bin/python"
    return sys.executable if importlib.util.find_spec("ahocorasick_rs") or not own.exists() else str(own)


@contextmanager
def running() -> Iterator[Proxied]:
    """The upstream, the proxy and the service, while the block runs."""
    process = subprocess.Popen(
        [python(), "-m", "tests.clients.upstream"],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUTF8": "1"},
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        yield Proxied(**json.loads(process.stdout.readline()))
    finally:
        process.stdin.close()
        process.stdout.close()
        process.wait(60)
