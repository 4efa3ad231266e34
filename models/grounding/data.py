"""Rows for grounding and relevance: the labelled sets, the dev sets, and rows made from sources by small changes.

A training row is {"task", "premise", "claim", "label", "set", "group"}; the group is the head of the source document,
the same in all sets, so that a document is on one side of a split only. A dev row keeps the full source and response.
"""

from __future__ import annotations

import random
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

from models.grounding import edits
from models.text.rows import lines, share

Row = dict[str, Any]
Document = tuple[str, str, list[str]]  # text, kind, sentences

WINDOW = 200
_ABBREVIATION = re.compile(
    r"(?:\b(?:Mr|Mrs|Ms|Dr|Prof|St|Sr|Jr|Gen|Col|Lt|Sgt|Capt|Gov|Sen|Rep|Rev|Hon|No|Nos|Vol|Fig|vs|etc|cf|al|approx|ca|Inc|Ltd|Co|"
    r"Corp|Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sept|Sep|Oct|Nov|Dec|e\.g|i\.e|a\.m|p\.m|U\.S|U\.K|[A-Z])|\b[A-Z]\.[A-Z])\.$"
)
_BREAK = re.compile(r"(?<=[.!?])[\"”’')\]]*(?:\[\d+\])*\s+(?=[\"“‘'(\[]?[A-Z0-9]|- [A-Z])|\n+")
_LOWER_BREAK = re.compile(r"(?<=[a-z0-9)'\"] [.!?])\s+(?=[a-z0-9`'])|\n+")
_STOP = edits.COMMON_STARTS | {"been", "being", "am", "not", "its", "s", "t", "don", "i'm"}


def sentences(text: str) -> list[str]:
    """The sentences of prose; tokenised lower-case text is split at its free-standing full stops."""
    lower = text.islower() and " ." in text
    out: list[str] = []
    for block in re.split(r"\n+", text):
        start, hold = 0, " ".join(block.split())
        for m in (_LOWER_BREAK if lower else _BREAK).finditer(hold):
            piece = hold[start : m.end()].rstrip()
            if not lower and _ABBREVIATION.search(hold[start : m.start()]):
                continue
            if piece:
                out.append(piece)
            start = m.end()
        if hold[start:].strip():
            out.append(hold[start:].strip())
    return out


@cache
def _stem(word: str) -> str:
    for ending in (
        "ations",
        "ation",
        "ingly",
        "ings",
        "ing",
        "edly",
        "ies",
        "ied",
        "ers",
        "ed",
        "es",
        "er",
        "ly",
        "s",
        "e",
    ):
        if word.endswith(ending) and len(word) - len(ending) > 3:
            return word[: -len(ending)]
    return word


@lru_cache(100_000)
def content(text: str) -> frozenset[str]:
    """The stems of the words that carry content."""
    return frozenset(
        {_stem(w) for w in re.findall(r"[^\W_]+", text.lower()) if w not in _STOP and (len(w) > 2 or w.isdigit())}
    )


def window(document: str | Sequence[str], claim: str, words: int = WINDOW) -> str:
    """The run of sentences that shares most with the claim: each word of it counts once, rare ones more."""
    parts = sentences(document) if isinstance(document, str) else list(document)
    sizes = [len(p.split()) for p in parts]
    if sum(sizes) <= words * 1.15:
        return " ".join(parts)
    wanted = content(claim)
    have = [content(p) & wanted for p in parts]
    often: dict[str, int] = defaultdict(int)
    for h in have:
        for w in h:
            often[w] += 1
    best, place = -1.0, (0, 1)
    for i in range(len(parts)):
        size, j, extra = 0, i, 0.0
        seen: set[str] = set()
        while j < len(parts) and (size + sizes[j] <= words or j == i):
            size += sizes[j]
            seen |= have[j]
            extra = max(extra, len(have[j]) * 0.2)
            j += 1
        score = sum(1 / (0.5 + often[w] ** 0.5) for w in seen) + extra
        if score > best + 1e-9:
            best, place = score, (i, j)
    low, high = place
    return " ".join(" ".join(parts[low:high]).split()[: words + 30])


def covered(claim: str, text: str) -> float:
    """How much of the claim's content the text has."""
    wanted = content(claim)
    return len(wanted & content(text)) / len(wanted) if wanted else 1.0


def group_of(text: str) -> str:
    """The group of a source document."""
    return re.sub(r"\W+", "", text.lower())[:60]


def _row(task: str, premise: str, claim: str, label: int, name: str, group: str) -> Row:  # noqa: PLR0917
    return {
        "task": task,
        "premise": " ".join(premise.split()),
        "claim": " ".join(claim.split()),
        "label": label,
        "set": name,
        "group": group_of(group),
    }


def _parsed(value: Any) -> list[Any]:
    if isinstance(value, str):
        import ast

        return list(ast.literal_eval(value))
    return list(value or ())


# ----------------------------------------------------------------------------------------------- labelled sets


def read_train(data: Path, rng: random.Random) -> Iterator[Row]:
    """The labelled sets of use=train. Neutral counts as not supported; sources of the dev sets are left out."""
    for read in (_cad, _conj, _snli, _begin, _stance, _fool, _summac, _factor, _ares, _pubmed, _medquad):
        for row in read(data, rng):
            if row["premise"] and row["claim"]:
                yield row


def _cad(data: Path, rng: random.Random) -> Iterator[Row]:
    del rng
    for r in lines(data / "grounding/cad_nli.jsonl.gz"):
        label = int(r["gold_label"] == "entailment")
        yield _row("grounding", r["sentence1"], r["sentence2"], label, "cad_nli", r["sentence1"])


def _conj(data: Path, rng: random.Random) -> Iterator[Row]:
    del rng
    for r in lines(data / "grounding/conjnli.jsonl.gz"):
        premise, claim = r.get("\ufeffPremise") or r.get("Premise") or "", r["Hypothesis"] or ""
        if r["Label"] in ("entailment", "neutral", "contradiction") and len(claim.split()) > 3:
            if content(premise) == content(claim) and r["Label"] == "neutral":
                continue
            yield _row("grounding", premise, claim, int(r["Label"] == "entailment"), "conjnli", premise)


def _snli(data: Path, rng: random.Random) -> Iterator[Row]:
    """Captions: short, many, and labelled by people; the share-alike set of the mix."""
    del rng
    for r in lines(data / "grounding/snli_devtest.jsonl.gz"):
        if r["label"] in ("entailment", "neutral", "contradiction"):
            premise, claim = (re.sub(r" ([.,!?])", r"\1", r[k]).strip() for k in ("premise", "hypothesis"))
            yield _row("grounding", premise, claim, int(r["label"] == "entailment"), "snli", premise)


def begin_side(evidence: str) -> str:
    """Both versions of BEGIN share their evidence: two thirds of it train, the rest is dev."""
    return "dev" if share(group_of(evidence), "begin") < 0.34 else "train"


def _begin(data: Path, rng: random.Random) -> Iterator[Row]:
    kept: list[Row] = [
        r for r in lines(data / "grounding/begin_v1.jsonl.gz") if begin_side(r["evidence"]) == "train" and r["response"]
    ]
    for r in kept:
        evidence, label = r["evidence"], r["gold label"]
        tags = r["full label set"].split(";")
        if label != "generic":
            premise = evidence
            if rng.random() < 0.3:  # a longer source
                others = [rng.choice(kept)["evidence"] for _ in range(rng.choice((1, 2, 3)))]
                others.insert(rng.randrange(len(others) + 1), evidence)
                premise = " ".join(others)
            yield _row("grounding", premise, r["response"], int(label == "entailment"), "begin_v1", evidence)
        turn = r["previous turn"]
        if turn and "?" in turn:  # "on topic" is meant loosely there: what shares no word with the question is left out
            on = "on-topic" in tags
            if not on or covered(turn, r["response"]) > 0.2:
                yield _row("relevance", turn, r["response"], int(on), "begin_v1", evidence)
            if rng.random() < 0.25:
                other = rng.choice(kept)
                if covered(other["response"], turn) == 0 and other["evidence"] != evidence:
                    yield _row("relevance", turn, other["response"], 0, "begin_v1", evidence)


def _stance(data: Path, rng: random.Random) -> Iterator[Row]:
    labels = {"completely-support": 1, "refute": 0, "irrelevant": 0}
    for r in lines(data / "grounding/factcheck_stance.jsonl.gz"):
        label = labels.get(r["stance"])
        if label is None or (r["stance"] == "irrelevant" and rng.random() < 0.35):
            continue
        if label == 0 and covered(r["claim"], r["evidence"]) > 0.85 and r["stance"] == "irrelevant":
            continue
        yield _row("grounding", window(r["evidence"], r["claim"]), r["claim"], label, "factcheck_stance", r["claim"])


def _fool(data: Path, rng: random.Random) -> Iterator[Row]:
    for r in lines(data / "grounding/fool_me_twice_dev.jsonl.gz"):
        label, page = int(r["label"] == "SUPPORTS"), r["wikipedia_page"]
        gold = [e["text"] for e in _parsed(r["gold_evidence"])]
        more = [e["text"] for e in _parsed(r["retrieved_evidence"]) if e["text"] not in gold]
        yield _row("grounding", f"{page}: " + " ".join(gold), r["text"], label, "fool_me_twice", page)
        mixed = gold + more[: rng.choice((2, 3, 4))]
        rng.shuffle(mixed)
        premise = " ".join(f"{page}. {' '.join(mixed)}".split()[: WINDOW + 20])
        if all(g in premise for g in gold):
            yield _row("grounding", premise, r["text"], label, "fool_me_twice", page)
        rest = " ".join(m for m in more[:4])
        if label and covered(r["text"], rest) < 0.4 and rng.random() < 0.35:
            yield _row("grounding", f"{page}. {rest}", r["text"], 0, "fool_me_twice", page)


def _nested(path: Path) -> dict[str, dict[str, list[Any]]]:
    """The flattened file, one value a row under "id/field", put together again."""
    out: dict[str, dict[str, list[Any]]] = defaultdict(lambda: defaultdict(list))
    for r in lines(path):
        if "/" in r["_key"]:
            ident, field = r["_key"].split("/", 1)
            out[ident][field.split("/")[0]].append(r.get("value"))
    return out


@cache
def _frank_documents(data: Path) -> frozenset[str]:
    return frozenset(_middle(r["article"]) for r in lines(data / "grounding/frank.jsonl.gz"))


def _middle(text: str) -> str:
    return re.sub(r"\W+", "", text.lower())[200:260]


def _summac(data: Path, rng: random.Random) -> Iterator[Row]:
    """Summaries of news. Polytope: only its inaccuracy label says anything about support (omissions do not)."""
    taken = _frank_documents(data)
    for ident, f in _nested(data / "grounding/summac_val.jsonl.gz").items():
        document, claim = str(f["document"][0]), str(f["claim"][0])
        if _middle(document) in taken or "UNK" in claim:
            continue
        kind = ident.split("_", maxsplit=1)[0]
        label = int(f["inaccuracy_label" if kind == "polytope" else "label"][0])
        claim = claim.replace("\\'", "'")
        parts = [p for p in sentences(claim) if len(p.split()) > 3]
        if kind in ("factcc", "xsumfaith") or len(parts) == 1:
            parts = [claim]
        elif not label:
            yield _row("grounding", window(document, claim), claim, 0, "summac", document)
            continue
        for p in parts:
            if label and (covered(p, document) < 0.6 or (kind == "polytope" and rng.random() < 0.6)):
                continue
            yield _row("grounding", window(document, p, rng.choice((120, 160, WINDOW))), p, label, "summac", document)


def _factor(data: Path, rng: random.Random) -> Iterator[Row]:
    """The prefix with its true completion as the source; contradictions as claims; and the other way round."""
    for r in lines(data / "grounding/factor.jsonl.gz"):
        true = r["completion"].strip().replace(" .", ".")
        wrong = [r[f"contradiction_{i}"].strip().replace(" .", ".") for i in range(3)]
        wrong = [w for w in dict.fromkeys(wrong) if edits.plain(w) != edits.plain(true)]
        if not wrong:
            continue
        prefix = re.sub(r"\b(?:Question|Asnwer|Answer):", " ", r["full_prefix"])
        before = sentences(prefix)
        keep: list[str] = []
        room = rng.choice((40, 90, 140, 180))
        for s in reversed(before):
            if sum(len(k.split()) for k in keep) + len(s.split()) > room:
                break
            keep.insert(0, s)
        head = r["full_prefix"]
        place = rng.choice((len(keep), len(keep), 0, max(0, len(keep) - 1)))
        premise = " ".join([*keep[:place], true, *keep[place:]])
        yield _row("grounding", premise, edits.paraphrase(true, rng) if rng.random() < 0.6 else true, 1, "factor", head)
        for w in wrong:
            yield _row(
                "grounding",
                premise,
                edits.paraphrase(w, rng, strong=False) if rng.random() < 0.4 else w,
                0,
                "factor",
                head,
            )
        other = rng.choice(wrong)
        premise = " ".join([*keep[:place], other, *keep[place:]])
        yield _row(
            "grounding", premise, edits.paraphrase(other, rng) if rng.random() < 0.6 else other, 1, "factor", head
        )
        yield _row(
            "grounding",
            premise,
            edits.paraphrase(true, rng, strong=False) if rng.random() < 0.4 else true,
            0,
            "factor",
            head,
        )


_NO_ANSWER = re.compile(
    r"\b(?:document|not mention|no mention|not possible|not specified|not provided|unknown|cannot be|not stated|does not say|passage|context)\b",
    re.I,
)
_FINITE = r"(?:is|was|are|were|has|had|can|could|will|would|did|does|do|wrote|won|directed|played|founded|became|made|led|said)"


def statement(query: str, answer: str) -> str | None:
    """A question and its short answer as one sentence, where that is simple."""
    q, a = query.strip().rstrip("?").strip(), answer.strip().rstrip(".").strip()
    if not a or len(a.split()) > 25 or len(q.split()) > 28:
        return None
    if len(a.split()) > 5 and (covered(q, a) > 0.6 or re.search(rf"\b{_FINITE}\b", a)):
        return f"{a[0].upper()}{a[1:]}." if re.search(rf"\b{_FINITE}\b", a) and len(a.split()) > 7 else None
    if "@placeholder" in q:
        return q.replace("@placeholder", a.rstrip(".")).rstrip(".") + "."
    a_inside = (
        a if a[:1].isdigit() or a.split(maxsplit=1)[0].lower() not in edits.COMMON_STARTS else a[0].lower() + a[1:]
    )
    if m := re.match(
        r"^(?:Who|Which \w+|What (?:company|team|country|city|band|group|actor|song|film|movie|book)) (?!did |does |do |is the |was the |are the |were the )(.+)$",
        q,
    ):
        if re.match(
            r"(?:is|was|are|were|has|had|\w+ed|\w+s|wrote|won|became|made|led|sang|built|left|took) ", m.group(1)
        ):
            return f"{a[0].upper()}{a[1:]} {m.group(1)}."
        return None
    if m := re.match(r"^(?:What|Who) (is|was|are|were) ((?:the|one of the|[A-Z]\S+'s) [^?]+)$", q):
        rest = m.group(2)
        if re.search(
            rf"\b(?:called|known|named|used|and what|and when|and who|made|found|like)$|\blike\b|\band (?:what|how|when|where|who|which)\b|, | {_FINITE} (?:he|she|it|they)\b",
            rest,
        ):
            return None
        return f"{rest[0].upper()}{rest[1:]} {m.group(1)} {a_inside}."
    if m := re.match(
        r"^(?:When|Where|In (?:which|what) (?:year|city|country|state|month)) (was|were|is|are) ((?:the |a )?\"?[A-Z][^,?]*?) ([a-z]+(?:ed|en|un|held|built|born|made|set|known|located)|born|held|built|made|set)\b(.*)$",
        q,
    ):
        where = q.startswith("Where") or "city" in q or "country" in q or "state" in q
        if where and re.match(r"\d", a):
            return None
        lead = (
            ""
            if re.match(r"(?:in|on|at|during|after|before|near|from)\b", a, re.I)
            else "in "
            if not re.match(r"(?:[A-Z][a-z]+ \d|\d{1,2} [A-Z])", a) or where
            else "on "
        )
        subject = m.group(2)
        return f"{subject[0].upper()}{subject[1:]} {m.group(1)} {m.group(3)}{m.group(4)} {lead}{a_inside}."
    return None


def _answer_type(text: str) -> str:
    if re.fullmatch(r"\W*(?:yes|no)\b.*", text.lower()):
        return "yes"
    if re.fullmatch(r"\W*(?:in |on )?(?:\w+ )?(?:\d{1,2},? )?(?:1[0-9]|20)\d\d\W*", text):
        return "year"
    if re.search(r"\d", text):
        return "number"
    return "name" if re.match(r"^[\"']?(?:the |The )?[A-Z]", text) and len(text.split()) < 6 else "text"


def _asked_type(query: str) -> str:
    q = query.lower()
    if re.search(r"\b(?:when|what year|which year|what date|what time|what decade|century)\b", q):
        return "year"
    if re.search(
        r"\bhow (?:many|much|long|old|far|tall|often|big|large|high)\b|\b(?:number|percentage|population|amount|age|cost)\b",
        q,
    ):
        return "number"
    if re.match(r"(?:is|was|are|were|did|does|do|has|have|can|could) ", q):
        return "yes"
    if re.search(r"\b(?:who|whom|whose|where|what is the name|which)\b|\bname of\b|\btitle\b", q):
        return "name"
    return "text"


def _ares(data: Path, rng: random.Random) -> Iterator[Row]:
    """Passages, questions made from them, right and wrong answers."""
    by_document: dict[str, list[Row]] = defaultdict(list)
    for r in lines(data / "grounding/ares_synthetic.jsonl.gz"):
        by_document[r["document"]].append(r)
    answers: dict[str, list[str]] = defaultdict(list)
    for rows in by_document.values():
        for r in rows:
            if r["Answer_Faithfulness_Label"] == "Yes" and r["generated_answer"] not in ("SUPPORTS", "REFUTES"):
                answers[_answer_type(r["generated_answer"])].append(r["generated_answer"])
    for document, rows in by_document.items():
        for r in rows:
            yield from _ares_row(r, document, rows, answers, rng)


def _ares_row(
    r: Row, document: str, rows: list[Row], answers: dict[str, list[str]], rng: random.Random
) -> Iterator[Row]:
    query, answer = r["synthetic_query"].strip(), (r.get("generated_answer") or "").strip()
    relevant = r["Context_Relevance_Label"] == "Yes"
    if "fever" in r["_file"]:
        if re.search(r"\b(?:Note|document|passage|statement)\b", query):
            return
        if relevant and r["Answer_Faithfulness_Label"] == "Yes":
            if answer == "REFUTES" or covered(query, document) >= 0.6:
                yield _row("grounding", window(document, query), query, int(answer == "SUPPORTS"), "ares", document)
        elif not relevant and covered(query, document) < 0.5 and rng.random() < 0.4:
            yield _row("grounding", window(document, query), query, 0, "ares", document)
        return
    if not relevant or not answer or _NO_ANSWER.search(answer) or _NO_ANSWER.search(query):
        return
    if r["Answer_Faithfulness_Label"] == "Yes":
        inside = edits.plain(answer) in edits.plain(document)
        said = statement(query, answer)
        if inside or covered(answer, document) > 0.8:
            claim = said if said and rng.random() < 0.75 else f"{query} {answer}"
            if "@placeholder" not in claim:
                premise = window(document, f"{query} {answer}", rng.choice((100, 150, WINDOW)))
                yield _row("grounding", premise, claim, 1, "ares", document)
                other = _other_answer(answer, query, document, answers, rng)
                if other and inside:
                    wrong = statement(query, other) if said and rng.random() < 0.75 else f"{query} {other}"
                    if wrong and "@placeholder" not in wrong and edits.plain(wrong) != edits.plain(claim):
                        yield _row("grounding", premise, wrong, 0, "ares", document)
        if "@placeholder" in query:
            return
        shown = said if said and rng.random() < 0.5 else answer
        yield _row("relevance", query, edits.dress(shown, rng), 1, "ares", document)
        yield from _ares_relevance(query, answer, document, rows, rng)
    elif r["Answer_Relevance_Label"] == "No" and "@placeholder" not in query:
        asked, got = _asked_type(query), _answer_type(answer)
        if asked == got or (asked == "text" and got != "year") or {asked, got} == {"year", "number"} or got == "yes":
            return
        if rng.random() < 0.6:
            yield _row("relevance", query, answer, 0, "ares", document)
        if covered(answer, document) < 0.3 and rng.random() < 0.3:
            yield _row("grounding", window(document, query), f"{query} {answer}", 0, "ares", document)


def _other_answer(
    answer: str, query: str, document: str, answers: dict[str, list[str]], rng: random.Random
) -> str | None:
    kind = _answer_type(answer)
    if kind in ("year", "number"):
        made = edits.number(answer, rng)
        return made[0] if made and made[1] == "number" else None
    if kind == "name":
        sort = edits.kind_of(answer)
        near = [
            n
            for n in edits.names(document)
            if n not in query
            and n not in answer
            and not edits.related(n, answer, document)
            and edits.kind_of(n) == sort
        ]
        if near and sort and rng.random() < 0.7:
            return rng.choice(near)
        far = [a for a in rng.sample(answers["name"], min(30, len(answers["name"]))) if edits.kind_of(a) == sort]
        far = [a for a in far if a not in document and covered(a, document) == 0]
        return rng.choice(far) if far else None
    if kind == "text" and len(answer.split()) > 4:
        return edits.edit(answer, rng, document)
    return None


def _ares_relevance(query: str, answer: str, document: str, rows: list[Row], rng: random.Random) -> Iterator[Row]:
    parts = [s for s in sentences(document) if 6 <= len(s.split()) <= 45]
    plain = edits.plain(answer)
    holds = [s for s in parts if plain in edits.plain(s) and covered(query, s) > 0.5]
    if holds and len(plain) > 3:
        yield _row("relevance", query, edits.dress(rng.choice(holds), rng), 1, "ares", document)
    beside = [s for s in parts if plain not in edits.plain(s) and covered(query, s) < 0.15]
    if beside and rng.random() < 0.55:
        yield _row("relevance", query, edits.dress(rng.choice(beside), rng), 0, "ares", document)
    others = [
        (o["synthetic_query"], o["generated_answer"])
        for o in rows
        if o["Answer_Faithfulness_Label"] == "Yes"
        and o["synthetic_query"].strip() != query
        and "@" not in o["synthetic_query"]
    ]
    for other_query, other_answer in others[:2]:
        said = statement(other_query, other_answer)
        if said and covered(other_query, query) < 0.7 and edits.plain(other_answer) != plain:
            yield _row("relevance", query, said, 0, "ares", document)
    if rng.random() < 0.1:
        yield _row("relevance", query, rng.choice(edits.phrases("deflections")), 0, "ares", document)


def _pubmed(data: Path, rng: random.Random) -> Iterator[Row]:
    """A question and its conclusion; a conclusion on a near topic is not an answer."""
    rows = list(lines(data / "grounding/pubmedqa.jsonl.gz"))
    words = [content(r["question"]) for r in rows]
    for i, r in enumerate(rows):
        parts = sentences(r["long_answer"])
        whole = r["long_answer"]
        if r["decision"] in ("yes", "no") and rng.random() < 0.3:
            whole = f"{r['decision'].title()}, {whole[0].lower() + whole[1:] if rng.random() < 0.5 else whole}"
        yield _row("relevance", r["question"], whole, 1, "pubmedqa", r["question"])
        good = [p for p in parts if covered(r["question"], p) > 0.3]
        if good and len(parts) > 1:
            yield _row("relevance", r["question"], rng.choice(good), 1, "pubmedqa", r["question"])
        near = sorted((j for j in range(len(rows)) if j != i), key=lambda j: -len(words[i] & words[j]))[:6]
        other = rows[rng.choice(near)]
        if covered(r["question"], other["long_answer"]) < 0.5:
            yield _row("relevance", r["question"], other["long_answer"], 0, "pubmedqa", r["question"])
        other = rng.choice(rows)
        if covered(r["question"], other["long_answer"]) < 0.2:
            yield _row(
                "relevance", r["question"], rng.choice(sentences(other["long_answer"])), 0, "pubmedqa", r["question"]
            )


# kinds of medical questions whose answers do not answer each other
_APART = {
    "symptoms": {"treatment", "inheritance", "frequency", "genetic changes", "causes", "research", "prevention"},
    "treatment": {
        "symptoms",
        "inheritance",
        "frequency",
        "genetic changes",
        "causes",
        "susceptibility",
        "exams and tests",
    },
    "inheritance": {"symptoms", "treatment", "frequency", "outlook", "research", "exams and tests", "prevention"},
    "frequency": {
        "symptoms",
        "treatment",
        "inheritance",
        "genetic changes",
        "outlook",
        "research",
        "exams and tests",
        "causes",
    },
    "genetic changes": {"symptoms", "treatment", "frequency", "outlook", "research", "prevention"},
    "causes": {"treatment", "frequency", "outlook", "research", "exams and tests"},
    "exams and tests": {"inheritance", "frequency", "causes", "research", "prevention", "genetic changes"},
    "prevention": {"symptoms", "frequency", "inheritance", "genetic changes", "exams and tests", "outlook"},
    "outlook": {"symptoms", "frequency", "inheritance", "causes", "exams and tests", "prevention"},
    "susceptibility": {"symptoms", "treatment", "exams and tests", "outlook", "research"},
    "research": {"symptoms", "frequency", "inheritance", "causes", "susceptibility"},
}
_ASKED: dict[str, tuple[str, ...]] = {
    "information": (
        "What is {f}?",
        "what is {f}",
        "Can you explain {f} to me?",
        "Tell me about {f}.",
        "{f} - what is that?",
    ),
    "symptoms": (
        "What are the symptoms of {f}?",
        "how do i know if i have {f}",
        "Which signs point to {f}?",
        "What does {f} look like?",
    ),
    "treatment": (
        "How is {f} treated?",
        "treatment for {f}",
        "What can be done about {f}?",
        "Is there a cure for {f}?",
    ),
    "inheritance": (
        "Is {f} inherited?",
        "Can {f} be passed on to children?",
        "does {f} run in families",
        "How is {f} inherited?",
    ),
    "frequency": (
        "How common is {f}?",
        "how many people have {f}",
        "How many people are affected by {f}?",
        "Is {f} rare?",
    ),
    "genetic changes": (
        "What genetic changes are related to {f}?",
        "Which genes play a part in {f}?",
        "Is there a gene for {f}?",
    ),
    "causes": ("What causes {f}?", "why do people get {f}", "What is the reason for {f}?", "How does {f} come about?"),
    "exams and tests": ("How is {f} diagnosed?", "Which tests show {f}?", "how do doctors test for {f}"),
    "prevention": ("How can {f} be prevented?", "how to avoid {f}", "What can I do so that I don't get {f}?"),
    "outlook": ("What is the outlook for {f}?", "Do people recover from {f}?", "how long do people live with {f}"),
    "susceptibility": ("Who is at risk for {f}?", "who gets {f}", "Who is most likely to have {f}?"),
    "research": ("What research is being done on {f}?", "any new studies on {f}?"),
}


def _medquad(data: Path, rng: random.Random) -> Iterator[Row]:
    """Medical questions; hard negatives share the disease or the kind of question."""
    rows = [r for r in lines(data / "topics/medquad_questions.jsonl.gz") if len(r["answer"] or "") > 60]
    rng.shuffle(rows)
    by_focus: dict[str, list[Row]] = defaultdict(list)
    by_type: dict[str, list[Row]] = defaultdict(list)
    for r in rows:
        by_focus[r["focus"]].append(r)
        by_type[r["qtype"]].append(r)
    for r in rows[:6500]:
        focus, kind = r["focus"], r["qtype"]
        asked = r["question"].replace(" ?", "?").replace("??", "?").replace("What is (are)", "What is")
        if kind in _ASKED and rng.random() < 0.5:
            asked = rng.choice(_ASKED[kind]).format(f=focus)
        if rng.random() < 0.15:
            asked = asked.lower().rstrip("?")
        group = f"medquad {focus}"
        yield _row("relevance", asked, _opening(r["answer"], rng), 1, "medquad", group)
        same = [o for o in by_focus[focus] if o["qtype"] in _APART.get(kind, ())]
        draw = rng.random()
        if same and draw < 0.55:
            yield _row("relevance", asked, _opening(rng.choice(same)["answer"], rng), 0, "medquad", group)
        else:
            other = rng.choice(by_type[kind])
            shown = _opening(other["answer"], rng)
            common = {"syndrom", "diseas", "disord", "deficienc", "type", "familial", "famili", "congenital", "cancer"}
            mine, theirs = content(focus) - common, content(other["focus"]) - common
            # the answer has to name its own disease: "this condition is rare" would fit any
            if mine and not mine & (content(other["answer"]) | theirs) and theirs & content(shown):
                yield _row("relevance", asked, shown, 0, "medquad", group)
        if rng.random() < 0.06:
            yield _row("relevance", asked, rng.choice(edits.phrases("deflections")), 0, "medquad", group)


def _opening(answer: str, rng: random.Random) -> str:
    """The first sentences of a long answer."""
    parts = [p for p in sentences(answer) if len(p.split()) > 3 and not p.endswith("?")] or [answer]
    return " ".join(" ".join(parts[: rng.choice((1, 1, 2, 3, 4))]).split()[:110])


# ----------------------------------------------------------------------------------------------- dev sets


def read_dev(data: Path) -> Iterator[Row]:
    """Dev rows: {"source", "response", "query"?, "label", "set", "task", "group"}; 1 is supported (or relevant)."""
    for read in (_dev_begin, _dev_fever, _dev_fool, _dev_frank, _dev_ares, _dev_expert, _dev_answers):
        yield from read(data)


def _dev(task: str, name: str, label: int, source: str, response: str, query: str = "") -> Row:  # noqa: PLR0917
    row = {"task": task, "source": source, "response": response, "label": label, "set": name, "group": group_of(source)}
    return row | ({"query": query} if query else {})


def _dev_begin(data: Path) -> Iterator[Row]:
    for r in lines(data / "grounding/begin_v2.jsonl.gz"):
        if r["begin_label"] != "Generic" and r["response"] and begin_side(r["knowledge"]) == "dev":
            label = int(r["begin_label"] == "Fully attributable")
            yield _dev("grounding", "begin_v2", label, r["knowledge"], r["response"], r["message"])


def _dev_fever(data: Path) -> Iterator[Row]:
    for r in lines(data / "grounding/fever_symmetric.jsonl.gz"):
        label = int((r["gold_label"] or r["label"]) == "SUPPORTS")
        yield _dev("grounding", "fever_symmetric", label, r["evidence"] or r["sentence1"], r["claim"] or r["sentence2"])


def _dev_fool(data: Path) -> Iterator[Row]:
    for r in lines(data / "grounding/fool_me_twice_test.jsonl.gz"):
        gold = " ".join(e["text"] for e in _parsed(r["gold_evidence"]))
        label = int(r["label"] == "SUPPORTS")
        yield _dev("grounding", "fool_me_twice_test", label, f"{r['wikipedia_page']}: {gold}", r["text"])


def _dev_frank(data: Path) -> Iterator[Row]:
    """Factuality is the share of sentences that are right: 1 is supported, below one half is not, between is left out."""
    for r in lines(data / "grounding/frank.jsonl.gz"):
        value = float(r["factuality"])
        if value == 1 or value < 0.5:
            yield _dev("grounding", f"frank_{r['dataset']}", int(value == 1), r["article"], r["summary"])


def _dev_ares(data: Path) -> Iterator[Row]:
    for r in lines(data / "grounding/ares_human.jsonl.gz"):
        query, document, answer = r["Question"], r["Document"], r["Answer"]
        if int(r["Context_Relevance_Label"]) or not int(r["Answer_Faithfulness_Label"]):
            yield _dev("grounding", "ares_human", int(r["Answer_Faithfulness_Label"]), document, answer, query)
        yield _dev("relevance", "ares_human_relevance", int(r["Answer_Relevance_Label"]), document, answer, query)


def _dev_expert(data: Path) -> Iterator[Row]:
    """Claims of long answers with the passages they cite; links alone are no source."""
    for r in lines(data / "grounding/expertqa.jsonl.gz"):
        for answer in r["answers"].values():
            for claim in answer["claims"]:
                passages = [re.sub(r"^\[\d+\]\s*(?:https?://\S+)?\s*", "", e).strip() for e in claim["evidence"]]
                passages = [p for p in passages if len(p.split()) > 25]
                text = re.sub(r"\s*\[\d+\]", "", claim["claim_string"]).strip()
                if not passages or len(text.split()) < 4 or claim["support"] not in ("Complete", "Incomplete"):
                    continue
                label = int(claim["support"] == "Complete")
                yield _dev("grounding", "expertqa", label, "\n\n".join(passages), text, r["question"])


def _dev_answers(data: Path) -> Iterator[Row]:
    """Questions with their own answer, with the answer to the question that shares most words with theirs, and with any other's."""
    kept = []
    for r in lines(data / "grounding/expertqa.jsonl.gz"):
        answer = re.sub(r"\s*\[\d+\]", "", next(iter(r["answers"].values()))["answer_string"])
        if len(answer.split()) > 3:
            kept.append((r["question"], answer))
    words = [content(q) for q, _ in kept]
    for i, (question, answer) in enumerate(kept):
        others = [j for j in range(len(kept)) if j != i]
        near = max(others, key=lambda j: (len(words[i] & words[j]) / (1 + len(words[i] | words[j])), -j))
        other = kept[near if i % 2 else others[(i * 7919) % len(others)]][1]
        yield _dev("relevance", "expertqa_answers", 1, answer, answer, question)
        yield _dev("relevance", "expertqa_answers", 0, other, other, question)


# ----------------------------------------------------------------------------------------------- made rows


def _read_sources(data: Path) -> list[tuple[str, str]]:
    """Documents to make rows from, with their kind; none of a dev set."""
    folder = data / "grounding"
    taken = _frank_documents(data)
    found: dict[str, str] = {}
    for r in lines(folder / "ares_synthetic.jsonl.gz"):
        text = re.sub(r"\s*@highlight\s*", "\n", r["document"]).replace("BULLET::::-", "\n")
        found.setdefault(text, "ares")
    for r in lines(folder / "pubmedqa.jsonl.gz"):
        found.setdefault("\n".join(_parsed(r["contexts"])), "pubmedqa")
    for r in lines(folder / "factor.jsonl.gz"):
        found.setdefault(re.sub(r"\b(?:Question|Asnwer):", " ", r["full_prefix"]), "factor")
    pages: dict[str, dict[str, None]] = defaultdict(dict)
    for r in lines(folder / "fool_me_twice_dev.jsonl.gz"):
        for e in _parsed(r["gold_evidence"]) + _parsed(r["retrieved_evidence"]):
            pages[r["wikipedia_page"]].setdefault(e["text"].strip())
    for texts in pages.values():
        found.setdefault("\n".join(texts), "fool_me_twice")
    begin: dict[str, None] = {}
    for r in lines(folder / "begin_v1.jsonl.gz"):
        if begin_side(r["evidence"]) == "train" and not r["evidence"].islower():
            begin.setdefault(r["evidence"])
    for text in begin:
        found.setdefault(text, "begin")
    for r in lines(folder / "summac_val.jsonl.gz"):
        value = r.get("document") or (r.get("value") if r["_key"].endswith("/document") else None)
        if isinstance(value, str) and len(value) > 300 and not value.islower() and _middle(value) not in taken:
            found.setdefault(value.replace("\xa0", " "), "summac")
    for r in lines(data / "topics/medquad_questions.jsonl.gz"):
        if r["answer"] and share(r["question"], "source") < 0.12:
            found.setdefault(r["answer"][:5000], "medquad")
    return [(text, kind) for text, kind in found.items() if len(text.split()) > 12]


def _usable(s: str) -> bool:
    """A whole, plain sentence."""
    return (
        5 <= len(s.split()) <= 48
        and s[-1] in ".!\"'”"
        and s[0].isalnum()
        and s[0] == s[0].upper()
        and "?" not in s
        and not re.search(r"https?:|[{}|\\=]|\[\s*\]|::|Key Points|Summary\b|\.{3}", s)
        and sum(c.isalpha() or c == " " for c in s) > 0.75 * len(s)
        and s.count('"') % 2 == 0
        and s.count("(") == s.count(")")
    )


def _span(parts: Sequence[str], i: int, target: int, rng: random.Random) -> tuple[int, int]:
    low, high = i, i + 1
    size = len(parts[i].split())
    while low > 0 or high < len(parts):
        back = low > 0 and (high >= len(parts) or rng.random() < 0.5)
        step = len(parts[low - 1 if back else high].split())
        if size + step > target + 15:
            break
        size += step
        low, high = (low - 1, high) if back else (low, high + 1)
    return low, high


_PRONOUN = re.compile(r"^(?:He|She|It|They|This|These|That|Those|His|Her|Its|Their|Such|Here|There)\b")


def named(sentence: str, parts: Sequence[str], i: int) -> str:
    """A leading "he" or "she" replaced by the person whom the document is about, where only one comes into question."""
    m = re.match(r"^(He|She) (?=[a-z])", sentence)
    first = re.match(r"^([A-Z][\w.'’-]+(?: [A-Z][\w.'’-]+){1,3}) (?:\(|is |was )", parts[0])
    if not m or not first or i == 0 or edits.kind_of(" ".join(first.group(1).split()[:2])) not in ("person", None):
        return sentence
    last = first.group(1).split()[-1]
    for p in parts[1:i]:
        for a, b in edits.names_in(p):
            if edits.kind_of(p[a:b]) in ("person", "given", "title") and last not in p[a:b]:
                return sentence
    return sentence[: m.start()] + (first.group(1) if len(sentence) % 2 else last) + " " + sentence[m.end() :]


def generate(data: Path, rng: random.Random, count: int) -> Iterator[Row]:
    """``count`` rows made from sources, about half of them supported."""
    documents = _read_sources(data)
    rng.shuffle(documents)
    split = [(text, kind, list(dict.fromkeys(sentences(text)))) for text, kind in documents]
    pool: edits.Pool = defaultdict(list)
    for text, _, _ in split[:2500]:
        for bucket, found in edits.sorted_names(text[:700]).items():
            pool[bucket] += found[:2]
    pool = {bucket: list(dict.fromkeys(found)) for bucket, found in pool.items()}
    weights = [min(3.0, max(1.0, len(parts) / 6)) * (0.5 if kind == "medquad" else 1.0) for _, kind, parts in split]
    made = 0
    while made < count:
        for document in rng.choices(split, weights, k=64):
            for row in _make(document, pool, split, rng):
                yield row
                made += 1
                if made >= count:
                    return


def _make(document: Document, pool: edits.Pool, split: Sequence[Document], rng: random.Random) -> Iterator[Row]:
    text, kind, parts = document
    usable = [i for i, s in enumerate(parts) if _usable(s)]
    if not usable:
        return
    i = rng.choice(usable)
    sentence = parts[i]
    if kind == "begin":  # single sentences: neighbours from elsewhere
        strange = [rng.choice(split)[2] for _ in range(rng.choice((0, 1, 2, 3)))]
        extra = [rng.choice(o) for o in strange if o]
        place = rng.randrange(len(extra) + 1)
        parts = [*extra[:place], sentence, *extra[place:]]
        i, usable = place, [place]
    low, high = _span(parts, i, rng.choice((40, 60, 90, 120, 160, 200, 200)), rng)
    near = list(parts[low:high])
    at = i - low
    premise = " ".join(near)
    if len(premise.split()) > 260:
        return

    def row(claim: str, label: int, source: str = premise) -> Row:
        return _row("grounding", source, edits.dress(claim, rng), label, "made", text)

    draw = rng.random()
    if draw < 0.06:
        yield row(named(sentence, parts[: i + 1], i) if low == 0 else sentence, 1)
    elif draw < 0.24:
        base = named(sentence, parts[: i + 1], i) if low == 0 else sentence
        yield row(edits.paraphrase(base, rng, source=premise), 1)
    elif draw < 0.30:
        said = edits.facts(sentence)
        if said:
            fact = rng.choice(said)
            yield row(fact, 1)
            made = edits.change(fact, rng, premise, pool)
            if made:
                yield row(made[0], 0)
    elif draw < 0.335:
        others = [s for j, s in enumerate(near) if j != at and _usable(s)]
        if others:
            other = edits.paraphrase(rng.choice(others), rng)
            mine = edits.paraphrase(sentence, rng)
            both = [mine, other] if rng.random() < 0.5 else [other, mine]
            joint = " ".join(both)
            if rng.random() < 0.6 and both[0].endswith(".") and not re.search(r'["”]$', both[0]):
                second = both[1]
                if second.split()[0].lower() in edits.COMMON_STARTS and second.split()[0] != "I":
                    second = second[0].lower() + second[1:]
                joint = both[0][:-1] + rng.choice((", and ", "; ", ", while ", " and ")) + second
            yield row(joint, 1)
            made = edits.change(mine, rng, premise, pool)
            if made and rng.random() < 0.7:
                yield (
                    row(joint.replace(mine.rstrip("."), made[0].rstrip(".")), 0)
                    if mine.rstrip(".") in joint
                    else row(f"{other} {made[0]}", 0)
                )
    elif draw < 0.84:
        made = edits.change(sentence, rng, premise, pool)
        if not made:
            return
        wrong, what = made
        if what in edits.REVERSIBLE and rng.random() < 0.45 and not _PRONOUN.match(sentence):
            changed = " ".join([*near[:at], wrong, *near[at + 1 :]])
            if not _said_elsewhere(sentence, wrong, near, at):
                yield row(sentence if rng.random() < 0.4 else edits.paraphrase(sentence, rng, strong=False), 0, changed)
                yield row(wrong if rng.random() < 0.3 else edits.paraphrase(wrong, rng), 1, changed)
                return
        if rng.random() < 0.6:
            wrong = edits.paraphrase(wrong, rng, strong=False, source=premise)
        yield row(wrong, 0)
        if rng.random() < 0.5:
            yield row(edits.paraphrase(sentence, rng, source=premise), 1)
    elif draw < 0.88:
        others = [parts[j] for j in usable if j != i]
        if not others or rng.random() < 0.5:
            others = [s for s in rng.choice(split)[2] if _usable(s)]
        one, two = (edits.blend, edits.graft) if rng.random() < 0.7 else (edits.graft, edits.blend)
        for merge in (one, two):
            found = next((m for o in others[:10] if o not in premise and (m := merge(sentence, o, premise))), None)
            if found:
                yield row(found[0], 0)
                return
    else:
        outside = [parts[j] for j in usable if (j < low or j >= high) and not _PRONOUN.match(parts[j])]
        outside = [s for s in outside if covered(s, premise) < 0.55]
        claim = rng.choice(outside) if outside else _neighbour(premise, kind, split, rng)
        if claim:
            yield row(claim if rng.random() < 0.5 else edits.paraphrase(claim, rng), 0)


def _said_elsewhere(sentence: str, wrong: str, near: Iterable[str], at: int) -> bool:
    """Whether what was changed also stands in another sentence of the window."""
    kept = set(re.findall(r"[\w-]+", wrong))
    gone = {w for w in re.findall(r"[\w-]+", sentence) if w not in kept and len(w) > 1}
    return any(gone & set(re.findall(r"[\w-]+", s)) for j, s in enumerate(near) if j != at)


def _neighbour(premise: str, kind: str, split: Sequence[Document], rng: random.Random) -> str | None:
    """A sentence of another document, the one of a handful that is most about the same things."""
    best, found = 0.05, None
    for _ in range(25):
        _, other_kind, other = rng.choice(split)
        if other_kind != kind:
            continue
        for s in other[:4]:
            if _usable(s) and best < (share_ := covered(s, premise)) < 0.5 and s not in premise:
                best, found = share_, s
    return found
