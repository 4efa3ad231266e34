"""Guardrails by their id and version: the policies of a folder, of one file, or those of tenants."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from guardrails.errors import GuardrailsError
from guardrails.guard import Guard
from guardrails.service.access import Principal
from guardrails.service.faults import Fault, Kind
from guardrails.service.fields import nearest
from guardrails.service.names import slug
from guardrails.tenants import Tenant, Tenants

__all__ = ["DRAFT", "Catalog", "Guardrail"]

DRAFT = "DRAFT"
_log = logging.getLogger("guardrails")


@dataclass(frozen=True, slots=True)
class Guardrail:
    """One version of a guardrail, compiled."""

    id: str
    version: str
    guard: Guard = field(repr=False)
    revision: str

    @property
    def name(self) -> str:
        """The policy's name."""
        return self.guard.policy.name


class Catalog:
    """The guardrails of a service. ``NAME.yaml`` is a guardrail whose only version is DRAFT; ``NAME/DRAFT.yaml`` and
    ``NAME/1.yaml``, … are the versions of one. Ids are file names without what Bedrock's ids cannot hold: ``retail-bank`` is
    ``retailbank``, and is found by either."""

    def __init__(self, tenants: Tenants, *, by_tenant: bool) -> None:
        """``by_tenant``: a tenants.yaml says which policy a caller is under. Raises GuardrailsError for two policies with one id."""
        self._tenants = tenants
        self._by_tenant = by_tenant
        self._seen: object = None
        self._origins: dict[str, str] = {}
        self._enforced: tuple[Guardrail, ...] | None = None
        self._ids: Mapping[str, dict[str, Guardrail]] = self._read(strict=True)

    @property
    def folder(self) -> Path | None:
        """Where guardrails may be written; None when the policies are no folder of guardrails."""
        return None if self._by_tenant or not self._tenants.every else self._tenants.folder

    def where(self, id_: str) -> str:
        """The path of a guardrail in the folder: of its file without the ending, or of the folder of its versions."""
        return self._origins[id_]

    def errors(self) -> Mapping[str, Mapping[str, Any]]:
        """What is wrong with files now, by their path without the ending."""
        told: Mapping[str, Any] = self._tenants.health()["tenants"]
        return {name: one["error"] for name, one in told.items() if one.get("error")}

    def reload(self) -> Mapping[str, str]:
        """Take up what was written; returns what could not be used, by file."""
        result = self._tenants.reload()
        return {p.file: p.render() for p in result.problems}

    @property
    def ids(self) -> Mapping[str, Mapping[str, Guardrail]]:
        """Guardrails by id, then by version, as the files are now."""
        if self._tenants.snapshot is not self._seen:
            self._ids = self._read(strict=False)
        return self._ids

    @property
    def enforcements(self) -> Mapping[str, Mapping[str, Any]]:
        """The enforced configurations, by the id of their guardrail: what stands at ``bedrock.enforced`` in its DRAFT."""
        out: dict[str, Mapping[str, Any]] = {}
        for id_, versions in self.ids.items() if not self._by_tenant else ():
            config = versions[DRAFT].guard.policy.bedrock.get("enforced") if DRAFT in versions else None
            if isinstance(config, Mapping):
                out[id_] = config
        return out

    def enforced(self) -> tuple[Guardrail, ...]:
        """The versions that every ApplyGuardrail is under as well. Raises Fault where one is not there: nothing passes without it."""
        if self._tenants.snapshot is not self._seen or self._enforced is None:
            found = [
                self.ids[id_].get(str(config.get("guardrailVersion"))) for id_, config in self.enforcements.items()
            ]
            if None in found:
                raise Fault(
                    Kind.INTERNAL, "an enforced guardrail has no such version: put its file back, or release it"
                )
            self._enforced = tuple(one for one in found if one is not None)
        return self._enforced

    def find(self, principal: Principal, identifier: str = "", version: str = "") -> Guardrail:
        """The guardrail of that id, name or ARN; without one the caller's own. Raises Fault: NOT_FOUND, FORBIDDEN, INVALID."""
        if self._by_tenant and principal.tenant is not None:
            return _of_tenant(principal.tenant, identifier, version)
        known = self.ids
        if not known:
            raise Fault(Kind.NOT_FOUND, "there is no guardrail yet: put a policy file into the folder, or create one")
        id_ = slug(identifier) if identifier else self._own(principal, known)
        if principal.guardrails is not None and id_ not in principal.guardrails:
            raise Fault(Kind.FORBIDDEN, "this key may not use that guardrail: add it to `guardrails` in keys.yaml")
        versions = known.get(id_)
        if versions is None:
            allowed = [i for i in known if principal.guardrails is None or i in principal.guardrails]
            raise Fault(
                Kind.NOT_FOUND, f"there is no guardrail of this id{nearest(id_, allowed)} There are {_listed(allowed)}"
            )
        found = versions.get(version or DRAFT)
        if found is None:
            if version and version != DRAFT and not version.isdecimal():
                raise Fault(Kind.INVALID, "a version is DRAFT or a number from 1")
            raise Fault(Kind.NOT_FOUND, f"this guardrail has no such version; it has {_listed(versions)}")
        return found

    def of(self, caller: str, id_: str, version: str) -> Guardrail | None:
        """A guardrail that a caller was under, None when it is not there any more."""
        if self._by_tenant:
            tenant = next((t for t in self._tenants if t.id == caller), None)
            if tenant is not None:
                return _of_tenant(tenant, "", "")
        return self.ids.get(id_, {}).get(version)

    def _own(self, principal: Principal, known: Mapping[str, object]) -> str:
        if principal.default is not None:
            return principal.default
        if len(known) == 1:
            return next(iter(known))
        raise Fault(
            Kind.INVALID,
            "this key does not say which guardrail is meant: give it a `default` in keys.yaml, or name one in the header"
            f" x-guardrails-policy ({_listed(known)})",
        )

    def _read(self, *, strict: bool) -> dict[str, dict[str, Guardrail]]:
        self._seen = snapshot = self._tenants.snapshot
        self._enforced = None
        out: dict[str, dict[str, Guardrail]] = {}
        origins: dict[str, str] = {}
        for name, tenant in sorted(snapshot.tenants.items()):
            path = PurePosixPath(name)
            versioned = len(path.parts) > 1 and (path.name == DRAFT or path.name.isdecimal())
            where, version = (str(path.parent), path.name) if versioned else (name, DRAFT)
            id_ = slug(tenant.guard.policy.name if name == "default" and len(snapshot.tenants) == 1 else where)
            first = origins.setdefault(id_, where)
            if first != where:
                told = f"{first} and {where}: both would be the guardrail {id_}; rename one of them"
                if strict:
                    raise GuardrailsError(told)
                _log.error("%s", told)
                continue
            out.setdefault(id_, {})[version] = Guardrail(id_, version, tenant.guard, tenant.revision)
        self._origins = origins
        return out


def _of_tenant(tenant: Tenant, identifier: str, version: str) -> Guardrail:
    """A tenant's one policy, by whatever it is called."""
    policy: Any = tenant.guard.policy
    if identifier and slug(identifier) not in (slug(tenant.id), slug(policy.name)):
        raise Fault(Kind.NOT_FOUND, "there is no guardrail of this id for you; leave the id to your policy's name")
    if version not in ("", DRAFT):
        raise Fault(Kind.NOT_FOUND, "this guardrail has the version DRAFT only")
    return Guardrail(slug(policy.name), DRAFT, tenant.guard, tenant.revision)


def _listed(names: Any) -> str:
    found = sorted(names)
    return ", ".join(found[:20]) + (f" and {len(found) - 20} more" if len(found) > 20 else "") if found else "none"
