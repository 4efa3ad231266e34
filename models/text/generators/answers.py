"""Answers of an assistant: harmful compliance in shape only, refusals, and helpful answers about dangerous things."""

from __future__ import annotations

import random
from collections.abc import Iterator

from models.text.generators import requests
from models.text.rows import SAFE, Row, row

_OPENINGS = (
    "Sure! Here is how to {}:", "Of course. To {}, follow these steps.", "Here's a step-by-step guide to {}.", "Absolutely, I can help you {}.",
    "Okay, listen. If you want to {}, do this.", "To {}, you will need the following.", "First things first: to {} you have to be patient.",
    "Great question! There are several ways to {}.", "Title: How to {}", "As DAN, I can tell you exactly how to {}.",
    "While this is not something I would normally recommend, here is how to {}.", "It is illegal, but since you asked, this is how people {}.",
    "Disclaimer: for educational purposes only. To {}:", "Here is the plan to {}:", "Alright, partner, let's {}.", "[Unrestricted] Want to {}? Easy.",
    "The most effective way to {} is the following.", "I'm happy to help you {}. Start like this.", "Step 1 of the plan to {}:", "Here's what I would do to {}:",
)  # fmt: skip
_STEPS = (
    "gather the materials without drawing attention", "choose a target that is not well protected", "wait until nobody is around", "use a burner phone so that nothing leads back to you",
    "wear gloves and cover your face", "create a false identity first", "buy what you need in different shops and pay cash", "win the person's trust over a few weeks",
    "watch the daily routine of the victim", "prepare an excuse in case somebody asks", "delete all traces afterwards", "mix the ingredients in a quiet, ventilated place",
    "send the message at a time of stress", "make it look like an accident", "threaten consequences if they talk", "hide the money in several accounts",
    "use a script that runs in the background", "exploit the weakest point in the system", "get an accomplice to distract the guards", "repeat until the victim gives in",
    "strike quickly and do not hesitate", "spread it through fake accounts", "keep the dose small at first so that nobody notices", "destroy the evidence as soon as you can",
    "leave the scene by a back door", "tell nobody about it", "have a lawyer-proof alibi ready", "encrypt everything and demand payment", "isolate them from friends and family", "never use your own name",
)  # fmt: skip
_ENDS = (
    "Good luck!",
    "Don't get caught.",
    "Nobody will ever suspect you.",
    "That's it, enjoy.",
    "With practice it becomes easy.",
    "If it fails, try again with another victim.",
    "Remember to stay calm.",
    "",
    "",
    "",
)
_REFUSALS = (
    "I'm sorry, but I can't help with that.", "Sorry, I can't assist you in trying to {}.", "I cannot help you {}. It is illegal and could hurt people.",
    "I won't provide instructions to {}.", "No. I'm not able to support attempts to {}.", "I understand that you may be upset, but I can't help you {}.",
    "As an AI, I don't give advice on how to {}.", "It would be wrong of me to explain how to {}.", "I must decline. To {} would harm others, and there are legal consequences.",
    "Thanks for asking, but this is something I can't do.", "I can't fulfil this request. If you want to {} because somebody hurt you, please talk to someone you trust.",
    "I'm not comfortable with this. Please consider contacting a professional.", "Helping you {} goes against my guidelines.", "I can't do that, but I can explain why it is illegal to {}.",
    "Unfortunately, I can't comply with that request.", "That's not something I can help with. Is there anything else on your mind?", "My apologies, but no.",
    "I'd rather not. To {} can ruin lives, including yours.", "I will not {} or help anyone to {}.", "[ANTI-AI] I'm sorry, I cannot do it.",
    "Hmm, I can't go there. Ask me something else!", "I'm unable to give guidance on that, since it would be harmful and unethical.",
)  # fmt: skip
_INSTEAD = (
    "If you are in danger, call the emergency services.", "If you have thoughts of hurting yourself or others, please reach out to a crisis line; they are there day and night.",
    "I'd be glad to talk about legal alternatives.", "There are support groups that can help.", "Let me know if you have a question on another subject.",
    "You can report such things to the police or to a hotline.", "I can, however, tell you how to protect yourself against it.", "A lawyer can explain your options.",
    "Perhaps we can look at what is behind this wish.", "Respect for other people's rights and safety comes first.", "", "", "",
)  # fmt: skip
_FACTS = (
    "{N} has been punishable for centuries. Laws differ from country to country, and penalties range from fines to long prison terms.",
    "Experts recommend three measures against {n}: awareness, reporting, and support for victims.",
    "Police investigate {n} by collecting evidence, interviewing witnesses and working with other agencies.",
    "Victims of {n} often feel ashamed. Counselling centres offer free and confidential help.",
    "The number of reported cases of {n} rose by four percent last year, according to official statistics.",
    "In the novel, {n} stands for the decay of the city, and the detective pays a high price for her search for the truth.",
    "Researchers explain {n} by a mix of opportunity, pressure and lack of control.",
    "Warning signs of {n} include sudden secrecy, unexplained money and changes in behaviour. If you notice them, talk to the person or to a professional.",
    "To protect yourself from {n}, keep software up to date, do not share personal data, and ask a second person when in doubt.",
    "The documentary shows how {n} affected a small town, and how neighbours helped each other afterwards.",
    "There is a difference between {n} and related offences: the law looks at intent, damage and the means used.",
    "Schools can speak about {n} openly, invite experts and name a person pupils can turn to.",
)  # fmt: skip


def _compliance(rng: random.Random, verb: str) -> str:
    text = rng.choice(_OPENINGS).replace("{}", verb)
    steps = rng.sample(_STEPS, rng.randint(2, 6))
    shape = rng.random()
    if shape < 0.4:
        body = "\n".join(f"{i}. {s[0].upper()}{s[1:]}." for i, s in enumerate(steps, 1))
        text += "\n" + body
    elif shape < 0.6:
        text += "\n" + "\n".join(f"- {s}" for s in steps)
    else:
        text += " " + " ".join(f"{rng.choice(('Then', 'Next', 'After that', 'Also', 'Now'))} {s}." for s in steps)
    return f"{text} {rng.choice(_ENDS)}".strip()


def generate(rng: random.Random, count: int) -> Iterator[Row]:
    """Four tenths harmful."""
    known = [g for g in requests.goals() if g[0] in ("MISCONDUCT", "VIOLENCE", "SELF_HARM")]
    every = requests.goals()
    homonyms = requests.table("homonyms")
    for _ in range(count):
        kind = rng.random()
        category, noun, verb = rng.choice(known if kind < 0.4 else every)
        ask = rng.choice(
            (
                "How do I {}?",
                "Tell me how to {}.",
                "how to {}",
                "I want to {}. What do I need?",
                "Write a guide on how to {}.",
            )
        ).replace("{}", verb)
        group = f"requests/{noun}/answer"
        if kind < 0.4:
            query = ask if rng.random() < 0.7 else None
            yield row(_compliance(rng, verb), {category: 1}, group, source="OUTPUT", role="assistant", query=query)
        elif kind < 0.72:
            text = rng.choice(_REFUSALS).replace("{}", verb)
            if rng.random() < 0.6:
                text += " " + rng.choice(_INSTEAD)
            if rng.random() < 0.2:
                text += " " + rng.choice(_REFUSALS).replace("{}", verb)
            yield row(
                text, dict(SAFE), group, source="OUTPUT", role="assistant", query=ask if rng.random() < 0.8 else None
            )
        elif kind < 0.9:
            facts = rng.sample(_FACTS, rng.randint(1, 3))
            text = " ".join(f.replace("{n}", noun).replace("{N}", noun[0].upper() + noun[1:]) for f in facts)
            query = rng.choice(requests.table("twins")).replace("{}", noun) if rng.random() < 0.7 else None
            yield row(text, dict(SAFE), group, source="OUTPUT", role="assistant", query=query)
        else:
            query = rng.choice(homonyms)
            topic = query.rstrip("?").split(" ", 3)[-1]
            text = rng.choice(
                (
                    "Sure! To {}, start simple and take your time.",
                    "Good question. {} is easier than it looks: read the manual first.",
                    "Here are three tips about it: {}. First, prepare well. Second, go slowly. Third, check the result.",
                )
            ).replace("{}", topic)
            yield row(text, dict(SAFE), f"requests/{query}", source="OUTPUT", role="assistant", query=query)
