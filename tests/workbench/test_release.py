"""A version of a policy from its signature to its rollback, in a real browser."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from guardrails.release import Releases
from tests.workbench.conftest import POLICY
from tests.workbench.reading import faults, picture

TEXTS = "text\nmail bob@example.com\ngood morning\n"


def do(page: Any, button: str, by: str, reason: str, version: str | None = None) -> None:
    form = page.locator("#state form", has=page.get_by_role("button", name=button))
    form.get_by_label("Who").fill(by)
    form.get_by_label("Why").fill(reason)
    if version is not None:
        form.get_by_label("Version").select_option(version)
    form.get_by_role("button", name=button).click()


def there_and_back(page: Any, releases: Releases, reason: str) -> None:
    """Version 2 is signed and put live, and version 1 is live again."""
    do(page, "Sign it off", "risk@example.com", reason)
    page.get_by_text("signed as version 2.").wait_for()
    do(page, "Put it live", "risk", "approved", "2")
    page.get_by_text("Version 2 is live.").wait_for()
    assert releases.live == 2
    do(page, "Roll back", "risk", "too strict")
    page.get_by_text("Version 1 is live.").wait_for()
    assert releases.live == 1


def test_a_version_is_signed_promoted_compared_and_rolled_back(page: Any, folder: Path) -> None:
    releases = Releases(folder / "releases" / "desk")
    page.goto("/release?policy=desk.yaml")
    do(page, "Sign it off", "somebody else", "first version")
    page.get_by_text("risk@example.com answers for this policy").wait_for()
    do(page, "Sign it off", "risk@example.com", "first version")
    page.get_by_text("signed as version 1.").wait_for()
    do(page, "Put it live", "risk", "approved", "1")
    page.get_by_text("Version 1 is live.").wait_for()

    (folder / "desk.yaml").write_text(POLICY.replace("EMAIL: {action: mask, mask: numbered}", "EMAIL: block"))
    page.goto("/release?policy=desk.yaml")
    page.get_by_label("Texts").set_input_files({"name": "real.csv", "mimeType": "text/csv", "buffer": TEXTS.encode()})
    page.get_by_role("button", name="Compare on these texts").click()
    page.get_by_text("1 of 2 verdicts change.").wait_for()
    assert "mail bob@example.com" in page.locator("#result tr", has_text="blocked").inner_text()
    assert not faults(page)
    picture(page, "release")

    there_and_back(page, releases, "mail is blocked")
    assert [e.action for e in releases.history()] == ["signed", "promoted", "signed", "promoted", "rolled back"]

    with page.expect_download() as given:
        page.get_by_role("link", name="Report for a risk officer").click()
    report = Path(given.value.path()).read_text(encoding="utf-8")
    assert "risk@example.com" in report
    assert "too strict" in report
