"""Small talk: what people say to an assistant whatever it is there for, and what answers its questions.

Greetings, thanks, "what can you do?", yes and no, numbers, "why?", "and tomorrow?", "I'm sorry, I can't help with that". A message is
small talk when every word of it is: one that names a subject is about that subject.
"""

from __future__ import annotations

import re

__all__ = ["small_talk"]

# Words and characters of a message that can still be small talk.
_WORDS, _LONGEST = 60, 400
_TOKEN = re.compile(r"\S*[\d@]\S*|[^\W\d_]+(?:['’][^\W\d_]+)*")
_LETTER = re.compile(r"[^\W\d_]")

_SAID = frozenset(
    # greetings, thanks, goodbyes
    "hi hello hey hiya heya howdy yo sup greetings welcome morning afternoon evening night day weekend good great"
    " nice lovely thanks thank thx ty tysm cheers appreciated appreciate grateful please pls plz sorry apologies"
    " apologize excuse pardon bye goodbye cya later see care meet meeting met pleased hope wish wishes happy luck"
    " enjoy rest yes yeah yep yup yea ya sure ok okay okey kk k alright right fine perfect awesome cool excellent"
    " amazing wonderful brilliant super no nope nah not never none neither correct wrong true false exactly absolutely"
    " definitely certainly indeed maybe perhaps possibly probably unsure lol haha hahaha hehe hmm hm um uh er oh ah"
    " aha wow ouch oops bad better best worse worst useful helpful useless clear unclear confused confusing understood"
    " understand got gotcha makes sense love loved like liked likes dislike hate wonderful annoying frustrated"
    " frustrating satisfied unhappy disappointed i me my mine myself you u ur your yours yourself we us our ours they"
    " them their it its he she him her one ones someone anyone somebody anybody everyone everybody people person human"
    " agent bot robot machine assistant ai chatbot model real name named called call calls who whom whose what whats"
    " when where why how which whether so then and or but if because cause cos since though although however also too"
    " again more less another other others else next previous last first second third former latter same different"
    " this that these those here there now today tomorrow tonight yesterday soon once twice already yet still always"
    " often sometimes week month year hour minute moment time times monday tuesday wednesday thursday friday saturday"
    " sunday january february march april may june july august september october november december help helps helping"
    " assist assistance support question questions answer answers ask asking asked reply response respond message tell"
    " say says said saying speak talk talking chat explain explained explanation repeat rephrase summarize summarise"
    " shorten elaborate clarify continue go going gone come start started begin stop stopped wait waiting hold try"
    " trying tried retry show list give gives given get gets do does did done doing can could will would shall should"
    " must might able capable ability abilities skills features functions topics subjects things thing stuff something"
    " anything nothing everything way ways be am is are was were been being have has had having need needs want wants"
    " wanted know knows knew think thinks thought mean means meant guess believe remember forget forgot check look"
    " looking find found sound sounds work works working use using used let lets make made take put keep leave provide"
    " provided contact connect transfer reach detail details detailed example examples instance information info step"
    " steps point points part option options choice version short shorter long longer simple simpler simply brief"
    " briefly quick quickly slow slowly easy easier hard new old please unable cannot available unavailable possible"
    " impossible related regarding concerning request requests the a an of to in on at by for from with without about"
    " into over under after before up down out off as than per via just only even very really quite much many lot lots"
    " few little bit some any all every each both most enough back forward instead ahead word words sentence sentences"
    " maybe actually basically honestly anyway well fast i'm i'd i've i'll im ive ill id you're you've you'll you'd"
    " youre we're we've we'll they're it's it'll that's that'll there's here's what's who's where's how's when's why's"
    " let's don't dont doesn't doesnt didn't didnt can't cant couldn't couldnt won't wont wouldn't isn't isnt aren't"
    " arent wasn't weren't haven't hasn't hadn't shouldn't mustn't gonna wanna gotta y'all c'mon zero one two three"
    " four five six seven eight nine ten eleven twelve hundred thousand half single double number numbers".split()
)
_NAMED = re.compile(
    r"(?:my (?:\w+ )?name(?:'s| is)|call me|this is|i'?m|i am|it'?s)\s+\S+(?:\s+\S+)?\s*[.!]*", re.IGNORECASE
)


def small_talk(text: str) -> bool:
    """True for a message that is about nothing in particular; also a single word, a value with digits, and a name that is told."""
    if len(text) > _LONGEST:
        return False
    words = _TOKEN.findall(text)
    if len(words) > _WORDS:
        return False
    if len(words) <= 1 or not _LETTER.search(text):
        return True
    if _NAMED.fullmatch(text.strip()) and any(w[:1].isupper() for w in words[1:] if w.lower() not in _SAID):
        return True
    return all(w.lower().replace("’", "'") in _SAID or any(c.isdigit() or c == "@" for c in w) for w in words)
