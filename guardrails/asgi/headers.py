"""The headers that we write: about an exchange, and about an answer of our own."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import quote

from guardrails.decision import Decision

__all__ = ["DEGRADED", "FINAL", "OURS", "json_headers", "ours"]

# Clients try again by themselves; this says that the same request would fail again.
FINAL = (b"x-should-retry", b"false")
DEGRADED = (b"x-guardrails-degraded", b"fail-open")
OURS = frozenset((b"x-guardrails-action", b"x-guardrails-decision-id", b"x-guardrails-degraded", b"x-guardrails-rules"))
# Characters of the header that names rules. Servers and clients take 8 KB of all headers together.
_NAMED = 2_000


def json_headers(
    size: int, decision: Decision | None, *extra: tuple[bytes, bytes], explain: bool = False
) -> list[tuple[bytes, bytes]]:
    """Headers of an answer that we write."""
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(size).encode()),
        (b"cache-control", b"no-store"),
        *extra,
    ]
    return headers + ours(decision, explain=explain)


def ours(*decisions: Decision | None, explain: bool) -> list[tuple[bytes, bytes]]:
    """The most severe action of the exchange so far, its id, whether any rule failed and let the text pass, and with
    ``explain`` the rules that fired."""
    made = [d for d in decisions if d is not None]
    if not made:
        return []
    action = max((d.action for d in made), key=lambda a: a.severity)
    out = [(b"x-guardrails-action", action.value.encode()), (b"x-guardrails-decision-id", made[0].id.encode())]
    if explain and (names := dict.fromkeys(rule for d in made for rule in d.fired)):
        out.append((b"x-guardrails-rules", _named(list(names))))
    return [*out, DEGRADED] if any(d.fail_open for d in made) else out


def _named(rules: Sequence[str]) -> bytes:
    """Ids of rules as a header's value: percent-encoded where they are more than letters, digits and ``. _ -``."""
    out = ""
    for number, rule in enumerate(rules):
        more = f"{', ' if out else ''}{quote(rule, safe='')}"
        if len(out) + len(more) > _NAMED:
            return f"{out}{', ' if out else ''}{len(rules) - number} more".encode()
        out += more
    return out.encode()
