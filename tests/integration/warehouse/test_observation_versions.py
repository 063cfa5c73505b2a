"""What a night knew of an hour is kept, whatever the source says later."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal

from forecasting import warehouse
from forecasting.schema import OBSERVATION, OBSERVATION_VERSION
from forecasting.warehouse import WarehouseError, tables

pytestmark = pytest.mark.integration

FIRST = datetime(2026, 3, 1, 8, tzinfo=UTC)
SECOND = FIRST + timedelta(days=1)
THIRD = FIRST + timedelta(days=2)
LONG_AGO = FIRST - timedelta(days=900)


def read(values: dict[datetime, float | None], site_id: str = "north", unit_id: str = "ed") -> pd.DataFrame:
    rows = [(site_id, unit_id, "bed_census", hour, value) for hour, value in values.items()]
    return OBSERVATION.conform(pd.DataFrame(rows, columns=OBSERVATION.columns.names))


def hour(number: int) -> datetime:
    """Counted from the first issue time, back when negative."""
    return FIRST + timedelta(hours=number)


def known(engine: sa.Engine, issued_at: datetime) -> dict[datetime, float | None]:
    frame = warehouse.observations(engine, ["north"], None, LONG_AGO, issued_at)
    hours, values = frame["valid_at"].tolist(), frame["value"].tolist()
    return {hour: None if math.isnan(value) else value for hour, value in zip(hours, values, strict=True)}


def versions(engine: sa.Engine) -> int:
    with engine.connect() as connection:
        return connection.execute(sa.select(sa.func.count()).select_from(tables.OBSERVATION)).scalar_one()


def test_what_goes_in_comes_out_as_the_schema_says(engine: sa.Engine) -> None:
    frame = read({hour(-3): 4.25, hour(-2): None, hour(-1): 0.0})
    assert warehouse.record_observations(engine, "north", FIRST, frame) == 3
    out = warehouse.observations(engine, ["north"], "bed_census", LONG_AGO, FIRST)
    assert_frame_equal(out, frame)
    assert str(out["valid_at"].dtype) == "datetime64[us, UTC]"


def test_an_empty_warehouse_gives_no_rows_of_the_right_types(engine: sa.Engine) -> None:
    frame = warehouse.observations(engine, ["north"], None, LONG_AGO, FIRST)
    assert_frame_equal(frame, OBSERVATION.empty())
    assert warehouse.last_observed(engine, "north", FIRST) is None
    assert warehouse.record_observations(engine, "north", FIRST, OBSERVATION.empty()) == 0


def test_the_span_of_a_target_is_that_of_its_values(engine: sa.Engine) -> None:
    assert warehouse.observed_span(engine, ["north"], "bed_census") is None
    warehouse.record_observations(
        engine, "north", FIRST, read({hour(-4): None, hour(-3): 5, hour(-2): 6, hour(-1): None})
    )
    warehouse.record_observations(engine, "west", FIRST, read({hour(-9): 1}, site_id="west"))
    assert warehouse.observed_span(engine, ["north"], "bed_census") == (hour(-3), hour(-2))
    assert warehouse.observed_span(engine, ["north", "west"], "bed_census") == (hour(-9), hour(-2))
    assert warehouse.observed_span(engine, ["north"], "ed_arrivals") is None


def test_a_late_row_is_a_new_version_and_the_past_night_keeps_its_own(engine: sa.Engine) -> None:
    warehouse.record_observations(engine, "north", FIRST, read({hour(-2): 5, hour(-1): 7}))
    taken_up = warehouse.record_observations(
        engine, "north", SECOND, read({hour(-2): 5, hour(-1): 8, hour(0): 9})
    )
    assert taken_up == 2
    assert known(engine, FIRST) == {hour(-2): 5, hour(-1): 7}
    assert known(engine, SECOND) == {hour(-2): 5, hour(-1): 8, hour(0): 9}


def test_a_silent_hour_is_not_news_twice_and_a_value_for_it_is(engine: sa.Engine) -> None:
    warehouse.record_observations(engine, "north", FIRST, read({hour(-1): None}))
    assert warehouse.record_observations(engine, "north", SECOND, read({hour(-1): None})) == 0
    assert warehouse.record_observations(engine, "north", THIRD, read({hour(-1): 0.0})) == 1
    assert known(engine, SECOND) == {hour(-1): None}
    assert known(engine, THIRD) == {hour(-1): 0.0}


def test_a_night_read_twice_leaves_the_same_rows(engine: sa.Engine) -> None:
    frame = read({hour(-2): 5, hour(-1): None})
    assert warehouse.record_observations(engine, "north", FIRST, frame) == 2
    assert warehouse.record_observations(engine, "north", FIRST, frame) == 2
    assert versions(engine) == 2


def test_a_night_read_again_drops_what_is_no_longer_there(engine: sa.Engine) -> None:
    warehouse.record_observations(engine, "north", FIRST, read({hour(-2): 5, hour(-1): 7}))
    warehouse.record_observations(engine, "north", FIRST, read({hour(-2): 6}))
    assert known(engine, FIRST) == {hour(-2): 6}


def test_reading_an_old_night_again_changes_nothing_a_later_night_knew(engine: sa.Engine) -> None:
    warehouse.record_observations(engine, "north", FIRST, read({hour(-2): 5, hour(-1): 7}))
    warehouse.record_observations(engine, "north", SECOND, read({hour(-1): 7, hour(0): 9}))
    warehouse.record_observations(engine, "north", FIRST, read({hour(-1): 1}))
    assert known(engine, FIRST) == {hour(-1): 1}
    assert known(engine, SECOND) == {hour(-2): 5, hour(-1): 7, hour(0): 9}


def test_an_hour_that_is_told_no_more_is_missing_from_that_night_on(engine: sa.Engine) -> None:
    """Of a series with other hours, and of one that has none any more: a unit was merged into another."""
    first = [read({hour(-3): 5, hour(-2): 6, hour(-1): 7}, unit_id=unit) for unit in ("ed", "icu")]
    warehouse.record_observations(engine, "north", FIRST, pd.concat(first))
    second = read({hour(-3): 5, hour(-1): 7, hour(0): 9})
    assert warehouse.record_observations(engine, "north", SECOND, second) == 1 + 1 + 3
    assert warehouse.record_observations(engine, "north", SECOND, second) == 1 + 1 + 3
    now = warehouse.observations(engine, ["north"], None, LONG_AGO, SECOND)
    assert now.loc[now["value"].isna(), "unit_id"].tolist() == ["ed", "icu", "icu", "icu"]
    before = warehouse.observations(engine, ["north"], None, LONG_AGO, FIRST)
    assert before["value"].tolist() == [5, 6, 7] * 2
    third = read({hour(-2): 6, hour(-1): 7, hour(0): 9, hour(1): 1})
    assert warehouse.record_observations(engine, "north", THIRD, third) == 2


def test_a_source_that_was_purged_takes_nothing_back(engine: sa.Engine) -> None:
    """It tells one series from a later hour on than another."""
    told = [read({hour(-3): 5, hour(-2): 6, hour(-1): 7}, unit_id=unit) for unit in ("ed", "icu")]
    warehouse.record_observations(engine, "north", FIRST, pd.concat(told))
    later = pd.concat([told[0], read({hour(-1): 7}, unit_id="icu")])
    assert warehouse.record_observations(engine, "north", SECOND, later) == 0


def test_last_observed_is_what_earlier_nights_recorded(engine: sa.Engine) -> None:
    warehouse.record_observations(engine, "north", FIRST, read({hour(-2): 5, hour(-1): 7}))
    warehouse.record_observations(engine, "north", SECOND, read({hour(20): 5}))
    assert warehouse.last_observed(engine, "north", FIRST) is None
    assert warehouse.last_observed(engine, "north", SECOND) == hour(-1)
    assert warehouse.last_observed(engine, "north", THIRD) == hour(20)
    assert warehouse.last_observed(engine, "south", THIRD) is None


def test_sites_targets_and_times_are_told_apart(engine: sa.Engine) -> None:
    warehouse.record_observations(engine, "north", FIRST, read({hour(-3): 1, hour(-1): 2}))
    warehouse.record_observations(engine, "west", FIRST, read({hour(-1): 3}, site_id="west"))
    assert len(warehouse.observations(engine, ["north", "west"], None, LONG_AGO, FIRST)) == 3
    assert len(warehouse.observations(engine, ["north", "west"], "ed_arrivals", LONG_AGO, FIRST)) == 0
    assert warehouse.observations(engine, ["west"], None, LONG_AGO, FIRST)["value"].tolist() == [3]
    assert warehouse.observations(engine, ["north"], None, hour(-2), FIRST)["value"].tolist() == [2]


def test_rows_come_sorted_by_key_whatever_the_collation_each_once(engine: sa.Engine) -> None:
    """Databases sort by a language's rules, in which an underscore may come before or after a letter."""
    units = ["msa", "ms_b", "ms1", "ms"]
    for site_id in ("west", "north"):
        frames = [read({hour(-2): 1, hour(-1): 2}, site_id, unit_id) for unit_id in units]
        warehouse.record_observations(engine, site_id, FIRST, pd.concat(frames))
        warehouse.record_observations(engine, site_id, SECOND, read({hour(-1): 3}, site_id, "ms_b"))
    out = warehouse.observations(engine, ["west", "north", "west"], None, LONG_AGO, SECOND)
    assert_frame_equal(out, OBSERVATION.conform(out))
    assert len(out) == 2 * 2 * len(units)
    assert out.loc[out["unit_id"] == "ms_b", "value"].tolist() == [1, 3, 1, 3]


@pytest.mark.parametrize(
    ("frame", "complaint"),
    [
        (read({hour(-1): 1, hour(0): 1}), "1 hours start at or after the issue time"),
        (read({hour(-1): 1}, site_id="west"), "have site_id west; all must have north"),
    ],
    ids=["future", "other site"],
)
def test_rows_that_the_night_cannot_have_read_are_refused(
    engine: sa.Engine, frame: pd.DataFrame, complaint: str
) -> None:
    with pytest.raises(WarehouseError, match=complaint):
        warehouse.record_observations(engine, "north", FIRST, frame)
    assert versions(engine) == 0


def test_the_latest_observation_view_is_what_the_last_night_knows(engine: sa.Engine) -> None:
    warehouse.record_observations(engine, "north", FIRST, read({hour(-2): 5, hour(-1): 7}))
    warehouse.record_observations(engine, "north", SECOND, read({hour(-1): 8}))
    with engine.connect() as connection:
        values = connection.execute(
            sa.text("SELECT value FROM latest_observation ORDER BY valid_at")
        ).scalars()
        assert values.all() == [5, 8]


def test_two_years_of_a_site_are_recorded_in_seconds(engine: sa.Engine) -> None:
    hours = pd.date_range(LONG_AGO, periods=17_520, freq="h").as_unit("us")
    series = [
        pd.DataFrame(
            {
                "site_id": "north",
                "unit_id": f"unit_{number}",
                "target": "bed_census",
                "valid_at": hours,
                "value": np.arange(17_520.0) % 31,
            }
        )
        for number in range(12)
    ]
    started = datetime.now(UTC)
    assert warehouse.record_observations(engine, "north", FIRST, pd.concat(series)) == 210_240
    assert (datetime.now(UTC) - started).total_seconds() < 60


VALUES = st.one_of(st.none(), st.integers(0, 2).map(float))
READS = st.tuples(
    st.integers(0, 3),
    st.dictionaries(st.integers(-6, -1), VALUES),
)


@pytest.fixture(scope="module")
def on_disk(tmp_path_factory: pytest.TempPathFactory) -> sa.Engine:
    engine = warehouse.connect(f"sqlite:///{tmp_path_factory.mktemp('law') / 'warehouse.db'}")
    warehouse.migrate(engine)
    return engine


@settings(max_examples=40, deadline=None)
@given(reads=st.lists(READS, min_size=1, max_size=5))
def test_law_no_night_changes_what_another_knew_of_an_hour(
    on_disk: sa.Engine, reads: list[tuple[int, dict[int, float | None]]]
) -> None:
    with on_disk.begin() as connection:
        connection.execute(sa.delete(tables.OBSERVATION))
    issue_times = [FIRST + timedelta(days=day) for day in range(4)]
    took_something_up: set[int] = set()
    for day, values in reads:
        before = [known(on_disk, issued_at) for issued_at in issue_times]
        seen = {hour(number): value for number, value in values.items()}
        news = warehouse.record_observations(on_disk, "north", issue_times[day], read(seen))
        after = [known(on_disk, issued_at) for issued_at in issue_times]

        assert seen.items() <= after[day].items()
        for other in took_something_up - {day}:
            assert before[other].items() <= after[other].items()
        took_something_up = took_something_up | {day} if news else took_something_up - {day}


def test_all_versions_of_a_span_come_with_when_they_became_known(engine: sa.Engine) -> None:
    warehouse.record_observations(engine, "north", FIRST, read({hour(-3): 4.0, hour(-2): None}))
    warehouse.record_observations(engine, "north", SECOND, read({hour(-2): 6.0, hour(1): 7.0}))
    found = warehouse.observation_versions(engine, ["north"], "bed_census", hour(-3), hour(1))
    assert list(found.columns) == OBSERVATION_VERSION.columns.names
    told = list(zip(found["valid_at"], found["known_at"], found["value"].fillna(-1.0), strict=True))
    assert told == [(hour(-3), FIRST, 4.0), (hour(-2), FIRST, -1.0), (hour(-2), SECOND, 6.0)]
    nothing = warehouse.observation_versions(engine, ["west"], "bed_census", LONG_AGO, THIRD)
    assert_frame_equal(nothing, OBSERVATION_VERSION.empty())
