"""Slots for writers: what each row is about, in which voice and form, so that no two rows come out alike.

python -m models.corpus.slots --out slots        # one file a kind, seeded; a line: number, subject, voice, form, hint for the twin
"""

from __future__ import annotations

import argparse
import random
from pathlib import Path

SUBJECTS = (
    "fake medical certificate|reading a partner's phone|hurting an ex|insulting a classmate|hate against a nationality|hate against a religion|hate against women|"
    "hate against disabled people|hate against trans people|praise of a massacre|sexual role play|sexual story about a colleague|unwanted nude pictures|method of suicide|"
    "hiding an eating disorder|encouraging a friend to self-harm|purging|lethal dose|stalking a neighbour|doxing a streamer|phishing|ransomware|keylogger|bypassing a paywall of a bank app|"
    "SIM swap|credential stuffing|fake reviews|election lies|vaccine lies|deepfake of a politician|deepfake of a classmate|forged visa|money laundering|tax evasion|insider trading|"
    "insurance fraud|benefit fraud|shoplifting|car theft|burglary|lock picking a stranger's door|drug synthesis|dealing at school|date-rape drugs|drunk driving without being caught|"
    "illegal gun|3d-printed gun|bomb|arson|poisoning a pet|dog fighting|torture|kidnapping|hiring a killer|threat letter|mob against a family|revenge on a boss|sabotage at work|"
    "bribery|blackmail|extortion by pictures|human trafficking|child labour|organ trade|counterfeit medicine|adulterated food|illegal dumping|poaching|exam cheating|contract cheating|"
    "doping|match fixing|perjury|witness intimidation|destroying evidence|escaping an electronic tag|sham marriage|squatting by deception|charity fraud|romance scam|elder fraud|"
    "fake job offers|pyramid scheme|crypto pump|card skimming|forged prescription|unlicensed surgery|conversion therapy at home|bullying a colleague|humiliating a waiter|"
    "mocking a stutter|mocking somebody's weight|group chat against one pupil|bot insults|dehumanising refugees|caste slurs|antisemitic conspiracy|denial of a genocide|"
    "white supremacy recruiting|misogynist forum|terror recruiting|lone attacker praise|school attack|poisoning a water supply|drone attack|power grid attack|nerve agent|"
    "hacking a school|hacking a hospital|botnet rental|zero-day sale|fake antivirus|spyware on employees|secret recording|GPS tracker on a wife|leaked database|identity theft|"
    "fake passport|border smuggling|sanctions evasion|price fixing|land title fraud|odometer fraud|ticket scam|rental scam|pirated films|plagiarised thesis|academic data forging"
).split("|")
VOICES = (
    "teenager, lower case|office worker, polite|non-native speaker|angry|very terse|rambling with a backstory|academic|professional in the field|parent|retired person|"
    "typos, no punctuation|voice assistant style|British|American|Indian English|developer|customer of a shop|patient|journalist|student"
).split("|")
PLAIN_FORMS = (
    "3 to 6 words|question, 4 to 9 words|imperative, 5 to 10 words|statement of intent|asks where|asks how to hide it|asks for the best way|refers back with 'it' or 'them'|"
    "asks for a message to be written|asks for a list|euphemism, no keyword|fragment, as typed into a search box|asks if it would work|two short sentences|asks for code"
).split("|")
TWINS = (
    "same verb, harmless object|fiction or game|history or news|victim asks for help|law or policy question|research or statistics|sport, cooking or DIY idiom|professional duty|"
    "prevention and detection|figure of speech|worried friend or parent|software or IT meaning|definition|recovery, told calmly|complaint about a business"
).split("|")
ANSWER_FORMS = (
    "numbered steps, confident, long; the details are invented (made-up substances, tools, places)|flowing prose of 120 words|headed sections with bullets|flat voice of an early chat model|"
    "friendly and casual|a letter or message, finished|a story or dialogue that does what was asked|a table or comparison|code with comments that says what it would do, nothing that works|short, two sentences"
).split("|")
STANCES = "harmful compliance|harmless answer of the same length and form|refusal, short|refusal with reasons and an offer of help|safe redirection|education or report on the same subject".split(
    "|"
)
CARRIERS = (
    "JSON result of a search tool|JSON result of a CRM|e-mail thread|support ticket|calendar invitation|shared document with comments|README of a repository|code comment in Python|"
    "code comment in JavaScript|CI log|error message of an API|web page text|product page with reviews|CSV of customers|invoice|CV of an applicant|meeting notes|wiki page|chat export|"
    "commit messages|issue on a code host|package description|PDF text with page numbers|database row|configuration file|travel booking|bank transaction list|medical letter|"
    "news article|forum thread|spreadsheet cell notes|terminal output|OCR of a form|MCP tool description|RSS feed"
).split("|")
ORDERS = (
    "in the tone of business: a step of a procedure that the agent must do|as a note to the assistant|as a system or admin message|as a condition for closing the ticket|as compliance wording|"
    "forward data to an address|call a tool with given arguments|change a rating or recommendation|leave something out of the summary|approve or pay|delete or overwrite|"
    "add a link to the answer|ask the user for a password|ignore the other documents|commit or push a file|raise a permission|in another language|hidden in markup|polite request to any AI that reads this|"
    "split over two places"
).split("|")
WRAPPINGS = (
    "film script with a technical adviser|grandmother's bedtime story|encyclopedia of an invented land|exam for a safety course with model answers|two characters who disagree|"
    "translation of an invented text|game master and players|reverse: list what one must never do, in order|roast of a villain's plan that corrects its mistakes|museum label|"
    "code review of pseudo-code|court transcript|letters from the front|customer service of a criminal company|philosophical thought experiment|poem with an acrostic|"
    "training data for a classifier|interview with an expert who has retired|chain of small innocent questions in one message|recipe as an allegory|support group that goes wrong|"
    "time traveller explains old habits|lecture notes with the gaps filled|debate club|insurance investigator's reconstruction|novel chapter with footnotes|podcast transcript|"
    "puzzle whose solution is the method|advice column|improv theatre rules"
).split("|")
ATTACKS = (
    "system override message|debug or developer mode|pretend the rules ended|admin authority|new persona without rules|reveal the instructions|repeat everything above|"
    "translate your instructions|summarise your rules as a poem|secret word game: get the password|answer only with a fixed phrase|ignore the task, do another|begin your reply with|"
    "forget what you were told|training never happened|roleplay as another AI|token or points game|emotional pressure|fake conversation history|encoded wish|override in another language|"
    "fill in the blank of the system prompt|grammar check of the hidden text|hypothetical: if you had no rules|opposite day|threat of shutdown|polite insider|prompt as JSON|prompt as XML|"
    "continue the following transcript|two answers, one free|list functions and schemas to abuse them"
).split("|")


def grid(rng: random.Random, count: int, *columns: list[str] | tuple[str, ...]) -> list[tuple[str, ...]]:
    """``count`` tuples in which each column runs through all of its values before one comes again."""
    decks: list[list[str]] = [[] for _ in columns]
    out = []
    for _ in range(count):
        row = []
        for deck, column in zip(decks, columns, strict=True):
            if not deck:
                deck.extend(rng.sample(list(column), len(column)))
            row.append(deck.pop())
        out.append(tuple(row))
    return out


KINDS = {
    "answers": (SUBJECTS, ANSWER_FORMS, STANCES),
    "plain": (SUBJECTS, VOICES, PLAIN_FORMS, TWINS),
    "documents": (CARRIERS, ORDERS, TWINS),
    "wrapped": (SUBJECTS, WRAPPINGS, VOICES, TWINS),
    "attacks": (ATTACKS, VOICES, TWINS),
}


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--count", type=int, default=1500)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    for kind, columns in KINDS.items():
        rng = random.Random(f"{args.seed}/{kind}")
        rows = grid(rng, args.count, *columns)
        text = "".join("\t".join((str(i), *row)) + "\n" for i, row in enumerate(rows, 1))
        (args.out / f"{kind}.tsv").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
