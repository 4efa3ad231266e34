"""What the tagger may have meant, and what it cannot: the value and the place decide."""

from __future__ import annotations

import pytest

from guardrails.detectors.pii.plausible import code, implausible
from guardrails.inference.tagging import Tagged
from guardrails.marked import parse

WRONG = [
    "x = np.arange([AGE:24])",
    "array([[[[12, [AGE:13], 14, 15], [1, 2, 3, 4]])",
    r"re.compile(r'\\d{[AGE:6]}')",
    "    for i in range([AGE:42]):",
    "retries: [AGE:30]\\ntimeout: 900",
    "See RFC [AGE:2616] for more",
    "    [NAME:phi] = self.angle(x)",
    "    [NAME:elif] mode == 'r':",
    "def f(*args, **[NAME:kwargs]):",
    "stream: [NAME:TextIO] = sys.stdout",
    "killed by [NAME:SIGILL] or something else",
    "[NAME:Tue], 01 Aug 2023 10:00:00 +0200",
    " -- on [NAME:Friday] we released it",
    "released in [NAME:May] 2024",
    "logger.[NAME:Info]('x')",
    "class [NAME:Config](Base):",
    "[NAME:Meine] Nummer ist neu",
    "mi [NAME:móvil] es nuevo",
    "[NAME:puhelin] on uusi",
    "[NAME:TC kimlik] 10000000146",
    "c/o chest pain and [NAME:SOB] since monday",
    "[USERNAME:@symbolic]_fx\\ndef forward(x):",
    " * [USERNAME:@param] name the name",
    "[USERNAME:@property]\\ndef size(self):",
    "requires [USERNAME:urllib3] at least",
    "import [USERNAME:os_helper] as x",
    'import {x} from "[USERNAME:@babel]/core"',
    "encoded as [PASSWORD:IDNA2008] by the library",
    "[[a-[PASSWORD:zA]-Z]",
    "OBX|1|NM|[PASSWORD:MTH^Mother]|x",
    "NK1|1|Roe^Martha|[USERNAME:AZ^85007]|x",
]
RIGHT = [
    "She is [AGE:34] and lives in Leeds.",
    "my son, [AGE:7 years old], likes it",
    "John Smith, [AGE:34], of Leeds, was fined.",
    "Pt is a [AGE:67]yo M with chest pain",
    "Written when he was [AGE:81].",
    "Age: [AGE:45]",
    "I turned [AGE:thirty] last week",
    "tell [NAME:john] I called",
    "Author: [NAME:Keith Packard]",
    " -- [NAME:Jelmer Vernooij] <jelmer@debian.example>",
    "  [ [NAME:gregor herrmann] ]",
    "Copyright (c) 2001, 2003 [NAME:Keith Packard] and others;",
    "Dear [NAME:McDonald], thanks",
    "PATIENT [NAME:JOHN DOE] SEEN TODAY",
    "[NAME:May] will call you",
    "Yours, [NAME:O'Neil]",
    "my user name is [USERNAME:bob_1987]",
    "follow [USERNAME:@janedoe] on twitter",
    "hey [USERNAME:@john_d] are you there?",
    "login: [USERNAME:jdoe]",
    "the password is [PASSWORD:Sunshine42]",
    "pwd: [PASSWORD:hunter22]",
    'config = {"user": "[USERNAME:svc_report]", "x": 1}',
]


def tagged(marked_text: str) -> tuple[str, Tagged]:
    parsed = parse(marked_text.replace("\\n", "\n"))
    start, end, type_ = parsed.spans[0]
    return parsed.text, Tagged(type_, start, end, 0.9)


@pytest.mark.parametrize("case", WRONG)
def test_no_such_value_can_stand_there(case: str) -> None:
    assert implausible(*tagged(case))


@pytest.mark.parametrize("case", RIGHT)
def test_people_and_their_secrets_stay(case: str) -> None:
    assert not implausible(*tagged(case))


def test_lines_of_code_and_of_prose() -> None:
    for line in (
        "x = [1, 2, 3]",
        "#include <stdio.h>",
        "return self.x",
        "<div class='a'>",
        "12 13 14 15 16 17 18",
        "@wraps(f)",
    ):
        assert code(line), line
    for line in (
        "Please call me tomorrow at noon, thanks!",
        "Name: John Smith",
        "- Jane Doe (reported by mail)",
        "if you can, import the car from Japan",
        "With kind regards, for all of us",
        "Employee: Maria Lopez | Dept: Sales | Age: 41",
    ):
        assert not code(line), line
