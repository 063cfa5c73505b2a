"""Names for patients' visits that tell nobody whose they are."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass


@dataclass(frozen=True)
class Pseudonym:
    """The same visit has the same name in every file; without the key nobody gets from a name to the visit.

    Keyed BLAKE2b (RFC 7693). Visit numbers can be guessed one after the other, so that a digest without a key
    would hide none of them.
    """

    key: bytes

    def of(self, *parts: str) -> str:
        """A name of 32 hexadecimal digits for what the parts identify together."""
        told = "\x1f".join(parts).encode()
        return hashlib.blake2b(told, digest_size=16, key=self.key[:64]).hexdigest()
