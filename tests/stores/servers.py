"""Servers of shared state of the tests' own, on Unix sockets: Redis, Valkey and PostgreSQL; tests are skipped where one is not installed."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from guardrails.stores import PostgreSQL, Redis
from tests.evidence import postgres

PASSWORD = "a-password-of-the-tests"


class Server:
    """One server. It can be stopped, held still, and started again without what it knew."""

    def __init__(self, folder: Path, program: str, *, password: bool = False) -> None:
        self._program = program
        self.folder = folder
        self.socket = folder / "redis.sock"
        self._more = ["--requirepass", PASSWORD] if password else []
        self.process: subprocess.Popen[bytes] | None = None
        self.start()

    @property
    def url(self) -> str:
        return f"unix://{self.socket}"

    def start(self) -> None:
        self.socket.unlink(missing_ok=True)
        self.process = subprocess.Popen(
            [self._program, "--port", "0", "--unixsocket", str(self.socket), "--save", "", "--appendonly", "no", "--dir",
             str(self.folder), "--daemonize", "no", *self._more],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )  # fmt: skip
        while not self.socket.exists():
            assert self.process.poll() is None, "the server did not start"
            time.sleep(0.02)

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def hold(self) -> None:
        """Nothing is answered from now on, and nothing is refused."""
        assert self.process is not None
        self.process.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        assert self.process is not None
        self.process.send_signal(signal.SIGCONT)

    def everything(self) -> bytes:
        """All that the server holds, as it would lie on its disk."""
        import redis

        client = redis.Redis.from_url(self.url)
        client.save()
        dump = self.folder / "dump.rdb"
        data = dump.read_bytes()
        dump.unlink()  # a server that starts again would read it
        return data


def program(*names: str) -> str:
    """The first of these programs that is installed. Skips the test where none is, or the client is missing."""
    pytest.importorskip("redis", reason="the client redis is not installed (extra `redis`)")
    found = next((at for name in names if (at := shutil.which(name))), None)
    if found is None:
        pytest.skip(f"{names[0]} is not installed (Debian: apt-get install {names[0]})")
    return found


@contextmanager
def redis_server(*names: str, password: bool = False) -> Iterator[Server]:
    """A server while the block runs; ``names``: the programs that it may be. Skips the test where none is installed, or the client."""
    found = program(*(names or ("redis-server", "valkey-server")))
    with tempfile.TemporaryDirectory(prefix="guardrails-") as folder:  # paths of sockets are short
        server = Server(Path(folder), found, password=password)
        try:
            yield server
        finally:
            server.kill()


class Database(postgres.Server):
    """A PostgreSQL server. It can be stopped as by a crash, held still, and started again."""

    @property
    def url(self) -> str:
        return self.address

    def kill(self) -> None:
        self.stop()

    def hold(self) -> None:
        """Nothing is answered from now on, and nothing is refused."""
        found = self.rows("select pid from pg_stat_activity where application_name = 'guardrails-state'")
        assert self._process is not None
        self._held = [pid for (pid,) in found] + [self._process.pid]
        for pid in self._held:
            os.kill(pid, signal.SIGSTOP)

    def go_on(self) -> None:
        for pid in self._held:
            os.kill(pid, signal.SIGCONT)

    def everything(self) -> bytes:
        """All that the server holds, as it would lie on its disk."""
        counters = self.rows("select name from guardrails_counters")
        values = self.rows("select grp, name, chunk from guardrails_chunks")
        return repr((counters, values)).encode() + b"".join(chunk for *_, chunk in values)


@contextmanager
def database() -> Iterator[Database]:
    """A server while the block runs. Skips the test where it is not installed, or the client."""
    pytest.importorskip("psycopg", reason="psycopg is not installed (extra `postgresql`)")
    server = Database()
    try:
        yield server
    finally:
        server.close()


@contextmanager
def served(kind: str) -> Iterator[Server | Database]:
    """A server of this kind: ``redis``, ``valkey`` or ``postgresql``."""
    with database() if kind == "postgresql" else redis_server(f"{kind}-server") as server:
        yield server


def store_at(url: str, **more: Any) -> PostgreSQL | Redis:
    """The store there. A busy machine has a minute for an answer."""
    return (PostgreSQL if url.startswith("postgresql:") else Redis)(url, **{"timeout_s": 60, **more})
