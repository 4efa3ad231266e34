"""What each process of a service has to know: written down by the supervisor in the folder that they share."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Self

from guardrails.evidence import EvidenceSettings
from guardrails.service.settings import ServiceSettings

__all__ = ["Plan"]

_FILE = "plan.json"


@dataclass(frozen=True, slots=True)
class Plan:
    """``folder``: only this user may look into it; the sockets lie there. ``key``: 64 hexadecimal digits
    with which workers seal what they share. ``grace`` and ``drain_delay`` are in seconds."""

    folder: Path
    settings: ServiceSettings
    workers: int
    tls: tuple[str, str, str | None] | None = None
    key: str = field(default="", repr=False)
    grace: float = 30.0
    drain_delay: float = 0.0

    @property
    def hub(self) -> Path:
        """The socket of the process that writes."""
        return self.folder / "hub.sock"

    @property
    def hub_pages(self) -> Path:
        """Where that process tells its figures."""
        return self.folder / "hub-pages.sock"

    def pages(self, number: int) -> Path:
        """Where a worker tells how it is."""
        return self.folder / f"worker-{number}.sock"

    def write(self) -> None:
        """Write it down for the other processes. Raises OSError."""
        settings = {**asdict(self.settings), "evidence": None}
        if self.settings.evidence is not None:
            settings["evidence"] = {
                **asdict(self.settings.evidence),
                "directory": str(self.settings.evidence.directory),
            }
        values = {"settings": settings, "workers": self.workers, "tls": self.tls, "key": self.key, "grace": self.grace, "drain_delay": self.drain_delay}  # fmt: skip
        path = self.folder / _FILE
        path.touch(mode=0o600)  # an address may hold a password
        path.write_text(json.dumps(values), encoding="utf-8")

    @classmethod
    def read(cls, folder: Path) -> Self:
        """What was written down there."""
        values = json.loads((folder / _FILE).read_text(encoding="utf-8"))
        settings = values.pop("settings")
        evidence = settings.pop("evidence")
        made = ServiceSettings(
            **{**settings, "contracts": tuple(settings["contracts"]) if settings["contracts"] else None},
            evidence=EvidenceSettings.of(evidence) if evidence is not None else None,
        )
        tls = values.pop("tls")
        return cls(folder, made, **values, tls=tuple(tls) if tls is not None else None)
