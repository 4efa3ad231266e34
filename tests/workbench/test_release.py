"""A version of a policy from its signature to its rollback, in a real browser."""

from __future__ import annotations

import json
from contextlib import closing
from pathlib import Path
from typing import Any

from guardrails.evidence import EvidenceLog, EvidenceSettings
from guardrails.evidence.reader import Reader
from guardrails.evidence.verify import verify
from guardrails.release import Releases
from guardrails.service.settings import ServiceSettings
from guardrails.tenants.keys import hash_key, new_key
from guardrails.workbench import workbench_app
from tests.workbench.conftest import POLICY, Client, Server
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


DONE = (
    ({"do": "sign", "by": "risk@example.com", "reason": "first <b>version</b>"}, "signed", 1),
    ({"do": "promote", "version": "1", "by": "ops", "reason": "approved"}, "promoted", 1),
    ({"do": "sign", "by": "risk@example.com", "reason": "mail is blocked"}, "signed", 2),
    ({"do": "promote", "version": "2", "by": "ops", "reason": "approved, too"}, "promoted", 2),
    ({"do": "roll back", "by": "ops", "reason": "too strict"}, "rolled back", 1),
)


def steps(client: Client, folder: Path, prefix: str = "") -> list[dict[str, object]]:
    """Everything that a page releases, and what a record has to say of each step."""
    for fields, _, _ in DONE:
        answer = client.post(f"{prefix}/release/do", data={"policy": "desk.yaml", **fields})
        assert answer.status_code == 200, answer.text
        assert "recorded in the log of evidence log " in answer.text
        blocked = POLICY.replace("EMAIL: {action: mask, mask: numbered}", "EMAIL: block")
        if fields["do"] == "promote":
            (folder / "desk.yaml").write_text(blocked)
    releases = Releases(folder / "releases" / "desk")
    return [
        {"action": action, "version": version, "name": "desk", "sha256": releases.version(version).sha256,
         "by": fields["by"], "reason": fields["reason"], "file": "desk.yaml"} | ({"tests": 1} if action == "signed" else {})
        for fields, action, version in DONE
    ]  # fmt: skip


def recorded(log: Path) -> list[dict[str, object]]:
    """The records of releases in a log that verifies."""
    reader = Reader(log)
    found = verify(reader, reader.verifier())
    assert found.ok, found.problems
    records = [json.loads(record) for _, record in reader.records()]
    assert all(r["ts"] for r in records)
    return [r["body"] for r in records if r["kind"] == "release"]


def test_every_step_is_recorded_first_in_a_log_that_verifies(folder: Path, tmp_path_factory: Any) -> None:
    log = tmp_path_factory.mktemp("apart") / "log"
    server = Server(workbench_app(folder, evidence=log))
    try:
        with closing(Client(server.url, timeout=600)) as client:
            told = steps(client, folder)
            assert recorded(log) == told
            # The command line may write the log meanwhile; while somebody has it open, nothing happens.
            with EvidenceLog.open(log):
                answer = client.post("/release/do", data={"policy": "desk.yaml", **DONE[-2][0]})
                assert answer.status_code == 422
            assert Releases(folder / "releases" / "desk").live == 1
            assert recorded(log) == told
            for wrong in ({"do": "promote", "version": "7"}, {"do": "sign", "by": "somebody"}, {"do": "nothing"}):
                answer = client.post("/release/do", data={"policy": "desk.yaml", "by": "ops", "reason": "x", **wrong})
                assert answer.status_code == 422
            assert recorded(log) == told
    finally:
        server.close()


def test_a_log_that_cannot_be_written_keeps_a_step_from_happening(folder: Path, tmp_path_factory: Any) -> None:
    log = tmp_path_factory.mktemp("apart") / "log"
    log.write_text("a file")
    server = Server(workbench_app(folder, evidence=log))
    try:
        with closing(Client(server.url, timeout=600)) as client:
            answer = client.post("/release/do", data={"policy": "desk.yaml", **DONE[0][0]})
            assert answer.status_code == 422
            assert "this log of evidence cannot be written" in answer.text
    finally:
        server.close()
    assert Releases(folder / "releases" / "desk").history() == []


def test_below_the_service_it_is_the_service_s_log(folder: Path, tmp_path_factory: Any) -> None:
    apart, key = tmp_path_factory.mktemp("apart"), new_key()
    (apart / "keys.yaml").write_text(f"version: 1\nkeys:\n  ann: {{hash: '{hash_key(key)}', scopes: [author]}}\n")
    settings = ServiceSettings(
        str(folder), keys=str(apart / "keys.yaml"), evidence=EvidenceSettings(apart / "log"), workbench=True
    )
    app = settings.app()
    server = Server(app)
    try:
        with closing(Client(server.url, path="/workbench/try", auth=("ann", key), timeout=600)) as client:
            told = steps(client, folder, "/workbench")
    finally:
        server.close()
        app.handling.checking.close()
    assert recorded(apart / "log") == told


def test_a_draft_that_does_not_load_stops_no_rollback(page: Any, folder: Path) -> None:
    releases = Releases(folder / "releases" / "desk")
    for number, text in enumerate((POLICY, POLICY.replace("EMAIL: {action: mask, mask: numbered}", "EMAIL: block")), 1):
        (folder / "desk.yaml").write_text(text)
        releases.sign(folder / "desk.yaml", by="risk@example.com", reason="version")
        releases.promote(number, by="risk", reason="approved")
    (folder / "desk.yaml").write_text(POLICY.replace("version: 1", "version: 1\nwrods: {}"))
    page.goto("/release?policy=desk.yaml")
    page.locator("#state .problem", has_text="wrods").wait_for()
    assert not page.get_by_role("button", name="Sign it off").count()
    do(page, "Roll back", "risk", "too strict")
    page.get_by_text("Version 1 is live.").wait_for()
    assert releases.live == 1
