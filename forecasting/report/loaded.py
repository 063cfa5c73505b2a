"""What loading files came to, as a data engineer reads it in a terminal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from rich.console import Console

MOST_REASONS = 20


def print_loaded(
    read: Counter[str],
    left_out: Counter[str],
    first_at: Mapping[str, str],
    written: Counter[str],
    console: Console,
) -> None:
    """Print what was read, what was left out and why, and how many rows each table was given.

    Args:
        read: items by what they are.
        left_out: items by the reason.
        first_at: where the first of them stands, by the reason.
        written: rows by table.
        console: where to.
    """
    for heading, counts in (("Read", read), ("Left out", left_out), ("Written", written)):
        if not +counts:
            continue
        console.print(heading, style="bold")
        told = (+counts).most_common()
        for what, number in told[:MOST_REASONS]:
            where = f" (the first: {first_at[what]})" if counts is left_out and what in first_at else ""
            console.print(f"  {number:>9,}  {what}{where}", markup=False, soft_wrap=True)
        if len(told) > MOST_REASONS:
            others = sum(number for _, number in told[MOST_REASONS:])
            console.print(f"  {others:>9,}  for {len(told) - MOST_REASONS} other reasons", soft_wrap=True)
    if not +written:
        console.print("Nothing was written.")
