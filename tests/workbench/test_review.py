"""The room *Review* in real browsers: two reviewers at once, by keyboard; what they agree on becomes tests; nothing is stored unasked."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from guardrails import Guard
from guardrails.errors import GuardrailsError
from guardrails.policy import load
from guardrails.policytest import run_file
from guardrails.review import Review
from guardrails.workbench import workbench_app
from guardrails.workbench.uploads import MAX_ROWS
from tests.review import taught
from tests.workbench.conftest import Client, Server
from tests.workbench.reading import faults, picture
from tests.workbench.test_rooms import TOPIC, run

TEXTS = (
    "mail bob@example.com",
    "a kingfisher",
    "tell me about project kingfisher",
    "<b>good</b> morning \u202e",
    "good day",
)
TABLE = "text,label\n" + "".join(f"{t},\n" for t in TEXTS)
STOPPED = "project kingfisher"


def dropped(page: Any, table: str, *, rule: str = "", order: str = "all") -> None:
    page.get_by_label("Ask about").select_option(rule)
    page.get_by_label("Which texts").select_option(order)
    page.get_by_label("Texts", exact=True).set_input_files(
        {"name": "real.csv", "mimeType": "text/csv", "buffer": table.encode()}
    )
    page.get_by_role("button", name="Put them into the queue").click()
    page.get_by_text("new texts of real.csv").wait_for()


def label_all(page: Any, name: str, key: Callable[[str], str]) -> None:
    """Label every text with the keyboard alone."""
    page.get_by_label("Your name").fill(name)
    page.keyboard.press("Enter")
    for number in range(1, len(TEXTS) + 1):
        page.locator(".question .note", has_text=f"Text {number} of {len(TEXTS)}").wait_for()
        page.wait_for_function("document.activeElement.matches('.question')")
        page.keyboard.press(key(page.locator(".question pre").inner_text()))
    page.get_by_text(f"{name} has labelled all {len(TEXTS)} texts.").wait_for()


@contextmanager
def another(browser: Any, server: Server) -> Iterator[Any]:
    context = browser.new_context(base_url=server.url, reduced_motion="reduce")
    made = context.new_page()
    made.set_default_timeout(20_000)
    yield made
    context.close()


def state_of(folder: Path) -> dict[Path, bytes]:
    return {p: hashlib.sha256(p.read_bytes()).digest() for p in folder.rglob("*") if p.is_file()}


def test_two_reviewers_label_by_keyboard_and_their_words_become_tests(
    page: Any, browser: Any, server: Server, folder: Path
) -> None:
    before = state_of(folder)
    page.goto("/review?policy=desk.yaml")
    page.get_by_text("Nothing is stored").wait_for()
    dropped(page, TABLE)
    with another(browser, server) as other:
        other.goto("/review?policy=desk.yaml")
        label_all(page, "ann", lambda text: "y" if STOPPED in text else "n")
        label_all(other, "bob", lambda text: "y" if "kingfisher" in text else "u" if "bob@" in text else "n")
    assert state_of(folder) == before
    page.get_by_role("button", name="How far reviewers agree").click()
    page.get_by_text("Cohen's kappa").wait_for()
    assert "To talk about: 1" in page.locator("#state").inner_text()
    assert page.locator("#state .mistakes li").inner_text().startswith("a kingfisher")
    assert not faults(page)
    page.get_by_role("button", name="Forget this review").wait_for()
    page.goto("/review?policy=desk.yaml")
    page.get_by_label("Your name").fill("ann")
    page.get_by_role("button", name="How far reviewers agree").click()
    page.get_by_role("button", name="Label it again").click()
    page.locator(".question .note", has_text="Text 2 of 5").wait_for()
    page.locator(".question button[aria-pressed=true]", has_text="No").wait_for()
    assert not faults(page)
    picture(page, "review")
    page.wait_for_function("document.activeElement.matches('.question')")
    page.keyboard.press("y")
    page.get_by_text("ann has labelled all 5 texts.").wait_for()
    page.get_by_role("button", name="How far reviewers agree").click()
    page.get_by_text("Decided, by more than half of those who are sure: 5 texts, of which 2 yes.").wait_for()
    with page.expect_download() as given:
        page.get_by_role("link", name="Labelled rows as JSON").click()
    rows = [json.loads(line) for line in Path(given.value.path()).read_text(encoding="utf-8").splitlines()]
    assert [(r["text"], r["label"]) for r in rows] == list(zip(TEXTS, (0, 1, 1, 0, 0), strict=True))
    form = page.locator("form", has=page.get_by_role("button", name="Add them to its tests"))
    form.get_by_label("Policy").select_option("desk.yaml")
    page.get_by_role("button", name="Add them to its tests").click()
    page.locator("#kept .good", has_text=re.compile(r"5 new cases.*5 of 6 cases pass")).wait_for()
    outcome = run_file(folder / "desk.test.yaml")
    assert [c.case.name for c in outcome.outcomes if c.differences] == [
        "a kingfisher"
    ]  # what the policy misses is found


def test_texts_near_a_rule_s_cut_point_are_queued_and_kept_in_the_named_file(
    browser: Any, folder: Path, tmp_path: Path
) -> None:
    (folder / "bank.yaml").write_text(TOPIC)
    path = tmp_path / "apart" / "review.jsonl"
    path.parent.mkdir()
    server = Server(workbench_app(folder, review=path))
    try:
        with another(browser, server) as page:
            page.set_default_timeout(240_000)  # the model is loaded
            page.goto("/review?policy=bank.yaml")
            page.get_by_text("are kept in review.jsonl").wait_for()
            dropped(
                page,
                "text\nShould I buy gold?\nWhere is my card?\nWhich fund is best?\n",
                rule="topic.investment-advice",
                order="near",
            )
            page.get_by_text("Should topic.investment-advice find this text?").first.wait_for()
            page.get_by_label("Your name").fill("ann")
            page.get_by_role("button", name="Label 3 texts").click()
            page.get_by_role("button", name="Yes").click()
            page.locator(".question .note", has_text="Text 2 of 3; 2 are left").wait_for()
    finally:
        server.close()
    again = Review(path)
    assert again.question is not None
    assert again.question.rule == "topic.investment-advice"
    assert again.labels(again.items[0]) == {"ann": 1}


def queued(client: Client, table: bytes, **fields: str) -> Any:
    sent = {"policy": "desk.yaml", "rule": "", "order": "all"} | fields
    return client.post("/review/queue", data=sent, files={"data": ("real.csv", table)}, timeout=120)


def test_hostile_texts_and_names_do_nothing(client: Client) -> None:
    hostile = "<script>alert(1)</script>'\"{{ 7*7 }}\u202e"
    answer = queued(client, f'text\n"{hostile.replace(chr(34), chr(34) * 2)}"\n'.encode())
    assert answer.status_code == 200
    shown = client.get("/review/text", params={"by": hostile.replace("\u202e", "")})
    assert shown.status_code == 200
    assert "<script" not in shown.text
    assert '<span class="odd">U+202E</span>' in shown.text
    for by in ("", " ", "x" * 101, "a\nb"):
        assert client.get("/review/text", params={"by": by}).status_code == 422
    assert client.post("/review/label", data={"id": "none", "label": "1", "by": "ann"}).status_code == 422
    assert client.post("/review/label", data={"id": "none", "label": "2", "by": "ann"}).status_code == 422
    assert client.get("/review/rows.html").status_code == 422


def test_a_review_asks_one_question_and_can_be_forgotten(client: Client) -> None:
    table = b"text\nhello\n"
    assert queued(client, table).status_code == 200
    refused = queued(client, table, rule="pii.EMAIL")
    assert refused.status_code == 422
    assert "asks about the whole policy" in refused.text
    assert queued(client, table, rule="pii.NONE").status_code == 422
    assert "hello" not in client.post("/review/clear").text
    assert queued(client, table, rule="pii.EMAIL").status_code == 200
    assert "Nothing is decided" not in client.post("/review/tests", data={"policy": "desk.yaml"}).text


def test_a_hundred_thousand_rows_are_refused_with_what_to_do(client: Client, folder: Path) -> None:
    before = state_of(folder)
    table = b"text,label\n" + b"good morning to you,0\n" * 100_000
    for path in ("/review/queue", "/calibrate/run", "/release/compare"):
        answer = client.post(path, data={"policy": "desk.yaml"}, files={"data": ("real.csv", table)}, timeout=120)
        assert answer.status_code == 422, path
        assert f"100,000 rows; a page judges {MAX_ROWS:,} at most" in answer.text
    assert state_of(folder) == before


def test_a_file_that_is_no_review_is_refused(folder: Path) -> None:
    (folder / "notes.jsonl").write_text('{"text": "hello"}\n')
    with pytest.raises(GuardrailsError, match=r"notes\.jsonl:1: this is no line of a review"):
        workbench_app(folder, review=folder / "notes.jsonl")


def test_a_topic_is_taught_by_the_author_s_click_alone(browser: Any, folder: Path, tmp_path: Path) -> None:
    for path in folder.iterdir():
        path.unlink()
    (folder / "bank.yaml").write_text(taught.POLICY)
    (tmp_path / "apart").mkdir()
    taught.decided(Review(tmp_path / "apart" / "r.jsonl"))
    server = Server(workbench_app(folder, review=tmp_path / "apart" / "r.jsonl"))
    try:
        with another(browser, server) as page:
            page.set_default_timeout(240_000)  # the model is loaded
            page.goto("/review")
            page.get_by_role("button", name="How far reviewers agree").click()
            page.get_by_role("button", name="Propose examples for the topic").click()
            page.get_by_text("learned from 8 texts, measured on 8 others").wait_for()
            assert not faults(page)
            assert (folder / "bank.yaml").read_text() == taught.POLICY
            (folder / "bank.yaml").write_text(taught.POLICY + "# by somebody else\n")
            page.get_by_role("button", name="Write it into bank.yaml").click()
            page.get_by_text("somebody changed the file meanwhile").wait_for()
            page.get_by_role("button", name="Propose examples for the topic").click()
            page.get_by_role("button", name="Write it into bank.yaml").click()
            page.get_by_text("topic.advice has the new phrases").wait_for()
    finally:
        server.close()
    written = load(folder / "bank.yaml").rule("topic.advice").settings
    assert set(written.examples) <= {"Should I buy shares of Tesla now?", *taught.YES}
    assert len(written.examples) > 1
    assert "# by somebody else" in (folder / "bank.yaml").read_text()


def test_a_head_is_fitted_shown_and_named_by_the_author_s_second_press(
    browser: Any, folder: Path, tmp_path: Path
) -> None:
    for path in folder.iterdir():
        path.unlink()
    (folder / "bank.yaml").write_text(taught.POLICY)
    (tmp_path / "apart").mkdir()
    taught.decided(Review(tmp_path / "apart" / "r.jsonl"))
    server = Server(workbench_app(folder, review=tmp_path / "apart" / "r.jsonl"))
    try:
        with another(browser, server) as page:
            page.set_default_timeout(240_000)  # the model is loaded
            page.goto("/review")
            page.get_by_role("button", name="How far reviewers agree").press("Enter")
            page.get_by_role("button", name="Fit a head for the topic").press("Enter")
            page.get_by_text("a head, fitted on 8 texts and measured on 8 others").wait_for()
            page.get_by_text("4 that belong to the topic and 4 that do not").wait_for()
            recall = page.locator("#lesson tr", has_text="recall").locator("td").last.inner_text()
            assert re.fullmatch(r"[\d.]+% \([\d.]+% to [\d.]+%\)", recall)
            assert not faults(page)
            diff = page.locator("#lesson pre").inner_text()
            assert re.search(r"\+ +head: \{file: heads/advice-[0-9a-f]{12}\.json, sha256: [0-9a-f]{64}\}", diff)
            assert re.search(r"- +threshold: 0\.5", diff)
            assert not any(text in page.locator("#lesson").inner_text() for text in (*taught.YES, *taught.NO))
            assert [p.name for p in folder.iterdir() if p.is_file()] == ["bank.yaml"]
            assert (folder / "bank.yaml").read_text() == taught.POLICY
            page.locator("#lesson").evaluate("e => e.scrollIntoView()")
            picture(page, "head")
            (folder / "bank.yaml").write_text(taught.POLICY + "# by somebody else\n")
            page.get_by_role("button", name="Write the head").press("Enter")
            page.get_by_text("somebody changed the file meanwhile").wait_for()
            assert not (folder / "heads").exists()
            page.get_by_role("button", name="Fit a head for the topic").press("Enter")
            page.get_by_role("button", name="Write the head").press("Enter")
            page.get_by_text("topic.advice is decided by heads/advice-").wait_for()
            page.wait_for_function("document.activeElement.matches('#lesson .good')")
            assert not faults(page)
            page.goto("/try?policy=bank.yaml")
            policies = page.locator("select[name=policy]").inner_text()
            assert "bank.yaml" in policies
            assert "heads/" not in policies
            run(page, "Should I put my savings into a fund?", "INPUT")
            page.locator("#result h2 .verdict").wait_for()
    finally:
        server.close()
    policy = load(folder / "bank.yaml")
    written = policy.rule("topic.advice").settings
    (head,) = (folder / "heads").iterdir()
    assert written.head.sha256 == hashlib.sha256(head.read_bytes()).hexdigest()
    assert written.threshold is None
    assert "# by somebody else" in (folder / "bank.yaml").read_text()
    # The head decides, and nothing else: other weights are other verdicts.
    text = "Which fund would you put ten thousand into?"
    for bias, stopped in ((30.0, True), (-30.0, False)):
        data = json.dumps({**json.loads(head.read_bytes()), "bias": bias}).encode()
        (folder / "other.json").write_bytes(data)
        said = (folder / "bank.yaml").read_text().replace(written.head.file, "other.json")
        (folder / "bank.yaml").write_text(said.replace(written.head.sha256, hashlib.sha256(data).hexdigest()))
        assert Guard(load(folder / "bank.yaml").unhurried()).check(text, "INPUT").blocked is stopped
        (folder / "bank.yaml").write_text(said.replace("other.json", written.head.file))


def test_a_head_of_too_few_texts_or_of_another_rule_is_refused_with_what_to_do(client: Client, folder: Path) -> None:
    (folder / "bank.yaml").write_text(TOPIC)
    table = b"text\nShould I buy gold?\nWhere is my card?\n"
    queued(client, table, policy="bank.yaml", rule="topic.investment-advice")
    answer = client.post("/review/head", data={"policy": "bank.yaml"})
    assert answer.status_code == 422
    assert "0 texts are decided as yes, and 4 are needed" in answer.text
    assert "label more texts" in answer.text
    assert "no topic of desk" in client.post("/review/head", data={"policy": "desk.yaml"}).text
    assert client.post("/review/topic/write", data={"id": "none"}).status_code == 422
    client.post("/review/clear")
    queued(client, table, rule="pii.EMAIL")
    answer = client.post("/review/head", data={"policy": "desk.yaml"})
    assert answer.status_code == 422
    assert "pii.EMAIL is no denied topic" in answer.text
    assert not (folder / "heads").exists()
