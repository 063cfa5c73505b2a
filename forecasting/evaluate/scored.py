"""Scored hours: a row per model and hour, or block, made once and then summed up by any grouping."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from forecasting.blocks import HOUR
from forecasting.evaluate.pit import pit_bounds, share_within
from forecasting.schema import Target

MEDIAN = 0.5
INTERVALS = {"80": (0.1, 0.9), "90": (0.05, 0.95)}
SERIES = ["target", "site_id", "unit_id"]
OUTCOME = [*SERIES, "period", "valid_at"]
SPOKEN = ["issued_at", *OUTCOME]
SECONDS_PER_DAY = 86_400


def scored_hours(forecasts: pd.DataFrame, outcomes: pd.DataFrame) -> pd.DataFrame:
    """What each model said of each hour beside what came, and each measure of it.

    Models are compared on the same ground: hours that every model forecast, from the same issue time, and
    whose outcome is known, and levels that every model forecast. A forecast that is missing or NaN at one
    of these levels is none.

    Args:
        forecasts: rows of :data:`forecasting.schema.FORECAST`, of one or more models and any periods.
        outcomes: rows with site_id, unit_id, target, valid_at and value, and period where they are of
            longer blocks than an hour (see :func:`forecasting.evaluate.period.period_outcomes`); missing
            values are not scored.

    Returns:
        model, issued_at, target, site_id, unit_id, period, valid_at; lead_day (1 for the first 24 hours
        after the issue time); outcome; pinball (mean over levels, patients), bias (median - outcome), mae
        (its size); coverage_80 and coverage_90 (1 where the outcome lies in the interval, its ends
        included); pit_80 and pit_90 (share of the outcome's PIT interval inside the same levels); pit_low
        and pit_high (see :func:`forecasting.evaluate.pit.pit_bounds`). What can't be computed, such as the
        coverage of levels that were not forecast, is NaN.

        Counts pile up on the ends of an interval, so that coverage_80 of a perfect forecast is above 80 %,
        the more the fewer patients; its pit_80 is 80 %. Judge calibration by pit_80 and pit_90.
    """
    spoken, values, levels = _by_hour(forecasts)
    spoken = spoken.merge(_known(outcomes), on=OUTCOME, how="left", validate="many_to_one")
    outcome = spoken["outcome"].to_numpy(dtype=float)
    has_outcome = ~np.isnan(outcome)
    shared = _shared_levels(spoken.loc[has_outcome, "model"], values[has_outcome])
    usable = has_outcome & ~np.isnan(values[:, shared]).any(axis=1)
    usable &= _said_by_all(spoken, usable)
    hours: pd.DataFrame = spoken[usable].reset_index(drop=True)
    lead = (hours["valid_at"] - hours["issued_at"]).dt.total_seconds() // SECONDS_PER_DAY
    hours.insert(len(SPOKEN) + 1, "lead_day", lead.astype(np.int64) + 1)
    measures = _measures(outcome[usable], values[usable], levels, shared, _steps(hours))
    return pd.concat([hours, pd.DataFrame(measures, index=hours.index)], axis=1)


def pinball(outcome: np.ndarray, forecast: np.ndarray, level: np.ndarray | float) -> np.ndarray:
    """Pinball loss max(q e, (q - 1) e) with e = outcome - forecast, in patients.

    Koenker and Bassett (1978), Regression quantiles, Econometrica 46(1).
    """
    error = outcome - forecast
    return np.asarray(np.maximum(level * error, (level - 1) * error))


def _by_hour(forecasts: pd.DataFrame) -> tuple[pd.DataFrame, np.ndarray, np.ndarray]:
    """What was spoken of, one row per model and hour, its quantiles (rows, levels), and the levels."""
    keys = ["model", *SPOKEN]
    row = _numbered(forecasts, keys)
    level, levels = pd.factorize(forecasts["quantile"].to_numpy(dtype=float), sort=True)
    first = np.flatnonzero(~pd.Series(row).duplicated())
    values = np.full((len(first), len(levels)), np.nan)
    values[row, level] = forecasts["value"].to_numpy(dtype=float)
    return forecasts[keys].iloc[first].reset_index(drop=True), values, np.asarray(levels)


def _numbered(frame: pd.DataFrame, keys: Sequence[str]) -> np.ndarray:
    """A number for each distinct key, in order of appearance (n,)."""
    number = np.zeros(len(frame), dtype=np.int64)
    for key in keys:
        code, values = pd.factorize(frame[key])
        number = number * max(len(values), 1) + code
    return np.asarray(pd.factorize(number)[0])


def _known(outcomes: pd.DataFrame) -> pd.DataFrame:
    known = outcomes[outcomes["value"].notna()]
    if "period" not in known:
        known = known.assign(period=HOUR)
    return known[[*OUTCOME, "value"]].rename(columns={"value": "outcome"})


def _shared_levels(models: pd.Series[str], values: np.ndarray) -> np.ndarray:
    """Whether each level was forecast by every model (levels,)."""
    said = pd.DataFrame(~np.isnan(values)).groupby(models.to_numpy()).any()
    return np.asarray(said.all(axis=0), dtype=bool)


def _said_by_all(spoken: pd.DataFrame, usable: np.ndarray) -> np.ndarray:
    models = spoken.loc[usable, "model"].nunique()
    number = _numbered(spoken, SPOKEN)
    said_by = np.bincount(number, weights=usable, minlength=1)
    return np.asarray(said_by[number] == models)


def _steps(hours: pd.DataFrame) -> np.ndarray:
    """Distance between possible outcomes: 1 for counts, 0 for the means of a census over a block."""
    counted = (hours["period"] == HOUR) | (hours["target"] == Target.ED_ARRIVALS)
    return np.asarray(counted.to_numpy(dtype=float))


def _measures(
    outcome: np.ndarray, values: np.ndarray, levels: np.ndarray, shared: np.ndarray, step: np.ndarray
) -> dict[str, np.ndarray]:
    nothing = np.full(len(outcome), np.nan)
    columns = {float(level): values[:, place] for place, level in enumerate(levels)}
    said = values[:, shared]
    loss = pinball(outcome[:, None], said, levels[shared]).mean(axis=1) if shared.any() else nothing
    bias = columns.get(MEDIAN, nothing) - outcome
    low, high = pit_bounds(outcome, said, levels[shared], step) if shared.sum() > 1 else (nothing, nothing)
    measures = {"pinball": loss, "bias": bias, "mae": np.abs(bias)}
    for name, (least, most) in INTERVALS.items():
        ends = columns.get(least, nothing), columns.get(most, nothing)
        inside = ((outcome >= ends[0]) & (outcome <= ends[1])).astype(float)
        forecast = ~np.isnan(ends).any(axis=0)
        measures[f"coverage_{name}"] = np.where(forecast, inside, np.nan)
        measures[f"pit_{name}"] = np.where(forecast, share_within(low, high, least, most), np.nan)
    return measures | {"pit_low": low, "pit_high": high}
