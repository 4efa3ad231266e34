"""Tokenised rows, and batches of alike lengths."""

from __future__ import annotations

import random
from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from guardrails.inference.tokens import Tokeniser, Tokens

MAX_TOKENS = 256  # a row; a query takes at most a third of it
BATCH_TOKENS = 4096


class Example:
    """One tokenised row."""

    __slots__ = ("cases", "ids", "own", "tags", "target", "teacher", "types", "weight")

    def __init__(self, ids: np.ndarray, types: np.ndarray, cases: np.ndarray, own: np.ndarray) -> None:
        self.ids, self.types, self.cases, self.own = ids, types, cases, own
        self.target: np.ndarray | None = None
        self.tags: np.ndarray | None = None
        self.teacher: np.ndarray | None = None
        self.weight = 1.0


def frame(
    tokeniser: Tokeniser, text: Tokens, query: Tokens | None, rng: random.Random, limit: int = MAX_TOKENS
) -> Example:
    """[CLS] query [SEP] text [SEP]; a text that is too long is cut to a random window, so that no place in it is special."""
    asked = query.ids[: limit // 3] if query is not None else np.empty(0, np.int32)
    room = limit - 2 - (len(asked) + 1 if query is not None else 0)
    start = rng.randrange(len(text) - room + 1) if len(text) > room else 0
    own_ids, own_cases = text.ids[start : start + room], text.cases[start : start + room]
    head = [tokeniser.first, *asked, tokeniser.separator] if query is not None else [tokeniser.first]
    ids = np.concatenate((head, own_ids, [tokeniser.separator])).astype(np.int64)
    kind = 1 if query is not None else 0
    types = np.full(len(ids), kind, np.int64)
    types[: len(head)] = 0
    cases = np.zeros(len(ids), np.int64)
    if query is not None:
        cases[1 : 1 + len(asked)] = query.cases[: len(asked)]
    cases[len(head) : len(head) + len(own_ids)] = own_cases
    own = np.zeros(len(ids), bool)
    own[len(head) : len(head) + len(own_ids)] = True
    return Example(ids, types, cases, own)


def collate(examples: list[Example], padding: int) -> dict[str, Tensor]:
    """Padded tensors of a batch."""
    width = max(len(e.ids) for e in examples)
    shape = (len(examples), width)
    ids, types, cases = np.full(shape, padding, np.int64), np.zeros(shape, np.int64), np.zeros(shape, np.int64)
    mask, own = np.zeros(shape, bool), np.zeros(shape, bool)
    for i, e in enumerate(examples):
        n = len(e.ids)
        ids[i, :n], types[i, :n], cases[i, :n], mask[i, :n], own[i, :n] = e.ids, e.types, e.cases, True, e.own
    out = {"ids": ids, "types": types, "cases": cases, "mask": mask, "own": own}
    if examples[0].target is not None:
        out["target"] = np.stack([e.target for e in examples])
        out["weight"] = np.array([e.weight for e in examples], np.float32)
    if examples[0].tags is not None:
        tags = np.full(shape, -100, np.int64)
        for i, e in enumerate(examples):
            tags[i, : len(e.tags)] = e.tags
        out["tags"] = tags
    if any(e.teacher is not None for e in examples):
        hidden = next(len(e.teacher) for e in examples if e.teacher is not None)
        out["teacher"] = np.stack(
            [e.teacher if e.teacher is not None else np.zeros(hidden, np.float16) for e in examples]
        ).astype(np.float32)
    return {k: torch.from_numpy(v) for k, v in out.items()}


def by_length(examples: list[Example], rng: random.Random, budget: int) -> list[list[Example]]:
    """Batches of alike lengths within a budget of tokens, in random order."""
    order = sorted(examples, key=lambda e: len(e.ids) + rng.random() * 6)
    out: list[list[Example]] = []
    batch: list[Example] = []
    for e in order:
        if batch and (len(batch) + 1) * max(len(e.ids), len(batch[-1].ids)) > budget:
            out.append(batch)
            batch = []
        batch.append(e)
    if batch:
        out.append(batch)
    rng.shuffle(out)
    return out


def tokenise(tokeniser: Tokeniser, texts: list[str]) -> Iterator[Tokens]:
    """Tokens of each text, in portions."""
    for i in range(0, len(texts), 2000):
        yield from tokeniser(texts[i : i + 2000])
