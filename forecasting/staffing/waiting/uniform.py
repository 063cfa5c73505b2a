"""Linear differential equations with constant rates over a while, by uniformisation.

e^(A t) = Σ P(N = k) (I + A / Λ)^k with N Poisson of mean Λ t: Jensen (1953), Skandinavisk Aktuarietidskrift
36; Grassmann (1977), Computers and Operations Research 4.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Reals = NDArray[np.float64]

LEFT_OUT = 1e-12
"""Of the Poisson law's weight."""


def advanced(start: Reals, change: Callable[[Reals], Reals], rate: float, hours: float) -> Reals:
    """The solution of x' = A x after some hours.

    Args:
        start: x, in any shape.
        change: A x.
        rate: Λ per hour, at least the largest of A's diagonal.
        hours: how long.
    """
    mean = rate * hours
    term, solution, left = start, np.zeros(start.shape), 1.0
    for weight in _poisson(mean):
        solution += weight * term
        left -= weight
        if left < LEFT_OUT:
            break
        term = term + change(term) / rate
    return solution


def _poisson(mean: float) -> Reals:
    """P(N = k), as far as it weighs."""
    most = int(mean + 10 * np.sqrt(mean) + 30)
    log = np.concatenate([[0.0], np.cumsum(np.log(mean / np.arange(1, most + 1)))]) - mean
    weights = np.exp(log)
    return np.asarray(weights / weights.sum())
