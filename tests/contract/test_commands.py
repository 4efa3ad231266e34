"""Every command that the README and the documentation show is run, and prints what the page says, unless it serves or needs a network."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools import console

PAGES = [page for page in console.pages() if page.exists()]


@pytest.mark.parametrize("page", PAGES, ids=[str(p.relative_to(console.ROOT)) for p in PAGES])
def test_commands_print_what_the_page_shows(page: Path, tmp_path: Path) -> None:
    with console.Shell(tmp_path) as shell:
        for command in console.commands(page):
            if command.reason is None:
                printed = shell.run(command)
                assert not command.output or console.same(command.output, printed), f"$ {command.line}\n{printed}"


def test_no_reason_is_left_over() -> None:
    """A reason not to run a command that no page shows is one that hides the next mistake."""
    lines = [command.line for page in PAGES for command in console.commands(page)]
    assert not [start for start in console.NOT_RUN if not any(line.startswith(start) for line in lines)]


def test_shown_and_printed_are_told_apart() -> None:
    assert console.same("a\n...\nd\n", "a\nb\nc\nd\n")
    assert console.same("...\nd\n", "a\nd\n")
    assert not console.same("...\nd\n", "a\n")
    assert console.same("a\n", "a\n")
    assert console.same('{"a":1,…}\n', '{"a":1,"b":2}\n')
    assert not console.same('{"a":1,…}\n', '{"a":2,"b":2}\n')
    assert not console.same("a\n...\nd\n", "a\nb\n")
    assert not console.same("a\n", "a\nb\n")


def test_the_tutorial_and_the_pages_of_the_readme_are_run() -> None:
    ran = {c.page.name for page in PAGES for c in console.commands(page) if c.reason is None}
    assert {"tutorial.md", "README.md"} <= ran


def test_the_readme_asks_a_service_that_runs() -> None:
    asked = [c.line for c in console.commands(console.ROOT / "README.md") if c.served and c.reason is None]
    assert len([line for line in asked if line.startswith("curl ")]) >= 5
