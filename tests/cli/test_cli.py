"""The command line as a person meets it: exact screens, and exit codes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def run(
    *args: str, stdin: str = "", cwd: Path = ROOT, env: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "onepolicy_guardrails", *args],
        cwd=cwd,
        input=stdin,
        capture_output=True,
        text=True,
        encoding="utf-8",
        errors="surrogateescape",
        env={
            **os.environ,
            "COLUMNS": "100",
            "NO_COLOR": "1",
            "PYTHONUTF8": "1",
            "PYTHONPATH": str(ROOT),
            **(env or {}),
        },
        timeout=60,
    )


@pytest.fixture
def policy(tmp_path: Path) -> Path:
    path = tmp_path / "small.yaml"
    path.write_text(
        "version: 1\nname: small\nmetadata: {owner: me}\nwords:\n  terms: [kingfisher]\npii:\n  regexes:\n"
        "    - {name: account, pattern: 'ACC-\\d{8}', action: mask}\n",
        encoding="utf-8",
    )
    return path


def sha(path: Path) -> str:
    from guardrails.policy import load

    return load(path).identity.sha256[:12]


def test_masked_screen(policy: Path) -> None:
    done = run("check", "--policy", str(policy), "hello\nmy ACC-12345678, please")
    assert done.returncode == 0
    assert done.stdout == (
        f"MASKED  INPUT under small ({sha(policy)})\n"
        "\n"
        f"MASKED account  rule regex.account  score 1.00  {policy}:8\n"
        "  2 | my ACC-12345678, please\n"
        "    |    ^^^^^^^^^^^^\n"
        "    remedy: leave it out of the text, or add the exact value to `except` of regex.account, or change its action\n"
        "\n"
        "text to use:\n"
        "  hello\n"
        "  my {account}, please\n"
    )


def test_blocked_screen_and_code(policy: Path) -> None:
    done = run("check", "--policy", str(policy), "the kingfisher", "--source", "OUTPUT")
    assert done.returncode == 2
    assert "  1 | the kingfisher\n    |     ^^^^^^^^^^\n" in done.stdout
    assert done.stdout.endswith("text to use:\n  Sorry, I can't share that answer.\n")


def test_allowed(policy: Path) -> None:
    done = run("check", "--policy", str(policy), "-", stdin="nothing here")
    assert (done.returncode, done.stdout) == (0, f"NONE  INPUT under small ({sha(policy)})\n")


def test_json_holds_the_masked_text(policy: Path) -> None:
    done = run("check", "--policy", str(policy), "--json", "ACC-12345678")
    report = json.loads(done.stdout)
    assert (report["action"], report["text"]) == ("MASKED", "{account}")


def test_jsonl_keeps_order_and_errors(policy: Path) -> None:
    rows = [
        {"text": "a"},
        {"nothing": 1},
        {"text": "kingfisher"},
        {"pieces": ["ACC-12345678", {"text": "b"}]},
        {"text": "x", "source": "UP"},
    ]
    done = run("check", "--policy", str(policy), "--jsonl", stdin="\n".join(map(json.dumps, rows)) + "\nnot json\n")
    out = [json.loads(line) for line in done.stdout.splitlines()]
    assert [o.get("action", "error") for o in out] == ["NONE", "error", "BLOCKED", "MASKED", "error", "error"]
    assert out[3]["outputs"] == ["{account}", "b"]
    assert done.returncode == 1


@pytest.mark.parametrize(
    "args",
    [
        ("check", "text"),
        ("check", "--policy"),
        ("check", "--policy", "retail-bank", "--source", "SIDEWAYS", "x"),
        ("nonsense",),
        ("check", "--policy", "retail-bnk", "x"),
        ("check", "--policy", "retail-bank", "--file", "no-such-file"),
        ("test", "no-such-folder"),
    ],
)
def test_what_cannot_run_exits_one(args: tuple[str, ...]) -> None:
    done = run(*args)
    assert done.returncode == 1
    assert done.stderr.strip()
    assert "Traceback" not in done.stderr


def test_the_nearest_policy_is_named() -> None:
    assert "nearest: retail-bank" in run("check", "--policy", "retail-bnk", "x").stderr


def test_shipped_policies_by_name(tmp_path: Path) -> None:
    done = run("check", "--policy", "retail-bank", "my PIN is 4821", cwd=tmp_path)
    assert done.returncode == 2
    assert "pii.PIN" in done.stdout


def test_text_is_never_markup_nor_terminal_control(policy: Path) -> None:
    done = run("check", "--policy", str(policy), "[bold]kingfisher[/bold] \x1b[31mred \u202etxt")
    assert "[bold]kingfisher[/bold]" in done.stdout
    assert "\x1b" not in done.stdout
    assert "\\u001b[31mred \\u202etxt" in done.stdout


def test_other_terminals(policy: Path) -> None:
    for env in ({"PYTHONUTF8": "0", "LC_ALL": "C", "PYTHONIOENCODING": "ascii"}, {"COLUMNS": "20"}, {"TERM": "dumb"}):
        done = run("check", "--policy", str(policy), "é kingfisher", env=env)
        assert done.returncode == 2, done.stderr
        assert "kingfisher" in done.stdout


def test_lint(policy: Path, tmp_path: Path) -> None:
    assert run("lint", str(policy)).stdout == "1 policy, 0 errors, 0 warnings\n"
    bad = tmp_path / "bad.yaml"
    bad.write_text("version: 1\nname: bad\nwrods: {}\nwords: {terms: [x1]}\n", encoding="utf-8")
    done = run("lint", str(bad))
    assert done.returncode == 2
    assert "bad.yaml:3:1: error[unknown-key]: 'wrods' is not a setting here\n" in done.stdout
    assert "nearest: words" in done.stdout


def test_explain(policy: Path) -> None:
    done = run("explain", str(policy))
    line = next(x for x in done.stdout.splitlines() if x.startswith("regex.account.input"))
    assert line.split() == ["regex.account.input", "mask", f"{policy}:8"]
    settings = json.loads(run("explain", "--json", str(policy)).stdout)["settings"]
    assert {"key": "metadata.owner", "value": "me", "at": f"{policy}:3"} in settings


def test_diff(policy: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.yaml"
    other.write_text(policy.read_text(encoding="utf-8").replace("action: mask", "action: block"), encoding="utf-8")
    texts = tmp_path / "texts.txt"
    texts.write_text("hello\nACC-12345678\n", encoding="utf-8")
    done = run("diff", str(policy), str(other), "--texts", str(texts))
    assert done.returncode == 2
    assert "regex.account.input\n  - mask" in done.stdout
    assert "text 2 (INPUT): MASKED → BLOCKED  rules regex.account (were regex.account)" in done.stdout
    assert done.stdout.endswith("2 settings and 1 of 2 verdicts change\n")
    assert run("diff", str(policy), str(policy)).returncode == 0


def test_schema_is_json_schema() -> None:
    schema = json.loads(run("schema").stdout)
    assert schema["$schema"].endswith("2020-12/schema")


def test_import_and_export(tmp_path: Path) -> None:
    request = {
        "name": "bank", "blockedInputMessaging": "no", "blockedOutputsMessaging": "no",
        "wordPolicyConfig": {"wordsConfig": [{"text": "C*"}]},
        "sensitiveInformationPolicyConfig": {"piiEntitiesConfig": [{"type": "EMAIL", "action": "ANONYMIZE"}]},
    }  # fmt: skip
    source = tmp_path / "guardrail.json"
    source.write_text(json.dumps(request), encoding="utf-8")
    policy = tmp_path / "bank.yaml"
    assert run("import", str(source), "-o", str(policy)).returncode == 0
    done = run("export", str(policy))
    assert done.returncode == 0
    assert json.loads(done.stdout) == request
    lossy = run("export", "hospital")
    assert lossy.returncode == 1
    assert "lost: " in lossy.stderr
    json.loads(lossy.stdout)


def test_version_and_help() -> None:
    assert run("--version").stdout.startswith("onepolicy-guardrails 0.")
    done = run("--help")
    assert done.returncode == 0
    for command in ("check", "lint", "explain", "diff", "schema", "test", "import", "export"):
        assert f"  {command}" in done.stdout


def test_help_loads_nothing_heavy() -> None:
    code = (
        "import sys, runpy; sys.argv = ['guardrails', '--help']\n"
        "try: runpy.run_module('onepolicy_guardrails', run_name='__main__')\n"
        "except SystemExit: pass\n"
        "print([m for m in ('presidio_analyzer', 'spacy', 'torch', 'transformers', 're2', 'ahocorasick_rs', 'yaml') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.stdout.splitlines()[-1] == "[]"


def test_a_table_is_rows(policy: Path, tmp_path: Path) -> None:
    table = tmp_path / "x.csv"
    table.write_text('id,prompt,source\n1,"hello, kingfisher",OUTPUT\n2,ACC-12345678,\n', encoding="utf-8")
    for args in (("--file", str(table)), ("--csv",), ("--csv", "--text-column", "prompt")):
        done = run("check", "--policy", str(policy), *args, stdin=table.read_text(encoding="utf-8"))
        out = [json.loads(line) for line in done.stdout.splitlines()]
        assert [(o["action"], o["source"]) for o in out] == [("BLOCKED", "OUTPUT"), ("MASKED", "INPUT")]
        assert done.returncode == 2
    done = run("check", "--policy", str(policy), "--jsonl", stdin=table.read_text(encoding="utf-8"))
    assert "--csv" in done.stdout
    assert done.returncode == 1


def test_rows_of_json_by_the_files_name(policy: Path, tmp_path: Path) -> None:
    rows = tmp_path / "x.jsonl"
    rows.write_text('{"q": "kingfisher"}\n', encoding="utf-8")
    assert run("check", "--policy", str(policy), "--file", str(rows), "--text-column", "q").returncode == 2
    done = run("check", "--policy", str(policy), "--file", str(rows))
    assert "KeyError: a row is {text or pieces, source?}" in done.stdout
