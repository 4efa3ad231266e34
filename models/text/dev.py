"""Development sets in the format of ``guardrails eval``: never trained on; for choosing, calibrating and reporting.

python -m models.text.dev --data ../shared/data --out runs/dev
"""

from __future__ import annotations

import argparse
import hashlib
import json
import random
import re
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from models.text import written
from models.text.rows import CONTENT, Row, held_out, lines, share


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


def foreign_answers(data: Path) -> Iterator[Row]:
    """Answers of models of another source, with their questions; a reader labelled them one by one (``answers_read.json``)."""
    known = json.loads((Path(__file__).parent / "answers_read.json").read_text(encoding="utf-8"))["labels"]
    for r in lines(data / "safety" / "pyrit_harm_scores.jsonl.gz"):
        question, answer = [v for k, v in r.items() if k not in ("_file", "_", "# dataset_version=1.0")]
        key = hashlib.sha256(f"{question}\0{answer}".encode()).hexdigest()[:12]
        if (found := known.pop(key, None)) is not None:
            one = _one(answer[:900], int(bool(found)), "answers of other models (pyrit)", query=question)
            yield {**one, "source": "OUTPUT", "labels": {c: int(c in found) for c in CONTENT}}


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


# Generators whose held-out groups are development sets of their own: what stands for the kinds of text no public set of the data
# folder shows. Their grammars are those of training, their table lines are not.
_MADE = {
    "ordinary": "chat traffic (made)",
    "forum": "posts (made)",
    "misconduct": "requests and their twins (made)",
    "violence": "requests and their twins (made)",
    "contrast": "requests and their twins (made)",
    "creative": "creative requests (made)",
    "responses": "responses (made)",
}


def made(data: Path) -> Iterator[Row]:
    """Rows of held-out groups of the generators."""
    from models.text import mix

    for r in mix.distinct(mix.labelled(data, 1)):
        if not held_out(r["group"]) or -1 in r["labels"].values():
            continue
        name, positive = _MADE.get(r["set"]), int(any(r["labels"].values()))
        if r["set"] in ("attacks", "attack_sets"):
            if r["role"] in ("document", "tool"):
                name = "orders in documents (made)"
            elif (r["labels"].get("JAILBREAK") and r["labels"].get("ANY")) or not positive:
                name = "wrapped requests and their twins (made)"
            else:
                continue
        if name is not None and (r["source"] == "OUTPUT") == name.startswith("responses"):
            more = {"query": r["query"]} if r["query"] else {}
            yield {**_one(r["text"], positive, name, role=r["role"], **more), "source": r["source"]}


# What a scraper glued in front of some articles.
_BUTTONS = re.compile(
    r"^Share this with.*?Copy this link|^Media playback is (?:not supported|unsupported) on (?:this|your) device"
)


def documents(data: Path) -> Iterator[Row]:
    """News articles, none of which gives an assistant orders; the buttons of their pages are left out."""
    articles = sorted({_BUTTONS.sub("", r["article"]) for r in lines(data / "grounding" / "frank.jsonl.gz")})
    random.Random(3).shuffle(articles)
    for text in articles:
        yield _one(text[:1500], 0, "documents (news)", role="document")


def among(data: Path) -> Iterator[Row]:
    """Attacks of the public sets among harmless texts of their kind, so that curves can be drawn."""
    for r in attacks(data):
        if r["label"]:
            outside = r.get("role") in ("document", "tool")
            yield {**r, "set": "injections among documents" if outside else "attacks among ordinary instructions"}
    for r in look_alikes(data):
        if r.get("role") == "tool":
            yield {**r, "set": "injections among documents"}
    for r in islice(documents(data), 120):
        yield {**r, "set": "injections among documents"}
    for r in ordinary(data):
        if r["set"].startswith(("ordinary", "hard prompts (arena, arena")):
            yield {**r, "set": "attacks among ordinary instructions"}


def denied(data: Path) -> Iterator[Row]:
    """First messages of dialogues on three subjects that no training run saw, and other people's questions."""
    topics = ("insurance", "travel", "real-estate")
    for r in lines(data / "topics" / "topic_control_dialogues.jsonl.gz"):
        said = re.search(r"'role': 'user', 'content': (['\"])(.*?)\1\}", json.loads(r["conversation_json"]), re.DOTALL)
        if said and len(said[2]) > 20:
            own = r["domain"].replace(" ", "-")
            yield _one(said[2], 1, "denied topics (dialogues)", categories={t: int(t == own) for t in topics})
    kinds = ("bank customers", "security requests", "hard prompts (arena, hard prompt)")
    others = [r for r in ordinary(data) if r["set"].startswith(kinds) and len(r["text"]) < 600]
    for r in random.Random(9).sample(others, 400):
        yield _one(r["text"], 0, "denied topics (dialogues)", categories=dict.fromkeys(topics, 0))


# A set that no cut point is chosen on, nor anything else: what its figures are is all that it is for.
UNTOUCHED = "a third writer's own choice (written)"
# Files of written texts by what they are a development set of; a tenth of their subjects is never trained on.
_WRITTEN = {
    "fresh_dev_c": UNTOUCHED,
    "fresh_dev_b": "a second writer's own choice (written)",
    "fresh_dev": "a writer's own choice (written)",
    "fresh_answers": "a second writer's answers (written)",
    "operator": "operators' prompts (written)",
    "plain": "plain requests and their twins (written)",
    "chat_traffic": "chat traffic (written)",
    "wrapped": "wrapped requests and their twins (written)",
    "direct": "attacks and their twins (written)",
    "documents": "orders in documents (written)",
    "answers": "answers (written)",
    "ordinary": "ordinary messages (written)",
    "posts": "posts (written)",
    "multi": "other languages (written)",
}


def texts(data: Path) -> Iterator[Row]:
    """Written texts of subjects that no run was trained on: the writer is the same as of the training rows, the subjects are not."""
    for r in written.raw(data):
        if r["split"] != "dev":
            continue
        name = next(
            (n for start, n in _WRITTEN.items() if r["file"].startswith(start)), "requests and their twins (written)"
        )
        more = {"query": r["query"]} if r.get("query") else {}
        one = _one(r["text"], int(bool(r["labels"])), name, role=r["role"], **more)
        yield {**one, "source": r["source"], "labels": written.labels_of(r)}


def packages(real: Path | None) -> Iterator[Row]:
    """Real documents of packages that no run was trained on, as documents and as answers; none is harmful or gives orders."""
    for r in lines(real) if real is not None else ():
        if r["split"] == "dev":
            yield _one(r["text"], 0, "real documents (other packages)", role="document")
            if share(r["text"], "answer") < 0.3:
                yield {
                    **_one(r["text"], 0, "real documents as answers (other packages)", role="assistant"),
                    "source": "OUTPUT",
                }


def reported(data: Path, real: Path | None = None) -> Iterator[Row]:
    """What stands in the card."""
    yield from packages(real)
    for read in (texts, every, among, made):
        yield from read(data)


def every(data: Path) -> Iterator[Row]:
    """All development sets of the text model's labels."""
    for read in (harmful, moderation, look_alikes, ordinary, attacks, responses, foreign_answers, fairness):
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
