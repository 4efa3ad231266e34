"""What a test needs of the operating system. Used only where it is certain that the test cannot pass elsewhere."""

from __future__ import annotations

import sys

import pytest

__all__ = ["needs_bin", "needs_permissions", "needs_signals"]

_WINDOWS = sys.platform.startswith("win")
needs_signals = pytest.mark.skipif(_WINDOWS, reason="Windows has no SIGTERM: it ends a process at once")
needs_permissions = pytest.mark.skipif(
    _WINDOWS, reason="folders kept from other users need POSIX permissions and locks"
)
needs_bin = pytest.mark.skipif(_WINDOWS, reason="runs a shell and an environment's bin/, which Windows does not have")
