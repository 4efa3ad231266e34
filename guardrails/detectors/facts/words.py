"""Content words, negations and opposites of English."""

from __future__ import annotations

import re
from functools import lru_cache

__all__ = ["NEGATION", "Word", "content", "opposites", "stem", "words"]

_STOP = frozenset(
    "a an the this that these those it its they them their he she his her him hers we us our ours you your yours i me my mine one ones who whom whose which what when"
    " where why how is are was were be been being am do does did done doing has have had having will would shall should can could may might must of in on at to from by for"
    " with without about into over under after before between during through within per as than then so if and or but nor not no yes also too very just only more most much"
    " many some any each every all both either neither other another such same own there here up down out off again once please thank thanks hello hi sure certainly course"
    " happy help good great day question let know anything else hope need get got gets go goes going make makes made take takes it's that's there's i'm we're you're they're"
    " don't doesn't didn't isn't aren't wasn't weren't won't can't cannot couldn't shouldn't wouldn't hasn't haven't hadn't mustn't needn't because since while although though"
    " until unless however therefore still already yet always never ever else at least instead rather quite well even s t re ll ve d m".split()
)
_TOKEN = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")
NEGATION = re.compile(
    r"\b(?:not|no|never|none|nobody|nothing|nowhere|neither|nor|cannot|without|unable|impossible|except|excluding|excluded|excludes|forbidden|prohibited|refus\w+|den(?:y|ied|ies)|lacks?|fail(?:s|ed)?"
    r"|rejected|unavailable|ineligible|barred|banned|void|unless|\w+n['’]t)\b",
    re.IGNORECASE,
)
# Words that cannot both hold of the same thing. A form belongs to the first group that names it.
_OPPOSITE = """before | after
earlier sooner | later
minimum min least | maximum max most
free complimentary gratis | paid charged chargeable
included includes include | excluded excludes exclude extra
open opens opened | closed closes close shut
allowed permitted may allows permits can | forbidden prohibited banned cannot
required mandatory compulsory must obligatory needed | optional voluntary
higher more above greater larger bigger rose increased increase increases rises raised grew | lower less below smaller fewer fell decreased decrease decreases falls reduced dropped shrank declined
first | last final
start starts started begins began begin | end ends ended finishes finished stops stopped
accepted accept accepts approved | rejected refused refuse reject rejects denied declined
inside indoors indoor | outside outdoors outdoor
hot warm | cold cool
always | never sometimes
all every everyone everybody each both | none nobody some only
win won wins | lost lose loses
buy bought buys purchase purchased | sell sold sells
arrive arrives arrival arrived | depart departs departure departed leave leaves
left | right
north northern | south southern
east eastern | west western
old older oldest | new newer newest young younger youngest
longer longest long | shorter shortest short
faster fastest quick fast quicker | slower slowest slow
cheap cheaper cheapest | expensive dearer dearest pricier
enable enabled enables on | disable disabled disables off
online | offline
public publicly | private privately
weekday weekdays | weekend weekends
morning | evening afternoon
day daily | night nightly
daily | weekly monthly yearly annual annually
weekly | daily monthly yearly annual annually
monthly | daily weekly yearly annual annually
quarterly | daily weekly monthly yearly annually annual
refundable | non-refundable nonrefundable
possible | impossible
valid | invalid void
available | unavailable
internal | external
upper top | bottom lower
front | rear back
adult adults | child children
buyer customer | seller
landlord landlords | tenant tenants
lender | borrower
employer | employee
plaintiff | defendant
male men man | female women woman
automatic automatically | manual manually
temporary temporarily | permanent permanently
partial partly partially half | full fully whole entirely
known | unknown
safe | dangerous unsafe
best | worst
better | worse
success succeeded | failure failed
agree agreed agreed | disagree disagreed
majority | minority
positive | negative
wet | dry
heavy heavier | light lighter
with | without
possibly perhaps might maybe probably likely | definitely certainly certain
same | different
single | double
increase | decrease"""


@lru_cache(1)
def _opposites() -> dict[str, frozenset[str]]:
    out: dict[str, set[str]] = {}
    for line in _OPPOSITE.splitlines():
        one, other = (side.split() for side in line.split("|"))
        for a, b in ((one, other), (other, one)):
            for word in a:
                out.setdefault(word, set()).update(b)
    return {k: frozenset(v) for k, v in out.items()}


def opposites(word: str) -> frozenset[str]:
    """Words that say the opposite of one, in lower case."""
    return _opposites().get(word.casefold(), frozenset())


class Word(str):
    """A stem, with the place of the word it was made from."""

    __slots__ = ("end", "said", "start")
    start: int
    end: int
    said: str


def words(text: str) -> list[Word]:
    """All words of a text that are no function words, as stems with their places."""
    out = []
    for m in _TOKEN.finditer(text):
        said = m[0].casefold().replace("’", "'")
        if said in _STOP or (len(said) == 1 and not said.isdigit()):
            continue
        word = Word(stem(said))
        word.start, word.end, word.said = m.start(), m.end(), said
        out.append(word)
    return out


def content(text: str) -> frozenset[str]:
    """The stems of a text's content words."""
    return frozenset(str(w) for w in words(text))


@lru_cache(50_000)
def stem(word: str) -> str:
    """A word without its ending: plural, possessive, -ed, -ing, -ly. Crude on purpose; only compared with itself."""
    word = word.removesuffix("'s")
    for ending, least, instead in (
        ("ization", 4, ""), ("isation", 4, ""), ("ations", 4, ""), ("ation", 4, ""), ("ments", 4, ""), ("ment", 4, ""), ("nesses", 3, ""), ("ness", 3, ""),
        ("ingly", 4, ""), ("edly", 4, ""), ("ies", 2, "y"), ("ied", 2, "y"), ("sses", 2, "ss"), ("ings", 3, ""), ("ing", 3, ""), ("ers", 4, ""), ("er", 4, ""), ("ed", 3, ""),
        ("es", 3, ""), ("ly", 4, ""), ("s", 3, ""),
    ):  # fmt: skip
        if word.endswith(ending) and len(word) - len(ending) >= least and not (ending == "s" and word.endswith("ss")):
            word = word[: -len(ending)] + instead
            break
    if len(word) > 3 and word[-1] == word[-2] and word[-1] not in "lsz":
        word = word[:-1]
    return word.removesuffix("e") if len(word) > 3 else word
