"""Pictures as SVG, made here: no script draws them."""

from __future__ import annotations

from markupsafe import Markup

from guardrails.calibration import Scores

__all__ = ["distribution"]

_WIDE, _HIGH, _LEFT, _TOP, _FOOT = 640, 150, 40, 8, 22
_BINS = 40
# What a row should have been, in the order in which the parts of a bar stand on each other.
_KINDS = ((0, "negative"), (1, "positive"), (-1, "unknown"))


def distribution(scores: Scores, cut: float | None) -> Markup:
    """How many rows have which score, by what they are labelled, and a line at ``cut``."""
    counts = scores.histogram(_BINS)
    most = max((sum(counts[k][i] for k, _ in _KINDS) for i in range(_BINS)), default=0) or 1
    step = _WIDE / _BINS
    parts = []
    for i in range(_BINS):
        below = 0.0
        for label, name in _KINDS:
            high = counts[label][i] / most * _HIGH
            if high:
                parts.append(
                    Markup('<rect class="{}" x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}"/>').format(
                        name, _LEFT + i * step + 1, _TOP + _HIGH - below - high, step - 2, high
                    )
                )
            below += high
    for tenth in range(0, 11, 2):
        x = _LEFT + tenth / 10 * _WIDE
        parts.append(
            Markup('<text x="{:.1f}" y="{}" text-anchor="middle">{:.1f}</text>').format(
                x, _TOP + _HIGH + 16, tenth / 10
            )
        )
    parts.append(Markup('<text x="{}" y="{}" text-anchor="end">{}</text>').format(_LEFT - 6, _TOP + 10, most))
    parts.append(Markup('<path class="axis" d="M{} {}h{}"/>').format(_LEFT, _TOP + _HIGH, _WIDE))
    if cut is not None:
        x = _LEFT + min(max(cut, 0.0), 1.0) * _WIDE
        parts.append(Markup('<path class="cut" d="M{:.1f} {}v{}"/>').format(x, _TOP - 6, _HIGH + 12))
    return Markup("").join(parts)
