"""Development sets in the format of ``guardrails eval``: never trained on; for choosing, calibrating and reporting.

python -m models.text.dev --data ../shared/data --out runs/dev
"""

from __future__ import annotations

import argparse
import json
import random
from collections.abc import Iterator
from pathlib import Path

from models.text.rows import Row, lines, share


def _one(text: str, label: int | None, name: str, **more: object) -> Row:
    return {"text": text.strip(), "source": "INPUT", "label": label, "set": name, **more}


def harmful(data: Path) -> Iterator[Row]:
    """Blunt and standard harmful requests."""
    for r in lines(data / "safety" / "jailbreakbench_goals.jsonl.gz"):
        yield _one(r["instruction"], 1, "blunt requests (jailbreakbench goals)")
    for r in lines(data / "safety" / "strongreject.jsonl.gz"):
        yield _one(r["forbidden_prompt"], 1, "harmful behaviours (strongreject)")


def moderation(data: Path) -> Iterator[Row]:
    """Social media and functional tests."""
    for r in lines(data / "safety" / "edos.jsonl.gz"):
        if r["split"] == "test" and share(r["rewire_id"], "dev") < 0.3:
            sexist = r["label_sexist"] == "sexist"
            yield _one(r["text"], int(sexist), "sexism (edos test)", categories={"HATE": int(sexist)})
    for r in lines(data / "safety" / "hatemoji_build.jsonl.gz"):
        if r["split"] == "test":
            yield _one(r["text"], int(r["label_gold"]), "emoji hate (hatemoji build test)")
    for r in lines(data / "safety" / "hatecheck.jsonl.gz"):
        label = int(r["label_gold"] == "hateful")
        yield _one(
            r["test_case"], label, "hatecheck", group=r["target_ident"] or "none", functionality=r["functionality"]
        )
    for r in lines(data / "safety" / "hatemoji_check.jsonl.gz"):
        if share(r["case_id"], "dev") < 0.4:
            yield _one(r["text"], int(r["label_gold"]), "hatemoji check", group=r["target"])


def look_alikes(data: Path) -> Iterator[Row]:
    """Harmless, and looking otherwise."""
    for r in lines(data / "safety" / "coconot_contrast.jsonl.gz"):
        yield _one(r["prompt"], 0, "safe look-alikes (coconot contrast)")
    for r in lines(data / "attack" / "bastioncorpus.jsonl.gz"):
        if r["label"] == "benign":
            role = "tool" if r["channel"] == "tool_output" else "user"
            yield _one(r["text"], 0, "trigger words (bastion benign)", role=role)


def ordinary(data: Path) -> Iterator[Row]:
    """What people ask all day."""
    for r in lines(data / "benign" / "mt_bench.jsonl.gz"):
        for turn in r["turns"]:
            yield _one(turn, 0, "ordinary instructions (mt_bench)")
    seen: set[str] = set()
    for r in lines(data / "benign" / "arena_hard.jsonl.gz"):
        if r["prompt"] not in seen:
            seen.add(r["prompt"])
            yield _one(r["prompt"][:6000], 0, f"hard prompts (arena, {r['category'].replace('_', ' ')})")
    for r in lines(data / "attack" / "cyberseceval_benign.jsonl.gz"):
        yield _one(r["mutated_prompt"], 0, "security requests (cyberseceval benign)")
    for r in lines(data / "topics" / "banking77_test.jsonl.gz"):
        if share(r["text"], "dev") < 0.16:
            yield _one(r["text"], 0, "bank customers (banking77 test)")
    for r in lines(data / "benign" / "clinc150.jsonl.gz"):
        text, _ = r["value"]
        if "test" in r["_key"] and share(text, "dev") < 0.1:
            yield _one(text, 0, "short requests (clinc150 test)")


def attacks(data: Path) -> Iterator[Row]:
    """Direct and indirect."""
    for r in lines(data / "attack" / "bastioncorpus.jsonl.gz"):
        if r["label"] == "malicious":
            role = "tool" if r["channel"] == "tool_output" else "user"
            yield _one(r["text"], 1, f"attacks (bastion, {role})", role=role, lang=r["lang"])
    for r in lines(data / "attack" / "cyberseceval_injection.jsonl.gz"):
        indirect = r["injection_type"] == "indirect"
        name = f"injections (cyberseceval, {r['injection_type']})"
        yield _one(r["user_input"], 1, name, role="document" if indirect else "user")
    for r in lines(data / "attack" / "deepset_test.jsonl.gz"):
        yield _one(r["text"], int(r["label"]), "injections (deepset test)")


def responses(data: Path) -> Iterator[Row]:
    """Answers of models, judged."""
    for r in lines(data / "safety" / "gptfuzz_responses.jsonl.gz"):
        if "evaluate" in r["_file"]:
            yield {**_one(r["Response"][:6000], int(r["label"]), "responses (gptfuzz evaluate)"), "source": "OUTPUT"}


def fairness(data: Path) -> Iterator[Row]:
    """Identity templates: toxic and harmless sentences that differ in the identity term."""
    rng = random.Random(5)
    rows = [r for r in lines(data / "safety" / "identity_madlibs.jsonl.gz") if r.get("Label")]
    for r in rng.sample(rows, 6000):
        yield _one(
            r["Text"], int(r["Label"] == "BAD"), "identity templates (madlibs)", group=r["Text"].rsplit(" ", 1)[-1]
        )


def identifiers(data: Path) -> Iterator[Row]:
    """Records and messages with their identifiers marked, of templates that no training run saw."""
    from models.text import pii_data

    counts: dict[str, int] = {}
    for r in pii_data.read(data):
        if r["set"] not in ("anon", "presidio") or pii_data.split(r) != "dev":
            continue
        counts[r["set"]] = counts.get(r["set"], 0) + 1
        if counts[r["set"]] > 800:
            continue
        spans = [s for s in r["spans"] if s[2] in ("NAME", "ADDRESS", "AGE", "USERNAME", "PASSWORD", "ID", "DATE_TIME")]
        yield {"text": r["text"], "source": "INPUT", "label": None, "set": f"identifiers ({r['set']})", "spans": spans}


def every(data: Path) -> Iterator[Row]:
    """All development sets of the text model's labels."""
    for read in (harmful, moderation, look_alikes, ordinary, attacks, responses, fairness):
        yield from read(data)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    rows = list(every(args.data))
    marked = list(identifiers(args.data))
    (args.out / "pii.jsonl").write_text("".join(json.dumps(r, ensure_ascii=False) + "\n" for r in marked))
    (args.out / "text.jsonl").write_text("".join(json.dumps(r, ensure_ascii=False) + "\n" for r in rows))
    print(f"{len(rows):,} rows in {args.out / 'text.jsonl'}")


if __name__ == "__main__":
    main()
