"""Keys of Amazon Web Services, as Bedrock names them."""

from __future__ import annotations

import math
from collections import Counter

from guardrails.detectors.pii.recognizer import Spec

__all__ = ["RECOGNIZERS", "entropy"]


def entropy(value: str) -> float:
    """Shannon entropy in bits a character."""
    size = len(value)
    return -sum(n / size * math.log2(n / size) for n in Counter(value).values())


def _access_key(value: str) -> bool | None:
    # AWS identifiers are base32: no 0, 1, 8 or 9; the documentation's own example has them and is kept.
    return None if len(set(value[4:])) >= 6 else False


def _secret_key(value: str) -> bool | None:
    mixed = any(c.isupper() for c in value) and any(c.islower() for c in value) and any(c.isdigit() for c in value)
    return None if mixed and entropy(value) > 4 else False


RECOGNIZERS = (
    Spec("AWS_ACCESS_KEY", ((r"\b(?:AKIA|ASIA|ABIA|ACCA|AROA|AIDA|AGPA|AIPA|ANPA|ANVA|APKA)[A-Z0-9]{16}\b", 0.9),), validate=_access_key),
    Spec(
        "AWS_SECRET_KEY",
        ((r"(?:^|[^A-Za-z0-9/+=])(?P<value>[A-Za-z0-9/+]{40})(?:$|[^A-Za-z0-9/+=])", 0.4),),
        context=("aws", "secret access key", "aws secret", "secret key", "secretaccesskey", "amazon", "secret", "aws_secret_access_key"),
        requires_context=True,
        validate=_secret_key,
    ),
)  # fmt: skip
