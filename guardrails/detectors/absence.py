"""Claims that the sources do not say something: right exactly where they do not. English phrases."""

from __future__ import annotations

import math
import re

from guardrails.detectors.facts.source import Sources
from guardrails.detectors.facts.words import words

__all__ = ["absent"]

_DOCUMENT = r"(?:documents?|documentation|sources?|texts?|context|passages?|articles?|pages?|polic(?:y|ies)|rules|guides?|manuals?|leaflets?|contracts?|notes?|letters?|reports?|notices?|lists?|faqs?|information|materials?|excerpts?|transcripts?|chats?|emails?|terms|agreements?|announcements?|handbooks?|instructions|sections?|records?|data|file|website|site|release notes|brochures?)"
_NOT = r"(?:does|do|did)(?: not|n['’]t)"
_PATTERNS = (
    re.compile(
        rf"\b{_NOT} (?:actually |explicitly |specifically |really |anywhere )?(?:say|mention|state|specify|tell|address|discuss|indicate|name|reveal|explain|describe|define|clarify|disclose|refer)\b",
        re.IGNORECASE,
    ),
    re.compile(
        rf"\b{_DOCUMENT}\b[^.,;]{{0,40}}\b{_NOT} (?:actually |explicitly |specifically )?(?:cover|include|contain|give|list|provide|have|offer|go into|answer|show)\b",
        re.IGNORECASE,
    ),
    re.compile(
        r"\b(?:says?|said|states?) (?:nothing|anything)\b|\bno (?:mention|information|details?|word|statement|indication|reference)\b|\bnothing (?:is )?(?:said|stated|mentioned|about)\b",
        re.IGNORECASE,
    ),
    re.compile(
        r"\b(?:is|are|was|were)(?: not|n['’]t) (?:explicitly |specifically |anywhere )?(?:mentioned|stated|specified|said|given in|listed in|covered (?:in|by) the|addressed|discussed|described|indicated|named in|clear from|disclosed|known from)\b",
        re.IGNORECASE,
    ),
    re.compile(
        rf"\b(?:silent|unclear|not clear) (?:on|about|from)\b|\bcannot be (?:determined|found|answered|told)\b|\b(?:can['’]?t|cannot|can not) (?:be )?(?:say|tell|find|determine)\b[^.;]{{0,60}}\b(?:from|in) (?:the|this|these) {_DOCUMENT}",
        re.IGNORECASE,
    ),
)
_SAYING = frozenset(
    "mention mentions say says said state states specif specify specifi inform document documents guid rul manual text sourc contract policy pag notic letter report giv given includ include cover"
    " anything nothing tell discuss address indicat detail provid contain list explicit leaflet articl context passag statement not not answer question".split()
)
# At this share of words in one sentence of the sources it is as likely as not that they say it.
_EVEN, _STEEP = 0.58, 5.0


def absent(claim: str, sources: Sources, question: str = "") -> float | None:
    """The probability that a claim of absence is right; None where the claim is none.

    It falls with the share of the words of the claim, and of the question, that one sentence of the sources has.
    """
    if not any(p.search(claim) for p in _PATTERNS):
        return None
    shares = [_share({str(w) for w in words(text) if str(w) not in _SAYING}, sources) for text in (claim, question)]
    known = [s for s in shares if s is not None]
    if not known:
        return 0.5
    said = (max(known) + sum(known) / len(known)) / 2
    return 1 / (1 + math.exp(_STEEP * (said - _EVEN)))


def _share(stems: set[str], sources: Sources) -> float | None:
    """The largest share, by weight, that one sentence has."""
    if not stems:
        return None
    weights = {w: sources.weight(w) for w in stems}
    top = max((sources.weight(w) for w in sources.stems), default=1.0) or 1.0
    whole = sum(x or top for x in weights.values())
    best, seen = 0.0, set()
    for w in weights:
        for clause in sources.places(w)[:60]:
            unit = sources.sentence(clause)
            if unit not in seen:
                seen.add(unit)
                best = max(best, sum(x for s, x in weights.items() if sources.has(s, *unit)))
    return best / whole if whole else 0.0
