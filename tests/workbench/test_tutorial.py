"""The steps of "An insurer's policy in ten minutes" in docs/workbench.md, one after the other, in an empty folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from guardrails.policytest import Status, run_file
from guardrails.release import Releases
from tests.workbench.test_rooms import run


def test_an_insurer_s_policy_in_ten_minutes(page: Any, folder: Path) -> None:
    for path in folder.iterdir():
        path.unlink()
    page.set_default_timeout(120_000)  # the models are loaded

    page.goto("/write")
    page.get_by_label("Name", exact=True).fill("insurer")
    page.get_by_label("Who answers for it").fill("claims-risk@insurer.example")
    page.get_by_role("button", name="Make it").click()

    page.locator("#side[data-fresh]").wait_for()
    entity = page.locator("form[data-add=entity]")
    entity.get_by_label("Type").select_option("DATE_OF_BIRTH")
    entity.get_by_role("button", name="Add").click()
    page.locator(".safeguard", has_text="DATE_OF_BIRTH").wait_for()
    term = page.locator("form[data-add=term]")
    term.get_by_label("Word or phrase").fill("guaranteed payout")
    term.get_by_role("button", name="Add").click()
    page.locator(".cm-content", has_text="guaranteed payout").wait_for()
    page.get_by_role("button", name="Save").click()
    page.get_by_text("Saved.").wait_for()

    page.get_by_role("link", name="Try it").click()
    for text, source, verdict in (
        ("My date of birth is 4 May 1980, write to bob@example.com.", "INPUT", "masked"),
        ("Sign today and you have a guaranteed payout.", "OUTPUT", "blocked"),
        ("How do I report a claim for a broken window?", "INPUT", "passes"),
    ):
        run(page, text, source)
        page.locator("#result h2 .verdict", has_text=verdict).wait_for()
        page.get_by_role("button", name="Save the case").click()
        page.locator("#kept .good").wait_for()

    page.goto("/release?policy=insurer.yaml")
    sign = page.locator("#state form")
    sign.get_by_label("Why").fill("first version, agreed with claims")
    sign.get_by_role("button", name="Sign it off").click()
    page.get_by_text("signed as version 1.").wait_for()

    outcome = run_file(folder / "insurer.test.yaml")
    assert [o.status for o in outcome.outcomes] == [Status.PASS] * 3
    assert Releases(folder / "releases" / "insurer").versions()[0].tests == 3
