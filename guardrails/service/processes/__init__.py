"""A service of several processes: workers that answer, one process that writes the log of evidence and counts what callers use, and a
supervisor that starts them, starts them again, and ends them in order. They share a listening socket and a folder of Unix sockets."""

from __future__ import annotations
