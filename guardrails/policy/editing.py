"""A setting changed in a policy file: comments, order and indentation stay as their author wrote them."""

from __future__ import annotations

import difflib
import hashlib
import io
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq

from guardrails.detectors.settings import RULES, Section, Shape, section_of, settings_of
from guardrails.errors import GuardrailsError, PolicyError
from guardrails.policy.loading import examine
from guardrails.policy.source import parse
from guardrails.rules import Rule
from guardrails.whole_files import write_whole

__all__ = ["add_exception", "add_items", "drop_field", "edit", "save", "set_common", "set_field"]

# Where lists may stand under their key: (indentation of an item's content, of its dash).
_INDENTS = ((4, 2), (2, 0), (3, 1), (6, 4))
_WIDE = 1_000_000  # no line is folded


def edit(text: str, change: Callable[[CommentedMap], None], *, name: str = "policy.yaml") -> str:
    """``text``, a policy in YAML, with ``change`` made to its document. ``name`` is the file's name in messages.

    Raises PolicyError for a text that is no policy document, GuardrailsError for JSON, which has no comments to keep.
    """
    if name.endswith(".json"):
        raise GuardrailsError(f"{name}: only policies in YAML are changed; write this one by hand")
    parse(text.encode("utf-8", "surrogatepass"), name)  # no anchors, aliases or tags reach the other parser
    yaml, document = min(
        (_loaded(text, *indent) for indent in _INDENTS), key=lambda pair: _strays(text, _dumped(*pair))
    )
    change(document)
    return _dumped(yaml, document)


def set_field(document: CommentedMap, rule: Rule, field: str, value: Any, comment: str = "") -> None:
    """Write a setting of a rule's detector (``threshold``, ``input_strength``), with a comment behind it.

    A rule that the document does not have is added, which changes what it inherits. Raises GuardrailsError where a policy cannot say so.
    """
    section = section_of(rule.detector, rule.type)
    declared = settings_of(rule.detector)[field]
    name, side = declared.name(field), field.partition("_")[0] if declared.sided else ""
    holder, key = _home(document, rule, section)
    entry = holder.get(key) if isinstance(holder, CommentedMap) else holder[key]
    if not isinstance(entry, CommentedMap):
        entry = _spread(entry, section.bare, side)
        if section.bare == name and not side:
            _put(holder, key, value, comment)
            return
        holder[key] = entry
    elif section is RULES:
        entry = _below(entry, "settings")
    if side:
        known = entry.get(side)
        if isinstance(known, CommentedMap):
            entry, side = known, name
    _put(entry, side or name, value, comment)


def drop_field(document: CommentedMap, rule: Rule, field: str) -> None:
    """Take a setting of a rule's detector out, with what is said behind it; what stands on the lines below stays. Nothing where it is not written.

    Raises GuardrailsError for a rule that does not stand in the document.
    """
    holder, key = _home(document, rule, section_of(rule.detector, rule.type))
    entry = holder[key]
    name = settings_of(rule.detector)[field].name(field)
    if not isinstance(entry, CommentedMap) or name not in entry:
        return
    names = list(entry)
    before = names[: names.index(name)]
    _, below = _comments(entry.ca.items.pop(name, None))
    del entry[name]
    if below and before:
        holder, key = _last(entry, before[-1])
        own, known = _comments(holder.ca.items.pop(key, None))
        _comment(holder, key, own, known + below)
    elif below.strip():
        entry.yaml_set_comment_before_after_key(names[1], "\n".join(line.strip("# ") for line in below.split("\n")))


def add_items(document: CommentedMap, rule: Rule, field: str, values: Sequence[str]) -> None:
    """Add values at the end of a list of a rule's detector (``examples``, ``not_examples``). Raises GuardrailsError as :func:`set_field` does."""
    holder, key = _home(document, rule, section_of(rule.detector, rule.type))
    name = settings_of(rule.detector)[field].name(field)
    known = holder[key].get(name) if isinstance(holder[key], CommentedMap) else None
    if isinstance(known, CommentedSeq):
        known.extend(v for v in values if v not in known)
    else:
        set_field(document, rule, field, CommentedSeq(values))


def save(path: Path, text: str, *, before: str | None = None, root: Path | None = None) -> None:
    """Write a policy file in one step, once it loads. ``before``: the sha256 of the bytes that were changed.

    Raises PolicyError for a text that does not load, and GuardrailsError when the file is no longer what was read.
    """
    _, reader = examine(path, root=root, text=text)
    wrong = [p for p in reader.problems if p.severity == "error"]
    if wrong:
        raise PolicyError(wrong)
    real = path.resolve()
    if before is not None and hashlib.sha256(real.read_bytes()).hexdigest() != before:
        raise GuardrailsError(f"{path}: somebody changed the file meanwhile; nothing was written, so do it again")
    write_whole(real, text.encode(), real.stat().st_mode & 0o777)


def _loaded(text: str, sequence: int, offset: int) -> tuple[YAML, CommentedMap]:
    yaml = YAML()
    yaml.preserve_quotes = True
    yaml.width = _WIDE
    yaml.indent(mapping=2, sequence=sequence, offset=offset)
    return yaml, yaml.load(text)


def _dumped(yaml: YAML, document: CommentedMap) -> str:
    out = io.StringIO()
    yaml.dump(document, out)
    return out.getvalue()


def _strays(text: str, other: str) -> int:
    """How many lines differ."""
    if text == other:
        return 0
    lines = difflib.unified_diff(text.splitlines(), other.splitlines(), n=0, lineterm="")
    return sum(line[:1] in "+-" for line in lines)


def _home(document: CommentedMap, rule: Rule, section: Section) -> tuple[Any, Any]:
    """What holds the rule's entry, and under which key or number; the entry is made where there is none."""
    *outer, last = section.key.split(".")
    for key in outer:
        document = _below(document, key)
    if section.shape is Shape.ONE:
        document.setdefault(last, CommentedMap())
        return document, last
    if section.shape is Shape.MAPPING:
        entries = _below(document, last)
        entries.setdefault(rule.type, CommentedMap())
        return entries, rule.type
    if section.shape is Shape.LIST:
        for number, entry in enumerate(document.get(last) or CommentedSeq()):
            name = str(entry.get("name", ""))
            own = entry.get("id") or (None if section is RULES else section.rule_id(name))
            if own == rule.id:
                return document[last], number
    raise GuardrailsError(
        f"{rule.id} does not stand in this file, and a policy that inherits it cannot change this one setting: change the policy it stands in"
    )


def _below(document: CommentedMap, key: str) -> CommentedMap:
    if document.get(key) is None:
        document[key] = CommentedMap()
    found: CommentedMap = document[key]
    return found


def _spread(entry: Any, bare: str, side: str) -> CommentedMap:
    """A rule that was written as one scalar, as a mapping. Of a setting with two sides, the other one keeps what it was."""
    out = CommentedMap()
    if side:
        out[side] = out["output" if side == "input" else "input"] = entry
    elif entry is not None:
        out[bare] = entry
    out.fa.set_flow_style()
    return out


def _last(holder: Any, key: Any) -> tuple[Any, Any]:
    """Where the last line of a value ends: what holds it, and under which key or number."""
    while isinstance(value := holder[key], CommentedMap | CommentedSeq) and value and not value.fa.flow_style():
        holder, key = value, list(value)[-1] if isinstance(value, CommentedMap) else len(value) - 1
    return holder, key


def _put(holder: Any, key: Any, value: Any, comment: str) -> None:
    own, below = "", ""
    if not isinstance(holder, CommentedMap) or key in holder:
        own, below = _comments(holder.ca.items.pop(key, None))
        holder[key] = value
    else:
        below = _add(holder, key, value)
    if isinstance(holder, CommentedMap) and holder.fa.flow_style() and comment:
        holder.fa.set_block_style()  # a comment inside braces would end their line
    # What the author wrote there stays; what a comment of this kind said of an earlier value does not.
    own = own.partition(comment.partition(" ")[0])[0].rstrip(" ;") if comment else own
    _comment(holder, key, "; ".join(filter(None, (own, comment))), below)


def _add(holder: CommentedMap, key: str, value: Any) -> str:
    """Put a new key before those that hold lists or mappings, or last; what then has to stand below it."""
    names = list(holder)
    position = next((i for i, n in enumerate(names) if isinstance(holder[n], CommentedMap | CommentedSeq)), len(names))
    below = ""
    if names and position == len(names):
        own, below = _comments(holder.ca.items.pop(names[-1], None))
        _comment(holder, names[-1], own, "")
    holder.insert(position, key, value)
    return below


def _comment(holder: Any, key: Any, text: str, below: str) -> None:
    """Write a comment behind a value, and lines below it."""
    if text:
        holder.yaml_add_eol_comment(text, key)
    elif below.strip("\n ") or below:
        holder.yaml_add_eol_comment("#", key)  # makes the token that the lines below hang on
    if below:
        token = holder.ca.items[key][2 if isinstance(holder, CommentedMap) else 0]
        token.value = f"{token.value.rstrip() if text else ''}\n{below}"


def _comments(old: Any) -> tuple[str, str]:
    """The comment behind a value, and what stands on the lines below it: blank lines and comments of what comes next."""
    token = next((t for t in old or () if t is not None and not isinstance(t, list)), None)
    own, _, below = ("" if token is None else token.value).partition("\n")
    return own.strip("# "), below


def set_common(document: CommentedMap, rule: Rule, name: str, value: Any) -> None:
    """Write a setting that every rule may have (``action``, ``except``, ``message``). Raises GuardrailsError as :func:`set_field` does."""
    section = section_of(rule.detector, rule.type)
    holder, key = _home(document, rule, section)
    entry = holder.get(key) if isinstance(holder, CommentedMap) else holder[key]
    if isinstance(entry, CommentedMap) and entry:
        _put(entry, name, value, "")
    elif section.bare == name:
        _put(holder, key, value, "")
    else:
        made = _spread(None if isinstance(entry, CommentedMap) else entry, section.bare, "")
        made[name] = value
        holder[key] = made


def add_exception(document: CommentedMap, rule: Rule, value: str) -> None:
    """Add a value to those that never count for a rule. Raises GuardrailsError as :func:`set_field` does."""
    known = [*rule.exceptions, value] if value not in rule.exceptions else list(rule.exceptions)
    values = CommentedSeq(known)
    values.fa.set_flow_style()
    set_common(document, rule, "except", values)
