from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from guardrails.policytest import exit_code, junit, run_file
from tests.cli.test_cli import run

POLICY = "version: 1\nname: small\nwords: {terms: [kingfisher]}\npii: {regexes: [{name: account, pattern: 'ACC-\\d{8}', action: mask}]}\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "small.yaml").write_text(POLICY, encoding="utf-8")
    return tmp_path


def write(folder: Path, cases: str) -> Path:
    path = folder / "small.test.yaml"
    path.write_text(cases, encoding="utf-8")
    return path


def test_passing(folder: Path) -> None:
    path = write(folder, """cases:
  - {finds: 'my [account:ACC-12345678]', masked: 'my {account}', expect: MASKED}
  - {text: kingfisher, source: BOTH, expect: BLOCKED, rules: [words.terms], not_rules: regex.account}
  - {name: nothing, text: a heron, expect: NONE}
""".replace("[account:ACC-12345678]", "ACC-12345678").replace("finds", "text"))  # fmt: skip
    done = run("test", str(folder))
    assert done.stdout == f"PASS {path}: 4/4, 1 safe look-alikes\n4 passed, 0 failed, 0 could not run\n"
    assert done.returncode == 0


def test_failing_reads_as_a_diff(folder: Path) -> None:
    path = write(
        folder,
        "cases:\n  - {name: wrong, text: 'a kingfisher', expect: NONE}\n  - {text: 'ACC-12345678', masked: '***'}\n",
    )
    done = run("test", str(folder))
    assert done.returncode == 2
    assert done.stdout == (
        f"FAIL {path}: 0/2, 1 safe look-alikes\n"
        f"  FAIL {path}:2 wrong (INPUT)\n"
        "      action\n"
        "        expected: NONE\n"
        "        got:      BLOCKED   a [WORD:kingfisher]\n"
        f"  FAIL {path}:3 ACC-12345678 (INPUT)\n"
        "      masked\n"
        "        expected: ***\n"
        "        got:      {account}\n"
        "0 passed, 2 failed, 0 could not run\n"
    )


def test_no_cases_is_a_failure(folder: Path) -> None:
    assert exit_code([run_file(write(folder, "cases: []\n"))]) == 2
    assert run("test", str(folder / "small.test.yaml")).returncode == 2
    (folder / "small.test.yaml").unlink()
    assert run("test", str(folder)).returncode == 2


@pytest.mark.parametrize(
    ("cases", "message"),
    [
        ("cases:\n  - {txt: x, expect: NONE}\n", "unknown-key"),
        ("cases:\n  - {text: x}\n", "expects nothing"),
        ("cases:\n  - {expect: NONE}\n", "has no text"),
        ("cases:\n  - {text: x, expect: MAYBE}\n", "unknown-value"),
        ("cases: 3\n", "wrong-type"),
        ("policy: none.yaml\ncases:\n  - {text: x, expect: NONE}\n", "not-found"),
    ],
)
def test_what_cannot_run_is_an_error(folder: Path, cases: str, message: str) -> None:
    outcome = run_file(write(folder, cases))
    assert outcome.error is not None
    assert message in outcome.error
    assert exit_code([outcome]) == 1


def test_junit(folder: Path) -> None:
    path = write(folder, "cases:\n  - {name: 'x & y', text: a, expect: NONE}\n  - {text: kingfisher, expect: NONE}\n")
    root = ET.fromstring(junit([run_file(path)]))  # noqa: S314 - our own output
    suite = root[0]
    assert (suite.get("tests"), suite.get("failures"), suite.get("errors")) == ("2", "1", "0")
    assert suite[0].get("name") == "x & y (INPUT)"
    failure = suite[1].find("failure")
    assert failure is not None
    assert "BLOCKED" in (failure.text or "")
    report = folder / "junit.xml"
    assert run("test", str(path), "--junit", str(report)).returncode == 2
    assert report.exists()


def test_pieces(folder: Path) -> None:
    path = write(
        folder, "cases:\n  - {pieces: [{text: 'ACC-12345678', role: document}, {text: b}], masked: \"{account}\\nb\"}\n"
    )
    assert exit_code([run_file(path)]) == 0
