"""The folder of policies that an author works in: which there are, what they say, and who may be asked about a text."""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from guardrails import resources
from guardrails.errors import GuardrailsError, PolicyError
from guardrails.evidence import EvidenceLog
from guardrails.guard import Guard
from guardrails.policy import load
from guardrails.policy.files import SHIPPED
from guardrails.policy.folders import is_other, policies_in, test_file
from guardrails.policy.loading import examine
from guardrails.review import Review
from guardrails.rules import Policy

__all__ = ["Kept", "Opened", "Workspace", "as_written"]

_T = TypeVar("_T")
# The folder of versions that were signed, each policy's in one of its own.
_RELEASES = "releases"
# Guards that are kept compiled, by the identity of their policy.
_KEPT = 8


@dataclass(frozen=True, slots=True)
class Opened:
    """A policy file as it was read. ``digest`` is the sha256 of its bytes, by which a later save sees whether it changed."""

    name: str
    path: Path
    text: str = field(repr=False)
    digest: str


def as_written(path: Path, text: str) -> Policy:
    """The policy that the file would be if it held ``text``. Raises PolicyError."""
    policy, reader = examine(path, text=text)
    errors = [p for p in reader.problems if p.severity == "error"]
    if errors or policy is None:
        raise PolicyError(errors)
    return policy


class Kept:
    """The last few of something, by id; the oldest is forgotten first."""

    def __init__(self) -> None:
        self._items: OrderedDict[str, Any] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: str) -> Any:
        """What is kept under that key, None when it is forgotten."""
        with self._lock:
            if key in self._items:
                self._items.move_to_end(key)
            return self._items.get(key)

    def put(self, key: str, value: _T, most: int) -> _T:
        """Keep ``value`` among at most so many; returns it."""
        with self._lock:
            self._items[key] = value
            while len(self._items) > most:
                self._items.popitem(last=False)
        return value


class Workspace:
    """A folder of policies. Names are paths below it, with slashes; nothing outside it is opened."""

    def __init__(self, folder: Path, review: Path | None = None, evidence: EvidenceLog | Path | None = None) -> None:
        """``review`` names the file of a review, None for one in memory; ``evidence`` the log in which releases are recorded. Raises
        GuardrailsError when there is no such folder."""
        if not folder.is_dir():
            raise GuardrailsError(
                f"{folder}: there is no such folder; `guardrails init DIR` makes one with a policy in it"
            )
        self.folder = folder.resolve()
        self._guards = Kept()
        self.runs = Kept()
        """Measurements, for the room that asks about them again."""
        self.review = Review(review)
        """The texts that people label, and what they say of them."""
        self.evidence = evidence
        """The log in which releases are recorded: one that is open, or the directory of one that nobody else writes."""
        self.releasing = threading.Lock()
        """Held by who signs, promotes or rolls back."""

    def _all(self) -> list[str]:
        found = [p for p in policies_in(self.folder) if p.resolve().is_relative_to(self.folder) and not is_other(p)]
        return [p.relative_to(self.folder).as_posix() for p in found]

    def names(self) -> list[str]:
        """The policies of the folder, sorted; without their signed versions, which nobody changes."""
        return [name for name in self._all() if not name.startswith(f"{_RELEASES}/")]

    def triable(self) -> list[str]:
        """What a text can be tried under: the folder's policies, their versions, and those that are shipped."""
        versions = [name for name in self._all() if name.startswith(f"{_RELEASES}/")]
        return [*self.names(), *versions, *(f"{SHIPPED}{name}" for name in resources.shipped_policies())]

    def releases(self, name: str) -> Path:
        """Where the versions of a policy are, whether there are any or not."""
        return self.folder / _RELEASES / self.path(name).relative_to(self.folder).with_suffix("")

    def path(self, name: str) -> Path:
        """The file of a policy. Raises GuardrailsError for a name that is none of them."""
        if name not in self.names():
            raise GuardrailsError(f"{name[:200]!r}: there is no such policy in this folder any more")
        return self.folder / name

    def open(self, name: str) -> Opened:
        """A policy as it stands on the disk. Raises GuardrailsError for a name that is none, or a file that is no UTF-8."""
        path = self.path(name)
        data = path.read_bytes()
        try:
            text = data.decode("utf-8")
        except UnicodeDecodeError:
            raise GuardrailsError(f"{name}: the file is not UTF-8; save it as UTF-8") from None
        return Opened(name, path, text, hashlib.sha256(data).hexdigest())

    def tests(self, name: str) -> Path:
        """Where the cases of a policy stand, whether there are any or not."""
        return test_file(self.path(name))

    def guard(self, name: str) -> Guard:
        """The guard of a policy or a shipped one; without a deadline, since an author waits for a verdict, whatever it takes.

        Raises PolicyError when the policy does not load.
        """
        if name not in self.triable():
            raise GuardrailsError(f"{name[:200]!r}: there is no such policy in this folder any more")
        policy = load(name if name.startswith(SHIPPED) else self.folder / name)
        key = policy.identity.sha256
        known: Guard | None = self._guards.get(key)
        return known or self._guards.put(key, Guard(policy.unhurried()), _KEPT)

    def shown(self, path: str) -> str:
        """How a path in a problem is written on a page: below the folder where it lies there."""
        here = Path(path)
        return here.relative_to(self.folder).as_posix() if here.is_relative_to(self.folder) else path

    def chosen(self, wanted: str | None, among: Sequence[str]) -> str | None:
        """The policy that a page is about: the wanted one where it is there, else the first."""
        return wanted if wanted in among else next(iter(among), None)
