"""Versions of a policy: signed off by who answers for it, put live, and rolled back.

A folder holds the versions of one policy, each in a folder of its own that never changes, with every file that it was loaded from::

    releases/bank/history.jsonl      who signed, promoted and rolled back what, when and why
    releases/bank/1/bank.yaml        …with what it extends and its word lists: the same sha256 as when it was signed
    releases/bank/2/bank.yaml
    releases/bank/..data -> 2        the version that is live; one rename puts another in its place
    releases/bank/bank.yaml -> ..data/bank.yaml

The proxy, the middleware and the service take ``releases/bank/bank.yaml`` as their policy, and notice when the link moves.
"""

from __future__ import annotations

import json
import os
import re
import secrets
import shutil
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from guardrails import policytest
from guardrails.errors import GuardrailsError
from guardrails.policy import lint, load
from guardrails.policy.files import SHIPPED
from guardrails.policy.folders import test_file
from guardrails.rules import Policy
from guardrails.whole_files import link_whole

__all__ = ["Event", "Releases", "Version"]

# A record of what somebody did: a kind and its fields, as :meth:`guardrails.evidence.EvidenceLog.event` takes them.
Record = Callable[[str, Mapping[str, Any]], Any]

_HISTORY, _LIVE = "history.jsonl", "..data"
_NUMBER = re.compile(r"[1-9][0-9]{0,7}")
_REASON = 2_000


@dataclass(frozen=True, slots=True)
class Version:
    """One signed version. ``path`` is its policy file; ``tests``: how many cases passed, None where it has none. ``at`` is UTC."""

    number: int
    path: Path
    name: str
    sha256: str
    owner: str
    reason: str
    at: str
    tests: int | None


@dataclass(frozen=True, slots=True)
class Event:
    """Something that was done: ``signed``, ``promoted`` or ``rolled back``."""

    action: str
    version: int
    name: str
    sha256: str
    by: str
    reason: str
    at: str
    file: str = ""
    tests: int | None = None


class Releases:
    """The versions of one policy in a folder. One process at a time should change it; readers need no care."""

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)

    # -- reading -----------------------------------------------------------------------------------------------------

    def history(self) -> list[Event]:
        """Everything that was done, oldest first. Raises GuardrailsError for a line that is none of ours."""
        path = self.folder / _HISTORY
        if not path.exists():
            return []
        out = []
        # Lines end with a line feed alone: a reason may hold other characters that break lines (U+2028).
        lines = path.read_text(encoding="utf-8").removesuffix("\n").split("\n")
        for number, line in enumerate(lines, 1):
            try:
                out.append(Event(**json.loads(line)))
            except (TypeError, ValueError):
                raise GuardrailsError(f"{path}:{number}: this is no line of a history; restore the file") from None
        return out

    def versions(self) -> list[Version]:
        """The signed versions, oldest first."""
        return [
            Version(e.version, self.folder / str(e.version) / e.file, e.name, e.sha256, e.by, e.reason, e.at, e.tests)
            for e in self.history()
            if e.action == "signed"
        ]

    def version(self, number: int) -> Version:
        """One of them. Raises GuardrailsError with those there are."""
        found = {v.number: v for v in self.versions()}
        if number not in found:
            there = ", ".join(map(str, found)) or "none"
            raise GuardrailsError(f"{self.folder}: there is no version {number}; there is {there}")
        return found[number]

    @property
    def live(self) -> int | None:
        """The version that is live."""
        link = self.folder / _LIVE
        name = link.readlink().name if link.is_symlink() else ""
        return int(name) if _NUMBER.fullmatch(name) else None

    def load(self, number: int) -> Policy:
        """A version's policy. Raises GuardrailsError when it is no longer what was signed."""
        version = self.version(number)
        policy = load(version.path)
        if policy.identity.sha256 != version.sha256:
            raise GuardrailsError(
                f"{version.path}: this is not what was signed ({policy.identity.sha256[:12]}, signed {version.sha256[:12]}): somebody changed "
                "it, or a policy that is shipped with this package changed with a release; sign a new version"
            )
        return policy

    # -- changing ----------------------------------------------------------------------------------------------------

    def sign(self, path: str | Path, *, by: str, reason: str, record: Record | None = None) -> Version:
        """Make the next version of a policy file, signed off by its owner.

        Raises GuardrailsError when ``by`` is not who answers for the policy, the reason is empty, or a test fails; PolicyError when it does not load.
        """
        path, reason = Path(path), _said(reason)
        if not path.is_file():
            raise GuardrailsError(f"{path}: there is no such file; a shipped policy is released by one that extends it")
        policy = load(path)
        owner = _owner(policy, path)
        if by.strip().casefold() != owner.casefold():
            raise GuardrailsError(
                f"{path}: {owner} answers for this policy, and signs it; or change metadata.owner first"
            )
        tests = _tested(path)
        done = self.versions()
        if done and done[-1].name != policy.name:
            raise GuardrailsError(
                f"{self.folder}: holds versions of {done[-1].name}, not of {policy.name}; name another folder"
            )
        if done and done[-1].sha256 == policy.identity.sha256:
            raise GuardrailsError(f"{path}: nothing changed since version {done[-1].number}")
        number = max([*(v.number for v in done), *self._numbers()], default=0) + 1
        self._freeze(path, policy, number)
        try:
            self._write(
                Event("signed", number, policy.name, policy.identity.sha256, owner, reason, _now(), path.name, tests),
                record,
            )
        except BaseException:  # what cannot be recorded does not happen
            shutil.rmtree(self.folder / str(number), ignore_errors=True)
            raise
        return self.version(number)

    def promote(self, number: int, *, by: str, reason: str, record: Record | None = None) -> Version:
        """Put a version live. Raises GuardrailsError when it is not what was signed, or live already."""
        return self._go(number, "promoted", by, reason, record)

    def roll_back(self, *, by: str, reason: str, record: Record | None = None) -> Version:
        """Put the version live that was live before. Raises GuardrailsError when there was none."""
        live, order = self.live, [e.version for e in self.history() if e.action != "signed"]
        before = next((n for n in reversed(order) if n != live), None)
        if before is None:
            raise GuardrailsError(f"{self.folder}: no other version was live before")
        return self._go(before, "rolled back", by, reason, record)

    def _go(self, number: int, action: str, by: str, reason: str, record: Record | None) -> Version:
        reason, version = _said(reason), self.version(number)
        if not by.strip():
            raise GuardrailsError("say who does it: the name of a person or a role")
        if self.live == number:
            raise GuardrailsError(f"{self.folder}: version {number} is live already")
        policy = self.load(number)
        # The record comes first: what cannot be recorded does not happen.
        event = Event(
            action, number, policy.name, policy.identity.sha256, by.strip(), reason, _now(), version.path.name
        )
        self._write(event, record)
        link_whole(self.folder / _LIVE, str(number))
        link_whole(self.folder / version.path.name, f"{_LIVE}/{version.path.name}")
        return version

    def _numbers(self) -> list[int]:
        """The versions whose files are there, those too that a process which was killed has not signed."""
        return [int(p.name) for p in self.folder.glob("*") if _NUMBER.fullmatch(p.name)]

    def _freeze(self, path: Path, policy: Policy, number: int) -> None:
        """Copy what the policy was loaded from, and see that the copy is the same policy."""
        self.folder.mkdir(parents=True, exist_ok=True)
        draft = self.folder / f".{number}.{secrets.token_hex(4)}"
        names = [name for name in policy.identity.files if not name.startswith(SHIPPED)]
        tests = test_file(path)
        try:
            for name in [*names, *([tests.name] if tests.is_file() else [])]:
                target = draft / name
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes((path.parent / name).read_bytes())
                target.chmod(0o444)
            if load(draft / path.name).identity.sha256 != policy.identity.sha256:
                raise GuardrailsError(f"{path}: somebody changed it meanwhile; nothing was signed, so do it again")
            draft.replace(self.folder / str(number))
        finally:
            shutil.rmtree(draft, ignore_errors=True)

    def _write(self, event: Event, record: Record | None) -> None:
        if record is not None:
            fields = {k: v for k, v in asdict(event).items() if v is not None and k != "at"}
            receipt = record("release", fields)
            wait = getattr(receipt, "wait", None)
            if wait is not None:
                wait()
        with (self.folder / _HISTORY).open("ab") as file:
            file.write(json.dumps(asdict(event)).encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())


def _owner(policy: Policy, path: Path) -> str:
    owner = str(policy.metadata.get("owner") or "").strip()
    if not owner:
        raise GuardrailsError(f"{path}: nobody answers for this policy: add metadata: {{owner: …}}")
    return owner


def _tested(path: Path) -> int | None:
    """How many cases passed. Raises GuardrailsError when the linter finds an error, or a case does not pass."""
    wrong = [p for p in lint(path) if p.severity == "error"]
    if wrong:
        raise GuardrailsError("\n\n".join(p.render() for p in wrong))
    tests = test_file(path)
    if not tests.is_file():
        return None
    outcome = policytest.run_file(tests)
    passed = outcome.count(policytest.Status.PASS)
    if outcome.error is not None or passed != len(outcome.outcomes):
        raise GuardrailsError(f"{tests}: {passed} of {len(outcome.outcomes)} cases passed: run guardrails test {path}")
    return passed


def _said(reason: str) -> str:
    reason = reason.strip()
    if not reason or len(reason) > _REASON:
        raise GuardrailsError(f"say why, in 1 to {_REASON} characters: it stays in the history")
    return reason


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
