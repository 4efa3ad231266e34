"""Minimal changes of fact (a true sentence becomes unsupported) and rewrites that keep every fact."""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from functools import cache
from pathlib import Path

TABLES = Path(__file__).parent / "tables"


@cache
def phrases(name: str) -> tuple[str, ...]:
    """The entries of a table, one a line."""
    return tuple(line for line in (TABLES / f"{name}.txt").read_text(encoding="utf-8").splitlines() if line.strip())


@cache
def _pairs(name: str) -> dict[str, tuple[str, ...]]:
    """A table of "a = b" (symmetric in the antonyms) and "a > b" (one way)."""
    out: dict[str, list[str]] = {}
    for line in phrases(name):
        left, sign, right = re.split(r" ([=>]) ", line)
        out.setdefault(left, []).append(right)
        if sign == "=" and name == "antonyms":
            out.setdefault(right, []).append(left)
    return {key: tuple(dict.fromkeys(values)) for key, values in out.items()}


@cache
def _keys(name: str) -> re.Pattern[str]:
    """Finds any key of a table, longest first."""
    keys = sorted(_pairs(name), key=len, reverse=True)
    return re.compile(r"(?<![\w'-])(?:" + "|".join(re.escape(k) for k in keys) + r")(?![\w'-])", re.IGNORECASE)


MONTHS = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
]
DAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]
_UNITS = [
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
]
_SPELLED = [*_UNITS, "seventeen", "eighteen", "nineteen", "twenty"]
_TENS = ["thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
_ORDINALS = [
    "first",
    "second",
    "third",
    "fourth",
    "fifth",
    "sixth",
    "seventh",
    "eighth",
    "ninth",
    "tenth",
    "eleventh",
    "twelfth",
]
_FRACTIONS = ("half", "a third", "a quarter", "two thirds", "three quarters", "a fifth", "a tenth")
_MULTIPLES = ("once", "twice", "three times", "four times", "five times")

_WORD = re.compile(r"[^\W\d_][\w'’-]*")
_NUMBER = re.compile(r"(?<![\w.,/\[:-])\d+(?:,\d{3})*(?:\.\d+)?(?![\w/\]:]|[.,]\d|-\d)")
_NAME = re.compile(
    r"(?<![\w'’-])(?:(?:Mr|Mrs|Ms|Dr|St|Prof|Gov|Sen|Gen|Lt|Col|Rev|Rep|Capt|Sgt)\.\s+)?[A-Z][\w’-]*[a-zà-ÿ][\w’-]*"
    r"(?:\s+(?:(?:of|the|de|van|von|del|la|bin|al)\s+){0,2}[A-Z][\w’-]+|\s+[A-Z]\.(?=\s+[A-Z]))*(?![\w’-])"
)
_AUX = re.compile(
    r"(?<![\w'’-])(is|was|are|were|has|have|had|will|would|should|must|can|could|does|did)(?! not\b|n't|\s+(?:no|never|neither)\b)(?![\w'’-])"
)
_NEGATION = re.compile(
    r"\b(is|was|are|were|has|have|had|will|would|should|must|could|does|did|do|may|might) not\b"
    r"|\b(is|was|are|were|has|have|had|would|should|could|does|did|do)n't\b|\bcannot\b|\bnever\b"
)
_UPPER_BOUND = re.compile(
    r"(?:less than|fewer than|under|below|up to|at most|no more than|maximum of|within)\s*\W?$", re.I
)
_LOWER_BOUND = re.compile(
    r"(?:more than|over|at least|above|exceed\w*|no (?:less|fewer) than|minimum of|beyond|greater than|[<>≥≤]|"
    r"older than|higher than|longer than|lower than|or more)\s*\W?$",
    re.I,
)
_ROUND = re.compile(r"(?:about|around|nearly|almost|approximately|roughly|some|close to|an estimated)\s*\W?$", re.I)
_SYMMETRIC = re.compile(
    r"\b(?:met|marr|with|against|and|or|between|near|togeth|join|friend|same|equal|differ|versus|vs|border|cousin|"
    r"sibling|brother|sister|partner|collaborat|share|both|along)",
    re.I,
)
COMMON_STARTS = frozenset(
    [
        "the",
        "a",
        "an",
        "in",
        "on",
        "at",
        "it",
        "he",
        "she",
        "they",
        "we",
        "i",
        "you",
        "this",
        "that",
        "these",
        "those",
        "there",
        "here",
        "his",
        "her",
        "its",
        "their",
        "our",
        "my",
        "your",
        "some",
        "many",
        "most",
        "all",
        "any",
        "each",
        "every",
        "no",
        "not",
        "one",
        "two",
        "three",
        "both",
        "few",
        "several",
        "another",
        "other",
        "such",
        "after",
        "before",
        "during",
        "while",
        "when",
        "if",
        "as",
        "for",
        "from",
        "by",
        "with",
        "without",
        "under",
        "over",
        "about",
        "between",
        "among",
        "through",
        "throughout",
        "and",
        "but",
        "or",
        "so",
        "yet",
        "nor",
        "however",
        "although",
        "though",
        "because",
        "since",
        "until",
        "unless",
        "despite",
        "according",
        "also",
        "additionally",
        "furthermore",
        "moreover",
        "meanwhile",
        "then",
        "now",
        "today",
        "later",
        "what",
        "who",
        "whom",
        "whose",
        "where",
        "why",
        "how",
        "which",
        "is",
        "was",
        "are",
        "were",
        "do",
        "does",
        "did",
        "can",
        "could",
        "may",
        "might",
        "will",
        "would",
        "should",
        "has",
        "have",
        "had",
        "let",
        "please",
        "more",
        "less",
        "first",
        "second",
        "third",
        "last",
        "next",
        "people",
        "patients",
        "children",
        "women",
        "men",
        "doctors",
        "researchers",
        "scientists",
        "new",
        "old",
        "early",
        "recently",
        "currently",
        "originally",
        "eventually",
        "finally",
        "initially",
        "yes",
        "sure",
        "based",
        "often",
        "usually",
        "sometimes",
        "other",
        "only",
        "even",
        "just",
        "like",
        "than",
        "to",
        "of",
        "out",
        "off",
        "up",
        "down",
        "into",
        "within",
        "including",
        "following",
    ]
)
_TITLES = frozenset(
    [
        "Mr",
        "Mrs",
        "Ms",
        "Miss",
        "Dr",
        "Prof",
        "Sir",
        "Lady",
        "Lord",
        "President",
        "King",
        "Queen",
        "Prince",
        "Princess",
        "Captain",
        "Judge",
        "Senator",
    ]
)


def like(word: str, model: str) -> str:
    """``word`` with the first letter cased as in ``model``."""
    return word[:1].upper() + word[1:] if model[:1].isupper() and not model[:2].isupper() else word


def put(sentence: str, span: tuple[int, int], new: str) -> str:
    """``new`` in the place of a span; the article before it is kept in step."""
    head, tail = sentence[: span[0]], sentence[span[1] :]
    article = re.search(r"(?<![\w'])([Aa])(n?) $", head)
    if article and new[:1].isalpha():
        vowel = new[0].lower() in "aeiou" and not new.lower().startswith(("uni", "eu", "one", "use"))
        head = head[: article.start()] + article.group(1) + ("n " if vowel else " ")
    return head + new + tail


def names_in(text: str) -> list[tuple[int, int]]:
    """The spans of what looks like a name."""
    out = []
    for m in _NAME.finditer(text):
        start, end = m.span()
        words = m.group().split()
        first = start == 0 or text[:start].rstrip()[-1:] in ".!?:\"“'(‘" or text[start - 1 : start] in '"“'
        while words and (words[0].lower().rstrip(".,") in COMMON_STARTS or words[0] in MONTHS or words[0] in DAYS):
            start += len(words[0])
            start += len(text[start:end]) - len(text[start:end].lstrip())
            words = words[1:]
        while words and (words[-1] in MONTHS or words[-1] in DAYS or words[-1].islower()):
            end = text.rindex(words[-1], start, end)
            end = start + len(text[start:end].rstrip())
            words = words[:-1]
        if not words or (first and start == m.start() and len(words) == 1 and not kind_of(words[0])):
            continue
        while (
            end > start
            and text[end - 1] in ".,'’-"
            and not re.search(r"\b[A-Z]\.$|\b(?:St|Jr|Sr|Inc)\.$", text[start:end])
        ):
            end -= 1
        if end - start > 2:
            out.append((start, end))
    return out


def names(text: str) -> list[str]:
    """The names in a text, once each."""
    return list(dict.fromkeys(" ".join(text[a:b].split()) for a, b in names_in(text)))


@cache
def _gazetteer() -> dict[str, str]:
    return {n: kind for kind in ("countries", "cities", "states", "nationalities") for n in phrases(kind)}


@cache
def _given() -> frozenset[str]:
    return frozenset(phrases("given_names"))


def kind_of(name: str) -> str | None:
    """What sort of name it is, where the tables say."""
    if name in _gazetteer():
        return _gazetteer()[name]
    words = name.replace(".", "").split()
    if words[0] in _TITLES and len(words) > 1:
        return "title"
    if words[0] in _given() and 1 < len(words) < 5 and not set(words) & {"of", "the"}:
        return "person"
    if words[0] in _given() and len(words) == 1:
        return "given"
    return None


_BETWEEN = re.compile(r"\W*(?:(?:also|known|as|called|or|née|born|the|a|an|formerly|aka)\W+)*\W*")


def _touch(one: str, other: str, source: str) -> bool:
    """Whether two names stand side by side in the source: an apposition, an alias, an abbreviation."""
    start = source.find(one)
    while start >= 0:
        after = source[start + len(one) : start + len(one) + len(other) + 30]
        at = after.find(other)
        if at >= 0 and " and " not in after[:at] and _BETWEEN.fullmatch(after[:at]):
            return True
        start = source.find(one, start + 1)
    return False


def related(one: str, other: str, source: str) -> bool:
    """Whether two names may mean the same or overlap."""
    a = {w.lower().strip(".,'’s") for w in one.split()}
    b = {w.lower().strip(".,'’s") for w in other.split()}
    if a & b or one.lower() in other.lower() or other.lower() in one.lower():
        return True
    initials = ["".join(w[0] for w in n.split() if w[0].isupper()) for n in (one, other)]
    if one.replace(".", "") == initials[1] or other.replace(".", "") == initials[0]:
        return True
    return _touch(one, other, source) or _touch(other, one, source)


_SORTS = {
    "org": "University College School Institute Company Inc Corp Corporation Ltd Group Bank Party Association Club Committee "
    "Council Department Ministry Agency Foundation Society Union League Commission Court Church Hospital Museum Library "
    "Records Pictures Studios Entertainment Press Times Post Service Office Center Centre Academy Band Orchestra Team FC",
    "event": "War Battle Cup Championship Championships Games Olympics Festival Award Awards Prize Series Tournament Act Treaty "
    "Revolution Crisis Conference Summit Election Race Bowl Open",
    "land": "River Lake County Island Islands Street Road Avenue Park Valley Bay Mountains Mountain Hill Hills Sea Ocean Coast "
    "Peninsula Province District City Town Village Square Airport Bridge Castle Forest Desert",
}
_SORT_OF = {word: sort for sort, words in _SORTS.items() for word in words.split()}
_LOCATIVE = re.compile(r"\b(?:in|at|near|from|to|of|outside|around)\s*$")
_ADJECTIVE = re.compile(r"(?:an|ic|ese|ish|al|ist)$")
Pool = dict[str, list[str]]


def sort_of(name: str, before: str) -> str:
    """The bucket of a name: only names of one bucket replace each other."""
    kind = kind_of(name)
    if kind is not None:
        return kind
    words = name.split()
    if words[-1].rstrip(".") in _SORT_OF:
        return _SORT_OF[words[-1].rstrip(".")]
    if len(words) == 1:
        shape = (
            "caps"
            if name.isupper()
            else "adjective"
            if _ADJECTIVE.search(name)
            else "plural"
            if name[-1] == "s"
            else "word"
        )
        return f"{shape}/{'in' if _LOCATIVE.search(before) else 'bare'}"
    return f"words{min(len(words), 3)}/{'in' if _LOCATIVE.search(before) else 'bare'}"


def sorted_names(text: str) -> Pool:
    """The names of a text by bucket."""
    out: Pool = {}
    for a, b in names_in(text):
        name = " ".join(text[a:b].split())
        bucket = out.setdefault(sort_of(name, text[:a][-12:]), [])
        if (
            name not in bucket
            and name.rstrip(".") not in _TITLES
            and name not in ("Jr.", "Sr.", "Inc.", "CNN", "Reuters")
        ):
            bucket.append(name)
    return out


# ----------------------------------------------------------------------------------------------- changes of fact


def _shifted(value: int, low: int, high: int, rng: random.Random) -> int | None:
    choices = [v for v in range(low, high + 1) if v != value]
    return rng.choice(choices) if choices else None


def number(sentence: str, rng: random.Random) -> tuple[str, str] | None:
    """Another number in digits."""
    places = [m for m in _NUMBER.finditer(sentence) if len(m.group()) < 13]
    if not places:
        return None
    m = rng.choice(places)
    text, digits_only = m.group(), m.group().replace(",", "")
    before, after = sentence[: m.start()], sentence[m.end() :]
    if re.search(r"(?:figure|fig\.?|table|no\.|number|section|chapter|type|step|version|#|\()\s*$", before, re.I):
        return None
    smaller, larger = bool(_UPPER_BOUND.search(before)), bool(_LOWER_BOUND.search(before))
    larger = larger or bool(re.match(r"\s*(?:\w+\s+)?(?:or more|or older|or above|\+)", after))
    bound = "bound" if smaller or larger else "number"
    far = bool(_ROUND.search(before)) or bool(
        re.search(r"\b(?:19|20)\d0$", before[-2:] + digits_only) and after.startswith("s")
    )
    year = re.fullmatch(r"1[0-9]\d\d|20[0-4]\d", text) and not re.match(r"\s*(?:people|m\b|km|miles|years)", after)
    if year:
        decade = after.startswith("s")
        steps: tuple[int, ...] = (
            (-30, -20, -10, 10, 20, 30)
            if decade
            else (-25, -12, -10, -7, -5, -4, -3, -2, -1, 1, 2, 3, 4, 5, 8, 10, 11, 20)
        )
        if far:
            steps = (-40, -20, 15, 20, 30)
        return put(sentence, m.span(), str(int(digits_only) + rng.choice(steps))), "number"
    if "." in digits_only:
        digits = len(digits_only.split(".")[1])
        factors = (0.4, 0.5, 0.6) if smaller else (1.4, 1.8, 2.5) if larger else (0.4, 0.6, 0.75, 1.3, 1.6, 2.2)
        new = f"{float(digits_only) * rng.choice(factors):.{digits}f}"
        if digits and rng.random() < 0.3 and not smaller and not larger and not far:
            new = digits_only[:-1] + str(_shifted(int(digits_only[-1]), 0, 9, rng))
    else:
        value = int(digits_only)
        if value <= 1 and not smaller:
            new = str(value + rng.choice((1, 2, 3)))
        elif smaller or larger:
            new = str(max(1, int(value * rng.choice((0.3, 0.5, 0.6)))) if smaller else value + max(2, int(value * 0.6)))
        elif value <= 31:
            new = str(max(1, value + rng.choice((-6, -4, -3, -2, -1, 1, 2, 3, 4, 5, 7))))
            if far:
                new = str(value * rng.choice((2, 3)))
        else:
            choices = [int(value * f) for f in (0.4, 0.5, 0.65, 0.75, 1.35, 1.6, 2, 3)]
            if not far:
                choices += [value + d for d in (-9, -5, -3, 2, 4, 6, 7)] + [int(digits_only[::-1])]
            choices = [c // 10 * 10 if digits_only.endswith("0") and c > 20 else c for c in choices]
            new = str(rng.choice(choices))
        if "," in text or (len(new) > 4 and rng.random() < 0.5):
            new = f"{int(new):,}"
    if new.replace(",", "") == digits_only or not new.strip("0.,"):
        return None
    changed = put(sentence, m.span(), new)
    return (changed, bound) if changed != sentence else None


def spelled(sentence: str, rng: random.Random) -> tuple[str, str] | None:
    """Another spelled-out number, ordinal, fraction or multiple."""
    found: list[tuple[tuple[int, int], str, str]] = []
    for m in re.finditer(r"(?<![\w'-])[A-Za-z]+(?: (?:third|quarter|times|thirds|quarters))?(?![\w'-])", sentence):
        word = m.group().lower()
        before, after = sentence[: m.start()], sentence[m.end() :]
        if word in _SPELLED or word in _TENS:
            if word == "one" and (
                re.search(r"\b(?:no|any|every|each|this|that|the|only|another|which)\s*$", before, re.I)
                or re.match(r"\s*(?:of|another|who|that|which|can|may|should|could|is|or|and|day|\W|$)", after)
            ):
                continue
            if word in ("one", "two", "three") and _UPPER_BOUND.search(before):
                continue
            scale = _SPELLED if word in _SPELLED else _TENS
            i = scale.index(word)
            if _LOWER_BOUND.search(before) or re.match(r"\s+or more", after):
                others, kind = scale[i + 1 :], "bound"
            elif _UPPER_BOUND.search(before):
                others, kind = scale[max(1, i - 5) : i], "bound"
            else:
                others, kind = [w for w in scale[max(1, i - 3) : i + 5] if w != word], "number"
            if others:
                found.append((m.span(), rng.choice(others), kind))
        elif word in _ORDINALS and not re.search(r"\bat\s*$", before) and not after.startswith(","):
            i = _ORDINALS.index(word)
            if word == "second" and re.search(r"\b(?:a|per|each|every)\s*$", before):
                continue
            others = [w for w in _ORDINALS[max(0, i - 2) : i + 4] if w != word]
            found.append((m.span(), rng.choice(others), "number"))
        elif (
            word == "half"
            and re.search(r"(?:^|\W)(?:about|nearly|over|than)?\s*$", before)
            and re.match(r" (?:of|the|a)\b", after)
        ):
            found.append((m.span(), rng.choice(("a tenth", "a quarter", "two thirds", "three quarters")), "number"))
        elif word == "twice":
            found.append((m.span(), rng.choice(("three times", "four times", "once", "five times")), "number"))
        elif word in ("double", "doubled", "doubles") or word in ("tripled", "triple", "halved"):
            swap = {
                "double": "triple",
                "doubled": "halved",
                "doubles": "halves",
                "tripled": "doubled",
                "triple": "double",
            }
            found.append((m.span(), swap.get(word, "doubled"), "number"))
    if not found:
        return None
    span, new, kind = rng.choice(found)
    return put(sentence, span, like(new, sentence[span[0] :])), kind


def calendar(sentence: str, rng: random.Random) -> tuple[str, str] | None:
    """Another month or weekday."""
    found = [
        (m, table)
        for table in (MONTHS, DAYS)
        for m in re.finditer(r"\b(?:" + "|".join(table) + r")\b", sentence)
        if m.group() not in ("May", "March")
        or re.search(r"\d|in |of |since ", sentence[max(0, m.start() - 4) : m.start()])
    ]
    if not found:
        return None
    m, table = rng.choice(found)
    other = rng.choice([w for w in table if w not in sentence])
    return put(sentence, m.span(), other), "number"


@cache
def _amounts() -> re.Pattern[str]:
    amount = r"(?:\d[\d.,]*|\b(?:" + "|".join([*_SPELLED[1:], *_TENS, "several", "many", "few"]) + r"))"
    return re.compile(amount + r"[ -]((?:" + "|".join(sorted(_pairs("units"), key=len, reverse=True)) + r"))\b")


def money(sentence: str, rng: random.Random) -> tuple[str, str] | None:
    """Another currency sign, or a unit that does not fit."""
    signs = list(re.finditer(r"[$£€](?=\d)", sentence))
    if signs and rng.random() < 0.4:
        m = rng.choice(signs)
        return put(sentence, m.span(), rng.choice([s for s in "$£€" if s != m.group()])), "unit"
    units = _pairs("units")
    found = list(_amounts().finditer(sentence))
    if not found:
        return None
    m = rng.choice(found)
    new = rng.choice(units[m.group(1)])
    if (
        m.group(1) == "hundred"
        or _LOWER_BOUND.search(sentence[: m.start()])
        or _UPPER_BOUND.search(sentence[: m.start()])
    ):
        return put(sentence, m.span(1), new), "bound"
    return put(sentence, m.span(1), new), "unit"


@cache
def _nationalities() -> re.Pattern[str]:
    return re.compile(r"\b(?:" + "|".join(sorted(phrases("nationalities"), key=len, reverse=True)) + r")\b")


def place(sentence: str, rng: random.Random, source: str) -> tuple[str, str] | None:
    """Another place or nationality of the same kind."""
    found = [(a, b) for a, b in names_in(sentence) if sentence[a:b] in _gazetteer()]
    found += [
        m.span()
        for m in _nationalities().finditer(sentence)
        if not re.match(r"\s+[A-Z]", sentence[m.end() :]) and not re.search(r"[A-Z]\w+\s$", sentence[: m.start()])
    ]
    found = [
        s
        for s in found
        if not (re.search(r"\bthe $", sentence[: s[0]]) and _gazetteer()[sentence[s[0] : s[1]]] == "countries")
    ]
    if not found:
        return None
    a, b = rng.choice(found)
    old = sentence[a:b]
    kind = _gazetteer()[old]
    near = [n for n in phrases(kind) if n in source and n not in sentence and not related(n, old, "")]
    pool = near if near and rng.random() < 0.5 else [n for n in phrases(kind) if n not in source]
    pool = [n for n in pool if not _overlapping(old, n)]
    return (put(sentence, (a, b), rng.choice(pool)), "name") if pool else None


_GROUPS = (
    {"British", "English", "Scottish", "Welsh", "Irish"},
    {"England", "Scotland", "Wales", "Britain"},
    {"New York", "New York City", "Brooklyn", "Manhattan", "Queens"},
    {"Los Angeles", "Hollywood"},
    {"Korean", "South Korean"},
    {"Chinese", "Taiwanese"},
    {"China", "Taiwan", "Hong Kong"},
    {"San Francisco", "Oakland"},
    {"Dallas", "Houston"},
)


def _overlapping(one: str, other: str) -> bool:
    return any(one in g and other in g for g in _GROUPS)


def _quoted(sentence: str, at: int) -> bool:
    head = sentence[:at]
    return head.count('"') % 2 == 1 or head.count("“") > head.count("”")


def person(sentence: str, rng: random.Random, source: str, pool: Pool) -> tuple[str, str] | None:
    """Another name of the same bucket: of the same source, or of another one."""
    found = [(a, b) for a, b in names_in(sentence) if sentence[a:b] not in _gazetteer() and not _quoted(sentence, a)]
    found = [(a, b) for a, b in found if sentence[a:b].rstrip(".") not in _TITLES]
    if not found:
        return None
    a, b = rng.choice(found)
    old, sort = sentence[a:b], sort_of(sentence[a:b], sentence[:a])
    if sort == "given" and re.match(r"\s*[A-Z]", sentence[b:]):
        return None
    size = len(old.split())
    near = [n for n in sorted_names(source).get(sort, ()) if n not in sentence and abs(len(n.split()) - size) < 2]
    near = [n for n in near if not related(n, old, source)]
    use = near
    if not near or rng.random() > (0.6 if "/" not in sort else 0.35):
        some = pool.get(sort, [])
        far = rng.sample(some, min(40, len(some)))
        use = [n for n in far if n not in source and len(n.split()) == size and not related(n, old, "")]
    return (put(sentence, (a, b), rng.choice(use)), "name") if use else None


def surname(sentence: str, rng: random.Random) -> tuple[str, str] | None:
    """Another given name before the same surname."""
    found = [(a, b) for a, b in names_in(sentence) if kind_of(sentence[a:b]) == "person"]
    if not found:
        return None
    a, b = rng.choice(found)
    first = sentence[a:b].split(maxsplit=1)[0]
    other = rng.choice([n for n in phrases("given_names") if n != first and n[0] != first[0]])
    return put(sentence, (a, a + len(first)), other), "name"


def _table_swap(sentence: str, rng: random.Random, table: str, kind: str, source: str = "") -> tuple[str, str] | None:
    pairs = _pairs(table)
    found = []
    for m in _keys(table).finditer(sentence):
        key = m.group() if m.group() in pairs else m.group().lower()
        inside = m.start() > 0 and m.group()[0].isupper() and m.group() not in pairs
        if (
            key in pairs
            and not inside
            and not re.match(r"\s+[A-Z][a-z]", sentence[m.end() :] if m.group()[0].isupper() else "")
        ):
            found.append((m, key))
    if not found:
        return None
    m, key = rng.choice(found)
    said = " " + re.sub(r"[^\w'’-]+", " ", f"{sentence} {source}".lower()) + " "
    choices = [n for n in pairs[key] if f" {n.lower()} " not in said]
    if not choices:
        return None
    return put(sentence, m.span(), like(rng.choice(choices), m.group())), kind


def antonym(sentence: str, rng: random.Random) -> tuple[str, str] | None:
    """A word replaced by its opposite."""
    return _table_swap(sentence, rng, "antonyms", "antonym")


def kin(sentence: str, rng: random.Random, source: str) -> tuple[str, str] | None:
    """A person's role, a thing or a colour replaced by a neighbour that the source does not name."""
    return _table_swap(sentence, rng, "kin", "kin", source)


def strengthen(sentence: str, rng: random.Random) -> tuple[str, str] | None:
    """More certainty, other scope, other quantifier."""
    if re.search(r"\b(?:not|never|n't|no)\b", sentence) and rng.random() < 0.8:
        return None
    return _table_swap(sentence, rng, "strengthen", "strong")


def negate(sentence: str, rng: random.Random) -> tuple[str, str] | None:
    """A negation put in or taken out."""
    there = _NEGATION.search(sentence)
    if there:
        text = there.group()
        if re.search(r"\bnot only\b|\bnever before\b|\bnot until\b|\bif not\b", sentence):
            return None
        if text.endswith("n't"):
            new = text[:-3]
        elif text == "cannot":
            new = "can"
        elif text == "never":
            new = rng.choice(("often", "always", "once"))
        else:
            new = text[:-4]
        if new in ("do", "does", "did"):
            m = re.match(r" (\w+)", sentence[there.end() :])
            form = next((v.split() for v in phrases("verbs") if m and v.split()[0] == m.group(1)), None)
            if m is None or form is None:
                return None
            verb = {"do": form[0], "does": form[1], "did": form[2]}[new]
            return put(sentence, (there.start(), there.end() + m.end()), verb), "negation"
        return put(sentence, there.span(), new), "negation"
    if re.search(
        r"\b(?:no|not|none|neither|nor|nobody|nothing|hardly|rarely|if|whether|without|unless|few|little)\b",
        sentence,
        re.I,
    ):
        return None
    places = list(_AUX.finditer(sentence))
    if places:
        m = places[0] if rng.random() < 0.7 else rng.choice(places)
        if sentence[m.end() :].startswith((" also", " then", " still")):
            return None
        word = m.group()
        if word == "can":
            return put(sentence, m.span(), "cannot"), "negation"
        extra = rng.choice((" not", " not", " not", " never", " no longer"))
        if word in ("would", "should", "must", "could", "did", "does", "will"):
            extra = " not"
        if extra == " not" and word != "must" and rng.random() < 0.4:
            return put(sentence, m.span(), {"will": "won't"}.get(word, word + "n't")), "negation"
        return put(sentence, m.span(), word + extra), "negation"
    verbs = {v.split()[2]: v.split()[0] for v in phrases("verbs")}
    for m in re.finditer(r"(?<= )([a-z]+)\b", sentence):
        if m.group() in verbs and re.search(
            r"(?:[A-Z]\w+|\b(?:he|she|it|they|He|She|It|They|who|which)) $", sentence[: m.start()]
        ):
            if verbs[m.group()] == m.group():
                continue
            return put(sentence, m.span(), f"did not {verbs[m.group()]}"), "negation"
    return None


def roles(sentence: str, rng: random.Random) -> tuple[str, str] | None:
    """Who did it and to whom change places."""
    spans = names_in(sentence)
    if len(spans) < 2:
        return None
    i = rng.randrange(len(spans) - 1)
    (a, b), (c, d) = spans[i], spans[i + 1]
    middle = sentence[b:c]
    one, other = sentence[a:b], sentence[c:d]
    if one == other or related(one, other, "") or len(middle.split()) > 8 or _SYMMETRIC.search(middle):
        return None
    if re.search(r"[,;:()\[\]\"“”]", middle) or re.match(r"'s|’s", middle):
        return None
    forms = {w for v in phrases("verbs") for w in v.split()}
    verb = [w for w in _WORD.findall(middle) if w.lower() in forms]
    if not verb or (
        (kind_of(one) or "x") not in (kind_of(other) or "x", "person", "given") and kind_of(other) is not None
    ):
        return None
    return sentence[:a] + other + middle + one + sentence[d:], "role"


def gender(sentence: str) -> tuple[str, str] | None:
    """All pronouns of one gender become the other."""
    words = set(re.findall(r"\b(?:he|she|his|her|him|himself|herself)\b", sentence.lower()))
    if not words or (words & {"he", "his", "him", "himself"} and words & {"she", "her", "herself"}):
        return None
    table = {
        "he": "she",
        "his": "her",
        "him": "her",
        "himself": "herself",
        "she": "he",
        "herself": "himself",
        "her": "his",
    }
    changed = re.sub(
        r"\b(?:he|she|his|her|him|himself|herself)\b",
        lambda m: like(table[m.group().lower()], m.group()),
        sentence,
        flags=re.IGNORECASE,
    )
    return changed, "gender"


_CLAUSE = re.compile(
    r"(, (?:which|where|because|although|despite|after|with|while|and was|and is|but)| because| after| despite| due to| in order to"
    r"| as part of| thanks to| as a result of| while) ([^,;:()\"“”?]{14,90})\.$"
)


def graft(sentence: str, other: str, source: str) -> tuple[str, str] | None:
    """The closing clause of another sentence put behind this one."""
    m = _CLAUSE.search(other)
    if not m or _CLAUSE.search(sentence) or len(sentence.split()) > 30 or m.group(2) in source:
        return None
    return f"{sentence.rstrip().rstrip('.!')}{m.group(0)}", "tail"


def tail(sentence: str, rng: random.Random) -> tuple[str, str]:
    """A detail that nobody mentioned."""
    body = sentence.rstrip().rstrip(".!")
    extra = rng.choice(phrases("tails"))
    comma = ", " if extra.startswith(("and ", "but ", "which ", "although ", "even ", "where ")) else " "
    if extra.startswith("and ") and rng.random() < 0.5:
        comma = " "
    return f"{body}{comma}{extra}.", "tail"


def blend(sentence: str, other: str, source: str) -> tuple[str, str] | None:
    """The subject of one sentence with what another one says."""
    cut = re.compile(r"^(.{3,60}?) (is|was|are|were|has|had|will|can) (.{12,})$")
    one, two = cut.match(sentence), cut.match(other)
    if not one or not two or one.group(2) != two.group(2):
        return None
    first, second = one.group(1), two.group(1)
    for subject in (first, second):
        spans = names_in(subject)
        start = subject.split()[0].lower()
        if not spans or spans[0][0] > 4 or (start in COMMON_STARTS and start != "the") or re.search(r"[,;(]", subject):
            return None
    if {w.lower() for w in first.split() if len(w) > 3} & {w.lower() for w in second.split() if len(w) > 3}:
        return None
    if related(first, second, source) or first in two.group(3):
        return None
    return f"{first} {two.group(2)} {two.group(3)}", "blend"


REVERSIBLE = frozenset({"number", "unit", "name", "antonym", "negation", "role", "kin", "gender"})
_FEW = (
    "Robert Hale met Anna Lindqvist, Peter Okafor, Maria Delgado, Thomas Wright and Ellen Marsh. He saw Toyota, Siemens, Nestle and "
    "Google, then Apex Bank, Harlow University, Red Lion Club and the Progress Party in Ashford, Brixton and Oakdale. They know NATO, "
    "NASA and FIFA, the Silver Lake, the Long River, the Winter Cup and the Battle of Hastings."
)


@cache
def _few() -> Pool:
    return sorted_names(_FEW)


def change(
    sentence: str, rng: random.Random, source: str | None = None, pool: Pool | None = None
) -> tuple[str, str] | None:
    """One minimal change of fact with its kind. ``pool``: names from elsewhere."""
    source = source or sentence
    pool = pool or _few()
    weighted: list[tuple[float, Callable[[], tuple[str, str] | None]]] = [
        (2.4, lambda: number(sentence, rng)),
        (1.2, lambda: spelled(sentence, rng)),
        (1.2, lambda: calendar(sentence, rng)),
        (0.8, lambda: money(sentence, rng)),
        (1.5, lambda: place(sentence, rng, source)),
        (2.6, lambda: person(sentence, rng, source, pool)),
        (0.4, lambda: surname(sentence, rng)),
        (2.2, lambda: antonym(sentence, rng)),
        (1.6, lambda: kin(sentence, rng, source)),
        (1.3, lambda: strengthen(sentence, rng)),
        (1.4, lambda: negate(sentence, rng)),
        (1.6, lambda: roles(sentence, rng)),
        (0.25, lambda: gender(sentence)),
        (0.45, lambda: tail(sentence, rng)),
    ]
    order = sorted(weighted, key=lambda w: rng.random() ** (1 / w[0]), reverse=True)
    same = plain(sentence)
    for _, make in order:
        made = make()
        if made is not None and plain(made[0]) != same:
            return made
    return None


def edit(sentence: str, rng: random.Random, source: str | None = None) -> str | None:
    """One minimal change of fact in a true sentence, or None where it offers none."""
    made = change(sentence, rng, source)
    return made[0] if made else None


def plain(text: str) -> str:
    """Letters and digits only, lower case."""
    return re.sub(r"\W+", "", text.lower())


# ----------------------------------------------------------------------------------------------- rewrites


def synonyms(sentence: str, rng: random.Random, most: int = 2) -> str:
    """Some words replaced by others that mean the same."""
    pairs = _pairs("synonyms")
    for _ in range(most):
        found = []
        for m in _keys("synonyms").finditer(sentence):
            key = m.group() if m.group() in pairs else m.group().lower()
            name = m.start() > 0 and m.group()[0].isupper() and m.group() not in pairs
            near = re.match(r"[\s-]+[A-Z]", sentence[m.end() :]) and m.group()[0].isupper() and m.group() not in pairs
            if key in pairs and not name and not near:
                found.append((m, key))
        if not found:
            break
        m, key = rng.choice(found)
        sentence = put(sentence, m.span(), like(rng.choice(pairs[key]), m.group()))
    return sentence


def figures(sentence: str, rng: random.Random) -> str:
    """Dates and numbers written another way."""
    months = "|".join(MONTHS)

    def date(m: re.Match[str]) -> str:
        month, day, year = m.group(1), m.group(2), m.group(3)
        suffix = "th" if 10 < int(day) < 14 else {"1": "st", "2": "nd", "3": "rd"}.get(day[-1], "th")
        forms = (
            f"{day} {month} {year}",
            f"{month} {day}{suffix}, {year}",
            f"{month[:3]} {day}, {year}",
            f"the {day}{suffix} of {month} {year}",
        )
        return rng.choice(forms)

    done = re.sub(rf"\b({months}) (\d{{1,2}}), (\d{{4}})\b", date, sentence)
    done = (
        re.sub(rf"\b(\d{{1,2}}) ({months}) (\d{{4}})\b", lambda m: f"{m.group(2)} {m.group(1)}, {m.group(3)}", done)
        if done == sentence
        else done
    )
    if done != sentence:
        return done
    options: list[Callable[[str], str]] = [
        lambda s: re.sub(r"(?<![\d.,])(\d{1,3}),(\d{3})(?![\d,])", r"\1\2", s),
        lambda s: re.sub(r"(?<![\d.,$£€-])([1-9]\d{4,5})(?![\d.,-])", lambda m: f"{int(m.group(1)):,}", s),
        lambda s: re.sub(r"(\d)\s?%", r"\1 percent", s),
        lambda s: re.sub(r"(\d) per ?cent\b", r"\1%", s),
        lambda s: re.sub(r"\b50\s?(?:%|percent|per cent) of\b", "half of", s),
        lambda s: re.sub(r"\$(\d[\d.,]*\d|\d) (million|billion)", r"\1 \2 dollars", s),
        lambda s: re.sub(
            r"\b(\d+)(?:\.(\d))? million\b",
            lambda m: f"{int(float(m.group(1) + '.' + (m.group(2) or '0')) * 10) * 100000:,}",
            s,
        ),
        lambda s: re.sub(
            r"(?<![\w.-])(two|three|four|five|six|seven|eight|nine|ten|eleven|twelve)(?![\w-])(?! (?:million|hundred|thousand|and))",
            lambda m: str(_SPELLED.index(m.group(1)) + 1),
            s,
            count=1,
        ),
        lambda s: re.sub(
            r"(?<![\w.,$£€/:+-])([2-9]|1[0-2])(?= [a-z]{3,})(?! (?:am|pm|percent|million|billion|and|to|or|mg|km|of|January)\b)",
            lambda m: _SPELLED[int(m.group(1)) - 1],
            s,
            count=1,
        ),
        lambda s: re.sub(r"\b(\d+) years old\b", r"aged \1", s),
    ]
    rng.shuffle(options)
    for option in options:
        done = option(sentence)
        if done != sentence:
            return done[:1].upper() + done[1:] if sentence[:1].isupper() else done
    return sentence


def shorten(sentence: str, rng: random.Random) -> str:
    """A parenthesis, a relative clause, an apposition or a second main clause goes."""
    options: list[Callable[[str], str]] = [
        lambda s: re.sub(r"\s*\([^()]{2,90}\)", "", s),
        lambda s: re.sub(r", (?:which|who|where|whose) [^,.;]{5,90}(?:,(?= \w)|(?=\.$))", "", s, count=1),
        lambda s: re.sub(
            r"^(.{25,160}?), (?:and|but|while|although) (?:it|he|she|they|the|this|his|her|its|their|in)\b[^,]{15,}\.$",
            r"\1.",
            s,
        ),
        lambda s: re.sub(
            r"(?<=[a-z]), (?:an?|the) [a-z][^,.;]{5,50},(?= (?:is|was|has|had|said|are|were)\b)", "", s, count=1
        ),
        lambda s: re.sub(r"^(.{30,160}?); .{15,}\.$", r"\1.", s),
        lambda s: re.sub(
            r"^([^,;]{30,}?[a-z]),? (?:because|so that|in order to|as part of|thanks to|due to) [^,;]{10,}\.$",
            r"\1.",
            s,
        ),
        lambda s: re.sub(r"^([^,;]{30,}?[a-z]),? (?:after|while|during|despite|following) [^,;]{8,}\.$", r"\1.", s),
        lambda s: re.sub(
            r"^(?:After|Despite|During|Following|Because of|Born in) [^,;]{5,70}, (\w)", lambda m: m.group(1).upper(), s
        ),
        lambda s: re.sub(r"^(?:In|On|By) (?:[A-Z][a-z]+ )?(?:\d{1,2}, )?\d{4}, (\w)", lambda m: m.group(1).upper(), s),
        lambda s: re.sub(r",? (?:on|in) (?:[A-Z][a-z]+ )?(?:\d{1,2}, )?\d{4}\.$", ".", s),
        lambda s: re.sub(
            r"^(" + "|".join(phrases("fillers")) + r"),? (\w)", lambda m: m.group(2).upper(), s, flags=re.I
        ),
        lambda s: re.sub(r",? (?:also|however|therefore|moreover),? ", " ", s, count=1),
    ]
    if re.search(
        r"\b(?:if|unless|whether|only|no|not|never|none|few|all|every|most|more|less|may|might|can)\b|n't|[\"“”]",
        sentence,
    ):
        options = options[:1]
    rng.shuffle(options)
    for option in options:
        done = " ".join(option(sentence).split())
        done = re.sub(r" ([.,;])", r"\1", done)
        if done != sentence and len(done.split()) >= 4:
            return done
    return sentence


_LEAD = re.compile(
    r"^((?:In|On|At|During|After|Before|Since|By|From|Until|For|Under|With|Following|Despite|As of) (?:[^,]|,(?= \d{4})){3,60}), "
    r"((?:the|a|an|it|he|she|they|there|his|her|its|their|most|some|many|several|[A-Z]\w+) .+)\.$"
)


def reorder(sentence: str) -> str:
    """A leading adverbial moves to the end, or a closing one to the front."""
    m = _LEAD.match(sentence)
    if m and "," not in m.group(2) and ";" not in m.group(2):
        front = m.group(1)[0].lower() + m.group(1)[1:]
        return f"{m.group(2)[0].upper()}{m.group(2)[1:]} {front}."
    m = re.match(r"^([^,;]{15,140}) ((?:in|on|since|until) (?:[A-Z][a-z]+ )?(?:\d{1,2}, )?\d{4})\.$", sentence)
    if m:
        body = m.group(1)
        first = body.split()[0]
        if first.lower() in COMMON_STARTS:
            body = body[0].lower() + body[1:] if first != "I" else body
        return f"{like(m.group(2), 'A')}, {body}."
    return sentence


def passive(sentence: str) -> str:
    """'A wrote B.' becomes 'B was written by A.', and back."""
    spans = names_in(sentence)
    if not spans or re.search(r"[,;:(]", sentence):
        return sentence
    forms = {v.split()[2]: v.split()[3] for v in phrases("verbs")[:120]}
    back = {part: past for past, part in forms.items()}
    a, b = spans[0]
    verb = re.match(r" ([a-z]+) ((?:the|a|an|his|her|its|[A-Z]).{2,70})\.$", sentence[b:])
    if a == 0 and verb and verb.group(1) in forms:
        things = re.split(
            r" (in|on|at|for|with|during|after|before|from|to|as|by|when|because|while|and|that|who) ",
            verb.group(2),
            maxsplit=1,
        )
        if len(things) == 1 and not re.match(r"(?:his|her|its) ", verb.group(2)):
            was = (
                "were"
                if re.search(r"[a-z]{3}s$", verb.group(2)) and not re.match(r"an? |[A-Z]", verb.group(2))
                else "was"
            )
            return f"{like(verb.group(2), 'A')} {was} {forms[verb.group(1)]} by {sentence[a:b]}."
    m = re.match(r"^((?:The |A )?.{2,60}?) (?:was|were) ([a-z]+) by ((?:the |a |an )?[A-Z][^,]{2,50})\.$", sentence)
    if m and m.group(2) in back and not re.search(r" (?:in|on|at|and|for|from|during|as|to|after) ", m.group(3)):
        first = m.group(1)
        if first.split()[0] in ("The", "A", "An"):
            first = first[0].lower() + first[1:]
        elif first.split()[0].lower() in COMMON_STARTS:
            return sentence
        return f"{like(m.group(3), 'A')} {back[m.group(2)]} {first}."
    return sentence


def facts(sentence: str) -> list[str]:
    """Simple statements that a sentence implies: what somebody is, when and where they were born."""
    out = []
    m = re.match(
        r"^([A-Z][^(),.]{3,50}?) \((?:born |b\. )([^(),;–-]{4,20}(?:, \d{4})?)(?: in ([A-Z][\w ,]+?))?\) (?:is|was) (an? [^,.;]{5,80})",
        sentence,
    )
    if m:
        when, where, what = m.group(2), m.group(3), m.group(4)
        if re.search(r"\d{4}", when):
            out.append(
                f"{m.group(1)} was born {'on' if re.search(r'[A-Z]', when) and re.search(r'^[0-9]{1,2} |[a-z] [0-9]{1,2}', when) else 'in'} {when}."
            )
        if where:
            out.append(f"{m.group(1)} was born in {where}.")
        out.append(f"{m.group(1)} is {what}.")
    m = re.match(
        r"^([A-Z][^(),.]{3,50}?) \(([^()]{4,20}\d{4}) ?[–-] ?([^()]{4,20}\d{4})\) was (an? [^,.;]{5,80})", sentence
    )
    if m:
        out += [f"{m.group(1)} was {m.group(4)}."]
        if re.match(r"^(?:[A-Z][a-z]+ \d{1,2}, |\d{1,2} [A-Z][a-z]+ )\d{4}$", m.group(2)):
            out += [f"{m.group(1)} was born on {m.group(2)}.", f"{m.group(1)} died on {m.group(3)}."]
    m = re.search(
        r"(?:^|[a-z,] )([A-Z][a-z]+(?: [A-Z][a-z]+)+), (an? [a-z][^,.;:()\"]{5,60}), (?:said|says|was|is|has|had|told|will|who)\b",
        sentence,
    )
    if m and not re.search(r"\b(?:if|not|whether)\b", m.group(2)):
        out.append(f"{m.group(1)} is {m.group(2)}.")
    m = re.match(
        r"^([A-Z][^,.;:()]{4,50}) (is|was) (an? [^,.;()\"]{6,60}?) (?:that|which|who|in which|where|whose|and) ",
        sentence,
    )
    if (
        m
        and not re.search(r"\b(?:not|no|never|such|part|part|lot|number|result)\b", m.group(3))
        and m.group(1).split()[0] not in ("It", "This", "There", "He", "She")
    ):
        out.append(f"{m.group(1)} {m.group(2)} {m.group(3)}.")
    return [re.sub(r"\s+", " ", o) for o in out]


def attribute(sentence: str) -> str:
    """'It works, Mims said.' becomes 'Mims said that it works.', and back."""
    m = re.match(
        r"^([^\"“”]{15,200}), ((?:[A-Z][\w.'’-]+ ?){1,4}|he |she |they |officials |police )(said|says|added|wrote|told CNN)\.$",
        sentence,
    )
    if m and m.group(2).split()[0] not in ("And", "But", "Who"):
        body = m.group(1)
        if body.split()[0].lower() in COMMON_STARTS and body.split()[0] != "I":
            body = body[0].lower() + body[1:]
        return f"{like(m.group(2), 'A').strip()} {m.group(3)} that {body}."
    m = re.match(
        r"^((?:[A-Z][\w.'’-]+ ){1,4})said (?:that )?((?:the|he|she|it|they|there|his|her|a|an) [^\"“”]{15,200})\.$",
        sentence,
    )
    if m and m.group(1).split()[0].lower() not in COMMON_STARTS:
        return f"{like(m.group(2), 'A')}, {m.group(1).strip()} said."
    return sentence


def address(sentence: str, source: str, rng: random.Random) -> str:
    """A full name cut to the surname, or a surname given in full as in the source."""
    found = [(a, b) for a, b in names_in(sentence) if not _quoted(sentence, a)]
    rng.shuffle(found)
    for a, b in found:
        name = sentence[a:b]
        words = name.split()
        if kind_of(name) == "person" and 1 < len(words) < 4 and words[-1].rstrip(".") not in ("Jr", "Sr", "II", "III"):
            holders = {n for n in names(source) if n.split()[-1] == words[-1] and len(n.split()) > 1}
            if holders <= {name} and not re.match(r"'s|’s| [A-Z]", sentence[b:]):
                return sentence[:a] + words[-1] + sentence[b:]
        if len(words) == 1 and kind_of(name) is None:
            full = [n for n in names(source) if len(n.split()) > 1 and n.split()[-1] == name and kind_of(n) == "person"]
            if len(set(full)) == 1:
                return sentence[:a] + full[0] + sentence[b:]
    return sentence


def paraphrase(sentence: str, rng: random.Random, strong: bool = True, source: str = "") -> str:
    """A light rewrite that keeps what is said, or says less of it."""
    done = sentence
    if rng.random() < 0.45:
        done = figures(done, rng)
    if strong and rng.random() < 0.45:
        done = shorten(done, rng)
    if rng.random() < 0.35:
        done = reorder(done)
    if rng.random() < 0.3:
        done = passive(done)
    if rng.random() < 0.4:
        done = attribute(done)
    if source and rng.random() < 0.4:
        done = address(done, source, rng)
    if rng.random() < 0.7 or done == sentence:
        done = synonyms(done, rng, rng.choice((1, 1, 2, 3)))
    return done


def dress(sentence: str, rng: random.Random) -> str:
    """A conversational opening, other casing or tokens: for both labels alike."""
    draw = rng.random()
    if draw < 0.14:
        start = rng.choice(phrases("starts"))
        inside = start.endswith((" that ", ", "))
        first = sentence.split(maxsplit=1)[0] if sentence.split() else ""
        small = inside and first.lower().strip(",") in COMMON_STARTS and first != "I"
        return start.rstrip() + " " + (sentence[:1].lower() + sentence[1:] if small else sentence)
    if draw < 0.20:
        return sentence.lower()
    if draw < 0.24:
        return re.sub(r"([.,;:!?])(?=\s|$)", r" \1", sentence.lower()).replace("n't", " n't").replace("'s", " 's")
    if draw < 0.28:
        return sentence.rstrip(".")
    if draw < 0.31:
        return sentence.rstrip(".") + rng.choice(("!", " [1].", ", right.", " (see above).", " 🙂"))
    return sentence
