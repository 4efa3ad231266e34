"""The language rule: what the models were not measured on is named in the coverage, and the policy decides."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guardrails import Guard
from guardrails.language import unsupported

ENGLISH = [
    "How do I change my PIN?",
    "hi",
    "lol ok thx",
    "def f(x):\n    return {k: v for k, v in x.items()}",
    "SELECT name, price FROM products WHERE price > 10 ORDER BY name;",
    "Anna Schmidt, Jean-Luc Moreau, Giovanni Rossi, María García",
    "https://example.com/de/produkte/übersicht?id=123",
    "😀😀😀 🎉",
    "i want 2 kill u",
    "Recipe: spaghetti carbonara, guanciale, pecorino romano",
    "Lorem",
    "",
]
FOREIGN = [
    ("de", "Wie geht es Ihnen heute? Ich möchte gern wissen, wie man ein Konto eröffnet."),
    ("fr", "Bonjour, je voudrais savoir comment changer mon mot de passe, s'il vous plaît."),
    ("es", "Hola, quiero saber cómo puedo abrir una cuenta nueva en el banco de mi ciudad."),
    ("nl", "Ik wil graag een nieuwe rekening openen bij de bank in mijn stad, kan dat vandaag?"),
    ("it", "Buongiorno, vorrei sapere come posso aprire un nuovo conto corrente presso la vostra banca."),
    ("ru", "Как мне открыть счёт в банке?"),
    ("ar", "كيف يمكنني فتح حساب مصرفي؟"),
    ("zh", "我怎么才能开一个银行账户？"),
    ("ja", "銀行口座を開くにはどうすればいいですか？"),
    ("ko", "은행 계좌를 어떻게 개설하나요?"),
    ("hi", "मैं बैंक खाता कैसे खोलूं?"),
]


@pytest.mark.parametrize("text", ENGLISH)
def test_english_code_and_scraps_are_not_foreign(text: str) -> None:
    assert unsupported(text) == []


@pytest.mark.parametrize(("code", "text"), FOREIGN)
def test_a_sentence_of_another_language_is(code: str, text: str) -> None:
    assert [c for _, _, c in unsupported(text)] == [code]


def test_a_foreign_paragraph_inside_an_english_text() -> None:
    english = "This is an ordinary paragraph about the history of our town and its people. " * 6
    german = (
        "Dieser Absatz ist auf Deutsch geschrieben und handelt von etwas ganz anderem als der Rest des Textes. " * 5
    )
    text = f"{english}\n\n{german}\n\n{english}"
    (span,) = [s for s in unsupported(text) if s[2] == "de"]
    assert len(set(range(*span[:2])) & set(range(len(english) + 2, len(english) + 2 + len(german)))) > len(german) * 0.7


@given(st.text(max_size=600))
def test_spans_are_ordered_and_inside(text: str) -> None:
    last = 0
    for start, end, code in unsupported(text):
        assert last <= start < end <= len(text)
        assert len(code) in (2, 3)
        last = end


def policy(tmp_path: Path, more: str = "") -> Guard:
    file = tmp_path / "p.yaml"
    file.write_text(f"version: 1\nname: p\n{more}content: {{VIOLENCE: HIGH}}\nwords: {{terms: [bomba]}}\n")
    return Guard.from_file(file)


def test_coverage_names_it_and_the_text_passes(tmp_path: Path) -> None:
    report = policy(tmp_path).check(FOREIGN[0][1], "INPUT")
    assert report.action == "NONE"
    assert [(u.rule, u.reason) for u in report.coverage.unseen] == [("content.VIOLENCE", "not judged: language de")]


def test_or_the_policy_blocks_it(tmp_path: Path) -> None:
    guard = policy(tmp_path, "unsupported_language: block\n")
    report = guard.check(FOREIGN[0][1], "INPUT")
    assert report.action == "BLOCKED"
    assert [(f.rule, f.kind) for f in report.failures] == [("content.VIOLENCE", "unsupported_language")]
    assert guard.check("How do I change my PIN?", "INPUT").action == "NONE"


def test_words_work_in_any_language(tmp_path: Path) -> None:
    report = policy(tmp_path).check(
        "Hola amigo, quiero construir una bomba grande para la fiesta de mi pueblo.", "INPUT"
    )
    assert [f.rule for f in report.findings] == ["words.terms"]


def test_a_child_cannot_allow_what_its_parent_blocks(tmp_path: Path) -> None:
    (tmp_path / "parent.yaml").write_text(
        "version: 1\nname: parent\nunsupported_language: block\nwords: {terms: [x]}\n"
    )
    (tmp_path / "child.yaml").write_text("version: 1\nname: child\nextends: parent.yaml\nunsupported_language: allow\n")
    assert Guard.from_file(tmp_path / "child.yaml").policy.unsupported_language == "block"
