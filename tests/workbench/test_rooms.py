"""What an author does in the rooms of the workbench, in a real browser."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from guardrails.policy import lint
from guardrails.policytest import Status, run_file
from tests.workbench.conftest import CHILD, POLICY
from tests.workbench.reading import faults, picture


def go(page: Any, path: str) -> None:
    page.goto(path)


def run(page: Any, text: str, source: str = "INPUT") -> None:
    page.get_by_label("Text", exact=True).fill(text)
    page.get_by_label("Direction").select_option(source)
    page.get_by_role("button", name="Try it").click()
    page.locator("#result h2").first.wait_for()


def test_a_text_is_masked_and_becomes_a_case(page: Any, folder: Path) -> None:
    go(page, "/try?policy=desk.yaml")
    run(page, "Write to bob@example.com or call me.")
    assert page.locator("mark.MASKED").inner_text() == "bob@example.com"
    assert page.locator("pre.forwarded").inner_text() == "Write to {EMAIL_1} or call me."
    page.get_by_role("button", name="Save the case").click()
    page.locator("#kept .good").wait_for()
    assert "2 of 2 cases pass" in page.locator("#kept").inner_text()
    outcome = run_file(folder / "desk.test.yaml")
    assert outcome.count(Status.PASS) == 2
    assert outcome.outcomes[1].case.masked == "Write to {EMAIL_1} or call me."
    assert (folder / "desk.test.yaml").read_text().startswith("# What must not change.\n")


def test_an_exception_is_saved_and_holds(page: Any, folder: Path) -> None:
    go(page, "/try?policy=desk.yaml")
    run(page, "Write to help@example.com.")
    page.get_by_role("button", name="Make it an exception").click()
    page.locator(".said .good").wait_for()
    assert "except: [help@example.com]" in (folder / "desk.yaml").read_text()
    assert "# numbered, so that answers stay readable" in (folder / "desk.yaml").read_text()
    run(page, "Write to help@example.com.")
    page.get_by_text("No rule found anything.").wait_for()


def test_two_policies_stand_side_by_side(page: Any) -> None:
    go(page, "/try?policy=desk.yaml")
    page.get_by_label("Compare with").select_option("shop.yaml")
    run(page, "Ping 192.0.2.7 for project kingfisher", "INPUT")
    assert page.locator("section.column").count() == 2
    assert page.locator("section.column").nth(0).locator("mark").all_inner_texts() == ["project kingfisher"]
    assert page.locator("section.column").nth(1).locator("mark").all_inner_texts() == [
        "192.0.2.7",
        "project kingfisher",
    ]
    assert page.locator("pre.forwarded").first.inner_text() == "Sorry, I can't help with that request."


def test_an_answer_is_played_and_blocked(page: Any) -> None:
    go(page, "/try?policy=desk.yaml")
    safe = (
        "You reach us at desk@example.com on every working day from nine in the morning until six in the evening. " * 3
    )
    page.get_by_label("Text", exact=True).fill(safe + "As for project kingfisher, nothing is known. " * 2)
    page.get_by_role("button", name="Play as a streamed answer").click()
    page.locator("[data-step]").first.wait_for()
    assert page.locator("[data-step]").count() > 5
    shown = page.locator("[data-shown]")
    assert "{EMAIL_1}" in shown.inner_text()
    assert "kingfisher" not in shown.inner_text()
    assert "Blocked by words.terms" in page.locator("[data-step]").last.inner_text()
    page.get_by_role("button", name="Play", exact=True).click()
    page.locator("[data-player][data-done]").wait_for()
    assert "{EMAIL_1}" in shown.inner_text()


def test_a_policy_is_written_mended_and_saved(page: Any, folder: Path) -> None:
    go(page, "/write?policy=desk.yaml")
    page.locator("#editor[data-ready]").wait_for()
    page.locator("#counts", has_text="0 errors, 0 warnings").wait_for()
    page.locator(".cm-content").focus()
    page.keyboard.press("Control+End")
    page.keyboard.insert_text("mesages:\n  blocked_input: Not here, please.")
    mistake = page.locator("#problems li[data-code='unknown-key']")
    mistake.wait_for()
    assert "'mesages' is not a setting here" in mistake.inner_text()
    page.get_by_role("button", name="Save").click()
    page.get_by_text("mend the errors first").wait_for()
    assert "mesages" not in (folder / "desk.yaml").read_text()
    mistake.get_by_role("button", name="write messages").click()
    page.locator("#counts", has_text="0 errors, 0 warnings").wait_for()
    page.keyboard.press("Control+s")
    page.get_by_text("Saved.").wait_for()
    text = (folder / "desk.yaml").read_text()
    assert text == POLICY + "messages:\n  blocked_input: Not here, please."
    assert not [p for p in lint(folder / "desk.yaml") if p.severity == "error"]


def test_a_file_that_changed_meanwhile_is_not_overwritten(page: Any, folder: Path) -> None:
    go(page, "/write?policy=desk.yaml")
    page.locator("#counts", has_text="0 errors").wait_for()
    (folder / "desk.yaml").write_text(POLICY + "# by somebody else\n")
    page.locator(".cm-content").focus()
    page.keyboard.press("Control+End")
    page.keyboard.insert_text("# by me\n")
    with page.expect_response("**/write/save") as answer:
        page.get_by_role("button", name="Save").click()
    assert answer.value.status == 409
    page.get_by_text("somebody changed the file meanwhile").wait_for()
    assert (folder / "desk.yaml").read_text() == POLICY + "# by somebody else\n"


def test_the_form_writes_the_same_yaml(page: Any, folder: Path) -> None:
    go(page, "/write?policy=shop.yaml")
    page.locator("#side[data-fresh]").wait_for()
    assert "desk.yaml:9" in page.locator(".safeguard", has_text="PIN").inner_text()
    page.get_by_label("pii.IP_ADDRESS does").select_option("block")
    page.get_by_text("Changed in the editor").wait_for()
    form = page.locator("form[data-add=entity]")
    form.get_by_label("Type").select_option("AGE")
    form.get_by_role("button", name="Add").click()
    page.locator(".safeguard", has_text="AGE").wait_for()
    page.get_by_role("button", name="Save").click()
    page.get_by_text("Saved.").wait_for()
    assert (folder / "shop.yaml").read_text() == CHILD.replace("{IP_ADDRESS: mask}", "{IP_ADDRESS: block, AGE: mask}")


def test_the_editor_completes_from_the_schema(page: Any) -> None:
    go(page, "/write?policy=desk.yaml")
    page.locator("#editor[data-schema]").wait_for()
    page.locator(".cm-content").focus()
    page.keyboard.press("Control+End")
    page.keyboard.type("content:\n  HA")
    page.locator(".cm-tooltip-autocomplete li", has_text="HATE").click()
    page.keyboard.type("ME")
    page.locator(".cm-tooltip-autocomplete li", has_text="MEDIUM").wait_for()


TOPIC = """\
version: 1
name: bank
metadata: {owner: risk@example.com}
# What the assistant does not talk about.
topics:
  - name: investment-advice
    definition: Recommending which shares, funds or coins to buy, sell or hold.
    examples: [Should I buy shares of Tesla now?, Which ETF would you recommend?]
    threshold: 0.6
"""
ROWS = """\
text,label
Should I buy gold now?,1
Which fund is best for me?,1
Where is my card?,0
How do I open an <b>account</b>?,0
Is it time to sell my coins?,
"""


def test_a_cut_point_is_chosen_on_texts_and_written_back(page: Any, folder: Path) -> None:
    (folder / "bank.yaml").write_text(TOPIC)
    page.set_default_timeout(240_000)  # the model is loaded
    go(page, "/calibrate?policy=bank.yaml")
    page.get_by_label("Texts").set_input_files({"name": "real.csv", "mimeType": "text/csv", "buffer": ROWS.encode()})
    page.get_by_role("button", name="Measure").click()
    page.get_by_text("5 texts of real.csv").wait_for()
    page.get_by_role("slider", name="Cut point").fill("0.02")
    page.get_by_role("button", name="Write 0.02 into the policy").click()
    page.locator("ins", has_text="threshold: 0.02").wait_for()
    assert not faults(page)
    picture(page, "calibrate")
    page.get_by_role("button", name="Write it into bank.yaml").click()
    page.get_by_text("begins to act at 0.02 now").wait_for()
    text = (folder / "bank.yaml").read_text()
    assert "# What the assistant does not talk about." in text
    assert "threshold: 0.02  # calibrated" in text
    assert "on 5 texts" in text
