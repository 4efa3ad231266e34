"""Harmless prompts that look like attacks, role play and trigger words; and the grammar of all attack tables."""

from __future__ import annotations

import base64
import codecs
import random
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path

from models.text.rows import BENIGN, Row, lines, row, share

TABLES = Path(__file__).parent / "tables"

_SLOT = re.compile(r"\{([A-Za-z_0-9]+)\}")
_CHOICE = re.compile(r"\[([^\[\]\n]*\|[^\[\]\n]*)\]")
_LEET = str.maketrans("aeiost", "431057")
_UNRESTRAINED = re.compile(r"\bDAN\b|do anything now|jailbr|unrestrict|no (?:ethic|moral|filter)|bypass", re.IGNORECASE)


_OPENINGS = (
    *("",) * 9,
    "Hi! ",
    "Hello, ",
    "please, ",
    "One more thing: ",
    "hey there. ",
    "Quick check: ",
    "I'm curious. ",
    "As a test, ",
    "ok now ",
    "Thanks. ",
    "Hmm. ",
    "Listen, ",
    "Sorry to bother you, but ",
    "So ",
    "Great, thank you! ",
)
_CLOSINGS = (
    *("",) * 9,
    " Thanks!",
    " Please.",
    " It's urgent.",
    " You can trust me.",
    " Just this once.",
    " It's for a friend.",
    " Do it.",
    " lol",
    " I'm waiting.",
    " Nobody will know.",
    " This is important for my work.",
    " Go.",
)


@cache
def sections(name: str) -> dict[str, tuple[str, ...]]:
    """The lines of a table by the ``== heading`` they stand under."""
    found: dict[str, list[str]] = {"": []}
    key = ""
    for line in (TABLES / f"attacks_{name}.txt").read_text(encoding="utf-8").splitlines():
        if line.startswith("== "):
            key = line[3:].strip()
            found.setdefault(key, [])
        elif line.strip() and not line.startswith("# "):
            found[key].append(line.replace("\\n", "\n"))
    return {k: tuple(v) for k, v in found.items() if v}


@cache
def slots() -> dict[str, tuple[str, ...]]:
    """The word lists."""
    found: dict[str, tuple[str, ...]] = {}
    for line in (TABLES / "attacks_slots.txt").read_text(encoding="utf-8").splitlines():
        if line.strip() and not line.startswith("#"):
            key, _, values = line.partition("=")
            found[key.strip()] = found.get(key.strip(), ()) + tuple(_split(values))
    return found


def _split(values: str) -> list[str]:
    """Values between bars, except the bars inside brackets."""
    found, depth, start = [], 0, 0
    for i, c in enumerate(values):
        depth += (c == "[") - (c == "]")
        if c == "|" and depth == 0:
            found.append(values[start:i].strip())
            start = i + 1
    return [*found, values[start:].strip()]


def expand(text: str, rng: random.Random, fixed: Mapping[str, str] | None = None) -> str:
    """Choices and slots resolved, inner ones first; ``fixed`` slots keep one value in the text and are put in last."""
    fixed = fixed or {}
    known = slots()
    for _ in range(60):
        if match := _CHOICE.search(text):
            text = text[: match.start()] + rng.choice(match[1].split("|")) + text[match.end() :]
            continue
        match = next((m for m in _SLOT.finditer(text) if m[1] in known and m[1] not in fixed), None)
        if match is None:
            break
        text = text[: match.start()] + rng.choice(known[match[1]]) + text[match.end() :]
    text = _SLOT.sub(lambda m: fixed.get(m[1], m[0]), re.sub(r"(?<=\w) (?=[.,?!](?:\s|$))", "", text))
    return re.sub(
        r"\b([Aa]) (?=[aeioAEIO](?!ne\b|nce\b|u)|[uU](?:n(?!i)|p|m))", r"\1n ", re.sub(r"(?<=\S) {2,}", " ", text)
    ).strip()


def pick(table: str, rng: random.Random, *names: str) -> tuple[str, str]:
    """(group, line): a line of one of the sections, each section as likely as it has lines."""
    found = sections(table)
    pool = [(n, line) for n in names for line in found[n]] if names else [(n, x) for n, v in found.items() for x in v]
    name, line = rng.choice(pool)
    return f"{table}/{name}/{line[:48]}", line


def capital(text: str) -> str:
    """The first letter as a capital."""
    return text[:1].upper() + text[1:]


def forms(text: str) -> dict[str, str]:
    """A sentence in the disguises that templates ask for."""
    words = text.split()
    half = max(1, len(words) // 2)
    return {
        "b64": base64.b64encode(text.encode()).decode(),
        "rot13": codecs.encode(text, "rot13"),
        "leet": text.lower().translate(_LEET),
        "backwards": text[::-1],
        "hex": text.encode().hex(),
        "dashes": "-".join(text.replace(" ", "_")),
        "spaced": " ".join(text),
        "morse": _morse(text),
        "wide": "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in text),
        "acro": ". ".join(c.upper() for c in text if c.isalpha()),
        "h1": " ".join(words[:half]),
        "h2": " ".join(words[half:]),
        "every_second": " ".join(f"{a} {b}" for a, b in zip(words, ("blue", "tree", "cup", "wind") * 40, strict=False)),
    }


_CODE = ".- -... -.-. -.. . ..-. --. .... .. .--- -.- .-.. -- -. --- .--. --.- .-. ... - ..- ...- .-- -..- -.-- --.."
_MORSE = dict(zip("abcdefghijklmnopqrstuvwxyz", _CODE.split(" "), strict=True))


def _morse(text: str) -> str:
    return " / ".join(" ".join(_MORSE[c] for c in w.lower() if c in _MORSE) for w in text.split())


def greeted(text: str, rng: random.Random) -> str:
    """The text with the small talk that people put around anything."""
    if not text.isprintable():
        return text
    opening = rng.choice(_OPENINGS)
    if opening and opening[-2] not in ".!:?":
        text = text[:1].lower() + text[1:]
    return opening + text + rng.choice(_CLOSINGS)


@cache
def innocent(data: Path) -> tuple[str, ...]:
    """Harmless requests as sentences: own ones several times over, and short ones of the instruction sets."""
    found = list(sections("innocent")["questions"]) * 6
    found += [
        r["text"] for r in lines(data / "safety" / "advbench_and_safe_twins.jsonl.gz") if "harmful" not in r["_file"]
    ]
    for r in lines(data / "benign" / "gpteacher.jsonl.gz"):
        text = r["instruction"]
        if len(text) < 220 and not _UNRESTRAINED.search(text) and share(text, "goal") < 0.3:
            found.append(text)
    for r in lines(data / "benign" / "self_instruct.jsonl.gz"):
        if len(r["instruction"]) < 220:
            found.append(r["instruction"])
    for r in lines(data / "topics" / "mmlu_subjects.jsonl.gz"):
        if 20 < len(r["question"]) < 160 and share(r["question"], "goal") < 0.04 and "___" not in r["question"]:
            found.append(r["question"])
    return tuple(found)


def innocent_goal(rng: random.Random, data: Path) -> str:
    """One of them, with its slots filled."""
    text = rng.choice(innocent(data))
    return expand(text, rng) if "{" in text or "|" in text else text


def innocent_verbs() -> tuple[str, ...]:
    """Harmless verb phrases."""
    return sections("innocent")["verbs"]


def shots(rng: random.Random, questions: Sequence[str], answers: Sequence[str], count: int) -> str:
    """A few made dialogues, one below the other."""
    ask, reply = rng.choice((("User", "Assistant"), ("Q", "A"), ("Human", "AI"), ("Input", "Output")))
    return "\n".join(f"{ask}: {rng.choice(questions)}\n{reply}: {rng.choice(answers)}" for _ in range(count))


_ANSWERS = (
    "Here are three ways. First, take your time.",
    "It depends on the season, but mostly in May.",
    "About 300.",
    "Paris.",
    "Of course! Start with a short list.",
    "A prime number has exactly two divisors.",
    "I'm not sure, could you tell me more?",
    "Yes.",
    "Mix it well and let it rest for an hour.",
    "That would be the blue whale.",
    "In short: warm air rises.",
    "The past tense is 'went'.",
)


def twin(rng: random.Random, data: Path) -> Row:
    """A persona, a story, a thought experiment or an odd format around something innocent."""
    goal = innocent_goal(rng, data)
    if rng.random() < 0.35:
        goal = f"How do I {rng.choice(innocent_verbs())}?"
    fixed = {
        "p": rng.choice(slots()["nice"] if rng.random() < 0.8 else slots()["persona"]).removeprefix("a "),
        "bot": rng.choice(slots()["bot"]),
        "v": rng.choice(innocent_verbs()),
        "g": goal,
        "gl": goal[:1].lower() + goal[1:],
        "shots": shots(rng, [innocent_goal(rng, data) for _ in range(4)], _ANSWERS, rng.randint(1, 4)),
        **{k: v for k, v in forms(goal).items() if k in ("b64", "rot13", "leet")},
    }
    kind = rng.random()
    if kind < 0.5:
        group, text = composed("twins", rng, ask=rng.random() < 0.9)
    else:
        group, text = pick("twins", rng, "fiction", "hypothetical", "odd")
    text = expand(text, rng, fixed)
    return row(text, dict(BENIGN), group)


def composed(table: str, rng: random.Random, *, ask: bool) -> tuple[str, str]:
    """(group, template) of a persona prompt: an opening, traits, rules, a format, pressure and the request."""
    parts = sections(table)
    opening = rng.choice(parts["open"])
    size = rng.choice((0, 1, 1, 2, 3, 4))
    body = rng.sample(parts["trait"], min(rng.randint(0, size), len(parts["trait"])))
    body += rng.sample(parts["rule"], rng.randint(0, size))
    for name, chance in (("format", 0.35), ("pressure", 0.35)):
        if name in parts and rng.random() < chance:
            body += rng.sample(parts[name], rng.choice((1, 1, 2)))
    if rng.random() < 0.4:
        rng.shuffle(body)
    listed = len(body) > 2 and rng.random() < 0.25
    if listed:
        mark = rng.choice(("- ", "* ", "{i}. ", "{i}) ", "Rule {i}: "))
        rules = "\n".join(mark.replace("{i}", str(i)) + line for i, line in enumerate(body, 1))
        text = opening + "\n" + rules
    else:
        text = rng.choice((" ", " ", "\n")).join([opening, *body])
    if ask:
        text += rng.choice((" ", "\n", "\n\n")) + rng.choice(parts["ask"])
    return f"{table}/open/{opening[:48]}", text


def staged(rng: random.Random, subject: str) -> tuple[str, str]:
    """(group, text) of a long prompt that sets a stage for a subject."""
    parts = sections("shells")
    stage = rng.choice(parts["stage"])
    who = expand(rng.choice(parts["role"]), rng)
    lines_ = [stage, *rng.sample(parts["stakes"], rng.choice((0, 1, 1, 2, 3))), rng.choice(parts["task"])]
    if rng.random() < 0.25:
        lines_ = [lines_[0], lines_[-1], *lines_[1:-1]]
    text = rng.choice((" ", " ", "\n", "\n\n")).join(lines_)
    fixed = {"i": who, "i_cap": capital(who), "x": subject, "bot": rng.choice(slots()["bot"])}
    return f"shells/{stage[:48]}", expand(text, rng, fixed)


def staged_twin(rng: random.Random) -> Row:
    """A stage for something harmless, often about a grave matter."""
    subject = expand(pick("shells", rng, rng.choice(("edgy", "mild")))[1], rng, {"v": rng.choice(innocent_verbs())})
    group, text = staged(rng, subject)
    return row(text, dict(BENIGN), group)


@cache
def acts(data: Path) -> tuple[tuple[str, str], ...]:
    """(group, text) of long "act as" prompts that people share."""
    return tuple(
        (f"awesome/{r['act']}", r["prompt"][:2500])
        for r in lines(data / "benign" / "awesome_prompts.jsonl.gz")
        if len(r["prompt"]) > 80 and not _UNRESTRAINED.search(r["prompt"])
    )


def acted(rng: random.Random, data: Path) -> Row:
    """A shared "act as" prompt, cut or with a first request behind it."""
    group, text = rng.choice(acts(data))
    text = text[: rng.randint(200, 1500)].rsplit(" ", 1)[0] if rng.random() < 0.4 else text
    if rng.random() < 0.6:
        goal = innocent_goal(rng, data)
        text += rng.choice((" ", "\n", "\n\n", " My first request is: ")) + goal
    return row(text, dict(BENIGN), group)


def trigger(rng: random.Random) -> Row:
    """Innocent sentences that use the words of attacks."""
    group, text = pick("triggers", rng)
    text = expand(text, rng)
    if rng.random() < 0.15:
        text += " " + expand(pick("triggers", rng)[1], rng)
    return row(greeted(text, rng) if rng.random() < 0.6 else text, dict(BENIGN), group)


def ordinary(rng: random.Random) -> Row:
    """Ordinary instructions, prompts written by developers, security questions."""
    group, text = pick("ordinary", rng)
    text = expand(text, rng)
    return row(greeted(text, rng) if rng.random() < 0.4 else text, dict(BENIGN), group)


def generate(rng: random.Random, count: int, data: Path) -> Iterator[Row]:
    """``count`` harmless user prompts."""
    for _ in range(count):
        kind = rng.random()
        if kind < 0.34:
            yield twin(rng, data)
        elif kind < 0.48:
            yield staged_twin(rng)
        elif kind < 0.58:
            yield acted(rng, data)
        elif kind < 0.84:
            yield trigger(rng)
        else:
            yield ordinary(rng)


__all__ = [
    "capital",
    "composed",
    "expand",
    "forms",
    "generate",
    "greeted",
    "innocent_goal",
    "innocent_verbs",
    "pick",
    "sections",
    "shots",
    "slots",
    "staged",
]
