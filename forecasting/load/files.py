"""Files of a feed as texts: in UTF-8, or in UTF-16 where their first bytes say so."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from forecasting.load.errors import LoadRefused
from forecasting.load.piece import Piece

_UTF_16 = (b"\xff\xfe", b"\xfe\xff")


def encoding(path: Path) -> str:
    """What a file is written in, by its first bytes.

    Raises:
        LoadRefused: the file can't be read.
    """
    try:
        with path.open("rb") as file:
            return "utf-16" if file.read(2) in _UTF_16 else "utf-8-sig"
    except OSError as error:
        raise LoadRefused(f"{path}: can't be read: {error.strerror}") from error


def whole(path: Path) -> Piece:
    """The whole text of a file; a byte that is no text is a mark in it, and costs nothing else.

    Raises:
        LoadRefused: the file can't be read.
    """
    written_in = encoding(path)
    with path.open(encoding=written_in, errors="replace", newline="") as file:
        return Piece(file.read(), str(path))


def lines(path: Path) -> Iterator[Piece]:
    """The lines of a file, one after the other.

    Raises:
        LoadRefused: the file can't be read.
    """
    written_in = encoding(path)
    with path.open(encoding=written_in, errors="replace") as file:
        for number, line in enumerate(file, 1):
            yield Piece(line, f"{path}, line {number}")
