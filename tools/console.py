"""The commands that the documentation shows: found, run, compared, and brought up to date.

    python -m tools.console            # run every command; print what differs from the pages; exit 1 if anything does
    python -m tools.console --write    # put the real output into the pages

In a ```` ```console ```` block, a line that starts with ``$ `` is a command and what follows is its output; a command with no output
is run and may print anything. A block such as ```` ```yaml title="support.yaml" ```` is a file, which the commands of that page find in
their folder. Commands that serve until they are stopped, install or need a network are not run (:data:`NOT_RUN`).
"""

from __future__ import annotations

import argparse
import os
import re
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
# What a page's command starts with → why it is not run here.
NOT_RUN = {
    "docker ": "needs a container engine",
    "PIP_EXTRA=": "needs a container engine",
    "curl ": "needs a server that runs",
    "openapi-python-client ": "needs a server that runs",
    "PYTHONPATH=. python examples/generated": "needs a server that runs",
    "npx ": "needs a server that runs",
    "guardrails proxy": "serves until it is stopped",
    "guardrails demo": "serves until it is stopped",
    "guardrails audit stamp": "needs a time stamp authority",
    "MODEL_URL=": "needs a model",
    "OPENAI_KEY=": "needs a model",
    "OLLAMA_HOST=": "needs a model",
    "ANTHROPIC_BASE_URL=": "needs a model",
    "vllm ": "needs a model",
    "ruff ": "the linters and tests that CI runs",
    "mypy": "the linters and tests that CI runs",
    "lint-imports": "the linters and tests that CI runs",
    "python -m pytest": "the linters and tests that CI runs",
    "guardrails eval held-out": "needs a labelled set of the reader's",
}
_BLOCK = re.compile(r'^```(\w+)(?: title="([\w./-]+)")?\n(.*?)^```', re.DOTALL | re.MULTILINE)


@dataclass(frozen=True)
class Command:
    """One command of a page: ``start`` and ``end`` are where its output stands in the page's text."""

    page: Path
    line: str
    output: str
    start: int
    end: int
    files: tuple[tuple[str, str], ...]

    @property
    def reason(self) -> str | None:
        """Why it is not run, or None."""
        return next((why for start, why in NOT_RUN.items() if self.line.startswith(start)), None)


def pages() -> list[Path]:
    """Every page with commands."""
    return [
        ROOT / "README.md",
        ROOT / "CONTRIBUTING.md",
        *sorted((ROOT / "docs").glob("*.md")),
        ROOT / "examples" / "README.md",
        ROOT / "models" / "README.md",
        ROOT / "docker" / "README.md",
    ]


def commands(page: Path) -> Iterator[Command]:
    """The commands of a page, in order. ``files`` are those that the page showed before."""
    text = page.read_text(encoding="utf-8")
    files: dict[str, str] = {}
    for block in _BLOCK.finditer(text):
        kind, title, body = block[1], block[2], block[3]
        if title:
            files[title] = body
        if kind != "console":
            continue
        at = block.start(3)
        starts = [m.start() for m in re.finditer(r"^\$ ", body, re.MULTILINE)]
        for begin, stop in zip(starts, [*starts[1:], len(body)], strict=True):
            part = body[begin:stop]
            head = re.match(r"\$ (?:.*\\\n)*.*\n?", part)
            line = head[0] if head else part
            yield Command(
                page,
                re.sub(r"\\\n\s*", "", line[2:])
                .strip()
                .split("&& .venv/bin/")[-1]
                .removeprefix(".venv/bin/"),  # of what sets up, the last step
                part[len(line) :],
                at + begin + len(line),
                at + stop,
                tuple(files.items()),
            )


def run(command: Command, folder: Path) -> str:
    """What the command prints, standard output before errors; run in ``folder`` where the page shows files, else in the project."""
    for name, body in command.files:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            path.write_text(body, encoding="utf-8")
    name, *args = shlex.split(command.line.split("  #", maxsplit=1)[0])
    start = {"guardrails": [sys.executable, "-m", "onepolicy_guardrails"], "python": [sys.executable]}
    if name not in start:
        raise ValueError(
            f"{command.page.name}: no way to run {name!r}; name it in NOT_RUN with a reason, or use guardrails or python"
        )
    environment = {**os.environ, "COLUMNS": "100", "NO_COLOR": "1", "PYTHONUTF8": "1"}
    environment.pop("GUARDRAILS_MODELS", None)  # a reader has the default
    environment["PYTHONPATH"] = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    done = subprocess.run(  # noqa: S603 - our own pages
        [*start[name], *args],
        cwd=folder if command.files else ROOT,
        capture_output=True,
        text=True,
        encoding="utf-8",
        env=environment,
        check=False,
    )
    if not command.output and done.returncode not in (0, 2):
        raise ValueError(f"{command.page.name}: {command.line}\n{done.stdout}{done.stderr}")
    return "".join(f"{line.rstrip()}\n" for line in (done.stdout + done.stderr).rstrip("\n").split("\n"))


def same(shown: str, printed: str) -> bool:
    """True where a page shows what was printed; a line ``...`` of the page stands for any lines."""
    parts = [
        re.escape("".join(f"{x.rstrip()}\n" for x in p.strip("\n").split("\n")))
        for p in re.split(r"^\.\.\.\n", shown.rstrip("\n") + "\n", flags=re.MULTILINE)
        if p.strip()
    ]
    return (
        re.fullmatch(r"(?:.*\n)*".join(parts) + (r"(?:.*\n)*" if shown.rstrip().endswith("...") else ""), printed)
        is not None
    )


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--write", action="store_true")
    parser.add_argument("pages", nargs="*", type=Path)
    args = parser.parse_args()
    wrong = False
    for page in [p.resolve() for p in args.pages] or pages():
        with tempfile.TemporaryDirectory() as folder:
            edits = []
            for command in commands(page):
                if command.reason is None:
                    printed = run(command, Path(folder))
                    if command.output and not same(command.output, printed):
                        wrong = True
                        print(f"{page.relative_to(ROOT)}: $ {command.line}\n{printed}")
                        edits.append(
                            (command.start, command.end, printed + ("\n" if command.output.endswith("\n\n") else ""))
                        )
        if args.write and edits:
            text = page.read_text(encoding="utf-8")
            for start, end, printed in reversed(edits):
                text = text[:start] + printed + text[end:]
            page.write_text(text, encoding="utf-8")
    sys.exit(int(wrong and not args.write))


if __name__ == "__main__":
    main()
