"""A document as YAML that our strict reader takes back unchanged."""

from __future__ import annotations

from typing import Any

import yaml

from guardrails.policy.source import scalar_of

__all__ = ["dump"]


class _Dumper(yaml.SafeDumper):
    """Block style, keys in the order given, no aliases, quotes wherever YAML 1.2 or 1.1 would see no string."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002
        """Never write an alias: our reader refuses them."""
        return True

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:  # noqa: ARG002
        """Indent lists under their key."""
        super().increase_indent(flow, indentless=False)


def _text(dumper: _Dumper, value: str) -> yaml.ScalarNode:
    plain = scalar_of(value) == value and isinstance(scalar_of(value), str)
    # Control characters and separators survive only as escapes in double quotes.
    odd = any(not c.isprintable() for c in value)
    style = '"' if odd or not plain else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)


_Dumper.add_representer(str, _text)


def dump(document: dict[str, Any]) -> str:
    """The YAML text of a policy document (plain data)."""
    return yaml.dump(document, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=110, default_flow_style=False)
