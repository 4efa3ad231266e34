"""An event handed to a `guardrails serve`, and its answer. Nothing of the engine is loaded."""

from __future__ import annotations

import json
from contextlib import closing
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from urllib.parse import quote, urlsplit

from guardrails.hooks.events import Malformed, Reply

__all__ = ["CODE", "GUARDRAIL", "relayed"]

# The header in which a service says the exit code of a command.
CODE = "x-guardrails-hook-exit"
GUARDRAIL = "x-guardrails-policy"
_SECONDS = 50.0


def relayed(agent: str, server: str, data: bytes, guardrail: str, key: str) -> Reply:
    """The service's answer. Raises Malformed for an address that is none, and when there is no answer."""
    parts = urlsplit(server)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise Malformed("--server: must be an address such as http://127.0.0.1:8081")
    kind = HTTPSConnection if parts.scheme == "https" else HTTPConnection
    headers = {"content-type": "application/json"}
    if guardrail:
        headers[GUARDRAIL] = guardrail
    if key:
        headers["authorization"] = f"Bearer {key}"
    try:
        with closing(kind(parts.hostname, parts.port, timeout=_SECONDS)) as connection:
            connection.request("POST", f"{parts.path.rstrip('/')}/v1/hooks/{quote(agent)}", data, headers)
            answer = connection.getresponse()
            body = json.loads(answer.read() or b"null")
    except (OSError, HTTPException, ValueError) as error:
        raise Malformed(
            f"the service at {parts.scheme}://{parts.netloc.rpartition('@')[2]} gives no answer ({type(error).__name__}): start it "
            "with `guardrails serve`"
        ) from None
    code = answer.headers.get(CODE, "")
    if answer.status != 200 or code not in ("0", "2") or not isinstance(body, dict):
        raise Malformed(
            f"the service at {parts.hostname} answers {answer.status}, and no verdict: is it a `guardrails serve`?"
        )
    told = body.get("reason") or body.get("permissionDecisionReason") or ""
    told = told or body.get("hookSpecificOutput", {}).get("permissionDecisionReason", "")
    return Reply(body or None, int(code), str(told) if code == "2" else "")
