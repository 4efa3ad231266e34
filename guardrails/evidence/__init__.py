"""Evidence: a log of decisions that proves itself.

Records are canonical JSON in segments that only grow, under a Merkle tree whose root is signed; an auditor needs the public key and no
program of ours. No record holds a character of a text. See docs/evidence.md.
"""

from __future__ import annotations

from guardrails.evidence.log import EvidenceLog
from guardrails.evidence.receipt import Receipt
from guardrails.evidence.record import Context, Text
from guardrails.evidence.settings import EvidenceFailure, EvidenceMode, EvidenceSettings
from guardrails.evidence.writer import EvidenceLost

__all__ = [
    "Context",
    "EvidenceFailure",
    "EvidenceLog",
    "EvidenceLost",
    "EvidenceMode",
    "EvidenceSettings",
    "Receipt",
    "Text",
]
