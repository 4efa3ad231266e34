"""One page about a policy for whoever answers for it: what it does, what it covers, how it was tested, what it cannot do.

:func:`gather` collects what is known, and :func:`page` writes it as HTML that needs nothing else and prints well.
"""

from __future__ import annotations

from guardrails.riskreport.gathering import Contents, Proof, gather
from guardrails.riskreport.page import page

__all__ = ["Contents", "Proof", "gather", "page"]
