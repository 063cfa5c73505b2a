"""How busy a series is of late, as a share of what its calendar lets expect.

Eight followers forget at different speeds; each is trusted by what it lately foretold. In quiet years the
slow ones lead, in moving ones the quick ones do, and no series needs settings of its own.
"""

from __future__ import annotations

import numpy as np
from scipy.signal import lfilter
from scipy.special import softmax

from forecasting.level_change import with_changes

HOURS_PER_DAY = 24
LEAD_DAYS = 7
HALF_LIVES = np.array([2, 4, 8, 16, 32, 64, 128, 256])
"""Observed days after which a follower has forgotten half."""
MIDDLE = 3
TRUST_HALF_LIFE = 60
"""Observed days after which half of a follower's record is forgotten."""
LEARNING_RATE = 0.2
PRIOR_PATIENTS = 0.1


def days_of(values: np.ndarray, expected: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Sums of 24 hours, counted back from the last: what came, and what was expected of the observed hours.

    Hours before the first whole day are left out.

    Args:
        values: hour after hour (n,); NaN where missing.
        expected: of the same hours (n,).
    """
    first = len(values) % HOURS_PER_DAY
    came = values[first:].reshape(-1, HOURS_PER_DAY)
    observed = ~np.isnan(came)
    due = np.where(observed, expected[first:].reshape(-1, HOURS_PER_DAY), 0.0)
    return np.where(observed, came, 0.0).sum(axis=1), due.sum(axis=1)


def levels_said(came: np.ndarray, due: np.ndarray, first_lead: int = 1) -> np.ndarray:
    """After each day, the level said of the days ``first_lead`` to :data:`LEAD_DAYS` later (leads, days).

    It reads nothing later. A follower is a Gamma-Poisson filter with a discount (West and Harrison 1997,
    Bayesian Forecasting and Dynamic Models, chapter 10). They are mixed by their discounted Poisson deviance
    at that lead, in units of the days' dispersion, as exponential weights (Cesa-Bianchi and Lugosi 2006,
    Prediction, Learning, and Games, chapter 2). Where the last days or weeks say that the level has changed,
    it is theirs: see :mod:`forecasting.level_change`. A day without an observation leaves it as it was.

    Args:
        came: patients of each day (days,).
        due: patients expected of the day's observed hours at level 1 (days,); 0 where none was observed.
        first_lead: 1 to :data:`LEAD_DAYS`.
    """
    leads = range(first_lead, LEAD_DAYS + 1)
    seen = np.flatnonzero(due > 0)
    if not len(seen):
        return np.ones((len(leads), len(due)))
    latest = np.searchsorted(seen, np.arange(len(due)), side="right")
    came, due = came[seen], due[seen]
    followers = np.stack([np.log(_follow(came, due, half_life)) for half_life in HALF_LIVES], axis=1)
    mixed = np.stack([_mixed(followers, came, due, lead) for lead in leads])
    said = np.exp(with_changes(mixed, came, due))
    return np.concatenate([np.ones((len(leads), 1)), said], axis=1)[:, latest]


def _mixed(followers: np.ndarray, came: np.ndarray, due: np.ndarray, lead_days: int) -> np.ndarray:
    """The mixture of the followers' logarithms (days, followers) after each observed day (days,)."""
    foretold = followers[:-lead_days] + np.log(due[lead_days:, None])
    told, happened = np.exp(foretold), came[lead_days:, None]
    record = np.zeros_like(followers)
    if len(told):
        deviance = told - happened * foretold
        # The best follower's own errors are the unit in which the others are found wanting.
        square = (happened - told)[:, MIDDLE] ** 2 / told[:, MIDDLE]
        dispersion = np.maximum(1.0, np.cumsum(square) / np.arange(1, len(square) + 1))
        forget = 0.5 ** (1 / TRUST_HALF_LIFE)
        relative = deviance - deviance.min(axis=1, keepdims=True)
        record[lead_days:] = lfilter([1.0], [1.0, -forget], relative, axis=0) / dispersion[:, None]
    trust = softmax(-LEARNING_RATE * record, axis=1)
    return np.asarray((trust * followers).sum(axis=1))


def _follow(came: np.ndarray, due: np.ndarray, half_life: float) -> np.ndarray:
    """Level after each day (days,), what came over what was due, both forgotten at one speed."""
    forget = 0.5 ** (1 / half_life)
    sums = lfilter([1.0], [1.0, -forget], np.stack([came, due]), axis=1) + PRIOR_PATIENTS
    return np.asarray(sums[0] / sums[1])
