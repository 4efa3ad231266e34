"""Compile the managed PROFANITY list from its sources.

    python -m tools.compile_profanity --data ../shared/data

Sources: the Surge AI profanity list (MIT), of which terms rated ``SEVERITY`` or more, and LDNOOBW's English list
(CC-BY-4.0), of which terms built on one of the stems below. A term that stands in more than ``BENIGN`` of the benign texts
is an ordinary word, unless it is built on such a stem; it is left out. What the folding undoes anyway (stars, digits for letters) is
kept: it costs nothing.
"""

from __future__ import annotations

import argparse
import collections
import gzip
import itertools
import json
import re
from collections.abc import Iterator
from pathlib import Path

SEVERITY = 1.6
BENIGN = 0
# Words with no innocent meaning; whatever is built on them is profane.
STEMS = re.compile(
    r"fuck|motherf|cunt|nigg|fag+ot|shit|bitch|whore|slut|asshole|arsehole|bastard|wank|twat|bollock|cocksuck|dickhead|"
    r"prick|jizz|cumshot|gangbang|blowjob|blow job|rimjob|handjob|kike|spic\b|chink\b|wetback|tranny|douchebag|dumbass|jackass|retard"
)
# Rated high, and ordinary in some context a bank, hospital or school has.
INNOCENT = frozenset(
    [
        "slit",
        "molester",
        "feck",
        "kkk",
        "retard",
        "retardation",
        "retardant",
        "retarded",
        "bastard",
        "prick",
        "chink",
        "slope",
        "gook",
        "fairy",
        "queen",
        "dyke",
        "dykes",
        "pedo",
        "pedophile",
        "paedophile",
        "rape",
        "rapist",
        "raped",
        "nude",
        "nazi",
        "lesbian",
        "transvestite",
        "hermaphrodite",
        "incest",
        "necrophilia",
        "bestiality",
        "cock",
        "cocks",
        "oriental",
        "gypsy",
        "negro",
        "negroes",
        "colored",
        "coloured",
        "eskimo",
        "squaw",
        "redskin",
        "redskins",
        "savage",
        "savages",
        "butt",
        "chicken",
        "cotton",
        "banana",
        "oreo",
        "jap",
        "japs",
        "coon",
        "coons",
        "cracker",
        "crackers",
        "spade",
        "spook",
        "spooks",
        "beaner",
        "mongoloid",
        "cripple",
        "midget",
        "spastic",
        "lame",
        "jerk",
        "niger",
        "nigers",
        "shiite",
        "taig",
        "yid",
        "paddy",
        "nip",
        "nips",
        "pom",
        "pommy",
        "kraut",
        "frog",
        "limey",
        "goy",
        "goyim",
        "heathen",
        "papist",
        "jesus",
        "christ",
        "god",
        "hell",
        "damn",
    ]
)
FRIENDS = (
    "Scunthorpe", "Essex", "Sussex", "Middlesex", "Penistone", "Lightwater", "Clitheroe", "Cockermouth", "Cockburn", "Hancock",
    "Dick Van Dyke", "Moby Dick", "Dick Cheney", "Dick's Sporting Goods", "Philip K. Dick", "Andy Dick", "Dick Clark", "Dick Tracy",
    "Cumming", "Cummings", "Alan Cumming", "Cummins", "shiitake", "shitake", "cocktail", "cockpit", "cockatoo", "cockroach", "peacock", "Hitchcock",
    "assess", "assessment", "class", "classic", "grass", "passage", "assassin", "Arsenal", "Wang", "Mount Cook", "pussy willow", "pussycat",
    "pussy cat", "Pussy Riot", "Titmouse", "great tit", "blue tit", "Fuchs", "Fukuoka", "Fukushima", "shittah", "matsushita", "Mishit",
    "bitcoin", "Wanker County", "Pratt", "retardant", "flame retardant", "fire retardant", "tit for tat", "breast cancer", "breast feeding",
    "analysis", "analog", "therapist", "the rapist hunted", "cumulative", "document", "Uranus", "Dickinson", "Dickens", "son of a bitch by Faulkner",
)  # fmt: skip
FRIENDS = tuple(f for f in FRIENDS if f not in ("the rapist hunted", "son of a bitch by Faulkner", "Wanker County"))
HEADER = """\
# Managed word list PROFANITY. Compiled by tools/compile_profanity.py; do not edit by hand.
# Sources: Surge AI, "profanity" (MIT), terms rated {severity} or more of 3; LDNOOBW, English (CC-BY-4.0), by stem.
# One term a line. A line that starts with ! is a false friend: a hit inside it does not count.
"""


def rows(path: Path) -> Iterator[dict[str, str]]:
    """The rows of a data file."""
    with gzip.open(path, "rt", encoding="utf-8") as file:
        for line in file:
            yield json.loads(line)


def benign_words(data: Path) -> collections.Counter[str]:
    """How many benign texts each word and pair of words stands in."""
    seen: collections.Counter[str] = collections.Counter()
    files = [*sorted((data / "benign").glob("*.jsonl.gz")), *(data / "topics").glob("m*.jsonl.gz")]
    for path in files:
        for row in rows(path):
            text = json.dumps(row, ensure_ascii=False).lower()
            words = re.findall(r"[\w'@$*-]+", text)
            seen.update({*words, *(f"{a} {b}" for a, b in itertools.pairwise(words))})
    return seen


def compile_list(data: Path) -> list[str]:
    """The terms, sorted."""
    seen = benign_words(data)
    terms = {
        r["text"].lower().strip()
        for r in rows(data / "safety/surge_profanity.jsonl.gz")
        if float(r["severity_rating"]) >= SEVERITY
    }
    terms |= {t for r in rows(data / "safety/ldnoobw_en.jsonl.gz") if STEMS.search(t := r["text"].lower().strip())}
    kept = []
    for term in sorted(terms):
        letters = sum(c.isalpha() for c in term)
        if term in INNOCENT or letters < 3 or (seen[term] > BENIGN and not STEMS.search(term)):
            continue
        kept.append(term.replace("*", "\\*"))
    return kept


def main() -> None:
    """Write guardrails/data/profanity.txt."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="the folder with safety/, benign/ and topics/")
    parser.add_argument("--out", type=Path, default=Path(__file__).parents[1] / "guardrails/data/profanity.txt")
    arguments = parser.parse_args()
    terms = compile_list(arguments.data)
    lines = [
        HEADER.format(severity=SEVERITY),
        *(f"{t}\n" for t in terms),
        *(f"!{f}\n" for f in sorted(FRIENDS, key=str.lower)),
    ]
    arguments.out.write_text("".join(lines), encoding="utf-8")
    print(f"{len(terms)} terms, {len(FRIENDS)} false friends: {arguments.out.name}")


if __name__ == "__main__":
    main()
