"""The service on a socket, over a folder of small policies, with keys."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from guardrails.service import ServiceApp, service_app
from guardrails.tenants import hash_key, new_key
from tests.demo.sockets import serving

SMALL = r"""
version: 1
name: small
metadata: {owner: tests}
messages: {blocked_input: I was told not to ask., blocked_output: I was told not to say.}
words:
  terms:
    - {id: secret, terms: [project kingfisher], action: block}
    - {id: promise, terms: [risk-free profit], input: detect, output: block}
  managed: {PROFANITY: detect}
pii:
  entities:
    EMAIL: mask
    IP_ADDRESS: detect
    US_SOCIAL_SECURITY_NUMBER: block
  regexes:
    - {name: ACCOUNT, pattern: 'ACC-\d{8}', action: mask}
"""
OTHER = """
version: 1
name: other
words: {terms: [{id: bird, terms: [heron], action: block}]}
"""


def folder(root: Path, **files: str) -> Path:
    """A folder of policies: ``small.yaml``, ``other-team.yaml`` and those that are given."""
    made = root / "policies"
    made.mkdir(exist_ok=True)
    for name, text in {"small": SMALL, "other-team": OTHER, **files}.items():
        path = made / f"{name.replace('__', '/')}.yaml"
        path.parent.mkdir(exist_ok=True)
        path.write_text(text.lstrip(), encoding="utf-8")
    return made


def keys(root: Path, **entries: str) -> tuple[Path, dict[str, str]]:
    """A file of keys, one a name with its settings as flow YAML, and the keys themselves."""
    made = {name: new_key() for name in entries}
    lines = ["version: 1", "keys:"]
    for name, more in entries.items():
        lines.append(f"  {name}: {{hash: '{hash_key(made[name])}'{', ' + more if more else ''}}}")
    path = root / "keys.yaml"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path, made


@contextmanager
def served(policies: Path | str, **options: Any) -> Iterator[str]:
    """The address of the service while the block runs."""
    with serving(app(policies, **options)) as base:
        yield base


def app(policies: Path | str, **options: Any) -> ServiceApp:
    """The application."""
    return service_app(policies, **options)
