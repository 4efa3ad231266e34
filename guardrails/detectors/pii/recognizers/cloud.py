"""Credentials of Amazon Web Services."""

from __future__ import annotations

from guardrails.detectors.pii.recognizer import Spec
from guardrails.detectors.pii.recognizers import checks

__all__ = ["RECOGNIZERS"]


def secret_key(value: str) -> bool | None:
    """Upper and lower case and digits, and no hash written in hexadecimal: 40 random characters hold over 4 bits."""
    if all(c in "0123456789abcdefABCDEF" for c in value):
        return False
    mixed = any(c.isupper() for c in value) and any(c.islower() for c in value) and any(c.isdigit() for c in value)
    return None if mixed and checks.entropy(value) >= 4.0 else False


_AWS = ("aws", "amazon", "secret access key", "secret key", "aws_secret_access_key", "secretaccesskey", "s3", "iam")

RECOGNIZERS: tuple[Spec, ...] = (
    Spec(
        "AWS_ACCESS_KEY",
        # Prefixes from the IAM reference of unique identifiers; the rest is base 32.
        ((r"\b(?:AKIA|ASIA|ABIA|ACCA|AGPA|AIDA|AIPA|ANPA|ANVA|APKA|AROA|ASCA)[A-Z2-7]{16}\b", 0.95),),
        context=("aws", "access key", "amazon"),
    ),
    Spec(
        "AWS_SECRET_KEY",
        ((r"(?<![A-Za-z0-9/+=])[A-Za-z0-9/+]{40}(?![A-Za-z0-9/+=])", 0.3),),
        context=(*_AWS, "secret", "access key"),
        against=("sha1", "commit", "hash", "digest", "checksum"),
        validate=secret_key,
        requires_context=True,
    ),
)
