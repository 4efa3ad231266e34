"""Cases of word lists."""

from guardrails.detectors.words import Settings, TermList
from tests.detectors.case import Case


def terms(*given: str) -> Settings:
    return Settings(terms=given)


LIST = TermList("list.txt", "0" * 64, ("kingfisher", "tern*"))

CASES = [
    Case("whole word", terms("kingfisher"), "a [WORD:Kingfisher], here"),
    Case("no part of a word", terms("fish"), "a kingfisher and a fishmonger", type="WORD", kind="near-miss"),
    Case("prefix", terms("confiden*"), "[WORD:confidential], [WORD:CONFIDENCE], overconfident"),
    Case("suffix", terms("*fisher"), "[WORD:kingfisher], fishers"),
    Case("substring", terms("*fish*"), "[WORD:kingfisher] [WORD:fish]"),
    Case("a literal star", terms("f\\*\\*k"), "what the [WORD:f**k]"),
    Case("phrase over a line break", terms("new york"), "in [WORD:New\n   York] today"),
    Case("phrase over punctuation", terms("new york"), "in [WORD:New-York]"),
    Case("one word hides no other", terms("new york", "new yo"), "in [WORD:new york], [WORD:new yo]!"),
    Case("overlapping terms", terms("project kingfisher", "kingfisher nest"), "[WORD:project kingfisher] nest"),
    Case("width and diacritics", terms("cafe"), "a [WORD:ｃａｆé]"),
    Case("decomposed", terms("café"), "a [WORD:cafe\u0301]"),
    Case("sharp s", terms("Straße"), "die [WORD:STRASSE]"),
    Case("zero width", terms("kingfisher"), "a [WORD:king\u200bfisher]"),
    Case("spelled out", terms("kingfisher"), "a [WORD:k-i-n-g-f-i-s-h-e-r] here"),
    Case("leetspeak", terms("kingfisher"), "a [WORD:k1ngf1sh3r] here"),
    Case("look-alikes", terms("kingfisher"), "a [WORD:kіngfіshеr] here"),
    Case("reversed", terms("kingfisher"), "a [WORD:rehsifgnik] here"),
    Case("rot13", terms("kingfisher"), "a [WORD:xvatsvfure] here"),
    Case("base64", terms("project kingfisher"), "see [WORD:cHJvamVjdCBraW5nZmlzaGVy] now"),
    Case("short words have no ciphers", terms("anal"), "Lana sings", type="WORD", kind="near-miss"),
    Case("symbols", terms("c++"), "I like [WORD:C++], not c"),
    Case("han", terms("秘密"), "这是[WORD:秘密]吗"),
    Case("russian stays russian", terms("cop"), "сор в лесу", type="WORD", kind="near-miss"),
    Case("prices are no leetspeak", terms("sao"), "Order 4 items @ $30", type="WORD", kind="near-miss"),
    Case("a list", Settings(lists=(LIST,)), "a [WORD:kingfisher] and [WORD:terns]"),
    Case("managed list", Settings(managed=("PROFANITY",)), "oh [PROFANITY:fuck], no"),
    Case(
        "false friends",
        Settings(managed=("PROFANITY",)),
        "Scunthorpe, Essex, assess, cockpit, shiitake",
        type="PROFANITY",
        kind="negative",
    ),
    Case("nothing", terms("kingfisher"), "a heron", type="WORD", kind="negative"),
]
