from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from forecasting.config import Settings
from forecasting.features import build_panel
from forecasting.schema import OBSERVATION, SchemaError, Target

pytestmark = pytest.mark.unit

ISSUED_AT = datetime(2026, 3, 20, 7, tzinfo=UTC)  # two weeks after clocks went forward in New York
SERIES = [
    ("north", "ed", Target.ED_ARRIVALS),
    ("north", "ed", Target.BED_CENSUS),
    ("north", "icu", Target.BED_CENSUS),
    ("west", "ed", Target.ED_ARRIVALS),
    ("west", "ed", Target.BED_CENSUS),
    ("west", "ward", Target.BED_CENSUS),
]


def observations(days: int = 40, seed: int = 1) -> pd.DataFrame:
    random = np.random.default_rng(seed)
    hours = pd.date_range(ISSUED_AT - timedelta(days=days), ISSUED_AT, freq="h", inclusive="left")
    return pd.concat(
        [
            pd.DataFrame(
                {
                    "site_id": site_id,
                    "unit_id": unit_id,
                    "target": target.value,
                    "valid_at": hours,
                    "value": random.poisson(6, len(hours)).astype(float),
                }
            )
            for site_id, unit_id, target in SERIES
        ],
        ignore_index=True,
    )


def panel_of(history: pd.DataFrame, settings: Settings, target: Target = Target.BED_CENSUS) -> pd.DataFrame:
    return build_panel(history, target, settings, ISSUED_AT, settings.sites)


def test_each_series_runs_without_a_gap_to_the_last_hour_of_the_forecast(settings: Settings) -> None:
    panel = panel_of(observations(), settings)
    for _, rows in panel.groupby(["site_id", "unit_id"]):
        assert (rows["valid_at"].diff().dropna() == pd.Timedelta(hours=1)).all()
        assert rows["valid_at"].iloc[-1] == ISSUED_AT + timedelta(hours=settings.lead_hours - 1)
        assert rows.loc[rows["valid_at"] >= ISSUED_AT, "value"].isna().all()
        assert (rows["observed"] == rows["value"].notna()).all()


def test_arrivals_have_emergency_departments_only_and_census_has_every_unit(settings: Settings) -> None:
    arrivals = panel_of(observations(), settings, Target.ED_ARRIVALS)
    census = panel_of(observations(), settings)
    assert set(arrivals["unit_type"]) == {"ed"}
    assert census[["site_id", "unit_id"]].drop_duplicates().to_numpy().tolist() == [
        ["north", "ed"], ["north", "icu"], ["west", "ed"], ["west", "ward"],
    ]  # fmt: skip


def test_a_missing_hour_stays_missing(settings: Settings) -> None:
    history = observations()
    gone = ISSUED_AT - timedelta(days=3)
    panel = panel_of(history[history["valid_at"] != gone], settings)
    rows = panel[panel["valid_at"] == gone]
    assert len(rows) == 4
    assert rows["value"].isna().all()
    assert (rows["observed"] == 0).all()


def test_a_series_begins_with_its_own_first_observed_hour(settings: Settings) -> None:
    history = observations()
    opened = ISSUED_AT - timedelta(days=10)
    icu = (history["unit_id"] == "icu") & (history["valid_at"] < opened)
    history.loc[icu, "value"] = np.nan
    panel = panel_of(history, settings)
    assert panel.loc[panel["unit_id"] == "icu", "valid_at"].min() == opened
    assert panel.loc[panel["unit_id"] == "ward", "valid_at"].min() == ISSUED_AT - timedelta(days=40)


def test_a_unit_has_the_same_rows_whoever_else_is_in_the_panel(settings: Settings) -> None:
    history = observations(days=60)
    late = (history["unit_id"] == "icu") & (history["valid_at"] < ISSUED_AT - timedelta(days=10))
    together = panel_of(history[~late], settings)
    alone = [
        panel_of(history[~late & (history["site_id"] == site_id) & (history["unit_id"] == unit_id)], settings)
        for site_id, unit_id in together[["site_id", "unit_id"]].drop_duplicates().to_numpy()
    ]
    pd.testing.assert_frame_equal(together, pd.concat(alone, ignore_index=True))


def test_units_never_observed_and_units_not_configured_have_no_rows(settings: Settings) -> None:
    history = observations()
    history = history[history["unit_id"] != "icu"].replace({"unit_id": {"ward": "annex"}})
    panel = panel_of(history, settings)
    assert set(panel["unit_id"]) == {"ed"}


def test_no_observation_gives_no_rows_but_every_column(settings: Settings) -> None:
    full = panel_of(observations(), settings)
    empty = panel_of(OBSERVATION.empty(), settings)
    assert len(empty) == 0
    pd.testing.assert_series_equal(empty.dtypes, full.dtypes)


def test_weekly_mean_follows_the_local_clock_over_the_change_in_spring(settings: Settings) -> None:
    """Every day the ward has as many patients as the local hour says."""
    history = observations(days=60)
    local = history["valid_at"].dt.tz_convert("America/Los_Angeles").dt.hour
    history["value"] = local.astype(float)
    panel = panel_of(history, settings)
    west = panel[(panel["site_id"] == "west") & panel["weekly_mean"].notna()]
    assert len(west) > 1000
    pd.testing.assert_series_equal(west["weekly_mean"], west["local_hour"].astype(float), check_names=False)


def test_a_repeated_observation_is_refused(settings: Settings) -> None:
    history = observations()
    with pytest.raises(SchemaError, match="repeat a key"):
        panel_of(pd.concat([history, history.head(1)]), settings, Target.ED_ARRIVALS)


@pytest.mark.parametrize(
    "issued_at",
    [datetime(2026, 3, 20, 7), datetime(2026, 3, 20, 7, 30, tzinfo=UTC)],  # noqa: DTZ001
)
def test_an_issue_time_without_zone_or_within_an_hour_is_refused(
    settings: Settings, issued_at: datetime
) -> None:
    with pytest.raises(ValueError, match="issued_at 2026-03-20"):
        build_panel(observations(), Target.BED_CENSUS, settings, issued_at, settings.sites)


@hypothesis_settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    hours_after=st.lists(st.integers(0, 400), min_size=1, max_size=20, unique=True),
    value=st.one_of(st.floats(0, 1e9), st.just(float("nan"))),
)
def test_nothing_at_or_after_the_issue_time_changes_anything(
    settings: Settings, hours_after: list[int], value: float
) -> None:
    history = observations(days=25)
    future = pd.concat(
        [
            pd.DataFrame(
                {
                    "site_id": site_id,
                    "unit_id": unit_id,
                    "target": target.value,
                    "valid_at": [pd.Timestamp(ISSUED_AT) + pd.Timedelta(hours=hour) for hour in hours_after],
                    "value": value,
                }
            )
            for site_id, unit_id, target in SERIES
        ]
    )
    expected = panel_of(history, settings)
    pd.testing.assert_frame_equal(panel_of(pd.concat([history, future]), settings), expected)


@hypothesis_settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(hours_before=st.integers(1, 24 * 24), value=st.one_of(st.floats(0, 1e6), st.just(float("nan"))))
def test_an_observation_changes_no_feature_of_an_hour_that_could_be_forecast_before_it(
    settings: Settings, hours_before: int, value: float
) -> None:
    history = observations(days=25)
    changed_at = ISSUED_AT - timedelta(hours=hours_before)
    changed = history.assign(value=history["value"].mask(history["valid_at"] == changed_at, value))
    before, after = panel_of(history, settings), panel_of(changed, settings)
    unreachable = before["valid_at"] < changed_at + timedelta(hours=settings.lead_hours)
    features = [name for name in before.columns if name not in ("value", "observed")]
    pd.testing.assert_frame_equal(before.loc[unreachable, features], after.loc[unreachable, features])
