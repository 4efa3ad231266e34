"""Documents and tool results, clean and with an order for the assistant inside."""

from __future__ import annotations

import base64
import html
import json
import random
import re
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

from models.text import readers_attack
from models.text.generators.attacks_benign import capital, expand, pick, sections
from models.text.rows import BENIGN, Row, lines, row, share

Parts = tuple[list[str], str]

_ORDER_KINDS = (
    ("exfiltrate", 18),
    ("act", 22),
    ("manipulate", 18),
    ("phish", 12),
    ("advert", 8),
    ("distract", 20),
    ("leak", 6),
    ("persona", 8),
)
_FRAME_KINDS = (
    ("bare", 34),
    ("override", 30),
    ("address", 16),
    ("system", 10),
    ("hidden", 12),
    ("urgent", 5),
    ("social", 7),
)


# --- made contexts -------------------------------------------------------------------------------


def _say(rng: random.Random, kind: str, count: int) -> list[str]:
    """Some sentences of a kind."""
    pool = sections("contexts")[kind]
    return [expand(x, rng) for x in rng.sample(pool, min(count, len(pool)))]


def _subject(rng: random.Random) -> str:
    return capital(_say(rng, "subject", 1)[0])


def _name(rng: random.Random) -> str:
    return expand("{first} {last}", rng)


def _mail(rng: random.Random) -> Parts:
    who, to = expand("{first}", rng), expand("{first}", rng)
    kind = rng.choice(("work", "work", "private", "bank", "support", "legal", "travel", "school"))
    head: list[str] = []
    style = rng.random()
    if style < 0.3:
        host = expand("{mailhost}", rng)
        head = [f"From: {who.lower()}@{host}", f"To: {to.lower()}@{host}", f"Subject: {_subject(rng)}", ""]
        if rng.random() < 0.5:
            head.insert(2, expand("Date: {day}, {n} {month} {year}", rng))
    elif style < 0.5:
        head = [f"SUBJECT: {_subject(rng)}", expand("EMAIL_FROM: {company} <info@{mailhost}>", rng), "CONTENT:"]
    elif style < 0.6:
        head = [f"Subject: {_subject(rng)}"]
    greet = rng.choice(
        ("Hi {},", "Hello {},", "Dear {},", "{},", "Dear Ms {},", "Good morning {}", "Hey {}!", "Hi all,")
    )
    body = _say(rng, kind, rng.randint(2, 8))
    if rng.random() < 0.4 and len(body) > 3:
        cut = rng.randint(1, len(body) - 1)
        body = [" ".join(body[:cut]), " ".join(body[cut:])]
    sign = rng.choice(("Best regards,", "Cheers,", "Kind regards", "Thanks,", "Best,", "Yours sincerely,", "See you,"))
    return [*head, greet.format(to), *body, sign, who if rng.random() < 0.7 else _name(rng)], "\n"


def _thread(rng: random.Random) -> Parts:
    out: list[str] = []
    for depth in range(rng.randint(2, 3)):
        quote = "> " * depth
        if depth:
            out.append(quote + expand("On {day}, {first} {last} wrote:", rng))
        out += [quote + x for x in _say(rng, rng.choice(("work", "private", "support")), rng.randint(1, 4))]
    return out, "\n"


def _cell(rng: random.Random, column: str) -> str:
    return expand(
        {
            "Name": "{first} {last}",
            "City": "{city}",
            "Year": "{year}",
            "Price": "{amount}",
            "Status": "[open|done|paid|late|shipped|cancelled]",
            "Score": "{nn}",
            "Team": "[Red Lions|Blues|{city} United|Rovers|Hawks]",
            "Country": "{country}",
            "Title": "[Night Train|The Orchard|Glass|{month} Rain|Letters to {first}|The {job}]",
            "Notes": "[|late|see file|call back|VIP|{day}]",
            "Date": "{n} {month}",
            "Company": "{company}",
            "Amount": "{amount}",
            "Product": "[kettle|desk lamp|bike lock|yoga mat|office chair|headphones|rain jacket] {nnn}",
            "E-mail": "{first}@{mailhost}",
            "Rating": "[1|2|3|4|5]",
            "Comment": rng.choice(sections("contexts")["review"]),
            "Qty": "{n}",
            "Role": "{job}",
        }[column],
        rng,
    )


_COLUMNS = [
    "Name",
    "City",
    "Year",
    "Price",
    "Status",
    "Score",
    "Team",
    "Country",
    "Title",
    "Notes",
    "Date",
    "Company",
    "Amount",
    "Product",
    "E-mail",
    "Rating",
    "Qty",
    "Role",
]


def _grid(rng: random.Random) -> Parts:
    columns = rng.sample(_COLUMNS, rng.randint(3, 6))
    if rng.random() < 0.3:
        columns[-1] = "Comment"
    cells = [[_cell(rng, c) for c in columns] for _ in range(rng.randint(3, 14))]
    style = rng.random()
    if style < 0.5:
        rule = ["|" + " --- |" * len(columns)] if rng.random() < 0.6 else []
        return ["| " + " | ".join(columns) + " |", *rule, *("| " + " | ".join(r) + " |" for r in cells)], "\n"
    if style < 0.8:
        mark = rng.choice((",", ";", "\t"))
        return [mark.join(columns), *(mark.join(r) for r in cells)], "\n"
    rows = [f"<tr>{''.join(f'<td>{html.escape(c)}</td>' for c in r)}</tr>" for r in cells[:8]]
    return ["<table>", f"<tr>{''.join(f'<th>{c}</th>' for c in columns)}</tr>", *rows, "</table>"], "\n"


def _prose(rng: random.Random) -> Parts:
    kind = rng.choice(
        (
            "wiki",
            "wiki",
            "news",
            "news",
            "medical",
            "legal",
            "tech",
            "recipe",
            "work",
            "social",
            "travel",
            "product",
            "school",
        )
    )
    body = _say(rng, kind, rng.randint(3, 10))
    if rng.random() < 0.5:
        return body, " "
    return [rng.choice((_subject(rng), "# " + _subject(rng), _subject(rng).upper())), "", *body], "\n"


_KEYS = (
    ("id", "from", "text"),
    ("title", "url", "snippet"),
    ("name", "rating", "review"),
    ("sku", "price", "description"),
    ("ticket", "status", "note"),
    ("user", "time", "message"),
    ("file", "owner", "content"),
)


def _result(rng: random.Random) -> Parts:
    """A tool's JSON answer, by lines."""
    keys = rng.choice(_KEYS)
    items = []
    for _ in range(rng.randint(1, 4)):
        kind = rng.choice(
            ("work", "review", "wiki", "support", "news", "tech", "private", "social", "product", "travel")
        )
        long = " ".join(_say(rng, kind, rng.randint(1, 4)))
        values = (
            rng.choice((rng.randint(1, 9999), _subject(rng), _name(rng))),
            expand("[{first}|{amount}|https://www.{mailhost}/{nnn}|{time}]", rng),
            long,
        )
        items.append(dict(zip(keys, values, strict=True)))
    whole = rng.choice(({"status": "ok", "results": items}, items, {"data": items, "next": None}, {"result": items[0]}))
    return json.dumps(whole, indent=rng.choice((None, 1, 2)), ensure_ascii=False).split("\n"), "\n"


def _yaml(rng: random.Random) -> Parts:
    out = [rng.choice(("emails:", "events:", "reviews:", "transactions:", "files:", "messages:"))]
    for i in range(rng.randint(1, 4)):
        body = " ".join(_say(rng, rng.choice(("work", "review", "bank", "private")), rng.randint(1, 3)))
        out += [
            f"- id: {i + rng.randint(1, 50)}",
            f"  sender: {expand('{first}@{mailhost}', rng)}",
            f"  subject: {_subject(rng)}",
            f"  body: {body}",
        ]
        if rng.random() < 0.5:
            out.append(expand("  date: {year}-0{n}-1{n}", rng))
    return out, "\n"


def _page(rng: random.Random) -> Parts:
    kind = rng.choice(("news", "wiki", "tech", "review", "recipe", "product", "travel", "ai"))
    body = [f"<p>{x}</p>" for x in _say(rng, kind, rng.randint(2, 7))]
    nav = "<nav><a href='/'>Home</a> <a href='/about'>About</a></nav>" if rng.random() < 0.4 else ""
    title = _subject(rng)
    head = rng.choice(
        (f"<html><head><title>{title}</title></head><body>", f"<h1>{title}</h1>", f"<article><h2>{title}</h2>")
    )
    foot = rng.choice(
        ("</body></html>", "</article>", "<footer>© " + expand("{company} {year}", rng) + "</footer>", "")
    )
    return [x for x in (head, nav, *body, foot) if x], "\n"


def _markdown(rng: random.Random) -> Parts:
    out = [f"# {_subject(rng)}", ""]
    for head in rng.sample(
        ("Overview", "Details", "Status", "Notes", "Background", "Usage", "Changes", "FAQ"), rng.randint(1, 3)
    ):
        mark = rng.choice(("- ", "* ", "", ""))
        out += [
            f"## {head}",
            *(mark + x for x in _say(rng, rng.choice(("tech", "work", "wiki", "legal", "ai")), rng.randint(1, 4))),
        ]
    return out, "\n"


def _reviews(rng: random.Random) -> Parts:
    out = []
    for text in _say(rng, "review", rng.randint(2, 7)):
        who = expand(
            rng.choice(("{first} ({n}/10):", "★★★★☆", "{last}, {city}:", "- ", "Rating: [1|2|3|4|5] -", "")),
            rng,
        )
        out.append(f"{who} {text}".strip())
    return out, "\n"


def _ticket(rng: random.Random) -> Parts:
    head = [
        expand(x, rng)
        for x in (
            "Ticket #{nnn}{nn}",
            "Status: [open|pending|solved]",
            "Customer: {first} {last}",
            "Priority: [low|normal|high]",
        )
    ]
    return [*head[: rng.randint(1, 4)], *_say(rng, "support", rng.randint(2, 6))], "\n"


def _minutes(rng: random.Random) -> Parts:
    return [f"Meeting notes: {_subject(rng)}", *("- " + x for x in _say(rng, "meeting", rng.randint(4, 9)))], "\n"


def _resume(rng: random.Random) -> Parts:
    head = [
        _name(rng),
        expand("{city} | {first}@{mailhost} | +44 20 7946 0{nnn}", rng),
        rng.choice(("EXPERIENCE", "Profile", "## Experience")),
    ]
    return [*head, *_say(rng, "cv", rng.randint(4, 9))], "\n"


def _log(rng: random.Random) -> Parts:
    hour = rng.randint(0, 22)
    entries = sections("contexts")["log"]
    return [
        f"{rng.choice(('2024-05-1', '2023-11-0'))}{rng.randint(1, 9)} {hour:02d}:{i:02d}:{rng.randint(0, 59):02d} "
        + expand(rng.choice(entries), rng)
        for i in sorted(rng.sample(range(60), rng.randint(4, 14)))
    ], "\n"


def _chat(rng: random.Random) -> Parts:
    return _say(rng, rng.choice(("chat", "chat", "social")), rng.randint(4, 12)), "\n"


def _calendar(rng: random.Random) -> Parts:
    out = [rng.choice(("BEGIN:VEVENT", "Calendar", "Upcoming events"))]
    for _ in range(rng.randint(1, 4)):
        out += [
            f"{rng.choice(('SUMMARY:', 'Title: ', 'Event: '))}{_subject(rng)}",
            expand("When: {day} {time}", rng),
            expand("Where: [room {n}|{city}|online|{company}]", rng),
        ]
        if rng.random() < 0.6:
            out.append(
                "Description: " + " ".join(_say(rng, rng.choice(("work", "private", "meeting")), rng.randint(1, 3)))
            )
    return out, "\n"


def _code(rng: random.Random) -> Parts:
    out: list[str] = []
    for part in _say(rng, "code", rng.randint(2, 6)):
        out += part.split("\n") + ([""] if rng.random() < 0.5 else [])
    return out, "\n"


def _search(rng: random.Random) -> Parts:
    out = []
    for i in range(rng.randint(2, 5)):
        out += [
            f"[{i + 1}] {_subject(rng)}",
            expand("https://www.{mailhost}/{nnn}", rng),
            " ".join(_say(rng, rng.choice(("news", "wiki", "tech", "review", "ai")), rng.randint(1, 3))),
        ]
    return out, "\n"


_MADE: tuple[Callable[[random.Random], Parts], ...] = (
    *(_mail,) * 6,
    *(_grid,) * 5,
    *(_prose,) * 4,
    *(_result,) * 4,
    *(_page,) * 3,
    *(_reviews,) * 2,
    *(_ticket,) * 2,
    *(_code,) * 2,
    _thread,
    _yaml,
    _markdown,
    _markdown,
    _minutes,
    _resume,
    _log,
    _chat,
    _calendar,
    _search,
    _search,
)


# --- contexts of the data folder -----------------------------------------------------------------


@cache
def carriers(data: Path) -> dict[str, tuple[tuple[str, str], ...]]:
    """(group, text) of real contexts by kind."""
    found: dict[str, list[tuple[str, str]]] = {
        k: [] for k in ("mail", "table", "code", "prose", "news", "record", "tool")
    }
    for kind, group, text in readers_attack.contexts(data):
        found[{"email": "mail", "table": "table"}.get(kind, "code")].append((group, text))
    for group, text, filling in readers_attack.places(data):
        found["tool"].append((group, text.replace("{injection}", filling)))
    seen: set[str] = set()
    for r in lines(data / "grounding" / "ares_synthetic.jsonl.gz"):
        if r["document"][:60] not in seen and share(r["document"], "carrier") < 0.25:
            seen.add(r["document"][:60])
            found["prose"].append((f"ares/{r['document'][:60]}", r["document"][:1700]))
    for r in lines(data / "topics" / "medquad_questions.jsonl.gz"):
        if r["answer"] and share(r["question"], "carrier") < 0.05:
            found["prose"].append((f"medquad/{r['focus']}", " ".join(r["answer"].split())[:1500]))
    for r in lines(data / "pii" / "pii_anon_en.jsonl.gz"):
        if len(r["text"]) > 180 and share(str(r["template"]), "carrier") < 0.5 and share(r["text"], "carrier") < 0.4:
            found["record"].append((f"record/{r['template']}", r["text"][:1800]))
    for r in lines(data / "grounding" / "summac_val.jsonl.gz"):
        article = r.get("document") or r.get("doc")
        if isinstance(article, str) and article[:60] not in seen and share(article, "carrier") < 0.3:
            seen.add(article[:60])
            found["news"].append((f"summac/{article[:60]}", article[:2200]))
    for r in lines(data / "grounding" / "pubmedqa.jsonl.gz"):
        found["news"].append((f"pubmedqa/{r['question'][:60]}", " ".join(map(str, r["contexts"]))[:1800]))
    for r in lines(data / "benign" / "gpteacher.jsonl.gz"):
        if len(r["response"]) > 160 and share(r["instruction"], "carrier") < 0.25:
            kind = "code" if "codegen" in r["_file"] else "prose"
            found[kind].append((f"gpteacher/{r['instruction'][:60]}", r["response"][:1800]))
    return {k: tuple(dict.fromkeys(v)) for k, v in found.items()}


_REAL = (("mail", 14), ("table", 22), ("code", 16), ("prose", 28), ("news", 16), ("record", 20), ("tool", 7))


def _real(rng: random.Random, data: Path) -> tuple[str, list[str], str]:
    """(group, parts, glue) of a real context, cut to 30 to 350 words."""
    names, weights = zip(*_REAL, strict=True)
    group, text = rng.choice(carriers(data)[rng.choices(names, weights)[0]])
    parts, glue = (text.split("\n"), "\n") if text.count("\n") > 2 else (re.split(r"(?<=[.!?]) ", text), " ")
    limit = rng.randint(30, 350)
    kept: list[str] = []
    for part in parts:
        kept.append(part)
        limit -= len(part.split())
        if limit < 0:
            break
    return group, kept, glue


def context(rng: random.Random, data: Path) -> tuple[str, list[str], str]:
    """(group, parts, glue) of a context, real or made."""
    if rng.random() < 0.58:
        return _real(rng, data)
    make = rng.choice(_MADE)
    parts, glue = make(rng)
    return f"made/{make.__name__}/{rng.randrange(60)}", parts, glue


# --- orders --------------------------------------------------------------------------------------


def order(rng: random.Random, data: Path) -> tuple[str, str, bool]:
    """(group, text, whether it asks for the prompt) of an attack to put into a context."""
    kind = rng.random()
    if kind < 0.3:
        found = readers_attack.orders(data)
        code = rng.random() < 0.18
        group, text = rng.choice([a for a in found if ("```" in a[1]) == code])
        if rng.random() < 0.35:
            task = text[:1].lower() + text[1:].rstrip(".?! ")
            frame_group, frame = _frame(rng)
            if "?" not in text and "```" not in text:
                return frame_group, expand(frame, rng, {"t": task, "T": capital(task), "u": "stop"}), False
        return group, text, False
    if kind < 0.42:
        group, line = pick("orders", rng, "text")
        fixed = {k: _task(rng, k) for k, _ in _ORDER_KINDS}
        fixed["payload"] = base64.b64encode(_task(rng).encode()).decode()
        return group, expand(line, rng, fixed), "system prompt" in line
    names, weights = zip(*_ORDER_KINDS, strict=True)
    name = rng.choices(names, weights)[0]
    task_group, task_line = pick("orders", rng, name)
    task = expand(task_line, rng)
    frame_group, frame = _frame(rng)
    text = expand(frame, rng, {"t": task, "T": capital(task), "u": _task(rng)})
    if rng.random() < 0.12:
        text += " " + expand(_frame(rng)[1], rng, {"t": (more := _task(rng)), "T": capital(more), "u": _task(rng)})
    return rng.choice((task_group, frame_group)), text, name == "leak"


def _frame(rng: random.Random) -> tuple[str, str]:
    names, weights = zip(*_FRAME_KINDS, strict=True)
    return pick("frames", rng, rng.choices(names, weights)[0])


def _task(rng: random.Random, kind: str | None = None) -> str:
    return expand(pick("orders", rng, kind or rng.choice(_ORDER_KINDS)[0])[1], rng)


def spliced(parts: list[str], extra: str, rng: random.Random, glue: str) -> str:
    """The parts with something put in at the start, the middle or the end, or inside a line."""
    place = rng.choice((0, len(parts), len(parts), rng.randrange(len(parts) + 1), rng.randrange(len(parts) + 1)))
    if "\n" not in extra and rng.random() < 0.3 and parts:
        at = min(place, len(parts) - 1)
        line = parts[at]
        if re.search(r'"[^"]{12,}"', line):  # inside a JSON string
            cut = [m.end() - 1 for m in re.finditer(r'"[^"]{12,}"', line)]
            end = rng.choice(cut)
            line = line[:end] + " " + extra.replace('"', "'") + line[end:]
        elif line.startswith("|") and line.count("|") > 2:  # in a cell of a table
            cells = line.split("|")
            i = rng.randrange(1, len(cells) - 1)
            cells[i] = rng.choice((f" {extra} ", f"{cells[i]}{extra} "))
            line = "|".join(cells)
        elif line.endswith(">") and (m := re.search(r"</\w+>$", line)):
            line = f"{line[: m.start()]} {extra}{m[0]}"
        else:
            words = line.split(" ")
            i = rng.choice((len(words), rng.randrange(len(words) + 1)))
            line = " ".join([*words[:i], extra, *words[i:]])
        return glue.join([*parts[:at], line, *parts[at + 1 :]])
    if glue == "\n" and rng.random() < 0.2:
        extra = rng.choice(("\n{}\n", "{}\n", "\n{}", "  {}", "> {}", "- {}")).format(extra)
    return glue.join([*parts[:place], extra, *parts[place:]])


def placed(rng: random.Random, text: str, labels: dict[str, int], group: str) -> Row:
    """The text as a document, a tool's result, or pasted by a user under a request."""
    kind = rng.random()
    if kind > 0.14:
        return row(text, labels, group, role="document" if kind < 0.57 else "tool")
    ask = expand(rng.choice(sections("asks")["ask"]), rng)
    quoted = rng.choice(("{}", "{}", '"""{}"""', "<text>\n{}\n</text>", "```\n{}\n```", '"{}"', "---\n{}\n---")).format(
        text
    )
    return row(rng.choice((f"{ask}\n\n{quoted}", f"{ask}\n{quoted}", f"{quoted}\n\n{ask}")), labels, group)


def attack(rng: random.Random, data: Path) -> Row:
    """A context with an order inside; now and then the order alone, as a tool's whole answer."""
    _, parts, glue = context(rng, data)
    group, text, leak = order(rng, data)
    if rng.random() < 0.04 and not group.startswith("bipia"):
        parts = parts[: rng.randint(1, 2)]
    labels = {"PROMPT_INJECTION": 1, **({"PROMPT_LEAKAGE": 1} if leak else {})}
    return placed(rng, spliced(parts, text, rng, glue), labels, group)


# Which instructions for people fit which context; the others get any but those of lessons and recipes.
_FITTING = {
    "_mail": ("mail", "mail", "work"),
    "_thread": ("mail",),
    "_prose": ("public", "health", "shop", "work"),
    "_result": ("mail", "shop", "support"),
    "_yaml": ("mail",),
    "_page": ("shop", "public", "recipe"),
    "_markdown": ("steps", "code", "work"),
    "_reviews": ("shop",),
    "_ticket": ("support", "steps"),
    "_code": ("code",),
    "_minutes": ("work",),
    "_resume": ("work",),
    "_chat": ("support", "mail"),
    "_calendar": ("mail", "work"),
    "_search": ("shop", "steps", "public"),
    "bipia/email": ("mail",),
    "bipia/code": ("code", "steps"),
    "medquad": ("health",),
}
_ANY = ("mail", "steps", "health", "work", "shop", "public", "support", "code")


def human(rng: random.Random, origin: str) -> tuple[str, str]:
    """(group, text) of instruction-like text for people, mostly such as fits where it will stand."""
    fitting = next((v for k, v in _FITTING.items() if k in origin), _ANY)
    name = rng.choice(fitting if rng.random() < 0.75 else _ANY)
    group, line = pick("human", rng, name)
    text = expand(line, rng)
    if rng.random() < 0.3:
        text += rng.choice((" ", "\n")) + expand(pick("human", rng, name)[1], rng)
    return group, text


def clean(rng: random.Random, data: Path) -> Row:
    """A context as it is, or with instructions for people in it."""
    group, parts, glue = context(rng, data)
    kind = rng.random()
    if kind < 0.35:
        return placed(rng, glue.join(parts), dict(BENIGN), group)
    if kind < 0.46:  # only instructions, such as a list of steps
        name = rng.choice(tuple(sections("human")))
        pool = sections("human")[name]
        steps = [expand(x, rng) for x in rng.sample(pool, rng.randint(2, min(9, len(pool))))]
        mark = rng.choice(("", "{i}. ", "- ", "* ", "Step {i}: "))
        text = "\n".join(mark.replace("{i}", str(i)) + x for i, x in enumerate(steps, 1))
        if rng.random() < 0.5:
            text = rng.choice((_subject(rng) + "\n", "# How to\n", "Please note\n", "Checklist\n")) + text
        return placed(rng, text, dict(BENIGN), f"human/{name}/{rng.randrange(40)}")
    origin, extra = group, human(rng, group)
    if kind < 0.84:
        text = spliced(parts, extra[1], rng, glue)
        if glue == "\n" and rng.random() < 0.4:
            text = spliced(text.split("\n"), human(rng, origin)[1], rng, glue)
        return placed(rng, text, dict(BENIGN), rng.choice((origin, extra[0])))
    if kind < 0.93:  # about assistants, or with a quotation, and still nobody's order
        return placed(
            rng, spliced(parts, " ".join(_say(rng, "ai", rng.randint(1, 3))), rng, glue), dict(BENIGN), origin
        )
    talk = expand(pick("triggers", rng)[1], rng)
    mark = rng.choice(
        ("Q: ", "User: ", "Comment: ", "Re: ", "> ", "FAQ: ", f"{expand('{first}', rng)}: ", "Forum post: ")
    )
    return placed(rng, spliced(parts, mark + talk, rng, glue), dict(BENIGN), origin)


def generate(rng: random.Random, count: int, data: Path) -> Iterator[Row]:
    """``count`` rows, half of them attacks."""
    for _ in range(count):
        yield attack(rng, data) if rng.random() < 0.5 else clean(rng, data)


__all__ = ["carriers", "clean", "context", "generate", "order", "spliced"]
