"""The noise floor: the loss of someone who knows the true rate of every hour, and no more."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy.stats import poisson

from forecasting.evaluate.scored import OUTCOME, SPOKEN


def poisson_loss(rate: np.ndarray, levels: Sequence[float]) -> np.ndarray:
    """Expected pinball loss of the Poisson quantiles of ``rate`` when that is the law (n,), mean over levels.

    With k the quantile at level q, E max(q (Y - k), (q - 1) (Y - k)) = q (rate - k) + E (k - Y)+, and for a
    Poisson count E (k - Y)+ = k F(k) - rate F(k - 1), F its distribution function (Johnson, Kemp and Kotz,
    2005, Univariate discrete distributions, on its incomplete moments).

    Args:
        rate: expected patients (n,); none of them negative.
        levels: quantile levels.
    """
    rates = np.asarray(rate, dtype=float)[:, None]
    quantile = poisson.ppf(levels, rates)
    below = quantile * poisson.cdf(quantile, rates) - rates * poisson.cdf(quantile - 1, rates)
    loss = np.asarray(levels) * (rates - quantile) + below
    return np.asarray(loss.mean(axis=1))


def noise_floor(rate: np.ndarray, levels: Sequence[float]) -> float:
    """WQL of someone who knows the rates (n,): Poisson noise alone; NaN where nobody is expected.

    Nobody gets below it but by luck. Shocks that move the rate itself and that nobody can foresee lie above
    it, so it may be out of reach. It is meant for arrivals; a census is not Poisson around what is known.
    """
    expected = float(np.sum(rate))
    return float(2 * poisson_loss(rate, levels).sum() / expected) if expected > 0 else float("nan")


def with_floor(hours: pd.DataFrame, rates: pd.DataFrame, levels: Sequence[float]) -> pd.DataFrame:
    """Scored hours with the floor of each, for :func:`forecasting.evaluate.scores.score_by`.

    Args:
        hours: what :func:`forecasting.evaluate.scored.scored_hours` returns.
        rates: target, site_id, unit_id, period, valid_at and rate, and issued_at where the rate is that of
            a forecast. The true rates where they are known, as those of a simulator; else an estimate, for
            example :func:`rates_of` the model with the lowest loss. An estimate makes the floor one: its
            errors spread the rates, and by the concavity of the loss in the rate the floor comes out
            slightly low. Several rows may not speak of one hour.
        levels: the quantile levels that the models were scored on.

    Returns:
        ``hours`` with rate and floor_pinball; both NaN where no rate is told.
    """
    key = SPOKEN if "issued_at" in rates else OUTCOME
    told = hours.merge(rates[[*key, "rate"]], on=key, how="left", validate="many_to_one")
    rate = told["rate"].to_numpy(dtype=float)
    known = ~np.isnan(rate)
    # The same rate comes again and again: each model's, each issue time's.
    distinct, place = np.unique(rate[known], return_inverse=True)
    floor = np.full(len(told), np.nan)
    floor[known] = poisson_loss(distinct, levels)[place]
    return told.assign(floor_pinball=floor)


def rates_of(forecasts: pd.DataFrame) -> pd.DataFrame:
    """The mean of each forecast distribution, as rates for :func:`with_floor`.

    A quantile stands for the levels nearer to it than to any other, the outermost for what lies beyond
    them: the mean is that of a step function through the quantiles, close where levels are many and the
    tails are alike.

    Args:
        forecasts: rows of :data:`forecasting.schema.FORECAST` of one model, the same levels for each hour.
    """
    levels = np.sort(forecasts["quantile"].unique())
    edges = np.concatenate([[0.0], (levels[1:] + levels[:-1]) / 2, [1.0]])
    share = forecasts["quantile"].map(dict(zip(levels, np.diff(edges), strict=True)))
    weighted = forecasts.assign(rate=forecasts["value"] * share)
    return weighted.groupby(SPOKEN)["rate"].sum().reset_index()
