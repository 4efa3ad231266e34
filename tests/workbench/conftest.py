"""A workbench on a socket, and a real browser in front of it that notes everything the page complains of."""

from __future__ import annotations

import shutil
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn

from guardrails.workbench import workbench_app

POLICY = """\
# A policy for a help desk.
version: 1
name: desk
metadata: {owner: risk@example.com}
pii:
  entities:
    EMAIL: {action: mask, mask: numbered}   # numbered, so that answers stay readable
    PHONE: mask
    PIN: block
words:
  terms: [project kingfisher]
"""
CHILD = """\
version: 1
name: shop
extends: desk.yaml
metadata: {owner: shop@example.com}
pii:
  entities: {IP_ADDRESS: mask}
"""
TESTS = """\
# What must not change.
cases:
  - {text: Good morning., expect: NONE}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Policies without a model, so that a verdict takes milliseconds."""
    for name, text in (("desk.yaml", POLICY), ("shop.yaml", CHILD), ("desk.test.yaml", TESTS)):
        (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path


class Server:
    """An application that is served from a thread, until the end of the test."""

    def __init__(self, app: Any) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._server = uvicorn.Server(uvicorn.Config(app, log_config=None, lifespan="off"))
        self._thread = threading.Thread(target=self._server.run, kwargs={"sockets": [self._socket]}, daemon=True)
        self._thread.start()
        while not self._server.started:
            time.sleep(0.01)
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"

    def close(self) -> None:
        self._server.should_exit = True
        self._thread.join(10)
        self._socket.close()


@pytest.fixture
def server(folder: Path) -> Iterator[Server]:
    made = Server(workbench_app(folder))
    yield made
    made.close()


class Client(httpx.Client):
    """A client that sends what a page of ours sends: the cookie, and the token that belongs to it."""

    def __init__(self, url: str, path: str = "/try", **more: Any) -> None:
        super().__init__(base_url=url, **more)
        self.get(path)
        self.headers["x-csrf-token"] = self.cookies["guardrails-workbench"]
        self.headers["hx-request"] = "true"


@pytest.fixture
def client(server: Server) -> Iterator[Client]:
    made = Client(server.url)
    yield made
    made.close()


CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    if CHROMIUM is None:
        pytest.skip("there is no chromium: apt-get install chromium")
    with playwright.sync_playwright() as running:
        made = running.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--force-color-profile=srgb"])
        yield made
        made.close()


@pytest.fixture
def page(browser: Any, server: Server) -> Iterator[Any]:
    """A page whose console stays silent: no error, no violation of the content security policy."""
    context = browser.new_context(base_url=server.url, viewport={"width": 1200, "height": 850}, reduced_motion="reduce")
    made = context.new_page()
    complaints: list[str] = []

    def said(message: Any) -> None:
        refused = "server responded with a status of 4" in message.text  # the browser notes each; our pages show it
        if message.type in ("error", "warning") and not refused:
            complaints.append(message.text)

    made.on("console", said)
    made.on("pageerror", lambda error: complaints.append(str(error)))
    made.set_default_timeout(20_000)
    yield made
    context.close()
    assert not complaints
