"""What the arguments of a call must keep to: by name a pattern, hosts, roots of paths, amounts; and a JSON Schema for all of them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from typing import Any

from guardrails.calls import Call
from guardrails.detectors.arguments import amounts, below, found_at, host_in, hosts, paths

__all__ = ["Constraint", "Constraints", "compact", "constraint", "pattern_refused", "schema_refused"]

# RE2's memory for one pattern.
_MAX_MEMORY = 4 * 1024 * 1024
# Keywords of JSON Schema whose patterns Python's own backtracking engine would run.
_BACKTRACKING = ("patternProperties", "propertyNames")


@dataclass(frozen=True, slots=True)
class Constraint:
    """What one argument must keep to; what is left out is not asked.

    ``matches``: a pattern of RE2 for the whole value. ``hosts``: where its addresses may lead, ``*.acme.com`` for all below.
    ``roots``: below which its paths must lie. ``at_most``: the largest amount, signs not counted.
    """

    matches: str | None = None
    hosts: tuple[str, ...] = ()
    roots: tuple[str, ...] = ()
    at_most: float | None = None

    def written(self) -> dict[str, Any]:
        """The constraint as a policy writes it."""
        said = {"matches": self.matches, "hosts": list(self.hosts), "roots": list(self.roots), "at_most": self.at_most}
        return {name: value for name, value in said.items() if value not in (None, [])}

    def holds(self, value: object) -> bool:
        """Whether a single value keeps to it. One that cannot be read with certainty does not."""
        if self.matches is not None and not _matches(self.matches, value):
            return False
        if self.hosts:
            named = hosts(value)
            if named is None or not all(any(host_in(h, allowed) for allowed in self.hosts) for h in named):
                return False
        if self.roots:
            read = paths(value)
            if read is None or not all(any(below(path, root) for root in self.roots) for path in read):
                return False
        if self.at_most is not None:
            most, numbers = Decimal(repr(self.at_most)), amounts(value)
            if numbers is None or any(number > most for number in numbers):
                return False
        return True


def constraint(**fields: Any) -> Constraint:
    """A constraint from what the reader of policies found; lists hold values with their places."""
    plain: dict[str, Any] = {
        k: tuple(v.value for v in given) if isinstance(given, tuple) else given for k, given in fields.items()
    }
    return Constraint(**plain)


class Constraints:
    """The constraints of one rule, compiled."""

    def __init__(self, arguments: Iterable[tuple[str, Constraint]], schema: str | None) -> None:
        self._arguments = tuple(arguments)
        self._schema = None if schema is None else _validator(schema)

    def __bool__(self) -> bool:
        return bool(self._arguments) or self._schema is not None

    def broken(self, call: Call) -> list[str]:
        """What the arguments break: ``ARGUMENT:NAME`` for each, ``SCHEMA`` for the schema, ``ARGUMENTS`` where nobody can read them."""
        given = {"input": call.arguments} if isinstance(call.arguments, str) else call.arguments
        if call.unreadable or not isinstance(given, Mapping):
            return ["ARGUMENTS"] if self else []
        out = [
            f"ARGUMENT:{name}"
            for name, one in self._arguments
            if not all(one.holds(value) for value in found_at(given, name))
        ]
        if self._schema is not None and not _fits(self._schema, given):
            out.append("SCHEMA")
        return out


# -- patterns --------------------------------------------------------------------------------------------------------


@lru_cache(maxsize=4096)
def _compiled(pattern: str) -> Any:
    import re2  # noqa: PLC0415 - policies without patterns need none

    options = re2.Options()
    options.max_mem = _MAX_MEMORY
    options.log_errors = False
    return re2.compile(pattern, options)


def _matches(pattern: str, value: object) -> bool:
    text = value if isinstance(value, str) else json.dumps(value)
    return _compiled(pattern).fullmatch(text) is not None


def pattern_refused(pattern: str) -> tuple[str, str] | None:
    """Why a pattern cannot be used and what to write instead, None when it can."""
    try:
        _compiled(pattern)
    except Exception as error:
        said = error.args[0] if error.args else ""
        reason = said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)
        return reason or "RE2 does not take it", "use the syntax of RE2: it has no look-around and no back-references"
    return None


# -- schemas ---------------------------------------------------------------------------------------------------------


def compact(schema: object) -> str:
    """A schema as one text, the same whatever the order of its keys."""
    return json.dumps(schema, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def schema_refused(schema: object) -> tuple[str, str] | None:
    """Why a JSON Schema cannot be used and what to write instead, None when it can."""
    import jsonschema  # noqa: PLC0415 - policies without schemas need none

    if not isinstance(schema, Mapping):
        return "it is no mapping", "write schema: {type: object, properties: …}"
    for key, value in _keywords(schema):
        if key in _BACKTRACKING or (key in ("$ref", "$dynamicRef") and not str(value).startswith("#")):
            return f"{key} is not supported here", "write the properties out, or refer to #/$defs/…"
        if key == "pattern" and isinstance(value, str) and pattern_refused(value) is not None:
            return "one of its patterns is not one of RE2", "leave out look-around and back-references"
    try:
        jsonschema.Draft202012Validator.check_schema(schema)
    except jsonschema.SchemaError as error:
        return f"at {error.json_path}: {' '.join(error.message.split())[:200]}", "write a schema of draft 2020-12"
    return None


def _keywords(schema: object) -> Iterator[tuple[str, object]]:
    if isinstance(schema, Mapping):
        for key, value in schema.items():
            yield str(key), value
            yield from _keywords(value)
    elif isinstance(schema, list):
        for item in schema:
            yield from _keywords(item)


@lru_cache(maxsize=1024)
def _validator(schema: str) -> Any:
    import jsonschema  # noqa: PLC0415 - as above

    def pattern(validator: Any, wanted: str, instance: Any, schema: Any) -> Iterator[Any]:  # noqa: ARG001 - as the library calls it
        if isinstance(instance, str) and _compiled(wanted).search(instance) is None:
            yield jsonschema.ValidationError("the pattern does not match")

    # Linear in the text, whatever the pattern.
    extend: Any = jsonschema.validators.extend
    kind = extend(jsonschema.Draft202012Validator, {"pattern": pattern})
    return kind(json.loads(schema))


def _fits(validator: Any, arguments: Mapping[str, Any]) -> bool:
    try:
        return bool(validator.is_valid(arguments))
    except RecursionError:
        return False
