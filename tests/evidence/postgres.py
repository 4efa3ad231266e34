"""A PostgreSQL server of our own, on a socket in a folder, as long as a test needs it."""

from __future__ import annotations

import getpass
import os
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

import pytest

__all__ = ["Server", "tools"]


def tools() -> Path | None:
    """Where initdb and postgres are; Debian does not put them on the path."""
    found = [Path(at).resolve().parent for at in (shutil.which("initdb"),) if at]
    found += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    return next((folder for folder in found if (folder / "initdb").exists() and (folder / "postgres").exists()), None)


class Server:
    """PostgreSQL. It refuses to run as root: there it runs as Debian's user for it."""

    def __init__(self) -> None:
        at = tools()
        if at is None:
            pytest.skip("PostgreSQL is not installed (Debian: apt-get install postgresql)")
        self._bin = at
        self._user: dict[str, Any] = {}
        self.folder = Path(tempfile.mkdtemp(prefix="pg", dir="/tmp"))
        if getpass.getuser() == "root" or os.getuid() == 0:
            self._user = {"user": "postgres", "group": "postgres"}
            shutil.chown(self.folder, "postgres", "postgres")
        words = [
            str(at / "initdb"),
            "-D",
            str(self.folder / "data"),
            "-U",
            "test",
            "-A",
            "trust",
            "-E",
            "UTF8",
            "--no-sync",
        ]
        subprocess.run(words, check=True, capture_output=True, **self._user)
        self._process: subprocess.Popen[bytes] | None = None
        try:
            self.start()
        except BaseException:
            self.close()
            raise

    @property
    def address(self) -> str:
        return f"postgresql://test@/postgres?host={self.folder}"

    def start(self) -> None:
        words = [
            "postgres",
            "-D",
            str(self.folder / "data"),
            "-k",
            str(self.folder),
            "-c",
            "listen_addresses=",
            "-c",
            "fsync=off",
        ]
        self._process = subprocess.Popen(
            [str(self._bin / words[0]), *words[1:]], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **self._user
        )
        ready = [str(self._bin / "pg_isready"), "-q", "-h", str(self.folder)]
        for _ in range(600):
            if subprocess.run(ready).returncode == 0:
                return
            assert self._process.poll() is None
            time.sleep(0.1)
        raise AssertionError("PostgreSQL does not start")

    def stop(self) -> None:
        """Every connection is cut."""
        if self._process is not None:
            self._process.send_signal(signal.SIGQUIT)
            self._process.wait()
            self._process = None

    def close(self) -> None:
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        import psycopg

        with psycopg.connect(self.address) as connection:
            return connection.execute(query).fetchall()

    def run(self, statement: str) -> None:
        import psycopg

        with psycopg.connect(self.address) as connection:
            connection.execute(statement)
