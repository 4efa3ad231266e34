"""Lists of numbers that are not worth a look one by one: token ids, which only a tokenizer could read, and embeddings."""

from __future__ import annotations

import base64
import binascii
from typing import Any

__all__ = ["is_base64", "is_numbers", "is_vector"]

# Components of embeddings lie within [-1, 1] or a few units around it. Letters read as 32-bit floats do not: the exponent
# of one whose highest byte is a lower-case letter is at least 1e20.
_LARGEST = 1000.0
_BASE64 = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/-_\r\n"


def is_numbers(value: list[Any], *, whole: bool = False) -> bool:
    """Whether a list holds nothing but numbers (``whole``: integers). One pass at C speed."""
    return set(map(type, value)) <= ({int} if whole else {int, float})


def is_base64(value: str) -> bool:
    """Whether a string is nothing but base64, of either alphabet and perhaps broken into lines, alone or as a ``data:``
    address. Words have blanks between them. At C speed: images have tens of millions of characters."""
    if value[:5].lower() == "data:":
        start = value.find(",", 0, 256) + 1
        if not start or not value[:start].lower().endswith(";base64,"):
            return False
        value = value[start:]
    if not value.isascii():
        return False
    left = value.encode("ascii").translate(None, _BASE64)
    return not left or (len(left) <= 2 and not left.strip(b"=") and value.rstrip().endswith(left.decode("ascii")))


def is_vector(value: str) -> bool:
    """Whether a string is an embedding in base64: little-endian 32-bit floats, all of them of an embedding's size."""
    import numpy as np  # noqa: PLC0415 - only answers with embeddings need it

    if len(value) < 16 or len(value) % 4:
        return False
    try:
        data = base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        return False
    if len(data) % 4:
        return False
    floats = np.frombuffer(data, dtype="<f4")
    # A comparison with NaN is false.
    with np.errstate(invalid="ignore"):
        return bool((np.abs(floats) <= _LARGEST).all())
