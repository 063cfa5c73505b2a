"""What a dashboard is told of a night: as the warehouse and the stages have it, for a bad night too."""

from __future__ import annotations

from datetime import datetime, timedelta

import pandas as pd
import pytest
import sqlalchemy as sa
from published_night import NIGHT

from forecasting import pipeline, warehouse
from forecasting.deployment import Deployment
from forecasting.schema import QUARANTINED_ROW, VALIDATION_RESULT, NightState
from forecasting.warehouse import tables

pytestmark = pytest.mark.integration

KEY = pipeline.NightKey(NIGHT, "scheduled__1", "")


def _checked(place: Deployment, issued_at: datetime, hours: int, set_aside: dict[int, list[str]]) -> None:
    """North's validation: so many hours checked, and by hour before the issue time why it was set aside."""
    of = {"site_id": "north", "night": NIGHT, "table_name": "observation"}
    results = VALIDATION_RESULT.conform(
        pd.DataFrame(
            [
                {**of, "expectation": name, "column_name": "", "severity": "warn", "success": not set_aside}
                | {"checked_rows": rows, "failed_rows": len(set_aside), "detail": ""}
                for name, rows in (("of_all_rows", hours), ("of_one_target", hours // 3))
            ]
        )
    )
    rows = [
        {**of, "unit_id": "ward", "target": "bed_census", "reason": reason, "value": -1.0, "source_rows": 1}
        | {"valid_at": issued_at - timedelta(hours=hour)}
        for hour, reasons in set_aside.items()
        for reason in reasons
    ]
    rows.append({**rows[0], "table_name": "scheduled_shift", "reason": "no such role"})
    quarantined = QUARANTINED_ROW.conform(pd.DataFrame(rows))
    warehouse.record_validation(warehouse.connect(place.warehouse), "north", NIGHT, results, quarantined)


def test_a_published_site_tells_its_stages_and_how_much_of_its_data_was_set_aside(
    published_night: Deployment, issued_at: datetime
) -> None:
    _checked(
        published_night, issued_at, hours=200, set_aside={1: ["negative", "above the beds"], 2: ["negative"]}
    )
    north, west = pipeline.figures(published_night, KEY, ["north", "west"])
    assert (north.site_id, north.state) == ("north", NightState.PUBLISHED)
    assert {"forecast", "staff"} <= set(north.seconds)
    assert all(seconds >= 0 for seconds in north.seconds.values())
    assert north.quarantined_share == pytest.approx(2 / 200)
    assert west.quarantined_share is None


def test_hours_without_a_value_make_data_old(published_night: Deployment, issued_at: datetime) -> None:
    engine = warehouse.connect(published_night.warehouse)
    observed = tables.OBSERVATION
    with engine.begin() as connection:
        connection.execute(
            sa.update(observed)
            .where(observed.c.site_id == "north", observed.c.valid_at >= issued_at - timedelta(hours=5))
            .values(value=None)
        )
        connection.execute(sa.delete(observed).where(observed.c.site_id == "west"))
    north, west = pipeline.figures(published_night, KEY, ["north", "west"])
    assert north.stale_hours == 5
    assert west.stale_hours == 14 * 24


def test_a_night_that_was_never_opened_has_no_state_and_fresh_data_are_not_old(
    published_night: Deployment,
) -> None:
    (fresh,) = pipeline.figures(published_night, KEY, ["north"])
    assert fresh.stale_hours == 0
    tomorrow = pipeline.NightKey(NIGHT + timedelta(days=1), "scheduled__2", "")
    (unopened,) = pipeline.figures(published_night, tomorrow, ["north"])
    assert unopened.state is None
    assert dict(unopened.seconds) == {}
    assert unopened.stale_hours == 24
