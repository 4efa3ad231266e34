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
        # Names of people, families, firms and places.
        "phuc",
        "phuk",
        "fuk",
        "fuks",
        "fuc",
        "fux",
        "fugger",
        "focker",
        "fick",
        "fook",
        "fookuh",
        "kyke",
        "gaylord",
        "gaylords",
        "hoar",
        "higger",
        "higgers",
        "niccer",
        "spik",
        "spig",
        "twatt",
        "injun",
        "mfk",
        "fuku",
        "dago",
        "fecker",
        "feg",
        "nigre",
        "puta",
        # Ordinary words: birds, tools, slag of a furnace, dogs, garments, a martial art, a play.
        "slag",
        "coot",
        "bender",
        "flamer",
        "jigger",
        "mong",
        "mongrel",
        "nicker",
        "knickers",
        "tramp",
        "hoes",
        "shylock",
        "sambo",
        "homos",
        "blacky",
        "cholo",
        "coolie",
        "gyp",
        "tard",
        "mfs",
        "nicka",
        "nickas",
        "bater",
        "skank",
        "darky",
        "slanty",
        "queers",
        "jiggs",
        "nip",
    ]
)
FRIENDS: tuple[str, ...] = (
    "Scunthorpe", "Essex", "Sussex", "Middlesex", "Penistone", "Lightwater", "Clitheroe", "Cockermouth", "Cockburn", "Hancock",
    "Dick Van Dyke", "Moby Dick", "Dick Cheney", "Dick's Sporting Goods", "Philip K. Dick", "Andy Dick", "Dick Clark", "Dick Tracy",
    "Cumming", "Cummings", "Alan Cumming", "Cummins", "shiitake", "shitake", "cocktail", "cockpit", "cockatoo", "cockroach", "peacock", "Hitchcock",
    "assess", "assessment", "class", "classic", "grass", "passage", "assassin", "Arsenal", "Wang", "Mount Cook", "pussy willow", "pussycat",
    "pussy cat", "Pussy Riot", "Titmouse", "great tit", "blue tit", "Fuchs", "Fukuoka", "Fukushima", "shittah", "matsushita", "Mishit",
    "bitcoin", "Wanker County", "Pratt", "retardant", "flame retardant", "fire retardant", "tit for tat", "breast cancer", "breast feeding",
    "FAG bearing", "FAG bearings", "FAG ball bearing", "FAG roller bearing", "FAG Kugelfischer", "Schaeffler FAG", "FAG Schaeffler", "INA FAG", "INA/FAG",
    "fag end", "fag ends", "fag packet", "faggots and peas", "faggots in gravy", "mushy peas and faggots", "faggot of sticks", "faggots of sticks", "Mount Wank",
    "Fucking, Austria", "brood bitch", "lactating bitch", "stud dog or bitch", "dog or bitch", "bitch and her puppies", "bitch in season", "bitch in heat",
    "spick and span", "spic and span", "doo wop", "Kiké Hernández", "Kike Hernandez", "Enrique Kike", "FCK Copenhagen", "FC Kopenhagen FCK", "FCK Kaiserslautern",
    "whore of Babylon", "spic n span", "tar baby story", "Brer Rabbit and the Tar-Baby",
    "analysis", "analog", "therapist", "the rapist hunted", "cumulative", "document", "Uranus", "Dickinson", "Dickens", "son of a bitch by Faulkner",
)  # fmt: skip
FRIENDS = tuple(f for f in FRIENDS if f not in ("the rapist hunted", "son of a bitch by Faulkner", "Wanker County"))
# Stems with their endings and the compounds they head or close; English builds these freely.
ENDINGS = {
    "fuck": ["s", "ed", "er", "ers", "in", "ing", "ings", "able", "y", "face", "faces", "head", "heads", "wit", "wits", "tard", "tards", "boy", "boys", "boi", "wad", "wads", "up", "ups", "off", "stick", "hole", "holes", "nugget", "load", "ton", "bag", "bags", "ery", "fest", "you", "yeah", "this", "that"],
    "shit": ["s", "ted", "ting", "ter", "ters", "ty", "tier", "tiest", "tin", "head", "heads", "face", "faced", "faces", "hole", "holes", "bag", "bags", "show", "shows", "storm", "storms", "load", "loads", "post", "posts", "posting", "poster", "stain", "stains", "stick", "stirrer", "stirrers", "house", "houses", "heel", "kicker", "kickers", "ass", "list", "canned", "can", "cans", "for-brains"],
    "bitch": ["es", "ed", "ing", "in", "y", "ier", "iest", "ass", "face", "fest", "slap", "slapped"],
    "wank": ["s", "ed", "er", "ers", "ing", "y", "stain", "stains", "shaft", "fest"],
    "cunt": ["s", "y", "ish", "ing", "face", "faces", "bag", "bags"],
    "twat": ["s", "ted", "ting", "tish", "face", "head"],
    "bollock": ["s", "ed", "ing", "ings"],
    "whore": ["s", "d", "ish", "house", "houses", "monger", "mongers", "son"],
    "slut": ["s", "ty", "tier", "tiest", "tish", "shame", "shamed", "shaming", "bag"],
    "faggot": ["s", "y", "ry"], "nigger": ["s", "ish"], "nigga": ["s", "z"],
    "asshole": ["s", "ry"], "arsehole": ["s"], "dickhead": ["s"], "knobhead": ["s"], "bellend": ["s"], "dipshit": ["s", "ty"],
    "cocksuck": ["er", "ers", "ing"], "jizz": ["ed", "es", "ing"], "blowjob": ["s"], "handjob": ["s"], "rimjob": ["s"], "gangbang": ["s", "ed", "ing", "er", "ers"],
    "douchebag": ["s", "gery"], "dumbass": ["es"], "cumshot": ["s"], "tosser": ["s"], "shithouse": ["s", "ry"], "asswipe": ["s"],
    "goddamn": ["ed", "it"], "numbnuts": [], "shite": ["s", "hawk", "hawks"], "fuckwit": ["s", "ted", "tery"], "clusterfuck": ["s"],
}  # fmt: skip
BEFORE = {
    "fuck": ["mother", "mutha", "motha", "mind", "cluster", "brain", "butt", "dumb", "rat", "goat", "pig", "bum", "skull", "face", "bum", "ass", "un", "absolute", "fan", "hate"],
    "shit": ["bull", "horse", "dip", "bat", "ape", "chicken", "dog", "jack", "dumb", "holy", "crock", "bird", "rat", "pig", "sheep", "no"],
    "whore": ["attention", "man", "media", "cam"],
}  # fmt: skip
INSIDE = [
    "absofuckinglutely",
    "unfuckingbelievable",
    "fanfuckingtastic",
    "infuckingcredible",
    "guaranfuckingteed",
    "outfuckingstanding",
    "motherfuckery",
    "bullshitter",
]
NOT_BUILT = ["holyshit", "noshit", "crockshit", "fuckton", "whored", "shitcan", "shitcans"]
# Words that are censored by hand: any of the letters between the first and the last as stars, each or all by one.
CENSORED = {"fuck": ("", "s", "ed", "er", "ers", "ing", "in", "wit", "face", "head", "off", "up"), "shit": ("", "s", "ty", "ting", "head", "hole", "show"),
            "bitch": ("", "es", "ing", "y"), "cunt": ("", "s"), "whore": ("", "s"), "slut": ("", "s", "ty"), "wank": ("", "er", "ers", "ing"), "twat": ("", "s"),
            "nigger": ("", "s"), "nigga": ("", "s"), "faggot": ("", "s"), "asshole": ("", "s"), "arsehole": ("", "s"), "bullshit": ("",), "bollocks": ("",),
            "motherfucker": ("", "s"), "motherfucking": ("",), "dickhead": ("", "s"), "bastard": ("", "s"), "goddamn": ("",), "prick": ("", "s")}  # fmt: skip
# Dashes between letters part words, so they are listed where what is left is none.
DASHED = (
    "f-ck",
    "f--k",
    "f-cking",
    "f--king",
    "f-cked",
    "f-cker",
    "sh-t",
    "sh-tty",
    "bullsh-t",
    "c-nt",
    "b-tch",
    "b-tches",
    "f-ing",
    "effing",
    "motherf-cker",
)
# Rated mild by the source, and swearing wherever they stand.
MILD = [
    "titties",
    "titty",
    "blow jobs",
    "hand job",
    "hand jobs",
    "rim jobs",
    "fuk you",
    "fuk off",
    "fuk this",
    "arse",
    "arses",
    "asshat",
    "asshats",
    "bastards",
    "fatass",
    "fatasses",
    "goddammit",
    "jackarse",
    "jackass",
    "jackasses",
    "lardass",
    "lardasses",
    "pissed",
    "pisser",
    "pissers",
    "pisses",
    "pissing",
    "smartass",
    "smartasses",
]
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
    return sorted({*kept, *built()})


def built() -> Iterator[str]:
    """Inflections, compounds and censored forms."""
    yield from INSIDE
    yield from MILD
    yield from DASHED
    words = {stem + ending for stem, endings in ENDINGS.items() for ending in ("", *endings)}
    words |= {
        head + stem + ending for stem, heads in BEFORE.items() for head in heads for ending in ("", *ENDINGS[stem][:10])
    }
    yield from words - {*NOT_BUILT, *INNOCENT}
    for stem, endings in CENSORED.items():
        for masked in censored(stem):
            yield from (masked.replace("*", "\\*") + ending for ending in endings)


def censored(word: str) -> set[str]:
    """The word with a run of its inner letters as stars, one each or one for all; short strong ones with the first letter alone."""
    found = set()
    for start in range(1, len(word) - 1):
        for end in range(start + 1, len(word)):
            shown = sum(c not in "aeiou" for c in word[:start] + word[end:])
            if len(word) <= 5 or shown >= 3 or (word[0] in "an" and shown == 2):
                found.add(word[:start] + "*" * (end - start) + word[end:])
                if start + len(word) - end >= 3:  # "s*t" is a product
                    found.add(word[:start] + "*" + word[end:])
    if word in ("fuck", "shit"):
        found |= {word[0] + "***", word[:2] + "**", word[:3] + "*"}
    # Every vowel on its own.
    found.add(word[0] + "".join("*" if c in "aeiou" else c for c in word[1:]))
    return found - {word}


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
