"""Which times a hospital's files may name: others were mistyped, or stand for no time at all."""

from __future__ import annotations

from datetime import UTC, datetime

EARLIEST = datetime(1900, 1, 1, tzinfo=UTC)
LATEST = datetime(3000, 1, 1, tzinfo=UTC)
"""De-identified sets reach into the 22nd century; an end in 9999 says that there was none yet."""
RANGE = f"before {EARLIEST.year} or after {LATEST.year - 1}"


def in_range(at: datetime) -> bool:
    """Whether something can have happened at an aware moment."""
    return EARLIEST <= at < LATEST
