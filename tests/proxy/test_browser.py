"""A real browser: a page of one origin calls the proxy at another."""

from __future__ import annotations

import html
import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from guardrails.errors import GuardrailsError
from guardrails.proxy import Cors, proxy_app
from guardrails.tenants import hash_key, new_key
from tests.asgi.apps import POLICY, stream, whole
from tests.demo.sockets import serving

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
KEY = new_key()
TENANTS = f"""
version: 1
resolve: {{api_key: {{headers: [authorization]}}}}
tenants: {{page: {{policy: page.yaml, keys: ["{hash_key(KEY)}"]}}}}
"""
PAGE = """<!doctype html><title>page</title><pre id="out">nothing</pre><script>
(async () => {
  const calls = %s, out = {};
  for (const [name, base, path, body, key] of calls) {
    const headers = {"content-type": "application/json"};
    if (key) headers.authorization = "Bearer " + key;
    try {
      const answer = await fetch(base + path, {method: "POST", headers, body: JSON.stringify(body)});
      const text = await answer.text();
      out[name] = [answer.status, text, answer.headers.get("x-guardrails-action"), answer.headers.get("retry-after")];
    } catch (error) { out[name] = ["network error", String(error)]; }
  }
  document.getElementById("out").textContent = JSON.stringify(out);
  document.title = "done";
})();
</script>"""


async def chat(request: Request) -> Response:
    body = await request.json()
    said = body["messages"][-1]["content"]
    if said == "busy":
        return JSONResponse({"error": {"message": "later"}}, 429, headers={"retry-after": "7"})
    if body.get("stream"):
        return StreamingResponse(stream(said), media_type="text/event-stream")
    return JSONResponse(whole(said.replace("bird", "project kingfisher")))


def upstream(*, cors: bool) -> Starlette:
    allowed = Middleware(CORSMiddleware, allow_origins=["*"], allow_methods=["*"], allow_headers=["*"])
    routes = [Route("/v1/chat/completions", chat, methods=["POST"])]
    return Starlette(routes=routes, middleware=[allowed] if cors else [])


def asking(text: str, **more: Any) -> dict[str, Any]:
    return {"model": "m", "messages": [{"role": "user", "content": text}], **more}


CALLS = {
    "fine": (asking("hello"), KEY),
    "blocked": (asking("project kingfisher"), KEY),
    "blocked stream": (asking("project kingfisher", stream=True), KEY),
    "blocked answer": (asking("bird"), KEY),
    "streamed": (asking("hello there", stream=True), KEY),
    "busy": (asking("busy"), KEY),
    "no shape": ({}, KEY),
    "no key": (asking("hello"), ""),
    "too long": (asking("x" * 60_000), KEY),
    "no route": (asking("hello"), KEY),
}


def dumped(address: str, folder: Path) -> Any:
    """What the page wrote, as Chromium shows it."""
    assert CHROMIUM is not None
    command = [
        CHROMIUM, "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--disable-extensions",
        "--disable-background-networking", "--disable-component-update", f"--user-data-dir={folder}", "--virtual-time-budget=60000",
        "--dump-dom", address,
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, timeout=180, check=False)
    found = re.search(r'<pre id="out">(.*?)</pre>', done.stdout, re.DOTALL)
    assert found is not None, done.stderr[-2_000:]
    return json.loads(html.unescape(found[1]))


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, dict[str, Any]]]:
    """What a page gets of each call: where the upstream allows pages, and where the proxy's own setting does."""
    if CHROMIUM is None:
        pytest.skip("no Chromium on this machine: apt-get install chromium")
    folder = tmp_path_factory.mktemp("policies")
    (folder / "tenants.yaml").write_text(TENANTS)
    (folder / "page.yaml").write_text(POLICY.lstrip())
    pages: dict[str, str] = {}

    async def page(request: Request) -> Response:
        return HTMLResponse(pages[request.path_params["name"]])

    with ExitStack() as stack:
        host = stack.enter_context(serving(Starlette(routes=[Route("/{name}", page)])))
        out: dict[str, dict[str, Any]] = {}
        for name in ("upstream", "setting"):
            behind = stack.enter_context(serving(upstream(cors=name == "upstream")))
            cors = Cors((host,)) if name == "setting" else None
            proxy = stack.enter_context(serving(proxy_app(behind, folder, cors=cors, pages=False, max_body=50_000)))
            calls = [
                (what, proxy, "/v1/nothing" if what == "no route" else "/v1/chat/completions", body, key)
                for what, (body, key) in CALLS.items()
            ]
            pages[name] = PAGE % json.dumps(calls)
            out[name] = dumped(f"{host}/{name}", tmp_path_factory.mktemp("chromium"))
        yield out


@pytest.mark.parametrize("name", ["upstream", "setting"])
def test_a_page_reads_every_answer(seen: dict[str, dict[str, Any]], name: str) -> None:
    got = seen[name]
    assert {what: answer[0] for what, answer in got.items()} == {
        "fine": 200, "blocked": 200, "blocked stream": 200, "blocked answer": 200, "streamed": 200, "busy": 429, "no shape": 422,
        "no key": 401, "too long": 413, "no route": 404,
    }, got  # fmt: skip
    assert "hello" in got["fine"][1]
    assert "hello" in got["streamed"][1]
    assert "[not asked]" in got["blocked"][1]
    assert "[not asked]" in got["blocked stream"][1]
    assert "[not said]" in got["blocked answer"][1]
    assert "kingfisher" not in got["blocked answer"][1]


def test_under_the_setting_a_page_reads_the_decision(seen: dict[str, dict[str, Any]]) -> None:
    got = seen["setting"]
    assert (got["fine"][2], got["blocked"][2]) == ("NONE", "BLOCKED")
    assert got["busy"][3] == "7"


# -- without a browser -------------------------------------------------------------------------------------------------


def preflight(address: str, origin: str) -> httpx.Response:
    headers = {
        "origin": origin,
        "access-control-request-method": "POST",
        "access-control-request-headers": "authorization",
    }
    return httpx.request("OPTIONS", address + "/v1/chat/completions", headers=headers)


@pytest.fixture
def policy(tmp_path: Path) -> Path:
    (tmp_path / "page.yaml").write_text(POLICY.lstrip())
    return tmp_path / "page.yaml"


def test_the_setting_answers_for_the_upstream(policy: Path) -> None:
    with (
        serving(upstream(cors=True)) as behind,
        serving(proxy_app(behind, policy, cors=Cors(("https://a.example",), credentials=True, expose=("X-Mine",)))) as proxy,
    ):  # fmt: skip
        allowed = preflight(proxy, "https://a.example")
        assert (allowed.status_code, allowed.headers["access-control-allow-origin"]) == (200, "https://a.example")
        assert allowed.headers["access-control-allow-credentials"] == "true"
        assert "access-control-allow-origin" not in preflight(proxy, "https://b.example").headers
        for origin, consent in (("https://a.example", ["https://a.example"]), ("https://b.example", [])):
            done = httpx.post(proxy + "/v1/chat/completions", json=asking("hello"), headers={"origin": origin})
            assert done.headers.get_list("access-control-allow-origin") == consent
            assert "x-mine" in done.headers.get("access-control-expose-headers", "x-mine")


def test_errors_of_the_proxy_are_readable_where_the_upstreams_answers_were(policy: Path) -> None:
    with serving(upstream(cors=True)) as behind:
        app = proxy_app(behind, policy)
        running = serving(app)
        proxy = running.__enter__()
        try:
            assert preflight(proxy, "https://a.example").headers["access-control-allow-origin"] == "*"
        except BaseException:
            running.__exit__(None, None, None)
            raise
    try:  # the upstream is gone now
        done = httpx.post(proxy + "/v1/chat/completions", json=asking("hello"), headers={"origin": "https://a.example"})
        assert (done.status_code, done.headers.get("access-control-allow-origin")) == (502, "*")
    finally:
        running.__exit__(None, None, None)


def test_a_preflight_needs_no_key(policy: Path) -> None:
    (policy.parent / "tenants.yaml").write_text(TENANTS)
    with serving(upstream(cors=True)) as behind, serving(proxy_app(behind, policy.parent)) as proxy:
        assert preflight(proxy, "https://a.example").status_code == 200


@pytest.mark.parametrize(
    "wrong",
    [
        {"origins": ()}, {"origins": ("app.example.com",)}, {"origins": ("https://app.example.com/",)}, {"origins": ("https://u:p@a.example",)},
        {"origins": ("https://A.example/x",)}, {"origins": ("*",), "credentials": True}, {"origins": ("*",), "expose": ("x: y",)},
    ],
)  # fmt: skip
def test_a_setting_that_is_none(wrong: dict[str, Any]) -> None:
    with pytest.raises(GuardrailsError, match="cors"):
        Cors(**wrong)
