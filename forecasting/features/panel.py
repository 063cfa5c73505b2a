"""The panel: every hour of every series of one target, with all that may be known of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa

from forecasting.config import Settings, Site, Unit
from forecasting.features.calendar import calendar, clock_hours
from forecasting.features.history import first_lag_weeks, same_hour_mean
from forecasting.features.weather import weather_columns
from forecasting.schema import OBSERVATION, Target

WEEKS_IN_WEEKLY_MEAN = 8


class _Series(NamedTuple):
    site_id: str
    unit: Unit
    columns: dict[str, np.ndarray]
    """What differs from hour to hour; what a site's units have in common are views of one array."""


def build_panel(
    history: pd.DataFrame,
    target: Target,
    settings: Settings,
    issued_at: datetime,
    sites: Sequence[Site],
    weather: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """The model-ready panel of one target: one row per site, unit and hour.

    Each series runs without a gap from its first observed hour to ``issued_at`` + lead_hours - 1 h.
    Observations at or after ``issued_at`` are dropped before anything else is done, so nothing here can
    depend on them. ``ed_arrivals`` has the units of type ``ed`` only. A unit that was never observed
    before ``issued_at`` has no rows.

    Args:
        history: rows of :data:`forecasting.schema.OBSERVATION`; other targets and units are ignored.
        target: what the panel is of.
        settings: gives lead_hours.
        issued_at: the issue time, hour-aligned, with its time zone.
        sites: whose units the panel covers.
        weather: rows of :data:`forecasting.schema.WEATHER`, of which those told after ``issued_at`` are
            dropped; none may be of a site. Without it, and of a census, the panel has no weather.

    Returns:
        site_id, unit_id, unit_type, beds, valid_at (UTC), time_idx (hours since 1970, one scale for all
        series), value (NaN: missing, or not yet known), observed (0/1), weekly_mean (of the same local hour
        in the eight latest weeks that were over at the issue time of every forecast that reaches the hour;
        NaN where nothing was observed in them), the calendar of
        :func:`forecasting.features.calendar.calendar`, and with weather the columns of
        :func:`forecasting.features.weather.weather_columns`. Sorted by site and unit in the order
        of ``sites``, then hour.

    Raises:
        ValueError: ``issued_at`` has no time zone or is not a full hour.
        SchemaError: ``history`` does not have the columns, types or key of an observation.
    """
    now = _full_hour(issued_at)
    known = _known_values(history, target, now)
    last = now + timedelta(hours=settings.lead_hours - 1)
    told = None if target is Target.BED_CENSUS else weather

    def weather_at(site: Site, hours: pd.DatetimeIndex) -> dict[str, np.ndarray]:
        if told is None:
            return {}
        return weather_columns(told[told["site_id"] == site.site_id], hours, now, settings.lead_hours)

    series = [
        one
        for site in sites
        if (units := _known_units(known, site, target))
        for one in _site_series(units, site, last, settings.lead_hours, weather_at)
    ]
    if not series:
        site = settings.sites[0]
        nothing = [(site.units[0], pd.Series([np.nan], pd.DatetimeIndex([now])))]
        return _frame(list(_site_series(nothing, site, now, settings.lead_hours, weather_at))).iloc[:0]
    return _frame(series)


def _full_hour(issued_at: datetime) -> pd.Timestamp:
    if issued_at.tzinfo is None:
        raise ValueError(f"issued_at {issued_at} has no time zone; pass one, such as UTC")
    now = pd.Timestamp(issued_at).tz_convert("UTC")
    if now != now.floor("h"):
        raise ValueError(f"issued_at {issued_at} is not a full hour; pass the start of an hour in UTC")
    return now


def _known_values(
    history: pd.DataFrame, target: Target, now: pd.Timestamp
) -> dict[tuple[str, str], pd.Series[float]]:
    """Observed values before ``now`` by (site_id, unit_id), indexed by hour."""
    known = (history["valid_at"] < now) & (history["target"] == target) & history["value"].notna()
    observed = OBSERVATION.conform(history if known.all() else history[known])
    hours, values = pd.DatetimeIndex(observed["valid_at"]), observed["value"].to_numpy()
    # The rows are sorted by key: a series is one run of them, and needs no copy.
    series = observed[["site_id", "unit_id"]]
    begins = np.flatnonzero(series.ne(series.shift()).any(axis=1))
    return {
        (str(series["site_id"].iloc[begin]), str(series["unit_id"].iloc[begin])): pd.Series(
            values[begin:end], hours[begin:end]
        )
        for begin, end in pairwise([*begins, len(observed)])
    }


def _known_units(
    known: Mapping[tuple[str, str], pd.Series[float]], site: Site, target: Target
) -> list[tuple[Unit, pd.Series[float]]]:
    """The site's units that have the target and were ever observed, each with its values."""
    return [
        (unit, known[site.site_id, unit.unit_id])
        for unit in site.units
        if (target is Target.BED_CENSUS or unit == site.ed) and (site.site_id, unit.unit_id) in known
    ]


def _site_series(
    units: Sequence[tuple[Unit, pd.Series[float]]],
    site: Site,
    last: pd.Timestamp,
    lead_hours: int,
    weather_at: Callable[[Site, pd.DatetimeIndex], dict[str, np.ndarray]],
) -> Iterator[_Series]:
    """Each unit's rows; the site's clock, calendar and weather, the same for all of them, are made once."""
    first = min(values.index[0] for _, values in units)
    hours = pd.date_range(first, last, freq="h", unit="us")
    clock = clock_hours(hours, site)
    shared = {
        "valid_at": hours.asi8,
        "time_idx": hours.as_unit("s").asi8 // 3600,
        **{str(name): column.to_numpy() for name, column in calendar(hours, site).items()},
        **weather_at(site, hours),
    }
    first_lag = first_lag_weeks(lead_hours)
    lags = range(first_lag, first_lag + WEEKS_IN_WEEKLY_MEAN)
    for unit, values in units:
        begin = int(hours.searchsorted(values.index[0]))
        value = values.reindex(hours[begin:]).to_numpy(dtype=float)
        own = {
            "value": value,
            "observed": (~np.isnan(value)).astype(np.int64),
            "weekly_mean": same_hour_mean(value, clock[begin:], lags, lead_hours),
        }
        yield _Series(site.site_id, unit, {name: column[begin:] for name, column in shared.items()} | own)


def _frame(series: Sequence[_Series]) -> pd.DataFrame:
    """The series' rows below one another, column by column: there is never a second copy of the panel."""
    lengths = [len(one.columns["value"]) for one in series]

    def joined(name: str) -> np.ndarray:
        return np.concatenate([one.columns[name] for one in series])

    def repeated(names: list[str]) -> pd.Series[str]:
        rows = np.repeat(np.arange(len(names), dtype=np.int32), lengths)
        told: pd.Series[str] = pa.DictionaryArray.from_arrays(rows, names).cast(pa.string()).to_pandas()
        return told

    columns = {
        "site_id": repeated([one.site_id for one in series]),
        "unit_id": repeated([one.unit.unit_id for one in series]),
        "unit_type": repeated([one.unit.unit_type.value for one in series]),
        "beds": np.repeat([one.unit.beds for one in series], lengths),
        "valid_at": pd.DatetimeIndex(joined("valid_at").view("datetime64[us]"), tz="UTC"),
    }
    order = ["time_idx", "value", "observed", "weekly_mean"]
    rest = [name for name in series[0].columns if name not in (*columns, *order)]
    return pd.DataFrame(columns | {name: joined(name) for name in (*order, *rest)}, copy=False)
