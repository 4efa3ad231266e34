"""Whether a rewritten value still fits the JSON Schema that its sender gave for it.

The schema is a stranger's: its patterns run on RE2 in linear time, nothing is fetched, and what takes too long is no proof.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import orjson
import re2
from jsonschema import Draft202012Validator, ValidationError
from jsonschema.validators import extend, validator_for
from referencing import Registry

from guardrails.content import Deadline

__all__ = ["still_valid"]

_Keyword = Callable[[Any, Any, Any, Any], Iterator[ValidationError]]


def still_valid(schema: Any, before: Any, after: Any, deadline: Deadline) -> bool:
    """True unless ``after`` breaks a schema that ``before`` kept to. False where nobody can tell: a schema that is none, refers to
    something outside itself, or takes longer than ``deadline``."""
    try:
        kind = validator_for(schema, default=Draft202012Validator)
        checked = extend(kind, _keywords(kind, deadline))  # type: ignore[no-untyped-call]
        one = checked(schema, registry=Registry(), format_checker=kind.FORMAT_CHECKER)
        return bool(one.is_valid(after) or not one.is_valid(before))
    except Exception:  # a stranger's schema can make a validator raise anything, and then nothing is known
        return False


def _keywords(kind: Any, deadline: Deadline) -> dict[str, _Keyword]:
    def timed(name: str) -> _Keyword:
        plain: _Keyword = kind.VALIDATORS[name]

        def check(validator: Any, value: Any, instance: Any, schema: Any) -> Iterator[ValidationError]:
            deadline.check()  # only references make more work of a schema than it is long
            yield from plain(validator, value, instance, schema) or ()

        return check

    def properties(validator: Any, value: Any, instance: Any, _: Any) -> Iterator[ValidationError]:
        if isinstance(instance, dict):
            for pattern, inner in value.items():
                found = re2.compile(pattern)
                for name, item in instance.items():
                    if found.search(name):
                        yield from validator.descend(item, inner, path=name, schema_path=pattern)

    references = [name for name in ("$ref", "$dynamicRef", "$recursiveRef") if name in kind.VALIDATORS]
    return {
        **{name: timed(name) for name in references},
        "pattern": _pattern,
        "patternProperties": properties,
        "uniqueItems": _unique,
    }


def _pattern(_: Any, value: Any, instance: Any, __: Any) -> Iterator[ValidationError]:
    if isinstance(instance, str) and not re2.compile(value).search(instance):
        yield ValidationError("a pattern does not match")


def _unique(_: Any, value: Any, instance: Any, __: Any) -> Iterator[ValidationError]:
    if value and isinstance(instance, list):
        seen = {orjson.dumps(item, option=orjson.OPT_SORT_KEYS) for item in instance}
        if len(seen) < len(instance):
            yield ValidationError("an item is there twice")
