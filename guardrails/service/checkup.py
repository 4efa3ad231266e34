"""``guardrails serve --check``: everything that a service needs, looked at without serving or writing anything."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

from guardrails import stores
from guardrails.errors import GuardrailsError
from guardrails.inference import inventory
from guardrails.proxy.serving import Tls
from guardrails.service.app import ServiceApp
from guardrails.service.keyfile import read_keys
from guardrails.service.settings import ServiceSettings

__all__ = ["Checkup"]


class Checkup:
    """What was looked at: ``found`` says what would be served, ``problems`` what stands against it."""

    def __init__(self, settings: ServiceSettings, tls: Tls | None = None) -> None:
        self.found: list[str] = []
        self.problems: list[str] = []
        self.app: ServiceApp | None = None
        self._settings = settings
        for look in (self._service, self._keys, self._weights, self._evidence):
            self._try(look)
        if tls is not None:
            self._try(lambda: self._certificate(tls))

    def _try(self, look: Callable[[], Iterator[str]]) -> None:
        try:
            self.found += look()
        except GuardrailsError as error:
            self.problems.append(str(error))
        except OSError as error:
            self.problems.append(f"{error.filename or 'a file'}: {error.strerror or type(error).__name__}")

    def _service(self) -> Iterator[str]:
        self.app = app = self._settings.app(evidence=None)
        errors = app.handling.catalog.errors()
        self.problems += [f"{name}: {told.get('code', told)}" for name, told in errors.items()]
        for id_, versions in app.handling.catalog.ids.items():
            yield f"guardrail {id_}: {', '.join(sorted(versions))}"
        for contract in app.contracts:
            yield f"contract {contract.name}: {', '.join(f'{e.method} {e.path}' for e in contract.endpoints)}"
        access = app.handling.access
        if (shared := stores.shared()) is not None and self._settings.shared_state is not None:
            yield f"shared state: {shared!r}, on failure {self._settings.shared_state_on_failure}"
        yield "callers: anybody may check" if access.open else f"callers: {', '.join(access.names)}"

    def _keys(self) -> Iterator[str]:
        if self._settings.keys is None:
            return
        keys = read_keys(
            Path(self._settings.keys)
        ).keys  # what is wrong with the file is told once more when the service was not made
        known = set(self.app.handling.catalog.ids) if self.app is not None else None
        for key in keys:
            for name in sorted((key.guardrails or frozenset()) | ({key.default} if key.default else set())):
                if known is not None and name not in known:
                    self.problems.append(f"{self._settings.keys}: keys.{key.name}: there is no guardrail {name}")
        limited = [key.name for key in keys if key.limits is not None]
        if limited:
            yield f"limits: {', '.join(limited)}"

    def _weights(self) -> Iterator[str]:
        for info in inventory():
            yield f"weights {info.name}: {info.sha256[:12]}"

    def _evidence(self) -> Iterator[str]:
        if self._settings.evidence is None:
            return
        settings = self._settings.evidence
        place = settings.directory.absolute()
        there = next(p for p in (place, *place.parents) if p.exists())
        if not there.is_dir():
            raise GuardrailsError(f"evidence: {there} is a file, and no directory")
        if not os.access(there, os.W_OK | os.X_OK):
            raise GuardrailsError(f"evidence: this user may not write to {there}")
        yield f"evidence: {settings.directory} ({settings.mode.value}, on failure {settings.on_failure.value})"

    @staticmethod
    def _certificate(tls: Tls) -> Iterator[str]:
        tls.verify()
        yield f"certificate: {tls.chain}" + (f", clients by {tls.client_ca}" if tls.client_ca else "")
