"""A Redis server of the tests' own, on a Unix socket; tests are skipped where none is installed."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

PROGRAM = shutil.which("redis-server") or shutil.which("valkey-server")
PASSWORD = "a-password-of-the-tests"


class Server:
    """One server. It can be stopped, held still, and started again without what it knew."""

    def __init__(self, folder: Path, *, password: bool = False) -> None:
        self.folder = folder
        self.socket = folder / "redis.sock"
        self._more = ["--requirepass", PASSWORD] if password else []
        self.process: subprocess.Popen[bytes] | None = None
        self.start()

    @property
    def url(self) -> str:
        return f"unix://{self.socket}"

    def start(self) -> None:
        assert PROGRAM is not None
        self.socket.unlink(missing_ok=True)
        self.process = subprocess.Popen(
            [PROGRAM, "--port", "0", "--unixsocket", str(self.socket), "--save", "", "--appendonly", "no", "--dir",
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

    def everything(self) -> bytes:
        """All that the server holds, as it would lie on its disk."""
        import redis

        client = redis.Redis.from_url(self.url)
        client.save()
        dump = self.folder / "dump.rdb"
        data = dump.read_bytes()
        dump.unlink()  # a server that starts again would read it
        return data


@contextmanager
def redis_server(*, password: bool = False) -> Iterator[Server]:
    """A server while the block runs. Skips the test where the program or the client is missing."""
    pytest.importorskip("redis", reason="the client redis is not installed (extra `redis`)")
    if PROGRAM is None:
        pytest.skip("neither redis-server nor valkey-server is installed")
    with tempfile.TemporaryDirectory(prefix="guardrails-") as folder:  # paths of sockets are short
        server = Server(Path(folder), password=password)
        try:
            yield server
        finally:
            server.kill()
