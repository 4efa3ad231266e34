"""The public attack sets of the data folder as training rows: jailbreaks, injections, and the contexts around them."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from models.text.rows import ATTACKS, BENIGN, Row, lines, none_of, row, share


def _any(*parts: str) -> re.Pattern[str]:
    """A pattern that finds any of the parts, in whatever case."""
    return re.compile("|".join(parts), re.IGNORECASE)


# What makes a text of the jailbreak collections an attempt to make a model drop its rules; some are mere role play.
_EVIDENCE = _any(
    r"jail ?br|\bDAN\b|do anything now|unfiltered|uncensored|unrestricted|un-?ethic|immoral|amoral|illegal",
    r"\b(?:no|any|without|ignor\w+|free (?:of|from)|bypass\w*|break\w*|disregard\w*|not (?:bound|follow)\w*)\b"
    r"[^.\n]{0,40}(?:restrict|rule|guideline|polic|filter|limit|moral|ethic|censor|warning|disclaimer|boundar)",
    r"(?:never|not|don't|cannot|can't|won't) (?:\w+ ){0,3}(?:refuse|decline|reject|apologi|say (?:no|you can))",
    r"i'?m sorry|openai'?s? (?:polic|content|guideline|rule)|content polic|developer mode|as an ai ",
    r"ignore (?:all|any|every|the|your|previous)|opposite (?:mode|day)|evil|nsfw|slur|vulgar|swear|harmful|dangerous",
    r"malicious|god ?mode|liberat",
)
_STRONG = _any(
    r"\bDAN\b|do anything now|jail ?br|unfiltered|uncensored|unrestricted|developer mode|amoral|immoral|un-?ethical",
    r"(?:ignore|disregard|forget) (?:all|any|every|your|the|previous)",
    r"without (?:any )?(?:warning|disclaimer|censor|restrict|filter|moral|limit)",
    r"no (?:restrict|rules|limit|filter|ethic|moral|guideline|censor)",
    r"(?:never|not) (?:\w+ )?(?:refuse|decline|reject)|openai(?:'s)? (?:polic|content|guideline)",
    r"regardless of (?:\w+ ){0,3}(?:ethic|legal|moral|harm)",
)
# Of the prompt-injection list: what orders something, as opposed to odd questions and innocent roles.
_HIJACK = _any(
    r"ignor|forget|vergess|vergiss|disregard|abandon|remove all|olvid|oubli|zaborav|instru[ck]|prompt|previous|preced",
    r"bisherig|vorherig|(?:now|new|neue|further|more|weitere|another) (?:\w+ )?(?:task|aufgabe|challenge|assignm)",
    r"stop|\bsay\b|\bsag|print|output|schreib|write:|repeat|state that|hate|hasst|pwned|instead|statt|evil|b[öo]se",
    r"written (?:above|at)|despite|command|drop all|do not (?:answer|look)|don'?n?'t answer|regardless|unwahre|anyway",
    r"abweichend|no programming guidelines|theoretical world|very (?:good|well)|sehr gut|a film|einem film|s a y|igmre",
    r"own knowledge|embeddings|make something up|amnesia|blame",
)
# Some rows of harmfulqa are merely odd; these words make a request plainly harmful.
_HARM = _any(
    r"manipulat|steal|hack|weapon|attack|\bharm|illegal|exploit|discriminat|hatred|\bhate|kill|poison|bomb|explosi",
    r"fraud|forge|fake|terror|abus|destroy|sabotag|steroid|drug|stalk|spread (?:false|misinf|disinf|lies)|misinform",
    r"disinform|brainwash|evade|undetect|without (?:being|getting) (?:caught|detected|noticed)|bully|blackmail|violen",
    r"suicid|toxic|malware|virus|crack|cheat|plagiari|launder|traffick|incite|oppress|racis|sexis|supremac|eugenic",
    r"radicali",
)
_SLOT = re.compile(r"\{\{ ?\w+ ?\}\}|\[(?:insert|put|your|paste|enter)[^\]\n]{0,40}\]|<\w*prompt\w*>", re.IGNORECASE)
_SAP = {
    "fraud": {"MISCONDUCT": 1},
    "race": {"HATE": 1},
    "religion": {"HATE": 1},
    "suicide": {"SELF_HARM": 1},
    "terrorism": {"VIOLENCE": 1},
    "violence": {"VIOLENCE": 1},
    "politics": {"ANY": 1},
}


def _key(text: str) -> str:
    """What near copies share."""
    return "".join(c for c in text.lower() if c.isalnum())[:160]


def _latin(text: str) -> bool:
    """False where most letters are of a script that the English vocabulary does not hold."""
    letters = [c for c in text if c.isalpha()]
    return bool(letters) and sum(c < "ɐ" for c in letters) > 0.7 * len(letters)


def _unfolded(parts: list[str]) -> str:
    """The ``value`` of a YAML file of which the lines are left, without the block's indent and quoting."""
    at = next((i for i, line in enumerate(parts) if line.startswith("value:")), None)
    if at is None:
        return ""
    first = parts[at][len("value:") :].strip()
    body = [line[2:] if line.startswith("  ") else line for line in parts[at + 1 :]]
    body = body[: next((i for i, line in enumerate(body) if re.match(r"\w+:(?: |$)", line) and i > 3), len(body))]
    if first[:1] in ("|", ">"):
        return ("\n" if first[0] == "|" else " ").join(body).strip()
    return " ".join([first, *body]).strip().strip("'\"").replace("''", "'").replace('\\"', '"').replace("\\n", "\n")


@cache
def templates(data: Path) -> tuple[tuple[str, str], ...]:
    """(group, text) of the jailbreak templates, with ``{g}`` where the request goes."""
    found: list[tuple[str, str]] = []
    seen: set[str] = set()
    files: dict[str, list[str]] = {}
    for r in lines(data / "attack" / "pyrit_jailbreak_templates.jsonl.gz"):
        if r["_file"].endswith(".yaml") and "jailbreak/templates" in r["_file"]:
            files.setdefault(r["_file"], []).append(r["text"])
    texts = [(f"pyrit/{name.rsplit('/', 1)[-1]}", _unfolded(parts)) for name, parts in files.items()]
    texts += [(f"gptfuzz/{r['id']}", r["text"]) for r in lines(data / "attack" / "gptfuzz_templates.jsonl.gz")]
    texts += [
        (f"wild/{i}", r["value"]) for i, r in enumerate(lines(data / "attack" / "in_the_wild_jailbreaks.jsonl.gz"))
    ]
    for group, raw in texts:
        plain = re.sub(r"\{% (?:end)?raw %\}|[═║╔╗╚╝─┃━┏┓┗┛│┌┐└┘]+", " ", raw)
        text = re.sub(r"[ \t]{2,}", " ", _SLOT.sub("{g}", plain)).strip()
        if len(text) < 60 or _key(text) in seen or not _latin(text) or not _EVIDENCE.search(text):
            continue
        seen.add(_key(text))
        found.append((group, text if "{g}" in text else text + "\n{g}"))
    return tuple(found)


def excerpt(text: str, rng: random.Random, low: int = 400, high: int = 1500) -> str | None:
    """A stretch of a long jailbreak that still shows what it is, or nothing."""
    for _ in range(4):
        size = rng.randint(low, high)
        start = rng.randrange(max(1, len(text) - size))
        start = text.find(" ", start) + 1 if start else 0
        part = text[start : start + size].rsplit(" ", 1)[0]
        if len({m.group().lower() for m in _STRONG.finditer(part)}) >= 2:
            return part
    return None


@cache
def harmful_goals(data: Path) -> tuple[str, ...]:
    """Short harmful requests of the sets that hold nothing but the request."""
    found = [str(r["value"]) for r in lines(data / "safety" / "catqa.jsonl.gz")]
    found += [r["value"] for r in lines(data / "safety" / "harmfulqa.jsonl.gz") if _HARM.search(r["value"])]
    found += [
        r["prompt_text"] for r in lines(data / "safety" / "ailuminate_demo.jsonl.gz") if r["persona"] != "skilled"
    ]
    found += [r["text"] for r in lines(data / "safety" / "advbench_and_safe_twins.jsonl.gz") if "harmful" in r["_file"]]
    return tuple(dict.fromkeys(t.strip() for t in found if 15 < len(t) < 240))


@cache
def orders(data: Path) -> tuple[tuple[str, str], ...]:
    """(group, text) of BIPIA's training attacks."""
    found = []
    for r in lines(data / "attack" / "bipia_train.jsonl.gz"):
        if "attack" in r["_file"] and r.get("value"):
            found.append((f"bipia-attack/{r['_key']}/{r['value'][:50]}", r["value"][:900]))
    return tuple(found)


@cache
def contexts(data: Path) -> tuple[tuple[str, str, str], ...]:
    """(kind, group, text) of BIPIA's training contexts: e-mails, tables, answers about code."""
    found = []
    seen: set[str] = set()
    for r in lines(data / "attack" / "bipia_train.jsonl.gz"):
        text = r.get("context")
        if not text:
            continue
        text = "\n".join(map(str, text)) if isinstance(text, list) else str(text)
        kind = r["_file"].split("/")[-2]
        text = text.replace("|CONTENT:", "\nCONTENT:").replace("|EMAIL_FROM:", "\nEMAIL_FROM:")
        text = (
            re.sub(r"[ \t]{3,}", " ", text.replace("|RECEIVED DATE:", "\nRECEIVED DATE:")) if kind == "email" else text
        )
        if _key(text) not in seen:
            seen.add(_key(text))
            found.append((kind, f"bipia/{kind}/{text[:60]}", text[:2400].strip()))
    return tuple(found)


@cache
def places(data: Path) -> tuple[tuple[str, str, str], ...]:
    """(group, text with ``{injection}``, the harmless filling) of AgentDojo's tool results."""
    files: dict[str, list[str]] = {}
    for r in lines(data / "attack" / "agentdojo.jsonl.gz"):
        files.setdefault(r["_file"], []).append(r["text"])
    fillings: dict[str, str] = {}
    for name, parts in files.items():
        if "injection_vectors" in name:
            slot = ""
            for line in parts:
                if m := re.match(r"(\w+):", line):
                    slot = m[1]
                elif m := re.match(r'\s+default: "(.*)"', line):
                    fillings[slot] = m[1].replace("\\\\", "\\").replace("\\n", "\n").replace("\\t", "\t")
    found = []
    for name, parts in files.items():
        if "injection_vectors" in name:
            continue
        for i, line in enumerate(parts):
            for m in re.finditer(r"\{(\w*injection\w*|\w+_description)\}", line):
                low = max(0, i - 14)
                text = "\n".join(parts[low : i + 10])
                text = text.replace(m[0], "{injection}").replace("\\n", "\n").replace("\\t", "\t")
                text = re.sub(r"\{(\w+)\}", lambda x: x[0] if x[1] == "injection" else fillings.get(x[1], ""), text)
                found.append((f"agentdojo/{m[1]}", text[-2200:], fillings.get(m[1], "")))
    return tuple(found)


def spliced(text: str, order: str, rng: random.Random) -> str:
    """A context with an order at its start, middle or end."""
    parts = text.split("\n") if text.count("\n") > 2 else re.split(r"(?<=[.!?]) ", text)
    glue = "\n" if text.count("\n") > 2 else " "
    place = rng.choice((0, len(parts), rng.randrange(len(parts) + 1)))
    if glue == " " or rng.random() < 0.8:
        return glue.join([*parts[:place], order, *parts[place:]])
    place = min(place, len(parts) - 1)
    return glue.join([*parts[:place], f"{parts[place]} {order}", *parts[place + 1 :]])


def jailbreaks(data: Path) -> Iterator[Row]:
    """Templates filled with a request and shorter stretches of the long ones."""
    goals = harmful_goals(data)
    for group, text in templates(data):
        rng = random.Random(group)
        for _ in range(2):
            goal = rng.choice(goals) if rng.random() < 0.6 else ""
            labels = {"JAILBREAK": 1, **({"ANY": 1} if goal else {})}
            yield row(text.replace("{g}", goal)[:5000], labels, group)
        if len(text) > 900 and (part := excerpt(text.replace("{g}", ""), rng)):
            yield row(part, {"JAILBREAK": 1}, group)
    for r in lines(data / "safety" / "sap.jsonl.gz"):
        topic = r["_file"].split("/")[-2]
        if topic in _SAP and share(r["Attack Prompt"], "sap") < 0.6:
            yield row(r["Attack Prompt"], {**_SAP[topic], "JAILBREAK": 1}, f"sap/{topic}/{r['id']}")


def injections(data: Path) -> Iterator[Row]:
    """Lists of direct hijacks and of questions beside them."""
    for r in lines(data / "attack" / "compass.jsonl.gz"):
        text = (r.get("text") or r.get("attack") or "").strip()
        bad = (r.get("label") or r.get("is_evil")) == "1" and "safe" not in r["_file"]
        if not _latin(text):
            continue
        if not bad:
            yield row(text, none_of(ATTACKS), f"compass/{text[:60]}")
        elif _HIJACK.search(text):
            leak = re.search(
                r"prompt[ -]?text|your (?:entire )?prompt|instructions\?|written (?:above|at)", text, re.IGNORECASE
            )
            labels = {"PROMPT_INJECTION": 1, **({"PROMPT_LEAKAGE": 1} if leak else {})}
            yield row(text, labels, f"compass/{text[:60]}")


def documents(data: Path) -> Iterator[Row]:
    """BIPIA's and AgentDojo's contexts, clean and with an order put in."""
    rng = random.Random(29)
    found, attacks = contexts(data), orders(data)
    mails = [c for c in found if c[0] == "email"]
    for _, group, text in found:
        yield row(text, dict(BENIGN), group, role=rng.choice(("document", "tool")))
    for kind, order in attacks:
        for _ in range(6):
            _, _, text = rng.choice(mails if rng.random() < 0.3 else found)
            yield row(spliced(text, order, rng), {"PROMPT_INJECTION": 1}, kind, role=rng.choice(("document", "tool")))
    for group, text, filling in places(data):
        yield row(text.replace("{injection}", filling), dict(BENIGN), group, role="tool")
        for _ in range(4):
            _, order = rng.choice([a for a in attacks if "```" not in a[1]])
            body = text.replace("{injection}", rng.choice((f"{filling} {order}", order)))
            yield row(body, {"PROMPT_INJECTION": 1}, group, role="tool")


def read(data: Path) -> Iterator[Row]:
    """All of them."""
    yield from jailbreaks(data)
    yield from injections(data)
    yield from documents(data)


__all__ = ["contexts", "excerpt", "harmful_goals", "orders", "places", "read", "spliced", "templates"]
