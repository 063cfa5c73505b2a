"""Names that a feed has for places, as every database can keep them."""

from __future__ import annotations

import re

_UNKEEPABLE = re.compile("[\x00-\x1f\x7f\ud800-\udfff]")
LONGEST_SHOWN = 40


def plain(text: str) -> str:
    """The text without control characters and halves of characters, which PostgreSQL refuses."""
    return _UNKEEPABLE.sub("", text).strip()


def shown(text: str) -> str:
    """The text as a message quotes it: on one line, and no longer than can be read."""
    return repr(text if len(text) <= LONGEST_SHOWN else f"{text[:LONGEST_SHOWN]}…")
