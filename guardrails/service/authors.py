"""The workbench as a part of the service, for callers whose key has the scope author. A browser sends the key as the password of HTTP's
basic scheme."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from starlette.types import ASGIApp, Receive, Scope, Send

from guardrails.errors import GuardrailsError
from guardrails.evidence import EvidenceLog
from guardrails.service import access as keys
from guardrails.service.access import Access
from guardrails.service.faults import Fault
from guardrails.workbench.guarding import Refused

__all__ = ["author_of", "mounted"]


def author_of(access: Access) -> Callable[[Mapping[str, Any]], None]:
    """What raises Refused for requests of anybody else. Without keys nobody may come in."""

    def authorize(scope: Mapping[str, Any]) -> None:
        headers = [_as_key(name.lower(), value) for name, value in scope["headers"]]
        try:
            principal = access.identify({**scope, "headers": headers}, b"")
        except Fault as fault:
            raise Refused(401, fault.told, ask=True) from None
        if not principal.may(keys.Scope.AUTHOR):
            told = "this needs a key with the scope author: add it to `scopes` in keys.yaml, and start the service with --keys"
            raise Refused(403, told)

    return authorize


def _as_key(name: bytes, value: bytes) -> tuple[bytes, bytes]:
    """A header as clients of the service send it: the password of basic credentials is the key."""
    scheme, _, given = value.strip().partition(b" ")
    if name != b"authorization" or scheme.lower() != b"basic":
        return name, value
    try:
        _, _, password = base64.b64decode(given.strip(), validate=True).partition(b":")
    except binascii.Error:
        password = b""
    return name, b"Bearer " + password


def mounted(policies: str | Path, access: Access, evidence: EvidenceLog | None = None) -> ASGIApp:
    """The workbench over a folder of policies, at ``/workbench``; ``evidence`` records what it releases. Raises GuardrailsError where the extra is not installed."""
    try:
        from guardrails.workbench import workbench_app  # noqa: PLC0415 - needs the extra
    except ModuleNotFoundError as error:
        raise GuardrailsError(f"{error.name} is not installed: pip install 'onepolicy-guardrails[workbench]'") from None
    folder = Path(policies)
    folder = folder if folder.is_dir() else folder.parent
    app = workbench_app(folder, hosts=None, authorize=author_of(access), evidence=evidence)

    async def below(scope: Scope, receive: Receive, send: Send) -> None:
        root = f"{scope.get('root_path', '')}/workbench"
        path = f"{root}/" if scope["path"] == root else scope["path"]
        await app({**scope, "root_path": root, "path": path}, receive, send)

    return below
