"""The commands that the documentation shows: found, run, compared, and brought up to date.

    python -m tools.console            # run every command; print what differs from the pages; exit 1 if anything does
    python -m tools.console --write    # put the real output into the pages

In a ```` ```console ```` block, a line that starts with ``$ `` is a command and what follows is its output; a command with no output
is run and may print anything. A block such as ```` ```yaml title="support.yaml" ```` is a file, which the commands of that page find in
their folder. ``guardrails serve`` runs until the page ends, on a free port that stands in for 8081 in the commands and files behind it. Other
commands that serve until they are stopped, and those that install or need a network, are not run (:data:`NOT_RUN`).
"""

from __future__ import annotations

import argparse
import os
import re
import shlex
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Self

ROOT = Path(__file__).resolve().parents[1]
SERVER = "needs a server that runs"
# What a page's command starts with → why it is not run here.
NOT_RUN = {
    "docker ": "needs a container engine",
    "PIP_EXTRA=": "needs a container engine",
    "curl ": SERVER,
    "openapi-python-client ": SERVER,
    "PYTHONPATH=. python examples/generated": SERVER,
    "npx ": SERVER,
    "guardrails proxy": "serves until it is stopped",
    "guardrails mcp": "serves until it is stopped",
    "guardrails demo": "serves until it is stopped",
    "guardrails workbench": "serves until it is stopped",
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
    "guardrails audit show --log evidence/ --last 5": "needs a model",
    "guardrails eval held-out": "needs a labelled set of the reader's",
}
# Where a page says that its service listens.
_PORT = "127.0.0.1:8081"
_BLOCK = re.compile(r'^```(\w+)(?: title="([\w./-]+)")?\n(.*?)^```', re.DOTALL | re.MULTILINE)


@dataclass(frozen=True)
class Command:
    """One command of a page: ``start`` and ``end`` are where its output stands in the page's text; ``served``: the page has started a
    service before."""

    page: Path
    line: str
    output: str
    start: int
    end: int
    files: tuple[tuple[str, str], ...]
    served: bool = False

    @property
    def serves(self) -> bool:
        """Whether it runs until it is stopped, beside the page's later commands."""
        return self.line.startswith("guardrails serve ") and "--check" not in self.line

    @property
    def reason(self) -> str | None:
        """Why it is not run, or None."""
        why = next((why for start, why in NOT_RUN.items() if self.line.startswith(start)), None)
        return None if why == SERVER and self.served else why


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
    served = False
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
            command = Command(
                page,
                re.sub(r"\\\n\s*", "", line[2:])
                .strip()
                .split("&& .venv/bin/")[-1]
                .removeprefix(".venv/bin/"),  # of what sets up, the last step
                part[len(line) :],
                at + begin + len(line),
                at + stop,
                tuple(files.items()),
                served,
            )
            served |= command.serves
            yield command


class Shell:
    """Runs the commands of one page: in ``folder`` where the page shows files, else in the project. Ends what serves."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._serving = ExitStack()
        self._address = _PORT

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._serving.close()

    def run(self, command: Command) -> str:
        """What the command prints, standard output before errors; nothing of one that serves."""
        for name, body in command.files:
            path = self._folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            if not path.exists():
                path.write_text(body.replace(_PORT, self._address), encoding="utf-8")
        name, *args = shlex.split(command.line.split("  #", maxsplit=1)[0].replace(_PORT, self._address))
        start = {
            "guardrails": [sys.executable, "-m", "onepolicy_guardrails"],
            "python": [sys.executable],
            "curl": ["curl"],
        }
        if name not in start:
            raise ValueError(
                f"{command.page.name}: no way to run {name!r}; name it in NOT_RUN with a reason, or use guardrails or python"
            )
        environment = {**os.environ, "COLUMNS": "100", "NO_COLOR": "1", "PYTHONUTF8": "1"}
        environment.pop("GUARDRAILS_MODELS", None)  # a reader has the default
        environment["GUARDRAILS_DTYPE"] = (
            "fp32"  # scores to the last digit shown, whatever the processor multiplies best
        )
        environment["PYTHONPATH"] = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
        where = self._folder if command.files or command.serves or command.served else ROOT
        if command.serves:
            self._serve([*start[name], *args, "--port", "0"], where, environment)
            return ""
        done = subprocess.run(  # noqa: S603 - our own pages
            [*start[name], *args],
            cwd=where,
            capture_output=True,
            text=True,
            encoding="utf-8",
            env=environment,
            check=False,
        )
        if not command.output and done.returncode not in (0, 2):
            raise ValueError(f"{command.page.name}: {command.line}\n{done.stdout}{done.stderr}")
        return "".join(f"{line.rstrip()}\n" for line in (done.stdout + done.stderr).rstrip("\n").split("\n"))

    def _serve(self, arguments: list[str], where: Path, environment: dict[str, str]) -> None:
        """Start a service, and find out where it listens."""
        told = self._folder / "served.log"
        with told.open("wb") as out:
            process = subprocess.Popen(arguments, cwd=where, env=environment, stdout=subprocess.DEVNULL, stderr=out)  # noqa: S603
        self._serving.callback(process.wait)
        self._serving.callback(process.terminate)
        while True:
            said = told.read_text(encoding="utf-8")
            found = re.search(r"^guardrails serve: http://(\S+)\n", said, re.MULTILINE)
            if found is not None:
                self._address = found[1]
                return
            if process.poll() is not None:
                raise ValueError(f"{' '.join(arguments[2:])}\n{said}")
            time.sleep(0.1)


def same(shown: str, printed: str) -> bool:
    """True where a page shows what was printed; a line ``...`` of the page stands for any lines, and ``…`` for anything on its line."""
    lines = [re.escape(line.rstrip()).replace("…", ".*") + "\n" for line in shown.strip("\n").split("\n")]
    return re.fullmatch("".join(r"(?:.*\n)*" if line == "\\.\\.\\.\n" else line for line in lines), printed) is not None


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--write", action="store_true")
    parser.add_argument("pages", nargs="*", type=Path)
    args = parser.parse_args()
    wrong = False
    for page in [p.resolve() for p in args.pages] or pages():
        with tempfile.TemporaryDirectory() as folder, Shell(Path(folder)) as shell:
            edits = []
            for command in commands(page):
                if command.reason is None:
                    printed = shell.run(command)
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
