"""Guardrails in files: ``ID/DRAFT.yaml`` and immutable ``ID/1.yaml``, ``ID/2.yaml``, … in the folder of policies.

The files are the only truth: what stands beside a guardrail's rules (its ARN, times, tags) stands in the ``bedrock:`` block of its
policy, so a folder can be copied, kept in a repository and edited by hand.
"""

from __future__ import annotations

import re
import secrets
import shutil
import threading
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from guardrails.bedrock import import_guardrail
from guardrails.errors import GuardrailsError, PolicyError
from guardrails.policy import dump, loads, parse_document
from guardrails.policy.source import plain
from guardrails.service.catalog import DRAFT, Catalog
from guardrails.service.faults import Fault, Kind
from guardrails.service.names import arn, slug
from guardrails.whole_files import write_whole

__all__ = ["Store", "now"]

Document = dict[str, Any]
# One change at a time: two versions must not get one number.
_LOCK = threading.Lock()
_NUMBER = re.compile(r"[1-9][0-9]{0,7}")
_SHOWN = 5
# Versions of one guardrail.
_MOST = 1_000


def now() -> str:
    """This moment, as Bedrock writes times."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class Store:
    """Creates, changes and deletes guardrails. Methods are synchronous, and raise Fault."""

    def __init__(self, catalog: Catalog) -> None:
        folder = catalog.folder
        if folder is None:
            raise Fault(
                Kind.INVALID,
                "guardrails can be made only where --policies is a folder of policies, without a tenants.yaml",
            )
        self._catalog = catalog
        self._folder = folder

    @property
    def folder(self) -> Path:
        """Where the files are."""
        return self._folder

    def path(self, id_: str, version: str) -> Path:
        """The file of a version that is there."""
        where = self._folder / self._catalog.where(id_)
        return where / f"{version}.yaml" if where.is_dir() else _file(where)

    def read(self, id_: str) -> Document:
        """The document of a DRAFT that is there."""
        document: Document = plain(parse_document(self.path(id_, DRAFT)))
        return document

    def create(self, request: Mapping[str, Any]) -> Document:
        """A new guardrail's DRAFT. The same ``clientRequestToken`` again is the same guardrail."""
        with _LOCK:
            token = request.get("clientRequestToken")
            for id_ in self._catalog.ids:
                known = self.read(id_) if DRAFT in self._catalog.ids[id_] else {}
                if token and known.get("bedrock", {}).get("clientRequestToken") == token:
                    return known
                if known.get("name") == request["name"]:
                    raise Fault(
                        Kind.CONFLICT, "another guardrail has this name; choose another, or update that one", "name"
                    )
            id_ = slug(request["name"])
            if not id_ or id_ in self._catalog.ids or (self._folder / id_).exists():
                id_ = f"{id_[:50]}{secrets.token_hex(4)}"
            created = now()
            document = self._document(request, _told(id_, DRAFT, created, created))
            self._put(id_, DRAFT, document)
            return document

    def update(self, id_: str, request: Mapping[str, Any]) -> Document:
        """Another DRAFT in place of the present one; tags stay."""
        with _LOCK:
            old = self._own(id_)
            response = old["bedrock"]["response"]
            kept = {k: old["bedrock"][k] for k in ("tags", "clientRequestToken", "enforced") if k in old["bedrock"]}
            document = self._document(request, _told(id_, DRAFT, response["createdAt"], now()), kept)
            self._put(id_, DRAFT, document)
            return document

    def version(self, id_: str, description: str | None) -> str:
        """A numbered copy of DRAFT; returns its number."""
        with _LOCK:
            document = self._own(id_)
            numbers = [int(p.stem) for p in (self._folder / id_).glob("*.yaml") if _NUMBER.fullmatch(p.stem)]
            if len(numbers) >= _MOST:
                raise Fault(Kind.CONFLICT, f"a guardrail has at most {_MOST} versions; delete one")
            number = str(max([_last(document), *numbers]) + 1)
            made = now()
            if description is not None:
                document["description"] = description
            draft = self._own(id_)
            draft["bedrock"]["lastVersion"] = int(number)
            document["bedrock"] = {
                k: v for k, v in document["bedrock"].items() if k not in ("tags", "lastVersion", "enforced")
            }
            document["bedrock"]["response"] = _told(id_, number, made, made)
            self._put(id_, number, document)
            self._put(id_, DRAFT, draft)
            return number

    def delete(self, id_: str, version: str | None) -> None:
        """One numbered version, or the guardrail with all of them."""
        with _LOCK:
            enforced = self._own(id_)["bedrock"].get("enforced", {}).get("guardrailVersion")
            if enforced is not None and version in (None, enforced):
                raise Fault(Kind.CONFLICT, f"version {enforced} is enforced; delete the enforced configuration first")
            if version is None:
                shutil.rmtree(self._folder / id_)
            else:
                if version == DRAFT:
                    raise Fault(
                        Kind.INVALID,
                        "DRAFT cannot be deleted alone; leave the version out to delete all",
                        "guardrailVersion",
                    )
                (self._folder / id_ / f"{version}.yaml").unlink()
            self._catalog.reload()

    def tags(self, id_: str, change: Any = None) -> list[dict[str, str]]:
        """The tags of a guardrail; ``change`` is a function from key → value to the new ones."""
        with _LOCK:
            document = self.read(id_) if change is None else self._own(id_)
            tags = {t["key"]: t["value"] for t in document.get("bedrock", {}).get("tags", ())}
            if change is not None:
                tags = change(tags)
                document["bedrock"]["tags"] = [{"key": k, "value": v} for k, v in tags.items()]
                self._put(id_, DRAFT, document)
            return [{"key": k, "value": v} for k, v in tags.items()]

    def enforce(self, id_: str, wanted: Mapping[str, Any], config: str | None, who: str) -> Document:
        """Make a version of a guardrail the enforced one, in place of the configuration ``config`` where it is given."""
        with _LOCK:
            known = {told.get("configId"): (old, told) for old, told in self._catalog.enforcements.items()}
            if config is not None and config not in known:
                raise Fault(Kind.NOT_FOUND, "there is no enforced configuration of this id", "configId")
            if known and config is None:
                there = ", ".join(str(one) for one in known)
                raise Fault(
                    Kind.CONFLICT, f"one guardrail is enforced at most; give its configId to change it: {there}"
                )
            document, made = self._own(id_), now()
            before, told = known.get(config, (None, {}))
            enforced = {
                **wanted,
                "configId": config or secrets.token_hex(6),
                "createdAt": told.get("createdAt", made),
                "createdBy": told.get("createdBy", who),
                "updatedAt": made,
                "updatedBy": who,
            }
            document["bedrock"]["enforced"] = enforced
            self._put(id_, DRAFT, document)
            if before is not None and before != id_:  # only now: at no moment nothing is enforced
                self._release(before)
            return enforced

    def release(self, config: str) -> None:
        """Enforce nothing under this configuration any more."""
        with _LOCK:
            found = [id_ for id_, told in self._catalog.enforcements.items() if told.get("configId") == config]
            if not found:
                raise Fault(Kind.NOT_FOUND, "there is no enforced configuration of this id", "configId")
            self._release(found[0])

    def _release(self, id_: str) -> None:
        document = self._own(id_)
        del document["bedrock"]["enforced"]
        self._put(id_, DRAFT, document)

    def _own(self, id_: str) -> Document:
        """The DRAFT of a guardrail that was made here."""
        if not (self._folder / self._catalog.where(id_)).is_dir():
            raise Fault(
                Kind.CONFLICT,
                "this guardrail is a file that somebody writes; change the file, or create another guardrail",
            )
        document = self.read(id_)
        kept = document.setdefault("bedrock", {})
        kept.setdefault("response", _told(id_, DRAFT, now(), now()))
        return document

    @staticmethod
    def _document(request: Mapping[str, Any], response: Document, kept: Mapping[str, Any] | None = None) -> Document:
        try:
            document = import_guardrail(request).document
        except GuardrailsError as error:
            raise Fault(Kind.INVALID, str(error)) from None
        document["bedrock"] = {**document.get("bedrock", {}), **(kept or {}), "response": response}
        return document

    def _put(self, id_: str, version: str, document: Document) -> None:
        """Write a version by one rename, and take it up; what cannot be used leaves everything as it was."""
        text = dump(document)
        try:
            loads(text)
        except PolicyError as error:
            told = [
                f"{p.key or 'policy'}: {p.message}" + (f" ({p.remedy})" if p.remedy else "") for p in error.problems
            ]
            raise Fault(Kind.INVALID, "; ".join(told[:_SHOWN])) from None
        path = self._folder / id_ / f"{version}.yaml"
        fresh = not path.parent.exists()
        before = path.read_bytes() if path.exists() else None
        if before is not None and version != DRAFT:
            raise Fault(Kind.CONFLICT, "a version never changes")
        path.parent.mkdir(exist_ok=True)
        write_whole(path, text.encode(), 0o644 if version == DRAFT else 0o444)
        problems = self._catalog.reload()
        wrong = problems.get(f"{id_}/{version}.yaml")
        if wrong is None:
            return
        if before is not None:
            write_whole(path, before, 0o644)
        else:
            path.unlink()
        if fresh:
            path.parent.rmdir()
        self._catalog.reload()
        raise Fault(Kind.INVALID, wrong)


def _told(id_: str, version: str, created: str, updated: str) -> Document:
    return {
        "guardrailId": id_,
        "guardrailArn": arn(id_),
        "version": version,
        "createdAt": created,
        "updatedAt": updated,
    }


def _last(document: Document) -> int:
    """The highest number that was ever given: a deleted version's number is not given again."""
    found = document.get("bedrock", {}).get("lastVersion", 0)
    return found if isinstance(found, int) else 0


def _file(where: Path) -> Path:
    return next(p for e in (".yaml", ".yml", ".json") if (p := where.with_name(where.name + e)).is_file())
