from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
import pytest

from forecasting.config import Settings, Site
from forecasting.profile import Profile
from forecasting.schema import OBSERVATION, Target
from forecasting.validate.facts import (
    configured_series,
    feed_facts,
    known_hours,
    series_facts,
    site_facts,
    usual_and_found,
    volume_score,
)

pytestmark = pytest.mark.unit

ISSUED_AT = datetime(2026, 3, 1, 8, tzinfo=UTC)


@pytest.fixture
def site(settings: Settings) -> Site:
    return settings.site("north")


def observation(hours: int, value: float = 3.0, ends: datetime = ISSUED_AT) -> pd.DataFrame:
    index = pd.date_range(ends - timedelta(hours=hours), periods=hours, freq="h", unit="us")
    series = [("ed", Target.ED_ARRIVALS), ("ed", Target.BED_CENSUS), ("icu", Target.BED_CENSUS)]
    rows = [
        pd.DataFrame({"unit_id": unit_id, "target": str(target), "valid_at": index, "value": value})
        for unit_id, target in series
    ]
    return OBSERVATION.conform(pd.concat(rows).assign(site_id="north"))


def test_only_the_ed_has_arrivals(site: Site) -> None:
    assert sorted(configured_series(site)) == [
        ("ed", Target.BED_CENSUS),
        ("ed", Target.ED_ARRIVALS),
        ("icu", Target.BED_CENSUS),
    ]


def test_tonight_s_reading_replaces_what_was_known(site: Site) -> None:
    history = observation(48, value=1.0)
    other = history.assign(site_id="west")
    known = known_hours(observation(24, value=9.0), pd.concat([history, other]), site, Profile.ADT, ISSUED_AT)
    recent = known["valid_at"] >= ISSUED_AT - timedelta(hours=24)
    assert (known.loc[recent, "value"] == 9).all()
    assert (known.loc[~recent, "value"] == 1).all()
    assert len(known) == 3 * 48


def test_history_after_the_issue_time_is_not_known(site: Site) -> None:
    later = observation(48, ends=ISSUED_AT + timedelta(days=1))
    known = known_hours(OBSERVATION.empty(), later, site, Profile.ADT, ISSUED_AT)
    assert known["valid_at"].max() < pd.Timestamp(ISSUED_AT)


def test_days_of_history_are_hours_with_a_value(site: Site) -> None:
    gappy = observation(21 * 24)
    gappy.loc[gappy["valid_at"] < ISSUED_AT - timedelta(days=10), "value"] = np.nan
    facts = site_facts(known_hours(gappy, OBSERVATION.empty(), site, Profile.ADT, ISSUED_AT))
    assert facts[["observed_hours", "history_days"]].iloc[0].tolist() == [240, 10]


def test_the_age_of_a_feed_is_that_of_its_last_value(site: Site) -> None:
    frame = observation(72)
    frame.loc[
        (frame["unit_id"] == "icu") & (frame["valid_at"] > ISSUED_AT - timedelta(hours=49)), "value"
    ] = np.nan
    facts = feed_facts(known_hours(frame, OBSERVATION.empty(), site, Profile.ADT, ISSUED_AT), ISSUED_AT)
    assert dict(zip(facts["feed"], facts["age_hours"], strict=True)) == {"bed_stay": 49.0, "ed_visit": 1.0}


def test_gaps_of_a_series_are_absent_or_silent(site: Site) -> None:
    frame = observation(72)
    icu = frame.index[frame["unit_id"] == "icu"]
    frame.loc[icu[20:25], "value"] = np.nan
    frame = frame.drop(icu[40:43])
    known = known_hours(frame, OBSERVATION.empty(), site, Profile.ADT, ISSUED_AT)
    facts = series_facts(frame, known, site, Profile.ADT, ISSUED_AT).set_index("unit_id").loc["icu"]
    assert (facts["hours"], facts["absent_hours"], facts["silent_hours"]) == (69, 3, 5)
    assert facts["silent_to"] - facts["silent_from"] == timedelta(hours=5)


def test_the_usual_volume_is_that_of_the_same_hours() -> None:
    hours = pd.date_range(ISSUED_AT - timedelta(weeks=9), ISSUED_AT, freq="h", inclusive="left")
    weekly = pd.Series((hours.dayofweek * 24 + hours.hour).to_numpy(float), index=hours)
    usual, found = usual_and_found(weekly, Target.ED_ARRIVALS, ISSUED_AT)
    assert usual == pytest.approx(found)
    assert volume_score(usual, found, Target.ED_ARRIVALS) == pytest.approx(0)


def test_three_past_weeks_are_too_few_to_call_a_day_unusual() -> None:
    hours = pd.date_range(ISSUED_AT - timedelta(weeks=3, days=1), ISSUED_AT, freq="h", inclusive="left")
    usual, found = usual_and_found(pd.Series(1.0, index=hours), Target.ED_ARRIVALS, ISSUED_AT)
    assert np.isnan([usual, found]).all()
    assert np.isnan(volume_score(usual, found, Target.ED_ARRIVALS))


def test_an_unusual_day_scores_in_standard_deviations() -> None:
    # 128 arrivals a day, dispersion 2, eight past weeks: sqrt(2 * 128 * 9 / 8) = 16.97.
    assert volume_score(128, 128 - 16.97 * 5, Target.ED_ARRIVALS) == pytest.approx(-5, abs=0.01)
