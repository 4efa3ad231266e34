"""From logits on development rows to probabilities and cut points: shared by the small model and by the cascade.

Scores become probabilities by a line through the logits (Platt 1999), fitted on rows of held-out groups. Cut points are the
lowest probabilities at which no more than a stated share of harmless texts is flagged, pool by pool.
"""

from __future__ import annotations

import math
from collections import defaultdict
from typing import Any

import numpy as np

from models.text.labels import LABELS, of_row
from models.text.rows import ATTACKS, CONTENT, Row

# Level → pool of harmless texts → the share of it that all filters of a direction together may flag.
RATES: dict[str, dict[str, float]] = {
    "LOW": {"ordinary": 0.01, "expert": 0.025, "strange": 0.1, "alike": 0.04, "social": 0.15, "answers": 0.08, "documents": 0.006, "made": 0.05, "twins": 0.06, "wrapped": 0.12, "messages": 0.03},
    "MEDIUM": {"ordinary": 0.005, "expert": 0.012, "strange": 0.05, "alike": 0.02, "social": 0.075, "answers": 0.04, "documents": 0.003, "made": 0.025, "twins": 0.03, "wrapped": 0.06, "messages": 0.015},
    "HIGH": {"ordinary": 0.002, "expert": 0.005, "strange": 0.015, "alike": 0.008, "social": 0.025, "answers": 0.015, "documents": 0.001, "made": 0.01, "twins": 0.012, "wrapped": 0.025, "messages": 0.006},
}  # fmt: skip
# The part of a rate that thresholds spend while they are the same for all labels; the rest goes to those that gain most.
TOGETHER = 0.85
# Exchanges of false positives between labels that are tried after that.
SWAPS = 2500
# The pools that a direction is judged on; "made" are held-out harmless rows of the grammars, "twins" and "wrapped" written ones.
POOLS = {
    "INPUT": ("ordinary", "expert", "strange", "alike", "social", "records", "twins", "wrapped", "messages", "made"),
    "OUTPUT": ("ordinary", "expert", "strange", "answers", "documents", "records", "twins", "made"),
    "DOCUMENT": ("documents", "records", "twins", "made"),
}
# Held-out rows of public sets and grammars that are read.
HELD = 5000
# Scores read as probabilities where one text in ten is harmful.
PREVALENCE = 0.1
ORDINARY = ("ordinary", "bank customers", "short requests")
# Hard prompts and requests about security: more of them look harmful, and they are not what most people send.
EXPERT = ("hard prompts", "security requests")


# The logit of a text that a model did not read: it never fires.
NEVER = -30.0
# No level below this probability, whatever the rates allow.
FLOOR = 0.2
# Software's own sentences ("The password field must not be empty.") look like games for a secret, and no development set has them.
FLOORS = {"INPUT.PROMPT_LEAKAGE": 0.955}
# What the small model alone needs besides, after all is chosen: "Give 5 mg twice a day" scores .94 as SELF_HARM, and no development set has
# prescriptions either.
LEAST = {"INPUT.SELF_HARM": 0.95, "INPUT.PROMPT_LEAKAGE": 0.98}


def pool(row: Row) -> str:
    """What kind of harmless text a development row is."""
    name = row["set"]
    if name.startswith("real documents"):
        return "documents"
    if name.endswith("(written)"):
        if name.startswith(("wrapped", "attacks")):
            return "wrapped"
        return "messages" if name.startswith("ordinary") else "twins"
    if row["source"] == "OUTPUT":
        return "answers"
    if "creative" in name:
        return "strange"
    if name.startswith(ORDINARY):
        return "ordinary"
    if name.startswith(EXPERT):
        return "expert"
    if name.startswith("records"):
        return "records"
    if name.startswith("documents") or row.get("role") == "tool":
        return "documents"
    if name.startswith(("safe look-alikes", "trigger", "injections")):
        return "alike"
    return "identity" if name.startswith("identity") else "social"


def side_of(row: Row) -> str:
    """INPUT, OUTPUT or DOCUMENT: which outputs judge a row."""
    return "DOCUMENT" if row.get("role") in ("document", "tool") else str(row["source"])


def labels_for(row: Row) -> list[str]:
    """The labels that content filters ask for in a row of that direction and role."""
    side = row["source"]
    out = [f"{side}.{c}" for c in CONTENT]
    if side_of(row) == "DOCUMENT":
        return [*out, "DOCUMENT.PROMPT_INJECTION"]
    return out if side == "OUTPUT" else [*out, *(f"INPUT.{a}" for a in ATTACKS)]


def platt(z: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    """Scale and bias of a logistic regression on one logit, by damped Newton steps; targets smoothed as Platt did.

    The positives weigh :data:`PREVALENCE` of all, so that a score is a probability where that share of the texts is harmful.
    """
    positives, negatives = float(y.sum()), float(len(y) - y.sum())
    t = np.where(y > 0, (positives + 1) / (positives + 2), 1 / (negatives + 2))
    weight = np.where(y > 0, PREVALENCE / max(positives, 1), (1 - PREVALENCE) / max(negatives, 1)) * 1000
    a, b = 0.5, 0.0

    def loss(a: float, b: float) -> float:
        m = np.clip(a * z + b, -60, 60)
        return float((weight * (np.logaddexp(0, m) - t * m)).sum() + 0.5 * (a - 0.5) ** 2)

    for _ in range(200):
        p = 1 / (1 + np.exp(-np.clip(a * z + b, -60, 60)))
        w = weight * p * (1 - p) + 1e-9
        gradient = np.array([(weight * (p - t) * z).sum() + (a - 0.5), (weight * (p - t)).sum()])
        hessian = np.array([[(w * z * z).sum() + 1, (w * z).sum()], [(w * z).sum(), w.sum() + 1e-3]])
        step = np.linalg.solve(hessian, gradient)
        size = 1.0
        while size > 1e-4 and loss(a - size * step[0], b - size * step[1]) > loss(a, b):
            size /= 2
        a, b = a - size * step[0], b - size * step[1]
        if np.abs(size * step).max() < 1e-6:
            break
    return float(max(a, 0.05)), float(b)


def calibrated_error(z: np.ndarray, y: np.ndarray, bins: int = 10) -> tuple[float, list[list[float]]]:
    """(expected calibration error, [[mean score, share harmful, weight] a bin]): Platt's line fitted on one half, measured on the other.

    Rows weigh as in :func:`platt`. The error is the mean distance of a bin's score from its share (Guo et al. 2017).
    """
    order = np.random.default_rng(3).permutation(len(z))
    halves = order[::2], order[1::2]
    p = np.zeros(len(z))
    for fitted, read in (halves, halves[::-1]):
        a, b = platt(z[fitted], y[fitted])
        p[read] = 1 / (1 + np.exp(-np.clip(a * z[read] + b, -60, 60)))
    w = np.where(y > 0, PREVALENCE / max(1, (y > 0).sum()), (1 - PREVALENCE) / max(1, (y == 0).sum()))
    out, error = [], 0.0
    for i in range(bins):
        mine = (p >= i / bins) & ((p < (i + 1) / bins) | (i == bins - 1))
        if mine.any():
            score, share_, mass = (
                float((p * w)[mine].sum() / w[mine].sum()),
                float((w * (y > 0))[mine].sum() / w[mine].sum()),
                float(w[mine].sum()),
            )
            out.append([round(score, 4), round(share_, 4), round(mass, 4)])
            error += mass * abs(score - share_)
    return round(error, 4), out


def raise_to(least: dict[str, float], calibration: dict[str, Any]) -> None:
    """No cut point of these labels below ``least``; the levels stay in order."""
    for label, value in least.items():
        cuts = calibration[label]["cuts"]
        for step, level in enumerate(("LOW", "MEDIUM", "HIGH")):
            cuts[level] = max(cuts[level], round(value + step * 1e-5, 6))


def cut(scores: np.ndarray, rate: float) -> float:
    """The lowest threshold that at most a share ``rate`` of ``scores`` reaches."""
    ordered = np.sort(scores)[::-1]
    allowed = int(rate * len(ordered))
    return float(ordered[allowed]) if len(ordered) > allowed else -np.inf


def allotted(
    pools: dict[str, np.ndarray],
    rates: dict[str, float],
    positives: list[np.ndarray],
    start: np.ndarray,
    least: np.ndarray,
) -> np.ndarray:
    """Thresholds [labels] that spend the false positives where they buy most recall.

    ``pools`` hold the logits [texts, labels] of harmless texts, ``positives`` those of each label's harmful ones. From ``start``
    downwards, first all thresholds come down to one logit that spends most of some rate. Then one threshold at a time is lowered a
    little: that which gains most recall (over labels, weighed by the root of their texts, whichever label fires) for the largest part of a rate that it
    uses up, as long as all labels together stay within every rate, and none goes below ``least``.
    """

    def caught(at: np.ndarray) -> float:
        return float(sum((z >= at).any(axis=1).mean() * math.sqrt(len(z)) for z in positives if len(z)))

    def spent(at: np.ndarray) -> np.ndarray:
        return np.array([(z >= at).any(axis=1).mean() / rates[name] for name, z in pools.items() if len(z)])

    cuts = start.copy()
    for line in np.arange(12, -6, -0.05):
        lower = np.maximum(least, np.minimum(start, line))
        if (spent(lower) > TOGETHER).any():
            break
        cuts = lower
    gained, used = caught(cuts), spent(cuts)
    while True:
        best: tuple[float, np.ndarray] | None = None
        for j in range(len(cuts)):
            for step in (0.1, 0.3, 1.0):
                lower = cuts.copy()
                lower[j] -= step
                if lower[j] < least[j]:
                    continue
                more, now = caught(lower) - gained, spent(lower)
                if more <= 0:
                    continue
                if (now <= 1).all():
                    worth = more / (float((now - used).max()) + 1e-3)
                    if best is None or worth > best[0]:
                        best = worth, lower
                break
        if best is None:
            break
        cuts = best[1]
        gained, used = caught(cuts), spent(cuts)
    # What is spent well is not spent best: one threshold goes up so that others may go down, as long as recall grows.
    chance = np.random.default_rng(4)
    for _ in range(SWAPS):
        other = cuts.copy()
        up, *down = chance.permutation(len(cuts))[: 2 + chance.integers(2)] if len(cuts) > 2 else (0, 0)
        other[up] = min(start[up], other[up] + chance.choice((0.1, 0.2, 0.5, 1.0)))
        for j in down:
            other[j] = max(least[j], other[j] - chance.choice((0.1, 0.2, 0.4, 0.8)))
        if (spent(other) <= 1).all() and (more := caught(other)) > gained:
            cuts, gained = other, more
    return cuts


def calibrated(
    rows: list[Row],
    held: list[Row],
    z_dev: np.ndarray,
    z_held: np.ndarray,
    rates_of: dict[str, dict[str, float]] = RATES,
) -> tuple[dict[str, Any], dict[str, Any]]:
    """(calibration, reliability) by label, from the highest logits of each text [rows, labels] and [held rows, labels]."""
    calibration: dict[str, Any] = {}
    targets = np.stack([of_row(r)[0] for r in held])
    pools: dict[str, list[int]] = defaultdict(list)
    sides: dict[str, list[str]] = defaultdict(list)
    seen: set[str] = set()
    for i, r in enumerate(rows):
        if r["label"] == 0 and (pool(r) not in ("ordinary", "expert") or r["text"][:64] not in seen):
            # One set holds dozens of variations of a single sentence; a pool of them would say little about anything else.
            seen.add(r["text"][:64])
            pools[pool(r)].append(i)
            sides[pool(r)].append(side_of(r))
    direction = np.array([side_of(r) for r in held])
    made = np.array(
        [r["set"] not in ("safety", "response_sets", "attack_sets") and not any(r["labels"].values()) for r in held]
    )
    public = np.array([r["set"] in ("safety", "response_sets", "attack_sets") for r in held])
    own_rows = [i for i, r in enumerate(rows) if r["set"].endswith("(written)")]
    own_targets = np.stack([of_row(rows[i])[0] for i in own_rows])
    own_sides = np.array([side_of(rows[i]) for i in own_rows])
    z_own = z_dev[own_rows]
    chance = np.random.default_rng(5)
    reliability: dict[str, Any] = {}
    for side, names in POOLS.items():
        mine = [x for x in LABELS if x.startswith(side + ".")]
        columns = [LABELS.index(x) for x in mine]
        # Twins, messages and documents count on the side that they are on; other pools of user texts on any but the document's.
        own: dict[str, np.ndarray] = {}
        for name in names:
            if name == "made":
                continue
            chosen = [
                i
                for i, s in zip(pools[name], sides[name], strict=True)
                if s == side or name not in ("twins", "documents", "wrapped", "messages")
            ]
            own[name] = z_dev[np.array(chosen, int)][:, columns]
        own["made"] = z_held[made & (direction == side)][:, columns]
        # Harmful texts: written ones, and as many of public sets.
        positives = []
        for label, j in zip(mine, columns, strict=True):
            theirs = np.flatnonzero(public & (targets[:, j] == 1))
            ours = z_own[own_targets[:, j] == 1]
            theirs = chance.permutation(theirs)[: max(60, len(ours))]
            positives.append(np.concatenate([ours, z_held[theirs]])[:, columns])
            harmless = np.concatenate([z for name, z in own.items() if name not in ("records", "made")])
            z = np.concatenate(
                [
                    positives[-1][:, mine.index(label)],
                    z_own[(own_targets[:, j] == 0) & (own_sides == side)][:, j],
                    harmless[:, mine.index(label)],
                ]
            )
            y = np.arange(len(z)) < len(positives[-1])
            z, y = z[~y | (z > NEVER)], y[~y | (z > NEVER)]
            a, b = platt(z, y)
            error, bins = calibrated_error(z, y)
            reliability[label] = {"rows": len(z), "positives": len(positives[-1]), "ece": error, "bins": bins}
            calibration[label] = {"scale": round(a, 5), "bias": round(b, 5), "length": 0.0, "cuts": {}}
        # From here on in log-odds of the calibrated probabilities, which compare between labels.
        scale = np.array([calibration[x]["scale"] for x in mine])
        bias = np.array([calibration[x]["bias"] for x in mine])
        own = {name: scale * z + bias for name, z in own.items()}
        positives = [scale * z + bias for z in positives]
        floors = np.array([FLOORS.get(x, FLOOR) for x in mine])
        least = np.log(floors / (1 - floors))
        at = np.maximum(least, np.array([z.max() for z in positives]) + 1)
        for level in ("HIGH", "MEDIUM", "LOW"):
            rates = {"records": rates_of[level]["ordinary"], **rates_of[level]}
            at = allotted(own, rates, positives, at, least)
            for label, z in zip(mine, at, strict=True):
                c = calibration[label]
                p = 1 / (1 + math.exp(-min(40, max(-40, z))))
                c["cuts"][level] = min(0.9999, max(FLOOR, round(p - 5e-7, 6)))
            shares = {name: round(float((zz >= at).any(axis=1).mean()), 4) for name, zz in own.items() if len(zz)}
            print(f"{side} {level}: flagged {shares}")
    print({k: v["ece"] for k, v in reliability.items()})
    for c in calibration.values():  # three levels, each above the one below
        c["cuts"]["MEDIUM"] = max(c["cuts"]["MEDIUM"], round(c["cuts"]["LOW"] + 1e-5, 6))
        c["cuts"]["HIGH"] = max(c["cuts"]["HIGH"], round(c["cuts"]["MEDIUM"] + 1e-5, 6))
    for j, label in enumerate(LABELS):
        c = calibration[label]
        harmful = np.concatenate([z_held[targets[:, j] == 1, j], z_own[own_targets[:, j] == 1, j]])
        p = 1 / (1 + np.exp(-np.clip(c["scale"] * harmful + c["bias"], -40, 40)))
        shown = " ".join(f"{k} {v:.4f} (recall {np.mean(p >= v):.2f})" for k, v in c["cuts"].items())
        print(f"{label:28s} scale {c['scale']:.2f} bias {c['bias']:+.2f}  {shown}")
    return calibration, reliability
