"""Who may use the workbench: callers whose key has the scope author. A browser sends the key as the password of HTTP's basic scheme."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping
from typing import Any

from guardrails.service.access import Access, Scope
from guardrails.service.faults import Fault
from guardrails.workbench.guarding import Refused

__all__ = ["author_of"]


def author_of(access: Access) -> Callable[[Mapping[str, Any]], None]:
    """What raises Refused for requests of anybody else. Without keys nobody may come in."""

    def authorize(scope: Mapping[str, Any]) -> None:
        headers = [_as_key(name.lower(), value) for name, value in scope["headers"]]
        try:
            principal = access.identify({**scope, "headers": headers}, b"")
        except Fault as fault:
            raise Refused(401, fault.told, ask=True) from None
        if not principal.may(Scope.AUTHOR):
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
