"""Cases of the PII detector: credentials of Amazon Web Services. The keys are those of its documentation."""

from guardrails.detectors.pii import Settings
from tests.detectors.case import Case

_KEY, _SECRET = Settings("AWS_ACCESS_KEY"), Settings("AWS_SECRET_KEY")
_SAMPLE = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"

CASES = [
    Case("access key", _KEY, "aws_access_key_id = [AWS_ACCESS_KEY:AKIAIOSFODNN7EXAMPLE]"),
    Case("temporary key", _KEY, "[AWS_ACCESS_KEY:ASIAIOSFODNN7EXAMPLE]"),
    Case("word only", _KEY, "rotate your AWS access key", kind="negative"),
    Case("a digit that base 32 has not", _KEY, "AKIAIOSFODNN1EXAMPLE", kind="near-miss"),
    Case("one character short", _KEY, "AKIAIOSFODNN7EXAMPL", kind="near-miss"),
    Case("secret key", _SECRET, f"aws_secret_access_key = [AWS_SECRET_KEY:{_SAMPLE}]"),
    Case("in JSON", _SECRET, f'"SecretAccessKey": "[AWS_SECRET_KEY:{_SAMPLE}]"'),
    Case("word only", _SECRET, "where is the secret access key?", kind="negative"),
    Case("a commit", _SECRET, "aws repo at 2fd4e1c67a2d28fced849ee1bb76e7391b93eb12", kind="near-miss"),
    Case("without context", _SECRET, _SAMPLE, kind="near-miss"),
    Case("no digits, little entropy", _SECRET, "secret key aaaaaaaaaaAAAAAAAAAAaaaaaaaaaaAAAAAAAAAA", kind="near-miss"),
]
