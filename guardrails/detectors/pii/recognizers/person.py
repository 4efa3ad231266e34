"""Names and ages, where a label, a title or a salutation announces them. A trained tagger finds the others."""

from __future__ import annotations

import re

from guardrails.detectors.pii.recognizer import Spec
from guardrails.detectors.pii.recognizers import checks

__all__ = ["RECOGNIZERS"]

# Capitalised words that stand where a name could, and are none.
_NO_NAMES = frozenset(
    "sir madam sirs customer customers client friend friends team all colleague colleagues everyone everybody hiring manager "
    "santa diary editor reader readers student students parent parents teacher teachers valued member members user users "
    "recruiter committee professor doctor sales support service department human resources president mayor minister "
    "the a an of and or not none null unknown test string your my our their his her it this that these those here there "
    "date time address email phone number street city state country company product order invoice total price item "
    "january february march april may june july august september october november december monday tuesday wednesday "
    "thursday friday saturday sunday english french german spanish chinese japanese american british indian canadian "
    "i you he she we they is are was were be been will would can could should must please thank thanks dear hello hi "
    "if when where what who why how new old name names first last middle full inc llc ltd corp gmbh bank university "
    "college hospital school institute street avenue road lane drive yes no true false on in at to from by with for "
    "ai gpt chatgpt assistant bot model llm claude siri alexa google microsoft apple amazon nbsp type description "
    "very so too quite really happy sad sorry glad sure ready able going here looking writing calling trying not just "
    "id ssn dob age gender sex status role title subject re note notes summary history report patient care".split()
)
_WORD = re.compile(r"[^\s.,]+")


def name(value: str) -> bool | None:
    """None of its words is one that cannot be part of a name."""
    words = _WORD.findall(value)
    if not words or any(w.lower().strip("'’-") in _NO_NAMES for w in words) or any(c.isdigit() for c in value):
        return False
    return False if all(len(w) == 1 for w in words) else None


def age(value: str) -> bool | None:
    """Up to 120 years."""
    return None if 0 < int(checks.digits(value)[:3] or 0) <= 120 else False


# One letter after an apostrophe is a genitive ("Carter's"), not part of the name.
_N = r"(?:[A-ZÀ-Þ][a-zß-ÿĀ-ɏ]*(?:['’\-](?:[A-ZÀ-Þ][a-zß-ÿĀ-ɏ]+|[a-zß-ÿĀ-ɏ]{2,}))?(?:[A-Z][a-zß-ÿĀ-ɏ]+)?)"
_PARTICLE = r"(?:de la|de los|de|del|della|di|da|dos|van der|van den|van|von der|von|zu|bin|ibn|al|el|le|la|ter|ten|y)"
_ONE = rf"(?P<value>{_N}(?:[ \t](?:{_PARTICLE}[ \t])?(?:[A-Z]\.|{_N})){{0,4}})(?![\wÀ-ɏ])"
_TWO = rf"(?P<value>{_N}(?:[ \t](?:{_PARTICLE}[ \t])?(?:[A-Z]\.|{_N})){{1,4}})(?![\wÀ-ɏ])"
_OLD_THINGS = ("company", "building", "house", "car", "whisky", "wine", "startup", "tree", "law", "tradition", "city")
_EVERYBODY = tuple(
    "ago experience warranty contract for last past next within over every minutes older younger between least under after "
    "before above below until by about around approximately usually typically onset people women men children adults "
    "persons individuals ages group per percent dollars range average minimum maximum starting start from limit".split()
)
_ROLES = (
    r"patient|customer|client|employee|passenger|tenant|cardholder|card holder|account holder|beneficiary|"
    r"insured|plaintiff|defendant|applicant|policyholder|guest|candidate|claimant|contact|emergency contact|"
    r"attn|attention|prepared for|ship to|bill to|signed by|sent to|reviewed by|requested by|submitted by|"
    r"belongs to|belonging to|issued to|registered to|born to|care of|attended by|prescribed by|next of kin|"
    r"signed|owner|manager|supervisor|witness|nurse|physician|provider|claims adjuster|resident|caller"
)
_LABELS = (
    r"(?:full|first|last|given|family|middle|legal|preferred|maiden|birth|customer(?:'s)?|client(?:'s)?|patient(?:'s)?|employee|"
    r"account[ _-]?holder(?:'s)?|card[ _-]?holder(?:'s)?|beneficiary|applicant|student|contact|insured|policy[ _-]?holder|guest|passenger|emergency contact|mother's maiden|father's|mother's|spouse(?:'s)?)[ _-]?name"
)

# The first line of an address on an envelope: a name, and under it a number and a street.
_ENVELOPE = (
    r"(?:^|\n)[ \t]{0,8}(?P<value>[A-ZÀ-Þ][\wÀ-ɏ'’.\-]{1,24}(?:[ \t][A-ZÀ-Þ][\wÀ-ɏ'’.\-]{0,24}){1,3})[ \t]{0,4},?\r?\n[ \t]{0,8}"
    r"(?:\d{1,6}[A-Za-z]?,?[ \t](?:[NSEW]\.?[ \t])?(?:[A-Z0-9][\w'’.\-]{0,24}[ \t]){1,4}"
    r"(?i:street|st|avenue|ave|road|rd|boulevard|blvd|lane|ln|drive|dr|court|ct|place|pl|square|sq|terrace|way|parkway|highway|"
    r"circle|trail|crescent|close)\b|(?i:p\.? ?o\.? box) \d)"
)

RECOGNIZERS: tuple[Spec, ...] = (
    Spec(
        "NAME",
        (
            (_ENVELOPE, 0.65),
            (
                rf"(?<![\w])(?i:{_LABELS}|surname|forename)[\"'*]{{0,3}}\s{{0,2}}(?:[:=]|\bis\b)\s{{0,3}}[\"'*]{{0,3}}(?:(?:Mr|Mrs|Ms|Miss|Dr|Prof)\.? )?{_ONE}",
                0.8,
            ),
            (
                rf"(?:^|[\n,;|({{\[>\"'*\-•])[ \t]{{0,4}}[\"'*]{{0,3}}(?i:name)[\"'*]{{0,3}}\s{{0,2}}[:=]\s{{0,3}}[\"'*]{{0,3}}(?:(?:Mr|Mrs|Ms|Miss|Dr|Prof)\.? )?{_TWO}",
                0.7,
            ),
            (
                rf"(?<![\w])(?i:my|his|her|their|whose|the patient's|the customer's|real) (?i:full |first |last |real )?(?i:names?)(?: is|’s|'s| was|:) (?:(?:Mr|Mrs|Ms|Miss|Dr|Prof)\.? )?{_ONE}",
                0.8,
            ),
            (
                rf"(?<![\w])(?:I am|I'm|I’m|this is|This is|i am|i'm) (?:(?:Mr|Mrs|Ms|Miss|Dr|Prof)\.? )?{_TWO}(?=[ \t]*(?:[,.!\n]|$|and |from |calling|speaking|writing|here))",
                0.6,
            ),
            (
                rf"(?<![\w.])(?:Mr|Mrs|Ms|Miss|Mx|Dr|Prof|Professor|Doctor|Sir|Herr|Frau|Monsieur|Madame|Mme|Señor|Señora|Sra|Sr)\.?[ \t]{_ONE}",
                0.65,
            ),
            (rf"(?<![\w])Dear (?:(?:Mr|Mrs|Ms|Miss|Mx|Dr|Prof)\.? )?{_ONE}[ \t]*(?:[,:!\n]|$)", 0.7),
            (
                rf"(?<![\w])(?i:(?:best|kind|warm)(?:est)? (?:regards|wishes)|regards|sincerely|yours truly|yours faithfully|cheers|many thanks),?[ \t]*\n{{1,3}}[ \t]*{_ONE}[ \t]*(?:\n|$)",
                0.65,
            ),
            (
                rf"(?<![\w])(?i:{_ROLES})(?i: name)?[\"']{{0,1}}:?[ \t]{{1,3}}[\"']?(?:(?:Mr|Mrs|Ms|Miss|Dr|Prof)\.? )?{_TWO}",
                0.55,
            ),
            # In lower case, as people type it.
            (
                r"(?<![\w])(?i:my (?:full |first |last )?name is|my name's|my name’s) (?P<value>[a-zß-ÿ'’\-]{2,24}(?: [a-zß-ÿ'’\-]{2,24}){0,2})(?=[ \t]*(?:[.,;!?\n]|$)| and )",
                0.6,
            ),
            # Mail headers and signature lines.
            (
                rf"(?:^|\n)[ \t]*(?i:from|to|cc|bcc|judge|signed|sender|recipient):[ \t]{{1,3}}(?:(?:Mr|Mrs|Ms|Miss|Dr|Prof|Hon)\.? )?{_TWO}(?=[ \t]*(?:<|\n|$|[(,]))",
                0.6,
            ),
        ),
        validate=name,
    ),
    Spec(
        "AGE",
        (
            (r"(?<![\d\-–.])\b\d{1,3}[ \-](?:years?|yrs?|months?|weeks?)[ \-](?:of age|old)\b", 0.7),
            (r"\b\d{1,3} ?(?:y/o|y\.o\.|yo|yr old|yrs old)(?:\b|(?=\s))", 0.6),
            (
                r"(?<![\w\-])aged?[\"'*]{0,3}(?:\s{0,2}[:=]\s{0,2}[\"'*]{0,3}| is )(?P<value>\d{1,3}(?:\s(?:years?|yrs?|months?|weeks?)(?:\sold)?)?)(?![\w%]|[.,\-–/]\d)",
                0.6,
            ),
        ),
        context=("patient", "born", "birthday", "boy", "girl"),
        against=_OLD_THINGS,
        validate=age,
        ignore_case=True,
    ),
    Spec(
        "AGE",
        (
            (
                r"(?<![\w\-])(?:age|aged|age of) (?P<value>\d{1,3}(?:\s(?:years?|yrs?|months?|weeks?)(?:\sold)?)?)(?![\w%]|[.,\-–/]\d|[ ]?(?:to|or|and|-|–)\s?\d)",
                0.55,
            ),
            (
                r"\b(?:I am|I'm|I’m|he is|she is|he's|she's) (?P<value>\d{2})(?= (?:and|years?|yrs?)\b|[.,;!?](?:\s|$)|$)",
                0.5,
            ),
            (
                r"\b(?:turned|turn|turning) (?P<value>\d{1,3})(?: (?:years?|yrs?)(?: old)?)?(?= (?:today|yesterday|tomorrow|last|this|next|in|on)\b|[.,;!?](?:\s|$)|$)",
                0.5,
            ),
            (r"(?<![\d\-–.])\b\d{1,3} (?:years?|yrs?|months?)\b", 0.15),
        ),
        context=("patient", "birthday", "male", "female", "boy", "girl", "my age", "his age", "her age"),
        # An age that belongs to nobody in particular: "after age 50", "the age of 18 or older".
        against=(*_OLD_THINGS, *_EVERYBODY),
        validate=age,
        ignore_case=True,
    ),
)
