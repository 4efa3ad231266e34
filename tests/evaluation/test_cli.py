"""The command as a person meets it."""

from __future__ import annotations

import gzip
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from tests.evaluation.rows import POLICY, row, run, write

ROWS = [
    row("the kingfisher dives", 1, set="birds", categories=["WORD"]),
    row("a heron waits for PINEAPPLE", 1, set="birds", categories=["WORD"]),
    row("kingfisher <b>LEMONADE</b> \u202eand\x1b[31m a coot", 0, set="birds", categories=[]),
    row("a moorhen", 0, set="birds", categories=[]),
    row("mail anna@example.org", 0, set="mail & more", spans=[[5, 21, "EMAIL"], [0, 4, "NAME"]]),
    row("no label", None, set="mail & more"),
]


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    policy = tmp_path / "small.yaml"
    policy.write_text(POLICY, encoding="utf-8")
    return write(tmp_path / "data.jsonl", ROWS), policy


def test_the_table(files: tuple[Path, Path]) -> None:
    data, policy = files
    done = run("eval", data, "--policy", policy, "--resamples", "0")
    assert done.returncode == 0, done.stderr
    lines = [line.split() for line in done.stdout.splitlines()]
    assert lines[0][0] == "small"
    assert lines[0][-2:] == ["6", "rows"]
    assert ["birds", "2", "2", *["0.500"] * 8][:-1] == next(x for x in lines if x[:1] == ["birds"])[:-1]
    assert ["mail", "&", "more", "0", "1", "–", "–", "–", "0.000", *["–"] * 4] in lines
    assert ["all", "2", "3", "0.500", "0.500", "0.500", "0.333", "0.583"] in [x[:8] for x in lines]
    assert ["all", "fully", "masked", "0.500", "of", "2"] in lines
    assert "3 NONE, 1 MASKED, 2 BLOCKED" in done.stdout
    assert "1 rows have no label" in done.stdout
    assert re.fullmatch(r"6 rows in [\d.]+ s\n", done.stderr)
    assert all(len(line) <= 110 for line in done.stdout.splitlines())


def test_intervals_under_each_figure(files: tuple[Path, Path]) -> None:
    data, policy = files
    first, again = (run("eval", data, "--policy", policy) for _ in range(2))
    assert first.stdout == again.stdout
    assert re.search(r"^ +0\.\d\d–1\.00", first.stdout, re.MULTILINE)
    assert "1000 bootstrap resamples" in first.stdout


def test_json_and_gzip(files: tuple[Path, Path], tmp_path: Path) -> None:
    data, policy = files
    packed = tmp_path / "data.jsonl.gz"
    packed.write_bytes(gzip.compress(data.read_bytes()))
    plain, gz = (json.loads(run("eval", d, "--policy", policy, "--json").stdout) for d in (data, packed))
    plain["data"].pop("file")
    gz["data"].pop("file")
    assert plain == gz
    assert plain["rules"] == ["pii.EMAIL", "regex.account", "words.terms"]
    assert plain["overall"]["recall"]["value"] == 0.5
    assert plain["overall"]["recall_at_1_fpr"]["negatives"] == 3
    assert plain["sets"]["birds"]["categories"]["WORD"]["precision"]["value"] == 0.5
    assert plain["sets"]["mail & more"]["spans"]["types"]["EMAIL"]["value"] == 1
    assert "heron" not in json.dumps(plain)


def test_rules(files: tuple[Path, Path]) -> None:
    data, policy = files
    done = json.loads(run("eval", data, "--policy", policy, "--rules", "pii.*", "--rules", "regex.*", "--json").stdout)
    assert done["rules"] == ["pii.EMAIL", "regex.account"]
    assert done["overall"]["actions"] == {"NONE": 5, "MASKED": 1, "BLOCKED": 0}
    wrong = run("eval", data, "--policy", policy, "--rules", "contnt.*")
    assert wrong.returncode == 1
    assert "--rules contnt.*: no rule of small matches" in wrong.stderr


def test_predictions_and_resume(files: tuple[Path, Path], tmp_path: Path) -> None:
    data, policy = files
    out = tmp_path / "out.jsonl"
    first = run("eval", data, "--policy", policy, "--predictions", out)
    assert first.returncode == 0, first.stderr
    content = out.read_text(encoding="utf-8")
    lines = [json.loads(line) for line in content.splitlines()]
    assert [x["action"] for x in lines] == ["BLOCKED", "NONE", "BLOCKED", "NONE", "MASKED", "NONE"]
    assert lines[0]["findings"] == [
        {"rule": "words.terms", "type": "WORD", "start": 4, "end": 14, "score": 1.0, "level": None, "action": "BLOCKED"}
    ]
    assert not re.search("heron|kingfisher|anna", content)
    out.write_text(content[:-30], encoding="utf-8")
    again = run("eval", data, "--policy", policy, "--predictions", out)
    assert (again.stdout, out.read_text(encoding="utf-8")) == (first.stdout, content)

    policy.write_text(POLICY.replace("kingfisher", "heron"), encoding="utf-8")
    other = run("eval", data, "--policy", policy, "--predictions", out)
    assert other.returncode == 1
    assert "was made with policy" in other.stderr
    assert out.read_text(encoding="utf-8") == content
    assert run("eval", data, "--policy", policy, "--predictions", out, "--overwrite").returncode == 0
    assert out.read_text(encoding="utf-8") != content


def test_wrong_rows_exit_two(files: tuple[Path, Path], tmp_path: Path) -> None:
    data = write(tmp_path / "bad.jsonl", [row("fine"), {"text": "PINEAPPLE", "source": "INPUT", "label": "yes"}])
    done = run("eval", data, "--policy", files[1])
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"{data}:2: label: 0, 1 or null, not a string\n"


@pytest.mark.parametrize(
    "args",
    [
        ("no-such-file", "--policy", "baseline"),
        ("{data}", "--policy", "no-such-policy"),
        ("{data}",),
        ("{data}", "--policy", "{policy}", "--show-text"),
        ("{data}", "--policy", "{policy}", "--overwrite"),
        ("{data}", "--policy", "{policy}", "--html", "no/such/folder.html"),
        ("{data}", "--policy", "{policy}", "--resamples", "-1"),
    ],
)
def test_what_cannot_run_exits_one(args: tuple[str, ...], files: tuple[Path, Path]) -> None:
    data, policy = files
    done = run("eval", *(a.format(data=data, policy=policy) for a in args))
    assert done.returncode == 1
    assert done.stderr.strip()
    assert "Traceback" not in done.stderr


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.attributes: list[tuple[str, str | None]] = []
        self.tags: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs


def test_the_page(files: tuple[Path, Path], tmp_path: Path) -> None:
    data, policy = files
    out = tmp_path / "page.html"
    assert run("eval", data, "--policy", policy, "--html", out).returncode == 0
    page = out.read_text(encoding="utf-8")
    tags = _Tags()
    tags.feed(page)
    # Self-contained: nothing is loaded, nothing runs.
    assert not {"script", "link", "img", "iframe"} & set(tags.tags)
    assert not [a for a in tags.attributes if a[0] in ("src", "href") or a[0].startswith("on")]
    for svg in re.findall(r"<svg.*?</svg>", page, re.DOTALL):
        ET.fromstring(svg)  # noqa: S314 - our own
    titles = re.findall(r"<figcaption>(.*?)</figcaption>", page)
    assert titles == [
        "ROC", "precision and recall", "birds (2 up, 2 down)", "mail &amp; more (0 up, 1 down)", "all (2 up, 3 down)",
    ]  # fmt: skip
    assert "Blocked, and should not be: 1" in page
    assert "Not blocked, and should be: 1" in page
    assert not re.search("PINEAPPLE|LEMONADE|moorhen", page)


def test_texts_only_when_asked_for(files: tuple[Path, Path], tmp_path: Path) -> None:
    data, policy = files
    out = tmp_path / "page.html"
    assert run("eval", data, "--policy", policy, "--html", out, "--show-text").returncode == 0
    page = out.read_text(encoding="utf-8")
    assert "a heron waits for PINEAPPLE" in page
    assert "kingfisher &lt;b&gt;LEMONADE&lt;/b&gt; \\u202eand\\x1b[31m a coot" in page
    assert "moorhen" not in page  # no mistake


def test_names_from_data_do_not_act_on_the_terminal(files: tuple[Path, Path], tmp_path: Path) -> None:
    data = write(tmp_path / "names.jsonl", [row("a", set="[bold]x\x1b[31m"), row("b", set="\ud800")])
    done = run("eval", data, "--policy", files[1])
    assert done.returncode == 0, done.stderr
    assert "[bold]x\\x1b[31m" in done.stdout
    assert "\x1b" not in done.stdout
    assert run("eval", data, "--policy", files[1], "--json").returncode == 0
