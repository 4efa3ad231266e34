"""What the heads of the text model say, in order, and how rows become targets."""

from __future__ import annotations

from typing import Any

import numpy as np

from models.text.rows import ATTACKS, CONTENT

# Content of what comes in and of what goes out is judged by separate outputs; so are commands given by a user and commands
# found in a document or tool result.
LABELS = (
    *(f"INPUT.{c}" for c in CONTENT),
    *(f"INPUT.{a}" for a in ATTACKS),
    *(f"OUTPUT.{c}" for c in CONTENT),
    "DOCUMENT.PROMPT_INJECTION",
)

# Labels that support each other when a text is judged, and by how much at most (see ``guardrails.inference.text.lifted``): by the
# logit that two equal ones gain together.
LIFT = {
    "groups": [
        [f"INPUT.{c}" for c in CONTENT],
        [f"INPUT.{a}" for a in ATTACKS],
        [f"OUTPUT.{c}" for c in CONTENT],
    ],
    "most": 0.6931,
}

# A tagged span counts from this mean probability of its tokens on: of 2,733 spans in held-out records and messages eight lie below,
# three of them right.
TAG_LEAST = 0.6

TAGGED = ("NAME", "ADDRESS", "AGE", "USERNAME", "PASSWORD", "ORGANIZATION", "LOCATION", "DATE_TIME", "ID")
TAGS = ("O", *(f"{p}-{t}" for t in TAGGED for p in "BI"))

# What an unmarked number or capitalised word may be, where a set does not mark these types.
_NUMBERS = {"ADDRESS", "AGE", "PASSWORD", "DATE_TIME", "ID"}
_CAPITALS = {"NAME", "ORGANIZATION", "LOCATION", "ADDRESS"}

# A negative says "none of these" with certainty; a positive label of a mixed set less so.
_WEIGHTS = {"safety": 0.8, "planted": 0.7}


def of_row(row: dict[str, Any]) -> tuple[np.ndarray, float]:
    """(targets, weight): 0, 1 or -1 (unknown) a label, then "any of the six" for input and for output."""
    target = np.full(len(LABELS) + 2, -1, np.float32)
    labels = row["labels"]
    side = row["source"]
    outside = row["role"] in ("document", "tool")
    for name, value in labels.items():
        if name == "ANY":
            target[len(LABELS) + (side == "OUTPUT")] = value
            continue
        key = f"{side}.{name}"
        if name in ATTACKS:
            if side == "OUTPUT" or (outside and name != "PROMPT_INJECTION"):
                continue
            if outside:
                key = "DOCUMENT.PROMPT_INJECTION"
        target[LABELS.index(key)] = value
    if target[len(LABELS)] == 0:  # "none of the six" says something about each
        target[:6] = 0
    return target, _WEIGHTS.get(row.get("set", ""), 1.0)


def tag_ids(offsets: np.ndarray, row: dict[str, Any]) -> np.ndarray:
    """A tag a token; where the row does not annotate a type, tokens that may be of it are not counted (-100)."""
    out = np.zeros(len(offsets), np.int64)
    if (known := row.get("known")) is not None:
        missing = set(TAGGED) - set(known)
        text = row["text"]
        for i, (start, end) in enumerate(offsets):
            word = text[start:end]
            if (
                (missing & _NUMBERS and any(c.isdigit() for c in word))
                or (missing & _CAPITALS and word[:1].isupper() and start > 0)
                or ("USERNAME" in missing and (word == "@" or text[max(0, start - 1)] in "@_"))
            ):
                out[i] = -100
    for start, end, kind in row["spans"]:
        if kind not in TAGGED:
            continue
        inside = np.flatnonzero((offsets[:, 0] < end) & (offsets[:, 1] > start))
        if len(inside):
            out[inside] = TAGS.index(f"I-{kind}")
            out[inside[0]] = TAGS.index(f"B-{kind}")
    return out
