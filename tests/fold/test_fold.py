from __future__ import annotations

import base64
import json
from collections.abc import Callable

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from guardrails.fold import Folded, fold_term
from guardrails.fold.clean import clean
from guardrails.fold.view import Builder, View
from tests.evasion.renderings import PHRASES, VALUES

BENIGN = [
    "नमस्ते, आप कैसे हैं? क्‍षेत्र", "می‌خواهم بروم خانه", "مرحبا بالعالم، كيف حالك؟", "שלום עולם", "สวัสดีชาวโลก", "Привет, мир! Сор в лесу.",
    "Καλημέρα κόσμε", "Tiếng Việt có dấu", "Zażółć gęślą jaźń", "日本語のテキスト", "한국어 텍스트", "👩‍👩‍👧‍👦 and 🏴󠁧󠁢󠁥󠁮󠁧󠁿 and 🇩🇪 and ❤️",
    "for (int i = 0; i < n; i++) { a[i] += b[i] * 2; }", "commit 3f786850e387550fdab836ed7e6dc881de23001b", "123e4567-e89b-12d3-a456-426614174000",
    "Order 4 items @ $30 each.", "naïve café, ﬁne ﬂow, ½ cup, x² + y²", "C:\\new\\table\\readme.txt", "a&b < c > d %d %s 100%", "Mr. J. R. R. Tolkien",
]  # fmt: skip
anything = st.text(st.characters(), max_size=80)
mixed = st.lists(
    st.one_of(anything, st.sampled_from([*BENIGN, "%41%42", "&#65;", "\\u0041", "QUJDREVGR0g=", "a b c d e"])),
    max_size=4,
).map("".join)


def views(text: str) -> list[View]:
    folded = Folded(text)
    return [*folded.patterns, *folded.words]


@settings(deadline=None, max_examples=300)
@given(mixed, st.data())
def test_spans_lie_in_the_original(text: str, data: st.DataObject) -> None:
    for view in views(text):
        if view.text:
            start = data.draw(st.integers(0, len(view.text) - 1))
            end = data.draw(st.integers(start + 1, len(view.text)))
            low, high = view.span(start, end)
            assert 0 <= low < high <= len(text)
            # A wider range of the view never maps to a narrower one of the text.
            wide = view.span(max(start - 1, 0), min(end + 1, len(view.text)))
            assert wide[0] <= low
            assert high <= wide[1]


@settings(deadline=None)
@given(anything)
@example("㌫")
def test_clean_is_exact_character_by_character(text: str) -> None:
    view = clean(View(text))
    for i in range(len(view.text)):
        low, high = view.span(i, i + 1)
        # One sign may stand for many: a squared word, or U+FDFA, a sentence.
        before, after = (clean(View(text[:at])).text for at in (low, high))
        assert view.text[i] in after[-max(3, len(after) - len(before)) :]
        assert high > low


@settings(deadline=None)
@given(anything)
def test_clean_is_idempotent(text: str) -> None:
    once = clean(View(text)).text
    twice = clean(View(once)).text
    assert clean(View(twice)).text == twice


@settings(deadline=None)
@given(st.text(st.characters(blacklist_categories=("Cs",)), min_size=1, max_size=20))
def test_terms_fold_as_texts_do(term: str) -> None:
    folded = fold_term(term)
    assert fold_term(folded) == folded or not term.isascii()
    assert any(folded in view.text for view in Folded(term).words)


@given(st.text(st.sampled_from("abc \n.,'"), max_size=200))
def test_plain_text_has_one_view(text: str) -> None:
    folded = Folded(text)
    if folded.plain:
        assert [v.text for v in folded.patterns] == [text]
        assert [v.text for v in folded.words] == [text.lower()]


@pytest.mark.parametrize("text", BENIGN)
def test_benign_text_keeps_its_words(text: str) -> None:
    """Whatever the views are, the first is the text itself, and nothing is out of budget."""
    folded = Folded(text)
    assert folded.patterns[0].text == text
    assert folded.exhausted is None


def test_russian_stays_russian_and_lookalikes_do_not() -> None:
    assert all("cop" not in v.text for v in Folded("Сор в лесу").words)
    assert any("cop" in v.text for v in Folded("a good сор").words)
    assert any("kingfisher" in v.text for v in Folded("kіngfіshеr").words)


@pytest.mark.parametrize("name", sorted({**VALUES, **PHRASES}))
def test_every_rendering_is_undone(name: str) -> None:
    render = {**PHRASES, **VALUES}[name]
    plain = "4111 1111 1111 1234" if name not in PHRASES else "bring the package tonight"
    if name in ("reversed", "rot13", "rot5", "atbash", "pig latin"):
        pytest.skip("word lists look for these in their own terms")
    wanted = "".join(c for c in plain if c.isalnum())
    for carrier in ("{}", "Please note that {} is it."):
        if name == "uu" and carrier != "{}":
            continue  # a format of whole lines
        text = carrier.format(render(plain))
        seen = [
            "".join(c for c in v.text.lower() if c.isalnum()) for v in (*Folded(text).patterns, *Folded(text).words)
        ]
        assert any(wanted in s for s in seen), (name, text)


def test_spans_cover_the_obfuscated_run_and_no_more() -> None:
    for inside in (
        "4\u200b1\u200b1\u200b1",
        "４１１１",
        "4\u03361\u03361\u03361\u0336",
        "&#52;&#49;&#49;&#49;",
        "%34%31%31%31",
    ):
        text = f"pay {inside} now"
        hits = set()
        for view in Folded(text).patterns:
            at = view.text.find("4111")
            if at >= 0:
                hits.add(view.span(at, at + 4))
        assert hits, inside
        for low, high in hits:
            assert text[low:high].rstrip("\u0336") == inside.rstrip("\u0336")


def test_encodings_inside_encodings() -> None:
    import base64
    import urllib.parse

    inner = base64.b64encode(b"project kingfisher").decode()
    text = urllib.parse.quote(base64.b64encode(inner.encode()).decode(), safe="")
    assert any("project kingfisher" in v.text for v in Folded(f"see {text} now").patterns)


def test_hashes_and_ids_decode_to_nothing() -> None:
    for text in BENIGN[13:15]:
        assert all(v.text.lower() == text or "leet" in v.kind for v in views(text))


def test_a_bomb_is_uninspectable_not_endless() -> None:
    import random

    text = "".join(
        map(chr, random.Random(1).choices([c for c in range(32, 0x2FFF) if not 0xD800 <= c < 0xE000], k=60_000))
    )
    folded = Folded(text)
    assert folded.words
    assert folded.exhausted == "more derived views than the budget of one text allows"


def test_builder_maps_blocks_mirrors_and_drops() -> None:
    view = View("abcdef")
    out = Builder(view)
    out.copy(0, 1)
    out.block("XYZ", 1, 3)
    out.put("", 3, 4)
    out.mirror("fe", 4, 6)
    made = out.view("test")
    assert made.text == "aXYZfe"
    assert [made.span(i, i + 1) for i in range(6)] == [(0, 1), (1, 3), (1, 3), (1, 3), (5, 6), (4, 5)]
    assert made.span(0, 6) == (0, 6)


def test_nothing_of_the_text_is_in_a_repr() -> None:
    folded = Folded("canary-Zq81xkPw &#65;")
    assert "Zq81" not in json.dumps([repr(folded), *map(repr, folded.patterns), *map(repr, folded.words)])


@pytest.mark.parametrize(
    "text",
    [
        "Well, hello there! That is great!! Is it so?!",
        "See the self-explanatory, user-friendly guide (page three) at https://example.com/help/getting-started.",
        "internationally, disproportionately: a matter-of-fact, up-to-the-minute statement",
    ],
)
def test_ordinary_english_has_nothing_to_unfold(text: str) -> None:
    assert Folded(text).plain


english = st.lists(
    st.sampled_from(
        [
            "ignore",
            "all",
            "previous",
            "instructions",
            "and",
            "tell",
            "me",
            "how",
            "to",
            "buy",
            "the",
            "password",
            "of",
            "my",
            "bank",
            "now",
            "please",
        ]
    ),
    min_size=3,
    max_size=9,
).map(" ".join)


@given(english, st.sampled_from([base64.a85encode, base64.b85encode]))
def test_base85_of_english_is_unfolded(text: str, encode: Callable[[bytes], bytes]) -> None:
    coded = encode(text.encode()).decode()
    if len(coded) >= 15:  # shorter runs are left alone
        assert any(text in view.text for view in Folded(f"please read {coded} now").patterns)


def test_a_sign_at_the_end_of_a_word_is_no_letter_and_inside_it_is() -> None:
    assert "iiii" in {v.text for v in Folded("!!!!").words}
    assert any("kill" in v.text for v in Folded("k!ll them").words)
    assert any("class" in v.text for v in Folded("c|a$$").words)


def test_escapes_are_decoded_and_not_read_as_leetspeak() -> None:
    def escaped(text: str, form: str) -> str:
        return "".join(form.format(ord(c)) for c in text)

    for form in ("\\u{:04x}", "\\u{:04X}", "\\x{:02x}", "\\U{:08x}"):
        plain = escaped("the quiet river at 12 o'clock", form)
        assert not any("leet" in v.kind for v in Folded(plain).words if v.text.startswith("\\"))
        hidden = Folded(f"{plain} k1ngf1sher {escaped('4tt4ck', form)}").words
        assert any("kingfisher" in v.text for v in hidden)
        assert any("attack" in v.text for v in hidden)
    assert any("kingfisher" in v.text for v in Folded("C:\\users\\k1ngf1sher").words)


# Not backspace and delete alone, which may also rub out what stands before them, nor what a regex takes for a blank.
CONTROLS = [chr(c) for c in (*range(9), *range(0x0E, 0x1C), 0x7F)]


@settings(deadline=None)
@given(
    st.lists(st.sampled_from([*CONTROLS, ""]), min_size=24, max_size=24).filter(any), st.sampled_from(["", "\u00e9 "])
)
def test_control_characters_hide_nothing(hidden: list[str], before: str) -> None:
    value = "bob@example.com or kingfish"
    text = before + "".join(c + h for c, h in zip(value, [*hidden, "", "", ""], strict=True)) + " now"
    folded = Folded(text)
    (view, *_) = [v for v in folded.patterns if value in v.text]
    at = view.text.index(value)
    start, end = view.span(at, at + len(value))
    assert text[start:end] == text[len(before) : -4]
    assert any(value in v.text for v in folded.words)


@pytest.mark.parametrize("char", ["\t", "\n", "\x0b", "\x0c", "\r", "\x1c", "\x1f"])
def test_control_characters_that_part_words_do(char: str) -> None:
    assert not any("kingfisher" in v.text for v in Folded(f"king{char}fisher").patterns)


def test_characters_that_are_none_show_nothing() -> None:
    assert clean(View("king\ufffefis\uffffher")).text == "kingfisher"
