"""Seeded random streams, one for each site and purpose."""

from __future__ import annotations

import hashlib

import numpy as np


class Streams:
    """Random generators that depend on the seed, the owner and the purpose alone.

    No stream feels another: a new site, or one draw more somewhere, leaves all the others as they were.
    """

    def __init__(self, seed: int, owner: str) -> None:
        self._seed = seed
        self._owner = owner

    def named(self, purpose: str) -> np.random.Generator:
        """A fresh generator for that purpose, always at its beginning."""
        key = hashlib.sha256(f"{self._owner}/{purpose}".encode()).digest()
        words = np.frombuffer(key[:16], dtype="<u4").tolist()
        return np.random.default_rng(np.random.SeedSequence(self._seed, spawn_key=words))
