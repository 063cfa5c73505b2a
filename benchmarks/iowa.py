"""The accuracy protocol of real ED arrivals: a hospital in Iowa, 51 weekly origins, a week ahead.

The data's clock is local and regular: each spring has an hour of 0 and each autumn a doubled one. The site
is given a zone of fixed offset, so that its hours are the data's. A forecast is scored at leads of 0 to 167
hours; models are chosen on the spans that end before :data:`TEST` begins.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import ClassVar, Protocol

import numpy as np
import pandas as pd

from forecasting.blocks import HOUR, whole_blocks
from forecasting.config import Settings
from forecasting.evaluate import period_outcomes, score_series, scored_hours, wql_intervals
from forecasting.evaluate.bootstrap import Resampling
from forecasting.evaluate.scored import MEDIAN
from forecasting.features import build_panel
from forecasting.models.dependence import dependence
from forecasting.models.holdout import as_known_at
from forecasting.models.interface import Forecaster, Means
from forecasting.models.paths import sample_paths
from forecasting.models.periods import period_forecast
from forecasting.schema import OBSERVATION, Target

DATA = Path(__file__).parents[2] / "shared/data/iowa_ed_arrivals/hourly.csv"
SITE, UNIT, TARGET = "iowa", "ed", Target.ED_ARRIVALS
ZONE = "Etc/GMT+6"
LEVELS = (0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95)
LEAD_HOURS = 168
DAY = "P1D"
PERIODS = ("PT8H", "PT12H", DAY)
"""Whose totals are scored; blocks begin at the origin, which is a midnight."""
MOST_PAST_ORIGINS = 26
"""Whose errors tell how the hours of a week err together."""


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
    day_coverage_80: float
    """Of the days' totals."""
    day_coverage_90: float


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
        Rows of :data:`forecasting.schema.FORECAST`, of hours and of :data:`PERIODS`: see :func:`totals`.
    """
    outcomes = whole[whole["observed"] == 1][["site_id", "unit_id", "valid_at", "value"]]
    outcomes = outcomes.assign(target=TARGET.value)
    hourly: list[pd.DataFrame] = []
    blocks = []
    for week, origin in enumerate(span.origins):
        seen = known(whole, origin)
        if week % refit_weeks == 0:
            model = fit(seen, origin)
        past = hourly[-MOST_PAST_ORIGINS:]
        hourly.append(model.predict(seen, origin))
        blocks.append(totals(hourly[-1], past, outcomes))
        if isinstance(model, Means):
            means = model.means(seen, origin)[SITE, UNIT]
            blocks[-1] = with_expected(blocks[-1], hourly[-1], means)
    return pd.concat([*hourly, *blocks], ignore_index=True)


def totals(hourly: pd.DataFrame, past: Sequence[pd.DataFrame], outcomes: pd.DataFrame) -> pd.DataFrame:
    """The totals of :data:`PERIODS`, from sample paths whose hours err together as those of the past did.

    Args:
        hourly: one model's forecast from one origin.
        past: its forecasts from earlier origins.
        outcomes: what came, hour by hour; the origin's own and later hours are not looked at.
    """
    configured = settings()
    before = pd.concat(past, ignore_index=True) if past else hourly.iloc[:0]
    template = dependence(hourly, before, outcomes, configured)
    return period_forecast(sample_paths(hourly, template), configured, PERIODS)


def with_expected(blocks: pd.DataFrame, hourly: pd.DataFrame, means: np.ndarray) -> pd.DataFrame:
    """Totals whose medians are the sums of the hours' means: of counts they are within a fraction of one.

    Args:
        blocks: of one origin, see :func:`totals`.
        hourly: the forecast that they are of.
        means: of its hours (hours,).
    """
    hours = pd.DatetimeIndex(hourly["valid_at"].unique()).sort_values()
    configured = settings()
    said = blocks.copy()
    for period in PERIODS:
        wholes = whole_blocks(hours, configured.sites[0], period, configured.shifts)
        sums = pd.Series(wholes.sums(means), wholes.valid_at)
        here = (said["period"] == period) & (said["quantile"] == MEDIAN)
        said.loc[here, "value"] = sums[said.loc[here, "valid_at"]].to_numpy()
    return said


def losses(forecast: pd.DataFrame, outcomes: pd.DataFrame) -> Losses:
    """The scores of one model's forecasts.

    Args:
        forecast: one model's, see :func:`forecasts`.
        outcomes: what came, see :func:`history`.
    """
    blocks = period_outcomes(outcomes, settings(), PERIODS)
    came = pd.concat([outcomes.assign(period=HOUR), blocks], ignore_index=True)
    scored = scored_hours(within_a_week(forecast), came)
    hours = scored[scored["period"] == HOUR]
    interval = wql_intervals(hours, resampling=Resampling(level=0.95)).iloc[0]

    def mean(measure: str, period: str) -> float:
        return float(scored.loc[scored["period"] == period, measure].mean())

    return Losses(
        wql=float(score_series(hours).iloc[0]["wql"]),
        wql_low=float(interval["low"]),
        wql_high=float(interval["high"]),
        mae=mean("mae", HOUR),
        mae_8h=mean("mae", "PT8H"),
        mae_12h=mean("mae", "PT12H"),
        mae_day=mean("mae", DAY),
        coverage_80=mean("coverage_80", HOUR),
        coverage_90=mean("coverage_90", HOUR),
        day_coverage_80=mean("coverage_80", DAY),
        day_coverage_90=mean("coverage_90", DAY),
    )


def within_a_week(forecast: pd.DataFrame) -> pd.DataFrame:
    """The rows at leads of 0 to 167 hours."""
    return forecast[forecast["valid_at"] < forecast["issued_at"] + pd.Timedelta(hours=LEAD_HOURS)]
