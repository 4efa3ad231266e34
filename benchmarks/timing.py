"""How the benchmarks measure: best of several rounds, every contender on the same input in the same run."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Callable
from pathlib import Path


def best_us(call: Callable[[], object], *, seconds: float = 1.0, rounds: int = 7) -> float:
    """Microseconds a call, the best of ``rounds`` rounds (interference only ever adds)."""
    call()
    started = time.perf_counter()
    call()
    once = max(time.perf_counter() - started, 1e-7)
    number = max(1, int(seconds / rounds / once))
    best = float("inf")
    for _ in range(rounds):
        started = time.perf_counter()
        for _ in range(number):
            call()
        best = min(best, (time.perf_counter() - started) / number)
    return best * 1e6


def machine() -> str:
    """The processor, cores and Python of this run, in one line."""
    name = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        lines = [line for line in info.read_text(encoding="utf-8").splitlines() if line.startswith("model name")]
        name = lines[0].split(":", 1)[1].strip() if lines else name
    return f"{name}, {os.cpu_count()} cores, Python {platform.python_version()}"


PLAIN_1KB = (
    "Good morning, and thank you for getting in touch with our team about the delivery of your new sofa. "
    "We are sorry to hear that the driver could not find the house, and that nobody called you before the van "
    "left again. The warehouse tells us that it is back on the shelf and in good condition. If it suits you, we "
    "can send it out once more on Thursday, either in the morning or after lunch, whichever you prefer. Please "
    "let us know whether there is anything the driver should look out for, such as a narrow lane, a steep hill or "
    "a gate that has to be opened. There is of course no charge for the second trip. We would also like to offer "
    "you a small voucher for the trouble, which you can use in any of our shops or on the website until the end "
    "of the summer. If you would rather cancel the order altogether, simply reply to this message and we will "
    "refund the whole amount to you. Thank you again for your patience, and we hope that you will enjoy many "
    "quiet evenings on your new sofa. With kind regards from all of us at the store."
)
