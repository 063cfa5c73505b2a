"""The memory of many processes together: proportional set sizes, so that what they share counts once."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import psutil

SAMPLE_SECONDS = 2.0


@dataclass(frozen=True)
class Peak:
    """The most memory that was seen."""

    bytes: int = 0
    processes: int = 0
    """How many had it."""

    @property
    def gib(self) -> float:
        """In GiB, to a hundredth."""
        return round(self.bytes / 2**30, 2)


def watch(ended: Callable[[], bool], processes: Callable[[], Iterable[psutil.Process]]) -> Peak:
    """Sample the processes until it has ended; their peak.

    Args:
        ended: asked after each sample.
        processes: those that count, found anew for each sample.
    """
    peak = Peak()
    while not ended():
        sizes = [size for process in processes() if (size := _size(process))]
        peak = max(peak, Peak(sum(sizes), len(sizes)), key=lambda seen: seen.bytes)
        time.sleep(SAMPLE_SECONDS)
    return peak


def _size(process: psutil.Process) -> int:
    """Proportional set size in bytes; 0 of a process that is gone."""
    try:
        return int(process.memory_full_info().pss)
    except (psutil.AccessDenied, psutil.NoSuchProcess):
        return 0
