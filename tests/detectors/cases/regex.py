"""Cases of custom regexes."""

from guardrails.detectors.regex import Settings
from tests.detectors.case import Case

ACCOUNT = Settings(name="ACCOUNT", pattern=r"ACC-\d{8}")

CASES = [
    Case("plain", ACCOUNT, "my [ACCOUNT:ACC-12345678], please"),
    Case("twice", ACCOUNT, "[ACCOUNT:ACC-12345678] [ACCOUNT:ACC-87654321]"),
    Case("too short", ACCOUNT, "ACC-1234567", type="ACCOUNT", kind="near-miss"),
    Case("case matters", ACCOUNT, "acc-12345678", type="ACCOUNT", kind="near-miss"),
    Case("unless the pattern says so", Settings(name="ACCOUNT", pattern=r"(?i)acc-\d{8}"), "[ACCOUNT:acc-12345678]"),
    Case("full width", ACCOUNT, "my [ACCOUNT:ＡＣＣ-１２３４５６７８]"),
    Case("arabic digits", ACCOUNT, "my [ACCOUNT:ACC-١٢٣٤٥٦٧٨]"),
    Case("zero width", ACCOUNT, "my [ACCOUNT:ACC-1234\u200b5678]"),
    Case("url escapes", ACCOUNT, "my [ACCOUNT:ACC%2D12345678]"),
    Case("base64", ACCOUNT, "my [ACCOUNT:QUNDLTEyMzQ1Njc4] here"),
    Case("beyond the BMP", ACCOUNT, "😀😀 [ACCOUNT:ACC-12345678] 😀"),
    Case("nothing", ACCOUNT, "no account", type="ACCOUNT", kind="negative"),
]
