from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pandas as pd
import pytest

from forecasting.config import Settings, UnitType
from forecasting.rules import rule_book
from forecasting.schema import SCHEDULED_SHIFT
from forecasting.simulate import Hospital
from forecasting.simulate.roster import draw_roster
from forecasting.simulate.streams import Streams

pytestmark = pytest.mark.unit


@pytest.fixture(scope="module")
def roster(three_years: Hospital) -> pd.DataFrame:
    return SCHEDULED_SHIFT.conform(three_years.scheduled_shift)


def test_every_unit_and_shift_is_rostered(roster: pd.DataFrame, settings: Settings) -> None:
    for site in settings.sites:
        posts = roster.query("site_id == @site.site_id").groupby("shift_start").size()
        assert set(posts) == {len(site.units)}
    starts = (
        roster.query("site_id == 'west'")["shift_start"]
        .drop_duplicates()
        .dt.tz_convert("America/Los_Angeles")
    )
    assert set(starts.dt.hour) == {7, 19}


def test_shifts_across_clock_changes_have_their_true_length(roster: pd.DataFrame) -> None:
    north = roster.query("site_id == 'north' and unit_id == 'icu'")
    length = (north["shift_end"] - north["shift_start"]).dt.total_seconds() / 3600
    local = north["shift_start"].dt.tz_convert("America/New_York").dt.strftime("%Y-%m-%d %H")
    by_start = length.set_axis(local)
    assert by_start["2023-03-11 19"] == 11
    assert by_start["2023-11-04 19"] == 13
    assert (by_start == 12).mean() > 0.99


def test_rosters_are_published_ahead(roster: pd.DataFrame, three_years: Hospital) -> None:
    now = three_years.truth["valid_at"].max()
    assert (roster.groupby("site_id")["shift_start"].max() > now + pd.Timedelta(days=9)).all()


def test_weekends_have_fewer_heads_and_some_shifts_are_short(
    roster: pd.DataFrame, settings: Settings
) -> None:
    ward = roster.query("site_id == 'west' and unit_id == 'ward'")
    weekend = ward["shift_start"].dt.tz_convert("America/Los_Angeles").dt.dayofweek >= 5
    assert ward["heads"][weekend].mean() < ward["heads"][~weekend].mean()
    usual = ward["heads"][~weekend].median()
    short = (ward["heads"][~weekend] < usual).mean()
    assert 0.03 < short < 0.3
    assert usual * settings.roles["registered_nurse"].patients_per_head[UnitType.MEDICAL_SURGICAL] >= 0.8 * 24


def test_a_roster_follows_the_rules_that_hold(settings: Settings) -> None:
    """Posts that are not counted come on top, physicians follow arrivals, and without a rule nobody comes."""
    physician = {"title": "ED physician", "unit_types": ["ed"], "arrivals_per_head_hour": {"ed": 1.0}}
    nurse = {"title": "Registered nurse", "patients_per_head": {"ed": 4}, "not_counted": ["triage"]}
    content = settings.model_dump() | {"roles": {"registered_nurse": nurse, "ed_physician": physician}}
    with_triage = Settings.model_validate(content)
    site = with_triage.sites[0]
    ed = site.units[0].model_copy(update={"posts": {"triage": 2}})
    site = site.model_copy(update={"units": (ed, *site.units[1:])})
    start = datetime(2026, 6, 1, tzinfo=UTC)
    arguments = (96.0, start, start + timedelta(days=1), Streams(1, "north"), rule_book(with_triage))
    plain = draw_roster(with_triage, with_triage.sites[0], *arguments)
    posted = draw_roster(with_triage, site, *arguments)
    key = ["unit_id", "role"]
    usual = posted.groupby(key)["heads"].median()
    assert (
        usual["ed", "registered_nurse"] == plain.groupby(key)["heads"].median()["ed", "registered_nurse"] + 2
    )
    assert 2 <= usual["ed", "ed_physician"] <= 7  # 96 a day are 4 an hour, more of them by day
    assert usual["icu", "registered_nurse"] == 0
