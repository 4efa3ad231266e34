"""What is wrong where YAML cannot be read at all, and what to write instead.

libyaml says what it expected at the place where it gave up. Authors need the place where the mistake is, which is often
earlier (a quote that was never closed), and what to do about it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import yaml

__all__ = ["Mistake", "mistake"]

_KEY = re.compile(r"""(?:^|[{,]\s*|\s|^\s*-\s+)(?:[\w.-]+|"[^"]*"|'[^']*'):\s""")
_GLUED = re.compile(r"^\s*(?:-\s+)?[\w.-]+:\S")
_ESCAPE = (
    "put the text in single quotes: a backslash in double quotes begins an escape, in single quotes it is a backslash"
)
_TAB = "indent with spaces, not with a tab"
_COLON = "put the text in quotes: a colon followed by a blank begins a new key"
_INDENT = "indent this line with as many spaces as the lines that it belongs with"
_QUOTES = "put the whole text in quotes"


class Mistake(NamedTuple):
    """What libyaml says, the place (1-based) where the mistake is, and the remedy."""

    what: str
    line: int
    column: int
    remedy: str


def mistake(error: Exception, text: str, loader: Any) -> Mistake:
    """The mistake behind an error of libyaml over ``text``."""
    lines = text.split("\n")
    problem = getattr(error, "problem", None) or "values are nested too deeply"
    context = getattr(error, "context", None) or ""
    here, there = getattr(error, "problem_mark", None), getattr(error, "context_mark", None)
    at = (here.line, here.column) if here is not None else (0, 0)
    began = (there.line, there.column) if there is not None else at
    line = lines[at[0]] if at[0] < len(lines) else ""

    def found(place: tuple[int, int], remedy: str, what: str = problem) -> Mistake:
        # What libyaml names may lie behind the last line.
        row = min(place[0], max(0, len(lines) - 1 - (len(lines) > 1 and not lines[-1])))
        return Mistake(what, row + 1, place[1] + 1 if row == place[0] else 1, remedy)

    tab = _tab(lines, at[0])
    if tab is not None and ("tab" in problem or "start any token" in problem or "expected" in problem):
        return found(tab, _TAB, "a tab stands where spaces must")
    if "quoted scalar" in context:
        if "end of stream" in problem or "document indicator" in problem:
            quote = lines[began[0]][began[1] : began[1] + 1]
            return found(began, f"close the quote with another {quote}", "a quote is opened here and never closed")
        return found(at, _ESCAPE)
    if "alias" in context or "anchor" in context:
        sign = lines[began[0]][began[1] : began[1] + 1]
        return found(
            began, f"put a value that starts with {sign} in quotes", f"{sign} begins a name of YAML's own here"
        )
    opened = _open_quote(text, lines, loader, at[0])
    if opened is not None:
        return found(
            opened,
            "close the quote on this line, or write a quote inside a quoted text twice: 'it''s'",
            "a quote that is opened here is closed on another line",
        )
    return _shape(found, problem, context, lines, line, at, began)


def _shape(  # noqa: PLR0917 - one way out for each kind of mistake
    found: Callable[..., Mistake],
    problem: str,
    context: str,
    lines: Sequence[str],
    line: str,
    at: tuple[int, int],
    began: tuple[int, int],
) -> Mistake:
    """Mistakes of structure: brackets, colons, dashes and indentation."""
    before, char = line[: at[1]], line[at[1] : at[1] + 1]
    if "start any token" in problem:
        return found(at, f"put a value that starts with {char} in quotes")
    if "',' or ']'" in problem or "',' or '}'" in problem:
        closing = "]" if "]" in problem else "}"
        if char == ":" and at[0] == began[0]:
            return found(at, _COLON)
        return found(
            began,
            f"close it with {closing} and put a comma between two entries; a text that holds brackets, braces, commas or colons "
            "stands in quotes",
            f"what is opened here is not closed with {closing} before the next key",
        )
    if "mapping values are not allowed" in problem:
        if _KEY.search(before + " ") and ": " in before:
            return found(at, _COLON)
        above = next(
            (i for i in range(at[0] - 1, -1, -1) if lines[i].strip() and not lines[i].lstrip().startswith("#")), None
        )
        if above is not None and ":" not in lines[above]:
            return found((above, 0), "write key: value, with a colon and a blank", "this line has no colon")
        if above is not None and _GLUED.match(lines[above]):
            return found(
                (above, lines[above].index(":")), "write a blank after the colon", "a colon without a blank is no key"
            )
        return found(at, _INDENT)
    return _entries(found, problem, context, lines, line, at, began)


def _entries(  # noqa: PLR0917 - as above
    found: Callable[..., Mistake],
    problem: str,
    context: str,
    lines: Sequence[str],
    line: str,
    at: tuple[int, int],
    began: tuple[int, int],
) -> Mistake:
    """Mistakes of lines: keys without a colon, entries without a dash, quotes, tags."""
    before, char = line[: at[1]], line[at[1] : at[1] + 1]
    if "expected ':'" in problem:
        place = began if lines[began[0]].strip() else at
        if _GLUED.match(lines[place[0]]):
            return found(
                (place[0], lines[place[0]].index(":")),
                "write a blank after the colon",
                "a colon without a blank is no key",
            )
        return found(
            place, "write key: value, or begin an entry of a list with - and a blank; a text of several lines stands below key: |",
            "this line is neither a key nor an entry of a list",
        )  # fmt: skip
    if "sequence entries are not allowed" in problem:
        return found(
            at, "write the entries below the key, each on a line that begins with - and a blank, or in brackets: [a, b]"
        )
    if "expected '-' indicator" in problem:
        return found(
            at,
            "indent this line as the list's entries are: a key of the last entry further, a new entry as the others, with -",
        )
    if "comment or line break" in problem:
        return found(began, f"put a value that starts with {lines[began[0]][began[1] : began[1] + 1]} in quotes")
    if "tag" in problem or "tag" in context:
        return found(began, "put a value that starts with ! in quotes")
    if "expected key" in problem:
        if before.rstrip() and before.rstrip()[-1] in "\"'":
            return found(
                at,
                "put the whole text in one pair of quotes; a quote inside is written twice in single quotes: 'it''s'",
            )
        if before.strip() and not char.isspace() and re.search(r"'[^']*'$|\"[^\"]*\"\s*$", before):
            return found(at, _QUOTES)
        if before.strip() and re.search(r"[\]}]\S*\s*$", before + char):
            return found(
                at, "put a text that starts with [ or { in single quotes: outside of them it is a list or a mapping"
            )
        if before.strip():
            return found(at, f"{_QUOTES}: a quote inside is written twice in single quotes ('it''s')")
        if line.lstrip().startswith("- "):
            return found(at, "indent the entries of a list below their key, or remove the -")
        return found(at, _INDENT)
    if "node content" in problem:
        return found(at, f"put a value that starts with {char} in quotes" if char else "write a value")
    return found(
        at, "put a text with signs such as : # [ ] { } , & * ! | > ' \" % @ ` in single quotes, and indent with spaces"
    )


def _tab(lines: Sequence[str], row: int) -> tuple[int, int] | None:
    """The first tab in the indentation of the line, or of the one before it."""
    for at in (row, row - 1):
        if 0 <= at < len(lines):
            indentation = lines[at][: len(lines[at]) - len(lines[at].lstrip())]
            if "\t" in indentation:
                return at, indentation.index("\t")
    return None


def _open_quote(text: str, lines: Sequence[str], loader: Any, row: int) -> tuple[int, int] | None:
    """Where a quoted text begins that ends on another line, the one where reading stopped: its own end was forgotten."""
    last: Any = None
    try:
        for token in yaml.scan(text, Loader=loader):
            if token.start_mark.line > row:
                break
            if isinstance(token, yaml.ScalarToken) and not token.plain and token.style in ("'", '"'):
                last = token
                if token.start_mark.line < row <= token.end_mark.line and lines[row][token.end_mark.column :].strip(
                    " ,]}"
                ):
                    return token.start_mark.line, token.start_mark.column
    except yaml.YAMLError:
        pass
    if last is not None and last.start_mark.line < last.end_mark.line == row:
        return last.start_mark.line, last.start_mark.column
    return None
