"""How large and how deep a body may be, and the error that says so."""

from __future__ import annotations

from dataclasses import dataclass

from guardrails.errors import GuardrailsError

__all__ = ["DEFAULT_LIMITS", "FRAME_LIMITS", "BodyLimits", "Malformed"]


class Malformed(GuardrailsError):
    """A body, a header or a stream that is not read.

    ``status`` is the HTTP status it deserves when a client sent it: 400 (cannot be read as it stands), 413 (too many
    bytes) or 415 (another type, charset or encoding). The same from an upstream is a bad gateway. ``reason`` names the
    place and the remedy and holds no character of what was read. ``code`` is its name in the error's body.
    """

    def __init__(self, status: int, reason: str, code: str = "invalid_request") -> None:
        self.status = status
        self.reason = reason
        self.code = code
        super().__init__(reason)

    def __reduce__(self) -> tuple[type[Malformed], tuple[int, str, str]]:
        return (type(self), (self.status, self.reason, self.code))


# The JSON library writes no deeper than this, whatever a configuration says.
_DEEPEST = 250


@dataclass(frozen=True, slots=True)
class BodyLimits:
    """Bounds of one body, or of one frame of a stream.

    ``bytes`` of the body, once it is inflated; ``nodes``: values of any kind, lists and objects included, except
    ``numbers``: those in lists of nothing but numbers (token ids, vectors); ``depth`` of nested lists and objects (at most
    250); ``string``: characters of one string or key that is not base64. Raises ValueError for a bound that is none.
    """

    # Vendors take 20 to 100 MB of images in one request.
    bytes: int = 64_000_000
    nodes: int = 100_000
    depth: int = 64
    string: int = 2_000_000
    numbers: int = 1_000_000

    def __post_init__(self) -> None:
        for name in ("bytes", "nodes", "depth", "string", "numbers"):
            if getattr(self, name) < 1:
                raise ValueError(f"BodyLimits.{name} must be at least 1")
        if self.depth > _DEEPEST:
            raise ValueError(f"BodyLimits.depth must be at most {_DEEPEST}")


DEFAULT_LIMITS = BodyLimits()
# An upstream's stream may hold an image in one event, but no client's patience.
FRAME_LIMITS = BodyLimits(bytes=16_000_000)
