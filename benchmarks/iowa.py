"""The accuracy protocol of real ED arrivals: a hospital in Iowa, 51 weekly origins, a week ahead.

The data's clock is local and regular: each spring has an hour of 0 and each autumn a doubled one. The site
is given a zone of fixed offset, so that its hours are the data's. A forecast is scored at leads of 0 to 167
hours; models are chosen on the spans that end before :data:`TEST` begins.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import ClassVar, Protocol

import numpy as np
import pandas as pd

from forecasting.config import Settings
from forecasting.evaluate import score_series, scored_hours, wql_intervals
from forecasting.evaluate.bootstrap import Resampling
from forecasting.evaluate.scored import MEDIAN
from forecasting.features import build_panel
from forecasting.models.holdout import as_known_at
from forecasting.models.interface import Forecaster
from forecasting.schema import OBSERVATION, Target

DATA = Path(__file__).parents[2] / "shared/data/iowa_ed_arrivals/hourly.csv"
SITE, UNIT, TARGET = "iowa", "ed", Target.ED_ARRIVALS
ZONE = "Etc/GMT+6"
LEVELS = (0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95)
LEAD_HOURS = 168
TOTALS = {"PT8H": 8, "PT12H": 12, "P1D": 24}
"""Hours of each block whose total is scored; blocks begin at the origin, which is a midnight."""
MEAN_WEIGHTS = np.array([0.075, 0.1, 0.2, 0.25, 0.2, 0.1, 0.075])
"""Share of the probability that lies nearest to each level: the mean, from quantiles alone."""


@dataclass(frozen=True)
class Span:
    """Weekly origins, from a local midnight on."""

    name: str
    first: datetime
    weeks: int = 51

    @property
    def origins(self) -> list[datetime]:
        """The issue times, UTC."""
        return [self.first + timedelta(weeks=week) for week in range(self.weeks)]


def _midnight(year: int, month: int, day: int) -> datetime:
    return datetime(year, month, day, 6, tzinfo=UTC)


TEST = Span("test", _midnight(2017, 4, 3))
VALIDATION = Span("validation", _midnight(2016, 4, 4))
EARLIER = Span("earlier validation", _midnight(2015, 4, 6))


class Forecasts(Protocol):
    """A model class of :mod:`forecasting.models`."""

    name: ClassVar[str]

    @classmethod
    def fit(cls, panel: pd.DataFrame, settings: Settings, issued_at: datetime, target: Target) -> Forecaster:
        """Fit on the panel's hours before ``issued_at``."""
        ...


@dataclass(frozen=True)
class Losses:
    """What a model lost on a span, in patients unless said otherwise."""

    wql: float
    wql_low: float
    wql_high: float
    """The 95 % interval of the WQL: see :func:`forecasting.evaluate.wql_intervals`."""
    mae: float
    mae_8h: float
    mae_12h: float
    mae_day: float
    coverage_80: float
    coverage_90: float


def settings() -> Settings:
    """A group of one site with one unit, the ED, whose forecasts reach a week."""
    unit = {"unit_id": UNIT, "name": "Emergency", "unit_type": "ed", "beds": 40}
    site = {
        "site_id": SITE,
        "name": "Iowa",
        "time_zone": ZONE,
        "country": "US",
        "subdivision": "IA",
        "units": (unit,),
    }
    nurse = {"title": "Registered nurse", "patients_per_head": {"ed": 4}}
    return Settings.model_validate(
        {
            "group": {"name": "Iowa", "time_zone": ZONE, "issue_hour": 0},
            "horizon": {"days": 7, "quantile_levels": LEVELS},
            "shifts": ({"name": "day", "start": "00:00", "hours": 24},),
            "roles": {"registered_nurse": nurse},
            "sites": (site,),
        }
    )


def history(data: Path = DATA) -> pd.DataFrame:
    """Every hour of the data, as rows of :data:`forecasting.schema.OBSERVATION`.

    Raises:
        FileNotFoundError: the data are not there.
    """
    read = pd.read_csv(data, usecols=["hour_start_local", "arrivals"], parse_dates=["hour_start_local"])
    valid_at = read["hour_start_local"].dt.tz_localize(ZONE).dt.tz_convert("UTC")
    table = pd.DataFrame({"site_id": SITE, "unit_id": UNIT, "target": TARGET.value, "valid_at": valid_at})
    return OBSERVATION.conform(table.assign(value=read["arrivals"].astype(float)))


def panel(observations: pd.DataFrame, configured: Settings) -> pd.DataFrame:
    """The panel of all hours; :func:`known` is what a model may see of it."""
    over = observations["valid_at"].max() + pd.Timedelta(hours=1)
    return build_panel(observations, TARGET, configured, over.to_pydatetime(), configured.sites)


def known(whole: pd.DataFrame, origin: datetime) -> pd.DataFrame:
    """The whole panel up to a week and an hour past an origin, its values from the origin on blanked."""
    horizon = origin + timedelta(hours=LEAD_HOURS + 1)
    return as_known_at(whole[whole["valid_at"] < horizon], origin)


def forecasts(
    fit: Callable[[pd.DataFrame, datetime], Forecaster],
    whole: pd.DataFrame,
    span: Span,
    refit_weeks: int = 1,
) -> pd.DataFrame:
    """A model's forecasts of a span, fitted anew every so many origins.

    Args:
        fit: (panel as known at the origin, origin) -> fitted model.
        whole: the panel of all hours.
        span: whose origins.
        refit_weeks: how many origins a fit serves.

    Returns:
        Rows of :data:`forecasting.schema.FORECAST`. A model that tells its ``means`` has rows of
        :data:`TOTALS` too, at the median: the sum of hourly means, which of counts lies within a fraction
        of a patient of the total's median.
    """
    frames = []
    for week, origin in enumerate(span.origins):
        seen = known(whole, origin)
        if week % refit_weeks == 0:
            model = fit(seen, origin)
        hourly = model.predict(seen, origin)
        frames.append(hourly)
        tell_means = getattr(model, "means", None)
        if tell_means is not None:
            means = tell_means(seen, origin)[SITE, UNIT][:LEAD_HOURS]
            frames += [totals(hourly, means, period) for period in TOTALS]
    return pd.concat(frames, ignore_index=True)


def totals(hourly: pd.DataFrame, means: np.ndarray, period: str) -> pd.DataFrame:
    """The sums of hourly means (168,) over each block of the period, as a forecast's medians."""
    sums = _sums(means[None], TOTALS[period])[0]
    blocks = within_a_week(hourly[hourly["quantile"] == MEDIAN]).iloc[:: TOTALS[period]]
    return blocks.assign(period=period, value=sums)


def losses(forecast: pd.DataFrame, outcomes: pd.DataFrame) -> Losses:
    """The scores of one model's forecasts.

    Args:
        forecast: rows of :data:`forecasting.schema.FORECAST`, one model's, period ``PT1H``; rows of a
            longer period at the median are taken for its total; where there are none, the sum of means made
            from the hourly quantiles is.
        outcomes: what came, see :func:`history`.
    """
    hourly = within_a_week(forecast[forecast["period"] == "PT1H"])
    scored = scored_hours(hourly, outcomes)
    row = score_series(scored).iloc[0]
    interval = wql_intervals(scored, resampling=Resampling(level=0.95)).iloc[0]
    expected = expected_values(hourly)
    came = outcomes_of(hourly, outcomes)
    errors = {}
    for period, hours in TOTALS.items():
        said = forecast[(forecast["period"] == period) & (forecast["quantile"] == MEDIAN)]
        total = said["value"].to_numpy().reshape(len(came), -1) if len(said) else _sums(expected, hours)
        errors[period] = float(np.abs(total - _sums(came, hours)).mean())
    return Losses(
        wql=float(row["wql"]),
        wql_low=float(interval["low"]),
        wql_high=float(interval["high"]),
        mae=float(row["mae"]),
        mae_8h=errors["PT8H"],
        mae_12h=errors["PT12H"],
        mae_day=errors["P1D"],
        coverage_80=float(row["coverage_80"]),
        coverage_90=float(row["coverage_90"]),
    )


def within_a_week(forecast: pd.DataFrame) -> pd.DataFrame:
    """The rows at leads of 0 to 167 hours."""
    return forecast[forecast["valid_at"] < forecast["issued_at"] + pd.Timedelta(hours=LEAD_HOURS)]


def outcomes_of(hourly: pd.DataFrame, outcomes: pd.DataFrame) -> np.ndarray:
    """What came in the hours of a forecast (origins, 168)."""
    came = outcomes.set_index("valid_at")["value"]
    issued = pd.DatetimeIndex(hourly["issued_at"].unique()).sort_values()
    hours = [pd.date_range(at, periods=LEAD_HOURS, freq="h") for at in issued]
    return np.stack([came.reindex(each).to_numpy() for each in hours])


def expected_values(hourly: pd.DataFrame) -> np.ndarray:
    """Means made from the seven quantiles of each hour (origins, 168)."""
    wide = hourly.pivot_table(index=["issued_at", "valid_at"], columns="quantile", values="value")
    return np.asarray((wide.to_numpy() @ MEAN_WEIGHTS).reshape(-1, LEAD_HOURS))


def _sums(hourly: np.ndarray, hours: int) -> np.ndarray:
    return np.asarray(hourly.reshape(len(hourly), -1, hours).sum(axis=-1))
