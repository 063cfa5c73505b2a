"""Files of a feed as texts: in UTF-8, or UTF-16 where their first bytes say so; packed by gzip or not."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, cast

from forecasting.load.errors import LoadRefused
from forecasting.load.piece import Piece

PACKED = ".gz"
_UTF_16 = (b"\xff\xfe", b"\xfe\xff")


def unpacked_name(path: Path) -> Path:
    """The path without the ending that says that it is packed."""
    return path.with_suffix("") if _is_packed(path) else path


def encoding(path: Path) -> str:
    """What a file is written in, by its first bytes.

    Raises:
        LoadRefused: the file can't be read.
    """
    with _opened(path, "rb") as file:
        return "utf-16" if file.read(2) in _UTF_16 else "utf-8-sig"


@contextmanager
def opened_text(path: Path, errors: str = "replace", newline: str | None = None) -> Iterator[IO[str]]:
    """The file's text, open to be read.

    Raises:
        LoadRefused: the file can't be read.
    """
    with _opened(path, "rt", encoding=encoding(path), errors=errors, newline=newline) as file:
        yield file


def whole(path: Path) -> Piece:
    """The whole text of a file; a byte that is no text is a mark in it, and costs nothing else.

    Raises:
        LoadRefused: the file can't be read.
    """
    with opened_text(path, newline="") as file:
        return Piece(file.read(), str(path))


def lines(path: Path) -> Iterator[Piece]:
    """The lines of a file, one after the other.

    Raises:
        LoadRefused: the file can't be read.
    """
    with opened_text(path) as file:
        for number, line in enumerate(file, 1):
            yield Piece(line, f"{path}, line {number}")


@contextmanager
def _opened(path: Path, mode: str, **how: Any) -> Iterator[IO[Any]]:
    try:
        opener = gzip.open if _is_packed(path) else open
        with cast("IO[Any]", opener(path, mode, **how)) as file:
            yield file
    except OSError as error:
        raise LoadRefused(f"{path}: can't be read: {error.strerror or error}") from error
    except (EOFError, zlib.error) as error:
        raise LoadRefused(f"{path}: can't be unpacked: {error}") from error


def _is_packed(path: Path) -> bool:
    return path.suffix.lower() == PACKED
