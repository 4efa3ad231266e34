"""Which sentences of an answer claim something: a greeting, an offer of help or "I don't know" needs no source.

English phrases only; what is not recognised counts as a claim and is compared with the sources.
"""

from __future__ import annotations

import re

from guardrails.detectors.phrases import plain

__all__ = ["claims", "courtesy"]

_DONE = r"(?:question|request|query|message|patience|understanding|asking|your (?:time|interest|message|question|patience|help)|reaching out|contacting (?:us|me)|letting (?:me|us) know|the (?:question|details|information|clarification))"
_HELP = r"(?:help|assist(?:ance)?|support|questions?|anything(?: else)?|more|further|details?|clarif\w+|explain|concerns?|hear|know|reach out|ask|contact|chat|touch|start(?:ed)?|look (?:it|that|this) up)"
# A word of a courtesy; these would join a claim to it.
_REST = r"(?!and\b|because\b|since\b|as\b|which\b|but\b|then\b)\w+"
_SAID = (
    # Greetings, thanks, small talk.
    r"(?:hi|hello|hey|good (?:morning|afternoon|evening|day)|dear|greetings|welcome(?: back)?)(?: (?:there|again|everyone|all|sir|madam|customer|mr|mrs|ms|dr|\w+)){0,3}",
    rf"(?:and )?(?:thanks?|thank you|many thanks)(?: (?:so|very) much| a lot| again)?(?: for (?:{_DONE}|\w+ing|your (?:\w+ )?(?:enquiry|inquiry|email|e mail|note|call|visit|order|feedback))(?: \w+){{0,6}})?",
    r"(?:(?:that(?: i|')?s|what|this is|it(?: i|')?s) )?(?:an? )?(?:great|good|excellent|interesting|fair|valid|important|very good|really good) (?:question|point|choice|idea)(?: to ask)?",
    r"(?:sure|certainly|of course|absolutely|gladly|no problem|happy to (?:help|assist)|glad you asked|with pleasure|great|okay|ok|alright|got it|understood|perfect|i see|i understand(?: (?:your|the) (?:concern|frustration|question|situation)s?)?)(?: (?:thing|then|i can help(?: you)?(?: with (?:that|this))?|let me help(?: you)?(?: with (?:that|this))?))?",
    r"(?:you are|youre|you re) (?:very |most )?welcome",
    r"have (?:fun|(?:a|your) (?:\w+ )?(?:day|evening|night|weekend|week|one|trip|journey|flight|stay|visit|meal|holiday|time|start|summer|winter))(?: ahead| there| with us)?",
    r"(?:please )?enjoy(?: (?:the|your|a|it|looking for|\w+ing)(?: (?!free|discount|reduced)\w+){0,3})?",
    r"(?:and |please )?(?:get well|stay (?:safe|well|healthy|warm|in touch|tuned)|sleep well|travel safely|drive safely|keep well)(?: (?:soon|out there|everyone|all))*",
    r"(?:safe (?:travels?|journey|trip|flight)|happy \w+ing|good luck(?: (?:with|on|at|for)(?: \w+){1,6})?|congratulations(?: (?:on|to)(?: \w+){1,6})?|fingers crossed)",
    r"(?:(?:i am|im|i m|we are|we re|it is|it s|its|that is|that s|ill be|i ll be|we ll be|well be|we will be|i will be) )?(?:so |very |always |only too )?(?:good|great|nice|lovely|glad|pleased|happy|delighted) (?:to (?:hear|see|ask|meet|help|assist|explain|check|tell|sum|clarify|look|answer|advise|welcome|chat)|that you (?:are|re)|you (?:asked|wrote|like|enjoy))\b(?: (?!and\b|because\b|since\b|which\b|but\b|then\b|that\b(?! for\b|$))\w+){0,7}",
    r"(?:(?:i am|im|i m|we are|we re) )?(?:so |very |really )?sorry (?:to (?:hear|see|learn)|about (?:that|this|it))(?: (?!and\b|but\b|because\b)\w+){0,6}",
    r"(?:we |i )?(?:are |am )?look(?:ing)? forward to(?: (?!and\b|but\b)\w+){0,8}",
    r"(?:no need to|do not|dont|don t|not to|no) worr(?:y|ies)(?: about (?:it|that|this)| at all)?",
    r"what an? \w+(?: \w+)?",
    r"(?:best|kind|warm)(?: wishes| regards)?|(?:yours )?sincerely|regards|cheers|take care|goodbye|bye|see you(?: \w+){0,3}|all the best",
    r"(?:(?:i|we) )?(?:hope|trust) (?:(?:this|that|it)(?: (?:information|answer))? (?:helps|answers your question|clarifies (?:things|it|that)|makes sense|(?:is|s|was) (?:helpful|useful|clear|what you|all|of help))|to (?:see|hear from|welcome|meet) you|you (?:find|like|enjoy|have)|all is|(?:that|this) clears)\b(?: \w+){0,6}",
    # Offers of help.
    rf"(?:please |do |and )*(?:let (?:me|us) know|(?<=do )(?:ask|write|call)|feel free|do not hesitate|dont hesitate|don t hesitate|reach out|get in touch|just ask|contact (?:us|me|support|our (?:support|team|hotline|service desk|customer service)(?: team)?))\b(?: {_REST}| as well){{0,16}}",
    r"(?:is|was) there (?:anything|something)(?: else| more)?(?: \w+){0,10}",
    rf"(?:if|should|in case) you (?:have|need|want|would like|require|d like|are unsure)\b(?: \w+){{0,8}} {_HELP}\b(?: {_REST}){{0,14}}",
    r"(?:i am|im|i m|we are|were|we re|i would be|id be|i d be|ill be|i ll be|i will be|always) (?:always |more than |only too )?(?:happy|glad|here|available|ready|delighted|pleased) to (?:help|assist|answer|explain|clarify|hear)\b(?: \w+){0,10}",
    r"(?:i am|im|i m|we are|were|we re) (?:always )?here (?:for you|if you need (?:me|us|anything)|to help)(?: \w+){0,6}",
    r"(?:would you like|do you want|shall i|should i|can i|may i|could you|can you|how can i|how may i|what else can i|what can i)\b(?: \w+){0,24}",
    r"(?:i can|i could|i will|ill|i ll|let me) (?:also |gladly |happily )?(?:help|assist|walk|guide|look|check|explain|clarify|summari[sz]e|go over|take a look|show)\b(?: (?:you|with|that|this|it|into|for|through|the|a|moment|here|again|if|like|more|further|on|at|what|i|can|do|find|details?|question|steps?|information|documents?|sources?|context|provided|below|above|in|of|to)){0,14}",
    # Not knowing.
    rf"(?:i am |im |i m |we are )?(?:sorry|afraid|unfortunately)(?: but)?(?: (?:i|we) (?:do not|dont|don t|cannot|cant|can t|could not|couldnt|couldn t|am unable to|am not able to|was unable to|are unable to) (?:know|have (?:that|this|the|any|an|enough|access|information)|find|say|answer|tell|help|see|locate|confirm)\b(?: {_REST}){{0,18}})?(?: for (?:the|any) (?:inconvenience|confusion|trouble|delay)(?: \w+){{0,4}})?",
    r"(?:unfortunately )?(?:i|we) (?:really |simply |currently )?(?:do not|dont|don t) (?:know|have|see|find)\b(?: (?:that|the|this|any|an|a|enough|access|answer|information|details?|data|to|about|on|for|it|in|my|our|your|sources?|documents?|context|specific|such|further|more|provided|given|available|sure|here|right|now|question|knowledge|record|records|mention)){0,18}",
    r"(?:unfortunately )?(?:i|we) (?:cannot|cant|can t|could not|couldnt|couldn t|was not able to|am not able to|am unable to|was unable to|are unable to) (?:find|say|answer|tell|determine|confirm|help|locate|verify|see|provide|give|share|access|comment)\b(?: (?:that|the|this|any|an|a|answer|information|details?|data|to|about|on|for|it|in|my|our|your|you|with|from|sources?|documents?|context|specific|such|further|more|provided|given|available|here|question|whether|if|anything|mention|of|certainty|advice|recommendation|based|what|i|have|at|moment)){0,24}",
    r"(?:i am|im|i m) not (?:sure|certain|aware)\b(?: (?:about|of|that|this|it|any|the|if|whether|answer|information|details?|on|i|can|could|have|enough|to|say|sorry)){0,12}",
    r"that(?: information| detail| question)? (?:is not|isnt|isn t) (?:something i|in (?:my|our|the)|covered|available|included|mentioned|part of)\b(?: (?:know|can|could|answer|have|see|find|sources?|documents?|context|information|here|for|me|to|by|in|my|our|the|provided|given|available|help|with|share|say|i|we|was|am)){0,12}",
    r"no idea|not sure|i have no idea|i have no (?:further )?information(?: (?:about|on) (?:that|this|it))?",
    # Headings and leads of a list.
    r"(?:here|below) (?:is|are|s|you (?:will )?find|you go)\b(?: (?:what|how|the|a|an|some|all|steps?|details?|information|answer|overview|summary|list|options?|to|do|you|can|i|found|need|it|that|this|works?|short|brief|quick|main|key|points?|of|in|from|your|our|about|on|for|follow|relevant|facts?)){0,16}",
    r"(?:in short|in summary|to (?:sum up|summari[sz]e)|briefly|in a nutshell|as follows|the (?:steps?|details?|answer|options?) (?:is|are)(?: as follows| below)?|follow these steps|do the following|note|important|summary|answer|steps?|details?|sources?)",
    r"(?:based on|according to|from|per|looking at) (?:the|your|our|my|what|this|these|those)? ?(?:provided |given |available |above )?(?:documents?|sources?|context|information|text|policy|page|article|documentation|records?|materials?|i (?:see|have|found))(?: (?:provided|given|above|you (?:gave|sent|shared|provided)|i have|here))?",
)
_NO_CLAIM = re.compile("|".join(f"(?:{p})" for p in _SAID))
# Such openings may stand before a claim in the same sentence.
_LEAD = re.compile(
    r"^(?:(?:great|good|interesting|excellent|nice|fair) (?:question|point|choice|idea|news|moment)|thanks for asking|thank you for (?:asking|your question)|sure|certainly|of course|absolutely|hi|hello)\s*[,!.:–-]+\s*",
    re.IGNORECASE,
)
# What "I don't know" turns into a claim about the source.
_SAYS_NOT = re.compile(
    r"\b(?:does|do|did)(?: not|n't|n’t) (?:say|mention|state|specify|cover|include|contain|give|list)\b", re.IGNORECASE
)
_MARKUP = re.compile(r"^[\s#>*_`|\-–•]+|[\s*_`|]+$")
_NUMBER = re.compile(r"\d")
# An exclamation of up to three words that says nothing of anything.
_SHOUT = re.compile(
    r"(?!.*\b(?:is|are|was|were|be|it|its|they|you|we|he|she|yes|no|not|never|none|nothing|free|all|every|both|any|can|cannot|may|must|will|do|does|did|has|have|had|only|always|closed|open|included|allowed|\w+n['’]t)\b)"
    r"[^\W\d]+(?:[ ,]+[^\W\d]+){0,2}!+$",
    re.IGNORECASE,
)
_HEADING = re.compile(r"^\s*(?:#{1,6}\s.*|\*\*[^*\n]{1,60}\*\*:?|[^.!?\n]{1,60}:)\s*$")


def claims(text: str, ranges: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Those half-open ranges of ``text`` that claim something about the world; a courtesy before a claim is cut off it.

    Greetings, thanks, closings, offers of help, questions back, "I don't know" and headings claim nothing. A sentence with a number is
    always a claim, except a question.
    """
    out = []
    for start, end in ranges:
        said = text[start:end]
        if said.rstrip("\"'”’) *_").endswith("?"):
            continue
        lead = _LEAD.match(said)
        if lead and len(said) - lead.end() > 8:
            said = said[lead.end() :]
        words = plain(_MARKUP.sub("", said))
        if not words:
            continue
        if not _NUMBER.search(said) and (_NO_CLAIM.fullmatch(words) or _HEADING.match(said)):
            continue
        if not _NUMBER.search(said) and _all_courtesy(said):
            continue
        out.append((end - len(said), end))
    # "Clear skies!" beside what does claim something.
    return [one for one in out if not _SHOUT.match(text[one[0] : one[1]])] or out


def courtesy(said: str) -> bool:
    """True where the whole of a sentence or heading claims nothing: "Here are the steps:", "Summary"."""
    return bool(_NO_CLAIM.fullmatch(plain(_MARKUP.sub("", said)))) or _all_courtesy(said)


def _all_courtesy(said: str) -> bool:
    """True where every part of a sentence, between commas and dashes, claims nothing."""
    if _SAYS_NOT.search(said):
        return False
    parts = [plain(p) for p in re.split(r"[,;:!–—]|\.\s|\s-\s|\s(?:but|and|so)\s", said)]
    parts = [p for p in parts if p]
    return bool(parts) and all(_NO_CLAIM.fullmatch(p) for p in parts)
