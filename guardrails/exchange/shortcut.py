"""When one look at a whole text says what the segments of :mod:`guardrails.streaming.stream` would say: that there is nothing.

Words and regexes without anchors are hits wherever they stand: what a segment with the text before it holds, the whole
text holds too. So a whole text in which they find nothing needs no segments. Anything else goes the usual way: PII, which
can be excused by what follows; text that has to be unfolded; runs in which a segment could end or begin inside a word.
"""

from __future__ import annotations

from collections import OrderedDict

from guardrails.content import Content, Deadline
from guardrails.pipeline import Pipeline
from guardrails.types import Piece, Role, Source

__all__ = ["nothing_in"]

# A segment is looked at with 600 characters before it, which begin at a blank if there is one among the first 64.
_RUN = 64
_REACH = 256
_PIECE = 32_768
# Whether a direction of a policy can take the shortcut, by the policy's sha256; the oldest are forgotten.
_MOST = 10_000
_known: OrderedDict[tuple[str, Source], bool] = OrderedDict()


def nothing_in(pipeline: Pipeline, text: str, role: Role, deadline: Deadline) -> bool:
    """Whether the segments of this answer would find nothing and fail in nothing. False when that takes the segments."""
    if not text.isascii() or len(text) > pipeline.policy.limits.max_characters or not _possible(pipeline):
        return False
    if " " * _RUN in text or _has_run(text):
        return False
    content = Content((Piece(text, role),), pipeline.source)
    found = pipeline.find(content, deadline, {})
    return not (found.hits or found.failures or found.unseen) and content.folded(0).plain


def _has_run(text: str) -> bool:
    """Whether a run without blanks is too long. In pieces: one look at a megabyte keeps every other thread from running."""
    pieces = (text[at : at + _PIECE + _RUN] for at in range(0, len(text), _PIECE))
    return any(max(map(len, piece.split(" "))) >= _RUN for piece in pieces)


def _possible(pipeline: Pipeline) -> bool:
    key = (pipeline.policy.identity.sha256, pipeline.source)
    known = _known.get(key)
    if known is None:
        known = _known[key] = _local(pipeline)
        while len(_known) > _MOST:
            _known.popitem(last=False)
    return known


def _local(pipeline: Pipeline) -> bool:
    """Whether all rules of the answers find what they find in any text that holds it."""
    ahead = pipeline.lookahead
    if ahead.whole or ahead.characters > _REACH:
        return False
    return all(pipeline.spec(r).local(r.settings) for r in pipeline.rules.values())
