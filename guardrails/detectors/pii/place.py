"""Where a value stands: the texts next to it, its line, and whether that is code."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from guardrails.inference.tagging import Tagged

__all__ = ["Place", "code", "statement"]

# Marks that prose does not have, and lines that begin as code does.
_MARKS = re.compile(r"[{}\[\]()<>=;_\\|*`$&^~%#]|->|::|\.\w|\w/\w|--|\+\+")
_STATEMENT = re.compile(
    r"\s*(?:(?:def|class|import|from|return|elif|else|try|except|finally|with|while|for|if|raise|yield|lambda|async|await|assert|del|"
    r"global|pass|function|const|let|var|export|public|private|protected|static|void|int|char|struct|enum|typedef|unsigned|long|"
    r"switch|case|break|continue|namespace|using|template|extern|inline|package|interface|new|throw|catch|do|fi|esac|then|echo)\b"
    r"(?=.*[(){}\[\]:;=<>_*]\s*$|.*\bself\b|\s+\w+$)|#\s*(?:include|define|if|ifdef|ifndef|endif|pragma|undef)\b|@\w[\w.]*\s*(?:\(|$)|"
    r">>>|\.\.\.\s|\$ |//|/\*|\*\s|<\w|</|--\w|:\w+:|\.\. \w)"
)


def statement(line: str) -> bool:
    """True for a line that begins as a statement of code does."""
    return _STATEMENT.match(line) is not None


def code(line: str) -> bool:
    """True for a line that is source code, mark-up or numbers and not a sentence or a record."""
    text = line.strip()
    if not text:
        return False
    if statement(line):
        return True
    letters = sum(c.isalpha() for c in text)
    marks = len(_MARKS.findall(text))
    return (marks >= 3 and marks * 9 > len(text)) or (letters * 3 < len(text) and len(text) > 12)


class Place:
    """Where a value stands: the texts next to it, its line, and whether that is code."""

    __slots__ = ("after", "before", "code", "end", "line", "start", "text")

    def __init__(self, text: str, tagged: Tagged, before: str, line: str) -> None:
        self.text, self.start, self.end, self.line, self.before = text, tagged.start, tagged.end, line, before
        self.after = text[self.end : self.end + 60]
        self.code = code(line)

    def near(self, pattern: re.Pattern[str], before: int, after: int = 0) -> bool:
        """True when the pattern occurs in so many characters before or after the value, or in it."""
        return pattern.search(self.text, max(0, self.start - before), min(len(self.text), self.end + after)) is not None
