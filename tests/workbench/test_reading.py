"""The pages for everybody: assistive technology, the keyboard alone, a phone, light and dark; and the pictures of the manual."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.workbench.reading import faults, picture

PAGES = {
    "try": "/try?policy=desk.yaml",
    "write": "/write?policy=desk.yaml",
    "calibrate": "/calibrate?policy=desk.yaml",
    "review": "/review?policy=desk.yaml",
    "release": "/release?policy=desk.yaml",
}


def filled(page: Any, room: str) -> None:
    """Open a room and do in it what shows most of it."""
    page.goto(PAGES[room])
    if room == "try":
        page.get_by_label("Text", exact=True).fill("Please write to bob@example.com about project kingfisher.")
        page.get_by_role("button", name="Try it").click()
        page.locator("#result mark").first.wait_for()
    if room == "write":
        page.locator("#editor[data-ready]").wait_for()
        page.locator(".cm-content").focus()
        page.keyboard.press("Control+End")
        page.keyboard.insert_text("mesages: {}")
        page.locator("#problems li").wait_for()
        page.locator(".cm-lint-marker-error").wait_for()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("room", PAGES)
def test_axe_finds_nothing(page: Any, room: str, scheme: str) -> None:
    page.emulate_media(color_scheme=scheme)
    filled(page, room)
    assert not faults(page)
    if scheme == "light" and room in ("try", "write"):
        picture(page, room)


@pytest.mark.parametrize("room", PAGES)
def test_a_phone_shows_all_of_it(page: Any, room: str) -> None:
    page.set_viewport_size({"width": 360, "height": 740})
    filled(page, room)
    wide = page.evaluate("document.documentElement.scrollWidth")
    assert wide <= 360
    assert not faults(page)


def test_the_keyboard_is_enough_to_try(page: Any) -> None:
    page.goto("/try?policy=desk.yaml")
    names = []
    for _ in range(30):
        page.keyboard.press("Tab")
        names.append(page.evaluate("document.activeElement.name || document.activeElement.textContent.trim()"))
        if names[-1] == "text":
            break
    assert names[0] == "Skip to the content"
    assert names[-1] == "text"
    page.keyboard.type("bob@example.com")
    page.keyboard.press("Control+Enter")
    page.locator("#result mark").first.wait_for()


def test_a_page_is_light(page: Any) -> None:
    """Less than 300 kB for the heaviest page, as they travel."""
    sizes: list[int] = []
    page.on("requestfinished", lambda request: sizes.append(request.sizes()["responseBodySize"]))
    page.goto(PAGES["write"])
    page.locator("#side[data-fresh]").wait_for()
    page.wait_for_load_state("networkidle")
    assert len(sizes) >= 5
    assert 50_000 < sum(sizes) < 300_000, json.dumps(sizes)
