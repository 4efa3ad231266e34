"""The guarantee of every framing: frames, and the error behind them, are the same however the bytes arrive."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import pairwise

from hypothesis import strategies as st

from guardrails.wire.framing import Frame, Framing
from guardrails.wire.limits import Malformed

Outcome = tuple[list[Frame], str | None]
Make = Callable[[], Framing]


def outcome(framing: Framing, pieces: Iterable[bytes]) -> Outcome:
    """All frames, and the reason of the error that ended them."""
    frames: list[Frame] = []
    try:
        for piece in pieces:
            frames += framing.feed(piece)
        frames += framing.finish()
    except Malformed as error:
        return frames, error.reason
    return frames, None


def cut(data: bytes, places: Iterable[int]) -> list[bytes]:
    """``data`` cut at these places (beyond its end: at its end)."""
    return [data[a:b] for a, b in pairwise([0, *sorted(min(p, len(data)) for p in places), len(data)])]


def all_cuts_agree(make: Make, data: bytes) -> Outcome:
    """The outcome, after comparing it for every single cut, byte by byte, and with empty pieces."""
    whole = outcome(make(), [data])
    for place in range(len(data) + 1):
        assert outcome(make(), cut(data, [place])) == whole, f"cut at {place}"
    bytewise = [data[i : i + 1] for i in range(len(data))]
    assert outcome(make(), bytewise) == whole, "byte by byte"
    assert outcome(make(), [b"", *(x for b in bytewise for x in (b, b""))]) == whole, "with empty pieces"
    return whole


cuts = st.lists(st.integers(0, 400), max_size=8)

_texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
bodies = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | _texts,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["text", "delta", "naïve", "[", 'a"b', "\\"]), inner, max_size=3)
    ),
    max_leaves=8,
)
names = st.from_regex(r"[A-Za-z][A-Za-z0-9_.:#/-]{0,19}", fullmatch=True)
