"""A policy reference to a guard that was tried out, sharing with all others whatever is equal.

Ten thousand tenants mostly say the same thing. Detectors are shared when they are built from equal rules, rules when
they are equal, and where a setting was written is left out: it serves authors, not checks. What is left of a tenant is
measured in docs/tenants.md.
"""

from __future__ import annotations

import hashlib
import time
import weakref
from collections.abc import Iterable, Iterator, MutableMapping
from dataclasses import dataclass, field, replace
from typing import Any

from guardrails import resources
from guardrails.actions import load_key
from guardrails.detectors import Detector
from guardrails.errors import GuardrailsError, PolicyError, Problem
from guardrails.guard import Guard
from guardrails.policy import load
from guardrails.policy.files import SHIPPED, Files, Loaded
from guardrails.policy.reader import nearest
from guardrails.rules import MaskStyle, Policy, Position
from guardrails.tenants.folder import Changed, Reading, identity
from guardrails.types import FailureKind, Source

__all__ = ["Compiled", "Compiler"]

_ATTEMPTS = 3
_KEPT_AT_LEAST = 1000  # rules; fewer are not worth a look
_PROBE = "Guardrails self-test: one plain sentence, nothing to find."
# These say something of the machine at this moment, not of the policy.
_PASSING = (FailureKind.TIMEOUT, FailureKind.OVERLOAD, FailureKind.NOT_APPLICABLE, FailureKind.UNSUPPORTED_LANGUAGE)


@dataclass(frozen=True, slots=True)
class Compiled:
    """A guard, and what it was made of. ``loaded_at`` in seconds of the epoch; ``keys`` is a digest over the keys of
    ``hash`` masks, so that a new key makes a new guard."""

    reference: str
    guard: Guard
    files: tuple[Loaded, ...]
    loaded_at: float
    keys: bytes = field(default=b"", repr=False)

    @property
    def revision(self) -> str:
        """The policy's sha256."""
        return self.guard.policy.identity.sha256

    def current(self, reading: Reading) -> bool:
        """True when the files still hold the same bytes."""
        try:
            return _place(self.reference, reading).holds(self.files) and self.keys == _keys(self.guard.policy)
        except GuardrailsError:
            return False


class Compiler:
    """Compiles policies, one at a time; whoever calls it holds a lock."""

    def __init__(self) -> None:
        self._built = _Built()
        self._rules: dict[Any, Any] = {}
        self._kept = 0

    def compile(self, reference: str, reading: Reading, at: Position, key: str) -> Compiled:
        """The guard of a policy of the folder, or of ``shipped:NAME``. ``at`` and ``key`` are where it is named.

        Raises PolicyError with everything that is wrong: the policy's own problems, one that has no rule in use, one
        whose detectors cannot be built, one that fails its self-test, or files that do not stand still.
        """
        for _ in range(_ATTEMPTS):
            policy = self._load(reference, reading, at, key)
            try:
                # Read once more: these bytes, and no others, are what was loaded.
                files = _place(reference, reading).files(policy.identity.files)
            except Changed:
                files = ()
            if identity(files) == policy.identity.sha256:
                return self._compiled(reference, policy, files)
            reading = Reading(reading.root)
        raise _problem("changing", "the policy's files change while they are read", Position(reference, 1))

    def forget(self, alive: Iterable[Compiled]) -> None:
        """Let go of rules that no guard uses any more, once they are half of those that are kept."""
        if len(self._rules) > 2 * self._kept:
            tuples = {id(c.guard.policy.rules): c.guard.policy.rules for c in alive}.values()
            self._rules = {rules: rules for rules in tuples} | {r: r for rules in tuples for r in rules}
            self._kept = max(len(self._rules), _KEPT_AT_LEAST)

    def _load(self, reference: str, reading: Reading, at: Position, key: str) -> Policy:
        if reference.startswith(SHIPPED):
            try:
                return load(reference)
            except PolicyError as error:
                raise PolicyError([replace(p, file=at.file, line=at.line, key=key) for p in error.problems]) from None
        files = Files(reading.root)
        path = files.resolve(reference, files.root, at, key)
        if not path.is_file():
            beside = sorted(p.name for p in path.parent.glob("*") if ".test." not in p.name)
            close = nearest(path.name, [n for n in beside if n.endswith((".yaml", ".yml", ".json"))])
            shipped = nearest(path.stem, resources.shipped_policies())
            if shipped and (close is None or path.stem == shipped):
                close = f"{SHIPPED}{shipped}"
            raise _problem(
                "not-found", "there is no such policy file", at, key=key, written=reference, nearest=close,
                remedy=f"write {close}, or put the file there" if close else "name another one, or put the file there",
            )  # fmt: skip
        return load(path, root=reading.root)

    def _compiled(self, reference: str, policy: Policy, files: tuple[Loaded, ...]) -> Compiled:
        place = Position(files[0].name, 1)
        if not any(rule.action(source) is not None for rule in policy.rules for source in Source):
            raise _problem(
                "empty-policy", "every rule of this policy is disabled: it would let everything pass", place,
                remedy="enable a rule; a tenant that needs no guardrail needs no policy of this product",
            )  # fmt: skip
        rules = tuple(self._rules.setdefault(rule, rule) for rule in policy.rules)
        policy = replace(policy, rules=self._rules.setdefault(rules, rules), positions={})
        try:
            keys = _keys(policy)
            with self._built as built:
                guard = Guard(policy, built=built)
                if built.fresh:
                    _try_out(guard, place)
        except PolicyError:
            raise
        except GuardrailsError as error:
            raise _problem("cannot-build", f"the policy cannot be used: {error}", place) from None
        return Compiled(reference, guard, files, time.time(), keys)


class _Built(MutableMapping[Any, Detector]):
    """Detectors by what they were built from, for as long as a guard uses them.

    As a context it is the building of one guard: nothing that the guard may ask for goes away meanwhile, and what was
    ``fresh`` in a guard that failed is forgotten.
    """

    def __init__(self) -> None:
        self._known: weakref.WeakValueDictionary[Any, Detector] = weakref.WeakValueDictionary()
        self._held: list[Detector] = []
        self.fresh: dict[Any, Detector] = {}

    def __enter__(self) -> _Built:
        return self

    def __exit__(self, kind: type[BaseException] | None, *rest: object) -> None:
        if kind is not None:
            for key in self.fresh:
                self._known.pop(key, None)
        self.fresh = {}
        self._held = []

    def __contains__(self, key: object) -> bool:
        value = self._known.get(key)
        if value is None:
            return False
        self._held.append(value)
        return True

    def __getitem__(self, key: Any) -> Detector:
        return self._known[key]

    def __setitem__(self, key: Any, value: Detector) -> None:
        self.fresh[key] = self._known[key] = value

    def __delitem__(self, key: Any) -> None:
        del self._known[key]

    def __iter__(self) -> Iterator[Any]:
        return iter(self._known)

    def __len__(self) -> int:
        return len(self._known)


def _place(reference: str, reading: Reading) -> Reading:
    """Where the names in the identity of a policy are to be read: a shipped one has a root of its own."""
    return Reading(resources.policies_dir()) if reference.startswith(SHIPPED) else reading


def _try_out(guard: Guard, place: Position) -> None:
    """One small check in both directions. A guard whose detectors are all in use elsewhere needs none: they passed."""
    for source in Source:
        broken = [f for f in guard.check(_PROBE, source).failures if f.kind not in _PASSING]
        if broken:
            raise _problem(
                "self-test", f"{broken[0].rule} cannot check a plain sentence in direction {source.value}", place,
                written=f"{broken[0].kind.value}: {broken[0].detail}",
                remedy="run `guardrails check` with this policy; see docs/models.md where a model is missing",
            )  # fmt: skip


def _keys(policy: Policy) -> bytes:
    """A digest over the keys of ``hash`` masks. Raises GuardrailsError when one cannot be had."""
    digest = hashlib.sha256()
    for rule in policy.rules:
        if rule.mask.style is MaskStyle.HASH:
            digest.update(hashlib.sha256(load_key(rule.mask)).digest())
    return digest.digest()


def _problem(code: str, message: str, at: Position, **more: Any) -> PolicyError:
    return PolicyError([Problem(code, message, at.file, at.line, at.column, **more)])
