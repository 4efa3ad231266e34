"""Sexual content and its safe look-alikes; also the small grammar the hate, insult and self-harm tables are read with."""

from __future__ import annotations

import hashlib
import random
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from models.text.rows import CONTENT, SAFE, Row, row

TABLES = Path(__file__).parent / "tables"

_CHOICE = re.compile(r"\[([^\[\]{}]*)\]")
_SLOT = re.compile(r"\{(\w+)\}")
_ARTICLE = re.compile(r"\b([Aa]) (?=[aeiouAEIOU])(?!uni|Uni|eu|Eu|one|us[ae]|uter|ute)")

# What surrounds a request or a statement, the same on both sides, so that it says nothing about the label.
FRAMES = (
    *("{}",) * 10,
    *("{}.",) * 4,
    "please {}",
    "Please {}.",
    "{} please",
    "Can you {}?",
    "can you {} for me",
    "Could you {}?",
    "Could you please {}?",
    "Would you {}?",
    "will you {}?",
    "I want you to {}.",
    "I need you to {}",
    "I'd like you to {}.",
    "I would love it if you could {}.",
    "Help me {}.",
    "help me to {} please",
    "hey can u {}",
    "Hi! Could you kindly {}?",
    "Kindly {}.",
    "Your task is to {}.",
    "Task: {}",
    "go ahead and {}",
    "Next, {}.",
    "Now {}.",
    "ok now {}",
    "I was wondering if you could {}.",
    "Is it possible for you to {}?",
    "Are you able to {}?",
    "Let's try something: {}.",
    "For my blog, {}.",
    "It's for a friend: {}.",
    "As an assistant, {}.",
    "I'm bored, {}",
    "Dear assistant, please {}. Thanks in advance.",
    "try to {}",
    "Just {}, nothing else.",
    "In about 200 words, {}.",
    "{}, and make it short.",
    "{}. Take your time.",
    "{} asap",
    "{}, thanks",
    "do me a favour and {}",
    "be a dear and {}",
    "I have a request. {}.",
    "One thing: {}.",
    "My boss wants me to get an AI to {}. Can you?",
)
OPENERS = (
    "So, ",
    "Well, ",
    "ok so ",
    "Hi. ",
    "Hello there! ",
    "Hey, ",
    "Honestly, ",
    "Look. ",
    "Listen. ",
    "Quick one: ",
    "Long time lurker, first post. ",
    "Not sure where to put this. ",
    "Hope you're having a good day. ",
    "Hey everyone. ",
    "Throwaway account. ",
    "It is late and I can't sleep. ",
    "Thanks for the last answer. ",
    "Right then. ",
    "Good evening. ",
    "Sorry for my English. ",
    "Second try: ",
    "Update: ",
    "I was on the train this morning. ",
    "We were talking about this at dinner. ",
    "Been thinking about this all week. ",
    "ngl ",
    "lol ",
    "Yeah, ",
    "Actually, ",
    "Just saying: ",
    "My flatmate and I had a long chat last night. ",
    "Got home from work an hour ago. ",
    "@user ",
    "RT @user: ",
    "Reply to your comment: ",
    "Random thought. ",
    "Don't know if this is the right place. ",
    "> ",
    "Me: ",
    "So here it is. ",
)
CLOSERS = (
    " Thanks.",
    " Thank you!",
    " thx",
    " Any thoughts?",
    " That's all.",
    " Just my two cents.",
    " lol",
    " Anyway.",
    " Let me know.",
    " I mean it.",
    " What do you think?",
    " Cheers.",
    " Sorry for the long post.",
    " And that's that.",
    " Regards",
    " Can anyone relate?",
    " #justsaying",
    " #today",
    " 🙂",
    " 😂",
    " 🙏",
    " 🤔",
    " ...",
    " haha",
    " Goodnight.",
    " I'll be waiting.",
    " ok?",
    " Edit: typo.",
    " I am serious.",
    " Much appreciated.",
)
_SHORT = {"you": "u", "your": "ur", "please": "pls", "because": "cuz", "are": "r", "people": "ppl", "with": "w/"}


@dataclass(frozen=True)
class Template:
    """A line of a table: how it is used ("say" or "ask"), what it is labelled, and the text with its slots."""

    kind: str
    labels: Mapping[str, int]
    text: str
    group: str
    room: int


@cache
def slots(name: str) -> dict[str, tuple[str, ...]]:
    """The word lists of a table: ``name = a | b | c``, on as many lines as it takes."""
    found: dict[str, tuple[str, ...]] = {}
    path = TABLES / f"{name}_slots.txt"
    for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else ():
        if line.strip() and not line.startswith("#"):
            key, _, values = line.partition("=")
            found[key.strip()] = found.get(key.strip(), ()) + tuple(v.strip() for v in values.split("|"))
    return found


def fill(text: str, words: Mapping[str, Sequence[str]], rng: random.Random, counts: Counter[str]) -> str:
    """Slots and ``[one|other]`` choices resolved, inner ones first; of a few words at random the least used is taken."""
    here: set[str] = set()
    for _ in range(20):
        if match := _SLOT.search(text):
            fresh = [w for w in words[match[1]] if w not in here] or words[match[1]]
            word = min(rng.sample(fresh, min(5, len(fresh))), key=lambda w: counts[w])
            counts[word] += 1
            here.add(word)
            text = text[: match.start()] + word + text[match.end() :]
        elif match := _CHOICE.search(text):
            text = text[: match.start()] + rng.choice(match[1].split("|")) + text[match.end() :]
        else:
            break
    return _ARTICLE.sub(r"\1n ", re.sub(r" {2,}", " ", text)).strip()


def _room(text: str, words: Mapping[str, Sequence[str]]) -> int:
    """About how many texts a template can make, at most 400."""
    room = 1
    for match in _SLOT.finditer(text):
        room *= len(words[match[1]])
    for match in _CHOICE.finditer(text):
        room *= match[1].count("|") + 1
    return min(room, 400)


@cache
def templates(name: str, side: str) -> tuple[Template, ...]:
    """The lines of ``<name>_<side>.txt``; ``= say HATE -SEXUAL`` starts a section with these labels set to 1 and 0."""
    words = slots(name)
    kind, labels = "say", {}
    found = []
    for line in (TABLES / f"{name}_{side}.txt").read_text(encoding="utf-8").splitlines():
        text = line.strip()
        if not text or text.startswith("# "):
            continue
        if text.startswith("= "):
            _, kind, *marks = text.split()
            labels = {m.lstrip("-"): int(not m.startswith("-")) for m in marks}
            if unknown := set(labels) - set(CONTENT):
                raise ValueError(f"{name}_{side}.txt: no such labels: {sorted(unknown)}")
            continue
        group = f"{name}/{side}/{hashlib.sha256(text.encode()).hexdigest()[:10]}"
        found.append(Template(kind, labels, text, group, _room(text, words)))
    return tuple(found)


def styled(text: str, rng: random.Random) -> str:
    """The text as some people would type it."""
    kind = rng.random()
    if kind < 0.16:
        text = text.lower()
    elif kind < 0.2:
        text = re.sub(r"\w+", lambda m: _SHORT.get(m[0].lower(), m[0].lower()), text)
    elif kind < 0.22:
        text = text.upper()
    elif kind < 0.28:
        text = text.rstrip(".!?")
    elif kind < 0.31:
        text = text.rstrip(".") + rng.choice(("!", "!!", "...", " lol", "?!"))
    return text


def said(
    template: Template, words: Mapping[str, Sequence[str]], rng: random.Random, counts: Counter[str], again: bool
) -> str:
    """One text of a template; further texts of a plain line get company so as not to repeat it."""
    text = fill(template.text, words, rng, counts)
    if template.kind == "ask":
        frame = rng.choice(FRAMES)
        while text.startswith("help me") and "elp me" in frame:
            frame = rng.choice(FRAMES)
        if frame.startswith("{}") and rng.random() < 0.7:
            text = text[:1].upper() + text[1:]
        text = frame.format(text)
    if rng.random() < (0.5 if again else 0.1):
        opener = rng.choice(OPENERS)
        if opener[-2] in ",:" and text[1:2].islower() and text[:2] != "I ":
            text = text[:1].lower() + text[1:]
        text = opener + text
    if rng.random() < (0.3 if again else 0.07):
        text = (text if text[-1:] in ".!?,;" else text + ".") + rng.choice(CLOSERS)
    return styled(text, rng)


def side(name: str, which: str, rng: random.Random) -> Iterator[Row]:
    """Rows of one side of a table, without end: every template in turn, those with more room more often."""
    words = slots(name)
    lines = templates(name, which)
    seen: set[str] = set()
    used: Counter[str] = Counter()
    counts: Counter[str] = Counter()
    for cycle in range(1000):
        for one in rng.sample(lines, len(lines)):
            limit = 2 + one.room + (6 if one.kind == "ask" else 0)
            if cycle < 40 and used[one.group] >= limit:
                continue
            for _ in range(4):
                text = said(one, words, rng, counts, again=one.room < used[one.group] + 1)
                if text.lower() not in seen:
                    seen.add(text.lower())
                    used[one.group] += 1
                    yield row(text, {**SAFE, **one.labels} if which == "safe" else dict(one.labels), one.group)
                    break


def both(name: str, rng: random.Random, count: int) -> Iterator[Row]:
    """``count`` rows, harmful and safe in turn."""
    sides = (side(name, "harmful", rng), side(name, "safe", rng))
    for i in range(count):
        if (one := next(sides[i % 2], None)) is not None:
            yield one


def generate(rng: random.Random, count: int) -> Iterator[Row]:
    """Requests for, and texts with, explicit sexual content, and as many that only share their words."""
    return both("sexual", rng, count)
