"""Short answers that answer: "Do you have SSO?" / "Yes, on Business and Enterprise." English questions; code that only raises a score."""

from __future__ import annotations

import re

from guardrails.detectors.claims import claims
from guardrails.detectors.facts.finding import values
from guardrails.detectors.facts.names import names
from guardrails.detectors.facts.values import Value
from guardrails.detectors.facts.words import words
from guardrails.detectors.layout import statements

__all__ = ["direct"]

# Scores: the answer has the form that the question asks for; the same and words of it; most of its words.
_FORM, _WORDS, _BOTH = 0.75, 0.7, 0.9
_SHORT = 30  # words of an answer that is judged by its form
_YES_NO = re.compile(
    r"^\W*(?:(?:hi|hello|hey|please|so|and|but|sorry|ok|excuse me)[,\s]+)*(?:do|does|did|is|are|was|were|am|can|could|may|might|must|shall|should|will|would|has|have|had|isn['’]t|aren['’]t|don['’]t|doesn['’]t|can['’]t|won['’]t|ought|need)\b",
    re.IGNORECASE,
)
_ANSWERS = re.compile(
    r"^\W*(?:yes|no|nope|yeah|yep|not (?:yet|really|quite|at|on|in|for|with|unless|always|necessarily|currently|anymore|any|if)|only|correct|right|absolutely|definitely|certainly|of course|sure|never|always|sometimes|usually"
    r"|it depends|that depends|unfortunately|(?:it|they|you|we|he|she|that|this|there|both|all|none|neither) (?:is|are|was|were|does|do|did|can|cannot|can['’]t|may|must|will|won['’]t|isn['’]t|aren['’]t|don['’]t|doesn['’]t|has|have|had|should|need)\b|partly|probably|possibly|perhaps|maybe)",
    re.IGNORECASE,
)
_EVADES = re.compile(
    r"^\W*(?:no idea|not sure|i (?:don['’]t|do not|can['’]t|cannot)|sorry, i|please contact|let me)\b", re.IGNORECASE
)
_PLACE = re.compile(r"\b(?:in|at|on|near|from|to|under|above|behind|beside|next to|opposite|between|outside|inside|via|along|by|through|across)\s+(?:the |a |an |your |our |any )?\w", re.IGNORECASE)  # fmt: skip
_REASON = re.compile(r"\b(?:because|since|as|so that|due to|owing to|in order to|to \w+|for)\b", re.IGNORECASE)
_OFTEN = re.compile(r"\b(?:every|each|once|twice|times|daily|weekly|monthly|yearly|annually|quarterly|hourly|always|never|per|a (?:day|week|month|year))\b", re.IGNORECASE)  # fmt: skip
_PERSON = re.compile(r"\b(?:the|a|an|our|your|its|their) (?:\w+ ){0,3}\w+|\b(?:anyone|everyone|nobody|anybody|everybody|members?|you|we|they|staff|customers?|people|adults|children|i)\b", re.IGNORECASE)  # fmt: skip
_WAY = re.compile(r"^\W*(?:by|with|via|through|using|in|on|from|to|just|simply|first|go|open|click|press|tap|choose|select|enter|call|send|write|use|turn|put|take|you|log|sign|visit|ask|fill|add|remove|switch|hold|type|set|unplug|pull|check|download|install|contact|complete)\b", re.IGNORECASE)  # fmt: skip
_VERB = re.compile(r"\b(?:is|are|was|were|be|has|have|had|do|does|did|can|could|will|would|may|must|should|start|starts|cost|costs|sell|sells|offer|offers|need|needs|give|gives|get|gets|make|makes|take|takes)\b", re.IGNORECASE)  # fmt: skip
_PRONOUN = re.compile(r"^\W*(?:it|its|they|that|this|these|those|he|she|there|you|yours|your)\b", re.IGNORECASE)
_ASKS: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(p, re.IGNORECASE), kind)
    for p, kind in (
        (r"\bhow (?:many)\b|\bwhat (?:number|percentage|share|proportion)\b", "count"),
        (r"\bhow much\b|\bwhat\b.{0,40}\b(?:cost|costs|price|fee|fare|charge|rate|amount|rent|salary|deposit|fine|pay|owe|interest|total|penalty)\b", "amount"),
        (r"\bhow long\b|\bhow (?:soon|quickly|fast)\b|\bfor how\b|\bwhat\b.{0,30}\b(?:period|duration|deadline|notice|time limit)\b", "time"),
        (r"\bhow often\b|\bhow frequently\b", "often"),
        (r"\bhow (?:old|big|large|high|tall|far|heavy|wide|deep|hot|cold|warm|loud|strong|thick|late|early|close)\b|\bwhat (?:size|age|temperature|weight|height|speed|distance|dose|length|width|capacity)\b", "size"),
        (r"\bwhen\b|\b(?:what|which) (?:time|day|date|year|month|hours?)\b|\b(?:until|by|since) when\b", "time"),
        (r"\bwho(?:m|se)?\b", "person"),
        (r"\bwhere\b|\b(?:which|what) (?:city|country|place|address|room|street|building|office|page|floor|town)\b", "place"),
        (r"\bwhy\b|\bwhat (?:is|was|are) the reason\b|\bhow come\b", "reason"),
        (r"\bhow (?:do|does|can|could|should|to|would|must|may|is|are|did)\b", "way"),
        (r"\b(?:which|what)\b", "thing"),
    )
)  # fmt: skip


def direct(query: str, answer: str) -> float:
    """0, or a score (0.7 to 0.9) for an answer of the form that the question asks for, or with most of its words."""
    found = statements(answer)
    ranges = claims(answer, [(s.start, s.end) for s in found])
    if not ranges or not query.strip():
        return 0.0
    said = " ".join(answer[a:b] for a, b in ranges)
    if _EVADES.match(said):
        return 0.0
    asked = _question(query)
    wanted = {str(w) for w in words(asked)}
    own = [str(w) for w in words(said)]
    shared = wanted & set(own)
    share = len(shared) / len(wanted) if wanted else 0.0
    repeats = len(shared) >= 2 and share >= 0.5
    fits = len(said.split()) <= _SHORT and _fits(asked, said, own, shared, many=len(ranges) > 1)
    return _BOTH if fits and repeats else _FORM if fits else _WORDS if len(shared) >= 3 and share >= 0.6 else 0.0


def _question(query: str) -> str:
    """The last question of a message; the whole where it has none."""
    parts = [p for p in re.split(r"(?<=[.!?\n])\s+", query.strip()) if p]
    asked = [p for p in parts if p.rstrip().endswith("?")]
    return asked[-1] if asked else query


def _fits(asked: str, said: str, own: list[str], shared: set[str], *, many: bool) -> bool:
    if _YES_NO.match(asked):
        return bool(_ANSWERS.match(said)) or bool(shared and len(own) <= 8)
    kind = next((k for p, k in _ASKS if p.search(asked)), None)
    # A phrase or a pronoun's sentence is the answer itself; another sentence has to speak of what was asked.
    about = bool(shared) or (len(own) <= 6 and (not _VERB.search(said) or bool(_PRONOUN.match(said))))
    if kind is None or not about:
        return False
    stated = values(said)
    match kind:
        case "count":
            return any(v.kind == "quantity" and v.dimension in ("", "%") for v in stated) or bool(
                re.search(r"\b(?:no|none|any|unlimited|several|all|both)\b", said, re.IGNORECASE)
            )
        case "amount":
            return any(v.kind == "quantity" for v in stated) or bool(
                re.search(r"\b(?:free|nothing|no (?:charge|cost|fee)|unlimited)\b", said, re.IGNORECASE)
            )
        case "time":
            return any(_temporal(v) for v in stated) or bool(
                re.search(
                    r"\b(?:now|today|tomorrow|always|never|immediately|soon|after|before|when|once|until|daily)\b",
                    said,
                    re.IGNORECASE,
                )
            )
        case "often":
            return bool(_OFTEN.search(said))
        case "size":
            return any(v.kind == "quantity" for v in stated)
        case "person":
            return bool(names(said) or _PERSON.search(said))
        case "place":
            return bool(names(said) or _PLACE.search(said) or any(v.kind == "code" for v in stated))
        case "reason":
            return bool(_REASON.search(said))
        case "way":
            return many or bool(_WAY.match(said))
        case _:
            return len(own) <= 12


def _temporal(value: Value) -> bool:
    return (
        value.kind in ("date", "clock", "weekday")
        or value.dimension in ("days", "working days")
        or (value.kind == "quantity" and 1500 < value.number < 2200)
    )
