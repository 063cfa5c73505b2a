"""A part of a file: what it says, and where it stands, for whom something in it has to be mended by."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Piece:
    """A whole file, a message or a line of one; ``where`` names the file, and the line it begins in."""

    text: str
    where: str
