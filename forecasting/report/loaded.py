"""What loading files came to, as a data engineer reads it in a terminal."""

from __future__ import annotations

from collections import Counter

from rich.console import Console


def print_loaded(read: Counter[str], left_out: Counter[str], written: Counter[str], console: Console) -> None:
    """Print what was read, what was left out and why, and how many rows each table was given.

    Args:
        read: items by what they are.
        left_out: items by the reason.
        written: rows by table.
        console: where to.
    """
    for heading, counts in (("Read", read), ("Left out", left_out), ("Written", written)):
        if not +counts:
            continue
        console.print(f"[bold]{heading}[/]")
        for what, number in counts.most_common():
            if number:
                console.print(f"  {number:>9,}  {what}", markup=False, soft_wrap=True)
    if not +written:
        console.print("Nothing was written.")
