"""A policy file and everything it loads, as one effective policy with an identity."""

from __future__ import annotations

import dataclasses
import hashlib
import os
from pathlib import Path
from typing import Any

from guardrails import catalog, detectors, resources
from guardrails.errors import PolicyError, Problem
from guardrails.policy.drafts import Document, Draft, Value, finish
from guardrails.policy.fieldtable import POLICY, whole
from guardrails.policy.files import SHIPPED, Cache, Files, Loaded
from guardrails.policy.merge import enforce, merge
from guardrails.policy.reader import Reader, nearest
from guardrails.policy.sections import read
from guardrails.policy.source import MAX_BYTES, Node, parse, shown_line
from guardrails.rules import Policy, Position
from guardrails.types import OnFailure, PolicyIdentity, RuleAction, SystemMessages

__all__ = ["MAX_EXTENDS", "examine", "load", "loads", "parse_document"]

MAX_EXTENDS = 8

# Parsing is the slow part of loading; ten thousand tenants share a few parents. Keyed by name and content.
_PARSED = Cache(512)


def load(path: str | Path, *, root: Path | None = None) -> Policy:
    """The effective policy of a file, or of a shipped policy by name. Raises PolicyError with all problems.

    ``root`` is the folder that ``extends`` and word lists must stay in; by default the file's own.
    """
    policy, reader = examine(path, root=root)
    errors = [p for p in reader.problems if p.severity == "error"]
    if errors or policy is None:
        raise PolicyError(errors)
    return policy


def loads(text: str, *, name: str = "<string>") -> Policy:
    """The effective policy of a text; it may extend shipped policies only. Raises PolicyError."""
    # A text has no folder, so it has nothing beside it.
    loader = _Loader(Files(Path(os.devnull)))
    policy = loader.run(None, text.encode("utf-8", "surrogatepass"), name)
    errors = [p for p in loader.reader.problems if p.severity == "error"]
    if errors or policy is None:
        raise PolicyError(errors)
    return policy


def examine(path: str | Path, *, root: Path | None = None, text: str | None = None) -> tuple[Policy | None, Reader]:
    """The policy, when it can be loaded at all, and the reader with everything noticed on the way.

    ``text``: what the file would hold, read in its place; the file itself must be there.
    """
    found = locate(path)
    if isinstance(found, Problem):
        return None, Reader([found])
    loader = _Loader(Files(root or found.parent))
    try:
        shown = loader.files.name(Path(found).resolve()) if root is not None else str(path)
        at = Position(shown, 1)
        real = loader.files.resolve(
            str(Path(found).resolve().relative_to(loader.files.root)), loader.files.root, at, ""
        )
        if text is None:
            data = loader.files.read(real, at, "", str(path), MAX_BYTES)
        else:
            data = text.encode("utf-8", "surrogatepass")
            loader.files.loaded.append(Loaded(loader.files.name(real), hashlib.sha256(data).hexdigest()))
    except ValueError:
        return None, Reader([Problem("outside-root", "this file lies outside the policy's root folder", str(path))])
    except PolicyError as error:
        return None, Reader(list(error.problems))
    policy = loader.run(real, data, shown)
    return policy, loader.reader


def locate(path: str | Path) -> Path | Problem:
    """The file of a path, or of a shipped policy's name."""
    given = Path(path)
    if given.is_file():
        return given
    if given.is_dir():
        inside = sorted(
            p.name for p in given.iterdir() if p.suffix in (".yaml", ".yml", ".json") and ".test" not in p.name
        )
        return Problem(
            "not-found", "this is a folder, not a policy file", str(path), written=str(path),
            allowed=f"one of {', '.join(inside[:20])}" if inside else "a policy file: there is none in this folder",
            remedy=f"write {given / inside[0]}" if inside else None,
        )  # fmt: skip
    name = str(path).removeprefix(SHIPPED)
    shipped = resources.shipped_policies()
    if name in shipped:
        return resources.policies_dir() / f"{name}.yaml"
    return Problem(
        "not-found", "there is no such policy file, and no shipped policy of this name", str(path), written=str(path),
        allowed=f"a path, or one of {', '.join(shipped)}", nearest=nearest(given.stem, shipped),
    )  # fmt: skip


def parse_document(path: str | Path) -> Node:
    """The plain data of any file in our strict YAML or JSON, with places. Raises PolicyError."""
    files = Files(Path(path).parent)
    data = files.read(Path(path).resolve(), Position(str(path), 1), "", str(path), MAX_BYTES)
    return parse(data, str(path))


class _Loader:
    def __init__(self, files: Files) -> None:
        self.files = files
        self.reader = Reader()

    def run(self, path: Path | None, data: bytes, name: str) -> Policy | None:
        """Read, merge, check. None when the file itself could not be read."""
        if path is None:
            self.files.loaded.append(Loaded(name, hashlib.sha256(data).hexdigest()))
        document = self.document(path, data, name, ())
        if document is None:
            return None
        self.contract(document)
        if not document.drafts and not self.reader.problems:
            self.reader.report(
                "empty-policy", "this policy has no rule: it would let everything pass", Position(name, 1),
                remedy="add a section words, pii, content, topics, grounding or rules, or extends: shipped:baseline",
            )  # fmt: skip
        if any(p.severity == "error" for p in self.reader.problems):
            return None
        return self.policy(document)

    def document(self, path: Path | None, data: bytes, name: str, chain: tuple[Path | None, ...]) -> Document | None:
        """The document of one file with its parents merged in."""
        try:
            node = _PARSED.get((name, hashlib.sha256(data).digest()), lambda: parse(data, name))
        except PolicyError as error:
            self.reader.problems += error.problems
            return None
        self.reader.lines[name] = data.decode("utf-8").splitlines()
        base = path.parent if path is not None else self.files.root

        def lists(reference: str, at: Position, key: str) -> Any:
            try:
                return self.files.term_list(reference, base, at, key)
            except PolicyError as error:
                self.problem(error)
                return None

        def resolve(reference: str, at: Position, key: str) -> Path | None:
            try:
                return self.files.resolve(reference, base, at, key)
            except PolicyError as error:
                self.problem(error)
                return None

        def load(reference: str, at: Position, key: str, at_most: int) -> bytes | None:
            try:
                return self.files.read(self.files.resolve(reference, base, at, key), at, key, reference, at_most)
            except PolicyError as error:
                self.problem(error)
                return None

        self.reader.resolve, self.reader.load = resolve, load
        own = read(node, self.reader, lists)
        parents = [self.parent(value, base, (*chain, path)) for value in own.extends]
        merged = Document()
        for index, parent in enumerate(p for p in parents if p is not None):
            merged = merge(merged, parent, self.reader, siblings=True) if index else parent
        # ALL stands for types, so it becomes rules before anything is merged: what a parent enforces holds for each.
        if own.pii_all is not None:
            expand(own, own.pii_all, own.countries or merged.countries)
        merged = merge(merged, own, self.reader) if own.extends else own
        enforce(merged, own.enforced, self.reader)
        return merged

    def parent(self, value: Value, base: Path, chain: tuple[Path | None, ...]) -> Document | None:
        try:
            path = self.files.resolve(value.value, base, value.at, "extends")
            if path in chain:
                self.reader.report(
                    "extends-cycle",
                    "this policy extends itself",
                    value.at,
                    "extends",
                    written=value.value,
                    remedy="remove it",
                )
                return None
            if len(chain) >= MAX_EXTENDS:
                self.reader.report(
                    "extends-depth", "policies extend each other too deeply", value.at, "extends", written=value.value,
                    allowed=f"at most {MAX_EXTENDS} levels",
                )  # fmt: skip
                return None
            data = self.files.read(path, value.at, "extends", value.value, MAX_BYTES)
        except PolicyError as error:
            self.problem(error)
            return None
        return self.document(path, data, self.files.name(path), chain)

    def problem(self, error: PolicyError) -> None:
        for p in error.problems:
            source = p.source_line or (shown_line(self.reader.lines.get(p.file, ()), p.line) if p.key else None)
            self.reader.problems.append(dataclasses.replace(p, source_line=source))

    def contract(self, document: Document) -> None:
        """What holds for whole rules: a mask needs a span, a mask's options an action that masks."""
        for draft in document.drafts.values():
            actions = {draft.action("input"), draft.action("output")}
            if RuleAction.MASK in actions and not detectors.spec(draft.detector).spans:
                self.reader.report(
                    "mask-without-span", f"{draft.id} judges whole texts: there is no span to mask",
                    draft.place("action", "input_action", "output_action"), draft.key,
                    written="mask", allowed="block, detect", remedy="write block",
                )  # fmt: skip
            mask, says = draft.get("mask"), {"action", "input_action", "input_enabled", "enabled"}
            if mask is not None and mask.restore and not says & draft.fields.keys():
                self.reader.report(
                    "restore-without-mask", f"{draft.id} restores what it never masks: it blocks, for it has no action",
                    draft.place("mask"), draft.key, allowed="mask", remedy="write action: mask, or remove restore",
                )  # fmt: skip

    def policy(self, document: Document) -> Policy:
        settings = {key: value.value for key, value in document.settings.items()}
        on_failure = settings.get("on_failure", OnFailure.BLOCK)
        judged = settings.get("system_messages") is SystemMessages.JUDGE
        metadata = _below("metadata", settings)
        name = settings.get("name", "?")
        return Policy(
            name=name,
            identity=PolicyIdentity(
                name, self.identity(), metadata.get("owner"), tuple(f.name for f in self.files.loaded)
            ),
            rules=tuple(finish(d, on_failure, judges_system=judged) for d in document.drafts.values()),
            metadata=metadata,
            bedrock=settings.get("bedrock", {}),
            positions=_positions(document),
            **whole({key: settings[key] for key in POLICY if key in settings}),
        )

    def identity(self) -> str:
        """sha256 over the ordered names of everything loaded, each framed by its length and with its bytes' sha256."""
        digest = hashlib.sha256(b"guardrails policy v1\0")
        for file in self.files.loaded:
            name = file.name.encode()
            digest.update(len(name).to_bytes(8, "big") + name + bytes.fromhex(file.sha256))
        return digest.hexdigest()


def expand(own: Document, template: Draft, countries: Value | None) -> None:
    """``pii.entities.ALL``: every type, under whatever the file says of single types; ``countries`` leaves out the others'."""
    for name, country in catalog.COUNTRY_OF.items():
        id_ = f"pii.{name}"
        written = own.drafts.get(id_)
        if written is None:
            if country is None or countries is None or country in countries.value:
                own.drafts[id_] = dataclasses.replace(template, id=id_, type=name, fields=dict(template.fields))
            continue
        fields = dict(template.fields)
        for switch in ("action", "enabled"):
            if switch in written.fields:
                fields.pop(f"input_{switch}", None)
                fields.pop(f"output_{switch}", None)
        written.fields = {**fields, **written.fields}


def _below(section: str, settings: dict[str, Any]) -> dict[str, Any]:
    return {k.removeprefix(f"{section}."): v for k, v in settings.items() if k.startswith(f"{section}.")}


def _positions(document: Document) -> dict[str, Position]:
    out = {key: value.at for key, value in document.settings.items()}
    for draft in document.drafts.values():
        out[draft.id] = draft.at
        out |= {f"{draft.id}.{name}": value.at for name, value in draft.fields.items()}
        if draft.enforced is not None:
            out[f"{draft.id}.enforced"] = draft.enforced
    return out
