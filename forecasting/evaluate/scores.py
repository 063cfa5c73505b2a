"""Scores of quantile forecasts, as pure functions on long tables."""

from __future__ import annotations

import numpy as np
import pandas as pd

ALL = ""
"""site_id and unit_id of the rows that speak of all series together."""

MEDIAN = 0.5
INTERVALS = {"coverage_80": (0.1, 0.9), "coverage_90": (0.05, 0.95)}
HOUR = ["issued_at", "site_id", "unit_id", "target", "valid_at"]
SERIES = ["target", "site_id", "unit_id"]


def pinball(
    outcome: pd.Series[float], forecast: pd.Series[float], level: pd.Series[float]
) -> pd.Series[float]:
    """Pinball loss max(q e, (q - 1) e) with e = outcome - forecast, in patients.

    Koenker and Bassett (1978), Regression quantiles, Econometrica 46(1).
    """
    error = outcome - forecast
    return pd.Series(np.maximum(level * error, (level - 1) * error), index=outcome.index)


def score(forecasts: pd.DataFrame, outcomes: pd.DataFrame, reference: str = "climatology") -> pd.DataFrame:
    """Scores of each model, per series and over all series.

    Models are compared on the same hours: those that every model forecast, from the same issue time, and
    whose outcome is known.

    Args:
        forecasts: rows of :data:`forecasting.schema.FORECAST`, of one or more models.
        outcomes: rows with site_id, unit_id, target, valid_at and value; missing values are not scored.
        reference: the model that skill is measured against.

    Returns:
        model, target, site_id, unit_id (both :data:`ALL` where a row speaks of all series of its target),
        hours (scored, each issue time's own), pinball (mean over hours and levels, patients), wql (pinball
        summed x 2 / outcomes summed, mean over levels), mae (of the median, patients), bias (median -
        outcome, patients), coverage_80, coverage_90 (share of outcomes inside the interval, its ends
        included), skill (1 - wql / wql of the reference on the same series). What can't be computed, such
        as the coverage of levels that were not forecast, is NaN.
    """
    scored = _scored_hours(forecasts, outcomes)
    by_series = _summary(scored, ["model", *SERIES])
    overall = _summary(scored, ["model", "target"]).assign(site_id=ALL, unit_id=ALL)
    table = pd.concat([overall, by_series], ignore_index=True)
    columns = ["model", *SERIES, "hours", "pinball", "wql", "mae", "bias", *INTERVALS]
    return _with_skill(table[columns], reference)


def _scored_hours(forecasts: pd.DataFrame, outcomes: pd.DataFrame) -> pd.DataFrame:
    """One row per model and hour: the outcome, and each measure of that hour."""
    known = outcomes.loc[outcomes["value"].notna(), [*SERIES, "valid_at", "value"]]
    known = known.rename(columns={"value": "outcome"})
    joined = forecasts.merge(known, on=[*SERIES, "valid_at"], validate="many_to_one")
    models_per_hour = joined.groupby(HOUR)["model"].transform("nunique")
    joined = joined[models_per_hour == joined["model"].nunique()].reset_index(drop=True)
    joined["pinball"] = pinball(joined["outcome"], joined["value"], joined["quantile"])
    key = ["model", *HOUR]
    hours = joined.groupby(key, as_index=False).agg(outcome=("outcome", "first"), pinball=("pinball", "mean"))
    wide = joined.pivot_table(index=key, columns="quantile", values="value")
    levels = wide.reindex(columns=[MEDIAN, *sum(INTERVALS.values(), ())]).reset_index()
    hours = hours.merge(levels, on=key, validate="one_to_one")
    hours["bias"] = hours[MEDIAN] - hours["outcome"]
    hours["mae"] = hours["bias"].abs()
    for name, (low, high) in INTERVALS.items():
        inside = (hours["outcome"] >= hours[low]) & (hours["outcome"] <= hours[high])
        hours[name] = inside.astype(float).where(hours[low].notna() & hours[high].notna())
    return hours


def _summary(hours: pd.DataFrame, by: list[str]) -> pd.DataFrame:
    groups = hours.groupby(by)
    means = groups[["pinball", "mae", "bias", *INTERVALS]].mean()
    sums = groups[["pinball", "outcome"]].sum()
    means["wql"] = (2 * sums["pinball"] / sums["outcome"]).where(sums["outcome"] > 0)
    means["hours"] = groups.size()
    return means.reset_index()


def _with_skill(table: pd.DataFrame, reference: str) -> pd.DataFrame:
    of_reference = table.loc[table["model"] == reference, [*SERIES, "wql"]]
    joined = table.merge(of_reference.rename(columns={"wql": "reference_wql"}), on=SERIES, how="left")
    skill = 1 - joined["wql"] / joined["reference_wql"].where(joined["reference_wql"] > 0)
    return joined.assign(skill=skill).drop(columns="reference_wql")
