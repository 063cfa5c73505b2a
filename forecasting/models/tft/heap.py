"""How the C library keeps the memory that a training gives back."""

from __future__ import annotations

import ctypes
import sys

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3
_LARGEST_MMAP_THRESHOLD = 32 * 2**20
_KEPT = 2**30


def keep_freed_memory() -> None:
    """Keep up to a GiB of freed memory for the next step, where the C library is glibc.

    Each step takes and frees the same tensors. Given back to the system, their pages are cleared and mapped
    anew every time.
    """
    if sys.platform != "linux":
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_TRIM_THRESHOLD, _KEPT)
        mallopt(_MMAP_THRESHOLD, _LARGEST_MMAP_THRESHOLD)
