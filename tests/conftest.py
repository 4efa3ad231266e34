"""What every test shares: the small models alone, so that a run fits into the memory of one worker a core, and no deadlines.

The cascade is tested where it is the subject (tests/inference/test_cascade.py and test_large.py), and the commands of the pages run as a
reader would run them.
"""

from __future__ import annotations

import os
from importlib.util import find_spec

os.environ.setdefault("GUARDRAILS_MODELS", "fast")

if find_spec("hypothesis"):  # the environments of the real clients do without
    from hypothesis import settings

    # No test depends on the machine's speed. Where CI judges a change, each property is tried on the same examples every time;
    # everywhere else they are drawn anew.
    settings.register_profile("guardrails", deadline=None, derandomize=bool(os.environ.get("CI")))
    settings.load_profile("guardrails")
