"""Poisson regression whose effects have a Gaussian prior."""

from __future__ import annotations

import numpy as np

STEPS = 30
HALVINGS = 12
ENOUGH = 1e-8
LARGEST_LOG_RATE = 15.0


def fit_poisson(
    columns: np.ndarray, values: np.ndarray, weights: np.ndarray, precision: np.ndarray, start: np.ndarray
) -> np.ndarray:
    """Effects b (p,) of the most probable log rate ``columns @ b``, by Newton's method.

    The loss is Σ w (e^η - y η) + b'Pb / 2; it is convex, and a step that raises it is halved. Values need
    not be whole numbers. McCullagh and Nelder (1989), Generalized Linear Models, chapter 6.

    Args:
        columns: (n, p).
        values: observed, not negative (n,).
        weights: of each row (n,).
        precision: inverse covariance of the prior of the effects, whose mean is 0 (p, p).
        start: effects to begin from (p,).
    """
    single = columns.astype(np.float32)
    effects = start
    log_rate = _bounded(columns @ effects)
    loss = _loss(effects, log_rate, values, weights, precision)
    for _ in range(STEPS):
        rate = np.exp(log_rate)
        slope = columns.T @ (weights * (rate - values)) + precision @ effects
        # A matrix by its own transpose costs half; the steps' direction asks no more than single precision.
        scaled = single * np.sqrt(weights * rate).astype(np.float32)[:, None]
        bend = (scaled.T @ scaled).astype(np.float64) + precision
        step = np.linalg.solve(bend, slope)
        for halving in range(HALVINGS):
            tried = effects - step / 2**halving
            tried_log_rate = _bounded(columns @ tried)
            tried_loss = _loss(tried, tried_log_rate, values, weights, precision)
            if tried_loss <= loss:
                break
        else:
            break
        gained = loss - tried_loss
        effects, log_rate, loss = tried, tried_log_rate, tried_loss
        if gained <= ENOUGH * (1.0 + abs(loss)):
            break
    return np.asarray(effects)


def _bounded(log_rate: np.ndarray) -> np.ndarray:
    return np.asarray(np.clip(log_rate, -LARGEST_LOG_RATE, LARGEST_LOG_RATE))


def _loss(
    effects: np.ndarray,
    log_rate: np.ndarray,
    values: np.ndarray,
    weights: np.ndarray,
    precision: np.ndarray,
) -> float:
    return float(weights @ (np.exp(log_rate) - values * log_rate) + effects @ precision @ effects / 2)
