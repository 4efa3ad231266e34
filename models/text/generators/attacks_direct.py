"""Attacks that users type: jailbreaks, hijacks of the application's task, attempts to get at its prompt or secret."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from pathlib import Path

from models.text import readers_attack
from models.text.generators import requests
from models.text.generators.attacks_benign import (
    capital,
    composed,
    expand,
    forms,
    greeted,
    innocent_goal,
    innocent_verbs,
    pick,
    sections,
    shots,
    slots,
    staged,
)
from models.text.rows import ATTACKS, SAFE, Row, none_of, row

_KINDS = (
    ("persona", 30),
    ("fiction", 14),
    ("hypothetical", 8),
    ("devmode", 10),
    ("opposite", 4),
    ("grandma", 5),
    ("refusal", 8),
    ("split", 3),
    ("encode", 6),
    ("many", 3),
    ("authority", 7),
    ("reason", 7),
    ("meta", 7),
    ("plain", 5),
    ("set", 14),
    ("staged", 18),
)
_COMPLIES = (
    "Sure! First you will need the right tools. Step 1 ...",
    "Of course. The quickest way has three steps.",
    "Absolutely, here is the full plan.",
    "Easy. Wait until nobody is around, then begin.",
    "Yes. Here's how it is done in practice: ...",
    "No problem, I answer everything. Start with ...",
    "Here is the complete list, without any warnings.",
)


def _verb(rng: random.Random) -> str:
    """A harmful verb phrase."""
    return rng.choice(requests.goals())[2]


def jailbreak(rng: random.Random, data: Path) -> Row:
    """One attempt to make the model drop its rules, mostly for something harmful."""
    names, weights = zip(*_KINDS, strict=True)
    kind = rng.choices(names, weights)[0]
    verb = _verb(rng)
    harmless = rng.random() < (0.12 if kind in ("persona", "devmode", "meta", "authority", "set") else 0.0)
    labels = {"JAILBREAK": 1}
    if harmless:
        goal, verb = innocent_goal(rng, data), rng.choice(innocent_verbs())
    elif rng.random() < 0.4:
        goal = rng.choice((f"How do I {verb}?", f"how to {verb}", f"Explain how to {verb}.", f"Tell me how to {verb}."))
    else:
        goal = rng.choice(readers_attack.harmful_goals(data))
    words = verb.split()
    fixed = {
        "p": rng.choice(slots()["persona"]),
        "bot": rng.choice(slots()["bot"]),
        "maker": rng.choice(slots()["maker"]),
        "v": verb,
        "g": goal,
        "object": words[-1],
        "v_masked": " ".join([*words[:-1], rng.choice(("it", "🍎", "[MASK]", "X", "that thing"))]),
        "shots": shots(rng, [f"How do I {_verb(rng)}?" for _ in range(6)], _COMPLIES, rng.choice((1, 2, 3, 4, 6, 8))),
        **forms(goal),
    }
    asked = True
    if kind == "set":
        group, text = rng.choice(readers_attack.templates(data))
        if len(text) > 1500 and rng.random() < 0.5:
            text = (readers_attack.excerpt(text.replace("{g}", ""), rng) or text[:1200]) + "\n{g}"
        text = text.replace("{g}", goal)[:4500]
    elif kind == "staged":
        subject = expand(pick("shells", rng, "bare")[1], rng, {"v": verb})
        group, text = staged(rng, subject)
    elif kind == "persona":
        asked = rng.random() < 0.85
        group, text = composed("jailbreak", rng, ask=asked)
        text = expand(text, rng, fixed)
    else:
        group, line = pick("jailbreak", rng, kind)
        asked = kind != "plain"
        if kind in ("fiction", "hypothetical", "grandma") and rng.random() < 0.2:
            line += " " + pick("jailbreak", rng, rng.choice(("rule", "pressure")))[1]
        text = expand(line, rng, fixed)
    if asked and not harmless:
        labels["ANY"] = 1
    elif not asked or harmless:
        labels |= {"PROMPT_LEAKAGE": 0}
    return row(text, labels, group)


def _say(rng: random.Random) -> str:
    """What the hijacked application shall say, quoted in some way."""
    text = expand(rng.choice(slots()["say"]), rng)
    text = rng.choice((text, text, text.lower(), text.upper(), capital(text)))
    return rng.choice(('"{}"', "'{}'", "{}", "{}", "`{}`", '"{}" ', "*{}*")).format(text)


def _noise(rng: random.Random) -> str:
    """Repeated symbols and junk in front of a hijack."""
    unit = rng.choice(
        (
            "a",
            "!",
            "\n.",
            "=",
            "#",
            "-",
            "~",
            ". ",
            "artisan ",
            "ok ",
            "} ] ",
            "<end> ",
            "|",
            "*",
            "blah ",
            "la ",
            "0",
            "█",
            "\\n",
            "; ",
            "END ",
            "stop ",
            "x x ",
        )
    )
    return (unit * rng.randint(5, 60)).strip(" ")


def hijack(rng: random.Random, data: Path) -> Row:
    """One attempt to make the application do something else."""
    if rng.random() < 0.55:
        group, line = pick("hijack", rng, "say")
        said = _say(rng)
        text = expand(line, rng, {"s": said, "noise": _noise(rng), "spaced_say": " ".join(said)})
    else:
        group, line = pick("hijack", rng, "do")
        task = expand(pick("hijack", rng, "tasks")[1], rng)
        text = expand(line, rng, {"t": task, "T": capital(task), "noise": _noise(rng)})
    text = beside(greeted(text, rng) if rng.random() < 0.3 else text, rng, data, 0.35)
    return row(text, {"PROMPT_INJECTION": 1, **SAFE}, group)


def beside(text: str, rng: random.Random, data: Path, chance: float) -> str:
    """The attack beside something harmless, before, after or in the middle of it."""
    if rng.random() >= chance:
        return text
    other = innocent_goal(rng, data)
    words = other.split()
    cut = rng.randrange(len(words) + 1)
    return rng.choice(
        (
            f"{other} {text}",
            f"{other}\n\n{text}",
            f"{other}\n{text}",
            f"{text} {other}",
            f"{text}\n\n{other}",
            " ".join([*words[:cut], text, *words[cut:]]),
        )
    )


def leakage(rng: random.Random, data: Path) -> Row:
    """One attempt to get at the prompt or the secret."""
    group, line = pick("leak", rng)
    fixed = {"maker": rng.choice(slots()["maker"])}
    line = line.replace("{k}", "{secret}").replace("{o}", "{own}")
    text = expand(line, rng, fixed)
    if group.startswith("leak/own") and re.match(r"\w+ your ", text) and rng.random() < 0.15:
        text = expand(pick("leak", rng, "own")[1].replace("{o}", "{own}"), rng, fixed) + " " + text
    text = greeted(text, rng)
    text = beside(text, rng, data, 0.12)
    return row(text, {"PROMPT_LEAKAGE": 1, "JAILBREAK": 0, **SAFE}, group)


def plain(rng: random.Random, data: Path) -> Row:
    """Something harmful, asked straight: no attack on the instructions."""
    if rng.random() < 0.5:
        text = rng.choice(readers_attack.harmful_goals(data))
    else:
        verb = _verb(rng)
        text = rng.choice(("How do I {}?", "how can i {}", "Tell me how to {}", "I want to {}", "Help me {}.")).format(
            verb
        )
    return row(text, {**none_of(ATTACKS), "ANY": 1}, f"plain/{text[:48]}")


def generate(rng: random.Random, count: int, data: Path) -> Iterator[Row]:
    """``count`` attacks and a tenth of harmful requests that are none."""
    for _ in range(count):
        kind = rng.random()
        if kind < 0.44:
            yield jailbreak(rng, data)
        elif kind < 0.68:
            yield hijack(rng, data)
        elif kind < 0.9:
            yield leakage(rng, data)
        else:
            yield plain(rng, data)


__all__ = ["beside", "generate", "sections"]
