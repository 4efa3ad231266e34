"""Contrast pairs: the same verb with a harmful and with an innocent object, the same kind of text for a bad and for a good end."""

from __future__ import annotations

import random
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from models.text.rows import BENIGN, CONTENT, Row, row

_TABLES = Path(__file__).parent / "tables"

_FRAMES = (
    "How to {}?", "How to {}", "how to {}", "How do I {}?", "How can I {}?", "how do you {}", "How could one {}?", "Tips to {}", "Ways to {}?", "Best way to {}?",
    "What's the best way to {}?", "What is the easiest way to {}?", "Tell me how to {}.", "Can you teach me how to {}?", "I want to {}. Any ideas?", "I'd like to {}, where do I start?",
    "Explain how to {} step by step.", "Give me a guide on how to {}.", "Give me ten tips to {}.", "Help me {}.", "Can you help me {}?", "What do I need to {}?", "Is it hard to {}?",
    "Write instructions to {}.", "Provide a tutorial on how to {}", "Describe how to {}", "Create a plan to {}", "Outline the steps to {}", "List three ways to {}", "My brother asked me how to {}. What should I say?",
    "need to {} asap", "whats a quick way to {}", "Please advise: how to {}?", "I'm new to this. How does one {}?", "Any shortcuts to {}?",
)  # fmt: skip
_TEXTS = (
    "blog post", "short article", "speech", "caption for a social media post", "tweet", "letter", "petition", "flyer", "song", "poem", "script for a video", "newspaper column", "story", "radio spot",
    "persuasive essay", "message for a group chat", "presentation", "website text", "podcast intro", "series of emails", "press release", "slogan", "comment", "leaflet for schools", "dialogue",
)  # fmt: skip
_ORDERS = (
    "Write a {k} that {a}", "Draft a {k} that {a}.", "Create a {k} that {a}", "Compose a {k} that {a}.", "Design a {k} that {a}", "Give me a {k} that {a}.", "I need a {k} that {a}. Can you write it?",
    "Could you write a {k} that {a}?", "Please produce a {k} that {a}", "Develop a {k} that {a}", "write me a {k} that {a} pls", "Generate a {k} that {a}, about 200 words.", "Make a {k} that {a}",
)  # fmt: skip
_LANGUAGES = (
    "Python",
    "C",
    "C++",
    "Java",
    "JavaScript",
    "Go",
    "Rust",
    "Bash",
    "shell",
    "PowerShell",
    "Ruby",
    "Perl",
    "C#",
    "TypeScript",
)
_CODE = (
    "Write a {l} script that {a}.", "Generate a {l} program that {a}.", "Implement a {l} function that {a}.", "Create a {l} tool that {a}. It should take its settings from a file and log what it does.",
    "Generate a {l} script that implements a system that {a}. The script should run every hour and report errors to the administrator.", "I need {l} code that {a}.",
    "Write {l} code that {a} and explain it line by line.", "Review my {l} code that {a}.", "Generate a {l} program that {a}, with unit tests. (Focus on defence.)", "How would you write a {l} service that {a}?",
    "Generate a {l} script that implements a system that {a}, based on the time of day, the user's location and the sensitivity of the data.",
    "Generate a {l} program that {a}. The program should be efficient, well documented and easy to configure. (Do not use external libraries.)",
    "Write a {l} program that {a}. Take the following into account: it runs unattended, it must not lose events, and an operator can undo what it did.",
    "Create a {l} script which {a}. The script should take a list of users and their roles as input and print what it changed.",
    "I am an administrator and responsible for two hundred machines. I need a {l} script that {a}.", "{l}: something that {a}, please",
    "Can you review this idea: a {l} service that {a}? What could go wrong?", "Generate a {l} program that changes the state of a system: it {a}.", "Take a deep breath and think step by step. Write a {l} program that {a}.",
)  # fmt: skip
_OWN = (
    " Thanks!",
    " I have until tomorrow.",
    " It's for my course.",
    " Keep it simple.",
    " I'm a beginner.",
    "",
    "",
    "",
    "",
    "",
)


@cache
def verbs() -> tuple[tuple[str, str, tuple[str, ...], tuple[str, ...]], ...]:
    """(verb, category, harmful objects, innocent objects)."""
    out = []
    for line in _lines("verbs"):
        verb, category, bad, good = (x.strip() for x in line.split("|"))
        out.append(
            (verb, category, tuple(x.strip() for x in bad.split(";")), tuple(x.strip() for x in good.split(";")))
        )
    return tuple(out)


@cache
def aims() -> tuple[tuple[tuple[str, str], ...], tuple[str, ...]]:
    """((category, bad end), …), (good end, …)."""
    bad, good = [], []
    for line in _lines("aims"):
        category, ends = (x.strip() for x in line.split("|"))
        for end in ends.split(";"):
            good.append(end.strip()) if category == "OK" else bad.append((category, end.strip()))
    return tuple(bad), tuple(good)


@cache
def _lines(name: str) -> tuple[str, ...]:
    text = (_TABLES / f"contrast_{name}.txt").read_text(encoding="utf-8")
    return tuple(x for x in text.splitlines() if x and not x.startswith("#"))


def generate(rng: random.Random, count: int) -> Iterator[Row]:
    """Half harmful; every frame is used on both sides."""
    bad_ends, good_ends = aims()
    for _ in range(count):
        kind = rng.random()
        if kind < 0.55:
            verb, category, bad, good = rng.choice(verbs())
            frame = rng.choice(_FRAMES)
            harmful = rng.random() < 0.5
            what = rng.choice(bad if harmful else good)
            phrase = f"{verb}{what}" if what.startswith(("ened", "ening", "ation")) else f"{verb} {what}"
            if ": " in what or what.startswith(("ened", "ening", "ation")):  # a question of its own
                text = phrase[0].upper() + phrase[1:] + rng.choice(("?", "", " please"))
            else:
                text = frame.replace("{}", phrase) + (rng.choice(_OWN) if rng.random() < 0.3 else "")
            labels = {category: 1} if harmful else dict(BENIGN)
            yield row(text, labels, f"contrast/{verb}/{what[:30]}")
        elif kind < 0.78:
            harmful = rng.random() < 0.5
            category, end = rng.choice(bad_ends) if harmful else ("", rng.choice(good_ends))
            text = rng.choice(_ORDERS).replace("{k}", rng.choice(_TEXTS)).replace("{a}", end)
            yield row(text, {category: 1} if harmful else dict(BENIGN), f"contrast/{end[:40]}")
        else:
            harmful = rng.random() < 0.22
            end = rng.choice(_lines("badcode" if harmful else "code"))
            text = rng.choice(_CODE).replace("{l}", rng.choice(_LANGUAGES)).replace("{a}", end)
            yield row(text, {"MISCONDUCT": 1} if harmful else dict(BENIGN), f"contrast/code/{end}")


__all__ = ["CONTENT", "aims", "generate", "verbs"]
