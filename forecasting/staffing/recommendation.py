"""A forecast, the rules, the prices and the roster to one recommendation per unit, role and shift."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import pandas as pd
import pyarrow as pa

from forecasting.blocks import HOUR
from forecasting.config import Settings, Site
from forecasting.rules import RuleBook
from forecasting.schema import STAFFING_RECOMMENDATION, Table, Target
from forecasting.staffing.outlook import SamplePaths, outlook
from forecasting.staffing.place import Outlooks, places_of
from forecasting.staffing.role_case import kept_to_rules, role_cases
from forecasting.staffing.role_plan import role_plan
from forecasting.staffing.rows import Origin, Origins, pool_rows, unit_rows
from forecasting.staffing.shifts import planned_shifts
from forecasting.staffing.turnover import NOTHING_KNOWN, Turnover
from forecasting.wording import sentences

_FROM_THE_RUN = ("night", "mlflow_run_id", "dag_run_id", "data_digest")

RECOMMENDATION = Table(
    STAFFING_RECOMMENDATION.name,
    pa.schema([column for column in STAFFING_RECOMMENDATION.columns if column.name not in _FROM_THE_RUN]),
    STAFFING_RECOMMENDATION.key,
)
"""STAFFING_RECOMMENDATION without the columns that the run adds."""


class StaffingError(ValueError):
    """Rows that are not of the site or issue time that a recommendation is asked for."""


def recommend(
    forecast: pd.DataFrame,
    site: Site,
    settings: Settings,
    issued_at: datetime,
    roster: pd.DataFrame,
    rules: RuleBook,
    *,
    paths: Mapping[Target, SamplePaths] | None = None,
    turnover: Turnover = NOTHING_KNOWN,
    why_census: str = "",
) -> pd.DataFrame:
    """Heads for every unit, role and shift of a site over the days that a night plans for.

    Required is what the rule of the shift's date asks for at the level that the unit type's costs lead to:
    of the highest hour, or of the mean, as the rule says; posts that it does not count on top, and never
    under the minimum. Patients of the ED are those present, boarders included: by its forecast census, or by
    the offered load of its arrivals where the paths have that. Recommended is what costs
    least over the paths of the need: see :func:`~forecasting.staffing.role_case.role_case`.

    Args:
        forecast: FORECAST rows of the site and issue time; ``bed_census`` and ``ed_arrivals`` are read.
        site: the hospital.
        settings: gives roles, costs, shifts and the number of days.
        issued_at: UTC.
        roster: SCHEDULED_SHIFT rows; those of other sites are passed over.
        rules: which rule holds where and when.
        paths: sample paths of the same forecast; where there are none, its quantiles stand in.
        turnover: how patients come and go.
        why_census: why an ED whose offered load is asked for is planned by its census; for the rows' note.

    Returns:
        RECOMMENDATION rows: one for each unit, role that works there, and shift; and for each float pool and
        shift, under the pool's id, with nothing required. Where no rule holds, ``required`` and
        ``recommended`` are missing and the reason says why. ``scheduled`` is missing where the roster has
        nothing for the unit and role in all the days, and 0 where it has something, but not for that shift.
        What is required is recommended where no roster is known, and where a unit could not be planned, which
        its note says. A unit without forecast gets its minimum and keeps its roster, says so, and has no
        patients, model or version.

    Raises:
        StaffingError: the forecast is of another site or issue time.
    """
    _refuse_strangers(forecast, site, issued_at)
    shifts = planned_shifts(settings, site, issued_at)
    outlooks = outlooks_of(forecast, site, paths or {})
    places = places_of(settings, site, shifts, roster, rules, outlooks, turnover, why_census)
    cases = role_cases(places, site, roster)
    plans = {
        role_id: role_plan(kept_to_rules(case, [place for place in places if place.role_id == role_id]))
        for role_id, case in cases.items()
    }
    origins = _origins(forecast)
    rows = [
        row
        for place in places
        for row in unit_rows(place, cases[place.role_id], plans[place.role_id], origins)
    ]
    for pool in site.float_pools:
        case = cases[pool.role]
        rows += pool_rows(pool, site, shifts, case.site.roster.get(pool.pool_id), plans[pool.role])
    advice = pd.DataFrame(rows, columns=RECOMMENDATION.columns.names).assign(issued_at=issued_at)
    return RECOMMENDATION.conform(advice)


def outlooks_of(forecast: pd.DataFrame, site: Site, paths: Mapping[Target, SamplePaths]) -> Outlooks:
    """What is expected of each unit and target.

    Args:
        forecast: FORECAST rows of the site and one issue time.
        site: the hospital.
        paths: by target; where they have a unit they stand before its quantiles.
    """
    return {
        (unit.unit_id, target): outlook(forecast, unit.unit_id, target, paths.get(target))
        for unit in site.units
        for target in Target
    }


def _origins(forecast: pd.DataFrame) -> Origins:
    """Who forecast the hours, and what is noted of them and of the shifts and days that they make."""
    series = ["unit_id", "target"]
    notes = forecast.drop_duplicates([*series, "note"]).groupby(series)["note"].agg(" ".join)
    hourly = forecast[forecast["period"] == HOUR].drop_duplicates(series)
    return {
        (row["unit_id"], Target(row["target"])): Origin(
            row["model"],
            row["model_version"],
            tuple(dict.fromkeys(sentences(notes[row["unit_id"], row["target"]].strip()))),
        )
        for row in hourly.to_dict("records")
    }


def _refuse_strangers(forecast: pd.DataFrame, site: Site, issued_at: datetime) -> None:
    for column, value in (("site_id", site.site_id), ("issued_at", issued_at)):
        strangers = forecast.loc[forecast[column] != value, column]
        if len(strangers):
            raise StaffingError(
                f"the forecast has {len(strangers)} rows of {column} {strangers.iloc[0]}, not {value}"
            )
