"""What was good last, outside this process: taken up when the present files are bad, written when better is in use."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path

from guardrails.policy.files import SHIPPED, Loaded
from guardrails.rules import Position
from guardrails.tenants.compiling import Compiled, Compiler
from guardrails.tenants.config import Config, read_config
from guardrails.tenants.folder import Origin, Reading
from guardrails.tenants.state import Bundle, Saved, State

__all__ = ["Keeper"]

_log = logging.getLogger("guardrails")


class Keeper:
    """Keeps the last good files of one source, or, without a folder, nothing."""

    def __init__(self, folder: str | Path | None, source: str | Path) -> None:
        """Raises GuardrailsError when the folder cannot be used."""
        self._state = State(Path(folder), source) if folder is not None else None
        self._saved = self._state.load() if self._state is not None else None
        self._restored: dict[Bundle, Compiled | None] = {}
        self.error: str | None = None

    @property
    def origin(self) -> Origin | None:
        """What the source meant when it was last good, None when nothing is kept."""
        return self._saved.origin if self._saved is not None else None

    def config(self, tenants_file: str) -> Config | None:
        """The last good configuration."""
        if self._state is None or self._saved is None:
            return None
        with self._state.unpacked(self._saved.config) as folder:
            return read_config(folder, tenants_file)[0] if folder is not None else None

    def policy(self, tenant: str, compiler: Compiler) -> Compiled | None:
        """The last good policy of a tenant."""
        bundle = self._saved.tenants.get(tenant) if self._saved is not None else None
        if bundle is None:
            return None
        if bundle not in self._restored:
            self._restored[bundle] = self._compiled(bundle, compiler)
        return self._restored[bundle]

    def forget(self) -> None:
        """Let go of what :meth:`policy` made: whoever needs it has it."""
        self._restored = {}

    def keep(
        self,
        origin: Origin,
        config: tuple[Loaded, ...],
        compiled: Mapping[str, Compiled],
        blobs: Mapping[str, bytes],
        reading: Reading,
    ) -> bool:
        """Write what is in use: the files of the configuration (their bytes in ``blobs``, by sha256, or kept already)
        and each tenant's policy. False when that failed; ``error`` says why, without a path or a word of a file."""
        if self._state is None:
            return True
        old = self._saved.tenants if self._saved is not None else {}
        tenants = {id_: _bundle(c) for id_, c in compiled.items()}
        new = {f.sha256: blobs[f.sha256] for f in config if f.sha256 in blobs}
        gone: set[Loaded] = set()
        for file in {f for b in tenants.values() for f in b.files} - {f for b in old.values() for f in b.files}:
            data = reading.exactly(file)
            if data is None:
                gone.add(file)  # changed since; the next reload will see, until then an older one is better than none
            else:
                new[file.sha256] = data
        tenants = {id_: old.get(id_, b) if gone.intersection(b.files) else b for id_, b in tenants.items()}
        saved = Saved(origin, config, tenants)
        try:
            self._state.save(saved, new)
        except OSError as error:
            self.error = error.strerror or "they cannot be written"
            _log.error("policies: the last good files cannot be kept: %s", self.error)
            return False
        self._saved, self.error = saved, None
        return True

    def _compiled(self, bundle: Bundle, compiler: Compiler) -> Compiled | None:
        if self._state is None:
            return None
        with self._state.unpacked(bundle.files) as folder:
            if folder is None:
                return None
            try:
                return compiler.compile(bundle.reference, Reading(folder), Position(bundle.reference, 1), "")
            except Exception:  # what was good once is not now: another version of the program, or a missing model
                _log.error("policies: the last good files of %s cannot be used", bundle.reference)
                return None


def _bundle(compiled: Compiled) -> Bundle:
    # What is shipped is installed, and needs no keeping.
    return Bundle(compiled.reference, () if compiled.reference.startswith(SHIPPED) else compiled.files)
