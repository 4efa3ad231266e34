"""The examples of docs/integrations.md, run as they stand against a canned model on a socket."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.clients.proxied import KEY, ROOT, Proxied, needs

pytestmark = needs("langchain_openai", "llama_index.llms.ollama", "agents")

PAGE = (ROOT / "docs/integrations.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
SENT = ["{CREDIT_DEBIT_CARD_NUMBER}", "Who is my manager?", None, "{CREDIT_DEBIT_CARD_NUMBER}", None, "{CREDIT_DEBIT_CARD_NUMBER}"]  # fmt: skip


@pytest.mark.parametrize("number", range(len(SENT)))
def test_an_example_runs(upstream: Proxied, number: int, tmp_path: Path) -> None:
    # LlamaIndex does not read OLLAMA_HOST.
    code = BLOCKS[number].replace('model="llama3.2"', f'model="llama3.2", base_url={upstream.upstream!r}')
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code],
        cwd=tmp_path,
        text=True,
        capture_output=True,
        timeout=900,
        env={
            **os.environ,
            "OPENAI_BASE_URL": upstream.upstream + "/v1",
            "OPENAI_API_KEY": KEY,
            "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]),
            "PYTHONUTF8": "1",
        },
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.strip()
    received = upstream.received()
    sent = SENT[number]
    assert (not received) if sent is None else sent in received[0]
    assert "4111" not in "".join(received)


def test_every_example_is_run() -> None:
    assert len(BLOCKS) == len(SENT)
