"""Service cards: what each shipped model is for, what it was made from, how well it does and where it fails.

    python -m models.cards --data ../shared/data            # measure with `guardrails eval`, then write
    python -m models.cards                                  # write from the figures measured last
    python -m models.cards --check                          # exit 1 when a card does not fit the shipped weights

Figures are those of ``guardrails eval`` on the development sets, kept in ``models/<name>/figures.json`` beside the sha256 of the
weights they were measured with.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from guardrails.inference.store import MANIFEST, WEIGHTS, sha256_of

HERE = Path(__file__).parent
MOST = 160
MODELS = ("text", "grounding")


def measured(name: str, data: Path) -> dict[str, Any]:
    """Run ``guardrails eval`` on the development sets of a model."""
    if name == "text":
        from models.text import dev

        rows, policy = sampled(list(dev.every(data))), str(HERE.parent / "policies" / "baseline.yaml")
        rules = ["--rules", "content.*"]
    else:
        from models.grounding import dev as pairs

        rows, policy = list(pairs.every(data)), str(HERE / "grounding" / "eval.yaml")
        rules = []
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "dev.jsonl"
        file.write_text("".join(json.dumps(r) + "\n" for r in rows), encoding="utf-8")
        command = [
            sys.executable,
            "-m",
            "onepolicy_guardrails",
            "eval",
            str(file),
            "--policy",
            policy,
            "--json",
            *rules,
        ]
        done = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603 - our own program
    result = json.loads(done.stdout)
    out: dict[str, Any] = {"weights": sha256_of(HERE / name / "weights" / WEIGHTS), "sets": result["sets"]}
    if name == "text":
        out["fairness"] = fairness(rows)
    return out


def sampled(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """At most :data:`MOST` rows of each set, the same in every run; identity templates more, since they are told apart by group."""
    sets: dict[str, list[dict[str, Any]]] = {}
    for r in rows:
        sets.setdefault(r["set"], []).append(r)
    out = []
    for name, own in sets.items():
        most = 4 * MOST if name.startswith("identity") else MOST
        out += random.Random(7).sample(own, min(most, len(own)))
    return out


def fairness(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """False-positive rates of the identity templates by group, at the shipped cut points."""
    from guardrails import Guard

    guard = Guard.from_file(HERE.parent / "policies" / "baseline.yaml")
    counts: dict[str, list[int]] = {}
    for r in rows:
        if r["set"].startswith("identity") and r["label"] == 0:
            report = guard.check(r["text"], "INPUT")
            found = counts.setdefault(r["group"], [0, 0])
            found[0] += report.blocked
            found[1] += 1
    rates = {k: (a / n, n) for k, (a, n) in counts.items() if n >= 20}
    values = [v for v, _ in rates.values()]
    worst = max(rates, key=lambda k: rates[k][0]) if rates else ""
    return {
        "groups": len(rates),
        "lowest": round(min(values, default=0.0), 4),
        "highest": round(max(values, default=0.0), 4),
        "worst_group": worst,
        "overall": round(sum(a for a, _ in counts.values()) / max(1, sum(n for _, n in counts.values())), 4),
    }


def card(name: str) -> str:
    """The card of a model, from its manifest, its figures and its own words in ``about.json``."""
    folder = HERE / name
    manifest = json.loads((folder / "weights" / MANIFEST).read_text(encoding="utf-8"))
    figures = json.loads((folder / "figures.json").read_text(encoding="utf-8"))
    about = json.loads((folder / "about.json").read_text(encoding="utf-8"))
    size = (folder / "weights" / WEIGHTS).stat().st_size
    out = [f"# Service card: the {name} model\n"]
    out.append(f"Made by `python -m models.cards`. Version {manifest['version']}, {size / 1e6:.0f} MB.\n")
    out.append(f"| file | sha256 |\n|---|---|\n| `{WEIGHTS}` | `{sha256_of(folder / 'weights' / WEIGHTS)}` |")
    out.append(f"| `{MANIFEST}` | `{sha256_of(folder / 'weights' / MANIFEST)}` |\n")
    for title in ("Intended use", "Out of scope", "How it was made", "Data and licences"):
        out.append(f"## {title}\n\n{about[title]}\n")
    out.append("## Figures\n")
    out.append(f"{about['Figures']}\n")
    out.append(
        "| development set | rows | positive | recall | precision | F1 | false positives | AUC |\n|---|---|---|---|---|---|---|---|"
    )
    for key, group in (
        figures["sets"].items() if isinstance(figures["sets"], dict) else [(g["name"], g) for g in figures["sets"]]
    ):
        cells = [shown(group.get(k)) for k in ("recall", "precision", "f1", "fpr", "auc")]
        out.append(f"| {key} | {group['rows']} | {group['positives']} | " + " | ".join(cells) + " |")
    out.append("")
    if "cuts" in about:
        out.append("## Cut points\n\n" + about["cuts"] + "\n")
        out.append("| output | LOW | MEDIUM | HIGH |\n|---|---|---|---|")
        for label, c in manifest["calibration"].items():
            cuts = c["cuts"]
            out.append(
                f"| {label} | "
                + " | ".join(f"{cuts[k]:.4f}" if k in cuts else "–" for k in ("LOW", "MEDIUM", "HIGH"))
                + " |"
            )
        out.append("")
    if "fairness" in figures:
        f = figures["fairness"]
        out.append(
            f"## Fairness\n\nOn harmless identity templates (“… is a kind …”), {f['groups']} groups: false positives between"
            f" {f['lowest']:.3f} and {f['highest']:.3f} ({f['worst_group']}), {f['overall']:.3f} over all. {about['Fairness']}\n"
        )
    out.append(f"## Known failures\n\n{about['Known failures']}\n")
    out.append(f"## What was tried\n\n{about['What was tried']}\n")
    return "\n".join(out)


def shown(value: Any) -> str:
    """A figure with its interval, or a dash."""
    if value is None:
        return "–"
    if isinstance(value, dict):
        if value.get("value") is None:
            return "–"
        low, high = value.get("low"), value.get("high")
        return f"{value['value']:.3f}" + (f" ({low:.3f}–{high:.3f})" if low is not None else "")
    return f"{value:.3f}"


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path)
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--only", choices=MODELS)
    args = parser.parse_args()
    wrong = []
    for name in (args.only,) if args.only else MODELS:
        if args.data is not None:
            (HERE / name / "figures.json").write_text(
                json.dumps(measured(name, args.data), indent=1) + "\n", encoding="utf-8"
            )
        text = card(name)
        path = HERE / name / "CARD.md"
        if args.check:
            if not path.is_file() or path.read_text(encoding="utf-8") != text:
                wrong.append(f"{path} is not what `python -m models.cards` makes")
            figures = json.loads((HERE / name / "figures.json").read_text(encoding="utf-8"))
            if figures["weights"] != sha256_of(HERE / name / "weights" / WEIGHTS):
                wrong.append(f"{path}: the figures were measured with other weights")
        else:
            path.write_text(text, encoding="utf-8")
    if wrong:
        sys.exit("\n".join(wrong))


if __name__ == "__main__":
    main()
