"""What a past night knew: versions by then, and the first version of what was recorded only later."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecasting.pipeline.backtest.history import known_at, outcomes
from forecasting.schema import OBSERVATION_VERSION

pytestmark = pytest.mark.unit

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
Version = tuple[int, int, float]


def versions(*rows: Version) -> pd.DataFrame:
    """Each (hour, known at hour, value), counted from noon."""
    table = pd.DataFrame(
        [
            ("north", "ed", "ed_arrivals", NOON + timedelta(hours=hour), NOON + timedelta(hours=known), value)
            for hour, known, value in rows
        ],
        columns=OBSERVATION_VERSION.columns.names,
    )
    return OBSERVATION_VERSION.conform(table)


def values(frame: pd.DataFrame) -> dict[int, float]:
    hours = (frame["valid_at"] - NOON) // pd.Timedelta(hours=1)
    return dict(zip(hours.tolist(), frame["value"].tolist(), strict=True))


def test_a_night_knows_the_newest_version_of_its_time_and_not_the_later_correction() -> None:
    rows = versions((-2, -1, 3.0), (-2, 0, 4.0), (-2, 24, 9.0))
    assert values(known_at(rows, NOON)) == {-2: 4.0}
    assert values(known_at(rows, NOON + timedelta(hours=24))) == {-2: 9.0}


def test_history_that_was_read_later_counts_as_it_was_first_read() -> None:
    rows = versions((-30, 48, 5.0), (-30, 72, 6.0))
    assert values(known_at(rows, NOON)) == {-30: 5.0}


def test_the_outcome_is_the_last_word() -> None:
    assert values(outcomes(versions((-2, -1, 3.0), (-2, 24, 9.0), (5, 24, 1.0)))) == {-2: 9.0, 5: 1.0}


def test_nothing_recorded_gives_no_rows() -> None:
    assert known_at(OBSERVATION_VERSION.empty(), NOON).empty


VERSIONS = st.lists(
    st.tuples(st.integers(-48, 48), st.integers(-48, 96), st.floats(0, 50)),
    unique_by=lambda version: version[:2],
    max_size=30,
)


@given(before=VERSIONS, after=VERSIONS)
def test_no_hour_at_or_after_the_issue_time_is_known_or_changes_what_is(
    before: list[Version], after: list[Version]
) -> None:
    past = [row for row in before if row[0] < 0]
    one = known_at(versions(*past), NOON)
    other = known_at(versions(*past, *(row for row in after if row[0] >= 0)), NOON)
    pd.testing.assert_frame_equal(one, other)
    assert (other["valid_at"] < NOON).all()


@given(before=VERSIONS, corrections=VERSIONS)
def test_a_correction_made_after_the_issue_time_changes_nothing(
    before: list[Version], corrections: list[Version]
) -> None:
    told = [row for row in before if row[0] < 0 and row[1] <= 0]
    hours = {row[0] for row in told}
    later = [row for row in corrections if row[0] in hours and row[1] > 0]
    pd.testing.assert_frame_equal(known_at(versions(*told), NOON), known_at(versions(*told, *later), NOON))
