from __future__ import annotations

import subprocess
import sys


def test_tenants_without_tokens_need_no_token_library() -> None:
    """Neither tokens, nor watching, nor any model costs anything until it is configured."""
    heavy = ["jwt", "cryptography", "watchfiles", "torch", "starlette", "httpx", "prometheus_client"]
    code = f"import sys, guardrails.tenants; print(sorted(set({heavy}) & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
