"""Configurations generated from botocore's own service model."""

from __future__ import annotations

from functools import cache
from typing import Any

import botocore.loaders
import botocore.model
import re2
from hypothesis import strategies as st


@cache
def model() -> botocore.model.ServiceModel:
    loader = botocore.loaders.Loader()
    return botocore.model.ServiceModel(loader.load_service_model("bedrock", "service-2"))


# Members whose items must differ in one field: a guardrail names a filter, type or list once.
UNIQUE = {
    "filtersConfig": "type", "piiEntitiesConfig": "type", "managedWordListsConfig": "type", "topicsConfig": "name",
    "regexesConfig": "name", "filters": "type", "piiEntities": "type", "managedWordLists": "type", "topics": "name", "regexes": "name",
}  # fmt: skip
PATTERNS = st.sampled_from([r"\d{8}", r"[A-Z]{3}-\d+", r"(?i)acct[ :]*\w+", r"\bX\w{4}\b", "é+", "a|b", r"[^\s]+@corp"])
TEXT = st.characters(blacklist_categories=("Cs", "Cc", "Cn", "Zl", "Zp"), blacklist_characters="\ufeff")


def strategy(shape: Any, name: str = "") -> st.SearchStrategy[Any]:
    """Valid values of a shape."""
    kind = shape.type_name
    if kind == "structure":
        required = {m: strategy(shape.members[m], m) for m in shape.required_members}
        optional = {m: strategy(s, m) for m, s in shape.members.items() if m not in shape.required_members}
        return st.fixed_dictionaries(required, optional=optional)
    if kind == "list":
        low = max(int(shape.metadata.get("min", 0)), 1 if name in UNIQUE else 0)
        high = min(int(shape.metadata.get("max", 4)), 4)
        key = UNIQUE.get(name)
        unique = (lambda item: item[key]) if key else None
        return st.lists(strategy(shape.member, name), min_size=low, max_size=max(high, low), unique_by=unique)
    if kind == "string":
        return text(shape, name)
    if kind == "boolean":
        return st.booleans()
    if kind in ("double", "float"):
        return (
            st.floats(0, 0.99).map(lambda x: round(x, 4))
            if name == "threshold"
            else st.floats(0, 1).map(lambda x: round(x, 4))
        )
    if kind in ("integer", "long"):
        return st.integers(0, 1000)
    if kind == "timestamp":
        return st.datetimes(min_value=__import__("datetime").datetime(2020, 1, 1))
    raise NotImplementedError(kind)


def text(shape: Any, name: str) -> st.SearchStrategy[str]:
    if getattr(shape, "enum", None):
        return st.sampled_from(shape.enum)
    low, high = int(shape.metadata.get("min", 0)), min(int(shape.metadata.get("max", 40)), 40)
    if name == "pattern":
        return PATTERNS.filter(lambda p: re2.compile(p) is not None)
    pattern = shape.metadata.get("pattern")
    if pattern:
        return st.from_regex(pattern, fullmatch=True).filter(
            lambda t: low <= len(t) <= int(shape.metadata.get("max", 10**6)) and t.strip() == t != ""
        )
    return (
        st.text(TEXT, min_size=max(low, 1), max_size=max(high, 1))
        .map(str.strip)
        .filter(lambda t: len(t) >= max(low, 1) and any(c.isalnum() for c in t))
    )
