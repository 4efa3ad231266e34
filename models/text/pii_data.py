"""The labelled sets of personal data as rows for the tagger: cleaned, completed and held out by template.

``known`` lists the types a row annotates completely: outside its spans no token is of such a type. The contracts of
``sec_filings`` are left out: their lines were stored once each, so every sentence has holes. ``nannigalaxy`` is never
read; it is for evaluation only.
"""

from __future__ import annotations

import html
import random
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from models.text.generators import pii
from models.text.rows import lines, share

Span = tuple[int, int, str]

# Labels of pii_anon_en. Of what is left out, salaries, diagnoses, job titles and numbers of cases are nothing; the rest is ID.
_ANON = {
    "PERSON_NAME": "NAME",
    "STREET_ADDRESS": "ADDRESS",
    "ADDRESS": "ADDRESS",
    "POSTAL_CODE": "ADDRESS",
    "AGE": "AGE",
    "USERNAME": "USERNAME",
    "SOCIAL_MEDIA_HANDLE": "USERNAME",
    "ORGANIZATION_NAME": "ORGANIZATION",
    "ORGANIZATION": "ORGANIZATION",
    "LOCATION_NAME": "LOCATION",
    "LOCATION": "LOCATION",
    "DATE_OF_BIRTH": "DATE_TIME",
    "TIMESTAMP": "DATE_TIME",
}
_NOTHING = {
    *(
        "MEDICATION_NAME",
        "HEALTH_CONDITION",
        "JOB_TITLE",
        "GENDER",
        "MARITAL_STATUS",
        "EDUCATION_LEVEL",
        "SALARY",
        "URL",
    ),
    *("POLITICAL_OPINION", "HOUSEHOLD_SIZE", "RELIGIOUS_BELIEF", "ETHNICITY", "NATIONALITY", "VEHICLE_MODEL"),
    *("LATITUDE_LONGITUDE", "CREDIT_CARD_FRAGMENT", "INVOICE_NUMBER", "DOCKET_NUMBER", "COURT_CASE_NUMBER"),
    *("MEDICAL_DIAGNOSIS",),
}
_TITLE = re.compile(r"(?:Mr|Mrs|Ms|Dr|Prof|Hon|Judge|Miss|Sir|Lord|Lady|Rev)\.? ")
_WORD = re.compile(r"[A-Z][a-z]+")
# What the labels of pii_anon_en often forget.
_MISSED = (
    (re.compile(r"[\w.+\-]+@[\w\-]+(?:\.[\w\-]+)+"), "ID"),
    (re.compile(r"\+\d[\d() \-]{7,}\d"), "ID"),
    (re.compile(r"(?<![\w.\-])\d{3}-\d{3}-\d{4}(?![\w\-])"), "ID"),
    (re.compile(r"(?<![\w.\-])\d{3}-\d{2}-\d{4}(?![\w\-])"), "ID"),
    (re.compile(r"(?<![\w:])[0-9a-f]{2}(?::[0-9a-f]{2}){5}(?![\w:])", re.I), "ID"),
    (re.compile(r"(?<![\w.])\d{1,3}(?:\.\d{1,3}){3}(?![\w.])"), "ID"),
    (re.compile(r"(?<![\w\-])(?:EMP|MRN|POL|INS|NID|TAX|DL|NH|RX)-[\w\-]*\d\b"), "ID"),
    (re.compile(r"\b0x[0-9a-f]{24,}\b"), "ID"),
    (re.compile(r"\bsk[-_][\w\-]{8,}"), "ID"),
    (re.compile(r"(?<![\w\-])\d{1,3}[ \-]years?[ \-](?:old|of age)\b"), "AGE"),
    (re.compile(r"(?<![\w@.])@[A-Za-z]\w+"), "USERNAME"),
    (re.compile(r"^[a-z]+_[a-z]+\d*(?=:)", re.M), "USERNAME"),
    (re.compile(r"(?<![\w\-])\d{4}-\d{2}-\d{2}(?:T[\d:]+Z)?(?![\w\-])"), "DATE_TIME"),
)
_ALL = list(pii.TYPES)
_PER_TEMPLATE = 120


def split(row: dict[str, Any]) -> str:
    """'dev' for a tenth of the templates (of the tweets: of the tweets), in every run the same; otherwise 'train'."""
    return "dev" if share(row["group"], "pii") < 0.1 else "train"


def read(data: Path) -> Iterator[dict[str, Any]]:
    """All rows, train and dev; ``data`` is the folder that holds ``pii``."""
    for name, rows in (("anon", _anon), ("presidio", _presidio), ("twitter", _twitter), ("wnut", _wnut)):
        for row in rows(data / "pii"):
            yield {**row, "set": name}


def _row(text: str, spans: list[Span], known: list[str], group: str) -> dict[str, Any]:
    return {"text": text, "spans": [list(s) for s in sorted(spans)], "known": known, "group": group}


def _free(spans: list[Span], start: int, end: int) -> bool:
    return all(end <= s or start >= e for s, e, _ in spans)


# ---------------------------------------------------------------- pii_anon_en


def _anon(folder: Path) -> Iterator[dict[str, Any]]:
    rows = list(lines(folder / "pii_anon_en.jsonl.gz"))
    firsts: Counter[str] = Counter()
    lasts: Counter[str] = Counter()
    firms: Counter[str] = Counter()
    for r in rows:
        for s, e, k in r["spans"]:
            value = r["text"][s:e]
            if k == "PERSON_NAME" and re.fullmatch(r"[A-Z][a-z]+ [A-Z][a-z]+", value):
                one, two = value.split()
                firsts[one] += 1
                lasts[two] += 1
            elif k in ("ORGANIZATION_NAME", "ORGANIZATION"):
                firms[value] += 1
    known_first = {n for n, c in firsts.items() if c > 20}
    known_last = {n for n, c in lasts.items() if c > 20}
    firm = re.compile("|".join(re.escape(n) for n in sorted(firms, key=len, reverse=True)))
    seen: Counter[str] = Counter()
    for r in rows:
        text = r["text"]
        spans = _anon_spans(text, r["spans"])
        if spans is None:
            continue
        spans = _completed(text, spans, known_first, known_last, firm)
        group = "pii_anon/" + _skeleton(text, spans)
        seen[group] += 1
        if seen[group] > _PER_TEMPLATE:
            continue
        # The set has a hundred given and a hundred family names: most rows get people from all over the world.
        rng = random.Random(f"anon/{group}/{seen[group]}")
        if rng.random() < 0.75:
            text, spans = _renamed(text, spans, rng)
        if rng.random() < 0.3:
            text, spans = pii.noisy(text, spans, rng)
        yield _row(text, spans, _ALL, group)


def _anon_spans(text: str, given: list[Any]) -> list[Span] | None:
    """The spans in our types, titles cut off, inner ones dropped; None for a row whose labels are shifted or say nothing."""
    if re.search(r"Record shows.*Record shows|^Employee: O'Brien|\{(?:email|username|name)\}", text):
        return None
    spans: list[Span] = []
    for start, end, label in sorted(given, key=lambda s: s[0] - s[1]):
        kind = _ANON.get(label) or (None if label in _NOTHING else "ID")
        value = text[start:end]
        title = _TITLE.match(value) if kind == "NAME" else None
        begin = start + title.end() if title else start
        if kind == "NAME" and re.search(r"[@\d|]", value):
            return None
        if (label == "EMAIL_ADDRESS" and "@" not in value) or (
            label == "PHONE_NUMBER" and not re.search(r"\d{3}", value)
        ):
            return None
        if kind and _free(spans, begin, end):
            spans.append((begin, end, kind))
    return spans


_AGAIN = re.compile(
    r"\b(?:Mr|Mrs|Ms|Dr|Prof|Hon|RN|Hi|Hey|Dear|Hello|Merci,|Regards,|regards,|Sincerely,)\.?[ \n]([A-Z][a-z]+)\b(?! [A-Z][a-z])"
)
_FIRM = re.compile(
    r"(?<=^RADIOLOGY REPORT\n)[^\n]+"
    r"|(?:[A-Z][\w.']+ )+(?:Hospital|Medical Center|Health Center|Clinic|Institute|Medical Group)\b"
    r"|(?<= from )[A-Z][\w&]+(?: (?:[A-Z][\w&]+|Inc\.|LLC|Ltd\.))*(?=, [A-Z]|, and |\. )"
)
_TOWN = re.compile(r",? [A-Z][a-z]+(?: [A-Z][a-z]+)?,? [A-Z]{2}(?: \d{5})?\b")


def _completed(text: str, spans: list[Span], firsts: set[str], lasts: set[str], firm: re.Pattern[str]) -> list[Span]:
    """The spans and what the labels left out: names said again, forms that prove themselves, firms of the set."""
    out: list[Span] = []
    for start, end, kind in spans:
        tail = re.match(r" ([A-Z][a-z]+)\b", text[end:]) if kind == "NAME" else None
        town = _TOWN.match(text[end:]) if kind == "ADDRESS" and "," not in text[start:end] else None
        if tail and tail[1] in lasts and text[start:end].rsplit(maxsplit=1)[-1] not in lasts:
            out.append((start, end + tail.end(), kind))
        else:
            out.append((start, end + town.end() if town else end, kind))
    out = [s for s in out if not any(o is not s and o[0] <= s[0] and s[1] <= o[1] for o in out)]

    def add(start: int, end: int, kind: str) -> None:
        if _free(out, start, end):
            out.append((start, end, kind))

    own = {w for s, e, k in out if k == "NAME" for w in _WORD.findall(text[s:e])}
    for form, kind in _MISSED:
        for m in form.finditer(text):
            add(m.start(), m.end(), kind)
    for m in re.finditer(r"\b([A-Z][a-z]+) ([A-Z](?:[a-z]+\b|\.))", text):
        if m[1] in firsts and (m[2] in lasts or (m[1] in own and m[2].endswith("."))):
            add(m.start(), m.end(), "NAME")
    for m in re.finditer(r"^\[\d\d:\d\d\] ([A-Z][a-z]+)(?=:)", text, re.MULTILINE):
        add(m.start(1), m.end(1), "NAME")
    for value in sorted({text[s:e] for s, e, k in out if k == "NAME" and " " in text[s:e]}, key=lambda v: (-len(v), v)):
        for m in re.finditer(rf"\b{re.escape(value)}\b", text, re.IGNORECASE):
            add(m.start(), m.end(), "NAME")
    for m in firm.finditer(text):
        add(m.start(), m.end(), "ORGANIZATION")
    for m in _FIRM.finditer(text):
        add(m.start(), m.end(), "ORGANIZATION")
    for m in _AGAIN.finditer(text):
        if m[1] in own or m[1] in lasts or m[1] in firsts:
            add(m.start(1), m.end(1), "NAME")
    for m in _WORD.finditer(text):
        if (
            m[0] in own
            and not re.match(r"[\w.]*@|[A-Za-z]", text[m.end() :])
            and text[m.start() - 1 : m.start()] not in ("@", "_")
        ):
            add(m.start(), m.end(), "NAME")
    return out


def _skeleton(text: str, spans: list[Span]) -> str:
    """What the rows of one template share: their first words without the values."""
    out, last = "", 0
    for start, end, kind in sorted(spans):
        out += text[last:start] + {"NAME": "N", "DATE_TIME": "D"}.get(kind, "V")
        last = end
    return re.sub(r"[^A-Za-z]+", "", out + text[last:])[:18]


def _renamed(text: str, spans: list[Span], rng: random.Random) -> tuple[str, list[Span]]:
    """Other people in the same text: a word of a name is replaced by the same new word everywhere."""
    new: dict[str, str] = {}
    for start, end, kind in sorted(spans):
        words = text[start:end].split()
        if kind == "NAME" and len(words) == 2 and all(map(_WORD.fullmatch, words)) and not set(words) & set(new):
            who = pii.person(rng)
            while who.first.endswith(".") or not who.last:
                who = pii.person(rng)
            new[words[0]], new[words[1]] = who.first, pii.family(who)
    pieces, at = "", 0
    made: list[Span] = []
    for start, end, kind in sorted(spans):
        value = text[start:end]
        if kind == "NAME":
            value = _swapped(value, new)
        elif kind == "USERNAME" or (kind == "ID" and "@" in value):
            for old, other in new.items():
                value = re.sub(rf"^([\w.]*?){old.lower()}", lambda m: m[1] + pii.bare(other), value)  # noqa: B023 - called at once
        pieces += text[at:start]
        length = len(pieces)
        pieces += value
        made.append((length, len(pieces), kind))
        at = end
    return pieces + text[at:], made


def _swapped(value: str, new: dict[str, str]) -> str:
    words = value.split(" ")
    out = []
    for i, word in enumerate(words):
        if word in new:
            out.append(new[word])
        elif i and re.fullmatch(r"[A-Z]\.", word) and words[0] in new:
            last = next((n for w, n in new.items() if w[0] == word[0] and w != words[0]), word)
            out.append(f"{last[0].upper()}.")
        else:
            out.append(word)
    return " ".join(out)


# ---------------------------------------------------------------- presidio templates


def _presidio(folder: Path) -> Iterator[dict[str, Any]]:
    rows = list(lines(folder / "presidio_templates.jsonl.gz"))
    lists = {
        stem: [r for r in rows if stem in r["_file"]]
        for stem in ("FakeNameGenerator", "companies", "nationalities", "us_driver_licenses", "templates.txt")
    }
    lists["FakeNameGenerator"] = [
        r for r in lists["FakeNameGenerator"] if r["GivenName"] and r["Surname"] and r["City"]
    ]
    lists["companies"] = [r for r in lists["companies"] if re.search(r"[a-z]{3}", r["organization"][:44])]
    for row in lists["templates.txt"]:
        template = row["text"].replace("\\n", "\n").replace("\\,", ",")
        group = "presidio/" + re.sub(r"\{\{\w+\}\}|[^A-Za-z]", "", template)[:40] + f"/{len(template)}"
        rng = random.Random(group)
        for _ in range(30):
            text, spans = _filled(template, lists, rng)
            if rng.random() < 0.5:
                text, spans = pii.noisy(text, spans, rng)
            yield _row(text, spans, _ALL, group)


def _filled(template: str, lists: dict[str, list[Any]], rng: random.Random) -> tuple[str, list[Span]]:
    """A template with values: from the set's own lists, half of the names and addresses from the generator."""
    text, rest = "", template
    spans: list[Span] = []
    while "{{" in rest:
        before, _, tail = rest.partition("{{")
        key, _, rest = tail.partition("}}")
        text += before
        value, kind = _presidio_value(key.strip(), lists, rng)
        if key.strip() == "age" and (unit := re.match(r"[ \-](?:years?|yrs?)[ \-]old\b| y/o", rest)):
            value, rest = value + unit[0], rest[unit.end() :]
        if kind and value:
            spans.append((len(text), len(text) + len(value), kind))
        text += value
    return text + rest, _one_address(text + rest, spans)


def _presidio_value(key: str, lists: dict[str, list[Any]], rng: random.Random) -> tuple[str, str | None]:
    """What a slot of the set's templates is filled with, and its type; PART and STREET are parts of an address."""
    own, who, p = rng.random() < 0.5, rng.choice(lists["FakeNameGenerator"]), pii.person(rng)
    nation, firm = rng.choice(lists["nationalities"]), rng.choice(lists["companies"])["organization"]
    where = f"{who['StreetAddress']}, {who['City']}, {who['State']} {who['ZipCode']}".replace(",  ", ", ").strip()
    made: dict[str, tuple[str, str | None]] = {
        "first_name": (who["GivenName"] if own else pii.short(p), "NAME"),
        "last_name": (who["Surname"] if own else pii.family(p), "NAME"),
        "name": (f"{who['GivenName']} {who['Surname']}" if own else pii.full(p), "NAME"),
        "address": (where if own else pii.address(rng), "ADDRESS"),
        "organization": (firm if own else pii.organisation(rng), "ORGANIZATION"),
        "city": (who["City"].title(), "LOCATION"),
        "country": (who["CountryFull"], "LOCATION"),
        "street_name": (re.sub(r"^\d+\S* |\s\d+\S*$|,.*", "", who["StreetAddress"]), "STREET"),
        "building_number": (pii.digits(rng, rng.randint(1, 4)), "PART"),
        "secondary_address": (
            rng.choice(("Apt. ", "Suite ", "Unit ", "Flat ")) + pii.digits(rng, rng.randint(1, 3)),
            "PART",
        ),
        "postcode": (who["ZipCode"] or pii.digits(rng, 5), "PART"),
        "zipcode": (pii.digits(rng, 5), "PART"),
        "state_abbr": (rng.choice(("NY", "CA", "TX", "OH", "WA", "GA", "MN", "OR")), "PART"),
        "credit_card_number": (pii.form(rng, "id.card"), "ID"),
        "phone_number": (pii.form(rng, "phone"), "ID"),
        "ssn": (pii.pattern(rng, "999-99-9999"), "ID"),
        "iban": (pii.form(rng, "id.iban").replace(" ", "" if own else " "), "ID"),
        "email": (who["EmailAddress"], "ID"),
        "ip_address": (".".join(str(rng.randint(1, 254)) for _ in range(4)), "ID"),
        "us_driver_license": (rng.choice(lists["us_driver_licenses"])["us_driver_license"], "ID"),
        "date_of_birth": (pii.day(rng), "DATE_TIME"),
        "date_time": (pii.day(rng), "DATE_TIME"),
        "age": (str(rng.randint(3, 97)), "AGE"),
        "year": (str(rng.randint(1850, 2024)), None),
        "job": (who["Occupation"], None),
        "url": (f"https://www.{who['Domain'].lower()}/", None),
        "day_of_week": (rng.choice(pii.values("values")["weekday"]), None),
        "prefix_male": ("Mr.", None),
        "prefix_female": (rng.choice(("Mrs.", "Ms.", "Dr.")), None),
        "nation_woman": (nation["woman"].title(), None),
        "nation_plural": (nation["plural"].title(), None),
        "nationality": (nation["nationality"].title(), None),
    }
    same = {"person": "name", "prefix": "prefix_female"}.get(key, key)
    return made[same] if same in made else made[re.sub(r"_(?:female|male|nonbinary)$", "", same)]


def _one_address(text: str, spans: list[Span]) -> list[Span]:
    """Parts of an address that stand together become one span; a street or a place alone is no address."""
    out: list[Span] = []
    parts = ("PART", "STREET", "LOCATION")
    run: list[Span] = []

    def close() -> None:
        if any(k == "PART" for _, _, k in run):
            more = re.match(r" (?:St\.|Street\b|street\b)", text[run[-1][1] :])
            out.append((run[0][0], run[-1][1] + (more.end() if more else 0), "ADDRESS"))
        else:
            out.extend((s, e, "LOCATION") for s, e, _ in run)
        run.clear()

    for span in spans:
        if run and (
            span[2] not in parts or not re.fullmatch(r"[\s,>?]*(?:St\.|street)?[\s,>?]*", text[run[-1][1] : span[0]])
        ):
            close()
        if span[2] in parts:
            run.append(span)
        else:
            out.append(span)
    if run:
        close()
    return out


# ---------------------------------------------------------------- tweets and other noisy text


def _joined(tokens: list[str], tags: list[str]) -> tuple[str, list[Span]]:
    """Text as it was before it was cut into tokens."""
    text = ""
    spans: list[Span] = []
    glue = True
    inside = quote = False
    for i, (token, tag) in enumerate(zip(tokens, tags, strict=True)):
        before = tokens[i - 1] if i else ""
        after = tokens[i + 1] if i + 1 < len(tokens) else ""
        close = bool(
            re.fullmatch(r"[.,!?;:)\]%…]+|n't|'(?:s|m|re|ve|ll|d)|n’t|’(?:s|m|re|ve|ll|d)", token, re.I)
            or (before in ("'", "’") and (re.fullmatch(r"s|m|re|ve|ll|d|t", token) or tokens[i - 2 : i - 1] == ["O"]))
            or (token in ("'", "’") and (re.fullmatch(r"s|m|re|ve|ll|d|t", after) or before == "O"))
            or (
                re.fullmatch(r"\d+", token)
                and re.fullmatch(r"[.,:]", before)
                and i > 1
                and re.fullmatch(r"\d+", tokens[i - 2])
            )
        )
        if token == '"':
            close, quote = quote, not quote
        if text and not glue and not close:
            text += " "
        start = len(text)
        text += token
        kind = tag[2:] if tag != "O" else ""
        if kind and tag[0] == "I" and inside and spans and spans[-1][2] == kind:
            spans[-1] = (spans[-1][0], len(text), kind)
        elif kind:
            spans.append((start, len(text), kind))
        inside = bool(kind)
        glue = token in ("(", "[", "#", "@", "$", "£") or (token == '"' and quote)
    return text, spans


def _handles(text: str, spans: list[Span]) -> list[Span]:
    """Every @handle is a user name, whoever owns it; what else was marked there goes."""
    found = [(m.start(), m.end(), "USERNAME") for m in re.finditer(r"(?<![\w@])@\w{2,}", text)]
    return found + [s for s in spans if _free(found, s[0], s[1])]


def _tweets(rows: Iterator[Any], kinds: dict[str, str], name: str) -> Iterator[dict[str, Any]]:
    for row in rows:
        text, spans = _joined([html.unescape(t) for t in row["tokens"]], row["tags"])
        spans = [(s + (m.end() if (m := _TITLE.match(text[s:e])) else 0), e, k) for s, e, k in spans]
        marked = [(s, e, kinds[k]) for s, e, k in spans if k in kinds]
        # Offices, bands and hashtags were marked as persons now and then.
        odd = [text[s:e] for s, e, k in marked if k == "NAME" and not text[s:e].startswith("@")]
        if any(
            re.search(r"\b(?:of|the|for|and|President|Minister|Secretary|Pope|PM|Queen|Prince)\b|[#/\d]|http", v)
            for v in odd
        ):
            continue
        marked = _handles(text, marked)
        for form, kind in _MISSED:
            if kind in ("AGE", "ID"):
                marked += [(m.start(), m.end(), kind) for m in form.finditer(text) if _free(marked, m.start(), m.end())]
        if len(text) < 12:
            continue
        yield _row(
            text,
            marked,
            ["NAME", "ORGANIZATION", "LOCATION", "USERNAME", "ADDRESS", "PASSWORD", "AGE"],
            f"{name}/{text[:60]}",
        )


def _twitter(folder: Path) -> Iterator[dict[str, Any]]:
    return _tweets(
        lines(folder / "broad_twitter.jsonl.gz"), {"PER": "NAME", "ORG": "ORGANIZATION", "LOC": "LOCATION"}, "twitter"
    )


def _wnut(folder: Path) -> Iterator[dict[str, Any]]:
    kinds = {"person": "NAME", "group": "ORGANIZATION", "corporation": "ORGANIZATION", "location": "LOCATION"}
    return _tweets(lines(folder / "wnut17.jsonl.gz"), kinds, "wnut")
