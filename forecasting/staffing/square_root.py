"""Heads so that no more than a share of patients waits: the square-root rule, s = m + β √(z m)."""

from __future__ import annotations

import numpy as np
from scipy.optimize import brentq
from scipy.stats import norm

from forecasting.staffing.distribution import Reals

SERVERS_AT_MOST = 6.0
"""β beyond which nobody waits."""


def safety(delay: float) -> float:
    """β of the square-root rule: P(wait) = 1 / (1 + β Φ(β) / φ(β)).

    Halfin and Whitt (1981), Heavy-traffic limits for queues with many exponential servers, Operations
    Research 29(3).

    Args:
        delay: the share of patients who may wait, above 0 and below 1.

    Raises:
        ValueError: it is not.
    """
    if not 0 < delay < 1:
        raise ValueError(f"a delay probability of {delay:g} is not between 0 and 1")
    most = SERVERS_AT_MOST
    if _delay(most) >= delay:
        return most
    return float(brentq(lambda beta: _delay(beta) - delay, 0, most))


def dispersion(patients: Reals) -> float:
    """z: the variance of patients around what is expected of each hour, over it; 1 where they are Poisson.

    Args:
        patients: by hour and path (hours, paths).

    Returns:
        0 where nobody is expected at all.
    """
    expected = patients.mean(axis=1).sum()
    return float(patients.var(axis=1).sum() / expected) if expected > 0 else 0.0


def square_root_need(patients: Reals, heads_per_load: float, delay: float) -> Reals:
    """Heads of the rule, m + β √(z m), in fractions, by hour (hours,).

    The load m is patients expected times heads a patient. Heads are spread as patients are, so that their
    dispersion z is the patients' times heads a patient.

    Args:
        patients: by hour and path (hours, paths).
        heads_per_load: for one patient.
        delay: the share of patients who may wait.
    """
    load = patients.mean(axis=1) * heads_per_load
    z = dispersion(patients) * heads_per_load
    return np.asarray(load + safety(delay) * np.sqrt(z * load))


def _delay(beta: float) -> float:
    return float(1 / (1 + beta * norm.cdf(beta) / norm.pdf(beta)))
