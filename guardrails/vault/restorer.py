"""Placeholders back into values, in an answer that arrives in pieces."""

from __future__ import annotations

import re
from urllib.parse import quote

from guardrails.vault.exchange import Original, Vault
from guardrails.vault.ledger import refuse_pickling
from guardrails.vault.markup import BLANKS, Markup
from guardrails.vault.runs import harmless, in_address

__all__ = ["HELD", "WHERE", "Restorer", "restore"]

HELD = 4_096  # characters of one run; a longer one passes as it is
WHERE = ("text", "tools")

_TOKENS = re.compile(f"[{BLANKS}]+|[^{BLANKS}]+")
_PLACEHOLDER = re.compile(r"\{[^\s{}]{1,100}_[1-9]\d{0,3}\}")
_TOO_LONG = "\\" * (HELD + 1)  # what stands for a run that cannot be judged
_BEGUN = re.compile(r"\{[^\s{}]{0,105}\Z")


class Restorer:
    """Puts the values of a vault back into one text that has passed its output checks.

    ``feed(text)`` returns what may be sent, ``finish()`` the rest; together they are the same for every way of cutting
    the text. From a placeholder on, the run of characters up to the next blank is held back, since only its end
    shows whether it is an address; never more than 4,096 characters, and a longer run passes unrestored. ``where`` is
    ``text``, or ``tools`` for one decoded string of a tool call's arguments. ``after``: the finished restorer of the part
    that a reader may see joined to this one (content blocks of one answer), so that a link begun there is not ended here.
    Not thread-safe: one a text.
    """

    __slots__ = (
        "_at",
        "_before",
        "_done",
        "_long",
        "_markup",
        "_run",
        "_sent",
        "_tail",
        "_vault",
        "_where",
        "restored",
    )

    def __init__(self, vault: Vault, *, where: str = "text", after: Restorer | None = None) -> None:
        if where not in WHERE:
            raise ValueError(f"where must be one of {', '.join(WHERE)}")
        if after is not None and not after._done:
            raise ValueError("after must be a restorer that is finished")
        self._vault = vault
        self._where = where
        self._markup: Markup = Markup() if after is None else after._markup
        # What the part before ends with: the beginning of our first run. At the end, what ours ends with.
        self._before: str = "" if after is None else after._before
        self._run = ""  # the current run, up to HELD characters
        self._sent = 0  # how much of it is out
        self._long = False  # it has more
        self._tail = ""  # what of a long run is not out yet
        self._at = 0  # where in the run that begins
        self._done: bool = False
        self.restored = 0
        """How many placeholders were restored so far."""

    @property
    def held(self) -> int:
        """How many characters are held back now."""
        return len(self._tail) if self._long else len(self._run) - self._sent

    @property
    def done(self) -> bool:
        """Whether it is finished."""
        return self._done

    def feed(self, text: str) -> str:
        """The next piece of the text; returns what is certain. Raises RuntimeError after :meth:`finish`."""
        if self._done:
            raise RuntimeError("this restorer is finished: make one for each text")
        out: list[str] = []
        for token in _TOKENS.findall(text):
            if token[0] in BLANKS:
                out += [self._close(), token]
                self._before = ""
                self._markup.feed(token)
            elif self._long:
                out.append(self._pass(token))
            else:
                self._run += token
                out.append(self._overflow() if len(self._run) > HELD else self._certain())
        return "".join(out)

    def finish(self) -> str:
        """The end of the text; returns what was held back."""
        self._done = True
        return self._close()

    def _certain(self) -> str:
        """The part of the run before its first placeholder, or what could become one."""
        run, at = self._run, self._sent
        while (at := run.find("{", at)) >= 0:
            match = _PLACEHOLDER.match(run, at)
            if (match and self._original(match.group())) or _BEGUN.match(run, at):
                break
            at += 1
        end = len(run) if at < 0 else at
        out, self._sent = run[self._sent : end], end
        return out

    def _close(self) -> str:
        """The rest of the run, which is over."""
        if self._long:
            out = self._pass("", last=True)
            self._before = _TOO_LONG
        else:
            whole = self._resolved()
            self._markup.feed(whole)
            self._before = (self._before + whole)[: HELD + 1]
            out = whole[self._sent :]
        self._run, self._sent, self._long = "", 0, False
        return out

    def _resolved(self) -> str:
        """The run with its placeholders restored, where that is allowed. What is out already has none."""
        run = self._run
        found: list[tuple[int, int, Original]] = []
        for match in _PLACEHOLDER.finditer(run, self._sent):
            original = self._original(match.group())
            if original is not None:
                found.append((match.start(), match.end(), original))
        if not found:
            return run
        edges = [0, *(edge for start, end, _ in found for edge in (start, end)), len(run)]
        literals = [run[a:b] for a, b in zip(edges[::2], edges[1::2], strict=True)]
        safe = not self._markup.open and len(self._before) + len(run) <= HELD
        safe = safe and harmless([self._before + literals[0], *literals[1:]], [o.value for _, _, o in found])
        out = literals[0]
        for (start, end, original), literal in zip(found, literals[1:], strict=True):
            out += self._written(original, run[start:end], self._before + out, safe) + literal
        return out

    def _written(self, original: Original, placeholder: str, before: str, safe: bool) -> str:
        if not safe and "urls" not in original.places:
            return placeholder
        self.restored += 1
        return quote(original.value, safe="@", errors="replace") if in_address(before) else original.value

    def _original(self, placeholder: str) -> Original | None:
        original = self._vault.original(placeholder)
        if original is not None and self._where == "tools" and "tools" not in original.places:
            return None
        return original

    def _overflow(self) -> str:
        """The run has become too long to judge: it passes, restored only where a policy says so everywhere."""
        self._markup.feed(self._run[: self._sent])
        rest, self._tail, self._at, self._long = self._run[self._sent :], "", self._sent, True
        self._run = self._run[:HELD]
        return self._pass(rest)

    def _pass(self, text: str, *, last: bool = False) -> str:
        """More of a run that is too long; at most what could become a placeholder stays behind."""
        text = self._tail + text
        out: list[str] = []
        at = 0
        while (brace := text.find("{", at)) >= 0:
            if _BEGUN.match(text, brace) and not last:
                break
            out.append(text[at:brace])
            match = _PLACEHOLDER.match(text, brace)
            original = self._original(match.group()) if match else None
            if match and original:
                out.append(
                    self._written(original, match.group(), self._before + self._run[: self._at + brace], safe=False)
                )
                at = match.end()
            else:
                out.append("{")
                at = brace + 1
        end = len(text) if brace < 0 else brace
        out.append(text[at:end])
        self._tail = text[end:]
        self._at += end
        done = "".join(out)
        self._markup.feed(done)
        return done

    def __repr__(self) -> str:
        return f"Restorer({self._where}, {self.restored} restored, {self.held} characters held)"

    __reduce__ = refuse_pickling


def restore(vault: Vault, text: str, *, where: str = "text") -> str:
    """A whole text at once; see :class:`Restorer`."""
    restorer = Restorer(vault, where=where)
    return restorer.feed(text) + restorer.finish()
