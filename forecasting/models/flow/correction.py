"""What past forecasts of the flow got wrong, and how the next one is to be read because of it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

HOURS_PER_DAY = 24
LEADS_BESIDE = 12
BELIEF = 0.2
"""Standard deviation of a coefficient before anything is seen; error and features are standardised."""
DISPERSION_BELIEF = 3.0
"""Independent origins that speak for the dispersion of patients who don't feel each other."""
LEAST_VARIANCE = 1e-6
LEAST_ORIGINS = 14


@dataclass(frozen=True)
class Correction:
    """The error to expect, in standard deviations of the flow, and the variance of what is left of it."""

    shift: np.ndarray
    """Expected error of the origin that is to be corrected, by lead (leads,)."""
    dispersion: np.ndarray
    """Variance of the rest over that of the flow, by lead (leads,)."""


def learned_correction(
    mean: np.ndarray, variance: np.ndarray, outcome: np.ndarray, features: np.ndarray
) -> Correction:
    """A ridge regression of past standardised errors, lead by lead, on how the origin looked.

    Beds are few and who waits for one takes it: where a unit is fuller than usual, fewer come than the
    independent flow expects, and the error says so. Regressors are the forecast's departure from its mean
    over the origins, and the features. Errors of leads close by are taken together. Origins a day apart
    that look several days ahead overlap: they count for as many as don't.

    Args:
        mean: of the flow (origins, leads); the last origin is the one to correct.
        variance: of the flow (origins, leads).
        outcome: the census that came (origins, leads); NaN where missing or not known yet.
        features: of each origin (origins, features).
    """
    leads = mean.shape[1]
    deviation = np.sqrt(np.maximum(variance, LEAST_VARIANCE))
    error = (outcome - mean) / deviation
    error[variance <= LEAST_VARIANCE] = np.nan
    known = ~np.isnan(error)
    if known.any(axis=1).sum() < LEAST_ORIGINS:
        return Correction(np.zeros(leads), np.ones(leads))
    regressors = _regressors(mean, deviation, features)
    count = _beside(known.sum(axis=0)) / _beside(np.ones(leads))
    independent = count / np.maximum(np.arange(leads) / HOURS_PER_DAY, 1.0)
    response = np.where(known, error, 0.0)
    seen = regressors * known[:, :, None]
    weight = (independent / np.maximum(_beside(known.sum(axis=0)), 1.0))[:, None]
    moments = _beside(np.einsum("olf,olg->lfg", seen, regressors)) * weight[:, :, None]
    products = _beside(np.einsum("olf,ol->lf", seen, response)) * weight
    squares = _beside((response**2).sum(axis=0)) / np.maximum(_beside(known.sum(axis=0)), 1.0)
    noise = np.maximum(squares, LEAST_VARIANCE)[:, None, None]
    belief = np.eye(regressors.shape[2]) / BELIEF**2
    coefficients = np.linalg.solve(moments + noise * belief, products[:, :, None])[:, :, 0]
    fitted = np.einsum("olf,lf->ol", regressors, coefficients)
    rest = np.where(known, (response - fitted) ** 2, 0.0)
    left = _beside(rest.sum(axis=0)) / np.maximum(_beside(known.sum(axis=0)), 1.0)
    believed = (left * independent + DISPERSION_BELIEF) / (independent + DISPERSION_BELIEF)
    return Correction(fitted[-1], believed)


def _regressors(mean: np.ndarray, deviation: np.ndarray, features: np.ndarray) -> np.ndarray:
    """One, the forecast's departure and the features, standardised (origins, leads, 2 + features)."""
    departure = (mean - mean.mean(axis=0)) / deviation
    scaled = (features - features.mean(axis=0)) / np.maximum(features.std(axis=0), LEAST_VARIANCE)
    repeated = np.repeat(scaled[:, None, :], mean.shape[1], axis=1)
    return np.concatenate([np.ones((*mean.shape, 1)), departure[:, :, None], repeated], axis=2)


def _beside(by_lead: np.ndarray) -> np.ndarray:
    """Sums over the leads close by."""
    whole = np.concatenate([np.zeros((1, *by_lead.shape[1:])), np.cumsum(by_lead, axis=0, dtype=float)])
    lead = np.arange(len(by_lead))
    begin, end = np.maximum(lead - LEADS_BESIDE, 0), np.minimum(lead + LEADS_BESIDE + 1, len(by_lead))
    return np.asarray(whole[end] - whole[begin])
