"""Several browsers at once, and a policy that somebody changes on the disk meanwhile."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.workbench.conftest import POLICY, Server
from tests.workbench.test_review import another
from tests.workbench.test_rooms import ROWS, TOPIC, run


def measure(page: Any, data: bytes) -> None:
    page.goto("/calibrate?policy=bank.yaml")
    page.get_by_label("Texts").set_input_files({"name": "real.csv", "mimeType": "text/csv", "buffer": data})
    page.get_by_role("button", name="Measure").click()


def test_a_cut_point_is_not_written_into_a_policy_that_changed_meanwhile(page: Any, folder: Path) -> None:
    (folder / "bank.yaml").write_text(TOPIC)
    page.set_default_timeout(240_000)  # the model is loaded
    measure(page, ROWS.encode())
    page.get_by_text("5 texts of real.csv").wait_for()
    page.get_by_role("slider", name="Cut point").fill("0.02")
    page.get_by_role("button", name="Write 0.02 into the policy").click()
    page.locator("ins", has_text="threshold: 0.02").wait_for()
    (folder / "bank.yaml").write_text(TOPIC + "# by somebody else\n")
    page.get_by_role("button", name="Write it into bank.yaml").click()
    page.get_by_text("somebody changed the file meanwhile").wait_for()
    assert (folder / "bank.yaml").read_text() == TOPIC + "# by somebody else\n"


def test_of_two_browsers_that_edit_one_policy_the_second_is_told(
    page: Any, browser: Any, server: Server, folder: Path
) -> None:
    with another(browser, server) as other:
        for one in (page, other):
            one.goto("/write?policy=desk.yaml")
            one.locator("#counts", has_text="0 errors").wait_for()
        for one, line in ((page, "# by the first\n"), (other, "# by the second\n")):
            one.locator(".cm-content").focus()
            one.keyboard.press("Control+End")
            one.keyboard.insert_text(line)
        page.keyboard.press("Control+s")
        page.get_by_text("Saved.").wait_for()
        other.keyboard.press("Control+s")
        other.get_by_text("somebody changed the file meanwhile").wait_for()
    assert (folder / "desk.yaml").read_text() == POLICY + "# by the first\n"


def test_two_browsers_keep_cases_of_one_policy(page: Any, browser: Any, server: Server, folder: Path) -> None:
    with another(browser, server) as other:
        for one, text in ((page, "mail bob@example.com"), (other, "good evening")):
            one.goto("/try?policy=desk.yaml")
            run(one, text)
        for one in (page, other):
            one.get_by_role("button", name="Save the case").click()
            one.locator("#kept .good").wait_for()
    text = (folder / "desk.test.yaml").read_text()
    assert text.count("mail bob@example.com") >= 1
    assert "good evening" in text


def test_a_policy_that_breaks_or_goes_meanwhile_is_said_and_nothing_else_happens(page: Any, folder: Path) -> None:
    page.goto("/try?policy=desk.yaml")
    run(page, "mail bob@example.com")
    (folder / "desk.yaml").write_text("version: 1\nname: [")
    page.get_by_role("button", name="Try it").click()
    page.locator(".problem, [role=alert]").first.wait_for()
    (folder / "desk.yaml").unlink()
    page.get_by_role("button", name="Try it").click()
    page.get_by_text("there is no such policy in this folder any more").wait_for()
    (folder / "desk.yaml").write_text(POLICY)
    run(page, "mail bob@example.com")
    assert page.locator("mark.MASKED").inner_text() == "bob@example.com"
