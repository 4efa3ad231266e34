"""``guardrails proxy`` and ``guardrails demo`` as a process of their own."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


class Running:
    """A server process: its addresses, and the lines it has written so far."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.out: list[str] = []
        self.err: list[str] = []
        self._readers = [
            threading.Thread(target=self._read, args=pair, daemon=True)
            for pair in ((process.stdout, self.out), (process.stderr, self.err))
        ]
        for reader in self._readers:
            reader.start()

    @staticmethod
    def _read(stream: object, into: list[str]) -> None:
        for line in stream:  # type: ignore[attr-defined]
            into.append(line.rstrip("\n"))

    def address(self, pattern: str) -> str:
        """The address in the first line that matches, once it is there."""
        for _ in range(6_000):
            for line in [*self.err, *self.out]:
                found = re.search(pattern, line)
                if found:
                    return found[1]
            if self.process.poll() is not None:
                break
            time.sleep(0.02)
        raise AssertionError("it did not start:\n" + "\n".join(self.err[-20:]))

    def ended(self) -> int:
        code = self.process.wait(60)
        for reader in self._readers:
            reader.join(10)
        return code


@contextmanager
def running(*args: str, env: dict[str, str] | None = None) -> Iterator[Running]:
    process = subprocess.Popen(
        [sys.executable, "-m", "onepolicy_guardrails", *args],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        cwd=ROOT,
        env={**os.environ, "PYTHONUTF8": "1", "NO_COLOR": "1", "COLUMNS": "100", **(env or {})},
    )
    made = Running(process)
    try:
        yield made
    finally:
        if process.poll() is None:
            process.kill()
        made.ended()
        for stream in (process.stdout, process.stderr):
            if stream is not None:
                stream.close()
