"""Sample paths: what a whole week may look like, hours and units of a site together.

A forecast of quantiles says of each hour by itself what may come. Sums over a shift, and its highest hour,
depend on how hours err together; that is read off past errors.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from forecasting.config import Settings
from forecasting.models.marginals import MEDIAN, quantile_function

PATHS = 1000
LEAST_ERRORS = 20
"""Past forecasts from which on their errors are the better template."""
TEMPLATE_WEEKS = 52
LEVEL_WEEKS = 9
LEAST_KNOWN = 0.5
"""Share of its hours that a row of a template must know."""


@dataclass(frozen=True)
class Paths:
    """Equally likely courses of every series of one issue time and target."""

    forecast: pd.DataFrame
    """One row per series: its FORECAST columns but for valid_at, quantile and value."""
    valid_at: pd.DatetimeIndex
    """The hours, in UTC (hours,)."""
    counts: np.ndarray
    """Patients (paths, series, hours)."""


def sample_paths(forecast: pd.DataFrame, template: np.ndarray, paths: int = PATHS, seed: int = 0) -> Paths:
    """Courses whose hours are distributed as the forecast says and go together as the template's rows do.

    The Schaake shuffle: in each hour the forecast's values take the ranks that the template's have. Clark,
    Gangopadhyay, Hay, Rajagopalan and Wilby (2004), The Schaake shuffle, Journal of Hydrometeorology 5(1).
    More paths than rows share the rows evenly; ties, and where a row knows nothing of an hour, are drawn.

    Args:
        forecast: rows of :data:`forecasting.schema.FORECAST`, period PT1H, of one issue time and target, the
            same hours and levels for each series.
        template: one row per past occasion, (occasions, series, hours), series and hours as in
            ``forecast`` sorted; NaN where unknown. Errors (:func:`past_errors`), or departures
            (:func:`past_departures`); :func:`dependence` chooses. Without a row, hours go independently.
        paths: how many.
        seed: of the draws.

    Returns:
        The paths; in every hour of every series exactly the values that the forecast's quantile function has
        at the levels (i + 1/2) / paths, whatever the template.

    Raises:
        ValueError: the forecast is of several issue times, targets or periods, or lacks an hour or level, or
            the template has another shape.
    """
    about, valid_at, levels, quantiles = _laid_out(forecast)
    shape = (len(about), len(valid_at))
    if template.shape[1:] != shape:
        raise ValueError(
            f"a template of {template.shape[1:]} series and hours can't shape a forecast of {shape}"
        )
    at = (np.arange(paths) + 0.5) / paths
    by_rank = quantile_function(quantiles, levels, at)
    ranks = _ranks(template.reshape(len(template), shape[0] * shape[1]), paths, np.random.default_rng(seed))
    values = np.take_along_axis(by_rank.reshape(-1, paths), ranks.T, axis=1)
    return Paths(about, valid_at, values.T.reshape(paths, *shape).astype(np.int32))


def dependence(
    forecast: pd.DataFrame, past: pd.DataFrame, outcomes: pd.DataFrame, settings: Settings
) -> np.ndarray:
    """The template for a forecast's paths: past errors where there are enough, else past departures.

    Args:
        forecast: see :func:`sample_paths`.
        past: forecasts of the same series from earlier issue times, by the same model.
        outcomes: rows with site_id, unit_id, target, valid_at and value; nothing at or after the issue time
            is looked at.
        settings: gives the sites' zones.
    """
    errors = past_errors(forecast, past, outcomes)
    return errors if len(errors) >= LEAST_ERRORS else past_departures(forecast, outcomes, settings)


def past_errors(forecast: pd.DataFrame, past: pd.DataFrame, outcomes: pd.DataFrame) -> np.ndarray:
    """Errors of past forecasts by lead: outcome - median (issue times, series, hours).

    Outcomes at or after the forecast's issue time are not looked at: they are NaN, and an issue time of
    which less than half of the errors are known is left out.
    """
    about, valid_at, _, _ = _laid_out(forecast)
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
    before the issue time is left out.
    """
    about, valid_at, _, _ = _laid_out(forecast)
    known = _known(outcomes, about["issued_at"].iloc[0])
    known = known[known["target"] == about["target"].iloc[0]]
    values = np.full((TEMPLATE_WEEKS, len(about), len(valid_at)), np.nan)
    by_series = {key: rows.set_index("valid_at") for key, rows in known.groupby(["site_id", "unit_id"])}
    for place, (site_id, unit_id) in enumerate(zip(about["site_id"], about["unit_id"], strict=True)):
        if (site_id, unit_id) in by_series:
            weeks = _weeks_before(valid_at, settings.site(site_id).time_zone)
            came = by_series[site_id, unit_id]["value"].reindex(weeks).to_numpy(dtype=float)
            values[:, place] = came.reshape(TEMPLATE_WEEKS, len(valid_at))
    return _departures(_known_rows(values))


def _laid_out(
    forecast: pd.DataFrame,
) -> tuple[pd.DataFrame, pd.DatetimeIndex, tuple[float, ...], np.ndarray]:
    """The series, the hours, the levels, and the quantiles (series, hours, levels)."""
    for name in ("issued_at", "target", "period"):
        different = forecast[name].unique()
        if len(different) != 1:
            told = ", ".join(map(str, different[:3]))
            raise ValueError(f"paths are of one {name}; the forecast has {told or 'none'}")
    if (period := forecast["period"].iloc[0]) != "PT1H":
        raise ValueError(f"paths are of hours, PT1H; the forecast is of {period}")
    rows = forecast.sort_values(["site_id", "unit_id", "valid_at", "quantile"])
    about = rows.drop(columns=["valid_at", "quantile", "value"]).drop_duplicates(["site_id", "unit_id"])
    valid_at = pd.DatetimeIndex(rows["valid_at"].unique()).sort_values()
    levels = tuple(float(level) for level in np.sort(rows["quantile"].unique()))
    shape = (len(about), len(valid_at), len(levels))
    if len(rows) != np.prod(shape):
        raise ValueError(
            f"{len(rows)} quantiles are not {shape[0]} series x {shape[1]} hours x {shape[2]} levels; "
            "give every series the same hours and levels"
        )
    quantiles = rows["value"].to_numpy(dtype=float).reshape(shape)
    return about.reset_index(drop=True), valid_at, levels, quantiles


def _ranks(template: np.ndarray, paths: int, random: np.random.Generator) -> np.ndarray:
    """For each cell a permutation of 0 .. paths - 1, in the order of the template's rows (paths, cells)."""
    occasions, cells = template.shape
    place = random.random((paths, cells))
    if occasions:
        order = np.lexsort((random.random(template.shape), template), axis=0)
        rank = np.empty(template.shape)
        np.put_along_axis(rank, order, np.arange(occasions)[:, None].astype(float), axis=0)
        # Unknown values sort last; what is known fills 0..1 without them.
        known = ~np.isnan(template)
        share = np.where(known, rank, np.nan) / np.maximum(known.sum(axis=0), 1)
        row = np.concatenate([random.permutation(occasions) for _ in range(-(-paths // occasions))])[:paths]
        drawn = share[row] + place / np.maximum(known.sum(axis=0), 1)
        place = np.where(np.isnan(drawn), place, drawn)
    return np.asarray(place.argsort(axis=0).argsort(axis=0))


def _known(outcomes: pd.DataFrame, issued_at: pd.Timestamp) -> pd.DataFrame:
    return outcomes[(outcomes["valid_at"] < issued_at) & outcomes["value"].notna()]


def _known_rows(template: np.ndarray) -> np.ndarray:
    known = (~np.isnan(template)).mean(axis=(1, 2))
    return np.asarray(template[known >= LEAST_KNOWN])


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
