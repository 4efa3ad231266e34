"""One policy from 5,000 real texts to a release, in a real browser: calibrated, tried, tested, compared, put live, rolled back."""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from guardrails.calibration.writing import percent
from guardrails.cli.app import app
from guardrails.evaluation.metrics import wilson
from guardrails.policy import load
from guardrails.release import Releases
from tests.workbench import loud_detector
from tests.workbench.reading import faults
from tests.workbench.test_release import do, there_and_back

NUMBER = 5_000
OLD, NEW = 0.9, 0.53
POLICY = f"""\
version: 1
name: quiet
metadata: {{owner: risk@example.com}}
words: {{terms: [project kingfisher]}}
rules:
  # Nobody is shouted at.
  - {{id: loud, detector: loud, action: block, settings: {{threshold: {OLD}}}}}
"""


class Text(NamedTuple):
    text: str
    label: int

    @property
    def score(self) -> float:
        return loud_detector.share(self.text)


def _text(i: int) -> Text:
    """Of 20 letters 0 to 10 are capitals in a text that is welcome, 5 to 20 in one that is not."""
    label = i % 2
    loud = 5 + i * 7 % 16 if label else i * 7 % 11
    letters = "abcdefghij klmnopqrst"
    return Text(f"{letters[: loud + 1].upper()}{letters[loud + 1 :]} {i}" if loud else f"{letters} {i}", label)


TEXTS = [_text(i) for i in range(NUMBER)]


def table() -> bytes:
    out = io.StringIO(newline="")
    csv.writer(out).writerows([("text", "label"), *((t.text, t.label) for t in TEXTS)])
    return out.getvalue().encode()


@pytest.fixture
def policy(folder: Path) -> Iterator[Path]:
    path = folder / "quiet.yaml"
    path.write_text(POLICY, encoding="utf-8")
    with loud_detector.registered():
        yield path


def dropped(page: Any, button: str) -> None:
    page.get_by_label("Texts", exact=True).set_input_files(
        {"name": "real.csv", "mimeType": "text/csv", "buffer": table()}
    )
    page.get_by_role("button", name=button).click()


def figures(page: Any) -> dict[str, str]:
    return dict(
        zip(page.locator(".figures dt").all_inner_texts(), page.locator(".figures dd").all_inner_texts(), strict=True)
    )


def expected(cut: float) -> tuple[str, str]:
    """The false positives and the recall of a cut point, counted."""
    parts = []
    for label in (0, 1):
        scores = [t.score for t in TEXTS if t.label == label]
        parts.append(percent(wilson(sum(s >= cut for s in scores), len(scores))))
    return parts[0], parts[1]


def calibrated(page: Any, path: Path) -> None:
    """The cut point is moved, and written into the policy with what it rests on."""
    page.goto("/calibrate?policy=quiet.yaml")
    held: list[Any] = []

    def hold(route: Any) -> None:
        held.append(route)

    page.route("**/calibrate/run", hold)
    dropped(page, "Measure")
    page.locator("#busy span").wait_for()  # it is said that texts are being judged, for as long as they are
    assert not page.get_by_text("texts of real.csv").count()
    while not held:
        page.wait_for_timeout(10)
    held.pop().continue_()
    page.unroute("**/calibrate/run")
    page.get_by_text(f"{NUMBER} texts of real.csv").wait_for()
    page.locator("#busy span").wait_for(state="hidden")

    before = figures(page)
    assert (before["false positives"], before["recall"]) == expected(OLD)
    page.get_by_role("slider", name="Cut point").fill(str(NEW))
    page.get_by_role("button", name=f"Write {NEW} into the policy").wait_for()
    after = figures(page)
    assert (after["false positives"], after["recall"]) == expected(NEW) != expected(OLD)
    assert not faults(page)

    page.get_by_role("button", name=f"Write {NEW} into the policy").click()
    page.locator("ins", has_text=f"threshold: {NEW}").wait_for()
    assert path.read_text(encoding="utf-8") == POLICY  # a diff alone writes nothing
    page.get_by_role("button", name="Write it into quiet.yaml").click()
    page.get_by_text(f"begins to act at {NEW} now").wait_for()
    text = path.read_text(encoding="utf-8")
    assert load(path).rule("loud").settings.threshold == NEW
    assert "# Nobody is shouted at." in text
    assert f"on {NUMBER} texts (sha256 {hashlib.sha256(table()).hexdigest()[:12]})" in text
    assert f"recall {expected(NEW)[1]} of {NUMBER // 2}" in text


def kept(page: Any, path: Path) -> None:
    """What the new cut point stops becomes a case, which the command line runs."""
    text = next(t for t in TEXTS if t.label and NEW <= t.score < OLD).text
    page.goto("/try?policy=quiet.yaml")
    page.get_by_label("Text", exact=True).fill(text)
    page.get_by_role("button", name="Try it").click()
    page.get_by_role("button", name="Save the case").click()
    page.locator("#kept .good", has_text="1 of 1 cases pass").wait_for()
    assert app(["test", str(path)], standalone_mode=False) == 0
    path.write_text(POLICY, encoding="utf-8")
    assert app(["test", str(path)], standalone_mode=False) == 2  # the old cut point lets it pass


def test_a_policy_goes_from_5000_texts_to_a_release_and_back(page: Any, policy: Path) -> None:
    releases = Releases(policy.parent / "releases" / "quiet")
    page.set_default_timeout(240_000)  # 15,000 verdicts
    page.goto("/release?policy=quiet.yaml")
    do(page, "Sign it off", "risk@example.com", "as it was")
    page.get_by_text("signed as version 1.").wait_for()
    do(page, "Put it live", "risk", "approved", "1")
    page.get_by_text("Version 1 is live.").wait_for()

    calibrated(page, policy)
    chosen = policy.read_bytes()
    kept(page, policy)
    policy.write_bytes(chosen)

    page.goto("/release?policy=quiet.yaml")
    dropped(page, "Compare on these texts")
    changed = sum(NEW <= t.score < OLD for t in TEXTS)
    page.get_by_text(f"{changed} of {NUMBER} verdicts change.").wait_for()
    there_and_back(page, releases, "calibrated")
