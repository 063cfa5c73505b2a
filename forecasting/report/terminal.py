"""What the pages in a terminal have in common: how wide they are, and sentences under a heading."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from rich.console import Console, RenderableType
from rich.padding import Padding
from rich.text import Text

PLAIN_WIDTH = 100
"""Columns of a page where no terminal says how wide it is."""


def standard_output() -> Console:
    """A console on standard output: as wide as the terminal, and of one width in a log."""
    return Console(width=None if sys.stdout.isatty() else PLAIN_WIDTH)


def told(heading: str, lines: Sequence[tuple[str, str]]) -> list[RenderableType]:
    """Of what, and why, a line each below a heading; nothing where there are no lines."""
    if not lines:
        return []
    sentences = (Text.assemble(f"{what}: " if what else "", (why, "dim")) for what, why in lines)
    return [Text(heading, style="bold"), *(Padding(sentence, (0, 0, 0, 2)) for sentence in sentences)]
