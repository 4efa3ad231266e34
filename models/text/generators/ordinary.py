"""What people type into a public assistant: mostly harmless requests of every kind and shape, and the toxic eighth."""

from __future__ import annotations

import hashlib
import random
import re
import string
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

from models.text.rows import BENIGN, Row, lines, row

TABLES = Path(__file__).parent / "tables"

_SLOT = re.compile(r"\{([a-z_]+)\}")
_CHOICE = re.compile(r"\[([^\[\]{}\n]*\|[^\[\]{}\n]*)\]")
_TOXIC_SHARE = 0.12


def _table(name: str) -> list[str]:
    """The lines of a table that are not empty."""
    text = (TABLES / f"ordinary_{name}.txt").read_text(encoding="utf-8")
    return [line.strip() for line in text.splitlines() if line.strip()]


@cache
def slots() -> dict[str, list[str]]:
    """The word lists."""
    found: dict[str, list[str]] = {}
    for line in _table("slots"):
        if not line.startswith("# "):
            key, _, values = line.partition("=")
            found.setdefault(key.strip(), []).extend(v.strip() for v in values.split("|"))
    return found


@cache
def parts() -> dict[str, list[str]]:
    """The parts of longer prompts by list."""
    found: dict[str, list[str]] = {}
    for line in _table("parts"):
        if line.startswith("== "):
            found[line[3:]] = []
        elif found:
            found[list(found)[-1]].append(line.replace("\\n", "\n"))
    return found


@cache
def benign() -> list[str]:
    """Templates of harmless prompts."""
    return [line.replace("\\n", "\n") for line in _table("benign") if not line.startswith("# ")]


@cache
def toxic() -> list[tuple[str, dict[str, int]]]:
    """Templates of the other prompts with their labels."""
    found: list[tuple[str, dict[str, int]]] = []
    labels: dict[str, int] = {}
    for line in _table("toxic"):
        if line.startswith("= "):
            labels = {m.lstrip("-"): int(not m.startswith("-")) for m in line[2:].split()}
        elif not line.startswith("# "):
            found.append((line, labels))
    return found


def fill(text: str, rng: random.Random) -> str:
    """Slots and choices resolved; a word is not used twice in a text."""
    lists = slots()
    used: set[str] = set()
    for _ in range(40):
        match = _SLOT.search(text)
        if match and match[1] in lists:
            word = rng.choice([w for w in lists[match[1]] if w not in used])
            used.add(word)
            text = text[: match.start()] + word + text[match.end() :]
        elif match:  # braces of a code paste
            text = text.replace(match[0], f"\x00{match[1]}\x01")
        elif match := _CHOICE.search(text):
            text = text[: match.start()] + rng.choice(match[1].split("|")) + text[match.end() :]
        else:
            break
    text = re.sub(r"\b([Aa]) (?=[aeioAEIO])(?!one|eu)", r"\1n ", text)
    return text.replace("\x00", "{").replace("\x01", "}")


def _any(name: str, rng: random.Random) -> str:
    """One part of a list, filled."""
    return fill(rng.choice(parts()[name]), rng)


def _plain(rng: random.Random) -> tuple[str, str]:
    """A prompt of the table, with or without company."""
    one = rng.choice(benign())
    text = fill(one, rng)
    if rng.random() < 0.13:
        text = f"{_any('intro', rng)} {text}"
    if rng.random() < 0.11:
        text = f"{text}{'' if text[-1:] in '.?!:' else '.'} {_any('outro', rng)}"
    if rng.random() < 0.06:
        text = f"{rng.choice(parts()['greeting'])}{rng.choice((', ', ' ', '! ', chr(10)))}{text}"
    if rng.random() < 0.03:
        text += " " + "".join(rng.choices(parts()["emoji"][0].split(), k=rng.randint(1, 3)))
    return text, one


def _several(rng: random.Random) -> tuple[str, str]:
    """A few prompts in one."""
    chosen = rng.sample(benign(), rng.randint(2, 4))
    style = rng.randrange(4)
    texts = [fill(c, rng) for c in chosen]
    if style == 0:
        text = "\n".join(f"{i}. {t}" for i, t in enumerate(texts, 1))
    elif style == 1:
        text = "\n\n".join(texts)
    elif style == 2:
        text = rng.choice((" and then ", ". Also ", "? and ", " + ", ". After that ")).join(texts[:2])
    else:
        text = "\n".join(f"{'User' if i % 2 == 0 else 'Assistant'}: {t}" for i, t in enumerate(texts)) + "\nAssistant:"
    return text, chosen[0]


def _article(rng: random.Random) -> tuple[str, str]:
    """A pasted text with a request before or after it."""
    body = (" " if rng.random() < 0.8 else "\n\n").join(
        fill(s, rng) for s in rng.sample(parts()["article"], rng.randint(3, 12))
    )
    ask = rng.choice(parts()["ask_text"])
    kind = rng.random()
    if kind < 0.5:
        return f"{fill(ask, rng)}\n\n{body}", f"article/{ask}"
    if kind < 0.75:
        return f"{body}\n\n{fill(ask, rng)}", f"article/{ask}"
    if kind < 0.9:
        return f'{fill(ask, rng)} "{body}"', f"article/{ask}"
    return body, "article/alone"


def _code(rng: random.Random) -> tuple[str, str]:
    """Pasted code with a question."""
    code = rng.choice(parts()["code"])
    filled, ask = fill(code, rng), _any("ask_code", rng)
    shapes = (f"{ask}\n```\n{filled}\n```", f"{filled}\n\n{ask}", f"{ask}\n{filled}", filled, f"{ask} {filled}")
    return rng.choice(shapes), f"code/{code[:40]}"


def _data_table(rng: random.Random) -> tuple[str, str]:
    """A pasted table."""
    lists = slots()
    names = rng.sample(("country", "city", "animal", "food", "job", "name", "lang", "product", "month", "game"), 1)
    rows = [
        (rng.choice(lists[names[0]]), rng.randint(1, 999), round(rng.random() * 100, 1))
        for _ in range(rng.randint(3, 9))
    ]
    glue = rng.choice((",", "\t", " | ", ";", "  "))
    head = glue.join(
        (names[0], rng.choice(("count", "units", "killed", "sold", "score")), rng.choice(("price", "rate", "%")))
    )
    body = "\n".join([head] * rng.choice((0, 1, 1)) + [glue.join(map(str, r)) for r in rows])
    ask = rng.choice(parts()["ask_table"])
    return rng.choice((f"{fill(ask, rng)}\n{body}", f"{body}\n\n{fill(ask, rng)}")), f"table/{ask}"


def _picture(rng: random.Random) -> tuple[str, str]:
    """A prompt for an image model."""
    lists = slots()
    subject = rng.choice(lists["artsubject"])
    tags = rng.sample(lists["artdetail"], rng.randint(3, 8))
    pieces = [subject, rng.choice(lists["art"]), *tags]
    if rng.random() < 0.3:
        pieces = [f"({p}:1.{rng.randint(1, 4)})" if rng.random() < 0.3 else p for p in pieces]
    text = ", ".join(pieces)
    if rng.random() < 0.25:
        text += rng.choice(
            (" --ar 16:9", " --v 5", "\nNegative prompt: nsfw, nude, lowres, bad hands", " --no text", " --stylize 750")
        )
    if rng.random() < 0.1:
        text = f"As a prompt generator for a generative AI called Midjourney, you will create image prompts. Subject: {subject}"
    return text, f"picture/{subject}"


def _app(rng: random.Random) -> tuple[str, str]:
    """A prompt such as applications send: a role, rules, then the input."""
    role = rng.choice(parts()["system"])
    rules = [fill(r, rng) for r in rng.sample(parts()["rule"], rng.randint(1, 5))]
    given = fill(rng.choice(benign()), rng) if rng.random() < 0.7 else _article(rng)[0]
    shape = rng.randrange(3)
    if shape == 0:
        body = "\n".join(f"- {r}" for r in rules)
        text = f"{fill(role, rng)}\nRules:\n{body}\n\n{rng.choice(('Input', 'User', 'Question', 'Task'))}: {given}"
    elif shape == 1:
        text = f"{fill(role, rng)} {' '.join(rules)} {given}"
    else:
        text = f"### Instruction:\n{fill(role, rng)} {' '.join(rules)}\n\n### Input:\n{given}\n\n### Response:"
    return text, f"app/{role}"


def _play(rng: random.Random) -> tuple[str, str]:
    """The set-up of a role-play or a text game."""
    start = rng.choice(("Let's roleplay.", "I want to play a text adventure.", "Roleplay time!", "You're the game master.",
                        "Let's write a story together.", "rp?", "Create an interactive story.", "You are the narrator of an RPG."))  # fmt: skip
    chosen = rng.sample(parts()["scene"], rng.randint(2, 7))
    glue = rng.choice((" ", "\n", "\n- "))
    return start + glue + glue.join(fill(c, rng) for c in chosen), f"play/{start}/{chosen[0]}"


def _noise(rng: random.Random) -> tuple[str, str]:
    """Nothing in particular: keys, numbers, emoji, lists of words."""
    lists = slots()
    kind = rng.randrange(6)
    if kind == 0:
        text = "".join(rng.choices(string.ascii_lowercase, k=rng.randint(2, 14)))
    elif kind == 1:
        text = "".join(rng.choices(parts()["emoji"][0].split(), k=rng.randint(1, 8)))
    elif kind == 2:
        text = rng.choice((", ", "\n", " ")).join(
            rng.sample(lists[rng.choice(("food", "animal", "city", "celeb", "film"))], rng.randint(3, 9))
        )
    elif kind == 3:
        text = " ".join(str(rng.randint(0, 10 ** rng.randint(1, 6))) for _ in range(rng.randint(1, 9)))
    elif kind == 4:
        a, b = rng.randint(2, 999), rng.randint(2, 99)
        text = rng.choice(
            (
                f"{a}+{b}",
                f"{a} * {b} = ?",
                f"{a}/{b}",
                f"what is {a} minus {b}",
                f"{b}% of {a}",
                f"sqrt({a})",
                f"({a}-{b})^2",
            )
        )
    else:
        text = rng.choice(lists[rng.choice(list(lists))])
    return text, f"noise/{kind}/{text[:6]}"


@cache
def _documents(data: Path) -> tuple[str, ...]:
    """Texts of the data folder to paste."""
    found = {r["document"] for r in lines(data / "grounding" / "ares_synthetic.jsonl.gz")}
    return tuple(sorted(d for d in found if len(d) > 200))


def _pasted(rng: random.Random, data: Path) -> tuple[str, str]:
    """A real text with a request."""
    text = rng.choice(_documents(data))
    part = text[: rng.randint(200, 2500)]
    ask = _any("ask_text", rng)
    return rng.choice((f"{ask}\n\n{part}", f"{part}\n\n{ask}", f"{ask} {part}")), f"ares/{text[:60]}"


def typed(text: str, rng: random.Random) -> str:
    """As typed by some people: no capitals, shouting, a slip, marks lost or repeated."""
    kind = rng.random()
    if kind < 0.14:
        return text.lower()
    if kind < 0.16:
        return text.upper()
    if kind < 0.22:
        return text[:1].upper() + text[1:] + ("" if text[-1:] in ".?!:)" else rng.choice((".", "?", "")))
    if kind < 0.26:
        return text.rstrip(".?!") + rng.choice(("??", "!!", "...", " ?", " ."))
    if kind < 0.33 and len(text) > 12:
        i = rng.randrange(1, len(text) - 2)
        return text[:i] + text[i + 1] + text[i] + text[i + 2 :]
    if kind < 0.37 and len(text) > 12:
        i = rng.randrange(1, len(text) - 1)
        return text[:i] + text[i + 1 :]
    if kind < 0.4:
        pairs = {
            "you": "u",
            "your": "ur",
            "please": "plz",
            "are": "r",
            "for": "4",
            "people": "ppl",
            "with": "w",
            "because": "cuz",
            "what": "wat",
        }
        return re.sub(r"\w+", lambda m: pairs.get(m[0].lower(), m[0]), text)
    return text


def _bad(rng: random.Random) -> Row:
    """A toxic prompt or a try at breaking the rules."""
    one, labels = rng.choice(toxic())
    text = fill(one, rng)
    if rng.random() < 0.1:
        text = f"{_any('intro', rng)} {text}"
    if rng.random() < 0.07:
        text = f"{text} {_any('outro', rng)}"
    if rng.random() < 0.06:
        text = f"{rng.choice(parts()['greeting'])} {text}"
    return row(typed(text, rng), dict(labels), f"ordinary/toxic/{hashlib.sha256(one.encode()).hexdigest()[:10]}")


def generate(rng: random.Random, count: int, data: Path) -> Iterator[Row]:
    """``count`` prompts of users, seven in eight harmless."""
    makers: tuple[tuple[Callable[[], tuple[str, str]], float], ...] = (
        (lambda: _plain(rng), 0.58),
        (lambda: _several(rng), 0.06),
        (lambda: _article(rng), 0.07),
        (lambda: _code(rng), 0.04),
        (lambda: _data_table(rng), 0.02),
        (lambda: _picture(rng), 0.04),
        (lambda: _app(rng), 0.06),
        (lambda: _play(rng), 0.05),
        (lambda: _noise(rng), 0.03),
        (lambda: _pasted(rng, data), 0.05),
    )
    calls, weights = zip(*makers, strict=True)
    seen: set[str] = set()
    made = 0
    while made < count:
        if rng.random() < _TOXIC_SHARE:
            one = _bad(rng)
        else:
            text, key = rng.choices(calls, weights)[0]()
            one = row(typed(text, rng), dict(BENIGN), f"ordinary/{hashlib.sha256(key.encode()).hexdigest()[:10]}")
        if one["text"] in seen and rng.random() < 0.8:
            continue
        seen.add(one["text"])
        made += 1
        yield one
