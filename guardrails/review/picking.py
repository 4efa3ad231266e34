"""Which texts to label: those near a cut point, where a label decides most, and unlike each other, so that each says something new."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from guardrails.calibration import Calibration, scored
from guardrails.calibration.suggesting import spread
from guardrails.errors import GuardrailsError
from guardrails.evaluation import Data, Row
from guardrails.evaluation.run import Line
from guardrails.rules import Policy
from guardrails.scanning.sources import Shard, extra, rows
from guardrails.types import Source

__all__ = ["picked", "picked_of_scan"]

# Of how many near texts, for each that is wanted, those that differ most are taken; and of how many at least.
_OF, _LEAST = 5, 100


def picked(policy: Policy, data: Data, lines: Sequence[Line], rule: str | None = None, most: int = 50) -> list[Row]:
    """Up to ``most`` rows of ``data``, of which ``lines`` are the predictions, in the order in which to label them.

    The first is nearest to the cut point of ``rule`` (None: of any rule); each further one is near, and far in meaning from those before. Rows
    that the rule did not judge are left out. Raises GuardrailsError for a rule without a cut point, and where no row was judged.
    """
    by_line = {row.line: row for row in data.rows}
    near = _nearest(scored(policy, data, lines), rule, most)
    return _spread([(by_line[line], distance) for line, distance in near.items()], most)


def picked_of_scan(folder: str, policy: Policy, rule: str | None = None, most: int = 50) -> list[Row]:
    """As :func:`picked`, of the rows of a finished ``guardrails scan``; ``folder`` is its ``--out``. Texts are read where the scan read them.

    Raises GuardrailsError where the scan was made under another policy or its rows have no scores.
    """
    fs, out = extra().core.url_to_fs(folder)
    if not fs.exists(f"{out}/summary.json"):
        raise GuardrailsError(f"{folder}: there is no finished scan in this folder")
    said = json.loads(fs.cat_file(f"{out}/scan.json"))
    if said["policy"] != policy.identity.sha256:
        raise GuardrailsError(
            f"{folder}: the scan was made under another policy ({said['policy'][:12]}, this is {policy.identity.sha256[:12]}); scan again"
        )
    source, places, lines = Source(said["direction"]), [], []
    for place, line in _results(fs, out, folder):
        places.append(place)
        lines.append(line)
    # Texts are read of those rows only that may be taken.
    blank = [Row(i, "", source) for i in range(len(places))]
    near = _nearest(scored(policy, Data(Path(folder), policy.identity.sha256, tuple(blank)), lines), rule, most)
    wanted = {places[i]: i for i in near}
    texts = dict(_texts(map(_shard, said["shards"]), said["text"], wanted))
    return _spread([(replace(blank[i], text=texts[i]), near[i]) for i in near if i in texts], most)


def _nearest(found: Calibration, rule: str | None, most: int) -> dict[int, float]:
    """Lines of the rows nearest to a cut point, nearest first, and how far each is from it."""
    dials = [found.of(rule)] if rule is not None else list(found.scores.values())
    best: dict[int, float] = {}
    for _, scores in dials:
        for line, margin in zip(scores.lines.tolist(), np.abs(scores.margin(scores.current)).tolist(), strict=True):
            best[line] = min(margin, best.get(line, 1.0))
    if not best:
        raise GuardrailsError("no rule with a cut point judged these texts: label them in the order in which they are")
    order = sorted(best.items(), key=lambda pair: (pair[1], pair[0]))
    return dict(order[: max(_OF * most, _LEAST)])


def _spread(near: Iterable[tuple[Row, float]], most: int) -> list[Row]:
    each = list({row.text: (row, distance) for row, distance in reversed(list(near))}.values())[::-1]
    order = spread([row.text for row, _ in each], [1 - distance for _, distance in each], most)
    return [each[i][0] for i in order]


def _results(fs: Any, out: str, folder: str) -> Iterator[tuple[tuple[str, int], Line]]:
    """The place of each row that was checked, and what was found."""
    for name in sorted(fs.find(f"{out}/results")):
        with fs.open(name, "rb") as file:
            for raw in file:
                line = json.loads(raw)
                if line["action"] is None:
                    continue
                if "scores" not in line:
                    raise GuardrailsError(f"{folder}: the scan was made by a release that kept no scores; scan again")
                yield (line["file"], line["row"]), line


def _shard(said: Mapping[str, Any]) -> Shard:
    return Shard(**said)


def _texts(shards: Iterable[Shard], column: str, wanted: Mapping[tuple[str, int], int]) -> Iterator[tuple[int, str]]:
    paths = {path for path, _ in wanted}
    for shard in shards:
        if shard.path not in paths:
            continue
        for number, row in rows(shard):
            at = wanted.get((shard.path, number))
            if at is not None and isinstance(row, dict) and isinstance(row.get(column), str):
                yield at, row[column]
