"""What can go wrong between us and a hospital's database."""

from __future__ import annotations


class SourceError(RuntimeError):
    """The source can't be read; the message says what and where."""


class SourceUnreachable(SourceError):
    """The source does not answer. It may answer later: worth another try."""


class SourceContractBroken(SourceError):
    """The source answers, but not in the shape of its profile: someone must change it or hospital.toml."""
