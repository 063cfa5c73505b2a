"""How hours and units go together, read off the past: templates for sample paths."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.stats import norm

from forecasting.config import Settings
from forecasting.models.marginals import MEDIAN
from forecasting.models.paths import PATHS, laid_out

LEAST_ERRORS = 20
"""Past forecasts from which on their errors are the better template."""
DAY_SHARE = 0.5
"""What the same hours of the day before or after tell, beside the hours themselves."""
DAYS_ASIDE = 3
HOURS_PER_DAY = 24
TEMPLATE_WEEKS = 52
LEVEL_WEEKS = 9
LEAST_KNOWN = 0.5
"""Share of its hours that a row of a template must know."""
LEAST_WEEKS = 8
"""Past weeks from which on a series tells how its hours go together."""


def dependence(
    forecast: pd.DataFrame,
    past: pd.DataFrame,
    outcomes: pd.DataFrame,
    settings: Settings,
    rows: int = PATHS,
    seed: int = 0,
) -> np.ndarray:
    """The template for a forecast's paths: past errors where there are enough, else past departures; mixed.

    Args:
        forecast: see :func:`forecasting.models.paths.sample_paths`.
        past: forecasts of the same series from earlier issue times, by the same model; may be none.
        outcomes: rows with site_id, unit_id, target, valid_at and value; nothing at or after the issue time
            is looked at.
        settings: gives the sites' zones.
        rows: how many rows to mix, best as many as paths are to be drawn.
        seed: of the mixing.
    """
    errors = past_errors(forecast, past, outcomes)
    seen = errors if len(errors) >= LEAST_ERRORS else past_departures(forecast, outcomes, settings)
    return mixed(seen, rows, seed)


def mixed(template: np.ndarray, rows: int, seed: int = 0) -> np.ndarray:
    """As many rows as wanted, each a mixture of all of a template's, that go together as those do.

    A few dozen rows, shuffled as they are, give totals that depend on which they happen to be. Here each
    cell's values become normal scores, and rows are drawn as normal vectors with the scores' correlations:
    a Gaussian copula, without a matrix of them. What happened at the same hours a day earlier or later
    tells of them too, half as much for each day between, so that correlations don't rest on the few
    occasions alone. Of hours that a row doesn't know the others tell; hours of which nothing is known, or
    that never changed, go independently. Series of which nothing is known at all are high or low in all their
    hours together: what those sum to is then said too widely rather than too narrowly.

    Args:
        template: (occasions, series, hours); NaN where unknown.
        rows: how many.
        seed: of the draws.

    Returns:
        Scores (rows, series, hours).
    """
    occasions, series, hours = template.shape
    scores = _scores(template)
    random = np.random.default_rng(seed)
    drawn, size = np.zeros((rows, series, hours)), np.zeros((series, hours))
    aside = min(DAYS_ASIDE, (hours - 1) // HOURS_PER_DAY)
    for day in range(-aside, aside + 1):
        shifted = _moved(scores, day * HOURS_PER_DAY) * DAY_SHARE ** (abs(day) / 2)
        weights = random.normal(size=(rows, occasions))
        drawn += (weights @ shifted.reshape(occasions, series * hours)).reshape(drawn.shape)
        size += (shifted**2).sum(axis=0)
    alone, together = random.normal(size=drawn.shape), random.normal(size=(rows, 1, 1))
    unknown = np.isnan(template).all(axis=(0, 2))[:, None]
    return np.where(
        size > 0, drawn / np.sqrt(np.where(size > 0, size, 1.0)), np.where(unknown, together, alone)
    )


def _scores(template: np.ndarray) -> np.ndarray:
    """Normal scores of each cell's values, of length 1 over the occasions; 0 where unknown or all alike."""
    occasions, series, hours = template.shape
    cells = pd.DataFrame(template.reshape(occasions, series * hours))
    ranks = (cells.rank() - 0.5) / cells.notna().sum()
    scores = np.nan_to_num(np.asarray(norm.ppf(ranks)))
    size = np.sqrt((scores**2).sum(axis=0))
    return np.asarray(scores / np.where(size > 0, size, 1.0)).reshape(template.shape)


def _moved(scores: np.ndarray, hours: int) -> np.ndarray:
    """The scores so many hours later, or earlier; 0 where none move in."""
    moved = np.zeros_like(scores)
    later, earlier = max(hours, 0), max(-hours, 0)
    length = scores.shape[-1] - abs(hours)
    moved[..., later : later + length] = scores[..., earlier : earlier + length]
    return moved


def past_errors(forecast: pd.DataFrame, past: pd.DataFrame, outcomes: pd.DataFrame) -> np.ndarray:
    """Errors of past forecasts by lead: outcome - median (issue times, series, hours).

    Outcomes at or after the forecast's issue time are not looked at: they are NaN, and an issue time of
    which less than half of the errors are known is left out.
    """
    about, valid_at, _, _ = laid_out(forecast)
    issued_at = about["issued_at"].iloc[0]
    spoken = past[(past["quantile"] == MEDIAN) & (past["issued_at"] < issued_at)]
    spoken = spoken[(spoken["target"] == about["target"].iloc[0]) & (spoken["period"] == "PT1H")]
    key = ["site_id", "unit_id", "target", "valid_at"]
    both = spoken.merge(_known(outcomes, issued_at)[[*key, "value"]], on=key, suffixes=("", "_came"))
    lead = ((both["valid_at"] - both["issued_at"]) // pd.Timedelta(hours=1)).to_numpy()
    series = pd.MultiIndex.from_frame(about[["site_id", "unit_id"]])
    place = series.get_indexer(pd.MultiIndex.from_frame(both[["site_id", "unit_id"]]))
    occasion, times = pd.factorize(both["issued_at"], sort=True)
    errors = np.full((len(times), len(series), len(valid_at)), np.nan)
    here = (place >= 0) & (lead >= 0) & (lead < len(valid_at))
    error = (both["value_came"] - both["value"]).to_numpy(dtype=float)
    errors[occasion[here], place[here], lead[here]] = error[here]
    return _known_rows(errors)


def past_departures(forecast: pd.DataFrame, outcomes: pd.DataFrame, settings: Settings) -> np.ndarray:
    """How the same local hours of past weeks departed from what was usual then (weeks, series, hours).

    Usual is the hour's mean over the weeks, at the level of the nine weeks around, so that seasons and
    growth, which a forecast knows, don't pass for dependence. A week of which less than half is known
    before the issue time is left out; a series of which less than :data:`LEAST_WEEKS` are is all NaN.
    """
    about, valid_at, _, _ = laid_out(forecast)
    known = _known(outcomes, about["issued_at"].iloc[0])
    known = known[known["target"] == about["target"].iloc[0]]
    values = np.full((TEMPLATE_WEEKS, len(about), len(valid_at)), np.nan)
    by_series = {key: rows.set_index("valid_at") for key, rows in known.groupby(["site_id", "unit_id"])}
    for place, (site_id, unit_id) in enumerate(zip(about["site_id"], about["unit_id"], strict=True)):
        if (site_id, unit_id) in by_series:
            weeks = _weeks_before(valid_at, settings.site(site_id).time_zone)
            came = by_series[site_id, unit_id]["value"].reindex(weeks).to_numpy(dtype=float)
            values[:, place] = came.reshape(TEMPLATE_WEEKS, len(valid_at))
    known_weeks = ((~np.isnan(values)).mean(axis=2) >= LEAST_KNOWN).sum(axis=0)
    values[:, known_weeks < LEAST_WEEKS] = np.nan
    return _departures(_known_rows(values))


def _known(outcomes: pd.DataFrame, issued_at: pd.Timestamp) -> pd.DataFrame:
    return outcomes[(outcomes["valid_at"] < issued_at) & outcomes["value"].notna()]


def _known_rows(template: np.ndarray) -> np.ndarray:
    """The rows that know enough of the series of which anything is known."""
    known = ~np.isnan(template)
    told = known.any(axis=(0, 2)).sum() * template.shape[2]
    return np.asarray(template[known.sum(axis=(1, 2)) >= max(LEAST_KNOWN * told, 1)])


def _weeks_before(valid_at: pd.DatetimeIndex, time_zone: str) -> pd.DatetimeIndex:
    """The same local hours of each past week, the latest first (weeks x hours,), UTC."""
    wall = valid_at.tz_convert(time_zone).tz_localize(None)
    ago = pd.to_timedelta(7 * np.arange(1, TEMPLATE_WEEKS + 1), unit="D")
    walls = pd.DatetimeIndex((wall.to_numpy()[None] - ago.to_numpy()[:, None]).ravel())
    once = np.ones(len(walls), dtype=bool)
    local = walls.tz_localize(time_zone, ambiguous=once, nonexistent="shift_forward")
    return local.tz_convert("UTC")


def _departures(values: np.ndarray) -> np.ndarray:
    """Departures from each hour's mean at the level of the weeks around (weeks, series, hours)."""
    if not len(values):
        return values
    weeks, series, hours = values.shape
    cells = pd.DataFrame(values.reshape(weeks, -1))
    typical = cells.mean().to_numpy().reshape(series, hours)
    expected = np.where(np.isnan(values), np.nan, typical)
    came = pd.DataFrame(np.nansum(values, axis=2)).rolling(LEVEL_WEEKS, center=True, min_periods=1).sum()
    meant = pd.DataFrame(np.nansum(expected, axis=2)).rolling(LEVEL_WEEKS, center=True, min_periods=1).sum()
    level = (came / meant.where(meant > 0)).fillna(1.0).to_numpy()
    return np.asarray(values - level[:, :, None] * typical)
