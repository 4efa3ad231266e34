"""Lists, steps, tables and ``key: value`` lines are cut into statements that keep their headings."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guardrails.detectors.layout import plain, statements
from guardrails.detectors.supporting import claimed

ROWS = ["Team: Price 12 USD, Seats 3", "Business: Price 20 USD, Seats 10"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("| Plan | Price | Seats |\n|---|---|---|\n| Team | 12 USD | 3 |\n| Business | 20 USD | 10 |", ROWS),
        ("Plan,Price,Seats\nTeam,12 USD,3\nBusiness,20 USD,10\n", ROWS),
        ("Plan;Price;Seats\nTeam;12 USD;3\nBusiness;20 USD;10\n", ROWS),
        ("Plan\tPrice\tSeats\nTeam\t12 USD\t3\nBusiness\t20 USD\t10\n", ROWS),
        (
            "<table><tr><th>Plan</th><th>Price</th><th>Seats</th></tr><tr><td>Team</td><td>12 USD</td><td>3</td></tr>"
            "<tr><td>Business</td><td>20 USD</td><td>10</td></tr></table>",
            ROWS,
        ),
        ("1. Open app\n2. Tap it\n3. Done", ["Open app", "Tap it", "Done"]),
        ("1) Open app\r\n2) Tap it", ["Open app", "Tap it"]),
        ("1. Open the app. 2. Tap the tile. 3. Wait.", ["Open the app.", "Tap the tile.", "Wait."]),
        (
            "The Pro plan includes:\n- SSO\n- audit logs\n* backups",
            ["The Pro plan includes:", "The Pro plan includes: SSO", "The Pro plan includes: audit logs", "The Pro plan includes: backups"],
        ),
        ("## Fees\nTeam: 12 USD\nBusiness: 20 USD", ["Fees: Team: 12 USD", "Fees: Business: 20 USD"]),
        ("Price: 12 USD\nSeats: 3", ["Price: 12 USD", "Seats: 3"]),
        ("It costs 12. It has\nthree seats.", ["It costs 12.", "It has\nthree seats."]),
        ("Hello, Ada, and all,\nthis, too, is prose.", ["Hello, Ada, and all,\nthis, too, is prose."]),
    ],
)  # fmt: skip
def test_statements(text: str, said: list[str]) -> None:
    assert [s.text for s in statements(text)] == said


def test_leads_without_a_claim_are_left_out() -> None:
    assert [s.text for s in claimed("Here are the steps:\n1. Pull the plug.\n2. Empty the tray.")] == [
        "Pull the plug.",
        "Empty the tray.",
    ]


def test_prose_is_itself() -> None:
    text = "One sentence. Another one, with a comma.\n\nA third."
    assert plain(text) == (text, [(0, 0, len(text))])


def test_prose_of_a_table_leads_back_to_its_rows() -> None:
    text = "Prices.\n\n| Plan | Price |\n|---|---|\n| Team | 12 USD |\n"
    prose, pieces = plain(text)
    at = prose.index("Team: Price 12 USD")
    start, end = next((a, b) for begin, a, b in pieces if begin == at)
    assert text[start:end] == "| Team | 12 USD |"


PARTS = st.sampled_from(["| a | b |", "|---|---|", "1. Do it.", "- item", "Key: value", "## Title", "a,b,c", "1,2,3", "<table><tr><td>x</td>", "</table>", "Some prose. And more.", "", "\t", "2) x", "🙂 é", "<li>"])  # fmt: skip


@settings(deadline=None, max_examples=80)
@given(st.one_of(st.text(max_size=120), st.lists(PARTS, max_size=12).map("\n".join)))
def test_statements_of_any_text(text: str) -> None:
    found = statements(text)
    assert all(0 <= s.start < s.end <= len(text) for s in found)
    assert all(a.end <= b.start for a, b in itertools.pairwise(found))
    prose, pieces = plain(text)
    assert all(0 <= begin <= len(prose) and 0 <= a <= b <= len(text) for begin, a, b in pieces)
