"""Tests of policies: cases in ``NAME.test.yaml`` beside ``NAME.yaml``, run against the real guard.

PASS, FAIL and ERROR are different: a failure is a verdict that is not the expected one, an error is a case or a policy
that could not be run. A file without cases has failed: a policy nobody tests is not known to work.
"""

from __future__ import annotations

from guardrails.policytest.cases import Case, read_cases
from guardrails.policytest.junit import junit
from guardrails.policytest.runner import FileOutcome, Outcome, Status, exit_code, run_file
from guardrails.policytest.writing import add_cases

__all__ = ["Case", "FileOutcome", "Outcome", "Status", "add_cases", "exit_code", "junit", "read_cases", "run_file"]
