"""Past weeks as they were decided: each shift once, and from nothing that came later."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from functools import cache, partial

import numpy as np
import pandas as pd
import pytest

from forecasting.config import Settings
from forecasting.features import build_panel
from forecasting.models import Climatology
from forecasting.outcome import BacktestRefused
from forecasting.pipeline.backtest.decisions import (
    DecidedWeek,
    LoadAt,
    PastSite,
    PathsTold,
    census_tells,
    decided_dates,
    decided_week,
    forecast_paths,
)
from forecasting.pipeline.backtest.history import known_at
from forecasting.pipeline.backtest.worth import COLUMNS, worth_by_week
from forecasting.rules import rule_book
from forecasting.schema import ED_STAY, OBSERVATION_VERSION, SCHEDULED_SHIFT, Target
from forecasting.staffing import OfferedLoad, Stays
from forecasting.staffing.shifts import on_date
from forecasting.staffing.turnover import NOTHING_KNOWN
from forecasting.staffing.worth import OURS, PERFECT, WAYS

pytestmark = pytest.mark.unit

FIRST = date(2026, 6, 8)
NIGHTS = [FIRST + timedelta(days=day) for day in range(7)]


def past_site(
    settings: Settings,
    observed: pd.DataFrame,
    until: datetime,
    heads: Sequence[tuple[str, int]],
    load: LoadAt = census_tells,
) -> PastSite:
    """North's, with climatology's forecasts and a fixed roster."""
    site = settings.site("north")
    own = observed[observed["site_id"] == "north"]
    versions = OBSERVATION_VERSION.conform(own.assign(known_at=own["valid_at"] + pd.Timedelta(hours=1)))
    shifts = [
        on_date(shift, FIRST + timedelta(days=day), site.zone)
        for day in range(-1, 9)
        for shift in settings.shifts
    ]
    rows = [
        {"site_id": "north", "unit_id": unit_id, "role": "registered_nurse", "heads": each}
        | {"shift_start": shift.start, "shift_end": shift.end}
        for unit_id, each in heads
        for shift in shifts
    ]

    @cache
    def hourly(night: date, target: Target) -> pd.DataFrame:
        issued_at = settings.issued_at(night)
        known = known_at(versions, issued_at)
        panel = build_panel(known[known["target"] == target], target, settings, issued_at, [site])
        return Climatology.fit(panel, settings, issued_at, target).predict(panel, issued_at)

    roster = SCHEDULED_SHIFT.conform(pd.DataFrame(rows))
    paths = partial(forecast_paths, settings, versions, hourly, load=load)
    return PastSite(settings, site, rule_book(settings), versions, roster, NOTHING_KNOWN, paths)


@pytest.fixture(scope="module")
def observed(observations: Callable[..., pd.DataFrame]) -> pd.DataFrame:
    return observations(90, days_after=8)


@pytest.fixture(scope="module")
def past(settings: Settings, observed: pd.DataFrame, issued_at: datetime) -> PastSite:
    return past_site(settings, observed, issued_at, [("ed", 6), ("icu", 4)])


def the_week(past: PastSite, lead_days: int = 0) -> DecidedWeek:
    dates = decided_dates(NIGHTS, past.settings, past.site, lead_days)
    (week,) = decided_week(past, dates)
    return week


@pytest.mark.parametrize("step", [1, 7])
@pytest.mark.parametrize("lead", [0, 1])
def test_each_date_is_decided_once_by_the_last_night_that_can(
    settings: Settings, step: int, lead: int
) -> None:
    nights = [FIRST + timedelta(days=day) for day in range(0, 21, step)]
    if step + lead > settings.horizon.days:
        with pytest.raises(BacktestRefused, match="allowed are leads from 0 to 0"):
            decided_dates(nights, settings, settings.site("north"), lead)
        return
    decided = decided_dates(nights, settings, settings.site("north"), lead)
    assert [one.day for one in decided] == [FIRST + timedelta(days=lead + day) for day in range(21)]
    assert all(lead <= (one.day - one.night).days < lead + step for one in decided)


def test_nights_that_decide_no_whole_week_are_refused(settings: Settings) -> None:
    with pytest.raises(BacktestRefused, match="decide 6 days"):
        decided_dates(NIGHTS[:6], settings, settings.site("north"), 0)


def test_what_came_is_what_the_rule_asks_of_the_census(past: PastSite, observed: pd.DataFrame) -> None:
    week = the_week(past)
    census = observed[(observed["unit_id"] == "icu") & (observed["target"] == "bed_census")]
    patients = census.set_index("valid_at")["value"].reindex(week.case.hours).to_numpy()
    assert week.needs["icu"].came.tolist() == np.maximum(np.ceil(patients / 2), 2).tolist()
    assert [slot.hours for slot in week.case.site.slots] == [12] * 14
    assert week.case.site.roster["icu"] == (4,) * 14


def test_what_came_from_a_night_on_changes_nothing_that_it_decides(
    settings: Settings, past: PastSite, observed: pd.DataFrame, issued_at: datetime
) -> None:
    # Wednesday's night, issued_at, is the third of the week.
    changed = observed.assign(
        value=observed["value"].where(observed["valid_at"] < issued_at, observed["value"] + 20)
    )
    other = past_site(settings, changed, issued_at, [("ed", 6), ("icu", 4)])
    before, after = the_week(past), the_week(other)
    wednesday_on = before.case.hours >= pd.Timestamp(issued_at) + pd.Timedelta(hours=4)
    wednesday = wednesday_on & (before.case.hours < pd.Timestamp(issued_at) + pd.Timedelta(hours=28))
    for unit_id, need in before.needs.items():
        assert (need.past == after.needs[unit_id].past).all()
        assert (need.paths[:, wednesday] == after.needs[unit_id].paths[:, wednesday]).all()
        assert (need.came[wednesday_on] < after.needs[unit_id].came[wednesday_on]).all()
    later = before.case.hours >= pd.Timestamp(issued_at) + pd.Timedelta(hours=52)
    assert (before.needs["icu"].paths[:, later] != after.needs["icu"].paths[:, later]).any()


def test_an_offered_load_tells_the_ed_alone_and_from_the_issue_time_on(
    settings: Settings, past: PastSite, observed: pd.DataFrame, issued_at: datetime
) -> None:
    # Who comes is gone before the hour ends; four who came in the last one stay for half a day.
    rows = [*((hour, 0, 10**7) for hour in range(24)), (2, 12, 1)]
    counts = pd.DataFrame(rows, columns=["local_hour", "stay_hours", "patients"])
    law = Stays.counted(ED_STAY.conform(counts.assign(site_id="north", acuity=3)))

    def load(night: date) -> OfferedLoad:
        return OfferedLoad("ed", past.site.zone, settings.issued_at(night), law, {0: 4})

    hours = pd.date_range(issued_at + timedelta(hours=4), periods=24, freq="h", unit="us")
    roster = [("ed", 6), ("icu", 4)]
    told = past_site(settings, observed, issued_at, roster, load).paths(NIGHTS[2], hours)
    census = past.paths(NIGHTS[2], hours)
    assert told.keys() == census.keys()
    ed = told.pop(("ed", Target.BED_CENSUS))
    assert ed.index.equals(hours)
    assert (ed.to_numpy()[:8] == 4).mean() > 0.95
    assert (ed.to_numpy()[8:] == 0).mean() > 0.95
    for key, paths in told.items():
        pd.testing.assert_frame_equal(paths, census[key])


def test_a_unit_is_left_out_where_an_hour_is_unknown_or_nobody_is_rostered(
    settings: Settings, observed: pd.DataFrame, issued_at: datetime
) -> None:
    silent = (observed["unit_id"] == "icu") & (observed["valid_at"] == issued_at + timedelta(hours=9))
    gap = past_site(settings, observed[~silent], issued_at, [("ed", 6), ("icu", 4)])
    assert the_week(gap).needs.keys() == {"ed"}
    unrostered = past_site(settings, observed, issued_at, [("icu", 4)])
    assert the_week(unrostered).needs.keys() == {"icu"}


def test_a_gap_in_the_past_is_filled_from_the_other_weeks(
    settings: Settings, past: PastSite, observed: pd.DataFrame, issued_at: datetime
) -> None:
    days = pd.Timedelta(days=1)
    silent = observed["valid_at"].between(issued_at - 20 * days, issued_at - 19 * days)
    gappy = past_site(settings, observed[~silent], issued_at, [("ed", 6), ("icu", 4)])
    with_gap, whole = (the_week(one).needs["icu"].past for one in (gappy, past))
    assert with_gap.shape == whole.shape
    assert (with_gap != whole).any()
    assert (with_gap != whole).mean() < 0.05


def test_the_worth_of_a_week_has_every_way_and_price_of_every_unit(past: PastSite) -> None:
    table = worth_by_week(past, NIGHTS, 0, (0.5,))
    assert list(table.columns) == COLUMNS
    priced = table[table["price"] == 1]
    assert priced.groupby("way").size().to_dict() == dict.fromkeys(WAYS, 2)
    assert set(table.loc[table["price"] == 0.5, "way"]) == {OURS, PERFECT}
    ed = priced[priced["unit_id"] == "ed"].set_index("way")
    assert (ed["arrived"] == ed["arrived"].iloc[0]).all()
    assert ed["left_unseen"].between(0, ed["arrived"]).all()
    assert priced.loc[priced["unit_id"] == "icu", "arrived"].isna().all()
    cost = priced.groupby("way")["cost"].sum()
    assert cost.min() == pytest.approx(cost[PERFECT])


def test_a_forecast_that_says_nothing_of_a_unit_leaves_it_out(past: PastSite) -> None:
    def without_icu(night: date, hours: pd.DatetimeIndex) -> PathsTold:
        told = past.paths(night, hours)
        return {key: paths for key, paths in told.items() if night != NIGHTS[3] or key[0] != "icu"}

    assert the_week(replace(past, paths=without_icu)).needs.keys() == {"ed"}
