"""How a service is set up, as plain values: what its command was given, and what it hands to each of its processes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from guardrails.errors import GuardrailsError
from guardrails.evidence import EvidenceSettings
from guardrails.policy import parse_document
from guardrails.policy.reader import nearest
from guardrails.service.app import ServiceApp, service_app
from guardrails.service.limits import Limits
from guardrails.stores import opened

__all__ = ["ServiceSettings", "read_settings"]


@dataclass(frozen=True, slots=True)
class ServiceSettings:
    """What :func:`guardrails.service.service_app` takes, as plain values. ``limits`` are the fields of
    :class:`~guardrails.service.limits.Limits`; ``shared_state`` and ``shared_state_on_failure`` are those of :func:`guardrails.stores.opened`;
    ``workbench``: whether the authors' pages are served at ``/workbench``."""

    policies: str
    keys: str | None = None
    state: str | None = None
    contracts: tuple[str, ...] | None = None
    pages: bool = True
    max_body: int = 16_000_000
    evidence: EvidenceSettings | None = None
    limits: Mapping[str, Any] = field(default_factory=dict)
    workbench: bool = False
    otlp: str | None = None
    shared_state: str | None = field(default=None, repr=False)
    shared_state_on_failure: str = "block"
    shadow: str | None = None

    @property
    def anybody(self) -> bool:
        """Whether anybody may check texts: there is neither a file of keys nor of tenants."""
        return self.keys is None and not (Path(self.policies) / "tenants.yaml").exists()

    def app(self, **more: Any) -> ServiceApp:
        """The application; ``more`` takes the place of settings. Raises PolicyError or GuardrailsError."""
        values = {**{f.name: getattr(self, f.name) for f in fields(self)}, "limits": Limits(**self.limits), **more}
        workbench = values.pop("workbench")
        url, on_failure = values.pop("shared_state"), values.pop("shared_state_on_failure")
        if url is not None and "shared" not in more:
            values["shared"] = opened(url, on_failure)
        app = service_app(values.pop("policies"), **values)
        if workbench:
            from guardrails.service.authors import mounted  # noqa: PLC0415 - an extra, which not everybody installs

            app.workbench = mounted(self.policies, app.handling.access, app.handling.checking.evidence)
        return app


def read_settings(path: Path, known: Mapping[str, bool]) -> dict[str, Any]:
    """The settings in a YAML file: one a line, a scalar or, where ``known`` says that a setting is a list, a list of scalars. Raises
    GuardrailsError that names each one that is wrong, and what was meant."""
    node = parse_document(path)
    if not isinstance(node.value, dict):
        raise GuardrailsError(f"{path}: write one setting a line, such as `port: 8081`")
    wrong = []
    found: dict[str, Any] = {}
    for name, entry in node.value.items():
        at = f"{path}:{node.keys[name].line}"
        if name not in known:
            near = nearest(name, known)
            wrong.append(f"{at}: {name[:60]!r} is no setting" + (f"; did you mean {near}?" if near else ""))
            continue
        items = [one.value for one in entry.value] if isinstance(entry.value, list) else entry.value
        many = isinstance(items, list)
        scalars = items if many else [items]
        if (many and not known[name]) or any(isinstance(v, dict | list) or v is None for v in scalars):
            wrong.append(f"{at}: {name}: one value" + (", or a list of them" if known[name] else ""))
            continue
        found[name] = scalars if known[name] else items
    if wrong:
        raise GuardrailsError("\n".join(wrong))
    return found
